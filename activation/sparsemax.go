package activation

import (
	"math"
	"slices"

	"golang.org/x/exp/constraints"
)

// Sparsemax sets each row of dst to the Euclidean projection of the row of x onto the
// probability simplex, max(xⱼ − τ, 0) with τ such that the sum is 1: like [Softmax], but
// elements far below the largest get 0 exactly (Martins and Astudillo, 2016). A row that
// holds a NaN or an infinity turns NaN. It takes O(cols·log cols) for a row and
// allocates one row of scratch.
func Sparsemax[T constraints.Float](dst, x []T, cols int) []T {
	n := rows("Sparsemax", len(x), cols)
	dst = target("Sparsemax", dst, len(x))
	sorted := make([]T, cols)
	for i := range n {
		row, to := x[i*cols:(i+1)*cols], dst[i*cols:(i+1)*cols]
		top, tau := threshold(sorted, row)
		for j, v := range row {
			p := float64(v) - top - tau
			if !(p <= 0) { // NaN stays
				to[j] = T(p)
			} else {
				to[j] = 0
			}
		}
	}
	return dst
}

// threshold returns the largest element of row, and τ of the row with that taken off:
// with z in descending order, (Σ_{j≤k} zⱼ − 1)/k for the largest k with 1 + k·zₖ > Σ_{j≤k} zⱼ.
func threshold[T constraints.Float](sorted, row []T) (top, tau float64) {
	copy(sorted, row)
	slices.Sort(sorted) // NaN first
	top = float64(sorted[len(sorted)-1])
	if first := float64(sorted[0]); math.IsNaN(first) || math.IsInf(first, -1) || math.IsInf(top, 1) {
		return math.NaN(), math.NaN()
	}
	sum := 0.0
	for k := 1; k <= len(sorted); k++ {
		z := float64(sorted[len(sorted)-k]) - top
		if 1+float64(k)*z <= sum+z {
			break
		}
		sum += z
		tau = (sum - 1) / float64(k)
	}
	return top, tau
}

// SparsemaxGrad sets each row of dx to dy less the mean of dy over the elements with
// y > 0 there, and to 0 elsewhere, y being what [Sparsemax] returned.
func SparsemaxGrad[T constraints.Float](dx, dy, y []T, cols int) []T {
	n := rows("SparsemaxGrad", len(y), cols)
	checkLen("SparsemaxGrad", "dy", len(dy), len(y))
	dx = target("SparsemaxGrad", dx, len(y))
	for i := range n {
		lo, hi := i*cols, (i+1)*cols
		sum, count := 0.0, 0.0
		for j := lo; j < hi; j++ {
			if y[j] > 0 {
				sum += float64(dy[j])
				count++
			}
		}
		mean := sum / count
		for j := lo; j < hi; j++ {
			if y[j] > 0 {
				dx[j] = T(float64(dy[j]) - mean)
			} else {
				dx[j] = 0
			}
		}
	}
	return dx
}
