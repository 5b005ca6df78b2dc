package linear

import "github.com/gram-ml/gram"

// entries reads a matrix by its stored entries, in compressed rows. Sparse matrices
// offer it (sparse.CSR does); what a fit needs beyond products then costs as much as
// there are entries.
type entries struct {
	row64 func(i int) (col []uint32, val []float64)
	row32 func(i int) (col []uint32, val []float32)
	count float64 // of entries
}

// entriesOf returns nil if X offers no compressed rows.
func entriesOf(X gram.Matrix) *entries {
	counter, ok := X.(interface{ NNZ() int64 })
	if !ok {
		return nil
	}
	switch m := X.(type) {
	case interface {
		Row(i int) ([]uint32, []float64)
	}:
		return &entries{row64: m.Row, count: float64(counter.NNZ())}
	case interface {
		Row(i int) ([]uint32, []float32)
	}:
		return &entries{row32: m.Row, count: float64(counter.NNZ())}
	}
	return nil
}

// row returns the entries of row i, those of float32 converted into buf.
func (e *entries) row(i int, buf *[]float64) (col []uint32, val []float64) {
	if e.row64 != nil {
		return e.row64(i)
	}
	col, short := e.row32(i)
	val = grow(buf, len(short))
	for k, v := range short {
		val[k] = float64(v)
	}
	return col, val
}

// A columnSum holds, for each column, sums over stored entries.
type columnSum struct {
	weight      float64   // of all rows
	sum, stored []float64 // Σ w·x, and Σ w over the rows that store the column
	dev2        []float64 // Σ w·(x − mean)² over those rows
}

func newColumnSum(d int) *columnSum {
	return &columnSum{sum: make([]float64, d), stored: make([]float64, d), dev2: make([]float64, d)}
}

// Reset makes the sum that of no rows.
func (c *columnSum) Reset() {
	c.weight = 0
	clear(c.sum)
	clear(c.stored)
	clear(c.dev2)
}

// Add takes rows s with weights w of all rows.
func (c *columnSum) Add(e *entries, s span, w []float64, t *scratch) {
	for i := s.lo; i < s.hi; i++ {
		wi := w[i]
		c.weight += wi
		col, val := e.row(i, &t.a)
		val = val[:len(col)]
		for k, j := range col {
			c.sum[j] += wi * val[k]
			c.stored[j] += wi
		}
	}
}

// AddSquares takes the same rows once their mean is known.
func (c *columnSum) AddSquares(e *entries, s span, w, mean []float64, t *scratch) {
	for i := s.lo; i < s.hi; i++ {
		wi := w[i]
		col, val := e.row(i, &t.a)
		val = val[:len(col)]
		for k, j := range col {
			v := val[k] - mean[j]
			c.dev2[j] += wi * v * v
		}
	}
}

// Merge adds the rows of o.
func (c *columnSum) Merge(o *columnSum) {
	c.weight += o.weight
	for j, v := range o.sum {
		c.sum[j] += v
		c.stored[j] += o.stored[j]
		c.dev2[j] += o.dev2[j]
	}
}
