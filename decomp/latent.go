package decomp

import (
	"slices"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// latentMap goes from rows to k latent scores by one matrix and back by another.
type latentMap struct {
	linearMap
	mixing *linalg.Dense[float64] // k×d: rows are about z·mixing + mean
}

func (m *latentMap) init(mean, basis []float64, mixing *linalg.Dense[float64]) {
	m.linearMap.init(mean, basis, mixing.Rows, mixing.Cols)
	m.mixing = mixing
}

// Components returns k.
func (m *latentMap) Components() int { return m.mixing.Rows }

// OutFeatures returns k.
func (m *latentMap) OutFeatures() int { return m.mixing.Rows }

// Mean returns a copy of the means of the columns.
func (m *latentMap) Mean() []float64 { return slices.Clone(m.mean) }

// Basis returns a copy of the matrix that takes a row less the mean to its scores, k×d
// row-major.
func (m *latentMap) Basis() []float64 { return slices.Clone(m.basis.Data) }

// Mixing returns a copy of the matrix, k×d row-major, whose rows are what each latent score
// adds to a row of data.
func (m *latentMap) Mixing() []float64 { return slices.Clone(m.mixing.Data) }

// Transform sets dst, n×k row-major, to the scores of the rows of X.
func (m *latentMap) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return transform(dst, X, m.Features(), m.OutFeatures(), func(dst []float64, n int) { m.project(dst, X, n) })
}

// TransformRow sets dst, of length k, to the scores of x; dst may be x.
func (m *latentMap) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.OutFeatures()); err != nil {
		return err
	}
	m.projectRow(dst, x)
	return nil
}

// InverseTransform sets dst, n×d row-major, to the rows without noise that the scores Z, n×k,
// stand for.
func (m *latentMap) InverseTransform(dst []float64, Z gram.Matrix) ([]float64, error) {
	return transform(dst, Z, m.OutFeatures(), m.Features(), func(dst []float64, n int) {
		out := linalg.NewDense(n, m.Features(), dst)
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, denseCopy(Z), m.mixing, 0, out)
		for i := range n {
			f64.Axpy(1, m.mean, out.Row(i))
		}
	})
}
