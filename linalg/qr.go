package linalg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
)

// QR is the factorization A = Q·R of an m×n matrix, with Q of orthonormal columns and
// R upper triangular, as products of Householder reflectors. It is immutable and safe
// for concurrent use.
type QR struct {
	reflectors
	n int
}

// NewQR factorizes a, which stays as it is and may have any shape, on at most workers
// goroutines, 0 for GOMAXPROCS; the result does not depend on their number.
//
// It returns an error that wraps gram.ErrNonFinite for a NaN or an infinity.
// O(2n²·(m−n/3)) for m ≥ n, in blocks by the compact WY form of R. Schreiber and
// C. Van Loan, A storage-efficient WY representation for products of Householder
// transformations, SIAM J. Sci. Stat. Comput. 10 (1989), with panels by the recursion
// of E. Elmroth and F. Gustavson, Applying recursion to serial and parallel QR
// factorization, IBM J. Res. Dev. 44 (2000).
func NewQR(workers int, a *Dense[float64]) (*QR, error) {
	a.checkShape("A")
	if err := checkFinite(a, nil); err != nil {
		return nil, err
	}
	return &QR{factorQR(workers, transposeOf(a)), a.Cols}, nil
}

// reflectors are the columns of an m×n matrix after their factorization, as rows: row
// j < min(m, n) holds R's column up to j and then reflector j from below its leading 1.
type reflectors struct {
	vt     *Dense[float64]
	blocks []*Dense[float64] // of each panel the triangle T of its compact WY form
}

// qrPanel is the number of reflectors that are applied together.
const qrPanel = 64

// factorQR factorizes the matrix whose transpose is at, in place.
func factorQR(workers int, at *Dense[float64]) reflectors {
	n, m := at.Rows, at.Cols
	f := reflectors{vt: at}
	for j := 0; j < min(m, n); j += qrPanel {
		w := min(qrPanel, min(m, n)-j)
		t := NewDense[float64](w, w, nil)
		panel := at.Slice(j, j+w, j, m)
		householder(panel, t)
		f.blocks = append(f.blocks, t)
		reflect(workers, at.Slice(j+w, n, j, m), panel, t, blas.NoTrans)
	}
	return f
}

// reflect replaces C by C·(I − V·op(T)·Vᵀ), where the rows of panel are those of Vᵀ
// from beyond their leading 1: the reflectors applied to the rows of C, for
// blas.NoTrans the first one first.
func reflect(workers int, c, panel, t *Dense[float64], op blas.Transpose) {
	if c.Rows == 0 || panel.Rows == 0 {
		return
	}
	s := borrow[float64]()
	defer s.giveBack()
	buf := grow(&s.c, 2*c.Rows*panel.Rows)
	w := NewDense(c.Rows, panel.Rows, buf[:c.Rows*panel.Rows])
	wt := NewDense(c.Rows, panel.Rows, buf[c.Rows*panel.Rows:])
	defer unitTriangle(panel)()
	GemmParallel(workers, blas.NoTrans, blas.Trans, 1, c, panel, 0, w)
	GemmParallel(workers, blas.NoTrans, op, 1, w, t, 0, wt)
	GemmParallel(workers, blas.NoTrans, blas.NoTrans, -1, wt, panel, 1, c)
}

// unitTriangle makes panel the whole of Vᵀ, with the ones and zeros that R takes the
// place of, and returns the function that puts R back.
func unitTriangle(panel *Dense[float64]) (restore func()) {
	w := panel.Rows
	saved := make([]float64, 0, w*(w+1)/2)
	for i := range w {
		row := panel.Row(i)[:i+1]
		saved = append(saved, row...)
		clear(row)
		row[i] = 1
	}
	return func() {
		for i := range w {
			copy(panel.Row(i), saved[i*(i+1)/2:(i+1)*(i+2)/2])
		}
	}
}

// householderLeaf is the number of reflectors up to which they are made one by one.
const householderLeaf = 8

// householder factorizes the transpose of panel, w×m with w ≤ m, in place and sets t,
// w×w of zeros, to the upper triangle T of I − V·T·Vᵀ.
func householder(panel, t *Dense[float64]) {
	w, m := panel.Rows, panel.Cols
	if w <= householderLeaf {
		householderRows(panel, t)
		return
	}
	h := roundUp(w/2, householderLeaf)
	first, second := panel.Slice(0, h, 0, m), panel.Slice(h, w, 0, m)
	t1, t2, t12 := t.Slice(0, h, 0, h), t.Slice(h, w, h, w), t.Slice(0, h, h, w)
	householder(first, t1)
	reflect(1, second, first, t1, blas.NoTrans)
	householder(second.Slice(0, w-h, h, m), t2)
	// T12 = −T1·(V1ᵀ·V2)·T2, where V2 begins in row h.
	v2 := second.Slice(0, w-h, h, m)
	restore := unitTriangle(v2)
	Gemm(blas.NoTrans, blas.Trans, -1, first.Slice(0, h, h, m), v2, 0, t12)
	restore()
	newTriangle(blas.Upper, blas.NoTrans, blas.NonUnit, h, t1.Data, t1.Stride).left(1, t12)
	newTriangle(blas.Upper, blas.Trans, blas.NonUnit, w-h, t2.Data, t2.Stride).right(1, t12)
}

