package linear

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/descent"
	"github.com/gram-ml/gram/internal/kernel/f64"
)

// A saga goes down with the gradient of one row at a time, corrected by what that row's was
// before and by the mean of all rows', so that its noise vanishes at the optimum (Defazio,
// Bach and Lacoste-Julien, 2014). Half of the rows are drawn by how steep their losses may be,
// so that steps are as long as the mean of all rows, not the steepest one, lets them be
// (Schmidt, Babanezhad, Ahmed, Defazio, Clifton and Sarkar, 2015).
//
// Coordinates are K for K classes, of dense features as of a standard, and of sparse ones
// relative to the largest of each: no means, so that a row of few entries stays one, and no
// deviations, which blow up what is rare. A step changes the coordinates of the row's entries;
// for the others the mean gradient and the penalties wait until a row has them.
type saga struct {
	p            *problem
	shift, scale []float64 // features count as (x − shift)/scale
	theta        []float64 // d×cols, then cols biases
	mean         []float64 // of the rows' gradients
	table        []float64 // the derivatives of each row's loss by its scores, n×cols
	l1, l2       []float64 // penalties of each feature over Σw
	log          []float64 // log(1 + rate·l2) of each feature
	share        []float64 // n·w/Σw of each row
	steep        []float64 // bounds of the rows' second derivatives, summed up
	rate         float64
	steps        int   // taken in this epoch
	done         []int // of the steps, those that a feature has taken
	col          []uint32
	val          []float64
	all          []uint32 // 0, 1, … for dense rows
	buf          []float64
	random       *rand.Rand
}

func newSAGA(ctx context.Context, p *problem, from *params, l1, l2 float64) (*saga, error) {
	n, d := p.x.Dims()
	cols := p.cols
	size := (d + 1) * cols
	s := &saga{
		p: p, shift: p.std.mean, scale: p.std.scale, theta: make([]float64, size), mean: make([]float64, size), table: make([]float64, n*cols),
		l1: make([]float64, d), l2: make([]float64, d), log: make([]float64, d), share: make([]float64, n), steep: make([]float64, n),
		done: make([]int, d), random: rand.New(rand.NewPCG(1, 0x5a6a)),
	}
	if p.sparse != nil {
		s.scaleByLargest()
	} else {
		s.val, s.buf, s.all = make([]float64, d), make([]float64, d), make([]uint32, d)
		for j := range s.all {
			s.all[j] = uint32(j)
		}
	}
	s.begin(from)
	smooth := 0.25
	if cols > 1 {
		smooth = 0.5
	}
	for i, w := range p.w {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s.share[i] = w / p.weight * float64(n)
		s.read(i)
		s.steep[i] = smooth * s.share[i] * (f64.SumSquares(s.val) + s.one())
		r := s.table[i*cols : (i+1)*cols]
		s.residual(r, i)
		s.add(r, s.share[i]/float64(n))
	}
	s.setRate()
	for j, scale := range s.scale {
		s.l1[j], s.l2[j] = l1/scale/p.weight, l2/scale/scale/p.weight
		s.log[j] = math.Log1p(s.rate * s.l2[j])
	}
	return s, nil
}

// scaleByLargest sets the coordinates of sparse features.
func (s *saga) scaleByLargest() {
	n, d := s.p.x.Dims()
	s.shift, s.scale = make([]float64, d), make([]float64, d)
	for i := range n {
		col, val := s.p.sparse.row(i, &s.buf)
		for e, j := range col {
			s.scale[j] = max(s.scale[j], math.Abs(val[e]))
		}
	}
	for j, scale := range s.p.std.scale {
		if s.scale[j] == 0 || math.IsInf(scale, 1) {
			s.scale[j] = math.Inf(1)
		}
	}
}

// begin sets theta to parameters.
func (s *saga) begin(from *params) {
	cols := s.p.cols
	bias := s.theta[len(s.scale)*cols:]
	copy(bias, from.bias)
	for j, scale := range s.scale {
		if row := s.theta[j*cols : (j+1)*cols]; !math.IsInf(scale, 1) {
			copy(row, from.coef[j*cols:])
			f64.Axpy(s.shift[j], row, bias)
			f64.Scal(scale, row)
		}
	}
}

// setRate sets the rate to a third of the inverse of the steepest loss, where each counts by
// how often its row is drawn, and replaces steep by its sums.
func (s *saga) setRate() {
	n := float64(len(s.steep))
	mean, most := f64.Sum(s.steep)/n, 0.0
	total := 0.0
	for i, v := range s.steep {
		most = max(most, v/(0.5+0.5*v/mean))
		total += v
		s.steep[i] = total
	}
	s.rate = 1 / (3 * most)
}

// draw returns a row and n times the probability that it is this one.
func (s *saga) draw() (i int, often float64) {
	n := len(s.steep)
	total := s.steep[n-1]
	if i = s.random.IntN(2 * n); i >= n {
		i, _ = slices.BinarySearch(s.steep, s.random.Float64()*total)
		i = min(i, n-1)
	}
	own := s.steep[i]
	if i > 0 {
		own -= s.steep[i-1]
	}
	return i, 0.5 + 0.5*own/total*float64(n)
}

// one returns 1 if there is an intercept, which is a feature that always is 1, and else 0.
func (s *saga) one() float64 {
	if s.p.std.intercept {
		return 1
	}
	return 0
}

