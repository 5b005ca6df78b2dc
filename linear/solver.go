package linear

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// A Solver names the algorithm that finds the optimum. All reach the same one;
// they differ in time.
type Solver int

const (
	// Auto chooses NewtonCholesky or LBFGS by an estimate of their cost.
	Auto Solver = iota
	// NewtonCholesky is Newton's method with the full Hessian, for problems of few
	// coefficients: with q = 1 for two classes and K−1 for K, it takes memory
	// for (q(d+1))² numbers and time for a third of the cube. The Hessian is that
	// of a part of the rows if they are many, and is kept while it serves.
	NewtonCholesky
	// NewtonCG is Newton's method with the directions of conjugate gradients: no
	// Hessian, and for every iteration as many passes over X as conjugate
	// gradients take.
	NewtonCG
	// LBFGS is the quasi-Newton method of limited memory: one pass over X an
	// iteration, whatever their size.
	//
	// It and NewtonCG are preconditioned with the product of the features' and
	// the classes' covariances, or with the variances if features are many.
	LBFGS
	// CoordinateDescent is for L1 penalties, and the only one for these: proximal Newton
	// steps, whose quadratic models it goes down coordinate by coordinate, on working sets
	// of features that grow by one pass over X a step.
	CoordinateDescent
	// SAGA goes row by row with a memory of every row's gradient: for penalties of any
	// kind and a Tol that is not strict, where X is so large that one pass more counts. Its
	// iterations are as many steps as there are rows, O(n·d·K) or, of sparse rows, K for each
	// entry, and many if features are nearly collinear or the penalty is weak: MaxIter may
	// then end them, which is reported. It does not follow a Path.
	SAGA
)

// String returns "auto", "newton-cholesky", "newton-cg", "lbfgs",
// "coordinate-descent" or "saga".
func (s Solver) String() string {
	switch s {
	case Auto:
		return "auto"
	case NewtonCholesky:
		return "newton-cholesky"
	case NewtonCG:
		return "newton-cg"
	case LBFGS:
		return "lbfgs"
	case CoordinateDescent:
		return "coordinate-descent"
	case SAGA:
		return "saga"
	}
	return fmt.Sprintf("Solver(%d)", int(s))
}

// settings is what the trainers have in common, checked, with defaults in place.
type settings struct {
	lambda    float64 // strength of the L2 penalty
	l1        float64 // strength of the L1 penalty
	intercept bool
	solver    Solver
	maxIter   int
	tol       float64
	workers   int
	progress  func(gram.Progress)
	start     *params   // where to begin, or nil
	offset    []float64 // n×cols, or nil
	half      bool      // the L2 penalty counts half: see binary
}

// check takes C and the share of the L1 penalty.
func (s *settings) check(c, ratio float64) error {
	switch {
	case !(ratio >= 0 && ratio <= 1):
		return fmt.Errorf("linear: L1Ratio is %v, want 0 to 1: %w", ratio, gram.ErrParam)
	case math.IsNaN(c) || c < 0:
		return fmt.Errorf("linear: C is %v, want > 0 or 0 for 1: %w", c, gram.ErrParam)
	case math.IsNaN(s.tol) || math.IsInf(s.tol, 0) || s.tol < 0:
		return fmt.Errorf("linear: Tol is %v, want > 0 or 0 for the default: %w", s.tol, gram.ErrParam)
	case s.maxIter < 0:
		return fmt.Errorf("linear: MaxIter is %d, want > 0 or 0 for 1000: %w", s.maxIter, gram.ErrParam)
	case s.workers < 0:
		return fmt.Errorf("linear: Workers is %d, want > 0 or 0 for GOMAXPROCS: %w", s.workers, gram.ErrParam)
	case s.solver < Auto || s.solver > SAGA:
		return fmt.Errorf("linear: Solver is %d: %w", int(s.solver), gram.ErrParam)
	case s.solver != Auto && s.solver != SAGA && (s.solver == CoordinateDescent) != (ratio > 0):
		return fmt.Errorf("linear: Solver is %v with L1Ratio %v, which takes another: %w", s.solver, ratio, gram.ErrParam)
	}
	if c == 0 {
		c = 1
	}
	strength := 1 / c
	if math.IsInf(strength, 0) {
		return fmt.Errorf("linear: C is %v, too small for its inverse: %w", c, gram.ErrParam)
	}
	s.l1, s.lambda = ratio*strength, (1-ratio)*strength
	if s.tol == 0 && s.l1 > 0 {
		s.tol = 1e-10
	}
	if s.tol == 0 {
		s.tol = 1e-6
	}
	if s.maxIter == 0 {
		s.maxIter = 1000
	}
	return nil
}

