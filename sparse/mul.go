package sparse

import (
	"fmt"
	"math/bits"
	"slices"
	"sort"
	"unsafe"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
)

// Mul returns A·B, sorted. A product's entries are the places that terms fall on, a
// sum of zero included. It panics if the shapes do not fit.
//
// It is Gustavson's algorithm: one pass counts the entries of each row, another
// computes them. Where nearly every term becomes an entry, as a sample of the rows
// tells, there is no need to count, and the terms of short rows are sorted. Memory is that of the result, at most a seventh
// more, and O(columns of B). Time is that of the terms Σ aᵢⱼ·(entries of row j of B).
//
// F. G. Gustavson, Two fast algorithms for sparse matrices, ACM TOMS 4 (1978).
func Mul[T constraints.Float](a, b *CSR[T]) *CSR[T] { return MulParallel(1, a, b) }

// MulParallel is [Mul] on at most workers goroutines, 0 for GOMAXPROCS, with the same
// bits. Each takes O(columns of B) memory.
func MulParallel[T constraints.Float](workers int, a, b *CSR[T]) *CSR[T] {
	checkProduct("Mul", a, b)
	return (&product[T]{a: a, b: b, workers: workers}).run()
}

// MulUnsorted is [MulParallel] with the entries of each row in the order in which
// they came up, which is faster. Such a matrix breaks a rule of [CSR]: MulVec, MulDense,
// their kin and the right side of another Mul take it; everything else needs
// [CSR.SortRows] first.
func MulUnsorted[T constraints.Float](workers int, a, b *CSR[T]) *CSR[T] {
	checkProduct("MulUnsorted", a, b)
	return (&product[T]{a: a, b: b, workers: workers, unsorted: true}).run()
}

// Syrk returns the upper triangle of A·Aᵀ, the diagonal included, sorted, in half the
// time of the product, on at most workers goroutines, 0 for GOMAXPROCS. It panics
// for more than 2³² rows.
func Syrk[T constraints.Float](workers int, a *CSR[T]) *CSR[T] {
	return (&product[T]{a: a, b: a.TransposeParallel(workers), workers: workers, upper: true}).run()
}

func checkProduct[T constraints.Float](op string, a, b *CSR[T]) {
	if a.Cols != b.Rows {
		panic(fmt.Sprintf("sparse: %s of %d×%d by %d×%d", op, a.Rows, a.Cols, b.Rows, b.Cols))
	}
}

// A product is A·B on its way.
type product[T constraints.Float] struct {
	a, b     *CSR[T]
	workers  int
	unsorted bool
	upper    bool // only columns at or after the row's own
	few      bool // few terms meet, so that short rows need no accumulator

	terms []int64 // see countTerms
	cuts  []int   // spans of work
	accs  []*accumulator[T]
}

// row returns row j of B, as far as row i of the result needs it.
func (p *product[T]) row(i int, j uint32) (col []uint32, val []T) {
	lo, hi := p.span(i, j)
	return p.b.Col[lo:hi], p.b.Val[lo:hi]
}

// span returns where row j of B lies, as far as row i of the result needs it.
func (p *product[T]) span(i int, j uint32) (lo, hi int64) {
	lo, hi = p.b.Ptr[j], p.b.Ptr[j+1]
	if p.upper {
		k, _ := slices.BinarySearch(p.b.Col[lo:hi], uint32(i))
		lo += int64(k)
	}
	return lo, hi
}

// spans lists the spans of the rows of B that row i of A leads to.
func (p *product[T]) spans(acc *accumulator[T], i int) []int64 {
	col, _ := p.a.Row(i)
	acc.spans = slices.Grow(acc.spans[:0], 2*len(col))[:2*len(col)]
	if !p.upper {
		f64.SpSpans(acc.spans, col, p.b.Ptr)
		return acc.spans
	}
	for k, j := range col {
		acc.spans[2*k], acc.spans[2*k+1] = p.span(i, j)
	}
	return acc.spans
}

// countTerms returns the number of terms up to each row, and one more for each row: what
// there is to do.
func (p *product[T]) countTerms() []int64 {
	out := mem.Make[int64](p.a.Rows + 1)
	ptr := p.b.Ptr
	for i := range p.a.Rows {
		col, _ := p.a.Row(i)
		n := int64(1)
		if p.upper {
			for _, j := range col {
				lo, hi := p.span(i, j)
				n += hi - lo
			}
		} else {
			for _, j := range col {
				n += ptr[j+1] - ptr[j]
			}
		}
		out[i+1] = out[i] + n
	}
	return out
}

// fetchAhead is how many entries of A before its turn a row of B is fetched.
const fetchAhead = 16

