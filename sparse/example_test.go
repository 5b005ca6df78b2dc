package sparse_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram/sparse"
)

func ExampleCSR() {
	m, err := sparse.NewCSR(2, 4, []int64{0, 2, 3}, []uint32{0, 3, 1}, []float64{1, 2, 3})
	if err != nil {
		panic(err)
	}
	y := make([]float64, 2)
	m.MulVec(y, []float64{1, 10, 100, 1000})
	fmt.Println(y)
	_, err = sparse.NewCSR(1, 4, []int64{0, 2}, []uint32{3, 1}, []float64{1, 2})
	fmt.Println(err)
	// Output:
	// [2001 30]
	// sparse: row 0 has column 1 after 3; columns must increase: shapes do not fit
}

func ExampleCSC() {
	m, err := sparse.FromDense[float64](mat.NewDense(2, 3, []float64{1, 0, 2, 0, 3, 4}), 0)
	if err != nil {
		panic(err)
	}
	t := m.View() // 3×2, over the same memory
	rows, values := t.Column(1)
	fmt.Println(rows, values, t.At(2, 0))
	// Output: [1 2] [3 4] 2
}

func ExampleCOO() {
	m := &sparse.COO[float64]{Rows: 2, Cols: 3}
	m.Append(1, 2, 5)
	m.Append(0, 1, 1)
	m.Append(1, 2, 6)
	fmt.Println(m.ToCSR(sparse.SumDuplicates).At(1, 2))
	// Output: 11
}

func ExampleDuplicates() {
	m := &sparse.COO[float64]{Rows: 1, Cols: 1}
	m.Append(0, 0, 5)
	m.Append(0, 0, 6)
	fmt.Println(m.ToCSR(sparse.SumDuplicates).At(0, 0), m.ToCSR(sparse.LastDuplicate).At(0, 0), m.ToCSR(sparse.FirstDuplicate).At(0, 0))
	// Output: 11 6 5
}

func ExampleVector() {
	v, err := sparse.NewVector(1_000_000, []uint32{3, 70, 999_999}, []float64{1, 2, 3})
	if err != nil {
		panic(err)
	}
	w := &sparse.Vector[float64]{N: v.N, Ind: []uint32{70, 71}, Val: []float64{10, 10}}
	fmt.Println(v.Dot(w), v.Norm(1), v.Add(1, 1, w).NNZ())
	// Output: 20 6 4
}

func ExampleBuilder() {
	b, err := sparse.NewBuilder[float32](5)
	if err != nil {
		panic(err)
	}
	for _, row := range [][]int{{4, 0}, {}, {2, 2}} {
		for _, j := range row {
			if err := b.Set(j, 1); err != nil {
				panic(err)
			}
		}
		b.EndRow()
	}
	m := b.Matrix()
	fmt.Println(m.Rows, m.Col, m.Val)
	// Output: 3 [0 4 2] [1 1 2]
}

func ExampleMul() {
	a, err := sparse.FromDense[float64](mat.NewDense(2, 2, []float64{1, 2, 0, 3}), 0)
	if err != nil {
		panic(err)
	}
	fmt.Println(mat.Formatted(sparse.Mul(a, a)))
	// Output:
	// ⎡1  8⎤
	// ⎣0  9⎦
}

func ExampleTopK() {
	users, err := sparse.FromDense[float64](mat.NewDense(1, 2, []float64{1, 2}), 0)
	if err != nil {
		panic(err)
	}
	items, err := sparse.FromDense[float64](mat.NewDense(2, 4, []float64{5, 1, 0, 2, 0, 3, 4, 1}), 0)
	if err != nil {
		panic(err)
	}
	best := sparse.TopK(1, 2, users, items)
	fmt.Println(best.Row(0))
	// Output: [1 2] [7 8]
}

func ExampleCentered() {
	x, err := sparse.FromDense[float64](mat.NewDense(2, 2, []float64{4, 0, 0, 2}), 0)
	if err != nil {
		panic(err)
	}
	c, err := sparse.NewCentered(x, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(mat.Formatted(mat.NewDense(2, 2, []float64{c.At(0, 0), c.At(0, 1), c.At(1, 0), c.At(1, 1)})))
	// Output:
	// ⎡ 2  -1⎤
	// ⎣-2   1⎦
}

func ExampleFeatureHasher() {
	m, err := sparse.FeatureHasher{Features: 16}.Transform([][]string{{"the", "cat", "the"}})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Row(0))
	// Output: [7 14] [1 -2]
}

func ExampleTFIDF() {
	docs := [][]string{{"red", "fox"}, {"red", "dog"}}
	m, err := sparse.TFIDF{}.Fit(context.Background(), docs)
	if err != nil {
		panic(err)
	}
	_, weights := m.Transform(docs).Row(0)
	fmt.Printf("%q %.3f\n", m.Vocabulary(), weights)
	// Output: ["dog" "fox" "red"] [0.815 0.580]
}

func ExampleTFIDFModel() {
	m, err := sparse.TFIDF{Unscaled: true}.Fit(context.Background(), [][]string{{"a", "b"}, {"a"}, {"a"}})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d tokens, factors %.3f\n", m.Features(), m.IDF())
	// Output: 2 tokens, factors [1.000 1.693]
}

func ExampleMinHash() {
	a, b := []uint32{1, 2, 3, 4}, []uint32{2, 3, 4, 5}
	h := sparse.MinHash{Hashes: 4096}
	fmt.Printf("%.1f\n", sparse.Similarity(h.Signature(a), h.Signature(b))) // 3 of 5
	// Output: 0.6
}

func ExampleSVMLight() {
	d, err := sparse.ReadSVMLight[float64](strings.NewReader("1 1:0.5 4:2 # one-based\n-1 2:3\n"), 1, 0)
	if err != nil {
		panic(err)
	}
	fmt.Println(d.Y, d.X.Cols, d.X.Col, d.X.Val)
	// Output: [1 -1] 4 [0 3 1] [0.5 2 3]
}

func ExampleFormatError() {
	_, err := sparse.ReadSVMLight[float64](strings.NewReader("1 1:2\n1 x:2\n"), 1, 0)
	var f *sparse.FormatError
	fmt.Println(errors.As(err, &f), f.Line)
	fmt.Println(err)
	// Output:
	// true 2
	// sparse: line 2: "x:2" is not index:value
}

func ExampleWriteMatrixMarket() {
	if err := sparse.WriteMatrixMarket(os.Stdout, sparse.Identity[float64](2)); err != nil {
		panic(err)
	}
	// Output:
	// %%MatrixMarket matrix coordinate real general
	// 2 2 2
	// 1 1 1
	// 2 2 1
}
