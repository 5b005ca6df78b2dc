package linear

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// Softmax trains multinomial logistic regression for K ≥ 2 classes: it minimises
//
//	−Σᵢ wᵢ·log p(yᵢ|xᵢ) + (L1Ratio·‖coef‖₁ + (1−L1Ratio)·‖coef‖²/2)/C,   p(k|x) ∝ exp(x·coefₖ + interceptₖ)
//
// over rows xᵢ. Intercepts are not penalised. The minimum is unique if C is finite,
// L1Ratio < 1, and intercepts, or without penalty all parameters, sum to zero over the
// classes, which they do. For two classes this is [Logistic] with half the L2 penalty
// and the same L1 penalty.
//
// The zero value is ready: an L2 penalty, C = 1, intercepts, equal class weights.
type Softmax struct {
	// C is the inverse strength of the penalty, > 0; 0 means 1 and +Inf none.
	C float64
	// L1Ratio is the share of the L1 penalty, 0 to 1; 0 is an L2 penalty alone and 1
	// an L1 penalty alone, which leaves out features.
	L1Ratio float64
	// NoIntercept leaves the intercepts at zero.
	NoIntercept bool
	// ClassWeight multiplies the weights of the samples of each of the K classes,
	// each ≥ 0; nil means 1.
	ClassWeight []float64
	// Balanced stands for the ClassWeight that gives all classes the same total
	// weight and leaves the sum of all: Σw/(K·Σw of the class).
	Balanced bool
	// Solver is the algorithm; the zero value chooses.
	Solver Solver
	// MaxIter limits the iterations, > 0; 0 means 1000.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-6, or 1e-10 with an L1 penalty. Without one,
	// a fit has converged when ‖g‖∞ ≤
	// Tol·Σw, where g is the gradient of the objective by coefficients and
	// intercepts. To make sense for features of any unit, one with a root mean
	// square below 1 or above 1000 is held to the bound as if scaled to that. With one, a fit has
	// converged when the duality gap, which bounds how far the objective is above its
	// minimum, is ≤ Tol times the objective of the best intercept alone.
	Tol float64
	// Start is a model to begin from, such as that of another C; nil begins without.
	// The result is the same, but for the tolerance.
	Start *SoftmaxModel
	// Offset is a part of the scores of each of the n training rows that is known
	// already, n×K row-major; nil means 0. Models know nothing of it: add those of new
	// rows to their scores.
	Offset []float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not
	// depend on it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every iteration.
	Progress func(gram.Progress)
}

var _ gram.ClassifierTrainer = Softmax{}

// Fit trains on the n×d matrix X, labels y in 0..K−1 of which each occurs, and
// sample weights w ≥ 0, nil for all ones; a weight of 2 is the same as a repeated
// row.
//
// Errors are those of [Logistic.Fit]. An iteration takes O(n·d·K), and
// NewtonCholesky in addition O(n·d²K² + d³K³) whenever it forms a Hessian.
func (t Softmax) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*SoftmaxModel, error) {
	s, classes, w, err := t.prepare(X, y, w)
	if err != nil {
		return nil, err
	}
	p, report, err := solve(ctx, X, y, w, columnsOf(classes), s)
	if p == nil {
		return nil, err
	}
	return newSoftmaxModel(classes, p, report), err
}

// columnsOf returns the number of scores that the fit of a number of classes has: for two
// classes, their difference alone.
func columnsOf(classes int) int {
	if classes == 2 {
		return 1
	}
	return classes
}

