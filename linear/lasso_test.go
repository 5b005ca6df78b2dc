package linear_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
)

func TestConformanceLasso(t *testing.T) {
	modeltest.Check(t, linear.Lasso{Alpha: 0.1, Tol: 1e-13}, modeltest.Tolerance(1e-6))
	modeltest.Check(t, linear.ElasticNet{Alpha: 0.1, Tol: 1e-13}, modeltest.Tolerance(1e-6))
}

// optimal checks the conditions of the minimum, which need no duality: the gradient of
// the loss is −Alpha·(ratio·sign + (1−ratio)·coef) where a coefficient is not zero, and
// no larger than Alpha·ratio where it is.
func optimal(t *testing.T, m *linear.ElasticNetModel, X *linalg.Dense[float64], y, w []float64, alpha, ratio float64, intercept bool) {
	t.Helper()
	weight := 0.0
	for i := range y {
		if w == nil {
			weight++
		} else {
			weight += w[i]
		}
	}
	grad, sum := normal(X, y, w, predict(t, m, X))
	if intercept && math.Abs(sum) > 1e-9*weight {
		t.Errorf("residuals sum to %v", sum)
	}
	for j, b := range m.Coef() {
		g, bound := grad[j]/weight-alpha*(1-ratio)*b, alpha*ratio
		if b != 0 && math.Abs(g-math.Copysign(bound, b)) > 1e-7 || math.Abs(g) > bound+1e-7 {
			t.Errorf("coefficient %d is %v with a gradient of %v, bound %v", j, b, g, bound)
		}
	}
}

func TestElasticNetOptimal(t *testing.T) {
	for _, size := range []struct{ n, d int }{{80, 12}, {30, 90}} {
		X, y := regression(size.n, size.d, 7)
		w := randomWeights(size.n, 3)
		for _, c := range []struct{ alpha, ratio float64 }{{0.5, 1}, {0.02, 1}, {0.1, 0.5}, {0.02, 0.05}} {
			for _, through := range []bool{false, true} {
				trainer := linear.ElasticNet{Alpha: c.alpha, L1Ratio: c.ratio, NoIntercept: through, Tol: 1e-13}
				if through {
					trainer.Tol = 1e-10 // columns are far from zero: rounding of X·r alone is a gap of 1e-11
				}
				for name, weights := range map[string][]float64{"ones": nil, "weights": w} {
					m, err := trainer.Fit(background, X, y, weights)
					if err != nil {
						t.Fatalf("%v, %v, %s: %v", size, c, name, err)
					}
					optimal(t, m, X, y, weights, c.alpha, c.ratio, !through)
				}
			}
		}
	}
}

