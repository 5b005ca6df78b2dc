package mle

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram"
)

// A Test is the result of a test of a hypothesis.
type Test struct {
	// Statistic is what was computed from the sample.
	Statistic float64
	// DF is the number of degrees of freedom, where the test has one.
	DF float64
	// PValue is the probability of a statistic at least as large if the hypothesis holds.
	PValue float64
}

func chiSquared(statistic, df float64) Test {
	return Test{Statistic: statistic, DF: df, PValue: distuv.ChiSquared{K: df}.Survival(max(0, statistic))}
}

// LikelihoodRatio tests a family within a wider one, such as Exponential within Gamma, fitted
// to the same sample: 2(ℓ₁ − ℓ₀) has the χ² distribution with as many degrees of freedom as
// parameters are added (Wilks, 1938), unless the narrow family lies at the border of the
// wide one, as Poisson does of NegativeBinomial; there the p-value is too large, by up to 2.
//
// Errors: ErrParam if wide has no more free parameters than narrow, or the weights differ.
func LikelihoodRatio(narrow, wide *Estimate) (Test, error) {
	df := wide.Free() - narrow.Free()
	if df < 1 {
		return Test{}, fmt.Errorf("%v has %d free parameters, %v within it %d: %w", wide.Family(), wide.Free(), narrow.Family(), narrow.Free(), gram.ErrParam)
	}
	if a, b := narrow.Weight(), wide.Weight(); math.Abs(a-b) > 1e-9*b {
		return Test{}, fmt.Errorf("samples of weight %v and %v are not the same: %w", a, b, gram.ErrParam)
	}
	return chiSquared(2*(wide.logLik-narrow.logLik), float64(df)), nil
}

// TestValue tests by the likelihood ratio whether parameter i is v. Errors: ErrParam for an i or
// v out of range; ErrNotConverged; that of ctx.
func (e *Estimate) TestValue(ctx context.Context, i int, v float64) (Test, error) {
	if i < 0 || i >= len(e.theta) {
		return Test{}, fmt.Errorf("parameter %d of %d: %w", i, len(e.theta), gram.ErrParam)
	}
	if err := e.stats.checkParameter(i, v); err != nil {
		return Test{}, err
	}
	p := &profile{ctx: ctx, e: e, i: i, theta: e.theta}
	fall := p.fall(v)
	if p.err != nil {
		return Test{}, p.err
	}
	return chiSquared(2*fall, 1), nil
}

// sample is a checked sample in ascending order, values and weights.
func sample(x, w []float64) (summary, error) {
	x, w, err := checkSample(x, w)
	if err != nil {
		return summary{}, err
	}
	return distinct(present(x, w)), nil
}

// KolmogorovSmirnov tests whether values x with weights w, nil for all ones, come from a
// continuous distribution d. The statistic is the largest distance between the distribution
// functions of the sample and of d. The p-value is exact up to a weight of 500, by the formulas of
// Marsaglia, Tsang and Wang, and in the tail by that of Smirnov; above, or for weights that are not
// counts, it has an error of order n⁻². It is too large if d was fitted to the same values: see
// [BootstrapP]. Errors: those of [Statistics.Add]. O(n·log n).
func KolmogorovSmirnov(x, w []float64, d Distribution) (Test, error) {
	s, err := sample(x, w)
	if err != nil {
		return Test{}, err
	}
	below, worst := 0.0, 0.0
	for i, v := range s.values {
		p := d.CDF(v)
		worst = max(worst, p-below/s.weight)
		below += s.counts[i]
		worst = max(worst, below/s.weight-p)
	}
	return Test{Statistic: worst, PValue: kolmogorov(s.weight, worst)}, nil
}

// AndersonDarling tests what [KolmogorovSmirnov] does, with more weight on the tails: the
// statistic is n·∫(Fₙ−F)²/(F(1−F)) dF. The p-value is that of the limit n → ∞, which is
// within some 0.01 from n = 5 on. It is too large if d was fitted to the same values.
func AndersonDarling(x, w []float64, d Distribution) (Test, error) {
	s, err := sample(x, w)
	if err != nil {
		return Test{}, err
	}
	// Between neighbouring values Fₙ is a constant c, and the integral of
	// (c−u)²/(u(1−u)) is c²·log u − (1−c)²·log(1−u) − u.
	below, sum := 0.0, 0.0
	lastLog, lastRest, last := math.Inf(-1), 0.0, 0.0
	for i := range len(s.values) + 1 {
		c := min(1, below/s.weight)
		logU, rest, u := 0.0, math.Inf(-1), 1.0
		if i < len(s.values) {
			u = d.CDF(s.values[i])
			logU, rest = math.Log(u), math.Log(d.Survival(s.values[i]))
			below += s.counts[i]
		} else {
			c = 1
		}
		if c > 0 {
			sum += c * c * (logU - lastLog)
		}
		if c < 1 {
			sum -= (1 - c) * (1 - c) * (rest - lastRest)
		}
		sum -= u - last
		lastLog, lastRest, last = logU, rest, u
	}
	a := max(0, s.weight*sum)
	return Test{Statistic: a, PValue: 1 - andersonDarling(a)}, nil
}

