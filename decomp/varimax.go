package decomp

import (
	"cmp"
	"math"
	"slices"

	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// varimax turns the rows of a, k×d, so that the variance of the squares of each is largest in
// sum: pair by pair, by the angle that is best for the pair. It returns the rows in the order
// of their lengths.
func varimax(a *linalg.Dense[float64]) *linalg.Dense[float64] {
	const rounds = 1000
	for range rounds {
		largest := 0.0
		for p := range a.Rows {
			for q := range p {
				angle := varimaxAngle(a.Row(p), a.Row(q))
				s, c := math.Sincos(angle)
				f64.Rot(a.Row(p), a.Row(q), c, s)
				largest = max(largest, math.Abs(angle))
			}
		}
		if largest < 1e-12 {
			break
		}
	}
	order := make([]int, a.Rows)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(p, q int) int {
		return cmp.Compare(f64.SumSquares(a.Row(q)), f64.SumSquares(a.Row(p)))
	})
	return denseCopy(linalg.Rows(a, order))
}

// varimaxAngle returns by how much to turn two rows.
func varimaxAngle(x, y []float64) float64 {
	var a, b, c, e float64
	for i, v := range x {
		u, w := v*v-y[i]*y[i], 2*v*y[i]
		a += u
		b += w
		c += u*u - w*w
		e += 2 * u * w
	}
	d := float64(len(x))
	return math.Atan2(e-2*a*b/d, c-(a*a-b*b)/d) / 4
}
