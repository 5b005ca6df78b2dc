package quant_test

import (
	"context"
	"fmt"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/quant"
)

// must returns v, for examples that cannot fail.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func ExampleParams() {
	p := must(quant.Asymmetric[uint8](-1, 4.1))
	q := must(quant.Quantize[uint8](nil, []float64{-1, 0, 0.05, 4.1, 99}, p))
	x := must(quant.Dequantize[float32](nil, q, p))
	fmt.Printf("scale %.2f, zero %d\n", p.Scale, p.Zero)
	fmt.Println(q)
	fmt.Printf("%.2f\n", x)
	// Output:
	// scale 0.02, zero 50
	// [0 50 53 255 255]
	// [-1.00 0.00 0.06 4.10 4.10]
}

// Int and Float are what the conversions take.
func ExampleInt() {
	q := must(quant.Quantize[int8](nil, []float32{0.5, 1.5, 2.5}, quant.Params{Scale: 1}))
	fmt.Println(q) // half to even
	// Output: [0 2 2]
}

func ExampleFloat() {
	x := must(quant.Dequantize[float64](nil, []int8{-3, 0, 4}, quant.Params{Scale: 0.5}))
	fmt.Println(x)
	// Output: [-1.5 0 2]
}

func ExampleSaturation() {
	s := must(quant.CountSaturation[int8]([]float64{-500, 3, 127.4, 128}, quant.Params{Scale: 1}))
	fmt.Printf("%+v, rate %v\n", s, s.Rate())
	// Output: {Low:1 High:1 NaN:0 Total:4}, rate 0.5
}

func ExampleObserver() {
	x := make([]float64, 10001)
	for i := range x {
		x[i] = float64(i%100) / 100
	}
	x[10000] = 50 // an outlier
	for _, o := range []quant.Observer{&quant.MinMax{}, &quant.Percentile{Keep: 99.9}} {
		o.Observe(x)
		p := must(quant.Calibrate[uint8](o))
		fmt.Printf("%T: a step of %.3f\n", o, p.Scale)
	}
	// Output:
	// *quant.MinMax: a step of 0.196
	// *quant.Percentile: a step of 0.004
}

func ExampleMinMax() {
	var o quant.MinMax
	o.Observe([]float64{3, -1})
	o.Observe([]float64{2})
	fmt.Println(o.Range())
	// Output: -1 3 <nil>
}

func ExampleMovingAverage() {
	o := quant.MovingAverage{Rate: 0.5}
	o.Observe([]float64{-1, 1})
	o.Observe([]float64{-3, 5})
	fmt.Println(o.Range())
	// Output: -2 3 <nil>
}

func ExamplePercentile() {
	o := quant.Percentile{Keep: 100}
	o.Observe([]float64{-2, 1, 7})
	fmt.Println(o.Range())
	// Output: -2 7 <nil>
}

func ExampleHistogram() {
	var a, b quant.Histogram
	a.Observe([]float64{1, 2})
	b.Observe([]float64{1e30})
	a.Merge(&b)
	fmt.Println(a.Total())
	// Output: 3
}

func ExampleMSE() {
	var o quant.MSE
	o.Observe([]float64{0, 0, 0})
	fmt.Println(o.Range())
	// Output: 0 0 <nil>
}

func ExampleKL() {
	var o quant.KL
	_, _, err := o.Range()
	fmt.Println(err)
	// Output: calibration has seen no finite value: shapes do not fit
}

func ExampleMultiplier() {
	m := must(quant.NewMultiplier(0.25))
	fmt.Println(m, m.Apply(10), m.Apply(14))
	// Output: {1073741824 32} 2 4
}

func ExampleAdd() {
	dst := make([]int8, 3)
	n := quant.Add(dst, []int8{100, -100, 1}, []int8{100, -100, 1})
	fmt.Println(dst, n)
	// Output: [127 -128 2] 2
}

// A layer of two outputs and three inputs, in int8 from end to end.
func ExampleWeights() {
	w := []float32{0.5, -1, 0.25, 2, 1, -2}
	channels := must(quant.SymmetricChannels(w, 2))
	weights := must(quant.PackWeights(must(quant.QuantizeChannels[int8](nil, w, channels)), 2, 3, channels))

	in := must(quant.Asymmetric[uint8](-1, 1))
	x := must(quant.Quantize[uint8](nil, []float32{1, 0.5, -1}, in))
	y := must(quant.MulFloat(nil, x, in, weights, quant.Output{}))
	fmt.Printf("%.2f\n", y) // −0.25 and 4.5 in reals
	fmt.Println(quant.Bound[uint8](weights, in.Zero), quant.MaxDepth[uint8, int8](0, 0))
	// Output:
	// [-0.25 4.49]
	// 40577 65793
}

