package ensemble_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/modeltest"
)

func TestConformanceBoostingOptions(t *testing.T) {
	check(t, []any{regressorOnly{ensemble.GradientBoosting{Rounds: 4, Loss: ensemble.QuantileLoss, MinLeaf: 5}}}, missingIsAllowed)
	if testing.Short() {
		return
	}
	check(t, []any{
		ensemble.GradientBoosting{Rounds: 4, Columns: 0.6, ColumnsByNode: 0.6, ByLevel: true, MaxDepth: 3, DropRate: 0.5},
		regressorOnly{ensemble.GradientBoosting{Rounds: 4, Loss: ensemble.HuberLoss}},
	}, missingIsAllowed, sameFormat)
	check(t, []any{
		ensemble.GradientBoosting{Rounds: 3, Subsample: 0.5},
		ensemble.GradientBoosting{Rounds: 3, GossTop: 0.3, GossOther: 0.2},
	}, missingIsAllowed, byRows, sameFormat, modeltest.Skip("dropped", "which rows are drawn depends on how many there are"))
}

// amounts returns positive targets whose mean is exp(x₀ + 1 if x₁ > 0).
func amounts(n int, draw func(rng *rand.Rand, mean float64) float64) (X *linalg.Dense[float64], y, mean []float64) {
	rng := rand.New(rand.NewPCG(3, 4))
	X = linalg.NewDense[float64](n, 2, nil)
	y, mean = make([]float64, n), make([]float64, n)
	for i := range y {
		x := X.Row(i)
		x[0], x[1] = rng.Float64(), rng.Float64()-0.5
		mean[i] = math.Exp(x[0])
		if x[1] > 0 {
			mean[i] *= math.E
		}
		y[i] = draw(rng, mean[i])
	}
	return X, y, mean
}

// Each loss finds the mean of its distribution.
func TestBoostingMeans(t *testing.T) {
	exponential := func(rng *rand.Rand, mean float64) float64 { return mean * rng.ExpFloat64() }
	for name, c := range map[string]struct {
		trainer ensemble.GradientBoosting
		draw    func(rng *rand.Rand, mean float64) float64
	}{
		"poisson": {ensemble.GradientBoosting{Loss: ensemble.PoissonLoss}, func(rng *rand.Rand, mean float64) float64 {
			k, p := 0.0, rng.Float64()
			for limit := math.Exp(-mean); p > limit; k++ {
				p *= rng.Float64()
			}
			return k
		}},
		"gamma": {ensemble.GradientBoosting{Loss: ensemble.GammaLoss}, exponential},
		"tweedie": {ensemble.GradientBoosting{Loss: ensemble.TweedieLoss}, func(rng *rand.Rand, mean float64) float64 {
			if rng.Float64() < 0.5 {
				return 0
			}
			return 2 * exponential(rng, mean)
		}},
		"huber": {ensemble.GradientBoosting{Loss: ensemble.HuberLoss}, func(rng *rand.Rand, mean float64) float64 {
			if rng.IntN(50) == 0 {
				return mean + 1000*rng.NormFloat64()
			}
			return mean + rng.NormFloat64()
		}},
	} {
		X, y, mean := amounts(6000, c.draw)
		c.trainer.Rounds, c.trainer.MaxLeaves, c.trainer.MinLeaf = 60, 6, 100
		m := must(c.trainer.FitRegressor(background, X, y, nil))(t)
		p := must(m.Predict(nil, X))(t)
		sum, off := 0.0, 0.0
		for i, v := range p {
			sum += v / mean[i] / float64(len(p))
			off += math.Abs(v/mean[i]-1) / float64(len(p))
		}
		if math.Abs(sum-1) > 0.04 || off > 0.12 {
			t.Errorf("%s: predictions are %.3f times the means, off by %.3f", name, sum, off)
		}
	}
}

