package linalg

import (
	"fmt"
	"unsafe"

	"golang.org/x/exp/constraints"
	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/internal/kernel"
	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
)

// Gemm computes C = alpha·op(A)·op(B) + beta·C, where op is the matrix itself for
// blas.NoTrans and its transpose for blas.Trans and blas.ConjTrans; op(A) is m×k,
// op(B) k×n and C m×n. With beta = 0, C is not read, so it may hold NaN. C must
// not overlap A or B.
//
// It panics if the shapes do not fit. O(m·n·k); it runs on the calling goroutine.
// Each element of C is a sum in the order of k whose rounding depends on k and on
// the instruction level alone, except that a product of one row, or of at most
// four rows or columns, may be summed in several lanes.
//
// The loops around the tile are those of K. Goto and R. van de Geijn, Anatomy of
// high-performance matrix multiplication, ACM TOMS 34 (2008).
func Gemm[T constraints.Float](tA, tB blas.Transpose, alpha T, a, b *Dense[T], beta T, c *Dense[T]) {
	GemmParallel(1, tA, tB, alpha, a, b, beta, c)
}

// GemmParallel is [Gemm] on at most workers goroutines, 0 for GOMAXPROCS. The
// result has the same bits whatever their number. Products too small to gain
// from a second goroutine stay on the caller's.
func GemmParallel[T constraints.Float](workers int, tA, tB blas.Transpose, alpha T, a, b *Dense[T], beta T, c *Dense[T]) {
	a.checkShape("A")
	b.checkShape("B")
	c.checkShape("C")
	m, k := opShape(tA, a)
	kb, n := opShape(tB, b)
	if k != kb || c.Rows != m || c.Cols != n {
		panic(fmt.Sprintf("linalg: Gemm of %d×%d by %d×%d into %d×%d", m, k, kb, n, c.Rows, c.Cols))
	}
	if m == 0 || n == 0 {
		return
	}
	if is64[T]() {
		multiply(workers, &product[float64]{
			kern: f64.Gemm(), rows: &kernels64, m: m, n: n, k: k, alpha: float64(alpha), beta: float64(beta),
			a: f64.Of(a.Data), lda: a.Stride, transA: tA != blas.NoTrans,
			b: f64.Of(b.Data), ldb: b.Stride, transB: tB != blas.NoTrans,
			c: f64.Of(c.Data), ldc: c.Stride,
		})
		return
	}
	multiply(workers, &product[float32]{
		kern: f32.Gemm(), rows: &kernels32, m: m, n: n, k: k, alpha: float32(alpha), beta: float32(beta),
		a: f32.Of(a.Data), lda: a.Stride, transA: tA != blas.NoTrans,
		b: f32.Of(b.Data), ldb: b.Stride, transB: tB != blas.NoTrans,
		c: f32.Of(c.Data), ldc: c.Stride,
	})
}

// Syrk computes the triangle uplo of the symmetric n×n matrix
// C = alpha·A·Aᵀ + beta·C for blas.NoTrans (A is n×k), or alpha·Aᵀ·A + beta·C for
// blas.Trans (A is k×n). The other triangle is neither read nor written. It takes
// half the work of [Gemm], whose rules hold.
func Syrk[T constraints.Float](uplo blas.Uplo, t blas.Transpose, alpha T, a *Dense[T], beta T, c *Dense[T]) {
	SyrkParallel(1, uplo, t, alpha, a, beta, c)
}

