package linear

import (
	"context"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
	"gonum.org/v1/gonum/blas"
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
	yy    float64   // ‖ỹ‖²
	root  []float64 // √w
	l1    float64   // of the last solve, at first that which makes all zero
	fresh bool      // corr is that of coef

	r    []float64 // ỹ − X̃β
	corr []float64 // X̃ᵀr of all features
	sums []*productSum

	held      []int                    // features, in the order of their coming
	slot      []int                    // of each feature in held, or −1
	chunks    []*linalg.Dense[float64] // their columns, as rows
	quadratic                          // of held: gramian is X̃ᵀX̃, q is X̃ᵀr
	b         []float64                // X̃ᵀỹ of held
}

func newSquares(p *problem, y []float64) *squares {
	n, d := p.x.Dims()
	s := &squares{
		p: p, y: make([]float64, n), root: make([]float64, n), r: make([]float64, n),
		corr: make([]float64, d), slot: make([]int, d),
		quadratic: quadratic{gramian: linalg.NewDense[float64](64, 64, nil), workers: p.workers},
	}
	if p.std.intercept {
		s.yMean = weightedMean(y, p.w)
	}
	for i, v := range y {
		s.root[i] = math.Sqrt(p.w[i])
		s.y[i] = s.root[i] * (v - s.yMean)
	}
	for j := range s.slot {
		s.slot[j] = -1
	}
	s.yy = f64.SumSquares(s.y)
	return s
}

// pass sets the residuals, and the correlations of all features with them: one pass
// over X.
func (s *squares) pass(ctx context.Context) error {
	_, d := s.p.x.Dims()
	copy(s.r, s.y)
	k := 0
	for _, c := range s.chunks {
		for i := range c.Rows {
			if b := s.coef[k]; b != 0 {
				f64.Axpy(-b, c.Row(i), s.r)
			}
			k++
		}
	}
	parts, err := sum(ctx, s.p, s.p.spans, d, &s.sums, func() *productSum { return newProductSum(d, 1) }, (*productSum).Reset,
		func(h *productSum, rows span, t *scratch) {
			g := grow(&t.a, rows.hi-rows.lo)
			for i := range g {
				g[i] = s.root[rows.lo+i] * s.r[rows.lo+i]
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
	chunk, err := s.copyColumns(ctx, set)
	if err != nil {
		return err
	}
	s.chunks = append(s.chunks, chunk)
	for _, j := range set {
		s.slot[j] = len(s.held)
		s.held = append(s.held, j)
	}
	size := len(s.held)
	if size > s.gramian.Rows {
		wider := linalg.NewDense[float64](2*size, 2*size, nil)
		for k := range old {
			copy(wider.Row(k), s.gramian.Row(k)[:old])
		}
		s.gramian = wider
	}
	at := 0
	for _, c := range s.chunks {
		block := s.gramian.Slice(old, size, at, at+c.Rows)
		linalg.GemmParallel(s.p.workers, blas.NoTrans, blas.Trans, 1, chunk, c, 0, block)
		for i := range block.Rows {
			for k, v := range block.Row(i) {
				s.gramian.Set(at+k, old+i, v)
			}
		}
		at += c.Rows
	}
	s.coef = append(s.coef, make([]float64, len(set))...)
	for i := range set {
		b := f64.Dot(chunk.Row(i), s.y)
		s.b = append(s.b, b)
		s.q = append(s.q, b-f64.Dot(s.gramian.Row(old + i)[:size], s.coef))
	}
	return ctx.Err()
}

// copyColumns returns columns of X̃ as rows.
func (s *squares) copyColumns(ctx context.Context, set []int) (*linalg.Dense[float64], error) {
	n, d := s.p.x.Dims()
	chunk := linalg.NewDense[float64](len(set), n, nil)
	at := make([]int, d)
	for k, j := range set {
		at[j] = k + 1
	}
	err := par.ForWorker(ctx, s.p.workers, len(s.p.spans), 1, func(worker, _, lo, hi int) {
		t := &s.p.work[worker]
		for _, rows := range s.p.spans[lo:hi] {
			if s.p.sparse == nil {
				block, stride := denseBlock(s.p.x, rows, &t.a)
				for k, j := range set {
					mean, dst := s.p.std.mean[j], chunk.Row(k)[rows.lo:rows.hi]
					for i := range dst {
						dst[i] = s.root[rows.lo+i] * (block[i*stride+j] - mean)
					}
				}
				continue
			}
			for k, j := range set {
				mean, dst := s.p.std.mean[j], chunk.Row(k)[rows.lo:rows.hi]
				for i := range dst {
					dst[i] = -s.root[rows.lo+i] * mean
				}
			}
			for i := rows.lo; i < rows.hi; i++ {
				col, val := s.p.sparse.row(i, &t.a)
				for e, j := range col {
					if k := at[j] - 1; k >= 0 {
						chunk.Row(k)[i] += s.root[i] * val[e]
					}
				}
			}
		}
	})
	return chunk, err
}

// descend goes over the held features that are not out until their own duality gap is
// at most tol, or stops coming down.
func (s *squares) descend(ctx context.Context, out []bool, l1, l2, tol float64) error {
	var set []int
	for k, j := range s.held {
		if !out[j] {
			set = append(set, k)
		}
	}
	const most = 10_000
	work := 5e7 // multiplications that jumps may take: as many as descent has, and some more
	// Rounding is all that goes on where the gap has not come down for long.
	const patience = 50
	best, idle := math.Inf(1), 0
	for range most {
		if err := ctx.Err(); err != nil {
			return err
		}
		moves, moved := s.round(set, l1, l2)
		work += float64(moves) * float64(len(s.q))
		steepest, by := 0.0, f64.Dot(s.coef, s.b)
		for _, k := range set {
			steepest = max(steepest, math.Abs(s.q[k]-l2*s.coef[k]))
		}
		rr := max(s.yy-by-f64.Dot(s.coef, s.q), 0)
		_, gap, _ := s.gap(rr, s.yy-by, steepest, l1, l2)
		if idle++; gap < 0.9*best {
			best, idle = gap, 0
		}
		if gap <= tol || idle == patience || moved <= 1e-15*math.Sqrt(s.yy) {
			return nil
		}
		for s.jump(l1, l2, &work) {
		}
	}
	return nil
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