// A third of the targets lies below the prediction of the 1/3 quantile, in every region.
func TestBoostingQuantile(t *testing.T) {
	X, y, _ := amounts(4000, func(rng *rand.Rand, mean float64) float64 { return mean * rng.NormFloat64() })
	m := must(ensemble.GradientBoosting{Loss: ensemble.QuantileLoss, Quantile: 1. / 3, MinLeaf: 200, Rounds: 30}.FitRegressor(background, X, y, nil))(t)
	p := must(m.Predict(nil, X))(t)
	var below, all [2]float64
	for i, v := range p {
		side := 0
		if X.Row(i)[1] > 0 {
			side = 1
		}
		all[side]++
		if y[i] < v {
			below[side]++
		}
	}
	for side := range all {
		if share := below[side] / all[side]; math.Abs(share-1./3) > 0.02 {
			t.Errorf("side %d: %.3f of the targets are below", side, share)
		}
	}
}

// The squared loss as the user's own gives the model of the built-in one, but for
// rounding.
func TestBoostingCustom(t *testing.T) {
	X, y, _ := noisy(500, 4, true, 6)
	mean := 0.0
	for _, v := range y {
		mean += v / 500
	}
	own := ensemble.GradientBoosting{Rounds: 10, HoldOut: 0.2, Custom: &ensemble.CustomLoss{
		Start: mean,
		Gradient: func(g, h, scores, y []float64) {
			for i := range g {
				g[i], h[i] = scores[i]-y[i], 1
			}
		},
		Loss: func(score, y float64) float64 { return (score - y) * (score - y) / 2 },
	}}
	m := must(own.FitRegressor(background, X, y, nil))(t)
	own.Custom = nil
	want := must(own.FitRegressor(background, X, y, nil))(t)
	p, q := must(m.Predict(nil, X))(t), must(want.Predict(nil, X))(t)
	for i := range p {
		if !near(p[i], q[i], 1e-10) {
			t.Fatalf("row %d: %v and %v", i, p[i], q[i])
		}
	}
	for i, l := range m.Losses() {
		if !near(l, want.Losses()[i], 1e-10) {
			t.Errorf("round %d: losses %v and %v", i+1, l, want.Losses()[i])
		}
	}
}

// Three rounds and four more are seven.
func TestBoostingContinue(t *testing.T) {
	X, y, labels := noisy(400, 4, true, 6)
	three, four, seven := ensemble.GradientBoosting{Rounds: 3}, ensemble.GradientBoosting{Rounds: 4}, ensemble.GradientBoosting{Rounds: 7}
	w := make([]float64, 400)
	for i := range w {
		w[i] = float64(i % 3)
	}
	r := must(four.ContinueRegressor(background, must(three.FitRegressor(background, X, y, w))(t), X, y, w))(t)
	c := must(four.ContinueClassifier(background, must(three.FitClassifier(background, X, labels, nil))(t), X, labels, nil))(t)
	if !slices.Equal(must(r.Predict(nil, X))(t), must(must(seven.FitRegressor(background, X, y, w))(t).Predict(nil, X))(t)) {
		t.Error("regression: another model")
	}
	if !slices.Equal(must(c.PredictProba(nil, X))(t), must(must(seven.FitClassifier(background, X, labels, nil))(t).PredictProba(nil, X))(t)) {
		t.Error("classes: another model")
	}
	labels[0] = 2
	if _, err := four.ContinueClassifier(background, c, X, labels, nil); !errors.Is(err, gram.ErrLabels) || !strings.Contains(err.Error(), "3 classes, the model to continue 2") {
		t.Errorf("error %v", err)
	}
	narrow := linalg.NewDense[float64](400, 3, nil)
	if _, err := four.ContinueRegressor(background, r, narrow, y, nil); !errors.Is(err, gram.ErrShape) {
		t.Errorf("error %v", err)
	}
	four.Loss = ensemble.GammaLoss
	if _, err := four.ContinueRegressor(background, r, X, w[1:], nil); !errors.Is(err, gram.ErrShape) {
		t.Errorf("error %v", err)
	}
}

// Samples of rows and columns, and dropped trees, train nearly as well; and they are samples.
func TestBoostingSamples(t *testing.T) {
	X, _, labels := noisy(3000, 6, false, 2)
	V, _, valid := noisy(1000, 6, false, 3)
	loss := func(trainer ensemble.GradientBoosting) float64 {
		trainer.Rounds = 40
		m := must(trainer.FitClassifier(background, X, labels, nil))(t)
		return logLoss(must(m.PredictProba(nil, V))(t), valid)
	}
	plain := loss(ensemble.GradientBoosting{})
	for name, trainer := range map[string]ensemble.GradientBoosting{
		"rows":    {Subsample: 0.5},
		"columns": {Columns: 0.7},
		"nodes":   {ColumnsByNode: 0.5},
		"goss":    {GossTop: 0.2, GossOther: 0.2},
		"dart":    {DropRate: 0.1, LearningRate: 0.3},
		"level":   {ByLevel: true},
	} {
		if got := loss(trainer); got > plain+0.05 || got == plain {
			t.Errorf("%s: log-loss %.4f, without %.4f", name, got, plain)
		}
	}
}