// ChiSquared is Pearson's test of whether values x with weights w come from d, by the numbers of
// them in the bins (−∞, e₀], (e₀, e₁], …, (eₘ, ∞) of the ascending edges. fitted is the number of
// parameters of d that the same values have determined, by which the degrees of freedom
// are fewer. There should be about five values in each bin or more.
//
// Errors: those of [Statistics.Add]; ErrShape if there are too few bins; ErrParam for edges that
// do not ascend and for a bin in which d has no probability but the sample values.
func ChiSquared(x, w []float64, d Distribution, edges []float64, fitted int) (Test, error) {
	s, err := sample(x, w)
	if err != nil {
		return Test{}, err
	}
	for i, v := range edges {
		if !(v-v == 0) || i > 0 && v <= edges[i-1] {
			return Test{}, fmt.Errorf("edge %d is %v: %w", i, v, gram.ErrParam)
		}
	}
	df := len(edges) - fitted
	if fitted < 0 || df < 1 {
		return Test{}, fmt.Errorf("%d edges for %d fitted parameters leave no degree of freedom: %w", len(edges), fitted, gram.ErrShape)
	}
	counts := make([]float64, len(edges)+1)
	for i, v := range s.values {
		bin, _ := slices.BinarySearch(edges, v)
		counts[bin] += s.counts[i]
	}
	sum := 0.0
	for i, n := range counts {
		expect := s.weight * binProbability(d, edges, i)
		switch {
		case expect > 0:
			sum += (n - expect) * (n - expect) / expect
		case n > 0:
			return Test{}, fmt.Errorf("bin %d has values and no probability: %w", i, gram.ErrParam)
		}
	}
	return chiSquared(sum, float64(df)), nil
}

// binProbability takes the difference of the smaller tails.
func binProbability(d Distribution, edges []float64, i int) float64 {
	switch {
	case i == 0:
		return d.CDF(edges[0])
	case i == len(edges):
		return d.Survival(edges[i-1])
	case d.CDF(edges[i-1]) > 0.5:
		return d.Survival(edges[i-1]) - d.Survival(edges[i])
	}
	return d.CDF(edges[i]) - d.CDF(edges[i-1])
}

// BootstrapP returns the p-value of a test of goodness of fit, such as [KolmogorovSmirnov] or
// [AndersonDarling], of an estimate from the same values x and weights w. It draws samples of
// size Σw, rounded, from the estimate, fits each again, and counts those that fit worse:
// (1 + their number)/(1 + replicates). Replicates that cannot be fitted are drawn anew, up
// to as many again.
//
// Errors: ErrParam for replicates < 1; those of the test and of the fits, and that of ctx. The
// result depends on nothing else than the seed.
func BootstrapP(ctx context.Context, e *Estimate, x, w []float64, test func(x, w []float64, d Distribution) (Test, error), replicates int, seed uint64) (float64, error) {
	if replicates < 1 {
		return 0, fmt.Errorf("%d replicates: %w", replicates, gram.ErrParam)
	}
	observed, err := test(x, w, e.Dist(nil))
	if err != nil {
		return 0, err
	}
	d := e.Dist(rand.NewPCG(seed, 0))
	draw := make([]float64, max(1, int(math.Round(e.Weight()))))
	worse, done := 0, 0
	for try := 0; done < replicates; try++ {
		for i := range draw {
			draw[i] = d.Rand()
		}
		again, err := Fit(ctx, e.Family(), draw, nil)
		if err != nil {
			if ctx.Err() != nil || try >= 2*replicates {
				return 0, fmt.Errorf("replicate %d: %w", done, err)
			}
			continue
		}
		t, err := test(draw, nil, again.density)
		if err != nil {
			return 0, fmt.Errorf("replicate %d: %w", done, err)
		}
		if t.Statistic >= observed.Statistic {
			worse++
		}
		done++
	}
	return float64(1+worse) / float64(1+replicates), nil
}
