// Command boosting trains gradient boosting on rents of flats, with missing values and districts
// as categories, stops it when flats it does not see are no better predicted, and draws
// that curve and what the columns contribute.
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

	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/linalg"
)

var columns = []string{"area", "rooms", "floor", "year", "distance", "district", "balcony", "noise"}

// flats returns rows of the columns and their monthly rents. Rent grows with the area, less in
// large flats; districts differ; far from the centre a balcony is worth less. One year in
// five is not known. Noise has nothing to do with it.
func flats(rng *rand.Rand, rows int) (*linalg.Dense[float64], []float64) {
	district := make([]float64, 20)
	shift := rand.New(rand.NewPCG(1, 1))
	for i := range district {
		district[i] = shift.NormFloat64()
	}
	X, y := linalg.NewDense[float64](rows, len(columns), nil), make([]float64, rows)
	for i := range rows {
		area, distance, where := 25+110*rng.Float64(), 12*rng.Float64(), rng.IntN(len(district))
		year, balcony := 1900+float64(rng.IntN(125)), float64(rng.IntN(2))
		rent := 300 + 90*math.Sqrt(area) - 35*distance + 120*district[where] + balcony*15*(12-distance)
		if year > 1990 {
			rent += 3 * (year - 1990)
		}
		y[i] = rent + 60*rng.NormFloat64()
		if rng.IntN(5) == 0 {
			year = math.NaN()
		}
		copy(X.Row(i), []float64{area, math.Round(area/28 + rng.Float64()), float64(rng.IntN(6)), year, distance, float64(where), balcony, rng.NormFloat64()})
	}
	return X, y
}

// A result is what a run finds: errors by round, in the currency of rents, and the model.
type result struct {
	train, valid []float64
	model        *ensemble.GradientBoostingRegressorModel
}

func run(ctx context.Context, rows int) (*result, error) {
	rng := rand.New(rand.NewPCG(7, 7))
	X, y := flats(rng, rows)
	V, v := flats(rng, rows/4)
	m, err := ensemble.GradientBoosting{
		Rounds:      2000,
		Patience:    30,
		Categorical: []int{5},
		Monotone:    []int{1, 0, 0, 0, -1, 0, 0, 0}, // more area is not cheaper, more distance not dearer
		Validation:  &ensemble.Validation{X: V, Targets: v},
	}.FitRegressor(ctx, X, y, nil)
	if err != nil {
		return nil, err
	}
	r := &result{model: m}
	for _, loss := range m.Losses() { // of half the squared error
		r.valid = append(r.valid, math.Sqrt(2*loss))
	}
	stages, err := m.Staged(X)
	if err != nil {
		return nil, err
	}
	for _, p := range stages {
		sum := 0.0
		for i, t := range y {
			sum += (p[i] - t) * (p[i] - t)
		}
		r.train = append(r.train, math.Sqrt(sum/float64(len(y))))
	}
	return r, nil
}

// drawCurve draws the errors by round.
func drawCurve(path string, r *result) error {
	p := plot.New()
	p.Title.Text = "Gradient boosting: when to stop"
	p.X.Label.Text, p.Y.Label.Text = "rounds", "root mean squared error of the rent"
	for _, c := range []struct {
		name   string
		errors []float64
		color  color.Color
	}{
		{"training flats", r.train, color.RGBA{R: 120, G: 120, B: 120, A: 255}},
		{"validation flats", r.valid, color.RGBA{R: 30, G: 100, B: 180, A: 255}},
	} {
		points := make(plotter.XYs, len(c.errors))
		for i, e := range c.errors {
			points[i] = plotter.XY{X: float64(i + 1), Y: e}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.Color, line.Width = c.color, vg.Points(1.5)
		p.Add(line)
		p.Legend.Add(c.name, line)
	}
	best := r.model.Rounds()
	mark, err := plotter.NewScatter(plotter.XYs{{X: float64(best), Y: r.valid[best-1]}})
	if err != nil {
		return err
	}
	mark.Color, mark.Radius = color.RGBA{R: 200, G: 60, B: 40, A: 255}, vg.Points(4)
	p.Add(plotter.NewGrid(), mark)
	p.Legend.Add(fmt.Sprintf("the model: %d rounds", best), mark)
	p.Legend.Top = true
	return p.Save(6*vg.Inch, 4*vg.Inch, path)
}

// drawImportance draws the columns' parts in what the trees gained.
func drawImportance(path string, r *result) error {
	p := plot.New()
	p.Title.Text = "What the splits gained by"
	p.Y.Label.Text = "part of all"
	bars, err := plotter.NewBarChart(plotter.Values(r.model.Importance()), vg.Points(26))
	if err != nil {
		return err
	}
	bars.Color, bars.LineStyle.Width = color.RGBA{R: 30, G: 100, B: 180, A: 255}, 0
	p.Add(bars)
	p.NominalX(columns...)
	return p.Save(6*vg.Inch, 4*vg.Inch, path)
}

func main() {
	rows := flag.Int("rows", 8000, "flats to train on")
	out := flag.String("out", ".", "directory for the figures")
	flag.Parse()
	r, err := run(context.Background(), *rows)
	if err != nil {
		log.Fatal(err)
	}
	best := r.model.Rounds()
	fmt.Printf("stopped after %d rounds, the best is %d: error %.1f, on the training flats %.1f (noise alone is 60)\n",
		len(r.valid), best, r.valid[best-1], r.train[best-1])
	for i, part := range r.model.Importance() {
		fmt.Printf("%-9s %5.1f%%\n", columns[i], 100*part)
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		log.Fatal(err)
	}
	if err := drawCurve(filepath.Join(*out, "boosting-curve.png"), r); err != nil {
		log.Fatal(err)
	}
	if err := drawImportance(filepath.Join(*out, "boosting-importance.png"), r); err != nil {
		log.Fatal(err)
	}
}
