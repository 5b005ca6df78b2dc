package sparse_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/sparse"
)

// gemm is op(A)·op(B) by linalg.
func gemm[T floattest.Float](tA, tB blas.Transpose, a, b *linalg.Dense[T]) *linalg.Dense[T] {
	m, n := a.Rows, b.Cols
	if tA == blas.Trans {
		m = a.Cols
	}
	if tB == blas.Trans {
		n = b.Rows
	}
	c := linalg.NewDense[T](m, n, nil)
	linalg.Gemm(tA, tB, 1, a, b, 0, c)
	return c
}

// Every product against the dense one, for all small shapes.
func TestProducts(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		eachShape(func(r *rand.Rand, m, n int, density float64) {
			for _, k := range []int{0, 1, 3, 8, 37} {
				testProducts[float64](t, r, m, n, k, density)
				testProducts[float32](t, r, m, n, k, density)
			}
		})
	})
}

func testProducts[T floattest.Float](t *testing.T, r *rand.Rand, m, n, k int, density float64) {
	a := randomDense[T](r, m, n, density)
	b := randomDense[T](r, n, k, density)
	sa, sb := fromDense[T](t, a), fromDense[T](t, b)
	want := gemm(blas.NoTrans, blas.NoTrans, a, b)

	c := sparse.Mul(sa, sb)
	check(t, c)
	equal(t, "Mul", c, want)
	u := sparse.MulUnsorted(2, sa, sb)
	u.SortRows()
	identical(t, "MulUnsorted", u, c)
	identical(t, "(AB)ᵀ = BᵀAᵀ", sparse.Mul(sb.Transpose(), sa.Transpose()).Transpose(), c)

	x := linalg.NewDense[T](m, k, nil)
	floattest.Ints(r, x.Data)
	sa.MulDense(x, b)
	equal(t, "MulDense", x, want)
	sparse.DenseMul(x, a, sb)
	equal(t, "DenseMul", x, want)
	g := linalg.NewDense[T](m, k, nil)
	floattest.Ints(r, g.Data)
	y := linalg.NewDense[T](n, k, nil)
	floattest.Ints(r, y.Data)
	sa.MulTransDense(y, g)
	equal(t, "MulTransDense", y, gemm(blas.Trans, blas.NoTrans, a, g))
	if k == 1 {
		v := make([]T, m)
		sa.MulVec(v, b.Data)
		same(t, "MulVec", v, want.Data)
		sa.Transpose().View().MulVec(v, b.Data)
		same(t, "CSC.MulVec", v, want.Data)
		w := make([]T, n)
		sa.MulTransVec(w, g.Data)
		same(t, "MulTransVec", w, y.Data)
		sa.View().MulVec(w, g.Data)
		same(t, "CSC.MulVec of the view", w, y.Data)
		sa.Transpose().View().MulTransVec(w, g.Data)
		same(t, "CSC.MulTransVec", w, y.Data)
	}

	mask := randomDense[T](r, m, k, 0.4)
	sm := fromDense[T](t, mask)
	masked := sparse.MulMasked(2, sm, sa, sb)
	check(t, masked)
	sampled := sparse.SampledMul(2, sm, a, linalg.CopyOf[T](b.T()))
	for i := range m {
		for j := range k {
			v := want.At(i, j)
			if mask.At(i, j) == 0 {
				v = 0
			}
			if masked.At(i, j) != v || sampled.At(i, j) != v {
				t.Fatalf("masked %v, sampled %v, want %v", masked.At(i, j), sampled.At(i, j), v)
			}
		}
	}
	if masked.NNZ() != sm.NNZ() || sampled.NNZ() != sm.NNZ() {
		t.Fatal("the entries are not the mask's")
	}

	s := sparse.Syrk(1, sa)
	check(t, s)
	full := gemm(blas.NoTrans, blas.Trans, a, a)
	for i := range m {
		for j := range i {
			full.Set(i, j, 0)
		}
	}
	equal(t, "Syrk", s, full)
}

