package ensemble_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
)

func TestForestConformance(t *testing.T) {
	check(t, []any{ensemble.Forest{Estimators: 3, MaxDepth: 4, OutOfBag: true}, ensemble.Forest{Estimators: 2, MaxLeaves: 9, NoBootstrap: true}}, missingIsAllowed)
	check(t, []any{ensemble.ExtraTrees{Estimators: 2, MaxDepth: 5}}, missingIsAllowed, sameFormat)
}

// coded replaces the values of column j by categories.
func coded(X *linalg.Dense[float64], j int) {
	for i := range X.Rows {
		if v := X.At(i, j); v == v {
			X.Set(i, j, math.Floor(min(max(4+2*v, 0), 9)))
		}
	}
}

// A forest of one tree that sees all rows and all features is the exact tree, whatever the
// order in which it looks for splits.
func TestForestIsTree(t *testing.T) {
	for name, rows := range map[string]int{"frame": 300, "frames": 6000} {
		X, y, labels := noisy(rows, 5, true, 9)
		coded(X, 4)
		for i, v := range X.Data {
			X.Data[i] = math.Round(16*v) / 16 // few values, for bins to be exact
		}
		counts, w := make([]float64, rows), make([]float64, rows)
		for i, v := range y {
			w[i] = 1 + math.Abs(math.Sin(float64(i))) // features do not tie
			counts[i] = math.Floor(math.Abs(4 * v))
		}
		three := slices.Clone(labels)
		for i := range three {
			if y[i] > 1 {
				three[i] = 2
			}
		}
		for _, c := range []struct {
			criterion ensemble.Criterion
			y         []float64
			labels    []int
		}{
			{ensemble.SquaredError, y, nil}, {ensemble.AbsoluteError, y, nil}, {ensemble.Poisson, counts, nil},
			{ensemble.Gini, nil, labels}, {ensemble.Entropy, nil, labels}, {ensemble.Gini, nil, three}, {ensemble.Entropy, nil, three},
		} {
			if rows > 1000 && (testing.Short() || c.criterion == ensemble.AbsoluteError) {
				continue
			}
			for _, leaves := range []int{0, 12} {
				tree := ensemble.Tree{Criterion: c.criterion, MaxDepth: 5, MaxLeaves: leaves, MinLeaf: 5, Categorical: []int{4}}
				forest := ensemble.Forest{Estimators: 1, NoBootstrap: true, MaxFeatures: 1, Criterion: c.criterion, MaxDepth: 5, MaxLeaves: leaves, MinLeaf: 5, Categorical: []int{4}}
				var got, want []float64
				if c.labels != nil {
					want = must(must(tree.FitClassifier(background, X, c.labels, w))(t).PredictProba(nil, X))(t)
					got = must(must(forest.FitClassifier(background, X, c.labels, w))(t).PredictProba(nil, X))(t)
				} else {
					want = must(must(tree.FitRegressor(background, X, c.y, w))(t).Predict(nil, X))(t)
					got = must(must(forest.FitRegressor(background, X, c.y, w))(t).Predict(nil, X))(t)
				}
				for i := range want {
					if !near(got[i], want[i], 1e-12) {
						t.Fatalf("%s, %v with %d leaves: prediction %d is %v, the tree's is %v", name, c.criterion, leaves, i, got[i], want[i])
					}
				}
			}
		}
	}
}

// Rows end alone in leaves when nothing stops them, and all are then predicted right.
func TestExtraTreesFit(t *testing.T) {
	X, y, labels := noisy(400, 6, true, 5)
	coded(X, 1)
	for i := range X.Rows {
		X.Set(i, 0, float64(i)/7) // no two rows alike
	}
	m := must(ensemble.ExtraTrees{Estimators: 7, Categorical: []int{1}}.FitClassifier(background, X, labels, nil))(t)
	if got := must(m.Predict(nil, X))(t); !slices.Equal(got, labels) {
		t.Error("training rows are predicted wrong")
	}
	r := must(ensemble.ExtraTrees{Estimators: 7, Categorical: []int{1}}.FitRegressor(background, X, y, nil))(t)
	for i, v := range must(r.Predict(nil, X))(t) {
		if !near(v, y[i], 1e-12) {
			t.Fatalf("row %d is %v, predicted as %v", i, y[i], v)
		}
	}
	if m.Trees() != 7 || m.Nodes() < 7 {
		t.Errorf("%d trees of %d nodes", m.Trees(), m.Nodes())
	}
}

