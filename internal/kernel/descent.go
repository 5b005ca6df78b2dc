package kernel

import "math"

// AdamStep holds what is alike for all elements of a step: the shares of the past in running
// means of gradients and of their squares, the shares that the present has, what has gone
// from the start at zero, and the rate.
type AdamStep[T Float] struct {
	Momentum, Fresh    T
	Decay, FreshSquare T
	Gone1, Gone2       T
	Rate, Tiny         T
}

// Adam makes a step of x against the gradient g over len(x) elements, with running means
// first and second.
func Adam[T Float](x, g, first, second []T, s *AdamStep[T]) {
	g, first, second = g[:len(x)], first[:len(x)], second[:len(x)]
	for i, v := range g {
		first[i] = s.Momentum*first[i] + s.Fresh*v
		second[i] = s.Decay*second[i] + s.FreshSquare*v*v
		own := s.Rate / (T(math.Sqrt(float64(second[i]/s.Gone2))) + s.Tiny)
		x[i] -= own * (first[i] / s.Gone1)
	}
}
