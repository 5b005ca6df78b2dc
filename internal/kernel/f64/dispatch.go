package f64

import (
	"unsafe"

	"github.com/gram-ml/gram/internal/cpu"
	"github.com/gram-ml/gram/internal/kernel"
)

var portable = kernel.Portable[float64]()

// Dot returns Σ x[i]·y[i] over len(x) elements.
func Dot(x, y []float64) float64 {
	switch cpu.Current() {
	case cpu.AVX512:
		return dotAVX512(x, y)
	case cpu.AVX2:
		return dotAVX2(x, y)
	}
	return kernel.Dot(x, y)
}

// DotRows sets dst[i] to the inner product of x with row i of A, i < len(dst),
// each with the bits that Dot has. Rows are lda apart and of length len(x).
func DotRows(dst []float64, a []float64, lda int, x []float64) {
	if len(x) == 0 {
		clear(dst)
		return
	}
	i := 0
	switch cpu.Current() {
	case cpu.AVX512:
		for ; i+4 <= len(dst); i += 4 {
			dotRowsAVX512(x, &a[i*lda], lda, &dst[i])
		}
	case cpu.AVX2:
		for ; i+2 <= len(dst); i += 2 {
			dotRowsAVX2(x, &a[i*lda], lda, &dst[i])
		}
	}
	for ; i < len(dst); i++ {
		dst[i] = Dot(x, a[i*lda:i*lda+len(x)])
	}
}

// Sum returns Σ x[i].
func Sum(x []float64) float64 {
	switch cpu.Current() {
	case cpu.AVX512:
		return sumAVX512(x)
	case cpu.AVX2:
		return sumAVX2(x)
	}
	return kernel.Sum(x)
}

// SumSquares returns Σ x[i]², with no care for overflow.
func SumSquares(x []float64) float64 {
	switch cpu.Current() {
	case cpu.AVX512:
		return sumSquaresAVX512(x)
	case cpu.AVX2:
		return sumSquaresAVX2(x)
	}
	return kernel.SumSquares(x)
}

// Asum returns Σ |x[i]|.
func Asum(x []float64) float64 {
	switch cpu.Current() {
	case cpu.AVX512:
		return asumAVX512(x)
	case cpu.AVX2:
		return asumAVX2(x)
	}
	return kernel.Asum(x)
}

// Largest returns the largest element that is not NaN, −Inf if there is none.
func Largest(x []float64) float64 {
	switch cpu.Current() {
	case cpu.AVX512:
		return largestAVX512(x)
	case cpu.AVX2:
		return largestAVX2(x)
	}
	return kernel.Largest(x)
}

// Axpy adds alpha·x to y over len(x) elements.
func Axpy(alpha float64, x, y []float64) {
	switch cpu.Current() {
	case cpu.AVX512:
		axpyAVX512(alpha, x, y)
	case cpu.AVX2:
		axpyAVX2(alpha, x, y)
	default:
		kernel.Axpy(alpha, x, y)
	}
}

// AxpyRows adds Σ x[i]·A[i] to y, the rows of A being lda apart and of length
// len(y), with the bits of as many calls of Axpy.
func AxpyRows(x []float64, a []float64, lda int, y []float64) {
	if len(y) == 0 {
		return
	}
	i := 0
	switch cpu.Current() {
	case cpu.AVX512:
		for ; i+4 <= len(x); i += 4 {
			axpyRowsAVX512(&x[i], &a[i*lda], lda, y)
		}
	case cpu.AVX2:
		for ; i+4 <= len(x); i += 4 {
			axpyRowsAVX2(&x[i], &a[i*lda], lda, y)
		}
	}
	for ; i < len(x); i++ {
		Axpy(x[i], a[i*lda:i*lda+len(y)], y)
	}
}

// Scal multiplies x by alpha.
func Scal(alpha float64, x []float64) {
	switch cpu.Current() {
	case cpu.AVX512:
		scalAVX512(alpha, x)
	case cpu.AVX2:
		scalAVX2(alpha, x)
	default:
		kernel.Scal(alpha, x)
	}
}

// Of returns x as float64, sharing its memory. T must be a type of that size.
func Of[T any](x []T) []float64 {
	return unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}
