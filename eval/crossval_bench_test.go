package eval_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"os"
	"strconv"
	"testing"

	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
)

// readDigits returns the UCI handwritten digits that the quickstart carries.
func readDigits(b *testing.B) (*linalg.Dense[float64], []int) {
	b.Helper()
	f, err := os.Open("../examples/quickstart/data/digits.csv.gz")
	if err != nil {
		b.Skip(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	records, err := csv.NewReader(z).ReadAll()
	if err != nil {
		b.Fatal(err)
	}
	X, y := linalg.NewDense[float64](len(records), 64, nil), make([]int, len(records))
	for i, r := range records {
		for j, s := range r[:64] {
			X.Data[i*64+j], _ = strconv.ParseFloat(s, 64)
		}
		y[i], _ = strconv.Atoi(r[64])
	}
	return X, y
}

func BenchmarkCrossValidate(b *testing.B) {
	X, y := readDigits(b)
	b.Run("digits/softmax/folds=5", func(b *testing.B) {
		for b.Loop() {
			if _, err := eval.CrossValidate(context.Background(), linear.Softmax{}, X, y, nil, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
