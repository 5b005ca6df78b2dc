package ensemble

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/gram-ml/gram"
)

// columns is the values of all features, NaN where they are missing, for random cuts.
type columns struct {
	n           int
	values      [][]float64 // by feature and row
	categorical []bool
}

func newColumnValues(ctx context.Context, workers int, X gram.Matrix, rows []int32, categorical []bool) (*columns, error) {
	n, d := X.Dims()
	if rows != nil {
		n = len(rows)
	}
	c := &columns{n: n, values: make([][]float64, d), categorical: categorical}
	bad := make([]error, d)
	err := eachColumn(ctx, workers, X, rows, func(j int, column []float64) {
		if categorical[j] {
			bad[j] = checkCategories(j, column)
		}
		c.values[j] = column
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
	criterion criterion
	minLeaf   float64
	rng       *rand.Rand
	data      *columns
	frame     []int32     // the rows of the items, nil for all
	values    [][]float64 // by feature and item
	above     *randomized
	items     []int32 // of above, that are here
	entries   []entry
	others    []entry
	buf       []int32
	sub       *randomized // memory for narrow
}

func newRandomized(data *columns, c criterion, minLeaf float64, rng *rand.Rand) *randomized {
	f := &randomized{criterion: c, minLeaf: minLeaf, rng: rng, data: data, values: data.values}
	f.room(data.n)
	return f
}

func (f *randomized) room(n int) {
	f.entries = slices.Grow(f.entries[:0], n)[:n]
	f.others = slices.Grow(f.others[:0], n)[:n]
	f.buf = slices.Grow(f.buf[:0], n)[:n]
}

func (f *randomized) narrow(items []int32) finder {
	if !worthNarrowing(len(items), len(f.buf)) {
		return nil
	}
	if f.sub == nil {
		f.sub = &randomized{criterion: f.criterion, minLeaf: f.minLeaf, rng: f.rng, data: f.data, above: f, values: make([][]float64, len(f.values))}
	}
	s := f.sub
	s.items, s.frame = items, s.frame[:0]
	for _, i := range items {
		if f.frame != nil {
			i = f.frame[i]
		}
		s.frame = append(s.frame, i)
	}
	for j := range s.values {
		s.values[j] = s.values[j][:0]
	}
	s.room(len(items))
	return s
}

// column returns the values of feature j.
func (f *randomized) column(j int) []float64 {
	if len(f.values[j]) == 0 {
		from := f.above.column(j)
		for _, i := range f.items {
			f.values[j] = append(f.values[j], from[i])
		}
	}
	return f.values[j]
}

func (f *randomized) rows(items []int32) []entry {
	out := f.entries[:len(items)]
	for k, i := range items {
		out[k].row = i
		if f.frame != nil {
			out[k].row = f.frame[i]
		}
	}
	return out
}

func (f *randomized) find(j int, items []int32) (cut, bool) {
	if f.data.categorical[j] {
		return f.findSet(j, items)
	}
	values := f.column(j)
	lo, hi, missing := extremes(values, items)
	if lo == hi && missing == 0 || missing == len(items) {
		return noCut(), false
	}
	t := lo
	if lo < hi {
		t = between(lo, hi, f.rng.Float64())
	}
	p := f.part(items, func(i int32) (uint32, bool) {
		v := values[i]
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

// extremes returns the least and the greatest value and how many are missing.
func extremes(values []float64, items []int32) (lo, hi float64, missing int) {
	lo, hi = inf, -inf
	for _, i := range items {
		v := values[i]
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
func (f *randomized) part(items []int32, side func(i int32) (rank uint32, missing bool)) *part {
	left, right, missing := f.entries, f.others, f.others
	l, r, m := 0, 0, len(items)
	for _, i := range items {
		row := i
		if f.frame != nil {
			row = f.frame[i]
		}
		switch rank, none := side(i); {
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
	values := f.column(j)
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
	p := f.part(items, func(i int32) (uint32, bool) {
		v := values[i]
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
	values := f.column(c.feature)
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
