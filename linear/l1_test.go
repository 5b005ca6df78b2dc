package linear_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
)

func TestConformanceL1(t *testing.T) {
	modeltest.Check(t, linear.Logistic{L1Ratio: 1, C: 0.3, Tol: 1e-13}, modeltest.Classes(2))
	if !testing.Short() {
		modeltest.Check(t, linear.Softmax{L1Ratio: 0.6, Tol: 1e-13})
	}
}

// TestL1Golden holds fits against optima that an independent program found.
func TestL1Golden(t *testing.T) {
	text, err := os.ReadFile("testdata/l1.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Data                string
			C, Ratio, Objective float64
			Intercept           bool
			Coef, Bias          []float64
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) == 0 {
		t.Fatal("no golden cases")
	}
	for _, c := range file.Cases {
		t.Run(fmt.Sprint(c.Data, c.C, c.Ratio, c.Intercept), func(t *testing.T) {
			X, y := readData(t, c.Data)
			X = standardized(X)
			var coef, bias []float64
			var objective float64
			if len(c.Bias) == 1 {
				m, err := linear.Logistic{C: c.C, L1Ratio: c.Ratio, NoIntercept: !c.Intercept, Tol: 1e-13}.Fit(background, X, y, nil)
				if err != nil {
					t.Fatal(err)
				}
				coef, bias, objective = m.Coef(), []float64{m.Intercept()}, m.Convergence().Objective
			} else {
				m, err := linear.Softmax{C: c.C, L1Ratio: c.Ratio, NoIntercept: !c.Intercept, Tol: 1e-13}.Fit(background, X, y, nil)
				if err != nil {
					t.Fatal(err)
				}
				coef, bias, objective = m.Coef(), m.Intercept(), m.Convergence().Objective
			}
			if e := math.Abs(objective/c.Objective - 1); !(e <= 1e-11) {
				t.Errorf("objective %.15g, want %.15g", objective, c.Objective)
			}
			for i, b := range c.Coef {
				if (b == 0) != (coef[i] == 0) {
					t.Errorf("coefficient %d is %g, want %g", i, coef[i], b)
				}
			}
			if e := distance(coef, c.Coef); !(e <= 1e-8) {
				t.Errorf("coefficients off by %.2g", e)
			}
			for k, b := range c.Bias {
				if !(math.Abs(bias[k]-b) <= 1e-8*(1+math.Abs(b))) {
					t.Errorf("intercepts %v, want %v", bias, c.Bias)
				}
			}
		})
	}
}

// kkt returns the largest violation of the conditions of optimality, relative to l1, of
// coefficients K×d and intercepts of the log-loss of softmax, or of one row of log-odds.
func kkt(X gram.Matrix, y []int, w, coef, bias []float64, l1, l2 float64, intercept bool) float64 {
	n, d := X.Dims()
	K := len(bias)
	grad, gb := make([]float64, K*d), make([]float64, K)
	r := make([]float64, K)
	for i := range n {
		z := make([]float64, K)
		for k := range K {
			z[k] = bias[k]
			for j := range d {
				z[k] += X.At(i, j) * coef[k*d+j]
			}
		}
		wi := 1.0
		if w != nil {
			wi = w[i]
		}
		if K == 1 {
			r[0] = 1/(1+math.Exp(-z[0])) - float64(y[i])
		} else {
			top, sum := math.Inf(-1), 0.0
			for _, v := range z {
				top = max(top, v)
			}
			for k, v := range z {
				r[k] = math.Exp(v - top)
				sum += r[k]
			}
			for k := range r {
				r[k] /= sum
			}
			r[y[i]]--
		}
		for k := range K {
			gb[k] += wi * r[k]
			for j := range d {
				grad[k*d+j] += wi * r[k] * X.At(i, j)
			}
		}
	}
	worst := 0.0
	for i, b := range coef {
		g := grad[i] + l2*b
		if b == 0 {
			worst = max(worst, math.Abs(g)-l1)
		} else {
			worst = max(worst, math.Abs(g+math.Copysign(l1, b)))
		}
	}
	if intercept {
		for _, g := range gb {
			worst = max(worst, math.Abs(g))
		}
	}
	return worst / l1
}

