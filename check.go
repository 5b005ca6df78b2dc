package gram

import (
	"fmt"
	"math"
)

// CheckMatrix returns the shape of X, n rows by d columns, having read every
// element once: what a fit does with its X before anything else.
//
// Errors: ErrShape if X is nil or has no rows or no columns; ErrNonFinite, naming
// the first row and column at fault, if an element is NaN or infinite.
// O(n·d), at the speed of memory for a [RowBlocker] or [RowViewer], and no more
// than one block of rows of extra memory; less for a [FiniteChecker].
func CheckMatrix(X Matrix) (n, d int, err error) {
	if X == nil {
		return 0, 0, fmt.Errorf("X is nil: %w", ErrShape)
	}
	n, d = X.Dims()
	if n <= 0 || d <= 0 {
		return n, d, fmt.Errorf("X is %d×%d: %w", n, d, ErrShape)
	}
	switch m := X.(type) {
	case FiniteChecker:
		if i, j, found := m.FirstNonFinite(); found {
			err = nonFiniteElement(i, j, m.At(i, j))
		}
	case RowBlocker:
		err = checkBlocks(m, n, d)
	case RowViewer:
		for i := 0; i < n && err == nil; i++ {
			err = checkRow(m.RawRowView(i), i)
		}
	default:
		err = checkElements(m, n, d)
	}
	return n, d, err
}

// blockElements is how many elements a block of rows holds, one row at least:
// 1 MiB, small beside any cache that is shared and large beside a call.
const blockElements = 1 << 17

// blockRows returns the number of rows, of the given width, in a block.
func blockRows(width int) int { return max(1, blockElements/max(1, width)) }

