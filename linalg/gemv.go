package linalg

import (
	"fmt"

	"golang.org/x/exp/constraints"
	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/internal/kernel"
	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// Gemv computes y = alpha·op(A)·x + beta·y, where op is A for blas.NoTrans and its
// transpose for blas.Trans and blas.ConjTrans. With beta = 0, y is not read. y must
// not overlap A or x. It panics if the shapes do not fit. O(rows·cols): it runs at
// the speed at which A is read.
func Gemv[T constraints.Float](t blas.Transpose, alpha T, a *Dense[T], x []T, beta T, y []T) {
	a.checkShape("A")
	rows, cols := opShape(t, a)
	if len(x) != cols || len(y) != rows {
		panic(fmt.Sprintf("linalg: Gemv of %d×%d by %d into %d", rows, cols, len(x), len(y)))
	}
	if is64[T]() {
		m := &Dense[float64]{Rows: a.Rows, Cols: a.Cols, Stride: a.Stride, Data: f64.Of(a.Data)}
		gemv(&kernels64, t, float64(alpha), m, f64.Of(x), float64(beta), f64.Of(y))
		return
	}
	m := &Dense[float32]{Rows: a.Rows, Cols: a.Cols, Stride: a.Stride, Data: f32.Of(a.Data)}
	gemv(&kernels32, t, float32(alpha), m, f32.Of(x), float32(beta), f32.Of(y))
}

// Ger adds the outer product alpha·x·yᵀ to A, which is len(x)×len(y). It panics if
// the shapes do not fit. O(rows·cols).
func Ger[T constraints.Float](alpha T, x, y []T, a *Dense[T]) {
	a.checkShape("A")
	if len(x) != a.Rows || len(y) != a.Cols {
		panic(fmt.Sprintf("linalg: Ger of %d by %d into %d×%d", len(x), len(y), a.Rows, a.Cols))
	}
	for i, v := range x {
		Axpy(alpha*v, y, a.Row(i))
	}
}

// rowKernels are the operations on a few rows at once.
type rowKernels[T kernel.Float] struct {
	dotRows  func(dst, a []T, lda int, x []T)
	axpyRows func(x, a []T, lda int, y []T)
	scal     func(alpha T, x []T)
}

var (
	kernels64 = rowKernels[float64]{f64.DotRows, f64.AxpyRows, f64.Scal}
	kernels32 = rowKernels[float32]{f32.DotRows, f32.AxpyRows, f32.Scal}
)

func gemv[T kernel.Float](g *rowKernels[T], t blas.Transpose, alpha T, a *Dense[T], x []T, beta T, y []T) {
	switch {
	case beta == 0:
		clear(y)
	case beta != 1:
		g.scal(beta, y)
	}
	if alpha == 0 || a.Rows == 0 || a.Cols == 0 {
		return
	}
	if t == blas.NoTrans {
		gemvRows(g, alpha, a, x, y)
	} else {
		gemvTrans(g, alpha, a, x, y)
	}
}

// gemvChunk is how many rows go to a kernel together.
const gemvChunk = 64

func gemvRows[T kernel.Float](g *rowKernels[T], alpha T, a *Dense[T], x, y []T) {
	s := borrow[T]()
	defer s.giveBack()
	dots := grow(&s.corner, gemvChunk)
	for i := 0; i < a.Rows; i += gemvChunk {
		n := min(gemvChunk, a.Rows-i)
		g.dotRows(dots[:n], a.Data[i*a.Stride:], a.Stride, x)
		for j, d := range dots[:n] {
			y[i+j] += alpha * d
		}
	}
}

// gemvTrans goes through a band of columns so narrow that its part of y stays in
// the L1 cache.
func gemvTrans[T kernel.Float](g *rowKernels[T], alpha T, a *Dense[T], x, y []T) {
	const band = 4096
	s := borrow[T]()
	defer s.giveBack()
	scaled := grow(&s.corner, gemvChunk)
	for j := 0; j < a.Cols; j += band {
		part := y[j:min(a.Cols, j+band)]
		for i := 0; i < a.Rows; i += gemvChunk {
			n := min(gemvChunk, a.Rows-i)
			for l, v := range x[i : i+n] {
				scaled[l] = alpha * v
			}
			g.axpyRows(scaled[:n], a.Data[i*a.Stride+j:], a.Stride, part)
		}
	}
}
