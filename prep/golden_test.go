package prep

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/gram-ml/gram"
)

// A table is rows in a golden file, in which null is NaN.
type table [][]float64

func (t *table) UnmarshalJSON(data []byte) error {
	var rows [][]*float64
	if err := json.Unmarshal(data, &rows); err != nil {
		return err
	}
	for _, row := range rows {
		var out []float64
		for _, v := range row {
			if v == nil {
				out = append(out, math.NaN())
			} else {
				out = append(out, *v)
			}
		}
		*t = append(*t, out)
	}
	return nil
}

func (t table) flat() []float64 {
	var out []float64
	for _, row := range t {
		out = append(out, row...)
	}
	return out
}

type scored struct{ Scores, P []float64 }

// transformers is testdata/transformers.json.
type transformers struct {
	Cases []struct {
		Name       string
		X, Z, Back table
	}
	X, Codes, TargetAuto, TargetSmooth table
	Y, CodesY                          []float64
	Anova, Chi2, Regression            scored
	Mutual                             []float64
}

func readTransformers(t *testing.T) *transformers {
	t.Helper()
	data, err := os.ReadFile("testdata/transformers.json")
	if err != nil {
		t.Fatal(err)
	}
	g := new(transformers)
	if err := json.Unmarshal(data, g); err != nil {
		t.Fatal(err)
	}
	return g
}

var goldenTrainers = map[string]gram.TransformerTrainer{
	"MinMax":                  MinMax{},
	"MinMax -2..5":            MinMax{Low: -2, High: 5},
	"MaxAbs":                  MaxAbs{},
	"Robust":                  Robust{},
	"Robust 10..70":           Robust{Low: 0.1, High: 0.7},
	"Normalizer l2":           Normalizer{},
	"Normalizer l1":           Normalizer{Norm: L1},
	"Normalizer max":          Normalizer{Norm: MaxNorm},
	"Imputer mean":            Imputer{Indicator: true},
	"Imputer median":          Imputer{Strategy: Median, Indicator: true},
	"Imputer most_frequent":   Imputer{Strategy: MostFrequent, Indicator: true},
	"Imputer constant":        Imputer{Strategy: Constant, Fill: -3, Indicator: true},
	"Ordinal":                 Ordinal{},
	"OneHot":                  OneHot{},
	"OneHot first":            OneHot{DropFirst: true},
	"Polynomial 3":            Polynomial{Degree: 3, Bias: true},
	"Polynomial interactions": Polynomial{Degree: 3, InteractionOnly: true},
	"Quantile":                Quantile{Quantiles: 10},
	"Quantile all":            Quantile{},
	"Quantile normal":         Quantile{Quantiles: 20, Normal: true},
	"KBins":                   KBins{Bins: 4},
	"KBins uniform":           KBins{Bins: 3, Uniform: true, OneHot: true},
	"VarianceThreshold":       VarianceThreshold{Threshold: 1.5},
}

// inverter is a transformer that can go back.
type inverter interface {
	InverseTransform(dst []float64, Z gram.Matrix) ([]float64, error)
	InverseTransformRow(dst, z []float64) error
}

func train(t *testing.T, trainer gram.TransformerTrainer, X gram.Matrix, y []float64) gram.Transformer {
	t.Helper()
	m, err := trainer.TrainTransformer(context.Background(), X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestGolden(t *testing.T) {
	g := readTransformers(t)
	if len(g.Cases) != len(goldenTrainers) {
		t.Errorf("%d golden cases for %d trainers", len(g.Cases), len(goldenTrainers))
	}
	for _, c := range g.Cases {
		trainer := goldenTrainers[c.Name]
		if trainer == nil {
			t.Fatalf("no trainer for %q", c.Name)
		}
		X := dense(c.X)
		m := train(t, trainer, X, nil)
		z, err := m.Transform(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		tol := 1e-12
		if c.Name == "Quantile normal" {
			tol = 1e-10 // scikit-learn's upper end is that of 1 − 1e-7, which is rounded
		}
		near(t, c.Name, z, c.Z.flat(), tol)
		if c.Back == nil {
			continue
		}
		back := m.(inverter)
		x, err := back.InverseTransform(nil, dense(c.Z))
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.Name+" back", x, c.Back.flat(), 1e-12)
		row := make([]float64, m.Features())
		if err := back.InverseTransformRow(row, c.Z[0]); err != nil {
			t.Fatal(err)
		}
		near(t, c.Name+" row back", row, x[:len(row)], 0)
	}
}

func TestGoldenTarget(t *testing.T) {
	g := readTransformers(t)
	for _, c := range []struct {
		s    Target
		want table
	}{{Target{}, g.TargetAuto}, {Target{Smooth: 2.5}, g.TargetSmooth}} {
		X := dense(g.Codes)
		z, err := train(t, c.s, X, g.CodesY).Transform(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "encodings", z, c.want.flat(), 1e-12)
	}
}

func TestGoldenScores(t *testing.T) {
	g := readTransformers(t)
	first := make([]float64, len(g.X))
	rest := make(table, len(g.X))
	for i, row := range g.X {
		first[i], rest[i] = row[0], row[1:]
	}
	for _, c := range []struct {
		score Score
		X     table
		y     []float64
		want  scored
	}{
		{ANOVA, g.X, g.Y, g.Anova},
		{ChiSquared, g.X, g.Y, g.Chi2},
		{Regression, rest, first, g.Regression},
		{MutualInformation, g.Codes, g.CodesY, scored{Scores: g.Mutual}},
	} {
		m := train(t, SelectKBest{Score: c.score, K: 2}, dense(c.X), c.y).(*SelectModel)
		near(t, c.score.String(), m.Scores(), c.want.Scores, 1e-12)
		if c.want.P != nil {
			near(t, c.score.String()+" p", m.PValues(), c.want.P, 1e-12)
		}
		if m.OutFeatures() != 2 {
			t.Errorf("%v keeps %d columns", c.score, m.OutFeatures())
		}
	}
}
