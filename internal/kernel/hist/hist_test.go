package hist

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gram-ml/gram/internal/floattest"
)

// data returns rows of bins, what is to be added, and some of the rows in order.
func data(n, stride, some int, rng *rand.Rand) (bins []uint64, packed []int64, rows []int32) {
	bins, packed = make([]uint64, n*stride), make([]int64, n)
	for i := range bins {
		bins[i] = rng.Uint64()
	}
	for i := range packed {
		packed[i] = int64(rng.Uint64()) >> 8
	}
	for _, r := range rng.Perm(n)[:some] {
		rows = append(rows, int32(r))
	}
	slices.Sort(rows)
	return bins, packed, rows
}

// lengths are around the distance that memory is fetched ahead.
var lengths = []int{0, 1, 2, 15, 16, 17, 33, 100}

func TestAdd(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, stride := range []int{1, 3} {
			for _, n := range lengths {
				for _, more := range []int{0, 5, 40} {
					bins, packed, rows := data(200, stride, n+more, rng)
					for _, half := range []bool{false, true} {
						var got, want Word
						for i := range got {
							got[i][7] = int64(i)
							want[i][7] = int64(i)
						}
						features := 8
						if half {
							features = 4
						}
						word := stride - 1
						for _, r := range rows[:n] {
							for j := range features {
								want[j][bins[int(r)*stride+word]>>(8*j)&255] += packed[r]
							}
						}
						Add(&got, bins[word:], stride, rows, n, packed, half, n%2 == 1)
						if got != want {
							t.Errorf("stride %d, %d of %d rows, half %v: wrong sums", stride, n, len(rows), half)
						}
					}
				}
			}
		}
	})
}

func TestPartition(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		var left [256]uint8
		for i := range left {
			left[i] = uint8(rng.IntN(2))
		}
		for _, stride := range []int{1, 2} {
			for _, n := range lengths {
				for feature := range 8 {
					bins, _, rows := data(150, stride, n, rng)
					var yes, no []int32
					for _, r := range rows {
						if left[bins[int(r)*stride]>>(8*feature)&255] == 1 {
							yes = append(yes, r)
						} else {
							no = append(no, r)
						}
					}
					const guard = -77
					spare := append(make([]int32, n), guard)
					rows = append(rows, guard)
					got := Partition(&left, bins, feature, stride, rows[:n], spare[:n])
					if got != len(yes) || !slices.Equal(rows[:got], yes) || !slices.Equal(spare[:n-got], no) {
						t.Errorf("stride %d, %d rows, feature %d: wrong division", stride, n, feature)
					}
					if rows[n] != guard || spare[n] != guard {
						t.Errorf("stride %d, %d rows: wrote beyond", stride, n)
					}
				}
			}
		}
	})
}

func TestSubtract(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 1))
		var h, x, want Word
		for j := range h {
			for b := range h[j] {
				h[j][b], x[j][b] = int64(rng.Uint64()), int64(rng.Uint64())
				want[j][b] = h[j][b] - x[j][b]
			}
		}
		Subtract(&h, &x)
		if h != want {
			t.Error("wrong differences")
		}
	})
}

func TestOccupied(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 2))
		for _, part := range []int{1, 2, 20, 1000} {
			var h [256]int64
			var got, want [4]uint64
			for b := range h {
				if rng.IntN(part) == 0 {
					h[b] = int64(1-2*rng.IntN(2)) << rng.IntN(63)
					want[b/64] |= 1 << (b % 64)
				}
			}
			if Occupied(&got, &h); got != want {
				t.Errorf("one of %d: %x, want %x", part, got, want)
			}
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, every := range []int{1, 4, 32} {
		const n, stride = 1 << 18, 4
		bins, packed, rows := data(n, stride, n/every, rng)
		var h Word
		b.Run(fmt.Sprintf("every=%d", every), func(b *testing.B) {
			b.SetBytes(int64(8 * len(rows)))
			for b.Loop() {
				Add(&h, bins, stride, rows, len(rows), packed, false, true)
			}
		})
	}
}
