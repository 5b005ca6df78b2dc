package mixture

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// StudentMixture fits a mixture of multivariate Student-t distributions,
//
//	p(x) = Σₖ πₖ·t(x; μₖ, Σₖ, νₖ),
//
// by the EM algorithm (D. Peel and G. McLachlan, Robust mixture modelling using the t
// distribution, Statistics and Computing 10, 2000). Their tails are the heavier the fewer
// degrees of freedom νₖ they have, so that outliers neither drag means along nor blow up
// covariances, nor get components of their own. The zero value fits one component with a
// full matrix; set Components.
type StudentMixture struct {
	// Components is K, ≥ 1; 0 means 1.
	Components int
	// Covariance is the shape of the scale matrices Σₖ; the zero value is Full.
	Covariance Covariance
	// Nu is the number of degrees of freedom of every component, if it is known, > 0; 0
	// means that each is estimated, between 0.1 and 10⁴.
	Nu float64
	// Init draws the first means, unless a Start is given. The first scale
	// of all components is the covariance of the rows around the nearest mean.
	Init Init
	// Start is a given start, or nil. Start of another model is that of a warm start.
	Start *Start
	// NInit is the number of starts, of which the one of highest likelihood is kept; 0
	// means 1. They run side by side. With a Start there is only one.
	NInit int
	// Seed determines the random numbers.
	Seed uint64
	// RegCovar, ≥ 0, is added to the diagonals of the scale matrices, in squared units of
	// X; 0 means 1e-6.
	RegCovar float64
	// NoRegCovar adds nothing, as in [GaussianMixture].
	NoRegCovar bool
	// OnCollapse is what happens to a collapsed component. A point that has more than a
	// share ν/(ν+d) of a component's weight collapses it.
	OnCollapse OnCollapse
	// MaxIter limits the iterations, ≥ 1; 0 means 100.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-3. A fit has converged when an iteration
	// changes the mean log-likelihood of a row by at most that, in nats.
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
	// Progress, if not nil, is called after every iteration; the objective is minus the mean
	// log-likelihood. Several starts then run one after the other.
	Progress func(gram.Progress)
}

var _ gram.ScorerTrainer = StudentMixture{}

// The range of estimated degrees of freedom, and where they start. At the upper end a
// t-distribution passes for a normal one.
const (
	leastNu = 0.1
	mostNu  = 1e4
	firstNu = 10
)

// gaussian returns the trainer of the same locations and scales.
func (t StudentMixture) gaussian() GaussianMixture {
	return GaussianMixture{
		Components: t.Components, Covariance: t.Covariance, Init: t.Init, Start: t.Start, NInit: t.NInit, Seed: t.Seed,
		RegCovar: t.RegCovar, NoRegCovar: t.NoRegCovar, OnCollapse: t.OnCollapse,
		MaxIter: t.MaxIter, Tol: t.Tol, Workers: t.Workers, Progress: t.Progress,
	}
}

// Fit fits the mixture to the rows of X, n×d, with weights w ≥ 0, nil for all ones; a
// weight of 2 is a row that is there twice. Errors and cost are those of
// [GaussianMixture.Fit].
func (t StudentMixture) Fit(ctx context.Context, X gram.Matrix, w []float64) (*StudentMixtureModel, error) {
	if !(t.Nu >= 0) || math.IsInf(t.Nu, 1) {
		return nil, fmt.Errorf("Nu is %v: %w", t.Nu, gram.ErrParam)
	}
	s, g, err := t.gaussian().prepare(ctx, X, w)
	if err != nil {
		return nil, err
	}
	best, err := highest(ctx, g.limits(), "EM", func(workers int) *studentEM {
		return &studentEM{em: em{GaussianMixture: g.with(workers), s: s}, fixed: t.Nu}
	})
	if err != nil {
		return nil, err
	}
	m := newStudentMixtureModel(s.origin, best.f, t.Nu == 0)
	m.likelihood.evidence, m.history, m.repairs, m.convergence = best.sums.evidence, best.history, best.repairs, best.convergence
	return m, notConverged("EM", best.convergence)
}

