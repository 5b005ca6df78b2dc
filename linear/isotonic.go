package linear

import (
	"context"
	"fmt"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/calib"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/linalg"
)

// Isotonic trains isotonic regression on one feature: of all functions that do not
// decrease, the one with the smallest Σ wᵢ(yᵢ − f(xᵢ))². It is found exactly, by
// pooling adjacent violators.
type Isotonic struct {
	// Decreasing fits a function that does not increase.
	Decreasing bool
}

var _ gram.RegressorTrainer = Isotonic{}

// Fit trains on the n×1 matrix X, targets y and sample weights w ≥ 0, nil for all
// ones; a weight of 2 is the same as a repeated row. Rows of the same x count as one
// with their mean.
//
// Errors: gram.ErrShape, also if X has more than one column; gram.ErrNonFinite and
// gram.ErrWeights; ctx's error. O(n).
func (t Isotonic) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*IsotonicModel, error) {
	x, err := onlyColumn(X, "Isotonic")
	if err != nil {
		return nil, err
	}
	if err := gram.CheckTargets(y, len(x)); err != nil {
		return nil, err
	}
	if _, err := gram.CheckWeights(w, len(x)); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	knots, values := calib.Isotonic(x, y, w, t.Decreasing)
	return &IsotonicModel{knots: knots, values: values}, nil
}

// TrainRegressor calls [Isotonic.Fit].
func (t Isotonic) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	return regressor(t.Fit(ctx, X, y, w))
}

// onlyColumn returns the one column of X, checked.
func onlyColumn(X gram.Matrix, who string) ([]float64, error) {
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	if d != 1 {
		return nil, fmt.Errorf("linear: X has %d columns, %s takes 1: %w", d, who, gram.ErrShape)
	}
	x := mem.Make[float64](n)
	linalg.AsOperator(X).MulRows(x, 0, n, []float64{1}, 1)
	return x, nil
}

// IsotonicModel is what [Isotonic] fits: a function through knots, straight between
// them and constant outside.
//
// Its methods return gram.ErrShape for shapes that do not fit and gram.ErrNonFinite
// for NaN. A prediction takes O(log knots); row methods take no memory.
type IsotonicModel struct{ knots, values []float64 }

// Knots returns a copy of the knots, ascending, and of the values there.
func (m *IsotonicModel) Knots() (x, y []float64) {
	return slices.Clone(m.knots), slices.Clone(m.values)
}

// Features returns 1.
func (m *IsotonicModel) Features() int { return 1 }

// Predict returns the value at each of the n rows. len(dst) is n.
func (m *IsotonicModel) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, 1)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	for i := range n {
		if dst[i], err = m.at(X.At(i, 0)); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	return dst, nil
}

// PredictRow returns the value at one row.
func (m *IsotonicModel) PredictRow(x []float64) (float64, error) {
	if err := gram.CheckRow(x, 1); err != nil {
		return 0, err
	}
	return m.at(x[0])
}

func (m *IsotonicModel) at(x float64) (float64, error) {
	if x != x {
		return 0, fmt.Errorf("column 0 is NaN: %w", gram.ErrNonFinite)
	}
	return calib.Interpolate(m.knots, m.values, x), nil
}

func init() {
	gram.Register("linear.Isotonic", 1, encodeIsotonic, decodeIsotonic)
}

func encodeIsotonic(e *gram.Encoder, m *IsotonicModel) {
	e.Floats(m.knots)
	e.Floats(m.values)
}

func decodeIsotonic(d *gram.Decoder, _ int) *IsotonicModel {
	m := &IsotonicModel{knots: d.Floats()}
	m.values = d.Floats(len(m.knots))
	checkFloats(d, m.knots, m.values)
	if len(m.knots) == 0 {
		d.Fail("isotonic model of no knots")
	}
	for i := 1; i < len(m.knots); i++ {
		if m.knots[i-1] >= m.knots[i] {
			d.Fail("knots do not ascend")
			break
		}
	}
	return m
}
