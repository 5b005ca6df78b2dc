package ensemble_test

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/linalg"
)

func ExampleGradientBoosting() {
	// The target is a wave of the first feature; the second has nothing to do with it.
	X := linalg.NewDense[float64](500, 2, nil)
	y := make([]float64, 500)
	for i := range y {
		X.Row(i)[0], X.Row(i)[1] = float64(i)/50, float64(i*37%100)
		y[i] = math.Sin(X.Row(i)[0])
	}
	m, err := ensemble.GradientBoosting{Rounds: 50}.FitRegressor(context.Background(), X, y, nil)
	if err != nil {
		panic(err)
	}
	p, err := m.PredictRow([]float64{math.Pi / 2, 50})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.1f, importances %.1f\n", p, m.Importance())
	// Output: 1.0, importances [1.0 0.0]
}

// Training ends when rows that it does not see are no better predicted.
func ExampleValidation() {
	X, V := linalg.NewDense[float64](400, 1, nil), linalg.NewDense[float64](400, 1, nil)
	y, valid := make([]int, 400), make([]int, 400)
	for i := range y {
		X.Data[i], V.Data[i] = float64(i), float64(i)+0.5
		y[i] = i / 100 % 2
		valid[i] = y[i]
		if i%10 == 0 {
			y[i] = 1 - y[i] // a wrong label
		}
	}
	t := ensemble.GradientBoosting{Rounds: 500, Patience: 10, Validation: &ensemble.Validation{X: V, Labels: valid}}
	m, err := t.FitClassifier(context.Background(), X, y, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println("stopped early:", m.Rounds() < 500, "losses:", len(m.Losses())-m.Rounds(), "more than rounds")
	// Output: stopped early: true losses: 10 more than rounds
}

func ExampleGradientBoostingClassifierModel() {
	X := linalg.NewDense[float64](300, 1, nil)
	y := make([]int, 300)
	for i := range y {
		X.Data[i], y[i] = float64(i), i/100
	}
	m, err := ensemble.GradientBoosting{Rounds: 30}.FitClassifier(context.Background(), X, y, nil)
	if err != nil {
		panic(err)
	}
	stages, err := m.StagedProba(linalg.NewDense(1, 1, []float64{150}))
	if err != nil {
		panic(err)
	}
	for round, p := range stages {
		if round%10 == 0 {
			fmt.Printf("%d rounds: %.1f\n", round, p)
		}
	}
	// Output:
	// 10 rounds: [0.1 0.9 0.1]
	// 20 rounds: [0.0 1.0 0.0]
	// 30 rounds: [0.0 1.0 0.0]
}

func ExampleGradientBoostingRegressorModel() {
	X := linalg.NewDense[float64](100, 1, nil)
	y := make([]float64, 100)
	for i := range y {
		X.Data[i], y[i] = float64(i), float64(i/50)
	}
	m, err := ensemble.GradientBoosting{Rounds: 3, LearningRate: 0.5}.FitRegressor(context.Background(), X, y, nil)
	if err != nil {
		panic(err)
	}
	stages, err := m.Staged(linalg.NewDense(1, 1, []float64{80}))
	if err != nil {
		panic(err)
	}
	for round, p := range stages {
		fmt.Printf("%d: %.4f\n", round, p)
	}
	fmt.Println("split at", m.Tree(0).Depth(), "level")
	// Output:
	// 1: [0.7500]
	// 2: [0.8750]
	// 3: [0.9375]
	// split at 1 level
}

// The loss of Cauchy, which hardly minds wild targets.
func ExampleCustomLoss() {
	X := linalg.NewDense[float64](300, 1, nil)
	y := make([]float64, 300)
	for i := range y {
		X.Data[i], y[i] = float64(i), float64(i/150)
		if i%10 == 0 {
			y[i] = 1e6
		}
	}
	cauchy := &ensemble.CustomLoss{Gradient: func(g, h, scores, y []float64) {
		for i, s := range scores {
			e := s - y[i]
			g[i], h[i] = e/(1+e*e), 1/(1+e*e)
		}
	}}
	m, err := ensemble.GradientBoosting{Custom: cauchy}.FitRegressor(context.Background(), X, y, nil)
	if err != nil {
		panic(err)
	}
	p, err := m.Predict(nil, linalg.NewDense(2, 1, []float64{50, 250}))
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.2f %.2f\n", math.Abs(p[0]), p[1])
	// Output: 0.00 1.00
}

func ExampleBoostingLoss() {
	X := linalg.NewDense[float64](1000, 1, nil)
	y := make([]float64, 1000)
	for i := range y {
		y[i] = float64(i)
	}
	for _, q := range []float64{0.1, 0.9} {
		t := ensemble.GradientBoosting{Loss: ensemble.QuantileLoss, Quantile: q, Rounds: 1}
		m, err := t.FitRegressor(context.Background(), X, y, nil)
		if err != nil {
			panic(err)
		}
		p, err := m.PredictRow([]float64{0})
		if err != nil {
			panic(err)
		}
		fmt.Println(t.Loss, q, p)
	}
	// Output:
	// QuantileLoss 0.1 99.5
	// QuantileLoss 0.9 899.5
}

// A service that keeps its rows, or gets them, as bytes need not compare numbers again.
func ExampleGradientBoostingRegressorModel_Bin() {
	X := linalg.NewDense[float64](100, 2, nil)
	y := make([]float64, 100)
	for i := range y {
		X.Row(i)[0], y[i] = float64(i), float64(i/25)
	}
	m, err := ensemble.GradientBoosting{Rounds: 50, LearningRate: 0.5}.FitRegressor(context.Background(), X, y, nil)
	if err != nil {
		panic(err)
	}
	bins, err := m.Bin(nil, linalg.NewDense(3, 2, []float64{10, 0, 40, 0, math.NaN(), 0}))
	if err != nil {
		panic(err)
	}
	p, err := m.PredictBinned(nil, bins)
	if err != nil {
		panic(err)
	}
	fmt.Printf("bins %d, predictions %.0f\n", bins, p)
	// Output: bins [0 0 1 0 255 0], predictions [0 1 0]
}
