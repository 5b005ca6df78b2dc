package linear_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"gonum.org/v1/gonum/mat"
)

// TestGolden holds every solver against optima that an independent program found.
func TestGolden(t *testing.T) {
	for _, c := range golden(t) {
		X, y := readData(t, c.Data)
		if c.Standardize {
			X = standardized(X)
		}
		w, balanced := []float64(nil), false
		switch c.Weights {
		case "cycle":
			w = make([]float64, len(y))
			for i := range w {
				w[i] = float64(i % 3)
			}
		case "balanced":
			balanced = true
		}
		for _, s := range solvers {
			if testing.Short() && s == linear.Auto {
				continue // is one of the others
			}
			t.Run(c.Name+"/"+s.String(), func(t *testing.T) {
				var coef, bias []float64
				var report gram.Convergence
				if c.Binary {
					m, err := linear.Logistic{C: c.C, NoIntercept: !c.Intercept, Balanced: balanced, Solver: s, Tol: 1e-11}.Fit(background, X, y, w)
					if err != nil {
						t.Fatal(err)
					}
					coef, bias, report = m.Coef(), []float64{m.Intercept()}, m.Convergence()
				} else {
					m, err := linear.Softmax{C: c.C, NoIntercept: !c.Intercept, Balanced: balanced, Solver: s, Tol: 1e-11}.Fit(background, X, y, w)
					if err != nil {
						t.Fatal(err)
					}
					coef, bias, report = m.Coef(), m.Intercept(), m.Convergence()
				}
				if e := math.Abs(report.Objective/c.Objective - 1); !(e <= 1e-11) {
					t.Errorf("objective %.15g, want %.15g: off by %.2g", report.Objective, c.Objective, e)
				}
				tol := 1e-8
				if !c.Standardize {
					tol = 1e-6 // what the golden optimum itself is good for
				}
				if e := distance(coef, c.Coef); !(e <= tol) {
					t.Errorf("coefficients off by %.2g", e)
				}
				for k, b := range c.Bias {
					if !(math.Abs(bias[k]-b) <= tol*(1+math.Abs(b))) {
						t.Errorf("intercepts %v, want %v", bias, c.Bias)
					}
				}
			})
		}
	}
}

