package mixture_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mixture"
	"github.com/gram-ml/gram/modeltest"
)

func TestConformanceBayesian(t *testing.T) {
	modeltest.Check(t, mixture.BayesianMixture{Components: 4, Covariance: mixture.Diagonal, Tol: 1e-3})
	if !testing.Short() {
		modeltest.Check(t, mixture.BayesianMixture{Components: 3, Weights: mixture.Dirichlet, NInit: 2, Tol: 1e-3})
	}
}

type bayesFile struct {
	Fits []struct {
		Kind, Prior                 string
		Columns, Iterations         int
		Scale, Mean                 []float64
		Weights, Means, Covariances []float64
		MeanPrecisions, Degrees     []float64
		Bound                       float64
	}
	Evidence []struct {
		Kind        string
		Mean, Scale []float64
		Evidence    float64
	}
}

func bayesGolden(t *testing.T) (f bayesFile) {
	t.Helper()
	text, err := os.ReadFile("testdata/bayes.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &f); err != nil || len(f.Fits) == 0 || len(f.Evidence) == 0 {
		t.Fatalf("%d and %d cases, error %v", len(f.Fits), len(f.Evidence), err)
	}
	return f
}

func TestBayesianGolden(t *testing.T) {
	priors := map[string]mixture.WeightPrior{"dirichlet_process": mixture.DirichletProcess, "dirichlet_distribution": mixture.Dirichlet}
	for _, c := range bayesGolden(t).Fits {
		t.Run(fmt.Sprintf("%s/%s/%d", c.Kind, c.Prior, c.Iterations), func(t *testing.T) {
			X := iris(t).Slice(0, 150, 4-c.Columns, 4)
			var means []float64
			for _, i := range []int{0, 50, 100, 75, 30} {
				means = append(means, X.Row(i)...)
			}
			m, err := mixture.BayesianMixture{
				Components: 5, Covariance: kinds[c.Kind], Weights: priors[c.Prior], Concentration: 0.3, Mean: c.Mean, MeanPrecision: 0.5,
				DegreesOfFreedom: float64(c.Columns) + 1.5, Scale: c.Scale, Means: means, KeepAll: true, MaxIter: c.Iterations, Tol: 1e-300,
			}.Fit(background, X, nil)
			if !errors.Is(err, gram.ErrNotConverged) {
				t.Fatal(err)
			}
			for name, pair := range map[string][2][]float64{
				"weights": {m.Weights(), c.Weights}, "means": {m.Means(), c.Means}, "covariances": {m.Covariances(), c.Covariances},
				"mean precisions": {m.MeanPrecisions(), c.MeanPrecisions}, "degrees of freedom": {m.DegreesOfFreedom(), c.Degrees},
				"bound": {{m.LowerBound()}, {c.Bound}},
			} {
				if d := distance(pair[0], pair[1]); !(d <= 1e-8) {
					t.Errorf("%s differ by %g", name, d)
				}
			}
		})
	}
}

// With one component nothing is approximated, and the bound is the evidence.
func TestBayesianEvidence(t *testing.T) {
	X := every(iris(t), 5)
	for _, c := range bayesGolden(t).Evidence {
		m, err := mixture.BayesianMixture{
			Components: 1, Covariance: kinds[c.Kind], Weights: mixture.Dirichlet, Mean: c.Mean, MeanPrecision: 0.5, DegreesOfFreedom: 5.5, Scale: c.Scale,
		}.Fit(background, X, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := math.Abs(m.LowerBound()-c.Evidence) / math.Abs(c.Evidence); !(d <= 1e-10) {
			t.Errorf("%s: bound %v, evidence %v", c.Kind, m.LowerBound(), c.Evidence)
		}
	}
}

// No round lowers the bound, in any shape and with weights.
func TestBayesianMonotone(t *testing.T) {
	seeds := uint64(6)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 1))
		X := random(rng, 100+rng.IntN(100), 1+rng.IntN(4))
		w := make([]float64, X.Rows)
		for i := range w {
			w[i] = 2 * rng.Float64()
		}
		for _, kind := range kinds {
			for _, prior := range []mixture.WeightPrior{mixture.DirichletProcess, mixture.Dirichlet} {
				m, err := mixture.BayesianMixture{Components: 5, Covariance: kind, Weights: prior, Seed: seed, MaxIter: 60, Tol: 1e-9}.Fit(background, X, w)
				if err != nil && !errors.Is(err, gram.ErrNotConverged) {
					t.Fatalf("seed %d, %v, %v: %v", seed, kind, prior, err)
				}
				h := m.History()
				for i := 1; i < len(h); i++ {
					if h[i] < h[i-1]-1e-11*(1+math.Abs(h[i])) {
						t.Errorf("seed %d, %v, %v: the bound falls from %v to %v in iteration %d", seed, kind, prior, h[i-1], h[i], i)
					}
				}
			}
		}
	}
}

