package linear_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
)

var optimizers = []linear.Optimizer{
	linear.Adam, linear.AdamW, linear.AdaGrad, linear.RMSProp, linear.PlainSGD, linear.Momentum, linear.Nesterov,
}

func TestConformanceSGD(t *testing.T) {
	options := []modeltest.Option{
		modeltest.Skip("repeats", "the order of the rows matters"), modeltest.Skip("dropped", "the order of the rows matters"),
	}
	modeltest.Check(t, linear.SGD{Epochs: 10, Tol: 0.5}, options...)
	modeltest.Check(t, linear.SGD{Epochs: 6, Tol: 0.5, Validation: 0.2, Alpha: 0.1, L1Ratio: 1, Optimizer: linear.Nesterov}, append(options, modeltest.Classes(2))...)
}

// TestSGDOptimum: every optimizer comes to the optimum that exact solvers find, as far as
// its noise lets it, with batches of every kind.
func TestSGDOptimum(t *testing.T) {
	for _, k := range []int{2, 3} {
		if testing.Short() && k == 3 {
			continue
		}
		X, y := problem(400, 5, k, 12)
		w := make([]float64, 400)
		for i := range w {
			w[i] = float64(i%3) + 1
		}
		for _, ratio := range penalties {
			want, err := linear.Softmax{C: 1. / 16, L1Ratio: ratio, Tol: 1e-9}.Fit(background, X, y, w)
			if err != nil {
				t.Fatal(err)
			}
			best := want.Convergence().Objective / linalg.Sum(w)
			for _, o := range optimizers {
				for _, batch := range []int{1, 32} {
					if o == linear.AdamW || testing.Short() && batch != 32 {
						continue
					}
					m, err := linear.SGD{Alpha: 16 / linalg.Sum(w), L1Ratio: ratio, Optimizer: o, BatchSize: batch, Epochs: 30, Tol: 1e-9}.Fit(background, X, y, w)
					if err != nil && !errors.Is(err, gram.ErrNotConverged) {
						t.Fatal(err)
					}
					if above := m.Convergence().Objective - best; !(above > -1e-9 && above < 3e-3) {
						t.Errorf("%d classes, ratio %v, %v, batches of %d: %.3g above the optimum %.3g", k, ratio, o, batch, above, best)
					}
				}
			}
		}
	}
}

// TestSGDConverges: full batches go down to any tolerance.
func TestSGDConverges(t *testing.T) {
	if testing.Short() {
		t.Skip("many epochs")
	}
	X, y := problem(200, 4, 3, 2)
	for _, o := range []linear.Optimizer{linear.PlainSGD, linear.Momentum, linear.Nesterov} {
		for _, ratio := range penalties {
			trainer := linear.SGD{
				Alpha: 0.05, L1Ratio: ratio, Optimizer: o, BatchSize: 200, Epochs: 2000, Tol: 1e-9, Momentum: 0.5, Rate: linear.ConstantRate(0.5),
			}
			m, err := trainer.Fit(background, X, y, nil)
			if err != nil || !m.Convergence().Converged {
				t.Errorf("%v: %v", o, err)
				continue
			}
			want, err := linear.Softmax{C: 1 / (0.05 * 200), L1Ratio: ratio, Tol: 1e-12}.Fit(background, X, y, nil)
			if err != nil {
				t.Fatal(err)
			}
			tol := 1e-6
			if ratio > 0 {
				tol = 1e-3 // a gap of 1e-9 says no more
			}
			if e := distance(m.Coef(), want.Coef()); !(e <= tol) {
				t.Errorf("%v, ratio %v: coefficients off by %.2g", o, ratio, e)
			}
		}
	}
}

