package linear

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// A Schedule is the learning rate of stochastic gradient descent by the number of steps made
// before, from 0. Schedules are values; those of this package are [ConstantRate],
// [StepRate], [ExponentialRate], [InverseScalingRate], [CosineRate] and [WarmUp].
type Schedule interface {
	// Rate returns the learning rate, > 0 and finite.
	Rate(step int) float64
}

// ConstantRate is the same rate for all steps.
type ConstantRate float64

// Rate returns r.
func (r ConstantRate) Rate(int) float64 { return float64(r) }

// StepRate is multiplied by Factor after every so many steps: Initial·Factor^⌊step/Every⌋.
type StepRate struct {
	Initial float64
	Factor  float64 // 0 means 0.5
	Every   int     // steps, 0 means 1000
}

// Rate returns the rate of a step.
func (r StepRate) Rate(step int) float64 {
	return r.Initial * math.Pow(orElse(r.Factor, 0.5), float64(step/orElse(r.Every, 1000)))
}

// ExponentialRate falls by the same factor with every step: Initial·exp(−Decay·step).
type ExponentialRate struct {
	Initial, Decay float64
}

// Rate returns the rate of a step.
func (r ExponentialRate) Rate(step int) float64 { return r.Initial * math.Exp(-r.Decay*float64(step)) }

// InverseScalingRate falls with a power of the steps: Initial/(1 + step/Steps)^Power. With a
// power above ½ and up to 1, descent converges however noisy gradients are (Robbins and
// Monro).
type InverseScalingRate struct {
	Initial float64
	Power   float64 // 0 means 0.75
	Steps   float64 // 0 means 1
}

// Rate returns the rate of a step.
func (r InverseScalingRate) Rate(step int) float64 {
	return r.Initial / math.Pow(1+float64(step)/orElse(r.Steps, 1), orElse(r.Power, 0.75))
}

// CosineRate falls from Initial to Final along half a cosine wave over so many steps, and
// stays there.
type CosineRate struct {
	Initial float64
	Final   float64 // 0 means a thousandth of Initial
	Steps   int     // 0 means 1000
}

// Rate returns the rate of a step.
func (r CosineRate) Rate(step int) float64 {
	final, steps := orElse(r.Final, r.Initial/1000), orElse(r.Steps, 1000)
	done := float64(min(step, steps)) / float64(steps)
	return final + (r.Initial-final)*(1+math.Cos(math.Pi*done))/2
}

// WarmUp rises in proportion to the steps, over so many of them, to what Then begins with,
// and goes on as that.
type WarmUp struct {
	Steps int
	Then  Schedule
}

// Rate returns the rate of a step.
func (r WarmUp) Rate(step int) float64 {
	if step < r.Steps {
		return r.Then.Rate(0) * float64(step+1) / float64(r.Steps+1)
	}
	return r.Then.Rate(step - r.Steps)
}

// orElse returns v, or its default where it is 0.
func orElse[T int | float64](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// rateOf returns the rate of a step, or an error for a schedule that gives none.
func rateOf(s Schedule, step int) (float64, error) {
	r := s.Rate(step)
	if !(r > 0) || math.IsInf(r, 1) {
		return 0, fmt.Errorf("linear: the learning rate of step %d is %v, want > 0: %w", step, r, gram.ErrParam)
	}
	return r, nil
}

// An Optimizer is how a step of stochastic gradient descent follows from gradients.
type Optimizer int

const (
	// Adam divides running means of gradients by roots of running means of their
	// squares, both corrected for their start at zero (Kingma and Ba, 2015).
	Adam Optimizer = iota
	// AdamW is Adam but for the penalty, which acts with the learning rate itself
	// (Loshchilov and Hutter, 2019). With a penalty, it does not end where the objective
	// is smallest.
	AdamW
	// AdaGrad divides gradients by the root of the sum of their squares so far (Duchi,
	// Hazan and Singer, 2011).
	AdaGrad
	// RMSProp divides gradients by the root of a running mean of their squares (Hinton,
	// 2012).
	RMSProp
	// PlainSGD follows the gradient.
	PlainSGD
	// Momentum follows a running sum of gradients (Polyak, 1964).
	Momentum
	// Nesterov is Momentum that looks ahead (Nesterov, 1983).
	Nesterov
)

var optimizerNames = [...]string{"adam", "adamw", "adagrad", "rmsprop", "sgd", "momentum", "nesterov"}

// String returns "adam", "adamw", "adagrad", "rmsprop", "sgd", "momentum" or "nesterov".
func (o Optimizer) String() string {
	if o < 0 || int(o) >= len(optimizerNames) {
		return fmt.Sprintf("Optimizer(%d)", int(o))
	}
	return optimizerNames[o]
}

// adaptive tells whether steps are scaled coordinate by coordinate.
func (o Optimizer) adaptive() bool { return o <= RMSProp }

// An optimizer makes the steps of an Optimizer.
type optimizer struct {
	kind          Optimizer
	momentum      float64
	decay         float64
	first, second []float64 // running means or sums of gradients and of their squares
	steps         int
	damp1, damp2  float64 // momentum^steps and decay^steps
}

func newOptimizer(kind Optimizer, momentum, decay float64, size int) *optimizer {
	return &optimizer{kind: kind, momentum: momentum, decay: decay, first: make([]float64, size), second: make([]float64, size), damp1: 1, damp2: 1}
}

// step moves x against the gradient g and then towards the penalties, of strengths l1 and l2
// for each coordinate: it sets x to the minimum of these plus the squared distance from
// where the gradient leads, in units of the rate.
func (o *optimizer) step(x, g, l1, l2 []float64, rate float64) {
	const tiny = 1e-8
	o.steps++
	o.damp1 *= o.momentum
	o.damp2 *= o.decay
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
		x[i] = shrink(at, own*l1[i]) / (1 + own*l2[i])
	}
}
