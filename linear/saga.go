package linear

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// A saga goes down with the gradient of one row at a time, corrected by what that row's was
// before and by the mean of all rows', so that its noise vanishes at the optimum (Defazio,
// Bach and Lacoste-Julien, 2014). Coordinates are those of a standard, but K for K classes.
type saga struct {
	p      *problem
	theta  []float64 // d×cols, then cols biases
	mean   []float64 // of the rows' gradients
	table  []float64 // the derivatives of each row's loss by its scores, n×cols
	l1, l2 []float64 // penalties of each coordinate over Σw
	share  []float64 // n·w/Σw of each row
	rate   float64
	row    []float64
	buf    []float64
	random *rand.Rand
}

func newSAGA(ctx context.Context, p *problem, from *params, l1, l2 float64) (*saga, error) {
	n, d := p.x.Dims()
	cols := p.cols
	size := (d + 1) * cols
	s := &saga{
		p: p, theta: make([]float64, size), mean: make([]float64, size), table: make([]float64, n*cols), share: make([]float64, n),
		l1: make([]float64, size), l2: make([]float64, size), row: make([]float64, d+1), buf: make([]float64, d),
		random: rand.New(rand.NewPCG(1, 0x5a6a)),
	}
	bias := s.theta[d*cols:]
	copy(bias, from.bias)
	for j, scale := range p.std.scale {
		row := s.theta[j*cols : (j+1)*cols]
		if !math.IsInf(scale, 1) {
			copy(row, from.coef[j*cols:])
			f64.Axpy(p.std.mean[j], row, bias)
			f64.Scal(scale, row)
		}
		for i := j * cols; i < (j+1)*cols; i++ {
			s.l1[i], s.l2[i] = l1/scale/p.weight, l2/scale/scale/p.weight
		}
	}
	smooth := 0.25
	if cols > 1 {
		smooth = 0.5
	}
	steepest := 0.0
	for i, w := range p.w {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s.share[i] = w / p.weight * float64(n)
		s.read(i)
		steepest = max(steepest, smooth*s.share[i]*f64.SumSquares(s.row))
		r := s.table[i*cols : (i+1)*cols]
		s.residual(r, i)
		s.add(s.mean, r, s.share[i]/float64(n))
	}
	s.rate = 1 / (3 * steepest)
	return s, nil
}

// read sets row to row i in the coordinates, with a last 1 for the bias if there is one.
func (s *saga) read(i int) {
	d := len(s.buf)
	raw, _ := s.p.x.RowBlock(s.buf, i, i+1)
	for j, v := range raw[:d] {
		s.row[j] = (v - s.p.std.mean[j]) / s.p.std.scale[j]
	}
	if s.p.std.intercept {
		s.row[d] = 1
	}
}

// residual sets r to the derivatives of the loss of the row that was read by its scores.
func (s *saga) residual(r []float64, i int) {
	cols := len(r)
	clear(r)
	if s.p.at.offset != nil {
		copy(r, s.p.at.offset[i*cols:])
	}
	for j, v := range s.row {
		if v != 0 {
			f64.Axpy(v, s.theta[j*cols:(j+1)*cols], r)
		}
	}
	var tmp [2]float64
	one := [1]float64{1}
	residuals(r, cols, s.p.y[i:i+1], one[:], tmp[:])
}

// add adds the gradient of the row that was read, by derivatives r, to g.
func (s *saga) add(g, r []float64, by float64) {
	cols := len(r)
	for j, v := range s.row {
		if v != 0 {
			f64.Axpy(by*v, r, g[j*cols:(j+1)*cols])
		}
	}
}

