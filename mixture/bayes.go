package mixture

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mathext"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// BayesianMixture fits a Gaussian mixture by variational inference, which finds how
// many components there are: it starts with more than enough, those that the data do not
// need lose their rows to the others, and the model has what is left. Because that can
// take thousands of iterations, the fit tries, when it has slowed down, whether the bound is
// higher without one of the components. The zero value starts with ten
// components with full covariances.
//
// The posterior is approximated by a product of a distribution of the rows' components and
// one of the parameters: Gauss–Wishart for Full and Tied, Gauss–Gamma for Diagonal and
// Spherical (C. Bishop, Pattern Recognition and Machine Learning, 2006, section 10.2). For
// Full its formulas are those of scikit-learn; for the other shapes scikit-learn takes
// approximations of them, in which the bound may fall.
type BayesianMixture struct {
	// Components is the largest number there can be, ≥ 1; 0 means 10, or the number
	// of rows if that is smaller.
	Components int
	// Covariance is the shape of the covariances; the zero value is Full.
	Covariance Covariance
	// Weights is the prior of the weights; the zero value is DirichletProcess.
	Weights WeightPrior
	// Concentration, > 0, is the parameter of that prior: the smaller, the fewer
	// components are kept. 0 means 1/Components.
	Concentration float64
	// Mean holds the d means of the prior of the means; nil means those of the rows.
	Mean []float64
	// MeanPrecision, > 0, is the number of rows that this prior counts for; 0 means 1.
	MeanPrecision float64
	// DegreesOfFreedom is the number of rows that the prior of the covariances counts for,
	// > d−1 for Full and Tied and > 0 for Diagonal and Spherical; 0 means d, or 1.
	DegreesOfFreedom float64
	// Scale holds the scale of that prior, the covariance times the degrees of freedom: a
	// positive definite d×d matrix for Full and Tied, d numbers > 0 for Diagonal, one for
	// Spherical. Nil means the covariance of all rows, with 1e-6 more on the diagonal.
	Scale []float64
	// Init draws the first means, unless Means are given.
	Init Init
	// Means are the first means, K×d row-major, or nil. Each row starts in the
	// component of the nearest.
	Means []float64
	// KeepAll takes no component away and leaves all in the model. Otherwise those are
	// left out that hold fewer than d+1 rows, or than 2 if they have no matrix of their own.
	KeepAll bool
	// NInit is the number of starts, of which the one of the highest bound is kept; 0
	// means 1. They run side by side. With Means there is only one.
	NInit int
	// Seed determines the random numbers.
	Seed uint64
	// MaxIter limits the iterations, ≥ 1; 0 means 500.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-5. A fit has converged when an iteration
	// changes the bound by at most that, in nats per row.
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
	// Progress, if not nil, is called after every iteration; the objective is minus the
	// bound per row. Several starts then run one after the other.
	Progress func(gram.Progress)
}

var _ gram.ScorerTrainer = BayesianMixture{}

// WeightPrior names a prior of the weights.
type WeightPrior int

const (
	// DirichletProcess breaks the weights off a stick one after the other, so that late
	// components are expected to be small: it prunes most.
	DirichletProcess WeightPrior = iota
	// Dirichlet expects all weights alike.
	Dirichlet
)

// String returns "dirichlet process" or "dirichlet".
func (p WeightPrior) String() string {
	switch p {
	case DirichletProcess:
		return "dirichlet process"
	case Dirichlet:
		return "dirichlet"
	}
	return fmt.Sprintf("WeightPrior(%d)", int(p))
}

func (t BayesianMixture) limits() limits {
	return limits{t.NInit, t.MaxIter, t.Tol, t.Seed, t.Workers, t.Progress}
}

