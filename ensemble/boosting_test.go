package ensemble_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/linalg"
)

func TestConformanceBoosting(t *testing.T) {
	check(t, []any{
		ensemble.GradientBoosting{Rounds: 4, MinLeaf: 5},
		ensemble.GradientBoosting{Rounds: 3, L1: 0.5, L2: 1, MaxDepth: 3, MinLeaf: 1},
	}, missingIsAllowed)
	if !testing.Short() {
		check(t, []any{ensemble.GradientBoosting{Rounds: 6, Patience: 2}}, missingIsAllowed, byRows, sameFormat)
	}
}

type boostingFacts struct{ MSE, MAE, Sklearn, LogLoss float64 }

func TestBoostingRegressionGolden(t *testing.T) {
	X, y := readData(t, "diabetes")
	facts := golden[boostingFacts](t, "boosting")
	for _, rounds := range []int{1, 10, 50} {
		for i := range X.Rows {
			if rounds == 50 {
				X.Row(i)[5] = 0 // it has more values than bins
			}
		}
		m := must(ensemble.GradientBoosting{Rounds: rounds}.FitRegressor(background, X, y, nil))(t)
		p := must(m.Predict(nil, X))(t)
		want := facts[fmt.Sprintf("squared %d", rounds)]
		if mse, _ := meanErrors(p, y); !near(mse, want.MSE, 1e-13) || !near(mse, want.Sklearn, 1e-9) {
			t.Errorf("%d rounds: MSE %.17g, want %.17g, or %.17g in single precision", rounds, mse, want.MSE, want.Sklearn)
		}
		sum := 0.0
		for i, v := range p {
			sum += v - y[i]
		}
		if math.Abs(sum) > 1e-9 {
			t.Errorf("%d rounds: predictions add up to %g more than targets", rounds, sum)
		}
	}
}

func TestBoostingLossesGolden(t *testing.T) {
	X, y := readData(t, "diabetes")
	facts := golden[boostingFacts](t, "boosting")
	for i := range X.Rows {
		X.Row(i)[5] = 0
	}
	for name, c := range map[string]struct {
		loss ensemble.BoostingLoss
		tol  float64
	}{
		"absolute": {ensemble.AbsoluteLoss, 0.01}, // gradients of 1 and −1 make splits that tie
		"poisson":  {ensemble.PoissonLoss, 1e-6},
	} {
		m := must(ensemble.GradientBoosting{Rounds: 20, Loss: c.loss}.FitRegressor(background, X, y, nil))(t)
		_, mae := meanErrors(must(m.Predict(nil, X))(t), y)
		if want := facts[name].MAE; !near(mae, want, c.tol) {
			t.Errorf("%s: MAE %.10g, want %.10g", name, mae, want)
		}
	}
}

func TestBoostingClassesGolden(t *testing.T) {
	X, target := readData(t, "wine")
	facts := golden[boostingFacts](t, "boosting")
	three := labelsOf(target)
	two := make([]int, len(three))
	for i, c := range three {
		if c == 1 {
			two[i] = 1
		}
	}
	for name, c := range map[string]struct {
		trainer ensemble.GradientBoosting
		y       []int
	}{
		"softmax 20":       {ensemble.GradientBoosting{Rounds: 20}, three},
		"softmax 5 l2":     {ensemble.GradientBoosting{Rounds: 5, L2: 3, MinLeaf: 10}, three},
		"binary 20":        {ensemble.GradientBoosting{Rounds: 20}, two},
		"binary 5 depth 2": {ensemble.GradientBoosting{Rounds: 5, MaxDepth: 2, MinLeaf: 5, LearningRate: 0.3}, two},
	} {
		m := must(c.trainer.FitClassifier(background, X, c.y, nil))(t)
		p := must(m.PredictProba(nil, X))(t)
		if got, want := logLoss(p, c.y), facts[name].LogLoss; !near(got, want, 1e-6) {
			t.Errorf("%s: log-loss %.12g, want %.12g", name, got, want)
		}
	}
}

