package sparse

import (
	"slices"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram/internal/kernel/f64"
)

// rankMax bounds f64.SpRankMax and is a multiple of 32.
const rankMax = 128

// A sorter sorts rows by column. It holds memory for one row after the other, and its
// zero value is ready.
type sorter[T constraints.Float] struct {
	col, rank [rankMax]uint32
	val       [rankMax]T
	seen      [rankMax]uint8
	a, b      []pair[T]
}

// A pair is an entry of a long row.
type pair[T constraints.Float] struct {
	c uint32
	v T
}

// sort sorts a row by column, stably: a short one by comparing all with all, a long one
// by radix. It tells whether the columns are distinct.
func (s *sorter[T]) sort(col []uint32, val []T) (distinct bool) {
	n := len(col)
	switch {
	case increasing(col):
		return true
	case n > f64.SpRankMax():
		s.sortLong(col, val)
		return increasing(col)
	}
	copy(s.col[:], col)
	copy(s.val[:], val)
	f64.SpRank(n, s.col[:], s.rank[:])
	sum := 0
	from := s.val[:n]
	for k, r := range s.rank[:n] {
		col[r], val[r] = s.col[k], from[k]
		sum += int(r)
	}
	if sum == n*(n-1)/2 {
		return true
	}
	// The same column again has the same rank and goes to the place after it.
	clear(s.seen[:n])
	for k, r := range s.rank[:n] {
		at := r + uint32(s.seen[r])
		s.seen[r]++
		col[at], val[at] = s.col[k], from[k]
	}
	return false
}

// sortColumns writes the columns of list, at most f64.SpRankMax and each there once, to
// col, in order.
func (s *sorter[T]) sortColumns(col, list []uint32) {
	copy(s.col[:], list)
	f64.SpRank(len(col), s.col[:], s.rank[:])
	for k, r := range s.rank[:len(col)] {
		col[r] = s.col[k]
	}
}

// terms writes the sum of the terms of spans, at most f64.SpRankMax, to the beginnings of
// col and val, which have room for all of them, in order, and returns how many entries
// that is.
func (s *sorter[T]) terms(spans []int64, factor []T, fromCol []uint32, fromVal []T, col []uint32, val []T) int {
	n := spTerms(spans, factor, fromCol, fromVal, s.col[:], s.val[:])
	f64.SpRank(n, s.col[:], s.rank[:])
	clear(val)
	if spPlace(s.rank[:n], s.col[:n], s.val[:n], col, val) == n*(n-1)/2 { // 0, 1, …, n−1
		return n
	}
	// Terms of the same column have the same rank, and the ranks after it are missing.
	clear(s.seen[:n])
	for _, r := range s.rank[:n] {
		s.seen[r] = 1
	}
	to := 0
	for r, seen := range s.seen[:n] {
		col[to], val[to] = col[r], val[r]
		to += int(seen)
	}
	return to
}

// sortLong sorts by radix, eight bits at a time.
func (s *sorter[T]) sortLong(col []uint32, val []T) {
	n := len(col)
	s.a, s.b = slices.Grow(s.a[:0], n)[:n], slices.Grow(s.b[:0], n)[:n]
	a, b := s.a, s.b
	differ := uint32(0) // bits that are not the same everywhere
	for k, c := range col {
		a[k] = pair[T]{c, val[k]}
		differ |= c ^ col[0]
	}
	for shift := uint(0); shift < 32; shift += 8 {
		if differ>>shift&255 == 0 {
			continue
		}
		var next [256]int
		for _, e := range a {
			next[e.c>>shift&255]++
		}
		at := 0
		for i, n := range next {
			next[i], at = at, at+n
		}
		for _, e := range a {
			d := e.c >> shift & 255
			b[next[d]] = e
			next[d]++
		}
		a, b = b, a
	}
	for k, e := range a {
		col[k], val[k] = e.c, e.v
	}
}
