package decomp

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// factors is the state of an NMF.
type factors struct {
	NMF
	s    *data
	k, d int
	// h is the basis, k×d.
	h *linalg.Dense[float64]
	// z holds the scores by blocks of rows: those of rows lo ≤ i < hi, transposed, k×(hi−lo),
	// begin at lo·k.
	z []float64
	// at is the basis that an iteration sets out from, and ht its transpose.
	at, ht *linalg.Dense[float64]
	// rows is the number of rows of a block, group that of a stretch with sums of its own.
	rows, group int

	// descent carries on in the direction of the last steps.
	descent descent

	sum, squares, largest float64 // of the elements, weighted but for the largest
	convergence           gram.Convergence
}

// groups bounds the number of stretches, each of which takes memory like the basis.
const groups = 8

func newFactors(t NMF, s *data) *factors {
	f := &factors{NMF: t, s: s, k: t.Components, d: s.d}
	f.rows = min(256, max(16, blockElems/s.d))
	f.group = par.Blocks(max(par.Blocks(s.n, groups), s.d/4), f.rows) * f.rows
	f.h = linalg.NewDense[float64](f.k, f.d, nil)
	f.z = mem.Make[float64](s.n * f.k)
	f.convergence = gram.Convergence{Solver: "coordinate descent", Tolerance: t.Tol}
	if t.Multiplicative || t.Loss == KullbackLeibler {
		f.convergence.Solver = "multiplicative"
	}
	return f
}

// weight returns the weight of row i.
func (f *factors) weight(i int) float64 {
	if f.s.w == nil {
		return 1
	}
	return f.s.w[i]
}

// eachBlock calls body with the blocks of rows of every stretch in order, and stretches side
// by side.
func (f *factors) eachBlock(ctx context.Context, body func(stretch, lo, hi int)) error {
	err := par.For(ctx, f.s.workers, f.s.n, f.group, func(b, lo, hi int) {
		for ; lo < hi; lo += f.rows {
			body(b, lo, min(hi, lo+f.rows))
		}
	})
	if err != nil {
		return stopped(err)
	}
	return nil
}

// scores returns those of a block.
func (f *factors) scores(lo, hi int) *linalg.Dense[float64] {
	return linalg.NewDense(f.k, hi-lo, f.z[lo*f.k:hi*f.k])
}

// stretches returns the number of partial sums.
func (f *factors) stretches() int { return par.Blocks(f.s.n, f.group) }

// measure finds the sums of X and looks for negative elements.
func (f *factors) measure(ctx context.Context) error {
	parts := make([]elementSums, f.stretches())
	err := f.eachBlock(ctx, func(b, lo, hi int) {
		f.s.eachRow(lo, hi, func(i int, col []uint32, val []float64) { parts[b].add(i, f.weight(i), col, val) })
	})
	if err != nil {
		return err
	}
	for _, p := range parts {
		if p.err != nil {
			return p.err
		}
		f.sum += p.sum
		f.squares += p.squares
		f.largest = max(f.largest, p.largest)
	}
	if f.squares-f.squares != 0 {
		return fmt.Errorf("the squares of X overflow: %w", gram.ErrNonFinite)
	}
	return nil
}

// elementSums are sums over rows that must not be negative.
type elementSums struct {
	sum, squares, largest float64
	err                   error
}

// add takes row i, whose elements lie in the given columns, or in all.
func (p *elementSums) add(i int, w float64, col []uint32, val []float64) {
	p.sum += w * f64.Sum(val)
	p.squares += w * f64.SumSquares(val)
	for at, v := range val {
		p.largest = max(p.largest, v)
		if v < 0 && p.err == nil {
			if col != nil {
				at = int(col[at])
			}
			p.err = fmt.Errorf("row %d, column %d is %v: %w", i, at, v, ErrNegative)
		}
	}
}

// start sets the factors.
func (f *factors) start(ctx context.Context) error {
	mean := f.sum / (f.s.weight * float64(f.d))
	level := math.Sqrt(mean / float64(f.k))
	for i := range f.z {
		f.z[i] = level
	}
	switch {
	case f.Basis != nil:
		copy(f.h.Data, f.Basis)
	case f.Init == RandomFactors || f.k > f.s.least():
		rng := rand.New(rand.NewPCG(f.Seed, 0))
		for i := range f.h.Data {
			f.h.Data[i] = level * math.Abs(rng.NormFloat64())
		}
	default:
		if err := f.fromSingularVectors(ctx); err != nil {
			return err
		}
		if f.Init == NNDSVDA {
			fillZeros(f.h.Data, mean)
			fillZeros(f.z, mean)
		}
	}
	f.setOut(f.h)
	return nil
}

