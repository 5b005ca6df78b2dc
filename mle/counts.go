package mle

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// maxCount is the largest count: up to it every whole number is a float64.
const maxCount = 1 << 53

func whole(x, limit float64) bool { return x >= 0 && x <= limit && x == math.Trunc(x) }

// Bernoulli is the distribution of 1, with probability p, and 0.
type Bernoulli struct{}

// String returns "bernoulli".
func (Bernoulli) String() string { return "bernoulli" }

// Parameters returns p.
func (Bernoulli) Parameters() []string { return []string{"p"} }

// Discrete returns true.
func (Bernoulli) Discrete() bool { return true }

func (Bernoulli) check() error                { return nil }
func (Bernoulli) support() string             { return "0 or 1" }
func (Bernoulli) contains(x float64) bool     { return x == 0 || x == 1 }
func (Bernoulli) take(x, w []float64) summary { return Binomial{}.take(x, w) }
func (Bernoulli) merge(a, b summary) summary  { return add(a, b) }

func (Bernoulli) solve(ctx context.Context, s summary) ([]float64, int, error) {
	return Binomial{}.solve(ctx, s)
}

func (Bernoulli) eval(s summary, theta, g, h []float64) float64 {
	return Binomial{}.eval(s, theta, g, h)
}

func (Bernoulli) domain(int) domain { return unit }

func (Bernoulli) covariance(s summary, theta []float64) []float64 {
	return Binomial{}.covariance(s, theta)
}

func (Bernoulli) dist(theta []float64, src rand.Source) Distribution {
	return bernoulliDist{distuv.Bernoulli{P: theta[0], Src: src}}
}

// bernoulliDist is distuv's, with a density of 0 at numbers between.
type bernoulliDist struct{ distuv.Bernoulli }

func (d bernoulliDist) LogProb(x float64) float64 {
	if x != 0 && x != 1 {
		return math.Inf(-1)
	}
	return d.Bernoulli.LogProb(x)
}

// Binomial is the distribution of the number of successes in Trials independent trials, with the
// parameter p, the probability of a success.
type Binomial struct {
	// Trials is ≥ 1; 0 means 1.
	Trials int
}

func (f Binomial) trials() float64 { return float64(max(1, f.Trials)) }

// String returns "binomial".
func (Binomial) String() string { return "binomial" }

// Parameters returns p.
func (Binomial) Parameters() []string { return []string{"p"} }

// Discrete returns true.
func (Binomial) Discrete() bool { return true }

func (f Binomial) check() error {
	if f.Trials < 0 || float64(f.Trials) > maxCount {
		return fmt.Errorf("binomial of %d trials: %w", f.Trials, gram.ErrParam)
	}
	return nil
}

func (f Binomial) support() string         { return fmt.Sprintf("whole numbers from 0 to %v", f.trials()) }
func (f Binomial) contains(x float64) bool { return whole(x, f.trials()) }

// take keeps the successes, the failures and the logarithms of the binomial coefficients.
func (f Binomial) take(x, w []float64) summary {
	n := f.trials()
	logs, failures := make([]float64, len(x)), make([]float64, len(x))
	for i, v := range x {
		logs[i], failures[i] = logChoose(n, v), n-v
	}
	return summary{weight: f64.Sum(w), sums: []float64{f64.Dot(w, x), f64.Dot(w, failures), f64.Dot(w, logs)}}
}

// logChoose returns the logarithm of n over k, exactly 0 at the ends.
func logChoose(n, k float64) float64 {
	if k == 0 || k == n {
		return 0
	}
	return lgamma(n+1) - lgamma(k+1) - lgamma(n-k+1)
}

func (Binomial) merge(a, b summary) summary { return add(a, b) }

func (Binomial) solve(_ context.Context, s summary) ([]float64, int, error) {
	return []float64{s.sums[0] / (s.sums[0] + s.sums[1])}, 0, nil
}

