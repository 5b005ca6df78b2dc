package linalg_test

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram/linalg"
)

func ExampleDense() {
	m := linalg.NewDense(2, 3, []float32{
		1, 2, 3,
		4, 5, 6,
	})
	right := m.Slice(0, 2, 1, 3) // a view
	right.Set(0, 0, 20)
	fmt.Println(m.Row(0), m.At(1, 2))
	// Output: [1 20 3] 6
}

func ExampleFromGonum() {
	d := mat.NewDense(2, 2, []float64{1, 2, 3, 4})
	linalg.Scal(10, linalg.FromGonum(d).Row(1))
	fmt.Println(mat.Formatted(d))
	// Output:
	// ⎡ 1   2⎤
	// ⎣30  40⎦
}

func ExampleGemm() {
	a := linalg.NewDense(2, 2, []float64{1, 2, 3, 4})
	b := linalg.NewDense(2, 2, []float64{1, 0, 1, 1})
	c := linalg.NewDense[float64](2, 2, nil)
	linalg.Gemm(blas.NoTrans, blas.Trans, 1, a, b, 0, c) // a·bᵀ
	fmt.Println(c.Data)
	// Output: [1 3 3 7]
}

func ExampleSyrk() {
	x := linalg.NewDense(3, 2, []float64{1, 2, 3, 4, 5, 6})
	gram := linalg.NewDense[float64](2, 2, nil)
	linalg.Syrk(blas.Upper, blas.Trans, 1, x, 0, gram) // the upper triangle of xᵀ·x
	fmt.Println(gram.Data)
	// Output: [35 44 0 56]
}

func ExampleGemv() {
	a := linalg.NewDense(2, 3, []float64{1, 2, 3, 4, 5, 6})
	y := make([]float64, 2)
	linalg.Gemv(blas.NoTrans, 1, a, []float64{1, 0, -1}, 0, y)
	fmt.Println(y)
	// Output: [-2 -2]
}

func ExampleNrm2() {
	fmt.Println(linalg.Nrm2([]float64{3e300, 4e300}))
	// Output: 5e+300
}

func ExampleArgMax() {
	fmt.Println(linalg.ArgMax([]float32{0.1, 0.7, 0.2}))
	// Output: 1
}

func ExampleAsOperator() {
	x := mat.NewDense(3, 2, []float64{1, 2, 3, 4, 5, 6})
	op := linalg.AsOperator(x)
	z := make([]float64, 3)
	op.MulRows(z, 0, 3, []float64{1, -1}, 1)
	fmt.Println(z)
	// Output: [-1 -1 -1]
}
