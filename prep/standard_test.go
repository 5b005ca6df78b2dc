package prep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

type golden struct {
	Name                       string
	X                          [][]float64
	W, Mean, Var, Scale, First []float64
}

func goldenCases(t *testing.T) []golden {
	t.Helper()
	data, err := os.ReadFile("testdata/standard.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []golden }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

func goldenCase(t *testing.T, name string) golden {
	t.Helper()
	for _, c := range goldenCases(t) {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no golden case %q", name)
	return golden{}
}

func fit(t *testing.T, s Standard, X gram.Matrix, w []float64) *StandardModel {
	t.Helper()
	m, err := s.Fit(context.Background(), X, w)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestStandardGolden(t *testing.T) {
	for _, c := range goldenCases(t) {
		for form, X := range forms(c.X) {
			tol := 1e-13
			if form == "float32" {
				tol = 1e-5
				if c.Name == "constant columns" {
					continue // float32(0.1) is another constant
				}
			}
			what := c.Name + ", " + form + ": "
			m := fit(t, Standard{}, X, c.W)
			near(t, what+"mean", m.Mean(), c.Mean, tol)
			near(t, what+"var", m.Var(), c.Var, tol)
			near(t, what+"scale", m.Scale(), c.Scale, tol)
			z, err := m.Transform(nil, X)
			if err != nil {
				t.Fatal(err)
			}
			near(t, what+"first row", z[:len(c.First)], c.First, 10*tol)
		}
	}
}

// What comes out has mean 0 and variance 1, and goes back to what it was.
func TestStandardRoundTrip(t *testing.T) {
	const n, d = 700, 6
	X := normal(3, n, d)
	m := fit(t, Standard{}, X, nil)
	z, err := m.Transform(nil, X)
	if err != nil {
		t.Fatal(err)
	}
	again := fit(t, Standard{}, linalg.NewDense(n, d, z), nil)
	near(t, "mean", again.Mean(), make([]float64, d), 1e-14)
	near(t, "variance", again.Var(), []float64{1, 1, 1, 1, 1, 1}, 1e-13)
	back, err := m.InverseTransform(nil, linalg.NewDense(n, d, z))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "rows", back, X.Data, 1e-14)

	row := make([]float64, d)
	for i := range n {
		if err := m.TransformRow(row, X.Row(i)); err != nil {
			t.Fatal(err)
		}
		near(t, "row", row, z[i*d:(i+1)*d], 0)
		if err := m.InverseTransformRow(row, row); err != nil {
			t.Fatal(err)
		}
		near(t, "row and back", row, back[i*d:(i+1)*d], 0)
	}
	if z, err = m.Transform(X.Data, X); err != nil {
		t.Fatal(err)
	}
	if err := m.TransformRow(row, row); err != nil {
		t.Fatal(err)
	}
	near(t, "in place", z[(n-1)*d:], row, 1e-13)
}

func TestStandardOptions(t *testing.T) {
	X := dense([][]float64{{1, 10}, {3, 10}})
	cases := []struct {
		s     Standard
		first []float64
		scale []float64
	}{
		{Standard{}, []float64{-1, 0}, []float64{1, 1}},
		{Standard{NoMean: true}, []float64{1, 10}, []float64{1, 1}},
		{Standard{NoStd: true}, []float64{-1, 0}, []float64{1, 1}},
		{Standard{NoMean: true, NoStd: true}, []float64{1, 10}, []float64{1, 1}},
	}
	for _, c := range cases {
		m := fit(t, c.s, X, nil)
		z, err := m.Transform(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "first row", z[:2], c.first, 0)
		near(t, "scale", m.Scale(), c.scale, 0)
		near(t, "mean", m.Mean(), []float64{2, 10}, 0)
		near(t, "var", m.Var(), []float64{1, 0}, 0)
	}
	wide := dense([][]float64{{0}, {8}})
	near(t, "scale", fit(t, Standard{}, wide, nil).Scale(), []float64{4}, 0)
	near(t, "scale without", fit(t, Standard{NoStd: true}, wide, nil).Scale(), []float64{1}, 0)
}

// A column that differs from a constant by rounding is a constant.
func TestStandardNearlyConstant(t *testing.T) {
	third := 1.0 / 3
	X := dense([][]float64{{third, 1}, {math.Nextafter(third, 1), 1 + 1e-12}, {math.Nextafter(third, 0), 1 - 1e-12}})
	scale := fit(t, Standard{}, X, nil).Scale()
	if scale[0] != 1 {
		t.Errorf("scale of a constant is %v", scale[0])
	}
	if scale[1] > 1e-12 || scale[1] < 5e-13 {
		t.Errorf("scale of a narrow column is %v", scale[1])
	}
}

// Whole weights count as repeated rows.
func TestStandardWeightsAreRepeats(t *testing.T) {
	X := normal(4, 60, 3)
	w := make([]float64, 60)
	var repeated [][]float64
	for i := range w {
		w[i] = float64(i * 7 % 5)
		for range int(w[i]) {
			repeated = append(repeated, X.Row(i))
		}
	}
	a, b := fit(t, Standard{}, X, w), fit(t, Standard{}, dense(repeated), nil)
	near(t, "mean", a.Mean(), b.Mean(), 1e-14)
	near(t, "var", a.Var(), b.Var(), 1e-13)
}

// The model has the same bits whatever the number of goroutines and the form of X.
func TestStandardIsDeterministic(t *testing.T) {
	const n, d = 40000, 3
	X := normal(5, n, d)
	want := fit(t, Standard{Workers: 1}, X, nil)
	for _, workers := range []int{2, 3, 8, 0} {
		if got := fit(t, Standard{Workers: workers}, X, nil); !reflect.DeepEqual(got, want) {
			t.Errorf("%d workers: another model", workers)
		}
	}
	for _, Y := range []gram.Matrix{linalg.ToGonum(X), viewer{linalg.ToGonum(X)}, atOnly{X}} {
		if got := fit(t, Standard{}, Y, nil); !reflect.DeepEqual(got, want) {
			t.Errorf("%T: another model", Y)
		}
	}
}

// A stream ends in the model of the whole.
func TestStandardFromMoments(t *testing.T) {
	X := normal(6, 500, 4)
	var m Moments
	for lo := 0; lo < 500; lo += 100 {
		if err := m.Add(X.Slice(lo, lo+100, 0, 4), nil); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Standard{}.FromMoments(&m)
	if err != nil {
		t.Fatal(err)
	}
	want := fit(t, Standard{}, X, nil)
	near(t, "mean", got.Mean(), want.Mean(), 1e-14)
	near(t, "scale", got.Scale(), want.Scale(), 1e-14)
	m.Mean[0] = 99
	if got.Mean()[0] == 99 {
		t.Error("the model shares the accumulator's memory")
	}
}

func TestStandardFromMomentsErrors(t *testing.T) {
	var far Moments
	for _, v := range []float64{1e200, -1e200} {
		if err := far.Add(dense([][]float64{{0, v}}), nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		m    *Moments
		is   error
		text string
	}{
		{new(Moments), gram.ErrShape, "moments of no rows"},
		{&Moments{Weight: 1}, gram.ErrShape, "moments of 0 means and 0 sums of squares"},
		{&Moments{Weight: 1, Mean: []float64{1, 2}, SumSquares: []float64{1}}, gram.ErrShape, "moments of 2 means and 1 sums of squares"},
		{&Moments{Weight: 2, Mean: []float64{1}, SumSquares: []float64{-1}}, gram.ErrNonFinite, "column 0 has mean 1 and variance -0.5"},
		{&far, gram.ErrNonFinite, "column 1 has mean 0 and variance +Inf"},
	} {
		m, err := Standard{}.FromMoments(c.m)
		if m != nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("error %v, want %q", err, c.text)
		}
	}
}

func TestStandardErrors(t *testing.T) {
	X := normal(7, 20000, 3)
	X.Set(17, 2, math.NaN())
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	cases := []struct {
		name string
		ctx  context.Context
		X    gram.Matrix
		w    []float64
		is   error
		text string
	}{
		{"no X", context.Background(), nil, nil, gram.ErrShape, "X is nil"},
		{"no rows", context.Background(), linalg.NewDense[float64](0, 3, nil), nil, gram.ErrShape, "X is 0×3"},
		{"NaN", context.Background(), X, nil, gram.ErrNonFinite, "row 17, column 2 is NaN"},
		{"weights", context.Background(), X, []float64{1}, gram.ErrShape, "w has 1 weights, X 20000 rows"},
		{"cancelled", cancelled, X, nil, context.Canceled, "standardization stopped"},
	}
	for _, c := range cases {
		m, err := Standard{}.Fit(c.ctx, c.X, c.w)
		if m != nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.text)
		}
		tr, err := Standard{}.TrainTransformer(c.ctx, c.X, nil, c.w)
		if tr != nil || !errors.Is(err, c.is) {
			t.Errorf("%s: TrainTransformer gives %v and %v", c.name, tr, err)
		}
	}
}

func TestStandardModelErrors(t *testing.T) {
	m := fit(t, Standard{}, normal(8, 10, 3), nil)
	two := dense([][]float64{{1, 2}})
	three := dense([][]float64{{1, 2, 3}})
	row := make([]float64, 3)
	for name, call := range map[string]func() error{
		"X has 2 features, the model 3": func() error { _, err := m.Transform(nil, two); return err },
		"X is nil":                      func() error { _, err := m.InverseTransform(nil, nil); return err },
		"dst has length 2, want 3":      func() error { _, err := m.Transform(row[:2], three); return err },
		"x has 2 features, the model 3": func() error { return m.TransformRow(row, row[:2]) },
		"dst has length 1, want 3":      func() error { return m.InverseTransformRow(row[:1], row) },
	} {
		if err := call(); !errors.Is(err, gram.ErrShape) || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %q", err, name)
		}
	}
	z, err := m.Transform(nil, linalg.NewDense[float64](0, 3, nil))
	if err != nil || len(z) != 0 {
		t.Errorf("no rows: %v, %v", z, err)
	}
}

func TestStandardRowsDoNotAllocate(t *testing.T) {
	m := fit(t, Standard{}, normal(9, 10, 8), nil)
	x, z := make([]float64, 8), make([]float64, 8)
	if n := testing.AllocsPerRun(100, func() { m.TransformRow(z, x); m.InverseTransformRow(x, z) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestStandardSave(t *testing.T) {
	for _, s := range []Standard{{}, {NoMean: true}, {NoStd: true}} {
		m := fit(t, s, normal(10, 50, 4), nil)
		var buf bytes.Buffer
		if err := gram.Save(&buf, m); err != nil {
			t.Fatal(err)
		}
		got, err := gram.Load(&buf)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, m) {
			t.Errorf("%+v: loaded %+v, saved %+v", s, got, m)
		}
	}
}

// Models that no fit returns do not load.
func TestStandardLoadChecks(t *testing.T) {
	for text, m := range map[string]*StandardModel{
		"no columns":                          {},
		"column 0 has mean NaN":               {mean: []float64{math.NaN()}, variance: []float64{1}},
		"column 1 has mean 0 and variance -1": {mean: []float64{0, 0}, variance: []float64{1, -1}},
		"shape of [1]":                        {mean: []float64{0}, variance: []float64{1, 1}},
	} {
		var buf bytes.Buffer
		if err := gram.Save(&buf, m); err != nil {
			t.Fatal(err)
		}
		if _, err := gram.Load(&buf); !errors.Is(err, gram.ErrFormat) || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, want %q", err, text)
		}
	}
}
