package sparse

import (
	"fmt"
	"slices"
	"sort"

	"golang.org/x/exp/constraints"
	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/mem"
)

// A CSR is a matrix in compressed sparse rows: entry p, Ptr[i] ≤ p < Ptr[i+1], is
// element (i, Col[p]) of value Val[p], and all other elements are zero. Within a
// row the columns increase strictly.
//
// *CSR is a gram.Operator and a gram.FiniteChecker, so every model takes it, and a
// gonum mat.Matrix.
//
// The fields may be set directly by a caller who keeps these rules: [NewCSR] and
// [CSR.Check] verify them, and products do not verify them again. A matrix that
// breaks them may make assembly read outside its memory.
// The zero value is not valid; the empty matrix is NewCSR(0, 0, nil, nil, nil).
type CSR[T constraints.Float] struct {
	// Rows and Cols are the shape: Rows ≥ 0, 0 ≤ Cols ≤ 2³².
	Rows, Cols int
	// Ptr has Rows+1 offsets into Col and Val; Ptr[0] may be above 0, as it is in
	// a slice of rows.
	Ptr []int64
	// Col holds the columns of the entries.
	Col []uint32
	// Val holds the values of the entries, zeros included if there are any.
	Val []T
}

// maxDim is the largest number of rows or columns that 32-bit indices reach.
const maxDim = 1 << 32

// NewCSR returns the rows×cols matrix of the given arrays, which it does not copy.
// A nil ptr means that there is no entry.
//
// The error wraps gram.ErrShape and says what is wrong: a dimension, a length, a
// pointer that decreases, or a column that is too large, out of order or twice in
// its row. O(rows + entries). A caller who is sure writes the literal &CSR{…}.
func NewCSR[T constraints.Float](rows, cols int, ptr []int64, col []uint32, val []T) (*CSR[T], error) {
	if ptr == nil && rows >= 0 && int64(rows) < maxElements {
		ptr = mem.Make[int64](rows + 1)
	}
	m := &CSR[T]{Rows: rows, Cols: cols, Ptr: ptr, Col: col, Val: val}
	if err := m.Check(); err != nil {
		return nil, err
	}
	return m, nil
}

// maxElements bounds what a slice can hold.
const maxElements = 1 << 48

// Check returns an error that wraps gram.ErrShape if m breaks the rules of [CSR];
// see [NewCSR]. O(Rows + entries).
func (m *CSR[T]) Check() error {
	if err := m.checkPointers(); err != nil {
		return err
	}
	for i := range m.Rows {
		col := m.Col[m.Ptr[i]:m.Ptr[i+1]]
		for k, c := range col {
			switch {
			case int64(c) >= int64(m.Cols):
				return shapeError("row %d has an entry in column %d of %d", i, c, m.Cols)
			case k > 0 && c == col[k-1]:
				return shapeError("row %d has column %d twice", i, c)
			case k > 0 && c < col[k-1]:
				return shapeError("row %d has column %d after %d; columns must increase", i, c, col[k-1])
			}
		}
	}
	return nil
}

// checkPointers checks all but the columns.
func (m *CSR[T]) checkPointers() error {
	if m.Rows < 0 || m.Cols < 0 || int64(m.Cols) > maxDim {
		return shapeError("shape %d×%d; columns reach from 0 to 2³²", m.Rows, m.Cols)
	}
	if len(m.Ptr) != m.Rows+1 {
		return shapeError("%d row pointers for %d rows, want one more than rows", len(m.Ptr), m.Rows)
	}
	if len(m.Col) != len(m.Val) {
		return shapeError("%d columns and %d values", len(m.Col), len(m.Val))
	}
	if m.Ptr[0] < 0 {
		return shapeError("row 0 begins at entry %d", m.Ptr[0])
	}
	for i := range m.Rows {
		if m.Ptr[i+1] < m.Ptr[i] {
			return shapeError("row %d begins at entry %d and ends at %d", i, m.Ptr[i], m.Ptr[i+1])
		}
	}
	if end := m.Ptr[m.Rows]; end > int64(len(m.Col)) {
		return shapeError("the last row ends at entry %d of %d", end, len(m.Col))
	}
	return nil
}

