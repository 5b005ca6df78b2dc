package linalg_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"

	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
)

func mustCovariance(t *testing.T, workers int, x gram.Matrix, w []float64) *linalg.Covariance {
	t.Helper()
	c, err := linalg.NewCovariance(workers, x, w)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCovariance(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, s := range [][2]int{{1, 1}, {2, 3}, {50, 4}, {4001, 37}} {
			n, d := s[0], s[1]
			x := normals(uint64(n), n, d)
			w := make([]float64, n)
			r := floattest.Rand(2)
			for i := range w {
				w[i] = float64(r.IntN(3))
			}
			w[0] = 1
			c := mustCovariance(t, 1, x, nil)
			if n > 1 {
				var want mat.SymDense
				stat.CovarianceMatrix(&want, linalg.ToGonum(x), nil)
				within(t, "unweighted", c.Matrix(1), linalg.CopyOf[float64](&want), 1)
			}
			for j := range d {
				for i := range d {
					if c.Scatter.At(i, j) != c.Scatter.At(j, i) {
						t.Fatal("the scatter is not symmetric")
					}
				}
			}
			// Integer weights are repeated rows.
			var rows []float64
			for i, v := range w {
				for range int(v) {
					rows = append(rows, x.Row(i)...)
				}
			}
			weighted, repeated := mustCovariance(t, 1, x, w), mustCovariance(t, 1, linalg.NewDense(len(rows)/d, d, rows), nil)
			within(t, "weighted", weighted.Scatter, repeated.Scatter, repeated.Weight)
			within(t, "weighted mean", linalg.NewDense(1, d, weighted.Mean), linalg.NewDense(1, d, repeated.Mean), 1)

			for name, m := range map[string]gram.Matrix{"gonum": linalg.ToGonum(x), "bare": bare{x}, "viewer": viewer{bare{x}}} {
				for _, workers := range []int{1, 3} {
					if o := mustCovariance(t, workers, m, w); !slices.Equal(o.Scatter.Data, weighted.Scatter.Data) || !slices.Equal(o.Mean, weighted.Mean) {
						t.Fatalf("%s on %d workers gives other bits", name, workers)
					}
				}
			}
		}
	})
}

// Integers shifted by 1e8 have exactly the same differences.
func TestCovarianceShifted(t *testing.T) {
	const n, d = 3000, 20
	x := linalg.NewDense(n, d, floattest.Ints(floattest.Rand(3), make([]float64, n*d)))
	for i := range n {
		x.Set(i, 5, 7)
	}
	shifted := linalg.CopyOf[float64](x)
	for i := range shifted.Data {
		shifted.Data[i] += 1e8
	}
	a, b := mustCovariance(t, 1, x, nil), mustCovariance(t, 1, shifted, nil)
	if d := distance(a.Matrix(0), b.Matrix(0)); d > 1e-9 {
		t.Errorf("a shift by 1e8 changes covariances by %v", d)
	}
	for j := range d {
		if a.Scatter.At(5, j) != 0 || b.Scatter.At(5, j) != 0 {
			t.Fatalf("a constant column has scatter %v and %v", a.Scatter.At(5, j), b.Scatter.At(5, j))
		}
	}
}

// What rows are taken less does not show in their moments, however far the first of them lie:
// two passes over each pair of columns give the same.
func TestCovarianceFarStart(t *testing.T) {
	const n, d = 5000, 6
	first := map[string]func(i int, w []float64, row []float64){
		"of little weight": func(i int, w, row []float64) {
			if w[i] = 1; i < 300 {
				w[i] = 1e-16
				linalg.Axpy(1e7, []float64{1, 2, 3, 4, 5, 6}, row)
			}
		},
		"of no weight": func(i int, w, row []float64) {
			if w[i] = 1; i < 300 {
				w[i] = 0
				linalg.Axpy(1e9, []float64{1, 2, 3, 4, 5, 6}, row)
			}
		},
		"of a trend": func(i int, w, row []float64) {
			w[i] = float64(i % 3)
			linalg.Axpy(float64(i), []float64{1, 2, -1, 0, 1e3, 1e-3}, row)
		},
	}
	floattest.Levels(t, func(t *testing.T) {
		for name, change := range first {
			x, w := normals(9, n, d), make([]float64, n)
			for i := range n {
				change(i, w, x.Row(i))
			}
			c := mustCovariance(t, 2, x, w)
			mean := make([]float64, d)
			for range 2 { // the second pass takes what rounding left in the first
				step := make([]float64, d)
				for i := range n {
					for j, v := range x.Row(i) {
						step[j] += w[i] * (v - mean[j])
					}
				}
				linalg.Axpy(1/linalg.Sum(w), step, mean)
			}
			for j := range d {
				for k := range d {
					sum, size := 0.0, 0.0
					for i := range n {
						v := w[i] * (x.At(i, j) - mean[j]) * (x.At(i, k) - mean[k])
						sum += v
						size += math.Abs(v)
					}
					if diff := math.Abs(c.Scatter.At(j, k) - sum); diff > 1e-12*size {
						t.Errorf("%s: the scatter of columns %d and %d is off by %v of %v", name, j, k, diff, size)
					}
				}
			}
		}
	})
}

