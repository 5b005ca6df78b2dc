package mixture_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mixture"
)

var background = context.Background()

func iris(t testing.TB) *linalg.Dense[float64] {
	t.Helper()
	text, err := os.ReadFile("testdata/iris.csv")
	if err != nil {
		t.Fatal(err)
	}
	var data []float64
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, f := range strings.Split(strings.TrimSpace(line), ",") {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				t.Fatal(err)
			}
			data = append(data, v)
		}
	}
	return linalg.NewDense(len(data)/4, 4, data)
}

type gaussianCase struct {
	Kind                                    string
	Iterations                              int
	Precisions, Weights, Means, Covariances []float64
	LogDensity, Responsibilities            []float64
	Score, BIC, AIC                         float64
}

type kmeansCase struct {
	Init, Centers []float64
	Inertia       float64
	Labels        []int
}

func golden(t *testing.T) (g []gaussianCase, k []kmeansCase) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Gaussian []gaussianCase
		KMeans   []kmeansCase
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Gaussian) == 0 || len(file.KMeans) == 0 {
		t.Fatal("no golden cases")
	}
	return file.Gaussian, file.KMeans
}

// distance returns the largest difference, relative to 1 + |b|.
func distance(a, b []float64) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	worst := 0.0
	for i := range a {
		if d := math.Abs(a[i]-b[i]) / (1 + math.Abs(b[i])); !(d <= worst) {
			worst = d
		}
	}
	return worst
}

var kinds = map[string]mixture.Covariance{
	"full": mixture.Full, "tied": mixture.Tied, "diag": mixture.Diagonal, "spherical": mixture.Spherical,
}

func every(X *linalg.Dense[float64], step int) *linalg.Dense[float64] {
	out := &linalg.Dense[float64]{Cols: X.Cols, Stride: X.Cols}
	for i := 0; i < X.Rows; i += step {
		out.Data = append(out.Data, X.Row(i)...)
		out.Rows++
	}
	return out
}

func added(X *linalg.Dense[float64], v float64) *linalg.Dense[float64] {
	out := linalg.CopyOf[float64](X)
	for i := range out.Data {
		out.Data[i] += v
	}
	return out
}

func (c gaussianCase) trainer(X *linalg.Dense[float64]) mixture.GaussianMixture {
	var means []float64
	for _, i := range []int{0, 50, 100} {
		means = append(means, X.Row(i)...)
	}
	return mixture.GaussianMixture{
		Components: 3, Covariance: kinds[c.Kind], MaxIter: c.Iterations, Tol: 1e-12,
		Start: &mixture.Start{Means: means, Precisions: c.Precisions},
	}
}

func TestGaussianGolden(t *testing.T) {
	X := iris(t)
	cases, _ := golden(t)
	for _, c := range cases {
		t.Run(c.Kind+"/"+strconv.Itoa(c.Iterations), func(t *testing.T) {
			m, err := c.trainer(X).Fit(background, X, nil)
			if short := c.Iterations < 1000; short != errors.Is(err, gram.ErrNotConverged) || !short && err != nil {
				t.Fatal(err)
			}
			// Where the iteration stopped by itself, parameters may be as far as the
			// likelihood's flatness lets them.
			tol := 1e-8
			if err == nil {
				tol = 1e-4
			}
			for name, pair := range map[string][2][]float64{
				"weights": {m.Weights(), c.Weights}, "means": {m.Means(), c.Means}, "covariances": {m.Covariances(), c.Covariances},
			} {
				if d := distance(pair[0], pair[1]); !(d <= tol) {
					t.Errorf("%s differ by %g", name, d)
				}
			}
			if d := math.Abs(m.LogLikelihood() - c.Score); !(d <= 1e-8) {
				t.Errorf("log-likelihood differs by %g", d)
			}
			if d := distance([]float64{m.BIC(), m.AIC()}, []float64{c.BIC, c.AIC}); !(d <= 1e-8) {
				t.Errorf("BIC %v, AIC %v, want %v and %v", m.BIC(), m.AIC(), c.BIC, c.AIC)
			}
			some := every(X, 10)
			logs, _ := m.LogDensity(nil, some)
			shares, _ := m.Responsibilities(nil, some)
			if d := distance(logs, c.LogDensity); !(d <= 10*tol) {
				t.Errorf("log-densities differ by %g", d)
			}
			if d := distance(shares, c.Responsibilities); !(d <= 10*tol) {
				t.Errorf("responsibilities differ by %g", d)
			}
		})
	}
}

