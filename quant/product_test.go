package quant

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/cpu"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/internal/kernel/i8"
)

// levels runs f at each instruction level, with VNNI and without.
func levels(t *testing.T, f func(t *testing.T)) {
	floattest.Levels(t, func(t *testing.T) {
		f(t)
		if cpu.Current() == cpu.AVX512 && cpu.VNNI {
			t.Run("without VNNI", func(t *testing.T) {
				defer i8.SetVNNI(i8.SetVNNI(false))
				f(t)
			})
		}
	})
}

func randomInts[T Int](r *rand.Rand, n int) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = T(r.Uint32())
	}
	return out
}

// randomParams returns parameters for n rows, with zero points or without.
func randomParams(r *rand.Rand, n int, shifts bool) []Params {
	out := make([]Params, n)
	for i := range out {
		out[i].Scale = float32(math.Exp(r.NormFloat64() - 5))
		if shifts {
			out[i].Zero = int32(r.IntN(256) - 128)
		}
	}
	return out
}

func pack(t *testing.T, w []int8, n, k int, p []Params) *Weights {
	t.Helper()
	out, err := PackWeights(w, n, k, p)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// exactSums is the product in 64 bits, which hold it.
func exactSums[T Int](a []T, zero int32, w []int8, n, k int, p []Params) []int64 {
	m := len(a) / k
	out := make([]int64, m*n)
	for i := range m {
		for j := range n {
			z := int64(p[j%len(p)].Zero)
			var s int64
			for q := range k {
				s += (int64(a[i*k+q]) - int64(zero)) * (int64(w[j*k+q]) - z)
			}
			out[i*n+j] = s
		}
	}
	return out
}

// shapes are m, n, k around the edges of tiles, panels and blocks.
var shapes = [][3]int{
	{1, 1, 1}, {1, 10, 64}, {2, 3, 5}, {7, 15, 33}, {8, 16, 4}, {9, 17, 31}, {16, 48, 64}, {17, 49, 65}, {5, 97, 130}, {8, 33, 1100},
	{25, 50, 1030},
}

func TestMulInt(t *testing.T) {
	levels(t, func(t *testing.T) {
		testMulInt[int8](t)
		testMulInt[uint8](t)
	})
}

func testMulInt[T Int](t *testing.T) {
	lo, hi := limits[T]()
	for _, shape := range shapes {
		m, n, k := shape[0], shape[1], shape[2]
		r := floattest.Rand(uint64(m + n + k))
		a, w := randomInts[T](r, m*k), randomInts[int8](r, n*k)
		for _, zero := range []int32{0, lo, lo + 77, hi} {
			for _, shifts := range []bool{false, true} {
				p := randomParams(r, n, shifts)
				got, err := MulInt(nil, a, zero, pack(t, w, n, k, p))
				if err != nil {
					t.Fatal(err)
				}
				for i, want := range exactSums(a, zero, w, n, k, p) {
					if int64(got[i]) != want {
						t.Fatalf("%v, zero %d, shifts %v: element %d is %d, want %d", shape, zero, shifts, i, got[i], want)
					}
				}
			}
		}
	}
}

// Extremes at the greatest depth that fits, against exact integers of any size; one
// more product, and there is an error.
func TestMulIntExtremes(t *testing.T) {
	if testing.Short() {
		t.Skip("long rows")
	}
	levels(t, func(t *testing.T) {
		testExtremes[uint8](t, 255, -128, MaxDepth[uint8, int8](0, 0))
		testExtremes[int8](t, -128, -128, MaxDepth[int8, int8](0, 0))
	})
}

func testExtremes[T Int](t *testing.T, a T, b int8, k int) {
	t.Helper()
	row, w := slices.Repeat([]T{a}, k+1), slices.Repeat([]int8{b}, k+1)
	p := []Params{{1, 0}}
	want := new(big.Int).Mul(big.NewInt(int64(a)*int64(b)), big.NewInt(int64(k)))
	got, err := MulInt(nil, row[:k], 0, pack(t, w[:k], 1, k, p))
	if err != nil || want.Cmp(big.NewInt(int64(got[0]))) != 0 {
		t.Errorf("%d products of %d and %d: %d, %v, want %v", k, a, b, got, err, want)
	}
	beyond := pack(t, w, 1, k+1, p)
	_, err = MulInt(nil, row, 0, beyond)
	bound := Bound[T](beyond, 0)
	if top := want.Abs(want).Int64() / int64(k) * int64(k+1); bound != top {
		t.Errorf("bound %d, want %d", bound, top)
	}
	wantError(t, err, gram.ErrShape, fmt.Sprintf("a sum of %d products may reach %d, int32 ends at 2147483647", k+1, bound))

	// Split, it is right.
	f, err := MulFloat(nil, row, Params{0.5, 0}, beyond, Output{Bias: []float32{3}, Activation: ReLU})
	exact := float32(max(0, float64(a)*float64(b)*float64(k+1)*0.5+3))
	if err != nil || f[0] != exact {
		t.Errorf("split: %v, %v, want %v", f, err, exact)
	}
	q, err := MulQuantized[int8](nil, row, Params{0.5, 0}, beyond, Output{}, Params{1e8, 7})
	sum := float64(a) * float64(b) * float64(k+1)
	if want := int8(math.RoundToEven(float64(float32(sum)*float32(0.5/float64(float32(1e8))))) + 7); err != nil || q[0] != want {
		t.Errorf("split: %v, %v, want %v", q, err, want)
	}
}

func TestMaxDepth(t *testing.T) {
	if u, s := MaxDepth[uint8, int8](0, 0), MaxDepth[int8, int8](0, 0); u != 65793 || s != 131071 {
		t.Errorf("%d and %d", u, s)
	}
	if d := MaxDepth[uint8, int8](255, 127); d != 33025 || d < partDepth {
		t.Errorf("%d", d)
	}
}

// Several parts that fit are added up in 32 bits.
func TestParts(t *testing.T) {
	const n, k = 3, partDepth + 50
	r := floattest.Rand(1)
	a, w := randomInts[uint8](r, 2*k), randomInts[int8](r, n*k)
	p := []Params{{1, 1}}
	got, err := MulInt(nil, a, 100, pack(t, w, n, k, p))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range exactSums(a, 100, w, n, k, p) {
		if int64(got[i]) != want {
			t.Errorf("element %d is %d, want %d", i, got[i], want)
		}
	}
}

func TestMulFused(t *testing.T) {
	levels(t, func(t *testing.T) {
		for _, shape := range shapes {
			for _, act := range []Activation{Identity, ReLU, ReLU6} {
				testMulFused[uint8, int8](t, shape, act)
				testMulFused[int8, uint8](t, shape, act)
			}
		}
	})
}

func testMulFused[T, U Int](t *testing.T, shape [3]int, act Activation) {
	m, n, k := shape[0], shape[1], shape[2]
	r := floattest.Rand(uint64(m + n + k))
	first, _ := limits[T]()
	pa := Params{0.03, first + 99}
	a, w := randomInts[T](r, m*k), randomInts[int8](r, n*k)
	pw := randomParams(r, n, act == ReLU)
	weights := pack(t, w, n, k, pw)
	o := Output{Activation: act}
	if act != Identity {
		o.Bias = singles(floattest.Normals(r, make([]float64, n)))
	}
	gotFloat, err := MulFloat(nil, a, pa, weights, o)
	if err != nil {
		t.Fatal(err)
	}
	lo, hi := limits[U]()
	po := Params{0.05, lo + 100}
	gotInt, err := MulQuantized[U](nil, a, pa, weights, o, po)
	if err != nil {
		t.Fatal(err)
	}
	low0, high0 := act.limits()
	for i, s := range exactSums(a, pa.Zero, w, n, k, pw) {
		j := i % n
		bias := float32(0)
		if o.Bias != nil {
			bias = o.Bias[j]
		}
		scaled := float32(float32(s) * (pa.Scale * pw[j].Scale))
		if want := min(max(scaled+bias, float32(low0)), float32(high0)); gotFloat[i] != want {
			t.Fatalf("%v: element %d is %v, want %v", shape, i, gotFloat[i], want)
		}
		unit := float64(pa.Scale) * float64(pw[j].Scale)
		s += int64(math.RoundToEven(float64(bias) / unit))
		q := math.RoundToEven(float64(float32(s)*float32(unit/float64(po.Scale)))) + float64(po.Zero)
		low := max(float64(lo), math.RoundToEven(low0/float64(po.Scale))+float64(po.Zero))
		high := min(float64(hi), math.RoundToEven(high0/float64(po.Scale))+float64(po.Zero))
		if want := U(int32(min(max(q, low), high))); gotInt[i] != want {
			t.Fatalf("%v: element %d is %v, want %v", shape, i, gotInt[i], want)
		}
	}
}

// The integer product is near the real one.
func TestMulAccuracy(t *testing.T) {
	const m, n, k = 20, 30, 200
	r := floattest.Rand(6)
	x := singles(floattest.Normals(r, make([]float64, m*k)))
	w := singles(floattest.Normals(r, make([]float64, n*k)))
	pw, err := SymmetricChannels(w, n)
	if err != nil {
		t.Fatal(err)
	}
	qw, err := QuantizeChannels[int8](nil, w, pw)
	if err != nil {
		t.Fatal(err)
	}
	pa, err := Asymmetric[uint8](-4.5, 4.5)
	if err != nil {
		t.Fatal(err)
	}
	qa, err := Quantize[uint8](nil, x, pa)
	if err != nil {
		t.Fatal(err)
	}
	got, err := MulFloat(nil, qa, pa, pack(t, qw, n, k, pw), Output{})
	if err != nil {
		t.Fatal(err)
	}
	var errs, norm float64
	for i := range m {
		for j := range n {
			s := 0.0
			for q := range k {
				s += float64(x[i*k+q]) * float64(w[j*k+q])
			}
			d := s - float64(got[i*n+j])
			errs, norm = errs+d*d, norm+s*s
		}
	}
	if rel := math.Sqrt(errs / norm); rel > 0.015 {
		t.Errorf("relative error %v", rel)
	}
}

func TestBadProducts(t *testing.T) {
	p := []Params{{1, 0}}
	w := pack(t, make([]int8, 6), 2, 3, p)
	three, dst := make([]uint8, 3), make([]int32, 1)
	for _, c := range []struct {
		n, k, len, params int
		text              string
	}{
		{2, 3, 5, 1, "5 weights for 2 outputs of 3 inputs"},
		{0, 3, 0, 1, "0 weights for 0 outputs"},
		{2, 0, 0, 1, "of 0 inputs"},
		{2, 3, 6, 3, "3 parameters for 2 outputs"},
		{2, 3, 6, 0, "0 parameters for 2 outputs"},
		{math.MaxInt, 2, 6, 1, "6 weights for"},
	} {
		_, err := PackWeights(make([]int8, c.len), c.n, c.k, slices.Repeat(p, c.params))
		wantError(t, err, gram.ErrShape, c.text)
	}
	_, err := PackWeights(make([]int8, 6), 2, 3, []Params{{1, 0}, {0, 0}})
	wantError(t, err, gram.ErrParam, "output 1: scale is 0")
	_, err = MulInt(nil, three[:2], 0, w)
	wantError(t, err, gram.ErrShape, "2 values are no rows of 3 inputs")
	_, err = MulInt(dst, three, 0, w)
	wantError(t, err, gram.ErrShape, "1")
	_, err = MulInt(nil, three, 256, w)
	wantError(t, err, gram.ErrParam, "zero point 256 is outside 0..255 of uint8")
	one := Params{1, 0}
	for _, c := range []struct {
		a      []uint8
		p, q   Params
		o      Output
		float  int // length of dst
		text   string
		target error
	}{
		{three[:1], one, one, Output{}, 2, "1 values are no rows", gram.ErrShape},
		{three, Params{-1, 0}, one, Output{}, 2, "scale is -1", gram.ErrParam},
		{three, one, one, Output{Bias: make([]float32, 1)}, 2, "1 biases for 2 outputs", gram.ErrShape},
		{three, one, one, Output{Bias: []float32{0, float32(nan)}}, 2, "bias 1 is NaN", gram.ErrNonFinite},
		{three, one, one, Output{Activation: 9}, 2, "activation 9", gram.ErrParam},
		{three, one, one, Output{}, 3, "3", gram.ErrShape},
	} {
		_, err := MulFloat(make([]float32, c.float), c.a, c.p, w, c.o)
		wantError(t, err, c.target, c.text)
		_, err = MulQuantized(make([]int8, c.float), c.a, c.p, w, c.o, c.q)
		wantError(t, err, c.target, c.text)
	}
	_, err = MulQuantized[int8](nil, three, one, w, Output{}, Params{1, 200})
	wantError(t, err, gram.ErrParam, "zero point 200")
	_, err = MulQuantized[int8](nil, three, Params{1e-20, 0}, w, Output{Bias: []float32{1, 1}}, one)
	wantError(t, err, gram.ErrParam, "bias 0 is 1, 1.00000003")
}

// A bias beyond the sums' range saturates.
func TestLargeBias(t *testing.T) {
	w := pack(t, []int8{1, 1}, 2, 1, []Params{{1, 0}})
	got, err := MulQuantized[int8](nil, []uint8{1}, Params{1, 0}, w, Output{Bias: []float32{3e9, -3e9}}, Params{1, 0})
	if err != nil || got[0] != 127 || got[1] != -128 {
		t.Errorf("%v, %v", got, err)
	}
	if n, k := w.Dims(); n != 2 || k != 1 || !slices.Equal(w.Params(), []Params{{1, 0}, {1, 0}}) {
		t.Errorf("%d×%d, %v", n, k, w.Params())
	}
}

// A row and a vector allocate nothing.
func TestMulAllocs(t *testing.T) {
	w := pack(t, make([]int8, 640), 10, 64, []Params{{1, 0}})
	a, dst := make([]uint8, 64), make([]int32, 10)
	if n := testing.AllocsPerRun(100, func() { MulInt(dst, a, 3, w) }); n > 0 && !raceEnabled {
		t.Errorf("%v allocations", n)
	}
}
