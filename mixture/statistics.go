package mixture

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// negligible is the responsibility below which a row does not show in a component's
// sums: 2⁻⁶⁴.
const negligible = 0x1p-64

// moments are the sums that an E-step takes in the coordinates of the components,
// where they are of order 1 however narrow a component is.
type moments struct {
	evidence
	c      *components
	weight []float64 // Σ w·r of each component
	first  []float64 // Σ w·r·y, K×d
	second []float64 // Σ w·r·yyᵀ, lower triangles K×d×d; or of squares, K×d
	// joint stands for the other two if the components are quadratic: Σ w·r·[z z² 1], K×joint(d).
	joint *linalg.Dense[float64]
}

func newMoments(c *components) *moments {
	m := &moments{c: c, weight: make([]float64, c.k)}
	switch {
	case c.quadratic():
		m.joint = linalg.NewDense[float64](c.k, joint(c.d), nil)
	case c.kind.matrices():
		m.first, m.second = make([]float64, c.k*c.d), make([]float64, c.k*c.d*c.d)
	default:
		m.first, m.second = make([]float64, c.k*c.d), make([]float64, c.k*c.d)
	}
	return m
}

func (m *moments) merge(o *moments) {
	m.evidence.merge(o.evidence)
	f64.Axpy(1, o.weight, m.weight)
	if m.joint != nil {
		f64.Axpy(1, o.joint.Data, m.joint.Data)
		return
	}
	f64.Axpy(1, o.first, m.first)
	f64.Axpy(1, o.second, m.second)
}

// add takes in rows lo ≤ i < hi: the E-step.
func (m *moments) add(s *rows, lo, hi int, t *scratch) {
	p := m.c.logDensities(s, lo, hi, t)
	w := m.evidence.add(s, lo, p, m.c.k, t)
	if m.joint != nil {
		m.addQuadratic(p, w, s.w != nil, t)
	} else {
		m.addWhite(p, w, t)
	}
}

// addQuadratic takes in rows given as [z z² 1].
func (m *moments) addQuadratic(p, w []float64, weighted bool, t *scratch) {
	n, k, columns := len(w), m.c.k, joint(m.c.d)
	f64.AxpyRows(w, p, k, m.weight)
	shown := shows(grow(&t.shown, len(p)), p, 1)
	if weighted {
		for i, v := range w {
			f64.Scal(v, p[i*k:(i+1)*k])
		}
	}
	const share = 3 // rows added one by one cost as much more than those of a product
	if share*len(shown) > len(p) {
		linalg.Gemm(blas.Trans, blas.NoTrans, 1, linalg.NewDense(n, k, p), linalg.NewDense(n, columns, t.y[:n*columns]), 1, m.joint)
		return
	}
	for _, at := range shown {
		i := at / k
		f64.Axpy(p[at], t.y[i*columns:(i+1)*columns], m.joint.Row(at-i*k))
	}
}

// shows returns which of the responsibilities p[0], p[k], … show in the sums, in the memory
// of dst. There is no branch on what cannot be foretold.
func shows(dst []int, p []float64, k int) []int {
	count, least := 0, math.Float64bits(negligible)
	for i := 0; i*k < len(p); i++ {
		dst[count] = i
		count += int((least - math.Float64bits(p[i*k])) >> 63) // numbers ≥ 0 are in the order of their bits
	}
	return dst[:count]
}

// addWhite takes in the rows of t.z, in the coordinates of the components.
func (m *moments) addWhite(p, w []float64, t *scratch) {
	c, d := m.c, m.c.d
	buf := grow(&t.s, len(w)*(2*d+1))
	picked, white, roots := buf[:len(w)*d], buf[len(w)*d:len(w)*2*d], buf[len(w)*2*d:]
	f64.AxpyRows(w, p, c.k, m.weight)
	for k := range c.k {
		count := m.pick(picked, roots, p, w, k, t)
		if count == 0 {
			continue
		}
		y := c.whiten(white[:count*d], picked[:count*d], roots, k)
		f64.AxpyRows(roots[:count], y, d, m.first[k*d:(k+1)*d])
		if c.kind.matrices() {
			linalg.Syrk(blas.Lower, blas.Trans, 1, linalg.NewDense(count, d, y), 1, linalg.NewDense(d, d, m.second[k*d*d:(k+1)*d*d]))
			continue
		}
		second := m.second[k*d : (k+1)*d]
		for i := range count {
			for j, v := range y[i*d : (i+1)*d] {
				second[j] += v * v
			}
		}
	}
}

