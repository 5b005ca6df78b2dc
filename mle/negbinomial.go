package mle

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// NegativeBinomial is the distribution of the number of failures before a given number of
// successes, of probability Γ(x+size)/(Γ(size)·x!)·p^size·(1−p)^x, with parameters size > 0, which
// need not be whole, and 0 < p < 1. Its mean is size·(1−p)/p and its variance the mean
// divided by p: it is a Poisson distribution whose mean varies.
type NegativeBinomial struct{}

// String returns "negative binomial".
func (NegativeBinomial) String() string { return "negative binomial" }

// Parameters returns size and p.
func (NegativeBinomial) Parameters() []string { return []string{"size", "p"} }

// Discrete returns true.
func (NegativeBinomial) Discrete() bool { return true }

func (NegativeBinomial) check() error                { return nil }
func (NegativeBinomial) support() string             { return "whole numbers from 0" }
func (NegativeBinomial) contains(x float64) bool     { return whole(x, maxCount) }
func (NegativeBinomial) take(x, w []float64) summary { return distinct(x, w) }
func (NegativeBinomial) merge(a, b summary) summary  { return mergeDistinct(a, b) }

// rising returns Σ w·log(Γ(x+r)/(Γ(r)·x!)) and its first and second derivative by r. Between
// neighbouring values it adds the terms log((r+j)/(1+j)), 1/(r+j) and −1/(r+j)² of the whole
// numbers, so that nothing cancels for a large r.
func (NegativeBinomial) rising(s summary, r float64) (sum, first, second float64) {
	const few = 64
	at, l, l1, l2 := 0.0, 0.0, 0.0, 0.0
	for i, x := range s.values {
		if x-at <= few {
			for ; at < x; at++ {
				l += math.Log((r + at) / (1 + at))
				l1 += 1 / (r + at)
				l2 -= 1 / (r + at) / (r + at)
			}
		} else {
			l += (lgamma(r+x) - lgamma(r+at)) - (lgamma(1+x) - lgamma(1+at))
			l1 += digamma(r+x) - digamma(r+at)
			l2 += trigamma(r+x) - trigamma(r+at)
			at = x
		}
		w := s.counts[i]
		sum, first, second = sum+w*l, first+w*l1, second+w*l2
	}
	return sum, first, second
}

func (f NegativeBinomial) solve(ctx context.Context, s summary) ([]float64, int, error) {
	m := spread(s.values, s.counts)
	mean, variance := m.sums[0], m.sums[1]/s.weight
	if variance <= mean {
		return nil, 0, noMaximum(f, "the variance %.4g is not above the mean %.4g, and a Poisson distribution is the limit", variance, mean)
	}
	size, k, err := f.size(ctx, s, mean*mean/(variance-mean), mean)
	return []float64{size, size / (size + mean)}, k, err
}

// size solves for the size r, with p = r/(r+mean): the slope of the likelihood, of which
// the root is the only one, is positive below and negative above.
func (f NegativeBinomial) size(ctx context.Context, s summary, r, mean float64) (float64, int, error) {
	lo, hi := 0.0, math.Inf(1)
	for k := 1; k <= maxIterations; k++ {
		if err := ctx.Err(); err != nil {
			return 0, k, fmt.Errorf("fit stopped: %w", err)
		}
		_, first, second := f.rising(s, r)
		slope := first - s.weight*math.Log1p(mean/r)
		curve := second + s.weight*mean/r/(r+mean)
		if slope > 0 {
			lo = r
		} else {
			hi = r
		}
		step := -slope / (curve*r + min(0, slope)) // Newton in log r
		next := r * math.Exp(min(max(step, -2), 2))
		switch {
		case next > lo && next < hi:
		case math.IsInf(hi, 1):
			next = 4 * r
		case lo == 0:
			next = r / 4
		default:
			next = math.Sqrt(lo) * math.Sqrt(hi)
		}
		if math.Abs(next-r) <= 1e-12*r {
			return next, k, nil
		}
		r = next
	}
	return r, maxIterations, fmt.Errorf("the size of negative binomial: %w", gram.ErrNotConverged)
}

func (f NegativeBinomial) eval(s summary, theta, g, h []float64) float64 {
	n, r, p := s.weight, theta[0], theta[1]
	failures := f64.Dot(s.counts, s.values)
	sum, first, second := f.rising(s, r)
	if g != nil {
		g[0], g[1] = first+n*math.Log(p), n*r/p-failures/(1-p)
	}
	if h != nil {
		h[0], h[1], h[2], h[3] = second, n/p, n/p, -n*r/p/p-failures/(1-p)/(1-p)
	}
	return sum + n*r*math.Log(p) + failures*math.Log1p(-p)
}

func (NegativeBinomial) domain(i int) domain { return []domain{positive, unit}[i] }

func (NegativeBinomial) dist(theta []float64, src rand.Source) Distribution {
	return negativeBinomialDist{r: theta[0], p: theta[1], src: src}
}

// negativeBinomialDist is what distuv does not have.
type negativeBinomialDist struct {
	r, p float64
	src  rand.Source
}

func (d negativeBinomialDist) LogProb(x float64) float64 {
	if !whole(x, maxCount) {
		return math.Inf(-1)
	}
	v := d.r * math.Log(d.p)
	if x > 0 { // x·B(x, r) is Γ(r)·x!/Γ(x+r)
		v += x*math.Log1p(-d.p) - math.Log(x) - mathext.Lbeta(x, d.r)
	}
	return v
}

func (d negativeBinomialDist) CDF(x float64) float64 {
	if x < 0 {
		return 0
	}
	return mathext.RegIncBeta(d.r, math.Floor(x)+1, d.p)
}

func (d negativeBinomialDist) Survival(x float64) float64 {
	if x < 0 {
		return 1
	}
	return mathext.RegIncBeta(math.Floor(x)+1, d.r, 1-d.p)
}

func (d negativeBinomialDist) Rand() float64 {
	mean := distuv.Gamma{Alpha: d.r, Beta: d.p / (1 - d.p), Src: d.src}.Rand()
	if mean == 0 {
		return 0
	}
	return distuv.Poisson{Lambda: mean, Src: d.src}.Rand()
}
