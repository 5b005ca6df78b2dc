package linalg

import (
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
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
// their number. Rows are taken less the mean of the first of their stretch, which is near
// their own, corrected for it, and stretches are merged by the formula of T. Chan,
// G. Golub and R. LeVeque, Algorithms for computing the sample variance, The American
// Statistician 37 (1983), so that a constant added to a column, however large, costs no
// more than the accuracy of the column's own elements.
//
// It returns an error that wraps gram.ErrShape for an empty X or a w of another length
// than X, gram.ErrWeights for a negative or non-finite weight or none above zero, and
// gram.ErrNonFinite, which names the row and the column. O(n·d²) for n rows, half of
// what a product takes.
func NewCovariance(workers int, X gram.Matrix, w []float64) (*Covariance, error) {
	c := new(Covariance)
	if err := c.Add(workers, X, w); err != nil {
		return nil, err
	}
	return c, nil
}

// Add takes in the rows of X with weights w, as NewCovariance does; the zero value may
// begin with any number of columns, and after that gram.ErrShape says that X has another.
// After an error the moments are as they were. It allocates nothing that grows with X.
func (c *Covariance) Add(workers int, X gram.Matrix, w []float64) error {
	n, d := X.Dims()
	if n == 0 || d == 0 {
		return fmt.Errorf("X is %d×%d: %w", n, d, gram.ErrShape)
	}
	if c.Weight > 0 && len(c.Mean) != d {
		return fmt.Errorf("X has %d columns, the covariance %d: %w", d, len(c.Mean), gram.ErrShape)
	}
	if err := checkWeights(w, n); err != nil {
		return err
	}
	op := AsOperator(X)
	rows := min(256, max(32, covarianceElems/d))
	stretch := rows * covarianceStretch
	// A round of stretches at a time, so that memory does not grow with n.
	workers = min(par.Workers(workers), par.Blocks(n, stretch))
	round := 1
	if workers > 1 {
		round = 4 * workers
	}
	sums := make([]*stretchSum, 1+min(round, par.Blocks(n, stretch)))
	for i := range sums {
		sums[i] = borrowStretch(d)
		defer stretchPool.Put(sums[i])
	}
	blocks := make([]*centredBlock, workers)
	for i := range blocks {
		blocks[i] = borrowCentred(min(n, rows), d)
		defer centredPool.Put(blocks[i])
	}
	total, sums := sums[0], sums[1:]
	total.clear()
	origin := heaviestRow(op, w)
	for at := 0; at < n; at += round * stretch {
		end := min(n, at+round*stretch)
		par.ForWorker(nil, workers, end-at, stretch, func(worker, b, lo, hi int) {
			sums[b].take(rowRange{op, at + lo, at + hi, w}, rows, origin, blocks[worker])
		})
		for _, s := range sums[:par.Blocks(end-at, stretch)] {
			total.merge(&s.Covariance)
		}
	}
	Axpy(1, origin, total.Mean)
	if err := total.checkFinite(op, rows); err != nil {
		return err
	}
	return c.Merge(&total.Covariance)
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

// heaviestRow returns a copy of the first row of the largest weight: the larger the weight,
// the nearer the row to the mean, beside the spread.
func heaviestRow(X gram.Operator, w []float64) []float64 {
	_, d := X.Dims()
	at := 0
	for i, v := range w {
		if v > w[at] {
			at = i
		}
	}
	row, _ := X.RowBlock(make([]float64, d), at, at+1)
	return append([]float64(nil), row[:d]...)
}

// rowRange is rows lo ≤ i < hi of X and their weights, nil for ones.
type rowRange struct {
	X      gram.Operator
	lo, hi int
	w      []float64
}

// each calls f for blocks of at most rows rows; buf has their room.
func (r rowRange) each(rows int, buf []float64, f func(x *Dense[float64], w []float64)) {
	_, d := r.X.Dims()
	for lo := r.lo; lo < r.hi; lo += rows {
		hi := min(r.hi, lo+rows)
		data, stride := r.X.RowBlock(buf, lo, hi)
		var w []float64
		if r.w != nil {
			w = r.w[lo:hi]
		}
		f(&Dense[float64]{Rows: hi - lo, Cols: d, Stride: stride, Data: data}, w)
	}
}

// centredBlock is room for a block of rows as it is read and as it is summed.
type centredBlock struct {
	read, centred, ones, zeros []float64
}

var centredPool, stretchPool sync.Pool

func borrowCentred(rows, d int) *centredBlock {
	b, ok := centredPool.Get().(*centredBlock)
	if !ok {
		b = new(centredBlock)
	}
	b.read, b.centred = grow(&b.read, rows*d), grow(&b.centred, rows*d)
	b.ones, b.zeros = grow(&b.ones, rows), grow(&b.zeros, d)
	for i := range b.ones {
		b.ones[i] = 1
	}
	clear(b.zeros)
	return b
}

// stretchSum holds the moments of a stretch of rows. As the sums of all stretches run over
// differences from one origin, a row of X, a constant column has no scatter.
type stretchSum struct {
	Covariance // its upper triangle; Mean is less the origin
	about      []float64
}

func borrowStretch(d int) *stretchSum {
	s, ok := stretchPool.Get().(*stretchSum)
	if !ok {
		s = &stretchSum{Covariance: *emptyCovariance(0)}
	}
	s.about, s.Mean = grow(&s.about, d), grow(&s.Mean, d)
	s.Scatter = NewDense(d, d, grow(&s.Scatter.Data, d*d))
	return s
}

func (s *stretchSum) clear() {
	s.Weight = 0
	clear(s.Mean)
	clear(s.Scatter.Data)
}

// farFromMean is how many times the square of what the rows are taken less may be off,
// of the variance: three bits of a sum are lost in its correction.
const farFromMean = 64

// take replaces the moments by those of r. The rows are summed less the mean of the
// first block that has weight. Its square, off the mean of r, is at most as many times the
// variance of r as r has blocks, if the weights are even; where it turns out to be much
// larger, the sums are taken again about the mean.
func (s *stretchSum) take(r rowRange, rows int, origin []float64, b *centredBlock) {
	s.Weight = 0
	r.each(rows, b.read, func(x *Dense[float64], w []float64) {
		if s.Weight == 0 {
			s.begin(x, w, origin, b)
		}
	})
	s.add(r, rows, b)
	if s.offMean() {
		Axpy(1, s.Mean, s.about)
		s.add(r, rows, b)
	}
	for j, v := range s.about {
		s.Mean[j] += v - origin[j]
	}
}

// begin sets about to the mean of a block, unless that has no weight.
func (s *stretchSum) begin(x *Dense[float64], w, origin []float64, b *centredBlock) {
	if w == nil {
		w = b.ones[:x.Rows]
	}
	if s.Weight = Sum(w); s.Weight == 0 {
		copy(s.about, origin)
		return
	}
	clear(s.about)
	f64.AddDiffs(w, x.Data, x.Stride, origin, s.about)
	for j, v := range s.about {
		s.about[j] = origin[j] + v/s.Weight
	}
}

// add sums up the rows less about.
func (s *stretchSum) add(r rowRange, rows int, b *centredBlock) {
	s.clear()
	r.each(rows, b.read, func(x *Dense[float64], w []float64) {
		weight := float64(x.Rows)
		if w != nil {
			weight = Sum(w)
		}
		s.Weight += weight
		centred := NewDense(x.Rows, x.Cols, b.centred[:x.Rows*x.Cols])
		for i := range x.Rows {
			f64.Subtract(centred.Row(i), x.Row(i), s.about)
		}
		if w == nil {
			f64.AddDiffs(b.ones[:x.Rows], centred.Data, x.Cols, b.zeros, s.Mean)
		} else {
			f64.AddDiffs(w, centred.Data, x.Cols, b.zeros, s.Mean)
			for i, v := range w {
				Scal(math.Sqrt(v), centred.Row(i))
			}
		}
		Syrk(blas.Upper, blas.Trans, 1, centred, 1, s.Scatter)
	})
	if s.Weight > 0 {
		Scal(1/s.Weight, s.Mean)
		syr2(blas.Upper, -s.Weight, s.Mean, nil, s.Scatter)
	}
}

// offMean tells whether what the rows were taken less was too far from their mean, by more
// than rounding of a column that does not vary.
func (s *stretchSum) offMean() bool {
	for j, v := range s.Mean {
		if s.Weight*v*v > farFromMean*s.Scatter.Data[j*s.Scatter.Stride+j] && math.Abs(v) > 0x1p-40*math.Abs(s.about[j]) {
			return true
		}
	}
	return false
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