// pick gathers the rows that show in the sums of component k, less its mean, with the
// roots of their weights. It returns their number.
func (m *moments) pick(picked, roots, p, w []float64, k int, t *scratch) (count int) {
	d := m.c.d
	mean := m.c.means[k*d : (k+1)*d]
	for _, i := range shows(grow(&t.shown, len(w)), p[k:], m.c.k) {
		if w[i] == 0 {
			continue
		}
		f64.Subtract(picked[count*d:(count+1)*d], t.z[i*d:(i+1)*d], mean)
		roots[count] = math.Sqrt(w[i] * p[i*m.c.k+k])
		count++
	}
	return count
}

// whiten sets y to rows less the mean of component k, times their roots, in the
// coordinates of the component.
func (c *components) whiten(y, rows, roots []float64, k int) []float64 {
	d := c.d
	for i, v := range roots[:len(rows)/d] {
		f64.Scal(v, rows[i*d:(i+1)*d])
	}
	if c.kind.matrices() {
		n := len(rows) / d
		u := linalg.NewDense(d, d, c.inverse[k*d*d:(k+1)*d*d])
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, linalg.NewDense(n, d, rows), u, 0, linalg.NewDense(n, d, y))
		return y
	}
	inv := c.inverse[k*d : (k+1)*d]
	for i := 0; i < len(rows); i += d {
		f64.Mul(y[i:i+d], rows[i:i+d], inv)
	}
	return y
}

// evidence is what the E-steps of all mixtures sum up.
type evidence struct {
	total           float64 // Σ w
	logLik, entropy float64
}

func (e *evidence) merge(o evidence) {
	e.total += o.total
	e.logLik += o.logLik
	e.entropy += o.entropy
}

// add turns p, the logarithms of weight times density of rows lo, lo+1, …, into
// responsibilities, and returns the weights of the rows.
func (e *evidence) add(s *rows, lo int, p []float64, k int, t *scratch) (w []float64) {
	n := len(p) / k
	buf := grow(&t.t, n*(k+3))
	shifted, buf := buf[:n*k], buf[n*k:]
	tops, sums, w := buf[:n], buf[n:2*n], buf[2*n:]
	shift(shifted, p, tops, k)
	f64.Exp(p, shifted)
	f64.ShareRows(p, sums, k)
	for i := range w {
		w[i] = s.weight(lo + i)
	}
	if s.w == nil {
		logs := logProduct(sums)
		e.total += float64(n)
		e.logLik += f64.Sum(tops) + logs
		e.entropy += logs - f64.Dot(p, shifted)
		return w
	}
	for i, v := range w {
		if e.total += v; v > 0 {
			norm := math.Log(sums[i])
			e.logLik += v * (tops[i] + norm)
			e.entropy += v * (norm - f64.Dot(p[i*k:(i+1)*k], shifted[i*k:(i+1)*k]))
		}
	}
	return w
}

// logProduct returns Σ log x for x from 1 to 1e18, by one logarithm for sixteen.
func logProduct(x []float64) (sum float64) {
	for len(x) > 0 {
		part := x[:min(16, len(x))]
		x = x[len(part):]
		product := 1.0
		for _, v := range part {
			product *= v
		}
		sum += math.Log(product)
	}
	return sum
}

// Statistics are what an M-step needs to know of the rows: for each component the
// weight, mean and scatter of its share of them. Pieces of the data, from a stream or
// from several machines, add up to the statistics of all of them. The zero value
// is empty and takes its shape from the first rows. A value must not be used by two
// goroutines at once.
//
// [Stepwise] is EM on a stream. By hand a round, with a memory of about 1/(1−0.99) batches, is
//
//	stats.Scale(0.99)
//	err := stats.Add(ctx, model, batch, nil)
//	model, err = trainer.FromStatistics(&stats)
type Statistics struct {
	// Covariance is the shape of the model that took them.
	Covariance Covariance
	// Origin is what Mean counts from, of length d.
	Origin []float64
	// Total is Σ wᵢ over the rows.
	Total float64
	// LogLikelihood is Σ wᵢ·log p(xᵢ), under the models that took them in.
	LogLikelihood float64
	// Entropy is −Σ wᵢ·rᵢₖ·log rᵢₖ, of the responsibilities.
	Entropy float64
	// Weight holds Nₖ = Σ wᵢ·rᵢₖ.
	Weight []float64
	// Mean holds Σ wᵢ·rᵢₖ·xᵢ / Nₖ less Origin, K×d.
	Mean []float64
	// Scatter holds Σ wᵢ·rᵢₖ·(xᵢ − meanₖ)(xᵢ − meanₖ)ᵀ: matrices K×d×d for Full and Tied,
	// their diagonals K×d for Diagonal and Spherical.
	Scatter []float64
}

