package linear_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
)

// model is what the two models have in common.
type model interface {
	gram.Classifier
	DecisionFunction(dst []float64, X gram.Matrix) ([]float64, error)
	PredictLogProba(dst []float64, X gram.Matrix) ([]float64, error)
	Convergence() gram.Convergence
}

func models(t testing.TB) (X *linalg.Dense[float64], both map[string]model) {
	t.Helper()
	X, y := problem(700, 100, 2, 3)
	b, err := linear.Logistic{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, y = problem(700, 100, 5, 3)
	s, err := linear.Softmax{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	return X, map[string]model{"logistic": b, "softmax": s}
}

// TestPredictions holds all methods against each other and the definitions.
func TestPredictions(t *testing.T) {
	X, both := models(t)
	for name, m := range both {
		k := m.Classes()
		z, err := m.DecisionFunction(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.PredictProba(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		l, err := m.PredictLogProba(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		labels, err := m.Predict(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		row := make([]float64, k)
		for i := range X.Rows {
			if err := m.PredictProbaRow(row, X.Row(i)); err != nil {
				t.Fatal(err)
			}
			label, err := m.PredictRow(X.Row(i))
			if err != nil {
				t.Fatal(err)
			}
			if label != labels[i] {
				t.Errorf("%s: row %d is of class %d, in a batch %d", name, i, label, labels[i])
			}
			sum, best := 0.0, 0
			for c, v := range row {
				if math.Abs(v-p[i*k+c]) > 1e-13 || math.Abs(math.Log(v)-l[i*k+c]) > 1e-9 {
					t.Errorf("%s: row %d, class %d: %v, in a batch %v, logarithm %v", name, i, c, v, p[i*k+c], l[i*k+c])
				}
				sum += v
				if v > row[best] {
					best = c
				}
			}
			if math.Abs(sum-1) > 1e-14 || best != label {
				t.Errorf("%s: row %d: sum %v, best %d, predicted %d", name, i, sum, best, label)
			}
			score := z[i*len(z)/X.Rows:][:len(z)/X.Rows]
			odds := math.Log(row[1] / row[0])
			if k == 2 && math.Abs(score[0]-odds) > 1e-9 || k > 2 && math.Abs(score[1]-score[0]-odds) > 1e-9 {
				t.Errorf("%s: row %d: scores %v for odds %v", name, i, score, odds)
			}
		}
	}
}

func TestLogProbaOfFarRows(t *testing.T) {
	_, both := models(t)
	for name, m := range both {
		X := linalg.NewDense[float64](1, 100, nil)
		for j := range X.Data {
			X.Data[j] = 1e5 * float64(j%3-1)
		}
		l, err := m.PredictLogProba(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		if lowest := slices.Min(l); math.IsInf(lowest, 0) || lowest > -1000 {
			t.Errorf("%s: %v", name, l)
		}
		p, err := m.PredictProba(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Max(p) != 1 || slices.Min(p) != 0 {
			t.Errorf("%s: probabilities %v", name, p)
		}
	}
}

func TestTies(t *testing.T) {
	// Without variation in X both classes stay at one half.
	X := linalg.NewDense[float64](4, 1, nil)
	m, err := linear.Logistic{}.Fit(background, X, []int{0, 1, 1, 0}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := m.PredictRow([]float64{5}); c != 0 || err != nil {
		t.Errorf("class %d, %v", c, err)
	}
	s, err := linear.Softmax{}.Fit(background, X, []int{0, 1, 2, 1}, []float64{1, 0.5, 1, 0.5})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := s.PredictRow([]float64{5}); c != 0 || err != nil {
		t.Errorf("class %d of three, %v", c, err)
	}
	if c, err := s.Predict(nil, X); !slices.Equal(c, []int{0, 0, 0, 0}) || err != nil {
		t.Errorf("classes %v of three, %v", c, err)
	}
}

func TestPredictErrors(t *testing.T) {
	X, both := models(t)
	for name, m := range both {
		k := m.Classes()
		bad := linalg.CopyOf[float64](X)
		bad.Set(17, 3, math.NaN())
		huge := linalg.CopyOf[float64](X)
		for j := range 100 {
			huge.Set(5, j, math.MaxFloat64*float64(j%2*2-1))
		}
		narrow := X.Slice(0, 5, 0, 64)
		type call func(X gram.Matrix) error
		batch := map[string]call{
			"Predict":          func(X gram.Matrix) error { _, err := m.Predict(nil, X); return err },
			"PredictProba":     func(X gram.Matrix) error { _, err := m.PredictProba(nil, X); return err },
			"PredictLogProba":  func(X gram.Matrix) error { _, err := m.PredictLogProba(nil, X); return err },
			"DecisionFunction": func(X gram.Matrix) error { _, err := m.DecisionFunction(nil, X); return err },
			"PredictRow": func(X gram.Matrix) error {
				_, err := m.PredictRow(X.(*linalg.Dense[float64]).Row(min(17, narrow.Rows-1)))
				return err
			},
			"PredictProbaRow": func(X gram.Matrix) error {
				return m.PredictProbaRow(make([]float64, k), X.(*linalg.Dense[float64]).Row(min(17, narrow.Rows-1)))
			},
		}
		for method, f := range batch {
			row := strings.HasSuffix(method, "Row")
			check := func(err error, is error, text string) {
				t.Helper()
				if !errors.Is(err, is) || !strings.Contains(err.Error(), text) {
					t.Errorf("%s.%s: error %v, want %q", name, method, err, text)
				}
			}
			check(f(narrow), gram.ErrShape, "has 64 features, the model 100")
			if row {
				_, err := m.PredictRow(bad.Row(17))
				check(err, gram.ErrNonFinite, "x, column 3 is NaN")
				check(m.PredictProbaRow(make([]float64, k), bad.Row(17)), gram.ErrNonFinite, "x, column 3 is NaN")
				check(m.PredictProbaRow(make([]float64, k), huge.Row(5)), gram.ErrNonFinite, "the score of x is")
				check(m.PredictProbaRow(make([]float64, k+1), X.Row(0)), gram.ErrShape, "dst has length")
				continue
			}
			check(f(nil), gram.ErrShape, "X is nil")
			check(f(bad), gram.ErrNonFinite, "row 17, column 3 is NaN")
			check(f(huge), gram.ErrNonFinite, "the score of row 5 is")
		}
		_, err := m.PredictProba(make([]float64, 3), X)
		if !errors.Is(err, gram.ErrShape) || !strings.Contains(err.Error(), "dst has length 3") {
			t.Errorf("%s: %v", name, err)
		}
		for _, err := range []error{
			second(m.Predict(make([]int, 3), X)), second(m.PredictLogProba(make([]float64, 3), X)), second(m.DecisionFunction(make([]float64, 3), X)),
		} {
			if !errors.Is(err, gram.ErrShape) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestRowsDoNotAllocate(t *testing.T) {
	X, both := models(t)
	for name, m := range both {
		dst, x := make([]float64, m.Classes()), X.Row(3)
		if n := testing.AllocsPerRun(100, func() { m.PredictProbaRow(dst, x) }); n != 0 {
			t.Errorf("%s: PredictProbaRow allocates %v times", name, n)
		}
		if n := testing.AllocsPerRun(100, func() { m.PredictRow(x) }); n != 0 {
			t.Errorf("%s: PredictRow allocates %v times", name, n)
		}
	}
}

// TestImmutable: what accessors return is the caller's.
func TestImmutable(t *testing.T) {
	_, both := models(t)
	b, s := both["logistic"].(*linear.LogisticModel), both["softmax"].(*linear.SoftmaxModel)
	for name, get := range map[string]func() []float64{"logistic Coef": b.Coef, "softmax Coef": s.Coef, "softmax Intercept": s.Intercept} {
		want := get()
		get()[0] = math.Pi
		if !slices.Equal(get(), want) {
			t.Errorf("%s can be changed", name)
		}
	}
}

func TestSave(t *testing.T) {
	X, both := models(t)
	for name, m := range both {
		var buf bytes.Buffer
		if err := gram.Save(&buf, m); err != nil {
			t.Fatal(err)
		}
		back, err := gram.Load(&buf)
		if err != nil {
			t.Fatal(err)
		}
		got := back.(model)
		p, _ := m.PredictProba(nil, X)
		q, err := got.PredictProba(nil, X)
		if err != nil || !slices.Equal(p, q) {
			t.Errorf("%s: predicts otherwise after Load, %v", name, err)
		}
		if got.Convergence() != m.Convergence() || got.Features() != 100 || got.Classes() != m.Classes() {
			t.Errorf("%s: %+v after Load, was %+v", name, got.Convergence(), m.Convergence())
		}
	}
}

// FuzzLoad: no bytes make Load panic, and what it loads predicts.
func FuzzLoad(f *testing.F) {
	X := linalg.NewDense(3, 2, []float64{0, 1, 1, 0, 1, 1})
	for _, y := range [][]int{{0, 1, 0}, {0, 1, 2}} {
		m, err := linear.Softmax{}.Fit(background, X, y, nil)
		if err != nil {
			f.Fatal(err)
		}
		var buf bytes.Buffer
		if err := gram.Save(&buf, m); err != nil {
			f.Fatal(err)
		}
		f.Add(buf.Bytes())
	}
	b, err := linear.Logistic{}.Fit(background, X, []int{0, 1, 0}, nil)
	if err != nil {
		f.Fatal(err)
	}
	var buf bytes.Buffer
	if err := gram.Save(&buf, b); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := gram.Load(bytes.NewReader(data))
		if err != nil {
			if m != nil {
				t.Error("a model and an error")
			}
			return
		}
		c := m.(model)
		if err := c.PredictProbaRow(make([]float64, c.Classes()), make([]float64, c.Features())); err != nil {
			t.Error(err)
		}
	})
}
