package sparse

import (
	"fmt"
	"github.com/gram-ml/gram/internal/mem"

	"golang.org/x/exp/constraints"
)

// addEntries merges alpha·a + beta·b into ind and val and returns their number.
func addEntries[T constraints.Float](ind []uint32, val []T, alpha T, ai []uint32, av []T, beta T, bi []uint32, bv []T) int {
	n, p, q := 0, 0, 0
	for p < len(ai) && q < len(bi) {
		i, j := ai[p], bi[q]
		switch {
		case i == j:
			ind[n], val[n] = i, alpha*av[p]+beta*bv[q]
			p++
			q++
		case i < j:
			ind[n], val[n] = i, alpha*av[p]
			p++
		default:
			ind[n], val[n] = j, beta*bv[q]
			q++
		}
		n++
	}
	for ; p < len(ai); p++ {
		ind[n], val[n] = ai[p], alpha*av[p]
		n++
	}
	for ; q < len(bi); q++ {
		ind[n], val[n] = bi[q], beta*bv[q]
		n++
	}
	return n
}

// mulEntries writes the products of the entries that a and b share to ind and val,
// and returns their number.
func mulEntries[T constraints.Float](ind []uint32, val []T, ai []uint32, av []T, bi []uint32, bv []T) int {
	n := 0
	for p, q := 0, 0; p < len(ai) && q < len(bi); {
		i, j := ai[p], bi[q]
		if i == j {
			ind[n], val[n] = i, av[p]*bv[q]
			n++
		}
		p += below(i, j)
		q += below(j, i)
	}
	return n
}

// Add returns alpha·A + beta·B, with an entry wherever either has one, sums of zero
// included. It panics if the shapes differ. O(Rows + entries of both).
func Add[T constraints.Float](alpha T, a *CSR[T], beta T, b *CSR[T]) *CSR[T] {
	return combine("Add", a, b, func(ai, bi []uint32) int { return len(ai) + len(bi) - shared(ai, bi) },
		func(ind []uint32, val []T, ai []uint32, av []T, bi []uint32, bv []T) {
			addEntries(ind, val, alpha, ai, av, beta, bi, bv)
		})
}

// MulElem returns the elementwise product A∘B, with an entry wherever both have
// one. It panics if the shapes differ. O(Rows + entries of both).
func MulElem[T constraints.Float](a, b *CSR[T]) *CSR[T] {
	return combine("MulElem", a, b, shared,
		func(ind []uint32, val []T, ai []uint32, av []T, bi []uint32, bv []T) {
			mulEntries(ind, val, ai, av, bi, bv)
		})
}

// shared counts the indices that a and b share.
func shared(a, b []uint32) int {
	n := 0
	for p, q := 0, 0; p < len(a) && q < len(b); {
		i, j := a[p], b[q]
		if i == j {
			n++
		}
		p += below(i, j)
		q += below(j, i)
	}
	return n
}

// combine makes each row of the result of a row of A and one of B, in two passes:
// count tells the entries and fill writes them.
func combine[T constraints.Float](op string, a, b *CSR[T], count func(ai, bi []uint32) int,
	fill func(ind []uint32, val []T, ai []uint32, av []T, bi []uint32, bv []T)) *CSR[T] {
	if a.Rows != b.Rows || a.Cols != b.Cols {
		panic(fmt.Sprintf("sparse: %s of %d×%d and %d×%d", op, a.Rows, a.Cols, b.Rows, b.Cols))
	}
	ptr := mem.Make[int64](a.Rows + 1)
	for i := range a.Rows {
		ai, _ := a.Row(i)
		bi, _ := b.Row(i)
		ptr[i+1] = ptr[i] + int64(count(ai, bi))
	}
	out := withPointers[T](a.Rows, a.Cols, ptr)
	for i := range a.Rows {
		ind, val := out.Row(i)
		ai, av := a.Row(i)
		bi, bv := b.Row(i)
		fill(ind, val, ai, av, bi, bv)
	}
	return out
}

// withPointers returns a matrix with room for the entries that ptr announces.
func withPointers[T constraints.Float](rows, cols int, ptr []int64) *CSR[T] {
	n := ptr[rows]
	return &CSR[T]{Rows: rows, Cols: cols, Ptr: ptr, Col: mem.Make[uint32](int(n)), Val: mem.Make[T](int(n))}
}

// ScaleRows multiplies row i by f[i], in place. It panics if len(f) is not Rows.
func (m *CSR[T]) ScaleRows(f []T) {
	checkLen("ScaleRows", len(f), m.Rows, m)
	for i, s := range f {
		_, val := m.Row(i)
		for k := range val {
			val[k] *= s
		}
	}
}

// ScaleCols multiplies column j by f[j], in place. It panics if len(f) is not Cols.
func (m *CSR[T]) ScaleCols(f []T) {
	checkLen("ScaleCols", len(f), m.Cols, m)
	first, end := m.Ptr[0], m.Ptr[m.Rows]
	val := m.Val[first:end]
	for k, c := range m.Col[first:end] {
		val[k] *= f[c]
	}
}

// checkLen panics unless a slice for m has the wanted length.
func checkLen[T constraints.Float](op string, got, want int, m *CSR[T]) {
	if got != want {
		panic(fmt.Sprintf("sparse: %s of a %d×%d matrix and a slice of %d, want %d", op, m.Rows, m.Cols, got, want))
	}
}
