package prep

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// Moments accumulates the weighted mean and variance of every column of data that
// come in pieces. The zero value is empty and takes its width from the first piece.
// Pieces added to one accumulator, or to several that are then merged, give the
// moments of all rows together, up to rounding.
//
// The fields are exported so that accumulators can be sent between machines. A value
// must not be used by two goroutines at once.
type Moments struct {
	// Weight is Σ wᵢ over the rows so far.
	Weight float64
	// Mean holds Σ wᵢxᵢ / Σ wᵢ of each column.
	Mean []float64
	// SumSquares holds Σ wᵢ(xᵢ − mean)² of each column.
	SumSquares []float64
}

// Add takes in the rows of X, with weights w ≥ 0, nil for all ones. On an error m is
// left as it was: ErrShape for another number of columns than before, an empty X or
// a w of another length than X, ErrWeights, and ErrNonFinite, which names the first
// row and column that are NaN or infinite, in X. O(n·d).
func (m *Moments) Add(X gram.Matrix, w []float64) error {
	n, d, err := checkShape(X, w)
	if err != nil {
		return err
	}
	if m.Mean != nil && len(m.Mean) != d {
		return fmt.Errorf("X has %d features, the moments %d: %w", d, len(m.Mean), gram.ErrShape)
	}
	part := newMoments(d)
	part.addRows(linalg.AsOperator(X), 0, n, w)
	if err := part.check(X); err != nil {
		return err
	}
	return m.Merge(part)
}

// Merge takes in the rows that o has seen; o is not changed. It returns ErrShape when
// the two have different numbers of columns. O(d).
func (m *Moments) Merge(o *Moments) error {
	if o.Weight == 0 {
		return nil
	}
	if m.Mean == nil {
		m.Mean, m.SumSquares = make([]float64, len(o.Mean)), make([]float64, len(o.Mean))
	}
	if len(m.Mean) != len(o.Mean) {
		return fmt.Errorf("moments of %d features, the others of %d: %w", len(m.Mean), len(o.Mean), gram.ErrShape)
	}
	m.merge(o.Weight, o.Mean, o.SumSquares)
	return nil
}

// Variance returns the variance of each column, Σ wᵢ(xᵢ − mean)² / Σ wᵢ: the population
// variance, with no correction for the degree of freedom. Nil before the first row.
func (m *Moments) Variance() []float64 {
	if m.Weight == 0 {
		return nil
	}
	v := make([]float64, len(m.SumSquares))
	for j, s := range m.SumSquares {
		v[j] = s / m.Weight
	}
	return v
}

func newMoments(d int) *Moments {
	return &Moments{Mean: make([]float64, d), SumSquares: make([]float64, d)}
}

// merge adds moments by the formula of Chan, Golub and LeVeque. Those of no weight
// change nothing, unless they are not finite.
func (m *Moments) merge(weight float64, mean, sumSquares []float64) {
	total, share := m.Weight+weight, 0.0
	if weight > 0 {
		share = weight / total
	}
	for j, mu := range mean {
		delta := mu - m.Mean[j]
		m.Mean[j] += delta * share
		m.SumSquares[j] += sumSquares[j] + delta*(delta*m.Weight*share)
	}
	m.Weight = total
}

// blockElems is about how many elements a block has: few enough to stay in a core's
// cache for the second look, enough to hide the cost of a merge.
const blockElems = 1 << 14

// addRows takes in rows lo ≤ i < hi of X in blocks, whose bounds depend on the shape alone.
func (m *Moments) addRows(X gram.Operator, lo, hi int, w []float64) {
	d := len(m.Mean)
	rows := max(16, blockElems/d)
	buf := make([]float64, min(rows, hi-lo)*d)
	part, slip, ones := newMoments(d), make([]float64, d), onesFor(w, min(rows, hi-lo))
	for ; lo < hi; lo += rows {
		end := min(lo+rows, hi)
		block, stride := X.RowBlock(buf, lo, end)
		if w == nil {
			part.ofBlock(block, stride, ones[:end-lo], slip)
		} else {
			part.ofBlock(block, stride, w[lo:end], slip)
		}
		m.merge(part.Weight, part.Mean, part.SumSquares)
	}
}

// onesFor returns n weights of one where there are no weights.
func onesFor(w []float64, n int) []float64 {
	if w != nil {
		return nil
	}
	ones := make([]float64, n)
	for i := range ones {
		ones[i] = 1
	}
	return ones
}

// ofBlock sets m to the moments of a block, of as many rows as weights. The first sum
// runs over differences from the first row, so that a constant column has variance 0
// exactly; slip collects what rounding left of Σ w(x − mean), which is zero in exact
// arithmetic.
func (m *Moments) ofBlock(block []float64, stride int, w, slip []float64) {
	d := len(m.Mean)
	clear(m.Mean)
	clear(m.SumSquares)
	clear(slip)
	m.Weight = 0
	for _, v := range w {
		m.Weight += v
	}
	first := block[:d]
	f64.AddDiffs(w, block, stride, first, m.Mean)
	if m.Weight == 0 {
		return
	}
	for j := range m.Mean {
		m.Mean[j] = first[j] + m.Mean[j]/m.Weight
	}
	f64.AddSquares(w, block, stride, m.Mean, slip, m.SumSquares)
	for j, s := range slip {
		m.SumSquares[j] = max(0, m.SumSquares[j]-s*s/m.Weight)
	}
}

func weight(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}

// check returns an error when a moment is not finite: it names the element of X at
// fault or, when all of X is finite, the column whose squares overflow.
func (m *Moments) check(X gram.Matrix) error {
	for j, s := range m.SumSquares {
		if !isFinite(s) || !isFinite(m.Mean[j]) {
			if _, _, err := gram.CheckMatrix(X); err != nil {
				return err
			}
			return fmt.Errorf("the squares of column %d overflow: %w", j, gram.ErrNonFinite)
		}
	}
	return nil
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// checkShape returns the shape of X, and an error when it is empty or the weights do not
// fit. It reads no element: what is not finite shows in the sums.
func checkShape(X gram.Matrix, w []float64) (n, d int, err error) {
	if X == nil {
		return 0, 0, fmt.Errorf("X is nil: %w", gram.ErrShape)
	}
	if n, d = X.Dims(); n == 0 || d == 0 {
		return n, d, fmt.Errorf("X is %d×%d: %w", n, d, gram.ErrShape)
	}
	_, err = gram.CheckWeights(w, n)
	return n, d, err
}
