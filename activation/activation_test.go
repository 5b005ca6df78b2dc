package activation_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gram-ml/gram/activation"
	"github.com/gram-ml/gram/internal/floattest"
)

// A function is one elementwise function under test for an element type.
type function[T floattest.Float] struct {
	name string
	f    func(dst, x []T) []T
}

// A gradient is one derivative, from what was saved.
type gradient[T floattest.Float] struct {
	name  string
	f     func(dx, dy, saved []T) []T
	value func(dst, x []T) []T // what it is the derivative of
	saves bool                 // the output
}

func functions[T floattest.Float]() []function[T] {
	return []function[T]{
		{"Exp", activation.Exp[T]},
		{"Sigmoid", activation.Sigmoid[T]},
		{"Tanh", activation.Tanh[T]},
		{"SiLU", activation.SiLU[T]},
		{"GELU", activation.GELU[T]},
		{"ReLU", activation.ReLU[T]},
		{"ReLU6", activation.ReLU6[T]},
		{"LeakyReLU", func(dst, x []T) []T { return activation.LeakyReLU(dst, x, 0.125) }},
		{"PReLU", func(dst, x []T) []T { return activation.PReLU(dst, x, 0.25) }},
		{"Log", activation.Log[T]},
		{"Erf", activation.Erf[T]},
		{"Softplus", activation.Softplus[T]},
		{"LogSigmoid", activation.LogSigmoid[T]},
		{"Swish", swish[T]},
		{"Swish0", func(dst, x []T) []T { return activation.Swish(dst, x, 0) }},
		{"SwishMinus", func(dst, x []T) []T { return activation.Swish(dst, x, -0.01) }},
		{"Mish", activation.Mish[T]},
		{"GELUTanh", activation.GELUTanh[T]},
		{"ELU", elu[T]},
		{"SELU", activation.SELU[T]},
		{"CELU", celu[T]},
		{"Softsign", activation.Softsign[T]},
		{"HardSigmoid", activation.HardSigmoid[T]},
		{"HardSwish", activation.HardSwish[T]},
	}
}

func gradients[T floattest.Float]() []gradient[T] {
	return []gradient[T]{
		{"SigmoidGrad", activation.SigmoidGrad[T], activation.Sigmoid[T], true},
		{"TanhGrad", activation.TanhGrad[T], activation.Tanh[T], true},
		{"SiLUGrad", activation.SiLUGrad[T], activation.SiLU[T], false},
		{"GELUGrad", activation.GELUGrad[T], activation.GELU[T], false},
		{"ReLUGrad", activation.ReLUGrad[T], activation.ReLU[T], true},
		{"ReLU6Grad", activation.ReLU6Grad[T], activation.ReLU6[T], true},
		{"LeakyReLUGrad", func(dx, dy, x []T) []T { return activation.LeakyReLUGrad(dx, dy, x, 0.125) },
			func(dst, x []T) []T { return activation.LeakyReLU(dst, x, 0.125) }, false},
		{"PReLUGrad", func(dx, dy, x []T) []T { dx, _ = activation.PReLUGrad(dx, dy, x, 0.25); return dx },
			func(dst, x []T) []T { return activation.PReLU(dst, x, 0.25) }, false},
		{"ExpGrad", activation.ExpGrad[T], activation.Exp[T], true},
		{"ErfGrad", activation.ErfGrad[T], activation.Erf[T], false},
		{"SoftplusGrad", activation.SoftplusGrad[T], activation.Softplus[T], false},
		{"LogSigmoidGrad", activation.LogSigmoidGrad[T], activation.LogSigmoid[T], false},
		{"SwishGrad", func(dx, dy, x []T) []T { return activation.SwishGrad(dx, dy, x, 1.75) }, swish[T], false},
		{"MishGrad", activation.MishGrad[T], activation.Mish[T], false},
		{"GELUTanhGrad", activation.GELUTanhGrad[T], activation.GELUTanh[T], false},
		{"ELUGrad", func(dx, dy, y []T) []T { return activation.ELUGrad(dx, dy, y, 1) }, elu[T], true},
		{"SELUGrad", activation.SELUGrad[T], activation.SELU[T], true},
		{"CELUGrad", func(dx, dy, y []T) []T { return activation.CELUGrad(dx, dy, y, 0.75) }, celu[T], true},
		{"SoftsignGrad", activation.SoftsignGrad[T], activation.Softsign[T], true},
		{"HardSigmoidGrad", activation.HardSigmoidGrad[T], activation.HardSigmoid[T], true},
		{"HardSwishGrad", activation.HardSwishGrad[T], activation.HardSwish[T], false},
	}
}

