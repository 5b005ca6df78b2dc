package decomp

import (
	"math/rand/v2"
	"testing"

	"github.com/gram-ml/gram/linalg"
)

// Strips read and multiply as the symmetric matrix they hold does, whatever rows are asked for.
func TestStrips(t *testing.T) {
	for _, n := range []int{1, 7, 8, 9, 30} {
		random := rand.New(rand.NewPCG(uint64(n), 0))
		whole := linalg.NewDense[float64](n, n, nil)
		s := newStrips(n, 8)
		for i := range n {
			for j := range i + 1 {
				v := float64(random.IntN(9) - 4)
				whole.Set(i, j, v)
				whole.Set(j, i, v)
			}
		}
		for b, part := range s.parts {
			for i := range part.Rows {
				copy(part.Row(i), whole.Row(b*s.size + i)[b*s.size:])
			}
		}
		got := s.dense()
		for i := range n {
			for j := range n {
				if v := whole.At(i, j); got.At(i, j) != v || s.At(i, j) != v {
					t.Fatalf("n=%d: element (%d, %d) is %v and %v, not %v", n, i, j, got.At(i, j), s.At(i, j), v)
				}
			}
		}
		const k = 3
		b := make([]float64, n*k)
		for i := range b {
			b[i] = float64(random.IntN(9) - 4)
		}
		for lo := range n {
			for hi := lo + 1; hi <= n; hi++ {
				rows, added := make([]float64, (hi-lo)*k), make([]float64, n*k)
				s.MulRows(rows, lo, hi, b, k)
				s.AddTransMulRows(added, lo, hi, b[:(hi-lo)*k], k)
				for c := range k {
					for i := range n {
						product, transposed := 0.0, 0.0
						for j := range n {
							product += whole.At(i, j) * b[j*k+c]
						}
						for j := lo; j < hi; j++ {
							transposed += whole.At(j, i) * b[(j-lo)*k+c]
						}
						if lo <= i && i < hi && rows[(i-lo)*k+c] != product {
							t.Fatalf("n=%d: row %d of the product of rows %d to %d is %v, not %v", n, i, lo, hi, rows[(i-lo)*k+c], product)
						}
						if added[i*k+c] != transposed {
							t.Fatalf("n=%d: row %d of the transposed product of rows %d to %d is %v, not %v", n, i, lo, hi, added[i*k+c], transposed)
						}
					}
				}
			}
		}
	}
}
