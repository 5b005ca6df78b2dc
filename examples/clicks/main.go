// Command clicks learns who clicks on which advertisement, from impressions of which each
// is a handful of indicators among a thousand: the user, the advertisement, the hour and the
// device. Logistic regression knows who clicks often and what is clicked often; a
// factorization machine learns, besides, who likes what.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"text/tabwriter"
	"time"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/sparse"
)

// A market is what the impressions are drawn from, and what a model has to find out.
type market struct {
	users, ads []agent
	hours      []float64
	devices    []float64
}

// An agent clicks, or is clicked on, more or less often, and has tastes.
type agent struct {
	bias   float64
	tastes [3]float64
}

func newMarket(rng *rand.Rand, users, ads int) *market {
	agents := func(n int) []agent {
		out := make([]agent, n)
		for i := range out {
			out[i].bias = 0.5 * rng.NormFloat64()
			for k := range out[i].tastes {
				out[i].tastes[k] = 0.9 * rng.NormFloat64()
			}
		}
		return out
	}
	m := &market{users: agents(users), ads: agents(ads), hours: make([]float64, 24), devices: []float64{0, -0.4, 0.3}}
	for h := range m.hours {
		m.hours[h] = 0.5 * math.Sin(2*math.Pi*float64(h)/24)
	}
	return m
}

// impressions returns rows of four ones each, whether there was a click, and its true
// log-odds.
func (m *market) impressions(rng *rand.Rand, n int) (X *sparse.CSR[float64], clicks []int, odds []float64, err error) {
	ads, hours, devices := len(m.users), len(m.users)+len(m.ads), len(m.users)+len(m.ads)+len(m.hours)
	b, err := sparse.NewBuilder[float64](devices + len(m.devices))
	if err != nil {
		return nil, nil, nil, err
	}
	clicks, odds = make([]int, n), make([]float64, n)
	for i := range n {
		u, a, h, d := rng.IntN(len(m.users)), rng.IntN(len(m.ads)), rng.IntN(len(m.hours)), rng.IntN(len(m.devices))
		col := []uint32{uint32(u), uint32(ads + a), uint32(hours + h), uint32(devices + d)}
		if err := b.AppendRow(col, []float64{1, 1, 1, 1}); err != nil {
			return nil, nil, nil, err
		}
		odds[i] = m.users[u].bias + m.ads[a].bias + m.hours[h] + m.devices[d] - 1.5
		for k, t := range m.users[u].tastes {
			odds[i] += t * m.ads[a].tastes[k]
		}
		if rng.Float64() < 1/(1+math.Exp(-odds[i])) {
			clicks[i] = 1
		}
	}
	return b.Matrix(), clicks, odds, nil
}

// A finding is how a model did on impressions that it has not seen.
type finding struct {
	name         string
	logLoss, auc float64
	seconds      float64
}

// judge scores the probabilities of clicks.
func judge(name string, clicks []int, proba []float64, seconds float64) (*finding, error) {
	f := &finding{name: name, seconds: seconds}
	var err error
	if f.logLoss, err = eval.LogLoss(clicks, proba, nil); err != nil {
		return nil, err
	}
	score := make([]float64, len(clicks))
	for i := range score {
		score[i] = proba[2*i+1]
	}
	f.auc, err = eval.AUC(clicks, score, nil)
	return f, err
}

// run draws a market and lets each model learn it from a number of impressions.
func run(ctx context.Context, users, ads, impressions int) ([]*finding, error) {
	rng := rand.New(rand.NewPCG(1, 2))
	m := newMarket(rng, users, ads)
	X, clicks, _, err := m.impressions(rng, impressions)
	if err != nil {
		return nil, err
	}
	test, truth, odds, err := m.impressions(rng, impressions/4)
	if err != nil {
		return nil, err
	}
	var out []*finding
	for _, c := range []struct {
		name    string
		trainer gram.ClassifierTrainer
	}{
		{"logistic regression", linear.Logistic{C: 1}},
		{"factorization machine", linear.FMClassifier{Factors: 4, C: 1, FactorC: 0.3, InitStd: 0.3, Tol: 1e-4}},
	} {
		start := time.Now()
		model, err := c.trainer.TrainClassifier(ctx, X, clicks, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		seconds := time.Since(start).Seconds()
		proba, err := model.PredictProba(nil, test)
		if err != nil {
			return nil, err
		}
		f, err := judge(c.name, truth, proba, seconds)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	proba := make([]float64, 2*len(odds))
	for i, z := range odds {
		proba[2*i], proba[2*i+1] = 1/(1+math.Exp(z)), 1/(1+math.Exp(-z))
	}
	f, err := judge("the truth", truth, proba, 0)
	return append(out, f), err
}

func main() {
	impressions := flag.Int("impressions", 200_000, "how many to learn from")
	flag.Parse()
	log.SetFlags(0)
	const users, ads = 1000, 200
	found, err := run(context.Background(), users, ads, *impressions)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d impressions of %d advertisements to %d users; judged on %d others:\n\n", *impressions, ads, users, *impressions/4)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tlog-loss\tAUC\tseconds")
	for _, f := range found {
		fmt.Fprintf(w, "%s\t%.4f\t%.3f\t%.1f\n", f.name, f.logLoss, f.auc, f.seconds)
	}
	w.Flush()
	logistic, machine, truth := found[0], found[1], found[2]
	fmt.Printf("\nOf what logistic regression leaves to be known, the factorization machine finds %.0f %%.\n",
		100*(logistic.logLoss-machine.logLoss)/(logistic.logLoss-truth.logLoss))
}
