package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
)

//go:embed peers/boosting_peer.py
var boostingPy []byte

// boostingTrain and boostingSmall are how many rows of each problem are trained on.
const (
	boostingTrain = 500_000
	boostingSmall = 1_000
)

// A boosting is the problems of gradient boosting and the process of the peers.
type boosting struct {
	dir   string
	peers *peer
	X     map[string]*linalg.Dense[float64]
	y     map[string][]int
	model *ensemble.GradientBoostingClassifierModel
}

// boostingRows compares gradient boosting with XGBoost, scikit-learn and, if the environment
// has the directory of its Python package in LIGHTGBM, LightGBM.
func boostingRows(dir string, threads int) []row {
	b := &boosting{dir: dir, X: map[string]*linalg.Dense[float64]{}, y: map[string][]int{}}
	b.peers = &peer{ready: true, start: func() (*exec.Cmd, error) {
		src := filepath.Join(dir, "boosting_peer.py")
		if err := os.WriteFile(src, boostingPy, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command("/usr/bin/python3", src, dir, strconv.Itoa(threads))
		cmd.Env = append(environment(), "PYTHONPATH="+os.Getenv("LIGHTGBM"))
		return cmd, nil
	}}
	if threads > 1 {
		return []row{b.scaling(threads)}
	}
	names := []string{"XGBoost"}
	if os.Getenv("LIGHTGBM") != "" {
		names = append(names, "LightGBM")
	}
	var rows []row
	for _, name := range names {
		rows = append(rows, b.fit("fit", name, 1.5))
	}
	rows = append(rows, b.fit("fit", "sklearn", 1.8), b.fit("small", "sklearn", 5), b.memory())
	for _, name := range names {
		rows = append(rows, b.batch(name, 3), b.one(name, 1))
	}
	return rows
}

// ask returns the peer's seconds; result has the area under the curve.
func (b *boosting) ask(what, name string, to *result) (float64, error) {
	line, err := b.peers.ask("%s %s", what, name)
	if err != nil {
		return 0, err
	}
	err = json.Unmarshal([]byte(line), to)
	return to.Seconds, err
}

// data reads a problem, which the peer's process wrote when it began.
func (b *boosting) data(name string) (*linalg.Dense[float64], []int, error) {
	if b.X[name] != nil {
		return b.X[name], b.y[name], nil
	}
	if b.peers.in == nil {
		var r result
		if _, err := b.ask("small", "sklearn", &r); err != nil {
			return nil, nil, err
		}
	}
	n, d, x, err := npy(filepath.Join(b.dir, name+"_x.npy"))
	if err != nil {
		return nil, nil, err
	}
	_, _, labels, err := npy(filepath.Join(b.dir, name+"_y.npy"))
	if err != nil {
		return nil, nil, err
	}
	for _, v := range labels {
		b.y[name] = append(b.y[name], int(v))
	}
	b.X[name] = linalg.NewDense(n, d, floats(x))
	return b.X[name], b.y[name], nil
}

// train returns a model, the seconds it took and its area under the curve.
func (b *boosting) train(name string, n, workers int) (seconds, auc float64, err error) {
	X, y, err := b.data(name)
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	m, err := ensemble.GradientBoosting{Workers: workers}.FitClassifier(context.Background(), X.Slice(0, n, 0, X.Cols), y[:n], nil)
	seconds = time.Since(start).Seconds()
	if err != nil {
		return 0, 0, err
	}
	scores, err := m.DecisionFunction(nil, X.Slice(n, X.Rows, 0, X.Cols))
	if err != nil {
		return 0, 0, err
	}
	if n == boostingTrain {
		b.model = m
	}
	auc, err = eval.AUC(y[n:], scores, nil)
	return seconds, auc, err
}

func (b *boosting) fit(what, peer string, target float64) row {
	title, name, n := "500000×28", "boosting", boostingTrain
	if what == "small" {
		title, name, n = "1000×20", "boosting_small", boostingSmall
	}
	var ours, theirs scores
	return row{
		name: "GradientBoosting fit " + title, peer: peer, target: target,
		gram: func() (float64, error) {
			seconds, auc, err := b.train(name, n, 1)
			ours = append(ours, auc)
			return seconds, err
		},
		other: func() (float64, error) {
			var r result
			seconds, err := b.ask(what, peer, &r)
			theirs = append(theirs, r.Objective)
			return seconds, err
		},
		note: func() string { return fmt.Sprintf("AUC %v, the peer's %v", ours, theirs) },
	}
}

// memory compares the most bytes that are alive in a fit, beside X and the model, with those of
// X in bins, a byte a value, gradients, 8 bytes a row, and the histograms of as many nodes as
// there are leaves. What is alive is counted after collecting garbage in every round.
func (b *boosting) memory() row {
	const leaves, bins = 31, 256
	var all float64
	return row{
		name: "GradientBoosting memory of a fit 500000×28", peer: "1.5 × bins, gradients and histograms", target: 1, bytes: true,
		gram: func() (float64, error) {
			X, y, err := b.data("boosting")
			if err != nil {
				return 0, err
			}
			alive := func() float64 {
				var s runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&s)
				return float64(s.HeapAlloc)
			}
			var before, after runtime.MemStats
			start, peak := alive(), 0.0
			t := ensemble.GradientBoosting{Workers: 1, Progress: func(gram.Progress) { peak = max(peak, alive()-start) }}
			runtime.ReadMemStats(&before)
			m, err := t.FitClassifier(context.Background(), X.Slice(0, boostingTrain, 0, X.Cols), y[:boostingTrain], nil)
			runtime.ReadMemStats(&after)
			all = float64(after.TotalAlloc - before.TotalAlloc)
			model := alive() - start
			runtime.KeepAlive(m)
			return peak - model, err
		},
		other: func() (float64, error) {
			_, d := b.X["boosting"].Dims()
			return 1.5 * float64(boostingTrain*(d+8)+leaves*d*bins*8), nil
		},
		note: func() string {
			return fmt.Sprintf("all that the fit allocates, garbage and model included: %.1f MB", all/1e6)
		},
	}
}