// TestL1Optimal goes through both models of the loss, all rows and a part of them, and
// more features than rows.
func TestL1Optimal(t *testing.T) {
	for _, c := range []struct {
		n, d, k   int
		C, ratio  float64
		intercept bool
	}{
		{300, 10, 2, 0.05, 1, true}, {300, 10, 2, 1, 1, false}, {300, 10, 3, 0.1, 1, true}, {300, 10, 4, 1, 0.5, true},
		{300, 10, 3, 0.1, 0.3, false}, {60, 300, 2, 1, 1, true}, {60, 1100, 2, 10, 1, true}, {30, 400, 3, 10, 0.9, true},
		{13000, 6, 2, 0.01, 1, true}, {13000, 6, 3, 0.01, 1, true},
	} {
		if testing.Short() && c.n*c.d*c.k > 20_000 && c.d != 400 {
			continue
		}
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			X, y := problem(c.n, c.d, c.k, uint64(c.d))
			w := make([]float64, c.n)
			for i := range w {
				w[i] = float64(i%3) + 0.5
			}
			var coef, bias []float64
			var report gram.Convergence
			if c.k == 2 {
				m, err := linear.Logistic{C: c.C, L1Ratio: c.ratio, NoIntercept: !c.intercept, Tol: 1e-12}.Fit(background, X, y, w)
				if err != nil {
					t.Fatal(err)
				}
				coef, bias, report = m.Coef(), []float64{m.Intercept()}, m.Convergence()
			} else {
				m, err := linear.Softmax{C: c.C, L1Ratio: c.ratio, NoIntercept: !c.intercept, Tol: 1e-12}.Fit(background, X, y, w)
				if err != nil {
					t.Fatal(err)
				}
				coef, bias, report = m.Coef(), m.Intercept(), m.Convergence()
			}
			if v := kkt(X, y, w, coef, bias, c.ratio/c.C, (1-c.ratio)/c.C, c.intercept); !(v <= 1e-8) {
				t.Errorf("derivatives off by %.2g", v)
			}
			if !report.Converged || report.Residual > report.Tolerance || report.Solver != "coordinate-descent" {
				t.Errorf("report %+v", report)
			}
		})
	}
}

