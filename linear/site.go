package linear

import (
	"context"
	"math"

	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// A site is a place where a penalised fit has been: coefficients with the best biases
// for them.
type site struct {
	coef, bias []float64 // d×cols, cols
	z, r       []float64 // n×cols: scores without biases, and the derivatives of the loss by them
	grad       []float64 // of the loss by coef, biases following
	loss       float64
	drift      []float64 // derivatives by the biases, as near to 0 as rounding lets them
}

func newSite(n, d, cols int) *site {
	return &site{
		coef: make([]float64, d*cols), bias: make([]float64, cols), z: make([]float64, n*cols), r: make([]float64, n*cols),
		grad: make([]float64, d*cols), drift: make([]float64, cols),
	}
}

// A biasSum holds the log-loss and its first and second derivatives by the biases.
type biasSum struct {
	loss float64
	grad []float64 // cols
	hess []float64 // cols×cols
}

func newBiasSum(cols int) *biasSum {
	return &biasSum{grad: make([]float64, cols), hess: make([]float64, cols*cols)}
}

// Reset makes the sum that of no rows.
func (b *biasSum) Reset() {
	b.loss = 0
	clear(b.grad)
	clear(b.hess)
}

// Add takes rows with scores r, which it replaces by the derivatives of the loss.
func (b *biasSum) Add(r []float64, y []int, w []float64, t *scratch) {
	cols := len(b.grad)
	loss, _ := residuals(r, cols, y, w, grow(&t.b, 2*len(y)))
	b.loss += loss
	addRows(b.grad, r)
	if cols == 1 {
		h := 0.0
		for i, v := range r {
			if w[i] > 0 {
				v = math.Abs(v)
				h += v - v*v/w[i]
			}
		}
		b.hess[0] += h
		return
	}
	p := grow(&t.c, cols)
	for i, wi := range w {
		if wi == 0 {
			continue
		}
		for k, v := range r[i*cols : (i+1)*cols] {
			p[k] = v / wi
		}
		p[y[i]]++
		for k, v := range p {
			f64.Axpy(-wi*v, p, b.hess[k*cols:(k+1)*cols])
			b.hess[k*cols+k] += wi * v
		}
	}
}

// Merge adds the rows of o.
func (b *biasSum) Merge(o *biasSum) {
	b.loss += o.loss
	f64.Axpy(1, o.grad, b.grad)
	f64.Axpy(1, o.hess, b.hess)
}

// score sets z at the coefficients: one pass over X.
func (l *penalized) score(ctx context.Context, at *site) error {
	return par.For(ctx, l.p.workers, len(l.p.spans), 1, func(_, lo, hi int) {
		for _, s := range l.p.spans[lo:hi] {
			l.scoreRows(at, s)
		}
	})
}

// scoreRows sets z in some rows.
func (l *penalized) scoreRows(at *site, s span) {
	p := l.p
	z := at.z[s.lo*p.cols : s.hi*p.cols]
	p.x.MulRows(z, s.lo, s.hi, at.coef, p.cols)
	if p.at.offset != nil {
		f64.Axpy(1, p.at.offset[s.lo*p.cols:s.hi*p.cols], z)
	}
}

// settle moves the biases to their best for z, by Newton's method, and sets r and loss.
func (l *penalized) settle(ctx context.Context, at *site) error {
	p, cols := l.p, l.p.cols
	const limit = 100
	last := math.Inf(1)
	for step := 0; ; step++ {
		parts, err := sum(ctx, p, p.spans, cols*cols, &l.biases, func() *biasSum { return newBiasSum(cols) }, (*biasSum).Reset,
			func(b *biasSum, s span, t *scratch) {
				r := at.r[s.lo*cols : s.hi*cols]
				copy(r, at.z[s.lo*cols:])
				addBias(r, at.bias)
				b.Add(r, p.y[s.lo:s.hi], p.w[s.lo:s.hi], t)
			})
		if err != nil {
			return err
		}
		for _, o := range parts[1:] {
			parts[0].Merge(o)
		}
		b := parts[0]
		at.loss = p.factor * b.loss
		copy(at.drift, b.grad)
		f64.Scal(p.factor, at.drift)
		worst := 0.0
		for _, v := range b.grad {
			worst = max(worst, math.Abs(v))
		}
		worst *= p.factor / p.weight
		done := worst <= 1e-15 || worst <= 1e-10 && worst >= 0.5*last
		if !p.std.intercept || done || step == limit || !l.biasStep(at.bias, b) {
			return nil
		}
		last = worst
	}
}

// biasStep makes a step of Newton's method, damped where it is long. It returns false
// if there is none to make.
func (l *penalized) biasStep(bias []float64, b *biasSum) bool {
	root := biasRoot(b.hess, len(bias))
	if root == nil {
		return false
	}
	step := append([]float64(nil), b.grad...)
	root.SolveVec(step, step)
	size := 0.0
	for _, v := range step {
		size = max(size, math.Abs(v))
	}
	damp := 1.0
	if size > 0.25 {
		damp = 1 / (1 + size)
	}
	f64.Axpy(-damp, step, bias)
	return size > 0
}

// biasRoot factorizes the second derivatives by the biases, made definite along equal
// changes of all, which change nothing. It returns nil where they vanish.
func biasRoot(hess []float64, cols int) *linalg.Cholesky {
	h := linalg.NewDense(cols, cols, append([]float64(nil), hess...))
	trace := 0.0
	for k := range cols {
		trace += h.At(k, k)
	}
	if cols > 1 {
		for i := range h.Data {
			h.Data[i] += trace / float64(cols)
		}
	}
	root, err := linalg.NewCholesky(1, h)
	if err != nil {
		return nil
	}
	return root
}

// slope sets grad from r: one pass over X.
func (l *penalized) slope(ctx context.Context, at *site) error {
	_, err := l.slopeBy(ctx, at, l.addSlope(at))
	return err
}

// addSlope returns what adds the derivatives of spans from r.
func (l *penalized) addSlope(at *site) func(*gradientSum, span, *scratch) {
	p, cols := l.p, l.p.cols
	return func(g *gradientSum, s span, _ *scratch) {
		r := at.r[s.lo*cols : s.hi*cols]
		p.x.AddTransMulRows(g.coef, s.lo, s.hi, r, cols)
		addRows(g.bias, r)
	}
}

// survey is score, settle and slope in one pass over X, where there are no biases to settle.
func (l *penalized) survey(ctx context.Context, at *site) error {
	p, cols := l.p, l.p.cols
	slope := l.addSlope(at)
	g, err := l.slopeBy(ctx, at, func(g *gradientSum, s span, t *scratch) {
		l.scoreRows(at, s)
		r := at.r[s.lo*cols : s.hi*cols]
		copy(r, at.z[s.lo*cols:])
		addBias(r, at.bias)
		loss, _ := residuals(r, cols, p.y[s.lo:s.hi], p.w[s.lo:s.hi], grow(&t.b, 2*(s.hi-s.lo)))
		g.loss += loss
		slope(g, s, t)
	})
	if err != nil {
		return err
	}
	at.loss = p.factor * g.loss
	copy(at.drift, g.bias)
	f64.Scal(p.factor, at.drift)
	return nil
}

// slopeBy sets grad from a sum over spans, which it returns.
func (l *penalized) slopeBy(ctx context.Context, at *site, add func(*gradientSum, span, *scratch)) (*gradientSum, error) {
	p, cols := l.p, l.p.cols
	_, d := p.x.Dims()
	parts, err := sum(ctx, p, p.spans, d*cols, &l.slopes, func() *gradientSum { return newGradientSum(d, cols) }, (*gradientSum).Reset, add)
	if err != nil {
		return nil, err
	}
	g := parts[0]
	for _, o := range parts[1:] {
		g.Merge(o)
	}
	for j, scale := range p.std.scale {
		for k := range cols {
			v := g.coef[j*cols+k]
			if p.std.intercept { // r sums to zero but for rounding
				v -= p.std.mean[j] * g.bias[k]
			}
			if math.IsInf(scale, 1) {
				v = 0
			}
			at.grad[j*cols+k] = p.factor * v
		}
	}
	return g, nil
}

// divergence returns by how much the loss at the site exceeds its bound from the dual
// point s·r. For a row that has its label with probability 1−ρ it is Kullback and
// Leibler's divergence of a label missed with probability sρ from one missed with ρ.
func (l *penalized) divergence(at *site, s float64) float64 {
	p := l.p
	if s >= 1 {
		return 0
	}
	parts := make([]float64, len(p.spans))
	// It is short: a context that has ended is noticed by the next pass over X.
	_ = par.For(nil, p.workers, len(p.spans), 1, func(k, _, _ int) { parts[k] = l.diverge(at, p.spans[k], s) })
	return p.factor * f64.Sum(parts)
}

// diverge is divergence in some rows.
func (l *penalized) diverge(at *site, rows span, s float64) float64 {
	p, cols := l.p, l.p.cols
	delta, total, log := 1-s, 0.0, math.Log(s)
	for i := rows.lo; i < rows.hi; i++ {
		w := p.w[i]
		if w == 0 {
			continue
		}
		miss := math.Abs(at.r[i*cols])
		if cols > 1 {
			miss = -at.r[i*cols+p.y[i]]
		}
		miss /= w
		hit := 1 - miss
		if hit < 1e-6 {
			hit = at.hit(i, cols, p.y[i])
		}
		if delta <= 0.1*hit {
			total += w * delta * delta * miss / hit // no less, and at most about twice as much
			continue
		}
		total += w * (s*miss*log + (hit+delta*miss)*math.Log1p(delta*miss/hit))
	}
	return total
}

// hit returns the probability of label y in row i, however small.
func (at *site) hit(i, cols, y int) float64 {
	z := at.z[i*cols : (i+1)*cols]
	if cols == 1 {
		v := z[0] + at.bias[0]
		if y == 0 {
			v = -v
		}
		return math.Exp(logSigmoid(v))
	}
	sum := 0.0
	for k, v := range z {
		sum += math.Exp(v + at.bias[k] - z[y] - at.bias[y])
	}
	return 1 / sum
}
