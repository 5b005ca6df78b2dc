package ensemble

import (
	"context"
	"math/bits"
	"slices"
	"sort"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/columns"
	"github.com/gram-ml/gram/internal/par"
)

// ranks is the columns of X as ranks of their values, and as bins of them.
type ranks struct {
	n, d        int
	values      [][]float64 // by feature, the distinct values in order
	rank        []uint32    // n×d, row-major; codes of categories, and missingRank
	bin         [][]uint8   // by feature and row; missingBin
	first       [][]uint32  // by feature, the first rank of each bin
	categorical []bool
}

// binCount is the number of bins with that of missing values.
const binCount = missingBin + 1

// newRanks ranks the given rows of X, nil for all, of weights w, nil for ones. Bins between the ends have
// about equal weight, and one value each if there are at most 255.
func newRanks(ctx context.Context, workers int, X gram.Matrix, rows []int32, w []float64, categorical []bool) (*ranks, error) {
	s, err := newSorted(ctx, workers, X, rows, categorical)
	if err != nil {
		return nil, err
	}
	r := &ranks{n: s.n, d: s.d, values: s.values, rank: make([]uint32, s.n*s.d), bin: make([][]uint8, s.d), first: make([][]uint32, s.d), categorical: categorical}
	err = par.For(ctx, workers, s.d, 1, func(j, _, _ int) {
		var binOf []uint8
		if !categorical[j] {
			r.first[j], binOf = equalBins(s.order[j], s.values[j], w)
		}
		r.bin[j] = make([]uint8, s.n)
		for _, e := range s.order[j] {
			r.rank[int(e.row)*s.d+j] = e.rank
			switch {
			case e.rank == missingRank:
				r.bin[j][e.row] = missingBin
			case categorical[j]:
				r.bin[j][e.row] = uint8(e.rank)
			default:
				r.bin[j][e.row] = binOf[e.rank]
			}
		}
		s.order[j] = nil
	})
	return r, err
}

// equalBins returns the first rank of each bin, and the bin of each rank.
func equalBins(order []entry, values, w []float64) (first []uint32, binOf []uint8) {
	binOf = make([]uint8, len(values))
	first = []uint32{0}
	weights := make([]float64, len(values))
	for _, e := range order {
		switch {
		case e.rank == missingRank:
		case w == nil:
			weights[e.rank]++
		default:
			weights[e.rank] += w[e.row]
		}
	}
	stressEnds(weights)
	cuts := quantileCuts(values, weights, maxBins)
	for r, v := range values {
		if b := len(first) - 1; b < len(cuts) && v > cuts[b] {
			first = append(first, uint32(r))
		}
		binOf[r] = uint8(len(first) - 1)
	}
	return first, binOf
}

// stressEnds raises the weights of values near either end of their order, so that half of the bins
// are there, the outermost of a value or two. The best cut of a feature that says nothing is
// mostly near an end, where it leaves a node almost whole for features that do say something.
func stressEnds(weights []float64) {
	const (
		near  = 0.0001 // the part of the weight at an end that is stressed most
		share = 0.06   // makes the stressed half a half: 1/(2·log(0.5/near))
	)
	total, below := 0.0, 0.0
	for _, w := range weights {
		total += w
	}
	for r, w := range weights {
		u := (below + w/2) / total
		weights[r] = w * (1 + share/(min(u, 1-u)+near))
		below += w
	}
}

// coarse finds the best cut between bins: for nodes of so many items that bins are as good
// as values.
type coarse struct {
	holder
	data *ranks
	buf  []int32
	sub  *fine
}

// begin begins with all items, in the memory that f has.
func (f *coarse) begin(c criterion, minLeaf float64, items []int32) {
	f.holder.begin(c, minLeaf, items)
	f.buf = slices.Grow(f.buf[:0], len(items))[:len(items)]
}

