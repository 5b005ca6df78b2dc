package linear

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// Inference is what the rows say about how exactly the parameters of logistic regression are
// known. It rests on the Fisher information XᵀWX with W = w·p(1−p), whose inverse is the
// covariance of maximum-likelihood estimates when rows are many: fit without a penalty
// (C = +Inf). Coefficients that a penalty has shrunk are biased, and what is said here then
// holds for where they are, not for the truth.
type Inference struct {
	// Coef and Intercept are the estimates, Intercept NaN without one; StdErr and
	// InterceptStdErr are their standard errors.
	Coef, StdErr               []float64
	Intercept, InterceptStdErr float64
	// Covariance is that of the coefficients and, in the last row and column, the intercept
	// if there is one.
	Covariance *linalg.Dense[float64]
}

// Inference returns standard errors for a model that was fitted to these rows by this
// trainer.
//
// Errors: those of [Logistic.Fit] for what does not fit; gram.ErrSingular where columns
// depend on each other, so that a coefficient has no standard error. O(n·d²) and memory for
// d² numbers.
func (t Logistic) Inference(ctx context.Context, m *LogisticModel, X gram.Matrix, y []int, w []float64) (*Inference, error) {
	s, w, err := t.prepare(X, y, w)
	if err != nil {
		return nil, err
	}
	if _, err := gram.CheckFeatures(X, len(m.coef)); err != nil {
		return nil, err
	}
	if _, _, err := gram.CheckMatrix(X); err != nil {
		return nil, err
	}
	at := &params{coef: m.coef, bias: []float64{m.intercept}}
	cov, err := covarianceAt(ctx, X, y, w, s, at, linalg.NewDense(1, 1, []float64{1}))
	if err != nil {
		return nil, err
	}
	return newInference(m.Coef(), m.intercept, s.intercept, cov), nil
}

// newInference takes the covariance of coefficients and, if there is one, the intercept.
func newInference(coef []float64, bias float64, intercept bool, cov *linalg.Dense[float64]) *Inference {
	d := len(coef)
	out := &Inference{Coef: coef, StdErr: make([]float64, d), Intercept: math.NaN(), InterceptStdErr: math.NaN(), Covariance: cov}
	for j := range d {
		out.StdErr[j] = math.Sqrt(cov.At(j, j))
	}
	if intercept {
		out.Intercept, out.InterceptStdErr = bias, math.Sqrt(cov.At(d, d))
	}
	return out
}

// SoftmaxInference is what [Inference] is, for the K classes of multinomial logistic
// regression. The Fisher information is that of all classes together, a matrix of
// (K−1)·(d+1) rows.
type SoftmaxInference struct {
	// Covariance is that of the parameters of all classes, whose sums over the classes are
	// zero: K·(d+1) rows and columns, those of class k from k·(d+1) on, its intercept last;
	// K·d without intercepts.
	Covariance *linalg.Dense[float64]

	coef, bias []float64 // K×d, K
	intercept  bool
}

// Inference returns standard errors for a model that was fitted to these rows by this
// trainer.
//
// Errors: those of [Softmax.Fit] for what does not fit; gram.ErrSingular where columns
// depend on each other, so that a coefficient has no standard error. O(n·d²K² + d³K³) and
// memory for d²K² numbers.
func (t Softmax) Inference(ctx context.Context, m *SoftmaxModel, X gram.Matrix, y []int, w []float64) (*SoftmaxInference, error) {
	s, classes, w, err := t.prepare(X, y, w)
	if err != nil {
		return nil, err
	}
	if _, err := gram.CheckFeatures(X, m.features); err != nil {
		return nil, err
	}
	if classes != m.Classes() {
		return nil, fmt.Errorf("linear: y has %d classes, the model %d: %w", classes, m.Classes(), gram.ErrLabels)
	}
	if _, _, err := gram.CheckMatrix(X); err != nil {
		return nil, err
	}
	at := &params{coef: m.byFeature, bias: m.intercept}
	basis := linalg.NewDense(2, 1, []float64{-0.5, 0.5})
	if classes == 2 {
		at = &params{coef: logOdds(at.coef), bias: logOdds(at.bias)}
	} else {
		basis = contrastBasis(classes)
	}
	cov, err := covarianceAt(ctx, X, y, w, s, at, basis)
	if err != nil {
		return nil, err
	}
	return &SoftmaxInference{Covariance: cov, coef: m.Coef(), bias: m.Intercept(), intercept: s.intercept}, nil
}