// fetch asks for the rows of B that entries lo ≤ k < hi of A, those that there are,
// lead to: they are scattered, and waiting for each would take longer than its terms.
func (p *product[T]) fetch(lo, hi int64, values bool) {
	end := p.a.Ptr[p.a.Rows]
	of := p.a.Col[min(lo, end):min(hi, end)]
	switch {
	case !values:
		f64.SpFetchColumns(of, p.b.Ptr, p.b.Col)
	case is64[T]():
		f64.SpFetch(of, p.b.Ptr, p.b.Col, f64.Of(p.b.Val))
	default:
		f32.SpFetch(of, p.b.Ptr, p.b.Col, f32.Of(p.b.Val))
	}
}

// each calls f for every row, on the workers, having fetched its rows of B, and tells the
// first row of each span.
func (p *product[T]) each(values bool, f func(acc *accumulator[T], i int, first bool)) {
	eachSpan(p.workers, p.cuts, func(worker, lo, hi int) {
		if p.accs[worker] == nil {
			p.accs[worker] = &accumulator[T]{cols: p.b.Cols}
		}
		p.fetch(p.a.Ptr[lo], p.a.Ptr[lo]+fetchAhead, values)
		for i := lo; i < hi; i++ {
			p.fetch(p.a.Ptr[i]+fetchAhead, p.a.Ptr[i+1]+fetchAhead, values)
			f(p.accs[worker], i, i == lo)
		}
	})
}

func (p *product[T]) run() *CSR[T] {
	p.terms = p.countTerms()
	p.cuts = cutsOf(p.a.Rows, func(i int) int64 { return p.terms[i] }, spanEntries)
	p.accs = make([]*accumulator[T], max(1, min(par.Workers(p.workers), len(p.cuts)-1)))
	if p.few = p.fewMeet(); p.few {
		return p.runOnce()
	}
	ptr := mem.Make[int64](p.a.Rows + 1)
	p.each(false, func(acc *accumulator[T], i int, _ bool) { ptr[i+1] = int64(p.count(acc, i)) })
	for i := range p.a.Rows {
		ptr[i+1] += ptr[i]
	}
	out := withPointers[T](p.a.Rows, p.b.Cols, ptr)
	p.each(true, func(acc *accumulator[T], i int, _ bool) {
		col, val := out.Row(i)
		p.fill(acc, i, col, val)
	})
	return out
}

// fewMeet tells, from rows at equal distances in terms, whether nearly every term
// becomes an entry, so that room for all of them is little more than the result needs.
func (p *product[T]) fewMeet() bool {
	const samples = 64
	acc := &accumulator[T]{cols: p.b.Cols}
	p.accs[0] = acc
	var terms, entries int64
	last := -1
	for k := range int64(samples) {
		at := p.terms[p.a.Rows] / samples * k
		i := sort.Search(p.a.Rows, func(i int) bool { return p.terms[i+1] > at })
		if i == last || i == p.a.Rows {
			continue
		}
		last = i
		terms += p.rowTerms(i)
		entries += int64(p.count(acc, i))
	}
	return entries >= terms-terms/16
}

// runOnce computes the rows at once, those of a span one after the other from the place
// that the first has if no terms meet, and then moves the spans together. A single worker
// needs no places but the end of the row before.
func (p *product[T]) runOnce() *CSR[T] {
	rows := p.a.Rows
	room := p.terms[rows] - int64(rows)
	out := &CSR[T]{Rows: rows, Cols: p.b.Cols, Ptr: mem.Make[int64](rows + 1), Col: mem.Make[uint32](int(room)), Val: mem.Make[T](int(room))}
	serial := par.Workers(p.workers) == 1
	p.each(true, func(acc *accumulator[T], i int, first bool) {
		at := p.terms[i] - int64(i)
		if serial || !first {
			at = out.Ptr[i]
		}
		next := at + p.rowTerms(i)
		out.Ptr[i+1] = at + int64(p.fill(acc, i, out.Col[at:next], out.Val[at:next]))
	})
	if !serial {
		p.closeUp(out)
	}
	n := out.Ptr[rows]
	out.Col, out.Val = out.Col[:n:n], out.Val[:n:n]
	if n < room-room/8 { // the sample was not like the rest
		return out.Clone()
	}
	return out
}

