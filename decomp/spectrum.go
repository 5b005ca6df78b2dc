package decomp

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// data is X as fits read it, checked.
type data struct {
	X        gram.Matrix
	op       gram.Operator
	n, d     int
	w        []float64 // nil for ones
	weight   float64   // Σ w
	positive int       // rows of weight above zero
	workers  int
}

// newData checks the shape of X and w, but reads no element of X: the sums that every fit
// begins with show what is not finite.
func newData(ctx context.Context, X gram.Matrix, w []float64, workers int) (*data, error) {
	if X == nil {
		return nil, fmt.Errorf("X is nil: %w", gram.ErrShape)
	}
	n, d := X.Dims()
	if n < 1 || d < 1 {
		return nil, fmt.Errorf("X is %d×%d: %w", n, d, gram.ErrShape)
	}
	s := &data{X: X, n: n, d: d, w: w, positive: n, workers: workers}
	var err error
	if s.weight, err = gram.CheckWeights(w, n); err != nil {
		return nil, err
	}
	for _, v := range w {
		if v == 0 {
			s.positive--
		}
	}
	s.op = linalg.AsOperator(X)
	return s, ctx.Err()
}

// nonFinite returns the error that names the first element of X that is not finite.
func nonFinite(X gram.Matrix) error {
	if _, _, err := gram.CheckMatrix(X); err != nil {
		return err
	}
	return fmt.Errorf("the moments of X overflow: %w", gram.ErrNonFinite)
}

// sample is newData for methods that need a variance: at least two rows.
func sample(ctx context.Context, X gram.Matrix, w []float64, workers int) (*data, error) {
	s, err := newData(ctx, X, w, workers)
	if err != nil {
		return nil, err
	}
	if s.positive < 2 {
		return nil, fmt.Errorf("a variance of %d row: %w", s.positive, gram.ErrShape)
	}
	return s, checkTotal(s.weight)
}

// checkTotal: weights count rows, and a variance divides by their number less one.
func checkTotal(weight float64) error {
	if weight <= 1 {
		return fmt.Errorf("weights count rows and must sum to more than 1, not %v: %w", weight, gram.ErrWeights)
	}
	return nil
}

// least returns how many directions the rows can span.
func (s *data) least() int { return min(s.positive, s.d) }

// root returns √w of row i.
func (s *data) root(i int) float64 {
	if s.w == nil {
		return 1
	}
	return math.Sqrt(s.w[i])
}

// stretch is rows lo ≤ i < hi of X.
type stretch struct {
	gram.Operator
	lo, hi int
}

func (m stretch) Dims() (rows, cols int) {
	_, cols = m.Operator.Dims()
	return m.hi - m.lo, cols
}

func (m stretch) At(i, j int) float64 { return m.Operator.At(m.lo+i, j) }

func (m stretch) RowBlock(buf []float64, lo, hi int) (block []float64, stride int) {
	return m.Operator.RowBlock(buf, m.lo+lo, m.lo+hi)
}

// rowBlocker hides the products of an operator that lends rows, so that it is read
// through RowBlock.
type rowBlocker struct{ gram.RowBlocker }

// moments returns the mean and the scatter, looking at ctx every second or so.
func (s *data) moments(ctx context.Context) (*linalg.Covariance, error) {
	return momentsOf(ctx, s.op, s.w, s.workers)
}

func momentsOf(ctx context.Context, X gram.Operator, w []float64, workers int) (*linalg.Covariance, error) {
	n, d := X.Dims()
	size := max(4096, int(1e10/(float64(d)*float64(d))))
	total := new(linalg.Covariance)
	for lo := 0; lo < n; lo += size {
		if err := ctx.Err(); err != nil {
			return nil, stopped(err)
		}
		hi := min(n, lo+size)
		var weights []float64
		if w != nil {
			weights = w[lo:hi]
			if f64.Sum(weights) == 0 {
				if _, _, err := gram.CheckMatrix(stretch{X, lo, hi}); err != nil {
					return nil, nonFinite(X)
				}
				continue
			}
		}
		err := total.Add(workers, rowBlocker{stretch{X, lo, hi}}, weights)
		if errors.Is(err, gram.ErrNonFinite) {
			return nil, nonFinite(X)
		}
		if err != nil {
			return nil, err
		}
	}
	return total, nil
}

func stopped(err error) error { return fmt.Errorf("fit stopped: %w", err) }

// spectrum is what a principal component analysis finds, before a number of components
// is chosen.
type spectrum struct {
	mean   []float64
	weight float64
	// variances, the largest first, and as columns their directions: all that there
	// are, or the leading ones.
	variances []float64
	vectors   *linalg.Dense[float64]
	// total is the variance of all directions; complete tells whether all are there.
	total    float64
	complete bool
}

