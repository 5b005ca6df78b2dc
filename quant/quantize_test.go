package quant

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
)

var (
	nan = math.NaN()
	inf = math.Inf(1)
)

// wantError fails unless err wraps target and its text has the given part.
func wantError(t *testing.T, err, target error, text string) {
	t.Helper()
	if !errors.Is(err, target) || !strings.Contains(err.Error(), text) {
		t.Errorf("error %q, want %q with %q", err, target, text)
	}
}

type golden struct {
	Quantized []struct {
		Scale, Zero, Lo float64
		X               []float64
		Q               []int
	}
	Requantized []struct {
		Scale, Zero float64
		Acc         []int32
		Q           []int
		Mantissa    int32
		Shift       int
		Fixed       []int64
	}
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func ints[T Int](q []T) []int {
	out := make([]int, len(q))
	for i, v := range q {
		out[i] = int(v)
	}
	return out
}

func singles(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

func TestQuantizeGolden(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for i, g := range readGolden(t).Quantized {
			p := Params{float32(g.Scale), int32(g.Zero)}
			var got []int
			if g.Lo < 0 {
				q, err := Quantize[int8](nil, singles(g.X), p)
				if err != nil {
					t.Fatal(err)
				}
				got = ints(q)
			} else {
				q, err := Quantize[uint8](nil, singles(g.X), p)
				if err != nil {
					t.Fatal(err)
				}
				got = ints(q)
			}
			if !slices.Equal(got, g.Q) {
				t.Errorf("case %d: %v, want %v", i, got, g.Q)
			}
		}
	})
}

func TestRequantizeGolden(t *testing.T) {
	for _, g := range readGolden(t).Requantized {
		q, err := Requantize[int8](nil, g.Acc, float32(g.Scale), int32(g.Zero))
		if err != nil {
			t.Fatal(err)
		}
		if got := ints(q); !slices.Equal(got, g.Q) {
			t.Errorf("scale %v: %v, want %v", g.Scale, got, g.Q)
		}
		m, err := NewMultiplier(g.Scale)
		if err != nil {
			t.Fatal(err)
		}
		if m != (Multiplier{g.Mantissa, g.Shift}) {
			t.Errorf("multiplier of %v is %v, want %d, %d", g.Scale, m, g.Mantissa, g.Shift)
		}
		fixed, err := RequantizeFixed[int8](nil, g.Acc, m, int32(g.Zero))
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range g.Acc {
			if got := m.Apply(a); got != g.Fixed[i] {
				t.Errorf("%d·%v is %d, want %d", a, g.Scale, got, g.Fixed[i])
			}
			if want := min(max(g.Fixed[i]+int64(g.Zero), -128), 127); int64(fixed[i]) != want {
				t.Errorf("%d·%v requantized is %d, want %d", a, g.Scale, fixed[i], want)
			}
		}
	}
}

// One rounding agrees with exact arithmetic at the extremes of either factor.
func TestApplyExtremes(t *testing.T) {
	for _, acc := range []int32{math.MinInt32, math.MinInt32 + 1, -1, 0, 1, math.MaxInt32} {
		for _, mantissa := range []int32{1 << 30, 1<<30 + 1, 3 << 29, math.MaxInt32} {
			for shift := range 63 {
				p := new(big.Int).Mul(big.NewInt(int64(acc)), big.NewInt(int64(mantissa)))
				want := halfEven(p, uint(shift))
				if got := (Multiplier{mantissa, shift}).Apply(acc); want.Cmp(big.NewInt(got)) != 0 {
					t.Fatalf("%d·%d·2^-%d is %d, want %v", acc, mantissa, shift, got, want)
				}
			}
		}
	}
}

// halfEven returns p·2^−shift, rounded half to even.
func halfEven(p *big.Int, shift uint) *big.Int {
	floor := new(big.Int).Rsh(p, shift)
	rest := new(big.Int).Sub(p, new(big.Int).Lsh(floor, shift))
	twice := rest.Lsh(rest, 1).Cmp(new(big.Int).Lsh(big.NewInt(1), shift))
	if twice > 0 || twice == 0 && floor.Bit(0) == 1 {
		floor.Add(floor, big.NewInt(1))
	}
	return floor
}

