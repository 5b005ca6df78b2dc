package mle_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram/mle"
)

// uniform is the distribution on (0, 1).
var uniform = distuv.Uniform{Min: 0, Max: 1}

// atDistance returns n values whose largest distance from the uniform distribution is d.
func atDistance(n int, d float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = min(1, float64(i)/float64(n)+d)
	}
	return x
}

func TestKolmogorovDistribution(t *testing.T) {
	g := golden(t)
	for _, c := range g.Kolmogorov {
		r, err := mle.KolmogorovSmirnov(atDistance(int(c.N), c.D), nil, uniform)
		if err != nil || math.Abs(r.Statistic-c.D) > 1e-12 {
			t.Fatalf("%+v, want distance %v; %v", r, c.D, err)
		}
		if math.Abs(r.PValue-c.P) > 1e-8*c.P+1e-12 {
			t.Errorf("n = %v, d = %v: p-value %v, want %v", c.N, c.D, r.PValue, c.P)
		}
	}
	for _, c := range g.Large {
		r, err := mle.KolmogorovSmirnov(atDistance(int(c.N), c.D), nil, uniform)
		if err != nil || math.Abs(r.PValue-c.P) > 1e-6*c.P+1e-9 {
			t.Errorf("n = %v, d = %v: p-value %v, want %v; %v", c.N, c.D, r.PValue, c.P, err)
		}
	}
}

func TestGoodnessOfFitGolden(t *testing.T) {
	g := golden(t).GOF
	ks, err := mle.KolmogorovSmirnov(g.X, nil, distuv.UnitNormal)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "Kolmogorov–Smirnov", []float64{ks.Statistic, ks.PValue}, []float64{g.KS, g.KSP}, 1e-8)
	ad, err := mle.AndersonDarling(g.X, nil, distuv.Normal{Mu: g.Mean, Sigma: g.SD})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "Anderson–Darling", []float64{ad.Statistic}, []float64{g.Anderson}, 1e-9)

	var x, w, edges []float64
	for i, n := range g.Counts {
		x, w = append(x, (float64(i)+0.5)/6), append(w, n)
		if i > 0 {
			edges = append(edges, float64(i)/6)
		}
	}
	chi, err := mle.ChiSquared(x, w, uniform, edges, 1)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "chi squared", []float64{chi.Statistic, chi.DF, chi.PValue}, []float64{g.Chi, 4, g.ChiP}, 1e-9)
}

// The quantiles of the limit (G. Marsaglia and J. Marsaglia, Evaluating the Anderson–Darling
// distribution, Journal of Statistical Software 9, 2004).
func TestAndersonDarlingTable(t *testing.T) {
	for _, c := range []struct{ z, p float64 }{{1.2480, 0.25}, {1.9330, 0.10}, {2.4924, 0.05}, {3.8781, 0.01}} {
		// One value has the statistic −1 − log u − log(1−u).
		v := math.Exp(-1 - c.z)
		u := 2 * v / (1 + math.Sqrt(1-4*v))
		r, err := mle.AndersonDarling([]float64{u}, nil, uniform)
		if err != nil || math.Abs(r.Statistic-c.z) > 1e-9 || math.Abs(r.PValue-c.p) > 5e-5 {
			t.Errorf("z = %v: %+v, want p-value %v; %v", c.z, r, c.p, err)
		}
	}
}

// The sum of the textbook, where no values repeat; repeats are weights.
func TestAndersonDarlingSum(t *testing.T) {
	x := []float64{0.05, 0.11, 0.3, 0.31, 0.62, 0.88, 0.97}
	n, sum := float64(len(x)), 0.0
	for i := range x {
		sum += float64(2*i+1) * (math.Log(x[i]) + math.Log1p(-x[len(x)-1-i]))
	}
	r, err := mle.AndersonDarling(x, nil, uniform)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "statistic", []float64{r.Statistic}, []float64{-n - sum/n}, 1e-12)
	for _, test := range []func(x, w []float64, d mle.Distribution) (mle.Test, error){mle.KolmogorovSmirnov, mle.AndersonDarling} {
		a, err := test([]float64{0.2, 0.7, 0.9, 0.1}, []float64{2, 1, 3, 0}, uniform)
		if err != nil {
			t.Fatal(err)
		}
		b, err := test([]float64{0.9, 0.2, 0.9, 0.7, 0.2, 0.9}, nil, uniform)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "weights", []float64{a.Statistic, a.PValue}, []float64{b.Statistic, b.PValue}, 1e-12)
	}
}

// P-values of true hypotheses are uniform, also of fitted ones when bootstrapped.
func TestUniformPValues(t *testing.T) {
	d, low, lowAD, samples := dist(t, 0, 43), 0, 0, 400
	x := make([]float64, 25)
	for range samples {
		for i := range x {
			x[i] = d.Rand()
		}
		ks, err := mle.KolmogorovSmirnov(x, nil, d)
		if err != nil {
			t.Fatal(err)
		}
		ad, err := mle.AndersonDarling(x, nil, d)
		if err != nil {
			t.Fatal(err)
		}
		if ks.PValue < 0.2 {
			low++
		}
		if ad.PValue < 0.2 {
			lowAD++
		}
	}
	if low < 52 || low > 112 || lowAD < 52 || lowAD > 112 { // 80 ± 4 standard errors
		t.Errorf("of %d p-values %d and %d are below 0.2", samples, low, lowAD)
	}

	normal, skewed, plain := 0, 0, 0
	const tries = 40
	for range tries {
		for i := range x {
			x[i] = d.Rand()
		}
		e := fit(t, mle.Normal{}, x, nil)
		p, err := mle.BootstrapP(background, e, x, nil, mle.AndersonDarling, 99, 1)
		if err != nil {
			t.Fatal(err)
		}
		ad, err := mle.AndersonDarling(x, nil, e.Dist(nil))
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range x {
			x[i] = math.Exp(v / 2)
		}
		q, err := mle.BootstrapP(background, fit(t, mle.Normal{}, x, nil), x, nil, mle.AndersonDarling, 99, 1)
		if err != nil {
			t.Fatal(err)
		}
		if p < 0.25 {
			normal++
		}
		if ad.PValue < 0.25 {
			plain++
		}
		if q < 0.25 {
			skewed++
		}
	}
	if normal < 1 || normal > 21 || skewed < 30 || plain > normal {
		t.Errorf("of %d samples %d normal and %d skewed ones have a p-value below 0.25, %d without the bootstrap", tries, normal, skewed, plain)
	}
}

func TestChoose(t *testing.T) {
	x := draw(t, 4, 400, 47)
	c, err := mle.Choose(background, x, nil, mle.Exponential{}, mle.Normal{}, mle.Weibull{}, mle.Beta{}, mle.LogNormal{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Best.Family() != (mle.Weibull{}) {
		t.Errorf("chose %v of Weibull's", c.Best.Family())
	}
	for _, l := range c.Table {
		if l.Family == (mle.Beta{}) {
			if l.Err == nil || !math.IsNaN(l.AIC) {
				t.Errorf("beta beyond 1: %+v", l)
			}
		} else if l.AIC != l.Estimate.AIC() || l.AIC < c.Best.AIC() {
			t.Errorf("%v: AIC %v, the best has %v", l.Family, l.AIC, c.Best.AIC())
		}
	}
	counts := draw(t, 12, 400, 47)
	if c, err = mle.Choose(background, counts, nil, mle.Poisson{}, mle.NegativeBinomial{}); err != nil || c.Best.Family() != (mle.NegativeBinomial{}) {
		t.Errorf("chose %v, %v", c, err)
	}
}