// Add takes in rows X, n×d, with weights w, nil for all ones, as m shares them among
// its components: an E-step. The statistics must be empty or those of a model with as
// many components and features and the same kind of covariance.
//
// Errors: ErrShape, ErrNonFinite and ErrWeights for X, w and a model that does not fit,
// and that of ctx. s is then as it was. O(n·d²·K) or, for diagonal covariances,
// O(n·d·K), on GOMAXPROCS goroutines.
func (s *Statistics) Add(ctx context.Context, m *GaussianMixtureModel, X gram.Matrix, w []float64) error {
	n, _, err := gram.CheckMatrix(X)
	if err != nil {
		return err
	}
	if _, err := gram.CheckFeatures(X, m.Features()); err != nil {
		return err
	}
	total, err := gram.CheckWeights(w, n)
	if err != nil {
		return err
	}
	r := scoredRows(X, n, m.origin)
	r.w, r.total = w, total
	o, err := expect(ctx, r, m.c, 0)
	if err != nil {
		return err
	}
	return s.Merge(o)
}

// Merge takes in the rows that o has seen; o is not changed. It returns ErrShape for
// statistics of another shape, and s is then as it was. O(K·d²).
func (s *Statistics) Merge(o *Statistics) error {
	if o.Weight == nil {
		return nil
	}
	if s.Weight == nil {
		*s = *o
		s.Origin, s.Weight = slices.Clone(o.Origin), slices.Clone(o.Weight)
		s.Mean, s.Scatter = slices.Clone(o.Mean), slices.Clone(o.Scatter)
		return nil
	}
	if err := s.check(); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	if len(s.Weight) != len(o.Weight) || len(s.Origin) != len(o.Origin) || s.Covariance != o.Covariance {
		return fmt.Errorf("statistics of %d %v components and %d features, the others of %d %v and %d: %w",
			len(s.Weight), s.Covariance, len(s.Origin), len(o.Weight), o.Covariance, len(o.Origin), gram.ErrShape)
	}
	s.Total += o.Total
	s.LogLikelihood += o.LogLikelihood
	s.Entropy += o.Entropy
	for k, w := range o.Weight {
		s.mergeComponent(o, k, w)
	}
	return nil
}

// mergeComponent adds component k of o by the formula of Chan, Golub and LeVeque.
func (s *Statistics) mergeComponent(o *Statistics, k int, w float64) {
	if w <= 0 {
		return
	}
	d := len(s.Origin)
	total := s.Weight[k] + w
	delta := make([]float64, d)
	for j := range delta {
		delta[j] = o.Mean[k*d+j] - s.Mean[k*d+j] + (o.Origin[j] - s.Origin[j])
	}
	between := s.Weight[k] * (w / total)
	if s.Covariance.matrices() {
		for i, a := range delta {
			at := (k*d + i) * d
			f64.Axpy(1, o.Scatter[at:at+d], s.Scatter[at:at+d])
			f64.Axpy(between*a, delta, s.Scatter[at:at+d])
		}
	} else {
		for j, a := range delta {
			s.Scatter[k*d+j] += o.Scatter[k*d+j] + between*a*a
		}
	}
	f64.Axpy(w/total, delta, s.Mean[k*d:(k+1)*d])
	s.Weight[k] = total
}

// Scale multiplies the weight of all rows so far by f, between 0 and 1: what is old
// then counts less.
func (s *Statistics) Scale(f float64) {
	s.Total *= f
	s.LogLikelihood *= f
	s.Entropy *= f
	f64.Scal(f, s.Weight)
	f64.Scal(f, s.Scatter)
}

