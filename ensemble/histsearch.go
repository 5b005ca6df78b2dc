package ensemble

import (
	"math"
	"slices"

	"github.com/gram-ml/gram/internal/kernel/hist"
)

// A histCut is a way to split a node by a feature's bins.
type histCut struct {
	gain        float64 // in the units of the scales; −1 if there is no cut
	feature     int32
	bin         uint8 // values of bins up to this go left
	missingLeft bool
	missing     bool // whether the node has missing values
	exact       bool // whether both children are known to be heavy enough
	left        int64
	set, seen   *categorySet // the categories that go left, and those in the node
}

func noHistCut() histCut { return histCut{gain: -1} }

// histRules are what cuts have to obey and how they are judged, in the units of the
// scales.
type histRules struct {
	scales
	l1, l2    float64
	smooth    float64 // added to Hessians of categories
	minGain   float64
	minHess   int64 // least Hessian of a child
	minCount  int64 // least number of rows, where they are counted
	minWeight float64
	// sure is a Hessian from which on a child has minWeight for certain.
	sure int64
}

// counts returns the number of rows of a sum, 0 where they are not counted.
func (s *scales) counts(packed int64) int64 { return packed & (1<<s.count - 1) }

// score returns what a node of these sums takes from the loss, twice, at its best value.
func (r *histRules) score(g, h float64) float64 {
	g = softThreshold(g, r.l1)
	return g * g / (h + r.l2)
}

// value returns a node's best value.
func (r *histRules) value(g, h float64) float64 {
	return bestValue(softThreshold(g, r.l1), h+r.l2) / r.gradient * r.hessian
}

// bestValue returns −g/h, 0 if there is nothing to divide by.
func bestValue(g, h float64) float64 {
	if h <= math.SmallestNonzeroFloat64 {
		return 0
	}
	return -g / h
}

func softThreshold(g, l1 float64) float64 {
	switch {
	case l1 == 0:
		return g
	case g > l1:
		return g - l1
	case g < -l1:
		return g + l1
	}
	return 0
}

// scoreAt is score where the value is held to bounds.
func (r *histRules) scoreAt(g, h float64, b bounds) (score, value float64) {
	free := r.value(g, h)
	value = b.clip(free)
	if value == free {
		return r.score(g, h), value
	}
	v := value * r.gradient / r.hessian
	return -(2*g*v + (h+r.l2)*v*v + 2*r.l1*math.Abs(v)), value
}

// A histPart is a node's histogram of one feature and what a search has to know of the
// node.
type histPart struct {
	bins    *[maxBins + 1]int64
	count   int // bins of values
	total   int64
	bounds  bounds
	sense   int8
	bounded bool // whether bounds or sense have to be looked at
	// weights has the weight of each bin if sure is not to be relied on.
	weights *[maxBins + 1]float64
	weight  float64
}

// scan returns the best cut between bins.
func (r *histRules) scan(p *histPart) histCut {
	missing := p.bins[missingBin]
	last := p.count - 1
	if missing != 0 {
		last = p.count // all values may go left, and the missing ones right
	}
	best := r.pass(p, last, false)
	if missing != 0 {
		if c := r.pass(p, p.count-1, true); c.gain > best.gain {
			best = c
		}
		best.missing = true
	}
	return best
}

// pass tries the cuts after the bins before last, with missing values on one side.
func (r *histRules) pass(p *histPart, last int, missingLeft bool) histCut {
	best := noHistCut()
	best.missingLeft = missingLeft
	var left int64
	weight := 0.0
	if missingLeft {
		left = p.bins[missingBin]
		if p.weights != nil {
			weight = p.weights[missingBin]
		}
	}
	if p.bounded || p.weights != nil || r.l1 != 0 {
		r.passSlowly(p, last, left, weight, &best)
	} else {
		r.passQuickly(p, last, left, &best)
	}
	best.exact = best.gain >= 0 && (p.weights != nil || r.surely(best.left, p.total))
	return best
}

// surely tells whether both children are heavy enough for certain.
func (r *histRules) surely(left, total int64) bool {
	_, h := r.split(left)
	_, all := r.split(total)
	return h >= r.sure && all-h >= r.sure
}

