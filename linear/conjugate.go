package linear

import (
	"context"
	"errors"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// A tall is the matrix A = √W·(X − means)/scales of least squares by its products
// alone.
type tall struct {
	p     *problem
	coef  []float64
	sums  []*productSum
	whole []float64 // √W times what Aᵀ multiplies
}

// mul sets dst, of n numbers, to A·theta.
func (a *tall) mul(ctx context.Context, dst, theta []float64) error {
	bias := 0.0
	for j, v := range theta {
		a.coef[j] = v / a.p.std.scale[j]
		bias -= a.p.std.mean[j] * a.coef[j]
	}
	return par.For(ctx, a.p.workers, len(a.p.spans), 1, func(_, lo, hi int) {
		for _, s := range a.p.spans[lo:hi] {
			z := dst[s.lo:s.hi]
			a.p.x.MulRows(z, s.lo, s.hi, a.coef, 1)
			for i := range z {
				z[i] = math.Sqrt(a.p.w[s.lo+i]) * (z[i] + bias)
			}
		}
	})
}

// mulTrans sets dst, of d numbers, to Aᵀ·r.
func (a *tall) mulTrans(ctx context.Context, dst, r []float64) error {
	d := len(dst)
	for i, v := range r {
		a.whole[i] = math.Sqrt(a.p.w[i]) * v
	}
	parts, err := sum(ctx, a.p, a.p.spans, d, &a.sums, func() *productSum { return newProductSum(d, 1) }, (*productSum).Reset,
		func(h *productSum, s span, _ *scratch) {
			g := a.whole[s.lo:s.hi]
			a.p.x.AddTransMulRows(h.coef, s.lo, s.hi, g, 1)
			h.bias[0] += f64.Sum(g)
		})
	if err != nil {
		return err
	}
	for _, o := range parts[1:] {
		parts[0].Merge(o)
	}
	for j, scale := range a.p.std.scale {
		dst[j] = (parts[0].coef[j] - a.p.std.mean[j]*parts[0].bias[0]) / scale
	}
	return nil
}

// conjugate solves ridge regression by conjugate gradients on the residuals of rows,
// not on the normal equations, whose rounding is worse (Å. Björck, T. Elfving and
// Z. Strakoš, Stability of conjugate gradient and Lanczos methods for linear least
// squares problems, SIAM Journal on Matrix Analysis and Applications 19 (1998)). It
// ends when the gradient is at most tol of that of coefficients 0, or at most exact
// times what it is made of.
func (p *problem) conjugate(ctx context.Context, y []float64, alpha float64, pre preconditioner, tol, exact float64, limit int, progress func(gram.Progress)) (LinearPredictor, gram.Convergence, error) {
	n, d := p.x.Dims()
	a := &tall{p: p, coef: make([]float64, d), whole: make([]float64, n)}
	mean := 0.0
	if p.std.intercept {
		mean = weightedMean(y, p.w)
	}
	r, q := make([]float64, n), make([]float64, n)
	for i, v := range y {
		r[i] = math.Sqrt(p.w[i]) * (v - mean)
	}
	penalty := p.penalties(alpha)
	theta, s, z, dir := make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d)
	report := gram.Convergence{Solver: "conjugate-gradients"}
	size := linalg.Nrm2(r)
	first := 0.0
	old := math.Inf(1)
	for {
		if err := a.mulTrans(ctx, s, r); err != nil {
			return LinearPredictor{}, report, err
		}
		report.Objective, report.Residual = f64.SumSquares(r), 0
		for j, v := range theta {
			s[j] -= penalty[j] * v
			report.Objective += penalty[j] * v * v
			report.Residual = max(report.Residual, math.Abs(s[j]))
		}
		if report.Iterations == 0 {
			first = report.Residual
		}
		report.Tolerance = max(tol*first, exact*math.Sqrt(p.weight)*(size+math.Sqrt(p.weight)*linalg.Nrm2(theta)))
		if report.Iterations > 0 && progress != nil {
			progress(gram.Progress{
				Iteration: report.Iterations, Limit: limit, Objective: report.Objective, Residual: report.Residual, Tolerance: report.Tolerance,
			})
		}
		report.Converged = report.Residual <= report.Tolerance
		if report.Converged || report.Iterations == limit {
			return p.linearPredictor(theta, mean), report, ctx.Err()
		}
		copy(z, s)
		pre.solve(z)
		sz := f64.Dot(s, z)
		for j, v := range z {
			dir[j] = v + sz/old*dir[j]
		}
		old = sz
		if err := a.mul(ctx, q, dir); err != nil {
			return LinearPredictor{}, report, err
		}
		curvature := f64.SumSquares(q)
		for j, v := range dir {
			curvature += penalty[j] * v * v
		}
		f64.Axpy(sz/curvature, dir, theta)
		f64.Axpy(-sz/curvature, q, r)
		report.Iterations++
	}
}