// sampleWeights checks y and w and returns the number of classes and the weights
// times those of the classes.
func sampleWeights(X gram.Matrix, y []int, w, class []float64, balanced bool) (classes int, out []float64, err error) {
	if X == nil {
		_, _, err = gram.CheckMatrix(X)
		return 0, nil, err
	}
	n, d := X.Dims()
	if n <= 0 || d <= 0 {
		_, _, err = gram.CheckMatrix(X)
		return 0, nil, err
	}
	if classes, err = gram.CheckLabels(y, n); err != nil {
		return 0, nil, err
	}
	if _, err = gram.CheckWeights(w, n); err != nil {
		return 0, nil, err
	}
	if class, err = classWeights(classes, y, w, class, balanced); err != nil {
		return 0, nil, err
	}
	out = make([]float64, n)
	for i, c := range y {
		out[i] = 1
		if w != nil {
			out[i] = w[i]
		}
		if class != nil {
			out[i] *= class[c]
		}
	}
	if class != nil {
		if _, err = gram.CheckWeights(out, n); err != nil {
			return 0, nil, fmt.Errorf("linear: sample weights times class weights: %w", err)
		}
	}
	return classes, out, nil
}

// classWeights returns the weights of the classes, nil for all ones.
func classWeights(classes int, y []int, w, class []float64, balanced bool) ([]float64, error) {
	if balanced && class != nil {
		return nil, fmt.Errorf("linear: ClassWeight and Balanced are both set: %w", gram.ErrParam)
	}
	if balanced {
		return balancedWeights(classes, y, w), nil
	}
	if class != nil && len(class) != classes {
		return nil, fmt.Errorf("linear: ClassWeight has %d weights for %d classes: %w", len(class), classes, gram.ErrParam)
	}
	for c, v := range class {
		if !(v >= 0 && v <= math.MaxFloat64) {
			return nil, fmt.Errorf("linear: ClassWeight of class %d is %v: %w", c, v, gram.ErrParam)
		}
	}
	return class, nil
}

// balancedWeights returns Σw/(K·Σ_c w) for each class c.
func balancedWeights(classes int, y []int, w []float64) []float64 {
	total, of := 0.0, make([]float64, classes)
	for i, c := range y {
		v := 1.0
		if w != nil {
			v = w[i]
		}
		of[c] += v
		total += v
	}
	for c, v := range of {
		if v > 0 {
			of[c] = total / (float64(classes) * v)
		}
	}
	return of
}

// solve minimises the objective of X, y and w, checked already but for what X
// holds, over a number of columns of scores. Where the error is
// gram.ErrNotConverged the parameters are the last ones.
func solve(ctx context.Context, X gram.Matrix, y []int, w []float64, cols int, s *settings) (*params, gram.Convergence, error) {
	p, err := newProblem(ctx, X, y, w, cols, s)
	if err != nil {
		return nil, gram.Convergence{}, err
	}
	if s.solver == SAGA {
		return solveSAGA(ctx, X, p, s)
	}
	if s.l1 > 0 {
		return solvePenalized(ctx, X, p, s)
	}
	pt := newPoint(p.size())
	report, _, err := p.solve(ctx, X, pt, s)
	if err != nil && !errors.Is(err, gram.ErrNotConverged) {
		return nil, report, err
	}
	return p.params(pt.theta), report, err
}

// solve moves pt, from s.start if that is not nil, to the minimum, and returns the method
// that did it.
func (p *problem) solve(ctx context.Context, X gram.Matrix, pt *point, s *settings) (gram.Convergence, method, error) {
	if s.solver == Auto {
		auto := *s
		auto.solver = p.cheapest()
		s = &auto
	}
	m, err := p.begin(ctx, pt, s)
	steps := 0
	if err == nil {
		steps, err = p.minimize(ctx, pt, m, s.tol*p.weight, s.maxIter, s.progress)
	}
	report := p.report(pt, s, steps)
	err, _ = explain(X, err, report, "gradient")
	return report, m, err
}

