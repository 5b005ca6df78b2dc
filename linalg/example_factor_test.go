package linalg_test

import (
	"fmt"

	"github.com/gram-ml/gram/linalg"
)

func ExampleCholesky() {
	a := linalg.NewDense(2, 2, []float64{4, 2, 2, 10})
	c, err := linalg.NewCholesky(1, a)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.U().Data, c.SolveVec(nil, []float64{8, 22}))

	a.Set(1, 1, 1) // the second column is half the first
	_, err = linalg.NewCholesky(1, a)
	fmt.Println(err)
	// Output:
	// [2 1 0 3] [1 2]
	// not positive definite: pivot 0 in column 1, where A has 1: matrix is singular
}

func ExampleLU() {
	a := linalg.NewDense(2, 2, []float64{1, 2, 4, 4})
	f, err := linalg.NewLU(1, a)
	if err != nil {
		fmt.Println(err)
		return
	}
	logAbs, sign := f.LogDet()
	fmt.Printf("%v, the determinant is %.0f·exp(%.4f)\n", f.SolveVec(nil, []float64{5, 12}), sign, logAbs)
	// Output: [1 2], the determinant is -1·exp(1.3863)
}

// The line that fits three points best.
func ExampleQR() {
	a := linalg.NewDense(3, 2, []float64{
		1, 0,
		1, 1,
		1, 2,
	})
	f, err := linalg.NewQR(1, a)
	if err != nil {
		fmt.Println(err)
		return
	}
	x, err := f.Solve(1, nil, linalg.NewDense(3, 1, []float64{1, 3, 6}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.4f\n", x.Data)
	// Output: [0.8333 2.5000]
}
