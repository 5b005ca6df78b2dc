package linear

import (
	"fmt"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// eachBlock calls f with the scores at p of rows lo, lo+1 and so on of X, as
// finite numbers, one block of rows after the other.
func eachBlock(X gram.Matrix, p *params, f func(lo int, z []float64)) error {
	n, d := X.Dims()
	if n == 0 {
		return nil
	}
	x, cols := linalg.AsOperator(X), len(p.bias)
	rows := min(n, spanRows(d))
	buf := make([]float64, rows*cols)
	for lo := 0; lo < n; lo += rows {
		hi := min(n, lo+rows)
		z := buf[:(hi-lo)*cols]
		x.MulRows(z, lo, hi, p.coef, cols)
		addBias(z, p.bias)
		for i, v := range z {
			if v-v != 0 {
				return badRow(x, lo+i/cols, v)
			}
		}
		f(lo, z)
	}
	return nil
}

// result returns dst unless there is an error.
func result[T any](dst []T, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// badRow explains a score of row i that is not finite.
func badRow(x gram.Operator, i int, score float64) error {
	_, d := x.Dims()
	row, _ := x.RowBlock(make([]float64, d), i, i+1)
	return badScore(row[:d], i, score)
}

// badScore explains a score of row i, or of the only row if that is negative, that
// is not finite.
func badScore(x []float64, i int, score float64) error {
	where := "x"
	if i >= 0 {
		where = fmt.Sprintf("row %d", i)
	}
	for j, v := range x {
		if v-v != 0 {
			return fmt.Errorf("%s, column %d is %v: %w", where, j, v, gram.ErrNonFinite)
		}
	}
	return fmt.Errorf("linear: the score of %s is %v: %w", where, score, gram.ErrNonFinite)
}
