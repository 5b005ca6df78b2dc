package mle

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram"
)

// StudentT is Student's t-distribution moved by mu and stretched by sigma > 0, whose tails are the
// heavier the fewer degrees of freedom nu > 0 it has. Parameters are mu and sigma, and nu if it
// is estimated. Sigma is not the standard deviation, which is sigma·√(nu/(nu−2)) for nu > 2.
//
// The likelihood can have several maxima; the best from starts at a nu of 1, 4 and 30 is
// taken. A sample whose likelihood still rises at a nu of 10⁴, where the family is the normal
// one in all but name, has no estimate: fit a [Normal].
type StudentT struct {
	// Nu is the number of degrees of freedom, if it is known; 0 means that it is estimated.
	Nu float64
}

// maxNu is where a t-distribution passes for a normal one.
const maxNu = 1e4

// String returns "student-t".
func (StudentT) String() string { return "student-t" }

// Parameters returns mu, sigma and, if it is estimated, nu.
func (f StudentT) Parameters() []string {
	if f.Nu > 0 {
		return []string{"mu", "sigma"}
	}
	return []string{"mu", "sigma", "nu"}
}

// Discrete returns false.
func (StudentT) Discrete() bool { return false }

func (f StudentT) check() error {
	if !(f.Nu >= 0) || math.IsInf(f.Nu, 1) {
		return fmt.Errorf("student-t with %v degrees of freedom: %w", f.Nu, gram.ErrParam)
	}
	return nil
}

func (StudentT) support() string             { return everyNumber }
func (StudentT) contains(x float64) bool     { return x-x == 0 }
func (StudentT) take(x, w []float64) summary { return distinct(x, w) }
func (StudentT) merge(a, b summary) summary  { return mergeDistinct(a, b) }

func (f StudentT) nu(theta []float64) float64 {
	if f.Nu > 0 {
		return f.Nu
	}
	return theta[2]
}

func (f StudentT) solve(ctx context.Context, s summary) ([]float64, int, error) {
	if len(s.values) == 1 {
		return nil, 0, noMaximum(f, "all values are equal")
	}
	starts := []float64{1, 4, 30}
	if f.Nu > 0 {
		starts = []float64{f.Nu}
	}
	var best []float64
	var last, unfinished error
	iterations := 0
	value := math.Inf(-1)
	for _, nu := range starts {
		theta, k, err := f.from(ctx, s, nu)
		iterations += k
		if ctx.Err() != nil {
			return nil, iterations, err
		}
		if theta == nil {
			last = err
			continue
		}
		if v := f.eval(s, theta, nil, nil); v > value {
			best, value, unfinished = theta, v, err
		}
	}
	if best == nil {
		return nil, iterations, last
	}
	if f.Nu == 0 {
		m := spread(s.values, s.counts)
		limit := Normal{}.eval(m, []float64{m.sums[0], math.Sqrt(m.sums[1] / s.weight)}, nil, nil)
		if best[2] >= maxNu || value <= limit {
			return nil, iterations, noMaximum(f, "it rises up to %v degrees of freedom, and a normal distribution is the limit", maxNu)
		}
	}
	return best, iterations, unfinished
}

// from climbs from the median with nu degrees of freedom: by EM for mu and sigma, in which
// it cannot fail, and then by Newton's method for all. An error that wraps ErrNotConverged comes
// with where it got to.
func (f StudentT) from(ctx context.Context, s summary, nu float64) ([]float64, int, error) {
	if err := f.collapses(s, nu); err != nil {
		return nil, 0, err
	}
	m := spread(s.values, s.counts)
	mu, extent := s.median(), math.Sqrt(m.sums[1]/s.weight)
	sigma := extent / 2
	const rounds = 30
	for k := 1; k <= rounds; k++ {
		if err := ctx.Err(); err != nil {
			return nil, k, fmt.Errorf("fit stopped: %w", err)
		}
		// Values far out weigh less.
		var total, first, second float64
		for i, v := range s.values {
			d := v - mu
			u := s.counts[i] * (nu + 1) / (nu + d/sigma*(d/sigma))
			total += u
			first += u * d
			second += u * d * d
		}
		shift := first / total
		sigma = math.Sqrt(max(0, second-shift*first) / s.weight)
		mu += shift
	}
	theta := []float64{mu, sigma, nu}[:len(f.Parameters())]
	theta, k, err := newton(ctx, f, s, theta, -1)
	if err != nil && !errors.Is(err, gram.ErrNotConverged) {
		return nil, rounds + k, err
	}
	if err := f.collapses(s, f.nu(theta)); err != nil {
		return nil, rounds + k, err
	}
	return theta, rounds + k, err
}

