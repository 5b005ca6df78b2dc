package mixture

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gram-ml/gram"
)

// GaussianMixtureModel is a fitted [GaussianMixture]: a gram.Scorer, and a soft clustering
// of rows by the component that they come from.
//
// Its methods return gram.ErrShape for shapes that do not fit. Rows with a NaN have
// the log-density NaN, those with an infinity −Inf or NaN. Batch methods take
// O(n·d²·K), row methods O(d²·K) and no memory; for Diagonal and Spherical read d for d².
type GaussianMixtureModel struct {
	normalModel
	likelihood
	repairs []CollapseError
}

var _ gram.Scorer = (*GaussianMixtureModel)(nil)

func newGaussianMixtureModel(origin []float64, c *components, s *Statistics) *GaussianMixtureModel {
	m := &GaussianMixtureModel{likelihood: likelihood{
		evidence: evidence{s.Total, s.LogLikelihood, s.Entropy}, parameters: c.kind.parameters(c.k, c.d),
	}}
	m.init(origin, c, c)
	return m
}

// mixtureModel is what mixtures of components with a location have in common.
type mixtureModel struct {
	evaluator
	c *components
}

func (m *mixtureModel) init(origin []float64, c *components, f density) {
	m.c = c
	m.evaluator.init(origin, f)
}

// Covariance returns the shape of the covariances.
func (m *mixtureModel) Covariance() Covariance { return m.c.kind }

// Weights returns a copy of the K weights, which sum to 1.
func (m *mixtureModel) Weights() []float64 { return slices.Clone(m.c.weights) }

// Means returns a copy of the means, K×d row-major.
func (m *mixtureModel) Means() []float64 { return addOrigin(m.c.means, m.origin) }

// normalModel is a mixture of normal components.
type normalModel struct{ mixtureModel }

// Covariances returns a copy of the covariances: for Full K×d×d, Tied d×d, Diagonal K×d
// and Spherical K numbers.
func (m *normalModel) Covariances() []float64 { return slices.Clone(m.c.cov) }

// Precisions returns the inverses of the covariances, in the same layout.
func (m *normalModel) Precisions() []float64 { return m.c.precisions() }

// Sample draws n rows, n×d row-major, and the component of each.
func (m *normalModel) Sample(rng *rand.Rand, n int) (rows []float64, component []int) {
	return m.c.sample(rng, n, m.origin, func(int) float64 { return 1 })
}

// Start returns the parameters, for a fit that goes on from here.
func (m *GaussianMixtureModel) Start() *Start {
	return &Start{Weights: m.Weights(), Means: m.Means(), Precisions: m.Precisions()}
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
