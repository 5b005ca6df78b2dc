package kernel

import "math"

// Dot returns Σ x[i]·y[i] over len(x) elements, in four sums.
func Dot[T Float](x, y []T) T {
	y = y[:len(x)]
	var s0, s1, s2, s3 T
	i := 0
	for ; i+4 <= len(x); i += 4 {
		a, b := x[i:i+4:i+4], y[i:i+4:i+4]
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
	}
	for ; i < len(x); i++ {
		s0 += x[i] * y[i]
	}
	return (s0 + s1) + (s2 + s3)
}

// reduce adds f over x in four sums.
func reduce[T Float](x []T, f func(T) T) T {
	var s [4]T
	i := 0
	for ; i+4 <= len(x); i += 4 {
		for l, v := range x[i : i+4] {
			s[l] += f(v)
		}
	}
	for _, v := range x[i:] {
		s[0] += f(v)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// Sum returns Σ x[i].
func Sum[T Float](x []T) T { return reduce(x, func(v T) T { return v }) }

// SumSquares returns Σ x[i]².
func SumSquares[T Float](x []T) T { return reduce(x, func(v T) T { return v * v }) }

// Asum returns Σ |x[i]|.
func Asum[T Float](x []T) T { return reduce(x, func(v T) T { return max(v, -v) }) }

// Largest returns the largest element that is not NaN, −Inf if there is none.
func Largest[T Float](x []T) T {
	s := T(math.Inf(-1))
	for _, v := range x {
		if v > s {
			s = v
		}
	}
	return s
}

// Axpy adds alpha·x to y over len(x) elements.
func Axpy[T Float](alpha T, x, y []T) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += alpha * v
	}
}

// Scal multiplies x by alpha.
func Scal[T Float](alpha T, x []T) {
	for i := range x {
		x[i] *= alpha
	}
}
