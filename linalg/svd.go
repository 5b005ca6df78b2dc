package linalg

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/internal/kernel/f64"
)

// SVD is the thin singular value decomposition A = U·diag(Values)·Vᵀ of an m×n matrix,
// with k = min(m, n) terms.
type SVD struct {
	// Values are the k singular values, the largest first, each ≥ 0.
	Values []float64
	// U is m×k and V n×k, both with orthonormal columns. The sign of a pair of columns
	// is arbitrary.
	U, V *Dense[float64]
}

// NewSVD decomposes a, which stays as it is and may have any shape, on at most workers
// goroutines, 0 for GOMAXPROCS; the result does not depend on their number.
//
// Singular values have errors of about max(m, n)·ε·‖A‖₂ at most, as have those of other
// methods that begin with orthogonal transformations, and those below count as zero. It
// returns an error that wraps gram.ErrNonFinite for a NaN or an infinity.
//
// After A = Q·R, the eigenvectors of RᵀR, by divide and conquer, make the columns of
// R·V orthogonal as far as they are not below 1e-5 of the largest; the rest is treated
// in the same way by itself, until nothing above rounding is left. Rotations of pairs
// of columns, the one-sided method of M. Hestenes, Inversion of matrices by
// biorthogonalization and related results, J. SIAM 6 (1958), then take out what
// squaring the condition has cost. O(4mn² + 8n³) for m ≥ n, nearly all of it
// products.
func NewSVD(workers int, a *Dense[float64]) (*SVD, error) {
	a.checkShape("A")
	if err := checkFinite(a, nil); err != nil {
		return nil, err
	}
	if a.Rows == 0 || a.Cols == 0 {
		return &SVD{U: &Dense[float64]{Rows: a.Rows}, V: &Dense[float64]{Rows: a.Cols}}, nil
	}
	wide := a.Rows < a.Cols
	var at *Dense[float64]
	if wide {
		at = CopyOf[float64](a)
	} else {
		at = transposeOf(a)
	}
	var largest float64
	for i := range at.Rows {
		row := at.Row(i)
		largest = max(largest, abs(row[argMaxAbs(row)]))
	}
	exponent := rescale(at, largest)
	s, err := tallSVD(workers, at)
	if err != nil {
		return nil, err
	}
	for i, v := range s.Values {
		s.Values[i] = math.Ldexp(v, exponent)
	}
	if wide {
		s.U, s.V = s.V, s.U
	}
	return s, nil
}

// tallSVD decomposes the matrix with the transpose at, which it overwrites.
func tallSVD(workers int, at *Dense[float64]) (*SVD, error) {
	n := at.Rows
	q := factorQR(workers, at)
	p := pairs{workers: workers, b: NewDense[float64](n, n, nil), vt: NewDense[float64](n, n, nil)}
	for i := range n {
		copy(p.b.Row(i), at.Row(i)[:i+1]) // Rᵀ
		p.vt.Row(i)[i] = 1
	}
	p.noise = float64(at.Cols) * epsilon * frobenius(p.b)
	if err := p.orthogonalize(0, n); err != nil {
		return nil, err
	}
	p.polish()
	values := p.normalize()
	// Rows of b are now those of the transpose of R's left vectors: take them through Q.
	ut := NewDense[float64](n, at.Cols, nil)
	for i := range n {
		copy(ut.Row(i), p.b.Row(i))
	}
	q.apply(workers, blas.NoTrans, ut)
	return &SVD{Values: values, U: transposeOf(ut), V: transposeOf(p.vt)}, nil
}

// frobenius returns the root of the sum of squares.
func frobenius(a *Dense[float64]) float64 {
	norms := make([]float64, a.Rows)
	for i := range norms {
		norms[i] = Nrm2(a.Row(i))
	}
	return Nrm2(norms)
}

// pairs are the columns of a matrix B, as rows of b, and V, as rows of vt, such that B·Vᵀ
// stays as it is.
type pairs struct {
	workers int
	b, vt   *Dense[float64]
	noise   float64 // the norm below which a column is rounding
}

// resolved is the ratio of squared singular values down to which the eigenvectors of BᵀB
// tell them apart.
const resolved = 1e-10

