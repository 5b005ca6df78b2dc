package mle

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

func init() {
	gram.Register("mle.Estimate", 1, encodeEstimate, decodeEstimate)
	gram.Register("mle.MultivariateNormal", 1, encodeMultivariate, decodeMultivariate)
}

// option returns the field of a family that has one.
func option(f Family) float64 {
	switch f := f.(type) {
	case Binomial:
		return float64(f.Trials)
	case StudentT:
		return f.Nu
	case Categorical:
		return float64(f.Classes)
	}
	return 0
}

// familyOf is the inverse of String and option.
func familyOf(name string, option float64) (Family, error) {
	count := func() int {
		if whole(option, maxCount) {
			return int(option)
		}
		return -1
	}
	var f Family
	for _, candidate := range []Family{
		Normal{}, LogNormal{}, Exponential{}, Gamma{}, Weibull{}, Beta{}, StudentT{Nu: option}, Laplace{},
		Bernoulli{}, Binomial{Trials: count()}, Poisson{}, NegativeBinomial{}, Categorical{Classes: count()},
	} {
		if candidate.String() == name {
			f = candidate
		}
	}
	if f == nil {
		return nil, fmt.Errorf("family %q", name)
	}
	return f, f.check()
}

// size returns how many sums a family takes, or −1 if it keeps distinct values.
func size(f Family) int {
	switch f := f.(type) {
	case Normal, LogNormal, Poisson:
		return 2
	case Exponential:
		return 1
	case Gamma, Bernoulli, Binomial:
		return 3
	case Beta:
		return 6
	case Categorical:
		return f.k()
	}
	return -1
}

func encodeEstimate(e *gram.Encoder, m *Estimate) {
	f, s := m.stats.family, m.stats.summary
	e.String(f.String())
	e.Float(option(f))
	e.Float(s.weight)
	e.Floats(s.sums)
	e.Floats(s.values)
	e.Floats(s.counts)
	e.Floats(m.theta)
	e.Convergence(m.convergence)
}

func decodeEstimate(d *gram.Decoder, _ int) *Estimate {
	f, err := familyOf(d.String(), d.Float())
	if err != nil && d.Err() == nil {
		d.Fail("%v", err)
	}
	s := summary{weight: d.Float(), sums: d.Floats(), values: d.Floats(), counts: d.Floats()}
	theta, c := d.Floats(), d.Convergence()
	if d.Err() == nil {
		checkEstimate(d, f, s, theta)
	}
	if d.Err() != nil {
		return nil
	}
	e := newEstimate(&Statistics{family: f, summary: s}, theta)
	e.convergence = c
	if math.IsNaN(e.logLik) {
		d.Fail("log-likelihood is %v", e.logLik)
	}
	return e
}

// checkEstimate fails unless the statistics are of the family's form and the parameters in
// their range.
func checkEstimate(d *gram.Decoder, f Family, s summary, theta []float64) {
	if !(s.weight > 0 && s.weight <= math.MaxFloat64) {
		d.Fail("weight is %v", s.weight)
	}
	// The number of classes bounds what is allocated, so it comes first.
	if n := size(f); n >= 0 && (len(s.sums) != n || s.values != nil || s.counts != nil) ||
		n < 0 && (len(s.values) == 0 || len(s.values) != len(s.counts) || s.sums != nil) {
		d.Fail("statistics of %v of %d sums, %d values and %d counts", f, len(s.sums), len(s.values), len(s.counts))
		return
	}
	for _, v := range s.sums {
		if v-v != 0 {
			d.Fail("sum is %v", v)
		}
	}
	for i, v := range s.values {
		_, logs := f.(Weibull)
		if v-v != 0 || !logs && !f.contains(v) || i > 0 && v <= s.values[i-1] || !(s.counts[i] > 0 && s.counts[i] <= math.MaxFloat64) {
			d.Fail("value %v of weight %v", v, s.counts[i])
		}
	}
	if len(theta) != len(f.Parameters()) {
		d.Fail("%d parameters of %v", len(theta), f)
		return
	}
	for i, v := range theta {
		lo, hi := f.domain(i).limits()
		atEnd := f.Discrete() && v == lo || f.domain(i) == unit && v == hi
		if !(v > lo && v < hi) && !(atEnd && v-v == 0) {
			d.Fail("%s of %v is %v", f.Parameters()[i], f, v)
		}
	}
	if _, ok := f.(Categorical); ok && d.Err() == nil {
		sum := 0.0
		for _, p := range theta {
			sum += p
		}
		if math.Abs(sum-1) > 1e-9 {
			d.Fail("probabilities sum to %v", sum)
		}
	}
	if _, ok := f.(NegativeBinomial); ok && d.Err() == nil && (theta[0] == 0 || theta[1] == 0 || theta[1] == 1) {
		d.Fail("negative binomial of size %v and p %v", theta[0], theta[1])
	}
}

func encodeMultivariate(e *gram.Encoder, m *MultivariateNormalModel) {
	e.Float(m.weight)
	e.Floats(m.mean)
	e.Floats(m.cov.Data)
}

// decodeMultivariate factors the covariance again, which gives the same bits.
func decodeMultivariate(d *gram.Decoder, _ int) *MultivariateNormalModel {
	weight, mean := d.Float(), d.Floats()
	cov := d.Floats(len(mean), len(mean))
	if !(weight > 0 && weight <= math.MaxFloat64) || len(mean) == 0 {
		d.Fail("normal distribution of %d features and weight %v", len(mean), weight)
	}
	for _, v := range mean {
		if v-v != 0 {
			d.Fail("mean is %v", v)
		}
	}
	for i, v := range cov {
		if v-v != 0 || v != cov[i%len(mean)*len(mean)+i/len(mean)] {
			d.Fail("covariance is %v", v)
		}
	}
	if d.Err() != nil {
		return nil
	}
	m, err := newMultivariateNormal(weight, mean, linalg.NewDense(len(mean), len(mean), cov))
	if err != nil {
		d.Fail("%v", err)
		return nil
	}
	return m
}
