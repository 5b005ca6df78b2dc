package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// shrunk is centroids moved towards the origin: a hyperparameter with a best value.
type shrunk struct {
	by  float64
	err error
	centroids
}

func (s shrunk) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	if s.err != nil {
		return nil, s.err
	}
	m, err := s.centroids.TrainClassifier(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	for i := range m.(*centroidModel).means {
		m.(*centroidModel).means[i] *= 1 - s.by
	}
	return m, err
}

// level predicts a multiple of the mean of the targets.
type level struct {
	times float64
	err   error
}

type levelModel struct {
	d     int
	value float64
}

func (l level) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	if l.err != nil && !errors.Is(l.err, gram.ErrNotConverged) {
		return nil, l.err
	}
	n, d := X.Dims()
	m := &levelModel{d: d}
	var total float64
	for i := range n {
		m.value += weight(w, i) * y[i]
		total += weight(w, i)
	}
	m.value *= l.times / total
	return m, l.err
}

func (m *levelModel) Features() int                           { return m.d }
func (m *levelModel) PredictRow(x []float64) (float64, error) { return m.value + x[0], nil }
func (m *levelModel) Predict(_ []float64, X gram.Matrix) ([]float64, error) {
	n, _ := X.Dims()
	out := make([]float64, n)
	for i := range out {
		out[i] = m.value + X.At(i, 0)
	}
	return out, nil
}

// line returns targets 5 above the first feature, with noise.
func line(n int) (*linalg.Dense[float64], []float64) {
	X, y := linalg.NewDense[float64](n, 2, nil), make([]float64, n)
	for i := range y {
		X.Set(i, 0, math.Sin(float64(3*i)))
		X.Set(i, 1, math.Cos(float64(5*i)))
		y[i] = 5 + X.At(i, 0) + 0.1*math.Sin(float64(i*i))
	}
	return X, y
}

func spaceOf(bys ...float64) func(p *Params) gram.ClassifierTrainer {
	return func(p *Params) gram.ClassifierTrainer { return shrunk{by: Choose(p, "by", bys...)} }
}

