package decomp

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// FactorAnalysis explains the covariances of columns by k common factors and what is left of
// each column by noise of its own: x = μ + z·L + ε, with z standard normal and ε normal with
// a variance for each column. Unlike PCA it does not take noise for structure where columns
// are measured with different errors, and does not change when columns are
// scaled. The zero value has 1 factor.
//
// It maximises the likelihood over the noise variances, the best loadings for which are known,
// by Newton's method with the Hessian that holds where the model does (K. Jöreskog, Some
// contributions to maximum likelihood factor analysis, Psychometrika 32 (1967); M. Clarke, A
// rapidly convergent method for maximum-likelihood factor analysis, BJMSP 23 (1970)).
type FactorAnalysis struct {
	// Components is the number of factors k, 1 to d−1; 0 means 1.
	Components int
	// Varimax turns the factors so that each has few large loadings (H. Kaiser, The varimax
	// criterion for analytic rotation in factor analysis, Psychometrika 23 (1958)). The
	// density of rows is the same.
	Varimax bool
	// MaxIter limits the iterations, ≥ 1; 0 means 200.
	MaxIter int
	// Tol is the tolerance, ≥ 0, for the largest derivative of twice the negative mean
	// log-density by the logarithm of a noise variance; 0 means 1e-8.
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
	// Progress, if not nil, is called after every iteration; the objective is the mean negative
	// log-density of the rows, of columns scaled to variance 1.
	Progress func(gram.Progress)
}

var (
	_ gram.TransformerTrainer = FactorAnalysis{}
	_ gram.ScorerTrainer      = FactorAnalysis{}
)

// leastNoise is the least share of a column's variance that is noise: at maxima where it would
// be zero, the density is not bounded.
const leastNoise = 1e-6

// Fit finds the factors of X, n×d, with weights w ≥ 0 that count rows, nil for all ones.
// No noise variance goes below 1e-6 of its column's variance.
//
// Errors: ErrShape, ErrNonFinite and ErrWeights for X and w; ErrParam for a field out of its
// range; ErrSingular, naming the column, for a constant one; that of ctx. At MaxIter the
// model comes with an error that wraps ErrNotConverged. O(n·d²), and O(d³) an iteration.
func (t FactorAnalysis) Fit(ctx context.Context, X gram.Matrix, w []float64) (*FactorAnalysisModel, error) {
	s, err := sample(ctx, X, w, t.Workers)
	if err != nil {
		return nil, err
	}
	if t.Components == 0 {
		t.Components = 1
	}
	if t.MaxIter == 0 {
		t.MaxIter = 200
	}
	if t.Tol == 0 {
		t.Tol = 1e-8
	}
	switch {
	case t.Components < 1 || t.Components > max(1, s.d-1):
		return nil, fmt.Errorf("%d factors of %d columns: %w", t.Components, s.d, gram.ErrParam)
	case t.MaxIter < 1:
		return nil, fmt.Errorf("MaxIter is %d: %w", t.MaxIter, gram.ErrParam)
	case !(t.Tol >= 0) || math.IsInf(t.Tol, 1):
		return nil, fmt.Errorf("Tol is %v: %w", t.Tol, gram.ErrParam)
	}
	c, err := s.moments(ctx)
	if err != nil {
		return nil, err
	}
	f, err := newNoise(t, c)
	if err != nil {
		return nil, err
	}
	if err := f.run(ctx); err != nil {
		return nil, err
	}
	m := f.model(c.Mean)
	if c := m.convergence; !c.Converged {
		return m, fmt.Errorf("factor analysis after %d iterations: residual %.3g, tolerance %.3g: %w", c.Iterations, c.Residual, c.Tolerance, gram.ErrNotConverged)
	}
	return m, nil
}

