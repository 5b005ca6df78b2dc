package decomp

import (
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// linearMap takes rows x to (x − mean)·Bᵀ: what all linear methods do with rows. B is kept
// in both orders, one for rows and one for blocks of them.
type linearMap struct {
	mean  []float64              // nil where nothing is subtracted
	basis *linalg.Dense[float64] // B, k×d
	cols  *linalg.Dense[float64] // Bᵀ, d×k
	shift []float64              // B·mean
	pool  sync.Pool
}

// init takes B, k×d row-major.
func (m *linearMap) init(mean, basis []float64, k, d int) {
	m.mean, m.basis = mean, linalg.NewDense(k, d, basis)
	m.cols = transposed(m.basis)
	if mean != nil {
		m.shift = make([]float64, k)
		f64.DotRows(m.shift, basis, d, mean)
	}
	m.pool.New = func() any { return new(scratch) }
}

func transposed(a *linalg.Dense[float64]) *linalg.Dense[float64] {
	return linalg.CopyOf[float64](a.T())
}

// Features returns d.
func (m *linearMap) Features() int { return m.basis.Cols }

// scratch is the memory of one call.
type scratch struct{ x, z []float64 }

// grow returns *buf with length n.
func grow(buf *[]float64, n int) []float64 {
	if cap(*buf) < n {
		*buf = make([]float64, n)
	}
	return (*buf)[:n]
}

// centred returns x less the mean, in t, or x itself where there is none.
func (m *linearMap) centred(x []float64, t *scratch) []float64 {
	if m.mean == nil {
		return x
	}
	c := grow(&t.x, len(x))
	copy(c, x)
	f64.Axpy(-1, m.mean, c)
	return c
}

// blockElems is the number of elements in a block of rows.
const blockElems = 1 << 15

// eachBlock calls f with blocks of the rows of X less the mean, rows lo ≤ i < hi.
func (m *linearMap) eachBlock(X gram.Matrix, n int, f func(lo, hi int, x *linalg.Dense[float64], t *scratch)) {
	d := m.Features()
	op := linalg.AsOperator(X)
	t := m.pool.Get().(*scratch)
	defer m.pool.Put(t)
	size := max(8, blockElems/d)
	for lo := 0; lo < n; lo += size {
		hi := min(n, lo+size)
		buf := grow(&t.x, 2*(hi-lo)*d)
		raw, stride := op.RowBlock(buf[:(hi-lo)*d], lo, hi)
		x := &linalg.Dense[float64]{Rows: hi - lo, Cols: d, Stride: stride, Data: raw}
		if m.mean != nil {
			c := linalg.NewDense(hi-lo, d, buf[(hi-lo)*d:])
			for i := range c.Rows {
				copy(c.Row(i), x.Row(i))
				f64.Axpy(-1, m.mean, c.Row(i))
			}
			x = c
		}
		f(lo, hi, x, t)
	}
}

// project sets dst, n×k row-major, to the images of the rows of X. A gram.Operator, such
// as a sparse matrix, is multiplied as it is, and B·mean subtracted from the product;
// other matrices have the mean subtracted first, which keeps data far from zero exact.
func (m *linearMap) project(dst []float64, X gram.Matrix, n int) {
	k := m.basis.Rows
	if op, ok := X.(gram.Operator); ok {
		const size = 256
		for lo := 0; lo < n; lo += size {
			hi := min(n, lo+size)
			op.MulRows(dst[lo*k:hi*k], lo, hi, m.cols.Data, k)
		}
		if m.mean != nil {
			for i := range n {
				f64.Axpy(-1, m.shift, dst[i*k:(i+1)*k])
			}
		}
		return
	}
	m.eachBlock(X, n, func(lo, hi int, x *linalg.Dense[float64], _ *scratch) {
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, x, m.cols, 0, linalg.NewDense(hi-lo, k, dst[lo*k:hi*k]))
	})
}

// projectRow sets dst, of length k, to the image of x, which may be the same memory.
func (m *linearMap) projectRow(dst, x []float64) {
	t := m.pool.Get().(*scratch)
	c := m.centred(x, t)
	if m.mean == nil && len(dst) > 0 && &dst[0] == &x[0] {
		c = grow(&t.x, len(x))
		copy(c, x)
	}
	f64.DotRows(dst, m.basis.Data, m.basis.Stride, c)
	m.pool.Put(t)
}

// restore sets dst, n×d row-major, to z·B + mean for the n rows of z.
func (m *linearMap) restore(dst []float64, z *linalg.Dense[float64]) {
	d := m.Features()
	out := linalg.NewDense(z.Rows, d, dst)
	linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, z, m.basis, 0, out)
	if m.mean != nil {
		for i := range out.Rows {
			f64.Axpy(1, m.mean, out.Row(i))
		}
	}
}

// restoreRow sets dst, of length d, to z·B + mean; dst and z are apart.
func (m *linearMap) restoreRow(dst, z []float64) {
	clear(dst)
	f64.AxpyRows(z, m.basis.Data, m.basis.Stride, dst)
	if m.mean != nil {
		f64.Axpy(1, m.mean, dst)
	}
}

// transform is the body of a batch method with out results a row.
func transform(dst []float64, X gram.Matrix, features, out int, f func(dst []float64, n int)) ([]float64, error) {
	n, err := gram.CheckFeatures(X, features)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n*out); err != nil {
		return nil, err
	}
	if n > 0 {
		f(dst, n)
	}
	return dst, nil
}

// denseCopy returns a compact copy of X.
func denseCopy(X gram.Matrix) *linalg.Dense[float64] {
	n, d := X.Dims()
	out := linalg.NewDense[float64](n, d, nil)
	raw, stride := linalg.AsOperator(X).RowBlock(out.Data, 0, n)
	for i := range n {
		copy(out.Row(i), raw[i*stride:i*stride+d])
	}
	return out
}

// checkRow checks the arguments of a row method.
func checkRow(dst, x []float64, in, out int) error {
	if err := gram.CheckRow(x, in); err != nil {
		return err
	}
	return gram.CheckDst(dst, out)
}

// fixSigns turns the rows of basis so that the element of largest magnitude of each is
// positive, the first of those that equal it to within 1e-10.
func fixSigns(basis *linalg.Dense[float64]) {
	for i := range basis.Rows {
		row := basis.Row(i)
		largest := 0.0
		for _, v := range row {
			largest = max(largest, math.Abs(v))
		}
		at := slices.IndexFunc(row, func(v float64) bool { return math.Abs(v) >= largest*(1-1e-10) })
		if row[at] < 0 {
			for j, v := range row {
				row[j] = 0 - v // no negative zeros
			}
		}
	}
}

// leading returns the first k columns of v as rows, with their signs fixed.
func leading(v *linalg.Dense[float64], k int) []float64 {
	basis := transposed(v.Slice(0, v.Rows, 0, k))
	fixSigns(basis)
	return basis.Data
}
