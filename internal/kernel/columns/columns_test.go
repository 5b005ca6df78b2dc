package columns

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gram-ml/gram/internal/floattest"
)

var lengths = floattest.Lengths(16, 2)

// guard is what memory around slices is filled with: the bits of a NaN.
const guard = 0x7fc12345

// guarded returns n words within guards and a check of them.
func guarded(n int) (x []uint32, check func(t *testing.T)) {
	const pad = 70
	all := slices.Repeat([]uint32{guard}, n+2*pad)
	return all[pad : pad+n], func(t *testing.T) {
		t.Helper()
		for i := range pad {
			if all[i] != guard || all[pad+n+i] != guard {
				t.Fatalf("%d words: wrote beyond", n)
			}
		}
	}
}

// numbers sets x to the bits of some float32.
func numbers(rng *rand.Rand, x []uint32) {
	for i := range x {
		x[i] = math.Float32bits(float32(rng.IntN(40)) - 20)
	}
}

func TestBounds(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		rng := floattest.Rand(1)
		for _, n := range lengths[1:] {
			x, _ := guarded(n)
			numbers(rng, x)
			var all []float32
			for _, b := range x {
				all = append(all, math.Float32frombits(b))
			}
			if lo, hi := Bounds(x); lo != slices.Min(all) || hi != slices.Max(all) {
				t.Errorf("%d: %v to %v, want %v to %v", n, lo, hi, slices.Min(all), slices.Max(all))
			}
		}
	})
}

// Marks, counts and sums are those of a plain loop; sums of whole numbers are exact.
func TestMarkCountAndSums(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		rng := floattest.Rand(2)
		for _, n := range lengths {
			x, _ := guarded(n)
			numbers(rng, x)
			const stride = 300
			m := slices.Repeat([]uint32{guard}, 4*stride)
			limit := float32(rng.IntN(44) - 22)
			masks := slices.Repeat([]uint16{0xaaaa}, Masks(n)+1)
			tops, _ := guarded(n)
			var w, wy float64
			top := 0
			want, count := make([]uint16, Masks(n)+1), 0
			want[Masks(n)] = 0xaaaa
			for i, b := range x {
				a, c := float64(rng.IntN(9)+1), float64(rng.IntN(99)-50)
				for k, v := range []float64{a, c} {
					bits := math.Float64bits(v)
					m[2*k*stride+i], m[(2*k+1)*stride+i] = uint32(bits), uint32(bits>>32)
				}
				tops[i] = rng.Uint32()
				if math.Float32frombits(b) <= limit {
					top += int(tops[i] >> 31)
					w, wy = w+a, wy+c
					want[i/16] |= 1 << (i % 16)
					count++
				}
			}
			if got, gotY := Sums(x, m, stride, limit); got != w || gotY != wy {
				t.Errorf("%d: sums %v, %v, want %v, %v", n, got, gotY, w, wy)
			}
			if got, gotTop := Count(x, tops, limit); got != count || gotTop != top {
				t.Errorf("%d: %d, and %d with the bit, want %d, %d", n, got, gotTop, count, top)
			}
			if got := Mark(masks, x, limit); got != count || !slices.Equal(masks, want) {
				t.Errorf("%d: %d marks %x, want %d, %x", n, got, masks, count, want)
			}
		}
	})
}

func TestDivide(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		rng := floattest.Rand(3)
		for _, n := range lengths {
			for _, share := range []float64{0, 0.1, 0.5, 1} {
				const columns = 3
				stride := n + 5
				block, check := guarded(columns * stride)
				spare, checkSpare := guarded(n + Spare)
				masks := make([]uint16, Masks(n))
				for i := range n {
					if rng.Float64() < share {
						masks[i/16] |= 1 << (i % 16)
					}
				}
				want := slices.Repeat([]uint32{guard}, len(block))
				for j := range columns {
					var left, right []uint32
					for i := range n {
						v := rng.Uint32()
						block[j*stride+i] = v
						if masks[i/16]>>(i%16)&1 == 1 {
							left = append(left, v)
						} else {
							right = append(right, v)
						}
					}
					copy(want[j*stride:], append(left, right...))
				}
				Divide(block, stride, columns, n, masks, spare)
				if !slices.Equal(block, want) {
					t.Errorf("%d rows, %v of them first: wrong order", n, share)
				}
				check(t)
				checkSpare(t)
			}
		}
	})
}
