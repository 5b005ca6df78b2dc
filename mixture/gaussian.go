package mixture

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// GaussianMixture fits a density that is a sum of K normal ones,
//
//	p(x) = Σₖ πₖ·N(x; μₖ, Σₖ),
//
// by the EM algorithm. The zero value fits one component with a full covariance; set
// Components.
type GaussianMixture struct {
	// Components is K, ≥ 1; 0 means 1.
	Components int
	// Covariance is the shape of the covariances; the zero value is Full.
	Covariance Covariance
	// Init draws the first means, unless a Start is given. The first covariance
	// of all components is that of the rows around the nearest mean.
	Init Init
	// Start is a given start, or nil. Start of another model is that of a warm start.
	Start *Start
	// NInit is the number of starts, of which the one of highest likelihood is kept; 0
	// means 1. They run side by side. With a Start there is only one.
	NInit int
	// Seed determines the random numbers.
	Seed uint64
	// RegCovar, ≥ 0, is added to the variances, in squared units of X; 0 means 1e-6.
	// It keeps components from collapsing when X has about unit scale.
	RegCovar float64
	// NoRegCovar adds nothing. A component whose conditional standard deviation falls below
	// 1e-7 of that of the column then counts as collapsed.
	NoRegCovar bool
	// Prior, if not nil, makes the covariances the mode of their posterior.
	Prior *CovariancePrior
	// OnCollapse is what happens to a collapsed component.
	OnCollapse OnCollapse
	// MaxIter limits the iterations, ≥ 1; 0 means 100.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-3. A fit has converged when an iteration
	// changes the mean log-likelihood of a row (with a prior, the mean log-posterior) by at
	// most that, in nats.
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
	// Progress, if not nil, is called after every iteration; the objective is minus the mean
	// log-likelihood. Several starts then run one after the other.
	Progress func(gram.Progress)
}

var _ gram.ScorerTrainer = GaussianMixture{}

// An Init names the way in which first means are drawn.
type Init int

const (
	// InitPlusPlus draws rows by k-means++.
	InitPlusPlus Init = iota
	// InitKMeans refines those by 10 iterations of k-means.
	InitKMeans
	// InitRandom takes different rows at random.
	InitRandom
)

// String returns "k-means++", "k-means" or "random".
func (i Init) String() string {
	switch i {
	case InitPlusPlus:
		return "k-means++"
	case InitKMeans:
		return "k-means"
	case InitRandom:
		return "random"
	}
	return fmt.Sprintf("Init(%d)", int(i))
}

func (i Init) valid() bool { return i >= InitPlusPlus && i <= InitRandom }

// Start holds the parameters at which EM starts.
type Start struct {
	// Weights are K numbers > 0, made to sum to 1; nil means 1/K.
	Weights []float64
	// Means are K×d row-major.
	Means []float64
	// Precisions are inverse covariances in the layout of the trainer's Covariance: Full
	// K×d×d, Tied d×d, Diagonal K×d, Spherical K. Nil means the covariance of the rows
	// around the nearest mean.
	Precisions []float64
	// DegreesOfFreedom are K numbers > 0, where a [StudentMixture] starts; nil means 10.
	// Others do not look at them.
	DegreesOfFreedom []float64
}

// CovariancePrior is the conjugate prior of the covariances: inverse Wishart for
// matrices and inverse gamma for variances (C. Fraley and A. Raftery, Bayesian
// regularization for normal mixture estimation and model-based clustering, Journal
// of Classification 24, 2007). With it the likelihood is bounded and no component
// can collapse.
type CovariancePrior struct {
	// DegreesOfFreedom is ν, in rows that the prior counts for, > 0; 0 means d + 2.
	DegreesOfFreedom float64
	// Scale holds the diagonal of the scale matrix, d numbers > 0; nil means the
	// variances of the columns divided by K^(2/d).
	Scale []float64
}

