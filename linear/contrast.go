package linear

import (
	"math"

	"github.com/gram-ml/gram/linalg"
)

// The scores of K classes matter up to a number added to all, so a fit moves in
// the K−1 dimensions of zero sum. Helmert's basis of them is orthonormal, hence
// leaves norms and penalties as they are, and costs O(K) to apply: vector a ≥ 0
// has a+1 entries 1/h, one entry −(a+1)/h and zeros, with h = √((a+1)(a+2)).
// With one column there is nothing to remove, and the basis is the number 1.

// contrasts returns the dimension for a number of columns of scores.
func contrasts(cols int) int { return max(1, cols-1) }

// spread sets dst, of length cols, to the zero-sum vector with coordinates src.
func spread(dst, src []float64) {
	if len(dst) == 1 {
		dst[0] = src[0]
		return
	}
	sum := 0.0
	for a := len(src) - 1; a >= 0; a-- {
		v := src[a] / helmert(a)
		dst[a+1] = sum - float64(a+1)*v
		sum += v
	}
	dst[0] = sum
}

// gather sets dst to the coordinates of src, of length cols: the transpose of
// spread, and its inverse on vectors of zero sum.
func gather(dst, src []float64) {
	if len(src) == 1 {
		dst[0] = src[0]
		return
	}
	sum := 0.0
	for a := range dst {
		sum += src[a]
		dst[a] = (sum - float64(a+1)*src[a+1]) / helmert(a)
	}
}

// contrastBasis returns the matrix of spread, cols×contrasts.
func contrastBasis(cols int) *linalg.Dense[float64] {
	q := contrasts(cols)
	out := linalg.NewDense[float64](cols, q, nil)
	e, column := make([]float64, q), make([]float64, cols)
	for a := range q {
		clear(e)
		e[a] = 1
		spread(column, e)
		for k, v := range column {
			out.Set(k, a, v)
		}
	}
	return out
}

func helmert(a int) float64 { return math.Sqrt(float64(a+1) * float64(a+2)) }