// A category is as good as two when its rows are the same, and codes that were not seen go
// where missing values do.
func TestForestCategories(t *testing.T) {
	X := linalg.NewDense[float64](300, 1, nil)
	y := make([]int, 300)
	for i := range y {
		X.Set(i, 0, float64(i%10))
		if i%3 == 0 && i%10 != 7 || i%10 == 2 {
			y[i] = 1
		}
	}
	for _, trainer := range []gram.ClassifierTrainer{
		ensemble.Forest{Estimators: 20, Categorical: []int{0}}, ensemble.ExtraTrees{Estimators: 20, Categorical: []int{0}},
	} {
		m := must(trainer.TrainClassifier(background, X, y, nil))(t)
		var p [2]float64
		for code, class := range map[float64]int{2: 1, 7: 0} {
			if err := m.PredictProbaRow(p[:], []float64{code}); err != nil || p[class] != 1 {
				t.Errorf("%T: category %v has probabilities %v, %v", trainer, code, p, err)
			}
		}
		var q [2]float64
		m.PredictProbaRow(p[:], []float64{math.NaN()})
		for _, unseen := range []float64{77, 2.5, -1, 1e300} {
			if m.PredictProbaRow(q[:], []float64{unseen}); p != q {
				t.Errorf("%T: %v has probabilities %v, a missing value %v", trainer, unseen, q, p)
			}
		}
	}
}

type forestFacts struct {
	Forest, Extra float64
}

// Out-of-bag scores and those on held-out rows are those of scikit-learn's forests.
func TestForestGolden(t *testing.T) {
	facts := golden[forestFacts](t, "forest")
	X, y := readData(t, "wine")
	labels := labelsOf(y)
	f := must(ensemble.Forest{Estimators: 100, OutOfBag: true}.FitClassifier(background, X, labels, nil))(t)
	if oob, rows := f.OutOfBag(); math.Abs(oob-facts["wine"].Forest) > 0.02 || rows != X.Rows {
		t.Errorf("wine: accuracy out of bag is %v of %d rows, want about %v", oob, rows, facts["wine"].Forest)
	}
	e := must(ensemble.ExtraTrees{Estimators: 100, Bootstrap: true, OutOfBag: true}.FitClassifier(background, X, labels, nil))(t)
	if oob, _ := e.OutOfBag(); math.Abs(oob-facts["wine"].Extra) > 0.02 {
		t.Errorf("wine: accuracy out of bag is %v, want about %v", oob, facts["wine"].Extra)
	}
	if testing.Short() {
		return // the other set of data takes longer
	}
	X, y = readData(t, "diabetes")
	r := must(ensemble.Forest{Estimators: 100, OutOfBag: true}.FitRegressor(background, X, y, nil))(t)
	if oob, _ := r.OutOfBag(); math.Abs(oob-facts["diabetes"].Forest) > 0.02 {
		t.Errorf("diabetes: R² out of bag is %v, want about %v", oob, facts["diabetes"].Forest)
	}
	x := must(ensemble.ExtraTrees{Estimators: 100, Bootstrap: true, OutOfBag: true}.FitRegressor(background, X, y, nil))(t)
	if oob, _ := x.OutOfBag(); math.Abs(oob-facts["diabetes"].Extra) > 0.02 {
		t.Errorf("diabetes: R² out of bag is %v, want about %v", oob, facts["diabetes"].Extra)
	}
}

// What is said out of the bag of one tree is what it predicts, about a third of the rows.
func TestForestOutOfBag(t *testing.T) {
	X, y, labels := noisy(500, 4, true, 2)
	w := make([]float64, 500)
	for i := range w {
		w[i] = float64(i % 3)
	}
	m := must(ensemble.Forest{Estimators: 1, OutOfBag: true}.FitClassifier(background, X, labels, w))(t)
	r := must(ensemble.Forest{Estimators: 1, OutOfBag: true}.FitRegressor(background, X, y, w))(t)
	p, q := must(m.PredictProba(nil, X))(t), must(r.Predict(nil, X))(t)
	proba, pred := m.OutOfBagProba(), r.OutOfBagPrediction()
	rows, right, weight := 0, 0.0, 0.0
	for i := range labels {
		if math.IsNaN(proba[2*i]) != math.IsNaN(pred[i]) {
			t.Fatalf("row %d is out of one bag only, of the same seed", i)
		}
		if math.IsNaN(pred[i]) {
			continue
		}
		rows++
		if proba[2*i] != p[2*i] || proba[2*i+1] != p[2*i+1] || pred[i] != q[i] {
			t.Fatalf("row %d is %v and %v out of the bag, predicted as %v and %v", i, proba[2*i:2*i+2], pred[i], p[2*i:2*i+2], q[i])
		}
		weight += w[i]
		if (p[2*i+1] > p[2*i]) == (labels[i] == 1) {
			right += w[i]
		}
	}
	score, n := m.OutOfBag()
	if n != rows || rows < 60 || rows > 140 || !near(score, right/weight, 1e-12) {
		t.Errorf("accuracy %v of %d rows, want %v of %d", score, n, right/weight, rows)
	}
	if score, n := must(ensemble.Forest{Estimators: 2}.FitClassifier(background, X, labels, w))(t).OutOfBag(); !math.IsNaN(score) || n != 0 {
		t.Errorf("a score that was not asked for: %v of %d rows", score, n)
	}
}

