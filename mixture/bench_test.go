package mixture_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/mixture"
)

// groups returns n rows around k centers.
func groups(n, d, k int) *linalg.Dense[float64] {
	rng := rand.New(rand.NewPCG(6, 7))
	centers := linalg.NewDense[float64](k, d, nil)
	for i := range centers.Data {
		centers.Data[i] = 3 * rng.NormFloat64()
	}
	X := linalg.NewDense[float64](n, d, nil)
	for i := range n {
		c := centers.Row(rng.IntN(k))
		for j := range d {
			X.Set(i, j, c[j]+rng.NormFloat64())
		}
	}
	return X
}

// limited is a fit that is to reach its limit of iterations.
func limited(b *testing.B, g mixture.GaussianMixture, X gram.Matrix) *mixture.GaussianMixtureModel {
	m, err := g.Fit(background, X, nil)
	if err != nil && !errors.Is(err, gram.ErrNotConverged) {
		b.Fatal(err)
	}
	return m
}

func BenchmarkGMMFit(b *testing.B) {
	for name, g := range map[string]mixture.GaussianMixture{
		"full": {Components: 8}, "diag": {Components: 16, Covariance: mixture.Diagonal},
	} {
		X := groups(20_000, 2*g.Components, g.Components)
		g.Tol, g.MaxIter, g.Workers = 1e-300, 10, 1
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				limited(b, g, X)
			}
		})
	}
}

func BenchmarkGMMScore(b *testing.B) {
	X := groups(20_000, 16, 8)
	m := limited(b, mixture.GaussianMixture{Components: 8, MaxIter: 5}, X)
	dst := make([]float64, X.Rows)
	for b.Loop() {
		if _, err := m.LogDensity(dst, X); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScoreRow(b *testing.B) {
	X := groups(2_000, 16, 8)
	m := limited(b, mixture.GaussianMixture{Components: 8, MaxIter: 5}, X)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.LogDensityRow(X.Row(0)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKMeans(b *testing.B) {
	X := groups(20_000, 32, 16)
	for b.Loop() {
		_, err := mixture.KMeans{Clusters: 64, MaxIter: 20, Tol: 1e-300, Workers: 1}.Fit(background, X, nil)
		if err != nil && !errors.Is(err, gram.ErrNotConverged) {
			b.Fatal(err)
		}
	}
}
