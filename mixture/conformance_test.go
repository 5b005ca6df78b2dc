package mixture_test

import (
	"testing"

	"github.com/gram-ml/gram/mixture"
	"github.com/gram-ml/gram/modeltest"
)

func TestConformanceKMeans(t *testing.T) {
	modeltest.Check(t, mixture.KMeans{})
	modeltest.Check(t, mixture.KMeans{Clusters: 3, Init: mixture.GreedyPlusPlus, NInit: 3})
	modeltest.Check(t, mixture.KMeans{Clusters: 4, Init: mixture.Random})
}

func TestConformanceMiniBatch(t *testing.T) {
	modeltest.Check(t, mixture.KMeans{Clusters: 3, BatchSize: 32, Tol: 1e-2})
}

func TestConformanceGaussian(t *testing.T) {
	for _, c := range []mixture.Covariance{mixture.Full, mixture.Tied, mixture.Diagonal, mixture.Spherical} {
		t.Run(c.String(), func(t *testing.T) {
			if testing.Short() && (c == mixture.Tied || c == mixture.Spherical) {
				t.Skip("the same code as full and diagonal")
			}
			modeltest.Check(t, mixture.GaussianMixture{Covariance: c})
			modeltest.Check(t, mixture.GaussianMixture{Components: 3, Covariance: c, Init: mixture.InitKMeans})
		})
	}
	modeltest.Check(t, mixture.GaussianMixture{Components: 2, Init: mixture.InitRandom, NInit: 3, Prior: &mixture.CovariancePrior{}})
}