// The features that the target depends on are the important ones.
func TestForestImportance(t *testing.T) {
	X, y, labels := noisy(800, 8, false, 4)
	for name, importance := range map[string][]float64{
		"classes": must(ensemble.Forest{Estimators: 30}.FitClassifier(background, X, labels, nil))(t).Importance(),
		"targets": must(ensemble.ExtraTrees{Estimators: 30}.FitRegressor(background, X, y, nil))(t).Importance(),
	} {
		sum := 0.0
		for _, v := range importance {
			sum += v
		}
		if !near(sum, 1, 1e-12) || slices.Min(importance[:3]) < slices.Max(importance[4:]) {
			t.Errorf("%s: %v", name, importance)
		}
	}
}

// Each way of balancing finds more of a rare class.
func TestForestBalance(t *testing.T) {
	X, y, _ := noisy(1500, 4, false, 8)
	labels := make([]int, len(y))
	for i, v := range y {
		if v > 1.9 {
			labels[i] = 1
		}
	}
	recall := func(b ensemble.Balance) float64 {
		m := must(ensemble.Forest{Estimators: 40, Balance: b, MaxDepth: 5, OutOfBag: true}.FitClassifier(background, X, labels, nil))(t)
		found, all := 0.0, 0.0
		for i, p := 0, m.OutOfBagProba(); i < len(labels); i++ {
			if labels[i] == 1 {
				if all++; p[2*i+1] > 0.5 {
					found++
				}
			}
		}
		return found / all
	}
	plain := recall(ensemble.Unbalanced)
	for _, b := range []ensemble.Balance{ensemble.BalanceWeights, ensemble.BalanceSamples, ensemble.BalanceDraws} {
		if r := recall(b); r < plain+0.1 {
			t.Errorf("%v: recall %v, %v without", b, r, plain)
		}
	}
	// Balanced weights are those of a fit with weights.
	w := make([]float64, len(y))
	ones := 0.0
	for _, c := range labels {
		ones += float64(c)
	}
	n := float64(len(y))
	for i, c := range labels {
		w[i] = n / 2 / (n - ones)
		if c == 1 {
			w[i] = n / 2 / ones
		}
	}
	a := must(must(ensemble.ExtraTrees{Estimators: 2, MaxDepth: 4, Balance: ensemble.BalanceWeights}.FitClassifier(background, X, labels, nil))(t).PredictProba(nil, X))(t)
	b := must(must(ensemble.ExtraTrees{Estimators: 2, MaxDepth: 4}.FitClassifier(background, X, labels, w))(t).PredictProba(nil, X))(t)
	for i := range a {
		if !near(a[i], b[i], 1e-9) {
			t.Fatalf("probability %d is %v, with weights %v", i, a[i], b[i])
		}
	}
}

func TestForestErrors(t *testing.T) {
	X, y, labels := noisy(30, 3, false, 1)
	for _, c := range []struct {
		trainer interface {
			gram.ClassifierTrainer
			gram.RegressorTrainer
		}
		text string
	}{
		{ensemble.Forest{Estimators: -1}, "Estimators is -1"},
		{ensemble.Forest{MaxDepth: -1}, "MaxDepth is -1"},
		{ensemble.Forest{MaxFeatures: 1.5}, "MaxFeatures is 1.5"},
		{ensemble.Forest{MaxSamples: math.NaN()}, "MaxSamples is NaN"},
		{ensemble.Forest{MaxSamples: 0.5, NoBootstrap: true}, "MaxSamples is 0.5, but trees have all rows"},
		{ensemble.ExtraTrees{OutOfBag: true}, "OutOfBag, but every tree has all rows"},
		{ensemble.ExtraTrees{Balance: 9}, "Balance is Balance(9)"},
		{ensemble.Forest{Categorical: []int{5}}, "categorical feature 5 of 3"},
		{ensemble.Forest{Criterion: 77}, "Criterion(77)"},
	} {
		if _, err := c.trainer.TrainClassifier(background, X, labels, nil); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%q: error %v", c.text, err)
		}
		if _, err := c.trainer.TrainRegressor(background, X, y, nil); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%q: error %v", c.text, err)
		}
	}
	for text, trainer := range map[string]gram.ClassifierTrainer{
		"BalanceDraws, but trees have all rows": ensemble.Forest{NoBootstrap: true, Balance: ensemble.BalanceDraws},
	} {
		if _, err := trainer.TrainClassifier(background, X, labels, nil); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: error %v", text, err)
		}
	}
	if _, err := (ensemble.Forest{Balance: ensemble.BalanceWeights}).FitRegressor(background, X, y, nil); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), "there are no classes") {
		t.Errorf("balanced targets: %v", err)
	}
	if _, err := (ensemble.Forest{Criterion: ensemble.Poisson}).FitRegressor(background, X, y, nil); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), "is negative") {
		t.Errorf("negative counts: %v", err)
	}
	for _, trainer := range []gram.ClassifierTrainer{ensemble.Forest{Categorical: []int{0}}, ensemble.ExtraTrees{Categorical: []int{0}}} {
		if _, err := trainer.TrainClassifier(background, X, labels, nil); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), "column 0 is categorical and holds") {
			t.Errorf("categories: %v", err)
		}
	}
	X.Set(7, 2, math.Inf(-1))
	for _, trainer := range []gram.ClassifierTrainer{ensemble.Forest{}, ensemble.ExtraTrees{}} {
		if _, err := trainer.TrainClassifier(background, X, labels, nil); !errors.Is(err, gram.ErrNonFinite) || !strings.Contains(err.Error(), "row 7, column 2") {
			t.Errorf("infinity: %v", err)
		}
	}
}

