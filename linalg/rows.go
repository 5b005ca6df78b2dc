package linalg

import "github.com/gram-ml/gram"

// Rows returns a view of the given rows of X, in the given order; a row may come more
// than once. Nothing is copied: the view reads rows and X, which must not change while
// it is in use, and is as fast as X allows. Stretches of consecutive rows of a dense X
// are handed out as they are, other rows are gathered block by block, and an X that
// multiplies by itself (a gram.Operator, as sparse matrices are) multiplies the view.
//
// A row that X does not have panics when it is read. O(1).
func Rows(X gram.Matrix, rows []int) gram.Matrix {
	_, d := X.Dims()
	v := rowsView{AsOperator(X), rows, d}
	if _, ok := X.(gram.Operator); ok {
		return operatorView{v}
	}
	return v
}

// rowsView is some of the rows of a matrix.
type rowsView struct {
	X    gram.Operator
	rows []int
	cols int
}

func (v rowsView) Dims() (rows, cols int) { return len(v.rows), v.cols }

func (v rowsView) At(i, j int) float64 { return v.X.At(v.rows[i], j) }

func (v rowsView) RowBlock(buf []float64, lo, hi int) (block []float64, stride int) {
	if stretch(v.rows[lo:hi]) == hi-lo && lo < hi {
		return v.X.RowBlock(buf, v.rows[lo], v.rows[lo]+hi-lo)
	}
	d := v.cols
	v.eachRun(lo, hi, func(at, from, to int) {
		dst := buf[at*d : (at+to-from)*d]
		src, stride := v.X.RowBlock(dst, from, to)
		if len(src) == 0 || &src[0] == &dst[0] {
			return
		}
		for i := range to - from {
			copy(dst[i*d:(i+1)*d], src[i*stride:i*stride+d])
		}
	})
	return buf[:(hi-lo)*d], d
}

// eachRun calls f for each stretch of consecutive rows from ≤ i < to of X among rows
// lo ≤ i < hi of the view; at counts from lo.
func (v rowsView) eachRun(lo, hi int, f func(at, from, to int)) {
	for at := lo; at < hi; {
		n := stretch(v.rows[at:hi])
		f(at-lo, v.rows[at], v.rows[at]+n)
		at += n
	}
}

// stretch returns how many rows from the first on follow each other.
func stretch(rows []int) int {
	for i := range rows {
		if rows[i] != rows[0]+i {
			return i
		}
	}
	return len(rows)
}

// operatorView multiplies with the products of the matrix itself.
type operatorView struct{ rowsView }

func (v operatorView) MulRows(dst []float64, lo, hi int, b []float64, k int) {
	v.eachRun(lo, hi, func(at, from, to int) {
		v.X.MulRows(dst[at*k:(at+to-from)*k], from, to, b, k)
	})
}

func (v operatorView) AddTransMulRows(dst []float64, lo, hi int, g []float64, k int) {
	v.eachRun(lo, hi, func(at, from, to int) {
		v.X.AddTransMulRows(dst, from, to, g[at*k:(at+to-from)*k], k)
	})
}
