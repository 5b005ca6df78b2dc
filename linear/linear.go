package linear

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
	"gonum.org/v1/gonum/blas"
)

// Linear trains linear regression by ordinary least squares: it minimises
//
//	Σᵢ wᵢ(yᵢ − xᵢ·coef − intercept)².
//
// Columns that are combinations of others are no error: of all minima it takes the one
// of smallest ‖coef‖. Rank is judged for columns of the same norm, so that it does not
// depend on units. The rows are factorized by Householder reflections, block by block,
// and their products never formed, so that nearly collinear columns keep their digits.
//
// The zero value is ready.
type Linear struct {
	// NoIntercept leaves the intercept at zero.
	NoIntercept bool
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on
	// it, not in a single bit.
	Workers int
}

var _ gram.RegressorTrainer = Linear{}

// Fit trains on the n×d matrix X, targets y and sample weights w ≥ 0, nil for all
// ones; a weight of 2 is the same as a repeated row, also in the standard errors.
//
// Errors: gram.ErrShape, gram.ErrNonFinite, gram.ErrWeights and gram.ErrParam for
// what does not fit; ctx's error. O(n·d²) time and memory for
// d·min(n, d) numbers, which may be 2²⁵ at most: gram.ErrShape beyond.
func (t Linear) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*LinearModel, error) {
	if t.Workers < 0 {
		return nil, fmt.Errorf("linear: Workers is %d, want > 0 or 0 for GOMAXPROCS: %w", t.Workers, gram.ErrParam)
	}
	w, weight, err := rowWeights(X, y, w)
	if err != nil {
		return nil, err
	}
	if n, d := X.Dims(); !direct(n, d) {
		return nil, fmt.Errorf("linear: X is %d×%d, too large to factorize: %w", n, d, gram.ErrShape)
	}
	p, err := newLeastSquares(ctx, X, w, !t.NoIntercept, t.Workers)
	if err != nil {
		return nil, err
	}
	f, err := factorize(ctx, p, y)
	if err != nil {
		return nil, err
	}
	m, err := f.leastSquares(weight)
	if err != nil {
		return nil, err
	}
	m.total = totalSquares(y, w, !t.NoIntercept)
	return m, nil
}

// totalSquares returns Σ w(y − ȳ)², with ȳ = 0 without an intercept.
func totalSquares(y, w []float64, intercept bool) float64 {
	mean, sum := 0.0, 0.0
	if intercept {
		mean = weightedMean(y, w)
	}
	for i, v := range y {
		sum += w[i] * (v - mean) * (v - mean)
	}
	return sum
}

// leastSquares solves without a penalty. weight is Σw.
func (f *factored) leastSquares(weight float64) (*LinearModel, error) {
	d := f.a.Cols
	svd, err := linalg.NewSVD(f.p.workers, f.a)
	if err != nil {
		return nil, err
	}
	const eps = 0x1p-52
	rank := 0
	for rank < len(svd.Values) && svd.Values[rank] > 8*eps*float64(max(f.a.Rows, d))*svd.Values[0] {
		rank++
	}
	theta := make([]float64, d)
	for k, s := range svd.Values[:rank] {
		linalg.Axpy(columnDot(svd.U, k, f.c)/s, columnOf(svd.V, k), theta)
	}
	m := &LinearModel{rank: rank, residual: f.residual(theta), dof: weight - float64(rank)}
	if f.p.std.intercept {
		m.dof--
	}
	m.stdErr, m.interceptErr = f.errors(svd, rank, math.Sqrt(m.residual/m.dof))
	if rank < d {
		if err := f.shorten(theta, svd, rank); err != nil {
			return nil, err
		}
	}
	m.LinearPredictor = f.predictor(theta)
	return m, nil
}

func columnOf(m *linalg.Dense[float64], k int) []float64 {
	out := make([]float64, m.Rows)
	for i := range out {
		out[i] = m.At(i, k)
	}
	return out
}

func columnDot(m *linalg.Dense[float64], k int, x []float64) float64 {
	return f64.Dot(columnOf(m, k), x)
}

// errors returns the standard errors of coefficients and intercept for a standard
// deviation of the residuals. A coefficient that the rows do not determine has an
// infinite one.
func (f *factored) errors(svd *linalg.SVD, rank int, sigma float64) (coef []float64, intercept float64) {
	d := f.a.Cols
	coef = make([]float64, d)
	open := false
	centre := make([]float64, rank) // Vᵀ·(mean of each feature, in X̃'s units)
	for j := range d {
		v := svd.V.Row(j)[:rank]
		sum := 0.0
		for k, vk := range v {
			sum += vk * vk / svd.Values[k] / svd.Values[k]
		}
		scale := f.p.std.scale[j]
		coef[j] = sigma * math.Sqrt(sum) / scale
		mean := f.centre(j) / scale
		if f.p.std.intercept {
			mean += f.link[j] / f.root
		}
		f64.Axpy(mean, v, centre)
		if f64.SumSquares(v) < 1-1e-8 {
			coef[j] = math.Inf(1)
			open = open || mean != 0
		}
	}
	if !f.p.std.intercept {
		return coef, 0
	}
	sum := 1 / f.root / f.root
	for k, v := range centre {
		sum += v / svd.Values[k] * v / svd.Values[k]
	}
	if open {
		return coef, math.Inf(1)
	}
	return coef, sigma * math.Sqrt(sum)
}

