package ensemble_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linear"
	"gonum.org/v1/gonum/mat"
)

func TestCalibratedConformance(t *testing.T) {
	check(t, []any{
		ensemble.Calibrated{Base: weak, Method: ensemble.Isotonic, Folds: two},
		ensemble.Calibrated{Base: weak, Folds: two},
		ensemble.Calibrated{Base: weak, Method: ensemble.Temperature, Average: true, Folds: two},
	}, byRows, loosely)
}

func TestCalibratedGolden(t *testing.T) {
	g, X := readGolden(t)
	for _, c := range g.Calibrated {
		method, tol := ensemble.Platt, 1e-4 // its minimum is found to 1e-5 there
		if c.Method == "isotonic" {
			method, tol = ensemble.Isotonic, 1e-6
		}
		m := must(ensemble.Calibrated{
			Base: linear.Logistic{Tol: 1e-11}, Method: method, Average: c.Average, Folds: eval.StratifiedKFold{N: 4},
		}.Fit(ctx, X, g.labels(c.Classes), g.W))(t)
		wantNear(t, c.Method, must(m.PredictProba(nil, X))(t), c.Proba, tol)
	}
}

// distorted says the softmax of a multiple of what is true.
type distorted struct {
	constantClassifier
	times float64
}

func (m distorted) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	n, _ := X.Dims()
	dst, err := gram.Dst(dst, 3*n)
	for i := range n {
		softmax(dst[3*i:3*i+3], X, i, m.times)
	}
	return dst, err
}

