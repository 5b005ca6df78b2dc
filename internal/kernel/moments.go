package kernel

// AddDiffs adds w·(x − origin) to sum, over len(sum) elements.
func AddDiffs[T Float](w T, x, origin, sum []T) {
	x, origin = x[:len(sum)], origin[:len(sum)]
	for j := range sum {
		sum[j] += w * (x[j] - origin[j])
	}
}

// AddSquares adds w·(x − mean) to slip and w·(x − mean)² to squares, over len(squares)
// elements.
func AddSquares[T Float](w T, x, mean, slip, squares []T) {
	x, mean, slip = x[:len(squares)], mean[:len(squares)], slip[:len(squares)]
	for j := range squares {
		d := x[j] - mean[j]
		slip[j] += w * d
		squares[j] += w * d * d
	}
}

// Standardize sets dst to (x − shift)·scale over len(dst) elements.
func Standardize[T Float](dst, x, shift, scale []T) {
	x, shift, scale = x[:len(dst)], shift[:len(dst)], scale[:len(dst)]
	for j := range dst {
		dst[j] = (x[j] - shift[j]) * scale[j]
	}
}

// Subtract sets dst to x − y over len(dst) elements.
func Subtract[T Float](dst, x, y []T) {
	x, y = x[:len(dst)], y[:len(dst)]
	for j := range dst {
		dst[j] = x[j] - y[j]
	}
}

// SubtractSquares sets dst to x − y and squares to (x − y)², over len(dst) elements.
func SubtractSquares[T Float](dst, x, y, squares []T) {
	x, y, squares = x[:len(dst)], y[:len(dst)], squares[:len(dst)]
	for j := range dst {
		v := x[j] - y[j]
		dst[j], squares[j] = v, v*v
	}
}