// Rows of every kind: products by hash, in place, copied and merged, on any number of
// workers, against plain sums.
func TestMulKinds(t *testing.T) {
	r := floattest.Rand(8)
	for _, cols := range []int{40, 3000, 1 << 20, 1 << 30, 1 << 32} {
		for _, perRow := range []int{1, 2, 20} {
			t.Run(fmt.Sprintf("%d columns, %d a row", cols, perRow), func(t *testing.T) {
				a, b := randomCSR[float64](r, 300, 500, perRow), randomCSR[float64](r, 500, cols, perRow)
				c := sparse.Mul(a, b)
				check(t, c)
				checkSums(t, c, a, b)
				for _, workers := range []int{0, 2, 7} {
					identical(t, "parallel Mul", sparse.MulParallel(workers, a, b), c)
					u := sparse.MulUnsorted(workers, a, b)
					u.SortRows()
					identical(t, "MulUnsorted", u, c)
				}
				top := sparse.TopK(2, c.Cols, a, b)
				identical(t, "TopK of all", top, c)
			})
		}
	}
}

// checkSums compares c with plain sums of the terms of A·B.
func checkSums[T floattest.Float](t *testing.T, c, a, b *sparse.CSR[T]) {
	t.Helper()
	for i := range a.Rows {
		want := map[int]T{}
		col, val := a.Row(i)
		for p, j := range col {
			bc, bv := b.Row(int(j))
			for q, k := range bc {
				want[int(k)] += val[p] * bv[q]
			}
		}
		got, _ := c.Row(i)
		if len(got) != len(want) {
			t.Fatalf("row %d has %d entries, want %d", i, len(got), len(want))
		}
		for k, v := range want {
			if c.At(i, k) != float64(v) {
				t.Fatalf("element (%d, %d) is %v, want %v", i, k, c.At(i, k), v)
			}
		}
	}
}

// Where few terms meet, short rows are sorted and then summed.
func TestMulFewMeet(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		testMulFewMeet[float64](t)
		testMulFewMeet[float32](t)
	})
}

func testMulFewMeet[T floattest.Float](t *testing.T) {
	r := floattest.Rand(12)
	for _, perRow := range []int{1, 3, 6, 11} {
		a, b := randomCSR[T](r, 200, 1500, perRow), randomCSR[T](r, 1500, 3000*perRow, perRow)
		c := sparse.Mul(a, b)
		check(t, c)
		checkSums(t, c, a, b)
		var terms int64
		for _, j := range a.Col {
			terms += b.Ptr[j+1] - b.Ptr[j]
		}
		if c.NNZ() < terms-terms/16 || perRow > 1 && c.NNZ() == terms {
			t.Fatalf("%d terms make %d entries: few meet, but some", terms, c.NNZ())
		}
	}
}

// One long row makes the hash table grow, short ones cut it down again.
func TestMulHashTable(t *testing.T) {
	r := floattest.Rand(9)
	b := randomCSR[float64](r, 400, 1<<31, 10)
	ab := linalg.NewDense[float64](40, 400, nil)
	for i := range ab.Rows {
		for j := range ab.Cols {
			if i%10 == 3 || (i+j)%131 == 0 {
				ab.Set(i, j, 1)
			}
		}
	}
	a := fromDense[float64](t, ab)
	c := sparse.Mul(a, b)
	check(t, c)
	sums := make([]float64, a.Rows)
	a.MulVec(sums, b.RowSums())
	same(t, "row sums", c.RowSums(), sums)
}

