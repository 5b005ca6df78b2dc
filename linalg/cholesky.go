package linalg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/lapack"
	lapackgonum "gonum.org/v1/gonum/lapack/gonum"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// Cholesky is the factorization A = Uᵀ·U of a symmetric positive definite matrix of
// order n, with U upper triangular. It is immutable and safe for concurrent use.
type Cholesky struct {
	u    *Dense[float64]
	norm float64 // the 1-norm of A
}

// NewCholesky factorizes the symmetric matrix whose upper triangle is in a; its lower
// triangle is not read and a stays as it is. At most workers goroutines run, 0 for
// GOMAXPROCS; the result does not depend on their number.
//
// It returns an error that wraps gram.ErrNonFinite for a NaN or an infinity, and one
// that wraps gram.ErrSingular and names the column if what is left of a diagonal
// element after the columns before it are taken out is not above n·ε of it: then A is
// not positive definite, or that column is, to working accuracy, a combination of
// those before. It panics if a is not square. O(n³/3), by halves, in which all
// but the smallest blocks are products.
func NewCholesky(workers int, a *Dense[float64]) (*Cholesky, error) {
	checkSquare("Cholesky", a)
	n := a.Rows
	c := &Cholesky{u: NewDense[float64](n, n, nil)}
	floor, sums := make([]float64, n), make([]float64, n)
	for i := range n {
		row := c.u.Row(i)[i:]
		copy(row, a.Row(i)[i:])
		floor[i] = float64(n) * epsilon * row[0]
		addSymmetric(sums, i, row)
	}
	for _, s := range sums {
		c.norm = max(c.norm, s)
	}
	if c.norm-c.norm != 0 { // a sum that overflows need not have an infinite term
		if err := checkFinite(a, func(i int) int { return i }); err != nil {
			return nil, err
		}
	}
	if j, pivot := cholesky(workers, c.u, floor); j >= 0 {
		return nil, fmt.Errorf("not positive definite: pivot %.3g in column %d, where A has %.3g: %w", pivot, j, a.Row(j)[j], gram.ErrSingular)
	}
	return c, nil
}

// addSymmetric adds the magnitudes of row i of a symmetric matrix, of which row holds
// what is at and after the diagonal, to the sums of all its columns. The largest sum is
// the matrix's 1-norm.
func addSymmetric(sums []float64, i int, row []float64) {
	sums[i] += Asum(row)
	rest := row[1:]
	sums = sums[i+1:][:len(rest)]
	for j, v := range rest {
		sums[j] += math.Abs(v)
	}
}

// choleskyLeaf is the order up to which rows are eliminated one by one.
const choleskyLeaf = 32

// cholesky factorizes the upper triangle of u in place. It returns the column whose
// pivot is not above its floor, and the pivot, or −1.
func cholesky(workers int, u *Dense[float64], floor []float64) (int, float64) {
	n := u.Rows
	if n <= choleskyLeaf {
		return choleskyRows(u, floor)
	}
	h := roundUp(n/2, choleskyLeaf)
	top, right, rest := u.Slice(0, h, 0, h), u.Slice(0, h, h, n), u.Slice(h, n, h, n)
	if j, pivot := cholesky(workers, top, floor[:h]); j >= 0 {
		return j, pivot
	}
	solving(blas.Upper, blas.Trans, blas.NonUnit, top).left(workers, right)
	SyrkParallel(workers, blas.Upper, blas.Trans, -1, right, 1, rest)
	if j, pivot := cholesky(workers, rest, floor[h:]); j >= 0 {
		return h + j, pivot
	}
	return -1, 0
}

func choleskyRows(u *Dense[float64], floor []float64) (int, float64) {
	var column [choleskyLeaf]float64
	for j := range u.Rows {
		row := u.Row(j)[j:]
		for p := range j {
			column[p] = -u.Data[p*u.Stride+j]
		}
		f64.AxpyRows(column[:j], u.Data[j:], u.Stride, row)
		pivot := row[0]
		if !(pivot > floor[j]) || pivot > math.MaxFloat64 {
			return j, pivot
		}
		root := math.Sqrt(pivot)
		row[0] = root
		Scal(1/root, row[1:])
	}
	return -1, 0
}

// U returns a copy of the upper triangular factor, n×n with zeros below the diagonal.
func (c *Cholesky) U() *Dense[float64] { return CopyOf[float64](c.u) }

// Solve sets dst to the solution X of A·X = B, for B of n rows, and returns it. A nil
// dst allocates; dst may be b. It panics if the shapes do not fit. O(n²) a column, on
// at most workers goroutines.
func (c *Cholesky) Solve(workers int, dst, b *Dense[float64]) *Dense[float64] {
	b.checkShape("B")
	checkRows("Cholesky.Solve", c.u.Rows, b)
	dst = resultOf("Cholesky.Solve", dst, b.Rows, b.Cols)
	copyInto(dst, b)
	solving(blas.Upper, blas.Trans, blas.NonUnit, c.u).left(workers, dst)
	solving(blas.Upper, blas.NoTrans, blas.NonUnit, c.u).left(workers, dst)
	return dst
}

// SolveVec is Solve for one right-hand side of length n.
func (c *Cholesky) SolveVec(dst, b []float64) []float64 {
	dst = vectorResult("Cholesky.SolveVec", dst, b, c.u.Rows, c.u.Rows)
	copy(dst, b)
	solving(blas.Upper, blas.Trans, blas.NonUnit, c.u).vector(dst)
	solving(blas.Upper, blas.NoTrans, blas.NonUnit, c.u).vector(dst)
	return dst
}

// LogDet returns the logarithm of the determinant, 0 for n = 0.
func (c *Cholesky) LogDet() float64 {
	var s float64
	for i := range c.u.Rows {
		s += math.Log(c.u.Row(i)[i])
	}
	return 2 * s
}

// Cond returns an estimate, seldom off by more than a factor of 3, of the condition
// number ‖A‖₁·‖A⁻¹‖₁, at least 1. O(n²), by the method of Hager and Higham.
func (c *Cholesky) Cond() float64 {
	n := c.u.Rows
	if n == 0 {
		return 1
	}
	return 1 / lapackgonum.Implementation{}.Dpocon(blas.Upper, n, c.u.Data, c.u.Stride, c.norm, make([]float64, 3*n), make([]int, n))
}

const oneNorm = lapack.MaxColumnSum

func checkRows(op string, n int, b *Dense[float64]) {
	if b.Rows != n {
		panic(fmt.Sprintf("linalg: %s of order %d with %d rows", op, n, b.Rows))
	}
}

// vectorResult returns dst, or a new vector for nil, of length n, for b of length m.
func vectorResult(op string, dst, b []float64, m, n int) []float64 {
	if dst == nil {
		dst = make([]float64, n)
	}
	if len(b) != m || len(dst) != n {
		panic(fmt.Sprintf("linalg: %s of %d elements into %d, want %d and %d", op, len(b), len(dst), m, n))
	}
	return dst
}
