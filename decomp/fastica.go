package decomp

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// A Contrast is a function whose mean tells a variable from a normal one.
type Contrast int

const (
	// LogCosh is ln cosh y, for most purposes.
	LogCosh Contrast = iota
	// Exponential is −exp(−y²/2), for sources with heavy tails.
	Exponential
	// Cube is y⁴/4, kurtosis, for sources with light tails and no outliers.
	Cube
)

// String returns "logcosh", "exp" or "cube".
func (c Contrast) String() string {
	switch c {
	case LogCosh:
		return "logcosh"
	case Exponential:
		return "exp"
	case Cube:
		return "cube"
	}
	return fmt.Sprintf("Contrast(%d)", int(c))
}

// FastICA is independent component analysis: rows are mixtures of k sources that are
// independent and, but for one at most, not normal, and it finds the sources, in no scale, sign
// or order of their own: here of variance 1, the largest element of each row of the basis
// positive, and the least normal first. The zero value looks for as many sources as the
// rows have dimensions.
//
// Scores of principal components, scaled to variance 1, are turned until they are as far
// from normal as can be, all at once (A. Hyvärinen, Fast and robust fixed-point
// algorithms for independent component analysis, IEEE Trans. Neural Networks 10 (1999)).
type FastICA struct {
	// Components is k, 1 to the rank of the rows less their mean; 0 means that rank.
	Components int
	// Contrast is the measure of distance from a normal distribution.
	Contrast Contrast
	// MaxIter limits the iterations, ≥ 1; 0 means 500.
	MaxIter int
	// Tol is the tolerance, ≥ 0, for the angle in radians by which a pair of sources is still
	// to be turned; 0 means 1e-6.
	Tol float64
	// Start is the rotation to begin with, k×k row-major, made orthogonal; nil is random.
	Start []float64
	// Seed chooses the random start.
	Seed uint64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
	// Progress, if not nil, is called after every iteration; there is no objective.
	Progress func(gram.Progress)
}

var _ gram.TransformerTrainer = FastICA{}