// Class returns what is known of the parameters of class k, an effect of a feature beside
// its mean effect on all classes. It returns gram.ErrParam for a class that is not there.
func (f *SoftmaxInference) Class(k int) (*Inference, error) {
	weights := make([]float64, len(f.bias))
	if err := f.check(k); err != nil {
		return nil, err
	}
	weights[k] = 1
	return f.combine(weights), nil
}

// Odds returns what is known of the log-odds of class k against class base: the difference
// of their parameters, as programs report it that set those of one class to zero. Its
// [Inference.OddsRatios] are by what a unit of a feature multiplies p(k)/p(base). It returns
// gram.ErrParam for a class that is not there, or if the two are one.
func (f *SoftmaxInference) Odds(k, base int) (*Inference, error) {
	weights := make([]float64, len(f.bias))
	for _, c := range []int{k, base} {
		if err := f.check(c); err != nil {
			return nil, err
		}
	}
	if k == base {
		return nil, fmt.Errorf("linear: odds of class %d against itself: %w", k, gram.ErrParam)
	}
	weights[k], weights[base] = 1, -1
	return f.combine(weights), nil
}

func (f *SoftmaxInference) check(k int) error {
	if k < 0 || k >= len(f.bias) {
		return fmt.Errorf("linear: class %d of %d: %w", k, len(f.bias), gram.ErrParam)
	}
	return nil
}

// combine returns what is known of a weighted sum of the classes' parameters.
func (f *SoftmaxInference) combine(weights []float64) *Inference {
	d := len(f.coef) / len(f.bias)
	size := f.Covariance.Rows / len(f.bias)
	coef, bias, cov := make([]float64, d), 0.0, linalg.NewDense[float64](size, size, nil)
	for k, v := range weights {
		for j, b := range f.coef[k*d : (k+1)*d] {
			coef[j] += v * b
		}
		bias += v * f.bias[k]
		for l, u := range weights {
			for i := 0; v*u != 0 && i < size; i++ {
				linalg.Axpy(v*u, f.Covariance.Row(k*size + i)[l*size:(l+1)*size], cov.Row(i))
			}
		}
	}
	return newInference(coef, bias, f.intercept, cov)
}

// Z returns the coefficients divided by their standard errors.
func (f *Inference) Z() []float64 {
	z := make([]float64, len(f.Coef))
	for j, b := range f.Coef {
		z[j] = b / f.StdErr[j]
	}
	return z
}

// P returns the probabilities of coefficients at least as far from zero as these if the true
// ones were zero: of |Z|, normally distributed.
func (f *Inference) P() []float64 {
	p := f.Z()
	for j, z := range p {
		p[j] = math.Erfc(math.Abs(z) / math.Sqrt2)
	}
	return p
}

// Interval returns the intervals of Wald that hold each coefficient with a probability of
// level, such as 0.95: estimate ± z·standard error. It returns gram.ErrParam for a level
// outside (0, 1).
func (f *Inference) Interval(level float64) (lo, hi []float64, err error) {
	if !(level > 0 && level < 1) {
		return nil, nil, fmt.Errorf("linear: level is %v, want between 0 and 1: %w", level, gram.ErrParam)
	}
	z := math.Sqrt2 * math.Erfinv(level)
	lo, hi = make([]float64, len(f.Coef)), make([]float64, len(f.Coef))
	for j, b := range f.Coef {
		lo[j], hi[j] = b-z*f.StdErr[j], b+z*f.StdErr[j]
	}
	return lo, hi, nil
}

// OddsRatios returns by what the odds of class 1 are multiplied for each unit of a feature,
// exp(coef), and the intervals that hold these with a probability of level.
func (f *Inference) OddsRatios(level float64) (ratio, lo, hi []float64, err error) {
	if lo, hi, err = f.Interval(level); err != nil {
		return nil, nil, nil, err
	}
	ratio = slices.Clone(f.Coef)
	for _, x := range [][]float64{ratio, lo, hi} {
		for j, v := range x {
			x[j] = math.Exp(v)
		}
	}
	return ratio, lo, hi, nil
}
