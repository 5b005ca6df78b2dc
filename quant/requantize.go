package quant

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/i8"
)

// Requantize returns the sums acc, which stand for acc·s under a product's scale s,
// as integers under the scale t and zero point zero, given scale = s/t:
//
//	q = clamp(roundHalfEven(float32(acc)·scale) + zero)
//
// with the product rounded to float32, as ONNX Runtime has it. Where that rounding
// matters, [Multiplier.Apply] is exact. dst is allocated if nil, and otherwise of the
// length of acc.
//
// Errors: gram.ErrParam for a scale or a zero point out of range; gram.ErrShape for a
// dst of another length. O(len(acc)).
func Requantize[T Int](dst []T, acc []int32, scale float32, zero int32) ([]T, error) {
	if err := Check[T](Params{scale, zero}); err != nil {
		return nil, err
	}
	dst, err := gram.Dst(dst, len(acc))
	if err != nil {
		return nil, err
	}
	lo, hi := limits[T]()
	var factors [256]float32 // the kernel takes one for each
	for i := range factors {
		factors[i] = scale
	}
	for i := 0; i < len(acc); i += len(factors) {
		n := min(len(factors), len(acc)-i)
		i8.Requantize(dst[i:i+n], acc[i:i+n], factors[:n], lo-zero, hi-zero, zero)
	}
	return dst, nil
}

// A Multiplier is a positive factor in fixed point, Mantissa·2^−Shift, for
// requantization in integers alone.
type Multiplier struct {
	// Mantissa has 31 bits: 2³⁰ ≤ Mantissa < 2³¹.
	Mantissa int32
	// Shift is from 0 to 62.
	Shift int
}

// NewMultiplier returns the multiplier nearest to scale, within a relative 2⁻³¹.
// The error, gram.ErrParam, is for a scale outside [2⁻³², 2³¹). O(1).
func NewMultiplier(scale float64) (Multiplier, error) {
	if err := checkScale(scale); err != nil {
		return Multiplier{}, err
	}
	f, e := math.Frexp(scale) // f in [½, 1)
	m := math.RoundToEven(math.Ldexp(f, 31))
	if m == 1<<31 {
		m, e = 1<<30, e+1
	}
	shift := 31 - e
	if shift < 0 || shift > 62 {
		return Multiplier{}, fmt.Errorf("scale %v is not in [2^-32, 2^31): %w", scale, gram.ErrParam)
	}
	return Multiplier{int32(m), shift}, nil
}

// Apply returns acc·Mantissa·2^−Shift, rounded once, half to even: the exact product
// in 64 bits, with no other rounding on the way. m must be as [NewMultiplier] makes
// them. O(1).
func (m Multiplier) Apply(acc int32) int64 {
	p := int64(acc) * int64(m.Mantissa) // |p| < 2⁶²
	if m.Shift == 0 {
		return p
	}
	floor, one := p>>m.Shift, int64(1)<<m.Shift
	rest, half := p&(one-1), one>>1
	if rest > half || rest == half && floor&1 == 1 {
		floor++
	}
	return floor
}

// RequantizeFixed is [Requantize] with a factor in fixed point:
//
//	q = clamp(m.Apply(acc) + zero)
//
// Errors: gram.ErrParam for a zero point out of range or an m that [NewMultiplier] does
// not make; gram.ErrShape for a dst of another length. O(len(acc)).
func RequantizeFixed[T Int](dst []T, acc []int32, m Multiplier, zero int32) ([]T, error) {
	if err := Check[T](Params{1, zero}); err != nil {
		return nil, err
	}
	if m.Mantissa < 1<<30 || m.Shift < 0 || m.Shift > 62 {
		return nil, fmt.Errorf("multiplier %d·2^-%d: %w", m.Mantissa, m.Shift, gram.ErrParam)
	}
	dst, err := gram.Dst(dst, len(acc))
	if err != nil {
		return nil, err
	}
	lo, hi := limits[T]()
	for i, v := range acc {
		dst[i] = T(min(max(m.Apply(v)+int64(zero), int64(lo)), int64(hi)))
	}
	return dst, nil
}
