package linear

import (
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
	"gonum.org/v1/gonum/blas"
)

// What a fit needs of the data are sums over rows. Each is a type with an Add
// for a span of rows and a Merge for another sum, so that spans may be summed on
// any number of goroutines, or machines, and merged in order.

// scratch is the memory that Add works in, one for each goroutine.
type scratch struct{ a, b, c, d []float64 }

// grow returns *buf with length n.
func grow(buf *[]float64, n int) []float64 {
	if cap(*buf) < n {
		*buf = make([]float64, n)
	}
	return (*buf)[:n]
}

// denseBlock returns the rows of s, which may alias X.
func denseBlock(x gram.Operator, s span, buf *[]float64) (block []float64, stride int) {
	_, d := x.Dims()
	return x.RowBlock(grow(buf, (s.hi-s.lo)*d), s.lo, s.hi)
}

// A momentSum holds the weight, the means and the sums of squares about them.
type momentSum struct {
	weight     float64
	mean, dev2 []float64
	other      *momentSum // of a single span
}

func newMomentSum(d int) *momentSum {
	return &momentSum{mean: make([]float64, d), dev2: make([]float64, d)}
}

// Add takes rows s of X with weights w, which are of all rows of X. Two passes
// over the span and the pairwise update of Chan, Golub and LeVeque lose nothing
// to a mean that is large beside the deviation.
func (m *momentSum) Add(x gram.Operator, s span, w []float64, t *scratch) {
	w = w[s.lo:s.hi]
	sum := f64.Sum(w)
	if sum == 0 {
		return
	}
	if m.other == nil {
		m.other = newMomentSum(len(m.mean))
	}
	o := m.other
	o.weight = sum
	clear(o.mean)
	clear(o.dev2)
	block, stride := denseBlock(x, s, &t.a)
	f64.AxpyRows(w, block, stride, o.mean)
	f64.Scal(1/sum, o.mean)
	addSquares(o.dev2, block, stride, w, o.mean)
	m.Merge(o)
}

// addSquares adds Σ w[i]·(row i − mean)² to dst, four rows at a time.
func addSquares(dst, block []float64, stride int, w, mean []float64) {
	d := len(dst)
	row := func(i int) []float64 { return block[i*stride : i*stride+d] }
	i := 0
	for ; i+4 <= len(w); i += 4 {
		r0, r1, r2, r3 := row(i)[:d], row(i + 1)[:d], row(i + 2)[:d], row(i + 3)[:d]
		w0, w1, w2, w3 := w[i], w[i+1], w[i+2], w[i+3]
		for j, mu := range mean[:d] {
			a, b, c, e := r0[j]-mu, r1[j]-mu, r2[j]-mu, r3[j]-mu
			dst[j] += w0*a*a + w1*b*b + (w2*c*c + w3*e*e)
		}
	}
	for ; i < len(w); i++ {
		for j, v := range row(i) {
			dst[j] += w[i] * (v - mean[j]) * (v - mean[j])
		}
	}
}

// Merge adds the rows of o.
func (m *momentSum) Merge(o *momentSum) {
	if o.weight == 0 {
		return
	}
	total := m.weight + o.weight
	share := o.weight / total
	for j, mu := range o.mean {
		delta := mu - m.mean[j]
		m.mean[j] += delta * share
		m.dev2[j] += o.dev2[j] + delta*delta*m.weight*share
	}
	m.weight = total
}

func (m *momentSum) deviation(j int) float64 { return math.Sqrt(m.dev2[j] / m.weight) }

// rms returns the root mean square.
func (m *momentSum) rms(j int) float64 { return math.Hypot(m.mean[j], m.deviation(j)) }

// constant tells whether column j does not vary, but for rounding.
func (m *momentSum) constant(j int) bool { return m.deviation(j) <= 1e-13*math.Abs(m.mean[j]) }

// A gradientSum holds the log-loss and its derivatives.
type gradientSum struct {
	loss   float64
	margin float64   // the smallest of a row of positive weight
	coef   []float64 // d×cols
	bias   []float64 // cols
}

func newGradientSum(d, cols int) *gradientSum {
	s := &gradientSum{coef: make([]float64, d*cols), bias: make([]float64, cols)}
	s.Reset()
	return s
}

// Reset makes the sum that of no rows.
func (g *gradientSum) Reset() {
	g.loss, g.margin = 0, math.Inf(1)
	clear(g.coef)
	clear(g.bias)
}

