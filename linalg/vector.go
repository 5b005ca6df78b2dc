package linalg

import (
	"fmt"
	"math"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

func checkSame[T any](op string, x, y []T) {
	if len(x) != len(y) {
		panic(fmt.Sprintf("linalg: %s of %d and %d elements", op, len(x), len(y)))
	}
}

// Dot returns the inner product Σ x[i]·y[i], 0 for empty vectors. The sum runs in
// several lanes, with an error of at most about len(x)/16 roundings. It panics if
// the lengths differ.
func Dot[T constraints.Float](x, y []T) T {
	checkSame("Dot", x, y)
	if is64[T]() {
		return T(f64.Dot(f64.Of(x), f64.Of(y)))
	}
	return T(f32.Dot(f32.Of(x), f32.Of(y)))
}

// Axpy adds alpha·x to y. It panics if the lengths differ. x and y may be the
// same slice; otherwise they must not overlap.
func Axpy[T constraints.Float](alpha T, x, y []T) {
	checkSame("Axpy", x, y)
	if is64[T]() {
		f64.Axpy(float64(alpha), f64.Of(x), f64.Of(y))
	} else {
		f32.Axpy(float32(alpha), f32.Of(x), f32.Of(y))
	}
}

// Scal multiplies x by alpha. NaN and infinities stay even for alpha = 0.
func Scal[T constraints.Float](alpha T, x []T) {
	if is64[T]() {
		f64.Scal(float64(alpha), f64.Of(x))
	} else {
		f32.Scal(float32(alpha), f32.Of(x))
	}
}

// Sum returns Σ x[i], added in several lanes; 0 for an empty vector.
func Sum[T constraints.Float](x []T) T {
	if is64[T]() {
		return T(f64.Sum(f64.Of(x)))
	}
	return T(f32.Sum(f32.Of(x)))
}

// Asum returns the 1-norm Σ |x[i]|.
func Asum[T constraints.Float](x []T) T {
	if is64[T]() {
		return T(f64.Asum(f64.Of(x)))
	}
	return T(f32.Asum(f32.Of(x)))
}

// Nrm2 returns the Euclidean norm √Σ x[i]², which neither overflows nor
// underflows unless the norm itself does. It is +Inf if x holds an infinity and
// no NaN, and NaN if x holds a NaN.
func Nrm2[T constraints.Float](x []T) T {
	var s, tiny float64
	if is64[T]() {
		s, tiny = f64.SumSquares(f64.Of(x)), 0x1p-900
	} else {
		s, tiny = float64(f32.SumSquares(f32.Of(x))), 0x1p-90
	}
	// Above tiny, squares that were lost below the smallest number do not show.
	if tiny <= s && s <= math.MaxFloat64 {
		return T(math.Sqrt(s))
	}
	return T(scaledNorm(x))
}

// scaledNorm divides by the largest magnitude before it squares.
func scaledNorm[T constraints.Float](x []T) float64 {
	var largest float64
	for _, v := range x {
		if v != v {
			return math.NaN()
		}
		largest = max(largest, math.Abs(float64(v)))
	}
	if largest == 0 || math.IsInf(largest, 1) {
		return largest
	}
	// A power of two, so that scaling is exact.
	_, e := math.Frexp(largest)
	var s float64
	for _, v := range x {
		r := math.Ldexp(float64(v), -e)
		s += r * r
	}
	return math.Ldexp(math.Sqrt(s), e)
}

// ArgMax returns the index of the largest element, the first of equal ones. NaNs
// are passed over; it returns -1 if there is nothing else.
func ArgMax[T constraints.Float](x []T) int {
	best := -1
	var largest T
	for i, v := range x {
		if v > largest || best < 0 && v == v {
			best, largest = i, v
		}
	}
	return best
}
