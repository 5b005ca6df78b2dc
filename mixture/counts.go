package mixture

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram/internal/kernel/f64"
)

// ErrSupport: an element that the distribution of a [CountMixture] cannot give.
var ErrSupport = errors.New("outside the support")

// Counts names the distribution of the columns within a component of a [CountMixture].
// Given the component, columns are independent, but for the sum of a multinomial row.
type Counts int

const (
	// Poisson is for events that are counted over the same time or area: whole numbers
	// from 0, with a mean for each column. K·d + K − 1 parameters.
	Poisson Counts = iota
	// Bernoulli is for what is there or not: 0 or 1, with a probability for each column.
	// K·d + K − 1 parameters.
	Bernoulli
	// Multinomial is for the shares of a total, such as the words of a document: whole
	// numbers from 0, with the probability that one of the row's total falls into each
	// column. The total itself is taken as given. K·(d − 1) + K − 1 parameters.
	Multinomial
)

// String returns "poisson", "bernoulli" or "multinomial".
func (c Counts) String() string {
	switch c {
	case Poisson:
		return "poisson"
	case Bernoulli:
		return "bernoulli"
	case Multinomial:
		return "multinomial"
	}
	return fmt.Sprintf("Counts(%d)", int(c))
}

func (c Counts) valid() bool { return c >= Poisson && c <= Multinomial }

// support says what elements are.
func (c Counts) support() string {
	if c == Bernoulli {
		return "0 or 1"
	}
	return "whole numbers from 0 to 2⁵³"
}

// contains tells whether v is in the support.
func (c Counts) contains(v float64) bool {
	if c == Bernoulli {
		return v == 0 || v == 1
	}
	return v >= 0 && v == math.Floor(v) && v <= 1<<53
}

// parameters returns the number of free parameters of a mixture.
func (c Counts) parameters(k, d int) int {
	if c == Multinomial {
		return k - 1 + k*(d-1)
	}
	return k - 1 + k*d
}

// base returns the part of the log-density at x that no parameter enters: −Inf
// outside the support, and NaN if x holds one.
func (c Counts) base(x []float64) float64 {
	total, sum, inside := 0.0, 0.0, true
	for _, v := range x {
		if !c.contains(v) {
			if math.IsNaN(v) {
				return v
			}
			inside = false
			continue
		}
		if v > 1 {
			lg, _ := math.Lgamma(v + 1)
			sum -= lg
		}
		total += v
	}
	switch {
	case !inside:
		return math.Inf(-1)
	case c == Multinomial:
		lg, _ := math.Lgamma(total + 1)
		return sum + lg
	}
	return sum
}

// countDensity is a mixture of counts. All its distributions have a log-density that
// is linear in x, so that a block of rows is one product, also of a sparse X.
type countDensity struct {
	kind    Counts
	k, d    int
	weights []float64 // K
	rates   []float64 // d×K: means or probabilities

	theta []float64 // d×K: log(weight·density) = x·theta + shift + base(x)
	shift []float64 // K
}

func newCountDensity(kind Counts, weights, rates []float64) *countDensity {
	k := len(weights)
	f := &countDensity{kind: kind, k: k, d: len(rates) / k, weights: weights, rates: rates}
	f.theta, f.shift = make([]float64, len(rates)), make([]float64, k)
	for c, w := range weights {
		f.shift[c] = math.Log(w)
	}
	for i, r := range rates {
		f.theta[i] = math.Log(r)
		switch kind {
		case Poisson:
			f.shift[i%k] -= r
		case Bernoulli:
			f.theta[i] -= math.Log1p(-r)
			f.shift[i%k] += math.Log1p(-r)
		}
	}
	return f
}

func (f *countDensity) size() (k, d int) { return f.k, f.d }

func (f *countDensity) width() int { return 2*f.k + f.d }

// linear returns the log-densities without their base.
func (f *countDensity) linear(s *rows, lo, hi int, t *scratch) (p []float64) {
	p = grow(&t.p, (hi-lo)*f.k)
	s.x.MulRows(p, lo, hi, f.theta, f.k)
	for i := range hi - lo {
		f64.Axpy(1, f.shift, p[i*f.k:(i+1)*f.k])
	}
	return p
}

func (f *countDensity) logDensities(s *rows, lo, hi int, t *scratch) (p []float64) {
	p = f.linear(s, lo, hi, t)
	raw, stride := s.x.RowBlock(grow(&t.raw, (hi-lo)*f.d), lo, hi)
	for i := range hi - lo {
		addBase(p[i*f.k:(i+1)*f.k], f.kind.base(raw[i*stride:i*stride+f.d]))
	}
	return p
}

// addBase adds base to p. A base that is not finite replaces it.
func addBase(p []float64, base float64) {
	for c := range p {
		if p[c] += base; base-base != 0 {
			p[c] = base
		}
	}
}

func (f *countDensity) rowLogs(p, x, _ []float64, _ *scratch) {
	copy(p, f.shift)
	f64.AxpyRows(x, f.theta, f.k, p)
	addBase(p, f.kind.base(x))
}

// leastRate keeps logarithms of rates finite, whatever is divided by whatever.
const leastRate = 1e-300

// estimate returns the mode of the posterior for components of the given weights and
// sums of rows, d×K, with alpha pseudo-counts.
func (c Counts) estimate(weight, sum []float64, alpha float64) *countDensity {
	k := len(weight)
	weights := slices.Clone(weight)
	f64.Scal(1/f64.Sum(weight), weights)
	rates := make([]float64, len(sum))
	of := slices.Clone(weight) // what a sum is a share of
	if c == Multinomial {
		clear(of)
		for i, v := range sum {
			of[i%k] += v
		}
	}
	more := alpha
	switch c {
	case Bernoulli:
		more = 2 * alpha
	case Multinomial:
		more = alpha * float64(len(sum)/k)
	}
	for i, v := range sum {
		rates[i] = max((v+alpha)/(of[i%k]+more), leastRate)
		if c == Bernoulli {
			rates[i] = min(rates[i], 1-0x1p-53)
		}
	}
	return newCountDensity(c, weights, rates)
}

// logPrior returns the logarithm of the prior that alpha pseudo-counts stand for, up to
// a constant.
func (f *countDensity) logPrior(alpha float64) float64 {
	sum := 0.0
	for _, r := range f.rates {
		sum += math.Log(r)
		switch f.kind {
		case Poisson:
			sum -= r
		case Bernoulli:
			sum += math.Log1p(-r)
		}
	}
	return alpha * sum
}

// transposed returns a, rows×cols, as cols×rows.
func transposed(a []float64, rows, cols int) []float64 {
	out := make([]float64, len(a))
	for i := range rows {
		for j := range cols {
			out[j*rows+i] = a[i*cols+j]
		}
	}
	return out
}
