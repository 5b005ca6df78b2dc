package linear

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// A family is the loss of rows by their scores and, for some, by one scale that all
// rows share.
type family interface {
	// scaled tells whether there is a scale.
	scaled() bool
	// slopes replaces the scores z of rows s by the derivatives of w·ℓ and returns
	// Σ w·ℓ and its derivative by the scale.
	slopes(z []float64, s span, scale float64) (loss, byScale float64)
	// curvatures replaces the scores z by w times second derivatives of ℓ, or what
	// stands for them, ≥ 0. mixed, if there is a scale, is set to those by score and
	// scale, and the sum of those by the scale is returned.
	curvatures(z, mixed []float64, s span, scale float64) float64
}

// A likelihood is the function
//
//	f = Σ wᵢ·ℓ(yᵢ, xᵢ·coef + bias + offsetᵢ, scale) + ½λ‖coef‖²
//
// on rows that its problem holds. Its coordinates are those of the problem, followed
// by the scale.
type likelihood struct {
	p      *problem
	family family
	offset []float64 // or nil
	floor  float64   // no scale is at or below it

	gradients  []*slopeSum
	curvatures []*curvatureSum
}

// A slopeSum holds the loss and its derivatives.
type slopeSum struct {
	gradientSum
	scale float64
}

// Reset makes the sum that of no rows.
func (g *slopeSum) Reset() {
	g.gradientSum.Reset()
	g.scale = 0
}

// Add takes rows s at the parameters at and a scale.
func (g *slopeSum) Add(l *likelihood, s span, at *params, scale float64, t *scratch) {
	z := l.scores(s, at, t)
	loss, byScale := l.family.slopes(z, s, scale)
	g.loss += loss
	g.scale += byScale
	l.p.x.AddTransMulRows(g.coef, s.lo, s.hi, z, 1)
	g.bias[0] += f64.Sum(z)
}

// Merge adds the rows of o.
func (g *slopeSum) Merge(o *slopeSum) {
	g.gradientSum.Merge(&o.gradientSum)
	g.scale += o.scale
}

// scores returns those of rows s.
func (l *likelihood) scores(s span, at *params, t *scratch) []float64 {
	z := grow(&t.a, s.hi-s.lo)
	l.p.x.MulRows(z, s.lo, s.hi, at.coef, 1)
	addBias(z, at.bias)
	if l.offset != nil {
		f64.Axpy(1, l.offset[s.lo:s.hi], z)
	}
	return z
}

// size returns the number of coordinates.
func (l *likelihood) size() int {
	if l.family.scaled() {
		return l.p.std.dim() + 1
	}
	return l.p.std.dim()
}

// split returns the coordinates of the problem, and the scale.
func (l *likelihood) split(theta []float64) (linear []float64, scale float64) {
	dim := l.p.std.dim()
	if l.family.scaled() {
		scale = theta[dim]
	}
	return theta[:dim], scale
}

func (l *likelihood) eval(ctx context.Context, pt *point) error {
	p := l.p
	_, d := p.x.Dims()
	theta, scale := l.split(pt.theta)
	if l.family.scaled() && !(scale > l.floor) {
		pt.f, pt.residual = math.Inf(1), math.Inf(1)
		clear(pt.grad)
		return ctx.Err()
	}
	p.std.params(p.at, theta)
	parts, err := sum(ctx, p, p.spans, d, &l.gradients,
		func() *slopeSum { return &slopeSum{gradientSum: *newGradientSum(d, 1)} }, (*slopeSum).Reset,
		func(g *slopeSum, s span, t *scratch) { g.Add(l, s, p.at, scale, t) })
	if err != nil {
		return err
	}
	g := parts[0]
	for _, o := range parts[1:] {
		g.Merge(o)
	}
	pt.f = p.factor*g.loss + p.lambda/2*f64.SumSquares(p.at.coef)
	f64.Scal(p.factor, g.coef)
	f64.Scal(p.factor, g.bias)
	f64.Axpy(p.lambda, p.at.coef, g.coef)
	pt.residual = p.residual(&g.gradientSum)
	p.std.gradient(pt.grad[:p.std.dim()], &params{coef: g.coef, bias: g.bias})
	if l.family.scaled() {
		pt.grad[p.std.dim()] = p.factor * g.scale
		pt.residual = max(pt.residual, math.Abs(p.factor*g.scale))
	}
	return nil
}

