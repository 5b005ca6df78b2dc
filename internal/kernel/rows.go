package kernel

// ShiftRows sets dst to x, rows of k elements, less the largest of their row, which tops gets.
func ShiftRows[T Float](dst, x, tops []T, k int) {
	for i := range tops {
		row, out := x[i*k:(i+1)*k], dst[i*k:(i+1)*k]
		top := row[0]
		for _, v := range row[1:] {
			if v > top {
				top = v
			}
		}
		tops[i] = top
		for j, v := range row {
			out[j] = v - top
		}
	}
}

// ShareRows divides x, rows of k elements, by the sum of their row, which sums gets.
func ShareRows[T Float](x, sums []T, k int) {
	for i := range sums {
		row, sum := x[i*k:(i+1)*k], T(0)
		for _, v := range row {
			sum += v
		}
		sums[i] = sum
		for j := range row {
			row[j] *= 1 / sum
		}
	}
}

// GatherAhead is how many more places [GatherRows] gets than there are rows.
const GatherAhead = 16

// GatherRows sets dst[to[r]:] to src[from[r]:] less the origin, rows of its length, for each r
// of to. from ends in GatherAhead more places of rows, which are not copied.
func GatherRows[T Float](dst, src, origin []T, from, to []int) {
	d := len(origin)
	for r, t := range to {
		s := src[from[r] : from[r]+d]
		out := dst[t : t+d]
		for j, v := range origin {
			out[j] = s[j] - v
		}
	}
}
