package linalg

import "gonum.org/v1/gonum/blas"

// Ddot returns Σ x[i]·y[i].
func (b BLAS) Ddot(n int, x []float64, incX int, y []float64, incY int) float64 {
	if incX != 1 || incY != 1 || !fitsVector(n, len(x), 1) || !fitsVector(n, len(y), 1) {
		return b.Implementation.Ddot(n, x, incX, y, incY)
	}
	return Dot(x[:n], y[:n])
}

// Dnrm2 returns the Euclidean norm of x.
func (b BLAS) Dnrm2(n int, x []float64, incX int) float64 {
	if incX != 1 || !fitsVector(n, len(x), 1) {
		return b.Implementation.Dnrm2(n, x, incX)
	}
	return Nrm2(x[:n])
}

// Dasum returns Σ |x[i]|.
func (b BLAS) Dasum(n int, x []float64, incX int) float64 {
	if incX != 1 || !fitsVector(n, len(x), 1) {
		return b.Implementation.Dasum(n, x, incX)
	}
	return Asum(x[:n])
}

// Idamax returns the first index of the largest magnitude.
func (b BLAS) Idamax(n int, x []float64, incX int) int {
	if incX != 1 || !fitsVector(n, len(x), 1) {
		return b.Implementation.Idamax(n, x, incX)
	}
	return argMaxAbs(x[:n])
}

// Daxpy adds alpha·x to y.
func (b BLAS) Daxpy(n int, alpha float64, x []float64, incX int, y []float64, incY int) {
	if incX != 1 || incY != 1 || alpha == 0 || !fitsVector(n, len(x), 1) || !fitsVector(n, len(y), 1) {
		b.Implementation.Daxpy(n, alpha, x, incX, y, incY)
		return
	}
	Axpy(alpha, x[:n], y[:n])
}

// Dscal multiplies x by alpha.
func (b BLAS) Dscal(n int, alpha float64, x []float64, incX int) {
	if incX != 1 || alpha == 0 || !fitsVector(n, len(x), 1) {
		b.Implementation.Dscal(n, alpha, x, incX)
		return
	}
	Scal(alpha, x[:n])
}

// Drot rotates the points (x[i], y[i]).
func (b BLAS) Drot(n int, x []float64, incX int, y []float64, incY int, c, s float64) {
	if incX != 1 || incY != 1 || !fitsVector(n, len(x), 1) || !fitsVector(n, len(y), 1) {
		b.Implementation.Drot(n, x, incX, y, incY, c, s)
		return
	}
	blockKernels64.rot(x[:n], y[:n], c, s)
}

// Dgemv computes y = alpha·op(A)·x + beta·y for the m×n matrix A.
func (b BLAS) Dgemv(tA blas.Transpose, m, n int, alpha float64, a []float64, lda int, x []float64, incX int, beta float64, y []float64, incY int) {
	lenX, lenY := n, m
	if tA != blas.NoTrans {
		lenX, lenY = m, n
	}
	if !validTrans(tA) || !fitsMatrix(m, n, len(a), lda) || !fitsVector(lenX, len(x), incX) || !fitsVector(lenY, len(y), incY) {
		b.Implementation.Dgemv(tA, m, n, alpha, a, lda, x, incX, beta, y, incY)
		return
	}
	to := compact(lenY, y, incY)
	gemv(&kernels64, tA, alpha, matrix(m, n, a, lda), compact(lenX, x, incX), beta, to)
	spread(to, y, incY)
}

// Dger adds alpha·x·yᵀ to the m×n matrix A.
func (b BLAS) Dger(m, n int, alpha float64, x []float64, incX int, y []float64, incY int, a []float64, lda int) {
	if alpha == 0 || !fitsMatrix(m, n, len(a), lda) || !fitsVector(m, len(x), incX) || !fitsVector(n, len(y), incY) {
		b.Implementation.Dger(m, n, alpha, x, incX, y, incY, a, lda)
		return
	}
	Ger(alpha, compact(m, x, incX), compact(n, y, incY), matrix(m, n, a, lda))
}

