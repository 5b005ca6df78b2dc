package quant_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/quant"
)

// Where fits differ by rounding, a weight may round to the next step.
const step = 0.02

func TestConformance(t *testing.T) {
	modeltest.Check(t, quant.Linear{Base: linear.Softmax{}}, modeltest.Tolerance(step))
	modeltest.Check(t, quant.Linear{Base: linear.Logistic{}}, modeltest.Tolerance(step), modeltest.Classes(2))
}

func wantError(t *testing.T, err, target error, text string) {
	t.Helper()
	if !errors.Is(err, target) || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want %v with %q", err, target, text)
	}
}

// sample returns n rows of d features of very different scales and their classes, the
// greatest of k noisy linear scores.
func sample(n, d, k int) (*linalg.Dense[float64], []int) {
	r := floattest.Rand(7)
	X, y := linalg.NewDense[float64](n, d, nil), make([]int, n)
	beta := floattest.Normals(r, make([]float64, d*k))
	for i := range n {
		z := floattest.Normals(r, make([]float64, k))
		for j := range d {
			v := r.NormFloat64()
			for c := range z {
				z[c] += v * beta[j*k+c]
			}
			X.Set(i, j, v*math.Pow(10, float64(j%7-3))+float64(j))
		}
		for c := range z {
			if z[c] > z[y[i]] {
				y[i] = c
			}
		}
	}
	return X, y
}

