package gram_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"gonum.org/v1/gonum/mat"
)

// viewOnly has the methods of gram.RowViewer alone.
type viewOnly struct{ m *mat.Dense }

func (v viewOnly) Dims() (rows, cols int)     { return v.m.Dims() }
func (v viewOnly) At(i, j int) float64        { return v.m.At(i, j) }
func (v viewOnly) RawRowView(i int) []float64 { return v.m.RawRowView(i) }

// nothing is a matrix of a shape without elements.
type nothing struct{ r, c int }

func (n nothing) Dims() (rows, cols int) { return n.r, n.c }
func (n nothing) At(i, j int) float64    { panic("no elements") }

// finder knows where its elements are not finite.
type finder struct{ *linalg.Dense[float64] }

func (f finder) FirstNonFinite() (row, col int, found bool) {
	for k, v := range f.Data {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return k / f.Cols, k % f.Cols, true
		}
	}
	return 0, 0, false
}

// matrices returns X as each kind of matrix that CheckMatrix reads in another way.
func matrices(X *linalg.Dense[float64]) map[string]gram.Matrix {
	wide := linalg.NewDense[float64](X.Rows, X.Cols+1, nil)
	for i := range wide.Data {
		wide.Data[i] = math.NaN() // in the gap it must not matter
	}
	view := wide.Slice(0, X.Rows, 0, X.Cols)
	f32 := linalg.NewDense[float32](X.Rows, X.Cols, nil)
	for i := range X.Rows {
		copy(view.Row(i), X.Row(i))
		for j, v := range X.Row(i) {
			f32.Set(i, j, float32(v))
		}
	}
	gonum := mat.DenseCopyOf(X)
	return map[string]gram.Matrix{
		"Dense": X, "slice": view, "float32": f32, "gonum": gonum, "RowViewer": viewOnly{gonum},
		"Operator": linalg.AsOperator(X), "FiniteChecker": finder{X}, "At": atOnly{X},
	}
}

func TestCheckMatrix(t *testing.T) {
	for _, shape := range [][2]int{{1, 1}, {3, 2}, {5, 7}, {4, 13}} {
		r, c := shape[0], shape[1]
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for _, at := range [][2]int{{0, 0}, {r - 1, c - 1}, {r / 2, c / 3}} {
				testCheckMatrix(t, r, c, at[0], at[1], v)
			}
		}
	}
	testCheckMatrix(t, 190, 700, 187, 0, math.NaN()) // the first row of the second block
}

// testCheckMatrix checks every kind of r×c matrix, and then with v in (i, j).
func testCheckMatrix(t *testing.T, r, c, i, j int, v float64) {
	t.Helper()
	X := linalg.NewDense[float64](r, c, nil)
	X.Data[0] = -1e30
	for name, m := range matrices(X) {
		if n, d, err := gram.CheckMatrix(m); n != r || d != c || err != nil {
			t.Fatalf("%s of %d×%d: %d, %d, %v", name, r, c, n, d, err)
		}
	}
	X.Set(i, j, v)
	want := fmt.Sprintf("row %d, column %d is %v: value is not finite", i, j, v)
	for name, m := range matrices(X) {
		if _, _, err := gram.CheckMatrix(m); !errors.Is(err, gram.ErrNonFinite) || err.Error() != want {
			t.Fatalf("%s of %d×%d: error %q, want %q", name, r, c, err, want)
		}
	}
}

// TestCheckMatrixOverflow: finite elements whose sums overflow, to infinity or from
// both infinities to NaN, are finite.
func TestCheckMatrixOverflow(t *testing.T) {
	X := linalg.NewDense[float64](2, 20, nil)
	for j := range 20 {
		X.Set(0, j, math.MaxFloat64)
		X.Set(1, j, math.MaxFloat64*float64(1-2*(j%2)))
	}
	for _, m := range []gram.Matrix{X, mat.DenseCopyOf(X), atOnly{X}} {
		if _, _, err := gram.CheckMatrix(m); err != nil {
			t.Errorf("%T: %v", m, err)
		}
	}
	X.Set(1, 19, math.Inf(-1))
	_, _, err := gram.CheckMatrix(X)
	wantErr(t, err, gram.ErrNonFinite, "row 1, column 19 is -Inf")
}

func TestCheckMatrixShape(t *testing.T) {
	for _, c := range []struct {
		X    gram.Matrix
		text string
	}{
		{nil, "X is nil: shapes do not fit"},
		{nothing{0, 4}, "X is 0×4: shapes do not fit"},
		{nothing{4, 0}, "X is 4×0: shapes do not fit"},
		{&mat.Dense{}, "X is 0×0: shapes do not fit"},
		{nothing{-1, 4}, "X is -1×4: shapes do not fit"},
	} {
		_, _, err := gram.CheckMatrix(c.X)
		wantErr(t, err, gram.ErrShape, c.text)
	}
}