// closeUp moves the spans together, columns on one goroutine and values on another.
func (p *product[T]) closeUp(out *CSR[T]) {
	type move struct{ from, end, to int64 }
	moves := make([]move, 0, len(p.cuts))
	to := int64(0)
	for s := range len(p.cuts) - 1 {
		lo, hi := p.cuts[s], p.cuts[s+1]
		if lo == hi {
			continue
		}
		m := move{p.terms[lo] - int64(lo), out.Ptr[hi], to}
		for i := lo; i < hi; i++ {
			out.Ptr[i+1] -= m.from - to
		}
		moves = append(moves, m)
		to = out.Ptr[hi]
	}
	par.For(nil, p.workers, 2, 1, func(part, _, _ int) {
		for _, m := range moves {
			switch {
			case m.from == m.to:
			case part == 0:
				copy(out.Col[m.to:], out.Col[m.from:m.end])
			default:
				copy(out.Val[m.to:], out.Val[m.from:m.end])
			}
		}
	})
}

// rowTerms returns the number of terms of row i.
func (p *product[T]) rowTerms(i int) int64 { return p.terms[i+1] - p.terms[i] - 1 }

// count returns the number of entries of row i of the result.
func (p *product[T]) count(acc *accumulator[T], i int) int {
	col, _ := p.a.Row(i)
	terms := p.rowTerms(i)
	if len(col) < 2 {
		return int(terms)
	}
	if !acc.dense(terms) {
		acc.begin()
		for _, j := range col {
			c, _ := p.row(i, j)
			for _, k := range c {
				acc.slot(k)
			}
		}
		return len(acc.list)
	}
	list := acc.room(int(min(terms, int64(p.b.Cols))) + 1)
	n := f64.SpList(p.spans(acc, i), p.b.Col, acc.used, list)
	acc.free(list[:n])
	return n
}

// fill computes row i of the result into the beginnings of col and val, and returns
// how many entries it has.
func (p *product[T]) fill(acc *accumulator[T], i int, col []uint32, val []T) int {
	from, factor := p.a.Row(i)
	terms := p.rowTerms(i)
	switch {
	case terms == 0:
		return 0
	case len(from) == 1:
		c, v := p.row(i, from[0])
		copy(col, c)
		for k, x := range v {
			val[k] = factor[0] * x
		}
		if !p.unsorted && !increasing(c) {
			acc.sorter.sort(col[:len(c)], val[:len(c)])
		}
		return len(c)
	case p.few && terms <= int64(f64.SpRankMax()):
		n := int(terms)
		return acc.sorter.terms(p.spans(acc, i), factor, p.b.Col, p.b.Val, col[:n], val[:n])
	case !acc.dense(terms):
		acc.begin()
		for k, j := range from {
			c, v := p.row(i, j)
			acc.addHashed(factor[k], c, v)
		}
		n := copy(col, acc.list)
		copy(val, acc.found)
		if !p.unsorted {
			acc.sorter.sort(col[:n], val[:n])
		}
		return n
	}
	most := int(min(terms, int64(p.b.Cols)))
	fetchRoom(col[:min(most, len(col))], val)
	list := acc.room(most + 1)
	n := spAdd(p.spans(acc, i), factor, p.b.Col, p.b.Val, acc.sums, acc.used, list)
	list = list[:n]
	switch {
	case p.unsorted:
		copy(col, list)
	case n <= f64.SpRankMax():
		acc.sorter.sortColumns(col[:n], list)
	default:
		acc.sortByBits(col[:n], list)
	}
	spTake(col[:n], val, acc.sums, acc.used)
	return n
}

// fetchRoom asks for the memory of a row that will be written.
func fetchRoom[T constraints.Float](col []uint32, val []T) {
	f64.SpFetchLines(unsafe.Pointer(unsafe.SliceData(col)), 4*len(col))
	f64.SpFetchLines(unsafe.Pointer(unsafe.SliceData(val)), int(unsafe.Sizeof(val[0]))*len(col))
}

// spTerms is kernel.SpTerms by the kernels of T.
func spTerms[T constraints.Float](spans []int64, factor []T, col []uint32, val []T, toCol []uint32, toVal []T) int {
	if is64[T]() {
		return f64.SpTerms(spans, f64.Of(factor), col, f64.Of(val), toCol, f64.Of(toVal))
	}
	return f32.SpTerms(spans, f32.Of(factor), col, f32.Of(val), toCol, f32.Of(toVal))
}

// spPlace is kernel.SpPlace by the kernels of T.
func spPlace[T constraints.Float](rank, fromCol []uint32, fromVal []T, col []uint32, val []T) int {
	if is64[T]() {
		return f64.SpPlace(rank, fromCol, f64.Of(fromVal), col, f64.Of(val))
	}
	return f32.SpPlace(rank, fromCol, f32.Of(fromVal), col, f32.Of(val))
}

// spTake is kernel.SpTake by the kernels of T.
func spTake[T constraints.Float](col []uint32, val, sums []T, used []uint8) {
	if is64[T]() {
		f64.SpTake(col, f64.Of(val), f64.Of(sums), used)
	} else {
		f32.SpTake(col, f32.Of(val), f32.Of(sums), used)
	}
}

