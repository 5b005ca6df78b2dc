package linear

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/descent"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// SGD trains logistic regression for K ≥ 2 classes by stochastic gradient descent: steps
// along the gradient of a few rows each. It minimises what [Softmax] does, divided by the sum
// of weights,
//
//	−Σᵢ wᵢ·log p(yᵢ|xᵢ)/Σw + Alpha·(L1Ratio·‖coef‖₁ + (1−L1Ratio)·‖coef‖²/2),
//
// but only roughly. It is for data that do not fit in memory or never end (see [SGD.Stream]),
// and for early stopping; where X is at hand, Softmax is faster and exact. Steps are made in
// coordinates of variance 1.
//
// The zero value is ready: Adam on batches of 32 rows, rates that fall along a cosine, no
// penalty.
type SGD struct {
	// Alpha is the strength of the penalty, ≥ 0.
	Alpha float64
	// L1Ratio is the share of the L1 penalty, 0 to 1.
	L1Ratio float64
	// NoIntercept leaves the intercepts at zero.
	NoIntercept bool
	// Optimizer makes steps of gradients; the zero value is Adam.
	Optimizer Optimizer
	// Momentum is the share of the past in running means or sums of gradients, 0 to 1; 0
	// means 0.9. Adam, AdamW, Momentum and Nesterov use it.
	Momentum float64
	// Decay is the share of the past in running means of squares, 0 to 1; 0 means 0.999,
	// for RMSProp 0.99. Adam, AdamW and RMSProp use it.
	Decay float64
	// Rate is the schedule of learning rates. nil means a cosine over all steps of a fit
	// that begins at 0.05, for AdaGrad at 0.5, for PlainSGD at 2/(d+1) and for Momentum and
	// Nesterov at a tenth of that; streams have an inverse scaling rate of power 0.5
	// instead.
	Rate Schedule
	// BatchSize is the number of rows for a step: 1 for single rows, n or more for all;
	// 0 means 32.
	BatchSize int
	// Epochs limits the passes over the rows, > 0; 0 means 50.
	Epochs int
	// Validation is the share of the rows, of each class, that is kept apart for early
	// stopping, 0 to 1: the fit ends when their log-loss has not fallen for
	// Patience epochs, and the model is that of the lowest. 0 means no early
	// stopping.
	Validation float64
	// Patience is the number of epochs for early stopping, > 0; 0 means 5.
	Patience int
	// Tol is the tolerance, > 0; 0 means 1e-3. A fit has converged, and ends, when the
	// largest derivative of the objective, or its duality gap with an L1 penalty, is ≤ Tol
	// after an epoch, or when it stops early.
	Tol float64
	// Seed chooses the order of the rows and those kept apart.
	Seed uint64
	// Workers limits the goroutines of what is done after each epoch, 0 means GOMAXPROCS.
	// The model does not depend on it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every epoch. Its Objective is that of the
	// training rows, or with early stopping the log-loss of those kept apart.
	Progress func(gram.Progress)
}

var _ gram.ClassifierTrainer = SGD{}

