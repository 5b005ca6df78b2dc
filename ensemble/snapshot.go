package ensemble

import (
	"context"
	"fmt"

	"github.com/gram-ml/gram"
)

// Snapshot averages models that one training passes through: an ensemble for the price
// of one fit. The training goes in cycles, each of which starts where the last one ended;
// with a learning rate that is high at the beginning of a cycle and falls to its end,
// cycles end in different minima.
//
// Trainers are values, so the training is a function: it returns the trainer of
// a cycle, which starts at the model of the cycle before. Ends of cycles are seldom
// converged, and gram.ErrNotConverged is not told of.
//
// Source: G. Huang et al., Snapshot ensembles: train 1, get M for free, ICLR 2017.
type Snapshot struct {
	// Next returns the trainer of cycle 0, 1 and so on; last is the model of the
	// cycle before, nil for the first. It must be set.
	Next func(cycle int, last gram.Classifier) gram.ClassifierTrainer
	// Cycles is the number of cycles, ≥ 1; 0 means 5.
	Cycles int
	// Keep is the number of models to average, the last of all, in 1..Cycles; 0 means
	// all. First cycles are often not worth keeping.
	Keep int
	// Progress, if not nil, is called after every cycle.
	Progress func(gram.Progress)
}

var _ gram.ClassifierTrainer = Snapshot{}

// Fit trains on X, n×d, labels y in 0..K−1 and weights w, nil for all ones. Errors are
// those of [Voting.Fit], and gram.ErrParam for no Next and counts out of range.
func (t Snapshot) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*VotingModel, error) {
	s, classes, err := labelled(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	if t.Next == nil {
		return nil, fmt.Errorf("Snapshot's Next is nil: %w", gram.ErrParam)
	}
	members, err := cycles(ctx, t.Cycles, t.Keep, t.Progress, func(i int, last gram.Classifier) (gram.Classifier, error) {
		trainer := t.Next(i, last)
		if trainer == nil {
			return nil, fmt.Errorf("trainer is nil: %w", gram.ErrParam)
		}
		return trainClassifier(ctx, trainer, s, classes)
	})
	if err != nil {
		return nil, s.explain(err)
	}
	return Vote(members, nil, false)
}

// cycles runs the cycles and returns the models to keep.
func cycles[M any](ctx context.Context, count, keep int, progress func(gram.Progress), next func(i int, last M) (M, error)) ([]M, error) {
	if count == 0 {
		count = 5
	}
	if keep == 0 {
		keep = count
	}
	if count < 1 || keep < 1 || keep > count {
		return nil, fmt.Errorf("%d models to keep of %d cycles: %w", keep, count, gram.ErrParam)
	}
	var members []M
	var last M
	for i := range count {
		m, err := next(i, last)
		if fatal(err) {
			return nil, fmt.Errorf("cycle %d: %w", i, err)
		}
		if last = m; i >= count-keep {
			members = append(members, m)
		}
		if progress != nil {
			progress(gram.Progress{Iteration: i + 1, Limit: count, Objective: nan, Residual: nan, Tolerance: nan})
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("fit stopped: %w", err)
		}
	}
	return members, nil
}

// TrainClassifier calls Fit.
func (t Snapshot) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	m, err := t.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// SnapshotRegressor is [Snapshot] for targets.
type SnapshotRegressor struct {
	// Next returns the trainer of cycle 0, 1 and so on; last is the model of the
	// cycle before, nil for the first. It must be set.
	Next func(cycle int, last gram.Regressor) gram.RegressorTrainer
	// Cycles is the number of cycles, ≥ 1; 0 means 5.
	Cycles int
	// Keep is the number of models to average, the last of all, in 1..Cycles; 0 means
	// all.
	Keep int
	// Progress, if not nil, is called after every cycle.
	Progress func(gram.Progress)
}

var _ gram.RegressorTrainer = SnapshotRegressor{}

// Fit is [Snapshot.Fit] with n targets in place of labels.
func (t SnapshotRegressor) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*VotingRegressorModel, error) {
	s, err := targeted(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	if t.Next == nil {
		return nil, fmt.Errorf("SnapshotRegressor's Next is nil: %w", gram.ErrParam)
	}
	members, err := cycles(ctx, t.Cycles, t.Keep, t.Progress, func(i int, last gram.Regressor) (gram.Regressor, error) {
		trainer := t.Next(i, last)
		if trainer == nil {
			return nil, fmt.Errorf("trainer is nil: %w", gram.ErrParam)
		}
		return trainRegressor(ctx, trainer, s)
	})
	if err != nil {
		return nil, s.explain(err)
	}
	return Average(members, nil)
}

// TrainRegressor calls Fit.
func (t SnapshotRegressor) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	m, err := t.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}
