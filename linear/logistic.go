package linear

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// Logistic trains logistic regression for two classes: it minimises
//
//	Σᵢ wᵢ·log(1 + exp(−sᵢ(xᵢ·coef + intercept))) + (L1Ratio·‖coef‖₁ + (1−L1Ratio)·‖coef‖²/2)/C
//
// over rows xᵢ, where sᵢ is +1 for class 1 and −1 for class 0. The intercept is
// not penalised. The minimum is unique if C is finite and L1Ratio < 1; features need no scaling to
// reach it, although scaling changes what the penalty means.
//
// The zero value is ready: an L2 penalty, C = 1, an intercept, equal class weights.
type Logistic struct {
	// C is the inverse strength of the penalty, > 0; 0 means 1 and +Inf none.
	C float64
	// L1Ratio is the share of the L1 penalty, 0 to 1; 0 is an L2 penalty alone and 1
	// an L1 penalty alone, which leaves out features.
	L1Ratio float64
	// NoIntercept leaves the intercept at zero.
	NoIntercept bool
	// ClassWeight multiplies the weights of the samples of the two classes, each
	// ≥ 0; nil means 1.
	ClassWeight []float64
	// Balanced stands for the ClassWeight that gives both classes the same total
	// weight and leaves the sum of all: Σw/(2·Σw of the class).
	Balanced bool
	// Solver is the algorithm; the zero value chooses.
	Solver Solver
	// MaxIter limits the iterations, > 0; 0 means 1000.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-6, or 1e-10 with an L1 penalty. Without one,
	// a fit has converged when ‖g‖∞ ≤
	// Tol·Σw, where g is the gradient of the objective by coefficients and
	// intercept. To make sense for features of any unit, one with a root mean
	// square below 1 or above 1000 is held to the bound as if scaled to that. With one, a fit has
	// converged when the duality gap, which bounds how far the objective is above its
	// minimum, is ≤ Tol times the objective of the best intercept alone.
	Tol float64
	// Start is a model to begin from, such as that of another C; nil begins without.
	// The result is the same, but for the tolerance.
	Start *LogisticModel
	// Offset is a part of the log-odds of each of the n training rows that is known
	// already; nil means 0. Models know nothing of it: add those of new rows to
	// their scores.
	Offset []float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not
	// depend on it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every iteration.
	Progress func(gram.Progress)
}

var _ gram.ClassifierTrainer = Logistic{}

// Fit trains on the n×d matrix X, labels y of 0 and 1 and sample weights w ≥ 0, nil
// for all ones; a weight of 2 is the same as a repeated row.
//
// Errors: gram.ErrShape, gram.ErrNonFinite, gram.ErrLabels, gram.ErrWeights and
// gram.ErrParam for what does not fit; gram.ErrSeparable if C is infinite and the
// classes can be told apart without error, so that there is no minimum (where a
// plane sets only some samples apart, coefficients grow until Tol is met);
// gram.ErrNotConverged, together with the last iterate, after MaxIter iterations;
// ctx's error.
//
// An iteration takes O(n·d), and NewtonCholesky in addition O(n·d² + d³) whenever it
// forms a Hessian, once or twice a fit. CoordinateDescent with s features in the working
// set takes O(n·d + s²) or O(n·d + n·s), for sparse X of the entries, and memory for
// min(s², the set's entries).
func (t Logistic) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*LogisticModel, error) {
	s, w, err := t.prepare(X, y, w)
	if err != nil {
		return nil, err
	}
	p, report, err := solve(ctx, X, y, w, 1, s)
	if p == nil {
		return nil, err
	}
	return newLogisticModel(p, report), err
}

func newLogisticModel(p *params, report gram.Convergence) *LogisticModel {
	return &LogisticModel{coef: p.coef, intercept: p.bias[0], convergence: report}
}

