package linalg

import (
	"fmt"

	"golang.org/x/exp/constraints"
	"gonum.org/v1/gonum/blas"
)

// Gemm computes C = alpha·op(A)·op(B) + beta·C, where op is the matrix itself for
// blas.NoTrans and its transpose for blas.Trans. With beta = 0, C is not read.
// C must not overlap A or B.
func Gemm[T constraints.Float](tA, tB blas.Transpose, alpha T, a, b *Dense[T], beta T, c *Dense[T]) {
	m, k := a.Rows, a.Cols
	if tA != blas.NoTrans {
		m, k = k, m
	}
	kb, n := b.Rows, b.Cols
	if tB != blas.NoTrans {
		kb, n = n, kb
	}
	if k != kb || c.Rows != m || c.Cols != n {
		panic(fmt.Sprintf("linalg: Gemm of %d×%d by %d×%d into %d×%d", m, k, kb, n, c.Rows, c.Cols))
	}
	for i := 0; i < m; i++ {
		for j := 0; j < n; j++ {
			var s T
			for p := 0; p < k; p++ {
				x, y := 0, 0
				if tA != blas.NoTrans {
					x = p*a.Stride + i
				} else {
					x = i*a.Stride + p
				}
				if tB != blas.NoTrans {
					y = j*b.Stride + p
				} else {
					y = p*b.Stride + j
				}
				s += a.Data[x] * b.Data[y]
			}
			if beta == 0 {
				c.Data[i*c.Stride+j] = alpha * s
			} else {
				c.Data[i*c.Stride+j] = alpha*s + beta*c.Data[i*c.Stride+j]
			}
		}
	}
}