// Features need not be scaled: little is lost, and the comparison says how much.
func TestLinearQuality(t *testing.T) {
	ctx := context.Background()
	X, y := sample(600, 30, 4)
	base, err := linear.Softmax{C: 1e6}.Fit(ctx, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := quant.Linear{}.Quantize(ctx, base, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := quant.Compare(base, m, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Before.Accuracy < 0.8 || math.Abs(c.AccuracyLost()) > 0.01 || math.Abs(c.LogLossAdded()) > 0.005 {
		t.Errorf("%+v", c)
	}
	if want := 4*30 + 8*(60+8); m.Bytes() != want {
		t.Errorf("%d bytes, want %d", m.Bytes(), want)
	}
}

// A model gives the same bits at every instruction level.
func TestLinearLevels(t *testing.T) {
	X, y := sample(300, 50, 3)
	m, err := quant.Linear{Base: linear.Softmax{}}.Fit(context.Background(), X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	var first []float64
	floattest.Levels(t, func(t *testing.T) {
		p, err := m.PredictProba(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = p
		}
		for i := range p {
			if p[i] != first[i] {
				t.Fatalf("probability %d is %v, %v at the first level", i, p[i], first[i])
			}
		}
	})
}

// A row has the same bits alone and in a batch.
func TestLinearRows(t *testing.T) {
	X, y := sample(300, 20, 2)
	for _, base := range []gram.ClassifierTrainer{linear.Logistic{}, linear.Softmax{}} {
		m, err := quant.Linear{Base: base}.TrainClassifier(context.Background(), X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.PredictProba(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		q := make([]float64, 2)
		for i := range X.Rows {
			if err := m.PredictProbaRow(q, X.Row(i)); err != nil {
				t.Fatal(err)
			}
			if q[0] != p[2*i] || q[1] != p[2*i+1] {
				t.Fatalf("row %d: %v, in a batch %v", i, q, p[2*i:2*i+2])
			}
		}
	}
}

// A sum beyond int32, with more features than it holds, is split.
func TestLinearWide(t *testing.T) {
	if testing.Short() {
		t.Skip("150000 features")
	}
	const d = 150000
	base := &fixed{coef: make([]float64, d)}
	X := linalg.NewDense[float64](2, d, nil)
	for j := range d {
		base.coef[j] = 1e-6
		X.Set(0, j, -1)
		X.Set(1, j, 1)
	}
	m, err := quant.Linear{}.Quantize(context.Background(), base, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.PredictProba(nil, X)
	if want := 1 / (1 + math.Exp(0.15)); err != nil || math.Abs(p[1]-want) > 1e-9 || math.Abs(p[2]-want) > 1e-9 {
		t.Errorf("%v, %v, want %v", p, err, want)
	}
	if n := testing.AllocsPerRun(10, func() { m.PredictRow(X.Row(1)) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

// fixed is a logistic model; crooked puts its scores through another function.
type fixed struct {
	coef    []float64
	crooked bool
}

func (m *fixed) Features() int      { return len(m.coef) }
func (m *fixed) Classes() int       { return 2 }
func (m *fixed) Coef() []float64    { return m.coef }
func (m *fixed) Intercept() float64 { return 0 }
func (m *fixed) Predict(dst []int, X gram.Matrix) ([]int, error) {
	n, _ := X.Dims()
	return make([]int, n), nil
}
func (m *fixed) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	n, _ := X.Dims()
	return make([]float64, 2*n), nil
}
func (m *fixed) PredictRow(x []float64) (int, error) { return 0, nil }
func (m *fixed) PredictProbaRow(dst, x []float64) error {
	z := linalg.Dot(x, m.coef)
	dst[1] = 1 / (1 + math.Exp(-z))
	if m.crooked {
		dst[1] *= 0.9
	}
	dst[0] = 1 - dst[1]
	return nil
}

// unlike is a classifier without coefficients.
type unlike struct{ gram.Classifier }

func TestBadLinear(t *testing.T) {
	ctx := context.Background()
	X, y := sample(50, 3, 2)
	_, err := quant.Linear{}.Fit(ctx, X, y, nil)
	wantError(t, err, gram.ErrParam, "Linear has no Base")
	if m, err := (quant.Linear{}).TrainClassifier(ctx, X, y, nil); m != nil || err == nil {
		t.Errorf("%v, %v", m, err)
	}
	base := &fixed{coef: []float64{1, 2, 3}}
	for _, c := range []struct {
		m      gram.Classifier
		X      gram.Matrix
		w      []float64
		target error
		text   string
	}{
		{unlike{base}, X, nil, gram.ErrParam, "quant_test.unlike is no linear classifier"},
		{&fixed{coef: []float64{1, 2, 3}, crooked: true}, X, nil, gram.ErrParam, "gives class 0 of row 0 the probability"},
		{&fixed{coef: []float64{1, 2}}, X, nil, gram.ErrShape, "3"},
		{base, linalg.NewDense[float64](0, 3, nil), nil, gram.ErrShape, "0"},
		{base, linalg.NewDense(1, 3, []float64{1, math.NaN(), 2}), nil, gram.ErrNonFinite, "row 0, column 1 is NaN"},
		{base, X, []float64{1}, gram.ErrShape, "1"},
		{base, X, make([]float64, 50), gram.ErrWeights, ""},
		{&fixed{coef: []float64{1e308, 1e308, 1e308}}, linalg.NewDense(2, 3, []float64{0, 0, 0, 9, 9, 9}), nil, gram.ErrNonFinite, "score 0 of the model"},
	} {
		_, err := quant.Linear{}.Quantize(ctx, c.m, c.X, c.w)
		wantError(t, err, c.target, c.text)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	_, err = quant.Linear{}.Quantize(done, base, X, nil)
	wantError(t, err, context.Canceled, "")
	m, err := quant.Linear{}.Quantize(ctx, base, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.PredictProba(nil, linalg.NewDense(2, 3, []float64{1, 2, 3, 4, math.Inf(1), 6}))
	wantError(t, err, gram.ErrNonFinite, "row 1, column 1 is +Inf")
	_, err = m.PredictRow([]float64{1, 2, math.NaN()})
	wantError(t, err, gram.ErrNonFinite, "x, column 2 is NaN")
	for _, c := range []struct {
		X      gram.Matrix
		y      []int
		w      []float64
		target error
		text   string
	}{
		{X, y[:1], nil, gram.ErrShape, "1 labels for 50 rows"},
		{X, append(y[:49:49], 7), nil, gram.ErrLabels, "label 7 in row 49 is not in 0..1"},
		{X, y, []float64{1}, gram.ErrShape, "1"},
		{linalg.NewDense[float64](1, 2, nil), y[:1], nil, gram.ErrShape, "2"},
	} {
		_, err := quant.Compare(m, m, c.X, c.y, c.w)
		wantError(t, err, c.target, c.text)
	}
}

// A fit that does not converge returns its model.
func TestLinearNotConverged(t *testing.T) {
	X, y := sample(200, 5, 3)
	m, err := quant.Linear{Base: linear.Softmax{MaxIter: 1, Tol: 1e-14}}.Fit(context.Background(), X, y, nil)
	if m == nil || !errors.Is(err, gram.ErrNotConverged) {
		t.Errorf("%v, %v", m, err)
	}
}

// A feature that never varied is held.
func TestLinearConstant(t *testing.T) {
	X := linalg.NewDense(2, 2, []float64{1, 5, 2, 5})
	m, err := quant.Linear{}.Quantize(context.Background(), &fixed{coef: []float64{1, 1}}, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, b := make([]float64, 2), make([]float64, 2)
	if err := errors.Join(m.PredictProbaRow(a, []float64{1, 5}), m.PredictProbaRow(b, []float64{1, 77})); err != nil {
		t.Fatal(err)
	}
	if a[0] != b[0] || math.Abs(a[0]-1/(1+math.Exp(6))) > 1e-4 {
		t.Errorf("%v and %v", a, b)
	}
}

func FuzzLoadLinear(f *testing.F) {
	X := linalg.NewDense(2, 2, []float64{1, 5, 2, 6})
	m, err := quant.Linear{}.Quantize(context.Background(), &fixed{coef: []float64{1, 1}}, X, nil)
	if err != nil {
		f.Fatal(err)
	}
	var buf bytes.Buffer
	if err := gram.Save(&buf, m); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := gram.Load(bytes.NewReader(data))
		if err != nil && !errors.Is(err, gram.ErrFormat) {
			t.Error(err)
		}
		if c, ok := m.(*quant.LinearModel); ok {
			c.PredictRow(make([]float64, c.Features()))
		}
	})
}
