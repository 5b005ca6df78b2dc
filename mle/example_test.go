package mle_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mle"
)

// hours between the failures of a machine.
var hours = []float64{12, 31, 3, 44, 9, 61, 27, 5, 18, 90, 14, 37}

// must is for examples alone.
func must(f mle.Family, x []float64) *mle.Estimate {
	e, err := mle.Fit(context.Background(), f, x, nil)
	if err != nil {
		log.Fatal(err)
	}
	return e
}

func ExampleFit() {
	e, err := mle.Fit(context.Background(), mle.Gamma{}, hours, nil)
	if err != nil {
		log.Fatal(err)
	}
	ci, err := e.Profile(context.Background(), 0, 0.95)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("shape %.2f ± %.2f, between %.2f and %.2f\n", e.Params()[0], e.StdErr()[0], ci.Lower, ci.Upper)
	// Output: shape 1.38 ± 0.51, between 0.62 and 2.65
}

func ExampleEstimate() {
	e := must(mle.Exponential{}, hours)
	longer := e.Dist(nil).Survival(48)
	fmt.Printf("no failure in 48 hours: %.2f\n", longer)
	// Output: no failure in 48 hours: 0.19
}

func ExampleStatistics() {
	// The sums of two machines, put together.
	left, right := mle.NewStatistics(mle.Normal{}), mle.NewStatistics(mle.Normal{})
	err := errors.Join(left.Add([]float64{1, 2}, nil), right.Add([]float64{6}, nil), left.Merge(right))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.4f %.4f\n", left.BiasedVariance(), left.BesselVariance())
	// Output: 4.6667 7.0000
}

func ExampleInterval() {
	// No success in ten trials.
	e := must(mle.Bernoulli{}, make([]float64, 10))
	ci, err := e.Profile(context.Background(), 0, 0.95)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n", ci)
	// Output: {0.000 0.175}
}

func ExampleTest() {
	r, err := mle.LikelihoodRatio(must(mle.Exponential{}, hours), must(mle.Weibull{}, hours))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ageing: χ² = %.2f, p = %.2f\n", r.Statistic, r.PValue)
	// Output: ageing: χ² = 0.61, p = 0.44
}

func ExampleChoice() {
	c, err := mle.Choose(context.Background(), hours, nil, mle.Normal{}, mle.Exponential{}, mle.Weibull{}, mle.Gamma{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Best.Family())
	// Output: exponential
}

func ExampleCandidate() {
	c, err := mle.Choose(context.Background(), hours, nil, mle.LogNormal{}, mle.Beta{})
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range c.Table {
		fmt.Printf("%v %.1f %v\n", l.Family, l.AIC, l.Err)
	}
	// Output:
	// log-normal 108.7 <nil>
	// beta NaN value 0 is 12, those of beta are between 0 and 1: value is outside the support
}

func ExampleDistribution() {
	d, err := mle.NewDistribution(mle.NegativeBinomial{}, []float64{2, 0.5}, rand.NewPCG(1, 2))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.4f %v\n", d.CDF(3), d.Rand())
	// Output: 0.8125 1
}

func ExampleBootstrapP() {
	e := must(mle.Exponential{}, hours)
	p, err := mle.BootstrapP(context.Background(), e, hours, nil, mle.AndersonDarling, 199, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("exponential refused:", p < 0.05)
	// Output: exponential refused: false
}

func ExampleFamily() {
	for _, f := range []mle.Family{mle.Normal{}, mle.NegativeBinomial{}} {
		fmt.Println(f, f.Parameters(), f.Discrete())
	}
	// Output:
	// normal [mu sigma] false
	// negative binomial [size p] true
}

func ExampleNormal() {
	fmt.Printf("%.3f\n", must(mle.Normal{}, []float64{1, 2, 6}).Params())
	// Output: [3.000 2.160]
}

func ExampleLogNormal() {
	fmt.Printf("%.3f\n", must(mle.LogNormal{}, []float64{1, 10, 100}).Params())
	// Output: [2.303 1.880]
}

func ExampleExponential() {
	fmt.Println(must(mle.Exponential{}, []float64{1, 2, 3}).Params())
	// Output: [0.5]
}

func ExampleGamma() {
	fmt.Printf("%.3f\n", must(mle.Gamma{}, []float64{1, 2, 6}).Params())
	// Output: [2.000 0.667]
}

func ExampleWeibull() {
	fmt.Printf("%.3f\n", must(mle.Weibull{}, []float64{1, 2, 6}).Params())
	// Output: [1.457 3.335]
}

func ExampleBeta() {
	fmt.Printf("%.3f\n", must(mle.Beta{}, []float64{0.2, 0.4, 0.6}).Params())
	// Output: [3.423 5.153]
}

func ExampleStudentT() {
	// The outlier moves the normal mean to 19.8.
	fmt.Printf("%.3f\n", must(mle.StudentT{Nu: 3}, []float64{-1, -0.4, 0.1, 0.3, 0.9, 119}).Params()[0])
	// Output: -0.002
}

func ExampleLaplace() {
	fmt.Println(must(mle.Laplace{}, []float64{1, 2, 6}).Params())
	// Output: [2 1.6666666666666667]
}

func ExampleBernoulli() {
	fmt.Println(must(mle.Bernoulli{}, []float64{1, 0, 0, 0}).Params())
	// Output: [0.25]
}

func ExampleBinomial() {
	fmt.Println(must(mle.Binomial{Trials: 8}, []float64{1, 3}).Params())
	// Output: [0.25]
}

func ExamplePoisson() {
	fmt.Println(must(mle.Poisson{}, []float64{1, 3, 0}).StdErr()[0] < 1)
	// Output: true
}

func ExampleNegativeBinomial() {
	fmt.Printf("%.2f\n", must(mle.NegativeBinomial{}, []float64{0, 0, 1, 2, 9}).Params())
	// Output: [0.51 0.17]
}

func ExampleCategorical() {
	fmt.Println(must(mle.Categorical{Classes: 3}, []float64{0, 2, 2, 1}).Params())
	// Output: [0.25 0.25 0.5]
}

func ExampleDensity() {
	X := linalg.NewDense(3, 1, []float64{1, 2, 3})
	var t gram.ScorerTrainer = mle.Density{Family: mle.Exponential{}}
	m, err := t.TrainScorer(context.Background(), X, nil)
	if err != nil {
		log.Fatal(err)
	}
	v, err := m.LogDensityRow([]float64{2})
	fmt.Printf("%.4f %v\n", v, err)
	// Output: -1.6931 <nil>
}

// four are rows of two columns.
var four = linalg.NewDense(4, 2, []float64{0, 0, 2, 0, 0, 2, 2, 4})

func ExampleMultivariateNormal() {
	// Rows that come in parts.
	a, err := linalg.NewCovariance(0, four.Slice(0, 2, 0, 2), nil)
	if err != nil {
		log.Fatal(err)
	}
	b, err := linalg.NewCovariance(0, four.Slice(2, 4, 0, 2), nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := a.Merge(b); err != nil {
		log.Fatal(err)
	}
	m, err := mle.MultivariateNormal{}.FromCovariance(a)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Mean(), m.Covariance().Data)
	// Output: [1 1.5] [1 0.5 0.5 2.75]
}

func ExampleMultivariateNormalModel() {
	m, err := mle.MultivariateNormal{}.Fit(context.Background(), four, nil)
	if err != nil {
		log.Fatal(err)
	}
	near, _ := m.LogDensityRow([]float64{1, 1})
	far, _ := m.LogDensityRow([]float64{9, 1})
	fmt.Println(near > far, m.MeanStdErr()[0])
	// Output: true 0.5
}
