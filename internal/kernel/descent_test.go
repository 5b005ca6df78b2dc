package kernel_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/internal/kernel"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// TestAdam: every level gives the Go loop's bits, at every length and within its memory.
func TestAdam(t *testing.T) {
	s := &kernel.AdamStep[float64]{Momentum: 0.9, Fresh: 1 - 0.9, Decay: 0.99, FreshSquare: 1 - 0.99, Gone1: 0.3, Gone2: 0.2, Rate: 0.1, Tiny: 1e-8}
	floattest.Levels(t, func(t *testing.T) {
		for _, n := range append(lengths[float64](), 50, 63, 65) {
			r := floattest.Rand(uint64(n))
			var got, want [4][]float64
			for k := range got {
				x, check := floattest.Guarded[float64](n)
				defer check(t)
				for i := range x {
					x[i] = r.NormFloat64()
					if k == 3 {
						x[i] *= x[i]
					}
				}
				got[k], want[k] = x, slices.Clone(x)
			}
			if n > 2 {
				got[1][2], got[3][2] = math.Inf(1), 0
				want[1][2], want[3][2] = math.Inf(1), 0
			}
			for range 3 {
				f64.Adam(got[0], got[1], got[2], got[3], s)
				kernel.Adam(want[0], want[1], want[2], want[3], s)
			}
			for k, name := range []string{"x", "g", "first", "second"} {
				same(t, fmt.Sprintf("%s of %d", name, n), got[k], want[k])
			}
		}
	})
}
