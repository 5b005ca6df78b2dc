package calib

import (
	"cmp"
	"math"
	"slices"
)

// A keyed is a row and what it is sorted by.
type keyed struct {
	key uint64
	row uint32
}

// keyOf returns a number that orders as v does; v is not NaN. The two zeros are one.
func keyOf(v float64) uint64 {
	b := math.Float64bits(v + 0)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

// valueOf returns the number whose key it is.
func valueOf(key uint64) float64 {
	if key>>63 != 0 {
		return math.Float64frombits(key &^ (1 << 63))
	}
	return math.Float64frombits(^key)
}

// few is how many are sorted by comparisons: the radix sort's counts take longer.
const few = 1024

// sortKeyed sorts by key and leaves the order of equal ones. buf, of the same
// length, is memory; the result is in one of the two. O(n).
func sortKeyed(x, buf []keyed) []keyed {
	sorted := true
	for i := 1; i < len(x) && sorted; i++ {
		sorted = x[i-1].key <= x[i].key
	}
	switch {
	case sorted:
		return x
	case len(x) <= few:
		slices.SortStableFunc(x, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
		return x
	}
	const bits, digits = 11, 6
	var counts [digits][1 << bits]uint32
	for _, v := range x {
		for d := range digits {
			counts[d][v.key>>(d*bits)&(1<<bits-1)]++
		}
	}
	for d := range digits {
		shift, count := d*bits, &counts[d]
		if count[x[0].key>>shift&(1<<bits-1)] == uint32(len(x)) {
			continue // all alike in this digit
		}
		at := uint32(0)
		for i, c := range count {
			count[i] = at
			at += c
		}
		for _, v := range x {
			digit := v.key >> shift & (1<<bits - 1)
			buf[count[digit]] = v
			count[digit]++
		}
		x, buf = buf, x
	}
	return x
}
