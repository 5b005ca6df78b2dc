package linear

import (
	"context"
	"math"

	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
	"gonum.org/v1/gonum/blas"
)

// A spectrum is the singular value decomposition
//
//	√W·(X − 1·mᵀ) = U·S·Vᵀ
//
// with m the weighted means of the columns, or 0 without an intercept. It holds U
// or what makes rows of U of rows of X. With it ridge regression is solved for any
// strength of the penalty, in the directions one by one.
type spectrum struct {
	p      *problem
	y      []float64
	yMean  float64
	square []float64 // S², of the directions that are not 0 but for rounding
	g      []float64 // Uᵀ·√W·(y − ȳ)

	u     *linalg.Dense[float64] // U, or nil for
	v     *linalg.Dense[float64] // V·S⁻¹, whose product with a row less its means is one of U
	means []float64              // m in p.x
	shift []float64              // mᵀ·V·S⁻¹
}

// spectrum decomposes the triangle, with features in their own units.
func (f *factored) spectrum(y []float64) (*spectrum, error) {
	s := &spectrum{p: f.p, y: y, yMean: f.yMean, means: make([]float64, f.a.Cols)}
	if f.p.std.intercept {
		s.yMean += f.linkY / f.root
	}
	b := linalg.NewDense[float64](f.a.Rows, f.a.Cols, nil)
	for j, scale := range f.p.std.scale {
		if math.IsInf(scale, 1) {
			continue
		}
		if f.p.std.intercept {
			s.means[j] = f.p.std.mean[j] + scale*(f.link[j]/f.root)
		}
		for i := range b.Rows {
			b.Set(i, j, scale*f.a.At(i, j))
		}
	}
	svd, err := linalg.NewSVD(f.p.workers, b)
	if err != nil {
		return nil, err
	}
	const eps = 0x1p-52
	rank, most := 0, min(len(svd.Values), s.freedom())
	for rank < most && svd.Values[rank] > 8*eps*float64(max(b.Rows, b.Cols))*svd.Values[0] {
		rank++
	}
	s.v = linalg.NewDense[float64](b.Cols, rank, nil)
	for j := range b.Cols {
		for k, value := range svd.Values[:rank] {
			s.v.Set(j, k, svd.V.At(j, k)/value)
		}
	}
	s.shift = make([]float64, rank)
	f64.AxpyRows(s.means, s.v.Data, s.v.Stride, s.shift)
	for k, value := range svd.Values[:rank] {
		s.square = append(s.square, value*value)
		s.g = append(s.g, columnDot(svd.U, k, f.c))
	}
	return s, nil
}

// newDual decomposes the inner products of the rows, for few rows of many features.
func newDual(ctx context.Context, p *problem, y []float64) (*spectrum, error) {
	n, d := p.x.Dims()
	s := &spectrum{p: p, y: y, means: make([]float64, d)}
	if p.std.intercept {
		s.yMean = weightedMean(y, p.w)
		p.x.AddTransMulRows(s.means, 0, n, p.w, 1)
		f64.Scal(1/p.weight, s.means)
	}
	k, err := p.inner(ctx, s.means)
	if err != nil {
		return nil, err
	}
	eigen, err := linalg.NewSymEigen(p.workers, k, n)
	if err != nil {
		return nil, err
	}
	const eps = 0x1p-52
	rank := 0
	for rank < s.freedom() && eigen.Values[rank] > 8*eps*float64(n)*eigen.Values[0] {
		rank++
	}
	s.square, s.u, s.g = eigen.Values[:rank], eigen.Vectors.Slice(0, n, 0, rank), make([]float64, rank)
	for i, v := range y {
		f64.Axpy(math.Sqrt(p.w[i])*(v-s.yMean), s.u.Row(i), s.g)
	}
	return s, nil
}

// inner returns the inner products of rows less the means, times the roots of their
// weights, for a block of rows at a time that is made dense.
func (p *problem) inner(ctx context.Context, means []float64) (*linalg.Dense[float64], error) {
	n, d := p.x.Dims()
	out := linalg.NewDense[float64](n, n, nil)
	size := max(1, min(64, blockElements*16/d))
	err := par.ForWorker(ctx, p.workers, n, size, func(worker, _, lo, hi int) {
		t := &p.work[worker]
		rows := hi - lo
		block, stride := denseBlock(p.x, span{lo, hi}, &t.a)
		b := grow(&t.b, (d+n)*rows)
		b, z := b[:d*rows], b[d*rows:]
		ones := grow(&t.c, rows)
		for i := range rows {
			ones[i] = 0
			for j, v := range block[i*stride : i*stride+d] {
				b[j*rows+i] = v - means[j]
				ones[i] += means[j] * (v - means[j])
			}
		}
		p.x.MulRows(z, 0, n, b, rows)
		for k := range n {
			for i := range rows {
				out.Data[(lo+i)*n+k] = math.Sqrt(p.w[k]*p.w[lo+i]) * (z[k*rows+i] - ones[i])
			}
		}
	})
	return out, err
}

