package activation

import (
	"fmt"
	"math"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram/internal/kernel/coef"
	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// rows checks that x holds whole rows of cols and returns how many.
func rows(op string, n, cols int) int {
	if cols <= 0 || n%cols != 0 {
		panic(fmt.Sprintf("activation: %s: %d elements are not rows of %d", op, n, cols))
	}
	return n / cols
}

func largest[T constraints.Float](x []T) T {
	if is64[T]() {
		return T(f64.Largest(f64.Of(x)))
	}
	return T(f32.Largest(f32.Of(x)))
}

func scal[T constraints.Float](alpha T, x []T) {
	if is64[T]() {
		f64.Scal(float64(alpha), f64.Of(x))
	} else {
		f32.Scal(float32(alpha), f32.Of(x))
	}
}

func axpy[T constraints.Float](alpha T, x, y []T) {
	if is64[T]() {
		f64.Axpy(float64(alpha), f64.Of(x), f64.Of(y))
	} else {
		f32.Axpy(float32(alpha), f32.Of(x), f32.Of(y))
	}
}

// exps sets dst to exp((x − shift)·scale) and returns the sum. Sums of blocks are
// added in float64.
func exps[T constraints.Float](dst, x []T, shift, scale T) float64 {
	var sum float64
	for lo := 0; lo < len(x); lo += block {
		hi := min(lo+block, len(x))
		d := dst[lo:hi]
		if is64[T]() {
			f64.ShiftedExp(f64.Of(d), f64.Of(x[lo:hi]), float64(shift), float64(scale))
		} else {
			f32.ShiftedExp(f32.Of(d), f32.Of(x[lo:hi]), float32(shift), float32(scale))
		}
		sum += total(d)
	}
	return sum
}

// powers sets dst to exp(x·scale) times what brings the largest near 1 and returns the sum.
// Where it can, that is a power of two, which takes nothing from x.
func powers[T constraints.Float](dst, x []T, scale T) float64 {
	top := largest(x)
	peak := float64(top) * float64(scale)
	k := math.RoundToEven(peak * math.Log2E)
	least := coef.Float32.Low
	if is64[T]() {
		least = coef.Float64.Low
	}
	low := T((peak + least) / float64(scale))
	if !(math.Abs(peak) < 1<<16) || math.IsInf(float64(low), 0) {
		return exps(dst, x, top, scale)
	}
	var sum float64
	for lo := 0; lo < len(x); lo += block {
		hi := min(lo+block, len(x))
		d := dst[lo:hi]
		if is64[T]() {
			f64.ScaledExp(f64.Of(d), f64.Of(x[lo:hi]), float64(scale), k, float64(low))
		} else {
			f32.ScaledExp(f32.Of(d), f32.Of(x[lo:hi]), float32(scale), float32(k), float32(low))
		}
		sum += total(d)
	}
	return sum
}

// inverse returns 1/temperature.
func inverse[T constraints.Float](op string, temperature T) T {
	if !(temperature > 0) || math.IsInf(float64(temperature), 1) {
		panic(fmt.Sprintf("activation: %s: temperature %v is not a positive number", op, temperature))
	}
	return 1 / temperature
}

// Softmax sets each row of dst to exp(xⱼ)/Σ exp(xₖ) over the row of x, both row-major
// with rows of cols elements, cols ≥ 1. The largest element is taken off first, so that
// nothing overflows. An element of −Inf gets 0; a row of nothing but −Inf, or that holds
// +Inf or NaN, has no such distribution and turns NaN. The error is about 4·eps of each
// element.
func Softmax[T constraints.Float](dst, x []T, cols int) []T {
	return softmax("Softmax", dst, x, cols, 1)
}

// SoftmaxTemperature is [Softmax] of x/temperature. Above 1 it makes the distribution
// flatter, below 1 more pointed.
func SoftmaxTemperature[T constraints.Float](dst, x []T, cols int, temperature T) []T {
	return softmax("SoftmaxTemperature", dst, x, cols, inverse("SoftmaxTemperature", temperature))
}

func softmax[T constraints.Float](op string, dst, x []T, cols int, scale T) []T {
	n := rows(op, len(x), cols)
	dst = target(op, dst, len(x))
	for i := range n {
		row, to := x[i*cols:(i+1)*cols], dst[i*cols:(i+1)*cols]
		scal(T(1/powers(to, row, scale)), to)
	}
	return dst
}

// SoftmaxGrad sets each row of dx to y·(dy − Σ dyₖ·yₖ), y being what [Softmax] returned.
// After [SoftmaxTemperature], divide by the temperature.
func SoftmaxGrad[T constraints.Float](dx, dy, y []T, cols int) []T {
	n := rows("SoftmaxGrad", len(y), cols)
	checkLen("SoftmaxGrad", "dy", len(dy), len(y))
	dx = target("SoftmaxGrad", dx, len(y))
	for i := range n {
		lo, hi := i*cols, (i+1)*cols
		s := dot(dy[lo:hi], y[lo:hi])
		shift(dx[lo:hi], dy[lo:hi], s, 1, 0)
		mul(dx[lo:hi], dx[lo:hi], y[lo:hi])
	}
	return dx
}

// shift sets dst to (x − by)·scale − after.
func shift[T constraints.Float](dst, x []T, by, scale, after T) {
	if is64[T]() {
		f64.Shift(f64.Of(dst), f64.Of(x), float64(by), float64(scale), float64(after))
	} else {
		f32.Shift(f32.Of(dst), f32.Of(x), float32(by), float32(scale), float32(after))
	}
}

// LogSoftmax sets each row of dst to xⱼ − log Σ exp(xₖ), exact to rounding where
// [Softmax] itself would be 0. Rows without a distribution turn NaN as there.
func LogSoftmax[T constraints.Float](dst, x []T, cols int) []T {
	n := rows("LogSoftmax", len(x), cols)
	dst = target("LogSoftmax", dst, len(x))
	for i := range n {
		row, to := x[i*cols:(i+1)*cols], dst[i*cols:(i+1)*cols]
		top, sum := sumExp(row, 1, -1)
		shift(to, row, top, 1, T(math.Log(sum)))
	}
	return dst
}

// LogSoftmaxGrad sets each row of dx to dy − exp(y)·Σ dyₖ, y being what [LogSoftmax]
// returned. dx may be dy, but not y.
func LogSoftmaxGrad[T constraints.Float](dx, dy, y []T, cols int) []T {
	n := rows("LogSoftmaxGrad", len(y), cols)
	checkLen("LogSoftmaxGrad", "dy", len(dy), len(y))
	dx = target("LogSoftmaxGrad", dx, len(y))
	var part [block]T
	for i := range n {
		lo, hi := i*cols, (i+1)*cols
		var s float64
		for _, v := range dy[lo:hi] {
			s += float64(v)
		}
		copy(dx[lo:hi], dy[lo:hi])
		for ; lo < hi; lo += block {
			p := part[:min(block, hi-lo)]
			exps(p, y[lo:lo+len(p)], 0, 1)
			axpy(T(-s), p, dx[lo:lo+len(p)])
		}
	}
	return dx
}

// sumExp returns the largest element of a row and Σ exp((x − top)·scale) without
// element skip, or with all of them if skip is −1.
func sumExp[T constraints.Float](row []T, scale T, skip int) (top T, sum float64) {
	top = largest(row)
	var part [block]T
	for lo := 0; lo < len(row); lo += block {
		x := row[lo:min(lo+block, len(row))]
		p := part[:len(x)]
		s := exps(p, x, top, scale)
		if lo <= skip && skip < lo+len(x) {
			p[skip-lo] = 0
			s = total(p)
		}
		sum += s
	}
	return top, sum
}

// total returns the sum of a block.
func total[T constraints.Float](x []T) float64 {
	if is64[T]() {
		return f64.Sum(f64.Of(x))
	}
	return float64(f32.Sum(f32.Of(x)))
}

// LogSumExp sets dst[i] to log Σ exp(xₖ) over row i of x, row-major with rows of cols
// elements. It is −Inf for a row of −Inf, +Inf for a row that holds +Inf and no NaN, and
// NaN for one that holds a NaN. dst has one element a row and must not overlap x.
func LogSumExp[T constraints.Float](dst, x []T, cols int) []T {
	n := rows("LogSumExp", len(x), cols)
	dst = target("LogSumExp", dst, n)
	for i := range n {
		dst[i] = T(logSumExp(x[i*cols : (i+1)*cols]))
	}
	return dst
}

func logSumExp[T constraints.Float](row []T) float64 {
	top, sum := sumExp(row, 1, -1)
	if math.IsInf(float64(top), 0) { // the differences from it are NaN
		for _, v := range row {
			if v != v {
				return float64(v)
			}
		}
		return float64(top)
	}
	return float64(top) + math.Log(sum)
}

// MaskedSoftmax is [Softmax] over the elements whose mask is true; the others get 0,
// whatever they hold. A row without any true mask is all 0. The mask is as long as x.
func MaskedSoftmax[T constraints.Float](dst, x []T, mask []bool, cols int) []T {
	n := rows("MaskedSoftmax", len(x), cols)
	checkLen("MaskedSoftmax", "mask", len(mask), len(x))
	dst = target("MaskedSoftmax", dst, len(x))
	inf := T(math.Inf(-1))
	for i := range n {
		lo, hi := i*cols, (i+1)*cols
		some := false
		for j := lo; j < hi; j++ {
			v := x[j]
			if !mask[j] {
				v = inf
			}
			dst[j] = v
			some = some || mask[j]
		}
		if !some {
			clear(dst[lo:hi])
			continue
		}
		softmax("MaskedSoftmax", dst[lo:hi], dst[lo:hi], cols, 1)
	}
	return dst
}
