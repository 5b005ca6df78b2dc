package sparse_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/sparse"
)

// dense returns the matrix of f's values.
func dense(m, n int, f func(i, j int) float64) *linalg.Dense[float64] {
	d := linalg.NewDense[float64](m, n, nil)
	for i := range m {
		for j := range n {
			d.Set(i, j, f(i, j))
		}
	}
	return d
}

func TestElementwise(t *testing.T) {
	eachShape(func(r *rand.Rand, m, n int, density float64) {
		a, b := randomDense[float64](r, m, n, density), randomDense[float64](r, m, n, 0.5)
		sa, sb := fromDense[float64](t, a), fromDense[float64](t, b)
		sum, product := sparse.Add(2, sa, -1, sb), sparse.MulElem(sa, sb)
		check(t, sum)
		check(t, product)
		equal(t, "Add", sum, dense(m, n, func(i, j int) float64 { return 2*a.At(i, j) - b.At(i, j) }))
		equal(t, "MulElem", product, dense(m, n, func(i, j int) float64 { return a.At(i, j) * b.At(i, j) }))
		f, g := floattest.Ints(r, make([]float64, m)), floattest.Ints(r, make([]float64, n))
		scaled := sa.Clone()
		scaled.ScaleRows(f)
		scaled.ScaleCols(g)
		equal(t, "scaled", scaled, dense(m, n, func(i, j int) float64 { return f[i] * a.At(i, j) * g[j] }))
		if cancelled := sparse.Add(1, sa, -1, sa); cancelled.NNZ() != sa.NNZ() || cancelled.Prune(0).NNZ() != 0 {
			t.Fatalf("a matrix less itself has %d entries, pruned %d", cancelled.NNZ(), cancelled.Prune(0).NNZ())
		}
	})
}

func TestSlices(t *testing.T) {
	eachShape(func(r *rand.Rand, m, n int, density float64) {
		a := randomDense[float64](r, m, n, density)
		s := fromDense[float64](t, a)
		lo, hi := m/3, m-m/4
		equal(t, "SliceRows", s.SliceRows(lo, hi), a.Slice(lo, hi, 0, n))
		from, to := n/3, n-n/4
		cols := s.SliceRows(lo, hi).SliceCols(from, to)
		check(t, cols)
		equal(t, "SliceCols", cols, a.Slice(lo, hi, from, to))
		rows, picked := make([]int, 0), make([]int, 0)
		for range 5 {
			if m > 0 {
				rows = append(rows, r.IntN(m))
			}
			if n > 0 {
				picked = append(picked, r.IntN(n))
			}
		}
		equal(t, "SelectRows", s.SelectRows(rows), dense(len(rows), n, func(i, j int) float64 { return a.At(rows[i], j) }))
		sel := s.SelectCols(picked)
		check(t, sel)
		equal(t, "SelectCols", sel, dense(m, len(picked), func(i, j int) float64 { return a.At(i, picked[j]) }))
		v := sparse.VStack(s.SliceRows(0, lo), s.SliceRows(lo, m))
		identical(t, "VStack", v, s)
		h := sparse.HStack(s.SliceCols(0, from), s.SliceCols(from, n))
		identical(t, "HStack", h, s)
		even := s.Filter(func(i, j int, _ float64) bool { return (i+j)%2 == 0 })
		equal(t, "Filter", even, dense(m, n, func(i, j int) float64 { return a.At(i, j) * float64((i+j+1)%2) }))
	})
	s := sparse.Identity[float64](3)
	panics(t, "rows [2:4] of a 3×3", func() { s.SliceRows(2, 4) })
	panics(t, "columns [2:1] of a 3×3", func() { s.SliceCols(2, 1) })
	panics(t, "column 3 of a 3×3", func() { s.SelectCols([]int{3}) })
	panics(t, "row -1 of a 3×3", func() { s.SelectRows([]int{-1}) })
	panics(t, "VStack of no", func() { sparse.VStack[float64]() })
	panics(t, "HStack of no", func() { sparse.HStack[float64]() })
	panics(t, "VStack of 3 and 2", func() { sparse.VStack(s, s.SliceCols(0, 2)) })
	panics(t, "HStack of 3 and 2", func() { sparse.HStack(s, s.SliceRows(0, 2)) })
	panics(t, "Prune with threshold -1", func() { s.Prune(-1) })
	panics(t, "ScaleRows of a 3×3", func() { s.ScaleRows(nil) })
}