// Add takes rows s with labels y and weights w, both of all rows of X, at the
// parameters at.
func (g *gradientSum) Add(x gram.Operator, s span, y []int, w []float64, at *params, t *scratch) {
	rows, cols := s.hi-s.lo, len(g.bias)
	z := grow(&t.a, rows*cols)
	x.MulRows(z, s.lo, s.hi, at.coef, cols)
	at.complete(z, s.lo)
	loss, margin := residuals(z, cols, y[s.lo:s.hi], w[s.lo:s.hi], grow(&t.b, 2*rows))
	g.loss += loss
	g.margin = min(g.margin, margin)
	x.AddTransMulRows(g.coef, s.lo, s.hi, z, cols)
	addRows(g.bias, z)
}

// Merge adds the rows of o.
func (g *gradientSum) Merge(o *gradientSum) {
	g.loss += o.loss
	g.margin = min(g.margin, o.margin)
	f64.Axpy(1, o.coef, g.coef)
	f64.Axpy(1, o.bias, g.bias)
}

// addRows adds the rows of z to dst.
func addRows(dst, z []float64) {
	if len(dst) == 1 {
		dst[0] += f64.Sum(z)
		return
	}
	for ; len(z) > 0; z = z[len(dst):] {
		for k := range dst {
			dst[k] += z[k]
		}
	}
}

// A productSum holds the product of the log-loss's Hessian and a direction.
type productSum struct {
	coef []float64 // d×cols
	bias []float64 // cols
}

func newProductSum(d, cols int) *productSum {
	return &productSum{coef: make([]float64, d*cols), bias: make([]float64, cols)}
}

// Reset makes the sum that of no rows.
func (h *productSum) Reset() {
	clear(h.coef)
	clear(h.bias)
}

// Add takes rows s with weights w of all rows of X, at the parameters at and in
// direction dir. both holds the coefficients of the two side by side, d×2·cols,
// so that X is read for both at once.
func (h *productSum) Add(x gram.Operator, s span, w []float64, at, dir *params, both []float64, t *scratch) {
	rows, cols := s.hi-s.lo, len(h.bias)
	zv := grow(&t.a, rows*2*cols)
	x.MulRows(zv, s.lo, s.hi, both, 2*cols)
	z, v := grow(&t.b, rows*cols), grow(&t.c, rows*(cols+1))
	tmp, v := v[:rows], v[rows:]
	for i := range rows {
		copy(z[i*cols:(i+1)*cols], zv[2*i*cols:])
		copy(v[i*cols:(i+1)*cols], zv[(2*i+1)*cols:])
	}
	at.complete(z, s.lo)
	addBias(v, dir.bias)
	probabilities(z, cols, tmp)
	curvatureProduct(v, z, cols, w[s.lo:s.hi])
	x.AddTransMulRows(h.coef, s.lo, s.hi, v, cols)
	addRows(h.bias, v)
}

// curvatureProduct replaces each row v by w·(diag(p) − p·pᵀ)·v.
func curvatureProduct(v, p []float64, cols int, w []float64) {
	if cols == 1 {
		for i := range v {
			v[i] *= w[i] * p[i] * (1 - p[i])
		}
		return
	}
	for i, wi := range w {
		vi, pi := v[i*cols:(i+1)*cols], p[i*cols:(i+1)*cols]
		mean := 0.0
		for k, q := range pi {
			mean += q * vi[k]
		}
		for k, q := range pi {
			vi[k] = wi * q * (vi[k] - mean)
		}
	}
}

// Merge adds the rows of o.
func (h *productSum) Merge(o *productSum) {
	f64.Axpy(1, o.coef, h.coef)
	f64.Axpy(1, o.bias, h.bias)
}

// A gramianSum holds Σ wᵢ·xᵢ·xᵢᵀ of standardized rows, of which only the lower
// triangle is sure to be set.
type gramianSum struct{ sum *linalg.Dense[float64] }

func newGramianSum(dim int) *gramianSum {
	return &gramianSum{linalg.NewDense[float64](dim, dim, nil)}
}

// Reset makes the sum that of no rows.
func (g *gramianSum) Reset() { clear(g.sum.Data) }

