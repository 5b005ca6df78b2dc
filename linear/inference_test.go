package linear_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linear"
)

// goldenInference is what statsmodels says, the intercept last.
type goldenInference struct{ Coef, StdErr, Z, P, Low, High, Covariance []float64 }

func inferences(t *testing.T, name string) *goldenInference {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var out goldenInference
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return &out
}

// check holds f against the numbers from one on, as many as f has coefficients.
func (g *goldenInference) check(t *testing.T, name string, f *linear.Inference, from int) {
	t.Helper()
	lo, hi, err := f.Interval(0.95)
	if err != nil {
		t.Fatal(err)
	}
	d := len(f.Coef)
	near(t, name+" coefficient", append(f.Coef, f.Intercept), g.Coef[from:][:d+1])
	near(t, name+" standard error", append(f.StdErr, f.InterceptStdErr), g.StdErr[from:][:d+1])
	near(t, name+" z", f.Z(), g.Z[from:][:d])
	near(t, name+" p", f.P(), g.P[from:][:d])
	near(t, name+" low", lo, g.Low[from:][:d])
	near(t, name+" high", hi, g.High[from:][:d])
}

func near(t *testing.T, name string, got, want []float64) {
	t.Helper()
	for j, v := range want {
		if !(math.Abs(got[j]-v) <= 1e-6*math.Abs(v)) {
			t.Errorf("%s %d is %v, want %v", name, j, got[j], v)
		}
	}
}