// A tree that is grown by level is as shallow as its leaves allow.
func TestBoostingByLevel(t *testing.T) {
	X, y, _ := noisy(2000, 4, false, 2)
	m := must(ensemble.GradientBoosting{Rounds: 5, ByLevel: true, MaxLeaves: 8, MinLeaf: 1}.FitRegressor(background, X, y, nil))(t)
	for i := range m.Trees() {
		if tree := m.Tree(i); tree.Depth() != 3 || tree.Leaves() != 8 {
			t.Errorf("tree %d has the depth %d and %d leaves", i, tree.Depth(), tree.Leaves())
		}
	}
}

// queries returns groups of rows whose grades follow the first feature, with noise.
func queries(seed uint64) (X *linalg.Dense[float64], grades, groups []int) {
	rng := rand.New(rand.NewPCG(seed, 8))
	for q := range 60 {
		for range 5 + q%20 {
			groups = append(groups, q)
		}
	}
	X = linalg.NewDense[float64](len(groups), 3, nil)
	grades = make([]int, len(groups))
	for i := range groups {
		x := X.Row(i)
		for j := range x {
			x[j] = rng.NormFloat64()
		}
		grades[i] = min(max(int(2+x[0]*x[1]+x[0]+0.3*rng.NormFloat64()), 0), 4)
	}
	return X, grades, groups
}

func TestBoostingRanker(t *testing.T) {
	X, grades, groups := queries(1)
	V, vGrades, vGroups := queries(2)
	w := make([]float64, len(groups))
	for i := range w {
		w[i] = float64(1 + groups[i]%2)
	}
	trainer := ensemble.GradientBoosting{Rounds: 60, MinLeaf: 10, Patience: 20, Validation: &ensemble.Validation{X: V, Labels: vGrades, Groups: vGroups}}
	m := must(trainer.FitRanker(background, X, grades, groups, w))(t)
	losses := m.Losses()
	if first, best := losses[0], slices.Min(losses); best > 0.05 || best > 0.6*first {
		t.Errorf("1 − NDCG is %.3f after the first round and %.3f at best", first, best)
	}
	for name, c := range map[string]struct {
		trainer        ensemble.GradientBoosting
		grades, groups []int
		kind           error
		text           string
	}{
		"length":  {trainer, grades[1:], groups, gram.ErrShape, "grades and"},
		"grade":   {trainer, append([]int{31}, grades[1:]...), groups, gram.ErrLabels, "grade 31 in row 0"},
		"group":   {trainer, grades, append([]int{59}, groups[1:]...), gram.ErrShape, "group 59 begins again"},
		"hold":    {ensemble.GradientBoosting{HoldOut: 0.1}, grades, groups, gram.ErrParam, "of a ranker"},
		"watched": {ensemble.GradientBoosting{Validation: &ensemble.Validation{X: V}}, grades, groups, gram.ErrShape, "validation: ensemble: 0 grades"},
	} {
		if _, err := c.trainer.FitRanker(background, X, c.grades, c.groups, nil); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// A fit allocates what its documentation says, and a few megabytes: not a copy of X, which is 8
// bytes a value.
func TestBoostingMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has pools forget what they hold")
	}
	const n, d = 150_000, 8
	X := linalg.NewDense[float64](n, d, nil)
	y := make([]int, n)
	for i := range n {
		for j := range d {
			X.Row(i)[j] = float64((i*7 + j) % (1000 + j))
		}
		y[i] = i * 7 % 1000 / 500
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	must(ensemble.GradientBoosting{Rounds: 2, MaxLeaves: 4, Workers: 1}.FitClassifier(background, X, y, nil))(t)
	runtime.ReadMemStats(&after)
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(n*(d+24)+5<<20); got > most {
		t.Errorf("the fit allocated %d bytes, want at most %d", got, most)
	}
}
