package eval

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/gram-ml/gram"
)

// ranking holds the rows of two classes by descending score.
type ranking struct{ neg, pos ranked }

// ranked holds the rows of one class: their scores as integers that ascend as scores
// descend, and their weights, nil for all ones.
type ranked struct {
	keys   []uint64
	weight []float64
}

// keyOf maps finite scores to integers in descending order, and to one where they are
// equal: the bits of a positive float order as the float does, those of a negative one
// the other way round. It is undone by scoreOf.
func keyOf(score float64) uint64 {
	if score == 0 {
		score = 0 // −0 equals 0
	}
	return flip(math.Float64bits(score))
}

func scoreOf(key uint64) float64 { return math.Float64frombits(flip(key)) }

// flip inverts all bits below the sign if the sign is clear.
func flip(b uint64) uint64 { return b ^ (^uint64(int64(b)>>63))>>1 }

// rank checks labels, scores and weights, and returns the rows of any weight.
func rank(y []int, score, w []float64) (ranking, error) {
	n := len(y)
	if n == 0 || len(score) != n {
		return ranking{}, fmt.Errorf("%d labels, %d scores: %w", n, len(score), gram.ErrShape)
	}
	if _, err := gram.CheckWeights(w, n); err != nil {
		return ranking{}, err
	}
	var count [2]int
	for i, c := range y {
		if uint(c) > 1 {
			return ranking{}, fmt.Errorf("label %d in row %d is not 0 or 1: %w", c, i, gram.ErrLabels)
		}
		if s := score[i]; s-s != 0 {
			return ranking{}, fmt.Errorf("score of row %d is %v: %w", i, s, gram.ErrNonFinite)
		}
		count[c]++
	}
	class := [2]ranked{newRanked(count[0], w != nil), newRanked(count[1], w != nil)}
	var at [2]int
	for i, c := range y {
		if w != nil {
			if w[i] == 0 {
				continue
			}
			class[c].weight[at[c]] = w[i]
		}
		class[c].keys[at[c]] = keyOf(score[i])
		at[c]++
	}
	tmp := newRanked(max(at[0], at[1]), w != nil)
	for c := range class {
		class[c] = class[c].first(at[c])
		class[c].sort(tmp.first(at[c]))
	}
	return ranking{class[0], class[1]}, nil
}

func newRanked(n int, weighted bool) ranked {
	r := ranked{keys: make([]uint64, n)}
	if weighted {
		r.weight = make([]float64, n)
	}
	return r
}

func (r ranked) first(n int) ranked {
	r.keys = r.keys[:n]
	if r.weight != nil {
		r.weight = r.weight[:n]
	}
	return r
}

// Len, Less and Swap let few rows be sorted by package sort.
func (r ranked) Len() int           { return len(r.keys) }
func (r ranked) Less(i, j int) bool { return r.keys[i] < r.keys[j] }
func (r ranked) Swap(i, j int) {
	r.keys[i], r.keys[j] = r.keys[j], r.keys[i]
	r.weight[i], r.weight[j] = r.weight[j], r.weight[i]
}

const (
	digitBits = 11
	digits    = (64 + digitBits - 1) / digitBits
	buckets   = 1 << digitBits
)

// sort sorts by key and keeps the order of equals, with tmp of the same length to work
// in: a radix sort from the lowest digit up, which leaves out digits that all keys
// share. O(n).
func (r ranked) sort(tmp ranked) {
	if len(r.keys) < buckets/2 {
		if r.weight == nil {
			slices.Sort(r.keys)
		} else {
			sort.Stable(r)
		}
		return
	}
	var counts [digits][buckets]int
	for _, k := range r.keys {
		for d := range counts {
			counts[d][k>>(d*digitBits)%buckets]++
		}
	}
	src, dst := r, tmp
	for d := range counts {
		shift, at := d*digitBits, &counts[d]
		if at[src.keys[0]>>shift%buckets] == len(src.keys) {
			continue
		}
		sum := 0
		for b, n := range at {
			at[b] = sum
			sum += n
		}
		src.scatter(dst, shift, at)
		src, dst = dst, src
	}
	if &src.keys[0] != &r.keys[0] {
		copy(r.keys, src.keys)
		copy(r.weight, src.weight)
	}
}

// scatter moves each row to the place of its bucket.
func (r ranked) scatter(dst ranked, shift int, at *[buckets]int) {
	if r.weight == nil {
		for _, k := range r.keys {
			b := k >> shift % buckets
			dst.keys[at[b]] = k
			at[b]++
		}
		return
	}
	for i, k := range r.keys {
		b := k >> shift % buckets
		dst.keys[at[b]], dst.weight[at[b]] = k, r.weight[i]
		at[b]++
	}
}

// eachCut calls f for every distinct score from the highest down, with the weight of
// the rows of label 1 and of label 0 that score as much or more.
func (r ranking) eachCut(f func(threshold, tp, fp float64)) {
	var tp, fp float64
	for i, j := 0, 0; i < len(r.pos.keys) || j < len(r.neg.keys); {
		var key uint64
		switch {
		case i == len(r.pos.keys):
			key = r.neg.keys[j]
		case j == len(r.neg.keys):
			key = r.pos.keys[i]
		default:
			key = min(r.pos.keys[i], r.neg.keys[j])
		}
		i, tp = r.pos.take(i, key, tp)
		j, fp = r.neg.take(j, key, fp)
		f(scoreOf(key), tp, fp)
	}
}

// take adds to sum the weights of the rows from i on that have the key, and returns the
// row after them.
func (r ranked) take(i int, key uint64, sum float64) (int, float64) {
	for ; i < len(r.keys) && r.keys[i] == key; i++ {
		sum += weight(r.weight, i)
	}
	return i, sum
}
