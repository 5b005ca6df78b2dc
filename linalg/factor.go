package linalg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
)

const epsilon = 0x1p-52 // from 1 to the next float64

// checkFinite returns an error that names the first NaN or infinity in columns lo(i) ≤ j
// of the rows of a; a nil lo means all.
func checkFinite(a *Dense[float64], lo func(i int) int) error {
	for i := range a.Rows {
		from := 0
		if lo != nil {
			from = lo(i)
		}
		row := a.Row(i)[from:]
		if Asum(row) <= math.MaxFloat64 {
			continue
		}
		for j, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("row %d, column %d is %v: %w", i, from+j, v, gram.ErrNonFinite)
			}
		}
	}
	return nil
}

func checkSquare(op string, a *Dense[float64]) {
	a.checkShape("A")
	if a.Rows != a.Cols {
		panic(fmt.Sprintf("linalg: %s of %d×%d", op, a.Rows, a.Cols))
	}
}

// resultOf returns dst, or a new matrix for nil, of the given shape.
func resultOf(op string, dst *Dense[float64], rows, cols int) *Dense[float64] {
	if dst == nil {
		return NewDense[float64](rows, cols, nil)
	}
	dst.checkShape("the result")
	if dst.Rows != rows || dst.Cols != cols {
		panic(fmt.Sprintf("linalg: %s into %d×%d, want %d×%d", op, dst.Rows, dst.Cols, rows, cols))
	}
	return dst
}

// copyInto copies src to dst, which has its shape and may be the same matrix.
func copyInto(dst, src *Dense[float64]) {
	for i := range src.Rows {
		copy(dst.Row(i), src.Row(i))
	}
}

// transposeInto sets dst to the transpose of src.
func transposeInto(dst, src *Dense[float64]) {
	if src.Rows == 0 || src.Cols == 0 {
		return
	}
	gemmOf[float64]().Transpose(src.Rows, src.Cols, src.Data, src.Stride, dst.Data, dst.Stride)
}

// transposeOf returns a compact transpose of a.
func transposeOf(a *Dense[float64]) *Dense[float64] {
	at := NewDense[float64](a.Cols, a.Rows, nil)
	transposeInto(at, a)
	return at
}

// solving returns op(A)⁻¹ for the triangle of a square matrix.
func solving(uplo blas.Uplo, t blas.Transpose, d blas.Diag, a *Dense[float64]) triangle[float64] {
	out := newTriangle(uplo, t, d, a.Rows, a.Data, a.Stride)
	out.inverse = true
	return out
}
