// Package linalg is gram's dense linear algebra: the matrix [Dense] of float64 or
// float32 and the products that models spend their time in, as fast as the
// machine's vector units and memory go.
//
// # Products
//
// [Gemm] multiplies matrices, [GemmParallel] does so on several goroutines with
// the same bits, [Syrk] computes one triangle of A·Aᵀ or Aᵀ·A in half the time,
// [Gemv] multiplies by a vector and [Ger] adds an outer product. [Dot], [Axpy],
// [Scal], [Nrm2], [Asum], [Sum] and [ArgMax] work on vectors. Names and arguments
// are those of the BLAS, with shapes taken from the matrices; transposition and
// triangle are gonum's blas.Transpose and blas.Uplo.
//
// # gonum on the same kernels
//
// [BLAS] implements gonum's blas.Float64 and blas.Float32: with
// blas64.Use(linalg.BLAS{}) at its start, a program's mat.Dense.Mul, Cholesky, LU, QR
// and the like run on the kernels of this package.
//
// # Factorizations
//
// All work in float64, in blocks, so that nearly all of the time goes to products.
//
//	NewCholesky       A = Uᵀ·U        symmetric positive definite; normal equations, Gaussian densities
//	NewLU             P·A = L·U       any square system
//	NewQR             A = Q·R         least squares, orthonormal bases
//	NewSymEigen       A = V·Λ·Vᵀ      symmetric; all eigenpairs or the k largest
//	NewSVD            A = U·Σ·Vᵀ      any shape; the safe choice where rank is in doubt
//	RandomizedSVD     A ≈ U·Σ·Vᵀ      a few leading terms of a large or sparse matrix
//	LeadingEigen      A·V ≈ V·Λ       a few eigenpairs of a large or implicit symmetric matrix
//	NewCovariance     mean, scatter   of rows, centred in blocks and merged
//
// A matrix that holds a NaN, is singular or is not positive definite is a fact about
// data: they return errors that wrap those of package gram. Workers is the most
// goroutines, 0 for GOMAXPROCS, and never changes a bit of the result.
//
// # Shapes and aliasing
//
// A mismatch of shapes is a programmer's mistake: functions panic with a message
// that begins with "linalg:" and holds the shapes. Matrices with no rows or no
// columns are valid everywhere. An output must not overlap an input unless a
// function says otherwise. Any stride of at least Cols is taken, elements between
// Cols and Stride are neither read nor written, and the last row may end with its
// last column. Where beta is 0 the output is not read, so it may hold NaN.
//
// # Rounding
//
// Results are deterministic: they depend on the operands, their shapes and the
// instruction level (AVX-512, AVX2 with FMA, portable Go), never on the number of
// goroutines. Between levels they differ by rounding. An element of a product of
// depth k has an error of at most about k·ε·Σ|aᵢ·bᵢ|.
//
// # gonum
//
// [FromGonum] and [ToGonum] convert between *mat.Dense and [Dense] without
// copying. Any gram.Matrix becomes a gram.Operator by [AsOperator], which is how
// models read their input.
package linalg
