package ensemble

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// columns is the values of all features, NaN where they are missing, for random cuts.
type columns struct {
	n           int
	values      [][]float64 // by feature and row
	bins        *binning
	bin         [][]uint8 // by feature and row
	X           gram.Operator
	rows        []int32 // of X, nil for all
	categorical []bool
}

// binSample is how many rows tell where bins are, that only save looking at values.
const binSample = 1 << 13

func newColumnValues(ctx context.Context, workers int, X gram.Matrix, rows []int32, categorical []bool) (*columns, error) {
	n, d := X.Dims()
	if rows != nil {
		n = len(rows)
	}
	c := &columns{n: n, values: make([][]float64, d), bin: make([][]uint8, d), X: linalg.AsOperator(X), rows: rows, categorical: categorical}
	some := X
	if all, _ := X.Dims(); all > binSample {
		some = linalg.Rows(X, spread(all, binSample))
	}
	var err error
	if c.bins, err = newBinning(ctx, workers, some, nil, maxBins, categorical); err != nil {
		if errors.Is(err, gram.ErrNonFinite) {
			err = infinity(X) // some has other numbers of rows
		}
		return nil, err
	}
	bad := make([]error, d)
	err = eachColumn(ctx, workers, X, rows, func(j int, column []float64) {
		c.values[j] = column
		if categorical[j] {
			bad[j] = checkCategories(j, column)
			return
		}
		c.bin[j] = make([]uint8, len(column))
		for i, v := range column {
			c.bin[j][i] = c.bins.bin(j, v)
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
	return c, nil
}

// randomized cuts a feature at random: at a threshold uniform between its least and its
// greatest value, or by a coin for each category.
type randomized struct {
	holder
	rng    *rand.Rand
	data   *columns
	values [][]float64 // by feature and item
	all    []float64   // memory of values in a frame
	column []float64   // scratch: values of the items of a node
	bins   []uint8     // and their bins
	others []entry
	buf    []int32
	sub    *randomized // memory for narrow
}

func newRandomized(data *columns, c criterion, minLeaf float64, rng *rand.Rand) *randomized {
	f := &randomized{holder: newHolder(c, minLeaf, data.n), rng: rng, data: data, values: data.values}
	f.scratch(data.n)
	return f
}

func (f *randomized) scratch(n int) {
	f.column = slices.Grow(f.column[:0], n)[:n]
	f.buf = slices.Grow(f.buf[:0], n)[:n]
	f.bins = slices.Grow(f.bins[:0], n)[:n]
	f.others = slices.Grow(f.others[:0], n)[:n]
}

func (f *randomized) narrow(items []int32, keep bool) finder {
	if len(items) > frameItems || f.frame != nil {
		return nil
	}
	s := f.sub
	if s == nil || keep {
		s = &randomized{rng: f.rng, data: f.data, values: make([][]float64, len(f.values))}
		if !keep {
			f.sub = s
		}
	}
	s.take(&f.holder, items)
	n, d := len(items), len(f.values)
	s.scratch(n)
	s.all = slices.Grow(s.all[:0], n*d)[:n*d]
	for j := range s.values {
		s.values[j] = s.all[j*n : (j+1)*n]
	}
	buf := make([]float64, d)
	for i, row := range s.frame {
		if f.data.rows != nil {
			row = f.data.rows[row]
		}
		x, _ := f.data.X.RowBlock(buf, int(row), int(row)+1)
		for j, v := range x[:d] {
			s.all[j*n+i] = v
		}
	}
	return s
}

func (f *randomized) find(j int, items []int32) (cut, bool) {
	if f.data.categorical[j] {
		return f.findSet(j, items)
	}
	if f.frame == nil && f.squares != nil {
		if c, ok, done := f.findBins(j, items); done {
			return c, ok
		}
	}
	x := f.column[:len(items)]
	lo, hi, missing := gatherRange(x, f.values[j], items)
	if !(lo < hi) && missing == 0 || missing == len(items) {
		return noCut(), false
	}
	t := lo
	if lo < hi {
		t = between(lo, hi, f.rng.Float64())
	}
	if f.squares != nil && missing == 0 {
		return f.findSquares(x, items, t), true
	}
	p := f.part(items, func(k int) (uint32, bool) {
		v := x[k]
		side := uint32(0)
		if v > t {
			side = 1
		}
		return side, v != v
	})
	best := f.criterion.scan(0, p)
	c := cut{gain: best.gain, threshold: t, missingLeft: best.missingLeft, left: best.left, right: best.right}
	if best.at == p.present { // the values from the missing ones
		c.threshold = shortMidpoint(hi, inf)
	}
	return c, true
}

// findBins is find for many items, none of them missing, by their bins: few values are
// looked at, those in the bins that have the least, the greatest and the threshold.
func (f *randomized) findBins(j int, items []int32) (c cut, ok, done bool) {
	bins, bin, values := f.bins[:len(items)], f.data.bin[j], f.values[j]
	first, last := uint8(missingBin), uint8(0)
	for k, i := range items {
		b := bin[i]
		bins[k] = b
		first, last = min(first, b), max(last, b)
	}
	if last == missingBin {
		return c, false, false
	}
	lo, hi := inf, -inf
	for k, b := range bins {
		if b == first || b == last {
			v := values[items[k]]
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	if !(lo < hi) {
		return noCut(), false, true
	}
	t := between(lo, hi, f.rng.Float64())
	at := f.data.bins.bin(j, t)
	var left moment
	for k, m := range f.moments[:len(bins)] {
		b := bins[k]
		mask := uint64(int64(int(b)-int(at)) >> 63) // all ones below the threshold's bin
		if b == at && values[items[k]] <= t {
			mask = ^uint64(0)
		}
		left.w += math.Float64frombits(math.Float64bits(m.w) & mask)
		left.wy += math.Float64frombits(math.Float64bits(m.wy) & mask)
	}
	return f.cutAt(t, left), true, true
}

// cutAt returns the cut by threshold t that has these sums on the left.
func (f *randomized) cutAt(t float64, left moment) cut {
	g, ok := f.gain(left)
	if !ok {
		return noCut()
	}
	return cut{gain: g * f.scale(), threshold: t, missingLeft: 2*left.w >= f.total.w}
}

// findSquares is find at threshold t, for the values x of items, none of them missing.
func (f *randomized) findSquares(x []float64, items []int32, t float64) cut {
	var left moment
	moments := f.moments[:len(x)]
	for k, v := range x {
		m := &moments[k]
		if f.frame != nil {
			m = &f.moments[items[k]]
		}
		mask := uint64(0)
		if v <= t {
			mask = ^uint64(0)
		}
		left.w += math.Float64frombits(math.Float64bits(m.w) & mask)
		left.wy += math.Float64frombits(math.Float64bits(m.wy) & mask)
	}
	return f.cutAt(t, left)
}

// gatherRange sets x to the values of items and returns the least and the greatest, and
// how many are missing.
func gatherRange(x, values []float64, items []int32) (lo, hi float64, missing int) {
	lo, hi = inf, -inf
	for k, i := range items {
		v := values[i]
		x[k] = v
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
		if v != v {
			missing++
		}
	}
	return lo, hi, missing
}

// between returns a float32 from lo ≤ t < hi, at u of the way, or a float64 if there is
// none.
func between(lo, hi, u float64) float64 {
	t := lo*(1-u) + hi*u
	if s := float64(float32(t)); s >= lo && s < hi {
		return s
	}
	if t >= lo && t < hi {
		return t
	}
	return lo
}

// part returns the items as a part of two ranks, and missing ones.
func (f *randomized) part(items []int32, side func(k int) (rank uint32, missing bool)) *part {
	left, right, missing := f.entries, f.others, f.others
	l, r, m := 0, 0, len(items)
	for k, i := range items {
		row := f.row(i)
		switch rank, none := side(k); {
		case none:
			m--
			missing[m] = entry{row, missingRank}
		case rank == 0:
			left[l] = entry{row, 0}
			l++
		default:
			right[r] = entry{row, 1}
			r++
		}
	}
	copy(left[l:], right[:r])
	copy(left[l+r:], missing[m:len(items)])
	return &part{entries: left[:len(items)], present: l + r, minLeaf: f.minLeaf, bounds: unbounded()}
}

// findSet has a coin decide for each category that the items have.
func (f *randomized) findSet(j int, items []int32) (cut, bool) {
	values := f.values[j]
	var seen categorySet
	missing, categories, first := 0, 0, 0
	for _, i := range items {
		v := values[i]
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
		return noCut(), false
	}
	set := f.toss(&seen, categories, first)
	p := f.part(items, func(k int) (uint32, bool) {
		v := values[items[k]]
		if v == v && !set.has(int(v)) {
			return 1, false
		}
		return 0, v != v
	})
	best := f.criterion.scan(0, p)
	c := cut{gain: best.gain, set: set, missingLeft: best.missingLeft, left: best.left, right: best.right}
	if best.at == p.present {
		*set = seen
	}
	if c.missingLeft {
		for i := range set {
			set[i] |= ^seen[i]
		}
		set.remove(maxCategories)
	}
	return c, true
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

func (f *randomized) divide(c *cut, items []int32) int {
	values := f.values[c.feature]
	if bin := f.data.bin[c.feature]; f.frame == nil && c.set == nil {
		at := f.data.bins.bin(c.feature, c.threshold)
		return moveLeft(items, f.buf, func(i int32) bool {
			switch b := bin[i]; b {
			case at:
				return values[i] <= c.threshold
			case missingBin:
				return c.missingLeft
			default:
				return b < at
			}
		})
	}
	return moveLeft(items, f.buf, func(i int32) bool {
		v := values[i]
		switch {
		case v != v:
			return c.missingLeft
		case c.set != nil:
			return c.set.has(int(v))
		}
		return v <= c.threshold
	})
}