func TestQuantizeSpecial(t *testing.T) {
	x := []float64{nan, inf, -inf, 1e300, -1e300, 0, math.Copysign(0, -1), 10.2, -10.2}
	q, err := Quantize[int8](nil, x, Params{0.1, 5})
	if want := []int8{5, 127, -128, 127, -128, 5, 5, 107, -97}; err != nil || !slices.Equal(q, want) {
		t.Errorf("%v, %v, want %v", q, err, want)
	}
	u, err := Quantize[uint8](nil, singles(x), Params{0.1, 5})
	if want := []uint8{5, 255, 0, 255, 0, 5, 5, 107, 0}; err != nil || !slices.Equal(u, want) {
		t.Errorf("%v, %v, want %v", u, err, want)
	}
	s, err := CountSaturation[uint8](x, Params{0.1, 5})
	if want := (Saturation{Low: 3, High: 2, NaN: 1, Total: 9}); err != nil || s != want {
		t.Errorf("%+v, %v, want %+v", s, err, want)
	}
	s.Merge(Saturation{1, 2, 3, 11})
	if s != (Saturation{4, 4, 4, 20}) || s.Rate() != 0.6 || (Saturation{}).Rate() != 0 {
		t.Errorf("merged %+v of rate %v", s, s.Rate())
	}
}

func TestParams(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   Params // for uint8
	}{
		{0, 255, Params{1, 0}},
		{-127.5, 127.5, Params{1, 128}},
		{-255, 0, Params{1, 255}},
		{10, 25.5, Params{0.1, 0}}, // widened to 0
		{-25.5, -10, Params{0.1, 255}},
		{0, 0, Params{1, 0}},
		{0, 1e-320, Params{0x1p-126, 0}},
		{-1e38, 3.4e38, Params{float32(3.4e38/255 + 1e38/255), 58}},
	} {
		u, err := Asymmetric[uint8](c.lo, c.hi)
		if err != nil || u != c.want {
			t.Errorf("%v..%v: %v, %v, want %v", c.lo, c.hi, u, err, c.want)
		}
		s, err := Asymmetric[int8](c.lo, c.hi)
		if want := (Params{c.want.Scale, c.want.Zero - 128}); err != nil || s != want {
			t.Errorf("%v..%v: %v, %v, want %v", c.lo, c.hi, s, err, want)
		}
	}
	if p, err := Symmetric(254); err != nil || p != (Params{2, 0}) {
		t.Errorf("%v, %v", p, err)
	}
	ps, err := SymmetricChannels([]float32{1, -127, 0, 0, 25.4, 2}, 3)
	if want := []Params{{1, 0}, {1, 0}, {0.2, 0}}; err != nil || !slices.Equal(ps, want) {
		t.Errorf("%v, %v, want %v", ps, err, want)
	}
}

