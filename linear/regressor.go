package linear

import (
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
)

// LinearPredictor is what the models of linear regression have in common: the
// prediction x·coef + intercept.
//
// Its methods return gram.ErrShape for shapes that do not fit, and
// gram.ErrNonFinite for rows whose prediction is not finite, as those are that hold
// NaN or an infinity. Batch methods take O(n·d), row methods O(d) and no memory.
type LinearPredictor struct {
	coef      []float64
	intercept float64
}

// Coef returns a copy of the d coefficients.
func (m *LinearPredictor) Coef() []float64 { return slices.Clone(m.coef) }

// Intercept returns the intercept, 0 if none was fitted.
func (m *LinearPredictor) Intercept() float64 { return m.intercept }

// Features returns d.
func (m *LinearPredictor) Features() int { return len(m.coef) }

// Predict returns the prediction for each of the n rows. len(dst) is n.
func (m *LinearPredictor) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	return m.batch(dst, X, nil)
}

// PredictRow returns the prediction for one row.
func (m *LinearPredictor) PredictRow(x []float64) (float64, error) {
	return rowScore(x, m.coef, m.intercept)
}

// batch sets dst to the scores, each block of which link changes unless it is nil.
func (m *LinearPredictor) batch(dst []float64, X gram.Matrix, link func(lo int, z []float64) error) ([]float64, error) {
	n, err := gram.CheckFeatures(X, len(m.coef))
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	var bad error
	err = eachBlock(X, &params{coef: m.coef, bias: []float64{m.intercept}}, func(lo int, z []float64) {
		if link != nil && bad == nil {
			bad = link(lo, z)
		}
		copy(dst[lo:], z)
	})
	if err == nil {
		err = bad
	}
	return result(dst, err)
}

func (m *LinearPredictor) encode(e *gram.Encoder) {
	e.Floats(m.coef)
	e.Float(m.intercept)
}

func decodePredictor(d *gram.Decoder) LinearPredictor {
	m := LinearPredictor{coef: d.Floats(), intercept: d.Float()}
	checkFloats(d, m.coef, []float64{m.intercept})
	if len(m.coef) == 0 {
		d.Fail("linear model of no features")
	}
	return m
}

// regressor returns a nil interface for a nil model.
func regressor[M interface {
	comparable
	gram.Regressor
}](m M, err error) (gram.Regressor, error) {
	var none M
	if m == none {
		return nil, err
	}
	return m, err
}

// rowWeights checks X, y and w and returns the weights, ones for nil, and their sum.
func rowWeights(X gram.Matrix, y, w []float64) (out []float64, sum float64, err error) {
	if _, _, err := gram.CheckMatrix(X); err != nil {
		return nil, 0, err
	}
	return targetWeights(X, y, w)
}

// targetWeights is rowWeights for fits that find out themselves whether the elements of X
// are finite.
func targetWeights(X gram.Matrix, y, w []float64) (out []float64, sum float64, err error) {
	if X == nil {
		_, _, err = gram.CheckMatrix(X)
		return nil, 0, err
	}
	n, d := X.Dims()
	if n <= 0 || d <= 0 {
		_, _, err = gram.CheckMatrix(X)
		return nil, 0, err
	}
	if err := gram.CheckTargets(y, n); err != nil {
		return nil, 0, err
	}
	if sum, err = gram.CheckWeights(w, n); err != nil {
		return nil, 0, err
	}
	if w != nil {
		return w, sum, nil
	}
	out = make([]float64, n)
	for i := range out {
		out[i] = 1
	}
	return out, sum, nil
}

// checkCommon checks the fields that iterating trainers share and returns them with
// defaults in place.
func checkCommon(maxIter, defaultIter int, tol, defaultTol float64, workers int) (int, float64, error) {
	switch {
	case !(tol >= 0) || math.IsInf(tol, 0):
		return 0, 0, fmt.Errorf("linear: Tol is %v, want > 0 or 0 for %g: %w", tol, defaultTol, gram.ErrParam)
	case maxIter < 0:
		return 0, 0, fmt.Errorf("linear: MaxIter is %d, want > 0 or 0 for %d: %w", maxIter, defaultIter, gram.ErrParam)
	case workers < 0:
		return 0, 0, fmt.Errorf("linear: Workers is %d, want > 0 or 0 for GOMAXPROCS: %w", workers, gram.ErrParam)
	}
	if maxIter == 0 {
		maxIter = defaultIter
	}
	if tol == 0 {
		tol = defaultTol
	}
	return maxIter, tol, nil
}

// checkAtLeast returns ErrParam unless v is finite and ≥ low.
func checkAtLeast(name string, v, low float64) error {
	if v-v != 0 || v < low {
		return fmt.Errorf("linear: %s is %v, want a number ≥ %v: %w", name, v, low, gram.ErrParam)
	}
	return nil
}

// weightedMean returns Σ wᵢyᵢ/Σwᵢ, about a first value so that equal values give
// just that.
func weightedMean(y, w []float64) float64 {
	mean, sum := 0.0, 0.0
	for i, v := range y {
		if w[i] > 0 {
			sum += w[i]
			mean += (v - mean) * (w[i] / sum)
		}
	}
	return mean
}