func fillZeros(x []float64, v float64) {
	for i := range x {
		if x[i] == 0 {
			x[i] = v
		}
	}
}

// setOut has the next iteration begin at a basis.
func (f *factors) setOut(at *linalg.Dense[float64]) { f.at, f.ht = at, transposed(at) }

// fromSingularVectors is NNDSVD. The left vectors are taken from the rows, so that weights
// count rows.
func (f *factors) fromSingularVectors(ctx context.Context) error {
	c := &centredRows{Operator: f.s.op, roots: f.s.roots(), squares: f.squares}
	svd, err := linalg.RandomizedSVD{Tolerance: 1e-12, PowerIterations: 30, RightOnly: true, Seed: f.Seed, Workers: f.Workers}.
		Decompose(ctx, c.operator(), f.k)
	if err != nil {
		return err
	}
	v := linalg.NewDense(f.k, f.d, leading(svd.V, f.k))
	cols := transposed(v)
	for j, value := range svd.Values {
		inv := 0.0
		if value > 0 {
			inv = 1 / value
		}
		for i := range f.d {
			cols.Row(i)[j] *= inv
		}
	}
	// u·σ⁻¹ of the rows, and the squared lengths of both signs.
	parts := make([][]float64, f.stretches())
	err = f.eachBlock(ctx, func(b, lo, hi int) {
		if parts[b] == nil {
			parts[b] = make([]float64, 2*f.k)
		}
		u := make([]float64, (hi-lo)*f.k)
		f.s.op.MulRows(u, lo, hi, cols.Data, f.k)
		z := f.scores(lo, hi)
		for i := lo; i < hi; i++ {
			for j, x := range u[(i-lo)*f.k : (i-lo+1)*f.k] {
				z.Row(j)[i-lo] = x
				sign := 0
				if x < 0 {
					sign = f.k
				}
				parts[b][sign+j] += f.weight(i) * x * x
			}
		}
	})
	if err != nil {
		return err
	}
	left := parts[0]
	for _, p := range parts[1:] {
		f64.Axpy(1, p, left)
	}
	scale := make([]float64, f.k) // of u, negative to take its negative part
	for j, value := range svd.Values {
		scale[j] = f.onePair(j, value, v.Row(j), math.Sqrt(left[j]), math.Sqrt(left[f.k+j]))
	}
	limit := roundedVector / math.Sqrt(f.s.weight)
	return f.eachBlock(ctx, func(_, lo, hi int) {
		z := f.scores(lo, hi)
		for j, c := range scale {
			for i, x := range z.Row(j) {
				z.Row(j)[i] = above(c*x, math.Abs(c)*limit)
			}
		}
	})
}

// roundedVector is how far from zero, beside their mean, elements of singular vectors may be
// that are zero.
const roundedVector = 1e-7

// above returns x if it is above the limit, and otherwise 0.
func above(x, limit float64) float64 {
	if x > limit {
		return x
	}
	return 0
}

// onePair sets row j of the basis from a singular value and its right vector, given the lengths
// of the left vector's positive and negative parts, and returns the factor of the left.
func (f *factors) onePair(j int, value float64, v []float64, leftPlus, leftMinus float64) float64 {
	var plus, minus float64
	for _, x := range v {
		if x > 0 {
			plus += x * x
		} else {
			minus += x * x
		}
	}
	sign, right, left := 1.0, math.Sqrt(plus), leftPlus
	if m := math.Sqrt(minus); leftMinus*m > leftPlus*right {
		sign, right, left = -1, m, leftMinus
	}
	if left == 0 || right == 0 {
		for i := range f.h.Row(j) {
			f.h.Row(j)[i] = 0
		}
		return 0
	}
	root := math.Sqrt(value * left * right)
	for i, x := range v {
		f.h.Row(j)[i] = above(sign*x, roundedVector/math.Sqrt(float64(f.d))) * root / right
	}
	return sign * root / left
}

