package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
)

// A result is a fit of either side.
type result struct{ Seconds, Objective float64 }

// scores are those of models that depend on chance, one for each seed.
type scores []float64

// String returns their mean and its standard error.
func (s scores) String() string {
	mean, variance := stat.MeanVariance(s, nil)
	if len(s) < 2 || variance == 0 {
		return fmt.Sprintf("%.5f", mean)
	}
	return fmt.Sprintf("%.5f ± %.5f", mean, math.Sqrt(variance/float64(len(s))))
}

// data reads what the peer has written.
func data(dir, name string) (*linalg.Dense[float64], []int, error) {
	n, d, x, err := npy(filepath.Join(dir, name+"_x.npy"))
	if err != nil {
		return nil, nil, err
	}
	_, _, labels, err := npy(filepath.Join(dir, name+"_y.npy"))
	if err != nil {
		return nil, nil, err
	}
	y := make([]int, n)
	for i, l := range labels {
		y[i] = int(l)
	}
	return linalg.NewDense(n, d, floats(x)), y, nil
}

// fitRow compares a fit with scikit-learn's on the same data.
func fitRow(dir string, sk *peer, name, model, solver string, target float64, fit func(X gram.Matrix, y []int) (gram.Convergence, error)) row {
	var ours, theirs result
	var X *linalg.Dense[float64]
	var y []int
	return row{
		name: name, peer: "sklearn " + solver, target: target,
		gram: func() (float64, error) {
			if X == nil {
				if _, err := sk.ask("%s/%s", model, solver); err != nil { // has the data written
					return 0, err
				}
				var err error
				if X, y, err = data(dir, model); err != nil {
					return 0, err
				}
			}
			start := time.Now()
			c, err := fit(X, y)
			ours = result{time.Since(start).Seconds(), c.Objective}
			return ours.Seconds, err
		},
		other: func() (float64, error) {
			line, err := sk.ask("%s/%s", model, solver)
			if err != nil {
				return 0, err
			}
			err = json.Unmarshal([]byte(line), &theirs)
			return theirs.Seconds, err
		},
		note: func() string {
			return fmt.Sprintf("objective %.6f, sklearn's is %+.2g beside it", ours.Objective, theirs.Objective-ours.Objective)
		},
	}
}

func linearRows(dir string) []row {
	sk := sklearn(dir)
	ctx := context.Background()
	return []row{
		fitRow(dir, sk, "Logistic 100000×100", "logistic", "newton-cholesky", 4, func(X gram.Matrix, y []int) (gram.Convergence, error) {
			m, err := linear.Logistic{Tol: 1e-8}.Fit(ctx, X, y, nil) // stricter than asked, as its Newton steps overshoot
			if err != nil {
				return gram.Convergence{}, err
			}
			return m.Convergence(), nil
		}),
		fitRow(dir, sk, "Softmax 50000×256, 10 classes", "softmax", "lbfgs", 8, func(X gram.Matrix, y []int) (gram.Convergence, error) {
			m, err := linear.Softmax{}.Fit(ctx, X, y, nil)
			if err != nil {
				return gram.Convergence{}, err
			}
			return m.Convergence(), nil
		}),
		predictRow(),
	}
}

// predictRow holds the prediction of one row of 100 features against 60 ns.
func predictRow() row {
	X := random[float64](200, 100)
	y := make([]int, 200)
	for i := range y {
		if X.At(i, 0) > 0 {
			y[i] = 1
		}
	}
	var m *linear.LogisticModel
	dst := make([]float64, 2)
	allocs := -1.0
	return row{
		name: "Logistic PredictProbaRow, 100 features", peer: "bound", target: 1,
		gram: func() (float64, error) {
			if m == nil {
				var err error
				if m, err = (linear.Logistic{}).Fit(context.Background(), X, y, nil); err != nil {
					return 0, err
				}
				allocs = testing.AllocsPerRun(100, func() { m.PredictProbaRow(dst, X.Row(0)) })
			}
			return timed(func() { m.PredictProbaRow(dst, X.Row(0)) })()
		},
		other: func() (float64, error) { return 60e-9, nil },
		note:  func() string { return fmt.Sprintf("%v allocations", allocs) },
	}
}
