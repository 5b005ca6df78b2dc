// Package descent holds the steps of stochastic gradient descent and their rates, for the
// packages whose models are trained so. What users see of it, those packages declare
// themselves.
package descent

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// A Kind is how a step follows from gradients. Packages declare optimizers in this order.
type Kind int

const (
	// Adam is that of Kingma and Ba, 2015.
	Adam Kind = iota
	// AdamW is that of Loshchilov and Hutter, 2019.
	AdamW
	// AdaGrad is that of Duchi, Hazan and Singer, 2011.
	AdaGrad
	// RMSProp is that of Hinton, 2012.
	RMSProp
	// Plain follows the gradient.
	Plain
	// Momentum follows a running sum of gradients (Polyak, 1964).
	Momentum
	// Nesterov is Momentum that looks ahead (Nesterov, 1983).
	Nesterov
)

var names = [...]string{"adam", "adamw", "adagrad", "rmsprop", "sgd", "momentum", "nesterov"}

// Valid tells whether k is one of the above.
func (k Kind) Valid() bool { return k >= 0 && int(k) < len(names) }

// String returns "adam", "adamw", "adagrad", "rmsprop", "sgd", "momentum" or "nesterov".
func (k Kind) String() string {
	if !k.Valid() {
		return fmt.Sprintf("Optimizer(%d)", int(k))
	}
	return names[k]
}

// Adaptive tells whether steps are scaled coordinate by coordinate.
func (k Kind) Adaptive() bool { return k <= RMSProp }

// An Optimizer makes the steps of a Kind.
type Optimizer struct {
	kind          Kind
	momentum      float64
	decay         float64
	first, second []float64 // running means or sums of gradients and of their squares
	steps         int
	damp1, damp2  float64 // momentum^steps and decay^steps
}

// New returns an optimizer of so many coordinates. momentum is the share of the past in
// running means or sums of gradients, decay that in running means of squares, both below 1.
func New(kind Kind, momentum, decay float64, size int) *Optimizer {
	return &Optimizer{kind: kind, momentum: momentum, decay: decay, first: make([]float64, size), second: make([]float64, size), damp1: 1, damp2: 1}
}

// Steps returns the number of steps so far.
func (o *Optimizer) Steps() int { return o.steps }

// tiny keeps steps from a division by zero.
const tiny = 1e-8

// Step moves x against the gradient g and then towards the penalties, of strengths l1 and l2
// for each coordinate, nil for none: it sets x to the minimum of these plus the squared
// distance from where the gradient leads, in units of the rate.
func (o *Optimizer) Step(x, g, l1, l2 []float64, rate float64) {
	o.steps++
	o.damp1 *= o.momentum
	o.damp2 *= o.decay
	switch {
	case o.kind == Adam && l1 == nil && l2 == nil:
		o.adam(x, g, rate)
	case o.kind == AdamW && l1 == nil:
		o.adam(x, g, rate)
		for i, v := range l2 {
			x[i] /= 1 + rate*v
		}
	default:
		o.general(x, g, l1, l2, rate)
	}
}

func (o *Optimizer) adam(x, g []float64, rate float64) {
	f64.Adam(x, g, o.first, o.second, &kernel.AdamStep[float64]{
		Momentum: o.momentum, Fresh: 1 - o.momentum,
		Decay: o.decay, FreshSquare: 1 - o.decay,
		Gone1: 1 - o.damp1, Gone2: 1 - o.damp2,
		Rate: rate, Tiny: tiny,
	})
}

// general is the step of any kind, coordinate by coordinate.
func (o *Optimizer) general(x, g, l1, l2 []float64, rate float64) {
	for i, v := range g {
		own := rate // of this coordinate
		switch o.kind {
		case Momentum:
			o.first[i] = o.momentum*o.first[i] + v
			v, own = o.first[i]*(1-o.momentum), rate/(1-o.momentum)
		case Nesterov:
			o.first[i] = o.momentum*o.first[i] + v
			v, own = (v+o.momentum*o.first[i])*(1-o.momentum), rate/(1-o.momentum)
		case AdaGrad:
			o.second[i] += v * v
			own /= math.Sqrt(o.second[i]) + tiny
		case RMSProp:
			o.second[i] = o.decay*o.second[i] + (1-o.decay)*v*v
			own /= math.Sqrt(o.second[i]) + tiny
		case Adam, AdamW:
			o.first[i] = o.momentum*o.first[i] + (1-o.momentum)*v
			o.second[i] = o.decay*o.second[i] + (1-o.decay)*v*v
			own /= math.Sqrt(o.second[i]/(1-o.damp2)) + tiny
			v = o.first[i] / (1 - o.damp1)
		}
		at := x[i] - own*v
		if o.kind == AdamW {
			own = rate
		}
		if l1 != nil {
			at = Shrink(at, own*l1[i])
		}
		if l2 != nil {
			at /= 1 + own*l2[i]
		}
		x[i] = at
	}
}

// Shrink moves x towards zero by t, and no further.
func Shrink(x, t float64) float64 {
	if math.Abs(x) <= t {
		return 0
	}
	return x - math.Copysign(t, x)
}

// Cosine falls from initial to final along half a cosine wave over so many steps, and stays
// there.
func Cosine(initial, final float64, steps, step int) float64 {
	done := float64(min(step, steps)) / float64(steps)
	return final + (initial-final)*(1+math.Cos(math.Pi*done))/2
}

// Rate returns the rate of a step by a schedule, or an error, ErrParam, for a rate that is
// none.
func Rate(s interface{ Rate(step int) float64 }, step int) (float64, error) {
	r := s.Rate(step)
	if !(r > 0) || math.IsInf(r, 1) {
		return 0, fmt.Errorf("the learning rate of step %d is %v, want > 0: %w", step, r, gram.ErrParam)
	}
	return r, nil
}