// check returns an error if the fields do not fit together.
func (s *Statistics) check() error {
	k, d := len(s.Weight), len(s.Origin)
	scatter := k * d
	if s.Covariance.matrices() {
		scatter *= d
	}
	if k == 0 || d == 0 || len(s.Mean) != k*d || len(s.Scatter) != scatter || !s.Covariance.valid() {
		return fmt.Errorf("statistics of %d weights, %d columns, %d means and %d elements of scatter: %w",
			k, d, len(s.Mean), len(s.Scatter), gram.ErrShape)
	}
	if !(s.Total > 0) {
		return fmt.Errorf("statistics of no rows: %w", gram.ErrShape)
	}
	for _, v := range [][]float64{s.Origin, s.Weight, s.Mean, s.Scatter} {
		for _, x := range v {
			if x-x != 0 {
				return fmt.Errorf("statistics hold %v: %w", x, gram.ErrNonFinite)
			}
		}
	}
	return nil
}

// expect is an E-step over all rows.
func expect(ctx context.Context, s *rows, c *components, workers int) (*Statistics, error) {
	m, err := takeMoments(ctx, s, c, workers)
	if err != nil {
		return nil, err
	}
	return m.statistics(s.origin), nil
}

func takeMoments(ctx context.Context, s *rows, c *components, workers int) (*moments, error) {
	m, err := sums(ctx, s, workers, blockRows(c.width()), c.momentElements(),
		func() *moments { return newMoments(c) }, (*moments).merge,
		func(m *moments, lo, hi int, t *scratch) { m.add(s, lo, hi, t) })
	if err != nil {
		return nil, err
	}
	return m, m.finite()
}

// momentElements returns the size of moments.
func (c *components) momentElements() int {
	if c.kind.matrices() {
		return c.k * c.d * c.d
	}
	return c.k * c.d
}

// finite returns an error if the log-likelihood is not finite.
func (e *evidence) finite() error {
	if e.logLik-e.logLik != 0 {
		return fmt.Errorf("the log-likelihood is %v: distances overflow: %w", e.logLik, gram.ErrNonFinite)
	}
	return nil
}

// statistics takes the sums back to the coordinates of the data.
func (m *moments) statistics(origin []float64) *Statistics {
	c, d := m.c, m.c.d
	s := &Statistics{
		Covariance: c.kind, Origin: slices.Clone(origin), Total: m.total, LogLikelihood: m.logLik, Entropy: m.entropy,
		Weight: slices.Clone(m.weight), Mean: slices.Clone(c.means),
	}
	if c.kind.matrices() {
		s.Scatter = make([]float64, c.k*d*d)
	} else {
		s.Scatter = make([]float64, c.k*d)
	}
	for k, w := range m.weight {
		if w <= 0 {
			continue
		}
		mean := s.Mean[k*d : (k+1)*d]
		switch {
		case m.joint != nil:
			for j := range mean {
				mean[j] = m.joint.At(k, j) / w
				s.Scatter[k*d+j] = max(0, m.joint.At(k, d+j)-m.joint.At(k, j)*mean[j])
			}
		case c.kind.matrices():
			m.unwhiten(mean, s.Scatter[k*d*d:(k+1)*d*d], k)
		default:
			for j := range mean {
				sd, first := c.factor[k*d+j], m.first[k*d+j]
				mean[j] += sd * first / w
				s.Scatter[k*d+j] = sd * sd * max(0, m.second[k*d+j]-first*first/w)
			}
		}
	}
	return s
}

// unwhiten adds to mean and sets scatter to the moments of component k, which is LWLᵀ.
func (m *moments) unwhiten(mean, scatter []float64, k int) {
	d := m.c.d
	first, w := m.first[k*d:(k+1)*d], m.weight[k]
	white := linalg.NewDense(d, d, slices.Clone(m.second[k*d*d:(k+1)*d*d]))
	for i := range d {
		for j := range i + 1 {
			v := white.At(i, j) - first[i]*(first[j]/w)
			white.Set(i, j, v)
			white.Set(j, i, v)
		}
	}
	l := linalg.NewDense(d, d, m.c.factor[k*d*d:(k+1)*d*d])
	for i := range mean {
		mean[i] += f64.Dot(l.Row(i), first) / w
	}
	half, full := linalg.NewDense[float64](d, d, nil), linalg.NewDense[float64](d, d, nil)
	linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, l, white, 0, half)
	linalg.Gemm(blas.NoTrans, blas.Trans, 1, half, l, 0, full)
	for i := range d {
		for j := range d {
			scatter[i*d+j] = (full.At(i, j) + full.At(j, i)) / 2
		}
	}
}
