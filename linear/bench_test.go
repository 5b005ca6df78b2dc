package linear_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/sparse"
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
	for _, c := range []struct {
		name    string
		trainer linear.Logistic
	}{
		{"dense", linear.Logistic{Workers: 1}},
		{"l1", linear.Logistic{Workers: 1, C: 0.01, L1Ratio: 1, Tol: 1e-11}}, // a gap of 1e-6
	} {
		b.Run(c.name+"/n=100000/d=100", func(b *testing.B) {
			X, y := problem(100_000, 100, 2, 1)
			for b.Loop() {
				m, err := c.trainer.Fit(context.Background(), X, y, nil)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(m.Convergence().Objective, "objective")
			}
		})
	}
	b.Run("csr/n=100000/d=20000", func(b *testing.B) {
		A, y := sparseRows(b, 100_000, 20_000, 60)
		for b.Loop() {
			m, err := linear.Logistic{Workers: 1}.Fit(context.Background(), A, y, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(m.Convergence().Objective, "objective")
		}
	})
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

// sparseRows returns rows of some entries each, few columns with most of them, and labels
// that depend on a tenth of the columns.
func sparseRows(b *testing.B, n, d, each int) (*sparse.CSR[float64], []int) {
	r := rand.New(rand.NewPCG(4, 4))
	rows, y := make([]map[int]float64, n), make([]int, n)
	coef := make([]float64, d)
	for j := range coef {
		if r.IntN(10) == 0 {
			coef[j] = 3 * r.NormFloat64()
		}
	}
	for i := range rows {
		row, z := map[int]float64{}, -math.Log(1/r.Float64()-1)
		for range each {
			u := r.Float64()
			row[int(float64(d)*u*u*u)] = 0.1 + math.Abs(r.NormFloat64())
		}
		for j, v := range row {
			row[j] = v / math.Sqrt(float64(each))
			z += row[j] * coef[j]
		}
		rows[i] = row
		if z > 0 {
			y[i] = 1
		}
	}
	A, err := sparse.FromMaps(d, rows)
	if err != nil {
		b.Fatal(err)
	}
	return A, y
}
