package linalg_test

import (
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
)

func TestDenseViews(t *testing.T) {
	d := mat.NewDense(2, 3, []float64{1, 2, 3, 4, 5, 6})
	m := linalg.FromGonum(d)
	m.Set(1, 2, 60)
	if d.At(1, 2) != 60 {
		t.Error("FromGonum copies")
	}
	linalg.ToGonum(m).Set(0, 0, 10)
	if m.At(0, 0) != 10 || d.At(0, 0) != 10 {
		t.Error("ToGonum copies")
	}
	s := m.Slice(0, 2, 1, 3)
	s.Set(1, 0, 50)
	if r, c := s.Dims(); r != 2 || c != 2 || m.At(1, 1) != 50 || s.At(0, 1) != 3 {
		t.Errorf("Slice is %d×%d of %v", r, c, s.Data)
	}
	if s.T().At(1, 0) != s.At(0, 1) {
		t.Error("T is not the transpose")
	}
	if row := s.Row(0); len(row) != 2 || cap(row) != 2 {
		t.Errorf("Row has %d elements and room for %d", len(row), cap(row))
	}
	if e := m.Slice(1, 1, 0, 3); e.Rows != 0 || e.Data != nil {
		t.Error("an empty slice holds elements")
	}
	if e := linalg.ToGonum(linalg.NewDense[float64](0, 3, nil)); !e.IsEmpty() {
		t.Error("an empty matrix is not empty in gonum")
	}
	single := linalg.CopyOf[float32](d)
	if single.At(1, 0) != 4 || linalg.CopyOf[float32](single.T()).At(0, 1) != 4 || linalg.CopyOf[float32](single).At(0, 2) != 3 {
		t.Error("CopyOf gives other elements")
	}
}

func TestDensePanics(t *testing.T) {
	m := linalg.NewDense[float32](2, 3, nil)
	panics(t, "element (2, 0) of a 2×3", func() { m.At(2, 0) })
	panics(t, "element (0, -1) of a 2×3", func() { m.Set(0, -1, 1) })
	panics(t, "row 2 of a 2×3", func() { m.Row(2) })
	panics(t, "slice [0:3, 0:1] of a 2×3", func() { m.Slice(0, 3, 0, 1) })
	panics(t, "rows [1:3] of a 2×3", func() { m.RowBlock(nil, 1, 3) })
	panics(t, "negative shape -1×2", func() { linalg.NewDense[float64](-1, 2, nil) })
	panics(t, "5 elements for a 2×3", func() { linalg.NewDense(2, 3, make([]float64, 5)) })
}

// bare has nothing but the two methods of a Matrix.
type bare struct{ m *linalg.Dense[float64] }

func (b bare) Dims() (int, int)             { return b.m.Dims() }
func (b bare) At(i, j int) float64          { return b.m.At(i, j) }
func (v viewer) RawRowView(i int) []float64 { return v.m.Row(i) }

// viewer adds views of rows.
type viewer struct{ bare }

// Every path through AsOperator gives the products of the same matrix.
func TestAsOperator(t *testing.T) {
	const rows, cols, k, lo, hi = 37, 11, 6, 5, 30
	r := floattest.Rand(4)
	x := linalg.NewDense(rows, cols, floattest.Ints(r, make([]float64, rows*cols)))
	wide := linalg.NewDense[float64](rows, cols+5, nil).Slice(0, rows, 2, cols+2)
	for i := range rows {
		copy(wide.Row(i), x.Row(i))
	}
	b := linalg.NewDense(cols, k, floattest.Ints(r, make([]float64, cols*k)))
	g := linalg.NewDense(hi-lo, k, floattest.Ints(r, make([]float64, (hi-lo)*k)))
	part := x.Slice(lo, hi, 0, cols)
	wantZ := naive(linalg.CopyOf[float64](part), b)
	wantG := naive(linalg.CopyOf[float64](part.T()), g)

	op := linalg.AsOperator(x)
	for name, m := range map[string]gram.Matrix{
		"Dense":    x,
		"stride":   wide,
		"float32":  linalg.CopyOf[float32](x),
		"gonum":    linalg.ToGonum(x),
		"viewer":   viewer{bare{x}},
		"bare":     bare{x},
		"operator": op,
		"implicit": linalg.CopyOf[float64](x.T()).T(),
	} {
		op := linalg.AsOperator(m)
		z, sum := make([]float64, (hi-lo)*k), make([]float64, cols*k)
		op.MulRows(z, lo, hi, b.Data, k)
		op.AddTransMulRows(sum, lo, hi, g.Data, k)
		op.AddTransMulRows(sum, lo, hi, g.Data, k)
		for i, v := range z {
			if v != wantZ.Data[i] {
				t.Fatalf("%s: MulRows gives %v at %d, want %v", name, v, i, wantZ.Data[i])
			}
		}
		for i, v := range sum {
			if v != 2*wantG.Data[i] {
				t.Fatalf("%s: AddTransMulRows gives %v at %d, want %v", name, v, i, 2*wantG.Data[i])
			}
		}
		block, stride := op.RowBlock(make([]float64, (hi-lo)*cols), lo, hi)
		for i := lo; i < hi; i++ {
			for j := range cols {
				if block[(i-lo)*stride+j] != x.At(i, j) {
					t.Fatalf("%s: RowBlock differs at (%d, %d)", name, i, j)
				}
			}
		}
	}
	if linalg.AsOperator(op) != op {
		t.Error("an operator is wrapped again")
	}
}

// RowBlock32 rounds each element of the rows, and lends those of float32.
func TestRowBlock32(t *testing.T) {
	x := normals(1, 5, 50).Slice(0, 5, 3, 40)
	block, stride := x.RowBlock32(make([]float32, 2*x.Cols), 1, 3)
	for i := range 2 {
		for j := range x.Cols {
			if want := float32(x.At(i+1, j)); block[i*stride+j] != want {
				t.Fatalf("element (%d, %d) is %v, want %v", i+1, j, block[i*stride+j], want)
			}
		}
	}
	single := linalg.CopyOf[float32](x)
	if block, _ = single.RowBlock32(nil, 1, 3); &block[0] != &single.Row(1)[0] {
		t.Error("rows of float32 are copied")
	}
	if block, _ = x.RowBlock32(nil, 2, 2); len(block) != 0 {
		t.Error("there are elements in no rows")
	}
	defer func() {
		if recover() == nil {
			t.Error("rows beyond the shape do not panic")
		}
	}()
	x.RowBlock32(nil, 4, 6)
}
