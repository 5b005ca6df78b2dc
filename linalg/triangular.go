package linalg

import (
	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/internal/kernel"
	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
)

// blockKernels are the operations on triangles and symmetric matrices.
type blockKernels[T kernel.Float] struct {
	solve    func(l *[kernel.SolveRows * kernel.SolveRows]T, n int, b []T, at, ldb int)
	symvRows func(a []T, lda int, x, y, s, dst []T)
	rot      func(x, y []T, c, s T)
}

var (
	blockKernels64 = blockKernels[float64]{f64.Solve, f64.SymvRows, f64.Rot}
	blockKernels32 = blockKernels[float32]{f32.Solve, f32.SymvRows, f32.Rot}
)

func blockKernelsOf[T kernel.Float]() *blockKernels[T] {
	if g, ok := any(&blockKernels64).(*blockKernels[T]); ok {
		return g
	}
	return any(&blockKernels32).(*blockKernels[T])
}

func rowKernelsOf[T kernel.Float]() *rowKernels[T] {
	if g, ok := any(&kernels64).(*rowKernels[T]); ok {
		return g
	}
	return any(&kernels32).(*rowKernels[T])
}

// A triangle is op(A) of order n, to be multiplied by, or by its inverse.
type triangle[T kernel.Float] struct {
	data    []T
	ld, n   int
	trans   bool // op(A) is the transpose of what is stored
	lower   bool // op(A) is lower triangular
	unit    bool // its diagonal is ones, whatever is stored
	inverse bool
}

func newTriangle[T kernel.Float](uplo blas.Uplo, t blas.Transpose, d blas.Diag, n int, data []T, ld int) triangle[T] {
	trans := t != blas.NoTrans
	return triangle[T]{data: data, ld: ld, n: n, trans: trans, lower: (uplo == blas.Lower) != trans, unit: d == blas.Unit}
}

// transposed is the triangle of the transpose.
func (t triangle[T]) transposed() triangle[T] {
	t.trans, t.lower = !t.trans, !t.lower
	return t
}

// at returns element (i, p) of op(A).
func (t *triangle[T]) at(i, p int) T {
	if t.trans {
		i, p = p, i
	}
	return t.data[i*t.ld+p]
}

// part returns the triangle of rows and columns lo ≤ i < hi.
func (t triangle[T]) part(lo, hi int) triangle[T] {
	t.data, t.n = t.data[lo*t.ld+lo:], hi-lo
	return t
}

// corner returns what is stored of the rectangle that cuts off the first h rows and
// columns, and how it must be transposed.
func (t *triangle[T]) corner(h int) (*Dense[T], blas.Transpose) {
	op := blas.NoTrans
	if t.trans {
		op = blas.Trans
	}
	if t.lower != t.trans { // stored below the diagonal
		return &Dense[T]{Rows: t.n - h, Cols: h, Stride: t.ld, Data: t.data[h*t.ld:]}, op
	}
	return &Dense[T]{Rows: h, Cols: t.n - h, Stride: t.ld, Data: t.data[h:]}, op
}

// The orders up to which a triangle is treated as one, by columns of B, or by rows
// after a transposition.
const (
	triangleLeaf   = 128
	triangleLeafRt = 64
	columnChunk    = 256
	rowChunk       = 128
)

// left sets B = op(A)·B or op(A)⁻¹·B, by halves, so that all but the smallest
// triangles are products.
func (t triangle[T]) left(workers int, b *Dense[T]) {
	if t.n == 0 || b.Cols == 0 {
		return
	}
	if t.n > triangleLeaf {
		t.halves(roundUp(t.n/2, 64), workers, b, false, func(t triangle[T], b *Dense[T]) { t.left(workers, b) })
		return
	}
	if t.n*t.n*b.Cols < parallelWork {
		workers = 1
	}
	par.For(nil, workers, b.Cols, columnChunk, func(_, lo, hi int) { t.leaf(b.Slice(0, t.n, lo, hi)) })
}

// right sets B = B·op(A) or B·op(A)⁻¹, where t is the transpose of op(A).
func (t triangle[T]) right(workers int, b *Dense[T]) {
	if t.n == 0 || b.Rows == 0 {
		return
	}
	if t.n > triangleLeafRt {
		t.halves(roundUp(t.n/2, 32), workers, b, true, func(t triangle[T], b *Dense[T]) { t.right(workers, b) })
		return
	}
	if t.n*t.n*b.Rows < parallelWork {
		workers = 1
	}
	par.For(nil, workers, b.Rows, rowChunk, func(_, lo, hi int) { t.leafTransposed(b.Slice(lo, hi, 0, t.n)) })
}

// halves treats one half of the rows of B, or of its columns, after the other.
func (t triangle[T]) halves(h, workers int, b *Dense[T], right bool, half func(triangle[T], *Dense[T])) {
	parts := [2]triangle[T]{t.part(0, h), t.part(h, t.n)}
	var bs [2]*Dense[T]
	if right {
		bs = [2]*Dense[T]{b.Slice(0, b.Rows, 0, h), b.Slice(0, b.Rows, h, t.n)}
	} else {
		bs = [2]*Dense[T]{b.Slice(0, h, 0, b.Cols), b.Slice(h, t.n, 0, b.Cols)}
	}
	first, from, to := 1, 1, 0
	if t.lower == t.inverse {
		first = 0
	}
	if t.lower {
		from, to = 0, 1
	}
	sign := T(1)
	if t.inverse {
		sign = -1
	}
	half(parts[first], bs[first])
	corner, op := t.corner(h)
	if right {
		GemmParallel(workers, blas.NoTrans, flip(op), sign, bs[from], corner, 1, bs[to])
	} else {
		GemmParallel(workers, op, blas.NoTrans, sign, corner, bs[from], 1, bs[to])
	}
	half(parts[1-first], bs[1-first])
}

