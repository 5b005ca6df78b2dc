package ensemble

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// sample is what a model that is made of models trains on: rows with labels or
// targets, and weights, nil for ones. Rows of weight zero have been left out.
type sample[Y int | float64] struct {
	X     gram.Matrix
	y     []Y
	w     []float64
	n, d  int
	total float64 // Σ w
	// whole is the matrix that was given, and rows the rows of it that are here, nil
	// for all.
	whole gram.Matrix
	rows  []int
}

// newSample checks shapes and weights and leaves rows of weight zero out. Whether X is
// finite it does not look at: some trainers take missing values.
func newSample[Y int | float64](ctx context.Context, X gram.Matrix, y []Y, w []float64) (*sample[Y], error) {
	n, d, err := checkShape(X)
	if err != nil {
		return nil, err
	}
	if len(y) != n {
		return nil, fmt.Errorf("y has length %d, X %d rows: %w", len(y), n, gram.ErrShape)
	}
	total, err := gram.CheckWeights(w, n)
	if err != nil {
		return nil, err
	}
	s := &sample[Y]{X: X, y: y, w: w, n: n, d: d, total: total, whole: X}
	if slices.Contains(w, 0) {
		rows := make([]int, 0, n)
		for i, v := range w {
			if v > 0 {
				rows = append(rows, i)
			}
		}
		s = s.pick(rows)
		s.rows = rows
	}
	return s, ctx.Err()
}

// labelled is newSample for class labels, of which it returns the number of classes.
func labelled(ctx context.Context, X gram.Matrix, y []int, w []float64) (*sample[int], int, error) {
	n, _, err := checkShape(X)
	if err != nil {
		return nil, 0, err
	}
	classes, err := gram.CheckLabels(y, n)
	if err != nil {
		return nil, 0, err
	}
	s, err := newSample(ctx, X, y, w)
	return s, classes, err
}

// targeted is newSample for targets.
func targeted(ctx context.Context, X gram.Matrix, y, w []float64) (*sample[float64], error) {
	n, _, err := checkShape(X)
	if err != nil {
		return nil, err
	}
	if err := gram.CheckTargets(y, n); err != nil {
		return nil, err
	}
	return newSample(ctx, X, y, w)
}

// pick returns the given rows of s.
func (s *sample[Y]) pick(rows []int) *sample[Y] {
	p := &sample[Y]{X: linalg.Rows(s.X, rows), y: take(s.y, rows), w: take(s.w, rows), n: len(rows), d: s.d, whole: s.whole}
	p.total = float64(p.n)
	if p.w != nil {
		p.total = 0
		for _, v := range p.w {
			p.total += v
		}
	}
	return p
}

// weight returns the weight of row i.
func (s *sample[Y]) weight(i int) float64 {
	if s.w == nil {
		return 1
	}
	return s.w[i]
}

// explain returns a better error for one that a trainer returned of some rows of
// s: a number that is not finite is named by its row and column in the whole matrix.
func (s *sample[Y]) explain(err error) error {
	if errors.Is(err, gram.ErrNonFinite) {
		if _, _, whole := gram.CheckMatrix(s.whole); whole != nil {
			return whole
		}
	}
	return err
}

// split returns the folds of a splitter that was made for the whole matrix.
func (s *sample[Y]) split(splitter gram.Splitter, y []int) ([]gram.Fold, error) {
	if sub, ok := splitter.(interface {
		Subset(rows []int) gram.Splitter
	}); ok && s.rows != nil {
		splitter = sub.Subset(s.rows)
	}
	folds, err := splitter.Split(s.n, y)
	if err != nil {
		return nil, err
	}
	if len(folds) == 0 {
		return nil, fmt.Errorf("no folds of %d rows: %w", s.n, gram.ErrParam)
	}
	for f, fold := range folds {
		if len(fold.Train) == 0 || len(fold.Test) == 0 {
			return nil, fmt.Errorf("fold %d: %d training and %d test rows: %w", f, len(fold.Train), len(fold.Test), gram.ErrShape)
		}
		for _, rows := range [][]int{fold.Train, fold.Test} {
			if low, high := slices.Min(rows), slices.Max(rows); low < 0 || high >= s.n {
				return nil, fmt.Errorf("fold %d: rows %d to %d of a matrix of %d: %w", f, low, high, s.n, gram.ErrShape)
			}
		}
	}
	return folds, nil
}

