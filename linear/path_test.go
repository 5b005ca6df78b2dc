package linear_test

import (
	"errors"
	"math"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
)

// penalties are values of L1Ratio for either kind.
var penalties = []float64{0, 1}

// TestOffset: an offset that is a combination of the features moves the coefficients by
// that combination, where no penalty holds them.
func TestOffset(t *testing.T) {
	X, y := problem(400, 3, 2, 5)
	by, offset := []float64{0.5, -1, 2}, make([]float64, 400)
	for i := range offset {
		offset[i] = 0.7 + linalg.Dot(by, X.Row(i))
	}
	free := math.Inf(1)
	for _, s := range solvers {
		plain, err := linear.Logistic{C: free, Solver: s, Tol: 1e-11}.Fit(background, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := linear.Logistic{C: free, Solver: s, Tol: 1e-11, Offset: offset}.Fit(background, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		for j, b := range m.Coef() {
			if math.Abs(b+by[j]-plain.Coef()[j]) > 1e-8 {
				t.Errorf("%v: coefficient %d is %v, want %v", s, j, b, plain.Coef()[j]-by[j])
			}
		}
		if math.Abs(m.Intercept()+0.7-plain.Intercept()) > 1e-8 {
			t.Errorf("%v: intercept %v, want %v", s, m.Intercept(), plain.Intercept()-0.7)
		}
	}
}

// TestOffsetClasses: with any penalty, equal offsets of a class for all rows move its
// intercept; the two scores of two classes matter by their difference.
func TestOffsetClasses(t *testing.T) {
	for _, k := range []int{2, 3} {
		X, y := problem(300, 5, k, 6)
		offset := make([]float64, 300*k)
		for i := range offset {
			offset[i] = []float64{0.3, -1, 0.7}[i%k]
		}
		for _, ratio := range penalties {
			plain, err := linear.Softmax{L1Ratio: ratio, C: 0.3, Tol: 1e-12}.Fit(background, X, y, nil)
			if err != nil {
				t.Fatal(err)
			}
			m, err := linear.Softmax{L1Ratio: ratio, C: 0.3, Tol: 1e-12, Offset: offset}.Fit(background, X, y, nil)
			if err != nil {
				t.Fatal(err)
			}
			if e := distance(m.Coef(), plain.Coef()); !(e <= 1e-8) {
				t.Errorf("%d classes, ratio %v: coefficients off by %.2g", k, ratio, e)
			}
			mean := linalg.Sum(offset[:k]) / float64(k)
			for c, b := range m.Intercept() {
				if want := plain.Intercept()[c] - offset[c] + mean; math.Abs(b-want) > 1e-8 {
					t.Errorf("%d classes, ratio %v: intercept %d is %v, want %v", k, ratio, c, b, want)
				}
			}
		}
	}
}

// TestStart: a fit that begins at its optimum takes one step or none, from elsewhere it
// comes to the same place.
func TestStart(t *testing.T) {
	n := 12000 // more than a sample has
	if testing.Short() {
		n = 500
	}
	X, y := problem(n, 5, 3, 7)
	two := make([]int, len(y))
	for i, c := range y {
		two[i] = min(c, 1)
	}
	far := changed(X, func(_ int, v float64) float64 { return v + 1e5 })
	for _, ratio := range penalties {
		for name, X := range map[string]*linalg.Dense[float64]{"near": X, "far": far} {
			other, err := linear.Softmax{L1Ratio: ratio, C: 100 / float64(n)}.Fit(background, X, y, nil)
			if err != nil {
				t.Fatal(err)
			}
			want, err := linear.Softmax{L1Ratio: ratio, C: 24 / float64(n), Tol: 1e-9}.Fit(background, X, y, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := linear.Softmax{L1Ratio: ratio, C: 24 / float64(n), Tol: 1e-9, Start: other}.Fit(background, X, y, nil)
			if err != nil {
				t.Fatal(err)
			}
			if e := distance(got.Coef(), want.Coef()); !(e <= 1e-4) {
				t.Errorf("%s, ratio %v: off by %.2g", name, ratio, e)
			}
			again, err := linear.Softmax{L1Ratio: ratio, C: 24 / float64(n), Tol: 1e-8, Start: want}.Fit(background, X, y, nil)
			if err != nil || again.Convergence().Iterations > 1 {
				t.Errorf("%s, ratio %v: %+v from the optimum, %v", name, ratio, again.Convergence(), err)
			}
			b, err := linear.Logistic{L1Ratio: ratio, C: 0.1, Tol: 1e-9}.Fit(background, X, two, nil)
			if err != nil {
				t.Fatal(err)
			}
			b2, err := linear.Logistic{L1Ratio: ratio, C: 0.1, Tol: 1e-8, Start: b}.Fit(background, X, two, nil)
			if err != nil || b2.Convergence().Iterations > 1 {
				t.Errorf("%s, ratio %v, two classes: %+v from the optimum, %v", name, ratio, b2.Convergence(), err)
			}
		}
	}
}

func TestStartErrors(t *testing.T) {
	X, y := problem(30, 2, 2, 1)
	other, y3 := problem(30, 3, 3, 1)
	b, err := linear.Logistic{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := linear.Softmax{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = linear.Logistic{Start: b}.Fit(background, other, y, nil)
	checkError(t, "features", true, err, gram.ErrShape, "linear: X has 3 features, Start 2")
	_, err = linear.Softmax{Start: s}.Fit(background, other, y3, nil)
	checkError(t, "classes", true, err, gram.ErrShape, "linear: the data have 3 features and 3 classes, Start 2 and 2")
	_, err = linear.Logistic{Offset: []float64{1}}.Fit(background, X, y, nil)
	checkError(t, "offset", true, err, gram.ErrShape, "offset has 1 numbers, X 30 rows")
	_, err = linear.Softmax{Offset: []float64{1}}.Fit(background, X, y, nil)
	checkError(t, "offset", true, err, gram.ErrShape, "offset has 1 numbers, want 30 rows of 2 classes")
	bad := make([]float64, 60)
	bad[7] = math.Inf(1)
	_, err = linear.Softmax{Offset: bad}.Fit(background, X, y, nil)
	checkError(t, "offset", true, err, gram.ErrNonFinite, "offset of row 3, class 1 is +Inf")
}

// TestPath: each model of a path is that of its own fit.
func TestPath(t *testing.T) {
	for _, k := range []int{2, 3} {
		X, y := problem(300, 8, k, 3)
		for _, ratio := range penalties {
			for _, solver := range solvers {
				if ratio > 0 && solver != linear.Auto {
					continue
				}
				cs := []float64{0.01, 0.1, 1, 10}
				base := linear.Softmax{L1Ratio: ratio, Solver: solver, Tol: 1e-11}
				models, err := base.Path(background, X, y, nil, cs)
				if err != nil || len(models) != len(cs) {
					t.Fatalf("%d models, %v", len(models), err)
				}
				binary, err := linear.Logistic{L1Ratio: ratio, Solver: solver, Tol: 1e-11}.Path(background, X, twoOf(y), nil, cs)
				if err != nil {
					t.Fatal(err)
				}
				for i, c := range cs {
					base.C = c
					want, err := base.Fit(background, X, y, nil)
					if err != nil {
						t.Fatal(err)
					}
					if e := distance(models[i].Coef(), want.Coef()); !(e <= 1e-7) {
						t.Errorf("%d classes, ratio %v, %v, C %v: off by %.2g", k, ratio, solver, c, e)
					}
					wantTwo, err := linear.Logistic{C: c, L1Ratio: ratio, Solver: solver, Tol: 1e-11}.Fit(background, X, twoOf(y), nil)
					if err != nil {
						t.Fatal(err)
					}
					if e := distance(binary[i].Coef(), wantTwo.Coef()); !(e <= 1e-7) {
						t.Errorf("two classes, ratio %v, %v, C %v: off by %.2g", ratio, solver, c, e)
					}
				}
			}
		}
	}
	X, y := problem(50, 2, 2, 3)
	_, err := linear.Logistic{}.Path(background, X, y, nil, []float64{1, 0})
	checkError(t, "zero", true, err, gram.ErrParam, "linear: C is 0, want > 0")
	_, err = linear.Logistic{L1Ratio: 1}.Path(background, X, y, nil, []float64{math.Inf(1)})
	checkError(t, "infinite", true, err, gram.ErrParam, "linear: C is +Inf beside an L1 penalty")
	models, err := linear.Logistic{MaxIter: 1, Tol: 1e-12}.Path(background, X, y, nil, nil)
	if len(models) != 1 || !errors.Is(err, gram.ErrNotConverged) {
		t.Errorf("%d models, %v", len(models), err)
	}
	models, err = linear.Logistic{}.Path(background, X, y, nil, nil)
	if err != nil || len(models) != 10 {
		t.Errorf("%d models, %v", len(models), err)
	}
}

func twoOf(y []int) []int {
	out := make([]int, len(y))
	for i, c := range y {
		out[i] = min(c, 1)
	}
	return out
}

func TestConformanceCV(t *testing.T) {
	cs := []float64{0.1, 1}
	// Repeated rows and rows of weight zero fall into other folds.
	skip := []modeltest.Option{modeltest.Skip("repeats", "folds depend on the number of rows"), modeltest.Skip("dropped", "folds depend on the number of rows")}
	modeltest.Check(t, linear.LogisticCV{Cs: cs}, append(skip, modeltest.Classes(2))...)
	modeltest.Check(t, linear.OneVsRest{Base: linear.Logistic{Tol: 1e-11}})
	if testing.Short() {
		return
	}
	modeltest.Check(t, linear.SoftmaxCV{Cs: cs, Base: linear.Softmax{L1Ratio: 1}}, skip...)
	modeltest.Check(t, linear.OneVsRest{Base: linear.Logistic{Tol: 1e-11}}, modeltest.Classes(2))
}

// halves tests on the even rows and on the odd ones.
type halves struct{}

func (halves) Split(n int, y []int) ([]gram.Fold, error) {
	folds := make([]gram.Fold, 2)
	for i := range n {
		folds[i%2].Test = append(folds[i%2].Test, i)
		folds[1-i%2].Train = append(folds[1-i%2].Train, i)
	}
	return folds, nil
}

// TestCV does by hand what cross-validation does.
func TestCV(t *testing.T) {
	for _, k := range []int{2, 3} {
		X, y := problem(300, 6, k, 8)
		w := make([]float64, 300)
		for i := range w {
			w[i] = float64(i%3) / 2
		}
		cs := []float64{0.01, 0.3, 5}
		for _, ratio := range penalties {
			for _, solver := range solvers {
				if ratio > 0 && solver != linear.Auto {
					continue
				}
				base := linear.Softmax{L1Ratio: ratio, Solver: solver, Tol: 1e-11}
				cv, err := linear.SoftmaxCV{Base: base, Cs: cs, Folds: halves{}}.Fit(background, X, y, w)
				if err != nil {
					t.Fatal(err)
				}
				sums := make([]float64, len(cs))
				for f := range 2 {
					train := make([]float64, 300)
					for i, v := range w {
						if i%2 != f {
							train[i] = v
						}
					}
					for c, C := range cs {
						base.C = C
						m, err := base.Fit(background, X, y, train)
						if err != nil {
							t.Fatal(err)
						}
						p, err := m.PredictLogProba(nil, X)
						if err != nil {
							t.Fatal(err)
						}
						classes, err := m.Predict(nil, X)
						if err != nil {
							t.Fatal(err)
						}
						loss, right, total := 0.0, 0.0, 0.0
						for i, v := range w {
							if i%2 == f {
								loss -= v * p[i*k+y[i]]
								total += v
								if classes[i] == y[i] {
									right += v
								}
							}
						}
						sums[c] += loss / total
						if got := cv.LogLoss()[f*len(cs)+c]; math.Abs(got-loss/total) > 1e-8 {
							t.Errorf("ratio %v, %v: log-loss %v, want %v", ratio, solver, got, loss/total)
						}
						if got := cv.Accuracy()[f*len(cs)+c]; math.Abs(got-right/total) > 1e-12 {
							t.Errorf("ratio %v, %v: accuracy %v, want %v", ratio, solver, got, right/total)
						}
					}
				}
				best := 0
				for c, v := range sums {
					if v < sums[best] {
						best = c
					}
				}
				base.C = cs[best]
				want, err := base.Fit(background, X, y, w)
				if err != nil {
					t.Fatal(err)
				}
				if e := distance(cv.Coef(), want.Coef()); cv.C() != cs[best] || !(e <= 1e-7) {
					t.Errorf("ratio %v, %v: C %v, want %v, coefficients off by %.2g", ratio, solver, cv.C(), cs[best], e)
				}
			}
		}
	}
}

type badFolds []gram.Fold

func (f badFolds) Split(n int, y []int) ([]gram.Fold, error) { return f, nil }

func TestCVErrors(t *testing.T) {
	X, y := problem(30, 2, 2, 1)
	for text, c := range map[string]linear.LogisticCV{
		"linear: Cs is empty":         {Cs: []float64{}},
		"linear: C is -1, want > 0":   {Cs: []float64{-1}},
		"linear: Folds gives no fold": {Folds: badFolds{}},
		"linear: Workers is -1":       {Base: linear.Logistic{Workers: -1}},
	} {
		m, err := c.Fit(background, X, y, nil)
		checkError(t, text, m == nil, err, gram.ErrParam, text)
	}
	m, err := linear.LogisticCV{Folds: badFolds{{Train: []int{30}, Test: []int{1}}}}.Fit(background, X, y, nil)
	checkError(t, "fold", m == nil, err, gram.ErrShape, "linear: row 30 of a fold, of 30")
	m, err = linear.LogisticCV{Folds: badFolds{{Train: []int{3}}}}.Fit(background, X, y, nil)
	checkError(t, "fold", m == nil, err, gram.ErrWeights, "linear: no row of a fold has any weight")
	m, err = linear.LogisticCV{Base: linear.Logistic{MaxIter: 1, Tol: 1e-13}}.Fit(background, X, y, nil)
	if m == nil || !errors.Is(err, gram.ErrNotConverged) {
		t.Errorf("model %v, error %v", m, err)
	}
}

// TestOneVsRest: probabilities are those of the models, divided by their sum.
func TestOneVsRest(t *testing.T) {
	X, y := problem(200, 4, 3, 4)
	m, err := linear.OneVsRest{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.PredictProba(nil, X)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float64, len(got))
	for k := range 3 {
		is := make([]int, len(y))
		for i, c := range y {
			if c == k {
				is[i] = 1
			}
		}
		one, err := linear.Logistic{}.Fit(background, X, is, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := one.PredictProba(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		for i := range y {
			want[i*3+k] = p[2*i+1]
		}
	}
	for i := range y {
		sum := linalg.Sum(want[3*i : 3*i+3])
		for k := range 3 {
			want[3*i+k] /= sum
		}
	}
	if e := distance(got, want); e > 1e-14 {
		t.Errorf("probabilities off by %.2g", e)
	}
	_, err = linear.OneVsRest{Base: linear.Softmax{MaxIter: 1, Tol: 1e-12}}.Fit(background, X, y, nil)
	if !errors.Is(err, gram.ErrNotConverged) {
		t.Errorf("error %v", err)
	}
	bad, err := linear.OneVsRest{Base: linear.Logistic{C: -1}}.Fit(background, X, y, nil)
	checkError(t, "base", bad == nil, err, gram.ErrParam, "class 0: linear: C is -1")
	bad, err = linear.OneVsRest{Workers: -1}.Fit(background, X, y, nil)
	checkError(t, "workers", bad == nil, err, gram.ErrParam, "linear: Workers is -1")
}
