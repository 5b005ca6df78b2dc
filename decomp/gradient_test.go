package decomp

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gram-ml/gram/activation"
	"github.com/gram-ml/gram/linalg"
)

// TestAutoencoderGradient: the gradient is that of central differences, for every function,
// every depth and every form, with noise and weights.
func TestAutoencoderGradient(t *testing.T) {
	forms := map[string]Autoencoder{
		"plain":                  {Components: 2, Hidden: []int{4}},
		"no layers":              {Components: 2, Hidden: []int{}},
		"deep":                   {Components: 2, Hidden: []int{4, 3}, Alpha: 0.1, Activation: "tanh"},
		"identity":               {Components: 2, Hidden: []int{4}, Activation: "identity"},
		"denoising":              {Components: 2, Hidden: []int{4}, Noise: 0.5, Mask: 0.3, Activation: "silu"},
		"variational":            {Components: 2, Hidden: []int{4}, Variational: true, Beta: 0.7, Activation: "elu"},
		"variational, no layers": {Components: 1, Hidden: []int{}, Variational: true},
		"bits":                   {Components: 2, Hidden: []int{4}, Loss: CrossEntropy, Activation: "softplus"},
		"bits, all":              {Components: 2, Hidden: []int{3}, Loss: CrossEntropy, Variational: true, Noise: 0.1, Mask: 0.5, Alpha: 0.01, Activation: "gelu"},
	}
	for _, f := range activation.Functions() {
		if !f.PerRow && f.Name != "log" { // which has no value below 0
			forms[f.Name] = Autoencoder{Components: 2, Hidden: []int{4}, Activation: f.Name}
		}
	}
	const n, d = 7, 5
	r := rand.New(rand.NewPCG(1, 2))
	X, w := linalg.NewDense[float64](n, d, nil), make([]float64, n)
	for i := range X.Data {
		X.Data[i] = r.Float64()
	}
	for i := range w {
		w[i] = 0.5 + r.Float64()
	}
	for name, trainer := range forms {
		a := fitOf(t, trainer, X, w)
		rows := []int{3, 0, 5, 6, 1}
		gradient, difference := make([]float64, len(a.theta)), make([]float64, len(a.theta))
		if _, err := a.objective(context.Background(), rows, 1, gradient); err != nil {
			t.Fatal(err)
		}
		const h = 1e-5
		for i, v := range a.theta {
			var f [2]float64
			for side := range f {
				a.theta[i] = v + h*float64(2*side-1)
				f[side], _ = a.objective(context.Background(), rows, 1, nil)
			}
			a.theta[i] = v
			difference[i] = (f[1] - f[0]) / (2 * h)
		}
		largest := 0.0
		for _, v := range gradient {
			largest = max(largest, math.Abs(v))
		}
		for i, v := range gradient {
			if !(math.Abs(v-difference[i]) <= 1e-8*(1+largest)) {
				t.Errorf("%s: derivative %d is %v, by differences %v", name, i, v, difference[i])
			}
		}
	}
}

// TestGradientOfBlocks: rows that are too many for one block give the gradient of all.
func TestGradientOfBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	X := linalg.NewDense[float64](9, 4, nil)
	for i := range X.Data {
		X.Data[i] = r.Float64()
	}
	a := fitOf(t, Autoencoder{Alpha: 0.1}, X, nil)
	rows := []int{0, 2, 4, 6, 8}
	want := a.evaluate(rows, r, true)
	gradient := append([]float64(nil), a.grad...)
	a.block = 2
	got, err := a.gradientOf(context.Background(), rows, r)
	if err != nil || math.Abs(got-want) > 1e-12 {
		t.Errorf("loss %v, want %v: %v", got, want, err)
	}
	for i, v := range a.grad {
		if math.Abs(v-gradient[i]) > 1e-12 {
			t.Errorf("derivative %d is %v, want %v", i, v, gradient[i])
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := a.gradientOf(ctx, rows, r); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// fitOf returns a fit before its first step, with smaller weights, for functions that grow
// fast, and biases that are not 0.
func fitOf(t *testing.T, trainer Autoencoder, X *linalg.Dense[float64], w []float64) *autoencoderFit {
	t.Helper()
	s, err := newData(context.Background(), X, w, 1)
	if err != nil {
		t.Fatal(err)
	}
	if trainer, err = trainer.check(s.d); err != nil {
		t.Fatal(err)
	}
	a, err := newAutoencoderFit(context.Background(), trainer, s)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range a.theta {
		a.theta[i] = a.theta[i]/2 + 0.1*r.NormFloat64()
	}
	return a
}

// TestInitialize: the outputs of deep networks of any function keep about the mean square of
// their inputs.
func TestInitialize(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	x := linalg.NewDense[float64](20, 64, nil)
	for i := range x.Data {
		x.Data[i] = r.NormFloat64()
	}
	sizes := []int{64, 64, 64, 64, 64, 64, 64}
	p, _ := parameters(sizes)
	for _, name := range []string{identity, "relu", "tanh", "selu", "gelu", "sigmoid"} {
		f, _ := hiddenFunction(name)
		n, rest := newNetwork(sizes, f, make([]float64, p))
		if len(rest) != 0 {
			t.Fatalf("%d parameters are left over", len(rest))
		}
		n.initialize(r)
		y := n.forward(1, x, new(trace))
		if v := linalg.Nrm2(y.Data) / math.Sqrt(float64(len(y.Data))); v < 0.4 || v > 2.5 {
			t.Errorf("%s: the root mean square is %v after %d layers", name, v, len(n))
		}
	}
}
