package sparse

import (
	"fmt"
	"math/bits"
	"slices"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
)

// Mul returns A·B, sorted. A product's entries are the places that terms fall on, a
// sum of zero included. It panics if the shapes do not fit.
//
// It is Gustavson's algorithm in two passes: one counts the entries of each row, one
// computes them, in memory for the result and O(columns of B). Time is that of the
// terms Σ aᵢⱼ·(entries of row j of B).
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
	for k, j := range col {
		acc.spans[2*k], acc.spans[2*k+1] = p.span(i, j)
	}
	return acc.spans
}

// terms returns the number of terms up to each row, and so what there is to do.
func (p *product[T]) terms() []int64 {
	out := mem.Make[int64](p.a.Rows + 1)
	for i := range p.a.Rows {
		col, _ := p.a.Row(i)
		n := int64(1)
		for _, j := range col {
			n += p.b.Ptr[j+1] - p.b.Ptr[j]
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

func (p *product[T]) run() *CSR[T] {
	terms := p.terms()
	cuts := cutsOf(p.a.Rows, func(i int) int64 { return terms[i] }, spanEntries)
	accs := make([]*accumulator[T], min(par.Workers(p.workers), len(cuts)-1))
	each := func(values bool, f func(acc *accumulator[T], i int)) {
		eachSpan(p.workers, cuts, func(worker, lo, hi int) {
			if accs[worker] == nil {
				accs[worker] = &accumulator[T]{cols: p.b.Cols}
			}
			p.fetch(p.a.Ptr[lo], p.a.Ptr[lo]+fetchAhead, values)
			for i := lo; i < hi; i++ {
				p.fetch(p.a.Ptr[i]+fetchAhead, p.a.Ptr[i+1]+fetchAhead, values)
				f(accs[worker], i)
			}
		})
	}
	ptr := mem.Make[int64](p.a.Rows + 1)
	each(false, func(acc *accumulator[T], i int) { ptr[i+1] = int64(p.count(acc, i, terms[i+1]-terms[i])) })
	for i := range p.a.Rows {
		ptr[i+1] += ptr[i]
	}
	out := withPointers[T](p.a.Rows, p.b.Cols, ptr)
	each(true, func(acc *accumulator[T], i int) {
		col, val := out.Row(i)
		p.fill(acc, i, terms[i+1]-terms[i], col, val)
	})
	return out
}

// count returns the number of entries of row i of the result.
func (p *product[T]) count(acc *accumulator[T], i int, terms int64) int {
	col, _ := p.a.Row(i)
	switch len(col) {
	case 0:
		return 0
	case 1:
		c, _ := p.row(i, col[0])
		return len(c)
	case 2:
		if p.unsorted {
			break // B may be
		}
		c, _ := p.row(i, col[0])
		d, _ := p.row(i, col[1])
		return len(c) + len(d) - shared(c, d)
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
	n := f64.SpList(p.spans(acc, i), p.b.Col, acc.bits, list)
	if 2*n > len(acc.bits) {
		clear(acc.bits)
		return n
	}
	acc.clearBits(list[:n])
	return n
}

// fill computes row i of the result into col and val.
func (p *product[T]) fill(acc *accumulator[T], i int, terms int64, col []uint32, val []T) {
	from, factor := p.a.Row(i)
	switch {
	case len(from) == 0:
		return
	case len(from) == 1:
		c, v := p.row(i, from[0])
		copy(col, c)
		for k, x := range v {
			val[k] = factor[0] * x
		}
		if !p.unsorted && !increasing(col) {
			acc.sorter.sort(col, val)
		}
		return
	case !acc.dense(terms):
		acc.begin()
		for k, j := range from {
			c, v := p.row(i, j)
			acc.addHashed(factor[k], c, v)
		}
		copy(col, acc.list)
		copy(val, acc.found)
		if !p.unsorted {
			acc.sorter.sort(col, val)
		}
		return
	}
	list := acc.room(len(col) + 1)
	spAdd(p.spans(acc, i), factor, p.b.Col, p.b.Val, acc.sums, acc.bits, list)
	switch {
	case p.unsorted:
		copy(col, list)
		acc.clearBits(col)
	case len(col) <= f64.SpRankMax():
		copy(col, list)
		acc.clearBits(col)
		acc.sorter.sortColumns(col)
	default:
		acc.takeColumns(col, list)
	}
	acc.takeSums(col, val)
}

// spAdd is kernel.SpAdd by the kernels of T.
func spAdd[T constraints.Float](spans []int64, factor []T, col []uint32, val, sums []T, bits []uint64, list []uint32) {
	if is64[T]() {
		f64.SpAdd(spans, f64.Of(factor), col, f64.Of(val), f64.Of(sums), bits, list)
	} else {
		f32.SpAdd(spans, f32.Of(factor), col, f32.Of(val), f32.Of(sums), bits, list)
	}
}

// An accumulator sums one row of a product. Wide rows of few terms go through a hash
// table. Others are added in place: sums has an element a column, zero between
// rows; bits tells which are in use, and top which words of bits are, so that the
// columns come out in order without a sort.
type accumulator[T constraints.Float] struct {
	cols      int
	spans     []int64 // from where to where the row's terms lie in B
	sums      []T
	bits, top []uint64
	words     []uint32 // indices of words of bits
	sorter    sorter[T]
	list      []uint32 // columns in order of appearance

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
	if a.bits == nil {
		words := a.cols/64 + 1
		a.sums, a.bits, a.top = mem.Make[T](a.cols), make([]uint64, words), make([]uint64, (words+63)/64)
		a.words = make([]uint32, words/2)
	}
	return true
}

// room returns the list with room for n columns.
func (a *accumulator[T]) room(n int) []uint32 {
	a.list = slices.Grow(a.list[:0], n)
	return a.list[:cap(a.list)]
}

// clearBits clears the bits of columns.
func (a *accumulator[T]) clearBits(col []uint32) {
	bits := a.bits
	for _, c := range col {
		bits[c>>6] = 0
	}
}

// takeColumns moves the columns from the bits to col, in order. list holds them in
// another one.
func (a *accumulator[T]) takeColumns(col, list []uint32) {
	if len(col) > len(a.bits)/2 {
		n := 0
		for w, set := range a.bits {
			for ; set != 0; set &= set - 1 {
				col[n] = uint32(w<<6 + bits.TrailingZeros64(set))
				n++
			}
		}
		clear(a.bits)
		return
	}
	for _, c := range list[:len(col)] {
		a.top[c>>12] |= 1 << (c >> 6 & 63)
	}
	n := 0
	for t, set := range a.top {
		for ; set != 0; set &= set - 1 {
			a.words[n] = uint32(t<<6 + bits.TrailingZeros64(set))
			n++
		}
		a.top[t] = 0
	}
	m := 0
	for _, w := range a.words[:n] {
		for set := a.bits[w]; set != 0; set &= set - 1 {
			col[m] = w<<6 + uint32(bits.TrailingZeros64(set))
			m++
		}
		a.bits[w] = 0
	}
}

// takeSums moves the sums of columns to val.
func (a *accumulator[T]) takeSums(col []uint32, val []T) {
	val = val[:len(col)]
	sums := a.sums
	for k, c := range col {
		val[k] = sums[c]
		sums[c] = 0
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
