package mixture

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
)

// limits are what all iterations of this package are told.
type limits struct {
	nInit, maxIter int
	tol            float64
	seed           uint64
	workers        int
	progress       func(gram.Progress)
}

// withDefaults sets the fields that are 0.
func (l limits) withDefaults() limits {
	if l.nInit == 0 {
		l.nInit = 1
	}
	if l.maxIter == 0 {
		l.maxIter = 100
	}
	if l.tol == 0 {
		l.tol = 1e-3
	}
	return l
}

func (l limits) check() error {
	if l.nInit < 1 || l.maxIter < 1 {
		return fmt.Errorf("NInit %d and MaxIter %d must not be negative: %w", l.nInit, l.maxIter, gram.ErrParam)
	}
	if !(l.tol > 0) || math.IsInf(l.tol, 1) {
		return fmt.Errorf("Tol is %v: %w", l.tol, gram.ErrParam)
	}
	return nil
}

// tooMany is the error of more components than rows.
func tooMany(components, rows int) error {
	return fmt.Errorf("%d components of %d rows of positive weight: %w", components, rows, gram.ErrParam)
}

// checkStartWeights checks the weights of a start, which may be nil.
func checkStartWeights(weights []float64, k int) error {
	if weights != nil && len(weights) != k {
		return fmt.Errorf("start has %d weights for %d components: %w", len(weights), k, gram.ErrShape)
	}
	for i, v := range weights {
		if !(v > 0) || math.IsInf(v, 1) {
			return fmt.Errorf("start's Weights[%d] is %v: %w", i, v, gram.ErrParam)
		}
	}
	return nil
}

// startWeights returns the weights of a start, equal ones for nil, made to sum to 1.
func startWeights(weights []float64, k int) []float64 {
	out := make([]float64, k)
	for i := range out {
		out[i] = 1
	}
	copy(out, weights)
	f64.Scal(1/f64.Sum(out), out)
	return out
}

// An ascent is one start of EM, or of an iteration like it.
type ascent interface {
	// begin sets the first parameters and takes the E-step there.
	begin(ctx context.Context, rng *rand.Rand) error
	// round is an M-step and the E-step after it. It tells whether a component was
	// repaired, after which the iteration has to go on.
	round(ctx context.Context, iteration int) (repaired bool, err error)
	// objective returns what is climbed, for the mean row.
	objective() float64
	// ended takes the report of the iteration.
	ended(gram.Convergence)
}

// climb iterates until a round changes the objective by at most the tolerance.
func climb(ctx context.Context, a ascent, l limits, solver string, start int) error {
	c := gram.Convergence{Solver: solver, Tolerance: l.tol}
	if err := a.begin(ctx, stream(l.seed, start)); err != nil {
		return err
	}
	for i := 1; i <= l.maxIter && !c.Converged; i++ {
		before := a.objective()
		repaired, err := a.round(ctx, i)
		if err != nil {
			return err
		}
		c.Iterations, c.Objective, c.Residual = i, -a.objective(), math.Abs(a.objective()-before)
		c.Converged = c.Residual <= l.tol && !repaired
		if l.progress != nil {
			l.progress(gram.Progress{Iteration: i, Limit: l.maxIter, Objective: c.Objective, Residual: c.Residual, Tolerance: l.tol})
		}
	}
	a.ended(c)
	return nil
}

// highest climbs from every start, side by side, and returns the ascent that got
// highest. One that fails is passed over if another succeeds. fresh makes an ascent for
// as many workers.
func highest[A ascent](ctx context.Context, l limits, solver string, fresh func(workers int) A) (best A, err error) {
	climbed, errs := make([]A, l.nInit), make([]error, l.nInit)
	side, inner := l.workers, 1
	if l.nInit == 1 || l.progress != nil {
		side, inner = 1, l.workers
	}
	err = par.For(ctx, side, l.nInit, 1, func(i, _, _ int) {
		climbed[i] = fresh(inner)
		errs[i] = climb(ctx, climbed[i], l, solver, i)
	})
	if err != nil {
		return best, stopped(err)
	}
	found := false
	for i, a := range climbed {
		if errs[i] == nil && (!found || a.objective() > best.objective()) {
			best, found = a, true
		}
	}
	for _, err := range errs {
		if err != nil && (!found || ctx.Err() != nil) {
			return best, err
		}
	}
	return best, nil
}
