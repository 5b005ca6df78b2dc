package linalg

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/cast"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
)

// RandomizedSVD finds the leading singular values and vectors of a large matrix, dense,
// sparse or implicit, from a few products with it. The zero value works.
//
// It starts as N. Halko, P. Martinsson and J. Tropp, Finding structure with randomness:
// probabilistic algorithms for constructing approximate matrix decompositions, SIAM Review
// 53 (2011), do, and keeps all that the iterations find, as C. Musco and C. Musco,
// Randomized block Krylov methods for stronger and faster approximate singular value
// decomposition, NIPS 2015: half as many products, or fewer, then reach the same accuracy. Values
// near the k-th are found less well than the first; more iterations help where the spectrum
// falls slowly.
type RandomizedSVD struct {
	// Oversample is how many vectors are carried beyond the k wanted: 0 means 4 to 11, so
	// that they make up whole vectors of the processor, and negative none.
	Oversample int
	// PowerIterations is the most times that XᵀX is applied to the random start: 0 means 7
	// for k below a tenth of the smaller dimension and 4 otherwise, and negative none.
	PowerIterations int
	// Tolerance ends the iterations when, by how fast it has grown, the sum of the squares
	// of the k values is expected to grow by no more than this share of it: 0 means 1e-6,
	// and negative never.
	Tolerance float64
	// Single rounds a dense X to float32 for the iterations, some rows at a time, by its
	// method RowBlock32 if it has the one of Dense; only what they end with, the product of X
	// with k vectors, is taken in float64. That is up to twice as fast. Vectors then have errors of about 1e-7·σ₁² over the gap between the
	// squares of values, and the values the square of that. Where σₖ is below 0.01·σ₁, the
	// iterations start again in float64. Elements must lie in the range of float32.
	Single bool
	// RightOnly leaves out U, which takes another product with X.
	RightOnly bool
	// Seed chooses the random vectors.
	Seed uint64
	// Workers is the most goroutines, 0 for GOMAXPROCS. The result does not depend on it.
	Workers int
}

// Decompose returns the k largest singular values of X, n×d, with their vectors: the U
// of the result is n×k, or nil under RightOnly, its V d×k.
//
// It returns an error that wraps gram.ErrParam for a k that is not in 1..min(n, d),
// gram.ErrNonFinite, naming the row and column, for a NaN or an infinity, and that of ctx
// when it is done. A product with k+Oversample vectors takes O(n·d·(k+Oversample)), or
// the non-zeros of X in place of n·d; there are 2 for each iteration and 3 or 4 more. The
// vectors of all iterations are kept.
//
// Where the k-th value is below 1e-5 of the first, squares would lose it, and iterations
// start again with a QR factorization after every product.
func (r RandomizedSVD) Decompose(ctx context.Context, X gram.Matrix, k int) (*SVD, error) {
	n, d := X.Dims()
	least := min(n, d)
	if k < 1 || least < k {
		return nil, fmt.Errorf("%d singular values of a %d×%d matrix: %w", k, n, d, gram.ErrParam)
	}
	s := &sketch{
		X: AsOperator(X), workers: r.Workers, k: k, limit: r.PowerIterations, tolerance: r.Tolerance, rightOnly: r.RightOnly,
		random: rand.New(rand.NewPCG(r.Seed, 0)),
	}
	s.columns = k + r.Oversample
	switch {
	case r.Oversample == 0:
		s.columns = (k + 4 + 7) &^ 7
	case r.Oversample < 0:
		s.columns = k
	}
	s.columns = min(s.columns, least)
	switch {
	case s.limit < 0:
		s.limit = 0
	case s.limit == 0 && 10*k < least:
		s.limit = 7
	case s.limit == 0:
		s.limit = 4
	}
	if s.tolerance == 0 {
		s.tolerance = 1e-6
	}
	s.products = products{s.X, r.Workers}
	if r.Single {
		s.products = products{newSingle(s.X), r.Workers}
	}
	return s.decompose(ctx)
}

// The least that the square of the k-th value can be, beside that of the first, for the
// iterations in each precision to find it well.
const (
	singleRatio = 1e-4
	doubleRatio = 1e-10
)

// decompose takes the fastest way that finds the k-th value.
func (s *sketch) decompose(ctx context.Context) (*SVD, error) {
	if _, ok := s.products.Operator.(*single); ok {
		f, err := s.krylov(ctx, singleRatio)
		if f != nil || err != nil {
			return f, err
		}
		s.products.Operator = s.X
	}
	f, err := s.krylov(ctx, doubleRatio)
	if f != nil || err != nil {
		return f, err
	}
	return s.power(ctx)
}

