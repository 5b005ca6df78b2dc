package quant

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
)

// A SoftmaxClassifier has probabilities that are the softmax of K scores linear in d
// features, as a linear.SoftmaxModel has.
type SoftmaxClassifier interface {
	gram.Classifier
	// Coef returns the coefficients, K×d row-major.
	Coef() []float64
	// Intercept returns the K intercepts.
	Intercept() []float64
}

// A LogisticClassifier has two classes, the probability of the second being the
// logistic function of a score linear in d features, as a linear.LogisticModel has.
type LogisticClassifier interface {
	gram.Classifier
	// Coef returns the d coefficients.
	Coef() []float64
	// Intercept returns the intercept.
	Intercept() float64
}

// Linear turns linear classifiers into int8: an eighth of the coefficients' memory, and
// products of bytes. [Linear.Quantize] takes a fitted one; as a trainer, Linear
// first has Base fit it.
//
// Every feature is quantized over its own range in the calibration rows, to 255 values
// around its middle, and the width of the steps goes into the weights, which are
// quantized class by class. So features need not be scaled. Values outside the range
// are clamped, and a feature that is constant in calibration is held at that constant.
type Linear struct {
	// Base trains the classifier, a [SoftmaxClassifier] or [LogisticClassifier]. Only
	// Quantize does without.
	Base gram.ClassifierTrainer
}

var _ gram.ClassifierTrainer = Linear{}

// Fit trains Base and quantizes what it fits, with X as calibration. Rows of weight 0
// do not count.
//
// Errors: gram.ErrParam if Base is nil, and those of Base and of [Linear.Quantize]. As
// with every fit, gram.ErrNotConverged comes with a model.
func (l Linear) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*LinearModel, error) {
	if l.Base == nil {
		return nil, fmt.Errorf("quant: Linear has no Base to train: %w", gram.ErrParam)
	}
	m, err := l.Base.TrainClassifier(ctx, X, y, w)
	if err != nil && !errors.Is(err, gram.ErrNotConverged) {
		return nil, err
	}
	q, failed := l.Quantize(ctx, m, X, w)
	if failed != nil {
		return nil, failed
	}
	return q, err
}

// TrainClassifier calls [Linear.Fit].
func (l Linear) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	m, err := l.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// Quantize returns m in int8. X holds rows like those that it will predict, a few
// hundred of the training data for example, to calibrate the ranges of the features;
// those with a weight w of 0 are left out, and w may be nil.
//
// Errors: gram.ErrParam for an m that is neither a [SoftmaxClassifier] nor a
// [LogisticClassifier], or whose probabilities on the first rows are not those of its
// coefficients; gram.ErrShape for an X that does not fit m or is empty;
// gram.ErrNonFinite and gram.ErrWeights for bad values in X and w; that of ctx.
// O(n·d + K·d).
func (l Linear) Quantize(ctx context.Context, m gram.Classifier, X gram.Matrix, w []float64) (*LinearModel, error) {
	var coef, intercept []float64
	classes := 2
	switch m := m.(type) {
	case SoftmaxClassifier:
		coef, intercept = m.Coef(), m.Intercept()
		classes = len(intercept)
	case LogisticClassifier:
		coef, intercept = m.Coef(), []float64{m.Intercept()}
	default:
		return nil, fmt.Errorf("quant: %T is no linear classifier: %w", m, gram.ErrParam)
	}
	ranges, err := spans(ctx, X, w)
	if err != nil {
		return nil, err
	}
	if _, err := gram.CheckFeatures(X, m.Features()); err != nil {
		return nil, err
	}
	if len(coef) != len(intercept)*len(ranges) || classes != m.Classes() {
		return nil, fmt.Errorf("quant: %T has %d coefficients and %d intercepts for %d classes: %w",
			m, len(coef), len(intercept), m.Classes(), gram.ErrShape)
	}
	if err := checkLink(m, coef, intercept, X); err != nil {
		return nil, err
	}
	atCenter := slices.Clone(intercept)
	for i := range atCenter {
		for j, r := range ranges {
			atCenter[i] += coef[i*len(ranges)+j] * r.center()
		}
	}
	a, err := newAffine(coef, atCenter, ranges)
	if err != nil {
		return nil, err
	}
	return &LinearModel{a}, nil
}

