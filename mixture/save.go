package mixture

import (
	"math"

	"github.com/gram-ml/gram"
)

func init() {
	gram.Register("mixture.KMeans", 1, encodeKMeans, decodeKMeans)
	gram.Register("mixture.GaussianMixture", 1, encodeGaussian, decodeGaussian)
	gram.Register("mixture.CountMixture", 1, encodeCounts, decodeCounts)
	gram.Register("mixture.StudentMixture", 1, encodeStudents, decodeStudents)
	gram.Register("mixture.BayesianMixture", 1, encodeBayesian, decodeBayesian)
}

func encodeKMeans(e *gram.Encoder, m *KMeansModel) {
	e.Floats(m.origin)
	e.Int(m.Clusters())
	e.Floats(m.centers.Data)
	e.Float(m.inertia)
	e.Convergence(m.convergence)
}

func decodeKMeans(d *gram.Decoder, _ int) *KMeansModel {
	origin, k := d.Floats(), d.Count()
	centers := d.Floats(k, len(origin))
	inertia, c := d.Float(), d.Convergence()
	checkFinite(d, origin, centers)
	if len(origin) == 0 || k == 0 {
		d.Fail("k-means of %d clusters and %d features", k, len(origin))
	}
	if d.Err() != nil {
		return nil
	}
	return newKMeansModel(origin, centers, inertia, c)
}

// checkFinite fails for parameters that are not finite.
func checkFinite(d *gram.Decoder, values ...[]float64) {
	for _, v := range values {
		for _, x := range v {
			if x-x != 0 {
				d.Fail("parameter is %v", x)
				return
			}
		}
	}
}

func encodeGaussian(e *gram.Encoder, m *GaussianMixtureModel) {
	encodeComponents(e, &m.mixtureModel)
	encodeLikelihood(e, &m.likelihood)
	encodeRepairs(e, m.repairs)
}

func encodeStudents(e *gram.Encoder, m *StudentMixtureModel) {
	encodeComponents(e, &m.mixtureModel)
	e.Floats(m.f.nu)
	e.Bool(m.estimated)
	encodeLikelihood(e, &m.likelihood)
	encodeRepairs(e, m.repairs)
}

func decodeStudents(d *gram.Decoder, _ int) *StudentMixtureModel {
	var base mixtureModel
	decodeComponents(d, &base)
	nu := d.Floats(base.k)
	estimated := d.Bool()
	var l likelihood
	decodeLikelihood(d, &l)
	repairs := decodeRepairs(d)
	checkPositive(d, nu)
	if d.Err() != nil {
		return nil
	}
	m := newStudentMixtureModel(base.origin, newStudents(base.c, nu), estimated)
	m.convergence, m.repairs = base.convergence, repairs
	m.likelihood.evidence, m.history = l.evidence, l.history
	return m
}

func encodeBayesian(e *gram.Encoder, m *BayesianMixtureModel) {
	encodeComponents(e, &m.mixtureModel)
	e.Float(m.bound)
	for _, v := range [][]float64{m.history, m.rows, m.beta, m.nu} {
		e.Floats(v)
	}
}

func decodeBayesian(d *gram.Decoder, _ int) *BayesianMixtureModel {
	m := &BayesianMixtureModel{}
	decodeComponents(d, &m.mixtureModel)
	m.bound, m.history = d.Float(), d.Floats()
	m.rows, m.beta, m.nu = d.Floats(m.k), d.Floats(m.k), d.Floats(m.k)
	checkFinite(d, []float64{m.bound}, m.history, m.rows)
	checkPositive(d, m.beta)
	checkPositive(d, m.nu)
	if d.Err() != nil {
		return nil
	}
	return m
}

func encodeLikelihood(e *gram.Encoder, l *likelihood) {
	e.Float(l.total)
	e.Float(l.logLik)
	e.Float(l.entropy)
	e.Floats(l.history)
}

func encodeRepairs(e *gram.Encoder, repairs []CollapseError) {
	e.Int(len(repairs))
	for _, r := range repairs {
		e.Int(r.Component)
		e.Int(r.Iteration)
		e.Float(r.Weight)
		e.Int(int(r.Cause))
		e.Int(r.Column)
	}
}

