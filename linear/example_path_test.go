package linear_test

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
)

// With a weaker and weaker L1 penalty, features come in.
func ExampleLogistic_Path() {
	X, y := problem(200, 6, 2, 1)
	models, err := linear.Logistic{L1Ratio: 1}.Path(context.Background(), X, y, nil, []float64{0.01, 0.05, 0.3})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range models {
		fmt.Printf("%.1f\n", m.Coef())
	}
	// Output:
	// [0.0 0.0 0.0 0.0 0.0 0.0]
	// [0.0 0.0 0.0 0.7 0.0 -0.2]
	// [0.1 -0.4 -0.2 1.0 0.0 -0.2]
}

func ExampleLogisticCV() {
	X, y := problem(200, 6, 2, 1)
	m, err := linear.LogisticCV{Cs: []float64{0.001, 0.1, 10}}.Fit(context.Background(), X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("C =", m.C())
	// Output:
	// C = 0.1
}

// The log-losses that the choice rests on, one row a fold.
func ExampleValidation() {
	X, y := problem(200, 6, 2, 1)
	var m *linear.LogisticCVModel
	m, err := linear.LogisticCV{Cs: []float64{0.001, 0.1, 10}}.Fit(context.Background(), X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for f := range 5 {
		fmt.Printf("%.2f\n", m.LogLoss()[3*f:3*f+3])
	}
	// Output:
	// [0.66 0.50 0.50]
	// [0.65 0.42 0.39]
	// [0.66 0.45 0.44]
	// [0.66 0.62 0.71]
	// [0.66 0.56 0.57]
}

func ExampleSoftmaxCV() {
	X, y := problem(200, 6, 3, 1)
	var m *linear.SoftmaxCVModel
	m, err := linear.SoftmaxCV{Cs: []float64{0.001, 0.1, 10}}.Fit(context.Background(), X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("C =", m.C())
	// Output:
	// C = 0.1
}

func ExampleOneVsRest() {
	m, err := linear.OneVsRest{Base: linear.Logistic{C: 10}}.Fit(context.Background(), hours, grade, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	classes, err := m.Predict(nil, hours)
	fmt.Println(classes, err)
	// Output:
	// [0 0 0 1 1 1 2 2] <nil>
}

// The model of one class, which tells it from the others.
func ExampleOneVsRestModel() {
	m, err := linear.OneVsRest{}.Fit(context.Background(), hours, grade, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	one := m.Model(2).(*linear.LogisticModel)
	fmt.Printf("%.1f\n", one.Coef())
	// Output:
	// [1.1 0.4]
}

// How exactly the rows tell the effect of an hour of study, and by what it multiplies the
// odds.
func ExampleInference() {
	X := linalg.NewDense(8, 1, []float64{1, 2, 3, 4, 4, 6, 7, 8})
	trainer := linear.Logistic{C: math.Inf(1)}
	m, err := trainer.Fit(context.Background(), X, passed, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := trainer.Inference(context.Background(), m, X, passed, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	ratio, lo, hi, err := f.OddsRatios(0.95)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f ± %.2f, z = %.2f, p = %.2f\n", f.Coef[0], f.StdErr[0], f.Z()[0], f.P()[0])
	fmt.Printf("odds × %.2f (%.2f to %.2f)\n", ratio[0], lo[0], hi[0])
	// Output:
	// 0.86 ± 0.56, z = 1.54, p = 0.12
	// odds × 2.36 (0.79 to 7.04)
}

// What the rows say about three ways to work and the hours they take: the odds of each
// against the first.
func ExampleSoftmaxInference() {
	X := linalg.NewDense(12, 1, []float64{1, 2, 3, 4, 2, 3, 4, 5, 3, 5, 6, 7})
	way := []int{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2}
	trainer := linear.Softmax{C: math.Inf(1)}
	m, err := trainer.Fit(context.Background(), X, way, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := trainer.Inference(context.Background(), m, X, way, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for k := 1; k < 3; k++ {
		odds, err := f.Odds(k, 0)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("class %d: %.2f ± %.2f, z = %.2f\n", k, odds.Coef[0], odds.StdErr[0], odds.Z()[0])
	}
	// Output:
	// class 1: 0.69 ± 0.68, z = 1.02
	// class 2: 1.62 ± 0.88, z = 1.84
}