func (Binomial) eval(s summary, theta, g, h []float64) float64 {
	p := theta[0]
	if g != nil {
		g[0] = s.sums[0]/p - s.sums[1]/(1-p)
	}
	if h != nil {
		h[0] = -s.sums[0]/p/p - s.sums[1]/(1-p)/(1-p)
	}
	value := xlogy(s.sums[0], p) + s.sums[2]
	if s.sums[1] != 0 {
		value += s.sums[1] * math.Log1p(-p)
	}
	return value
}

func (Binomial) domain(int) domain { return unit }

func (Binomial) covariance(s summary, theta []float64) []float64 {
	return []float64{theta[0] * (1 - theta[0]) / (s.sums[0] + s.sums[1])}
}

func (f Binomial) dist(theta []float64, src rand.Source) Distribution {
	return binomialDist{distuv.Binomial{N: f.trials(), P: theta[0], Src: src}}
}

// binomialDist is distuv's, with a probability that is right for p of 0 and 1 too.
type binomialDist struct{ distuv.Binomial }

func (d binomialDist) LogProb(x float64) float64 {
	if !whole(x, d.N) {
		return math.Inf(-1)
	}
	v := logChoose(d.N, x) + xlogy(x, d.P)
	if x < d.N {
		v += (d.N - x) * math.Log1p(-d.P)
	}
	return v
}

// Poisson is the distribution of counts of independent events, with the parameter lambda ≥ 0,
// their mean.
type Poisson struct{}

// String returns "poisson".
func (Poisson) String() string { return "poisson" }

// Parameters returns lambda.
func (Poisson) Parameters() []string { return []string{"lambda"} }

// Discrete returns true.
func (Poisson) Discrete() bool { return true }

func (Poisson) check() error            { return nil }
func (Poisson) support() string         { return "whole numbers from 0" }
func (Poisson) contains(x float64) bool { return whole(x, maxCount) }

// take keeps the sum of the counts and that of the logarithms of their factorials.
func (Poisson) take(x, w []float64) summary {
	logs := make([]float64, len(x))
	for i, v := range x {
		logs[i] = lgamma(v + 1)
	}
	return summary{weight: f64.Sum(w), sums: []float64{f64.Dot(w, x), f64.Dot(w, logs)}}
}

func (Poisson) merge(a, b summary) summary { return add(a, b) }

func (Poisson) solve(_ context.Context, s summary) ([]float64, int, error) {
	return []float64{s.sums[0] / s.weight}, 0, nil
}

func (Poisson) eval(s summary, theta, g, h []float64) float64 {
	lambda := theta[0]
	if g != nil {
		g[0] = s.sums[0]/lambda - s.weight
	}
	if h != nil {
		h[0] = -s.sums[0] / lambda / lambda
	}
	return xlogy(s.sums[0], lambda) - s.weight*lambda - s.sums[1]
}

func (Poisson) domain(int) domain { return positive }

func (Poisson) covariance(s summary, theta []float64) []float64 {
	return []float64{theta[0] / s.weight}
}

func (Poisson) dist(theta []float64, src rand.Source) Distribution {
	return poissonDist{distuv.Poisson{Lambda: theta[0], Src: src}}
}

// poissonDist is distuv's, with a mean of 0 too.
type poissonDist struct{ distuv.Poisson }

func (d poissonDist) LogProb(x float64) float64 {
	if !whole(x, maxCount) {
		return math.Inf(-1)
	}
	return xlogy(x, d.Lambda) - d.Lambda - lgamma(x+1)
}

func (d poissonDist) CDF(x float64) float64 {
	if d.Lambda == 0 && x >= 0 {
		return 1
	}
	return d.Poisson.CDF(x)
}

func (d poissonDist) Survival(x float64) float64 {
	if d.Lambda == 0 && x >= 0 {
		return 0
	}
	return d.Poisson.Survival(x)
}

func (d poissonDist) Rand() float64 {
	if d.Lambda == 0 {
		return 0
	}
	return d.Poisson.Rand()
}