// Of ten components those are left that the data have.
func TestBayesianPrunes(t *testing.T) {
	truth := planted(t)
	rows, _ := truth.Sample(rand.New(rand.NewPCG(1, 2)), 1200)
	X := linalg.NewDense(1200, 2, rows)
	for _, prior := range []mixture.WeightPrior{mixture.DirichletProcess, mixture.Dirichlet} {
		m, err := mixture.BayesianMixture{Weights: prior, Concentration: 1e-3}.Fit(background, X, nil)
		if err != nil {
			t.Fatalf("%v: %v", prior, err)
		}
		if m.Components() != 2 {
			t.Errorf("%v: %d components, want 2: %v", prior, m.Components(), m.Rows())
			continue
		}
		first := 0
		if m.Weights()[0] > 0.5 {
			first = 1
		}
		if d := math.Abs(m.Weights()[first] - 0.3); d > 0.03 {
			t.Errorf("%v: weights %v", prior, m.Weights())
		}
		if d := distance(m.Means()[2*first:2*first+2], []float64{0, 0}); d > 0.15 {
			t.Errorf("%v: means %v", prior, m.Means())
		}
		g, err := mixture.GaussianMixture{Components: 2, Start: m.Start()}.Fit(background, X, nil)
		if err != nil || g.Convergence().Iterations > 5 {
			t.Errorf("%v: EM from there: %+v, error %v", prior, g.Convergence(), err)
		}
	}
}

func TestBayesianHardData(t *testing.T) {
	same := linalg.NewDense[float64](20, 2, nil)
	for i := range same.Data {
		same.Data[i] = 3
	}
	for name, kind := range kinds {
		m, err := mixture.BayesianMixture{Covariance: kind}.Fit(background, same, nil)
		if err != nil {
			t.Errorf("%s: duplicates: %v", name, err)
			continue
		}
		if d := distance(m.Means()[:2], []float64{3, 3}); d > 1e-9 {
			t.Errorf("%s: means %v", name, m.Means())
		}
		// Far from zero it is the same.
		X := iris(t)
		near, err := mixture.BayesianMixture{Covariance: kind, Components: 4, Tol: 1e-3}.Fit(background, X, nil)
		if err != nil {
			t.Fatal(err)
		}
		far, err := mixture.BayesianMixture{Covariance: kind, Components: 4, Tol: 1e-3}.Fit(background, added(X, 1e8), nil)
		if err != nil || math.Abs(near.LowerBound()-far.LowerBound()) > 1e-3 {
			t.Errorf("%s: bound %v, of rows far from zero %v, error %v", name, near.LowerBound(), far.LowerBound(), err)
		}
	}
}

func TestBadBayesian(t *testing.T) {
	X := iris(t)
	four := make([]float64, 4)
	for want, g := range map[string]mixture.BayesianMixture{
		"-1 components":                          {Components: -1},
		"151 components of 150 rows":             {Components: 151},
		"Covariance(9)":                          {Covariance: 9},
		"WeightPrior(9)":                         {Weights: 9},
		"Init(9)":                                {Init: 9},
		"Concentration is -1":                    {Concentration: -1},
		"MeanPrecision is NaN":                   {MeanPrecision: math.NaN()},
		"DegreesOfFreedom is 3, must be above 3": {DegreesOfFreedom: 3},
		"Mean has length 1":                      {Mean: []float64{1}},
		"Mean[0] is NaN":                         {Mean: []float64{math.NaN(), 0, 0, 0}},
		"Means has length 4":                     {Components: 2, Means: four},
		"Scale has length 4":                     {Scale: four},
		"Scale is not positive definite":         {Covariance: mixture.Diagonal, Scale: four},
		"MaxIter -1":                             {MaxIter: -1},
		"Tol is -1":                              {Tol: -1},
	} {
		_, err := g.Fit(background, X, nil)
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, gram.ErrParam) && !errors.Is(err, gram.ErrShape) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
