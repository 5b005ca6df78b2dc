package kernel_test

import (
	"fmt"
	"testing"

	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/internal/kernel"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

func TestShiftAndShareRows(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for n := range 4 {
			for k := 1; k < 40; k++ {
				testShiftAndShare(t, n, k)
			}
		}
	})
}

func testShiftAndShare(t *testing.T, n, k int) {
	r := floattest.Rand(uint64(100*n + k))
	x, checkX := floattest.Guarded[float64](n * k)
	dst, checkDst := floattest.Guarded[float64](n * k)
	tops, checkTops := floattest.Guarded[float64](n)
	floattest.Ints(r, x)
	wantTops, want := make([]float64, n), make([]float64, n*k)
	for i := range n {
		row := x[i*k : (i+1)*k]
		wantTops[i] = row[0]
		for _, v := range row {
			wantTops[i] = max(wantTops[i], v)
		}
		for j, v := range row {
			want[i*k+j] = v - wantTops[i]
		}
	}
	what := fmt.Sprintf(" of %d×%d", n, k)
	f64.ShiftRows(dst, x, tops, k)
	same(t, "ShiftRows"+what, dst, want)
	same(t, "tops"+what, tops, wantTops)
	f64.ShiftRows(x, x, tops, k)
	same(t, "ShiftRows in place"+what, x, want)

	// Powers of two are divided without rounding.
	for i := range n {
		row := x[i*k : (i+1)*k]
		wantTops[i] = 1 << 10
		rest := wantTops[i]
		for j := range row {
			row[j] = float64(r.IntN(8))
			rest -= row[j]
		}
		row[r.IntN(k)] += rest
		for j, v := range row {
			want[i*k+j] = v / 1024
		}
	}
	f64.ShareRows(x, tops, k)
	same(t, "sums"+what, tops, wantTops)
	same(t, "ShareRows"+what, x, want)
	for _, check := range []func(*testing.T){checkX, checkDst, checkTops} {
		check(t)
	}
}

func TestGatherRows(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for n := range 4 {
			for d := 1; d < 20; d++ {
				testGatherRows(t, n, d)
			}
		}
	})
}

// testGatherRows copies every second row in the reverse order.
func testGatherRows(t *testing.T, n, d int) {
	r := floattest.Rand(uint64(100*n + d))
	src, checkSrc := floattest.Guarded[float64](2 * n * d)
	origin, checkOrigin := floattest.Guarded[float64](d)
	dst, checkDst := floattest.Guarded[float64](n * d)
	floattest.Ints(r, src)
	floattest.Ints(r, origin)
	from, to := make([]int, n+kernel.GatherAhead), make([]int, n)
	want := make([]float64, n*d)
	for i := range n {
		from[i], to[i] = 2*i*d, (n-1-i)*d
		for j, o := range origin {
			want[to[i]+j] = src[from[i]+j] - o
		}
	}
	f64.GatherRows(dst, src, origin, from, to)
	same(t, fmt.Sprintf("GatherRows of %d×%d", n, d), dst, want)
	for _, check := range []func(*testing.T){checkSrc, checkOrigin, checkDst} {
		check(t)
	}
}
