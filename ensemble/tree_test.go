package ensemble_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/modeltest"
)

var missingIsAllowed = modeltest.Skip("nonfinite", "NaN is a missing value; TestTreeErrors has infinities")

func TestConformanceTree(t *testing.T) {
	modeltest.Check(t, ensemble.Tree{MaxDepth: 4}, missingIsAllowed)
	modeltest.Check(t, ensemble.Tree{MaxLeaves: 9, MinLeaf: 3}, missingIsAllowed, modeltest.Classes(2))
}

func TestConformanceTreeCriteria(t *testing.T) {
	t.Run("entropy", func(t *testing.T) {
		modeltest.Check(t, classifierOnly{ensemble.Tree{Criterion: ensemble.Entropy, MaxDepth: 3}}, missingIsAllowed)
	})
	t.Run("absolute", func(t *testing.T) {
		modeltest.Check(t, regressorOnly{ensemble.Tree{Criterion: ensemble.AbsoluteError, MaxDepth: 2}}, missingIsAllowed)
	})
}

// classifierOnly and regressorOnly hide one half of a trainer.
type classifierOnly struct{ t gram.ClassifierTrainer }

func (c classifierOnly) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	return c.t.TrainClassifier(ctx, X, y, w)
}

type regressorOnly struct{ t gram.RegressorTrainer }

func (c regressorOnly) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	return c.t.TrainRegressor(ctx, X, y, w)
}

type treeFacts struct {
	MSE, MAE, LogLoss float64
	Leaves            int
}

