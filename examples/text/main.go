// Command text sorts messages to a help desk by what they are about. Words are hashed to
// columns of a sparse matrix, weighted by how rare they are, and logistic regression with an L1
// penalty picks the few that tell the two kinds apart; its path shows how many it takes.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"slices"

	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/sparse"
)

// telling are words that messages of one kind have more often.
var telling = [2][]string{
	{"invoice", "refund", "charged", "payment", "card", "price", "subscription", "receipt"},
	{"crash", "error", "login", "password", "update", "slow", "screen", "install"},
}

// messages returns lists of words, few of which tell what the message is about: 0 for money
// and 1 for machines. The others follow Zipf's law.
func messages(rng *rand.Rand, n int) (docs [][]string, about []int) {
	common := rand.NewZipf(rng, 1.2, 20, 4999)
	for i := range n {
		kind := i % 2
		var doc []string
		for range 8 + rng.IntN(20) {
			doc = append(doc, fmt.Sprintf("word%d", common.Uint64()))
		}
		for range rng.IntN(3) {
			from := kind
			if rng.IntN(10) == 0 {
				from = 1 - kind
			}
			doc = append(doc, telling[from][rng.IntN(len(telling[from]))])
		}
		docs, about = append(docs, doc), append(about, kind)
	}
	return docs, about
}

const columns = 1 << 14

// hashed returns the counts of words in hashed columns.
func hashed(docs [][]string) (*sparse.CSR[float64], error) {
	return sparse.FeatureHasher{Features: columns, Unsigned: true}.Transform(docs)
}

// rarity returns the weight of each column, ln((1+n)/(1+df)) + 1.
func rarity(m *sparse.CSR[float64]) []float64 {
	idf := make([]float64, m.Cols)
	for j, df := range m.ColCounts() {
		idf[j] = math.Log(float64(1+m.Rows)/float64(1+df)) + 1
	}
	return idf
}

// weigh makes of counts rows of length 1 with weighted columns.
func weigh(m *sparse.CSR[float64], idf []float64) {
	m.ScaleCols(idf)
	m.NormalizeRows(2)
}

// A stop is a point of the path.
type stop struct {
	c                 float64
	words             int
	logLoss, accuracy float64
}

// names returns the telling words among the columns with the largest coefficients.
func names(coef []float64, most int) ([]string, error) {
	byColumn := map[int]string{}
	for _, words := range telling {
		for _, w := range words {
			m, err := hashed([][]string{{w}})
			if err != nil {
				return nil, err
			}
			col, _ := m.Row(0)
			byColumn[int(col[0])] = w
		}
	}
	order := make([]int, len(coef))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch d := math.Abs(coef[b]) - math.Abs(coef[a]); {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return 0
	})
	var out []string
	for _, j := range order[:most] {
		name := byColumn[j]
		if name == "" {
			name = fmt.Sprintf("column %d", j)
		}
		out = append(out, name)
	}
	return out, nil
}

// run fits the path and judges it on other messages.
func run(ctx context.Context, out io.Writer, n int) ([]stop, []string, error) {
	rng := rand.New(rand.NewPCG(1, 2))
	docs, y := messages(rng, n)
	others, truth := messages(rng, 2000)
	X, err := hashed(docs)
	if err != nil {
		return nil, nil, err
	}
	test, err := hashed(others)
	if err != nil {
		return nil, nil, err
	}
	idf := rarity(X)
	weigh(X, idf)
	weigh(test, idf)

	models, err := linear.Logistic{L1Ratio: 1}.Path(ctx, X, y, nil, []float64{0.1, 0.2, 0.5, 1, 2, 5, 20})
	if err != nil {
		return nil, nil, err
	}
	var stops []stop
	best := 0
	fmt.Fprintf(out, "%6s %6s %9s %9s\n", "C", "words", "log-loss", "accuracy")
	for i, c := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 20} {
		m := models[i]
		s := stop{c: c}
		for _, b := range m.Coef() {
			if b != 0 {
				s.words++
			}
		}
		p, err := m.PredictProba(nil, test)
		if err != nil {
			return nil, nil, err
		}
		if s.logLoss, err = eval.LogLoss(truth, p, nil); err != nil {
			return nil, nil, err
		}
		classes, err := m.Predict(nil, test)
		if err != nil {
			return nil, nil, err
		}
		if s.accuracy, err = eval.Accuracy(truth, classes, nil); err != nil {
			return nil, nil, err
		}
		fmt.Fprintf(out, "%6g %6d %9.3f %9.3f\n", c, s.words, s.logLoss, s.accuracy)
		stops = append(stops, s)
		if s.logLoss < stops[best].logLoss {
			best = i
		}
	}
	words, err := names(models[best].Coef(), 16)
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintf(out, "best with C = %g; the words that tell most: %v\n", stops[best].c, words)
	return stops, words, nil
}

func main() {
	n := flag.Int("n", 6000, "messages to train on")
	flag.Parse()
	if _, _, err := run(context.Background(), os.Stdout, *n); err != nil {
		log.Fatal(err)
	}
}
