package ensemble_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"gonum.org/v1/gonum/mat"
)

var ctx = context.Background()

// metaGolden is testdata/meta.json, which make_meta.py wrote.
type metaGolden struct {
	X, Z, W  []float64
	Y        []int
	D        int
	AdaBoost []struct {
		Rate                 float64
		Weighted             bool
		Classes              int
		Alpha, Errors, Votes []float64
	}
	Real []struct {
		Rate              float64
		Classes           int
		Errors, Decisions []float64
	}
	R2 []struct {
		Loss                 string
		Rate                 float64
		Weights, Means, Pred []float64
	}
	Soft     []float64
	Hard     []int
	Stacking []struct {
		Passthrough bool
		Classes     int
		Proba       []float64
	}
	StackingRegressor []float64 `json:"stacking_regressor"`
	Calibrated        []struct {
		Method  string
		Average bool
		Classes int
		Proba   []float64
	}
}

func readGolden(t *testing.T) (*metaGolden, *mat.Dense) {
	t.Helper()
	data, err := os.ReadFile("testdata/meta.json")
	if err != nil {
		t.Fatal(err)
	}
	g := new(metaGolden)
	if err := json.Unmarshal(data, g); err != nil {
		t.Fatal(err)
	}
	return g, mat.NewDense(len(g.Y), g.D, g.X)
}

// labels returns the labels of so many classes: of two, it is class 1 against the others.
func (g *metaGolden) labels(classes int) []int {
	if classes > 2 {
		return g.Y
	}
	y := make([]int, len(g.Y))
	for i, c := range g.Y {
		if c == 1 {
			y[i] = 1
		}
	}
	return y
}

