package linear

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// A penalized is the problem to minimise
//
//	f = Σ wᵢ·ℓᵢ + l1·‖coef‖₁ + ½·l2·‖coef‖²
//
// by proximal Newton steps. Biases always are the best ones for the coefficients, so
// that what is iterated on is a function of these alone; its Hessian is the Schur
// complement of the biases. A step minimises a quadratic model of the loss plus the
// penalties themselves, over a working set of features.
type penalized struct {
	p      *problem
	l1, l2 float64

	at, next *site
	set      []int  // features of the working set
	in       []bool // whether a feature is in it
	out      []bool // whether a feature is zero at the minimum for sure
	norms    bool   // whether scales are exact, as screening needs them
	model    model  // nil before the first step

	columns []column // of features that have been in a columnModel

	biases []*biasSum
	slopes []*gradientSum
}

// A model is a quadratic one of the loss about a site, for the features of a set.
type model interface {
	// step sets the coefficients of next to about the minimum of the model about at plus
	// the penalties, and its biases to what the model expects.
	step(ctx context.Context, at, next *site, tol float64) error
	// learn is told of the step that was made.
	learn(at, next *site)
}

func newPenalized(p *problem, l1, l2 float64) *penalized {
	n, d := p.x.Dims()
	return &penalized{
		p: p, l1: l1, l2: l2, at: newSite(n, d, p.cols), next: newSite(n, d, p.cols),
		in: make([]bool, d), out: make([]bool, d), norms: p.exact,
		columns: make([]column, d),
	}
}

// certificate is what is known of a site.
type certificate struct {
	objective, gap float64
	scale          float64 // of the dual point beside r
	steepest       float64 // the largest derivative but those by the penalty l1
	excess         float64 // the largest deviation of a derivative from that of a minimum
}

func (l *penalized) certify(at *site) certificate {
	c := certificate{scale: 1}
	one, two := 0.0, 0.0
	for i, b := range at.coef {
		g := -at.grad[i]
		c.steepest = max(c.steepest, math.Abs(g-l.l2*b))
		c.excess = max(c.excess, steepness(b, g, l.l1, l.l2))
		one += math.Abs(b)
		two += b * b
	}
	c.objective = at.loss + l.l1*one + l.l2/2*two
	if c.steepest > l.l1 {
		c.scale = l.l1 / c.steepest
	}
	s := c.scale
	c.gap = l.divergence(at, s) + l.l2/2*(1-s)*(1-s)*two
	for i, b := range at.coef {
		if b != 0 {
			c.gap += math.Abs(b)*l.l1 + s*b*(at.grad[i]+l.l2*b)
		}
	}
	for k, v := range at.drift {
		c.gap += math.Abs(s * v * at.bias[k])
	}
	c.gap = max(c.gap, 0)
	return c
}

// minimize goes on from the coefficients of at until the duality gap is at most tol.
func (l *penalized) minimize(ctx context.Context, tol float64, limit int, progress func(gram.Progress)) (gram.Convergence, error) {
	report := gram.Convergence{Solver: CoordinateDescent.String(), Tolerance: tol}
	if err := l.evaluate(ctx, l.at, l.at); err != nil {
		return report, err
	}
	best, idle := math.Inf(1), 0
	last := math.Inf(1) // gap
	for {
		c := l.certify(l.at)
		report.Iterations++
		report.Objective, report.Residual, report.Converged = c.objective, c.gap, c.gap <= tol
		if v := c.objective + c.gap + c.steepest; v-v != 0 {
			return report, gram.ErrNonFinite
		}
		if progress != nil {
			progress(gram.Progress{Iteration: report.Iterations, Limit: limit, Objective: c.objective, Residual: c.gap, Tolerance: tol})
		}
		switch {
		case report.Converged:
			return report, nil
		case report.Iterations == limit:
			return report, gram.ErrNotConverged
		case idle == patience:
			return report, errStalled
		}
		if idle++; c.gap < 0.9*best {
			best, idle = c.gap, 0
		}
		l.screen(c)
		if grown := l.choose(); grown || l.model == nil || c.gap > 0.3*last {
			var err error
			if l.model, err = l.newModel(ctx); err != nil {
				return report, err
			}
		}
		last = c.gap
		if err := l.advance(ctx, c); err != nil {
			return report, err
		}
	}
}

