package decomp

import (
	"context"
	"math"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/sparse"
)

// divergence iterates for the loss of Kullback and Leibler. Blocks of scores are kept row by
// row here.
type divergence struct {
	*factors
	sparse bool
	// floor is added to the product, so that nothing is divided by zero.
	floor float64
	// totals are the sums of the rows of the basis.
	totals []float64
}

func newDivergence(f *factors) *divergence {
	v := &divergence{factors: f, floor: f.largest * ratioFloor, totals: make([]float64, f.k)}
	switch f.s.X.(type) {
	case *sparse.CSR[float64], *sparse.CSR[float32]:
		v.sparse = true
	}
	buf := make([]float64, f.rows*f.k)
	for lo := 0; lo < f.s.n; lo += f.group {
		for a := lo; a < min(f.s.n, lo+f.group); a += f.rows {
			b := min(f.s.n, lo+f.group, a+f.rows)
			z := f.z[a*f.k : b*f.k]
			transposeInto(buf, z, f.k, b-a)
			copy(z, buf)
		}
	}
	return v
}

// ratioFloor bounds the ratio of an element of X and of the product.
const ratioFloor = 1e-200

// divergenceSums is what a stretch of rows adds to the sums that the basis is found from.
type divergenceSums struct {
	cross    []float64 // Σ w·z·x/q, d×k
	totals   []float64 // Σ w·z
	residual float64
	q, num   []float64 // memory of a block
}

// sumBasis takes the sums of the rows of the basis.
func (v *divergence) sumBasis() {
	for j := range v.k {
		v.totals[j] = f64.Sum(v.h.Row(j))
	}
}

// iterate is one iteration: the scores by the ratios x/q, then the basis by the new ones.
func (v *divergence) iterate(ctx context.Context) (residual float64, err error) {
	k, d := v.k, v.d
	v.sumBasis()
	parts := make([]divergenceSums, v.stretches())
	err = v.eachBlock(ctx, func(b, lo, hi int) {
		p := &parts[b]
		if p.cross == nil {
			p.cross, p.totals = make([]float64, d*k), make([]float64, k)
		}
		if v.sparse {
			v.entriesBlock(p, lo, hi)
		} else {
			v.denseBlock(p, lo, hi)
		}
	})
	if err != nil {
		return 0, err
	}
	sum := &parts[0]
	for _, p := range parts[1:] {
		f64.Axpy(1, p.cross, sum.cross)
		f64.Axpy(1, p.totals, sum.totals)
		sum.residual += p.residual
	}
	steps := 0.0
	for j := range k {
		row, total := v.h.Row(j), sum.totals[j]
		for i, x := range row {
			if c := sum.cross[i*k+j]; total > 0 {
				steps += math.Abs(x * (total - c))
				row[i] = x * c / total
			}
		}
	}
	v.setOut(v.h)
	if residual = max(sum.residual, steps); v.sum > 0 {
		residual /= v.sum
	}
	return residual, nil
}

// scale multiplies the scores z of a row by num over the totals of the basis and adds what
// that says about convergence.
func (v *divergence) scale(p *divergenceSums, w float64, z, num []float64) {
	for j, x := range z {
		if total := v.totals[j]; total > 0 {
			p.residual += w * math.Abs(x*(total-num[j]))
			z[j] = x * num[j] / total
		}
	}
}

// weigh sets zw to w·z and adds it to the totals.
func (p *divergenceSums) weigh(zw, z []float64, w float64) {
	copy(zw, z)
	f64.Scal(w, zw)
	f64.Axpy(1, zw, p.totals)
}

// divide sets q to x/(q + floor).
func divide(q, x []float64, floor float64) {
	x = x[:len(q)]
	for i, v := range q {
		q[i] = x[i] / (v + floor)
	}
}

// denseBlock treats rows lo ≤ i < hi by products of matrices.
func (v *divergence) denseBlock(p *divergenceSums, lo, hi int) {
	k, d, m := v.k, v.d, hi-lo
	q, num := linalg.NewDense(m, d, grow(&p.q, m*d)), linalg.NewDense(m, k, grow(&p.num, m*k))
	z := linalg.NewDense(m, k, v.z[lo*k:hi*k])
	ratios := func() {
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, z, v.h, 0, q)
		v.s.eachRow(lo, hi, func(i int, _ []uint32, x []float64) { divide(q.Row(i-lo), x, v.floor) })
	}
	ratios()
	linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, q, v.ht, 0, num)
	for i := range m {
		v.scale(p, v.weight(lo+i), z.Row(i), num.Row(i))
	}
	ratios()
	for i := range m {
		p.weigh(num.Row(i), z.Row(i), v.weight(lo+i))
	}
	linalg.Gemm(blas.Trans, blas.NoTrans, 1, q, num, 1, linalg.NewDense(d, k, p.cross))
}

// entriesBlock treats rows lo ≤ i < hi by their entries.
func (v *divergence) entriesBlock(p *divergenceSums, lo, hi int) {
	k := v.k
	num := grow(&p.num, k)
	v.s.eachRow(lo, hi, func(i int, col []uint32, val []float64) {
		z := v.z[i*k : (i+1)*k]
		clear(num)
		for e, c := range col {
			at := v.ht.Row(int(c))
			f64.Axpy(val[e]/(f64.Dot(at, z)+v.floor), at, num)
		}
		w := v.weight(i)
		v.scale(p, w, z, num)
		p.weigh(num, z, w)
		for e, c := range col {
			ratio := val[e] / (f64.Dot(v.ht.Row(int(c)), z) + v.floor)
			f64.Axpy(ratio, num, p.cross[int(c)*k:(int(c)+1)*k])
		}
	})
}

// loss returns the divergence of X from the product of the factors.
func (v *divergence) loss(ctx context.Context) (float64, error) {
	v.sumBasis()
	parts := make([]float64, v.stretches())
	err := v.eachBlock(ctx, func(b, lo, hi int) {
		q := make([]float64, v.d)
		v.s.eachRow(lo, hi, func(i int, col []uint32, val []float64) {
			z := v.z[i*v.k : (i+1)*v.k]
			if col == nil {
				clear(q)
				f64.AxpyRows(z, v.h.Data, v.d, q)
				parts[b] += v.weight(i) * rowDivergence(val, q, v.floor)
				return
			}
			at := q[:len(col)]
			for e, c := range col {
				at[e] = f64.Dot(v.ht.Row(int(c)), z)
			}
			rest := max(0, f64.Dot(z, v.totals)-f64.Sum(at))
			parts[b] += v.weight(i) * (rowDivergence(val, at, v.floor) + rest)
		})
	})
	return max(0, f64.Sum(parts)), err
}

// rowDivergence returns Σ x·ln(x/q) − x + q.
func rowDivergence(x, q []float64, floor float64) float64 {
	sum := 0.0
	for j, v := range x {
		if sum += q[j]; v > 0 {
			sum += v*math.Log(v/(q[j]+floor)) - v
		}
	}
	return sum
}
