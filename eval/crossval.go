package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gram-ml/gram"
)

// CrossValidation is the result of [CrossValidate].
type CrossValidation struct {
	// Classes is the number of classes K of the labels.
	Classes int
	// Folds holds the results in the order of the folds.
	Folds []FoldResult
	// Pred holds for each row the class predicted when it was tested, by a model
	// that has not seen it; −1 for a row that no fold tests, and the last of them
	// for a row that several do.
	Pred []int
	// Proba holds in the same way the probabilities, n×K row-major; NaN for a row
	// that no fold tests.
	Proba []float64
}

// FoldResult is what cross-validation learned from one fold.
type FoldResult struct {
	Fold
	// Model was fitted to the training rows.
	Model gram.Classifier
	// Accuracy and LogLoss are the scores on the test rows, with their weights.
	Accuracy, LogLoss float64
	// FitTime and PredictTime are how long the fit and the predictions took.
	FitTime, PredictTime time.Duration
}

// Accuracy returns the mean and the standard deviation (that of the population) of the
// folds' accuracies.
func (c *CrossValidation) Accuracy() (mean, std float64) {
	return c.spread(func(f *FoldResult) float64 { return f.Accuracy })
}

// LogLoss returns the mean and the standard deviation (that of the population) of the
// folds' log-losses.
func (c *CrossValidation) LogLoss() (mean, std float64) {
	return c.spread(func(f *FoldResult) float64 { return f.LogLoss })
}

// FitTime returns the time that the fits took together.
func (c *CrossValidation) FitTime() time.Duration {
	var t time.Duration
	for i := range c.Folds {
		t += c.Folds[i].FitTime
	}
	return t
}

func (c *CrossValidation) spread(score func(*FoldResult) float64) (mean, std float64) {
	n := float64(len(c.Folds))
	for i := range c.Folds {
		mean += score(&c.Folds[i]) / n
	}
	for i := range c.Folds {
		d := score(&c.Folds[i]) - mean
		std += d * d / n
	}
	return mean, math.Sqrt(std)
}

// CrossValidate fits trainer to the training rows of each fold of X, n×d, labels y in
// 0..K−1 and sample weights w, nil for all ones, and scores it on the test rows. A nil
// folds means StratifiedKFold{}: 5 folds in the order of the rows.
//
// Folds are fitted one after the other, as trainers are parallel inside, so the result
// but for the times is as reproducible as the trainer. A class that is missing from the
// training rows and is the last of all has probability 0; a fit without any other class
// is the trainer's error.
//
// Errors: gram.ErrShape, gram.ErrNonFinite, gram.ErrLabels and gram.ErrWeights for the
// data as a fit has them, naming rows of X; those of the splitter; and those of trainer
// and model, with the number of the fold. When fits end unconverged, the result is
// complete and comes with an error that wraps gram.ErrNotConverged and names the folds.
func CrossValidate(ctx context.Context, trainer gram.ClassifierTrainer, X gram.Matrix, y []int, w []float64, folds Splitter) (*CrossValidation, error) {
	n, _, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	classes, err := gram.CheckLabels(y, n)
	if err != nil {
		return nil, err
	}
	if _, err := gram.CheckWeights(w, n); err != nil {
		return nil, err
	}
	if folds == nil {
		folds = StratifiedKFold{}
	}
	split, err := folds.Split(n, y)
	if err != nil {
		return nil, err
	}
	cv := &CrossValidation{Classes: classes, Pred: make([]int, n), Proba: make([]float64, n*classes)}
	for i := range cv.Pred {
		cv.Pred[i] = -1
	}
	for i := range cv.Proba {
		cv.Proba[i] = math.NaN()
	}
	var unconverged []error
	for i, fold := range split {
		r, err := cv.run(ctx, trainer, X, y, w, fold)
		if err != nil {
			err = fmt.Errorf("fold %d: %w", i, err)
			if r == nil || !errors.Is(err, gram.ErrNotConverged) {
				return nil, err
			}
			unconverged = append(unconverged, err)
		}
		cv.Folds = append(cv.Folds, *r)
	}
	return cv, errors.Join(unconverged...)
}

// run fits and scores one fold and keeps its predictions. A result together with an
// error is that of an unconverged fit.
func (c *CrossValidation) run(ctx context.Context, trainer gram.ClassifierTrainer, X gram.Matrix, y []int, w []float64, fold Fold) (*FoldResult, error) {
	if len(fold.Train) == 0 || len(fold.Test) == 0 {
		return nil, fmt.Errorf("%d training and %d test rows: %w", len(fold.Train), len(fold.Test), gram.ErrShape)
	}
	train, err := Rows(X, fold.Train)
	if err != nil {
		return nil, err
	}
	test, err := Rows(X, fold.Test)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	m, unconverged := trainer.TrainClassifier(ctx, train, Take(y, fold.Train), Take(w, fold.Train))
	if unconverged != nil && (m == nil || !errors.Is(unconverged, gram.ErrNotConverged)) {
		return nil, unconverged
	}
	r := &FoldResult{Fold: fold, Model: m, FitTime: time.Since(start)}
	start = time.Now()
	pred, proba, err := c.predict(m, test)
	if err != nil {
		return nil, err
	}
	r.PredictTime = time.Since(start)
	for i, row := range fold.Test {
		c.Pred[row] = pred[i]
		copy(c.Proba[row*c.Classes:(row+1)*c.Classes], proba[i*c.Classes:])
	}
	yt, wt := Take(y, fold.Test), Take(w, fold.Test)
	if r.Accuracy, err = Accuracy(yt, pred, wt); err != nil {
		return nil, err
	}
	if r.LogLoss, err = LogLoss(yt, proba, wt); err != nil {
		return nil, err
	}
	return r, unconverged
}

// predict returns the predictions of m, and the probabilities of all classes.
func (c *CrossValidation) predict(m gram.Classifier, X gram.Matrix) ([]int, []float64, error) {
	k := m.Classes()
	if k > c.Classes {
		return nil, nil, fmt.Errorf("model of %d classes, labels of %d: %w", k, c.Classes, gram.ErrLabels)
	}
	pred, err := m.Predict(nil, X)
	if err != nil {
		return nil, nil, err
	}
	proba, err := m.PredictProba(nil, X)
	if err != nil || k == c.Classes {
		return pred, proba, err
	}
	all := make([]float64, len(pred)*c.Classes)
	for i := range pred {
		copy(all[i*c.Classes:], proba[i*k:(i+1)*k])
	}
	return pred, all, nil
}