// TestL1Gap: the duality gap bounds what is missing to the minimum.
func TestL1Gap(t *testing.T) {
	for _, classes := range []int{2, 3} {
		X, y := problem(120, 40, classes, 9)
		best, err := linear.Softmax{C: 0.5, L1Ratio: 0.9, Tol: 1e-13}.Fit(background, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		last := math.Inf(1)
		for limit := 1; limit < 8; limit++ {
			m, err := linear.Softmax{C: 0.5, L1Ratio: 0.9, Tol: 1e-13, MaxIter: limit}.Fit(background, X, y, nil)
			if limit == 1 && !errors.Is(err, gram.ErrNotConverged) {
				t.Fatalf("error %v", err)
			}
			c := m.Convergence()
			if above := c.Objective - best.Convergence().Objective; c.Residual < above-1e-10 {
				t.Errorf("%d iterations: %g above the minimum, gap %g", limit, above, c.Residual)
			}
			if c.Objective > last {
				t.Errorf("%d iterations: objective rose by %g", limit, c.Objective-last)
			}
			last = c.Objective + 1e-10
		}
	}
}

// TestL1Forms: sparse and float32 forms of X give the optimum of the dense one, through
// both models of the loss.
func TestL1Forms(t *testing.T) {
	for _, c := range []struct{ n, d, k int }{{400, 40, 2}, {300, 40, 3}, {80, 400, 2}, {40, 120, 3}} {
		if testing.Short() && c.d == 40 {
			continue
		}
		A, X, y := sparseProblem(t, c.n, c.d, c.k, 5)
		w := make([]float64, c.n)
		for i := range w {
			w[i] = float64(i%4) / 2
		}
		for _, intercept := range []bool{true, false} {
			trainer := linear.Softmax{C: 1, L1Ratio: 0.95, NoIntercept: !intercept, Tol: 1e-13}
			want, err := trainer.Fit(background, X, y, w)
			if err != nil {
				t.Fatal(err)
			}
			for name, m := range map[string]gram.Matrix{"csr": A, "csr32": compressed[float32](t, X), "float32": asFloat32(X), "at": atOnly{X}} {
				got, err := trainer.Fit(background, m, y, w)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if e := max(distance(got.Coef(), want.Coef()), distance(got.Intercept(), want.Intercept())); !(e <= 1e-7) {
					t.Errorf("%v, %s: off by %.2g", c, name, e)
				}
			}
		}
	}
}

// TestL1Workers: no bit depends on the number of workers.
func TestL1Workers(t *testing.T) {
	X, y := problem(5000, 8, 2, 3)
	wide, few := problem(50, 1100, 2, 3)
	for _, data := range []struct {
		X *linalg.Dense[float64]
		y []int
	}{{X, y}, {wide, few}} {
		var want *linear.LogisticModel
		for _, workers := range []int{1, 2, 5} {
			m, err := linear.Logistic{L1Ratio: 1, C: 0.5, Workers: workers, Tol: 1e-6}.Fit(background, data.X, data.y, nil)
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
}

// TestL1Hard: scales and offsets of features, collinear and constant columns, a penalty so
// strong that nothing is left and one so weak that rows are told apart.
func TestL1Hard(t *testing.T) {
	cancer, y := readData(t, "breast_cancer")
	objectives := map[string]float64{}
	for name, f := range map[string]func(j int, v float64) float64{
		"raw":    func(_ int, v float64) float64 { return v },
		"offset": func(_ int, v float64) float64 { return v + 1e6 },
		"twins":  func(_ int, v float64) float64 { return math.Round(v) },
	} {
		X := changed(cancer, f)
		for i := range X.Rows {
			X.Set(i, 3, 7)
			X.Set(i, 5, X.At(i, 6)*2)
		}
		m, err := linear.Logistic{L1Ratio: 1, C: 1}.Fit(background, X, y, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if b := m.Coef()[3]; b != 0 {
			t.Errorf("%s: coefficient of a constant is %v", name, b)
		}
		objectives[name] = m.Convergence().Objective
	}
	if a, b := objectives["raw"], objectives["offset"]; !(math.Abs(a-b) <= 1e-8*a) {
		t.Errorf("an offset moves the minimum from %v to %v", a, b)
	}
	m, err := linear.Logistic{L1Ratio: 1, C: 1e-9}.Fit(background, cancer, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	ones := 0.0
	for _, c := range y {
		ones += float64(c)
	}
	if want := math.Log(ones / (float64(len(y)) - ones)); norm(m.Coef()) != 0 || math.Abs(m.Intercept()-want) > 1e-12 {
		t.Errorf("strong penalty: %v, intercept %v, want %v", m.Coef(), m.Intercept(), want)
	}
	iris, z := readData(t, "iris")
	if _, err := (linear.Softmax{L1Ratio: 1, C: 1e6}).Fit(background, iris, z, nil); err != nil {
		t.Error(err)
	}
	s, err := linear.Softmax{L1Ratio: 1, ClassWeight: []float64{1, 0, 1}}.Fit(background, iris, z, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := s.PredictProba(nil, iris); err != nil || p[1] > 1e-4 {
		t.Errorf("probability %v of a class of weight zero, %v", p[1], err)
	}
}

func TestL1Errors(t *testing.T) {
	X, y := problem(30, 2, 2, 1)
	for _, c := range []struct {
		trainer linear.Logistic
		text    string
	}{
		{linear.Logistic{L1Ratio: -0.5}, "linear: L1Ratio is -0.5, want 0 to 1"},
		{linear.Logistic{L1Ratio: math.NaN()}, "linear: L1Ratio is NaN, want 0 to 1"},
		{linear.Logistic{L1Ratio: 1.5}, "linear: L1Ratio is 1.5, want 0 to 1"},
		{linear.Logistic{L1Ratio: 1, Solver: linear.LBFGS}, "linear: Solver is lbfgs with L1Ratio 1, which takes another"},
		{linear.Logistic{Solver: linear.CoordinateDescent}, "linear: Solver is coordinate-descent with L1Ratio 0, which takes another"},
	} {
		m, err := c.trainer.Fit(background, X, y, nil)
		checkError(t, "logistic", m == nil, err, gram.ErrParam, c.text)
	}
	m, err := linear.Logistic{L1Ratio: 1, MaxIter: 1}.Fit(background, X, y, nil)
	if m == nil || !errors.Is(err, gram.ErrNotConverged) {
		t.Errorf("model %v, error %v", m, err)
	}
	X.Set(20, 1, math.NaN())
	m, err = linear.Logistic{L1Ratio: 1}.Fit(background, X, y, nil)
	checkError(t, "NaN", m == nil, err, gram.ErrNonFinite, "row 20, column 1 is NaN")
	if testing.Short() {
		return
	}
	big, labels := problem(40000, 60, 2, 1)
	big.Set(33333, 7, math.NaN())
	m, err = linear.Logistic{L1Ratio: 1}.Fit(background, big, labels, nil)
	checkError(t, "NaN in large data", m == nil, err, gram.ErrNonFinite, "row 33333, column 7 is NaN")
}
