package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/sparse"
)

//go:embed peers/sklearn_decomp_peer.py
var sklearnDecompPy []byte

// decompWork asks the peer for data, once for each name.
type decompWork struct {
	dir   string
	sk    *peer
	dense map[string]*linalg.Dense[float64]
	text  *sparse.CSR[float64]
}

func newDecompWork(dir string) *decompWork {
	sk := &peer{ready: true, start: func() (*exec.Cmd, error) {
		src := filepath.Join(dir, "sklearn_decomp_peer.py")
		if err := os.WriteFile(src, sklearnDecompPy, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command("/usr/bin/python3", src, dir)
		cmd.Env = environment()
		return cmd, nil
	}}
	return &decompWork{dir: dir, sk: sk, dense: map[string]*linalg.Dense[float64]{}}
}

// matrix returns one of the files that a question has the peer write.
func (w *decompWork) matrix(question, file string) (*linalg.Dense[float64], error) {
	if w.dense[file] == nil {
		if _, err := w.sk.ask("data %s", question); err != nil {
			return nil, err
		}
		n, d, x, err := npy(filepath.Join(w.dir, file+".npy"))
		if err != nil {
			return nil, err
		}
		w.dense[file] = linalg.NewDense(n, d, floats(x))
	}
	return w.dense[file], nil
}

// words returns the sparse matrix.
func (w *decompWork) words() (*sparse.CSR[float64], error) {
	if w.text != nil {
		return w.text, nil
	}
	if _, err := w.sk.ask("data tsvd"); err != nil {
		return nil, err
	}
	var arrays [3][]uint64
	for i, name := range []string{"tsvd_indptr", "tsvd_indices", "tsvd_data"} {
		_, _, x, err := npy(filepath.Join(w.dir, name+".npy"))
		if err != nil {
			return nil, err
		}
		arrays[i] = x
	}
	ptr, col := make([]int64, len(arrays[0])), make([]uint32, len(arrays[1]))
	for i, v := range arrays[0] {
		ptr[i] = int64(v)
	}
	for i, v := range arrays[1] {
		col[i] = uint32(v)
	}
	var err error
	w.text, err = sparse.NewCSR(len(ptr)-1, 50_000, ptr, col, floats(arrays[2]))
	return w.text, err
}

// decompFit is one side of a row: it returns a measure of what was found.
type decompFit func(workers int) (seconds, objective float64, err error)

// pca fits by p and measures the explained variance.
func (w *decompWork) pca(name string, p decomp.PCA) decompFit {
	return func(workers int) (float64, float64, error) {
		X, err := w.matrix(name, name+"_x")
		if err != nil {
			return 0, 0, err
		}
		p := p
		p.Workers = workers
		start := time.Now()
		m, err := p.Fit(context.Background(), X, nil)
		if err != nil {
			return 0, 0, err
		}
		return time.Since(start).Seconds(), linalg.Sum(m.ExplainedVarianceRatio()), nil
	}
}

func (w *decompWork) incremental(workers int) (float64, float64, error) {
	X, err := w.matrix("pca_tall", "pca_tall_x")
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	inc := decomp.IncrementalPCA{PCA: decomp.PCA{Workers: workers}}
	for lo := 0; lo < X.Rows; lo += 1000 {
		if err := inc.Update(X.Slice(lo, lo+1000, 0, X.Cols), nil); err != nil {
			return 0, 0, err
		}
	}
	m, err := inc.Model()
	if err != nil {
		return 0, 0, err
	}
	return time.Since(start).Seconds(), linalg.Sum(m.ExplainedVarianceRatio()), nil
}

func (w *decompWork) truncated(workers int) (float64, float64, error) {
	X, err := w.words()
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	m, err := decomp.TruncatedSVD{Components: 50, Workers: workers}.Fit(context.Background(), X, nil)
	if err != nil {
		return 0, 0, err
	}
	return time.Since(start).Seconds(), linalg.Sum(m.ExplainedVarianceRatio()), nil
}

// kernel measures the sum of the eigenvalues.
func (w *decompWork) kernel(workers int) (float64, float64, error) {
	X, err := w.matrix("pca_tall", "pca_tall_x")
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	p := decomp.KernelPCA{Components: 10, Kernel: decomp.RBF, Gamma: 1e-3, Workers: workers}
	m, err := p.Fit(context.Background(), X.Slice(0, 4000, 0, X.Cols), nil)
	if err != nil {
		return 0, 0, err
	}
	return time.Since(start).Seconds(), 3999 * linalg.Sum(m.ExplainedVariance()), nil
}

// nmf starts from the peer's basis. Its objective is the peer's, the root of twice the loss.
func (w *decompWork) nmf(loss decomp.NMFLoss, iterations int) decompFit {
	return func(workers int) (float64, float64, error) {
		X, err := w.matrix("parts", "parts_x")
		if err != nil {
			return 0, 0, err
		}
		h, err := w.matrix("parts", "parts_h")
		if err != nil {
			return 0, 0, err
		}
		f := decomp.NMF{Components: 20, Loss: loss, Basis: h.Data, MaxIter: iterations, Tol: 1e-12, Workers: workers}
		start := time.Now()
		m, err := f.Fit(context.Background(), X, nil)
		if err != nil && !errors.Is(err, gram.ErrNotConverged) {
			return 0, 0, err
		}
		return time.Since(start).Seconds(), math.Sqrt(2 * m.Convergence().Objective), nil
	}
}

// autoencoder makes as many steps of Adam as the peer does. Its objective is the mean squared
// error of an element.
func (w *decompWork) autoencoder(workers int) (float64, float64, error) {
	X, err := w.matrix("squash", "squash_x")
	if err != nil {
		return 0, 0, err
	}
	a := decomp.Autoencoder{
		Components: 10, Hidden: []int{100}, Activation: "tanh", BatchSize: 200, Epochs: 20,
		Rate: linear.ConstantRate(0.003), Workers: workers,
	}
	start := time.Now()
	m, err := a.Fit(context.Background(), X, nil)
	if err != nil && !errors.Is(err, gram.ErrNotConverged) {
		return 0, 0, err
	}
	seconds := time.Since(start).Seconds()
	e, err := m.ReconstructionError(nil, X)
	return seconds, linalg.Sum(e) / float64(len(X.Data)), err
}

// timed keeps the objective of f for a note.
func (f decompFit) timed(workers int, into *result) func() (float64, error) {
	return func() (float64, error) {
		seconds, objective, err := f(workers)
		into.Objective = objective
		return seconds, err
	}
}

// row compares f with the peer's answer to a question.
func (w *decompWork) row(name, peer, question string, target float64, f decompFit) row {
	var ours, theirs result
	return row{
		name: name, peer: peer, target: target, gram: f.timed(1, &ours),
		other: func() (float64, error) {
			line, err := w.sk.ask("%s", question)
			if err != nil {
				return 0, err
			}
			err = json.Unmarshal([]byte(line), &theirs)
			return theirs.Seconds, err
		},
		note: func() string {
			return fmt.Sprintf("objective %.8g, the peer's is %+.2g beside it", ours.Objective, theirs.Objective-ours.Objective)
		},
	}
}

func decompScaling(name string, threads int, f decompFit) row {
	var many, one result
	return row{
		name: fmt.Sprintf("%s, %d threads", name, threads), peer: "1 thread", target: 0.8 * float64(threads),
		gram: f.timed(threads, &many), other: f.timed(1, &one),
		note: func() string {
			return fmt.Sprintf("same objective: %v", math.Float64bits(many.Objective) == math.Float64bits(one.Objective))
		},
	}
}

// decompRows compares fits with scikit-learn's on one thread, and with gram's own on one
// thread if there are several.
func decompRows(dir string, threads int) []row {
	w := newDecompWork(dir)
	tall := w.pca("pca_tall", decomp.PCA{})
	randomized := w.pca("pca_rand", decomp.PCA{Components: 20, Solver: decomp.Randomized})
	if threads > 1 {
		return []row{
			decompScaling("PCA 100000×200, all components", threads, tall),
			decompScaling("PCA 10000×2000, 20 components", threads, randomized),
			decompScaling("TruncatedSVD of CSR 200000×50000, 50 components", threads, w.truncated),
		}
	}
	return []row{
		w.row("PCA 100000×200, all components", "sklearn full", "tall", 15, tall),
		w.row("PCA 100000×200, all components, numpy", "numpy covariance + eigh", "covariance", 1.4, tall),
		w.row("PCA 10000×2000, 20 components", "sklearn randomized", "randomized", 3, randomized),
		w.row("Incremental PCA 100000×200, batches of 1000", "sklearn", "incremental", 10, w.incremental),
		w.row("TruncatedSVD of CSR 200000×50000, 50 components", "sklearn", "tsvd", 5, w.truncated),
		w.row("KernelPCA 4000×200, RBF, 10 components", "sklearn randomized", "kernel", 3, w.kernel),
		w.row("NMF 2000×1000, 20 components, squared error, 35 iterations", "sklearn cd, 200 iterations", "nmf", 3, w.nmf(decomp.Frobenius, 35)),
		w.row("NMF 2000×1000, 20 components, divergence, 50 iterations", "sklearn mu, 50 iterations", "nmf_kl", 1, w.nmf(decomp.KullbackLeibler, 50)),
		w.row("Autoencoder 10000×200 to 100 to 10, 20 epochs of Adam", "sklearn MLPRegressor", "autoencoder", 2, w.autoencoder),
		w.transformRow(),
	}
}

func (w *decompWork) transformRow() row {
	var m *decomp.PCAModel
	var x []float64
	dst := make([]float64, 20)
	allocs := -1.0
	return row{
		name: "PCA TransformRow, 200 to 20", peer: "bound", target: 1,
		gram: func() (float64, error) {
			if m == nil {
				X, err := w.matrix("pca_tall", "pca_tall_x")
				if err != nil {
					return 0, err
				}
				x = X.Row(0)
				if m, err = (decomp.PCA{Components: 20}).Fit(context.Background(), X, nil); err != nil {
					return 0, err
				}
			}
			allocs = testing.AllocsPerRun(100, func() { m.TransformRow(dst, x) })
			return timed(func() { m.TransformRow(dst, x) })()
		},
		other: func() (float64, error) { return 1e-6, nil },
		note:  func() string { return fmt.Sprintf("%v allocations", allocs) },
	}
}
