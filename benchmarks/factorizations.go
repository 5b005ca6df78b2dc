package main

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram/linalg"
)

//go:embed peers/scipy_linalg_peer.py
var scipyPy []byte

func scipy(dir string) *peer {
	return &peer{ready: true, start: func() (*exec.Cmd, error) {
		src := filepath.Join(dir, "scipy_linalg_peer.py")
		if err := os.WriteFile(src, scipyPy, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command("/usr/bin/python3", src)
		cmd.Env = environment()
		return cmd, nil
	}}
}

// positive returns a positive definite matrix, symmetric but for rounding.
func positive(n int) *linalg.Dense[float64] {
	a, c := random[float64](n, n), linalg.NewDense[float64](n, n, nil)
	linalg.Gemm(blas.NoTrans, blas.Trans, 1, a, a, 0, c)
	for i := range n {
		c.Row(i)[i] += float64(n)
	}
	return c
}

// lowRank returns an n×d matrix whose singular values fall by a tenth, above noise.
func lowRank(n, d int) *linalg.Dense[float64] {
	const rank = 60
	u, v, a := random[float64](n, rank), random[float64](rank, d), random[float64](n, d)
	for i := range n {
		row := u.Row(i)
		for j := range row {
			row[j] *= math.Pow(0.9, float64(j))
		}
	}
	linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, u, v, 1e-3, a)
	return a
}

// once times single calls of f on a matrix that is made at the first.
func once(build func() *linalg.Dense[float64], f func(a *linalg.Dense[float64]) error) func() (float64, error) {
	var a *linalg.Dense[float64]
	return func() (float64, error) {
		if a == nil {
			a = build()
			if err := f(a); err != nil {
				return 0, err
			}
		}
		start := time.Now()
		err := f(a)
		return time.Since(start).Seconds(), err
	}
}

func timeCholesky(workers, n int) func() (float64, error) {
	return once(func() *linalg.Dense[float64] { return positive(n) }, func(a *linalg.Dense[float64]) error {
		_, err := linalg.NewCholesky(workers, a)
		return err
	})
}

func timeSymEigen(workers, n int) func() (float64, error) {
	return once(func() *linalg.Dense[float64] { return random[float64](n, n) }, func(a *linalg.Dense[float64]) error {
		_, err := linalg.NewSymEigen(workers, a, n)
		return err
	})
}

// factorizationRows compares factorizations with LAPACK on OpenBLAS as numpy and scipy
// call it, and with gonum.
func factorizationRows(dir string) []row {
	p := scipy(dir)
	versus := func(name, work string, m, n int, target float64, ours func() (float64, error)) row {
		return row{name: name, peer: "numpy/scipy", target: target, gram: ours, other: func() (float64, error) {
			return p.seconds("%s %d %d", work, m, n)
		}}
	}
	general := func(m, n int) func() *linalg.Dense[float64] {
		return func() *linalg.Dense[float64] { return random[float64](m, n) }
	}
	svd := func(a *linalg.Dense[float64]) error {
		_, err := linalg.NewSVD(1, a)
		return err
	}
	out := []row{
		{name: "mat.Dense.Mul n=1000", peer: "gonum", target: 8, gram: gonumMul(linalg.BLAS{Workers: 1}), other: gonumMul(blas64.Implementation())},
		versus("mat.Dense.Mul n=1000", "mul", 1000, 1000, 1.1, gonumMul(linalg.BLAS{Workers: 1})),
		versus("Cholesky n=2000", "cholesky", 2000, 2000, 1, timeCholesky(1, 2000)),
		{name: "Cholesky n=2000", peer: "gonum", target: 8, gram: timeCholesky(1, 2000), other: gonumCholesky(2000)},
		versus("LU n=2000", "lu", 2000, 2000, 1, once(general(2000, 2000), func(a *linalg.Dense[float64]) error {
			_, err := linalg.NewLU(1, a)
			return err
		})),
		versus("QR 4000×500", "qr", 4000, 500, 1, once(general(4000, 500), func(a *linalg.Dense[float64]) error {
			f, err := linalg.NewQR(1, a)
			if err == nil {
				f.Q(1)
				f.R()
			}
			return err
		})),
	}
	for _, n := range []int{500, 1000, 2000} {
		out = append(out, versus(fmt.Sprintf("SymEigen n=%d", n), "eigh", n, n, 1, timeSymEigen(1, n)))
	}
	return append(out,
		versus("SVD 1000×500", "svd", 1000, 500, 1, once(general(1000, 500), svd)),
		versus("SVD 5000×200", "svd", 5000, 200, 1, once(general(5000, 200), svd)),
		versus("RandomizedSVD 10000×2000 k=20", "rsvd", 10000, 2000, 2,
			once(func() *linalg.Dense[float64] { return lowRank(10000, 2000) }, func(a *linalg.Dense[float64]) error {
				_, err := linalg.RandomizedSVD{Workers: 1}.Decompose(context.Background(), a, 20)
				return err
			})),
		versus("Covariance 100000×200", "covariance", 100000, 200, 1.2, once(general(100000, 200), func(a *linalg.Dense[float64]) error {
			_, err := linalg.NewCovariance(1, a, nil)
			return err
		})),
	)
}

// gonumMul times gonum's product on a BLAS.
func gonumMul(b blas.Float64) func() (float64, error) {
	return once(func() *linalg.Dense[float64] { return random[float64](1000, 1000) }, func(a *linalg.Dense[float64]) error {
		defer blas64.Use(blas64.Implementation())
		blas64.Use(b)
		var c mat.Dense
		c.Mul(linalg.ToGonum(a), linalg.ToGonum(a))
		return nil
	})
}

func gonumCholesky(n int) func() (float64, error) {
	return once(func() *linalg.Dense[float64] { return positive(n) }, func(a *linalg.Dense[float64]) error {
		var c mat.Cholesky
		if !c.Factorize(mat.NewSymDense(n, a.Data)) {
			return fmt.Errorf("gonum finds the matrix not positive definite")
		}
		return nil
	})
}

// factorizationScaling compares several threads with one.
func factorizationScaling(threads int) []row {
	const n = 2000
	name := func(what string) string { return fmt.Sprintf("%s n=%d on %d threads", what, n, threads) }
	return []row{
		{name: name("Cholesky"), peer: "1 thread", target: 0.8 * float64(threads), gram: timeCholesky(threads, n), other: timeCholesky(1, n)},
		{name: name("SymEigen"), peer: "1 thread", target: 0.7 * float64(threads), gram: timeSymEigen(threads, n), other: timeSymEigen(1, n)},
	}
}