// single is scan for a feature of two bins, none of missing values, of which the one that is not
// zero's has the given sums: there is one cut, and nothing else to look at.
func (r *histRules) single(total int64, s *slot, other int64) histCut {
	best := noHistCut()
	if other == 0 {
		return best
	}
	bin, left := s.zero, total-other
	if s.bin(s.first) < s.zero {
		bin, left = s.bin(s.first), other
	}
	gl, hl := r.split(left)
	gr, hr := r.split(total)
	gr, hr = gr-gl, hr-hl
	if min(hl, hr) < r.minHess || min(r.counts(left), r.counts(total)-r.counts(left)) < r.minCount {
		return best
	}
	wl, wr, a, b := float64(hl)+r.l2, float64(hr)+r.l2, float64(gl), float64(gr)
	if gain := r.gain(&histPart{total: total}, hist.Scores(a, wl, b, wr)); gain >= 0 {
		best.bin, best.left, best.gain, best.exact = bin, left, gain, r.surely(left, total)
	}
	return best
}

// passQuickly is a pass for which sums alone count.
func (r *histRules) passQuickly(p *histPart, last int, left int64, best *histCut) {
	search := hist.Search{
		Total: p.total, Low: uint64(r.low), HessMask: 1<<r.low - 1, CountMask: 1<<r.count - 1,
		MinHess: r.minHess, MinCount: r.minCount, L2: r.l2,
	}
	if bin, sum, score := hist.Best(&search, p.bins, last, left); score >= 0 {
		best.bin, best.left, best.gain = uint8(bin), sum, r.gain(p, score)
	}
}

// gain returns what the children's scores are above the node's, −1 if it is not enough.
func (r *histRules) gain(p *histPart, children float64) float64 {
	g, h := r.split(p.total)
	parent := r.score(float64(g), float64(h))
	if p.bounded {
		parent, _ = r.scoreAt(float64(g), float64(h), p.bounds)
	}
	// What rounding makes is no gain.
	if gain := children - parent; gain > r.minGain && gain > 1e-13*math.Abs(parent) {
		return gain
	}
	return -1
}

func (r *histRules) passSlowly(p *histPart, last int, left int64, weight float64, best *histCut) {
	most := math.Inf(-1)
	for b, x := range p.bins[:last] {
		if x == 0 {
			continue
		}
		left += x
		if p.weights != nil {
			weight += p.weights[b]
		}
		if score := r.children(p, left, weight); score > most {
			most, best.bin, best.left = score, uint8(b), left
		}
	}
	if !math.IsInf(most, -1) {
		best.gain = r.gain(p, most)
	}
}

// children returns the scores of two children, of which the left one has the given sums
// and weight; −Inf if they are not allowed.
func (r *histRules) children(p *histPart, left int64, weight float64) float64 {
	gl, hl := r.split(left)
	gr, hr := r.split(p.total - left)
	if hl < r.minHess || hr < r.minHess || r.counts(left) < r.minCount || r.counts(p.total-left) < r.minCount || p.weights != nil && (weight < r.minWeight || p.weight-weight < r.minWeight) {
		return math.Inf(-1)
	}
	if !p.bounded {
		return r.score(float64(gl), float64(hl)) + r.score(float64(gr), float64(hr))
	}
	sl, vl := r.scoreAt(float64(gl), float64(hl), p.bounds)
	sr, vr := r.scoreAt(float64(gr), float64(hr), p.bounds)
	if !ordered(p.sense, vl, vr) {
		return math.Inf(-1)
	}
	return sl + sr
}

// scanSets returns the best set of categories among those that come first when they are
// ordered by their values, with smoothed Hessians; for two of a convex loss that is the
// best of all sets. A missing value is a category of its own here.
func (r *histRules) scanSets(p *histPart) histCut {
	type category struct {
		bin   int
		value float64
	}
	var order []category
	for b, x := range p.bins {
		if x == 0 || b >= p.count && b != missingBin {
			continue
		}
		g, h := r.split(x)
		order = append(order, category{b, float64(g) / (float64(h) + r.smooth)})
	}
	slices.SortStableFunc(order, func(a, b category) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	best := noHistCut()
	smoothed := *r
	smoothed.l2 += r.smooth
	most, at, left, weight := math.Inf(-1), 0, int64(0), 0.0
	for i, c := range order[:max(len(order)-1, 0)] {
		left += p.bins[c.bin]
		if p.weights != nil {
			weight += p.weights[c.bin]
		}
		if score := smoothed.children(p, left, weight); score > most {
			most, at, best.left = score, i, left
		}
	}
	if math.IsInf(most, -1) {
		return best
	}
	if best.gain = smoothed.gain(p, most); best.gain < 0 {
		return best
	}
	best.set, best.seen = &categorySet{}, &categorySet{}
	for i, c := range order {
		if c.bin == missingBin {
			best.missing, best.missingLeft = true, i <= at
			continue
		}
		best.seen.add(c.bin)
		if i <= at {
			best.set.add(c.bin)
		}
	}
	best.exact = p.weights != nil || r.surely(best.left, p.total)
	return best
}