// withDefaults sets the fields that are 0; the prior's location counts from the origin.
func (t BayesianMixture) withDefaults(s *rows) BayesianMixture {
	if t.Components == 0 {
		t.Components = min(10, s.positive())
	}
	if t.Means != nil {
		t.NInit = min(t.NInit, 1)
	}
	if t.Concentration == 0 {
		t.Concentration = 1 / float64(t.Components)
	}
	if t.MeanPrecision == 0 {
		t.MeanPrecision = 1
	}
	if t.DegreesOfFreedom == 0 {
		t.DegreesOfFreedom = 1
		if t.Covariance.matrices() {
			t.DegreesOfFreedom = float64(s.d)
		}
	}
	if t.MaxIter == 0 {
		t.MaxIter = 500
	}
	if t.Tol == 0 {
		t.Tol = 1e-5
	}
	l := t.limits().withDefaults()
	t.NInit = l.nInit
	return t
}

// check checks a trainer with its defaults.
func (t BayesianMixture) check(s *rows) error {
	positive := func(v float64) bool { return v > 0 && v <= math.MaxFloat64 }
	least := 0.0
	if t.Covariance.matrices() {
		least = float64(s.d - 1)
	}
	switch {
	case t.Components < 1:
		return fmt.Errorf("%d components: %w", t.Components, gram.ErrParam)
	case t.Components > s.positive():
		return tooMany(t.Components, s.positive())
	case !t.Covariance.valid():
		return fmt.Errorf("%v: %w", t.Covariance, gram.ErrParam)
	case t.Weights != DirichletProcess && t.Weights != Dirichlet:
		return fmt.Errorf("%v: %w", t.Weights, gram.ErrParam)
	case !t.Init.valid():
		return fmt.Errorf("%v: %w", t.Init, gram.ErrParam)
	case !positive(t.Concentration):
		return fmt.Errorf("Concentration is %v: %w", t.Concentration, gram.ErrParam)
	case !positive(t.MeanPrecision):
		return fmt.Errorf("MeanPrecision is %v: %w", t.MeanPrecision, gram.ErrParam)
	case !(t.DegreesOfFreedom > least && t.DegreesOfFreedom <= math.MaxFloat64):
		return fmt.Errorf("DegreesOfFreedom is %v, must be above %v: %w", t.DegreesOfFreedom, least, gram.ErrParam)
	case t.Mean != nil && len(t.Mean) != s.d:
		return fmt.Errorf("Mean has length %d, X %d features: %w", len(t.Mean), s.d, gram.ErrShape)
	case t.Means != nil && len(t.Means) != t.Components*s.d:
		return fmt.Errorf("Means has length %d, want %d×%d: %w", len(t.Means), t.Components, s.d, gram.ErrShape)
	}
	if err := t.limits().check(); err != nil {
		return err
	}
	if err := finiteParams("Mean", t.Mean); err != nil {
		return err
	}
	if err := finiteParams("Means", t.Means); err != nil {
		return err
	}
	return t.checkScale(s.d)
}

// scaleSize returns the number of elements of one scale.
func (c Covariance) scaleSize(d int) int {
	if c == Tied {
		return d * d
	}
	return c.size(1, d)
}

func (t BayesianMixture) checkScale(d int) error {
	if t.Scale == nil {
		return nil
	}
	if want := t.Covariance.scaleSize(d); len(t.Scale) != want {
		return fmt.Errorf("Scale has length %d, that of %v covariances of %d features is %d: %w", len(t.Scale), t.Covariance, d, want, gram.ErrShape)
	}
	if _, bad := newComponents(t.Covariance, []float64{1}, make([]float64, d), t.Scale, nil); bad != nil {
		return fmt.Errorf("Scale is not positive definite at column %d: %w", bad.Column, gram.ErrParam)
	}
	return nil
}

