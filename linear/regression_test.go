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
	"github.com/gram-ml/gram/modeltest"
)

// oneFeature is data for trainers that take one column.
func oneFeature(rows int) modeltest.Data {
	r := rand.New(rand.NewPCG(5, 1))
	d := modeltest.Data{Labels: make([]int, rows), Targets: make([]float64, rows)}
	X := linalg.NewDense[float64](rows, 1, nil)
	for i := range rows {
		x := math.Round(r.NormFloat64()*64) / 64
		X.Set(i, 0, x)
		d.Targets[i] = x + r.NormFloat64()
		if r.Float64() < 1/(1+math.Exp(-x)) {
			d.Labels[i] = 1
		}
	}
	d.X = X
	return d
}

func TestConformanceRegression(t *testing.T) {
	for name, trainer := range map[string]gram.RegressorTrainer{
		"Linear": linear.Linear{}, "Linear through 0": linear.Linear{NoIntercept: true},
	} {
		t.Run(name, func(t *testing.T) { modeltest.Check(t, trainer) })
	}
	t.Run("Isotonic", func(t *testing.T) {
		modeltest.Check(t, linear.Isotonic{}, modeltest.Generate(oneFeature))
		modeltest.Check(t, linear.Isotonic{Decreasing: true}, modeltest.Generate(oneFeature))
	})
	t.Run("Platt", func(t *testing.T) {
		modeltest.Check(t, linear.Platt{}, modeltest.Generate(oneFeature))
	})
}

// regression returns correlated features far from zero and of different units, and
// targets of a linear map with noise.
func regression(n, d int, seed uint64) (*linalg.Dense[float64], []float64) {
	r := rand.New(rand.NewPCG(seed, 9))
	X, y := linalg.NewDense[float64](n, d, nil), make([]float64, n)
	for i := range n {
		common := r.NormFloat64()
		for j := range d {
			v := r.NormFloat64() + 0.5*common
			X.Set(i, j, (v+float64(j))*math.Pow(10, float64(j%3-1)))
			y[i] += v * float64(j%4-1)
		}
		y[i] += r.NormFloat64() + 3
	}
	return X, y
}

// normal returns Σ w·e·x over columns and Σ w·e, for the residuals e of a prediction.
func normal(X *linalg.Dense[float64], y, w, p []float64) (grad []float64, sum float64) {
	grad = make([]float64, X.Cols)
	for i := range y {
		e := y[i] - p[i]
		if w != nil {
			e *= w[i]
		}
		sum += e
		for j, v := range X.Row(i) {
			grad[j] += e * v
		}
	}
	return grad, sum
}

func predict(t *testing.T, m gram.Regressor, X gram.Matrix) []float64 {
	t.Helper()
	p, err := m.Predict(nil, X)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func randomWeights(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 3))
	w := make([]float64, n)
	for i := range w {
		w[i] = float64(r.IntN(4)) * r.Float64()
	}
	return w
}

// Residuals are orthogonal to columns and, with an intercept, sum to zero; with more
// blocks of rows than one, too.
func TestLinearNormalEquations(t *testing.T) {
	for _, size := range []struct{ n, d int }{{40, 5}, {3000, 7}, {20, 30}} {
		X, y := regression(size.n, size.d, 1)
		w := randomWeights(size.n, 2)
		for _, through := range []bool{false, true} {
			m, err := linear.Linear{NoIntercept: through}.Fit(background, X, y, w)
			if err != nil {
				t.Fatal(err)
			}
			grad, sum := normal(X, y, w, predict(t, m, X))
			for j, g := range grad {
				if scale := math.Sqrt(float64(size.n)) * norm(y) * 100; math.Abs(g) > 1e-12*scale {
					t.Errorf("%v: residuals times column %d is %v", size, j, g)
				}
			}
			if !through && math.Abs(sum) > 1e-12*norm(y)*float64(size.n) {
				t.Errorf("%v: residuals sum to %v", size, sum)
			}
		}
	}
}

