package ensemble_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/linalg"
)

func TestIsolationForestConformance(t *testing.T) {
	check(t, []any{ensemble.IsolationForest{Estimators: 3, MaxSamples: 16}})
}

func TestQuantileForestConformance(t *testing.T) {
	check(t, []any{ensemble.QuantileForest{Forest: ensemble.Forest{Estimators: 2, MaxDepth: 3}}}, missingIsAllowed)
}

type isolationFacts struct {
	Scores []float64
}

// The scores of rows far out, at the edge and in the middle are those of scikit-learn, whose
// trees are others: so many trees that the means agree.
func TestIsolationForestGolden(t *testing.T) {
	if testing.Short() {
		t.Skip("so many trees take a while")
	}
	facts := golden[isolationFacts](t, "isolation")
	X, _ := readData(t, "wine")
	m := must(ensemble.IsolationForest{Estimators: 3000, MaxSamples: 64}.Fit(background, X, nil))(t)
	scores := must(m.Anomaly(nil, X))(t)
	for i, want := range facts["wine"].Scores {
		if math.Abs(scores[i]-want) > 0.01 {
			t.Errorf("row %d has score %v, want %v", i, scores[i], want)
		}
	}
	row, err := m.AnomalyRow(X.Row(3))
	if err != nil || row != scores[3] {
		t.Errorf("row 3 alone has score %v, %v, want %v", row, err, scores[3])
	}
}

// Rows that lie apart are told from the others.
func TestIsolationForestFinds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	X := linalg.NewDense[float64](500, 3, nil)
	for i := range X.Data {
		X.Data[i] = rng.NormFloat64()
	}
	for i := range 5 {
		for j := range 3 {
			X.Set(i, j, 5+float64(i*(j+1)))
		}
	}
	m := must(ensemble.IsolationForest{}.Fit(background, X, nil))(t)
	scores := must(m.Anomaly(nil, X))(t)
	if apart, most := slices.Min(scores[:5]), slices.Max(scores[5:]); apart < most || apart < 0.6 {
		t.Errorf("the least score of an anomaly is %v, the largest of the others %v", apart, most)
	}
	same := must(ensemble.IsolationForest{Estimators: 3}.Fit(background, linalg.NewDense[float64](7, 2, nil), nil))(t)
	if s, err := same.AnomalyRow([]float64{1, 1}); err != nil || !near(s, 0.5, 1e-12) {
		t.Errorf("where all rows are the same the score is %v, %v", s, err)
	}
	single := must(ensemble.IsolationForest{Estimators: 3}.Fit(background, linalg.NewDense[float64](1, 2, nil), nil))(t)
	if s, err := single.AnomalyRow([]float64{1, 1}); err != nil || !near(s, 0.5, 1e-12) {
		t.Errorf("of a single row the score is %v, %v", s, err)
	}
	for _, bad := range []ensemble.IsolationForest{{Estimators: -2}, {MaxSamples: 1}} {
		if _, err := bad.Fit(background, X, nil); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), "want at least 1 and 2") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// Quantiles of a leaf that has all rows are those of the sample; in general they rise with q,
// and cover their part of new rows.
func TestQuantileForest(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	draw := func(n int) (*linalg.Dense[float64], []float64) {
		X, y := linalg.NewDense[float64](n, 2, nil), make([]float64, n)
		for i := range y {
			a, b := rng.Float64(), rng.Float64()
			X.Set(i, 0, a)
			X.Set(i, 1, b)
			y[i] = 3*a + (0.2+b)*rng.NormFloat64()
		}
		return X, y
	}
	X, y := draw(800)
	one := must(ensemble.QuantileForest{Forest: ensemble.Forest{Estimators: 3, MinLeaf: 1e6, NoBootstrap: true}}.Fit(background, X, y, nil))(t)
	sorted := slices.Sorted(slices.Values(y))
	for q, want := range map[float64]float64{0: sorted[0], 0.25: sorted[199], 0.5: sorted[399], 1: sorted[799]} {
		got := []float64{0}
		if err := one.QuantilesRow(got, X.Row(0), []float64{q}); err != nil || got[0] != want {
			t.Errorf("quantile %v of all rows is %v, %v, want %v", q, got[0], err, want)
		}
	}
	m := must(ensemble.QuantileForest{Forest: ensemble.Forest{Estimators: 30, MinLeaf: 10}}.Fit(background, X, y, nil))(t)
	Z, z := draw(1000)
	q := must(m.Quantiles(nil, Z, []float64{0.1, 0.5, 0.9}))(t)
	inside, narrow, wide := 0, 0.0, 0.0
	for i, v := range z {
		lo, mid, hi := q[3*i], q[3*i+1], q[3*i+2]
		if lo > mid || mid > hi {
			t.Fatalf("row %d: quantiles %v", i, q[3*i:3*i+3])
		}
		if v >= lo && v <= hi {
			inside++
		}
		if Z.At(i, 1) < 0.2 {
			narrow = max(narrow, hi-lo)
		}
		if Z.At(i, 1) > 0.8 {
			wide += (hi - lo) / 200
		}
	}
	if inside < 740 || inside > 880 || narrow > wide*1.5 {
		t.Errorf("%d of 1000 rows within 80 %%; widths %v where there is little noise, %v on average where there is much", inside, narrow, wide)
	}
	medians := must(m.Predict(nil, Z))(t)
	for i, v := range medians {
		if v != q[3*i+1] {
			t.Fatalf("row %d: median %v, predicted %v", i, q[3*i+1], v)
		}
	}
	plain := must(must(ensemble.Forest{Estimators: 30, MinLeaf: 10}.FitRegressor(background, X, y, nil))(t).Predict(nil, Z))(t)
	if got := must(m.Mean(nil, Z))(t); !slices.Equal(got, plain) {
		t.Error("means are not those of the forest")
	}
	for _, bad := range []float64{-0.1, 1.1, math.NaN()} {
		if _, err := m.Quantiles(nil, Z, []float64{0.5, bad}); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), "quantile 1") {
			t.Errorf("quantile %v: %v", bad, err)
		}
		if err := m.QuantilesRow(make([]float64, 1), X.Row(0), []float64{bad}); !errors.Is(err, gram.ErrParam) {
			t.Errorf("quantile %v of a row: %v", bad, err)
		}
	}
}

// Rows are closest to themselves, and proximities are shares of trees of a symmetric matrix.
func TestForestProximity(t *testing.T) {
	X, _, labels := noisy(60, 3, true, 6)
	m := must(ensemble.Forest{Estimators: 20}.FitClassifier(background, X, labels, nil))(t)
	p := must(m.Proximity(nil, X, X))(t)
	leaves := must(m.Apply(nil, X))(t)
	for i := range 60 {
		for j := range 60 {
			same := 0.0
			for k := range 20 {
				if leaves[i*20+k] == leaves[j*20+k] {
					same++
				}
			}
			if p[i*60+j] != same/20 || p[i*60+j] != p[j*60+i] || i == j && p[i*60+j] != 1 {
				t.Fatalf("proximity of %d and %d is %v, of %v leaves in common", i, j, p[i*60+j], same)
			}
		}
	}
	if max := slices.Max(leaves); max >= m.Nodes() || max < 20 {
		t.Errorf("leaves up to %d of %d nodes", max, m.Nodes())
	}
}
