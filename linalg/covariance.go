package linalg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
)

// Covariance holds the weighted mean and the scatter about it of the d columns of
// data. Those of parts of the rows merge into those of the whole.
//
// The fields are exported so that parts can be sent between machines. A value must not
// be used by two goroutines at once.
type Covariance struct {
	// Weight is Σ wᵢ over the rows, their number without weights.
	Weight float64
	// Mean holds Σ wᵢxᵢ / Weight of each column.
	Mean []float64
	// Scatter is Σ wᵢ(xᵢ − mean)(xᵢ − mean)ᵀ, d×d and symmetric.
	Scatter *Dense[float64]
}

// The rows of one block are few enough that they stay in a cache, and a stretch of them
// is what one goroutine adds up before it merges.
const (
	covarianceElems   = 1 << 16
	covarianceStretch = 16
)

// NewCovariance returns the moments of the rows of X with weights w ≥ 0, nil for all
// ones, on at most workers goroutines, 0 for GOMAXPROCS; the result does not depend on
// their number. Each block of rows is centred about its own mean and merged by the
// formula of T. Chan, G. Golub and R. LeVeque, Algorithms for computing the sample
// variance, The American Statistician 37 (1983), so that a constant added to a column,
// however large, costs no more than the accuracy of the column's own elements.
//
// It returns an error that wraps gram.ErrShape for an empty X or a w of another length
// than X, gram.ErrWeights for a negative or non-finite weight or none above zero, and
// gram.ErrNonFinite, which names the row and the column. O(n·d²) for n rows, half of
// what a product takes.
func NewCovariance(workers int, X gram.Matrix, w []float64) (*Covariance, error) {
	n, d := X.Dims()
	if n == 0 || d == 0 {
		return nil, fmt.Errorf("X is %d×%d: %w", n, d, gram.ErrShape)
	}
	if err := checkWeights(w, n); err != nil {
		return nil, err
	}
	op := AsOperator(X)
	rows := min(256, max(32, covarianceElems/d))
	stretch := rows * covarianceStretch
	parts := make([]*Covariance, par.Blocks(n, stretch))
	// A round of stretches at a time, so that memory does not grow with n.
	const round = 16
	total := emptyCovariance(d)
	origin := firstRow(op)
	for at := 0; at < len(parts); at += round {
		end := min(n, (at+round)*stretch)
		par.For(nil, workers, end-at*stretch, stretch, func(b, lo, hi int) {
			part := emptyCovariance(d)
			part.addRows(op, at*stretch+lo, at*stretch+hi, rows, origin, w)
			parts[at+b] = part
		})
		for b := at; b < min(at+round, len(parts)); b++ {
			total.merge(parts[b])
			parts[b] = nil
		}
	}
	mirror(blas.Upper, total.Scatter)
	Axpy(1, origin, total.Mean)
	if err := total.checkFinite(op, rows); err != nil {
		return nil, err
	}
	return total, nil
}

func checkWeights(w []float64, n int) error {
	if w == nil {
		return nil
	}
	if len(w) != n {
		return fmt.Errorf("X has %d rows, w %d elements: %w", n, len(w), gram.ErrShape)
	}
	var sum float64
	for i, v := range w {
		if !(v >= 0) || math.IsInf(v, 1) {
			return fmt.Errorf("weight %d is %v: %w", i, v, gram.ErrWeights)
		}
		sum += v
	}
	if sum == 0 || math.IsInf(sum, 1) {
		return fmt.Errorf("weights add up to %v: %w", sum, gram.ErrWeights)
	}
	return nil
}

func emptyCovariance(d int) *Covariance {
	return &Covariance{Mean: make([]float64, d), Scatter: NewDense[float64](d, d, nil)}
}

// firstRow returns a copy of row 0.
func firstRow(X gram.Operator) []float64 {
	_, d := X.Dims()
	block, _ := X.RowBlock(make([]float64, d), 0, 1)
	return append([]float64(nil), block[:d]...)
}

// addRows takes in rows lo ≤ i < hi of X less the origin, into the upper triangle of
// Scatter: means far from zero would lose the digits in which those of blocks differ.
func (c *Covariance) addRows(X gram.Operator, lo, hi, rows int, origin, w []float64) {
	d := len(c.Mean)
	buf, centred := make([]float64, min(rows, hi-lo)*d), make([]float64, min(rows, hi-lo)*d)
	mean, slip := make([]float64, d), make([]float64, d)
	for ; lo < hi; lo += rows {
		n := min(rows, hi-lo)
		data, stride := X.RowBlock(buf, lo, lo+n)
		x := &Dense[float64]{Rows: n, Cols: d, Stride: stride, Data: data}
		var weights []float64
		if w != nil {
			weights = w[lo : lo+n]
		}
		c.addBlock(x, origin, weights, NewDense(n, d, centred[:n*d]), mean, slip)
	}
}

