package linear

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// A squaring multiplies by X and by the squares of its elements, by rows of entries if X
// is sparse.
type squaring struct {
	x      gram.Operator
	sparse *entries
}

func newSquaring(X gram.Matrix) *squaring {
	return &squaring{linalg.AsOperator(X), entriesOf(X)}
}

// rows returns how many rows make a block.
func (o *squaring) rows() int {
	n, d := o.x.Dims()
	if o.sparse != nil {
		return max(1, min(n, sparseRows(max(n, 1), o.sparse.count)))
	}
	return max(1, min(n, spanRows(d)))
}

// scores returns the scores of rows s, and their products with the weights, rows×(1+k).
func (o *squaring) scores(s span, m *FMPredictor, t *scratch) (z, products []float64) {
	rows, cols := s.hi-s.lo, 1+m.factors
	products = grow(&t.b, rows*cols)
	o.x.MulRows(products, s.lo, s.hi, m.weights, cols)
	z = grow(&t.c, rows)
	o.mul(z, s, m.squares, t)
	for i, q := range z {
		row := products[i*cols : (i+1)*cols]
		z[i] = m.intercept + row[0] + (f64.SumSquares(row[1:])-q)/2
	}
	return z, products
}

// mul sets z to the products of squared rows s and b.
func (o *squaring) mul(z []float64, s span, b []float64, t *scratch) {
	if o.sparse == nil {
		block, stride := denseBlock(o.x, s, &t.a)
		for i := range z {
			z[i] = 0
			for j, v := range block[i*stride:][:len(b)] {
				z[i] += v * v * b[j]
			}
		}
		return
	}
	for i := range z {
		z[i] = 0
		col, val := o.sparse.row(s.lo+i, &t.a)
		for e, j := range col {
			z[i] += val[e] * val[e] * b[j]
		}
	}
}

// addTrans adds to dst the product of the squared rows s, transposed, and g.
func (o *squaring) addTrans(dst []float64, s span, g []float64, t *scratch) {
	if o.sparse == nil {
		block, stride := denseBlock(o.x, s, &t.a)
		for i, c := range g {
			for j, v := range block[i*stride:][:len(dst)] {
				dst[j] += c * v * v
			}
		}
		return
	}
	for i, c := range g {
		col, val := o.sparse.row(s.lo+i, &t.a)
		for e, j := range col {
			dst[j] += c * val[e] * val[e]
		}
	}
}

// A machine is the objective of a factorization machine. Its coordinates are, for each
// feature, the coefficient and the factors, times the feature's root mean square, and
// then the intercept.
type machine struct {
	p        *problem // rows, weights, and scales of features
	o        *squaring
	factors  int
	lambda   float64 // on coefficients
	of       float64 // on factors
	constant bool    // no intercept
	labels   []int   // of a classifier, or
	targets  []float64
	at       FMPredictor
	sums     []*machineSum
}

func newMachine(ctx context.Context, X gram.Matrix, w []float64, t FMClassifier) (*machine, error) {
	p, err := newProblem(ctx, X, nil, w, 1, &settings{workers: t.Workers})
	if err != nil {
		return nil, err
	}
	_, d := p.x.Dims()
	return &machine{
		p: p, o: &squaring{p.x, p.sparse}, factors: t.Factors, lambda: 1 / t.C, of: 1 / t.FactorC, constant: t.NoIntercept,
		at: newFMPredictor(d, t.Factors, make([]float64, d*(1+t.Factors)), 0),
	}, nil
}

// set sets the weights to those at theta.
func (f *machine) set(m *FMPredictor, theta []float64) {
	cols := 1 + f.factors
	for j, scale := range f.p.std.scale {
		row := m.row(j)
		for k, v := range theta[j*cols : (j+1)*cols] {
			row[k] = v / scale
		}
		m.squares[j] = f64.SumSquares(row[1:])
	}
	m.intercept = theta[len(m.weights)]
}

// A machineSum holds the loss and what its derivatives are made of.
type machineSum struct {
	loss    float64
	weights []float64 // Σ c·x·(1, V·x), with c the derivative of w·ℓ by the score
	square  []float64 // Σ c·x²
	bias    float64   // Σ c
}

// Reset makes the sum that of no rows.
func (s *machineSum) Reset() {
	s.loss, s.bias = 0, 0
	clear(s.weights)
	clear(s.square)
}

// Add takes rows s.
func (s *machineSum) Add(f *machine, rows span, t *scratch) {
	z, products := f.o.scores(rows, &f.at, t)
	s.loss += f.slopes(z, rows, t)
	cols := 1 + f.factors
	for i, c := range z {
		row := products[i*cols : (i+1)*cols]
		row[0] = c
		f64.Scal(c, row[1:])
		s.bias += c
	}
	f.p.x.AddTransMulRows(s.weights, rows.lo, rows.hi, products, cols)
	f.o.addTrans(s.square, rows, z, t)
}

