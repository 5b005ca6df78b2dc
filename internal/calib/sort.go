package calib

import (
	"math"
	"slices"

	"github.com/gram-ml/gram/internal/mem"
)

// keyOf returns a number that orders as v does; v is not NaN. The two zeros are one.
func keyOf(v float64) uint64 {
	b := math.Float64bits(v + 0)
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

// A keyed is half of a key and, in the lower half, the row that has it: there are no two
// of the same row, so that sorting them leaves the order of rows of equal keys.
type keyed uint64

func (k keyed) row() uint32 { return uint32(k) }

// inOrder returns the rows of positive weight, all where w is nil, in ascending order of x.
// It sorts by the upper halves of keys, in which most differ, and where they do not by the
// lower ones. O(n).
func inOrder(x, w []float64) []keyed {
	order := mem.Make[keyed](len(x))[:0]
	last, sorted := uint64(0), true
	for i, v := range x {
		if w != nil && w[i] == 0 {
			continue
		}
		key := keyOf(v)
		order = append(order, keyed(key&^math.MaxUint32|uint64(i)))
		sorted = sorted && last <= key
		last = key
	}
	if sorted {
		return order
	}
	buf := mem.Make[keyed](len(order))
	if len(order) > few {
		order, buf = radix(order, buf)
	} else {
		slices.Sort(order)
	}
	for lo, hi := 0, 0; lo < len(order); lo = hi {
		upper := order[lo] >> 32
		for hi++; hi < len(order) && order[hi]>>32 == upper; {
			hi++
		}
		if hi-lo > 1 {
			byLower(order[lo:hi], buf[lo:hi], x)
		}
	}
	return order
}

// byLower sorts rows whose keys have one upper half.
func byLower(order, buf []keyed, x []float64) {
	for i, k := range order {
		order[i] = keyed(keyOf(x[k.row()])<<32 | uint64(k.row()))
	}
	if len(order) <= few {
		slices.Sort(order)
		return
	}
	out, _ := radix(order, buf)
	copy(order, out)
}

// few is how many are sorted by comparisons: the radix sort's counts take longer.
const few = 1024

// radix sorts by the upper halves of x, of which those that are equal stay in order. The
// result and what is left as memory are x and buf, or the other way about.
func radix(x, buf []keyed) (sorted, rest []keyed) {
	const bits, digits = 11, 3
	var counts [digits][1 << bits]uint32
	for _, v := range x {
		for d := range digits {
			counts[d][v>>(32+d*bits)&(1<<bits-1)]++
		}
	}
	for d := range digits {
		shift, count := 32+d*bits, &counts[d]
		if count[x[0]>>shift&(1<<bits-1)] == uint32(len(x)) {
			continue // all alike in this digit
		}
		at := uint32(0)
		for i, c := range count {
			count[i] = at
			at += c
		}
		for _, v := range x {
			digit := v >> shift & (1<<bits - 1)
			buf[count[digit]] = v
			count[digit]++
		}
		x, buf = buf, x
	}
	return x, buf
}
