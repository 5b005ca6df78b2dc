package ensemble

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// Stacking trains a last classifier on what others say of the rows (D. Wolpert, Stacked
// generalization, Neural Networks 5, 1992): their probabilities, of class 1 alone where
// there are two. What a model says of rows it was trained on is worth little, so
// the last one is trained on predictions out of fold: each row's come from models that
// have not seen it. The models in use are then trained again on all rows.
//
// It finds by itself which members are to be believed, and where, if features are passed
// through. The cost is a fit of each trainer for each fold and one more.
type Stacking struct {
	// Trainers train the models below, in order. There must be at least one.
	Trainers []gram.ClassifierTrainer
	// Last is trained on what they say. It must be set. Something simple that
	// is penalised, such as linear.Logistic or linear.Softmax, is the usual choice.
	Last gram.ClassifierTrainer
	// Folds divides the rows, as the splitters of package eval do; nil means five folds,
	// to which the rows of each class are dealt out in turns. Rows that no fold tests
	// are not used for Last, and rows that several do have the means of their
	// predictions.
	Folds gram.Splitter
	// Passthrough gives Last the d features as well, behind the predictions.
	Passthrough bool
	// Workers limits the fits at one time, 0 means GOMAXPROCS. The model does not
	// depend on it.
	Workers int
	// Progress, if not nil, is called after every fit but that of Last.
	Progress func(gram.Progress)
}

var _ gram.ClassifierTrainer = Stacking{}

