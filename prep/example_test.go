package prep_test

import (
	"context"
	"fmt"

	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/prep"
)

func ExampleStandard() {
	X := linalg.NewDense(4, 2, []float64{
		1, 200,
		2, 400,
		3, 600,
		4, 800,
	})
	m, err := prep.Standard{}.Fit(context.Background(), X, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("mean ", m.Mean())
	fmt.Printf("scale %.3f\n", m.Scale())
	// Output:
	// mean  [2.5 500]
	// scale [1.118 223.607]
}

func ExampleStandardModel() {
	X := linalg.NewDense(3, 1, []float64{1, 2, 6})
	m, err := prep.Standard{}.Fit(context.Background(), X, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	z, err := m.Transform(nil, X)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.4f\n", z)

	row := []float64{3}
	if err := m.TransformRow(row, row); err != nil { // in place
		fmt.Println(err)
		return
	}
	fmt.Printf("%.4f\n", row)
	// Output:
	// [-0.9258 -0.4629 1.3887]
	// [0.0000]
}

// A stream is read once, piece by piece, and nothing of it is kept.
func ExampleMoments() {
	pieces := [][]float64{{1, 2, 3}, {4, 5}, {6}}
	var m prep.Moments
	for _, p := range pieces {
		if err := m.Add(linalg.NewDense(len(p), 1, p), nil); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Printf("rows %v, mean %v, variance %.4f\n", m.Weight, m.Mean, m.Variance())

	s, err := prep.Standard{}.FromMoments(&m)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("scale %.4f\n", s.Scale())
	// Output:
	// rows 6, mean [3.5], variance [2.9167]
	// scale [1.7078]
}
