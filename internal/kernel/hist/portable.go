package hist

// addPortable is Add in Go.
func addPortable(h *Word, bins []uint64, stride int, rows []int32, packed []int64, half bool) {
	if half {
		for _, r := range rows {
			p, b := packed[r], bins[int(r)*stride]
			h[0][uint8(b)] += p
			h[1][uint8(b>>8)] += p
			h[2][uint8(b>>16)] += p
			h[3][uint8(b>>24)] += p
		}
		return
	}
	for _, r := range rows {
		p, b := packed[r], bins[int(r)*stride]
		h[0][uint8(b)] += p
		h[1][uint8(b>>8)] += p
		h[2][uint8(b>>16)] += p
		h[3][uint8(b>>24)] += p
		h[4][uint8(b>>32)] += p
		h[5][uint8(b>>40)] += p
		h[6][uint8(b>>48)] += p
		h[7][uint8(b>>56)] += p
	}
}

// partitionPortable is Partition in Go.
func partitionPortable(left *[256]uint8, bins []uint64, feature, stride int, rows, spare []int32) int {
	shift := feature * 8 & 63
	spare = spare[:len(rows)]
	l, r := 0, 0
	for _, row := range rows {
		goes := int(left[uint8(bins[int(row)*stride]>>shift)])
		rows[l], spare[r] = row, row
		l += goes
		r += 1 - goes
	}
	return l
}

// subtractPortable is Subtract in Go.
func subtractPortable(h, x *Word) {
	for j := range h {
		to, from := &h[j], &x[j]
		for b, v := range from {
			to[b] -= v
		}
	}
}

// occupiedPortable is Occupied in Go.
func occupiedPortable(dst *[4]uint64, h *[256]int64) {
	for w := range dst {
		bits := uint64(0)
		for b, v := range h[64*w : 64*w+64] {
			// The sign of v or of −v is set unless v is 0.
			bits |= uint64(v|-v) >> 63 << b
		}
		dst[w] = bits
	}
}
