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

// ops is what one element type's package offers.
type ops[T floattest.Float] struct {
	dot                   func(x, y []T) T
	sum, sumSquares, asum func(x []T) T
	largest               func(x []T) T
	axpy                  func(alpha T, x, y []T)
	scal                  func(alpha T, x []T)
	exp                   func(dst, x []T)
	dotRows               func(dst, a []T, lda int, x []T)
	axpyRows              func(x, a []T, lda int, y []T)
	gemm                  func() *kernel.Gemm[T]
}

var (
	ops64 = &ops[float64]{f64.Dot, f64.Sum, f64.SumSquares, f64.Asum, f64.Largest, f64.Axpy, f64.Scal, f64.Exp, f64.DotRows, f64.AxpyRows, f64.Gemm}
	ops32 = &ops[float32]{f32.Dot, f32.Sum, f32.SumSquares, f32.Asum, f32.Largest, f32.Axpy, f32.Scal, f32.Exp, f32.DotRows, f32.AxpyRows, f32.Gemm}
)

// lengths covers the unrolling of every kernel at every level.
func lengths[T floattest.Float]() []int {
	if floattest.Eps[T]() > 1e-10 {
		return floattest.Lengths(16, 8)
	}
	return floattest.Lengths(8, 8)
}

// vectors returns two guarded vectors of integers and the check of their guards.
func vectors[T floattest.Float](t *testing.T, n int) (x, y []T, check func()) {
	r := floattest.Rand(uint64(n))
	x, checkX := floattest.Guarded[T](n)
	y, checkY := floattest.Guarded[T](n)
	floattest.Ints(r, x)
	floattest.Ints(r, y)
	return x, y, func() {
		t.Helper()
		checkX(t)
		checkY(t)
	}
}

func TestReductions(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		testReductions(t, ops64)
		testReductions(t, ops32)
	})
}

func testReductions[T floattest.Float](t *testing.T, o *ops[T]) {
	for _, n := range lengths[T]() {
		x, y, check := vectors[T](t, n)
		var dot, sum, squares, asum T
		largest := T(math.Inf(-1))
		for i := range x {
			dot += x[i] * y[i]
			sum += x[i]
			squares += x[i] * x[i]
			asum += max(x[i], -x[i])
			largest = max(largest, x[i])
		}
		for _, c := range []struct {
			name      string
			got, want T
		}{
			{"Dot", o.dot(x, y), dot}, {"Sum", o.sum(x), sum}, {"SumSquares", o.sumSquares(x), squares}, {"Asum", o.asum(x), asum},
			{"Largest", o.largest(x), largest},
		} {
			if c.got != c.want {
				t.Fatalf("%s of %d elements is %v, want %v", c.name, n, c.got, c.want)
			}
		}
		for i := range x { // a lane that is not there must not show as a 0
			x[i] = -T(1 + (i*7)%(n+1))
		}
		if n > 0 {
			x[n-1], x[n/2] = -0.25, T(math.NaN())
			want := T(-0.25)
			if n/2 == n-1 {
				want = o.largest(x[:n/2])
			}
			if got := o.largest(x); got != want {
				t.Fatalf("Largest of %d elements is %v, want %v", n, got, want)
			}
		}
		check()
	}
}

func TestUpdates(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		testUpdates(t, ops64)
		testUpdates(t, ops32)
	})
}

func testUpdates[T floattest.Float](t *testing.T, o *ops[T]) {
	for _, n := range lengths[T]() {
		x, y, check := vectors[T](t, n)
		want := make([]T, n)
		for i := range x {
			want[i] = -3*x[i] + y[i]
		}
		o.axpy(-3, x, y)
		same(t, fmt.Sprint("Axpy of ", n), y, want)
		o.axpy(2, y, y) // in place
		for i := range want {
			want[i] *= 3
		}
		same(t, fmt.Sprint("Axpy in place of ", n), y, want)
		o.scal(-0.5, y)
		for i := range want {
			want[i] *= -0.5
		}
		same(t, fmt.Sprint("Scal of ", n), y, want)
		check()
	}
}

