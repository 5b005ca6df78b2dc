package mixture_test

import (
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
	"github.com/gram-ml/gram/mle"
	"github.com/gram-ml/gram/modeltest"
)

func TestConformanceStudent(t *testing.T) {
	modeltest.Check(t, mixture.StudentMixture{Components: 2, Covariance: mixture.Diagonal, Nu: 5})
	if !testing.Short() {
		modeltest.Check(t, mixture.StudentMixture{})
		modeltest.Check(t, mixture.StudentMixture{Components: 3, NInit: 2, Tol: 1e-2})
	}
}

type studentCase struct {
	Kind                                        string
	Nu                                          float64
	Iterations                                  int
	Precisions, Weights, Means, Scales, Degrees []float64
	LogDensity, Responsibilities                []float64
	Score, BIC                                  float64
}

func TestStudentGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/student.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		RegCovar float64
		X, W     []float64
		Cases    []studentCase
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Cases) == 0 {
		t.Fatalf("%d cases, error %v", len(file.Cases), err)
	}
	X := linalg.NewDense(150, 4, file.X)
	means := append(append(append([]float64{}, X.Row(1)...), X.Row(51)...), X.Row(101)...)
	for _, c := range file.Cases {
		t.Run(c.Kind+"/"+strconv.Itoa(c.Iterations), func(t *testing.T) {
			m, err := mixture.StudentMixture{
				Components: 3, Covariance: kinds[c.Kind], Nu: c.Nu, RegCovar: file.RegCovar, MaxIter: c.Iterations, Tol: 1e-300,
				Start: &mixture.Start{Weights: []float64{0.2, 0.3, 0.5}, Means: means, Precisions: c.Precisions},
			}.Fit(background, X, file.W)
			if !errors.Is(err, gram.ErrNotConverged) {
				t.Fatal(err)
			}
			some := every(X, 10)
			logs, _ := m.LogDensity(nil, some)
			shares, _ := m.Responsibilities(nil, some)
			for name, pair := range map[string][2][]float64{
				"weights": {m.Weights(), c.Weights}, "means": {m.Means(), c.Means}, "scales": {m.Scales(), c.Scales},
				"degrees of freedom": {m.DegreesOfFreedom(), c.Degrees},
				"log-densities":      {logs, c.LogDensity}, "responsibilities": {shares, c.Responsibilities},
				"criteria": {{m.LogLikelihood(), m.BIC()}, {c.Score, c.BIC}},
			} {
				if d := distance(pair[0], pair[1]); !(d <= 1e-8) {
					t.Errorf("%s differ by %g", name, d)
				}
			}
		})
	}
}

// No round lowers the likelihood.
func TestStudentMonotone(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 1))
		X := random(rng, 150+rng.IntN(100), 1+rng.IntN(4))
		for _, kind := range kinds {
			m, err := mixture.StudentMixture{Components: 1 + rng.IntN(3), Covariance: kind, NoRegCovar: true, Tol: 1e-9, MaxIter: 40, Seed: seed}.Fit(background, X, nil)
			var collapse *mixture.CollapseError
			if errors.As(err, &collapse) {
				continue
			}
			if err != nil && !errors.Is(err, gram.ErrNotConverged) {
				t.Fatalf("seed %d, %v: %v", seed, kind, err)
			}
			h := m.History()
			for i := 1; i < len(h); i++ {
				if h[i] < h[i-1]-1e-9 {
					t.Errorf("seed %d, %v: the likelihood falls from %v to %v in iteration %d", seed, kind, h[i-1], h[i], i)
				}
			}
		}
	}
}

