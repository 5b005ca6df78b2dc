package mixture

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// GaussianMixtureModel is a fitted [GaussianMixture]: a gram.Scorer, and a soft clustering
// of rows by the component that they come from.
//
// Its methods return gram.ErrShape for shapes that do not fit. Rows with a NaN have
// the log-density NaN, those with an infinity −Inf or NaN. Batch methods take
// O(n·d²·K), row methods O(d²·K) and no memory; for Diagonal and Spherical read d for d².
type GaussianMixtureModel struct {
	mixtureModel
	total, logLik, entropy float64
	history                []float64
	repairs                []CollapseError
}

var _ gram.Scorer = (*GaussianMixtureModel)(nil)

func newGaussianMixtureModel(origin []float64, c *components, s *Statistics) *GaussianMixtureModel {
	m := &GaussianMixtureModel{total: s.Total, logLik: s.LogLikelihood, entropy: s.Entropy}
	m.init(origin, c)
	return m
}

// mixtureModel is what mixtures of components with a location have in common.
type mixtureModel struct {
	origin      []float64
	c           *components
	convergence gram.Convergence
	pool        sync.Pool
}

func (m *mixtureModel) init(origin []float64, c *components) {
	m.origin, m.c = origin, c
	m.pool.New = func() any { return new(scratch) }
}

// Features returns d.
func (m *mixtureModel) Features() int { return m.c.d }

// Components returns K.
func (m *mixtureModel) Components() int { return m.c.k }

// Covariance returns the shape of the covariances.
func (m *mixtureModel) Covariance() Covariance { return m.c.kind }

// Weights returns a copy of the K weights, which sum to 1.
func (m *mixtureModel) Weights() []float64 { return slices.Clone(m.c.weights) }

// Means returns a copy of the means, K×d row-major.
func (m *mixtureModel) Means() []float64 { return addOrigin(m.c.means, m.origin) }

// Covariances returns a copy of the covariances: for Full K×d×d, Tied d×d, Diagonal K×d
// and Spherical K numbers.
func (m *mixtureModel) Covariances() []float64 { return slices.Clone(m.c.cov) }

// Convergence tells how the fit ended. The objective is minus the mean
// log-likelihood, or what takes its place; the residual its last change.
func (m *mixtureModel) Convergence() gram.Convergence { return m.convergence }

// LogDensity sets dst, of length n, to the logarithm of the density at the rows of X.
func (m *mixtureModel) LogDensity(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	m.eachBlock(X, n, func(lo, hi int, p []float64) { logSumExp(p, dst[lo:hi], m.c.k) })
	return dst, nil
}

// eachBlock calls f with the logarithms of weight times density of rows lo ≤ i < hi.
func (m *mixtureModel) eachBlock(X gram.Matrix, n int, f func(lo, hi int, p []float64)) {
	s := scoredRows(X, n, m.origin)
	t := m.pool.Get().(*scratch)
	defer m.pool.Put(t)
	size := blockRows(m.c.width())
	for lo := 0; lo < n; lo += size {
		hi := min(n, lo+size)
		f(lo, hi, m.c.logDensities(s, lo, hi, t))
	}
}

// LogDensityRow returns the logarithm of the density at x.
func (m *mixtureModel) LogDensityRow(x []float64) (float64, error) {
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return 0, err
	}
	t := m.pool.Get().(*scratch)
	buf := grow(&t.p, m.c.k+1)
	p, lse := buf[:m.c.k], buf[m.c.k:]
	m.c.rowLogs(p, x, m.origin, t)
	logSumExp(p, lse, m.c.k)
	v := lse[0]
	m.pool.Put(t)
	return v, nil
}

// Responsibilities sets dst, n×K row-major, to the probability that each row comes
// from each component.
func (m *mixtureModel) Responsibilities(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n*m.c.k); err != nil {
		return nil, err
	}
	lse := make([]float64, blockRows(m.c.width()))
	m.eachBlock(X, n, func(lo, hi int, p []float64) {
		logSumExp(p, lse[:hi-lo], m.c.k)
		copy(dst[lo*m.c.k:], p)
	})
	return dst, nil
}

// ResponsibilitiesRow sets dst, of length K, to the probability that x comes from
// each component.
func (m *mixtureModel) ResponsibilitiesRow(dst, x []float64) error {
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, m.c.k); err != nil {
		return err
	}
	t := m.pool.Get().(*scratch)
	buf := grow(&t.p, m.c.k+1)
	p, lse := buf[:m.c.k], buf[m.c.k:]
	m.c.rowLogs(p, x, m.origin, t)
	logSumExp(p, lse, m.c.k)
	copy(dst, p)
	m.pool.Put(t)
	return nil
}

// Predict sets dst, of length n, to the most probable component of each row; ties go
// to the smaller.
func (m *mixtureModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	m.eachBlock(X, n, func(lo, hi int, p []float64) {
		for i := lo; i < hi; i++ {
			dst[i] = argMax(p[(i-lo)*m.c.k : (i-lo+1)*m.c.k])
		}
	})
	return dst, nil
}

