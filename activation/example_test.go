package activation_test

import (
	"fmt"

	"github.com/gram-ml/gram/activation"
)

func ExampleGELU() {
	x := []float32{-9, -1, 0, 1}
	fmt.Printf("%.3g\n", activation.GELU(nil, x))
	// Output:
	// [-1.02e-18 -0.159 0 0.841]
}

// A layer's forward and backward pass, in place.
func ExampleSigmoidGrad() {
	y := activation.Sigmoid(nil, []float64{-2, 0, 2})
	dy := []float64{1, 1, 1}
	activation.SigmoidGrad(dy, dy, y)
	fmt.Printf("%.3f %.3f\n", y, dy)
	// Output:
	// [0.119 0.500 0.881] [0.105 0.250 0.105]
}

func ExampleSoftmax() {
	logits := []float64{
		1, 2, 3,
		1000, 1000, 0,
	}
	fmt.Printf("%.3f\n", activation.Softmax(nil, logits, 3))
	fmt.Printf("%.3f\n", activation.Sparsemax(nil, logits, 3))
	// Output:
	// [0.090 0.245 0.665 0.500 0.500 0.000]
	// [0.000 0.000 1.000 0.500 0.500 0.000]
}

func ExampleCrossEntropy() {
	logits := []float64{
		2, 0,
		0, 0,
	}
	gradient := make([]float64, len(logits))
	loss := activation.CrossEntropy(gradient, logits, []int{0, 1}, 2)
	fmt.Printf("%.4f %.4f\n", loss, gradient)
	// Output:
	// 0.4100 [-0.0596 0.0596 0.2500 -0.2500]
}

func ExampleLookup() {
	f, _ := activation.Lookup("SELU")
	fmt.Printf("%s: %s, at least %.3f, slope at most %.3f\n", f.Name, f.Formula, f.Min, f.MaxSlope)
	fmt.Printf("%.3f\n", f.Forward64(nil, []float64{-1, 1}))
	// Output:
	// selu: 1.0507·x, or 1.0507·1.6733·(eˣ − 1) for x < 0, at least -1.758, slope at most 1.758
	// [-1.111 1.051]
}

func ExampleFunction() {
	for _, f := range activation.Functions() {
		if f.Max <= 1 && f.ZeroCentred {
			fmt.Println(f.Name, f.Formula)
		}
	}
	// Output:
	// erf 2/√π·∫₀ˣ exp(−t²) dt
	// tanh tanh x
	// softsign x/(1 + |x|)
}

func ExampleGate() {
	g, _ := activation.LookupGate("swiglu")
	gate, value := []float64{-2, 0, 2}, []float64{1, 2, 3}
	fmt.Printf("%s through %s: %.3f\n", g.Name, g.Of, g.Forward64(nil, gate, value))
	// Output:
	// swiglu through silu: [-0.238 0.000 5.285]
}
