package decomp_test

import (
	"testing"

	"github.com/gram-ml/gram/decomp"
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
