package ensemble_test

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/gram-ml/gram/linalg"
)

var background = context.Background()

// readData returns the features and targets of a file in testdata.
func readData(t testing.TB, name string) (*linalg.Dense[float64], []float64) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".csv")
	if err != nil {
		t.Fatal(err)
	}
	X := &linalg.Dense[float64]{}
	var y []float64
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
		y = append(y, X.Data[last])
		X.Data = X.Data[:last]
		X.Rows++
	}
	return X, y
}

func labelsOf(y []float64) []int {
	out := make([]int, len(y))
	for i, v := range y {
		out[i] = int(v)
	}
	return out
}

// golden reads a file of testdata.
func golden[T any](t testing.TB, name string) map[string]T {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	out := map[string]T{}
	for k, v := range raw {
		var x T
		if json.Unmarshal(v, &x) == nil {
			out[k] = x
		}
	}
	return out
}

// near tells whether got is within a relative tolerance of want.
func near(got, want, tol float64) bool { return math.Abs(got-want) <= tol*(1+math.Abs(want)) }

// meanErrors returns the mean squared and the mean absolute difference.
func meanErrors(p, y []float64) (mse, mae float64) {
	for i, v := range y {
		mse += (p[i] - v) * (p[i] - v) / float64(len(y))
		mae += math.Abs(p[i]-v) / float64(len(y))
	}
	return mse, mae
}

// logLoss returns the mean log-loss of probabilities, cut off at 1e-12.
func logLoss(p []float64, y []int) float64 {
	k, sum := len(p)/len(y), 0.0
	for i, c := range y {
		sum -= math.Log(max(p[i*k+c], 1e-12))
	}
	return sum / float64(len(y))
}

// noisy returns rows whose target has interactions, with missing values if holes is
// set, and which class they belong to.
func noisy(n, d int, holes bool, seed uint64) (X *linalg.Dense[float64], y []float64, labels []int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	X = linalg.NewDense[float64](n, d, nil)
	y, labels = make([]float64, n), make([]int, n)
	for i := range n {
		x := X.Row(i)
		for j := range x {
			x[j] = rng.NormFloat64()
		}
		y[i] = x[0]*x[1] + math.Sin(2*x[2%d]) + 0.5*x[3%d]*x[3%d] - 0.5 + 0.4*rng.NormFloat64()
		if y[i] > 0 {
			labels[i] = 1
		}
		for j := range x {
			if holes && rng.IntN(8) == 0 {
				x[j] = math.NaN()
			}
		}
	}
	return X, y, labels
}
