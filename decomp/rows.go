package decomp

import (
	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/sparse"
)

// eachRow calls f with rows lo ≤ i < hi: their entries and the columns those are in, or all
// elements and nil if X is not stored sparse.
func (s *data) eachRow(lo, hi int, f func(i int, col []uint32, val []float64)) {
	eachRow(s.X, s.op, lo, hi, f)
}

// eachRow is that for any X; op is its operator.
func eachRow(X gram.Matrix, op gram.Operator, lo, hi int, f func(i int, col []uint32, val []float64)) {
	switch m := X.(type) {
	case *sparse.CSR[float64]:
		for i := lo; i < hi; i++ {
			col, val := m.Row(i)
			f(i, col, val)
		}
	case *sparse.CSR[float32]:
		var buf []float64
		for i := lo; i < hi; i++ {
			col, val := m.Row(i)
			wide := grow(&buf, len(val))
			for j, v := range val {
				wide[j] = float64(v)
			}
			f(i, col, wide)
		}
	default:
		_, d := op.Dims()
		raw, stride := op.RowBlock(make([]float64, (hi-lo)*d), lo, hi)
		for i := lo; i < hi; i++ {
			at := (i - lo) * stride
			f(i, nil, raw[at:at+d])
		}
	}
}
