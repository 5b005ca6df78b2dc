package linear

import (
	"context"
	"math"

	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
	"gonum.org/v1/gonum/blas"
)

// A gramianModel holds the Hessian of a working set, taken from a part of the rows if they
// are many. Later steps improve it by the formula of Broyden, Fletcher, Goldfarb and
// Shanno, so that few need a new one.
type gramianModel struct {
	l    *penalized
	slot []int // the coefficient of each slot
	quadratic
	link *linalg.Dense[float64] // how biases follow the slots, cols×slots; nil without
	s, y []float64
}

func (l *penalized) newGramianModel(ctx context.Context) (*gramianModel, error) {
	cols := l.p.cols
	size := len(l.set) * cols
	m := &gramianModel{
		l: l, slot: make([]int, 0, size), s: make([]float64, size), y: make([]float64, size),
		quadratic: quadratic{coef: make([]float64, size), q: make([]float64, size), workers: l.p.workers},
	}
	for _, j := range l.set {
		for k := range cols {
			m.slot = append(m.slot, j*cols+k)
		}
	}
	part := l.p
	n, _ := l.p.x.Dims()
	if keep := max(samplesPerDim*(size+1), 1000); 2*keep <= n && l.p.factor == 1 {
		part = l.p.on(keep)
	}
	h, err := l.hessianOf(ctx, part)
	if err != nil {
		return nil, err
	}
	m.gramian = linalg.NewDense[float64](size, size, nil)
	for i := range size {
		copy(m.gramian.Row(i), h.Row(i)[:size])
	}
	biases := h.Slice(size, size+cols, size, size+cols)
	if l.p.std.intercept {
		m.eliminate(h, biases)
	}
	floor := 1e-12
	if part != l.p {
		floor = 1e-2 // the rows of the part may not show what the feature does
	}
	for i, c := range m.slot {
		scale := l.p.std.scale[c/cols]
		least := floor * biases.At(c%cols, c%cols) * scale * scale
		m.gramian.Set(i, i, max(m.gramian.At(i, i), least))
	}
	return m, nil
}

// hessianOf returns the second derivatives of the loss by the coefficients of the working
// set and then the biases, as the rows of a part show them.
func (l *penalized) hessianOf(ctx context.Context, part *problem) (*linalg.Dense[float64], error) {
	cols, dim := part.cols, len(l.set)+1
	_, d := part.x.Dims()
	slot := make([]int, d)
	for k, j := range l.set {
		slot[j] = k + 1
	}
	var sums []*hessianSum
	parts, err := sum(ctx, part, part.spans, pairsOf(cols)*dim*dim, &sums, func() *hessianSum { return newHessianSum(dim, cols) },
		func(*hessianSum) {}, func(h *hessianSum, s span, t *scratch) {
			rows := s.hi - s.lo
			p := grow(&t.c, rows*(cols+2))
			tmp, pw, p := p[:rows], p[rows:2*rows], p[2*rows:]
			copy(p, l.at.z[s.lo*cols:s.hi*cols])
			addBias(p, l.at.bias)
			probabilities(p, cols, tmp)
			h.add(l.gather(s, slot, t), p, pw, part.w[s.lo:s.hi], t)
		})
	if err != nil {
		return nil, err
	}
	for _, h := range parts[1:] {
		parts[0].Merge(h)
	}
	for _, g := range parts[0].pairs {
		f64.Scal(part.factor, g.sum.Data)
	}
	return parts[0].classes(), nil
}

// gather returns the centred features of the working set in rows s, and a column of ones.
// slot is the place of each feature in the set from 1, or 0.
func (l *penalized) gather(s span, slot []int, t *scratch) *linalg.Dense[float64] {
	p := l.p
	dim := len(l.set) + 1
	out := linalg.NewDense(s.hi-s.lo, dim, grow(&t.b, (s.hi-s.lo)*dim))
	var block []float64
	stride := 0
	if p.sparse == nil {
		block, stride = denseBlock(p.x, s, &t.a)
	}
	for i := range out.Rows {
		row := out.Row(i)
		row[dim-1] = 1
		if p.sparse == nil {
			for k, j := range l.set {
				row[k] = block[i*stride+j] - p.std.mean[j]
			}
			continue
		}
		for k, j := range l.set {
			row[k] = -p.std.mean[j]
		}
		col, val := p.sparse.row(s.lo+i, &t.a)
		for e, j := range col {
			if k := slot[j] - 1; k >= 0 {
				row[k] += val[e]
			}
		}
	}
	return out
}

