package mle_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mle"
)

func TestBadSamples(t *testing.T) {
	same := []float64{2, 2, 2}
	for _, c := range []struct {
		f    mle.Family
		x, w []float64
		want error
		text string
	}{
		{nil, same, nil, gram.ErrParam, "no family"},
		{mle.Normal{}, nil, nil, gram.ErrShape, "no values"},
		{mle.Normal{}, []float64{1, math.NaN()}, nil, gram.ErrNonFinite, "value 1 is NaN"},
		{mle.Normal{}, same, []float64{1}, gram.ErrShape, ""},
		{mle.Normal{}, same, []float64{0, 0, 0}, gram.ErrWeights, ""},
		{mle.Normal{}, same, []float64{1, -1, 0}, gram.ErrWeights, ""},
		{mle.Normal{}, []float64{1e300, -1e300}, nil, gram.ErrNonFinite, "overflow"},
		{mle.Normal{}, same, nil, gram.ErrSingular, "all values are equal"},
		{mle.LogNormal{}, same, nil, gram.ErrSingular, "all values are equal"},
		{mle.Gamma{}, same, nil, gram.ErrSingular, "all values are equal"},
		{mle.Weibull{}, same, nil, gram.ErrSingular, "all values are equal"},
		{mle.Laplace{}, same, nil, gram.ErrSingular, "all values are equal"},
		{mle.StudentT{}, same, nil, gram.ErrSingular, "all values are equal"},
		{mle.Beta{}, []float64{.5, .5}, nil, gram.ErrSingular, "all values are equal"},
		{mle.Exponential{}, []float64{0, 0}, nil, gram.ErrSingular, "all values are 0"},
		{mle.NegativeBinomial{}, []float64{3, 4, 4, 5}, nil, gram.ErrSingular, "Poisson distribution is the limit"},
		{mle.StudentT{}, []float64{-1, 1, -1, 1, 1, -1, 1, -1, 0.9, -0.9}, nil, gram.ErrSingular, "a normal distribution is the limit"},
		{mle.StudentT{Nu: 1}, []float64{0, 0, 0, 0, 0, 1}, nil, gram.ErrSingular, "0.833 of the weight is on 0"},
		{mle.StudentT{Nu: -1}, same, nil, gram.ErrParam, "-1 degrees of freedom"},
		{mle.Binomial{Trials: -2}, same, nil, gram.ErrParam, "-2 trials"},
		{mle.Categorical{Classes: 1}, same, nil, gram.ErrParam, "1 classes"},
		{mle.LogNormal{}, []float64{1, 0}, nil, mle.ErrSupport, "value 1 is 0, those of log-normal are above 0"},
		{mle.Gamma{}, []float64{1, -1}, nil, mle.ErrSupport, "value 1 is -1"},
		{mle.Weibull{}, []float64{0}, nil, mle.ErrSupport, ""},
		{mle.Exponential{}, []float64{-1}, nil, mle.ErrSupport, ""},
		{mle.Beta{}, []float64{1}, nil, mle.ErrSupport, "between 0 and 1"},
		{mle.Bernoulli{}, same, nil, mle.ErrSupport, "0 or 1"},
		{mle.Binomial{Trials: 3}, []float64{4}, nil, mle.ErrSupport, "whole numbers from 0 to 3"},
		{mle.Poisson{}, []float64{1.5}, nil, mle.ErrSupport, "whole numbers"},
		{mle.NegativeBinomial{}, []float64{-1}, nil, mle.ErrSupport, ""},
		{mle.Categorical{Classes: 3}, []float64{3}, nil, mle.ErrSupport, "whole numbers from 0 to 2"},
	} {
		e, err := mle.Fit(background, c.f, c.x, c.w)
		if e != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%v of %v: %v", c.f, c.x, err)
		}
	}
}

