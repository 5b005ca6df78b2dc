package decomp_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/sparse"
)

// decaying returns n rows of d columns around rank directions of falling variance.
func decaying(n, d, rank int) *dense {
	u, v := normals(1, n, rank), normals(2, rank, d)
	for i := range n {
		for j := range rank {
			u.Row(i)[j] *= math.Exp(-4 * float64(j) / float64(rank))
		}
	}
	X := normals(3, n, d)
	linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, u, v, 0.01, X)
	return X
}

// words returns a sparse matrix whose columns are as uneven as words are.
func words(n, d, each int) *sparse.CSR[float64] {
	rng := rand.New(rand.NewPCG(4, 5))
	c, err := sparse.NewCOO[float64](n, d, nil, nil, nil)
	if err != nil {
		panic(err)
	}
	for i := range n {
		for range each {
			u := rng.Float64()
			c.Append(i, int(float64(d)*u*u*u), math.Abs(rng.NormFloat64())+0.1)
		}
	}
	return c.ToCSR(sparse.SumDuplicates)
}

func fitLoop(b *testing.B, p decomp.PCA, X gram.Matrix) {
	p.Workers = 1
	for b.Loop() {
		if _, err := p.Fit(background, X, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPCA(b *testing.B) {
	b.Run("tall", func(b *testing.B) { fitLoop(b, decomp.PCA{}, decaying(20_000, 200, 100)) })
	b.Run("randomized", func(b *testing.B) {
		fitLoop(b, decomp.PCA{Components: 20, Solver: decomp.Randomized}, decaying(4_000, 1_000, 200))
	})
	b.Run("csr", func(b *testing.B) {
		fitLoop(b, decomp.PCA{Components: 20, Solver: decomp.Randomized}, words(10_000, 5_000, 30))
	})
	b.Run("incremental", func(b *testing.B) {
		X := decaying(20_000, 200, 100)
		for b.Loop() {
			inc := decomp.IncrementalPCA{PCA: decomp.PCA{Workers: 1}}
			for lo := 0; lo < X.Rows; lo += 1000 {
				if err := inc.Update(X.Slice(lo, lo+1000, 0, X.Cols), nil); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := inc.Model(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkTransformRow(b *testing.B) {
	X := decaying(1_000, 200, 100)
	m, err := decomp.PCA{Components: 20}.Fit(background, X, nil)
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float64, 20)
	b.ReportAllocs()
	for b.Loop() {
		if err := m.TransformRow(dst, X.Row(0)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTruncatedSVD(b *testing.B) {
	X := words(20_000, 5_000, 30)
	for b.Loop() {
		if _, err := (decomp.TruncatedSVD{Components: 50, Workers: 1}).Fit(background, X, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNMF(b *testing.B) {
	X := parts(2_000, 1_000, 20, 0.01)
	for _, loss := range []decomp.NMFLoss{decomp.Frobenius, decomp.KullbackLeibler} {
		b.Run(loss.String(), func(b *testing.B) {
			f := decomp.NMF{Components: 20, Loss: loss, Init: decomp.RandomFactors, MaxIter: 20, Workers: 1}
			for b.Loop() {
				if _, err := f.Fit(background, X, nil); !errors.Is(err, gram.ErrNotConverged) {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkKernelPCA(b *testing.B) {
	X := decaying(2_000, 200, 100)
	for name, p := range map[string]decomp.KernelPCA{"whole": {}, "nystrom": {Landmarks: 200}} {
		p.Kernel, p.Gamma, p.Components, p.Workers = decomp.RBF, 1e-3, 10, 1
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Fit(background, X, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAutoencoder(b *testing.B) {
	X := decaying(2_000, 400, 40)
	for name, t := range map[string]decomp.Autoencoder{
		"plain":       {Components: 20, Hidden: []int{100}},
		"variational": {Components: 20, Hidden: []int{100}, Variational: true, Beta: 0.01, Optimizer: decomp.AdamW, Alpha: 1e-4},
	} {
		b.Run(name, func(b *testing.B) {
			t.Epochs, t.Tol, t.Workers = 2, math.MaxFloat64, 1
			for b.Loop() {
				if _, err := t.Fit(background, X, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
