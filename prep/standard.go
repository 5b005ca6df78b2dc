package prep

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// Standard standardizes columns: it subtracts the mean and divides by the standard
// deviation. The zero value does both.
type Standard struct {
	// NoMean leaves the mean in place.
	NoMean bool
	// NoStd leaves the standard deviation as it is.
	NoStd bool
	// Workers is the number of goroutines of a fit; 0 means GOMAXPROCS. The model
	// does not depend on it.
	Workers int
}

// Fit learns the scaling of the columns of X, n×d, with sample weights w, nil for all
// ones. The variance is that of the population (no degree of freedom is subtracted);
// weights that are whole numbers count as repeated rows.
//
// A constant column keeps its scale: its divisor is 1. A column counts as constant
// when its standard deviation is at most 8 roundings of its mean, as what rounding
// makes of a constant is not worth blowing up.
//
// Errors: ErrShape for an empty X or a w of another length, ErrWeights, ErrNonFinite
// for the first NaN or infinity in X, by row and column, and that of ctx, which is
// looked at between blocks. O(n·d), one read of X.
func (s Standard) Fit(ctx context.Context, X gram.Matrix, w []float64) (*StandardModel, error) {
	if _, _, err := checkShape(X, w); err != nil {
		return nil, err
	}
	m, err := moments(ctx, X, w, s.Workers)
	if err == nil {
		err = m.check(X)
	}
	if err != nil {
		return nil, err
	}
	return s.FromMoments(m)
}

// FromMoments returns the scaling that Fit would learn from the rows that m has seen:
// the last step of fitting a stream. Errors: ErrShape when m has seen no rows or its
// fields do not fit together; ErrNonFinite, naming the column, for a mean or variance
// that has overflowed or that no rows have.
func (s Standard) FromMoments(m *Moments) (*StandardModel, error) {
	if m.Weight == 0 {
		return nil, fmt.Errorf("moments of no rows: %w", gram.ErrShape)
	}
	if len(m.Mean) != len(m.SumSquares) || len(m.Mean) == 0 {
		return nil, fmt.Errorf("moments of %d means and %d sums of squares: %w", len(m.Mean), len(m.SumSquares), gram.ErrShape)
	}
	variance := m.Variance()
	for j, v := range variance {
		if !validColumn(m.Mean[j], v) {
			return nil, fmt.Errorf("column %d has mean %v and variance %v: %w", j, m.Mean[j], v, gram.ErrNonFinite)
		}
	}
	return newStandardModel(s.NoMean, s.NoStd, slices.Clone(m.Mean), variance), nil
}

func validColumn(mean, variance float64) bool {
	return isFinite(mean) && isFinite(variance) && variance >= 0
}

// TrainTransformer calls Fit; y is not used.
func (s Standard) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// stretches bounds the number of partial results of a fit.
const stretches = 64

// moments takes the moments of stretches of rows side by side and merges them in order.
func moments(ctx context.Context, X gram.Matrix, w []float64, workers int) (*Moments, error) {
	n, d := X.Dims()
	op := linalg.AsOperator(X)
	size := max(256, (n+stretches-1)/stretches)
	parts := make([]*Moments, par.Blocks(n, size))
	err := par.For(ctx, workers, n, size, func(b, lo, hi int) {
		parts[b] = newMoments(d)
		parts[b].addRows(op, lo, hi, w)
	})
	if err != nil {
		return nil, fmt.Errorf("standardization stopped: %w", err)
	}
	total := newMoments(d)
	for _, p := range parts {
		total.merge(p.Weight, p.Mean, p.SumSquares)
	}
	return total, nil
}

// StandardModel is a fitted [Standard]: a gram.Transformer from d columns to d.
type StandardModel struct {
	noMean, noStd  bool
	mean, variance []float64
	shift, scale   []float64 // what is subtracted, and what is divided by
	inverse        []float64 // 1/scale
}

