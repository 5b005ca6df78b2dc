package gram

// rows is a dense row-major matrix in memory, what the steps of a pipeline hand to
// each other: element (i, j) is data[i*stride+j].
type rows struct {
	n, d, stride int
	data         []float64
}

func (m *rows) Dims() (rows, cols int) { return m.n, m.d }

func (m *rows) At(i, j int) float64 { return m.RawRowView(i)[j] }

func (m *rows) RawRowView(i int) []float64 {
	return m.data[i*m.stride : i*m.stride+m.d : i*m.stride+m.d]
}

func (m *rows) RowBlock(_ []float64, lo, hi int) (block []float64, stride int) {
	if lo == hi {
		return nil, m.stride
	}
	return m.data[lo*m.stride : (hi-1)*m.stride+m.d], m.stride
}

// operatorRows is rows lo ≤ i < hi of an Operator, which so stays sparse.
type operatorRows struct {
	X      Operator
	lo, hi int
}

func (m *operatorRows) Dims() (rows, cols int) {
	_, cols = m.X.Dims()
	return m.hi - m.lo, cols
}

func (m *operatorRows) At(i, j int) float64 { return m.X.At(m.lo+i, j) }

func (m *operatorRows) RowBlock(buf []float64, lo, hi int) (block []float64, stride int) {
	return m.X.RowBlock(buf, m.lo+lo, m.lo+hi)
}

func (m *operatorRows) MulRows(dst []float64, lo, hi int, b []float64, k int) {
	m.X.MulRows(dst, m.lo+lo, m.lo+hi, b, k)
}

func (m *operatorRows) AddTransMulRows(dst []float64, lo, hi int, g []float64, k int) {
	m.X.AddTransMulRows(dst, m.lo+lo, m.lo+hi, g, k)
}

// sliceRows returns rows lo ≤ i < hi of X, in the fastest form there is. buf, of
// length (hi-lo)·cols or more unless X is an Operator, may become its memory; X
// otherwise lends its own.
func sliceRows(X Matrix, buf []float64, lo, hi int) Matrix {
	if op, ok := X.(Operator); ok {
		return &operatorRows{op, lo, hi}
	}
	_, d := X.Dims()
	buf = buf[:(hi-lo)*d]
	switch m := X.(type) {
	case RowBlocker:
		block, stride := m.RowBlock(buf, lo, hi)
		return &rows{hi - lo, d, stride, block}
	case RowViewer:
		for i := lo; i < hi; i++ {
			copy(buf[(i-lo)*d:(i-lo+1)*d], m.RawRowView(i))
		}
	default:
		for i := lo; i < hi; i++ {
			for j := range d {
				buf[(i-lo)*d+j] = X.At(i, j)
			}
		}
	}
	return &rows{hi - lo, d, d, buf}
}