// shapeError returns an error that wraps gram.ErrShape.
func shapeError(format string, args ...any) error {
	return fmt.Errorf("sparse: "+format+": %w", append(args, gram.ErrShape)...)
}

// Dims returns the shape.
func (m *CSR[T]) Dims() (rows, cols int) { return m.Rows, m.Cols }

// NNZ returns the number of entries.
func (m *CSR[T]) NNZ() int64 { return m.Ptr[m.Rows] - m.Ptr[0] }

// Row returns views of the columns and values of row i. It panics outside the shape.
func (m *CSR[T]) Row(i int) (col []uint32, val []T) {
	if uint(i) >= uint(m.Rows) {
		panic(fmt.Sprintf("sparse: row %d of a %d×%d matrix", i, m.Rows, m.Cols))
	}
	lo, hi := m.Ptr[i], m.Ptr[i+1]
	return m.Col[lo:hi:hi], m.Val[lo:hi:hi]
}

// RowVector returns a view of row i as a vector of length Cols.
func (m *CSR[T]) RowVector(i int) *Vector[T] {
	col, val := m.Row(i)
	return &Vector[T]{N: m.Cols, Ind: col, Val: val}
}

// At returns element (i, j) as float64, by binary search. It panics outside the shape.
func (m *CSR[T]) At(i, j int) float64 {
	checkElement(i, j, m.Rows, m.Cols)
	col, val := m.Row(i)
	if k, ok := slices.BinarySearch(col, uint32(j)); ok {
		return float64(val[k])
	}
	return 0
}

func checkElement(i, j, rows, cols int) {
	if uint(i) >= uint(rows) || uint(j) >= uint(cols) {
		panic(fmt.Sprintf("sparse: element (%d, %d) of a %d×%d matrix", i, j, rows, cols))
	}
}

// T returns the transposed view, a *[CSC]. O(1).
func (m *CSR[T]) T() mat.Matrix { return m.View() }

// View returns the transposed matrix over the same memory. O(1).
func (m *CSR[T]) View() *CSC[T] { return &CSC[T]{m} }

// Clone returns a copy that shares no memory, compact: Ptr[0] is 0. O(Rows + entries).
func (m *CSR[T]) Clone() *CSR[T] {
	first, end := m.Ptr[0], m.Ptr[m.Rows]
	out := &CSR[T]{Rows: m.Rows, Cols: m.Cols, Ptr: mem.Make[int64](len(m.Ptr))}
	for i, p := range m.Ptr {
		out.Ptr[i] = p - first
	}
	out.Col = slices.Clone(m.Col[first:end])
	out.Val = slices.Clone(m.Val[first:end])
	return out
}

// FirstNonFinite returns the place of the first entry, by rows, that is NaN or
// infinite; see gram.FiniteChecker. O(Rows + entries).
func (m *CSR[T]) FirstNonFinite() (row, col int, found bool) {
	first, end := m.Ptr[0], m.Ptr[m.Rows]
	for k, x := range m.Val[first:end] {
		if x-x == 0 {
			continue
		}
		p := first + int64(k)
		row = sort.Search(m.Rows, func(i int) bool { return m.Ptr[i+1] > p })
		return row, int(m.Col[p]), true
	}
	return 0, 0, false
}

// checkRows panics unless [lo, hi) are rows of m.
func (m *CSR[T]) checkRows(lo, hi int) {
	if lo < 0 || hi < lo || m.Rows < hi {
		panic(fmt.Sprintf("sparse: rows [%d:%d] of a %d×%d matrix", lo, hi, m.Rows, m.Cols))
	}
}

// RowBlock writes rows lo ≤ i < hi to buf, dense; see gram.RowBlocker.
// O((hi-lo)·Cols), which is what the caller asks for.
func (m *CSR[T]) RowBlock(buf []float64, lo, hi int) (block []float64, stride int) {
	m.checkRows(lo, hi)
	block = buf[:(hi-lo)*m.Cols]
	clear(block)
	for i := lo; i < hi; i++ {
		row := block[(i-lo)*m.Cols : (i-lo+1)*m.Cols]
		col, val := m.Row(i)
		for k, c := range col {
			row[c] = float64(val[k])
		}
	}
	return block, m.Cols
}
