package linear

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"gonum.org/v1/gonum/blas"
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
	s.lambda = 0
	p, err := newProblem(ctx, X, y, w, 1, s)
	if err != nil {
		return nil, err
	}
	of := p.shifted(&params{coef: m.coef, bias: []float64{m.intercept}})
	theta := make([]float64, p.size())
	p.std.coordinates(theta, of)
	for j, scale := range p.std.scale {
		if math.IsInf(scale, 1) {
			return nil, fmt.Errorf("linear: column %d does not vary: %w", j, gram.ErrSingular)
		}
	}
	h, err := p.hessian(ctx, theta)
	if err != nil {
		return nil, err
	}
	cov, err := p.covarianceOf(h)
	if err != nil {
		return nil, err
	}
	d := len(m.coef)
	out := &Inference{Coef: m.Coef(), StdErr: make([]float64, d), Intercept: math.NaN(), InterceptStdErr: math.NaN(), Covariance: cov}
	for j := range d {
		out.StdErr[j] = math.Sqrt(cov.At(j, j))
	}
	if s.intercept {
		out.Intercept, out.InterceptStdErr = m.intercept, math.Sqrt(cov.At(d, d))
	}
	return out, nil
}

// covarianceOf returns the inverse of the Hessian h, whose lower triangle it reads, in terms
// of the coefficients and intercept of X.
func (p *problem) covarianceOf(h *linalg.Dense[float64]) (*linalg.Dense[float64], error) {
	dim, d := h.Rows, len(p.std.mean)
	for i := range dim {
		for j := range i {
			h.Set(j, i, h.At(i, j))
		}
	}
	root, err := linalg.NewCholesky(p.workers, h)
	if err != nil {
		return nil, fmt.Errorf("linear: the Fisher information: %w", err)
	}
	// coef = θ/scale; intercept = θ_d − Σ (mean + offset)·coef.
	back := linalg.NewDense[float64](dim, dim, nil)
	for j, scale := range p.std.scale {
		back.Set(j, j, 1/scale)
		if p.std.intercept {
			mean := p.std.mean[j]
			if p.offset != nil {
				mean += p.offset[j]
			}
			back.Set(j, d, -mean/scale)
		}
	}
	if p.std.intercept {
		back.Set(d, d, 1)
	}
	half := root.Solve(p.workers, nil, back) // H⁻¹·B, and the covariance is Bᵀ·H⁻¹·B
	cov := linalg.NewDense[float64](dim, dim, nil)
	linalg.Gemm(blas.Trans, blas.NoTrans, 1, back, half, 0, cov)
	return cov, nil
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
