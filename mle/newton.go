package mle

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
)

// tolerance bounds the last Newton step, in standard errors of a single value.
const tolerance = 1e-10

// maxIterations limits Newton's method, which takes about ten.
const maxIterations = 200

// outward takes a parameter to a coordinate without bounds, and inward back; chain returns the
// first and second derivative of the parameter by its coordinate.
func (d domain) outward(v float64) float64 {
	switch d {
	case positive:
		return math.Log(v)
	case unit:
		return math.Log(v) - math.Log1p(-v)
	}
	return v
}

func (d domain) inward(u float64) float64 {
	switch d {
	case positive:
		return math.Exp(u)
	case unit:
		return 1 / (1 + math.Exp(-u))
	}
	return u
}

func (d domain) chain(v float64) (first, second float64) {
	switch d {
	case positive:
		return v, v
	case unit:
		return v * (1 - v), v * (1 - v) * (1 - 2*v)
	}
	return 1, 0
}

// newton maximises the likelihood over the parameters that are not held, from theta, by
// Newton's method in coordinates without bounds. Steps are damped until they ascend.
func newton(ctx context.Context, f Family, s summary, theta []float64, held int) ([]float64, int, error) {
	theta = slices.Clone(theta)
	var free []int
	for i := range theta {
		if i != held {
			free = append(free, i)
		}
	}
	if len(free) == 0 {
		return theta, 0, nil
	}
	p, q := len(theta), len(free)
	g, h := make([]float64, p), make([]float64, p*p)
	slope, curve, step := make([]float64, q), make([]float64, q*q), make([]float64, q)
	last := math.Inf(1)
	for k := 1; k <= maxIterations; k++ {
		if err := ctx.Err(); err != nil {
			return nil, k, fmt.Errorf("fit stopped: %w", err)
		}
		value := f.eval(s, theta, g, h)
		for a, i := range free {
			first, second := f.domain(i).chain(theta[i])
			slope[a] = first * g[i]
			for b, j := range free {
				other, _ := f.domain(j).chain(theta[j])
				curve[a*q+b] = -first * other * h[i*p+j]
			}
			curve[a*q+a] -= second * g[i]
		}
		ascend(step, curve, slope)
		gain := 0.0
		for a, v := range step {
			gain += v * slope[a]
		}
		if math.IsNaN(gain) {
			return theta, k, fmt.Errorf("Newton's method on %v: the likelihood is %v: %w", f, value, gram.ErrNonFinite)
		}
		done := gain <= tolerance*tolerance*s.weight
		next, better := line(f, s, theta, free, step, value, gain)
		if better {
			theta = next
		}
		// A small gain that no longer shrinks is rounding.
		rounding := gain <= 1e-12*s.weight && (!better || gain > last/4)
		if done || rounding {
			return theta, k, nil
		}
		if !better {
			break
		}
		last = gain
	}
	return theta, maxIterations, fmt.Errorf("Newton's method on %v: %w", f, gram.ErrNotConverged)
}

// line returns the first of theta + step, theta + step/2, … at which the likelihood is higher.
func line(f Family, s summary, theta []float64, free []int, step []float64, value, gain float64) ([]float64, bool) {
	next := slices.Clone(theta)
	for t := 1.0; t > 1e-12; t /= 2 {
		ok := true
		for a, i := range free {
			d := f.domain(i)
			next[i] = d.inward(d.outward(theta[i]) + t*step[a])
			lo, hi := d.limits()
			ok = ok && next[i] > lo && next[i] < hi
		}
		// Near the maximum a gain drowns in the rounding of the likelihood.
		if slack := 1e-14 * math.Abs(value); ok && f.eval(s, next, nil, nil) >= value+1e-4*t*gain-slack {
			return next, true
		}
	}
	return nil, false
}

// ascend sets step to the solution of (curve + λI)·step = slope, q×q, with the smallest
// λ of a short row for which the matrix is positive definite.
func ascend(step, curve, slope []float64) {
	q := len(slope)
	size := 0.0
	for a := range q {
		size = max(size, math.Abs(curve[a*q+a]))
	}
	damped := make([]float64, len(curve))
	for shift := 0.0; ; shift = max(1e-3*size, 4*shift, 1e-300) {
		copy(damped, curve)
		for a := range q {
			damped[a*q+a] += shift
		}
		if solvePositive(damped, step, slope) || math.IsInf(shift, 1) || math.IsNaN(size) {
			return
		}
	}
}

// solvePositive solves a·x = b for a positive definite a, q×q, which it overwrites. It
// reports false if a is not.
func solvePositive(a, x, b []float64) bool {
	q := len(b)
	copy(x, b)
	for j := range q {
		pivot := a[j*q+j]
		for k := range j {
			pivot -= a[j*q+k] * a[j*q+k]
		}
		if !(pivot > 1e-14*math.Abs(a[j*q+j])) {
			return false
		}
		root := math.Sqrt(pivot)
		a[j*q+j] = root
		for i := j + 1; i < q; i++ {
			v := a[i*q+j]
			for k := range j {
				v -= a[i*q+k] * a[j*q+k]
			}
			a[i*q+j] = v / root
		}
		for k := range j {
			x[j] -= a[j*q+k] * x[k]
		}
		x[j] /= root
	}
	for j := q - 1; j >= 0; j-- {
		for i := j + 1; i < q; i++ {
			x[j] -= a[i*q+j] * x[i]
		}
		x[j] /= a[j*q+j]
	}
	return true
}

// inversePositive returns the inverse of a positive definite a, p×p, or false.
func inversePositive(a []float64, p int) ([]float64, bool) {
	out := make([]float64, p*p)
	column, one := make([]float64, p), make([]float64, p)
	for j := range p {
		clear(one)
		one[j] = 1
		if !solvePositive(slices.Clone(a), column, one) {
			return nil, false
		}
		for i, v := range column {
			out[i*p+j] = v
		}
	}
	for i := range p {
		for j := range i {
			v := (out[i*p+j] + out[j*p+i]) / 2
			out[i*p+j], out[j*p+i] = v, v
		}
	}
	return out, true
}
