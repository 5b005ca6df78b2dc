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

func benchGemm[T floattest.Float](b *testing.B, m, n, k int) {
	x, y, z := random[T](m, k), random[T](k, n), random[T](m, n)
	for b.Loop() {
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, x, y, 0, z)
	}
	b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func BenchmarkGemm(b *testing.B) {
	for _, n := range []int{32, 64, 128, 256, 512, 1024, 2048} {
		b.Run(fmt.Sprintf("f64/n=%d", n), func(b *testing.B) { benchGemm[float64](b, n, n, n) })
	}
	for _, n := range []int{32, 64, 128, 256, 512, 1024, 2048} {
		b.Run(fmt.Sprintf("f32/n=%d", n), func(b *testing.B) { benchGemm[float32](b, n, n, n) })
	}
	for _, k := range []int{8, 16, 32, 64} {
		b.Run(fmt.Sprintf("f64/n=1024/k=%d", k), func(b *testing.B) { benchGemm[float64](b, 1024, 1024, k) })
	}
}

// BenchmarkPeak is what BenchmarkGemm can reach at most; float32 has twice as much.
func BenchmarkPeak(b *testing.B) {
	flops := ruler.Peak(1)
	for b.Loop() {
		ruler.Peak(1e5)
	}
	b.ReportMetric(1e5*flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
