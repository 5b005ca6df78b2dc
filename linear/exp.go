package linear

import "math"

// expSlice sets dst[i] to exp(x[i]). dst may be x.
func expSlice(dst, x []float64) {
	for i, v := range x {
		dst[i] = math.Exp(v)
	}
}
