// Command gonumspeed answers: how do I make a gonum program faster with one line?
// It times the same gonum calls before and after that line, then solves a least-squares
// problem and finds leading eigenpairs of a matrix that is never formed.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"time"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram/linalg"
)

func main() {
	if err := run(os.Stdout, 1000); err != nil {
		log.Fatal(err)
	}
}

func run(w io.Writer, n int) error {
	before := blas64.Implementation()
	defer blas64.Use(before)
	a := random(n, n)
	plain := work(a)
	blas64.Use(linalg.BLAS{}) // the one line
	fast := work(a)
	for i, name := range []string{"Mul", "Cholesky", "LU", "QR"} {
		fmt.Fprintf(w, "%-8s n=%d: %8v with gonum's BLAS, %8v with linalg.BLAS\n", name, n, plain[i], fast[i])
	}
	if err := line(w); err != nil {
		return err
	}
	return modes(w, 200)
}

func random(m, n int) *mat.Dense {
	r := rand.New(rand.NewPCG(1, 2))
	a := mat.NewDense(m, n, nil)
	for i := range m {
		for j := range n {
			a.Set(i, j, r.NormFloat64())
		}
	}
	return a
}

// work times four of gonum's operations.
func work(a *mat.Dense) [4]time.Duration {
	var (
		ata  mat.Dense
		chol mat.Cholesky
		lu   mat.LU
		qr   mat.QR
	)
	n, _ := a.Dims()
	timed := func(f func()) time.Duration {
		start := time.Now()
		f()
		return time.Since(start).Round(10 * time.Microsecond)
	}
	return [4]time.Duration{
		timed(func() { ata.Mul(a.T(), a) }),
		timed(func() { chol.Factorize(mat.NewSymDense(n, ata.RawMatrix().Data)) }),
		timed(func() { lu.Factorize(a) }),
		timed(func() { qr.Factorize(a) }),
	}
}

// line fits a straight line to points by least squares.
func line(w io.Writer) error {
	const points = 50
	r := rand.New(rand.NewPCG(3, 4))
	a, y := linalg.NewDense[float64](points, 2, nil), linalg.NewDense[float64](points, 1, nil)
	for i := range points {
		x := float64(i) / points
		a.Set(i, 0, 1)
		a.Set(i, 1, x)
		y.Set(i, 0, 2+3*x+0.01*r.NormFloat64())
	}
	f, err := linalg.NewQR(0, a)
	if err != nil {
		return err
	}
	c, err := f.Solve(0, nil, y)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "the line through points on 2 + 3x: %.2f + %.2fx\n", c.At(0, 0), c.At(1, 0))
	return nil
}

// modes finds the stiffest modes of a chain of n springs.
func modes(w io.Writer, n int) error {
	f, err := linalg.LeadingEigen{}.Decompose(context.Background(), chain{n}, 3)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "the largest eigenvalues of the chain: %.4f\n", f.Values)
	return nil
}

// A chain is the matrix with 2 on its diagonal and −1 beside it, as a product alone: a
// gram.Operator.
type chain struct{ n int }

func (c chain) Dims() (int, int) { return c.n, c.n }

func (c chain) At(i, j int) float64 {
	switch i - j {
	case 0:
		return 2
	case 1, -1:
		return -1
	}
	return 0
}

func (c chain) RowBlock(buf []float64, lo, hi int) ([]float64, int) {
	for i := lo; i < hi; i++ {
		for j := range c.n {
			buf[(i-lo)*c.n+j] = c.At(i, j)
		}
	}
	return buf[:(hi-lo)*c.n], c.n
}

func (c chain) MulRows(dst []float64, lo, hi int, b []float64, k int) {
	for i := lo; i < hi; i++ {
		row := dst[(i-lo)*k : (i-lo+1)*k]
		clear(row)
		for j := max(0, i-1); j <= min(c.n-1, i+1); j++ {
			linalg.Axpy(c.At(i, j), b[j*k:(j+1)*k], row)
		}
	}
}

func (c chain) AddTransMulRows(dst []float64, lo, hi int, g []float64, k int) {
	for i := lo; i < hi; i++ {
		for j := max(0, i-1); j <= min(c.n-1, i+1); j++ {
			linalg.Axpy(c.At(i, j), g[(i-lo)*k:(i-lo+1)*k], dst[j*k:(j+1)*k])
		}
	}
}
