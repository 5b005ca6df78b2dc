package prep

import (
	"context"
	"fmt"
	"slices"

	"github.com/gram-ml/gram"
)

// Robust subtracts the median of every column and divides by the distance between two
// quantiles, the quartiles for the zero value: a scaling that outliers do not move.
type Robust struct {
	// Low and High are the quantiles, 0 ≤ Low < High ≤ 1; both 0 means 0.25 and 0.75.
	Low, High float64
	// NoCenter leaves the median in place.
	NoCenter bool
	// NoScale leaves the spread as it is.
	NoScale bool
	// Workers is the number of goroutines of a fit; 0 means GOMAXPROCS. The model
	// does not depend on it.
	Workers int
}

// Fit learns the medians and the spreads of the columns of X, n×d, with sample weights
// w, nil for all ones. Quantiles interpolate linearly between order statistics;
// weights that are whole numbers count as repeated rows. A column whose quantiles
// are equal is only shifted.
//
// Errors: ErrParam for quantiles out of order, ErrShape, ErrWeights, ErrNonFinite, which
// names the row and column in X or the column whose spread overflows, and that of ctx.
// O(d·n·log n), and columns of 8·n numbers of memory for each goroutine.
func (s Robust) Fit(ctx context.Context, X gram.Matrix, w []float64) (*RobustModel, error) {
	low, high, err := s.quantiles()
	if err != nil {
		return nil, err
	}
	_, d, err := checkFit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	center, spread := make([]float64, d), make([]float64, d)
	err = eachColumn(ctx, s.Workers, X, func(j int, column []float64) error {
		values := newDistribution(column, w)
		center[j] = values.quantile(0.5)
		spread[j] = values.quantile(high) - values.quantile(low)
		if !isFinite(spread[j]) {
			return fmt.Errorf("the spread of column %d overflows: %w", j, gram.ErrNonFinite)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newRobustModel(s.NoCenter, s.NoScale, center, spread), nil
}

func (s Robust) quantiles() (low, high float64, err error) {
	low, high = s.Low, s.High
	if low == 0 && high == 0 {
		low, high = 0.25, 0.75
	}
	if !(low >= 0 && low < high && high <= 1) {
		return 0, 0, fmt.Errorf("quantiles %v and %v, want 0 ≤ Low < High ≤ 1: %w", low, high, gram.ErrParam)
	}
	return low, high, nil
}

// TrainTransformer calls Fit; y is not used.
func (s Robust) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// RobustModel is a fitted [Robust]: a gram.Transformer from d columns to d.
type RobustModel struct {
	affine
	noCenter, noScale bool
	center, spread    []float64
}

func newRobustModel(noCenter, noScale bool, center, spread []float64) *RobustModel {
	m := &RobustModel{affine: newAffine(len(center)), noCenter: noCenter, noScale: noScale, center: center, spread: spread}
	for j, v := range spread {
		if !noScale && v > 0 {
			m.scale[j] = v
		}
		if !noCenter {
			m.shift[j] = center[j]
		}
	}
	return m
}

// Center returns a copy of the medians of the columns, whether they are subtracted or
// not.
func (m *RobustModel) Center() []float64 { return slices.Clone(m.center) }

func init() { gram.Register("prep.Robust", 1, encodeRobust, decodeRobust) }

func encodeRobust(e *gram.Encoder, m *RobustModel) {
	e.Bool(m.noCenter)
	e.Bool(m.noScale)
	e.Floats(m.center)
	e.Floats(m.spread)
}

func decodeRobust(d *gram.Decoder, _ int) *RobustModel {
	noCenter, noScale := d.Bool(), d.Bool()
	center := d.Floats()
	spread := d.Floats(len(center))
	if d.Err() != nil {
		return nil
	}
	if len(center) == 0 {
		d.Fail("no columns")
	}
	for j, v := range spread {
		if !validColumn(center[j], v) {
			d.Fail("column %d has median %v and spread %v", j, center[j], v)
		}
	}
	return newRobustModel(noCenter, noScale, center, spread)
}