func TestCovarianceMerge(t *testing.T) {
	x := normals(4, 500, 6)
	whole := mustCovariance(t, 1, x, nil)
	var sum linalg.Covariance
	for _, s := range [][2]int{{0, 1}, {1, 300}, {300, 500}} {
		if err := sum.Merge(mustCovariance(t, 1, x.Slice(s[0], s[1], 0, 6), nil)); err != nil {
			t.Fatal(err)
		}
	}
	if sum.Weight != 500 {
		t.Errorf("the weight is %v", sum.Weight)
	}
	within(t, "merged", sum.Scatter, whole.Scatter, 500)
	if err := sum.Merge(&linalg.Covariance{}); err != nil || sum.Weight != 500 {
		t.Error("an empty part changes something")
	}
	errorSays(t, sum.Merge(mustCovariance(t, 1, normals(1, 3, 2), nil)), gram.ErrShape, "covariance of 6 columns, the other of 2")
	before := append([]float64(nil), sum.Scatter.Data...)
	errorSays(t, sum.Add(1, normals(1, 3, 2), nil), gram.ErrShape, "X has 2 columns, the covariance 6")
	bad := normals(1, 3, 6)
	bad.Set(1, 2, math.Inf(1))
	errorSays(t, sum.Add(1, bad, nil), gram.ErrNonFinite, "row 1, column 2 is +Inf")
	if sum.Weight != 500 || !slices.Equal(sum.Scatter.Data, before) {
		t.Error("rows that were refused show in the moments")
	}
	var added linalg.Covariance
	for _, s := range [][2]int{{0, 1}, {1, 300}, {300, 500}} {
		if err := added.Add(1, x.Slice(s[0], s[1], 0, 6), nil); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(added.Scatter.Data, sum.Scatter.Data) || !slices.Equal(added.Mean, sum.Mean) {
		t.Error("Add and Merge differ")
	}
}

func TestCovarianceErrors(t *testing.T) {
	x := normals(4, 50, 6)
	fails := func(target error, part string, x gram.Matrix, w []float64) {
		t.Helper()
		_, err := linalg.NewCovariance(1, x, w)
		errorSays(t, err, target, part)
	}
	fails(gram.ErrShape, "X is 0×3", linalg.NewDense[float64](0, 3, nil), nil)
	fails(gram.ErrShape, "X has 50 rows, w 2 elements", x, make([]float64, 2))
	fails(gram.ErrWeights, "weights add up to 0", x, make([]float64, 50))
	w := make([]float64, 50)
	w[7] = math.NaN()
	fails(gram.ErrWeights, "weight 7 is NaN", x, w)
	w[7] = 1
	x.Set(20, 3, math.NaN())
	fails(gram.ErrNonFinite, "row 20, column 3 is NaN", x, nil)
	fails(gram.ErrNonFinite, "row 20, column 3 is NaN", x, w) // though its weight is 0
	x.Set(20, 3, math.MaxFloat64)
	fails(gram.ErrNonFinite, "overflow", x, nil)
}

func ExampleCovariance() {
	x := linalg.NewDense(3, 2, []float64{
		1e8 + 1, 1,
		1e8 + 2, 3,
		1e8 + 3, 5,
	})
	c, err := linalg.NewCovariance(0, x, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Mean[1], c.Matrix(1).Data)
	// Output: 3 [1 2 2 4]
}
