package linalg_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
)

// checkEigen fails unless f holds eigenpairs of a, in order.
func checkEigen(t *testing.T, what string, a *dense, f *linalg.SymEigen) {
	t.Helper()
	scale := 0.0
	for _, v := range f.Values {
		scale = max(scale, math.Abs(v))
	}
	scale = max(scale, largest(a))
	orthonormal(t, what, f.Vectors)
	av := mul(blas.NoTrans, blas.NoTrans, a, f.Vectors)
	vd := linalg.CopyOf[float64](f.Vectors)
	for i := range vd.Rows {
		for j, v := range f.Values {
			vd.Row(i)[j] *= v
		}
	}
	within(t, what+": A·V", av, vd, scale)
	for i := 1; i < len(f.Values); i++ {
		if f.Values[i-1] < f.Values[i] {
			t.Fatalf("%s: eigenvalue %d is %v after %v", what, i, f.Values[i], f.Values[i-1])
		}
	}
}

// spectra are the kinds of spectrum under test, the largest value first.
func spectra(n int) map[string][]float64 {
	out := map[string][]float64{}
	fill := func(name string, f func(i int) float64) {
		x := make([]float64, n)
		for i := range x {
			x[i] = f(i)
		}
		slices.Sort(x)
		slices.Reverse(x)
		out[name] = x
	}
	fill("even", func(i int) float64 { return float64(i - n/3) })
	fill("graded", func(i int) float64 { return math.Pow(10, -float64(i)*20/float64(n)) })
	fill("clustered", func(i int) float64 { return float64(1+i%3) + 1e-13*float64(i) })
	fill("one large", func(i int) float64 { return []float64{1e-9, 1}[max(0, 1-i)] })
	fill("rank 5", func(i int) float64 { return float64(max(0, 5-i)) })
	fill("equal", func(int) float64 { return -3 })
	fill("zero", func(int) float64 { return 0 })
	return out
}

func TestSymEigenSpectra(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, n := range fewer([]int{1, 2, 3, 33, 131, 64}) {
			for name, values := range spectra(n) {
				for _, scale := range fewer(scales) {
					want := append([]float64(nil), values...)
					linalg.Scal(scale, want)
					a := spectrum(floattest.Rand(uint64(n)), want)
					f, err := linalg.NewSymEigen(1, a, n)
					if err != nil {
						t.Fatal(err)
					}
					what := fmt.Sprintf("%s n=%d scale=%v", name, n, scale)
					checkEigen(t, what, a, f)
					within(t, what, linalg.NewDense(n, 1, f.Values), linalg.NewDense(n, 1, want), math.Max(want[0], -want[n-1]))
				}
			}
		}
	})
}

// Matrices that are tridiagonal, or diagonal, already, with known or repeated structure.
func TestSymEigenTridiagonal(t *testing.T) {
	const n = 200
	second, glued, diagonal, coupled := linalg.NewDense[float64](n, n, nil), linalg.NewDense[float64](n, n, nil), linalg.NewDense[float64](n, n, nil), linalg.NewDense[float64](n, n, nil)
	for i := range n {
		second.Set(i, i, 2)
		glued.Set(i, i, math.Abs(float64(i%21-10)))
		diagonal.Set(i, i, float64(i*7%n))
		coupled.Set(i, i, float64(i))
		if i+1 < n {
			second.Set(i, i+1, -1)
			second.Set(i+1, i, -1)
			g := 1.0
			if i%21 == 20 {
				g = 1e-14
			}
			glued.Set(i, i+1, g)
			glued.Set(i+1, i, g)
			c := -math.Pow(2, -float64(i%60))
			coupled.Set(i, i+1, c)
			coupled.Set(i+1, i, c)
		}
	}
	for name, a := range map[string]*dense{"second difference": second, "glued Wilkinson": glued, "diagonal": diagonal, "coupled": coupled} {
		f, err := linalg.NewSymEigen(1, a, n)
		if err != nil {
			t.Fatal(err)
		}
		checkEigen(t, name, a, f)
		if name == "second difference" {
			for j, v := range f.Values {
				want := 2 - 2*math.Cos(math.Pi*float64(n-j)/(n+1))
				if math.Abs(v-want) > 1e-13 {
					t.Fatalf("eigenvalue %d is %v, want %v", j, v, want)
				}
			}
		}
	}
}