func wantNear(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i, v := range want {
		if !(math.Abs(got[i]-v) <= tol*(1+math.Abs(v))) {
			t.Fatalf("%s: number %d is %v, want %v", what, i, got[i], v)
		}
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestAdaBoostGolden(t *testing.T) {
	g, X := readGolden(t)
	for _, c := range g.AdaBoost {
		w := g.W
		if !c.Weighted {
			w = nil
		}
		m := must(ensemble.AdaBoost{Base: one, Estimators: len(c.Alpha), LearningRate: c.Rate}.Fit(ctx, X, g.labels(c.Classes), w))(t)
		wantNear(t, "weights", m.Weights(), c.Alpha, 1e-9)
		wantNear(t, "errors", m.Errors(), c.Errors, 1e-9)
		// Vote shares v are decisions (K·v − 1)/(K − 1).
		k := float64(c.Classes)
		for i, v := range c.Votes {
			c.Votes[i] = (k*v - 1) / (k - 1)
		}
		wantNear(t, "decisions", must(m.DecisionFunction(nil, X))(t), c.Votes, 1e-9)
	}
}

func TestAdaBoostRealGolden(t *testing.T) {
	g, X := readGolden(t)
	for _, c := range g.Real {
		m := must(ensemble.AdaBoost{Base: one, Estimators: len(c.Errors), LearningRate: c.Rate, Real: true}.Fit(ctx, X, g.labels(c.Classes), g.W))(t)
		wantNear(t, "errors", m.Errors(), c.Errors, 1e-9)
		d := must(m.DecisionFunction(nil, X))(t)
		wantNear(t, "decisions", d[:len(c.Decisions)], c.Decisions, 1e-9)
		if again := reload(t, m).(*ensemble.AdaBoostModel); !slices.Equal(must(again.DecisionFunction(nil, X))(t), d) {
			t.Error("a loaded model differs")
		}
		first := must(m.First(2))(t)
		if p, q := must(first.PredictRow(row(X, 3)))(t), must(first.Predict(nil, X))(t)[3]; p != q {
			t.Errorf("class %d by row, %d in the batch", p, q)
		}
	}
}

func TestAdaBoostRegressorGolden(t *testing.T) {
	g, X := readGolden(t)
	losses := map[string]ensemble.AdaBoostLoss{"linear": ensemble.LinearLoss, "square": ensemble.SquareLoss, "exponential": ensemble.ExponentialLoss}
	for _, c := range g.R2 {
		m := must(ensemble.AdaBoostRegressor{Base: one, Estimators: 10, LearningRate: c.Rate, Loss: losses[c.Loss]}.Fit(ctx, X, g.Z, g.W))(t)
		wantNear(t, c.Loss+" weights", m.Weights(), c.Weights, 1e-9)
		wantNear(t, c.Loss+" losses", m.Losses(), c.Means, 1e-9)
		wantNear(t, c.Loss+" predictions", must(m.Predict(nil, X))(t), c.Pred, 1e-9)
		if c.Loss != losses[c.Loss].String() {
			t.Errorf("%v is called %v", c.Loss, losses[c.Loss])
		}
	}
}

func TestVotingGolden(t *testing.T) {
	g, X := readGolden(t)
	exact := linear.Softmax{Tol: 1e-11}
	soft := must(ensemble.Voting{Trainers: []gram.ClassifierTrainer{exact, one}, Weights: []float64{2, 1}}.Fit(ctx, X, g.Y, g.W))(t)
	wantNear(t, "soft", must(soft.PredictProba(nil, X))(t), g.Soft, 1e-7)
	hard := must(ensemble.Voting{Trainers: []gram.ClassifierTrainer{exact, one, linear.Softmax{C: 0.01, Tol: 1e-11}}, Weights: []float64{2, 1, 1.5}, Hard: true}.Fit(ctx, X, g.Y, g.W))(t)
	if got := must(hard.Predict(nil, X))(t); !slices.Equal(got, g.Hard) {
		t.Errorf("hard votes are %v, want %v", got, g.Hard)
	}
}

func TestStackingGolden(t *testing.T) {
	g, X := readGolden(t)
	for _, c := range g.Stacking {
		var exact gram.ClassifierTrainer = linear.Softmax{Tol: 1e-11}
		if c.Classes == 2 {
			exact = linear.Logistic{Tol: 1e-11}
		}
		m := must(ensemble.Stacking{Trainers: []gram.ClassifierTrainer{exact, one}, Last: exact, Folds: eval.KFold{N: 4}, Passthrough: c.Passthrough}.
			Fit(ctx, X, g.labels(c.Classes), g.W))(t)
		wantNear(t, "stacking", must(m.PredictProba(nil, X))(t), c.Proba, 1e-6)
	}
	m := must(ensemble.StackingRegressor{Trainers: []gram.RegressorTrainer{one, one}, Last: one, Folds: eval.KFold{N: 3}, Passthrough: true}.Fit(ctx, X, g.Z, g.W))(t)
	wantNear(t, "stacked regressors", must(m.Predict(nil, X))(t), g.StackingRegressor, 1e-9)
}

// Decisions of the classes sum to 0, and weights far below what a float holds give no
// NaN: the last rows are copies of others with another label, so that some are always wrong.
func TestAdaBoostHopelessRows(t *testing.T) {
	const n = 60
	X, y := mat.NewDense(n, 2, nil), make([]int, n)
	for i := range n {
		y[i] = i % 20 / 7
		if i >= 55 {
			y[i] = 0
		}
		X.Set(i, 0, float64(i%20))
		X.Set(i, 1, float64(i%2*5))
	}
	m := must(ensemble.AdaBoost{Base: stump{}, Estimators: 300, LearningRate: 50}.Fit(ctx, X, y, nil))(t)
	d := must(m.DecisionFunction(nil, X))(t)
	for i := range n {
		if sum := d[3*i] + d[3*i+1] + d[3*i+2]; !(math.Abs(sum) < 1e-14) {
			t.Errorf("decisions of row %d sum to %v", i, sum)
		}
	}
	for i, p := range must(m.PredictProba(nil, X))(t) {
		if math.IsNaN(p) {
			t.Fatalf("probability %d is NaN", i)
		}
	}
}

// Boosting ends at a member that makes no error.
func TestAdaBoostPerfectMember(t *testing.T) {
	X := mat.NewDense(6, 1, []float64{1, 2, 3, 4, 5, 6})
	m := must(ensemble.AdaBoost{Base: stump{}}.Fit(ctx, X, []int{0, 0, 0, 1, 1, 1}, nil))(t)
	if len(m.Members()) != 1 || m.Errors()[0] != 0 {
		t.Errorf("%d members with errors %v", len(m.Members()), m.Errors())
	}
	r := must(ensemble.AdaBoostRegressor{Base: stump{}}.Fit(ctx, X, []float64{2, 2, 2, 7, 7, 7}, nil))(t)
	if len(r.Members()) != 1 || r.Losses()[0] != 0 {
		t.Errorf("%d members with losses %v", len(r.Members()), r.Losses())
	}
}

// The first n members of a long fit are those of a short one, and the training error of
// many is smaller than that of one.
func TestAdaBoostFirst(t *testing.T) {
	g, X := readGolden(t)
	long := must(ensemble.AdaBoost{Base: stump{}, Estimators: 30}.Fit(ctx, X, g.Y, g.W))(t)
	short := must(ensemble.AdaBoost{Base: stump{}, Estimators: 5}.Fit(ctx, X, g.Y, g.W))(t)
	first := must(long.First(5))(t)
	if !slices.Equal(must(first.PredictProba(nil, X))(t), must(short.PredictProba(nil, X))(t)) {
		t.Error("the first 5 of 30 members differ from 5")
	}
	score := func(m gram.Classifier) float64 {
		return must(eval.Accuracy(g.Y, must(m.Predict(nil, X))(t), g.W))(t)
	}
	if one := must(long.First(1))(t); score(long) <= score(one)+0.05 {
		t.Errorf("30 stumps score %v, one %v", score(long), score(one))
	}
	r := must(ensemble.AdaBoostRegressor{Base: stump{}, Estimators: 8}.Fit(ctx, X, g.Z, nil))(t)
	if _, err := r.First(9); !errors.Is(err, gram.ErrParam) {
		t.Errorf("the first 9 of 8: %v", err)
	}
	if one := must(r.First(1))(t); !slices.Equal(must(one.Predict(nil, X))(t), must(r.Members()[0].Predict(nil, X))(t)) {
		t.Error("a model of one member differs from it")
	}
}

// counted is a trainer that remembers what it was given.
type counted struct {
	gram.ClassifierTrainer
	seen func(X gram.Matrix, y []int, w []float64)
}

func (c counted) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	c.seen(X, y, w)
	return c.ClassifierTrainer.TrainClassifier(ctx, X, y, w)
}

// A bootstrap sample has n draws, of about 63 % of the rows, and the out-of-bag score is
// that of a loop over rows and members.
func TestBaggingOutOfBag(t *testing.T) {
	g, X := readGolden(t)
	n := len(g.Y)
	type bag struct{ drawn map[float64]float64 }
	var bags []bag
	base := counted{linear.Softmax{}, func(X gram.Matrix, y []int, w []float64) {
		b := bag{map[float64]float64{}}
		rows, _ := X.Dims()
		for i := range rows {
			b.drawn[X.At(i, 0)*1e3+X.At(i, 1)] += w[i]
		}
		bags = append(bags, b)
	}}
	m := must(ensemble.Bagging{Base: base, Estimators: 12, OutOfBag: true, Workers: 1, Seed: 5}.Fit(ctx, X, g.Y, nil))(t)
	right, rows, distinct := 0, 0, 0
	for _, b := range bags {
		sum := 0.0
		for _, c := range b.drawn {
			sum += c
		}
		if sum != float64(n) {
			t.Errorf("a sample of %v draws of %d rows", sum, n)
		}
		distinct += len(b.drawn)
	}
	if share := float64(distinct) / float64(n*len(bags)); math.Abs(share-0.632) > 0.03 {
		t.Errorf("a sample has %v of the rows", share)
	}
	for i := range n {
		p, votes := make([]float64, 3), 0
		x := row(X, i)
		for j, member := range m.Members() {
			if bags[j].drawn[x[0]*1e3+x[1]] > 0 {
				continue
			}
			q := make([]float64, 3)
			if err := member.PredictProbaRow(q, x); err != nil {
				t.Fatal(err)
			}
			for c := range p {
				p[c] += q[c]
			}
			votes++
		}
		for c, v := range m.OutOfBagProba()[3*i : 3*i+3] {
			if mean := p[c] / float64(votes); math.Abs(v-mean) > 1e-12 || math.IsNaN(v) != (votes == 0) {
				t.Fatalf("row %d, class %d: %v out of bag, want %v", i, c, v, mean)
			}
		}
		if votes > 0 {
			rows++
			if slices.Index(p, slices.Max(p)) == g.Y[i] {
				right++
			}
		}
	}
	score, got := m.OutOfBag()
	if got != rows || math.Abs(score-float64(right)/float64(rows)) > 1e-12 {
		t.Errorf("out of bag %v of %d rows, want %v of %d", score, got, float64(right)/float64(rows), rows)
	}
	plain := must(ensemble.Bagging{Base: stump{}}.Fit(ctx, X, g.Y, nil))(t)
	if score, rows := plain.OutOfBag(); !math.IsNaN(score) || rows != 0 || len(plain.Members()) != 10 {
		t.Errorf("out of bag without asking: %v of %d, %d members", score, rows, len(plain.Members()))
	}
}

// Draws are in proportion to the weights.
func TestBaggingDrawsByWeight(t *testing.T) {
	const n = 50
	X, y, w := mat.NewDense(n, 1, nil), make([]int, n), make([]float64, n)
	for i := range n {
		X.Set(i, 0, float64(i))
		y[i], w[i] = i%2, 0.01
	}
	w[7], w[8] = 0.5, 0.25
	counts := make([]float64, n)
	total := 0.0
	base := counted{stump{}, func(X gram.Matrix, _ []int, w []float64) {
		rows, _ := X.Dims()
		for i := range rows {
			counts[int(X.At(i, 0))] += w[i]
			total += w[i]
		}
	}}
	must(ensemble.Bagging{Base: base, Estimators: 200, Workers: 1}.Fit(ctx, X, y, w))(t)
	sum := 0.0
	for _, v := range w {
		sum += v
	}
	if total != 200*n {
		t.Errorf("%v draws, want %d", total, 200*n)
	}
	for i, c := range counts {
		p := w[i] / sum
		if sd := math.Sqrt(total * p * (1 - p)); math.Abs(c-p*total) > 5*sd {
			t.Errorf("row %d was drawn %v times, want %.0f ± %.0f", i, c, p*total, sd)
		}
	}
}

// Members see the share of columns they should, and those alone matter to them.
func TestBaggingColumns(t *testing.T) {
	g, X := readGolden(t)
	widths := map[int]int{}
	base := counted{stump{}, func(X gram.Matrix, _ []int, _ []float64) {
		_, d := X.Dims()
		widths[d]++
	}}
	m := must(ensemble.Bagging{Base: base, Estimators: 20, MaxFeatures: 0.5, MaxSamples: 0.4, WithoutReplacement: true, OutOfBag: true, Workers: 1}.Fit(ctx, X, g.Y, g.W))(t)
	if widths[2] != 20 {
		t.Errorf("widths %v, want 2 for each", widths)
	}
	used := map[int]bool{}
	for _, member := range m.Members() {
		for j := range g.D {
			x := row(X, 0)
			p, q := make([]float64, 3), make([]float64, 3)
			for _, v := range []float64{-1e6, 1e6} {
				x[j] = v
				if err := member.PredictProbaRow(p, x); err != nil {
					t.Fatal(err)
				}
				if v > 0 && !slices.Equal(p, q) {
					used[j] = true
				}
				copy(q, p)
			}
		}
	}
	if len(used) < 3 {
		t.Errorf("20 members use columns %v of %d", used, g.D)
	}
	if score, rows := m.OutOfBag(); rows != len(g.Y) || score < 0.4 {
		t.Errorf("out of bag %v of %d rows", score, rows)
	}
}

// Bagging lowers the error of a trainer of high variance: deep means over few rows.
func TestBaggingRegressorAverages(t *testing.T) {
	g, X := readGolden(t)
	m := must(ensemble.BaggingRegressor{Base: stump{}, Estimators: 25, OutOfBag: true}.Fit(ctx, X, g.Z, g.W))(t)
	x := row(X, 3)
	sum := 0.0
	for _, member := range m.Members() {
		sum += must(member.PredictRow(x))(t)
	}
	if got := must(m.PredictRow(x))(t); math.Abs(got-sum/25) > 1e-12 {
		t.Errorf("prediction %v, mean of the members %v", got, sum/25)
	}
	r2, rows := m.OutOfBag()
	if rows < 130 || !(r2 > 0.1 && r2 < 0.8) {
		t.Errorf("out of bag R² %v of %d rows", r2, rows)
	}
}

// The last model of a stack sees predictions out of fold: with a base that knows its
// training rows by heart and nothing else, they are as good as chance.
func TestStackingIsOutOfFold(t *testing.T) {
	const n = 80
	rng := rand.New(rand.NewPCG(1, 1))
	X, y := mat.NewDense(n, 1, nil), make([]int, n)
	for i := range n {
		X.Set(i, 0, float64(i))
		y[i] = rng.IntN(2)
	}
	var Z gram.Matrix
	last := counted{linear.Logistic{}, func(X gram.Matrix, _ []int, _ []float64) { Z = X }}
	m := must(ensemble.Stacking{Trainers: []gram.ClassifierTrainer{parrot{}}, Last: last}.Fit(ctx, X, y, nil))(t)
	for i := range n {
		if v := Z.At(i, 0); v != 0.5 {
			t.Fatalf("row %d was seen by the model that predicts it: %v", i, v)
		}
	}
	if p := must(m.Models()[0].PredictProba(nil, X))(t); p[1] != float64(y[0]) {
		t.Error("the model in use was not trained on all rows")
	}
	// Blending holds a fifth of each class out.
	b := must(ensemble.Blending{Trainers: []gram.ClassifierTrainer{parrot{}}, Last: last, Seed: 3}.Fit(ctx, X, y, nil))(t)
	held, _ := Z.Dims()
	unknown := 0
	for i, v := range must(b.Models()[0].PredictProba(nil, X))(t) {
		if i%2 == 1 && v == 0.5 {
			unknown++
		}
	}
	if held != unknown || held < n/5-1 || held > n/5+1 {
		t.Errorf("%d rows for the last model, %d the other has not seen", held, unknown)
	}
}

// parrot knows the label of each value of column 0 it has seen, and nothing else.
type parrot struct{}

func (parrot) TrainClassifier(_ context.Context, X gram.Matrix, y []int, _ []float64) (gram.Classifier, error) {
	n, d := X.Dims()
	m := parrotModel{constantClassifier{d, nil}, map[float64]int{}}
	for i := range n {
		m.known[X.At(i, 0)] = y[i]
	}
	return m, nil
}

type parrotModel struct {
	constantClassifier
	known map[float64]int
}

func (m parrotModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	n, _ := X.Dims()
	dst, err := gram.Dst(dst, 2*n)
	for i := range n {
		dst[2*i], dst[2*i+1] = 0.5, 0.5
		if c, ok := m.known[X.At(i, 0)]; ok {
			dst[2*i], dst[2*i+1] = float64(1-c), float64(c)
		}
	}
	return dst, err
}

// constantClassifier says the same probabilities of every row.
type constantClassifier struct {
	features int
	p        []float64
}

func (m constantClassifier) Features() int { return m.features }
func (m constantClassifier) Classes() int  { return max(2, len(m.p)) }
func (m constantClassifier) Predict(dst []int, X gram.Matrix) ([]int, error) {
	n, _ := X.Dims()
	dst, err := gram.Dst(dst, n)
	for i := range dst {
		dst[i] = slices.Index(m.p, slices.Max(m.p))
	}
	return dst, err
}
func (m constantClassifier) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	n, _ := X.Dims()
	dst, err := gram.Dst(dst, n*len(m.p))
	for i := range dst {
		dst[i] = m.p[i%len(m.p)]
	}
	return dst, err
}
func (m constantClassifier) PredictRow([]float64) (int, error) {
	return slices.Index(m.p, slices.Max(m.p)), nil
}
func (m constantClassifier) PredictProbaRow(dst, _ []float64) error { copy(dst, m.p); return nil }

