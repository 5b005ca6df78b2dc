package mle

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// MultivariateNormal fits a normal distribution of rows: the mean and the covariance of the
// columns, divided by Σw. Its statistics are a linalg.Covariance, which merges.
type MultivariateNormal struct {
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
}

var _ gram.ScorerTrainer = MultivariateNormal{}

// Fit fits the distribution to the rows of X, n×d, with weights w ≥ 0, nil for all ones; a
// weight of 2 is a row that is there twice.
//
// Errors: ErrShape, ErrNonFinite and ErrWeights for X and w; ErrSingular, naming the column, if
// one does not vary, or only with those before it, so that the likelihood has no bound;
// that of ctx. O(n·d² + d³).
func (t MultivariateNormal) Fit(ctx context.Context, X gram.Matrix, w []float64) (*MultivariateNormalModel, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("fit stopped: %w", err)
	}
	n, _, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	if _, err := gram.CheckWeights(w, n); err != nil {
		return nil, err
	}
	c, err := linalg.NewCovariance(t.Workers, X, w)
	if err != nil {
		return nil, err
	}
	return t.FromCovariance(c)
}

// TrainScorer calls Fit.
func (t MultivariateNormal) TrainScorer(ctx context.Context, X gram.Matrix, w []float64) (gram.Scorer, error) {
	m, err := t.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// FromCovariance fits the distribution to the rows that c has seen. Errors: ErrShape for none;
// ErrNonFinite and ErrSingular. O(d³).
func (t MultivariateNormal) FromCovariance(c *linalg.Covariance) (*MultivariateNormalModel, error) {
	d := len(c.Mean)
	if d == 0 || !(c.Weight > 0) || c.Scatter == nil || c.Scatter.Rows != d || c.Scatter.Cols != d {
		return nil, fmt.Errorf("covariance of no rows: %w", gram.ErrShape)
	}
	for j, v := range c.Mean {
		if v-v != 0 {
			return nil, fmt.Errorf("mean of column %d is %v: %w", j, v, gram.ErrNonFinite)
		}
	}
	return newMultivariateNormal(c.Weight, slices.Clone(c.Mean), c.Matrix(0))
}

// MultivariateNormalModel is a fitted [MultivariateNormal]: a gram.Scorer. Batch methods take
// O(n·d²), row methods O(d²) and no memory. The log-density of a row with a NaN is NaN.
type MultivariateNormalModel struct {
	weight float64
	mean   []float64
	cov    *linalg.Dense[float64]
	// inverse is that of U, where the covariance is UᵀU: (x − mean)·inverse has unit covariance.
	inverse *linalg.Dense[float64]
	logDet  float64 // of the covariance
	pool    *sync.Pool
}

func newMultivariateNormal(weight float64, mean []float64, cov *linalg.Dense[float64]) (*MultivariateNormalModel, error) {
	f, err := linalg.NewCholesky(1, cov)
	if err != nil {
		return nil, fmt.Errorf("covariance: %w", err)
	}
	d := len(mean)
	m := &MultivariateNormalModel{weight: weight, mean: mean, cov: cov, logDet: f.LogDet(), inverse: linalg.NewDense[float64](d, d, nil)}
	var inverse mat.TriDense
	if err := inverse.InverseTri(mat.NewTriDense(d, mat.Upper, f.U().Data)); err != nil {
		if _, conditioned := err.(mat.Condition); !conditioned {
			return nil, fmt.Errorf("covariance: %w", gram.ErrSingular)
		}
	}
	for i := range d {
		for j := i; j < d; j++ {
			m.inverse.Set(i, j, inverse.At(i, j))
		}
	}
	m.pool = &sync.Pool{New: func() any {
		buf := make([]float64, 2*d)
		return &buf
	}}
	return m, nil
}

// Features returns d.
func (m *MultivariateNormalModel) Features() int { return len(m.mean) }

// Mean returns a copy of the mean, of length d.
func (m *MultivariateNormalModel) Mean() []float64 { return slices.Clone(m.mean) }

// Covariance returns a copy of the covariance, d×d, which is the biased estimate, divided by Σw.
func (m *MultivariateNormalModel) Covariance() *linalg.Dense[float64] {
	return linalg.NewDense(m.cov.Rows, m.cov.Cols, slices.Clone(m.cov.Data))
}

// BesselCovariance returns the unbiased covariance, d×d, divided by Σw − 1; NaN unless Σw > 1.
func (m *MultivariateNormalModel) BesselCovariance() *linalg.Dense[float64] {
	c := m.Covariance()
	f := math.NaN()
	if m.weight > 1 {
		f = m.weight / (m.weight - 1)
	}
	linalg.Scal(f, c.Data)
	return c
}

// MeanStdErr returns the standard errors of the mean, √(Σⱼⱼ/Σw).
func (m *MultivariateNormalModel) MeanStdErr() []float64 {
	out := make([]float64, len(m.mean))
	for j := range out {
		out[j] = math.Sqrt(m.cov.At(j, j) / m.weight)
	}
	return out
}

// CovarianceStdErr returns the standard errors of the covariances, √((Σᵢᵢ·Σⱼⱼ + Σᵢⱼ²)/Σw), d×d.
func (m *MultivariateNormalModel) CovarianceStdErr() *linalg.Dense[float64] {
	d := len(m.mean)
	out := linalg.NewDense[float64](d, d, nil)
	for i := range d {
		for j := range d {
			c := m.cov.At(i, j)
			out.Set(i, j, math.Sqrt((m.cov.At(i, i)*m.cov.At(j, j)+c*c)/m.weight))
		}
	}
	return out
}

// MeanWald returns the interval mean ± z·stderr of each column for a confidence level between 0
// and 1; the error is ErrParam for the level.
func (m *MultivariateNormalModel) MeanWald(level float64) ([]Interval, error) {
	if err := checkLevel(level); err != nil {
		return nil, err
	}
	return m.around(distuv.UnitNormal.Quantile(0.5 + level/2)), nil
}

// MeanProfile returns the profile-likelihood interval of each column's mean, which is closed:
// with the other parameters fitted again, the likelihood at a distance v falls by
// Σw·log(1 + v²/Σⱼⱼ)/2.
func (m *MultivariateNormalModel) MeanProfile(level float64) ([]Interval, error) {
	if err := checkLevel(level); err != nil {
		return nil, err
	}
	q := distuv.ChiSquared{K: 1}.Quantile(level)
	return m.around(math.Sqrt(m.weight * math.Expm1(q/m.weight))), nil
}

// around returns mean ± z·stderr.
func (m *MultivariateNormalModel) around(z float64) []Interval {
	out := make([]Interval, len(m.mean))
	for j, s := range m.MeanStdErr() {
		out[j] = Interval{m.mean[j] - z*s, m.mean[j] + z*s}
	}
	return out
}

// LogLikelihood returns Σ wᵢ·log p(xᵢ) over the training rows.
func (m *MultivariateNormalModel) LogLikelihood() float64 {
	d := float64(len(m.mean))
	return -m.weight / 2 * (d*math.Log(2*math.Pi) + m.logDet + d)
}

// Parameters returns the number of free parameters, d(d+3)/2.
func (m *MultivariateNormalModel) Parameters() int { return len(m.mean) * (len(m.mean) + 3) / 2 }

// AIC returns −2ℓ + 2p.
func (m *MultivariateNormalModel) AIC() float64 {
	return -2*m.LogLikelihood() + 2*float64(m.Parameters())
}

// BIC returns −2ℓ + p·log Σw.
func (m *MultivariateNormalModel) BIC() float64 {
	return -2*m.LogLikelihood() + float64(m.Parameters())*math.Log(m.weight)
}

// Dist returns gonum's distribution with these parameters, which draws from src, or from
// math/rand/v2 if src is nil.
func (m *MultivariateNormalModel) Dist(src rand.Source) *distmv.Normal {
	var f mat.Cholesky
	f.SetFromU(m.factor())
	return distmv.NewNormalChol(m.mean, &f, src)
}

// factor returns U.
func (m *MultivariateNormalModel) factor() *mat.TriDense {
	d := len(m.mean)
	u := mat.NewTriDense(d, mat.Upper, nil)
	// The inverse of an upper triangular matrix, column by column.
	for j := range d {
		u.SetTri(j, j, 1/m.inverse.At(j, j))
		for i := j - 1; i >= 0; i-- {
			sum := 0.0
			for k := i + 1; k <= j; k++ {
				sum += m.inverse.At(i, k) * u.At(k, j)
			}
			u.SetTri(i, j, -sum/m.inverse.At(i, i))
		}
	}
	return u
}

// logDensity returns the log-density at squared Mahalanobis distance q.
func (m *MultivariateNormalModel) logDensity(q float64) float64 {
	return -(float64(len(m.mean))*math.Log(2*math.Pi) + m.logDet + q) / 2
}

// LogDensity sets dst, of length n, to the logarithm of the density at the rows of X.
func (m *MultivariateNormalModel) LogDensity(dst []float64, X gram.Matrix) ([]float64, error) {
	d := len(m.mean)
	n, err := gram.CheckFeatures(X, d)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	x := linalg.AsOperator(X)
	size := min(max(n, 1), max(32, 1<<14/d))
	raw, z, y := make([]float64, size*d), make([]float64, size*d), make([]float64, size*d)
	for lo := 0; lo < n; lo += size {
		rows := min(size, n-lo)
		block, stride := x.RowBlock(raw[:rows*d], lo, lo+rows)
		for i := range rows {
			subtract(z[i*d:(i+1)*d], block[i*stride:], m.mean)
		}
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, linalg.NewDense(rows, d, z[:rows*d]), m.inverse, 0, linalg.NewDense(rows, d, y[:rows*d]))
		for i := range rows {
			dst[lo+i] = m.logDensity(f64.SumSquares(y[i*d : (i+1)*d]))
		}
	}
	return dst, nil
}

// subtract sets dst to x − y over len(dst) elements.
func subtract(dst, x, y []float64) {
	copy(dst, x[:len(dst)])
	f64.Axpy(-1, y, dst)
}

// LogDensityRow returns the logarithm of the density at x, of length d.
func (m *MultivariateNormalModel) LogDensityRow(x []float64) (float64, error) {
	d := len(m.mean)
	if err := gram.CheckRow(x, d); err != nil {
		return 0, err
	}
	buf := m.pool.Get().(*[]float64)
	z, y := (*buf)[:d], (*buf)[d:]
	subtract(z, x, m.mean)
	clear(y)
	f64.AxpyRows(z, m.inverse.Data, m.inverse.Stride, y)
	v := m.logDensity(f64.SumSquares(y))
	m.pool.Put(buf)
	return v, nil
}
