package ensemble

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/columns"
	"github.com/gram-ml/gram/internal/mem"
)

// A table is the values of all features, NaN where they are missing, for random cuts.
type table struct {
	n, d   int
	values [][]float64 // by feature and row
	// words has the bits of the values as float32, rounded up: those of values up to t are
	// up to t, too, if t is a float32.
	words       [][]uint32
	plain       []bool // by feature: a number in every row, and one for float32
	exact       []bool // by feature: whether nothing was rounded
	categorical []bool
}

func newTable(ctx context.Context, workers int, X gram.Matrix, rows []int32, categorical []bool) (*table, error) {
	n, d := X.Dims()
	if rows != nil {
		n = len(rows)
	}
	t := &table{n: n, d: d, values: make([][]float64, d), words: make([][]uint32, d), plain: make([]bool, d), exact: make([]bool, d), categorical: categorical}
	bad := make([]error, d)
	err := eachColumn(ctx, workers, X, rows, func(j int, column []float64) {
		t.values[j], t.words[j] = column, make([]uint32, len(column))
		if categorical[j] {
			bad[j] = checkCategories(j, column)
		} else {
			t.plain[j] = !slices.ContainsFunc(column, func(v float64) bool { return !(math.Abs(v) <= math.MaxFloat32) })
		}
		t.exact[j] = true
		for i, v := range column {
			short := float32(v)
			if v == v && float64(short) != v {
				t.exact[j] = false
				short = float32(number(keyOf[uint32](v)))
			}
			t.words[j][i] = math.Float32bits(short)
		}
	})
	if err != nil {
		return nil, err
	}
	for _, err := range bad {
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// randomized cuts a feature at random: at a threshold uniform between its least and its
// greatest value, or by a coin for each category.
//
// It has a copy of what it looks at, in columns: the words of each feature, the rows, and for
// criteria that are sums of squares the halves of their moments, unless the moments are counts of
// two classes: then the rows have the class in their highest bit. All columns are divided with
// each node, so that a node is a stretch of each, and small ones are in the first cache.
type randomized struct {
	holder // without its items
	rng    *rand.Rand
	data   *table
	block  []uint32 // columns
	counts bool     // whether moments are counts of classes
	whole  bool     // whether moments are whole numbers of classes, and sums of them exact
	stride int      // from one to the next
	count  int      // of columns
	spare  []uint32
	masks  []uint16
	others []entry
}

// rough is the range of values, relative to their size, up to which rounding to float32 would be
// seen in where cuts are: some thousand units in the last place.
const rough = 0x1p-11

// wholeWeight is the largest weight whose sums over all rows there may be are exact.
const wholeWeight = 1 << 22

// momentColumns is how many columns moments take.
const momentColumns = 4

// rowBits are the bits of a word of the column of rows that are the row.
const rowBits = 1<<31 - 1

// newRandomized returns one for items, in memory that it grows if need be.
func newRandomized(data *table, c criterion, minLeaf float64, rng *rand.Rand, items []int32, memory *[]uint32) *randomized {
	n, d := len(items), data.d
	f := &randomized{rng: rng, data: data, count: d + 1}
	f.criterion, f.minLeaf, f.squares = c, minLeaf, squaresOf(c)
	f.counts = f.squares != nil && f.squares.kind == Gini && f.squares.ones
	if f.squares != nil && !f.counts {
		f.count += momentColumns
	}
	// An odd number of cache lines: so columns do not all want the same places in the cache.
	f.stride = (n+15)/16*16 | 16
	size := f.count * f.stride
	if more := size + n + columns.Spare; cap(*memory) < more {
		*memory = mem.Make[uint32](more)
	}
	f.block, f.spare = (*memory)[:size:size], (*memory)[size:][:n+columns.Spare]
	f.masks = make([]uint16, columns.Masks(n))
	for j, words := range data.words {
		column := f.column(j, 0, n)
		if n == data.n { // all of them
			copy(column, words)
			continue
		}
		for k, i := range items {
			column[k] = words[i]
		}
	}
	f.fillRows(f.column(d, 0, n), items)
	return f
}

// fillRows sets the columns of rows and of moments.
func (f *randomized) fillRows(rows []uint32, items []int32) {
	f.whole = f.squares != nil && f.squares.kind == Gini
	for k, i := range items {
		rows[k] = uint32(i)
		switch {
		case f.squares == nil:
		case f.counts:
			rows[k] |= uint32(f.squares.y[i]) << 31
		default:
			m := f.squares.rows[i]
			f.whole = f.whole && m.w == math.Trunc(m.w) && m.w <= wholeWeight
			for l, v := range [2]uint64{math.Float64bits(m.w), math.Float64bits(m.wy)} {
				at := (f.data.d+1+2*l)*f.stride + k
				f.block[at], f.block[at+f.stride] = uint32(v), uint32(v>>32)
			}
		}
	}
}

// column returns column j of a node.
func (f *randomized) column(j, lo, hi int) []uint32 { return f.block[j*f.stride+lo : j*f.stride+hi] }

// rows returns the words of the rows of a node.
func (f *randomized) rows(lo, hi int) []uint32 { return f.column(f.data.d, lo, hi) }

// sums adds up the moments of a node where column j is at most t.
func (f *randomized) sums(j, lo, hi int, t float32) moment {
	if f.counts {
		all, ones := columns.Count(f.column(j, lo, hi), f.rows(lo, hi), t)
		return moment{float64(all), float64(ones)}
	}
	w, wy := columns.Sums(f.column(j, lo, hi), f.block[(f.data.d+1)*f.stride+lo:], f.stride, t)
	return moment{w, wy}
}

func (f *randomized) narrow(int, int, bool) finder { return nil }

func (f *randomized) finish(*cut) {}

func (f *randomized) enter(lo, hi int, value []float64) (weight float64, impure bool) {
	rows := f.rows(lo, hi)
	if f.squares == nil {
		entries := f.scratch(hi - lo)
		for k, row := range rows {
			entries[k].row = int32(row & rowBits)
		}
		weight, impurity := f.criterion.describe(value, entries, unbounded())
		return weight, impurity != 0
	}
	// All rows: their numbers are those of tiny floats.
	s, y := f.sums(f.data.d, lo, hi, math.MaxFloat32), f.squares.y
	return s.w, f.settle(value, s, len(rows), func(k int) float64 { return y[rows[k]&rowBits] })
}

// scratch returns room for n entries.
func (f *randomized) scratch(n int) []entry {
	f.entries, f.others = slices.Grow(f.entries[:0], n)[:n], slices.Grow(f.others[:0], n)[:n]
	return f.entries
}

func (f *randomized) find(j, lo, hi int, c *cut) bool {
	switch {
	case f.data.categorical[j]:
		return f.findSet(j, lo, hi, c)
	case !f.data.plain[j]:
		return f.findSlowly(j, lo, hi, c)
	}
	least, most := columns.Bounds(f.column(j, lo, hi))
	switch {
	case !f.data.exact[j] && float64(most)-float64(least) <= rough*max(math.Abs(float64(least)), math.Abs(float64(most))):
		return f.findSlowly(j, lo, hi, c)
	case least == most:
		return false
	}
	t := shortBetween(least, most, f.rng.Float64())
	if f.squares == nil {
		*c = f.cutAt(j, lo, hi, float64(t), float64(t))
		return true
	}
	left := f.sums(j, lo, hi, t)
	g, ok := f.gain(left)
	if !ok {
		*c = noCut()
		return true
	}
	right := moment{f.total.w - left.w, f.total.wy - left.wy}
	*c = cut{gain: g * f.scale(), threshold: float64(t), missingLeft: 2*left.w >= f.total.w}
	if f.whole && !left.mixed() && !right.mixed() {
		c.final, c.left, c.right = true, left.wy/left.w, right.wy/right.w
	}
	return true
}

// findSlowly is find for values that may be missing, or are no float32.
func (f *randomized) findSlowly(j, lo, hi int, c *cut) bool {
	values := f.data.values[j]
	least, most, missing := inf, -inf, 0
	for _, word := range f.rows(lo, hi) {
		v := values[word&rowBits]
		if v < least {
			least = v
		}
		if v > most {
			most = v
		}
		if v != v {
			missing++
		}
	}
	if !(least < most) && missing == 0 || missing == hi-lo {
		return false
	}
	t := least
	if least < most {
		t = between(least, most, f.rng.Float64())
	}
	*c = f.cutAt(j, lo, hi, t, shortMidpoint(most, inf))
	return true
}

// cutAt returns the cut at threshold t, or, of values from missing ones, at end.
func (f *randomized) cutAt(j, lo, hi int, t, end float64) cut {
	values := f.data.values[j]
	p := f.part(lo, hi, func(row uint32) (uint32, bool) {
		v := values[row]
		side := uint32(0)
		if v > t {
			side = 1
		}
		return side, v != v
	})
	best := f.criterion.scan(0, p)
	c := cut{gain: best.gain, threshold: t, missingLeft: best.missingLeft, left: best.left, right: best.right}
	if best.at == p.present && p.present < len(p.entries) {
		c.threshold = end
	}
	return c
}

// between returns a number from lo ≤ t < hi, at u of the way: the float32 there, which makes nodes
// short, if float32 are no farther apart than lo and hi, and a float64 otherwise.
func between(lo, hi, u float64) float64 {
	t := lo*(1-u) + hi*u
	s := float32(t)
	if float64(s) >= hi {
		s = math.Nextafter32(s, float32(math.Inf(-1)))
	}
	next := float64(math.Nextafter32(s, float32(math.Inf(1))))
	if v := float64(s); v >= lo && v < hi && next-v <= hi-lo {
		return v
	}
	if t >= lo && t < hi {
		return t
	}
	return lo
}

// shortBetween is between for float32.
func shortBetween(lo, hi float32, u float64) float32 {
	t := float32(float64(lo)*(1-u) + float64(hi)*u)
	if t >= hi {
		t = math.Nextafter32(hi, lo)
	}
	return max(t, lo)
}

// part returns the items of a node as a part of two ranks, and missing ones.
func (f *randomized) part(lo, hi int, side func(row uint32) (rank uint32, missing bool)) *part {
	left, n := f.scratch(hi-lo), hi-lo
	right, missing := f.others, f.others
	l, r, m := 0, 0, n
	for _, word := range f.rows(lo, hi) {
		row := word & rowBits
		switch rank, none := side(row); {
		case none:
			m--
			missing[m] = entry{int32(row), missingRank}
		case rank == 0:
			left[l] = entry{int32(row), 0}
			l++
		default:
			right[r] = entry{int32(row), 1}
			r++
		}
	}
	copy(left[l:], right[:r])
	copy(left[l+r:], missing[m:n])
	return &part{entries: left[:n], present: l + r, minLeaf: f.minLeaf, bounds: unbounded()}
}

// findSet has a coin decide for each category that the items have.
func (f *randomized) findSet(j, lo, hi int, c *cut) bool {
	values := f.data.values[j]
	var seen categorySet
	missing, categories, first := 0, 0, 0
	for _, word := range f.rows(lo, hi) {
		v := values[word&rowBits]
		if v != v {
			missing++
			continue
		}
		if c := int(v); !seen.has(c) {
			if seen.add(c); categories == 0 || c < first {
				first = c
			}
			categories++
		}
	}
	if categories < 2 && missing == 0 || categories == 0 {
		return false
	}
	set := f.toss(&seen, categories, first)
	p := f.part(lo, hi, func(row uint32) (uint32, bool) {
		v := values[row]
		if v == v && !set.has(int(v)) {
			return 1, false
		}
		return 0, v != v
	})
	best := f.criterion.scan(0, p)
	*c = cut{gain: best.gain, set: set, missingLeft: best.missingLeft, left: best.left, right: best.right}
	if best.at == p.present {
		*set = seen
	}
	if c.missingLeft {
		for i := range set {
			set[i] |= ^seen[i]
		}
		set.remove(maxCategories)
	}
	return true
}

// toss returns a random set of those seen: neither all nor none of them, if there are two.
func (f *randomized) toss(seen *categorySet, categories, first int) *categorySet {
	set, count := &categorySet{}, 0
	for code := range maxCategories {
		if seen.has(code) && f.rng.Uint64()>>63 == 1 {
			set.add(code)
			count++
		}
	}
	switch {
	case categories == 1 || count == 0:
		set.add(first)
	case count == categories:
		set.remove(first)
	}
	return set
}

func (f *randomized) divide(c *cut, lo, hi int) int {
	j, left := c.feature, 0
	if short := float32(c.threshold); c.set == nil && f.data.plain[j] && float64(short) == c.threshold {
		left = columns.Mark(f.masks, f.column(j, lo, hi), short)
	} else {
		left = f.mark(c, lo, hi)
	}
	columns.Divide(f.block[lo:], f.stride, f.count, hi-lo, f.masks, f.spare)
	return left
}

// mark sets the masks to which items of a node go left and returns how many do.
func (f *randomized) mark(c *cut, lo, hi int) int {
	values, left := f.data.values[c.feature], 0
	clear(f.masks[:columns.Masks(hi-lo)])
	for i, word := range f.rows(lo, hi) {
		v := values[word&rowBits]
		goes := v <= c.threshold
		switch {
		case v != v:
			goes = c.missingLeft
		case c.set != nil:
			goes = c.set.has(int(v))
		}
		if goes {
			f.masks[i/16] |= 1 << (i % 16)
			left++
		}
	}
	return left
}
