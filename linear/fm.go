package linear

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// FMClassifier trains a factorization machine of degree 2 for two classes. Its score, the
// log-odds of class 1, has a weight for every pair of features beside one for each, of
// low rank, so that pairs never seen together have one too:
//
//	z(x) = intercept + x·coef + Σ_{j<l} (vⱼ·vₗ)·xⱼ·xₗ
//
// with k factors vⱼ for each feature. A score takes O(k) for each non-zero of x. With
// log-loss, a fit minimises
//
//	Σᵢ wᵢ·ℓ(yᵢ, z(xᵢ)) + ‖coef‖²/(2C) + ‖V‖²/(2·FactorC).
//
// The function is not convex: what is found is a minimum nearby a random start, where
// its gradient vanishes. Features are best indicators or numbers of about that size;
// they are not centred, which would change the pairs.
type FMClassifier struct {
	// Factors is k, > 0; 0 means 8.
	Factors int
	// C is the inverse strength of the penalty on coefficients, > 0; 0 means 1.
	C float64
	// FactorC is that of the penalty on factors, > 0; 0 means 1.
	FactorC float64
	// InitStd is the standard deviation of the factors at the start, > 0, for features
	// of a root mean square of 1; 0 means 0.1.
	InitStd float64
	// Seed chooses the start.
	Seed uint64
	// NoIntercept leaves the intercept at zero.
	NoIntercept bool
	// MaxIter limits the iterations, > 0; 0 means 1000.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-5. A fit has converged when ‖g‖∞ ≤ Tol·Σw,
	// where g is the gradient of the objective, by the coefficients and factors of a
	// feature measured as in [Logistic].
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on
	// it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every iteration.
	Progress func(gram.Progress)
}

// FMRegressor trains a factorization machine of degree 2 for targets: it is
// [FMClassifier], whose fields it shares, with the loss (y − z)²/2.
type FMRegressor struct {
	// Factors is k, > 0; 0 means 8.
	Factors int
	// C is the inverse strength of the penalty on coefficients, > 0; 0 means 1.
	C float64
	// FactorC is that of the penalty on factors, > 0; 0 means 1.
	FactorC float64
	// InitStd is the standard deviation of the factors at the start, > 0, for features
	// of a root mean square of 1; 0 means 0.1.
	InitStd float64
	// Seed chooses the start.
	Seed uint64
	// NoIntercept leaves the intercept at zero.
	NoIntercept bool
	// MaxIter limits the iterations, > 0; 0 means 1000.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-5. See [FMClassifier]; here it is times the
	// standard deviation of the targets.
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on
	// it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every iteration.
	Progress func(gram.Progress)
}

var (
	_ gram.ClassifierTrainer = FMClassifier{}
	_ gram.RegressorTrainer  = FMRegressor{}
)

// check puts defaults in place.
func (t *FMClassifier) check() error {
	var err error
	if t.MaxIter, t.Tol, err = checkCommon(t.MaxIter, 1000, t.Tol, 1e-5, t.Workers); err != nil {
		return err
	}
	if t.Factors < 0 {
		return fmt.Errorf("linear: Factors is %d, want > 0 or 0 for 8: %w", t.Factors, gram.ErrParam)
	}
	if t.Factors == 0 {
		t.Factors = 8
	}
	for _, v := range []struct {
		name  string
		value *float64
		zero  float64
	}{{"C", &t.C, 1}, {"FactorC", &t.FactorC, 1}, {"InitStd", &t.InitStd, 0.1}} {
		if !(*v.value >= 0) || math.IsInf(*v.value, 1) || *v.value > 0 && math.IsInf(1 / *v.value, 1) {
			return fmt.Errorf("linear: %s is %v, want > 0 or 0 for %v: %w", v.name, *v.value, v.zero, gram.ErrParam)
		}
		if *v.value == 0 {
			*v.value = v.zero
		}
	}
	return nil
}