// One component in one column is Student's t by maximum likelihood.
func TestStudentOneComponent(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	x := make([]float64, 400)
	for i := range x {
		x[i] = 5 + 2*rng.NormFloat64()/math.Sqrt(rng.Float64())
	}
	e, err := mle.Fit(background, mle.StudentT{}, x, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mixture.StudentMixture{NoRegCovar: true, Tol: 1e-15, MaxIter: 5000}.Fit(background, linalg.NewDense(len(x), 1, x), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := []float64{m.Means()[0], math.Sqrt(m.Scales()[0]), m.DegreesOfFreedom()[0]}
	if d := distance(got, e.Params()); d > 1e-5 {
		t.Errorf("mu, sigma, nu = %v, want %v", got, e.Params())
	}
	if d := math.Abs(m.LogLikelihood()*400 - e.LogLikelihood()); d > 1e-8 {
		t.Errorf("log-likelihood %v, want %v", m.LogLikelihood()*400, e.LogLikelihood())
	}
}

// With many degrees of freedom it is the Gaussian mixture.
func TestStudentIsGaussian(t *testing.T) {
	X := iris(t)
	start := &mixture.Start{Means: append(append([]float64{}, X.Row(0)...), X.Row(100)...)}
	a, err := mixture.StudentMixture{Components: 2, Nu: 1e9, Start: start}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := mixture.GaussianMixture{Components: 2, Start: start}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := distance(a.Scales(), b.Covariances()); d > 1e-6 {
		t.Errorf("scales differ by %g", d)
	}
	if d := math.Abs(a.LogLikelihood() - b.LogLikelihood()); d > 1e-6 {
		t.Errorf("log-likelihoods differ by %g", d)
	}
}

// Outliers do not move it, as they do a Gaussian mixture; and what it has drawn gives it back.
func TestStudentOutliers(t *testing.T) {
	truth := planted(t)
	rows, _ := truth.Sample(rand.New(rand.NewPCG(1, 2)), 2000)
	for i := range 60 {
		rows[2*i], rows[2*i+1] = rows[2*i]+100*float64(i%7-3), rows[2*i+1]-80
	}
	X := linalg.NewDense(2000, 2, rows)
	m, err := mixture.StudentMixture{Components: 2, Start: truth.Start(), Tol: 1e-5, MaxIter: 500}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := distance(m.Means(), truth.Means()); d > 0.1 {
		t.Errorf("means %v, want %v", m.Means(), truth.Means())
	}
	g, err := mixture.GaussianMixture{Components: 2, Start: truth.Start(), Tol: 1e-5, MaxIter: 500}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := distance(g.Means(), truth.Means()); d < 1 {
		t.Errorf("a Gaussian mixture is not moved: this test shows nothing")
	}
	drawn, _ := m.Sample(rand.New(rand.NewPCG(5, 5)), 3000)
	again, err := mixture.StudentMixture{Components: 2, Start: m.Start(), Tol: 1e-5, MaxIter: 500}.Fit(background, linalg.NewDense(3000, 2, drawn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := distance(again.Means(), m.Means()); d > 0.1 {
		t.Errorf("means drawn again %v, want %v", again.Means(), m.Means())
	}
	if d := distance(again.DegreesOfFreedom(), m.DegreesOfFreedom()); d > 0.2 {
		t.Errorf("degrees of freedom drawn again %v, want %v", again.DegreesOfFreedom(), m.DegreesOfFreedom())
	}
}

func TestStudentCollapse(t *testing.T) {
	X := random(rand.New(rand.NewPCG(5, 6)), 130, 2)
	for i := range 30 {
		X.Set(i, 0, 9)
		X.Set(i, 1, 9)
	}
	g := mixture.StudentMixture{Components: 2, NoRegCovar: true, Start: &mixture.Start{Means: []float64{9, 9, 1, 1}}, MaxIter: 500}
	_, err := g.Fit(background, X, nil)
	var c *mixture.CollapseError
	if !errors.As(err, &c) || c.Component != 0 || c.Cause != mixture.Degenerate {
		t.Errorf("error %v", err)
	}
	g.NoRegCovar = false
	if m, err := g.Fit(background, X, nil); err != nil && !errors.Is(err, gram.ErrNotConverged) || m.LogLikelihood()-m.LogLikelihood() != 0 {
		t.Errorf("regularised: %v", err)
	}
}

func TestBadStudents(t *testing.T) {
	X := iris(t)
	means := make([]float64, 4)
	for want, g := range map[string]mixture.StudentMixture{
		"-1 components":                    {Components: -1},
		"Nu is -1":                         {Nu: -1},
		"Nu is NaN":                        {Nu: math.NaN()},
		"start has 2 degrees of freedom":   {Start: &mixture.Start{Means: means, DegreesOfFreedom: means[:2]}},
		"start's DegreesOfFreedom[0] is 0": {Start: &mixture.Start{Means: means, DegreesOfFreedom: means[:1]}},
		"151 components of 150 rows":       {Components: 151},
	} {
		_, err := g.Fit(background, X, nil)
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, gram.ErrParam) && !errors.Is(err, gram.ErrShape) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