func newStandardModel(noMean, noStd bool, mean, variance []float64) *StandardModel {
	d := len(mean)
	m := &StandardModel{
		noMean: noMean, noStd: noStd, mean: mean, variance: variance,
		shift: make([]float64, d), scale: make([]float64, d), inverse: make([]float64, d),
	}
	for j, mu := range mean {
		m.scale[j] = 1
		if sd := math.Sqrt(variance[j]); !noStd && sd > constantSpread*math.Abs(mu) {
			m.scale[j] = sd
		}
		m.inverse[j] = 1 / m.scale[j]
		if !noMean {
			m.shift[j] = mu
		}
	}
	return m
}

// constantSpread is the largest standard deviation of a constant column, relative to
// its mean: 8 units of the last place.
const constantSpread = 8 * 0x1p-52

// Features returns d.
func (m *StandardModel) Features() int { return len(m.mean) }

// OutFeatures returns d.
func (m *StandardModel) OutFeatures() int { return len(m.mean) }

// Mean returns a copy of the means of the columns, whether they are subtracted or not.
func (m *StandardModel) Mean() []float64 { return slices.Clone(m.mean) }

// Var returns a copy of the variances of the columns.
func (m *StandardModel) Var() []float64 { return slices.Clone(m.variance) }

// Scale returns a copy of the divisors: the standard deviations, with 1 for a
// constant column and for all of them under NoStd.
func (m *StandardModel) Scale() []float64 { return slices.Clone(m.scale) }

// FeatureNames returns the names of the columns of Z, which are those of X; nil
// stands for x0, x1 and so on.
func (m *StandardModel) FeatureNames(in []string) []string {
	return slices.Clone(namesOf(in, len(m.mean)))
}

// Transform sets dst, n×d row-major, to the standardized rows of X and returns it;
// nil allocates. A NaN stays a NaN. dst may be the memory of a compact X itself.
// It returns ErrShape for a dst that does not fit or an X that has not d columns.
// O(n·d).
func (m *StandardModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	d := m.Features()
	return mapRows(dst, X, d, d, m.standardize)
}

// InverseTransform takes the rows of Z, n×d, back to where they came from: x = z·scale
// + mean. Its conventions are those of Transform.
func (m *StandardModel) InverseTransform(dst []float64, Z gram.Matrix) ([]float64, error) {
	d := m.Features()
	return mapRows(dst, Z, d, d, m.restore)
}

// TransformRow sets dst, of length d, to the standardized x; dst may be x itself.
// It returns ErrShape for other lengths. It allocates nothing. O(d).
func (m *StandardModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.Features()); err != nil {
		return err
	}
	return m.standardize(dst, x)
}

// InverseTransformRow takes one row back; dst may be z itself. Its conventions are
// those of TransformRow.
func (m *StandardModel) InverseTransformRow(dst, z []float64) error {
	if err := checkRow(dst, z, m.Features(), m.Features()); err != nil {
		return err
	}
	return m.restore(dst, z)
}

func (m *StandardModel) standardize(dst, x []float64) error {
	f64.Standardize(dst, x, m.shift, m.inverse)
	return nil
}

func (m *StandardModel) restore(dst, z []float64) error {
	z, shift, scale := z[:len(dst)], m.shift[:len(dst)], m.scale[:len(dst)]
	for j := range dst {
		dst[j] = z[j]*scale[j] + shift[j]
	}
	return nil
}

func init() { gram.Register("prep.Standard", 1, encodeStandard, decodeStandard) }

func encodeStandard(e *gram.Encoder, m *StandardModel) {
	e.Bool(m.noMean)
	e.Bool(m.noStd)
	e.Floats(m.mean)
	e.Floats(m.variance)
}

func decodeStandard(d *gram.Decoder, _ int) *StandardModel {
	noMean, noStd := d.Bool(), d.Bool()
	mean := d.Floats()
	variance := d.Floats(len(mean))
	if d.Err() != nil {
		return nil
	}
	if len(mean) == 0 {
		d.Fail("no columns")
	}
	for j, v := range variance {
		if !validColumn(mean[j], v) {
			d.Fail("column %d has mean %v and variance %v", j, mean[j], v)
		}
	}
	return newStandardModel(noMean, noStd, mean, variance)
}
