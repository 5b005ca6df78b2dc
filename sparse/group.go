package sparse

import (
	"sort"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
)

// An entry of a matrix on its way to being ordered by major index: the row of a
// CSR that is built, the column of one that is transposed.
type entry[T constraints.Float] struct {
	major, minor uint32
	val          T
}

const (
	// maxBuckets is the most streams that are written at once: their cache lines
	// fit the first level or little more.
	maxBuckets = 512
	// blockEntries is the size of the blocks of input that are counted apart, of
	// which there are at most maxBlocks.
	blockEntries = 1 << 18
	maxBlocks    = 32
)

// A grouping brings n entries into the order of their major index, stably and in
// linear time, in two passes: into buckets of adjacent indices, so that each fits
// the cache, and within the bucket by counting.
type grouping[T constraints.Float] struct {
	workers int
	n       int  // entries
	majors  int  // size of the major dimension
	shift   uint // a bucket is major >> shift
	buckets int
	block   int   // entries in a block of input
	start   []int // of each bucket
	entries []entry[T]
	// count adds the entries lo ≤ p < hi to the histogram of buckets, and scatter
	// writes them to entries at places that it takes from next.
	count   func(hist []int, shift uint, lo, hi int)
	scatter func(entries []entry[T], next []int, shift uint, lo, hi int)
}

// group runs the first pass.
func (g *grouping[T]) group() {
	for g.majors > 0 && (g.majors-1)>>g.shift >= maxBuckets {
		g.shift++
	}
	if g.majors > 0 {
		g.buckets = (g.majors-1)>>g.shift + 1
	}
	g.block = max(blockEntries, par.Blocks(g.n, maxBlocks))
	hist := make([][]int, par.Blocks(g.n, g.block))
	par.For(nil, g.workers, g.n, g.block, func(b, lo, hi int) {
		hist[b] = make([]int, g.buckets)
		g.count(hist[b], g.shift, lo, hi)
	})
	g.start = make([]int, g.buckets+1)
	at := 0
	for k := range g.buckets {
		g.start[k] = at
		for _, h := range hist {
			h[k], at = at, at+h[k]
		}
	}
	g.start[g.buckets] = at
	g.entries = mem.Make[entry[T]](g.n)
	par.For(nil, g.workers, g.n, g.block, func(b, lo, hi int) { g.scatter(g.entries, hist[b], g.shift, lo, hi) })
}

// spread runs the second pass into m, whose rows are the major indices, and calls
// finish for each bucket's rows.
func (g *grouping[T]) spread(m *CSR[T], finish func(bucket, lo, hi int)) {
	par.For(nil, g.workers, g.buckets, 1, func(k, _, _ int) {
		lo, hi := k<<g.shift, min((k+1)<<g.shift, g.majors)
		place(m, g.entries[g.start[k]:g.start[k+1]], int64(g.start[k]), lo, hi)
		if finish != nil {
			finish(k, lo, hi)
		}
	})
}

// place writes the entries of rows lo ≤ i < hi to m, from offset at on. Ptr[i+1]
// counts row i, then walks from its start to its end.
func place[T constraints.Float](m *CSR[T], entries []entry[T], at int64, lo, hi int) {
	next := m.Ptr[lo+1 : hi+1]
	for p := range entries {
		next[entries[p].major-uint32(lo)]++
	}
	for i, n := range next {
		next[i] = at
		at += n
	}
	for p := range entries {
		e := &entries[p]
		i := e.major - uint32(lo)
		q := next[i]
		next[i] = q + 1
		m.Col[q], m.Val[q] = e.minor, e.val
	}
}

// Transpose returns the transposed matrix by rows, sorted. O(Rows + Cols + entries).
// It panics if there are more than 2³² rows. [CSR.View] transposes at no cost.
func (m *CSR[T]) Transpose() *CSR[T] { return m.TransposeParallel(1) }

// TransposeParallel is [CSR.Transpose] on at most workers goroutines, 0 for GOMAXPROCS.
func (m *CSR[T]) TransposeParallel(workers int) *CSR[T] {
	if int64(m.Rows) > maxDim {
		panic("sparse: Transpose of more than 2³² rows")
	}
	first, end := m.Ptr[0], m.Ptr[m.Rows]
	col, val := m.Col[first:end], m.Val[first:end]
	g := &grouping[T]{workers: workers, n: len(col), majors: m.Cols,
		count: func(hist []int, shift uint, lo, hi int) {
			for _, c := range col[lo:hi] {
				hist[c>>shift]++
			}
		},
		scatter: func(entries []entry[T], next []int, shift uint, lo, hi int) {
			// The row that entry lo is in; empty rows before it do not matter.
			i := sort.Search(m.Rows, func(i int) bool { return m.Ptr[i+1]-first > int64(lo) })
			for p := lo; p < hi; i++ {
				rowEnd := min(int(m.Ptr[i+1]-first), hi)
				for ; p < rowEnd; p++ {
					c := col[p]
					q := next[c>>shift]
					next[c>>shift] = q + 1
					entries[q] = entry[T]{c, uint32(i), val[p]}
				}
			}
		},
	}
	g.group()
	ptr := mem.Make[int64](m.Cols + 1)
	out := &CSR[T]{Rows: m.Cols, Cols: m.Rows, Ptr: ptr, Col: mem.Make[uint32](g.n), Val: mem.Make[T](g.n)}
	g.spread(out, nil)
	return out
}