// check returns the trainer with defaults in place, but for Rate.
func (t SGD) check() (SGD, error) {
	share := func(name string, v float64) error {
		if !(v >= 0 && v < 1) {
			return fmt.Errorf("linear: %s is %v, want 0 up to 1: %w", name, v, gram.ErrParam)
		}
		return nil
	}
	err := cmp.Or(share("Momentum", t.Momentum), share("Decay", t.Decay), share("Validation", t.Validation))
	switch {
	case err != nil:
		return t, err
	case !(t.Alpha >= 0) || math.IsInf(t.Alpha, 1):
		return t, fmt.Errorf("linear: Alpha is %v, want ≥ 0: %w", t.Alpha, gram.ErrParam)
	case !(t.L1Ratio >= 0 && t.L1Ratio <= 1):
		return t, fmt.Errorf("linear: L1Ratio is %v, want 0 to 1: %w", t.L1Ratio, gram.ErrParam)
	case !descent.Kind(t.Optimizer).Valid():
		return t, fmt.Errorf("linear: Optimizer is %d: %w", int(t.Optimizer), gram.ErrParam)
	case t.BatchSize < 0 || t.Patience < 0:
		return t, fmt.Errorf("linear: BatchSize is %d and Patience %d, want > 0 or 0 for the default: %w", t.BatchSize, t.Patience, gram.ErrParam)
	}
	if t.Epochs, t.Tol, err = checkCommon(t.Epochs, 50, t.Tol, 1e-3, t.Workers); err != nil {
		return t, err
	}
	t.Momentum = orElse(t.Momentum, 0.9)
	if t.Optimizer == RMSProp {
		t.Decay = orElse(t.Decay, 0.99)
	}
	t.Decay = orElse(t.Decay, 0.999)
	t.BatchSize, t.Patience = orElse(t.BatchSize, 32), orElse(t.Patience, 5)
	return t, nil
}

// firstRate is the default of the initial rate for d features.
func (t *SGD) firstRate(d int) float64 {
	switch {
	case t.Optimizer == AdaGrad:
		return 0.5
	case descent.Kind(t.Optimizer).Adaptive():
		return 0.05
	case t.Optimizer == PlainSGD:
		return 2 / float64(d+1)
	}
	return 0.2 / float64(d+1)
}

// Fit trains on the n×d matrix X, labels y in 0..K−1 of which each occurs, and sample
// weights w ≥ 0, nil for all ones.
//
// Errors: gram.ErrShape, gram.ErrNonFinite, gram.ErrLabels, gram.ErrWeights and
// gram.ErrParam for what does not fit; gram.ErrNotConverged, together with the last iterate,
// after so many Epochs; ctx's error. An epoch takes O(n·d·K), for sparse X of the entries,
// and O(d·K) for every batch, and a pass for the derivatives.
func (t SGD) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*SoftmaxModel, error) {
	t, err := t.check()
	if err != nil {
		return nil, err
	}
	classes, w, err := sampleWeights(X, y, w, nil, false)
	if err != nil {
		return nil, err
	}
	if _, _, err := gram.CheckMatrix(X); err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(t.Seed, 0x5347d))
	train, kept := t.keep(y, classes, r)
	weight := pick(w, train)
	if f64.Sum(weight) == 0 {
		return nil, fmt.Errorf("linear: no row that is trained on has any weight: %w", gram.ErrWeights)
	}
	cols := columnsOf(classes)
	s := &settings{intercept: !t.NoIntercept, workers: t.Workers}
	s.l1, s.lambda = t.penalties(f64.Sum(weight), classes)
	p, err := newProblem(ctx, X, y, weight, cols, s)
	if err != nil {
		return nil, err
	}
	if t.Rate == nil {
		steps := (len(train) + t.BatchSize - 1) / t.BatchSize * t.Epochs
		t.Rate = CosineRate{Initial: t.firstRate(len(p.std.mean)), Steps: steps}
	}
	d := newSGDescent(&t, p.std, cols, classes)
	return d.run(ctx, X, p, train, kept, w, r)
}

// penalties returns the strengths of the penalties L1 and L2 for a sum of weights.
func (t *SGD) penalties(weight float64, classes int) (l1, l2 float64) {
	l1, l2 = t.Alpha*t.L1Ratio*weight, t.Alpha*(1-t.L1Ratio)*weight
	if classes == 2 {
		l2 /= 2
	}
	return l1, l2
}

// keep deals the rows out to those to train on and those kept apart.
func (t *SGD) keep(y []int, classes int, r *rand.Rand) (train, kept []int) {
	order := r.Perm(len(y))
	want := make([]int, classes)
	for _, c := range y {
		want[c]++
	}
	for c, n := range want {
		want[c] = int(math.Ceil(t.Validation * float64(n)))
		want[c] = min(want[c], n-1)
	}
	for _, i := range order {
		if want[y[i]] > 0 {
			want[y[i]]--
			kept = append(kept, i)
		} else {
			train = append(train, i)
		}
	}
	return train, kept
}

