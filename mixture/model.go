package mixture

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

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
	likelihood
	repairs []CollapseError
}

var _ gram.Scorer = (*GaussianMixtureModel)(nil)

func newGaussianMixtureModel(origin []float64, c *components, s *Statistics) *GaussianMixtureModel {
	m := &GaussianMixtureModel{likelihood: likelihood{
		evidence: evidence{s.Total, s.LogLikelihood, s.Entropy}, parameters: c.kind.parameters(c.k, c.d),
	}}
	m.init(origin, c)
	return m
}

// mixtureModel is what mixtures of components with a location have in common.
type mixtureModel struct {
	evaluator
	c *components
}

func (m *mixtureModel) init(origin []float64, c *components) {
	m.c = c
	m.evaluator.init(origin, c)
}

// Covariance returns the shape of the covariances.
func (m *mixtureModel) Covariance() Covariance { return m.c.kind }

// Weights returns a copy of the K weights, which sum to 1.
func (m *mixtureModel) Weights() []float64 { return slices.Clone(m.c.weights) }

// Means returns a copy of the means, K×d row-major.
func (m *mixtureModel) Means() []float64 { return addOrigin(m.c.means, m.origin) }

// Covariances returns a copy of the covariances: for Full K×d×d, Tied d×d, Diagonal K×d
// and Spherical K numbers.
func (m *mixtureModel) Covariances() []float64 { return slices.Clone(m.c.cov) }

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

// Repairs returns the collapses that the fit has repaired, in order.
func (m *GaussianMixtureModel) Repairs() []CollapseError { return slices.Clone(m.repairs) }

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
