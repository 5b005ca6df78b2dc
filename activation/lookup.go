package activation

import (
	"math"
	"strings"
)

// A Function is an activation function as a value: what the table of this package knows
// of it, and its two passes for both element types. Parameters have their usual values,
// which Formula gives.
type Function struct {
	Name    string // in lower case, with hyphens: "leaky-relu"
	Formula string
	// Min and Max are the bounds of the values, whether reached or not.
	Min, Max float64
	// ZeroCentred is whether values have the sign of x, so that they may balance around 0.
	ZeroCentred bool
	// Monotone is whether greater x never gives a smaller value.
	Monotone bool
	// MaxSlope bounds the absolute value of the derivative; it is +Inf if nothing does. For
	// functions of rows it bounds the norm of the Jacobian.
	MaxSlope float64
	// PerRow is whether the function takes a slice as one row, in place of each element.
	PerRow bool
	// FromOutput is whether the gradient takes the output, in place of the input.
	FromOutput bool

	Forward64 func(dst, x []float64) []float64
	Forward32 func(dst, x []float32) []float32
	Grad64    func(dx, dy, saved []float64) []float64
	Grad32    func(dx, dy, saved []float32) []float32
}

// A Gate is a gated unit as a value.
type Gate struct {
	Name    string // "swiglu"
	Formula string
	Of      string // name of the function that the gate goes through, "" for none

	Forward64 func(dst, gate, value []float64) []float64
	Forward32 func(dst, gate, value []float32) []float32
	Grad64    func(dgate, dvalue, dy, gate, value []float64) (_, _ []float64)
	Grad32    func(dgate, dvalue, dy, gate, value []float32) (_, _ []float32)
}

// Lookup returns the function of that name, in any case and with "_" or " " for "-".
// "swish" is another name of "silu", "logistic" of "sigmoid".
func Lookup(name string) (Function, bool) {
	name = canonical(name)
	switch name {
	case "swish":
		name = "silu"
	case "logistic":
		name = "sigmoid"
	}
	for _, f := range table {
		if f.Name == name {
			return f, true
		}
	}
	return Function{}, false
}

// LookupGate returns the gated unit of that name.
func LookupGate(name string) (Gate, bool) {
	name = canonical(name)
	for _, g := range gates {
		if g.Name == name {
			return g, true
		}
	}
	return Gate{}, false
}

// Functions returns the whole table, in the order of the package's documentation.
func Functions() []Function { return append([]Function(nil), table...) }

// Gates returns all gated units.
func Gates() []Gate { return append([]Gate(nil), gates...) }

func canonical(name string) string {
	return strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(name))
}

// with binds the parameter of a function, and withGrad that of its gradient.
func with[T any](f func(dst, x []T, parameter T) []T, parameter T) func(dst, x []T) []T {
	return func(dst, x []T) []T { return f(dst, x, parameter) }
}

func withGrad[T any](f func(dx, dy, saved []T, parameter T) []T, parameter T) func(dx, dy, saved []T) []T {
	return func(dx, dy, saved []T) []T { return f(dx, dy, saved, parameter) }
}

// row makes a function of rows one of a single row.
func row[T any](f func(dst, x []T, cols int) []T) func(dst, x []T) []T {
	return func(dst, x []T) []T { return f(dst, x, max(len(x), 1)) }
}

func rowGrad[T any](f func(dx, dy, y []T, cols int) []T) func(dx, dy, y []T) []T {
	return func(dx, dy, y []T) []T { return f(dx, dy, y, max(len(y), 1)) }
}

var inf = math.Inf(1)

// rreluSlope is the mean of the usual range of RReLU's slopes, 1/8 to 1/3.
const rreluSlope = 11. / 48

