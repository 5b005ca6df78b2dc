package linalg_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
)

var transposes = []blas.Transpose{blas.NoTrans, blas.Trans}

// guarded returns a rows×cols matrix with a wider stride, filled by fill, whose
// padding and surroundings are NaN, and the check that they still are.
func guarded[T floattest.Float](r *rand.Rand, rows, cols int, fill func(*rand.Rand, []T) []T) (*linalg.Dense[T], func(t *testing.T)) {
	stride := cols + 3
	n := 0
	if rows > 0 {
		n = (rows-1)*stride + cols
	}
	data, outside := floattest.Guarded[T](n)
	m := &linalg.Dense[T]{Rows: rows, Cols: cols, Stride: stride, Data: data}
	pads := func(f func(x []T)) {
		for i := 0; i < rows-1; i++ {
			f(data[i*stride+cols : (i+1)*stride])
		}
	}
	pads(func(x []T) {
		for i := range x {
			x[i] = T(math.NaN())
		}
	})
	for i := range rows {
		fill(r, m.Row(i))
	}
	return m, func(t *testing.T) {
		t.Helper()
		outside(t)
		pads(func(x []T) {
			for _, v := range x {
				if v == v {
					t.Fatal("the padding of a row was written")
				}
			}
		})
	}
}

func opDims(t blas.Transpose, rows, cols int) (int, int) {
	if t != blas.NoTrans {
		return cols, rows
	}
	return rows, cols
}

// opCopy returns op(a) in float64.
func opCopy[T floattest.Float](t blas.Transpose, a *linalg.Dense[T]) *linalg.Dense[float64] {
	if t != blas.NoTrans {
		return linalg.CopyOf[float64](a.T())
	}
	return linalg.CopyOf[float64](a)
}

// naive returns the product of a and b.
func naive(a, b *linalg.Dense[float64]) *linalg.Dense[float64] {
	c := linalg.NewDense[float64](a.Rows, b.Cols, nil)
	for i := range a.Rows {
		row := c.Row(i)
		for p, x := range a.Row(i) {
			for j, y := range b.Row(p) {
				row[j] += x * y
			}
		}
	}
	return c
}

var factors = [][2]float64{{1, 0}, {1, 1}, {-2, 3}, {0, 2}, {0, 0}}

func testGemm[T floattest.Float](t *testing.T, m, n, k int, factors ...[2]float64) {
	t.Helper()
	for _, tA := range transposes {
		for _, tB := range transposes {
			testGemmOf[T](t, tA, tB, m, n, k, factors...)
		}
	}
}

func testGemmOf[T floattest.Float](t *testing.T, tA, tB blas.Transpose, m, n, k int, factors ...[2]float64) {
	t.Helper()
	r := floattest.Rand(uint64(m*1e6 + n*1e3 + k))
	ar, ac := opDims(tA, m, k)
	br, bc := opDims(tB, k, n)
	a, checkA := guarded(r, ar, ac, floattest.Ints[T])
	b, checkB := guarded(r, br, bc, floattest.Ints[T])
	product := naive(opCopy(tA, a), opCopy(tB, b))
	for _, f := range factors {
		alpha, beta := f[0], f[1]
		c, checkC := guarded(r, m, n, floattest.Ints[T])
		want := linalg.CopyOf[float64](c)
		for i := range m {
			row, old := c.Row(i), want.Row(i)
			for j, s := range product.Row(i) {
				old[j] = alpha*s + beta*old[j]
				if beta == 0 {
					row[j] = T(math.NaN())
				}
			}
		}
		linalg.Gemm(tA, tB, T(alpha), a, b, T(beta), c)
		for i := range m {
			for j, x := range want.Row(i) {
				if got := c.At(i, j); got != x {
					t.Fatalf("%c%c %d×%d×%d alpha %v beta %v: (%d, %d) is %v, want %v", tA, tB, m, n, k, alpha, beta, i, j, got, x)
				}
			}
		}
		checkA(t)
		checkB(t)
		checkC(t)
	}
}