func (p *problem) report(pt *point, s *settings, steps int) gram.Convergence {
	return gram.Convergence{
		Solver: s.solver.String(), Iterations: steps, Objective: pt.f,
		Residual: pt.residual, Tolerance: s.tol * p.weight, Converged: pt.residual <= s.tol*p.weight,
	}
}

// explain returns the error of a fit in words, and whether what was reached is worth
// keeping. residual is the name of what the stopping test looks at.
func explain(X gram.Matrix, err error, r gram.Convergence, residual string) (explained error, keep bool) {
	switch {
	case errors.Is(err, gram.ErrNonFinite):
		return checkFinite(X, math.NaN()), false
	case errors.Is(err, gram.ErrSeparable):
		return fmt.Errorf("linear: after %d iterations every sample is on the right side, and C is infinite: %w", r.Iterations, err), false
	case errors.Is(err, errStalled):
		return fmt.Errorf("linear: after %d iterations of %s %v, with the %s at %.3g above %.3g: %w",
			r.Iterations, r.Solver, err, residual, r.Residual, r.Tolerance, gram.ErrNotConverged), true
	case errors.Is(err, gram.ErrNotConverged):
		return fmt.Errorf("linear: %s stopped after %d iterations with the %s at %.3g above %.3g: %w",
			r.Solver, r.Iterations, residual, r.Residual, r.Tolerance, err), true
	}
	return err, err == nil
}

// samplesPerDim is how many rows a coordinate is worth when the Hessian or the
// features' covariance is taken from a part of the rows: it then is off by
// about 2/√samplesPerDim.
const samplesPerDim = 96

// sampleRows returns the number of rows that Hessians are taken from.
func (p *problem) sampleRows() int {
	n, _ := p.x.Dims()
	return min(n, max(samplesPerDim*p.std.dim(), 1000))
}

// cheapest estimates, in multiplications, the time that each solver takes.
func (p *problem) cheapest() Solver {
	dim, size := float64(p.std.dim()), float64(p.size())
	pass := 2 * p.entries() * float64(p.cols)
	// Products of small blocks go at a third of the speed of large ones, and
	// factorizations at a fifth.
	hessian := float64(p.sampleRows()) * dim * dim / 2 * float64(pairsOf(p.cols)) / 3
	newton := 3*(hessian+size*size*size/6*5/3) + 7*pass
	lbfgs := p.covarianceCost() + 20*pass
	if !p.useCovariance() {
		lbfgs = 60 * pass
	}
	const most = 4096 // 128 MiB for the Hessian
	if size <= most && newton < lbfgs {
		return NewtonCholesky
	}
	return LBFGS
}

// covarianceCost estimates the time to precondition with the covariance.
func (p *problem) covarianceCost() float64 {
	dim := float64(p.std.dim())
	return (float64(p.sampleRows())*dim*dim/2 + dim*dim*dim*2) / 3
}

// useCovariance tells whether the features' covariance is worth its cost, against
// their variances alone.
func (p *problem) useCovariance() bool {
	const most = 4096
	return p.std.dim() <= most && p.covarianceCost() < 40*2*p.entries()*float64(p.cols)
}

// begin sets pt to where the iterations start, evaluated, and returns the method
// for them.
func (p *problem) begin(ctx context.Context, pt *point, s *settings) (method, error) {
	f := p.start(pt)
	if s.start != nil {
		p.std.coordinates(pt.theta, p.shifted(s.start))
	}
	if s.solver == NewtonCholesky {
		return p.beginNewton(ctx, pt, f, s.start != nil)
	}
	pre, err := p.covariance(ctx, pt)
	if err != nil {
		return nil, err
	}
	if err := p.eval(ctx, pt); err != nil {
		return nil, err
	}
	if s.solver == NewtonCG {
		return &newtonCG{p: p, pre: pre}, nil
	}
	return &quasiNewton{pre: pre, fit: true}, nil
}

