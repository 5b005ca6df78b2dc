package prep

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// Data far from zero keep the variance of the same data at zero. In exact arithmetic
// nothing changes; 1e8 has a spacing of 1.5e-8, which the data are first rounded to.
func TestMomentsFarFromZero(t *testing.T) {
	iris := goldenCase(t, "iris")
	far := make([][]float64, len(iris.X))
	for i, row := range iris.X {
		far[i] = make([]float64, len(row))
		for j, v := range row {
			far[i][j] = v + 1e8
		}
	}
	for _, piece := range []int{1, 7, 150} {
		var m Moments
		for lo := 0; lo < len(far); lo += piece {
			if err := m.Add(dense(far[lo:min(lo+piece, len(far))]), nil); err != nil {
				t.Fatal(err)
			}
		}
		near(t, "variance", m.Variance(), iris.Var, 1e-7)
	}
}

// Pieces of any size, merged in any grouping, give the moments of the whole.
func TestMomentsOfPieces(t *testing.T) {
	const n, d = 1000, 5
	X := normal(1, n, d)
	w := make([]float64, n)
	for i := range w {
		w[i] = float64(i % 4)
	}
	var whole Moments
	if err := whole.Add(X, w); err != nil {
		t.Fatal(err)
	}
	var left, right Moments
	for lo := 0; lo < n; lo += 90 {
		hi := min(lo+90, n)
		m := &left
		if lo > 300 {
			m = &right
		}
		if err := m.Add(X.Slice(lo, hi, 0, d), w[lo:hi]); err != nil {
			t.Fatal(err)
		}
	}
	if err := left.Merge(&right); err != nil {
		t.Fatal(err)
	}
	if left.Weight != whole.Weight {
		t.Errorf("weight %v, want %v", left.Weight, whole.Weight)
	}
	near(t, "mean", left.Mean, whole.Mean, 1e-14)
	near(t, "variance", left.Variance(), whole.Variance(), 1e-13)
}

func TestMomentsMergeOfEmpty(t *testing.T) {
	var empty, m Moments
	if err := m.Add(dense([][]float64{{1, 2}, {3, 6}}), nil); err != nil {
		t.Fatal(err)
	}
	if err := m.Merge(&empty); err != nil {
		t.Fatal(err)
	}
	if err := empty.Merge(&m); err != nil {
		t.Fatal(err)
	}
	near(t, "mean", empty.Mean, []float64{2, 4}, 0)
	near(t, "variance", empty.Variance(), []float64{1, 4}, 0)
	if new(Moments).Variance() != nil {
		t.Error("variance of no rows is not nil")
	}
}

// A constant has variance 0 exactly, in any block and with any weights.
func TestMomentsOfConstant(t *testing.T) {
	const n = 5000
	X := linalg.NewDense[float64](n, 2, nil)
	w := make([]float64, n)
	for i := range n {
		X.Set(i, 0, 0.1)
		X.Set(i, 1, -1e300)
		w[i] = 1 / float64(i+3)
	}
	var m Moments
	if err := m.Add(X, w); err != nil {
		t.Fatal(err)
	}
	near(t, "mean", m.Mean, []float64{0.1, -1e300}, 0)
	near(t, "variance", m.Variance(), []float64{0, 0}, 0)
}

func TestMomentsErrors(t *testing.T) {
	two := [][]float64{{1, 2}, {3, 5}}
	cases := []struct {
		name string
		X    gram.Matrix
		w    []float64
		is   error
		text string
	}{
		{"no X", nil, nil, gram.ErrShape, "X is nil"},
		{"empty", linalg.NewDense[float64](0, 2, nil), nil, gram.ErrShape, "X is 0×2"},
		{"width", dense([][]float64{{1}}), nil, gram.ErrShape, "X has 1 features, the moments 2"},
		{"weights", dense(two), []float64{1}, gram.ErrShape, "w has 1 weights, X 2 rows"},
		{"negative weight", dense(two), []float64{1, -1}, gram.ErrWeights, "weight of row 1 is -1"},
		{"NaN", dense([][]float64{{1, 2}, {3, math.NaN()}}), nil, gram.ErrNonFinite, "row 1, column 1 is NaN"},
		{"infinity", dense([][]float64{{1, 2}, {math.Inf(-1), 4}}), nil, gram.ErrNonFinite, "row 1, column 0 is -Inf"},
		{"NaN of no weight", dense([][]float64{{math.NaN(), 1}, {2, 3}}), []float64{0, 1}, gram.ErrNonFinite, "row 0, column 0 is NaN"},
		{"overflow", dense([][]float64{{1, 1e200}, {2, -1e200}}), nil, gram.ErrNonFinite, "the squares of column 1 overflow"},
	}
	for _, c := range cases {
		var m Moments
		if err := m.Add(dense(two), nil); err != nil {
			t.Fatal(err)
		}
		err := m.Add(c.X, c.w)
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.text)
		}
		near(t, c.name+": mean", m.Mean, []float64{2, 3.5}, 0)
		if m.Weight != 2 {
			t.Errorf("%s: an error changed the weight to %v", c.name, m.Weight)
		}
	}
	var a, b Moments
	a.Add(dense(two), nil)
	b.Add(dense([][]float64{{1, 2, 3}}), nil)
	if err := a.Merge(&b); !errors.Is(err, gram.ErrShape) || !strings.Contains(err.Error(), "moments of 2 features, the others of 3") {
		t.Errorf("merge: error %v", err)
	}
}

// A block in which no row has weight changes nothing, but its NaN is still found.
func TestMomentsBlockWithoutWeight(t *testing.T) {
	const n = 3000 // a block of 16 columns has 1024 rows
	X := normal(2, n, 16)
	w := make([]float64, n)
	for i := 2048; i < n; i++ {
		w[i] = 1
	}
	var m, want Moments
	if err := m.Add(X, w); err != nil {
		t.Fatal(err)
	}
	if err := want.Add(X.Slice(2048, n, 0, 16), nil); err != nil {
		t.Fatal(err)
	}
	near(t, "variance", m.Variance(), want.Variance(), 0)
	X.Set(5, 3, math.NaN())
	if err := m.Add(X, w); err == nil || !strings.Contains(err.Error(), "row 5, column 3 is NaN") {
		t.Errorf("error %v", err)
	}
}
