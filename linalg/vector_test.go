package linalg_test

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
)

// panics checks that f panics with a message that begins with "linalg:" and
// contains want.
func panics(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		msg, _ := recover().(string)
		if !strings.HasPrefix(msg, "linalg: ") || !strings.Contains(msg, want) {
			t.Errorf("panic %q, want one of linalg with %q", msg, want)
		}
	}()
	f()
}

type celsius float32 // a named type goes the way of its underlying one

func TestVectors(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		x, y := []celsius{1, -2, 3}, []celsius{4, 5, -6}
		if got := linalg.Dot(x, y); got != -24 {
			t.Errorf("Dot is %v", got)
		}
		linalg.Axpy(2, x, y)
		if y[0] != 6 || y[1] != 1 || y[2] != 0 {
			t.Errorf("Axpy gives %v", y)
		}
		linalg.Scal(-1, y)
		if y[0] != -6 || y[1] != -1 {
			t.Errorf("Scal gives %v", y)
		}
		if s, a, n := linalg.Sum(x), linalg.Asum(x), linalg.Nrm2([]celsius{3, -4}); s != 2 || a != 6 || n != 5 {
			t.Errorf("Sum %v, Asum %v, Nrm2 %v", s, a, n)
		}
	})
	panics(t, "Dot of 1 and 2", func() { linalg.Dot([]float64{1}, []float64{1, 2}) })
	panics(t, "Axpy of 2 and 0", func() { linalg.Axpy(1, []float32{1, 2}, nil) })
}

func TestNrm2(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	floattest.Levels(t, func(t *testing.T) {
		for _, c := range []struct {
			x    []float64
			want float64
		}{
			{nil, 0}, {[]float64{0, 0}, 0}, {[]float64{3, 4}, 5}, {[]float64{3e200, -4e200}, 5e200},
			{[]float64{3e-200, 4e-200}, 5e-200}, {[]float64{3 * 0x1p-1070, 4 * 0x1p-1070}, 5 * 0x1p-1070},
			{[]float64{1.5e308, 1.5e308}, inf}, {[]float64{1, inf}, inf}, {[]float64{-inf, 1e300}, inf},
			{[]float64{nan, inf}, nan}, {[]float64{1, nan}, nan}, {[]float64{1, 1e-170}, 1},
		} {
			if got := linalg.Nrm2(c.x); !floattest.Close(got, c.want, c.want, 4e-16) {
				t.Errorf("Nrm2(%v) is %v, want %v", c.x, got, c.want)
			}
		}
		for _, c := range []struct {
			x    []float32
			want float64
		}{
			{[]float32{3e30, 4e30}, 5e30}, {[]float32{3e-30, 4e-30}, 5e-30}, {[]float32{3e38, 3e38}, inf}, {[]float32{float32(nan)}, nan},
		} {
			if got := float64(linalg.Nrm2(c.x)); !floattest.Close(got, c.want, c.want, 2e-7) {
				t.Errorf("Nrm2(%v) is %v, want %v", c.x, got, c.want)
			}
		}
	})
}

func TestArgMax(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		x    []float64
		want int
	}{
		{nil, -1}, {[]float64{nan}, -1}, {[]float64{1, 3, 3, 2}, 1}, {[]float64{nan, -5, nan, -4}, 3},
		{[]float64{math.Inf(-1)}, 0}, {[]float64{nan, math.Inf(-1)}, 1}, {[]float64{math.Copysign(0, -1), 0}, 0},
	} {
		if got := linalg.ArgMax(c.x); got != c.want {
			t.Errorf("ArgMax(%v) is %d, want %d", c.x, got, c.want)
		}
	}
}

func TestGemv(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, s := range [][2]int{{0, 3}, {3, 0}, {1, 1}, {1, 9}, {9, 1}, {7, 13}, {65, 33}, {130, 70}, {3, 2100}, {66, 4097}} {
			testGemv[float64](t, s[0], s[1])
			testGemv[float32](t, s[0], s[1])
		}
	})
	a := linalg.NewDense[float64](2, 3, nil)
	panics(t, "Gemv of 2×3 by 2 into 2", func() { linalg.Gemv(blas.NoTrans, 1, a, make([]float64, 2), 0, make([]float64, 2)) })
	panics(t, "Gemv of 3×2 by 2 into 2", func() { linalg.Gemv(blas.Trans, 1, a, make([]float64, 2), 0, make([]float64, 2)) })
}

func testGemv[T floattest.Float](t *testing.T, rows, cols int) {
	t.Helper()
	r := floattest.Rand(uint64(rows*1000 + cols))
	a, checkA := guarded(r, rows, cols, floattest.Ints[T])
	for _, tr := range []blas.Transpose{blas.NoTrans, blas.Trans, blas.ConjTrans} {
		m, n := opDims(tr, rows, cols)
		x, checkX := floattest.Guarded[T](n)
		floattest.Ints(r, x)
		for _, f := range factors {
			y, checkY := floattest.Guarded[T](m)
			floattest.Ints(r, y)
			want := make([]float64, m)
			for i := range want {
				var s float64
				for j := range x {
					k, l := opDims(tr, i, j)
					s += a.At(k, l) * float64(x[j])
				}
				want[i] = f[0]*s + f[1]*float64(y[i])
				if f[1] == 0 {
					y[i] = T(math.NaN())
				}
			}
			linalg.Gemv(tr, T(f[0]), a, x, T(f[1]), y)
			for i := range want {
				if float64(y[i]) != want[i] {
					t.Fatalf("%c %d×%d factors %v: %d is %v, want %v", tr, rows, cols, f, i, y[i], want[i])
				}
			}
			checkX(t)
			checkY(t)
		}
	}
	checkA(t)
}