// Fit trains on the n×d matrix X, labels y of 0 and 1 and sample weights w ≥ 0, nil
// for all ones; a weight of 2 is the same as a repeated row.
//
// Errors: gram.ErrShape, gram.ErrNonFinite, gram.ErrLabels, gram.ErrWeights and
// gram.ErrParam for what does not fit; gram.ErrNotConverged, together with the last
// iterate, after MaxIter iterations; ctx's error. An iteration takes O(k·n·d), or O(k) for
// each of the non-zeros of X that is sparse.
func (t FMClassifier) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*FMClassifierModel, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	classes, w, err := sampleWeights(X, y, w, nil, false)
	if err != nil {
		return nil, err
	}
	if classes > 2 {
		return nil, fmt.Errorf("linear: y has %d classes, FMClassifier takes 2: %w", classes, gram.ErrLabels)
	}
	f, err := newMachine(ctx, X, w, t)
	if err != nil {
		return nil, err
	}
	f.labels = y
	share := 0.0
	for i, c := range y {
		share += w[i] * float64(c) / f.p.weight
	}
	start := 0.0
	if !t.NoIntercept {
		share = min(max(share, 1e-8), 1-1e-8)
		start = math.Log(share / (1 - share))
	}
	m, report, err := f.fit(ctx, X, start, t.Tol, t)
	if m == nil {
		return nil, err
	}
	return &FMClassifierModel{FMPredictor: *m, convergence: report}, err
}

// Fit trains as [FMClassifier.Fit] does, on targets y.
func (t FMRegressor) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*FMRegressorModel, error) {
	c := FMClassifier(t)
	if err := c.check(); err != nil {
		return nil, err
	}
	w, weight, err := rowWeights(X, y, w)
	if err != nil {
		return nil, err
	}
	f, err := newMachine(ctx, X, w, c)
	if err != nil {
		return nil, err
	}
	f.targets = y
	start := 0.0
	if !t.NoIntercept {
		start = weightedMean(y, w)
	}
	spread := math.Sqrt(totalSquares(y, w, true) / weight)
	if spread == 0 {
		spread = max(math.Abs(y[0]), 1)
	}
	m, report, err := f.fit(ctx, X, start, c.Tol*spread, c)
	if m == nil {
		return nil, err
	}
	return &FMRegressorModel{FMPredictor: *m, convergence: report}, err
}

// TrainClassifier calls [FMClassifier.Fit].
func (t FMClassifier) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	return classifier(t.Fit(ctx, X, y, w))
}

// TrainRegressor calls [FMRegressor.Fit].
func (t FMRegressor) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	return regressor(t.Fit(ctx, X, y, w))
}

// FMPredictor is what the models of factorization machines have in common: the score.
//
// Its methods, and those of models, return gram.ErrShape for shapes that do not fit and
// gram.ErrNonFinite for rows whose score is not finite, as those are that hold NaN or an
// infinity. Batch methods take O(k·n·d), or O(k) for each non-zero of a sparse X; row
// methods O(k) for each non-zero and no memory.
type FMPredictor struct {
	d, factors int
	weights    []float64 // for each feature its coefficient and factors
	squares    []float64 // ‖vⱼ‖²
	intercept  float64
}

func newFMPredictor(d, factors int, weights []float64, intercept float64) FMPredictor {
	m := FMPredictor{d: d, factors: factors, weights: weights, squares: make([]float64, d), intercept: intercept}
	for j := range m.squares {
		m.squares[j] = f64.SumSquares(m.row(j)[1:])
	}
	return m
}

// row returns feature j's coefficient and factors.
func (m *FMPredictor) row(j int) []float64 { return m.weights[j*(1+m.factors):][:1+m.factors] }

// Features returns d.
func (m *FMPredictor) Features() int { return m.d }

// Coef returns a copy of the d coefficients.
func (m *FMPredictor) Coef() []float64 {
	out := make([]float64, m.d)
	for j := range out {
		out[j] = m.row(j)[0]
	}
	return out
}

// Factors returns a copy of the factors, d×k row-major.
func (m *FMPredictor) Factors() []float64 {
	out := make([]float64, 0, m.d*m.factors)
	for j := range m.d {
		out = append(out, m.row(j)[1:]...)
	}
	return out
}

// Intercept returns the intercept, 0 if none was fitted.
func (m *FMPredictor) Intercept() float64 { return m.intercept }

// Interaction returns the weight vⱼ·vₗ of xⱼ·xₗ for two features. It panics if they are not
// in 0..d−1.
func (m *FMPredictor) Interaction(j, l int) float64 { return f64.Dot(m.row(j)[1:], m.row(l)[1:]) }

// Score returns z of one row.
func (m *FMPredictor) Score(x []float64) (float64, error) {
	if err := gram.CheckRow(x, m.d); err != nil {
		return 0, err
	}
	z := m.intercept
	pairs := 0.0
	for j, v := range x {
		if v != 0 {
			z += v * m.row(j)[0]
			pairs -= v * v * m.squares[j]
		}
	}
	const chunk = 32
	var sums [chunk]float64
	for lo := 0; lo < m.factors; lo += chunk {
		s := sums[:min(chunk, m.factors-lo)]
		clear(s)
		for j, v := range x {
			if v != 0 {
				f64.Axpy(v, m.row(j)[1+lo:][:len(s)], s)
			}
		}
		pairs += f64.SumSquares(s)
	}
	z += pairs / 2
	if z-z != 0 {
		return 0, badScore(x, -1, z)
	}
	return z, nil
}

