package ensemble_test

import (
	"context"
	"fmt"

	"github.com/gram-ml/gram/ensemble"
)

func ExampleForest() {
	X, y, _ := rings(1000)
	m, err := ensemble.Forest{OutOfBag: true, MinLeaf: 5}.FitClassifier(context.Background(), X, y, nil)
	if err != nil {
		panic(err)
	}
	p := make([]float64, 2)
	if err := m.PredictProbaRow(p, []float64{0.1, 0.2}); err != nil {
		panic(err)
	}
	oob, _ := m.OutOfBag()
	fmt.Printf("inside: %v, out of bag above 0.85: %v\n", p[1] > 0.8, oob > 0.85)
	// Output:
	// inside: true, out of bag above 0.85: true
}

func ExampleForestClassifierModel() {
	X, y, _ := rings(500)
	m, err := ensemble.Forest{Estimators: 20}.FitClassifier(context.Background(), X, y, nil)
	if err != nil {
		panic(err)
	}
	both := m.Importance()
	fmt.Printf("%d trees, both features matter: %v\n", m.Trees(), both[0] > 0.3 && both[1] > 0.3)
	// Output:
	// 20 trees, both features matter: true
}

func ExampleForestRegressorModel() {
	X, _, z := rings(1000)
	m, err := ensemble.Forest{OutOfBag: true, Balance: ensemble.Unbalanced}.FitRegressor(context.Background(), X, z, nil)
	if err != nil {
		panic(err)
	}
	r2, rows := m.OutOfBag()
	fmt.Printf("R² above 0.9 out of bag: %v, of %d rows\n", r2 > 0.9, rows)
	// Output:
	// R² above 0.9 out of bag: true, of 1000 rows
}

func ExampleExtraTrees() {
	X, _, z := rings(1000)
	m, err := ensemble.ExtraTrees{MinLeaf: 3}.FitRegressor(context.Background(), X, z, nil)
	if err != nil {
		panic(err)
	}
	top, err := m.PredictRow([]float64{0, 0})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.1f\n", top)
	// Output:
	// 1.0
}

func ExampleBalance() {
	fmt.Println(ensemble.BalanceWeights, ensemble.BalanceSamples, ensemble.BalanceDraws)
	// Output:
	// BalanceWeights BalanceSamples BalanceDraws
}
