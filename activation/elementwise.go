package activation

import (
	"fmt"
	"unsafe"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// target returns dst, or a new slice of n elements if it is nil.
func target[T any](op string, dst []T, n int) []T {
	if dst == nil {
		return make([]T, n)
	}
	checkLen(op, "dst", len(dst), n)
	return dst
}

func checkLen(op, name string, n, want int) {
	if n != want {
		panic(fmt.Sprintf("activation: %s: %s has %d elements, want %d", op, name, n, want))
	}
}

// is64 tells whether T is 64 bits wide.
func is64[T constraints.Float]() bool { return unsafe.Sizeof(T(0)) == 8 }

// forward sets dst to a function of x through the kernel of the element type.
func forward[T constraints.Float](op string, dst, x []T, d func(dst, x []float64), s func(dst, x []float32)) []T {
	dst = target(op, dst, len(x))
	if is64[T]() {
		d(f64.Of(dst), f64.Of(x))
	} else {
		s(f32.Of(dst), f32.Of(x))
	}
	return dst
}

// backward sets dx from dy and what was saved of the forward pass.
func backward[T constraints.Float](op string, dx, dy, saved []T, d func(dx, dy, saved []float64), s func(dx, dy, saved []float32)) []T {
	checkLen(op, "dy", len(dy), len(saved))
	dx = target(op, dx, len(dy))
	if is64[T]() {
		d(f64.Of(dx), f64.Of(dy), f64.Of(saved))
	} else {
		s(f32.Of(dx), f32.Of(dy), f32.Of(saved))
	}
	return dx
}

// mul sets dst to x·y; all three are of one length.
func mul[T constraints.Float](dst, x, y []T) {
	if is64[T]() {
		f64.Mul(f64.Of(dst), f64.Of(x), f64.Of(y))
	} else {
		f32.Mul(f32.Of(dst), f32.Of(x), f32.Of(y))
	}
}

// dot returns Σ x·y of slices of one length.
func dot[T constraints.Float](x, y []T) T {
	if is64[T]() {
		return T(f64.Dot(f64.Of(x), f64.Of(y)))
	}
	return T(f32.Dot(f32.Of(x), f32.Of(y)))
}