// run iterates to convergence or MaxIter.
func (f *factors) run(ctx context.Context) error {
	iterate, loss := f.iterate, f.loss
	if f.Loss == KullbackLeibler {
		v := newDivergence(f)
		iterate, loss = v.iterate, v.loss
	} else {
		f.descent.begin(f.z)
	}
	c := &f.convergence
	for i := 1; i <= f.MaxIter; i++ {
		var err error
		if c.Residual, err = iterate(ctx); err != nil {
			return err
		}
		c.Iterations = i
		c.Converged = c.Residual <= c.Tolerance
		last := c.Converged || i == f.MaxIter
		if last || f.Progress != nil {
			if c.Objective, err = loss(ctx); err != nil {
				return err
			}
		}
		if f.Progress != nil {
			f.Progress(gram.Progress{Iteration: i, Limit: f.MaxIter, Objective: c.Objective, Residual: c.Residual, Tolerance: c.Tolerance})
		}
		if last {
			break
		}
		if err := ctx.Err(); err != nil {
			return stopped(err)
		}
	}
	return nil
}

// inner is the number of passes of coordinate descent over a factor for each product with X:
// they cost little beside it.
const inner = 10

// products is what a stretch of rows adds to the sums that the basis is found from.
type products struct {
	cross    []float64 // Xᵀ·W·Z, d×k
	gram     []float64 // Zᵀ·W·Z, k×k
	residual float64   // the squared steps
}

// descent makes coordinate descent faster by going on in the direction of the last step, by
// a share β of it, while that lowers the loss (A. Ang and N. Gillis, Accelerating nonnegative
// matrix factorization algorithms using extrapolation, Neural Computation 31 (2019)).
type descent struct {
	share, limit float64   // β and what it may grow to
	before, next []float64 // the scores of the last step and of this one, as z
	loss         float64   // of the last step
}

// begin takes the first step as it is.
func (e *descent) begin(z []float64) {
	e.limit, e.loss = 1, math.Inf(1)
	e.before, e.next = slices.Clone(z), make([]float64, len(z))
}

// beyond sets dst to next and as far beyond it as β of its distance from before, at least to 0.
func (e *descent) beyond(dst, next, before []float64) {
	before, next = before[:len(dst)], next[:len(dst)]
	for i, v := range next {
		dst[i] = max(0, v+e.share*(v-before[i]))
	}
}

// iterate is one iteration for the Frobenius loss: scores from X·Hᵀ, then the basis from
// Xᵀ·Z, each block of X being read once for both.
func (f *factors) iterate(ctx context.Context) (residual float64, err error) {
	k, d := f.k, f.d
	g := product(1, f.at, f.ht)
	parts := make([]products, f.stretches())
	err = f.eachBlock(ctx, func(b, lo, hi int) {
		p := &parts[b]
		if p.cross == nil {
			p.cross, p.gram = make([]float64, d*k), make([]float64, k*k)
		}
		f.scoreBlock(p, g, lo, hi)
	})
	if err != nil {
		return 0, err
	}
	sum := parts[0]
	for _, p := range parts[1:] {
		f64.Axpy(1, p.cross, sum.cross)
		f64.Axpy(1, p.gram, sum.gram)
		sum.residual += p.residual
	}
	cross, inner := transposed(linalg.NewDense(d, k, sum.cross)), linalg.NewDense(k, k, sum.gram)
	next := linalg.CopyOf[float64](f.at)
	steps, err := f.basis(ctx, next, cross, inner)
	if err != nil {
		return 0, err
	}
	if residual = math.Sqrt(max(sum.residual, steps)); f.squares > 0 {
		residual /= math.Sqrt(f.squares)
	}
	f.accept(next, f.squares-2*f64.Dot(cross.Data, next.Data)+f64.Dot(sum.gram, product(1, next, transposed(next)).Data))
	return residual, nil
}

// accept takes a step to the next basis, and to where the iteration after it begins. If the
// loss has risen it goes back to the last step instead, with a smaller β.
func (f *factors) accept(next *linalg.Dense[float64], loss float64) {
	e := &f.descent
	if loss > e.loss && e.share > 0 {
		e.limit = e.share
		e.share /= 2
		copy(f.z, e.before)
		f.setOut(f.h)
		return
	}
	at := next
	switch {
	case f.Multiplicative:
	case e.share == 0:
		e.share = 0.5
	default:
		at = linalg.NewDense[float64](f.k, f.d, nil)
		e.beyond(at.Data, next.Data, f.h.Data)
		e.share = min(e.limit, 1.05*e.share)
		e.limit = min(1, 1.01*e.limit)
	}
	e.before, e.next = e.next, e.before
	e.loss, f.h = loss, next
	f.setOut(at)
}

// loss returns ½‖X − Z·H‖² of the last step, from its sums.
func (f *factors) loss(context.Context) (float64, error) { return max(0, f.descent.loss) / 2, nil }