// same tells whether two slices hold the same bits, or NaN both.
func same[T floattest.Float](a, b []T) error {
	if len(a) != len(b) {
		return fmt.Errorf("%d and %d elements", len(a), len(b))
	}
	for i := range a {
		if math.Float64bits(float64(a[i])) != math.Float64bits(float64(b[i])) && !(a[i] != a[i] && b[i] != b[i]) {
			return fmt.Errorf("element %d is %v, want %v", i, a[i], b[i])
		}
	}
	return nil
}

// The bits of a result do not depend on where in a slice an element stands, on the
// length, or on whether the result takes the place of an input; nothing is read or
// written outside.
func TestPlaces(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		testPlaces[float64](t, 8)
		testPlaces[float32](t, 16)
	})
}

func testPlaces[T floattest.Float](t *testing.T, lanes int) {
	r := floattest.Rand(3)
	const most = 200
	x, dy := floattest.Normals(r, make([]T, most)), floattest.Normals(r, make([]T, most))
	for i := range x {
		x[i] *= 4
	}
	x[5], x[17], x[30], x[41], x[52] = T(math.NaN()), T(math.Inf(1)), T(math.Inf(-1)), 0, -100
	lengths := floattest.Lengths(lanes, 4)
	for _, f := range functions[T]() {
		want := f.f(nil, x)
		for _, n := range lengths {
			if n > most {
				continue
			}
			for _, at := range []int{0, 3} {
				lo := min(at, most-n)
				dst, check := floattest.Guarded[T](n)
				in, checkIn := floattest.Guarded[T](n)
				copy(in, x[lo:lo+n])
				f.f(dst, in)
				if err := same(dst, want[lo:lo+n]); err != nil {
					t.Fatalf("%s of %d elements: %v", f.name, n, err)
				}
				f.f(in, in)
				if err := same(in, dst); err != nil {
					t.Fatalf("%s of %d elements in place: %v", f.name, n, err)
				}
				check(t)
				checkIn(t)
			}
		}
	}
	for _, g := range gradients[T]() {
		want := g.f(nil, dy, x)
		for _, n := range lengths {
			if n > most {
				continue
			}
			dst, check := floattest.Guarded[T](n)
			g.f(dst, dy[:n], x[:n])
			if err := same(dst, want[:n]); err != nil {
				t.Fatalf("%s of %d elements: %v", g.name, n, err)
			}
			for _, place := range []int{0, 1} {
				a, b := append([]T{}, dy[:n]...), append([]T{}, x[:n]...)
				in := [][]T{a, b}[place]
				if n == 0 {
					continue
				}
				g.f(in, a, b)
				if err := same(in, dst); err != nil {
					t.Fatalf("%s of %d elements in place %d: %v", g.name, n, place, err)
				}
			}
			check(t)
		}
	}
}

// Derivatives agree with differences of the values.
func TestGradients(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		r := floattest.Rand(4)
		x, dy := make([]float64, 500), floattest.Normals(r, make([]float64, 500))
		for i := range x {
			x[i] = 6 * r.NormFloat64()
			for math.Abs(x[i]) < 1e-3 || math.Abs(math.Abs(x[i])-3) < 1e-3 || math.Abs(x[i]-6) < 1e-3 { // corners
				x[i]++
			}
		}
		const h = 1e-5
		for _, g := range gradients[float64]() {
			saved := x
			if g.saves {
				saved = g.value(nil, x)
			}
			dx := g.f(nil, dy, saved)
			up, down := make([]float64, len(x)), make([]float64, len(x))
			for i, v := range x {
				up[i], down[i] = v+h, v-h
			}
			g.value(up, up)
			g.value(down, down)
			for i := range x {
				want := dy[i] * (up[i] - down[i]) / (2 * h)
				if !floattest.Close(dx[i], want, math.Abs(want)+math.Abs(dy[i])*(1+math.Abs(x[i])), 1e-9) {
					t.Fatalf("%s at %v is %v, want %v", g.name, x[i], dx[i], want)
				}
			}
		}
	})
}

