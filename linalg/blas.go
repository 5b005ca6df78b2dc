package linalg

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/gram-ml/gram/internal/kernel"
)

// BLAS is a fast implementation of gonum's blas.Float64 and blas.Float32. One line at
// the start of a program makes everything in gonum that multiplies or factorizes
// matrices run on it:
//
//	blas64.Use(linalg.BLAS{})
//	blas32.Use(linalg.BLAS{})
//
// This package never does so by itself. Arguments, results and panics are those of
// gonum's own implementation, to which everything falls that is not faster here:
// banded and packed matrices, complex numbers, and arguments that do not fit together,
// on which gonum panics. Results differ from gonum's by rounding, and where gonum
// passes over zeros of one operand, a NaN or an infinity in the other shows.
//
// The zero value is ready for use, also concurrently.
type BLAS struct {
	gonum.Implementation
	// Workers is the most goroutines that one product of matrices, or one solution
	// with many right-hand sides, runs on: 0 means GOMAXPROCS. Results do not depend on it.
	Workers int
}

var (
	_ blas.Float64 = BLAS{}
	_ blas.Float32 = BLAS{}
)

// fitsVector tells whether n elements, inc apart, are within length.
func fitsVector(n, length, inc int) bool {
	if inc < 0 {
		inc = -inc
	}
	return inc != 0 && n > 0 && (n-1)*inc < length
}

// fitsMatrix is the same for a matrix with rows ld apart.
func fitsMatrix(rows, cols, length, ld int) bool {
	return rows > 0 && cols > 0 && ld >= cols && (rows-1)*ld+cols <= length
}

func validUplo(ul blas.Uplo) bool { return ul == blas.Upper || ul == blas.Lower }

func validTrans(t blas.Transpose) bool {
	return t == blas.NoTrans || t == blas.Trans || t == blas.ConjTrans
}

func validDiag(d blas.Diag) bool { return d == blas.NonUnit || d == blas.Unit }

// compact returns the n elements of x, inc apart, side by side: a copy unless they
// are so already. A negative inc counts from the end.
func compact[T kernel.Float](n int, x []T, inc int) []T {
	if inc == 1 {
		return x[:n]
	}
	out := make([]T, n)
	at := start(n, inc)
	for i := range out {
		out[i] = x[at]
		at += inc
	}
	return out
}

// spread undoes compact.
func spread[T kernel.Float](from []T, x []T, inc int) {
	if inc == 1 {
		return
	}
	at := start(len(from), inc)
	for _, v := range from {
		x[at] = v
		at += inc
	}
}

func start(n, inc int) int {
	if inc < 0 {
		return -(n - 1) * inc
	}
	return 0
}

func matrix[T kernel.Float](rows, cols int, data []T, ld int) *Dense[T] {
	return &Dense[T]{Rows: rows, Cols: cols, Stride: ld, Data: data}
}

// sized returns the shape of a matrix whose op is rows×cols.
func sized[T kernel.Float](t blas.Transpose, rows, cols int, data []T, ld int) *Dense[T] {
	if t != blas.NoTrans {
		rows, cols = cols, rows
	}
	return matrix(rows, cols, data, ld)
}

// scaleVector is y = beta·y, where 0 clears NaNs.
func scaleVector[T kernel.Float](beta T, y []T) {
	switch beta {
	case 0:
		clear(y)
	case 1:
	default:
		Scal(beta, y)
	}
}

// scaleMatrix is the same for a matrix.
func scaleMatrix[T kernel.Float](beta T, m *Dense[T]) {
	if beta == 1 {
		return
	}
	for i := range m.Rows {
		scaleVector(beta, m.Row(i))
	}
}

// argMaxAbs returns the index of the first of the elements of largest magnitude, where
// a NaN in the first place wins and others are passed over.
func argMaxAbs[T kernel.Float](x []T) int {
	best, largest := 0, abs(x[0])
	for i, v := range x {
		if v = abs(v); v > largest {
			best, largest = i, v
		}
	}
	return best
}

// abs takes the sign away without a branch, which signs at random would mispredict.
func abs[T kernel.Float](x T) T { return T(math.Abs(float64(x))) }

// triangular scales B by alpha and treats it with op(A) or its inverse.
func triangular[T kernel.Float](workers int, s blas.Side, t triangle[T], alpha T, b *Dense[T]) {
	scaleMatrix(alpha, b)
	if alpha == 0 {
		return
	}
	if s == blas.Left {
		t.left(workers, b)
	} else {
		t.transposed().right(workers, b)
	}
}

// symm multiplies by a symmetric matrix, which it copies in full: O(n²) memory.
func symm[T kernel.Float](workers int, s blas.Side, ul blas.Uplo, alpha T, a, b *Dense[T], beta T, c *Dense[T]) {
	buf := borrow[T]()
	defer buf.giveBack()
	full := NewDense(a.Rows, a.Rows, grow(&buf.c, a.Rows*a.Rows))
	fullSymmetric(ul, a, full)
	if s == blas.Left {
		GemmParallel(workers, blas.NoTrans, blas.NoTrans, alpha, full, b, beta, c)
	} else {
		GemmParallel(workers, blas.NoTrans, blas.NoTrans, alpha, b, full, beta, c)
	}
}

// syr2 adds alpha·(x·yᵀ + y·xᵀ) to the triangle ul of A; y may be nil for alpha·x·xᵀ.
func syr2[T kernel.Float](ul blas.Uplo, alpha T, x, y []T, a *Dense[T]) {
	for i := range x {
		lo, hi := i, len(x)
		if ul == blas.Lower {
			lo, hi = 0, i+1
		}
		row := a.Data[i*a.Stride+lo : i*a.Stride+hi]
		if y == nil {
			Axpy(alpha*x[i], x[lo:hi], row)
			continue
		}
		Axpy(alpha*x[i], y[lo:hi], row)
		Axpy(alpha*y[i], x[lo:hi], row)
	}
}

// fits tells whether m has elements, all within its data.
func (m *Dense[T]) fits() bool { return fitsMatrix(m.Rows, m.Cols, len(m.Data), m.Stride) }
