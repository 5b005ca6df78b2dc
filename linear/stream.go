package linear

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/descent"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
	"gonum.org/v1/gonum/blas"
)

// A Stream learns from batches of rows as they come and hands out models at any time. It is
// not for concurrent use; the models are.
type Stream struct {
	t       SGD
	d       *sgdDescent
	classes int
	feature int
	weight  float64 // of all rows so far
	rows    int
	loss    float64
}

// Stream returns a stream of rows of so many features and classes. Epochs, Validation,
// Patience, Tol, Seed and Progress are not used.
//
// The first batch tells the scale of features, for steps in coordinates of variance 1: it
// should have some hundred rows, and features that do not vary in it are taken as they are.
func (t SGD) Stream(features, classes int) (*Stream, error) {
	t, err := t.check()
	if err != nil {
		return nil, err
	}
	if features < 1 || classes < 2 {
		return nil, fmt.Errorf("linear: a stream of %d features and %d classes: %w", features, classes, gram.ErrParam)
	}
	if t.Rate == nil {
		t.Rate = InverseScalingRate{Initial: t.firstRate(features), Power: 0.5, Steps: 1000}
	}
	return &Stream{t: t, classes: classes, feature: features}, nil
}

// Update learns from the n×d matrix X, labels y in 0..K−1, of which any may be missing, and
// sample weights w ≥ 0, nil for all ones: one pass over the rows in their order, a step for
// every BatchSize of them. It returns the mean log-loss of the rows by the models that had
// not seen them yet, a fair measure of how well the stream predicts.
//
// After an error about the data nothing has been learned; ctx's error may come after some
// steps. O(n·d·K), for sparse X of the entries, and O(d·K) for every step.
func (s *Stream) Update(ctx context.Context, X gram.Matrix, y []int, w []float64) (loss float64, err error) {
	n, _, err := gram.CheckMatrix(X)
	if err != nil {
		return 0, err
	}
	if _, err := gram.CheckFeatures(X, s.feature); err != nil {
		return 0, err
	}
	if len(y) != n {
		return 0, fmt.Errorf("y has %d labels, X %d rows: %w", len(y), n, gram.ErrShape)
	}
	for i, c := range y {
		if c < 0 || c >= s.classes {
			return 0, fmt.Errorf("label %d in row %d, want 0 to %d: %w", c, i, s.classes-1, gram.ErrLabels)
		}
	}
	sum, err := gram.CheckWeights(w, n)
	if err != nil {
		return 0, err
	}
	if w == nil {
		w = slices.Repeat([]float64{1}, n)
	}
	if s.d == nil {
		p, err := newProblem(ctx, X, y, w, columnsOf(s.classes), &settings{intercept: !s.t.NoIntercept, workers: s.t.Workers})
		if err != nil {
			return 0, err
		}
		std := *p.std
		if p.offset != nil { // the problem shifts X, later batches are not
			std.mean = p.offset
		}
		std.scale = slices.Clone(std.scale)
		for j, v := range std.scale {
			if math.IsInf(v, 1) {
				std.scale[j] = 1
			}
		}
		s.d = newSGDescent(&s.t, &std, columnsOf(s.classes), s.classes)
	}
	s.weight += sum
	s.rows += n
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	s.loss, err = s.d.learn(ctx, newRowReader(linalg.AsOperator(X), entriesOf(X)), order, y, w, s.weight/float64(s.rows))
	return s.loss / sum, err
}

// Steps returns the number of steps so far.
func (s *Stream) Steps() int {
	if s.d == nil {
		return 0
	}
	return s.d.opt.Steps()
}

// Model returns what has been learned so far; before the first Update all classes are equal.
// Its Convergence counts steps, and its objective is the loss of the latest Update.
func (s *Stream) Model() *SoftmaxModel {
	report := gram.Convergence{Solver: s.t.Optimizer.String(), Iterations: s.Steps(), Objective: s.loss, Residual: math.NaN(), Tolerance: s.t.Tol}
	if s.d == nil {
		return newSoftmaxModel(s.classes, newParams(s.feature, columnsOf(s.classes)), report)
	}
	return newSoftmaxModel(s.classes, s.d.params(), report)
}

// sgdDescent is a place in the coordinates of a standard, and the means to move it. Unlike
// those of exact fits, coordinates of K classes are K.
type sgdDescent struct {
	t       *SGD
	std     *standard
	cols    int
	classes int
	opt     *descent.Optimizer
	theta   []float64 // d×cols, then cols biases
	grad    []float64
	l1, l2  []float64 // penalties of each coordinate, nil for none
	batch   batch
}

// batch is memory for the rows of a step.
type batch struct {
	y            []int
	w, z, tmp    []float64
	block, entry []float64
}

func newSGDescent(t *SGD, std *standard, cols, classes int) *sgdDescent {
	d := len(std.mean)
	size := (d + 1) * cols
	g := &sgdDescent{
		t: t, std: std, cols: cols, classes: classes, opt: descent.New(descent.Kind(t.Optimizer), t.Momentum, t.Decay, size),
		theta: make([]float64, size), grad: make([]float64, size),
	}
	l1, l2 := t.penalties(1, classes)
	if l1 > 0 {
		g.l1 = make([]float64, size)
	}
	if l2 > 0 {
		g.l2 = make([]float64, size)
	}
	for j, scale := range std.scale {
		for i := j * cols; i < (j+1)*cols; i++ {
			if l1 > 0 {
				g.l1[i] = l1 / scale
			}
			if l2 > 0 {
				g.l2[i] = l2 / scale / scale
			}
		}
	}
	return g
}

