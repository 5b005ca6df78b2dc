package linear_test

import (
	"testing"

	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
)

// Exact properties are tested at the default tolerance. Those that compare two
// fits on different sums, such as repeated rows, need one that leaves no room.
func TestConformance(t *testing.T) {
	for name, solver := range map[string]linear.Solver{
		"newton": linear.NewtonCholesky, "cg": linear.NewtonCG, "lbfgs": linear.LBFGS,
	} {
		t.Run(name, func(t *testing.T) {
			modeltest.Check(t, linear.Logistic{Solver: solver, Tol: 1e-11}, modeltest.Classes(2))
			modeltest.Check(t, linear.Softmax{Solver: solver, Tol: 1e-11})
		})
	}
}

func TestConformanceDefault(t *testing.T) {
	modeltest.Check(t, linear.Logistic{}, modeltest.Classes(2), modeltest.Tolerance(1e-5))
	modeltest.Check(t, linear.Softmax{}, modeltest.Tolerance(1e-5))
}