// scaling compares more threads with one.
func (b *boosting) scaling(threads int) row {
	train := func(workers int) func() (float64, error) {
		return func() (float64, error) {
			seconds, _, err := b.train("boosting", boostingTrain, workers)
			return seconds, err
		}
	}
	return row{
		name: fmt.Sprintf("GradientBoosting fit 500000×28, %d threads", threads), peer: "one thread", target: 1.7,
		gram: train(threads), other: train(1),
	}
}

// trained trains the model that predicts, unless there is one.
func (b *boosting) trained() (*ensemble.GradientBoostingClassifierModel, *linalg.Dense[float64], error) {
	if b.model == nil {
		if _, _, err := b.train("boosting", boostingTrain, 1); err != nil {
			return nil, nil, err
		}
	}
	X := b.X["boosting"]
	return b.model, X.Slice(boostingTrain, X.Rows, 0, X.Cols), nil
}

func (b *boosting) batch(peer string, target float64) row {
	var theirs result
	return row{
		name: "GradientBoosting predict 100000 rows", peer: peer, target: target,
		gram: func() (float64, error) {
			m, X, err := b.trained()
			if err != nil {
				return 0, err
			}
			start := time.Now()
			_, err = m.PredictProba(nil, X)
			return time.Since(start).Seconds(), err
		},
		other: func() (float64, error) { return b.ask("batch", peer, &theirs) },
	}
}

func (b *boosting) one(peer string, target float64) row {
	var theirs result
	return row{
		name: "GradientBoosting predict one row", peer: peer, target: target,
		gram: func() (float64, error) {
			m, X, err := b.trained()
			if err != nil {
				return 0, err
			}
			p, i := make([]float64, 2), 0
			return timed(func() {
				if err = m.PredictProbaRow(p, X.Row(i%1000)); err != nil {
					panic(err)
				}
				i++
			})()
		},
		other: func() (float64, error) { return b.ask("row", peer, &theirs) },
		note:  func() string { return "wanted: under 1µs" },
	}
}
