package prep

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// Ranges accumulates the least and greatest value of every column of data that come in
// pieces. The zero value is empty and takes its width from the first piece. Pieces
// added in any order, or to several accumulators that are then merged, give
// the same bits.
//
// The fields are exported so that accumulators can be sent between machines. A value
// must not be used by two goroutines at once.
type Ranges struct {
	// Min and Max hold the least and the greatest value of each column.
	Min, Max []float64
}

// Add takes in the rows of X whose weight in w is above zero, all for nil. On an error
// r is left as it was: ErrShape for another number of columns than before, an empty
// X or a w of another length than X, ErrWeights, and ErrNonFinite. O(n·d).
func (r *Ranges) Add(X gram.Matrix, w []float64) error {
	n, d, err := checkFit(context.Background(), X, w)
	if err != nil {
		return err
	}
	if r.Min != nil && len(r.Min) != d {
		return fmt.Errorf("X has %d features, the ranges %d: %w", d, len(r.Min), gram.ErrShape)
	}
	part := newRanges(d)
	part.addRows(linalg.AsOperator(X), 0, n, w)
	return r.Merge(part)
}

// Merge takes in the rows that o has seen; o is not changed. It returns ErrShape when
// the two have different numbers of columns. O(d).
func (r *Ranges) Merge(o *Ranges) error {
	if o.Min == nil {
		return nil
	}
	if r.Min == nil {
		r.Min, r.Max = slices.Clone(o.Min), slices.Clone(o.Max)
		return nil
	}
	if len(r.Min) != len(o.Min) {
		return fmt.Errorf("ranges of %d features, the others of %d: %w", len(r.Min), len(o.Min), gram.ErrShape)
	}
	r.add(o.Min)
	r.add(o.Max)
	return nil
}

func newRanges(d int) *Ranges {
	r := &Ranges{Min: make([]float64, d), Max: make([]float64, d)}
	for j := range d {
		r.Min[j], r.Max[j] = math.Inf(1), math.Inf(-1)
	}
	return r
}

func (r *Ranges) addRows(X gram.Operator, lo, hi int, w []float64) {
	eachRow(X, lo, hi, func(i int, x []float64) {
		if weight(w, i) > 0 {
			r.add(x)
		}
	})
}

func (r *Ranges) add(x []float64) {
	least, most := r.Min[:len(x)], r.Max[:len(x)]
	for j, v := range x {
		if v < least[j] {
			least[j] = v
		}
		if v > most[j] {
			most[j] = v
		}
	}
}

// valid checks ranges that may come from anywhere.
func (r *Ranges) valid() error {
	if len(r.Min) == 0 || len(r.Min) != len(r.Max) {
		return fmt.Errorf("ranges of %d and %d columns: %w", len(r.Min), len(r.Max), gram.ErrShape)
	}
	for j, v := range r.Min {
		if !validRange(v, r.Max[j]) {
			return fmt.Errorf("column %d ranges from %v to %v: %w", j, v, r.Max[j], gram.ErrNonFinite)
		}
	}
	return nil
}

// validRange tells whether [least, most] is an interval, and no wider than a number.
func validRange(least, most float64) bool {
	return least <= most && isFinite(most-least) && isFinite(least) && isFinite(most)
}

// rangesOf takes the ranges of stretches of rows side by side.
func rangesOf(ctx context.Context, X gram.Matrix, w []float64, workers int) (*Ranges, error) {
	n, d, err := checkFit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	op := linalg.AsOperator(X)
	size := max(256, (n+stretches-1)/stretches)
	parts := make([]*Ranges, par.Blocks(n, size))
	err = par.For(ctx, workers, n, size, func(b, lo, hi int) {
		parts[b] = newRanges(d)
		parts[b].addRows(op, lo, hi, w)
	})
	if err != nil {
		return nil, err
	}
	total := newRanges(d)
	for _, p := range parts {
		total.add(p.Min)
		total.add(p.Max)
	}
	return total, nil
}

