package linalg_test

import (
	"fmt"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram/linalg"
)

// One line makes gonum's matrices fast.
func ExampleBLAS() {
	defer blas64.Use(blas64.Implementation()) // the example leaves things as they were
	defer blas32.Use(blas32.Implementation())

	blas64.Use(linalg.BLAS{})
	blas32.Use(linalg.BLAS{})

	a := mat.NewDense(2, 2, []float64{1, 2, 3, 4})
	var c mat.Dense
	c.Mul(a, a)
	fmt.Println(mat.Formatted(&c))
	// Output:
	// ⎡ 7  10⎤
	// ⎣15  22⎦
}