// pick returns the weights of some rows, and 0 for the others.
func pick(w []float64, rows []int) []float64 {
	out := make([]float64, len(w))
	for _, i := range rows {
		out[i] = w[i]
	}
	return out
}

// run makes the epochs of a fit.
func (d *sgdDescent) run(ctx context.Context, X gram.Matrix, p *problem, train, kept []int, w []float64, r *rand.Rand) (*SoftmaxModel, error) {
	t := d.t
	slices.Sort(kept)
	var test *problem
	if len(kept) > 0 && f64.Sum(pick(w, kept)) > 0 {
		all := *p
		all.w = w
		var err error
		if test, err = all.of(kept); err != nil {
			return nil, err
		}
	}
	rows := newRowReader(p.x, p.sparse)
	mean := p.weight / float64(len(train))
	report := gram.Convergence{Solver: t.Optimizer.String(), Tolerance: t.Tol}
	var best *params
	least, idle := math.Inf(1), 0
	for report.Iterations < t.Epochs && !report.Converged {
		report.Iterations++
		r.Shuffle(len(train), func(i, j int) { train[i], train[j] = train[j], train[i] })
		if _, err := d.learn(ctx, rows, train, p.y, p.w, mean); err != nil {
			return nil, err
		}
		at := d.params()
		objective, residual, err := d.measure(ctx, p, at)
		if err != nil {
			return nil, err
		}
		report.Objective, report.Residual = objective, residual
		report.Converged = residual <= t.Tol
		if test != nil {
			p.unshift(at)
			loss, _ := test.judge(at)
			report.Objective = loss / test.weight
			if idle++; report.Objective < least {
				best, least, idle = at, report.Objective, 0
			}
			report.Converged = report.Converged || idle >= t.Patience
		}
		if report.Objective-report.Objective != 0 {
			return nil, fmt.Errorf("linear: after %d epochs the objective is %v: lower the learning rate: %w", report.Iterations, report.Objective, gram.ErrNonFinite)
		}
		if t.Progress != nil {
			t.Progress(gram.Progress{Iteration: report.Iterations, Limit: t.Epochs, Objective: report.Objective, Residual: residual, Tolerance: t.Tol})
		}
	}
	if best == nil {
		best = d.params()
		p.unshift(best)
	}
	m := newSoftmaxModel(d.classes, best, report)
	if !report.Converged {
		return m, fmt.Errorf("linear: %s stopped after %d epochs with the residual at %.3g above %.3g: %w",
			report.Solver, report.Iterations, report.Residual, t.Tol, gram.ErrNotConverged)
	}
	return m, nil
}

// measure returns the objective and its largest derivative, or its duality gap with an L1
// penalty, over the sum of weights.
func (d *sgdDescent) measure(ctx context.Context, p *problem, at *params) (objective, residual float64, err error) {
	l1, l2 := d.t.penalties(p.weight, d.classes)
	p.lambda = l2
	if l1 == 0 {
		pt := newPoint(p.size())
		p.std.coordinates(pt.theta, at)
		err := p.eval(ctx, pt)
		return pt.f / p.weight, pt.residual / p.weight, err
	}
	l := newPenalized(p, l1, l2)
	copy(l.at.coef, at.coef)
	if err := l.evaluate(ctx, l.at, &site{bias: at.bias}); err != nil {
		return 0, 0, err
	}
	c := l.certify(l.at)
	return c.objective / p.weight, c.gap / p.weight, nil
}

// TrainClassifier calls [SGD.Fit].
func (t SGD) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	return classifier(t.Fit(ctx, X, y, w))
}
