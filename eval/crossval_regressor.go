package eval

import (
	"context"
	"time"

	"github.com/gram-ml/gram"
)

// RegressorValidator is [ClassifierValidator] for regressors. Its zero value is 5-fold
// cross-validation by R².
type RegressorValidator struct {
	// Folds is what to train and to test on; nil means KFold{}: 5 folds in the order
	// of the rows. Splitters that look at labels get none.
	Folds Splitter
	// Scores are what to judge by. Curves show the first; none means R².
	Scores []RegressorScore
	// Seed chooses the rows that a learning curve begins with.
	Seed uint64
	// Workers limits the fits at one time, 0 means GOMAXPROCS.
	Workers int
}

// RegressorValidation is the result of [CrossValidateRegressor].
type RegressorValidation struct {
	// Folds holds the results in the order of the folds.
	Folds []RegressorFold
	// Pred holds for each row the prediction when it was tested, by a model that has
	// not seen it; NaN for a row that no fold tests, and the last of them for a row
	// that several do.
	Pred []float64
}

// RegressorFold is what cross-validation learned from one fold.
type RegressorFold struct {
	Fold
	// Model was fitted to the training rows.
	Model gram.Regressor
	// MSE and R2 are the scores on the test rows, with their weights.
	MSE, R2 float64
	// Scores holds, in the same order, the scores that were asked for.
	Scores []float64
	// FitTime and PredictTime are how long the fit and the predictions took.
	FitTime, PredictTime time.Duration
}

// MSE returns the mean and the standard deviation (that of the population) of the
// folds' mean squared errors.
func (c *RegressorValidation) MSE() (mean, std float64) {
	return c.spread(func(f *RegressorFold) float64 { return f.MSE })
}

// R2 returns the mean and the standard deviation (that of the population) of the folds'
// coefficients of determination.
func (c *RegressorValidation) R2() (mean, std float64) {
	return c.spread(func(f *RegressorFold) float64 { return f.R2 })
}

// Score returns the mean and the standard deviation (that of the population) over the
// folds of score number i of those that were asked for.
func (c *RegressorValidation) Score(i int) (mean, std float64) {
	return c.spread(func(f *RegressorFold) float64 { return f.Scores[i] })
}

// FitTime returns the time that the fits took together.
func (c *RegressorValidation) FitTime() time.Duration {
	var t time.Duration
	for i := range c.Folds {
		t += c.Folds[i].FitTime
	}
	return t
}

func (c *RegressorValidation) spread(score func(*RegressorFold) float64) (mean, std float64) {
	values := make([]float64, len(c.Folds))
	for i := range c.Folds {
		values[i] = score(&c.Folds[i])
	}
	return meanStd(values)
}

// CrossValidateRegressor is [RegressorValidator.CrossValidate] on the given folds, nil
// for KFold{}, by the given scores beside MSE and R².
func CrossValidateRegressor(ctx context.Context, trainer gram.RegressorTrainer, X gram.Matrix, y, w []float64, folds Splitter, scores ...RegressorScore) (*RegressorValidation, error) {
	return RegressorValidator{Folds: folds, Scores: scores}.CrossValidate(ctx, trainer, X, y, w)
}

// CrossValidate fits trainer to the training rows of each fold of X, n×d, targets y and
// sample weights w, nil for all ones, and scores it on the test rows. Errors and all else
// are as for [ClassifierValidator.CrossValidate], with gram.ErrNonFinite for targets.
func (v RegressorValidator) CrossValidate(ctx context.Context, trainer gram.RegressorTrainer, X gram.Matrix, y, w []float64) (*RegressorValidation, error) {
	return v.crossValidate(ctx, func(_ int, rows []int) gram.RegressorTrainer { return regressorOnRows(trainer, rows) }, X, y, w)
}

// regressorRowTrainer is rowTrainer for regressors.
type regressorRowTrainer interface {
	onRows(rows []int) gram.RegressorTrainer
}

func regressorOnRows(t gram.RegressorTrainer, rows []int) gram.RegressorTrainer {
	if r, ok := t.(regressorRowTrainer); ok {
		return r.onRows(rows)
	}
	return t
}

func (v RegressorValidator) crossValidate(ctx context.Context, trainer func(fold int, rows []int) gram.RegressorTrainer, X gram.Matrix, y, w []float64) (*RegressorValidation, error) {
	if err := checkTargets(X, y, w); err != nil {
		return nil, err
	}
	split, err := v.split(len(y))
	if err != nil {
		return nil, err
	}
	data := sample[float64]{X, y, w}
	cv := &RegressorValidation{Folds: make([]RegressorFold, len(split)), Pred: make([]float64, len(y))}
	preds, unconverged := make([][]float64, len(split)), make([]error, len(split))
	err = each(ctx, v.Workers, len(split), func(i int) error {
		cv.Folds[i].Fold = split[i]
		var err error
		preds[i], unconverged[i], err = cv.Folds[i].run(ctx, trainer, data, v.Scores, i)
		if err != nil {
			return atFold(i, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range cv.Pred {
		cv.Pred[i] = nan
	}
	for f, pred := range preds {
		for i, row := range split[f].Test {
			cv.Pred[row] = pred[i]
		}
	}
	return cv, joinFolds(unconverged)
}

func (v RegressorValidator) split(n int) ([]Fold, error) {
	if v.Folds == nil {
		return KFold{}.Split(n, nil)
	}
	return v.Folds.Split(n, nil)
}

// run fits and scores one fold and returns its predictions.
func (r *RegressorFold) run(ctx context.Context, trainer func(int, []int) gram.RegressorTrainer, data sample[float64], scores []RegressorScore, fold int) (pred []float64, unconverged, err error) {
	train, test, err := data.takeFold(r.Fold)
	if err != nil {
		return nil, nil, err
	}
	f, err := fitTo(ctx, trainer(fold, r.Train).TrainRegressor, train)
	if err != nil {
		return nil, nil, err
	}
	r.Model, r.FitTime = f.model, f.time
	start := time.Now()
	if pred, err = f.model.Predict(nil, test.X); err != nil {
		return nil, nil, err
	}
	r.PredictTime = time.Since(start)
	if r.MSE, err = MSE(test.y, pred, test.w); err != nil {
		return nil, nil, err
	}
	if r.R2, err = R2(test.y, pred, test.w); err != nil {
		return nil, nil, err
	}
	r.Scores, err = scoreTargets(scores, test, pred)
	return pred, f.unconverged, err
}
