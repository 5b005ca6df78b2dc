package activation

import (
	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// Exp sets dst to eˣ, within 1.5 units in the last place for float32 and 2 for
// float64. It is 0 for −Inf and +Inf where eˣ is above all numbers. Its derivative is
// its value: dx = dy·y.
func Exp[T constraints.Float](dst, x []T) []T { return forward("Exp", dst, x, f64.Exp, f32.Exp) }

// Sigmoid sets dst to the logistic function σ(x) = 1/(1 + e⁻ˣ), within 1.5 units in
// the last place for float32 and 2 for float64, down to the smallest numbers for large
// negative x.
func Sigmoid[T constraints.Float](dst, x []T) []T {
	return forward("Sigmoid", dst, x, f64.Sigmoid, f32.Sigmoid)
}

// SigmoidGrad sets dx to dy·y·(1 − y), y being what [Sigmoid] returned.
func SigmoidGrad[T constraints.Float](dx, dy, y []T) []T {
	return backward("SigmoidGrad", dx, dy, y, f64.SigmoidGrad, f32.SigmoidGrad)
}

// Tanh sets dst to tanh(x), within 1.5 units in the last place for float32 and 2 for
// float64. It keeps the sign of zero.
func Tanh[T constraints.Float](dst, x []T) []T { return forward("Tanh", dst, x, f64.Tanh, f32.Tanh) }

// TanhGrad sets dx to dy·(1 − y²), y being what [Tanh] returned.
func TanhGrad[T constraints.Float](dx, dy, y []T) []T {
	return backward("TanhGrad", dx, dy, y, f64.TanhGrad, f32.TanhGrad)
}

// SiLU sets dst to x·σ(x), also known as Swish with β = 1, within 1.5 units in the last
// place for float32 and 2 for float64. It is −0 for −Inf.
func SiLU[T constraints.Float](dst, x []T) []T { return forward("SiLU", dst, x, f64.Silu, f32.Silu) }

// SiLUGrad sets dx to dy·σ(x)·(1 + x·(1 − σ(x))), x being the input of [SiLU]. The
// factor of dy has an error of at most 4·eps. It is 0 for −Inf and 1 for +Inf.
func SiLUGrad[T constraints.Float](dx, dy, x []T) []T {
	return backward("SiLUGrad", dx, dy, x, f64.SiluGrad, f32.SiluGrad)
}

// GELU sets dst to x·Φ(x) = x·erfc(−x/√2)/2, Φ being the normal distribution, within 3
// units in the last place for float32 and 2 for float64 in the whole range: at x = −9
// it is −1.016e−18, where the form with 1 + erf gives nothing. It is −0 for −Inf.
func GELU[T constraints.Float](dst, x []T) []T { return forward("GELU", dst, x, f64.Gelu, f32.Gelu) }

// GELUGrad sets dx to dy·(Φ(x) + x·φ(x)), x being the input of [GELU] and φ the normal
// density. The factor of dy has an error of at most 4·eps. It is 0 for −Inf and 1 for +Inf.
func GELUGrad[T constraints.Float](dx, dy, x []T) []T {
	return backward("GELUGrad", dx, dy, x, f64.GeluGrad, f32.GeluGrad)
}