// Far from zero the fit is the same, but for the rounding of the data themselves.
func TestFarFromZero(t *testing.T) {
	X := iris(t)
	cases, _ := golden(t)
	far := added(X, 1e8)
	for _, c := range cases {
		m, err := c.trainer(far).Fit(background, far, nil)
		if err != nil && !errors.Is(err, gram.ErrNotConverged) {
			t.Fatalf("%s: %v", c.Kind, err)
		}
		if d := math.Abs(m.LogLikelihood() - c.Score); !(d <= 1e-6) {
			t.Errorf("%s after %d iterations: log-likelihood differs by %g", c.Kind, c.Iterations, d)
		}
	}
}

func TestKnownLikelihood(t *testing.T) {
	X := iris(t)
	cases, _ := golden(t)
	for _, c := range cases {
		if c.Kind == "full" && c.Iterations == 1000 {
			m, err := c.trainer(X).Fit(background, X, nil)
			if err != nil || math.Abs(m.LogLikelihood() - -1.243796401) > 1e-8 {
				t.Errorf("log-likelihood %v, error %v", m.LogLikelihood(), err)
			}
		}
	}
}

func TestSelectK(t *testing.T) {
	s, err := mixture.SelectK(background, mixture.GaussianMixture{NInit: 20, MaxIter: 1000, Tol: 1e-8, Seed: 1}, iris(t), nil, []int{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	if s.Best.Components() != 2 || len(s.Table) != 3 {
		t.Fatalf("chose %d of %v", s.Best.Components(), s.Table)
	}
	for i, want := range map[int]float64{1: 574.0178, 2: 580.8389} {
		if got := s.Table[i].BIC; math.Abs(got-want) > 2e-3 {
			t.Errorf("BIC of %d components is %v, want %v", i+1, got, want)
		}
	}
	for _, c := range s.Table {
		if c.ICL < c.BIC-1e-9 || c.AIC > c.BIC {
			t.Errorf("criteria %+v", c)
		}
	}
	if _, err := mixture.SelectK(background, mixture.GaussianMixture{}, iris(t), nil, nil); !errors.Is(err, gram.ErrParam) {
		t.Errorf("no ks: %v", err)
	}
	if _, err := mixture.SelectK(background, mixture.GaussianMixture{}, iris(t), nil, []int{0}); !errors.Is(err, gram.ErrParam) {
		t.Errorf("k = 0: %v", err)
	}
	same := linalg.NewDense[float64](9, 2, nil)
	var c *mixture.CollapseError
	if _, err := mixture.SelectK(background, mixture.GaussianMixture{NoRegCovar: true}, same, nil, []int{1}); !errors.As(err, &c) {
		t.Errorf("duplicates: %v", err)
	}
}

// One component is the maximum-likelihood normal distribution.
func TestOneComponent(t *testing.T) {
	X := iris(t)
	m, err := mixture.GaussianMixture{NoRegCovar: true}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	mean, cov := make([]float64, 4), make([]float64, 16)
	for i := range X.Rows {
		for j, v := range X.Row(i) {
			mean[j] += v / float64(X.Rows)
		}
	}
	for i := range X.Rows {
		for a, v := range X.Row(i) {
			for b, u := range X.Row(i) {
				cov[a*4+b] += (v - mean[a]) * (u - mean[b]) / float64(X.Rows)
			}
		}
	}
	if d := distance(m.Means(), mean); d > 1e-12 {
		t.Errorf("means differ by %g", d)
	}
	if d := distance(m.Covariances(), cov); d > 1e-12 {
		t.Errorf("covariances differ by %g", d)
	}
}

func random(rng *rand.Rand, n, d int) *linalg.Dense[float64] {
	X := linalg.NewDense[float64](n, d, nil)
	for i := range n {
		shift := float64(rng.IntN(4))
		for j := range d {
			X.Set(i, j, shift*float64(j%3)+rng.NormFloat64()*math.Pow(10, float64(j%3-1)))
		}
	}
	return X
}

// The likelihood never falls, whatever the data.
func TestMonotone(t *testing.T) {
	fits := 0
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		X := random(rng, 150+rng.IntN(200), 1+rng.IntN(5))
		w := make([]float64, X.Rows)
		for i := range w {
			w[i] = rng.Float64()
		}
		for _, kind := range kinds {
			m, err := mixture.GaussianMixture{Components: 1 + rng.IntN(4), Covariance: kind, NoRegCovar: true, Tol: 1e-9, MaxIter: 60, Seed: seed}.Fit(background, X, w)
			var collapse *mixture.CollapseError
			if errors.As(err, &collapse) {
				continue // few rows and nothing that holds the variances up
			}
			if err != nil && !errors.Is(err, gram.ErrNotConverged) {
				t.Fatalf("seed %d, %v: %v", seed, kind, err)
			}
			fits++
			h := m.History()
			for i := 1; i < len(h); i++ {
				if h[i] < h[i-1]-1e-9 {
					t.Errorf("seed %d, %v: the likelihood falls from %v to %v in iteration %d", seed, kind, h[i-1], h[i], i)
				}
			}
			if m.LogLikelihood() != h[len(h)-1] {
				t.Errorf("likelihood %v, history ends with %v", m.LogLikelihood(), h[len(h)-1])
			}
		}
	}
	if fits < 40 {
		t.Errorf("only %d of 48 fits did not collapse", fits)
	}
}

// What a mixture has drawn gives it back.
func TestRecovers(t *testing.T) {
	truth := planted(t)
	rows, component := truth.Sample(rand.New(rand.NewPCG(1, 2)), 6000)
	X := linalg.NewDense(6000, 2, rows)
	m, err := mixture.GaussianMixture{Components: 2, Start: truth.Start(), Tol: 1e-8, MaxIter: 500}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := distance(m.Weights(), truth.Weights()); d > 0.02 {
		t.Errorf("weights differ by %g", d)
	}
	if d := distance(m.Means(), truth.Means()); d > 0.05 {
		t.Errorf("means differ by %g", d)
	}
	if d := distance(m.Covariances(), truth.Covariances()); d > 0.06 {
		t.Errorf("covariances differ by %g", d)
	}
	// Components overlap; the truth itself does not tell all rows apart.
	misplaced := func(m *mixture.GaussianMixtureModel) (wrong int) {
		got, _ := m.Predict(nil, X)
		for i, c := range got {
			if c != component[i] {
				wrong++
			}
		}
		return wrong
	}
	if fitted, ideal := misplaced(m), misplaced(truth); fitted > ideal+15 {
		t.Errorf("%d of 6000 rows in another component, %d by the truth", fitted, ideal)
	}
}

// planted is a model with means (0,0) and (4,2).
func planted(t *testing.T) *mixture.GaussianMixtureModel {
	t.Helper()
	m, err := mixture.GaussianMixture{NoRegCovar: true}.FromStatistics(&mixture.Statistics{
		Origin: []float64{0, 0}, Total: 1, Weight: []float64{0.3, 0.7}, Mean: []float64{0, 0, 4, 2},
		Scatter: []float64{0.3, 0.15, 0.15, 0.6, 0.7, -0.2, -0.2, 0.35},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCollapse(t *testing.T) {
	same := linalg.NewDense[float64](20, 2, nil)
	for i := range same.Data {
		same.Data[i] = 3
	}
	_, err := mixture.GaussianMixture{Components: 2, NoRegCovar: true}.Fit(background, same, nil)
	var c *mixture.CollapseError
	if !errors.As(err, &c) || !errors.Is(err, gram.ErrSingular) || c.Cause != mixture.Degenerate {
		t.Errorf("duplicates: %v", err)
	}
	if want := "component 0 of weight 0.5 has no variance along column 0 in iteration 0: matrix is singular"; err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	if _, err := (mixture.GaussianMixture{Components: 2}).Fit(background, same, nil); err != nil {
		t.Errorf("duplicates, regularised: %v", err)
	}

	// 30 equal rows within others: a component shrinks onto them.
	X := random(rand.New(rand.NewPCG(5, 6)), 130, 2)
	for i := range 30 {
		X.Set(i, 0, 9)
		X.Set(i, 1, 9)
	}
	start := &mixture.Start{Means: []float64{9, 9, 1, 1}}
	for _, kind := range kinds {
		g := mixture.GaussianMixture{Components: 2, Covariance: kind, NoRegCovar: true, Start: start, MaxIter: 500}
		_, err := g.Fit(background, X, nil)
		if kind == mixture.Tied {
			if err != nil {
				t.Errorf("tied: %v", err)
			}
			continue
		}
		if !errors.As(err, &c) || c.Component != 0 || c.Cause != mixture.Degenerate || c.Iteration < 1 {
			t.Errorf("%v: %v", kind, err)
		}
		g.OnCollapse = mixture.Repair
		m, err := g.Fit(background, X, nil)
		switch {
		case errors.As(err, &c): // it may fall into the same hole each time
		case err != nil:
			t.Errorf("%v repaired: %v", kind, err)
		case len(m.Repairs()) == 0 || m.Repairs()[0].Component != 0:
			t.Errorf("%v: repairs %v", kind, m.Repairs())
		}
		g.Prior = &mixture.CovariancePrior{}
		if _, err := g.Fit(background, X, nil); err != nil {
			t.Errorf("%v with a prior: %v", kind, err)
		}
	}
}

func TestEmptyComponent(t *testing.T) {
	X := iris(t)
	one := make([]float64, 16)
	for j := range 4 {
		one[5*j] = 1
	}
	start := &mixture.Start{
		Means:      []float64{5, 3, 1, 0, 6, 3, 5, 2, 1e4, 1e4, 1e4, 1e4},
		Precisions: append(append(append([]float64{}, one...), one...), one...),
	}
	g := mixture.GaussianMixture{Components: 3, Start: start}
	_, err := g.Fit(background, X, nil)
	var c *mixture.CollapseError
	if !errors.As(err, &c) || c.Component != 2 || c.Cause != mixture.Empty || !strings.Contains(err.Error(), "component 2 of weight 0 is empty in iteration 1") {
		t.Fatalf("error %v", err)
	}
	g.OnCollapse = mixture.Repair
	m, err := g.Fit(background, X, nil)
	if err != nil || len(m.Repairs()) != 1 || m.Weights()[2] < 0.01 {
		t.Errorf("repaired: %v", err)
	}
}

// Pieces add up to the whole, whatever their order.
func TestStatistics(t *testing.T) {
	X := iris(t)
	for _, kind := range kinds {
		g := mixture.GaussianMixture{Components: 3, Covariance: kind, MaxIter: 1}
		m, err := g.Fit(background, X, nil)
		if !errors.Is(err, gram.ErrNotConverged) {
			t.Fatal(err)
		}
		var whole, left, right mixture.Statistics
		for _, err := range []error{
			whole.Add(background, m, X, nil),
			left.Add(background, m, X.Slice(0, 60, 0, 4), nil), right.Add(background, m, X.Slice(60, 150, 0, 4), nil),
			left.Merge(&right),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for name, pair := range map[string][2][]float64{
			"weight": {left.Weight, whole.Weight}, "mean": {left.Mean, whole.Mean}, "scatter": {left.Scatter, whole.Scatter},
			"sums": {{left.Total, left.LogLikelihood, left.Entropy}, {whole.Total, whole.LogLikelihood, whole.Entropy}},
		} {
			if d := distance(pair[0], pair[1]); d > 1e-11 {
				t.Errorf("%v: %s differs by %g", kind, name, d)
			}
		}
		next, err := g.FromStatistics(&left)
		if err != nil {
			t.Fatal(err)
		}
		g.Start = m.Start()
		want, _ := g.Fit(background, X, nil)
		if d := distance(next.Covariances(), want.Covariances()); d > 1e-9 {
			t.Errorf("%v: one round differs from one iteration by %g", kind, d)
		}
		left.Scale(0.5)
		again, err := g.FromStatistics(&left)
		if err != nil || distance(again.Covariances(), next.Covariances()) > 1e-12 {
			t.Errorf("%v: scaled statistics give another model", kind)
		}
	}
	var s mixture.Statistics
	if _, err := (mixture.GaussianMixture{}).FromStatistics(&s); !errors.Is(err, gram.ErrShape) {
		t.Errorf("no statistics: %v", err)
	}
}

func TestThreshold(t *testing.T) {
	X := iris(t)
	m, err := mixture.GaussianMixture{Components: 2}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	limit, err := mixture.Threshold(m, X, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	scores, _ := m.LogDensity(nil, X)
	below := 0
	for _, v := range scores {
		if v < limit {
			below++
		}
	}
	if below != 15 {
		t.Errorf("%d of 150 rows below the threshold", below)
	}
	if _, err := mixture.Threshold(m, X, 1.5); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), "quantile 1.5") {
		t.Errorf("q = 1.5: %v", err)
	}
	if _, err := mixture.Threshold(m, X.Slice(0, 0, 0, 4), 0.5); !errors.Is(err, gram.ErrShape) {
		t.Errorf("no rows: %v", err)
	}
}

func TestBadTrainers(t *testing.T) {
	X := iris(t)
	for want, g := range map[string]mixture.GaussianMixture{
		"-1 components":                        {Components: -1},
		"151 components of 150 rows":           {Components: 151},
		"Covariance(9)":                        {Covariance: 9},
		"Init(9)":                              {Init: 9},
		"OnCollapse(9)":                        {OnCollapse: 9},
		"Tol is NaN":                           {Tol: math.NaN()},
		"RegCovar is -1":                       {RegCovar: -1},
		"NInit -1":                             {NInit: -1},
		"DegreesOfFreedom is -1":               {Prior: &mixture.CovariancePrior{DegreesOfFreedom: -1}},
		"prior's Scale has length 1":           {Prior: &mixture.CovariancePrior{Scale: []float64{1}}},
		"start has 3 means":                    {Start: &mixture.Start{Means: make([]float64, 3)}},
		"start has 2 weights":                  {Start: &mixture.Start{Means: make([]float64, 4), Weights: make([]float64, 2)}},
		"start has 1 precisions":               {Start: &mixture.Start{Means: make([]float64, 4), Precisions: []float64{1}}},
		"precision 0 is not positive definite": {Start: &mixture.Start{Means: make([]float64, 4), Precisions: make([]float64, 16)}},
	} {
		_, err := g.Fit(background, X, nil)
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, gram.ErrParam) && !errors.Is(err, gram.ErrShape) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
