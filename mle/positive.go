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

// Exponential is the distribution of density rate·exp(−rate·x) for x ≥ 0, with the parameter
// rate > 0.
type Exponential struct{}

// String returns "exponential".
func (Exponential) String() string { return "exponential" }

// Parameters returns rate.
func (Exponential) Parameters() []string { return []string{"rate"} }

// Discrete returns false.
func (Exponential) Discrete() bool { return false }

func (Exponential) check() error            { return nil }
func (Exponential) support() string         { return "0 or above" }
func (Exponential) contains(x float64) bool { return x >= 0 && x <= math.MaxFloat64 }

func (Exponential) take(x, w []float64) summary {
	return summary{weight: f64.Sum(w), sums: []float64{f64.Dot(w, x)}}
}

func (Exponential) merge(a, b summary) summary { return add(a, b) }

func (f Exponential) solve(_ context.Context, s summary) ([]float64, int, error) {
	rate := s.weight / s.sums[0]
	if math.IsInf(rate, 1) {
		return nil, 0, noMaximum(f, "all values are 0")
	}
	return []float64{rate}, 0, nil
}

func (Exponential) eval(s summary, theta, g, h []float64) float64 {
	n, rate := s.weight, theta[0]
	if g != nil {
		g[0] = n/rate - s.sums[0]
	}
	if h != nil {
		h[0] = -n / rate / rate
	}
	return n*math.Log(rate) - rate*s.sums[0]
}

func (Exponential) domain(int) domain { return positive }

func (Exponential) dist(theta []float64, src rand.Source) Distribution {
	return distuv.Exponential{Rate: theta[0], Src: src}
}

// Gamma is the distribution of density rate^shape·x^(shape−1)·exp(−rate·x)/Γ(shape) for x > 0, with
// parameters shape > 0 and rate > 0; the mean is shape/rate.
type Gamma struct{}

// String returns "gamma".
func (Gamma) String() string { return "gamma" }

// Parameters returns shape and rate.
func (Gamma) Parameters() []string { return []string{"shape", "rate"} }

// Discrete returns false.
func (Gamma) Discrete() bool { return false }

func (Gamma) check() error            { return nil }
func (Gamma) support() string         { return positiveNumbers }
func (Gamma) contains(x float64) bool { return x > 0 && x <= math.MaxFloat64 }

func (Gamma) take(x, w []float64) summary {
	total := f64.Sum(w)
	c := meanOf(x, w, total)
	u, rest := make([]float64, len(x)), make([]float64, len(x))
	for i, v := range x {
		u[i], rest[i] = (v-c)/c, v/c
	}
	return summary{weight: total, sums: evenness(c, u, rest, w, total)}
}

func (Gamma) merge(a, b summary) summary {
	return summary{sums: mergeEvenness(a.sums, b.sums, b.weight/(a.weight+b.weight))}
}

func (f Gamma) solve(ctx context.Context, s summary) ([]float64, int, error) {
	mean, gap := meanAndGap(s.sums)
	if gap == 0 {
		return nil, 0, noMaximum(f, "all values are equal")
	}
	shape, iterations, err := solveShape(ctx, gap)
	return []float64{shape, shape / mean}, iterations, err
}

// solveShape solves log a − ψ(a) = gap > 0 for a, by Minka's generalized Newton's method, which is
// exact for functions of the form c₀ + c₁a + c₂·log a and needs some four steps.
func solveShape(ctx context.Context, gap float64) (float64, int, error) {
	a := (3 - gap + math.Sqrt((gap-3)*(gap-3)+24*gap)) / (12 * gap)
	for k := 1; k <= maxIterations; k++ {
		if err := ctx.Err(); err != nil {
			return 0, k, fmt.Errorf("fit stopped: %w", err)
		}
		// a·(aψ'(a) − 1) is at least ½, to which it tends.
		slope := a * (a*trigamma(a) - 1)
		if a > 1e4 {
			slope = 0.5 + 1/(6*a)
		}
		next := a / (1 + (gap-logLessDigamma(a))*a/slope)
		if !(next > 0) {
			next = a / 2
		}
		if math.Abs(next-a) <= 1e-13*a {
			return next, k, nil
		}
		a = next
	}
	return a, maxIterations, fmt.Errorf("the shape of gamma: %w", gram.ErrNotConverged)
}

func (Gamma) eval(s summary, theta, g, h []float64) float64 {
	n, a, b := s.weight, theta[0], theta[1]
	mean, gap := meanAndGap(s.sums)
	meanLog := math.Log(mean) - gap
	if g != nil {
		g[0], g[1] = n*(math.Log(b*mean/a)+logLessDigamma(a)-gap), n*(a/b-mean)
	}
	if h != nil {
		h[0], h[1], h[2], h[3] = -n*trigamma(a), n/b, n/b, -n*a/b/b
	}
	return n * (a*math.Log(b) - lgamma(a) + (a-1)*meanLog - b*mean)
}

func (Gamma) domain(int) domain { return positive }

func (Gamma) dist(theta []float64, src rand.Source) Distribution {
	return distuv.Gamma{Alpha: theta[0], Beta: theta[1], Src: src}
}

// covariance inverts the information in coordinates in which it does not cancel: the shape and
// the mean are independent.
func (Gamma) covariance(s summary, theta []float64) []float64 {
	n, a, b := s.weight, theta[0], theta[1]
	// The information about the shape, the mean held fixed, is n·(ψ'(a) − 1/a).
	info := trigamma(a) - 1/a
	if a > 1e4 {
		info = (0.5 + 1/(6*a)) / a / a
	}
	va := 1 / (n * info)
	// b = a/mean, where the mean has variance a/(n·b²).
	return []float64{va, va * b / a, va * b / a, va*(b/a)*(b/a) + b*b/a/n}
}

