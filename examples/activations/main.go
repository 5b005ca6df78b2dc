// Command activations draws every elementwise function of package activation, blue, with
// its derivative, red, to one picture.
//
//	go run ./examples/activations -o activation/curves.png
package main

import (
	"flag"
	"fmt"
	"image/color"
	"io"
	"math"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/gram-ml/gram/activation"
)

func main() {
	path := flag.String("o", "activations.png", "where the picture goes")
	flag.Parse()
	if err := run(os.Stdout, *path); err != nil {
		fmt.Fprintln(os.Stderr, "activations:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, path string) error {
	var panels []*plot.Plot
	for _, f := range activation.Functions() {
		if f.PerRow {
			continue
		}
		p, err := panel(f)
		if err != nil {
			return err
		}
		panels = append(panels, p)
	}
	if err := save(path, panels); err != nil {
		return err
	}
	fmt.Fprintf(out, "wrote %d functions to %s\n", len(panels), path)
	return nil
}

var (
	blue = color.RGBA{R: 20, G: 80, B: 200, A: 255}
	red  = color.RGBA{R: 210, G: 40, B: 40, A: 255}
)

// panel draws one function and its derivative over −5 … 7.
func panel(f activation.Function) (*plot.Plot, error) {
	const n = 801
	x, ones := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i], ones[i] = -5+12*float64(i)/(n-1), 1
	}
	y := f.Forward64(nil, x)
	saved := x
	if f.FromOutput {
		saved = y
	}
	p := plot.New()
	p.Title.Text = f.Name
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -5, 7, -2, 7
	p.Add(plotter.NewGrid())
	for _, c := range []struct {
		y     []float64
		color color.Color
	}{{f.Grad64(nil, ones, saved), red}, {y, blue}} {
		line, err := plotter.NewLine(visible(p, x, y, c.y))
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = c.color, vg.Points(1.5)
		p.Add(line)
	}
	return p, nil
}

// visible returns the points of a curve that lie within a panel's range, where the
// function has a value.
func visible(p *plot.Plot, x, value, y []float64) plotter.XYs {
	var points plotter.XYs
	for i, v := range y {
		if !math.IsNaN(value[i]) && p.Y.Min <= v && v <= p.Y.Max {
			points = append(points, plotter.XY{X: x[i], Y: v})
		}
	}
	return points
}

// save tiles the panels, four in a row, and writes them as a PNG.
func save(path string, panels []*plot.Plot) error {
	const columns = 4
	rows := (len(panels) + columns - 1) / columns
	grid := make([][]*plot.Plot, rows)
	for i := range grid {
		grid[i] = make([]*plot.Plot, columns)
		copy(grid[i], panels[i*columns:min((i+1)*columns, len(panels))])
	}
	img := vgimg.NewWith(vgimg.UseWH(columns*5.5*vg.Centimeter, vg.Length(rows)*4.5*vg.Centimeter), vgimg.UseDPI(72))
	tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: 3 * vg.Millimeter, PadY: 3 * vg.Millimeter,
		PadTop: 2 * vg.Millimeter, PadBottom: 2 * vg.Millimeter, PadLeft: 2 * vg.Millimeter, PadRight: 4 * vg.Millimeter}
	canvases := plot.Align(grid, tiles, draw.New(img))
	for i, row := range grid {
		for j, p := range row {
			if p != nil {
				p.Draw(canvases[i][j])
			}
		}
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(file); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
