package ensemble_test

import (
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/prep"
)

// ridge is a small regressor for the tests.
var (
	soft  = linear.Softmax{C: 2, Tol: 1e-8, MaxIter: 100}
	weak  = linear.Softmax{C: 0.01, Tol: 1e-8}
	plain = gram.ClassifierPipeline{Steps: []gram.TransformerTrainer{prep.Standard{}}, Last: weak}
)

const (
	rowsDrawn  = "samples without replacement count rows, not weights"
	rowsFolded = "folds are of rows, and copies of one fall into several"
)

func TestVotingConformance(t *testing.T) {
	modeltest.Check(t, ensemble.Voting{Trainers: []gram.ClassifierTrainer{soft, stump{}, plain}, Weights: []float64{2, 1, 1}})
	modeltest.Check(t, ensemble.Voting{Trainers: []gram.ClassifierTrainer{soft, stump{}}, Hard: true})
	modeltest.Check(t, ensemble.VotingRegressor{Trainers: []gram.RegressorTrainer{stump{}, stump{}}})
}

func TestBaggingConformance(t *testing.T) {
	modeltest.Check(t, ensemble.Bagging{Base: soft, Estimators: 6, OutOfBag: true})
	modeltest.Check(t, ensemble.Bagging{Base: stump{}, Estimators: 3, MaxSamples: 0.9, MaxFeatures: 0.75, WithoutReplacement: true},
		modeltest.Skip("repeats", rowsDrawn), modeltest.Skip("nonfinite", "a member need not have drawn the row"))
	modeltest.Check(t, ensemble.BaggingRegressor{Base: stump{}, Estimators: 6, FeaturesWithReplacement: true, OutOfBag: true})
}

func TestAdaBoostConformance(t *testing.T) {
	modeltest.Check(t, ensemble.AdaBoost{Base: stump{}, Estimators: 4})
	modeltest.Check(t, ensemble.AdaBoost{Base: weak, Estimators: 3, LearningRate: 0.5}, modeltest.Classes(2), modeltest.Tolerance(1e-6))
	modeltest.Check(t, ensemble.AdaBoostRegressor{Base: stump{}, Estimators: 4})
}

func TestStackingConformance(t *testing.T) {
	modeltest.Check(t, ensemble.Stacking{Trainers: []gram.ClassifierTrainer{soft, stump{}}, Last: weak},
		modeltest.Skip("repeats", rowsFolded), modeltest.Tolerance(1e-6))
	modeltest.Check(t, ensemble.Blending{Trainers: []gram.ClassifierTrainer{soft, stump{}}, Last: weak, Passthrough: true},
		modeltest.Classes(2), modeltest.Skip("repeats", rowsFolded), modeltest.Tolerance(1e-6))
	modeltest.Check(t, ensemble.StackingRegressor{Trainers: []gram.RegressorTrainer{stump{}, stump{}}, Last: stump{}, Passthrough: true},
		modeltest.Skip("repeats", rowsFolded))
	modeltest.Check(t, ensemble.BlendingRegressor{Trainers: []gram.RegressorTrainer{stump{}}, Last: stump{}, Refit: true},
		modeltest.Skip("repeats", rowsFolded))
}

func TestSnapshotConformance(t *testing.T) {
	modeltest.Check(t, ensemble.Snapshot{Next: func(cycle int, _ gram.Classifier) gram.ClassifierTrainer {
		return linear.Softmax{C: 1 / float64(1+cycle)}
	}, Cycles: 3, Keep: 2})
	modeltest.Check(t, ensemble.SnapshotRegressor{Next: func(int, gram.Regressor) gram.RegressorTrainer { return stump{} }, Cycles: 2})
}
