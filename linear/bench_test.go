package linear_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"gonum.org/v1/gonum/blas"
)

// problem returns correlated Gaussian features and labels drawn from the softmax of
// a random linear map of them.
func problem(n, d, classes int, seed uint64) (*linalg.Dense[float64], []int) {
	r := rand.New(rand.NewPCG(seed, 1))
	normal := func(rows, cols int, scale float64) *linalg.Dense[float64] {
		m := linalg.NewDense[float64](rows, cols, nil)
		for i := range m.Data {
			m.Data[i] = scale * r.NormFloat64()
		}
		return m
	}
	mix := normal(d, d, 1/math.Sqrt(float64(d)))
	for j := range d {
		mix.Data[j*d+j] += 0.5
	}
	X, Z := linalg.NewDense[float64](n, d, nil), linalg.NewDense[float64](n, classes, nil)
	linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, normal(n, d, 1), mix, 0, X)
	linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, X, normal(d, classes, 1/math.Sqrt(float64(d))), 0, Z)
	y := make([]int, n)
	for i := range y {
		best := math.Inf(-1)
		for k, z := range Z.Row(i) {
			if g := z - math.Log(r.ExpFloat64()); g > best { // Gumbel's trick
				y[i], best = k, g
			}
		}
	}
	return X, y
}

func BenchmarkLogisticFit(b *testing.B) {
	for _, size := range []struct{ n, d int }{{100_000, 100}} {
		b.Run(fmt.Sprintf("n=%d/d=%d", size.n, size.d), func(b *testing.B) {
			X, y := problem(size.n, size.d, 2, 1)
			for b.Loop() {
				m, err := linear.Logistic{Workers: 1}.Fit(context.Background(), X, y, nil)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(m.Convergence().Objective, "objective")
			}
		})
	}
}

func BenchmarkSoftmaxFit(b *testing.B) {
	for _, size := range []struct{ n, d, k int }{{50_000, 256, 10}} {
		b.Run(fmt.Sprintf("n=%d/d=%d/k=%d", size.n, size.d, size.k), func(b *testing.B) {
			X, y := problem(size.n, size.d, size.k, 2)
			for b.Loop() {
				m, err := linear.Softmax{Workers: 1}.Fit(context.Background(), X, y, nil)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(m.Convergence().Objective, "objective")
			}
		})
	}
}

func BenchmarkPredictProbaRow(b *testing.B) {
	for _, classes := range []int{2, 10} {
		b.Run(fmt.Sprintf("d=100/k=%d", classes), func(b *testing.B) {
			X, y := problem(2000, 100, classes, 3)
			dst := make([]float64, classes)
			var row func(dst, x []float64) error
			if classes == 2 {
				m, err := linear.Logistic{}.Fit(context.Background(), X, y, nil)
				if err != nil {
					b.Fatal(err)
				}
				row = m.PredictProbaRow
			} else {
				m, err := linear.Softmax{}.Fit(context.Background(), X, y, nil)
				if err != nil {
					b.Fatal(err)
				}
				row = m.PredictProbaRow
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := row(dst, X.Row(7)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