// Every leaf has its weight, whatever the Hessians say of it.
func TestBoostingMinLeaf(t *testing.T) {
	X, _, labels := noisy(700, 5, true, 3)
	w := make([]float64, len(labels))
	for i := range w {
		w[i] = float64(i%4) / 2
	}
	for _, w := range [][]float64{nil, w} {
		m := must(ensemble.GradientBoosting{Rounds: 30, MinLeaf: 15, LearningRate: 0.5}.FitClassifier(background, X, labels, w))(t)
		splits := 0
		for i := range m.Trees() {
			tree := m.Tree(i)
			weights := map[int]float64{}
			for row, leaf := range must(tree.Apply(nil, X))(t) {
				if w == nil {
					weights[leaf]++
				} else {
					weights[leaf] += w[row]
				}
			}
			for leaf, weight := range weights {
				if weight < 15 {
					t.Fatalf("tree %d: leaf %d has the weight %g", i, leaf, weight)
				}
			}
			splits += tree.Leaves() - 1
		}
		if splits < 300 {
			t.Errorf("only %d splits", splits)
		}
	}
}

// Predictions follow the constraints on a grid, in spite of noise.
func TestBoostingMonotone(t *testing.T) {
	X, y, labels := noisy(600, 3, true, 4)
	for i := range y {
		y[i] += X.Row(i)[1] // NaN would not do
		if math.IsNaN(y[i]) {
			y[i] = 0
		}
	}
	trainer := ensemble.GradientBoosting{Rounds: 20, MinLeaf: 3, Monotone: []int{0, 1, -1}}
	reg := must(trainer.FitRegressor(background, X, y, nil))(t)
	class := must(trainer.FitClassifier(background, X, labels, nil))(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		x := []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
		z := slices.Clone(x)
		z[1] += rng.Float64()
		z[2] -= rng.Float64()
		if a, b := must(reg.PredictRow(x))(t), must(reg.PredictRow(z))(t); a > b+1e-12 {
			t.Fatalf("%v gives %g, %v gives %g", x, a, z, b)
		}
		p, q := make([]float64, 2), make([]float64, 2)
		if err := errors.Join(class.PredictProbaRow(p, x), class.PredictProbaRow(q, z)); err != nil || p[1] > q[1]+1e-12 {
			t.Fatalf("%v gives %v, %v gives %v (%v)", x, p, z, q, err)
		}
	}
}

func TestBoostingInteractions(t *testing.T) {
	X, y, _ := noisy(800, 4, false, 5)
	m := must(ensemble.GradientBoosting{Rounds: 10, MinLeaf: 5, Interactions: [][]int{{0, 1}, {2}}}.FitRegressor(background, X, y, nil))(t)
	group := []int{0, 0, 1, 2}
	for i := range m.Trees() {
		for row := range 50 {
			splits, _, err := m.Tree(i).Path(X.Row(row))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range splits {
				if group[s.Feature] != group[splits[0].Feature] {
					t.Fatalf("tree %d: features %d and %d on one path", i, splits[0].Feature, s.Feature)
				}
			}
		}
	}
}

// A category's effect that no order of codes shows is found, missing values with it; codes
// never seen are predicted as missing values are that no split has seen.
func TestBoostingCategories(t *testing.T) {
	const n = 3000
	rng := rand.New(rand.NewPCG(5, 6))
	X := linalg.NewDense[float64](n, 2, nil)
	y := make([]float64, n)
	for i := range y {
		code := rng.IntN(40)
		X.Row(i)[0], X.Row(i)[1] = float64(code), rng.NormFloat64()
		y[i] = float64(code*7%13) / 3
		if code == 39 {
			X.Row(i)[0], y[i] = math.NaN(), 9
		}
	}
	m := must(ensemble.GradientBoosting{Rounds: 200, Categorical: []int{0}, CategorySmooth: 1}.FitRegressor(background, X, y, nil))(t)
	p := must(m.Predict(nil, X))(t)
	if mse, _ := meanErrors(p, y); mse > 1e-3 {
		t.Errorf("MSE %g", mse)
	}
	if imp := m.Importance(); imp[0] < 0.99 {
		t.Errorf("importances %v", imp)
	}
	a, b := must(m.PredictRow([]float64{200, 0}))(t), must(m.PredictRow([]float64{-3.5, 0}))(t)
	if math.IsNaN(a) || math.IsNaN(b) {
		t.Errorf("unseen codes give %v and %v", a, b)
	}
}

