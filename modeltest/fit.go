package modeltest

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/gram-ml/gram"
)

// fits: the trainer trains, and its model has the counts of the data and finite
// predictions.
func fits(s *suite) error {
	d := s.small()
	m, err := s.fit(d)
	if err != nil {
		return err
	}
	if _, cols := d.X.Dims(); m.Features() != cols {
		return fmt.Errorf("Features() is %d, X has %d columns", m.Features(), cols)
	}
	if c, ok := m.(gram.Classifier); ok && s.kind.name == classifierName {
		if want := slices.Max(d.Labels) + 1; c.Classes() != want {
			return fmt.Errorf("Classes() is %d, y has %d", c.Classes(), want)
		}
	}
	out, err := s.outputsOf(m, d.X)
	if err != nil {
		return err
	}
	for k, f := range out.methods {
		for i, v := range out.values[k] {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("%v of row %d gives %v", f, i/f.results(), v)
			}
		}
	}
	return nil
}

// trainerUnchanged: a fit does not write to the trainer.
func trainerUnchanged(s *suite) error {
	before := describe(s.trainer)
	if _, err := s.fit(s.small()); err != nil {
		return err
	}
	if after := describe(s.trainer); after != before {
		return fmt.Errorf("a fit changed the trainer from\n%s\nto\n%s", before, after)
	}
	return nil
}

// inputsUnchanged: fits and predictions do not write to what they are given.
func inputsUnchanged(s *suite) error {
	d, w := s.small(), s.integerWeights()
	for _, form := range forms(d.dense()) {
		given, weights := d.clone(), slices.Clone(w)
		given.X = form.X
		m, err := s.fitWith(s.trainer, given, weights)
		if err != nil {
			return err
		}
		if err := unchanged(d, given); err != nil {
			return fmt.Errorf("a fit on %s %w", form.name, err)
		}
		if !slices.Equal(w, weights) {
			return errors.New("a fit changed w")
		}
		if _, err := s.outputsOf(m, form.X); err != nil {
			return err
		}
		if err := unchanged(d, given); err != nil {
			return fmt.Errorf("a prediction on %s %w", form.name, err)
		}
		if err := rowUnchanged(s.kind.methods(m), rowsOf(d.X)[0]); err != nil {
			return err
		}
	}
	return nil
}

func unchanged(before, after Data) error {
	was, is := rowsOf(before.X), rowsOf(after.X)
	for i := range was {
		if !slices.Equal(was[i], is[i]) {
			return fmt.Errorf("changed row %d of X", i)
		}
	}
	if !slices.Equal(before.Labels, after.Labels) || !slices.Equal(before.Targets, after.Targets) {
		return errors.New("changed y")
	}
	return nil
}

func rowUnchanged(methods []method, x []float64) error {
	for _, f := range methods {
		given := slices.Clone(x)
		if _, err := f.row(given); err != nil {
			return err
		}
		if !slices.Equal(given, x) {
			return fmt.Errorf("%vRow changed x", f)
		}
	}
	return nil
}

// noReferences: the model stays as it is when the training data change.
func noReferences(s *suite) error {
	test := s.small()
	for _, form := range []int{0, 3} { // those that a model could keep a view of
		d, w := s.small(), s.integerWeights()
		d.X = forms(d.dense())[form].X
		m, err := s.fitWith(s.trainer, d, w)
		if err != nil {
			return err
		}
		before, err := s.outputsOf(m, test.X)
		if err != nil {
			return err
		}
		overwrite(d, w)
		after, err := s.outputsOf(m, test.X)
		if err != nil {
			return err
		}
		if err := sameBits(after, before); err != nil {
			return fmt.Errorf("after the training data changed: %w", err)
		}
	}
	return nil
}

// overwrite changes every number of the data.
func overwrite(d Data, w []float64) {
	if X, ok := d.X.(gram.RowViewer); ok {
		n, _ := X.Dims()
		for i := range n {
			fill(X.RawRowView(i), -12345)
		}
	}
	if X, ok := d.X.(gram.RowBlocker); ok {
		n, _ := X.Dims()
		block, _ := X.RowBlock(nil, 0, n)
		fill(block, -12345)
	}
	fill(d.Labels, 0)
	fill(d.Targets, -12345)
	fill(w, -12345)
}

