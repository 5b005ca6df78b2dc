package linear

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// A track fits one problem for several strengths of the penalties, each fit from where the
// one before has ended.
type track struct {
	X   gram.Matrix
	p   *problem
	s   *settings
	pt  *point     // without an L1 penalty
	l   *penalized // with one
	tol float64    // of the gap
}

// strengths returns the strengths of the penalties L1 and L2 for each C, given settings for
// any one of them.
func (s *settings) strengths(cs []float64, ratio float64) (l1, l2 []float64, err error) {
	for _, c := range cs {
		if !(c > 0) {
			return nil, nil, fmt.Errorf("linear: C is %v, want > 0: %w", c, gram.ErrParam)
		}
		if math.IsInf(c, 1) && ratio > 0 {
			return nil, nil, fmt.Errorf("linear: C is %v beside an L1 penalty: %w", c, gram.ErrParam)
		}
		of := *s
		if err := of.check(c, ratio); err != nil {
			return nil, nil, err
		}
		if s.half {
			of.lambda /= 2
		}
		l1, l2 = append(l1, of.l1), append(l2, of.lambda)
	}
	return l1, l2, nil
}

// geometric returns n numbers from lo to hi at equal ratios.
func geometric(lo, hi float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = lo * math.Pow(hi/lo, float64(i)/float64(n-1))
	}
	return out
}

func newTrack(ctx context.Context, X gram.Matrix, y []int, w []float64, cols int, s *settings) (*track, error) {
	if err := s.checkTrack(); err != nil {
		return nil, err
	}
	p, err := newProblem(ctx, X, y, w, cols, s)
	if err != nil {
		return nil, err
	}
	own := *s
	p.kept = new(keptHessian)
	t := &track{X: X, p: p, s: &own}
	if own.solver == Auto && own.l1 == 0 {
		own.solver = p.cheapest()
	}
	return t, nil
}

// fit moves on to the minimum for penalties of other strengths. Without an L1 penalty it
// also returns the method that found it.
func (t *track) fit(ctx context.Context, l1, l2 float64) (report gram.Convergence, m method, err error) {
	t.s.l1, t.s.lambda, t.p.lambda = l1, l2, l2
	if l1 > 0 {
		report, err = t.fitPenalized(ctx)
		return report, nil, err
	}
	if t.pt == nil {
		t.pt = newPoint(t.p.size())
	} else {
		t.s.start = t.p.params(t.pt.theta)
	}
	return t.p.solve(ctx, t.X, t.pt, t.s)
}

func (t *track) fitPenalized(ctx context.Context) (gram.Convergence, error) {
	if t.l == nil {
		t.l = newPenalized(t.p, t.s.l1, t.s.lambda)
		var err error
		if t.tol, err = t.l.begin(ctx, t.s); err != nil {
			return gram.Convergence{}, err
		}
	}
	t.l.repenalize(t.s.l1, t.s.lambda)
	report, err := t.l.minimize(ctx, t.tol, t.s.maxIter, t.s.progress)
	err, _ = explain(t.X, err, report, "duality gap")
	return report, err
}

// repenalize sets other strengths of the penalties: nothing is out for sure any longer.
func (l *penalized) repenalize(l1, l2 float64) {
	l.l1, l.l2 = l1, l2
	clear(l.out)
}

// params returns the parameters where the track is.
func (t *track) params() *params {
	if t.l != nil {
		return t.l.params()
	}
	return t.p.params(t.pt.theta)
}

// follow fits for each C and hands over the parameters. After gram.ErrNotConverged it hands
// over the last ones and ends.
func (t *track) follow(ctx context.Context, cs []float64, ratio float64, take func(i int, p *params, r gram.Convergence, m method)) error {
	l1, l2, err := t.s.strengths(cs, ratio)
	if err != nil {
		return err
	}
	for i := range cs {
		report, m, err := t.fit(ctx, l1[i], l2[i])
		if err != nil && !errors.Is(err, gram.ErrNotConverged) {
			return err
		}
		take(i, t.params(), report, m)
		if err != nil {
			return fmt.Errorf("C = %v: %w", cs[i], err)
		}
	}
	return nil
}

// Path is [Logistic.Fit] for each of several values of C > 0, which had better ascend: each
// fit starts where the one before has ended. With nil it takes 10 values from 1e-4 to 1e4 in
// geometric progression. t.C is not used. After gram.ErrNotConverged it returns the models
// so far, the last one included.
func (t Logistic) Path(ctx context.Context, X gram.Matrix, y []int, w, cs []float64) ([]*LogisticModel, error) {
	s, w, err := t.prepare(X, y, w)
	if err != nil {
		return nil, err
	}
	track, err := newTrack(ctx, X, y, w, 1, s)
	if err != nil {
		return nil, err
	}
	var models []*LogisticModel
	err = track.follow(ctx, orDefault(cs), t.L1Ratio, func(_ int, p *params, r gram.Convergence, _ method) {
		models = append(models, newLogisticModel(p, r))
	})
	return unlessBroken(models, err)
}

// Path is [Logistic.Path] for many classes.
func (t Softmax) Path(ctx context.Context, X gram.Matrix, y []int, w, cs []float64) ([]*SoftmaxModel, error) {
	s, classes, w, err := t.prepare(X, y, w)
	if err != nil {
		return nil, err
	}
	track, err := newTrack(ctx, X, y, w, columnsOf(classes), s)
	if err != nil {
		return nil, err
	}
	var models []*SoftmaxModel
	err = track.follow(ctx, orDefault(cs), t.L1Ratio, func(_ int, p *params, r gram.Convergence, _ method) {
		models = append(models, newSoftmaxModel(classes, p, r))
	})
	return unlessBroken(models, err)
}

// orDefault returns cs, or the default path of C.
func orDefault(cs []float64) []float64 {
	if cs == nil {
		return geometric(1e-4, 1e4, 10)
	}
	return cs
}

// unlessBroken returns models with no error or one that leaves them usable.
func unlessBroken[M any](models []M, err error) ([]M, error) {
	if err != nil && !errors.Is(err, gram.ErrNotConverged) {
		return nil, err
	}
	return models, err
}
