package linear

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// ElasticNet trains linear regression with a mixture of L1 and L2 penalties: it
// minimises
//
//	Σᵢ wᵢ(yᵢ − xᵢ·coef − intercept)²/(2Σw) + Alpha·(L1Ratio·‖coef‖₁ + (1−L1Ratio)·‖coef‖²/2).
//
// The intercept is not penalised; features are not scaled, so the penalty is on the
// coefficients as they are. A fit ends by the duality gap, which bounds how far the
// objective is above its minimum.
type ElasticNet struct {
	// Alpha is the strength of the penalty, > 0; 0 means 1.
	Alpha float64
	// L1Ratio is the share of the L1 penalty, above 0 and up to 1; 0 means 0.5.
	L1Ratio float64
	// NoIntercept leaves the intercept at zero.
	NoIntercept bool
	// MaxIter limits the iterations for one Alpha, each a pass over X, > 0; 0 means 1000.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-10. A fit has converged when the duality gap
	// is ≤ Tol times the objective of coefficients 0.
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on
	// it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every iteration.
	Progress func(gram.Progress)
}

// Lasso trains linear regression with an L1 penalty: it is [ElasticNet] with an
// L1Ratio of 1, whose fields it shares.
type Lasso struct {
	// Alpha is the strength of the penalty, > 0; 0 means 1.
	Alpha float64
	// NoIntercept leaves the intercept at zero.
	NoIntercept bool
	// MaxIter limits the iterations for one Alpha, each a pass over X, > 0; 0 means 1000.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-10. See [ElasticNet].
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on
	// it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every iteration.
	Progress func(gram.Progress)
}

var _, _ gram.RegressorTrainer = ElasticNet{}, Lasso{}

func (t Lasso) net() ElasticNet {
	return ElasticNet{
		Alpha: t.Alpha, L1Ratio: 1, NoIntercept: t.NoIntercept, MaxIter: t.MaxIter, Tol: t.Tol, Workers: t.Workers, Progress: t.Progress,
	}
}

// Fit is [ElasticNet.Fit].
func (t Lasso) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*ElasticNetModel, error) {
	return t.net().Fit(ctx, X, y, w)
}

// Path is [ElasticNet.Path].
func (t Lasso) Path(ctx context.Context, X gram.Matrix, y, w, alphas []float64) ([]*ElasticNetModel, error) {
	return t.net().Path(ctx, X, y, w, alphas)
}

// TrainRegressor calls [Lasso.Fit].
func (t Lasso) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	return regressor(t.Fit(ctx, X, y, w))
}

// TrainRegressor calls [ElasticNet.Fit].
func (t ElasticNet) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	return regressor(t.Fit(ctx, X, y, w))
}

// Fit trains on the n×d matrix X, targets y and sample weights w ≥ 0, nil for all
// ones; a weight of 2 is the same as a repeated row.
//
// Errors: gram.ErrShape, gram.ErrNonFinite, gram.ErrWeights and gram.ErrParam for
// what does not fit; gram.ErrNotConverged, together with the last iterate, after MaxIter
// iterations; ctx's error.
//
// With s features in working sets, memory is O(n·s + s²) and time O(n·s²) beside the
// passes over X, of which there are a few; for sparse X memory is O(z + s²), and time
// O(z·r), with z the non-zeros of these features and r those of a row.
func (t ElasticNet) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*ElasticNetModel, error) {
	alpha := t.Alpha
	if alpha == 0 {
		alpha = 1
	}
	models, err := t.Path(ctx, X, y, w, []float64{alpha})
	if len(models) == 0 {
		return nil, err
	}
	return models[0], err
}

// Path is Fit for each of several values of Alpha > 0, which had better descend: each
// fit starts where the one before has ended. With nil it takes 100 values in
// geometric progression, from the smallest for which all coefficients are 0 down to a
// thousandth of that. t.Alpha is not used. After gram.ErrNotConverged it returns
// the models so far, the last one included.
func (t ElasticNet) Path(ctx context.Context, X gram.Matrix, y, w, alphas []float64) ([]*ElasticNetModel, error) {
	limit, tol, err := checkCommon(t.MaxIter, 1000, t.Tol, 1e-10, t.Workers)
	if err != nil {
		return nil, err
	}
	ratio := t.L1Ratio
	if ratio == 0 {
		ratio = 0.5
	}
	if !(ratio > 0 && ratio <= 1) {
		return nil, fmt.Errorf("linear: L1Ratio is %v, want above 0, up to 1: %w", t.L1Ratio, gram.ErrParam)
	}
	for _, a := range alphas {
		if !(a > 0) || math.IsInf(a, 1) {
			return nil, fmt.Errorf("linear: Alpha is %v, want > 0: %w", a, gram.ErrParam)
		}
	}
	w, weight, err := rowWeights(X, y, w)
	if err != nil {
		return nil, err
	}
	p, err := newLeastSquares(ctx, X, w, !t.NoIntercept, t.Workers)
	if err != nil {
		return nil, err
	}
	s := newSquares(p, y)
	if err := s.pass(ctx); err != nil {
		return nil, err
	}
	if err := checkFinite(X, s.yy+s.steepest(0)); err != nil {
		return nil, err
	}
	if alphas == nil {
		top := s.steepest(0) / weight / ratio
		if top == 0 {
			top = 1 // constant targets: all coefficients are 0 anyway
		}
		for i := range 100 {
			alphas = append(alphas, top*math.Pow(1e-3, float64(i)/99))
		}
	}
	var models []*ElasticNetModel
	for _, a := range alphas {
		c, err := s.solve(ctx, a*ratio*weight, a*(1-ratio)*weight, tol, limit, t.Progress)
		if err != nil {
			return nil, err
		}
		m := &ElasticNetModel{LinearPredictor: s.predictor(), alpha: a, convergence: c}
		models = append(models, m)
		if err := unconverged(c); err != nil {
			return models, err
		}
	}
	return models, nil
}

// ElasticNetModel is what [ElasticNet] and [Lasso] fit.
type ElasticNetModel struct {
	LinearPredictor
	alpha       float64
	convergence gram.Convergence
}

// Alpha returns the strength of the penalty.
func (m *ElasticNetModel) Alpha() float64 { return m.alpha }

// NonZeros returns the number of coefficients that are not zero.
func (m *ElasticNetModel) NonZeros() int {
	count := 0
	for _, v := range m.coef {
		if v != 0 {
			count++
		}
	}
	return count
}

// Convergence reports how the fit ended. Its Residual is the duality gap of the
// Objective.
func (m *ElasticNetModel) Convergence() gram.Convergence { return m.convergence }

func init() {
	gram.Register("linear.ElasticNet", 1, encodeElasticNet, decodeElasticNet)
}

func encodeElasticNet(e *gram.Encoder, m *ElasticNetModel) {
	m.encode(e)
	e.Float(m.alpha)
	e.Convergence(m.convergence)
}

func decodeElasticNet(d *gram.Decoder, _ int) *ElasticNetModel {
	m := &ElasticNetModel{LinearPredictor: decodePredictor(d), alpha: d.Float(), convergence: d.Convergence()}
	checkFloats(d, []float64{m.alpha})
	return m
}
