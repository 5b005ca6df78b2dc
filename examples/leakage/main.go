// Leakage does the same search twice on data that hold nothing to be found: labels beside
// thousands of columns of noise, none of which knows them. Done wrong, columns are selected and
// scaled on all rows before the search splits them, and accuracy looks excellent. Done
// right, both are steps of the pipeline that is searched, and it is what it must be: ½.
//
//	go run ./examples/leakage
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/prep"
)

func main() {
	rows := flag.Int("rows", 100, "patients")
	columns := flag.Int("columns", 2000, "measurements of each")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if _, _, err := run(ctx, os.Stdout, *rows, *columns); err != nil {
		fmt.Fprintln(os.Stderr, "leakage:", err)
		os.Exit(1)
	}
}

// noise returns measurements and labels that have nothing to do with each other.
func noise(rows, columns int, seed uint64) (*linalg.Dense[float64], []int) {
	rng := rand.New(rand.NewPCG(seed, 0))
	X, y := linalg.NewDense[float64](rows, columns, nil), make([]int, rows)
	for i := range X.Data {
		X.Data[i] = rng.NormFloat64()
	}
	for i := range y {
		y[i] = i % 2 // as many of each; the columns do not know
	}
	return X, y
}

// steps are what is learned before the classifier: which columns to keep, and their
// scale.
var steps = []gram.TransformerTrainer{prep.SelectKBest{K: 20}, prep.Standard{}}

// classifier is the space that both searches look at.
func classifier(p *eval.Params) gram.ClassifierTrainer {
	return linear.Logistic{C: eval.Choose(p, "C", 0.01, 0.1, 1, 10)}
}

// run returns the accuracy that either way reports.
func run(ctx context.Context, out io.Writer, rows, columns int) (wrong, right float64, err error) {
	X, y := noise(rows, columns, 1)
	fmt.Fprintf(out, "%d rows, %d columns of noise, labels that none of them knows\n\n", rows, columns)
	if wrong, err = leak(ctx, X, y); err != nil {
		return 0, 0, err
	}
	fmt.Fprintf(out, "wrong: select and scale on all rows, then search     accuracy %.2f\n", wrong)
	if right, err = honest(ctx, X, y); err != nil {
		return 0, 0, err
	}
	fmt.Fprintf(out, "right: search the pipeline that selects and scales   accuracy %.2f\n", right)
	fmt.Fprintf(out, "truth: nothing better than a coin                    accuracy 0.50\n\n")
	fmt.Fprintf(out, "The selection had seen the labels of the test rows: %.2f of accuracy out of nothing.\n", wrong-right)
	return wrong, right, nil
}

var folds = eval.StratifiedKFold{N: 5, Shuffle: true, Seed: 3}

// leak learns the steps from all rows, and only then splits them.
func leak(ctx context.Context, X gram.Matrix, y []int) (float64, error) {
	targets := make([]float64, len(y))
	for i, c := range y {
		targets[i] = float64(c)
	}
	t, err := gram.TransformerPipeline{Steps: steps}.Fit(ctx, X, targets, nil)
	if err != nil {
		return 0, err
	}
	Z, err := t.Transform(nil, X) // the leak: these columns were chosen by every label
	if err != nil {
		return 0, err
	}
	return score(ctx, classifier, linalg.NewDense(len(y), t.OutFeatures(), Z), y)
}

// honest hands the search trainers of whole pipelines.
func honest(ctx context.Context, X gram.Matrix, y []int) (float64, error) {
	return score(ctx, func(p *eval.Params) gram.ClassifierTrainer {
		return gram.ClassifierPipeline{Steps: steps, Last: classifier(p)}
	}, X, y)
}

// score returns the accuracy of the model that a search chooses, by nested
// cross-validation.
func score(ctx context.Context, space func(*eval.Params) gram.ClassifierTrainer, X gram.Matrix, y []int) (float64, error) {
	search := eval.ClassifierSearch{Space: space, Folds: folds, Score: eval.LogLossScore()}
	cv, err := eval.CrossValidate(ctx, search, X, y, nil, folds)
	if err != nil {
		return 0, err
	}
	mean, _ := cv.Accuracy()
	return mean, nil
}