func softmax(p []float64, X gram.Matrix, i int, times float64) {
	top := max(X.At(i, 0), X.At(i, 1), X.At(i, 2))
	sum := 0.0
	for c := range p {
		p[c] = math.Exp(times * (X.At(i, c) - top))
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
}

// scored returns rows of three scores and labels drawn from their softmax.
func scored(n int) (*mat.Dense, []int) {
	rng := rand.New(rand.NewPCG(4, 4))
	X, y, p := mat.NewDense(n, 3, nil), make([]int, n), make([]float64, 3)
	for i := range n {
		for c := range 3 {
			X.Set(i, c, rng.NormFloat64())
		}
		softmax(p, X, i, 1)
		u := rng.Float64()
		for u > p[y[i]] && y[i] < 2 {
			u -= p[y[i]]
			y[i]++
		}
	}
	return X, y
}

// Temperature scaling undoes a multiplication of the scores, and all methods bring a
// classifier that is three times too sure near to the truth.
func TestCalibratedUndoesDistortion(t *testing.T) {
	X, y := scored(20000)
	over := distorted{constantClassifier{3, []float64{1, 0, 0}}, 3}
	loss := func(m gram.Classifier) float64 {
		return must(eval.LogLoss(y, must(m.PredictProba(nil, X))(t), nil))(t)
	}
	truth := loss(distorted{over.constantClassifier, 1})
	if loss(over) < truth+0.3 {
		t.Fatalf("log-loss %v is not bad, the truth has %v", loss(over), truth)
	}
	for _, method := range []ensemble.CalibrationMethod{ensemble.Platt, ensemble.Isotonic, ensemble.Temperature} {
		m := must(ensemble.Calibrated{Prefit: over, Method: method}.Fit(ctx, X, y, nil))(t)
		most := 0.02
		if method == ensemble.Temperature {
			most = 1e-3
			if T := m.Temperatures(); len(T) != 1 || math.Abs(T[0]-3) > 0.1 {
				t.Errorf("temperature %v, want about 3", T)
			}
			if !slices.Equal(must(m.Predict(nil, X))(t), argmaxRows(must(over.PredictProba(nil, X))(t))) {
				t.Error("a temperature changed predictions")
			}
		} else if m.Temperatures() != nil {
			t.Error("a temperature without that method")
		}
		if got := loss(m); got > truth+most {
			t.Errorf("%v: log-loss %v, the truth has %v", method, got, truth)
		}
		if m.Method() != method || len(m.Models()) != 1 {
			t.Errorf("method %v, %d models", m.Method(), len(m.Models()))
		}
		for class := range 3 {
			before, after := m.Reliability(class)
			if before.Gap() < 0.08 || after.Gap() > 0.02 {
				t.Errorf("%v: class %d has gaps %v and %v", method, class, before.Gap(), after.Gap())
			}
		}
	}
}

func argmaxRows(p []float64) []int {
	out := make([]int, len(p)/3)
	for i := range out {
		out[i] = slices.Index(p[3*i:3*i+3], slices.Max(p[3*i:3*i+3]))
	}
	return out
}

// The temperature's gradient is zero, by central differences of the log-loss.
func TestTemperatureIsOptimal(t *testing.T) {
	X, y := scored(500)
	over := distorted{constantClassifier{3, []float64{1, 0, 0}}, 2}
	w := make([]float64, 500)
	for i := range w {
		w[i] = float64(1 + i%3)
	}
	T := must(ensemble.Calibrated{Prefit: over, Method: ensemble.Temperature}.Fit(ctx, X, y, w))(t).Temperatures()[0]
	loss := func(u float64) float64 {
		p := must(distorted{over.constantClassifier, 2 * u}.PredictProba(nil, X))(t)
		return must(eval.LogLoss(y, p, w))(t)
	}
	const h = 1e-4
	if slope := (loss(1/T+h) - loss(1/T-h)) / (2 * h); math.Abs(slope) > 1e-6 {
		t.Errorf("slope at the temperature %v is %v", T, slope)
	}
}

// The diagrams are those of package eval.
func TestReliabilityDiagram(t *testing.T) {
	g, X := readGolden(t)
	y := g.labels(2)
	half := must(linear.Logistic{C: 0.01}.Fit(ctx, X, y, nil))(t)
	m := must(ensemble.Calibrated{Prefit: half}.Fit(ctx, X, y, g.W))(t)
	before, after := m.Reliability(1)
	for _, c := range []struct {
		model gram.Classifier
		got   ensemble.ReliabilityDiagram
	}{{half, before}, {m, after}} {
		p := must(c.model.PredictProba(nil, X))(t)
		ones := make([]float64, len(y))
		for i := range ones {
			ones[i] = p[2*i+1]
		}
		want := must(eval.Calibrate(y, ones, g.W, 10, eval.Uniform))(t)
		wantNear(t, "predicted", c.got.Predicted, want.Predicted, 1e-9)
		wantNear(t, "observed", c.got.Observed, want.Observed, 1e-12)
		wantNear(t, "weight", c.got.Weight, want.Weight, 1e-12)
		if math.Abs(c.got.Gap()-want.ECE()) > 1e-9 {
			t.Errorf("gap %v, want %v", c.got.Gap(), want.ECE())
		}
	}
}

// Probabilities of 0 and 1 and rows of one class only give finite maps.
func TestCalibratedExtremes(t *testing.T) {
	X, y := scored(60)
	sure := distorted{constantClassifier{3, []float64{1, 0, 0}}, 1e6}
	for _, method := range []ensemble.CalibrationMethod{ensemble.Platt, ensemble.Isotonic, ensemble.Temperature} {
		m := must(ensemble.Calibrated{Prefit: sure, Method: method}.Fit(ctx, X, y, nil))(t)
		for i, p := range must(m.PredictProba(nil, X))(t) {
			if !(p >= 0 && p <= 1) {
				t.Fatalf("%v: probability %d is %v", method, i, p)
			}
		}
	}
	for _, c := range []struct {
		trainer ensemble.Calibrated
		kind    error
		text    string
	}{
		{ensemble.Calibrated{}, gram.ErrParam, "one of Base and Prefit"},
		{ensemble.Calibrated{Base: weak, Prefit: sure}, gram.ErrParam, "one of Base and Prefit"},
		{ensemble.Calibrated{Base: weak, Method: 9}, gram.ErrParam, "CalibrationMethod(9)"},
		{ensemble.Calibrated{Prefit: constantClassifier{3, []float64{0, 1}}}, gram.ErrShape, "2 classes"},
		{ensemble.Calibrated{Base: weak, Folds: folds{}}, gram.ErrParam, "no folds"},
		{ensemble.Calibrated{Base: failing{}}, errBroken, "broken"},
	} {
		if _, err := c.trainer.Fit(ctx, X, y, nil); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("error %v, want %q", err, c.text)
		}
	}
}