// take returns x[i] for each i of rows, nil for nil.
func take[T any](x []T, rows []int) []T {
	if x == nil {
		return nil
	}
	out := make([]T, len(rows))
	for to, from := range rows {
		out[to] = x[from]
	}
	return out
}

// dealt is the splitter used where none is given: five folds, to which the rows of
// each class, or all rows if there are no labels, are dealt out in turns. Sorted
// data do no harm and nothing is random.
type dealt struct{}

func (dealt) Split(n int, y []int) ([]gram.Fold, error) {
	const k = 5
	if n < k {
		return nil, fmt.Errorf("%d folds of %d rows: %w", k, n, gram.ErrParam)
	}
	// The turn goes on from class to class, so that the folds are of about one size.
	rows := ascending(n)
	if y != nil {
		slices.SortStableFunc(rows, func(a, b int) int { return y[a] - y[b] })
	}
	turn := make([]int, n)
	for at, i := range rows {
		turn[i] = at % k
	}
	folds := make([]gram.Fold, k)
	for i, f := range turn {
		for g := range folds {
			if f == g {
				folds[g].Test = append(folds[g].Test, i)
			} else {
				folds[g].Train = append(folds[g].Train, i)
			}
		}
	}
	return folds, nil
}

func ascending(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// fatal tells whether a fit that returned err returned no model.
func fatal(err error) bool { return err != nil && !errors.Is(err, gram.ErrNotConverged) }

// each calls f for the fits 0..n−1 on the workers and tells progress of each. An error
// of f ends it, unless it wraps gram.ErrNotConverged: limit is what remains of those.
// Both are told with the number of the fit, which name describes.
func each(ctx context.Context, workers, n int, name string, progress func(gram.Progress), f func(ctx context.Context, i int) error) (limit, err error) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, n)
	chunk := n
	if progress != nil {
		chunk = min(n, par.Workers(workers))
	}
	for lo := 0; lo < n; lo += chunk {
		hi := min(n, lo+chunk)
		ended := par.For(inner, workers, hi-lo, 1, func(i, _, _ int) {
			if errs[lo+i] = f(inner, lo+i); fatal(errs[lo+i]) {
				cancel()
			}
		})
		if err := firstFatal(ctx, errs, name); err != nil {
			return nil, err
		}
		if ended != nil {
			return nil, fmt.Errorf("fit stopped: %w", ended)
		}
		for i := lo; i < hi && progress != nil; i++ {
			progress(gram.Progress{Iteration: i + 1, Limit: n, Objective: nan, Residual: nan, Tolerance: nan})
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("fit stopped: %w", err)
			}
		}
	}
	return unconverged(errs, name), nil
}

// firstFatal returns the first error that ended the fits: not one of those that it
// cancelled.
func firstFatal(ctx context.Context, errs []error, name string) error {
	var first error
	for i, err := range errs {
		if !fatal(err) {
			continue
		}
		err = fmt.Errorf("%s %d: %w", name, i, err)
		if ctx.Err() != nil || !errors.Is(err, context.Canceled) {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// unconverged makes one error of those of fits that did not converge.
func unconverged(errs []error, name string) error {
	count, first := 0, -1
	for i, err := range errs {
		if err == nil {
			continue
		}
		if count++; first < 0 {
			first = i
		}
	}
	if count == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d fits, the first of them %s %d: %w", count, len(errs), name, first, errs[first])
}