func (t GaussianMixture) withDefaults() GaussianMixture {
	if t.Components == 0 {
		t.Components = 1
	}
	if t.Start != nil {
		t.NInit = min(t.NInit, 1)
	}
	if t.RegCovar == 0 && !t.NoRegCovar {
		t.RegCovar = 1e-6
	}
	l := t.limits().withDefaults()
	t.NInit, t.MaxIter, t.Tol = l.nInit, l.maxIter, l.tol
	return t
}

// check checks a trainer with its defaults for d columns.
func (t GaussianMixture) check(d int) error {
	switch {
	case t.Components < 1:
		return fmt.Errorf("%d components: %w", t.Components, gram.ErrParam)
	case !t.Covariance.valid():
		return fmt.Errorf("%v: %w", t.Covariance, gram.ErrParam)
	case !t.Init.valid():
		return fmt.Errorf("%v: %w", t.Init, gram.ErrParam)
	case !t.OnCollapse.valid():
		return fmt.Errorf("%v: %w", t.OnCollapse, gram.ErrParam)
	case !(t.RegCovar >= 0) || math.IsInf(t.RegCovar, 1) || t.NoRegCovar && t.RegCovar > 0:
		return fmt.Errorf("RegCovar is %v with NoRegCovar %v: %w", t.RegCovar, t.NoRegCovar, gram.ErrParam)
	}
	if err := t.limits().check(); err != nil {
		return err
	}
	if err := t.Prior.check(d); err != nil {
		return err
	}
	return t.Start.check(t.Components, d, t.Covariance)
}

func (p *CovariancePrior) check(d int) error {
	if p == nil {
		return nil
	}
	if !(p.DegreesOfFreedom >= 0) || math.IsInf(p.DegreesOfFreedom, 1) {
		return fmt.Errorf("DegreesOfFreedom is %v: %w", p.DegreesOfFreedom, gram.ErrParam)
	}
	if p.Scale != nil && len(p.Scale) != d {
		return fmt.Errorf("prior's Scale has length %d, X %d features: %w", len(p.Scale), d, gram.ErrShape)
	}
	for j, v := range p.Scale {
		if !(v > 0) || math.IsInf(v, 1) {
			return fmt.Errorf("prior's Scale[%d] is %v: %w", j, v, gram.ErrParam)
		}
	}
	return nil
}

func (s *Start) check(k, d int, kind Covariance) error {
	if s == nil {
		return nil
	}
	if len(s.Means) != k*d {
		return fmt.Errorf("start has %d means, want %d×%d: %w", len(s.Means), k, d, gram.ErrShape)
	}
	if err := checkStartWeights(s.Weights, k); err != nil {
		return err
	}
	if s.Precisions != nil && len(s.Precisions) != kind.size(k, d) {
		return fmt.Errorf("start has %d precisions, %v covariances of %d components and %d features have %d: %w",
			len(s.Precisions), kind, k, d, kind.size(k, d), gram.ErrShape)
	}
	if s.DegreesOfFreedom != nil && len(s.DegreesOfFreedom) != k {
		return fmt.Errorf("start has %d degrees of freedom for %d components: %w", len(s.DegreesOfFreedom), k, gram.ErrShape)
	}
	for i, v := range s.DegreesOfFreedom {
		if !(v > 0) || math.IsInf(v, 1) {
			return fmt.Errorf("start's DegreesOfFreedom[%d] is %v: %w", i, v, gram.ErrParam)
		}
	}
	if err := finiteParams("start's Means", s.Means); err != nil {
		return err
	}
	return finiteParams("start's Precisions", s.Precisions)
}

