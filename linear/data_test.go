package linear_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
)

var background = context.Background()

// readData returns the features and classes of a file in testdata.
func readData(t testing.TB, name string) (*linalg.Dense[float64], []int) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".csv")
	if err != nil {
		t.Fatal(err)
	}
	X := &linalg.Dense[float64]{}
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

// standardized returns X with columns of mean 0 and variance 1.
func standardized(X *linalg.Dense[float64]) *linalg.Dense[float64] {
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

// changed returns X with each element v of column j replaced by f(j, v).
func changed(X *linalg.Dense[float64], f func(j int, v float64) float64) *linalg.Dense[float64] {
	out := linalg.CopyOf[float64](X)
	for i := range X.Rows {
		for j, v := range X.Row(i) {
			out.Set(i, j, f(j, v))
		}
	}
	return out
}

type goldenCase struct {
	Name, Data, Weights            string
	C, Objective                   float64
	Standardize, Binary, Intercept bool
	Coef, Bias                     []float64
}

func golden(t *testing.T) []goldenCase {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []goldenCase }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) == 0 {
		t.Fatal("no golden cases")
	}
	return file.Cases
}

// distance returns the largest difference of a and b relative to the largest of b.
func distance(a, b []float64) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	worst, size := 0.0, 0.0
	for i := range a {
		worst = max(worst, math.Abs(a[i]-b[i]))
		size = max(size, math.Abs(b[i]))
	}
	if size == 0 {
		return worst
	}
	return worst / size
}

func norm(x []float64) float64 { return linalg.Nrm2(x) }

var solvers = []linear.Solver{linear.Auto, linear.NewtonCholesky, linear.NewtonCG, linear.LBFGS}
