package eval

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/gram-ml/gram"
)

// TunedThreshold trains a classifier of two classes and the threshold on its probability
// at which to decide for class 1. Without it classifiers decide at ½, which is right
// only when both errors cost the same and probabilities are calibrated.
//
// The threshold is chosen on predictions for rows that the model making them has not
// seen, those of a cross-validation inside the fit, so it does not learn from
// overconfidence; the base is then fitted to all rows. It is a gram.ClassifierTrainer
// and can be cross-validated as a whole.
type TunedThreshold struct {
	// Base trains the classifier. It must be set.
	Base gram.ClassifierTrainer
	// Rule chooses the threshold; nil means MaxFBeta(1).
	Rule ThresholdRule
	// Folds is what to train and to test on; nil means StratifiedKFold{}.
	Folds Splitter
	// Workers limits the fits at one time, 0 means GOMAXPROCS. The model does not
	// depend on it.
	Workers int
}

// Fit trains on X, n×d, labels y of 0 and 1 and sample weights w, nil for all ones. It
// takes one fit for each fold and one more.
//
// Errors: gram.ErrParam if there is no Base; gram.ErrLabels for more than two classes;
// those of [ClassifierValidator.CrossValidate], of the rule and of Base.
// gram.ErrNotConverged comes with the model.
func (t TunedThreshold) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*ThresholdModel, error) {
	if t.Base == nil {
		return nil, fmt.Errorf("Base is nil: %w", gram.ErrParam)
	}
	classes, err := checkClasses(X, y, w)
	if err != nil {
		return nil, err
	}
	if classes != 2 {
		return nil, fmt.Errorf("threshold between %d classes: %w", classes, gram.ErrLabels)
	}
	rule := t.Rule
	if rule == nil {
		rule = MaxFBeta(1)
	}
	cv, limit := ClassifierValidator{Folds: t.Folds, Workers: t.Workers}.CrossValidate(ctx, t.Base, X, y, w)
	if cv == nil {
		return nil, limit
	}
	cuts, err := cv.cuts(y, w)
	if err != nil {
		return nil, err
	}
	threshold, value, err := rule(cuts)
	if err == nil && math.IsNaN(threshold) {
		err = fmt.Errorf("rule chose a threshold of NaN: %w", gram.ErrNonFinite)
	}
	if err != nil {
		return nil, err
	}
	f, err := fitTo(ctx, t.Base.TrainClassifier, sample[int]{X, y, w})
	if err != nil {
		return nil, err
	}
	m, err := newThresholdModel(f.model, threshold, value)
	if err != nil {
		return nil, err
	}
	if limit == nil {
		limit = f.unconverged
	}
	return m, limit
}

// TrainClassifier calls [TunedThreshold.Fit].
func (t TunedThreshold) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	return t.Fit(ctx, X, y, w)
}

func (t TunedThreshold) onRows(rows []int) gram.ClassifierTrainer {
	t.Folds = subset(t.Folds, rows)
	return t
}

// cuts returns those of the rows that have been tested, by the probability of class 1.
func (c *CrossValidation) cuts(y []int, w []float64) (*Cuts, error) {
	var tested []int
	for i, p := range c.Pred {
		if p >= 0 {
			tested = append(tested, i)
		}
	}
	return NewCuts(Take(y, tested), Take(column(c.Proba, c.Classes, 1), tested), Take(w, tested))
}

// ThresholdModel is what [TunedThreshold] fits: a classifier of two classes that decides
// for class 1 when its probability is at least a threshold. Probabilities are those of
// the classifier, so Predict may choose the less probable class: that is what it is for.
//
// Its methods return gram.ErrShape for shapes that do not fit, and the errors of the
// classifier.
type ThresholdModel struct {
	base             gram.Classifier
	threshold, value float64
	scratch          sync.Pool // of *[2]float64
}

func newThresholdModel(base gram.Classifier, threshold, value float64) (*ThresholdModel, error) {
	if k := base.Classes(); k != 2 {
		return nil, fmt.Errorf("threshold for a model of %d classes: %w", k, gram.ErrLabels)
	}
	return &ThresholdModel{base: base, threshold: threshold, value: value}, nil
}

// Threshold returns the least probability of class 1 at which it is predicted. +Inf
// means that it never is.
func (m *ThresholdModel) Threshold() float64 { return m.threshold }

// Value returns what the rule gave for the threshold on the cross-validated predictions:
// F-beta, say, or the mean cost. The best of many, it is a little too good.
func (m *ThresholdModel) Value() float64 { return m.value }

// Base returns the classifier.
func (m *ThresholdModel) Base() gram.Classifier { return m.base }

// Features returns the number of features of the classifier.
func (m *ThresholdModel) Features() int { return m.base.Features() }

// Classes returns 2.
func (m *ThresholdModel) Classes() int { return 2 }

// Predict returns for each of the n rows 1 where the probability of class 1 is at least
// the threshold, and 0 elsewhere. len(dst) is n.
func (m *ThresholdModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	proba, err := m.base.PredictProba(nil, X)
	if err != nil {
		return nil, err
	}
	for i := range dst {
		dst[i] = m.decide(proba[2*i+1])
	}
	return dst, nil
}

// PredictProba returns the classifier's probabilities, n×2 row-major.
func (m *ThresholdModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	return m.base.PredictProba(dst, X)
}

// PredictRow returns 1 if the probability of class 1 is at least the threshold.
func (m *ThresholdModel) PredictRow(x []float64) (int, error) {
	p, _ := m.scratch.Get().(*[2]float64)
	if p == nil {
		p = new([2]float64)
	}
	defer m.scratch.Put(p)
	if err := m.base.PredictProbaRow(p[:], x); err != nil {
		return 0, err
	}
	return m.decide(p[1]), nil
}

// PredictProbaRow sets dst, of length 2, to the classifier's probabilities for one row.
func (m *ThresholdModel) PredictProbaRow(dst, x []float64) error {
	return m.base.PredictProbaRow(dst, x)
}

func (m *ThresholdModel) decide(p float64) int {
	if p >= m.threshold {
		return 1
	}
	return 0
}

func init() { gram.Register("eval.TunedThreshold", 1, encodeThreshold, decodeThreshold) }

func encodeThreshold(e *gram.Encoder, m *ThresholdModel) {
	e.Model(m.base)
	e.Float(m.threshold)
	e.Float(m.value)
}

func decodeThreshold(d *gram.Decoder, _ int) *ThresholdModel {
	base, threshold, value := gram.DecodeModel[gram.Classifier](d), d.Float(), d.Float()
	if math.IsNaN(threshold) {
		d.Fail("threshold is NaN")
	}
	if d.Err() != nil {
		return nil
	}
	m, err := newThresholdModel(base, threshold, value)
	if err != nil {
		d.Fail("%v", err)
	}
	return m
}