// SyrkParallel is [Syrk] on at most workers goroutines, 0 for GOMAXPROCS, with the
// same bits whatever their number.
func SyrkParallel[T constraints.Float](workers int, uplo blas.Uplo, t blas.Transpose, alpha T, a *Dense[T], beta T, c *Dense[T]) {
	a.checkShape("A")
	c.checkShape("C")
	if uplo != blas.Upper && uplo != blas.Lower {
		panic(fmt.Sprintf("linalg: Syrk of triangle %q", uplo))
	}
	n, k := opShape(t, a)
	if c.Rows != n || c.Cols != n {
		panic(fmt.Sprintf("linalg: Syrk of %d×%d into %d×%d", n, k, c.Rows, c.Cols))
	}
	if n == 0 {
		return
	}
	trans := t != blas.NoTrans
	if is64[T]() {
		data := f64.Of(a.Data)
		syrk(workers, &product[float64]{
			kern: f64.Gemm(), rows: &kernels64, m: n, n: n, k: k, alpha: float64(alpha), beta: float64(beta),
			a: data, lda: a.Stride, transA: trans, b: data, ldb: a.Stride, transB: !trans,
			c: f64.Of(c.Data), ldc: c.Stride, uplo: uplo,
		})
		return
	}
	data := f32.Of(a.Data)
	syrk(workers, &product[float32]{
		kern: f32.Gemm(), rows: &kernels32, m: n, n: n, k: k, alpha: float32(alpha), beta: float32(beta),
		a: data, lda: a.Stride, transA: trans, b: data, ldb: a.Stride, transB: !trans,
		c: f32.Of(c.Data), ldc: c.Stride, uplo: uplo,
	})
}

// is64 tells which of the two element types T is.
func is64[T constraints.Float]() bool {
	var x T
	return unsafe.Sizeof(x) == 8
}

// opShape returns the shape of op(a).
func opShape[T constraints.Float](t blas.Transpose, a *Dense[T]) (rows, cols int) {
	switch t {
	case blas.NoTrans:
		return a.Rows, a.Cols
	case blas.Trans, blas.ConjTrans:
		return a.Cols, a.Rows
	}
	panic(fmt.Sprintf("linalg: transposition %q", t))
}

// checkShape panics unless the fields describe a matrix within Data: the kernels
// trust them.
func (m *Dense[T]) checkShape(name string) {
	switch {
	case m.Rows < 0 || m.Cols < 0:
		panic(fmt.Sprintf("linalg: %s has shape %d×%d", name, m.Rows, m.Cols))
	case m.Rows == 0 || m.Cols == 0:
	case m.Stride < m.Cols:
		panic(fmt.Sprintf("linalg: %s has stride %d for %d columns", name, m.Stride, m.Cols))
	case len(m.Data) < (m.Rows-1)*m.Stride+m.Cols:
		panic(fmt.Sprintf("linalg: %s is %d×%d with stride %d in %d elements", name, m.Rows, m.Cols, m.Stride, len(m.Data)))
	}
}

// parallelWork is the number of multiplications from which a second goroutine saves
// time. Measured, at some 100 µs of work: to wake a thread that sleeps takes tens of
// microseconds on a virtual machine.
const parallelWork = 1 << 22

// multiply splits a product over workers by rows of C or, if these are few, by
// columns.
func multiply[T kernel.Float](workers int, p *product[T]) {
	if skinny(workers, p) {
		return
	}
	workers = p.workers(workers)
	if workers == 1 || p.m >= 2*workers*p.kern.Rows {
		p.block(workers, 0, p.n)
		return
	}
	c := *p          // on the heap for the other goroutines, which p then needn't be
	const chunks = 2 // a worker, to even out what else the machine does
	size := roundUp(ceilDiv(p.n, chunks*workers), p.kern.Vectors*p.kern.Lanes)
	par.For(nil, workers, p.n, size, func(_, lo, hi int) { c.block(1, lo, hi) })
}

func syrk[T kernel.Float](workers int, p *product[T]) {
	p.block(p.workers(workers), 0, p.n)
}

// workers returns how many goroutines a product is worth.
func (p *product[T]) workers(limit int) int {
	if p.m*p.n*max(p.k, 1) < parallelWork {
		return 1
	}
	return par.Workers(limit)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func roundUp(a, to int) int { return ceilDiv(a, to) * to }