func (l *likelihood) verdict(pt *point) error {
	if v := pt.residual + pt.f; v-v != 0 {
		return gram.ErrNonFinite
	}
	if _, scale := l.split(pt.theta); l.family.scaled() && scale < 2*l.floor {
		return gram.ErrSingular
	}
	return nil
}

// A curvatureSum holds the Hessian of the loss in standardized coordinates, bordered by
// the scale's row and column if there is one.
type curvatureSum struct {
	gramianSum
	mixed []float64
	scale float64
}

// Reset makes the sum that of no rows.
func (c *curvatureSum) Reset() {
	c.gramianSum.Reset()
	clear(c.mixed)
	c.scale = 0
}

// Add takes rows s at the parameters at and a scale.
func (c *curvatureSum) Add(l *likelihood, s span, at *params, scale float64, t *scratch) {
	rows := s.hi - s.lo
	h := grow(&t.c, 2*rows)
	copy(h, l.scores(s, at, t))
	h, mixed := h[:rows], h[rows:]
	c.scale += l.family.curvatures(h, mixed, s, scale)
	block := l.p.std.block(l.p.x, s, &t.a, &t.b)
	if l.family.scaled() {
		f64.AxpyRows(mixed, block.Data, block.Stride, c.mixed)
	}
	c.gramianSum.Add(block, h, grow(&t.d, rows*block.Cols))
}

// Merge adds the rows of o.
func (c *curvatureSum) Merge(o *curvatureSum) {
	c.gramianSum.Merge(&o.gramianSum)
	f64.Axpy(1, o.mixed, c.mixed)
	c.scale += o.scale
}

// hessian returns the loss's at theta as the rows in spans show it, with the lower
// triangle set. It is in memory that the next call writes to.
func (l *likelihood) hessian(ctx context.Context, theta []float64) (*linalg.Dense[float64], error) {
	p, dim := l.p, l.p.std.dim()
	linear, scale := l.split(theta)
	p.std.params(p.at, linear)
	parts, err := sum(ctx, p, p.spans, dim*dim, &l.curvatures,
		func() *curvatureSum {
			return &curvatureSum{gramianSum: *newGramianSum(dim), mixed: make([]float64, dim)}
		}, (*curvatureSum).Reset,
		func(c *curvatureSum, s span, t *scratch) { c.Add(l, s, p.at, scale, t) })
	if err != nil {
		return nil, err
	}
	for _, o := range parts[1:] {
		parts[0].Merge(o)
	}
	c := parts[0]
	h := c.sum
	if l.family.scaled() {
		h = linalg.NewDense[float64](dim+1, dim+1, nil)
		for i := range dim {
			copy(h.Row(i), c.sum.Row(i)[:i+1])
		}
		copy(h.Row(dim), c.mixed)
		h.Set(dim, dim, c.scale)
	}
	f64.Scal(p.factor, h.Data)
	return h, nil
}

// factored returns the Hessian with the penalty, factorized.
func (l *likelihood) factored(ctx context.Context, pt *point) (preconditioner, error) {
	h, err := l.hessian(ctx, pt.theta)
	if err != nil {
		return nil, err
	}
	for j, scale := range l.p.std.scale {
		h.Data[j*h.Stride+j] += l.p.lambda / scale / scale
	}
	return factor(h)
}

// newton returns Newton's method from pt.
func (l *likelihood) newton(ctx context.Context, pt *point) (*quasiNewton, error) {
	pre, err := l.factored(ctx, pt)
	return &quasiNewton{pre: pre, renew: l.factoredIfSlow}, err
}

// factoredIfSlow returns the Hessian at pt if the step to there was a poor one.
func (l *likelihood) factoredIfSlow(ctx context.Context, from, pt *point) (preconditioner, error) {
	if from != nil && quick(from, pt) {
		return nil, nil
	}
	return l.factored(ctx, pt)
}