// rank returns how many variances are above rounding.
func (s *spectrum) rank() int {
	r := 0
	for r < len(s.variances) && s.variances[r] > 0 {
		r++
	}
	return r
}

// fromCovariance finds the spectrum from the moments, with at most k directions.
func fromCovariance(workers int, c *linalg.Covariance, k int) (*spectrum, error) {
	f, err := linalg.NewSymEigen(workers, c.Scatter, k)
	if err != nil {
		return nil, fmt.Errorf("the scatter of X: %w", err)
	}
	s := &spectrum{mean: c.Mean, weight: c.Weight, variances: f.Values, vectors: f.Vectors, complete: k == len(c.Mean)}
	for j := range c.Mean {
		s.total += c.Scatter.Data[j*c.Scatter.Stride+j]
	}
	s.perRow(4 * float64(len(c.Mean)) * 0x1p-52)
	return s, nil
}

// perRow turns the sums of squares into variances. Those that are not above the given
// share of the largest are rounding, and become 0.
func (s *spectrum) perRow(rounding float64) {
	limit := rounding * s.variances[0]
	f := 1 / (s.weight - 1)
	for j, v := range s.variances {
		if s.variances[j] = 0; v > limit {
			s.variances[j] = v * f
		}
	}
	s.total = max(0, s.total) * f
}

// squaredCondition is the ratio of variances below which their squares in the scatter
// matrix have lost too many digits: standard deviations of 1e-5 of the largest.
const squaredCondition = 1e-10

// bySVD finds the spectrum by a singular value decomposition of the rows less their
// mean, times the roots of their weights. Many rows are first reduced to a triangle.
func (s *data) bySVD(ctx context.Context, mean []float64) (*spectrum, error) {
	a, err := s.triangle(ctx, mean)
	if err != nil {
		return nil, err
	}
	f, err := linalg.NewSVD(s.workers, a)
	if err != nil {
		return nil, fmt.Errorf("X less its mean: %w", err)
	}
	k := s.least()
	out := &spectrum{mean: mean, weight: s.weight, vectors: f.V.Slice(0, s.d, 0, k), complete: true}
	for _, v := range f.Values[:k] {
		out.variances = append(out.variances, v*v)
		out.total += v * v
	}
	out.perRow(s.squaredRounding())
	return out, nil
}

// squaredRounding is the square of how large, of the largest, rounding makes a singular value.
func (s *data) squaredRounding() float64 {
	r := 4 * float64(max(s.n, s.d)) * 0x1p-52
	return r * r
}

// triangle returns a matrix of the same singular values and right vectors as the centred
// and weighted rows: those rows, or a triangular factor of them. Stretches of the rows are
// factored side by side, and then their factors together.
func (s *data) triangle(ctx context.Context, mean []float64) (*linalg.Dense[float64], error) {
	size := max(4*s.d, 1024)
	if s.n <= 2*size {
		return s.centred(mean, 0, s.n), ctx.Err()
	}
	parts := make([]*linalg.Dense[float64], par.Blocks(s.n, size))
	failed := make([]error, len(parts))
	err := par.For(ctx, s.workers, s.n, size, func(b, lo, hi int) {
		parts[b], failed[b] = factor(s.centred(mean, lo, hi))
	})
	if err != nil {
		return nil, stopped(err)
	}
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	sum := parts[0]
	for _, p := range parts[1:] {
		if err := ctx.Err(); err != nil {
			return nil, stopped(err)
		}
		if sum, err = factor(stack(sum, p)); err != nil {
			return nil, err
		}
	}
	return sum, nil
}

func factor(a *linalg.Dense[float64]) (*linalg.Dense[float64], error) {
	f, err := linalg.NewQR(1, a)
	if err != nil {
		return nil, fmt.Errorf("X less its mean: %w", err)
	}
	return f.R(), nil
}

func stack(a, b *linalg.Dense[float64]) *linalg.Dense[float64] {
	out := linalg.NewDense[float64](a.Rows+b.Rows, a.Cols, nil)
	for i := range a.Rows {
		copy(out.Row(i), a.Row(i))
	}
	for i := range b.Rows {
		copy(out.Row(a.Rows+i), b.Row(i))
	}
	return out
}

// centred returns rows lo ≤ i < hi of positive weight less the mean, times the root of
// their weight.
func (s *data) centred(mean []float64, lo, hi int) *linalg.Dense[float64] {
	out := linalg.NewDense[float64](hi-lo, s.d, nil)
	raw, stride := s.op.RowBlock(make([]float64, (hi-lo)*s.d), lo, hi)
	rows := 0
	for i := lo; i < hi; i++ {
		root := s.root(i)
		if root == 0 {
			continue
		}
		row := out.Row(rows)
		copy(row, raw[(i-lo)*stride:(i-lo)*stride+s.d])
		f64.Axpy(-1, mean, row)
		if root != 1 {
			f64.Scal(root, row)
		}
		rows++
	}
	return out.Slice(0, rows, 0, s.d)
}

