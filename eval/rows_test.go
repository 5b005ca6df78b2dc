package eval

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"gonum.org/v1/gonum/mat"
)

// atOnly hides everything of a matrix but its elements.
type atOnly struct{ gram.Matrix }

// viewer hides everything of a matrix but its rows.
type viewer struct{ m *mat.Dense }

func (v viewer) Dims() (rows, cols int)     { return v.m.Dims() }
func (v viewer) At(i, j int) float64        { return v.m.At(i, j) }
func (v viewer) RawRowView(i int) []float64 { return v.m.RawRowView(i) }

// counting is a gram.Operator of its own that counts its products.
type counting struct {
	gram.Operator
	products *int
}

func (c counting) MulRows(dst []float64, lo, hi int, b []float64, k int) {
	*c.products++
	c.Operator.MulRows(dst, lo, hi, b, k)
}

func (c counting) AddTransMulRows(dst []float64, lo, hi int, g []float64, k int) {
	*c.products++
	c.Operator.AddTransMulRows(dst, lo, hi, g, k)
}

// whole returns n×d whole numbers, whose products are exact.
func whole(n, d int) *linalg.Dense[float64] {
	r := rand.New(rand.NewPCG(1, 2))
	m := linalg.NewDense[float64](n, d, nil)
	for i := range m.Data {
		m.Data[i] = float64(r.IntN(17) - 8)
	}
	return m
}

func TestRows(t *testing.T) {
	const n, d, k = 50, 7, 3
	X := whole(n, d)
	padded := linalg.NewDense[float64](n, d+2, nil).Slice(0, n, 1, d+1)
	for i := range n {
		copy(padded.Row(i), X.Row(i))
	}
	products := 0
	own := counting{linalg.AsOperator(X), &products}
	rows := map[string][]int{
		"consecutive": {10, 11, 12, 13, 14},
		"stretches":   {0, 1, 2, 5, 6, 9, 48, 49},
		"scattered":   {49, 3, 3, 20, 2, 1, 0},
		"one":         {7},
		"none":        {},
	}
	for what, idx := range rows {
		want := linalg.NewDense[float64](len(idx), d, nil)
		for to, from := range idx {
			copy(want.Row(to), X.Row(from))
		}
		for _, form := range []gram.Matrix{X, padded, linalg.ToGonum(X), viewer{linalg.ToGonum(X)}, atOnly{X}, linalg.CopyOf[float32](X), own} {
			v, err := Rows(form, idx)
			if err != nil {
				t.Fatal(err)
			}
			if r, c := v.Dims(); r != len(idx) || c != d {
				t.Fatalf("%s of %T: %d×%d", what, form, r, c)
			}
			checkRows(t, what, v, want)
			again, err := Rows(v, ascending(len(idx)))
			if err != nil {
				t.Fatal(err)
			}
			checkRows(t, what+", viewed twice", again, want)
		}
	}
	if products == 0 {
		t.Error("an operator's own products are not used")
	}
}

// checkRows reads v in every way there is.
func checkRows(t *testing.T, what string, v gram.Matrix, want *linalg.Dense[float64]) {
	t.Helper()
	n, d := want.Dims()
	op := linalg.AsOperator(v)
	buf := make([]float64, n*d)
	for lo := 0; lo <= n; lo++ {
		for hi := lo; hi <= n; hi++ {
			block, stride := op.RowBlock(buf, lo, hi)
			for i := lo; i < hi; i++ {
				for j := range d {
					if got := block[(i-lo)*stride+j]; got != want.At(i, j) || got != v.At(i, j) {
						t.Fatalf("%s: element (%d, %d) is %v, want %v", what, i, j, got, want.At(i, j))
					}
				}
			}
		}
	}
	const k = 2
	b, g := whole(d, k), whole(max(n, 1), k)
	got, exp := make([]float64, n*k), make([]float64, n*k)
	op.MulRows(got, 0, n, b.Data, k)
	linalg.AsOperator(want).MulRows(exp, 0, n, b.Data, k)
	same(t, what+": X·B", got, exp)
	got, exp = make([]float64, d*k), make([]float64, d*k)
	op.AddTransMulRows(got, 0, n, g.Data[:n*k], k)
	linalg.AsOperator(want).AddTransMulRows(exp, 0, n, g.Data[:n*k], k)
	same(t, what+": Xᵀ·G", got, exp)
}

func same(t *testing.T, what string, got, want []float64) {
	t.Helper()
	for i := range want {
		if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// Consecutive rows of a dense matrix are its own memory.
func TestRowsDoNotCopy(t *testing.T) {
	X := whole(20, 3)
	v, err := Rows(X, []int{4, 5, 6})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := v.(gram.RowBlocker).RowBlock(nil, 1, 3)
	if &block[0] != &X.Data[5*3] {
		t.Error("consecutive rows are copied")
	}
}

func TestRowsErrors(t *testing.T) {
	X := whole(3, 2)
	for _, c := range []struct {
		X    gram.Matrix
		rows []int
		text string
	}{
		{nil, nil, "X is nil"},
		{X, []int{0, 3}, "row 3 of a matrix of 3 rows"},
		{X, []int{-1}, "row -1 of a matrix of 3 rows"},
	} {
		if _, err := Rows(c.X, c.rows); !errors.Is(err, gram.ErrShape) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("error %v, want %q", err, c.text)
		}
	}
}
