package f64

import (
	"github.com/gram-ml/gram/internal/cpu"
	"github.com/gram-ml/gram/internal/kernel"
)

// Solve solves L·X = B in place for kernel.SolveRows rows of n columns, row i of B
// beginning at b[at+i*ldb]; ldb may be negative. L is row-major, lower triangular,
// with the reciprocals of its diagonal in their place.
func Solve(l *[kernel.SolveRows * kernel.SolveRows]float64, n int, b []float64, at, ldb int) {
	if n == 0 {
		return
	}
	switch cpu.Current() {
	case cpu.AVX512:
		solveAVX512(&l[0], n, &b[at], ldb)
	case cpu.AVX2:
		solveAVX2(&l[0], n, &b[at], ldb)
	default:
		kernel.Solve(l, n, b, at, ldb)
	}
}

// SymvRows sets dst[i] to the inner product of x with row i of A and adds Σ s[i]·A[i]
// to y, over len(dst) rows, lda apart, of len(x) columns: A is read once.
func SymvRows(a []float64, lda int, x, y, s, dst []float64) {
	if len(x) == 0 {
		clear(dst)
		return
	}
	i := 0
	switch cpu.Current() {
	case cpu.AVX512:
		for ; i+4 <= len(dst); i += 4 {
			symvRowsAVX512(&a[i*lda], lda, x, y, &s[i], &dst[i])
		}
	case cpu.AVX2:
		for ; i+4 <= len(dst); i += 4 {
			symvRowsAVX2(&a[i*lda], lda, x, y, &s[i], &dst[i])
		}
	}
	for ; i < len(dst); i++ {
		row := a[i*lda : i*lda+len(x)]
		dst[i] = Dot(row, x)
		Axpy(s[i], row, y)
	}
}

// Rot turns the points (x[i], y[i]) into (c·x[i]+s·y[i], c·y[i]−s·x[i]).
func Rot(x, y []float64, c, s float64) {
	switch cpu.Current() {
	case cpu.AVX512:
		rotAVX512(x, y, c, s)
	case cpu.AVX2:
		rotAVX2(x, y, c, s)
	default:
		kernel.Rot(x, y, c, s)
	}
}
