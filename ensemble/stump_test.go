package ensemble_test

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
)

// stump is a slow and obvious trainer of trees with one split: by the weighted sum of
// squares of indicators (which is Gini's) or of targets about their means.
type stump struct{}

// stumpModel says left where x[column] ≤ threshold, else right: probabilities, or
// one mean.
type stumpModel struct {
	features, column int
	threshold        float64
	left, right      []float64
}

// fit trains on rows of k targets.
func (stump) fit(ctx context.Context, X gram.Matrix, Y [][]float64, w []float64) (*stumpModel, error) {
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	if _, err := gram.CheckWeights(w, n); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	best := &stumpModel{features: d, threshold: math.Inf(1)}
	least := math.Inf(1)
	k := len(Y[0])
	for j := range d {
		order := make([]int, n)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			if X.At(a, j) < X.At(b, j) {
				return -1
			}
			if X.At(a, j) > X.At(b, j) {
				return 1
			}
			return 0
		})
		weight := func(i int) float64 {
			if w == nil {
				return 1
			}
			return w[i]
		}
		var all, left float64
		sumAll, sumLeft := make([]float64, k), make([]float64, k)
		for i := range n {
			all += weight(i)
			for c := range k {
				sumAll[c] += weight(i) * Y[i][c]
			}
		}
		last := math.NaN()
		for _, i := range order {
			x := X.At(i, j)
			if left > 0 && all-left > 1e-12*all && x > last && weight(i) > 0 {
				score := 0.0
				for c := range k {
					r := sumAll[c] - sumLeft[c]
					score -= sumLeft[c]*sumLeft[c]/left + r*r/(all-left)
				}
				if score < least-1e-12*math.Abs(least) || math.IsInf(least, 1) {
					least = score
					best.column, best.threshold = j, last+(x-last)/2
					best.left, best.right = make([]float64, k), make([]float64, k)
					for c := range k {
						best.left[c], best.right[c] = sumLeft[c]/left, (sumAll[c]-sumLeft[c])/(all-left)
					}
				}
			}
			left += weight(i)
			for c := range k {
				sumLeft[c] += weight(i) * Y[i][c]
			}
			if weight(i) > 0 {
				last = x
			}
		}
		if best.left == nil && j == d-1 {
			best.left, best.right = make([]float64, k), make([]float64, k)
			for c := range k {
				best.left[c], best.right[c] = sumAll[c]/all, sumAll[c]/all
			}
		}
	}
	return best, nil
}

func (t stump) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	if X == nil {
		return nil, gram.ErrShape
	}
	n, _ := X.Dims()
	k, err := gram.CheckLabels(y, n)
	if err != nil {
		return nil, err
	}
	Y := make([][]float64, n)
	for i, c := range y {
		Y[i] = make([]float64, k)
		Y[i][c] = 1
	}
	m, err := t.fit(ctx, X, Y, w)
	if err != nil {
		return nil, err
	}
	return stumpClassifier{m}, nil
}

func (t stump) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	n, _ := X.Dims()
	if err := gram.CheckTargets(y, n); err != nil {
		return nil, err
	}
	Y := make([][]float64, n)
	for i, v := range y {
		Y[i] = []float64{v}
	}
	m, err := t.fit(ctx, X, Y, w)
	if err != nil {
		return nil, err
	}
	return stumpRegressor{m}, nil
}

func (m *stumpModel) Features() int { return m.features }

func (m *stumpModel) at(x []float64) ([]float64, error) {
	if err := gram.CheckRow(x, m.features); err != nil {
		return nil, err
	}
	if math.IsNaN(x[m.column]) {
		return nil, gram.ErrNonFinite
	}
	if x[m.column] <= m.threshold {
		return m.left, nil
	}
	return m.right, nil
}

type stumpClassifier struct{ *stumpModel }

func (m stumpClassifier) Classes() int { return len(m.left) }

func (m stumpClassifier) PredictRow(x []float64) (int, error) {
	p, err := m.at(x)
	if err != nil {
		return 0, err
	}
	best := 0
	for c, v := range p {
		if v > p[best] {
			best = c
		}
	}
	return best, nil
}

func (m stumpClassifier) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckDst(dst, len(m.left)); err != nil {
		return err
	}
	p, err := m.at(x)
	copy(dst, p)
	return err
}

func (m stumpClassifier) Predict(dst []int, X gram.Matrix) ([]int, error) {
	n, err := gram.CheckFeatures(X, m.features)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	for i := range dst {
		if dst[i], err = m.PredictRow(row(X, i)); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func (m stumpClassifier) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.features)
	if err != nil {
		return nil, err
	}
	k := len(m.left)
	if dst, err = gram.Dst(dst, n*k); err != nil {
		return nil, err
	}
	for i := range n {
		if err := m.PredictProbaRow(dst[i*k:(i+1)*k], row(X, i)); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

type stumpRegressor struct{ *stumpModel }

func (m stumpRegressor) PredictRow(x []float64) (float64, error) {
	p, err := m.at(x)
	if err != nil {
		return 0, err
	}
	return p[0], nil
}

func (m stumpRegressor) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.features)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	for i := range dst {
		if dst[i], err = m.PredictRow(row(X, i)); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// row returns a copy of a row.
func row(X gram.Matrix, i int) []float64 {
	_, d := X.Dims()
	x := make([]float64, d)
	for j := range x {
		x[j] = X.At(i, j)
	}
	return x
}

func init() {
	gram.Register("ensembletest.stumpClassifier", 1,
		func(e *gram.Encoder, m stumpClassifier) { m.encode(e) },
		func(d *gram.Decoder, _ int) stumpClassifier { return stumpClassifier{decodeStump(d, 2)} })
	gram.Register("ensembletest.stumpRegressor", 1,
		func(e *gram.Encoder, m stumpRegressor) { m.encode(e) },
		func(d *gram.Decoder, _ int) stumpRegressor { return stumpRegressor{decodeStump(d, 1)} })
}

func (m *stumpModel) encode(e *gram.Encoder) {
	e.Int(m.features)
	e.Int(m.column)
	e.Float(m.threshold)
	e.Floats(m.left)
	e.Floats(m.right)
}

func decodeStump(d *gram.Decoder, least int) *stumpModel {
	m := &stumpModel{features: d.Int(), column: d.Int(), threshold: d.Float(), left: d.Floats()}
	m.right = d.Floats(len(m.left))
	if len(m.left) < least || m.column < 0 || m.column >= m.features {
		d.Fail("%s", fmt.Sprint(m))
	}
	for _, v := range slices.Concat(m.left, m.right) {
		if !(math.Abs(v) < 1e300) {
			d.Fail("leaf of %v", v)
		}
	}
	return m
}
