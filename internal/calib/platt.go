package calib

import (
	"context"
	"math"

	"github.com/gram-ml/gram/internal/par"
)

// A Sigmoid is the probability 1/(1 + exp(A·f + B)) of the positive class at a score
// f, A usually being negative.
type Sigmoid struct{ A, B float64 }

// At returns the probability at score f.
func (s Sigmoid) At(f float64) float64 {
	z := s.A*f + s.B
	e := math.Exp(-math.Abs(z))
	if z > 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

// A Report tells how [Platt] ended.
type Report struct {
	Iterations int
	// Objective is the cross entropy with Platt's targets; Gradient the larger of its
	// derivatives by the slope and the intercept of scores of mean 0 and deviation 1.
	Objective, Gradient float64
	// Converged tells whether Gradient ≤ tol·Σw.
	Converged bool
}

// Platt fits a sigmoid to scores f, of which some are positive. It minimises the cross
// entropy with the targets that Platt gives, (N₊+1)/(N₊+2) for the positive and
// 1/(N₋+2) for the others, N being the weight of each, so that the minimum is finite
// even if the score separates them, and unique but for scores that are all the same,
// for which A is 0.
//
// Newton's method on scores of mean 0 and deviation 1 takes some ten passes over
// them. It ends when the gradient is at most tol·Σw or rounding hides any
// further descent, or after limit iterations, or with the error of ctx. progress,
// if not nil, is called after each iteration.
func Platt(ctx context.Context, workers int, f []float64, positive []bool, w []float64, tol float64, limit int, progress func(Report)) (Sigmoid, Report, error) {
	p := newPlatt(workers, f, positive, w)
	var r Report
	var at plattSum
	theta := p.start()
	err := p.eval(ctx, theta, &at)
	for err == nil {
		r.Objective, r.Gradient = at.loss, max(math.Abs(at.ga), math.Abs(at.gb))
		r.Converged = r.Gradient <= tol*p.weight
		if r.Iterations > 0 && progress != nil {
			progress(r)
		}
		if r.Converged || r.Iterations == limit {
			break
		}
		var moved bool
		if moved, err = p.step(ctx, &theta, &at); err != nil || !moved {
			break
		}
		r.Iterations++
	}
	// In the scores' own units: z = a·(f − mean)/dev + b.
	s := Sigmoid{A: -theta[0] / p.dev}
	s.B = -theta[1] + theta[0]/p.dev*p.mean
	return s, r, err
}

type platt struct {
	workers   int
	f         []float64
	positive  []bool
	w         []float64
	hi, lo    float64 // targets
	weight    float64
	mean, dev float64
	parts     []plattSum
}

func newPlatt(workers int, f []float64, positive []bool, w []float64) *platt {
	p := &platt{workers: workers, f: f, positive: positive, w: w}
	var pos, neg float64
	for i, yes := range positive {
		if yes {
			pos += p.weightOf(i)
		} else {
			neg += p.weightOf(i)
		}
	}
	p.weight = pos + neg
	p.hi, p.lo = (pos+1)/(pos+2), 1/(neg+2)
	// Two passes, on scores scaled so that squares do not overflow.
	size := 0.0
	for i, v := range f {
		if p.weightOf(i) > 0 {
			size = max(size, math.Abs(v))
		}
	}
	if size == 0 {
		p.dev = 1
		return p
	}
	for i, v := range f {
		p.mean += p.weightOf(i) / p.weight * (v / size)
	}
	for i, v := range f {
		if wi := p.weightOf(i); wi > 0 {
			d := v/size - p.mean
			p.dev += wi / p.weight * d * d
		}
	}
	p.mean, p.dev = p.mean*size, math.Sqrt(p.dev)*size
	if p.dev <= 1e-14*math.Abs(p.mean) || p.dev == 0 {
		p.dev = math.Inf(1) // constant, but for rounding: A is 0
	}
	return p
}

func (p *platt) weightOf(i int) float64 {
	if p.w == nil {
		return 1
	}
	return p.w[i]
}

// start returns slope 0 and the log-odds of the targets.
func (p *platt) start() [2]float64 {
	var one, zero float64
	for i, yes := range p.positive {
		t := p.lo
		if yes {
			t = p.hi
		}
		one += p.weightOf(i) * t
		zero += p.weightOf(i) * (1 - t)
	}
	return [2]float64{0, math.Log(one / zero)}
}

// A plattSum holds the loss over rows, its gradient and its Hessian.
type plattSum struct{ loss, ga, gb, haa, hab, hbb float64 }

func (s *plattSum) merge(o *plattSum) {
	s.loss += o.loss
	s.ga += o.ga
	s.gb += o.gb
	s.haa += o.haa
	s.hab += o.hab
	s.hbb += o.hbb
}

// eval sets s to the sums at theta.
func (p *platt) eval(ctx context.Context, theta [2]float64, s *plattSum) error {
	const size = 1 << 13
	if p.parts == nil {
		p.parts = make([]plattSum, par.Blocks(len(p.f), size))
	}
	err := par.For(ctx, p.workers, len(p.f), size, func(block, lo, hi int) {
		p.parts[block] = p.sum(theta, lo, hi)
	})
	*s = plattSum{}
	for i := range p.parts {
		s.merge(&p.parts[i])
	}
	return err
}

func (p *platt) sum(theta [2]float64, lo, hi int) plattSum {
	var s plattSum
	for i := lo; i < hi; i++ {
		wi := p.weightOf(i)
		if wi == 0 {
			continue
		}
		t := p.lo
		if p.positive[i] {
			t = p.hi
		}
		x := (p.f[i] - p.mean) / p.dev
		z := theta[0]*x + theta[1]
		e := math.Exp(-math.Abs(z))
		q := 1 / (1 + e)
		v := wi * e * q * q
		if z < 0 {
			q *= e
		}
		s.loss += wi * (math.Log1p(e) + max(z, 0) - t*z)
		g := wi * (q - t)
		s.ga += g * x
		s.gb += g
		s.haa += v * x * x
		s.hab += v * x
		s.hbb += v
	}
	return s
}

// step moves theta by Newton's step, halved until the loss falls, or, where it is too
// flat to tell, the gradient; false if nothing does.
func (p *platt) step(ctx context.Context, theta *[2]float64, at *plattSum) (moved bool, err error) {
	const ridge = 1e-12
	haa, hbb := at.haa+ridge*p.weight, at.hbb+ridge*p.weight
	det := haa*hbb - at.hab*at.hab
	da := (at.hab*at.gb - hbb*at.ga) / det
	db := (at.hab*at.ga - haa*at.gb) / det
	slope := at.ga*da + at.gb*db
	if !(slope < 0) {
		return false, nil
	}
	size := max(math.Abs(at.ga), math.Abs(at.gb))
	for share := 1.0; share > 1e-10; share /= 2 {
		next := [2]float64{theta[0] + share*da, theta[1] + share*db}
		var s plattSum
		if err := p.eval(ctx, next, &s); err != nil {
			return false, err
		}
		low := s.loss < at.loss+1e-4*share*slope
		flat := s.loss <= at.loss*(1+1e-12) && max(math.Abs(s.ga), math.Abs(s.gb)) < size/2
		if low || flat {
			*theta, *at = next, s
			return true, nil
		}
	}
	return false, nil
}