// addBlock takes in one block. As the sums run over differences from the origin, a
// constant column has no scatter; slip is what rounding leaves of Σ w(x − mean).
func (c *Covariance) addBlock(x *Dense[float64], origin, w []float64, centred *Dense[float64], mean, slip []float64) {
	weight := float64(x.Rows)
	if w != nil {
		weight = Sum(w)
		if weight == 0 {
			c.seeNonFinite(x)
			return
		}
	}
	clear(mean)
	for i := range x.Rows {
		row := centred.Row(i)
		copy(row, x.Row(i))
		Axpy(-1, origin, row)
		Axpy(weightOf(w, i)/weight, row, mean)
	}
	clear(slip)
	for i := range x.Rows {
		row := centred.Row(i)
		Axpy(-1, mean, row)
		v := weightOf(w, i)
		Axpy(v, row, slip)
		if w != nil {
			Scal(math.Sqrt(v), row)
		}
	}
	Axpy(-1, c.Mean, mean)
	Syrk(blas.Upper, blas.Trans, 1, centred, 1, c.Scatter)
	syr2(blas.Upper, -1/weight, slip, nil, c.Scatter)
	c.shift(weight, mean)
}

// shift merges rows of the given weight, whose scatter about their own mean has been added.
func (c *Covariance) shift(weight float64, delta []float64) {
	total := c.Weight + weight
	if c.Weight > 0 {
		syr2(blas.Upper, c.Weight*(weight/total), delta, nil, c.Scatter)
	}
	Axpy(weight/total, delta, c.Mean)
	c.Weight = total
}

// merge takes in the upper triangle of o.
func (c *Covariance) merge(o *Covariance) {
	for i := range c.Mean {
		Axpy(1, o.Scatter.Row(i)[i:], c.Scatter.Row(i)[i:])
	}
	if o.Weight == 0 {
		Axpy(1, o.Mean, c.Mean) // zeros, or what is not finite
		return
	}
	delta := append([]float64(nil), o.Mean...)
	Axpy(-1, c.Mean, delta)
	c.shift(o.Weight, delta)
}

func weightOf(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}

// seeNonFinite lets a NaN or an infinity in rows without weight show in the mean.
func (c *Covariance) seeNonFinite(x *Dense[float64]) {
	for i := range x.Rows {
		for j, v := range x.Row(i) {
			c.Mean[j] += v - v
		}
	}
}

// checkFinite looks for the culprit in X if a moment is not finite.
func (c *Covariance) checkFinite(X gram.Operator, rows int) error {
	if checkFinite(NewDense(1, len(c.Mean), c.Mean), nil) == nil && checkFinite(c.Scatter, nil) == nil {
		return nil
	}
	return findNonFinite(X, rows, "the moments of X overflow")
}

// findNonFinite returns an error that names the first NaN or infinity in X, or says what
// happened if there is none.
func findNonFinite(X gram.Operator, rows int, otherwise string) error {
	n, d := X.Dims()
	buf := make([]float64, min(n, rows)*d)
	for lo := 0; lo < n; lo += rows {
		hi := min(n, lo+rows)
		block, stride := X.RowBlock(buf, lo, hi)
		for i := range hi - lo {
			for j, v := range block[i*stride : i*stride+d] {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					return fmt.Errorf("row %d, column %d is %v: %w", lo+i, j, v, gram.ErrNonFinite)
				}
			}
		}
	}
	return fmt.Errorf("%s: %w", otherwise, gram.ErrNonFinite)
}

// Merge takes in the rows that o has seen; o is not changed. An empty c, the zero value,
// becomes a copy of o. It returns an error that wraps gram.ErrShape when the two have
// different numbers of columns. O(d²).
func (c *Covariance) Merge(o *Covariance) error {
	if o.Weight == 0 {
		return nil
	}
	if c.Weight == 0 {
		*c = *emptyCovariance(len(o.Mean))
	}
	if len(c.Mean) != len(o.Mean) {
		return fmt.Errorf("covariance of %d columns, the other of %d: %w", len(c.Mean), len(o.Mean), gram.ErrShape)
	}
	c.merge(o)
	mirror(blas.Upper, c.Scatter)
	return nil
}

// Matrix returns the covariances Scatter / (Weight − ddof), d×d: ddof is 0 for the
// population's, 1 for the unbiased estimate from a sample without weights. Where
// Weight ≤ ddof the elements are NaN or infinite. O(d²).
func (c *Covariance) Matrix(ddof float64) *Dense[float64] {
	m := CopyOf[float64](c.Scatter)
	for i, v := range m.Data {
		m.Data[i] = v / (c.Weight - ddof)
	}
	return m
}