// Products have the same bits for any number of workers.
func TestParallelBits(t *testing.T) {
	r := floattest.Rand(10)
	a := randomCSR[float64](r, 20000, 20000, 4)
	floattest.Normals(r, a.Val)
	x := floattest.Normals(r, make([]float64, a.Cols))
	b := linalg.NewDense(a.Cols, 5, floattest.Normals(r, make([]float64, 5*a.Cols)))
	want, got := make([]float64, a.Rows), make([]float64, a.Rows)
	a.MulVec(want, x)
	wantD, gotD := linalg.NewDense[float64](a.Rows, 5, nil), linalg.NewDense[float64](a.Rows, 5, nil)
	a.MulDense(wantD, b)
	c, tr := sparse.Mul(a, a), a.Transpose()
	for _, workers := range []int{0, 2, 5} {
		a.MulVecParallel(workers, got, x)
		same(t, "MulVec", got, want)
		a.MulDenseParallel(workers, gotD, b)
		same(t, "MulDense", gotD.Data, wantD.Data)
		p := sparse.MulParallel(workers, a, a)
		same(t, "Mul", p.Val, c.Val)
		same(t, "Transpose", a.TransposeParallel(workers).Val, tr.Val)
		same(t, "ToCSR", a.ToCOO().ToCSRParallel(workers, sparse.SumDuplicates).Val, a.Val)
	}
}

// A product takes memory for the result and O(columns) a goroutine, whether few terms
// meet or many, and where there are too many columns for that, O(longest row).
func TestMulMemory(t *testing.T) {
	for _, c := range []struct{ cols, perRow int }{{3000, 8}, {300, 8}, {1 << 30, 8}, {40, 20}} {
		for _, workers := range []int{1, 3} {
			r := floattest.Rand(11)
			a, b := randomCSR[float64](r, 3000, 3000, c.perRow), randomCSR[float64](r, 3000, c.cols, c.perRow)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			p := sparse.MulParallel(workers, a, b)
			runtime.ReadMemStats(&after)
			want := 12*p.NNZ() + 8*2*int64(a.Rows)
			if c.cols < 1<<24 {
				want += int64(workers) * 9 * int64(c.cols)
			}
			if got := int64(after.TotalAlloc - before.TotalAlloc); got > want+want/5+1<<16 {
				t.Errorf("%d columns, %d workers: %d bytes were allocated, want about %d", c.cols, workers, got, want)
			}
		}
	}
}

func TestTopK(t *testing.T) {
	r := floattest.Rand(12)
	a, b := randomCSR[float64](r, 60, 40, 4), randomCSR[float64](r, 40, 70, 5)
	c := sparse.Mul(a, b)
	for _, k := range []int{0, 1, 3, 10} {
		top := sparse.TopK(2, k, a, b)
		check(t, top)
		for i := range c.Rows {
			col, val := c.Row(i)
			got, _ := top.Row(i)
			if len(got) != min(k, len(col)) {
				t.Fatalf("row %d has %d entries of %d", i, len(got), len(col))
			}
			for p, j := range col { // an entry is kept if fewer than k rank before it
				before := 0
				for q, l := range col {
					if val[q] > val[p] || val[q] == val[p] && l < j {
						before++
					}
				}
				if kept := top.At(i, int(j)) == val[p] && contains(got, j); kept != (before < k) {
					t.Fatalf("row %d, column %d of rank %d is kept: %v", i, j, before, kept)
				}
			}
		}
	}
	nan := math.NaN()
	one := fromDense[float64](t, mat.NewDense(1, 1, []float64{1}))
	row, err := sparse.NewCSR(1, 4, []int64{0, 4}, []uint32{0, 1, 2, 3}, []float64{nan, 1, nan, 2})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := sparse.TopK(1, 3, one, row).Row(0); fmt.Sprint(got) != "[0 1 3]" {
		t.Errorf("with NaNs, columns %v", got)
	}
	panics(t, "TopK of -1", func() { sparse.TopK(1, -1, a, b) })
}

func contains(col []uint32, j uint32) bool {
	for _, c := range col {
		if c == j {
			return true
		}
	}
	return false
}

