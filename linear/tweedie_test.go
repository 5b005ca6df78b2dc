package linear_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
)

// positive is data whose targets are positive, or whole numbers.
func positive(whole bool) func(rows int) modeltest.Data {
	return func(rows int) modeltest.Data {
		r := rand.New(rand.NewPCG(8, 1))
		d := modeltest.Data{Targets: make([]float64, rows)}
		X := linalg.NewDense[float64](rows, 3, nil)
		for i := range rows {
			z := 0.5
			for j := range 3 {
				v := float64(float32(r.NormFloat64() + float64(j)))
				X.Set(i, j, v)
				z += 0.3 * v * float64(j-1)
			}
			d.Targets[i] = math.Exp(z) * (0.1 + r.ExpFloat64())
			if whole {
				d.Targets[i] = math.Floor(d.Targets[i])
			}
		}
		d.X = X
		return d
	}
}

func TestConformanceTweedie(t *testing.T) {
	modeltest.Check(t, linear.Poisson{Tol: 1e-12}, modeltest.Generate(positive(true)), modeltest.Tolerance(1e-7))
	modeltest.Check(t, linear.Tweedie{Tol: 1e-12, Alpha: 0.1}, modeltest.Generate(positive(true)), modeltest.Tolerance(1e-7))
	modeltest.Check(t, linear.Gamma{Tol: 1e-12, NoIntercept: true}, modeltest.Generate(positive(false)), modeltest.Tolerance(1e-7))
}

// Means, standard errors, deviances and dispersion are those of statsmodels; fits with
// a penalty are those of scikit-learn.
func TestTweedieGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/glm.json")
	if err != nil {
		t.Fatal(err)
	}
	var g struct {
		Offset, Weights []float64
		Cases           []struct {
			Power, Alpha, Deviance, Null, Dispersion float64
			Form                                     string
			Y, Coef, StdErr                          []float64
		}
	}
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	X, _ := readData(t, "iris")
	for _, c := range g.Cases {
		var w, offset []float64
		switch c.Form {
		case "weights":
			w = g.Weights
		case "offset":
			offset = g.Offset
		}
		m, err := linear.Tweedie{Power: c.Power, Alpha: c.Alpha, Tol: 1e-12}.FitOffset(background, X, c.Y, w, offset)
		if err != nil {
			t.Fatalf("power %v, %s: %v", c.Power, c.Form, err)
		}
		if d := distance(append(m.Coef(), m.Intercept()), c.Coef); d > 1e-9 {
			t.Errorf("power %v, alpha %v, %s: coefficients off by %v", c.Power, c.Alpha, c.Form, d)
		}
		if c.StdErr == nil {
			continue
		}
		coef, intercept := m.StdErr()
		if d := distance(append(coef, intercept), c.StdErr); d > 1e-7 {
			t.Errorf("power %v, %s: standard errors off by %v", c.Power, c.Form, d)
		}
		got := []float64{m.Deviance(), m.NullDeviance(), m.Dispersion()}
		if d := distance(got, []float64{c.Deviance, c.Null, c.Dispersion}); d > 1e-8 {
			t.Errorf("power %v, %s: deviances and dispersion %v off by %v", c.Power, c.Form, got, d)
		}
	}
}

// counts returns sparse rows and counts that depend on them.
func counts(t testing.TB, n, d, each int) (X gram.Matrix, y []float64) {
	t.Helper()
	m, z := scattered(t, n, d, each, 12)
	r := rand.New(rand.NewPCG(5, 6))
	for i, v := range z {
		z[i] = math.Floor(math.Exp(v/float64(4*each)) * 2 * r.ExpFloat64())
	}
	return m, z
}

// At the minimum the gradient vanishes: with a part of the rows first, with many
// features by L-BFGS, dense and sparse.
func TestTweedieOptimal(t *testing.T) {
	for _, c := range []struct {
		n, d, each int
		solver     string
	}{{4000, 6, 3, "newton-cholesky"}, {800, 3000, 5, "lbfgs"}} {
		X, y := counts(t, c.n, c.d, c.each)
		w := randomWeights(c.n, 6)
		const alpha = 0.01
		m, err := linear.Poisson{Alpha: alpha, Tol: 1e-10}.Fit(background, X, y, w)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Convergence(); got.Solver != c.solver || !got.Converged {
			t.Errorf("%d×%d: %+v", c.n, c.d, got)
		}
		mu, sum, weight, deviance := predict(t, m, X), 0.0, 0.0, 0.0
		for i, v := range mu {
			if y[i] > 0 {
				deviance += 2 * w[i] * y[i] * math.Log(y[i]/v)
			}
			deviance += 2 * w[i] * (v - y[i])
			mu[i] = w[i] * (v - y[i])
			sum += mu[i]
			weight += w[i]
		}
		grad, worst := make([]float64, c.d), math.Abs(sum/weight)
		X.(gram.Operator).AddTransMulRows(grad, 0, c.n, mu, 1)
		objective := deviance / weight / 2
		for j, b := range m.Coef() {
			worst = max(worst, math.Abs(grad[j]/weight+alpha*b))
			objective += alpha * b * b / 2
		}
		if worst > 1e-8 || math.Abs(m.Deviance()-deviance) > 1e-9*deviance || math.Abs(m.Convergence().Objective-objective) > 1e-9*objective {
			t.Errorf("%d×%d: gradient %v, deviance %v, %v, objective %v, %v", c.n, c.d, worst, m.Deviance(), deviance, m.Convergence().Objective, objective)
		}
		if se, _ := m.StdErr(); (se == nil) != (c.d > 512) {
			t.Errorf("%d standard errors of %d features", len(se), c.d)
		}
	}
}

