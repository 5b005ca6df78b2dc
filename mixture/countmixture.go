package mixture

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// CountMixture fits a mixture of Poisson, Bernoulli or multinomial distributions to rows
// of counts,
//
//	p(x) = Σₖ πₖ·Πⱼ p(xⱼ; rₖⱼ),
//
// by the EM algorithm: what is bought together, which words make a topic, which alarms
// one fault. The zero value fits one component of Poisson columns; set Components.
// Sparse matrices stay sparse in the iteration.
type CountMixture struct {
	// Components is K, ≥ 1; 0 means 1.
	Components int
	// Counts is the distribution of the columns; the zero value is Poisson.
	Counts Counts
	// Start is a given start, or nil: then each component starts half-way between
	// all rows and a row drawn by k-means++.
	Start *CountStart
	// NInit is the number of starts, of which the one of highest likelihood is kept; 0
	// means 1. They run side by side. With a Start there is only one.
	NInit int
	// Seed determines the random numbers.
	Seed uint64
	// Smoothing, > 0, is a number of counts added to each, which keeps rates from 0: to
	// the ones and to the zeros of a Bernoulli column, to every column of a multinomial
	// component, and that many rows of ones to a Poisson component. It is a conjugate
	// prior; 0 means 1e-6, which is next to none, and 1 is Laplace's rule.
	Smoothing float64
	// OnCollapse is what happens to a component that no row belongs to any more.
	OnCollapse OnCollapse
	// MaxIter limits the iterations, ≥ 1; 0 means 100.
	MaxIter int
	// Tol is the tolerance, > 0; 0 means 1e-3. A fit has converged when an iteration
	// changes the mean log-posterior of a row by at most that, in nats.
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
	// Progress, if not nil, is called after every iteration; the objective is minus the
	// mean log-posterior. Several starts then run one after the other.
	Progress func(gram.Progress)
}

var _ gram.ScorerTrainer = CountMixture{}

// CountStart holds the parameters at which a [CountMixture] starts.
type CountStart struct {
	// Weights are K numbers > 0, made to sum to 1; nil means 1/K.
	Weights []float64
	// Rates are K×d row-major: means > 0 for Poisson, probabilities between 0 and 1
	// for Bernoulli, numbers > 0, made to sum to 1, for Multinomial.
	Rates []float64
}

func (t CountMixture) limits() limits {
	return limits{t.NInit, t.MaxIter, t.Tol, t.Seed, t.Workers, t.Progress}
}

func (t CountMixture) withDefaults() CountMixture {
	if t.Components == 0 {
		t.Components = 1
	}
	if t.Start != nil {
		t.NInit = min(t.NInit, 1)
	}
	if t.Smoothing == 0 {
		t.Smoothing = 1e-6
	}
	l := t.limits().withDefaults()
	t.NInit, t.MaxIter, t.Tol = l.nInit, l.maxIter, l.tol
	return t
}

// check checks a trainer with its defaults for d columns.
func (t CountMixture) check(d int) error {
	switch {
	case t.Components < 1:
		return fmt.Errorf("%d components: %w", t.Components, gram.ErrParam)
	case !t.Counts.valid():
		return fmt.Errorf("%v: %w", t.Counts, gram.ErrParam)
	case !t.OnCollapse.valid():
		return fmt.Errorf("%v: %w", t.OnCollapse, gram.ErrParam)
	case !(t.Smoothing > 0) || math.IsInf(t.Smoothing, 1):
		return fmt.Errorf("Smoothing is %v: %w", t.Smoothing, gram.ErrParam)
	}
	if err := t.limits().check(); err != nil {
		return err
	}
	return t.Start.check(t.Counts, t.Components, d)
}

func (s *CountStart) check(kind Counts, k, d int) error {
	if s == nil {
		return nil
	}
	if len(s.Rates) != k*d {
		return fmt.Errorf("start has %d rates, want %d×%d: %w", len(s.Rates), k, d, gram.ErrShape)
	}
	for i, v := range s.Rates {
		if !(v > 0 && v <= math.MaxFloat64) || kind == Bernoulli && v >= 1 {
			return fmt.Errorf("start's Rates[%d] is %v: %w", i, v, gram.ErrParam)
		}
	}
	return checkStartWeights(s.Weights, k)
}

// Fit fits the mixture to the rows of X, n×d, with weights w ≥ 0, nil for all ones; a
// weight of 2 is a row that is there twice.
//
// Errors: ErrShape, ErrNonFinite and ErrWeights for X and w; ErrSupport for an element
// that is no count of the kind; ErrParam for a field out of its range or more components
// than rows of positive weight; a *[CollapseError] for a component that gets empty; that of
// ctx. At MaxIter the model comes with an error that wraps ErrNotConverged. An
// iteration takes O(K) for each element of X, or for each that is not zero.
func (t CountMixture) Fit(ctx context.Context, X gram.Matrix, w []float64) (*CountMixtureModel, error) {
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	total, err := gram.CheckWeights(w, n)
	if err != nil {
		return nil, err
	}
	t = t.withDefaults()
	if err := t.check(d); err != nil {
		return nil, err
	}
	s := scoredRows(X, n, make([]float64, d))
	s.w, s.total = w, total
	if n := s.positive(); t.Components > n {
		return nil, tooMany(t.Components, n)
	}
	sum, err := sumCounts(ctx, s, t.Counts, t.Workers)
	if err != nil {
		return nil, err
	}
	best, err := highest(ctx, t.limits(), "EM", func(workers int) *countEM {
		f := &countEM{CountMixture: t, s: s, columns: sum}
		f.Workers = workers
		return f
	})
	if err != nil {
		return nil, err
	}
	m := newCountMixtureModel(best.f)
	m.likelihood.evidence, m.history, m.repairs, m.convergence = best.sums.evidence, best.history, best.repairs, best.convergence
	m.logLik += sum.base
	return m, notConverged("EM", best.convergence)
}