// Values at the ends: documented, and the same at every level and for both types.
func TestSpecialValues(t *testing.T) {
	inf, nan, minus0 := math.Inf(1), math.NaN(), math.Copysign(0, -1)
	at := []float64{inf, -inf, nan, 0, minus0}
	want := map[string][]float64{
		"Exp":         {inf, 0, nan, 1, 1},
		"Sigmoid":     {1, 0, nan, 0.5, 0.5},
		"Tanh":        {1, -1, nan, 0, minus0},
		"SiLU":        {inf, minus0, nan, 0, minus0},
		"GELU":        {inf, minus0, nan, 0, minus0},
		"ReLU":        {inf, 0, nan, 0, 0},
		"ReLU6":       {6, 0, nan, 0, 0},
		"LeakyReLU":   {inf, -inf, nan, 0, minus0},
		"PReLU":       {inf, -inf, nan, 0, minus0},
		"Log":         {inf, nan, nan, -inf, -inf},
		"Erf":         {1, -1, nan, 0, minus0},
		"Softplus":    {inf, 0, nan, math.Ln2, math.Ln2},
		"LogSigmoid":  {0, -inf, nan, -math.Ln2, -math.Ln2},
		"Swish":       {inf, minus0, nan, 0, minus0},
		"Swish0":      {inf, -inf, nan, 0, minus0},
		"SwishMinus":  {0, -inf, nan, 0, 0},
		"Mish":        {inf, minus0, nan, 0, minus0},
		"GELUTanh":    {inf, minus0, nan, 0, minus0},
		"ELU":         {inf, -1, nan, 0, minus0},
		"SELU":        {inf, -activation.SELUScale * activation.SELUAlpha, nan, 0, minus0},
		"CELU":        {inf, -0.75, nan, 0, minus0},
		"Softsign":    {1, -1, nan, 0, minus0},
		"HardSigmoid": {1, 0, nan, 0.5, 0.5},
		"HardSwish":   {inf, minus0, nan, 0, minus0},
	}
	grads := map[string][]float64{
		"SigmoidGrad":     {0, 0, nan, 0.25, 0.25},
		"TanhGrad":        {0, 0, nan, 1, 1},
		"SiLUGrad":        {1, 0, nan, 0.5, 0.5},
		"GELUGrad":        {1, 0, nan, 0.5, 0.5},
		"ReLUGrad":        {1, 0, 0, 0, 0},
		"ReLU6Grad":       {0, 0, 0, 0, 0},
		"LeakyReLUGrad":   {1, 0.125, 0.125, 0.125, 0.125},
		"PReLUGrad":       {1, 0.25, 0.25, 0.25, 0.25},
		"ExpGrad":         {inf, 0, nan, 1, 1},
		"ErfGrad":         {0, 0, nan, 2 / math.SqrtPi, 2 / math.SqrtPi},
		"SoftplusGrad":    {1, 0, nan, 0.5, 0.5},
		"LogSigmoidGrad":  {0, 1, nan, 0.5, 0.5},
		"SwishGrad":       {1, 0, nan, 0.5, 0.5},
		"MishGrad":        {1, 0, nan, 0.6, 0.6},
		"GELUTanhGrad":    {1, 0, nan, 0.5, 0.5},
		"ELUGrad":         {1, 0, nan, 1, 1},
		"SELUGrad":        {activation.SELUScale, 0, nan, activation.SELUScale * activation.SELUAlpha, activation.SELUScale * activation.SELUAlpha},
		"CELUGrad":        {1, 0, nan, 1, 1},
		"SoftsignGrad":    {0, 0, nan, 1, 1},
		"HardSigmoidGrad": {0, 0, 0, 1. / 6, 1. / 6},
		"HardSwishGrad":   {1, 0, nan, 0.5, 0.5},
	}
	floattest.Levels(t, func(t *testing.T) {
		testSpecial(t, at, want, grads, functions[float64](), gradients[float64]())
		testSpecial(t, at, want, grads, functions[float32](), gradients[float32]())
	})
}

func testSpecial[T floattest.Float](t *testing.T, at []float64, want, grads map[string][]float64, fs []function[T], gs []gradient[T]) {
	t.Helper()
	convert := func(x []float64) []T {
		out := make([]T, len(x))
		for i, v := range x {
			out[i] = T(v)
		}
		return out
	}
	x := convert(at)
	for _, f := range fs {
		if err := same(f.f(nil, x), convert(want[f.name])); err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
	}
	for _, g := range gs {
		saved := x
		if g.saves {
			saved = g.value(nil, x)
		}
		for i, got := range g.f(nil, []T{1, 1, 1, 1, 1}, saved) {
			want := grads[g.name][i]
			if !floattest.Close(float64(got), want, 2*floattest.Eps[T](), 1) {
				t.Errorf("%s at %v: %v, want %v", g.name, x[i], got, want)
			}
		}
	}
}