func TestBadParams(t *testing.T) {
	x, q := []float32{1}, []int8{1}
	for _, c := range []struct {
		p    Params
		text string
	}{
		{Params{0, 0}, "scale is 0"},
		{Params{-1, 0}, "scale is -1"},
		{Params{float32(nan), 0}, "scale is NaN"},
		{Params{float32(inf), 0}, "scale is +Inf"},
		{Params{1, 128}, "zero point 128 is outside -128..127 of int8"},
		{Params{1, -129}, "zero point -129"},
	} {
		var errs []error
		add := func(err error) { errs = append(errs, err) }
		_, err := Quantize[int8](nil, x, c.p)
		add(err)
		_, err = Dequantize[float64](nil, q, c.p)
		add(err)
		_, err = QuantizeChannels[int8](nil, x, []Params{c.p})
		add(err)
		_, err = CountSaturation[int8](x, c.p)
		add(err)
		_, err = FakeQuantize[int8](nil, x, c.p)
		add(err)
		_, err = FakeQuantizeGrad[int8](nil, x, x, c.p)
		add(err)
		_, err = Requantize[int8](nil, []int32{1}, c.p.Scale, c.p.Zero)
		add(err)
		for _, err := range errs {
			wantError(t, err, gram.ErrParam, c.text)
		}
	}
	_, err := Asymmetric[int8](nan, 1)
	wantError(t, err, gram.ErrNonFinite, "range from NaN to 1")
	_, err = Asymmetric[int8](2, 1)
	wantError(t, err, gram.ErrParam, "range from 2 down to 1")
	_, err = Asymmetric[int8](-1e308, 1e308)
	wantError(t, err, gram.ErrParam, "too large for float32")
	_, err = Symmetric(inf)
	wantError(t, err, gram.ErrNonFinite, "range from 0 to +Inf")
	_, err = SymmetricChannels([]float64{1, 2, 3, nan}, 2)
	wantError(t, err, gram.ErrNonFinite, "channel 1: range from 0 to NaN")
	_, err = RequantizeFixed[int8](nil, nil, Multiplier{1, 1}, 0)
	wantError(t, err, gram.ErrParam, "multiplier 1·2^-1")
	_, err = RequantizeFixed[uint8](nil, nil, Multiplier{1 << 30, 1}, -1)
	wantError(t, err, gram.ErrParam, "zero point -1 is outside 0..255 of uint8")
	for _, s := range []float64{0x1p-33, 0x1p31} {
		_, err = NewMultiplier(s)
		wantError(t, err, gram.ErrParam, "is not in [2^-32, 2^31)")
	}
	_, err = NewMultiplier(-1)
	wantError(t, err, gram.ErrParam, "scale is -1")
	if m, err := NewMultiplier(1 - 0x1p-53); err != nil || m != (Multiplier{1 << 30, 30}) {
		t.Errorf("%v, %v", m, err)
	}
}

func TestBadLengths(t *testing.T) {
	p, three := Params{1, 0}, make([]float32, 3)
	_, err := Quantize(make([]int8, 2), three, p)
	wantError(t, err, gram.ErrShape, "2")
	_, err = Dequantize(three, make([]int8, 2), p)
	wantError(t, err, gram.ErrShape, "3")
	_, err = QuantizeChannels[int8](nil, three, []Params{p, p})
	wantError(t, err, gram.ErrShape, "3 values in 2 channels")
	_, err = DequantizeChannels[float64](nil, []int8{}, []Params{p})
	wantError(t, err, gram.ErrShape, "0 values in 1 channels")
	_, err = QuantizeChannels(make([]int8, 2), three, []Params{p})
	wantError(t, err, gram.ErrShape, "2")
	_, err = SymmetricChannels(three, 0)
	wantError(t, err, gram.ErrShape, "3 values in 0 channels")
	_, err = FakeQuantize[int8](make([]float32, 1), three, p)
	wantError(t, err, gram.ErrShape, "1")
	_, err = FakeQuantizeGrad[int8](nil, three[:2], three, p)
	wantError(t, err, gram.ErrShape, "2 gradients for 3 values")
	_, err = FakeQuantizeGrad[int8](three[:2], three, three, p)
	wantError(t, err, gram.ErrShape, "2")
	_, err = Requantize(make([]int8, 2), make([]int32, 3), 1, 0)
	wantError(t, err, gram.ErrShape, "2")
	_, err = RequantizeFixed(make([]int8, 2), make([]int32, 3), Multiplier{1 << 30, 1}, 0)
	wantError(t, err, gram.ErrShape, "2")
}

func TestChannels(t *testing.T) {
	ps := []Params{{1, 0}, {0.5, 10}}
	q, err := QuantizeChannels[int8](nil, []float64{1, 2, 3, 1, 2, 3}, ps)
	if want := []int8{1, 2, 3, 12, 14, 16}; err != nil || !slices.Equal(q, want) {
		t.Fatalf("%v, %v, want %v", q, err, want)
	}
	x, err := DequantizeChannels[float32](nil, q, ps)
	if want := []float32{1, 2, 3, 1, 2, 3}; err != nil || !slices.Equal(x, want) {
		t.Errorf("%v, %v, want %v", x, err, want)
	}
}

