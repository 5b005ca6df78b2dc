package linear

import (
	"context"
	"math"

	"github.com/gram-ml/gram/internal/descent"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
)

// A column is a feature over all rows: its entries, or all values less the mean where rows
// is nil.
type column struct {
	rows []uint32
	vals []float64
}

// A columnModel is the model with the exact Hessian, which it never forms: descent keeps
// its product with the step, from column to column of X.
type columnModel struct{ l *penalized }

func (l *penalized) newColumnModel(ctx context.Context) (*columnModel, error) {
	var set []int
	for _, j := range l.set {
		if l.columns[j].vals == nil {
			set = append(set, j)
		}
	}
	if l.p.sparse != nil {
		l.copySparse(set)
		return &columnModel{l}, ctx.Err()
	}
	n, _ := l.p.x.Dims()
	for _, j := range set {
		l.columns[j].vals = make([]float64, n)
	}
	p := l.p
	err := par.ForWorker(ctx, p.workers, len(p.spans), 1, func(worker, _, lo, hi int) {
		for _, s := range p.spans[lo:hi] {
			block, stride := denseBlock(p.x, s, &p.work[worker].a)
			for _, j := range set {
				mean, dst := p.std.mean[j], l.columns[j].vals[s.lo:s.hi]
				for i := range dst {
					dst[i] = block[i*stride+j] - mean
				}
			}
		}
	})
	return &columnModel{l}, err
}

// copySparse sets the columns of a set.
func (l *penalized) copySparse(set []int) {
	for k, c := range l.p.sparseColumns(set) {
		l.columns[set[k]] = c
	}
}

func (m *columnModel) learn(at, next *site) {}

func (m *columnModel) step(ctx context.Context, at, next *site, excess float64) error {
	tol := max(0.05*excess, 1e-15*m.l.l1)
	var d descender
	if m.l.p.cols == 1 {
		d = newBinaryDescent(m.l, at)
	} else {
		d = newMultiDescent(m.l, at)
	}
	active := m.l.set
	const most = 200
	for range most {
		if err := ctx.Err(); err != nil {
			return err
		}
		worst := 0.0
		for _, j := range active {
			worst = max(worst, d.visit(j, next))
		}
		d.settle(next)
		full := len(active) == len(m.l.set)
		switch {
		case worst <= tol && full:
			return nil
		case worst <= tol:
			active = m.l.set
		case full:
			active = m.active(next)
			d.jump(active, next, tol)
		}
	}
	return nil
}

// active returns the features of the working set that have coefficients.
func (m *columnModel) active(next *site) []int {
	cols := m.l.p.cols
	var out []int
	for _, j := range m.l.set {
		for _, b := range next.coef[j*cols : (j+1)*cols] {
			if b != 0 {
				out = append(out, j)
				break
			}
		}
	}
	return out
}

// A descender goes down the model coefficient by coefficient.
type descender interface {
	// visit sets the coefficients of feature j to their best and returns the largest
	// steepness it met.
	visit(j int, next *site) float64
	// settle sets the biases to their best.
	settle(next *site)
	// jump moves the coefficients of a set, none of which are zero, to about where the model
	// is smallest if they keep their signs, until derivatives are within tol.
	jump(set []int, next *site, tol float64)
}

// binaryDescent is the descent for two classes. The bias of the model always is the best
// one, which takes one number: x stands for x − Σhx/Σh, weighted by the curvatures h.
type binaryDescent struct {
	l       *penalized
	grad    []float64
	h, u    []float64 // curvatures of the rows, and their products with X·step
	hx, hxx []float64 // Σ hx and Σ hx² of the working set, by feature
	total   float64   // Σh, +Inf without a bias
	pull    float64   // Σu
	begin   float64   // the bias at the site
}

func newBinaryDescent(l *penalized, at *site) *binaryDescent {
	n, d := l.p.x.Dims()
	b := &binaryDescent{
		l: l, grad: at.grad, h: make([]float64, n), u: make([]float64, n), hx: make([]float64, d), hxx: make([]float64, d),
		total: math.Inf(1), begin: at.bias[0],
	}
	for i, r := range at.r {
		if w := l.p.w[i]; w > 0 {
			r = math.Abs(r)
			b.h[i] = r - r*r/w
		}
	}
	if l.p.std.intercept {
		b.total = f64.Sum(b.h)
	}
	par.For(nil, l.p.workers, len(l.set), 16, func(_, lo, hi int) {
		for _, j := range l.set[lo:hi] {
			b.hx[j], b.hxx[j] = l.columns[j].curvature(b.h)
		}
	})
	return b
}

