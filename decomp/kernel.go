package decomp

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// A Kernel is an inner product of rows x and y in a space that they are mapped to.
type Kernel int

const (
	// LinearKernel is x·y.
	LinearKernel Kernel = iota
	// RBF is exp(−γ‖x − y‖²).
	RBF
	// Polynomial is (γ·x·y + c)^degree.
	Polynomial
	// Sigmoid is tanh(γ·x·y + c). It is no inner product for some data; directions of
	// negative squared length are left out.
	Sigmoid
	// Cosine is x·y/(‖x‖·‖y‖), and 0 for rows of zeros.
	Cosine
	// customKernel is a function of the user's.
	customKernel
)

// String returns "linear", "rbf", "polynomial", "sigmoid", "cosine" or "custom".
func (k Kernel) String() string {
	names := [...]string{"linear", "rbf", "polynomial", "sigmoid", "cosine", "custom"}
	if k < 0 || int(k) >= len(names) {
		return fmt.Sprintf("Kernel(%d)", int(k))
	}
	return names[k]
}

// kernelMap compares rows with landmarks.
type kernelMap struct {
	kind         Kernel
	gamma, coef0 float64
	degree       int
	custom       func(x, y []float64) float64
	origin       []float64              // subtracted first, or nil
	landmarks    *linalg.Dense[float64] // m×d, prepared
	squares      []float64              // their squared lengths
}

// prepare sets dst to x as landmarks are kept: less the origin, and of length 1 for Cosine.
func (k *kernelMap) prepare(dst, x []float64) {
	copy(dst, x)
	if k.origin != nil {
		f64.Axpy(-1, k.origin, dst)
	}
	if k.kind == Cosine {
		if norm := math.Sqrt(f64.SumSquares(dst)); norm > 0 {
			f64.Scal(1/norm, dst)
		}
	}
}

// rowsOf returns rows lo ≤ i < hi of X, prepared.
func (k *kernelMap) rowsOf(X gram.Operator, lo, hi int) *linalg.Dense[float64] {
	_, d := X.Dims()
	out := linalg.NewDense[float64](hi-lo, d, nil)
	raw, stride := X.RowBlock(make([]float64, (hi-lo)*d), lo, hi)
	for i := range out.Rows {
		k.prepare(out.Row(i), raw[i*stride:i*stride+d])
	}
	return out
}

// setLandmarks takes prepared rows.
func (k *kernelMap) setLandmarks(rows *linalg.Dense[float64]) {
	k.landmarks = rows
	k.squares = make([]float64, rows.Rows)
	for i := range k.squares {
		k.squares[i] = f64.SumSquares(rows.Row(i))
	}
}

// block sets dst, rows×m, to the kernel of prepared rows x with the landmarks.
func (k *kernelMap) block(dst, x *linalg.Dense[float64]) {
	if k.kind == customKernel {
		for i := range x.Rows {
			k.row(dst.Row(i), x.Row(i))
		}
		return
	}
	linalg.Gemm(blas.NoTrans, blas.Trans, 1, x, k.landmarks, 0, dst)
	for i := range x.Rows {
		k.finish(dst.Row(i), f64.SumSquares(x.Row(i)))
	}
}

// row sets dst, of length m, to the kernel of one prepared row with the landmarks.
func (k *kernelMap) row(dst, x []float64) {
	if k.kind == customKernel {
		for i := range dst {
			dst[i] = k.custom(x, k.landmarks.Row(i))
		}
		return
	}
	f64.DotRows(dst, k.landmarks.Data, k.landmarks.Stride, x)
	k.finish(dst, f64.SumSquares(x))
}

// finish turns inner products of a row, of the given squared length, into kernels.
func (k *kernelMap) finish(v []float64, square float64) {
	switch k.kind {
	case RBF:
		squares := k.squares[:len(v)]
		for i, dot := range v {
			v[i] = -k.gamma * max(0, square+squares[i]-2*dot)
		}
		f64.Exp(v, v)
	case Polynomial:
		for i, dot := range v {
			base, p := k.gamma*dot+k.coef0, 1.0
			for range k.degree {
				p *= base
			}
			v[i] = p
		}
	case Sigmoid:
		for i, dot := range v {
			v[i] = math.Tanh(k.gamma*dot + k.coef0)
		}
	}
}

// encode appends all but the landmarks.
func (k *kernelMap) encode(e *gram.Encoder) {
	if k.kind == customKernel {
		e.Fail("a kernel that is a function of Go cannot be saved")
	}
	e.Int(int(k.kind))
	e.Float(k.gamma)
	e.Float(k.coef0)
	e.Int(k.degree)
}

// decodeKernel reads what encode wrote.
func decodeKernel(d *gram.Decoder) kernelMap {
	k := kernelMap{kind: Kernel(d.Int()), gamma: d.Float(), coef0: d.Float(), degree: d.Int()}
	checkFinite(d, []float64{k.gamma, k.coef0})
	if k.kind < LinearKernel || k.kind > Cosine || k.gamma <= 0 || k.degree < 1 || k.degree > maxDegree {
		d.Fail("kernel %v, gamma %v, degree %d", k.kind, k.gamma, k.degree)
	}
	return k
}

// maxDegree bounds the degree of a polynomial kernel.
const maxDegree = 1000
