package quant

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// histogramBins cover (−L, L), where L is a power of two.
const histogramBins = 1 << 12

// A Histogram counts values in 4096 bins that cover (−L, L) evenly, L being the least
// power of two above every |value|. When a greater one comes, L doubles until it fits
// and bins merge in pairs, which is exact: the counts depend neither on the order of
// the values nor on how they are cut in batches. The zero value is empty.
type Histogram struct {
	exp    int // L = 2^exp, once scaled
	scaled bool
	counts []uint64
	total  uint64
	bounds MinMax
}

// Observe counts the finite values of x.
func (h *Histogram) Observe(x []float64) {
	if h.counts == nil {
		h.counts = make([]uint64, histogramBins)
	}
	h.bounds.Observe(x)
	for _, v := range x {
		if v-v != 0 {
			continue
		}
		if v != 0 {
			if _, e := math.Frexp(v); !h.scaled || e > h.exp { // |v| < 2^e
				h.widen(e)
			}
		}
		h.counts[h.bin(v)]++
		h.total++
	}
}

// Merge adds the counts of g.
func (h *Histogram) Merge(g *Histogram) {
	if g.total == 0 {
		return
	}
	other := Histogram{g.exp, g.scaled, append([]uint64(nil), g.counts...), g.total, g.bounds}
	if h.counts == nil {
		*h = other
		return
	}
	if other.scaled && (!h.scaled || other.exp > h.exp) {
		h.widen(other.exp)
	} else if h.scaled {
		other.widen(h.exp)
	}
	for i, c := range other.counts {
		h.counts[i] += c
	}
	h.total += other.total
	h.bounds.Merge(&other.bounds)
}

// Total returns how many values were counted.
func (h *Histogram) Total() int { return int(h.total) }

// widen sets L to 2^exp, which must not be less than it is.
func (h *Histogram) widen(exp int) {
	if !h.scaled { // zeros only, which stay where they are
		h.exp, h.scaled = exp, true
		return
	}
	// After 12 mergers nothing is left but the two bins at 0, which stay.
	for range min(exp-h.exp, 64) {
		merged := make([]uint64, histogramBins)
		for i, c := range h.counts {
			merged[(i+histogramBins/2)/2] += c
		}
		h.counts = merged
	}
	h.exp = exp
}

func (h *Histogram) bin(v float64) int {
	if v == 0 {
		return histogramBins / 2
	}
	i := int(math.Floor(math.Ldexp(v, -h.exp) * (histogramBins / 2)))
	if v < 0 {
		i = min(i, -1) // even if it underflows
	}
	return histogramBins/2 + i
}

// edge returns the lower edge of bin i.
func (h *Histogram) edge(i int) float64 {
	return math.Ldexp(float64(i-histogramBins/2)/(histogramBins/2), h.exp)
}

// center returns the middle of bin i within the values seen, so that a single value
// is met exactly.
func (h *Histogram) center(i int) float64 {
	return min(max(math.Ldexp((float64(i-histogramBins/2)+0.5)/(histogramBins/2), h.exp), h.bounds.min), h.bounds.max)
}

// quantile returns the value below which a share q of the values lies, interpolated
// within a bin.
func (h *Histogram) quantile(q float64) float64 {
	rank, below := q*float64(h.total), 0.0
	for i, c := range h.counts {
		if c > 0 && below+float64(c) >= rank {
			share := (rank - below) / float64(c)
			lo := max(h.edge(i), h.bounds.min)
			hi := min(h.edge(i+1), h.bounds.max)
			return lo + share*(hi-lo)
		}
		below += float64(c)
	}
	return h.bounds.max
}

// Percentile proposes the range that leaves out the same share of the values at either
// end. The zero value is ready.
type Percentile struct {
	Histogram
	// Keep is the percentage between the two ends, in (0, 100]; 0 means 99.99.
	Keep float64
}

// Range returns the percentiles. The error is also gram.ErrParam, for a Keep outside
// [0, 100].
func (o *Percentile) Range() (lo, hi float64, err error) {
	keep := o.Keep
	if keep == 0 {
		keep = 99.99
	}
	if !(keep > 0 && keep <= 100) {
		return 0, 0, fmt.Errorf("percentage to keep is %v, want 0 to 100: %w", o.Keep, gram.ErrParam)
	}
	if o.total == 0 {
		return 0, 0, errEmpty()
	}
	cut := (1 - keep/100) / 2
	return o.quantile(cut), o.quantile(1 - cut), nil
}

