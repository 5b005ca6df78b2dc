package linalg

import (
	"fmt"

	"github.com/gram-ml/gram/internal/kernel/cast"
	"github.com/gram-ml/gram/internal/mem"
	"golang.org/x/exp/constraints"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// Dense is a row-major matrix: element (i, j) is Data[i*Stride+j]. The fields may
// be set directly, as those of gonum's blas64.General; the zero value is the empty
// matrix. *Dense[float64] and *Dense[float32] are gram.Matrix and gonum mat.Matrix.
type Dense[T constraints.Float] struct {
	// Rows and Cols are the shape, each ≥ 0.
	Rows, Cols int
	// Stride is the distance between the starts of consecutive rows, ≥ Cols.
	Stride int
	// Data holds the elements, at least (Rows-1)*Stride + Cols of them.
	Data []T
}

// NewDense returns a rows×cols matrix over data, which it does not copy; nil
// allocates zeros. It panics if a dimension is negative or len(data) is not
// rows·cols.
func NewDense[T constraints.Float](rows, cols int, data []T) *Dense[T] {
	if rows < 0 || cols < 0 {
		panic(fmt.Sprintf("linalg: negative shape %d×%d", rows, cols))
	}
	if data == nil {
		data = mem.Make[T](rows * cols)
	}
	if len(data) != rows*cols {
		panic(fmt.Sprintf("linalg: %d elements for a %d×%d matrix", len(data), rows, cols))
	}
	return &Dense[T]{Rows: rows, Cols: cols, Stride: cols, Data: data}
}

// FromGonum returns a view of m: both share their elements. O(1).
func FromGonum(m *mat.Dense) *Dense[float64] {
	r := m.RawMatrix()
	return &Dense[float64]{Rows: r.Rows, Cols: r.Cols, Stride: r.Stride, Data: r.Data}
}

// ToGonum returns a view of m as a gonum matrix: both share their elements. O(1).
func ToGonum(m *Dense[float64]) *mat.Dense {
	if m.Rows == 0 || m.Cols == 0 {
		return &mat.Dense{}
	}
	var d mat.Dense
	d.SetRawMatrix(blas64.General{Rows: m.Rows, Cols: m.Cols, Stride: m.Stride, Data: m.Data})
	return &d
}

// CopyOf returns a compact copy of any matrix. O(rows·cols).
func CopyOf[T constraints.Float](m mat.Matrix) *Dense[T] {
	r, c := m.Dims()
	out := NewDense[T](r, c, nil)
	if src, ok := m.(*Dense[T]); ok {
		for i := range r {
			copy(out.Row(i), src.Row(i))
		}
		return out
	}
	for i := range r {
		row := out.Row(i)
		for j := range row {
			row[j] = T(m.At(i, j))
		}
	}
	return out
}

// Dims returns the shape.
func (m *Dense[T]) Dims() (rows, cols int) { return m.Rows, m.Cols }

// At returns element (i, j) as float64. It panics outside the shape.
func (m *Dense[T]) At(i, j int) float64 {
	m.check(i, j)
	return float64(m.Data[i*m.Stride+j])
}

// Set stores v in element (i, j). It panics outside the shape.
func (m *Dense[T]) Set(i, j int, v T) {
	m.check(i, j)
	m.Data[i*m.Stride+j] = v
}

func (m *Dense[T]) check(i, j int) {
	if uint(i) >= uint(m.Rows) || uint(j) >= uint(m.Cols) {
		panic(fmt.Sprintf("linalg: element (%d, %d) of a %d×%d matrix", i, j, m.Rows, m.Cols))
	}
}

// T returns the transposed matrix as gonum's implicit view. O(1).
func (m *Dense[T]) T() mat.Matrix { return mat.Transpose{Matrix: m} }

// Row returns a view of row i, of length Cols. It panics outside the shape.
func (m *Dense[T]) Row(i int) []T {
	if uint(i) >= uint(m.Rows) {
		panic(fmt.Sprintf("linalg: row %d of a %d×%d matrix", i, m.Rows, m.Cols))
	}
	return m.Data[i*m.Stride : i*m.Stride+m.Cols : i*m.Stride+m.Cols]
}

// Slice returns a view of rows i0 ≤ i < i1 and columns j0 ≤ j < j1. It panics
// when they reach outside the shape.
func (m *Dense[T]) Slice(i0, i1, j0, j1 int) *Dense[T] {
	if i0 < 0 || i1 < i0 || m.Rows < i1 || j0 < 0 || j1 < j0 || m.Cols < j1 {
		panic(fmt.Sprintf("linalg: slice [%d:%d, %d:%d] of a %d×%d matrix", i0, i1, j0, j1, m.Rows, m.Cols))
	}
	v := &Dense[T]{Rows: i1 - i0, Cols: j1 - j0, Stride: m.Stride}
	if v.Rows > 0 && v.Cols > 0 {
		v.Data = m.Data[i0*m.Stride+j0 : (i1-1)*m.Stride+j1]
	}
	return v
}

// RowBlock returns rows lo ≤ i < hi as float64; see gram.RowBlocker. For float64
// it is a view, for float32 a conversion into buf.
func (m *Dense[T]) RowBlock(buf []float64, lo, hi int) (block []float64, stride int) {
	if lo < 0 || hi < lo || m.Rows < hi {
		panic(fmt.Sprintf("linalg: rows [%d:%d] of a %d×%d matrix", lo, hi, m.Rows, m.Cols))
	}
	if lo == hi || m.Cols == 0 {
		return nil, m.Cols
	}
	switch data := any(m.Data).(type) {
	case []float64:
		return data[lo*m.Stride : (hi-1)*m.Stride+m.Cols], m.Stride
	case []float32:
		for i := lo; i < hi; i++ {
			cast.Widen(buf[(i-lo)*m.Cols:(i-lo+1)*m.Cols], data[i*m.Stride:])
		}
	default: // a type made of one of them
		for i := lo; i < hi; i++ {
			dst := buf[(i-lo)*m.Cols : (i-lo+1)*m.Cols]
			for j, v := range m.Row(i) {
				dst[j] = float64(v)
			}
		}
	}
	return buf[:(hi-lo)*m.Cols], m.Cols
}

// RowBlock32 returns rows lo ≤ i < hi as float32, as RowBlock does as float64: a view for
// float32, and otherwise rounded into buf, of length at least (hi-lo)·Cols.
func (m *Dense[T]) RowBlock32(buf []float32, lo, hi int) (block []float32, stride int) {
	if lo < 0 || hi < lo || m.Rows < hi {
		panic(fmt.Sprintf("linalg: rows [%d:%d] of a %d×%d matrix", lo, hi, m.Rows, m.Cols))
	}
	if lo == hi || m.Cols == 0 {
		return nil, m.Cols
	}
	switch data := any(m.Data).(type) {
	case []float32:
		return data[lo*m.Stride : (hi-1)*m.Stride+m.Cols], m.Stride
	case []float64:
		for i := lo; i < hi; i++ {
			cast.Narrow(buf[(i-lo)*m.Cols:(i-lo+1)*m.Cols], data[i*m.Stride:])
		}
	default: // a type made of one of them
		for i := lo; i < hi; i++ {
			dst := buf[(i-lo)*m.Cols : (i-lo+1)*m.Cols]
			for j, v := range m.Row(i) {
				dst[j] = float32(v)
			}
		}
	}
	return buf[:(hi-lo)*m.Cols], m.Cols
}
