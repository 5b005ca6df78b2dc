package linalg_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
)

type dense = linalg.Dense[float64]

func normals(seed uint64, m, n int) *dense {
	return linalg.NewDense(m, n, floattest.Normals(floattest.Rand(seed), make([]float64, m*n)))
}

func mul(tA, tB blas.Transpose, a, b *dense) *dense {
	m, _ := opDims(tA, a.Rows, a.Cols)
	_, n := opDims(tB, b.Rows, b.Cols)
	c := linalg.NewDense[float64](m, n, nil)
	linalg.Gemm(tA, tB, 1, a, b, 0, c)
	return c
}

// largest returns the largest magnitude in a, NaN if there is one.
func largest(a *dense) float64 {
	var s float64
	for i := range a.Rows {
		for _, v := range a.Row(i) {
			if !(math.Abs(v) <= s) {
				s = math.Abs(v)
			}
		}
	}
	return s
}

// distance returns the largest difference of two matrices.
func distance(a, b *dense) float64 {
	d := linalg.CopyOf[float64](a)
	for i := range d.Rows {
		linalg.Axpy(-1, b.Row(i), d.Row(i))
	}
	return largest(d)
}

func identity(n int) *dense {
	m := linalg.NewDense[float64](n, n, nil)
	for i := range n {
		m.Set(i, i, 1)
	}
	return m
}

// within fails unless a and b agree to c·n·eps·scale.
func within(t *testing.T, what string, a, b *dense, scale float64) {
	t.Helper()
	n := max(a.Rows, a.Cols, b.Rows, 4)
	if d := distance(a, b); !(d <= 10*float64(n)*0x1p-52*scale) {
		t.Fatalf("%s: off by %.3g, %.3g·n·eps of %.3g", what, d, d/(float64(n)*0x1p-52*scale), scale)
	}
}

// orthonormal fails unless the columns of q are.
func orthonormal(t *testing.T, what string, q *dense) {
	t.Helper()
	qtq := mul(blas.Trans, blas.NoTrans, q, q)
	n := float64(max(q.Rows, q.Cols, 4))
	if d := distance(qtq, identity(q.Cols)); !(d <= 5*n*0x1p-52) {
		t.Fatalf("%s: orthonormal to %.3g, %.3g·n·eps", what, d, d/(n*0x1p-52))
	}
}

// orthogonal returns a random m×n matrix of orthonormal columns, by Gram and Schmidt twice.
func orthogonal(r *rand.Rand, m, n int) *dense {
	qt := linalg.NewDense(n, m, floattest.Normals(r, make([]float64, m*n)))
	for i := range n {
		x := qt.Row(i)
		for range 2 {
			for p := range i {
				linalg.Axpy(-linalg.Dot(x, qt.Row(p)), qt.Row(p), x)
			}
		}
		linalg.Scal(1/linalg.Nrm2(x), x)
	}
	return linalg.CopyOf[float64](qt.T())
}

// spectrum returns Q·diag(values)·Qᵀ, exactly symmetric.
func spectrum(r *rand.Rand, values []float64) *dense {
	q := orthogonal(r, len(values), len(values))
	s := linalg.CopyOf[float64](q)
	for i := range s.Rows {
		for j, v := range values {
			s.Row(i)[j] *= v
		}
	}
	a := mul(blas.NoTrans, blas.Trans, s, q)
	for i := range a.Rows {
		for j := range i {
			a.Set(i, j, a.At(j, i))
		}
	}
	return a
}

// errorSays fails unless err wraps target and its text holds part.
func errorSays(t *testing.T, err, target error, part string) {
	t.Helper()
	if !errors.Is(err, target) || !strings.Contains(fmt.Sprint(err), part) {
		t.Errorf("error %v, want %v with %q", err, target, part)
	}
}

var scales = []float64{1, 1e-150, 1e150}

// spd returns a well-conditioned matrix with NaN below the diagonal, and the whole of it.
func spd(n int, scale float64) (upper, full *dense) {
	x := normals(uint64(n), n+5, n)
	full = mul(blas.Trans, blas.NoTrans, x, x)
	linalg.Scal(scale, full.Data)
	upper = linalg.CopyOf[float64](full)
	for i := range n {
		for j := range i {
			upper.Set(i, j, math.NaN())
		}
	}
	return upper, full
}

