package modeltest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"gonum.org/v1/gonum/mat"
)

// Data is what a trainer is tried on: rows, and for each its label and its target.
// Only what the trainer's kind needs has to be there; transformers get the labels
// as floats, or the targets if there are no labels.
type Data struct {
	X       gram.Matrix
	Labels  []int
	Targets []float64
}

// dense returns a copy of X.
func (d Data) dense() *linalg.Dense[float64] {
	n, cols := d.X.Dims()
	X := linalg.NewDense[float64](n, cols, nil)
	for i := range n {
		for j := range cols {
			X.Set(i, j, d.X.At(i, j))
		}
	}
	return X
}

// clone returns a copy that shares nothing.
func (d Data) clone() Data {
	return Data{d.dense(), slices.Clone(d.Labels), slices.Clone(d.Targets)}
}

// pick returns the given rows, in that order.
func (d Data) pick(rows []int) Data {
	_, cols := d.X.Dims()
	X := linalg.NewDense[float64](len(rows), cols, nil)
	out := Data{X: X}
	for i, r := range rows {
		for j := range cols {
			X.Set(i, j, d.X.At(r, j))
		}
		if d.Labels != nil {
			out.Labels = append(out.Labels, d.Labels[r])
		}
		if d.Targets != nil {
			out.Targets = append(out.Targets, d.Targets[r])
		}
	}
	return out
}

// supervision returns what transformers get as y.
func (d Data) supervision() []float64 {
	if d.Labels == nil {
		return d.Targets
	}
	y := make([]float64, len(d.Labels))
	for i, c := range d.Labels {
		y[i] = float64(c)
	}
	return y
}

// blobs returns k normal classes of unit variance that overlap, in four features of
// different offsets, and a linear target with noise.
func blobs(n, k int) Data {
	const cols = 4
	rng := rand.New(rand.NewPCG(1, 2))
	d := Data{Labels: make([]int, n), Targets: make([]float64, n)}
	X := linalg.NewDense[float64](n, cols, nil)
	for i := range n {
		c := i % k
		d.Labels[i] = c
		for j := range cols {
			v := rng.NormFloat64() + math.Cos(float64(c*(j+1)))
			d.Targets[i] += float64(j-1) * v
			X.Set(i, j, v+float64(j))
		}
		d.Targets[i] += 0.3 * rng.NormFloat64()
	}
	d.X = X
	return d
}

// A namedMatrix is one of the forms in which the same matrix can come.
type namedMatrix struct {
	name string
	X    gram.Matrix
}

// forms returns X in every form that takes another path. Memory between the rows
// is NaN.
func forms(X *linalg.Dense[float64]) []namedMatrix {
	wide := linalg.NewDense[float64](X.Rows+2, X.Cols+3, nil)
	for i := range wide.Data {
		wide.Data[i] = math.NaN()
	}
	view := wide.Slice(1, 1+X.Rows, 2, 2+X.Cols)
	single := linalg.NewDense[float32](X.Rows, X.Cols, nil)
	for i := range X.Rows {
		copy(view.Row(i), X.Row(i))
		for j, v := range X.Row(i) {
			single.Set(i, j, float32(v))
		}
	}
	gonum := mat.DenseCopyOf(X)
	return []namedMatrix{
		{"*mat.Dense", gonum},
		{"a slice of a *mat.Dense", linalg.ToGonum(wide).Slice(1, 1+X.Rows, 2, 2+X.Cols)},
		{"a transposed *mat.Dense", mat.DenseCopyOf(X.T()).T()},
		{"*linalg.Dense[float64]", X},
		{"a slice of a *linalg.Dense[float64]", view},
		{"*linalg.Dense[float32]", single},
		{"an Operator", linalg.AsOperator(X)},
		{"a RowViewer", rowViewer{gonum}},
		{"a RowBlocker that converts", rowBlocker{elements{X}}},
		{"a Matrix with At alone", elements{X}},
	}
}

// elements has the methods of gram.Matrix alone.
type elements struct{ m gram.Matrix }

func (e elements) Dims() (rows, cols int) { return e.m.Dims() }
func (e elements) At(i, j int) float64    { return e.m.At(i, j) }

// rowViewer has those of gram.RowViewer alone.
type rowViewer struct{ m gram.RowViewer }

func (v rowViewer) Dims() (rows, cols int)     { return v.m.Dims() }
func (v rowViewer) At(i, j int) float64        { return v.m.At(i, j) }
func (v rowViewer) RawRowView(i int) []float64 { return v.m.RawRowView(i) }

// rowBlocker is a gram.RowBlocker that needs the buffer.
type rowBlocker struct{ elements }

func (b rowBlocker) RowBlock(buf []float64, lo, hi int) ([]float64, int) {
	_, cols := b.Dims()
	for i := lo; i < hi; i++ {
		for j := range cols {
			buf[(i-lo)*cols+j] = b.At(i, j)
		}
	}
	return buf[:(hi-lo)*cols], cols
}

// empty is a matrix without elements.
type empty struct{ rows, cols int }

func (e empty) Dims() (rows, cols int) { return e.rows, e.cols }
func (e empty) At(i, j int) float64    { panic(fmt.Sprintf("element (%d, %d) of an empty matrix", i, j)) }

// rowsOf returns the rows of X as slices.
func rowsOf(X gram.Matrix) [][]float64 {
	n, d := X.Dims()
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = make([]float64, d)
		for j := range rows[i] {
			rows[i][j] = X.At(i, j)
		}
	}
	return rows
}