// scoreBlock updates the scores of rows lo ≤ i < hi and adds to the sums.
func (f *factors) scoreBlock(p *products, g *linalg.Dense[float64], lo, hi int) {
	k, m := f.k, hi-lo
	buf := make([]float64, 2*m*k+m)
	rows, cross, step := buf[:m*k], linalg.NewDense(k, m, buf[m*k:2*m*k]), buf[2*m*k:]
	f.s.op.MulRows(rows, lo, hi, f.ht.Data, k)
	transposeInto(cross.Data, rows, m, k)
	z := f.scores(lo, hi)
	var w []float64
	if f.s.w != nil {
		w = f.s.w[lo:hi]
	}
	p.residual += f.passes(z, cross, g, w, step)
	next := f.descent.next[lo*k : hi*k]
	copy(next, z.Data)
	f.descent.beyond(z.Data, next, f.descent.before[lo*k:hi*k])
	transposeInto(rows, z.Data, k, m)
	zw := cross // free now
	copy(zw.Data, z.Data)
	if w != nil {
		for i := range m {
			f64.Scal(w[i], rows[i*k:(i+1)*k])
		}
		for j := range k {
			for i, v := range w {
				zw.Row(j)[i] *= v
			}
		}
	}
	linalg.Gemm(blas.NoTrans, blas.Trans, 1, z, zw, 1, linalg.NewDense(k, k, p.gram))
	f.s.op.AddTransMulRows(p.cross, lo, hi, rows, k)
}

// transposeInto sets dst, cols×rows, to the transpose of src, rows×cols.
func transposeInto(dst, src []float64, rows, cols int) {
	for i := range rows {
		for j, v := range src[i*cols : (i+1)*cols] {
			dst[j*rows+i] = v
		}
	}
}

// basis improves h by blocks of columns and returns the sum of the squared steps.
func (f *factors) basis(ctx context.Context, h, cross, inner *linalg.Dense[float64]) (float64, error) {
	const size = 512
	parts := make([]float64, par.Blocks(f.d, size))
	err := par.For(ctx, f.s.workers, f.d, size, func(b, lo, hi int) {
		parts[b] = f.passes(h.Slice(0, f.k, lo, hi), cross.Slice(0, f.k, lo, hi), inner, nil, make([]float64, hi-lo))
	})
	if err != nil {
		return 0, stopped(err)
	}
	return f64.Sum(parts), nil
}

// passes improves a, k×m, whose columns are each to minimise ½aᵀGa − bᵀa over a ≥ 0, and
// returns the weighted sum of the squares of the first steps to the minimum over each
// element alone, times the length of what the element multiplies. All columns are
// treated at once; step has length m.
func (f *factors) passes(a, b, g *linalg.Dense[float64], w, step []float64) float64 {
	residual := 0.0
	minus := make([]float64, f.k)
	for pass := range inner {
		for j := range f.k {
			for i, v := range g.Row(j) {
				minus[i] = -v
			}
			copy(step, b.Row(j))
			f64.AxpyRows(minus, a.Data, a.Stride, step)
			if pass == 0 {
				residual += g.At(j, j) * squaredSteps(a.Row(j), step, g.At(j, j), w)
			}
			if f.Multiplicative {
				multiply(a.Row(j), step, b.Row(j))
			} else {
				descend(a.Row(j), step, g.At(j, j))
			}
		}
	}
	return residual
}

// squaredSteps returns Σ w·δ² for the steps δ from a to its minimum against the
// derivatives −step, where the second derivative is curvature.
func squaredSteps(a, step []float64, curvature float64, w []float64) float64 {
	if curvature <= 0 {
		return 0
	}
	sum, inv := 0.0, 1/curvature
	step = step[:len(a)]
	for i, v := range a {
		delta := max(-v, step[i]*inv)
		if w != nil {
			sum += w[i] * delta * delta
		} else {
			sum += delta * delta
		}
	}
	return sum
}

// descend takes each element of a to its minimum.
func descend(a, step []float64, curvature float64) {
	if curvature <= 0 {
		return
	}
	inv := 1 / curvature
	step = step[:len(a)]
	for i, v := range a {
		a[i] = max(0, v+step[i]*inv)
	}
}

// multiply multiplies each element of a by b over what the product has in its place,
// which is b − step.
func multiply(a, step, b []float64) {
	step, b = step[:len(a)], b[:len(a)]
	for i, v := range a {
		if now := b[i] - step[i]; now > 0 {
			a[i] = v * max(0, b[i]/now)
		}
	}
}
