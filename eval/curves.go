package eval

import (
	"context"
	"errors"
	"fmt"

	"github.com/gram-ml/gram"
)

// A CurvePoint is a point of a learning or validation curve.
type CurvePoint struct {
	// Rows is the mean number of rows that were trained on.
	Rows int
	// Train and Test hold the score of each fold on the rows that were trained on and
	// on the test rows. Far apart, the model fits noise: more rows or a stronger
	// penalty help. Both bad, it is too simple.
	Train, Test Scores
}

// LearningCurve returns how the score grows with the rows to train on: for each share,
// in (0, 1], that part of each fold's training rows, taken at random and in every class
// alike, a larger part containing the smaller. Nil shares are 0.1, 0.325, 0.55, 0.775
// and 1. Test rows are always all those of the fold.
//
// Errors: those of [ClassifierValidator.CrossValidate], naming the point, too, and
// gram.ErrParam for a share out of range. gram.ErrNotConverged comes with the result.
// The cost is that of the fits, one for each share and fold.
func (v ClassifierValidator) LearningCurve(ctx context.Context, trainer gram.ClassifierTrainer, X gram.Matrix, y []int, w []float64, shares []float64) ([]CurvePoint, error) {
	e, err := v.engine(X, y, w)
	if err != nil {
		return nil, err
	}
	return learningCurve(ctx, e, trainer, shares)
}

// ValidationCurve returns how the score changes from trainer to trainer, say of growing
// strength of a penalty: one point for each, on training rows and on test rows. Errors
// and cost are those of [ClassifierValidator.LearningCurve], with trainers for shares.
func (v ClassifierValidator) ValidationCurve(ctx context.Context, trainers []gram.ClassifierTrainer, X gram.Matrix, y []int, w []float64) ([]CurvePoint, error) {
	e, err := v.engine(X, y, w)
	if err != nil {
		return nil, err
	}
	return e.points(ctx, trainers, ones(len(trainers)))
}

// LearningCurve is [ClassifierValidator.LearningCurve] for regressors.
func (v RegressorValidator) LearningCurve(ctx context.Context, trainer gram.RegressorTrainer, X gram.Matrix, y, w, shares []float64) ([]CurvePoint, error) {
	e, err := v.engine(X, y, w)
	if err != nil {
		return nil, err
	}
	return learningCurve(ctx, e, trainer, shares)
}

// ValidationCurve is [ClassifierValidator.ValidationCurve] for regressors.
func (v RegressorValidator) ValidationCurve(ctx context.Context, trainers []gram.RegressorTrainer, X gram.Matrix, y, w []float64) ([]CurvePoint, error) {
	e, err := v.engine(X, y, w)
	if err != nil {
		return nil, err
	}
	return e.points(ctx, trainers, ones(len(trainers)))
}

func learningCurve[Y, T any, M gram.Model](ctx context.Context, e *engine[Y, T, M], trainer T, shares []float64) ([]CurvePoint, error) {
	if shares == nil {
		shares = []float64{0.1, 0.325, 0.55, 0.775, 1}
	}
	trainers := make([]T, len(shares))
	for i, s := range shares {
		if !(s > 0 && s <= 1) {
			return nil, fmt.Errorf("share %v is not in (0, 1]: %w", s, gram.ErrParam)
		}
		trainers[i] = trainer
	}
	return e.points(ctx, trainers, shares)
}

// points tries every trainer on its share of the rows.
func (e *engine[Y, T, M]) points(ctx context.Context, trainers []T, shares []float64) ([]CurvePoint, error) {
	e.onTrain = true
	all, err := e.tryAll(ctx, trainers, shares)
	if err != nil {
		return nil, err
	}
	points := make([]CurvePoint, len(trainers))
	var unconverged []error
	for i, trials := range all {
		for f, t := range trials {
			if t.err != nil {
				return nil, fmt.Errorf("point %d: %w", i, atFold(f, t.err))
			}
			if t.unconverged != nil {
				unconverged = append(unconverged, fmt.Errorf("point %d: %w", i, atFold(f, t.unconverged)))
			}
			points[i].Rows += t.rows
			points[i].Train = append(points[i].Train, t.trainScore)
			points[i].Test = append(points[i].Test, t.score)
		}
		points[i].Rows /= len(trials)
	}
	return points, errors.Join(unconverged...)
}

func ones(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = 1
	}
	return x
}
