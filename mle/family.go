package mle

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// ErrSupport is wrapped by the error for a value at which the density of a family is 0
// whatever its parameters are.
var ErrSupport = errors.New("value is outside the support")

// A Family is a parametric family of distributions of numbers: [Normal], [LogNormal],
// [Exponential], [Gamma], [Weibull], [Beta], [StudentT], [Laplace], [Bernoulli], [Binomial],
// [Poisson], [NegativeBinomial] or [Categorical]. A family is a plain value, whose zero value is
// ready. Other packages cannot add to them.
type Family interface {
	// String returns the name, in lower case.
	String() string
	// Parameters returns the names of the parameters in the order of [Estimate.Params].
	Parameters() []string
	// Discrete tells whether values are counts or classes, which have probabilities and
	// not densities.
	Discrete() bool

	// check returns an error for fields out of their range.
	check() error
	// support describes the values that may occur, and contains tells whether x is one.
	support() string
	contains(x float64) bool
	// take returns the statistics of values within the support, with weights > 0.
	take(x, w []float64) summary
	// merge returns the statistics of both together.
	merge(a, b summary) summary
	// solve returns the estimate and the iterations that it took.
	solve(ctx context.Context, s summary) (theta []float64, iterations int, err error)
	// eval returns the log-likelihood at theta; unless they are nil it sets g, of
	// length p, and h, p×p, to its derivatives.
	eval(s summary, theta, g, h []float64) float64
	// domain returns the range of parameter i.
	domain(i int) domain
	// dist returns the distribution.
	dist(theta []float64, src rand.Source) Distribution
}

// Families whose standard errors, or whose likelihood with a parameter held fixed, need
// no derivatives.
type (
	covarier interface {
		// covariance returns the covariance of the estimate, p×p.
		covariance(s summary, theta []float64) []float64
	}
	restricter interface {
		// restricted returns the most likely parameters of which number i is v.
		restricted(s summary, theta []float64, i int, v float64) []float64
	}
	// freer has fewer free parameters than parameters.
	freer interface{ free() int }
)

// A domain is the range of a parameter.
type domain int

const (
	anyReal  domain = iota // (−∞, ∞)
	positive               // (0, ∞)
	unit                   // (0, 1)
)

// limits returns the ends of the range.
func (d domain) limits() (lo, hi float64) {
	switch d {
	case positive:
		return 0, math.Inf(1)
	case unit:
		return 0, 1
	}
	return math.Inf(-1), math.Inf(1)
}

// summary holds sufficient statistics.
type summary struct {
	weight float64 // Σ w
	// sums are what the family makes of the values; or values, distinct and
	// ascending, have weights counts.
	sums           []float64
	values, counts []float64
}

// Distribution is a distribution with known parameters, as those of gonum's distuv are.
type Distribution interface {
	// LogProb returns the logarithm of the density or probability at x.
	LogProb(x float64) float64
	// CDF returns the probability of a value ≤ x, and Survival that of one > x.
	CDF(x float64) float64
	Survival(x float64) float64
	// Rand draws a value.
	Rand() float64
}

// Statistics are what a fit of a family needs to know of the data. Parts of the data,
// from a stream or from several machines, merge into the statistics of all. A value must not
// be used by two goroutines at once.
type Statistics struct {
	family  Family
	summary summary
}

// NewStatistics returns the statistics of f for no values.
func NewStatistics(f Family) *Statistics { return &Statistics{family: f} }

// Add takes in values x with weights w ≥ 0, nil for all ones.
//
// Errors: ErrParam for a family that is nil or has a field out of its range; ErrShape for an
// empty x or a w of another length; ErrNonFinite and [ErrSupport] for a value, and ErrWeights;
// s is then as it was. O(n), or O(n·log n) where distinct values are kept.
func (s *Statistics) Add(x, w []float64) error {
	if err := checkFamily(s.family); err != nil {
		return err
	}
	x, w, err := checkSample(x, w)
	if err != nil {
		return err
	}
	for i, v := range x {
		if !s.family.contains(v) {
			return fmt.Errorf("value %d is %v, those of %v are %s: %w", i, v, s.family, s.family.support(), ErrSupport)
		}
	}
	x, w = present(x, w)
	o := s.family.take(x, w)
	if o.weight == 0 || math.IsInf(o.weight, 1) {
		return fmt.Errorf("weights sum to %v: %w", o.weight, gram.ErrWeights)
	}
	for _, v := range o.sums {
		if v-v != 0 {
			return fmt.Errorf("sums of the values overflow: %w", gram.ErrNonFinite)
		}
	}
	s.include(o)
	return nil
}

func checkFamily(f Family) error {
	if f == nil {
		return fmt.Errorf("no family: %w", gram.ErrParam)
	}
	return f.check()
}

