package decomp

import (
	"context"
	"fmt"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// A Solver is a way to find principal components.
type Solver int

const (
	// Auto is the scatter matrix where there are at least as many rows as columns, with
	// singular values where those wanted reach below 1e-5 of the largest, singular values
	// where there are fewer rows, and Randomized where at most a tenth of
	// min(n, d) ≥ 1000 components is wanted.
	Auto Solver = iota
	// CovarianceEigen takes the eigenvectors of the scatter matrix: the fastest for n ≫ d.
	// Standard deviations below about 1e-7 of the largest are lost in rounding, and those
	// below 1e-5 are inaccurate. O(n·d² + d³).
	CovarianceEigen
	// FullSVD takes the singular vectors of the rows less their mean, which resolves
	// standard deviations down to some 1e-15 of the largest. O(n·d²) for n > d, about
	// four times CovarianceEigen, and O(d·n²) otherwise.
	FullSVD
	// Randomized finds the leading components from a few products with X, which may be
	// sparse: it is centred in the products and stays sparse. O(n·d·k) each, or the
	// non-zeros in place of n·d. Accurate for components above those that are left out.
	Randomized
)

// String returns "auto", "covariance", "svd" or "randomized".
func (s Solver) String() string {
	switch s {
	case Auto:
		return "auto"
	case CovarianceEigen:
		return "covariance"
	case FullSVD:
		return "svd"
	case Randomized:
		return "randomized"
	}
	return fmt.Sprintf("Solver(%d)", int(s))
}

// A Whitening says whether the scores of components are scaled to variance 1.
type Whitening int

const (
	// NoWhitening keeps the scores in the units of the data.
	NoWhitening Whitening = iota
	// WhitenPCA divides each score by its standard deviation.
	WhitenPCA
	// WhitenZCA also turns the scores back to the axes of the data, so that a whitened row
	// has d columns and is, of all whitened rows, the nearest to the row itself.
	WhitenZCA
)

// String returns "none", "pca" or "zca".
func (w Whitening) String() string {
	switch w {
	case NoWhitening:
		return "none"
	case WhitenPCA:
		return "pca"
	case WhitenZCA:
		return "zca"
	}
	return fmt.Sprintf("Whitening(%d)", int(w))
}

// PCA is principal component analysis: the orthogonal directions of largest variance. The
// zero value keeps all min(n, d) components. Columns are centred and not scaled; put
// prep.Standard before it where their units differ.
//
// At most one of Components, VarianceRatio and Rule may be set. [Choose] compares what
// they and other methods would keep.
type PCA struct {
	// Components is the number of components kept, 1 to min(n, d); 0 means all, unless
	// one of the next two is set.
	Components int
	// VarianceRatio, in (0, 1], keeps as many components as explain this share of the variance.
	VarianceRatio float64
	// Rule keeps as many components, one at least, as the rule finds.
	Rule Rule
	// Solver is the algorithm. Randomized needs Components.
	Solver Solver
	// Whiten scales the scores to variance 1. Components whose variance is zero up to
	// rounding cannot be scaled: they are left out where Components is 0, and an
	// error otherwise.
	Whiten Whitening
	// Oversample, PowerIterations, Tolerance and Seed are those of linalg.RandomizedSVD, for
	// Randomized.
	Oversample, PowerIterations int
	Tolerance                   float64
	Seed                        uint64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
}

var (
	_ gram.TransformerTrainer = PCA{}
	_ gram.ScorerTrainer      = PCA{}
)

// check tests what does not depend on the data.
func (p PCA) check() error {
	set := 0
	for _, is := range []bool{p.Components != 0, p.VarianceRatio != 0, p.Rule != AllComponents} {
		if is {
			set++
		}
	}
	switch {
	case set > 1:
		return fmt.Errorf("more than one of Components, VarianceRatio and Rule is set: %w", gram.ErrParam)
	case p.Components < 0:
		return fmt.Errorf("%d components: %w", p.Components, gram.ErrParam)
	case !(p.VarianceRatio >= 0 && p.VarianceRatio <= 1):
		return fmt.Errorf("VarianceRatio is %v, not in (0, 1]: %w", p.VarianceRatio, gram.ErrParam)
	case p.Rule < AllComponents || p.Rule > Minka:
		return fmt.Errorf("%v: %w", p.Rule, gram.ErrParam)
	case p.Solver < Auto || p.Solver > Randomized:
		return fmt.Errorf("%v: %w", p.Solver, gram.ErrParam)
	case p.Whiten < NoWhitening || p.Whiten > WhitenZCA:
		return fmt.Errorf("%v: %w", p.Whiten, gram.ErrParam)
	case p.Solver == Randomized && p.Components == 0:
		return fmt.Errorf("the randomized solver needs a number of Components: %w", gram.ErrParam)
	}
	return nil
}

// Fit finds the components of X, n×d with n ≥ 2, with weights w ≥ 0 that count rows, nil
// for all ones: variances are sums of squares divided by Σw − 1.
//
// Errors: ErrShape for an empty X, fewer than two rows of positive weight or a w of
// another length; ErrNonFinite, by row and column; ErrWeights, also for a Σw ≤ 1; ErrParam
// for a field out of its range; ErrSingular where components to be whitened have no variance;
// that of ctx, which is looked at between steps.
func (p PCA) Fit(ctx context.Context, X gram.Matrix, w []float64) (*PCAModel, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	s, err := sample(ctx, X, w, p.Workers)
	if err != nil {
		return nil, err
	}
	if p.Components > s.least() {
		return nil, fmt.Errorf("%d components of %d rows of %d columns: %w", p.Components, s.positive, s.d, gram.ErrParam)
	}
	spectrum, err := p.spectrum(ctx, s)
	if err != nil {
		return nil, err
	}
	return p.model(spectrum)
}

// TrainTransformer calls Fit; y is not used.
func (p PCA) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := p.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// TrainScorer calls Fit.
func (p PCA) TrainScorer(ctx context.Context, X gram.Matrix, w []float64) (gram.Scorer, error) {
	m, err := p.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (p PCA) spectrum(ctx context.Context, s *data) (*spectrum, error) {
	solver, k := p.Solver, p.Components
	if solver == Auto && k > 0 && s.least() >= 1000 && 10*k <= s.least() {
		solver = Randomized
	}
	if solver == Randomized {
		return p.randomized(ctx, s)
	}
	if k == 0 {
		k = s.least()
	}
	return s.exact(ctx, solver, k)
}

// model chooses the number of components and makes the model of them.
func (p PCA) model(s *spectrum) (*PCAModel, error) {
	k := len(s.variances)
	switch {
	case p.Components > 0:
		k = p.Components
	case p.VarianceRatio > 0:
		k = ComponentsForRatio(s.variances, p.VarianceRatio)
	case p.Rule != AllComponents:
		k = max(1, p.Rule.Components(s.variances, s.weight))
	}
	if p.Whiten != NoWhitening && k > s.rank() {
		if p.Components > 0 || s.rank() == 0 {
			return nil, fmt.Errorf("whitening %d components of data of rank %d: %w", k, s.rank(), gram.ErrSingular)
		}
		k = s.rank()
	}
	m := &PCAModel{
		variance: s.variances[:k:k],
		weight:   s.weight,
		whiten:   p.Whiten,
	}
	if !s.complete {
		m.rest = s.total - f64.Sum(s.variances)
		if m.rest < 4*float64(len(s.mean))*0x1p-52*s.total {
			m.rest = 0 // rounding
		}
	}
	m.rest += f64.Sum(s.variances[k:])
	m.init(s.mean, leading(s.vectors, k), k, len(s.mean))
	m.derive()
	return m, nil
}

// randomized finds the leading components by products with X.
func (p PCA) randomized(ctx context.Context, s *data) (*spectrum, error) {
	c, err := s.centre(ctx)
	if err != nil {
		return nil, err
	}
	f, err := linalg.RandomizedSVD{
		Oversample: p.Oversample, PowerIterations: p.PowerIterations, Tolerance: p.Tolerance, Single: c.single(), RightOnly: true,
		Seed: p.Seed, Workers: p.Workers,
	}.Decompose(ctx, c.operator(), p.Components)
	if err != nil {
		return nil, err
	}
	out := &spectrum{mean: c.origin, weight: s.weight, vectors: f.V, total: c.squares}
	for _, v := range f.Values {
		out.variances = append(out.variances, v*v)
	}
	out.perRow(s.squaredRounding())
	return out, nil
}
