package f64

import (
	"github.com/gram-ml/gram/internal/cpu"
	"github.com/gram-ml/gram/internal/kernel"
)

// ShiftRows sets dst to x, len(tops) rows of k ≥ 1 elements, less the largest of their row,
// which tops gets; dst may be x. With a NaN in a row the largest may be any other of it.
func ShiftRows(dst, x, tops []float64, k int) {
	n := len(tops)
	switch level := cpu.Current(); {
	case n == 0:
	case level == cpu.AVX512 && k >= 8:
		shiftRowsAVX512(n, k, &dst[0], &x[0], &tops[0])
	case (level == cpu.AVX512 || level == cpu.AVX2) && k >= 4:
		shiftRowsAVX2(n, k, &dst[0], &x[0], &tops[0])
	default:
		kernel.ShiftRows(dst, x, tops, k)
	}
}

// ShareRows multiplies x, len(sums) rows of k ≥ 1 elements, by the inverse of the sum of their
// row, which sums gets.
func ShareRows(x, sums []float64, k int) {
	n := len(sums)
	switch level := cpu.Current(); {
	case n == 0:
	case level == cpu.AVX512:
		shareRowsAVX512(n, k, &x[0], &sums[0])
	case level == cpu.AVX2:
		shareRowsAVX2(n, k, &x[0], &sums[0])
	default:
		kernel.ShareRows(x, sums, k)
	}
}

// GatherRows sets dst[to[r]:] to src[from[r]:] less the origin, rows of its length, ≥ 1, for
// each r of to. from ends in kernel.GatherAhead more places of rows, which are not copied.
func GatherRows(dst, src, origin []float64, from, to []int) {
	n, d := len(to), len(origin)
	switch level := cpu.Current(); {
	case n == 0:
	case level == cpu.AVX512:
		gatherRowsAVX512(n, d, &src[0], &origin[0], &dst[0], &from[0], &to[0])
	case level == cpu.AVX2:
		gatherRowsAVX2(n, d, &src[0], &origin[0], &dst[0], &from[0], &to[0])
	default:
		kernel.GatherRows(dst, src, origin, from, to)
	}
}