func decodeGaussian(d *gram.Decoder, _ int) *GaussianMixtureModel {
	m := &GaussianMixtureModel{}
	decodeComponents(d, &m.mixtureModel)
	decodeLikelihood(d, &m.likelihood)
	m.repairs = decodeRepairs(d)
	if d.Err() != nil {
		return nil
	}
	m.parameters = m.c.kind.parameters(m.k, m.d)
	return m
}

func decodeLikelihood(d *gram.Decoder, l *likelihood) {
	l.total, l.logLik, l.entropy = d.Float(), d.Float(), d.Float()
	l.history = d.Floats()
	checkFinite(d, []float64{l.total, l.logLik, l.entropy}, l.history)
}

func decodeRepairs(d *gram.Decoder) (repairs []CollapseError) {
	for range d.Count() {
		repairs = append(repairs, CollapseError{
			Component: d.Int(), Iteration: d.Int(), Weight: d.Float(), Cause: CollapseCause(d.Int()), Column: d.Int(),
		})
		if d.Err() != nil {
			return nil
		}
	}
	return repairs
}

func encodeComponents(e *gram.Encoder, m *mixtureModel) {
	e.Int(int(m.c.kind))
	e.Floats(m.origin)
	e.Floats(m.c.weights)
	e.Floats(m.c.means)
	e.Floats(m.c.cov)
	e.Convergence(m.convergence)
}

// decodeComponents reads what encodeComponents wrote and factors the covariances
// again, which gives the same bits.
func decodeComponents(d *gram.Decoder, m *mixtureModel) {
	kind := Covariance(d.Int())
	origin, weights := d.Floats(), d.Floats()
	means := d.Floats(len(weights), len(origin))
	cov := d.Floats()
	m.convergence = d.Convergence()
	checkFinite(d, origin, weights, means, cov)
	k, cols := len(weights), len(origin)
	if d.Err() == nil && (!kind.valid() || k == 0 || cols == 0 || len(cov) != kind.size(k, cols)) {
		d.Fail("%v covariances of %d numbers for %d components and %d features", kind, len(cov), k, cols)
	}
	checkPositive(d, weights)
	if d.Err() != nil {
		return
	}
	c, bad := newComponents(kind, weights, means, cov, nil)
	if bad != nil {
		d.Fail("%v", bad)
		return
	}
	m.init(origin, c, c)
}

func encodeCounts(e *gram.Encoder, m *CountMixtureModel) {
	e.Int(int(m.c.kind))
	e.Floats(m.c.weights)
	e.Floats(m.c.rates)
	e.Convergence(m.convergence)
	encodeLikelihood(e, &m.likelihood)
	encodeRepairs(e, m.repairs)
}

func decodeCounts(d *gram.Decoder, _ int) *CountMixtureModel {
	kind := Counts(d.Int())
	weights, rates := d.Floats(), d.Floats()
	c := d.Convergence()
	var l likelihood
	decodeLikelihood(d, &l)
	repairs := decodeRepairs(d)
	k := len(weights)
	if d.Err() == nil && (!kind.valid() || k == 0 || len(rates) == 0 || len(rates)%k != 0) {
		d.Fail("%v counts of %d rates for %d components", kind, len(rates), k)
	}
	checkPositive(d, weights)
	checkPositive(d, rates)
	for _, r := range rates {
		if kind == Bernoulli && r >= 1 {
			d.Fail("probability is %v", r)
		}
	}
	if d.Err() != nil {
		return nil
	}
	m := newCountMixtureModel(newCountDensity(kind, weights, rates))
	m.convergence, m.repairs = c, repairs
	m.likelihood.evidence, m.history = l.evidence, l.history
	return m
}

// checkPositive fails for values that are not finite and above 0.
func checkPositive(d *gram.Decoder, values []float64) {
	for _, v := range values {
		if !(v > 0 && v <= math.MaxFloat64) {
			d.Fail("value is %v", v)
			return
		}
	}
}
