package linear

import (
	"fmt"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
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

// byScores sets dst, of each elements a row, from the scores of the rows of X, which
// must have a number of features. scores calls back for rows lo, lo+1 and so on, and set
// sets the elements of as many rows as it is given scores of.
func byScores[T any](dst []T, each int, X gram.Matrix, features int, scores func(X gram.Matrix, f func(lo int, z []float64)) error, set func(dst []T, z []float64)) ([]T, error) {
	n, err := gram.CheckFeatures(X, features)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, each*n); err != nil {
		return nil, err
	}
	err = scores(X, func(lo int, z []float64) { set(dst[each*lo:], z) })
	return result(dst, err)
}

// setScores, setClasses, setProbas and setLogProbas are what byScores sets for two classes.
func setScores(dst, z []float64) { copy(dst, z) }

func setClasses(dst []int, z []float64) {
	for i, v := range z {
		dst[i] = classOf(v)
	}
}

func setProbas(dst, z []float64) {
	for i, v := range z {
		setProba(dst[2*i:], v)
	}
}

func setLogProbas(dst, z []float64) {
	for i, v := range z {
		dst[2*i], dst[2*i+1] = logSigmoid(-v), logSigmoid(v)
	}
}

// rowScore returns x·coef + bias, checked.
func rowScore(x, coef []float64, bias float64) (float64, error) {
	if err := gram.CheckRow(x, len(coef)); err != nil {
		return 0, err
	}
	z := f64.Dot(x, coef) + bias
	if z-z != 0 {
		return 0, badScore(x, -1, z)
	}
	return z, nil
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
