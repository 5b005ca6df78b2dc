package kernel_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/internal/kernel"
	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

const solveRows = kernel.SolveRows

func TestSolve(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		testSolve(t, f64.Solve)
		testSolve(t, f32.Solve)
	})
}

// Small integers below reciprocals that are powers of two keep the solution exact.
func testSolve[T floattest.Float](t *testing.T, solve func(l *[solveRows * solveRows]T, n int, b []T, at, ldb int)) {
	for _, n := range lengths[T]() {
		r := floattest.Rand(uint64(n))
		var l [solveRows * solveRows]T
		for i := range solveRows {
			for p := range i {
				l[solveRows*i+p] = T(r.IntN(3) - 1)
			}
			l[solveRows*i+i] = T(int(1) << r.IntN(2))
		}
		for _, down := range []bool{true, false} {
			stride := n + 3
			x, check := floattest.Guarded[T]((solveRows-1)*stride + n)
			floattest.Ints(r, x)
			want := append([]T(nil), x...)
			at, step := 0, stride
			if !down {
				at, step = (solveRows-1)*stride, -stride
			}
			for i := range solveRows {
				for j := range n {
					s := want[at+i*step+j]
					for p := range i {
						s -= l[solveRows*i+p] * want[at+p*step+j]
					}
					want[at+i*step+j] = s * l[solveRows*i+i]
				}
			}
			solve(&l, n, x, at, step)
			same(t, fmt.Sprint("Solve of ", n), x, want)
			check(t)
		}
	}
}

func TestSymvRows(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		testSymvRows(t, f64.SymvRows)
		testSymvRows(t, f32.SymvRows)
	})
}

func testSymvRows[T floattest.Float](t *testing.T, symvRows func(a []T, lda int, x, y, s, dst []T)) {
	for _, n := range lengths[T]() {
		for _, rows := range []int{0, 1, 3, 4, 5, 8} {
			x, y, check := vectors[T](t, n)
			r := floattest.Rand(uint64(n))
			lda := n + 2
			a, checkA := floattest.Guarded[T](rows * lda)
			floattest.Ints(r, a)
			s, dst := floattest.Ints(r, make([]T, rows)), make([]T, rows)
			wantY, want := append([]T(nil), y...), make([]T, rows)
			for i := range rows {
				for j := range n {
					want[i] += a[i*lda+j] * x[j]
					wantY[j] += a[i*lda+j] * s[i]
				}
			}
			symvRows(a, lda, x, y, s, dst)
			same(t, fmt.Sprint("SymvRows of ", n), dst, want)
			same(t, fmt.Sprint("SymvRows, transposed, of ", n), y, wantY)
			check()
			checkA(t)
		}
	}
}

func TestRot(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		testRot(t, f64.Rot)
		testRot(t, f32.Rot)
	})
}

func testRot[T floattest.Float](t *testing.T, rot func(x, y []T, c, s T)) {
	for _, n := range lengths[T]() {
		x, y, check := vectors[T](t, n)
		u, v := make([]T, n), make([]T, n)
		for i := range x {
			u[i], v[i] = 3*x[i]+2*y[i], 3*y[i]-2*x[i]
		}
		rot(x, y, 3, 2)
		same(t, fmt.Sprint("Rot of ", n), x, u)
		same(t, fmt.Sprint("Rot of ", n), y, v)
		check()
	}
}

func TestSecular(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, n := range lengths[float64]() {
			z, d, check := vectors[float64](t, n)
			e := make([]float64, n)
			var sum, slope, size float64
			for i := range z {
				e[i] = float64(i%3) + 1
				q := z[i] / ((d[i] - 0.5) * (e[i] + 0.25))
				sum += z[i] * q
				slope += q * q
				size += math.Abs(z[i] * q)
			}
			a, b, c := f64.Secular(z, d, e, 0.5, 0.25)
			for i, x := range [][2]float64{{a, sum}, {b, slope}, {c, size}} {
				if !floattest.Close(x[0], x[1], size+slope, 1e-13) {
					t.Fatalf("sum %d of %d terms is %v, want %v", i, n, x[0], x[1])
				}
			}
			check()
		}
	})
}
