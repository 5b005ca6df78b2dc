package columns

import (
	"fmt"
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

func TestGather(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		rng := floattest.Rand(4)
		for _, n := range lengths {
			for _, width := range []int{1, 2, 5} {
				src := make([]uint32, 60*width)
				for i := range src {
					src[i] = rng.Uint32()
				}
				dst, check := guarded(n * width)
				rows, want := make([]int32, n), make([]uint32, n*width)
				for i := range rows {
					rows[i] = int32(rng.IntN(60))
					for j := range width {
						want[j*n+i] = src[int(rows[i])*width+j]
					}
				}
				if Gather(dst, src, width, rows); !slices.Equal(dst, want) {
					t.Errorf("%d rows of %d: wrong words", n, width)
				}
				check(t)
			}
		}
	})
}

// The best cut is that of a plain look at each, for few marks and many, with ties, and no cut where
// ranks are equal or sides too light. Sums are of whole numbers, and exact.
func TestSweep(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		rng := floattest.Rand(5)
		var buf SweepBuffer
		for trial := range 4000 {
			n := []int{1, 3, 8, 9, 63, 64, 65, 300, SweepPlaces}[trial%9]
			o := Order{make([]float64, n), make([]float64, n), make([]uint32, n)}
			ranks := 1 + rng.IntN([]int{1, 3, 2 * n}[trial%3])
			marks, share := make([]uint64, (n+63)/64), []float64{0.01, 0.1, 0.5, 1}[trial%4]
			var marked []int
			var l Limits
			for i := range n {
				o.W[i] = float64(1 + rng.IntN(3))
				o.WY[i] = float64(rng.IntN(7)-3) * o.W[i]
				o.Ranks[i] = uint32(rng.IntN(ranks))
			}
			slices.Sort(o.Ranks)
			for i := range n {
				if rng.Float64() < share || i == n/2 {
					marks[i/64] |= 1 << (i % 64)
					marked = append(marked, i)
					l.W += o.W[i]
					l.WY += o.WY[i]
				}
			}
			if l.MinLeaf = 1; trial%5 == 0 {
				l.MinLeaf = float64(rng.IntN(30))
			}
			want := Swept{Gain: -1, Several: o.Ranks[marked[0]] != o.Ranks[marked[len(marked)-1]]}
			w, wy := 0.0, 0.0
			for k, i := range marked[:len(marked)-1] {
				w, wy = w+o.W[i], wy+o.WY[i]
				from, to, rw := o.Ranks[i], o.Ranks[marked[k+1]], l.W-w
				if from == to || w < l.MinLeaf || rw < l.MinLeaf {
					continue
				}
				diff := wy*rw - (l.WY-wy)*w
				if g := diff * diff / (w * rw * l.W); g > want.Gain {
					want.Gain, want.W, want.From, want.To = g, w, from, to
				}
			}
			got := Sweep(&o, marks, len(marked), l, &buf)
			if want.Gain < 0 {
				got.W, got.From, got.To = 0, 0, 0
			}
			if got != want {
				t.Fatalf("trial %d, %d of %d marked: %+v, want %+v", trial, len(marked), n, got, want)
			}
			if slices.Max(marks) != 0 {
				t.Fatalf("trial %d: marks are left", trial)
			}
		}
	})
}

func BenchmarkSweep(b *testing.B) {
	for _, every := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("items=%d", SweepPlaces/every), func(b *testing.B) {
			o := Order{make([]float64, SweepPlaces), make([]float64, SweepPlaces), make([]uint32, SweepPlaces)}
			var buf SweepBuffer
			marks, saved := make([]uint64, SweepPlaces/64), make([]uint64, SweepPlaces/64)
			l := Limits{MinLeaf: 1}
			for i := range o.W {
				o.W[i], o.WY[i], o.Ranks[i] = 1, float64(i*i%2), uint32(i)
				if i%every == 0 {
					saved[i/64] |= 1 << (i % 64)
					l.W++
					l.WY += o.WY[i]
				}
			}
			for b.Loop() {
				copy(marks, saved)
				Sweep(&o, marks, SweepPlaces/every, l, &buf)
			}
		})
	}
}