// Add takes rows that are standardized already, with weights w ≥ 0 of these
// rows. buf has the size of rows.
func (g *gramianSum) Add(rows *linalg.Dense[float64], w, buf []float64) {
	b := linalg.NewDense(rows.Rows, rows.Cols, buf)
	for i, wi := range w {
		copy(b.Row(i), rows.Row(i))
		f64.Scal(math.Sqrt(wi), b.Row(i))
	}
	linalg.Syrk(blas.Lower, blas.Trans, 1, b, 1, g.sum)
}

// Merge adds the rows of o.
func (g *gramianSum) Merge(o *gramianSum) { f64.Axpy(1, o.sum.Data, g.sum.Data) }

// A hessianSum holds what the Hessian of the log-loss is made of. For every pair
// k < l of classes it is
//
//	G(k,l) = Σᵢ wᵢ·pᵢₖ·pᵢₗ·xᵢ·xᵢᵀ,
//
// and the Hessian is Σ G(k,l) ⊗ (eₖ−eₗ)(eₖ−eₗ)ᵀ: sums of squares only, so it is
// never indefinite. Two classes have one pair.
type hessianSum struct {
	cols  int
	pairs []*gramianSum
}

func newHessianSum(dim, cols int) *hessianSum {
	h := &hessianSum{cols: cols, pairs: make([]*gramianSum, pairsOf(cols))}
	for i := range h.pairs {
		h.pairs[i] = newGramianSum(dim)
	}
	return h
}

// pairsOf returns the number of pairs of classes.
func pairsOf(cols int) int { return max(1, cols*(cols-1)/2) }

// Reset makes the sum that of no rows.
func (h *hessianSum) Reset() {
	for _, g := range h.pairs {
		g.Reset()
	}
}

// Add takes rows s with weights w of all rows of X, at the parameters at.
func (h *hessianSum) Add(x gram.Operator, s span, w []float64, std *standard, at *params, t *scratch) {
	rows, cols := s.hi-s.lo, h.cols
	p := grow(&t.c, rows*(cols+2))
	tmp, pw, p := p[:rows], p[rows:2*rows], p[2*rows:]
	x.MulRows(p, s.lo, s.hi, at.coef, cols)
	at.complete(p, s.lo)
	probabilities(p, cols, tmp)
	h.add(std.block(x, s, &t.a, &t.b), p, pw, w[s.lo:s.hi], t)
}

// add takes rows in standardized form with probabilities p and weights w of these rows.
// pw has their number.
func (h *hessianSum) add(block *linalg.Dense[float64], p, pw, w []float64, t *scratch) {
	cols := h.cols
	buf := grow(&t.d, block.Rows*block.Cols)
	if cols == 1 {
		for i, q := range p {
			pw[i] = w[i] * q * (1 - q)
		}
		h.pairs[0].Add(block, pw, buf)
		return
	}
	pair := 0
	for l := range cols {
		for k := range l {
			for i := range pw {
				pw[i] = w[i] * p[i*cols+k] * p[i*cols+l]
			}
			h.pairs[pair].Add(block, pw, buf)
			pair++
		}
	}
}

// Merge adds the rows of o.
func (h *hessianSum) Merge(o *hessianSum) {
	for i, g := range h.pairs {
		g.Merge(o.pairs[i])
	}
}

// matrix returns the Hessian in the coordinates of contrasts, where element
// (j·q+a, i·q+b) belongs to contrasts a and b, of which there are q, of features
// j and i. The lower triangle is set.
func (h *hessianSum) matrix() *linalg.Dense[float64] {
	if h.cols == 1 {
		return h.pairs[0].sum
	}
	dim, q := h.pairs[0].sum.Rows, contrasts(h.cols)
	out := linalg.NewDense[float64](dim*q, dim*q, nil)
	e, c := make([]float64, h.cols), make([]float64, q)
	pair := 0
	for l := range h.cols {
		for k := range l {
			clear(e)
			e[k], e[l] = 1, -1
			gather(c, e)
			addKronecker(out, h.pairs[pair].sum, c)
			pair++
		}
	}
	return out
}

// addKronecker adds g ⊗ c·cᵀ to the lower triangle of dst.
func addKronecker(dst, g *linalg.Dense[float64], c []float64) {
	q := len(c)
	for j := range g.Rows {
		for i, v := range g.Row(j)[:j+1] {
			for a, ca := range c {
				if ca != 0 {
					row := dst.Row(j*q + a)[i*q : (i+1)*q]
					for b, cb := range c {
						row[b] += v * ca * cb
					}
				}
			}
		}
	}
}