// MinMax brings every column to an interval, [0, 1] for the zero value: the least value
// in training to its lower end, the greatest to its upper.
type MinMax struct {
	// Low and High are the ends of the interval; both 0 means 0 and 1. Otherwise Low
	// must be below High.
	Low, High float64
	// Clip holds later rows, which may lie outside what training has seen, to the
	// interval.
	Clip bool
	// Workers is the number of goroutines of a fit; 0 means GOMAXPROCS. The model
	// does not depend on it.
	Workers int
}

// Fit learns the ranges of the columns of X, n×d, over the rows whose weight in w is
// above zero, all for nil. A constant column is scaled as if its range were 1, so it becomes Low.
//
// Errors: ErrParam for an interval that is empty or not finite, ErrShape, ErrWeights,
// ErrNonFinite, which names the row and column in X or the column whose range
// overflows, and that of ctx. O(n·d).
func (s MinMax) Fit(ctx context.Context, X gram.Matrix, w []float64) (*MinMaxModel, error) {
	if _, _, err := s.interval(); err != nil {
		return nil, err
	}
	r, err := rangesOf(ctx, X, w, s.Workers)
	if err != nil {
		return nil, err
	}
	return s.FromRanges(r)
}

// FromRanges returns the scaling that Fit would learn from the rows that r has seen: the
// last step of fitting a stream. Errors: ErrParam as for Fit; ErrShape when r has seen
// no rows or its fields do not fit together; ErrNonFinite for a range that is not
// finite.
func (s MinMax) FromRanges(r *Ranges) (*MinMaxModel, error) {
	low, high, err := s.interval()
	if err != nil {
		return nil, err
	}
	if err := r.valid(); err != nil {
		return nil, err
	}
	return newMinMaxModel(low, high, s.Clip, slices.Clone(r.Min), slices.Clone(r.Max)), nil
}

func (s MinMax) interval() (low, high float64, err error) {
	low, high = s.Low, s.High
	if low == 0 && high == 0 {
		high = 1
	}
	if !validInterval(low, high) {
		return 0, 0, fmt.Errorf("interval from %v to %v: %w", low, high, gram.ErrParam)
	}
	return low, high, nil
}

func validInterval(low, high float64) bool { return low < high && validRange(low, high) }

// TrainTransformer calls Fit; y is not used.
func (s MinMax) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// MinMaxModel is a fitted [MinMax]: a gram.Transformer from d columns to d.
type MinMaxModel struct {
	affine
	low, high   float64
	clip        bool
	least, most []float64
}

func newMinMaxModel(low, high float64, clip bool, least, most []float64) *MinMaxModel {
	m := &MinMaxModel{affine: newAffine(len(least)), low: low, high: high, clip: clip, least: least, most: most}
	for j, v := range least {
		m.shift[j], m.offset[j] = v, low
		m.scale[j] = 1 / (high - low)
		if spread := most[j] - v; spread > 0 {
			m.scale[j] = spread / (high - low)
		}
	}
	return m
}

// Min returns a copy of the least values of the columns in training.
func (m *MinMaxModel) Min() []float64 { return slices.Clone(m.least) }

// Max returns a copy of the greatest values of the columns in training.
func (m *MinMaxModel) Max() []float64 { return slices.Clone(m.most) }

// Transform sets dst, n×d row-major, to the scaled rows of X and returns it; nil
// allocates. dst may be the memory of a compact X itself. It returns ErrShape for
// a dst that does not fit or an X that has not d columns. O(n·d).
func (m *MinMaxModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	d := len(m.scale)
	return mapRows(dst, X, d, d, m.there)
}

// TransformRow sets dst, of length d, to the scaled x; dst may be x itself. It returns
// ErrShape for other lengths. It allocates nothing. O(d).
func (m *MinMaxModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, len(m.scale), len(m.scale)); err != nil {
		return err
	}
	return m.there(dst, x)
}

