package linear

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// A problem is the function to minimise,
//
//	f = Σ wᵢ·ℓᵢ + ½λ‖coef‖²,
//
// with ℓᵢ the log-loss of row i. It may stand for its sum over some of the rows
// alone, scaled to the weight of all.
type problem struct {
	x      gram.Operator
	sparse *entries // of x, or nil
	y      []int
	w      []float64
	cols   int     // of scores: 1 for two classes, else one a class
	weight float64 // Σ wᵢ over all rows
	lambda float64
	std    *standard
	offset []float64 // what x has subtracted from X, or nil
	exact  bool      // moments are of all rows

	spans   []span
	factor  float64 // weight of all rows / weight of the rows in spans
	workers int

	kept *keptHessian // of the latest factorization, or nil to keep none

	// Memory that evaluations reuse.
	work      []scratch
	gradients []*gradientSum
	products  []*productSum
	hessians  []*hessianSum
	at, dir   *params
	both      []float64
}

// A point is a place and what f is there.
type point struct {
	theta, grad []float64 // coordinates and derivatives by them, see standard
	f           float64
	residual    float64 // what the stopping test looks at
	margin      float64 // see gradientSum
}

func newPoint(size int) *point {
	return &point{theta: make([]float64, size), grad: make([]float64, size)}
}

// newProblem reads X once, or a part if it is large, for its moments.
func newProblem(ctx context.Context, X gram.Matrix, y []int, w []float64, cols int, s *settings) (*problem, error) {
	n, d := X.Dims()
	p := &problem{
		x: linalg.AsOperator(X), y: y, w: w, cols: cols, weight: f64.Sum(w), lambda: s.lambda,
		spans: spans(n, d, n), factor: 1, workers: par.Workers(s.workers),
		at: newParams(d, cols), dir: newParams(d, cols),
	}
	if p.sparse = entriesOf(X); p.sparse != nil {
		p.spans = spansOf(n, sparseRows(n, p.sparse.count))
	}
	p.work = make([]scratch, p.workers)
	p.exact = p.sparse != nil || n*d <= momentElements || s.l1 > 0 && d > 256
	m, err := p.moments(ctx)
	if err != nil {
		return nil, err
	}
	for j := range m.mean {
		if err := checkFinite(X, m.rms(j)); err != nil {
			return nil, err
		}
	}
	p.std = newStandard(m, s.intercept)
	p.at.offset = s.offset
	// Shifting makes sparse rows dense, which is worth it where they nearly are.
	if p.std.far() && (p.sparse == nil || p.sparse.count >= 0.1*float64(n)*float64(d)) {
		p.offset, p.std.mean = p.std.mean, make([]float64, d)
		p.x = linalg.AsOperator(shifted{p.x, p.offset})
		if p.sparse != nil {
			p.sparse, p.spans = nil, spans(n, d, n)
		}
	}
	return p, nil
}

// params returns the coefficients and biases at theta for X itself.
func (p *problem) params(theta []float64) *params {
	_, d := p.x.Dims()
	out := newParams(d, p.cols)
	p.std.params(out, theta)
	p.unshift(out)
	return out
}

// shifted returns parameters for X as those for x.
func (p *problem) shifted(of *params) *params {
	out := &params{coef: of.coef, bias: append([]float64(nil), of.bias...)}
	for j, mu := range p.offset {
		f64.Axpy(mu, out.coef[j*p.cols:(j+1)*p.cols], out.bias)
	}
	return out
}

// unshift makes of the biases for x those for X.
func (p *problem) unshift(at *params) {
	for j, mu := range p.offset {
		f64.Axpy(-mu, at.coef[j*p.cols:(j+1)*p.cols], at.bias)
	}
}

// size returns the number of coordinates.
func (p *problem) size() int { return p.std.dim() * contrasts(p.cols) }

// sum adds up the spans in chunks, on the workers, and returns the sums of the
// chunks, for the caller to merge in order. It keeps the sums for the next time.
// One sum has a number of elements.
func sum[S any](ctx context.Context, p *problem, in []span, elements int, sums *[]S, fresh func() S, reset func(S), add func(S, span, *scratch)) ([]S, error) {
	size := chunkSize(len(in), elements)
	chunks := par.Blocks(len(in), size)
	for len(*sums) < chunks {
		*sums = append(*sums, fresh())
	}
	out := (*sums)[:chunks]
	err := par.ForWorker(ctx, p.workers, len(in), size, func(worker, chunk, lo, hi int) {
		reset(out[chunk])
		for _, s := range in[lo:hi] {
			add(out[chunk], s, &p.work[worker])
		}
	})
	return out, err
}

// momentElements is how much of X is read for its moments, which serve to
// precondition: an exact scale is not needed.
const momentElements = 1 << 21

