package linear_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/sparse"
)

func compressed[T float32 | float64](t testing.TB, X gram.Matrix) *sparse.CSR[T] {
	t.Helper()
	m, err := sparse.FromDense[T](X, 0)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sparseProblem returns rows of a few counts each, some columns rare, and labels that
// depend on them, as CSR and dense.
func sparseProblem(t testing.TB, n, d, classes int, seed uint64) (*sparse.CSR[float64], *linalg.Dense[float64], []int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 17))
	X, y := linalg.NewDense[float64](n, d, nil), make([]int, n)
	W := make([]float64, d*classes)
	for i := range W {
		W[i] = 2 * r.NormFloat64()
	}
	for i := range n {
		for range 8 {
			u := r.Float64()
			X.Set(i, int(float64(d)*u*u), float64(1+r.IntN(3)))
		}
		best := math.Inf(-1)
		for k := range classes {
			z := -math.Log(r.ExpFloat64())
			for j, v := range X.Row(i) {
				z += v * W[j*classes+k]
			}
			if z > best {
				best, y[i] = z, k
			}
		}
	}
	return compressed[float64](t, X), X, y
}

// TestSparse: a sparse X gives the optimum of the dense one, with every solver.
func TestSparse(t *testing.T) {
	for _, classes := range []int{2, 3} {
		A, X, y := sparseProblem(t, 500, 25, classes, 3)
		short := compressed[float32](t, X)
		w := make([]float64, len(y))
		for i := range w {
			w[i] = float64(i%3) + 0.5
		}
		for _, solver := range solvers {
			for _, intercept := range []bool{true, false} {
				trainer := linear.Softmax{C: 2, Solver: solver, NoIntercept: !intercept, Tol: 1e-11}
				want, err := trainer.Fit(background, X, y, w)
				if err != nil {
					t.Fatal(err)
				}
				for name, m := range map[string]gram.Matrix{"float64": A, "float32": short} {
					got, err := trainer.Fit(background, m, y, w)
					if err != nil {
						t.Fatalf("%v: %v", solver, err)
					}
					if e := max(distance(got.Coef(), want.Coef()), distance(got.Intercept(), want.Intercept())); !(e <= 1e-8) {
						t.Errorf("%d classes, %v, %s: off by %.2g", classes, solver, name, e)
					}
				}
			}
		}
	}
}

// TestSparseWorkers: no bit depends on the number of workers.
func TestSparseWorkers(t *testing.T) {
	A, _, y := sparseProblem(t, 6000, 300, 2, 4)
	var want *linear.LogisticModel
	for _, workers := range []int{1, 2, 5} {
		m, err := linear.Logistic{Solver: linear.LBFGS, Workers: workers}.Fit(background, A, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = m
		}
		if !slices.Equal(m.Coef(), want.Coef()) || m.Intercept() != want.Intercept() {
			t.Errorf("%d workers give another model", workers)
		}
	}
}

// TestSparseFar: columns far from zero that are stored in full, and a NaN.
func TestSparseFar(t *testing.T) {
	X, y := readData(t, "iris")
	far := changed(X, func(_ int, v float64) float64 { return v + 1e8 })
	want, err := linear.Softmax{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := linear.Softmax{}.Fit(background, compressed[float64](t, far), y, nil)
	if err != nil {
		t.Fatal(err)
	}
	if e := math.Abs(got.Convergence().Objective/want.Convergence().Objective - 1); !(e <= 1e-5) {
		t.Errorf("objective off by %.2g", e)
	}
	A, _, y := sparseProblem(t, 200, 30, 2, 5)
	A.Val[123] = math.NaN()
	row, col, _ := A.FirstNonFinite()
	m, err := linear.Logistic{}.Fit(background, A, y, nil)
	if text := fmt.Sprintf("row %d, column %d is NaN: value is not finite", row, col); m != nil || !errors.Is(err, gram.ErrNonFinite) || err.Error() != text {
		t.Errorf("error %v, want %q", err, text)
	}
}
