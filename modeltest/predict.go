package modeltest

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// smallModel returns a model and the data it was trained on.
func (s *suite) smallModel() (gram.Model, Data, error) {
	d := s.small()
	m, err := s.fit(d)
	return m, d, err
}

// batchIsRows: batch methods return what row methods do.
func batchIsRows(s *suite) error {
	m, d, err := s.smallModel()
	if err != nil {
		return err
	}
	batch, err := s.outputsOf(m, d.X)
	if err != nil {
		return err
	}
	byRow, err := s.rowOutputs(m, rowsOf(d.X))
	if err != nil {
		return err
	}
	return s.near(byRow, batch)
}

// rowOutputs are the outputs of the row methods.
func (s *suite) rowOutputs(m gram.Model, rows [][]float64) (outputs, error) {
	o := outputs{methods: s.kind.methods(m), rows: len(rows)}
	for _, f := range o.methods {
		var all []float64
		for _, x := range rows {
			v, err := f.row(x)
			if err != nil {
				return o, err
			}
			all = append(all, v...)
		}
		o.values = append(o.values, all)
	}
	return o, nil
}

// dstRule: nil allocates, the right length is filled and returned, another is an error.
func dstRule(s *suite) error {
	m, d, err := s.smallModel()
	if err != nil {
		return err
	}
	for _, f := range s.kind.methods(m) {
		if err := f.dstRule(d.X); err != nil {
			return err
		}
	}
	return nil
}

// noRows: nothing comes of nothing, without an error.
func noRows(s *suite) error {
	m, _, err := s.smallModel()
	if err != nil {
		return err
	}
	_, err = s.outputsOf(m, empty{0, m.Features()})
	return err
}

// featureCount: rows of another length than the model's are an error that says both.
func featureCount(s *suite) error {
	m, _, err := s.smallModel()
	if err != nil {
		return err
	}
	want := m.Features()
	for _, f := range s.kind.methods(m) {
		for _, d := range []int{want - 1, want + 1, 64 * want} {
			_, err := f.all(linalg.NewDense[float64](3, d, nil))
			if err := shapeError(err, d, want); err != nil {
				return fmt.Errorf("%v of %d features, the model has %d: %w", f, d, want, err)
			}
			_, err = f.row(make([]float64, d))
			if err := shapeError(err, d, want); err != nil {
				return fmt.Errorf("%vRow of %d features, the model has %d: %w", f, d, want, err)
			}
		}
	}
	return nil
}

// nanRow: a row that is not finite gives some result, of a class that there is, or
// ErrNonFinite.
func nanRow(s *suite) error {
	m, d, err := s.smallModel()
	if err != nil {
		return err
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		X := d.dense()
		X.Set(2, m.Features()-1, v)
		for _, f := range s.kind.methods(m) {
			batch, err := f.all(X)
			if err == nil {
				err = f.validClasses(batch, m)
			}
			if err == nil || errors.Is(err, gram.ErrNonFinite) {
				batch, err = f.row(X.Row(2))
			}
			if err == nil {
				err = f.validClasses(batch, m)
			}
			if err != nil && !errors.Is(err, gram.ErrNonFinite) {
				return fmt.Errorf("a row with %v: %w", v, err)
			}
		}
	}
	return nil
}

// extremeRows returns rows of the data and far beyond them.
func extremeRows(d Data) *linalg.Dense[float64] {
	X := d.dense()
	for i, scale := range []float64{0, 1e3, -1e3, 1e6, -1e6} {
		for j := range X.Cols {
			X.Set(i, j, X.At(i, j)*scale)
		}
	}
	return X
}

// probabilities: they lie in [0, 1] and sum to 1, in rows far out too.
func probabilities(s *suite) error {
	m, d, err := s.smallModel()
	if err != nil {
		return err
	}
	c := m.(gram.Classifier)
	p, err := c.PredictProba(nil, extremeRows(d))
	if err != nil {
		return err
	}
	k := c.Classes()
	for i := range len(p) / k {
		sum := 0.0
		for class, v := range p[i*k : (i+1)*k] {
			if !(v >= 0 && v <= 1) {
				return fmt.Errorf("row %d has class %d with probability %v", i, class, v)
			}
			sum += v
		}
		if math.Abs(sum-1) > 1e-12*float64(k) {
			return fmt.Errorf("probabilities of row %d sum to 1%+.3g", i, sum-1)
		}
	}
	return nil
}

// argmaxIsPredicted: no class is more probable than the predicted one, by more than
// rounding, and ties go to the smaller.
func argmaxIsPredicted(s *suite) error {
	m, d, err := s.smallModel()
	if err != nil {
		return err
	}
	c := m.(gram.Classifier)
	X, k := extremeRows(d), c.Classes()
	p, err := c.PredictProba(nil, X)
	if err != nil {
		return err
	}
	y, err := c.Predict(nil, X)
	if err != nil {
		return err
	}
	for i, got := range y {
		if got < 0 || got >= k {
			return fmt.Errorf("row %d is predicted class %d of %d", i, got, k)
		}
		for class, v := range p[i*k : (i+1)*k] {
			if v > p[i*k+got]+1e-12 {
				return fmt.Errorf("row %d is predicted class %d of probability %v, class %d has %v", i, got, p[i*k+got], class, v)
			}
		}
	}
	return nil
}

// rowsDoNotAllocate: row methods allocate nothing.
func rowsDoNotAllocate(s *suite) error {
	if raceEnabled {
		return skipped("the race detector allocates")
	}
	m, d, err := s.smallModel()
	if err != nil {
		return err
	}
	x := rowsOf(d.X)[0]
	for _, f := range s.kind.methods(m) {
		if n := f.allocs(x); n != 0 {
			return fmt.Errorf("%vRow allocates %v times", f, n)
		}
	}
	return nil
}

// concurrentUse: many goroutines get the results of one.
func concurrentUse(s *suite) error {
	m, d, err := s.smallModel()
	if err != nil {
		return err
	}
	batch, err := s.outputsOf(m, d.X)
	if err != nil {
		return err
	}
	byRow, err := s.rowOutputs(m, rowsOf(d.X))
	if err != nil {
		return err
	}
	const goroutines = 8
	var wg sync.WaitGroup
	failures := make([]error, goroutines)
	for g := range goroutines {
		wg.Add(1)
		go func() {
			defer wg.Done()
			failures[g] = try(func() error { return s.useAgain(m, d, batch, byRow) })
		}()
	}
	wg.Wait()
	return errors.Join(failures...)
}

// useAgain returns how the model now gives other results than before.
func (s *suite) useAgain(m gram.Model, d Data, batch, byRow outputs) error {
	for range 4 {
		got, err := s.rowOutputs(m, rowsOf(d.X))
		if err == nil {
			err = sameBits(got, byRow)
		}
		if err != nil {
			return fmt.Errorf("used concurrently: %w", err)
		}
		got, err = s.outputsOf(m, d.X)
		if err == nil {
			err = sameBits(got, batch)
		}
		if err != nil {
			return fmt.Errorf("used concurrently: %w", err)
		}
	}
	return nil
}