func TestReductions(t *testing.T) {
	eachShape(func(r *rand.Rand, m, n int, density float64) {
		a := randomDense[float64](r, m, n, density)
		s := fromDense[float64](t, a)
		tr := s.Transpose()
		same(t, "sums", s.RowSums(), tr.ColSums())
		for _, p := range []float64{1, 2, math.Inf(1)} {
			for i, got := range tr.ColNorms(p) {
				if want := s.RowNorms(p)[i]; !floattest.Close(got, want, want, 1e-14) {
					t.Fatalf("%v-norms %v and %v", p, got, want)
				}
			}
		}
		mean, variance := s.ColVariances()
		for j := range n {
			var sum, squares, count float64
			for i := range m {
				sum += a.At(i, j)
				if a.At(i, j) != 0 {
					count++
				}
			}
			mu := sum / float64(m)
			for i := range m {
				squares += (a.At(i, j) - mu) * (a.At(i, j) - mu)
			}
			if v := squares / float64(m); !floattest.Close(mean[j], mu, 1, 1e-15) || !floattest.Close(variance[j], v, 1+v, 1e-14) {
				t.Fatalf("column %d: mean %v, variance %v, want %v, %v", j, mean[j], variance[j], mu, v)
			}
			if s.ColCounts()[j] != int64(count) {
				t.Fatalf("column %d has %d entries, want %v", j, s.ColCounts()[j], count)
			}
		}
	})
	panics(t, "norm of order 0", func() { sparse.Identity[float64](2).ColNorms(0) })
}

// The variance of a column keeps its digits beside a large mean.
func TestVarianceOffset(t *testing.T) {
	d := mat.NewDense(4, 1, []float64{1e8 + 1, 1e8 + 2, 1e8 + 3, 1e8 + 4})
	_, variance := fromDense[float64](t, d).ColVariances()
	if math.Abs(variance[0]-1.25) > 1e-12 {
		t.Errorf("variance %v, want 1.25", variance[0])
	}
	huge := fromDense[float64](t, mat.NewDense(2, 1, []float64{3e200, 4e200}))
	if got := huge.ColNorms(2)[0]; math.Abs(got-5e200) > 1e186 {
		t.Errorf("norm %v", got)
	}
	if got := huge.Norm(); math.Abs(got-5e200) > 1e186 {
		t.Errorf("Frobenius norm %v", got)
	}
}

func TestCentered(t *testing.T) {
	eachShape(func(r *rand.Rand, m, n int, density float64) {
		if m == 0 {
			return
		}
		a := randomDense[float64](r, m, n, density)
		mu := floattest.Ints(r, make([]float64, n))
		c, err := sparse.NewCentered(fromDense[float64](t, a), mu)
		if err != nil {
			t.Fatal(err)
		}
		d := dense(m, n, func(i, j int) float64 { return a.At(i, j) - mu[j] })
		equal(t, "Centered", c, d)
		testOperator(t, r, c, d)
		auto, err := sparse.NewCentered(fromDense[float64](t, a), nil)
		if err != nil {
			t.Fatal(err)
		}
		want := fromDense[float64](t, a).ColMeans()
		for j, v := range auto.Means() {
			if !floattest.Close(v, want[j], 1, 1e-15) {
				t.Fatalf("mean %d is %v, want %v", j, v, want[j])
			}
		}
	})
	for _, err := range []error{
		second(sparse.NewCentered(nil, nil)),
		second(sparse.NewCentered(sparse.Identity[float64](2), []float64{1})),
		second(sparse.NewCentered(linalg.NewDense[float64](0, 2, nil), nil)),
	} {
		if !errors.Is(err, gram.ErrShape) {
			t.Errorf("error %v", err)
		}
	}
}

