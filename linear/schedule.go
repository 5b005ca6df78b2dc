package linear

import (
	"math"

	"github.com/gram-ml/gram/internal/descent"
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
	return descent.Cosine(r.Initial, final, steps, step)
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

// String returns "adam", "adamw", "adagrad", "rmsprop", "sgd", "momentum" or "nesterov".
func (o Optimizer) String() string { return descent.Kind(o).String() }
