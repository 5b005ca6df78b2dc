package linear_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"gonum.org/v1/gonum/mat"
)

func TestBadInput(t *testing.T) {
	X := linalg.NewDense(4, 2, []float64{0, 1, 1, 0, 2, 2, 3, 1})
	with := func(i, j int, v float64) gram.Matrix {
		m := linalg.CopyOf[float64](X)
		m.Set(i, j, v)
		return m
	}
	y := []int{0, 1, 0, 1}
	nan, inf := math.NaN(), math.Inf(1)
	tests := []struct {
		name string
		X    gram.Matrix
		y    []int
		w    []float64
		is   error
		text string
	}{
		{"nil", nil, y, nil, gram.ErrShape, "X is nil: shapes do not fit"},
		{"empty", &mat.Dense{}, nil, nil, gram.ErrShape, "X is 0×0: shapes do not fit"},
		{"no columns", linalg.NewDense[float64](4, 0, nil), y, nil, gram.ErrShape, "X is 4×0: shapes do not fit"},
		{"short y", X, y[:3], nil, gram.ErrShape, "y has 3 labels, X 4 rows: shapes do not fit"},
		{"short w", X, y, []float64{1}, gram.ErrShape, "w has 1 weights, X 4 rows: shapes do not fit"},
		{"one class", X, []int{0, 0, 0, 0}, nil, gram.ErrLabels, "at least 2"},
		{"negative label", X, []int{0, 1, -1, 0}, nil, gram.ErrLabels, "label -1 in row 2 is negative: invalid class labels"},
		{"gap", X, []int{0, 2, 2, 0}, nil, gram.ErrLabels, "class 1 of 3 has no samples: invalid class labels"},
		{"NaN", with(2, 1, nan), y, nil, gram.ErrNonFinite, "row 2, column 1 is NaN: value is not finite"},
		{"Inf", with(3, 0, inf), y, nil, gram.ErrNonFinite, "row 3, column 0 is +Inf: value is not finite"},
		{"NaN of no weight", with(2, 1, nan), y, []float64{1, 1, 0, 1}, gram.ErrNonFinite, "row 2, column 1 is NaN: value is not finite"},
		{"overflow", with(2, 1, 1e200), y, nil, gram.ErrNonFinite, "linear: the data are so large that the objective overflows: value is not finite"},
		{"negative weight", X, y, []float64{1, 1, -2, 1}, gram.ErrWeights, "weight of row 2 is -2: invalid weights"},
		{"no weight", X, y, []float64{0, 0, 0, 0}, gram.ErrWeights, "no weight of 4 is above zero: invalid weights"},
	}
	for _, c := range tests {
		for _, solver := range solvers {
			b, err := linear.Logistic{Solver: solver}.Fit(background, c.X, c.y, c.w)
			checkError(t, c.name+", logistic", b == nil, err, c.is, c.text)
			s, err := linear.Softmax{Solver: solver}.Fit(background, c.X, c.y, c.w)
			checkError(t, c.name+", softmax", s == nil, err, c.is, c.text)
		}
	}
	m, err := linear.Logistic{}.Fit(background, X, []int{0, 1, 2, 1}, nil)
	checkError(t, "three classes", m == nil, err, gram.ErrLabels, "linear: y has 3 classes, Logistic takes 2 and Softmax more: invalid class labels")
	c, err := linear.Logistic{}.TrainClassifier(background, X, []int{0, 1, 2, 1}, nil)
	checkError(t, "TrainClassifier", c == nil, err, gram.ErrLabels, "linear: y has 3 classes, Logistic takes 2 and Softmax more: invalid class labels")
	c, err = linear.Softmax{}.TrainClassifier(background, X, y[:1], nil)
	checkError(t, "TrainClassifier", c == nil, err, gram.ErrShape, "y has 1 labels, X 4 rows: shapes do not fit")
}

