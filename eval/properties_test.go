package eval

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
	"github.com/gram-ml/gram/linalg"
)

// pairs returns by brute force the share of pairs in which label 1 scores higher, ties
// counting half.
func pairs(y []int, score, w []float64) float64 {
	var won, all float64
	for i := range y {
		for j := range y {
			if y[i] == 1 && y[j] == 0 {
				v := weight(w, i) * weight(w, j)
				all += v
				if score[i] > score[j] {
					won += v
				} else if score[i] == score[j] {
					won += v / 2
				}
			}
		}
	}
	return won / all
}

func TestAUCProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, n := range []int{2, 10, 300, 1500, 5000} {
		for _, levels := range []float64{2, 30, 1e9} {
			y, score, w := overlap(n)
			y[0], y[1] = 0, 1
			for i := range score {
				score[i] = math.Round(score[i]*levels) / levels
			}
			auc := must(AUC(y, score, nil))
			if n <= 1500 {
				near(t, "AUC", auc, pairs(y, score, nil))
				weighted := must(AUC(y, score, w))
				if d := weighted - pairs(y, score, w); math.Abs(d) > 1e-12 {
					t.Errorf("weighted AUC of %d rows is off by %v", n, d)
				}
			}
			// A growing function changes nothing, the opposite order mirrors it.
			grown, opposite, other := make([]float64, n), make([]float64, n), make([]int, n)
			for i := range score {
				grown[i], opposite[i], other[i] = math.Atan(score[i])-7, -score[i], 1-y[i]
			}
			if got := must(AUC(y, grown, nil)); got != auc && levels < 1e9 {
				t.Errorf("AUC of a function of the scores is %v, not %v", got, auc)
			}
			near(t, "AUC of opposite scores", must(AUC(y, opposite, nil)), 1-auc)
			near(t, "AUC of opposite labels and scores", must(AUC(other, opposite, nil)), auc)
			// The order of the rows does not matter, not in a bit.
			order := rng.Perm(n)
			if got := must(AUC(Take(y, order), Take(score, order), nil)); got != auc {
				t.Errorf("AUC of shuffled rows is %v, not %v", got, auc)
			}
		}
	}
}

func must(v float64, err error) float64 {
	if err != nil {
		panic(err)
	}
	return v
}

// A whole weight is a repeated row, and a weight of 0 none, for every score.
func TestWeightsRepeatRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	n, k := 40, 3
	y, pred, b := make([]int, n), make([]int, n), make([]int, n)
	proba, target, guess, w := make([]float64, n*k), make([]float64, n), make([]float64, n), make([]float64, n)
	var rows []int
	for i := range n {
		y[i], pred[i], b[i] = i%k, rng.IntN(k), i%2
		var sum float64
		for c := range k {
			proba[i*k+c] = rng.ExpFloat64()
			sum += proba[i*k+c]
		}
		for c := range k {
			proba[i*k+c] /= sum
		}
		target[i], guess[i], w[i] = rng.ExpFloat64(), rng.ExpFloat64(), float64(rng.IntN(4))
		for range int(w[i]) {
			rows = append(rows, i)
		}
	}
	var repeated []float64
	for _, i := range rows {
		repeated = append(repeated, proba[i*k:(i+1)*k]...)
	}
	for _, s := range []ClassifierScore{
		AccuracyScore(), LogLossScore(), BrierScore(), AUCScore(), AveragePrecisionScore(), TopKScore(2), BalancedAccuracyScore(),
		MatthewsScore(), KappaScore(Quadratic), FBetaScore(2, Weighted), PrecisionScore(Macro), RecallScore(Micro),
	} {
		a, b := must(s.Of(y, pred, proba, w)), must(s.Of(Take(y, rows), Take(pred, rows), repeated, nil))
		if math.Abs(a-b) > 1e-12 {
			t.Errorf("%s is %v with weights, %v with repeated rows", s.Name, a, b)
		}
	}
	for _, s := range []RegressorScore{MSEScore(), MAEScore(), R2Score(), PinballScore(0.3), TweedieScore(1), TweedieScore(2), TweedieScore(1.5)} {
		a, b := must(s.Of(target, guess, w)), must(s.Of(Take(target, rows), Take(guess, rows), nil))
		if math.Abs(a-b) > 1e-12 {
			t.Errorf("%s is %v with weights, %v with repeated rows", s.Name, a, b)
		}
	}
	for name, f := range map[string]func(rows []int, w []float64) float64{
		"AUCOvO": func(rows []int, w []float64) float64 {
			p := proba
			if w == nil {
				p = repeated
			}
			return must(AUCOvO(Take(y, rows), p, w, Weighted))
		},
		"mutual information": func(rows []int, w []float64) float64 { return must(MutualInfo(Take(y, rows), Take(pred, rows), w)) },
		"normalized mutual information": func(rows []int, w []float64) float64 {
			return must(NormalizedMutualInfo(Take(y, rows), Take(pred, rows), w))
		},
		"ECE": func(rows []int, w []float64) float64 {
			c, err := Calibrate(Take(b, rows), Take(column(proba, k, 0), rows), w, 4, Uniform)
			return must(c.ECE(), err)
		},
	} {
		if a, b := f(ascending(n), w), f(rows, nil); math.Abs(a-b) > 1e-12 {
			t.Errorf("%s is %v with weights, %v with repeated rows", name, a, b)
		}
	}
}

