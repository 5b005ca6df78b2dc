// Command sampling draws many small samples and compares how their means and their
// variances s² are distributed with what theory says: for a normal population exactly, for
// an exponential one as far as it holds.
//
//	go run ./examples/sampling -dir pictures
package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/gram-ml/gram/mle"
)

func main() {
	dir := flag.String("dir", "sampling-pictures", "where the pictures go")
	flag.Parse()
	if _, err := run(os.Stdout, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "sampling:", err)
		os.Exit(1)
	}
}

// size is that of a sample, and repeats the number of samples.
const (
	size    = 8
	repeats = 10000
)

// A theory is a distribution that can be drawn.
type theory interface {
	mle.Distribution
	Prob(x float64) float64
}

// A population is what samples are drawn from, with what the theory of normal samples says
// of their means and of (n−1)·s²/σ².
type population struct {
	name           string
	draw           func() float64
	mean, variance float64
	ofMean         theory
}

func populations(rng *rand.Rand) []population {
	const mean, sd, rate = 5, 2, 0.5
	return []population{
		{
			"normal", func() float64 { return mean + sd*rng.NormFloat64() }, mean, sd * sd,
			distuv.Normal{Mu: mean, Sigma: sd / math.Sqrt(size)},
		},
		{
			// The sum of n exponential numbers has a gamma distribution.
			"exponential", func() float64 { return rng.ExpFloat64() / rate }, 1 / rate, 1 / rate / rate,
			distuv.Gamma{Alpha: size, Beta: rate * size},
		},
	}
}

// A report is what was found for one population.
type report struct {
	name                 string
	meanOfMeans, varMean float64 // of the means of samples
	biased, bessel       float64 // mean of Σ(x−x̄)²/n and of s²
	varOfVariance        float64 // of s²
	correlation          float64 // of mean and s²
	meanP, chiP          float64 // p-values of the Kolmogorov–Smirnov tests
}

func run(out io.Writer, dir string) ([]report, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var reports []report
	for _, p := range populations(rand.New(rand.NewPCG(3, 2))) {
		means, variances := samples(p)
		r, err := compare(p, means, variances)
		if err != nil {
			return nil, err
		}
		reports = append(reports, r)
		r.print(out, p)
		if err := drawAll(out, dir, p, means, variances); err != nil {
			return nil, err
		}
	}
	return reports, nil
}

// samples returns the mean and s² of each sample.
func samples(p population) (means, variances []float64) {
	x := make([]float64, size)
	for range repeats {
		for i := range x {
			x[i] = p.draw()
		}
		m, v := stat.MeanVariance(x, nil) // v has Bessel's correction
		means, variances = append(means, m), append(variances, v)
	}
	return means, variances
}

// scaled returns (n−1)·s²/σ², which has the χ² distribution with n−1 degrees of freedom if
// the population is normal.
func scaled(p population, variances []float64) []float64 {
	out := make([]float64, len(variances))
	for i, v := range variances {
		out[i] = (size - 1) * v / p.variance
	}
	return out
}

var chi = distuv.ChiSquared{K: size - 1}

func compare(p population, means, variances []float64) (r report, err error) {
	r.name = p.name
	r.meanOfMeans, r.varMean = stat.MeanVariance(means, nil)
	r.bessel, r.varOfVariance = stat.MeanVariance(variances, nil)
	r.biased = r.bessel * (size - 1) / size
	r.correlation = stat.Correlation(means, variances, nil)
	ofMean, err := mle.KolmogorovSmirnov(means, nil, p.ofMean)
	if err != nil {
		return r, err
	}
	ofVariance, err := mle.KolmogorovSmirnov(scaled(p, variances), nil, chi)
	r.meanP, r.chiP = ofMean.PValue, ofVariance.PValue
	return r, err
}

func (r report) print(out io.Writer, p population) {
	fmt.Fprintf(out, "%d samples of %d from a population that is %s\n", repeats, size, r.name)
	fmt.Fprintf(out, "  mean of x̄        %8.4f  theory %8.4f\n", r.meanOfMeans, p.mean)
	fmt.Fprintf(out, "  variance of x̄    %8.4f  theory %8.4f\n", r.varMean, p.variance/size)
	fmt.Fprintf(out, "  mean of s²       %8.4f  theory %8.4f\n", r.bessel, p.variance)
	fmt.Fprintf(out, "  divided by n     %8.4f  theory %8.4f\n", r.biased, p.variance*(size-1)/size)
	fmt.Fprintf(out, "  variance of s²   %8.4f  theory %8.4f for normal populations\n", r.varOfVariance, 2*p.variance*p.variance/(size-1))
	fmt.Fprintf(out, "  correlation of both %5.2f  theory     0.00 for normal populations\n", r.correlation)
	fmt.Fprintf(out, "  distribution of x̄: p = %.2g, of (n−1)s²/σ² as χ²: p = %.2g\n", r.meanP, r.chiP)
}
