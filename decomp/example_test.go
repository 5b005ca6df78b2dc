package decomp_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/linalg"
)

// plane returns n points near a plane of three dimensions.
func plane(n int) *linalg.Dense[float64] {
	rng := rand.New(rand.NewPCG(1, 1))
	X := linalg.NewDense[float64](n, 3, nil)
	for i := range n {
		a, b := 3*rng.NormFloat64(), rng.NormFloat64()
		copy(X.Row(i), []float64{a + 10, a + b, b + 0.01*rng.NormFloat64()})
	}
	return X
}

func ExamplePCA() {
	m, err := decomp.PCA{VarianceRatio: 0.99}.Fit(context.Background(), plane(500), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("components:", m.Components())
	fmt.Printf("explained: %.2f\n", m.ExplainedVarianceRatio())
	// Output:
	// components: 2
	// explained: [0.93 0.07]
}

func ExamplePCAModel() {
	m, err := decomp.PCA{Components: 2}.Fit(context.Background(), plane(500), nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, x := range [][]float64{{12, 3, 1}, {12, 3, 2}} {
		far, err := m.ReconstructionErrorRow(x)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v is %.2f from the plane\n", x, far)
	}
	// Output:
	// [12 3 1] is 0.00 from the plane
	// [12 3 2] is 0.33 from the plane
}

func ExampleIncrementalPCA() {
	X := plane(500)
	inc := decomp.IncrementalPCA{PCA: decomp.PCA{Components: 2}}
	for lo := 0; lo < X.Rows; lo += 100 {
		if err := inc.Update(X.Slice(lo, lo+100, 0, 3), nil); err != nil {
			log.Fatal(err)
		}
	}
	m, err := inc.Model()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v rows, %.2f explained\n", inc.Weight(), m.CumulativeRatio()[1])
	// Output:
	// 500 rows, 1.00 explained
}

func ExampleChoose() {
	c, err := decomp.Choose{}.Components(context.Background(), plane(500), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(c)
	// Output:
	// 80 % of the variance    1
	// 90 % of the variance    1
	// 95 % of the variance    2
	// elbow                   1
	// broken stick            1
	// Kaiser                  1
	// parallel analysis       1
	// Minka's evidence        2
	// error budget            2
	// cross-validation        2
}

func ExampleRule() {
	fmt.Println(decomp.Kaiser, decomp.Kaiser.Components([]float64{2.1, 1.2, 0.5, 0.2}, 100))
	// Output: Kaiser 2
}

func ExampleSolver() {
	m, err := decomp.PCA{Components: 1, Solver: decomp.Randomized}.Fit(context.Background(), plane(500), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v: %.2f\n", decomp.Randomized, m.ExplainedVarianceRatio())
	// Output: randomized: [0.93]
}

func ExampleWhitening() {
	X := plane(500)
	m, err := decomp.PCA{Components: 2, Whiten: decomp.WhitenPCA}.Fit(context.Background(), X, nil)
	if err != nil {
		log.Fatal(err)
	}
	z, err := m.Transform(nil, X)
	if err != nil {
		log.Fatal(err)
	}
	c, err := linalg.NewCovariance(1, linalg.NewDense(500, 2, z), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n", []float64{c.Matrix(1).At(0, 0), c.Matrix(1).At(1, 1)})
	// Output: [1.000 1.000]
}

// baskets are counts of bread, butter, nails and screws bought together.
var baskets = linalg.NewDense(6, 4, []float64{
	2, 1, 0, 0,
	4, 2, 0, 0,
	0, 0, 3, 6,
	0, 0, 1, 2,
	2, 1, 1, 2,
	6, 3, 2, 4,
})

func ExampleNMF() {
	m, err := decomp.NMF{Components: 2}.Fit(context.Background(), baskets, nil)
	if err != nil {
		log.Fatal(err)
	}
	parts := linalg.NewDense(2, 4, m.Basis())
	for j := range 2 {
		linalg.Scal(1/linalg.Sum(parts.Row(j)), parts.Row(j))
		fmt.Printf("%.2f\n", parts.Row(j))
	}
	// Output:
	// [0.00 0.00 0.33 0.67]
	// [0.67 0.33 0.00 0.00]
}

func ExampleNMFModel() {
	m, err := decomp.NMF{Components: 2}.Fit(context.Background(), baskets, nil)
	if err != nil {
		log.Fatal(err)
	}
	x := []float64{0, 3, 0, 0} // butter alone
	z := make([]float64, 2)
	if err := m.TransformRow(z, x); err != nil {
		log.Fatal(err)
	}
	back, err := m.InverseTransform(nil, linalg.NewDense(1, 2, z))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f\n", back)
	// Output: [1.20 0.60 0.00 0.00]
}

func ExampleNMFLoss() {
	m, err := decomp.NMF{Loss: decomp.KullbackLeibler, Tol: 1e-6}.Fit(context.Background(), baskets, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v: %.3f\n", m.Loss(), m.Convergence().Objective)
	// Output: kullback-leibler: 0.000
}

func ExampleNMFInit() {
	m, err := decomp.NMF{Init: decomp.NNDSVD}.Fit(context.Background(), baskets, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v: %.3f\n", decomp.NNDSVD, m.Convergence().Objective)
	// Output: nndsvd: 0.000
}

// flowers are two measurements of three kinds.
var (
	flowers = linalg.NewDense(9, 2, []float64{1.4, 0.2, 1.3, 0.3, 1.5, 0.3, 4.7, 1.4, 4.5, 1.5, 4.0, 1.3, 6.0, 2.5, 5.1, 1.9, 5.9, 2.1})
	kinds   = []int{0, 0, 0, 1, 1, 1, 2, 2, 2}
)

func ExampleLDA() {
	m, err := decomp.LDA{}.Fit(context.Background(), flowers, kinds, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("directions:", m.Components())
	fmt.Printf("explained: %.2f\n", m.ExplainedVarianceRatio())
	// Output:
	// directions: 2
	// explained: [0.98 0.02]
}

func ExampleLDAModel() {
	m, err := decomp.LDA{Components: 1}.Fit(context.Background(), flowers, kinds, nil)
	if err != nil {
		log.Fatal(err)
	}
	kind, err := m.PredictRow([]float64{4.2, 1.2})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(kind)
	// Output: 1
}

func ExampleRandomProjection() {
	X := normal(20, 2000)
	m, err := decomp.RandomProjection{Eps: 0.2, Sparse: true}.Fit(context.Background(), X, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Features(), "to", m.Components())
	// Output: 2000 to 692
}

func ExampleRandomProjectionModel() {
	X := normal(2, 1000)
	m, err := decomp.RandomProjection{Components: 500}.Fit(context.Background(), X, nil)
	if err != nil {
		log.Fatal(err)
	}
	z, err := m.Transform(nil, X)
	if err != nil {
		log.Fatal(err)
	}
	before, after := 0.0, 0.0
	for j := range 1000 {
		before += (X.At(0, j) - X.At(1, j)) * (X.At(0, j) - X.At(1, j))
	}
	for j := range 500 {
		after += (z[j] - z[500+j]) * (z[j] - z[500+j])
	}
	fmt.Println("within a fifth:", after > 0.8*before && after < 1.2*before)
	// Output: within a fifth: true
}

// normal returns standard normal numbers.
func normal(n, d int) *linalg.Dense[float64] {
	rng := rand.New(rand.NewPCG(2, 2))
	X := linalg.NewDense[float64](n, d, nil)
	for i := range X.Data {
		X.Data[i] = rng.NormFloat64()
	}
	return X
}

func ExampleJohnsonLindenstrauss() {
	fmt.Println(decomp.JohnsonLindenstrauss(1_000_000, 0.1))
	// Output: 11842
}

// smooth is a weight matrix of few directions.
func smooth() *linalg.Dense[float64] {
	W := linalg.NewDense[float64](60, 40, nil)
	for i := range 60 {
		for j := range 40 {
			W.Set(i, j, 1/float64(1+i+j))
		}
	}
	return W
}

func ExampleLowRank() {
	f, err := decomp.LowRank{MaxError: 0.01}.Factorize(context.Background(), smooth())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d×%d and %d×%d\n", f.A.Rows, f.A.Cols, f.B.Rows, f.B.Cols)
	// Output: 60×4 and 4×40
}

func ExampleLowRankFactors() {
	f, err := decomp.LowRank{}.Factorize(context.Background(), smooth())
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range f.Curve[:5] {
		fmt.Printf("rank %d: %.0f %% saved, %.1e off\n", p.Rank, 100*p.Saved, p.Error)
	}
	// Output:
	// rank 1: 96 % saved, 3.2e-01 off
	// rank 2: 92 % saved, 6.8e-02 off
	// rank 3: 88 % saved, 1.2e-02 off
	// rank 4: 83 % saved, 1.9e-03 off
	// rank 5: 79 % saved, 2.6e-04 off
}

func ExampleLowRankPoint() {
	f, err := decomp.LowRank{Rank: 3}.Factorize(context.Background(), smooth())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Chosen.Parameters, "of", 60*40)
	// Output: 300 of 2400
}

// rings are points on two circles about each other.
func rings() (X *linalg.Dense[float64], inner int) {
	X = linalg.NewDense[float64](80, 2, nil)
	for i := range 80 {
		radius := 1.0
		if i >= 40 {
			radius = 3
		}
		s, c := math.Sincos(2 * math.Pi * float64(i) / 40)
		X.Row(i)[0], X.Row(i)[1] = radius*c, radius*s
	}
	return X, 40
}

func ExampleKernelPCA() {
	X, inner := rings()
	m, err := decomp.KernelPCA{Kernel: decomp.RBF, Gamma: 0.3, Components: 3}.Fit(context.Background(), X, nil)
	if err != nil {
		log.Fatal(err)
	}
	z, err := m.Transform(nil, X)
	if err != nil {
		log.Fatal(err)
	}
	// One of the components tells the circles apart, which no line in the plane does.
	for j := range 3 {
		mean := [2]float64{}
		for i := range 80 {
			mean[i/inner] += z[3*i+j] / 40
		}
		fmt.Printf("%.1f\n", math.Abs(mean[0]-mean[1]))
	}
	// Output:
	// 0.8
	// 0.0
	// 0.0
}

func ExampleKernelPCAModel() {
	X, _ := rings()
	m, err := decomp.KernelPCA{Kernel: decomp.RBF, Components: 5, Inverse: true, Ridge: 1e-3}.Fit(context.Background(), X, nil)
	if err != nil {
		log.Fatal(err)
	}
	z := make([]float64, 5)
	if err := m.TransformRow(z, []float64{0, 3.3}); err != nil {
		log.Fatal(err)
	}
	x := make([]float64, 2)
	if err := m.InverseTransformRow(x, z); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f\n", x[1]) // towards the circle of radius 3
	// Output: 2.8
}

func ExampleKernel() {
	X, _ := rings()
	m, err := decomp.KernelPCA{Kernel: decomp.Polynomial, Degree: 2, Coef0: 1}.Fit(context.Background(), X, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v: %.2f\n", decomp.Polynomial, m.ExplainedVarianceRatio())
	// Output: polynomial: [0.21 0.21]
}

// pupils have marks in two subjects of language and two of numbers.
func pupils(n int) *linalg.Dense[float64] {
	rng := rand.New(rand.NewPCG(3, 3))
	X := linalg.NewDense[float64](n, 6, nil)
	for i := range n {
		words, numbers := rng.NormFloat64(), rng.NormFloat64()
		for j := range 6 {
			talent := words
			if j >= 3 {
				talent = numbers
			}
			X.Row(i)[j] = 10 + 2*talent + rng.NormFloat64()
		}
	}
	return X
}

func ExampleFactorAnalysis() {
	m, err := decomp.FactorAnalysis{Components: 2, Varimax: true}.Fit(context.Background(), pupils(2000), nil)
	if err != nil {
		log.Fatal(err)
	}
	loadings := linalg.NewDense(2, 6, m.Mixing())
	for j := range 2 {
		for _, v := range loadings.Row(j) {
			fmt.Printf(" %.0f", math.Abs(v))
		}
		fmt.Println()
	}
	// Output:
	//  2 2 2 0 0 0
	//  0 0 0 2 2 2
}

func ExampleFactorAnalysisModel() {
	m, err := decomp.FactorAnalysis{Components: 2}.Fit(context.Background(), pupils(2000), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("share of the first mark that talent explains: %.1f\n", m.Communalities()[0])
	// Output: share of the first mark that talent explains: 0.8
}

// voices are two sounds as three microphones hear them.
func voices() (X *linalg.Dense[float64], first []float64) {
	X = linalg.NewDense[float64](1000, 3, nil)
	for i := range 1000 {
		a, b := math.Sin(0.05*float64(i)), math.Mod(0.013*float64(i), 1)
		copy(X.Row(i), []float64{a + b, a - 0.5*b, 0.3*a + 2*b})
		first = append(first, a)
	}
	return X, first
}

func ExampleFastICA() {
	X, first := voices()
	m, err := decomp.FastICA{}.Fit(context.Background(), X, nil)
	if err != nil {
		log.Fatal(err)
	}
	z, err := m.Transform(nil, X)
	if err != nil {
		log.Fatal(err)
	}
	dots := [2]float64{}
	for i, v := range first {
		dots[0] += v * z[2*i] / 1000 * math.Sqrt2
		dots[1] += v * z[2*i+1] / 1000 * math.Sqrt2
	}
	fmt.Println("sources:", m.Components())
	fmt.Printf("one is the first voice: %.1f\n", max(math.Abs(dots[0]), math.Abs(dots[1])))
	// Output:
	// sources: 2
	// one is the first voice: 1.0
}

func ExampleFastICAModel() {
	X, _ := voices()
	m, err := decomp.FastICA{}.Fit(context.Background(), X, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("converged:", m.Convergence().Converged)
	// Output: converged: true
}

func ExampleContrast() {
	X, _ := voices()
	m, err := decomp.FastICA{Contrast: decomp.Cube}.Fit(context.Background(), X, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(decomp.Cube, m.Components())
	// Output: cube 2
}