// TestReference holds default fits against published numbers.
func TestReference(t *testing.T) {
	check := func(name string, got, want, tol float64) {
		t.Helper()
		if !(math.Abs(got-want) <= tol) {
			t.Errorf("%s is %.12g, want %.12g", name, got, want)
		}
	}
	iris, y := readData(t, "iris")
	m, err := linear.Softmax{}.Fit(background, standardized(iris), y, nil)
	if err != nil {
		t.Fatal(err)
	}
	check("iris objective", m.Convergence().Objective, 31.3787682608, 1e-7)
	check("iris ‖coef‖", norm(m.Coef()), 4.88823650132, 1e-3)

	cancer, y := readData(t, "breast_cancer")
	b, err := linear.Logistic{}.Fit(background, standardized(cancer), y, nil)
	if err != nil {
		t.Fatal(err)
	}
	check("breast cancer objective", b.Convergence().Objective, 37.7589459619, 1e-7)
	check("breast cancer ‖coef‖", norm(b.Coef()), 3.841608789, 1e-3)

	raw, err := linear.Logistic{}.Fit(background, cancer, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	check("raw breast cancer objective", raw.Convergence().Objective, 53.7946112, 1e-6)
}

// TestResidual computes the gradient of the objective from its definition.
func TestResidual(t *testing.T) {
	X, y := problem(300, 5, 3, 11)
	for _, s := range solvers {
		m, err := linear.Softmax{C: 0.3, Solver: s}.Fit(background, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.PredictProba(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		worst := 0.0
		for k := range 3 {
			g, bias := make([]float64, 5), 0.0
			for i := range X.Rows {
				r := p[i*3+k]
				if y[i] == k {
					r--
				}
				linalg.Axpy(r, X.Row(i), g)
				bias += r
			}
			linalg.Axpy(1/0.3, m.Coef()[k*5:(k+1)*5], g)
			worst = max(worst, math.Abs(bias))
			for _, v := range g {
				worst = max(worst, math.Abs(v))
			}
		}
		c := m.Convergence()
		if math.Abs(worst-c.Residual) > 1e-9 || worst > 1e-6*300 || c.Tolerance != 1e-6*300 || !c.Converged {
			t.Errorf("%v: gradient %.6g, reported %+v", s, worst, c)
		}
	}
}

func TestSolversAgree(t *testing.T) {
	shapes := []struct{ n, d, k int }{
		{30, 45, 2}, {30, 45, 4}, {25, 90, 2}, {25, 90, 3}, // fewer rows than columns
		{500, 8, 2}, {500, 8, 5},
		{1100, 20, 3},
		{4500, 4, 2}, {4500, 4, 3}, // more rows than a sample has
	}
	for _, s := range shapes {
		for _, intercept := range []bool{true, false} {
			X, y := problem(s.n, s.d, s.k, uint64(s.n+s.k))
			var first *linear.SoftmaxModel
			for _, solver := range solvers {
				m, err := linear.Softmax{C: 0.5, NoIntercept: !intercept, Solver: solver, Tol: 1e-11}.Fit(background, X, y, nil)
				if err != nil {
					t.Fatalf("%v, %v: %v", s, solver, err)
				}
				if first == nil {
					first = m
				}
				if e := distance(m.Coef(), first.Coef()); !(e <= 1e-8) {
					t.Errorf("%v: coefficients of %v off by %.2g", s, solver, e)
				}
				if e := distance(m.Intercept(), first.Intercept()); !(e <= 1e-8) {
					t.Errorf("%v: intercepts of %v off by %.2g", s, solver, e)
				}
				if got := m.Convergence().Solver; solver != linear.Auto && got != solver.String() {
					t.Errorf("solver %q ran for %v", got, solver)
				}
				if !intercept && norm(m.Intercept()) != 0 {
					t.Errorf("intercepts %v", m.Intercept())
				}
			}
		}
	}
}

// TestZeroSum: parameters sum to zero over the classes.
func TestZeroSum(t *testing.T) {
	X, y := problem(400, 6, 4, 5)
	for _, c := range []float64{1, math.Inf(1)} {
		m, err := linear.Softmax{C: c}.Fit(background, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		for j := range 6 {
			sum := 0.0
			for k := range 4 {
				sum += m.Coef()[k*6+j]
			}
			if math.Abs(sum) > 1e-10 {
				t.Errorf("C=%v: coefficients of feature %d sum to %g", c, j, sum)
			}
		}
		if sum := linalg.Sum(m.Intercept()); math.Abs(sum) > 1e-10 {
			t.Errorf("C=%v: intercepts sum to %g", c, sum)
		}
	}
}

// TestTwoClasses: Softmax of two classes is Logistic with twice C.
func TestTwoClasses(t *testing.T) {
	X, y := problem(300, 7, 2, 8)
	s, err := linear.Softmax{C: 0.2, Tol: 1e-11}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := linear.Logistic{C: 0.4, Tol: 1e-11}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	for j, v := range b.Coef() {
		if s.Coef()[j] != -v/2 || s.Coef()[7+j] != v/2 {
			t.Errorf("feature %d: %v and %v for %v", j, s.Coef()[j], s.Coef()[7+j], v)
		}
	}
	if s.Intercept()[0] != -b.Intercept()/2 || s.Intercept()[1] != b.Intercept()/2 {
		t.Errorf("intercepts %v for %v", s.Intercept(), b.Intercept())
	}
}

// TestUnpenalized: C = +Inf leaves the gradient of the log-loss alone at zero, so
// that mean probabilities are the classes' shares.
func TestUnpenalized(t *testing.T) {
	X, y := problem(2000, 5, 3, 21)
	m, err := linear.Softmax{C: math.Inf(1), Tol: 1e-10}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.PredictProba(nil, X)
	if err != nil {
		t.Fatal(err)
	}
	for k := range 3 {
		sum := 0.0
		for i, c := range y {
			sum += p[i*3+k]
			if c == k {
				sum--
			}
		}
		if math.Abs(sum) > 1e-6 {
			t.Errorf("class %d: probabilities exceed the count by %g", k, sum)
		}
	}
}

func TestWeightsAreRepeats(t *testing.T) {
	for _, classes := range []int{2, 4} {
		X, y := problem(200, 5, classes, 31)
		w := make([]float64, len(y))
		many := &linalg.Dense[float64]{Cols: 5, Stride: 5}
		var labels []int
		for i := range y {
			w[i] = float64((i * 7) % 4)
			for range (i * 7) % 4 {
				many.Data = append(many.Data, X.Row(i)...)
				many.Rows++
				labels = append(labels, y[i])
			}
		}
		for _, solver := range solvers {
			for _, balanced := range []bool{false, true} {
				trainer := linear.Softmax{Solver: solver, Balanced: balanced, Tol: 1e-12}
				a, err := trainer.Fit(background, X, y, w)
				if err != nil {
					t.Fatal(err)
				}
				b, err := trainer.Fit(background, many, labels, nil)
				if err != nil {
					t.Fatal(err)
				}
				if e := max(distance(a.Coef(), b.Coef()), distance(a.Intercept(), b.Intercept())); !(e <= 1e-8) {
					t.Errorf("%d classes, %v, balanced %v: off by %.2g", classes, solver, balanced, e)
				}
			}
		}
	}
}

func TestClassWeights(t *testing.T) {
	X, y := problem(300, 4, 3, 41)
	class := []float64{0.5, 2, 3}
	w := make([]float64, len(y))
	counts := make([]float64, 3)
	for i, c := range y {
		w[i] = class[c]
		counts[c]++
	}
	fit := func(s linear.Softmax, w []float64) []float64 {
		m, err := s.Fit(background, X, y, w)
		if err != nil {
			t.Fatal(err)
		}
		return append(m.Coef(), m.Intercept()...)
	}
	if a, b := fit(linear.Softmax{ClassWeight: class}, nil), fit(linear.Softmax{}, w); !slices.Equal(a, b) {
		t.Errorf("class weights give %v, the same as sample weights %v", a, b)
	}
	for k, n := range counts {
		class[k] = 300 / (3 * n)
	}
	if a, b := fit(linear.Softmax{Balanced: true}, nil), fit(linear.Softmax{ClassWeight: class}, nil); distance(a, b) > 1e-12 {
		t.Errorf("balanced gives %v, by hand %v", a, b)
	}
	// A class of weight zero is learnt to be next to impossible.
	m, err := linear.Softmax{ClassWeight: []float64{1, 0, 1}}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.PredictProba(nil, X)
	if err != nil {
		t.Fatal(err)
	}
	for i := range X.Rows {
		if p[3*i+1] > 1e-4 {
			t.Fatalf("row %d has the class of weight zero with probability %g", i, p[3*i+1])
		}
	}
}

// TestScales: the units and offsets of features do not keep a fit from its optimum.
// Without a penalty the optimum moves along with them exactly.
func TestScales(t *testing.T) {
	X, y := problem(400, 6, 3, 51)
	free := math.Inf(1)
	proba := func(m *linear.SoftmaxModel, X gram.Matrix) []float64 {
		p, err := m.PredictProba(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	m, err := linear.Softmax{C: free, Tol: 1e-9}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := proba(m, X)
	changes := map[string]func(j int, v float64) float64{
		"tiny":   func(_ int, v float64) float64 { return v * 1e-30 },
		"huge":   func(_ int, v float64) float64 { return v * 1e30 },
		"mixed":  func(j int, v float64) float64 { return v * math.Pow(10, float64(4*j-10)) },
		"offset": func(_ int, v float64) float64 { return v + 1e6 },
	}
	for name, f := range changes {
		for _, s := range solvers {
			Z := changed(X, f)
			m, err := linear.Softmax{C: free, Solver: s, Tol: 1e-9}.Fit(background, Z, y, nil)
			if err != nil {
				t.Errorf("%s, %v: %v", name, s, err)
				continue
			}
			if e := distance(proba(m, Z), want); !(e <= 1e-6) {
				t.Errorf("%s, %v: probabilities off by %.2g", name, s, e)
			}
		}
	}
	// iris + 1e8 holds no more than 7 digits of the features.
	iris, labels := readData(t, "iris")
	m, err = linear.Softmax{}.Fit(background, iris, labels, nil)
	if err != nil {
		t.Fatal(err)
	}
	far := changed(iris, func(_ int, v float64) float64 { return v + 1e8 })
	for _, s := range solvers {
		m2, err := linear.Softmax{Solver: s}.Fit(background, far, labels, nil)
		if err != nil {
			t.Errorf("iris + 1e8, %v: %v", s, err)
			continue
		}
		if e := math.Abs(m2.Convergence().Objective/m.Convergence().Objective - 1); !(e <= 1e-5) {
			t.Errorf("iris + 1e8, %v: objective off by %.2g", s, e)
		}
	}
}

// TestDegenerate: columns that are collinear, constant, zero or repeated converge
// with and without a penalty, and constant ones get no coefficient.
func TestDegenerate(t *testing.T) {
	base, y := problem(600, 3, 3, 61)
	X := linalg.NewDense[float64](600, 8, nil)
	for i := range 600 {
		a := base.Row(i)
		copy(X.Row(i), []float64{a[0], a[1], a[2], a[0] + a[1], a[2], 0, 7, 1e6})
	}
	for _, c := range []float64{1, math.Inf(1)} {
		for _, s := range solvers {
			for _, intercept := range []bool{true, false} {
				m, err := linear.Softmax{C: c, Solver: s, NoIntercept: !intercept}.Fit(background, X, y, nil)
				if err != nil {
					t.Errorf("C=%v, %v, intercept %v: %v", c, s, intercept, err)
					continue
				}
				for k := range 3 {
					row := m.Coef()[k*8 : (k+1)*8]
					if row[5] != 0 {
						t.Errorf("C=%v, %v: coefficient of zeros is %v", c, s, row[5])
					}
					if intercept && (row[6] != 0 || row[7] != 0) {
						t.Errorf("C=%v, %v: coefficients of constants are %v", c, s, row[6:])
					}
				}
			}
		}
	}
}

func TestSeparable(t *testing.T) {
	iris, y := readData(t, "iris")
	// Setosa is separable from the others.
	two := make([]int, len(y))
	for i, c := range y {
		two[i] = min(c, 1)
	}
	for _, s := range solvers {
		m, err := linear.Logistic{C: math.Inf(1), Solver: s}.Fit(background, iris, two, nil)
		if m != nil || !errors.Is(err, gram.ErrSeparable) {
			t.Errorf("%v: %v", s, err)
		}
		if _, err := (linear.Logistic{Solver: s}).Fit(background, iris, two, nil); err != nil {
			t.Errorf("%v with a penalty: %v", s, err)
		}
		// Three classes at the corners of a triangle.
		X := linalg.NewDense(6, 2, []float64{0, 0, 1, 0, 0, 1, 0.1, 0.1, 1.1, 0, 0.1, 1.2})
		sm, err := linear.Softmax{C: math.Inf(1), Solver: s}.Fit(background, X, []int{0, 1, 2, 0, 1, 2}, nil)
		if sm != nil || !errors.Is(err, gram.ErrSeparable) {
			t.Errorf("%v, three classes: %v", s, err)
		}
	}
	_, err := linear.Logistic{C: math.Inf(1), Solver: linear.NewtonCholesky}.Fit(background, linalg.NewDense(2, 1, []float64{-1, 1}), []int{0, 1}, nil)
	if want := "linear: after 1 iterations every sample is on the right side, and C is infinite: classes are perfectly separable"; err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

// atOnly is a matrix with no fast interface.
type atOnly struct{ m mat.Matrix }

func (a atOnly) Dims() (int, int)        { return a.m.Dims() }
func (a atOnly) At(i, j int) float64     { return a.m.At(i, j) }
func asFloat32(m mat.Matrix) gram.Matrix { return linalg.CopyOf[float32](m) }

// viewer adds row views alone.
type viewer struct {
	atOnly
	d *linalg.Dense[float64]
}

func (v viewer) RawRowView(i int) []float64 { return v.d.Row(i) }

func TestMatrices(t *testing.T) {
	for _, classes := range []int{2, 3} {
		X, y := problem(4200, 6, classes, 71)
		for i, v := range X.Data {
			X.Data[i] = float64(float32(v))
		}
		wide := linalg.NewDense[float64](4200, 9, nil).Slice(0, 4200, 2, 8)
		for i := range X.Rows {
			copy(wide.Row(i), X.Row(i))
		}
		kinds := map[string]gram.Matrix{
			"gonum":     linalg.ToGonum(X),
			"float32":   asFloat32(X),
			"at":        atOnly{X},
			"views":     viewer{atOnly{X}, X},
			"slice":     wide,
			"operator":  linalg.AsOperator(X),
			"transpose": mat.DenseCopyOf(X.T()).T(),
		}
		for _, solver := range solvers[1:] {
			if testing.Short() && (solver == linear.LBFGS) == (classes == 2) {
				continue
			}
			want, err := linear.Softmax{Solver: solver}.Fit(background, X, y, nil)
			if err != nil {
				t.Fatal(err)
			}
			labels, err := want.Predict(nil, X)
			if err != nil {
				t.Fatal(err)
			}
			for name, m := range kinds {
				got, err := linear.Softmax{Solver: solver}.Fit(background, m, y, nil)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if !slices.Equal(got.Coef(), want.Coef()) || !slices.Equal(got.Intercept(), want.Intercept()) {
					t.Errorf("%s, %v: coefficients %v, want %v", name, solver, got.Coef(), want.Coef())
				}
				if p, err := want.Predict(nil, m); err != nil || !slices.Equal(p, labels) {
					t.Errorf("%s: predictions differ, %v", name, err)
				}
			}
		}
	}
}

func TestWorkers(t *testing.T) {
	for _, s := range []struct{ n, d, k int }{{4500, 6, 2}, {4500, 6, 3}, {1100, 20, 5}} {
		X, y := problem(s.n, s.d, s.k, 81)
		for _, solver := range solvers[1:] {
			one, err := linear.Softmax{Solver: solver, Workers: 1}.Fit(background, X, y, nil)
			if err != nil {
				t.Fatal(err)
			}
			check := func(name string, workers int) {
				m, err := linear.Softmax{Solver: solver, Workers: workers}.Fit(background, X, y, nil)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(m.Coef(), one.Coef()) || !slices.Equal(m.Intercept(), one.Intercept()) || m.Convergence() != one.Convergence() {
					t.Errorf("%v, %v, %s: another model", s, solver, name)
				}
			}
			check("2 workers", 2)
			check("7 workers", 7)
			old := runtime.GOMAXPROCS(3)
			check("GOMAXPROCS 3", 0)
			runtime.GOMAXPROCS(old)
		}
	}
}

// TestSample: a fit that begins on a sample ends at the optimum of all rows even if
// the sample is a bad one.
func TestSample(t *testing.T) {
	n := 30000
	r := rand.New(rand.NewPCG(9, 9))
	X := linalg.NewDense[float64](n, 3, nil)
	y := make([]int, n)
	for i := range y {
		// Rows come in runs that only a scale of two thousand rows tells apart, and
		// the last column varies in a handful of them.
		run := float64(i / 2000 % 3)
		y[i] = r.IntN(2)
		copy(X.Row(i), []float64{r.NormFloat64() + run*float64(y[i]), run, 0})
		if i%9973 == 1 {
			X.Set(i, 2, 5)
		}
	}
	var want []float64
	for _, s := range []linear.Solver{linear.LBFGS, linear.NewtonCG, linear.NewtonCholesky} {
		m, err := linear.Logistic{Solver: s, Tol: 1e-11}.Fit(background, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = m.Coef()
		}
		if e := distance(m.Coef(), want); !(e <= 1e-7) {
			t.Errorf("%v: off by %.2g", s, e)
		}
	}
	// No weight in the sample at all.
	w := make([]float64, n)
	for i := n - 1000; i < n-936; i++ {
		w[i] = 1
	}
	if _, err := (linear.Logistic{Solver: linear.NewtonCholesky}).Fit(background, X, y, w); err != nil {
		t.Errorf("weights in a corner: %v", err)
	}
}

func TestProgress(t *testing.T) {
	X, y := problem(300, 5, 3, 91)
	for _, s := range solvers {
		var seen []gram.Progress
		m, err := linear.Softmax{Solver: s, MaxIter: 50, Progress: func(p gram.Progress) { seen = append(seen, p) }}.Fit(background, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := m.Convergence()
		if len(seen) != c.Iterations || len(seen) == 0 {
			t.Fatalf("%v: %d calls for %d iterations", s, len(seen), c.Iterations)
		}
		for i, p := range seen {
			if p.Iteration != i+1 || p.Limit != 50 || p.Tolerance != c.Tolerance {
				t.Errorf("%v: call %d is %+v", s, i, p)
			}
			if i > 0 && p.Objective > seen[i-1].Objective*(1+1e-10) {
				t.Errorf("%v: the objective rises from %v to %v", s, seen[i-1].Objective, p.Objective)
			}
		}
		last := seen[len(seen)-1]
		if last.Objective != c.Objective || last.Residual != c.Residual || last.Residual > last.Tolerance {
			t.Errorf("%v: ends with %+v, reports %+v", s, last, c)
		}
	}
}

func TestCancel(t *testing.T) {
	X, y := problem(300, 5, 3, 91)
	for _, s := range solvers {
		ctx, cancel := context.WithCancel(background)
		calls := 0
		trainer := linear.Softmax{Solver: s, Tol: 1e-12, Progress: func(gram.Progress) { calls++; cancel() }}
		if m, err := trainer.Fit(ctx, X, y, nil); m != nil || !errors.Is(err, context.Canceled) || calls != 1 {
			t.Errorf("%v: model %v, error %v after %d calls", s, m, err, calls)
		}
		if m, err := trainer.Fit(ctx, X, y, nil); m != nil || !errors.Is(err, context.Canceled) || calls != 1 {
			t.Errorf("%v, cancelled before: model %v, error %v after %d calls", s, m, err, calls)
		}
	}
}

func TestNotConverged(t *testing.T) {
	X, y := problem(300, 5, 2, 91)
	m, err := linear.Logistic{Solver: linear.LBFGS, MaxIter: 1}.Fit(background, X, y, nil)
	if m == nil || !errors.Is(err, gram.ErrNotConverged) {
		t.Fatalf("model %v, error %v", m, err)
	}
	c := m.Convergence()
	if c.Converged || c.Iterations != 1 || !(c.Residual > c.Tolerance) {
		t.Errorf("report %+v", c)
	}
	want := fmt.Sprintf("linear: lbfgs stopped after 1 iterations with the gradient at %.3g above 0.0003: not converged", c.Residual)
	if err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	if _, err := m.Predict(nil, X); err != nil {
		t.Errorf("the model does not predict: %v", err)
	}
	// A tolerance below what rounding allows ends too, long before MaxIter.
	for _, solver := range solvers {
		s, err := linear.Softmax{Tol: 1e-300, Solver: solver}.Fit(background, X, y, nil)
		if s == nil || !errors.Is(err, gram.ErrNotConverged) || !strings.Contains(err.Error(), "rounding hides any further descent") {
			t.Errorf("%v: error %v", solver, err)
			continue
		}
		if c := s.Convergence(); c.Iterations > 100 || c.Residual > 1e-9 {
			t.Errorf("%v: %+v", solver, c)
		}
	}
}
