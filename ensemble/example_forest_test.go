package ensemble_test

import (
	"context"
	"fmt"
	"os"

	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/linalg"
)

func ExampleForest() {
	X, y, _ := rings(1000)
	m, err := ensemble.Forest{Estimators: 50, OutOfBag: true, MinLeaf: 5}.FitClassifier(context.Background(), X, y, nil)
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
	m, err := ensemble.Forest{Estimators: 30, OutOfBag: true}.FitRegressor(context.Background(), X, z, nil)
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
	m, err := ensemble.ExtraTrees{Estimators: 30, MinLeaf: 3}.FitRegressor(context.Background(), X, z, nil)
	if err != nil {
		panic(err)
	}
	top, err := m.PredictRow([]float64{0, 0})
	if err != nil {
		panic(err)
	}
	fmt.Println(top > 0.8, top < 1.1)
	// Output:
	// true true
}

func ExampleBalance() {
	fmt.Println(ensemble.BalanceWeights, ensemble.BalanceSamples, ensemble.BalanceDraws)
	// Output:
	// BalanceWeights BalanceSamples BalanceDraws
}

func ExampleIsolationForest() {
	X, _, _ := rings(1000)
	m, err := ensemble.IsolationForest{}.Fit(context.Background(), X, nil)
	if err != nil {
		panic(err)
	}
	far, err := m.AnomalyRow([]float64{5, 5})
	if err != nil {
		panic(err)
	}
	near, err := m.AnomalyRow([]float64{0, 0})
	if err != nil {
		panic(err)
	}
	fmt.Println(far > 0.7, near < 0.5)
	// Output:
	// true true
}

func ExampleIsolationForestModel() {
	X, _, _ := rings(1000)
	m, err := ensemble.IsolationForest{}.Fit(context.Background(), X, nil)
	if err != nil {
		panic(err)
	}
	scores, err := m.Anomaly(nil, X)
	if err != nil {
		panic(err)
	}
	anomalies := 0
	for _, s := range scores {
		if s > 0.7 {
			anomalies++
		}
	}
	fmt.Println("a few rows are unusual:", anomalies > 0 && anomalies < 30)
	// Output:
	// a few rows are unusual: true
}

func ExampleQuantileForest() {
	X, _, z := rings(1000)
	m, err := ensemble.QuantileForest{Forest: ensemble.Forest{Estimators: 30}}.Fit(context.Background(), X, z, nil)
	if err != nil {
		panic(err)
	}
	q := make([]float64, 3)
	if err := m.QuantilesRow(q, []float64{0, 0}, []float64{0.05, 0.5, 0.95}); err != nil {
		panic(err)
	}
	fmt.Println(q[0] < 0.95, q[1] > 0.9, q[2] > 1)
	// Output:
	// true true true
}

func ExampleQuantileForestModel() {
	X, _, z := rings(1000)
	m, err := ensemble.QuantileForest{Forest: ensemble.Forest{Estimators: 20}}.Fit(context.Background(), X, z, nil)
	if err != nil {
		panic(err)
	}
	interval, err := m.Quantiles(nil, X, []float64{0.1, 0.9})
	if err != nil {
		panic(err)
	}
	fmt.Println(len(interval), interval[0] < interval[1])
	// Output:
	// 2000 true
}

func ExampleTreeClassifierModel() {
	// Hours of light and degrees; whether the plant flowered.
	X := linalg.NewDense(6, 2, []float64{6, 21, 9, 12, 11, 19, 12, 22, 7, 14, 11.5, 9})
	y := []int{0, 0, 1, 1, 0, 0}
	m, err := ensemble.Tree{}.FitClassifier(context.Background(), X, y, nil)
	if err != nil {
		panic(err)
	}
	if err := m.WriteText(os.Stdout, []string{"light", "warmth"}); err != nil {
		panic(err)
	}
	// Output:
	// if light ≤ 10 or missing
	//   class 0 (1 0), weight 3
	// else
	//   if warmth ≤ 14
	//     class 0 (1 0), weight 1
	//   else
	//     class 1 (0 1), weight 2
}

func ExampleTreeRegressorModel() {
	X, _, z := rings(1000)
	m, err := ensemble.Tree{MaxDepth: 3}.FitRegressor(context.Background(), X, z, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Leaves(), m.Depth())
	// Output:
	// 8 3
}
