package prep

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// A Strategy is what an [Imputer] fills in.
type Strategy int

// The strategies. Save writes their numbers, so they stay as they are.
const (
	Mean         Strategy = iota // the mean of the column
	Median                       // the median of the column
	MostFrequent                 // its most frequent value, the smallest of several
	Constant                     // Imputer.Fill
)

// String returns the name of the strategy.
func (s Strategy) String() string {
	if s < Mean || s > Constant {
		return fmt.Sprintf("Strategy(%d)", int(s))
	}
	return [...]string{"Mean", "Median", "MostFrequent", "Constant"}[s]
}

// Imputer replaces missing values, which are NaN, by what it learns from the values
// that are there. The zero value fills in means. It stands before everything
// that does not take NaN.
type Imputer struct {
	// Strategy is what to fill in, Mean by default.
	Strategy Strategy
	// Fill is the value under Constant, and of a column in which training has no value
	// at all. It must be finite. 0 by default.
	Fill float64
	// Indicator appends a column of 1 and 0 for each column in which training misses
	// values: whether the row's was missing.
	Indicator bool
	// Workers is the number of goroutines of a fit; 0 means GOMAXPROCS. The model
	// does not depend on it.
	Workers int
}

// Fit learns what to fill in from X, n×d, with sample weights w, nil for all ones, which
// count as repeated rows.
//
// Errors: ErrParam for a strategy that does not exist or a Fill that is not finite,
// ErrShape, ErrWeights, ErrNonFinite for an infinity, by row and column, and that of
// ctx. O(n·d), with a factor log n under Median and MostFrequent.
func (s Imputer) Fit(ctx context.Context, X gram.Matrix, w []float64) (*ImputerModel, error) {
	if s.Strategy < Mean || s.Strategy > Constant {
		return nil, fmt.Errorf("%v is no strategy: %w", s.Strategy, gram.ErrParam)
	}
	if !isFinite(s.Fill) {
		return nil, fmt.Errorf("Fill is %v: %w", s.Fill, gram.ErrParam)
	}
	n, d, err := checkShape(X, w)
	if err != nil {
		return nil, err
	}
	if err := checkInfinite(linalg.AsOperator(X), n); err != nil {
		return nil, err
	}
	fill, missing := make([]float64, d), make([]bool, d)
	err = eachColumn(ctx, s.Workers, X, func(j int, column []float64) error {
		present, weights := present(column, w)
		missing[j] = len(present) < countWeighted(n, w)
		fill[j] = s.fillOf(present, weights)
		if !isFinite(fill[j]) {
			return fmt.Errorf("the %v of column %d overflows: %w", s.Strategy, j, gram.ErrNonFinite)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var indicators []int
	for j, is := range missing {
		if s.Indicator && is {
			indicators = append(indicators, j)
		}
	}
	return &ImputerModel{fill, indicators}, nil
}

func checkInfinite(X gram.Operator, n int) error {
	return tryRows(X, 0, n, func(i int, x []float64) error {
		for j, v := range x {
			if math.IsInf(v, 0) {
				return fmt.Errorf("row %d, column %d is %v: %w", i, j, v, gram.ErrNonFinite)
			}
		}
		return nil
	})
}

// present keeps the values that are not missing and have a weight above zero, in the
// column's own memory, with their weights.
func present(column, w []float64) (values, weights []float64) {
	values = column[:0]
	for i, v := range column {
		if math.IsNaN(v) || weight(w, i) == 0 {
			continue
		}
		values = append(values, v)
		if w != nil {
			weights = append(weights, w[i])
		}
	}
	return values, weights
}

// countWeighted returns the number of rows of weight above zero.
func countWeighted(n int, w []float64) int {
	for _, v := range w {
		if v == 0 {
			n--
		}
	}
	return n
}

func (s Imputer) fillOf(values, w []float64) float64 {
	if len(values) == 0 {
		return s.Fill
	}
	switch s.Strategy {
	case Mean:
		return mean(values, w)
	case Median:
		return newDistribution(values, w).quantile(0.5)
	case MostFrequent:
		return mostFrequent(newDistribution(values, w))
	default:
		return s.Fill
	}
}

// mean sums differences from the first value, so that the mean of a constant is it.
func mean(x, w []float64) float64 {
	var sum, total float64
	for i, v := range x {
		sum += weight(w, i) * (v - x[0])
		total += weight(w, i)
	}
	return x[0] + sum/total
}

// mostFrequent returns the value of the greatest weight, the smallest of several.
func mostFrequent(s distribution) float64 {
	var best, most float64
	before := 0.0
	for i, v := range s.values {
		if i+1 < len(s.values) && s.values[i+1] == v {
			continue
		}
		upTo := float64(i + 1)
		if s.upTo != nil {
			upTo = s.upTo[i]
		}
		if upTo-before > most {
			best, most = v, upTo-before
		}
		before = upTo
	}
	return best
}

// TrainTransformer calls Fit; y is not used.
func (s Imputer) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// ImputerModel is a fitted [Imputer]: a gram.Transformer from d columns to those and
// the indicators.
type ImputerModel struct {
	fill       []float64
	indicators []int // columns that have one, ascending
}

// Features returns d.
func (m *ImputerModel) Features() int { return len(m.fill) }

// OutFeatures returns d and the number of indicators.
func (m *ImputerModel) OutFeatures() int { return len(m.fill) + len(m.indicators) }

// Fill returns a copy of what each column's missing values become.
func (m *ImputerModel) Fill() []float64 { return slices.Clone(m.fill) }

// Indicators returns a copy of the columns that have an indicator, in the order of
// the indicators.
func (m *ImputerModel) Indicators() []int { return slices.Clone(m.indicators) }

// FeatureNames returns the names of the columns of Z: those of X, nil stands for x0, x1
// and so on, and "missing_" before the name for an indicator.
func (m *ImputerModel) FeatureNames(in []string) []string {
	in = namesOf(in, len(m.fill))
	out := slices.Clone(in)
	for _, j := range m.indicators {
		out = append(out, "missing_"+in[j])
	}
	return out
}

// Transform sets dst, n×OutFeatures row-major, to the filled rows of X and returns it;
// nil allocates. It returns ErrShape for a dst that does not fit or an X that has not
// d columns. O(n·d).
func (m *ImputerModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return mapRows(dst, X, m.Features(), m.OutFeatures(), m.row)
}

// TransformRow sets dst, of length OutFeatures, to the filled x. It returns ErrShape
// for other lengths. It allocates nothing. O(d).
func (m *ImputerModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.OutFeatures()); err != nil {
		return err
	}
	return m.row(dst, x)
}

func (m *ImputerModel) row(dst, x []float64) error {
	for k, j := range m.indicators {
		dst[len(x)+k] = 0
		if math.IsNaN(x[j]) {
			dst[len(x)+k] = 1
		}
	}
	for j, v := range x {
		if math.IsNaN(v) {
			v = m.fill[j]
		}
		dst[j] = v
	}
	return nil
}

func init() {
	gram.Register("prep.Imputer", 1,
		func(e *gram.Encoder, m *ImputerModel) {
			e.Floats(m.fill)
			e.Ints(m.indicators)
		},
		func(d *gram.Decoder, _ int) *ImputerModel {
			m := &ImputerModel{d.Floats(), d.Ints()}
			if d.Err() == nil && len(m.fill) == 0 {
				d.Fail("no columns")
			}
			for j, v := range m.fill {
				if !isFinite(v) {
					d.Fail("column %d is filled with %v", j, v)
				}
			}
			checkAscending(d, m.indicators, len(m.fill))
			return m
		})
}

// checkAscending fails unless the columns are below d and ascend.
func checkAscending(d *gram.Decoder, columns []int, features int) {
	last := -1
	for _, j := range columns {
		if j <= last || j >= features {
			d.Fail("column %d after %d of %d", j, last, features)
		}
		last = j
	}
}