// The scores of two classes are those of class 1.
func TestBinaryScores(t *testing.T) {
	y, pred := []int{0, 0, 0, 1, 1}, []int{0, 1, 1, 1, 0}
	proba := []float64{0.9, 0.1, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.6, 0.4}
	for _, c := range []struct {
		s    ClassifierScore
		want float64
	}{
		{PrecisionScore(Macro), 1.0 / 3}, {RecallScore(Macro), 0.5}, {FBetaScore(1, Micro), 0.4},
		{AUCScore(), 4.0 / 6}, {AveragePrecisionScore(), 0.75}, {BrierScore(), (0.01 + 0.36 + 0.49 + 0.04 + 0.36) / 5},
		{AccuracyScore(), 0.4}, {BalancedAccuracyScore(), (1.0/3 + 0.5) / 2},
	} {
		near(t, c.s.Name, must(c.s.Of(y, pred, proba, nil)), c.want)
	}
	if _, err := BalancedAccuracyScore().Of(nil, nil, nil, nil); !errors.Is(err, gram.ErrShape) {
		t.Errorf("no labels: %v", err)
	}
}

// What is documented for one class, constant scores and the like.
func TestEdges(t *testing.T) {
	all, none := []int{1, 1, 1}, []int{0, 0, 0}
	score := []float64{1, 2, 3}
	near(t, "average precision of positives", must(AveragePrecision(all, score, nil)), 1)
	near(t, "average precision of negatives", must(AveragePrecision(none, score, nil)), 0)
	near(t, "average precision of a constant", must(AveragePrecision([]int{0, 1, 0, 0}, make([]float64, 4), nil)), 0.25)
	near(t, "AUC of a constant", must(AUC([]int{0, 1, 0, 0}, make([]float64, 4), nil)), 0.5)
	c, err := NewCuts(none, score, nil)
	if err != nil {
		t.Fatal(err)
	}
	if pr := c.PrecisionRecall(); !slices.Equal(pr.X, []float64{0, 1, 1, 1}) || !slices.Equal(pr.Y, []float64{1, 0, 0, 0}) {
		t.Errorf("precision and recall without positives: %v", pr)
	}
	if roc := c.ROC(); roc.Y[3] != 0 || roc.X[3] != 1 {
		t.Errorf("ROC without positives: %v", roc)
	}
	if lift := c.Lift(); !slices.Equal(lift.Y, make([]float64, 4)) {
		t.Errorf("lift without positives: %v", lift)
	}
	empty, _ := Confusion(3, nil, nil, nil)
	for _, v := range []float64{empty.BalancedAccuracy(), empty.Matthews(), empty.Kappa(Linear), empty.MeanPrecision(Micro), empty.MeanRecall(Macro), empty.MeanFBeta(1, Weighted)} {
		if v != 0 {
			t.Errorf("score of nothing is %v", v)
		}
	}
	near(t, "silhouette of equal rows", must(Silhouette(context.Background(), linalg.NewDense[float64](4, 2, nil), []int{0, 0, 1, 1})), 0)
	near(t, "NDCG without relevance", must(NDCG(make([]float64, 3), score, 0)), 0)
	// The smaller class wins a tie, as in predictions.
	near(t, "top 1 of ties", must(TopKAccuracy([]int{0, 1}, []float64{0.5, 0.5, 0.5, 0.5}, 1, nil)), 0.5)
}

