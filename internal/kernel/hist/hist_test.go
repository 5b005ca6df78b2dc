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

// The best cut is that of a plain loop over the bins, to the last bit, for few bins and many, and sums
// that are counted or not.
func TestBest(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(11, 2))
		for trial := range 3000 {
			s := Search{Low: 32, HessMask: 1<<32 - 1, MinHess: 1, L2: float64(rng.IntN(3))}
			count := uint64(0)
			if trial%2 == 1 {
				s.Low, count = 38, 10
				s.HessMask, s.CountMask, s.MinCount = 1<<38-1, 1<<10-1, int64(rng.IntN(40))
			}
			if trial%3 > 0 {
				s.MinHess = int64(rng.IntN(1 << 24))
			}
			var bins [256]int64
			part := []int{1, 2, 8, 60, 1000}[trial%5]
			for b := range bins {
				if rng.IntN(part) == 0 {
					bins[b] = int64(rng.IntN(1<<20)-1<<19)<<s.Low + int64(1+rng.IntN(1<<20))<<count
					if count > 0 {
						bins[b] += int64(1 + rng.IntN(3))
					}
				}
				s.Total += bins[b]
			}
			if trial%7 == 0 { // ties
				for b := 1; b < 256; b += 2 {
					s.Total += bins[b-1] - bins[b]
					bins[b] = bins[b-1]
				}
			}
			last, left := rng.IntN(256), int64(0)
			if trial%4 == 0 {
				left = bins[255]
			}
			if trial%10 == 0 {
				last = 8 * (trial / 10 % 32)
			}
			bin, sum, score := 0, int64(0), -1.0
			for b, at := 0, left; b < last; b++ {
				if bins[b] == 0 {
					continue
				}
				at += bins[b]
				rest := s.Total - at
				if hl, hr := at&s.HessMask, rest&s.HessMask; hl >= s.MinHess && hr >= s.MinHess && at&s.CountMask >= s.MinCount && rest&s.CountMask >= s.MinCount {
					gl := float64(at >> s.Low)
					gr := float64(s.Total>>s.Low) - gl
					wl, wr := float64(hl)+s.L2, float64(hr)+s.L2
					if v := (float64(gl*gl*wr) + float64(gr*gr*wl)) / (wl * wr); v > score {
						bin, sum, score = b, at, v
					}
				}
			}
			gotBin, gotSum, gotScore := Best(&s, &bins, last, left)
			if gotScore != score || score >= 0 && (gotBin != bin || gotSum != sum) {
				t.Fatalf("trial %d: bin %d, sum %d, score %v; want %d, %d, %v", trial, gotBin, gotSum, gotScore, bin, sum, score)
			}
		}
	})
}

func BenchmarkBest(b *testing.B) {
	for _, part := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("occupied=%d", 256/part), func(b *testing.B) {
			s := Search{Low: 32, HessMask: 1<<32 - 1, MinHess: 1}
			var bins [256]int64
			for i := 0; i < 256; i += part {
				bins[i] = int64(i%7-3)<<32 + 5
				s.Total += bins[i]
			}
			for b.Loop() {
				Best(&s, &bins, 255, 0)
			}
		})
	}
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