func same[T floattest.Float](t *testing.T, what string, got, want []T) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] && !(got[i] != got[i] && want[i] != want[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// rows returns a guarded m×n matrix of rows stride apart, of normal values.
func rows[T floattest.Float](m, n, stride int) (a []T, check func(*testing.T)) {
	size := 0
	if m > 0 && n > 0 {
		size = (m-1)*stride + n
	}
	a, check = floattest.Guarded[T](size)
	return floattest.Normals(floattest.Rand(uint64(m*n)), a), check
}

// The forms for several rows have the bits of those for one.
func TestRows(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		testRows(t, ops64)
		testRows(t, ops32)
	})
}

func testRows[T floattest.Float](t *testing.T, o *ops[T]) {
	for m := range 11 {
		for _, n := range lengths[T]() {
			stride := n + 3
			a, checkA := rows[T](m, n, stride)
			x, checkX := rows[T](1, n, n)
			dst, checkDst := floattest.Guarded[T](m)
			o.dotRows(dst, a, stride, x)
			want := make([]T, m)
			for i := range want {
				if n > 0 {
					want[i] = o.dot(x, a[i*stride:i*stride+n])
				}
			}
			same(t, fmt.Sprintf("DotRows %d×%d", m, n), dst, want)

			f := floattest.Normals(floattest.Rand(9), make([]T, m))
			y, checkY := rows[T](1, n, n)
			wantY := append([]T(nil), y...)
			o.axpyRows(f, a, stride, y)
			for i := range f {
				if n > 0 {
					o.axpy(f[i], a[i*stride:i*stride+n], wantY)
				}
			}
			same(t, fmt.Sprintf("AxpyRows %d×%d", m, n), y, wantY)
			checkA(t)
			checkX(t)
			checkDst(t)
			checkY(t)
		}
	}
}

func TestTiles(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		testTiles(t, ops64)
		testTiles(t, ops32)
	})
}

func testTiles[T floattest.Float](t *testing.T, o *ops[T]) {
	g := o.gemm()
	for m := 1; m <= g.Rows; m++ {
		for v := 1; v <= g.Vectors; v++ {
			for tail := 1; tail <= g.Lanes; tail++ {
				for _, k := range []int{1, 2, 3, 7, 20} {
					testTile(t, g, m, v, tail, k, 1+k%3, false)
					testTile(t, g, m, v, tail, k, 1+k%3, true)
				}
			}
		}
	}
}

// testTile multiplies with A by rows, or by columns if trans is set.
func testTile[T floattest.Float](t *testing.T, g *kernel.Gemm[T], m, v, tail, k, groups int, trans bool) {
	t.Helper()
	n := (v-1)*g.Lanes + tail
	rs, cs, gs := k+2, 1, m*(k+2)+1
	sizeA := (groups-1)*gs + (m-1)*rs + k
	if trans {
		rs, cs, gs = 1, groups*m+2, m
		sizeA = max(k-1, 0)*cs + groups*m
	}
	ldb, ldc := n+5, n+1
	r := floattest.Rand(uint64(m + 10*n + 1000*k))
	a, checkA := floattest.Guarded[T](max(sizeA, 1))
	b, checkB := floattest.Guarded[T](max(k-1, 0)*ldb + n)
	c, checkC := floattest.Guarded[T]((groups*m-1)*ldc + n)
	floattest.Ints(r, a)
	floattest.Ints(r, b)
	for _, f := range [][2]T{{1, 0}, {-2, T(math.Copysign(0, -1))}, {3, 1}, {1, -2}} {
		floattest.Ints(r, c)
		want := append([]T(nil), c...)
		for i := range groups * m {
			for j := range n {
				var s T
				for p := range k {
					s += a[i/m*gs+i%m*rs+p*cs] * b[p*ldb+j]
				}
				want[i*ldc+j] = f[0]*s + f[1]*want[i*ldc+j]
				if f[1] == 0 {
					c[i*ldc+j] = T(math.NaN())
				}
			}
		}
		g.Tiles[m-1][v-1](groups, k, f[0], &a[0], rs, cs, gs, &b[0], ldb, f[1], &c[0], ldc, tail)
		same(t, fmt.Sprintf("%d tiles %d×%d (%d vectors) k=%d factors %v", groups, m, n, v, k, f), c, want)
	}
	checkA(t)
	checkB(t)
	checkC(t)
}

