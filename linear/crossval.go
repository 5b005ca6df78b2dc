package linear

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// LogisticCV trains [Logistic] with the C of the smallest log-loss on rows left out by
// cross-validation.
//
// All values of C are fitted to all rows first, each from where the one before has ended; a
// fold's fits begin at those optima, with their Hessians, and so take few steps. Folds are
// fitted at the same time.
type LogisticCV struct {
	// Base has all other settings; its C is not used, and its Progress hears of fits to
	// all rows alone.
	Base Logistic
	// Cs are the values of C, each > 0, best in ascending order; nil means 10 from 1e-4
	// to 1e4 in geometric progression.
	Cs []float64
	// Folds says what to train and to test on; nil means 5 folds that have the same share
	// of every class, in the order of the rows.
	Folds gram.Splitter
}

// SoftmaxCV is [LogisticCV] for many classes.
type SoftmaxCV struct {
	// Base has all other settings; its C is not used, and its Progress hears of fits to
	// all rows alone.
	Base Softmax
	// Cs are the values of C; see [LogisticCV].
	Cs []float64
	// Folds says what to train and to test on; see [LogisticCV].
	Folds gram.Splitter
}

var _, _ gram.ClassifierTrainer = LogisticCV{}, SoftmaxCV{}

// Fit chooses C and trains. Errors are those of [Logistic.Fit], gram.ErrParam for a C that is
// not > 0, and those of Folds. The model comes with gram.ErrNotConverged where a
// fit for some C or fold has not converged. With k folds and m values of C it takes about
// the time of some passes over X for each of k·m fits.
func (t LogisticCV) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*LogisticCVModel, error) {
	s, w, err := t.Base.prepare(X, y, w)
	if err != nil {
		return nil, err
	}
	v := &validation{ratio: t.Base.L1Ratio, cs: orDefault(t.Cs), splitter: t.Folds, classes: 2}
	if err := v.run(ctx, X, y, w, 1, s); broken(err) {
		return nil, err
	}
	best := v.best()
	m := &LogisticCVModel{LogisticModel: *newLogisticModel(v.fits[best].params, v.fits[best].report), Validation: v.result()}
	return m, v.limit
}

// Fit is [LogisticCV.Fit].
func (t SoftmaxCV) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*SoftmaxCVModel, error) {
	s, classes, w, err := t.Base.prepare(X, y, w)
	if err != nil {
		return nil, err
	}
	v := &validation{ratio: t.Base.L1Ratio, cs: orDefault(t.Cs), splitter: t.Folds, classes: classes}
	if err := v.run(ctx, X, y, w, columnsOf(classes), s); broken(err) {
		return nil, err
	}
	best := v.best()
	m := &SoftmaxCVModel{SoftmaxModel: *newSoftmaxModel(classes, v.fits[best].params, v.fits[best].report), Validation: v.result()}
	return m, v.limit
}

// TrainClassifier calls [LogisticCV.Fit].
func (t LogisticCV) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	return classifier(t.Fit(ctx, X, y, w))
}

// TrainClassifier calls [SoftmaxCV.Fit].
func (t SoftmaxCV) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	return classifier(t.Fit(ctx, X, y, w))
}

// LogisticCVModel is what [LogisticCV] fits: the model of the best C, and what led to it.
type LogisticCVModel struct {
	LogisticModel
	Validation
}

// SoftmaxCVModel is what [SoftmaxCV] fits: the model of the best C, and what led to it.
type SoftmaxCVModel struct {
	SoftmaxModel
	Validation
}

// Validation is what the choice of C rests on.
type Validation struct {
	cs             []float64
	loss, accuracy []float64 // folds×len(cs)
	best           int
}

// C returns the value of C that was chosen.
func (v *Validation) C() float64 { return v.cs[v.best] }

// Cs returns a copy of the values that were tried.
func (v *Validation) Cs() []float64 { return slices.Clone(v.cs) }

// LogLoss returns a copy of the mean log-losses on the rows left out, in nats: one row a fold
// and one column a value of C.
func (v *Validation) LogLoss() []float64 { return slices.Clone(v.loss) }

// Accuracy returns a copy of the accuracies on the rows left out, laid out as LogLoss.
func (v *Validation) Accuracy() []float64 { return slices.Clone(v.accuracy) }

func broken(err error) bool { return err != nil && !errors.Is(err, gram.ErrNotConverged) }

// validation is a cross-validation at work.
type validation struct {
	ratio    float64
	cs       []float64
	splitter gram.Splitter
	classes  int

	fits           []fitted  // to all rows, by C
	loss, accuracy []float64 // folds×len(cs)
	limit          error     // the first that says a fit has not converged
}

// fitted is a fit to all rows.
type fitted struct {
	params *params
	theta  []float64
	report gram.Convergence
	pre    preconditioner
}

