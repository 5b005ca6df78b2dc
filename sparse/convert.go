package sparse

import (
	"fmt"
	"maps"
	"slices"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/linalg"
)

// FromDense returns the elements of X above threshold in magnitude, and NaNs, as
// entries. It reads X by At, or faster by the interfaces of gram. The error wraps
// gram.ErrShape or gram.ErrParam: X is nil or wider than 2³², or the threshold is
// not a number ≥ 0. O(rows·cols), as every element is looked at.
func FromDense[T constraints.Float](X gram.Matrix, threshold float64) (*CSR[T], error) {
	if X == nil {
		return nil, shapeError("X is nil")
	}
	if !(threshold >= 0) {
		return nil, fmt.Errorf("sparse: threshold is %v, want ≥ 0: %w", threshold, gram.ErrParam)
	}
	n, d := X.Dims()
	b, err := NewBuilder[T](d)
	if err != nil {
		return nil, err
	}
	op := linalg.AsOperator(X)
	buf := make([]float64, d)
	for i := range n {
		row, _ := op.RowBlock(buf, i, i+1)
		for j, v := range row[:d] {
			if v > threshold || v < -threshold || v != v {
				b.Set(j, T(v))
			}
		}
		b.EndRow()
	}
	return b.Matrix(), nil
}

// FromMaps returns the matrix whose row i has the entries rows[i], by column. The
// error wraps gram.ErrShape: a column outside 0..cols−1. O(entries·log(row)).
func FromMaps[T constraints.Float](cols int, rows []map[int]T) (*CSR[T], error) {
	b, err := NewBuilder[T](cols)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		for _, j := range slices.Sorted(maps.Keys(row)) {
			if err := b.Set(j, row[j]); err != nil {
				return nil, err
			}
		}
		b.EndRow()
	}
	return b.Matrix(), nil
}

// ToDense returns the matrix with all its elements. O(Rows·Cols), as they are asked for.
func (m *CSR[T]) ToDense() *linalg.Dense[T] {
	out := linalg.NewDense[T](m.Rows, m.Cols, nil)
	for i := range m.Rows {
		row := out.Row(i)
		col, val := m.Row(i)
		for k, c := range col {
			row[c] = val[k]
		}
	}
	return out
}

// ToCOO returns the entries as a list, in order. It panics if there are more than
// 2³² rows. O(Rows + entries).
func (m *CSR[T]) ToCOO() *COO[T] {
	if int64(m.Rows) > maxDim {
		panic("sparse: ToCOO of more than 2³² rows")
	}
	c := m.Clone()
	out := &COO[T]{Rows: m.Rows, Cols: m.Cols, Row: mem.Make[uint32](len(c.Val)), Col: c.Col, Val: c.Val}
	for i := range m.Rows {
		for p := c.Ptr[i]; p < c.Ptr[i+1]; p++ {
			out.Row[p] = uint32(i)
		}
	}
	return out
}

// Identity returns the n×n identity. It panics unless 0 ≤ n ≤ 2³².
func Identity[T constraints.Float](n int) *CSR[T] {
	if n < 0 || int64(n) > maxDim {
		panic(fmt.Sprintf("sparse: identity of size %d", n))
	}
	m := &CSR[T]{Rows: n, Cols: n, Ptr: mem.Make[int64](n + 1), Col: mem.Make[uint32](n), Val: mem.Make[T](n)}
	for i := range n {
		m.Ptr[i+1], m.Col[i], m.Val[i] = int64(i+1), uint32(i), 1
	}
	return m
}

// To returns m with values of type U; indices are shared, values converted. O(entries).
func To[U, T constraints.Float](m *CSR[T]) *CSR[U] {
	out := &CSR[U]{Rows: m.Rows, Cols: m.Cols, Ptr: m.Ptr, Col: m.Col, Val: make([]U, len(m.Val))}
	for k, v := range m.Val {
		out.Val[k] = U(v)
	}
	return out
}
