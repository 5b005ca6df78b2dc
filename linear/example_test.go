package linear_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
)

// Hours studied, hours slept, and who passed.
var (
	hours = linalg.NewDense(8, 2, []float64{
		1, 8,
		2, 4,
		3, 7,
		4, 3,
		4, 8,
		6, 5,
		7, 8,
		8, 6,
	})
	passed = []int{0, 0, 0, 0, 1, 0, 1, 1}
	grade  = []int{0, 0, 0, 1, 1, 1, 2, 2}
)

func ExampleLogistic() {
	m, err := linear.Logistic{}.Fit(context.Background(), hours, passed, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := make([]float64, 2)
	for _, x := range [][]float64{{2, 8}, {5, 7}, {8, 8}} {
		if err := m.PredictProbaRow(p, x); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%v hours of study: %.2f\n", x[0], p[1])
	}
	// Output:
	// 2 hours of study: 0.22
	// 5 hours of study: 0.55
	// 8 hours of study: 0.97
}

// Without a penalty, classes that a plane separates push the coefficients to
// infinity.
func ExampleLogistic_separable() {
	_, err := linear.Logistic{C: math.Inf(1)}.Fit(context.Background(), hours, passed, nil)
	fmt.Println(errors.Is(err, gram.ErrSeparable))
	// Output:
	// true
}

func ExampleLogisticModel() {
	m, err := linear.Logistic{}.Fit(context.Background(), hours, passed, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("log-odds %.2f·study + %.2f·sleep − %.2f\n", m.Coef()[0], m.Coef()[1], -m.Intercept())

	var file bytes.Buffer
	if err := gram.Save(&file, m); err != nil {
		fmt.Println(err)
		return
	}
	loaded, err := gram.Load(&file)
	if err != nil {
		fmt.Println(err)
		return
	}
	class, err := loaded.(gram.Classifier).PredictRow([]float64{5, 8})
	fmt.Println(class, err)
	// Output:
	// log-odds 0.79·study + 0.90·sleep − 10.05
	// 1 <nil>
}

func ExampleSoftmax() {
	m, err := linear.Softmax{C: 10, Balanced: true}.Fit(context.Background(), hours, grade, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := m.PredictProba(nil, hours)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := 0; i < hours.Rows; i += 3 {
		fmt.Printf("%.2f\n", p[3*i:3*i+3])
	}
	// Output:
	// [1.00 0.00 0.00]
	// [0.07 0.93 0.00]
	// [0.00 0.03 0.97]
}

func ExampleSoftmaxModel() {
	m, err := linear.Softmax{}.Fit(context.Background(), hours, grade, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	classes, err := m.Predict(nil, hours)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(classes)
	c := m.Convergence()
	fmt.Println(c.Converged, c.Residual <= c.Tolerance)
	// Output:
	// [0 0 0 1 1 1 2 2]
	// true true
}

func ExampleSolver() {
	for _, s := range []linear.Solver{linear.NewtonCholesky, linear.NewtonCG, linear.LBFGS} {
		m, err := linear.Softmax{Solver: s, Tol: 1e-9}.Fit(context.Background(), hours, grade, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%-16v%.6f\n", s, m.Convergence().Objective)
	}
	// Output:
	// newton-cholesky 3.627546
	// newton-cg       3.627546
	// lbfgs           3.627546
}

// An L1 penalty leaves out the hours of sleep; the duality gap says how far the
// objective can be above its minimum.
func ExampleLogistic_l1() {
	m, err := linear.Logistic{L1Ratio: 1, C: 0.2}.Fit(context.Background(), hours, passed, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f\n", m.Coef())
	fmt.Println(m.Convergence().Residual <= m.Convergence().Tolerance)
	// Output:
	// [0.09 0.00]
	// true
}
