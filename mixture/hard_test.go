package mixture_test

import (
	"errors"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mixture"
	"github.com/gram-ml/gram/mle"
)

// withConstant returns iris with 7 in column 1.
func withConstant(t *testing.T) *linalg.Dense[float64] {
	X := linalg.CopyOf[float64](iris(t))
	for i := range X.Rows {
		X.Set(i, 1, 7)
	}
	return X
}

// scorers are trainers of mixtures of X's kind, by what they say of columns without
// variance.
func scorers(kind mixture.Covariance, unregularised bool) map[string]gram.ScorerTrainer {
	return map[string]gram.ScorerTrainer{
		"gaussian": mixture.GaussianMixture{Components: 2, Covariance: kind, NoRegCovar: unregularised, MaxIter: 300},
		"student":  mixture.StudentMixture{Components: 2, Covariance: kind, Nu: 5, NoRegCovar: unregularised, MaxIter: 300},
	}
}

// A column that is constant fits with regularised variances, and is named without.
func TestConstantColumn(t *testing.T) {
	X := withConstant(t)
	for name, kind := range kinds {
		trainers := scorers(kind, false)
		trainers["bayesian"] = mixture.BayesianMixture{Components: 2, Covariance: kind, Tol: 1e-3}
		for trainer, s := range trainers {
			m, err := s.TrainScorer(background, X, nil)
			if err != nil {
				t.Errorf("%s, %s: %v", trainer, name, err)
				continue
			}
			if v, err := m.LogDensityRow(X.Row(3)); err != nil || v-v != 0 {
				t.Errorf("%s, %s: log-density %v, error %v", trainer, name, v, err)
			}
		}
		for trainer, s := range scorers(kind, true) {
			_, err := s.TrainScorer(background, X, nil)
			var c *mixture.CollapseError
			if kind == mixture.Spherical {
				if err != nil { // the other columns vary
					t.Errorf("%s, %s: %v", trainer, name, err)
				}
				continue
			}
			if !errors.As(err, &c) || !errors.Is(err, gram.ErrSingular) || c.Column != 1 {
				t.Errorf("%s, %s, not regularised: %v", trainer, name, err)
			}
		}
	}
	if m, err := (mixture.KMeans{Clusters: 3}).Fit(background, X, nil); err != nil || m.Centers()[1] != 7 {
		t.Errorf("k-means: centers %v, error %v", m.Centers(), err)
	}
}

// Rows that are all equal collapse unless something holds the variances up.
func TestEqualRows(t *testing.T) {
	same := linalg.NewDense[float64](20, 3, nil)
	for i := range same.Data {
		same.Data[i] = 3
	}
	for name, kind := range kinds {
		for trainer, s := range scorers(kind, true) {
			_, err := s.TrainScorer(background, same, nil)
			var c *mixture.CollapseError
			if !errors.As(err, &c) || c.Cause != mixture.Degenerate {
				t.Errorf("%s, %s: %v", trainer, name, err)
			}
		}
		for trainer, s := range scorers(kind, false) {
			if _, err := s.TrainScorer(background, same, nil); err != nil {
				t.Errorf("%s, %s, regularised: %v", trainer, name, err)
			}
		}
	}
}

// More components than rows, rows of weight zero not counted, are refused by all.
func TestMoreComponentsThanRows(t *testing.T) {
	X := iris(t)
	w := make([]float64, X.Rows)
	w[3], w[90] = 1, 2
	for name, s := range map[string]gram.ScorerTrainer{
		"gaussian": mixture.GaussianMixture{Components: 3}, "student": mixture.StudentMixture{Components: 3},
		"bayesian": mixture.BayesianMixture{Components: 3},
		"counts":   mixture.CountMixture{Components: 3},
	} {
		if _, err := s.TrainScorer(background, X, w); !errors.Is(err, gram.ErrParam) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (mixture.KMeans{Clusters: 3}).Fit(background, X, w); !errors.Is(err, gram.ErrParam) {
		t.Errorf("k-means: %v", err)
	}
}

// One component is the multivariate normal distribution of package mle, weights and all.
func TestIsMultivariateNormal(t *testing.T) {
	X := iris(t)
	w, total := make([]float64, X.Rows), 0.0
	for i := range w {
		w[i] = float64(i%4) / 2
		total += w[i]
	}
	want, err := mle.MultivariateNormal{}.Fit(background, X, w)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mixture.GaussianMixture{NoRegCovar: true}.Fit(background, X, w)
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2][]float64{
		"means": {m.Means(), want.Mean()}, "covariances": {m.Covariances(), want.Covariance().Data},
		"criteria": {{m.AIC(), m.BIC(), m.LogLikelihood() * total}, {want.AIC(), want.BIC(), want.LogLikelihood()}},
	} {
		if d := distance(pair[0], pair[1]); d > 1e-11 {
			t.Errorf("%s differ by %g: %v, want %v", name, d, pair[0], pair[1])
		}
	}
}
