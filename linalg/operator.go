package linalg

import (
	"sync"

	"github.com/gram-ml/gram"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"
)

// AsOperator returns X with the fastest products there are for it: X itself when
// it is a gram.Operator (sparse types are), views of the memory of *Dense and
// *mat.Dense, and otherwise conversions block by block, through RowBlock,
// RawRowView or At in this order. O(1).
func AsOperator(X gram.Matrix) gram.Operator {
	switch m := X.(type) {
	case gram.Operator:
		return m
	case *mat.Dense:
		return operator{FromGonum(m)}
	case gram.RowBlocker:
		return operator{m}
	case gram.RowViewer:
		return operator{rowViews{m}}
	}
	return operator{elements{X}}
}

// operator multiplies by dense row blocks.
type operator struct{ gram.RowBlocker }

var blockPool = sync.Pool{New: func() any { return new([]float64) }}

// withBlock calls f with rows lo ≤ i < hi of m.
func (m operator) withBlock(lo, hi int, f func(block *Dense[float64])) {
	_, cols := m.Dims()
	buf := blockPool.Get().(*[]float64)
	defer blockPool.Put(buf)
	if m.converts() && cap(*buf) < (hi-lo)*cols {
		*buf = make([]float64, (hi-lo)*cols)
	}
	data, stride := m.RowBlock((*buf)[:cap(*buf)], lo, hi)
	f(&Dense[float64]{Rows: hi - lo, Cols: cols, Stride: stride, Data: data})
}

func (m operator) converts() bool {
	_, view := m.RowBlocker.(*Dense[float64])
	return !view
}

func (m operator) MulRows(dst []float64, lo, hi int, b []float64, k int) {
	_, cols := m.Dims()
	m.withBlock(lo, hi, func(x *Dense[float64]) {
		Gemm(blas.NoTrans, blas.NoTrans, 1, x, NewDense(cols, k, b), 0, NewDense(hi-lo, k, dst))
	})
}

func (m operator) AddTransMulRows(dst []float64, lo, hi int, g []float64, k int) {
	_, cols := m.Dims()
	m.withBlock(lo, hi, func(x *Dense[float64]) {
		Gemm(blas.Trans, blas.NoTrans, 1, x, NewDense(hi-lo, k, g), 1, NewDense(cols, k, dst))
	})
}

// rowViews copies rows out of a RowViewer.
type rowViews struct{ gram.RowViewer }

func (m rowViews) RowBlock(buf []float64, lo, hi int) ([]float64, int) {
	_, cols := m.Dims()
	for i := lo; i < hi; i++ {
		copy(buf[(i-lo)*cols:(i-lo+1)*cols], m.RawRowView(i))
	}
	return buf[:(hi-lo)*cols], cols
}

// elements reads a Matrix through At.
type elements struct{ gram.Matrix }

func (m elements) RowBlock(buf []float64, lo, hi int) ([]float64, int) {
	_, cols := m.Dims()
	for i := lo; i < hi; i++ {
		row := buf[(i-lo)*cols : (i-lo+1)*cols]
		for j := range row {
			row[j] = m.At(i, j)
		}
	}
	return buf[:(hi-lo)*cols], cols
}
