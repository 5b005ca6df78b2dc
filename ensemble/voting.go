package ensemble

import (
	"context"
	"fmt"
	"slices"

	"github.com/gram-ml/gram"
)

// Voting trains several classifiers on the same rows, which then decide together: by the
// mean of their probabilities or, if Hard, by their votes.
//
// It helps where the members err in different ways, such as a linear model, a
// forest and nearest neighbours do. One fit of each is what it costs; that of
// the best member is what it is to be compared with. [Stacking] finds the weights
// itself.
type Voting struct {
	// Trainers train the members, in order. There must be at least one.
	Trainers []gram.ClassifierTrainer
	// Weights are those of the members, ≥ 0 and not all 0; nil means equal ones.
	Weights []float64
	// Hard counts votes: the probability of a class is the share of the weights of
	// the members that predict it. A member's confidence is then lost, which is right
	// only where it means nothing.
	Hard bool
	// Workers limits the fits at one time, 0 means GOMAXPROCS. Each takes the
	// goroutines that its trainer asks for.
	Workers int
	// Progress, if not nil, is called after every fit.
	Progress func(gram.Progress)
}

var _ gram.ClassifierTrainer = Voting{}

// Fit trains the members on X, n×d, labels y in 0..K−1 and weights w, nil for all ones.
//
// Errors: gram.ErrShape, gram.ErrLabels, gram.ErrWeights, and gram.ErrNonFinite if a
// member does not take missing values; gram.ErrParam for no trainers or bad Weights;
// those of the trainers, with the number of the member. Members that do not converge
// stay in the model, and the error says so.
func (t Voting) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*VotingModel, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	s, classes, err := labelled(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	members := make([]gram.Classifier, len(t.Trainers))
	limit, err := each(ctx, t.Workers, len(members), "member", t.Progress, func(ctx context.Context, i int) (err error) {
		members[i], err = trainClassifier(ctx, t.Trainers[i], s, classes)
		return err
	})
	if err != nil {
		return nil, s.explain(err)
	}
	m, err := Vote(members, t.Weights, t.Hard)
	if err != nil {
		return nil, err
	}
	return m, limit
}

func (t Voting) check() error {
	if err := noneNil("trainer", t.Trainers); err != nil {
		return err
	}
	_, err := shares(t.Weights, len(t.Trainers))
	return err
}

// noneNil tells what is wrong with a list of trainers.
func noneNil[T comparable](name string, list []T) error {
	var none T
	if len(list) == 0 {
		return fmt.Errorf("no %ss: %w", name, gram.ErrParam)
	}
	if i := slices.Index(list, none); i >= 0 {
		return fmt.Errorf("%s %d is nil: %w", name, i, gram.ErrParam)
	}
	return nil
}

// TrainClassifier calls Fit.
func (t Voting) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	m, err := t.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// VotingModel is classifiers that decide together: what [Voting], [Snapshot] and [Vote]
// make. A prediction takes as long as those of all members.
type VotingModel struct{ committee }

// Vote makes one classifier of several that have been trained, as [Voting] describes it.
// They must agree in their features and classes, or the error is gram.ErrShape;
// no members, a nil one and bad weights are gram.ErrParam.
func Vote(members []gram.Classifier, weights []float64, hard bool) (*VotingModel, error) {
	c, err := newCommittee(slices.Clone(members), weights, hard)
	if err != nil {
		return nil, err
	}
	return &VotingModel{c}, nil
}

// Members returns the classifiers. The slice is the caller's.
func (m *VotingModel) Members() []gram.Classifier { return slices.Clone(m.members) }

// Weights returns a copy of the members' weights, which sum to 1.
func (m *VotingModel) Weights() []float64 { return slices.Clone(m.weights) }

// Hard tells whether the members vote.
func (m *VotingModel) Hard() bool { return m.hard }

// Features returns d.
func (m *VotingModel) Features() int { return m.features }

// Classes returns K.
func (m *VotingModel) Classes() int { return m.classes }