// prepare checks everything but what X holds and returns the number of classes and the
// weights of rows.
func (t Softmax) prepare(X gram.Matrix, y []int, w []float64) (*settings, int, []float64, error) {
	s := &settings{
		intercept: !t.NoIntercept, solver: t.Solver, maxIter: t.MaxIter, tol: t.Tol, workers: t.Workers, progress: t.Progress,
		offset: t.Offset,
	}
	if err := s.check(t.C, t.L1Ratio); err != nil {
		return nil, 0, nil, err
	}
	classes, w, err := sampleWeights(X, y, w, t.ClassWeight, t.Balanced)
	if err != nil {
		return nil, 0, nil, err
	}
	if t.Offset != nil && len(t.Offset) != len(y)*classes {
		return nil, 0, nil, fmt.Errorf("offset has %d numbers, want %d rows of %d classes: %w", len(t.Offset), len(y), classes, gram.ErrShape)
	}
	for i, v := range t.Offset {
		if v-v != 0 {
			return nil, 0, nil, fmt.Errorf("offset of row %d, class %d is %v: %w", i/classes, i%classes, v, gram.ErrNonFinite)
		}
	}
	if m := t.Start; m != nil {
		if _, d := X.Dims(); m.features != d || m.Classes() != classes {
			return nil, 0, nil, fmt.Errorf("linear: the data have %d features and %d classes, Start %d and %d: %w",
				d, classes, m.features, m.Classes(), gram.ErrShape)
		}
		s.start = &params{coef: m.byFeature, bias: m.intercept}
	}
	if classes == 2 {
		s.binary()
	}
	return s, classes, w, nil
}

// binary turns settings for the scores of two classes into those for the log-odds v:
// coefficients are ∓v/2, and their penalties ‖v‖₁ and ‖v‖²/4.
func (s *settings) binary() {
	s.half, s.lambda = true, s.lambda/2
	if s.offset != nil {
		s.offset = logOdds(s.offset)
	}
	if s.start != nil {
		s.start = &params{coef: logOdds(s.start.coef), bias: logOdds(s.start.bias)}
	}
}

// logOdds returns the differences of pairs, of the numbers of class 1 and class 0.
func logOdds(x []float64) []float64 {
	out := make([]float64, len(x)/2)
	for i := range out {
		out[i] = x[2*i+1] - x[2*i]
	}
	return out
}

// TrainClassifier calls [Softmax.Fit].
func (t Softmax) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	return classifier(t.Fit(ctx, X, y, w))
}

// SoftmaxModel is what [Softmax] fits: for each class a score x·coefₖ + interceptₖ, of
// which the probabilities are the softmax.
//
// Its methods return gram.ErrShape for shapes that do not fit, and
// gram.ErrNonFinite for rows whose scores are not finite, as those are that hold
// NaN or an infinity. Batch methods take O(n·d·K), row methods O(d·K) and no
// memory.
type SoftmaxModel struct {
	features    int
	coef        []float64 // K×d row-major
	intercept   []float64 // K
	convergence gram.Convergence

	byFeature []float64 // coef transposed
}

// newSoftmaxModel takes parameters with one column a class or, for two classes,
// that of the log-odds.
func newSoftmaxModel(classes int, p *params, report gram.Convergence) *SoftmaxModel {
	d := len(p.coef) / len(p.bias)
	m := &SoftmaxModel{features: d, coef: make([]float64, classes*d), intercept: make([]float64, classes), convergence: report}
	if len(p.bias) == 1 {
		m.intercept[0], m.intercept[1] = -p.bias[0]/2, p.bias[0]/2
		for j, v := range p.coef {
			m.coef[j], m.coef[d+j] = -v/2, v/2
		}
	} else {
		copy(m.intercept, p.bias)
		for k := range classes {
			for j := range d {
				m.coef[k*d+j] = p.coef[j*classes+k]
			}
		}
	}
	m.transpose()
	return m
}

// transpose sets byFeature.
func (m *SoftmaxModel) transpose() {
	classes := len(m.intercept)
	m.byFeature = make([]float64, len(m.coef))
	for k := range classes {
		for j := range m.features {
			m.byFeature[j*classes+k] = m.coef[k*m.features+j]
		}
	}
}

// Coef returns a copy of the coefficients, K×d row-major. Over the classes, they
// sum to zero, unless an L1 penalty was on them.
func (m *SoftmaxModel) Coef() []float64 { return append([]float64(nil), m.coef...) }