// Fit trains on X, n×d, labels y in 0..K−1 and weights w, nil for all ones. Errors are
// those of [Voting.Fit] and those of Folds. Memory beside the models: the predictions and,
// if passed through, the features, dense.
func (t Stacking) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*StackingModel, error) {
	s, classes, err := labelled(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	if err := checkStack(t.Trainers, t.Last); err != nil {
		return nil, err
	}
	folds, err := s.split(orDealt(t.Folds), s.y)
	if err != nil {
		return nil, err
	}
	fits, limit, err := foldFits(ctx, t.Workers, t.Progress, s, folds, classTrainings(t.Trainers, classes), true)
	if err != nil {
		return nil, err
	}
	return stackClassifier(ctx, s, classes, t.Last, fits, fits.whole, t.Passthrough, limit)
}

// checkStack checks what all stacks have.
func checkStack[T comparable](trainers []T, last T) error {
	if err := noneNil("trainer", trainers); err != nil {
		return err
	}
	var none T
	if last == none {
		return fmt.Errorf("Last is nil: %w", gram.ErrParam)
	}
	return nil
}

func orDealt(s gram.Splitter) gram.Splitter {
	if s == nil {
		return dealt{}
	}
	return s
}

// stackClassifier trains the last classifier.
func stackClassifier(ctx context.Context, s *sample[int], classes int, last gram.ClassifierTrainer, fits *folded, bases []opinion, passthrough bool, limit error) (*StackingModel, error) {
	front, err := newFront(bases, passthrough)
	if err != nil {
		return nil, err
	}
	Z := stacked(s, front, fits)
	m, err := trainClassifier(ctx, last, Z, classes)
	if fatal(err) {
		return nil, s.explain(fmt.Errorf("last trainer: %w", err))
	}
	return &StackingModel{front, m}, joinLast(limit, err)
}

// joinLast adds what the last fit says of its convergence to what those before say.
func joinLast(limit, err error) error {
	switch {
	case err == nil:
		return limit
	case limit == nil:
		return fmt.Errorf("last trainer: %w", err)
	}
	return fmt.Errorf("last trainer: %w; before it, %w", err, limit)
}

// stacked returns the rows that the last model is trained on.
func stacked[Y int | float64](s *sample[Y], f front, fits *folded) *sample[Y] {
	width := f.width - f.passed()
	rows, Z := fits.gathered(s.n, width)
	out := s.pick(rows)
	X := linalg.NewDense(len(rows), width, Z)
	if f.passed() > 0 {
		X = linalg.NewDense[float64](len(rows), f.width, nil)
		_ = eachBlock(out.X, func(lo, hi int, block gram.Matrix) error {
			for i := lo; i < hi; i++ {
				copy(X.Row(i), Z[i*width:(i+1)*width])
			}
			f.pass(X.Data[lo*f.width:hi*f.width], block)
			return nil
		})
	}
	out.X, out.d = X, f.width
	return out
}

// front is the part of a stack before its last model.
type front struct {
	bases           []opinion
	passthrough     bool
	features, width int // of rows that come in, and of those the last model gets
}

func newFront(bases []opinion, passthrough bool) (front, error) {
	f := front{bases: bases, passthrough: passthrough}
	if len(bases) == 0 {
		return f, fmt.Errorf("no models: %w", gram.ErrParam)
	}
	f.features = bases[0].Features()
	for i, b := range bases {
		if b.Features() != f.features {
			return f, fmt.Errorf("model %d has %d features, model 0 %d: %w", i, b.Features(), f.features, gram.ErrShape)
		}
		f.width += b.width()
	}
	f.width += f.passed()
	return f, nil
}

// passed returns the number of features passed through.
func (f *front) passed() int {
	if f.passthrough {
		return f.features
	}
	return 0
}

// pass copies the features of the rows of X to the end of the rows of dst.
func (f *front) pass(dst []float64, X gram.Matrix) {
	d := f.passed()
	if d == 0 {
		return
	}
	n := len(dst) / f.width
	b := borrow(n * d)
	defer b.back()
	block, stride := linalg.AsOperator(X).RowBlock(b.x, 0, n)
	for i := range n {
		copy(dst[(i+1)*f.width-d:(i+1)*f.width], block[i*stride:i*stride+d])
	}
}

// block returns the rows of X as the last model gets them, in Z.
func (f *front) block(Z []float64, X gram.Matrix) (*linalg.Dense[float64], error) {
	n := len(Z) / f.width
	b := borrow(len(Z))
	defer b.back()
	at := 0
	for i, base := range f.bases {
		k := base.width()
		said := b.x[:n*k]
		if err := base.block(said, X); err != nil {
			return nil, fmt.Errorf("model %d: %w", i, err)
		}
		for r := range n {
			copy(Z[r*f.width+at:], said[r*k:(r+1)*k])
		}
		at += k
	}
	f.pass(Z, X)
	return linalg.NewDense(n, f.width, Z), nil
}

// row sets z, of length width, to one row as the last model gets it.
func (f *front) row(z, x []float64) error {
	if err := gram.CheckRow(x, f.features); err != nil {
		return err
	}
	at := 0
	for i, base := range f.bases {
		k := base.width()
		if err := base.row(z[at:at+k], x); err != nil {
			return fmt.Errorf("model %d: %w", i, err)
		}
		at += k
	}
	if f.passthrough {
		copy(z[at:], x)
	}
	return nil
}

// TrainClassifier calls Fit.
func (t Stacking) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	m, err := t.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// StackingModel is classifiers and one more that decides by what they say: what
// [Stacking] and [Blending] fit.
type StackingModel struct {
	front front
	last  gram.Classifier
}

// Models returns the classifiers below the last, in order. The slice is the caller's.
func (m *StackingModel) Models() []gram.Classifier { return classifiersOf(m.front.bases) }

func classifiersOf(bases []opinion) []gram.Classifier {
	out := make([]gram.Classifier, len(bases))
	for i, b := range bases {
		out[i] = b.(classOpinion).Classifier
	}
	return out
}

// Last returns the last classifier. Its features are the probabilities that the others
// give, of class 1 where there are two and else of all classes, model after model, and
// then those that are passed through.
func (m *StackingModel) Last() gram.Classifier { return m.last }

// Features returns d.
func (m *StackingModel) Features() int { return m.front.features }

// Classes returns K.
func (m *StackingModel) Classes() int { return m.last.Classes() }

// Predict returns the most probable class of each of the n rows.
func (m *StackingModel) Predict(dst []int, X gram.Matrix) ([]int, error) { return predict(m, dst, X) }

// PredictProba returns the last model's probabilities, n×K row-major.
func (m *StackingModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	return predictProba(m, dst, X)
}

func (m *StackingModel) probaBlock(dst []float64, X gram.Matrix) error {
	b := borrow(len(dst) / m.last.Classes() * m.front.width)
	defer b.back()
	Z, err := m.front.block(b.x, X)
	if err != nil {
		return err
	}
	_, err = m.last.PredictProba(dst, Z)
	return err
}

// PredictRow is Predict for one row.
func (m *StackingModel) PredictRow(x []float64) (int, error) { return predictRow(m, x) }

// PredictProbaRow is PredictProba for one row.
func (m *StackingModel) PredictProbaRow(dst, x []float64) error {
	b := borrow(m.front.width)
	defer b.back()
	if err := m.front.row(b.x, x); err != nil {
		return err
	}
	return m.last.PredictProbaRow(dst, b.x)
}

// StackingRegressor is [Stacking] for targets: the last model is trained on the others'
// predictions.
type StackingRegressor struct {
	// Trainers train the models below, in order. There must be at least one.
	Trainers []gram.RegressorTrainer
	// Last is trained on what they say. It must be set.
	Last gram.RegressorTrainer
	// Folds divides the rows, with nil for labels; nil means five folds, to which rows
	// are dealt out in turns.
	Folds gram.Splitter
	// Passthrough gives Last the d features as well, behind the predictions.
	Passthrough bool
	// Workers limits the fits at one time, 0 means GOMAXPROCS.
	Workers int
	// Progress, if not nil, is called after every fit but that of Last.
	Progress func(gram.Progress)
}

var _ gram.RegressorTrainer = StackingRegressor{}

// Fit is [Stacking.Fit] with n targets in place of labels.
func (t StackingRegressor) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*StackingRegressorModel, error) {
	s, err := targeted(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	if err := checkStack(t.Trainers, t.Last); err != nil {
		return nil, err
	}
	folds, err := s.split(orDealt(t.Folds), nil)
	if err != nil {
		return nil, err
	}
	fits, limit, err := foldFits(ctx, t.Workers, t.Progress, s, folds, realTrainings(t.Trainers), true)
	if err != nil {
		return nil, err
	}
	return stackRegressor(ctx, s, t.Last, fits, fits.whole, t.Passthrough, limit)
}

// stackRegressor trains the last regressor.
func stackRegressor(ctx context.Context, s *sample[float64], last gram.RegressorTrainer, fits *folded, bases []opinion, passthrough bool, limit error) (*StackingRegressorModel, error) {
	front, err := newFront(bases, passthrough)
	if err != nil {
		return nil, err
	}
	m, err := trainRegressor(ctx, last, stacked(s, front, fits))
	if fatal(err) {
		return nil, s.explain(fmt.Errorf("last trainer: %w", err))
	}
	return &StackingRegressorModel{front, m}, joinLast(limit, err)
}

// TrainRegressor calls Fit.
func (t StackingRegressor) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	m, err := t.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// StackingRegressorModel is regressors and one more that decides by what they say: what
// [StackingRegressor] and [BlendingRegressor] fit.
type StackingRegressorModel struct {
	front front
	last  gram.Regressor
}

// Models returns the regressors below the last, in order. The slice is the caller's.
func (m *StackingRegressorModel) Models() []gram.Regressor {
	out := make([]gram.Regressor, len(m.front.bases))
	for i, b := range m.front.bases {
		out[i] = b.(realOpinion).Regressor
	}
	return out
}

// Last returns the last regressor. Its features are the others' predictions, and then
// those that are passed through.
func (m *StackingRegressorModel) Last() gram.Regressor { return m.last }

// Features returns d.
func (m *StackingRegressorModel) Features() int { return m.front.features }

// Predict returns the last model's prediction for each of the n rows.
func (m *StackingRegressorModel) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	return mapBlocks(m, 1, m.block, dst, X)
}

