package linalg

import (
	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/internal/kernel"
	"github.com/gram-ml/gram/internal/par"
)

// dotColumns is the number of columns of C up to which inner products along the
// rows of A beat tiles, which would leave most lanes of their vectors empty.
const dotColumns = 4

// skinny computes products whose shape wastes the lanes of tiles, by whole shape,
// so that the bits do not depend on the number of workers. It tells whether it did.
func skinny[T kernel.Float](workers int, p *product[T]) bool {
	switch {
	case p.k == 0 || p.alpha == 0:
		return false
	case p.n <= dotColumns && !p.transA:
		p.dots(workers)
	case p.m <= dotColumns && p.transB,
		p.transA && p.n <= 2*p.kern.Lanes && p.n%p.kern.Lanes != 0 && p.m > 2*p.n:
		p.swapped(workers)
	case p.m == 1:
		p.row()
	default:
		return false
	}
	return true
}

// dots computes each element as an inner product of rows of A and columns of B.
func (p *product[T]) dots(workers int) {
	s := borrow[T]()
	defer s.giveBack()
	columns := grow(&s.b, p.n*p.k)
	for j := range p.n {
		for q := range p.k {
			if p.transB {
				columns[j*p.k+q] = p.b[j*p.ldb+q]
			} else {
				columns[j*p.k+q] = p.b[q*p.ldb+j]
			}
		}
	}
	if workers = p.workers(workers); workers == 1 {
		p.dotRows(columns, 0, p.m)
		return
	}
	q := *p
	par.For(nil, workers, p.m, gemvChunk, func(_, lo, hi int) { q.dotRows(columns, lo, hi) })
}

// dotRows computes rows lo ≤ i < hi of C from the columns of B.
func (p *product[T]) dotRows(columns []T, lo, hi int) {
	s := borrow[T]()
	defer s.giveBack()
	dots := grow(&s.corner, gemvChunk)
	for i := lo; i < hi; i += gemvChunk {
		dst := dots[:min(gemvChunk, hi-i)]
		for j := range p.n {
			p.rows.dotRows(dst, p.a[i*p.lda:], p.lda, columns[j*p.k:(j+1)*p.k])
			for l, d := range dst {
				c := &p.c[(i+l)*p.ldc+j]
				if p.beta == 0 {
					*c = p.alpha * d
				} else {
					*c = p.alpha*d + p.beta**c
				}
			}
		}
	}
}

// row computes a single row of C by adding up rows of B.
func (p *product[T]) row() {
	b := &Dense[T]{Rows: p.k, Cols: p.n, Stride: p.ldb, Data: p.b}
	s := borrow[T]()
	defer s.giveBack()
	x := p.a[:p.k]
	if p.transA && p.lda != 1 {
		x = grow(&s.a, p.k)
		for q := range x {
			x[q] = p.a[q*p.lda]
		}
	}
	gemv(p.rows, blas.Trans, p.alpha, b, x, p.beta, p.c[:p.n])
}

// swapped computes Cᵀ = alpha·op(B)ᵀ·op(A)ᵀ + beta·Cᵀ.
func (p *product[T]) swapped(workers int) {
	s := borrow[T]()
	defer s.giveBack()
	q := *p
	q.m, q.n = p.n, p.m
	q.a, q.lda, q.transA = p.b, p.ldb, !p.transB
	q.b, q.ldb, q.transB = p.a, p.lda, !p.transA
	q.c, q.ldc = grow(&s.c, p.m*p.n), p.m
	if p.beta != 0 {
		p.kern.Transpose(p.m, p.n, p.c, p.ldc, q.c, q.ldc)
	}
	multiply(workers, &q)
	p.kern.Transpose(p.n, p.m, q.c, q.ldc, p.c, p.ldc)
}
