package ensemble_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/prep"
	"gonum.org/v1/gonum/mat"
)

// rings returns rows in two columns, of which those near the origin are of class 1, some
// labels wrong, and a target that falls with the distance.
func rings(n int) (*mat.Dense, []int, []float64) {
	rng := rand.New(rand.NewPCG(7, 7))
	X, y, z := mat.NewDense(n, 2, nil), make([]int, n), make([]float64, n)
	for i := range n {
		a, b := rng.NormFloat64(), rng.NormFloat64()
		X.SetRow(i, []float64{a, b})
		z[i] = math.Exp(-a*a-b*b) + 0.05*rng.NormFloat64()
		if a*a+b*b < 1.4 != (rng.Float64() < 0.1) {
			y[i] = 1
		}
	}
	return X, y, z
}

var quadratic = gram.ClassifierPipeline{Steps: []gram.TransformerTrainer{prep.Polynomial{}}, Last: linear.Logistic{}}

func score(m gram.Classifier, X gram.Matrix, y []int) string {
	pred, err := m.Predict(nil, X)
	if err != nil {
		return err.Error()
	}
	accuracy, err := eval.Accuracy(y, pred, nil)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.2f", accuracy)
}

func ExampleBagging() {
	X, y, _ := rings(400)
	m, err := ensemble.Bagging{Base: quadratic, Estimators: 20, OutOfBag: true}.Fit(ctx, X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	accuracy, rows := m.OutOfBag()
	fmt.Printf("%d members, out of bag %.2f on %d rows\n", len(m.Members()), accuracy, rows)
	// Output: 20 members, out of bag 0.87 on 400 rows
}

func ExampleBaggingModel() {
	X, y, _ := rings(400)
	m, _ := ensemble.Bagging{Base: quadratic, MaxFeatures: 0.5, Seed: 1}.Fit(ctx, X, y, nil)
	p := make([]float64, 2)
	for _, member := range m.Members()[:3] { // each sees one of the two columns
		_ = member.PredictProbaRow(p, []float64{0, 3})
		fmt.Printf("%.2f ", p)
	}
	fmt.Println()
	// Output: [0.24 0.76] [1.00 0.00] [1.00 0.00]
}

func ExampleBaggingRegressor() {
	X, _, z := rings(400)
	m, _ := ensemble.BaggingRegressor{Base: one, Estimators: 30, OutOfBag: true}.Fit(ctx, X, z, nil)
	center, _ := m.PredictRow([]float64{0, 0})
	far, _ := m.PredictRow([]float64{3, 3})
	fmt.Printf("%.2f in the middle, %.2f far away\n", center, far)
	// Output: 0.40 in the middle, 0.36 far away
}

func ExampleBaggingRegressorModel() {
	X, _, z := rings(400)
	m, _ := ensemble.BaggingRegressor{Base: one, OutOfBag: true}.Fit(ctx, X, z, nil)
	r2, rows := m.OutOfBag()
	fmt.Printf("R² %.2f of %d rows\n", r2, rows)
	// Output: R² 0.17 of 398 rows
}

func ExampleAdaBoost() {
	X, y, _ := rings(400)
	m, err := ensemble.AdaBoost{Base: one, Estimators: 40}.Fit(ctx, X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	one, _ := m.First(1)
	fmt.Println("one stump", score(one, X, y), "forty", score(m, X, y))
	// Output: one stump 0.66 forty 0.90
}

func ExampleAdaBoostModel() {
	X, y, _ := rings(400)
	m, _ := ensemble.AdaBoost{Base: one, Estimators: 4}.Fit(ctx, X, y, nil)
	fmt.Printf("errors %.2f\nweights %.2f\n", m.Errors(), m.Weights())
	d, _ := m.DecisionFunction(nil, mat.NewDense(1, 2, []float64{0, 0}))
	fmt.Printf("decisions %.2f\n", d)
	// Output:
	// errors [0.34 0.39 0.38 0.41]
	// weights [0.66 0.43 0.49 0.38]
	// decisions [-0.17 0.17]
}

func ExampleAdaBoostRegressor() {
	X, _, z := rings(400)
	m, _ := ensemble.AdaBoostRegressor{Base: one, Estimators: 30, Loss: ensemble.SquareLoss}.Fit(ctx, X, z, nil)
	center, _ := m.PredictRow([]float64{0, 0})
	far, _ := m.PredictRow([]float64{3, 3})
	fmt.Printf("%.2f in the middle, %.2f far away\n", center, far)
	// Output: 0.59 in the middle, 0.39 far away
}

func ExampleAdaBoostRegressorModel() {
	X, _, z := rings(400)
	m, _ := ensemble.AdaBoostRegressor{Base: one, Estimators: 3}.Fit(ctx, X, z, nil)
	fmt.Printf("losses %.2f\nweights %.2f\n", m.Losses(), m.Weights())
	// Output:
	// losses [0.33 0.38 0.41]
	// weights [0.71 0.48 0.35]
}

func ExampleAdaBoostLoss() {
	fmt.Println(ensemble.LinearLoss, ensemble.SquareLoss, ensemble.ExponentialLoss)
	// Output: linear square exponential
}

func ExampleVoting() {
	X, y, _ := rings(400)
	t := ensemble.Voting{
		Trainers: []gram.ClassifierTrainer{quadratic, ensemble.AdaBoost{Base: one}},
		Weights:  []float64{2, 1},
	}
	cv, err := eval.CrossValidate(ctx, t, X, y, nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	mean, _ := cv.Accuracy()
	fmt.Printf("accuracy %.2f\n", mean)
	// Output: accuracy 0.86
}

func ExampleVotingModel() {
	X, y, _ := rings(400)
	one, _ := linear.Logistic{}.Fit(ctx, X, y, nil)
	two, _ := quadratic.Fit(ctx, X, y, nil)
	m, err := ensemble.Vote([]gram.Classifier{one, two}, nil, true)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := make([]float64, 2)
	_ = m.PredictProbaRow(p, []float64{2, -2})
	fmt.Println("votes", p)
	// Output: votes [0.5 0.5]
}

func ExampleVotingRegressor() {
	X, _, z := rings(400)
	t := ensemble.VotingRegressor{Trainers: []gram.RegressorTrainer{one, ensemble.AdaBoostRegressor{Base: one}}}
	m, _ := t.Fit(ctx, X, z, nil)
	v, _ := m.PredictRow([]float64{0, 0})
	fmt.Printf("%.2f\n", v)
	// Output: 0.42
}

func ExampleVotingRegressorModel() {
	X, _, z := rings(400)
	low, _ := one.TrainRegressor(ctx, X, z, nil)
	high, _ := ensemble.AdaBoostRegressor{Base: one}.Fit(ctx, X, z, nil)
	m, _ := ensemble.Average([]gram.Regressor{low, high}, []float64{1, 3})
	fmt.Println("weights", m.Weights())
	// Output: weights [0.25 0.75]
}

func ExampleStacking() {
	X, y, _ := rings(400)
	t := ensemble.Stacking{
		Trainers: []gram.ClassifierTrainer{linear.Logistic{}, quadratic, ensemble.AdaBoost{Base: one}},
		Last:     linear.Logistic{},
		Folds:    eval.StratifiedKFold{N: 5, Shuffle: true},
	}
	m, err := t.Fit(ctx, X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(score(m, X, y))
	// Output: 0.88
}

// How far the last model believes each of the others.
func ExampleStackingModel() {
	X, y, _ := rings(400)
	m, _ := ensemble.Stacking{Trainers: []gram.ClassifierTrainer{linear.Logistic{}, quadratic}, Last: linear.Logistic{}}.Fit(ctx, X, y, nil)
	fmt.Printf("%.1f\n", m.Last().(*linear.LogisticModel).Coef())
	// Output: [-0.2 5.3]
}

func ExampleStackingRegressor() {
	X, _, z := rings(400)
	t := ensemble.StackingRegressor{
		Trainers: []gram.RegressorTrainer{one, ensemble.AdaBoostRegressor{Base: one}},
		Last:     ensemble.BaggingRegressor{Base: one},
	}
	m, _ := t.Fit(ctx, X, z, nil)
	v, _ := m.PredictRow([]float64{0, 0})
	fmt.Printf("%.2f\n", v)
	// Output: 0.50
}

func ExampleStackingRegressorModel() {
	X, _, z := rings(400)
	m, _ := ensemble.StackingRegressor{Trainers: []gram.RegressorTrainer{one, one}, Last: one, Passthrough: true}.Fit(ctx, X, z, nil)
	fmt.Println(len(m.Models()), "models,", m.Last().Features(), "features for the last")
	// Output: 2 models, 4 features for the last
}

func ExampleBlending() {
	X, y, _ := rings(400)
	t := ensemble.Blending{
		Trainers: []gram.ClassifierTrainer{quadratic, ensemble.AdaBoost{Base: one}},
		Last:     linear.Logistic{},
		HoldOut:  0.3,
		Refit:    true,
	}
	m, err := t.Fit(ctx, X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(score(m, X, y))
	// Output: 0.89
}

func ExampleBlendingRegressor() {
	X, _, z := rings(400)
	m, _ := ensemble.BlendingRegressor{Trainers: []gram.RegressorTrainer{one}, Last: one, HoldOut: 0.5}.Fit(ctx, X, z, nil)
	fmt.Println(len(m.Models()), "model")
	// Output: 1 model
}

// A penalty that falls from cycle to cycle; trainers that start at the last model would use
// it.
func ExampleSnapshot() {
	X, y, _ := rings(400)
	t := ensemble.Snapshot{
		Next: func(cycle int, last gram.Classifier) gram.ClassifierTrainer {
			return gram.ClassifierPipeline{
				Steps: []gram.TransformerTrainer{prep.Polynomial{Degree: 3}},
				Last:  linear.Logistic{C: math.Pow(10, float64(cycle-2))},
			}
		},
		Cycles: 5,
		Keep:   3,
	}
	m, err := t.Fit(ctx, X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(m.Members()), "members,", score(m, X, y))
	// Output: 3 members, 0.89
}

func ExampleSnapshotRegressor() {
	X, _, z := rings(400)
	t := ensemble.SnapshotRegressor{
		Next: func(cycle int, last gram.Regressor) gram.RegressorTrainer {
			return ensemble.AdaBoostRegressor{Base: one, Estimators: 1 + cycle}
		},
		Cycles: 3,
	}
	m, _ := t.Fit(ctx, X, z, nil)
	fmt.Println(len(m.Members()), "members")
	// Output: 3 members
}

func ExampleCalibrated() {
	X, y, _ := rings(600)
	boosted := ensemble.AdaBoost{Estimators: 100}
	m, err := ensemble.Calibrated{Base: boosted, Folds: eval.StratifiedKFold{N: 5, Shuffle: true}}.Fit(ctx, X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	before, after := m.Reliability(1)
	fmt.Printf("calibration error %.2f, now %.2f\n", before.Gap(), after.Gap())
	// Output: calibration error 0.11, now 0.12
}

func ExampleCalibratedModel() {
	X, y, _ := rings(600)
	fitted, _ := ensemble.AdaBoost{Estimators: 100}.Fit(ctx, X.Slice(0, 300, 0, 2), y[:300], nil)
	m, _ := ensemble.Calibrated{Prefit: fitted, Method: ensemble.Temperature}.Fit(ctx, X.Slice(300, 600, 0, 2), y[300:], nil)
	fmt.Printf("temperature %.1f\n", m.Temperatures())
	// Output: temperature [1.2]
}

func ExampleCalibrationMethod() {
	fmt.Println(ensemble.Platt, ensemble.Isotonic, ensemble.Temperature)
	// Output: Platt isotonic temperature
}

func ExampleReliabilityDiagram() {
	X, y, _ := rings(600)
	m, _ := ensemble.Calibrated{Base: ensemble.AdaBoost{}, Method: ensemble.Isotonic}.Fit(ctx, X, y, nil)
	before, _ := m.Reliability(1)
	for i, p := range before.Predicted[:3] {
		fmt.Printf("%.2f %.2f %.0f\n", p, before.Observed[i], before.Weight[i])
	}
	// Output:
	// 0.05 0.16 68
	// 0.15 0.10 59
	// 0.25 0.11 87
}
