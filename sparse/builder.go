package sparse

import (
	"fmt"

	"golang.org/x/exp/constraints"
)

// A Builder makes a CSR row by row, for rows that arrive as a stream:
//
//	b, err := sparse.NewBuilder[float64](cols)
//	for … {
//		b.Set(j, v) // any order; a column twice adds up
//		b.EndRow()
//	}
//	m := b.Matrix()
//
// A Builder is made by [NewBuilder] and is not safe for concurrent use.
type Builder[T constraints.Float] struct {
	m    CSR[T]
	sort sorter[T]
}

// NewBuilder returns a builder of matrices of the given number of columns. The error
// wraps gram.ErrShape: cols is outside 0..2³².
func NewBuilder[T constraints.Float](cols int) (*Builder[T], error) {
	b := &Builder[T]{m: CSR[T]{Cols: cols, Ptr: []int64{0}}}
	if err := b.m.checkPointers(); err != nil {
		return nil, err
	}
	return b, nil
}

// Set adds v to element j of the row that is being made; zeros become entries too.
// The error wraps gram.ErrShape: j is outside 0..cols−1; nothing has changed then.
func (b *Builder[T]) Set(j int, v T) error {
	if uint(j) >= uint(b.m.Cols) {
		return shapeError("row %d has an entry in column %d of %d", b.m.Rows, j, b.m.Cols)
	}
	b.m.Col, b.m.Val = append(b.m.Col, uint32(j)), append(b.m.Val, v)
	return nil
}

// EndRow ends the row, sorted and with duplicates summed; the next begins.
func (b *Builder[T]) EndRow() {
	m := &b.m
	first := m.Ptr[m.Rows]
	col, val := m.Col[first:], m.Val[first:]
	if !increasing(col) {
		b.sort.sort(col, val)
		n := first + int64(dedupe(col, val, SumDuplicates))
		m.Col, m.Val = m.Col[:n], m.Val[:n]
	}
	m.Ptr = append(m.Ptr, int64(len(m.Col)))
	m.Rows++
}

// increasing tells whether the columns increase strictly.
func increasing(col []uint32) bool {
	for k := 1; k < len(col); k++ {
		if col[k] <= col[k-1] {
			return false
		}
	}
	return true
}

// AppendRow adds a whole row, copied. The error wraps gram.ErrShape: the lengths
// differ, or a column is outside; the row is then left out.
func (b *Builder[T]) AppendRow(col []uint32, val []T) error {
	if len(col) != len(val) {
		return shapeError("row %d has %d columns and %d values", b.m.Rows, len(col), len(val))
	}
	if n := len(b.m.Col) - int(b.m.Ptr[b.m.Rows]); n != 0 {
		return shapeError("row %d already has %d entries", b.m.Rows, n)
	}
	for _, c := range col {
		if int64(c) >= int64(b.m.Cols) {
			return shapeError("row %d has an entry in column %d of %d", b.m.Rows, c, b.m.Cols)
		}
	}
	b.m.Col, b.m.Val = append(b.m.Col, col...), append(b.m.Val, val...)
	b.EndRow()
	return nil
}

// Rows returns the number of rows that have ended.
func (b *Builder[T]) Rows() int { return b.m.Rows }

// Matrix returns the rows that have ended and leaves the builder empty. It panics
// if a row was begun and not ended.
func (b *Builder[T]) Matrix() *CSR[T] {
	m := b.m
	if n := int64(len(m.Col)) - m.Ptr[m.Rows]; n != 0 {
		panic(fmt.Sprintf("sparse: Matrix in row %d, which has %d entries and no end", m.Rows, n))
	}
	b.m = CSR[T]{Cols: m.Cols, Ptr: []int64{0}}
	return &m
}
