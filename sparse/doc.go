// Package sparse holds vectors and matrices whose cost follows their entries: no
// operation takes time or memory of the order of rows × columns, but for those that
// are asked for a dense result.
//
// # Types
//
//   - [CSR], compressed rows, is what everything computes with: a gram.Operator, so
//     every model takes it, and a gonum mat.Matrix.
//   - [CSC], compressed columns, is the transposed view of a CSR and costs nothing.
//   - [COO], a list of entries in any order, is for building, and [Builder] for rows
//     that come one at a time.
//   - [Vector] is a sparse vector, or a view of a row.
//
// Indices have 32 bits, for up to 2³² columns; offsets have 64. Values are float64 or
// float32.
//
// # Rules
//
// Rows are sorted and free of duplicates in all that this package returns, but for
// [MulUnsorted]. An entry may be zero: operations keep what falls on an entry's place,
// and only [FromDense], [CSR.Prune] and [CSR.Filter] drop entries. An element that is
// no entry is an exact zero: its product with a NaN or an infinity is no term.
//
// Constructors and readers check their input and return errors that wrap gram's and
// say what is wrong; a literal &CSR{…} is not checked. A mismatch of shapes in an
// operation is a programmer's mistake and panics with a message that begins with
// "sparse:". Outputs must not overlap inputs.
//
// # Products
//
//	A·x, Aᵀ·x          [CSR.MulVec], [CSR.MulTransVec]
//	A·B, Aᵀ·B, B dense [CSR.MulDense], [CSR.MulTransDense]; B·A by [DenseMul]
//	A·B, B sparse      [Mul], in any order of columns [MulUnsorted]
//	(A·B)∘M            [MulMasked]; of dense A and Bᵀ [SampledMul]
//	A·Aᵀ, upper half   [Syrk]; of rows of length 1 [CosineSimilarity]
//	top k of A·B       [TopK]
//	(X − 1·μᵀ)·B       [Centered], for PCA
//
// Forms named Parallel, and those with a number of workers, run on that many
// goroutines, 0 for GOMAXPROCS. Work is cut by entries, and the result has the same
// bits for any number. Between instruction levels (AVX-512, AVX2, Go) results differ by
// rounding.
//
// Products by Aᵀ write where the columns say, on one goroutine: for many, transpose
// once by [CSR.Transpose], which takes the time of a few products.
//
// # Text and files
//
// [FeatureHasher] and [TFIDF] make rows of tokens, [MinHash] and [NearDuplicates] find
// sets that are alike. [ReadSVMLight] and [ReadMatrixMarket] read files as a stream,
// [ReadNPZ] those of scipy.sparse.save_npz.
//
// # Sources
//
// T. A. Davis, Direct Methods for Sparse Linear Systems, SIAM 2006, for the data
// structures; F. G. Gustavson, ACM TOMS 4 (1978), for the product.
package sparse
