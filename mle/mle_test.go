package mle_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/mle"
)

var background = context.Background()

type fitCase struct {
	Family                     string
	Option                     float64
	X, Params, StdErr          []float64
	LogLikelihood              float64
	At, LogProb, CDF, Survival []float64
}

type goldenFile struct {
	Fits              []fitCase
	Kolmogorov, Large []struct{ N, D, P float64 }
	GOF               struct {
		X, Counts                              []float64
		Mean, SD, Anderson, KS, KSP, Chi, ChiP float64
	}
}

func golden(t *testing.T) (g goldenFile) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// family returns the family of a name.
func family(name string, option float64) mle.Family {
	for _, f := range families {
		if f.String() == name {
			switch f.(type) {
			case mle.StudentT:
				return mle.StudentT{Nu: option}
			case mle.Binomial:
				return mle.Binomial{Trials: int(option)}
			}
			return f
		}
	}
	return nil
}

// families are all, and truth holds parameters of each.
var (
	families = []mle.Family{
		mle.Normal{}, mle.LogNormal{}, mle.Exponential{}, mle.Gamma{}, mle.Weibull{}, mle.Beta{}, mle.StudentT{}, mle.StudentT{Nu: 5},
		mle.Laplace{}, mle.Bernoulli{}, mle.Binomial{Trials: 9}, mle.Poisson{}, mle.NegativeBinomial{}, mle.Categorical{Classes: 4},
	}
	truth = [][]float64{
		{3, 2}, {0.5, 0.8}, {0.4}, {2.5, 0.7}, {1.7, 3}, {2, 3.5}, {1, 2, 3}, {1, 2},
		{-1, 1.5}, {0.3}, {0.4}, {3.7}, {2.5, 0.4}, {0.1, 0.2, 0.3, 0.4},
	}
)

func title(f mle.Family) string { return strings.ReplaceAll(fmt.Sprintf("%v %v", f, f), " ", "_") }

// draw returns n values of family i with its true parameters: it turns the
// quantiles of even probabilities about, so that every sample is fit for the family.
func draw(t testing.TB, i, n int, seed uint64) []float64 {
	t.Helper()
	e := dist(t, i, seed)
	x := make([]float64, n)
	for j := range x {
		x[j] = e.Rand()
	}
	return x
}

