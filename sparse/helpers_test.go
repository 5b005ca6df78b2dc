package sparse_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/sparse"
)

// randomDense returns a matrix of small integers, of which a part is zero.
func randomDense[T floattest.Float](r *rand.Rand, rows, cols int, density float64) *linalg.Dense[T] {
	m := linalg.NewDense[T](rows, cols, nil)
	for i := range m.Data {
		if r.Float64() < density {
			m.Data[i] = T(r.IntN(17) - 8)
		}
	}
	return m
}

// fromDense is sparse.FromDense of what cannot fail.
func fromDense[T floattest.Float](t testing.TB, m gram.Matrix) *sparse.CSR[T] {
	t.Helper()
	s, err := sparse.FromDense[T](m, 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// randomCSR returns a matrix of about perRow entries of integers in each row.
func randomCSR[T floattest.Float](r *rand.Rand, rows, cols, perRow int) *sparse.CSR[T] {
	b, err := sparse.NewBuilder[T](cols)
	if err != nil {
		panic(err)
	}
	for range rows {
		for range r.IntN(2*perRow + 1) {
			b.Set(r.IntN(cols), T(r.IntN(17)-8))
		}
		b.EndRow()
	}
	return b.Matrix()
}

// check fails the test if m breaks the rules.
func check[T floattest.Float](t *testing.T, m *sparse.CSR[T]) {
	t.Helper()
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
}

// equal fails the test unless two matrices have the same shape and elements.
func equal(t *testing.T, what string, got, want gram.Matrix) {
	t.Helper()
	r, c := got.Dims()
	if wr, wc := want.Dims(); r != wr || c != wc {
		t.Fatalf("%s is %d×%d, want %d×%d", what, r, c, wr, wc)
	}
	for i := range r {
		for j := range c {
			if got.At(i, j) != want.At(i, j) {
				t.Fatalf("%s: element (%d, %d) is %v, want %v", what, i, j, got.At(i, j), want.At(i, j))
			}
		}
	}
}

// identical fails the test unless two matrices have the same entries in the same order.
func identical[T floattest.Float](t *testing.T, what string, got, want *sparse.CSR[T]) {
	t.Helper()
	got, want = got.Clone(), want.Clone() // views begin anywhere
	bits := func(x, y T) bool {
		return math.Float64bits(float64(x)) == math.Float64bits(float64(y)) || x != x && y != y
	}
	if got.Rows != want.Rows || got.Cols != want.Cols || !slices.Equal(got.Ptr, want.Ptr) ||
		!slices.Equal(got.Col, want.Col) || !slices.EqualFunc(got.Val, want.Val, bits) {
		t.Fatalf("%s is %.500s, want %.500s", what, fmt.Sprintf("%+v", *got), fmt.Sprintf("%+v", *want))
	}
}

// panics fails the test unless f panics with a message that holds want.
func panics(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if s := fmt.Sprint(recover()); !strings.HasPrefix(s, "sparse: ") || !strings.Contains(s, want) {
			t.Errorf("panic %q, want one with %q", s, want)
		}
	}()
	f()
}

// eachShape calls f for all shapes up to 8×8, at several densities.
func eachShape(f func(r *rand.Rand, m, n int, density float64)) {
	r := floattest.Rand(1)
	for m := range 9 {
		for n := range 9 {
			for _, density := range []float64{0, 0.15, 0.5, 1} {
				f(r, m, n, density)
			}
		}
	}
}
