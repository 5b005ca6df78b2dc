package linear_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/sparse"
)

func TestConformanceRidge(t *testing.T) {
	direct := modeltest.Skip("limit", "a factorization does not iterate")
	modeltest.Check(t, linear.Ridge{}, direct)
	modeltest.Check(t, linear.Ridge{Alphas: []float64{0.1, 1, 10}, NoIntercept: true}, direct)
}

// goldenRegression reads what scikit-learn found.
type goldenRegression struct {
	X     [][]float64
	Y     []float64
	Ridge []struct {
		Alpha, Intercept float64
		Through          bool
		Weights          string
		Coef             []float64
	}
	Alphas, Loo, Coef, Wide []float64
	Alpha                   float64
}

func readRegression(t *testing.T) (goldenRegression, *linalg.Dense[float64]) {
	t.Helper()
	text, err := os.ReadFile("testdata/regression.json")
	if err != nil {
		t.Fatal(err)
	}
	var g goldenRegression
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	X := linalg.NewDense[float64](len(g.X), len(g.X[0]), nil)
	for i, row := range g.X {
		copy(X.Row(i), row)
	}
	return g, X
}

// cycle returns the weights 0, 1, 2, 0, 1, 2 and so on.
func cycle(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = float64(i % 3)
	}
	return w
}

func TestRidgeGolden(t *testing.T) {
	g, X := readRegression(t)
	for _, c := range g.Ridge {
		var w []float64
		if c.Weights == "cycle" {
			w = cycle(X.Rows)
		}
		m, err := linear.Ridge{Alpha: c.Alpha, NoIntercept: c.Through}.Fit(background, X, g.Y, w)
		if err != nil {
			t.Fatal(err)
		}
		if d := distance(m.Coef(), c.Coef); d > 1e-9 || math.Abs(m.Intercept()-c.Intercept) > 1e-8*(1+math.Abs(c.Intercept)) {
			t.Errorf("alpha %v, %s: off by %v, intercept %v, want %v", c.Alpha, c.Weights, d, m.Intercept(), c.Intercept)
		}
	}
}

func TestRidgeLeaveOneOutGolden(t *testing.T) {
	g, X := readRegression(t)
	scaled := standardized(X)
	m, err := linear.Ridge{Alphas: g.Alphas}.Fit(background, scaled, g.Y, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, loo := m.LeaveOneOut()
	if d := distance(loo, g.Loo); d > 1e-10 || m.Alpha() != g.Alpha || distance(m.Coef(), g.Coef) > 1e-10 {
		t.Errorf("errors %v off by %v, alpha %v, want %v", loo, d, m.Alpha(), g.Alpha)
	}
	m, err = linear.Ridge{Alphas: g.Alphas}.Fit(background, scaled.Slice(0, 8, 0, X.Cols), g.Y[:8], nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, loo := m.LeaveOneOut(); distance(loo, g.Wide) > 1e-9 {
		t.Errorf("of 8 rows: %v, want %v", loo, g.Wide)
	}
}

// leaveOut is the error by definition: as many fits as there are rows.
func leaveOut(t *testing.T, trainer linear.Ridge, X *linalg.Dense[float64], y, w []float64) float64 {
	t.Helper()
	sum, weight := 0.0, 0.0
	for i := range y {
		if w[i] == 0 {
			continue
		}
		less := slices.Clone(w)
		less[i] -= min(1, w[i])
		m, err := trainer.Fit(background, X, y, less)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.PredictRow(X.Row(i))
		if err != nil {
			t.Fatal(err)
		}
		sum += w[i] * (y[i] - p) * (y[i] - p)
		weight += w[i]
	}
	return sum / weight
}

// Leave-one-out without leaving out is the same as with, tall and wide, with weights
// and without, with columns that repeat others, dense and sparse.
func TestRidgeLeaveOneOut(t *testing.T) {
	alphas := []float64{1e-3, 1, 30}
	for _, size := range []struct{ n, d int }{{20, 4}, {9, 20}, {12, 12}} {
		X, y := regression(size.n, size.d, 11)
		for i := range size.n {
			X.Set(i, 1, 2*X.At(i, 0))
		}
		for name, w := range map[string][]float64{"ones": slices.Repeat([]float64{1}, size.n), "whole": cycle(size.n), "any": randomWeights(size.n, 5)} {
			for _, through := range []bool{false, true} {
				trainer := linear.Ridge{NoIntercept: through, Alphas: alphas}
				for form, Z := range map[string]gram.Matrix{"dense": X, "CSR": compressed[float64](t, X)} {
					m, err := trainer.Fit(background, Z, y, w)
					if err != nil {
						t.Fatal(err)
					}
					_, loo := m.LeaveOneOut()
					for k, alpha := range alphas {
						want := leaveOut(t, linear.Ridge{NoIntercept: through, Alpha: alpha}, X, y, w)
						if math.Abs(loo[k]-want) > 1e-6*want {
							t.Errorf("%v, %s, %s, alpha %v: error %v, want %v", size, name, form, alpha, loo[k], want)
						}
					}
				}
			}
		}
	}
}

// scattered returns sparse rows with a few entries each.
func scattered(t testing.TB, n, d, each int, seed uint64) (*sparse.CSR[float64], []float64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 2))
	y := make([]float64, n)
	ptr, col, val := []int64{0}, []uint32{}, []float64{}
	for i := range n {
		at := map[uint32]bool{}
		for len(at) < each {
			at[uint32(r.IntN(d))] = true
		}
		var cols []uint32
		for j := range at {
			cols = append(cols, j)
		}
		slices.Sort(cols)
		for _, j := range cols {
			v := r.NormFloat64() + 1
			col, val = append(col, j), append(val, v)
			y[i] += v * float64(j%5)
		}
		y[i] += r.NormFloat64()
		ptr = append(ptr, int64(len(col)))
	}
	X, err := sparse.NewCSR(n, d, ptr, col, val)
	if err != nil {
		t.Fatal(err)
	}
	return X, y
}