func (m *StackingRegressorModel) block(dst []float64, X gram.Matrix) error {
	b := borrow(len(dst) * m.front.width)
	defer b.back()
	Z, err := m.front.block(b.x, X)
	if err != nil {
		return err
	}
	_, err = m.last.Predict(dst, Z)
	return err
}

// PredictRow is Predict for one row.
func (m *StackingRegressorModel) PredictRow(x []float64) (float64, error) {
	b := borrow(m.front.width)
	defer b.back()
	if err := m.front.row(b.x, x); err != nil {
		return 0, err
	}
	return m.last.PredictRow(b.x)
}

// Blending is [Stacking] with one part of the rows held out: the trainers see the rest,
// and Last what they say of the part. Each trainer is fitted once, for which it has fewer
// rows, and Last much fewer.
type Blending struct {
	// Trainers train the models below, in order. There must be at least one.
	Trainers []gram.ClassifierTrainer
	// Last is trained on what they say of the rows held out. It must be set.
	Last gram.ClassifierTrainer
	// HoldOut is the share of the rows of each class to hold out, in (0, 1) and
	// rounded to whole rows, one at least; 0 means 0.2.
	HoldOut float64
	// Seed chooses the rows.
	Seed uint64
	// Refit trains the models once more, on all rows. Last, which has learned what to
	// make of slightly weaker ones, stays as it is.
	Refit bool
	// Passthrough gives Last the d features as well, behind the predictions.
	Passthrough bool
	// Workers limits the fits at one time, 0 means GOMAXPROCS.
	Workers int
	// Progress, if not nil, is called after every fit but that of Last.
	Progress func(gram.Progress)
}

