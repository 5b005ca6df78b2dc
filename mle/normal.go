package mle

import (
	"context"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram/internal/kernel/f64"
)

// everyNumber and positiveNumbers are supports.
const (
	everyNumber     = "numbers"
	positiveNumbers = "above 0"
)

// Normal is the normal distribution with parameters mu, the mean, and sigma > 0, the
// standard deviation. The estimate of sigma is the root of [Statistics.BiasedVariance].
type Normal struct{}

// String returns "normal".
func (Normal) String() string { return "normal" }

// Parameters returns mu and sigma.
func (Normal) Parameters() []string { return []string{"mu", "sigma"} }

// Discrete returns false.
func (Normal) Discrete() bool { return false }

func (Normal) check() error                { return nil }
func (Normal) support() string             { return everyNumber }
func (Normal) contains(x float64) bool     { return x-x == 0 }
func (Normal) take(x, w []float64) summary { return spread(x, w) }
func (Normal) merge(a, b summary) summary  { return mergeSpread(a, b) }

func (f Normal) solve(_ context.Context, s summary) ([]float64, int, error) {
	return solveNormal(f, s)
}

func solveNormal(f Family, s summary) ([]float64, int, error) {
	sigma := math.Sqrt(s.sums[1] / s.weight)
	if sigma == 0 {
		return nil, 0, noMaximum(f, "all values are equal")
	}
	return []float64{s.sums[0], sigma}, 0, nil
}

func (Normal) eval(s summary, theta, g, h []float64) float64 {
	n, sigma := s.weight, theta[1]
	d := (s.sums[0] - theta[0]) / sigma
	q := s.sums[1]/sigma/sigma + n*d*d
	if g != nil {
		g[0], g[1] = n*d/sigma, (q-n)/sigma
	}
	if h != nil {
		h[0], h[1], h[3] = -n/sigma/sigma, -2*n*d/sigma/sigma, (n-3*q)/sigma/sigma
		h[2] = h[1]
	}
	return -n*(math.Log(2*math.Pi)/2+math.Log(sigma)) - q/2
}

func (Normal) domain(i int) domain { return []domain{anyReal, positive}[i] }

func (Normal) dist(theta []float64, src rand.Source) Distribution {
	return distuv.Normal{Mu: theta[0], Sigma: theta[1], Src: src}
}

// restricted is closed: around a mean v the variance is larger by the square of its distance.
func (Normal) restricted(s summary, _ []float64, i int, v float64) []float64 {
	if i == 1 {
		return []float64{s.sums[0], v}
	}
	return []float64{v, math.Hypot(math.Sqrt(s.sums[1]/s.weight), s.sums[0]-v)}
}

// LogNormal is the distribution of a number whose logarithm is normal, with parameters mu and
// sigma > 0, the mean and standard deviation of the logarithm. Values are above 0.
type LogNormal struct{}

// String returns "log-normal".
func (LogNormal) String() string { return "log-normal" }

// Parameters returns mu and sigma.
func (LogNormal) Parameters() []string { return []string{"mu", "sigma"} }

// Discrete returns false.
func (LogNormal) Discrete() bool { return false }

func (LogNormal) check() error            { return nil }
func (LogNormal) support() string         { return positiveNumbers }
func (LogNormal) contains(x float64) bool { return x > 0 && x <= math.MaxFloat64 }

func (LogNormal) take(x, w []float64) summary {
	logs := make([]float64, len(x))
	for i, v := range x {
		logs[i] = math.Log(v)
	}
	return spread(logs, w)
}

func (LogNormal) merge(a, b summary) summary { return mergeSpread(a, b) }

func (f LogNormal) solve(_ context.Context, s summary) ([]float64, int, error) {
	return solveNormal(f, s)
}

func (LogNormal) eval(s summary, theta, g, h []float64) float64 {
	return Normal{}.eval(s, theta, g, h) - s.weight*s.sums[0]
}

func (LogNormal) domain(i int) domain { return Normal{}.domain(i) }

func (LogNormal) dist(theta []float64, src rand.Source) Distribution {
	return distuv.LogNormal{Mu: theta[0], Sigma: theta[1], Src: src}
}

func (LogNormal) restricted(s summary, theta []float64, i int, v float64) []float64 {
	return Normal{}.restricted(s, theta, i, v)
}

// Laplace is the distribution of density exp(−|x−mu|/scale)/(2·scale), with parameters mu, whose
// estimate is the median, and scale > 0, the mean distance from it. Its likelihood has
// a kink in mu; the standard errors are those of the theory, scale/√n for both.
type Laplace struct{}

// String returns "laplace".
func (Laplace) String() string { return "laplace" }

// Parameters returns mu and scale.
func (Laplace) Parameters() []string { return []string{"mu", "scale"} }

// Discrete returns false.
func (Laplace) Discrete() bool { return false }

func (Laplace) check() error                { return nil }
func (Laplace) support() string             { return everyNumber }
func (Laplace) contains(x float64) bool     { return x-x == 0 }
func (Laplace) take(x, w []float64) summary { return distinct(x, w) }
func (Laplace) merge(a, b summary) summary  { return mergeDistinct(a, b) }

// distance returns the mean distance of the values from mu.
func (Laplace) distance(s summary, mu float64) float64 {
	d := make([]float64, len(s.values))
	for i, v := range s.values {
		d[i] = math.Abs(v - mu)
	}
	return f64.Dot(s.counts, d) / s.weight
}

func (f Laplace) solve(_ context.Context, s summary) ([]float64, int, error) {
	mu := s.median()
	scale := f.distance(s, mu)
	if scale == 0 {
		return nil, 0, noMaximum(f, "all values are equal")
	}
	return []float64{mu, scale}, 0, nil
}

func (f Laplace) eval(s summary, theta, g, h []float64) float64 {
	n, b := s.weight, theta[1]
	q := n * f.distance(s, theta[0]) / b
	if g != nil {
		g[0], g[1] = 0, (q-n)/b
		for i, v := range s.values {
			switch {
			case v > theta[0]:
				g[0] += s.counts[i] / b
			case v < theta[0]:
				g[0] -= s.counts[i] / b
			}
		}
	}
	if h != nil { // but for the kinks
		h[0], h[1], h[2], h[3] = 0, -g[0]/b, -g[0]/b, (n-2*q)/b/b
	}
	return -n*math.Log(2*b) - q
}

func (Laplace) domain(i int) domain { return Normal{}.domain(i) }

func (Laplace) dist(theta []float64, src rand.Source) Distribution {
	return distuv.Laplace{Mu: theta[0], Scale: theta[1], Src: src}
}

func (Laplace) covariance(s summary, theta []float64) []float64 {
	v := theta[1] * theta[1] / s.weight
	return []float64{v, 0, 0, v}
}

func (f Laplace) restricted(s summary, theta []float64, i int, v float64) []float64 {
	if i == 1 {
		return []float64{theta[0], v}
	}
	return []float64{v, f.distance(s, v)}
}