// A grid has every combination once, and asks in a branch for what only it needs.
func TestGrid(t *testing.T) {
	got, err := enumerate(func(p *Params) string {
		if Choose(p, "kind", "a", "b") == "a" {
			return fmt.Sprint("a", p.Int("n", 1, 3), Choose(p, "flag", false, true))
		}
		return "b"
	}, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names, values []string
	for _, c := range got {
		names, values = append(names, c.String()), append(values, c.Trainer)
	}
	want := []string{"a1false", "a1true", "a2false", "a2true", "a3false", "a3true", "b"}
	for i, w := range want { // fmt.Sprint puts blanks between some operands
		want[i] = w
		values[i] = strings.ReplaceAll(values[i], " ", "")
	}
	if !slices.Equal(values, want) {
		t.Errorf("grid %v, want %v", values, want)
	}
	if names[1] != "kind=a n=1 flag=true" || names[6] != "kind=b" {
		t.Errorf("names %q", names)
	}
}

func TestRandomSamples(t *testing.T) {
	space := func(p *Params) [3]float64 {
		return [3]float64{p.LogUniform("C", 1e-3, 1e3), p.Uniform("u", -1, 2), float64(p.Int("n", 4, 6))}
	}
	a, err := enumerate(space, 300, 7)
	if err != nil {
		t.Fatal(err)
	}
	seen, low := map[float64]bool{}, 0
	for _, c := range a {
		v := c.Trainer
		if v[0] < 1e-3 || v[0] > 1e3 || v[1] < -1 || v[1] > 2 || v[2] < 4 || v[2] > 6 {
			t.Errorf("sample %v", v)
		}
		if v[0] < 1 {
			low++
		}
		seen[v[2]] = true
	}
	if len(seen) != 3 || low < 110 || low > 190 {
		t.Errorf("integers %v, %d of 300 below the middle", seen, low)
	}
	b, _ := enumerate(space, 300, 7)
	c, _ := enumerate(space, 300, 8)
	if !reflect.DeepEqual(a, b) || reflect.DeepEqual(a, c) {
		t.Error("samples are not those of the seed")
	}
}

func TestClassifierSearch(t *testing.T) {
	ctx := context.Background()
	X, y := blobs(90)
	s := ClassifierSearch{Space: spaceOf(0.9, 0, 0.5), Score: LogLossScore(), Folds: StratifiedKFold{N: 3}}
	r, err := s.Fit(ctx, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Best != 1 || r.Candidates[1].Rank != 1 || r.Candidates[2].Rank != 2 || r.Candidates[0].Rank != 3 {
		t.Errorf("best %d of %+v", r.Best, r.Candidates)
	}
	if ranked := r.Ranked(); ranked[0].String() != "by=0" || ranked[2].String() != "by=0.9" {
		t.Errorf("ranked %v", ranked)
	}
	cv, err := CrossValidate(ctx, shrunk{by: 0.5}, X, y, nil, s.Folds)
	if err != nil {
		t.Fatal(err)
	}
	for f, fold := range cv.Folds {
		if r.Candidates[2].Scores[f] != fold.LogLoss {
			t.Errorf("fold %d scores %v, cross-validation %v", f, r.Candidates[2].Scores[f], fold.LogLoss)
		}
	}
	all, _ := centroids{}.TrainClassifier(ctx, X, y, nil)
	if !slices.Equal(r.Model.(*centroidModel).means, all.(*centroidModel).means) {
		t.Error("the model is not the best candidate fitted to all rows")
	}
	for _, workers := range []int{1, 4} {
		s.Workers = workers
		again, err := s.Fit(ctx, X, y, nil)
		if err != nil || again.Best != r.Best || !reflect.DeepEqual(again.Candidates[0].Scores, r.Candidates[0].Scores) {
			t.Errorf("%d workers: %+v, %v", workers, again, err)
		}
	}
}

// Halving tries all on few rows and few on all.
func TestHalving(t *testing.T) {
	X, y := blobs(300)
	bys := make([]float64, 10)
	for i := range bys {
		bys[i] = 0.1 * float64(9-i)
	}
	s := ClassifierSearch{Space: spaceOf(bys...), Score: LogLossScore(), Halving: 3, Folds: StratifiedKFold{N: 3}}
	r, err := s.Fit(context.Background(), X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	rounds := map[int]int{}
	for _, c := range r.Candidates {
		rounds[c.Round]++
		if want := []int{22, 67, 200}[c.Round]; math.Abs(float64(c.Rows-want)) > 3 {
			t.Errorf("round %d on %d rows, want about %d", c.Round, c.Rows, want)
		}
	}
	if !reflect.DeepEqual(rounds, map[int]int{0: 6, 1: 2, 2: 2}) {
		t.Errorf("candidates by last round: %v", rounds)
	}
	if c := r.Candidates[r.Best]; c.Rank != 1 || c.Round != 2 || c.Params[0].Value.(float64) > 0.3 {
		t.Errorf("best %v: %+v", c, c)
	}
	s.MinRows = 100
	if r, err = s.Fit(context.Background(), X, y, nil); err != nil || r.Ranked()[9].Rows < 99 {
		t.Errorf("least rows %d, %v", r.Ranked()[9].Rows, err)
	}
}

// Thinned rows have every class, and larger parts contain smaller ones.
func TestThin(t *testing.T) {
	y := []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 1}
	e := &engine[int, int, gram.Classifier]{strata: y}
	small, large := e.thin(ascending(10), 0.2), e.thin(ascending(10), 0.6)
	if len(small) != 3 || !slices.Contains(small, 9) || !slices.IsSorted(large) {
		t.Errorf("parts %v and %v", small, large)
	}
	for _, i := range small {
		if !slices.Contains(large, i) {
			t.Errorf("%v is not in %v", small, large)
		}
	}
}

func TestSearchFailures(t *testing.T) {
	ctx, boom := context.Background(), errors.New("boom")
	X, y := blobs(30)
	space := func(p *Params) gram.ClassifierTrainer {
		return shrunk{err: Choose(p, "err", boom, nil), centroids: centroids{unconverged: true}}
	}
	r, err := ClassifierSearch{Space: space}.Fit(ctx, X, y, nil)
	if !errors.Is(err, gram.ErrNotConverged) || r == nil || r.Best != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if c := r.Candidates[0]; !errors.Is(c.Err, boom) || c.Scores != nil || c.Rank != 2 || !strings.Contains(c.Err.Error(), "fold 4: boom") {
		t.Errorf("failed candidate: %+v", c)
	}
	if c := r.Candidates[1]; !errors.Is(c.Err, gram.ErrNotConverged) || len(c.Scores) != 5 {
		t.Errorf("unconverged candidate: %+v", c)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	good := spaceOf(0)
	for _, c := range []struct {
		ctx  context.Context
		s    ClassifierSearch
		is   error
		text string
	}{
		{ctx, ClassifierSearch{}, gram.ErrParam, "search has no Space"},
		{ctx, ClassifierSearch{Space: good, Samples: -1}, gram.ErrParam, "-1 samples"},
		{ctx, ClassifierSearch{Space: good, Halving: 1}, gram.ErrParam, "Halving is 1"},
		{ctx, ClassifierSearch{Space: good, MinRows: -1}, gram.ErrParam, "MinRows -1"},
		{ctx, ClassifierSearch{Space: good, Folds: KFold{N: 31}}, gram.ErrParam, "31 folds of 30 rows"},
		{ctx, ClassifierSearch{Space: spaceOf()}, gram.ErrParam, "by: nothing to choose from"},
		{ctx, ClassifierSearch{Space: func(p *Params) gram.ClassifierTrainer { return nil }}, gram.ErrParam, "Space returned no trainer"},
		{ctx, ClassifierSearch{Space: func(p *Params) gram.ClassifierTrainer { return shrunk{by: p.Uniform("by", 0, 1)} }}, gram.ErrParam, "by: a grid cannot hold every number between 0 and 1"},
		{ctx, ClassifierSearch{Samples: 1, Space: func(p *Params) gram.ClassifierTrainer { return shrunk{by: p.Uniform("by", 1, 0)} }}, gram.ErrParam, "by: bounds 1 and 0"},
		{ctx, ClassifierSearch{Samples: 1, Space: func(p *Params) gram.ClassifierTrainer { return shrunk{by: p.LogUniform("by", 0, 1)} }}, gram.ErrParam, "by: bounds 0 and 1 are not above 0"},
		{ctx, ClassifierSearch{Space: func(p *Params) gram.ClassifierTrainer { return shrunk{err: Choose(p, "err", boom)} }}, boom, "no candidate can be scored; err=boom: fold 0: boom"},
		{cancelled, ClassifierSearch{Space: good}, context.Canceled, "context canceled"},
	} {
		r, err := c.s.Fit(c.ctx, X, y, nil)
		if r != nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("error %v, want %q", err, c.text)
		}
	}
	if m, err := (ClassifierSearch{}).TrainClassifier(ctx, X, y, nil); m != nil || err == nil {
		t.Errorf("trained %v, %v", m, err)
	}
}

// A score that is NaN ranks nowhere.
func TestSearchNaN(t *testing.T) {
	X, y := blobs(30)
	score := ClassifierScore{Name: "nothing", Of: func([]int, []int, []float64, []float64) (float64, error) { return nan, nil }}
	_, err := ClassifierSearch{Space: spaceOf(0), Score: score}.Fit(context.Background(), X, y, nil)
	if !errors.Is(err, gram.ErrNonFinite) || !strings.Contains(err.Error(), "score is NaN") {
		t.Errorf("error %v", err)
	}
}

// Nested validation scores what the search chose on rows it has not seen, and cuts
// groups to the training rows.
func TestNested(t *testing.T) {
	ctx := context.Background()
	X, y := blobs(60)
	groups := make([]int, 60)
	for i := range groups {
		groups[i] = i / 6
	}
	search := ClassifierSearch{Space: spaceOf(0.8, 0), Folds: GroupKFold{N: 3, Groups: groups}}
	v := ClassifierValidator{Folds: GroupKFold{N: 4, Groups: groups}}
	cv, found, err := v.Nested(ctx, search, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	for f, r := range found {
		m := cv.Folds[f].Model.(*centroidModel)
		if r.Model != cv.Folds[f].Model || m.d != 2 || len(r.Candidates) != 2 {
			t.Errorf("fold %d: %+v", f, r)
		}
	}
	again, err := v.CrossValidate(ctx, search, X, y, nil)
	if err != nil || !slices.Equal(again.Proba, cv.Proba) {
		t.Errorf("a search cross-validated gives another result, %v", err)
	}
	if _, _, err := v.Nested(ctx, ClassifierSearch{}, X, y, nil); !errors.Is(err, gram.ErrParam) {
		t.Errorf("error %v", err)
	}
	Z, targets := line(40)
	rs := RegressorSearch{Space: func(p *Params) gram.RegressorTrainer { return level{times: Choose(p, "times", 1, 0.5)} }}
	rv, rfound, err := RegressorValidator{}.Nested(ctx, rs, Z, targets, nil)
	if err != nil || len(rfound) != 5 || rfound[2].Best != 0 {
		t.Fatalf("%+v, %v", rfound, err)
	}
	if r2, _ := rv.R2(); r2 < 0.9 {
		t.Errorf("R² %v", r2)
	}
}

func TestRegressors(t *testing.T) {
	ctx := context.Background()
	X, y := line(50)
	w := make([]float64, 50)
	for i := range w {
		w[i] = 1 + float64(i%3)
	}
	folds := KFold{N: 5, Shuffle: true}
	cv, err := CrossValidateRegressor(ctx, level{times: 1}, X, y, w, folds, MAEScore(), PinballScore(0.9), R2Score(), MSEScore())
	if err != nil {
		t.Fatal(err)
	}
	for f, r := range cv.Folds {
		m, _ := level{times: 1}.TrainRegressor(ctx, gather(X, r.Train), Take(y, r.Train), Take(w, r.Train))
		pred, _ := m.Predict(nil, gather(X, r.Test))
		mae, err := MAE(Take(y, r.Test), pred, Take(w, r.Test))
		if err != nil || mae != r.Scores[0] || !slices.Equal(pred, Take(cv.Pred, r.Test)) {
			t.Errorf("fold %d: MAE %v, by hand %v, %v", f, r.Scores[0], mae, err)
		}
		if r.R2 != r.Scores[2] || r.MSE != r.Scores[3] {
			t.Errorf("fold %d: %+v", f, r)
		}
	}
	mse, _ := cv.MSE()
	if mean, std := cv.Score(3); mean != mse || std <= 0 || cv.FitTime() <= 0 {
		t.Errorf("MSE %v and %v ± %v", mse, mean, std)
	}
	r, err := RegressorSearch{
		Space: func(p *Params) gram.RegressorTrainer { return level{times: Choose(p, "times", 0.0, 1, 2)} },
		Score: TweedieScore(0), Folds: folds,
	}.Fit(ctx, X, y, w)
	if err != nil || r.Best != 1 || r.Candidates[1].Scores[0] != cv.Folds[0].MSE {
		t.Errorf("%+v, %v", r, err)
	}
	if m, err := (RegressorSearch{Space: func(p *Params) gram.RegressorTrainer { return level{times: 1} }}).TrainRegressor(ctx, X, y, nil); err != nil || m.Features() != 2 {
		t.Errorf("%v, %v", m, err)
	}
	// Rows that are never tested, and fits that do not converge.
	limit := fmt.Errorf("limit: %w", gram.ErrNotConverged)
	cv, err = CrossValidateRegressor(ctx, level{1, limit}, X, y, nil, fixed{{Train: []int{0, 1}, Test: []int{5}}})
	if !errors.Is(err, gram.ErrNotConverged) || cv == nil || !math.IsNaN(cv.Pred[0]) || math.IsNaN(cv.Pred[5]) {
		t.Errorf("%+v, %v", cv, err)
	}
}

func TestRegressorErrors(t *testing.T) {
	ctx, boom := context.Background(), errors.New("boom")
	X, y := line(10)
	bad := slices.Clone(y)
	bad[3] = math.NaN()
	for _, c := range []struct {
		trainer level
		y, w    []float64
		folds   Splitter
		is      error
		text    string
	}{
		{level{}, y[:2], nil, nil, gram.ErrShape, "y has 2 targets"},
		{level{}, bad, nil, nil, gram.ErrNonFinite, "target of row 3 is NaN"},
		{level{}, y, y[:1], nil, gram.ErrShape, "w has 1 weights"},
		{level{}, y, nil, KFold{N: 11}, gram.ErrParam, "11 folds"},
		{level{err: boom}, y, nil, nil, boom, "fold 0: boom"},
		{level{times: math.Inf(1)}, y, nil, nil, gram.ErrNonFinite, "fold 0: prediction of row 0 is"},
	} {
		cv, err := CrossValidateRegressor(ctx, c.trainer, X, c.y, c.w, c.folds)
		if cv != nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("error %v, want %q", err, c.text)
		}
	}
}

func TestCurves(t *testing.T) {
	ctx := context.Background()
	X, y := blobs(90)
	v := ClassifierValidator{Folds: StratifiedKFold{N: 3}, Scores: []ClassifierScore{LogLossScore()}}
	points, err := v.LearningCurve(ctx, centroids{}, X, y, nil, []float64{0.1, 0.5, 1})
	if err != nil {
		t.Fatal(err)
	}
	cv, _ := v.CrossValidate(ctx, centroids{}, X, y, nil)
	loss, std := cv.Score(0)
	if p := points[2]; p.Rows != 60 || math.Abs(p.Test.Mean()-loss) > 1e-14 || math.Abs(p.Test.Std()-std) > 1e-14 || p.Train[0] == p.Test[0] {
		t.Errorf("at all rows %+v, cross-validation %v ± %v", p, loss, std)
	}
	if points[0].Rows != 6 || points[1].Rows != 30 || points[0].Train.Mean() >= points[2].Train.Mean() {
		t.Errorf("curve %+v", points)
	}
	points, err = v.ValidationCurve(ctx, []gram.ClassifierTrainer{shrunk{by: 0}, shrunk{by: 0.9}}, X, y, nil)
	if err != nil || points[0].Test.Mean() >= points[1].Test.Mean() || math.Abs(points[0].Test.Mean()-loss) > 1e-14 {
		t.Errorf("curve %+v, %v", points, err)
	}
	Z, targets := line(40)
	rp, err := RegressorValidator{}.LearningCurve(ctx, level{times: 1}, Z, targets, nil, nil)
	if err != nil || len(rp) != 5 || rp[0].Rows != 3 || rp[4].Rows != 32 || rp[4].Test.Mean() < 0.9 {
		t.Errorf("curve %+v, %v", rp, err)
	}
	rp, err = RegressorValidator{}.ValidationCurve(ctx, []gram.RegressorTrainer{level{times: 1}, level{times: 0}}, Z, targets, nil)
	if err != nil || rp[0].Train.Mean() <= rp[1].Train.Mean() {
		t.Errorf("curve %+v, %v", rp, err)
	}
	if _, err := v.LearningCurve(ctx, centroids{}, X, y, nil, []float64{1.5}); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), "share 1.5") {
		t.Errorf("error %v", err)
	}
	boom := errors.New("boom")
	if _, err := v.ValidationCurve(ctx, []gram.ClassifierTrainer{shrunk{err: boom}}, X, y, nil); !errors.Is(err, boom) || !strings.Contains(err.Error(), "point 0: fold 0") {
		t.Errorf("error %v", err)
	}
	points, err = v.LearningCurve(ctx, centroids{unconverged: true}, X, y, nil, []float64{1})
	if !errors.Is(err, gram.ErrNotConverged) || len(points) != 1 {
		t.Errorf("%v, %v", points, err)
	}
	if !math.IsNaN(Scores(nil).Mean()) || !math.IsNaN(Scores(nil).Std()) {
		t.Error("scores of nothing are numbers")
	}
}

