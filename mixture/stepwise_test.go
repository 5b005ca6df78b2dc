package mixture_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mixture"
)

// batches calls f with n batches of rows that m draws.
func batches(t *testing.T, m *mixture.GaussianMixtureModel, n, rows int, f func(X *linalg.Dense[float64])) {
	t.Helper()
	rng := rand.New(rand.NewPCG(9, 9))
	for range n {
		data, _ := m.Sample(rng, rows)
		f(linalg.NewDense(rows, m.Features(), data))
	}
}

// A step of 1 forgets everything: it is an iteration of EM on the batch.
func TestStepwiseIsEM(t *testing.T) {
	X := iris(t)
	for name, kind := range kinds {
		g := mixture.GaussianMixture{Components: 3, Covariance: kind, MaxIter: 2}
		m, err := g.Fit(background, X, nil)
		if err != nil && !errors.Is(err, gram.ErrNotConverged) {
			t.Fatal(err)
		}
		s := mixture.Stepwise{Trainer: g, From: m, Memory: 1}
		got, err := s.Update(background, X, nil)
		if err != nil {
			t.Fatal(err)
		}
		g.Start, g.MaxIter = m.Start(), 1
		want, _ := g.Fit(background, X, nil)
		if d := distance(got.Covariances(), want.Covariances()); d > 1e-9 {
			t.Errorf("%s: covariances differ by %g", name, d)
		}
		// A model is where it is if nothing is new to it: the step is next to none.
		s = mixture.Stepwise{Trainer: mixture.GaussianMixture{NoRegCovar: true}, From: m, Memory: 1e12}
		same, err := s.Update(background, X, nil)
		if err != nil {
			t.Fatal(err)
		}
		for what, pair := range map[string][2][]float64{
			"weights": {same.Weights(), m.Weights()}, "means": {same.Means(), m.Means()}, "covariances": {same.Covariances(), m.Covariances()},
		} {
			if d := distance(pair[0], pair[1]); d > 1e-9 {
				t.Errorf("%s: %s move by %g", name, what, d)
			}
		}
	}
}

// One pass over a stream finds what is in it, and the better the longer it is.
func TestStepwiseConverges(t *testing.T) {
	truth := planted(t)
	s := mixture.Stepwise{Trainer: mixture.GaussianMixture{Components: 2, Seed: 1, NInit: 3}}
	start := &mixture.Start{Means: []float64{1, 1, 3, 1}}
	s.Trainer.Start = start
	var early float64
	order := func(m *mixture.GaussianMixtureModel) float64 {
		return math.Max(distance(m.Weights(), truth.Weights()), math.Max(distance(m.Means(), truth.Means()), distance(m.Covariances(), truth.Covariances())))
	}
	batches(t, truth, 150, 100, func(X *linalg.Dense[float64]) {
		m, err := s.Update(background, X, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.Batches() == 2 {
			early = order(m)
		}
	})
	if d := order(s.Model()); d > 0.08 || d > early {
		t.Errorf("after 150 batches the parameters are off by %g, after 2 by %g", d, early)
	}
}

// With a constant step it follows rows that move.
func TestStepwiseFollows(t *testing.T) {
	truth := planted(t)
	fixed := mixture.Stepwise{From: truth, Memory: 5}
	slow := mixture.Stepwise{From: truth, Power: 1}
	shift := 0.0
	batches(t, truth, 60, 100, func(X *linalg.Dense[float64]) {
		shift += 0.05
		X = added(X, shift)
		for _, s := range []*mixture.Stepwise{&fixed, &slow} {
			if _, err := s.Update(background, X, nil); err != nil {
				t.Fatal(err)
			}
		}
	})
	off := func(s *mixture.Stepwise) float64 { return math.Abs(s.Model().Means()[0] - truth.Means()[0] - shift) }
	if off(&fixed) > 0.6 || off(&slow) < 1 {
		t.Errorf("means lag by %v with a memory of 5 batches, by %v with all", off(&fixed), off(&slow))
	}
}

func TestStepwiseErrors(t *testing.T) {
	X := iris(t)
	for want, s := range map[string]*mixture.Stepwise{
		"Power is 0.5":   {Power: 0.5},
		"Power is 2":     {Power: 2},
		"Power is NaN":   {Power: math.NaN()},
		"Memory is 0.5":  {Memory: 0.5},
		"Memory is +Inf": {Memory: math.Inf(1)},
		"-1 components":  {Trainer: mixture.GaussianMixture{Components: -1}},
	} {
		if _, err := s.Update(background, X, nil); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	s := mixture.Stepwise{Trainer: mixture.GaussianMixture{Components: 2, NoRegCovar: true}, Memory: 1}
	m, err := s.Update(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(background)
	cancel()
	bad := linalg.CopyOf[float64](X)
	bad.Set(4, 1, math.NaN())
	same := linalg.NewDense[float64](30, 4, nil)
	var collapse *mixture.CollapseError
	for name, f := range map[string]func() error{
		"columns":   func() error { return wants(gram.ErrShape)(s.Update(background, X.Slice(0, 9, 0, 3), nil)) },
		"NaN":       func() error { return wants(gram.ErrNonFinite)(s.Update(background, bad, nil)) },
		"weights":   func() error { return wants(gram.ErrWeights)(s.Update(background, X, make([]float64, 150))) },
		"cancelled": func() error { return wants(context.Canceled)(s.Update(cancelled, X, nil)) },
		"collapse": func() error {
			if _, err := s.Update(background, same, nil); !errors.As(err, &collapse) {
				return errors.Join(errors.New("want a collapse"), err)
			}
			return nil
		},
	} {
		if err := f(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if s.Model() != m || s.Batches() != 1 {
			t.Errorf("%s: the model has changed", name)
		}
	}
}

// wants returns what tells that an error does not wrap target.
func wants(target error) func(*mixture.GaussianMixtureModel, error) error {
	return func(_ *mixture.GaussianMixtureModel, err error) error {
		if !errors.Is(err, target) {
			return errors.Join(errors.New("want "+target.Error()), err)
		}
		return nil
	}
}