// curvature returns Σ hx and Σ hx².
func (c *column) curvature(h []float64) (hx, hxx float64) {
	if c.rows == nil {
		for i, x := range c.vals {
			v := h[i] * x
			hx += v
			hxx += v * x
		}
		return hx, hxx
	}
	for e, x := range c.vals {
		v := h[c.rows[e]] * x
		hx += v
		hxx += v * x
	}
	return hx, hxx
}

// dot returns the inner product with u.
func (c *column) dot(u []float64) float64 {
	if c.rows == nil {
		return f64.Dot(c.vals, u)
	}
	var out [1]float64
	f64.SpMulVec(out[:], []int64{0, int64(len(c.rows))}, c.rows, c.vals, u)
	return out[0]
}

// add adds a multiple of the column to v.
func (c *column) add(by float64, v []float64) {
	if c.rows == nil {
		f64.Axpy(by, c.vals, v)
		return
	}
	f64.SpAddTrans(v, 1, 1, 1, []int64{0, int64(len(c.rows))}, c.rows, c.vals, []float64{by}, 1)
}

// jump solves by conjugate gradients, and sets to zero what would change its sign, unless
// that are many.
func (b *binaryDescent) jump(set []int, next *site, tol float64) {
	l := b.l
	size := len(set)
	work := make([]float64, 4*size)
	step, r, z, p := work[:size], work[size:2*size], work[2*size:3*size], work[3*size:]
	scale := make([]float64, size)
	for k, j := range set {
		c := &l.columns[j]
		beta := next.coef[j]
		q := -(b.grad[j] + c.dot(b.u) - b.pull/b.total*b.hx[j])
		r[k] = q - l.l2*beta - math.Copysign(l.l1, beta)
		scale[k] = b.hxx[j] - b.hx[j]*b.hx[j]/b.total + l.l2
		if !(scale[k] > 0) {
			return
		}
		z[k] = r[k] / scale[k]
	}
	copy(p, z)
	v, moved := make([]float64, len(b.u)), make([]float64, len(b.u))
	rz := f64.Dot(r, z)
	const limit = 30
	for range limit {
		clear(v)
		for k, j := range set {
			l.columns[j].add(p[k], v)
		}
		pull := 0.0
		for i, h := range b.h {
			v[i] *= h
			pull += v[i]
		}
		curvature := 0.0
		for k, j := range set {
			z[k] = l.columns[j].dot(v) - pull/b.total*b.hx[j] + l.l2*p[k]
			curvature += z[k] * p[k]
		}
		if !(curvature > 0) {
			break
		}
		by := rz / curvature
		f64.Axpy(by, p, step)
		f64.Axpy(by, v, moved)
		f64.Axpy(-by, z, r)
		worst := 0.0
		for k, g := range r {
			worst = max(worst, math.Abs(g))
			z[k] = g / scale[k]
		}
		if worst <= tol {
			break
		}
		before := rz
		rz = f64.Dot(r, z)
		for k := range p {
			p[k] = z[k] + rz/before*p[k]
		}
	}
	var turned []int
	for k, j := range set {
		if next.coef[j]*(next.coef[j]+step[k]) < 0 {
			turned = append(turned, k)
		}
	}
	if 10*len(turned) > size {
		return
	}
	f64.Axpy(1, moved, b.u)
	for k, j := range set {
		next.coef[j] += step[k]
		b.pull += step[k] * b.hx[j]
	}
	for _, k := range turned {
		b.shift(set[k], -next.coef[set[k]])
		next.coef[set[k]] = 0
	}
}

// shift is told that the coefficient of feature j has moved.
func (b *binaryDescent) shift(j int, by float64) {
	c := &b.l.columns[j]
	b.pull += by * b.hx[j]
	if c.rows == nil {
		for i, x := range c.vals {
			b.u[i] += by * b.h[i] * x
		}
		return
	}
	rows := c.rows[:len(c.vals)]
	for e, x := range c.vals {
		i := rows[e]
		b.u[i] += by * b.h[i] * x
	}
}