// epoch makes as many steps as there are rows.
func (s *saga) epoch(ctx context.Context) error {
	n, _ := s.p.x.Dims()
	cols := s.p.cols
	change := make([]float64, cols)
	for step := range n {
		if step%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		i := s.random.IntN(n)
		if s.share[i] == 0 {
			continue
		}
		s.read(i)
		old := s.table[i*cols : (i+1)*cols]
		s.residual(change, i)
		for k, v := range old {
			old[k] = change[k]
			change[k] -= v
		}
		f64.Axpy(-s.rate, s.mean, s.theta)
		s.add(s.theta, change, -s.rate*s.share[i])
		s.add(s.mean, change, s.share[i]/float64(n))
		for c, v := range s.theta {
			s.theta[c] = shrink(v, s.rate*s.l1[c]) / (1 + s.rate*s.l2[c])
		}
	}
	return nil
}

// params returns the coefficients and biases for the rows of the problem.
func (s *saga) params() *params {
	d, cols := len(s.buf), s.p.cols
	out := newParams(d, cols)
	copy(out.bias, s.theta[d*cols:])
	for j, scale := range s.p.std.scale {
		row := out.coef[j*cols : (j+1)*cols]
		copy(row, s.theta[j*cols:])
		f64.Scal(1/scale, row)
		f64.Axpy(-s.p.std.mean[j], row, out.bias)
	}
	centre(out.bias)
	return out
}

// solveSAGA is solve by SAGA. Iterations are epochs, each with a pass over X that tells how
// far there is to go.
func solveSAGA(ctx context.Context, X gram.Matrix, p *problem, s *settings) (*params, gram.Convergence, error) {
	pt := newPoint(p.size())
	scale, what := p.weight, "gradient"
	if start := p.start(pt); s.l1 > 0 {
		scale, what = start, "duality gap"
	}
	p.std.params(p.at, pt.theta)
	from := &params{coef: p.at.coef, bias: p.at.bias}
	if s.start != nil {
		from = p.shifted(s.start)
	}
	g, err := newSAGA(ctx, p, from, s.l1, s.lambda)
	if err != nil {
		return nil, gram.Convergence{}, err
	}
	report := gram.Convergence{Solver: s.solver.String(), Tolerance: s.tol * scale}
	l := newPenalized(p, s.l1, s.lambda)
	var at *params
	for {
		at = g.params()
		if err := g.measure(ctx, l, pt, at, &report); err != nil {
			return nil, report, err
		}
		report.Converged = report.Residual <= report.Tolerance
		if v := report.Residual + report.Objective; v-v != 0 {
			err = gram.ErrNonFinite
		} else if s.l1+s.lambda == 0 && pt.margin > 0 {
			err = gram.ErrSeparable
		}
		if report.Iterations > 0 && s.progress != nil {
			s.progress(gram.Progress{
				Iteration: report.Iterations, Limit: s.maxIter, Objective: report.Objective, Residual: report.Residual, Tolerance: report.Tolerance,
			})
		}
		if err != nil || report.Converged {
			break
		}
		if report.Iterations == s.maxIter {
			err = gram.ErrNotConverged
			break
		}
		report.Iterations++
		if err := g.epoch(ctx); err != nil {
			return nil, report, err
		}
	}
	err, keep := explain(X, err, report, what)
	if !keep {
		return nil, report, err
	}
	p.unshift(at)
	centre(at.bias)
	return at, report, err
}

// measure sets the objective and the gradient norm or duality gap at a place. With an L1
// penalty it sets the biases of the place to their best.
func (s *saga) measure(ctx context.Context, l *penalized, pt *point, at *params, report *gram.Convergence) error {
	p := s.p
	if l.l1 == 0 {
		p.std.coordinates(pt.theta, at)
		err := p.eval(ctx, pt)
		report.Objective, report.Residual = pt.f, pt.residual
		return err
	}
	copy(l.at.coef, at.coef)
	if err := l.evaluate(ctx, l.at, &site{bias: at.bias}); err != nil {
		return err
	}
	copy(at.bias, l.at.bias)
	c := l.certify(l.at)
	report.Objective, report.Residual = c.objective, c.gap
	return nil
}

// checkTrack refuses solvers that a path cannot go with.
func (s *settings) checkTrack() error {
	if s.solver == SAGA {
		return fmt.Errorf("linear: Solver is %v, which follows no path: %w", s.solver, gram.ErrParam)
	}
	return nil
}
