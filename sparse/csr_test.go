package sparse_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/sparse"
)

var (
	_ gram.Operator = (*sparse.CSR[float64])(nil)
	_ gram.Operator = (*sparse.CSC[float32])(nil)
	_ gram.Operator = (*sparse.Centered)(nil)
	_ mat.Matrix    = (*sparse.COO[float32])(nil)
	_ mat.Matrix    = (*sparse.CSR[float32])(nil)
	_ mat.Matrix    = (*sparse.CSC[float64])(nil)
	_ mat.Vector    = (*sparse.Vector[float64])(nil)
)

func TestNewCSRErrors(t *testing.T) {
	for _, c := range []struct {
		rows, cols int
		ptr        []int64
		col        []uint32
		val        []float64
		want       string
	}{
		{-1, 2, nil, nil, nil, "shape -1×2"},
		{1, -2, nil, nil, nil, "shape 1×-2"},
		{1, 1<<32 + 1, nil, nil, nil, "columns reach from 0 to 2³²"},
		{2, 2, []int64{0, 1}, []uint32{0}, []float64{1}, "2 row pointers for 2 rows"},
		{1, 2, []int64{0, 1}, []uint32{0}, nil, "1 columns and 0 values"},
		{1, 2, []int64{-1, 1}, []uint32{0}, []float64{1}, "row 0 begins at entry -1"},
		{2, 2, []int64{0, 1, 0}, []uint32{0}, []float64{1}, "row 1 begins at entry 1 and ends at 0"},
		{1, 2, []int64{0, 2}, []uint32{0}, []float64{1}, "ends at entry 2 of 1"},
		{1, 2, []int64{0, 1 << 62}, []uint32{0}, []float64{1}, "of 1"},
		{1, 2, []int64{0, 1}, []uint32{2}, []float64{1}, "row 0 has an entry in column 2 of 2"},
		{2, 9, []int64{0, 0, 2}, []uint32{7, 7}, []float64{1, 1}, "row 1 has column 7 twice"},
		{2, 9, []int64{0, 0, 2}, []uint32{7, 3}, []float64{1, 1}, "row 1 has column 3 after 7"},
	} {
		_, err := sparse.NewCSR(c.rows, c.cols, c.ptr, c.col, c.val)
		if !errors.Is(err, gram.ErrShape) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
	m, err := sparse.NewCSR[float64](3, 4, nil, nil, nil)
	if err != nil || m.NNZ() != 0 || len(m.Ptr) != 4 {
		t.Errorf("empty matrix: %+v, %v", m, err)
	}
}

// Columns reach to 2³²−1.
func TestWideColumns(t *testing.T) {
	const cols = 1 << 32
	m, err := sparse.NewCSR(2, cols, []int64{0, 2, 3}, []uint32{0, cols - 1, cols - 2}, []float64{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	if m.At(0, cols-1) != 2 || m.At(1, cols-2) != 3 || m.At(1, cols-1) != 0 {
		t.Error("elements near column 2³² are wrong")
	}
	coo := m.ToCOO()
	identical(t, "through COO", coo.ToCSR(sparse.SumDuplicates), m)
	// A product over 2³² columns takes no memory of that order.
	b, err := sparse.NewCSR(2, cols, []int64{0, 1, 3}, []uint32{cols - 1, 5, cols - 1}, []float64{4, 5, 6})
	if err != nil {
		t.Fatal(err)
	}
	a := fromDense[float64](t, mat.NewDense(1, 2, []float64{1, 2}))
	c := sparse.Mul(a, b)
	check(t, c)
	if c.NNZ() != 2 || c.At(0, 5) != 10 || c.At(0, cols-1) != 16 {
		t.Errorf("product %+v", c)
	}
	if s := sparse.VStack(m, b); s.At(2, cols-1) != 4 {
		t.Errorf("stack %+v", s)
	}
}

// Pointers beyond 2³¹ and 2³²: a view whose arrays would be that long cannot be made
// here, but the arithmetic is that of a matrix whose first entry is far off.
func TestFarPointers(t *testing.T) {
	const far = 1<<33 + 5
	m := &sparse.CSR[float64]{Rows: 3, Cols: 3, Ptr: []int64{far, far + 1, far + 1, far + 3}}
	if m.NNZ() != 3 {
		t.Errorf("%d entries", m.NNZ())
	}
	err := m.Check()
	if err == nil || !strings.Contains(err.Error(), "ends at entry 8589934600 of 0") {
		t.Errorf("error %v", err)
	}
	cuts := sparse.CutsOf(1<<20, func(i int) int64 { return int64(i) * 5000 }, 1<<14)
	if cuts[0] != 0 || cuts[len(cuts)-1] != 1<<20 {
		t.Errorf("spans reach from %d to %d", cuts[0], cuts[len(cuts)-1])
	}
	for s := 1; s < len(cuts); s++ {
		if n := cuts[s] - cuts[s-1]; n < 1000 || n > 1100 {
			t.Fatalf("span %d of 5e9 entries has %d rows", s, n)
		}
	}

	// A product of more terms than 2³²: each row of A leads to the long row of B.
	const rows, long = 50_000, 100_000
	a := &sparse.CSR[float64]{Rows: rows, Cols: 2, Ptr: make([]int64, rows+1), Col: make([]uint32, rows), Val: make([]float64, rows)}
	b := &sparse.CSR[float64]{Rows: 2, Cols: long, Ptr: []int64{0, long, long}, Col: make([]uint32, long), Val: make([]float64, long)}
	for i := range a.Ptr {
		a.Ptr[i] = int64(i)
	}
	terms := sparse.CountTerms(a, b)
	for _, i := range []int64{0, 1, 30_000, rows} {
		if want := i * (long + 1); terms[i] != want {
			t.Errorf("%d terms up to row %d, want %d", terms[i], i, want)
		}
	}
}

func TestConversions(t *testing.T) {
	eachShape(func(r *rand.Rand, m, n int, density float64) {
		testConversions[float64](t, r, m, n, density)
		testConversions[float32](t, r, m, n, density)
	})
}

func testConversions[T floattest.Float](t *testing.T, r *rand.Rand, m, n int, density float64) {
	d := randomDense[T](r, m, n, density)
	s := fromDense[T](t, d)
	check(t, s)
	equal(t, "FromDense", s, d)
	equal(t, "ToDense", s.ToDense(), d)
	equal(t, "ToCOO", s.ToCOO(), d)
	equal(t, "T", s.T(), d.T())
	equal(t, "T of T", s.T().T(), d)
	equal(t, "T of COO", s.ToCOO().T(), d.T())
	tr := s.Transpose()
	check(t, tr)
	equal(t, "Transpose", tr, d.T())
	identical(t, "Transpose twice", tr.Transpose(), s)
	identical(t, "CSC.ToCSR", tr.View().ToCSR(), s)
	identical(t, "Clone of a slice", s.SliceRows(m/2, m).Clone(), s.SliceRows(m/2, m))
	equal(t, "To float64", sparse.To[float64](s), d)
	if _, _, found := s.FirstNonFinite(); found {
		t.Error("integers are not finite")
	}
	for i := range m {
		equal(t, "row vector", s.RowVector(i).T(), d.Slice(i, i+1, 0, n))
	}
}

func TestFromDense(t *testing.T) {
	nan := math.NaN()
	d := mat.NewDense(2, 3, []float64{0.5, -2, nan, 0, 1, -1})
	s, err := sparse.FromDense[float64](d, 0.75)
	if err != nil || s.NNZ() != 4 || s.At(0, 0) != 0 || !math.IsNaN(s.At(0, 2)) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, X := range []gram.FiniteChecker{s, s.Transpose().View()} {
		if i, j, found := X.FirstNonFinite(); i != 0 || j != 2 || !found {
			t.Errorf("non-finite (%d, %d) %v", i, j, found)
		}
	}
	d.Set(1, 0, math.Inf(-1))
	if s, err = sparse.FromDense[float64](d, 0); err != nil {
		t.Fatal(err)
	}
	if i, j, found := s.Transpose().View().FirstNonFinite(); i != 0 || j != 2 || !found {
		t.Errorf("first non-finite (%d, %d) %v", i, j, found)
	}
	if _, err := sparse.FromDense[float64](nil, 0); !errors.Is(err, gram.ErrShape) {
		t.Error(err)
	}
	for _, bad := range []float64{-1, nan} {
		if _, err := sparse.FromDense[float64](d, bad); !errors.Is(err, gram.ErrParam) {
			t.Error(err)
		}
	}
}

func TestBuilder(t *testing.T) {
	b, err := sparse.NewBuilder[float64](5)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []struct {
		j int
		v float64
	}{{4, 1}, {0, 2}, {4, 3}, {2, 0}} {
		if err := b.Set(e.j, e.v); err != nil {
			t.Fatal(err)
		}
	}
	for _, j := range []int{-1, 5} {
		if err := b.Set(j, 1); !errors.Is(err, gram.ErrShape) || !strings.Contains(err.Error(), "of 5") {
			t.Error(err)
		}
	}
	if err := b.AppendRow([]uint32{1}, []float64{1}); err == nil || !strings.Contains(err.Error(), "row 0 already has 4 entries") {
		t.Error(err)
	}
	panics(t, "row 0, which has 4 entries", func() { b.Matrix() })
	b.EndRow()
	b.EndRow()
	if err := b.AppendRow([]uint32{3, 1}, []float64{7, 8}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]uint32{{5}, {1, 2}} {
		if err := b.AppendRow(bad, []float64{1}); !errors.Is(err, gram.ErrShape) {
			t.Error(err)
		}
	}
	if b.Rows() != 3 {
		t.Errorf("%d rows", b.Rows())
	}
	m := b.Matrix()
	check(t, m)
	equal(t, "built", m, mat.NewDense(3, 5, []float64{2, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 8, 0, 7, 0}))
	if m.NNZ() != 5 {
		t.Errorf("%d entries, the explicit zero included", m.NNZ())
	}
	if e := b.Matrix(); e.Rows != 0 || e.Cols != 5 {
		t.Errorf("then %d×%d", e.Rows, e.Cols)
	}
	if _, err := sparse.NewBuilder[float32](-1); !errors.Is(err, gram.ErrShape) {
		t.Error(err)
	}
}

func TestFromMaps(t *testing.T) {
	m, err := sparse.FromMaps(4, []map[int]float32{{3: 1, 0: 2}, nil, {2: 5}})
	if err != nil {
		t.Fatal(err)
	}
	check(t, m)
	equal(t, "FromMaps", m, mat.NewDense(3, 4, []float64{2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 5, 0}))
	if _, err := sparse.FromMaps(4, []map[int]float32{{4: 1}}); !errors.Is(err, gram.ErrShape) {
		t.Error(err)
	}
	if _, err := sparse.FromMaps[float32](-4, nil); !errors.Is(err, gram.ErrShape) {
		t.Error(err)
	}
}

// The methods of gram.Operator agree with those of a dense matrix.
func TestOperator(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		eachShape(func(r *rand.Rand, m, n int, density float64) {
			d := randomDense[float64](r, m, n, density)
			s := fromDense[float64](t, d)
			for _, op := range []gram.Operator{s, s.Transpose().View(), sparse.To[float32](s)} {
				testOperator(t, r, op, d)
			}
		})
	})
}

func testOperator(t *testing.T, r *rand.Rand, op gram.Operator, d *linalg.Dense[float64]) {
	t.Helper()
	m, n := d.Dims()
	lo := r.IntN(m + 1)
	hi := lo + r.IntN(m-lo+1)
	x := d.Slice(lo, hi, 0, n)
	block, stride := op.RowBlock(make([]float64, (hi-lo)*n), lo, hi)
	for i := range hi - lo {
		for j := range n {
			if block[i*stride+j] != x.At(i, j) {
				t.Fatalf("RowBlock: element (%d, %d) is %v, want %v", i, j, block[i*stride+j], x.At(i, j))
			}
		}
	}
	for _, k := range []int{0, 1, 2, 9} {
		b, g := linalg.NewDense[float64](n, k, nil), linalg.NewDense[float64](hi-lo, k, nil)
		floattest.Ints(r, b.Data)
		floattest.Ints(r, g.Data)
		got, want := linalg.NewDense[float64](hi-lo, k, nil), linalg.NewDense[float64](hi-lo, k, nil)
		floattest.Ints(r, got.Data) // is overwritten
		op.MulRows(got.Data, lo, hi, b.Data, k)
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, x, b, 0, want)
		equal(t, "MulRows", got, want)
		sum := linalg.NewDense[float64](n, k, nil)
		floattest.Ints(r, sum.Data)
		wantSum := linalg.CopyOf[float64](sum)
		op.AddTransMulRows(sum.Data, lo, hi, g.Data, k)
		linalg.Gemm(blas.Trans, blas.NoTrans, 1, x, g, 1, wantSum)
		equal(t, "AddTransMulRows", sum, wantSum)
	}
}

