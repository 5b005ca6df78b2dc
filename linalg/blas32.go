package linalg

import "gonum.org/v1/gonum/blas"

// Sdot returns Σ x[i]·y[i].
func (b BLAS) Sdot(n int, x []float32, incX int, y []float32, incY int) float32 {
	if incX != 1 || incY != 1 || !fitsVector(n, len(x), 1) || !fitsVector(n, len(y), 1) {
		return b.Implementation.Sdot(n, x, incX, y, incY)
	}
	return Dot(x[:n], y[:n])
}

// Snrm2 returns the Euclidean norm of x.
func (b BLAS) Snrm2(n int, x []float32, incX int) float32 {
	if incX != 1 || !fitsVector(n, len(x), 1) {
		return b.Implementation.Snrm2(n, x, incX)
	}
	return Nrm2(x[:n])
}

// Sasum returns Σ |x[i]|.
func (b BLAS) Sasum(n int, x []float32, incX int) float32 {
	if incX != 1 || !fitsVector(n, len(x), 1) {
		return b.Implementation.Sasum(n, x, incX)
	}
	return Asum(x[:n])
}

// Isamax returns the first index of the largest magnitude.
func (b BLAS) Isamax(n int, x []float32, incX int) int {
	if incX != 1 || !fitsVector(n, len(x), 1) {
		return b.Implementation.Isamax(n, x, incX)
	}
	return argMaxAbs(x[:n])
}

// Saxpy adds alpha·x to y.
func (b BLAS) Saxpy(n int, alpha float32, x []float32, incX int, y []float32, incY int) {
	if incX != 1 || incY != 1 || alpha == 0 || !fitsVector(n, len(x), 1) || !fitsVector(n, len(y), 1) {
		b.Implementation.Saxpy(n, alpha, x, incX, y, incY)
		return
	}
	Axpy(alpha, x[:n], y[:n])
}

// Sscal multiplies x by alpha.
func (b BLAS) Sscal(n int, alpha float32, x []float32, incX int) {
	if incX != 1 || alpha == 0 || !fitsVector(n, len(x), 1) {
		b.Implementation.Sscal(n, alpha, x, incX)
		return
	}
	Scal(alpha, x[:n])
}

// Srot rotates the points (x[i], y[i]).
func (b BLAS) Srot(n int, x []float32, incX int, y []float32, incY int, c, s float32) {
	if incX != 1 || incY != 1 || !fitsVector(n, len(x), 1) || !fitsVector(n, len(y), 1) {
		b.Implementation.Srot(n, x, incX, y, incY, c, s)
		return
	}
	blockKernels32.rot(x[:n], y[:n], c, s)
}

// Sgemv computes y = alpha·op(A)·x + beta·y for the m×n matrix A.
func (b BLAS) Sgemv(tA blas.Transpose, m, n int, alpha float32, a []float32, lda int, x []float32, incX int, beta float32, y []float32, incY int) {
	lenX, lenY := n, m
	if tA != blas.NoTrans {
		lenX, lenY = m, n
	}
	if !validTrans(tA) || !fitsMatrix(m, n, len(a), lda) || !fitsVector(lenX, len(x), incX) || !fitsVector(lenY, len(y), incY) {
		b.Implementation.Sgemv(tA, m, n, alpha, a, lda, x, incX, beta, y, incY)
		return
	}
	to := compact(lenY, y, incY)
	gemv(&kernels32, tA, alpha, matrix(m, n, a, lda), compact(lenX, x, incX), beta, to)
	spread(to, y, incY)
}

// Sger adds alpha·x·yᵀ to the m×n matrix A.
func (b BLAS) Sger(m, n int, alpha float32, x []float32, incX int, y []float32, incY int, a []float32, lda int) {
	if alpha == 0 || !fitsMatrix(m, n, len(a), lda) || !fitsVector(m, len(x), incX) || !fitsVector(n, len(y), incY) {
		b.Implementation.Sger(m, n, alpha, x, incX, y, incY, a, lda)
		return
	}
	Ger(alpha, compact(m, x, incX), compact(n, y, incY), matrix(m, n, a, lda))
}