// Dsymv computes y = alpha·A·x + beta·y for the symmetric A of order n.
func (b BLAS) Dsymv(ul blas.Uplo, n int, alpha float64, a []float64, lda int, x []float64, incX int, beta float64, y []float64, incY int) {
	if !validUplo(ul) || !fitsMatrix(n, n, len(a), lda) || !fitsVector(n, len(x), incX) || !fitsVector(n, len(y), incY) {
		b.Implementation.Dsymv(ul, n, alpha, a, lda, x, incX, beta, y, incY)
		return
	}
	to := compact(n, y, incY)
	scaleVector(beta, to)
	if alpha != 0 {
		symv(ul, alpha, matrix(n, n, a, lda), compact(n, x, incX), to)
	}
	spread(to, y, incY)
}

// Dsyr adds alpha·x·xᵀ to the symmetric A of order n.
func (b BLAS) Dsyr(ul blas.Uplo, n int, alpha float64, x []float64, incX int, a []float64, lda int) {
	if alpha == 0 || !validUplo(ul) || !fitsMatrix(n, n, len(a), lda) || !fitsVector(n, len(x), incX) {
		b.Implementation.Dsyr(ul, n, alpha, x, incX, a, lda)
		return
	}
	syr2(ul, alpha, compact(n, x, incX), nil, matrix(n, n, a, lda))
}

// Dsyr2 adds alpha·(x·yᵀ + y·xᵀ) to the symmetric A of order n.
func (b BLAS) Dsyr2(ul blas.Uplo, n int, alpha float64, x []float64, incX int, y []float64, incY int, a []float64, lda int) {
	if alpha == 0 || !validUplo(ul) || !fitsMatrix(n, n, len(a), lda) || !fitsVector(n, len(x), incX) || !fitsVector(n, len(y), incY) {
		b.Implementation.Dsyr2(ul, n, alpha, x, incX, y, incY, a, lda)
		return
	}
	syr2(ul, alpha, compact(n, x, incX), compact(n, y, incY), matrix(n, n, a, lda))
}

// Dtrmv sets x = op(A)·x for the triangular A of order n.
func (b BLAS) Dtrmv(ul blas.Uplo, tA blas.Transpose, d blas.Diag, n int, a []float64, lda int, x []float64, incX int) {
	if !validUplo(ul) || !validTrans(tA) || !validDiag(d) || !fitsMatrix(n, n, len(a), lda) || !fitsVector(n, len(x), incX) {
		b.Implementation.Dtrmv(ul, tA, d, n, a, lda, x, incX)
		return
	}
	to := compact(n, x, incX)
	newTriangle(ul, tA, d, n, a, lda).vector(to)
	spread(to, x, incX)
}

// Dtrsv sets x = op(A)⁻¹·x for the triangular A of order n.
func (b BLAS) Dtrsv(ul blas.Uplo, tA blas.Transpose, d blas.Diag, n int, a []float64, lda int, x []float64, incX int) {
	if !validUplo(ul) || !validTrans(tA) || !validDiag(d) || !fitsMatrix(n, n, len(a), lda) || !fitsVector(n, len(x), incX) {
		b.Implementation.Dtrsv(ul, tA, d, n, a, lda, x, incX)
		return
	}
	to := compact(n, x, incX)
	t := newTriangle(ul, tA, d, n, a, lda)
	t.inverse = true
	t.vector(to)
	spread(to, x, incX)
}

// Dgemm computes C = alpha·op(A)·op(B) + beta·C, where C is m×n and op(A) m×k.
func (b BLAS) Dgemm(tA, tB blas.Transpose, m, n, k int, alpha float64, a []float64, lda int, bb []float64, ldb int, beta float64, c []float64, ldc int) {
	ma, mb, mc := sized(tA, m, k, a, lda), sized(tB, k, n, bb, ldb), matrix(m, n, c, ldc)
	if !validTrans(tA) || !validTrans(tB) || !ma.fits() || !mb.fits() || !mc.fits() {
		b.Implementation.Dgemm(tA, tB, m, n, k, alpha, a, lda, bb, ldb, beta, c, ldc)
		return
	}
	GemmParallel(b.Workers, tA, tB, alpha, ma, mb, beta, mc)
}

