package decomp_test

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/sparse"
)

func TestConformanceKernelPCA(t *testing.T) {
	few := modeltest.Generate(func(n int) modeltest.Data {
		return modeltest.Data{X: lowRank(5, min(n, 80), 4, 3, 0.3), Labels: make([]int, min(n, 80))}
	})
	for i, c := range []decomp.KernelPCA{
		{Kernel: decomp.RBF, Inverse: true},
		{Kernel: decomp.RBF, Landmarks: 20},
		{},
		{Kernel: decomp.Polynomial, Coef0: 1, Gamma: 0.1, Components: 3},
		{Kernel: decomp.Cosine, Inverse: true},
	} {
		if i > 1 && testing.Short() {
			break
		}
		t.Run(c.Kernel.String(), func(t *testing.T) {
			opts := []modeltest.Option{few, modeltest.Tolerance(1e-7)}
			if c.Landmarks > 0 {
				for _, p := range []string{"repeats", "dropped"} {
					opts = append(opts, modeltest.Skip(p, "landmarks are drawn from the rows"))
				}
			}
			modeltest.Check(t, c, opts...)
		})
	}
}

func TestKernelPCAGolden(t *testing.T) {
	kernels := map[string]decomp.Kernel{"linear": decomp.LinearKernel, "rbf": decomp.RBF, "poly": decomp.Polynomial, "sigmoid": decomp.Sigmoid, "cosine": decomp.Cosine}
	for _, c := range golden[[]struct {
		Data, Kernel                     string
		Components, Degree, Step         int
		Gamma, Coef0                     float64
		Values, Transform, Inverse, Mean []float64
	}](t, "kernelpca") {
		t.Run(c.Data+"/"+c.Kernel, func(t *testing.T) {
			X, _ := readData(t, c.Data)
			test := every(X, c.Step)
			linalg.Scal(1.01, test.Data)
			p := decomp.KernelPCA{
				Components: c.Components, Kernel: kernels[c.Kernel], Gamma: c.Gamma, Coef0: c.Coef0, Degree: c.Degree,
				Inverse: len(c.Inverse) > 0, Ridge: 0.1,
			}
			m, err := p.Fit(background, X, nil)
			if err != nil {
				t.Fatal(err)
			}
			values := m.ExplainedVariance()
			linalg.Scal(float64(X.Rows-1), values)
			near(t, "eigenvalues", values, c.Values, 1e-9)
			z := must(t)(m.Transform(nil, test))
			near(t, "transform", z, alignCols(z, c.Transform, c.Components), 1e-7)
			if p.Inverse {
				near(t, "inverse", must(t)(m.InverseTransform(nil, linalg.NewDense(test.Rows, c.Components, z))), c.Inverse, 1e-7)
			}
		})
	}
}

// TestKernelPCALinear: with the linear kernel it is PCA, also from landmarks that span the
// columns, and far from zero.
func TestKernelPCALinear(t *testing.T) {
	X := lowRank(3, 200, 6, 6, 0.1)
	for i := range X.Data {
		X.Data[i] += 1e4
	}
	want, err := decomp.PCA{Components: 3}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sparse.FromDense[float64](X, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		X gram.Matrix
		decomp.KernelPCA
	}{{X, decomp.KernelPCA{}}, {s, decomp.KernelPCA{}}, {X, decomp.KernelPCA{Landmarks: 30}}} {
		c.KernelPCA.Components = 3
		m, err := c.Fit(background, c.X, nil)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "variance", m.ExplainedVariance(), want.ExplainedVariance(), 1e-8)
		near(t, "ratio", m.ExplainedVarianceRatio(), want.ExplainedVarianceRatio(), 1e-8)
		z := must(t)(m.Transform(nil, X))
		near(t, "scores", z, alignCols(z, must(t)(want.Transform(nil, X)), 3), 1e-7)
	}
}

