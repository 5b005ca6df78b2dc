package activation

import (
	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// Log sets dst to the natural logarithm, within 1.5 units in the last place. It is −Inf
// for ±0 and NaN below.
func Log[T constraints.Float](dst, x []T) []T { return forward("Log", dst, x, f64.Log, f32.Log) }

// LogGrad sets dx to dy/x, x being the input of [Log].
func LogGrad[T constraints.Float](dx, dy, x []T) []T {
	return backward("LogGrad", dx, dy, x, f64.Div, f32.Div)
}

// ExpGrad sets dx to dy·y, y being what [Exp] returned.
func ExpGrad[T constraints.Float](dx, dy, y []T) []T {
	return backward("ExpGrad", dx, dy, y, f64.Mul, f32.Mul)
}

// Erf sets dst to the error function 2/√π·∫₀ˣ exp(−t²) dt, within 1.5 units in the last
// place for float32 and 2 for float64.
func Erf[T constraints.Float](dst, x []T) []T { return forward("Erf", dst, x, f64.Erf, f32.Erf) }

// ErfGrad sets dx to dy·2/√π·exp(−x²), x being the input of [Erf].
func ErfGrad[T constraints.Float](dx, dy, x []T) []T {
	return backward("ErfGrad", dx, dy, x, f64.ErfGrad, f32.ErfGrad)
}

// Softplus sets dst to log(1 + eˣ), within 2 units in the last place: eˣ itself for large
// negative x, and x for large positive x.
func Softplus[T constraints.Float](dst, x []T) []T {
	return forward("Softplus", dst, x, f64.Softplus, f32.Softplus)
}

// SoftplusGrad sets dx to dy·σ(x), x being the input of [Softplus].
func SoftplusGrad[T constraints.Float](dx, dy, x []T) []T {
	return timesSigmoid("SoftplusGrad", dx, dy, x, 1)
}

// LogSigmoid sets dst to log σ(x) = −log(1 + e⁻ˣ), within 2 units in the last place, also
// where it is next to 0.
func LogSigmoid[T constraints.Float](dst, x []T) []T {
	return forward("LogSigmoid", dst, x, f64.LogSigmoid, f32.LogSigmoid)
}

// LogSigmoidGrad sets dx to dy·σ(−x), x being the input of [LogSigmoid].
func LogSigmoidGrad[T constraints.Float](dx, dy, x []T) []T {
	return timesSigmoid("LogSigmoidGrad", dx, dy, x, -1)
}

// timesSigmoid sets dx to dy·σ(sign·x).
func timesSigmoid[T constraints.Float](op string, dx, dy, x []T, sign T) []T {
	checkLen(op, "dy", len(dy), len(x))
	dx = target(op, dx, len(x))
	var part [block]T
	for lo := 0; lo < len(x); lo += block {
		hi := min(lo+block, len(x))
		s := part[:hi-lo]
		if copy(s, x[lo:hi]); sign < 0 {
			scal(-1, s)
		}
		sigmoid(s, s)
		mul(dx[lo:hi], dy[lo:hi], s)
	}
	return dx
}

// sigmoid is Sigmoid for slices of one length, which stay on the stack.
func sigmoid[T constraints.Float](dst, x []T) {
	if is64[T]() {
		f64.Sigmoid(f64.Of(dst), f64.Of(x))
	} else {
		f32.Sigmoid(f32.Of(dst), f32.Of(x))
	}
}

// Softsign sets dst to x/(1 + |x|), within 1.5 units in the last place, ±1 for ±Inf.
func Softsign[T constraints.Float](dst, x []T) []T {
	return forward("Softsign", dst, x, f64.Softsign, f32.Softsign)
}

// SoftsignGrad sets dx to dy·(1 − |y|)² = dy/(1 + |x|)², y being what [Softsign] returned.
// The factor of dy has an error of at most 2·eps.
func SoftsignGrad[T constraints.Float](dx, dy, y []T) []T {
	return backward("SoftsignGrad", dx, dy, y, f64.SoftsignGrad, f32.SoftsignGrad)
}
