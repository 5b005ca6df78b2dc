package eval

import (
	"context"
	"time"

	"github.com/gram-ml/gram"
)

// ClassifierValidator says how trainers of classifiers are judged: on which folds and by
// which scores. Its zero value is 5-fold stratified cross-validation by accuracy.
//
// Fits run at the same time, each on the goroutines that its trainer takes. Results do
// not depend on how many run; a Progress function of the trainer must be safe for
// concurrent calls, or Workers be 1.
type ClassifierValidator struct {
	// Folds is what to train and to test on; nil means StratifiedKFold{}: 5 folds in
	// the order of the rows.
	Folds Splitter
	// Scores are what to judge by. Curves show the first; none means accuracy.
	Scores []ClassifierScore
	// Seed chooses the rows that a learning curve begins with.
	Seed uint64
	// Workers limits the fits at one time, 0 means GOMAXPROCS.
	Workers int
}

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
	// Scores holds, in the same order, the scores that were asked for.
	Scores []float64
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

// Score returns the mean and the standard deviation (that of the population) over the
// folds of score number i of those that were asked for.
func (c *CrossValidation) Score(i int) (mean, std float64) {
	return c.spread(func(f *FoldResult) float64 { return f.Scores[i] })
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
	values := make([]float64, len(c.Folds))
	for i := range c.Folds {
		values[i] = score(&c.Folds[i])
	}
	return meanStd(values)
}

// CrossValidate is [ClassifierValidator.CrossValidate] on the given folds, nil for
// StratifiedKFold{}, by the given scores beside accuracy and log-loss.
func CrossValidate(ctx context.Context, trainer gram.ClassifierTrainer, X gram.Matrix, y []int, w []float64, folds Splitter, scores ...ClassifierScore) (*CrossValidation, error) {
	return ClassifierValidator{Folds: folds, Scores: scores}.CrossValidate(ctx, trainer, X, y, w)
}

// CrossValidate fits trainer to the training rows of each fold of X, n×d, labels y in
// 0..K−1 and sample weights w, nil for all ones, and scores it on the test rows.
//
// The result but for the times is as reproducible as the trainer. A class that is
// missing from the training rows and is the last of all has probability 0; a fit without
// any other class is the trainer's error.
//
// Errors: gram.ErrShape, gram.ErrNonFinite, gram.ErrLabels and gram.ErrWeights for the
// data as a fit has them, naming rows of X; those of the splitter; and those of trainer,
// model and scores, with the number of the fold. When fits end unconverged, the result
// is complete and comes with an error that wraps gram.ErrNotConverged and names the
// folds. The time is that of the fits, one for each fold.
func (v ClassifierValidator) CrossValidate(ctx context.Context, trainer gram.ClassifierTrainer, X gram.Matrix, y []int, w []float64) (*CrossValidation, error) {
	return v.crossValidate(ctx, func(_ int, rows []int) gram.ClassifierTrainer { return onRows(trainer, rows) }, X, y, w)
}

// A rowTrainer splits rows itself, and is told which ones of those that its splitter
// knows about it is to be trained on.
type rowTrainer interface {
	onRows(rows []int) gram.ClassifierTrainer
}

func onRows(t gram.ClassifierTrainer, rows []int) gram.ClassifierTrainer {
	if r, ok := t.(rowTrainer); ok {
		return r.onRows(rows)
	}
	return t
}

// subset cuts a splitter down to some rows if it depends on them.
func subset(s Splitter, rows []int) Splitter {
	if sub, ok := s.(Subsetter); ok {
		return sub.Subset(rows)
	}
	return s
}

// crossValidate asks for the trainer of each fold by its number and training rows.
func (v ClassifierValidator) crossValidate(ctx context.Context, trainer func(fold int, rows []int) gram.ClassifierTrainer, X gram.Matrix, y []int, w []float64) (*CrossValidation, error) {
	classes, err := checkClasses(X, y, w)
	if err != nil {
		return nil, err
	}
	split, err := v.split(y)
	if err != nil {
		return nil, err
	}
	data := sample[int]{X, y, w}
	runs := make([]foldRun, len(split))
	unconverged := make([]error, len(split))
	err = each(ctx, v.Workers, len(split), func(i int) error {
		runs[i].Fold = split[i]
		err := runs[i].run(ctx, trainer, data, classes, v.Scores, i)
		if err != nil {
			return atFold(i, err)
		}
		unconverged[i] = runs[i].unconverged
		return nil
	})
	if err != nil {
		return nil, err
	}
	return collect(runs, classes, len(y)), joinFolds(unconverged)
}

func (v ClassifierValidator) split(y []int) ([]Fold, error) {
	if v.Folds == nil {
		return StratifiedKFold{}.Split(len(y), y)
	}
	return v.Folds.Split(len(y), y)
}

// foldRun is the result of a fold with its predictions.
type foldRun struct {
	FoldResult
	pred        []int
	proba       []float64
	unconverged error
}

// run fits and scores one fold and keeps its predictions.
func (r *foldRun) run(ctx context.Context, trainer func(int, []int) gram.ClassifierTrainer, data sample[int], classes int, scores []ClassifierScore, fold int) error {
	train, test, err := data.takeFold(r.Fold)
	if err != nil {
		return err
	}
	f, err := fitTo(ctx, trainer(fold, r.Train).TrainClassifier, train)
	if err != nil {
		return err
	}
	r.Model, r.FitTime, r.unconverged = f.model, f.time, f.unconverged
	start := time.Now()
	if r.pred, r.proba, err = predictClasses(f.model, test.X, classes); err != nil {
		return err
	}
	r.PredictTime = time.Since(start)
	if r.Accuracy, err = Accuracy(test.y, r.pred, test.w); err != nil {
		return err
	}
	if r.LogLoss, err = LogLoss(test.y, r.proba, test.w); err != nil {
		return err
	}
	r.Scores, err = scoreClasses(scores, test, r.pred, r.proba)
	return err
}

// collect puts the folds together, in their order.
func collect(runs []foldRun, classes, n int) *CrossValidation {
	cv := &CrossValidation{Classes: classes, Pred: make([]int, n), Proba: make([]float64, n*classes)}
	for i := range cv.Pred {
		cv.Pred[i] = -1
	}
	for i := range cv.Proba {
		cv.Proba[i] = nan
	}
	for _, r := range runs {
		cv.Folds = append(cv.Folds, r.FoldResult)
		for i, row := range r.Test {
			cv.Pred[row] = r.pred[i]
			copy(cv.Proba[row*classes:(row+1)*classes], r.proba[i*classes:])
		}
	}
	return cv
}
