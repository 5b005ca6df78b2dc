package linalg

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
)

// LeadingEigen finds the eigenvalues of largest magnitude of a large symmetric matrix,
// dense, sparse or implicit, from products with it, which is all that it does with the
// matrix. The zero value works.
//
// It is a block Lanczos method with full orthogonalization (G. Golub and R. Underwood, The
// block Lanczos method for computing eigenvalues, Mathematical Software III (1977)), which
// restarts with the best vectors found beside the next block (K. Wu and H. Simon, Thick-restart
// Lanczos method for large symmetric eigenvalue problems, SIAM J. Matrix Anal. Appl. 22 (2000)).
// Its blocks of k+2 vectors or some more, whole vectors of the processor, find multiple
// eigenvalues as often as they occur.
type LeadingEigen struct {
	// Tolerance bounds the residual ‖A·v − λ·v‖ of each pair in units of the largest |λ|:
	// an eigenvalue lies within that distance of each λ. 0 means 1e-10.
	Tolerance float64
	// MaxIter is the most restarts, 0 means 300.
	MaxIter int
	// Seed chooses the random vectors it starts with.
	Seed uint64
	// Workers is the most goroutines, 0 for GOMAXPROCS. The result does not depend on it.
	Workers int
}

// Decompose returns the k eigenvalues of A of largest magnitude, in descending order of
// the values themselves, with their vectors.
//
// That A, n×n, is symmetric is not checked. It returns an error that wraps gram.ErrShape
// if A is not square, gram.ErrParam for a k not in 1..n or a setting below zero,
// gram.ErrNonFinite for a NaN or an infinity in the products, and that of ctx
// when it is done. If MaxIter comes first, it returns the pairs found so far and an error that wraps
// gram.ErrNotConverged. Each restart costs at most 7 products with such a block, O(n·k²) and
// memory for 8 blocks.
func (l LeadingEigen) Decompose(ctx context.Context, A gram.Matrix, k int) (*SymEigen, error) {
	n, cols := A.Dims()
	switch {
	case n != cols:
		return nil, fmt.Errorf("eigenvalues of a %d×%d matrix: %w", n, cols, gram.ErrShape)
	case k < 1 || n < k:
		return nil, fmt.Errorf("%d eigenvalues of a matrix of order %d: %w", k, n, gram.ErrParam)
	case !(l.Tolerance >= 0) || l.MaxIter < 0:
		return nil, fmt.Errorf("Tolerance %v, MaxIter %d: %w", l.Tolerance, l.MaxIter, gram.ErrParam)
	}
	tol, limit := l.Tolerance, l.MaxIter
	if tol == 0 {
		tol = 1e-10
	}
	if limit == 0 {
		limit = 300
	}
	block := min(n, (k+2+7)&^7)
	size := blocks * block
	if n-size < block { // too little would be left for a block beyond it
		size = n
	}
	z := &lanczos{
		products: products{AsOperator(A), l.Workers}, random: rand.New(rand.NewPCG(l.Seed, 0)),
		basis: NewDense[float64](n, size, nil), h: NewDense[float64](size, size, nil),
	}
	next := NewDense[float64](n, block, nil)
	for i := range next.Data {
		next.Data[i] = z.random.NormFloat64()
	}
	for restarts := 0; ; {
		add, rest, err := z.extend(next)
		if err != nil {
			return nil, err
		}
		if z.have > 0 {
			best, err := z.ritz(block, rest)
			if err != nil {
				return nil, err
			}
			residual, scale := best.worst(k)
			if residual <= tol*scale {
				return z.eigen(best, k), nil
			}
			if z.have == size {
				if restarts++; restarts == limit {
					return z.eigen(best, k), fmt.Errorf("residual %.3g after %d restarts, tolerance %.3g: %w", residual, limit, tol*scale, gram.ErrNotConverged)
				}
				z.restart(best)
			}
		}
		if next, err = z.multiply(ctx, add); err != nil {
			return nil, err
		}
	}
}

// blocks is how many blocks of vectors there are before a restart.
const blocks = 8

// lanczos is a decomposition on its way.
type lanczos struct {
	products
	random *rand.Rand
	basis  *Dense[float64] // of which the first have columns are orthonormal
	h      *Dense[float64] // basisᵀ·A·basis
	have   int
	last   int // columns of the last block
}

