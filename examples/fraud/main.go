// Fraud finds the few payments that are fraudulent, and asks what a model of rare events
// must be asked: not its accuracy, but how the top of its ranking looks, whether its
// probabilities are true, and at which of them it pays to stop a payment.
//
//	go run ./examples/fraud               # the numbers
//	go run ./examples/fraud -plots DIR    # and four plots in PNG
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/prep"
)

func main() {
	plots := flag.String("plots", "", "directory to write plots to; none by default")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if _, err := run(ctx, os.Stdout, *plots); err != nil {
		fmt.Fprintln(os.Stderr, "fraud:", err)
		os.Exit(1)
	}
}

// costs are in euros: a fraud that goes through is lost, a check of a payment is work, and
// of a fraud that is caught only the work is lost.
var costs = eval.Costs{
	{0, 5},   // honest: let through, checked
	{200, 5}, // fraudulent: let through, checked
}

func pipeline(l linear.Logistic) gram.ClassifierTrainer {
	return gram.ClassifierPipeline{Steps: []gram.TransformerTrainer{prep.Standard{}}, Last: l}
}

// A report is how one trainer did on payments that it has not seen.
type report struct {
	name             string
	accuracy         float64
	auc, ap, ece     float64
	threshold, cost  float64
	precision, catch float64
	proba            []float64 // of fraud
}

func run(ctx context.Context, out io.Writer, plots string) ([]report, error) {
	X, y := payments(30000, 0.01, 1)
	split, err := eval.TrainTestSplit{TestSize: 0.4, Stratify: true}.Split(X.Rows, y)
	if err != nil {
		return nil, err
	}
	train, err := eval.Rows(X, split[0].Train)
	if err != nil {
		return nil, err
	}
	test, err := eval.Rows(X, split[0].Test)
	if err != nil {
		return nil, err
	}
	ytrain, ytest := eval.Take(y, split[0].Train), eval.Take(y, split[0].Test)
	frauds := 0
	for _, c := range ytest {
		frauds += c
	}
	fmt.Fprintf(out, "%d payments to train on, %d to test on with %d frauds (%.1f %%)\n\n",
		len(ytrain), len(ytest), frauds, 100*float64(frauds)/float64(len(ytest)))
	fmt.Fprintf(out, "%-38s accuracy    AUC  average precision    ECE  threshold  caught  precision  cost/payment\n", "")

	plain, balanced := pipeline(linear.Logistic{}), pipeline(linear.Logistic{Balanced: true})
	var reports []report
	for _, c := range []struct {
		name    string
		trainer gram.ClassifierTrainer
	}{
		{"plain, at 1/2", plain},
		{"balanced class weights, at 1/2", balanced},
		{"plain, threshold by cost", eval.TunedThreshold{Base: plain, Rule: eval.MinCost(costs)}},
		{"balanced, threshold by cost", eval.TunedThreshold{Base: balanced, Rule: eval.MinCost(costs)}},
	} {
		r, err := judge(ctx, c.name, c.trainer, train, ytrain, test, ytest)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Fprintf(out, "%-38s %8.3f %6.3f %18.3f %6.3f %10.3f %7.2f %10.2f %13.2f\n",
			r.name, r.accuracy, r.auc, r.ap, r.ece, r.threshold, r.catch, r.precision, r.cost)
		reports = append(reports, r)
	}
	if err := conclude(ctx, out, reports, ytest); err != nil {
		return nil, err
	}
	if plots != "" {
		err = draw(out, plots, reports, ytest)
	}
	return reports, err
}

// judge trains, and scores predictions of payments that were not trained on.
func judge(ctx context.Context, name string, t gram.ClassifierTrainer, X gram.Matrix, y []int, Xtest gram.Matrix, ytest []int) (report, error) {
	r := report{name: name, threshold: 0.5}
	m, err := t.TrainClassifier(ctx, X, y, nil)
	if err != nil {
		return r, err
	}
	if tuned, ok := m.(*eval.ThresholdModel); ok {
		r.threshold = tuned.Threshold()
	}
	pred, err := m.Predict(nil, Xtest)
	if err != nil {
		return r, err
	}
	proba, err := m.PredictProba(nil, Xtest)
	if err != nil {
		return r, err
	}
	for i := range ytest {
		r.proba = append(r.proba, proba[2*i+1])
	}
	c, err := eval.Confusion(2, ytest, pred, nil)
	if err != nil {
		return r, err
	}
	r.accuracy, r.precision, r.catch = c.Accuracy(), c.Precision(1), c.Recall(1)
	for label := range costs {
		for p, cost := range costs[label] {
			r.cost += cost * c.At(label, p) / c.Total()
		}
	}
	if r.auc, err = eval.AUC(ytest, r.proba, nil); err != nil {
		return r, err
	}
	if r.ap, err = eval.AveragePrecision(ytest, r.proba, nil); err != nil {
		return r, err
	}
	calibration, err := eval.Calibrate(ytest, r.proba, nil, 10, eval.Quantile)
	if err != nil {
		return r, err
	}
	r.ece = calibration.ECE()
	return r, nil
}

// conclude says how sure the average precision is, and what the threshold saves.
func conclude(ctx context.Context, out io.Writer, reports []report, y []int) error {
	ap, err := eval.Bootstrap{Samples: 300, Strata: y}.Interval(ctx, len(y), func(rows []int) (float64, error) {
		return eval.AveragePrecision(eval.Take(y, rows), eval.Take(reports[0].proba, rows), nil)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\naverage precision %.3f, 95 %% between %.3f and %.3f\n", ap.Value, ap.Low, ap.High)
	naive, tuned := reports[0], reports[2]
	for _, r := range reports {
		tuned.cost = math.Min(tuned.cost, r.cost)
	}
	fmt.Fprintf(out, "theory puts the threshold of true probabilities at %.3f\n", costs[0][1]/(costs[0][1]+costs[1][0]-costs[1][1]))
	fmt.Fprintf(out, "a threshold by cost saves %.0f %% of what deciding at 1/2 costs\n", 100*(1-tuned.cost/naive.cost))
	return nil
}