func (f *coarse) narrow(lo, hi int, keep bool) finder {
	if hi-lo > frameItems {
		return nil
	}
	s := f.sub
	if s == nil || keep {
		d := f.data.d
		s = &fine{data: f.data, order: make([][]entry, d), sums: make([]columns.Order, d), place: make([][]uint16, d), state: make([]frameState, d)}
		if !keep {
			f.sub = s
		}
	}
	s.fill(&f.holder, f.items[lo:hi])
	return s
}

func (f *coarse) find(j, lo, hi int, c *cut) bool {
	items := f.items[lo:hi]
	if f.squares != nil && !f.data.categorical[j] {
		return f.findSquares(j, items, c)
	}
	p := f.inOrder(j, items)
	if !p.countPresent() {
		return false
	}
	if f.data.categorical[j] {
		*c = searchSets(f.criterion, 0, p, make([]entry, len(items)))
		return true
	}
	best := f.criterion.scan(0, p)
	*c = cut{gain: best.gain, missingLeft: best.missingLeft}
	if best.gain >= 0 {
		c.threshold = f.end(j, int(p.entries[best.at-1].rank))
	}
	return true
}

// end returns the threshold at the end of a bin.
func (f *coarse) end(j, bin int) float64 {
	values, first := f.data.values[j], f.data.first[j]
	if bin+1 == len(first) {
		return shortMidpoint(values[len(values)-1], inf)
	}
	return shortMidpoint(values[first[bin+1]-1], values[first[bin+1]])
}

// inOrder returns the items by bin, which is their rank.
func (f *coarse) inOrder(j int, items []int32) *part {
	var start [binCount + 1]int32
	bin := f.data.bin[j]
	for _, i := range items {
		start[int(bin[i])+1]++
	}
	p := &part{entries: f.entries[:len(items)], present: len(items) - int(start[binCount]), minLeaf: f.minLeaf, bounds: unbounded()}
	for b := range binCount {
		start[b+1] += start[b]
	}
	for _, i := range items {
		b := bin[i]
		rank := uint32(b)
		if b == missingBin {
			rank = missingRank
		}
		p.entries[start[b]] = entry{i, rank}
		start[b]++
	}
	return p
}

// findSquares is find from sums by bin.
func (f *coarse) findSquares(j int, items []int32, c *cut) bool {
	var h [binCount]moment
	bin := f.data.bin[j]
	for k, m := range f.moments[:len(items)] {
		b := &h[bin[items[k]]]
		b.w += m.w
		b.wy += m.wy
	}
	best, missing := noCut(), h[missingBin]
	if missing.w > 0 {
		best = f.scan(&h, missing, false, best)
	}
	best = f.scan(&h, moment{}, missing.w > 0, best)
	if *c = best; best.gain < 0 {
		return f.several(j, items)
	}
	c.gain *= f.scale()
	c.to = uint32(best.feature) + 1
	return true
}

func (f *coarse) finish(c *cut) {
	if c.to > 0 {
		c.threshold = f.end(c.feature, int(c.to)-1)
	}
}

// several tells whether items have different values of feature j.
func (f *coarse) several(j int, items []int32) bool {
	for _, i := range items {
		if f.data.bin[j][i] != f.data.bin[j][items[0]] {
			return true
		}
	}
	return false
}

// scan looks at the places between bins, with start on the left already, and, if last is
// set, at that after all of them. The bin before the best is its feature.
func (f *coarse) scan(h *[binCount]moment, start moment, last bool, best cut) cut {
	left, from := start, -1
	for b := range missingBin {
		m := h[b]
		if m.w == 0 {
			continue
		}
		if from >= 0 {
			if g, ok := f.gain(left); ok && g > best.gain {
				best.gain, best.feature, best.missingLeft = g, from, start.w > 0 || !last && 2*left.w >= f.total.w
			}
		}
		left.w += m.w
		left.wy += m.wy
		from = b
	}
	if last && from >= 0 {
		if g, ok := f.gain(left); ok && g > best.gain {
			best.gain, best.feature, best.missingLeft = g, from, false
		}
	}
	return best
}