// Fit fits the mixture to the rows of X, n×d, with weights w ≥ 0, nil for all ones; a
// weight of 2 is a row that is there twice.
//
// Errors: ErrShape, ErrNonFinite and ErrWeights for X and w; ErrParam for a field out of
// its range or more components than rows of positive weight; that of ctx. At MaxIter the
// model comes with an error that wraps ErrNotConverged. An iteration costs as much as one
// of [GaussianMixture].
func (t BayesianMixture) Fit(ctx context.Context, X gram.Matrix, w []float64) (*BayesianMixtureModel, error) {
	s, err := newRows(ctx, X, w, t.Workers)
	if err != nil {
		return nil, err
	}
	t = t.withDefaults(s)
	if err := t.check(s); err != nil {
		return nil, err
	}
	p, err := t.prior(ctx, s)
	if err != nil {
		return nil, err
	}
	best, err := highest(ctx, t.limits(), "variational Bayes", func(workers int) *variational {
		v := &variational{BayesianMixture: t, s: s, p: p, slow: max(t.Tol, 1e-4)}
		v.Workers = workers
		return v
	})
	if err != nil {
		return nil, err
	}
	m, err := best.model()
	if err != nil {
		return nil, err
	}
	return m, notConverged("variational Bayes", best.convergence)
}

