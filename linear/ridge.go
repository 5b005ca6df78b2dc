package linear

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// Ridge trains linear regression with an L2 penalty: it minimises
//
//	Σᵢ wᵢ(yᵢ − xᵢ·coef − intercept)² + Alpha·‖coef‖².
//
// The intercept is not penalised; features are not scaled, so the penalty is on the
// coefficients as they are. With Alphas it takes the one of several strengths whose
// exact leave-one-out error is smallest, at about the price of two fits.
//
// Rows are factorized as [Linear] does where min(n, d)·d ≤ 2²⁵, or many of them go by
// the inner products of features and conjugate gradients that restore the digits which
// these cost. Larger problems, and sparse ones where it is cheaper, go by conjugate
// gradients alone; X is never made dense for that.
type Ridge struct {
	// Alpha is the strength of the penalty, > 0; 0 means 1.
	Alpha float64
	// Alphas are strengths > 0 to choose from by leave-one-out; nil means Alpha alone,
	// and no leave-one-out. Of equal errors the larger strength wins.
	Alphas []float64
	// NoIntercept leaves the intercept at zero.
	NoIntercept bool
	// MaxIter limits the iterations of conjugate gradients, > 0; 0 means 1000.
	MaxIter int
	// Tol is the tolerance of conjugate gradients, > 0; 0 means 1e-10. They have
	// converged when the gradient, by features of mean 0 and deviation 1, is ≤ Tol
	// times that of coefficients 0.
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on
	// it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every iteration. A factorization is one.
	Progress func(gram.Progress)
}

var _ gram.RegressorTrainer = Ridge{}

// Fit trains on the n×d matrix X, targets y and sample weights w ≥ 0, nil for all
// ones; a weight of 2 is the same as a repeated row. What leave-one-out leaves out of a
// row is one repetition, or all of it if its weight is below 1.
//
// Errors: gram.ErrShape, gram.ErrNonFinite, gram.ErrWeights and gram.ErrParam for
// what does not fit, gram.ErrShape also for leave-one-out where both n and min(n, d)·d
// are too large, above 5792 and 2²⁵; gram.ErrNotConverged, together with the last
// iterate, after MaxIter iterations; ctx's error.
//
// O(n·d·min(n, d)) by factorization, O(n·d) or of the non-zeros alone for an iteration.
func (t Ridge) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*RidgeModel, error) {
	limit, tol, err := checkCommon(t.MaxIter, 1000, t.Tol, 1e-10, t.Workers)
	if err != nil {
		return nil, err
	}
	alpha := t.Alpha
	if alpha == 0 {
		alpha = 1
	}
	for _, a := range append([]float64{alpha}, t.Alphas...) {
		if !(a > 0) || math.IsInf(a, 1) {
			return nil, fmt.Errorf("linear: Alpha is %v, want > 0: %w", a, gram.ErrParam)
		}
	}
	w, _, err = rowWeights(X, y, w)
	if err != nil {
		return nil, err
	}
	p, err := newLeastSquares(ctx, X, w, !t.NoIntercept, t.Workers)
	if err != nil {
		return nil, err
	}
	m := &RidgeModel{alpha: alpha}
	if len(t.Alphas) == 0 && p.iterates() {
		m.LinearPredictor, m.convergence, err = p.byVariances(ctx, y, alpha, tol, limit, t.Progress)
		if err != nil {
			return nil, err
		}
		return m, unconverged(m.convergence)
	}
	if len(t.Alphas) == 0 && p.isTall() {
		m.LinearPredictor, m.convergence, err = p.byGramian(ctx, y, alpha, t.Progress)
		if err != nil || m.convergence.Converged {
			return m, err
		}
	}
	if err := m.factorize(ctx, p, y, t.Alphas); err != nil {
		return nil, err
	}
	if t.Progress != nil {
		t.Progress(gram.Progress{Iteration: 1, Limit: 1, Objective: m.convergence.Objective})
	}
	return m, nil
}

// iterates tells whether conjugate gradients are the way, for a single strength.
func (p *problem) iterates() bool {
	n, d := p.x.Dims()
	if !direct(n, d) {
		return true
	}
	const passes = 200
	return p.sparse != nil && passes*2*p.entries() < float64(n)*float64(d)*float64(min(n, d))
}

// isTall tells whether there are so many rows that their inner products are worth it
// beside a factorization.
func (p *problem) isTall() bool {
	n, d := p.x.Dims()
	return n >= 4*d && n*d >= 1<<17
}

// factorize fits by a factorization, for the best of alphas if there are any.
func (m *RidgeModel) factorize(ctx context.Context, p *problem, y, alphas []float64) error {
	n, d := p.x.Dims()
	var f *factored
	var s *spectrum
	var err error
	switch {
	case direct(n, d):
		m.convergence.Solver = "qr"
		if f, err = factorize(ctx, p, y); err != nil {
			return err
		}
		if alphas != nil || n < d {
			s, err = f.spectrum(y)
		}
	case n*n <= directElements:
		m.convergence.Solver = "eigen"
		s, err = newDual(ctx, p, y)
	default:
		return fmt.Errorf("linear: X is %d×%d, too large for leave-one-out: %w", n, d, gram.ErrShape)
	}
	if err != nil {
		return err
	}
	if len(alphas) > 0 {
		if err := m.choose(ctx, s, alphas); err != nil {
			return err
		}
	}
	if m.LinearPredictor, err = solveRidge(ctx, f, s, y, m.alpha); err != nil {
		return err
	}
	m.convergence.Iterations, m.convergence.Converged = 1, true
	m.convergence.Objective, err = m.objective(ctx, p, y)
	return err
}