// TestKernelPCALeading: few components of many rows are found by products, and are those that
// the whole decomposition has first.
func TestKernelPCALeading(t *testing.T) {
	X := lowRank(5, 520, 8, 5, 0.1)
	few, err := decomp.KernelPCA{Kernel: decomp.RBF, Gamma: 0.05, Components: 5, Tolerance: 1e-9}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	many, err := decomp.KernelPCA{Kernel: decomp.RBF, Gamma: 0.05, Components: 27}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "variance", few.ExplainedVariance(), many.ExplainedVariance()[:5], 1e-10)
	test := X.Slice(0, 50, 0, 8)
	a, b := must(t)(few.Transform(nil, test)), must(t)(many.Transform(nil, test))
	var first []float64
	for i := range test.Rows {
		first = append(first, b[27*i:27*i+5]...)
	}
	near(t, "scores", a, alignCols(a, first, 5), 1e-6)
}

// TestKernelPCANystrom: with landmarks enough, a smooth kernel is that of all rows.
func TestKernelPCANystrom(t *testing.T) {
	X := lowRank(6, 400, 5, 3, 0.1)
	p := decomp.KernelPCA{Kernel: decomp.RBF, Gamma: 0.01, Components: 4}
	want, err := p.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Landmarks = 150
	got, err := p.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Landmarks() != 150 || want.Landmarks() != 400 {
		t.Errorf("%d landmarks, and %d without", got.Landmarks(), want.Landmarks())
	}
	near(t, "variance", got.ExplainedVariance(), want.ExplainedVariance(), 1e-4)
	z := must(t)(got.Transform(nil, X))
	near(t, "scores", z, alignCols(z, must(t)(want.Transform(nil, X)), 4), 1e-2)
	// Scores are centred and uncorrelated, of the variances given.
	c, err := linalg.NewCovariance(1, linalg.NewDense(400, 4, z), nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "means of scores", c.Mean, make([]float64, 4), 1e-9)
	cov := c.Matrix(1)
	for i, v := range got.ExplainedVariance() {
		for j := range 4 {
			expect := 0.0
			if i == j {
				expect = v
			}
			if math.Abs(cov.At(i, j)-expect) > 1e-8 {
				t.Errorf("covariance of scores %d and %d is %v, want %v", i, j, cov.At(i, j), expect)
			}
		}
	}
}

// circle returns n points near a circle of radius 2 about (10, −5).
func circle(n int, noise float64) *dense {
	rng := rand.New(rand.NewPCG(8, 1))
	X := linalg.NewDense[float64](n, 2, nil)
	for i := range n {
		a := 2 * math.Pi * rng.Float64()
		X.Row(i)[0] = 10 + 2*math.Cos(a) + noise*rng.NormFloat64()
		X.Row(i)[1] = -5 + 2*math.Sin(a) + noise*rng.NormFloat64()
	}
	return X
}

// TestKernelPCAInverse: going to a few components and back moves points to the circle.
func TestKernelPCAInverse(t *testing.T) {
	X := circle(200, 0.2)
	m, err := decomp.KernelPCA{Kernel: decomp.RBF, Gamma: 0.3, Components: 4, Inverse: true, Ridge: 0.01}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	z := must(t)(m.Transform(nil, X))
	back := linalg.NewDense(200, 2, must(t)(m.InverseTransform(nil, linalg.NewDense(200, 4, z))))
	before, after := 0.0, 0.0
	for i := range 200 {
		before += math.Abs(math.Hypot(X.At(i, 0)-10, X.At(i, 1)+5) - 2)
		after += math.Abs(math.Hypot(back.At(i, 0)-10, back.At(i, 1)+5) - 2)
	}
	if after > 0.6*before {
		t.Errorf("points are %v from the circle, before %v", after/200, before/200)
	}
	row := make([]float64, 2)
	if err := m.InverseTransformRow(row, z[4:8]); err != nil {
		t.Fatal(err)
	}
	near(t, "one row", row, back.Row(1), 1e-10)
}

