package mixture

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gram-ml/gram"
)

// OnCollapse is what a fit does about a component that is empty or degenerate.
type OnCollapse int

const (
	// Refuse ends the fit with a *CollapseError.
	Refuse OnCollapse = iota
	// Repair puts the component on the row of the lowest density, with the common
	// covariance of all others, and goes on; the model tells of it. After 3·K
	// repairs the fit ends with the error.
	Repair
)

// String returns "refuse" or "repair".
func (o OnCollapse) String() string {
	switch o {
	case Refuse:
		return "refuse"
	case Repair:
		return "repair"
	}
	return fmt.Sprintf("OnCollapse(%d)", int(o))
}

func (o OnCollapse) valid() bool { return o == Refuse || o == Repair }

// A CollapseCause says in which way a component has collapsed.
type CollapseCause int

const (
	// Empty: no row belongs to the component any more.
	Empty CollapseCause = iota
	// Degenerate: the component has shrunk onto a point, a line or a plane, so that its
	// covariance is singular and its density unbounded.
	Degenerate
)

// String returns "empty" or "degenerate".
func (c CollapseCause) String() string {
	if c == Empty {
		return "empty"
	}
	return "degenerate"
}

// CollapseError says which component of a mixture has collapsed. It wraps
// gram.ErrSingular; errors.As finds it.
type CollapseError struct {
	// Component counts from 0.
	Component int
	// Iteration is that of the fit, 0 at its start.
	Iteration int
	// Weight is the share of the component.
	Weight float64
	// Cause is why it cannot go on.
	Cause CollapseCause
	// Column is the first that does not vary, given those before it, in a Degenerate
	// component.
	Column int
}

// Error says all of the fields.
func (e *CollapseError) Error() string {
	if e.Cause == Empty {
		return fmt.Sprintf("component %d of weight %.3g is empty in iteration %d: %v", e.Component, e.Weight, e.Iteration, gram.ErrSingular)
	}
	return fmt.Sprintf("component %d of weight %.3g has no variance along column %d in iteration %d: %v", e.Component, e.Weight, e.Column, e.Iteration, gram.ErrSingular)
}

// Unwrap returns gram.ErrSingular.
func (e *CollapseError) Unwrap() error { return gram.ErrSingular }

// emptyShare is the share of all weight below which a component is empty.
const emptyShare = 1e-12

// anyEmpty returns the first empty component.
func anyEmpty(weights []float64) *CollapseError {
	for c, w := range weights {
		if w <= emptyShare {
			return &CollapseError{Component: c, Weight: w, Cause: Empty}
		}
	}
	return nil
}

// repairs are the collapses that a fit has repaired.
type repairs []CollapseError

// maximise takes the step, an M-step, and repairs what is collapsed until it succeeds, with
// the number of repairs so far as rank.
func (r *repairs) maximise(on OnCollapse, components, iteration int, step func() *CollapseError, repair func(component, rank int) error) (repaired bool, err error) {
	for {
		bad := step()
		if bad == nil {
			return repaired, nil
		}
		bad.Iteration = iteration
		if on == Refuse || len(*r) >= 3*components {
			return repaired, bad
		}
		*r = append(*r, *bad)
		repaired = true
		if err := repair(bad.Component, len(*r)); err != nil {
			return repaired, errors.Join(bad, err)
		}
	}
}

// lowest returns the row of positive weight whose density is the rank-th lowest.
func lowest(ctx context.Context, s *rows, f density, workers, rank int) (int, error) {
	k, _ := f.size()
	density := make([]float64, s.n)
	err := s.each(ctx, workers, blockRows(f.width()), chunkRows(s.n, blockRows(f.width()), 1), func(_, lo, hi int, t *scratch) {
		p := f.logDensities(s, lo, hi, t)
		logSumExp(p, density[lo:hi], k)
	})
	if err != nil {
		return 0, stopped(err)
	}
	order := make([]int, 0, s.n)
	for i := range density {
		if s.weight(i) > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case density[a] < density[b]:
			return -1
		case density[a] > density[b]:
			return 1
		}
		return 0
	})
	return order[(rank-1)%len(order)], nil
}
