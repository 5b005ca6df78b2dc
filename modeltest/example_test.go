package modeltest_test

import (
	"fmt"
	"testing"

	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/prep"
)

// t stands for the argument of a test function.
var t *testing.T

func ExampleCheck() {
	modeltest.Check(t, prep.Standard{})
	modeltest.Check(t, linear.Logistic{}, modeltest.Classes(2))
}

func ExampleOption() {
	modeltest.Check(t, linear.Softmax{},
		modeltest.Tolerance(1e-6),
		modeltest.Skip("repeats", "rows are sampled, so their number matters"))
}

// Data for a model of counts, which the default data do not fit.
func ExampleData() {
	counts := func(rows int) modeltest.Data {
		X := linalg.NewDense[float64](rows, 2, nil)
		y := make([]int, rows)
		for i := range rows {
			y[i] = i % 2
			X.Set(i, y[i], float64(1+i%5))
			X.Set(i, 1-y[i], float64(i%3))
		}
		return modeltest.Data{X: X, Labels: y}
	}
	option := modeltest.Generate(counts)
	d := counts(60)
	n, cols := d.X.Dims()
	fmt.Printf("%T of %d×%d with %d labels\n", option, n, cols, len(d.Labels))
	// Output:
	// modeltest.Option of 60×2 with 60 labels
}
