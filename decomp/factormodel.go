package decomp

import (
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// FactorAnalysisModel is a fitted [FactorAnalysis]: a gram.Transformer to the expected factors
// of a row, and a gram.Scorer by its density. Batch methods take O(n·d·k), row methods O(d·k)
// and no memory.
type FactorAnalysisModel struct {
	latentMap
	noise       []float64
	convergence gram.Convergence
	// derived
	inverse []float64 // 1/noise
	logDet  float64   // the logarithm of the covariance's determinant
}

var (
	_ gram.Transformer = (*FactorAnalysisModel)(nil)
	_ gram.Scorer      = (*FactorAnalysisModel)(nil)
)

// init derives the map to factors, (I + LΨ⁻¹Lᵀ)⁻¹·LΨ⁻¹, from loadings L, k×d.
func (m *FactorAnalysisModel) init(mean []float64, loadings *linalg.Dense[float64]) {
	k, d := loadings.Rows, loadings.Cols
	m.inverse = make([]float64, d)
	scaled := linalg.CopyOf[float64](loadings)
	for j, v := range m.noise {
		m.inverse[j] = 1 / v
		m.logDet += math.Log(v)
		for i := range k {
			scaled.Row(i)[j] /= v
		}
	}
	inner := product(1, scaled, transposed(loadings))
	for i := range k {
		inner.Row(i)[i]++
	}
	c, err := linalg.NewCholesky(1, inner)
	if err != nil { // a hostile file: finite, but too large to invert
		for i := range scaled.Data {
			scaled.Data[i] = math.NaN()
		}
		m.logDet = math.NaN()
	} else {
		m.logDet += c.LogDet()
		c.Solve(1, scaled, scaled)
	}
	m.latentMap.init(mean, scaled.Data, loadings)
}

// NoiseVariance returns a copy of the variances of the columns' noise.
func (m *FactorAnalysisModel) NoiseVariance() []float64 { return slices.Clone(m.noise) }

// Communalities returns, for each column, the share of its variance that the factors explain.
func (m *FactorAnalysisModel) Communalities() []float64 {
	out := make([]float64, len(m.noise))
	for j, v := range m.noise {
		common := 0.0
		for i := range m.mixing.Rows {
			common += m.mixing.At(i, j) * m.mixing.At(i, j)
		}
		out[j] = common / (common + v)
	}
	return out
}

// Covariance returns that of the model, d×d row-major: LᵀL plus the noise.
func (m *FactorAnalysisModel) Covariance() []float64 {
	out := product(1, transposed(m.mixing), m.mixing)
	for j, v := range m.noise {
		out.Row(j)[j] += v
	}
	return out.Data
}

// Convergence tells how the fit ended.
func (m *FactorAnalysisModel) Convergence() gram.Convergence { return m.convergence }

// LogDensity sets dst, of length n, to the log-densities of the rows of X, in nats.
func (m *FactorAnalysisModel) LogDensity(dst []float64, X gram.Matrix) ([]float64, error) {
	return transform(dst, X, m.Features(), 1, func(dst []float64, n int) {
		m.eachBlock(X, n, func(lo, hi int, x *linalg.Dense[float64], t *scratch) {
			z, rest := make([]float64, m.Components()), make([]float64, m.Features())
			for i := range x.Rows {
				dst[lo+i] = m.density(x.Row(i), z, rest)
			}
		})
	})
}

// density returns the log-density of a row less the mean: of its expected factors z and of
// what they leave.
func (m *FactorAnalysisModel) density(x, z, rest []float64) float64 {
	f64.DotRows(z, m.basis.Data, m.basis.Stride, x)
	copy(rest, x)
	for i, v := range z {
		f64.Axpy(-v, m.mixing.Row(i), rest)
	}
	square := f64.SumSquares(z)
	for j, v := range rest {
		square += v * v * m.inverse[j]
	}
	return -(float64(len(x))*math.Log(2*math.Pi) + m.logDet + square) / 2
}

// LogDensityRow returns the log-density of x, in nats.
func (m *FactorAnalysisModel) LogDensityRow(x []float64) (float64, error) {
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return 0, err
	}
	t := m.pool.Get().(*scratch)
	k, d := m.Components(), m.Features()
	row, buf := grow(&t.x, d), grow(&t.z, k+d)
	copy(row, x)
	f64.Axpy(-1, m.mean, row)
	out := m.density(row, buf[:k], buf[k:])
	m.pool.Put(t)
	return out, nil
}

func encodeFactors(e *gram.Encoder, m *FactorAnalysisModel) {
	e.Floats(m.mean)
	e.Floats(m.noise)
	e.Int(m.Components())
	e.Floats(m.mixing.Data)
	e.Convergence(m.convergence)
}

func decodeFactors(d *gram.Decoder, _ int) *FactorAnalysisModel {
	mean := d.Floats()
	m := &FactorAnalysisModel{noise: d.Floats(len(mean))}
	k := d.Count()
	loadings := d.Floats(k, len(mean))
	m.convergence = d.Convergence()
	checkFinite(d, mean, m.noise, loadings)
	if k == 0 || len(mean) == 0 {
		d.Fail("%d factors of %d features", k, len(mean))
	}
	for _, v := range m.noise {
		if v <= 0 {
			d.Fail("noise of variance %v", v)
		}
	}
	if d.Err() != nil {
		return nil
	}
	m.init(mean, linalg.NewDense(k, len(mean), loadings))
	return m
}
