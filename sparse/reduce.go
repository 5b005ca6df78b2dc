package sparse

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// RowSums returns the sum of each row, added in float64. O(Rows + entries).
func (m *CSR[T]) RowSums() []float64 {
	out := make([]float64, m.Rows)
	for i := range out {
		_, val := m.Row(i)
		out[i] = sumOf(val)
	}
	return out
}

// ColSums returns the sum of each column, added in float64. O(Cols + entries).
func (m *CSR[T]) ColSums() []float64 {
	out := make([]float64, m.Cols)
	m.eachEntry(func(j uint32, v float64) { out[j] += v })
	return out
}

// eachEntry calls f for the entries in order.
func (m *CSR[T]) eachEntry(f func(j uint32, v float64)) {
	first, end := m.Ptr[0], m.Ptr[m.Rows]
	val := m.Val[first:end]
	for k, j := range m.Col[first:end] {
		f(j, float64(val[k]))
	}
}

// RowNorms returns the p-norm of each row, for p of 1, 2 or +Inf; it panics for
// another p. O(Rows + entries).
func (m *CSR[T]) RowNorms(p float64) []float64 {
	out := make([]float64, m.Rows)
	for i := range out {
		_, val := m.Row(i)
		out[i] = normOf(val, p)
	}
	return out
}

// ColNorms returns the p-norm of each column, for p of 1, 2 or +Inf; it panics for
// another p. O(Cols + entries).
func (m *CSR[T]) ColNorms(p float64) []float64 {
	out := make([]float64, m.Cols)
	switch {
	case p == 1:
		m.eachEntry(func(j uint32, v float64) { out[j] += math.Abs(v) })
	case math.IsInf(p, 1):
		m.eachEntry(func(j uint32, v float64) { out[j] = max(out[j], math.Abs(v)) })
	case p == 2:
		top := m.ColNorms(math.Inf(1))
		m.eachEntry(func(j uint32, v float64) {
			if v != 0 {
				v /= top[j]
				out[j] += v * v
			}
		})
		for j := range out {
			if top[j] != 0 && !math.IsInf(top[j], 1) {
				out[j] = top[j] * math.Sqrt(out[j])
			} else {
				out[j] = top[j]
			}
		}
	default:
		panic(fmt.Sprintf("sparse: norm of order %v, which is none of 1, 2 and +Inf", p))
	}
	return out
}

// Norm returns the Frobenius norm √Σ aᵢⱼ². O(entries).
func (m *CSR[T]) Norm() float64 { return norm2(m.Val[m.Ptr[0]:m.Ptr[m.Rows]]) }

// ColCounts returns the number of entries of each column. O(Cols + entries).
func (m *CSR[T]) ColCounts() []int64 {
	out := make([]int64, m.Cols)
	m.eachEntry(func(j uint32, _ float64) { out[j]++ })
	return out
}

// ColMeans returns the mean of each column over all rows, zeros included; NaN if
// there are no rows. O(Cols + entries).
func (m *CSR[T]) ColMeans() []float64 {
	out := m.ColSums()
	for j := range out {
		out[j] /= float64(m.Rows)
	}
	return out
}

// ColVariances returns the mean and the population variance (of divisor Rows) of
// each column over all rows, zeros included; NaN if there are no rows. It takes two
// passes over the entries, with Σ(v−μ)² over them, μ² for each element that is none,
// and the rounding of μ taken back, so a mean far from zero costs no digits.
// O(Cols + entries).
func (m *CSR[T]) ColVariances() (mean, variance []float64) {
	mean = m.ColMeans()
	count := m.ColCounts()
	variance = make([]float64, m.Cols)
	rest := make([]float64, m.Cols) // Σ(v−μ), 0 but for rounding
	m.eachEntry(func(j uint32, v float64) {
		d := v - mean[j]
		variance[j] += d * d
		rest[j] += d
	})
	n := float64(m.Rows)
	for j, mu := range mean {
		zeros := n - float64(count[j])
		r := rest[j] - zeros*mu
		variance[j] = max(0, (variance[j]+zeros*mu*mu-r*r/n)/n)
		if mu != mu {
			variance[j] = mu
		}
	}
	return mean, variance
}

// A Centered is a matrix less a row, usually that of its column means, that is never
// formed: (X − 1·μᵀ)·B = X·B − 1·(μᵀB), at the cost of X's own products. It is a
// gram.Operator, so PCA of sparse data needs nothing else.
type Centered struct {
	x  gram.Operator
	mu []float64
}

// NewCentered returns X less mu in every row; nil stands for X's column means, for
// which X is read once. It keeps X and mu. The error wraps gram.ErrShape: X is nil or
// has no rows, or len(mu) is not the number of columns.
func NewCentered(X gram.Matrix, mu []float64) (*Centered, error) {
	if X == nil {
		return nil, shapeError("X is nil")
	}
	n, d := X.Dims()
	if mu != nil && len(mu) != d {
		return nil, shapeError("%d means for %d columns", len(mu), d)
	}
	c := &Centered{linalg.AsOperator(X), mu}
	if mu == nil {
		if n == 0 {
			return nil, shapeError("means of a matrix of no rows")
		}
		c.mu = means(c.x)
	}
	return c, nil
}

// means returns the column means: Xᵀ·1/n, in blocks of rows.
func means(x gram.Operator) []float64 {
	n, d := x.Dims()
	out := make([]float64, d)
	const rows = 256
	ones := make([]float64, min(n, rows))
	for i := range ones {
		ones[i] = 1
	}
	for lo := 0; lo < n; lo += rows {
		hi := min(n, lo+rows)
		x.AddTransMulRows(out, lo, hi, ones[:hi-lo], 1)
	}
	for j := range out {
		out[j] /= float64(n)
	}
	return out
}

// Means returns what is subtracted from each column. It must not be written to.
func (c *Centered) Means() []float64 { return c.mu }

// Dims returns the shape.
func (c *Centered) Dims() (rows, cols int) { return c.x.Dims() }

// At returns element (i, j). It panics outside the shape.
func (c *Centered) At(i, j int) float64 { return c.x.At(i, j) - c.mu[j] }

// RowBlock writes rows lo ≤ i < hi to buf, dense; see gram.RowBlocker.
func (c *Centered) RowBlock(buf []float64, lo, hi int) (block []float64, stride int) {
	_, d := c.x.Dims()
	src, from := c.x.RowBlock(buf, lo, hi)
	for i := range hi - lo {
		for j, mu := range c.mu {
			buf[i*d+j] = src[i*from+j] - mu
		}
	}
	return buf[:(hi-lo)*d], d
}

// MulRows sets dst to the centred rows times B; see gram.Operator. The cost is that
// of X and O(cols·k).
func (c *Centered) MulRows(dst []float64, lo, hi int, b []float64, k int) {
	c.x.MulRows(dst, lo, hi, b, k)
	shift := make([]float64, k)
	for j, mu := range c.mu {
		axpy(mu, b[j*k:(j+1)*k], shift)
	}
	for i := range hi - lo {
		axpy(-1, shift, dst[i*k:(i+1)*k])
	}
}

// AddTransMulRows adds the centred rows, transposed, times G to dst; see
// gram.Operator. The cost is that of X and O(cols·k).
func (c *Centered) AddTransMulRows(dst []float64, lo, hi int, g []float64, k int) {
	c.x.AddTransMulRows(dst, lo, hi, g, k)
	sum := make([]float64, k)
	for i := range hi - lo {
		axpy(1, g[i*k:(i+1)*k], sum)
	}
	for j, mu := range c.mu {
		axpy(-mu, sum, dst[j*k:(j+1)*k])
	}
}
