package gram

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// ClassifierPipeline trains transformers one after the other, each on what the one
// before it made of X, and then a classifier on what the last one made. It is a
// [ClassifierTrainer]; scaling before a softmax regression is
//
//	gram.ClassifierPipeline{
//		Steps: []gram.TransformerTrainer{prep.Standard{}},
//		Last:  linear.Softmax{},
//	}
//
// In a cross-validation the steps are thus fitted to the training rows alone. A step
// that is a [CrossFitter] hands on training rows that have not seen their own targets.
type ClassifierPipeline struct {
	// Steps are trained in order; there may be none. They get the labels as floats,
	// and the weights.
	Steps []TransformerTrainer
	// Last is trained on the transformed rows. It must be set.
	Last ClassifierTrainer
}

// Fit trains the steps and the classifier on X, n×d, with n labels and n weights or
// nil. It holds the rows of two steps at a time beside X, and costs what the steps
// cost.
//
// Errors: ErrParam if Last or a step is nil; those of the steps, which read "step 1:
// …", counted from 0, and "last step: …". Steps that end with ErrNotConverged do
// not stop the fit: the pipeline is returned together with their joined errors.
func (p ClassifierPipeline) Fit(ctx context.Context, X Matrix, y []int, w []float64) (*PipelineClassifier, error) {
	if p.Last == nil {
		return nil, errNoLast
	}
	targets := make([]float64, len(y))
	for i, c := range y {
		targets[i] = float64(c)
	}
	steps, Z, limit, err := trainSteps(ctx, p.Steps, X, targets, w)
	if err != nil {
		return nil, err
	}
	last, err := p.Last.TrainClassifier(ctx, Z, y, w)
	if fatal(err) {
		return nil, fmt.Errorf("last step: %w", err)
	}
	m, bad := newPipelineClassifier(steps, last)
	if bad != nil {
		return nil, bad
	}
	return m, joinLast(limit, err)
}

// TrainClassifier is [ClassifierPipeline.Fit].
func (p ClassifierPipeline) TrainClassifier(ctx context.Context, X Matrix, y []int, w []float64) (Classifier, error) {
	return p.Fit(ctx, X, y, w)
}

// RegressorPipeline is [ClassifierPipeline] with a regressor at the end, a
// [RegressorTrainer].
type RegressorPipeline struct {
	// Steps are trained in order; there may be none. They get the targets and the
	// weights.
	Steps []TransformerTrainer
	// Last is trained on the transformed rows. It must be set.
	Last RegressorTrainer
}

// Fit is [ClassifierPipeline.Fit] with n targets in place of labels.
func (p RegressorPipeline) Fit(ctx context.Context, X Matrix, y, w []float64) (*PipelineRegressor, error) {
	if p.Last == nil {
		return nil, errNoLast
	}
	steps, Z, limit, err := trainSteps(ctx, p.Steps, X, y, w)
	if err != nil {
		return nil, err
	}
	last, err := p.Last.TrainRegressor(ctx, Z, y, w)
	if fatal(err) {
		return nil, fmt.Errorf("last step: %w", err)
	}
	m, bad := newPipelineRegressor(steps, last)
	if bad != nil {
		return nil, bad
	}
	return m, joinLast(limit, err)
}

// TrainRegressor is [RegressorPipeline.Fit].
func (p RegressorPipeline) TrainRegressor(ctx context.Context, X Matrix, y, w []float64) (Regressor, error) {
	return p.Fit(ctx, X, y, w)
}

// TransformerPipeline makes one [TransformerTrainer] of several, as
// [ClassifierPipeline] does. It is a [CrossFitter], for the steps that are.
type TransformerPipeline struct {
	// Steps are trained in order. There must be at least one.
	Steps []TransformerTrainer
}

// Fit is [ClassifierPipeline.Fit] with no model at the end. y goes to the steps as it
// is, and may be nil if they do not read it. Having no steps is ErrParam.
func (p TransformerPipeline) Fit(ctx context.Context, X Matrix, y, w []float64) (*PipelineTransformer, error) {
	m, _, err := p.fit(ctx, X, y, w, func(last TransformerTrainer, Z Matrix) (Transformer, []float64, error) {
		t, err := last.TrainTransformer(ctx, Z, y, w)
		return t, nil, err
	})
	return m, err
}