func checkBlocks(X RowBlocker, n, d int) error {
	size := min(n, blockRows(d))
	buf := make([]float64, size*d)
	for lo := 0; lo < n; lo += size {
		hi := min(n, lo+size)
		block, stride := X.RowBlock(buf, lo, hi)
		if stride == d && finite(block[:(hi-lo)*d]) {
			continue
		}
		for i := lo; i < hi; i++ {
			at := (i - lo) * stride
			if err := checkRow(block[at:at+d], i); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkElements(X Matrix, n, d int) error {
	for i := range n {
		for j := range d {
			if v := X.At(i, j); nonFinite(v) {
				return nonFiniteElement(i, j, v)
			}
		}
	}
	return nil
}

// checkRow tests row i, whose elements are x.
func checkRow(x []float64, i int) error {
	if finite(x) {
		return nil
	}
	for j, v := range x {
		if nonFinite(v) {
			return nonFiniteElement(i, j, v)
		}
	}
	return nil
}

func nonFiniteElement(i, j int, v float64) error {
	return fmt.Errorf("row %d, column %d is %v: %w", i, j, v, ErrNonFinite)
}

// nonFinite tells whether v is NaN or infinite.
func nonFinite(v float64) bool { return v-v != 0 }

// finite tells whether every element is finite. A finite sum proves it, since NaN
// and the infinities never leave a sum again; only when it is not finite, which
// overflow can also bring about, is every element looked at.
func finite(x []float64) bool {
	var s0, s1, s2, s3 float64
	rest := x
	for len(rest) >= 4 {
		s0 += rest[0]
		s1 += rest[1]
		s2 += rest[2]
		s3 += rest[3]
		rest = rest[4:]
	}
	for _, v := range rest {
		s0 += v
	}
	if !nonFinite((s0 + s1) + (s2 + s3)) {
		return true
	}
	for _, v := range x {
		if nonFinite(v) {
			return false
		}
	}
	return true
}

// CheckLabels returns the number of classes K = max(y)+1 ≥ 2 of the labels of n
// rows.
//
// Errors: ErrShape if len(y) is not n; ErrLabels, naming the row or the class, if
// a label is negative, a class of 0..K−1 has no row, or there are fewer than two
// classes. O(n) time and at most n bytes, whatever the labels are.
func CheckLabels(y []int, n int) (classes int, err error) {
	if len(y) != n {
		return 0, fmt.Errorf("y has %d labels, X %d rows: %w", len(y), n, ErrShape)
	}
	for i, c := range y {
		if c < 0 {
			return 0, fmt.Errorf("label %d in row %d is negative: %w", c, i, ErrLabels)
		}
		if c >= n {
			// n rows cannot fill the classes 0..c, and c may be huge.
			return 0, fmt.Errorf("label %d in row %d, but %d rows cannot hold every class up to it: %w", c, i, n, ErrLabels)
		}
		classes = max(classes, c+1)
	}
	seen := make([]bool, classes)
	for _, c := range y {
		seen[c] = true
	}
	for c, ok := range seen {
		if !ok {
			return 0, fmt.Errorf("class %d of %d has no samples: %w", c, classes, ErrLabels)
		}
	}
	if classes < 2 {
		return 0, fmt.Errorf("y has %d of at least 2 classes: %w", classes, ErrLabels)
	}
	return classes, nil
}

// CheckTargets checks the targets of n rows.
//
// Errors: ErrShape if len(y) is not n; ErrNonFinite, naming the first row at
// fault. O(n).
func CheckTargets(y []float64, n int) error {
	if len(y) != n {
		return fmt.Errorf("y has %d targets, X %d rows: %w", len(y), n, ErrShape)
	}
	if finite(y) {
		return nil
	}
	for i, v := range y {
		if nonFinite(v) {
			return fmt.Errorf("target of row %d is %v: %w", i, v, ErrNonFinite)
		}
	}
	return nil
}

// CheckWeights returns the sum of the weights of n rows, which is n for nil.
//
// Errors: ErrShape if w is not nil and len(w) is not n; ErrWeights, naming the
// first row at fault, if a weight is negative or not finite, if none is above
// zero, or if their sum overflows. O(n).
func CheckWeights(w []float64, n int) (sum float64, err error) {
	if w == nil {
		return float64(n), nil
	}
	if len(w) != n {
		return 0, fmt.Errorf("w has %d weights, X %d rows: %w", len(w), n, ErrShape)
	}
	for i, v := range w {
		if !(v >= 0 && v <= math.MaxFloat64) {
			return 0, fmt.Errorf("weight of row %d is %v: %w", i, v, ErrWeights)
		}
		sum += v
	}
	if sum == 0 {
		return 0, fmt.Errorf("no weight of %d is above zero: %w", n, ErrWeights)
	}
	if nonFinite(sum) {
		return 0, fmt.Errorf("sum of the weights overflows: %w", ErrWeights)
	}
	return sum, nil
}

// CheckFeatures returns the number of rows of X, which may be 0, for a model of
// the given number of features: what a batch method does with its X before
// anything else. It reads no element. The error, ErrShape, names both counts. O(1).
func CheckFeatures(X Matrix, features int) (n int, err error) {
	if X == nil {
		return 0, fmt.Errorf("X is nil: %w", ErrShape)
	}
	n, d := X.Dims()
	if d != features {
		return 0, fmt.Errorf("X has %d features, the model %d: %w", d, features, ErrShape)
	}
	return n, nil
}

// CheckRow is [CheckFeatures] for the row methods: len(x) must be features, or
// the error, ErrShape, names both. It allocates nothing when there is no error. O(1).
func CheckRow(x []float64, features int) error {
	if len(x) != features {
		return rowLength(len(x), features)
	}
	return nil
}

// rowLength is apart so that CheckRow is inlined.
func rowLength(got, want int) error {
	return fmt.Errorf("x has %d features, the model %d: %w", got, want, ErrShape)
}

// Dst returns the slice that a batch method writes its n results to: a new one if
// dst is nil, dst itself if its length is n, and otherwise the error of [CheckDst].
func Dst[T any](dst []T, n int) ([]T, error) {
	if dst == nil {
		return make([]T, n), nil
	}
	if err := CheckDst(dst, n); err != nil {
		return nil, err
	}
	return dst, nil
}

// CheckDst is [Dst] for the row methods, which never allocate: len(dst) must be n,
// or the error, ErrShape, names both. It allocates nothing when there is no error.
// O(1).
func CheckDst[T any](dst []T, n int) error {
	if len(dst) != n {
		return dstLength(len(dst), n)
	}
	return nil
}

func dstLength(got, want int) error {
	return fmt.Errorf("dst has length %d, want %d: %w", got, want, ErrShape)
}
