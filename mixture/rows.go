package mixture

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// rows is X as fits read it: in blocks, with weights, moved by an origin so that
// data far from zero lose no digits.
type rows struct {
	x       gram.Operator
	n, d    int
	w       []float64 // nil for ones
	total   float64   // Σ w
	origin  []float64
	origins []float64 // some rows of it
	// spread holds the variance of each column.
	spread []float64
	used   sync.Pool // of *scratch, from one pass over the rows to the next
}

// newRows checks X and w and takes the means of the columns for the origin.
func newRows(ctx context.Context, X gram.Matrix, w []float64, workers int) (*rows, error) {
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	total, err := gram.CheckWeights(w, n)
	if err != nil {
		return nil, err
	}
	s := &rows{x: linalg.AsOperator(X), n: n, d: d, w: w, total: total, origin: make([]float64, d)}
	if err := s.center(ctx, workers); err != nil {
		return nil, stopped(err)
	}
	for j, v := range s.spread {
		if v-v != 0 {
			return nil, fmt.Errorf("the squares of column %d overflow: %w", j, gram.ErrNonFinite)
		}
	}
	return s, nil
}

// scoredRows is X for a model with its origin; what X holds is not checked.
func scoredRows(X gram.Matrix, n int, origin []float64) *rows {
	s := &rows{x: linalg.AsOperator(X), n: n, d: len(origin), total: float64(n)}
	s.setOrigin(origin)
	return s
}

func (s *rows) setOrigin(origin []float64) {
	s.origin, s.origins = origin, slices.Repeat(origin, min(s.n, 16))
}

func stopped(err error) error {
	return fmt.Errorf("fit stopped: %w", err)
}

// weight returns the weight of row i.
func (s *rows) weight(i int) float64 {
	if s.w == nil {
		return 1
	}
	return s.w[i]
}

// positive returns the number of rows of weight above zero.
func (s *rows) positive() int {
	if s.w == nil {
		return s.n
	}
	count := 0
	for _, w := range s.w {
		if w > 0 {
			count++
		}
	}
	return count
}

// scratch is the memory of one goroutine.
type scratch struct {
	raw, z, y, p, s, t, u []float64
	shown, places, from   []int
	doubts                []doubt
}

// grow returns *buf with length n.
func grow[T any](buf *[]T, n int) []T {
	if cap(*buf) < n {
		*buf = make([]T, n)
	}
	return (*buf)[:n]
}

// block sets dst, (hi-lo)×d row-major, to rows lo ≤ i < hi less the origin.
func (s *rows) block(dst []float64, lo, hi int, t *scratch) {
	raw, stride := s.x.RowBlock(grow(&t.raw, (hi-lo)*s.d), lo, hi)
	if stride != s.d {
		for i := range hi - lo {
			subtract(dst[i*s.d:(i+1)*s.d], raw[i*stride:], s.origin)
		}
		return
	}
	for left := (hi - lo) * s.d; left > 0; {
		m := min(left, len(s.origins))
		subtract(dst[:m], raw, s.origins)
		dst, raw, left = dst[m:], raw[m:], left-m
	}
}

// blockSquares sets f, (hi-lo)×joint(d), to those rows, their squares beside them, 1 and zeros.
func (s *rows) blockSquares(f *linalg.Dense[float64], lo, hi int, t *scratch) {
	d := s.d
	raw, stride := s.x.RowBlock(grow(&t.raw, (hi-lo)*d), lo, hi)
	for i := range hi - lo {
		row := f.Row(i)
		f64.SubtractSquares(row[:d], raw[i*stride:i*stride+d], s.origin, row[d:2*d])
		clear(row[2*d:])
		row[2*d] = 1
	}
}

// subtract sets dst to x − y over len(dst) elements.
func subtract(dst, x, y []float64) { f64.Subtract(dst, x, y) }

// row sets dst, of length d, to row i less the origin.
func (s *rows) row(dst []float64, i int, t *scratch) { s.block(dst, i, i+1, t) }

// blockRows returns how many rows a block has when each takes width numbers of
// scratch: so many that they stay in the second-level cache.
func blockRows(width int) int {
	const elements = 1 << 15
	return min(max(elements/max(width, 1)&^7, 32), 512)
}

// chunkRows returns how many rows are summed up, block by block, before sums of the
// given number of elements are merged. It depends on the shape alone; there are at
// most 32 sums, fewer where they are large.
func chunkRows(n, block, elements int) int {
	const budget = 1 << 23
	chunks := min(32, max(2, budget/max(elements, 1)))
	return par.Blocks(par.Blocks(n, block), chunks) * block
}

