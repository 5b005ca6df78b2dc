package mle_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram/mle"
)

const quantile95 = 3.841458820694124 // of χ² with one degree of freedom

// best is the golden section between a and b.
func best(f func(float64) float64, a, b float64) float64 {
	const r = 0.6180339887498949
	for range 90 {
		c, d := b-r*(b-a), a+r*(b-a)
		if f(c) > f(d) {
			b = d
		} else {
			a = c
		}
	}
	return f((a + b) / 2)
}

// At both ends of a profile interval the likelihood, maximised over the other parameter in
// the most obvious way, has fallen by half the quantile.
func TestProfileEnds(t *testing.T) {
	for i, f := range families {
		p := len(f.Parameters())
		if p == 3 || f.String() == "categorical" {
			continue
		}
		e := fit(t, f, draw(t, i, 50, 17), nil)
		s := e.Statistics()
		for j := range p {
			ci, err := e.Profile(background, j, 0.95)
			if err != nil {
				t.Fatalf("%v: %v", f, err)
			}
			if !(ci.Lower < e.Params()[j] && e.Params()[j] < ci.Upper) {
				t.Errorf("%v: interval %v around %v", f, ci, e.Params()[j])
			}
			for _, end := range []float64{ci.Lower, ci.Upper} {
				theta := e.Params()
				theta[j] = end
				at := func(v float64) float64 {
					if p == 2 {
						theta[1-j] = v
					}
					l, err := s.LogLikelihood(theta)
					if err != nil {
						return math.Inf(-1)
					}
					return l
				}
				l := at(0)
				if p == 2 {
					v, se := e.Params()[1-j], e.StdErr()[1-j]
					l = best(at, v-min(8*se, 0.9*math.Abs(v)), v+8*se)
				}
				if fall := 2 * (e.LogLikelihood() - l); math.Abs(fall-quantile95) > 1e-6 {
					t.Errorf("%v: parameter %d at %v: fall of %v, want %v", f, j, end, fall, quantile95)
				}
			}
		}
	}
}

