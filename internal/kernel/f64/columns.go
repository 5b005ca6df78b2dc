package f64

import (
	"github.com/gram-ml/gram/internal/cpu"
	"github.com/gram-ml/gram/internal/kernel"
)

// AddDiffs adds Σ w[i]·(A[i] − origin) to sum, the rows of A being lda apart and of
// length len(sum) > 0.
func AddDiffs(w, a []float64, lda int, origin, sum []float64) {
	i := 0
	switch cpu.Current() {
	case cpu.AVX512:
		for ; i+4 <= len(w); i += 4 {
			addDiffs4AVX512(&w[i], &a[i*lda], lda, origin, sum)
		}
		for ; i < len(w); i++ {
			addDiffs1AVX512(&w[i], &a[i*lda], lda, origin, sum)
		}
	case cpu.AVX2:
		for ; i+4 <= len(w); i += 4 {
			addDiffs4AVX2(&w[i], &a[i*lda], lda, origin, sum)
		}
		for ; i < len(w); i++ {
			addDiffs1AVX2(&w[i], &a[i*lda], lda, origin, sum)
		}
	default:
		for ; i < len(w); i++ {
			kernel.AddDiffs(w[i], a[i*lda:], origin, sum)
		}
	}
}

// AddSquares adds Σ w[i]·(A[i] − mean) to slip and Σ w[i]·(A[i] − mean)² to squares,
// the rows of A being lda apart and of length len(squares) > 0.
func AddSquares(w, a []float64, lda int, mean, slip, squares []float64) {
	i := 0
	switch cpu.Current() {
	case cpu.AVX512:
		for ; i+4 <= len(w); i += 4 {
			addSquares4AVX512(&w[i], &a[i*lda], lda, mean, slip, squares)
		}
		for ; i < len(w); i++ {
			addSquares1AVX512(&w[i], &a[i*lda], lda, mean, slip, squares)
		}
	case cpu.AVX2:
		for ; i+4 <= len(w); i += 4 {
			addSquares4AVX2(&w[i], &a[i*lda], lda, mean, slip, squares)
		}
		for ; i < len(w); i++ {
			addSquares1AVX2(&w[i], &a[i*lda], lda, mean, slip, squares)
		}
	default:
		for ; i < len(w); i++ {
			kernel.AddSquares(w[i], a[i*lda:], mean, slip, squares)
		}
	}
}

// Standardize sets dst to (x − shift)·scale over len(dst) elements; dst may be x.
func Standardize(dst, x, shift, scale []float64) {
	switch cpu.Current() {
	case cpu.AVX512:
		standardizeAVX512(dst, x, shift, scale)
	case cpu.AVX2:
		standardizeAVX2(dst, x, shift, scale)
	default:
		kernel.Standardize(dst, x, shift, scale)
	}
}