// TestSGDForms: sparse rows give the steps of dense ones, in a fit and in a stream, and
// offsets of features change nothing.
func TestSGDForms(t *testing.T) {
	for _, k := range []int{2, 3} {
		A, X, y := sparseProblem(t, 300, 20, k, 4)
		far := changed(X, func(_ int, v float64) float64 { return v + 1e6 })
		trainer := linear.SGD{Epochs: 3, Tol: 1e6, Alpha: 0.01, Validation: 0.2}
		want, err := trainer.Fit(background, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, m := range map[string]gram.Matrix{"csr": A, "csr32": compressed[float32](t, X), "far": far} {
			got, err := trainer.Fit(background, m, y, nil)
			if err != nil {
				t.Fatal(err)
			}
			if e := distance(got.Coef(), want.Coef()); !(e <= 1e-7) {
				t.Errorf("%d classes, %s: coefficients off by %.2g", k, name, e)
			}
		}
		var models []*linear.SoftmaxModel
		for _, m := range []gram.Matrix{X, A} {
			s, err := trainer.Stream(20, k)
			if err != nil {
				t.Fatal(err)
			}
			for _, batch := range []gram.Matrix{m, X, A} {
				if _, err := s.Update(background, batch, y, nil); err != nil {
					t.Fatal(err)
				}
			}
			models = append(models, s.Model())
		}
		if e := distance(models[1].Coef(), models[0].Coef()); !(e <= 1e-9) {
			t.Errorf("%d classes: streams differ by %.2g", k, e)
		}
	}
}

// TestEarlyStopping: the fit ends Patience epochs after the lowest loss of the rows kept
// apart, and returns the model of that.
func TestEarlyStopping(t *testing.T) {
	X, y := problem(80, 60, 2, 3) // more than enough features to overfit
	var losses []float64
	trainer := linear.SGD{Validation: 0.25, Patience: 3, Epochs: 200, Tol: 1e-12, Rate: linear.ConstantRate(0.02), Progress: func(p gram.Progress) {
		losses = append(losses, p.Objective)
	}}
	m, err := trainer.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	best := 0
	for i, v := range losses {
		if v < losses[best] {
			best = i
		}
	}
	if len(losses) != best+4 || m.Convergence().Iterations != len(losses) {
		t.Errorf("%d epochs, the best was %d", len(losses), best+1)
	}
	trainer.Epochs, trainer.Progress = best+1, nil
	trainer.Rate = linear.ConstantRate(0.02)
	same, err := trainer.Fit(background, X, y, nil)
	if !errors.Is(err, gram.ErrNotConverged) || !slices.Equal(same.Coef(), m.Coef()) {
		t.Errorf("not the model of the best epoch: %v", err)
	}
}

// TestStream: a stream of all rows is a fit of one epoch in their order; models stay as they
// were handed out; the loss it returns is that of models before they learn.
func TestStream(t *testing.T) {
	X, y := problem(600, 6, 3, 9)
	s, err := linear.SGD{}.Stream(6, 3)
	if err != nil {
		t.Fatal(err)
	}
	first := s.Model()
	p, err := first.PredictProba(nil, X.Slice(0, 1, 0, 6))
	if err != nil || math.Abs(p[0]-1./3) > 1e-15 || s.Steps() != 0 {
		t.Errorf("probabilities %v before any row, %v", p, err)
	}
	var losses []float64
	for lo := 0; lo < 600; lo += 120 {
		before := s.Model()
		coef := before.Coef()
		loss, err := s.Update(background, X.Slice(lo, lo+120, 0, 6), y[lo:lo+120], nil)
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, loss)
		if !slices.Equal(before.Coef(), coef) || slices.Equal(s.Model().Coef(), coef) {
			t.Error("a model changed, or the stream did not")
		}
	}
	if s.Steps() != 5*4 {
		t.Errorf("%d steps", s.Steps())
	}
	if losses[4] > losses[0] || losses[0] > 1.2*math.Log(3) {
		t.Errorf("losses %v", losses)
	}
	one, err := linear.SGD{BatchSize: 600}.Stream(6, 3)
	if err != nil {
		t.Fatal(err)
	}
	if loss, err := one.Update(background, X, y, nil); err != nil || math.Abs(loss-math.Log(3)) > 1e-12 {
		t.Errorf("loss %v before any step, want log 3, %v", loss, err)
	}
	// Labels of one class alone.
	if _, err := s.Update(background, X, make([]int, 600), nil); err != nil {
		t.Error(err)
	}
}