// orthogonalize makes rows lo ≤ i < hi of b orthogonal, but for rounding beside the
// largest of each stretch that the eigenvectors resolve.
func (p *pairs) orthogonalize(lo, hi int) error {
	for lo < hi {
		k, n := hi-lo, p.b.Cols
		b, vt := p.b.Slice(lo, hi, 0, n), p.vt.Slice(lo, hi, 0, n)
		size := frobenius(b)
		if size <= p.noise {
			return nil
		}
		scaled := CopyOf[float64](b)
		Scal(1/size, scaled.Data)
		g := NewDense[float64](k, k, nil)
		SyrkParallel(p.workers, blas.Upper, blas.NoTrans, 1, scaled, 0, g)
		values, w, err := symEigen(p.workers, g, k)
		if err != nil {
			return err
		}
		for _, m := range []*Dense[float64]{b, vt} {
			old := CopyOf[float64](m)
			GemmParallel(p.workers, blas.NoTrans, blas.NoTrans, 1, w, old, 0, m)
		}
		// At least the first is resolved, so that this ends.
		done := 1
		for done < k && values[done] > resolved*values[0] {
			done++
		}
		lo += done
	}
	return nil
}

// polish rotates pairs of rows until those above the noise are orthogonal to working
// accuracy. Products find the pairs in need, of which there are few.
func (p *pairs) polish() {
	const sweeps = 30
	n := p.b.Rows
	g, unit := NewDense[float64](n, n, nil), NewDense[float64](n, n, nil)
	tol := (4 + float64(n)/2) * epsilon
	for range sweeps {
		for i := range n {
			row := unit.Row(i)
			copy(row, p.b.Row(i))
			if norm := Nrm2(row); norm > p.noise {
				Scal(1/norm, row)
			} else {
				clear(row)
			}
		}
		SyrkParallel(p.workers, blas.Upper, blas.NoTrans, 1, unit, 0, g)
		rotated := false
		for i := range n {
			for j := i + 1; j < n; j++ {
				if math.Abs(g.Row(i)[j]) > tol && p.rotate(i, j, tol) {
					rotated = true
				}
			}
		}
		if !rotated {
			return
		}
	}
}

// rotate makes rows i and j orthogonal, the longer one first, and tells whether they were not.
func (p *pairs) rotate(i, j int, tol float64) bool {
	x, y := p.b.Row(i), p.b.Row(j)
	nx, ny := Nrm2(x), Nrm2(y)
	if nx <= p.noise || ny <= p.noise {
		return false
	}
	cosine := Dot(x, y) / nx / ny
	if math.Abs(cosine) <= tol {
		return false
	}
	zeta := (ny/nx - nx/ny) / (2 * cosine)
	t := math.Copysign(1/(math.Abs(zeta)+math.Hypot(1, zeta)), zeta)
	c := 1 / math.Hypot(1, t)
	f64.Rot(x, y, c, -c*t)
	f64.Rot(p.vt.Row(i), p.vt.Row(j), c, -c*t)
	return true
}

// normalize sorts the pairs by the norms of the rows of b, which it returns, and makes
// these rows orthonormal. Those in the noise are replaced by what completes the others.
func (p *pairs) normalize() []float64 {
	n := p.b.Rows
	norms, order := make([]float64, n), make([]int, n)
	for i := range n {
		norms[i], order[i] = Nrm2(p.b.Row(i)), i
	}
	slices.SortStableFunc(order, func(i, j int) int { return compare(norms[j], norms[i]) })
	b, vt, values := NewDense[float64](n, n, nil), NewDense[float64](n, n, nil), make([]float64, n)
	rank := 0
	for to, from := range order {
		copy(b.Row(to), p.b.Row(from))
		copy(vt.Row(to), p.vt.Row(from))
		values[to] = norms[from]
		if norms[from] > p.noise {
			Scal(1/norms[from], b.Row(to))
			rank++
		}
	}
	p.b, p.vt = b, vt
	if rank < n {
		f := factorQR(p.workers, CopyOf[float64](b.Slice(0, rank, 0, n)))
		rest := NewDense[float64](n-rank, n, nil)
		for i := range rest.Rows {
			rest.Row(i)[rank+i] = 1
		}
		f.apply(p.workers, blas.NoTrans, rest)
		copyInto(b.Slice(rank, n, 0, n), rest)
	}
	return values
}