// Fit fits the mixture to the rows of X, n×d, with weights w ≥ 0, nil for all ones; a
// weight of 2 is a row that is there twice.
//
// Errors: ErrShape, ErrNonFinite and ErrWeights for X and w; ErrParam for a field out of
// its range or more components than rows of positive weight; a *[CollapseError], which
// wraps ErrSingular, for a component that collapses; that of ctx. At MaxIter the model
// comes with an error that wraps ErrNotConverged. An iteration takes O(n·d²·K), and
// O(n·d·K) for Diagonal and Spherical.
func (t GaussianMixture) Fit(ctx context.Context, X gram.Matrix, w []float64) (*GaussianMixtureModel, error) {
	s, t, err := t.prepare(ctx, X, w)
	if err != nil {
		return nil, err
	}
	best, err := highest(ctx, t.limits(), "EM", func(workers int) *em {
		return &em{GaussianMixture: t.with(workers), s: s}
	})
	if err != nil {
		return nil, err
	}
	m := newGaussianMixtureModel(s.origin, best.c, best.stats)
	m.history, m.repairs, m.convergence = best.history, best.repairs, best.convergence
	return m, notConverged("EM", best.convergence)
}

// prepare checks the data and the trainer, and sets its defaults.
func (t GaussianMixture) prepare(ctx context.Context, X gram.Matrix, w []float64) (*rows, GaussianMixture, error) {
	s, err := newRows(ctx, X, w, t.Workers)
	if err != nil {
		return nil, t, err
	}
	t = t.withDefaults()
	if err := t.check(s.d); err != nil {
		return nil, t, err
	}
	if n := s.positive(); t.Components > n {
		return nil, t, tooMany(t.Components, n)
	}
	return s, t, nil
}

// with returns the trainer with so many workers.
func (t GaussianMixture) with(workers int) GaussianMixture {
	t.Workers = workers
	return t
}

