// Command streaming learns from batches of rows that come one after the other and are not
// kept. It compares schedules of learning rates for stochastic gradient descent, each stopped
// when the log-loss on rows kept apart has not come down for a while, with the exact fit to
// all rows, and draws the rates and the losses.
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
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
)

const features, classes = 20, 3

// A source gives rows of features in odd units, and their classes.
type source struct {
	rng  *rand.Rand
	coef [classes][features]float64
}

func newSource(seed uint64) *source {
	s := &source{rng: rand.New(rand.NewPCG(seed, 1))}
	for k := range s.coef {
		for j := range s.coef[k] {
			s.coef[k][j] = s.rng.NormFloat64() / 2
		}
	}
	return s
}

func (s *source) batch(n int) (*linalg.Dense[float64], []int) {
	X, y := linalg.NewDense[float64](n, features, nil), make([]int, n)
	for i := range n {
		best := math.Inf(-1)
		x := X.Row(i)
		for j := range x {
			x[j] = s.rng.NormFloat64()
		}
		for k := range classes {
			if z := linalg.Dot(s.coef[k][:], x) - math.Log(s.rng.ExpFloat64()); z > best {
				best, y[i] = z, k
			}
		}
		for j := range x {
			x[j] = x[j]*float64(1+j) + 5
		}
	}
	return X, y
}

// A learner is a stream with a schedule, and how it went.
type learner struct {
	name     string
	schedule linear.Schedule
	rates    plotter.XYs
	losses   plotter.XYs // of rows kept apart, by step
	best     float64
	batches  int // until it stopped
}

func learners(steps int) []*learner {
	return []*learner{
		{name: "constant", schedule: linear.ConstantRate(0.05)},
		{name: "step", schedule: linear.StepRate{Initial: 0.05, Every: steps / 5}},
		{name: "exponential", schedule: linear.ExponentialRate{Initial: 0.05, Decay: 4 / float64(steps)}},
		{name: "inverse scaling", schedule: linear.InverseScalingRate{Initial: 0.05, Power: 0.75, Steps: 100}},
		{name: "cosine", schedule: linear.CosineRate{Initial: 0.05, Steps: steps}},
		{name: "warm-up, cosine", schedule: linear.WarmUp{Steps: steps / 20, Then: linear.CosineRate{Initial: 0.05, Steps: steps * 19 / 20}}},
	}
}

// learn takes batches until the loss on test has not come down for patience of them, and
// returns the best model.
func (l *learner) learn(ctx context.Context, batches []rows, test rows) (*linear.SoftmaxModel, error) {
	const patience = 30
	s, err := linear.SGD{Rate: l.schedule}.Stream(features, classes)
	if err != nil {
		return nil, err
	}
	var best *linear.SoftmaxModel
	l.best = math.Inf(1)
	for last := 0; l.batches < len(batches) && l.batches < last+patience; {
		b := batches[l.batches]
		if _, err := s.Update(ctx, b.X, b.y, nil); err != nil {
			return nil, err
		}
		l.batches++
		m := s.Model()
		loss, err := test.logLoss(m)
		if err != nil {
			return nil, err
		}
		step := float64(s.Steps())
		l.rates = append(l.rates, plotter.XY{X: step, Y: l.schedule.Rate(s.Steps())})
		l.losses = append(l.losses, plotter.XY{X: step, Y: loss})
		if loss < l.best {
			best, l.best, last = m, loss, l.batches
		}
	}
	return best, nil
}

type rows struct {
	X *linalg.Dense[float64]
	y []int
}

func (r rows) logLoss(m gram.Classifier) (float64, error) {
	p, err := m.PredictProba(nil, r.X)
	if err != nil {
		return 0, err
	}
	return eval.LogLoss(r.y, p, nil)
}

// run trains all learners on the same batches. It returns the loss of the exact fit to all
// rows, too.
func run(ctx context.Context, out io.Writer, count int) ([]*learner, float64, error) {
	const size = 320
	from := newSource(1)
	batches := make([]rows, count)
	all := rows{X: linalg.NewDense[float64](count*size, features, nil)}
	for i := range batches {
		batches[i].X, batches[i].y = from.batch(size)
		copy(all.X.Data[i*size*features:], batches[i].X.Data)
		all.y = append(all.y, batches[i].y...)
	}
	kept, final := rows{}, rows{}
	kept.X, kept.y = from.batch(4000)
	final.X, final.y = from.batch(20_000)

	fmt.Fprintf(out, "%-18s %8s %10s %10s\n", "schedule", "batches", "kept apart", "new rows")
	ls := learners(count * size / 32)
	for _, l := range ls {
		m, err := l.learn(ctx, batches, kept)
		if err != nil {
			return nil, 0, err
		}
		loss, err := final.logLoss(m)
		if err != nil {
			return nil, 0, err
		}
		fmt.Fprintf(out, "%-18s %8d %10.4f %10.4f\n", l.name, l.batches, l.best, loss)
	}
	exact, err := linear.Softmax{}.Fit(ctx, all.X, all.y, nil)
	if err != nil {
		return nil, 0, err
	}
	best, err := final.logLoss(exact)
	if err != nil {
		return nil, 0, err
	}
	fmt.Fprintf(out, "%-18s %8d %10s %10.4f\n", "all rows at once", count, "", best)
	return ls, best, nil
}

// draw writes the rates and the losses to two files in dir.
func draw(out io.Writer, dir string, ls []*learner) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range []struct {
		name, title, y string
		points         func(l *learner) plotter.XYs
	}{
		{"rates.png", "Schedules of learning rates", "rate", func(l *learner) plotter.XYs { return l.rates }},
		{"losses.png", "Log-loss on rows kept apart", "nats", func(l *learner) plotter.XYs { return l.losses }},
	} {
		p := plot.New()
		p.Title.Text, p.X.Label.Text, p.Y.Label.Text = f.title, "step", f.y
		p.Legend.Top = true
		var lines []any
		for _, l := range ls {
			lines = append(lines, l.name, f.points(l))
		}
		if err := plotutil.AddLines(p, lines...); err != nil {
			return err
		}
		path := filepath.Join(dir, f.name)
		if err := p.Save(16*vg.Centimeter, 12*vg.Centimeter, path); err != nil {
			return err
		}
		fmt.Fprintln(out, "wrote", path)
	}
	return nil
}

func main() {
	batches := flag.Int("batches", 150, "batches of 320 rows")
	dir := flag.String("plots", os.TempDir(), "where to draw rates and losses")
	flag.Parse()
	ls, _, err := run(context.Background(), os.Stdout, *batches)
	if err != nil {
		log.Fatal(err)
	}
	if err := draw(os.Stdout, *dir, ls); err != nil {
		log.Fatal(err)
	}
}
