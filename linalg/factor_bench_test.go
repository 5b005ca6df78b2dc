package linalg_test

import (
	"context"
	"fmt"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram/linalg"
)

func benchmark(b *testing.B, name string, f func() error) {
	b.Run(name, func(b *testing.B) {
		for b.Loop() {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkGonumMul(b *testing.B) {
	before := blas64.Implementation()
	defer blas64.Use(before)
	a := linalg.ToGonum(normals(1, 1000, 1000))
	for name, impl := range map[string]blas.Float64{"plain": before, "gram": linalg.BLAS{}} {
		blas64.Use(impl)
		benchmark(b, name+"/n=1000", func() error {
			new(mat.Dense).Mul(a, a)
			return nil
		})
	}
}

func BenchmarkCholesky(b *testing.B) {
	for _, n := range []int{500, 2000} {
		upper, _ := spd(n, 1)
		benchmark(b, fmt.Sprintf("n=%d", n), func() error { _, err := linalg.NewCholesky(1, upper); return err })
	}
}

func BenchmarkLU(b *testing.B) {
	for _, n := range []int{500, 2000} {
		a := normals(1, n, n)
		benchmark(b, fmt.Sprintf("n=%d", n), func() error { _, err := linalg.NewLU(1, a); return err })
	}
}

func BenchmarkQR(b *testing.B) {
	a := normals(1, 4000, 500)
	benchmark(b, "4000x500", func() error { _, err := linalg.NewQR(1, a); return err })
}

func BenchmarkSymEigen(b *testing.B) {
	for _, n := range []int{500, 1000, 2000} {
		a := normals(1, n, n)
		benchmark(b, fmt.Sprintf("n=%d", n), func() error { _, err := linalg.NewSymEigen(1, a, n); return err })
	}
}

func BenchmarkSVD(b *testing.B) {
	for _, s := range [][2]int{{1000, 500}, {5000, 200}} {
		a := normals(1, s[0], s[1])
		benchmark(b, fmt.Sprintf("%dx%d", s[0], s[1]), func() error { _, err := linalg.NewSVD(1, a); return err })
	}
}

func BenchmarkRandomizedSVD(b *testing.B) {
	a := normals(1, 10000, 2000)
	benchmark(b, "10000x2000/k=20", func() error {
		_, err := linalg.RandomizedSVD{Workers: 1}.Decompose(context.Background(), a, 20)
		return err
	})
}

func BenchmarkCovariance(b *testing.B) {
	a := normals(1, 100000, 200)
	benchmark(b, "100000x200", func() error { _, err := linalg.NewCovariance(1, a, nil); return err })
}
