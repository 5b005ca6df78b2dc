package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gram-ml/gram"
)

var nan = math.NaN()

// sample is rows to train or test on. Y is int for labels, float64 for targets.
type sample[Y any] struct {
	X gram.Matrix
	y []Y
	w []float64
}

func (s sample[Y]) take(rows []int) (sample[Y], error) {
	X, err := Rows(s.X, rows)
	if err != nil {
		return sample[Y]{}, err
	}
	return sample[Y]{X, Take(s.y, rows), Take(s.w, rows)}, nil
}

// takeFold returns the training and the test rows.
func (s sample[Y]) takeFold(f Fold) (train, test sample[Y], err error) {
	if len(f.Train) == 0 || len(f.Test) == 0 {
		return train, test, fmt.Errorf("%d training and %d test rows: %w", len(f.Train), len(f.Test), gram.ErrShape)
	}
	if train, err = s.take(f.Train); err != nil {
		return train, test, err
	}
	test, err = s.take(f.Test)
	return train, test, err
}

// A trainFunc is a trainer's method.
type trainFunc[Y any, M gram.Model] func(ctx context.Context, X gram.Matrix, y []Y, w []float64) (M, error)

// fitted is a model, how long the fit took, and the error of a fit that has not
// converged.
type fitted[M gram.Model] struct {
	model       M
	time        time.Duration
	unconverged error
}

// fitTo trains. It returns an error if there is no model.
func fitTo[Y any, M gram.Model](ctx context.Context, train trainFunc[Y, M], s sample[Y]) (f fitted[M], err error) {
	if err := ctx.Err(); err != nil {
		return f, err
	}
	start := time.Now()
	f.model, err = train(ctx, s.X, s.y, s.w)
	f.time = time.Since(start)
	if err != nil && (any(f.model) == nil || !errors.Is(err, gram.ErrNotConverged)) {
		return f, err
	}
	f.unconverged = err
	return f, nil
}

// A judge returns the scores of a model on some rows.
type judge[Y any, M gram.Model] func(m M, s sample[Y]) ([]float64, error)

func judgeClassifier(classes int, scores []ClassifierScore) judge[int, gram.Classifier] {
	return func(m gram.Classifier, s sample[int]) ([]float64, error) {
		pred, proba, err := predictClasses(m, s.X, classes)
		if err != nil {
			return nil, err
		}
		return scoreClasses(scores, s, pred, proba)
	}
}

func scoreClasses(scores []ClassifierScore, s sample[int], pred []int, proba []float64) ([]float64, error) {
	out := make([]float64, len(scores))
	for i, score := range scores {
		v, err := score.Of(s.y, pred, proba, s.w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", score.Name, err)
		}
		out[i] = v
	}
	return out, nil
}

func judgeRegressor(scores []RegressorScore) judge[float64, gram.Regressor] {
	return func(m gram.Regressor, s sample[float64]) ([]float64, error) {
		pred, err := m.Predict(nil, s.X)
		if err != nil {
			return nil, err
		}
		return scoreTargets(scores, s, pred)
	}
}

func scoreTargets(scores []RegressorScore, s sample[float64], pred []float64) ([]float64, error) {
	out := make([]float64, len(scores))
	for i, score := range scores {
		v, err := score.Of(s.y, pred, s.w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", score.Name, err)
		}
		out[i] = v
	}
	return out, nil
}

// predictClasses returns the predictions of m, and the probabilities of all classes.
func predictClasses(m gram.Classifier, X gram.Matrix, classes int) ([]int, []float64, error) {
	k := m.Classes()
	if k > classes {
		return nil, nil, fmt.Errorf("model of %d classes, labels of %d: %w", k, classes, gram.ErrLabels)
	}
	pred, err := m.Predict(nil, X)
	if err != nil {
		return nil, nil, err
	}
	proba, err := m.PredictProba(nil, X)
	if err != nil || k == classes {
		return pred, proba, err
	}
	all := make([]float64, len(pred)*classes)
	for i := range pred {
		copy(all[i*classes:], proba[i*k:(i+1)*k])
	}
	return pred, all, nil
}

// checkClasses checks what a classifier is to be trained on, and returns the number of
// classes.
func checkClasses(X gram.Matrix, y []int, w []float64) (classes int, err error) {
	n, _, err := gram.CheckMatrix(X)
	if err != nil {
		return 0, err
	}
	if classes, err = gram.CheckLabels(y, n); err != nil {
		return 0, err
	}
	_, err = gram.CheckWeights(w, n)
	return classes, err
}

// checkTargets checks what a regressor is to be trained on.
func checkTargets(X gram.Matrix, y, w []float64) error {
	n, _, err := gram.CheckMatrix(X)
	if err != nil {
		return err
	}
	if err := gram.CheckTargets(y, n); err != nil {
		return err
	}
	_, err = gram.CheckWeights(w, n)
	return err
}

// joinFolds joins the errors of folds that have one, with their numbers.
func joinFolds(errs []error) error {
	var all []error
	for i, err := range errs {
		if err != nil {
			all = append(all, atFold(i, err))
		}
	}
	return errors.Join(all...)
}

func atFold(i int, err error) error { return fmt.Errorf("fold %d: %w", i, err) }