// Ssymv computes y = alpha·A·x + beta·y for the symmetric A of order n.
func (b BLAS) Ssymv(ul blas.Uplo, n int, alpha float32, a []float32, lda int, x []float32, incX int, beta float32, y []float32, incY int) {
	if !validUplo(ul) || !fitsMatrix(n, n, len(a), lda) || !fitsVector(n, len(x), incX) || !fitsVector(n, len(y), incY) {
		b.Implementation.Ssymv(ul, n, alpha, a, lda, x, incX, beta, y, incY)
		return
	}
	to := compact(n, y, incY)
	scaleVector(beta, to)
	if alpha != 0 {
		symv(ul, alpha, matrix(n, n, a, lda), compact(n, x, incX), to)
	}
	spread(to, y, incY)
}

// Ssyr adds alpha·x·xᵀ to the symmetric A of order n.
func (b BLAS) Ssyr(ul blas.Uplo, n int, alpha float32, x []float32, incX int, a []float32, lda int) {
	if alpha == 0 || !validUplo(ul) || !fitsMatrix(n, n, len(a), lda) || !fitsVector(n, len(x), incX) {
		b.Implementation.Ssyr(ul, n, alpha, x, incX, a, lda)
		return
	}
	syr2(ul, alpha, compact(n, x, incX), nil, matrix(n, n, a, lda))
}

// Ssyr2 adds alpha·(x·yᵀ + y·xᵀ) to the symmetric A of order n.
func (b BLAS) Ssyr2(ul blas.Uplo, n int, alpha float32, x []float32, incX int, y []float32, incY int, a []float32, lda int) {
	if alpha == 0 || !validUplo(ul) || !fitsMatrix(n, n, len(a), lda) || !fitsVector(n, len(x), incX) || !fitsVector(n, len(y), incY) {
		b.Implementation.Ssyr2(ul, n, alpha, x, incX, y, incY, a, lda)
		return
	}
	syr2(ul, alpha, compact(n, x, incX), compact(n, y, incY), matrix(n, n, a, lda))
}

// Strmv sets x = op(A)·x for the triangular A of order n.
func (b BLAS) Strmv(ul blas.Uplo, tA blas.Transpose, d blas.Diag, n int, a []float32, lda int, x []float32, incX int) {
	if !validUplo(ul) || !validTrans(tA) || !validDiag(d) || !fitsMatrix(n, n, len(a), lda) || !fitsVector(n, len(x), incX) {
		b.Implementation.Strmv(ul, tA, d, n, a, lda, x, incX)
		return
	}
	to := compact(n, x, incX)
	newTriangle(ul, tA, d, n, a, lda).vector(to)
	spread(to, x, incX)
}

// Strsv sets x = op(A)⁻¹·x for the triangular A of order n.
func (b BLAS) Strsv(ul blas.Uplo, tA blas.Transpose, d blas.Diag, n int, a []float32, lda int, x []float32, incX int) {
	if !validUplo(ul) || !validTrans(tA) || !validDiag(d) || !fitsMatrix(n, n, len(a), lda) || !fitsVector(n, len(x), incX) {
		b.Implementation.Strsv(ul, tA, d, n, a, lda, x, incX)
		return
	}
	to := compact(n, x, incX)
	t := newTriangle(ul, tA, d, n, a, lda)
	t.inverse = true
	t.vector(to)
	spread(to, x, incX)
}

// Sgemm computes C = alpha·op(A)·op(B) + beta·C, where C is m×n and op(A) m×k.
func (b BLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, bb []float32, ldb int, beta float32, c []float32, ldc int) {
	ma, mb, mc := sized(tA, m, k, a, lda), sized(tB, k, n, bb, ldb), matrix(m, n, c, ldc)
	if !validTrans(tA) || !validTrans(tB) || !ma.fits() || !mb.fits() || !mc.fits() {
		b.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, bb, ldb, beta, c, ldc)
		return
	}
	GemmParallel(b.Workers, tA, tB, alpha, ma, mb, beta, mc)
}

