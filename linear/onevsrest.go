package linear

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
)

// OneVsRest trains a classifier of K classes from any trainer of two: one model a class,
// which tells it from all others. Probabilities are those that the models give to their
// classes, divided by their sum.
//
// The zero value is ready: [Logistic] is its base. [Softmax] fits all classes together and
// gives better probabilities; this suits trainers that know two classes only, and K so
// large that the Hessian of all would be.
type OneVsRest struct {
	// Base trains each model, with the rows of its class as class 1; nil means Logistic{}.
	Base gram.ClassifierTrainer
	// Workers limits the models that are trained at one time, 0 means GOMAXPROCS. Each
	// takes the goroutines that Base gives it. The result does not depend on it.
	Workers int
}

var _ gram.ClassifierTrainer = OneVsRest{}

// Fit trains on the n×d matrix X, labels y in 0..K−1 of which each occurs, and sample
// weights w ≥ 0, nil for all ones. With two classes there is one model.
//
// Errors: gram.ErrShape, gram.ErrNonFinite, gram.ErrLabels, gram.ErrWeights and
// gram.ErrParam for what does not fit, and those of Base, with the class. Where these are
// gram.ErrNotConverged, the model comes with the first of them. K times the time of Base.
func (t OneVsRest) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*OneVsRestModel, error) {
	if t.Workers < 0 {
		return nil, fmt.Errorf("linear: Workers is %d, want > 0 or 0 for GOMAXPROCS: %w", t.Workers, gram.ErrParam)
	}
	n, _, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	classes, err := gram.CheckLabels(y, n)
	if err != nil {
		return nil, err
	}
	if _, err := gram.CheckWeights(w, n); err != nil {
		return nil, err
	}
	base := t.Base
	if base == nil {
		base = Logistic{}
	}
	m := &OneVsRestModel{models: make([]gram.Classifier, columnsOf(classes))}
	errs := make([]error, len(m.models))
	err = par.For(ctx, t.Workers, len(m.models), 1, func(_, k, _ int) {
		class := k
		if classes == 2 {
			class = 1
		}
		m.models[k], errs[k] = trainOne(ctx, base, X, y, w, class)
	})
	if err != nil {
		return nil, err
	}
	var limit error
	for k, err := range errs {
		if err == nil {
			continue
		}
		err = fmt.Errorf("class %d: %w", k, err)
		if !errors.Is(err, gram.ErrNotConverged) {
			return nil, err
		}
		if limit == nil {
			limit = err
		}
	}
	return m, limit
}

// trainOne trains the model that tells a class from the others.
func trainOne(ctx context.Context, base gram.ClassifierTrainer, X gram.Matrix, y []int, w []float64, class int) (gram.Classifier, error) {
	is := make([]int, len(y))
	for i, c := range y {
		if c == class {
			is[i] = 1
		}
	}
	m, err := base.TrainClassifier(ctx, X, is, w)
	if broken(err) {
		return nil, err
	}
	if _, d := X.Dims(); m.Classes() != 2 || m.Features() != d {
		return nil, fmt.Errorf("linear: Base gives a model of %d classes and %d features, want 2 and %d: %w", m.Classes(), m.Features(), d, gram.ErrShape)
	}
	return m, err
}

// TrainClassifier calls [OneVsRest.Fit].
func (t OneVsRest) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	return classifier(t.Fit(ctx, X, y, w))
}

// OneVsRestModel is what [OneVsRest] fits. Its methods' errors are those of the models.
type OneVsRestModel struct {
	models []gram.Classifier // by class; for two classes, that of class 1
}

// Model returns the model that tells class k from the others; for K = 2 there is one, which
// tells class 1 from 0 and belongs to both.
func (m *OneVsRestModel) Model(k int) gram.Classifier {
	if len(m.models) == 1 {
		k = 0
	}
	return m.models[k]
}

// Features returns d.
func (m *OneVsRestModel) Features() int { return m.models[0].Features() }

// Classes returns K.
func (m *OneVsRestModel) Classes() int { return max(2, len(m.models)) }

// Predict returns the class of highest probability of each of the n rows, the smallest of
// those that tie. len(dst) is n.
func (m *OneVsRestModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
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
		dst[i] = argMax(p[i*k : (i+1)*k])
	}
	return dst, nil
}

// PredictProba returns the probabilities of the classes, n×K row-major. Where all models
// give 0, they are equal.
func (m *OneVsRestModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	k := m.Classes()
	if dst, err = gram.Dst(dst, n*k); err != nil {
		return nil, err
	}
	if len(m.models) == 1 {
		return m.models[0].PredictProba(dst, X)
	}
	two := make([]float64, 2*n)
	for c, one := range m.models {
		if _, err := one.PredictProba(two, X); err != nil {
			return nil, err
		}
		for i := range n {
			dst[i*k+c] = two[2*i+1]
		}
	}
	for i := range n {
		share(dst[i*k : (i+1)*k])
	}
	return dst, nil
}

// share divides p by its sum.
func share(p []float64) {
	sum := 0.0
	for _, v := range p {
		sum += v
	}
	for k := range p {
		if sum > 0 {
			p[k] /= sum
		} else {
			p[k] = 1 / float64(len(p))
		}
	}
}

// PredictRow returns the class of highest probability of one row, the smallest of those that
// tie.
func (m *OneVsRestModel) PredictRow(x []float64) (int, error) {
	two := pairs.Get().(*[2]float64)
	defer pairs.Put(two)
	if len(m.models) == 1 {
		err := m.models[0].PredictProbaRow(two[:], x)
		return argMax(two[:]), err
	}
	best, top := 0, -1.0
	for c, one := range m.models {
		if err := one.PredictProbaRow(two[:], x); err != nil {
			return 0, err
		}
		if two[1] > top {
			best, top = c, two[1]
		}
	}
	return best, nil
}

var pairs = sync.Pool{New: func() any { return new([2]float64) }}

// PredictProbaRow sets dst, of length K, to the probabilities for one row.
func (m *OneVsRestModel) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckDst(dst, m.Classes()); err != nil {
		return err
	}
	if len(m.models) == 1 {
		return m.models[0].PredictProbaRow(dst, x)
	}
	two := pairs.Get().(*[2]float64)
	defer pairs.Put(two)
	for c, one := range m.models {
		if err := one.PredictProbaRow(two[:], x); err != nil {
			return err
		}
		dst[c] = two[1]
	}
	share(dst)
	return nil
}

func init() {
	gram.Register("linear.OneVsRest", 1, func(e *gram.Encoder, m *OneVsRestModel) {
		gram.EncodeModels(e, m.models)
	}, func(d *gram.Decoder, _ int) *OneVsRestModel {
		m := &OneVsRestModel{models: gram.DecodeModels[gram.Classifier](d)}
		if d.Err() != nil {
			return m
		}
		if len(m.models) == 0 || len(m.models) == 2 {
			d.Fail("one-vs-rest of %d models", len(m.models))
			return m
		}
		for k, one := range m.models {
			if one.Classes() != 2 || one.Features() != m.models[0].Features() {
				d.Fail("model %d is of %d classes and %d features, the first of %d features",
					k, one.Classes(), one.Features(), m.models[0].Features())
			}
		}
		return m
	})
}
