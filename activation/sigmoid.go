package activation

import (
	"fmt"
	"math"

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

// Swish sets dst to x·σ(βx), within 2 units in the last place. It is [SiLU] for β = 1,
// x/2 for β = 0, and comes near [ReLU] for large β. β must be finite, or Swish panics.
func Swish[T constraints.Float](dst, x []T, beta T) []T {
	limit := swishLimit("Swish", beta)
	dst = target("Swish", dst, len(x))
	if beta == 0 {
		shift(dst, x, 0, 0.5, 0)
		return dst
	}
	if is64[T]() {
		f64.Swish(f64.Of(dst), f64.Of(x), float64(beta), float64(limit))
	} else {
		f32.Swish(f32.Of(dst), f32.Of(x), float32(beta), float32(limit))
	}
	return dst
}

// SwishGrad sets dx to dy·σ(βx)·(1 + βx·(1 − σ(βx))), x being the input of [Swish].
func SwishGrad[T constraints.Float](dx, dy, x []T, beta T) []T {
	limit := swishLimit("SwishGrad", beta)
	checkLen("SwishGrad", "dy", len(dy), len(x))
	dx = target("SwishGrad", dx, len(x))
	if is64[T]() {
		f64.SwishGrad(f64.Of(dx), f64.Of(dy), f64.Of(x), float64(beta), float64(limit))
	} else {
		f32.SwishGrad(f32.Of(dx), f32.Of(dy), f32.Of(x), float32(beta), float32(limit))
	}
	return dx
}

// swishLimit returns how far from 0 x has to be looked at: where x·exp(−|βx|) is below
// all numbers.
func swishLimit[T constraints.Float](op string, beta T) T {
	b := math.Abs(float64(beta))
	if !(b <= math.MaxFloat64) {
		panic(fmt.Sprintf("activation: %s: beta %v is not finite", op, beta))
	}
	low, most, biggest := 110., 131., math.MaxFloat32
	if is64[T]() {
		low, most, biggest = 760, 1000, math.MaxFloat64
	}
	return T(min(min(low+max(0, -math.Log(b)), most)/b, biggest))
}

// GELU sets dst to x·Φ(x) = x·erfc(−x/√2)/2, Φ being the normal distribution, within 3
// units in the last place for float32 and 2 for float64 in the whole range: at x = −9
// it is −1.016e−18, where the form with 1 + erf gives nothing. It is −0 for −Inf.
// [GELUTanh] is another function: they differ by up to 4.73e−4.
func GELU[T constraints.Float](dst, x []T) []T { return forward("GELU", dst, x, f64.Gelu, f32.Gelu) }

// GELUGrad sets dx to dy·(Φ(x) + x·φ(x)), x being the input of [GELU] and φ the normal
// density. The factor of dy has an error of at most 4·eps. It is 0 for −Inf and 1 for +Inf.
func GELUGrad[T constraints.Float](dx, dy, x []T) []T {
	return backward("GELUGrad", dx, dy, x, f64.GeluGrad, f32.GeluGrad)
}

// GELUTanh sets dst to x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2, a substitute for
// [GELU] which some networks were trained with, within 3 units in the last place for
// float32 and 2 for float64. It is −0 for −Inf.
func GELUTanh[T constraints.Float](dst, x []T) []T {
	return forward("GELUTanh", dst, x, f64.GeluTanh, f32.GeluTanh)
}

// GELUTanhGrad sets dx to dy times the derivative, x being the input of [GELUTanh]. The
// factor of dy has an error of at most 8·eps. It is 0 for −Inf and 1 for +Inf.
func GELUTanhGrad[T constraints.Float](dx, dy, x []T) []T {
	return backward("GELUTanhGrad", dx, dy, x, f64.GeluTanhGrad, f32.GeluTanhGrad)
}

// Mish sets dst to x·tanh(log(1 + eˣ)), within 2 units in the last place. It is −0 for −Inf.
func Mish[T constraints.Float](dst, x []T) []T { return forward("Mish", dst, x, f64.Mish, f32.Mish) }

// MishGrad sets dx to dy times the derivative t + x·σ(x)·(1 − t²), t = tanh(log(1 + eˣ)), x
// being the input of [Mish]. The factor of dy has an error of at most 4·eps. It is 0 for −Inf
// and 1 for +Inf.
func MishGrad[T constraints.Float](dx, dy, x []T) []T {
	return backward("MishGrad", dx, dy, x, f64.MishGrad, f32.MishGrad)
}

// HardSigmoid sets dst to min(max(x + 3, 0), 6)/6.
func HardSigmoid[T constraints.Float](dst, x []T) []T {
	return forward("HardSigmoid", dst, x, f64.HardSigmoid, f32.HardSigmoid)
}

// HardSigmoidGrad sets dx to dy/6 where 0 < y < 1 and to 0 elsewhere, y being what
// [HardSigmoid] returned.
func HardSigmoidGrad[T constraints.Float](dx, dy, y []T) []T {
	return backward("HardSigmoidGrad", dx, dy, y, f64.HardSigmoidGrad, f32.HardSigmoidGrad)
}

// HardSwish sets dst to x·min(max(x + 3, 0), 6)/6. It is −0 for x ≤ −3.
func HardSwish[T constraints.Float](dst, x []T) []T {
	return forward("HardSwish", dst, x, f64.HardSwish, f32.HardSwish)
}

// HardSwishGrad sets dx to dy times the derivative, which is 0 for x ≤ −3, (2x + 3)/6 up
// to 3, and 1 from there on, x being the input of [HardSwish].
func HardSwishGrad[T constraints.Float](dx, dy, x []T) []T {
	return backward("HardSwishGrad", dx, dy, x, f64.HardSwishGrad, f32.HardSwishGrad)
}