// Numbers below the normal ones go in and come out.
func TestSubnormal(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for name, f := range map[string]func(dst, x []float64) []float64{
			"Erf": activation.Erf[float64], "ELU": elu[float64], "Softsign": activation.Softsign[float64],
		} {
			x := []float64{0x1p-1050, -0x1p-1050}
			for i, y := range f(nil, x) {
				if !floattest.Close(y, x[i], 0x1p-1050, 0.13) { // 2/√π
					t.Errorf("%s(%v) is %v", name, x[i], y)
				}
			}
		}
		x64 := []float64{5e-324, -5e-324, 0x1p-1050, -0x1p-1050}
		x32 := []float32{1e-45, -1e-45, 1e-40, -1e-40}
		if err := same(activation.Tanh(nil, x64), x64); err != nil {
			t.Error(err)
		}
		if err := same(activation.Tanh(nil, x32), x32); err != nil {
			t.Error(err)
		}
		if err := same(activation.Sigmoid(nil, []float64{-744.44}), []float64{5e-324}); err != nil {
			t.Error(err)
		}
		if err := same(activation.SiLU(nil, x64[2:]), []float64{0x1p-1051, -0x1p-1051}); err != nil {
			t.Error(err)
		}
	})
}

func TestPReLUSlope(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		r := floattest.Rand(8)
		for _, n := range []int{0, 1, 255, 256, 700} {
			x, dy := floattest.Ints(r, make([]float32, n)), floattest.Ints(r, make([]float32, n))
			want := float32(0)
			for i, v := range x {
				want += dy[i] * min(v, 0)
			}
			if _, got := activation.PReLUGrad(nil, dy, x, 0.25); got != want {
				t.Errorf("%d elements: slope's gradient %v, want %v", n, got, want)
			}
			in := append([]float32{}, x...)
			if dx, got := activation.PReLUGrad(in, dy, in, 0.25); got != want {
				t.Errorf("%d elements in place: slope's gradient %v, want %v, dx %v", n, got, want, dx)
			}
		}
	})
}

func TestRReLU(t *testing.T) {
	x := floattest.Normals(floattest.Rand(2), make([]float64, 4000))
	slopes, again := make([]float64, len(x)), make([]float64, len(x))
	y := activation.RReLU(nil, slopes, x, 0.125, 0.375, 5)
	if err := same(activation.RReLU(nil, again, x, 0.125, 0.375, 5), y); err != nil {
		t.Error("the same seed:", err)
	}
	sum, negative := 0.0, 0.0
	for i, v := range x {
		if y[i] != v*slopes[i] || v >= 0 && slopes[i] != 1 || v < 0 && (slopes[i] < 0.125 || slopes[i] >= 0.375) {
			t.Fatalf("element %d: %v of %v, slope %v", i, y[i], v, slopes[i])
		}
		if v < 0 {
			sum += slopes[i]
			negative++
		}
	}
	if mean := sum / negative; math.Abs(mean-0.25) > 0.01 {
		t.Errorf("mean slope %v", mean)
	}
	if err := same(activation.RReLUGrad(nil, x, slopes), y); err != nil {
		t.Error(err)
	}
}

