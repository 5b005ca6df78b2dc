package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/sparse"
)

//go:embed peers/sklearn_classification_peer.py
var sklearnClassificationPy []byte

func sklearnClassification(dir string) *peer {
	return &peer{ready: true, start: func() (*exec.Cmd, error) {
		src := filepath.Join(dir, "sklearn_classification_peer.py")
		if err := os.WriteFile(src, sklearnClassificationPy, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command("/usr/bin/python3", src, dir)
		cmd.Env = environment()
		return cmd, nil
	}}
}

// csrData reads a sparse matrix that the peer has written.
func csrData(dir, name string, cols int) (*sparse.CSR[float64], []int, error) {
	parts := map[string][]uint64{}
	for _, part := range []string{"data", "indices", "indptr", "y"} {
		_, _, values, err := npy(filepath.Join(dir, name+"_"+part+".npy"))
		if err != nil {
			return nil, nil, err
		}
		parts[part] = values
	}
	ptr, col := make([]int64, len(parts["indptr"])), make([]uint32, len(parts["indices"]))
	for i, v := range parts["indptr"] {
		ptr[i] = int64(v)
	}
	for i, v := range parts["indices"] {
		col[i] = uint32(v)
	}
	y := make([]int, len(parts["y"]))
	for i, v := range parts["y"] {
		y[i] = int(v)
	}
	A, err := sparse.NewCSR(len(y), cols, ptr, col, floats(parts["data"]))
	return A, y, err
}

// classificationRow compares a fit with scikit-learn's on the same data. Both sides give what
// they reached: a duality gap or the best log-loss.
func classificationRow(dir string, sk *peer, name, question string, target float64, read func() (gram.Matrix, []int, error), fit func(X gram.Matrix, y []int) (float64, error)) row {
	var X gram.Matrix
	var y []int
	var ours, theirs result
	return row{
		name: name, peer: "sklearn " + filepath.Base(question), target: target,
		gram: func() (float64, error) {
			if X == nil {
				if _, err := sk.ask("%s", question); err != nil { // has the data written
					return 0, err
				}
				var err error
				if X, y, err = read(); err != nil {
					return 0, err
				}
			}
			start := time.Now()
			reached, err := fit(X, y)
			ours = result{time.Since(start).Seconds(), reached}
			return ours.Seconds, err
		},
		other: func() (float64, error) {
			line, err := sk.ask("%s", question)
			if err != nil {
				return 0, err
			}
			err = json.Unmarshal([]byte(line), &theirs)
			return theirs.Seconds, err
		},
		note: func() string { return fmt.Sprintf("%.6g, sklearn's %.6g", ours.Objective, theirs.Objective) },
	}
}

// classificationRows compares on one thread; with two, scaling is measured.
func classificationRows(dir string, threads int) []row {
	sk := sklearnClassification(dir)
	l1 := func(C, tol float64, workers int) func(X gram.Matrix, y []int) (float64, error) {
		return func(X gram.Matrix, y []int) (float64, error) {
			m, err := linear.Logistic{C: C, L1Ratio: 1, NoIntercept: true, Tol: tol, Workers: workers}.Fit(context.Background(), X, y, nil)
			if err != nil {
				return 0, err
			}
			return m.Convergence().Residual, nil
		}
	}
	dense := func(name string) func() (gram.Matrix, []int, error) {
		return func() (gram.Matrix, []int, error) {
			X, y, err := data(dir, name)
			return X, y, err
		}
	}
	csr := func() (gram.Matrix, []int, error) {
		A, y, err := csrData(dir, "l1csr", 20_000)
		return A, y, err
	}
	const tol = 1.4e-11 // a gap of 1e-6
	if threads > 1 {
		return nil
	}
	return []row{
		classificationRow(dir, sk, "L1 logistic 100000×100, gap", "l1/liblinear", 8, dense("l1"), l1(0.01, tol, 1)),
		classificationRow(dir, sk, "L1 logistic 100000×100, gap", "l1/saga", 8, dense("l1"), l1(0.01, tol, 1)),
		classificationRow(dir, sk, "L1 logistic CSR 100000×20000, gap", "l1csr/liblinear", 8, csr, l1(1, tol, 1)),
		classificationRow(dir, sk, "LogisticCV 20000×100, 10 values, 5 folds, best log-loss", "cv/lbfgs", 10, dense("cv"), func(X gram.Matrix, y []int) (float64, error) {
			m, err := linear.LogisticCV{Base: linear.Logistic{Workers: 1}}.Fit(context.Background(), X, y, nil)
			if err != nil {
				return 0, err
			}
			losses, cs := m.LogLoss(), m.Cs()
			best := 0.0
			for f := 0; f < 5; f++ {
				for i, c := range cs {
					if c == m.C() {
						best += losses[f*len(cs)+i] / 5
					}
				}
			}
			return best, nil
		}),
	}
}
