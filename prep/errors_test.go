package prep

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

var background = context.Background()

func wantError(t *testing.T, what string, err, kind error, text string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: error %v, want %q that wraps %q", what, err, text, kind)
	}
}

func TestFitErrors(t *testing.T) {
	X := dense([][]float64{{1, 2}, {3, 5}, {4, 4}, {1, 0}})
	wide := dense([][]float64{{1, 1e308}, {3, -1e308}, {4, -1e308}, {1, 1e308}})
	constant := dense([][]float64{{1, 2}, {1, 2}, {1, 2}, {1, 2}})
	y := []float64{0, 1, 1, 0}
	names := func(c ...string) []Part { return []Part{{Columns: c}} }
	schema, err := SchemaOf([]struct{ A float64 }{{1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		trainer gram.TransformerTrainer
		X       gram.Matrix
		y       []float64
		is      error
		text    string
	}{
		{MinMax{Low: 2, High: 1}, X, nil, gram.ErrParam, "interval from 2 to 1"},
		{MinMax{High: math.Inf(1)}, X, nil, gram.ErrParam, "interval from 0 to +Inf"},
		{MinMax{}, wide, nil, gram.ErrNonFinite, "column 1 ranges from -1e+308 to 1e+308"},
		{Robust{Low: 0.5, High: 0.5}, X, nil, gram.ErrParam, "quantiles 0.5 and 0.5, want 0 ≤ Low < High ≤ 1"},
		{Robust{High: 1.5}, X, nil, gram.ErrParam, "quantiles 0 and 1.5"},
		{Robust{}, wide, nil, gram.ErrNonFinite, "the spread of column 1 overflows"},
		{Normalizer{Norm: 7}, X, nil, gram.ErrParam, "Norm(7) is no norm"},
		{Imputer{Strategy: -1}, X, nil, gram.ErrParam, "Strategy(-1) is no strategy"},
		{Imputer{Fill: math.NaN()}, X, nil, gram.ErrParam, "Fill is NaN"},
		{Imputer{}, dense([][]float64{{1, 2}, {3, math.Inf(1)}}), nil, gram.ErrNonFinite, "row 1, column 1 is +Inf"},
		{Imputer{}, dense([][]float64{{1e308}, {-1e308}}), nil, gram.ErrNonFinite, "the Mean of column 0 overflows"},
		{OneHot{DropFirst: true}, constant, nil, gram.ErrShape, "all 2 columns are constant"},
		{Target{Smooth: -1}, X, y, gram.ErrParam, "Smooth is -1"},
		{Target{Classes: 1}, X, y, gram.ErrParam, "Classes is 1"},
		{Target{Folds: 1}, X, y, gram.ErrParam, "Folds is 1"},
		{Target{}, X, nil, gram.ErrShape, "y has 0 targets, X 4 rows"},
		{Target{Classes: 3}, X, []float64{0, 1, 3, 0}, gram.ErrLabels, "target 3 of row 2 is no class of 3"},
		{Target{Classes: 2}, X, []float64{0, 1, 0.5, 0}, gram.ErrLabels, "target 0.5 of row 2 is no class of 2"},
		{Target{}, X, []float64{1e200, -1e200, 0, 0}, gram.ErrNonFinite, "the variance of y overflows"},
		{Polynomial{Degree: -1}, X, nil, gram.ErrParam, "Degree is -1"},
		{Polynomial{Degree: 6000}, X, nil, gram.ErrParam, "degree 6000 of 2 columns has more than 16777216 products"},
		{Quantile{Quantiles: 1}, X, nil, gram.ErrParam, "1 quantiles, want at least 2"},
		{KBins{Bins: 1}, X, nil, gram.ErrParam, "1 bins, want at least 2"},
		{KBins{}, wide, nil, gram.ErrNonFinite, "the range of column 1 overflows"},
		{VarianceThreshold{Threshold: -1}, X, nil, gram.ErrParam, "Threshold is -1"},
		{VarianceThreshold{}, constant, nil, gram.ErrShape, "no column of 2 has a variance above 0"},
		{SelectKBest{K: -1}, X, y, gram.ErrParam, "K is -1"},
		{SelectKBest{Score: 9}, X, y, gram.ErrParam, "Score(9) is no score"},
		{SelectKBest{}, X, nil, gram.ErrShape, "y has 0 targets"},
		{SelectKBest{}, X, []float64{0, 1, 0.5, 0}, gram.ErrLabels, "target 0.5 of row 2 is no class"},
		{SelectKBest{}, X, []float64{0, 0, 0, 0}, gram.ErrLabels, "1 of at least 2 classes"},
		{SelectKBest{Score: ChiSquared}, dense([][]float64{{1}, {-2}}), y[:2], gram.ErrParam, "row 1, column 0 is -2"},
		{ColumnTransformer{Parts: []Part{{}}}, X, nil, gram.ErrParam, "part 0 has no columns"},
		{ColumnTransformer{Parts: names("x1", "age")}, X, nil, gram.ErrParam, `part 0: no column "age" among x0, x1`},
		{ColumnTransformer{DropRest: true}, X, nil, gram.ErrShape, "no column of 2 is left"},
		{ColumnTransformer{Schema: schema}, X, nil, gram.ErrShape, "X has 2 features, the schema 1"},
		{ColumnTransformer{Parts: []Part{{[]string{"x1"}, KBins{Bins: 1}}}}, X, nil, gram.ErrParam, "columns x1: 1 bins"},
	} {
		m, err := c.trainer.TrainTransformer(background, c.X, c.y, nil)
		wantError(t, "fit", err, c.is, c.text)
		if m != nil {
			t.Errorf("%T: a model beside the error %v", c.trainer, err)
		}
		if f, ok := c.trainer.(gram.CrossFitter); ok {
			_, Z, err := f.CrossFit(background, c.X, c.y, nil)
			wantError(t, "cross-fit", err, c.is, c.text)
			if Z != nil {
				t.Errorf("%T: rows beside the error %v", c.trainer, err)
			}
		}
	}
}

func TestRangesErrors(t *testing.T) {
	var r Ranges
	if err := r.Add(dense([][]float64{{1, 2}}), nil); err != nil {
		t.Fatal(err)
	}
	wantError(t, "width", r.Add(dense([][]float64{{1}}), nil), gram.ErrShape, "X has 1 features, the ranges 2")
	wantError(t, "NaN", r.Add(dense([][]float64{{1, math.NaN()}}), nil), gram.ErrNonFinite, "row 0, column 1 is NaN")
	wantError(t, "merge", r.Merge(&Ranges{Min: []float64{1}, Max: []float64{1}}), gram.ErrShape, "ranges of 2 features, the others of 1")
	if err := r.Merge(&Ranges{}); err != nil {
		t.Error(err)
	}
	_, err := MinMax{}.FromRanges(&Ranges{})
	wantError(t, "no rows", err, gram.ErrShape, "ranges of 0 and 0 columns")
	_, err = MinMax{Low: 3}.FromRanges(&r)
	wantError(t, "interval", err, gram.ErrParam, "interval from 3 to 0")
	_, err = MaxAbs{}.FromRanges(&Ranges{Min: []float64{2}, Max: []float64{1}})
	wantError(t, "order", err, gram.ErrNonFinite, "column 0 ranges from 2 to 1")
}

// What a model is given is checked, in batches and rows.
func TestModelErrors(t *testing.T) {
	X := dense([][]float64{{1, 2}, {3, 5}, {4, 4}})
	nan := dense([][]float64{{1, 2}, {1, math.NaN()}})
	ordinal, oneHot := train(t, Ordinal{}, X, nil), train(t, OneHot{}, X, nil)
	bins := train(t, KBins{}, X, nil)
	part := train(t, ColumnTransformer{Parts: []Part{{[]string{"x1"}, Ordinal{}}}}, X, nil)
	for _, m := range []gram.Transformer{ordinal, oneHot, part} {
		_, err := m.Transform(nil, dense([][]float64{{1, 2}, {3, 7}}))
		wantError(t, "unknown", err, ErrUnknownCategory, "row 1: ")
		wantError(t, "unknown", err, ErrUnknownCategory, "is 7, none of 3 categories")
		_, err = m.Transform(nil, nan)
		wantError(t, "NaN", err, gram.ErrNonFinite, "row 1: ")
		wantError(t, "NaN", err, ErrUnknownCategory, "is NaN")
	}
	_, err := bins.Transform(nan.Data, nan)
	wantError(t, "bins", err, gram.ErrNonFinite, "row 1: column 1 is NaN")
	_, err = ordinal.(inverter).InverseTransform(nil, dense([][]float64{{0, 3}}))
	wantError(t, "code", err, ErrUnknownCategory, "row 0: column 1 is 3, codes are 0 to 2")
	_, err = bins.(inverter).InverseTransform(nil, dense([][]float64{{0, 0.5}}))
	wantError(t, "bin", err, gram.ErrParam, "row 0: column 1 is 0.5, bins are 0 to 4")

	long := make([]float64, 99)
	for _, trainer := range goldenTrainers {
		m, ok := train(t, trainer, X, nil).(interface {
			gram.Transformer
			inverter
		})
		if !ok {
			continue
		}
		wantError(t, "row", m.InverseTransformRow(long[:2], long), gram.ErrShape, "x has 99 features")
		wantError(t, "dst", m.InverseTransformRow(long, long[:m.OutFeatures()]), gram.ErrShape, "dst has length 99")
	}
}

func TestLabels(t *testing.T) {
	labels, err := LabelEncoder[float64]{}.Fit([]float64{3, math.NaN(), -1, 3, math.NaN()})
	if err != nil {
		t.Fatal(err)
	}
	classes, err := labels.Transform(nil, []float64{-1, 3, math.NaN()})
	if err != nil || classes[0] != 1 || classes[1] != 2 || classes[2] != 0 {
		t.Errorf("classes %v, %v", classes, err)
	}
	_, err = labels.Transform(nil, []float64{-1, 4})
	wantError(t, "label", err, gram.ErrLabels, "label 4 in row 1 is none of 3")
	_, err = labels.Transform(make([]int, 1), []float64{-1, 3})
	wantError(t, "dst", err, gram.ErrShape, "dst has length 1, want 2")
	_, err = labels.InverseTransform(nil, []int{2, 3})
	wantError(t, "class", err, gram.ErrLabels, "class 3 in row 1, there are 3")
	_, err = labels.InverseTransform(make([]float64, 3), []int{2})
	wantError(t, "dst", err, gram.ErrShape, "dst has length 3, want 1")
	_, err = LabelEncoder[int]{}.Fit(nil)
	wantError(t, "empty", err, gram.ErrShape, "y is empty")

	testLabels(t, []string{"b", "", "a"})
	testLabels(t, []int{3, -4, 0})
	testLabels(t, []int64{1 << 60, -1 << 60})
	testLabels(t, []float64{0.5, math.Inf(-1)})
}

func testLabels[T string | int | int64 | float64](t *testing.T, y []T) {
	t.Helper()
	m, err := LabelEncoder[T]{}.Fit(y)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := gram.Save(&buf, m); err != nil {
		t.Fatal(err)
	}
	loaded, err := gram.Load(&buf)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range m.Classes() {
		if got, ok := loaded.(*LabelModel[T]).Decode(k); !ok || got != v {
			t.Errorf("class %d is %v, want %v", k, got, v)
		}
	}
}

func TestResampleErrors(t *testing.T) {
	X, y := dense([][]float64{{1}, {2}, {3}}), []int{0, 0, 1}
	for _, c := range []struct {
		s    Resampler
		y    []int
		w    []float64
		is   error
		text string
	}{
		{OverSample{Ratio: 2}, y, nil, gram.ErrParam, "Ratio is 2"},
		{UnderSample{Ratio: -1}, y, nil, gram.ErrParam, "Ratio is -1"},
		{SMOTE{Neighbors: -1}, y, nil, gram.ErrParam, "Neighbors is -1"},
		{SMOTE{}, y, nil, gram.ErrLabels, "class 1 has one row"},
		{SMOTE{Ratio: math.NaN()}, y, nil, gram.ErrParam, "Ratio is NaN"},
		{OverSample{}, y[:2], nil, gram.ErrShape, "y has 2 labels, X 3 rows"},
		{OverSample{}, y, []float64{1, 1, 0}, gram.ErrLabels, "class 1 of 2 has no weight"},
		{UnderSample{}, []int{0, 0, 0}, nil, gram.ErrLabels, "1 of at least 2 classes"},
	} {
		_, _, _, err := c.s.Resample(background, X, c.y, c.w)
		wantError(t, "resample", err, c.is, c.text)
	}
	_, err := Resampled{}.TrainClassifier(background, X, y, nil)
	wantError(t, "no sampler", err, gram.ErrParam, "Sampler is <nil>")
	_, err = Resampled{Sampler: SMOTE{}, Last: refusing{}}.TrainClassifier(background, X, y, nil)
	wantError(t, "sampler", err, gram.ErrLabels, "resampling: class 1 has one row")
	cancelled, cancel := context.WithCancel(background)
	cancel()
	_, _, _, err = SMOTE{}.Resample(cancelled, X, y, nil)
	wantError(t, "cancelled", err, context.Canceled, "")
}

type refusing struct{}

func (refusing) TrainClassifier(context.Context, gram.Matrix, []int, []float64) (gram.Classifier, error) {
	return nil, errors.New("not asked")
}

func TestSchemaErrors(t *testing.T) {
	type twice struct {
		A float64
		B string `gram:"A"`
	}
	_, err := SchemaOf([]int{1})
	wantError(t, "type", err, gram.ErrParam, "rows are of type int, not a struct")
	_, err = SchemaOf([]twice{})
	wantError(t, "names", err, gram.ErrParam, `has two columns "A"`)
	_, err = SchemaOf([]struct{ X []int }{})
	wantError(t, "field", err, gram.ErrParam, "field X of type []int is no number")
	_, err = SchemaOf([]struct{ x int }{})
	wantError(t, "none", err, gram.ErrParam, "has no columns")

	type row struct {
		A float64
		B string
	}
	s, err := SchemaOf([]row{{1, "b"}, {2, "a"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = EncodeRows(s, []row(nil))
	wantError(t, "empty", err, gram.ErrShape, "no rows")
	wantError(t, "dst", EncodeRow(s, nil, &row{}), gram.ErrShape, "dst has length 0, want 2")
	_, err = EncodeRows(s, []struct{ A float64 }{{1}})
	wantError(t, "missing", err, gram.ErrParam, `has no column "B"`)
	_, err = EncodeRows(s, []struct{ A, B string }{{"", ""}})
	wantError(t, "kind", err, gram.ErrParam, `field A has type string, which is not that of column "A"`)
	_, err = EncodeRows(s, []int{3})
	wantError(t, "type", err, gram.ErrParam, "rows are of type int")
}

// Models that no fit returns do not load.
func TestLoadChecks(t *testing.T) {
	inf := math.Inf(1)
	one := categories{{1, 2}}
	standard := fit(t, Standard{}, dense([][]float64{{1}, {2}}), nil)
	columns := func(features int, schema *Schema, parts ...columnPart) *ColumnModel {
		return &ColumnModel{features: features, schema: schema, parts: parts}
	}
	for _, c := range []struct {
		m    gram.Model
		text string
	}{
		{&MinMaxModel{high: 1}, "ranges of 0 and 0 columns"},
		{&MinMaxModel{affine: newAffine(1), low: 1, high: 1, least: []float64{0}, most: []float64{1}}, "interval from 1 to 1"},
		{newMinMaxModel(0, 1, false, []float64{2}, []float64{1}), "column 0 ranges from 2 to 1"},
		{newMaxAbsModel(nil), "no columns"},
		{newMaxAbsModel([]float64{-1}), "column 0 has greatest absolute value -1"},
		{newRobustModel(false, false, nil, nil), "no columns"},
		{newRobustModel(false, false, []float64{1}, []float64{-1}), "column 0 has median 1 and spread -1"},
		{&NormalizerModel{5, 1}, "Norm(5) of 1 columns"},
		{&NormalizerModel{L2, 0}, "L2 of 0 columns"},
		{&ImputerModel{}, "no columns"},
		{&ImputerModel{[]float64{inf}, nil}, "column 0 is filled with +Inf"},
		{&ImputerModel{[]float64{1, 2}, []int{1, 1}}, "column 1 after 1 of 2"},
		{&OrdinalModel{}, "no columns"},
		{&OrdinalModel{categories{{}}, false}, "column 0 has no categories"},
		{&OrdinalModel{categories{{1, 1}}, false}, "column 0 has category 1 after 1"},
		{newOneHotModel(categories{{1}}, true, false), "no columns are left"},
		{&TargetModel{one, [][]float64{{1, 2}}, nil}, "no outputs"},
		{&TargetModel{one, [][]float64{{1, 2, 3}}, []float64{0}}, "3 elements for a shape of [2 1]"},
		{&TargetModel{one, [][]float64{{1, inf}}, []float64{0}}, "a mean is +Inf"},
		{&PolynomialModel{}, "no columns"},
		{&PolynomialModel{1, false, []int{-1}, []int{3}}, "product 0 is column 3"},
		{&PolynomialModel{1, false, []int{-1, 1}, []int{0, 0}}, "product 1 is product 1 times column 0"},
		{&QuantileModel{[]float64{1, 2, 3}, 2, false}, "3 quantiles of 2 columns"},
		{&QuantileModel{[]float64{2, 1}, 1, false}, "column 0 has quantile 1 after 2"},
		{newKBinsModel(nil, false), "no columns"},
		{newKBinsModel([][]float64{{1}}, false), "column 0 has edges [1]"},
		{newKBinsModel([][]float64{{1, 1, 2}}, false), "column 0 has edges [1 1 2]"},
		{&SelectModel{nil, []float64{1}, nil}, "0 columns kept, 1 scores, 0 p-values"},
		{&SelectModel{[]int{1}, []float64{1}, nil}, "column 1 after -1 of 1"},
		{&LabelModel[int]{}, "no labels"},
		{&LabelModel[string]{[]string{"b", "a"}}, "label a after b"},
		{&Schema{}, "no columns"},
		{&Schema{names: []string{"a", "a"}, words: make([][]string, 2), isString: make([]bool, 2)}, `two columns "a"`},
		{&Schema{names: []string{"a"}, words: [][]string{{"x"}}, isString: make([]bool, 1)}, `column "a" has words and numbers`},
		{&Schema{names: []string{"a"}, words: [][]string{{"y", "x"}}, isString: []bool{true}}, `has word "x" after "y"`},
		{columns(1, nil), "0 parts of 1 columns"},
		{columns(1, nil, columnPart{}), "part 0 has no columns"},
		{columns(1, nil, columnPart{columns: []int{1}}), "part 0 has column 1 of 1"},
		{columns(2, nil, columnPart{columns: []int{0, 1}, model: standard}), "part 0 has 2 columns, its model 1"},
	} {
		var buf bytes.Buffer
		if err := gram.Save(&buf, c.m); err != nil {
			t.Fatal(err)
		}
		_, err := gram.Load(&buf)
		wantError(t, "load", err, gram.ErrFormat, c.text)
	}
}

func TestNamesPanic(t *testing.T) {
	defer func() {
		if r := recover(); r != "prep: 1 names for 2 columns" {
			t.Errorf("panic %v", r)
		}
	}()
	(&NormalizerModel{L2, 2}).FeatureNames([]string{"a"})
}

// No rows are no error.
func TestNoRows(t *testing.T) {
	m := train(t, OneHot{}, dense([][]float64{{1}, {2}}), nil)
	z, err := m.Transform(nil, linalg.NewDense[float64](0, 1, nil))
	if err != nil || len(z) != 0 {
		t.Errorf("%v, %v", z, err)
	}
}
