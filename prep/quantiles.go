package prep

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"gonum.org/v1/gonum/mathext"
)

// Quantile maps every column by its own distribution function, to a uniform
// distribution on [0, 1] or to a standard normal one: outliers come as near as the
// rest, and any monotone change of units makes no difference.
type Quantile struct {
	// Quantiles is the number of quantiles that stand for the distribution, at least
	// 2. 0 means 1000. There are no more of them than rows.
	Quantiles int
	// Normal maps to the standard normal distribution, cut off at ±5.2.
	Normal bool
	// Workers is the number of goroutines of a fit; 0 means GOMAXPROCS. The model
	// does not depend on it.
	Workers int
}

// Fit learns the quantiles of the columns of X, n×d, with sample weights w, nil for all
// ones. Quantiles interpolate linearly between order statistics; weights that are
// whole numbers count as repeated rows.
//
// Errors: ErrParam for a number of quantiles below 2, ErrShape, ErrWeights, ErrNonFinite,
// by row and column, and that of ctx. O(d·n·log n).
func (s Quantile) Fit(ctx context.Context, X gram.Matrix, w []float64) (*QuantileModel, error) {
	q := s.Quantiles
	if q == 0 {
		q = 1000
	}
	if q < 2 {
		return nil, fmt.Errorf("%d quantiles, want at least 2: %w", q, gram.ErrParam)
	}
	n, d, err := checkFit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	q = min(q, observations(n, w))
	m := &QuantileModel{quantiles: make([]float64, d*q), features: d, normal: s.Normal}
	err = eachColumn(ctx, s.Workers, X, func(j int, column []float64) error {
		values := newDistribution(column, w)
		quantiles := m.quantiles[j*q : (j+1)*q]
		for k := range quantiles {
			quantiles[k] = values.quantile(float64(k) / float64(q-1))
			if k > 0 { // rounding must not turn the order
				quantiles[k] = max(quantiles[k], quantiles[k-1])
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// observations returns the number of rows that the weights stand for, at least 2.
func observations(n int, w []float64) int {
	if w == nil {
		return max(2, n)
	}
	sum, unit := 0.0, 1.0
	for _, v := range w {
		sum += v
		if v > 0 {
			unit = min(unit, v)
		}
	}
	return int(min(max(2, math.Round(sum/unit)), 1<<30))
}

// TrainTransformer calls Fit; y is not used.
func (s Quantile) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// QuantileModel is a fitted [Quantile]: a gram.Transformer from d columns to d.
type QuantileModel struct {
	quantiles []float64 // of each column in turn, ascending
	features  int
	normal    bool
}

// Features returns d.
func (m *QuantileModel) Features() int { return m.features }

// OutFeatures returns d.
func (m *QuantileModel) OutFeatures() int { return m.features }

// Quantiles returns a copy of the quantiles of column j, from its least to its greatest
// value at equal steps of probability.
func (m *QuantileModel) Quantiles(j int) []float64 { return slices.Clone(m.of(j)) }

func (m *QuantileModel) of(j int) []float64 {
	q := len(m.quantiles) / m.features
	return m.quantiles[j*q : (j+1)*q]
}

// FeatureNames returns the names of the columns of Z, which are those of X; nil
// stands for x0, x1 and so on.
func (m *QuantileModel) FeatureNames(in []string) []string {
	return slices.Clone(namesOf(in, m.features))
}

// Transform sets dst, n×d row-major, to the mapped rows of X and returns it; nil
// allocates. A value on several quantiles goes to the middle of them; one outside
// what training has seen to the end; a NaN stays a NaN. dst may be the memory of a
// compact X itself. It returns ErrShape for a dst that does not fit or an X that has
// not d columns. O(n·d·log Quantiles).
func (m *QuantileModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return mapRows(dst, X, m.features, m.features, m.row)
}

// TransformRow sets dst, of length d, to the mapped x; dst may be x itself. It returns
// ErrShape for other lengths. It allocates nothing. O(d·log Quantiles).
func (m *QuantileModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.features, m.features); err != nil {
		return err
	}
	return m.row(dst, x)
}

// normalShare is the least probability under Normal, and what it maps to.
const normalShare = 1e-7

var normalEnd = mathext.NormalQuantile(normalShare - 0x1p-52)

func (m *QuantileModel) row(dst, x []float64) error {
	for j, v := range x {
		p := share(m.of(j), v)
		if m.normal && !math.IsNaN(p) {
			p = normalQuantile(p)
		}
		dst[j] = p
	}
	return nil
}

// share returns the share of the distribution below v.
func share(quantiles []float64, v float64) float64 {
	last := len(quantiles) - 1
	switch {
	case math.IsNaN(v):
		return v
	case v <= quantiles[0]:
		return 0
	case v >= quantiles[last]:
		return 1
	}
	lo, found := slices.BinarySearch(quantiles, v)
	if !found {
		a, b := quantiles[lo-1], quantiles[lo]
		return (float64(lo-1) + (v/2-a/2)/(b/2-a/2)) / float64(last) // halves do not overflow
	}
	hi := lo
	for hi < last && quantiles[hi+1] == v {
		hi++
	}
	return (float64(lo) + float64(hi)) / 2 / float64(last)
}

// normalQuantile is the inverse of the normal distribution function, within its ends.
func normalQuantile(p float64) float64 {
	if p == 0 || p == 1 {
		return math.Copysign(normalEnd, p-0.5)
	}
	return min(max(mathext.NormalQuantile(p), normalEnd), -normalEnd)
}

// InverseTransform takes the rows of Z, n×d, back to quantiles of the columns. Its
// conventions are those of Transform.
func (m *QuantileModel) InverseTransform(dst []float64, Z gram.Matrix) ([]float64, error) {
	return mapRows(dst, Z, m.features, m.features, m.back)
}

// InverseTransformRow takes one row back; dst may be z itself. Its conventions are
// those of TransformRow.
func (m *QuantileModel) InverseTransformRow(dst, z []float64) error {
	if err := checkRow(dst, z, m.features, m.features); err != nil {
		return err
	}
	return m.back(dst, z)
}

func (m *QuantileModel) back(dst, z []float64) error {
	for j, p := range z {
		if m.normal {
			p = normalShareOf(p)
		}
		dst[j] = valueAt(m.of(j), p)
	}
	return nil
}

// normalShareOf is the normal distribution function, 0 and 1 from the ends on.
func normalShareOf(z float64) float64 {
	switch p := 0.5 * math.Erfc(-z/math.Sqrt2); {
	case p < normalShare:
		return 0
	case p > 1-normalShare:
		return 1
	default:
		return p
	}
}

// valueAt returns the value below which the share p lies.
func valueAt(quantiles []float64, p float64) float64 {
	last := len(quantiles) - 1
	switch {
	case math.IsNaN(p):
		return p
	case p <= 0:
		return quantiles[0]
	case p >= 1:
		return quantiles[last]
	}
	at := p * float64(last)
	i := min(int(at), last-1)
	return between(quantiles[i], quantiles[i+1], at-float64(i))
}

func init() { gram.Register("prep.Quantile", 1, encodeQuantile, decodeQuantile) }

func encodeQuantile(e *gram.Encoder, m *QuantileModel) {
	e.Bool(m.normal)
	e.Int(m.features)
	e.Floats(m.quantiles)
}

func decodeQuantile(d *gram.Decoder, _ int) *QuantileModel {
	m := &QuantileModel{normal: d.Bool(), features: d.Count(), quantiles: d.Floats()}
	if d.Err() != nil {
		return nil
	}
	if m.features == 0 || len(m.quantiles)%m.features != 0 || len(m.quantiles) < 2*m.features {
		d.Fail("%d quantiles of %d columns", len(m.quantiles), m.features)
		return nil
	}
	for j := range m.features {
		last := math.Inf(-1)
		for _, v := range m.of(j) {
			if !(v >= last && isFinite(v)) {
				d.Fail("column %d has quantile %v after %v", j, v, last)
			}
			last = v
		}
	}
	return m
}
