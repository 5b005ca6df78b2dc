package mixture_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mixture"
	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/sparse"
)

var countKinds = map[string]mixture.Counts{
	"poisson": mixture.Poisson, "bernoulli": mixture.Bernoulli, "multinomial": mixture.Multinomial,
}

var plantedWeights = []float64{0.5, 0.3, 0.2}

// plantedRates are those of three components and four columns.
func plantedRates(kind mixture.Counts) []float64 {
	rates := []float64{
		0.9, 0.1, 0.5, 0.2,
		0.1, 0.8, 0.3, 0.1,
		0.2, 0.2, 0.9, 0.9,
	}
	for c := range 3 {
		row, scale := rates[c*4:(c+1)*4], 1.0
		switch kind {
		case mixture.Poisson:
			scale = 10
		case mixture.Multinomial:
			scale = 1 / (row[0] + row[1] + row[2] + row[3])
		}
		for j := range row {
			row[j] *= scale
		}
	}
	return rates
}

// plantedCounts draws n rows of those components.
func plantedCounts(kind mixture.Counts, n int) *linalg.Dense[float64] {
	rng := rand.New(rand.NewPCG(4, 5))
	pick := func(p []float64) int {
		u, i := rng.Float64(), 0
		for ; i < len(p)-1 && u >= p[i]; i++ {
			u -= p[i]
		}
		return i
	}
	X, rates := linalg.NewDense[float64](n, 4, nil), plantedRates(kind)
	for i := range n {
		c := pick(plantedWeights)
		x, r := X.Row(i), rates[c*4:(c+1)*4]
		if kind == mixture.Multinomial {
			for range 15 {
				x[pick(r)]++
			}
			continue
		}
		for j, v := range r {
			if kind == mixture.Poisson {
				x[j] = distuv.Poisson{Lambda: v, Src: rng}.Rand()
			} else if rng.Float64() < v {
				x[j] = 1
			}
		}
	}
	return X
}

func TestConformanceCounts(t *testing.T) {
	for name, kind := range countKinds {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && kind == mixture.Bernoulli {
				t.Skip("the same code as poisson")
			}
			data := modeltest.Generate(func(rows int) modeltest.Data { return modeltest.Data{X: plantedCounts(kind, rows)} })
			modeltest.Check(t, mixture.CountMixture{Counts: kind, Components: 3, NInit: 2}, data)
			if kind == mixture.Poisson {
				// One component is found in the first round.
				modeltest.Check(t, mixture.CountMixture{}, data, modeltest.Skip("limit", "converges in 1 iteration"))
			}
		})
	}
}

type countCase struct {
	Kind                         string
	Columns, Iterations          int
	X, W, Start                  []float64
	Weights, Rates               []float64
	LogDensity, Responsibilities []float64
	Score, BIC, AIC, ICL         float64
}

func TestCountsGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/counts.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Smoothing float64
		Cases     []countCase
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Cases) == 0 {
		t.Fatalf("%d cases, error %v", len(file.Cases), err)
	}
	for _, c := range file.Cases {
		t.Run(c.Kind+"/"+strconv.Itoa(c.Iterations), func(t *testing.T) {
			X := linalg.NewDense(len(c.X)/c.Columns, c.Columns, c.X)
			start := &mixture.CountStart{Weights: plantedWeights, Rates: c.Start}
			var m *mixture.CountMixtureModel
			// The likelihood may stop to change by chance, while the parameters still do.
			for left := c.Iterations; left > 0; left -= m.Convergence().Iterations {
				m, err = mixture.CountMixture{
					Components: 3, Counts: countKinds[c.Kind], Smoothing: file.Smoothing, MaxIter: left, Tol: 1e-300, Start: start,
				}.Fit(background, X, c.W)
				if err != nil && !errors.Is(err, gram.ErrNotConverged) {
					t.Fatal(err)
				}
				start = m.Start()
			}
			logs, _ := m.LogDensity(nil, X)
			shares, _ := m.Responsibilities(nil, X)
			for name, pair := range map[string][2][]float64{
				"weights": {m.Weights(), c.Weights}, "rates": {m.Rates(), c.Rates},
				"log-densities": {logs, c.LogDensity}, "responsibilities": {shares, c.Responsibilities},
				"criteria": {{m.LogLikelihood(), m.BIC(), m.AIC(), m.ICL()}, {c.Score, c.BIC, c.AIC, c.ICL}},
			} {
				if d := distance(pair[0], pair[1]); !(d <= 1e-9) {
					t.Errorf("%s differ by %g", name, d)
				}
			}
		})
	}
}