// Ssymm computes C = alpha·A·B + beta·C, or alpha·B·A + beta·C from the right, for a
// symmetric A; B and C are m×n.
func (b BLAS) Ssymm(s blas.Side, ul blas.Uplo, m, n int, alpha float32, a []float32, lda int, bb []float32, ldb int, beta float32, c []float32, ldc int) {
	order := n
	if s == blas.Left {
		order = m
	}
	ma, mb, mc := matrix(order, order, a, lda), matrix(m, n, bb, ldb), matrix(m, n, c, ldc)
	if s != blas.Left && s != blas.Right || !validUplo(ul) || !ma.fits() || !mb.fits() || !mc.fits() {
		b.Implementation.Ssymm(s, ul, m, n, alpha, a, lda, bb, ldb, beta, c, ldc)
		return
	}
	symm(b.Workers, s, ul, alpha, ma, mb, beta, mc)
}

// Ssyrk computes the triangle ul of C = alpha·op(A)·op(A)ᵀ + beta·C, where op(A) is n×k.
func (b BLAS) Ssyrk(ul blas.Uplo, t blas.Transpose, n, k int, alpha float32, a []float32, lda int, beta float32, c []float32, ldc int) {
	ma, mc := sized(t, n, k, a, lda), matrix(n, n, c, ldc)
	if !validUplo(ul) || !validTrans(t) || !ma.fits() || !mc.fits() {
		b.Implementation.Ssyrk(ul, t, n, k, alpha, a, lda, beta, c, ldc)
		return
	}
	SyrkParallel(b.Workers, ul, t, alpha, ma, beta, mc)
}

// Ssyr2k computes the triangle ul of C = alpha·(op(A)·op(B)ᵀ + op(B)·op(A)ᵀ) + beta·C,
// where op(A) and op(B) are n×k.
func (b BLAS) Ssyr2k(ul blas.Uplo, t blas.Transpose, n, k int, alpha float32, a []float32, lda int, bb []float32, ldb int, beta float32, c []float32, ldc int) {
	ma, mb, mc := sized(t, n, k, a, lda), sized(t, n, k, bb, ldb), matrix(n, n, c, ldc)
	if !validUplo(ul) || !validTrans(t) || !ma.fits() || !mb.fits() || !mc.fits() {
		b.Implementation.Ssyr2k(ul, t, n, k, alpha, a, lda, bb, ldb, beta, c, ldc)
		return
	}
	triangleGemm(b.Workers, ul, t, flip(t), alpha, ma, mb, beta, mc)
	triangleGemm(b.Workers, ul, t, flip(t), alpha, mb, ma, 1, mc)
}

// Strmm sets B = alpha·op(A)·B, or alpha·B·op(A) from the right, for a triangular A; B is m×n.
func (b BLAS) Strmm(s blas.Side, ul blas.Uplo, tA blas.Transpose, d blas.Diag, m, n int, alpha float32, a []float32, lda int, bb []float32, ldb int) {
	order := n
	if s == blas.Left {
		order = m
	}
	mb := matrix(m, n, bb, ldb)
	if s != blas.Left && s != blas.Right || !validUplo(ul) || !validTrans(tA) || !validDiag(d) || !fitsMatrix(order, order, len(a), lda) || !mb.fits() {
		b.Implementation.Strmm(s, ul, tA, d, m, n, alpha, a, lda, bb, ldb)
		return
	}
	triangular(b.Workers, s, newTriangle(ul, tA, d, order, a, lda), alpha, mb)
}

// Strsm sets B = alpha·op(A)⁻¹·B, or alpha·B·op(A)⁻¹ from the right, for a triangular A;
// B is m×n.
func (b BLAS) Strsm(s blas.Side, ul blas.Uplo, tA blas.Transpose, d blas.Diag, m, n int, alpha float32, a []float32, lda int, bb []float32, ldb int) {
	order := n
	if s == blas.Left {
		order = m
	}
	mb := matrix(m, n, bb, ldb)
	if s != blas.Left && s != blas.Right || !validUplo(ul) || !validTrans(tA) || !validDiag(d) || !fitsMatrix(order, order, len(a), lda) || !mb.fits() {
		b.Implementation.Strsm(s, ul, tA, d, m, n, alpha, a, lda, bb, ldb)
		return
	}
	t := newTriangle(ul, tA, d, order, a, lda)
	t.inverse = true
	triangular(b.Workers, s, t, alpha, mb)
}
