package linear

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// TestSearch: whatever the length of the direction, a point is found that meets the
// conditions, and none along a direction that rises.
func TestSearch(t *testing.T) {
	p := testProblem(t, 120, 3, 3, 0.4, true)
	pt, next := newPoint(p.size()), newPoint(p.size())
	copy(pt.theta, randomVector(p.size(), 1))
	if err := p.eval(background, pt); err != nil {
		t.Fatal(err)
	}
	d := make([]float64, p.size())
	for _, length := range []float64{1e-12, 1e-6, 1e-2, 1, 1e2, 1e6, 1e20} {
		for i, g := range pt.grad {
			d[i] = -g * length
		}
		if err := search(background, p, pt, d, next); err != nil {
			t.Errorf("length %g: %v", length, err)
			continue
		}
		step := 0.0
		for i, v := range d {
			if v != 0 {
				step = (next.theta[i] - pt.theta[i]) / v
				break
			}
		}
		slope := f64.Dot(pt.grad, d)
		if !(next.f <= pt.f+1e-4*step*slope*0.99 && f64.Dot(next.grad, d) >= 0.9*slope) {
			t.Errorf("length %g: f from %v to %v, slope from %v to %v", length, pt.f, next.f, slope, f64.Dot(next.grad, d))
		}
	}
	if err := search(background, p, pt, pt.grad, next); !errors.Is(err, errStalled) {
		t.Errorf("along the gradient: %v", err)
	}
	for i := range d {
		d[i] = math.NaN()
	}
	if err := search(background, p, pt, d, next); !errors.Is(err, errStalled) {
		t.Errorf("along NaN: %v", err)
	}
}

// uphill points the wrong way until restarted, and again if told so.
type uphill struct {
	restarts int
	always   bool
}

func (u *uphill) direction(_ context.Context, pt *point, d []float64) error {
	for i, g := range pt.grad {
		d[i] = g
		if u.restarts > 0 && !u.always {
			d[i] = -1e-3 * g
		}
	}
	return nil
}

func (u *uphill) learn(context.Context, *point, *point) error { return nil }

func (u *uphill) restart(context.Context, *point) error {
	u.restarts++
	return nil
}

// TestRestart: a direction that comes to nothing is excused once.
func TestRestart(t *testing.T) {
	p := testProblem(t, 120, 3, 3, 0.4, true)
	pt := newPoint(p.size())
	if err := p.eval(background, pt); err != nil {
		t.Fatal(err)
	}
	u := &uphill{}
	if steps, err := p.minimize(background, pt, u, 0, 5, nil); steps != 5 || !errors.Is(err, gram.ErrNotConverged) || u.restarts != 1 {
		t.Errorf("%d steps, %v, %d restarts", steps, err, u.restarts)
	}
	u = &uphill{always: true}
	if steps, err := p.minimize(background, pt, u, 0, 5, nil); steps != 0 || !errors.Is(err, errStalled) || u.restarts != 2 {
		t.Errorf("%d steps, %v, %d restarts", steps, err, u.restarts)
	}
	// Restarting forgets what is wrong.
	h, err := p.newton(background, pt)
	if err != nil {
		t.Fatal(err)
	}
	right := h.pre
	for _, renew := range []bool{true, false} {
		m := &quasiNewton{pre: negative{}, steps: [][]float64{pt.grad}, changes: [][]float64{pt.grad}, curvature: []float64{1}}
		if renew {
			m.renew = p.hessianIfSlow
		}
		if err := m.restart(background, pt); err != nil {
			t.Fatal(err)
		}
		if len(m.steps)+len(m.changes)+len(m.curvature) > 0 {
			t.Error("steps are left")
		}
		if !renew {
			m.pre = right
		}
		if _, err := p.minimize(background, pt, m, 1e-9, 50, nil); err != nil {
			t.Error(err)
		}
	}
	if err := (&newtonCG{}).restart(background, pt); err != nil {
		t.Error(err)
	}
}

// negative is no preconditioner.
type negative struct{}

func (negative) solve(x []float64) {
	for i := range x {
		x[i] = -x[i]
	}
}

// TestMemory: L-BFGS forgets its oldest steps and goes on.
func TestMemory(t *testing.T) {
	p := testProblem(t, 300, 12, 4, 0.01, true)
	pt := newPoint(p.size())
	if err := p.eval(background, pt); err != nil {
		t.Fatal(err)
	}
	m := &quasiNewton{pre: misleading{}, fit: true}
	steps, err := p.minimize(background, pt, m, 1e-9*p.weight, 500, nil)
	if err != nil || steps <= memory || len(m.steps) != memory {
		t.Errorf("%d steps, %d remembered, %v", steps, len(m.steps), err)
	}
}

// misleading is a preconditioner that makes things worse.
type misleading struct{}

func (misleading) solve(x []float64) {
	for i := range x {
		x[i] *= float64(1 + 9*(i%3))
	}
}

func TestNextStep(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		lo, hi, slopeLo, slopeHi float64
		hiLast                   bool
		want                     float64
	}{
		{1, inf, -1, -0.95, false, 4},
		{0, 1, -1, 1, true, 0.5},
		{0, 1, -1, 3, true, 0.25},
		{0, 1, -1, 1e9, true, 0.1},
		{0, 1, -1e9, 1, true, 0.9},
		{0, 1, -1, math.NaN(), true, 0.1},
		{0, 1, -1, -2, true, 0.1},
		{2, 4, -1, -1, false, 3},
	} {
		if got := nextStep(c.lo, c.hi, c.slopeLo, c.slopeHi, c.hiLast); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
