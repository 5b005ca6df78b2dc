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

	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
)

//go:embed peers/sklearn_adaboost_peer.py
var sklearnAdaBoostPy []byte

// adaBoostTrain is how many rows are trained on; the others are held out.
const adaBoostTrain = 50_000

// adaBoostRows compares 50 stumps with scikit-learn's, of SAMME and of its default.
func adaBoostRows(dir string) []row {
	sk := &peer{ready: true, start: func() (*exec.Cmd, error) {
		src := filepath.Join(dir, "sklearn_adaboost_peer.py")
		if err := os.WriteFile(src, sklearnAdaBoostPy, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command("/usr/bin/python3", src, dir)
		cmd.Env = environment()
		return cmd, nil
	}}
	return []row{adaBoostRow(dir, sk, "SAMME", false), adaBoostRow(dir, sk, "SAMME.R", true)}
}

func adaBoostRow(dir string, sk *peer, algorithm string, real bool) row {
	var X *linalg.Dense[float64]
	var y []int
	var theirs result
	ask := func() (float64, error) {
		line, err := sk.ask("%s", algorithm)
		if err != nil {
			return 0, err
		}
		err = json.Unmarshal([]byte(line), &theirs)
		return theirs.Seconds, err
	}
	auc := 0.0
	return row{
		name: "AdaBoost 50 stumps, 50000×28, " + algorithm, peer: "sklearn", target: 5, other: ask,
		gram: func() (float64, error) {
			if X == nil {
				if _, err := ask(); err != nil { // it writes the data
					return 0, err
				}
				var err error
				if X, y, err = adaBoostData(dir); err != nil {
					return 0, err
				}
			}
			start := time.Now()
			m, err := ensemble.AdaBoost{Base: ensemble.Tree{MaxDepth: 1, Workers: 1}, Real: real}.
				Fit(context.Background(), X.Slice(0, adaBoostTrain, 0, X.Cols), y[:adaBoostTrain], nil)
			seconds := time.Since(start).Seconds()
			if err != nil {
				return 0, err
			}
			d, err := m.DecisionFunction(nil, X.Slice(adaBoostTrain, X.Rows, 0, X.Cols))
			if err != nil {
				return 0, err
			}
			ones := make([]float64, len(d)/2)
			for i := range ones {
				ones[i] = d[2*i+1]
			}
			auc, err = eval.AUC(y[adaBoostTrain:], ones, nil)
			return seconds, err
		},
		note: func() string { return fmt.Sprintf("AUC %.5f, sklearn's is %+.2g beside it", auc, theirs.Objective-auc) },
	}
}

func adaBoostData(dir string) (*linalg.Dense[float64], []int, error) {
	n, d, x, err := npy(filepath.Join(dir, "adaboost_x.npy"))
	if err != nil {
		return nil, nil, err
	}
	_, _, labels, err := npy(filepath.Join(dir, "adaboost_y.npy"))
	if err != nil {
		return nil, nil, err
	}
	y := make([]int, n)
	for i, v := range floats(labels) {
		y[i] = int(v)
	}
	return linalg.NewDense(n, d, floats(x)), y, nil
}
