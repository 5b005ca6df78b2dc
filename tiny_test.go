package gram_test

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// The trainers and models of this file are as small as conforming ones can be; the
// tests and examples of the package make do with them.

// scale centres each column and divides it by its standard deviation.
type scale struct{}

type scaleModel struct{ mean, inv []float64 }

func (s scale) Fit(ctx context.Context, X gram.Matrix, _, w []float64) (*scaleModel, error) {
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	sum, err := gram.CheckWeights(w, n)
	if err != nil {
		return nil, err
	}
	m := &scaleModel{mean: make([]float64, d), inv: make([]float64, d)}
	for j := range d {
		for i := range n {
			m.mean[j] += weight(w, i) * X.At(i, j) / sum
		}
		var ss float64
		for i := range n {
			v := X.At(i, j) - m.mean[j]
			ss += weight(w, i) * v * v / sum
		}
		m.inv[j] = 1
		if ss > 0 {
			m.inv[j] = 1 / math.Sqrt(ss)
		}
	}
	return m, ctx.Err()
}

func (s scale) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	return s.Fit(ctx, X, y, w)
}

func (m *scaleModel) Features() int    { return len(m.mean) }
func (m *scaleModel) OutFeatures() int { return len(m.mean) }

func (m *scaleModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	d := len(m.mean)
	n, err := gram.CheckFeatures(X, d)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n*d); err != nil {
		return nil, err
	}
	for i := range n {
		for j := range d {
			dst[i*d+j] = (X.At(i, j) - m.mean[j]) * m.inv[j]
		}
	}
	return dst, nil
}

func (m *scaleModel) TransformRow(dst, x []float64) error {
	if err := gram.CheckRow(x, len(m.mean)); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, len(m.mean)); err != nil {
		return err
	}
	for j, v := range x {
		dst[j] = (v - m.mean[j]) * m.inv[j]
	}
	return nil
}

// head keeps the first Columns features, 2 for 0.
type head struct{ Columns int }

type headModel struct{ in, out int }

func (h head) TrainTransformer(ctx context.Context, X gram.Matrix, _, w []float64) (gram.Transformer, error) {
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	if _, err := gram.CheckWeights(w, n); err != nil {
		return nil, err
	}
	k := h.Columns
	if k == 0 {
		k = 2
	}
	if k < 0 || k > d {
		return nil, fmt.Errorf("Columns is %d, X has %d features: %w", k, d, gram.ErrParam)
	}
	return &headModel{d, k}, ctx.Err()
}

func (m *headModel) Features() int    { return m.in }
func (m *headModel) OutFeatures() int { return m.out }

func (m *headModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.in)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n*m.out); err != nil {
		return nil, err
	}
	for i := range n {
		for j := range m.out {
			dst[i*m.out+j] = X.At(i, j)
		}
	}
	return dst, nil
}

func (m *headModel) TransformRow(dst, x []float64) error {
	if err := gram.CheckRow(x, m.in); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, m.out); err != nil {
		return err
	}
	copy(dst, x)
	return nil
}

// centroid gives class c the probability softmax(−½‖x − mean(c)‖²).
type centroid struct{}

type centroidModel struct {
	k, d  int
	means []float64 // k×d
}

func (t centroid) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*centroidModel, error) {
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	k, err := gram.CheckLabels(y, n)
	if err != nil {
		return nil, err
	}
	if _, err := gram.CheckWeights(w, n); err != nil {
		return nil, err
	}
	m := &centroidModel{k, d, make([]float64, k*d)}
	sums := make([]float64, k)
	for i, c := range y {
		sums[c] += weight(w, i)
		for j := range d {
			m.means[c*d+j] += weight(w, i) * X.At(i, j)
		}
	}
	for i := range m.means {
		m.means[i] /= sums[i/d]
	}
	return m, ctx.Err()
}

func (t centroid) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	return t.Fit(ctx, X, y, w)
}

func (m *centroidModel) Features() int { return m.d }
func (m *centroidModel) Classes() int  { return m.k }

// score returns −½‖x − mean(c)‖².
func (m *centroidModel) score(x []float64, c int) float64 {
	var s float64
	for j, v := range x {
		s -= (v - m.means[c*m.d+j]) * (v - m.means[c*m.d+j]) / 2
	}
	return s
}

