package linear

import (
	"math"

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
	for i := range dim {
		for j := range i {
			f.Set(j, i, f.At(i, j))
		}
	}
	cov, open, err := p.sandwich(f)
	if err != nil {
		return nil, 0, err
	}
	coef = make([]float64, d)
	shift := make([]float64, dim) // the intercept by the coordinates
	unsure := false
	for j, scale := range p.std.scale {
		coef[j] = math.Sqrt(dispersion*cov.At(j, j)) / scale
		mean := p.std.mean[j]
		if p.offset != nil {
			mean += p.offset[j]
		}
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
