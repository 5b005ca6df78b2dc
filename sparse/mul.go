package sparse

import (
	"fmt"
	"math/bits"
	"slices"
	"sort"

	"golang.org/x/exp/constraints"

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
	lo, hi := p.b.Ptr[j], p.b.Ptr[j+1]
	col, val = p.b.Col[lo:hi], p.b.Val[lo:hi]
	if p.upper {
		k := sort.Search(len(col), func(k int) bool { return int(col[k]) >= i })
		col, val = col[k:], val[k:]
	}
	return col, val
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

func (p *product[T]) run() *CSR[T] {
	terms := p.terms()
	cuts := cutsOf(p.a.Rows, func(i int) int64 { return terms[i] }, spanEntries)
	accs := make([]*accumulator[T], min(par.Workers(p.workers), len(cuts)-1))
	each := func(f func(acc *accumulator[T], i int)) {
		eachSpan(p.workers, cuts, func(worker, lo, hi int) {
			if accs[worker] == nil {
				accs[worker] = &accumulator[T]{cols: p.b.Cols}
			}
			for i := lo; i < hi; i++ {
				f(accs[worker], i)
			}
		})
	}
	ptr := mem.Make[int64](p.a.Rows + 1)
	each(func(acc *accumulator[T], i int) { ptr[i+1] = int64(p.count(acc, i, terms[i+1]-terms[i])) })
	for i := range p.a.Rows {
		ptr[i+1] += ptr[i]
	}
	out := withPointers[T](p.a.Rows, p.b.Cols, ptr)
	each(func(acc *accumulator[T], i int) {
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
	n := 0
	for _, j := range col {
		c, _ := p.row(i, j)
		n += acc.mark(c)
	}
	if terms > int64(len(acc.bits)) {
		clear(acc.bits)
		return n
	}
	for _, j := range col {
		c, _ := p.row(i, j)
		for _, k := range c {
			acc.bits[k>>6] = 0
		}
	}
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
			sortEntries(col, val)
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
			sortEntries(col, val)
		}
		return
	case p.unsorted:
		list := acc.room(len(col) + 1)
		n := 0
		for k, j := range from {
			c, v := p.row(i, j)
			n = acc.addListed(list, n, factor[k], c, v)
		}
		copy(col, list)
		acc.takeListed(col, val)
		return
	}
	for k, j := range from {
		c, v := p.row(i, j)
		acc.add(factor[k], c, v)
	}
	acc.takeSorted(col, val)
}

// An accumulator sums one row of a product. Wide rows of few terms go through a hash
// table. Others are added in place: sums has an element a column, zero between
// rows; bits tells which are in use, and top which words of bits are, so that the
// columns come out in order without a sort.
type accumulator[T constraints.Float] struct {
	cols      int
	sums      []T
	bits, top []uint64
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
		words := (a.cols + 63) / 64
		a.sums, a.bits, a.top = mem.Make[T](a.cols), make([]uint64, words), make([]uint64, (words+63)/64)
	}
	return true
}

// mark sets the bits of columns and returns how many were not set.
func (a *accumulator[T]) mark(col []uint32) int {
	n := uint64(0)
	bits := a.bits
	for _, c := range col {
		w := bits[c>>6]
		n += ^(w >> (c & 63)) & 1
		bits[c>>6] = w | 1<<(c&63)
	}
	return int(n)
}

// add adds s·val at the columns.
func (a *accumulator[T]) add(s T, col []uint32, val []T) {
	val = val[:len(col)]
	sums, bits, top := a.sums, a.bits, a.top
	for k, c := range col {
		sums[c] += s * val[k]
		w := c >> 6
		bits[w] |= 1 << (c & 63)
		top[w>>6] |= 1 << (w & 63)
	}
}

// takeSorted moves the sums to col and val, in order.
func (a *accumulator[T]) takeSorted(col []uint32, val []T) {
	n := 0
	for t, words := range a.top {
		if words == 0 {
			continue
		}
		a.top[t] = 0
		for ; words != 0; words &= words - 1 {
			w := t<<6 + bits.TrailingZeros64(words)
			set := a.bits[w]
			a.bits[w] = 0
			for ; set != 0; set &= set - 1 {
				c := w<<6 + bits.TrailingZeros64(set)
				col[n], val[n] = uint32(c), a.sums[c]
				a.sums[c] = 0
				n++
			}
		}
	}
}

// room returns the list with room for n columns.
func (a *accumulator[T]) room(n int) []uint32 {
	a.list = slices.Grow(a.list[:0], n)
	return a.list[:cap(a.list)]
}

// addListed is add that appends the columns that are new to list, which holds n.
func (a *accumulator[T]) addListed(list []uint32, n int, s T, col []uint32, val []T) int {
	val = val[:len(col)]
	sums, bits := a.sums, a.bits
	for k, c := range col {
		sums[c] += s * val[k]
		w := bits[c>>6]
		bits[c>>6] = w | 1<<(c&63)
		list[n] = c
		n += int(^(w >> (c & 63)) & 1)
	}
	return n
}

// takeListed moves the sums of columns to val.
func (a *accumulator[T]) takeListed(col []uint32, val []T) {
	val = val[:len(col)]
	sums, bits := a.sums, a.bits
	for k, c := range col {
		val[k] = sums[c]
		sums[c] = 0
		bits[c>>6] = 0
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
