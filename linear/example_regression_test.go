package linear_test

import (
	"context"
	"fmt"

	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
)

// Floor area in square metres, rooms, and rents.
var (
	flats = linalg.NewDense(6, 2, []float64{
		30, 1,
		45, 2,
		60, 2,
		70, 3,
		85, 4,
		110, 4,
	})
	rents = []float64{420, 560, 690, 800, 960, 1150}
)

func ExampleLinear() {
	m, err := linear.Linear{}.Fit(context.Background(), flats, rents, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	se, _ := m.StdErr()
	fmt.Printf("a square metre costs %.2f ± %.2f, a room %.1f ± %.1f\n", m.Coef()[0], se[0], m.Coef()[1], se[1])
	fmt.Printf("R² = %.4f\n", m.R2())
	// Output:
	// a square metre costs 7.90 ± 0.32, a room 35.0 ± 7.7
	// R² = 0.9996
}

func ExampleIsotonic() {
	dose := linalg.NewDense(5, 1, []float64{0, 1, 1, 2, 3})
	m, err := linear.Isotonic{}.Fit(context.Background(), dose, []float64{0, 0, 1, 0, 1}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, x := range []float64{0, 1.5, 2.5, 9} {
		y, _ := m.PredictRow([]float64{x})
		fmt.Printf("f(%v) = %.3f\n", x, y)
	}
	// Output:
	// f(0) = 0.000
	// f(1.5) = 0.333
	// f(2.5) = 0.667
	// f(9) = 1.000
}

func ExamplePlatt() {
	scores := linalg.NewDense(3, 1, []float64{5, -4, 1})
	m, err := linear.Platt{}.Fit(context.Background(), scores, []int{1, 0, 0}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	a, b := m.Sigmoid()
	fmt.Printf("A = %.6f, B = %.6f\n", a, b)
	// Output: A = -0.202614, B = 0.652367
}
