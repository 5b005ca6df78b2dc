package quant

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// An Int is a type of quantized values.
type Int interface{ int8 | uint8 }

// A Float is a type of real values.
type Float interface{ float32 | float64 }

// Params say which real value an integer q stands for:
//
//	real = (q − Zero)·Scale
//
// With Zero = 0 the quantization is symmetric. Real 0 is always exact.
type Params struct {
	// Scale is the distance between neighbouring values, > 0 and finite.
	Scale float32
	// Zero is the integer that stands for 0, within the range of the integer type.
	Zero int32
}

// limits returns the range of T.
func limits[T Int]() (lo, hi int32) {
	var zero T
	if ^zero > 0 {
		return 0, math.MaxUint8
	}
	return math.MinInt8, math.MaxInt8
}

// Check returns an error that wraps gram.ErrParam unless p is valid for integers of
// type T: Scale > 0 and finite, Zero in the range of T. O(1).
func Check[T Int](p Params) error {
	if err := checkScale(float64(p.Scale)); err != nil {
		return err
	}
	if lo, hi := limits[T](); p.Zero < lo || p.Zero > hi {
		var q T
		return fmt.Errorf("zero point %d is outside %d..%d of %T: %w", p.Zero, lo, hi, q, gram.ErrParam)
	}
	return nil
}

func checkScale(s float64) error {
	if !(s > 0) || math.IsInf(s, 0) {
		return fmt.Errorf("scale is %v, want a finite number > 0: %w", s, gram.ErrParam)
	}
	return nil
}

// Asymmetric returns the parameters under which the integers of T span the reals
// from lo to hi, widened so that they include 0: Scale is the width over 255, and Zero
// the integer nearest to where 0 lies. It suits activations. If lo = hi = 0, Scale
// is 1.
//
// Errors: gram.ErrNonFinite for bounds that are not finite, gram.ErrParam for
// lo > hi or a width that float32 cannot hold. O(1).
func Asymmetric[T Int](lo, hi float64) (Params, error) {
	if err := checkBounds(lo, hi); err != nil {
		return Params{}, err
	}
	lo, hi = min(lo, 0), max(hi, 0)
	first, last := limits[T]()
	scale, err := scaleOf(hi/255 - lo/255)
	if err != nil {
		return Params{}, err
	}
	zero := float64(first) + math.RoundToEven(-lo/float64(scale))
	return Params{Scale: scale, Zero: int32(min(zero, float64(last)))}, nil
}

// Symmetric returns the parameters with Zero = 0 under which ±127 stands for
// ±absMax. It suits weights. If absMax = 0, Scale is 1.
//
// Errors: gram.ErrNonFinite if absMax is not finite, gram.ErrParam if it is negative
// or too large for float32. O(1).
func Symmetric(absMax float64) (Params, error) {
	if err := checkBounds(0, absMax); err != nil {
		return Params{}, err
	}
	scale, err := scaleOf(absMax / 127)
	return Params{Scale: scale}, err
}

func checkBounds(lo, hi float64) error {
	if lo-lo != 0 || hi-hi != 0 {
		return fmt.Errorf("range from %v to %v: %w", lo, hi, gram.ErrNonFinite)
	}
	if lo > hi {
		return fmt.Errorf("range from %v down to %v: %w", lo, hi, gram.ErrParam)
	}
	return nil
}

// scaleOf returns s as a valid scale. What is too small for a normal float32 becomes
// the smallest of those.
func scaleOf(s float64) (float32, error) {
	const smallest = 0x1p-126
	switch f := float32(s); {
	case s == 0:
		return 1, nil
	case math.IsInf(float64(f), 0):
		return 0, fmt.Errorf("scale %v is too large for float32: %w", s, gram.ErrParam)
	default:
		return max(f, smallest), nil
	}
}

// SymmetricChannels returns the [Symmetric] parameters of each of the rows of x, a
// channels×(len(x)/channels) row-major matrix: those of weights, a row for each
// output.
//
// Errors: gram.ErrShape if x is empty or does not divide into the channels, and
// those of [Symmetric], naming the channel. O(len(x)).
func SymmetricChannels[F Float](x []F, channels int) ([]Params, error) {
	if err := checkChannels(len(x), channels); err != nil {
		return nil, err
	}
	size := len(x) / channels
	out := make([]Params, channels)
	for c := range out {
		p, err := Symmetric(absMax(x[c*size : (c+1)*size]))
		if err != nil {
			return nil, fmt.Errorf("channel %d: %w", c, err)
		}
		out[c] = p
	}
	return out, nil
}

func checkChannels(n, channels int) error {
	if n == 0 || channels <= 0 || n%channels != 0 {
		return fmt.Errorf("%d values in %d channels: %w", n, channels, gram.ErrShape)
	}
	return nil
}

// absMax returns the largest absolute value, NaN if there is one.
func absMax[F Float](x []F) float64 {
	var top float64
	for _, v := range x {
		a := math.Abs(float64(v))
		if !(a <= top) {
			if a != a {
				return a
			}
			top = a
		}
	}
	return top
}
