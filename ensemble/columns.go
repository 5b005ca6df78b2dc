package ensemble

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// columnsAtOnce is how many columns a read of X collects.
const columnsAtOnce = 8

// readBlock is how many rows are read at once.
const readBlock = 256

// eachRow calls f with the rows of op from lo to hi−1 in order.
func eachRow(op gram.Operator, lo, hi int, f func(i int, x []float64)) {
	_, d := op.Dims()
	buf := make([]float64, min(readBlock, hi-lo)*d)
	for ; lo < hi; lo += readBlock {
		end := min(lo+readBlock, hi)
		block, stride := op.RowBlock(buf, lo, end)
		for i := lo; i < end; i++ {
			at := (i - lo) * stride
			f(i, block[at:at+d:at+d])
		}
	}
}

// checkShape returns the shape of X, which must have rows and columns. What the
// elements are is seen when they are read.
func checkShape(X gram.Matrix) (n, d int, err error) {
	if X == nil {
		return 0, 0, fmt.Errorf("X is nil: %w", gram.ErrShape)
	}
	if n, d = X.Dims(); n <= 0 || d <= 0 {
		return n, d, fmt.Errorf("X is %d×%d: %w", n, d, gram.ErrShape)
	}
	return n, d, nil
}

// infinity returns the error about the first infinite element of X, for fits that
// have met one.
func infinity(X gram.Matrix) error {
	n, _ := X.Dims()
	var err error
	eachRow(linalg.AsOperator(X), 0, n, func(i int, x []float64) {
		for j, v := range x {
			if err == nil && math.IsInf(v, 0) {
				err = fmt.Errorf("row %d, column %d is %v: %w", i, j, v, gram.ErrNonFinite)
			}
		}
	})
	return err
}

// eachColumn calls f with every column of X, restricted to the given rows, nil for
// all, on at most workers goroutines. f may change the column. NaN passes as a
// missing value; infinities end in an error that names the first.
func eachColumn(ctx context.Context, workers int, X gram.Matrix, rows []int32, f func(j int, column []float64)) error {
	n, d := X.Dims()
	size := n
	if rows != nil {
		size = len(rows)
	}
	op := linalg.AsOperator(X)
	infinite := make([]bool, par.Blocks(d, columnsAtOnce))
	err := par.For(ctx, workers, d, columnsAtOnce, func(b, lo, hi int) {
		columns := make([]float64, size*(hi-lo))
		at := 0
		eachRow(op, 0, n, func(i int, x []float64) {
			if rows != nil && (at == len(rows) || rows[at] != int32(i)) {
				for _, v := range x[lo:hi] {
					infinite[b] = infinite[b] || math.IsInf(v, 0)
				}
				return
			}
			for j, v := range x[lo:hi] {
				infinite[b] = infinite[b] || math.IsInf(v, 0)
				columns[j*size+at] = v
			}
			at++
		})
		for j := lo; j < hi && !infinite[b]; j++ {
			f(j, columns[(j-lo)*size:(j-lo+1)*size])
		}
	})
	if err != nil {
		return err
	}
	if slices.Contains(infinite, true) {
		return infinity(X)
	}
	return nil
}

// present returns the rows of weight above zero, nil if they are all, with their
// weights.
func present(w []float64, n int) (rows []int32, weights []float64) {
	if w == nil || !slices.Contains(w, 0) {
		return nil, w
	}
	rows = make([]int32, 0, n)
	for i, v := range w {
		if v > 0 {
			rows = append(rows, int32(i))
			weights = append(weights, v)
		}
	}
	return rows, weights
}

// pick returns the elements of x in the given rows, x itself for nil.
func pick[T any](x []T, rows []int32) []T {
	if rows == nil {
		return x
	}
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = x[r]
	}
	return out
}

// A keyed is a value to be sorted and where it came from.
type keyed struct {
	key uint64
	row int32
}

// sortable maps the order of floats without NaN to that of integers; −0 is 0.
func sortable(v float64) uint64 {
	b := math.Float64bits(v + 0)
	if b>>63 == 1 {
		return ^b
	}
	return b | 1<<63
}

// unsortable is the inverse of sortable.
func unsortable(k uint64) float64 {
	if k>>63 == 1 {
		return math.Float64frombits(k &^ (1 << 63))
	}
	return math.Float64frombits(^k)
}

// radixBits is the width of a digit of sortKeys.
const radixBits = 11

// sortKeys sorts x stably by its keys, with a buffer of the same length. O(n).
func sortKeys(x, buf []keyed) {
	if len(x) < 512 {
		slices.SortStableFunc(x, func(a, b keyed) int {
			if a.key < b.key {
				return -1
			}
			if a.key > b.key {
				return 1
			}
			return 0
		})
		return
	}
	const digits = (64 + radixBits - 1) / radixBits
	var counts [digits][1 << radixBits]int32
	for _, v := range x {
		for d := range digits {
			counts[d][v.key>>(d*radixBits)&(1<<radixBits-1)]++
		}
	}
	from, to := x, buf
	for d := range digits {
		shift := d * radixBits
		count := &counts[d]
		if count[from[0].key>>shift&(1<<radixBits-1)] == int32(len(x)) {
			continue // all the same
		}
		at := int32(0)
		for i, c := range count {
			count[i] = at
			at += c
		}
		for _, v := range from {
			digit := v.key >> shift & (1<<radixBits - 1)
			to[count[digit]] = v
			count[digit]++
		}
		from, to = to, from
	}
	if &from[0] != &x[0] {
		copy(x, from)
	}
}

// midpoint returns a threshold between a < b: x ≤ midpoint holds for a and not for b. It
// is a if b is infinite.
func midpoint(a, b float64) float64 {
	m := a/2 + b/2
	if !(m >= a && m < b) {
		return a
	}
	return m
}

// shortMidpoint is midpoint rounded to float32, which makes nodes of forests short, if
// there is such a number between.
func shortMidpoint(a, b float64) float64 {
	m := midpoint(a, b)
	s := float32(m)
	if float64(s) < a {
		s = math.Nextafter32(s, float32(math.Inf(1)))
	}
	if t := float64(s); t >= a && t < b {
		return t
	}
	return m
}