func TestTreeRegressionGolden(t *testing.T) {
	X, y := readData(t, "diabetes")
	facts := golden[treeFacts](t, "tree")
	w := make([]float64, len(y))
	for i := range w {
		w[i] = float64(1 + i%3)
	}
	for name, c := range map[string]struct {
		tree ensemble.Tree
		w    []float64
	}{
		"squared depth 3":     {ensemble.Tree{MaxDepth: 3}, nil},
		"squared 20 leaves":   {ensemble.Tree{MaxLeaves: 20}, nil},
		"squared min leaf 10": {ensemble.Tree{MinLeaf: 10}, nil},
		"squared weighted":    {ensemble.Tree{MaxDepth: 4}, w},
		"absolute depth 3":    {ensemble.Tree{MaxDepth: 3, Criterion: ensemble.AbsoluteError}, nil},
		"poisson depth 3":     {ensemble.Tree{MaxDepth: 3, Criterion: ensemble.Poisson}, nil},
		"squared alpha 50":    {ensemble.Tree{Alpha: 50}, nil},
	} {
		m, err := c.tree.FitRegressor(background, X, y, c.w)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.Predict(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		mse, mae := meanErrors(p, y)
		want := facts[name]
		if name == "absolute depth 3" {
			mse = want.MSE // splits tie in the absolute error, and differ in this
		}
		if !near(mse, want.MSE, 1e-12) || !near(mae, want.MAE, 1e-12) || m.Leaves() != want.Leaves {
			t.Errorf("%s: %v %v with %d leaves, want %+v", name, mse, mae, m.Leaves(), want)
		}
	}
}

func TestTreeClassesGolden(t *testing.T) {
	X, y := readData(t, "wine")
	facts := golden[treeFacts](t, "tree")
	three := labelsOf(y)
	two := make([]int, len(y))
	for i, c := range three {
		if c == 1 {
			two[i] = 1
		}
	}
	for name, c := range map[string]struct {
		tree ensemble.Tree
		y    []int
	}{
		"gini depth 2":           {ensemble.Tree{MaxDepth: 2}, three},
		"entropy depth 2":        {ensemble.Tree{MaxDepth: 2, Criterion: ensemble.Entropy}, three},
		"binary gini depth 2":    {ensemble.Tree{MaxDepth: 2}, two},
		"binary entropy depth 2": {ensemble.Tree{MaxDepth: 2, Criterion: ensemble.Entropy}, two},
	} {
		m, err := c.tree.FitClassifier(background, X, c.y, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := m.PredictProba(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := logLoss(p, c.y), facts[name]; !near(got, want.LogLoss, 1e-12) || m.Leaves() != want.Leaves {
			t.Errorf("%s: %v with %d leaves, want %+v", name, got, m.Leaves(), want)
		}
	}
}

// bestStump tries every threshold of every feature, missing values on either side, and
// returns the least loss.
func bestStump(X *linalg.Dense[float64], loss func(left []int, right []int) float64) float64 {
	best := math.Inf(1)
	for j := range X.Cols {
		var cuts []float64
		for i := range X.Rows {
			if v := X.At(i, j); v == v {
				cuts = append(cuts, v)
			}
		}
		for _, c := range cuts {
			for _, missingLeft := range []bool{false, true} {
				var l, r []int
				for i := range X.Rows {
					if v := X.At(i, j); v <= c || v != v && missingLeft {
						l = append(l, i)
					} else {
						r = append(r, i)
					}
				}
				if len(l) > 0 && len(r) > 0 {
					best = min(best, loss(l, r))
				}
			}
		}
	}
	return best
}

func squares(y []float64) func(l, r []int) float64 {
	return func(l, r []int) float64 {
		sum := 0.0
		for _, rows := range [][]int{l, r} {
			mean := 0.0
			for _, i := range rows {
				mean += y[i] / float64(len(rows))
			}
			for _, i := range rows {
				sum += (y[i] - mean) * (y[i] - mean)
			}
		}
		return sum
	}
}

func deviations(y []float64) func(l, r []int) float64 {
	return func(l, r []int) float64 {
		sum := 0.0
		for _, rows := range [][]int{l, r} {
			var v []float64
			for _, i := range rows {
				v = append(v, y[i])
			}
			slices.Sort(v)
			for _, x := range v {
				sum += math.Abs(x - v[len(v)/2])
			}
		}
		return sum
	}
}

// A stump's split is the best of all there are, missing values included.
func TestTreeStumpIsBest(t *testing.T) {
	for seed := range uint64(4) {
		X, y, labels := noisy(60, 3, true, seed)
		for i := range y {
			y[i] = math.Round(4*y[i]) / 4 // ties
		}
		for criterion, loss := range map[ensemble.Criterion]func(l, r []int) float64{
			ensemble.SquaredError: squares(y), ensemble.AbsoluteError: deviations(y),
		} {
			m, err := ensemble.Tree{MaxDepth: 1, Criterion: criterion}.FitRegressor(background, X, y, nil)
			if err != nil {
				t.Fatal(err)
			}
			p, _ := m.Predict(nil, X)
			mse, mae := meanErrors(p, y)
			got := 60 * mse
			if criterion == ensemble.AbsoluteError {
				got = 60 * mae
			}
			if want := bestStump(X, loss); !near(got, want, 1e-10) {
				t.Errorf("seed %d, %v: loss %v, the best is %v", seed, criterion, got, want)
			}
		}
		three := make([]int, len(labels))
		for i, c := range labels {
			three[i] = c
			if y[i] > 1 {
				three[i] = 2
			}
		}
		for k, classes := range [][]int{labels, three} {
			m, err := ensemble.Tree{MaxDepth: 1}.FitClassifier(background, X, classes, nil)
			if err != nil {
				t.Fatal(err)
			}
			root, _, err := m.Path(X.Row(0))
			if err != nil {
				t.Fatal(err)
			}
			want := root[0].Weight*root[0].Impurity - bestStump(X, gini(classes))
			if !near(root[0].Gain, want, 1e-10) {
				t.Errorf("seed %d, %d classes: gain %v, the best is %v", seed, k+2, root[0].Gain, want)
			}
		}
	}
}

func gini(y []int) func(l, r []int) float64 {
	return func(l, r []int) float64 {
		sum := 0.0
		for _, rows := range [][]int{l, r} {
			var count [3]float64
			for _, i := range rows {
				count[y[i]]++
			}
			n := float64(len(rows))
			sum += n - (count[0]*count[0]+count[1]*count[1]+count[2]*count[2])/n
		}
		return sum
	}
}

// A full tree predicts its training rows, and each value is that of its leaf's rows.
func TestTreeFull(t *testing.T) {
	X, y, labels := noisy(300, 5, true, 9)
	r, err := ensemble.Tree{}.FitRegressor(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := r.Predict(nil, X)
	if mse, _ := meanErrors(p, y); mse > 1e-20 {
		t.Errorf("mean squared error %v", mse)
	}
	c, err := ensemble.Tree{}.FitClassifier(background, X, labels, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := c.Predict(nil, X)
	if !slices.Equal(got, labels) {
		t.Error("a full tree does not know its rows")
	}
	if sum := linalg.Sum(c.Importance()); !near(sum, 1, 1e-12) {
		t.Errorf("importances sum to %v", sum)
	}
	for i := 1; i < 4; i++ {
		if c.Prune(float64(i)*0.002).Leaves() > c.Prune(float64(i-1)*0.002).Leaves() {
			t.Error("more pruning leaves more")
		}
	}
	if m := c.Prune(1); m.Leaves() != 1 {
		t.Errorf("%d leaves after pruning with alpha 1", m.Leaves())
	}
}

// The best set of categories is found among all subsets.
func TestTreeCategorical(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const codes = 6
	X := linalg.NewDense[float64](120, 1, nil)
	y := make([]float64, 120)
	means := []float64{3, -1, 2, -2, 5, 0}
	for i := range y {
		c := rng.IntN(codes)
		X.Set(i, 0, float64(c))
		y[i] = means[c] + rng.NormFloat64()
	}
	loss := squares(y)
	best := math.Inf(1)
	for set := 1; set < 1<<codes-1; set++ {
		var l, r []int
		for i := range y {
			if set>>int(X.At(i, 0))&1 == 1 {
				l = append(l, i)
			} else {
				r = append(r, i)
			}
		}
		best = min(best, loss(l, r))
	}
	m, err := ensemble.Tree{MaxDepth: 1, Categorical: []int{0}}.FitRegressor(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := m.Predict(nil, X)
	if mse, _ := meanErrors(p, y); !near(120*mse, best, 1e-10) {
		t.Errorf("loss %v, the best set has %v", 120*mse, best)
	}
	// A code that was never seen goes where a missing value does.
	unseen, _ := m.PredictRow([]float64{200})
	missing, _ := m.PredictRow([]float64{math.NaN()})
	if unseen != missing {
		t.Errorf("an unseen code predicts %v, a missing one %v", unseen, missing)
	}
	if _, err := (ensemble.Tree{Categorical: []int{0}}).FitRegressor(background, linalg.NewDense(2, 1, []float64{1, 1.5}), []float64{1, 2}, nil); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), "1.5 in row 1") {
		t.Errorf("a code of 1.5: %v", err)
	}
}

// Predictions keep to monotone constraints everywhere.
func TestTreeMonotone(t *testing.T) {
	for seed := range uint64(6) {
		X, y, labels := noisy(200, 3, false, seed)
		check := func(name string, predict func(x []float64) float64) {
			rng := rand.New(rand.NewPCG(seed, 7))
			for range 300 {
				x := []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
				z := slices.Clone(x)
				z[0] += rng.ExpFloat64()
				if predict(z) < predict(x) {
					t.Fatalf("%s, seed %d: falls from %v to %v in feature 0", name, seed, predict(x), predict(z))
				}
				z = slices.Clone(x)
				z[1] += rng.ExpFloat64()
				if predict(z) > predict(x) {
					t.Fatalf("%s, seed %d: rises from %v to %v in feature 1", name, seed, predict(x), predict(z))
				}
			}
		}
		sense := []int{1, -1, 0}
		for _, c := range []ensemble.Criterion{ensemble.SquaredError, ensemble.AbsoluteError} {
			m, err := ensemble.Tree{Criterion: c, MaxDepth: 6, Monotone: sense}.FitRegressor(background, X, y, nil)
			if err != nil {
				t.Fatal(err)
			}
			if m.Leaves() < 4 {
				t.Errorf("%v: %d leaves", c, m.Leaves())
			}
			check(c.String(), func(x []float64) float64 { v, _ := m.PredictRow(x); return v })
		}
		for _, c := range []ensemble.Criterion{ensemble.Gini, ensemble.Entropy} {
			m, err := ensemble.Tree{Criterion: c, MaxDepth: 6, Monotone: sense}.FitClassifier(background, X, labels, nil)
			if err != nil {
				t.Fatal(err)
			}
			check(c.String(), func(x []float64) float64 {
				var p [2]float64
				m.PredictProbaRow(p[:], x)
				return p[1]
			})
		}
	}
}

// Features on one path are in one group.
func TestTreeInteractions(t *testing.T) {
	X, y, _ := noisy(300, 6, false, 3)
	m, err := ensemble.Tree{MaxDepth: 6, Interactions: [][]int{{0, 1}, {1, 2}}}.FitRegressor(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	groups := [][]int{{0, 1}, {1, 2}, {3, 4, 5}}
	for i := range X.Rows {
		splits, _, err := m.Path(X.Row(i))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(groups, func(g []int) bool {
			return !slices.ContainsFunc(splits, func(s ensemble.Split) bool { return !slices.Contains(g, s.Feature) })
		}) {
			t.Fatalf("row %d meets %v", i, splits)
		}
	}
}

// Sums of weights are rounded, and gains of pure sides are finite all the same.
func TestTreeEntropyGain(t *testing.T) {
	X, _, labels := noisy(300, 5, true, 9)
	w := make([]float64, 300)
	for i := range w {
		w[i] = 1 + math.Abs(math.Sin(float64(i)))
	}
	m := must(ensemble.Tree{Criterion: ensemble.Entropy}.FitClassifier(background, X, labels, w))(t)
	for i := range X.Rows {
		splits, _, err := m.Path(X.Row(i))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range splits {
			if !(s.Gain >= 0 && s.Gain <= s.Weight*s.Impurity*(1+1e-9)) {
				t.Fatalf("gain %v of a node of weight %v and impurity %v", s.Gain, s.Weight, s.Impurity)
			}
		}
	}
}

func TestTreeErrors(t *testing.T) {
	X, y, labels := noisy(20, 3, false, 1)
	for _, c := range []struct {
		tree ensemble.Tree
		text string
	}{
		{ensemble.Tree{MaxDepth: -1}, "MaxDepth is -1"},
		{ensemble.Tree{MaxLeaves: 1}, "MaxLeaves 1"},
		{ensemble.Tree{MinLeaf: -2}, "MinLeaf is -2"},
		{ensemble.Tree{MinSplit: math.NaN()}, "MinSplit is NaN"},
		{ensemble.Tree{MinGain: -1}, "MinGain is -1"},
		{ensemble.Tree{Alpha: -1}, "Alpha is -1"},
		{ensemble.Tree{Categorical: []int{3}}, "categorical feature 3 of 3"},
		{ensemble.Tree{Monotone: []int{1}}, "Monotone has length 1, X has 3"},
		{ensemble.Tree{Monotone: []int{0, 2, 0}}, "Monotone of feature 1 is 2"},
		{ensemble.Tree{Interactions: [][]int{{7}}}, "feature 7 of 3"},
		{ensemble.Tree{Criterion: 99}, "Criterion(99)"},
	} {
		if _, err := c.tree.FitRegressor(background, X, y, nil); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%q: error %v", c.text, err)
		}
	}
	if _, err := (ensemble.Tree{Criterion: ensemble.Poisson}).FitRegressor(background, X, y, nil); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), "is negative") {
		t.Errorf("negative counts: %v", err)
	}
	if _, err := (ensemble.Tree{Criterion: ensemble.Poisson}).FitRegressor(background, X, make([]float64, 20), nil); !errors.Is(err, gram.ErrParam) {
		t.Errorf("counts of 0: %v", err)
	}
	if _, err := (ensemble.Tree{Criterion: ensemble.Gini}).FitRegressor(background, X, y, nil); !errors.Is(err, gram.ErrParam) {
		t.Errorf("Gini for targets: %v", err)
	}
	if _, err := (ensemble.Tree{Criterion: ensemble.Poisson}).FitClassifier(background, X, labels, nil); !errors.Is(err, gram.ErrParam) {
		t.Errorf("Poisson for classes: %v", err)
	}
	three := slices.Clone(labels)
	three[0] = 2
	if _, err := (ensemble.Tree{Monotone: []int{1, 0, 0}}).FitClassifier(background, X, three, nil); !errors.Is(err, gram.ErrParam) {
		t.Errorf("Monotone with three classes: %v", err)
	}
	for _, v := range []float64{math.Inf(1), math.Inf(-1)} {
		X.Set(7, 2, v)
		if _, err := (ensemble.Tree{}).FitRegressor(background, X, y, nil); !errors.Is(err, gram.ErrNonFinite) || !strings.Contains(err.Error(), "row 7, column 2") {
			t.Errorf("%v: %v", v, err)
		}
	}
}