func TestSymEigen(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, n := range fewer([]int{40, 66, 259, 130}) {
			_, a := spd(n, 1)
			upper := linalg.CopyOf[float64](a)
			for i := range n {
				for j := range i {
					upper.Set(i, j, math.NaN())
				}
			}
			f, err := linalg.NewSymEigen(1, upper, n)
			if err != nil {
				t.Fatal(err)
			}
			checkEigen(t, fmt.Sprint(n), a, f)
			part, err := linalg.NewSymEigen(3, upper, 7)
			if err != nil {
				t.Fatal(err)
			}
			checkEigen(t, fmt.Sprint(7, " of ", n), a, part)
			if !slices.Equal(part.Values, f.Values[:7]) {
				t.Fatal("the largest eigenvalues are others than those of all")
			}
			many, _ := linalg.NewSymEigen(3, upper, n)
			if !slices.Equal(many.Vectors.Data, f.Vectors.Data) {
				t.Fatal("workers change the result")
			}
			var ref mat.EigenSym
			if !ref.Factorize(mat.NewSymDense(n, a.Data), false) {
				t.Fatal("gonum's iteration fails")
			}
			want := ref.Values(nil)
			slices.Reverse(want)
			within(t, "gonum's values", linalg.NewDense(n, 1, f.Values), linalg.NewDense(n, 1, want), f.Values[0])
		}
	})
}

// Above the order from which the product with the matrix runs in stripes.
func TestSymEigenLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("a large matrix")
	}
	const n = 900
	_, a := spd(n, 1)
	f, err := linalg.NewSymEigen(1, a, n)
	if err != nil {
		t.Fatal(err)
	}
	checkEigen(t, "large", a, f)
	many, _ := linalg.NewSymEigen(2, a, n)
	if !slices.Equal(many.Vectors.Data, f.Vectors.Data) {
		t.Fatal("workers change the result")
	}
}

func TestSymEigenEdges(t *testing.T) {
	f, err := linalg.NewSymEigen(1, &dense{}, 0)
	if err != nil || len(f.Values) != 0 || f.Vectors.Rows != 0 {
		t.Errorf("the empty matrix has eigenvalues %v (%v)", f.Values, err)
	}
	f, err = linalg.NewSymEigen(1, normals(1, 5, 5), 0)
	if err != nil || len(f.Values) != 0 || f.Vectors.Rows != 5 || f.Vectors.Cols != 0 {
		t.Errorf("no eigenvalues are %v (%v)", f.Values, err)
	}
	a := normals(1, 4, 4)
	a.Set(1, 2, math.Inf(1))
	_, err = linalg.NewSymEigen(1, a, 4)
	errorSays(t, err, gram.ErrNonFinite, "row 1, column 2 is +Inf")
	panics(t, "SymEigen of 2×3", func() { linalg.NewSymEigen(1, normals(1, 2, 3), 2) })
	panics(t, "5 eigenvalues of a matrix of order 4", func() { linalg.NewSymEigen(1, normals(1, 4, 4), 5) })
}

func ExampleSymEigen() {
	a := linalg.NewDense(3, 3, []float64{
		2, 1, 0,
		1, 2, 0,
		0, 0, 5,
	})
	f, err := linalg.NewSymEigen(1, a, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.3f\n", f.Values)
	for i := range 3 {
		fmt.Printf("%.3f\n", math.Abs(f.Vectors.At(i, 1)))
	}
	// Output:
	// [5.000 3.000]
	// 0.707
	// 0.707
	// 0.000
}