func ExampleOutput() {
	one := []quant.Params{{Scale: 1}}
	w := must(quant.PackWeights([]int8{1, -1, 2}, 3, 1, one))
	o := quant.Output{Bias: []float32{0.5, 0.5, 0.5}, Activation: quant.ReLU6}
	fmt.Println(quant.MulFloat(nil, []int8{4}, one[0], w, o))
	// Output: [4.5 0 6] <nil>
}

func ExampleActivation() {
	fmt.Println(quant.Identity, quant.ReLU, quant.ReLU6)
	// Output: 0 1 2
}

func ExampleWeights4() {
	w := must(quant.PackInt4([]float32{7, -3, 0.6, 1}, 1, 4, 4))
	fmt.Println(w.Floats(), w.Bytes())
	fmt.Println(quant.MulInt4(nil, []int8{1, 1, 1, 1}, quant.Params{Scale: 0.5}, w, quant.Output{}))
	// Output:
	// [7 -3 1 1] 40
	// [3] <nil>
}

func ExampleMixed() {
	x := []float32{1, -1, 800, 0.5, 1, -900} // the third column would drown the others
	outliers := must(quant.Outliers(x, 3, 6))
	m := must(quant.PackMixed([]float32{1, 1, 0.001}, 1, 3, outliers))
	y := must(m.Mul(nil, x, quant.Output{}))
	fmt.Println(outliers)
	fmt.Printf("%.2f\n", y)
	// Output:
	// [2]
	// [0.80 0.60]
}

func ExampleLinear() {
	X := linalg.NewDense(6, 2, []float64{1.4, 0.2, 1.3, 0.3, 1.7, 0.4, 4.7, 1.4, 4.5, 1.5, 3.9, 1.1})
	y := []int{0, 0, 0, 1, 1, 1}
	base := must(linear.Softmax{}.Fit(context.Background(), X, y, nil))
	m := must(quant.Linear{}.Quantize(context.Background(), base, X, nil))
	c := must(quant.Compare(base, m, X, y, nil))
	fmt.Printf("%.0f of accuracy lost, %.3f of log-loss added\n", c.AccuracyLost(), c.LogLossAdded())
	// Output: 0 of accuracy lost, -0.000 of log-loss added
}

func ExampleLinearModel() {
	X := linalg.NewDense(4, 1, []float64{1, 2, 3, 4})
	m := must(quant.Linear{Base: linear.Logistic{}}.Fit(context.Background(), X, []int{0, 0, 1, 1}, nil))
	fmt.Println(m.PredictRow([]float64{3.5}))
	// Output: 1 <nil>
}

// Models are seen through their accessors.
func ExampleSoftmaxClassifier() {
	var m gram.Classifier = &linear.SoftmaxModel{}
	_, softmax := m.(quant.SoftmaxClassifier)
	_, logistic := m.(quant.LogisticClassifier)
	fmt.Println(softmax, logistic)
	// Output: true false
}

func ExampleLogisticClassifier() {
	var m gram.Classifier = &linear.LogisticModel{}
	_, logistic := m.(quant.LogisticClassifier)
	fmt.Println(logistic)
	// Output: true
}

func ExampleComparison() {
	c := quant.Comparison{Before: quant.Quality{Accuracy: 0.75, LogLoss: 0.5}, After: quant.Quality{Accuracy: 0.5, LogLoss: 0.75}}
	fmt.Println(c.AccuracyLost(), c.LogLossAdded())
	// Output: 0.25 0.25
}

func ExampleQuality() {
	fmt.Printf("%+v\n", quant.Quality{Accuracy: 0.9, LogLoss: 0.3})
	// Output: {Accuracy:0.9 LogLoss:0.3}
}

func ExampleProjection() {
	X := linalg.NewDense(6, 2, []float64{1.4, 0.2, 1.3, 0.3, 1.7, 0.4, 4.7, 1.4, 4.5, 1.5, 3.9, 1.1})
	base := must(decomp.PCA{Components: 1}.Fit(context.Background(), X, nil))
	m := must(quant.Projection{}.Quantize(context.Background(), base, X, nil))
	lost := must(quant.Distortion(base, m, X, nil))
	fmt.Println(lost[0] < 0.01)
	// Output: true
}

func ExampleProjectionModel() {
	X := linalg.NewDense(4, 2, []float64{1, 1, 2, 2, 3, 3, 4, 4})
	m := must(quant.Projection{Base: decomp.PCA{Components: 1}}.Fit(context.Background(), X, nil, nil))
	z := must(m.Transform(nil, X))
	fmt.Printf("%.1f\n", z)
	// Output: [-2.1 -0.7 0.7 2.1]
}
