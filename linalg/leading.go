package linalg

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
)

// LeadingEigen finds the eigenvalues of largest magnitude of a large symmetric matrix,
// dense, sparse or implicit, from products with it, which is all that it does with the
// matrix. The zero value works.
//
// It is a block Lanczos method with full orthogonalization, which restarts with the
// best vectors found: G. Golub and R. Underwood, The block Lanczos method for computing
// eigenvalues, Mathematical Software III (1977). Its block of k+2 vectors finds multiple
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
// gram.ErrNotConverged. Each restart costs 8 products with k+2 vectors, O(n·k²) and
// memory for 8·(k+2) vectors.
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
	op := products{AsOperator(A), l.Workers}
	block := min(n, k+2)
	random := rand.New(rand.NewPCG(l.Seed, 0))
	start := NewDense[float64](n, block, nil)
	for i := range start.Data {
		start.Data[i] = random.NormFloat64()
	}
	const blocks = 8
	size := min(n, blocks*block)
	var residual, scale float64
	var f *SymEigen
	for range limit {
		basis, image, err := krylov(ctx, op, start, size, random)
		if err != nil {
			return nil, err
		}
		ritz, err := ritzPairs(l.Workers, basis, image, block)
		if err != nil {
			return nil, findNonFinite(op, productRows, "products with A overflow")
		}
		f, residual, scale = ritz.leading(k)
		if residual <= tol*scale {
			return f, nil
		}
		start = ritz.vectors
	}
	return f, fmt.Errorf("residual %.3g after %d restarts, tolerance %.3g: %w", residual, limit, tol*scale, gram.ErrNotConverged)
}

// krylov returns an orthonormal basis of size columns of what start and its repeated
// products with A span, filled up by random vectors where that is less, and A times it.
func krylov(ctx context.Context, op products, start *Dense[float64], size int, random *rand.Rand) (basis, image *Dense[float64], err error) {
	n := start.Rows
	basis, image = NewDense[float64](n, size, nil), NewDense[float64](n, size, nil)
	next := start
	for have := 0; have < size; {
		add, err := extend(op.workers, basis.Slice(0, n, 0, have), next, size-have, random)
		if err != nil {
			return nil, nil, findNonFinite(op, productRows, "products with A overflow")
		}
		product, err := op.mul(ctx, add)
		if err != nil {
			return nil, nil, err
		}
		copyInto(basis.Slice(0, n, have, have+add.Cols), add)
		copyInto(image.Slice(0, n, have, have+add.Cols), product)
		have += add.Cols
		next = product
	}
	return basis, image, nil
}

// extend returns at most limit orthonormal columns orthogonal to basis, which span what x
// adds to it. The second round makes up for cancellation in the first; another follows
// as long as one takes half of a column away.
func extend(workers int, basis, x *Dense[float64], limit int, random *rand.Rand) (*Dense[float64], error) {
	q := CopyOf[float64](x.Slice(0, x.Rows, 0, min(x.Cols, limit)))
	for round := 0; ; round++ {
		if basis.Cols > 0 {
			project(workers, basis, q)
		}
		f, err := NewQR(workers, q)
		if err != nil {
			return nil, err
		}
		q = f.Q(workers)
		if basis.Cols == 0 {
			return q, nil
		}
		r, least := f.R(), 1.0
		for j := range q.Cols {
			v := math.Abs(r.At(j, j))
			least = min(least, v)
			if round > 0 && v < 1e-12 { // nothing new: any other vector will do
				for i := range q.Rows {
					q.Row(i)[j] = random.NormFloat64()
				}
			}
		}
		if round > 0 && least > 0.5 {
			return q, nil
		}
	}
}

// project takes the part in the span of basis out of the columns of q.
func project(workers int, basis, q *Dense[float64]) {
	c := NewDense[float64](basis.Cols, q.Cols, nil)
	GemmParallel(workers, blas.Trans, blas.NoTrans, 1, basis, q, 0, c)
	GemmParallel(workers, blas.NoTrans, blas.NoTrans, -1, basis, c, 1, q)
}

// ritz are the best approximations to eigenpairs that a basis holds, the largest
// magnitude first.
type ritz struct {
	values  []float64
	vectors *Dense[float64] // columns
	errors  []float64       // the norms of the residuals
}

// ritzPairs projects A onto the basis; image is A times it.
func ritzPairs(workers int, basis, image *Dense[float64], count int) (*ritz, error) {
	n, size := basis.Rows, basis.Cols
	h := NewDense[float64](size, size, nil)
	GemmParallel(workers, blas.Trans, blas.NoTrans, 1, basis, image, 0, h)
	f, err := NewSymEigen(workers, h, size)
	if err != nil {
		return nil, err
	}
	r := &ritz{values: make([]float64, count), errors: make([]float64, count)}
	coefs := NewDense[float64](size, count, nil)
	for j, lo, hi := 0, 0, size-1; j < count; j++ {
		from := lo
		if math.Abs(f.Values[hi]) > math.Abs(f.Values[lo]) {
			from, hi = hi, hi-1
		} else {
			lo++
		}
		r.values[j] = f.Values[from]
		for i := range size {
			coefs.Row(i)[j] = f.Vectors.Row(i)[from]
		}
	}
	r.vectors = NewDense[float64](n, count, nil)
	residuals := NewDense[float64](n, count, nil)
	GemmParallel(workers, blas.NoTrans, blas.NoTrans, 1, basis, coefs, 0, r.vectors)
	GemmParallel(workers, blas.NoTrans, blas.NoTrans, 1, image, coefs, 0, residuals)
	for i := range n {
		for j, v := range r.values {
			residuals.Row(i)[j] -= v * r.vectors.Row(i)[j]
		}
	}
	transposed := transposeOf(residuals)
	for j := range r.errors {
		r.errors[j] = Nrm2(transposed.Row(j))
	}
	return r, nil
}

// leading returns the first k pairs in descending order, their largest residual, and the
// largest magnitude of a value.
func (r *ritz) leading(k int) (f *SymEigen, residual, scale float64) {
	order := make([]int, 0, k)
	for j := range k { // insertion by value
		residual, scale = max(residual, r.errors[j]), max(scale, math.Abs(r.values[j]))
		at := len(order)
		for at > 0 && r.values[order[at-1]] < r.values[j] {
			at--
		}
		order = append(order[:at], append([]int{j}, order[at:]...)...)
	}
	f = &SymEigen{Values: make([]float64, k), Vectors: NewDense[float64](r.vectors.Rows, k, nil)}
	for to, from := range order {
		f.Values[to] = r.values[from]
		for i := range r.vectors.Rows {
			f.Vectors.Row(i)[to] = r.vectors.Row(i)[from]
		}
	}
	return f, residual, scale
}