// Counts over exposures are rates weighted with them.
func TestPoissonExposure(t *testing.T) {
	d := positive(true)(80)
	offset, rate, exposure := make([]float64, 80), make([]float64, 80), make([]float64, 80)
	for i := range 80 {
		exposure[i] = float64(1 + i%5)
		offset[i], rate[i] = math.Log(exposure[i]), d.Targets[i]/exposure[i]
	}
	a, err := linear.Poisson{Tol: 1e-12}.FitOffset(background, d.X, d.Targets, nil, offset)
	if err != nil {
		t.Fatal(err)
	}
	b, err := linear.Poisson{Tol: 1e-12}.Fit(background, d.X, rate, exposure)
	if err != nil {
		t.Fatal(err)
	}
	if d := distance(append(a.Coef(), a.Intercept()), append(b.Coef(), b.Intercept())); d > 1e-9 {
		t.Errorf("off by %v", d)
	}
}

// Columns that depend on each other, constant ones and those far from zero have the
// standard errors that they should have.
func TestTweedieOpenCoefficients(t *testing.T) {
	d := positive(false)(60)
	X := d.X.(*linalg.Dense[float64])
	full, err := linear.Gamma{Tol: 1e-11}.Fit(background, X, d.Targets, nil)
	if err != nil {
		t.Fatal(err)
	}
	Z := linalg.NewDense[float64](60, 5, nil)
	for i := range 60 {
		copy(Z.Row(i), X.Row(i))
		Z.Set(i, 1, X.At(i, 1)+1e6)
		Z.Set(i, 3, 2*X.At(i, 0))
		Z.Set(i, 4, 7)
	}
	m, err := linear.Gamma{Tol: 1e-11}.Fit(background, Z, d.Targets, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, intercept := m.StdErr()
	want, _ := full.StdErr()
	for j, open := range []bool{true, false, false, true, true} {
		if open != math.IsInf(got[j], 1) || !open && math.Abs(m.Coef()[j]-full.Coef()[j]) > 1e-6 {
			t.Errorf("coefficient %d is %v, error %v", j, m.Coef()[j], got[j])
		}
	}
	// Two features are one feature too many for the dispersion's degrees of freedom.
	share := math.Sqrt(m.Dispersion() / full.Dispersion())
	if math.Abs(got[1]-share*want[1]) > 1e-6*want[1] || !math.IsInf(intercept, 1) {
		t.Errorf("errors %v, want %v, intercept %v", got, want, intercept)
	}
}

func TestTweedieErrors(t *testing.T) {
	d := positive(false)(20)
	X, y := d.X, d.Targets
	with := func(v float64) []float64 {
		z := append([]float64(nil), y...)
		z[3] = v
		return z
	}
	for _, c := range []struct {
		trainer linear.Tweedie
		y       []float64
		offset  []float64
		is      error
		text    string
	}{
		{linear.Tweedie{Power: 0.5}, y, nil, gram.ErrParam, "Power is 0.5, want a number ≥ 1"},
		{linear.Tweedie{Alpha: -1}, y, nil, gram.ErrParam, "Alpha is -1"},
		{linear.Tweedie{Alpha: math.Inf(1)}, y, nil, gram.ErrParam, "Alpha is +Inf"},
		{linear.Tweedie{Tol: -1}, y, nil, gram.ErrParam, "Tol is -1"},
		{linear.Tweedie{}, with(-2), nil, gram.ErrTargets, "target of row 3 is -2, want ≥ 0"},
		{linear.Tweedie{Power: 2}, with(0), nil, gram.ErrTargets, "target of row 3 is 0, want > 0 for a power of 2"},
		{linear.Tweedie{Power: 1}, make([]float64, 20), nil, gram.ErrTargets, "all targets are 0"},
		{linear.Tweedie{}, y, make([]float64, 3), gram.ErrShape, "offset has 3 numbers, X 20 rows"},
		{linear.Tweedie{}, y, with(math.NaN()), gram.ErrNonFinite, "offset of row 3 is NaN"},
	} {
		m, err := c.trainer.FitOffset(background, X, c.y, nil, c.offset)
		if m != nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("error %v, want %s", err, c.text)
		}
	}
	m, err := linear.Poisson{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	huge := []float64{0, 0, math.Copysign(1e6, m.Coef()[2])}
	if _, err := m.PredictRow(huge); !errors.Is(err, gram.ErrNonFinite) || !strings.Contains(err.Error(), "the mean of x is exp(") {
		t.Errorf("error %v", err)
	}
	if _, err := m.Predict(nil, linalg.NewDense(1, 3, huge)); !errors.Is(err, gram.ErrNonFinite) || !strings.Contains(err.Error(), "the mean of row 0 is exp(") {
		t.Errorf("error %v", err)
	}
}

// A NaN is found wherever it is, in rows that a fit begins with or not, of weight 0 too.
func TestTweedieNonFinite(t *testing.T) {
	d := positive(true)(8000)
	X := d.X.(*linalg.Dense[float64])
	w := make([]float64, 8000)
	for i := range w {
		w[i] = float64(i % 2)
	}
	for _, i := range []int{0, 1, 100, 4321, 7999} {
		old := X.At(i, 1)
		for _, v := range []float64{math.NaN(), math.Inf(1)} {
			X.Set(i, 1, v)
			_, err := linear.Poisson{}.Fit(background, X, d.Targets, w)
			if !errors.Is(err, gram.ErrNonFinite) || !strings.Contains(err.Error(), fmt.Sprintf("row %d, column 1 is %v", i, v)) {
				t.Errorf("error %v for %v in row %d", err, v, i)
			}
		}
		X.Set(i, 1, old)
	}
}

func ExamplePoisson() {
	// Calls in a shift of some hours, by day and by night.
	night := linalg.NewDense(6, 1, []float64{0, 0, 0, 1, 1, 1})
	calls := []float64{16, 30, 21, 6, 10, 3}
	hours := []float64{4, 8, 5, 4, 8, 3}
	offset := make([]float64, len(hours))
	for i, h := range hours {
		offset[i] = math.Log(h)
	}
	m, err := linear.Poisson{}.FitOffset(context.Background(), night, calls, nil, offset)
	if err != nil {
		fmt.Println(err)
		return
	}
	day, _ := m.PredictRow([]float64{0})
	se, _ := m.StdErr()
	fmt.Printf("%.2f calls an hour by day, %.2f times that by night\n", day, math.Exp(m.Coef()[0]))
	fmt.Printf("between %.2f and %.2f times\n", math.Exp(m.Coef()[0]-2*se[0]), math.Exp(m.Coef()[0]+2*se[0]))
	// Output:
	// 3.94 calls an hour by day, 0.32 times that by night
	// between 0.19 and 0.54 times
}

func ExampleGamma() {
	m, err := linear.Gamma{}.Fit(context.Background(), flats, rents, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("a square metre more is %.2f %% more, residuals are %.0f %% of the rent\n",
		100*(math.Exp(m.Coef()[0])-1), 100*math.Sqrt(m.Dispersion()))
	// Output: a square metre more is 0.87 % more, residuals are 7 % of the rent
}

func ExampleTweedie() {
	// Claims of a year, most of them none, of small and of large cars.
	large := linalg.NewDense(8, 1, []float64{0, 0, 0, 0, 1, 1, 1, 1})
	claims := []float64{0, 0, 300, 0, 0, 900, 0, 500}
	m, err := linear.Tweedie{Power: 1.5}.Fit(context.Background(), large, claims, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	small, _ := m.PredictRow([]float64{0})
	big, _ := m.PredictRow([]float64{1})
	fmt.Printf("%.0f and %.0f a year, D² = %.2f\n", small, big, m.D2())
	// Output: 75 and 350 a year, D² = 0.15
}

func BenchmarkPoisson(b *testing.B) {
	X, _ := problem(100_000, 100, 2, 1)
	r := rand.New(rand.NewPCG(3, 3))
	y := make([]float64, X.Rows)
	for i := range y {
		y[i] = math.Floor(math.Exp(linalg.Sum(X.Row(i))/20) * 2 * r.ExpFloat64())
	}
	for b.Loop() {
		m, err := linear.Poisson{Workers: 1}.Fit(background, X, y, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(m.Convergence().Iterations), "iterations")
	}
}
