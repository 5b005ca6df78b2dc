package linalg

import (
	"slices"
	"testing"
)

func TestRows(t *testing.T) {
	X := NewDense[float64](6, 2, nil)
	for i := range X.Data {
		X.Data[i] = float64(i)
	}
	rows := []int{4, 1, 2, 3, 1}
	for _, v := range []interface {
		RowBlock(buf []float64, lo, hi int) ([]float64, int)
		At(i, j int) float64
	}{AsOperator(Rows(X, rows)), AsOperator(Rows(AsOperator(X), rows)), AsOperator(Rows(ToGonum(X), rows))} {
		for lo := range rows {
			for hi := lo; hi <= len(rows); hi++ {
				block, stride := v.RowBlock(make([]float64, 2*(hi-lo)), lo, hi)
				for i := lo; i < hi; i++ {
					if got := block[(i-lo)*stride:][:2]; !slices.Equal(got, X.Row(rows[i])) || v.At(i, 1) != got[1] {
						t.Errorf("row %d of block %d..%d is %v, want %v", i, lo, hi, got, X.Row(rows[i]))
					}
				}
			}
		}
	}
}

// Consecutive rows are not copied.
func TestRowsShares(t *testing.T) {
	X := NewDense[float64](5, 3, nil)
	block, _ := AsOperator(Rows(X, []int{1, 2, 3})).RowBlock(nil, 0, 3)
	if &block[0] != &X.Row(1)[0] {
		t.Error("consecutive rows were copied")
	}
}
