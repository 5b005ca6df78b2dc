package sparse_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/sparse"
)

func TestNewVectorErrors(t *testing.T) {
	for _, c := range []struct {
		n    int
		ind  []uint32
		val  []float64
		want string
	}{
		{-1, nil, nil, "length -1"},
		{1<<32 + 1, nil, nil, "length 4294967297"},
		{3, []uint32{1}, nil, "1 indices and 0 values"},
		{3, []uint32{1, 3}, []float64{1, 2}, "entry 1 has index 3 of 3"},
		{3, []uint32{1, 1}, []float64{1, 2}, "index 1 is there twice"},
		{3, []uint32{2, 1}, []float64{1, 2}, "index 1 comes after 2"},
	} {
		_, err := sparse.NewVector(c.n, c.ind, c.val)
		if !errors.Is(err, gram.ErrShape) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

func TestVector(t *testing.T) {
	r := floattest.Rand(5)
	for n := range 60 {
		a, b := randomDense[float64](r, 1, n, 0.4).Data, randomDense[float64](r, 1, n, 0.3).Data
		v, w := sparse.VectorOf(a), sparse.VectorOf(b)
		if err := v.Check(); err != nil {
			t.Fatal(err)
		}
		var dot, sum, squares, top float64
		both, product, axpy := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range a {
			dot += a[i] * b[i]
			sum += a[i]
			squares += a[i] * a[i]
			top = max(top, math.Abs(a[i]))
			both[i] = 2*a[i] - 3*b[i]
			product[i] = a[i] * b[i]
			axpy[i] = b[i] + 5*a[i]
			if v.AtVec(i) != a[i] {
				t.Fatalf("element %d is %v, want %v", i, v.AtVec(i), a[i])
			}
		}
		if v.Dot(w) != dot || w.Dot(v) != dot || v.DotDense(b) != dot {
			t.Fatalf("inner products %v, %v, %v, want %v", v.Dot(w), w.Dot(v), v.DotDense(b), dot)
		}
		if v.Sum() != sum || v.Norm(2) != math.Sqrt(squares) || v.Norm(math.Inf(1)) != top {
			t.Fatalf("sum %v, norms %v, %v", v.Sum(), v.Norm(2), v.Norm(math.Inf(1)))
		}
		same(t, "Add", v.Add(2, -3, w).ToDense(), both)
		same(t, "MulElem", v.MulElem(w).ToDense(), product)
		v.AxpyDense(5, b)
		same(t, "AxpyDense", b, axpy)
		v.Scale(-1)
		if v.Sum() != -sum {
			t.Fatalf("scaled sum %v", v.Sum())
		}
	}
}

func same[T floattest.Float](t *testing.T, what string, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d elements, want %d", what, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] && (got[i] == got[i] || want[i] == want[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// Searching gives what merging does, wherever the shorter vector lies.
func TestDotGallop(t *testing.T) {
	r := floattest.Rand(6)
	for _, density := range []float64{0.0001, 0.001, 0.01, 0.1} {
		for _, from := range []int{0, 900, 5000} {
			long := sparse.VectorOf(randomDense[float64](r, 1, 10000, 0.8).Data)
			d := make([]float64, 10000)
			for i := from; i < min(len(d), from+5000); i++ {
				if r.Float64() < density {
					d[i] = float64(r.IntN(9))
				}
			}
			short := sparse.VectorOf(d)
			if got, want := short.Dot(long), long.DotDense(d); got != want {
				t.Fatalf("inner product %v, want %v", got, want)
			}
		}
	}
}

func TestNorms(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		val  []float64
		p    float64
		want float64
	}{
		{[]float64{3, -4}, 1, 7}, {[]float64{3, -4}, 2, 5}, {[]float64{3, -4}, inf, 4},
		{[]float64{3e200, 4e200}, 2, 5e200}, {[]float64{3e-200, 4e-200}, 2, 5e-200},
		{[]float64{0}, 2, 0}, {nil, 2, 0}, {[]float64{inf, 1}, 2, inf}, {[]float64{1, math.NaN()}, inf, math.NaN()},
		{[]float64{1, math.NaN()}, 2, math.NaN()},
	} {
		v := &sparse.Vector[float64]{N: 5, Ind: make([]uint32, len(c.val)), Val: c.val}
		if got := v.Norm(c.p); !floattest.Close(got, c.want, c.want, 1e-15) {
			t.Errorf("%v-norm of %v is %v, want %v", c.p, c.val, got, c.want)
		}
	}
	panics(t, "norm of order 3", func() { (&sparse.Vector[float64]{}).Norm(3) })
}

func TestVectorPanics(t *testing.T) {
	v, w := &sparse.Vector[float64]{N: 3}, &sparse.Vector[float64]{N: 4}
	panics(t, "Dot of vectors of length 3 and 4", func() { v.Dot(w) })
	panics(t, "Add of vectors of length 3 and 4", func() { v.Add(1, 1, w) })
	panics(t, "MulElem of vectors of length 3 and 4", func() { v.MulElem(w) })
	panics(t, "DotDense of a vector of length 3 and a slice of 2", func() { v.DotDense(make([]float64, 2)) })
	panics(t, "AxpyDense of a vector of length 3", func() { v.AxpyDense(1, nil) })
}
