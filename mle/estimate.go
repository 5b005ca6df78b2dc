package mle

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// Fit fits f to the values x with weights w ≥ 0, nil for all ones; a weight of 2 is a
// value that is there twice. It is [Statistics.Add] and [Statistics.Fit].
func Fit(ctx context.Context, f Family, x, w []float64) (*Estimate, error) {
	s := NewStatistics(f)
	if err := s.Add(x, w); err != nil {
		return nil, err
	}
	return s.Fit(ctx)
}

// Fit returns the maximum-likelihood estimate.
//
// Errors: ErrShape for statistics of no values; ErrSingular, with the reason, if the
// likelihood has no maximum; that of ctx. An estimate that Newton's method has not reached
// in 200 steps comes with ErrNotConverged. O(1), or O(distinct values) an iteration where they
// are kept.
func (s *Statistics) Fit(ctx context.Context) (*Estimate, error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("fit stopped: %w", err)
	}
	theta, iterations, err := s.family.solve(ctx, s.summary)
	if theta == nil || err != nil && !errors.Is(err, gram.ErrNotConverged) {
		return nil, err
	}
	for i, v := range theta {
		if v-v != 0 {
			return nil, fmt.Errorf("%s of %v is %v: %w", s.family.Parameters()[i], s.family, v, gram.ErrNonFinite)
		}
	}
	e := newEstimate(s, theta)
	e.convergence = gram.Convergence{Solver: "closed form", Objective: -e.logLik, Converged: err == nil}
	if iterations > 0 {
		e.convergence.Solver, e.convergence.Iterations, e.convergence.Tolerance = "Newton", iterations, tolerance
	}
	return e, err
}

// Estimate holds the parameters of a family that fit a sample best, and what the sample
// says of their errors. It is a gram.Scorer of rows of one column, and is immutable. It keeps the
// [Statistics], which for some families are the distinct values of the sample, and saves them.
type Estimate struct {
	stats       Statistics
	theta       []float64
	logLik      float64
	covariance  []float64 // p×p
	convergence gram.Convergence
	density     Distribution // does not draw
}

var _ gram.Scorer = (*Estimate)(nil)

// newEstimate returns the estimate theta, with what follows from it.
func newEstimate(s *Statistics, theta []float64) *Estimate {
	e := &Estimate{stats: *s, theta: theta, density: s.family.dist(theta, nil)}
	p := len(theta)
	h := make([]float64, p*p)
	e.logLik = s.family.eval(s.summary, theta, nil, nil)
	if f, ok := s.family.(covarier); ok {
		e.covariance = f.covariance(s.summary, theta)
		return e
	}
	s.family.eval(s.summary, theta, make([]float64, p), h)
	for i := range h {
		h[i] = -h[i]
	}
	var ok bool
	if e.covariance, ok = inversePositive(h, p); !ok {
		e.covariance = make([]float64, p*p)
		for i := range e.covariance {
			e.covariance[i] = math.NaN()
		}
	}
	return e
}

// Family returns the family.
func (e *Estimate) Family() Family { return e.stats.family }

// Params returns a copy of the parameters, in the order of [Family.Parameters].
func (e *Estimate) Params() []float64 { return slices.Clone(e.theta) }

// StdErr returns the standard errors of the parameters, √(J⁻¹)ⱼⱼ. They are NaN if the
// likelihood is flat at the estimate, and 0 for a probability or a mean estimated as 0, or a
// probability as 1: there the profile interval alone tells the error.
func (e *Estimate) StdErr() []float64 {
	p := len(e.theta)
	out := make([]float64, p)
	for i := range out {
		out[i] = math.Sqrt(e.covariance[i*p+i])
	}
	return out
}

// Covariance returns a copy of the covariance of the parameters, J⁻¹, p×p row-major.
func (e *Estimate) Covariance() []float64 { return slices.Clone(e.covariance) }

// LogLikelihood returns Σ wᵢ·log p(xᵢ), in nats.
func (e *Estimate) LogLikelihood() float64 { return e.logLik }

// Free returns the number of parameters that the sample has determined: one fewer than there
// are for [Categorical], whose probabilities sum to 1.
func (e *Estimate) Free() int {
	if f, ok := e.stats.family.(freer); ok {
		return f.free()
	}
	return len(e.theta)
}

// AIC returns Akaike's information criterion, −2ℓ + 2p with p the free parameters: the smaller the
// better, among families of the same sample.
func (e *Estimate) AIC() float64 { return -2*e.logLik + 2*float64(e.Free()) }

// BIC returns the Bayesian information criterion, −2ℓ + p·log Σw.
func (e *Estimate) BIC() float64 {
	return -2*e.logLik + float64(e.Free())*math.Log(e.stats.summary.weight)
}

// Weight returns Σw, the number of values if there were no weights.
func (e *Estimate) Weight() float64 { return e.stats.summary.weight }

// Statistics returns the statistics of the sample, which can be added to.
func (e *Estimate) Statistics() *Statistics {
	s := e.stats
	s.summary.sums = slices.Clone(s.summary.sums)
	s.summary.values, s.summary.counts = slices.Clone(s.summary.values), slices.Clone(s.summary.counts)
	return &s
}

// Convergence tells how the fit ended. The objective is minus the log-likelihood.
func (e *Estimate) Convergence() gram.Convergence { return e.convergence }

// Dist returns the distribution with the estimated parameters, which draws from src, or
// from math/rand/v2 if src is nil.
func (e *Estimate) Dist(src rand.Source) Distribution {
	return e.stats.family.dist(slices.Clone(e.theta), src)
}

// Features returns 1.
func (e *Estimate) Features() int { return 1 }

// LogDensity sets dst, of length n, to the logarithm of the density, or for counts of the
// probability, at the rows of X, n×1. It is −Inf outside the support.
func (e *Estimate) LogDensity(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, 1)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	x := linalg.AsOperator(X)
	const size = 512
	var buf [size]float64
	for lo := 0; lo < n; lo += size {
		hi := min(n, lo+size)
		block, stride := x.RowBlock(buf[:hi-lo], lo, hi)
		for i := lo; i < hi; i++ {
			dst[i] = e.density.LogProb(block[(i-lo)*stride])
		}
	}
	return dst, nil
}

// LogDensityRow returns the logarithm of the density at x, of length 1.
func (e *Estimate) LogDensityRow(x []float64) (float64, error) {
	if err := gram.CheckRow(x, 1); err != nil {
		return 0, err
	}
	return e.density.LogProb(x[0]), nil
}

// An Interval is a confidence interval, between its ends.
type Interval struct{ Lower, Upper float64 }

// Wald returns the interval θ̂ ± z·stderr of each parameter for a confidence level between 0
// and 1, such as 0.95. For small samples it may leave the range of a parameter. The error is
// ErrParam for the level.
func (e *Estimate) Wald(level float64) ([]Interval, error) {
	if err := checkLevel(level); err != nil {
		return nil, err
	}
	z := distuv.UnitNormal.Quantile(0.5 + level/2)
	out := make([]Interval, len(e.theta))
	for i, s := range e.StdErr() {
		out[i] = Interval{e.theta[i] - z*s, e.theta[i] + z*s}
	}
	return out, nil
}

func checkLevel(level float64) error {
	if !(level > 0 && level < 1) {
		return fmt.Errorf("confidence level %v: %w", level, gram.ErrParam)
	}
	return nil
}
