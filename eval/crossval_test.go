package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// centroids classifies by the nearest class mean: a trainer with nothing to choose.
type centroids struct {
	unconverged bool
	predictErr  error
	classes     int // of the model, where not those of the labels
}

func (c centroids) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	k, err := gram.CheckLabels(y, n)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m := &centroidModel{trainer: c, k: k, d: d, means: make([]float64, k*d)}
	sums := make([]float64, k)
	for i, class := range y {
		sums[class] += weight(w, i)
		for j := range d {
			m.means[class*d+j] += weight(w, i) * X.At(i, j)
		}
	}
	for at := range m.means {
		m.means[at] /= sums[at/d]
	}
	if c.classes > 0 {
		m.k = c.classes
	}
	if c.unconverged {
		return m, fmt.Errorf("stopped early: %w", gram.ErrNotConverged)
	}
	return m, nil
}

type centroidModel struct {
	trainer centroids
	k, d    int
	means   []float64
}

func (m *centroidModel) Features() int { return m.d }
func (m *centroidModel) Classes() int  { return m.k }

func (m *centroidModel) PredictProbaRow(dst, x []float64) error {
	var sum float64
	for c := range dst {
		var dist float64
		for j, v := range x {
			diff := v - m.means[c*m.d+j]
			dist += diff * diff
		}
		dst[c] = math.Exp(-dist)
		sum += dst[c]
	}
	for c := range dst {
		dst[c] /= sum
	}
	return nil
}

func (m *centroidModel) PredictRow(x []float64) (int, error) {
	p := make([]float64, m.k)
	err := m.PredictProbaRow(p, x)
	return slices.Index(p, slices.Max(p)), err
}