// PredictRow returns the most probable component of x.
func (m *mixtureModel) PredictRow(x []float64) (int, error) {
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return 0, err
	}
	t := m.pool.Get().(*scratch)
	p := grow(&t.p, m.c.k)
	m.c.rowLogs(p, x, m.origin, t)
	c := argMax(p)
	m.pool.Put(t)
	return c, nil
}

// Sample draws n rows, n×d row-major, and the component of each.
func (m *mixtureModel) Sample(rng *rand.Rand, n int) (rows []float64, component []int) {
	c, d := m.c, m.c.d
	rows, component = make([]float64, n*d), make([]int, n)
	y := make([]float64, d)
	for i := range component {
		k := draw(c.weights, rng.Float64())
		component[i] = k
		for j := range y {
			y[j] = rng.NormFloat64()
		}
		x := rows[i*d : (i+1)*d]
		for j := range x {
			x[j] = c.means[k*d+j] + m.origin[j]
			if c.kind.matrices() {
				x[j] += f64.Dot(c.factor[(k*d+j)*d:(k*d+j+1)*d], y)
			} else {
				x[j] += c.factor[k*d+j] * y[j]
			}
		}
	}
	return rows, component
}

// Start returns the parameters, for a fit that goes on from here.
func (m *GaussianMixtureModel) Start() *Start {
	return &Start{Weights: m.Weights(), Means: m.Means(), Precisions: m.Precisions()}
}

// Precisions returns the inverses of the covariances, in the same layout.
func (m *mixtureModel) Precisions() []float64 {
	c := m.c
	out := make([]float64, len(c.cov))
	if !c.kind.matrices() {
		for i, v := range c.cov {
			out[i] = 1 / v
		}
		return out
	}
	d := c.d
	for i := range len(out) / d {
		k := i / d
		for j := range d {
			out[i*d+j] = f64.Dot(c.inverse[i*d:(i+1)*d], c.inverse[(k*d+j)*d:(k*d+j+1)*d])
		}
	}
	return out
}

// LogLikelihood returns the mean log-likelihood of the training rows, Σ wᵢ·log p(xᵢ) / Σ wᵢ.
// For a model of [GaussianMixture.FromStatistics] it is that under the models which took
// the statistics.
func (m *GaussianMixtureModel) LogLikelihood() float64 { return m.logLik / m.total }

// History returns a copy of the mean log-likelihoods, at the start and after every iteration.
func (m *GaussianMixtureModel) History() []float64 { return slices.Clone(m.history) }

// Repairs returns the collapses that the fit has repaired, in order.
func (m *GaussianMixtureModel) Repairs() []CollapseError { return slices.Clone(m.repairs) }

// Parameters returns the number of free parameters.
func (m *GaussianMixtureModel) Parameters() int { return m.c.kind.parameters(m.c.k, m.c.d) }

// BIC returns the Bayesian information criterion of the training rows, −2·log L +
// p·log Σw, with p the number of parameters: the smaller the better.
func (m *GaussianMixtureModel) BIC() float64 {
	return -2*m.logLik + float64(m.Parameters())*math.Log(m.total)
}

// AIC returns Akaike's information criterion of the training rows, −2·log L + 2p.
func (m *GaussianMixtureModel) AIC() float64 { return -2*m.logLik + 2*float64(m.Parameters()) }

// ICL returns the integrated completed likelihood of the training rows: BIC plus twice
// the entropy of the responsibilities (C. Biernacki, G. Celeux and G. Govaert, 2000). It
// asks for clusters apart from each other, where BIC asks for a good density.
func (m *GaussianMixtureModel) ICL() float64 { return m.BIC() + 2*m.entropy }

// Threshold returns the q-quantile of the log-densities of the rows of X, 0 ≤ q ≤ 1:
// rows below it are less likely than a share q of those. It is interpolated between
// order statistics. Errors: those of s; ErrParam for a q out of its range; ErrShape for
// an X without rows; ErrNonFinite for a log-density that is NaN. O(n log n) and the scores.
func Threshold(s gram.Scorer, X gram.Matrix, q float64) (float64, error) {
	if !(q >= 0 && q <= 1) {
		return 0, fmt.Errorf("quantile %v: %w", q, gram.ErrParam)
	}
	scores, err := s.LogDensity(nil, X)
	if err != nil {
		return 0, err
	}
	if len(scores) == 0 {
		return 0, fmt.Errorf("quantile of no rows: %w", gram.ErrShape)
	}
	for i, v := range scores {
		if math.IsNaN(v) {
			return 0, fmt.Errorf("log-density of row %d is %v: %w", i, v, gram.ErrNonFinite)
		}
	}
	slices.Sort(scores)
	at := q * float64(len(scores)-1)
	i := min(int(at), len(scores)-1)
	if below := scores[i]; i+1 == len(scores) || at == float64(i) {
		return below, nil
	}
	return scores[i] + (at-float64(i))*(scores[i+1]-scores[i]), nil
}
