package decomp

import (
	"fmt"
	"slices"
	"sync"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// KernelPCAModel is a fitted [KernelPCA]: a gram.Transformer to the scores of k components.
// Of m landmarks, a row takes O(m·(d + k)); row methods take no memory.
type KernelPCAModel struct {
	kernel   kernelMap
	coef     *linalg.Dense[float64] // k×m
	shift    []float64              // of the scores
	variance []float64
	total    float64
	// The way back: nil, or the kernel of scores with those of the landmarks, what it is
	// multiplied by, m×d, and the mean that is added.
	back *kernelMap
	dual *linalg.Dense[float64]
	mean []float64
	// derived
	cols     *linalg.Dense[float64] // coefᵀ, m×k
	dualCols *linalg.Dense[float64] // dualᵀ, d×m
	pool     sync.Pool
}

var _ gram.Transformer = (*KernelPCAModel)(nil)

// init computes what follows from the fields.
func (m *KernelPCAModel) init() {
	m.cols = transposed(m.coef)
	m.pool.New = func() any { return new(scratch) }
}

func (m *KernelPCAModel) setInverse(back *kernelMap, dual *linalg.Dense[float64], mean []float64) {
	m.back, m.dual, m.mean = back, dual, mean
	m.dualCols = transposed(dual)
}

// Features returns d.
func (m *KernelPCAModel) Features() int { return m.kernel.landmarks.Cols }

// OutFeatures returns k.
func (m *KernelPCAModel) OutFeatures() int { return m.coef.Rows }

// Components returns k.
func (m *KernelPCAModel) Components() int { return m.coef.Rows }

// Landmarks returns the number of rows that new ones are compared with.
func (m *KernelPCAModel) Landmarks() int { return m.kernel.landmarks.Rows }

// ExplainedVariance returns a copy of the variances of the scores of the training rows, with
// Σw − 1 for the divisor: the largest first. Times Σw − 1 they are the eigenvalues of the
// centred kernel.
func (m *KernelPCAModel) ExplainedVariance() []float64 { return slices.Clone(m.variance) }

// ExplainedVarianceRatio returns the share of each in the variance of all directions of the
// kernel's space, which may be infinitely many.
func (m *KernelPCAModel) ExplainedVarianceRatio() []float64 {
	out := slices.Clone(m.variance)
	f64.Scal(1/m.total, out)
	return out
}

// Transform sets dst, n×k row-major, to the scores of the rows of X.
func (m *KernelPCAModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	k := m.OutFeatures()
	return transform(dst, X, m.Features(), k, func(dst []float64, n int) {
		m.kernel.each(X, n, func(lo, hi int, kernels *linalg.Dense[float64]) {
			out := linalg.NewDense(hi-lo, k, dst[lo*k:hi*k])
			linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, kernels, m.cols, 0, out)
			for i := range out.Rows {
				f64.Axpy(-1, m.shift, out.Row(i))
			}
		})
	})
}

// each calls f with the kernels of blocks of rows.
func (k *kernelMap) each(X gram.Matrix, n int, f func(lo, hi int, kernels *linalg.Dense[float64])) {
	op := linalg.AsOperator(X)
	size := blockRows(k.landmarks.Rows)
	buf := make([]float64, min(n, size)*k.landmarks.Rows)
	for lo := 0; lo < n; lo += size {
		hi := min(n, lo+size)
		kernels := linalg.NewDense(hi-lo, k.landmarks.Rows, buf[:(hi-lo)*k.landmarks.Rows])
		k.block(kernels, k.rowsOf(op, lo, hi))
		f(lo, hi, kernels)
	}
}

// TransformRow sets dst, of length k, to the scores of x; dst may be x.
func (m *KernelPCAModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.OutFeatures()); err != nil {
		return err
	}
	m.kernel.apply(dst, x, m.coef, &m.pool)
	f64.Axpy(-1, m.shift, dst)
	return nil
}

