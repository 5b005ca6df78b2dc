package activation

import (
	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// GLU sets dst to σ(gate)·value, the gated linear unit (Dauphin and others, 2017). The two
// inputs are usually two linear maps of one layer's input.
func GLU[T constraints.Float](dst, gate, value []T) []T {
	return gated("GLU", dst, gate, value, throughSigmoid)
}

// GLUGrad returns dgate = dy·value·σ′(gate) and dvalue = dy·σ(gate). Both may be inputs.
func GLUGrad[T constraints.Float](dgate, dvalue, dy, gate, value []T) (_, _ []T) {
	return gatedGrad("GLUGrad", dgate, dvalue, dy, gate, value, throughSigmoid)
}

// SwiGLU sets dst to SiLU(gate)·value (Shazeer, 2020).
func SwiGLU[T constraints.Float](dst, gate, value []T) []T {
	return gated("SwiGLU", dst, gate, value, throughSiLU)
}

// SwiGLUGrad returns dgate = dy·value·SiLU′(gate) and dvalue = dy·SiLU(gate). Both may be inputs.
func SwiGLUGrad[T constraints.Float](dgate, dvalue, dy, gate, value []T) (_, _ []T) {
	return gatedGrad("SwiGLUGrad", dgate, dvalue, dy, gate, value, throughSiLU)
}

// GEGLU sets dst to GELU(gate)·value.
func GEGLU[T constraints.Float](dst, gate, value []T) []T {
	return gated("GEGLU", dst, gate, value, throughGELU)
}

// GEGLUGrad returns dgate = dy·value·GELU′(gate) and dvalue = dy·GELU(gate). Both may be inputs.
func GEGLUGrad[T constraints.Float](dgate, dvalue, dy, gate, value []T) (_, _ []T) {
	return gatedGrad("GEGLUGrad", dgate, dvalue, dy, gate, value, throughGELU)
}

// ReGLU sets dst to max(gate, 0)·value.
func ReGLU[T constraints.Float](dst, gate, value []T) []T {
	return gated("ReGLU", dst, gate, value, throughReLU)
}

// ReGLUGrad returns dgate = dy·value where gate > 0 and 0 elsewhere, and
// dvalue = dy·max(gate, 0). Both may be inputs.
func ReGLUGrad[T constraints.Float](dgate, dvalue, dy, gate, value []T) (_, _ []T) {
	return gatedGrad("ReGLUGrad", dgate, dvalue, dy, gate, value, throughReLU)
}

// Bilinear sets dst to gate·value: a gate with no function.
func Bilinear[T constraints.Float](dst, gate, value []T) []T {
	return gated("Bilinear", dst, gate, value, throughNothing)
}

// BilinearGrad returns dgate = dy·value and dvalue = dy·gate. Both may be inputs.
func BilinearGrad[T constraints.Float](dgate, dvalue, dy, gate, value []T) (_, _ []T) {
	return gatedGrad("BilinearGrad", dgate, dvalue, dy, gate, value, throughNothing)
}

// A through is the function that a gate goes through. Calls by way of a function value
// would have the blocks below allocated.
type through int

const (
	throughNothing through = iota
	throughSigmoid
	throughSiLU
	throughGELU
	throughReLU
)

// forward sets dst to the function of x.
func (f through) forward64(dst, x []float64) {
	switch f {
	case throughNothing:
		copy(dst, x)
	case throughSigmoid:
		f64.Sigmoid(dst, x)
	case throughSiLU:
		f64.Silu(dst, x)
	case throughGELU:
		f64.Gelu(dst, x)
	case throughReLU:
		f64.Relu(dst, x)
	}
}

func (f through) forward32(dst, x []float32) {
	switch f {
	case throughNothing:
		copy(dst, x)
	case throughSigmoid:
		f32.Sigmoid(dst, x)
	case throughSiLU:
		f32.Silu(dst, x)
	case throughGELU:
		f32.Gelu(dst, x)
	case throughReLU:
		f32.Relu(dst, x)
	}
}

// backward multiplies d by the derivative at x, y being the function of x.
func (f through) backward64(d, x, y []float64) {
	switch f {
	case throughSigmoid:
		f64.SigmoidGrad(d, d, y)
	case throughSiLU:
		f64.SiluGrad(d, d, x)
	case throughGELU:
		f64.GeluGrad(d, d, x)
	case throughReLU:
		f64.ReluGrad(d, d, x)
	}
}

func (f through) backward32(d, x, y []float32) {
	switch f {
	case throughSigmoid:
		f32.SigmoidGrad(d, d, y)
	case throughSiLU:
		f32.SiluGrad(d, d, x)
	case throughGELU:
		f32.GeluGrad(d, d, x)
	case throughReLU:
		f32.ReluGrad(d, d, x)
	}
}

// gated sets dst to f(gate)·value, a block at a time.
func gated[T constraints.Float](op string, dst, gate, value []T, f through) []T {
	checkLen(op, "value", len(value), len(gate))
	dst = target(op, dst, len(gate))
	var part [block]T
	for lo := 0; lo < len(gate); lo += block {
		hi := min(lo+block, len(gate))
		y := part[:hi-lo]
		if is64[T]() {
			f.forward64(f64.Of(y), f64.Of(gate[lo:hi]))
		} else {
			f.forward32(f32.Of(y), f32.Of(gate[lo:hi]))
		}
		mul(dst[lo:hi], y, value[lo:hi])
	}
	return dst
}

func gatedGrad[T constraints.Float](op string, dgate, dvalue, dy, gate, value []T, f through) (_, _ []T) {
	checkLen(op, "dy", len(dy), len(gate))
	checkLen(op, "value", len(value), len(gate))
	dgate, dvalue = target(op, dgate, len(gate)), target(op, dvalue, len(gate))
	var forGate, forValue [block]T
	for lo := 0; lo < len(gate); lo += block {
		hi := min(lo+block, len(gate))
		d, y, x := forGate[:hi-lo], forValue[:hi-lo], gate[lo:hi]
		mul(d, dy[lo:hi], value[lo:hi])
		if is64[T]() {
			f.forward64(f64.Of(y), f64.Of(x))
			f.backward64(f64.Of(d), f64.Of(x), f64.Of(y))
		} else {
			f.forward32(f32.Of(y), f32.Of(x))
			f.backward32(f32.Of(d), f32.Of(x), f32.Of(y))
		}
		mul(y, y, dy[lo:hi])
		copy(dgate[lo:hi], d)
		copy(dvalue[lo:hi], y)
	}
	return dgate, dvalue
}
