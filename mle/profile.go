package mle

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram"
)

// Profile returns the profile-likelihood interval of parameter i for a confidence level
// between 0 and 1: the values that the likelihood-ratio test of [Estimate.TestValue] does not
// reject at 1 − level. An end where the likelihood never falls so far is that of the
// parameter's range, which may be infinite.
//
// Errors: ErrParam for i and level; ErrNotConverged if the other parameters cannot be fitted
// again; that of ctx. It costs some thirty fits, from near their ends.
func (e *Estimate) Profile(ctx context.Context, i int, level float64) (Interval, error) {
	if err := checkLevel(level); err != nil {
		return Interval{}, err
	}
	if i < 0 || i >= len(e.theta) {
		return Interval{}, fmt.Errorf("parameter %d of %d: %w", i, len(e.theta), gram.ErrParam)
	}
	p := &profile{ctx: ctx, e: e, i: i, theta: e.theta, depth: distuv.ChiSquared{K: 1}.Quantile(level) / 2}
	lower := p.end(-1)
	p.theta = e.theta
	upper := p.end(1)
	return Interval{lower, upper}, p.err
}

// profile walks along the likelihood maximised over all parameters but number i.
type profile struct {
	ctx   context.Context
	e     *Estimate
	i     int
	depth float64 // how far the likelihood falls at an end
	theta []float64
	err   error
}

// fall returns by how much the likelihood at v is below that of the estimate.
func (p *profile) fall(v float64) float64 {
	s := &p.e.stats
	theta, err := restrict(p.ctx, s, p.theta, p.i, v)
	if err != nil {
		p.err = err
		return math.NaN()
	}
	p.theta = theta
	return p.e.logLik - s.family.eval(s.summary, theta, nil, nil)
}

// restrict maximises over the other parameters, from theta.
func restrict(ctx context.Context, s *Statistics, theta []float64, i int, v float64) ([]float64, error) {
	if f, ok := s.family.(restricter); ok {
		return f.restricted(s.summary, theta, i, v), ctx.Err()
	}
	start := make([]float64, len(theta))
	copy(start, theta)
	start[i] = v
	out, _, err := newton(ctx, s.family, s.summary, start, i)
	return out, err
}

// end returns the end below (side −1) or above (+1) the estimate.
func (p *profile) end(side float64) float64 {
	d := p.e.stats.family.domain(p.i)
	lo, hi := d.limits()
	limit := hi
	if side < 0 {
		limit = lo
	}
	at := p.e.theta[p.i]
	step := p.e.StdErr()[p.i]
	if !(step > 0) {
		step = 1 / p.e.stats.summary.weight
	}
	if at == limit || p.err != nil {
		return limit
	}
	inner, innerFall := at, -p.depth
	for k := 0; k < 64; k++ {
		v := away(d, at, side, step*math.Ldexp(1, k))
		if v == limit || v == inner {
			return limit
		}
		f := p.fall(v) - p.depth
		if p.err != nil {
			return math.NaN()
		}
		if f >= 0 {
			return p.root(inner, innerFall, v, f)
		}
		inner, innerFall = v, f
	}
	return limit
}

// away returns the value that is by step beyond at, bent so that it stays in the range.
func away(d domain, at, side, step float64) float64 {
	switch {
	case d == anyReal || d == positive && side > 0:
		return at + side*step
	case side < 0: // towards 0
		return at / (1 + step/at)
	default: // towards 1
		return 1 - (1-at)/(1+step/(1-at))
	}
}

// root returns where the likelihood has fallen by depth, between a, where fa < 0, and b,
// where fb ≥ 0: regula falsi of the Illinois kind, with bisection when it is slow.
func (p *profile) root(a, fa, b, fb float64) float64 {
	for k := range 100 {
		v := b - fb*(b-a)/(fb-fa)
		if k%8 == 7 || !(v > min(a, b) && v < max(a, b)) {
			v = a/2 + b/2
		}
		if math.Abs(b-a) <= 1e-11*(math.Abs(a)+math.Abs(b)) || fb == 0 {
			return b
		}
		f := p.fall(v) - p.depth
		switch {
		case p.err != nil:
			return math.NaN()
		case math.Abs(f) <= 1e-10*p.depth:
			return v
		case f < 0:
			a, fa, fb = v, f, fb/2
		default:
			b, fb, fa = v, f, fa/2
		}
	}
	return b
}
