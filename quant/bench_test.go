package quant

import (
	"fmt"
	"testing"

	"github.com/gram-ml/gram/internal/floattest"
)

// naiveMul is the plain loop that MulInt replaces.
func naiveMul(dst []int32, a []uint8, w []int8, n, k int) {
	for i := range len(a) / k {
		for j := range n {
			var s int32
			for p, v := range a[i*k : (i+1)*k] {
				s += int32(v) * int32(w[j*k+p])
			}
			dst[i*n+j] = s
		}
	}
}

func benchmarkMul(b *testing.B, m, n, k int, naive bool) {
	r := floattest.Rand(1)
	a, w, dst := randomInts[uint8](r, m*k), randomInts[int8](r, n*k), make([]int32, m*n)
	packed, err := PackWeights(w, n, k, []Params{{1, 0}})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if naive {
			naiveMul(dst, a, w, n, k)
		} else if _, err := MulInt(dst, a, 0, packed); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GOP/s")
}

func BenchmarkMul(b *testing.B) {
	for _, n := range []int{64, 256, 1024, 2048} {
		b.Run(fmt.Sprintf("u8s8/n=%d", n), func(b *testing.B) { benchmarkMul(b, n, n, n, false) })
	}
	b.Run("naive/n=256", func(b *testing.B) { benchmarkMul(b, 256, 256, 256, true) })
}

func BenchmarkMulVec(b *testing.B) {
	for _, n := range []int{256, 4096} {
		b.Run(fmt.Sprintf("u8s8/n=%d", n), func(b *testing.B) { benchmarkMul(b, 1, n, n, false) })
		b.Run(fmt.Sprintf("naive/n=%d", n), func(b *testing.B) { benchmarkMul(b, 1, n, n, true) })
	}
}

func BenchmarkQuantize(b *testing.B) {
	const n = 1 << 20
	x := floattest.Normals(floattest.Rand(1), make([]float32, n))
	q, p := make([]int8, n), Params{0.03, 4}
	b.Run("f32/n=1Mi", func(b *testing.B) {
		b.SetBytes(5 * n)
		for b.Loop() {
			quantize(q, x, p)
		}
	})
	b.Run("naive/n=1Mi", func(b *testing.B) {
		b.SetBytes(5 * n)
		wide := make([]float64, n)
		for i, v := range x {
			wide[i] = float64(v)
		}
		for b.Loop() {
			quantize(q, wide, p)
		}
	})
}

func BenchmarkDequantize(b *testing.B) {
	const n = 1 << 20
	q, x := randomInts[int8](floattest.Rand(1), n), make([]float32, n)
	b.SetBytes(5 * n)
	for b.Loop() {
		dequantize(x, q, Params{0.03, 4})
	}
}
