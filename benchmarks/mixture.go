package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mixture"
)

//go:embed peers/sklearn_mixture_peer.py
var sklearnMixturePy []byte

func sklearnMixture(dir string) *peer {
	return &peer{ready: true, start: func() (*exec.Cmd, error) {
		src := filepath.Join(dir, "sklearn_mixture_peer.py")
		if err := os.WriteFile(src, sklearnMixturePy, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command("/usr/bin/python3", src, dir)
		cmd.Env = environment()
		return cmd, nil
	}}
}

// mixtureWork is data that the peer has made, read when they are first needed.
type mixtureWork struct {
	dir, data string
	sk        *peer
	x         *linalg.Dense[float64]
}

// rows returns the data, which the peer has written once it has answered.
func (w *mixtureWork) rows(question string) (*linalg.Dense[float64], error) {
	if w.x != nil {
		return w.x, nil
	}
	if _, err := w.sk.ask("%s", question); err != nil {
		return nil, err
	}
	n, d, x, err := npy(filepath.Join(w.dir, w.data+"_x.npy"))
	if err == nil {
		w.x = linalg.NewDense(n, d, floats(x))
	}
	return w.x, err
}

// every returns k rows at even distances.
func every(X *linalg.Dense[float64], k int) []float64 {
	var out []float64
	for i := range k {
		out = append(out, X.Row(i*(X.Rows/k))...)
	}
	return out
}

// gmm fits 30 iterations from the peer's start.
func gmm(X *linalg.Dense[float64], k int, shape mixture.Covariance, workers int) (*mixture.GaussianMixtureModel, error) {
	start := &mixture.Start{Means: every(X, k)}
	d := X.Cols
	for range k {
		for i := range d {
			row := make([]float64, d)
			row[i] = 1
			if shape == mixture.Full {
				start.Precisions = append(start.Precisions, row...)
			} else {
				start.Precisions = append(start.Precisions, 1)
			}
		}
	}
	// A likelihood that has stopped to change to the last bit ends a fit, where the peer's goes
	// on: fits are then repeated until there are 30 iterations.
	var first *mixture.GaussianMixtureModel
	for left := 30; left > 0; {
		m, err := mixture.GaussianMixture{
			Components: k, Covariance: shape, Start: start, MaxIter: left, Tol: 1e-300, Workers: workers,
		}.Fit(context.Background(), X, nil)
		if err != nil && !errors.Is(err, gram.ErrNotConverged) {
			return nil, err
		}
		if first == nil {
			first = m
		}
		left -= m.Convergence().Iterations
	}
	return first, nil
}

func gmmObjective(k int, shape mixture.Covariance) func(*linalg.Dense[float64], int) (float64, error) {
	return func(X *linalg.Dense[float64], workers int) (float64, error) {
		m, err := gmm(X, k, shape, workers)
		if err != nil {
			return 0, err
		}
		return m.LogLikelihood(), nil
	}
}

func inertia(X *linalg.Dense[float64], workers int) (float64, error) {
	m, err := mixture.KMeans{Clusters: 64, Centers: every(X, 64), MaxIter: 20, Tol: 1e-300, Workers: workers}.Fit(context.Background(), X, nil)
	if err != nil && !errors.Is(err, gram.ErrNotConverged) {
		return 0, err
	}
	return m.Inertia(), nil
}

// mixtureRows compares fits with scikit-learn's on one thread, and with gram's own on
// one thread if there are several.
func mixtureRows(dir string, threads int) []row {
	sk := sklearnMixture(dir)
	full := &mixtureWork{dir: dir, data: "gmm_full", sk: sk}
	diag := &mixtureWork{dir: dir, data: "gmm_diag", sk: sk}
	fits := []struct {
		name, question string
		target         float64
		work           *mixtureWork
		fit            func(*linalg.Dense[float64], int) (float64, error)
	}{
		{"GMM full 100000×16, K=8, 30 iterations", "gmm_full", 6, full, gmmObjective(8, mixture.Full)},
		{"GMM diagonal 200000×32, K=16, 30 iterations", "gmm_diag", 5, diag, gmmObjective(16, mixture.Diagonal)},
		{"K-means 200000×32, K=64, 20 iterations", "kmeans", 2, diag, inertia},
	}
	var rows []row
	for _, f := range fits {
		if threads > 1 {
			rows = append(rows, mixtureScaling(f.name, f.question, f.work, threads, f.fit))
			continue
		}
		rows = append(rows, mixtureRow(f.name, f.question, f.target, f.work, func(X *linalg.Dense[float64]) (float64, error) { return f.fit(X, 1) }))
	}
	if threads == 1 {
		rows = append(rows, scoreRows(full)...)
	}
	return rows
}

// timedFit returns what times f on the data of a question and keeps its result.
func timedFit(question string, work *mixtureWork, into *result, f func(*linalg.Dense[float64]) (float64, error)) func() (float64, error) {
	return func() (float64, error) {
		X, err := work.rows(question)
		if err != nil {
			return 0, err
		}
		start := time.Now()
		into.Objective, err = f(X)
		return time.Since(start).Seconds(), err
	}
}

func mixtureRow(name, question string, target float64, work *mixtureWork, f func(*linalg.Dense[float64]) (float64, error)) row {
	var ours, theirs result
	return row{
		name: name, peer: "sklearn", target: target, gram: timedFit(question, work, &ours, f),
		other: func() (float64, error) {
			line, err := work.sk.ask("%s", question)
			if err != nil {
				return 0, err
			}
			err = json.Unmarshal([]byte(line), &theirs)
			return theirs.Seconds, err
		},
		note: func() string {
			return fmt.Sprintf("objective %.8g, sklearn's is %+.2g beside it", ours.Objective, theirs.Objective-ours.Objective)
		},
	}
}

func mixtureScaling(name, question string, work *mixtureWork, threads int, f func(*linalg.Dense[float64], int) (float64, error)) row {
	var many, one result
	return row{
		name: fmt.Sprintf("%s, %d threads", name, threads), peer: "1 thread", target: 0.85 * float64(threads),
		gram:  timedFit(question, work, &many, func(X *linalg.Dense[float64]) (float64, error) { return f(X, threads) }),
		other: timedFit(question, work, &one, func(X *linalg.Dense[float64]) (float64, error) { return f(X, 1) }),
		note:  func() string { return fmt.Sprintf("same objective: %v", many.Objective == one.Objective) },
	}
}

// scoreRows times the log-density of all rows and of one.
func scoreRows(work *mixtureWork) []row {
	var m *mixture.GaussianMixtureModel
	model := func() (err error) {
		if m == nil {
			X, err := work.rows("gmm_full")
			if err != nil {
				return err
			}
			m, err = gmm(X, 8, mixture.Full, 1)
			return err
		}
		return nil
	}
	batch := mixtureRow("Log-density of 100000×16, K=8, full", "score", 5, work, func(X *linalg.Dense[float64]) (float64, error) {
		dst, err := m.LogDensity(nil, X)
		return linalg.Sum(dst) / float64(len(dst)), err
	})
	fit := batch.gram
	batch.gram = func() (float64, error) {
		if err := model(); err != nil {
			return 0, err
		}
		return fit()
	}
	allocs := -1.0
	one := row{
		name: "GMM LogDensityRow, 16 features, K=8, full", peer: "bound", target: 1,
		gram: func() (float64, error) {
			if err := model(); err != nil {
				return 0, err
			}
			x := work.x.Row(0)
			allocs = testing.AllocsPerRun(100, func() { m.LogDensityRow(x) })
			return timed(func() { m.LogDensityRow(x) })()
		},
		other: func() (float64, error) { return 1e-6, nil },
		note:  func() string { return fmt.Sprintf("%v allocations", allocs) },
	}
	return []row{batch, one}
}