// shorten moves theta, within the solutions, to where the coefficients of X itself are
// shortest: it takes out their part in the null space, which the last columns of V span.
func (f *factored) shorten(theta []float64, svd *linalg.SVD, rank int) error {
	d := len(theta)
	// The null space is what is orthogonal to the first columns of V; V is thin, so
	// its basis is that of the rows.
	rows := linalg.NewDense[float64](d, rank, nil)
	for j, scale := range f.p.std.scale {
		if math.IsInf(scale, 1) {
			theta[j] = 0
			continue
		}
		// θ = coef·scale: rows span {coef: V₀ᵀ·(scale·coef) = 0}⊥.
		for k := range rank {
			rows.Set(j, k, svd.V.At(j, k)*scale)
		}
	}
	if rank == 0 {
		clear(theta)
		return nil
	}
	// The shortest coef with Vᵀ·(scale·coef) = Vᵀ·θ is rows·(rowsᵀ·rows)⁻¹·Vᵀθ, by the
	// factorization of rows: rows = Q·R, coef = Q·R⁻ᵀ·Vᵀθ.
	qr, err := linalg.NewQR(f.p.workers, rows)
	if err != nil {
		return err
	}
	r, g := qr.R(), make([]float64, rank)
	for k := range rank {
		g[k] = columnDot(svd.V, k, theta)
	}
	linalg.BLAS{}.Dtrsv(blas.Upper, blas.Trans, blas.NonUnit, rank, r.Data, r.Stride, g, 1)
	q := qr.Q(f.p.workers)
	for j, scale := range f.p.std.scale {
		if !math.IsInf(scale, 1) {
			theta[j] = scale * f64.Dot(q.Row(j)[:rank], g)
		}
	}
	return nil
}

// LinearModel is what [Linear] fits.
type LinearModel struct {
	LinearPredictor
	stdErr               []float64
	interceptErr         float64
	residual, total, dof float64
	rank                 int
}

// Rank returns the rank of the features, centred if there is an intercept.
func (m *LinearModel) Rank() int { return m.rank }

// StdErr returns the standard errors of the coefficients and of the intercept, for
// residuals that are independent and of the same variance: σ̂·√diag((XᵀWX)⁻¹) with
// σ̂² = RSS/DoF. They are +Inf where columns that depend on each other leave a
// coefficient open, and NaN if there are no degrees of freedom.
func (m *LinearModel) StdErr() (coef []float64, intercept float64) {
	return slices.Clone(m.stdErr), m.interceptErr
}

// RSS returns Σ w(y − ŷ)².
func (m *LinearModel) RSS() float64 { return m.residual }

// DoF returns the degrees of freedom of the residuals: Σw less the rank and the
// intercept. The variance of the residuals is RSS/DoF.
func (m *LinearModel) DoF() float64 { return m.dof }

// R2 returns the share of the targets' variance that the model explains, 1 − RSS/Σw(y − ȳ)²,
// with 0 for ȳ if there is no intercept; NaN for targets that do not vary.
func (m *LinearModel) R2() float64 { return 1 - m.residual/m.total }

// TrainRegressor calls [Linear.Fit].
func (t Linear) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	return regressor(t.Fit(ctx, X, y, w))
}

func init() {
	gram.Register("linear.Linear", 1, encodeLinear, decodeLinear)
}

func encodeLinear(e *gram.Encoder, m *LinearModel) {
	m.encode(e)
	e.Floats(m.stdErr)
	e.Float(m.interceptErr)
	e.Float(m.residual)
	e.Float(m.total)
	e.Float(m.dof)
	e.Int(m.rank)
}

func decodeLinear(d *gram.Decoder, _ int) *LinearModel {
	m := &LinearModel{LinearPredictor: decodePredictor(d)}
	m.stdErr = d.Floats(len(m.coef))
	m.interceptErr, m.residual, m.total, m.dof = d.Float(), d.Float(), d.Float(), d.Float()
	m.rank = d.Int()
	if m.rank < 0 || m.rank > len(m.coef) {
		d.Fail("rank %d of %d features", m.rank, len(m.coef))
	}
	return m
}