func (f *coarse) divide(c *cut, lo, hi int) int {
	items, j := f.items[lo:hi], c.feature
	bin := f.data.bin[j]
	if c.set != nil {
		return moveLeft(items, f.buf, func(i int32) bool {
			if bin[i] == missingBin {
				return c.missingLeft
			}
			return c.set.has(int(bin[i]))
		})
	}
	end := int(c.to)
	if end == 0 {
		values, first := f.data.values[j], f.data.first[j]
		end = sort.Search(len(first), func(b int) bool { return values[first[b]] > c.threshold })
	}
	return moveLeft(items, f.buf, func(i int32) bool {
		return int(bin[i]) < end || bin[i] == missingBin && c.missingLeft
	})
}

// A frame is not more than can be swept.
const _ = uint(columns.SweepPlaces - frameItems)

// fine finds the best cut between any two values, in a frame.
//
// The items of a node are put in order by marking their places among those of the whole
// frame, in a bit each, and reading the marks in turn: O(items + frame/64).
type fine struct {
	holder
	data  *ranks
	rank  []uint32     // by feature and item
	state []frameState // by feature
	order [][]entry    // by feature, the items of the frame in order
	sums  []columns.Order
	place [][]uint16 // by feature and item: where in order it is
	marks []uint64   // none set, between calls
	sweep columns.SweepBuffer
	keys  [2][]uint64
	buf   []int32
	other []entry // for searchSets
}

// A frameState says what a frame has of a feature.
type frameState uint8

const (
	unsorted frameState = iota
	entries             // order
	swept               // sums: no value is missing, and cuts are judged by sums of squares
)

// fill makes the frame of some items of up.
func (f *fine) fill(up *holder, items []int32) {
	f.take(up, items)
	n, d := len(items), f.data.d
	f.rank = slices.Grow(f.rank[:0], n*d)[:n*d]
	columns.Gather(f.rank, f.data.rank, d, f.frame)
	clear(f.state)
	f.marks = slices.Grow(f.marks[:0], (n+63)/64)[:(n+63)/64]
	f.buf = slices.Grow(f.buf[:0], n)[:n]
	for i := range f.keys {
		f.keys[i] = slices.Grow(f.keys[i][:0], n)[:n]
	}
	f.other = slices.Grow(f.other[:0], n)[:n]
}

// sort brings the frame in the order of feature j.
func (f *fine) sort(j int) {
	n, top := len(f.frame), uint32(maxCategories) // the rank of missing values here
	if !f.data.categorical[j] {
		top = uint32(len(f.data.values[j]))
	}
	keys := f.keys[0]
	for i, r := range f.rank[j*n : (j+1)*n] {
		keys[i] = uint64(min(r, top))<<frameBits | uint64(i)
	}
	keys = sortFrame(keys, f.keys[1], bits.Len32(top))
	f.place[j] = slices.Grow(f.place[j][:0], n)[:n]
	if f.squares != nil && !f.data.categorical[j] && uint32(keys[n-1]>>frameBits) != top {
		f.setSums(j, keys)
	} else {
		f.setOrder(j, keys, top)
	}
}

// setOrder has the items in the order of keys, of which top is the rank of missing values.
func (f *fine) setOrder(j int, keys []uint64, top uint32) {
	order, place := f.order[j][:0], f.place[j]
	for p, k := range keys {
		i, r := int32(k&(1<<frameBits-1)), uint32(k>>frameBits)
		if r == top {
			r = missingRank
		}
		order = append(order, entry{i, r})
		place[i] = uint16(p)
	}
	f.order[j], f.state[j] = order, entries
}

// setSums has the moments of the items in the order of keys.
func (f *fine) setSums(j int, keys []uint64) {
	n, o, place := len(keys), &f.sums[j], f.place[j]
	o.W, o.WY, o.Ranks = slices.Grow(o.W[:0], n)[:n], slices.Grow(o.WY[:0], n)[:n], slices.Grow(o.Ranks[:0], n)[:n]
	for p, k := range keys {
		i := k & (1<<frameBits - 1)
		m := f.moments[i]
		o.W[p], o.WY[p], o.Ranks[p] = m.w, m.wy, uint32(k>>frameBits)
		place[i] = uint16(p)
	}
	f.state[j] = swept
}

