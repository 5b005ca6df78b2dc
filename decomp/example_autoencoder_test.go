package decomp_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
)

// arch returns n points along half a circle of radius 1.
func arch(n int) *linalg.Dense[float64] {
	X := linalg.NewDense[float64](n, 2, nil)
	for i := range n {
		sin, cos := math.Sincos(math.Pi * float64(i) / float64(n-1))
		copy(X.Row(i), []float64{cos, sin})
	}
	return X
}

// The place of points along a curve is one number, but not a linear one.
func ExampleAutoencoder() {
	X := arch(40)
	p, err := decomp.PCA{Components: 1}.Fit(context.Background(), X, nil)
	if err != nil {
		log.Fatal(err)
	}
	m, err := decomp.Autoencoder{Components: 1, Hidden: []int{8}, Activation: "tanh", Epochs: 400}.Fit(context.Background(), X, nil)
	if err != nil {
		log.Fatal(err)
	}
	top := []float64{0, 1}
	straight, err := p.ReconstructionErrorRow(top)
	if err != nil {
		log.Fatal(err)
	}
	curved, err := m.ReconstructionErrorRow(top)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("PCA is %.1f away from the top\n", math.Sqrt(straight))
	fmt.Printf("the autoencoder is %.1f away\n", math.Sqrt(curved))
	// Output:
	// PCA is 0.4 away from the top
	// the autoencoder is 0.0 away
}

// Rows that are not like those of the fit have no good code.
func ExampleAutoencoderModel() {
	m, err := decomp.Autoencoder{Components: 1, Hidden: []int{8}, Activation: "tanh", Epochs: 400}.Fit(context.Background(), arch(40), nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, x := range [][]float64{{0.6, 0.8}, {0, 0.2}} {
		far, err := m.ReconstructionErrorRow(x)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(x, "is an anomaly:", far > 0.1)
	}
	// Output:
	// [0.6 0.8] is an anomaly: false
	// [0 0.2] is an anomaly: true
}

// A variational autoencoder draws rows like those that it has seen.
func ExampleAutoencoderModel_Sample() {
	m, err := decomp.Autoencoder{
		Components: 1, Hidden: []int{8}, Activation: "tanh", Variational: true, Beta: 0.02, Epochs: 400, Tol: 1,
	}.Fit(context.Background(), arch(40), nil)
	if err != nil {
		log.Fatal(err)
	}
	rows, err := m.Sample(rand.New(rand.NewPCG(1, 1)), 200)
	if err != nil {
		log.Fatal(err)
	}
	near := 0
	for i := 0; i < len(rows); i += 2 {
		if math.Abs(math.Hypot(rows[i], rows[i+1])-1) < 0.2 {
			near++
		}
	}
	fmt.Println("nine of ten are near the curve:", near > 180)
	// Output:
	// nine of ten are near the curve: true
}

// Bits are restored as probabilities.
func ExampleAutoencoderLoss() {
	X := linalg.NewDense[float64](40, 4, nil)
	for i := range X.Rows {
		copy(X.Row(i), [][]float64{{1, 1, 0, 0}, {0, 0, 1, 1}}[i%2])
	}
	m, err := decomp.Autoencoder{Components: 1, Loss: decomp.CrossEntropy, Epochs: 300}.Fit(context.Background(), X, nil)
	if err != nil {
		log.Fatal(err)
	}
	code, x := make([]float64, 1), []float64{1, 1, 0, 0}
	if err := m.TransformRow(code, x); err != nil {
		log.Fatal(err)
	}
	if err := m.InverseTransformRow(x, code); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f by %v\n", x, m.Loss())
	// Output:
	// [1.0 1.0 0.0 0.0] by cross-entropy
}

func ExampleOptimizer() {
	for _, o := range []decomp.Optimizer{decomp.Adam, decomp.RMSProp} {
		m, err := decomp.Autoencoder{Components: 1, Hidden: []int{}, Optimizer: o, Epochs: 200}.Fit(context.Background(), plane(100), nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Convergence().Solver, m.Convergence().Converged)
	}
	// Output:
	// adam true
	// rmsprop true
}

// The schedules of package linear set the rate.
func ExampleSchedule() {
	var s decomp.Schedule = linear.WarmUp{Steps: 100, Then: linear.CosineRate{Initial: 0.01, Steps: 900}}
	m, err := decomp.Autoencoder{Rate: s, Epochs: 250}.Fit(context.Background(), plane(100), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f, then %.3f, for %d epochs\n", s.Rate(50), s.Rate(100), m.Convergence().Iterations)
	// Output:
	// 0.005, then 0.010, for 250 epochs
}