// A fit on a sparse matrix is that on the dense one.
func TestLinearFits(t *testing.T) {
	r := floattest.Rand(3)
	d := linalg.NewDense[float64](300, 40, nil)
	y := make([]int, d.Rows)
	for i := range y {
		for j := range d.Cols {
			if r.Float64() < 0.2 {
				d.Set(i, j, r.NormFloat64())
			}
		}
		y[i] = i % 3
		d.Set(i, y[i], d.At(i, y[i])+1)
	}
	s := fromDense[float64](t, d)
	ctx := context.Background()
	trainer := linear.Softmax{Tol: 1e-10}
	want, err := trainer.Fit(ctx, d, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, X := range []gram.Matrix{s, s.Transpose().View()} {
		got, err := trainer.Fit(ctx, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		p, err := got.PredictProba(nil, X)
		if err != nil {
			t.Fatal(err)
		}
		q, err := want.PredictProba(nil, d)
		if err != nil {
			t.Fatal(err)
		}
		for i := range q {
			if math.Abs(p[i]-q[i]) > 1e-8 {
				t.Fatalf("probability %d is %v, dense %v", i, p[i], q[i])
			}
		}
	}
	for i := range y {
		y[i] /= 2
	}
	a, err := linear.Logistic{}.Fit(ctx, s, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := linear.Logistic{}.Fit(ctx, d, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	if oa, ob := a.Convergence().Objective, b.Convergence().Objective; math.Abs(oa-ob) > 1e-6*ob {
		t.Errorf("objective %v, dense %v", oa, ob)
	}
}

func TestPanicsOutside(t *testing.T) {
	s := fromDense[float64](t, mat.NewDense(2, 3, []float64{1, 0, 2, 0, 3, 0}))
	v := &sparse.Vector[float64]{N: 3}
	for _, f := range []func(){
		func() { s.At(2, 0) }, func() { s.At(0, 3) }, func() { s.At(-1, 0) },
		func() { s.View().At(0, 2) }, func() { s.ToCOO().At(0, 3) }, func() { v.AtVec(3) },
		func() { s.ToCOO().Append(2, 0, 1) },
	} {
		panics(t, "element (", f)
	}
	panics(t, "row 2 of a 2×3 matrix", func() { s.Row(2) })
	panics(t, "rows [1:3] of a 2×3", func() { s.RowBlock(nil, 1, 3) })
	panics(t, "rows [1:4] of a 3×2", func() { s.View().RowBlock(nil, 1, 4) })
	panics(t, "MulRows with k = 2 into 3 elements, want 2 rows", func() { s.MulRows(make([]float64, 3), 0, 2, make([]float64, 6), 2) })
	panics(t, "AddTransMulRows with k = 1", func() { s.AddTransMulRows(make([]float64, 3), 0, 2, make([]float64, 3), 1) })
	panics(t, "MulVec of a 2×3 matrix and a slice of 3, want 2", func() { s.MulVec(make([]float64, 3), make([]float64, 3)) })
	panics(t, "identity of size -1", func() { sparse.Identity[float64](-1) })
}