func (m *centroidModel) PredictRow(x []float64) (int, error) {
	if err := gram.CheckRow(x, m.d); err != nil {
		return 0, err
	}
	best := 0
	for c := range m.k {
		if m.score(x, c) > m.score(x, best) {
			best = c
		}
	}
	return best, nil
}

func (m *centroidModel) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckRow(x, m.d); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, m.k); err != nil {
		return err
	}
	best, _ := m.PredictRow(x)
	top := m.score(x, best)
	var sum float64
	for c := range dst {
		dst[c] = math.Exp(m.score(x, c) - top)
		sum += dst[c]
	}
	for c := range dst {
		dst[c] /= sum
	}
	return nil
}

func (m *centroidModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	n, err := gram.CheckFeatures(X, m.d)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	for i := range dst {
		dst[i], _ = m.PredictRow(rowOf(X, i))
	}
	return dst, nil
}

func (m *centroidModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.d)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n*m.k); err != nil {
		return nil, err
	}
	for i := range n {
		_ = m.PredictProbaRow(dst[i*m.k:(i+1)*m.k], rowOf(X, i))
	}
	return dst, nil
}

// line fits y = a + b·x₀ by weighted least squares.
type line struct{}

type lineModel struct {
	d    int
	a, b float64
}

func (t line) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*lineModel, error) {
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	if err := gram.CheckTargets(y, n); err != nil {
		return nil, err
	}
	sum, err := gram.CheckWeights(w, n)
	if err != nil {
		return nil, err
	}
	var mx, my, xx, xy float64
	for i := range n {
		mx += weight(w, i) * X.At(i, 0) / sum
		my += weight(w, i) * y[i] / sum
	}
	for i := range n {
		u := X.At(i, 0) - mx
		xx += weight(w, i) * u * u
		xy += weight(w, i) * u * (y[i] - my)
	}
	b := 0.0
	if xx > 0 {
		b = xy / xx
	}
	return &lineModel{d, my - b*mx, b}, ctx.Err()
}

func (t line) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	return t.Fit(ctx, X, y, w)
}

func (m *lineModel) Features() int { return m.d }

func (m *lineModel) PredictRow(x []float64) (float64, error) {
	if err := gram.CheckRow(x, m.d); err != nil {
		return 0, err
	}
	return m.a + m.b*x[0], nil
}

func (m *lineModel) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.d)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	for i := range dst {
		dst[i] = m.a + m.b*X.At(i, 0)
	}
	return dst, nil
}

func weight(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}

func rowOf(X gram.Matrix, i int) []float64 {
	_, d := X.Dims()
	x := make([]float64, d)
	for j := range x {
		x[j] = X.At(i, j)
	}
	return x
}

func init() {
	gram.Register("gram_test.scale", 1,
		func(e *gram.Encoder, m *scaleModel) {
			e.Floats(m.mean)
			e.Floats(m.inv)
		},
		func(d *gram.Decoder, _ int) *scaleModel {
			m := &scaleModel{mean: d.Floats()}
			m.inv = d.Floats(len(m.mean))
			return m
		})
	gram.Register("gram_test.head", 1,
		func(e *gram.Encoder, m *headModel) {
			e.Int(m.in)
			e.Int(m.out)
		},
		func(d *gram.Decoder, _ int) *headModel {
			m := &headModel{d.Int(), d.Int()}
			if m.out < 0 || m.out > m.in || m.in > 1<<20 {
				d.Fail("%d of %d columns", m.out, m.in)
			}
			return m
		})
	gram.Register("gram_test.centroid", 1,
		func(e *gram.Encoder, m *centroidModel) {
			e.Int(m.k)
			e.Int(m.d)
			e.Floats(m.means)
		},
		func(d *gram.Decoder, _ int) *centroidModel {
			m := &centroidModel{k: d.Count(), d: d.Count()}
			m.means = d.Floats(m.k, m.d)
			if m.k < 2 || m.d < 1 {
				d.Fail("%d classes, %d features", m.k, m.d)
			}
			return m
		})
	gram.Register("gram_test.line", 1,
		func(e *gram.Encoder, m *lineModel) {
			e.Int(m.d)
			e.Float(m.a)
			e.Float(m.b)
		},
		func(d *gram.Decoder, _ int) *lineModel {
			m := &lineModel{d.Int(), d.Float(), d.Float()}
			if m.d < 1 {
				d.Fail("%d features", m.d)
			}
			return m
		})
}