func TestGainAndLift(t *testing.T) {
	c, err := NewCuts([]int{1, 0, 1, 0, 0, 0, 0, 0}, []float64{8, 7, 6, 5, 4, 3, 2, 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	gain, lift := c.Gain(), c.Lift()
	sameAll(t, "gain", gain.Y, []float64{0, 0.5, 0.5, 1, 1, 1, 1, 1, 1})
	sameAll(t, "share", gain.X, []float64{0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1})
	sameAll(t, "lift", lift.Y, []float64{4, 4, 2, 8.0 / 3, 2, 1.6, 4.0 / 3, 8.0 / 7, 1})
}

func TestCalibration(t *testing.T) {
	y, p := []int{0, 1, 1, 1}, []float64{0.1, 0.1, 0.9, 0.9}
	c, err := Calibrate(y, p, []float64{3, 1, 2, 2}, 0, Uniform)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "ECE", c.ECE(), (4*0.15+4*0.1)/8)
	near(t, "largest error", c.MaxError(), 0.15)
}

// Thresholds are those that trying all of them finds.
func TestThresholdRules(t *testing.T) {
	y, score, w := overlap(400)
	for i := range score {
		score[i] = math.Round(8*score[i]) / 8
	}
	c, err := NewCuts(y, score, w)
	if err != nil {
		t.Fatal(err)
	}
	costs := Costs{{-1, 3}, {10, 0.5}}
	for name, r := range map[string]struct {
		rule  ThresholdRule
		value func(m *ConfusionMatrix) float64
	}{
		"F2":     {MaxFBeta(2), func(m *ConfusionMatrix) float64 { return m.FBeta(2, 1) }},
		"Youden": {MaxYouden(), func(m *ConfusionMatrix) float64 { return m.Recall(1) + m.Recall(0) - 1 }},
		"recall": {MaxRecall(0.7), func(m *ConfusionMatrix) float64 {
			if m.Predicted(1) > 0 && m.Precision(1) < 0.7 {
				return -1
			}
			return m.Recall(1)
		}},
		"cost": {MinCost(costs), func(m *ConfusionMatrix) float64 {
			var sum float64
			for i := range 2 {
				for j := range 2 {
					sum -= costs[i][j] * m.At(i, j)
				}
			}
			return sum / m.Total()
		}},
	} {
		threshold, value, err := r.rule(c)
		if err != nil {
			t.Fatal(err)
		}
		if name == "cost" {
			value = -value
		}
		best, at := math.Inf(-1), 0.0
		for _, s := range c.Threshold {
			m, _ := Confusion(2, y, above(score, s), w)
			if v := r.value(m); v > best+1e-12 {
				best, at = v, s
			}
		}
		if at != threshold || math.Abs(best-value) > 1e-12 {
			t.Errorf("%s: %v at %v, trying all finds %v at %v", name, value, threshold, best, at)
		}
	}
	if threshold, value, err := MaxRecall(1)(&Cuts{[]float64{math.Inf(1), 1}, []float64{0, 1}, []float64{0, 1}}); err != nil || !math.IsInf(threshold, 1) || value != 0 {
		t.Errorf("a precision that is not reached: %v, %v, %v", threshold, value, err)
	}
}

func above(score []float64, threshold float64) []int {
	out := make([]int, len(score))
	for i, s := range score {
		if s >= threshold {
			out[i] = 1
		}
	}
	return out
}

// The threshold is that of the cross-validated probabilities, not of the fitted ones.
func TestTunedThreshold(t *testing.T) {
	ctx := context.Background()
	X, y := blobs(120)
	for i := range y {
		y[i] = min(1, y[i]) // 40 to 80
	}
	rule := MinCost(Costs{{0, 1}, {8, 0}})
	m, err := TunedThreshold{Base: centroids{}, Rule: rule}.Fit(ctx, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	cv, _ := CrossValidate(ctx, centroids{}, X, y, nil, nil)
	c, _ := NewCuts(y, column(cv.Proba, 2, 1), nil)
	threshold, value, _ := rule(c)
	if m.Threshold() != threshold || m.Value() != value || threshold >= 0.5 || m.Features() != 2 || m.Base() == nil {
		t.Errorf("threshold %v of value %v, want %v of %v", m.Threshold(), m.Value(), threshold, value)
	}
	proba, _ := m.PredictProba(nil, X)
	pred, _ := m.Predict(nil, X)
	for i := range pred {
		if (pred[i] == 1) != (proba[2*i+1] >= threshold) {
			t.Errorf("row %d: %v is taken for class %d", i, proba[2*i+1], pred[i])
		}
	}
	// Some rows need not be tested.
	if _, err := (TunedThreshold{Base: centroids{}, Folds: TimeSeries{N: 3}}).Fit(ctx, X, y, nil); err != nil {
		t.Errorf("with folds in time: %v", err)
	}
	// Groups are cut to the training rows of an outer fold.
	groups := make([]int, 120)
	for i := range groups {
		groups[i] = i / 5
	}
	tuned := TunedThreshold{Base: centroids{}, Folds: GroupKFold{Groups: groups}}
	if _, err := CrossValidate(ctx, tuned, X, y, nil, GroupKFold{Groups: groups}); err != nil {
		t.Errorf("with groups: %v", err)
	}
	nanRule := func(*Cuts) (float64, float64, error) { return nan, 0, nil }
	_, three := blobs(120)
	for _, c := range []struct {
		t    TunedThreshold
		y    []int
		is   error
		text string
	}{
		{TunedThreshold{}, y, gram.ErrParam, "Base is nil"},
		{TunedThreshold{Base: centroids{}}, three, gram.ErrLabels, "threshold between 3 classes"},
		{TunedThreshold{Base: centroids{}}, y[1:], gram.ErrShape, "y has 119 labels"},
		{TunedThreshold{Base: centroids{}, Rule: MaxFBeta(-1)}, y, gram.ErrParam, "beta is -1"},
		{TunedThreshold{Base: centroids{}, Rule: MaxRecall(2)}, y, gram.ErrParam, "precision 2 is not in [0, 1]"},
		{TunedThreshold{Base: centroids{}, Rule: MinCost(Costs{{nan, 0}, {0, 0}})}, y, gram.ErrParam, "costs"},
		{TunedThreshold{Base: centroids{}, Rule: nanRule}, y, gram.ErrNonFinite, "threshold of NaN"},
		{TunedThreshold{Base: centroids{classes: 1}}, y, gram.ErrLabels, "model of 1 classes"},
	} {
		m, err := c.t.Fit(ctx, X, c.y, nil)
		if m != nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) && !strings.Contains(c.text, "1 classes") {
			t.Errorf("error %v, want %q", err, c.text)
		}
	}
	if _, _, err := MaxYouden()(c0(t)); !errors.Is(err, gram.ErrLabels) {
		t.Errorf("Youden's J of one class: %v", err)
	}
	m, err = TunedThreshold{Base: centroids{unconverged: true}}.Fit(ctx, X, y, nil)
	if m == nil || !errors.Is(err, gram.ErrNotConverged) {
		t.Errorf("unconverged: %v, %v", m, err)
	}
}

// c0 returns cuts of class 0 alone.
func c0(t *testing.T) *Cuts {
	c, err := NewCuts([]int{0, 0}, []float64{1, 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBootstrap(t *testing.T) {
	ctx := context.Background()
	n := 400
	x, strata := make([]float64, n), make([]int, n)
	rng := rand.New(rand.NewPCG(1, 1))
	var want float64
	for i := range x {
		x[i], strata[i] = rng.NormFloat64(), i%4/3
		want += x[i] / float64(n)
	}
	mean := func(rows []int) (float64, error) {
		if len(rows) != n {
			return 0, fmt.Errorf("%d rows", len(rows))
		}
		return sum(Take(x, rows)) / float64(n), nil
	}
	a, err := Bootstrap{Seed: 2}.Interval(ctx, n, mean)
	if err != nil {
		t.Fatal(err)
	}
	// The mean of n has standard error σ/√n, and 95 % are within 1.96 of them.
	se := 1 / math.Sqrt(float64(n))
	if math.Abs(a.Value-want) > 1e-12 || math.Abs(a.StdErr/se-1) > 0.15 ||
		math.Abs((a.High-a.Low)/(2*1.96*se)-1) > 0.15 || a.Low > a.Value || a.High < a.Value {
		t.Errorf("interval %+v, mean %v ± %v", a, want, se)
	}
	for _, workers := range []int{1, 5} {
		if b, err := (Bootstrap{Seed: 2, Workers: workers}).Interval(ctx, n, mean); err != nil || a != b {
			t.Errorf("%d workers: %+v, %v", workers, b, err)
		}
	}
	// Strata keep their sizes.
	_, err = Bootstrap{Samples: 50, Strata: strata}.Interval(ctx, n, func(rows []int) (float64, error) {
		if got := sumInts(Take(strata, rows)); got != n/4 {
			return 0, fmt.Errorf("%d rows of stratum 1", got)
		}
		return 0, nil
	})
	if err != nil {
		t.Error(err)
	}
	calls := 0
	boom := errors.New("boom")
	for _, c := range []struct {
		b     Bootstrap
		n     int
		score func([]int) (float64, error)
		is    error
		text  string
	}{
		{Bootstrap{Samples: 1}, n, mean, gram.ErrParam, "1 resamples"},
		{Bootstrap{Level: 1}, n, mean, gram.ErrParam, "Level is 1"},
		{Bootstrap{}, 0, mean, gram.ErrShape, "0 rows"},
		{Bootstrap{Strata: strata[:3]}, n, mean, gram.ErrShape, "400 rows, 3 strata"},
		{Bootstrap{Workers: 1}, n, func([]int) (float64, error) {
			if calls++; calls == 3 {
				return 0, boom
			}
			return 0, nil
		}, boom, "resample 1: boom"},
	} {
		if _, err := c.b.Interval(ctx, c.n, c.score); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("error %v, want %q", err, c.text)
		}
	}
}

func sumInts(x []int) int {
	s := 0
	for _, v := range x {
		s += v
	}
	return s
}

func TestMoreScoreErrors(t *testing.T) {
	ctx := context.Background()
	two, s2 := []int{0, 1}, []float64{0.2, 0.8}
	four := []float64{0.5, 0.5, 0.5, 0.5}
	X := linalg.NewDense[float64](2, 1, nil)
	one := func(v float64, err error) error { return err }
	calibrate := func(y []int, p, w []float64, bins int, how Binning) error {
		_, err := Calibrate(y, p, w, bins, how)
		return err
	}
	for _, c := range []struct {
		err, is error
		text    string
	}{
		{one(AUC(two, s2[:1], nil)), gram.ErrShape, "2 labels, 1 scores"},
		{one(AUC(nil, nil, nil)), gram.ErrShape, "0 labels"},
		{one(AUC([]int{0, 2}, s2, nil)), gram.ErrLabels, "label 2 in row 1 is not 0 or 1"},
		{one(AUC([]int{0, 0}, s2, nil)), gram.ErrLabels, "AUC of 0 of label 1 and 2 of label 0"},
		{one(AUC(two, s2, []float64{0, 1})), gram.ErrLabels, "AUC of 1 of label 1 and 0 of label 0"},
		{one(AUC(two, []float64{0, math.Inf(-1)}, nil)), gram.ErrNonFinite, "score of row 1 is -Inf"},
		{one(AveragePrecision(two, []float64{nan, 0}, nil)), gram.ErrNonFinite, "score of row 0 is NaN"},
		{one(AveragePrecision(two, s2, []float64{-1, 0})), gram.ErrWeights, "weight of row 0 is -1"},
		{one(AUCOvR(two, s2[:1], nil, Macro)), gram.ErrShape, "1 probabilities for 2 labels"},
		{one(AUCOvR(two, s2, nil, Macro)), gram.ErrShape, "1 column"},
		{one(AUCOvR([]int{0, 3}, four, nil, Macro)), gram.ErrLabels, "label 3 in row 1 is not in 0..1"},
		{one(AUCOvR([]int{0, 0}, four, nil, Macro)), gram.ErrLabels, "class 0: AUC of"},
		{one(AUCOvR(two, four, nil, 9)), gram.ErrParam, "average Average(9)"},
		{one(AUCOvO(two, four, nil, Micro)), gram.ErrParam, "average micro"},
		{one(AUCOvO(two, four, []float64{-1, 1}, Macro)), gram.ErrWeights, "weight of row 0"},
		{one(AUCOvO([]int{0, 0}, four, nil, Macro)), gram.ErrLabels, "classes 0 and 1: AUC of"},
		{one(AUCOvO([]int{0, 0}, make([]float64, 6), nil, Macro)), gram.ErrLabels, "classes 0 and 1"},
		{one(Brier(two, []float64{0.5, 0.5, 0.7, 0.7}, nil)), ErrProba, "probabilities of row 1 sum to 1.4"},
		{one(TopKAccuracy(two, four, 3, nil)), gram.ErrParam, "top 3 of 2 classes"},
		{one(TopKAccuracy(two, []float64{0, nan, 0, 0}, 1, nil)), gram.ErrNonFinite, "score of class 1 in row 0 is NaN"},
		{one(NDCG(s2, nil, 0)), gram.ErrShape, "2 relevances, 0 scores"},
		{one(NDCG(s2, s2, -1)), gram.ErrParam, "first -1 places"},
		{one(NDCG([]float64{0, -1}, s2, 0)), ErrDomain, "relevance of item 1 is -1"},
		{one(NDCG(s2, []float64{nan, 1}, 0)), gram.ErrNonFinite, "score of item 0 is NaN"},
		{one(MeanNDCG(nil, nil, 0, nil)), gram.ErrShape, "relevances of 0 queries"},
		{one(MeanNDCG([][]float64{s2}, [][]float64{nil}, 0, nil)), gram.ErrShape, "query 0: 2 relevances"},
		{one(MeanNDCG([][]float64{s2}, [][]float64{s2}, 0, s2)), gram.ErrShape, "w has 2 weights"},
		{one(MSE(s2, nil, nil)), gram.ErrShape, "2 targets, 0 predictions"},
		{one(MAE([]float64{0, nan}, s2, nil)), gram.ErrNonFinite, "target of row 1 is NaN"},
		{one(R2(s2, []float64{math.Inf(1), 0}, nil)), gram.ErrNonFinite, "prediction of row 0 is +Inf"},
		{one(R2(s2, s2, []float64{0, 0})), gram.ErrWeights, "no weight of 2"},
		{one(Pinball(s2, s2, nil, 1.5)), gram.ErrParam, "quantile 1.5"},
		{one(TweedieDeviance(s2, s2, nil, 0.5)), gram.ErrParam, "power 0.5"},
		{one(PoissonDeviance(s2, []float64{0, 1}, nil)), ErrDomain, "prediction of row 0 is 0"},
		{one(PoissonDeviance([]float64{1, -1}, s2, nil)), ErrDomain, "target of row 1 is -1"},
		{one(GammaDeviance([]float64{1, 0}, s2, nil)), ErrDomain, "target of row 1 is 0"},
		{one(GammaDeviance(s2, nil, nil)), gram.ErrShape, "2 targets"},
		{one(AdjustedRand(two, nil)), gram.ErrShape, "groupings of 2 and 0 rows"},
		{one(AdjustedMutualInfo(nil, nil)), gram.ErrShape, "groupings of 0 and 0 rows"},
		{one(MutualInfo(two, two, s2[:1])), gram.ErrShape, "w has 1 weights"},
		{one(NormalizedMutualInfo(two, two, []float64{0, 0})), gram.ErrWeights, "no weight"},
		{one(Silhouette(ctx, nil, two)), gram.ErrShape, "X is nil"},
		{one(Silhouette(ctx, X, two[:1])), gram.ErrShape, "1 labels, X has 2 rows"},
		{one(Silhouette(ctx, X, two)), gram.ErrLabels, "silhouette of 2 clusters of 2 rows"},
		{calibrate(two, s2[:1], nil, 0, Uniform), gram.ErrShape, "2 labels, 1 probabilities"},
		{calibrate([]int{0, 5}, s2, nil, 0, Uniform), gram.ErrLabels, "label 5 in row 1"},
		{calibrate(two, []float64{0, 1.1}, nil, 0, Uniform), ErrProba, "probability of row 1 is 1.1"},
		{calibrate(two, s2, nil, -1, Uniform), gram.ErrParam, "-1 bins"},
		{calibrate(two, s2, nil, 5, 7), gram.ErrParam, "5 bins of kind 7"},
	} {
		if !errors.Is(c.err, c.is) || !strings.Contains(c.err.Error(), c.text) {
			t.Errorf("error %v, want %q", c.err, c.text)
		}
	}
	if _, err := SilhouetteSamples(ctx, s2[:1], linalg.NewDense(3, 1, []float64{0, 1, 5}), []int{0, 0, 1}); !errors.Is(err, gram.ErrShape) {
		t.Errorf("dst of another length: %v", err)
	}
	if _, err := McNemar(two, two, nil); !errors.Is(err, gram.ErrShape) {
		t.Errorf("McNemar: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Silhouette(cancelled, linalg.NewDense(3, 1, []float64{0, 1, 5}), []int{0, 0, 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled silhouette: %v", err)
	}
	c, _ := Confusion(2, two, two, nil)
	for _, f := range []func(){func() { c.Kappa(9) }, func() { c.MeanRecall(9) }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		}()
	}
}