// moments returns those of X, from evenly spaced rows if it is large, and from
// all if those have no weight or a column does not vary among them.
func (p *problem) moments(ctx context.Context) (*momentSum, error) {
	n, d := p.x.Dims()
	if p.sparse != nil {
		return p.sparseMoments(ctx)
	}
	if p.exact {
		return p.momentsOf(ctx, p.spans)
	}
	m, err := p.momentsOf(ctx, spans(n, d, max(1024, momentElements/max(d, 1))))
	if err != nil {
		return nil, err
	}
	for j := range m.mean {
		if m.weight == 0 || m.constant(j) {
			return p.momentsOf(ctx, p.spans)
		}
	}
	return m, nil
}

func (p *problem) momentsOf(ctx context.Context, in []span) (*momentSum, error) {
	_, d := p.x.Dims()
	var sums []*momentSum
	parts, err := sum(ctx, p, in, 3*d, &sums, func() *momentSum { return newMomentSum(d) }, func(*momentSum) {},
		func(m *momentSum, s span, t *scratch) { m.Add(p.x, s, p.w, t) })
	if err != nil {
		return nil, err
	}
	for _, m := range parts[1:] {
		parts[0].Merge(m)
	}
	return parts[0], nil
}

// sparseMoments takes two passes over the entries, one for the means and one for the
// squares about them.
func (p *problem) sparseMoments(ctx context.Context) (*momentSum, error) {
	_, d := p.x.Dims()
	var sums []*columnSum
	merged := func(add func(*columnSum, span, *scratch)) (*columnSum, error) {
		parts, err := sum(ctx, p, p.spans, 3*d, &sums, func() *columnSum { return newColumnSum(d) }, (*columnSum).Reset, add)
		if err != nil {
			return nil, err
		}
		for _, c := range parts[1:] {
			parts[0].Merge(c)
		}
		return parts[0], nil
	}
	c, err := merged(func(c *columnSum, s span, t *scratch) { c.Add(p.sparse, s, p.w, t) })
	if err != nil {
		return nil, err
	}
	m := newMomentSum(d)
	m.weight = c.weight
	for j, v := range c.sum {
		m.mean[j] = v / c.weight
		rest := max(c.weight-c.stored[j], 0) // the zeros that are not stored
		m.dev2[j] = rest * m.mean[j] * m.mean[j]
	}
	c, err = merged(func(c *columnSum, s span, t *scratch) { c.AddSquares(p.sparse, s, p.w, m.mean, t) })
	if err != nil {
		return nil, err
	}
	for j, v := range c.dev2 {
		m.dev2[j] += v
	}
	return m, nil
}

// entries returns how many numbers a pass over X reads, in the time that one of a
// dense matrix takes.
func (p *problem) entries() float64 {
	if p.sparse != nil {
		return 4 * p.sparse.count
	}
	n, d := p.x.Dims()
	return float64(n) * float64(d)
}

// start sets pt to the best place with all coefficients zero, the log-odds of
// the classes, and returns f there. A class of no weight gets a probability of
// 1e-8. With offsets it is not the best one.
func (p *problem) start(pt *point) float64 {
	clear(pt.theta)
	share := make([]float64, max(2, p.cols))
	if !p.std.intercept {
		return p.weight * math.Log(float64(len(share)))
	}
	for i, c := range p.y {
		share[c] += p.w[i] / p.weight
	}
	f := 0.0
	odds := make([]float64, len(share))
	for k, v := range share {
		odds[k] = math.Log(max(v, 1e-8))
		f -= p.weight * v * odds[k]
	}
	bias := pt.theta[len(p.std.mean)*contrasts(p.cols):]
	if p.cols == 1 {
		bias[0] = odds[1] - odds[0]
	} else {
		gather(bias, odds)
	}
	return f
}

// eval sets f and its derivatives at pt.theta: one pass over the rows.
func (p *problem) eval(ctx context.Context, pt *point) error {
	_, d := p.x.Dims()
	p.std.params(p.at, pt.theta)
	parts, err := sum(ctx, p, p.spans, d*p.cols, &p.gradients,
		func() *gradientSum { return newGradientSum(d, p.cols) }, (*gradientSum).Reset,
		func(g *gradientSum, s span, t *scratch) { g.Add(p.x, s, p.y, p.w, p.at, t) })
	if err != nil {
		return err
	}
	g := parts[0]
	for _, o := range parts[1:] {
		g.Merge(o)
	}
	pt.margin = g.margin
	pt.f = p.factor*g.loss + p.lambda/2*f64.SumSquares(p.at.coef)
	f64.Scal(p.factor, g.coef)
	f64.Scal(p.factor, g.bias)
	f64.Axpy(p.lambda, p.at.coef, g.coef)
	pt.residual = p.residual(g)
	p.std.gradient(pt.grad, &params{coef: g.coef, bias: g.bias})
	return nil
}