// apply sets dst to the products of rows of a with the kernels of x.
func (k *kernelMap) apply(dst, x []float64, a *linalg.Dense[float64], pool *sync.Pool) {
	t := pool.Get().(*scratch)
	row, kernels := grow(&t.x, len(x)), grow(&t.z, k.landmarks.Rows)
	k.prepare(row, x)
	k.row(kernels, row)
	f64.DotRows(dst, a.Data, a.Stride, kernels)
	pool.Put(t)
}

// noInverse is the error of a model without a way back.
func (m *KernelPCAModel) noInverse() error {
	if m.back == nil {
		return fmt.Errorf("the model was fitted without Inverse: %w", gram.ErrParam)
	}
	return nil
}

// InverseTransform sets dst, n×d row-major, to rows whose scores are about Z, n×k. The model
// must have been fitted with Inverse; otherwise the error is ErrParam.
func (m *KernelPCAModel) InverseTransform(dst []float64, Z gram.Matrix) ([]float64, error) {
	if err := m.noInverse(); err != nil {
		return nil, err
	}
	d := m.Features()
	return transform(dst, Z, m.OutFeatures(), d, func(dst []float64, n int) {
		m.back.each(Z, n, func(lo, hi int, kernels *linalg.Dense[float64]) {
			out := linalg.NewDense(hi-lo, d, dst[lo*d:hi*d])
			linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, kernels, m.dual, 0, out)
			for i := range out.Rows {
				f64.Axpy(1, m.mean, out.Row(i))
			}
		})
	})
}

// InverseTransformRow sets dst, of length d, to a row whose scores are about z; dst may be z.
func (m *KernelPCAModel) InverseTransformRow(dst, z []float64) error {
	if err := m.noInverse(); err != nil {
		return err
	}
	if err := checkRow(dst, z, m.OutFeatures(), m.Features()); err != nil {
		return err
	}
	m.back.apply(dst, z, m.dualCols, &m.pool)
	f64.Axpy(1, m.mean, dst)
	return nil
}

func encodeKernelPCA(e *gram.Encoder, m *KernelPCAModel) {
	m.kernel.encode(e)
	e.Int(m.Landmarks())
	e.Int(m.Features())
	e.Floats(m.kernel.landmarks.Data)
	e.Floats(m.kernel.origin)
	e.Floats(m.shift)
	e.Floats(m.coef.Data)
	e.Floats(m.variance)
	e.Float(m.total)
	e.Bool(m.back != nil)
	if m.back != nil {
		e.Floats(m.back.landmarks.Data)
		e.Floats(m.dual.Data)
		e.Floats(m.mean)
	}
}

func decodeKernelPCA(d *gram.Decoder, _ int) *KernelPCAModel {
	m := &KernelPCAModel{kernel: decodeKernel(d)}
	rows, features := d.Count(), d.Count()
	landmarks := d.Floats(rows, features)
	m.kernel.origin = d.Floats()
	m.shift = d.Floats()
	k := len(m.shift)
	coef := d.Floats(k, rows)
	m.variance = d.Floats(k)
	m.total = d.Float()
	checkFinite(d, landmarks, m.kernel.origin, m.shift, coef, m.variance, []float64{m.total})
	moves := m.kernel.kind == LinearKernel || m.kernel.kind == RBF
	if k == 0 || rows == 0 || features == 0 || !(m.total > 0) || moves != (m.kernel.origin != nil) || moves && len(m.kernel.origin) != features {
		d.Fail("%d components of %d landmarks of %d features, total variance %v", k, rows, features, m.total)
	}
	inverse := d.Bool()
	var scores, dual []float64
	if inverse {
		scores, dual, m.mean = d.Floats(rows, k), d.Floats(rows, features), d.Floats(features)
		checkFinite(d, scores, dual, m.mean)
	}
	if d.Err() != nil {
		return nil
	}
	m.kernel.setLandmarks(linalg.NewDense(rows, features, landmarks))
	m.coef = linalg.NewDense(k, rows, coef)
	m.init()
	if inverse {
		back := m.kernel
		back.origin = nil
		back.setLandmarks(linalg.NewDense(rows, k, scores))
		m.setInverse(&back, linalg.NewDense(rows, features, dual), m.mean)
	}
	return m
}
