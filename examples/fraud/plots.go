package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gram-ml/gram/eval"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// draw writes the curves of the plain and the balanced model to files in dir.
func draw(out io.Writer, dir string, reports []report, y []int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	plain, balanced := reports[0].proba, reports[1].proba
	c, err := eval.NewCuts(y, plain, nil)
	if err != nil {
		return err
	}
	b, err := eval.NewCuts(y, balanced, nil)
	if err != nil {
		return err
	}
	calibrations := make([]eval.Curve, 2)
	for i, p := range [][]float64{plain, balanced} {
		k, err := eval.Calibrate(y, p, nil, 10, eval.Uniform)
		if err != nil {
			return err
		}
		calibrations[i] = eval.Curve{X: k.Predicted, Y: k.Observed}
	}
	for _, f := range []struct {
		name, title, x, y string
		curves            []eval.Curve
		diagonal          bool
	}{
		{"precision-recall.png", "Precision and recall", "recall", "precision", []eval.Curve{c.PrecisionRecall(), b.PrecisionRecall()}, false},
		{"roc.png", "Receiver operating characteristic", "false positive rate", "true positive rate", []eval.Curve{c.ROC(), b.ROC()}, true},
		{"calibration.png", "Calibration", "predicted probability", "share of frauds", calibrations, true},
		{"gain.png", "Cumulative gain", "share of payments checked", "share of frauds caught", []eval.Curve{c.Gain(), b.Gain()}, true},
	} {
		p := plot.New()
		p.Title.Text, p.X.Label.Text, p.Y.Label.Text = f.title, f.x, f.y
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
		p.Add(plotter.NewGrid())
		if err := plotutil.AddLines(p, "plain", points(f.curves[0]), "balanced", points(f.curves[1])); err != nil {
			return err
		}
		if f.diagonal {
			line := plotter.NewFunction(func(x float64) float64 { return x })
			line.Dashes = plotutil.Dashes(1)
			p.Add(line)
		}
		path := filepath.Join(dir, f.name)
		if err := p.Save(12*vg.Centimeter, 12*vg.Centimeter, path); err != nil {
			return err
		}
		fmt.Fprintln(out, "wrote", path)
	}
	return nil
}

// points returns at most about a thousand points of a curve, its ends among them.
func points(c eval.Curve) plotter.XYs {
	step := max(1, len(c.X)/1000)
	var out plotter.XYs
	for i := 0; i < len(c.X); i += step {
		out = append(out, plotter.XY{X: c.X[i], Y: c.Y[i]})
	}
	end := len(c.X) - 1
	return append(out, plotter.XY{X: c.X[end], Y: c.Y[end]})
}
