package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// drawAll writes one picture of the means and one of the variances.
func drawAll(out io.Writer, dir string, p population, means, variances []float64) error {
	for _, f := range []struct {
		name, title, x string
		values         []float64
		theory         theory
	}{
		{"mean", "The mean", "mean of a sample", means, p.ofMean},
		{"variance", "The variance", "(n−1)·s²/σ²", scaled(p, variances), chi},
	} {
		path := filepath.Join(dir, p.name+"-"+f.name+".png")
		title := fmt.Sprintf("%s of %d values, %s population", f.title, size, p.name)
		if err := drawHistogram(path, title, f.x, f.values, f.theory); err != nil {
			return err
		}
		fmt.Fprintln(out, "  wrote", path)
	}
	return nil
}

// drawHistogram draws values as a histogram of area 1, and the density of theory over it. The
// 0.5 % of the largest are left out: those of a long tail would take most of the width.
func drawHistogram(path, title, x string, values []float64, t theory) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, "density"
	shown := slices.Sorted(slices.Values(values))
	shown = shown[:len(shown)*995/1000]
	h, err := plotter.NewHist(plotter.Values(shown), 60)
	if err != nil {
		return err
	}
	h.Normalize(1)
	h.FillColor = plotutil.SoftColors[2]
	h.LineStyle.Width = 0
	line := plotter.NewFunction(t.Prob)
	line.Color, line.Width, line.Samples = plotutil.DarkColors[0], vg.Points(2), 300
	p.Add(h, line)
	for _, x := range shown {
		p.Y.Max = max(p.Y.Max, 1.05*t.Prob(x))
	}
	p.Legend.Add("theory", line)
	p.Legend.Top = true
	return p.Save(12*vg.Centimeter, 9*vg.Centimeter, path)
}