func TestCheckLabels(t *testing.T) {
	for _, c := range []struct {
		y       []int
		n       int
		classes int
		kind    error
		text    string
	}{
		{y: []int{0, 1}, n: 2, classes: 2},
		{y: []int{2, 0, 1, 2}, n: 4, classes: 3},
		{y: []int{0, 1}, n: 3, kind: gram.ErrShape, text: "y has 2 labels, X 3 rows"},
		{y: nil, n: 3, kind: gram.ErrShape, text: "y has 0 labels, X 3 rows"},
		{y: []int{0, 1, -1}, n: 3, kind: gram.ErrLabels, text: "label -1 in row 2 is negative"},
		{y: []int{0, 1, 3, 3}, n: 4, kind: gram.ErrLabels, text: "class 2 of 4 has no samples"},
		{y: []int{1, 1}, n: 2, kind: gram.ErrLabels, text: "class 0 of 2 has no samples"},
		{y: []int{0, 0}, n: 2, kind: gram.ErrLabels, text: "y has 1 of at least 2 classes"},
		{y: nil, n: 0, kind: gram.ErrLabels, text: "y has 0 of at least 2 classes"},
		{y: []int{0, 1, math.MaxInt}, n: 3, kind: gram.ErrLabels, text: "in row 2, but 3 rows cannot hold"},
		{y: []int{0, 2}, n: 2, kind: gram.ErrLabels, text: "label 2 in row 1, but 2 rows"},
	} {
		classes, err := gram.CheckLabels(c.y, c.n)
		if c.kind == nil {
			if err != nil || classes != c.classes {
				t.Errorf("%v: %d classes, %v", c.y, classes, err)
			}
			continue
		}
		wantErr(t, err, c.kind, c.text)
	}
}

func TestCheckTargets(t *testing.T) {
	if err := gram.CheckTargets([]float64{1, math.MaxFloat64, math.MaxFloat64}, 3); err != nil {
		t.Error(err)
	}
	wantErr(t, gram.CheckTargets(nil, 3), gram.ErrShape, "y has 0 targets, X 3 rows")
	wantErr(t, gram.CheckTargets([]float64{1, math.NaN()}, 2), gram.ErrNonFinite, "target of row 1 is NaN")
	wantErr(t, gram.CheckTargets([]float64{math.Inf(-1), 0}, 2), gram.ErrNonFinite, "target of row 0 is -Inf")
}

func TestCheckWeights(t *testing.T) {
	if sum, err := gram.CheckWeights(nil, 7); sum != 7 || err != nil {
		t.Errorf("nil: %v, %v", sum, err)
	}
	if sum, err := gram.CheckWeights([]float64{0, 0.5, 2}, 3); sum != 2.5 || err != nil {
		t.Errorf("0, 0.5, 2: %v, %v", sum, err)
	}
	for _, c := range []struct {
		w    []float64
		kind error
		text string
	}{
		{[]float64{1}, gram.ErrShape, "w has 1 weights, X 2 rows"},
		{[]float64{}, gram.ErrShape, "w has 0 weights, X 2 rows"},
		{[]float64{1, -2}, gram.ErrWeights, "weight of row 1 is -2"},
		{[]float64{math.NaN(), 1}, gram.ErrWeights, "weight of row 0 is NaN"},
		{[]float64{1, math.Inf(1)}, gram.ErrWeights, "weight of row 1 is +Inf"},
		{[]float64{0, 0}, gram.ErrWeights, "no weight of 2 is above zero"},
		{[]float64{math.MaxFloat64, math.MaxFloat64}, gram.ErrWeights, "sum of the weights overflows"},
	} {
		_, err := gram.CheckWeights(c.w, 2)
		wantErr(t, err, c.kind, c.text)
	}
}

func TestCheckFeatures(t *testing.T) {
	if n, err := gram.CheckFeatures(nothing{0, 4}, 4); n != 0 || err != nil {
		t.Errorf("no rows: %d, %v", n, err)
	}
	if n, err := gram.CheckFeatures(nothing{9, 4}, 4); n != 9 || err != nil {
		t.Errorf("9 rows: %d, %v", n, err)
	}
	_, err := gram.CheckFeatures(nothing{9, 64}, 30)
	wantErr(t, err, gram.ErrShape, "X has 64 features, the model 30")
	_, err = gram.CheckFeatures(nil, 30)
	wantErr(t, err, gram.ErrShape, "X is nil")
}

func TestCheckRowAndDst(t *testing.T) {
	wantErr(t, gram.CheckRow(make([]float64, 64), 30), gram.ErrShape, "x has 64 features, the model 30")
	wantErr(t, gram.CheckDst(make([]int, 3), 5), gram.ErrShape, "dst has length 3, want 5")
	wantErr(t, gram.CheckDst[int](nil, 5), gram.ErrShape, "dst has length 0, want 5")

	dst, err := gram.Dst(make([]int, 3), 5)
	wantErr(t, err, gram.ErrShape, "dst has length 3, want 5")
	if dst != nil {
		t.Errorf("a slice beside the error: %v", dst)
	}
	if dst, err := gram.Dst[float64](nil, 5); len(dst) != 5 || err != nil {
		t.Errorf("nil: %v, %v", dst, err)
	}
	if dst, err := gram.Dst[float64](nil, 0); dst == nil || len(dst) != 0 || err != nil {
		t.Errorf("nil for no results: %v, %v", dst, err)
	}
	own := make([]float64, 5)
	if dst, err := gram.Dst(own, 5); &dst[0] != &own[0] || err != nil {
		t.Errorf("own: %v, %v", dst, err)
	}
	x := make([]float64, 4)
	if n := testing.AllocsPerRun(100, func() {
		_ = gram.CheckRow(x, 4)
		_ = gram.CheckDst(x, 4)
		_, _ = gram.Dst(x, 4)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCheckMatrix(b *testing.B) {
	X := linalg.NewDense[float64](10000, 100, nil)
	for name, m := range matrices(X) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(8 * 10000 * 100)
			for b.Loop() {
				if _, _, err := gram.CheckMatrix(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