// overflow is the error of a factorization that has met what is not finite.
func (z *lanczos) overflow() error {
	return findNonFinite(z.products, productRows, "products with A overflow")
}

// columns returns columns lo ≤ j < hi of m.
func columns(m *Dense[float64], lo, hi int) *Dense[float64] { return m.Slice(0, m.Rows, lo, hi) }

// extend returns the next block, an orthonormal basis of what x adds to those before, and
// the part of x in it, nil if the last block leaves no room for all of that.
func (z *lanczos) extend(x *Dense[float64]) (add, rest *Dense[float64], err error) {
	n, size := z.basis.Rows, z.basis.Cols
	if z.have == n {
		return nil, NewDense[float64](0, x.Cols, nil), nil
	}
	limit := n - z.have
	if z.have < size {
		limit = size - z.have
	}
	add, rest, err = extend(z.workers, columns(z.basis, 0, z.have), x, limit, z.random)
	if err != nil {
		return nil, nil, z.overflow()
	}
	if add.Cols < x.Cols {
		rest = nil
	}
	return add, rest, nil
}

// multiply takes in a block and returns A times it.
func (z *lanczos) multiply(ctx context.Context, add *Dense[float64]) (*Dense[float64], error) {
	product, err := z.mul(ctx, add)
	if err != nil {
		return nil, err
	}
	now := z.have + add.Cols
	copyInto(columns(z.basis, z.have, now), add)
	GemmParallel(z.workers, blas.Trans, blas.NoTrans, 1, columns(z.basis, 0, now), product, 0, z.h.Slice(0, now, z.have, now))
	z.have, z.last = now, add.Cols
	return product, nil
}

// ritz are the best approximations to eigenpairs that a basis holds, the largest
// magnitude first.
type ritz struct {
	values []float64
	coefs  *Dense[float64] // of the vectors, as columns
	errors []float64       // the norms of the residuals
}

// ritz returns count pairs. Their residuals lie in the block after the last, in which
// rest is what A makes of that; without one they are not known.
func (z *lanczos) ritz(count int, rest *Dense[float64]) (*ritz, error) {
	f, err := NewSymEigen(z.workers, z.h.Slice(0, z.have, 0, z.have), z.have)
	if err != nil {
		return nil, z.overflow()
	}
	r := &ritz{values: make([]float64, count), errors: make([]float64, count), coefs: NewDense[float64](z.have, count, nil)}
	for j, lo, hi := 0, 0, z.have-1; j < count; j++ {
		from := lo
		if math.Abs(f.Values[hi]) > math.Abs(f.Values[lo]) {
			from, hi = hi, hi-1
		} else {
			lo++
		}
		r.values[j] = f.Values[from]
		for i := range z.have {
			r.coefs.Row(i)[j] = f.Vectors.Row(i)[from]
		}
		r.errors[j] = math.Inf(1)
	}
	if rest == nil {
		return r, nil
	}
	beyond := transposeOf(times(rest, r.coefs.Slice(z.have-z.last, z.have, 0, count)))
	for j := range r.errors {
		r.errors[j] = Nrm2(beyond.Row(j))
	}
	return r, nil
}

// worst returns the largest residual of the first k pairs and the largest magnitude of
// a value.
func (r *ritz) worst(k int) (residual, scale float64) {
	for j := range k {
		residual, scale = max(residual, r.errors[j]), max(scale, math.Abs(r.values[j]))
	}
	return residual, scale
}

// vectors returns the vectors of pairs in the given order.
func (z *lanczos) vectors(r *ritz, order []int) *Dense[float64] {
	coefs := NewDense[float64](z.have, len(order), nil)
	for i := range z.have {
		for to, from := range order {
			coefs.Row(i)[to] = r.coefs.Row(i)[from]
		}
	}
	out := NewDense[float64](z.basis.Rows, len(order), nil)
	GemmParallel(z.workers, blas.NoTrans, blas.NoTrans, 1, columns(z.basis, 0, z.have), coefs, 0, out)
	return out
}

// restart leaves the vectors of the given pairs as the basis.
func (z *lanczos) restart(r *ritz) {
	order := make([]int, len(r.values))
	for j := range order {
		order[j] = j
	}
	v := z.vectors(r, order)
	z.have = v.Cols
	copyInto(columns(z.basis, 0, z.have), v)
	for j, value := range r.values {
		clear(z.h.Row(j)[:z.have])
		z.h.Row(j)[j] = value
	}
}

