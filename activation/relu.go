package activation

import (
	"math/rand/v2"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// ReLU sets dst to max(x, 0): exact, +0 for −0, NaN for NaN.
func ReLU[T constraints.Float](dst, x []T) []T { return forward("ReLU", dst, x, f64.Relu, f32.Relu) }

// ReLUGrad sets dx to dy where y > 0 and to 0 elsewhere, y being what [ReLU] returned or
// its input.
func ReLUGrad[T constraints.Float](dx, dy, y []T) []T {
	return backward("ReLUGrad", dx, dy, y, f64.ReluGrad, f32.ReluGrad)
}

// ReLU6 sets dst to min(max(x, 0), 6): exact, +0 for −0, NaN for NaN.
func ReLU6[T constraints.Float](dst, x []T) []T {
	return forward("ReLU6", dst, x, f64.Relu6, f32.Relu6)
}

// ReLU6Grad sets dx to dy where 0 < y < 6 and to 0 elsewhere, y being what [ReLU6]
// returned or its input.
func ReLU6Grad[T constraints.Float](dx, dy, y []T) []T {
	return backward("ReLU6Grad", dx, dy, y, f64.Relu6Grad, f32.Relu6Grad)
}

// LeakyReLU sets dst to x where x ≥ 0 and to slope·x where x < 0, rounded once. Usual
// slopes are 0.01 to 0.3.
func LeakyReLU[T constraints.Float](dst, x []T, slope T) []T {
	dst = target("LeakyReLU", dst, len(x))
	if is64[T]() {
		f64.LeakyRelu(f64.Of(dst), f64.Of(x), float64(slope))
	} else {
		f32.LeakyRelu(f32.Of(dst), f32.Of(x), float32(slope))
	}
	return dst
}

// LeakyReLUGrad sets dx to dy where x > 0 and to slope·dy elsewhere. x is the input of
// [LeakyReLU], or its output if slope > 0.
func LeakyReLUGrad[T constraints.Float](dx, dy, x []T, slope T) []T {
	checkLen("LeakyReLUGrad", "dy", len(dy), len(x))
	dx = target("LeakyReLUGrad", dx, len(x))
	if is64[T]() {
		f64.LeakyReluGrad(f64.Of(dx), f64.Of(dy), f64.Of(x), float64(slope))
	} else {
		f32.LeakyReluGrad(f32.Of(dx), f32.Of(dy), f32.Of(x), float32(slope))
	}
	return dx
}

// PReLU is [LeakyReLU] with a slope that is learned, one for a network, a layer or a
// channel; call it once for the elements that share a slope.
func PReLU[T constraints.Float](dst, x []T, slope T) []T { return LeakyReLU(dst, x, slope) }

// PReLUGrad sets dx as [LeakyReLUGrad] does, x being the input of [PReLU], and returns
// the derivative by the slope, Σ dy·min(x, 0).
func PReLUGrad[T constraints.Float](dx, dy, x []T, slope T) ([]T, T) {
	checkLen("PReLUGrad", "dy", len(dy), len(x))
	var dslope float64
	var part [block]T
	for lo := 0; lo < len(x); lo += block {
		hi := min(lo+block, len(x))
		negative := part[:hi-lo]
		if is64[T]() {
			f64.NegativePart(f64.Of(negative), f64.Of(x[lo:hi]))
		} else {
			f32.NegativePart(f32.Of(negative), f32.Of(x[lo:hi]))
		}
		dslope += float64(dot(dy[lo:hi], negative))
	}
	return LeakyReLUGrad(dx, dy, x, slope), T(dslope)
}

// block is how many elements are worked on at once where one kernel follows another
// over the same memory.
const block = 256

// RReLU sets dst to x where x ≥ 0 and to a·x where x < 0, a being random, uniform in
// [lower, upper), and anew for each element. It sets slopes, which must be as long as
// x, to what the gradient multiplies by: 1 or a. The same seed gives the same slopes.
// This is for training; when it is over, use [LeakyReLU] with the slope (lower + upper)/2.
func RReLU[T constraints.Float](dst, slopes, x []T, lower, upper T, seed uint64) []T {
	checkLen("RReLU", "slopes", len(slopes), len(x))
	if !(lower <= upper) {
		panic("activation: RReLU: lower is above upper")
	}
	r := rand.New(rand.NewPCG(seed, 0))
	for i, v := range x {
		a := lower + T(r.Float64())*(upper-lower)
		slopes[i] = 1
		if v < 0 {
			slopes[i] = a
		}
	}
	dst = target("RReLU", dst, len(x))
	mul(dst, x, slopes)
	return dst
}

// RReLUGrad sets dx to dy·slopes, the slopes being those that [RReLU] set.
func RReLUGrad[T constraints.Float](dx, dy, slopes []T) []T {
	checkLen("RReLUGrad", "dy", len(dy), len(slopes))
	dx = target("RReLUGrad", dx, len(dy))
	mul(dx, dy, slopes)
	return dx
}