// Dsymm computes C = alpha·A·B + beta·C, or alpha·B·A + beta·C from the right, for a
// symmetric A; B and C are m×n.
func (b BLAS) Dsymm(s blas.Side, ul blas.Uplo, m, n int, alpha float64, a []float64, lda int, bb []float64, ldb int, beta float64, c []float64, ldc int) {
	order := n
	if s == blas.Left {
		order = m
	}
	ma, mb, mc := matrix(order, order, a, lda), matrix(m, n, bb, ldb), matrix(m, n, c, ldc)
	if s != blas.Left && s != blas.Right || !validUplo(ul) || !ma.fits() || !mb.fits() || !mc.fits() {
		b.Implementation.Dsymm(s, ul, m, n, alpha, a, lda, bb, ldb, beta, c, ldc)
		return
	}
	symm(b.Workers, s, ul, alpha, ma, mb, beta, mc)
}

// Dsyrk computes the triangle ul of C = alpha·op(A)·op(A)ᵀ + beta·C, where op(A) is n×k.
func (b BLAS) Dsyrk(ul blas.Uplo, t blas.Transpose, n, k int, alpha float64, a []float64, lda int, beta float64, c []float64, ldc int) {
	ma, mc := sized(t, n, k, a, lda), matrix(n, n, c, ldc)
	if !validUplo(ul) || !validTrans(t) || !ma.fits() || !mc.fits() {
		b.Implementation.Dsyrk(ul, t, n, k, alpha, a, lda, beta, c, ldc)
		return
	}
	SyrkParallel(b.Workers, ul, t, alpha, ma, beta, mc)
}

// Dsyr2k computes the triangle ul of C = alpha·(op(A)·op(B)ᵀ + op(B)·op(A)ᵀ) + beta·C,
// where op(A) and op(B) are n×k.
func (b BLAS) Dsyr2k(ul blas.Uplo, t blas.Transpose, n, k int, alpha float64, a []float64, lda int, bb []float64, ldb int, beta float64, c []float64, ldc int) {
	ma, mb, mc := sized(t, n, k, a, lda), sized(t, n, k, bb, ldb), matrix(n, n, c, ldc)
	if !validUplo(ul) || !validTrans(t) || !ma.fits() || !mb.fits() || !mc.fits() {
		b.Implementation.Dsyr2k(ul, t, n, k, alpha, a, lda, bb, ldb, beta, c, ldc)
		return
	}
	triangleGemm(b.Workers, ul, t, flip(t), alpha, ma, mb, beta, mc)
	triangleGemm(b.Workers, ul, t, flip(t), alpha, mb, ma, 1, mc)
}

// Dtrmm sets B = alpha·op(A)·B, or alpha·B·op(A) from the right, for a triangular A; B is m×n.
func (b BLAS) Dtrmm(s blas.Side, ul blas.Uplo, tA blas.Transpose, d blas.Diag, m, n int, alpha float64, a []float64, lda int, bb []float64, ldb int) {
	order := n
	if s == blas.Left {
		order = m
	}
	mb := matrix(m, n, bb, ldb)
	if s != blas.Left && s != blas.Right || !validUplo(ul) || !validTrans(tA) || !validDiag(d) || !fitsMatrix(order, order, len(a), lda) || !mb.fits() {
		b.Implementation.Dtrmm(s, ul, tA, d, m, n, alpha, a, lda, bb, ldb)
		return
	}
	triangular(b.Workers, s, newTriangle(ul, tA, d, order, a, lda), alpha, mb)
}

// Dtrsm sets B = alpha·op(A)⁻¹·B, or alpha·B·op(A)⁻¹ from the right, for a triangular A;
// B is m×n.
func (b BLAS) Dtrsm(s blas.Side, ul blas.Uplo, tA blas.Transpose, d blas.Diag, m, n int, alpha float64, a []float64, lda int, bb []float64, ldb int) {
	order := n
	if s == blas.Left {
		order = m
	}
	mb := matrix(m, n, bb, ldb)
	if s != blas.Left && s != blas.Right || !validUplo(ul) || !validTrans(tA) || !validDiag(d) || !fitsMatrix(order, order, len(a), lda) || !mb.fits() {
		b.Implementation.Dtrsm(s, ul, tA, d, m, n, alpha, a, lda, bb, ldb)
		return
	}
	t := newTriangle(ul, tA, d, order, a, lda)
	t.inverse = true
	triangular(b.Workers, s, t, alpha, mb)
}
