package quant

import (
	"math"
	"slices"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
)

func TestInt4(t *testing.T) {
	levels(t, func(t *testing.T) {
		for _, shape := range shapes {
			for _, group := range []int{0, 4, 32} {
				testInt4[int8](t, shape, group)
				testInt4[uint8](t, shape, group)
			}
		}
	})
}

func testInt4[T Int](t *testing.T, shape [3]int, group int) {
	m, n, k := shape[0], shape[1], shape[2]
	r := floattest.Rand(uint64(m + n + k))
	w := singles(floattest.Normals(r, make([]float64, n*k)))
	p, err := PackInt4(w, n, k, group)
	if err != nil {
		t.Fatal(err)
	}
	if group == 0 {
		group = DefaultGroup
	}
	back := p.Floats()
	for j := range n {
		for lo := 0; lo < k; lo += group {
			hi := min(k, lo+group)
			step := float32(absMax(w[j*k+lo:j*k+hi]) / 7)
			for i := lo; i < hi; i++ {
				if d := back[j*k+i] - w[j*k+i]; d > step*0.50001 || -d > step*0.50001 {
					t.Fatalf("%v: weight (%d, %d) %v becomes %v, a step is %v", shape, j, i, w[j*k+i], back[j*k+i], step)
				}
			}
		}
	}
	lo, _ := limits[T]()
	pa := Params{0.1, lo + 90}
	a := randomInts[T](r, m*k)
	bias := singles(floattest.Normals(r, make([]float64, n)))
	got, err := MulInt4(nil, a, pa, p, Output{Bias: bias, Activation: ReLU})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		s, size := 0.0, 0.0
		for q := range k {
			v := float64(int32(a[i/n*k+q])-pa.Zero) * float64(pa.Scale) * float64(back[i%n*k+q])
			s, size = s+v, size+math.Abs(v)
		}
		if want := max(0, s+float64(bias[i%n])); !floattest.Close(float64(got[i]), want, size+3, 1e-6) {
			t.Fatalf("%v: element %d is %v, want %v", shape, i, got[i], want)
		}
	}
}