// scores calls f with the scores of rows lo, lo+1 and so on, block by block.
func (m *FMPredictor) scores(X gram.Matrix, f func(lo int, z []float64)) error {
	n, _ := X.Dims()
	o := newSquaring(X)
	var t scratch
	rows := o.rows()
	for lo := 0; lo < n; lo += rows {
		s := span{lo, min(n, lo+rows)}
		z, _ := o.scores(s, m, &t)
		for i, v := range z {
			if v-v != 0 {
				return badRow(o.x, lo+i, v)
			}
		}
		f(lo, z)
	}
	return nil
}

// FMClassifierModel is what [FMClassifier] fits.
type FMClassifierModel struct {
	FMPredictor
	convergence gram.Convergence
}

// Convergence reports how the fit ended. Its Residual is the gradient norm that
// [FMClassifier] defines, its Tolerance Tol·Σw.
func (m *FMClassifierModel) Convergence() gram.Convergence { return m.convergence }

// Classes returns 2.
func (m *FMClassifierModel) Classes() int { return 2 }

// Predict returns the more probable class of each of the n rows, 0 where they tie.
// len(dst) is n.
func (m *FMClassifierModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	return byScores(dst, 1, X, m.d, m.scores, setClasses)
}

// PredictProba returns the probabilities of the classes, n×2 row-major.
func (m *FMClassifierModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	return byScores(dst, 2, X, m.d, m.scores, setProbas)
}

// PredictRow returns the more probable class of one row, 0 if they tie.
func (m *FMClassifierModel) PredictRow(x []float64) (int, error) {
	z, err := m.Score(x)
	if err != nil {
		return 0, err
	}
	return classOf(z), nil
}

// PredictProbaRow sets dst, of length 2, to the probabilities for one row.
func (m *FMClassifierModel) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckDst(dst, 2); err != nil {
		return err
	}
	z, err := m.Score(x)
	if err != nil {
		return err
	}
	setProba(dst, z)
	return nil
}

// FMRegressorModel is what [FMRegressor] fits.
type FMRegressorModel struct {
	FMPredictor
	convergence gram.Convergence
}

// Convergence reports how the fit ended. Its Residual is the gradient norm that
// [FMClassifier] defines.
func (m *FMRegressorModel) Convergence() gram.Convergence { return m.convergence }

// Predict returns the prediction for each of the n rows. len(dst) is n.
func (m *FMRegressorModel) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	return byScores(dst, 1, X, m.d, m.scores, setScores)
}

// PredictRow returns the prediction for one row.
func (m *FMRegressorModel) PredictRow(x []float64) (float64, error) { return m.Score(x) }

func init() {
	gram.Register("linear.FMClassifier", 1, encodeFMClassifier, decodeFMClassifier)
	gram.Register("linear.FMRegressor", 1, encodeFMRegressor, decodeFMRegressor)
}

func (m *FMPredictor) encode(e *gram.Encoder) {
	e.Int(m.d)
	e.Int(m.factors)
	e.Floats(m.weights)
	e.Float(m.intercept)
}

func decodeFM(d *gram.Decoder) FMPredictor {
	features, factors := d.Count(), d.Count()
	weights := d.Floats(features, 1+factors)
	intercept := d.Float()
	checkFloats(d, weights, []float64{intercept})
	if features == 0 || factors == 0 {
		d.Fail("factorization machine of %d features and %d factors", features, factors)
	}
	if d.Err() != nil {
		return FMPredictor{}
	}
	return newFMPredictor(features, factors, weights, intercept)
}

func encodeFMClassifier(e *gram.Encoder, m *FMClassifierModel) {
	m.encode(e)
	e.Convergence(m.convergence)
}

func decodeFMClassifier(d *gram.Decoder, _ int) *FMClassifierModel {
	return &FMClassifierModel{FMPredictor: decodeFM(d), convergence: d.Convergence()}
}

func encodeFMRegressor(e *gram.Encoder, m *FMRegressorModel) {
	m.encode(e)
	e.Convergence(m.convergence)
}

func decodeFMRegressor(d *gram.Decoder, _ int) *FMRegressorModel {
	return &FMRegressorModel{FMPredictor: decodeFM(d), convergence: d.Convergence()}
}