// TrainScorer calls Fit.
func (t StudentMixture) TrainScorer(ctx context.Context, X gram.Matrix, w []float64) (gram.Scorer, error) {
	m, err := t.Fit(ctx, X, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// students is the density of a mixture of t-distributions. The covariances of its
// components are their scale matrices.
type students struct {
	*components
	nu    []float64 // K
	norms []float64 // log-densities at the means, with the weights
}

func newStudents(c *components, nu []float64) *students {
	c.direct = true // it is the distances themselves that enter
	f := &students{c, nu, make([]float64, c.k)}
	d := float64(c.d)
	for k, v := range nu {
		// logs has the (2π)^(−d/2) of the normal distribution.
		f.norms[k] = c.logs[k] + lgamma((v+d)/2) - lgamma(v/2) - d/2*math.Log(v/2)
	}
	return f
}

// lgamma is the logarithm of the gamma function at x > 0.
func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// fromRadii turns squared distances, n×K, into logarithms of weight times density.
func (f *students) fromRadii(p []float64) {
	for ; len(p) > 0; p = p[f.k:] {
		row := p[:f.k]
		for k, q := range row {
			row[k] = f.norms[k] - (f.nu[k]+float64(f.d))/2*math.Log1p(q/f.nu[k])
		}
	}
}

func (f *students) logDensities(s *rows, lo, hi int, t *scratch) (p []float64) {
	p = f.blockRadii(s, lo, hi, t)
	f.fromRadii(p)
	return p
}

func (f *students) rowLogs(p, x, origin []float64, t *scratch) {
	f.rowRadii(p, x, origin, t)
	f.fromRadii(p)
}

// studentSums are what an E-step takes from the rows. The weights of the moments are
// Σ w·r·u, where u is the smaller the farther out a row lies.
type studentSums struct {
	*moments
	share []float64 // Σ w·r of each component
	tail  []float64 // Σ w·r·(log u − u)
}

func newStudentSums(c *components) *studentSums {
	return &studentSums{newMoments(c), make([]float64, c.k), make([]float64, c.k)}
}

func (a *studentSums) merge(o *studentSums) {
	a.moments.merge(o.moments)
	f64.Axpy(1, o.share, a.share)
	f64.Axpy(1, o.tail, a.tail)
}

// add takes in rows lo ≤ i < hi.
func (a *studentSums) add(f *students, s *rows, lo, hi int, t *scratch) {
	p := f.blockRadii(s, lo, hi, t)
	u := grow(&t.u, len(p))
	copy(u, p)
	f.fromRadii(p)
	w := a.evidence.add(s, lo, p, f.k, t)
	d := float64(f.d)
	for i, wi := range w {
		for k, nu := range f.nu {
			at := i*f.k + k
			r, v := p[at], (nu+d)/(nu+u[at])
			p[at] = r * v
			a.share[k] += wi * r
			a.tail[k] += wi * r * (math.Log(v) - v)
		}
	}
	a.addWhite(p, w, t)
}

// studentEM is the state of one start.
type studentEM struct {
	em
	fixed float64 // the given ν, or 0
	f     *students
	sums  *studentSums // of the rows under f
}

func (e *studentEM) objective() float64 { return e.sums.logLik / e.sums.total }

func (e *studentEM) begin(ctx context.Context, rng *rand.Rand) error {
	if err := e.start(ctx, rng); err != nil {
		return err
	}
	nu := make([]float64, e.Components)
	for k := range nu {
		nu[k] = firstNu
		if e.Start != nil && e.Start.DegreesOfFreedom != nil {
			nu[k] = e.Start.DegreesOfFreedom[k]
		}
		if e.fixed > 0 {
			nu[k] = e.fixed
		}
	}
	e.f = newStudents(e.c, nu)
	return e.expect(ctx)
}

// expect is the E-step.
func (e *studentEM) expect(ctx context.Context) (err error) {
	c := e.f.components
	e.sums, err = sums(ctx, e.s, e.Workers, blockRows(e.f.width()), c.momentElements(),
		func() *studentSums { return newStudentSums(c) }, (*studentSums).merge,
		func(a *studentSums, lo, hi int, t *scratch) { a.add(e.f, e.s, lo, hi, t) })
	if err != nil {
		return err
	}
	if err := e.sums.finite(); err != nil {
		return err
	}
	e.stats = e.sums.statistics(e.s.origin)
	e.stats.Weight = slices.Clone(e.sums.share)
	e.history = append(e.history, e.objective())
	return nil
}

func (e *studentEM) round(ctx context.Context, iteration int) (repaired bool, err error) {
	nu := slices.Clone(e.f.nu)
	if e.fixed == 0 {
		for k, n := range e.sums.share {
			if n > 0 {
				nu[k] = nextNu(nu[k], e.f.d, e.sums.tail[k]/n)
			}
		}
	}
	if repaired, err = e.maximise(ctx, e.f, iteration); err != nil {
		return repaired, err
	}
	e.f = newStudents(e.c, nu)
	return repaired, e.expect(ctx)
}

// nextNu is the M-step of the degrees of freedom: the root of
//
//	log(ν/2) − ψ(ν/2) + 1 + tail + ψ((ν₀+d)/2) − log((ν₀+d)/2)
//
// which falls with ν. tail is the mean of log u − u at ν₀.
func nextNu(nu0 float64, d int, tail float64) float64 {
	half := (nu0 + float64(d)) / 2
	constant := 1 + tail + mathext.Digamma(half) - math.Log(half)
	lo, hi := math.Log(leastNu), math.Log(mostNu)
	for range 60 {
		mid := (lo + hi) / 2
		x := math.Exp(mid) / 2
		if math.Log(x)-mathext.Digamma(x)+constant > 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return math.Exp((lo + hi) / 2)
}

// StudentMixtureModel is a fitted [StudentMixture]: a gram.Scorer, and a soft clustering
// of rows by the component that they come from. What [GaussianMixtureModel] says of
// errors, rows that are not finite and costs holds here.
type StudentMixtureModel struct {
	mixtureModel
	likelihood
	f         *students
	estimated bool // ν
	repairs   []CollapseError
}

var _ gram.Scorer = (*StudentMixtureModel)(nil)

func newStudentMixtureModel(origin []float64, f *students, estimated bool) *StudentMixtureModel {
	m := &StudentMixtureModel{f: f, estimated: estimated}
	m.parameters = f.kind.parameters(f.k, f.d)
	if estimated {
		m.parameters += f.k
	}
	m.init(origin, f.components, f)
	return m
}

// DegreesOfFreedom returns a copy of the K numbers ν.
func (m *StudentMixtureModel) DegreesOfFreedom() []float64 { return slices.Clone(m.f.nu) }

// Scales returns a copy of the scale matrices Σ: for Full K×d×d, Tied d×d, Diagonal K×d
// and Spherical K numbers. The covariance of a component is Σ·ν/(ν−2) if ν > 2, and
// otherwise it has none.
func (m *StudentMixtureModel) Scales() []float64 { return slices.Clone(m.c.cov) }

// Start returns the parameters, for a fit that goes on from here.
func (m *StudentMixtureModel) Start() *Start {
	return &Start{Weights: m.Weights(), Means: m.Means(), Precisions: m.c.precisions(), DegreesOfFreedom: m.DegreesOfFreedom()}
}

// Repairs returns the collapses that the fit has repaired, in order.
func (m *StudentMixtureModel) Repairs() []CollapseError { return slices.Clone(m.repairs) }

// Sample draws n rows, n×d row-major, and the component of each.
func (m *StudentMixtureModel) Sample(rng *rand.Rand, n int) (rows []float64, component []int) {
	return m.c.sample(rng, n, m.origin, func(k int) float64 {
		nu := m.f.nu[k]
		return math.Sqrt(nu / distuv.ChiSquared{K: nu, Src: rng}.Rand())
	})
}
