package linalg_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
)

// checkSVD fails unless f is the decomposition of a.
func checkSVD(t *testing.T, what string, a *dense, f *linalg.SVD) {
	t.Helper()
	orthonormal(t, what+": U", f.U)
	orthonormal(t, what+": V", f.V)
	us := linalg.CopyOf[float64](f.U)
	for i := range us.Rows {
		for j, v := range f.Values {
			us.Row(i)[j] *= v
		}
	}
	scale := 0.0
	for i, v := range f.Values {
		scale = max(scale, v)
		if v < 0 || i > 0 && f.Values[i-1] < v {
			t.Fatalf("%s: singular value %d is %v", what, i, v)
		}
	}
	within(t, what, mul(blas.NoTrans, blas.Trans, us, f.V), a, scale)
}

func TestSVDSpectra(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, s := range fewer([][2]int{{1, 1}, {5, 5}, {90, 90}, {40, 70}, {70, 40}}) {
			m, n := s[0], s[1]
			k := min(m, n)
			for name, values := range spectra(k) {
				for _, scale := range fewer(scales) {
					want := make([]float64, k)
					for i, v := range values {
						want[i] = math.Abs(v) * scale
					}
					slices.Sort(want)
					slices.Reverse(want)
					r := floattest.Rand(uint64(m))
					u, v := orthogonal(r, m, k), orthogonal(r, n, k)
					for i := range m {
						for j, x := range want {
							u.Row(i)[j] *= x
						}
					}
					a := mul(blas.NoTrans, blas.Trans, u, v)
					f, err := linalg.NewSVD(1, a)
					if err != nil {
						t.Fatal(err)
					}
					what := fmt.Sprintf("%s %d×%d scale=%v", name, m, n, scale)
					checkSVD(t, what, a, f)
					within(t, what, linalg.NewDense(k, 1, f.Values), linalg.NewDense(k, 1, want), want[0])
				}
			}
		}
	})
}

func TestSVD(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, s := range [][2]int{{1, 7}, {7, 1}, {200, 30}, {130, 130}, {30, 200}} {
			a := normals(uint64(s[0]), s[0], s[1])
			f, err := linalg.NewSVD(1, a)
			if err != nil {
				t.Fatal(err)
			}
			checkSVD(t, fmt.Sprint(s), a, f)
			many, _ := linalg.NewSVD(3, a)
			if !slices.Equal(many.U.Data, f.U.Data) || !slices.Equal(many.V.Data, f.V.Data) {
				t.Fatal("workers change the result")
			}
		}
	})
}

// Matrices whose columns are of very different lengths, and one of a famous spectrum.
func TestSVDGraded(t *testing.T) {
	const n = 60
	a, hilbert := normals(1, n, n), linalg.NewDense[float64](n, n, nil)
	for i := range n {
		for j := range n {
			a.Row(i)[j] *= math.Pow(10, -float64(j)/3)
			hilbert.Set(i, j, 1/float64(i+j+1))
		}
	}
	for name, a := range map[string]*dense{"columns": a, "rows": linalg.CopyOf[float64](a.T()), "Hilbert": hilbert} {
		f, err := linalg.NewSVD(1, a)
		if err != nil {
			t.Fatal(err)
		}
		checkSVD(t, name, a, f)
	}
}

func TestSVDEdges(t *testing.T) {
	for _, s := range [][2]int{{0, 0}, {0, 3}, {3, 0}} {
		f, err := linalg.NewSVD(1, linalg.NewDense[float64](s[0], s[1], nil))
		if err != nil || len(f.Values) != 0 || f.U.Rows != s[0] || f.V.Rows != s[1] {
			t.Errorf("%v gives %+v (%v)", s, f, err)
		}
	}
	a := normals(1, 4, 3)
	a.Set(3, 1, math.NaN())
	_, err := linalg.NewSVD(1, a)
	errorSays(t, err, gram.ErrNonFinite, "row 3, column 1 is NaN")
}

func ExampleSVD() {
	a := linalg.NewDense(3, 2, []float64{
		3, 0,
		0, 0,
		0, -4,
	})
	f, err := linalg.NewSVD(1, a)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f\n", f.Values)
	// Output: [4.0 3.0]
}