// penalties returns alpha by the coefficients of standardized features.
func (p *problem) penalties(alpha float64) []float64 {
	out := make([]float64, len(p.std.scale))
	for j, scale := range p.std.scale {
		out[j] = alpha / scale / scale
	}
	return out
}

// byVariances solves ridge regression with the features' variances to precondition.
func (p *problem) byVariances(ctx context.Context, y []float64, alpha, tol float64, limit int, progress func(gram.Progress)) (LinearPredictor, gram.Convergence, error) {
	pre := diagonal(p.penalties(alpha))
	for j, v := range pre {
		pre[j] = 1 / (p.weight + v)
	}
	return p.conjugate(ctx, y, alpha, pre, tol, 0, limit, progress)
}

// byGramian solves ridge regression with the inner products of features to
// precondition. Two or three iterations then give all digits, unless columns nearly
// depend on each other: it has not converged then.
func (p *problem) byGramian(ctx context.Context, y []float64, alpha float64, progress func(gram.Progress)) (LinearPredictor, gram.Convergence, error) {
	g, err := p.gramian(ctx)
	if err != nil {
		return LinearPredictor{}, gram.Convergence{}, err
	}
	d := len(p.std.scale)
	g = linalg.CopyOf[float64](g.Slice(0, d, 0, d)) // without the intercept, which centring sets apart
	for j, v := range p.penalties(alpha) {
		g.Data[j*g.Stride+j] += v
		if math.IsInf(p.std.scale[j], 1) {
			g.Data[j*g.Stride+j] = p.weight
		}
	}
	pre, err := factor(g)
	if errors.Is(err, gram.ErrSingular) {
		return LinearPredictor{}, gram.Convergence{}, nil
	}
	if err != nil {
		return LinearPredictor{}, gram.Convergence{}, err
	}
	const exact, limit = 1e-14, 6
	return p.conjugate(ctx, y, alpha, pre, 0, exact, limit, progress)
}

// linearPredictor returns the model of coefficients theta of standardized features, for
// targets of a mean.
func (p *problem) linearPredictor(theta []float64, mean float64) LinearPredictor {
	if p.std.intercept {
		theta = append(theta[:len(theta):len(theta)], mean)
	}
	at := p.params(theta)
	return LinearPredictor{coef: at.coef, intercept: at.bias[0]}
}

// ridgeObjective returns Σ w(y − x·coef − bias)² + alpha·‖coef‖², for rows x of p.x.
func (p *problem) ridgeObjective(ctx context.Context, y, coef []float64, bias, alpha float64) (float64, error) {
	n, _ := p.x.Dims()
	parts := make([]float64, len(p.spans))
	z := make([]float64, n)
	err := par.For(ctx, p.workers, len(p.spans), 1, func(block, lo, hi int) {
		for _, s := range p.spans[lo:hi] {
			p.x.MulRows(z[s.lo:s.hi], s.lo, s.hi, coef, 1)
			for i := s.lo; i < s.hi; i++ {
				e := y[i] - z[i] - bias
				parts[block] += p.w[i] * e * e
			}
		}
	})
	return f64.Sum(parts) + alpha*f64.SumSquares(coef), err
}