// At the minimum the gradient vanishes: conjugate gradients, few rows of very many
// features, and many of both.
func TestRidgeLarge(t *testing.T) {
	for _, c := range []struct {
		n, d, each int
		alphas     []float64
		solver     string
	}{
		{60, 600_000, 20, []float64{0.1, 3}, "eigen"},
		{3000, 400, 5, nil, "conjugate-gradients"},
		{5800, 5800, 5, nil, "conjugate-gradients"},
		{3000, 40, 5, []float64{0.1, 3}, "qr"},
	} {
		if testing.Short() && c.n*c.d > 1e7 {
			continue
		}
		X, y := scattered(t, c.n, c.d, c.each, 4)
		w := randomWeights(c.n, 6)
		m, err := linear.Ridge{Alpha: 2, Alphas: c.alphas, Tol: 1e-12}.Fit(background, X, y, w)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Convergence(); got.Solver != c.solver || !got.Converged {
			t.Errorf("%d×%d: %+v", c.n, c.d, got)
		}
		e, sum := predict(t, m, X), 0.0
		objective := 0.0
		for i := range e {
			r := y[i] - e[i]
			e[i] = w[i] * r
			objective += w[i] * r * r
			sum += e[i]
		}
		grad, coef, worst := make([]float64, c.d), m.Coef(), math.Abs(sum)
		X.AddTransMulRows(grad, 0, c.n, e, 1)
		for j, g := range grad {
			worst = max(worst, math.Abs(g-m.Alpha()*coef[j]))
			objective += m.Alpha() * coef[j] * coef[j]
		}
		if worst > 1e-8*norm(y) || math.Abs(objective-m.Convergence().Objective) > 1e-10*objective {
			t.Errorf("%d×%d: gradient %v, objective %v, reported %v", c.n, c.d, worst, objective, m.Convergence().Objective)
		}
	}
}

// Many rows go by inner products and lose no digit to them, even where features nearly
// depend on each other; where they do, by factorization.
func TestRidgeTall(t *testing.T) {
	X, y := regression(8200, 16, 5)
	for i := range X.Rows {
		X.Set(i, 3, X.At(i, 2)+1e-4*X.At(i, 3))
	}
	w := randomWeights(X.Rows, 3)
	for _, through := range []bool{false, true} {
		m, err := linear.Ridge{Alpha: 0.5, NoIntercept: through}.Fit(background, X, y, w)
		if err != nil {
			t.Fatal(err)
		}
		if m.Convergence().Solver != "conjugate-gradients" || m.Convergence().Iterations > 6 {
			t.Errorf("%+v", m.Convergence())
		}
		want, err := linear.Ridge{Alphas: []float64{0.5}, NoIntercept: through}.Fit(background, X, y, w)
		if err != nil {
			t.Fatal(err)
		}
		if d := distance(append(m.Coef(), m.Intercept()), append(want.Coef(), want.Intercept())); d > 1e-9 {
			t.Errorf("off by %v from a factorization", d)
		}
	}
	for i := range X.Rows {
		X.Set(i, 3, X.At(i, 2)+1e-12*X.At(i, 4))
	}
	m, err := linear.Ridge{Alpha: 1e-12}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	grad, sum := normal(X, y, nil, predict(t, m, X))
	for j, g := range append(grad, sum) {
		if math.Abs(g) > 1e-9*norm(y)*1e3 {
			t.Errorf("residuals times column %d is %v", j, g)
		}
	}
}

