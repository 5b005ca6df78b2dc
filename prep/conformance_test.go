package prep_test

import (
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/prep"
)

func TestConformance(t *testing.T) {
	for _, trainer := range []gram.TransformerTrainer{
		prep.Standard{},
		prep.Standard{NoMean: true},
		prep.Standard{NoStd: true},
		prep.MinMax{},
		prep.MinMax{Low: -1, High: 3, Clip: true},
		prep.MaxAbs{},
		prep.Robust{},
		prep.Robust{Low: 0.1, High: 0.8, NoCenter: true},
		prep.Normalizer{},
		prep.Normalizer{Norm: prep.L1},
		prep.Quantile{Quantiles: 20},
		prep.Quantile{Normal: true},
		prep.KBins{},
		prep.KBins{Uniform: true, OneHot: true},
		prep.Polynomial{},
		prep.Polynomial{Degree: 3, InteractionOnly: true, Bias: true},
		prep.VarianceThreshold{Threshold: 0.5},
		prep.SelectKBest{K: 2},
		prep.SelectKBest{K: 2, Score: prep.Regression},
		prep.SelectKBest{K: 2, Score: prep.MutualInformation},
	} {
		modeltest.Check(t, trainer)
	}
}

// Imputers take NaN, which the suite holds for an error; TestImputerErrors has infinities.
func TestConformanceOfImputer(t *testing.T) {
	missing := modeltest.Skip("nonfinite", "missing values are what it is for")
	modeltest.Check(t, prep.Imputer{}, missing)
	modeltest.Check(t, prep.Imputer{Strategy: prep.Median, Indicator: true}, missing)
	modeltest.Check(t, prep.Imputer{Strategy: prep.MostFrequent}, missing)
	modeltest.Check(t, prep.Imputer{Strategy: prep.Constant, Fill: 2}, missing)
}

// categorical returns columns of few distinct numbers, and labels and targets that
// depend on them.
func categorical(rows int) modeltest.Data {
	d := modeltest.Data{Labels: make([]int, rows), Targets: make([]float64, rows)}
	X := linalg.NewDense[float64](rows, 3, nil)
	for i := range rows {
		for j := range X.Cols {
			X.Set(i, j, float64((i*(j+3)+i/7)%(j+2)))
		}
		d.Labels[i] = (int(X.At(i, 1)) + i/5) % 3
		d.Targets[i] = X.At(i, 2) + float64(i%4)/2
	}
	d.X = X
	return d
}

func TestConformanceOfEncoders(t *testing.T) {
	generate := modeltest.Generate(categorical)
	hostile := modeltest.Skip("hostile", "an altered category makes the rows unknown, which is an error")
	for _, trainer := range []gram.TransformerTrainer{
		prep.Ordinal{IgnoreUnknown: true},
		prep.OneHot{IgnoreUnknown: true},
		prep.OneHot{IgnoreUnknown: true, DropFirst: true},
		prep.Target{},
		prep.Target{Smooth: 2, Classes: 3},
		prep.SelectKBest{K: 2, Score: prep.ChiSquared},
	} {
		modeltest.Check(t, trainer, generate)
	}
	modeltest.Check(t, prep.Ordinal{}, generate, hostile)
	modeltest.Check(t, prep.OneHot{}, generate, hostile)
}

func TestConformanceOfColumns(t *testing.T) {
	nonfinite := modeltest.Skip("nonfinite", "what passes through may be missing, and a part numbers its own columns")
	modeltest.Check(t, prep.ColumnTransformer{}, nonfinite)
	modeltest.Check(t, prep.ColumnTransformer{
		Parts: []prep.Part{
			{Columns: []string{"x2", "x0"}, Trainer: prep.Standard{}},
			{Columns: []string{"x1"}, Trainer: prep.OneHot{IgnoreUnknown: true}},
			{Columns: []string{"x1"}, Trainer: prep.Target{}},
		},
	}, modeltest.Generate(categorical), nonfinite)
}
