package decomp

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// PCAModel is a fitted [PCA]: a gram.Transformer to the scores of k components, and a
// gram.Scorer by the density of probabilistic PCA, a normal distribution whose covariance
// has the k components' variances along them and the noise variance in all other
// directions (M. Tipping and C. Bishop, Probabilistic principal component analysis, JRSS B
// 61 (1999)).
//
// Its methods return gram.ErrShape for shapes that do not fit. Batch methods take O(n·d·k),
// row methods O(d·k) and no memory.
type PCAModel struct {
	linearMap
	variance []float64 // of the components, the largest first
	rest     float64   // the sum of the other variances
	weight   float64   // Σ w of the fit
	whiten   Whitening
	// derived
	inverse []float64 // 1/√variance
	noise   float64
	logDet  float64 // the logarithm of the covariance's determinant
}

var (
	_ gram.Transformer = (*PCAModel)(nil)
	_ gram.Scorer      = (*PCAModel)(nil)
)

// derive computes what follows from the fields.
func (m *PCAModel) derive() {
	k, d := len(m.variance), m.Features()
	m.inverse = make([]float64, k)
	for j, v := range m.variance {
		m.inverse[j] = 1 / math.Sqrt(v)
		m.logDet += math.Log(v)
	}
	if k < d {
		m.noise = m.rest / float64(d-k)
		m.logDet += float64(d-k) * math.Log(m.noise)
	}
}

// Components returns k.
func (m *PCAModel) Components() int { return len(m.variance) }

// OutFeatures returns k, or d under WhitenZCA.
func (m *PCAModel) OutFeatures() int {
	if m.whiten == WhitenZCA {
		return m.Features()
	}
	return len(m.variance)
}

// Mean returns a copy of the means of the columns.
func (m *PCAModel) Mean() []float64 { return slices.Clone(m.mean) }

// Basis returns a copy of the components, k×d row-major: orthonormal rows, the one of the
// largest variance first. The element of largest magnitude of each is positive.
func (m *PCAModel) Basis() []float64 { return slices.Clone(m.basis.Data) }

// ExplainedVariance returns a copy of the variances of the scores, with Σw − 1 for the divisor.
func (m *PCAModel) ExplainedVariance() []float64 { return slices.Clone(m.variance) }

// TotalVariance returns the sum of the variances of the columns.
func (m *PCAModel) TotalVariance() float64 { return f64.Sum(m.variance) + m.rest }

// ExplainedVarianceRatio returns the share of each component in the total variance, 0 if
// that is 0.
func (m *PCAModel) ExplainedVarianceRatio() []float64 {
	out := slices.Clone(m.variance)
	if total := m.TotalVariance(); total > 0 {
		for j, v := range out {
			out[j] = v / total
		}
	}
	return out
}

// CumulativeRatio returns the share of the first 1, 2, …, k components together.
func (m *PCAModel) CumulativeRatio() []float64 {
	out := m.ExplainedVarianceRatio()
	for j := 1; j < len(out); j++ {
		out[j] = min(1, out[j]+out[j-1])
	}
	return out
}

// SingularValues returns those of the weighted rows less their mean: √(variance·(Σw − 1)).
func (m *PCAModel) SingularValues() []float64 {
	out := slices.Clone(m.variance)
	for j, v := range out {
		out[j] = math.Sqrt(v * (m.weight - 1))
	}
	return out
}

// NoiseVariance returns the mean variance of the d−k directions that were left out, the
// maximum-likelihood estimate of probabilistic PCA; 0 for k = d.
func (m *PCAModel) NoiseVariance() float64 { return m.noise }

// Whitening tells how scores are scaled.
func (m *PCAModel) Whitening() Whitening { return m.whiten }

// Transform sets dst, n×OutFeatures row-major, to the scores of the rows of X, whitened
// if the trainer says so. A gram.Operator, as sparse matrices are, is only multiplied.
func (m *PCAModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	k := len(m.variance)
	return transform(dst, X, m.Features(), m.OutFeatures(), func(dst []float64, n int) {
		z := dst
		if m.whiten == WhitenZCA {
			z = make([]float64, n*k)
		}
		m.project(z, X, n)
		if m.whiten == NoWhitening {
			return
		}
		for i := range n {
			m.scale(z[i*k : (i+1)*k])
		}
		if m.whiten == WhitenZCA {
			linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, linalg.NewDense(n, k, z), m.basis, 0, linalg.NewDense(n, m.Features(), dst))
		}
	})
}

// scale divides scores by their standard deviations.
func (m *PCAModel) scale(z []float64) {
	for j, v := range m.inverse {
		z[j] *= v
	}
}

// unscale multiplies scores by their standard deviations.
func (m *PCAModel) unscale(z []float64) {
	for j, v := range m.variance {
		z[j] *= math.Sqrt(v)
	}
}

// TransformRow sets dst, of length OutFeatures, to the scores of x; dst may be x.
func (m *PCAModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.OutFeatures()); err != nil {
		return err
	}
	switch m.whiten {
	case NoWhitening:
		m.projectRow(dst, x)
	case WhitenPCA:
		m.projectRow(dst, x)
		m.scale(dst)
	case WhitenZCA:
		t := m.pool.Get().(*scratch)
		z := grow(&t.z, len(m.variance))
		m.projectRow(z, x)
		m.scale(z)
		clear(dst)
		f64.AxpyRows(z, m.basis.Data, m.basis.Stride, dst)
		m.pool.Put(t)
	}
	return nil
}

