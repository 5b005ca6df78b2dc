package f64

import (
	"github.com/gram-ml/gram/internal/cpu"
	"github.com/gram-ml/gram/internal/kernel"
)

// Adam makes a step of x against the gradient g over len(x) elements, with running means
// first of gradients and second of their squares. Where the Go compiler does not fuse
// multiplications, as on amd64, all levels give the same bits.
func Adam(x, g, first, second []float64, s *kernel.AdamStep[float64]) {
	switch cpu.Current() {
	case cpu.AVX512:
		adamAVX512(x, g, first, second, s.Momentum, s.Fresh, s.Decay, s.FreshSquare, s.Gone1, s.Gone2, s.Rate, s.Tiny)
	case cpu.AVX2:
		adamAVX2(x, g, first, second, s.Momentum, s.Fresh, s.Decay, s.FreshSquare, s.Gone1, s.Gone2, s.Rate, s.Tiny)
	default:
		kernel.Adam(x, g, first, second, s)
	}
}