func TestBadCalls(t *testing.T) {
	x := draw(t, 3, 50, 53)
	gamma, exponential := fit(t, mle.Gamma{}, x, nil), fit(t, mle.Exponential{}, x, nil)
	other := fit(t, mle.Gamma{}, x[:20], nil)
	stopped, stop := context.WithCancel(background)
	stop()
	d := gamma.Dist(nil)
	for name, c := range map[string]struct {
		err  error
		want error
		text string
	}{
		"level":         {second(gamma.Wald(1)), gram.ErrParam, "confidence level 1"},
		"profile level": {second(gamma.Profile(background, 0, 0)), gram.ErrParam, "confidence level 0"},
		"profile":       {second(gamma.Profile(background, 2, 0.9)), gram.ErrParam, "parameter 2 of 2"},
		"stopped":       {second(fit(t, mle.Beta{}, draw(t, 5, 50, 1), nil).Profile(stopped, 0, 0.9)), context.Canceled, ""},
		"value":         {second(gamma.TestValue(background, 0, -1)), gram.ErrParam, "shape is -1, must lie between 0 and +Inf"},
		"value of":      {second(gamma.TestValue(background, -1, 1)), gram.ErrParam, "parameter -1 of 2"},
		"ratio":         {second(mle.LikelihoodRatio(gamma, exponential)), gram.ErrParam, "exponential has 1 free parameters"},
		"samples":       {second(mle.LikelihoodRatio(exponential, other)), gram.ErrParam, "not the same"},
		"theta":         {second(gamma.Statistics().LogLikelihood([]float64{1})), gram.ErrShape, "1 parameters, gamma has 2"},
		"theta value":   {second(gamma.Statistics().LogLikelihood([]float64{1, 0})), gram.ErrParam, "rate is 0"},
		"no values":     {second(mle.NewStatistics(mle.Gamma{}).Fit(background)), gram.ErrShape, "no values"},
		"likelihood":    {second(mle.NewStatistics(mle.Gamma{}).LogLikelihood([]float64{1, 1})), gram.ErrShape, "no values"},
		"families":      {gamma.Statistics().Merge(exponential.Statistics()), gram.ErrShape, "gamma and of exponential"},
		"fit stopped":   {second(mle.Fit(stopped, mle.Beta{}, []float64{.1, .5}, nil)), context.Canceled, "fit stopped"},
		"ks":            {second(mle.KolmogorovSmirnov(nil, nil, d)), gram.ErrShape, "no values"},
		"ad":            {second(mle.AndersonDarling([]float64{math.Inf(1)}, nil, d)), gram.ErrNonFinite, "value 0"},
		"edges":         {second(mle.ChiSquared(x, nil, d, []float64{2, 1}, 0)), gram.ErrParam, "edge 1 is 1"},
		"bins":          {second(mle.ChiSquared(x, nil, d, []float64{1, 2}, 2)), gram.ErrShape, "no degree of freedom"},
		"impossible":    {second(mle.ChiSquared([]float64{-1, 2}, nil, d, []float64{0}, 0)), gram.ErrParam, "bin 0 has values"},
		"replicates":    {second(mle.BootstrapP(background, gamma, x, nil, mle.KolmogorovSmirnov, 0, 0)), gram.ErrParam, "0 replicates"},
		"replicate":     {second(mle.BootstrapP(stopped, gamma, x, nil, mle.KolmogorovSmirnov, 5, 0)), context.Canceled, "replicate 0"},
		"none":          {second(mle.Choose(background, x, nil)), gram.ErrParam, "no families"},
		"nil":           {second(mle.Choose(background, x, nil, nil)), gram.ErrParam, "no family"},
		"kinds":         {second(mle.Choose(background, x, nil, mle.Gamma{}, mle.Poisson{})), gram.ErrParam, "not both"},
		"choose x":      {second(mle.Choose(background, nil, nil, mle.Gamma{})), gram.ErrShape, ""},
		"choose":        {second(mle.Choose(background, []float64{-1}, nil, mle.Gamma{}, mle.Beta{})), mle.ErrSupport, "beta"},
		"choose stop":   {second(mle.Choose(stopped, x, nil, mle.Gamma{})), context.Canceled, "choice stopped"},
		"parameters":    {second(mle.NewDistribution(mle.Gamma{}, []float64{1}, nil)), gram.ErrShape, "1 parameters"},
		"parameter":     {second(mle.NewDistribution(mle.Beta{}, []float64{1, math.NaN()}, nil)), gram.ErrParam, "beta is NaN"},
		"sum":           {second(mle.NewDistribution(mle.Categorical{}, []float64{.5, .6}, nil)), gram.ErrParam, "sum to 1.1"},
		"no family":     {second(mle.NewDistribution(nil, nil, nil)), gram.ErrParam, "no family"},
		"columns":       {second(mle.Density{}.Fit(background, linalg.NewDense(2, 2, []float64{1, 2, 3, 4}), nil)), gram.ErrShape, "X has 2 columns"},
		"column":        {second(mle.MultivariateNormal{}.Fit(background, linalg.NewDense(2, 2, []float64{1, 2, 3, 4}), nil)), gram.ErrSingular, "column 1"},
		"no rows":       {second(mle.MultivariateNormal{}.FromCovariance(&linalg.Covariance{})), gram.ErrShape, "no rows"},
	} {
		if !errors.Is(c.err, c.want) || !strings.Contains(c.err.Error(), c.text) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// An error leaves statistics as they were.
func TestStatisticsKept(t *testing.T) {
	s := mle.NewStatistics(mle.Gamma{})
	if err := s.Add([]float64{1, 2, 4}, nil); err != nil {
		t.Fatal(err)
	}
	before, err := s.Fit(background)
	if err != nil {
		t.Fatal(err)
	}
	if s.Add([]float64{1, -1}, nil) == nil {
		t.Fatal("a negative value was taken")
	}
	copied := before.Statistics()
	if err := copied.Add([]float64{9}, nil); err != nil {
		t.Fatal(err)
	}
	after, err := s.Fit(background)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "parameters", after.Params(), before.Params(), 0)
	if before.Weight() != 3 || copied.Weight() != 4 || s.Weight() != 3 {
		t.Errorf("weights %v, %v, %v", before.Weight(), copied.Weight(), s.Weight())
	}
}