// spAdd is kernel.SpAdd by the kernels of T.
func spAdd[T constraints.Float](spans []int64, factor []T, col []uint32, val, sums []T, used []uint8, list []uint32) int {
	if is64[T]() {
		return f64.SpAdd(spans, f64.Of(factor), col, f64.Of(val), f64.Of(sums), used, list)
	}
	return f32.SpAdd(spans, f32.Of(factor), col, f32.Of(val), f32.Of(sums), used, list)
}

// An accumulator sums one row of a product. Wide rows of few terms go through a hash
// table. Others are added in place: sums has an element a column, zero between
// rows, and used tells which are in use. Long rows are sorted by way of bits, one a
// column, and top, which tells the words of bits that are not zero.
type accumulator[T constraints.Float] struct {
	cols      int
	spans     []int64 // from where to where the row's terms lie in B
	sums      []T
	used      []uint8
	list      []uint32 // columns in order of appearance
	bits, top []uint64
	sorter    sorter[T]

	table []uint32 // hash: 0 for free, otherwise 1 + index into list
	found []T      // hash: sums by that index
}

// maxDense is the most columns that an accumulator spends memory on.
const maxDense = 1 << 24

// dense tells whether a row of so many terms is added in place.
func (a *accumulator[T]) dense(terms int64) bool {
	if a.cols > maxDense || terms<<13 < int64(a.cols) {
		return false
	}
	if a.used == nil {
		a.sums, a.used = mem.Make[T](a.cols), make([]uint8, a.cols+1)
	}
	return true
}

// room returns the list with room for n columns.
func (a *accumulator[T]) room(n int) []uint32 {
	a.list = slices.Grow(a.list[:0], n)
	return a.list[:cap(a.list)]
}

// free marks columns as not used.
func (a *accumulator[T]) free(col []uint32) {
	if len(col) > len(a.used)/16 {
		clear(a.used)
		return
	}
	used := a.used
	for _, c := range col {
		used[c] = 0
	}
}

// sortByBits writes the columns of list to col, in order.
func (a *accumulator[T]) sortByBits(col, list []uint32) {
	if a.bits == nil {
		words := a.cols/64 + 1
		a.bits, a.top = make([]uint64, words), make([]uint64, words/64+1)
	}
	for _, c := range list {
		a.bits[c>>6] |= 1 << (c & 63)
		a.top[c>>12] |= 1 << (c >> 6 & 63)
	}
	n := 0
	for t, words := range a.top {
		a.top[t] = 0
		for ; words != 0; words &= words - 1 {
			w := t<<6 + bits.TrailingZeros64(words)
			for set := a.bits[w]; set != 0; set &= set - 1 {
				col[n] = uint32(w<<6 + bits.TrailingZeros64(set))
				n++
			}
			a.bits[w] = 0
		}
	}
}

// begin empties the hash table.
func (a *accumulator[T]) begin() {
	if a.table == nil {
		a.table = make([]uint32, 64)
	}
	if len(a.table) > 64*(len(a.list)+1) {
		// A table that one long row has grown is cut down for shorter ones.
		a.table = a.table[:len(a.table)/2]
	}
	clear(a.table)
	a.list, a.found = a.list[:0], a.found[:0]
}

// slot returns the index of a column in list, where it is put if it is new.
func (a *accumulator[T]) slot(c uint32) int {
	for h := a.hash(c); ; h++ {
		at := &a.table[h&uint32(len(a.table)-1)]
		switch {
		case *at == 0:
			a.list, a.found = append(a.list, c), append(a.found, 0)
			*at = uint32(len(a.list))
			if len(a.list)*2 > len(a.table) {
				a.grow()
			}
			return len(a.list) - 1
		case a.list[*at-1] == c:
			return int(*at - 1)
		}
	}
}

// hash is Fibonacci's: the upper bits of a product with 2³²/φ.
func (a *accumulator[T]) hash(c uint32) uint32 {
	return (c * 2654435769) >> (32 - uint(bits.Len(uint(len(a.table)-1))))
}

// grow doubles the table.
func (a *accumulator[T]) grow() {
	a.table = make([]uint32, 2*len(a.table))
	for k, c := range a.list {
		h := a.hash(c)
		for a.table[h&uint32(len(a.table)-1)] != 0 {
			h++
		}
		a.table[h&uint32(len(a.table)-1)] = uint32(k + 1)
	}
}

// addHashed is add by the hash table.
func (a *accumulator[T]) addHashed(s T, col []uint32, val []T) {
	for k, c := range col {
		a.found[a.slot(c)] += s * val[k]
	}
}
