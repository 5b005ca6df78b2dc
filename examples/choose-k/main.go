// Command choose-k asks how many principal components to keep. It puts the answers of the
// usual rules side by side, draws the scree plot and the cumulative curve, and then shows that
// the components of most variance need not be those that predict: here the label lies in a
// direction that most rules leave out, and what comes after has to be cross-validated.
package main

import (
	"context"
	"flag"
	"fmt"
	"image/color"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
)

const (
	columns  = 20
	nuisance = 3 // directions of large variance that say nothing about the label
)

// sensors returns rows of many sensors that all feel the same few large disturbances. A fault,
// the label, moves all of them a little, in a direction of its own.
func sensors(rng *rand.Rand, rows int) (*linalg.Dense[float64], []int) {
	directions := linalg.NewDense[float64](nuisance+1, columns, nil)
	for i := range directions.Data {
		directions.Data[i] = rng.NormFloat64()
	}
	X, y := linalg.NewDense[float64](rows, columns, nil), make([]int, rows)
	for i := range rows {
		x := X.Row(i)
		for j := range nuisance {
			linalg.Axpy(float64(6-j)*rng.NormFloat64(), directions.Row(j), x)
		}
		y[i] = i % 2
		linalg.Axpy(0.25*float64(2*y[i]-1), directions.Row(nuisance), x)
		for j := range x {
			x[j] += 0.7 * rng.NormFloat64()
		}
	}
	return X, y
}

// accuracies judges logistic regression on 1, 2, … components, and on the one direction of
// discriminant analysis.
func accuracies(ctx context.Context, X gram.Matrix, y []int, most int) (byComponents []float64, lda float64, err error) {
	judge := func(step gram.TransformerTrainer) (float64, error) {
		pipeline := gram.ClassifierPipeline{Steps: []gram.TransformerTrainer{step}, Last: linear.Logistic{}}
		cv, err := eval.CrossValidate(ctx, pipeline, X, y, nil, eval.StratifiedKFold{N: 5})
		if err != nil {
			return 0, err
		}
		mean, _ := cv.Accuracy()
		return mean, nil
	}
	for k := 1; k <= most; k++ {
		a, err := judge(decomp.PCA{Components: k})
		if err != nil {
			return nil, 0, err
		}
		byComponents = append(byComponents, a)
	}
	lda, err = judge(decomp.LDA{})
	return byComponents, lda, err
}

// draw writes the scree plot, beside the variances of permuted data, and the cumulative curve.
func draw(dir string, c *decomp.Choices) ([]string, error) {
	scree, total := plot.New(), plot.New()
	scree.Title.Text, scree.X.Label.Text, scree.Y.Label.Text = "Scree plot", "component", "variance"
	total.Title.Text, total.X.Label.Text, total.Y.Label.Text = "Cumulative curve", "components", "share of the variance"
	total.Y.Min, total.Y.Max = 0, 1
	for _, curve := range []struct {
		p      *plot.Plot
		name   string
		values []float64
		color  color.Color
	}{
		{scree, "data", c.Variances, color.RGBA{B: 200, A: 255}},
		{scree, "permuted data, 95 %", c.Permuted, color.RGBA{R: 200, A: 255}},
		{total, "data", c.Cumulative, color.RGBA{B: 200, A: 255}},
	} {
		points := make(plotter.XYs, len(curve.values))
		for i, v := range curve.values {
			points[i] = plotter.XY{X: float64(i + 1), Y: v}
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		line.Color, dots.Color = curve.color, curve.color
		curve.p.Add(line, dots)
		curve.p.Legend.Add(curve.name, line, dots)
	}
	for _, ratio := range c.Ratios {
		level := plotter.NewFunction(func(float64) float64 { return ratio })
		level.Dashes = []vg.Length{vg.Points(3), vg.Points(3)}
		total.Add(level)
	}
	scree.Legend.Top = true
	var paths []string
	for i, p := range []*plot.Plot{scree, total} {
		p.Add(plotter.NewGrid())
		path := filepath.Join(dir, []string{"scree.png", "cumulative.png"}[i])
		if err := p.Save(6*vg.Inch, 4*vg.Inch, path); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// findings are what the program shows.
type findings struct {
	choices      *decomp.Choices
	byComponents []float64 // accuracies
	lda          float64
}

func run(ctx context.Context, out io.Writer, rows int, dir string) (*findings, error) {
	X, y := sensors(rand.New(rand.NewPCG(4, 1)), rows)
	choices, err := decomp.Choose{}.Components(ctx, X, nil)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "Components to keep of %d columns:\n\n%v\n", columns, choices)
	paths, err := draw(dir, choices)
	if err != nil {
		return nil, err
	}
	f := &findings{choices: choices}
	if f.byComponents, f.lda, err = accuracies(ctx, X, y, 8); err != nil {
		return nil, err
	}
	fmt.Fprintln(out, "\nAccuracy of logistic regression behind it, by cross-validation:")
	for i, a := range f.byComponents {
		fmt.Fprintf(out, "  %d components, %5.1f %% of the variance  %.3f\n", i+1, 100*choices.Cumulative[i], a)
	}
	fmt.Fprintf(out, "  1 direction of discriminant analysis    %.3f\n\n", f.lda)
	fmt.Fprintln(out, "plots:", paths)
	return f, nil
}

func main() {
	rows := flag.Int("rows", 1000, "rows")
	dir := flag.String("plots", os.TempDir(), "directory for scree.png and cumulative.png")
	flag.Parse()
	if _, err := run(context.Background(), os.Stdout, *rows, *dir); err != nil {
		log.Fatal(err)
	}
}