// rows sets dst to rows of U.
func (s *spectrum) rows(dst []float64, of span) {
	rank := len(s.square)
	if s.u != nil {
		for i := of.lo; i < of.hi; i++ {
			copy(dst[(i-of.lo)*rank:], s.u.Row(i))
		}
		return
	}
	s.p.x.MulRows(dst, of.lo, of.hi, s.v.Data, rank)
	for i := of.lo; i < of.hi; i++ {
		root := math.Sqrt(s.p.w[i])
		row := dst[(i-of.lo)*rank:][:rank]
		for k, v := range s.shift {
			row[k] = root * (row[k] - v)
		}
	}
}

// leaveOneOut returns the error for each strength. With the residual r of a row and its
// leverage h, what a fit without the row leaves is r/(1 − h). Both r and 1 − h are sums
// over the directions of alpha/(S² + alpha), which do not cancel where alpha is small,
// and of what is not in the directions.
func (s *spectrum) leaveOneOut(ctx context.Context, alphas []float64) ([]float64, error) {
	n, rank, count := len(s.y), len(s.square), len(alphas)
	share := make([]float64, rank*count) // alpha/(S² + alpha)
	part := make([]float64, rank*count)  // that times g
	for k, sq := range s.square {
		for a, alpha := range alphas {
			share[k*count+a] = alpha / (sq + alpha)
			part[k*count+a] = share[k*count+a] * s.g[k]
		}
	}
	rows := min(max(blockElements/max(rank, 1)&^7, 16), 512)
	sums := make([]float64, par.Blocks(n, rows)*count)
	type memory struct{ u, r, h []float64 }
	work := make([]memory, s.p.workers)
	all := rank > 0 && rank == s.freedom()
	err := par.ForWorker(ctx, s.p.workers, n, rows, func(worker, block, lo, hi int) {
		t := &work[worker]
		u, r, h := grow(&t.u, (hi-lo)*rank), grow(&t.r, (hi-lo)*count), grow(&t.h, (hi-lo)*count)
		s.rows(u, span{lo, hi})
		dense := linalg.NewDense(hi-lo, rank, u)
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, dense, linalg.NewDense(rank, count, part), 0, linalg.NewDense(hi-lo, count, r))
		restR, restH := make([]float64, hi-lo), make([]float64, hi-lo)
		if !all {
			s.outside(restR, restH, dense, lo)
		}
		for i, v := range u {
			u[i] = v * v
		}
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, dense, linalg.NewDense(rank, count, share), 0, linalg.NewDense(hi-lo, count, h))
		for i, w := range s.p.w[lo:hi] {
			if w == 0 {
				continue
			}
			for a := range count {
				e := leftOut(r[i*count+a]+restR[i], h[i*count+a]+restH[i], w)
				sums[block*count+a] += e * e * (w / s.p.weight)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for at := count; at < len(sums); at += count {
		f64.Axpy(1, sums[at:at+count], sums[:count])
	}
	return sums[:count], nil
}

// leftOut returns the error of a row of weight w that is left out, one repetition of it
// at most, given √w times its residual and 1 − h with h the leverage of all of it.
func leftOut(r, rest, w float64) float64 {
	if w > 1 {
		rest = 1 - (1-rest)/w
	}
	if !(rest > 0) {
		return math.Inf(1)
	}
	return r / math.Sqrt(w) / rest
}

// freedom returns the dimension of what rows of positive weight may have as targets, less
// their mean.
func (s *spectrum) freedom() int {
	rows := 0
	for _, w := range s.p.w {
		if w > 0 {
			rows++
		}
	}
	if s.p.std.intercept {
		rows--
	}
	return rows
}

// outside sets r and h to what of the targets and of the unit vectors of rows lo and
// after is outside of U, and of the intercept.
func (s *spectrum) outside(r, h []float64, u *linalg.Dense[float64], lo int) {
	for i := range r {
		w, row := s.p.w[lo+i], u.Row(i)
		r[i] = math.Sqrt(w)*(s.y[lo+i]-s.yMean) - f64.Dot(row, s.g)
		h[i] = 1 - f64.SumSquares(row)
		if s.p.std.intercept {
			h[i] -= w / s.p.weight
		}
		h[i] = max(h[i], 0)
	}
}

// predictor returns the model for a strength.
func (s *spectrum) predictor(ctx context.Context, alpha float64) (LinearPredictor, error) {
	n, d := s.p.x.Dims()
	m := LinearPredictor{coef: make([]float64, d), intercept: s.yMean}
	c := make([]float64, len(s.g))
	for k, g := range s.g {
		c[k] = g / (s.square[k] + alpha)
	}
	if s.u == nil {
		for k, sq := range s.square {
			c[k] *= sq
		}
		f64.DotRows(m.coef, s.v.Data, s.v.Stride, c)
	} else {
		a := make([]float64, n)
		f64.DotRows(a, s.u.Data, s.u.Stride, c)
		for i, w := range s.p.w {
			a[i] *= math.Sqrt(w)
		}
		s.p.x.AddTransMulRows(m.coef, 0, n, a, 1)
		f64.Axpy(-f64.Sum(a), s.means, m.coef)
	}
	if !s.p.std.intercept {
		m.intercept = 0
		return m, ctx.Err()
	}
	m.intercept -= f64.Dot(s.means, m.coef)
	if s.p.offset != nil {
		m.intercept -= f64.Dot(s.p.offset, m.coef)
	}
	return m, ctx.Err()
}
