package linear

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// A triangle holds all that least squares need of the rows: the factor R of
//
//	√w·[1, X̃, y − ȳ] = Q·R,
//
// where X̃ is X in standardized coordinates; the column of ones is there if there is
// an intercept. Triangles of blocks of rows merge into that of all of them by
// factorizing one over the other, which loses no digits, unlike sums of products.
type triangle struct {
	r    *linalg.Dense[float64]
	rows int // set so far, at most r.Rows
}

// newTriangle returns that of no rows yet, of which there will be n.
func newTriangle(n, cols int) *triangle {
	return &triangle{r: linalg.NewDense[float64](min(n, cols), cols, nil)}
}

// take replaces R by that of itself over the first rows of stack that follow it.
func (t *triangle) take(stack *linalg.Dense[float64], extra int) error {
	for i := range t.rows {
		copy(stack.Row(i), t.r.Row(i))
	}
	f, err := linalg.NewQR(1, stack.Slice(0, t.rows+extra, 0, stack.Cols))
	if err != nil {
		return err
	}
	r := f.R()
	t.rows = r.Rows
	for i := range r.Rows {
		copy(t.r.Row(i), r.Row(i))
	}
	return nil
}

// A factored problem of least squares: a·θ ≈ c, where θ are the coefficients of
// standardized features, with what else the triangle says.
type factored struct {
	p       *problem
	yMean   float64
	a       *linalg.Dense[float64] // rows × d
	c       []float64
	root    float64   // √Σw, R's first element
	link    []float64 // row of the intercept: over X̃, and over y
	linkY   float64
	numbers int // of rows of X
}

// directElements is how large R may be. Above that fits iterate.
const directElements = 1 << 25

// direct tells whether least squares of n×d go by factorization.
func direct(n, d int) bool { return min(n, d)*d <= directElements }

// factorize reads all rows for R. X is checked.
func factorize(ctx context.Context, p *problem, y []float64) (*factored, error) {
	n, d := p.x.Dims()
	at := 0
	if p.std.intercept {
		at = 1
	}
	cols := at + d + 1
	f := &factored{p: p, link: make([]float64, d), numbers: n}
	if p.std.intercept {
		f.yMean = weightedMean(y, p.w)
	}
	rows := max(2*cols, 512)
	blocks := par.Blocks(n, rows)
	size := (blocks + 7) / 8 // blocks in a chunk, of which there are 8 at most
	parts := make([]*triangle, par.Blocks(blocks, size))
	failed := make([]error, len(parts))
	err := par.For(ctx, p.workers, blocks, size, func(chunk, lo, hi int) {
		t := newTriangle(n, cols)
		stack := linalg.NewDense[float64](min(n, cols)+min(rows, n), cols, nil)
		var buf []float64
		for b := lo; b < hi && failed[chunk] == nil; b++ {
			s := span{b * rows, min(n, (b+1)*rows)}
			f.fill(stack, t.rows, s, y, at, &buf)
			failed[chunk] = t.take(stack, s.hi-s.lo)
		}
		parts[chunk] = t
	})
	if err != nil {
		return nil, err
	}
	stack := linalg.NewDense[float64](2*min(n, cols), cols, nil)
	all := parts[0]
	for i, t := range parts {
		if failed[i] == nil && i > 0 {
			for k := range t.rows {
				copy(stack.Row(all.rows+k), t.r.Row(k))
			}
			failed[i] = all.take(stack, t.rows)
		}
		if failed[i] != nil {
			return nil, fmt.Errorf("linear: the data are so large that least squares overflow: %w", failed[i])
		}
	}
	f.split(all, at, d)
	return f, nil
}

// fill sets rows of stack from the given one on to those of s.
func (f *factored) fill(stack *linalg.Dense[float64], from int, s span, y []float64, at int, buf *[]float64) {
	std := f.p.std
	d := len(std.mean)
	block, stride := denseBlock(f.p.x, s, buf)
	for i := s.lo; i < s.hi; i++ {
		row := stack.Row(from + i - s.lo)
		root := math.Sqrt(f.p.w[i])
		if root == 0 {
			clear(row)
			continue
		}
		if at > 0 {
			row[0] = root
		}
		src := block[(i-s.lo)*stride:][:d]
		for j, v := range src {
			row[at+j] = root * ((v - std.mean[j]) / std.scale[j])
		}
		row[at+d] = root * (y[i] - f.yMean)
	}
}

// split takes R apart.
func (f *factored) split(t *triangle, at, d int) {
	if at > 0 {
		f.root = t.r.At(0, 0)
		copy(f.link, t.r.Row(0)[1:1+d])
		f.linkY = t.r.At(0, 1+d)
	}
	rows := max(t.rows-at, 1) // of one row and an intercept, nothing is left
	f.a = linalg.NewDense[float64](rows, d, nil)
	f.c = make([]float64, rows)
	for i := range max(t.rows-at, 0) {
		row := t.r.Row(at + i)
		copy(f.a.Row(i), row[at:at+d])
		f.c[i] = row[at+d]
	}
}

// predictor returns the model of coefficients theta of standardized features.
func (f *factored) predictor(theta []float64) LinearPredictor {
	std := f.p.std
	m := LinearPredictor{coef: make([]float64, len(theta))}
	if std.intercept {
		m.intercept = f.yMean + (f.linkY-f64.Dot(f.link, theta))/f.root
	}
	for j, v := range theta {
		m.coef[j] = v / std.scale[j]
		m.intercept -= f.centre(j) * m.coef[j]
	}
	return m
}

// centre returns what X̃ has subtracted from column j of X.
func (f *factored) centre(j int) float64 {
	mean := f.p.std.mean[j]
	if f.p.offset != nil {
		mean += f.p.offset[j]
	}
	return mean
}

// residual returns ‖c − a·θ‖².
func (f *factored) residual(theta []float64) float64 {
	sum := 0.0
	for i, v := range f.c {
		e := v - f64.Dot(f.a.Row(i), theta)
		sum += e * e
	}
	return sum
}

// newLeastSquares returns the problem of least squares, whose moments are exact.
func newLeastSquares(ctx context.Context, X gram.Matrix, w []float64, intercept bool, workers int) (*problem, error) {
	p, err := newProblem(ctx, X, nil, w, 1, &settings{intercept: intercept, workers: workers})
	if err != nil {
		return nil, err
	}
	n, d := X.Dims()
	if n*d > momentElements && p.sparse == nil { // those of sparse rows are of all
		m, err := p.momentsOf(ctx, p.spans)
		if err != nil {
			return nil, err
		}
		p.std = newStandard(m, intercept)
	}
	return p, nil
}