// gemmSizes covers the edges of tiles, of vectors, of packing and of depth.
func gemmSizes() [][3]int {
	var out [][3]int
	for m := 1; m <= 9; m++ {
		for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 47, 48, 49, 65} {
			out = append(out, [3]int{m, n, 1 + (m*n)%7})
		}
	}
	return append(out, [][3]int{
		{0, 3, 3}, {3, 0, 3}, {3, 3, 0}, {1, 1, 1}, {17, 19, 1}, {16, 48, 64}, {37, 41, 43},
		{64, 64, 64}, {65, 127, 66}, {33, 200, 257}, {100, 30, 300}, {20, 10, 600}, {10, 300, 515},
	}...)
}

func TestGemm(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, s := range gemmSizes() {
			testGemm[float64](t, s[0], s[1], s[2], factors...)
			testGemm[float32](t, s[0], s[1], s[2], factors...)
		}
	})
}

// A large product has blocks of every kind; the reference is exact in float64.
func TestGemmBlocks(t *testing.T) {
	if testing.Short() {
		t.Skip("a large product")
	}
	// More than one block of rows, of columns and of depth. Each way of packing A and B is there.
	const m, n, k = 133, 2060, 505
	floattest.Levels(t, func(t *testing.T) {
		for _, op := range transposes {
			testGemmOf[float64](t, op, op, m, n, k, [2]float64{2, 1})
		}
	})
}

func TestGemmRounding(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		rounding[float64](t)
		rounding[float32](t)
	})
}

// rounding checks the error bound k·eps·|A|·|B| of an inner product.
func rounding[T floattest.Float](t *testing.T) {
	r := floattest.Rand(1)
	const m, n, k = 40, 70, 700
	a := linalg.NewDense(m, k, floattest.Normals(r, make([]T, m*k)))
	b := linalg.NewDense(k, n, floattest.Normals(r, make([]T, k*n)))
	c := linalg.NewDense[T](m, n, nil)
	linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 0, c)
	for i := range m {
		for j := range n {
			var s, size float64
			for p := range k {
				x := a.At(i, p) * b.At(p, j)
				s += x
				size += math.Abs(x)
			}
			if !floattest.Close(c.At(i, j), s, size, k*floattest.Eps[T]()/2) {
				t.Fatalf("%T (%d, %d) is %v, want %v", a.Data[0], i, j, c.At(i, j), s)
			}
		}
	}
}

// The bits of an element do not depend on what is computed beside it, but for the
// shapes of a few rows or columns.
func TestGemmBits(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		r := floattest.Rand(2)
		const m, n, k = 150, 310, 400
		a := linalg.NewDense(m, k, floattest.Normals(r, make([]float64, m*k)))
		b := linalg.NewDense(k, n, floattest.Normals(r, make([]float64, k*n)))
		want := linalg.NewDense[float64](m, n, nil)
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1.5, a, b, 0, want)
		same := func(what string, got *linalg.Dense[float64], i0, j0 int) {
			t.Helper()
			for i := range got.Rows {
				for j := range got.Cols {
					if x, y := got.At(i, j), want.At(i0+i, j0+j); x != y {
						t.Fatalf("%s: (%d, %d) is %v, in the whole %v", what, i, j, x, y)
					}
				}
			}
		}
		for _, workers := range []int{0, 1, 2, 3, 7} {
			c := linalg.NewDense[float64](m, n, nil)
			linalg.GemmParallel(workers, blas.NoTrans, blas.NoTrans, 1.5, a, b, 0, c)
			same(fmt.Sprint(workers, " workers"), c, 0, 0)
		}
		at := linalg.CopyOf[float64](a.T())
		bt := linalg.CopyOf[float64](b.T())
		c := linalg.NewDense[float64](m, n, nil)
		linalg.Gemm(blas.Trans, blas.Trans, 1.5, at, bt, 0, c)
		same("transposed", c, 0, 0)
		for _, s := range [][4]int{{0, 2, 0, 5}, {3, 9, 0, n}, {0, m, 5, 11}, {9, 12, 100, 111}, {50, 150, 300, 310}} {
			c := linalg.NewDense[float64](s[1]-s[0], s[3]-s[2], nil)
			linalg.Gemm(blas.NoTrans, blas.NoTrans, 1.5, a.Slice(s[0], s[1], 0, k), b.Slice(0, k, s[2], s[3]), 0, c)
			same(fmt.Sprint("part ", s), c, s[0], s[2])
		}
	})
}
