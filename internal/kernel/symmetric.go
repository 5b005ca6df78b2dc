package kernel

import "math"

// SolveRows is the number of rows that Solve takes.
const SolveRows = 8

// Solve solves L·X = B in place for SolveRows rows of n columns, row i of B
// beginning at b[at+i*ldb]. L has the reciprocals of its diagonal in their place.
func Solve[T Float](l *[SolveRows * SolveRows]T, n int, b []T, at, ldb int) {
	for i := range SolveRows {
		row := b[at+i*ldb:][:n]
		for p := range i {
			Axpy(-l[SolveRows*i+p], b[at+p*ldb:][:n], row)
		}
		Scal(l[SolveRows*i+i], row)
	}
}

// Rot turns the points (x[i], y[i]) into (c·x[i]+s·y[i], c·y[i]−s·x[i]).
func Rot[T Float](x, y []T, c, s T) {
	y = y[:len(x)]
	for i, v := range x {
		w := y[i]
		x[i], y[i] = c*v+s*w, c*w-s*v
	}
}

// Secular returns the sums of a secular function over len(z) terms.
func Secular(z, d, e []float64, tau, kappa float64) (sum, slope, size float64) {
	d, e = d[:len(z)], e[:len(z)]
	for i, v := range z {
		q := v / ((d[i] - tau) * (e[i] + kappa))
		sum += v * q
		slope += q * q
		size += math.Abs(v * q)
	}
	return sum, slope, size
}