func TestProfileStudent(t *testing.T) {
	e := fit(t, mle.StudentT{}, draw(t, 6, 200, 19), nil)
	for j := range 3 {
		ci, err := e.Profile(background, j, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		for _, end := range []float64{ci.Lower, ci.Upper} {
			r, err := e.TestValue(background, j, end)
			if err != nil || math.Abs(r.Statistic-quantile95) > 1e-6 || math.Abs(r.PValue-0.05) > 1e-8 {
				t.Errorf("parameter %d at %v: %+v, %v", j, end, r, err)
			}
		}
		// With nu held, what is left is the family of that nu.
		if j == 2 {
			held := fit(t, mle.StudentT{Nu: ci.Upper}, draw(t, 6, 200, 19), nil)
			if fall := 2 * (e.LogLikelihood() - held.LogLikelihood()); math.Abs(fall-quantile95) > 1e-6 {
				t.Errorf("nu of %v: fall of %v", ci.Upper, fall)
			}
		}
	}
}

func TestProfileClosed(t *testing.T) {
	x := draw(t, 0, 30, 23)
	e := fit(t, mle.Normal{}, x, nil)
	ci, err := e.Profile(background, 0, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	half := e.Params()[1] * math.Sqrt(math.Expm1(quantile95/30))
	near(t, "mean", []float64{ci.Lower, ci.Upper}, []float64{e.Params()[0] - half, e.Params()[0] + half}, 1e-9)

	// No success in 20 trials: 20·log(1−p) = −q/2.
	e = fit(t, mle.Bernoulli{}, make([]float64, 20), nil)
	if ci, err = e.Profile(background, 0, 0.95); err != nil {
		t.Fatal(err)
	}
	near(t, "no success", []float64{ci.Lower, ci.Upper}, []float64{0, -math.Expm1(-quantile95 / 40)}, 1e-9)
	e = fit(t, mle.Binomial{Trials: 5}, []float64{5, 5, 5, 5}, nil)
	if ci, err = e.Profile(background, 0, 0.95); err != nil {
		t.Fatal(err)
	}
	near(t, "no failure", []float64{ci.Lower, ci.Upper}, []float64{math.Exp(-quantile95 / 40), 1}, 1e-9)
	if se := e.StdErr()[0]; se != 0 {
		t.Errorf("standard error %v", se)
	}
	// No event in 20: 20·lambda = q/2.
	e = fit(t, mle.Poisson{}, make([]float64, 20), nil)
	if ci, err = e.Profile(background, 0, 0.95); err != nil {
		t.Fatal(err)
	}
	near(t, "no event", []float64{ci.Lower, ci.Upper}, []float64{0, quantile95 / 40}, 1e-9)

	// A class against all others is a success or a failure.
	classes := []float64{0, 0, 1, 2, 2, 2, 2, 0, 1, 2}
	e = fit(t, mle.Categorical{Classes: 3}, classes, nil)
	success := make([]float64, len(classes))
	for i, v := range classes {
		if v == 2 {
			success[i] = 1
		}
	}
	ci, err = e.Profile(background, 2, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	want, err := fit(t, mle.Bernoulli{}, success, nil).Profile(background, 0, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "class", []float64{ci.Lower, ci.Upper}, []float64{want.Lower, want.Upper}, 1e-9)
}

func TestWald(t *testing.T) {
	e := fit(t, mle.Exponential{}, []float64{1, 2, 3, 2}, nil)
	ci, err := e.Wald(0.95)
	if err != nil {
		t.Fatal(err)
	}
	half := 1.959963984540054 * 0.25
	near(t, "interval", []float64{ci[0].Lower, ci[0].Upper}, []float64{0.5 - half, 0.5 + half}, 1e-12)
}

// In large samples the two intervals agree; in repeated samples they cover the truth.
func TestCoverage(t *testing.T) {
	for _, i := range []int{2, 3, 11} {
		covered, samples := 0, 400
		if testing.Short() {
			samples = 100
		}
		d := dist(t, i, 29)
		for range samples {
			x := make([]float64, 40)
			for j := range x {
				x[j] = d.Rand()
			}
			ci, err := fit(t, families[i], x, nil).Profile(background, 0, 0.9)
			if err != nil {
				t.Fatal(err)
			}
			if ci.Lower <= truth[i][0] && truth[i][0] <= ci.Upper {
				covered++
			}
		}
		n := float64(samples)
		if share := float64(covered) / n; math.Abs(share-0.9) > 4*math.Sqrt(0.9*0.1/n)+0.01 {
			t.Errorf("%v: a 90 %% interval covers the truth in %v of samples", families[i], share)
		}
	}
	for i, f := range families {
		e := fit(t, f, draw(t, i, 5000, 31), nil)
		wald, err := e.Wald(0.95)
		if err != nil {
			t.Fatal(err)
		}
		ci, err := e.Profile(background, 0, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		width := wald[0].Upper - wald[0].Lower
		if _, kinked := f.(mle.Laplace); kinked {
			width *= 4
		}
		if math.Abs(ci.Lower-wald[0].Lower) > 0.08*width || math.Abs(ci.Upper-wald[0].Upper) > 0.08*width {
			t.Errorf("%v: Wald %v, profile %v", f, wald[0], ci)
		}
	}
}

func TestLikelihoodRatio(t *testing.T) {
	x := draw(t, 2, 60, 37)
	narrow, wide := fit(t, mle.Exponential{}, x, nil), fit(t, mle.Gamma{}, x, nil)
	r, err := mle.LikelihoodRatio(narrow, wide)
	if err != nil {
		t.Fatal(err)
	}
	s := 2 * (wide.LogLikelihood() - narrow.LogLikelihood())
	near(t, "ratio", []float64{r.Statistic, r.DF, r.PValue}, []float64{s, 1, distuv.ChiSquared{K: 1}.Survival(s)}, 1e-12)
	// The gamma distribution of shape 1 is the exponential one.
	same, err := wide.TestValue(background, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "shape of 1", []float64{same.Statistic}, []float64{r.Statistic}, 1e-9)

	rejected, samples := 0, 400
	d := dist(t, 2, 41)
	for range samples {
		for j := range x {
			x[j] = d.Rand()
		}
		r, err := mle.LikelihoodRatio(fit(t, mle.Exponential{}, x, nil), fit(t, mle.Gamma{}, x, nil))
		if err != nil {
			t.Fatal(err)
		}
		if r.PValue < 0.1 {
			rejected++
		}
	}
	if rejected < 20 || rejected > 62 {
		t.Errorf("%d of %d true hypotheses rejected at 10 %%", rejected, samples)
	}
}
