package columns

import "math"

// boundsPortable is Bounds in Go.
func boundsPortable(x []uint32) (lo, hi float32) {
	lo, hi = float32(math.Inf(1)), float32(math.Inf(-1))
	for _, b := range x {
		v := math.Float32frombits(b)
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	return lo, hi
}

// sumsPortable is Sums in Go.
func sumsPortable(x, m []uint32, stride int, t float32) (w, wy float64) {
	n := len(x)
	m0, m1, m2, m3 := m[:n], m[stride:][:n], m[2*stride:][:n], m[3*stride:][:n]
	for i, b := range x {
		mask := uint64(0)
		if math.Float32frombits(b) <= t {
			mask = ^uint64(0)
		}
		w += math.Float64frombits((uint64(m0[i]) | uint64(m1[i])<<32) & mask)
		wy += math.Float64frombits((uint64(m2[i]) | uint64(m3[i])<<32) & mask)
	}
	return w, wy
}

// countPortable is Count in Go.
func countPortable(x, tops []uint32, t float32) (count, top int) {
	tops = tops[:len(x)]
	for i, b := range x {
		bit := uint32(0)
		if math.Float32frombits(b) <= t {
			bit = 1
		}
		count += int(bit)
		top += int(tops[i] >> 31 & bit)
	}
	return count, top
}

// markPortable is Mark in Go.
func markPortable(masks []uint16, x []uint32, t float32) int {
	count := 0
	for lo := 0; lo < len(x); lo += 16 {
		mask := uint16(0)
		for i, b := range x[lo:min(lo+16, len(x))] {
			bit := 0
			if math.Float32frombits(b) <= t {
				bit = 1
			}
			mask |= uint16(bit) << i
			count += bit
		}
		masks[lo/16] = mask
	}
	return count
}

// dividePortable is Divide in Go.
func dividePortable(block []uint32, stride, columns, n int, masks []uint16, spare []uint32) {
	for j := range columns {
		column := block[j*stride:][:n]
		l, r := 0, 0
		for i, v := range column {
			column[l], spare[r] = v, v // one of them counts
			goes := int(masks[i/16] >> (i % 16) & 1)
			l += goes
			r += 1 - goes
		}
		copy(column[l:], spare[:r])
	}
}

// gatherPortable is Gather in Go.
func gatherPortable(dst, src []uint32, width int, rows []int32) {
	n := len(rows)
	for i, r := range rows {
		for j, v := range src[int(r)*width : (int(r)+1)*width] {
			dst[j*n+i] = v
		}
	}
}