// A Duplicates says what becomes of entries of the same place.
type Duplicates int

const (
	// SumDuplicates adds them up, in their order.
	SumDuplicates Duplicates = iota
	// LastDuplicate keeps the last of them.
	LastDuplicate
	// FirstDuplicate keeps the first of them.
	FirstDuplicate
)

// ToCSR returns the matrix by rows, sorted, with duplicates as d says. Entries whose
// sum is zero stay. O(Rows + entries), and entries·log within rows that are long
// and not sorted. It panics if m breaks the rules of [COO].
func (m *COO[T]) ToCSR(d Duplicates) *CSR[T] { return m.ToCSRParallel(1, d) }

// ToCSRParallel is [COO.ToCSR] on at most workers goroutines, 0 for GOMAXPROCS, with
// the same bits.
func (m *COO[T]) ToCSRParallel(workers int, d Duplicates) *CSR[T] {
	if err := m.Check(); err != nil {
		panic(err.Error())
	}
	row, col, val := m.Row, m.Col, m.Val
	g := &grouping[T]{workers: workers, n: len(val), majors: m.Rows,
		count: func(hist []int, shift uint, lo, hi int) {
			for _, i := range row[lo:hi] {
				hist[i>>shift]++
			}
		},
		scatter: func(entries []entry[T], next []int, shift uint, lo, hi int) {
			for p := lo; p < hi; p++ {
				i := row[p]
				q := next[i>>shift]
				next[i>>shift] = q + 1
				entries[q] = entry[T]{i, col[p], val[p]}
			}
		},
	}
	g.group()
	out := &CSR[T]{Rows: m.Rows, Cols: m.Cols, Ptr: mem.Make[int64](m.Rows + 1), Col: mem.Make[uint32](g.n), Val: mem.Make[T](g.n)}
	kept := make([]int, g.buckets) // entries of each bucket without duplicates
	g.spread(out, func(k, lo, hi int) {
		kept[k] = sortRows(out, int64(g.start[k]), lo, hi, d)
	})
	out.closeGaps(g, kept)
	return out
}

// sortRows sorts rows lo ≤ i < hi of m, whose entries begin at offset first, and
// moves them together where duplicates go. It returns how many entries remain.
func sortRows[T constraints.Float](m *CSR[T], first int64, lo, hi int, d Duplicates) int {
	s := &sorter[T]{}
	from, to := first, first
	for i := lo; i < hi; i++ {
		end := m.Ptr[i+1]
		col, val := m.Col[from:end], m.Val[from:end]
		n := len(col)
		if !s.sort(col, val) {
			n = dedupe(col, val, d)
		}
		if to != from {
			copy(m.Col[to:], col[:n])
			copy(m.Val[to:], val[:n])
		}
		from, to = end, to+int64(n)
		m.Ptr[i+1] = to
	}
	return int(to - first)
}

// closeGaps moves the entries of the buckets together, kept[k] from each.
func (m *CSR[T]) closeGaps(g *grouping[T], kept []int) {
	to := 0
	for k, n := range kept {
		from := g.start[k]
		if gap := int64(from - to); gap > 0 {
			copy(m.Col[to:], m.Col[from:from+n])
			copy(m.Val[to:], m.Val[from:from+n])
			for i := k << g.shift; i < min((k+1)<<g.shift, m.Rows); i++ {
				m.Ptr[i+1] -= gap
			}
		}
		to += n
	}
	m.Col, m.Val = m.Col[:to], m.Val[:to]
}

// dedupe merges entries of the same column of a sorted row and returns how many remain.
func dedupe[T constraints.Float](col []uint32, val []T, d Duplicates) int {
	n := 0
	for k := range col {
		if n == 0 || col[k] != col[n-1] {
			col[n], val[n] = col[k], val[k]
			n++
			continue
		}
		switch d {
		case SumDuplicates:
			val[n-1] += val[k]
		case LastDuplicate:
			val[n-1] = val[k]
		}
	}
	return n
}

// SortRows sorts the entries of each row by column, in place, for matrices of
// [MulUnsorted] and of other programs. O(entries), and entries·log within long rows.
func (m *CSR[T]) SortRows() {
	s := &sorter[T]{}
	for i := range m.Rows {
		s.sort(m.Row(i))
	}
}