// TrainScorer calls Fit.
func (t CountMixture) TrainScorer(ctx context.Context, X gram.Matrix, w []float64) (gram.Scorer, error) {
	m, err := t.Fit(ctx, X, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// countColumns are sums over all rows that the iteration does not change.
type countColumns struct {
	sum  []float64 // Σ w·x
	base float64   // Σ w·base(x)
	err  error     // of the first element outside the support
}

func (a *countColumns) merge(o *countColumns) {
	f64.Axpy(1, o.sum, a.sum)
	a.base += o.base
	if a.err == nil {
		a.err = o.err
	}
}

// sumCounts checks the support of every element and sums up the columns.
func sumCounts(ctx context.Context, s *rows, kind Counts, workers int) (*countColumns, error) {
	sum, err := sums(ctx, s, workers, blockRows(s.d), s.d,
		func() *countColumns { return &countColumns{sum: make([]float64, s.d)} }, (*countColumns).merge,
		func(sum *countColumns, lo, hi int, t *scratch) {
			raw, stride := s.x.RowBlock(grow(&t.raw, (hi-lo)*s.d), lo, hi)
			for i := lo; i < hi && sum.err == nil; i++ {
				x := raw[(i-lo)*stride : (i-lo)*stride+s.d]
				base := kind.base(x)
				if math.IsInf(base, -1) {
					j := slices.IndexFunc(x, func(v float64) bool { return !kind.contains(v) })
					sum.err = fmt.Errorf("row %d, column %d is %v, elements of %v counts are %s: %w", i, j, x[j], kind, kind.support(), ErrSupport)
					return
				}
				sum.base += s.weight(i) * base
				f64.Axpy(s.weight(i), x, sum.sum)
			}
		})
	if err != nil {
		return nil, err
	}
	return sum, sum.err
}

// countSums are what an E-step takes from the rows.
type countSums struct {
	evidence
	weight []float64 // Σ w·r of each component
	sum    []float64 // Σ w·r·x, d×K
}

func (a *countSums) merge(o *countSums) {
	a.evidence.merge(o.evidence)
	f64.Axpy(1, o.weight, a.weight)
	f64.Axpy(1, o.sum, a.sum)
}

// countEM is the state of one start.
type countEM struct {
	CountMixture
	s           *rows
	columns     *countColumns
	f           *countDensity
	sums        *countSums // of the rows under f, without their base
	history     []float64
	repairs     repairs
	convergence gram.Convergence
}

func (e *countEM) objective() float64 {
	return (e.sums.logLik + e.columns.base + e.f.logPrior(e.Smoothing)) / e.sums.total
}

func (e *countEM) ended(c gram.Convergence) { e.convergence = c }

func (e *countEM) begin(ctx context.Context, rng *rand.Rand) error {
	if e.Start == nil {
		seeds, err := e.s.plusPlus(ctx, rng, e.Components, 1, e.Workers)
		if err != nil {
			return err
		}
		e.seed(seeds)
	} else {
		e.f = e.Start.density(e.Counts, e.Components)
	}
	return e.expect(ctx)
}

// seed starts at components of equal weight, half-way between all rows and a seed each.
func (e *countEM) seed(seeds []float64) {
	k, d := e.Components, e.s.d
	share := e.s.total / float64(k)
	e.sums = &countSums{weight: make([]float64, k), sum: make([]float64, d*k)}
	for c := range k {
		e.sums.weight[c] = share
		e.blend(c, seeds[c*d:(c+1)*d])
	}
	e.f = e.Counts.estimate(e.sums.weight, e.sums.sum, e.Smoothing)
}

// blend sets the sum of component c to that of 1/K of all rows, of which half are as x.
func (e *countEM) blend(c int, x []float64) {
	k := e.Components
	scale := e.s.total / float64(k)
	if total := f64.Sum(x); e.Counts == Multinomial && total > 0 {
		scale = f64.Sum(e.columns.sum) / float64(k) / total
	}
	for j, v := range x {
		e.sums.sum[j*k+c] = (v*scale + e.columns.sum[j]/float64(k)) / 2
	}
}

// density returns the start as a mixture.
func (s *CountStart) density(kind Counts, k int) *countDensity {
	rates := slices.Clone(s.Rates)
	d := len(rates) / k
	if kind == Multinomial {
		for c := range k {
			row := rates[c*d : (c+1)*d]
			f64.Scal(1/f64.Sum(row), row)
		}
	}
	return newCountDensity(kind, startWeights(s.Weights, k), transposed(rates, k, d))
}

// expect is the E-step.
func (e *countEM) expect(ctx context.Context) (err error) {
	k, d := e.f.k, e.f.d
	e.sums, err = sums(ctx, e.s, e.Workers, blockRows(e.f.width()), k*d,
		func() *countSums { return &countSums{weight: make([]float64, k), sum: make([]float64, d*k)} }, (*countSums).merge,
		func(a *countSums, lo, hi int, t *scratch) {
			p := e.f.linear(e.s, lo, hi, t)
			w := a.evidence.add(e.s, lo, p, k, t)
			for i, v := range w {
				f64.Scal(v, p[i*k:(i+1)*k])
				f64.Axpy(1, p[i*k:(i+1)*k], a.weight)
			}
			e.s.x.AddTransMulRows(a.sum, lo, hi, p, k)
		})
	if err == nil {
		e.history = append(e.history, (e.sums.logLik+e.columns.base)/e.sums.total)
	}
	return err
}

func (e *countEM) round(ctx context.Context, iteration int) (repaired bool, err error) {
	repaired, err = e.repairs.maximise(e.OnCollapse, e.Components, iteration, func() *CollapseError {
		bad := anyEmpty(e.sums.shares())
		if bad == nil {
			e.f = e.Counts.estimate(e.sums.weight, e.sums.sum, e.Smoothing)
		}
		return bad
	}, func(component, rank int) error { return e.repair(ctx, component, rank) })
	if err != nil {
		return repaired, err
	}
	return repaired, e.expect(ctx)
}

// shares returns the weights of the components in all.
func (a *countSums) shares() []float64 {
	shares := slices.Clone(a.weight)
	f64.Scal(1/f64.Sum(shares), shares)
	return shares
}

// repair puts component c half-way between all rows and that of the rank-th lowest density.
func (e *countEM) repair(ctx context.Context, c, rank int) error {
	i, err := lowest(ctx, e.s, e.f, e.Workers, rank)
	if err != nil {
		return err
	}
	var t scratch
	x := make([]float64, e.s.d)
	e.s.row(x, i, &t)
	e.sums.weight[c] = e.s.total / float64(e.Components)
	e.blend(c, x)
	return nil
}

// CountMixtureModel is a fitted [CountMixture]: a gram.Scorer, and a soft clustering of
// rows by the component that they come from.
//
// Its methods return gram.ErrShape for shapes that do not fit. The density is a
// probability. Rows with an element outside the support have the log-density −Inf, those
// with a NaN NaN. Batch methods take O(n·d·K), row methods O(d·K) and no memory.
type CountMixtureModel struct {
	evaluator
	likelihood
	c       *countDensity
	repairs []CollapseError
}

var _ gram.Scorer = (*CountMixtureModel)(nil)

func newCountMixtureModel(f *countDensity) *CountMixtureModel {
	m := &CountMixtureModel{c: f}
	m.parameters = f.kind.parameters(f.k, f.d)
	m.init(make([]float64, f.d), f)
	return m
}

// Counts returns the distribution of the columns.
func (m *CountMixtureModel) Counts() Counts { return m.c.kind }

// Weights returns a copy of the K weights, which sum to 1.
func (m *CountMixtureModel) Weights() []float64 { return slices.Clone(m.c.weights) }

// Rates returns a copy of the K×d parameters, row-major: the mean of each column for
// Poisson, the probability of a 1 for Bernoulli, that of the column for Multinomial.
func (m *CountMixtureModel) Rates() []float64 { return transposed(m.c.rates, m.d, m.k) }

// Start returns the parameters, for a fit that goes on from here.
func (m *CountMixtureModel) Start() *CountStart {
	return &CountStart{Weights: m.Weights(), Rates: m.Rates()}
}

// Repairs returns the collapses that the fit has repaired, in order.
func (m *CountMixtureModel) Repairs() []CollapseError { return slices.Clone(m.repairs) }

// Sample draws n rows, n×d row-major, and the component of each. Rows of a multinomial
// mixture sum to total, which the others do not look at.
func (m *CountMixtureModel) Sample(rng *rand.Rand, n, total int) (rows []float64, component []int) {
	rows, component = make([]float64, n*m.d), make([]int, n)
	rates := linalg.NewDense(m.k, m.d, m.Rates())
	for i := range component {
		component[i] = draw(m.c.weights, rng.Float64())
		m.c.kind.sample(rng, rows[i*m.d:(i+1)*m.d], rates.Row(component[i]), total)
	}
	return rows, component
}

// sample sets x, which is 0, to a row drawn at the rates.
func (c Counts) sample(rng *rand.Rand, x, rates []float64, total int) {
	if c == Multinomial {
		for range total {
			x[draw(rates, rng.Float64())]++
		}
		return
	}
	for j, r := range rates {
		if c == Poisson {
			x[j] = distuv.Poisson{Lambda: r, Src: rng}.Rand()
		} else if rng.Float64() < r {
			x[j] = 1
		}
	}
}