func TestStreamErrors(t *testing.T) {
	_, err := linear.SGD{}.Stream(0, 2)
	checkError(t, "features", true, err, gram.ErrParam, "linear: a stream of 0 features and 2 classes")
	_, err = linear.SGD{Alpha: -1}.Stream(2, 2)
	checkError(t, "alpha", true, err, gram.ErrParam, "linear: Alpha is -1, want ≥ 0")
	s, err := linear.SGD{}.Stream(2, 2)
	if err != nil {
		t.Fatal(err)
	}
	X := linalg.NewDense(2, 2, []float64{1, 2, 3, 4})
	_, err = s.Update(background, linalg.NewDense(1, 3, []float64{1, 2, 3}), []int{0}, nil)
	checkError(t, "features", true, err, gram.ErrShape, "X has 3 features, the model 2")
	_, err = s.Update(background, X, []int{0}, nil)
	checkError(t, "labels", true, err, gram.ErrShape, "y has 1 labels, X 2 rows")
	_, err = s.Update(background, X, []int{0, 2}, nil)
	checkError(t, "labels", true, err, gram.ErrLabels, "label 2 in row 1, want 0 to 1")
	_, err = s.Update(background, X, []int{0, 1}, []float64{1, -1})
	checkError(t, "weights", true, err, gram.ErrWeights, "weight of row 1 is -1")
	X.Set(1, 1, math.NaN())
	_, err = s.Update(background, X, []int{0, 1}, nil)
	checkError(t, "NaN", true, err, gram.ErrNonFinite, "row 1, column 1 is NaN")
	X.Set(1, 1, 0)
	ctx, cancel := context.WithCancel(background)
	cancel()
	if _, err := s.Update(ctx, X, []int{0, 1}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestSGDErrors(t *testing.T) {
	X, y := problem(30, 2, 2, 1)
	for text, c := range map[string]linear.SGD{
		"linear: Alpha is NaN, want ≥ 0":                                        {Alpha: math.NaN()},
		"linear: L1Ratio is 2, want 0 to 1":                                     {L1Ratio: 2},
		"linear: Momentum is 1, want 0 up to 1":                                 {Momentum: 1},
		"linear: Decay is -1, want 0 up to 1":                                   {Decay: -1},
		"linear: Validation is 1, want 0 up to 1":                               {Validation: 1},
		"linear: Optimizer is 99":                                               {Optimizer: 99},
		"linear: BatchSize is -1 and Patience 0, want > 0 or 0 for the default": {BatchSize: -1},
		"linear: MaxIter is -1, want > 0 or 0 for 50":                           {Epochs: -1},
		"linear: the learning rate of step 0 is -1, want > 0":                   {Rate: linear.ConstantRate(-1)},
		"linear: the learning rate of step 0 is NaN, want > 0":                  {Rate: linear.ConstantRate(math.NaN())},
	} {
		m, err := c.Fit(background, X, y, nil)
		checkError(t, text, m == nil, err, gram.ErrParam, text)
	}
	m, err := linear.SGD{Optimizer: linear.PlainSGD, Rate: linear.ConstantRate(1e300)}.Fit(background, X, y, nil)
	checkError(t, "explosion", m == nil, err, gram.ErrNonFinite, "lower the learning rate")
	if got := linear.Optimizer(99).String(); got != "Optimizer(99)" {
		t.Error(got)
	}
}

func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		s    linear.Schedule
		step int
		want float64
	}{
		{linear.ConstantRate(0.3), 77, 0.3},
		{linear.StepRate{Initial: 1}, 999, 1}, {linear.StepRate{Initial: 1}, 2000, 0.25}, {linear.StepRate{Initial: 8, Factor: 0.1, Every: 10}, 29, 0.08},
		{linear.ExponentialRate{Initial: 2, Decay: 0.5}, 4, 2 * math.Exp(-2)},
		{linear.InverseScalingRate{Initial: 2, Power: 1}, 3, 0.5}, {linear.InverseScalingRate{Initial: 2, Power: 0.5, Steps: 10}, 30, 1},
		{linear.CosineRate{Initial: 1}, 0, 1}, {linear.CosineRate{Initial: 1, Final: 0.2, Steps: 100}, 50, 0.6}, {linear.CosineRate{Initial: 1}, 5000, 0.001},
		{linear.WarmUp{Steps: 4, Then: linear.ExponentialRate{Initial: 1, Decay: 1}}, 0, 0.2},
		{linear.WarmUp{Steps: 4, Then: linear.ExponentialRate{Initial: 1, Decay: 1}}, 3, 0.8},
		{linear.WarmUp{Steps: 4, Then: linear.ExponentialRate{Initial: 1, Decay: 1}}, 5, math.Exp(-1)},
	} {
		if got := c.s.Rate(c.step); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%#v: rate of step %d is %v, want %v", c.s, c.step, got, c.want)
		}
	}
}

