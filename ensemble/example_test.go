package ensemble_test

import (
	"context"
	"fmt"

	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/linalg"
)

func ExampleTree() {
	// Hours of light and degrees; whether the plant flowered.
	X := linalg.NewDense(6, 2, []float64{
		6, 21,
		9, 12,
		11, 19,
		12, 22,
		7, 14,
		11.5, 9,
	})
	y := []int{0, 0, 1, 1, 0, 0}
	m, err := ensemble.Tree{MaxDepth: 3}.FitClassifier(context.Background(), X, y, nil)
	if err != nil {
		panic(err)
	}
	splits, leaf, err := m.Path([]float64{12, 20})
	if err != nil {
		panic(err)
	}
	for _, s := range splits {
		fmt.Printf("feature %d ≤ %v\n", s.Feature, s.Threshold)
	}
	class, err := m.PredictRow([]float64{12, 20})
	if err != nil {
		panic(err)
	}
	fmt.Println("leaf", leaf, "class", class)
	// Output:
	// feature 0 ≤ 10
	// feature 1 ≤ 14
	// leaf 4 class 1
}

// Of many rows a tree is grown faster between bins of values than between any two of them.
func ExampleTree_bins() {
	X := linalg.NewDense[float64](10_000, 1, nil)
	y := make([]float64, X.Rows)
	for i := range y {
		X.Data[i] = float64(i)
		if i >= 2500 {
			y[i] = 1
		}
	}
	m, err := ensemble.Tree{Bins: 4, MaxDepth: 1}.FitRegressor(context.Background(), X, y, nil)
	if err != nil {
		panic(err)
	}
	p, err := m.Predict(nil, linalg.NewDense(2, 1, []float64{2499, 2500}))
	if err != nil {
		panic(err)
	}
	fmt.Println(p)
	// Output: [0 1]
}
