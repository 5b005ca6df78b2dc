package hist

import (
	"math/bits"

	"github.com/gram-ml/gram/internal/cpu"
)

// A Search says which cuts of a node may be made. Packed numbers have a gradient above Low bits of
// a Hessian, and in the lowest of those a count, or none.
type Search struct {
	Total     int64 // the sum of the node
	Low       uint64
	HessMask  int64 // 1<<Low − 1
	CountMask int64
	MinHess   int64 // least Hessian of a child, at least 1
	MinCount  int64
	L2        float64 // added to Hessians
}

// found is what the kernel finds in each of eight places.
type found struct {
	occupied [4]uint64
	scores   [8]float64
	groups   [8]int64
	lefts    [8]int64
}

// Best returns the cut of the largest score, the first of equals: the bin after which it is, the
// sum of what is left of it, and its score, which is [Scores] of the children. It looks at the cuts
// after bins before last that are not 0, with left added to what is left of them. The score
// is −1 if there is no such cut.
func Best(s *Search, bins *[256]int64, last int, left int64) (bin int, sum int64, score float64) {
	if cpu.Current() < cpu.AVX512 {
		return bestPortable(s, bins, last, left)
	}
	var f found
	bestAVX512(&s.Total, bins, last, left, &f.occupied[0])
	at, place := int64(0), 0
	score = -1
	for i, v := range f.scores {
		if order := f.groups[i]*8 + int64(i); v > score || v == score && order < at {
			score, at, place = v, order, i
		}
	}
	if score < 0 {
		return 0, 0, -1
	}
	return nth(&f.occupied, int(at)), f.lefts[place], score
}

// nth returns the number of the n-th bit that is set.
func nth(set *[4]uint64, n int) int {
	for i, word := range set {
		if c := bits.OnesCount64(word); n >= c {
			n -= c
			continue
		}
		for ; n > 0; n-- {
			word &= word - 1
		}
		return i<<6 + bits.TrailingZeros64(word)
	}
	panic("hist: no such bin")
}

// bestPortable is Best in Go. It keeps what it needs in registers and looks at bins that are not empty
// alone.
func bestPortable(s *Search, bins *[256]int64, last int, left int64) (bin int, sum int64, score float64) {
	low, mask, count := s.Low&63, s.HessMask, s.CountMask
	minHess, minCount, l2 := s.MinHess, s.MinCount, s.L2
	g, h, n := float64(s.Total>>low), s.Total&mask, s.Total&count
	score = -1
	var occupied [4]uint64
	Occupied(&occupied, bins)
	for word, set := range occupied {
		for ; set != 0; set &= set - 1 {
			b := word<<6 + bits.TrailingZeros64(set)
			if b >= last {
				return bin, sum, score
			}
			left += bins[b&255]
			hl, nl := left&mask, left&count
			if hl < minHess || nl < minCount {
				continue
			}
			if h-hl < minHess || n-nl < minCount {
				return bin, sum, score
			}
			gl := float64(left >> low)
			if v := Scores(gl, float64(hl)+l2, g-gl, float64(h-hl)+l2); v > score {
				score, bin, sum = v, b, left
			}
		}
	}
	return bin, sum, score
}

// Scores returns g²/w of the left child and of the right, added, with the same bits wherever
// it is inlined: no product is fused with the sum.
func Scores(gl, wl, gr, wr float64) float64 {
	return (float64(gl*gl*wr) + float64(gr*gr*wl)) / (wl * wr)
}