func ExampleSGD() {
	X, y := problem(2000, 5, 3, 1)
	m, err := linear.SGD{Validation: 0.2}.Fit(context.Background(), X, y, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	c := m.Convergence()
	fmt.Printf("%s: %v, log-loss %.1f\n", c.Solver, c.Converged, c.Objective)
	// Output:
	// adam: true, log-loss 0.7
}

// Batches come, and models can be had at any time.
func ExampleStream() {
	X, y := problem(2000, 5, 2, 1)
	s, err := linear.SGD{}.Stream(5, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	for lo := 0; lo < 2000; lo += 500 {
		loss, err := s.Update(context.Background(), X.Slice(lo, lo+500, 0, 5), y[lo:lo+500], nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%.1f ", loss)
	}
	class, err := s.Model().PredictRow(X.Row(0))
	fmt.Println(class, err)
	// Output:
	// 0.6 0.6 0.6 0.6 0 <nil>
}

func ExampleOptimizer() {
	fmt.Println(linear.Adam, linear.Nesterov)
	// Output:
	// adam nesterov
}

// Rates rise for some steps and then fall.
func ExampleSchedule() {
	var s linear.Schedule = linear.WarmUp{Steps: 3, Then: linear.CosineRate{Initial: 1, Steps: 4}}
	for step := range 8 {
		fmt.Printf("%.2f ", s.Rate(step))
	}
	// Output:
	// 0.25 0.50 0.75 1.00 0.85 0.50 0.15 0.00
}

func ExampleConstantRate() {
	fmt.Println(linear.ConstantRate(0.1).Rate(1000))
	// Output:
	// 0.1
}

func ExampleStepRate() {
	s := linear.StepRate{Initial: 1, Factor: 0.1, Every: 100}
	fmt.Printf("%.2f %.2f\n", s.Rate(99), s.Rate(100))
	// Output:
	// 1.00 0.10
}

func ExampleExponentialRate() {
	fmt.Printf("%.2f\n", linear.ExponentialRate{Initial: 1, Decay: 0.01}.Rate(100))
	// Output:
	// 0.37
}

func ExampleInverseScalingRate() {
	fmt.Printf("%.2f\n", linear.InverseScalingRate{Initial: 1, Power: 0.5}.Rate(99))
	// Output:
	// 0.10
}

func ExampleCosineRate() {
	fmt.Printf("%.2f\n", linear.CosineRate{Initial: 1, Final: 0.1, Steps: 100}.Rate(50))
	// Output:
	// 0.55
}

func ExampleWarmUp() {
	s := linear.WarmUp{Steps: 9, Then: linear.ConstantRate(1)}
	fmt.Printf("%.1f %.1f\n", s.Rate(0), s.Rate(9))
	// Output:
	// 0.1 1.0
}
