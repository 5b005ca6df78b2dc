package sparse

import (
	"fmt"
	"github.com/gram-ml/gram/internal/mem"
	"math"

	"golang.org/x/exp/constraints"
)

// SliceRows returns a view of rows lo ≤ i < hi, over the same memory. It panics
// outside the shape. O(1).
func (m *CSR[T]) SliceRows(lo, hi int) *CSR[T] {
	m.checkRows(lo, hi)
	return &CSR[T]{Rows: hi - lo, Cols: m.Cols, Ptr: m.Ptr[lo : hi+1 : hi+1], Col: m.Col, Val: m.Val}
}

// SliceCols returns a copy of columns lo ≤ j < hi. It panics outside the shape.
// O(Rows·log(row) + entries kept).
func (m *CSR[T]) SliceCols(lo, hi int) *CSR[T] {
	checkSpan("columns", lo, hi, m.Rows, m.Cols)
	v := m.View() // whose columns are the rows of m
	ptr := mem.Make[int64](m.Rows + 1)
	for i := range m.Rows {
		col, _ := v.within(i, lo, hi)
		ptr[i+1] = ptr[i] + int64(len(col))
	}
	out := withPointers[T](m.Rows, hi-lo, ptr)
	for i := range m.Rows {
		col, val := v.within(i, lo, hi)
		c, x := out.Row(i)
		copy(x, val)
		for k, j := range col {
			c[k] = j - uint32(lo)
		}
	}
	return out
}

// SelectRows returns a copy of the given rows, in the given order; a row may be there
// more than once. It panics if one is outside the shape. O(rows + their entries).
func (m *CSR[T]) SelectRows(rows []int) *CSR[T] {
	ptr := mem.Make[int64](len(rows) + 1)
	for k, i := range rows {
		col, _ := m.Row(i)
		ptr[k+1] = ptr[k] + int64(len(col))
	}
	out := withPointers[T](len(rows), m.Cols, ptr)
	for k, i := range rows {
		col, val := m.Row(i)
		c, x := out.Row(k)
		copy(c, col)
		copy(x, val)
	}
	return out
}

// SelectCols returns a copy of the given columns, in the given order; a column may be
// there more than once. It panics if one is outside the shape. It is a product with a
// matrix of ones at (cols[k], k): O(Rows + Cols + entries).
func (m *CSR[T]) SelectCols(cols []int) *CSR[T] {
	s := &COO[T]{Rows: m.Cols, Cols: len(cols)}
	for k, j := range cols {
		if uint(j) >= uint(m.Cols) {
			panic(fmt.Sprintf("sparse: column %d of a %d×%d matrix", j, m.Rows, m.Cols))
		}
		s.Append(j, k, 1)
	}
	return Mul(m, s.ToCSR(SumDuplicates))
}

// VStack returns the matrices below each other. It panics if there is none or the
// numbers of columns differ. O(rows + entries).
func VStack[T constraints.Float](ms ...*CSR[T]) *CSR[T] {
	if len(ms) == 0 {
		panic("sparse: VStack of no matrices")
	}
	rows, nnz := 0, int64(0)
	for _, m := range ms {
		if m.Cols != ms[0].Cols {
			panic(fmt.Sprintf("sparse: VStack of %d and %d columns", ms[0].Cols, m.Cols))
		}
		rows += m.Rows
		nnz += m.NNZ()
	}
	out := &CSR[T]{Rows: rows, Cols: ms[0].Cols, Ptr: make([]int64, 1, rows+1), Col: make([]uint32, 0, nnz), Val: make([]T, 0, nnz)}
	for _, m := range ms {
		first, end := m.Ptr[0], m.Ptr[m.Rows]
		shift := int64(len(out.Col)) - first
		for _, p := range m.Ptr[1:] {
			out.Ptr = append(out.Ptr, p+shift)
		}
		out.Col = append(out.Col, m.Col[first:end]...)
		out.Val = append(out.Val, m.Val[first:end]...)
	}
	return out
}

// HStack returns the matrices beside each other. It panics if there is none, the
// numbers of rows differ, or there are more than 2³² columns in all.
// O(rows·matrices + entries).
func HStack[T constraints.Float](ms ...*CSR[T]) *CSR[T] {
	if len(ms) == 0 {
		panic("sparse: HStack of no matrices")
	}
	cols, nnz := 0, int64(0)
	for _, m := range ms {
		if m.Rows != ms[0].Rows {
			panic(fmt.Sprintf("sparse: HStack of %d and %d rows", ms[0].Rows, m.Rows))
		}
		cols += m.Cols
		nnz += m.NNZ()
	}
	if int64(cols) > maxDim {
		panic("sparse: HStack of more than 2³² columns")
	}
	out := &CSR[T]{Rows: ms[0].Rows, Cols: cols, Ptr: make([]int64, ms[0].Rows+1), Col: make([]uint32, 0, nnz), Val: make([]T, 0, nnz)}
	for i := range out.Rows {
		at := 0
		for _, m := range ms {
			col, val := m.Row(i)
			for _, j := range col {
				out.Col = append(out.Col, uint32(at+int(j)))
			}
			out.Val = append(out.Val, val...)
			at += m.Cols
		}
		out.Ptr[i+1] = int64(len(out.Col))
	}
	return out
}

// Prune returns a copy without the entries of magnitude at most threshold: with 0,
// without explicit zeros. NaNs stay. It panics if the threshold is negative or NaN.
// O(Rows + entries).
func (m *CSR[T]) Prune(threshold float64) *CSR[T] {
	if !(threshold >= 0) {
		panic(fmt.Sprintf("sparse: Prune with threshold %v", threshold))
	}
	return m.Filter(func(_, _ int, v T) bool { return !(math.Abs(float64(v)) <= threshold) })
}

// Filter returns a copy of the entries for which keep(row, column, value) is true.
// O(Rows + entries).
func (m *CSR[T]) Filter(keep func(i, j int, v T) bool) *CSR[T] {
	out := &CSR[T]{Rows: m.Rows, Cols: m.Cols, Ptr: mem.Make[int64](m.Rows + 1)}
	for i := range m.Rows {
		col, val := m.Row(i)
		for k, j := range col {
			if keep(i, int(j), val[k]) {
				out.Col, out.Val = append(out.Col, j), append(out.Val, val[k])
			}
		}
		out.Ptr[i+1] = int64(len(out.Col))
	}
	return out
}
