package quant

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/i8"
)

// Quantize returns for each x the integer whose value under p is nearest:
//
//	q = clamp(roundHalfEven(x / Scale) + Zero)
//
// clamped to the range of T. The quotient is taken in the type of x and
// rounded, so that within the range |x − real(q)| ≤ Scale/2 but for that rounding.
// NaN becomes Zero and infinities the ends of the range; [CountSaturation] counts
// both. dst is allocated if nil, and otherwise of the length of x.
//
// Errors: those of [Check]; gram.ErrShape for a dst of another length. O(len(x)), at
// the speed of memory for float32.
func Quantize[T Int, F Float](dst []T, x []F, p Params) ([]T, error) {
	if err := Check[T](p); err != nil {
		return nil, err
	}
	dst, err := gram.Dst(dst, len(x))
	if err != nil {
		return nil, err
	}
	quantize(dst, x, p)
	return dst, nil
}

// quantize is Quantize without checks.
func quantize[T Int, F Float](dst []T, x []F, p Params) {
	lo, hi := limits[T]()
	if single, ok := any(x).([]float32); ok {
		i8.Quantize(dst, single, p.Scale, lo-p.Zero, hi-p.Zero, p.Zero)
		return
	}
	scale, low, high := F(p.Scale), F(lo-p.Zero), F(hi-p.Zero)
	for i, v := range x {
		v /= scale
		switch {
		case v != v:
			v = 0
		case v < low:
			v = low
		case v > high:
			v = high
		}
		dst[i] = T(int32(math.RoundToEven(float64(v))) + p.Zero)
	}
}

// Dequantize returns the real value (q − Zero)·Scale of each q, one multiplication in
// the type F. dst is allocated if nil, and otherwise of the length of q.
//
// Errors: those of [Check]; gram.ErrShape for a dst of another length. O(len(q)).
func Dequantize[F Float, T Int](dst []F, q []T, p Params) ([]F, error) {
	if err := Check[T](p); err != nil {
		return nil, err
	}
	dst, err := gram.Dst(dst, len(q))
	if err != nil {
		return nil, err
	}
	dequantize(dst, q, p)
	return dst, nil
}

// dequantize is Dequantize without checks.
func dequantize[F Float, T Int](dst []F, q []T, p Params) {
	if single, ok := any(dst).([]float32); ok {
		i8.Dequantize(single, q, p.Scale, p.Zero)
		return
	}
	scale := F(p.Scale)
	for i, v := range q {
		dst[i] = F(int32(v)-p.Zero) * scale
	}
}

// QuantizeChannels is [Quantize] of the rows of x, a len(p)×(len(x)/len(p))
// row-major matrix, each under parameters of its own.
//
// Errors: those of Quantize, naming the channel, and gram.ErrShape if x is empty or
// does not divide into the channels.
func QuantizeChannels[T Int, F Float](dst []T, x []F, p []Params) ([]T, error) {
	return eachChannel(dst, x, p, quantize[T, F], Check[T])
}

// DequantizeChannels is [Dequantize] of the rows of q, as [QuantizeChannels] has made
// them.
func DequantizeChannels[F Float, T Int](dst []F, q []T, p []Params) ([]F, error) {
	return eachChannel(dst, q, p, dequantize[F, T], Check[T])
}

func eachChannel[D, S any](dst []D, src []S, p []Params, f func([]D, []S, Params), check func(Params) error) ([]D, error) {
	if err := checkChannels(len(src), len(p)); err != nil {
		return nil, err
	}
	for c := range p {
		if err := check(p[c]); err != nil {
			return nil, fmt.Errorf("channel %d: %w", c, err)
		}
	}
	dst, err := gram.Dst(dst, len(src))
	if err != nil {
		return nil, err
	}
	size := len(src) / len(p)
	for c := range p {
		f(dst[c*size:(c+1)*size], src[c*size:(c+1)*size], p[c])
	}
	return dst, nil
}

// Saturation counts the values that a quantization cannot represent. Counts of parts
// add up by [Saturation.Merge].
type Saturation struct {
	// Low and High count values that round to below the range and above it,
	// infinities included.
	Low, High int
	// NaN counts the NaNs, which became Zero.
	NaN int
	// Total counts all values.
	Total int
}

// Merge adds the counts of t.
func (s *Saturation) Merge(t Saturation) {
	s.Low += t.Low
	s.High += t.High
	s.NaN += t.NaN
	s.Total += t.Total
}

// Rate returns the share of values that were not representable, 0 if there are none.
func (s Saturation) Rate() float64 {
	if s.Total == 0 {
		return 0
	}
	return float64(s.Low+s.High+s.NaN) / float64(s.Total)
}

// CountSaturation returns what [Quantize] of x to T under p clamps. Errors: those of
// [Check]. O(len(x)).
func CountSaturation[T Int, F Float](x []F, p Params) (Saturation, error) {
	if err := Check[T](p); err != nil {
		return Saturation{}, err
	}
	lo, hi := limits[T]()
	scale, low, high := F(p.Scale), float64(lo-p.Zero), float64(hi-p.Zero)
	s := Saturation{Total: len(x)}
	for _, v := range x {
		switch r := math.RoundToEven(float64(v / scale)); {
		case r != r:
			s.NaN++
		case r < low:
			s.Low++
		case r > high:
			s.High++
		}
	}
	return s, nil
}

// FakeQuantize returns x as quantization to T and back leaves it, for
// quantization-aware training: the loss of precision with no change of type. dst is
// allocated if nil, otherwise of the length of x, and may be x.
//
// Errors: those of [Check]; gram.ErrShape for a dst of another length. O(len(x)).
func FakeQuantize[T Int, F Float](dst, x []F, p Params) ([]F, error) {
	if err := Check[T](p); err != nil {
		return nil, err
	}
	dst, err := gram.Dst(dst, len(x))
	if err != nil {
		return nil, err
	}
	var buf [256]T
	for i := 0; i < len(x); i += len(buf) {
		n := min(len(buf), len(x)-i)
		quantize(buf[:n], x[i:i+n], p)
		dequantize(dst[i:i+n], buf[:n], p)
	}
	return dst, nil
}

// FakeQuantizeGrad returns the gradient by x of a loss whose gradient by
// FakeQuantize(x) is grad, by the straight-through estimator: grad itself where x
// rounds to a value in range, and 0 where it is clamped or NaN. dst is allocated if
// nil, otherwise of the length of x, and may be grad.
//
// Source: Y. Bengio, N. Léonard and A. Courville, Estimating or propagating gradients
// through stochastic neurons for conditional computation, arXiv:1308.3432 (2013).
//
// Errors: those of [Check]; gram.ErrShape for lengths that differ. O(len(x)).
func FakeQuantizeGrad[T Int, F Float](dst, grad, x []F, p Params) ([]F, error) {
	if err := Check[T](p); err != nil {
		return nil, err
	}
	if len(grad) != len(x) {
		return nil, fmt.Errorf("%d gradients for %d values: %w", len(grad), len(x), gram.ErrShape)
	}
	dst, err := gram.Dst(dst, len(x))
	if err != nil {
		return nil, err
	}
	lo, hi := limits[T]()
	scale, low, high := F(p.Scale), float64(lo-p.Zero), float64(hi-p.Zero)
	for i, v := range x {
		if r := math.RoundToEven(float64(v / scale)); r >= low && r <= high {
			dst[i] = grad[i]
		} else {
			dst[i] = 0
		}
	}
	return dst, nil
}