func householderRows(panel, t *Dense[float64]) {
	var dots [householderLeaf]float64
	for j := range panel.Rows {
		x := panel.Row(j)[j:]
		beta, tau := reflector(x)
		x[0] = 1
		for i := j + 1; i < panel.Rows; i++ {
			y := panel.Row(i)[j:]
			Axpy(-tau*Dot(x, y), x, y)
		}
		for i := range j {
			dots[i] = -tau * Dot(panel.Row(i)[j:], x)
		}
		for i := range j {
			var s float64
			for p := i; p < j; p++ {
				s += t.Row(i)[p] * dots[p]
			}
			t.Row(i)[j] = s
		}
		t.Row(j)[j] = tau
		x[0] = beta
	}
}

// reflector replaces x by v, with the 1 at its head left out, such that I − tau·v·vᵀ
// turns x into (beta, 0, …).
func reflector(x []float64) (beta, tau float64) {
	alpha, rest := x[0], x[1:]
	norm := Nrm2(rest)
	if norm == 0 {
		return alpha, 0
	}
	beta = -math.Copysign(math.Hypot(alpha, norm), alpha)
	if d := alpha - beta; math.Abs(d) >= 0x1p-1000 {
		Scal(1/d, rest)
	} else { // the reciprocal might be infinite
		for i := range rest {
			rest[i] /= d
		}
	}
	return beta, (beta - alpha) / beta
}

// apply replaces the rows x of c by Q·x, or by Qᵀ·x for blas.Trans.
func (f *reflectors) apply(workers int, t blas.Transpose, c *Dense[float64]) {
	for p := range f.blocks {
		op := blas.NoTrans
		if t == blas.NoTrans {
			p, op = len(f.blocks)-1-p, blas.Trans
		}
		block := f.blocks[p]
		j, m := p*qrPanel, f.vt.Cols
		reflect(workers, c.Slice(0, c.Rows, j, m), f.panel(j, block), block, op)
	}
}

// panel returns a copy of the reflectors from j on, as reflect writes to it.
func (f *reflectors) panel(j int, block *Dense[float64]) *Dense[float64] {
	return CopyOf[float64](f.vt.Slice(j, j+block.Rows, j, f.vt.Cols))
}

// thin returns the transpose of the first k columns of Q, k ≤ min(m, n).
func (f *reflectors) thin(workers, k int) *Dense[float64] {
	m := f.vt.Cols
	qt := NewDense[float64](k, m, nil)
	for i := range k {
		qt.Row(i)[i] = 1
	}
	for p := len(f.blocks) - 1; p >= 0; p-- {
		block := f.blocks[p]
		if j := p * qrPanel; j < k { // rows before j have nothing there yet
			reflect(workers, qt.Slice(j, k, j, m), f.panel(j, block), block, blas.Trans)
		}
	}
	return qt
}

func (f *QR) rank() int { return min(f.vt.Cols, f.n) }

// Q returns the first min(m, n) columns of Q, m×min(m, n). O(4mn²) at most, on at most
// workers goroutines.
func (f *QR) Q(workers int) *Dense[float64] {
	return transposeOf(f.thin(workers, f.rank()))
}

// R returns the upper triangular, or for m < n trapezoidal, factor, min(m, n)×n.
func (f *QR) R() *Dense[float64] {
	k := f.rank()
	r := NewDense[float64](k, f.n, nil)
	for j := range f.n {
		for i, v := range f.vt.Row(j)[:min(k, j+1)] {
			r.Row(i)[j] = v
		}
	}
	return r
}

// Solve sets dst, n×c, to the X that minimises ‖A·X − B‖, for B of m rows and c
// columns and m ≥ n, and returns it. A nil dst allocates. For m = n it solves A·X = B.
//
// It returns an error that wraps gram.ErrSingular and names the column if one is, to
// working accuracy, a combination of the columns before: if what those leave of it is
// at most max(m, n)·ε of its norm. It panics if the shapes do not fit or m < n.
// O(mn) a column of B, on at most workers goroutines.
func (f *QR) Solve(workers int, dst, b *Dense[float64]) (*Dense[float64], error) {
	b.checkShape("B")
	m := f.vt.Cols
	if m < f.n {
		panic(fmt.Sprintf("linalg: QR.Solve of %d×%d", m, f.n))
	}
	checkRows("QR.Solve", m, b)
	dst = resultOf("QR.Solve", dst, f.n, b.Cols)
	for j := range f.n {
		column := f.vt.Row(j)[:j+1]
		if size := Nrm2(column); math.Abs(column[j]) <= float64(m)*epsilon*size {
			return nil, fmt.Errorf("column %d depends on those before it: %.3g is left of %.3g: %w", j, math.Abs(column[j]), size, gram.ErrSingular)
		}
	}
	if b.Cols == 0 {
		return dst, nil
	}
	bt := transposeOf(b)
	f.apply(workers, blas.Trans, bt)
	transposeInto(dst, bt.Slice(0, b.Cols, 0, f.n))
	if f.n > 0 {
		solving(blas.Lower, blas.Trans, blas.NonUnit, f.vt.Slice(0, f.n, 0, f.n)).left(workers, dst)
	}
	return dst, nil
}
