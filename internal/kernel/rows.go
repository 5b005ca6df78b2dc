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
