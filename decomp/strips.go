package decomp

import (
	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/linalg"
)

// strips is a symmetric matrix of order n, of which only the upper triangle is kept, in
// strips of rows: half the memory. Strip s has rows s·size and on, from the column of the same
// number on, so that it begins with a square of which both triangles are there.
type strips struct {
	n, size int
	parts   []*linalg.Dense[float64]
}

var _ gram.Operator = (*strips)(nil)

// newStrips returns zeros, in one piece of memory: it is large, and large pieces are on large
// pages.
func newStrips(n, size int) *strips {
	s := &strips{n: n, size: size}
	elems := 0
	for lo := 0; lo < n; lo += size {
		elems += min(size, n-lo) * (n - lo)
	}
	all := mem.Make[float64](elems)
	for lo := 0; lo < n; lo += size {
		rows, cols := min(size, n-lo), n-lo
		s.parts = append(s.parts, linalg.NewDense(rows, cols, all[:rows*cols:rows*cols]))
		all = all[rows*cols:]
	}
	return s
}

func (s *strips) Dims() (rows, cols int) { return s.n, s.n }

func (s *strips) At(i, j int) float64 {
	if j < i {
		i, j = j, i
	}
	b := i / s.size
	return s.parts[b].At(i-b*s.size, j-b*s.size)
}

// within calls f for the parts of rows lo ≤ i < hi that lie in one strip b, which begins with
// row first.
func (s *strips) within(lo, hi int, f func(b, first, lo, hi int)) {
	for lo < hi {
		b := lo / s.size
		end := min(hi, (b+1)*s.size)
		f(b, b*s.size, lo, end)
		lo = end
	}
}

// before returns the part of strip b that is columns lo ≤ j < hi of later strips.
func (s *strips) before(b, lo, hi int) *linalg.Dense[float64] {
	p := s.parts[b]
	return p.Slice(0, p.Rows, lo-b*s.size, hi-b*s.size)
}

func (s *strips) RowBlock(buf []float64, lo, hi int) (block []float64, stride int) {
	out := linalg.NewDense(hi-lo, s.n, buf[:(hi-lo)*s.n])
	s.within(lo, hi, func(b, first, from, to int) {
		for i := from; i < to; i++ {
			copy(out.Row(i - lo)[first:], s.parts[b].Row(i-first))
		}
		for t := range b {
			above := s.before(t, from, to)
			for r := range above.Rows {
				for i, v := range above.Row(r) {
					out.Row(from - lo + i)[t*s.size+r] = v
				}
			}
		}
	})
	return out.Data, s.n
}

func (s *strips) MulRows(dst []float64, lo, hi int, b []float64, k int) {
	rows := func(lo, hi int) *linalg.Dense[float64] { return linalg.NewDense(hi-lo, k, b[lo*k:hi*k]) }
	s.within(lo, hi, func(p, first, from, to int) {
		out := linalg.NewDense(to-from, k, dst[(from-lo)*k:(to-lo)*k])
		own := s.parts[p].Slice(from-first, to-first, 0, s.n-first)
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, own, rows(first, s.n), 0, out)
		for t := range p {
			linalg.Gemm(blas.Trans, blas.NoTrans, 1, s.before(t, from, to), rows(t*s.size, (t+1)*s.size), 1, out)
		}
	})
}

func (s *strips) AddTransMulRows(dst []float64, lo, hi int, g []float64, k int) {
	rows := func(lo, hi int) *linalg.Dense[float64] { return linalg.NewDense(hi-lo, k, dst[lo*k:hi*k]) }
	s.within(lo, hi, func(p, first, from, to int) {
		in := linalg.NewDense(to-from, k, g[(from-lo)*k:(to-lo)*k])
		own := s.parts[p].Slice(from-first, to-first, 0, s.n-first)
		linalg.Gemm(blas.Trans, blas.NoTrans, 1, own, in, 1, rows(first, s.n))
		for t := range p {
			linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, s.before(t, from, to), in, 1, rows(t*s.size, (t+1)*s.size))
		}
	})
}

// dense returns the whole matrix.
func (s *strips) dense() *linalg.Dense[float64] {
	out := linalg.NewDense[float64](s.n, s.n, nil)
	s.RowBlock(out.Data, 0, s.n)
	return out
}

// finite tells whether a strip holds no NaN and no infinity, and its sums do not overflow.
func (s *strips) finite(b int) bool {
	sum := 0.0
	for i := range s.parts[b].Rows {
		sum += f64.Asum(s.parts[b].Row(i))
	}
	return sum-sum == 0
}
