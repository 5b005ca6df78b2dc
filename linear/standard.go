package linear

import (
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// params are the coefficients, d×cols, and the biases of the scores X·coef + bias, and
// what else is part of the scores of each row, n×cols or nil.
type params struct{ coef, bias, offset []float64 }

func newParams(d, cols int) *params {
	return &params{coef: make([]float64, d*cols), bias: make([]float64, cols)}
}

// complete adds to products z of rows from lo on with coef what scores have besides.
func (p *params) complete(z []float64, lo int) {
	addBias(z, p.bias)
	if p.offset != nil {
		f64.Axpy(1, p.offset[lo*len(p.bias):][:len(z)], z)
	}
}

// A standard is the change of coordinates in which fits move, so that columns of
// any scale and offset are alike to them: coefficients of features with mean 0
// and deviation 1, in the contrasts of the classes, and the bias at the means.
// The function that is minimised stays what it is.
//
// Coordinates are a (d+1)×q matrix, row-major, one row a feature and the last
// the bias; without an intercept there is no such row, and means stay where they
// are.
type standard struct {
	mean, scale []float64
	inverse     []float64 // 1/scale
	measure     []float64 // see newStandard
	intercept   bool
}

// newStandard derives the coordinates from the moments of the features. measure
// is by how much the derivative of a coefficient counts in the stopping test.
//
// A column that does not vary, and so says nothing that the intercept does not,
// gets an infinite scale: its coefficient is zero.
func newStandard(m *momentSum, intercept bool) *standard {
	d := len(m.mean)
	s := &standard{make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d), intercept}
	for j, mu := range m.mean {
		rms := m.rms(j)
		s.measure[j] = 1
		if rms > 0 {
			s.measure[j] = min(max(rms, 1), 1e3) / rms
		}
		switch {
		case rms == 0 || intercept && m.constant(j):
			s.scale[j], s.measure[j] = math.Inf(1), 1/max(rms/1e3, 1)
		case intercept:
			s.mean[j], s.scale[j] = mu, m.deviation(j)
		default:
			s.scale[j] = rms
		}
		s.inverse[j] = 1 / s.scale[j]
	}
	return s
}

// far tells whether a mean is so large beside the deviation that scores lose
// digits to it that a fit cannot do without.
func (s *standard) far() bool {
	for j, mu := range s.mean {
		if math.Abs(mu) > 1e4*s.scale[j] {
			return true
		}
	}
	return false
}

// A shifted matrix is another one with a number subtracted from each column.
type shifted struct {
	gram.RowBlocker
	by []float64
}

func (m shifted) At(i, j int) float64 { return m.RowBlocker.At(i, j) - m.by[j] }

func (m shifted) RowBlock(buf []float64, lo, hi int) (block []float64, stride int) {
	d := len(m.by)
	src, stride := m.RowBlocker.RowBlock(buf, lo, hi)
	for i := range hi - lo {
		row := buf[i*d : (i+1)*d] // perhaps the same memory as src
		for j, v := range src[i*stride : i*stride+d] {
			row[j] = v - m.by[j]
		}
	}
	return buf[:(hi-lo)*d], d
}

// dim returns the number of rows of the coordinates.
func (s *standard) dim() int {
	if s.intercept {
		return len(s.mean) + 1
	}
	return len(s.mean)
}

// params sets p to the coefficients and biases at coordinates theta.
func (s *standard) params(p *params, theta []float64) {
	cols, d := len(p.bias), len(s.mean)
	q := contrasts(cols)
	clear(p.bias)
	if s.intercept {
		spread(p.bias, theta[d*q:])
	}
	for j, scale := range s.scale {
		row := p.coef[j*cols : (j+1)*cols]
		spread(row, theta[j*q:(j+1)*q])
		for k := range row {
			row[k] /= scale
			p.bias[k] -= s.mean[j] * row[k]
		}
	}
}

// coordinates sets theta to those of p, as far as the standard has them.
func (s *standard) coordinates(theta []float64, p *params) {
	cols, d := len(p.bias), len(s.mean)
	q := contrasts(cols)
	bias := append([]float64(nil), p.bias...)
	for j, scale := range s.scale {
		row := p.coef[j*cols : (j+1)*cols]
		gather(theta[j*q:(j+1)*q], row)
		if math.IsInf(scale, 1) {
			clear(theta[j*q : (j+1)*q])
			continue
		}
		f64.Scal(scale, theta[j*q:(j+1)*q])
		f64.Axpy(s.mean[j], row, bias)
	}
	if s.intercept {
		gather(theta[d*q:], bias)
	}
}

// gradient sets dst to the derivatives by the coordinates, given those by p's
// coefficients and biases.
func (s *standard) gradient(dst []float64, g *params) {
	cols, d := len(g.bias), len(s.mean)
	q := contrasts(cols)
	row := make([]float64, cols)
	for j, scale := range s.scale {
		for k := range row {
			row[k] = (g.coef[j*cols+k] - s.mean[j]*g.bias[k]) / scale
		}
		gather(dst[j*q:(j+1)*q], row)
	}
	if s.intercept {
		gather(dst[d*q:], g.bias)
	}
}

// block returns rows of X in standardized form, with a last column of ones for
// the intercept, in out. raw is memory to read X into.
func (s *standard) block(x gram.Operator, rows span, raw, out *[]float64) *linalg.Dense[float64] {
	n, d, dim := rows.hi-rows.lo, len(s.mean), s.dim()
	src, stride := denseBlock(x, rows, raw)
	dst := linalg.NewDense(n, dim, grow(out, n*dim))
	for i := range n {
		row := dst.Row(i)
		f64.Standardize(row[:d], src[i*stride:i*stride+d], s.mean, s.inverse)
		if s.intercept {
			row[d] = 1
		}
	}
	return dst
}