// sketch is a decomposition on its way.
type sketch struct {
	X         gram.Operator
	products  products // with X, or a copy in single precision
	workers   int
	k         int
	columns   int // in a block
	limit     int // of iterations
	tolerance float64
	rightOnly bool
	random    *rand.Rand
}

// overflow is the error of a factorization that has met what is not finite.
func (s *sketch) overflow() error {
	return findNonFinite(s.X, productRows, "products with X overflow")
}

// normals returns a matrix of random elements.
func (s *sketch) normals(rows, cols int) *Dense[float64] {
	m := NewDense[float64](rows, cols, nil)
	for i := range m.Data {
		m.Data[i] = s.random.NormFloat64()
	}
	return m
}

// krylov finds the best approximations that the blocks B, XᵀX·B, (XᵀX)²·B, … span, where
// B is Xᵀ or XᵀX times a random matrix. It returns nil if the square of the k-th value is less
// than ratio times that of the first.
func (s *sketch) krylov(ctx context.Context, ratio float64) (*SVD, error) {
	_, d := s.X.Dims()
	next, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	most := min(d, (s.limit+1)*s.columns)
	basis := NewDense(d, most, mem.Make[float64](d*most))
	h := NewDense[float64](most, most, nil) // basisᵀ·XᵀX·basis
	var ritz *SymEigen
	var growth []float64
	sum := 0.0
	for have := 0; have < most; {
		add, _, err := extend(s.workers, basis.Slice(0, d, 0, have), next, most-have, s.random)
		if err != nil {
			return nil, s.overflow()
		}
		if next, err = s.products.gram(ctx, add); err != nil {
			return nil, err
		}
		copyInto(basis.Slice(0, d, have, have+add.Cols), add)
		now := have + add.Cols
		GemmParallel(s.workers, blas.Trans, blas.NoTrans, 1, basis.Slice(0, d, 0, now), next, 0, h.Slice(0, now, have, now))
		have = now
		if have < s.k {
			continue
		}
		if ritz, err = NewSymEigen(s.workers, h.Slice(0, have, 0, have), s.k); err != nil {
			return nil, s.overflow()
		}
		before := sum
		sum = Sum(ritz.Values)
		growth = append(growth, sum-before)
		if settled(growth, s.tolerance*sum) {
			break
		}
	}
	if ritz.Values[s.k-1] < ratio*ritz.Values[0] {
		return nil, nil
	}
	v := NewDense[float64](d, s.k, nil)
	GemmParallel(s.workers, blas.NoTrans, blas.NoTrans, 1, basis.Slice(0, d, 0, ritz.Vectors.Rows), ritz.Vectors, 0, v)
	if _, inSingle := s.products.Operator.(*single); s.rightOnly && !inSingle && ritz.Values[s.k-1] > squaresSuffice*ritz.Values[0] {
		for j, v := range ritz.Values {
			ritz.Values[j] = math.Sqrt(v)
		}
		return &SVD{Values: ritz.Values, V: v}, nil
	}
	return s.fromRight(ctx, v)
}

// squaresSuffice is the share of the largest square above which the root of a square has
// ten digits.
const squaresSuffice = 1e-6

// start returns the first block. Of a sparse matrix it is XᵀX times a random one, which
// takes less time than a random matrix of n rows.
func (s *sketch) start(ctx context.Context) (*Dense[float64], error) {
	n, d := s.X.Dims()
	if s.products.sparse() && d <= n {
		return s.products.gram(ctx, s.normals(d, s.columns))
	}
	return s.products.mulTrans(ctx, s.normals(n, s.columns))
}

// settled tells whether the growth to come, which falls by as much at every step as it last
// did or faster, is at most tol. Two steps must have shown how fast that is.
func settled(growth []float64, tol float64) bool {
	n := len(growth)
	if n < 3 || tol < 0 {
		return false
	}
	last, before := max(0, growth[n-1]), max(0, growth[n-2])
	return last <= tol && (last == 0 || last < before) || last*last <= tol*(before-last)
}

