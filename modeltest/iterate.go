package modeltest

import (
	"context"
	"errors"
	"fmt"

	"github.com/gram-ml/gram"
)

// cancelledEnds: a fit under a cancelled context ends with its error, and one that is
// cancelled by its Progress does not iterate again.
func cancelledEnds(s *suite) error {
	ctx, cancel := context.WithCancel(background)
	cancel()
	d := s.small()
	_, err := s.kind.train(ctx, s.trainer, d.X, d, nil)
	if err := wantError(err, context.Canceled); err != nil {
		return fmt.Errorf("under a cancelled context: %w", err)
	}
	return s.cancelledInside(d)
}

func (s *suite) cancelledInside(d Data) error {
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	calls := 0
	trainer, ok := with(s.trainer, "Progress", func(gram.Progress) {
		calls++
		cancel()
	})
	if !ok {
		return nil
	}
	_, err := s.kind.train(ctx, trainer, d.X, d, nil)
	if calls > 1 {
		return fmt.Errorf("cancelled in the first iteration, it makes %d", calls)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("cancelled in the first iteration: error %q does not wrap %q", err, context.Canceled)
	}
	return nil
}

// progressIsCalled: Progress is called, with counts from 1 up to the limit, and
// changes nothing.
func progressIsCalled(s *suite) error {
	var heard []gram.Progress
	trainer, ok := with(s.trainer, "Progress", func(p gram.Progress) { heard = append(heard, p) })
	if !ok {
		return skipped("the trainer has no Progress")
	}
	m, d, err := s.smallModel()
	if err != nil {
		return err
	}
	want, err := s.outputsOf(m, d.X)
	if err != nil {
		return err
	}
	if m, err = s.fitWith(trainer, d, nil); err != nil {
		return err
	}
	if err := validProgress(heard); err != nil {
		return err
	}
	got, err := s.outputsOf(m, d.X)
	if err != nil {
		return err
	}
	if err := sameBits(got, want); err != nil {
		return fmt.Errorf("with Progress: %w", err)
	}
	return nil
}

func validProgress(heard []gram.Progress) error {
	if len(heard) == 0 {
		return errors.New("Progress was not called")
	}
	for i, p := range heard {
		// A restart may count from 1 again.
		if p.Iteration != 1 && (i == 0 || p.Iteration != heard[i-1].Iteration+1) {
			return fmt.Errorf("call %d of Progress has Iteration %d", i+1, p.Iteration)
		}
		if p.Iteration > p.Limit {
			return fmt.Errorf("call %d of Progress has Iteration %d of at most %d", i+1, p.Iteration, p.Limit)
		}
	}
	return nil
}

// limitIsReported: with too few iterations the error says so and the model is usable.
func limitIsReported(s *suite) error {
	trainer, ok := with(s.trainer, "MaxIter", 1)
	if !ok {
		return skipped("the trainer has no MaxIter")
	}
	d := s.small()
	m, err := s.kind.train(background, trainer, d.X, d, nil)
	if err := wantError(err, gram.ErrNotConverged); err != nil {
		return fmt.Errorf("with MaxIter=1: %w", err)
	}
	if m == nil {
		return errors.New("with MaxIter=1 there is no model")
	}
	_, err = s.outputsOf(m, d.X)
	return err
}
