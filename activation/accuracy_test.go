package activation_test

import (
	"flag"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gram-ml/gram/activation"
	"github.com/gram-ml/gram/internal/floattest"
)

var sweep = flag.Int("sweep", 0, "points of each accuracy test, in place of some hundreds")

// points is how many points an accuracy test takes.
func points() int {
	switch {
	case *sweep > 0:
		return *sweep
	case testing.Short():
		return 60
	}
	return 1000
}

// An accurate function has its errors bounded in units in the last place.
type accurate struct {
	name          string
	f64           func(dst, x []float64) []float64
	f32           func(dst, x []float32) []float32
	exact         func(x *big.Float) *big.Float
	ulp32, ulp64  float64
	low32, high32 float64 // range swept, beyond which values are 0, 1, x or infinite
	low64, high64 float64
	positive      bool // domain
	absolute      bool // errors are in units of eps: the function has other zeros
}

// sweepPoints covers a range evenly, and by magnitude around 0.
func sweepPoints(n int, low, high float64) []float64 {
	r := rand.New(rand.NewPCG(7, uint64(n)))
	x := make([]float64, n)
	for i := range x {
		switch i % 4 {
		case 0:
			x[i] = low + (high-low)*r.Float64()
		case 1:
			x[i] = math.Copysign(math.Exp(-r.Float64()*40), r.Float64()-0.5)
		case 2:
			x[i] = 3 * r.NormFloat64()
		case 3: // what the kernels divide at
			x[i] = (float64(r.IntN(60)) - 30 + 0.5) * math.Ln2 * (1 + 1e-3*r.NormFloat64())
		}
		x[i] = min(max(x[i], low), high)
	}
	return append(x, low, high, 1, 0.5, 2)
}

// ulps returns how far got is from want, in units in the last place of a type with
// the given digits whose smallest number is 2^smallest.
func ulps(got float64, want *big.Float, digits, smallest int) float64 {
	if want.Sign() == 0 && got == 0 {
		return 0
	}
	if want.Sign() == 0 || math.IsNaN(got) || math.IsInf(got, 0) {
		return math.Inf(1)
	}
	unit := max(want.MantExp(nil)-digits, smallest)
	diff := sub(num(got), want)
	f, _ := fresh().SetMantExp(diff, -unit).Float64()
	return math.Abs(f)
}

func TestAccuracy(t *testing.T) {
	for _, a := range accurates {
		t.Run(a.name, func(t *testing.T) {
			x64 := sweepPoints(points(), a.low64, a.high64)
			x32 := make([]float32, 0, len(x64))
			for _, v := range sweepPoints(points(), a.low32, a.high32) {
				x32 = append(x32, float32(v))
			}
			want64, want32 := exactAt(a, x64), exactAt(a, x32)
			floattest.Levels(t, func(t *testing.T) {
				checkAccuracy(t, a, x64, want64, a.f64(nil, x64), a.ulp64, 53, -1074)
				checkAccuracy(t, a, x32, want32, a.f32(nil, x32), a.ulp32, 24, -149)
			})
		})
	}
}

func exactAt[T floattest.Float](a accurate, x []T) []*big.Float {
	want := make([]*big.Float, len(x))
	for i, v := range x {
		if a.positive && v < 0 {
			x[i] = -v
		}
		want[i] = a.exact(num(float64(x[i])))
	}
	return want
}

func checkAccuracy[T floattest.Float](t *testing.T, a accurate, x []T, want []*big.Float, got []T, limit float64, digits, smallest int) {
	t.Helper()
	worst, at := 0.0, 0
	for i := range x {
		u := ulps(float64(got[i]), want[i], digits, smallest)
		if a.absolute {
			f, _ := sub(num(float64(got[i])), want[i]).Float64()
			u = math.Abs(f) / floattest.Eps[T]()
		}
		if !(u <= worst) {
			worst, at = u, i
		}
	}
	t.Logf("%T: %.3f at %v", x[0], worst, x[at])
	if !(worst <= limit) {
		t.Errorf("%s(%v) is %v, want %s: an error of %.3f, more than %v", a.name, x[at], got[at], want[at].Text('g', 20), worst, limit)
	}
}

func swish[T floattest.Float](dst, x []T) []T { return activation.Swish(dst, x, 1.75) }
func elu[T floattest.Float](dst, x []T) []T   { return activation.ELU(dst, x, 1) }
func celu[T floattest.Float](dst, x []T) []T  { return activation.CELU(dst, x, 0.75) }

// grad makes a function of the factor that a gradient multiplies dy with.
func grad[T floattest.Float](f func(dx, dy, x []T) []T) func(dst, x []T) []T {
	return func(dst, x []T) []T {
		return f(dst, slices.Repeat([]T{1}, len(x)), x)
	}
}

