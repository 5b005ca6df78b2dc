package columns

import (
	"math"

	"github.com/gram-ml/gram/internal/cpu"
)

// Spare is how many words Divide wants beside the rows.
const Spare = 48

// Masks returns how many masks of 16 bits n rows have.
func Masks(n int) int { return (n + 15) / 16 }

// Bounds returns the least and the greatest of the float32 whose bits are in x. There must be
// some, and no NaN.
func Bounds(x []uint32) (lo, hi float32) {
	switch level := cpu.Current(); {
	case level >= cpu.AVX512:
		return boundsAVX512(&x[0], len(x))
	case level == cpu.AVX2:
		return boundsAVX2(&x[0], len(x))
	}
	return boundsPortable(x)
}

// Sums adds up two columns of float64 in the rows where x, float32 and not NaN, is at most t.
// Their halves are in four columns of m, which begins with the first's low bits and goes on with
// its high ones, the low ones of the second and its high ones, stride words apart.
func Sums(x, m []uint32, stride int, t float32) (w, wy float64) {
	if len(x) == 0 {
		return 0, 0
	}
	switch level := cpu.Current(); {
	case level >= cpu.AVX512:
		return sumsAVX512(&x[0], &m[0], 4*stride, len(x), t)
	case level == cpu.AVX2:
		return sumsAVX2(&x[0], &m[0], 4*stride, len(x), t)
	}
	return sumsPortable(x, m, stride, t)
}

// Count returns in how many rows x, float32 and not NaN, is at most t, and in how many of those the
// highest bit of tops is set.
func Count(x, tops []uint32, t float32) (count, top int) {
	if len(x) == 0 {
		return 0, 0
	}
	switch level := cpu.Current(); {
	case level >= cpu.AVX512:
		return countAVX512(&x[0], &tops[0], len(x), t)
	case level == cpu.AVX2:
		return countAVX2(&x[0], &tops[0], len(x), t)
	}
	return countPortable(x, tops, t)
}

// Mark sets the bits of masks, row i's being bit i%16 of mask i/16, to whether x, float32 and not
// NaN, is at most t, and returns in how many rows it is. Bits beyond the last row are 0.
func Mark(masks []uint16, x []uint32, t float32) int {
	if len(x) == 0 {
		return 0
	}
	switch level := cpu.Current(); {
	case level >= cpu.AVX512:
		return markAVX512(&masks[0], &x[0], len(x), t)
	case level == cpu.AVX2:
		return markAVX2(&masks[0], &x[0], len(x), t)
	}
	return markPortable(masks, x, t)
}

// Divide brings, in each of the given number of columns, of n rows and stride words apart, the
// rows first whose bits are set in masks, and keeps the order otherwise. block begins with the
// first row of the first column. spare has n words and Spare more; bits beyond the last row must
// be 0.
func Divide(block []uint32, stride, columns, n int, masks []uint16, spare []uint32) {
	if n == 0 || columns == 0 {
		return
	}
	switch level := cpu.Current(); {
	case level >= cpu.AVX512:
		divideAVX512(&block[0], 4*stride, columns, n, &masks[0], &spare[0])
	case level == cpu.AVX2:
		divideAVX2(&block[0], 4*stride, columns, n, &masks[0], &spare[0])
	default:
		dividePortable(block, stride, columns, n, masks, spare)
	}
}

// Gather sets column j of dst, of as many words as there are rows, to element j of the given rows of
// src, which have width elements.
func Gather(dst, src []uint32, width int, rows []int32) {
	if len(rows) == 0 || width == 0 {
		return
	}
	if cpu.Current() < cpu.AVX512 || len(src) > math.MaxInt32 {
		gatherPortable(dst, src, width, rows)
		return
	}
	gatherAVX512(&dst[0], &src[0], width, &rows[0], len(rows))
}