// collapses returns an error if so large a share of the weight is on one value that the
// likelihood rises without bound as sigma goes to 0 around it: nu/(nu+1) of it.
func (f StudentT) collapses(s summary, nu float64) error {
	for i, w := range s.counts {
		if w*(nu+1) >= nu*s.weight {
			return noMaximum(f, "%.3g of the weight is on %v, with %.3g degrees of freedom", w/s.weight, s.values[i], nu)
		}
	}
	return nil
}

func (f StudentT) eval(s summary, theta, g, h []float64) float64 {
	mu, sigma, nu := theta[0], theta[1], f.nu(theta)
	var t tSums
	for i, v := range s.values {
		t.add(s.counts[i], (v-mu)/sigma, nu)
	}
	n, p := s.weight, len(theta)
	if g != nil {
		g[0], g[1] = t.uz/sigma, (t.uzz-n)/sigma
	}
	if h != nil {
		square := sigma * sigma
		h[0], h[1], h[p] = -t.mm/square, -2*nu*t.ms/square, -2*nu*t.ms/square
		h[p+1] = -(t.uzz-n)/square - 2*nu*t.ss/square
	}
	norm, first, second := gammaRatio(nu / 2)
	if p == 3 {
		if g != nil {
			g[2] = (n*first + t.tail) / 2
		}
		if h != nil {
			h[2], h[6] = t.mn/sigma, t.mn/sigma
			h[5], h[7] = t.sn/sigma, t.sn/sigma
			h[8] = n*second/4 + t.nn/2
		}
	}
	return n*(norm-math.Log(2*math.Pi)/2-math.Log(sigma)) - (nu+1)/2*t.logs
}

// gammaRatio returns log(Γ(x+½)/(Γ(x)·√x)) and its first and second derivative, which for a
// large x are small and would cancel.
func gammaRatio(x float64) (value, first, second float64) {
	if x < 50 {
		return lgamma(x+0.5) - lgamma(x) - math.Log(x)/2, digamma(x+0.5) - digamma(x) - 1/(2*x), trigamma(x+0.5) - trigamma(x) + 1/(2*x*x)
	}
	q := 1 / (x * x)
	value = -(1./8 - q*(1./192-q*(1./640-q*17./14336))) / x
	first = (1./8 - q*(1./64-q*(1./128-q*17./2048))) * q
	second = -(1./4 - q*(1./16-q*(3./64-q*17./256))) * q / x
	return value, first, second
}

// tSums are the sums over the values, z standardized, that the derivatives consist of; with
// D = ν + z² and the weight u = (ν+1)/D of a value.
type tSums struct {
	logs, tail float64 // log(1 + r) with r = z²/ν; and (ν+1)r/D − log(1 + r)
	uz, uzz    float64 // uz, uz²
	mm, ms, ss float64 // u(ν − z²)/D, uz/D, uz²/D
	mn, sn, nn float64 // z(z²−1)/D², z²(z²−1)/D², and the rest of the second derivative by ν
}

func (t *tSums) add(w, z, nu float64) {
	q := z * z
	d := nu + q
	u := (nu + 1) / d
	r := q / nu
	t.logs += w * math.Log1p(r)
	t.tail += w * (excess(r, 1+r) + r*(1-q)/d)
	t.uz += w * u * z
	t.uzz += w * u * q
	t.mm += w * u * (nu - q) / d
	t.ms += w * u * z / d
	t.ss += w * u * q / d
	t.mn += w * z * (q - 1) / d / d
	t.sn += w * q * (q - 1) / d / d
	t.nn += w * r * (r*(nu-1) - 2) / d / d
}

func (f StudentT) domain(i int) domain { return []domain{anyReal, positive, positive}[i] }

func (f StudentT) dist(theta []float64, src rand.Source) Distribution {
	return studentDist{distuv.StudentsT{Mu: theta[0], Sigma: theta[1], Nu: f.nu(theta), Src: src}}
}

// studentDist is distuv's, with a density that does not overflow far out.
type studentDist struct{ distuv.StudentsT }

func (d studentDist) LogProb(x float64) float64 {
	z := (x - d.Mu) / d.Sigma
	more := (d.Nu + 1) / 2
	return lgamma(more) - lgamma(d.Nu/2) - math.Log(d.Nu*math.Pi)/2 - math.Log(d.Sigma) - more*math.Log1p(z*z/d.Nu)
}