// params returns the coefficients and biases for rows as they are.
func (g *sgdDescent) params() *params {
	d := len(g.std.mean)
	out := newParams(d, g.cols)
	copy(out.bias, g.theta[d*g.cols:])
	for j, scale := range g.std.scale {
		row := out.coef[j*g.cols : (j+1)*g.cols]
		copy(row, g.theta[j*g.cols:])
		f64.Scal(1/scale, row)
		if g.std.intercept {
			f64.Axpy(-g.std.mean[j], row, out.bias)
		}
	}
	centre(out.bias)
	return out
}

// A rowReader gives rows in any order, by their entries where X is sparse.
type rowReader struct {
	x      gram.Operator
	sparse *entries
}

func newRowReader(x gram.Operator, sparse *entries) *rowReader { return &rowReader{x, sparse} }

// learn makes a step for every batch of the rows, in their order, and returns the sum of
// their weighted losses before. mean is the mean weight of rows.
func (g *sgdDescent) learn(ctx context.Context, rows *rowReader, order []int, y []int, w []float64, mean float64) (loss float64, err error) {
	for len(order) > 0 {
		if err := ctx.Err(); err != nil {
			return loss, err
		}
		rate, err := descent.Rate(g.t.Rate, g.opt.Steps())
		if err != nil {
			return loss, fmt.Errorf("linear: %w", err)
		}
		now := order[:min(g.t.BatchSize, len(order))]
		order = order[len(now):]
		b := &g.batch
		b.y, b.w = b.y[:0], b.w[:0]
		for _, i := range now {
			b.y, b.w = append(b.y, y[i]), append(b.w, w[i])
		}
		if rows.sparse != nil {
			loss += g.sparseGradient(rows.sparse, now)
		} else {
			loss += g.denseGradient(rows.x, now)
		}
		f64.Scal(1/(mean*float64(len(now))), g.grad)
		if !g.std.intercept {
			clear(g.grad[len(g.std.mean)*g.cols:])
		}
		g.opt.Step(g.theta, g.grad, g.l1, g.l2, rate)
	}
	return loss, nil
}

// denseGradient sets grad to that of the loss of some rows, and returns the loss.
func (g *sgdDescent) denseGradient(x gram.Operator, rows []int) float64 {
	d, cols := len(g.std.mean), g.cols
	b := &g.batch
	block := linalg.NewDense(len(rows), d, grow(&b.block, len(rows)*d))
	for k, i := range rows {
		raw, _ := x.RowBlock(grow(&b.entry, d), i, i+1)
		row := block.Row(k)
		for j, v := range raw[:d] {
			row[j] = (v - g.std.mean[j]) / g.std.scale[j]
		}
	}
	z := grow(&b.z, len(rows)*cols)
	coef := linalg.NewDense(d, cols, g.theta[:d*cols])
	scores := linalg.NewDense(len(rows), cols, z)
	linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, block, coef, 0, scores)
	addBias(z, g.theta[d*cols:])
	loss, _ := residuals(z, cols, b.y, b.w, grow(&b.tmp, 2*len(rows)))
	linalg.Gemm(blas.Trans, blas.NoTrans, 1, block, scores, 0, linalg.NewDense(d, cols, g.grad[:d*cols]))
	clear(g.grad[d*cols:])
	addRows(g.grad[d*cols:], z)
	return loss
}

// sparseGradient is denseGradient for stored entries: means enter by sums over all rows.
func (g *sgdDescent) sparseGradient(e *entries, rows []int) float64 {
	d, cols := len(g.std.mean), g.cols
	b := &g.batch
	z, bias := grow(&b.z, len(rows)*cols), grow(&b.block, cols)
	clear(z)
	copy(bias, g.theta[d*cols:])
	for j, mu := range g.std.mean {
		f64.Axpy(-mu/g.std.scale[j], g.theta[j*cols:(j+1)*cols], bias)
	}
	for k, i := range rows {
		col, val := e.row(i, &b.entry)
		for p, j := range col {
			f64.Axpy(val[p]/g.std.scale[j], g.theta[int(j)*cols:(int(j)+1)*cols], z[k*cols:(k+1)*cols])
		}
	}
	addBias(z, bias)
	loss, _ := residuals(z, cols, b.y, b.w, grow(&b.tmp, 2*len(rows)))
	clear(g.grad)
	for k, i := range rows {
		col, val := e.row(i, &b.entry)
		for p, j := range col {
			f64.Axpy(val[p]/g.std.scale[j], z[k*cols:(k+1)*cols], g.grad[int(j)*cols:(int(j)+1)*cols])
		}
	}
	sums := g.grad[d*cols:]
	addRows(sums, z)
	for j, mu := range g.std.mean {
		f64.Axpy(-mu/g.std.scale[j], sums, g.grad[j*cols:(j+1)*cols])
	}
	return loss
}
