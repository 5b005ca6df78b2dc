package linalg

import (
	"context"
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
)

// RandomizedSVD finds the leading singular values and vectors of a large matrix, dense,
// sparse or implicit, from a few products with it. The zero value works.
//
// It is the method of N. Halko, P. Martinsson and J. Tropp, Finding structure with
// randomness: probabilistic algorithms for constructing approximate matrix
// decompositions, SIAM Review 53 (2011), with power iterations that a QR factorization
// keeps from losing what is small. Values near the k-th are found less well than the
// first; more iterations help where the spectrum falls slowly.
type RandomizedSVD struct {
	// Oversample is how many vectors are carried beyond the k wanted: 0 means 10, and
	// negative none.
	Oversample int
	// PowerIterations is how often X·Xᵀ is applied: 0 means 7 for k below a tenth of the
	// smaller dimension and 4 otherwise, and negative none.
	PowerIterations int
	// Seed chooses the random vectors.
	Seed uint64
	// Workers is the most goroutines, 0 for GOMAXPROCS. The result does not depend on it.
	Workers int
}

// Decompose returns the k largest singular values of X, n×d, with their vectors: the U
// of the result is n×k, its V d×k.
//
// It returns an error that wraps gram.ErrParam for a k that is not in 1..min(n, d),
// gram.ErrNonFinite, naming the row and column, for a NaN or an infinity, and that of ctx
// when it is done. O(n·d·(k+Oversample)) for each of 2+2·PowerIterations products, or the
// non-zeros of X in place of n·d.
func (r RandomizedSVD) Decompose(ctx context.Context, X gram.Matrix, k int) (*SVD, error) {
	n, d := X.Dims()
	least := min(n, d)
	if k < 1 || least < k {
		return nil, fmt.Errorf("%d singular values of a %d×%d matrix: %w", k, n, d, gram.ErrParam)
	}
	columns, iterations := min(least, k+orDefault(r.Oversample, 10)), r.PowerIterations
	if iterations == 0 {
		iterations = 4
		if 10*k < least {
			iterations = 7
		}
	}
	op := products{AsOperator(X), r.Workers}
	random := rand.New(rand.NewPCG(r.Seed, 0))
	basis := NewDense[float64](d, columns, nil)
	for i := range basis.Data {
		basis.Data[i] = random.NormFloat64()
	}
	y, err := op.mul(ctx, basis)
	if err != nil {
		return nil, err
	}
	for i := 0; ; i++ {
		q, err := orthonormalize(op.workers, y)
		if err != nil {
			return nil, findNonFinite(op, productRows, "products with X overflow")
		}
		z, err := op.mulTrans(ctx, q)
		if err != nil {
			return nil, err
		}
		if i >= iterations {
			return fromProjection(op.workers, q, z, k)
		}
		if z, err = orthonormalize(op.workers, z); err != nil {
			return nil, findNonFinite(op, productRows, "products with X overflow")
		}
		if y, err = op.mul(ctx, z); err != nil {
			return nil, err
		}
	}
}

func orDefault(v, otherwise int) int {
	if v == 0 {
		return otherwise
	}
	return max(0, v)
}

// fromProjection decomposes Q·Zᵀ, for Z = Xᵀ·Q.
func fromProjection(workers int, q, z *Dense[float64], k int) (*SVD, error) {
	s, err := NewSVD(workers, z)
	if err != nil {
		return nil, err
	}
	u := NewDense[float64](q.Rows, k, nil)
	GemmParallel(workers, blas.NoTrans, blas.NoTrans, 1, q, s.V.Slice(0, s.V.Rows, 0, k), 0, u)
	return &SVD{Values: s.Values[:k], U: u, V: CopyOf[float64](s.U.Slice(0, s.U.Rows, 0, k))}, nil
}

// orthonormalize returns an orthonormal basis that spans the columns of a, m×n with n ≤ m.
func orthonormalize(workers int, a *Dense[float64]) (*Dense[float64], error) {
	f, err := NewQR(workers, a)
	if err != nil {
		return nil, err
	}
	return f.Q(workers), nil
}

// products multiplies by all of an operator.
type products struct {
	gram.Operator
	workers int
}

// The rows that go to one call, and the parts in which sums over the rows are taken.
const (
	productRows  = 256
	productParts = 8
)

// mul returns X·B.
func (p products) mul(ctx context.Context, b *Dense[float64]) (*Dense[float64], error) {
	n, _ := p.Dims()
	out := NewDense[float64](n, b.Cols, nil)
	err := par.For(ctx, p.workers, n, productRows, func(_, lo, hi int) {
		p.MulRows(out.Data[lo*b.Cols:hi*b.Cols], lo, hi, b.Data, b.Cols)
	})
	return out, err
}

// mulTrans returns Xᵀ·G.
func (p products) mulTrans(ctx context.Context, g *Dense[float64]) (*Dense[float64], error) {
	n, d := p.Dims()
	k := g.Cols
	size := max(productRows, (n+productParts-1)/productParts)
	parts := make([][]float64, par.Blocks(n, size))
	err := par.For(ctx, p.workers, n, size, func(block, lo, hi int) {
		sum := make([]float64, d*k)
		for ; lo < hi && ctx.Err() == nil; lo += productRows {
			end := min(hi, lo+productRows)
			p.AddTransMulRows(sum, lo, end, g.Data[lo*k:end*k], k)
		}
		parts[block] = sum
	})
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	for _, part := range parts[1:] {
		Axpy(1, part, parts[0])
	}
	return NewDense(d, k, parts[0]), nil
}