func (v *validation) run(ctx context.Context, X gram.Matrix, y []int, w []float64, cols int, s *settings) error {
	if len(v.cs) == 0 {
		return fmt.Errorf("linear: Cs is empty: %w", gram.ErrParam)
	}
	folds, err := v.split(y)
	if err != nil {
		return err
	}
	all, err := newTrack(ctx, X, y, w, cols, s)
	if err != nil {
		return err
	}
	for i := range v.cs {
		err := all.follow(ctx, v.cs[i:i+1], v.ratio, func(_ int, p *params, r gram.Convergence, m method) {
			f := fitted{params: p, report: r}
			switch m := m.(type) {
			case *quasiNewton:
				f.pre = m.pre
			case *newtonCG:
				f.pre = m.pre
			}
			if all.pt != nil {
				f.theta = slices.Clone(all.pt.theta)
			}
			v.fits = append(v.fits, f)
		})
		if broken(err) {
			return err
		}
		v.notice(err)
	}
	v.loss, v.accuracy = make([]float64, len(folds)*len(v.cs)), make([]float64, len(folds)*len(v.cs))
	errs := make([]error, len(folds))
	err = par.For(ctx, s.workers, len(folds), 1, func(_, f, _ int) { errs[f] = v.fold(ctx, all, folds[f], f) })
	for f, e := range errs {
		if err == nil && broken(e) {
			return fmt.Errorf("fold %d: %w", f, e)
		}
		if e != nil {
			v.notice(fmt.Errorf("fold %d: %w", f, e))
		}
	}
	return err
}

func (v *validation) notice(err error) {
	if v.limit == nil {
		v.limit = err
	}
}

// split returns the folds.
func (v *validation) split(y []int) ([]gram.Fold, error) {
	if v.splitter == nil {
		return stratified(y, v.classes), nil
	}
	folds, err := v.splitter.Split(len(y), y)
	if err == nil && len(folds) == 0 {
		err = fmt.Errorf("linear: Folds gives no fold: %w", gram.ErrParam)
	}
	return folds, err
}

// stratified deals the rows of each class out to 5 folds, or to as many as there are rows,
// in their order and in equal parts.
func stratified(y []int, classes int) []gram.Fold {
	folds := make([]gram.Fold, min(5, len(y)))
	counts, seen := make([]int, classes), make([]int, classes)
	for _, c := range y {
		counts[c]++
	}
	for i, c := range y {
		of := seen[c] * len(folds) / counts[c]
		seen[c]++
		for f := range folds {
			if f == of {
				folds[f].Test = append(folds[f].Test, i)
			} else {
				folds[f].Train = append(folds[f].Train, i)
			}
		}
	}
	return slices.DeleteFunc(folds, func(f gram.Fold) bool { return len(f.Test) == 0 })
}

// fold fits and tests one fold for every C.
func (v *validation) fold(ctx context.Context, all *track, fold gram.Fold, f int) error {
	own := *all.s
	own.workers, own.progress = 1, nil
	train, err := all.p.of(fold.Train)
	if err != nil {
		return err
	}
	test, err := all.p.of(fold.Test)
	if err != nil {
		return err
	}
	t := &track{X: all.X, p: train, s: &own}
	l1, l2, err := own.strengths(v.cs, v.ratio)
	if err != nil {
		return err
	}
	var limit error
	for i := range v.cs {
		if l1[i] > 0 {
			own.start = v.fits[i].params
			_, _, err = t.restart(ctx, l1[i], l2[i])
		} else {
			err = t.refine(ctx, l2[i], v.fits[:i+1])
		}
		if broken(err) {
			return err
		}
		if limit == nil && err != nil {
			limit = fmt.Errorf("C = %v: %w", v.cs[i], err)
		}
		loss, right := test.judge(t.params())
		v.loss[f*len(v.cs)+i], v.accuracy[f*len(v.cs)+i] = loss/test.weight, right/test.weight
	}
	return limit
}

// restart is fit from where the settings start, with the model that there is.
func (t *track) restart(ctx context.Context, l1, l2 float64) (gram.Convergence, method, error) {
	if t.l != nil {
		from := t.p.shifted(t.s.start)
		copy(t.l.at.coef, from.coef)
		copy(t.l.at.bias, from.bias)
		centre(t.l.at.bias)
	}
	return t.fit(ctx, l1, l2)
}

// refine goes from the latest of the optima of all rows, with the Hessian there, to that of the
// track's own rows. It begins as far from the one as it ended from the optimum before.
func (t *track) refine(ctx context.Context, l2 float64, fits []fitted) error {
	p := t.p
	p.lambda = l2
	from := &fits[len(fits)-1]
	if t.pt == nil {
		t.pt = newPoint(p.size())
		copy(t.pt.theta, from.theta)
	} else {
		f64.Axpy(1, from.theta, t.pt.theta)
		f64.Axpy(-1, fits[len(fits)-2].theta, t.pt.theta)
	}
	if err := p.eval(ctx, t.pt); err != nil {
		return err
	}
	var m method
	switch t.s.solver {
	case NewtonCholesky:
		m = &quasiNewton{pre: from.pre, fit: true} // another Hessian would take as long as several steps
	case NewtonCG:
		m = &newtonCG{p: p, pre: ownMemory(from.pre)}
	default:
		m = &quasiNewton{pre: ownMemory(from.pre), fit: true}
	}
	steps, err := p.minimize(ctx, t.pt, m, t.s.tol*p.weight, t.s.maxIter, nil)
	err, _ = explain(t.X, err, p.report(t.pt, t.s, steps), "gradient")
	return err
}

