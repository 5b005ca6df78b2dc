package mle_test

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mixture"
	"github.com/gram-ml/gram/mle"
	"github.com/gram-ml/gram/modeltest"
)

func TestConformance(t *testing.T) {
	modeltest.Check(t, mle.MultivariateNormal{})
	for i, f := range families {
		if testing.Short() && i%3 != 0 {
			continue
		}
		t.Run(title(f), func(t *testing.T) {
			modeltest.Check(t, mle.Density{Family: f}, modeltest.Generate(func(rows int) modeltest.Data {
				return modeltest.Data{X: linalg.NewDense(rows, 1, draw(t, i, rows, 59))}
			}))
		})
	}
}

// One component of a mixture is a normal distribution.
func TestMultivariateNormal(t *testing.T) {
	X := linalg.NewDense(200, 3, draw(t, 0, 600, 61))
	for i := range X.Rows {
		X.Set(i, 2, X.At(i, 2)+0.7*X.At(i, 0)+1e6)
	}
	w := make([]float64, X.Rows)
	for i := range w {
		w[i] = float64(i % 3)
	}
	m, err := mle.MultivariateNormal{}.Fit(background, X, w)
	if err != nil {
		t.Fatal(err)
	}
	g, err := mixture.GaussianMixture{NoRegCovar: true}.Fit(background, X, w)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "mean", m.Mean(), g.Means(), 1e-13)
	near(t, "covariance", m.Covariance().Data, g.Covariances(), 1e-9)
	total := linalg.Sum(w)
	near(t, "criteria", []float64{m.LogLikelihood(), m.AIC(), m.BIC()}, []float64{g.LogLikelihood() * total, g.AIC(), g.BIC()}, 1e-10)

	d := m.Dist(nil)
	x := X.Row(5)
	v, err := m.LogDensityRow(x)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "log-density", []float64{v}, []float64{d.LogProb(x)}, 1e-9)

	// A column alone is a normal distribution.
	column := make([]float64, X.Rows)
	for i := range column {
		column[i] = X.At(i, 1)
	}
	e := fit(t, mle.Normal{}, column, w)
	near(t, "standard error", m.MeanStdErr()[1:2], e.StdErr()[:1], 1e-12)
	wald, err := m.MeanWald(0.9)
	if err != nil {
		t.Fatal(err)
	}
	want, err := e.Wald(0.9)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "Wald", []float64{wald[1].Lower, wald[1].Upper}, []float64{want[0].Lower, want[0].Upper}, 1e-11)
	profile, err := m.MeanProfile(0.9)
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := e.Profile(background, 0, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "profile", []float64{profile[1].Lower, profile[1].Upper}, []float64{wanted.Lower, wanted.Upper}, 1e-9)
	// The standard error of sigma² is 2·sigma times that of sigma.
	near(t, "variance's", []float64{m.CovarianceStdErr().At(1, 1)}, []float64{2 * e.Params()[1] * e.StdErr()[1]}, 1e-11)
	near(t, "Bessel", m.BesselCovariance().Data[:1], []float64{m.Covariance().Data[0] * total / (total - 1)}, 1e-14)
}

// The standard error of a covariance against the bootstrap.
func TestCovarianceBootstrap(t *testing.T) {
	X := linalg.NewDense(500, 2, draw(t, 0, 1000, 67))
	for i := range X.Rows {
		X.Set(i, 1, X.At(i, 1)+0.8*X.At(i, 0))
	}
	m, err := mle.MultivariateNormal{}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	rng := dist(t, 0, 71)
	var values []float64
	w := make([]float64, X.Rows)
	for range 200 {
		clear(w)
		for range w { // a uniform row by the distribution function of a normal draw
			w[min(len(w)-1, int(rng.CDF(rng.Rand())*float64(len(w))))]++
		}
		again, err := mle.MultivariateNormal{}.Fit(background, X, w)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, again.Covariance().At(0, 1))
	}
	s := mle.NewStatistics(mle.Normal{})
	if err := s.Add(values, nil); err != nil {
		t.Fatal(err)
	}
	if ratio := math.Sqrt(s.BesselVariance()) / m.CovarianceStdErr().At(0, 1); math.Abs(ratio-1) > 0.25 {
		t.Errorf("bootstrap over standard error is %v", ratio)
	}
}

func TestSaveKeepsIntervals(t *testing.T) {
	for i, f := range families {
		e := fit(t, f, draw(t, i, 80, 73), nil)
		var buf bytes.Buffer
		if err := gram.Save(&buf, e); err != nil {
			t.Fatal(err)
		}
		m, err := gram.Load(&buf)
		if err != nil {
			t.Fatalf("%v: %v", f, err)
		}
		got := m.(*mle.Estimate)
		a, errA := e.Profile(background, 0, 0.95)
		b, errB := got.Profile(background, 0, 0.95)
		if errA != nil || errB != nil || a != b || got.LogLikelihood() != e.LogLikelihood() || !slices.Equal(got.StdErr(), e.StdErr()) ||
			got.Convergence() != e.Convergence() || got.Family() != f {
			t.Errorf("%v: interval %v after Load, was %v; %v, %v", f, b, a, errB, errA)
		}
	}
	// Estimates at the end of a range are as good.
	for f, x := range map[mle.Family][]float64{
		mle.Bernoulli{}: {0, 0}, mle.Binomial{Trials: 3}: {3, 3}, mle.Poisson{}: {0}, mle.Categorical{Classes: 3}: {1, 1},
	} {
		var buf bytes.Buffer
		if err := gram.Save(&buf, fit(t, f, x, nil)); err != nil {
			t.Fatal(err)
		}
		if _, err := gram.Load(&buf); err != nil {
			t.Errorf("%v: %v", f, err)
		}
	}
}

// FuzzLoad: no bytes make Load panic, and what it loads gives a density and intervals.
func FuzzLoad(f *testing.F) {
	for i, family := range families {
		e := fit(f, family, draw(f, i, 40, 79), nil)
		var buf bytes.Buffer
		if err := gram.Save(&buf, e); err != nil {
			f.Fatal(err)
		}
		f.Add(buf.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := gram.Load(bytes.NewReader(data))
		if err != nil {
			if m != nil {
				t.Error("a model and an error")
			}
			return
		}
		e, ok := m.(*mle.Estimate)
		if !ok {
			return
		}
		if _, err := e.LogDensityRow([]float64{1}); err != nil {
			t.Error(err)
		}
		if _, err := e.Wald(0.9); err != nil {
			t.Error(err)
		}
	})
}
