package decomp_test

import (
	"context"
	"fmt"
	"log"
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