func TestVote(t *testing.T) {
	X := linalg.NewDense[float64](2, 3, nil)
	members := []gram.Classifier{
		constantClassifier{3, []float64{0.4, 0.6}}, constantClassifier{3, []float64{0.45, 0.55}}, constantClassifier{3, []float64{1, 0}},
	}
	soft := must(ensemble.Vote(members, nil, false))(t)
	wantNear(t, "soft", must(soft.PredictProba(nil, X))(t), []float64{1.85 / 3, 1.15 / 3, 1.85 / 3, 1.15 / 3}, 1e-15)
	hard := must(ensemble.Vote(members, []float64{1, 1, 2}, true))(t)
	wantNear(t, "hard", must(hard.PredictProba(nil, X))(t), []float64{0.5, 0.5, 0.5, 0.5}, 1e-15)
	if c := must(hard.PredictRow([]float64{1, 2, 3}))(t); c != 0 {
		t.Errorf("a tie goes to class %d", c)
	}
	wantNear(t, "weights", hard.Weights(), []float64{0.25, 0.25, 0.5}, 0)
	for _, c := range []struct {
		members []gram.Classifier
		weights []float64
		kind    error
		text    string
	}{
		{nil, nil, gram.ErrParam, "no members"},
		{[]gram.Classifier{nil}, nil, gram.ErrParam, "member 0 is nil"},
		{append(members[:1:1], constantClassifier{4, []float64{1, 0}}), nil, gram.ErrShape, "member 1 has 4 features"},
		{append(members[:1:1], constantClassifier{3, []float64{1, 0, 0}}), nil, gram.ErrShape, "3 classes"},
		{members, []float64{1}, gram.ErrShape, "1 weights for 3 members"},
		{members, []float64{1, -1, 1}, gram.ErrParam, "member 1 is -1"},
		{members, []float64{0, 0, 0}, gram.ErrParam, "sum to 0"},
	} {
		if _, err := ensemble.Vote(c.members, c.weights, true); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("error %q, want %q that wraps %q", err, c.text, c.kind)
		}
	}
}