// evaluate sets everything at a site from its coefficients, starting from biases that
// may be those of from.
func (l *penalized) evaluate(ctx context.Context, at, from *site) error {
	copy(at.bias, from.bias)
	if !l.p.std.intercept {
		return l.survey(ctx, at)
	}
	if err := l.score(ctx, at); err != nil {
		return err
	}
	if err := l.settle(ctx, at); err != nil {
		return err
	}
	return l.slope(ctx, at)
}

// advance makes a step.
func (l *penalized) advance(ctx context.Context, c certificate) error {
	copy(l.next.coef, l.at.coef)
	copy(l.next.bias, l.at.bias)
	if err := l.model.step(ctx, l.at, l.next, c.excess); err != nil {
		return err
	}
	if err := l.search(ctx, c); err != nil {
		return err
	}
	l.model.learn(l.at, l.next)
	l.at, l.next = l.next, l.at
	return nil
}

// search evaluates next, moved towards at as often as it takes to be a better one.
func (l *penalized) search(ctx context.Context, c certificate) error {
	whole := !l.p.std.intercept // next is right with all that belongs to it
	first := l.score
	if whole {
		first = l.survey
	}
	if err := first(ctx, l.next); err != nil {
		return err
	}
	const trials = 40
	flat := 1e-13 * math.Abs(c.objective)
	for range trials {
		if !whole {
			if err := l.settle(ctx, l.next); err != nil {
				return err
			}
		}
		value, fall := l.descent(c.objective)
		if value <= c.objective+1e-4*fall+flat {
			break
		}
		l.halve()
		whole = false
	}
	if whole {
		return nil
	}
	return l.slope(ctx, l.next)
}

// descent returns the objective at next, and how much it would differ from that at l.at if
// the loss were linear.
func (l *penalized) descent(objective float64) (value, fall float64) {
	value = l.next.loss
	for i, b := range l.next.coef {
		a := l.at.coef[i]
		if a == b && a == 0 {
			continue
		}
		penalty := l.l1*math.Abs(b) + l.l2/2*b*b
		value += penalty
		fall += l.at.grad[i]*(b-a) + penalty - l.l1*math.Abs(a) - l.l2/2*a*a
	}
	return value, min(fall, 0)
}

// halve moves next half the way back to at.
func (l *penalized) halve() {
	half := func(a, b []float64) {
		for i, v := range b {
			a[i] = v/2 + a[i]/2
		}
	}
	half(l.next.coef, l.at.coef)
	half(l.next.bias, l.at.bias)
	half(l.next.z, l.at.z)
}

// screen sets out for features that are zero at the minimum for sure: the loss is smooth,
// so that the best dual point is no further from the one at hand than the gap tells
// (Ndiaye and others).
func (l *penalized) screen(c certificate) {
	if !l.norms {
		return
	}
	smooth, cols := 0.25, l.p.cols
	if cols > 1 {
		smooth = 0.5
	}
	for j, scale := range l.p.std.scale {
		if l.out[j] || math.IsInf(scale, 1) {
			continue
		}
		radius := math.Sqrt(2 * c.gap * (smooth*l.p.weight*scale*scale + l.l2))
		most := 0.0
		for i := j * cols; i < (j+1)*cols; i++ {
			most = max(most, math.Abs(l.at.grad[i]+l.l2*l.at.coef[i]))
		}
		l.out[j] = c.scale*most+radius < l.l1*(1-1e-12)
	}
}

// choose revises the working set: what is out leaves, unless its coefficients have still to
// become zero, and the features come in whose derivatives are the steepest. It tells
// whether the set has grown.
func (l *penalized) choose() bool {
	cols := l.p.cols
	l.set = slices.DeleteFunc(l.set, func(j int) bool {
		l.in[j] = !l.out[j] || slices.ContainsFunc(l.at.coef[j*cols:(j+1)*cols], func(b float64) bool { return b != 0 })
		return !l.in[j]
	})
	few := len(l.in)*cols <= 256
	var come []int
	steep := make([]float64, len(l.in))
	for j, scale := range l.p.std.scale {
		if l.in[j] || l.out[j] || math.IsInf(scale, 1) {
			continue
		}
		nonzero := false
		for i := j * cols; i < (j+1)*cols; i++ {
			steep[j] = max(steep[j], math.Abs(l.at.grad[i]+l.l2*l.at.coef[i]))
			nonzero = nonzero || l.at.coef[i] != 0
		}
		if nonzero {
			steep[j] = math.Inf(1)
		}
		if few || steep[j] > l.l1 {
			come = append(come, j)
		}
	}
	room := max(128, len(l.set))
	if l.p.sparse != nil {
		room = max(2048, 2*len(l.set)) // their columns are short
	}
	if len(come) > room && !few {
		slices.SortStableFunc(come, func(a, b int) int {
			switch {
			case steep[a] > steep[b]:
				return -1
			case steep[a] < steep[b]:
				return 1
			}
			return 0
		})
		for room < len(come) && math.IsInf(steep[come[room]], 1) {
			room++
		}
		come = come[:room]
	}
	for _, j := range come {
		l.in[j] = true
	}
	l.set = append(l.set, come...)
	slices.Sort(l.set)
	return len(come) > 0
}