// Missing values are told from all others, on either side.
func TestBoostingMissing(t *testing.T) {
	X := linalg.NewDense[float64](120, 1, nil)
	y := make([]float64, 120)
	for i := range y {
		X.Data[i] = float64(i % 3)
		y[i] = float64(i % 3)
		if i%3 == 1 {
			X.Data[i], y[i] = math.NaN(), 10
		}
	}
	m := must(ensemble.GradientBoosting{Rounds: 1, LearningRate: 1}.FitRegressor(background, X, y, nil))(t)
	for _, c := range []struct{ x, want float64 }{{0, 0}, {2, 2}, {math.NaN(), 10}} {
		if got := must(m.PredictRow([]float64{c.x}))(t); !near(got, c.want, 1e-12) {
			t.Errorf("%v gives %v, want %v", c.x, got, c.want)
		}
	}
}

// The losses fall and rise again, and the model ends where they were smallest.
func TestBoostingPatience(t *testing.T) {
	X, _, labels := noisy(400, 4, false, 8)
	V, _, valid := noisy(300, 4, false, 9)
	trainer := ensemble.GradientBoosting{Rounds: 300, LearningRate: 0.3, MinLeaf: 5, Patience: 5}
	held := must(trainer.FitClassifier(background, X, labels, nil))(t)
	trainer.Validation = &ensemble.Validation{X: V, Labels: valid}
	given := must(trainer.FitClassifier(background, X, labels, nil))(t)
	for name, m := range map[string]*ensemble.GradientBoostingClassifierModel{"held out": held, "given": given} {
		losses := m.Losses()
		best := slices.Index(losses, slices.Min(losses)) + 1
		if m.Rounds() != best || len(losses) != best+5 {
			t.Errorf("%s: %d rounds of %d, the best is %d", name, m.Rounds(), len(losses), best)
		}
	}
	p := must(given.PredictProba(nil, V))(t)
	if got, want := logLoss(p, valid), given.Losses()[given.Rounds()-1]; !near(got, want, 1e-12) {
		t.Errorf("loss on the validation rows is %v, it was %v in training", got, want)
	}
}

func TestBoostingStaged(t *testing.T) {
	X, y, _ := noisy(300, 4, true, 8)
	labels := make([]int, len(y))
	for i := range labels {
		labels[i] = i % 3
	}
	class := must(ensemble.GradientBoosting{Rounds: 4}.FitClassifier(background, X, labels, nil))(t)
	reg := must(ensemble.GradientBoosting{Rounds: 4}.FitRegressor(background, X, y, nil))(t)
	var last []float64
	for round, p := range must(class.StagedProba(X))(t) {
		if last = p; round == 3 {
			short := must(ensemble.GradientBoosting{Rounds: 3}.FitClassifier(background, X, labels, nil))(t)
			if !slices.Equal(p, must(short.PredictProba(nil, X))(t)) {
				t.Error("round 3 is not a model of 3 rounds")
			}
		}
	}
	if !slices.Equal(last, must(class.PredictProba(nil, X))(t)) {
		t.Error("the last stage is not the model")
	}
	for round, p := range must(reg.Staged(X))(t) {
		if last = p; round == 4 && !slices.Equal(p, must(reg.Predict(nil, X))(t)) {
			t.Error("the last stage is not the model")
		}
	}
	for range must(reg.Staged(X))(t) {
		break
	}
}

