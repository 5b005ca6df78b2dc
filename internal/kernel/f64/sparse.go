package f64

import "github.com/gram-ml/gram/internal/kernel"

// SpMulVec sets dst[i] to the inner product of row i of A with x; see kernel.SpMulVec.
func SpMulVec(dst []float64, ptr []int64, col []uint32, val, x []float64) {
	kernel.SpMulVec(dst, ptr, col, val, x)
}

// SpMulDense sets dst to A·B; see kernel.SpMulDense.
func SpMulDense(dst []float64, ldd, rows, n int, ptr []int64, col []uint32, val, b []float64, ldb int) {
	kernel.SpMulDense(dst, ldd, rows, n, ptr, col, val, b, ldb)
}

// SpAddTrans adds Aᵀ·G to dst; see kernel.SpAddTrans.
func SpAddTrans(dst []float64, ldd, rows, n int, ptr []int64, col []uint32, val, g []float64, ldg int) {
	kernel.SpAddTrans(dst, ldd, rows, n, ptr, col, val, g, ldg)
}
