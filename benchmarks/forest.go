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
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
)

//go:embed peers/sklearn_forest_peer.py
var sklearnForestPy []byte

const (
	// forestTrain is how many rows are trained on; the others are held out.
	forestTrain = 100_000
	// fewTrees is how many the peer grows in the time that is multiplied for manyTrees.
	fewTrees, manyTrees = 10, 100
)

// grove is the data of the forests and what they are compared with.
type grove struct {
	dir  string
	sk   *peer
	X    *linalg.Dense[float64]
	y    []int
	last *ensemble.ForestClassifierModel
}

// forestRows compares one tree, forests and their predictions with scikit-learn's.
func forestRows(dir string) []row {
	g := &grove{dir: dir}
	g.sk = &peer{ready: true, start: func() (*exec.Cmd, error) {
		src := filepath.Join(dir, "sklearn_forest_peer.py")
		if err := os.WriteFile(src, sklearnForestPy, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command("/usr/bin/python3", src, dir)
		cmd.Env = environment()
		return cmd, nil
	}}
	forest := func(trees int, seed uint64) gram.ClassifierTrainer {
		return ensemble.Forest{Estimators: trees, Seed: seed, Workers: 1}
	}
	extra := func(trees int, seed uint64) gram.ClassifierTrainer {
		return ensemble.ExtraTrees{Estimators: trees, Seed: seed, Workers: 1}
	}
	tree := func(int, uint64) gram.ClassifierTrainer { return ensemble.Tree{Workers: 1} }
	return []row{
		g.fits("one exact tree, 100000×28", "tree", 1, 2, tree),
		g.fits("ExtraTrees, 100 trees, 100000×28", fmt.Sprint("extra ", fewTrees), manyTrees/fewTrees, 4, extra),
		g.fits("Forest, 100 trees, 100000×28", fmt.Sprint("forest ", fewTrees), manyTrees/fewTrees, 10, forest),
		g.predicts("Forest, probabilities of 20000 rows", "predict", 3, g.batch),
		g.predicts("Forest, probabilities of one row", "row", 60, g.row),
	}
}

func (g *grove) ask(request string, r *result) (float64, error) {
	line, err := g.sk.ask("%s", request)
	if err != nil {
		return 0, err
	}
	err = json.Unmarshal([]byte(line), r)
	return r.Seconds, err
}

// data reads what the peer has written.
func (g *grove) data() error {
	if g.X != nil {
		return nil
	}
	var r result
	if _, err := g.ask("tree", &r); err != nil {
		return err
	}
	n, d, x, err := npy(filepath.Join(g.dir, "forest_x.npy"))
	if err != nil {
		return err
	}
	_, _, labels, err := npy(filepath.Join(g.dir, "forest_y.npy"))
	if err != nil {
		return err
	}
	g.X, g.y = linalg.NewDense(n, d, floats(x)), make([]int, n)
	for i, v := range floats(labels) {
		g.y[i] = int(v)
	}
	return nil
}

// fits is a row whose peer grows a part of the trees in its time: scale is how many times
// as many ours are. The areas under the curve are of the peer's number of trees, by seed.
func (g *grove) fits(name, request string, scale, target float64, trainer func(trees int, seed uint64) gram.ClassifierTrainer) row {
	var ours, theirs scores
	peerName := "sklearn"
	if scale > 1 {
		peerName = fmt.Sprintf("sklearn, %d trees", fewTrees)
	}
	return row{
		name: name, peer: peerName, target: target, scale: scale,
		other: func() (float64, error) {
			var r result
			seconds, err := g.ask(request, &r)
			theirs = append(theirs, r.Objective)
			return seconds, err
		},
		gram: func() (float64, error) {
			if err := g.data(); err != nil {
				return 0, err
			}
			X, y := g.X.Slice(0, forestTrain, 0, g.X.Cols), g.y[:forestTrain]
			seed := uint64(len(ours))
			start := time.Now()
			m, err := trainer(manyTrees, seed).TrainClassifier(context.Background(), X, y, nil)
			seconds := time.Since(start).Seconds()
			if err != nil {
				return 0, err
			}
			if f, ok := m.(*ensemble.ForestClassifierModel); ok {
				g.last = f
			}
			if m, err = trainer(fewTrees, seed).TrainClassifier(context.Background(), X, y, nil); err != nil {
				return 0, err
			}
			auc, err := g.auc(m)
			ours = append(ours, auc)
			return seconds, err
		},
		note: func() string { return fmt.Sprintf("AUC %v, sklearn's %v", ours, theirs) },
	}
}

func (g *grove) test() *linalg.Dense[float64] { return g.X.Slice(forestTrain, g.X.Rows, 0, g.X.Cols) }

func (g *grove) auc(m gram.Classifier) (float64, error) {
	p, err := m.PredictProba(nil, g.test())
	if err != nil {
		return 0, err
	}
	ones := make([]float64, len(p)/2)
	for i := range ones {
		ones[i] = p[2*i+1]
	}
	return eval.AUC(g.y[forestTrain:], ones, nil)
}

// predicts is a row of the forest that was fitted last, or of one of manyTrees, against the
// peer's of fewTrees.
func (g *grove) predicts(name, request string, target float64, gramSide func() (float64, error)) row {
	var theirs result
	fitted := false
	return row{
		name: name, peer: fmt.Sprintf("sklearn, %d trees", fewTrees), target: target, scale: scaleOf(request),
		other: func() (float64, error) {
			if !fitted {
				if _, err := g.ask(fmt.Sprint("forest ", fewTrees), &theirs); err != nil {
					return 0, err
				}
				fitted = true
			}
			return g.ask(request, &theirs)
		},
		gram: func() (float64, error) {
			if err := g.data(); err != nil {
				return 0, err
			}
			if g.last == nil {
				m, err := ensemble.Forest{Estimators: manyTrees}.FitClassifier(context.Background(), g.X.Slice(0, forestTrain, 0, g.X.Cols), g.y[:forestTrain], nil)
				if err != nil {
					return 0, err
				}
				g.last = m
			}
			return gramSide()
		},
	}
}

// scaleOf is what the peer's time is multiplied by: its calls have a cost of their own, which
// a batch does not show.
func scaleOf(request string) float64 {
	if request == "predict" {
		return manyTrees / fewTrees
	}
	return 1
}

func (g *grove) batch() (float64, error) {
	X := g.test()
	dst := make([]float64, 2*X.Rows)
	start := time.Now()
	_, err := g.last.PredictProba(dst, X)
	return time.Since(start).Seconds(), err
}

// row predicts one row after the other, none of them twice.
func (g *grove) row() (float64, error) {
	X := g.test()
	var dst [2]float64
	start := time.Now()
	for i := range X.Rows {
		if err := g.last.PredictProbaRow(dst[:], X.Row(i)); err != nil {
			return 0, err
		}
	}
	return time.Since(start).Seconds() / float64(X.Rows), nil
}
