// Command stack compares a classifier made of others with each of them alone: a forest,
// gradient boosting and logistic regression, the mean of their probabilities, and a stack that
// learns whom to believe, as they are and calibrated. It draws how far the probabilities of
// boosting come true, before calibration and after.
package main

import (
	"context"
	"flag"
	"fmt"
	"image/color"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/prep"
)

// customers returns rows of eight columns and who of them left. The log-odds have a linear
// part, which logistic regression sees best, and steps and a product, which trees do.
func customers(rng *rand.Rand, rows int) (*linalg.Dense[float64], []int) {
	X, y := linalg.NewDense[float64](rows, 8, nil), make([]int, rows)
	for i := range rows {
		x := X.Row(i)
		for j := range x {
			x[j] = rng.NormFloat64()
		}
		logit := 0.8*x[0] - 0.6*x[1] + 0.5*x[2] + 1.2*x[3]*x[4]
		if x[5] > 0.5 {
			logit += 1.5
		}
		if rng.Float64() < 1/(1+math.Exp(-logit)) {
			y[i] = 1
		}
	}
	return X, y
}

// A contestant is a trainer with a name, and how it did on rows it has not seen.
type contestant struct {
	name    string
	trainer gram.ClassifierTrainer

	accuracy, logLoss, auc, gap float64
	reliability                 *eval.Calibration
}

func contestants() []*contestant {
	logistic := gram.ClassifierPipeline{Steps: []gram.TransformerTrainer{prep.Standard{}}, Last: linear.Logistic{}}
	forest := ensemble.Forest{Estimators: 100, MinLeaf: 3}
	boosting := ensemble.GradientBoosting{Rounds: 150, MaxLeaves: 15}
	all := []gram.ClassifierTrainer{logistic, forest, boosting}
	stack := ensemble.Stacking{Trainers: all, Last: linear.Logistic{}}
	return []*contestant{
		{name: "logistic regression", trainer: logistic},
		{name: "forest", trainer: forest},
		{name: "boosting", trainer: boosting},
		{name: "boosting, calibrated", trainer: ensemble.Calibrated{Base: boosting}},
		{name: "mean of the three", trainer: ensemble.Voting{Trainers: all}},
		{name: "stack of the three", trainer: stack},
		{name: "stack, calibrated", trainer: ensemble.Calibrated{Base: stack}},
	}
}

// judge trains on some rows and scores on others.
func (c *contestant) judge(ctx context.Context, X, test gram.Matrix, y, truth []int) error {
	m, err := c.trainer.TrainClassifier(ctx, X, y, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	p, err := m.PredictProba(nil, test)
	if err != nil {
		return err
	}
	pred, ones := make([]int, len(truth)), make([]float64, len(truth))
	for i := range truth {
		if ones[i] = p[2*i+1]; ones[i] > p[2*i] {
			pred[i] = 1
		}
	}
	if c.accuracy, err = eval.Accuracy(truth, pred, nil); err != nil {
		return err
	}
	if c.logLoss, err = eval.LogLoss(truth, p, nil); err != nil {
		return err
	}
	if c.auc, err = eval.AUC(truth, ones, nil); err != nil {
		return err
	}
	if c.reliability, err = eval.Calibrate(truth, ones, nil, 10, eval.Uniform); err != nil {
		return err
	}
	c.gap = c.reliability.ECE()
	return nil
}

// run trains and judges all of them.
func run(ctx context.Context, rows int) ([]*contestant, error) {
	rng := rand.New(rand.NewPCG(3, 1))
	X, y := customers(rng, rows)
	test, truth := customers(rng, 5000)
	all := contestants()
	for _, c := range all {
		if err := c.judge(ctx, X, test, y, truth); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// draw writes the reliability diagram of contestants 2 and 3 to a PNG file.
func draw(path string, all []*contestant) error {
	p := plot.New()
	p.Title.Text = "How far probabilities come true"
	p.X.Label.Text, p.Y.Label.Text = "predicted probability", "share of rows of class 1"
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	diagonal := plotter.NewFunction(func(x float64) float64 { return x })
	diagonal.Dashes = []vg.Length{vg.Points(3), vg.Points(3)}
	p.Add(plotter.NewGrid(), diagonal)
	for i, c := range all[2:4] {
		points := make(plotter.XYs, len(c.reliability.Predicted))
		for b := range points {
			points[b] = plotter.XY{X: c.reliability.Predicted[b], Y: c.reliability.Observed[b]}
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		line.Color = []color.Color{color.RGBA{R: 200, A: 255}, color.RGBA{B: 200, A: 255}}[i]
		dots.Color = line.Color
		p.Add(line, dots)
		p.Legend.Add(c.name, line, dots)
	}
	p.Legend.Left, p.Legend.Top = true, true
	return p.Save(5*vg.Inch, 5*vg.Inch, path)
}

func main() {
	rows := flag.Int("rows", 3000, "rows to train on")
	out := flag.String("plot", filepath.Join(os.TempDir(), "reliability.png"), "where to draw the reliability diagram")
	flag.Parse()
	all, err := run(context.Background(), *rows)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%-26s %9s %9s %9s %9s\n", "", "accuracy", "log-loss", "AUC", "gap")
	for _, c := range all {
		fmt.Printf("%-26s %9.3f %9.3f %9.3f %9.3f\n", c.name, c.accuracy, c.logLoss, c.auc, c.gap)
	}
	if err := draw(*out, all); err != nil {
		log.Fatal(err)
	}
	fmt.Println("reliability diagram:", *out)
}