var table = []Function{
	{"exp", "eˣ", 0, inf, false, true, inf, false, true,
		Exp[float64], Exp[float32], ExpGrad[float64], ExpGrad[float32]},
	{"log", "log x", -inf, inf, false, true, inf, false, false,
		Log[float64], Log[float32], LogGrad[float64], LogGrad[float32]},
	{"erf", "2/√π·∫₀ˣ exp(−t²) dt", -1, 1, true, true, 2 / math.SqrtPi, false, false,
		Erf[float64], Erf[float32], ErfGrad[float64], ErfGrad[float32]},
	{"sigmoid", "1/(1 + e⁻ˣ)", 0, 1, false, true, 0.25, false, true,
		Sigmoid[float64], Sigmoid[float32], SigmoidGrad[float64], SigmoidGrad[float32]},
	{"log-sigmoid", "−log(1 + e⁻ˣ)", -inf, 0, false, true, 1, false, false,
		LogSigmoid[float64], LogSigmoid[float32], LogSigmoidGrad[float64], LogSigmoidGrad[float32]},
	{"hard-sigmoid", "min(max(x + 3, 0), 6)/6", 0, 1, false, true, 1. / 6, false, true,
		HardSigmoid[float64], HardSigmoid[float32], HardSigmoidGrad[float64], HardSigmoidGrad[float32]},
	{"tanh", "tanh x", -1, 1, true, true, 1, false, true,
		Tanh[float64], Tanh[float32], TanhGrad[float64], TanhGrad[float32]},
	{"softsign", "x/(1 + |x|)", -1, 1, true, true, 1, false, true,
		Softsign[float64], Softsign[float32], SoftsignGrad[float64], SoftsignGrad[float32]},
	{"relu", "max(x, 0)", 0, inf, false, true, 1, false, true,
		ReLU[float64], ReLU[float32], ReLUGrad[float64], ReLUGrad[float32]},
	{"relu6", "min(max(x, 0), 6)", 0, 6, false, true, 1, false, true,
		ReLU6[float64], ReLU6[float32], ReLU6Grad[float64], ReLU6Grad[float32]},
	{"leaky-relu", "x, or 0.01·x for x < 0", -inf, inf, true, true, 1, false, false,
		with(LeakyReLU, 0.01), with(LeakyReLU[float32], 0.01), withGrad(LeakyReLUGrad, 0.01), withGrad(LeakyReLUGrad[float32], 0.01)},
	{"prelu", "x, or 0.25·x for x < 0, a first slope to learn from", -inf, inf, true, true, 1, false, false,
		with(PReLU, 0.25), with(PReLU[float32], 0.25), withGrad(LeakyReLUGrad, 0.25), withGrad(LeakyReLUGrad[float32], 0.25)},
	{"rrelu", "x, or 11/48·x for x < 0, the mean slope of 1/8 to 1/3", -inf, inf, true, true, 1, false, false,
		with(LeakyReLU, rreluSlope), with(LeakyReLU[float32], rreluSlope), withGrad(LeakyReLUGrad, rreluSlope), withGrad(LeakyReLUGrad[float32], rreluSlope)},
	{"elu", "x, or eˣ − 1 for x < 0", -1, inf, true, true, 1, false, true,
		with(ELU, 1.), with(ELU[float32], 1), withGrad(ELUGrad, 1.), withGrad(ELUGrad[float32], 1)},
	{"selu", "1.0507·x, or 1.0507·1.6733·(eˣ − 1) for x < 0", -SELUScale * SELUAlpha, inf, true, true, SELUScale * SELUAlpha, false, true,
		SELU[float64], SELU[float32], SELUGrad[float64], SELUGrad[float32]},
	{"celu", "x, or eˣ − 1 for x < 0", -1, inf, true, true, 1, false, true,
		with(CELU, 1.), with(CELU[float32], 1), withGrad(CELUGrad, 1.), withGrad(CELUGrad[float32], 1)},
	{"softplus", "log(1 + eˣ)", 0, inf, false, true, 1, false, false,
		Softplus[float64], Softplus[float32], SoftplusGrad[float64], SoftplusGrad[float32]},
	{"silu", "x·σ(x)", -0.27846454276107379511, inf, true, false, 1.099839320128866917, false, false,
		SiLU[float64], SiLU[float32], SiLUGrad[float64], SiLUGrad[float32]},
	{"hard-swish", "x·min(max(x + 3, 0), 6)/6", -0.375, inf, true, false, 1.5, false, false,
		HardSwish[float64], HardSwish[float32], HardSwishGrad[float64], HardSwishGrad[float32]},
	{"mish", "x·tanh(log(1 + eˣ))", -0.30884341301725040663, inf, true, false, 1.0884981612517278612, false, false,
		Mish[float64], Mish[float32], MishGrad[float64], MishGrad[float32]},
	{"gelu", "x·Φ(x)", -0.16997120747990366169, inf, true, false, 1.1289041451851547863, false, false,
		GELU[float64], GELU[float32], GELUGrad[float64], GELUGrad[float32]},
	{"gelu-tanh", "x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2", -0.17004075057125405064, inf, true, false, 1.1289930686587717655, false, false,
		GELUTanh[float64], GELUTanh[float32], GELUTanhGrad[float64], GELUTanhGrad[float32]},
	{"softmax", "exp(xⱼ)/Σ exp(xₖ)", 0, 1, false, true, 0.5, true, true,
		row(Softmax[float64]), row(Softmax[float32]), rowGrad(SoftmaxGrad[float64]), rowGrad(SoftmaxGrad[float32])},
	{"log-softmax", "xⱼ − log Σ exp(xₖ)", -inf, 0, false, true, inf, true, true,
		row(LogSoftmax[float64]), row(LogSoftmax[float32]), rowGrad(LogSoftmaxGrad[float64]), rowGrad(LogSoftmaxGrad[float32])},
	{"sparsemax", "max(xⱼ − τ, 0), Σ = 1", 0, 1, false, true, 1, true, true,
		row(Sparsemax[float64]), row(Sparsemax[float32]), rowGrad(SparsemaxGrad[float64]), rowGrad(SparsemaxGrad[float32])},
}

var gates = []Gate{
	{"glu", "σ(gate)·value", "sigmoid", GLU[float64], GLU[float32], GLUGrad[float64], GLUGrad[float32]},
	{"swiglu", "SiLU(gate)·value", "silu", SwiGLU[float64], SwiGLU[float32], SwiGLUGrad[float64], SwiGLUGrad[float32]},
	{"geglu", "GELU(gate)·value", "gelu", GEGLU[float64], GEGLU[float32], GEGLUGrad[float64], GEGLUGrad[float32]},
	{"reglu", "max(gate, 0)·value", "relu", ReGLU[float64], ReGLU[float32], ReGLUGrad[float64], ReGLUGrad[float32]},
	{"bilinear", "gate·value", "", Bilinear[float64], Bilinear[float32], BilinearGrad[float64], BilinearGrad[float32]},
}
