package mle

import (
	"context"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram/internal/kernel/f64"
)

// Beta is the distribution of density x^(alpha−1)·(1−x)^(beta−1)/B(alpha, beta) for 0 < x < 1, with
// parameters alpha > 0 and beta > 0; the mean is alpha/(alpha+beta).
type Beta struct{}

// String returns "beta".
func (Beta) String() string { return "beta" }

// Parameters returns alpha and beta.
func (Beta) Parameters() []string { return []string{"alpha", "beta"} }

// Discrete returns false.
func (Beta) Discrete() bool { return false }

func (Beta) check() error            { return nil }
func (Beta) support() string         { return "between 0 and 1" }
func (Beta) contains(x float64) bool { return x > 0 && x < 1 }

// take keeps the evenness of x and that of 1−x.
func (Beta) take(x, w []float64) summary {
	total := f64.Sum(w)
	c := meanOf(x, w, total)
	rest := f64.Dot(w, one(x)) / total
	u, v := make([]float64, len(x)), make([]float64, len(x))
	for i, t := range x {
		u[i], v[i] = (t-c)/c, t/c
	}
	left := evenness(c, u, v, w, total)
	for i, t := range x {
		u[i], v[i] = (1-t-rest)/rest, (1-t)/rest
		if t < 0.5 { // 1−t has lost digits of t
			u[i] = ((1 - rest) - t) / rest
		}
	}
	return summary{weight: total, sums: append(left, evenness(rest, u, v, w, total)...)}
}

// one returns 1 − x.
func one(x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = 1 - v
	}
	return out
}

func (Beta) merge(a, b summary) summary {
	share := b.weight / (a.weight + b.weight)
	return summary{sums: append(mergeEvenness(a.sums[:3], b.sums[:3], share), mergeEvenness(a.sums[3:], b.sums[3:], share)...)}
}

func (f Beta) solve(ctx context.Context, s summary) ([]float64, int, error) {
	m, gx := meanAndGap(s.sums[:3])
	rest, g1 := meanAndGap(s.sums[3:])
	if gx == 0 && g1 == 0 {
		return nil, 0, noMaximum(f, "all values are equal")
	}
	// For large parameters the gaps are (1−m)/(2mN) and m/(2(1−m)N) with N = alpha + beta.
	size := 1 / (2 * (gx*m + g1*rest))
	return newton(ctx, f, s, []float64{m * size, rest * size}, -1)
}

func (Beta) eval(s summary, theta, g, h []float64) float64 {
	n, a, b := s.weight, theta[0], theta[1]
	m, gx := meanAndGap(s.sums[:3])
	rest, g1 := meanAndGap(s.sums[3:])
	if g != nil {
		// ψ(a) − ψ(a+b) = log(a/(a+b)) − d(a) + d(a+b), with d = log − ψ.
		both := logLessDigamma(a + b)
		g[0] = n * (relativeLog(m, a, rest, b) - gx + logLessDigamma(a) - both)
		g[1] = n * (relativeLog(rest, b, m, a) - g1 + logLessDigamma(b) - both)
	}
	if h != nil {
		both := trigamma(a + b)
		h[0], h[1], h[2], h[3] = n*(both-trigamma(a)), n*both, n*both, n*(both-trigamma(b))
	}
	return n * ((a-1)*(math.Log(m)-gx) + (b-1)*(math.Log(rest)-g1) - mathext.Lbeta(a, b))
}

// relativeLog returns log(m·(a+b)/a) where m + rest = 1.
func relativeLog(m, a, rest, b float64) float64 {
	return math.Log1p((m*b - rest*a) / a)
}

func (Beta) domain(int) domain { return positive }

func (Beta) dist(theta []float64, src rand.Source) Distribution {
	return betaDist{distuv.Beta{Alpha: theta[0], Beta: theta[1], Src: src}}
}

// betaDist is distuv's, with a density of 0 and not a panic outside its support.
type betaDist struct{ distuv.Beta }

func (d betaDist) LogProb(x float64) float64 {
	if !(x > 0 && x < 1) {
		return math.Inf(-1)
	}
	return d.Beta.LogProb(x)
}