func TestCholesky(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, n := range fewer([]int{0, 1, 2, 5, 31, 32, 33, 65, 150}) {
			for _, scale := range fewer(scales) {
				upper, full := spd(n, scale)
				c, err := linalg.NewCholesky(1, upper)
				if err != nil {
					t.Fatal(err)
				}
				u := c.U()
				within(t, "Uᵀ·U", mul(blas.Trans, blas.NoTrans, u, u), full, largest(full))
				x := normals(3, n, 4)
				b := mul(blas.NoTrans, blas.NoTrans, full, x)
				got := c.Solve(0, nil, b)
				within(t, "Solve", mul(blas.NoTrans, blas.NoTrans, full, got), b, largest(full)*max(1, largest(got))*float64(n))
				column := make([]float64, n)
				for i := range column {
					column[i] = b.At(i, 0)
				}
				for i, v := range c.SolveVec(nil, column) {
					if math.Abs(v-got.At(i, 0)) > 1e-9*largest(got) {
						t.Fatalf("SolveVec gives %v, Solve %v", v, got.At(i, 0))
					}
				}
				many, err := linalg.NewCholesky(3, upper)
				if err != nil || !slices.Equal(many.U().Data, u.Data) {
					t.Fatalf("n=%d: workers change the result (%v)", n, err)
				}
			}
		}
	})
}

func TestCholeskyOfKnown(t *testing.T) {
	values := []float64{1, 2, 4, 1000}
	c, err := linalg.NewCholesky(1, spectrum(floattest.Rand(1), values))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.LogDet(), math.Log(8000); math.Abs(got-want) > 1e-12 {
		t.Errorf("LogDet is %v, want %v", got, want)
	}
	if k := c.Cond(); k < 300 || k > 4000 {
		t.Errorf("Cond is %v for a spectral condition of 1000", k)
	}
	empty, err := linalg.NewCholesky(1, &dense{})
	if err != nil || empty.LogDet() != 0 || empty.Cond() != 1 {
		t.Error("the empty matrix has another determinant or condition than 1")
	}
}

func TestCholeskyErrors(t *testing.T) {
	_, full := spd(40, 1)
	bad := linalg.CopyOf[float64](full)
	bad.Set(35, 35, -1)
	_, err := linalg.NewCholesky(1, bad)
	errorSays(t, err, gram.ErrSingular, "in column 35, where A has -1")
	// Column 36 is the sum of the first two.
	x := normals(5, 60, 40)
	for i := range x.Rows {
		x.Set(i, 36, x.At(i, 0)+x.At(i, 1))
	}
	_, err = linalg.NewCholesky(1, mul(blas.Trans, blas.NoTrans, x, x))
	errorSays(t, err, gram.ErrSingular, "in column 36")
	_, err = linalg.NewCholesky(1, linalg.NewDense[float64](3, 3, nil))
	errorSays(t, err, gram.ErrSingular, "pivot 0 in column 0")
	bad = linalg.CopyOf[float64](full)
	bad.Set(3, 7, math.NaN())
	_, err = linalg.NewCholesky(1, bad)
	errorSays(t, err, gram.ErrNonFinite, "row 3, column 7 is NaN")
	panics(t, "Cholesky of 2×3", func() { linalg.NewCholesky(1, linalg.NewDense[float64](2, 3, nil)) })
	c, _ := linalg.NewCholesky(1, full)
	panics(t, "Cholesky.Solve of order 40 with 3 rows", func() { c.Solve(1, nil, linalg.NewDense[float64](3, 1, nil)) })
	panics(t, "Cholesky.Solve into 1×1, want 40×2", func() { c.Solve(1, linalg.NewDense[float64](1, 1, nil), linalg.NewDense[float64](40, 2, nil)) })
	panics(t, "Cholesky.SolveVec of 3 elements into 40", func() { c.SolveVec(nil, make([]float64, 3)) })
}

func TestLU(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, n := range fewer([]int{0, 1, 2, 7, 8, 9, 33, 64, 65, 150}) {
			for _, scale := range fewer(scales) {
				a := normals(uint64(n), n, n)
				linalg.Scal(scale, a.Data)
				f, err := linalg.NewLU(1, a)
				if err != nil {
					t.Fatal(err)
				}
				l, u, perm := f.LU()
				pa := linalg.NewDense[float64](n, n, nil)
				for i, p := range perm {
					copy(pa.Row(i), a.Row(p))
				}
				within(t, fmt.Sprint("L·U n=", n), mul(blas.NoTrans, blas.NoTrans, l, u), pa, max(1, float64(n)/8)*scale)
				if n > 0 && largest(l) > 1 {
					t.Fatalf("L holds %v", largest(l))
				}
				x := normals(3, n, 4)
				b := mul(blas.NoTrans, blas.NoTrans, a, x)
				got := f.Solve(0, nil, b)
				within(t, "Solve", mul(blas.NoTrans, blas.NoTrans, a, got), b, scale*max(1, largest(got))*float64(n))
				column := make([]float64, n)
				for i := range column {
					column[i] = b.At(i, 1)
				}
				for i, v := range f.SolveVec(nil, column) {
					if math.Abs(v-got.At(i, 1)) > 1e-8*largest(got) {
						t.Fatalf("SolveVec gives %v, Solve %v", v, got.At(i, 1))
					}
				}
				many, _ := linalg.NewLU(3, a)
				_, u3, _ := many.LU()
				if !slices.Equal(u3.Data, u.Data) {
					t.Fatal("workers change the result")
				}
				if n > 0 {
					var ref mat.LU
					ref.Factorize(linalg.ToGonum(a))
					det, sign := f.LogDet()
					want, wantSign := ref.LogDet()
					if sign != wantSign || math.Abs(det-want) > 1e-9*(1+math.Abs(want)) {
						t.Fatalf("LogDet is %v, %v, gonum has %v, %v", det, sign, want, wantSign)
					}
					if k := f.Cond(); math.Abs(k-mat.Cond(linalg.ToGonum(a), 1)) > 0.7*k {
						t.Errorf("Cond is %v, gonum has %v", k, mat.Cond(linalg.ToGonum(a), 1))
					}
				}
			}
		}
	})
}

