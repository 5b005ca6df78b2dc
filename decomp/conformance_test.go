package decomp_test

import (
	"math/rand/v2"
	"testing"

	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/modeltest"
)

func TestConformancePCA(t *testing.T) {
	modeltest.Check(t, decomp.PCA{})
	modeltest.Check(t, decomp.PCA{Components: 2, Solver: decomp.FullSVD, Whiten: decomp.WhitenZCA})
	modeltest.Check(t, decomp.PCA{Components: 2, Solver: decomp.Randomized, Whiten: decomp.WhitenPCA})
	if !testing.Short() {
		modeltest.Check(t, decomp.PCA{VarianceRatio: 0.8, Solver: decomp.CovarianceEigen})
	}
}

func TestConformanceTruncatedSVD(t *testing.T) {
	modeltest.Check(t, decomp.TruncatedSVD{})
}

func TestConformanceAutoencoder(t *testing.T) {
	alone := modeltest.Skip("repeats", "the number of rows decides what batches hold")
	modeltest.Check(t, decomp.Autoencoder{
		Hidden: []int{4, 3}, Activation: "tanh", Variational: true, Noise: 0.1, Mask: 0.1, Optimizer: decomp.AdamW, Alpha: 0.01,
		BatchSize: 64, Epochs: 2, Validation: 0.2, Tol: 1e9,
	}, alone)
	if testing.Short() {
		return
	}
	modeltest.Check(t, decomp.Autoencoder{Epochs: 2, Tol: 1e9}, alone)
	shares := func(rows int) modeltest.Data {
		X := linalg.NewDense[float64](rows, 3, nil)
		r := rand.New(rand.NewPCG(1, 1))
		for i := range X.Data {
			X.Data[i] = r.Float64()
		}
		return modeltest.Data{X: X}
	}
	modeltest.Check(t, decomp.Autoencoder{Loss: decomp.CrossEntropy, Epochs: 2, Tol: 1e9}, alone, modeltest.Generate(shares))
}
