package hist

import "github.com/gram-ml/gram/internal/cpu"

// ahead is how many rows before its turn the memory of a row is asked for.
const ahead = 16

// Add adds the packed numbers of the first n rows to the sums of a word's features, of the
// first four if half is set. bins begins with the word in row 0. Of the rows after the
// first n the memory is fetched, which is no use unless their turn comes next; fetch
// says whether any is to be fetched.
func Add(h *Word, bins []uint64, stride int, rows []int32, n int, packed []int64, half, fetch bool) {
	switch {
	case n == 0:
	case cpu.Current() < cpu.AVX2:
		addPortable(h, bins, stride, rows[:n], packed, half)
	case half:
		addHalf(h, &bins[0], 8*stride, &rows[0], fetched(fetch, rows, n), n, &packed[0])
	default:
		addWord(h, &bins[0], 8*stride, &rows[0], fetched(fetch, rows, n), n, &packed[0])
	}
}

// fetched returns for how many of n rows there is a row ahead.
func fetched(fetch bool, rows []int32, n int) int {
	if !fetch {
		return 0
	}
	return min(n, max(len(rows)-ahead, 0))
}

// Partition moves the rows whose bin is 1 in left to the front and copies the others to
// spare, both in order, and returns how many were moved. bins begins with the word of row 0
// that has the feature, the given one of 8. spare has the length of rows, which keeps
// nothing of use after those moved.
func Partition(left *[256]uint8, bins []uint64, feature, stride int, rows, spare []int32) int {
	switch {
	case len(rows) == 0:
		return 0
	case cpu.Current() < cpu.AVX2:
		return partitionPortable(left, bins, feature, stride, rows, spare)
	}
	return partition(left, &bins[0], feature, 8*stride, &rows[0], fetched(true, rows, len(rows)), len(rows), &spare[0])
}

// Subtract takes x from h.
func Subtract(h, x *Word) {
	if cpu.Current() < cpu.AVX2 {
		subtractPortable(h, x)
		return
	}
	subtractAVX2(h, x)
}

// Occupied sets the bits of dst to whether the bins of h are not 0.
func Occupied(dst *[4]uint64, h *[256]int64) {
	if cpu.Current() < cpu.AVX2 {
		occupiedPortable(dst, h)
		return
	}
	occupiedAVX2(dst, h)
}