// TestInferenceGolden holds standard errors against statsmodels'.
func TestInferenceGolden(t *testing.T) {
	want := inferences(t, "inference")
	all, y := readData(t, "breast_cancer")
	X := all.Slice(0, all.Rows, 0, 3)
	trainer := linear.Logistic{C: math.Inf(1), Tol: 1e-11}
	m, err := trainer.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := trainer.Inference(background, m, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	want.check(t, "logistic", f, 0)
	near(t, "covariance", f.Covariance.Data, want.Covariance)
	lo, hi, err := f.Interval(0.95)
	if err != nil {
		t.Fatal(err)
	}
	ratio, rlo, rhi, err := f.OddsRatios(0.95)
	if err != nil {
		t.Fatal(err)
	}
	for j := range ratio {
		if ratio[j] != math.Exp(f.Coef[j]) || rlo[j] != math.Exp(lo[j]) || rhi[j] != math.Exp(hi[j]) {
			t.Errorf("odds ratio %v (%v, %v)", ratio[j], rlo[j], rhi[j])
		}
	}
	// Twice the rows, or weights of 2, halve the variances.
	w := make([]float64, len(y))
	for i := range w {
		w[i] = 2
	}
	twice, err := trainer.Inference(background, m, X, y, w)
	if err != nil {
		t.Fatal(err)
	}
	for j, s := range twice.StdErr {
		if math.Abs(s*math.Sqrt2/f.StdErr[j]-1) > 1e-10 {
			t.Errorf("standard error %v with weights of 2, %v without", s, f.StdErr[j])
		}
	}
}

func TestInferenceErrors(t *testing.T) {
	X, y := problem(40, 3, 2, 1)
	m, err := linear.Logistic{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := linear.Logistic{}.Inference(background, m, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = f.Interval(1)
	checkError(t, "level", true, err, gram.ErrParam, "linear: level is 1, want between 0 and 1")
	_, _, _, err = f.OddsRatios(math.NaN())
	checkError(t, "level", true, err, gram.ErrParam, "linear: level is NaN")
	other, _ := problem(40, 2, 2, 1)
	_, err = linear.Logistic{}.Inference(background, m, other, y, nil)
	checkError(t, "features", true, err, gram.ErrShape, "X has 2 features, the model 3")
	for i := range X.Rows {
		X.Set(i, 1, 2*X.At(i, 0))
	}
	_, err = linear.Logistic{}.Inference(background, m, X, y, nil)
	checkError(t, "collinear", true, err, gram.ErrSingular, "linear: the Fisher information")
	for i := range X.Rows {
		X.Set(i, 1, 3)
	}
	_, err = linear.Logistic{}.Inference(background, m, X, y, nil)
	checkError(t, "constant", true, err, gram.ErrSingular, "linear: column 1 does not vary")
}

// TestSoftmaxInferenceGolden holds what is known of the odds of classes against statsmodels.
func TestSoftmaxInferenceGolden(t *testing.T) {
	want := inferences(t, "inference_softmax")
	all, y := readData(t, "wine")
	X := all.Slice(0, all.Rows, 0, 3)
	trainer := linear.Softmax{C: math.Inf(1), Tol: 1e-11}
	m, err := trainer.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := trainer.Inference(background, m, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k := 1; k < 3; k++ {
		odds, err := f.Odds(k, 0)
		if err != nil {
			t.Fatal(err)
		}
		want.check(t, "class", odds, 4*(k-1))
		var block []float64
		for i := range 4 {
			row := (k-1)*4 + i
			block = append(block, want.Covariance[row*8+(k-1)*4:][:4]...)
		}
		near(t, "covariance", odds.Covariance.Data, block)
	}
}

// TestSoftmaxInference: the parts belong together, and Softmax of two classes says what
// Logistic does.
func TestSoftmaxInference(t *testing.T) {
	X, y := problem(200, 4, 3, 5)
	offset := make([]float64, 600)
	for i := range offset {
		offset[i] = float64(i%7) / 5
	}
	w := randomWeights(200, 5)
	for _, through := range []bool{false, true} {
		trainer := linear.Softmax{C: math.Inf(1), Offset: offset, NoIntercept: through, Tol: 1e-10}
		m, err := trainer.Fit(background, X, y, w)
		if err != nil {
			t.Fatal(err)
		}
		f, err := trainer.Inference(background, m, X, y, w)
		if err != nil {
			t.Fatal(err)
		}
		// Sums over the classes are known to be zero.
		size := f.Covariance.Rows / 3
		for i := range f.Covariance.Rows {
			for j := range size {
				row := f.Covariance.Row(i)
				if sum := row[j] + row[size+j] + row[2*size+j]; math.Abs(sum) > 1e-12 {
					t.Errorf("covariances of element %d with those of feature %d sum to %v", i, j, sum)
				}
			}
		}
		first, err := f.Class(0)
		if err != nil {
			t.Fatal(err)
		}
		odds, err := f.Odds(1, 0)
		if err != nil {
			t.Fatal(err)
		}
		back, err := f.Odds(0, 1)
		if err != nil {
			t.Fatal(err)
		}
		for j := range 4 {
			if first.Coef[j] != m.Coef()[j] || math.Abs(first.StdErr[j]-math.Sqrt(f.Covariance.At(j, j))) > 1e-15 {
				t.Errorf("class 0: %v ± %v", first.Coef[j], first.StdErr[j])
			}
			if odds.Coef[j] != -back.Coef[j] || odds.StdErr[j] != back.StdErr[j] {
				t.Errorf("odds %v ± %v one way, %v ± %v the other", odds.Coef[j], odds.StdErr[j], back.Coef[j], back.StdErr[j])
			}
		}
		if through != math.IsNaN(odds.Intercept) || through != math.IsNaN(odds.InterceptStdErr) {
			t.Errorf("intercept %v ± %v", odds.Intercept, odds.InterceptStdErr)
		}
		trainer.NoIntercept, trainer.Offset = through, nil
		two, err := trainer.Fit(background, X, twoOf(y), w)
		if err != nil {
			t.Fatal(err)
		}
		g, err := trainer.Inference(background, two, X, twoOf(y), w)
		if err != nil {
			t.Fatal(err)
		}
		logistic := linear.Logistic{C: math.Inf(1), NoIntercept: through, Tol: 1e-10}
		b, err := logistic.Fit(background, X, twoOf(y), w)
		if err != nil {
			t.Fatal(err)
		}
		want, err := logistic.Inference(background, b, X, twoOf(y), w)
		if err != nil {
			t.Fatal(err)
		}
		if odds, err = g.Odds(1, 0); err != nil {
			t.Fatal(err)
		}
		if e := max(distance(odds.StdErr, want.StdErr), distance(odds.Covariance.Data, want.Covariance.Data)); !(e <= 1e-8) {
			t.Errorf("two classes are off by %.2g", e)
		}
	}
}

func TestSoftmaxInferenceErrors(t *testing.T) {
	X, y := problem(60, 3, 3, 1)
	m, err := linear.Softmax{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := linear.Softmax{}.Inference(background, m, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Class(3)
	checkError(t, "class", true, err, gram.ErrParam, "linear: class 3 of 3")
	_, err = f.Odds(-1, 0)
	checkError(t, "odds", true, err, gram.ErrParam, "linear: class -1 of 3")
	_, err = f.Odds(1, 1)
	checkError(t, "odds", true, err, gram.ErrParam, "linear: odds of class 1 against itself")
	other, _ := problem(60, 2, 2, 1)
	_, err = linear.Softmax{}.Inference(background, m, other, y, nil)
	checkError(t, "features", true, err, gram.ErrShape, "X has 2 features, the model 3")
	_, err = linear.Softmax{}.Inference(background, m, X, twoOf(y), nil)
	checkError(t, "classes", true, err, gram.ErrLabels, "linear: y has 2 classes, the model 3")
	for i := range X.Rows {
		X.Set(i, 1, 2*X.At(i, 0))
	}
	_, err = linear.Softmax{}.Inference(background, m, X, y, nil)
	checkError(t, "collinear", true, err, gram.ErrSingular, "linear: the Fisher information")
}