// Held-out rows are ranked better by a forest than by a tree of it.
func TestForestBeatsTree(t *testing.T) {
	X, _, labels := noisy(1600, 6, false, 12)
	train, test := X.Slice(0, 800, 0, 6), X.Slice(800, 1600, 0, 6)
	auc := func(m gram.Classifier) float64 {
		p := must(m.PredictProba(nil, test))(t)
		ones := make([]float64, 800)
		for i := range ones {
			ones[i] = p[2*i+1]
		}
		return must(eval.AUC(labels[800:], ones, nil))(t)
	}
	tree := auc(must(ensemble.Tree{}.FitClassifier(background, train, labels[:800], nil))(t))
	forest := auc(must(ensemble.Forest{Estimators: 50}.FitClassifier(background, train, labels[:800], nil))(t))
	extra := auc(must(ensemble.ExtraTrees{Estimators: 50}.FitClassifier(background, train, labels[:800], nil))(t))
	if forest < tree+0.05 || extra < tree+0.05 {
		t.Errorf("AUC of the forest %v, of extra trees %v, of a tree %v", forest, extra, tree)
	}
}

// Cuts are uniform between the least and the greatest value, also of values that float32 does not
// tell apart or has no room for.
func TestExtraTreesCuts(t *testing.T) {
	for name, scale := range map[string]struct{ at, by float64 }{"plain": {0, 1}, "close": {1e9, 1e-3}, "large": {0, 1e300}, "low": {-1e300, 1e300}} {
		value := func(u float64) float64 { return scale.at + u*scale.by }
		X := linalg.NewDense(2, 1, []float64{value(0), value(1)})
		m := must(ensemble.ExtraTrees{Estimators: 2000, Workers: 1}.FitClassifier(background, X, []int{0, 1}, nil))(t)
		for _, u := range []float64{0, 0.1, 0.25, 0.5, 0.75, 0.9, 1} {
			var p [2]float64
			if err := m.PredictProbaRow(p[:], []float64{value(u)}); err != nil || math.Abs(p[1]-u) > 0.05 {
				t.Errorf("%s: %.3f of the cuts are below %v of the way, error %v", name, p[1], u, err)
			}
		}
	}
}

// Whole weights are repetitions, missing values and all, whether moments are added up by the
// kernels or not.
func TestExtraTreesWeights(t *testing.T) {
	for _, holes := range []bool{false, true} {
		X, _, y := noisy(300, 4, holes, 5)
		w := make([]float64, len(y))
		var again []int
		for i := range w {
			w[i] = float64(1 + i%3)
			for range 1 + i%3 {
				again = append(again, i)
			}
		}
		labels := make([]int, len(again))
		for k, i := range again {
			labels[k] = y[i]
		}
		trainer := ensemble.ExtraTrees{Estimators: 5, MinLeaf: 4, Workers: 1}
		weighted := must(trainer.FitClassifier(background, X, y, w))(t)
		repeated := must(trainer.FitClassifier(background, linalg.Rows(X, again), labels, nil))(t)
		a, b := must(weighted.PredictProba(nil, X))(t), must(repeated.PredictProba(nil, X))(t)
		if !slices.Equal(a, b) {
			t.Errorf("missing values %v: weights are not repetitions", holes)
		}
	}
}