// Fit finds the sources of X, n×d, with weights w ≥ 0 that count rows, nil for all ones.
//
// Errors: ErrShape, ErrNonFinite and ErrWeights for X and w; ErrParam for a field out of its
// range; ErrSingular for rows of a rank below Components; that of ctx. At MaxIter, which
// comes if more than one source is normal, the model comes with an error that wraps
// ErrNotConverged. O(n·d² + d³), O(n·k²) an iteration, and memory for n·k scores.
func (t FastICA) Fit(ctx context.Context, X gram.Matrix, w []float64) (*FastICAModel, error) {
	s, err := sample(ctx, X, w, t.Workers)
	if err != nil {
		return nil, err
	}
	if t.MaxIter == 0 {
		t.MaxIter = 500
	}
	if t.Tol == 0 {
		t.Tol = 1e-6
	}
	if err := t.check(s); err != nil {
		return nil, err
	}
	f, err := t.whiten(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := f.run(ctx); err != nil {
		return nil, err
	}
	m := f.model()
	if c := m.convergence; !c.Converged {
		return m, fmt.Errorf("FastICA after %d iterations: residual %.3g, tolerance %.3g: %w", c.Iterations, c.Residual, c.Tolerance, gram.ErrNotConverged)
	}
	return m, nil
}

// TrainTransformer calls Fit; y is not used.
func (t FastICA) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := t.Fit(ctx, X, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

func (t FastICA) check(s *data) error {
	switch {
	case t.Components < 0 || t.Components > s.least():
		return fmt.Errorf("%d components of %d rows of %d columns: %w", t.Components, s.positive, s.d, gram.ErrParam)
	case t.Contrast < LogCosh || t.Contrast > Cube:
		return fmt.Errorf("%v: %w", t.Contrast, gram.ErrParam)
	case t.MaxIter < 1:
		return fmt.Errorf("MaxIter is %d: %w", t.MaxIter, gram.ErrParam)
	case !(t.Tol >= 0) || math.IsInf(t.Tol, 1):
		return fmt.Errorf("Tol is %v: %w", t.Tol, gram.ErrParam)
	}
	for i, v := range t.Start {
		if v-v != 0 {
			return fmt.Errorf("Start[%d] is %v: %w", i, v, gram.ErrParam)
		}
	}
	return nil
}

// rotation is the state of a fit.
type rotation struct {
	FastICA
	s    *data
	k    int
	mean []float64
	// white takes rows less the mean to scores of variance 1, and colour takes them back;
	// both are k×d.
	white, colour *linalg.Dense[float64]
	z             *linalg.Dense[float64] // the scores, n×k
	turn          *linalg.Dense[float64] // k×k orthogonal: sources are z·turnᵀ
	contrast      []float64              // of the sources, against the normal distribution's
	convergence   gram.Convergence
}

// whiten takes the principal components.
func (t FastICA) whiten(ctx context.Context, s *data) (*rotation, error) {
	want := t.Components
	if want == 0 {
		want = s.least()
	}
	p, err := s.exact(ctx, Auto, want)
	if err != nil {
		return nil, err
	}
	k := min(want, p.rank())
	if k == 0 || k < t.Components {
		return nil, fmt.Errorf("%d components of rows of rank %d: %w", t.Components, k, gram.ErrSingular)
	}
	f := &rotation{FastICA: t, s: s, k: k, mean: p.mean, contrast: make([]float64, k)}
	f.convergence = gram.Convergence{Solver: "fixed point", Objective: math.NaN(), Tolerance: t.Tol}
	f.white = linalg.NewDense(k, s.d, leading(p.vectors, k))
	f.colour = linalg.CopyOf[float64](f.white)
	for j := range k {
		dev := math.Sqrt(p.variances[j] * (s.weight - 1) / s.weight)
		f64.Scal(1/dev, f.white.Row(j))
		f64.Scal(dev, f.colour.Row(j))
	}
	m := new(linearMap)
	m.init(f.mean, f.white.Data, k, s.d)
	f.z = linalg.NewDense(s.n, k, mem.Make[float64](s.n*k))
	m.project(f.z.Data, s.X, s.n)
	if err := ctx.Err(); err != nil {
		return nil, stopped(err)
	}
	return f, f.begin()
}

// begin sets the first rotation.
func (f *rotation) begin() error {
	start := linalg.NewDense[float64](f.k, f.k, nil)
	switch {
	case f.Start == nil:
		rng := rand.New(rand.NewPCG(f.Seed, 0))
		for i := range start.Data {
			start.Data[i] = rng.NormFloat64()
		}
	case len(f.Start) != f.k*f.k:
		return fmt.Errorf("Start has length %d, want %d×%d: %w", len(f.Start), f.k, f.k, gram.ErrShape)
	default:
		copy(start.Data, f.Start)
	}
	return f.orthogonal(start)
}

// orthogonal sets turn to the orthogonal matrix nearest to a.
func (f *rotation) orthogonal(a *linalg.Dense[float64]) error {
	e, err := linalg.NewSVD(1, a)
	if err != nil {
		return fmt.Errorf("the rotation: %w", err)
	}
	if e.Values[f.k-1] <= 1e-14*e.Values[0] {
		return fmt.Errorf("the rotation has lost its rank: %w", gram.ErrSingular)
	}
	f.turn = product(1, e.U, transposed(e.V))
	return nil
}

// contrastSums are sums over rows: for functions g of sources y, Σ w·g(y)·zᵀ, k×k, Σ w·g′(y)
// and the contrasts.
type contrastSums struct {
	cross        []float64
	slope, value []float64
}

// run iterates to convergence or MaxIter.
func (f *rotation) run(ctx context.Context) error {
	c := &f.convergence
	for i := 1; i <= f.MaxIter; i++ {
		sum, err := f.sums(ctx)
		if err != nil {
			return err
		}
		c.Residual = f.angle(sum)
		c.Iterations = i
		c.Converged = c.Residual <= c.Tolerance
		copy(f.contrast, sum.value)
		if f.Progress != nil {
			f.Progress(gram.Progress{Iteration: i, Limit: f.MaxIter, Objective: math.NaN(), Residual: c.Residual, Tolerance: c.Tolerance})
		}
		if c.Converged || i == f.MaxIter {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return stopped(err)
		}
		next := linalg.NewDense(f.k, f.k, sum.cross)
		for j := range f.k {
			f64.Axpy(-sum.slope[j], f.turn.Row(j), next.Row(j))
		}
		if err := f.orthogonal(next); err != nil {
			return err
		}
	}
	return nil
}

// angle returns the largest angle by which a pair of sources is off, to first order: at the
// solution E[g(yᵢ)·yⱼ] is symmetric.
func (f *rotation) angle(sum *contrastSums) float64 {
	a := linalg.NewDense[float64](f.k, f.k, nil)
	linalg.Gemm(blas.NoTrans, blas.Trans, 1, linalg.NewDense(f.k, f.k, sum.cross), f.turn, 0, a)
	largest := 0.0
	for i := range f.k {
		for j := range i {
			off := math.Abs(a.At(i, j) - a.At(j, i))
			scale := math.Abs(a.At(i, i)-sum.slope[i]) + math.Abs(a.At(j, j)-sum.slope[j])
			if off > 0 {
				largest = max(largest, off/scale)
			}
		}
	}
	return largest
}

// sums takes the sums over blocks of rows side by side and adds them in order.
func (f *rotation) sums(ctx context.Context) (*contrastSums, error) {
	const size = 1024
	k := f.k
	parts := make([]contrastSums, par.Blocks(f.s.n, size))
	err := par.For(ctx, f.s.workers, f.s.n, size, func(b, lo, hi int) {
		p := &parts[b]
		p.cross, p.slope, p.value = make([]float64, k*k), make([]float64, k), make([]float64, k)
		y := linalg.NewDense[float64](k, hi-lo, nil)
		z := f.z.Slice(lo, hi, 0, k)
		linalg.Gemm(blas.NoTrans, blas.Trans, 1, f.turn, z, 0, y)
		slope := make([]float64, hi-lo)
		for j := range k {
			p.value[j], p.slope[j] = f.Contrast.apply(y.Row(j), slope, f.weights(lo, hi))
		}
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, y, z, 0, linalg.NewDense(k, k, p.cross))
	})
	if err != nil {
		return nil, stopped(err)
	}
	sum := &parts[0]
	for _, p := range parts[1:] {
		f64.Axpy(1, p.cross, sum.cross)
		f64.Axpy(1, p.slope, sum.slope)
		f64.Axpy(1, p.value, sum.value)
	}
	for _, v := range [][]float64{sum.cross, sum.slope, sum.value} {
		f64.Scal(1/f.s.weight, v)
	}
	return sum, nil
}

func (f *rotation) weights(lo, hi int) []float64 {
	if f.s.w == nil {
		return nil
	}
	return f.s.w[lo:hi]
}

// apply replaces y by w·g(y), where g is the derivative of the contrast G, and returns Σ w·G(y)
// and Σ w·g′(y). t is memory of the same length.
func (c Contrast) apply(y, t, w []float64) (value, slope float64) {
	switch c {
	case LogCosh:
		for i, v := range y {
			t[i] = -2 * math.Abs(v)
		}
		f64.Exp(t, t)
	case Exponential:
		for i, v := range y {
			t[i] = -v * v / 2
		}
		f64.Exp(t, t)
	}
	for i, v := range y {
		wi := 1.0
		if w != nil {
			wi = w[i]
		}
		var g, dg, big float64
		switch c {
		case LogCosh:
			g = math.Copysign((1-t[i])/(1+t[i]), v)
			dg = 1 - g*g
			big = math.Abs(v) + math.Log1p(t[i]) - math.Ln2
		case Exponential:
			g, dg, big = v*t[i], (1-v*v)*t[i], -t[i]
		default:
			g, dg, big = v*v*v, 3*v*v, v*v*v*v/4
		}
		y[i] = wi * g
		slope += wi * dg
		value += wi * big
	}
	return value, slope
}

// normal is the mean of the contrast of a standard normal variable.
func (c Contrast) normal() float64 {
	switch c {
	case LogCosh:
		return 0.37456720749143806
	case Exponential:
		return -math.Sqrt2 / 2
	}
	return 0.75
}

// model sorts the sources, the least normal first, and gives them their signs.
func (f *rotation) model() *FastICAModel {
	order := make([]int, f.k)
	for j := range order {
		order[j] = j
	}
	far := func(j int) float64 { return math.Abs(f.contrast[j] - f.Contrast.normal()) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(far(b), far(a)) })
	turn := linalg.NewDense[float64](f.k, f.k, nil)
	for j, from := range order {
		copy(turn.Row(j), f.turn.Row(from))
	}
	basis := product(f.Workers, turn, f.white)
	signed := linalg.CopyOf[float64](basis)
	fixSigns(signed)
	for j := range f.k {
		if f64.Dot(signed.Row(j), basis.Row(j)) < 0 {
			f64.Scal(-1, turn.Row(j))
		}
	}
	m := &FastICAModel{convergence: f.convergence}
	m.init(f.mean, signed.Data, product(f.Workers, turn, f.colour))
	return m
}

// FastICAModel is a fitted [FastICA]: a gram.Transformer to the sources of rows. Batch methods
// take O(n·d·k), row methods O(d·k) and no memory.
type FastICAModel struct {
	latentMap
	convergence gram.Convergence
}

var _ gram.Transformer = (*FastICAModel)(nil)

// Convergence tells how the fit ended. There is no objective.
func (m *FastICAModel) Convergence() gram.Convergence { return m.convergence }

func encodeICA(e *gram.Encoder, m *FastICAModel) {
	e.Floats(m.mean)
	e.Int(m.Components())
	e.Floats(m.basis.Data)
	e.Floats(m.mixing.Data)
	e.Convergence(m.convergence)
}

func decodeICA(d *gram.Decoder, _ int) *FastICAModel {
	mean, k := d.Floats(), d.Count()
	basis, mixing := d.Floats(k, len(mean)), d.Floats(k, len(mean))
	m := &FastICAModel{convergence: d.Convergence()}
	checkFinite(d, mean, basis, mixing)
	if k == 0 || len(mean) == 0 {
		d.Fail("%d sources of %d features", k, len(mean))
	}
	if d.Err() != nil {
		return nil
	}
	m.init(mean, basis, linalg.NewDense(k, len(mean), mixing))
	return m
}
