package quant

import (
	"fmt"

	"github.com/gram-ml/gram"
)

// An Observer looks at the values that a quantization is to hold and then proposes
// the range that its integers should span. Values that are not finite are left out.
//
// [MinMax] and [MovingAverage] cover all values; a [Histogram] gives the observers
// [Percentile], [MSE] and [KL], which cut rare extremes off for a finer step.
type Observer interface {
	// Observe takes in x. The calls of one observer must not overlap.
	Observe(x []float64)
	// Range returns the proposed range, lo ≤ hi. The error, gram.ErrShape, is that
	// no finite value was seen.
	Range() (lo, hi float64, err error)
}

// Calibrate returns the [Asymmetric] parameters of the range that o proposes.
// Errors: those of Asymmetric and of o.
func Calibrate[T Int](o Observer) (Params, error) {
	lo, hi, err := o.Range()
	if err != nil {
		return Params{}, err
	}
	return Asymmetric[T](lo, hi)
}

// CalibrateSymmetric returns the [Symmetric] parameters of the range that o proposes.
// Errors: those of Symmetric and of o.
func CalibrateSymmetric(o Observer) (Params, error) {
	lo, hi, err := o.Range()
	if err != nil {
		return Params{}, err
	}
	return Symmetric(max(-lo, hi, 0))
}

func errEmpty() error { return fmt.Errorf("calibration has seen no finite value: %w", gram.ErrShape) }

// MinMax observes the least and the greatest value. The zero value is ready.
type MinMax struct {
	min, max float64
	seen     bool
}

// Observe implements [Observer].
func (o *MinMax) Observe(x []float64) {
	for _, v := range x {
		switch {
		case v-v != 0:
		case !o.seen:
			o.min, o.max, o.seen = v, v, true
		case v < o.min:
			o.min = v
		case v > o.max:
			o.max = v
		}
	}
}

// Merge takes in what p has observed.
func (o *MinMax) Merge(p *MinMax) {
	if p.seen {
		o.Observe([]float64{p.min, p.max})
	}
}

// Range returns the extremes.
func (o *MinMax) Range() (lo, hi float64, err error) {
	if !o.seen {
		return 0, 0, errEmpty()
	}
	return o.min, o.max, nil
}

// MovingAverage observes the extremes of each call of Observe and averages them
// exponentially: value ← value + Rate·(new − value). It suits batches in training,
// whose rare extremes then fade. The zero value is ready.
type MovingAverage struct {
	// Rate is in (0, 1]; 0 means 0.01. A batch counts as much as the Rate.
	Rate float64

	min, max float64
	seen     bool
}

// Observe implements [Observer]; x is one batch.
func (o *MovingAverage) Observe(x []float64) {
	var batch MinMax
	batch.Observe(x)
	if !batch.seen {
		return
	}
	if !o.seen {
		o.min, o.max, o.seen = batch.min, batch.max, true
		return
	}
	rate := o.rate()
	o.min = (1-rate)*o.min + rate*batch.min // either term is finite
	o.max = (1-rate)*o.max + rate*batch.max
}

func (o *MovingAverage) rate() float64 {
	if o.Rate == 0 {
		return 0.01
	}
	return o.Rate
}

// Range returns the averages of the extremes. The error is also gram.ErrParam, for a
// Rate outside [0, 1].
func (o *MovingAverage) Range() (lo, hi float64, err error) {
	if !(o.Rate >= 0 && o.Rate <= 1) {
		return 0, 0, fmt.Errorf("rate is %v, want 0 to 1: %w", o.Rate, gram.ErrParam)
	}
	if !o.seen {
		return 0, 0, errEmpty()
	}
	return o.min, o.max, nil
}
