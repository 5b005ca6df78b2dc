package sparse

import (
	"sort"

	"golang.org/x/exp/constraints"
	"gonum.org/v1/gonum/mat"
)

// A CSC is a matrix in compressed sparse columns: the transposed view of a CSR,
// whose row j is column j of this matrix. Both views of one memory cost nothing to
// make; see [CSR.View].
//
// It is a gram.Operator, but what works by rows has to search each column:
// [CSC.ToCSR] first is better for more than a few calls.
type CSC[T constraints.Float] struct {
	// Trans is the transpose of this matrix.
	Trans *CSR[T]
}

// Dims returns the shape.
func (m *CSC[T]) Dims() (rows, cols int) { return m.Trans.Cols, m.Trans.Rows }

// NNZ returns the number of entries.
func (m *CSC[T]) NNZ() int64 { return m.Trans.NNZ() }

// At returns element (i, j) as float64, by binary search. It panics outside the shape.
func (m *CSC[T]) At(i, j int) float64 {
	checkElement(i, j, m.Trans.Cols, m.Trans.Rows)
	return m.Trans.At(j, i)
}

// T returns the transposed matrix, a *[CSR]. O(1).
func (m *CSC[T]) T() mat.Matrix { return m.Trans }

// Column returns views of the rows and values of column j. It panics outside the shape.
func (m *CSC[T]) Column(j int) (row []uint32, val []T) { return m.Trans.Row(j) }

// ToCSR returns the matrix by rows; see [CSR.Transpose].
func (m *CSC[T]) ToCSR() *CSR[T] { return m.Trans.Transpose() }

// MulVec sets dst to A·x; see [CSR.MulTransVec].
func (m *CSC[T]) MulVec(dst, x []T) { m.Trans.MulTransVec(dst, x) }

// MulTransVec sets dst to Aᵀ·x; see [CSR.MulVec].
func (m *CSC[T]) MulTransVec(dst, x []T) { m.Trans.MulVec(dst, x) }

// FirstNonFinite returns the place of the first entry, by rows, that is NaN or
// infinite; see gram.FiniteChecker. O(columns + entries).
func (m *CSC[T]) FirstNonFinite() (row, col int, found bool) {
	for j := range m.Trans.Rows {
		rows, val := m.Trans.Row(j)
		for k, i := range rows {
			if x := val[k]; x-x != 0 && (!found || int(i) < row) {
				row, col, found = int(i), j, true
			}
		}
	}
	return row, col, found
}

// within returns the entries of column j in rows lo ≤ i < hi.
func (m *CSC[T]) within(j, lo, hi int) (row []uint32, val []T) {
	row, val = m.Trans.Row(j)
	first := sort.Search(len(row), func(k int) bool { return int64(row[k]) >= int64(lo) })
	end := first + sort.Search(len(row)-first, func(k int) bool { return int64(row[first+k]) >= int64(hi) })
	return row[first:end], val[first:end]
}

// eachWithin calls f for the entries in rows lo ≤ i < hi, by columns.
func (m *CSC[T]) eachWithin(lo, hi int, f func(i, j int, v float64)) {
	for j := range m.Trans.Rows {
		row, val := m.within(j, lo, hi)
		for k, i := range row {
			f(int(i)-lo, j, float64(val[k]))
		}
	}
}

// RowBlock writes rows lo ≤ i < hi to buf, dense; see gram.RowBlocker.
// O((hi-lo)·cols + cols·log(entries of a column)).
func (m *CSC[T]) RowBlock(buf []float64, lo, hi int) (block []float64, stride int) {
	_, cols := m.checkRows(lo, hi)
	block = buf[:(hi-lo)*cols]
	clear(block)
	m.eachWithin(lo, hi, func(i, j int, v float64) { block[i*cols+j] = v })
	return block, cols
}

// MulRows sets dst to X[lo:hi]·B; see gram.Operator.
// O(k·entries of the rows + cols·log(entries of a column)).
func (m *CSC[T]) MulRows(dst []float64, lo, hi int, b []float64, k int) {
	_, cols := m.checkRows(lo, hi)
	checkOperand("MulRows", dst, hi-lo, b, cols, k)
	clear(dst)
	m.eachWithin(lo, hi, func(i, j int, v float64) {
		axpy(v, b[j*k:(j+1)*k], dst[i*k:(i+1)*k])
	})
}

// AddTransMulRows adds X[lo:hi]ᵀ·G to dst; see gram.Operator. Costs are those of MulRows.
func (m *CSC[T]) AddTransMulRows(dst []float64, lo, hi int, g []float64, k int) {
	_, cols := m.checkRows(lo, hi)
	checkOperand("AddTransMulRows", dst, cols, g, hi-lo, k)
	m.eachWithin(lo, hi, func(i, j int, v float64) {
		axpy(v, g[i*k:(i+1)*k], dst[j*k:(j+1)*k])
	})
}

func (m *CSC[T]) checkRows(lo, hi int) (rows, cols int) {
	rows, cols = m.Dims()
	checkSpan("rows", lo, hi, rows, cols)
	return rows, cols
}
