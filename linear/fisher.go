package linear

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"gonum.org/v1/gonum/blas"
)

// errorFeatures is the most features for which standard errors are computed.
const errorFeatures = 512

// fisherErrors returns the standard errors of coefficients and intercept, given the
// information of the rows in standardized coordinates, its lower triangle, and the
// dispersion: the square roots of the diagonal of
//
//	dispersion·(F + λ)⁻¹·F·(F + λ)⁻¹
//
// taken to the coordinates of X. A coefficient that neither rows nor penalty
// determine has an infinite one.
func (p *problem) fisherErrors(f *linalg.Dense[float64], dispersion float64) (coef []float64, intercept float64, err error) {
	dim, d := p.std.dim(), len(p.std.scale)
	mirror(f)
	cov, open, err := p.sandwich(f)
	if err != nil {
		return nil, 0, err
	}
	coef = make([]float64, d)
	shift := make([]float64, dim) // the intercept by the coordinates
	unsure := false
	for j, scale := range p.std.scale {
		coef[j] = math.Sqrt(dispersion*cov.At(j, j)) / scale
		mean := p.origin(j)
		shift[j] = -mean / scale
		if open[j] {
			coef[j], shift[j] = math.Inf(1), 0
			unsure = unsure || mean != 0
		}
	}
	if !p.std.intercept {
		return coef, 0, nil
	}
	if unsure {
		return coef, math.Inf(1), nil
	}
	shift[d] = 1
	row := make([]float64, dim)
	linalg.Gemv(blas.NoTrans, 1, cov, shift, 0, row)
	return coef, math.Sqrt(dispersion * linalg.Dot(shift, row)), nil
}

// sandwich returns (F + λ)⁻¹·F·(F + λ)⁻¹ and which coordinates are not determined. The
// inverse is that of the matrix with its diagonal scaled to 1, in its eigenvectors.
func (p *problem) sandwich(f *linalg.Dense[float64]) (cov *linalg.Dense[float64], open []bool, err error) {
	dim := f.Rows
	m := linalg.CopyOf[float64](f)
	for j, scale := range p.std.scale {
		m.Set(j, j, m.At(j, j)+p.lambda/scale/scale)
	}
	unit := make([]float64, dim)
	for j := range dim {
		if v := m.At(j, j); v > 0 {
			unit[j] = 1 / math.Sqrt(v)
		}
	}
	for i := range dim {
		for j := range dim {
			m.Set(i, j, m.At(i, j)*unit[i]*unit[j])
		}
	}
	eigen, err := linalg.NewSymEigen(p.workers, m, dim)
	if err != nil {
		return nil, nil, err
	}
	const eps = 0x1p-52
	open = make([]bool, dim)
	half := linalg.NewDense[float64](dim, dim, nil) // V·Λ^−½
	null := make([]float64, dim)
	for k, v := range eigen.Values {
		for j := range dim {
			e := eigen.Vectors.At(j, k)
			if v > 100*eps*float64(dim) {
				half.Set(j, k, unit[j]*e/math.Sqrt(v))
			} else {
				null[j] += e * e
			}
		}
	}
	for j := range dim {
		open[j] = unit[j] == 0 || null[j] > 1e-8
	}
	inverse := linalg.NewDense[float64](dim, dim, nil)
	linalg.Gemm(blas.NoTrans, blas.Trans, 1, half, half, 0, inverse)
	if p.lambda == 0 {
		return inverse, open, nil
	}
	left := linalg.NewDense[float64](dim, dim, nil)
	linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, inverse, f, 0, left)
	cov = linalg.NewDense[float64](dim, dim, nil)
	linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, left, inverse, 0, cov)
	return cov, open, nil
}

// covarianceAt returns the inverse of the information of rows at parameters, of which
// those of each class are basis times those that the fit moves: element
// (k·dim+j, l·dim+i) belongs to coefficients j and i of classes k and l.
func covarianceAt(ctx context.Context, X gram.Matrix, y []int, w []float64, s *settings, at *params, basis *linalg.Dense[float64]) (*linalg.Dense[float64], error) {
	free := *s
	free.lambda, free.l1 = 0, 0
	p, err := newProblem(ctx, X, y, w, len(at.bias), &free)
	if err != nil {
		return nil, err
	}
	for j, scale := range p.std.scale {
		if math.IsInf(scale, 1) {
			return nil, fmt.Errorf("linear: column %d does not vary: %w", j, gram.ErrSingular)
		}
	}
	theta := make([]float64, p.size())
	p.std.coordinates(theta, p.shifted(at))
	h, err := p.hessian(ctx, theta)
	if err != nil {
		return nil, err
	}
	mirror(h)
	root, err := linalg.NewCholesky(p.workers, h)
	if err != nil {
		return nil, fmt.Errorf("linear: the Fisher information: %w", err)
	}
	back := p.back(basis)
	half := root.Solve(p.workers, nil, back) // H⁻¹·B, and the covariance is Bᵀ·H⁻¹·B
	cov := linalg.NewDense[float64](back.Cols, back.Cols, nil)
	linalg.Gemm(blas.Trans, blas.NoTrans, 1, back, half, 0, cov)
	return cov, nil
}

// back returns the transpose of the matrix that takes coordinates to parameters of X, class
// by class: coef = θ/scale and intercept = θ_d − Σ origin·coef, times the basis.
func (p *problem) back(basis *linalg.Dense[float64]) *linalg.Dense[float64] {
	dim, d, q := p.std.dim(), len(p.std.mean), basis.Cols
	out := linalg.NewDense[float64](dim*q, basis.Rows*dim, nil)
	for k := range basis.Rows {
		for a, v := range basis.Row(k) {
			for j, scale := range p.std.scale {
				out.Set(j*q+a, k*dim+j, v/scale)
				if p.std.intercept {
					out.Set(j*q+a, k*dim+d, -v*p.origin(j)/scale)
				}
			}
			if p.std.intercept {
				out.Set(d*q+a, k*dim+d, v)
			}
		}
	}
	return out
}

// origin returns what column j of X is where its coordinate is zero.
func (p *problem) origin(j int) float64 {
	if p.offset != nil {
		return p.std.mean[j] + p.offset[j]
	}
	return p.std.mean[j]
}

// mirror copies the lower triangle of a to the upper one.
func mirror(a *linalg.Dense[float64]) {
	for i := range a.Rows {
		for j := range i {
			a.Set(j, i, a.At(i, j))
		}
	}
}