// newModel returns a model for the working set: its Gramian where coefficients are few.
func (l *penalized) newModel(ctx context.Context) (model, error) {
	most := 1024
	if l.p.sparse != nil {
		most = 512
	}
	if len(l.set)*l.p.cols <= most {
		return l.newGramianModel(ctx)
	}
	return l.newColumnModel(ctx)
}

// solvePenalized is solve with an L1 penalty.
func solvePenalized(ctx context.Context, X gram.Matrix, p *problem, s *settings) (*params, gram.Convergence, error) {
	l := newPenalized(p, s.l1, s.lambda)
	tol, err := l.begin(ctx, s)
	var report gram.Convergence
	if err == nil {
		report, err = l.minimize(ctx, tol, s.maxIter, s.progress)
	}
	err, keep := explain(X, err, report, "duality gap")
	if !keep {
		return nil, report, err
	}
	return l.params(), report, err
}

// begin sets the site to begin at and returns the gap to come down to.
func (l *penalized) begin(ctx context.Context, s *settings) (tol float64, err error) {
	p := l.p
	pt := newPoint(p.size())
	tol = s.tol * p.start(pt)
	p.std.params(p.at, pt.theta)
	copy(l.at.bias, p.at.bias)
	if p.at.offset != nil {
		copy(l.at.z, p.at.offset)
		if err := l.settle(ctx, l.at); err != nil {
			return 0, err
		}
		tol = s.tol * l.at.loss
	}
	if s.start == nil {
		return tol, l.approach(ctx, tol)
	}
	from := p.shifted(s.start)
	copy(l.at.coef, from.coef)
	copy(l.at.bias, from.bias)
	centre(l.at.bias)
	for j, scale := range p.std.scale {
		if math.IsInf(scale, 1) {
			clear(l.at.coef[j*p.cols : (j+1)*p.cols])
		}
	}
	return tol, nil
}

// approach begins on a part of the rows if there are many, as beginNewton does.
func (l *penalized) approach(ctx context.Context, tol float64) error {
	n, d := l.p.x.Dims()
	keep := max(samplesPerDim*(d+1), 1000)
	if 4*keep > n || d*l.p.cols > 256 {
		return nil
	}
	part := newPenalized(l.p.on(keep), l.l1, l.l2)
	copy(part.at.bias, l.at.bias)
	const rough, limit = 1e-4, 20
	_, err := part.minimize(ctx, max(tol, rough*l.p.weight), limit, nil)
	if err != nil && !errors.Is(err, gram.ErrNotConverged) && !errors.Is(err, errStalled) {
		return err
	}
	copy(l.at.coef, part.at.coef)
	copy(l.at.bias, part.at.bias)
	if m, ok := part.model.(*gramianModel); ok {
		m.l = l
		l.model, l.set, l.in, l.out = m, part.set, part.in, part.out
	}
	return nil
}

// params returns the coefficients and biases for X itself.
func (l *penalized) params() *params {
	_, d := l.p.x.Dims()
	out := newParams(d, l.p.cols)
	copy(out.coef, l.at.coef)
	copy(out.bias, l.at.bias)
	l.p.unshift(out)
	centre(out.bias)
	return out
}

// centre makes the biases of several classes sum to zero.
func centre(bias []float64) {
	if len(bias) == 1 {
		return
	}
	mean := f64.Sum(bias) / float64(len(bias))
	for k := range bias {
		bias[k] -= mean
	}
}