// classes returns the Hessian by the coefficients of the classes themselves, in full:
// element (j·cols+k, i·cols+l) belongs to classes k and l of features j and i.
func (h *hessianSum) classes() *linalg.Dense[float64] {
	dim, cols := h.pairs[0].sum.Rows, h.cols
	out := linalg.NewDense[float64](dim*cols, dim*cols, nil)
	pair := 0
	each := func(f func(j, i int, v float64)) {
		for j := range dim {
			for i, v := range h.pairs[pair].sum.Row(j)[:j+1] {
				f(j, i, v)
				if i < j {
					f(i, j, v)
				}
			}
		}
	}
	if cols == 1 {
		each(out.Set)
		return out
	}
	for l := range cols {
		for k := range l {
			each(func(j, i int, v float64) {
				a, b := out.Row(j*cols + k)[i*cols:], out.Row(j*cols + l)[i*cols:]
				a[k] += v
				a[l] -= v
				b[k] -= v
				b[l] += v
			})
			pair++
		}
	}
	return out
}

// eliminate takes the biases out of the Hessian h: the Schur complement is what is left
// for coefficients that they follow.
func (m *gramianModel) eliminate(h, biases *linalg.Dense[float64]) {
	size, cols := len(m.slot), biases.Rows
	flat := make([]float64, 0, cols*cols)
	for k := range cols {
		flat = append(flat, biases.Row(k)...)
	}
	root := biasRoot(flat, cols)
	if root == nil {
		return
	}
	cross := h.Slice(size, size+cols, 0, size)
	m.link = root.Solve(1, nil, linalg.CopyOf[float64](cross))
	linalg.Gemm(blas.Trans, blas.NoTrans, -1, cross, m.link, 1, m.gramian)
}

func (m *gramianModel) step(ctx context.Context, at, next *site, excess float64) error {
	for i, c := range m.slot {
		m.coef[i], m.q[i] = at.coef[c], -at.grad[c]
	}
	if err := m.descend(ctx, m.l.l1, m.l.l2, max(1e-2*excess, 1e-15*m.l.l1)); err != nil {
		return err
	}
	for i, c := range m.slot {
		m.s[i] = m.coef[i] - at.coef[c]
		next.coef[c] = m.coef[i]
	}
	if m.link != nil {
		for k := range next.bias {
			next.bias[k] -= f64.Dot(m.link.Row(k), m.s)
		}
	}
	return nil
}

// descend goes over all coefficients until their derivatives are within tol of those of a
// minimum, or stop coming closer.
func (s *quadratic) descend(ctx context.Context, l1, l2, tol float64) error {
	const most = 10_000
	work := 5e7 // multiplications that jumps may take
	all := make([]int, len(s.coef))
	for k := range all {
		all[k] = k
	}
	var some []int
	for range most {
		if err := ctx.Err(); err != nil {
			return err
		}
		moves := s.round(all, l1, l2)
		worst := 0.0
		some = some[:0]
		for k, v := range s.coef {
			worst = max(worst, steepness(v, s.q[k], l1, l2))
			if v != 0 {
				some = append(some, k)
			}
		}
		if worst <= tol || moves == 0 {
			return nil
		}
		const rounds = 4
		for range rounds {
			s.round(some, l1, l2)
		}
		for s.jump(l1, l2, &work) {
		}
	}
	return nil
}

// learn updates the Hessian to one that maps the step to the change of the gradient.
func (m *gramianModel) learn(at, next *site) {
	for i, c := range m.slot {
		m.s[i] = next.coef[c] - at.coef[c]
		m.y[i] = next.grad[c] - at.grad[c]
	}
	hs := m.q
	for i := range hs {
		hs[i] = f64.Dot(m.gramian.Row(i), m.s)
	}
	sy, shs := f64.Dot(m.s, m.y), f64.Dot(m.s, hs)
	if !(sy > 1e-14*math.Sqrt(f64.SumSquares(m.s)*f64.SumSquares(m.y)) && shs > 0) {
		return // rounding: the loss is convex
	}
	for i := range m.slot {
		row := m.gramian.Row(i)
		f64.Axpy(m.y[i]/sy, m.y, row)
		f64.Axpy(-hs[i]/shs, hs, row)
	}
}