func TestLUErrors(t *testing.T) {
	a := normals(1, 20, 20)
	for i := range 20 {
		a.Set(i, 12, 0)
	}
	_, err := linalg.NewLU(1, a)
	errorSays(t, err, gram.ErrSingular, "zero pivot in column 12")
	a.Set(4, 5, math.Inf(-1))
	_, err = linalg.NewLU(1, a)
	errorSays(t, err, gram.ErrNonFinite, "row 4, column 5 is -Inf")
	panics(t, "LU of 2×3", func() { linalg.NewLU(1, linalg.NewDense[float64](2, 3, nil)) })
	f, err := linalg.NewLU(1, linalg.NewDense(1, 1, []float64{5e-324}))
	if err != nil || f.SolveVec(nil, []float64{5e-324})[0] != 1 {
		t.Error("the smallest number does not divide itself")
	}
}

func TestQR(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, s := range fewer([][2]int{{0, 0}, {0, 3}, {3, 0}, {1, 1}, {1, 5}, {5, 1}, {8, 8}, {9, 9}, {40, 17}, {17, 40}, {70, 70}, {150, 130}, {130, 150}}) {
			for _, scale := range fewer(scales) {
				m, n := s[0], s[1]
				a := normals(uint64(m), m, n)
				linalg.Scal(scale, a.Data)
				f, err := linalg.NewQR(1, a)
				if err != nil {
					t.Fatal(err)
				}
				q, r := f.Q(1), f.R()
				orthonormal(t, fmt.Sprint("Q of ", s), q)
				within(t, fmt.Sprint("Q·R of ", s), mul(blas.NoTrans, blas.NoTrans, q, r), a, scale*math.Sqrt(float64(m+1)))
				for i := range r.Rows {
					for j := range i {
						if r.At(i, j) != 0 {
							t.Fatal("R is not upper triangular")
						}
					}
				}
				many, _ := linalg.NewQR(3, a)
				if !slices.Equal(many.R().Data, r.Data) || !slices.Equal(many.Q(3).Data, q.Data) {
					t.Fatal("workers change the result")
				}
				if m < n || n == 0 {
					continue
				}
				b := normals(9, m, 3)
				x, err := f.Solve(1, nil, b)
				if err != nil {
					t.Fatal(err)
				}
				// The residual is orthogonal to the columns.
				res := mul(blas.NoTrans, blas.NoTrans, a, x)
				for i := range m {
					linalg.Axpy(-1, b.Row(i), res.Row(i))
				}
				within(t, "Aᵀ·residual", mul(blas.Trans, blas.NoTrans, a, res), linalg.NewDense[float64](n, 3, nil), scale*float64(m)*(1+scale*largest(x)))
			}
		}
	})
}

func TestQRErrors(t *testing.T) {
	x := normals(5, 60, 40)
	for i := range x.Rows {
		x.Set(i, 36, x.At(i, 0)+x.At(i, 1))
	}
	f, err := linalg.NewQR(1, x)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Solve(1, nil, normals(1, 60, 1))
	errorSays(t, err, gram.ErrSingular, "column 36 depends on those before it")
	panics(t, "QR.Solve of order 60 with 59 rows", func() { f.Solve(1, nil, normals(1, 59, 1)) })
	wide, _ := linalg.NewQR(1, normals(1, 3, 5))
	panics(t, "QR.Solve of 3×5", func() { wide.Solve(1, nil, normals(1, 3, 1)) })
	x.Set(1, 2, math.NaN())
	_, err = linalg.NewQR(1, x)
	errorSays(t, err, gram.ErrNonFinite, "row 1, column 2 is NaN")
}
