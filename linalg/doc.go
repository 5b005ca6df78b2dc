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
