package linear_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
)

// fitted returns a model, and ends the program if there is none.
func fitted[M any](m M, err error) M {
	if err != nil {
		log.Fatal(err)
	}
	return m
}

func ExampleLinearModel() {
	m := fitted(linear.Linear{}.Fit(context.Background(), flats, rents, nil))
	fmt.Printf("rank %d, %.0f degrees of freedom, Σ of squares %.0f\n", m.Rank(), m.DoF(), m.RSS())
	// Output: rank 2, 3 degrees of freedom, Σ of squares 141
}

// What all models of linear regression can do.
func ExampleLinearPredictor() {
	for _, p := range []linear.LinearPredictor{
		fitted(linear.Linear{}.Fit(context.Background(), flats, rents, nil)).LinearPredictor,
		fitted(linear.Ridge{Alpha: 100}.Fit(context.Background(), flats, rents, nil)).LinearPredictor,
	} {
		rent, err := p.PredictRow([]float64{50, 2})
		fmt.Printf("%.2f·area + %.2f·rooms + %.1f: %.0f %v\n", p.Coef()[0], p.Coef()[1], p.Intercept(), rent, err)
	}
	// Output:
	// 7.90·area + 35.00·rooms + 143.5: 608 <nil>
	// 9.05·area + 0.64·rooms + 158.2: 612 <nil>
}

func ExampleRidgeModel() {
	m := fitted(linear.Ridge{Alpha: 1}.Fit(context.Background(), flats, rents, nil))
	fmt.Printf("alpha %v by %s: %.2f\n", m.Alpha(), m.Convergence().Solver, m.Coef())
	// Output: alpha 1 by qr: [8.67 15.75]
}

func ExampleElasticNetModel() {
	m := fitted(linear.ElasticNet{Alpha: 10}.Fit(context.Background(), flats, rents, nil))
	c := m.Convergence()
	fmt.Println(m.NonZeros(), "coefficients, gap within the tolerance:", c.Residual <= c.Tolerance)
	// Output: 2 coefficients, gap within the tolerance: true
}

// Visits by hours, at a shop that is open for some hours a day.
func ExampleTweedieModel() {
	hour := linalg.NewDense(6, 1, []float64{0, 1, 2, 3, 4, 5})
	visits := []float64{2, 3, 6, 7, 15, 21}
	m := fitted(linear.Poisson{}.Fit(context.Background(), hour, visits, nil))
	mean, err := m.PredictRow([]float64{6})
	se, _ := m.StdErr()
	fmt.Printf("next hour %.0f %v, logarithm of the rate %.2f ± %.2f an hour\n", mean, err, m.Coef()[0], se[0])
	fmt.Printf("deviance %.2f of %.2f\n", m.Deviance(), m.NullDeviance())
	// Output:
	// next hour 35 <nil>, logarithm of the rate 0.47 ± 0.10 an hour
	// deviance 0.56 of 29.92
}

func ExampleHuberModel() {
	wrong := append([]float64(nil), rents...)
	wrong[2] = 6900 // a digit too many
	m := fitted(linear.Huber{}.Fit(context.Background(), flats, wrong, nil))
	fmt.Printf("residuals beyond %.0f count as outliers\n", m.Epsilon()*m.Scale())
	// Output: residuals beyond 6 count as outliers
}

func ExampleStudentTModel() {
	wrong := append([]float64(nil), rents...)
	wrong[2] = 6900 // a digit too many
	m := fitted(linear.StudentT{DoF: 2}.Fit(context.Background(), flats, wrong, nil))
	se, _ := m.StdErr()
	fmt.Printf("%.1f ± %.1f a square metre, log-likelihood %.1f\n", m.Coef()[0], se[0], m.LogLikelihood())
	// Output: 7.8 ± 0.4 a square metre, log-likelihood -38.8
}

func ExampleIsotonicModel() {
	x := linalg.NewDense(5, 1, []float64{0, 1, 1, 2, 3})
	m := fitted(linear.Isotonic{}.Fit(context.Background(), x, []float64{0, 0, 1, 0, 1}, nil))
	knots, values := m.Knots()
	for i, at := range knots {
		fmt.Printf("f(%v) = %.2f\n", at, values[i])
	}
	// Output:
	// f(0) = 0.00
	// f(1) = 0.33
	// f(2) = 0.33
	// f(3) = 1.00
}

func ExamplePlattModel() {
	scores := linalg.NewDense(3, 1, []float64{5, -4, 1})
	m := fitted(linear.Platt{}.Fit(context.Background(), scores, []int{1, 0, 0}, nil))
	p := make([]float64, 2)
	err := m.PredictProbaRow(p, []float64{3})
	fmt.Printf("%.2f %v\n", p, err)
	// Output: [0.51 0.49] <nil>
}

func ExampleLogisticCVModel() {
	X, y := problem(200, 6, 2, 1)
	m := fitted(linear.LogisticCV{Cs: []float64{0.001, 0.1, 10}}.Fit(context.Background(), X, y, nil))
	class, err := m.PredictRow(X.Row(0))
	fmt.Printf("C = %v, %d coefficients, class %d %v\n", m.C(), len(m.Coef()), class, err)
	// Output: C = 0.1, 6 coefficients, class 1 <nil>
}

func ExampleSoftmaxCVModel() {
	X, y := problem(300, 4, 3, 1)
	m := fitted(linear.SoftmaxCV{Cs: []float64{0.001, 0.1, 10}}.Fit(context.Background(), X, y, nil))
	p := make([]float64, 3)
	err := m.PredictProbaRow(p, X.Row(0))
	fmt.Printf("C = %v: %.2f %v\n", m.C(), p, err)
	// Output: C = 0.1: [0.63 0.21 0.17] <nil>
}

// Areas from widths and heights: the machine finds that they multiply.
func areas() (X *linalg.Dense[float64], area []float64) {
	return linalg.NewDense(6, 2, []float64{1, 2, 2, 2, 3, 1, 4, 3, 2, 5, 5, 4}), []float64{2, 4, 3, 12, 10, 20}
}

func ExampleFMPredictor() {
	X, area := areas()
	m := fitted(linear.FMRegressor{Factors: 2, FactorC: 1e6, C: 1e6, Tol: 1e-9}.Fit(context.Background(), X, area, nil))
	p := m.FMPredictor
	score, err := p.Score([]float64{3, 3})
	fmt.Printf("%d features, %d factors, score %.2f %v\n", p.Features(), len(p.Factors())/p.Features(), score, err)
	// Output: 2 features, 2 factors, score 9.00 <nil>
}

func ExampleFMRegressorModel() {
	X, area := areas()
	m := fitted(linear.FMRegressor{Factors: 2, FactorC: 1e6, C: 1e6, Tol: 1e-9}.Fit(context.Background(), X, area, nil))
	p, err := m.Predict(nil, linalg.NewDense(2, 2, []float64{6, 7, 10, 10}))
	fmt.Printf("%.1f %v\n", p, err)
	// Output: [42.0 100.0] <nil>
}

func ExampleFMClassifierModel() {
	X, area := areas()
	large := make([]int, len(area))
	for i, a := range area {
		if a >= 10 {
			large[i] = 1
		}
	}
	m := fitted(linear.FMClassifier{Factors: 2, C: 10, FactorC: 10, Seed: 1}.Fit(context.Background(), X, large, nil))
	class, err := m.PredictRow([]float64{6, 7})
	fmt.Println(class, err, m.Convergence().Converged)
	// Output: 1 <nil> true
}