// variances is the Hessian's stand-in where features are too many for it: its diagonal,
// if curvatures are those of level.
func (l *likelihood) variances(level float64) preconditioner {
	diag := make([]float64, l.size())
	for j := range diag {
		diag[j] = 1 / (level * l.p.weight)
	}
	for j, scale := range l.p.std.scale {
		diag[j] = 1 / (level*l.p.weight + l.p.lambda/scale/scale)
	}
	return diagonal(diag)
}

// diagonal is the preconditioner whose inverse it is.
type diagonal []float64

func (d diagonal) solve(x []float64) {
	for j, v := range d {
		x[j] *= v
	}
}

// useHessian estimates whether Newton's method is cheaper than L-BFGS.
func (l *likelihood) useHessian() bool {
	dim := float64(l.size())
	pass := 2 * l.p.entries()
	hessian := float64(l.p.sampleRows()) * dim * dim / 2 / 3
	const most = 4096 // 128 MiB for the Hessian
	return dim <= most && 3*(hessian+dim*dim*dim/6*5/3)+7*pass < 60*pass+1e6
}

// on returns the function for keep evenly spaced rows or a few more.
func (l *likelihood) on(keep int) *likelihood {
	part := *l
	part.p, part.gradients, part.curvatures = l.p.on(keep), nil, nil
	return &part
}

// solve goes down from pt, where the function is start, until the residual is at most
// tol. level is a usual curvature by the score.
func (l *likelihood) solve(ctx context.Context, pt *point, start, level, tol float64, limit int, progress func(gram.Progress)) (gram.Convergence, error) {
	report := gram.Convergence{Solver: LBFGS.String(), Tolerance: tol}
	m := &quasiNewton{pre: l.variances(level), fit: true}
	if !l.useHessian() {
		if err := l.eval(ctx, pt); err != nil {
			return report, err
		}
	} else {
		report.Solver = NewtonCholesky.String()
		sample, err := l.approach(ctx, pt, start)
		if err == nil {
			err = l.verdict(pt)
		}
		if err != nil {
			return report, err
		}
		if m, err = sample.newton(ctx, pt); err != nil {
			return report, err
		}
		m.renew = l.factoredIfSlow
	}
	steps, err := minimize(ctx, l, pt, m, tol, limit, progress)
	report.Iterations, report.Objective, report.Residual = steps, pt.f, pt.residual
	report.Converged = pt.residual <= tol
	if errors.Is(err, errStalled) {
		err = fmt.Errorf("linear: after %d iterations of %s %v, with the gradient at %.3g above %.3g: %w",
			steps, report.Solver, err, pt.residual, tol, gram.ErrNotConverged)
	} else if errors.Is(err, gram.ErrNotConverged) {
		err = unconverged(report)
	}
	return report, err
}

// approach evaluates pt, where the function is start, having moved it to about the
// minimum over a part of the rows, if they are many. It returns the function on that
// part, whose Hessian serves for all. A part that misleads leaves pt where it is.
func (l *likelihood) approach(ctx context.Context, pt *point, start float64) (*likelihood, error) {
	n, _ := l.p.x.Dims()
	keep := l.p.sampleRows()
	if 4*keep > n {
		return l, l.eval(ctx, pt)
	}
	part := l.on(keep)
	at := newPoint(l.size())
	copy(at.theta, pt.theta)
	if err := part.eval(ctx, at); err != nil {
		return nil, err
	}
	if part.verdict(at) != nil {
		return l, l.eval(ctx, pt)
	}
	m, err := part.newton(ctx, at)
	if err != nil {
		return nil, err
	}
	const limit = 10
	_, err = minimize(ctx, part, at, m, 1e-3*at.residual, limit, nil)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil || errors.Is(err, gram.ErrNotConverged) || errors.Is(err, errStalled) {
		if err := l.eval(ctx, at); err != nil {
			return nil, err
		}
		if at.f < start {
			swap(pt, at)
			return part, nil
		}
	}
	return l, l.eval(ctx, pt)
}
