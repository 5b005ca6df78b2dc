// Quickstart trains a classifier of handwritten digits, judges it, saves it, loads it
// and serves it:
//
//	go run ./examples/quickstart                  # train, judge, save and load
//	go run ./examples/quickstart -listen :8080    # and then serve POST /predict
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/prep"
)

func main() {
	listen := flag.String("listen", "", "address to serve POST /predict on, such as :8080")
	path := flag.String("model", "", "file to keep the model in; a temporary one by default")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, *path, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// trainer is a pipeline of hyperparameters: nothing in it changes during a fit.
var trainer = gram.ClassifierPipeline{
	Steps: []gram.TransformerTrainer{prep.Standard{}},
	Last:  linear.Softmax{C: 0.3},
}

func run(ctx context.Context, out io.Writer, path, listen string) error {
	m, err := train(ctx, out, path)
	if err != nil || listen == "" {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "listening on %v: POST /predict {\"x\": [%d numbers]} or {\"rows\": [[…], …]}\n", l.Addr(), m.Features())
	return serve(ctx, l, m)
}

// train fits, judges, saves and loads the classifier, and returns the loaded one.
func train(ctx context.Context, out io.Writer, path string) (gram.Classifier, error) {
	start := time.Now()
	X, y, err := digits()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "%d images of %d pixels, 10 classes\n", X.Rows, X.Cols)

	// A fifth of the images is held out; the rest is for choosing and training.
	split, err := eval.TrainTestSplit{TestSize: 0.2, Stratify: true}.Split(X.Rows, y)
	if err != nil {
		return nil, err
	}
	Xtrain, ytrain, err := subset(X, y, split[0].Train)
	if err != nil {
		return nil, err
	}
	Xtest, ytest, err := subset(X, y, split[0].Test)
	if err != nil {
		return nil, err
	}

	cv, err := eval.CrossValidate(ctx, trainer, Xtrain, ytrain, nil, eval.StratifiedKFold{N: 5, Shuffle: true})
	if err != nil {
		return nil, err
	}
	mean, std := cv.Accuracy()
	loss, _ := cv.LogLoss()
	fmt.Fprintf(out, "5-fold cross-validation on %d: accuracy %.3f ± %.3f, log-loss %.3f, fits took %v\n",
		len(ytrain), mean, std, loss, cv.FitTime().Round(time.Millisecond))

	fitStart := time.Now()
	m, err := trainer.Fit(ctx, Xtrain, ytrain, nil)
	if err != nil {
		return nil, err
	}
	fitTime := time.Since(fitStart)
	pred, err := m.Predict(nil, Xtest)
	if err != nil {
		return nil, err
	}
	confusion, err := eval.Confusion(m.Classes(), ytest, pred, nil)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "held-out test on %d, fit took %v:\n%v\n", len(ytest), fitTime.Round(time.Millisecond), confusion)
	fmt.Fprintf(out, "accuracy %.3f\n", confusion.Accuracy())

	loaded, err := saveAndLoad(out, m, path, Xtest)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "time %v\n", time.Since(start).Round(time.Millisecond))
	return loaded, nil
}

func subset(X gram.Matrix, y []int, rows []int) (gram.Matrix, []int, error) {
	v, err := eval.Rows(X, rows)
	return v, eval.Take(y, rows), err
}

// saveAndLoad returns the classifier that comes back from the file, having checked
// that it gives the same probabilities, bit for bit.
func saveAndLoad(out io.Writer, m gram.Classifier, path string, X gram.Matrix) (gram.Classifier, error) {
	if path == "" {
		dir, err := os.MkdirTemp("", "quickstart")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		path = filepath.Join(dir, "digits.gram")
	}
	var buf bytes.Buffer
	if err := gram.Save(&buf, m); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	model, err := gram.Load(f)
	if err != nil {
		return nil, err
	}
	loaded, ok := model.(gram.Classifier)
	if !ok {
		return nil, fmt.Errorf("%s holds a %T, not a classifier", path, model)
	}
	if err := samePredictions(m, loaded, X); err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "saved in %d bytes and loaded: the same predictions, bit for bit\n", buf.Len())
	return loaded, nil
}

func samePredictions(a, b gram.Classifier, X gram.Matrix) error {
	p, err := a.PredictProba(nil, X)
	if err != nil {
		return err
	}
	q, err := b.PredictProba(nil, X)
	if err != nil {
		return err
	}
	if len(p) != len(q) {
		return errors.New("the loaded model has another number of classes")
	}
	for i := range p {
		if math.Float64bits(p[i]) != math.Float64bits(q[i]) {
			return fmt.Errorf("the loaded model gives probability %v where the saved one gave %v", q[i], p[i])
		}
	}
	return nil
}