func (m *centroidModel) Predict(_ []int, X gram.Matrix) ([]int, error) {
	n, _ := X.Dims()
	out := make([]int, n)
	for i := range out {
		c, err := m.PredictRow(row(X, i))
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	return out, nil
}

func (m *centroidModel) PredictProba(_ []float64, X gram.Matrix) ([]float64, error) {
	n, _ := X.Dims()
	out := make([]float64, n*m.k)
	for i := range n {
		m.PredictProbaRow(out[i*m.k:(i+1)*m.k], row(X, i))
	}
	return out, m.trainer.predictErr
}

func row(X gram.Matrix, i int) []float64 {
	_, d := X.Dims()
	x := make([]float64, d)
	for j := range x {
		x[j] = X.At(i, j)
	}
	return x
}

// blobs returns rows around 0, 1 and 2 by class, a few of them on the wrong side.
func blobs(n int) (*linalg.Dense[float64], []int) {
	X, y := linalg.NewDense[float64](n, 2, nil), make([]int, n)
	for i := range n {
		y[i] = i % 3
		X.Set(i, 0, float64(y[i])+0.3*math.Sin(float64(i)))
		X.Set(i, 1, float64(y[i])+0.9*math.Cos(float64(7*i)))
	}
	return X, y
}

// Cross-validation is fitting by hand to each fold's rows.
func TestCrossValidate(t *testing.T) {
	ctx := context.Background()
	X, y := blobs(60)
	w := make([]float64, len(y))
	for i := range w {
		w[i] = 1 + float64(i%4)
	}
	s := StratifiedKFold{N: 4, Shuffle: true, Seed: 5}
	cv, err := CrossValidate(ctx, centroids{}, X, y, w, s)
	if err != nil {
		t.Fatal(err)
	}
	folds := split(t, s, y)
	if cv.Classes != 3 || len(cv.Folds) != 4 {
		t.Fatalf("%d classes, %d folds", cv.Classes, len(cv.Folds))
	}
	var accuracy, loss float64
	for f, r := range cv.Folds {
		if !slices.Equal(r.Train, folds[f].Train) || !slices.Equal(r.Test, folds[f].Test) {
			t.Errorf("fold %d has other rows", f)
		}
		m, err := centroids{}.TrainClassifier(ctx, gather(X, r.Train), Take(y, r.Train), Take(w, r.Train))
		if err != nil {
			t.Fatal(err)
		}
		pred, _ := m.Predict(nil, gather(X, r.Test))
		proba, _ := m.PredictProba(nil, gather(X, r.Test))
		for i, at := range r.Test {
			if cv.Pred[at] != pred[i] || !slices.Equal(cv.Proba[3*at:3*at+3], proba[3*i:3*i+3]) {
				t.Errorf("row %d: predicted %d with %v, by hand %d with %v", at, cv.Pred[at], cv.Proba[3*at:3*at+3], pred[i], proba[3*i:3*i+3])
			}
		}
		a, err := Accuracy(Take(y, r.Test), pred, Take(w, r.Test))
		if err != nil || a != r.Accuracy || a == 1 {
			t.Errorf("fold %d: accuracy %v, by hand %v, %v", f, r.Accuracy, a, err)
		}
		l, err := LogLoss(Take(y, r.Test), proba, Take(w, r.Test))
		if err != nil || l != r.LogLoss {
			t.Errorf("fold %d: log-loss %v, by hand %v, %v", f, r.LogLoss, l, err)
		}
		if r.Model == nil || r.FitTime <= 0 || r.PredictTime <= 0 {
			t.Errorf("fold %d: model %v, times %v and %v", f, r.Model, r.FitTime, r.PredictTime)
		}
		accuracy, loss = accuracy+r.Accuracy/4, loss+r.LogLoss/4
	}
	mean, std := cv.Accuracy()
	near(t, "mean accuracy", mean, accuracy)
	if std <= 0 || std > 0.5 {
		t.Errorf("standard deviation of the accuracy is %v", std)
	}
	mean, _ = cv.LogLoss()
	near(t, "mean log-loss", mean, loss)
	if cv.FitTime() < cv.Folds[0].FitTime {
		t.Errorf("fits took %v, the first %v", cv.FitTime(), cv.Folds[0].FitTime)
	}
}

func TestSpread(t *testing.T) {
	cv := CrossValidation{Folds: []FoldResult{{Accuracy: 0.5}, {Accuracy: 1}, {Accuracy: 0.75}, {Accuracy: 0.75}}}
	mean, std := cv.Accuracy()
	near(t, "mean", mean, 0.75)
	near(t, "std", std, math.Sqrt(0.125/4))
}

func gather(X *linalg.Dense[float64], rows []int) gram.Matrix {
	out := linalg.NewDense[float64](len(rows), X.Cols, nil)
	for to, from := range rows {
		copy(out.Row(to), X.Row(from))
	}
	return out
}

// fixed is a splitter that gives what it is.
type fixed []Fold

func (f fixed) Split(int, []int) ([]Fold, error) { return f, nil }

// Rows that are never tested are marked, and rows tested twice have the last result.
func TestCrossValidateCustomFolds(t *testing.T) {
	X, y := blobs(12)
	train := []int{0, 1, 2, 3, 4, 5}
	cv, err := CrossValidate(context.Background(), centroids{}, X, y, nil, fixed{{Train: train, Test: []int{6, 7}}, {Train: []int{0, 1, 2}, Test: []int{7, 8}}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range y {
		tested := i >= 6 && i <= 8
		if (cv.Pred[i] >= 0) != tested || math.IsNaN(cv.Proba[3*i]) == tested {
			t.Errorf("row %d: predicted %d with %v", i, cv.Pred[i], cv.Proba[3*i:3*i+3])
		}
	}
	last, _ := cv.Folds[1].Model.PredictProba(nil, X)
	if !slices.Equal(cv.Proba[21:24], last[21:24]) {
		t.Error("row 7 has not the result of the last fold")
	}
}

// The last class may be missing from the training rows: its probability is 0.
func TestCrossValidateMissingLastClass(t *testing.T) {
	X, y := blobs(12)
	cv, err := CrossValidate(context.Background(), centroids{}, X, y, nil, fixed{{Train: []int{0, 1, 3, 4}, Test: []int{2, 6}}})
	if err != nil {
		t.Fatal(err)
	}
	if p := cv.Proba[6:9]; p[2] != 0 || math.Abs(p[0]+p[1]-1) > 1e-15 {
		t.Errorf("probabilities %v", p)
	}
	if r := cv.Folds[0]; r.Accuracy > 0.5 || r.LogLoss < 26*math.Ln2 {
		t.Errorf("accuracy %v, log-loss %v", r.Accuracy, r.LogLoss)
	}
}

func TestCrossValidateDefaultFolds(t *testing.T) {
	X, y := blobs(30)
	a, err1 := CrossValidate(context.Background(), centroids{}, X, y, nil, nil)
	b, err2 := CrossValidate(context.Background(), centroids{}, X, y, nil, StratifiedKFold{N: 5})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.Proba, b.Proba) {
		t.Error("nil folds are not StratifiedKFold{}")
	}
}

// Unconverged fits are reported beside the complete result.
func TestCrossValidateUnconverged(t *testing.T) {
	X, y := blobs(30)
	cv, err := CrossValidate(context.Background(), centroids{unconverged: true}, X, y, nil, KFold{N: 2})
	if !errors.Is(err, gram.ErrNotConverged) || err.Error() != "fold 0: stopped early: not converged\nfold 1: stopped early: not converged" {
		t.Errorf("error %v", err)
	}
	if cv == nil || len(cv.Folds) != 2 || slices.Contains(cv.Pred, -1) {
		t.Errorf("result %+v", cv)
	}
}

func TestCrossValidateErrors(t *testing.T) {
	X, y := blobs(12)
	bad := linalg.CopyOf[float64](X)
	bad.Set(11, 1, math.Inf(1))
	half := []float64{0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	ctx, boom := context.Background(), errors.New("boom")
	for _, c := range []struct {
		ctx   context.Context
		tr    centroids
		X     gram.Matrix
		y     []int
		w     []float64
		folds Splitter
		is    error
		text  string
	}{
		{ctx, centroids{}, nil, y, nil, nil, gram.ErrShape, "X is nil"},
		{ctx, centroids{}, bad, y, nil, nil, gram.ErrNonFinite, "row 11, column 1 is +Inf"},
		{ctx, centroids{}, X, y[:3], nil, nil, gram.ErrShape, "y has 3 labels, X 12 rows"},
		{ctx, centroids{}, X, make([]int, 12), nil, nil, gram.ErrLabels, "y has 1"},
		{ctx, centroids{}, X, y, []float64{1}, nil, gram.ErrShape, "w has 1 weights"},
		{ctx, centroids{}, X, y, half, KFold{N: 2}, gram.ErrWeights, "fold 0: no weight of 6 is above zero"},
		{ctx, centroids{}, X, y, nil, KFold{N: 13}, gram.ErrParam, "13 folds of 12 rows"},
		{ctx, centroids{}, X, y, nil, fixed{{Train: nil, Test: []int{1}}}, gram.ErrShape, "fold 0: 0 training and 1 test rows"},
		{ctx, centroids{}, X, y, nil, fixed{{Train: []int{0, 1, 12}, Test: []int{1}}}, gram.ErrShape, "fold 0: row 12 of a matrix of 12 rows"},
		{ctx, centroids{}, X, y, nil, fixed{{Train: []int{0, 1}, Test: []int{-1}}}, gram.ErrShape, "fold 0: row -1 of"},
		{ctx, centroids{}, X, y, nil, fixed{{Train: []int{0, 2, 3, 5}, Test: []int{1}}}, gram.ErrLabels, "fold 0: class 1 of 3 has no samples"},
		{ctx, centroids{classes: 4}, X, y, nil, KFold{N: 2}, gram.ErrLabels, "fold 0: model of 4 classes, labels of 3"},
		{ctx, centroids{predictErr: boom}, X, y, nil, KFold{N: 2}, boom, "fold 0: boom"},
		{cancelled, centroids{}, X, y, nil, KFold{N: 2}, context.Canceled, "context canceled"},
	} {
		cv, err := CrossValidate(c.ctx, c.tr, c.X, c.y, c.w, c.folds)
		if cv != nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("error %v, want %q", err, c.text)
		}
	}
}