// Where a fold or a sample lacks a class, its model gives it probability 0; where it has
// only one, probability 1. Such models save and load.
func TestRareClass(t *testing.T) {
	n := 40
	X, y := mat.NewDense(n, 2, nil), make([]int, n)
	for i := range n {
		X.Set(i, 0, float64(i))
		X.Set(i, 1, float64(i%7))
		y[i] = i % 2
	}
	y[11] = 2
	sees := must(ensemble.Bagging{Base: linear.Softmax{}, Estimators: 8, MaxSamples: 0.3, WithoutReplacement: true}.Fit(ctx, X, y, nil))(t)
	without := 0
	for _, m := range sees.Members() {
		if p := must(m.PredictProba(nil, X))(t); p[2] == 0 && p[3*n-1] == 0 {
			without++
		}
	}
	if without == 0 || without == 8 {
		t.Errorf("%d of 8 members have not seen class 2", without)
	}
	one := must(ensemble.Bagging{Base: linear.Softmax{}, MaxSamples: 0.02, Estimators: 4}.Fit(ctx, X, y, nil))(t)
	p := must(one.Members()[0].PredictProba(nil, X))(t)
	if slices.Max(p) != 1 || p[0]+p[1]+p[2] != 1 {
		t.Errorf("a member of one row says %v", p[:3])
	}
	for _, m := range []gram.Classifier{sees, one} {
		again := reload(t, m).(gram.Classifier)
		if !slices.Equal(must(m.PredictProba(nil, X))(t), must(again.PredictProba(nil, X))(t)) {
			t.Error("a loaded model differs")
		}
	}
	stack := must(ensemble.Stacking{Trainers: []gram.ClassifierTrainer{linear.Softmax{}, stump{}}, Last: linear.Softmax{}}.Fit(ctx, X, y, nil))(t)
	if stack.Classes() != 3 {
		t.Errorf("a stack of %d classes", stack.Classes())
	}
}