// each calls f for the blocks of size rows, in chunks on the workers, and tells it
// the chunk it is in. Blocks of a chunk come in order on one goroutine.
func (s *rows) each(ctx context.Context, workers, block, chunk int, f func(chunk, lo, hi int, t *scratch)) error {
	return par.For(ctx, workers, s.n, chunk, func(c, lo, hi int) {
		t, ok := s.used.Get().(*scratch)
		if !ok {
			t = new(scratch)
		}
		for ; lo < hi; lo += block {
			f(c, lo, min(lo+block, hi), t)
		}
		s.used.Put(t)
	})
}

// columnSums holds the weight, means and sums of squares about them of columns.
type columnSums struct {
	weight        float64
	mean, squares []float64
}

func newColumnSums(d int) *columnSums {
	return &columnSums{mean: make([]float64, d), squares: make([]float64, d)}
}

// merge adds o by the formula of Chan, Golub and LeVeque.
func (m *columnSums) merge(o *columnSums) {
	if o.weight == 0 {
		return
	}
	total := m.weight + o.weight
	share := o.weight / total
	for j, mu := range o.mean {
		delta := mu - m.mean[j]
		m.mean[j] += delta * share
		m.squares[j] += o.squares[j] + delta*(delta*m.weight*share)
	}
	m.weight = total
}

// center sets the origin to the means of the columns, and their spread.
func (s *rows) center(ctx context.Context, workers int) error {
	block := blockRows(s.d)
	chunk := chunkRows(s.n, block, 2*s.d)
	parts := make([]*columnSums, par.Blocks(s.n, chunk))
	err := s.each(ctx, workers, block, chunk, func(c, lo, hi int, t *scratch) {
		if parts[c] == nil {
			parts[c] = newColumnSums(s.d)
		}
		parts[c].merge(s.columns(lo, hi, t))
	})
	if err != nil {
		return err
	}
	sum := newColumnSums(s.d)
	for _, p := range parts {
		sum.merge(p)
	}
	s.setOrigin(sum.mean)
	s.spread = sum.squares
	f64.Scal(1/sum.weight, s.spread)
	return nil
}

// columns returns the sums of a block, taken around its first row and then around the means.
func (s *rows) columns(lo, hi int, t *scratch) *columnSums {
	sum := newColumnSums(s.d)
	raw, stride := s.x.RowBlock(grow(&t.raw, (hi-lo)*s.d), lo, hi)
	w := grow(&t.t, hi-lo)
	for i := range w {
		w[i] = s.weight(lo + i)
		sum.weight += w[i]
	}
	if sum.weight == 0 {
		return sum
	}
	f64.AddDiffs(w, raw, stride, raw[:s.d], sum.mean)
	for j := range sum.mean {
		sum.mean[j] = raw[j] + sum.mean[j]/sum.weight
	}
	slip := make([]float64, s.d)
	f64.AddSquares(w, raw, stride, sum.mean, slip, sum.squares)
	for j, v := range slip {
		sum.squares[j] = max(0, sum.squares[j]-v*v/sum.weight)
	}
	return sum
}

// logSumExp turns logs, n×k row-major, into exp(log − log Σ exp) and sets lse, of
// length n, to log Σ exp of each row. A row that is all −Inf gets −Inf and equal shares.
func logSumExp(logs, lse []float64, k int) {
	shift(logs, logs, lse, k)
	f64.Exp(logs, logs)
	var sums [64]float64
	for len(lse) > 0 {
		m := min(len(lse), len(sums))
		f64.ShareRows(logs[:m*k], sums[:m], k)
		f64.Log(sums[:m], sums[:m])
		f64.Axpy(1, sums[:m], lse[:m])
		logs, lse = logs[m*k:], lse[m:]
	}
}

// shift sets dst to logs, n×k row-major, less the largest of their row, which tops gets.
// A row that is all −Inf gets zeros.
func shift(dst, logs, tops []float64, k int) {
	f64.ShiftRows(dst, logs, tops, k)
	for i, top := range tops {
		if math.IsInf(top, -1) {
			clear(dst[i*k : (i+1)*k])
		}
	}
}

// argMax returns the index of the largest element, the first of equal ones; 0 if
// all are NaN.
func argMax(x []float64) int {
	best := 0
	for j, v := range x {
		if v > x[best] || x[best] != x[best] {
			best = j
		}
	}
	return best
}

// sums returns one accumulator a chunk, made by fresh, filled by add block by block
// on the workers and merged in order.
func sums[S any](ctx context.Context, s *rows, workers, block, elements int, fresh func() S, merge func(into, from S), add func(sum S, lo, hi int, t *scratch)) (S, error) {
	chunk := chunkRows(s.n, block, elements)
	parts := make([]S, par.Blocks(s.n, chunk))
	made := make([]bool, len(parts))
	err := s.each(ctx, workers, block, chunk, func(c, lo, hi int, t *scratch) {
		if !made[c] {
			parts[c], made[c] = fresh(), true
		}
		add(parts[c], lo, hi, t)
	})
	if err != nil {
		var none S
		return none, stopped(err)
	}
	for _, p := range parts[1:] {
		merge(parts[0], p)
	}
	return parts[0], nil
}