// Intercept returns a copy of the K intercepts, zeros if none were fitted. They sum
// to zero.
func (m *SoftmaxModel) Intercept() []float64 { return append([]float64(nil), m.intercept...) }

// Convergence reports how the fit ended. Its Residual is the gradient norm or
// duality gap that [Softmax] defines, its Tolerance the bound that this is held to.
func (m *SoftmaxModel) Convergence() gram.Convergence { return m.convergence }

// Features returns d.
func (m *SoftmaxModel) Features() int { return m.features }

// Classes returns K.
func (m *SoftmaxModel) Classes() int { return len(m.intercept) }

// DecisionFunction returns the scores of the classes, n×K row-major.
func (m *SoftmaxModel) DecisionFunction(dst []float64, X gram.Matrix) ([]float64, error) {
	return m.batch(dst, X, func([]float64) {})
}

// batch sets dst to the scores, as f changes them block by block.
func (m *SoftmaxModel) batch(dst []float64, X gram.Matrix, f func(z []float64)) ([]float64, error) {
	return byScores(dst, len(m.intercept), X, m.features, m.scores, func(dst, z []float64) {
		f(z)
		copy(dst, z)
	})
}

// scores calls f with the scores of rows lo, lo+1 and so on, block by block.
func (m *SoftmaxModel) scores(X gram.Matrix, f func(lo int, z []float64)) error {
	return eachBlock(X, &params{coef: m.byFeature, bias: m.intercept}, f)
}

// Predict returns the most probable class of each of the n rows, the smallest of
// those that tie. len(dst) is n.
func (m *SoftmaxModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	k := len(m.intercept)
	return byScores(dst, 1, X, m.features, m.scores, func(dst []int, z []float64) {
		for i := range len(z) / k {
			dst[i] = argMax(z[i*k : (i+1)*k])
		}
	})
}

func argMax(x []float64) int {
	best := 0
	for k, v := range x {
		if v > x[best] {
			best = k
		}
	}
	return best
}

// PredictProba returns the probabilities of the classes, n×K row-major.
func (m *SoftmaxModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	k := len(m.intercept)
	var tmp []float64
	return m.batch(dst, X, func(z []float64) { probabilities(z, k, grow(&tmp, len(z)/k)) })
}

// PredictLogProba returns the logarithms of the probabilities, n×K row-major, exact
// where the probabilities themselves round to 0 or 1.
func (m *SoftmaxModel) PredictLogProba(dst []float64, X gram.Matrix) ([]float64, error) {
	return m.batch(dst, X, func(z []float64) { logProbabilities(z, len(m.intercept)) })
}

// PredictRow returns the most probable class of one row, the smallest of those that
// tie.
func (m *SoftmaxModel) PredictRow(x []float64) (int, error) {
	if err := gram.CheckRow(x, m.features); err != nil {
		return 0, err
	}
	best, top := 0, math.Inf(-1)
	for k := range m.intercept {
		z := m.score(k, x)
		if z-z != 0 {
			return 0, badScore(x, -1, z)
		}
		if z > top {
			best, top = k, z
		}
	}
	return best, nil
}

func (m *SoftmaxModel) score(k int, x []float64) float64 {
	return f64.Dot(x, m.coef[k*m.features:(k+1)*m.features]) + m.intercept[k]
}

// PredictProbaRow sets dst, of length K, to the probabilities for one row.
func (m *SoftmaxModel) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckDst(dst, len(m.intercept)); err != nil {
		return err
	}
	if err := gram.CheckRow(x, m.features); err != nil {
		return err
	}
	top := math.Inf(-1)
	for k := range dst {
		dst[k] = m.score(k, x)
		top = max(top, dst[k])
	}
	sum := 0.0
	for k, z := range dst {
		if z-z != 0 {
			return badScore(x, -1, z)
		}
		dst[k] = math.Exp(z - top)
		sum += dst[k]
	}
	for k := range dst {
		dst[k] /= sum
	}
	return nil
}