var _ gram.ClassifierTrainer = Blending{}

// Fit trains on X, n×d, labels y in 0..K−1 and weights w, nil for all ones. Errors are
// those of [Voting.Fit], and gram.ErrParam for a HoldOut out of range or that leaves no
// row to train on.
func (t Blending) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*StackingModel, error) {
	s, classes, err := labelled(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	if err := checkStack(t.Trainers, t.Last); err != nil {
		return nil, err
	}
	folds, err := s.split(heldOut{t.HoldOut, t.Seed}, s.y)
	if err != nil {
		return nil, err
	}
	fits, limit, err := foldFits(ctx, t.Workers, t.Progress, s, folds, classTrainings(t.Trainers, classes), t.Refit)
	if err != nil {
		return nil, err
	}
	return stackClassifier(ctx, s, classes, t.Last, fits, fits.inUse(), t.Passthrough, limit)
}

// inUse returns the models of all rows or, without any, those of the only fold.
func (f *folded) inUse() []opinion {
	if f.whole != nil {
		return f.whole
	}
	return f.models[0]
}

// heldOut is a splitter that holds out a random share of the rows of each class.
type heldOut struct {
	share float64
	seed  uint64
}

func (h heldOut) Split(n int, y []int) ([]gram.Fold, error) {
	if h.share == 0 {
		h.share = 0.2
	}
	if !(h.share > 0 && h.share < 1) {
		return nil, fmt.Errorf("HoldOut is %v, not in (0, 1): %w", h.share, gram.ErrParam)
	}
	classes := map[int][]int{}
	for i := range n {
		c := 0
		if y != nil {
			c = y[i]
		}
		classes[c] = append(classes[c], i)
	}
	var fold gram.Fold
	for _, c := range slices.Sorted(maps.Keys(classes)) {
		rows := classes[c]
		rng := rand.New(rand.NewPCG(h.seed, uint64(c)))
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		out := max(1, int(math.Round(h.share*float64(len(rows)))))
		fold.Test = append(fold.Test, rows[:out]...)
		fold.Train = append(fold.Train, rows[out:]...)
	}
	if len(fold.Train) == 0 {
		return nil, fmt.Errorf("HoldOut %v of %d rows leaves none to train on: %w", h.share, n, gram.ErrParam)
	}
	slices.Sort(fold.Train)
	slices.Sort(fold.Test)
	return []gram.Fold{fold}, nil
}

// TrainClassifier calls Fit.
func (t Blending) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	m, err := t.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// BlendingRegressor is [Blending] for targets.
type BlendingRegressor struct {
	// Trainers train the models below, in order. There must be at least one.
	Trainers []gram.RegressorTrainer
	// Last is trained on what they say of the rows held out. It must be set.
	Last gram.RegressorTrainer
	// HoldOut is the share of the rows to hold out, in (0, 1); 0 means 0.2.
	HoldOut float64
	// Seed chooses the rows.
	Seed uint64
	// Refit trains the models once more, on all rows.
	Refit bool
	// Passthrough gives Last the d features as well, behind the predictions.
	Passthrough bool
	// Workers limits the fits at one time, 0 means GOMAXPROCS.
	Workers int
	// Progress, if not nil, is called after every fit but that of Last.
	Progress func(gram.Progress)
}

var _ gram.RegressorTrainer = BlendingRegressor{}

// Fit is [Blending.Fit] with n targets in place of labels.
func (t BlendingRegressor) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*StackingRegressorModel, error) {
	s, err := targeted(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	if err := checkStack(t.Trainers, t.Last); err != nil {
		return nil, err
	}
	folds, err := s.split(heldOut{t.HoldOut, t.Seed}, nil)
	if err != nil {
		return nil, err
	}
	fits, limit, err := foldFits(ctx, t.Workers, t.Progress, s, folds, realTrainings(t.Trainers), t.Refit)
	if err != nil {
		return nil, err
	}
	return stackRegressor(ctx, s, t.Last, fits, fits.inUse(), t.Passthrough, limit)
}

// TrainRegressor calls Fit.
func (t BlendingRegressor) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	m, err := t.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

func init() {
	gram.Register("ensemble.Stacking", 1,
		func(e *gram.Encoder, m *StackingModel) {
			gram.EncodeModels(e, m.Models())
			e.Bool(m.front.passthrough)
			e.Model(m.last)
		},
		func(d *gram.Decoder, _ int) *StackingModel {
			var bases []opinion
			for _, b := range gram.DecodeModels[gram.Classifier](d) {
				bases = append(bases, classOpinion{b})
			}
			f, last := decodeStack[gram.Classifier](d, bases)
			return &StackingModel{f, last}
		})
	gram.Register("ensemble.StackingRegressor", 1,
		func(e *gram.Encoder, m *StackingRegressorModel) {
			gram.EncodeModels(e, m.Models())
			e.Bool(m.front.passthrough)
			e.Model(m.last)
		},
		func(d *gram.Decoder, _ int) *StackingRegressorModel {
			var bases []opinion
			for _, b := range gram.DecodeModels[gram.Regressor](d) {
				bases = append(bases, realOpinion{b})
			}
			f, last := decodeStack[gram.Regressor](d, bases)
			return &StackingRegressorModel{f, last}
		})
}

func decodeStack[M gram.Model](d *gram.Decoder, bases []opinion) (front, M) {
	passthrough, last := d.Bool(), gram.DecodeModel[M](d)
	if d.Err() != nil {
		return front{}, last
	}
	f, err := newFront(bases, passthrough)
	switch {
	case err != nil:
		d.Fail("%v", err)
	case f.width != last.Features():
		d.Fail("the last model has %d features, not %d", last.Features(), f.width)
	}
	return f, last
}