// The gap bounds the distance to the minimum: a loose fit is no further above a tight
// one than it says.
func TestLassoGap(t *testing.T) {
	X, y := regression(60, 100, 8)
	best, err := linear.Lasso{Alpha: 0.05, Tol: 1e-13}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tol := range []float64{1e-1, 1e-3, 1e-6} {
		m, err := linear.Lasso{Alpha: 0.05, Tol: tol}.Fit(background, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := m.Convergence()
		if above := c.Objective - best.Convergence().Objective; above > c.Residual+1e-12 || above < -1e-12 || c.Residual > c.Tolerance {
			t.Errorf("tolerance %v: %v above the minimum, gap %v", tol, above, c.Residual)
		}
	}
}

// With orthogonal columns each coefficient is the least squares one, shrunk.
func TestLassoOrthogonal(t *testing.T) {
	X := linalg.NewDense(4, 3, []float64{1, 1, 1, -1, 1, -1, 1, -1, -1, -1, -1, 1})
	y := []float64{4, 1, -2, -3}
	m, err := linear.Lasso{Alpha: 0.75}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Xᵀy/4 is (1, 2.5, 0.5), since columns have mean 0.
	if d := distance(m.Coef(), []float64{0.25, 1.75, 0}); d > 1e-12 || m.Intercept() != 0 || m.NonZeros() != 2 {
		t.Errorf("coefficients %v, intercept %v", m.Coef(), m.Intercept())
	}
}

func TestLassoPath(t *testing.T) {
	X, y := regression(50, 30, 9)
	path, err := linear.Lasso{Tol: 1e-13}.Path(background, X, y, nil, nil)
	if err != nil || len(path) != 100 {
		t.Fatalf("%d models, %v", len(path), err)
	}
	if n := path[0].NonZeros(); n != 0 {
		t.Errorf("%d coefficients at the largest Alpha", n)
	}
	if n := path[1].NonZeros(); n == 0 {
		t.Error("no coefficient right below the largest Alpha")
	}
	if r := path[99].Alpha() / path[0].Alpha(); math.Abs(r-1e-3) > 1e-12 {
		t.Errorf("the last Alpha is %v of the first", r)
	}
	for _, k := range []int{10, 50, 99} {
		optimal(t, path[k], X, y, nil, path[k].Alpha(), 1, true)
	}
	constant, err := linear.Lasso{}.Path(background, X, make([]float64, 50), nil, nil)
	if err != nil || constant[99].NonZeros() != 0 {
		t.Errorf("constant targets: %v", err)
	}
}

// Sparse rows, single precision and columns far from zero give the same model.
func TestLassoForms(t *testing.T) {
	X, y := regression(70, 20, 10)
	for i := range X.Data {
		X.Data[i] = float64(float32(X.Data[i]))
		if i%3 == 0 {
			X.Data[i] = 0
		}
	}
	trainer := linear.ElasticNet{Alpha: 0.05, L1Ratio: 0.9, Tol: 1e-13}
	want, err := trainer.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	single := linalg.CopyOf[float32](X)
	for name, form := range map[string]gram.Matrix{
		"CSR": compressed[float64](t, X), "CSR of float32": compressed[float32](t, X), "float32": single,
		"shifted": changed(X, func(_ int, v float64) float64 { return v + 1e6 }),
	} {
		m, err := trainer.Fit(background, form, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := distance(m.Coef(), want.Coef()); d > 1e-6 {
			t.Errorf("%s: coefficients off by %v", name, d)
		}
	}
}

// Many sparse rows: the conditions of the minimum hold all along a path, and columns are
// never made dense.
func TestLassoSparse(t *testing.T) {
	const n, d, alphas = 8_000, 250, 10
	X, y := scattered(t, n, d, 3, 7)
	w := randomWeights(n, 2)
	weight := 0.0
	for _, v := range w {
		weight += v
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var strengths []float64
	for k := range alphas {
		strengths = append(strengths, 0.1*math.Pow(0.5, float64(k)))
	}
	path, err := linear.Lasso{Tol: 1e-12}.Path(background, X, y, w, strengths)
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	last := path[alphas-1]
	if used := after.TotalAlloc - before.TotalAlloc; last.NonZeros() < 175 || used > uint64(8*n*last.NonZeros()) {
		t.Errorf("%d bytes for %d features of %d rows", used, last.NonZeros(), n)
	}
	for _, m := range path {
		e, grad, sum := predict(t, m, X), make([]float64, d), 0.0
		for i := range e {
			e[i] = w[i] * (y[i] - e[i]) / weight
			sum += e[i]
		}
		X.AddTransMulRows(grad, 0, n, e, 1)
		worst := math.Abs(sum)
		for j, b := range m.Coef() {
			if b != 0 {
				worst = max(worst, math.Abs(grad[j]-math.Copysign(m.Alpha(), b)))
			} else {
				worst = max(worst, math.Abs(grad[j])-m.Alpha())
			}
		}
		if worst > 1e-6 {
			t.Errorf("alpha %v, %d coefficients: off by %v", m.Alpha(), m.NonZeros(), worst)
		}
	}
}

func TestLassoErrors(t *testing.T) {
	X, y := regression(20, 3, 1)
	for name, trainer := range map[string]linear.ElasticNet{
		"alpha": {Alpha: -1}, "infinite": {Alpha: math.Inf(1)}, "NaN": {Alpha: math.NaN()}, "ratio": {L1Ratio: 1.5},
		"negative ratio": {L1Ratio: -0.5}, "tol": {Tol: math.NaN()}, "iterations": {MaxIter: -1}, "workers": {Workers: -1},
	} {
		if m, err := trainer.Fit(background, X, y, nil); m != nil || !errors.Is(err, gram.ErrParam) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func ExampleLasso() {
	m, err := linear.Lasso{Alpha: 40}.Fit(context.Background(), flats, rents, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f a square metre, %.2f a room\n", m.Coef()[0], m.Coef()[1])
	// Output: 9.24 a square metre, 0.00 a room
}

func ExampleElasticNet() {
	path, err := linear.ElasticNet{}.Path(context.Background(), flats, rents, nil, []float64{1e4, 10, 0.01})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range path {
		fmt.Printf("alpha %v: %.2f, %.2f\n", m.Alpha(), m.Coef()[0], m.Coef()[1])
	}
	// Output:
	// alpha 10000: 0.23, 0.00
	// alpha 10: 9.21, 0.33
	// alpha 0.01: 7.95, 33.71
}

// lassoData are independent features of which a few tell.
func lassoData(n, d int) (*linalg.Dense[float64], []float64) {
	r := rand.New(rand.NewPCG(6, 1))
	X, y := linalg.NewDense[float64](n, d, nil), make([]float64, n)
	for i := range n {
		row := X.Row(i)
		for j := range row {
			row[j] = r.NormFloat64()
		}
		for k := range 100 {
			y[i] += row[k*(d/100)] * float64(1+k%5)
		}
		y[i] += 10 * r.NormFloat64()
	}
	return X, y
}

func BenchmarkLassoPath(b *testing.B) {
	X, y := lassoData(5000, 10_000)
	b.Run("n=5000/d=10000", func(b *testing.B) {
		for b.Loop() {
			path, err := linear.Lasso{Workers: 1, Tol: 2e-4}.Path(context.Background(), X, y, nil, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(path[99].NonZeros()), "non-zeros")
		}
	})
}

func BenchmarkIsotonic(b *testing.B) {
	r := rand.New(rand.NewPCG(4, 1))
	X, y := linalg.NewDense[float64](1_000_000, 1, nil), make([]float64, 1_000_000)
	for i := range y {
		X.Data[i] = r.NormFloat64()
		y[i] = X.Data[i] + r.NormFloat64()
	}
	for b.Loop() {
		if _, err := (linear.Isotonic{}).Fit(context.Background(), X, y, nil); err != nil {
			b.Fatal(err)
		}
	}
}