// fromRight decomposes X·V·Vᵀ.
func (s *sketch) fromRight(ctx context.Context, v *Dense[float64]) (*SVD, error) {
	y, err := products{s.X, s.workers}.mul(ctx, v)
	if err != nil {
		return nil, err
	}
	f, err := NewSVD(s.workers, y)
	if err != nil {
		return nil, s.overflow()
	}
	turned := NewDense[float64](v.Rows, s.k, nil)
	GemmParallel(s.workers, blas.NoTrans, blas.NoTrans, 1, v, f.V, 0, turned)
	if s.rightOnly {
		f.U = nil
	}
	return &SVD{Values: f.Values, U: f.U, V: turned}, nil
}

// power applies X and its transpose in turns to one block, with a QR factorization after
// each, which keeps what is small.
func (s *sketch) power(ctx context.Context) (*SVD, error) {
	op := products{s.X, s.workers}
	_, d := s.X.Dims()
	y, err := op.mul(ctx, s.normals(d, s.columns))
	if err != nil {
		return nil, err
	}
	for i := 0; ; i++ {
		q, _, err := householderQR(op.workers, y)
		if err != nil {
			return nil, s.overflow()
		}
		z, err := op.mulTrans(ctx, q)
		if err != nil {
			return nil, err
		}
		if i >= s.limit {
			f, err := fromProjection(op.workers, q, z, s.k)
			if s.rightOnly && err == nil {
				f.U = nil
			}
			return f, err
		}
		if z, _, err = householderQR(op.workers, z); err != nil {
			return nil, s.overflow()
		}
		if y, err = op.mul(ctx, z); err != nil {
			return nil, err
		}
	}
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

// products multiplies by all of an operator.
type products struct {
	gram.Operator
	workers int
}

// The rows that go to one call; more where sums are converted after each.
const (
	productRows = 256
	singleRows  = 1024
)

func (p products) rows() int {
	if _, ok := p.Operator.(*single); ok {
		return singleRows
	}
	return productRows
}

// mul returns X·B.
func (p products) mul(ctx context.Context, b *Dense[float64]) (*Dense[float64], error) {
	n, _ := p.Dims()
	out := NewDense(n, b.Cols, mem.Make[float64](n*b.Cols))
	err := par.For(ctx, p.workers, n, p.rows(), func(_, lo, hi int) {
		p.MulRows(out.Data[lo*b.Cols:hi*b.Cols], lo, hi, b.Data, b.Cols)
	})
	return out, err
}

// mulTrans returns Xᵀ·G.
func (p products) mulTrans(ctx context.Context, g *Dense[float64]) (*Dense[float64], error) {
	k := g.Cols
	return p.sum(ctx, k, func(sum []float64, lo, hi int, _ []float64) {
		p.AddTransMulRows(sum, lo, hi, g.Data[lo*k:hi*k], k)
	})
}

// gram returns XᵀX·B, for which it reads X once. Columns of B go through a sparse X a few
// at a time: the rows of B and of the result that its entries ask for, here and there,
// then stay in a cache.
func (p products) gram(ctx context.Context, b *Dense[float64]) (*Dense[float64], error) {
	if !p.sparse() || b.Cols <= sparseColumns {
		return p.gramOf(ctx, b)
	}
	out := NewDense(b.Rows, b.Cols, mem.Make[float64](b.Rows*b.Cols))
	for lo := 0; lo < b.Cols; lo += sparseColumns {
		hi := min(b.Cols, lo+sparseColumns)
		part, err := p.gramOf(ctx, CopyOf[float64](b.Slice(0, b.Rows, lo, hi)))
		if err != nil {
			return nil, err
		}
		copyInto(out.Slice(0, b.Rows, lo, hi), part)
	}
	return out, nil
}

// sparse tells whether X knows the number of its entries.
func (p products) sparse() bool {
	_, ok := p.Operator.(interface{ NNZ() int64 })
	return ok
}

// sparseColumns fill a cache line.
const sparseColumns = 8

func (p products) gramOf(ctx context.Context, b *Dense[float64]) (*Dense[float64], error) {
	k := b.Cols
	if m, ok := p.Operator.(*single); ok {
		rounded := NewDense(b.Rows, k, make([]float32, b.Rows*k))
		cast.Narrow(rounded.Data, b.Data)
		return p.sum(ctx, k, func(sum []float64, lo, hi int, _ []float64) { m.addGram(sum, lo, hi, rounded) })
	}
	return p.sum(ctx, k, func(sum []float64, lo, hi int, buf []float64) {
		y := buf[:(hi-lo)*k]
		p.MulRows(y, lo, hi, b.Data, k)
		p.AddTransMulRows(sum, lo, hi, y, k)
	})
}

// sum adds up what add gives for blocks of rows, d×k, in parts that depend on the shape
// alone, the fewer the larger they are.
func (p products) sum(ctx context.Context, k int, add func(sum []float64, lo, hi int, buf []float64)) (*Dense[float64], error) {
	n, d := p.Dims()
	const budget = 1 << 23 // elements of all parts
	count := min(8, max(2, budget/max(1, d*k)))
	rows := p.rows()
	size := max(rows, (n+count-1)/count)
	parts := make([]*[]float64, par.Blocks(n, size))
	err := par.For(ctx, p.workers, n, size, func(block, lo, hi int) {
		parts[block] = blockPool.Get().(*[]float64)
		buf := blockPool.Get().(*[]float64)
		defer blockPool.Put(buf)
		sum := grow(parts[block], d*k)
		clear(sum)
		for ; lo < hi && ctx.Err() == nil; lo += rows {
			add(sum, lo, min(hi, lo+rows), grow(buf, rows*k))
		}
	})
	if err == nil {
		err = ctx.Err()
	}
	out := NewDense[float64](d, k, nil)
	for _, part := range parts {
		if part == nil { // the context ended before
			continue
		}
		Axpy(1, grow(part, d*k), out.Data)
		blockPool.Put(part)
	}
	return out, err
}

// single is a matrix whose sums over rows are taken in float32 and added up in float64.
type single struct {
	gram.Operator
	rows rowBlocker32
	step int // rows at a time, few enough to stay in a cache for two products
}

// rowBlocker32 gives rows in float32, as Dense.RowBlock32 does.
type rowBlocker32 interface {
	RowBlock32(buf []float32, lo, hi int) (block []float32, stride int)
}

func newSingle(X gram.Operator) *single {
	_, d := X.Dims()
	m := &single{Operator: X, step: min(singleRows, max(32, 1<<17/d))}
	var ok bool
	if m.rows, ok = X.(rowBlocker32); !ok {
		m.rows = rounded{X}
	}
	return m
}

// addGram adds X[lo:hi]ᵀ·(X[lo:hi]·B) to sum.
func (m *single) addGram(sum []float64, lo, hi int, b *Dense[float32]) {
	m.addProducts(sum, lo, hi, b.Cols, func(x, y *Dense[float32], _ int) {
		Gemm(blas.NoTrans, blas.NoTrans, 1, x, b, 0, y)
	})
}

func (m *single) AddTransMulRows(dst []float64, lo, hi int, g []float64, k int) {
	m.addProducts(dst, lo, hi, k, func(_, y *Dense[float32], from int) {
		cast.Narrow(y.Data, g[(from-lo)*k:])
	})
}

// addProducts adds X[lo:hi]ᵀ·Y to sum, d×k, where set makes the rows of Y from those of X,
// which begin at from.
func (m *single) addProducts(sum []float64, lo, hi, k int, set func(x, y *Dense[float32], from int)) {
	_, d := m.Dims()
	s := borrow[float32]()
	defer s.giveBack()
	z := NewDense(d, k, grow(&s.b, d*k))
	clear(z.Data)
	for ; lo < hi; lo += m.step {
		end := min(hi, lo+m.step)
		data, stride := m.rows.RowBlock32(grow(&s.a, m.step*d), lo, end)
		x := &Dense[float32]{Rows: end - lo, Cols: d, Stride: stride, Data: data}
		y := NewDense(x.Rows, k, grow(&s.c, m.step*k)[:x.Rows*k])
		set(x, y, lo)
		Gemm(blas.Trans, blas.NoTrans, 1, x, y, 1, z)
	}
	cast.AddWide(sum[:len(z.Data)], z.Data)
}

// rounded reads a matrix through RowBlock.
type rounded struct{ gram.RowBlocker }

func (m rounded) RowBlock32(buf []float32, lo, hi int) (block []float32, stride int) {
	_, d := m.Dims()
	wide := blockPool.Get().(*[]float64)
	defer blockPool.Put(wide)
	raw, stride := m.RowBlock(grow(wide, (hi-lo)*d), lo, hi)
	for i := range hi - lo {
		cast.Narrow(buf[i*d:(i+1)*d], raw[i*stride:])
	}
	return buf[:(hi-lo)*d], d
}