func TestCosineSimilarity(t *testing.T) {
	m := fromDense[float64](t, mat.NewDense(4, 3, []float64{3, 4, 0, 4, 3, 0, 0, 0, 0, 0, 0, -2}))
	c := sparse.CosineSimilarity(1, m)
	want := mat.NewDense(4, 4, []float64{1, 0.96, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	for i := range 4 {
		for j := range 4 {
			if math.Abs(c.At(i, j)-want.At(i, j)) > 1e-15 {
				t.Errorf("cosine (%d, %d) is %v, want %v", i, j, c.At(i, j), want.At(i, j))
			}
		}
	}
}

// A mask much shorter, and much longer, than the rows of B.
func TestMulMaskedSearch(t *testing.T) {
	r := floattest.Rand(13)
	for _, density := range [][2]float64{{0.9, 0.01}, {0.01, 0.9}} {
		a := fromDense[float64](t, randomDense[float64](r, 20, 30, 0.3))
		b := fromDense[float64](t, randomDense[float64](r, 30, 500, density[0]))
		mask := fromDense[float64](t, randomDense[float64](r, 20, 500, density[1]))
		got, full := sparse.MulMasked(1, mask, a, b), sparse.Mul(a, b)
		equal(t, "masked", got, masked(mask, full))
	}
}

func TestProductPanics(t *testing.T) {
	a := sparse.Identity[float64](3)
	b := a.SliceRows(0, 2)
	d := linalg.NewDense[float64](2, 2, nil)
	panics(t, "Mul of 3×3 by 2×3", func() { sparse.Mul(a, b) })
	panics(t, "MulUnsorted of 3×3 by 2×3", func() { sparse.MulUnsorted(1, a, b) })
	panics(t, "TopK of 3×3 by 2×3", func() { sparse.TopK(1, 1, a, b) })
	panics(t, "with a mask of 2×3", func() { sparse.MulMasked(1, b, a, a) })
	panics(t, "SampledMul of 2×2 by 2×2", func() { sparse.SampledMul(1, a, d, d) })
	panics(t, "MulDense of 3×3 by 2×2", func() { a.MulDense(d, d) })
	panics(t, "MulTransDense of 3×3", func() { a.MulTransDense(d, d) })
	panics(t, "DenseMul of 2×2 by 3×3", func() { sparse.DenseMul(d, d, a) })
	panics(t, "Add of 3×3 and 2×3", func() { sparse.Add(1, a, 1, b) })
	panics(t, "MulElem of 3×3 and 2×3", func() { sparse.MulElem(a, b) })
}

// masked returns the elements of m at the entries of mask.
func masked(mask, m *sparse.CSR[float64]) *sparse.CSR[float64] {
	ones := mask.Clone()
	for k := range ones.Val {
		ones.Val[k] = 1
	}
	return sparse.MulElem(ones, m)
}

// The product with a long vector, whose elements are fetched ahead where the columns
// are scattered, is that of the rows one by one.
func TestMulVecScattered(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		r := floattest.Rand(14)
		const cols = 1 << 17
		x := floattest.Ints(r, make([]float64, cols))
		for _, spread := range []int{30, cols} {
			b, err := sparse.NewBuilder[float64](cols)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3000 {
				for range r.IntN(8) {
					if err := b.Set((i+r.IntN(spread))%cols, float64(r.IntN(9))); err != nil {
						t.Fatal(err)
					}
				}
				b.EndRow()
			}
			m := b.Matrix()
			got, want := make([]float64, m.Rows), make([]float64, m.Rows)
			m.MulVec(got, x)
			for i := range want {
				want[i] = m.RowVector(i).DotDense(x)
			}
			same(t, "MulVec", got, want)
			view := m.SliceRows(1000, 2000)
			view.MulVec(got[:1000], x)
			same(t, "MulVec of a slice", got[:1000], want[1000:2000])
		}
	})
}
