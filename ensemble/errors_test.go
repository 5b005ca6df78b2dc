package ensemble_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linear"
)

func reload(t *testing.T, m gram.Model) gram.Model {
	t.Helper()
	var buf bytes.Buffer
	if err := gram.Save(&buf, m); err != nil {
		t.Fatal(err)
	}
	return must(gram.Load(&buf))(t)
}

func TestErrors(t *testing.T) {
	g, X := readGolden(t)
	one := []gram.ClassifierTrainer{stump{}}
	real := []gram.RegressorTrainer{stump{}}
	for name, c := range map[string]struct {
		trainer any
		kind    error
		text    string
	}{
		"no trainers":    {ensemble.Voting{}, gram.ErrParam, "no trainers"},
		"nil trainer":    {ensemble.Voting{Trainers: []gram.ClassifierTrainer{nil}}, gram.ErrParam, "trainer 0 is nil"},
		"weights":        {ensemble.Voting{Trainers: one, Weights: []float64{math.NaN()}}, gram.ErrParam, "member 0 is NaN"},
		"no regressors":  {ensemble.VotingRegressor{}, gram.ErrParam, "no trainers"},
		"estimators":     {ensemble.Bagging{Base: stump{}, Estimators: -1}, gram.ErrParam, "Estimators is -1"},
		"samples":        {ensemble.Bagging{Base: stump{}, MaxSamples: 1.5}, gram.ErrParam, "MaxSamples is 1.5"},
		"features":       {ensemble.BaggingRegressor{Base: stump{}, MaxFeatures: -0.5}, gram.ErrParam, "MaxFeatures is -0.5"},
		"out of bag":     {ensemble.BaggingRegressor{Base: stump{}, OutOfBag: true, WithoutReplacement: true}, gram.ErrParam, "every sample has all rows"},
		"rounds":         {ensemble.AdaBoost{Base: stump{}, Estimators: -3}, gram.ErrParam, "Estimators is -3"},
		"rate":           {ensemble.AdaBoostRegressor{Base: stump{}, LearningRate: -1}, gram.ErrParam, "LearningRate is -1"},
		"loss":           {ensemble.AdaBoostRegressor{Base: stump{}, Loss: 7}, gram.ErrParam, "AdaBoostLoss(7)"},
		"chance":         {ensemble.AdaBoost{Base: liar{}}, gram.ErrParam, "no better than chance"},
		"no last":        {ensemble.Stacking{Trainers: one}, gram.ErrParam, "Last is nil"},
		"no stack":       {ensemble.StackingRegressor{Last: stump{}}, gram.ErrParam, "no trainers"},
		"folds":          {ensemble.Stacking{Trainers: one, Last: stump{}, Folds: eval.KFold{N: 1000}}, gram.ErrParam, "1000 folds of 150 rows"},
		"bad folds":      {ensemble.Stacking{Trainers: one, Last: stump{}, Folds: folds{{Train: []int{0}, Test: []int{150}}}}, gram.ErrShape, "fold 0: rows 150 to 150"},
		"empty folds":    {ensemble.Stacking{Trainers: one, Last: stump{}, Folds: folds{{Train: []int{0}}}}, gram.ErrShape, "fold 0: 1 training and 0 test"},
		"none":           {ensemble.StackingRegressor{Trainers: real, Last: stump{}, Folds: folds{}}, gram.ErrParam, "no folds"},
		"held out":       {ensemble.Blending{Trainers: one, Last: stump{}, HoldOut: 1}, gram.ErrParam, "HoldOut is 1"},
		"all held out":   {ensemble.BlendingRegressor{Trainers: real, Last: stump{}, HoldOut: 0.999}, gram.ErrParam, "leaves none"},
		"no next":        {ensemble.Snapshot{}, gram.ErrParam, "Next is nil"},
		"no next either": {ensemble.SnapshotRegressor{}, gram.ErrParam, "Next is nil"},
		"nil next":       {ensemble.Snapshot{Next: func(int, gram.Classifier) gram.ClassifierTrainer { return nil }}, gram.ErrParam, "cycle 0: trainer is nil"},
		"keep":           {ensemble.Snapshot{Next: func(int, gram.Classifier) gram.ClassifierTrainer { return stump{} }, Keep: 6}, gram.ErrParam, "6 models to keep of 5"},
		"wrong model":    {ensemble.Voting{Trainers: []gram.ClassifierTrainer{wrong{}}}, gram.ErrShape, "member 0: model of 2 features"},
		"failing":        {ensemble.Voting{Trainers: []gram.ClassifierTrainer{stump{}, failing{}}}, errBroken, "member 1: broken"},
		"failing fold":   {ensemble.Stacking{Trainers: []gram.ClassifierTrainer{failing{}}, Last: stump{}}, errBroken, "fold 0, trainer 0: broken"},
		"failing last":   {ensemble.Stacking{Trainers: one, Last: failing{}}, errBroken, "last trainer: broken"},
	} {
		var err error
		switch trainer := c.trainer.(type) {
		case gram.ClassifierTrainer:
			_, err = trainer.TrainClassifier(ctx, X, g.Y, nil)
		case gram.RegressorTrainer:
			_, err = trainer.TrainRegressor(ctx, X, g.Z, nil)
		}
		if !errors.Is(err, c.kind) || !strings.Contains(fmt.Sprint(err), c.text) {
			t.Errorf("%s: error %q, want %q that wraps %q", name, err, c.text, c.kind)
		}
	}
}