// Of a straight line everything is known in closed form.
func TestLinearStraightLine(t *testing.T) {
	X := linalg.NewDense(5, 1, []float64{1, 2, 3, 4, 5})
	y := []float64{2.1, 3.9, 6.2, 7.8, 10.1}
	m, err := linear.Linear{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	// slope Sxy/Sxx = 19.9/10, RSS = Syy − Sxy²/Sxx.
	rss := 39.708 - 19.9*19.9/10
	se, se0 := m.StdErr()
	for _, c := range []struct{ got, want float64 }{
		{m.Coef()[0], 1.99}, {m.Intercept(), 6.02 - 3*1.99}, {m.RSS(), rss}, {m.DoF(), 3}, {m.R2(), 1 - rss/39.708},
		{se[0], math.Sqrt(rss / 3 / 10)}, {se0, math.Sqrt(rss / 3 * (1.0/5 + 9.0/10))}, {float64(m.Rank()), 1},
	} {
		if math.Abs(c.got-c.want) > 1e-13 {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
}

// Columns that repeat others share the coefficient, and have no standard error; a
// constant column gets 0. Nothing changes if all is far from zero.
func TestLinearRankDeficient(t *testing.T) {
	X, y := regression(60, 3, 4)
	for i := range 60 {
		X.Set(i, 0, math.Round(1024*X.At(i, 0))/1024) // to be exact wherever it is moved
	}
	full, err := linear.Linear{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, shift := range []float64{0, 1e6} {
		Z := linalg.NewDense[float64](60, 5, nil)
		for i := range 60 {
			copy(Z.Row(i), X.Row(i))
			Z.Set(i, 3, 2*X.At(i, 0)+shift)
			Z.Set(i, 4, 7+shift)
		}
		m, err := linear.Linear{}.Fit(background, Z, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		c, f := m.Coef(), full.Coef()
		// The shortest a, b with a + 2b = f is f/5, 2f/5.
		want := []float64{f[0] / 5, f[1], f[2], 2 * f[0] / 5, 0}
		if m.Rank() != 3 || distance(c, want) > 1e-7 {
			t.Errorf("shift %v: rank %d, coefficients %v, want %v", shift, m.Rank(), c, want)
		}
		se, _ := m.StdErr()
		fe, _ := full.StdErr()
		for _, j := range []int{0, 3, 4} {
			if !math.IsInf(se[j], 1) {
				t.Errorf("shift %v: open coefficient %d has error %v", shift, j, se[j])
			}
		}
		if math.Abs(se[1]-fe[1]) > 1e-6*fe[1] {
			t.Errorf("shift %v: error %v, want %v", shift, se[1], fe[1])
		}
	}
}

func TestPlattModel(t *testing.T) {
	X := linalg.NewDense(3, 1, []float64{5, -4, 1})
	m, err := linear.Platt{}.Fit(background, X, []int{1, 0, 0}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := m.Sigmoid(); math.Abs(a+0.202614489618476) > 1e-10 || math.Abs(b-0.652366638998449) > 1e-10 {
		t.Errorf("A, B = %v, %v", a, b)
	}
}

func TestRegressionErrors(t *testing.T) {
	X, y := regression(20, 2, 1)
	_, isotonic := linear.Isotonic{}.Fit(background, X, y, nil)
	_, platt := linear.Platt{}.Fit(background, X, make([]int, 20), nil)
	_, three := linear.Platt{}.Fit(background, linalg.NewDense[float64](3, 1, nil), []int{0, 1, 2}, nil)
	_, tol := linear.Platt{Tol: -1}.Fit(background, X, nil, nil)
	_, workers := linear.Linear{Workers: -1}.Fit(background, X, y, nil)
	for _, c := range []struct {
		err, is error
		text    string
	}{
		{isotonic, gram.ErrShape, "X has 2 columns, Isotonic takes 1"},
		{platt, gram.ErrShape, "X has 2 columns, Platt takes 1"},
		{three, gram.ErrLabels, "y has 3 classes, Platt takes 2"},
		{tol, gram.ErrParam, "Tol is -1"},
		{workers, gram.ErrParam, "Workers is -1"},
	} {
		if !errors.Is(c.err, c.is) || !strings.Contains(c.err.Error(), c.text) {
			t.Errorf("error %q, want %q", c.err, c.text)
		}
	}
}