func (b *binaryDescent) visit(j int, next *site) float64 {
	c := &b.l.columns[j]
	hx := b.hx[j]
	q := -(b.grad[j] + c.dot(b.u) - b.pull/b.total*hx)
	h := b.hxx[j] - hx*hx/b.total
	old := next.coef[j]
	excess := steepness(old, q, b.l.l1, b.l.l2)
	if excess == 0 || !(h+b.l.l2 > 0) {
		return 0
	}
	v := descent.Shrink(q+h*old, b.l.l1) / (h + b.l.l2)
	if v != old {
		next.coef[j] = v
		b.shift(j, v-old)
	}
	return excess
}

func (b *binaryDescent) settle(next *site) {
	next.bias[0] = b.begin - b.pull/b.total
}

// multiDescent is the descent for many classes, with the full Hessian of the softmax.
type multiDescent struct {
	l    *penalized
	grad []float64
	p    []float64   // probabilities, n×cols
	v    []float64   // X·step + the biases' step, n×cols
	mean []float64   // Σ pv of each row
	curv [][]float64 // Σ w·p(1−p)·x² of each class, by feature
	hess *biasSum    // second derivatives by the biases
}

func newMultiDescent(l *penalized, at *site) *multiDescent {
	n, d := l.p.x.Dims()
	cols := l.p.cols
	m := &multiDescent{
		l: l, grad: at.grad, p: append([]float64(nil), at.z...), v: make([]float64, n*cols), mean: make([]float64, n),
		curv: make([][]float64, d), hess: newBiasSum(cols),
	}
	addBias(m.p, at.bias)
	probabilities(m.p, cols, make([]float64, n))
	for i, w := range l.p.w {
		p := m.p[i*cols : (i+1)*cols]
		for k, v := range p {
			f64.Axpy(-w*v, p, m.hess.hess[k*cols:(k+1)*cols])
			m.hess.hess[k*cols+k] += w * v
		}
	}
	par.For(nil, l.p.workers, len(l.set), 16, func(_, lo, hi int) {
		for _, j := range l.set[lo:hi] {
			sums := make([]float64, cols)
			l.columns[j].each(func(i int, x float64) {
				xx := l.p.w[i] * x * x
				for k, p := range m.p[i*cols : (i+1)*cols] {
					sums[k] += xx * p * (1 - p)
				}
			})
			m.curv[j] = sums
		}
	})
	return m
}

// each calls f for each entry.
func (c *column) each(f func(i int, x float64)) {
	for e, x := range c.vals {
		if c.rows == nil {
			f(e, x)
		} else {
			f(int(c.rows[e]), x)
		}
	}
}

func (m *multiDescent) visit(j int, next *site) float64 {
	l, cols := m.l, m.l.p.cols
	c, worst := &l.columns[j], 0.0
	for k := range cols {
		h := m.curv[j][k]
		if !(h+l.l2 > 0) {
			continue
		}
		q := -m.grad[j*cols+k]
		c.each(func(i int, x float64) {
			q -= x * l.p.w[i] * m.p[i*cols+k] * (m.v[i*cols+k] - m.mean[i])
		})
		old := next.coef[j*cols+k]
		worst = max(worst, steepness(old, q, l.l1, l.l2))
		v := descent.Shrink(q+h*old, l.l1) / (h + l.l2)
		if by := v - old; by != 0 {
			next.coef[j*cols+k] = v
			c.each(func(i int, x float64) {
				m.v[i*cols+k] += by * x
				m.mean[i] += by * x * m.p[i*cols+k]
			})
		}
	}
	return worst
}

// jump does nothing: descent goes on.
func (m *multiDescent) jump([]int, *site, float64) {}

func (m *multiDescent) settle(next *site) {
	if !m.l.p.std.intercept {
		return
	}
	cols := m.l.p.cols
	clear(m.hess.grad)
	for i, w := range m.l.p.w {
		for k := range cols {
			m.hess.grad[k] += w * m.p[i*cols+k] * (m.v[i*cols+k] - m.mean[i])
		}
	}
	root := biasRoot(m.hess.hess, cols)
	if root == nil {
		return
	}
	step := root.SolveVec(nil, m.hess.grad)
	for i := range m.mean {
		for k, b := range step {
			m.v[i*cols+k] -= b
			m.mean[i] -= b * m.p[i*cols+k]
		}
	}
	f64.Axpy(-1, step, next.bias)
}
