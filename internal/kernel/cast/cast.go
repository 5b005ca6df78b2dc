// Package cast converts between float64 and float32.
package cast

import "github.com/gram-ml/gram/internal/cpu"

// Narrow rounds len(dst) elements of src.
func Narrow(dst []float32, src []float64) {
	for i := blocks(dst, src, narrowAVX512, narrowAVX2); i < len(dst); i++ {
		dst[i] = float32(src[i])
	}
}

// NarrowDiff rounds x − y over len(dst) elements.
func NarrowDiff(dst []float32, x, y []float64) {
	y = y[:len(dst)]
	i := blocks(dst, x, func(blocks int, dst *float32, x *float64) {
		narrowDiffAVX512(blocks, dst, x, &y[0])
	}, func(blocks int, dst *float32, x *float64) {
		narrowDiffAVX2(blocks, dst, x, &y[0])
	})
	for ; i < len(dst); i++ {
		dst[i] = float32(x[i] - y[i])
	}
}

// Widen sets dst to src over len(dst) elements.
func Widen(dst []float64, src []float32) {
	for i := blocks(dst, src, widenAVX512, widenAVX2); i < len(dst); i++ {
		dst[i] = float64(src[i])
	}
}

// AddWide adds src to dst over len(dst) elements.
func AddWide(dst []float64, src []float32) {
	for i := blocks(dst, src, addWideAVX512, addWideAVX2); i < len(dst); i++ {
		dst[i] += float64(src[i])
	}
}

// blocks has the assembly of the level, if there is any, take blocks of 32 elements, and
// returns how many elements it took.
func blocks[D, S any](dst []D, src []S, avx512, avx2 func(blocks int, dst *D, src *S)) int {
	const lanes = 32
	n := len(dst) / lanes
	src = src[:len(dst)]
	switch level := cpu.Current(); {
	case n == 0:
		return 0
	case level == cpu.AVX512:
		avx512(n, &dst[0], &src[0])
	case level == cpu.AVX2:
		avx2(n, &dst[0], &src[0])
	default:
		return 0
	}
	return n * lanes
}
