package quant

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/gram-ml/gram/internal/floattest"
)

// onnxruntime is what testdata/make_onnxruntime.js writes.
type onnxruntime struct {
	Quantized []struct {
		Type  string
		Scale float32
		Zero  int32
		X     []float32
		Q     []int
		Back  []float32
	}
	Products []struct {
		M, K, N int
		Zero    int32
		A, W    []int
		Sums    []int32
		Scales  []float32 // of A, of W and of the output
		OutZero int32
		Q       []int
	}
}

func readOnnxruntime(t *testing.T) (g onnxruntime) {
	t.Helper()
	data, err := os.ReadFile("testdata/onnxruntime.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Quantized) == 0 || len(g.Products) == 0 {
		t.Fatal("no cases")
	}
	return g
}

// narrow converts whole numbers to T, which holds them.
func narrow[T Int](v []int) []T {
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = T(x)
	}
	return out
}

// Quantize and Dequantize have the bits of onnxruntime's QuantizeLinear and
// DequantizeLinear.
func TestQuantizeLikeOnnxruntime(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, g := range readOnnxruntime(t).Quantized {
			if p := (Params{g.Scale, g.Zero}); g.Type == "int8" {
				testLikeOnnxruntime[int8](t, g.X, p, g.Q, g.Back)
			} else {
				testLikeOnnxruntime[uint8](t, g.X, p, g.Q, g.Back)
			}
		}
	})
}

func testLikeOnnxruntime[T Int](t *testing.T, x []float32, p Params, want []int, back []float32) {
	t.Helper()
	q, err := Quantize[T](nil, x, p)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(q, narrow[T](want)) {
		t.Errorf("%v: %v, want %v", p, q, want)
	}
	r, err := Dequantize[float32](nil, q, p)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r, back) {
		t.Errorf("%v: back to %v, want %v", p, r, back)
	}
}

// MulInt and MulQuantized have the results of MatMulInteger and QLinearMatMul.
func TestMulLikeOnnxruntime(t *testing.T) {
	levels(t, func(t *testing.T) {
		for _, g := range readOnnxruntime(t).Products {
			a := narrow[uint8](g.A)
			w := pack(t, narrow[int8](g.W), g.N, g.K, []Params{{Scale: g.Scales[1]}})
			sums, err := MulInt(nil, a, g.Zero, w)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(sums, g.Sums) {
				t.Errorf("%d×%d×%d: other sums", g.M, g.N, g.K)
			}
			q, err := MulQuantized[uint8](nil, a, Params{g.Scales[0], g.Zero}, w, Output{}, Params{g.Scales[2], g.OutZero})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(q, narrow[uint8](g.Q)) {
				t.Errorf("%d×%d×%d: %v, want %v", g.M, g.N, g.K, q, g.Q)
			}
		}
	})
}
