package decomp

import (
	"math"

	"github.com/gram-ml/gram/internal/kernel/f64"
)

// nonNegative minimises a convex function of k scores that must not be negative, by
// Newton's method: each step is the least of the quadratic model among the scores that are
// allowed, which leads down also where the second derivatives are singular, as they are
// for a row of fewer elements than scores. It holds the memory of one call.
type nonNegative struct {
	z, g, trial    []float64
	y, r, step, at []float64 // of the model
	hess, chol     []float64 // k×k
	free           []int
	q, c           []float64 // of the divergence
}

// scoreLoss is the function: a value, and derivatives into g and hess of p.
type scoreLoss interface {
	value(p *nonNegative, z []float64) float64
	derive(p *nonNegative)
}

func (p *nonNegative) resize(k int) {
	for _, b := range []*[]float64{&p.z, &p.g, &p.trial, &p.y, &p.r, &p.step, &p.at} {
		*b = grow(b, k)
	}
	p.hess, p.chol = grow(&p.hess, k*k), grow(&p.chol, k*k)
	if cap(p.free) < k {
		p.free = make([]int, 0, k)
	}
}

// minimise improves p.z until no score could move by more than 1e-13 of the largest, each in
// units of the root of its second derivative, or three steps have been too small to show in
// the value: those before were then quadratic.
func (p *nonNegative) minimise(f scoreLoss) {
	const rounds = 200
	now, blind := f.value(p, p.z), 0
	for range rounds {
		f.derive(p)
		if p.settled() {
			return
		}
		p.model()
		next, ok := p.advance(f, now)
		if !ok || blind == 3 {
			return
		}
		if next == now {
			blind++
		}
		now = next
	}
}

// settled tells whether each score is at its own minimum.
func (p *nonNegative) settled() bool {
	k, moves := len(p.z), 0.0
	for j, v := range p.z {
		h := p.hess[j*k+j]
		if h > 0 {
			moves = max(moves, math.Abs(min(v, p.g[j]/h))*math.Sqrt(h))
		} else if p.g[j] > 0 {
			moves = max(moves, v*p.g[j])
		}
	}
	return !(moves > 1e-13*p.largest())
}

// largest returns the largest score in units of the root of its second derivative.
func (p *nonNegative) largest() float64 {
	k, largest := len(p.z), 0.0
	for j, v := range p.z {
		largest = max(largest, v*math.Sqrt(p.hess[j*k+j]))
	}
	return largest
}

// advance goes from z to y, or as far on the way as lowers the value, and returns the new
// value: the old one for a step that promises less than 1e-12 of it, which its rounding may
// hide. It returns false if nothing comes of it.
func (p *nonNegative) advance(f scoreLoss, now float64) (next float64, ok bool) {
	promise := 0.0
	for j, v := range p.z {
		promise += p.g[j] * (p.y[j] - v)
	}
	if !(promise < 0) {
		return now, false
	}
	if -promise <= 1e-12*math.Abs(now) {
		copy(p.z, p.y)
		return now, true
	}
	for t := 1.0; t > 1e-12; t /= 2 {
		for j, v := range p.z {
			p.trial[j] = v + t*(p.y[j]-v)
		}
		if next = f.value(p, p.trial); next <= now+1e-4*t*promise {
			copy(p.z, p.trial)
			return next, true
		}
	}
	return now, false
}

// model sets y to where gᵀ(y−z) + ½(y−z)ᵀ·hess·(y−z) is least for y ≥ 0, by Newton steps for
// the free scores, projected: D. Bertsekas, Projected Newton methods for optimization
// problems with simple constraints, SIAM J. Control Optim. 20 (1982).
func (p *nonNegative) model() {
	copy(p.y, p.z)
	copy(p.r, p.g)
	k, tol := len(p.z), 1e-14*p.largest()
	for range 3*k + 10 {
		p.free = p.free[:0]
		for j, v := range p.y {
			h := p.hess[j*k+j]
			if h > 0 && (v > 0 || p.r[j] < -tol*math.Sqrt(h)) {
				p.free = append(p.free, j)
			} else if h == 0 && p.r[j] > 0 {
				p.y[j] = 0
			}
		}
		if !p.direction() || p.project() && !p.violated(tol) {
			return
		}
	}
}

// violated tells whether a score at zero should rise.
func (p *nonNegative) violated(tol float64) bool {
	k := len(p.y)
	for j, v := range p.y {
		if v == 0 && p.r[j] < -tol*math.Sqrt(p.hess[j*k+j]) {
			return true
		}
	}
	return false
}

// direction sets step to that of Newton for the free scores, from which it takes those at
// zero that would fall. It returns false where there is none.
func (p *nonNegative) direction() bool {
	for {
		if len(p.free) == 0 || !p.solve() {
			return false
		}
		held := 0
		for _, j := range p.free {
			if p.y[j] > 0 || p.step[j] > 0 {
				p.free[held] = j
				held++
			}
		}
		if held == len(p.free) {
			return true
		}
		p.free = p.free[:held]
	}
}

// project goes the step with every score that passes zero put there if that is as good as
// to stop where the first does, and otherwise stops there. It returns whether none does.
func (p *nonNegative) project() (whole bool) {
	k, reach, slope := len(p.y), 1.0, 0.0
	for _, j := range p.free {
		slope += p.r[j] * p.step[j]
		if v := p.y[j]; v+p.step[j] < 0 {
			reach = min(reach, -v/p.step[j])
		}
	}
	if reach == 1 {
		p.move(1)
		p.shift()
		return true
	}
	p.move(1)
	change := 0.0
	for j, d := range p.at {
		change += d * (p.r[j] + f64.Dot(p.hess[j*k:(j+1)*k], p.at)/2)
	}
	if !(change <= reach*(1-reach/2)*slope) {
		p.move(reach)
	}
	p.shift()
	return false
}

