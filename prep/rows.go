package prep

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// checkFit is what most fits begin with: X, n×d, is not empty and finite, w fits it,
// and ctx is not done.
func checkFit(ctx context.Context, X gram.Matrix, w []float64) (n, d int, err error) {
	if n, d, err = gram.CheckMatrix(X); err != nil {
		return n, d, err
	}
	if _, err = gram.CheckWeights(w, n); err != nil {
		return n, d, err
	}
	return n, d, ctx.Err()
}

// eachRow calls f with rows lo ≤ i < hi of X in order.
func eachRow(X gram.Operator, lo, hi int, f func(i int, x []float64)) {
	_ = tryRows(X, lo, hi, func(i int, x []float64) error {
		f(i, x)
		return nil
	})
}

// tryRows calls f with rows lo ≤ i < hi of X in order, until it returns an error.
func tryRows(X gram.Operator, lo, hi int, f func(i int, x []float64) error) error {
	_, d := X.Dims()
	size := max(16, blockElems/d)
	buf := make([]float64, min(size, hi-lo)*d)
	for ; lo < hi; lo += size {
		end := min(lo+size, hi)
		block, stride := X.RowBlock(buf, lo, end)
		for i := lo; i < end; i++ {
			at := (i - lo) * stride
			if err := f(i, block[at:at+d:at+d]); err != nil {
				return err
			}
		}
	}
	return nil
}

// mapRows sets the rows of dst, n×out row-major, to what f makes of the rows of X,
// n×in: the body of a batch method. An error of f is told with its row.
func mapRows(dst []float64, X gram.Matrix, in, out int, f func(dst, x []float64) error) ([]float64, error) {
	n, err := gram.CheckFeatures(X, in)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n*out); err != nil {
		return nil, err
	}
	err = tryRows(linalg.AsOperator(X), 0, n, func(i int, x []float64) error {
		if err := f(dst[i*out:(i+1)*out], x); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// checkRow checks the arguments of a row method from in columns to out.
func checkRow(dst, x []float64, in, out int) error {
	if err := gram.CheckRow(x, in); err != nil {
		return err
	}
	return gram.CheckDst(dst, out)
}

// apart returns x, or a copy of it if dst is the same memory, for maps that write to
// dst before they have read all of x.
func apart(dst, x []float64) []float64 {
	if len(dst) > 0 && len(x) > 0 && &dst[0] == &x[0] {
		return slices.Clone(x)
	}
	return x
}

// columnsAtOnce is how many columns a read of X collects.
const columnsAtOnce = 8

// eachColumn calls f with a copy of each column of X, which f may change, on at most
// workers goroutines. The error is that of ctx or of the first column that has one.
func eachColumn(ctx context.Context, workers int, X gram.Matrix, f func(j int, column []float64) error) error {
	n, d := X.Dims()
	op := linalg.AsOperator(X)
	failed := make([]error, par.Blocks(d, columnsAtOnce))
	err := par.For(ctx, workers, d, columnsAtOnce, func(b, lo, hi int) {
		columns := make([]float64, n*(hi-lo))
		eachRow(op, 0, n, func(i int, x []float64) {
			for j, v := range x[lo:hi] {
				columns[j*n+i] = v
			}
		})
		for j := lo; j < hi && failed[b] == nil; j++ {
			failed[b] = f(j, columns[(j-lo)*n:(j-lo+1)*n])
		}
	})
	if err != nil {
		return err
	}
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}

// namesOf returns the names of d columns: those given or, for nil, x0, x1 and so on.
// It panics if there is another number of them.
func namesOf(in []string, d int) []string {
	if in == nil {
		in = make([]string, d)
		for j := range in {
			in[j] = "x" + strconv.Itoa(j)
		}
	}
	if len(in) != d {
		panic(fmt.Sprintf("prep: %d names for %d columns", len(in), d))
	}
	return in
}