// TrainTransformer calls Fit; y is not used.
func (t FactorAnalysis) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := t.Fit(ctx, X, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// TrainScorer calls Fit.
func (t FactorAnalysis) TrainScorer(ctx context.Context, X gram.Matrix, w []float64) (gram.Scorer, error) {
	m, err := t.Fit(ctx, X, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// noise is the state of a fit: the search for θ, the logarithms of the noise variances of
// standardized columns, less the least that they may be.
type noise struct {
	FactorAnalysis
	k, d        int
	correlation *linalg.Dense[float64]
	scale       []float64 // standard deviations
	search      nonNegative
	err         error // of a decomposition
	convergence gram.Convergence
}

func newNoise(t FactorAnalysis, c *linalg.Covariance) (*noise, error) {
	f := &noise{FactorAnalysis: t, k: t.Components, d: len(c.Mean), correlation: c.Matrix(0)}
	f.convergence = gram.Convergence{Solver: "newton", Tolerance: t.Tol}
	f.scale = make([]float64, f.d)
	for j := range f.scale {
		v := f.correlation.At(j, j)
		// A constant far from zero has a variance of rounding.
		if far := c.Mean[j] * 0x1p-52; !(v > 64*far*far) {
			return nil, fmt.Errorf("column %d is constant: %w", j, gram.ErrSingular)
		}
		f.scale[j] = math.Sqrt(v)
	}
	for i := range f.d {
		for j := range f.d {
			f.correlation.Row(i)[j] /= f.scale[i] * f.scale[j]
		}
	}
	f.search.resize(f.d)
	for j := range f.d {
		f.search.z[j] = math.Log(0.5 / leastNoise)
	}
	return f, nil
}

// reduced returns the eigenvalues and vectors of the correlations in units of the noise.
func (f *noise) reduced(theta []float64) *linalg.SymEigen {
	a := linalg.CopyOf[float64](f.correlation)
	for i := range f.d {
		for j := range f.d {
			a.Row(i)[j] *= math.Exp(-(theta[i]+theta[j])/2) / leastNoise
		}
	}
	e, err := linalg.NewSymEigen(f.Workers, a, f.d)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("the correlations: %w", err)
	}
	return e
}

// factor tells whether eigenvalue m is that of a factor.
func (f *noise) factor(m int, value float64) bool { return m < f.k && value > 1 }

// value is ln|Σ| + tr(Σ⁻¹·R) for the best loadings.
func (f *noise) value(_ *nonNegative, theta []float64) float64 {
	e := f.reduced(theta)
	if f.err != nil {
		return math.NaN()
	}
	sum := float64(f.d)*math.Log(leastNoise) + f64.Sum(theta)
	for m, v := range e.Values {
		if f.factor(m, v) {
			sum += math.Log(v) + 1
		} else {
			sum += v
		}
	}
	return sum
}

// derive sets the gradient and the Hessian: where the gradient is large that which holds for
// eigenvalues of 1 of what is not a factor, which is never indefinite, and else the exact one.
func (f *noise) derive(p *nonNegative) {
	e := f.reduced(p.z)
	if f.err != nil {
		return
	}
	rest := linalg.NewDense[float64](f.d, f.d, nil) // what is not factors
	clear(p.g)
	for m, v := range e.Values {
		if f.factor(m, v) {
			continue
		}
		for i := range f.d {
			u := e.Vectors.At(i, m)
			rest.Row(i)[m] = u
			p.g[i] += (1 - v) * u * u
		}
	}
	h := linalg.NewDense(f.d, f.d, p.hess)
	linalg.GemmParallel(f.Workers, blas.NoTrans, blas.Trans, 1, rest, rest, 0, h)
	if f.steepest(p) < 0.01 {
		f.exact(h, e, rest)
		return
	}
	for i, v := range h.Data {
		h.Data[i] = v * v
	}
}

// steepest returns the largest derivative that a step could follow.
func (f *noise) steepest(p *nonNegative) float64 {
	largest := 0.0
	for j, g := range p.g {
		if p.z[j] > 0 || g < 0 {
			largest = max(largest, math.Abs(g))
		}
	}
	return largest
}

// exact sets h to the Hessian, by the derivatives of eigenvalues to second order. It comes as
// the sum of u·uᵀ over what is not factors. With K the factors and N the others, and c(l, m)
// the matrix of u(i,l)·u(j,l)·u(i,m)·u(j,m), it is
//
//	½·diag(Σ_N λu² + Σ_K u²) + ½·Σ_N Σₗ λₗ·c(l, m) + Σ_K Σ_N ½(λₗ+λₘ)²/(λₘ−λₗ)·(1−1/λₗ)·c(l, m)
//	+ ½·Σ_K Σₗ λₗ/λₘ·c(l, m) − ½·Σ_{l<m of K} (λₗ+λₘ)²/(λₗλₘ)·c(l, m) − Σ_K c(m, m).
func (f *noise) exact(h *linalg.Dense[float64], e *linalg.SymEigen, rest *linalg.Dense[float64]) {
	d := f.d
	inner := linalg.NewDense[float64](d, d, nil) // Σ λ·u·uᵀ
	scaled := linalg.CopyOf[float64](e.Vectors)
	for i := range d {
		for m, v := range e.Values {
			scaled.Row(i)[m] *= v
		}
	}
	linalg.GemmParallel(f.Workers, blas.NoTrans, blas.Trans, 1, scaled, e.Vectors, 0, inner)
	for l := 0; l < f.k && f.factor(l, e.Values[l]); l++ {
		f.addFactor(h, e, l, 1/e.Values[l]) // joins Σ_N in the product with inner
	}
	for i, v := range h.Data {
		h.Data[i] = v * inner.Data[i] / 2
	}
	for i := range d {
		for m, v := range e.Values {
			u := e.Vectors.At(i, m)
			if f.factor(m, v) {
				v = 1
			}
			h.Row(i)[i] += v * u * u / 2
		}
	}
	with := linalg.NewDense[float64](d, d, nil)
	for l := 0; l < f.k && f.factor(l, e.Values[l]); l++ {
		vl := e.Values[l]
		for i := range d {
			copy(scaled.Row(i), rest.Row(i))
			for m, v := range e.Values {
				c := 0.0
				switch {
				case !f.factor(m, v):
					c = (vl + v) * (vl + v) / min(v-vl, -1e-8) * (1 - 1/vl) / 2
				case m == l:
					c, scaled.Row(i)[m] = -1, e.Vectors.At(i, m)
				default: // each pair comes twice
					c, scaled.Row(i)[m] = -(vl+v)*(vl+v)/(4*vl*v), e.Vectors.At(i, m)
				}
				scaled.Row(i)[m] *= c
			}
		}
		linalg.GemmParallel(f.Workers, blas.NoTrans, blas.Trans, 1, scaled, e.Vectors, 0, with)
		for i := range d {
			for j, v := range with.Row(i) {
				h.Row(i)[j] += e.Vectors.At(i, l) * e.Vectors.At(j, l) * v
			}
		}
	}
}

// addFactor adds c·u·uᵀ to h for eigenvector l.
func (f *noise) addFactor(h *linalg.Dense[float64], e *linalg.SymEigen, l int, c float64) {
	for i := range f.d {
		for j := range f.d {
			h.Row(i)[j] += c * e.Vectors.At(i, l) * e.Vectors.At(j, l)
		}
	}
}

// run iterates to convergence or MaxIter.
func (f *noise) run(ctx context.Context) error {
	p, c := &f.search, &f.convergence
	now := f.value(p, p.z)
	constant := float64(f.d) * math.Log(2*math.Pi)
	for i := 1; i <= f.MaxIter && f.err == nil; i++ {
		f.derive(p)
		p.model()
		var moving bool
		now, moving = p.advance(f, now)
		f.derive(p)
		if f.err != nil {
			break
		}
		c.Iterations, c.Objective, c.Residual = i, (now+constant)/2, f.steepest(p)
		c.Converged = c.Residual <= c.Tolerance
		if f.Progress != nil {
			f.Progress(gram.Progress{Iteration: i, Limit: f.MaxIter, Objective: c.Objective, Residual: c.Residual, Tolerance: c.Tolerance})
		}
		if c.Converged || !moving {
			break
		}
		if err := ctx.Err(); err != nil {
			return stopped(err)
		}
	}
	return f.err
}

// model takes the loadings for the noise found.
func (f *noise) model(mean []float64) *FactorAnalysisModel {
	e := f.reduced(f.search.z)
	loadings := linalg.NewDense[float64](f.k, f.d, nil)
	m := &FactorAnalysisModel{noise: make([]float64, f.d), convergence: f.convergence}
	for i := range f.d {
		variance := leastNoise * math.Exp(f.search.z[i])
		m.noise[i] = variance * f.scale[i] * f.scale[i]
		for j := range f.k {
			loadings.Row(j)[i] = math.Sqrt(variance) * e.Vectors.At(i, j) * math.Sqrt(max(0, e.Values[j]-1))
		}
	}
	if f.Varimax {
		loadings = varimax(loadings)
	}
	fixSigns(loadings)
	for j := range f.k {
		for i, s := range f.scale {
			loadings.Row(j)[i] *= s
		}
	}
	m.init(mean, loadings)
	return m
}