// Batches of many blocks are rows, and an error says where its block begins.
func TestManyBlocks(t *testing.T) {
	g, X := readGolden(t)
	const n = 9000
	big := linalg.NewDense[float64](n, g.D, nil)
	for i := range n {
		copy(big.Row(i), X.RawRowView(i%len(g.Y)))
	}
	m := must(ensemble.Voting{Trainers: []gram.ClassifierTrainer{linear.Softmax{}, stump{}}}.Fit(ctx, X, g.Y, nil))(t)
	few, many := must(m.PredictProba(nil, X))(t), must(m.PredictProba(nil, big))(t)
	classes := must(m.Predict(nil, big))(t)
	for i := range n {
		for c := range 3 {
			if want := few[i%len(g.Y)*3+c]; math.Abs(many[3*i+c]-want) > 1e-14 {
				t.Fatalf("class %d of row %d has %v, want %v", c, i, many[3*i+c], want)
			}
		}
		if want := slices.Index(many[3*i:3*i+3], slices.Max(many[3*i:3*i+3])); classes[i] != want {
			t.Fatalf("row %d is of class %d, want %d", i, classes[i], want)
		}
	}
	big.Set(n-1, 2, math.NaN())
	if _, err := m.PredictProba(nil, big); !errors.Is(err, gram.ErrNonFinite) || !strings.Contains(err.Error(), "counting rows from") {
		t.Errorf("a NaN in the last block: %v", err)
	}
	if m := must(ensemble.Vote(m.Members(), m.Weights(), true))(t); !m.Hard() || len(m.Members()) != 2 {
		t.Errorf("hard %v, %d members", m.Hard(), len(m.Members()))
	}
}

