package decomp

import (
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// LDAModel is a fitted [LDA]: a gram.Transformer to the scores in the directions kept, whose
// variance within classes is 1, and a gram.Classifier, which uses all directions. Row
// methods take O(d·K) and no memory.
type LDAModel struct {
	linearMap
	// logits takes rows to the log-probabilities of classes, up to a constant, less offset.
	logits linearMap
	mean   []float64
	offset []float64
	ratio  []float64
	priors []float64
}

var (
	_ gram.Transformer = (*LDAModel)(nil)
	_ gram.Classifier  = (*LDAModel)(nil)
)

func (m *LDAModel) init(basis, coef, offset []float64) {
	d := len(m.mean)
	m.linearMap.init(m.mean, basis, len(basis)/d, d)
	m.logits.init(m.mean, coef, len(offset), d)
	m.offset = offset
}

// Components returns the number of directions.
func (m *LDAModel) Components() int { return m.basis.Rows }

// OutFeatures returns the number of directions.
func (m *LDAModel) OutFeatures() int { return m.basis.Rows }

// Classes returns K.
func (m *LDAModel) Classes() int { return len(m.offset) }

// Mean returns a copy of the means of the columns, which are subtracted.
func (m *LDAModel) Mean() []float64 { return slices.Clone(m.mean) }

// Basis returns a copy of the directions, one a row of length d. They need not be
// orthogonal; the element of largest magnitude of each is positive.
func (m *LDAModel) Basis() []float64 { return slices.Clone(m.basis.Data) }

// Priors returns a copy of the probabilities of the classes.
func (m *LDAModel) Priors() []float64 { return slices.Clone(m.priors) }

// ExplainedVarianceRatio returns the share of each direction kept in the variance of the means of
// the classes, weighted by their rows, where the spread within them is 1.
func (m *LDAModel) ExplainedVarianceRatio() []float64 { return slices.Clone(m.ratio) }

// Transform sets dst, n×Components row-major, to the scores of the rows of X.
func (m *LDAModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return transform(dst, X, m.Features(), m.OutFeatures(), func(dst []float64, n int) { m.project(dst, X, n) })
}

// TransformRow sets dst, of length Components, to the scores of x; dst may be x.
func (m *LDAModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.OutFeatures()); err != nil {
		return err
	}
	m.projectRow(dst, x)
	return nil
}

// PredictProba sets dst, n×K row-major, to the probabilities of the classes.
func (m *LDAModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	k := m.Classes()
	return transform(dst, X, m.Features(), k, func(dst []float64, n int) {
		m.logits.project(dst, X, n)
		for i := range n {
			m.probabilities(dst[i*k : (i+1)*k])
		}
	})
}

// probabilities turns what the logits map gives into probabilities.
func (m *LDAModel) probabilities(p []float64) {
	f64.Axpy(1, m.offset, p)
	largest := slices.Max(p)
	for c, v := range p {
		p[c] = v - largest
	}
	f64.Exp(p, p)
	f64.Scal(1/f64.Sum(p), p)
}

// PredictProbaRow sets dst, of length K, to the probabilities for x; dst may be x.
func (m *LDAModel) PredictProbaRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.Classes()); err != nil {
		return err
	}
	m.logits.projectRow(dst, x)
	m.probabilities(dst)
	return nil
}

// Predict sets dst, of length n, to the most probable classes.
func (m *LDAModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	p, err := m.PredictProba(nil, X)
	if err != nil {
		return nil, err
	}
	k := m.Classes()
	for i := range dst {
		dst[i] = mostProbable(p[i*k : (i+1)*k])
	}
	return dst, nil
}

// mostProbable returns the first class of the largest probability.
func mostProbable(p []float64) int {
	best := 0
	for c, v := range p {
		if v > p[best] {
			best = c
		}
	}
	return best
}

// PredictRow returns the most probable class of x.
func (m *LDAModel) PredictRow(x []float64) (int, error) {
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return 0, err
	}
	t := m.pool.Get().(*scratch)
	p := grow(&t.z, m.Classes())
	m.logits.projectRow(p, x)
	m.probabilities(p)
	c := mostProbable(p)
	m.pool.Put(t)
	return c, nil
}

func encodeLDA(e *gram.Encoder, m *LDAModel) {
	e.Floats(m.mean)
	e.Floats(m.priors)
	e.Floats(m.ratio)
	e.Floats(m.basis.Data)
	e.Floats(m.logits.basis.Data)
	e.Floats(m.offset)
}

func decodeLDA(d *gram.Decoder, _ int) *LDAModel {
	m := &LDAModel{mean: d.Floats(), priors: d.Floats(), ratio: d.Floats()}
	basis := d.Floats(len(m.ratio), len(m.mean))
	coef := d.Floats(len(m.priors), len(m.mean))
	offset := d.Floats(len(m.priors))
	checkFinite(d, m.mean, m.priors, m.ratio, basis, coef, offset)
	if len(m.mean) == 0 || len(m.ratio) == 0 || len(m.priors) < 2 {
		d.Fail("%d directions for %d classes of %d features", len(m.ratio), len(m.priors), len(m.mean))
	}
	for _, p := range m.priors {
		if !(p > 0 && p <= 1) {
			d.Fail("prior is %v", p)
		}
	}
	if d.Err() != nil {
		return nil
	}
	m.init(basis, coef, offset)
	return m
}
