package linalg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	lapackgonum "gonum.org/v1/gonum/lapack/gonum"

	"github.com/gram-ml/gram"
)

// LU is the factorization P·A = L·U of a square matrix of order n, with rows exchanged
// so that no element of L exceeds 1. It is immutable and safe for concurrent use.
type LU struct {
	lu   *Dense[float64] // L below the diagonal of ones, U on and above it
	swap []int           // row i was exchanged with row swap[i] ≥ i, in order
	norm float64         // the 1-norm of A
}

// NewLU factorizes a, which stays as it is, with partial pivoting, on at most workers
// goroutines, 0 for GOMAXPROCS; the result does not depend on their number.
//
// It returns an error that wraps gram.ErrNonFinite for a NaN or an infinity, and one
// that wraps gram.ErrSingular and names the column if a pivot is zero. How near a
// matrix is to a singular one [LU.Cond] tells. It panics if a is not square. O(2n³/3), by
// the recursion of S. Toledo, Locality of reference in LU decomposition with partial
// pivoting, SIAM J. Matrix Anal. Appl. 18 (1997).
func NewLU(workers int, a *Dense[float64]) (*LU, error) {
	checkSquare("LU", a)
	if err := checkFinite(a, nil); err != nil {
		return nil, err
	}
	n := a.Rows
	f := &LU{lu: CopyOf[float64](a), swap: make([]int, n)}
	for _, s := range columnSums(a) {
		f.norm = max(f.norm, s)
	}
	factorLU(workers, f.lu, f.swap)
	for j := range n {
		if f.lu.Row(j)[j] == 0 {
			return nil, fmt.Errorf("zero pivot in column %d: %w", j, gram.ErrSingular)
		}
	}
	return f, nil
}

// columnSums returns the 1-norms of the columns.
func columnSums(a *Dense[float64]) []float64 {
	sums := make([]float64, a.Cols)
	n, i := len(sums), 0
	for ; i+4 <= a.Rows; i += 4 { // four rows for each time that the sums are read and written
		w, x, y, z := a.Row(i)[:n], a.Row(i + 1)[:n], a.Row(i + 2)[:n], a.Row(i + 3)[:n]
		for j, s := range sums {
			sums[j] = s + ((math.Abs(w[j]) + math.Abs(x[j])) + (math.Abs(y[j]) + math.Abs(z[j])))
		}
	}
	for ; i < a.Rows; i++ {
		for j, v := range a.Row(i) {
			sums[j] += math.Abs(v)
		}
	}
	return sums
}

// The numbers of columns up to which a panel is factorized transposed, and up to which
// that is done column by column.
const (
	luPanel = 64
	luLeaf  = 8
)

// factorLU factorizes a, which has at least as many rows as columns, in place.
func factorLU(workers int, a *Dense[float64], swap []int) {
	m, w := a.Rows, a.Cols
	if w <= luPanel {
		s := borrow[float64]()
		defer s.giveBack()
		q := NewDense(w, m, grow(&s.c, w*m))
		transposeInto(q, a)
		factorPanel(q, swap)
		transposeInto(a, q)
		return
	}
	h := roundUp(w/2, luPanel)
	left, right := a.Slice(0, m, 0, h), a.Slice(0, m, h, w)
	factorLU(workers, left, swap[:h])
	swapRows(right, swap[:h], 0)
	top, rest := right.Slice(0, h, 0, w-h), right.Slice(h, m, 0, w-h)
	solving(blas.Lower, blas.NoTrans, blas.Unit, left.Slice(0, h, 0, h)).left(workers, top)
	GemmParallel(workers, blas.NoTrans, blas.NoTrans, -1, left.Slice(h, m, 0, h), top, 1, rest)
	factorLU(workers, rest, swap[h:])
	for i := h; i < w; i++ {
		swap[i] += h
	}
	swapRows(left, swap, h)
}

// swapRows exchanges row i with row swap[i], for from ≤ i in order.
func swapRows(a *Dense[float64], swap []int, from int) {
	for i := from; i < len(swap); i++ {
		if p := swap[i]; p != i {
			x, y := a.Row(i), a.Row(p)
			for j, v := range x {
				x[j], y[j] = y[j], v
			}
		}
	}
}

// swapColumns does the same to columns.
func swapColumns(a *Dense[float64], swap []int, from int) {
	for r := range a.Rows {
		row := a.Row(r)
		for i := from; i < len(swap); i++ {
			row[i], row[swap[i]] = row[swap[i]], row[i]
		}
	}
}