func fill[T any](x []T, v T) {
	for i := range x {
		x[i] = v
	}
}

// matricesAlike: every form of a matrix trains the same model, to rounding, and gets
// the same predictions from one model.
func matricesAlike(s *suite) error {
	d := s.small()
	m, err := s.fit(d)
	if err != nil {
		return err
	}
	want, err := s.outputsOf(m, d.X)
	if err != nil {
		return err
	}
	for _, form := range forms(d.dense()) {
		got, err := s.outputsOf(m, form.X)
		if err != nil {
			return fmt.Errorf("predicting %s: %w", form.name, err)
		}
		if err := s.near(got, want); err != nil {
			return fmt.Errorf("predicting %s: %w", form.name, err)
		}
		other := d
		other.X = form.X
		if err := s.sameFit(other, nil, want, d.X); err != nil {
			return fmt.Errorf("trained on %s: %w", form.name, err)
		}
	}
	return nil
}

// sameFit returns how a fit on d and w predicts X other than want.
func (s *suite) sameFit(d Data, w []float64, want outputs, X gram.Matrix) error {
	m, err := s.fitWith(s.trainer, d, w)
	if err != nil {
		return err
	}
	got, err := s.outputsOf(m, X)
	if err != nil {
		return err
	}
	return s.near(got, want)
}

// workersAlike: neither Workers nor GOMAXPROCS nor repetition changes a bit.
func workersAlike(s *suite) error {
	d := s.large()
	m, err := s.fit(d)
	if err != nil {
		return err
	}
	want, err := s.outputsOf(m, d.X)
	if err != nil {
		return err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{1, 2, 5} {
		runtime.GOMAXPROCS(procs)
		for _, workers := range []int{0, 1, 3} {
			if testing.Short() && workers > 0 && procs != 2 {
				continue // the numbers of workers are tried at one of processors
			}
			trainer, ok := with(s.trainer, "Workers", workers)
			if !ok {
				if workers > 0 {
					break
				}
				trainer = s.trainer
			}
			m, err := s.fitWith(trainer, d, nil)
			if err != nil {
				return err
			}
			got, err := s.outputsOf(m, d.X)
			if err != nil {
				return err
			}
			if err := sameBits(got, want); err != nil {
				return fmt.Errorf("with GOMAXPROCS=%d and Workers=%d: %w", procs, workers, err)
			}
		}
	}
	return nil
}

// integerWeights returns weights 1 to 3 for the small data.
func (s *suite) integerWeights() []float64 {
	n, _ := s.small().X.Dims()
	rng := rand.New(rand.NewPCG(3, 4))
	w := make([]float64, n)
	for i := range w {
		w[i] = float64(1 + rng.IntN(3))
	}
	return w
}

// weightsRepeat: integer weights are repetitions of rows.
func weightsRepeat(s *suite) error {
	w := s.integerWeights()
	var rows []int
	for i, v := range w {
		for range int(v) {
			rows = append(rows, i)
		}
	}
	return s.weightedIsPicked(w, rows)
}

// zeroWeightsDrop: rows of weight zero might as well not be there.
func zeroWeightsDrop(s *suite) error {
	w := s.integerWeights()
	fill(w, 1)
	var rows []int
	for i := range w {
		if i > len(w)/2 && i%4 == 1 { // every class stays in the first half
			w[i] = 0
			continue
		}
		rows = append(rows, i)
	}
	return s.weightedIsPicked(w, rows)
}

// unitWeights: weights of one are no weights.
func unitWeights(s *suite) error {
	w := s.integerWeights()
	rows := make([]int, len(w))
	for i := range w {
		w[i], rows[i] = 1, i
	}
	return s.weightedIsPicked(w, rows)
}

// weightedIsPicked returns how training with w differs from training on the rows.
func (s *suite) weightedIsPicked(w []float64, rows []int) error {
	d := s.small()
	m, err := s.fit(d.pick(rows))
	if err != nil {
		return err
	}
	want, err := s.outputsOf(m, d.X)
	if err != nil {
		return err
	}
	return s.sameFit(d, w, want, d.X)
}