// prepare checks everything but what X holds and returns the weights of rows.
func (t Logistic) prepare(X gram.Matrix, y []int, w []float64) (*settings, []float64, error) {
	s := &settings{
		intercept: !t.NoIntercept, solver: t.Solver, maxIter: t.MaxIter, tol: t.Tol, workers: t.Workers, progress: t.Progress,
		offset: t.Offset,
	}
	if err := s.check(t.C, t.L1Ratio); err != nil {
		return nil, nil, err
	}
	classes, w, err := sampleWeights(X, y, w, t.ClassWeight, t.Balanced)
	if err != nil {
		return nil, nil, err
	}
	if classes > 2 {
		return nil, nil, fmt.Errorf("linear: y has %d classes, Logistic takes 2 and Softmax more: %w", classes, gram.ErrLabels)
	}
	if err := checkOffset(t.Offset, len(y)); err != nil {
		return nil, nil, err
	}
	if m := t.Start; m != nil {
		if _, d := X.Dims(); m.Features() != d {
			return nil, nil, fmt.Errorf("linear: X has %d features, Start %d: %w", d, m.Features(), gram.ErrShape)
		}
		s.start = &params{coef: m.coef, bias: []float64{m.intercept}}
	}
	return s, w, nil
}

// TrainClassifier calls [Logistic.Fit].
func (t Logistic) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	return classifier(t.Fit(ctx, X, y, w))
}

// classifier returns a nil interface for a nil model.
func classifier[M interface {
	comparable
	gram.Classifier
}](m M, err error) (gram.Classifier, error) {
	var none M
	if m == none {
		return nil, err
	}
	return m, err
}

// LogisticModel is what [Logistic] fits: a score x·coef + intercept, the log-odds of
// class 1.
//
// Its methods return gram.ErrShape for shapes that do not fit, and
// gram.ErrNonFinite for rows whose score is not finite, as those are that hold
// NaN or an infinity. Batch methods take O(n·d), row methods O(d) and no memory.
type LogisticModel struct {
	coef        []float64
	intercept   float64
	convergence gram.Convergence
}

// Coef returns a copy of the d coefficients.
func (m *LogisticModel) Coef() []float64 { return append([]float64(nil), m.coef...) }

// Intercept returns the intercept, 0 if none was fitted.
func (m *LogisticModel) Intercept() float64 { return m.intercept }

// Convergence reports how the fit ended. Its Residual is the gradient norm or
// duality gap that [Logistic] defines, its Tolerance the bound that this is held to.
func (m *LogisticModel) Convergence() gram.Convergence { return m.convergence }

// Features returns d.
func (m *LogisticModel) Features() int { return len(m.coef) }

// Classes returns 2.
func (m *LogisticModel) Classes() int { return 2 }

// DecisionFunction returns the score of each of the n rows. len(dst) is n.
func (m *LogisticModel) DecisionFunction(dst []float64, X gram.Matrix) ([]float64, error) {
	return byScores(dst, 1, X, len(m.coef), m.scores, setScores)
}

// scores calls f with the scores of rows lo, lo+1 and so on, block by block.
func (m *LogisticModel) scores(X gram.Matrix, f func(lo int, z []float64)) error {
	return eachBlock(X, &params{coef: m.coef, bias: []float64{m.intercept}}, f)
}

// Predict returns the more probable class of each of the n rows, 0 where they
// tie. len(dst) is n.
func (m *LogisticModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	return byScores(dst, 1, X, len(m.coef), m.scores, setClasses)
}

func classOf(score float64) int {
	if score > 0 {
		return 1
	}
	return 0
}

// PredictProba returns the probabilities of the classes, n×2 row-major.
func (m *LogisticModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	return byScores(dst, 2, X, len(m.coef), m.scores, setProbas)
}

// setProba sets the first two elements of dst to the probabilities at a score.
func setProba(dst []float64, z float64) {
	e := math.Exp(-math.Abs(z))
	likely := 1 / (1 + e)
	if z > 0 {
		dst[0], dst[1] = e*likely, likely
	} else {
		dst[0], dst[1] = likely, e*likely
	}
}

// PredictLogProba returns the logarithms of the probabilities, n×2 row-major, exact
// where the probabilities themselves round to 0 or 1.
func (m *LogisticModel) PredictLogProba(dst []float64, X gram.Matrix) ([]float64, error) {
	return byScores(dst, 2, X, len(m.coef), m.scores, setLogProbas)
}

// PredictRow returns the more probable class of one row, 0 if they tie.
func (m *LogisticModel) PredictRow(x []float64) (int, error) {
	z, err := rowScore(x, m.coef, m.intercept)
	if err != nil {
		return 0, err
	}
	return classOf(z), nil
}

// PredictProbaRow sets dst, of length 2, to the probabilities for one row.
func (m *LogisticModel) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckDst(dst, 2); err != nil {
		return err
	}
	z, err := rowScore(x, m.coef, m.intercept)
	if err != nil {
		return err
	}
	setProba(dst, z)
	return nil
}
