package decomp_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/linalg"
)

type dense = linalg.Dense[float64]

var background = context.Background()

// readData returns the features and classes of a file in testdata.
func readData(t testing.TB, name string) (*dense, []int) {
	t.Helper()
	f, err := os.Open("testdata/" + name + ".csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	X := &dense{}
	var y []int
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(strings.TrimSpace(line), ",")
		X.Cols, X.Stride = len(fields)-1, len(fields)-1
		for _, f := range fields {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				t.Fatal(err)
			}
			X.Data = append(X.Data, v)
		}
		last := len(X.Data) - 1
		y = append(y, int(X.Data[last]))
		X.Data = X.Data[:last]
		X.Rows++
	}
	return X, y
}

// golden reads one list of golden.json.
func golden[T any](t *testing.T, name string) T {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]json.RawMessage
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var out T
	if err := json.Unmarshal(file[name], &out); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

// every returns each step-th row.
func every(X *dense, step int) *dense {
	out := &dense{Cols: X.Cols, Stride: X.Cols}
	for i := 0; i < X.Rows; i += step {
		out.Data = append(out.Data, X.Row(i)...)
		out.Rows++
	}
	return out
}

// near fails unless got is want to within tol of the largest magnitude of want.
func near(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if d := apart(got, want); !(d <= tol) {
		t.Errorf("%s differs by %.3g: %.6v, want %.6v", what, d, got[:min(6, len(got))], want[:min(6, len(want))])
	}
}

// apart returns the largest difference relative to the largest magnitude of want.
func apart(got, want []float64) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	size, diff := 0.0, 0.0
	for i, v := range want {
		size = max(size, math.Abs(v))
		diff = max(diff, math.Abs(got[i]-v))
	}
	if size == 0 {
		return diff
	}
	return diff / size
}

// alignRows turns the rows of want, of length d, whose product with that of got is negative.
func alignRows(got, want []float64, d int) []float64 {
	want = slices.Clone(want)
	for i := 0; i+d <= min(len(got), len(want)); i += d {
		if linalg.Dot(got[i:i+d], want[i:i+d]) < 0 {
			linalg.Scal(-1, want[i:i+d])
		}
	}
	return want
}

// alignCols does so for columns, of matrices k wide.
func alignCols(got, want []float64, k int) []float64 {
	want = slices.Clone(want)
	for j := range k {
		dot := 0.0
		for i := j; i < min(len(got), len(want)); i += k {
			dot += got[i] * want[i]
		}
		for i := j; i < len(want) && dot < 0; i += k {
			want[i] = -want[i]
		}
	}
	return want
}

func normals(seed uint64, n, d int) *dense {
	r := rand.New(rand.NewPCG(seed, 1))
	X := linalg.NewDense[float64](n, d, nil)
	for i := range X.Data {
		X.Data[i] = r.NormFloat64()
	}
	return X
}

func mul(tA, tB blas.Transpose, a, b *dense) *dense {
	rows, cols := a.Rows, b.Cols
	if tA == blas.Trans {
		rows = a.Cols
	}
	if tB == blas.Trans {
		cols = b.Rows
	}
	out := linalg.NewDense[float64](rows, cols, nil)
	linalg.Gemm(tA, tB, 1, a, b, 0, out)
	return out
}

// lowRank returns n rows around rank directions of falling variance, with noise, about a
// mean of 1, 2, 3, ….
func lowRank(seed uint64, n, d, rank int, noise float64) *dense {
	u, v := normals(seed, n, rank), normals(seed+1, rank, d)
	for i := range n {
		for j := range rank {
			u.Row(i)[j] *= math.Exp(-float64(j) / float64(rank) * 3)
		}
	}
	X := mul(blas.NoTrans, blas.NoTrans, u, v)
	e := normals(seed+2, n, d)
	for i := range n {
		for j := range d {
			X.Row(i)[j] += noise*e.Row(i)[j] + float64(j%7)
		}
	}
	return X
}

// standardized returns X with columns of mean 0 and variance 1.
func standardized(X *dense) *dense {
	out := linalg.CopyOf[float64](X)
	n := float64(X.Rows)
	for j := range X.Cols {
		mean, dev := 0.0, 0.0
		for i := range X.Rows {
			mean += X.At(i, j) / n
		}
		for i := range X.Rows {
			dev += (X.At(i, j) - mean) * (X.At(i, j) - mean) / n
		}
		for i := range X.Rows {
			out.Set(i, j, (X.At(i, j)-mean)/math.Sqrt(dev))
		}
	}
	return out
}

// errorIs fails unless err wraps kind and says the text.
func errorIs(t *testing.T, err, kind error, text string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want one that wraps %q and says %q", err, kind, text)
	}
}

// orthonormal fails unless the rows of a are.
func orthonormal(t *testing.T, what string, a *dense) {
	t.Helper()
	g := mul(blas.NoTrans, blas.Trans, a, a)
	for i := range g.Rows {
		for j, v := range g.Row(i) {
			want := 0.0
			if i == j {
				want = 1
			}
			if math.Abs(v-want) > 1e-12 {
				t.Fatalf("%s: rows %d and %d have the product %v", what, i, j, v)
			}
		}
	}
}
