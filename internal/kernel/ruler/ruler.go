// Package ruler measures what a machine's core can do at most, for benchmarks to
// hold the kernels against: multiply-adds between registers, and plain loops
// that read and copy memory.
package ruler

import "github.com/gram-ml/gram/internal/cpu"

// Peak does 12·n vector multiply-adds between registers and returns the number of
// float64 operations that is; float32 has twice as many. It returns 0 where there
// is no assembly.
func Peak(n int) (flops float64) {
	switch cpu.Current() {
	case cpu.AVX512:
		peakAVX512(n)
		return 12 * 8 * 2 * float64(n)
	case cpu.AVX2:
		peakAVX2(n)
		return 12 * 4 * 2 * float64(n)
	}
	return 0
}

// Read loads every element of x once; len(x) is a multiple of 64.
func Read(x []float64) {
	switch cpu.Current() {
	case cpu.AVX512:
		readAVX512(x)
	case cpu.AVX2:
		readAVX2(x)
	default:
		var sink float64
		for _, v := range x {
			sink += v
		}
		_ = sink
	}
}

// Copy copies src to dst of the same length, a multiple of 64, with ordinary
// loads and stores.
func Copy(dst, src []float64) {
	switch cpu.Current() {
	case cpu.AVX512:
		copyToAVX512(dst, src)
	case cpu.AVX2:
		copyToAVX2(dst, src)
	default:
		copy(dst, src)
	}
}