// sortFrame sorts keys of the items of a frame by their ranks, of so many bits, and returns
// where they then are: x or buf, which has the same length.
func sortFrame(x, buf []uint64, width int) []uint64 {
	if len(x) < 64 {
		slices.Sort(x)
		return x
	}
	passes := (width + frameBits - 1) / frameBits
	digit := (width + passes - 1) / passes
	var counts [1 << frameBits]int32
	for pass := range passes {
		shift, mask := frameBits+pass*digit, uint64(1)<<digit-1
		clear(counts[:mask+1])
		for _, k := range x {
			counts[k>>shift&mask&(1<<frameBits-1)]++
		}
		at := int32(0)
		for i, c := range counts[:mask+1] {
			counts[i] = at
			at += c
		}
		for _, k := range x {
			c := &counts[k>>shift&mask&(1<<frameBits-1)]
			buf[*c] = k
			*c++
		}
		x, buf = buf, x
	}
	return x
}

func (f *fine) narrow(int, int, bool) finder { return nil }

// mark marks the places of the items in the order of feature j.
func (f *fine) mark(j int, items []int32) {
	if f.state[j] == unsorted {
		f.sort(j)
	}
	place, marks := f.place[j], f.marks
	for _, i := range items {
		p := place[i]
		marks[p>>6] |= 1 << (p & 63)
	}
}

func (f *fine) find(j, lo, hi int, c *cut) bool {
	f.mark(j, f.items[lo:hi])
	if f.state[j] == swept {
		return f.findSquares(j, hi-lo, c)
	}
	p := &part{entries: f.inOrder(j), minLeaf: f.minLeaf, bounds: unbounded()}
	if !p.countPresent() {
		return false
	}
	if f.data.categorical[j] {
		*c = searchSets(f.criterion, 0, p, f.other)
	} else {
		*c = searchThresholds(f.criterion, 0, p, f.data.values[j], shortMidpoint)
	}
	return true
}

// inOrder returns the marked rows in the order of feature j.
func (f *fine) inOrder(j int) []entry {
	out, order := f.entries[:0], f.order[j]
	for w, mark := range f.marks {
		f.marks[w] = 0
		for ; mark != 0; mark &= mark - 1 {
			e := order[w<<6+bits.TrailingZeros64(mark)]
			out = append(out, entry{f.frame[e.row], e.rank})
		}
	}
	return out
}

// findSquares is find for n marked items that all have values.
func (f *fine) findSquares(j, n int, c *cut) bool {
	best := columns.Sweep(&f.sums[j], f.marks, n, columns.Limits{W: f.total.w, WY: f.total.wy, MinLeaf: f.minLeaf}, &f.sweep)
	if *c = noCut(); best.Gain < 0 {
		return best.Several
	}
	c.gain = best.Gain * f.scale()
	c.missingLeft = 2*best.W >= f.total.w
	c.from, c.to = best.From, best.To
	return true
}

func (f *fine) finish(c *cut) {
	if c.to > 0 {
		values := f.data.values[c.feature]
		c.threshold = shortMidpoint(values[c.from], values[c.to])
	}
}

// divide looks up which ranks go left.
func (f *fine) divide(c *cut, lo, hi int) int {
	items := f.items[lo:hi]
	n, j := len(f.frame), c.feature
	rank := f.rank[j*n : (j+1)*n]
	if c.set != nil {
		return moveLeft(items, f.buf, func(i int32) bool {
			if rank[i] == missingRank {
				return c.missingLeft
			}
			return c.set.has(int(rank[i]))
		})
	}
	end := c.to // the first rank that goes right
	if end == 0 {
		end = missingRank
		order, values := f.order[j], f.data.values[j]
		if p := sort.Search(n, func(p int) bool { return order[p].rank == missingRank || values[order[p].rank] > c.threshold }); p < n {
			end = order[p].rank
		}
	}
	return moveLeft(items, f.buf, func(i int32) bool { return rank[i] < end || rank[i] == missingRank && c.missingLeft })
}
