package kernel_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/internal/kernel"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// Whole numbers are exact in any order.
func TestPanelNorms(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 2, 3} {
			for d := 1; d < 20; d++ {
				testPanelNorms(t, n*kernel.PanelRows, d)
			}
		}
	})
}

func testPanelNorms(t *testing.T, n, d int) {
	r := floattest.Rand(uint64(100*n + d))
	fill := func(size int) (x []float64, check func(*testing.T)) {
		x, check = floattest.Guarded[float64](size)
		return floattest.Ints(r, x), check
	}
	rows, checkRows := fill(n * d)
	z, checkZ := floattest.Guarded[float64](n * d)
	dst, checkDst := floattest.Guarded[float64](n)
	c, u := floattest.Ints(r, make([]float64, d)), floattest.Ints(r, make([]float64, d*d))
	packed := kernel.PackTriangle(c, u)
	triangle, checkTriangle := floattest.Guarded[float64](len(packed))
	copy(triangle, packed)
	want := make([]float64, n)
	for i := range want {
		want[i] = 7
		for j := range d {
			y := c[j]
			for l := range j + 1 {
				y += rows[i*d+l] * u[l*d+j]
			}
			want[i] -= y * y / 2
		}
	}
	for i := 0; i < n; i += kernel.PanelRows {
		f64.Gemm().Transpose(kernel.PanelRows, d, rows[i*d:], d, z[i*d:], kernel.PanelRows)
	}
	f64.PanelNorms(d, 7, -0.5, z, triangle, dst)
	same(t, fmt.Sprintf("PanelNorms of %d×%d", n, d), dst, want)
	for _, check := range []func(*testing.T){checkRows, checkZ, checkDst, checkTriangle} {
		check(t)
	}
}

func TestTranspose(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for m := range 11 {
			for n := range 11 {
				src, checkSrc := floattest.Guarded[float64](m * (n + 1))
				dst, checkDst := floattest.Guarded[float64](n * (m + 2))
				floattest.Ints(floattest.Rand(uint64(m+n)), src)
				for i := range dst {
					dst[i] = -1
				}
				want := append([]float64(nil), dst...)
				for i := range m {
					for j := range n {
						want[j*(m+2)+i] = src[i*(n+1)+j]
					}
				}
				f64.Gemm().Transpose(m, n, src, n+1, dst, m+2)
				same(t, fmt.Sprintf("Transpose of %d×%d", m, n), dst, want)
				checkSrc(t)
				checkDst(t)
			}
		}
	})
}

func TestNearest(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 2} {
			for k := range 10 {
				for d := 1; d < 8; d++ {
					testNearest(t, n*kernel.PanelRows, k, d)
				}
			}
		}
	})
}

// testNearest has points of small whole numbers, many of them equally near, and rows with a NaN.
func testNearest(t *testing.T, n, k, d int) {
	r := floattest.Rand(uint64(1000*n + 100*k + d))
	rows := floattest.Ints(r, make([]float64, n*d))
	if n > 0 {
		rows[r.IntN(n*d)] = math.NaN()
	}
	z, checkZ := floattest.Guarded[float64](n * d)
	for i := 0; i < n; i += kernel.PanelRows {
		f64.Gemm().Transpose(kernel.PanelRows, d, rows[i*d:], d, z[i*d:], kernel.PanelRows)
	}
	starts, points := floattest.Ints(r, make([]float64, k)), floattest.Ints(r, make([]float64, k*d))
	packed := kernel.PackPoints(nil, starts, points, d)
	groups, checkPoints := floattest.Guarded[float64](len(packed))
	copy(groups, packed)
	first, checkFirst := floattest.Guarded[float64](n)
	second, checkSecond := floattest.Guarded[float64](n)
	place, checkPlace := floattest.Guarded[float64](n)
	wantFirst, wantSecond, wantPlace := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		wantFirst[i], wantSecond[i] = math.Inf(1), math.Inf(1)
		for p, v := range starts {
			for j, x := range rows[i*d : (i+1)*d] {
				v += x * points[p*d+j]
			}
			if v < wantFirst[i] {
				wantPlace[i], wantFirst[i], wantSecond[i] = float64(p), v, wantFirst[i]
			} else if v < wantSecond[i] {
				wantSecond[i] = v
			}
		}
	}
	f64.Nearest(d, z, groups, first, second, place)
	what := fmt.Sprintf(" of %d rows and %d points of %d columns", n, k, d)
	same(t, "first"+what, first, wantFirst)
	same(t, "second"+what, second, wantSecond)
	same(t, "place"+what, place, wantPlace)
	for _, check := range []func(*testing.T){checkZ, checkPoints, checkFirst, checkSecond, checkPlace} {
		check(t)
	}
}
