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

// written has the peer write the data of a name and reads them, at the first call.
func written(sk *peer, name string, read func() (gram.Matrix, []int, error)) func() (gram.Matrix, []int, error) {
	var X gram.Matrix
	var y []int
	return func() (gram.Matrix, []int, error) {
		if X != nil {
			return X, y, nil
		}
		if _, err := sk.ask("%s", name); err != nil {
			return nil, nil, err
		}
		var err error
		X, y, err = read()
		return X, y, err
	}
}

// classificationRow compares a fit with scikit-learn's on the same data. Both sides give what
// they reached: a duality gap or the best log-loss.
func classificationRow(sk *peer, name, question string, target float64, read func() (gram.Matrix, []int, error), fit func(X gram.Matrix, y []int) (float64, error)) row {
	var ours, theirs result
	return row{
		name: name, peer: "sklearn " + filepath.Base(question), target: target,
		gram: func() (float64, error) {
			X, y, err := read()
			if err != nil {
				return 0, err
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
		note: func() string { return fmt.Sprintf("%.12g, sklearn's %.12g", ours.Objective, theirs.Objective) },
	}
}

// threadsRow compares a fit on a number of threads with the same on one.
func threadsRow(name string, threads int, read func() (gram.Matrix, []int, error), fit func(workers int) func(X gram.Matrix, y []int) (float64, error)) row {
	on := func(workers int) func() (float64, error) {
		return func() (float64, error) {
			X, y, err := read()
			if err != nil {
				return 0, err
			}
			start := time.Now()
			_, err = fit(workers)(X, y)
			return time.Since(start).Seconds(), err
		}
	}
	return row{
		name: fmt.Sprintf("%s, %d threads", name, threads), peer: "1 thread", target: 0.8 * float64(threads),
		gram: on(threads), other: on(1),
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
		return written(sk, name, func() (gram.Matrix, []int, error) {
			X, y, err := data(dir, name)
			return X, y, err
		})
	}
	csr := func(name string, cols int) func() (gram.Matrix, []int, error) {
		return written(sk, name, func() (gram.Matrix, []int, error) {
			A, y, err := csrData(dir, name, cols)
			return A, y, err
		})
	}
	l2 := func(workers int) func(X gram.Matrix, y []int) (float64, error) {
		return func(X gram.Matrix, y []int) (float64, error) {
			m, err := linear.Logistic{Tol: 1e-8, Workers: workers}.Fit(context.Background(), X, y, nil) // for an objective no worse
			if err != nil {
				return 0, err
			}
			return m.Convergence().Objective, nil
		}
	}
	const tol = 1.4e-11 // a gap of 1e-6
	text := csr("l2csr", 50_000)
	if threads > 1 {
		return []row{
			threadsRow("Logistic CSR 200000×50000", threads, text, l2),
			threadsRow("L1 logistic 100000×100", threads, dense("l1"), func(workers int) func(X gram.Matrix, y []int) (float64, error) {
				return l1(0.01, tol, workers)
			}),
		}
	}
	return []row{
		classificationRow(sk, "Logistic CSR 200000×50000, 60 a row, objective", "l2csr/lbfgs", 5, text, l2(1)),
		classificationRow(sk, "Logistic CSR 200000×50000, 60 a row, objective", "l2csr/liblinear", 5, text, l2(1)),
		classificationRow(sk, "Logistic CSR 200000×50000, 60 a row, objective", "l2csr/newton-cg", 5, text, l2(1)),
		classificationRow(sk, "L1 logistic 100000×100, gap", "l1/liblinear", 8, dense("l1"), l1(0.01, tol, 1)),
		classificationRow(sk, "L1 logistic 100000×100, gap", "l1/saga", 8, dense("l1"), l1(0.01, tol, 1)),
		classificationRow(sk, "L1 logistic CSR 100000×20000, gap", "l1csr/liblinear", 8, csr("l1csr", 20_000), l1(1, tol, 1)),
		classificationRow(sk, "LogisticCV 20000×100, 10 values, 5 folds, best log-loss", "cv/lbfgs", 10, dense("cv"), func(X gram.Matrix, y []int) (float64, error) {
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