// Categorical is the distribution of classes 0 … Classes−1, with their probabilities, which sum
// to 1, for parameters.
type Categorical struct {
	// Classes is K, ≥ 2; 0 means 2.
	Classes int
}

func (f Categorical) k() int { return max(2, f.Classes) }

// String returns "categorical".
func (Categorical) String() string { return "categorical" }

// Parameters returns p0 … p(K−1).
func (f Categorical) Parameters() []string {
	names := make([]string, f.k())
	for i := range names {
		names[i] = fmt.Sprintf("p%d", i)
	}
	return names
}

// Discrete returns true.
func (Categorical) Discrete() bool { return true }

func (f Categorical) free() int { return f.k() - 1 }

func (f Categorical) check() error {
	if f.Classes < 0 || f.Classes == 1 {
		return fmt.Errorf("categorical of %d classes: %w", f.Classes, gram.ErrParam)
	}
	return nil
}

func (f Categorical) support() string         { return fmt.Sprintf("whole numbers from 0 to %d", f.k()-1) }
func (f Categorical) contains(x float64) bool { return whole(x, float64(f.k()-1)) }

func (f Categorical) take(x, w []float64) summary {
	counts := make([]float64, f.k())
	for i, v := range x {
		counts[int(v)] += w[i]
	}
	return summary{weight: f64.Sum(w), sums: counts}
}

func (Categorical) merge(a, b summary) summary { return add(a, b) }

func (f Categorical) solve(_ context.Context, s summary) ([]float64, int, error) {
	p := make([]float64, f.k())
	for i, v := range s.sums {
		p[i] = v / s.weight
	}
	return p, 0, nil
}

func (f Categorical) eval(s summary, theta, g, h []float64) float64 {
	k, sum := f.k(), 0.0
	clear(h)
	for i, n := range s.sums {
		sum += xlogy(n, theta[i])
		if g != nil {
			g[i] = n / theta[i]
		}
		if h != nil {
			h[i*k+i] = -n / theta[i] / theta[i]
		}
	}
	return sum
}

func (Categorical) domain(int) domain { return unit }

func (f Categorical) covariance(s summary, theta []float64) []float64 {
	k := f.k()
	c := make([]float64, k*k)
	for i, p := range theta {
		for j, q := range theta {
			c[i*k+j] = -p * q / s.weight
		}
		c[i*k+i] = p * (1 - p) / s.weight
	}
	return c
}

// restricted shares out what v leaves as the estimate does, evenly if that leaves nothing.
func (f Categorical) restricted(_ summary, theta []float64, i int, v float64) []float64 {
	p := make([]float64, len(theta))
	rest := 0.0
	for j, q := range theta {
		if j != i {
			rest += q
		}
	}
	for j, q := range theta {
		switch {
		case j == i:
			p[j] = v
		case rest == 0:
			p[j] = (1 - v) / float64(len(theta)-1)
		default:
			p[j] = q * ((1 - v) / rest)
		}
	}
	return p
}

func (Categorical) dist(theta []float64, src rand.Source) Distribution {
	return categoricalDist{p: theta, rand: distuv.NewCategorical(theta, src)}
}

// categoricalDist draws by distuv's, whose probabilities it has as they were given.
type categoricalDist struct {
	p    []float64
	rand distuv.Categorical
}

func (d categoricalDist) LogProb(x float64) float64 {
	if !whole(x, float64(len(d.p)-1)) {
		return math.Inf(-1)
	}
	return math.Log(d.p[int(x)])
}

func (d categoricalDist) CDF(x float64) float64 {
	sum := 0.0
	for i, p := range d.p {
		if float64(i) <= x {
			sum += p
		}
	}
	return sum
}

func (d categoricalDist) Survival(x float64) float64 {
	sum := 0.0
	for i, p := range d.p {
		if float64(i) > x {
			sum += p
		}
	}
	return sum
}

func (d categoricalDist) Rand() float64 { return d.rand.Rand() }