// fit trains the steps, the last one by train, and returns what that returns of Z.
func (p TransformerPipeline) fit(ctx context.Context, X Matrix, y, w []float64, train func(TransformerTrainer, Matrix) (Transformer, []float64, error)) (*PipelineTransformer, []float64, error) {
	if len(p.Steps) == 0 {
		return nil, nil, fmt.Errorf("pipeline has no steps: %w", ErrParam)
	}
	if err := checkSteps(p.Steps); err != nil {
		return nil, nil, err
	}
	end := len(p.Steps) - 1
	steps, Z, limit, err := trainSteps(ctx, p.Steps[:end], X, y, w)
	if err != nil {
		return nil, nil, err
	}
	last, data, err := train(p.Steps[end], Z)
	if err != nil {
		err = atStep(end, err)
	}
	if fatal(err) {
		return nil, nil, err
	}
	m, bad := newPipelineTransformer(append(steps, last))
	if bad != nil {
		return nil, nil, bad
	}
	return m, data, errors.Join(limit, err)
}

// TrainTransformer is [TransformerPipeline.Fit].
func (p TransformerPipeline) TrainTransformer(ctx context.Context, X Matrix, y, w []float64) (Transformer, error) {
	return p.Fit(ctx, X, y, w)
}

// CrossFit is Fit that also returns the training rows as the last step hands them on;
// see [CrossFitter].
func (p TransformerPipeline) CrossFit(ctx context.Context, X Matrix, y, w []float64) (Transformer, []float64, error) {
	m, Z, err := p.fit(ctx, X, y, w, func(last TransformerTrainer, Z Matrix) (Transformer, []float64, error) {
		return CrossFit(ctx, last, Z, y, w)
	})
	if fatal(err) {
		return nil, nil, err
	}
	return m, Z, err
}

var errNoLast = fmt.Errorf("pipeline's Last is nil: %w", ErrParam)

// fatal tells whether a fit that returned err returned no model.
func fatal(err error) bool { return err != nil && !errors.Is(err, ErrNotConverged) }

func atStep(i int, err error) error { return fmt.Errorf("step %d: %w", i, err) }

// joinLast adds what the last step said, if anything, to what those before it did.
func joinLast(limit, err error) error {
	if err == nil {
		return limit
	}
	return errors.Join(limit, fmt.Errorf("last step: %w", err))
}

func checkSteps(steps []TransformerTrainer) error {
	for i, s := range steps {
		if s == nil {
			return fmt.Errorf("step %d is nil: %w", i, ErrParam)
		}
	}
	return nil
}

// trainSteps trains the steps and returns them with the transformed X, and with the
// joined errors of those that did not converge.
func trainSteps(ctx context.Context, trainers []TransformerTrainer, X Matrix, y, w []float64) (steps []Transformer, Z Matrix, limit, err error) {
	if err := checkSteps(trainers); err != nil {
		return nil, nil, nil, err
	}
	Z = X
	for i, trainer := range trainers {
		t, data, err := CrossFit(ctx, trainer, Z, y, w)
		if fatal(err) {
			return nil, nil, nil, atStep(i, err)
		}
		if err != nil {
			limit = errors.Join(limit, atStep(i, err))
		}
		n, _ := Z.Dims()
		Z = &rows{n, t.OutFeatures(), t.OutFeatures(), data}
		steps = append(steps, t)
	}
	return steps, Z, limit, nil
}

// A chain applies transformers one after the other, in scratch memory of its own. The
// empty chain changes nothing. It is safe for concurrent use.
type chain struct {
	steps []Transformer
	width int // widest row that a step returns
	pool  sync.Pool
}

// scratch is where the steps of a chain write, by turns.
type scratch [2][]float64

// init checks that the steps fit each other and the model behind them.
func (c *chain) init(steps []Transformer, last Model) error {
	c.steps = steps
	for i, t := range steps {
		next := last
		if i+1 < len(steps) {
			next = steps[i+1]
		}
		if t.OutFeatures() != next.Features() {
			return fmt.Errorf("step %d returns %d features, the next takes %d: %w", i, t.OutFeatures(), next.Features(), ErrShape)
		}
		c.width = max(c.width, t.OutFeatures())
	}
	return nil
}

// features returns the number of features of the first model of the chain or, if it
// is empty, of the one behind it.
func (c *chain) features(last Model) int {
	if len(c.steps) > 0 {
		return c.steps[0].Features()
	}
	return last.Features()
}

// get returns scratch memory for n elements each turn.
func (c *chain) get(n int) *scratch {
	s, _ := c.pool.Get().(*scratch)
	if s == nil {
		s = new(scratch)
	}
	for i := range s {
		if cap(s[i]) < n {
			s[i] = make([]float64, n)
		}
	}
	return s
}

// row returns the transform of one row, which is in s unless the chain is empty.
func (c *chain) row(s *scratch, x []float64) ([]float64, error) {
	for i, t := range c.steps {
		dst := s[i%2][:t.OutFeatures()]
		if err := t.TransformRow(dst, x); err != nil {
			return nil, atStep(i, err)
		}
		x = dst
	}
	return x, nil
}

