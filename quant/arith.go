package quant

import "fmt"

// Add sets dst to a + b, element by element and clamped to the range of T, and
// returns how many elements were. dst may be a or b. It panics if the lengths
// differ. O(len(dst)).
func Add[T Int](dst, a, b []T) (saturated int) {
	return elementwise("Add", dst, a, b, func(x, y int32) int32 { return x + y })
}

// Sub is [Add] for a − b.
func Sub[T Int](dst, a, b []T) (saturated int) {
	return elementwise("Sub", dst, a, b, func(x, y int32) int32 { return x - y })
}

// Mul is [Add] for a·b.
func Mul[T Int](dst, a, b []T) (saturated int) {
	return elementwise("Mul", dst, a, b, func(x, y int32) int32 { return x * y })
}

func elementwise[T Int](name string, dst, a, b []T, f func(x, y int32) int32) (saturated int) {
	if len(a) != len(dst) || len(b) != len(dst) {
		panic(fmt.Sprintf("quant: %s of lengths %d and %d into %d", name, len(a), len(b), len(dst)))
	}
	lo, hi := limits[T]()
	for i, x := range a {
		exact := f(int32(x), int32(b[i]))
		v := min(max(exact, lo), hi)
		if v != exact {
			saturated++
		}
		dst[i] = T(v)
	}
	return saturated
}