// A member that does not converge stays, and the error says which one it was.
func TestNotConverged(t *testing.T) {
	g, X := readGolden(t)
	short := linear.Softmax{MaxIter: 1}
	m, err := ensemble.Voting{Trainers: []gram.ClassifierTrainer{stump{}, short, short}}.Fit(ctx, X, g.Y, nil)
	if !errors.Is(err, gram.ErrNotConverged) || m == nil || !strings.Contains(err.Error(), "2 of 3 fits, the first of them member 1") {
		t.Errorf("voting: %v, %v", m, err)
	}
	s, err := ensemble.Stacking{Trainers: []gram.ClassifierTrainer{short}, Last: short}.Fit(ctx, X, g.Y, nil)
	if !errors.Is(err, gram.ErrNotConverged) || s == nil || !strings.Contains(err.Error(), "last trainer") || !strings.Contains(err.Error(), "6 of 6 fits") {
		t.Errorf("stacking: %v, %v", s, err)
	}
	a, err := ensemble.AdaBoost{Base: short, Estimators: 2}.Fit(ctx, X, g.Y, nil)
	if !errors.Is(err, gram.ErrNotConverged) || a == nil {
		t.Errorf("boosting: %v, %v", a, err)
	}
	if _, err := (ensemble.Snapshot{Next: func(int, gram.Classifier) gram.ClassifierTrainer { return short }}).Fit(ctx, X, g.Y, nil); err != nil {
		t.Errorf("snapshots need not converge: %v", err)
	}
}

// folds is a splitter of given folds.
type folds []gram.Fold

func (f folds) Split(int, []int) ([]gram.Fold, error) { return f, nil }

var errBroken = errors.New("broken")

type failing struct{}

func (failing) TrainClassifier(context.Context, gram.Matrix, []int, []float64) (gram.Classifier, error) {
	return nil, errBroken
}

// wrong has another number of features than its rows.
type wrong struct{}

func (wrong) TrainClassifier(context.Context, gram.Matrix, []int, []float64) (gram.Classifier, error) {
	return constantClassifier{2, []float64{0, 1, 0}}, nil
}

// liar predicts a class that no row has.
type liar struct{}

func (liar) TrainClassifier(_ context.Context, X gram.Matrix, y []int, _ []float64) (gram.Classifier, error) {
	_, d := X.Dims()
	return liarModel{constantClassifier{d, []float64{1, 0, 0}}}, nil
}

type liarModel struct{ constantClassifier }

func (m liarModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	dst, err := m.constantClassifier.Predict(dst, X)
	for i := range dst {
		dst[i] = (i + 1) % 3 // the labels are i % 3
	}
	return dst, err
}

// A splitter that holds something of every row serves a fit that leaves rows out.
func TestGroupsWithoutSomeRows(t *testing.T) {
	g, X := readGolden(t)
	groups := make([]int, len(g.Y))
	for i := range groups {
		groups[i] = i / 10
	}
	w := make([]float64, len(g.Y))
	for i := range w {
		w[i] = float64(i % 4 % 2)
	}
	_, err := ensemble.Stacking{Trainers: []gram.ClassifierTrainer{stump{}}, Last: linear.Softmax{}, Folds: eval.GroupKFold{N: 3, Groups: groups}}.Fit(ctx, X, g.Y, w)
	if err != nil {
		t.Error(err)
	}
}