// dist returns the true distribution of family i.
func dist(t testing.TB, i int, seed uint64) mle.Distribution {
	t.Helper()
	d, err := mle.NewDistribution(families[i], truth[i], rand.NewPCG(seed, uint64(i)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func fit(t testing.TB, f mle.Family, x, w []float64) *mle.Estimate {
	t.Helper()
	e, err := mle.Fit(background, f, x, w)
	if err != nil {
		t.Fatalf("%v: %v", f, err)
	}
	return e
}

func near(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d numbers, want %d", what, len(got), len(want))
		return
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) <= tol*(1e-300+math.Abs(want[i])) || got[i] == want[i] {
			continue
		}
		t.Errorf("%s: number %d is %.16g, want %.16g", what, i, got[i], want[i])
	}
}

func TestGolden(t *testing.T) {
	for _, c := range golden(t).Fits {
		e := fit(t, family(c.Family, c.Option), c.X, nil)
		near(t, c.Family, e.Params(), c.Params, 1e-10)
		near(t, c.Family+" standard errors", e.StdErr(), c.StdErr, 1e-9)
		near(t, c.Family+" log-likelihood", []float64{e.LogLikelihood()}, []float64{c.LogLikelihood}, 1e-12)
		d := e.Dist(nil)
		for i, x := range c.At {
			got := []float64{d.LogProb(x), d.CDF(x), d.Survival(x)}
			near(t, fmt.Sprintf("%s at %v", c.Family, x), got, []float64{c.LogProb[i], c.CDF[i], c.Survival[i]}, 1e-9)
		}
		if !e.Convergence().Converged {
			t.Errorf("%s: %+v", c.Family, e.Convergence())
		}
		p := float64(len(c.Params))
		near(t, c.Family+" AIC, BIC", []float64{e.AIC(), e.BIC()},
			[]float64{2*p - 2*c.LogLikelihood, p*math.Log(float64(len(c.X))) - 2*c.LogLikelihood}, 1e-12)
	}
}

func TestLaplaceClosed(t *testing.T) {
	e := fit(t, mle.Laplace{}, []float64{7, 1, 2, 4}, nil)
	near(t, "even", e.Params(), []float64{3, 2}, 1e-15)
	near(t, "standard errors", e.StdErr(), []float64{1, 1}, 1e-15)
	near(t, "log-likelihood", []float64{e.LogLikelihood()}, []float64{-4*math.Log(4) - 4}, 1e-15)
	e = fit(t, mle.Laplace{}, []float64{7, 1, 2}, []float64{1, 1, 3})
	near(t, "weighted", e.Params(), []float64{2, 6. / 5}, 1e-15)
}

func TestCategoricalClosed(t *testing.T) {
	e := fit(t, mle.Categorical{Classes: 3}, []float64{0, 2, 2, 1, 2}, nil)
	near(t, "probabilities", e.Params(), []float64{0.2, 0.2, 0.6}, 1e-15)
	near(t, "covariance", e.Covariance(), []float64{.032, -.008, -.024, -.008, .032, -.024, -.024, -.024, .048}, 1e-14)
	near(t, "log-likelihood", []float64{e.LogLikelihood()}, []float64{2*math.Log(.2) + 3*math.Log(.6)}, 1e-15)
	if e.Free() != 2 {
		t.Errorf("%d free parameters", e.Free())
	}
}

// Every density sums to 1 with its own distribution function, and its sampler draws from it.
func TestDistributions(t *testing.T) {
	for i, f := range families {
		d := dist(t, i, 1)
		if f.Discrete() {
			sum := 0.0
			for k := range 60 {
				x := float64(k)
				sum += math.Exp(d.LogProb(x))
				if math.Abs(sum-d.CDF(x)) > 1e-12 || math.Abs(sum+d.Survival(x)-1) > 1e-12 {
					t.Errorf("%v at %v: probabilities sum to %v, CDF %v, Survival %v", f, x, sum, d.CDF(x), d.Survival(x))
				}
			}
			if v := d.LogProb(0.5); !math.IsInf(v, -1) {
				t.Errorf("%v: log-probability of 0.5 is %v", f, v)
			}
			continue
		}
		for _, x := range []float64{0.2, 0.45, 0.7} {
			const h = 1e-5
			slope := (d.CDF(x+h) - d.CDF(x-h)) / (2 * h)
			if math.Abs(slope-math.Exp(d.LogProb(x))) > 1e-7 || math.Abs(d.CDF(x)+d.Survival(x)-1) > 1e-12 {
				t.Errorf("%v at %v: density %v, slope %v", f, x, math.Exp(d.LogProb(x)), slope)
			}
		}
		ks, err := mle.KolmogorovSmirnov(draw(t, i, 400, 3), nil, d)
		if err != nil || ks.PValue < 1e-3 {
			t.Errorf("%v: own sample has p-value %v, %v", f, ks.PValue, err)
		}
	}
}

// Sums of parts are those of the whole, repeats are weights, and 0 is absent.
func TestMergeAndWeights(t *testing.T) {
	for i, f := range families {
		x := draw(t, i, 150, 5)
		whole := fit(t, f, x, nil)
		parts := mle.NewStatistics(f)
		for lo := 0; lo < len(x); lo += 30 {
			s := mle.NewStatistics(f)
			if err := s.Add(x[lo:lo+30], nil); err != nil {
				t.Fatal(err)
			}
			if err := parts.Merge(s); err != nil {
				t.Fatal(err)
			}
		}
		merged, err := parts.Fit(background)
		if err != nil {
			t.Fatal(err)
		}
		near(t, title(f)+" merged", merged.Params(), whole.Params(), 1e-9)
		near(t, title(f)+" merged errors", merged.StdErr(), whole.StdErr(), 1e-8)

		w := make([]float64, len(x))
		var repeated []float64
		for j := range w {
			w[j] = float64(j % 4)
			for range j % 4 {
				repeated = append(repeated, x[j])
			}
		}
		weighted, plain := fit(t, f, x, w), fit(t, f, repeated, nil)
		near(t, title(f)+" weighted", weighted.Params(), plain.Params(), 1e-9)
		near(t, title(f)+" weighted errors", weighted.StdErr(), plain.StdErr(), 1e-8)
		near(t, title(f)+" weighted likelihood", []float64{weighted.LogLikelihood()}, []float64{plain.LogLikelihood()}, 1e-11)
	}
}

// The likelihood is that of the densities, and no neighbour is better.
func TestMaximum(t *testing.T) {
	for i, f := range families {
		x := draw(t, i, 200, 7)
		e := fit(t, f, x, nil)
		d, sum := e.Dist(nil), 0.0
		for _, v := range x {
			sum += d.LogProb(v)
		}
		near(t, title(f), []float64{e.LogLikelihood()}, []float64{sum}, 1e-11)
		for j, se := range e.StdErr() {
			if _, ok := f.(mle.Categorical); ok {
				break // does not move one alone
			}
			for _, step := range []float64{-0.01, 0.01} {
				theta := e.Params()
				theta[j] += step * se
				l, err := e.Statistics().LogLikelihood(theta)
				if flat := 1e-13 * math.Abs(l); err != nil || l > e.LogLikelihood()+flat {
					t.Errorf("%v: %v at %v, %v at the estimate %v; %v", f, l, theta, e.LogLikelihood(), e.Params(), err)
				}
			}
		}
	}
}

func TestStandardErrorsAgainstBootstrap(t *testing.T) {
	replicates := 300
	if testing.Short() {
		replicates = 100
	}
	tol := 4 / math.Sqrt(2*float64(replicates)) // four standard errors of a standard deviation
	for i, f := range families {
		x := draw(t, i, 600, 11)
		e := fit(t, f, x, nil)
		rng := floattest.Rand(uint64(i))
		var sum, square []float64
		w := make([]float64, len(x))
		for range replicates {
			clear(w)
			for range x {
				w[rng.IntN(len(x))]++
			}
			again := fit(t, f, x, w).Params()
			if sum == nil {
				sum, square = make([]float64, len(again)), make([]float64, len(again))
			}
			for j, v := range again {
				d := v - e.Params()[j]
				sum[j] += d
				square[j] += d * d
			}
		}
		r := float64(replicates)
		for j, se := range e.StdErr() {
			boot := math.Sqrt((square[j] - sum[j]*sum[j]/r) / (r - 1))
			if math.Abs(boot/se-1) > tol+0.08 { // the sample itself varies too
				t.Errorf("%v: standard error of parameter %d is %v, by bootstrap %v", f, j, se, boot)
			}
		}
	}
}

// Shapes of 10⁸ and data far from zero lose no digits.
func TestFarFromZero(t *testing.T) {
	x := draw(t, 0, 300, 13)
	moved := make([]float64, len(x))
	for i, v := range x {
		x[i] = math.Round(v*1024) / 1024
		moved[i] = x[i] + 1e9
	}
	a, b := fit(t, mle.Normal{}, x, nil), fit(t, mle.Normal{}, moved, nil)
	near(t, "sigma", b.Params()[1:], a.Params()[1:], 1e-12)
	near(t, "mu", []float64{b.Params()[0] - 1e9}, a.Params()[:1], 1e-6)

	// u = x/mean − 1 is small: log(mean) − mean(log) is the mean of u²/2 − u³/3 + u⁴/4.
	narrow, square, cube, fourth := make([]float64, len(x)), 0.0, 0.0, 0.0
	mean := 0.0
	for i, v := range x {
		narrow[i] = 1e4 + v - a.Params()[0]
		mean += (narrow[i] - 1e4) / float64(len(x))
	}
	mean += 1e4
	for _, v := range narrow {
		u := (v - mean) / mean
		square += u * u / float64(len(x))
		cube += u * u * u / float64(len(x))
		fourth += u * u * u * u / float64(len(x))
	}
	gap := square/2 - cube/3 + fourth/4
	shape := (1 + math.Sqrt(1+4*gap/3)) / (4 * gap) // 1/(2a) + 1/(12a²) = gap
	g := fit(t, mle.Gamma{}, narrow, nil)
	near(t, "gamma", g.Params(), []float64{shape, shape / mean}, 1e-9)
	near(t, "gamma's error", g.StdErr()[:1], []float64{shape * math.Sqrt(2/float64(len(x)))}, 1e-4)
	second := mle.NewStatistics(mle.Gamma{})
	for lo := 0; lo < len(narrow); lo += 100 {
		if err := second.Add(narrow[lo:lo+100], nil); err != nil {
			t.Fatal(err)
		}
	}
	merged, err := second.Fit(background)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "gamma, merged", merged.Params(), g.Params(), 1e-9)

	share := make([]float64, len(x))
	for i, v := range x {
		share[i] = 0.25 + (v-3)/1e5
	}
	bt := fit(t, mle.Beta{}, share, nil)
	// Nearly normal: alpha + beta + 1 = m(1−m)/variance.
	s := mle.NewStatistics(mle.Normal{})
	if err := s.Add(share, nil); err != nil {
		t.Fatal(err)
	}
	size := bt.Params()[0] + bt.Params()[1]
	near(t, "beta", []float64{size}, []float64{0.25 * 0.75 / s.BiasedVariance()}, 1e-3)
}

func TestVariances(t *testing.T) {
	s := mle.NewStatistics(mle.Normal{})
	if err := s.Add([]float64{1, 2, 6}, nil); err != nil {
		t.Fatal(err)
	}
	near(t, "variances", []float64{s.BiasedVariance(), s.BesselVariance()}, []float64{14. / 3, 7}, 1e-15)
	if s = mle.NewStatistics(mle.Gamma{}); !math.IsNaN(s.BiasedVariance()) {
		t.Error("a gamma distribution has a variance of another kind")
	}
}