// InverseTransform sets dst, n×d row-major, to the rows whose transform is Z,
// n×OutFeatures: those of the reconstruction where k < d.
func (m *PCAModel) InverseTransform(dst []float64, Z gram.Matrix) ([]float64, error) {
	return transform(dst, Z, m.OutFeatures(), m.Features(), func(dst []float64, n int) {
		z := denseCopy(Z)
		if m.whiten == WhitenZCA {
			z = product(1, z, m.cols)
		}
		if m.whiten != NoWhitening {
			for i := range n {
				m.unscale(z.Row(i))
			}
		}
		m.restore(dst, z)
	})
}

// InverseTransformRow sets dst, of length d, to the row whose transform is z; dst may be z.
func (m *PCAModel) InverseTransformRow(dst, z []float64) error {
	if err := checkRow(dst, z, m.OutFeatures(), m.Features()); err != nil {
		return err
	}
	t := m.pool.Get().(*scratch)
	s := grow(&t.z, len(m.variance))
	if m.whiten == WhitenZCA {
		f64.DotRows(s, m.basis.Data, m.basis.Stride, z)
	} else {
		copy(s, z)
	}
	if m.whiten != NoWhitening {
		m.unscale(s)
	}
	m.restoreRow(dst, s)
	m.pool.Put(t)
	return nil
}

// ReconstructionError sets dst, of length n, to the squared distance of each row of X from
// its reconstruction from k components, a score of anomaly.
func (m *PCAModel) ReconstructionError(dst []float64, X gram.Matrix) ([]float64, error) {
	return transform(dst, X, m.Features(), 1, func(dst []float64, n int) {
		m.eachResidual(X, n, func(lo int, _, r *linalg.Dense[float64]) {
			for i := range r.Rows {
				dst[lo+i] = f64.SumSquares(r.Row(i))
			}
		})
	})
}

// eachResidual calls f with blocks of scores, and of rows less mean and reconstruction.
func (m *PCAModel) eachResidual(X gram.Matrix, n int, f func(lo int, z, r *linalg.Dense[float64])) {
	k := len(m.variance)
	m.eachBlock(X, n, func(lo, hi int, x *linalg.Dense[float64], t *scratch) {
		z := linalg.NewDense(hi-lo, k, grow(&t.z, (hi-lo)*k))
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, x, m.cols, 0, z)
		linalg.Gemm(blas.NoTrans, blas.NoTrans, -1, z, m.basis, 1, x)
		f(lo, z, x)
	})
}

// residualRow returns the scores of x and x less mean and reconstruction, in t.
func (m *PCAModel) residualRow(x []float64, t *scratch) (z, r []float64) {
	z, r = grow(&t.z, len(m.variance)), m.centred(x, t)
	f64.DotRows(z, m.basis.Data, m.basis.Stride, r)
	for j, v := range z {
		f64.Axpy(-v, m.basis.Row(j), r)
	}
	return z, r
}

// ReconstructionErrorRow returns the squared distance of x from its reconstruction.
func (m *PCAModel) ReconstructionErrorRow(x []float64) (float64, error) {
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return 0, err
	}
	t := m.pool.Get().(*scratch)
	_, r := m.residualRow(x, t)
	v := f64.SumSquares(r)
	m.pool.Put(t)
	return v, nil
}

// LogDensity sets dst, of length n, to the log-density of the rows of X. It returns
// gram.ErrSingular where the covariance is singular: where the noise variance is zero,
// or that of a component is.
func (m *PCAModel) LogDensity(dst []float64, X gram.Matrix) ([]float64, error) {
	if err := m.checkDensity(); err != nil {
		return nil, err
	}
	return transform(dst, X, m.Features(), 1, func(dst []float64, n int) {
		m.eachResidual(X, n, func(lo int, z, r *linalg.Dense[float64]) {
			for i := range r.Rows {
				dst[lo+i] = m.logDensity(z.Row(i), r.Row(i))
			}
		})
	})
}

// LogDensityRow returns the log-density of x; the error is that of LogDensity.
func (m *PCAModel) LogDensityRow(x []float64) (float64, error) {
	if err := m.checkDensity(); err != nil {
		return 0, err
	}
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return 0, err
	}
	t := m.pool.Get().(*scratch)
	v := m.logDensity(m.residualRow(x, t))
	m.pool.Put(t)
	return v, nil
}

func (m *PCAModel) checkDensity() error {
	if finite(m.logDet) {
		return nil
	}
	return fmt.Errorf("the covariance of %d components with noise variance %v in %d columns: %w",
		len(m.variance), m.noise, m.Features(), gram.ErrSingular)
}

// logDensity of a row of scores z and residual r.
func (m *PCAModel) logDensity(z, r []float64) float64 {
	square := 0.0
	for j, v := range z {
		v *= m.inverse[j]
		square += v * v
	}
	if m.noise > 0 {
		square += f64.SumSquares(r) / m.noise
	}
	return -(float64(m.Features())*math.Log(2*math.Pi) + m.logDet + square) / 2
}

func finite(v float64) bool { return v-v == 0 }
