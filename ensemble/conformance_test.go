package ensemble_test

import (
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/prep"
)

var (
	weak  = linear.Softmax{C: 0.01, Tol: 1e-8}
	one   = ensemble.Tree{MaxDepth: 1}
	plain = gram.ClassifierPipeline{Steps: []gram.TransformerTrainer{prep.Standard{}}, Last: weak}
)

var (
	byRows  = modeltest.Skip("repeats", "samples without replacement and folds are of rows, not of weights")
	loosely = modeltest.Tolerance(1e-6)
	two     = eval.KFold{N: 2}
	// The slowest of all properties need not be tested twice.
	sameFormat = modeltest.Skip("hostile", "models of this format have been tested")
)

// check runs the conformance suite on the first trainer and, unless tests are to be short,
// on the others.
func check(t *testing.T, trainers []any, options ...modeltest.Option) {
	if testing.Short() {
		trainers = trainers[:1]
		options = append(options[:len(options):len(options)], modeltest.Skip("hostile", "it takes longest, and runs when tests need not be short"))
	}
	for _, trainer := range trainers {
		modeltest.Check(t, trainer, options...)
		options = append(options[:len(options):len(options)], sameFormat)
	}
}

func TestVotingConformance(t *testing.T) {
	check(t, []any{
		ensemble.Voting{Trainers: []gram.ClassifierTrainer{weak, one}, Weights: []float64{2, 1}},
		ensemble.Voting{Trainers: []gram.ClassifierTrainer{plain, one}, Hard: true},
	})
	check(t, []any{ensemble.VotingRegressor{Trainers: []gram.RegressorTrainer{one, ensemble.Tree{MaxDepth: 2}}}}, missingIsAllowed)
}

func TestBaggingConformance(t *testing.T) {
	check(t, []any{ensemble.Bagging{Base: weak, Estimators: 4, OutOfBag: true}})
	check(t, []any{ensemble.BaggingRegressor{Base: one, Estimators: 3, FeaturesWithReplacement: true, OutOfBag: true}}, missingIsAllowed)
	if !testing.Short() {
		check(t, []any{ensemble.Bagging{Estimators: 2, MaxSamples: 0.9, MaxFeatures: 0.75, WithoutReplacement: true}}, missingIsAllowed, byRows, sameFormat)
	}
}

func TestAdaBoostConformance(t *testing.T) {
	check(t, []any{ensemble.AdaBoost{Estimators: 3}, ensemble.AdaBoost{Estimators: 3, Real: true}}, missingIsAllowed)
	check(t, []any{ensemble.AdaBoostRegressor{Base: one, Estimators: 3}}, missingIsAllowed)
	if !testing.Short() {
		check(t, []any{ensemble.AdaBoost{Base: weak, Estimators: 2, LearningRate: 0.5}}, modeltest.Classes(2), loosely, sameFormat)
	}
}

func TestStackingConformance(t *testing.T) {
	check(t, []any{
		ensemble.Stacking{Trainers: []gram.ClassifierTrainer{one, weak}, Last: one, Folds: two},
		ensemble.Blending{Trainers: []gram.ClassifierTrainer{weak}, Last: one, Passthrough: true},
	}, byRows, loosely)
	check(t, []any{
		ensemble.StackingRegressor{Trainers: []gram.RegressorTrainer{one}, Last: one, Passthrough: true, Folds: two},
		ensemble.BlendingRegressor{Trainers: []gram.RegressorTrainer{one}, Last: one, Refit: true},
	}, byRows, missingIsAllowed)
}

func TestSnapshotConformance(t *testing.T) {
	check(t, []any{
		ensemble.Snapshot{Next: func(int, gram.Classifier) gram.ClassifierTrainer { return one }, Cycles: 3, Keep: 1},
		ensemble.SnapshotRegressor{Next: func(int, gram.Regressor) gram.RegressorTrainer { return one }, Cycles: 2},
	}, missingIsAllowed, sameFormat)
}
