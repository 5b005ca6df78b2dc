package linear

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// A preconditioner is a positive definite stand-in P for the Hessian.
type preconditioner interface {
	// solve replaces x by P⁻¹·x.
	solve(x []float64)
}

// cholesky is the preconditioner L·Lᵀ.
type cholesky struct{ l blas64.Triangular }

// factor returns the Cholesky factorization of a, whose lower triangle it uses
// up. What is singular, as the Hessian of collinear features without penalty is,
// becomes definite by a multiple of the diagonal's mean, the smallest power of
// 100 from 1e-14 up that serves.
func factor(a *linalg.Dense[float64]) (*cholesky, error) {
	mean := 0.0
	for j := range a.Rows {
		mean += a.Data[j*a.Stride+j] / float64(a.Rows)
	}
	if !(mean > 0) || math.IsInf(mean, 1) {
		return nil, fmt.Errorf("linear: the Hessian's mean diagonal is %v: %w", mean, gram.ErrSingular)
	}
	work := linalg.NewDense[float64](a.Rows, a.Cols, nil)
	for ridge := 1e-14; ridge <= 1; ridge *= 100 {
		copy(work.Data, a.Data)
		for j := range a.Rows {
			work.Data[j*work.Stride+j] += ridge * mean
		}
		l, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Lower, N: work.Rows, Stride: work.Stride, Data: work.Data})
		if ok {
			return &cholesky{l}, nil
		}
	}
	return nil, fmt.Errorf("linear: the Hessian is not positive definite: %w", gram.ErrSingular)
}

func (c *cholesky) solve(x []float64) {
	v := blas64.Vector{N: len(x), Data: x, Inc: 1}
	blas64.Trsv(blas.NoTrans, c.l, v)
	blas64.Trsv(blas.Trans, c.l, v)
}

// kronecker is the preconditioner Σ ⊗ S of features and contrasts: the Hessian
// of the log-loss as if class probabilities and features were independent, with
// S the mean of diag(p) − p·pᵀ. (Böhning's bound is the case S = ½I.)
type kronecker struct {
	// Σ⁻¹ is root·rootᵀ or, where that is nil, the diagonal matrix of diag.
	root *linalg.Dense[float64]
	diag []float64
	inv  *linalg.Dense[float64] // S⁻¹, q×q
	work *linalg.Dense[float64] // a copy of x
}

func (k *kronecker) solve(x []float64) {
	q := k.inv.Rows
	m := linalg.NewDense(len(x)/q, q, x)
	linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, m, k.inv, 0, k.work)
	if k.root == nil {
		for j, v := range k.diag {
			row, from := m.Row(j), k.work.Row(j)
			for a := range row {
				row[a] = from[a] * v
			}
		}
		return
	}
	linalg.Gemm(blas.Trans, blas.NoTrans, 1, k.root, k.work, 0, m)
	copy(k.work.Data, x)
	linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, k.root, k.work, 0, m)
}

// kronecker returns the preconditioner for mean probabilities. gramian is that of
// features, with the lower triangle set, or nil for its diagonal alone.
func (p *problem) kronecker(mean []float64, gramian *linalg.Dense[float64]) (*kronecker, error) {
	dim, q := p.std.dim(), contrasts(p.cols)
	inv, level := contrastInverse(mean)
	k := &kronecker{inv: inv, work: linalg.NewDense[float64](dim, q, nil)}
	penalty := make([]float64, dim)
	for j, scale := range p.std.scale {
		penalty[j] = p.lambda / level / scale / scale
	}
	if gramian == nil {
		k.diag = make([]float64, dim)
		for j, v := range penalty {
			k.diag[j] = 1 / (p.weight + v)
		}
		return k, nil
	}
	for j, v := range penalty {
		// The second term keeps constant columns off zero.
		gramian.Data[j*gramian.Stride+j] += v + 1e-10*p.weight
	}
	c, err := factor(gramian)
	if err != nil {
		return nil, err
	}
	k.root = inverseTranspose(c)
	return k, nil
}

// contrastInverse returns the inverse of S, in contrasts, for mean probabilities,
// of classes or of class 1 alone, and the mean of the eigenvalues of S. Rare
// classes count as a hundredth of the mean at least, lest steps along them
// explode where they are not rare.
func contrastInverse(mean []float64) (inv *linalg.Dense[float64], level float64) {
	if len(mean) == 1 {
		s := max(mean[0]*(1-mean[0]), 1e-3)
		return linalg.NewDense(1, 1, []float64{1 / s}), s
	}
	cols, q := len(mean), contrasts(len(mean))
	s := linalg.NewDense[float64](q, q, nil)
	basis := contrastBasis(cols)
	for a := range q {
		column := columnOf(basis, a)
		dot := 0.0
		for k, v := range column {
			dot += mean[k] * v
		}
		for k := range column {
			column[k] = mean[k] * (column[k] - dot)
		}
		gather(s.Row(a), column)
		level += s.At(a, a) / float64(q)
	}
	for a := range q {
		s.Data[a*q+a] += 0.01 * level
	}
	c, err := factor(s)
	if err != nil {
		panic(err) // level ≥ (1−Σp²)/q > 0
	}
	root := inverseTranspose(c)
	inv = linalg.NewDense[float64](q, q, nil)
	linalg.Gemm(blas.NoTrans, blas.Trans, 1, root, root, 0, inv)
	return inv, level
}

// inverseTranspose returns L⁻ᵀ in full: A⁻¹ is its product with its transpose,
// which stays definite however rounded, as the inverse itself would not. It uses
// c up.
func inverseTranspose(c *cholesky) *linalg.Dense[float64] {
	l := c.l
	l.Diag = blas.NonUnit
	lapack64.Trtri(l)
	out := linalg.NewDense[float64](l.N, l.N, nil)
	for i := range l.N {
		for j, v := range l.Data[i*l.Stride : i*l.Stride+i+1] {
			out.Data[j*out.Stride+i] = v
		}
	}
	return out
}
