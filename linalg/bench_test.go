package linalg_test

import (
	"fmt"
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/internal/kernel/ruler"
	"github.com/gram-ml/gram/linalg"
)

func random[T floattest.Float](rows, cols int) *linalg.Dense[T] {
	return linalg.NewDense(rows, cols, floattest.Normals(floattest.Rand(uint64(rows*cols)), make([]T, rows*cols)))
}

// flops reports the rate of n operations an iteration.
func flops(b *testing.B, n float64) {
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func benchGemm[T floattest.Float](b *testing.B, workers, m, n, k int) {
	x, y, z := random[T](m, k), random[T](k, n), random[T](m, n)
	for b.Loop() {
		linalg.GemmParallel(workers, blas.NoTrans, blas.NoTrans, 1, x, y, 0, z)
	}
	flops(b, 2*float64(m)*float64(n)*float64(k))
}

var gemmSquares = []int{32, 64, 128, 256, 512, 1024, 2048}

func BenchmarkGemm(b *testing.B) {
	for _, n := range gemmSquares {
		b.Run(fmt.Sprintf("f64/n=%d", n), func(b *testing.B) { benchGemm[float64](b, 1, n, n, n) })
	}
	for _, n := range gemmSquares {
		b.Run(fmt.Sprintf("f32/n=%d", n), func(b *testing.B) { benchGemm[float32](b, 1, n, n, n) })
	}
}

// BenchmarkGemmPanel multiplies a tall panel by a wide one.
func BenchmarkGemmPanel(b *testing.B) {
	for _, k := range []int{8, 16, 32, 64} {
		b.Run(fmt.Sprintf("f64/n=1024/k=%d", k), func(b *testing.B) { benchGemm[float64](b, 1, 1024, 1024, k) })
	}
}

// BenchmarkGemmSkinny has the shapes of a linear model: many rows, few classes.
func BenchmarkGemmSkinny(b *testing.B) {
	for _, n := range []int{1, 2, 4, 5, 8, 10, 16} {
		b.Run(fmt.Sprintf("f64/m=256/k=256/n=%d", n), func(b *testing.B) { benchGemm[float64](b, 1, 256, n, 256) })
		b.Run(fmt.Sprintf("trans/f64/m=256/k=256/n=%d", n), func(b *testing.B) {
			x, y, z := random[float64](256, 256), random[float64](256, n), random[float64](256, n)
			for b.Loop() {
				linalg.Gemm(blas.Trans, blas.NoTrans, 1, x, y, 1, z)
			}
			flops(b, 2*256*256*float64(n))
		})
	}
}

func BenchmarkGemmParallel(b *testing.B) {
	for workers := range 2 {
		b.Run(fmt.Sprintf("f64/n=2048/workers=%d", workers+1), func(b *testing.B) { benchGemm[float64](b, workers+1, 2048, 2048, 2048) })
	}
}

// BenchmarkGemmNaive is the plain loop beside BenchmarkGemm.
func BenchmarkGemmNaive(b *testing.B) {
	const n = 512
	x, y := random[float64](n, n), random[float64](n, n)
	for b.Loop() {
		naive(x, y)
	}
	flops(b, 2*n*n*n)
}

func BenchmarkSyrk(b *testing.B) {
	for _, n := range []int{100, 512} {
		b.Run(fmt.Sprintf("f64/n=%d/k=512", n), func(b *testing.B) {
			x, c := random[float64](512, n), random[float64](n, n)
			for b.Loop() {
				linalg.Syrk(blas.Upper, blas.Trans, 1, x, 0, c)
			}
			flops(b, 512*float64(n)*float64(n+1))
		})
	}
}

// BenchmarkPeak is what BenchmarkGemm can reach at most; float32 has twice as much.
func BenchmarkPeak(b *testing.B) {
	var n float64
	for b.Loop() {
		n = ruler.Peak(1e5)
	}
	flops(b, n)
}

// The vectors of the memory benchmarks are far larger than any cache.
const memory = 1 << 25

func BenchmarkGemv(b *testing.B) {
	const cols = 1 << 12
	a := random[float64](memory/cols, cols)
	x, y := make([]float64, cols), make([]float64, memory/cols)
	b.Run("f64/N", func(b *testing.B) {
		b.SetBytes(8 * memory)
		for b.Loop() {
			linalg.Gemv(blas.NoTrans, 1, a, x, 0, y)
		}
	})
	b.Run("f64/T", func(b *testing.B) {
		b.SetBytes(8 * memory)
		for b.Loop() {
			linalg.Gemv(blas.Trans, 1, a, y, 0, x)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(8 * memory)
		for b.Loop() {
			ruler.Read(a.Data)
		}
	})
	b.Run("naive", func(b *testing.B) {
		b.SetBytes(8 * memory)
		for b.Loop() {
			for i := range y {
				var s float64
				for j, v := range a.Row(i) {
					s += v * x[j]
				}
				y[i] = s
			}
		}
	})
}

var sink float64

func BenchmarkDot(b *testing.B) {
	x, y := random[float64](1, memory).Data, random[float64](1, memory).Data
	for _, n := range []int{100, 1000, memory} {
		b.Run(fmt.Sprintf("f64/n=%d", n), func(b *testing.B) {
			b.SetBytes(16 * int64(n))
			for b.Loop() {
				sink = linalg.Dot(x[:n], y[:n])
			}
		})
	}
	b.Run("read", func(b *testing.B) {
		b.SetBytes(16 * memory)
		for b.Loop() {
			ruler.Read(x)
			ruler.Read(y)
		}
	})
	b.Run("naive", func(b *testing.B) {
		b.SetBytes(16 * memory)
		for b.Loop() {
			var s float64
			for i, v := range x {
				s += v * y[i]
			}
			sink = s
		}
	})
}

func BenchmarkAxpy(b *testing.B) {
	x, y := random[float64](1, memory).Data, random[float64](1, memory).Data
	for _, n := range []int{100, 1000, memory} {
		b.Run(fmt.Sprintf("f64/n=%d", n), func(b *testing.B) {
			b.SetBytes(24 * int64(n))
			for b.Loop() {
				linalg.Axpy(1, x[:n], y[:n])
			}
		})
	}
	b.Run("copy", func(b *testing.B) {
		b.SetBytes(16 * memory)
		for b.Loop() {
			ruler.Copy(y, x)
		}
	})
}