// cuts is how many ranges [MSE] and [KL] try: the extremes seen, times i/cuts.
const cuts = 128

// MSE proposes, among 128 fractions of the observed range, the one whose 256 values
// have the least mean squared error. The zero value is ready.
type MSE struct{ Histogram }

// Range returns the fraction of least error. O(128·4096).
func (o *MSE) Range() (lo, hi float64, err error) { return o.search(o.squaredError) }

// search returns the range whose cost is least, the widest of those that tie.
func (h *Histogram) search(cost func(lo, hi float64) float64) (lo, hi float64, err error) {
	if h.total == 0 {
		return 0, 0, errEmpty()
	}
	low, high := min(h.bounds.min, 0), max(h.bounds.max, 0)
	best, at := math.Inf(1), cuts
	for i := cuts; i >= 1; i-- {
		f := float64(i) / cuts
		if c := cost(f*low, f*high); c < best {
			best, at = c, i
		}
	}
	f := float64(at) / cuts
	return f * low, f * high, nil
}

// squaredError returns the squared error of 256 values from lo to hi, in units of L².
func (h *Histogram) squaredError(lo, hi float64) float64 {
	step := hi/255 - lo/255
	if step == 0 {
		return 0
	}
	unit := math.Ldexp(1, -min(max(h.exp, -1000), 1000)) // against overflow
	zero := math.RoundToEven(-lo / step)
	sum := 0.0
	for i, c := range h.counts {
		if c == 0 {
			continue
		}
		x := h.center(i)
		q := min(max(math.RoundToEven(x/step)+zero, 0), 255)
		d := x*unit - (q-zero)*(step*unit)
		sum += float64(c) * d * d
	}
	return sum
}

// KL proposes, among 128 fractions of the observed range, the one after which the
// distribution of the values has lost least information: the Kullback–Leibler
// divergence of the histogram with its extremes clamped to the range, from the same
// histogram averaged over the 256 steps of a quantization. The zero value is ready.
//
// Source: S. Migacz, 8-bit inference with TensorRT, GPU Technology Conference 2017.
type KL struct{ Histogram }

// Range returns the fraction of least divergence. O(128·4096).
func (o *KL) Range() (lo, hi float64, err error) {
	p, q := make([]float64, histogramBins), make([]float64, histogramBins)
	return o.search(func(lo, hi float64) float64 { return o.divergence(p, q, lo, hi) })
}

// divergence returns the divergence for the range lo..hi, p and q being scratch.
func (h *Histogram) divergence(p, q []float64, lo, hi float64) float64 {
	first, last := h.bin(lo), h.bin(hi)
	if last-first < 256 {
		return h.coarse(first, last)
	}
	clear(p)
	clear(q)
	for i, c := range h.counts {
		p[min(max(i, first), last)] += float64(c)
	}
	h.average(q, first, last)
	return relativeEntropy(p[first:last+1], q[first:last+1])
}

// coarse is the cost of a range that has fewer bins than steps: nothing where it holds
// all values, and otherwise more than any divergence.
func (h *Histogram) coarse(first, last int) float64 {
	if first <= h.bin(h.bounds.min) && last >= h.bin(h.bounds.max) {
		return 0
	}
	return math.MaxFloat64
}

// average sets q to the counts of bins first..last, averaged over the bins that are
// not empty within each of 256 steps.
func (h *Histogram) average(q []float64, first, last int) {
	n := last - first + 1
	for s := range 256 {
		a, b := first+s*n/256, first+(s+1)*n/256
		sum, filled := 0.0, 0.0
		for _, c := range h.counts[a:b] {
			if c > 0 {
				sum += float64(c)
				filled++
			}
		}
		for i := a; i < b; i++ {
			if h.counts[i] > 0 {
				q[i] = sum / filled
			}
		}
	}
}

// relativeEntropy returns Σ p·log(p/q) of the two, normalised. Where q is 0 and p is not,
// as an end that only clamped values reach, q counts as a millionth.
func relativeEntropy(p, q []float64) float64 {
	var sumP, sumQ, d float64
	for i := range p {
		sumP += p[i]
		sumQ += q[i]
	}
	if sumQ == 0 {
		return math.MaxFloat64
	}
	for i, v := range p {
		if v > 0 {
			v /= sumP
			d += v * math.Log(v/max(q[i]/sumQ, 1e-6))
		}
	}
	return d
}
