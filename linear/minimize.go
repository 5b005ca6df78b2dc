package linear

import (
	"context"
	"errors"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// A function is what minimize goes down on.
type function interface {
	// eval sets f, its derivatives and the residual at pt.theta.
	eval(ctx context.Context, pt *point) error
	// verdict returns an error where it makes no sense to go on.
	verdict(pt *point) error
}

// A method chooses directions for minimize.
type method interface {
	// direction sets d to a direction in which f falls from pt.
	direction(ctx context.Context, pt *point, d []float64) error
	// learn is told of every step.
	learn(ctx context.Context, from, to *point) error
	// restart forgets what it learnt: the search from pt came to nothing.
	restart(ctx context.Context, pt *point) error
}

// errStalled says that f falls no further in the arithmetic there is.
var errStalled = errors.New("rounding hides any further descent")

// patience is how many steps in a row may lower neither f nor the residual.
const patience = 20

// minimize moves pt, which is evaluated, until its residual is at most tol, and
// returns the number of steps. Errors: errStalled, gram.ErrNotConverged after
// limit steps, gram.ErrSeparable, gram.ErrNonFinite, the context's.
func minimize(ctx context.Context, p function, pt *point, m method, tol float64, limit int, progress func(gram.Progress)) (steps int, err error) {
	next, d := newPoint(len(pt.theta)), make([]float64, len(pt.theta))
	idle, best := 0, math.Inf(1)
	for {
		if err := p.verdict(pt); err != nil || pt.residual <= tol {
			return steps, err
		}
		if steps == limit {
			return steps, gram.ErrNotConverged
		}
		if idle == patience {
			return steps, errStalled
		}
		if err := step(ctx, p, pt, m, d, next); err != nil {
			return steps, err
		}
		idle++
		if next.f < pt.f-1e-14*math.Abs(pt.f) || next.residual < best {
			idle, best = 0, min(best, next.residual)
		}
		swap(pt, next)
		steps++
		if progress != nil {
			progress(gram.Progress{Iteration: steps, Limit: limit, Objective: pt.f, Residual: pt.residual, Tolerance: tol})
		}
	}
}

// minimize goes down on the objective.
func (p *problem) minimize(ctx context.Context, pt *point, m method, tol float64, limit int, progress func(gram.Progress)) (steps int, err error) {
	return minimize(ctx, p, pt, m, tol, limit, progress)
}

func (p *problem) verdict(pt *point) error {
	switch {
	case math.IsNaN(pt.residual) || math.IsInf(pt.residual, 0) || math.IsNaN(pt.f) || math.IsInf(pt.f, 0):
		return gram.ErrNonFinite
	case p.lambda == 0 && pt.margin > 0:
		return gram.ErrSeparable
	}
	return nil
}

// step sets next to a better point than pt and tells the method. A direction that
// comes to nothing is excused once.
func step(ctx context.Context, p function, pt *point, m method, d []float64, next *point) error {
	for range 2 {
		if err := m.direction(ctx, pt, d); err != nil {
			return err
		}
		err := search(ctx, p, pt, d, next)
		if err == nil {
			return m.learn(ctx, pt, next)
		}
		if !errors.Is(err, errStalled) {
			return err
		}
		if err := m.restart(ctx, pt); err != nil {
			return err
		}
	}
	return errStalled
}

func swap(a, b *point) { *a, *b = *b, *a }

// search sets next to a point along d from pt that meets the conditions of Wolfe,
// or, where f is too flat to tell values apart, those on the slope alone (Hager
// and Zhang, 2005). A step of 1 is tried first and nearly always does.
func search(ctx context.Context, p function, pt *point, d []float64, next *point) error {
	slope := f64.Dot(pt.grad, d)
	if !(slope < 0) {
		return errStalled
	}
	const trials = 40
	flat := 1e-10 * math.Abs(pt.f)
	lo, hi := 0.0, math.Inf(1)
	step, slopeLo := 1.0, slope
	for range trials {
		copy(next.theta, pt.theta)
		f64.Axpy(step, d, next.theta)
		if err := p.eval(ctx, next); err != nil {
			return err
		}
		at := f64.Dot(next.grad, d)
		low := next.f <= pt.f+1e-4*step*slope || next.f <= pt.f+flat && at <= -0.8*slope
		if low && at >= 0.9*slope {
			return nil
		}
		if low {
			lo, slopeLo = step, at
		} else {
			hi = step
		}
		step = nextStep(lo, hi, slopeLo, at, !low)
	}
	return errStalled
}

// nextStep returns a step between lo and hi, where the line through the slopes at
// both is zero but well inside; slopeHi counts if hi was tried last.
func nextStep(lo, hi, slopeLo, slopeHi float64, hiLast bool) float64 {
	if math.IsInf(hi, 1) {
		return 4 * lo
	}
	share := 0.5
	if hiLast && slopeHi > 0 { // false for NaN
		share = min(max(slopeLo/(slopeLo-slopeHi), 0.1), 0.9)
	} else if hiLast {
		share = 0.1
	}
	return lo + share*(hi-lo)
}

// quasiNewton takes the directions of L-BFGS (Nocedal, 1980) from a
// preconditioner as its first Hessian. With Newton's own Hessian there, kept for
// as long as it serves, the corrections make the few steps between
// factorizations superlinear.
type quasiNewton struct {
	pre preconditioner
	// fit scales P to the curvature of the last step: P is right up to a factor.
	fit bool
	// renew, if not nil, returns a new preconditioner for pt, or nil to keep this
	// one. from is the point before, or nil to have a new one in any case.
	renew func(ctx context.Context, from, pt *point) (preconditioner, error)

	steps, changes [][]float64 // s and y, oldest first
	curvature      []float64   // sᵀy
	gamma          float64     // sᵀy / yᵀP⁻¹y of the newest, if fit
	spare          []float64
}

// memory is how many steps L-BFGS remembers. Vectors are small beside X.
const memory = 24

func (m *quasiNewton) direction(_ context.Context, pt *point, d []float64) error {
	for i, v := range pt.grad {
		d[i] = -v
	}
	n := len(m.steps)
	alpha := make([]float64, n)
	for i := n - 1; i >= 0; i-- {
		alpha[i] = f64.Dot(m.steps[i], d) / m.curvature[i]
		f64.Axpy(-alpha[i], m.changes[i], d)
	}
	m.pre.solve(d)
	if n > 0 && m.fit {
		f64.Scal(m.gamma, d)
	}
	for i := range n {
		beta := f64.Dot(m.changes[i], d) / m.curvature[i]
		f64.Axpy(alpha[i]-beta, m.steps[i], d)
	}
	return nil
}

func (m *quasiNewton) learn(ctx context.Context, from, to *point) error {
	if m.renew != nil {
		pre, err := m.renew(ctx, from, to)
		if err != nil {
			return err
		}
		if pre != nil {
			m.forget()
			m.pre = pre
			return nil
		}
	}
	s, y := m.vectors(len(to.theta))
	for i := range s {
		s[i] = to.theta[i] - from.theta[i]
		y[i] = to.grad[i] - from.grad[i]
	}
	sy := f64.Dot(s, y)
	if !(sy > 1e-14*math.Sqrt(f64.Dot(s, s)*f64.Dot(y, y))) {
		return nil // rounding, or a function that is not convex
	}
	m.steps, m.changes, m.curvature = append(m.steps, s), append(m.changes, y), append(m.curvature, sy)
	if m.fit {
		m.spare = append(m.spare[:0], y...)
		m.pre.solve(m.spare)
		m.gamma = sy / f64.Dot(y, m.spare)
	}
	return nil
}

// vectors returns memory for a step and a change, that of the oldest when full.
func (m *quasiNewton) vectors(size int) (s, y []float64) {
	if len(m.steps) < memory {
		return make([]float64, size), make([]float64, size)
	}
	s, y = m.steps[0], m.changes[0]
	m.steps, m.changes, m.curvature = m.steps[1:], m.changes[1:], m.curvature[1:]
	return s, y
}

func (m *quasiNewton) forget() { m.steps, m.changes, m.curvature = nil, nil, nil }

func (m *quasiNewton) restart(ctx context.Context, pt *point) error {
	m.forget()
	if m.renew == nil {
		return nil
	}
	pre, err := m.renew(ctx, nil, pt)
	if err == nil {
		m.pre = pre
	}
	return err
}

// newtonCG takes Newton's direction from conjugate gradients, as exactly as the
// distance to the minimum merits (Dembo, Eisenstat and Steihaug, 1982).
type newtonCG struct {
	p     *problem
	pre   preconditioner
	first float64 // the gradient's norm at the start, in the norm of P⁻¹
	memo  [4][]float64
}

func (m *newtonCG) direction(ctx context.Context, pt *point, d []float64) error {
	for i := range m.memo {
		m.memo[i] = append(m.memo[i][:0], pt.grad...)
	}
	r, z, v, hv := m.memo[0], m.memo[1], m.memo[2], m.memo[3]
	clear(d)
	m.pre.solve(z)
	rz := f64.Dot(r, z)
	norm := math.Sqrt(rz)
	if m.first == 0 {
		m.first = norm
	}
	stop := norm * min(0.5, math.Sqrt(norm/m.first))
	for i, zi := range z {
		v[i] = -zi
	}
	const limit = 500
	for i := 0; i < limit && math.Sqrt(rz) > stop; i++ {
		if err := m.p.product(ctx, hv, pt.theta, v); err != nil {
			return err
		}
		curvature := f64.Dot(v, hv)
		if !(curvature > 0) {
			break
		}
		step := rz / curvature
		f64.Axpy(step, v, d)
		f64.Axpy(step, hv, r)
		copy(z, r)
		m.pre.solve(z)
		old := rz
		rz = f64.Dot(r, z)
		for j, zj := range z {
			v[j] = rz/old*v[j] - zj
		}
	}
	return nil
}

func (m *newtonCG) learn(context.Context, *point, *point) error { return nil }

func (m *newtonCG) restart(context.Context, *point) error { return nil }
