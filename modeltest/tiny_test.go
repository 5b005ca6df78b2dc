package modeltest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// tiny is a trainer of all four kinds, whose models are made of means. It finds a mean
// by halving the distance to it, to have iterations. With a flaw it breaks one rule.
type tiny struct {
	Workers  int
	MaxIter  int // 0 means 100
	Progress func(gram.Progress)

	flaw  string
	notes *note // written to by the flaw "trainer"
}

type note struct{ fits int }

// means is the model of rows' weighted means by group, k×d, and everything the four
// models have in common.
type means struct {
	k, d  int
	m     []float64
	flaw  string
	kept  gram.Matrix // by the flaw "references"
	calls *atomic.Int64
}

// fit finds the means of k groups of rows.
func (t tiny) fit(ctx context.Context, X gram.Matrix, group []int, k int, w []float64) (*means, error) {
	if t.flaw == "cancelled" {
		ctx = context.Background()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n, d, err := t.check(X, w)
	if err != nil {
		return nil, err
	}
	m := &means{k: k, d: d, m: make([]float64, k*d), flaw: t.flaw, calls: new(atomic.Int64)}
	target := t.target(X, group, k, d, n, w)
	limit := t.MaxIter
	if limit == 0 {
		limit = 100
	}
	err = t.iterate(ctx, m.m, target, limit)
	if err != nil && !errors.Is(err, gram.ErrNotConverged) {
		return nil, err
	}
	t.spoil(m, X, w)
	if t.flaw == "limit without error" {
		err = nil
	}
	if err != nil && t.flaw == "limit without model" {
		m = &means{}
	}
	return m, err
}

func (t tiny) check(X gram.Matrix, w []float64) (n, d int, err error) {
	n, d, err = gram.CheckMatrix(X)
	switch {
	case err != nil && t.flaw == "empty" && n == 0:
		return 0, 0, gram.ErrLabels
	case err != nil && t.flaw == "nonfinite" && n > 0 && d > 0:
		return 0, 0, gram.ErrNonFinite // does not say where
	case err != nil:
		return 0, 0, err
	}
	if _, err = gram.CheckWeights(w, n); err != nil {
		if t.flaw == "weights" && errors.Is(err, gram.ErrWeights) || t.flaw == "ragged w" && errors.Is(err, gram.ErrShape) {
			return n, d, nil
		}
	}
	return n, d, err
}

// target returns the means in one go.
func (t tiny) target(X gram.Matrix, group []int, k, d, n int, w []float64) []float64 {
	sum, total := make([]float64, k*d), make([]float64, k)
	block := linalg.CopyOf[float64](linalg.ToGonum(copyOf(X)))
	if v, ok := X.(gram.RowBlocker); ok && t.flaw == "matrices" {
		block.Data, _ = v.RowBlock(make([]float64, n*d), 0, n) // and forgets the stride
	}
	for i := range n {
		c, v := 0, 1.0
		if group != nil {
			c = group[i]
		}
		if w != nil && i < len(w) && t.flaw != "repeats" {
			v = w[i]
		}
		if t.flaw == "dropped" {
			v += 0.1
		}
		if w == nil && t.flaw == "ones" && i == 0 {
			v = 2
		}
		total[c] += v
		for j := range d {
			sum[c*d+j] += v * block.At(i, j)
		}
	}
	for i := range sum {
		sum[i] /= total[i/d]
	}
	return sum
}

func copyOf(X gram.Matrix) *linalg.Dense[float64] { return Data{X: X}.dense() }

func (t tiny) iterate(ctx context.Context, m, target []float64, limit int) error {
	for it := 1; it <= limit; it++ {
		if err := ctx.Err(); err != nil && t.flaw != "cancelled inside" {
			return err
		}
		far := 0.0
		for i := range m {
			m[i] += (target[i] - m[i]) / 2
			far = max(far, math.Abs(target[i]-m[i]))
		}
		if t.Progress != nil && t.flaw != "progress" {
			p := gram.Progress{Iteration: it, Limit: limit, Residual: far, Tolerance: 1e-12}
			if t.flaw == "progress count" {
				p.Iteration--
			}
			if t.flaw == "progress changes" {
				m[0] += 1
			}
			t.Progress(p)
		}
		if far <= 1e-12 {
			return nil
		}
	}
	return fmt.Errorf("distance %d iterations: %w", limit, gram.ErrNotConverged)
}

// spoil carries out the flaws that do something after the fit.
func (t tiny) spoil(m *means, X gram.Matrix, w []float64) {
	switch t.flaw {
	case "trainer":
		t.notes.fits++
	case "inputs X":
		if v, ok := X.(gram.RowViewer); ok {
			v.RawRowView(1)[0]++
		}
	case "inputs w":
		if w != nil {
			w[2]++
		}
	case "references":
		m.kept = X
	case "workers":
		m.m[0] *= 1 + float64(t.Workers)*1e-15
	case "nan fit":
		m.m[0] = math.NaN()
	case "fit":
		m.d++
	}
}

func (m *means) Features() int { return m.d }

// enter checks x and carries out the flaws of row methods.
func (m *means) enter(x []float64) error {
	if m.flaw == "features row" {
		return nil
	}
	if err := gram.CheckRow(x, m.d); err != nil {
		if m.flaw == "features text" {
			return gram.ErrShape
		}
		return err
	}
	switch m.flaw {
	case "allocs":
		sink = make([]float64, 1)
	case "inputs row":
		x[0]++
	case "nan":
		if math.IsNaN(x[m.d-1]) {
			panic("cannot be")
		}
	}
	return nil
}

var sink []float64

// delta returns x[j] − mean(c)[j], and what flaws make of it.
func (m *means) delta(x []float64, c, j int) float64 {
	v := x[j] - m.m[c*m.d+j]
	if m.kept != nil {
		v += m.kept.At(0, j)
	}
	if m.flaw == "concurrent" && m.calls.Add(1) > 4000 {
		v++
	}
	return v
}

// score returns −½‖x − mean(c)‖².
func (m *means) score(x []float64, c int) float64 {
	s := 0.0
	for j := range m.d {
		v := m.delta(x, c, j)
		s -= v * v / 2
	}
	return s
}

// each fills dst, k results a row, by rows.
func each[T any](m *means, dst []T, X gram.Matrix, k int, f func(dst []T, x []float64) error) ([]T, error) {
	n, err := gram.CheckFeatures(X, m.d)
	if err != nil && m.flaw != "features batch" {
		return nil, err
	}
	if n == 0 && m.flaw == "rows" {
		return nil, gram.ErrShape
	}
	given := dst
	if dst, err = gram.Dst(dst, n*k); err != nil {
		if m.flaw != "dst length" {
			return nil, err
		}
		dst = make([]T, n*k)
	}
	if m.flaw == "dst copy" {
		dst = make([]T, n*k)
	}
	for i, x := range rowsOf(X) {
		if m.flaw == "dst partly" && given != nil && i == n-1 {
			break
		}
		if m.flaw == "batch" {
			x[0] += 1e-3
		}
		if err := f(dst[i*k:(i+1)*k], x[:min(len(x), m.d)]); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func (m *means) encode(e *gram.Encoder) {
	e.Int(m.k)
	e.Int(m.d)
	e.String(m.flaw)
	out := slices.Clone(m.m)
	if m.flaw == "save" {
		for i, v := range out {
			out[i] = float64(float32(v))
		}
	}
	if m.flaw == "save again" {
		m.m[0]++
	}
	e.Floats(out)
}

func decodeMeans(d *gram.Decoder) *means {
	m := &means{k: d.Int(), d: d.Int(), flaw: d.String(), calls: new(atomic.Int64)}
	switch m.flaw {
	case "hostile memory":
		// 16 times a count of which no more than its low bits are right.
		m.m = make([]float64, 16*(m.k&0xffff))
		m.m = d.Floats(m.k, m.d)
	case "hostile panic":
		m.m = make([]float64, m.k*m.d)
		copy(m.m, d.Floats())
	case "hostile use":
		m.m = d.Floats()
		return m
	default:
		m.m = d.Floats(m.k, m.d)
	}
	if m.k < 1 || m.d < 1 {
		d.Fail("%d groups of %d features", m.k, m.d)
	}
	return m
}

// The classifier: probabilities ∝ exp(−½‖x − mean(c)‖²).

type tinyClassifier struct{ *means }

func (t tiny) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	if t.flaw == "panic" {
		panic("cannot be")
	}
	n, _ := X.Dims()
	if _, _, err := t.check(X, nil); err != nil {
		return nil, err
	}
	k, err := gram.CheckLabels(y, n)
	if err != nil && t.flaw == "labels" && len(y) == n && slices.Max(y) == 0 {
		k, err = 2, nil
	}
	if err != nil && t.flaw == "ragged y" && errors.Is(err, gram.ErrShape) {
		return nil, gram.ErrLabels
	}
	if err != nil {
		return nil, err
	}
	m, err := t.fit(ctx, X, y, k, w)
	if m == nil {
		return nil, err
	}
	return tinyClassifier{m}, err
}

func (m tinyClassifier) Classes() int { return m.k }

func (m tinyClassifier) PredictRow(x []float64) (int, error) {
	if err := m.enter(x); err != nil {
		return 0, err
	}
	best := 0
	for c := range m.k {
		if m.score(x, c) > m.score(x, best) {
			best = c
		}
	}
	switch m.flaw {
	case "argmax":
		return (best + 1) % m.k, nil
	case "nan class":
		if x[m.d-1] != x[m.d-1] {
			return m.k, nil
		}
	}
	return best, nil
}

func (m tinyClassifier) PredictProbaRow(dst, x []float64) error {
	if err := m.enter(x); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, m.k); err != nil && m.flaw != "dst row" {
		return err
	}
	top := math.Inf(-1)
	for c := range dst {
		top = max(top, m.score(x, c))
	}
	if m.flaw == "proba" {
		top = 0 // and far out everything underflows
	}
	sum := 0.0
	for c := range dst {
		dst[c] = math.Exp(m.score(x, c) - top)
		sum += dst[c]
	}
	for c := range dst {
		dst[c] /= sum
	}
	return nil
}

func (m tinyClassifier) Predict(dst []int, X gram.Matrix) ([]int, error) {
	return each(m.means, dst, X, 1, single(m.PredictRow))
}

func (m tinyClassifier) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	return each(m.means, dst, X, m.k, m.PredictProbaRow)
}