var (
	accurates = []accurate{
		{name: "Exp", f64: activation.Exp[float64], f32: activation.Exp[float32], exact: bigExp, ulp32: 1.5, ulp64: 2,
			low32: -104, high32: 88.7, low64: -745.2, high64: 709.7},
		{name: "Sigmoid", f64: activation.Sigmoid[float64], f32: activation.Sigmoid[float32], exact: bigSigmoid, ulp32: 1.5, ulp64: 2,
			low32: -105, high32: 20, low64: -746, high64: 40},
		{name: "Tanh", f64: activation.Tanh[float64], f32: activation.Tanh[float32], exact: bigTanh, ulp32: 1.5, ulp64: 2,
			low32: -10, high32: 10, low64: -20, high64: 20},
		{name: "SiLU", f64: activation.SiLU[float64], f32: activation.SiLU[float32], exact: bigSiLU, ulp32: 1.5, ulp64: 2,
			low32: -110, high32: 20, low64: -755, high64: 40},
		{name: "GELU", f64: activation.GELU[float64], f32: activation.GELU[float32], exact: bigGELU, ulp32: 3, ulp64: 2,
			low32: -14.8, high32: 8, low64: -38.7, high64: 9},
		{name: "SiLUGrad", f64: grad(activation.SiLUGrad[float64]), f32: grad(activation.SiLUGrad[float32]), exact: bigSiLUGrad,
			absolute: true, ulp32: 4, ulp64: 4, low32: -90, high32: 20, low64: -700, high64: 40},
		{name: "GELUGrad", f64: grad(activation.GELUGrad[float64]), f32: grad(activation.GELUGrad[float32]), exact: bigGELUGrad,
			absolute: true, ulp32: 4, ulp64: 4, low32: -14, high32: 8, low64: -38, high64: 9},
		{name: "Log", f64: activation.Log[float64], f32: activation.Log[float32], exact: bigLog, ulp32: 1.5, ulp64: 1.5,
			positive: true, low32: 1e-44, high32: 3e38, low64: 1e-322, high64: 1e308},
		{name: "Erf", f64: activation.Erf[float64], f32: activation.Erf[float32], exact: bigErf, ulp32: 1.5, ulp64: 2,
			low32: -4, high32: 4, low64: -6, high64: 6},
		{name: "Softplus", f64: activation.Softplus[float64], f32: activation.Softplus[float32], exact: bigSoftplus, ulp32: 2, ulp64: 2,
			low32: -104, high32: 100, low64: -745, high64: 700},
		{name: "LogSigmoid", f64: activation.LogSigmoid[float64], f32: activation.LogSigmoid[float32], exact: bigLogSigmoid, ulp32: 2, ulp64: 2,
			low32: -100, high32: 104, low64: -700, high64: 745},
		{name: "Swish", f64: swish[float64], f32: swish[float32], exact: bigSwish, ulp32: 2, ulp64: 2,
			low32: -64, high32: 20, low64: -430, high64: 40},
		{name: "Mish", f64: activation.Mish[float64], f32: activation.Mish[float32], exact: bigMish, ulp32: 2, ulp64: 2,
			low32: -108, high32: 30, low64: -751, high64: 60},
		{name: "GELUTanh", f64: activation.GELUTanh[float64], f32: activation.GELUTanh[float32], exact: bigGELUTanh, ulp32: 3, ulp64: 2,
			low32: -10.79, high32: 8, low64: -21.58, high64: 9},
		{name: "ELU", f64: elu[float64], f32: elu[float32], exact: bigELU, ulp32: 2, ulp64: 2,
			low32: -40, high32: 10, low64: -90, high64: 10},
		{name: "CELU", f64: celu[float64], f32: celu[float32], exact: bigCELU, ulp32: 2.5, ulp64: 2.5,
			low32: -40, high32: 10, low64: -90, high64: 10},
		{name: "Softsign", f64: activation.Softsign[float64], f32: activation.Softsign[float32], exact: bigSoftsign, ulp32: 1.5, ulp64: 1.5,
			low32: -1e30, high32: 1e30, low64: -1e300, high64: 1e300},
		{name: "ErfGrad", f64: grad(activation.ErfGrad[float64]), f32: grad(activation.ErfGrad[float32]), exact: bigErfGrad, ulp32: 2, ulp64: 2,
			low32: -10, high32: 10, low64: -27, high64: 27},
		{name: "MishGrad", f64: grad(activation.MishGrad[float64]), f32: grad(activation.MishGrad[float32]), exact: bigMishGrad,
			absolute: true, ulp32: 4, ulp64: 4, low32: -90, high32: 20, low64: -700, high64: 40},
		{name: "GELUTanhGrad", f64: grad(activation.GELUTanhGrad[float64]), f32: grad(activation.GELUTanhGrad[float32]), exact: bigGELUTanhGrad,
			absolute: true, ulp32: 8, ulp64: 8, low32: -10, high32: 8, low64: -21, high64: 9},
	}
)