// eigen returns the first k pairs in descending order.
func (z *lanczos) eigen(r *ritz, k int) *SymEigen {
	order := make([]int, 0, k)
	for j := range k { // insertion by value
		at := len(order)
		for at > 0 && r.values[order[at-1]] < r.values[j] {
			at--
		}
		order = slices.Insert(order, at, j)
	}
	f := &SymEigen{Values: make([]float64, k), Vectors: z.vectors(r, order)}
	for to, from := range order {
		f.Values[to] = r.values[from]
	}
	return f
}

// extend returns at most limit orthonormal columns orthogonal to basis, which span what as
// many columns of x add to it, and their coefficients of that. The second round makes up for
// cancellation in the first; another follows as long as one takes half of a column away.
func extend(workers int, basis, x *Dense[float64], limit int, random *rand.Rand) (q, r *Dense[float64], err error) {
	q = CopyOf[float64](columns(x, 0, min(x.Cols, limit)))
	filled := false
	for round := 0; ; round++ {
		if basis.Cols > 0 {
			project(workers, basis, q)
		}
		var step *Dense[float64]
		if q, step, err = tallQR(workers, q); err != nil {
			return nil, nil, err
		}
		switch {
		case round == 0:
			r = step
			continue
		case !filled:
			r = times(step, r)
		}
		least := 1.0
		for j := range q.Cols {
			v := math.Abs(step.At(j, j))
			least = min(least, v)
			if v < 1e-12 { // nothing new: any other vector will do
				filled = true
				for i := range q.Rows {
					q.Row(i)[j] = random.NormFloat64()
				}
			}
		}
		if least > 0.5 {
			return q, r, nil
		}
	}
}

// project takes the part in the span of basis out of the columns of q.
func project(workers int, basis, q *Dense[float64]) {
	c := NewDense[float64](basis.Cols, q.Cols, nil)
	GemmParallel(workers, blas.Trans, blas.NoTrans, 1, basis, q, 0, c)
	GemmParallel(workers, blas.NoTrans, blas.NoTrans, -1, basis, c, 1, q)
}

// times returns A·B.
func times(a, b *Dense[float64]) *Dense[float64] {
	out := NewDense[float64](a.Rows, b.Cols, nil)
	Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 0, out)
	return out
}

// independent is the least square of the sine between a column and those before it for
// which a factorization by inner products keeps half the digits.
const independent = 1e-8

// tallQR factorizes a, of many rows, and may overwrite it. By the Cholesky factor of its
// inner products, which takes a fraction of the time, the columns of Q are orthogonal to
// half the digits, and to all of them when that is repeated; where columns are nearly
// dependent there are reflectors.
func tallQR(workers int, a *Dense[float64]) (q, r *Dense[float64], err error) {
	n := a.Cols
	r = NewDense[float64](n, n, nil)
	SyrkParallel(workers, blas.Upper, blas.Trans, 1, a, 0, r)
	norms, floor := make([]float64, n), make([]float64, n)
	for j := range norms {
		v := r.At(j, j)
		if !(v > 1e-250 && v < 1e250) {
			return householderQR(workers, a)
		}
		norms[j], floor[j] = math.Sqrt(v), independent
	}
	for i := range n {
		for j := i; j < n; j++ {
			r.Row(i)[j] /= norms[i] * norms[j]
		}
	}
	if j, _ := cholesky(1, r, floor); j >= 0 {
		return householderQR(workers, a)
	}
	inverse := NewDense[float64](n, n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			r.Row(i)[j] *= norms[j]
		}
		inverse.Row(i)[i] = 1
	}
	solving(blas.Upper, blas.NoTrans, blas.NonUnit, r).left(1, inverse)
	q = NewDense[float64](a.Rows, n, nil)
	GemmParallel(workers, blas.NoTrans, blas.NoTrans, 1, a, inverse, 0, q)
	return q, r, nil
}

func householderQR(workers int, a *Dense[float64]) (q, r *Dense[float64], err error) {
	f, err := NewQR(workers, a)
	if err != nil {
		return nil, nil, err
	}
	return f.Q(workers), f.R(), nil
}