// exact finds the spectrum from the scatter matrix, or by singular values where there are
// fewer rows than columns or where the first k variances reach below what squares resolve.
func (s *data) exact(ctx context.Context, solver Solver, k int) (*spectrum, error) {
	if s.positive < s.d && solver == Auto {
		solver = FullSVD
	}
	if solver == FullSVD {
		mean, err := s.means(ctx)
		if err != nil {
			return nil, err
		}
		return s.bySVD(ctx, mean)
	}
	c, err := s.moments(ctx)
	if err != nil {
		return nil, err
	}
	out, err := fromCovariance(s.workers, c, k)
	if err != nil || solver == CovarianceEigen {
		return out, err
	}
	if out.variances[len(out.variances)-1] < squaredCondition*out.variances[0] {
		if err := ctx.Err(); err != nil {
			return nil, stopped(err)
		}
		return s.bySVD(ctx, c.Mean)
	}
	return out, nil
}

// means returns the weighted means of the columns, taken about the first row.
func (s *data) means(ctx context.Context) ([]float64, error) {
	m, err := s.columns(ctx)
	if err != nil {
		return nil, err
	}
	return m.mean, nil
}

// columnSums are the weight, means and sums of squares about them of the columns.
type columnSums struct {
	weight        float64
	mean, squares []float64
}

// columns takes the sums of stretches side by side and merges them in order, by the
// formula of Chan, Golub and LeVeque.
func (s *data) columns(ctx context.Context) (*columnSums, error) {
	size := max(256, par.Blocks(s.n, 64))
	parts := make([]*columnSums, par.Blocks(s.n, size))
	room := make([]*columnRoom, min(par.Workers(s.workers), len(parts)))
	err := par.ForWorker(ctx, s.workers, s.n, size, func(worker, b, lo, hi int) {
		if room[worker] == nil {
			room[worker] = newColumnRoom(s.d)
		}
		parts[b] = s.columnBlock(lo, hi, room[worker])
	})
	if err != nil {
		return nil, stopped(err)
	}
	sum := &columnSums{mean: make([]float64, s.d), squares: make([]float64, s.d)}
	for _, p := range parts {
		sum.merge(p)
	}
	if total := f64.Sum(sum.mean) + f64.Sum(sum.squares); total-total != 0 {
		return nil, nonFinite(s.X)
	}
	return sum, nil
}

func (c *columnSums) merge(o *columnSums) {
	total, share := c.weight+o.weight, 0.0
	if o.weight > 0 {
		share = o.weight / total
	}
	for j, mu := range o.mean {
		delta := mu - c.mean[j]
		c.mean[j] += delta * share
		c.squares[j] += o.squares[j] + delta*(delta*c.weight*share)
	}
	c.weight = total
}

// columnRoom is room for the sums of a block of few rows.
type columnRoom struct {
	rows            int
	buf, ones, slip []float64
	part            columnSums
}

func newColumnRoom(d int) *columnRoom {
	rows := max(32, blockElems/d)
	r := &columnRoom{rows: rows, buf: make([]float64, rows*d), ones: make([]float64, rows), slip: make([]float64, d)}
	for i := range r.ones {
		r.ones[i] = 1
	}
	r.part = columnSums{mean: make([]float64, d), squares: make([]float64, d)}
	return r
}

// columnBlock sums up rows lo ≤ i < hi in blocks of a few.
func (s *data) columnBlock(lo, hi int, room *columnRoom) *columnSums {
	sum := &columnSums{mean: make([]float64, s.d), squares: make([]float64, s.d)}
	part, slip := &room.part, room.slip
	for ; lo < hi; lo += room.rows {
		end := min(hi, lo+room.rows)
		raw, stride := s.op.RowBlock(room.buf, lo, end)
		w := room.ones[:end-lo]
		if s.w != nil {
			w = s.w[lo:end]
		}
		part.weight = f64.Sum(w)
		share := 0.0 // of a row; sums of no weight are zero or not finite
		if part.weight > 0 {
			share = 1 / part.weight
		}
		origin := raw[:s.d]
		clear(part.mean)
		f64.AddDiffs(w, raw, stride, origin, part.mean)
		for j, v := range part.mean {
			part.mean[j] = origin[j] + v*share
		}
		clear(part.squares)
		clear(slip)
		f64.AddSquares(w, raw, stride, part.mean, slip, part.squares)
		for j, v := range slip {
			part.squares[j] -= v * v * share
		}
		sum.merge(part)
	}
	return sum
}