// Predict returns the class of the highest mean probability, or of the most votes, of
// each of the n rows; ties go to the smaller class.
func (m *VotingModel) Predict(dst []int, X gram.Matrix) ([]int, error) { return predict(m, dst, X) }

// PredictProba returns the mean probabilities, or the shares of votes, n×K row-major.
func (m *VotingModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	return predictProba(m, dst, X)
}

// PredictRow is Predict for one row.
func (m *VotingModel) PredictRow(x []float64) (int, error) { return predictRow(m, x) }

// PredictProbaRow is PredictProba for one row.
func (m *VotingModel) PredictProbaRow(dst, x []float64) error { return m.probaRow(dst, x) }

// VotingRegressor is [Voting] for targets: the members' predictions are averaged.
type VotingRegressor struct {
	// Trainers train the members, in order. There must be at least one.
	Trainers []gram.RegressorTrainer
	// Weights are those of the members, ≥ 0 and not all 0; nil means equal ones.
	Weights []float64
	// Workers limits the fits at one time, 0 means GOMAXPROCS.
	Workers int
	// Progress, if not nil, is called after every fit.
	Progress func(gram.Progress)
}

var _ gram.RegressorTrainer = VotingRegressor{}

// Fit is [Voting.Fit] with n targets in place of labels.
func (t VotingRegressor) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*VotingRegressorModel, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	s, err := targeted(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	members := make([]gram.Regressor, len(t.Trainers))
	limit, err := each(ctx, t.Workers, len(members), "member", t.Progress, func(ctx context.Context, i int) (err error) {
		members[i], err = trainRegressor(ctx, t.Trainers[i], s)
		return err
	})
	if err != nil {
		return nil, s.explain(err)
	}
	m, err := Average(members, t.Weights)
	if err != nil {
		return nil, err
	}
	return m, limit
}

func (t VotingRegressor) check() error {
	if err := noneNil("trainer", t.Trainers); err != nil {
		return err
	}
	_, err := shares(t.Weights, len(t.Trainers))
	return err
}

// TrainRegressor calls Fit.
func (t VotingRegressor) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	m, err := t.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// VotingRegressorModel is regressors whose predictions are averaged: what
// [VotingRegressor], [SnapshotRegressor] and [Average] make.
type VotingRegressorModel struct{ panel }

// Average makes one regressor of several that have been trained. They must agree in
// their features, or the error is gram.ErrShape; no members, a nil one and bad weights
// are gram.ErrParam.
func Average(members []gram.Regressor, weights []float64) (*VotingRegressorModel, error) {
	p, err := newPanel(slices.Clone(members), weights)
	if err != nil {
		return nil, err
	}
	return &VotingRegressorModel{p}, nil
}

// Members returns the regressors. The slice is the caller's.
func (m *VotingRegressorModel) Members() []gram.Regressor { return slices.Clone(m.members) }

// Weights returns a copy of the members' weights, which sum to 1.
func (m *VotingRegressorModel) Weights() []float64 { return slices.Clone(m.weights) }

// Features returns d.
func (m *VotingRegressorModel) Features() int { return m.features }

// Predict returns the mean prediction for each of the n rows.
func (m *VotingRegressorModel) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	return mapBlocks(m, 1, m.block, dst, X)
}

// PredictRow is Predict for one row.
func (m *VotingRegressorModel) PredictRow(x []float64) (float64, error) { return m.row(x) }

func init() {
	gram.Register("ensemble.Voting", 1,
		func(e *gram.Encoder, m *VotingModel) { m.encode(e) },
		func(d *gram.Decoder, _ int) *VotingModel { return &VotingModel{decodeCommittee(d)} })
	gram.Register("ensemble.VotingRegressor", 1,
		func(e *gram.Encoder, m *VotingRegressorModel) { m.encode(e) },
		func(d *gram.Decoder, _ int) *VotingRegressorModel { return &VotingRegressorModel{decodePanel(d)} })
}