// TestNaNInLargeData: large X is not read for its moments alone in full.
func TestNaNInLargeData(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	X, y := linalg.NewDense[float64](40000, 60, nil), make([]int, 40000)
	for i := range X.Data {
		X.Data[i] = r.Float64()
	}
	for i := range y {
		y[i] = r.IntN(2)
	}
	X.Set(33333, 7, math.NaN())
	for _, solver := range solvers {
		m, err := linear.Logistic{Solver: solver}.Fit(background, X, y, nil)
		checkError(t, solver.String(), m == nil, err, gram.ErrNonFinite, "row 33333, column 7 is NaN: value is not finite")
	}
}

func checkError(t *testing.T, name string, noModel bool, err, is error, text string) {
	t.Helper()
	if !noModel {
		t.Errorf("%s: there is a model", name)
	}
	if err == nil || !errors.Is(err, is) || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: error %q, want %q", name, err, text)
	}
}

func TestBadParameters(t *testing.T) {
	X, y := problem(30, 2, 2, 1)
	nan := math.NaN()
	tests := []struct {
		trainer linear.Logistic
		text    string
	}{
		{linear.Logistic{C: -1}, "linear: C is -1, want > 0 or 0 for 1: invalid hyperparameter"},
		{linear.Logistic{C: nan}, "linear: C is NaN, want > 0 or 0 for 1: invalid hyperparameter"},
		{linear.Logistic{C: 1e-310}, "linear: C is 1e-310, too small for its inverse: invalid hyperparameter"},
		{linear.Logistic{Tol: -1e-3}, "linear: Tol is -0.001, want > 0 or 0 for the default: invalid hyperparameter"},
		{linear.Logistic{Tol: nan}, "linear: Tol is NaN, want > 0 or 0 for the default: invalid hyperparameter"},
		{linear.Logistic{Tol: math.Inf(1)}, "linear: Tol is +Inf, want > 0 or 0 for the default: invalid hyperparameter"},
		{linear.Logistic{MaxIter: -1}, "linear: MaxIter is -1, want > 0 or 0 for 1000: invalid hyperparameter"},
		{linear.Logistic{Workers: -2}, "linear: Workers is -2, want > 0 or 0 for GOMAXPROCS: invalid hyperparameter"},
		{linear.Logistic{Solver: 9}, "linear: Solver is 9: invalid hyperparameter"},
		{linear.Logistic{ClassWeight: []float64{1}}, "linear: ClassWeight has 1 weights for 2 classes: invalid hyperparameter"},
		{linear.Logistic{ClassWeight: []float64{1, -3}}, "linear: ClassWeight of class 1 is -3: invalid hyperparameter"},
		{linear.Logistic{ClassWeight: []float64{nan, 1}}, "linear: ClassWeight of class 0 is NaN: invalid hyperparameter"},
		{linear.Logistic{ClassWeight: []float64{1, 2}, Balanced: true}, "linear: ClassWeight and Balanced are both set: invalid hyperparameter"},
	}
	for _, c := range tests {
		m, err := c.trainer.Fit(background, X, y, nil)
		checkError(t, "logistic", m == nil, err, gram.ErrParam, c.text)
		b := c.trainer
		s, err := linear.Softmax{
			C: b.C, Tol: b.Tol, MaxIter: b.MaxIter, Workers: b.Workers, Solver: b.Solver, ClassWeight: b.ClassWeight, Balanced: b.Balanced,
		}.Fit(background, X, y, nil)
		checkError(t, "softmax", s == nil, err, gram.ErrParam, c.text)
	}
	m, err := linear.Logistic{ClassWeight: []float64{0, 0}}.Fit(background, X, y, nil)
	checkError(t, "zeros", m == nil, err, gram.ErrWeights, "linear: sample weights times class weights: no weight of 30 is above zero: invalid weights")
}

func TestSolverNames(t *testing.T) {
	for s, want := range map[linear.Solver]string{
		linear.Auto: "auto", linear.NewtonCholesky: "newton-cholesky", linear.NewtonCG: "newton-cg", linear.LBFGS: "lbfgs", -3: "Solver(-3)",
	} {
		if s.String() != want {
			t.Errorf("%d is %q, want %q", int(s), s, want)
		}
	}
}
