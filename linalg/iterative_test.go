package linalg_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
)

// withSingular returns an m×n matrix with the given singular values.
func withSingular(m, n int, values []float64) *dense {
	r := floattest.Rand(uint64(m))
	u, v := orthogonal(r, m, len(values)), orthogonal(r, n, len(values))
	for i := range m {
		for j, x := range values {
			u.Row(i)[j] *= x
		}
	}
	return mul(blas.NoTrans, blas.Trans, u, v)
}

func TestRandomizedSVD(t *testing.T) {
	ctx := context.Background()
	values := make([]float64, 60)
	for i := range values {
		values[i] = math.Pow(0.7, float64(i))
	}
	for _, s := range [][2]int{{300, 90}, {90, 300}, {700, 60}} {
		a := withSingular(s[0], s[1], values)
		const k = 6
		f, err := linalg.RandomizedSVD{Workers: 1}.Decompose(ctx, a, k)
		if err != nil {
			t.Fatal(err)
		}
		orthonormal(t, "U", f.U)
		orthonormal(t, "V", f.V)
		for i, v := range f.Values {
			if math.Abs(v-values[i]) > 1e-12 {
				t.Errorf("singular value %d is %v, want %v", i, v, values[i])
			}
		}
		within(t, "A·V", mul(blas.NoTrans, blas.NoTrans, a, f.V), mul(blas.NoTrans, blas.NoTrans, f.U, linalg.NewDense(k, k, diagonal(f.Values))), 1)
		many, err := linalg.RandomizedSVD{Workers: 3}.Decompose(ctx, bare{a}, k)
		if err != nil || !slices.Equal(many.U.Data, f.U.Data) {
			t.Errorf("workers or the kind of matrix change the result (%v)", err)
		}
		rough, err := linalg.RandomizedSVD{PowerIterations: -1, Oversample: -1, Seed: 3}.Decompose(ctx, a, k)
		if err != nil || rough.Values[0] > 1+1e-12 || rough.Values[0] < 0.9 {
			t.Errorf("without iterations the first value is %v (%v)", rough.Values, err)
		}
	}
}

func diagonal(values []float64) []float64 {
	n := len(values)
	out := make([]float64, n*n)
	for i, v := range values {
		out[i*n+i] = v
	}
	return out
}

func TestRandomizedSVDErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	a := normals(1, 30, 20)
	_, err := linalg.RandomizedSVD{}.Decompose(ctx, a, 21)
	errorSays(t, err, gram.ErrParam, "21 singular values of a 30×20 matrix")
	a.Set(17, 3, math.NaN())
	_, err = linalg.RandomizedSVD{}.Decompose(ctx, a, 2)
	errorSays(t, err, gram.ErrNonFinite, "row 17, column 3 is NaN")
	cancel()
	if _, err = (linalg.RandomizedSVD{}).Decompose(ctx, normals(1, 30, 20), 2); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended gives %v", err)
	}
}

func TestLeadingEigen(t *testing.T) {
	ctx := context.Background()
	for name, values := range map[string][]float64{
		"even":     spectra(150)["even"],
		"graded":   spectra(150)["graded"],
		"rank 5":   spectra(150)["rank 5"],
		"zero":     spectra(150)["zero"],
		"equal":    spectra(150)["equal"],
		"small":    {3, -4, 1},
		"multiple": append([]float64{5, 5, 5, 4, 4}, spectra(100)["graded"]...),
	} {
		n := len(values)
		a := spectrum(floattest.Rand(5), values)
		want := slices.Clone(values)
		slices.SortStableFunc(want, func(x, y float64) int { return -cmpAbs(x, y) })
		k := min(3, n)
		want = want[:k]
		slices.Sort(want)
		slices.Reverse(want)
		f, err := linalg.LeadingEigen{Workers: 1}.Decompose(ctx, a, k)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		orthonormal(t, name, f.Vectors)
		for i, v := range f.Values {
			if math.Abs(v-want[i]) > 1e-9*math.Abs(want[0]) {
				t.Errorf("%s: eigenvalues %v, want %v", name, f.Values, want)
			}
		}
		many, err := linalg.LeadingEigen{Workers: 3}.Decompose(ctx, a, k)
		if err != nil || !slices.Equal(many.Vectors.Data, f.Vectors.Data) {
			t.Errorf("%s: workers change the result", name)
		}
	}
}

func cmpAbs(x, y float64) int {
	switch x, y = math.Abs(x), math.Abs(y); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func TestLeadingEigenErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	fails := func(target error, part string, l linalg.LeadingEigen, a gram.Matrix, k int) {
		t.Helper()
		_, err := l.Decompose(ctx, a, k)
		errorSays(t, err, target, part)
	}
	_, a := spd(200, 1)
	fails(gram.ErrShape, "eigenvalues of a 2×3", linalg.LeadingEigen{}, normals(1, 2, 3), 1)
	fails(gram.ErrParam, "201 eigenvalues of a matrix of order 200", linalg.LeadingEigen{}, a, 201)
	fails(gram.ErrParam, "Tolerance -1, MaxIter 0", linalg.LeadingEigen{Tolerance: -1}, a, 1)
	fails(gram.ErrParam, "Tolerance 0, MaxIter -1", linalg.LeadingEigen{MaxIter: -1}, a, 1)
	f, err := linalg.LeadingEigen{Tolerance: 1e-300, MaxIter: 1}.Decompose(ctx, a, 1)
	errorSays(t, err, gram.ErrNotConverged, "after 1 restarts")
	if f == nil || len(f.Values) != 1 {
		t.Error("no pairs come with the error")
	}
	a.Set(3, 4, math.Inf(1))
	fails(gram.ErrNonFinite, "row 3, column 4 is +Inf", linalg.LeadingEigen{}, a, 1)
	cancel()
	fails(context.Canceled, "", linalg.LeadingEigen{}, normals(1, 50, 50), 1)
}

func ExampleRandomizedSVD() {
	// 200×100 and of rank 2.
	a := linalg.NewDense[float64](200, 100, nil)
	for i := range 200 {
		for j := range 100 {
			a.Set(i, j, 1+float64(i%2)*float64(j%2))
		}
	}
	f, err := linalg.RandomizedSVD{}.Decompose(context.Background(), a, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f\n", f.Values)
	// Output: [185.12 27.01 0.00]
}

func ExampleLeadingEigen() {
	// The matrix of a chain of springs.
	const n = 100
	a := linalg.NewDense[float64](n, n, nil)
	for i := range n {
		a.Set(i, i, 2)
		if i > 0 {
			a.Set(i, i-1, -1)
			a.Set(i-1, i, -1)
		}
	}
	f, err := linalg.LeadingEigen{}.Decompose(context.Background(), a, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.5f\n", f.Values)
	// Output: [3.99903 3.99613 3.99130]
}
