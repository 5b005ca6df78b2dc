package main

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"path/filepath"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mixture"
)

// A studio writes pictures to a directory and says so.
type studio struct {
	out io.Writer
	dir string
}

func (s studio) save(p *plot.Plot, name string) error {
	path := filepath.Join(s.dir, name)
	if err := p.Save(12*vg.Centimeter, 9*vg.Centimeter, path); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "wrote", path)
	return nil
}

// palette holds the colours of the components.
var palette = []color.RGBA{{R: 200, G: 40, B: 40, A: 255}, {R: 30, G: 110, B: 200, A: 255}, {R: 30, G: 150, B: 60, A: 255}}

// draw shows rows in the colours of their components, mixed by responsibility, and each
// component by the ellipses of one and two standard deviations.
func (s studio) draw(name, title string, X *linalg.Dense[float64], m *mixture.GaussianMixtureModel) error {
	shares, err := m.Responsibilities(nil, X)
	if err != nil {
		return err
	}
	p := plot.New()
	p.Title.Text = title
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -6, 10, -6, 6
	rows := make(plotter.XYs, X.Rows)
	for i := range rows {
		rows[i] = plotter.XY{X: X.At(i, 0), Y: X.At(i, 1)}
	}
	cloud, err := plotter.NewScatter(rows)
	if err != nil {
		return err
	}
	k := m.Components()
	cloud.GlyphStyleFunc = func(i int) draw.GlyphStyle {
		return draw.GlyphStyle{Color: mixed(shares[i*k : (i+1)*k]), Radius: vg.Points(1.5), Shape: draw.CircleGlyph{}}
	}
	p.Add(cloud)
	means, cov := m.Means(), m.Covariances()
	for c := range k {
		for _, sd := range []float64{1, 2} {
			line, err := plotter.NewLine(ellipse(means[2*c:2*c+2], cov[4*c:4*c+4], sd))
			if err != nil {
				return err
			}
			line.Color, line.Width = palette[c], vg.Points(1.5)
			p.Add(line)
		}
	}
	return s.save(p, name)
}

// mixed returns the mean of the palette with the given weights.
func mixed(weights []float64) color.RGBA {
	var r, g, b float64
	for c, w := range weights {
		r, g, b = r+w*float64(palette[c].R), g+w*float64(palette[c].G), b+w*float64(palette[c].B)
	}
	return color.RGBA{R: uint8(r), G: uint8(g), B: uint8(b), A: 255}
}

// ellipse returns the points at a Mahalanobis distance of sd from the mean.
func ellipse(mean, cov []float64, sd float64) plotter.XYs {
	var f mat.Cholesky
	f.Factorize(mat.NewSymDense(2, cov))
	var l mat.TriDense
	f.LTo(&l)
	const points = 90
	line := make(plotter.XYs, points+1)
	for i := range line {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / points)
		line[i] = plotter.XY{X: mean[0] + sd*l.At(0, 0)*cos, Y: mean[1] + sd*(l.At(1, 0)*cos+l.At(1, 1)*sin)}
	}
	return line
}

// histories draws the mean log-likelihood after each iteration.
func (s studio) histories(good, bad []float64) error {
	p := plot.New()
	p.Title.Text = "No iteration lowers the likelihood"
	p.X.Label.Text, p.Y.Label.Text = "iteration", "mean log-likelihood"
	p.Legend.Top = false
	if err := plotutil.AddLines(p, "good start", curve(good), "bad start", curve(bad)); err != nil {
		return err
	}
	return s.save(p, "likelihood.png")
}

func curve(y []float64) plotter.XYs {
	points := make(plotter.XYs, len(y))
	for i, v := range y {
		points[i] = plotter.XY{X: float64(i), Y: v}
	}
	return points
}