// solveRidge solves for one strength, by the spectrum unless there is none or the
// triangle does better.
func solveRidge(ctx context.Context, f *factored, s *spectrum, y []float64, alpha float64) (LinearPredictor, error) {
	if f != nil && f.numbers >= f.a.Cols {
		m, err := f.ridge(alpha)
		if !errors.Is(err, gram.ErrSingular) {
			return m, err
		}
		if s == nil {
			if s, err = f.spectrum(y); err != nil {
				return m, err
			}
		}
	}
	return s.predictor(ctx, alpha)
}

// objective returns what is minimised.
func (m *RidgeModel) objective(ctx context.Context, p *problem, y []float64) (float64, error) {
	bias := m.intercept
	for j, c := range p.offset {
		bias += c * m.coef[j] // p.x is X less the offset
	}
	return p.ridgeObjective(ctx, y, m.coef, bias, m.alpha)
}

// choose takes the strength of the smallest leave-one-out error.
func (m *RidgeModel) choose(ctx context.Context, s *spectrum, alphas []float64) error {
	var err error
	m.alphas = slices.Clone(alphas)
	if m.loo, err = s.leaveOneOut(ctx, alphas); err != nil {
		return err
	}
	best := 0
	for k, e := range m.loo {
		if e < m.loo[best] || e == m.loo[best] && alphas[k] > alphas[best] {
			best = k
		}
	}
	m.alpha = alphas[best]
	return nil
}

// ridge solves for one strength: least squares with a row √alpha·eⱼ more for each
// coefficient, which keeps the digits of columns in any units. It returns
// gram.ErrSingular where columns depend on each other and the penalty is lost beside
// them.
func (f *factored) ridge(alpha float64) (LinearPredictor, error) {
	rows, d := f.a.Rows, f.a.Cols
	a, c := linalg.NewDense[float64](rows+d, d, nil), linalg.NewDense[float64](rows+d, 1, nil)
	for i := range rows {
		copy(a.Row(i), f.a.Row(i))
	}
	copy(c.Data, f.c)
	for j, scale := range f.p.std.scale {
		v := math.Sqrt(alpha) / scale
		if math.IsInf(scale, 1) {
			v = 1 // the column is 0, and so is its coefficient
		}
		a.Set(rows+j, j, v)
	}
	qr, err := linalg.NewQR(f.p.workers, a)
	if err != nil {
		return LinearPredictor{}, err
	}
	triangle := qr.R()
	for j := range d {
		const hidden = 1e-10
		if column := columnOf(triangle, j); math.Abs(column[j]) <= hidden*linalg.Nrm2(column) {
			return LinearPredictor{}, gram.ErrSingular
		}
	}
	theta, err := qr.Solve(f.p.workers, nil, c)
	if err != nil {
		return LinearPredictor{}, err
	}
	return f.predictor(theta.Data), nil
}

// RidgeModel is what [Ridge] fits.
type RidgeModel struct {
	LinearPredictor
	alpha       float64
	alphas, loo []float64
	convergence gram.Convergence
}

// Alpha returns the strength of the penalty, the chosen one if there was a choice.
func (m *RidgeModel) Alpha() float64 { return m.alpha }

// LeaveOneOut returns copies of Alphas and of their leave-one-out errors, nil for a fit
// without: Σ wᵢ(yᵢ − ŷ₍ᵢ₎)²/Σw, where ŷ₍ᵢ₎ predicts row i by a fit that has not seen it. They
// are +Inf if a fit without some row has no rows.
func (m *RidgeModel) LeaveOneOut() (alphas, errors []float64) {
	return slices.Clone(m.alphas), slices.Clone(m.loo)
}

// Convergence reports how the fit ended. Solver is "qr" or "eigen" for factorizations,
// which are one iteration and have no residual, or "conjugate-gradients".
func (m *RidgeModel) Convergence() gram.Convergence { return m.convergence }

// TrainRegressor calls [Ridge.Fit].
func (t Ridge) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	return regressor(t.Fit(ctx, X, y, w))
}

func init() {
	gram.Register("linear.Ridge", 1, encodeRidge, decodeRidge)
}

func encodeRidge(e *gram.Encoder, m *RidgeModel) {
	m.encode(e)
	e.Float(m.alpha)
	e.Floats(m.alphas)
	e.Floats(m.loo)
	e.Convergence(m.convergence)
}

func decodeRidge(d *gram.Decoder, _ int) *RidgeModel {
	m := &RidgeModel{LinearPredictor: decodePredictor(d), alpha: d.Float(), alphas: d.Floats()}
	m.loo = d.Floats(len(m.alphas))
	m.convergence = d.Convergence()
	checkFloats(d, []float64{m.alpha}, m.alphas)
	return m
}