func TestCopyPanel(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		testCopyPanel(t, ops64)
		testCopyPanel(t, ops32)
	})
}

func testCopyPanel[T floattest.Float](t *testing.T, o *ops[T]) {
	g := o.gemm()
	for v := 1; v <= g.Vectors; v++ {
		for tail := 1; tail <= g.Lanes; tail++ {
			for k := range 4 {
				n, ldd := (v-1)*g.Lanes+tail, v*g.Lanes+2
				src, checkSrc := rows[T](max(k, 1), n, n+1)
				dst, checkDst := floattest.Guarded[T](max(k-1, 0)*ldd + v*g.Lanes)
				for i := range dst {
					dst[i] = 7
				}
				g.CopyPanel[v-1](k, &src[0], n+1, &dst[0], ldd, tail)
				for i := range dst {
					p, j := i/ldd, i%ldd
					want := T(7)
					if p < k && j < v*g.Lanes {
						want = 0
						if j < n {
							want = src[p*(n+1)+j]
						}
					}
					if dst[i] != want {
						t.Fatalf("%d×%d (%d vectors): element (%d, %d) is %v, want %v", k, n, v, p, j, dst[i], want)
					}
				}
				checkSrc(t)
				checkDst(t)
			}
		}
	}
}

func TestTransposeStrip(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		testTransposeStrip(t, ops64)
		testTransposeStrip(t, ops32)
	})
}

func testTransposeStrip[T floattest.Float](t *testing.T, o *ops[T]) {
	g := o.gemm()
	for blocks := range 4 {
		n := blocks * g.Strip
		lds, ldd := n+1, g.Strip+2
		src, checkSrc := rows[T](g.Strip, max(n, 1), lds)
		dst, checkDst := floattest.Guarded[T](max(n-1, 0)*ldd + g.Strip)
		g.TransposeStrip(blocks, &src[0], lds, &dst[0], ldd)
		for p := range n {
			for j := range ldd {
				if p == n-1 && j >= g.Strip {
					break
				}
				var want T
				if j < g.Strip {
					want = src[j*lds+p]
				}
				if dst[p*ldd+j] != want {
					t.Fatalf("%d blocks: element (%d, %d) is %v, want %v", blocks, p, j, dst[p*ldd+j], want)
				}
			}
		}
		checkSrc(t)
		checkDst(t)
	}
}

// expLimits are where exp leaves the range of a type, and its smallest number.
type expLimits struct{ overflow, underflow, smallest float64 }

var (
	expLimits64 = expLimits{709.782712893384, -745.1332191019412, math.SmallestNonzeroFloat64}
	expLimits32 = expLimits{88.72283935546875, -103.97207708, math.SmallestNonzeroFloat32}
)

func TestExp(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		testExp(t, ops64)
		testExp(t, ops32)
	})
}

func testExp[T floattest.Float](t *testing.T, o *ops[T]) {
	limits := expLimits64
	if floattest.Eps[T]() > 1e-10 {
		limits = expLimits32
	}
	special := []float64{
		0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 1, -1, 1e-300, 1e300, -1e300,
		limits.overflow, limits.underflow, 0.999 * limits.overflow, 0.999 * limits.underflow,
		0.95 * limits.underflow, 1.001 * limits.overflow, 1.01 * limits.underflow,
	}
	for _, n := range lengths[T]() {
		x, checkX := floattest.Guarded[T](n)
		dst, checkDst := floattest.Guarded[T](n)
		r := floattest.Rand(uint64(n))
		for i := range x {
			x[i] = T(math.Exp(r.Float64()*8-2) * r.NormFloat64())
			if i < len(special) && n > 40 {
				x[i] = T(special[i])
			}
		}
		o.exp(dst, x)
		for i, v := range x {
			want := math.Exp(float64(v))
			// One unit in the last place, or of the smallest numbers.
			if unit := max(want*floattest.Eps[T](), limits.smallest); !floattest.Close(float64(dst[i]), float64(T(want)), unit, 1) {
				t.Fatalf("exp(%v) is %v, want %v", v, dst[i], want)
			}
		}
		checkX(t)
		checkDst(t)
		o.exp(x, x)
		same(t, "in place", x, dst)
	}
}