// Rows enough for several blocks and a sample for the bins: the same bits for any number of
// workers.
func TestBoostingWorkers(t *testing.T) {
	n := 140_000
	if testing.Short() {
		n = 20_000
	}
	X, _, labels := noisy(n, 3, true, 12)
	var want []float64
	for _, workers := range []int{1, 2, 5} {
		m := must(ensemble.GradientBoosting{Rounds: 2, Workers: workers, Monotone: []int{1, 0, 0}}.FitClassifier(background, X, labels, nil))(t)
		p := must(m.DecisionFunction(nil, X))(t)
		if want == nil {
			want = p
		}
		if !slices.Equal(p, want) {
			t.Errorf("%d workers give another model", workers)
		}
	}
}

func TestBoostingErrors(t *testing.T) {
	X, y, labels := noisy(50, 2, false, 1)
	three := make([]int, 50)
	for i := range three {
		three[i] = i % 3
	}
	inf := linalg.CopyOf[float64](X)
	inf.Row(7)[1] = math.Inf(-1)
	type boosting = ensemble.GradientBoosting
	huge := slices.Clone(y)
	huge[0], huge[1], huge[2] = 1e308, -1e308, 1e308
	for name, c := range map[string]struct {
		trainer boosting
		X       gram.Matrix
		y       []float64
		labels  []int
		kind    error
		text    string
	}{
		"rounds":            {boosting{Rounds: -1}, X, y, nil, gram.ErrParam, "Rounds is -1"},
		"rate":              {boosting{LearningRate: math.NaN()}, X, y, nil, gram.ErrParam, "LearningRate is NaN"},
		"leaves":            {boosting{MaxLeaves: 1}, X, y, nil, gram.ErrParam, "MaxLeaves is 1"},
		"depth":             {boosting{MaxDepth: -2}, X, y, nil, gram.ErrParam, "MaxDepth is -2"},
		"bins":              {boosting{Bins: 256}, X, y, nil, gram.ErrParam, "Bins is 256"},
		"patience":          {boosting{Patience: -1}, X, y, nil, gram.ErrParam, "Patience is -1"},
		"hold out":          {boosting{HoldOut: 1}, X, y, nil, gram.ErrParam, "HoldOut is 1"},
		"l2":                {boosting{L2: -1}, X, y, nil, gram.ErrParam, "L2 is -1"},
		"categorical":       {boosting{Categorical: []int{2}}, X, y, nil, gram.ErrParam, "categorical feature 2 of 2"},
		"codes":             {boosting{Categorical: []int{1}}, X, y, nil, gram.ErrParam, "column 1 is categorical and holds"},
		"monotone":          {boosting{Monotone: []int{1}}, X, y, nil, gram.ErrParam, "Monotone has length 1"},
		"monotone classes":  {boosting{Monotone: []int{1, 0}}, X, nil, three, gram.ErrParam, "Monotone with 3 classes"},
		"infinite":          {boosting{}, inf, y, nil, gram.ErrNonFinite, "row 7, column 1 is -Inf"},
		"overflow":          {boosting{}, X, huge, nil, gram.ErrNonFinite, "gradients add up to +Inf"},
		"loss":              {boosting{Loss: 9}, X, y, nil, gram.ErrParam, "BoostingLoss(9)"},
		"quantile":          {boosting{Quantile: 1}, X, y, nil, gram.ErrParam, "Quantile is 1"},
		"delta":             {boosting{Delta: -1}, X, y, nil, gram.ErrParam, "Delta is -1"},
		"power":             {boosting{Power: 2}, X, y, nil, gram.ErrParam, "Power is 2"},
		"counts":            {boosting{Loss: ensemble.PoissonLoss}, X, y, nil, gram.ErrParam, "is negative"},
		"amounts":           {boosting{Loss: ensemble.GammaLoss}, X, make([]float64, 50), nil, gram.ErrParam, "target 0 in row 0, GammaLoss"},
		"gradient":          {boosting{Custom: &ensemble.CustomLoss{}}, X, y, nil, gram.ErrParam, "Custom has no Gradient"},
		"custom patience":   {boosting{Custom: &ensemble.CustomLoss{}, Patience: 1}, X, y, nil, gram.ErrParam, "Custom that has no Loss"},
		"class loss":        {boosting{Loss: ensemble.HuberLoss}, X, nil, labels, gram.ErrParam, "of a classifier"},
		"subsample":         {boosting{Subsample: 2}, X, y, nil, gram.ErrParam, "Subsample is 2"},
		"columns":           {boosting{Columns: -1}, X, y, nil, gram.ErrParam, "Columns is -1"},
		"columns by node":   {boosting{ColumnsByNode: 1.5}, X, y, nil, gram.ErrParam, "ColumnsByNode is 1.5"},
		"goss":              {boosting{GossTop: 0.5, GossOther: 0.5}, X, y, nil, gram.ErrParam, "GossTop is 0.5"},
		"half goss":         {boosting{GossTop: 0.5}, X, y, nil, gram.ErrParam, "GossTop is 0.5"},
		"goss and sample":   {boosting{GossTop: 0.2, GossOther: 0.1, Subsample: 0.5}, X, y, nil, gram.ErrParam, "both GossTop"},
		"drop":              {boosting{DropRate: 1}, X, y, nil, gram.ErrParam, "DropRate is 1"},
		"drop patience":     {boosting{DropRate: 0.1, Patience: 2}, X, y, nil, gram.ErrParam, "with Patience"},
		"validation X":      {boosting{Validation: &ensemble.Validation{}}, X, y, nil, gram.ErrShape, "validation: X is nil"},
		"validation rows":   {boosting{Validation: &ensemble.Validation{X: linalg.NewDense[float64](0, 2, nil)}}, X, y, nil, gram.ErrShape, "validation: X has no rows"},
		"validation cols":   {boosting{Validation: &ensemble.Validation{X: linalg.NewDense[float64](3, 3, nil)}}, X, y, nil, gram.ErrShape, "validation: X has 3 features"},
		"validation target": {boosting{Validation: &ensemble.Validation{X: X}}, X, y, nil, gram.ErrShape, "validation: y has 0 targets"},
		"validation label":  {boosting{Validation: &ensemble.Validation{X: X, Labels: three}}, X, nil, labels, gram.ErrLabels, "label 2 in row 2, want 0 to 1"},
		"validation labels": {boosting{Validation: &ensemble.Validation{X: X, Labels: three[:3]}}, X, nil, labels, gram.ErrShape, "validation has 3 labels"},
		"validation inf":    {boosting{Validation: &ensemble.Validation{X: inf, Labels: labels}}, X, nil, labels, gram.ErrNonFinite, "validation: row 7, column 1"},
		"validation w":      {boosting{Validation: &ensemble.Validation{X: X, Labels: labels, W: []float64{1}}}, X, nil, labels, gram.ErrShape, "validation: w has 1 weights"},
	} {
		var err error
		if c.labels != nil {
			_, err = c.trainer.TrainClassifier(background, c.X, c.labels, nil)
		} else {
			_, err = c.trainer.TrainRegressor(background, c.X, c.y, nil)
		}
		if !errors.Is(err, c.kind) || !strings.Contains(fmt.Sprint(err), c.text) {
			t.Errorf("%s: error %v, want %q that wraps %v", name, err, c.text, c.kind)
		}
	}
}

// Zero rows of weight are not there, and a missing Progress changes nothing; cancelling in a
// round is told.
func TestBoostingCancelled(t *testing.T) {
	X, y, _ := noisy(200, 2, false, 1)
	ctx, cancel := context.WithCancel(background)
	_, err := ensemble.GradientBoosting{Progress: func(p gram.Progress) {
		if p.Iteration == 3 {
			cancel()
		}
	}}.FitRegressor(ctx, X, y, nil)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "round 3") {
		t.Errorf("error %v", err)
	}
}
