package linear

import (
	"context"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/descent"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// A squares is the problem
//
//	½‖ỹ − X̃β‖² + l1·‖β‖₁ + ½·l2·‖β‖²
//
// where rows are centred, if there is an intercept, and multiplied by √w. Features
// that have been in a working set are held: their columns are copied and their inner
// products known, on which coordinate descent then works.
type squares struct {
	p     *problem
	y     []float64 // ỹ
	yMean float64
	yy    float64 // ‖ỹ‖²
	sum   float64 // √wᵀỹ
	l1    float64 // of the last solve, at first that which makes all zero
	fresh bool    // corr is that of coef

	r    []float64 // ỹ − X̃β
	corr []float64 // X̃ᵀr of all features
	sums []*productSum

	held      []int // features, in the order of their coming
	slot      []int // of each feature in held, or −1
	columns   *columnSet
	quadratic           // of held: gramian is X̃ᵀX̃, q is X̃ᵀr
	b, diag   []float64 // X̃ᵀỹ of held, and their squares

	last minimum // before the one where it is
}

// A minimum is what is kept of the solution for one strength of the penalty.
type minimum struct {
	l1   float64
	coef []float64 // of those held then
	corr []float64
}

func newSquares(p *problem, y []float64) *squares {
	n, d := p.x.Dims()
	s := &squares{
		p: p, y: make([]float64, n), r: make([]float64, n), columns: newColumnSet(p),
		corr: make([]float64, d), slot: make([]int, d),
		quadratic: quadratic{gramian: linalg.NewDense[float64](64, 64, nil), workers: p.workers},
	}
	if p.std.intercept {
		s.yMean = weightedMean(y, p.w)
	}
	for i, v := range y {
		s.y[i] = s.columns.root[i] * (v - s.yMean)
	}
	for j := range s.slot {
		s.slot[j] = -1
	}
	s.yy, s.sum = f64.SumSquares(s.y), f64.Dot(s.columns.root, s.y)
	return s
}

// pass sets the residuals, and the correlations of all features with them: one pass
// over X.
func (s *squares) pass(ctx context.Context) error {
	_, d := s.p.x.Dims()
	copy(s.r, s.y)
	s.columns.subtract(s.r, s.coef)
	parts, err := sum(ctx, s.p, s.p.spans, d, &s.sums, func() *productSum { return newProductSum(d, 1) }, (*productSum).Reset,
		func(h *productSum, rows span, t *scratch) {
			g := grow(&t.a, rows.hi-rows.lo)
			for i := range g {
				g[i] = s.columns.root[rows.lo+i] * s.r[rows.lo+i]
			}
			s.p.x.AddTransMulRows(h.coef, rows.lo, rows.hi, g, 1)
			h.bias[0] += f64.Sum(g)
		})
	if err != nil {
		return err
	}
	for _, o := range parts[1:] {
		parts[0].Merge(o)
	}
	for j, scale := range s.p.std.scale {
		s.corr[j] = 0
		if !math.IsInf(scale, 1) {
			s.corr[j] = parts[0].coef[j] - s.p.std.mean[j]*parts[0].bias[0]
		}
	}
	if s.l1 == 0 {
		s.l1 = s.steepest(0)
	}
	s.fresh = true
	return nil
}

// steepest returns the largest |X̃ᵀr − l2·β|.
func (s *squares) steepest(l2 float64) float64 {
	most := 0.0
	for j, c := range s.corr {
		if k := s.slot[j]; k >= 0 {
			c -= l2 * s.coef[k]
		}
		if c = math.Abs(c); c > most || c != c {
			most = c
		}
	}
	return most
}

// gap returns the objective and the duality gap, given ‖r‖², rᵀỹ and the largest
// |X̃ᵀr − l2·β|. The dual point is the best multiple of r.
func (s *squares) gap(rr, ry, steepest, l1, l2 float64) (objective, gap, scale float64) {
	one, two := f64.Asum(s.coef), f64.SumSquares(s.coef)
	objective = rr/2 + l1*one + l2/2*two
	bound := math.Inf(1)
	if steepest > 0 {
		bound = l1 / steepest
	}
	size := rr + l2*two
	scale = min(1, bound)
	if size > 0 {
		scale = min(max(ry/size, -bound), bound)
	}
	return objective, max(objective-(scale*ry-scale*scale/2*size), 0), scale
}

// solve minimises from where it is.
func (s *squares) solve(ctx context.Context, l1, l2, tol float64, limit int, progress func(gram.Progress)) (gram.Convergence, error) {
	weight := s.p.weight
	report := gram.Convergence{Solver: "coordinate-descent", Tolerance: tol * s.yy / 2 / weight}
	out := make([]bool, len(s.slot))
	threshold := 2*l1 - s.l1 // the strong rule of Tibshirani and others
	if s.extrapolate(l1) {
		const slack = 0.3 // of what the strong rule leaves
		if err := s.hold(ctx, s.missing(l1-slack*(s.l1-l1))); err != nil {
			return report, err
		}
		if err := s.descend(ctx, out, l1, l2, 0.5*tol*s.yy/2); err != nil {
			return report, err
		}
		s.fresh, threshold = false, l1
	}
	for {
		report.Iterations++
		if !s.fresh {
			if err := s.pass(ctx); err != nil {
				return report, err
			}
		}
		objective, gap, scale := s.gap(f64.SumSquares(s.r), f64.Dot(s.r, s.y), s.steepest(l2), l1, l2)
		report.Objective, report.Residual = objective/weight, gap/weight
		report.Converged = report.Residual <= report.Tolerance
		if progress != nil {
			progress(gram.Progress{
				Iteration: report.Iterations, Limit: limit, Objective: report.Objective, Residual: report.Residual, Tolerance: report.Tolerance,
			})
		}
		if report.Converged || report.Iterations == limit {
			s.l1 = l1
			return report, nil
		}
		if err := s.hold(ctx, s.missing(min(threshold, l1))); err != nil {
			return report, err
		}
		threshold = l1
		for k, j := range s.held {
			s.q[k] = s.corr[j] // without the rounding of many moves
		}
		s.screen(out, scale, math.Sqrt(2*gap), l1, l2)
		if err := s.descend(ctx, out, l1, l2, 0.5*tol*s.yy/2); err != nil {
			return report, err
		}
		s.fresh = false
	}
}

// extrapolate moves to where the line through the last two minima has the coefficients for
// l1, those apart that would change sign, and tells whether there is such a line. It
// leaves the correlations of features that are not held about right.
func (s *squares) extrapolate(l1 float64) bool {
	was := s.last
	s.last = minimum{s.l1, slices.Clone(s.coef), slices.Clone(s.corr)}
	if !(was.l1 > s.l1 && s.l1 > l1) {
		return false
	}
	t := (s.l1 - l1) / (was.l1 - s.l1)
	for j, c := range was.corr {
		s.corr[j] += t * (s.corr[j] - c)
	}
	var zero []int
	for k, j := range s.held {
		s.q[k] = s.corr[j]
		old, before := s.coef[k], 0.0
		if k < len(was.coef) {
			before = was.coef[k]
		}
		s.coef[k] += t * (old - before)
		if s.coef[k] != 0 && !(s.coef[k]*old > 0) {
			zero = append(zero, k)
		}
	}
	for _, k := range zero {
		s.move(k, -s.coef[k])
		s.coef[k] = 0
	}
	return true
}

// missing returns features that are not held and whose correlations are at least the
// threshold, the largest ones if there are many.
func (s *squares) missing(threshold float64) []int {
	var set []int
	for j, c := range s.corr {
		if s.slot[j] < 0 && c != 0 && math.Abs(c) >= threshold {
			set = append(set, j)
		}
	}
	if room := max(128, len(s.held)); len(set) > room {
		slices.SortStableFunc(set, func(a, b int) int {
			switch ca, cb := math.Abs(s.corr[a]), math.Abs(s.corr[b]); {
			case ca > cb:
				return -1
			case ca < cb:
				return 1
			}
			return 0
		})
		set = set[:room]
	}
	slices.Sort(set)
	return set
}

// screen sets out for held features that are zero at the minimum for sure, since the
// dual optimum is no further than radius from the dual point (Fercoq and others).
func (s *squares) screen(out []bool, scale, radius, l1, l2 float64) {
	for k, j := range s.held {
		c := math.Abs(scale * (s.corr[j] - l2*s.coef[k]))
		norm := math.Sqrt(s.gramian.At(k, k) + l2)
		out[j] = out[j] || c+radius*norm < l1*(1-1e-12)
		if out[j] && s.coef[k] != 0 {
			s.move(k, -s.coef[k])
			s.coef[k] = 0
		}
	}
}

// hold copies the columns of a set of features and sets their inner products.
func (s *squares) hold(ctx context.Context, set []int) error {
	if len(set) == 0 {
		return ctx.Err()
	}
	old := len(s.held)
	if err := s.columns.add(ctx, set); err != nil {
		return err
	}
	for _, j := range set {
		s.slot[j] = len(s.held)
		s.held = append(s.held, j)
	}
	size := len(s.held)
	if size > s.gramian.Rows {
		wider := linalg.NewDense[float64](size+size/2, size+size/2, nil)
		for k := range old {
			copy(wider.Row(k), s.gramian.Row(k)[:old])
		}
		s.gramian = wider
	}
	if err := s.columns.products(ctx, s.gramian, old); err != nil {
		return err
	}
	s.coef = append(s.coef, make([]float64, len(set))...)
	for k := old; k < size; k++ {
		b := s.columns.dot(k, s.y, s.sum)
		s.b, s.diag = append(s.b, b), append(s.diag, s.gramian.At(k, k))
		s.q = append(s.q, b-f64.Dot(s.gramian.Row(k)[:size], s.coef))
	}
	return nil
}

// descend moves the held features that are not out until their own duality gap is at most
// tol, or stops coming down.
func (s *squares) descend(ctx context.Context, out []bool, l1, l2, tol float64) error {
	var set []int
	for k, j := range s.held {
		if !out[j] {
			set = append(set, k)
		}
	}
	// All is counted in moves, of which as many as there are coefficients make a round.
	const most, patience = 10_000, 50
	work := 5e7 // multiplications that jumps may take: as many as descent has, and some more
	best, idle, total, sinceJump := math.Inf(1), 0, 0, 0
	for total <= most*len(set) {
		if err := ctx.Err(); err != nil {
			return err
		}
		// Rounding is all that goes on where the gap has not come down for long.
		gap := s.heldGap(set, l1, l2)
		if gap < 0.9*best {
			best, idle = gap, 0
		}
		if gap <= tol || idle > patience*len(set) {
			return nil
		}
		moves, moved := s.greedy(set, l1, l2)
		if moved <= 1e-15*math.Sqrt(s.yy) {
			return nil
		}
		total, idle, sinceJump = total+moves, idle+moves, sinceJump+moves
		work += float64(moves) * float64(len(s.q))
		if sinceJump < s.nonZeros() {
			continue
		}
		sinceJump = 0
		for s.jump(l1, l2, &work) {
		}
	}
	return nil
}

func (s *squares) nonZeros() int {
	count := 0
	for _, v := range s.coef {
		if v != 0 {
			count++
		}
	}
	return count
}

// heldGap returns the duality gap if there were no features beside the held ones of a set.
func (s *squares) heldGap(set []int, l1, l2 float64) float64 {
	steepest := 0.0
	for _, k := range set {
		steepest = max(steepest, math.Abs(s.q[k]-l2*s.coef[k]))
	}
	by := f64.Dot(s.coef, s.b)
	rr := max(s.yy-by-f64.Dot(s.coef, s.q), 0)
	_, gap, _ := s.gap(rr, s.yy-by, steepest, l1, l2)
	return gap
}

// greedy goes over a set and moves those coefficients to where the objective is smallest
// that have nearly the longest way to go, in terms of √(X̃ᵀX̃): to look at one costs
// nothing beside a move, and the longest moves make the objective fall most (J. Nutini
// and others, Coordinate descent converges faster with the Gauss–Southwell rule than
// random selection, ICML 2015). It returns how many moved, and the longest move.
func (s *squares) greedy(set []int, l1, l2 float64) (moves int, longest float64) {
	const nearly = 0.7
	bar := 0.0
	for _, k := range set {
		_, length := s.aim(k, l1, l2)
		bar = max(bar, nearly*length)
	}
	for _, k := range set {
		v, length := s.aim(k, l1, l2)
		if length == 0 || length < bar {
			continue
		}
		s.move(k, v-s.coef[k])
		s.coef[k] = v
		longest = max(longest, length)
		moves++
	}
	return moves, longest
}

// aim returns where the objective is smallest by a coefficient, and how far that is.
func (s *squares) aim(k int, l1, l2 float64) (v, length float64) {
	h, old := s.diag[k], s.coef[k]
	if h+l2 == 0 {
		return old, 0
	}
	v = descent.Shrink(s.q[k]+h*old, l1) / (h + l2)
	return v, math.Abs(v-old) * math.Sqrt(h+l2)
}

// predictor returns the model where the fit is.
func (s *squares) predictor() LinearPredictor {
	m := LinearPredictor{coef: make([]float64, len(s.slot)), intercept: s.yMean}
	for k, j := range s.held {
		if v := s.coef[k]; v != 0 {
			m.coef[j] = v
			m.intercept -= v * s.p.std.mean[j]
			if s.p.offset != nil {
				m.intercept -= v * s.p.offset[j]
			}
		}
	}
	if !s.p.std.intercept {
		m.intercept = 0
	}
	return m
}
