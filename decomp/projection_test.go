package decomp_test

import (
	"math"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/sparse"
)

func TestConformanceRandomProjection(t *testing.T) {
	modeltest.Check(t, decomp.RandomProjection{})
	modeltest.Check(t, decomp.RandomProjection{Components: 7, Sparse: true})
}

func TestJohnsonLindenstraussGolden(t *testing.T) {
	for _, c := range golden[[]struct {
		N, Dim int
		Eps    float64
	}](t, "jl") {
		// scikit-learn rounds down, below the bound.
		if got := decomp.JohnsonLindenstrauss(c.N, c.Eps); got != c.Dim+1 {
			t.Errorf("%d points to within %v need %d dimensions, want %d", c.N, c.Eps, got, c.Dim+1)
		}
	}
	for _, bad := range []func(){
		func() { decomp.JohnsonLindenstrauss(0, 0.1) },
		func() { decomp.JohnsonLindenstrauss(2, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			bad()
		}()
	}
}

// TestRandomProjectionDistances: the bound's k keeps the distances of all pairs, from dense and
// sparse rows.
func TestRandomProjectionDistances(t *testing.T) {
	const n, d, eps = 30, 1000, 0.4
	X := normals(1, n, d)
	for i := range X.Data {
		if X.Data[i] < 1 {
			X.Data[i] = 0
		}
	}
	s, err := sparse.FromDense[float64](X, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []decomp.RandomProjection{{Eps: eps}, {Eps: eps, Sparse: true}, {Eps: eps, Sparse: true, Density: 1}} {
		m, err := p.Fit(background, X, nil)
		if err != nil {
			t.Fatal(err)
		}
		k := m.Components()
		if want := decomp.JohnsonLindenstrauss(n, eps); k != want {
			t.Fatalf("%d components, want %d", k, want)
		}
		z := linalg.NewDense(n, k, must(t)(m.Transform(nil, X)))
		near(t, "sparse rows", must(t)(m.Transform(nil, s)), z.Data, 1e-12)
		basis := linalg.NewDense(k, d, m.Basis())
		for i := range n {
			if got, want := z.At(i, 3), linalg.Dot(basis.Row(3), X.Row(i)); math.Abs(got-want) > 1e-11 {
				t.Fatalf("row %d, component 3 is %v, want %v", i, got, want)
			}
			for j := range i {
				ratio := square(z.Row(i), z.Row(j)) / square(X.Row(i), X.Row(j))
				if math.Abs(ratio-1) > eps {
					t.Errorf("%+v: the squared distance of rows %d and %d changes by %v", p, i, j, ratio)
				}
			}
		}
	}
}

func square(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += (v - b[i]) * (v - b[i])
	}
	return sum
}

// TestRandomProjectionMoments: elements have mean 0 and variance 1/k, and as many as they should
// are not zero.
func TestRandomProjectionMoments(t *testing.T) {
	const d, k = 400, 100
	for _, p := range []decomp.RandomProjection{{Components: k}, {Components: k, Sparse: true}, {Components: k, Sparse: true, Density: 0.3}} {
		m, err := p.Fit(background, linalg.NewDense[float64](1, d, nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		mean, square, filled := 0.0, 0.0, 0
		for _, v := range m.Basis() {
			mean += v / (d * k)
			square += v * v / d
			if v != 0 {
				filled++
			}
		}
		if math.Abs(mean) > 5/math.Sqrt(d*k*k) || math.Abs(square-1) > 0.15 {
			t.Errorf("%+v: mean %v, variance %v of 1/k", p, mean, square)
		}
		want := 1.0
		if p.Sparse {
			want = max(p.Density, 1/math.Sqrt(d))
		}
		if share := float64(filled) / (d * k); math.Abs(share-want) > 0.01 {
			t.Errorf("%+v: a share of %v is not zero, want %v", p, share, want)
		}
	}
}

func TestRandomProjectionErrors(t *testing.T) {
	for text, p := range map[string]decomp.RandomProjection{
		"-1 components": {Components: -1}, "Eps is 1": {Eps: 1}, "Density is 2": {Density: 2},
	} {
		_, err := p.Fit(background, normals(1, 5, 3), nil)
		errorIs(t, err, gram.ErrParam, text)
	}
}
