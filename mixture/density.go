package mixture

import (
	"sync"

	"github.com/gram-ml/gram"
)

// A density evaluates the components of a mixture.
type density interface {
	// size returns the number of components and of features.
	size() (k, d int)
	// width returns how many numbers of scratch a row takes.
	width() int
	// logDensities returns the logarithms of weight times density of rows lo ≤ i < hi,
	// (hi-lo)×K, in memory of t.
	logDensities(s *rows, lo, hi int, t *scratch) (p []float64)
	// rowLogs sets p, of length K, to those at x.
	rowLogs(p, x, origin []float64, t *scratch)
}

// evaluator is what all mixtures do by their density.
type evaluator struct {
	f           density
	k, d        int
	origin      []float64
	convergence gram.Convergence
	pool        sync.Pool
}

func (m *evaluator) init(origin []float64, f density) {
	m.origin, m.f = origin, f
	m.k, m.d = f.size()
	m.pool.New = func() any { return new(scratch) }
}

// Features returns d.
func (m *evaluator) Features() int { return m.d }

// Components returns K.
func (m *evaluator) Components() int { return m.k }

// Convergence tells how the fit ended. The objective is minus the mean
// log-likelihood, or what takes its place; the residual its last change.
func (m *evaluator) Convergence() gram.Convergence { return m.convergence }

// LogDensity sets dst, of length n, to the logarithm of the density at the rows of X.
func (m *evaluator) LogDensity(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	m.eachBlock(X, n, func(lo, hi int, p []float64) { logSumExp(p, dst[lo:hi], m.k) })
	return dst, nil
}

// eachBlock calls f with the logarithms of weight times density of rows lo ≤ i < hi.
func (m *evaluator) eachBlock(X gram.Matrix, n int, f func(lo, hi int, p []float64)) {
	s := scoredRows(X, n, m.origin)
	t := m.pool.Get().(*scratch)
	defer m.pool.Put(t)
	size := blockRows(m.f.width())
	for lo := 0; lo < n; lo += size {
		hi := min(n, lo+size)
		f(lo, hi, m.f.logDensities(s, lo, hi, t))
	}
}

// LogDensityRow returns the logarithm of the density at x.
func (m *evaluator) LogDensityRow(x []float64) (float64, error) {
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return 0, err
	}
	t := m.pool.Get().(*scratch)
	buf := grow(&t.p, m.k+1)
	p, lse := buf[:m.k], buf[m.k:]
	m.f.rowLogs(p, x, m.origin, t)
	logSumExp(p, lse, m.k)
	v := lse[0]
	m.pool.Put(t)
	return v, nil
}

// Responsibilities sets dst, n×K row-major, to the probability that each row comes
// from each component.
func (m *evaluator) Responsibilities(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n*m.k); err != nil {
		return nil, err
	}
	lse := make([]float64, blockRows(m.f.width()))
	m.eachBlock(X, n, func(lo, hi int, p []float64) {
		logSumExp(p, lse[:hi-lo], m.k)
		copy(dst[lo*m.k:], p)
	})
	return dst, nil
}

// ResponsibilitiesRow sets dst, of length K, to the probability that x comes from
// each component.
func (m *evaluator) ResponsibilitiesRow(dst, x []float64) error {
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, m.k); err != nil {
		return err
	}
	t := m.pool.Get().(*scratch)
	buf := grow(&t.p, m.k+1)
	p, lse := buf[:m.k], buf[m.k:]
	m.f.rowLogs(p, x, m.origin, t)
	logSumExp(p, lse, m.k)
	copy(dst, p)
	m.pool.Put(t)
	return nil
}

// Predict sets dst, of length n, to the most probable component of each row; ties go
// to the smaller.
func (m *evaluator) Predict(dst []int, X gram.Matrix) ([]int, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	m.eachBlock(X, n, func(lo, hi int, p []float64) {
		for i := lo; i < hi; i++ {
			dst[i] = argMax(p[(i-lo)*m.k : (i-lo+1)*m.k])
		}
	})
	return dst, nil
}

// PredictRow returns the most probable component of x.
func (m *evaluator) PredictRow(x []float64) (int, error) {
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return 0, err
	}
	t := m.pool.Get().(*scratch)
	p := grow(&t.p, m.k)
	m.f.rowLogs(p, x, m.origin, t)
	c := argMax(p)
	m.pool.Put(t)
	return c, nil
}
