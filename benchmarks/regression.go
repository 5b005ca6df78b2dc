package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
)

//go:embed peers/sklearn_regression_peer.py
var sklearnRegressionPy []byte

func sklearnRegression(dir string) *peer {
	return &peer{ready: true, start: func() (*exec.Cmd, error) {
		src := filepath.Join(dir, "sklearn_regression_peer.py")
		if err := os.WriteFile(src, sklearnRegressionPy, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command("/usr/bin/python3", src, dir)
		cmd.Env = environment()
		return cmd, nil
	}}
}

// regressionRow compares a fit on the data of a question. The fit returns what
// computes its objective, outside the time.
func regressionRow(dir string, sk *peer, name, question string, target float64, fit func(X *linalg.Dense[float64], y []float64) (objective func() (float64, error), err error)) row {
	var X *linalg.Dense[float64]
	var y []float64
	var ours, theirs result
	return row{
		name: name, peer: "sklearn", target: target,
		gram: func() (float64, error) {
			if X == nil {
				if _, err := sk.ask("%s data", question); err != nil {
					return 0, err
				}
				n, d, x, err := npy(filepath.Join(dir, question+"_x.npy"))
				if err != nil {
					return 0, err
				}
				_, _, t, err := npy(filepath.Join(dir, question+"_y.npy"))
				if err != nil {
					return 0, err
				}
				X, y = linalg.NewDense(n, d, floats(x)), floats(t)
			}
			start := time.Now()
			objective, err := fit(X, y)
			seconds := time.Since(start).Seconds()
			if err == nil {
				ours.Objective, err = objective()
			}
			return seconds, err
		},
		other: func() (float64, error) {
			line, err := sk.ask("%s", question)
			if err != nil {
				return 0, err
			}
			err = json.Unmarshal([]byte(line), &theirs)
			return theirs.Seconds, err
		},
		note: func() string {
			return fmt.Sprintf("%.6g, sklearn's %.6g", ours.Objective, theirs.Objective)
		},
	}
}

// regressionRows compares fits with scikit-learn's on one thread.
func regressionRows(dir string, threads int) []row {
	if threads > 1 {
		return nil
	}
	sk := sklearnRegression(dir)
	return []row{
		regressionRow(dir, sk, "Isotonic 1000000", "isotonic", 3, func(X *linalg.Dense[float64], y []float64) (func() (float64, error), error) {
			m, err := linear.Isotonic{}.Fit(context.Background(), X, y, nil)
			return func() (float64, error) {
				p, err := m.Predict(nil, X)
				sum := 0.0
				for i, v := range p {
					sum += (y[i] - v) * (y[i] - v)
				}
				return sum, err
			}, err
		}),
		regressionRow(dir, sk, "Lasso path 5000×10000, 100 values, largest gap", "lasso", 3, func(X *linalg.Dense[float64], y []float64) (func() (float64, error), error) {
			path, err := linear.Lasso{Workers: 1, Tol: 2e-4, NoIntercept: true}.Path(context.Background(), X, y, nil, nil)
			return func() (float64, error) {
				worst := 0.0
				for _, m := range path {
					worst = max(worst, m.Convergence().Residual*float64(X.Rows))
				}
				return worst, nil
			}, err
		}),
		regressionRow(dir, sk, "Ridge 20000×200, 20 values, leave-one-out", "ridge", 1, func(X *linalg.Dense[float64], y []float64) (func() (float64, error), error) {
			var alphas []float64
			for k := range 20 {
				alphas = append(alphas, math.Pow(10, -3+7*float64(k)/19))
			}
			m, err := linear.Ridge{Workers: 1, Alphas: alphas}.Fit(context.Background(), X, y, nil)
			return func() (float64, error) {
				_, errors := m.LeaveOneOut()
				return slices.Min(errors), nil
			}, err
		}),
		regressionRow(dir, sk, "Poisson 100000×100", "poisson", 1, func(X *linalg.Dense[float64], y []float64) (func() (float64, error), error) {
			m, err := linear.Poisson{Workers: 1, Alpha: 1e-4, Tol: 1e-6}.Fit(context.Background(), X, y, nil)
			return func() (float64, error) { return m.Convergence().Objective, nil }, err
		}),
	}
}