// restricted is closed for a given shape, at which rate is shape over mean.
func (Gamma) restricted(s summary, theta []float64, i int, v float64) []float64 {
	mean, gap := meanAndGap(s.sums)
	if i == 0 {
		return []float64{v, v / mean}
	}
	// ψ(a) = log v + mean(log x): Newton's method from above, where ψ is concave.
	target := math.Log(v*mean) - gap
	a := math.Exp(target) + 0.5
	if target < -2.22 {
		a = -1 / (target - digamma(1))
	}
	for range 50 {
		step := (digamma(a) - target) / trigamma(a)
		if step >= a {
			step = a / 2
		}
		a -= step
		if math.Abs(step) <= 1e-14*a {
			break
		}
	}
	return []float64{a, v}
}

// Weibull is the distribution of density (k/scale)(x/scale)^(k−1)·exp(−(x/scale)^k) for x > 0, with
// parameters shape k > 0 and scale > 0.
type Weibull struct{}

// String returns "weibull".
func (Weibull) String() string { return "weibull" }

// Parameters returns shape and scale.
func (Weibull) Parameters() []string { return []string{"shape", "scale"} }

// Discrete returns false.
func (Weibull) Discrete() bool { return false }

func (Weibull) check() error            { return nil }
func (Weibull) support() string         { return positiveNumbers }
func (Weibull) contains(x float64) bool { return x > 0 && x <= math.MaxFloat64 }

// take keeps the logarithms of the values.
func (Weibull) take(x, w []float64) summary {
	logs := make([]float64, len(x))
	for i, v := range x {
		logs[i] = math.Log(v)
	}
	return distinct(logs, w)
}

func (Weibull) merge(a, b summary) summary { return mergeDistinct(a, b) }

// powers returns Σ w·e^(k·y)/n, Σ w·y·e^(k·y)/n and Σ w·y²·e^(k·y)/n for y = log x − origin.
func (Weibull) powers(s summary, origin, k float64) (p0, p1, p2 float64) {
	y, e := make([]float64, len(s.values)), make([]float64, len(s.values))
	for i, v := range s.values {
		y[i] = v - origin
		e[i] = k * y[i]
	}
	f64.Exp(e, e)
	for i, v := range e {
		t := s.counts[i] * v
		p0 += t
		p1 += t * y[i]
		p2 += t * y[i] * y[i]
	}
	return p0 / s.weight, p1 / s.weight, p2 / s.weight
}

func (f Weibull) solve(ctx context.Context, s summary) ([]float64, int, error) {
	if len(s.values) == 1 {
		return nil, 0, noMaximum(f, "all values are equal")
	}
	m := spread(s.values, s.counts)
	mean, sd := m.sums[0], math.Sqrt(m.sums[1]/s.weight)
	top := s.values[len(s.values)-1]
	// With P the powers relative to the largest value, the shape solves P₁/P₀ − 1/k = mean,
	// whose left side grows with k.
	k := math.Pi / math.Sqrt(6) / sd
	for i := 1; i <= maxIterations; i++ {
		if err := ctx.Err(); err != nil {
			return nil, i, fmt.Errorf("fit stopped: %w", err)
		}
		p0, p1, p2 := f.powers(s, top, k)
		value := p1/p0 - 1/k - (mean - top)
		slope := p2/p0 - p1/p0*(p1/p0) + 1/k/k
		next := k * math.Exp(-value/slope/k) // Newton in log k
		next = min(max(next, k/4), 4*k)
		if math.Abs(next-k) <= 1e-13*k {
			return []float64{next, f.scale(s, next)}, i, nil
		}
		k = next
	}
	return nil, maxIterations, fmt.Errorf("the shape of weibull: %w", gram.ErrNotConverged)
}

// scale returns the most likely scale for shape k.
func (f Weibull) scale(s summary, k float64) float64 {
	top := s.values[len(s.values)-1]
	p0, _, _ := f.powers(s, top, k)
	return math.Exp(top + math.Log(p0)/k)
}

func (f Weibull) eval(s summary, theta, g, h []float64) float64 {
	n, k, scale := s.weight, theta[0], theta[1]
	p0, p1, p2 := f.powers(s, math.Log(scale), k) // of z = (x/scale)^k
	sum := 0.0
	for i, v := range s.values {
		sum += s.counts[i] * (v - math.Log(scale))
	}
	if g != nil {
		g[0], g[1] = n/k+sum-n*p1, n*k/scale*(p0-1)
	}
	if h != nil {
		h[0], h[1], h[3] = -n/k/k-n*p2, n/scale*(p0-1+k*p1), n*k/scale/scale*(1-(k+1)*p0)
		h[2] = h[1]
	}
	return n*math.Log(k/scale) + (k-1)*sum - n*p0
}

func (Weibull) domain(int) domain { return positive }

func (Weibull) dist(theta []float64, src rand.Source) Distribution {
	return distuv.Weibull{K: theta[0], Lambda: theta[1], Src: src}
}

// restricted is closed for a given shape; for a given scale it is left to a few steps of
// Newton's method in log k.
func (f Weibull) restricted(s summary, theta []float64, i int, v float64) []float64 {
	if i == 0 {
		return []float64{v, f.scale(s, v)}
	}
	k := theta[0]
	g, h := make([]float64, 2), make([]float64, 4)
	for range maxIterations {
		f.eval(s, []float64{k, v}, g, h)
		slope, curve := g[0]*k, h[0]*k*k+min(0, g[0]*k)
		step := min(max(-slope/curve, -1), 1)
		k *= math.Exp(step)
		if math.Abs(step) <= 1e-13 {
			break
		}
	}
	return []float64{k, v}
}
