package f64

import (
	"github.com/gram-ml/gram/internal/cpu"
	"github.com/gram-ml/gram/internal/kernel"
)

// Kernels for strips of one vector and more. Each keeps its sums in registers down all
// the rows.
var (
	addDiffsAVX512 = [8]func(n int, w, a *float64, lda int, origin, sum *float64, tail int){
		addDiffs1AVX512, addDiffs2AVX512, addDiffs3AVX512, addDiffs4AVX512,
		addDiffs5AVX512, addDiffs6AVX512, addDiffs7AVX512, addDiffs8AVX512,
	}
	addDiffsAVX2 = [4]func(n int, w, a *float64, lda int, origin, sum *float64, tail int){
		addDiffs1AVX2, addDiffs2AVX2, addDiffs3AVX2, addDiffs4AVX2,
	}
	addSquaresAVX512 = [8]func(n int, w, a *float64, lda int, mean, slip, squares *float64, tail int){
		addSquares1AVX512, addSquares2AVX512, addSquares3AVX512, addSquares4AVX512,
		addSquares5AVX512, addSquares6AVX512, addSquares7AVX512, addSquares8AVX512,
	}
	addSquaresAVX2 = [4]func(n int, w, a *float64, lda int, mean, slip, squares *float64, tail int){
		addSquares1AVX2, addSquares2AVX2, addSquares3AVX2, addSquares4AVX2,
	}
)

// strip returns how many vectors, of at most most, the next strip of n columns has, and
// how many lanes the last of them.
func strip(n, lanes, most int) (vectors, tail int) {
	vectors = min((n+lanes-1)/lanes, most)
	return vectors, min(n-(vectors-1)*lanes, lanes)
}

// AddDiffs adds Σ w[i]·(A[i] − origin) to sum, the rows of A being lda apart and of
// length len(sum).
func AddDiffs(w, a []float64, lda int, origin, sum []float64) {
	if len(w) == 0 {
		return
	}
	switch cpu.Current() {
	case cpu.AVX512:
		for j := 0; j < len(sum); j += 64 {
			v, tail := strip(len(sum)-j, 8, 8)
			addDiffsAVX512[v-1](len(w), &w[0], &a[j], lda, &origin[j], &sum[j], tail)
		}
	case cpu.AVX2:
		for j := 0; j < len(sum); j += 16 {
			v, tail := strip(len(sum)-j, 4, 4)
			addDiffsAVX2[v-1](len(w), &w[0], &a[j], lda, &origin[j], &sum[j], tail)
		}
	default:
		for i, v := range w {
			kernel.AddDiffs(v, a[i*lda:], origin, sum)
		}
	}
}

// AddSquares adds Σ w[i]·(A[i] − mean) to slip and Σ w[i]·(A[i] − mean)² to squares,
// the rows of A being lda apart and of length len(squares).
func AddSquares(w, a []float64, lda int, mean, slip, squares []float64) {
	if len(w) == 0 {
		return
	}
	switch cpu.Current() {
	case cpu.AVX512:
		for j := 0; j < len(squares); j += 64 {
			v, tail := strip(len(squares)-j, 8, 8)
			addSquaresAVX512[v-1](len(w), &w[0], &a[j], lda, &mean[j], &slip[j], &squares[j], tail)
		}
	case cpu.AVX2:
		for j := 0; j < len(squares); j += 16 {
			v, tail := strip(len(squares)-j, 4, 4)
			addSquaresAVX2[v-1](len(w), &w[0], &a[j], lda, &mean[j], &slip[j], &squares[j], tail)
		}
	default:
		for i, v := range w {
			kernel.AddSquares(v, a[i*lda:], mean, slip, squares)
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

// Subtract sets dst to x − y over len(dst) elements; dst may be either.
func Subtract(dst, x, y []float64) {
	switch cpu.Current() {
	case cpu.AVX512:
		subtractAVX512(dst, x, y)
	case cpu.AVX2:
		subtractAVX2(dst, x, y)
	default:
		kernel.Subtract(dst, x, y)
	}
}

// SubtractSquares sets dst to x − y and squares to (x − y)², over len(dst) elements; dst
// may be x or y.
func SubtractSquares(dst, x, y, squares []float64) {
	switch cpu.Current() {
	case cpu.AVX512:
		subtractSquaresAVX512(dst, x, y, squares)
	case cpu.AVX2:
		subtractSquaresAVX2(dst, x, y, squares)
	default:
		kernel.SubtractSquares(dst, x, y, squares)
	}
}
