package decomp

import (
	"math"
	"slices"
	"sync"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// NMFModel is a fitted [NMF]: a gram.Transformer to the non-negative scores of least loss for
// each row by itself, a convex problem that is solved to rounding: non-negative least squares
// for the Frobenius loss. Under KullbackLeibler negative elements of a row count as 0.
type NMFModel struct {
	linearMap
	loss        NMFLoss
	convergence gram.Convergence
	// derived
	gram    []float64 // H·Hᵀ
	totals  []float64 // the sums of the rows of H
	solvers sync.Pool
}

var _ gram.Transformer = (*NMFModel)(nil)

// init takes H, k×d row-major.
func (m *NMFModel) init(basis []float64, k, d int) {
	m.linearMap.init(nil, basis, k, d)
	m.gram = product(1, m.basis, m.cols).Data
	m.totals = make([]float64, k)
	for j := range k {
		m.totals[j] = f64.Sum(m.basis.Row(j))
	}
	m.solvers.New = func() any { return new(nmfScratch) }
}

// Components returns k.
func (m *NMFModel) Components() int { return m.basis.Rows }

// OutFeatures returns k.
func (m *NMFModel) OutFeatures() int { return m.basis.Rows }

// Basis returns a copy of H, k×d row-major.
func (m *NMFModel) Basis() []float64 { return slices.Clone(m.basis.Data) }

// Loss returns what the fit minimised.
func (m *NMFModel) Loss() NMFLoss { return m.loss }

// Convergence tells how the fit ended. The objective is the loss; for Frobenius it
// has an error of about 1e-16 of half the squared length of X.
func (m *NMFModel) Convergence() gram.Convergence { return m.convergence }

// Transform sets dst, n×k row-major, to the scores of the rows of X. A row takes
// O(d·k) and some steps of O(k³), or, for KullbackLeibler, some of O(d·k² + k³) with its
// non-zeros in place of d.
func (m *NMFModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return transform(dst, X, m.Features(), m.OutFeatures(), func(dst []float64, n int) {
		t := m.solvers.Get().(*nmfScratch)
		defer m.solvers.Put(t)
		k := m.basis.Rows
		if m.loss == Frobenius {
			m.project(dst, X, n)
			for i := range n {
				m.leastSquares(dst[i*k:(i+1)*k], t)
			}
			return
		}
		op := linalg.AsOperator(X)
		size := max(8, blockElems/m.Features())
		for lo := 0; lo < n; lo += size {
			eachRow(X, op, lo, min(n, lo+size), func(i int, col []uint32, val []float64) {
				basis, stride := m.basis.Data, m.basis.Stride
				if col != nil {
					basis, stride = m.gather(col), len(col)
				}
				m.leastDivergence(dst[i*k:(i+1)*k], val, basis, stride, t)
			})
		}
	})
}

// gather returns the given columns of the basis.
func (m *NMFModel) gather(col []uint32) []float64 {
	out := make([]float64, m.basis.Rows*len(col))
	for e, c := range col {
		for j, v := range m.cols.Row(int(c)) {
			out[j*len(col)+e] = v
		}
	}
	return out
}

// TransformRow sets dst, of length k, to the scores of x; dst may be x.
func (m *NMFModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.OutFeatures()); err != nil {
		return err
	}
	t := m.solvers.Get().(*nmfScratch)
	defer m.solvers.Put(t)
	if m.loss == Frobenius {
		m.projectRow(dst, x)
		m.leastSquares(dst, t)
		return nil
	}
	t.x = append(t.x[:0], x...)
	m.leastDivergence(dst, t.x, m.basis.Data, m.basis.Stride, t)
	return nil
}

// nmfScratch is the memory of one call.
type nmfScratch struct {
	nonNegative
	squared    squaredLoss
	divergence divergenceLoss
	x, b       []float64
}

// leastSquares replaces z, which is H·x, by the scores of least squared error.
func (m *NMFModel) leastSquares(z []float64, t *nmfScratch) {
	t.squared.gram, t.squared.b = m.gram, grow(&t.b, len(z))
	copy(t.squared.b, z)
	t.resize(len(z))
	for j, v := range z {
		t.z[j] = 0
		if g := m.gram[j*len(z)+j]; v > 0 && g > 0 {
			t.z[j] = v / (g * float64(len(z)))
		}
	}
	t.minimise(&t.squared)
	copy(z, t.z)
}

// leastDivergence sets z to the scores of least divergence from x, whose elements are
// those that the columns of basis, k×len(x), belong to.
func (m *NMFModel) leastDivergence(z, x, basis []float64, stride int, t *nmfScratch) {
	sum := 0.0
	for _, v := range x {
		sum += max(0, v)
	}
	total := f64.Sum(m.totals)
	for j := range z {
		z[j] = sum / max(total, math.SmallestNonzeroFloat64)
	}
	if !(sum > 0) {
		return // 0, or NaN
	}
	t.divergence = divergenceLoss{basis: basis, totals: m.totals, x: x, stride: stride}
	t.resize(len(z))
	copy(t.z, z)
	t.multiply(&t.divergence, 10)
	t.minimise(&t.divergence)
	copy(z, t.z)
}

// InverseTransform sets dst, n×d row-major, to the rows Z·H that the scores Z, n×k, stand for.
func (m *NMFModel) InverseTransform(dst []float64, Z gram.Matrix) ([]float64, error) {
	return transform(dst, Z, m.OutFeatures(), m.Features(), func(dst []float64, n int) { m.restore(dst, denseCopy(Z)) })
}

func encodeNMF(e *gram.Encoder, m *NMFModel) {
	e.Int(m.basis.Rows)
	e.Int(m.Features())
	e.Floats(m.basis.Data)
	e.Int(int(m.loss))
	e.Convergence(m.convergence)
}

func decodeNMF(d *gram.Decoder, _ int) *NMFModel {
	k, features := d.Count(), d.Count()
	basis := d.Floats(k, features)
	m := &NMFModel{loss: NMFLoss(d.Int()), convergence: d.Convergence()}
	checkFinite(d, basis)
	if k == 0 || features == 0 {
		d.Fail("%d components of %d features", k, features)
	}
	if m.loss < Frobenius || m.loss > KullbackLeibler {
		d.Fail("%v", m.loss)
	}
	for _, v := range basis {
		if v < 0 {
			d.Fail("basis holds %v", v)
		}
	}
	if d.Err() != nil {
		return nil
	}
	m.init(basis, k, features)
	return m
}