func second[A any](_ A, err error) error { return err }

// Duplicates in any number and order, by each rule, in one bucket and in many.
func TestDuplicates(t *testing.T) {
	r := floattest.Rand(20)
	for _, c := range []struct{ rows, cols, n int }{
		{0, 0, 0}, {5, 0, 0}, {1, 1, 10}, {7, 5, 100}, {3000, 10, 5000}, {3000, 3000, 20000}, {2, 1 << 31, 3000}, {1 << 20, 3, 2000},
	} {
		m := &sparse.COO[float64]{Rows: c.rows, Cols: c.cols}
		type place struct{ i, j int }
		sum, last, first := map[place]float64{}, map[place]float64{}, map[place]float64{}
		for k := range c.n {
			p := place{r.IntN(c.rows), r.IntN(c.cols)}
			m.Append(p.i, p.j, float64(k))
			sum[p] += float64(k)
			last[p] = float64(k)
			if _, ok := first[p]; !ok {
				first[p] = float64(k)
			}
		}
		for rule, want := range []map[place]float64{sum, last, first} {
			for _, workers := range []int{1, 3} {
				s := m.ToCSRParallel(workers, sparse.Duplicates(rule))
				check(t, s)
				if int(s.NNZ()) != len(want) || int(s.Ptr[s.Rows]) != len(s.Col) {
					t.Fatalf("rule %d: %d entries, want %d", rule, s.NNZ(), len(want))
				}
				for p, v := range want {
					if s.At(p.i, p.j) != v {
						t.Fatalf("rule %d: element (%d, %d) is %v, want %v", rule, p.i, p.j, s.At(p.i, p.j), v)
					}
				}
			}
		}
	}
}

func TestCOOErrors(t *testing.T) {
	for _, c := range []struct {
		rows, cols int
		row, col   []uint32
		val        []float64
		want       string
	}{
		{-1, 0, nil, nil, nil, "shape -1×0"},
		{1, 1<<32 + 1, nil, nil, nil, "both reach from 0 to 2³²"},
		{1, 1, []uint32{0}, nil, nil, "1 rows, 0 columns and 0 values"},
		{2, 2, []uint32{0, 2}, []uint32{0, 1}, []float64{1, 2}, "entry 1 is at (2, 1), outside 2×2"},
	} {
		_, err := sparse.NewCOO(c.rows, c.cols, c.row, c.col, c.val)
		if !errors.Is(err, gram.ErrShape) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
		bad := &sparse.COO[float64]{Rows: c.rows, Cols: c.cols, Row: c.row, Col: c.col, Val: c.val}
		panics(t, c.want, func() { bad.ToCSR(sparse.SumDuplicates) })
	}
}

// Rows of every length are sorted stably.
func TestSortRows(t *testing.T) {
	r := floattest.Rand(21)
	for n := range 700 {
		if n > 60 && n%37 != 0 {
			continue
		}
		for _, cols := range []int{300, 1 << 20, 1 << 32} {
			m := &sparse.CSR[float32]{Rows: 1, Cols: cols, Ptr: []int64{0, int64(n)}}
			for k := range n {
				m.Col = append(m.Col, uint32(r.IntN(cols)))
				m.Val = append(m.Val, float32(k))
			}
			type pair struct {
				c uint32
				v float32
			}
			want := make([]pair, n)
			for k := range want {
				want[k] = pair{m.Col[k], m.Val[k]}
			}
			slices.SortStableFunc(want, func(a, b pair) int { return int(int64(a.c) - int64(b.c)) })
			m.SortRows()
			for k, w := range want {
				if m.Col[k] != w.c || m.Val[k] != w.v {
					t.Fatalf("%d of %d columns: entry %d is (%d, %v), want %v", n, cols, k, m.Col[k], m.Val[k], w)
				}
			}
		}
	}
}
