// Quantize makes a classifier of handwritten digits small: it fits softmax regression,
// turns it into int8, and prints size, speed and accuracy before and after.
//
//	go run ./examples/quantize
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/quant"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if _, err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quantize:", err)
		os.Exit(1)
	}
}

// run returns what the quantization costs on images held out.
func run(ctx context.Context, out io.Writer) (quant.Comparison, error) {
	var none quant.Comparison
	X, y, err := digits()
	if err != nil {
		return none, err
	}
	split, err := eval.TrainTestSplit{TestSize: 0.3, Stratify: true}.Split(X.Rows, y)
	if err != nil {
		return none, err
	}
	Xtrain, err := eval.Rows(X, split[0].Train)
	if err != nil {
		return none, err
	}
	Xtest, err := eval.Rows(X, split[0].Test)
	if err != nil {
		return none, err
	}
	ytest := eval.Take(y, split[0].Test)
	before, err := linear.Softmax{C: 0.01}.Fit(ctx, Xtrain, eval.Take(y, split[0].Train), nil)
	if err != nil {
		return none, err
	}
	after, err := quant.Linear{}.Quantize(ctx, before, Xtrain, nil) // no labels: ranges only
	if err != nil {
		return none, err
	}
	c, err := quant.Compare(before, after, Xtest, ytest, nil)
	if err != nil {
		return none, err
	}
	fmt.Fprintf(out, "%-8s %12s %14s %10s %10s\n", "", "saved bytes", "time of a row", "accuracy", "log-loss")
	for _, m := range []struct {
		name    string
		model   gram.Classifier
		quality quant.Quality
	}{{"float64", before, c.Before}, {"int8", after, c.After}} {
		size, took, err := measure(m.model, X.Row(0))
		if err != nil {
			return none, err
		}
		fmt.Fprintf(out, "%-8s %12d %14v %10.4f %10.4f\n", m.name, size, took, m.quality.Accuracy, m.quality.LogLoss)
	}
	return c, products(out)
}

// measure returns the size of the model's file and the time of one prediction.
func measure(m gram.Classifier, x []float64) (size int, took time.Duration, err error) {
	var file bytes.Buffer
	if err := gram.Save(&file, m); err != nil {
		return 0, 0, err
	}
	const repetitions = 10000
	start := time.Now()
	for range repetitions {
		if _, err := m.PredictRow(x); err != nil {
			return 0, 0, err
		}
	}
	return file.Len(), time.Since(start) / repetitions, nil
}

// products times one row by a large layer, which is where int8 makes things fast: a row
// of ten classes takes mostly what surrounds the product.
func products(out io.Writer) error {
	const n = 2048
	w, x := make([]float32, n*n), make([]float32, n)
	for i := range w {
		w[i] = float32(i%17-8) / 100
	}
	for i := range x {
		x[i] = float32(i%23-11) / 10
	}
	channels, err := quant.SymmetricChannels(w, n)
	if err != nil {
		return err
	}
	q, err := quant.QuantizeChannels[int8](nil, w, channels)
	if err != nil {
		return err
	}
	packed, err := quant.PackWeights(q, n, n, channels)
	if err != nil {
		return err
	}
	in, err := quant.Asymmetric[uint8](-1.1, 1.1)
	if err != nil {
		return err
	}
	rows, results := make([]uint8, n), make([]float32, n)
	eight, err := timeOf(func() error {
		if _, err := quant.Quantize(rows, x, in); err != nil {
			return err
		}
		_, err := quant.MulFloat(results, rows, in, packed, quant.Output{})
		return err
	})
	if err != nil {
		return err
	}
	a := linalg.NewDense(n, n, w)
	float, err := timeOf(func() error {
		for i := range results {
			results[i] = linalg.Dot(a.Row(i), x)
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "a row by %d×%d weights: float32 %v, int8 %v\n", n, n, float, eight)
	return err
}

// timeOf returns the mean time of 20 calls.
func timeOf(f func() error) (time.Duration, error) {
	start := time.Now()
	for range 20 {
		if err := f(); err != nil {
			return 0, err
		}
	}
	return (time.Since(start) / 20).Round(time.Microsecond), nil
}

// The UCI handwritten digits; see data/README.md.
//
//go:embed data/digits.csv.gz
var digitsFile []byte

// digits returns the images, one a row of 64 pixels, and what they show.
func digits() (*linalg.Dense[float64], []int, error) {
	z, err := gzip.NewReader(bytes.NewReader(digitsFile))
	if err != nil {
		return nil, nil, err
	}
	lines, err := csv.NewReader(z).ReadAll()
	if err != nil {
		return nil, nil, err
	}
	const pixels = 64
	X, y := linalg.NewDense[float64](len(lines), pixels, nil), make([]int, len(lines))
	for i, fields := range lines {
		if len(fields) != pixels+1 {
			return nil, nil, fmt.Errorf("image %d has %d fields", i, len(fields))
		}
		for j := range pixels {
			if X.Row(i)[j], err = strconv.ParseFloat(fields[j], 64); err != nil {
				return nil, nil, fmt.Errorf("image %d: %w", i, err)
			}
		}
		if y[i], err = strconv.Atoi(fields[pixels]); err != nil {
			return nil, nil, fmt.Errorf("image %d: %w", i, err)
		}
	}
	return X, y, nil
}
