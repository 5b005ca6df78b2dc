package linalg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
)

// SymEigen holds eigenvalues and eigenvectors of a symmetric matrix of order n.
type SymEigen struct {
	// Values are the k eigenvalues, the largest first.
	Values []float64
	// Vectors is n×k: column j is the eigenvector of Values[j], of length 1 and
	// orthogonal to the others. Its sign is arbitrary.
	Vectors *Dense[float64]
}

// NewSymEigen decomposes the symmetric matrix whose upper triangle is in a; its lower
// triangle is not read and a stays as it is. It returns the k largest eigenvalues and
// their eigenvectors, or all n for k = n. At most workers goroutines run, 0 for
// GOMAXPROCS; the result does not depend on their number.
//
// Eigenvalues have errors of about n·ε·‖A‖₂ at most. It returns an error that wraps
// gram.ErrNonFinite for a NaN or an infinity. It panics if a is not square or k is not
// in 0..n. O(n³): 4n³/3 for the reduction to a tridiagonal matrix, at most 4n³/3 for that
// one's eigenvectors, and 2n²k to take them back.
//
// The tridiagonal matrix is decomposed by the method of J. Cuppen, A divide and
// conquer method for the symmetric tridiagonal eigenproblem, Numer. Math. 36 (1981),
// made stable by M. Gu and S. Eisenstat, A divide-and-conquer algorithm for the
// symmetric tridiagonal eigenproblem, SIAM J. Matrix Anal. Appl. 16 (1995).
func NewSymEigen(workers int, a *Dense[float64], k int) (*SymEigen, error) {
	checkSquare("SymEigen", a)
	n := a.Rows
	if k < 0 || n < k {
		panic(fmt.Sprintf("linalg: %d eigenvalues of a matrix of order %d", k, n))
	}
	upper := func(i int) int { return i }
	if err := checkFinite(a, upper); err != nil {
		return nil, err
	}
	if n == 0 {
		return &SymEigen{Vectors: &Dense[float64]{}}, nil
	}
	work := NewDense[float64](n, n, nil)
	var largest float64
	for i := range n {
		row := work.Row(i)[i:]
		copy(row, a.Row(i)[i:])
		largest = max(largest, abs(row[argMaxAbs(row)]))
	}
	exponent := rescale(work, largest)
	values, vt, err := symEigen(workers, work, k)
	if err != nil {
		return nil, err
	}
	for i, v := range values {
		values[i] = math.Ldexp(v, exponent)
	}
	return &SymEigen{Values: values, Vectors: transposeOf(vt)}, nil
}

// rescale divides a by the power of two that brings its largest magnitude near 1, so
// that nothing overflows and what is lost below is small beside it, and returns the power.
func rescale(a *Dense[float64], largest float64) (exponent int) {
	if largest == 0 || 0x1p-200 < largest && largest < 0x1p200 {
		return 0
	}
	_, exponent = math.Frexp(largest)
	for i := range a.Rows {
		row := a.Row(i)
		for j, v := range row {
			row[j] = math.Ldexp(v, -exponent)
		}
	}
	return exponent
}

// symEigen is NewSymEigen for the upper triangle of a, which it overwrites. Rows of vt
// are the eigenvectors.
func symEigen(workers int, a *Dense[float64], k int) (values []float64, vt *Dense[float64], err error) {
	n := a.Rows
	d, e, tau := make([]float64, n), make([]float64, n), make([]float64, n)
	tridiagonalize(workers, a, d, e, tau)
	c := conquest{workers: workers, q: NewDense[float64](n, n, nil), old: NewDense[float64](n, n, nil)}
	order, ok := c.divide(d, e, 0, n)
	if !ok {
		return nil, nil, fmt.Errorf("eigenvalues of a tridiagonal block: %w", gram.ErrNotConverged)
	}
	values, vt = make([]float64, k), c.old.Slice(0, k, 0, n)
	for i := range k {
		from := order[n-1-i]
		values[i] = d[from]
		copy(vt.Row(i), c.q.Row(from))
	}
	for j := (n - 2) / qrPanel * qrPanel; j >= 0 && n > 2; j -= qrPanel {
		w := min(qrPanel, n-2-j)
		if w <= 0 {
			continue
		}
		panel := a.Slice(j, j+w, j+1, n)
		reflect(workers, vt.Slice(0, k, j+1, n), panel, compactWY(panel, tau[j:j+w]), blas.Trans)
	}
	return values, vt, nil
}