// A penalty that rounding hides leaves the shortest of the solutions.
func TestRidgeTinyPenalty(t *testing.T) {
	X, y := regression(40, 3, 2)
	for i := range 40 {
		X.Set(i, 2, X.At(i, 0))
	}
	m, err := linear.Ridge{Alpha: 1e-30}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := linear.Linear{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := distance(m.Coef(), want.Coef()); d > 1e-9 {
		t.Errorf("coefficients %v, want %v", m.Coef(), want.Coef())
	}
}

// A fit of one row leaves out all.
func TestRidgeOneRow(t *testing.T) {
	m, err := linear.Ridge{Alphas: []float64{1, 2}}.Fit(background, linalg.NewDense(1, 2, []float64{1, 2}), []float64{3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	alphas, loo := m.LeaveOneOut()
	if !math.IsInf(loo[0], 1) || m.Alpha() != 2 || m.Intercept() != 3 || len(alphas) != 2 {
		t.Errorf("errors %v, alpha %v, intercept %v", loo, m.Alpha(), m.Intercept())
	}
}

func TestRidgeErrors(t *testing.T) {
	X, y := regression(20, 3, 1)
	for text, trainer := range map[string]linear.Ridge{
		"Alpha is -1": {Alpha: -1}, "Alpha is +Inf": {Alphas: []float64{1, math.Inf(1)}}, "Alpha is 0": {Alphas: []float64{0}},
		"Alpha is NaN": {Alpha: math.NaN()}, "Tol is -1": {Tol: -1}, "MaxIter is -2": {MaxIter: -2}, "Workers is -3": {Workers: -3},
	} {
		if m, err := trainer.Fit(background, X, y, nil); m != nil || !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, want %s", err, text)
		}
	}
	large, z := scattered(t, 5800, 5800, 1, 1)
	_, err := linear.Ridge{Alphas: []float64{1}}.Fit(background, large, z, nil)
	if !errors.Is(err, gram.ErrShape) || !strings.Contains(err.Error(), "X is 5800×5800, too large for leave-one-out") {
		t.Errorf("error %v", err)
	}
	m, err := linear.Ridge{MaxIter: 1}.Fit(background, large, z, nil)
	if m == nil || !errors.Is(err, gram.ErrNotConverged) {
		t.Errorf("error %v", err)
	}
}

func ExampleRidge() {
	m, err := linear.Ridge{Alphas: []float64{0.01, 0.1, 1, 10}}.Fit(context.Background(), flats, rents, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	alphas, errs := m.LeaveOneOut()
	for k, e := range errs {
		fmt.Printf("alpha %v: a flat that is left out is off by %.1f\n", alphas[k], math.Sqrt(e))
	}
	fmt.Printf("alpha %v: %.2f a square metre, %.1f a room\n", m.Alpha(), m.Coef()[0], m.Coef()[1])
	// Output:
	// alpha 0.01: a flat that is left out is off by 11.5
	// alpha 0.1: a flat that is left out is off by 13.2
	// alpha 1: a flat that is left out is off by 19.3
	// alpha 10: a flat that is left out is off by 22.3
	// alpha 0.01: 7.92 a square metre, 34.6 a room
}

func BenchmarkRidge(b *testing.B) {
	X, y := regression(20_000, 200, 3)
	var alphas []float64
	for k := range 20 {
		alphas = append(alphas, math.Pow(10, float64(k-10)/2))
	}
	for name, trainer := range map[string]linear.Ridge{"fit": {Workers: 1}, "leave-one-out": {Workers: 1, Alphas: alphas}} {
		b.Run(name+"/n=20000/d=200", func(b *testing.B) {
			for b.Loop() {
				if _, err := trainer.Fit(background, X, y, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