// Every level gives the bits of the first, in every fused product.
func TestLevelsAlike(t *testing.T) {
	r := floattest.Rand(9)
	const m, n, k = 9, 70, 150
	w := singles(floattest.Normals(r, make([]float64, n*k)))
	x := singles(floattest.Normals(r, make([]float64, m*k)))
	four, err := PackInt4(w, n, k, 32)
	if err != nil {
		t.Fatal(err)
	}
	mixed, err := PackMixed(w, n, k, []int{3, 77})
	if err != nil {
		t.Fatal(err)
	}
	var first []float32
	levels(t, func(t *testing.T) {
		q, err := Quantize[int8](nil, x, Params{0.03, 5})
		if err != nil {
			t.Fatal(err)
		}
		a, err := MulInt4(nil, q, Params{0.03, 5}, four, Output{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := mixed.Mul(nil, x, Output{Bias: w[:n]})
		if err != nil {
			t.Fatal(err)
		}
		got := append(a, b...)
		if first == nil {
			first = got
		}
		if !slices.Equal(got, first) {
			t.Error("other bits than at the first level")
		}
	})
}

func TestInt4Size(t *testing.T) {
	p, err := PackInt4(make([]float64, 64*256), 64, 256, 64)
	if err != nil {
		t.Fatal(err)
	}
	if n, k := p.Dims(); n != 64 || k != 256 || p.Bytes() != 64*256/2+8*64*4 {
		t.Errorf("%d×%d in %d bytes", n, k, p.Bytes())
	}
}

func TestBadInt4(t *testing.T) {
	w := make([]float64, 6)
	_, err := PackInt4(w, 2, 4, 0)
	wantError(t, err, gram.ErrShape, "6 weights for 2 outputs of 4 inputs")
	for _, group := range []int{-4, 6, 1 << 16} {
		_, err = PackInt4(w, 2, 3, group)
		wantError(t, err, gram.ErrParam, "group of")
	}
	w[4] = nan
	_, err = PackInt4(w, 2, 3, 0)
	wantError(t, err, gram.ErrNonFinite, "a weight of output 1 is NaN")
	w[4] = 1e300
	_, err = PackInt4(w, 2, 3, 0)
	wantError(t, err, gram.ErrParam, "output 1: scale")
	w[4] = 1
	p, err := PackInt4(w, 2, 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = MulInt4(nil, make([]int8, 4), Params{1, 0}, p, Output{})
	wantError(t, err, gram.ErrShape, "4 values are no rows of 3 inputs")
	_, err = MulInt4(nil, make([]int8, 3), Params{0, 0}, p, Output{})
	wantError(t, err, gram.ErrParam, "scale is 0")
	_, err = MulInt4(nil, make([]int8, 3), Params{1, 0}, p, Output{Bias: make([]float32, 3)})
	wantError(t, err, gram.ErrShape, "3 biases for 2 outputs")
	_, err = MulInt4(make([]float32, 3), make([]int8, 3), Params{1, 0}, p, Output{})
	wantError(t, err, gram.ErrShape, "3")
	if out, err := MulInt4(nil, []int8{}, Params{1, 0}, p, Output{}); err != nil || len(out) != 0 {
		t.Errorf("%v, %v", out, err)
	}
}

// With the columns of large inputs in float, the others keep their precision.
func TestMixed(t *testing.T) {
	const m, n, k = 10, 20, 100
	r := floattest.Rand(4)
	w := singles(floattest.Normals(r, make([]float64, n*k)))
	x := singles(floattest.Normals(r, make([]float64, m*k)))
	for i := range m {
		x[i*k+17] *= 500
		x[i*k+60] += 1000
	}
	out, err := Outliers(x, k, 0)
	if err != nil || !slices.Equal(out, []int{17, 60}) {
		t.Fatalf("outliers %v, %v", out, err)
	}
	rms := func(outliers []int) float64 {
		p, err := PackMixed(w, n, k, outliers)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := p.Dims(); a != n || b != k {
			t.Errorf("%d×%d", a, b)
		}
		got, err := p.Mul(nil, x, Output{Bias: w[:n]})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, v := range got {
			want := float64(w[i%n])
			for q := range k {
				want += float64(x[i/n*k+q]) * float64(w[i%n*k+q])
			}
			sum += (float64(v) - want) * (float64(v) - want)
		}
		return math.Sqrt(sum / (m * n))
	}
	if with, without := rms(out), rms(nil); with > 0.2 || without < 10*with {
		t.Errorf("error %v, without float columns %v", with, without)
	}
}

func TestBadMixed(t *testing.T) {
	w := []float32{1, 2, 3, 4}
	_, err := PackMixed(w, 3, 2, nil)
	wantError(t, err, gram.ErrShape, "4 weights for 3 outputs of 2 inputs")
	for _, out := range [][]int{{2}, {-1}, {1, 0}} {
		_, err = PackMixed(w, 2, 2, out)
		wantError(t, err, gram.ErrParam, "outlier")
	}
	_, err = PackMixed([]float32{1, float32(nan)}, 1, 2, []int{1})
	wantError(t, err, gram.ErrNonFinite, "channel 0")
	p, err := PackMixed(w, 2, 2, []int{1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Mul(nil, w[:3], Output{})
	wantError(t, err, gram.ErrShape, "3 values are no rows of 2 inputs")
	_, err = p.Mul(nil, []float32{1, 2, 3, float32(inf)}, Output{})
	wantError(t, err, gram.ErrNonFinite, "row 1, column 1 is +Inf")
	_, err = p.Mul(nil, w, Output{Bias: w})
	wantError(t, err, gram.ErrShape, "4 biases for 2 outputs")
	_, err = p.Mul(w[:1], w, Output{})
	wantError(t, err, gram.ErrShape, "1")
	_, err = Outliers(w, 3, 1)
	wantError(t, err, gram.ErrShape, "4 values are no rows of 3 columns")
	_, err = Outliers(w, 2, -1)
	wantError(t, err, gram.ErrParam, "threshold is -1")
}
