package decomp

import (
	"math"

	"github.com/gram-ml/gram/internal/kernel/f64"
)

// nonNegative minimises a convex function of k scores that must not be negative, by
// Newton's method on those that are free, projected: D. Bertsekas, Projected Newton methods for
// optimization problems with simple constraints, SIAM J. Control Optim. 20 (1982). It holds the
// memory of one call.
type nonNegative struct {
	z, g, step, trial []float64
	hess, chol        []float64 // k×k
	free              []int
	q, c              []float64 // of the divergence
}

// scoreLoss is the function: a value, and derivatives into g and hess of p.
type scoreLoss interface {
	value(p *nonNegative, z []float64) float64
	derive(p *nonNegative)
}

func (p *nonNegative) resize(k int) {
	for _, b := range []*[]float64{&p.z, &p.g, &p.step, &p.trial} {
		*b = grow(b, k)
	}
	p.hess, p.chol = grow(&p.hess, k*k), grow(&p.chol, k*k)
	if cap(p.free) < k {
		p.free = make([]int, 0, k)
	}
}

// minimise improves p.z until no score could move by more than 1e-13 of the largest, each in
// units of the root of its second derivative, or two steps have been too small to show in
// the value: those before were then quadratic.
func (p *nonNegative) minimise(f scoreLoss) {
	const rounds = 200
	now, blind := f.value(p, p.z), 0
	for range rounds {
		f.derive(p)
		if p.settled() || !p.direction() {
			return
		}
		next, ok := p.advance(f, now)
		if !ok || blind == 2 {
			return
		}
		if next == now {
			blind++
		}
		now = next
	}
}

// advance takes the step, or as much of it as lowers the value, and returns the new value: the
// old one for a step that promises less than 1e-12 of it, which its rounding may hide. It
// returns false if nothing comes of it.
func (p *nonNegative) advance(f scoreLoss, now float64) (next float64, ok bool) {
	promise, moved := p.move(1)
	if !moved {
		return now, false
	}
	if -promise <= 1e-12*math.Abs(now) {
		copy(p.z, p.trial)
		return now, true
	}
	return p.search(f, now)
}

// move sets trial to z after a share t of the step, and returns how the value changes by
// that to first order.
func (p *nonNegative) move(t float64) (promise float64, moved bool) {
	for j, v := range p.z {
		p.trial[j] = max(0, v+t*p.step[j])
		moved = moved || p.trial[j] != v
		promise += p.g[j] * (p.trial[j] - v)
	}
	return promise, moved
}

// settled tells whether each score is at its own minimum.
func (p *nonNegative) settled() bool {
	k, moves, largest := len(p.z), 0.0, 0.0
	for j, v := range p.z {
		h := p.hess[j*k+j]
		size := math.Sqrt(h)
		largest = max(largest, v*size)
		if h > 0 {
			moves = max(moves, math.Abs(min(v, p.g[j]/h))*size)
		} else if p.g[j] > 0 {
			moves = max(moves, v*p.g[j])
		}
	}
	return !(moves > 1e-13*largest)
}

// direction sets step to that of Newton for the scores that are not held at zero. It returns
// false where there is none.
func (p *nonNegative) direction() bool {
	k, ridge := len(p.z), 0.0
	p.free = p.free[:0]
	for j, v := range p.z {
		p.step[j] = 0
		if v > 0 || p.g[j] < 0 {
			p.free = append(p.free, j)
			ridge = max(ridge, p.hess[j*k+j])
		}
	}
	n := len(p.free)
	if n == 0 || !(ridge > 0) {
		return false
	}
	for share := 1e-15; share < 1; share *= 1e3 {
		if p.factor(n, k, ridge*share) {
			p.solve(n)
			return true
		}
	}
	return false
}

// factor sets chol to the lower triangular factor of the free part of hess, to whose diagonal
// the ridge is added. It returns false for one that is not positive definite.
func (p *nonNegative) factor(n, k int, ridge float64) bool {
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
		s := pivot + ridge
		for _, v := range row[:a] {
			s -= v * v
		}
		if !(s > ridge/2) {
			return false
		}
		row[a] = math.Sqrt(s)
	}
	return true
}

// solve sets step to −hess⁻¹·g on the free scores.
func (p *nonNegative) solve(n int) {
	x := p.trial[:n]
	for a := range n {
		s := -p.g[p.free[a]]
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
}

// search halves the step until the value falls by a share of what the gradient promises
// and takes it. It returns false if nothing comes of it.
func (p *nonNegative) search(f scoreLoss, now float64) (next float64, ok bool) {
	for t := 1.0; t > 1e-12; t /= 2 {
		promise, _ := p.move(t)
		if next = f.value(p, p.trial); next <= now+1e-4*promise {
			copy(p.z, p.trial)
			return next, true
		}
	}
	return now, false
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