// compactWY returns the triangle T of reflectors that were made one by one.
func compactWY(panel *Dense[float64], tau []float64) *Dense[float64] {
	w := panel.Rows
	t, dots := NewDense[float64](w, w, nil), NewDense[float64](w, w, nil)
	restore := unitTriangle(panel)
	Syrk(blas.Upper, blas.NoTrans, 1, panel, 0, dots)
	restore()
	for j := range w {
		for i := range j {
			var s float64
			for p := i; p < j; p++ {
				s += t.Row(i)[p] * dots.Row(p)[j]
			}
			t.Row(i)[j] = -tau[j] * s
		}
		t.Row(j)[j] = tau[j]
	}
	return t
}

// tridiagonalPanel is the number of columns that are reduced before the rest is updated.
const tridiagonalPanel = 32

// tridiagonalize reduces the symmetric matrix in the upper triangle of a to the
// diagonal d and the elements e beside it. Row j of a then holds reflector j, of factor
// tau[j], from beyond its leading 1 in column j+1.
//
// J. Dongarra, D. Sorensen and S. Hammarling, Block reduction of matrices to condensed
// forms for eigenvalue computations, J. Comput. Appl. Math. 27 (1989).
func tridiagonalize(workers int, a *Dense[float64], d, e, tau []float64) {
	n := a.Rows
	const w = tridiagonalPanel
	vw, wv := NewDense[float64](2*w, n, nil), NewDense[float64](2*w, n, nil)
	parts := NewDense[float64](symvStripes, n, nil)
	coefs := make([]float64, 2*w)
	for j0 := 0; j0 < n; j0 += w {
		j1 := min(n, j0+w)
		for j := j0; j < j1; j++ {
			i := j - j0
			row := a.Row(j)[j:]
			// Rows of vw before 2i are v₀, w₀, v₁, w₁ …; of wv the same with each pair
			// exchanged: what the pairs take from row j.
			for p := range 2 * i {
				coefs[p] = -wv.Row(p)[j]
			}
			f64.AxpyRows(coefs[:2*i], vw.Data[j:], n, row)
			d[j] = row[0]
			if j == n-1 {
				break
			}
			x := row[1:]
			e[j], tau[j] = reflector(x)
			beta := x[0]
			x[0] = 1
			v, y := vw.Row(2 * i)[j+1:], vw.Row(2*i + 1)[j+1:]
			copy(v, x)
			clear(y)
			x[0] = beta
			if tau[j] != 0 {
				symvParallel(workers, a.Slice(j+1, n, j+1, n), v, y, parts)
				f64.DotRows(coefs[:2*i], wv.Data[j+1:], n, v)
				for p := range 2 * i {
					coefs[p] = -coefs[p]
				}
				f64.AxpyRows(coefs[:2*i], vw.Data[j+1:], n, y)
				Scal(tau[j], y)
				Axpy(-tau[j]/2*Dot(y, v), v, y)
			}
			copy(wv.Row(2 * i)[j+1:], y)
			copy(wv.Row(2*i + 1)[j+1:], v)
		}
		if j1 < n {
			triangleGemm(workers, blas.Upper, blas.Trans, blas.NoTrans, -1,
				vw.Slice(0, 2*(j1-j0), j1, n), wv.Slice(0, 2*(j1-j0), j1, n), 1, a.Slice(j1, n, j1, n))
		}
	}
}

// symvStripes is the number of parts, of about the same number of elements, that the
// upper triangle is cut into for goroutines, where it is large.
const symvStripes = 4

// symvParallel adds A·x to y, where the upper triangle of A is stored. parts is
// symvStripes rows of scratch.
func symvParallel(workers int, a *Dense[float64], x, y []float64, parts *Dense[float64]) {
	n := a.Rows
	if n < 768 {
		symv(blas.Upper, 1, a, x, y)
		return
	}
	var bounds [symvStripes + 1]int
	for s := range bounds {
		bounds[s] = n - int(float64(n)*math.Sqrt(1-float64(s)/symvStripes))&^3
	}
	bounds[symvStripes] = n
	bounds[0] = 0
	par.For(nil, workers, symvStripes, 1, func(s, _, _ int) {
		lo, hi := bounds[s], bounds[s+1]
		part := parts.Row(s)[:n-lo]
		clear(part)
		symvRows(a, lo, hi, x, part)
	})
	for s := range symvStripes {
		Axpy(1, parts.Row(s)[:n-bounds[s]], y[bounds[s]:])
	}
}

// symvRows adds to y, which begins with row lo, what rows lo ≤ i < hi of the upper
// triangle contribute to A·x.
func symvRows(a *Dense[float64], lo, hi int, x, y []float64) {
	m := hi - lo
	symv(blas.Upper, 1, a.Slice(lo, hi, lo, hi), x[lo:hi], y[:m])
	if hi == a.Rows {
		return
	}
	dots := make([]float64, m)
	f64.SymvRows(a.Data[lo*a.Stride+hi:], a.Stride, x[hi:], y[m:], x[lo:hi], dots)
	Axpy(1, dots, y[:m])
}