// batch calls f with the transform of rows lo ≤ i < hi of X, block after block, so
// that memory does not grow with the number of rows.
func (c *chain) batch(X Matrix, n int, f func(lo, hi int, Z Matrix) error) error {
	if len(c.steps) == 0 {
		return f(0, n, X)
	}
	width := c.width
	if _, ok := X.(Operator); !ok {
		width = max(width, c.steps[0].Features())
	}
	size := min(n, blockRows(width))
	s := c.get(size * width)
	defer c.pool.Put(s)
	for lo := 0; lo < n; lo += size {
		hi := min(n, lo+size)
		Z, err := c.block(s, X, lo, hi)
		if err == nil {
			err = f(lo, hi, Z)
		}
		if err != nil && lo > 0 {
			return fmt.Errorf("counting rows from %d: %w", lo, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// block returns the transform of rows lo ≤ i < hi of X, in s.
func (c *chain) block(s *scratch, X Matrix, lo, hi int) (Matrix, error) {
	n := hi - lo
	Z := sliceRows(X, s[1][:cap(s[1])], lo, hi)
	for i, t := range c.steps {
		d := t.OutFeatures()
		dst := s[i%2][:n*d]
		if _, err := t.Transform(dst, Z); err != nil {
			return nil, atStep(i, err)
		}
		Z = &rows{n, d, d, dst}
	}
	return Z, nil
}

// PipelineClassifier is the model of a [ClassifierPipeline]: a [Classifier] that
// takes rows as they were before the first step. It saves and loads whole, with
// the models inside it.
type PipelineClassifier struct {
	chain chain
	last  Classifier
}

func newPipelineClassifier(steps []Transformer, last Classifier) (*PipelineClassifier, error) {
	m := &PipelineClassifier{last: last}
	return m, m.chain.init(steps, last)
}

// Steps returns the fitted transformers, in order. The slice is the caller's.
func (m *PipelineClassifier) Steps() []Transformer { return slices.Clone(m.chain.steps) }

// Last returns the fitted classifier.
func (m *PipelineClassifier) Last() Classifier { return m.last }

// Features returns the number of features that the first step takes.
func (m *PipelineClassifier) Features() int { return m.chain.features(m.last) }

// Classes returns the number of classes.
func (m *PipelineClassifier) Classes() int { return m.last.Classes() }

// Predict returns the class of each row of X. It works in blocks of rows, so memory
// does not grow with n beyond dst. Errors of a step name it.
func (m *PipelineClassifier) Predict(dst []int, X Matrix) ([]int, error) {
	n, err := CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = Dst(dst, n); err != nil {
		return nil, err
	}
	err = m.chain.batch(X, n, func(lo, hi int, Z Matrix) error {
		_, err := m.last.Predict(dst[lo:hi], Z)
		return err
	})
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// PredictProba returns the probabilities, n×Classes row-major, in blocks as Predict
// does.
func (m *PipelineClassifier) PredictProba(dst []float64, X Matrix) ([]float64, error) {
	n, err := CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	k := m.Classes()
	if dst, err = Dst(dst, n*k); err != nil {
		return nil, err
	}
	err = m.chain.batch(X, n, func(lo, hi int, Z Matrix) error {
		_, err := m.last.PredictProba(dst[lo*k:hi*k], Z)
		return err
	})
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// PredictRow returns the class of one row, without allocating.
func (m *PipelineClassifier) PredictRow(x []float64) (int, error) {
	if err := CheckRow(x, m.Features()); err != nil {
		return 0, err
	}
	s := m.chain.get(m.chain.width)
	defer m.chain.pool.Put(s)
	z, err := m.chain.row(s, x)
	if err != nil {
		return 0, err
	}
	return m.last.PredictRow(z)
}

// PredictProbaRow sets dst, of length Classes, to the probabilities for one row,
// without allocating.
func (m *PipelineClassifier) PredictProbaRow(dst, x []float64) error {
	if err := CheckRow(x, m.Features()); err != nil {
		return err
	}
	s := m.chain.get(m.chain.width)
	defer m.chain.pool.Put(s)
	z, err := m.chain.row(s, x)
	if err != nil {
		return err
	}
	return m.last.PredictProbaRow(dst, z)
}

// PipelineRegressor is the model of a [RegressorPipeline]: a [Regressor] that takes
// rows as they were before the first step. It saves and loads whole.
type PipelineRegressor struct {
	chain chain
	last  Regressor
}

func newPipelineRegressor(steps []Transformer, last Regressor) (*PipelineRegressor, error) {
	m := &PipelineRegressor{last: last}
	return m, m.chain.init(steps, last)
}

// Steps returns the fitted transformers, in order. The slice is the caller's.
func (m *PipelineRegressor) Steps() []Transformer { return slices.Clone(m.chain.steps) }

// Last returns the fitted regressor.
func (m *PipelineRegressor) Last() Regressor { return m.last }

// Features returns the number of features that the first step takes.
func (m *PipelineRegressor) Features() int { return m.chain.features(m.last) }

// Predict returns the prediction for each row of X. It works in blocks of rows, so
// memory does not grow with n beyond dst. Errors of a step name it.
func (m *PipelineRegressor) Predict(dst []float64, X Matrix) ([]float64, error) {
	n, err := CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = Dst(dst, n); err != nil {
		return nil, err
	}
	err = m.chain.batch(X, n, func(lo, hi int, Z Matrix) error {
		_, err := m.last.Predict(dst[lo:hi], Z)
		return err
	})
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// PredictRow returns the prediction for one row, without allocating.
func (m *PipelineRegressor) PredictRow(x []float64) (float64, error) {
	if err := CheckRow(x, m.Features()); err != nil {
		return 0, err
	}
	s := m.chain.get(m.chain.width)
	defer m.chain.pool.Put(s)
	z, err := m.chain.row(s, x)
	if err != nil {
		return 0, err
	}
	return m.last.PredictRow(z)
}

// PipelineTransformer is the model of a [TransformerPipeline]: a [Transformer] from
// rows before the first step to rows after the last. It saves and loads whole.
type PipelineTransformer struct {
	chain chain // all but the last step, which writes to dst
	last  Transformer
}

func newPipelineTransformer(steps []Transformer) (*PipelineTransformer, error) {
	end := len(steps) - 1
	m := &PipelineTransformer{last: steps[end]}
	return m, m.chain.init(steps[:end:end], m.last)
}

// Steps returns the fitted transformers, in order. The slice is the caller's.
func (m *PipelineTransformer) Steps() []Transformer {
	return append(slices.Clone(m.chain.steps), m.last)
}

// Features returns the number of features that the first step takes.
func (m *PipelineTransformer) Features() int { return m.chain.features(m.last) }

// OutFeatures returns the number of features that the last step returns.
func (m *PipelineTransformer) OutFeatures() int { return m.last.OutFeatures() }

// Transform returns the rows after the last step, n×OutFeatures row-major. It works
// in blocks of rows, so memory does not grow with n beyond dst. Errors of a step
// name it.
func (m *PipelineTransformer) Transform(dst []float64, X Matrix) ([]float64, error) {
	n, err := CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	d := m.OutFeatures()
	if dst, err = Dst(dst, n*d); err != nil {
		return nil, err
	}
	err = m.chain.batch(X, n, func(lo, hi int, Z Matrix) error {
		_, err := m.last.Transform(dst[lo*d:hi*d], Z)
		return err
	})
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// TransformRow sets dst, of length OutFeatures, to x after the last step, without
// allocating.
func (m *PipelineTransformer) TransformRow(dst, x []float64) error {
	if err := CheckRow(x, m.Features()); err != nil {
		return err
	}
	s := m.chain.get(m.chain.width)
	defer m.chain.pool.Put(s)
	z, err := m.chain.row(s, x)
	if err != nil {
		return err
	}
	return m.last.TransformRow(dst, z)
}

func init() {
	Register("gram.PipelineClassifier", 1,
		func(e *Encoder, m *PipelineClassifier) { encodePipeline(e, m.chain.steps, m.last) },
		func(d *Decoder, _ int) *PipelineClassifier {
			return decodePipeline(d, newPipelineClassifier)
		})
	Register("gram.PipelineRegressor", 1,
		func(e *Encoder, m *PipelineRegressor) { encodePipeline(e, m.chain.steps, m.last) },
		func(d *Decoder, _ int) *PipelineRegressor {
			return decodePipeline(d, newPipelineRegressor)
		})
	Register("gram.PipelineTransformer", 1,
		func(e *Encoder, m *PipelineTransformer) { encodePipeline(e, m.chain.steps, m.last) },
		func(d *Decoder, _ int) *PipelineTransformer {
			return decodePipeline(d, func(steps []Transformer, last Transformer) (*PipelineTransformer, error) {
				return newPipelineTransformer(append(steps, last))
			})
		})
}

func encodePipeline(e *Encoder, steps []Transformer, last Model) {
	EncodeModels(e, steps)
	e.Model(last)
}

func decodePipeline[P any, M Model](d *Decoder, build func([]Transformer, M) (*P, error)) *P {
	steps := DecodeModels[Transformer](d)
	last := DecodeModel[M](d)
	if d.Err() != nil {
		return nil
	}
	m, err := build(steps, last)
	if err != nil {
		d.Fail("%v", err)
	}
	return m
}
