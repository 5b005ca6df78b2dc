package activation_test

import (
	"fmt"
	"math"
	"testing"
	"unsafe"

	"github.com/gram-ml/gram/activation"
	"github.com/gram-ml/gram/internal/floattest"
)

// benchmark runs a function over in-cache and over long slices, of both types, and the
// naive loop of math beside it.
func benchmark(b *testing.B, f64 func(dst, x []float64) []float64, f32 func(dst, x []float32) []float32, naive func(x float64) float64) {
	for _, n := range []int{4096, 1 << 20} {
		x, x32 := make([]float64, n), make([]float32, n)
		for i, v := range floattest.Normals(floattest.Rand(1), make([]float64, n)) {
			x[i], x32[i] = 3*v, float32(3*v)
		}
		y, y32 := make([]float64, n), make([]float32, n)
		b.Run(fmt.Sprintf("f32/n=%d", n), func(b *testing.B) {
			b.SetBytes(8 * int64(n))
			for b.Loop() {
				f32(y32, x32)
			}
		})
		b.Run(fmt.Sprintf("f64/n=%d", n), func(b *testing.B) {
			b.SetBytes(16 * int64(n))
			for b.Loop() {
				f64(y, x)
			}
		})
		if naive != nil && n == 4096 {
			b.Run(fmt.Sprintf("naive/n=%d", n), func(b *testing.B) {
				b.SetBytes(16 * int64(n))
				for b.Loop() {
					for i, v := range x {
						y[i] = naive(v)
					}
				}
			})
		}
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func BenchmarkExp(b *testing.B) {
	benchmark(b, activation.Exp[float64], activation.Exp[float32], math.Exp)
}

func BenchmarkLog(b *testing.B) {
	benchmark(b, activation.Log[float64], activation.Log[float32], math.Log)
}

func BenchmarkErf(b *testing.B) {
	benchmark(b, activation.Erf[float64], activation.Erf[float32], math.Erf)
}

func BenchmarkSigmoid(b *testing.B) {
	benchmark(b, activation.Sigmoid[float64], activation.Sigmoid[float32], sigmoid)
}

func BenchmarkTanh(b *testing.B) {
	benchmark(b, activation.Tanh[float64], activation.Tanh[float32], math.Tanh)
}

func BenchmarkSiLU(b *testing.B) {
	benchmark(b, activation.SiLU[float64], activation.SiLU[float32], func(x float64) float64 { return x * sigmoid(x) })
}

func BenchmarkGELU(b *testing.B) {
	benchmark(b, activation.GELU[float64], activation.GELU[float32], func(x float64) float64 { return x * math.Erfc(-x/math.Sqrt2) / 2 })
}

func BenchmarkReLU(b *testing.B) {
	benchmark(b, activation.ReLU[float64], activation.ReLU[float32], func(x float64) float64 { return max(x, 0) })
}

// BenchmarkTable runs the functions that have no benchmark of their own.
func BenchmarkTable(b *testing.B) {
	for _, f := range activation.Functions() {
		switch f.Name {
		case "exp", "log", "erf", "sigmoid", "tanh", "silu", "gelu", "relu", "prelu", "rrelu":
			continue
		}
		if !f.PerRow {
			b.Run(f.Name, func(b *testing.B) { benchmark(b, f.Forward64, f.Forward32, nil) })
		}
	}
}

// BenchmarkGrad runs the derivatives.
func BenchmarkGrad(b *testing.B) {
	for _, g := range gradients[float32]() {
		b.Run(g.name+"/f32/n=4096", func(b *testing.B) {
			x := floattest.Normals(floattest.Rand(1), make([]float32, 4096))
			dx := make([]float32, len(x))
			b.SetBytes(12 * int64(len(x)))
			for b.Loop() {
				g.f(dx, x, x)
			}
		})
	}
}

func benchSoftmax[T floattest.Float](b *testing.B, rows, cols int) {
	x := floattest.Normals(floattest.Rand(1), make([]T, rows*cols))
	y := make([]T, len(x))
	b.SetBytes(int64(2*len(x)) * int64(unsafe.Sizeof(x[0])))
	for b.Loop() {
		activation.Softmax(y, x, cols)
	}
}

func BenchmarkSoftmax(b *testing.B) {
	b.Run("f32/1024x1024", func(b *testing.B) { benchSoftmax[float32](b, 1024, 1024) })
	b.Run("f64/1024x1024", func(b *testing.B) { benchSoftmax[float64](b, 1024, 1024) })
	b.Run("f32/1024x10", func(b *testing.B) { benchSoftmax[float32](b, 1024, 10) })
}
