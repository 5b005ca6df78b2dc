package linalg

import (
	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/internal/kernel"
)

// triangleGemm computes the triangle uplo of C = alpha·op(A)·op(B) + beta·C, of order n.
func triangleGemm[T kernel.Float](workers int, uplo blas.Uplo, tA, tB blas.Transpose, alpha T, a, b *Dense[T], beta T, c *Dense[T]) {
	n, k := opShape(tA, a)
	if n == 0 {
		return
	}
	syrk(workers, &product[T]{
		kern: gemmOf[T](), rows: rowKernelsOf[T](), m: n, n: n, k: k, alpha: alpha, beta: beta,
		a: a.Data, lda: a.Stride, transA: tA != blas.NoTrans,
		b: b.Data, ldb: b.Stride, transB: tB != blas.NoTrans,
		c: c.Data, ldc: c.Stride, uplo: uplo,
	})
}

// fullSymmetric copies a symmetric matrix, of which the triangle uplo is stored, in full.
func fullSymmetric[T kernel.Float](uplo blas.Uplo, a *Dense[T], dst *Dense[T]) {
	for i := range a.Rows {
		lo, hi := i, a.Rows
		if uplo == blas.Lower {
			lo, hi = 0, i+1
		}
		copy(dst.Row(i)[lo:hi], a.Data[i*a.Stride+lo:i*a.Stride+hi])
	}
	mirror(uplo, dst)
}

// mirror copies the triangle uplo of a square matrix to the other one.
func mirror[T kernel.Float](uplo blas.Uplo, a *Dense[T]) {
	const block = 32
	for i := 0; i < a.Rows; i += block {
		for j := 0; j <= i; j += block {
			for r := i; r < min(i+block, a.Rows); r++ {
				for c := j; c < min(j+block, r); c++ {
					if uplo == blas.Lower {
						a.Data[c*a.Stride+r] = a.Data[r*a.Stride+c]
					} else {
						a.Data[r*a.Stride+c] = a.Data[c*a.Stride+r]
					}
				}
			}
		}
	}
}

// symv adds alpha·A·x to y, where the triangle uplo of the symmetric A is stored.
func symv[T kernel.Float](uplo blas.Uplo, alpha T, a *Dense[T], x, y []T) {
	const rows = 4
	g, n := blockKernelsOf[T](), a.Rows
	var scaled, dots [rows]T
	for i := 0; i < n; i += rows {
		m := min(rows, n-i)
		lo, hi := i+m, n
		if uplo == blas.Lower {
			lo, hi = 0, i
		}
		for r := range m {
			scaled[r] = alpha * x[i+r]
		}
		dots = [rows]T{}
		if lo < hi {
			g.symvRows(a.Data[i*a.Stride+lo:], a.Stride, x[lo:hi], y[lo:hi], scaled[:m], dots[:m])
		}
		for r := range m {
			for c := range m {
				p, q := i+r, i+c
				if (uplo == blas.Lower) == (p < q) {
					p, q = q, p
				}
				dots[r] += a.Data[p*a.Stride+q] * x[i+c]
			}
			y[i+r] += alpha * dots[r]
		}
	}
}
