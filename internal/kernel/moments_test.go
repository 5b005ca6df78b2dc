package kernel_test

import (
	"fmt"
	"testing"

	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// Whole numbers are exact in any order, so every level gives the sums themselves.
func TestMoments(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for m := range 10 {
			for _, n := range append(lengths[float64](), 50, 63, 65, 130) {
				testMoments(t, m, n)
			}
		}
	})
}

func testMoments(t *testing.T, m, n int) {
	r := floattest.Rand(uint64(100*m + n))
	stride := n + 3
	fill := func(size int) (x []float64, check func(*testing.T)) {
		x, check = floattest.Guarded[float64](size)
		return floattest.Ints(r, x), check
	}
	w, checkW := fill(m)
	a, checkA := fill(max(0, (m-1)*stride+n))
	origin, checkOrigin := fill(n)
	sum, checkSum := fill(n)
	slip, checkSlip := fill(n)
	squares, checkSquares := fill(n)
	wantSum, wantSlip, wantSquares := append([]float64(nil), sum...), append([]float64(nil), slip...), append([]float64(nil), squares...)
	for i := range m {
		for j := range n {
			d := a[i*stride+j] - origin[j]
			wantSum[j] += w[i] * d
			wantSlip[j] += w[i] * d
			wantSquares[j] += w[i] * d * d
		}
	}
	f64.AddDiffs(w, a, stride, origin, sum)
	f64.AddSquares(w, a, stride, origin, slip, squares)
	what := fmt.Sprintf(" of %d×%d", m, n)
	same(t, "AddDiffs"+what, sum, wantSum)
	same(t, "slip"+what, slip, wantSlip)
	same(t, "squares"+what, squares, wantSquares)

	for j := range n {
		wantSum[j] = (origin[j] - slip[j]) * squares[j]
	}
	f64.Standardize(sum, origin, slip, squares)
	same(t, "Standardize"+what, sum, wantSum)
	f64.Standardize(origin, origin, slip, squares)
	same(t, "Standardize in place"+what, origin, wantSum)

	for j := range n {
		wantSlip[j] = origin[j] - squares[j]
		wantSquares[j] = wantSlip[j] * wantSlip[j]
	}
	f64.Subtract(slip, origin, squares)
	same(t, "Subtract"+what, slip, wantSlip)
	f64.SubtractSquares(sum, origin, squares, slip)
	same(t, "SubtractSquares"+what, sum, wantSlip)
	same(t, "its squares"+what, slip, wantSquares)
	f64.SubtractSquares(origin, origin, squares, slip)
	same(t, "SubtractSquares in place"+what, origin, wantSlip)
	for j := range n {
		wantSum[j] = sum[j] - squares[j]
	}
	f64.Subtract(squares, sum, squares)
	same(t, "Subtract in place"+what, squares, wantSum)
	for _, check := range []func(*testing.T){checkW, checkA, checkOrigin, checkSum, checkSlip, checkSquares} {
		check(t)
	}
}