func TestNoAllocation(t *testing.T) {
	x, y, labels := make([]float32, 300), make([]float32, 300), make([]int, 3)
	for name, f := range map[string]func(){
		"GELU":         func() { activation.GELU(y, x) },
		"GELUGrad":     func() { activation.GELUGrad(y, x, x) },
		"PReLUGrad":    func() { activation.PReLUGrad(y, x, x, 0.25) },
		"Swish":        func() { activation.Swish(y, x, 2) },
		"SoftplusGrad": func() { activation.SoftplusGrad(y, x, x) },
		"SwiGLU":       func() { activation.SwiGLU(y, x, x) },
		"SwiGLUGrad":   func() { activation.SwiGLUGrad(y, y, x, x, x) },
		"Softmax":      func() { activation.Softmax(y, x, 100) },
		"SoftmaxGrad":  func() { activation.SoftmaxGrad(y, x, x, 100) },
		"LogSoftmax":   func() { activation.LogSoftmax(y, x, 100) },
		"LogSumExp":    func() { activation.LogSumExp(y[:3], x, 100) },
		"CrossEntropy": func() { activation.CrossEntropy(y, x, labels, 100) },
		"Distillation": func() { activation.Distillation(y, x, x, 100, 2) },
	} {
		if n := testing.AllocsPerRun(10, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// panics returns the message of a panic.
func panics(f func()) (message string) {
	defer func() { message = fmt.Sprint(recover()) }()
	f()
	return ""
}

func TestPanics(t *testing.T) {
	x := make([]float64, 6)
	for _, c := range []struct {
		want string
		f    func()
	}{
		{"activation: GELU: dst has 5 elements, want 6", func() { activation.GELU(x[:5], x) }},
		{"activation: GELUGrad: dy has 5 elements, want 6", func() { activation.GELUGrad(nil, x[:5], x) }},
		{"activation: GELUGrad: dst has 4 elements, want 6", func() { activation.GELUGrad(x[:4], x, x) }},
		{"activation: LeakyReLUGrad: dy has 5 elements, want 6", func() { activation.LeakyReLUGrad(nil, x[:5], x, 1) }},
		{"activation: PReLUGrad: dy has 5 elements, want 6", func() { activation.PReLUGrad(nil, x[:5], x, 1) }},
		{"activation: RReLU: slopes has 5 elements, want 6", func() { activation.RReLU(nil, x[:5], x, 0, 1, 0) }},
		{"activation: RReLU: lower is above upper", func() { activation.RReLU(nil, x, x, 1, 0, 0) }},
		{"activation: RReLUGrad: dy has 5 elements, want 6", func() { activation.RReLUGrad(nil, x[:5], x) }},
		{"activation: Swish: beta +Inf is not finite", func() { activation.Swish(nil, x, math.Inf(1)) }},
		{"activation: SwishGrad: beta NaN is not finite", func() { activation.SwishGrad(nil, x, x, math.NaN()) }},
		{"activation: SwishGrad: dy has 5 elements, want 6", func() { activation.SwishGrad(nil, x[:5], x, 1) }},
		{"activation: SoftplusGrad: dy has 5 elements, want 6", func() { activation.SoftplusGrad(nil, x[:5], x) }},
		{"activation: ELU: alpha -1 is negative", func() { activation.ELU(nil, x, -1) }},
		{"activation: ELUGrad: dy has 5 elements, want 6", func() { activation.ELUGrad(nil, x[:5], x, 1) }},
		{"activation: CELU: alpha 0 is not positive", func() { activation.CELU(nil, x, 0) }},
		{"activation: CELUGrad: dy has 5 elements, want 6", func() { activation.CELUGrad(nil, x[:5], x, 1) }},
		{"activation: GEGLU: value has 5 elements, want 6", func() { activation.GEGLU(nil, x, x[:5]) }},
		{"activation: GEGLUGrad: dy has 5 elements, want 6", func() { activation.GEGLUGrad(nil, nil, x[:5], x, x) }},
		{"activation: GEGLUGrad: value has 5 elements, want 6", func() { activation.GEGLUGrad(nil, nil, x, x, x[:5]) }},
		{"activation: Softmax: 6 elements are not rows of 4", func() { activation.Softmax(nil, x, 4) }},
		{"activation: Softmax: 6 elements are not rows of 0", func() { activation.Softmax(nil, x, 0) }},
		{"activation: SoftmaxTemperature: temperature 0 is not a positive number", func() { activation.SoftmaxTemperature(nil, x, 3, 0) }},
		{"activation: LogSumExp: dst has 6 elements, want 2", func() { activation.LogSumExp(x, x, 3) }},
		{"activation: MaskedSoftmax: mask has 2 elements, want 6", func() { activation.MaskedSoftmax(nil, x, make([]bool, 2), 3) }},
		{"activation: CrossEntropy: labels has 1 elements, want 2", func() { activation.CrossEntropy(nil, x, []int{1}, 3) }},
		{"activation: CrossEntropy: label 3 of row 1 is not in 0..2", func() { activation.CrossEntropy(nil, x, []int{0, 3}, 3) }},
		{"activation: CrossEntropy: dx has 1 elements, want 6", func() { activation.CrossEntropy(x[:1], x, []int{0, 0}, 3) }},
		{"activation: Distillation: teacher has 3 elements, want 6", func() { activation.Distillation(nil, x, x[:3], 3, 1) }},
		{"activation: Distillation: temperature -1 is not a positive number", func() { activation.Distillation(nil, x, x, 3, -1) }},
	} {
		if got := panics(c.f); got != c.want {
			t.Errorf("panic %q, want %q", got, c.want)
		}
	}
}
