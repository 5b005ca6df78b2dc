package mixture_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mixture"
)

// sixRows are two groups of three.
var sixRows = linalg.NewDense(6, 2, []float64{1, 2, 1, 4, 1, 0, 10, 2, 10, 4, 10, 0})

func ExampleKMeans() {
	m, err := mixture.KMeans{Clusters: 2}.Fit(context.Background(), sixRows, nil)
	if err != nil {
		log.Fatal(err)
	}
	a, _ := m.PredictRow([]float64{0, 0})
	b, _ := m.PredictRow([]float64{12, 3})
	fmt.Println(a != b, m.Inertia())
	// Output: true 16
}

func ExampleKMeansModel() {
	m, err := mixture.KMeans{Clusters: 2, Centers: []float64{0, 0, 9, 0}}.Fit(context.Background(), sixRows, nil)
	if err != nil {
		log.Fatal(err)
	}
	dst := make([]float64, 2)
	if err := m.TransformRow(dst, []float64{4, 6}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f %.1f\n", m.Centers(), dst)
	// Output: [1.0 2.0 10.0 2.0] [5.0 7.2]
}

func ExampleKMeansInit() {
	fmt.Println(mixture.PlusPlus, mixture.GreedyPlusPlus, mixture.Random)
	// Output: k-means++ greedy k-means++ random
}

func ExampleGaussianMixture() {
	m, err := mixture.GaussianMixture{Components: 2, Covariance: mixture.Spherical}.Fit(context.Background(), sixRows, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("weights %.2f, variances %.2f\n", m.Weights(), m.Covariances())
	// Output: weights [0.50 0.50], variances [1.33 1.33]
}

func ExampleGaussianMixtureModel() {
	m, err := mixture.GaussianMixture{Components: 2, Covariance: mixture.Tied, RegCovar: 0.1}.Fit(context.Background(), sixRows, nil)
	if err != nil {
		log.Fatal(err)
	}
	limit, err := mixture.Threshold(m, sixRows, 0.05)
	if err != nil {
		log.Fatal(err)
	}
	for _, x := range [][]float64{{1, 3}, {5, 2}} {
		score, _ := m.LogDensityRow(x)
		fmt.Println(x, "anomalous:", score < limit)
	}
	// Output:
	// [1 3] anomalous: false
	// [5 2] anomalous: true
}

func ExampleCovariance() {
	fmt.Println(mixture.Full, mixture.Tied, mixture.Diagonal, mixture.Spherical)
	// Output: full tied diagonal spherical
}

func ExampleInit() {
	fmt.Println(mixture.InitPlusPlus, mixture.InitKMeans, mixture.InitRandom)
	// Output: k-means++ k-means random
}

func ExampleStart() {
	start := &mixture.Start{Means: []float64{0, 0, 12, 0}}
	m, err := mixture.GaussianMixture{Components: 2, Covariance: mixture.Diagonal, Start: start}.Fit(context.Background(), sixRows, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f\n", m.Means())
	// Output: [1.0 2.0 10.0 2.0]
}

func ExampleCovariancePrior() {
	same := linalg.NewDense(4, 1, []float64{1, 1, 1, 5})
	m, err := mixture.GaussianMixture{
		Components: 2, NoRegCovar: true, Prior: &mixture.CovariancePrior{},
		Start: &mixture.Start{Means: []float64{1, 5}},
	}.Fit(context.Background(), same, nil)
	fmt.Println(err, m.Covariances()[0] > 0.05)
	// Output: <nil> true
}

func ExampleCollapseError() {
	same := linalg.NewDense(4, 1, []float64{1, 1, 1, 1})
	_, err := mixture.GaussianMixture{NoRegCovar: true}.Fit(context.Background(), same, nil)
	var c *mixture.CollapseError
	if errors.As(err, &c) {
		fmt.Println("component", c.Component, "is", c.Cause)
	}
	// Output: component 0 is degenerate
}

func ExampleCollapseCause() {
	fmt.Println(mixture.Empty, mixture.Degenerate)
	// Output: empty degenerate
}

func ExampleOnCollapse() {
	fmt.Println(mixture.Refuse, mixture.Repair)
	// Output: refuse repair
}

func ExampleStatistics() {
	trainer := mixture.GaussianMixture{Covariance: mixture.Diagonal, RegCovar: 1e-9}
	m, err := trainer.Fit(context.Background(), sixRows, nil)
	if err != nil {
		log.Fatal(err)
	}
	// The sums of two machines, put together.
	var left, right mixture.Statistics
	err = errors.Join(
		left.Add(context.Background(), m, sixRows.Slice(0, 3, 0, 2), nil),
		right.Add(context.Background(), m, sixRows.Slice(3, 6, 0, 2), nil),
		left.Merge(&right))
	if err != nil {
		log.Fatal(err)
	}
	if m, err = trainer.FromStatistics(&left); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f %.2f\n", m.Means(), m.Covariances())
	// Output: [5.50 2.00] [20.25 2.67]
}

// baskets are purchases: rows with bread and butter, rows with nails and glue.
var baskets = linalg.NewDense(6, 4, []float64{
	2, 1, 0, 0,
	1, 1, 0, 0,
	3, 0, 0, 1,
	0, 0, 4, 2,
	0, 0, 3, 0,
	0, 1, 5, 1,
})

func ExampleCountMixture() {
	m, err := mixture.CountMixture{Components: 2, Counts: mixture.Multinomial}.Fit(context.Background(), baskets, nil)
	if err != nil {
		log.Fatal(err)
	}
	a, _ := m.PredictRow([]float64{1, 0, 0, 0})
	b, _ := m.PredictRow([]float64{0, 0, 2, 1})
	fmt.Printf("weights %.2f, apart: %v\n", m.Weights(), a != b)
	// Output: weights [0.50 0.50], apart: true
}

func ExampleCountMixtureModel() {
	m, err := mixture.CountMixture{Smoothing: 0.5}.Fit(context.Background(), baskets, nil)
	if err != nil {
		log.Fatal(err)
	}
	usual, _ := m.LogDensityRow([]float64{1, 0, 2, 1})
	strange, _ := m.LogDensityRow([]float64{30, 0, 0, 0})
	fmt.Printf("%.2f %v\n", m.Rates(), usual > strange)
	// Output: [1.00 0.54 1.92 0.69] true
}

func ExampleCounts() {
	fmt.Println(mixture.Poisson, mixture.Bernoulli, mixture.Multinomial)
	// Output: poisson bernoulli multinomial
}

func ExampleCountStart() {
	start := &mixture.CountStart{Rates: []float64{1, 1, 0.1, 0.1, 0.1, 0.1, 1, 1}}
	m, err := mixture.CountMixture{Components: 2, Start: start}.Fit(context.Background(), baskets, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f\n", m.Rates())
	// Output: [2.00 0.67 0.00 0.33 0.00 0.33 4.00 1.00]
}

// withOutlier are seven values, of which one is out of all reason.
var withOutlier = linalg.NewDense(7, 1, []float64{-3, -2, -1, 0, 1, 2, 1000})

func ExampleStudentMixture() {
	student, err := mixture.StudentMixture{Nu: 2}.Fit(context.Background(), withOutlier, nil)
	if err != nil {
		log.Fatal(err)
	}
	normal, err := mixture.GaussianMixture{}.Fit(context.Background(), withOutlier, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("mean %.1f, of a normal distribution %.1f\n", student.Means(), normal.Means())
	// Output: mean [-0.5], of a normal distribution [142.4]
}

func ExampleStudentMixtureModel() {
	m, err := mixture.StudentMixture{Nu: 2}.Fit(context.Background(), withOutlier, nil)
	if err != nil {
		log.Fatal(err)
	}
	near, _ := m.LogDensityRow([]float64{0})
	far, _ := m.LogDensityRow([]float64{1000})
	fmt.Printf("log-density %.0f at 0, %.0f at 1000\n", near, far)
	// Output: log-density -2 at 0, -19 at 1000
}

func ExampleStepwise() {
	rng := rand.New(rand.NewPCG(2, 2))
	stream := mixture.Stepwise{Trainer: mixture.GaussianMixture{Components: 2, NInit: 3}}
	for range 50 {
		batch := linalg.NewDense[float64](100, 1, nil)
		for i := range batch.Rows {
			batch.Set(i, 0, rng.NormFloat64()+8*float64(i%2))
		}
		if _, err := stream.Update(context.Background(), batch, nil); err != nil {
			log.Fatal(err)
		}
	}
	means := stream.Model().Means()
	fmt.Printf("%d batches, means %.0f apart\n", stream.Batches(), math.Abs(means[1]-means[0]))
	// Output: 50 batches, means 8 apart
}

// drawn returns 300 rows from two components.
func drawn() *linalg.Dense[float64] {
	rng := rand.New(rand.NewPCG(1, 1))
	X := linalg.NewDense[float64](300, 1, nil)
	for i := range 300 {
		X.Set(i, 0, rng.NormFloat64()+8*float64(i%2))
	}
	return X
}

func ExampleBayesianMixture() {
	m, err := mixture.BayesianMixture{}.Fit(context.Background(), drawn(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("of ten components", m.Components(), "are left")
	// Output: of ten components 2 are left
}

func ExampleBayesianMixtureModel() {
	for _, k := range []int{1, 2} {
		m, err := mixture.BayesianMixture{Components: k}.Fit(context.Background(), drawn(), nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d components: bound %.0f\n", k, m.LowerBound())
	}
	// Output:
	// 1 components: bound -862
	// 2 components: bound -672
}

func ExampleWeightPrior() {
	fmt.Println(mixture.DirichletProcess, "or", mixture.Dirichlet)
	// Output: dirichlet process or dirichlet
}

func ExampleSelection() {
	s, err := mixture.SelectK(context.Background(), mixture.GaussianMixture{NInit: 3}, drawn(), nil, []int{1, 2, 3})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Best.Components(), "of", len(s.Table))
	// Output: 2 of 3
}

func ExampleCandidate() {
	s, err := mixture.SelectK(context.Background(), mixture.GaussianMixture{}, drawn(), nil, []int{1}, mixture.Spherical, mixture.Full)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range s.Table {
		fmt.Println(c.Components, c.Covariance, c.BIC > c.AIC)
	}
	// Output:
	// 1 spherical true
	// 1 full true
}