// The row methods of members that lack classes or columns agree with their batches.
func TestMembersByRow(t *testing.T) {
	g, X := readGolden(t)
	y := slices.Clone(g.Y)
	for i := range y {
		if y[i] == 2 && i > 10 {
			y[i] = 1
		}
	}
	for _, c := range []ensemble.Bagging{
		{Base: linear.Softmax{}, MaxSamples: 0.05, MaxFeatures: 0.5, Estimators: 20},
		{Base: linear.Softmax{}, MaxSamples: 0.01, Estimators: 20, WithoutReplacement: true},
	} {
		m := must(c.Fit(ctx, X, y, g.W))(t)
		for j, member := range m.Members() {
			p, classes := must(member.PredictProba(nil, X))(t), must(member.Predict(nil, X))(t)
			for i := range 5 {
				q := make([]float64, 3)
				if err := member.PredictProbaRow(q, row(X, i)); err != nil {
					t.Fatal(err)
				}
				wantNear(t, "probabilities", q, p[3*i:3*i+3], 1e-12)
				if class := must(member.PredictRow(row(X, i)))(t); class != classes[i] {
					t.Errorf("member %d, row %d: class %d, in the batch %d", j, i, class, classes[i])
				}
			}
			for _, bad := range []error{
				member.PredictProbaRow(make([]float64, 3), make([]float64, 9)),
				member.PredictProbaRow(make([]float64, 2), row(X, 0)),
				second(member.PredictRow(make([]float64, 9))),
				second(member.Predict(nil, mat.NewDense(2, 9, nil))),
				second(member.PredictProba(nil, mat.NewDense(2, 9, nil))),
			} {
				if !errors.Is(bad, gram.ErrShape) {
					t.Errorf("member %d, a wrong shape: %v", j, bad)
				}
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

// hidden is a trainer that nobody knows to be a tree.
type hidden struct{ ensemble.Tree }

func (h hidden) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	return h.Tree.TrainClassifier(ctx, X, y, w)
}

// Trees that are trained on columns sorted once are those trained anew.
func TestAdaBoostPresorted(t *testing.T) {
	X, z, y := noisy(400, 5, true, 3)
	for i := range X.Rows {
		X.Set(i, 4, float64(i*i%7))
		if i%5 == 0 {
			y[i] = 2
		}
	}
	for _, tree := range []ensemble.Tree{{MaxDepth: 1}, {MaxDepth: 3, Categorical: []int{4}}, {MaxLeaves: 6, MinLeaf: 3}} {
		got := must(ensemble.AdaBoost{Base: tree, Estimators: 6}.Fit(ctx, X, y, nil))(t)
		want := must(ensemble.AdaBoost{Base: hidden{tree}, Estimators: 6}.Fit(ctx, X, y, nil))(t)
		if !slices.Equal(must(got.PredictProba(nil, X))(t), must(want.PredictProba(nil, X))(t)) || !slices.Equal(got.Weights(), want.Weights()) {
			t.Errorf("%+v: classes differ", tree)
		}
		real := must(ensemble.AdaBoostRegressor{Base: tree, Estimators: 6}.Fit(ctx, X, z, nil))(t)
		anew := must(ensemble.AdaBoostRegressor{Base: hiddenRegressor{tree}, Estimators: 6}.Fit(ctx, X, z, nil))(t)
		if !slices.Equal(must(real.Predict(nil, X))(t), must(anew.Predict(nil, X))(t)) {
			t.Errorf("%+v: targets differ", tree)
		}
	}
}

type hiddenRegressor struct{ ensemble.Tree }

func (h hiddenRegressor) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	return h.Tree.TrainRegressor(ctx, X, y, w)
}