// residual returns the largest derivative by a coefficient, or by a bias that is
// fitted, each measured as newStandard says.
func (p *problem) residual(g *gradientSum) float64 {
	worst := 0.0
	for j, m := range p.std.measure {
		for k, v := range g.coef[j*p.cols : (j+1)*p.cols] {
			if p.offset != nil {
				v += p.offset[j] * g.bias[k]
			}
			worst = max(worst, math.Abs(v)*m)
		}
	}
	if p.std.intercept {
		for _, v := range g.bias {
			worst = max(worst, math.Abs(v))
		}
	}
	return worst
}

// product sets dst to the Hessian at theta times v: one pass over the rows.
func (p *problem) product(ctx context.Context, dst, theta, v []float64) error {
	_, d := p.x.Dims()
	p.std.params(p.at, theta)
	p.std.params(p.dir, v)
	p.both = p.both[:0]
	for j := range d {
		p.both = append(p.both, p.at.coef[j*p.cols:(j+1)*p.cols]...)
		p.both = append(p.both, p.dir.coef[j*p.cols:(j+1)*p.cols]...)
	}
	parts, err := sum(ctx, p, p.spans, d*p.cols, &p.products,
		func() *productSum { return newProductSum(d, p.cols) }, (*productSum).Reset,
		func(h *productSum, s span, t *scratch) { h.Add(p.x, s, p.w, p.at, p.dir, p.both, t) })
	if err != nil {
		return err
	}
	h := parts[0]
	for _, o := range parts[1:] {
		h.Merge(o)
	}
	f64.Scal(p.factor, h.coef)
	f64.Scal(p.factor, h.bias)
	f64.Axpy(p.lambda, p.dir.coef, h.coef)
	p.std.gradient(dst, &params{coef: h.coef, bias: h.bias})
	return nil
}

// on returns the problem for keep evenly spaced rows or a few more, or for all if
// those have no weight.
func (p *problem) on(keep int) *problem {
	n, d := p.x.Dims()
	s := *p
	s.spans = spans(n, d, keep)
	s.gradients, s.products, s.hessians = nil, nil, nil
	if s.factor = factorOf(p, s.spans); math.IsInf(s.factor, 1) {
		return p
	}
	return &s
}

// factorOf returns the weight of all rows relative to that of the rows in s.
func factorOf(p *problem, s []span) float64 {
	part := 0.0
	for _, b := range s {
		part += f64.Sum(p.w[b.lo:b.hi])
	}
	return p.weight / part
}

// hessian returns the Hessian at theta as the rows in spans show it, with the
// lower triangle set. It is in memory that the next call writes to.
func (p *problem) hessian(ctx context.Context, theta []float64) (*linalg.Dense[float64], error) {
	p.std.params(p.at, theta)
	dim := p.std.dim()
	parts, err := sum(ctx, p, p.spans, pairsOf(p.cols)*dim*dim, &p.hessians,
		func() *hessianSum { return newHessianSum(dim, p.cols) }, (*hessianSum).Reset,
		func(h *hessianSum, s span, t *scratch) { h.Add(p.x, s, p.w, p.std, p.at, t) })
	if err != nil {
		return nil, err
	}
	for _, h := range parts[1:] {
		parts[0].Merge(h)
	}
	h := parts[0].matrix()
	f64.Scal(p.factor, h.Data)
	q := contrasts(p.cols)
	for j, scale := range p.std.scale {
		for a := j * q; a < (j+1)*q; a++ {
			h.Data[a*h.Stride+a] += p.lambda / scale / scale
		}
	}
	return h, nil
}

// gramian returns Σ wᵢxᵢxᵢᵀ of standardized rows as those in spans show it, with
// the lower triangle set.
func (p *problem) gramian(ctx context.Context) (*linalg.Dense[float64], error) {
	dim := p.std.dim()
	var sums []*gramianSum
	parts, err := sum(ctx, p, p.spans, dim*dim, &sums,
		func() *gramianSum { return newGramianSum(dim) }, (*gramianSum).Reset,
		func(g *gramianSum, s span, t *scratch) {
			block := p.std.block(p.x, s, &t.a, &t.b)
			g.Add(block, p.w[s.lo:s.hi], grow(&t.d, len(block.Data)))
		})
	if err != nil {
		return nil, err
	}
	for _, g := range parts[1:] {
		parts[0].Merge(g)
	}
	g := parts[0].sum
	f64.Scal(p.factor, g.Data)
	return g, nil
}

// checkFinite explains a moment, value or gradient of the data that is not finite.
func checkFinite(X gram.Matrix, v float64) error {
	if v-v == 0 {
		return nil
	}
	if _, _, err := gram.CheckMatrix(X); err != nil {
		return err
	}
	return fmt.Errorf("linear: the data are so large that the objective overflows: %w", gram.ErrNonFinite)
}