func (m *MinMaxModel) there(dst, x []float64) error {
	err := m.affine.there(dst, x)
	if m.clip {
		for j, v := range dst {
			dst[j] = min(max(v, m.low), m.high) // a NaN stays a NaN
		}
	}
	return err
}

func init() { gram.Register("prep.MinMax", 1, encodeMinMax, decodeMinMax) }

func encodeMinMax(e *gram.Encoder, m *MinMaxModel) {
	e.Float(m.low)
	e.Float(m.high)
	e.Bool(m.clip)
	e.Floats(m.least)
	e.Floats(m.most)
}

func decodeMinMax(d *gram.Decoder, _ int) *MinMaxModel {
	low, high, clip := d.Float(), d.Float(), d.Bool()
	r := &Ranges{Min: d.Floats(), Max: d.Floats()}
	if d.Err() != nil {
		return nil
	}
	if err := r.valid(); err != nil {
		d.Fail("%v", err)
	}
	if !validInterval(low, high) {
		d.Fail("interval from %v to %v", low, high)
	}
	if d.Err() != nil {
		return nil
	}
	return newMinMaxModel(low, high, clip, r.Min, r.Max)
}

// MaxAbs divides every column by its greatest absolute value, so that it lies in
// [−1, 1] and zeros stay zeros.
type MaxAbs struct {
	// Workers is the number of goroutines of a fit; 0 means GOMAXPROCS. The model
	// does not depend on it.
	Workers int
}

// Fit learns the greatest absolute values of the columns of X, n×d, over the rows whose
// weight in w is above zero, all for nil. A column of zeros is left as it is. Errors are
// those of [MinMax.Fit]. O(n·d).
func (s MaxAbs) Fit(ctx context.Context, X gram.Matrix, w []float64) (*MaxAbsModel, error) {
	r, err := rangesOf(ctx, X, w, s.Workers)
	if err != nil {
		return nil, err
	}
	return newMaxAbsModel(r.absolute()), nil
}

// FromRanges returns the scaling that Fit would learn from the rows that r has seen.
// Errors are those of [MinMax.FromRanges].
func (s MaxAbs) FromRanges(r *Ranges) (*MaxAbsModel, error) {
	if err := r.valid(); err != nil {
		return nil, err
	}
	return newMaxAbsModel(r.absolute()), nil
}

func (r *Ranges) absolute() []float64 {
	most := make([]float64, len(r.Min))
	for j := range most {
		most[j] = max(math.Abs(r.Min[j]), math.Abs(r.Max[j]))
	}
	return most
}

// TrainTransformer calls Fit; y is not used.
func (s MaxAbs) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// MaxAbsModel is a fitted [MaxAbs]: a gram.Transformer from d columns to d.
type MaxAbsModel struct {
	affine
	most []float64
}

func newMaxAbsModel(most []float64) *MaxAbsModel {
	m := &MaxAbsModel{affine: newAffine(len(most)), most: most}
	for j, v := range most {
		if v > 0 {
			m.scale[j] = v
		}
	}
	return m
}

// MaxAbs returns a copy of the greatest absolute values of the columns in training.
func (m *MaxAbsModel) MaxAbs() []float64 { return slices.Clone(m.most) }

func init() {
	gram.Register("prep.MaxAbs", 1,
		func(e *gram.Encoder, m *MaxAbsModel) { e.Floats(m.most) },
		func(d *gram.Decoder, _ int) *MaxAbsModel {
			most := d.Floats()
			if d.Err() == nil && len(most) == 0 {
				d.Fail("no columns")
			}
			for j, v := range most {
				if !(v >= 0 && isFinite(v)) {
					d.Fail("column %d has greatest absolute value %v", j, v)
				}
			}
			return newMaxAbsModel(most)
		})
}