func TestGer(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		r := floattest.Rand(3)
		a, check := guarded(r, 5, 21, floattest.Ints[float32])
		x, y := floattest.Ints(r, make([]float32, 5)), floattest.Ints(r, make([]float32, 21))
		want := linalg.CopyOf[float32](a)
		for i := range x {
			for j := range y {
				want.Row(i)[j] += -2 * x[i] * y[j]
			}
		}
		linalg.Ger(-2, x, y, a)
		for i := range x {
			for j := range y {
				if a.At(i, j) != want.At(i, j) {
					t.Fatalf("(%d, %d) is %v, want %v", i, j, a.At(i, j), want.At(i, j))
				}
			}
		}
		check(t)
	})
	panics(t, "Ger of 1 by 2 into 2×2", func() {
		linalg.Ger(1, []float64{1}, []float64{1, 2}, linalg.NewDense[float64](2, 2, nil))
	})
}

func TestSyrk(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, s := range [][2]int{{1, 1}, {1, 5}, {4, 3}, {8, 9}, {24, 7}, {25, 300}, {67, 40}, {130, 33}, {132, 70}, {200, 120}} {
			testSyrk[float64](t, s[0], s[1])
			testSyrk[float32](t, s[0], s[1])
		}
	})
	a := linalg.NewDense[float64](2, 3, nil)
	panics(t, "Syrk of 2×3 into 3×3", func() { linalg.Syrk(blas.Upper, blas.NoTrans, 1, a, 0, linalg.NewDense[float64](3, 3, nil)) })
	panics(t, "triangle", func() { linalg.Syrk('x', blas.NoTrans, 1, a, 0, linalg.NewDense[float64](2, 2, nil)) })
}

// testSyrk compares with Gemm, bit for bit, and looks for writes to the other
// triangle, which is NaN.
func testSyrk[T floattest.Float](t *testing.T, n, k int) {
	t.Helper()
	r := floattest.Rand(uint64(n*1000 + k))
	for _, tr := range transposes {
		rows, cols := opDims(tr, n, k)
		a, checkA := guarded(r, rows, cols, floattest.Ints[T])
		other := blas.Trans
		if tr == blas.Trans {
			other = blas.NoTrans
		}
		for _, uplo := range []blas.Uplo{blas.Upper, blas.Lower} {
			for _, f := range factors {
				c, checkC := guarded(r, n, n, floattest.Ints[T])
				want := linalg.CopyOf[T](c)
				linalg.Gemm(tr, other, T(f[0]), a, a, T(f[1]), want)
				for i := range n {
					for j := range n {
						if (uplo == blas.Upper) == (j < i) && i != j || f[1] == 0 {
							c.Set(i, j, T(math.NaN()))
						}
					}
				}
				linalg.SyrkParallel(1+n%3, uplo, tr, T(f[0]), a, T(f[1]), c)
				for i := range n {
					for j := range n {
						got, w := c.At(i, j), want.At(i, j)
						if (uplo == blas.Upper) == (j < i) && i != j {
							w = math.NaN()
						}
						if !floattest.Close(got, w, 0, 0) {
							t.Fatalf("%c%c %d×%d factors %v: (%d, %d) is %v, want %v", uplo, tr, n, k, f, i, j, got, w)
						}
					}
				}
				checkC(t)
			}
		}
		checkA(t)
	}
}

func TestGemmPanics(t *testing.T) {
	a, b, c := linalg.NewDense[float64](2, 3, nil), linalg.NewDense[float64](4, 5, nil), linalg.NewDense[float64](2, 5, nil)
	panics(t, "Gemm of 2×3 by 4×5 into 2×5", func() { linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 0, c) })
	panics(t, "Gemm of 3×2 by 2×5 into 2×5", func() {
		linalg.Gemm(blas.Trans, blas.NoTrans, 1, a, linalg.NewDense[float64](2, 5, nil), 0, c)
	})
	panics(t, "transposition 'x'", func() { linalg.Gemm('x', blas.NoTrans, 1, a, b, 0, c) })
	panics(t, "A has stride 2 for 3 columns", func() {
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, &linalg.Dense[float64]{Rows: 2, Cols: 3, Stride: 2, Data: make([]float64, 9)}, b, 0, c)
	})
	panics(t, "C is 2×5 with stride 5 in 9 elements", func() {
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, a, linalg.NewDense[float64](3, 5, nil), 0, &linalg.Dense[float64]{Rows: 2, Cols: 5, Stride: 5, Data: make([]float64, 9)})
	})
	panics(t, "B has shape -1×5", func() { linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, a, &linalg.Dense[float64]{Rows: -1, Cols: 5}, 0, c) })
}

func TestSteadyStateAllocs(t *testing.T) {
	a, b, c := random[float64](60, 60), random[float64](60, 60), random[float64](60, 60)
	x, y := make([]float64, 60), make([]float64, 60)
	for name, f := range map[string]func(){
		"Dot":  func() { linalg.Dot(x, y) },
		"Gemv": func() { linalg.Gemv(blas.NoTrans, 1, a, x, 0, y) },
		"Gemm": func() { linalg.Gemm(blas.NoTrans, blas.Trans, 1, a, b, 0, c) },
	} {
		f()
		if n := testing.AllocsPerRun(100, f); n > 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
