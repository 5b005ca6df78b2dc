package sparse

import (
	"golang.org/x/exp/constraints"
	"gonum.org/v1/gonum/mat"
)

// A COO is a matrix as a list of entries in any order: entry p has the value
// Val[p] and the place (Row[p], Col[p]). Entries of the same place add up.
//
// It is for building; [COO.ToCSR] makes what products take. *COO is a gram.Matrix
// and a gonum mat.Matrix. The zero value is the empty 0×0 matrix.
type COO[T constraints.Float] struct {
	// Rows and Cols are the shape, each from 0 to 2³².
	Rows, Cols int
	// Row, Col and Val hold the entries and are equally long.
	Row, Col []uint32
	Val      []T
}

// NewCOO returns the rows×cols matrix of the given entries, which it does not copy.
// The error wraps gram.ErrShape and names the dimension, length or entry at fault.
// O(entries).
func NewCOO[T constraints.Float](rows, cols int, row, col []uint32, val []T) (*COO[T], error) {
	m := &COO[T]{Rows: rows, Cols: cols, Row: row, Col: col, Val: val}
	if err := m.Check(); err != nil {
		return nil, err
	}
	return m, nil
}

// Check returns an error that wraps gram.ErrShape if m breaks the rules of [COO].
// O(entries).
func (m *COO[T]) Check() error {
	if m.Rows < 0 || m.Cols < 0 || int64(m.Rows) > maxDim || int64(m.Cols) > maxDim {
		return shapeError("shape %d×%d; both reach from 0 to 2³²", m.Rows, m.Cols)
	}
	if len(m.Row) != len(m.Val) || len(m.Col) != len(m.Val) {
		return shapeError("%d rows, %d columns and %d values", len(m.Row), len(m.Col), len(m.Val))
	}
	for p, i := range m.Row {
		if int64(i) >= int64(m.Rows) || int64(m.Col[p]) >= int64(m.Cols) {
			return shapeError("entry %d is at (%d, %d), outside %d×%d", p, i, m.Col[p], m.Rows, m.Cols)
		}
	}
	return nil
}

// Append adds v at (i, j). It panics outside the shape. Amortized O(1).
func (m *COO[T]) Append(i, j int, v T) {
	checkElement(i, j, m.Rows, m.Cols)
	m.Row, m.Col, m.Val = append(m.Row, uint32(i)), append(m.Col, uint32(j)), append(m.Val, v)
}

// Dims returns the shape.
func (m *COO[T]) Dims() (rows, cols int) { return m.Rows, m.Cols }

// NNZ returns the number of entries, those of the same place each counted.
func (m *COO[T]) NNZ() int64 { return int64(len(m.Val)) }

// At returns element (i, j): the sum of the entries of that place. It panics outside
// the shape. O(entries).
func (m *COO[T]) At(i, j int) float64 {
	checkElement(i, j, m.Rows, m.Cols)
	var s T
	for p, r := range m.Row {
		if r == uint32(i) && m.Col[p] == uint32(j) {
			s += m.Val[p]
		}
	}
	return float64(s)
}

// T returns the transposed matrix, a *[COO] over the same memory. O(1).
func (m *COO[T]) T() mat.Matrix {
	return &COO[T]{Rows: m.Cols, Cols: m.Rows, Row: m.Col, Col: m.Row, Val: m.Val}
}