// The regressor: the mean target and the sum of the centred features.

type tinyRegressor struct {
	*means
	target float64
}

func (t tiny) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	n, _ := X.Dims()
	if _, _, err := t.check(X, w); err != nil {
		return nil, err
	}
	if err := gram.CheckTargets(y, n); err != nil {
		if t.flaw != "targets" || errors.Is(err, gram.ErrShape) {
			return nil, err
		}
	}
	m, err := t.fit(ctx, X, nil, 1, w)
	if m == nil {
		return nil, err
	}
	r := tinyRegressor{means: m}
	sum := 0.0
	for i, v := range y {
		u := 1.0
		if w != nil {
			u = w[i]
		}
		r.target += u * v
		sum += u
	}
	r.target /= sum
	return r, err
}

func (m tinyRegressor) PredictRow(x []float64) (float64, error) {
	if err := m.enter(x); err != nil {
		return 0, err
	}
	sum := m.target
	for j := range m.d {
		sum += m.delta(x, 0, j)
	}
	return sum, nil
}

func (m tinyRegressor) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	return each(m.means, dst, X, 1, single(m.PredictRow))
}

// The transformer centres.

type tinyTransformer struct{ *means }

func (t tiny) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := t.fit(ctx, X, nil, 1, w)
	if m == nil {
		return nil, err
	}
	return tinyTransformer{m}, err
}

