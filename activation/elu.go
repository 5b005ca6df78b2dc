package activation

import (
	"fmt"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// The constants of [SELU]: with them, layers whose inputs have mean 0 and variance 1 tend
// to keep both (Klambauer and others, 2017).
const (
	SELUAlpha = 1.6732632423543772848170429916717
	SELUScale = 1.0507009873554804934193349852946
)

// ELU sets dst to x for x > 0 and alpha·(eˣ − 1) elsewhere, within 2 units in the last
// place. 1 is the usual alpha; it must not be negative, or ELU panics.
func ELU[T constraints.Float](dst, x []T, alpha T) []T {
	if !(alpha >= 0) {
		panic(fmt.Sprintf("activation: ELU: alpha %v is negative", alpha))
	}
	return elu("ELU", dst, x, alpha, 1)
}

// ELUGrad sets dx to dy where y > 0 and to dy·(y + alpha) elsewhere, y being what [ELU]
// returned.
func ELUGrad[T constraints.Float](dx, dy, y []T, alpha T) []T {
	return eluGrad("ELUGrad", dx, dy, y, alpha, 1)
}

// SELU sets dst to SELUScale·x for x > 0 and SELUScale·SELUAlpha·(eˣ − 1) elsewhere,
// within 2 units in the last place but for the rounding of the constants.
func SELU[T constraints.Float](dst, x []T) []T {
	return elu("SELU", dst, x, SELUScale*SELUAlpha, SELUScale)
}

// SELUGrad sets dx to dy times the derivative, y being what [SELU] returned.
func SELUGrad[T constraints.Float](dx, dy, y []T) []T {
	return eluGrad("SELUGrad", dx, dy, y, SELUScale*SELUAlpha, SELUScale)
}

func elu[T constraints.Float](op string, dst, x []T, factor, above T) []T {
	dst = target(op, dst, len(x))
	if is64[T]() {
		f64.Elu(f64.Of(dst), f64.Of(x), float64(factor), float64(above))
	} else {
		f32.Elu(f32.Of(dst), f32.Of(x), float32(factor), float32(above))
	}
	return dst
}

func eluGrad[T constraints.Float](op string, dx, dy, y []T, factor, above T) []T {
	checkLen(op, "dy", len(dy), len(y))
	dx = target(op, dx, len(y))
	if is64[T]() {
		f64.EluGrad(f64.Of(dx), f64.Of(dy), f64.Of(y), float64(factor), float64(above))
	} else {
		f32.EluGrad(f32.Of(dx), f32.Of(dy), f32.Of(y), float32(factor), float32(above))
	}
	return dx
}

// CELU sets dst to x for x > 0 and alpha·(exp(x/alpha) − 1) elsewhere, within 2.5 units in
// the last place; its derivative is continuous for every alpha. alpha must be positive,
// or CELU panics.
func CELU[T constraints.Float](dst, x []T, alpha T) []T {
	if !(alpha > 0) {
		panic(fmt.Sprintf("activation: CELU: alpha %v is not positive", alpha))
	}
	dst = target("CELU", dst, len(x))
	if is64[T]() {
		f64.Celu(f64.Of(dst), f64.Of(x), float64(alpha))
	} else {
		f32.Celu(f32.Of(dst), f32.Of(x), float32(alpha))
	}
	return dst
}

// CELUGrad sets dx to dy where y > 0 and to dy·(y/alpha + 1) elsewhere, y being what
// [CELU] returned.
func CELUGrad[T constraints.Float](dx, dy, y []T, alpha T) []T {
	checkLen("CELUGrad", "dy", len(dy), len(y))
	dx = target("CELUGrad", dx, len(y))
	if is64[T]() {
		f64.CeluGrad(f64.Of(dx), f64.Of(dy), f64.Of(y), float64(alpha))
	} else {
		f32.CeluGrad(f32.Of(dx), f32.Of(dy), f32.Of(y), float32(alpha))
	}
	return dx
}
