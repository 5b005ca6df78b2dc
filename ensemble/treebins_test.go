package ensemble_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/modeltest"
)

func TestConformanceTreeBins(t *testing.T) {
	modeltest.Check(t, ensemble.Tree{MaxDepth: 4, Bins: 30}, missingIsAllowed)
}

// While bins have one value each the splits of the training rows are those of exact trees, whatever the
// criterion, the weights and the constraints, with missing values and categories.
func TestTreeBinsAreExactForFewValues(t *testing.T) {
	X, y, labels := noisy(900, 5, true, 21)
	w, three := make([]float64, len(y)), make([]int, len(y))
	for i := range y {
		row := X.Row(i)
		for j, v := range row {
			row[j] = math.Round(v * 20)
		}
		row[1] = float64(i * 7 % 30)
		y[i] = math.Round(y[i]*4) / 4 // sums are exact, and the same in any order
		w[i], three[i] = float64(i%4), i%3
	}
	counts := make([]float64, len(y))
	for i, v := range y {
		counts[i] = math.Abs(v)
	}
	for name, tree := range map[string]ensemble.Tree{
		"depth 4":    {MaxDepth: 4},
		"categories": {MaxDepth: 5, Categorical: []int{1}, MinLeaf: 3},
		"leaves":     {MaxLeaves: 20, MinLeaf: 5},
		"monotone":   {MaxDepth: 5, Monotone: []int{1, 0, -1, 0, 0}},
		"groups":     {MaxDepth: 5, Interactions: [][]int{{0, 1}, {2, 3}}},
	} {
		binned := tree
		binned.Bins = 255
		for _, weights := range [][]float64{nil, w} {
			for _, criterion := range []ensemble.Criterion{ensemble.Gini, ensemble.Entropy} {
				tree.Criterion, binned.Criterion = criterion, criterion
				for _, labels := range [][]int{labels, three} {
					if name == "monotone" && slices.Max(labels) > 1 {
						continue
					}
					want := must(must(tree.FitClassifier(background, X, labels, weights))(t).PredictProba(nil, X))(t)
					got := must(must(binned.FitClassifier(background, X, labels, weights))(t).PredictProba(nil, X))(t)
					compareLeaves(t, fmt.Sprint(name, " ", criterion), got, want, weights)
				}
			}
			for _, criterion := range []ensemble.Criterion{ensemble.SquaredError, ensemble.AbsoluteError, ensemble.Poisson} {
				tree.Criterion, binned.Criterion = criterion, criterion
				targets := counts
				if criterion == ensemble.SquaredError {
					targets = centered(y, weights)
				}
				want := must(must(tree.FitRegressor(background, X, targets, weights))(t).Predict(nil, X))(t)
				got := must(must(binned.FitRegressor(background, X, targets, weights))(t).Predict(nil, X))(t)
				compareLeaves(t, fmt.Sprint(name, " ", criterion), got, want, weights)
			}
		}
	}
}

// centered returns y, multiples of a quarter, with row 1 changed for a sum of 0: a mean that has to be
// rounded would spoil ties.
func centered(y, w []float64) []float64 {
	out, sum := slices.Clone(y), 0.0
	for i, v := range y {
		if w == nil {
			sum += v
		} else {
			sum += w[i] * v
		}
	}
	out[1] -= sum // of weight 1
	return out
}

// compareLeaves compares predictions for rows that were trained on.
func compareLeaves(t *testing.T, name string, got, want, w []float64) {
	t.Helper()
	k := len(got) / 900
	for i := range got {
		if (w == nil || w[i/k] > 0) && !near(got[i], want[i], 1e-12) {
			t.Fatalf("%s: row %d is predicted %v, by exact splits %v", name, i/k, got[i], want[i])
		}
	}
}

// With more values than bins a tree is nearly as good.
func TestTreeBinsScore(t *testing.T) {
	X, y, _ := noisy(6000, 5, false, 22)
	train, test := X.Slice(0, 4000, 0, 5), X.Slice(4000, 6000, 0, 5)
	errorOf := func(tree ensemble.Tree) float64 {
		m := must(tree.FitRegressor(background, train, y[:4000], nil))(t)
		mse, _ := meanErrors(must(m.Predict(nil, test))(t), y[4000:])
		return mse
	}
	exact := errorOf(ensemble.Tree{MinLeaf: 20})
	if binned := errorOf(ensemble.Tree{MinLeaf: 20, Bins: 64}); binned > 1.05*exact {
		t.Errorf("MSE %v, by exact splits %v", binned, exact)
	}
}

func TestTreeBinsErrors(t *testing.T) {
	X, y, _ := noisy(50, 3, false, 23)
	for _, bins := range []int{-1, 1, 256} {
		if _, err := (ensemble.Tree{Bins: bins}).FitRegressor(background, X, y, nil); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), fmt.Sprint(bins)) {
			t.Errorf("%d bins: %v", bins, err)
		}
	}
	if _, err := (ensemble.Tree{Bins: 9, Categorical: []int{2}}).FitRegressor(background, X, y, nil); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), "column 2 is categorical and holds") {
		t.Errorf("categories: %v", err)
	}
	w := make([]float64, 50)
	for i := range w {
		w[i] = float64(i % 2)
	}
	X.Set(31, 1, math.Inf(1))
	for _, weights := range [][]float64{nil, w} {
		if _, err := (ensemble.Tree{Bins: 9}).FitRegressor(background, X, y, weights); !errors.Is(err, gram.ErrNonFinite) || !strings.Contains(err.Error(), "row 31, column 1") {
			t.Errorf("infinity: %v", err)
		}
	}
	ones := linalg.NewDense(4, 1, []float64{1, 1, 1, 1})
	if m := must(ensemble.Tree{Bins: 2}.FitRegressor(background, ones, []float64{1, 2, 3, 4}, nil))(t); m.Leaves() != 1 {
		t.Errorf("%d leaves of one value", m.Leaves())
	}
}

// A boosted tree of bins is not one of sorted columns.
func TestTreeBinsInAdaBoost(t *testing.T) {
	X, _, labels := noisy(400, 4, true, 24)
	for i := range X.Data {
		X.Data[i] = math.Round(X.Data[i] * 9)
	}
	for _, bins := range []int{0, 255} {
		m := must(ensemble.AdaBoost{Base: ensemble.Tree{MaxDepth: 2, Bins: bins}, Estimators: 5}.Fit(background, X, labels, nil))(t)
		wrong := 0
		for i, c := range must(m.Predict(nil, X))(t) {
			if c != labels[i] {
				wrong++
			}
		}
		if wrong > 120 {
			t.Errorf("%d bins: %d of 400 rows are wrong", bins, wrong)
		}
	}
}