// TrainScorer calls Fit.
func (t BayesianMixture) TrainScorer(ctx context.Context, X gram.Matrix, w []float64) (gram.Scorer, error) {
	m, err := t.Fit(ctx, X, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// A prior is that of one component, and a posterior has one for each.
type prior struct {
	mean  []float64 // less the origin
	beta  float64
	nu    float64
	scale []float64
	mass  float64 // logarithm of the integral of the covariance's density
}

// prior completes the prior by what the rows say.
func (t BayesianMixture) prior(ctx context.Context, s *rows) (*prior, error) {
	p := &prior{mean: make([]float64, s.d), beta: t.MeanPrecision, nu: t.DegreesOfFreedom, scale: t.Scale}
	if t.Mean != nil {
		subtract(p.mean, t.Mean, s.origin)
	}
	if p.scale == nil {
		g := GaussianMixture{Components: 1, Covariance: t.Covariance, RegCovar: 1e-6, Workers: t.Workers}
		e := &em{GaussianMixture: g, s: s}
		var err error
		if p.scale, err = e.commonCovariance(ctx, make([]float64, s.d)); err != nil {
			return nil, err
		}
	}
	c, bad := newComponents(t.Covariance, []float64{1}, p.mean, p.scale, nil)
	if bad != nil {
		return nil, bad
	}
	p.mass = t.mass(p.nu, -2*c.logDet(0), s.d)
	return p, nil
}

// mass returns the logarithm of the integral of the density of a covariance, up to its
// constant, with the scale's log-determinant over all d columns.
func (t BayesianMixture) mass(nu, logDet float64, d int) float64 {
	switch t.Covariance {
	case Full, Tied:
		sum := nu / 2 * (float64(d)*math.Ln2 - logDet)
		for j := range d {
			sum += lgamma((nu - float64(j)) / 2)
		}
		return sum
	case Diagonal:
		return float64(d)*(lgamma(nu/2)+nu/2*math.Ln2) - nu/2*logDet
	}
	return lgamma(nu/2) + nu/2*(math.Ln2-logDet/float64(d))
}

// variational is the state of one start.
type variational struct {
	BayesianMixture
	s     *rows
	p     *prior
	stats *Statistics // under the last distribution of the components
	// The posterior: that of the weights, beta distributions of sticks or a Dirichlet
	// distribution (stickEnd is then nil), and those of the components.
	stick, stickEnd []float64
	beta, nu        []float64
	c               *components // at the means of the posterior

	bound       float64
	slow        float64 // the rise of the bound at which components are taken away
	history     []float64
	convergence gram.Convergence
}

func (v *variational) objective() float64 { return v.bound / v.s.total }

func (v *variational) ended(c gram.Convergence) { v.convergence = c }

func (v *variational) begin(ctx context.Context, rng *rand.Rand) error {
	g := GaussianMixture{Components: v.Components, Init: v.Init, Workers: v.Workers}
	if v.Means != nil {
		g.Start = &Start{Means: v.Means}
	}
	means, err := (&em{GaussianMixture: g, s: v.s}).firstMeans(ctx, rng)
	if err != nil {
		return err
	}
	if v.stats, err = v.nearest(ctx, means); err != nil {
		return err
	}
	if err := v.maximise(); err != nil {
		return err
	}
	v.history = append(v.history, v.objective())
	return nil
}

// nearest returns the statistics of rows that belong to the nearest mean.
func (v *variational) nearest(ctx context.Context, means []float64) (*Statistics, error) {
	k, d := v.Components, v.s.d
	cov := make([]float64, v.Covariance.size(k, d))
	for i := range cov {
		if !v.Covariance.matrices() || i%(d*d)%(d+1) == 0 {
			cov[i] = 1
		}
	}
	c, bad := newComponents(v.Covariance, startWeights(nil, k), means, cov, nil)
	if bad != nil {
		return nil, bad
	}
	c.direct = true
	m, err := sums(ctx, v.s, v.Workers, blockRows(c.width()), c.momentElements(),
		func() *moments { return newMoments(c) }, (*moments).merge,
		func(m *moments, lo, hi int, t *scratch) {
			p := c.blockRadii(v.s, lo, hi, t)
			w := grow(&t.t, hi-lo)
			for i := range w {
				w[i] = v.s.weight(lo + i)
				m.total += w[i]
				row := p[i*k : (i+1)*k]
				at, _, _ := twoLeast(row)
				clear(row)
				row[at] = 1
			}
			m.addWhite(p, w, t)
		})
	if err != nil {
		return nil, err
	}
	return m.statistics(v.s.origin), nil
}

// round is the update of the components of the rows and then that of the parameters; at the
// end of the way also of the number of components.
func (v *variational) round(ctx context.Context, _ int) (removed bool, err error) {
	before := v.objective()
	if err := v.update(ctx); err != nil {
		return false, err
	}
	if rise := v.objective() - before; !v.KeepAll && rise <= v.slow {
		if removed, err = v.remove(ctx); !removed {
			v.slow = max(v.Tol, v.slow/10)
		}
	}
	v.history = append(v.history, v.objective())
	return removed, err
}

func (v *variational) update(ctx context.Context) (err error) {
	if v.stats, err = expect(ctx, v.s, v.c, v.Workers); err != nil {
		return err
	}
	return v.maximise()
}

// remove takes away a component if the bound is higher without it. It tries the smallest
// first, and leaves those alone that will not be in the model anyway.
func (v *variational) remove(ctx context.Context) (removed bool, err error) {
	var order []int
	for c, n := range v.stats.Weight {
		if n >= v.leastRows() {
			order = append(order, c)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(v.stats.Weight[a], v.stats.Weight[b]) })
	const rounds = 5 // until the others have taken over its rows
	for _, c := range order {
		without := *v
		without.c = v.c.without(c)
		for range rounds {
			if err := without.update(ctx); err != nil {
				return false, err
			}
			if without.objective() > v.objective()+v.Tol {
				*v = without
				return true, nil
			}
		}
	}
	return false, nil
}

// maximise sets the posterior of the parameters, and the bound.
func (v *variational) maximise() error {
	k, d := v.Components, v.s.d
	v.updateWeights()
	v.beta, v.nu = make([]float64, k), make([]float64, k)
	means := make([]float64, k*d)
	size := v.Covariance.scaleSize(d)
	scales := make([]float64, v.Covariance.size(k, d))
	for i := range scales {
		scales[i] = v.p.scale[i%size]
	}
	for c, n := range v.stats.Weight {
		v.beta[c] = v.p.beta + n
		v.nu[c] = v.degrees(n)
		diff := make([]float64, d)
		subtract(diff, v.stats.Mean[c*d:(c+1)*d], v.p.mean)
		at := c * size % len(scales)
		v.addScale(scales[at:at+size], c, diff, v.p.beta*(n/v.beta[c]))
		copy(means[c*d:], v.p.mean)
		f64.Axpy(n/v.beta[c], diff, means[c*d:(c+1)*d])
	}
	for i := range scales {
		scales[i] /= v.nu[i/size]
	}
	c, bad := newComponents(v.Covariance, v.weights(), means, scales, nil)
	if bad != nil {
		return bad
	}
	v.c = c
	v.setBound()
	c.setLogs(v.logs())
	return nil
}

// degrees returns the degrees of freedom of a component of weight n.
func (v *variational) degrees(n float64) float64 {
	switch v.Covariance {
	case Tied:
		return v.p.nu + f64.Sum(v.stats.Weight)
	case Spherical:
		return v.p.nu + n*float64(v.s.d)
	}
	return v.p.nu + n
}

// addScale adds the scatter of component c about its mean, and factor times that of its
// mean about the prior's, to a scale.
func (v *variational) addScale(scale []float64, c int, diff []float64, factor float64) {
	d := len(diff)
	switch v.Covariance {
	case Full, Tied:
		f64.Axpy(1, v.stats.Scatter[c*d*d:(c+1)*d*d], scale)
		linalg.Ger(factor, diff, diff, linalg.NewDense(d, d, scale))
	default:
		for j, x := range diff {
			scale[j%len(scale)] += v.stats.Scatter[c*d+j] + factor*x*x
		}
	}
}

// updateWeights sets the posterior of the weights.
func (v *variational) updateWeights() {
	n := v.stats.Weight
	v.stick, v.stickEnd = make([]float64, len(n)), nil
	if v.Weights == Dirichlet {
		for c, x := range n {
			v.stick[c] = v.Concentration + x
		}
		return
	}
	v.stickEnd = make([]float64, len(n))
	rest := 0.0
	for c := len(n) - 1; c >= 0; c-- {
		v.stick[c], v.stickEnd[c] = 1+n[c], v.Concentration+rest
		rest += n[c]
	}
}

// weights returns the expected weights, made to sum to 1.
func (v *variational) weights() []float64 {
	weights, left := slices.Clone(v.stick), 1.0
	for c, end := range v.stickEnd {
		weights[c] = left * (v.stick[c] / (v.stick[c] + end))
		left *= end / (v.stick[c] + end)
	}
	f64.Scal(1/f64.Sum(weights), weights)
	return weights
}

// logs returns what takes the place of log(weight·|U|·(2π)^(−d/2)): its expectation under
// the posterior.
func (v *variational) logs() []float64 {
	d := float64(v.s.d)
	logs := make([]float64, v.Components)
	total, left := mathext.Digamma(f64.Sum(v.stick)), 0.0
	for c, a := range v.stick {
		if v.stickEnd == nil {
			logs[c] = mathext.Digamma(a) - total
		} else {
			both := mathext.Digamma(a + v.stickEnd[c])
			logs[c] = mathext.Digamma(a) - both + left
			left += mathext.Digamma(v.stickEnd[c]) - both
		}
		half := d * mathext.Digamma(v.nu[c]/2)
		if v.Covariance.matrices() {
			half = 0
			for j := range v.s.d {
				half += mathext.Digamma((v.nu[c] - float64(j)) / 2)
			}
		}
		logs[c] += v.c.logDet(c) + (half-d*math.Log(v.nu[c]/2)-d/v.beta[c]-d*math.Log(2*math.Pi))/2
	}
	return logs
}

// setBound sets the lower bound of the log-evidence: the entropy of the components of
// the rows, and the mass of the posterior less that of the prior.
func (v *variational) setBound() {
	d, k := float64(v.s.d), v.Components
	sum := v.stats.Entropy - v.s.total*d/2*math.Log(2*math.Pi)
	if v.stickEnd == nil {
		sum += lgamma(float64(k)*v.Concentration) - lgamma(f64.Sum(v.stick))
	}
	for c, a := range v.stick {
		if v.stickEnd == nil {
			sum += lgamma(a) - lgamma(v.Concentration)
		} else {
			sum += mathext.Lbeta(a, v.stickEnd[c]) - mathext.Lbeta(1, v.Concentration)
		}
		sum += d / 2 * math.Log(v.p.beta/v.beta[c])
		if c == 0 || v.Covariance != Tied {
			logDet := d*math.Log(v.nu[c]) - 2*v.c.logDet(c)
			sum += v.mass(v.nu[c], logDet, v.s.d) - v.p.mass
		}
	}
	v.bound = sum
}

// leastRows returns the weight of rows below which a component is left out: what its
// covariance takes to be regular without the prior.
func (v *variational) leastRows() float64 {
	if v.Covariance == Full {
		return float64(v.s.d + 1)
	}
	return 2
}

// model returns the components that hold enough rows, or the largest.
func (v *variational) model() (*BayesianMixtureModel, error) {
	var kept []int
	for c, n := range v.stats.Weight {
		if n >= v.leastRows() || v.KeepAll {
			kept = append(kept, c)
		}
	}
	if kept == nil {
		kept = []int{argMax(v.stats.Weight)}
	}
	d, size := v.s.d, v.Covariance.scaleSize(v.s.d)
	m := &BayesianMixtureModel{bound: v.bound, history: v.history}
	var weights, means, cov []float64
	for _, c := range kept {
		weights = append(weights, v.c.weights[c])
		means = append(means, v.c.means[c*d:(c+1)*d]...)
		if v.Covariance != Tied {
			cov = append(cov, v.c.cov[c*size:(c+1)*size]...)
		}
		m.rows = append(m.rows, v.stats.Weight[c])
		m.beta = append(m.beta, v.beta[c])
		m.nu = append(m.nu, v.nu[c])
	}
	if v.Covariance == Tied {
		cov = v.c.cov
	}
	f64.Scal(1/f64.Sum(weights), weights)
	c, bad := newComponents(v.Covariance, weights, means, cov, nil)
	if bad != nil {
		return nil, bad
	}
	m.init(v.s.origin, c, c)
	m.convergence = v.convergence
	return m, nil
}

// BayesianMixtureModel is a fitted [BayesianMixture]: a gram.Scorer, and a soft clustering
// of rows by the component that they come from. Densities and responsibilities are those of
// the Gaussian mixture at the means of the posterior. What [GaussianMixtureModel] says of
// errors, rows that are not finite and costs holds here.
type BayesianMixtureModel struct {
	normalModel
	bound          float64
	history        []float64
	rows, beta, nu []float64 // K
}

var _ gram.Scorer = (*BayesianMixtureModel)(nil)

// LowerBound returns the lower bound of the log-evidence of the training rows, in nats,
// the higher the better: with what it compares shapes and priors. It includes
// components that were left out of the model.
func (m *BayesianMixtureModel) LowerBound() float64 { return m.bound }

// History returns a copy of the bounds, divided by the weight of all rows, at the start
// and after every iteration.
func (m *BayesianMixtureModel) History() []float64 { return slices.Clone(m.history) }

// Rows returns a copy of the K weights of the rows that the components hold.
func (m *BayesianMixtureModel) Rows() []float64 { return slices.Clone(m.rows) }

// MeanPrecisions returns a copy of the K numbers of rows that the posterior of the means
// counts for: given its precision matrix Λ, a mean is normal with the precision βΛ.
func (m *BayesianMixtureModel) MeanPrecisions() []float64 { return slices.Clone(m.beta) }

// DegreesOfFreedom returns a copy of the K degrees of freedom of the posterior of the
// covariances, which are all alike for Tied.
func (m *BayesianMixtureModel) DegreesOfFreedom() []float64 { return slices.Clone(m.nu) }

// Start returns the means of the posterior, for a [GaussianMixture] that goes on from
// here.
func (m *BayesianMixtureModel) Start() *Start {
	return &Start{Weights: m.Weights(), Means: m.Means(), Precisions: m.Precisions()}
}