// ownMemory returns the same preconditioner for use at the same time.
func ownMemory(pre preconditioner) preconditioner {
	k, ok := pre.(*kronecker)
	if !ok {
		return pre
	}
	own := *k
	own.work = linalg.CopyOf[float64](k.work)
	return &own
}

// of returns the problem for some of the rows, in the same coordinates.
func (p *problem) of(rows []int) (*problem, error) {
	q := *p
	q.workers, q.work = 1, make([]scratch, 1)
	q.exact = false // the scales are those of other rows
	q.gradients, q.products, q.hessians, q.both, q.kept = nil, nil, nil, nil, nil
	_, d := p.x.Dims()
	q.at, q.dir = newParams(d, p.cols), newParams(d, p.cols)
	q.at.offset = p.at.offset
	q.w = make([]float64, len(p.w))
	for _, i := range rows {
		if i < 0 || i >= len(q.w) {
			return nil, fmt.Errorf("linear: row %d of a fold, of %d: %w", i, len(q.w), gram.ErrShape)
		}
		q.w[i] = p.w[i]
	}
	if q.weight = f64.Sum(q.w); q.weight == 0 {
		return nil, fmt.Errorf("linear: no row of a fold has any weight: %w", gram.ErrWeights)
	}
	q.spans = slices.DeleteFunc(slices.Clone(p.spans), func(s span) bool {
		return !slices.ContainsFunc(q.w[s.lo:s.hi], func(v float64) bool { return v != 0 })
	})
	return &q, nil
}

// judge returns the log-loss of parameters for X and the weight of the rows that they put
// in the right class.
func (p *problem) judge(of *params) (loss, right float64) {
	cols := p.cols
	at := p.shifted(of)
	at.offset = p.at.offset
	t := &p.work[0]
	for _, s := range p.spans {
		rows := s.hi - s.lo
		z := grow(&t.a, rows*cols)
		p.x.MulRows(z, s.lo, s.hi, at.coef, cols)
		at.complete(z, s.lo)
		for i := s.lo; i < s.hi; i++ {
			row := z[(i-s.lo)*cols : (i-s.lo+1)*cols]
			class := argMax(row)
			if cols == 1 {
				class = classOf(row[0])
			}
			if class == p.y[i] {
				right += p.w[i]
			}
		}
		l, _ := residuals(z, cols, p.y[s.lo:s.hi], p.w[s.lo:s.hi], grow(&t.b, 2*rows))
		loss += l
	}
	return loss, right
}

// best returns the index of the C with the smallest mean loss, the first of those that tie.
func (v *validation) best() int {
	best, least := 0, math.Inf(1)
	for i := range v.cs {
		sum := 0.0
		for f := i; f < len(v.loss); f += len(v.cs) {
			sum += v.loss[f]
		}
		if sum < least {
			best, least = i, sum
		}
	}
	return best
}

func (v *validation) result() Validation {
	return Validation{cs: slices.Clone(v.cs), loss: v.loss, accuracy: v.accuracy, best: v.best()}
}

func init() {
	gram.Register("linear.LogisticCV", 1, func(e *gram.Encoder, m *LogisticCVModel) {
		encodeLogistic(e, &m.LogisticModel)
		m.Validation.encode(e)
	}, func(d *gram.Decoder, v int) *LogisticCVModel {
		return &LogisticCVModel{*decodeLogistic(d, v), decodeValidation(d)}
	})
	gram.Register("linear.SoftmaxCV", 1, func(e *gram.Encoder, m *SoftmaxCVModel) {
		encodeSoftmax(e, &m.SoftmaxModel)
		m.Validation.encode(e)
	}, func(d *gram.Decoder, v int) *SoftmaxCVModel {
		return &SoftmaxCVModel{*decodeSoftmax(d, v), decodeValidation(d)}
	})
}

func (v *Validation) encode(e *gram.Encoder) {
	e.Floats(v.cs)
	e.Floats(v.loss)
	e.Floats(v.accuracy)
	e.Int(v.best)
}

func decodeValidation(d *gram.Decoder) Validation {
	v := Validation{cs: d.Floats(), loss: d.Floats(), accuracy: d.Floats(), best: d.Int()}
	if v.best < 0 || v.best >= len(v.cs) || len(v.loss) != len(v.accuracy) || len(v.loss)%max(len(v.cs), 1) != 0 {
		d.Fail("C number %d of %d with %d and %d scores", v.best, len(v.cs), len(v.loss), len(v.accuracy))
	}
	return v
}