// read sets col and val to row i in the coordinates.
func (s *saga) read(i int) {
	if s.p.sparse != nil {
		col, val := s.p.sparse.row(i, &s.buf)
		s.col, s.val = col, grow(&s.val, len(val))
		for e, j := range col {
			s.val[e] = val[e] / s.scale[j]
		}
		return
	}
	raw, _ := s.p.x.RowBlock(s.buf, i, i+1)
	s.col = s.all
	for j, v := range raw[:len(s.val)] {
		s.val[j] = (v - s.shift[j]) / s.scale[j]
	}
}

// residual sets r to the derivatives of the loss of the row that was read by its scores.
func (s *saga) residual(r []float64, i int) {
	cols := len(r)
	copy(r, s.theta[len(s.scale)*cols:])
	if s.p.at.offset != nil {
		f64.Axpy(1, s.p.at.offset[i*cols:(i+1)*cols], r)
	}
	for e, j := range s.col {
		v, row := s.val[e], s.theta[int(j)*cols:][:cols]
		for k, b := range row {
			r[k] += v * b
		}
	}
	var tmp [2]float64
	one := [1]float64{1}
	residuals(r, cols, s.p.y[i:i+1], one[:], tmp[:])
}

// add adds the gradient of the row that was read, by derivatives r, to the mean.
func (s *saga) add(r []float64, by float64) {
	cols := len(r)
	for e, j := range s.col {
		v, row := by*s.val[e], s.mean[int(j)*cols:][:cols]
		for k, x := range r {
			row[k] += v * x
		}
	}
	f64.Axpy(by*s.one(), r, s.mean[len(s.scale)*cols:])
}

// epoch makes as many steps as there are rows.
func (s *saga) epoch(ctx context.Context) error {
	n := len(s.share)
	cols := s.p.cols
	change := make([]float64, cols)
	clear(s.done)
	for s.steps = range n {
		if s.steps%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		i, often := s.draw()
		s.read(i)
		for _, j := range s.col {
			s.catchUp(int(j))
		}
		old := s.table[i*cols : (i+1)*cols]
		s.residual(change, i)
		for k, v := range old {
			old[k] = change[k]
			change[k] -= v
		}
		s.step(change, s.rate*s.share[i]/often)
		s.add(change, s.share[i]/float64(n))
	}
	s.steps = n
	for j := range s.done {
		s.catchUp(j)
	}
	return nil
}

// step moves the coordinates of the row that was read and the biases: down the mean gradient,
// and by times the row's with the change of its derivatives.
func (s *saga) step(change []float64, by float64) {
	cols := len(change)
	for e, j := range s.col {
		at := int(j) * cols
		v := by * s.val[e]
		mean, theta := s.mean[at:at+cols], s.theta[at:at+cols]
		bound, less := s.rate*s.l1[j], 1/(1+s.rate*s.l2[j])
		for k, b := range theta {
			theta[k] = descent.Shrink(b-s.rate*mean[k]-v*change[k], bound) * less
		}
		s.done[j] = s.steps + 1
	}
	at := len(s.scale) * cols
	f64.Axpy(-s.rate*s.one(), s.mean[at:], s.theta[at:])
	f64.Axpy(-by*s.one(), change, s.theta[at:])
}

// catchUp takes the steps of a feature that it has not.
func (s *saga) catchUp(j int) {
	m := s.steps - s.done[j]
	if m == 0 {
		return
	}
	cols := s.p.cols
	for i := j * cols; i < (j+1)*cols; i++ {
		s.theta[i] = glide(s.theta[i], s.mean[i], s.l1[j], s.l2[j], s.rate, s.log[j], m)
	}
	s.done[j] = s.steps
}

// glide returns what m proximal steps of a rate with the derivative g make of b, under the
// penalties l1·|b| + l2·b²/2. log is log(1 + rate·l2).
func glide(b, g, l1, l2, rate, log float64, m int) float64 {
	for m > 0 {
		if b < 0 || b == 0 && g > 0 { // the mirror image of what follows
			return -glide(-b, -g, l1, l2, rate, log, m)
		}
		slope := g + l1
		if b == 0 && slope >= 0 {
			return 0
		}
		stay := m // steps that end above zero
		if slope > 0 {
			above := b / (rate * slope)
			if l2 > 0 {
				above = math.Log1p(b*l2/slope) / log
			}
			if above < float64(m) {
				stay = int(above)
			}
		}
		if stay > 1 {
			b = slide(b, slope, l2, rate, log, stay)
			m -= stay
			if slope > 0 {
				b = max(b, 0) // but for rounding
			}
			continue
		}
		b = descent.Shrink(b-rate*g, rate*l1) / (1 + rate*l2)
		m--
	}
	return b
}

// slide returns what m steps make of b where the penalty's sign stays: b·qᵐ − rate·slope·Σ qⁱ
// over i = 1 to m, with q = 1/(1 + rate·l2).
func slide(b, slope, l2, rate, log float64, m int) float64 {
	if l2 == 0 {
		return b - float64(m)*rate*slope
	}
	lost := -math.Expm1(-float64(m) * log)
	return b - lost*(b+slope/l2)
}

// params returns the coefficients and biases for the rows of the problem.
func (s *saga) params() *params {
	d, cols := len(s.scale), s.p.cols
	out := newParams(d, cols)
	copy(out.bias, s.theta[d*cols:])
	for j, scale := range s.scale {
		row := out.coef[j*cols : (j+1)*cols]
		copy(row, s.theta[j*cols:])
		f64.Scal(1/scale, row)
		f64.Axpy(-s.shift[j], row, out.bias)
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