// Merge adds the rows of o.
func (s *machineSum) Merge(o *machineSum) {
	s.loss += o.loss
	s.bias += o.bias
	f64.Axpy(1, o.weights, s.weights)
	f64.Axpy(1, o.square, s.square)
}

// slopes replaces the scores z of rows s by the derivatives of w·ℓ and returns Σ w·ℓ.
func (f *machine) slopes(z []float64, s span, t *scratch) (loss float64) {
	w := f.p.w[s.lo:s.hi]
	if f.labels != nil {
		loss, _ = residuals(z, 1, f.labels[s.lo:s.hi], w, grow(&t.d, 2*len(z)))
		return loss
	}
	for i, v := range z {
		e := v - f.targets[s.lo+i]
		z[i] = w[i] * e
		loss += z[i] * e / 2
	}
	return loss
}

func (f *machine) eval(ctx context.Context, pt *point) error {
	_, d := f.p.x.Dims()
	cols := 1 + f.factors
	f.set(&f.at, pt.theta)
	parts, err := sum(ctx, f.p, f.p.spans, d*(cols+1), &f.sums,
		func() *machineSum {
			return &machineSum{weights: make([]float64, d*cols), square: make([]float64, d)}
		}, (*machineSum).Reset,
		func(s *machineSum, rows span, t *scratch) { s.Add(f, rows, t) })
	if err != nil {
		return err
	}
	s := parts[0]
	for _, o := range parts[1:] {
		s.Merge(o)
	}
	pt.f, pt.residual = s.loss, 0
	for j, scale := range f.p.std.scale {
		at, row, grad := f.at.row(j), s.weights[j*cols:(j+1)*cols], pt.grad[j*cols:(j+1)*cols]
		row[0] += f.lambda * at[0]
		pt.f += f.lambda/2*at[0]*at[0] + f.of/2*f.at.squares[j]
		f64.Axpy(f.of-s.square[j], at[1:], row[1:])
		for k, g := range row {
			grad[k] = g / scale
			pt.residual = max(pt.residual, math.Abs(g)*f.p.std.measure[j])
		}
	}
	pt.grad[d*cols] = 0
	if !f.constant {
		pt.grad[d*cols] = s.bias
		pt.residual = max(pt.residual, math.Abs(s.bias))
	}
	return nil
}

func (f *machine) verdict(pt *point) error {
	if v := pt.f + pt.residual; v-v != 0 {
		return gram.ErrNonFinite
	}
	return nil
}

// fit goes down from random factors.
func (f *machine) fit(ctx context.Context, X gram.Matrix, intercept, tol float64, t FMClassifier) (*FMPredictor, gram.Convergence, error) {
	_, d := f.p.x.Dims()
	cols := 1 + f.factors
	pt := newPoint(d*cols + 1)
	pt.theta[d*cols] = intercept
	pre := make(diagonal, d*cols+1)
	level := 1.0 // a usual second derivative of the loss
	if f.labels != nil {
		level = 0.25
	}
	pre[d*cols] = 1 / (level * f.p.weight)
	for j, scale := range f.p.std.scale {
		r := rand.New(rand.NewPCG(t.Seed, uint64(j)))
		for k := range cols {
			at, penalty := j*cols+k, f.lambda
			if k > 0 {
				penalty = f.of
				if !math.IsInf(scale, 1) {
					pt.theta[at] = t.InitStd * r.NormFloat64()
				}
			}
			pre[at] = 1 / (level*f.p.weight + penalty/scale/scale)
		}
	}
	report := gram.Convergence{Solver: LBFGS.String(), Tolerance: tol * f.p.weight}
	if err := f.eval(ctx, pt); err != nil {
		return nil, report, err
	}
	steps, err := minimize(ctx, f, pt, &quasiNewton{pre: pre, fit: true}, report.Tolerance, t.MaxIter, t.Progress)
	report.Iterations, report.Objective, report.Residual = steps, pt.f, pt.residual
	report.Converged = pt.residual <= report.Tolerance
	switch {
	case errors.Is(err, gram.ErrNonFinite):
		return nil, report, checkFinite(X, math.NaN())
	case errors.Is(err, errStalled), errors.Is(err, gram.ErrNotConverged):
		err = unconverged(report)
	case err != nil:
		return nil, report, err
	}
	m := newFMPredictor(d, f.factors, make([]float64, d*cols), 0)
	f.set(&m, pt.theta)
	return &m, report, err
}