// TestKernelPCACustom: a kernel of one's own is like the one built in, and is not saved.
func TestKernelPCACustom(t *testing.T) {
	X := lowRank(7, 60, 3, 3, 0.2)
	custom := func(x, y []float64) float64 { return math.Pow(linalg.Dot(x, y)*0.1+1, 2) }
	m, err := decomp.KernelPCA{Custom: custom}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := decomp.KernelPCA{Kernel: decomp.Polynomial, Gamma: 0.1, Coef0: 1, Degree: 2}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "scores", must(t)(m.Transform(nil, X)), must(t)(want.Transform(nil, X)), 1e-8)
	row := make([]float64, 2)
	if err := m.TransformRow(row, X.Row(3)); err != nil {
		t.Fatal(err)
	}
	near(t, "one row", row, must(t)(want.Transform(nil, X.Slice(3, 4, 0, 3))), 1e-8)
	if err := gram.Save(new(bytes.Buffer), m); err == nil || !strings.Contains(err.Error(), "function of Go cannot be saved") {
		t.Errorf("saving it: %v", err)
	}
}

func TestKernelPCAErrors(t *testing.T) {
	X := lowRank(7, 20, 3, 3, 0.2)
	fit := func(p decomp.KernelPCA, X gram.Matrix) error {
		_, err := p.Fit(background, X, nil)
		return err
	}
	errorIs(t, fit(decomp.KernelPCA{Components: 20}, X), gram.ErrParam, "20 components of 20 rows")
	errorIs(t, fit(decomp.KernelPCA{Components: 5, Landmarks: 5}, X), gram.ErrParam, "5 components of 5 rows")
	errorIs(t, fit(decomp.KernelPCA{Kernel: 9}, X), gram.ErrParam, "Kernel(9)")
	errorIs(t, fit(decomp.KernelPCA{Kernel: 5}, X), gram.ErrParam, "custom")
	errorIs(t, fit(decomp.KernelPCA{Gamma: -1}, X), gram.ErrParam, "Gamma is -1")
	errorIs(t, fit(decomp.KernelPCA{Coef0: math.NaN()}, X), gram.ErrParam, "Coef0 is NaN")
	errorIs(t, fit(decomp.KernelPCA{Degree: -2}, X), gram.ErrParam, "Degree is -2")
	errorIs(t, fit(decomp.KernelPCA{Landmarks: -1}, X), gram.ErrParam, "Landmarks is -1")
	errorIs(t, fit(decomp.KernelPCA{Tolerance: -1}, X), gram.ErrParam, "Tolerance is -1")
	errorIs(t, fit(decomp.KernelPCA{Ridge: -1}, X), gram.ErrParam, "Ridge is -1")
	errorIs(t, fit(decomp.KernelPCA{Components: 4}, X), gram.ErrSingular, "4 components of rows of rank 3")
	errorIs(t, fit(decomp.KernelPCA{Components: 4, Landmarks: 10}, X), gram.ErrSingular, "4 components of landmarks of rank 3")
	errorIs(t, fit(decomp.KernelPCA{Kernel: decomp.Polynomial, Degree: 1000, Gamma: 100}, X), gram.ErrNonFinite, "the kernel overflows")
	errorIs(t, fit(decomp.KernelPCA{}, linalg.NewDense[float64](9, 2, nil)), gram.ErrSingular, "rank 0")
	ctx, cancel := context.WithCancel(background)
	cancel()
	_, err := decomp.KernelPCA{}.Fit(ctx, X, nil)
	errorIs(t, err, context.Canceled, "")
	m, err := decomp.KernelPCA{}.Fit(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.InverseTransform(nil, X)
	errorIs(t, err, gram.ErrParam, "without Inverse")
	errorIs(t, m.InverseTransformRow(make([]float64, 3), make([]float64, 2)), gram.ErrParam, "without Inverse")
}