func TestImportance(t *testing.T) {
	ctx := context.Background()
	X, y := line(60)
	m := &levelModel{d: 2, value: 5}
	for _, score := range []RegressorScore{{}, MSEScore()} {
		drops, err := RegressorImportance{Score: score, Repeats: 3}.Of(ctx, m, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(drops) != 2 || len(drops[0]) != 3 || drops[0].Mean() < 0.5 || drops[1].Mean() != 0 {
			t.Errorf("%v: %v", score.Name, drops)
		}
	}
	Z, labels := blobs(60)
	cm, _ := centroids{}.TrainClassifier(ctx, Z, labels, nil)
	a, err := ClassifierImportance{Workers: 1}.Of(ctx, cm, Z, labels, nil)
	if err != nil || a[0].Mean() <= 0 {
		t.Errorf("%v, %v", a, err)
	}
	b, err := ClassifierImportance{Workers: 4}.Of(ctx, cm, elementsOf{Z}, labels, nil)
	if err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("%v and %v, %v", a, b, err)
	}
	for _, c := range []struct {
		X    gram.Matrix
		y    []int
		w    []float64
		reps int
		is   error
		text string
	}{
		{nil, labels, nil, 0, gram.ErrShape, "X is nil"},
		{linalg.NewDense[float64](60, 3, nil), labels, nil, 0, gram.ErrShape, "X has 3 features, the model 2"},
		{Z, labels[1:], nil, 0, gram.ErrShape, "y has 59 rows, X 60"},
		{Z, labels, []float64{1}, 0, gram.ErrShape, "w has 1 weights"},
		{Z, labels, nil, -1, gram.ErrParam, "-1 repetitions"},
	} {
		_, err := ClassifierImportance{Repeats: c.reps}.Of(ctx, cm, c.X, c.y, c.w)
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("error %v, want %q", err, c.text)
		}
	}
}

// elementsOf has the methods of gram.Matrix alone.
type elementsOf struct{ m gram.Matrix }

func (e elementsOf) Dims() (rows, cols int) { return e.m.Dims() }
func (e elementsOf) At(i, j int) float64    { return e.m.At(i, j) }