// move sets at to what a share t of the step changes. What is left of a score that comes
// to zero is rounding, and goes too.
func (p *nonNegative) move(t float64) {
	clear(p.at)
	for _, j := range p.free {
		p.at[j] = t * p.step[j]
		if v := p.y[j]; v+p.at[j] < 1e-15*v {
			p.at[j] = -v
		}
	}
}

// shift goes by at.
func (p *nonNegative) shift() {
	k := len(p.y)
	for j, d := range p.at {
		p.y[j] += d
		p.r[j] += f64.Dot(p.hess[j*k:(j+1)*k], p.at)
	}
}

// solve sets step to −hess⁻¹·r on the free scores, raising the diagonal of hess until it is
// positive definite there. It returns false if that takes more than its largest element.
func (p *nonNegative) solve() bool {
	n, k, largest := len(p.free), len(p.z), 0.0
	for j := range k {
		largest = max(largest, p.hess[j*k+j])
	}
	for share := 1e-14; !p.factor(); share *= 1e2 {
		if share > 1 {
			return false
		}
		for j := range k {
			p.hess[j*k+j] += share * largest
		}
	}
	x := p.trial[:n]
	for a := range n {
		s := -p.r[p.free[a]]
		for c, v := range p.chol[a*n : a*n+a] {
			s -= v * x[c]
		}
		x[a] = s / p.chol[a*n+a]
	}
	for a := n - 1; a >= 0; a-- {
		s := x[a]
		for c := a + 1; c < n; c++ {
			s -= p.chol[c*n+a] * x[c]
		}
		x[a] = s / p.chol[a*n+a]
		p.step[p.free[a]] = x[a]
	}
	return true
}

// factor sets chol to the lower triangular factor of the free part of hess, which may be
// singular but for rounding. It returns false if that is not positive definite.
func (p *nonNegative) factor() bool {
	const share = 1e-14 // by which the diagonal is raised
	n, k := len(p.free), len(p.z)
	for a := range n {
		row, from := p.chol[a*n:(a+1)*n], p.hess[p.free[a]*k:]
		for b := range a {
			other := p.chol[b*n : b*n+b+1]
			s := from[p.free[b]]
			for c, v := range other[:b] {
				s -= row[c] * v
			}
			row[b] = s / other[b]
		}
		pivot := from[p.free[a]]
		s := pivot + share*pivot
		for _, v := range row[:a] {
			s -= v * v
		}
		if !(s > share/2*pivot) {
			return false
		}
		row[a] = math.Sqrt(s)
	}
	return true
}

// squaredLoss is ½zᵀGz − bᵀz.
type squaredLoss struct {
	gram, b []float64
}

func (s *squaredLoss) value(p *nonNegative, z []float64) float64 {
	k, sum := len(z), 0.0
	for j, v := range z {
		sum += v * (f64.Dot(s.gram[j*k:(j+1)*k], z)/2 - s.b[j])
	}
	return sum
}

func (s *squaredLoss) derive(p *nonNegative) {
	copy(p.hess, s.gram)
	f64.DotRows(p.g, s.gram, len(p.z), p.z)
	f64.Axpy(-1, s.b, p.g)
}

// divergenceLoss is Σ z·T − Σ x·ln q for the product q = z·B, where B is k×len(x).
type divergenceLoss struct {
	basis, totals, x []float64
	stride           int
}

// product sets p.q to z·B.
func (s *divergenceLoss) product(p *nonNegative, z []float64) {
	p.q, p.c = grow(&p.q, len(s.x)), grow(&p.c, len(s.x))
	clear(p.q)
	f64.AxpyRows(z, s.basis, s.stride, p.q)
}

func (s *divergenceLoss) value(p *nonNegative, z []float64) float64 {
	s.product(p, z)
	sum := f64.Dot(z, s.totals)
	for i, v := range s.x {
		if v > 0 {
			sum -= v * math.Log(p.q[i])
		}
	}
	return sum
}

func (s *divergenceLoss) derive(p *nonNegative) {
	s.product(p, p.z)
	s.ratios(p.q)
	f64.DotRows(p.g, s.basis, s.stride, p.q)
	for j, total := range s.totals {
		p.g[j] = total - p.g[j]
	}
	for i, v := range s.x {
		if v > 0 {
			p.q[i] *= p.q[i] / v // x/q²
		}
	}
	k := len(p.z)
	for j := range k {
		row := s.basis[j*s.stride : j*s.stride+len(s.x)]
		for i, v := range p.q {
			p.c[i] = v * row[i]
		}
		f64.DotRows(p.hess[j*k:j*k+j+1], s.basis, s.stride, p.c)
		for b := range j {
			p.hess[b*k+j] = p.hess[j*k+b]
		}
	}
}

// multiply makes rounds of multiplicative updates, which come near from afar.
func (p *nonNegative) multiply(s *divergenceLoss, rounds int) {
	for range rounds {
		s.product(p, p.z)
		s.ratios(p.q)
		f64.DotRows(p.g, s.basis, s.stride, p.q)
		for j, total := range s.totals {
			if total > 0 {
				p.z[j] *= p.g[j] / total
			}
		}
	}
}

// ratios sets q to x/q, 0 where x is not positive.
func (s *divergenceLoss) ratios(q []float64) {
	for i, v := range s.x {
		if v > 0 {
			q[i] = v / q[i]
		} else {
			q[i] = 0
		}
	}
}