// covariance returns the preconditioner for the start, where all rows have the
// same probabilities.
func (p *problem) covariance(ctx context.Context, pt *point) (preconditioner, error) {
	p.std.params(p.at, pt.theta)
	mean := append([]float64(nil), p.at.bias...)
	probabilities(mean, p.cols, make([]float64, 1))
	var gramian *linalg.Dense[float64]
	if p.useCovariance() {
		var err error
		if gramian, err = p.on(p.sampleRows()).gramian(ctx); err != nil {
			return nil, err
		}
	}
	return p.kronecker(mean, gramian)
}

// beginNewton starts from about the optimum of a part of the rows, if they are
// many: that is off by no more than chance, and the part's Hessian is a good one
// for all rows, so that the steps over all of them are few and need no other.
// f is the value at pt; if pt is a warm start it only takes the Hessian.
func (p *problem) beginNewton(ctx context.Context, pt *point, f float64, warm bool) (method, error) {
	n, _ := p.x.Dims()
	sample := p
	if keep := p.sampleRows(); 4*keep <= n {
		sample = p.on(keep)
		if !warm {
			if _, err := sample.approach(ctx, pt); err != nil {
				return nil, err
			}
		}
	}
	err := p.eval(ctx, pt)
	if sample != p && !warm && p.at.offset == nil && !(pt.f < f) { // a part that misleads
		p.start(pt)
		err = p.eval(ctx, pt)
	}
	if err != nil {
		return nil, err
	}
	if warm && p.kept != nil && p.kept.h != nil {
		return p.newtonAgain()
	}
	m, err := sample.newton(ctx, pt)
	if err != nil {
		return nil, err
	}
	m.renew = p.hessianIfSlow
	return m, nil
}

// approach moves pt to about the optimum.
func (p *problem) approach(ctx context.Context, pt *point) (steps int, err error) {
	if err := p.eval(ctx, pt); err != nil {
		return 0, err
	}
	m, err := p.newton(ctx, pt)
	if err != nil {
		return 0, err
	}
	const tol, limit = 1e-3, 10
	steps, err = p.minimize(ctx, pt, m, tol*p.weight, limit, nil)
	if errors.Is(err, gram.ErrNotConverged) || errors.Is(err, gram.ErrSeparable) || errors.Is(err, errStalled) {
		err = nil
	}
	return steps, err
}

// newton returns Newton's method from pt.
func (p *problem) newton(ctx context.Context, pt *point) (*quasiNewton, error) {
	h, err := p.factoredHessian(ctx, pt)
	return &quasiNewton{pre: h, renew: p.hessianIfSlow}, err
}

// hessianIfSlow returns the Hessian at pt if the step to there was a poor one.
func (p *problem) hessianIfSlow(ctx context.Context, from, pt *point) (preconditioner, error) {
	if from != nil && quick(from, pt) {
		return nil, nil
	}
	return p.factoredHessian(ctx, pt)
}

// quick tells whether a step has come so far that a new Hessian would not pay.
func quick(from, to *point) bool { return to.residual <= 0.3*from.residual }

func (p *problem) factoredHessian(ctx context.Context, pt *point) (preconditioner, error) {
	h, err := p.hessian(ctx, pt.theta)
	if err != nil {
		return nil, err
	}
	if p.kept != nil {
		p.kept.h, p.kept.lambda = linalg.CopyOf[float64](h), p.lambda
	}
	return factor(h)
}

// A keptHessian serves fits with other penalties that begin nearby.
type keptHessian struct {
	h      *linalg.Dense[float64]
	lambda float64 // that is in it
}

// newtonAgain is newton with the Hessian that was kept.
func (p *problem) newtonAgain() (*quasiNewton, error) {
	q := contrasts(p.cols)
	for j, scale := range p.std.scale {
		for a := j * q; a < (j+1)*q; a++ {
			p.kept.h.Data[a*p.kept.h.Stride+a] += (p.lambda - p.kept.lambda) / scale / scale
		}
	}
	p.kept.lambda = p.lambda
	h, err := factor(p.kept.h)
	return &quasiNewton{pre: h, renew: p.hessianIfSlow}, err
}
