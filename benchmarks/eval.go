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

	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
)

//go:embed peers/sklearn_eval_peer.py
var sklearnEvalPy []byte

func sklearnEval(dir string) *peer {
	return &peer{ready: true, start: func() (*exec.Cmd, error) {
		src := filepath.Join(dir, "sklearn_eval_peer.py")
		if err := os.WriteFile(src, sklearnEvalPy, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command("/usr/bin/python3", src, dir)
		cmd.Env = environment()
		return cmd, nil
	}}
}

// evalRows compares scores on one thread, and cross-validation on two.
func evalRows(dir string, threads int) []row {
	sk := sklearnEval(dir)
	if threads != 1 {
		const name = "Cross-validation of softmax, digits, 5 folds, 2 threads"
		return []row{
			evalRow(dir, sk, name+", both converged", "cv-converged", "digits", 5, crossValidate(1e-4)),
			evalRow(dir, sk, name+", sklearn's 100 iterations", "cv", "digits", 5, crossValidate(1e-3)),
		}
	}
	return []row{
		evalRow(dir, sk, "AUC of 1000000 scores", "auc", "ranking", 3,
			func(X *linalg.Dense[float64], y []int) (float64, error) { return eval.AUC(y, X.Data, nil) }),
		evalRow(dir, sk, "Average precision of 1000000 scores", "ap", "ranking", 3,
			func(X *linalg.Dense[float64], y []int) (float64, error) {
				return eval.AveragePrecision(y, X.Data, nil)
			}),
	}
}

// crossValidate returns the mean accuracy of fits to the given tolerance.
func crossValidate(tol float64) func(X *linalg.Dense[float64], y []int) (float64, error) {
	return func(X *linalg.Dense[float64], y []int) (float64, error) {
		trainer := linear.Softmax{Solver: linear.LBFGS, Tol: tol, Workers: 1} // folds are parallel
		cv, err := eval.CrossValidate(context.Background(), trainer, X, y, nil, eval.StratifiedKFold{N: 5})
		if err != nil {
			return 0, err
		}
		mean, _ := cv.Accuracy()
		return mean, nil
	}
}

// evalRow compares the time for a number that both sides compute from the same data.
func evalRow(dir string, sk *peer, name, work, set string, target float64, f func(X *linalg.Dense[float64], y []int) (float64, error)) row {
	var X *linalg.Dense[float64]
	var y []int
	var ours, theirs result
	ask := func() error {
		line, err := sk.ask("%s", work)
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(line), &theirs)
	}
	return row{
		name: name, peer: "sklearn", target: target,
		gram: func() (float64, error) {
			if X == nil {
				if err := ask(); err != nil { // has the data written, and warms up
					return 0, err
				}
				var err error
				if X, y, err = data(dir, set); err != nil {
					return 0, err
				}
				if _, err := f(X, y); err != nil {
					return 0, err
				}
			}
			start := time.Now()
			v, err := f(X, y)
			ours = result{time.Since(start).Seconds(), v}
			return ours.Seconds, err
		},
		other: func() (float64, error) {
			err := ask()
			return theirs.Seconds, err
		},
		note: func() string {
			return fmt.Sprintf("result %.6f, sklearn's is %+.2g beside it", ours.Objective, theirs.Objective-ours.Objective)
		},
	}
}