func (m tinyTransformer) OutFeatures() int { return m.d }

func (m tinyTransformer) TransformRow(dst, x []float64) error {
	if err := m.enter(x); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, m.d); err != nil && m.flaw != "dst row" {
		return err
	}
	for j := range dst {
		dst[j] = m.delta(x, 0, j)
	}
	return nil
}

func (m tinyTransformer) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return each(m.means, dst, X, m.d, m.TransformRow)
}

// The scorer: a normal density of unit variance.

type tinyScorer struct{ *means }

func (t tiny) TrainScorer(ctx context.Context, X gram.Matrix, w []float64) (gram.Scorer, error) {
	m, err := t.fit(ctx, X, nil, 1, w)
	if m == nil {
		return nil, err
	}
	return tinyScorer{m}, err
}

func (m tinyScorer) LogDensityRow(x []float64) (float64, error) {
	if err := m.enter(x); err != nil {
		return 0, err
	}
	return m.score(x, 0) - float64(m.d)/2*math.Log(2*math.Pi), nil
}

func (m tinyScorer) LogDensity(dst []float64, X gram.Matrix) ([]float64, error) {
	return each(m.means, dst, X, 1, single(m.LogDensityRow))
}

func init() {
	gram.Register("modeltest.tinyClassifier", 1,
		func(e *gram.Encoder, m tinyClassifier) { m.encode(e) },
		func(d *gram.Decoder, _ int) tinyClassifier {
			m := decodeMeans(d)
			if m.k < 2 {
				d.Fail("%d classes", m.k)
			}
			return tinyClassifier{m}
		})
	gram.Register("modeltest.tinyRegressor", 1,
		func(e *gram.Encoder, m tinyRegressor) {
			m.encode(e)
			e.Float(m.target)
		},
		func(d *gram.Decoder, _ int) tinyRegressor {
			return tinyRegressor{decodeMeans(d), d.Float()}
		})
	gram.Register("modeltest.tinyTransformer", 1,
		func(e *gram.Encoder, m tinyTransformer) { m.encode(e) },
		func(d *gram.Decoder, _ int) tinyTransformer { return tinyTransformer{decodeMeans(d)} })
	gram.Register("modeltest.tinyScorer", 1,
		func(e *gram.Encoder, m tinyScorer) { m.encode(e) },
		func(d *gram.Decoder, _ int) tinyScorer { return tinyScorer{decodeMeans(d)} })
}