// checkLink returns an error unless m's probabilities of the first rows follow from its
// coefficients, as they would not if scores went through another function.
func checkLink(m gram.Classifier, coef, intercept []float64, X gram.Matrix) error {
	const tolerance = 1e-6
	n, d := X.Dims()
	x, got, want := make([]float64, d), make([]float64, m.Classes()), make([]float64, m.Classes())
	z := make([]float64, len(intercept))
	for i := range min(n, 8) {
		for j := range x {
			x[j] = X.At(i, j)
		}
		for k := range z {
			z[k] = intercept[k]
			for j, v := range x {
				z[k] += v * coef[k*d+j]
			}
		}
		if err := m.PredictProbaRow(got, x); err != nil {
			return err
		}
		probabilities(want, z)
		for k := range got {
			if !(math.Abs(got[k]-want[k]) <= tolerance) {
				return fmt.Errorf("quant: %T gives class %d of row %d the probability %v, its coefficients %v: %w",
					m, k, i, got[k], want[k], gram.ErrParam)
			}
		}
	}
	return nil
}

// probabilities sets dst to the softmax of the scores z or, for one score, to the
// logistic function and what it leaves of 1. dst may begin with z.
func probabilities(dst, z []float64) {
	if len(z) == 1 {
		v := z[0]
		e := math.Exp(-math.Abs(v))
		dst[0], dst[1] = e/(1+e), 1/(1+e)
		if !(v > 0) {
			dst[0], dst[1] = dst[1], dst[0]
		}
		return
	}
	top, sum := z[0], 0.0
	for _, v := range z {
		top = max(top, v)
	}
	for k, v := range z {
		dst[k] = math.Exp(v - top)
		sum += dst[k]
	}
	for k := range dst {
		dst[k] /= sum
	}
}

// argMax returns the class of greatest score, the smallest of those that tie.
func argMax(z []float64) int {
	if len(z) == 1 {
		if z[0] > 0 {
			return 1
		}
		return 0
	}
	best := 0
	for k, v := range z {
		if v > z[best] {
			best = k
		}
	}
	return best
}

// LinearModel is a linear classifier in int8, as [Linear] makes it. Its methods return
// gram.ErrShape for shapes that do not fit, and gram.ErrNonFinite for rows that hold
// NaN or an infinity. Batch methods take O(n·d·K), row methods O(d·K) and no memory;
// a row has the same bits in either.
type LinearModel struct{ a *affine }

var _ gram.Classifier = (*LinearModel)(nil)

// Features returns d.
func (m *LinearModel) Features() int { return len(m.a.center) }

// Classes returns K.
func (m *LinearModel) Classes() int { return max(2, len(m.a.offset)) }

// Bytes returns the size of the quantized coefficients and all that goes with them.
func (m *LinearModel) Bytes() int { return m.a.bytes() }

// Predict returns the most probable class of each of the n rows, the smallest of
// those that tie. len(dst) is n.
func (m *LinearModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	k := len(m.a.offset)
	err = m.a.batch(X, func(lo int, z []float64) {
		for i := lo; len(z) > 0; i, z = i+1, z[k:] {
			dst[i] = argMax(z[:k])
		}
	})
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// PredictProba returns the probabilities of the classes, n×K row-major.
func (m *LinearModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	classes, k := m.Classes(), len(m.a.offset)
	if dst, err = gram.Dst(dst, n*classes); err != nil {
		return nil, err
	}
	err = m.a.batch(X, func(lo int, z []float64) {
		for i := lo; len(z) > 0; i, z = i+1, z[k:] {
			probabilities(dst[i*classes:(i+1)*classes], z[:k])
		}
	})
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// PredictRow returns the most probable class of one row.
func (m *LinearModel) PredictRow(x []float64) (int, error) {
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return 0, err
	}
	s := borrow()
	defer s.giveBack()
	z := grow(&s.z, len(m.a.offset))
	if err := m.a.row(z, x); err != nil {
		return 0, err
	}
	return argMax(z), nil
}

// PredictProbaRow sets dst, of length K, to the probabilities for one row.
func (m *LinearModel) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckDst(dst, m.Classes()); err != nil {
		return err
	}
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return err
	}
	z := dst[:len(m.a.offset)]
	if err := m.a.row(z, x); err != nil {
		return err
	}
	probabilities(dst, z)
	return nil
}