func TestFakeQuantize(t *testing.T) {
	p := Params{0.5, 100}
	x := []float32{0.2, 0.3, 13.7, 13.76, 14, -114.2, -114.4, float32(nan)}
	y, err := FakeQuantize[int8](nil, x, p)
	if want := []float32{0, 0.5, 13.5, 13.5, 13.5, -114, -114, 0}; err != nil || !slices.Equal(y, want) {
		t.Errorf("%v, %v, want %v", y, err, want)
	}
	grad := []float32{1, 2, 3, 4, 5, 6, 7, 8}
	g, err := FakeQuantizeGrad[int8](grad, grad, x, p)
	if want := []float32{1, 2, 3, 0, 0, 6, 0, 0}; err != nil || !slices.Equal(g, want) {
		t.Errorf("%v, %v, want %v", g, err, want)
	}
	long := floattest.Normals(floattest.Rand(1), make([]float64, 1000))
	q, err := Quantize[int8](nil, long, p)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := Dequantize[float64](nil, q, p)
	if got, err := FakeQuantize[int8](long, long, p); err != nil || !slices.Equal(got, want) {
		t.Errorf("in place: %v", err)
	}
}

func TestArithmetic(t *testing.T) {
	testArithmetic[int8](t)
	testArithmetic[uint8](t)
}

// testArithmetic tries all pairs.
func testArithmetic[T Int](t *testing.T) {
	lo, hi := limits[T]()
	for x := lo; x <= hi; x++ {
		var a, b, dst []T
		for y := lo; y <= hi; y++ {
			a, b, dst = append(a, T(x)), append(b, T(y)), append(dst, 0)
		}
		for name, op := range map[string]struct {
			do    func(dst, a, b []T) int
			exact func(x, y int32) int32
		}{
			"Add": {Add[T], func(x, y int32) int32 { return x + y }},
			"Sub": {Sub[T], func(x, y int32) int32 { return x - y }},
			"Mul": {Mul[T], func(x, y int32) int32 { return x * y }},
		} {
			count, saturated := op.do(dst, a, b), 0
			for i, y := range b {
				want := op.exact(x, int32(y))
				if want < lo || want > hi {
					want = min(max(want, lo), hi)
					saturated++
				}
				if int32(dst[i]) != want {
					t.Fatalf("%s of %d and %d is %d, want %d", name, x, y, dst[i], want)
				}
			}
			if count != saturated {
				t.Fatalf("%s of %d counts %d, want %d", name, x, count, saturated)
			}
		}
	}
	defer func() {
		if r := recover(); r != "quant: Sub of lengths 2 and 1 into 2" {
			t.Errorf("recovered %v", r)
		}
	}()
	Sub(make([]T, 2), make([]T, 2), make([]T, 1))
}

func FuzzQuantize(f *testing.F) {
	f.Add(1.5, float32(0.1), int8(3))
	f.Add(-1e300, float32(1e-30), int8(-128))
	f.Add(nan, float32(1), int8(127))
	f.Add(12.75, float32(0.1), int8(0))
	f.Add(5e-324, float32(1e-45), int8(0))
	f.Fuzz(func(t *testing.T, x float64, scale float32, zero int8) {
		p := Params{scale, int32(zero)}
		if Check[int8](p) != nil {
			return
		}
		roundTrip[int8](t, x, p, 0x1p-50)
		roundTrip[int8](t, float32(x), p, 0x1p-15)
		p.Zero += 128
		roundTrip[uint8](t, x, p, 0x1p-50)
		roundTrip[uint8](t, float32(x), p, 0x1p-15)
	})
}

// roundTrip quantizes x and back: the error is at most half a step inside the range,
// and outside x becomes the range's end.
func roundTrip[T Int, F Float](t *testing.T, x F, p Params, slack float64) {
	q, err := Quantize[T](nil, []F{x}, p)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Dequantize[F](nil, q, p)
	if err != nil {
		t.Fatal(err)
	}
	first, last := limits[T]()
	scale := float64(p.Scale)
	lo, hi := float64(first-p.Zero)*scale, float64(last-p.Zero)*scale
	want := min(max(float64(x), lo), hi)
	if x != x {
		want = 0
	}
	// The last product may overflow F or round to its smallest numbers.
	if math.IsInf(float64(back[0]), 0) || scale < 0x1p-126 {
		return
	}
	if d := math.Abs(float64(back[0]) - want); !(d <= scale*(0.5+slack)) {
		t.Errorf("%v under %v becomes %d and %v: off by %v steps", x, p, q[0], back[0], d/scale)
	}
}