// TrainScorer calls Fit.
func (t GaussianMixture) TrainScorer(ctx context.Context, X gram.Matrix, w []float64) (gram.Scorer, error) {
	m, err := t.Fit(ctx, X, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// limits are the fields that the iteration looks at.
func (t GaussianMixture) limits() limits {
	return limits{t.NInit, t.MaxIter, t.Tol, t.Seed, t.Workers, t.Progress}
}

// em is the state of one start.
type em struct {
	GaussianMixture
	s           *rows
	c           *components
	stats       *Statistics // of the rows under c
	history     []float64
	repairs     repairs
	convergence gram.Convergence
}

// objective returns the mean log-likelihood, or log-posterior.
func (f *em) objective() float64 {
	return (f.stats.LogLikelihood + f.logPrior(f.c, f.stats)) / f.stats.Total
}

func (f *em) ended(c gram.Convergence) { f.convergence = c }

func (f *em) begin(ctx context.Context, rng *rand.Rand) error {
	if err := f.start(ctx, rng); err != nil {
		return err
	}
	return f.expect(ctx)
}

func (f *em) round(ctx context.Context, iteration int) (repaired bool, err error) {
	if repaired, err = f.maximise(ctx, f.c, iteration); err != nil {
		return repaired, err
	}
	return repaired, f.expect(ctx)
}

// expect is the E-step.
func (f *em) expect(ctx context.Context) (err error) {
	if f.stats, err = expect(ctx, f.s, f.c, f.Workers); err == nil {
		f.history = append(f.history, f.stats.LogLikelihood/f.stats.Total)
	}
	return err
}

// maximise is the M-step, with its repairs, of which the current density finds the rows.
func (f *em) maximise(ctx context.Context, current density, iteration int) (repaired bool, err error) {
	return f.repairs.maximise(f.OnCollapse, f.Components, iteration, func() (bad *CollapseError) {
		c, bad := f.components(f.stats)
		if bad == nil {
			f.c = c
		}
		return bad
	}, func(component, rank int) error { return f.repair(ctx, current, component, rank) })
}

// components is the M-step proper: the parameters that the statistics ask for.
func (t GaussianMixture) components(s *Statistics) (*components, *CollapseError) {
	k, d := len(s.Weight), len(s.Origin)
	weights := slices.Clone(s.Weight)
	f64.Scal(1/f64.Sum(weights), weights)
	if bad := anyEmpty(weights); bad != nil {
		return nil, bad
	}
	spread := s.spread()
	cov := make([]float64, t.Covariance.size(k, d))
	nu, scale := t.Prior.values(k, spread)
	divisor := func(n float64, rank int) float64 {
		if t.Prior == nil {
			return n
		}
		return n + nu + float64(rank) + 1
	}
	switch t.Covariance {
	case Full:
		for c := range k {
			t.matrix(cov[c*d*d:(c+1)*d*d], s.Scatter[c*d*d:(c+1)*d*d], scale, divisor(s.Weight[c], d))
		}
	case Tied:
		sum := make([]float64, d*d)
		for c := range k {
			f64.Axpy(1, s.Scatter[c*d*d:(c+1)*d*d], sum)
		}
		t.matrix(cov, sum, scale, divisor(f64.Sum(s.Weight), d))
	case Diagonal:
		for i, v := range s.Scatter {
			cov[i] = (v+scale[i%d])/divisor(s.Weight[i/d], 1) + t.RegCovar
		}
	case Spherical:
		for c := range k {
			v := f64.Sum(s.Scatter[c*d:(c+1)*d]) + f64.Sum(scale)
			cov[c] = v/divisor(s.Weight[c]*float64(d), 1) + t.RegCovar
		}
	}
	return newComponents(t.Covariance, weights, slices.Clone(s.Mean), cov, t.floor(spread))
}

// matrix sets cov to (scatter + diag(scale))/divisor + RegCovar·I.
func (t GaussianMixture) matrix(cov, scatter, scale []float64, divisor float64) {
	for i, v := range scatter {
		cov[i] = v / divisor
	}
	for j, v := range scale {
		at := j * (len(scale) + 1)
		cov[at] = (scatter[at]+v)/divisor + t.RegCovar
	}
}

// floor returns the variances at which components have collapsed, nil if the
// covariances are regularised.
func (t GaussianMixture) floor(spread []float64) []float64 {
	if t.RegCovar > 0 || t.Prior != nil {
		return nil
	}
	const share = 1e-14
	floor := slices.Clone(spread)
	f64.Scal(share, floor)
	return floor
}

// values returns ν and the diagonal of the scale matrix, 0 if there is no prior.
func (p *CovariancePrior) values(k int, spread []float64) (nu float64, scale []float64) {
	d := len(spread)
	scale = make([]float64, d)
	if p == nil {
		return 0, scale
	}
	if nu = p.DegreesOfFreedom; nu == 0 {
		nu = float64(d) + 2
	}
	if p.Scale != nil {
		copy(scale, p.Scale)
		return nu, scale
	}
	for j, v := range spread {
		scale[j] = v / math.Pow(float64(k), 2/float64(d))
	}
	return nu, scale
}

// logPrior returns the logarithm of the prior at c, up to a constant.
func (t GaussianMixture) logPrior(c *components, s *Statistics) float64 {
	if t.Prior == nil {
		return 0
	}
	nu, scale := t.Prior.values(c.k, s.spread())
	count, rank := c.k, 1
	if c.kind.matrices() {
		rank = c.d
	}
	if c.kind == Tied {
		count = 1
	}
	sum := 0.0
	for k := range count {
		switch c.kind {
		case Spherical:
			sum -= (nu+2)/2*math.Log(c.cov[k]) + f64.Sum(scale)/c.cov[k]/2
			continue
		case Diagonal:
			for j, v := range scale {
				sum -= v / c.cov[k*c.d+j] / 2
			}
		default:
			for j, v := range scale {
				row := c.inverse[(k*c.d+j)*c.d : (k*c.d+j+1)*c.d]
				sum -= v * f64.SumSquares(row) / 2
			}
		}
		sum += (nu + float64(rank) + 1) * c.logDet(k)
	}
	return sum
}

// spread returns the variance of each column over all rows.
func (s *Statistics) spread() []float64 {
	d := len(s.Origin)
	total := f64.Sum(s.Weight)
	mean := make([]float64, d)
	for k, w := range s.Weight {
		f64.Axpy(w/total, s.Mean[k*d:(k+1)*d], mean)
	}
	out := make([]float64, d)
	for k, w := range s.Weight {
		for j, m := range s.Mean[k*d : (k+1)*d] {
			within := s.Scatter[min(k*d+j, len(s.Scatter)-1)]
			if s.Covariance.matrices() {
				within = s.Scatter[(k*d+j)*d+j]
			}
			out[j] += (within + w*(m-mean[j])*(m-mean[j])) / total
		}
	}
	return out
}

// repair replaces the statistics of component k by those of 1/K of all rows at the
// row of the rank-th lowest density, with the scatter that the others have in common.
func (f *em) repair(ctx context.Context, current density, k, rank int) error {
	row, err := lowest(ctx, f.s, current, f.Workers, rank)
	if err != nil {
		return err
	}
	s, d := f.stats, f.s.d
	var t scratch
	f.s.row(s.Mean[k*d:(k+1)*d], row, &t)
	size := len(s.Scatter) / len(s.Weight)
	pooled, total := make([]float64, size), 0.0
	for c, w := range s.Weight {
		if c != k {
			f64.Axpy(1, s.Scatter[c*size:(c+1)*size], pooled)
			total += w
		}
	}
	share := s.Total / float64(len(s.Weight))
	if total > 0 {
		f64.Scal(share/total, pooled)
	}
	copy(s.Scatter[k*size:], pooled)
	s.Weight[k] = share
	return nil
}

// start sets the first components.
func (f *em) start(ctx context.Context, rng *rand.Rand) error {
	k, d := f.Components, f.s.d
	var given []float64
	if f.Start != nil {
		given = f.Start.Weights
	}
	var cov []float64
	means, err := f.firstMeans(ctx, rng)
	if err != nil {
		return err
	}
	if f.Start != nil && f.Start.Precisions != nil {
		if cov, err = invertPrecisions(f.Start.Precisions, f.Covariance, k, d); err != nil {
			return err
		}
	} else if cov, err = f.commonCovariance(ctx, means); err != nil {
		return err
	}
	c, bad := newComponents(f.Covariance, startWeights(given, k), means, cov, nil)
	if bad != nil {
		return bad
	}
	f.c = c
	return nil
}

// firstMeans returns the means at which EM starts, less the origin.
func (f *em) firstMeans(ctx context.Context, rng *rand.Rand) ([]float64, error) {
	if f.Start != nil {
		means := make([]float64, len(f.Start.Means))
		for k := range f.Components {
			subtract(means[k*f.s.d:(k+1)*f.s.d], f.Start.Means[k*f.s.d:], f.s.origin)
		}
		return means, nil
	}
	if f.Init == InitRandom {
		return f.s.randomRows(rng, f.Components), nil
	}
	means, err := f.s.plusPlus(ctx, rng, f.Components, 1, f.Workers)
	if err != nil || f.Init == InitPlusPlus {
		return means, err
	}
	l := newLloyd(KMeans{Clusters: f.Components, MaxIter: 10, Workers: f.Workers}, f.s)
	l.centers = linalg.NewDense(f.Components, f.s.d, means)
	l.lengths = squares(l.centers)
	err = l.run(ctx)
	return l.centers.Data, err
}

// commonCovariance returns, for every component alike, the covariance of the rows
// around the nearest mean.
func (f *em) commonCovariance(ctx context.Context, means []float64) ([]float64, error) {
	k, d := f.Components, f.s.d
	centers := linalg.NewDense(k, d, means)
	lengths := squares(centers)
	sum, err := sums(ctx, f.s, f.Workers, blockRows(2*d+k), d*d, func() *vector { return newVector(d * d) }, (*vector).merge,
		func(sum *vector, lo, hi int, t *scratch) {
			z := linalg.NewDense(hi-lo, d, grow(&t.z, (hi-lo)*d))
			f.s.block(z.Data, lo, hi, t)
			dist := grow(&t.y, (hi-lo)*k)
			distances(dist, z, centers, lengths)
			for i := range z.Rows {
				c, _, _ := twoLeast(dist[i*k : (i+1)*k])
				f64.Axpy(-1, centers.Row(c), z.Row(i))
				f64.Scal(math.Sqrt(f.s.weight(lo+i)), z.Row(i))
			}
			linalg.Syrk(blas.Lower, blas.Trans, 1, z, 1, linalg.NewDense(d, d, sum.v))
		})
	if err != nil {
		return nil, err
	}
	for i := range d {
		for j := range i {
			sum.v[j*d+i] = sum.v[i*d+j]
		}
	}
	s := &Statistics{
		Covariance: f.Covariance, Origin: f.s.origin, Total: f.s.total, Weight: make([]float64, k), Mean: means,
	}
	for c := range k { // an equal share of the scatter each
		s.Weight[c] = f.s.total / float64(k)
		for i, v := range sum.v {
			if f.Covariance.matrices() || i%(d+1) == 0 {
				s.Scatter = append(s.Scatter, v/float64(k))
			}
		}
	}
	t := f.GaussianMixture
	c, bad := t.components(s)
	if bad != nil {
		return nil, bad
	}
	return c.cov, nil
}

// invertPrecisions returns the covariances, in the same layout.
func invertPrecisions(p []float64, kind Covariance, k, d int) ([]float64, error) {
	cov := make([]float64, len(p))
	if !kind.matrices() {
		for i, v := range p {
			if cov[i] = 1 / v; !(v > 0) || math.IsInf(cov[i], 1) {
				return nil, fmt.Errorf("start's Precisions[%d] is %v: %w", i, v, gram.ErrParam)
			}
		}
		return cov, nil
	}
	l, u := make([]float64, d*d), linalg.NewDense[float64](d, d, nil)
	for c := range len(p) / (d * d) {
		at := c * d * d
		clear(u.Data)
		if j := cholesky(l, u.Data, p[at:at+d*d], d, nil); j >= 0 {
			return nil, fmt.Errorf("start's precision %d is not positive definite at column %d: %w", c, j, gram.ErrParam)
		}
		linalg.Gemm(blas.NoTrans, blas.Trans, 1, u, u, 0, linalg.NewDense(d, d, cov[at:at+d*d]))
	}
	return cov, nil
}

// FromStatistics is an M-step: it returns the model whose parameters the statistics
// ask for, with the trainer's covariance, regularisation and prior. The number of
// components is that of the statistics. A collapsed component is refused.
//
// Errors: ErrParam for a field out of its range; ErrShape and ErrNonFinite for
// statistics that are empty, do not fit together or have another kind of covariance than the
// trainer; a *[CollapseError]. O(K·d³).
func (t GaussianMixture) FromStatistics(s *Statistics) (*GaussianMixtureModel, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	t.Components = len(s.Weight)
	t = t.withDefaults()
	if err := t.check(len(s.Origin)); err != nil {
		return nil, err
	}
	if s.Covariance != t.Covariance {
		return nil, fmt.Errorf("statistics of %v covariances, the trainer has %v: %w", s.Covariance, t.Covariance, gram.ErrShape)
	}
	c, bad := t.components(s)
	if bad != nil {
		return nil, bad
	}
	m := newGaussianMixtureModel(slices.Clone(s.Origin), c, s)
	m.convergence = gram.Convergence{Solver: "EM", Iterations: 1, Objective: -s.LogLikelihood / s.Total}
	m.history = []float64{s.LogLikelihood / s.Total}
	return m, nil
}
