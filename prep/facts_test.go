package prep

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// No row of the training data that CrossFit hands on depends on its own target, alone or
// inside columns and pipelines.
func TestCrossFitIsBlind(t *testing.T) {
	const n = 60
	r := rand.New(rand.NewPCG(1, 2))
	X, y := linalg.NewDense[float64](n, 2, nil), make([]float64, n)
	for i := range n {
		X.Set(i, 0, float64(r.IntN(8)))
		X.Set(i, 1, float64(i)) // each its own category
		y[i] = r.NormFloat64()
	}
	target := Target{Seed: 3}
	for _, trainer := range []gram.TransformerTrainer{
		target,
		ColumnTransformer{Parts: []Part{{[]string{"x1", "x0"}, target}}},
		gram.TransformerPipeline{Steps: []gram.TransformerTrainer{Ordinal{}, ColumnTransformer{Parts: []Part{{[]string{"x0"}, target}, {[]string{"x1"}, target}}}}},
	} {
		m, before, err := gram.CrossFit(background, trainer, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		d := m.OutFeatures()
		for i := range n {
			changed := slices.Clone(y)
			changed[i] += 100
			_, after, err := gram.CrossFit(background, trainer, X, changed, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(before[i*d:(i+1)*d], after[i*d:(i+1)*d]) {
				t.Fatalf("%T: row %d has seen its target", trainer, i)
			}
			if slices.Equal(before, after) {
				t.Fatalf("%T: no row has seen target %d", trainer, i)
			}
		}
		// The model for later rows is that of a plain fit.
		z, err := m.Transform(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := train(t, trainer, X, y).Transform(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "model", z, plain, 0)
	}
}

func TestCrossFitOfOneFold(t *testing.T) {
	X := dense([][]float64{{1}, {2}, {3}})
	_, _, err := Target{}.CrossFit(background, X, []float64{1, 2, 3}, []float64{0, 1, 0})
	wantError(t, "one row", err, gram.ErrShape, "has all rows of weight above zero")
}

// A part that passes through does so in training as well, and a part that fails is named.
func TestColumnsCrossFit(t *testing.T) {
	X := dense([][]float64{{1, 9}, {1, 8}, {2, 7}, {2, 6}})
	s := ColumnTransformer{Parts: []Part{{[]string{"x0"}, Target{Folds: 2}}}}
	_, Z, err := s.CrossFit(background, X, []float64{0, 1, 1, 0}, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "rest", []float64{Z[1], Z[3], Z[5], Z[7]}, []float64{9, 8, 7, 6}, 0)
	_, _, err = s.CrossFit(background, X, nil, nil)
	wantError(t, "y", err, gram.ErrShape, "columns x0: y has 0 targets")
}

// A shared column and columns in another order, in training's memory or not.
func TestColumnsInPlace(t *testing.T) {
	X := dense([][]float64{{1, 10}, {2, 20}, {3, 30}})
	m := train(t, ColumnTransformer{Parts: []Part{{[]string{"x1"}, nil}, {[]string{"x0"}, Ordinal{}}}}, X, nil)
	row := []float64{3, 20}
	if err := m.TransformRow(row, row); err != nil {
		t.Fatal(err)
	}
	near(t, "row", row, []float64{20, 2}, 0)
	oneHot := train(t, OneHot{DropFirst: true}, dense([][]float64{{1, 10}, {2, 20}, {1, 10}}), nil)
	row = []float64{2, 10}
	if err := oneHot.TransformRow(row, row); err != nil {
		t.Fatal(err)
	}
	near(t, "one-hot row", row, []float64{1, 0}, 0)
}

func TestFeatureNames(t *testing.T) {
	X := dense([][]float64{{1, 2}, {3, 5}, {4, 4}})
	for name, trainer := range goldenTrainers {
		m := train(t, trainer, X, nil)
		if got := FeatureNames(m, nil); len(got) != m.OutFeatures() {
			t.Errorf("%s: names %q for %d columns", name, got, m.OutFeatures())
		}
	}
	pipeline := gram.TransformerPipeline{Steps: []gram.TransformerTrainer{KBins{Bins: 2, OneHot: true}, SelectKBest{K: 1}}}
	m := train(t, pipeline, X, []float64{0, 1, 1})
	if got, want := FeatureNames(m, []string{"a", "b"}), []string{"a bin 0"}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	target := train(t, Target{Classes: 3}, X, []float64{0, 1, 2})
	want := []string{"x0 class 0", "x0 class 1", "x0 class 2", "x1 class 0", "x1 class 1", "x1 class 2"}
	if got := FeatureNames(target, nil); !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	if got := FeatureNames(nameless{target}, nil); !slices.Equal(got, []string{"z0", "z1", "z2", "z3", "z4", "z5"}) {
		t.Errorf("names %q", got)
	}
}

// nameless is a transformer of another package.
type nameless struct{ gram.Transformer }

func TestImputerWithoutValues(t *testing.T) {
	nan := math.NaN()
	X := dense([][]float64{{nan, 1, nan}, {nan, 3, 7}, {5, nan, 7}})
	m, err := Imputer{Fill: -1, Indicator: true}.Fit(background, X, []float64{1, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "fill", m.Fill(), []float64{-1, 2, 7}, 0)
	if got := m.Indicators(); !slices.Equal(got, []int{0, 2}) {
		t.Errorf("indicators of columns %v", got)
	}
}

// A value that several quantiles have goes to their middle; what is beyond, to the ends.
func TestQuantileTies(t *testing.T) {
	X := dense([][]float64{{0}, {1}, {1}, {1}, {2}})
	m := train(t, Quantile{}, X, nil)
	z, err := m.Transform(nil, dense([][]float64{{-5}, {0}, {0.5}, {1}, {2}, {9}, {math.NaN()}}))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "shares", z[:6], []float64{0, 0, 0.125, 0.5, 1, 1}, 0)
	if !math.IsNaN(z[6]) {
		t.Errorf("NaN becomes %v", z[6])
	}
}

// Weights of 1/n are as good as none; quantiles do not depend on the unit of weight.
func TestQuantileOfShares(t *testing.T) {
	X := normal(3, 64, 2)
	w := make([]float64, 64)
	for i := range w {
		w[i] = 1.0 / 64
	}
	a, err := Robust{}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Robust{}.Fit(background, X, w)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "center", b.Center(), a.Center(), 1e-14)
	near(t, "scale", b.Scale(), a.Scale(), 1e-14)
}

// A stream ends in the model of the whole.
func TestRangesOfPieces(t *testing.T) {
	X := normal(4, 300, 3)
	var left, right Ranges
	for lo := 0; lo < 300; lo += 100 {
		r := &left
		if lo == 100 {
			r = &right
		}
		if err := r.Add(X.Slice(lo, lo+100, 0, 3), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := left.Merge(&right); err != nil {
		t.Fatal(err)
	}
	got, err := MaxAbs{}.FromRanges(&left)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "scale", got.Scale(), train(t, MaxAbs{}, X, nil).(*MaxAbsModel).Scale(), 0)
}

// resampleCase are three classes of 20, 7 and 4 rows, and one row of weight zero.
func resampleCase() (X *linalg.Dense[float64], y []int, w []float64) {
	X = normal(5, 32, 3)
	y, w = make([]int, 32), make([]float64, 32)
	for i := range y {
		w[i] = 1 + float64(i%3)
		switch {
		case i >= 20 && i < 27:
			y[i] = 1
		case i >= 27 && i < 31:
			y[i] = 2
		}
	}
	w[31] = 0
	return X, y, w
}

func TestResampleCounts(t *testing.T) {
	X, y, w := resampleCase()
	for _, c := range []struct {
		s    Resampler
		want []int
	}{
		{OverSample{}, []int{20, 20, 20}},
		{OverSample{Ratio: 0.3}, []int{20, 7, 6}},
		{UnderSample{}, []int{4, 4, 4}},
		{UnderSample{Ratio: 0.5}, []int{8, 7, 4}},
		{SMOTE{Neighbors: 2}, []int{20, 20, 20}},
		{SMOTE{Ratio: 0.5}, []int{20, 10, 10}},
	} {
		Z, labels, weights, err := c.s.Resample(background, X, y, w)
		if err != nil {
			t.Fatal(err)
		}
		counts := make([]int, 3)
		for _, k := range labels {
			counts[k]++
		}
		if !slices.Equal(counts, c.want) || Z.Rows != len(labels) || len(weights) != len(labels) || slices.Contains(weights, 0) {
			t.Errorf("%+v: %d rows of classes %v, weights %v", c.s, Z.Rows, counts, weights)
		}
		again, _, _, err := c.s.Resample(background, X, y, w)
		if err != nil || !reflect.DeepEqual(again, Z) {
			t.Errorf("%+v: other rows the second time, %v", c.s, err)
		}
	}
}

// Every new row of SMOTE lies between two rows of its class, at one share of the way
// in all columns and in weight, and the second is among the neighbours of the first.
func TestSMOTEBetweenNeighbors(t *testing.T) {
	X, y, w := resampleCase()
	const k = 2
	want, _, _, err := SMOTE{Neighbors: k, Workers: 1}.Resample(background, X, y, w)
	if err != nil {
		t.Fatal(err)
	}
	Z, labels, weights, err := SMOTE{Neighbors: k, Workers: 3}.Resample(background, X, y, w)
	if err != nil || !reflect.DeepEqual(Z, want) {
		t.Fatalf("other rows with other workers, %v", err)
	}
	for i := 31; i < Z.Rows; i++ {
		found := false
		for a := range 31 {
			if y[a] != labels[i] {
				continue
			}
			for _, b := range nearestOf(X, y, a, k) {
				share := (Z.At(i, 0) - X.At(a, 0)) / (X.At(b, 0) - X.At(a, 0))
				ok := share >= 0 && share < 1 && math.Abs(weights[i]-(w[a]+share*(w[b]-w[a]))) < 1e-9
				for j := range 3 {
					ok = ok && math.Abs(Z.At(i, j)-(X.At(a, j)+share*(X.At(b, j)-X.At(a, j)))) < 1e-9
				}
				found = found || ok
			}
		}
		if !found {
			t.Errorf("row %d lies between no neighbours", i)
		}
	}
}

// nearestOf returns the k nearest rows of the class of row a, the slow way.
func nearestOf(X *linalg.Dense[float64], y []int, a, k int) []int {
	var others []int
	for b := range 31 {
		if b != a && y[b] == y[a] {
			others = append(others, b)
		}
	}
	distance := func(b int) (sum float64) {
		for j := range X.Cols {
			sum += (X.At(a, j) - X.At(b, j)) * (X.At(a, j) - X.At(b, j))
		}
		return sum
	}
	slices.SortFunc(others, func(b, c int) int {
		if distance(b) < distance(c) {
			return -1
		}
		return 1
	})
	return others[:k]
}

// sized notes the number of rows it is trained on.
type sized struct{ rows *int }

func (s sized) TrainClassifier(_ context.Context, X gram.Matrix, _ []int, _ []float64) (gram.Classifier, error) {
	*s.rows, _ = X.Dims()
	return nil, nil
}

func TestResampled(t *testing.T) {
	X, y, w := resampleCase()
	rows := 0
	if _, err := (Resampled{UnderSample{}, sized{&rows}}).TrainClassifier(background, X, y, w); err != nil || rows != 12 {
		t.Errorf("trained on %d rows, %v", rows, err)
	}
}

func TestSchemaKinds(t *testing.T) {
	type word string
	type row struct {
		F32    float32
		Int    int8
		Uint   uint16
		Yes    bool
		Word   word
		Maybe  *string
		Number *int
		hidden int
	}
	text, number := "t", 7
	rows := []row{{1.5, -2, 3, true, "b", &text, &number, 1}, {2, 1, 0, false, "a", nil, nil, 2}}
	s, err := SchemaOf(rows)
	if err != nil {
		t.Fatal(err)
	}
	X, err := EncodeRows(s, rows)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "first row", X.Row(0), []float64{1.5, -2, 3, 1, 1, 0, 7}, 0)
	near(t, "second row", X.Row(1)[:5], []float64{2, 1, 0, 0, 0}, 0)
	if !math.IsNaN(X.At(1, 5)) || !math.IsNaN(X.At(1, 6)) {
		t.Errorf("nil pointers become %v", X.Row(1)[5:])
	}
	if j, ok := s.Index("Word"); j != 4 || !ok || s.Categories(0) != nil {
		t.Errorf("Word is column %d, %v; categories of numbers %v", j, ok, s.Categories(0))
	}
	dst := make([]float64, 7)
	if n := testing.AllocsPerRun(100, func() { _ = EncodeRow(s, dst, &rows[0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzLoad: no bytes make a model that panics.
func FuzzLoad(f *testing.F) {
	X := dense([][]float64{{1, 2}, {3, 5}, {4, 4}})
	s, err := SchemaOf([]struct{ A, B string }{{"x", "y"}})
	if err != nil {
		f.Fatal(err)
	}
	trainers := []gram.TransformerTrainer{Target{}, SelectKBest{K: 1}, ColumnTransformer{Schema: s, Parts: []Part{{[]string{"A"}, Standard{}}}}}
	for _, trainer := range goldenTrainers {
		trainers = append(trainers, trainer)
	}
	for _, trainer := range trainers {
		m, err := trainer.TrainTransformer(background, X, []float64{0, 1, 1}, nil)
		if err != nil {
			f.Fatal(err)
		}
		var buf bytes.Buffer
		if err := gram.Save(&buf, m); err != nil {
			f.Fatal(err)
		}
		f.Add(buf.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := gram.Load(bytes.NewReader(data))
		if err != nil || m.Features() > 1000 {
			return
		}
		if tr, ok := m.(gram.Transformer); ok {
			// Unknown categories and such are errors, and fine.
			_ = tr.TransformRow(make([]float64, tr.OutFeatures()), make([]float64, tr.Features()))
		}
	})
}