// checkSample returns x and the weights, ones for nil.
func checkSample(x, w []float64) (values, weights []float64, err error) {
	if len(x) == 0 {
		return nil, nil, fmt.Errorf("no values: %w", gram.ErrShape)
	}
	for i, v := range x {
		if v-v != 0 {
			return nil, nil, fmt.Errorf("value %d is %v: %w", i, v, gram.ErrNonFinite)
		}
	}
	if _, err := gram.CheckWeights(w, len(x)); err != nil {
		return nil, nil, err
	}
	if w == nil {
		w = make([]float64, len(x))
		for i := range w {
			w[i] = 1
		}
	}
	return x, w, nil
}

// present returns the values of positive weight.
func present(x, w []float64) (values, weights []float64) {
	for i, v := range w {
		if v > 0 {
			values, weights = append(values, x[i]), append(weights, v)
		}
	}
	return values, weights
}

func (s *Statistics) include(o summary) {
	if s.summary.weight == 0 {
		s.summary = o
		return
	}
	merged := s.family.merge(s.summary, o)
	merged.weight = s.summary.weight + o.weight
	s.summary = merged
}

// Merge takes in the values that o has seen; o is not changed. It returns ErrShape for
// statistics of another family, and s is then as it was. O(1), or the number of distinct
// values where they are kept.
func (s *Statistics) Merge(o *Statistics) error {
	if s.family != o.family {
		return fmt.Errorf("statistics of %v and of %v: %w", s.family, o.family, gram.ErrShape)
	}
	if o.summary.weight > 0 {
		s.include(o.summary)
	}
	return nil
}

// Family returns the family.
func (s *Statistics) Family() Family { return s.family }

// Weight returns Σw, the number of values if there are no weights.
func (s *Statistics) Weight() float64 { return s.summary.weight }

// BiasedVariance returns Σ wᵢ(xᵢ − x̄)²/Σw, which is the maximum-likelihood estimate and
// too small by a factor of 1 − 1/Σw on average. For [Normal] alone, or for the logarithms of
// a [LogNormal]; NaN for other families.
func (s *Statistics) BiasedVariance() float64 { return s.variance(0) }

// BesselVariance returns Σ wᵢ(xᵢ − x̄)²/(Σw − 1), Bessel's correction of
// [Statistics.BiasedVariance], which has no bias. NaN unless Σw > 1.
func (s *Statistics) BesselVariance() float64 { return s.variance(1) }

func (s *Statistics) variance(ddof float64) float64 {
	switch s.family.(type) {
	case Normal, LogNormal:
		if s.summary.weight > ddof {
			return s.summary.sums[1] / (s.summary.weight - ddof)
		}
	}
	return math.NaN()
}

// LogLikelihood returns Σ wᵢ·log p(xᵢ; θ) at parameters of the order of
// [Family.Parameters]. Errors: ErrShape for another number of them or no values; ErrParam for
// one out of its range.
func (s *Statistics) LogLikelihood(theta []float64) (float64, error) {
	if err := s.usable(); err != nil {
		return 0, err
	}
	if err := s.checkParameters(theta); err != nil {
		return 0, err
	}
	return s.family.eval(s.summary, theta, nil, nil), nil
}

func (s *Statistics) checkParameters(theta []float64) error {
	if p := len(s.family.Parameters()); len(theta) != p {
		return fmt.Errorf("%d parameters, %v has %d: %w", len(theta), s.family, p, gram.ErrShape)
	}
	for i, v := range theta {
		if err := s.checkParameter(i, v); err != nil {
			return err
		}
	}
	return nil
}

func (s *Statistics) usable() error {
	if err := checkFamily(s.family); err != nil {
		return err
	}
	if s.summary.weight == 0 {
		return fmt.Errorf("statistics of no values: %w", gram.ErrShape)
	}
	return nil
}

func (s *Statistics) checkParameter(i int, v float64) error {
	lo, hi := s.family.domain(i).limits()
	if !(v > lo && v < hi) {
		return fmt.Errorf("%s is %v, must lie between %v and %v: %w", s.family.Parameters()[i], v, lo, hi, gram.ErrParam)
	}
	return nil
}

// noMaximum is the error of a sample whose likelihood has no maximum.
func noMaximum(f Family, format string, args ...any) error {
	return fmt.Errorf("the likelihood of %v has no maximum: %s: %w", f, fmt.Sprintf(format, args...), gram.ErrSingular)
}

// NewDistribution returns the distribution of f with parameters theta, in the order of
// [Family.Parameters], which draws from src, or from math/rand/v2 if src is nil.
//
// Errors: ErrShape for another number of parameters; ErrParam for one out of its range,
// and for probabilities of [Categorical] that do not sum to 1 within 1e-9.
func NewDistribution(f Family, theta []float64, src rand.Source) (Distribution, error) {
	s := NewStatistics(f)
	if err := checkFamily(f); err != nil {
		return nil, err
	}
	if err := s.checkParameters(theta); err != nil {
		return nil, err
	}
	if _, ok := f.(Categorical); ok {
		if sum := f64.Sum(theta); math.Abs(sum-1) > 1e-9 {
			return nil, fmt.Errorf("probabilities sum to %v: %w", sum, gram.ErrParam)
		}
	}
	return f.dist(slices.Clone(theta), src), nil
}