// A sparse X gives the model of the dense one.
func TestCountsSparse(t *testing.T) {
	for name, kind := range countKinds {
		X := plantedCounts(kind, 300)
		S, err := sparse.FromDense[float64](X, 0)
		if err != nil {
			t.Fatal(err)
		}
		g := mixture.CountMixture{Components: 3, Counts: kind, Seed: 2}
		a, err := g.Fit(background, X, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := g.Fit(background, S, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := distance(a.Rates(), b.Rates()); d > 1e-9 {
			t.Errorf("%s: rates differ by %g", name, d)
		}
	}
}

// What components have drawn gives them back, and no round lowers the posterior.
func TestCountsRecover(t *testing.T) {
	for name, kind := range countKinds {
		n, rounds := 4000, 0
		if kind == mixture.Bernoulli {
			n = 20000 // four bits a row say little
		}
		last := math.Inf(-1)
		start := plantedRates(kind)
		m, err := mixture.CountMixture{
			Components: 3, Counts: kind, Tol: 1e-7, MaxIter: 500, Start: &mixture.CountStart{Rates: start},
			Progress: func(p gram.Progress) {
				rounds++
				if -p.Objective < last-1e-12 {
					t.Errorf("%s: round %d lowers the posterior from %v to %v", name, rounds, last, -p.Objective)
				}
				last = -p.Objective
			},
		}.Fit(background, plantedCounts(kind, n), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d := distance(m.Weights(), plantedWeights); d > 0.04 {
			t.Errorf("%s: weights %.3f", name, m.Weights())
		}
		if d := distance(m.Rates(), plantedRates(kind)); d > 0.06 {
			t.Errorf("%s: rates %.3f", name, m.Rates())
		}
		// Its own rows give the model once more.
		rows, component := m.Sample(rand.New(rand.NewPCG(1, 1)), n, 15)
		again, err := mixture.CountMixture{Components: 3, Counts: kind, Start: m.Start(), Tol: 1e-7, MaxIter: 500}.Fit(background, linalg.NewDense(n, 4, rows), nil)
		if err != nil || distance(again.Rates(), m.Rates()) > 0.06 {
			t.Errorf("%s: drawn again: rates %.3f, want %.3f, error %v", name, again.Rates(), m.Rates(), err)
		}
		first := 0
		for _, c := range component {
			if c == 0 {
				first++
			}
		}
		if share := float64(first) / float64(n); math.Abs(share-m.Weights()[0]) > 0.03 {
			t.Errorf("%s: %v of rows drawn from a component of weight %v", name, share, m.Weights()[0])
		}
	}
}

// One component has the mean of the columns.
func TestCountsOneComponent(t *testing.T) {
	X := linalg.NewDense(4, 2, []float64{3, 0, 1, 2, 0, 0, 2, 4})
	w := []float64{1, 2, 0, 1}
	for kind, want := range map[mixture.Counts][]float64{
		mixture.Poisson: {7. / 4, 8. / 4}, mixture.Multinomial: {7. / 15, 8. / 15},
	} {
		m, err := mixture.CountMixture{Counts: kind, Smoothing: 1e-14}.Fit(background, X, w)
		if err != nil || distance(m.Rates(), want) > 1e-12 {
			t.Errorf("%v: rates %v, want %v, error %v", kind, m.Rates(), want, err)
		}
	}
}

func TestCountsExtremes(t *testing.T) {
	// A column of zeros, one of ones, and rates as near to 0 and 1 as they get.
	X := linalg.NewDense(3, 3, []float64{0, 1, 1, 0, 1, 0, 0, 1, 1})
	for name, kind := range countKinds {
		m, err := mixture.CountMixture{Components: 2, Counts: kind, Smoothing: 1e-320}.Fit(background, X, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if v := m.LogLikelihood(); math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("%s: log-likelihood %v", name, v)
		}
		for _, c := range []struct {
			x    []float64
			want float64
		}{{[]float64{0.5, 1, 1}, math.Inf(-1)}, {[]float64{-1, 1, 1}, math.Inf(-1)}, {[]float64{math.Inf(1), 1, 1}, math.Inf(-1)}} {
			if v, err := m.LogDensityRow(c.x); err != nil || v != c.want {
				t.Errorf("%s: log-density at %v is %v, error %v", name, c.x, v, err)
			}
		}
		if v, _ := m.LogDensityRow([]float64{math.NaN(), 1, 1}); !math.IsNaN(v) {
			t.Errorf("%s: log-density at NaN is %v", name, v)
		}
	}
	// Rows without any count tell nothing about a multinomial component.
	zero := linalg.NewDense[float64](3, 2, nil)
	m, err := mixture.CountMixture{Counts: mixture.Multinomial}.Fit(background, zero, nil)
	if err != nil || !slices.Equal(m.Rates(), []float64{0.5, 0.5}) {
		t.Errorf("rates of rows of zeros: %v, error %v", m.Rates(), err)
	}
}

func TestCountsEmptyComponent(t *testing.T) {
	X := linalg.NewDense(6, 1, []float64{3, 4, 5, 4, 60, 61})
	g := mixture.CountMixture{Components: 2, Start: &mixture.CountStart{Rates: []float64{20, 1e9}}}
	_, err := g.Fit(background, X, nil)
	var c *mixture.CollapseError
	if !errors.As(err, &c) || c.Component != 1 || c.Cause != mixture.Empty || !strings.Contains(err.Error(), "component 1 of weight 0 is empty in iteration 1") {
		t.Fatalf("error %v", err)
	}
	g.OnCollapse = mixture.Repair
	m, err := g.Fit(background, X, nil)
	if err != nil || len(m.Repairs()) != 1 || distance(m.Rates(), []float64{4, 60.5}) > 0.01 {
		t.Errorf("repaired: rates %v, error %v", m.Rates(), err)
	}
}

func TestBadCounts(t *testing.T) {
	X := plantedCounts(mixture.Bernoulli, 20)
	rates := make([]float64, 4)
	for want, g := range map[string]mixture.CountMixture{
		"-1 components":           {Components: -1},
		"21 components of 20":     {Components: 21},
		"Counts(9)":               {Counts: 9},
		"OnCollapse(9)":           {OnCollapse: 9},
		"Smoothing is -1":         {Smoothing: -1},
		"MaxIter -1":              {MaxIter: -1},
		"Tol is NaN":              {Tol: math.NaN()},
		"start has 3 rates":       {Start: &mixture.CountStart{Rates: rates[:3]}},
		"start has 2 weights":     {Start: &mixture.CountStart{Weights: rates[:2], Rates: []float64{1, 1, 1, 1}}},
		"start's Weights[0] is 0": {Start: &mixture.CountStart{Weights: rates[:1], Rates: []float64{1, 1, 1, 1}}},
		"start's Rates[0] is 0":   {Start: &mixture.CountStart{Rates: rates}},
		"start's Rates[0] is 1":   {Counts: mixture.Bernoulli, Start: &mixture.CountStart{Rates: []float64{1, 1, 1, 1}}},
	} {
		_, err := g.Fit(background, X, nil)
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, gram.ErrParam) && !errors.Is(err, gram.ErrShape) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	X.Set(13, 2, 1.5)
	X.Set(15, 1, -1)
	for name, kind := range countKinds {
		_, err := mixture.CountMixture{Counts: kind}.Fit(background, X, nil)
		if !errors.Is(err, mixture.ErrSupport) || !strings.Contains(err.Error(), "row 13, column 2 is 1.5") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