func flip(t blas.Transpose) blas.Transpose {
	if t == blas.NoTrans {
		return blas.Trans
	}
	return blas.NoTrans
}

// leaf is left on so few columns that they stay in a cache.
func (t triangle[T]) leaf(b *Dense[T]) {
	const rows = kernel.SolveRows
	switch {
	case t.n > rows:
		t.halves(roundUp(t.n/2, rows), 1, b, false, triangle[T].leaf)
	case t.n == rows && t.inverse:
		t.solveRows(b)
	default:
		t.rowByRow(b)
	}
}

// solveRows solves for kernel.SolveRows rows; an upper triangle is a lower one from
// the last row up.
func (t *triangle[T]) solveRows(b *Dense[T]) {
	const rows = kernel.SolveRows
	var l [rows * rows]T
	for i := range rows {
		for p := range i {
			if t.lower {
				l[i*rows+p] = t.at(i, p)
			} else {
				l[i*rows+p] = t.at(rows-1-i, rows-1-p)
			}
		}
		l[i*rows+i] = 1
		if !t.unit {
			q := i
			if !t.lower {
				q = rows - 1 - i
			}
			l[i*rows+i] = 1 / t.at(q, q)
		}
	}
	if t.lower {
		blockKernelsOf[T]().solve(&l, b.Cols, b.Data, 0, b.Stride)
	} else {
		blockKernelsOf[T]().solve(&l, b.Cols, b.Data, (rows-1)*b.Stride, -b.Stride)
	}
}

// rowByRow is leaf for the fewest rows.
func (t *triangle[T]) rowByRow(b *Dense[T]) {
	for s := range t.n {
		i := s
		if t.lower != t.inverse {
			i = t.n - 1 - s
		}
		row, lo, hi := b.Row(i), i+1, t.n
		if t.lower {
			lo, hi = 0, i
		}
		if !t.inverse && !t.unit {
			Scal(t.at(i, i), row)
		}
		for p := lo; p < hi; p++ {
			c := t.at(i, p)
			if t.inverse {
				c = -c
			}
			Axpy(c, b.Row(p), row)
		}
		if t.inverse && !t.unit {
			Scal(1/t.at(i, i), row)
		}
	}
}

// leafTransposed is leaf for the transpose of b.
func (t triangle[T]) leafTransposed(b *Dense[T]) {
	s := borrow[T]()
	defer s.giveBack()
	g := gemmOf[T]()
	c := &Dense[T]{Rows: b.Cols, Cols: b.Rows, Stride: b.Rows, Data: grow(&s.c, b.Rows*b.Cols)}
	g.Transpose(b.Rows, b.Cols, b.Data, b.Stride, c.Data, c.Stride)
	t.leaf(c)
	g.Transpose(b.Cols, b.Rows, c.Data, c.Stride, b.Data, b.Stride)
}

// gemmOf returns the tiles of the current level.
func gemmOf[T kernel.Float]() *kernel.Gemm[T] {
	if g, ok := any(f64.Gemm()).(*kernel.Gemm[T]); ok {
		return g
	}
	return any(f32.Gemm()).(*kernel.Gemm[T])
}

// triangleChunk is the order up to which a product with a vector goes element by element.
const triangleChunk = 64

// vector sets x = op(A)·x or op(A)⁻¹·x.
func (t triangle[T]) vector(x []T) {
	if t.n > triangleChunk {
		h := roundUp(t.n/2, 8)
		parts, xs := [2]triangle[T]{t.part(0, h), t.part(h, t.n)}, [2][]T{x[:h], x[h:]}
		first, from, to := 1, 1, 0
		if t.lower == t.inverse {
			first = 0
		}
		if t.lower {
			from, to = 0, 1
		}
		sign := T(1)
		if t.inverse {
			sign = -1
		}
		parts[first].vector(xs[first])
		corner, op := t.corner(h)
		gemv(rowKernelsOf[T](), op, sign, corner, xs[from], 1, xs[to])
		parts[1-first].vector(xs[1-first])
		return
	}
	for s := range t.n {
		if t.lower != t.inverse {
			s = t.n - 1 - s
		}
		t.vectorStep(x, s)
	}
}

// vectorStep settles element i.
func (t *triangle[T]) vectorStep(x []T, i int) {
	lo, hi := i+1, t.n
	if t.lower {
		lo, hi = 0, i
	}
	if !t.inverse && !t.unit {
		x[i] *= t.at(i, i)
	}
	var s T
	if t.trans {
		for p := lo; p < hi; p++ {
			s += t.data[p*t.ld+i] * x[p]
		}
	} else if lo < hi {
		s = Dot(t.data[i*t.ld+lo:i*t.ld+hi], x[lo:hi])
	}
	if t.inverse {
		x[i] -= s
		if !t.unit {
			x[i] /= t.at(i, i)
		}
	} else {
		x[i] += s
	}
}
