package decomp

import (
	"context"
	"math"
	"sync"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/cast"
	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// centredRows is the matrix of the rows of X less the mean, each times the root of its
// weight, as products find it: X·B and Xᵀ·G are corrected by products with the mean.
type centredRows struct {
	gram.Operator
	mean    []float64 // nil for none
	roots   []float64 // nil for ones
	squares float64   // the sum of the squares of all elements
	origin  []float64 // what the rows have been moved by in all
	dense   bool
	pool    sync.Pool // of *[]float64, for rows that are not read in place
}

// single tells whether iterations are to run in single precision: for large dense matrices
// whose elements have its range.
func (c *centredRows) single() bool {
	n, d := c.Dims()
	rms := math.Sqrt(c.squares / (float64(n) * float64(d)))
	return c.dense && n*d >= 1<<20 && rms > 1e-15 && rms < 1e15
}

// sparseRows is centredRows of a sparse matrix, which products treat otherwise.
type sparseRows struct {
	*centredRows
	entries interface{ NNZ() int64 }
}

func (s sparseRows) NNZ() int64 { return s.entries.NNZ() }

// operator returns c, as what knows its entries if X does.
func (c *centredRows) operator() gram.Operator {
	if entries, ok := c.Operator.(interface{ NNZ() int64 }); ok {
		return sparseRows{c, entries}
	}
	return c
}

func (c *centredRows) At(i, j int) float64 {
	v := c.Operator.At(i, j)
	if c.mean != nil {
		v -= c.mean[j]
	}
	if c.roots != nil {
		v *= c.roots[i]
	}
	return v
}

func (c *centredRows) RowBlock(buf []float64, lo, hi int) ([]float64, int) {
	_, d := c.Dims()
	raw, stride := c.Operator.RowBlock(buf, lo, hi)
	for i := range hi - lo {
		row := buf[i*d : (i+1)*d]
		copy(row, raw[i*stride:i*stride+d])
		if c.mean != nil {
			f64.Axpy(-1, c.mean, row)
		}
		c.scale(row, lo+i)
	}
	return buf[:(hi-lo)*d], d
}

// RowBlock32 is RowBlock in float32.
func (c *centredRows) RowBlock32(buf []float32, lo, hi int) ([]float32, int) {
	_, d := c.Dims()
	wide, _ := c.pool.Get().(*[]float64)
	if wide == nil || len(*wide) < (hi-lo)*d {
		wide = new([]float64)
		*wide = make([]float64, (hi-lo)*d)
	}
	defer c.pool.Put(wide)
	raw, stride := c.Operator.RowBlock(*wide, lo, hi)
	for i := range hi - lo {
		row, x := buf[i*d:(i+1)*d], raw[i*stride:i*stride+d]
		if c.mean != nil {
			cast.NarrowDiff(row, x, c.mean)
		} else {
			cast.Narrow(row, x)
		}
		if c.roots != nil {
			f32.Scal(float32(c.roots[lo+i]), row)
		}
	}
	return buf[:(hi-lo)*d], d
}

func (c *centredRows) scale(row []float64, i int) {
	if c.roots != nil {
		f64.Scal(c.roots[i], row)
	}
}

func (c *centredRows) MulRows(dst []float64, lo, hi int, b []float64, k int) {
	c.Operator.MulRows(dst, lo, hi, b, k)
	var shift []float64
	if c.mean != nil {
		shift = make([]float64, k)
		f64.AxpyRows(c.mean, b, k, shift)
	}
	for i := range hi - lo {
		row := dst[i*k : (i+1)*k]
		if c.mean != nil {
			f64.Axpy(-1, shift, row)
		}
		c.scale(row, lo+i)
	}
}

func (c *centredRows) AddTransMulRows(dst []float64, lo, hi int, g []float64, k int) {
	if c.roots != nil {
		g = append([]float64(nil), g[:(hi-lo)*k]...)
		for i := range hi - lo {
			c.scale(g[i*k:(i+1)*k], lo+i)
		}
	}
	c.Operator.AddTransMulRows(dst, lo, hi, g, k)
	if c.mean == nil {
		return
	}
	sums := make([]float64, k)
	for i := range hi - lo {
		f64.Axpy(1, g[i*k:(i+1)*k], sums)
	}
	for j, mu := range c.mean {
		f64.Axpy(-mu, sums, dst[j*k:(j+1)*k])
	}
}

// roots returns √w, nil for no weights.
func (s *data) roots() []float64 {
	if s.w == nil {
		return nil
	}
	out := make([]float64, s.n)
	for i := range out {
		out[i] = s.root(i)
	}
	return out
}

// farFromZero is the square of how large the mean may be beside the spread before the
// corrections of products with it cost more than three digits.
const farFromZero = 1e6

// centre returns the centred and weighted rows. Operators, and rows whose mean is not large
// beside their spread, are centred in products; other rows are copied.
func (s *data) centre(ctx context.Context) (*centredRows, error) {
	if _, ok := s.X.(gram.Operator); ok {
		return s.centreProducts(ctx)
	}
	c, err := s.columns(ctx)
	if err != nil {
		return nil, err
	}
	out := &centredRows{Operator: s.op, mean: c.mean, roots: s.roots(), squares: f64.Sum(c.squares), origin: c.mean, dense: true}
	if f64.SumSquares(c.mean)*c.weight <= farFromZero*out.squares {
		return out, nil
	}
	copied := linalg.NewDense(s.n, s.d, mem.Make[float64](s.n*s.d))
	err = par.For(ctx, s.workers, s.n, 256, func(_, lo, hi int) {
		out.RowBlock(copied.Data[lo*s.d:hi*s.d], lo, hi)
	})
	if err != nil {
		return nil, stopped(err)
	}
	return &centredRows{Operator: linalg.AsOperator(copied), squares: out.squares, origin: c.mean, dense: true}, nil
}

// centreProducts finds the mean of an operator by a product, and the sum of squares from
// the norms of its rows.
func (s *data) centreProducts(ctx context.Context) (*centredRows, error) {
	if _, _, err := gram.CheckMatrix(s.X); err != nil {
		return nil, err
	}
	w := s.w
	if w == nil {
		w = make([]float64, s.n)
		for i := range w {
			w[i] = 1
		}
	}
	mean := make([]float64, s.d)
	s.op.AddTransMulRows(mean, 0, s.n, w, 1)
	f64.Scal(1/s.weight, mean)
	out := &centredRows{Operator: s.op, mean: mean, roots: s.roots(), origin: mean}
	var err error
	out.squares, err = s.squares(ctx)
	out.squares = max(0, out.squares-s.weight*f64.SumSquares(mean))
	return out, err
}

// normed is what sparse matrices know about their rows.
type normed interface{ RowNorms(p float64) []float64 }

// squares returns Σ wᵢ‖xᵢ‖².
func (s *data) squares(ctx context.Context) (float64, error) {
	if X, ok := s.X.(normed); ok {
		sum := 0.0
		for i, v := range X.RowNorms(2) {
			v *= s.root(i)
			sum += v * v
		}
		return sum, nil
	}
	const size = 256
	parts := make([]float64, par.Blocks(s.n, size))
	err := par.For(ctx, s.workers, s.n, size, func(b, lo, hi int) {
		raw, stride := s.op.RowBlock(make([]float64, (hi-lo)*s.d), lo, hi)
		for i := lo; i < hi; i++ {
			root := s.root(i)
			parts[b] += root * root * f64.SumSquares(raw[(i-lo)*stride:(i-lo)*stride+s.d])
		}
	})
	if err != nil {
		return 0, stopped(err)
	}
	return f64.Sum(parts), nil
}

// product returns A·B on at most workers goroutines.
func product(workers int, a, b *linalg.Dense[float64]) *linalg.Dense[float64] {
	out := linalg.NewDense[float64](a.Rows, b.Cols, nil)
	linalg.GemmParallel(workers, blas.NoTrans, blas.NoTrans, 1, a, b, 0, out)
	return out
}