// factorPanel is factorLU for the transpose: rows of q are columns, whose elements
// lie side by side for the search of pivots.
func factorPanel(q *Dense[float64], swap []int) {
	w, m := q.Rows, q.Cols
	if w <= luLeaf {
		factorColumns(q, swap)
		return
	}
	h := roundUp(w/2, luLeaf)
	first, second := q.Slice(0, h, 0, m), q.Slice(h, w, 0, m)
	factorPanel(first, swap[:h])
	swapColumns(second, swap[:h], 0)
	top, rest := second.Slice(0, w-h, 0, h), second.Slice(0, w-h, h, m)
	solving(blas.Upper, blas.NoTrans, blas.Unit, first.Slice(0, h, 0, h)).transposed().right(1, top)
	Gemm(blas.NoTrans, blas.NoTrans, -1, top, first.Slice(0, h, h, m), 1, rest)
	factorPanel(rest, swap[h:])
	for i := h; i < w; i++ {
		swap[i] += h
	}
	swapColumns(first, swap, h)
}

func factorColumns(q *Dense[float64], swap []int) {
	for j := range q.Rows {
		x := q.Row(j)
		for p := range j {
			Axpy(-x[p], q.Row(p)[p+1:], x[p+1:])
		}
		swap[j] = j + argMaxAbs(x[j:])
		swapColumns(q, swap[:j+1], j)
		if pivot := x[j]; math.Abs(pivot) >= 0x1p-1000 {
			Scal(1/pivot, x[j+1:])
		} else if pivot != 0 { // the reciprocal might be infinite
			for i := range x[j+1:] {
				x[j+1+i] /= pivot
			}
		}
	}
}

// LU returns copies of the factors and the permutation: row i of P·A is row perm[i]
// of A.
func (f *LU) LU() (l, u *Dense[float64], perm []int) {
	n := f.lu.Rows
	l, u, perm = NewDense[float64](n, n, nil), NewDense[float64](n, n, nil), make([]int, n)
	for i := range n {
		copy(l.Row(i)[:i], f.lu.Row(i))
		l.Row(i)[i] = 1
		copy(u.Row(i)[i:], f.lu.Row(i)[i:])
		perm[i] = i
	}
	for i, p := range f.swap {
		perm[i], perm[p] = perm[p], perm[i]
	}
	return l, u, perm
}

// Solve sets dst to the solution X of A·X = B, for B of n rows, and returns it. A nil
// dst allocates; dst may be b. It panics if the shapes do not fit. O(n²) a column, on
// at most workers goroutines.
func (f *LU) Solve(workers int, dst, b *Dense[float64]) *Dense[float64] {
	b.checkShape("B")
	checkRows("LU.Solve", f.lu.Rows, b)
	dst = resultOf("LU.Solve", dst, b.Rows, b.Cols)
	copyInto(dst, b)
	if b.Cols == 0 {
		return dst
	}
	swapRows(dst, f.swap, 0)
	solving(blas.Lower, blas.NoTrans, blas.Unit, f.lu).left(workers, dst)
	solving(blas.Upper, blas.NoTrans, blas.NonUnit, f.lu).left(workers, dst)
	return dst
}

// SolveVec is Solve for one right-hand side of length n.
func (f *LU) SolveVec(dst, b []float64) []float64 {
	dst = vectorResult("LU.SolveVec", dst, b, f.lu.Rows, f.lu.Rows)
	copy(dst, b)
	for i, p := range f.swap {
		dst[i], dst[p] = dst[p], dst[i]
	}
	solving(blas.Lower, blas.NoTrans, blas.Unit, f.lu).vector(dst)
	solving(blas.Upper, blas.NoTrans, blas.NonUnit, f.lu).vector(dst)
	return dst
}

// LogDet returns the logarithm of the determinant's magnitude, and its sign.
func (f *LU) LogDet() (logAbs, sign float64) {
	sign = 1
	for i, p := range f.swap {
		d := f.lu.Row(i)[i]
		if (p != i) != (d < 0) {
			sign = -sign
		}
		logAbs += math.Log(math.Abs(d))
	}
	return logAbs, sign
}

// Cond returns an estimate, seldom off by more than a factor of 3, of the condition
// number ‖A‖₁·‖A⁻¹‖₁, at least 1. O(n²), by the method of Hager and Higham.
func (f *LU) Cond() float64 {
	n := f.lu.Rows
	if n == 0 {
		return 1
	}
	return 1 / lapackgonum.Implementation{}.Dgecon(oneNorm, n, f.lu.Data, f.lu.Stride, f.norm, make([]float64, 4*n), make([]int, n))
}
