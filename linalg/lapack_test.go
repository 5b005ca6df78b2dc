package linalg_test

import (
	"fmt"
	"testing"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/gonum"
	"gonum.org/v1/gonum/lapack/testlapack"
	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram/linalg"
)

// gonum's tests of its factorizations pass when these run on BLAS.
func TestLapackOnBLAS(t *testing.T) {
	if testing.Short() {
		t.Skip("gonum's tests of LAPACK take seconds")
	}
	defer blas64.Use(blas64.Implementation())
	blas64.Use(linalg.BLAS{})
	impl := gonum.Implementation{}
	for name, f := range map[string]func(*testing.T){
		"dpotrf": func(t *testing.T) { testlapack.DpotrfTest(t, impl) },
		"dpotri": func(t *testing.T) { testlapack.DpotriTest(t, impl) },
		"dpocon": func(t *testing.T) { testlapack.DpoconTest(t, impl) },
		"dpstrf": func(t *testing.T) { testlapack.DpstrfTest(t, impl) },
		"dgetrf": func(t *testing.T) { testlapack.DgetrfTest(t, impl) },
		"dgetri": func(t *testing.T) { testlapack.DgetriTest(t, impl) },
		"dgetrs": func(t *testing.T) { testlapack.DgetrsTest(t, impl) },
		"dgecon": func(t *testing.T) { testlapack.DgeconTest(t, impl) },
		"dgeqrf": func(t *testing.T) { testlapack.DgeqrfTest(t, impl) },
		"dgelqf": func(t *testing.T) { testlapack.DgelqfTest(t, impl) },
		"dgeqp3": func(t *testing.T) { testlapack.Dgeqp3Test(t, impl) },
		"dgels":  func(t *testing.T) { testlapack.DgelsTest(t, impl) },
		"dorgqr": func(t *testing.T) { testlapack.DorgqrTest(t, impl) },
		"dormqr": func(t *testing.T) { testlapack.DormqrTest(t, impl) },
		"dsytrd": func(t *testing.T) { testlapack.DsytrdTest(t, impl) },
		"dsyev":  func(t *testing.T) { testlapack.DsyevTest(t, impl) },
		"dgebrd": func(t *testing.T) { testlapack.DgebrdTest(t, impl) },
		"dlauum": func(t *testing.T) { testlapack.DlauumTest(t, impl) },
		"dtrtri": func(t *testing.T) { testlapack.DtrtriTest(t, impl) },
		"dgehrd": func(t *testing.T) { testlapack.DgehrdTest(t, impl) },
		"dbdsqr": func(t *testing.T) { testlapack.DbdsqrTest(t, impl) },
		"dorgbr": func(t *testing.T) { testlapack.DorgbrTest(t, impl) },
		"dormbr": func(t *testing.T) { testlapack.DormbrTest(t, impl) },
		"dorglq": func(t *testing.T) { testlapack.DorglqTest(t, impl) },
	} {
		t.Run(name, f)
	}
}

// gonum's singular value decomposition, whose parts the suites above test, on BLAS: by all
// its ways, square, tall and wide, for each choice of vectors and at extreme scales.
func TestGonumSVDOnBLAS(t *testing.T) {
	defer blas64.Use(blas64.Implementation())
	blas64.Use(linalg.BLAS{})
	for _, s := range [][2]int{{1, 9}, {9, 1}, {60, 60}, {70, 60}, {60, 70}, {150, 40}, {40, 150}} {
		for _, scale := range scales {
			a := normals(uint64(s[0]), s[0], s[1])
			linalg.Scal(scale, a.Data)
			var thin, full, left, right, none mat.SVD
			for kind, f := range map[mat.SVDKind]*mat.SVD{mat.SVDThin: &thin, mat.SVDFull: &full, mat.SVDThinU: &left, mat.SVDThinV: &right, mat.SVDNone: &none} {
				if !f.Factorize(linalg.ToGonum(a), kind) {
					t.Fatalf("%v scale=%v kind %v does not converge", s, scale, kind)
				}
			}
			what := fmt.Sprintf("%v scale=%v", s, scale)
			values := thin.Values(nil)
			u, v := new(mat.Dense), new(mat.Dense)
			thin.UTo(u)
			thin.VTo(v)
			checkSVD(t, what, a, &linalg.SVD{U: linalg.CopyOf[float64](u), Values: values, V: linalg.CopyOf[float64](v)})
			want := linalg.NewDense(len(values), 1, values)
			for _, f := range []*mat.SVD{&full, &left, &right, &none} {
				within(t, what, linalg.NewDense(len(values), 1, f.Values(nil)), want, values[0])
			}
			k := len(values)
			for _, side := range []struct {
				f    *mat.SVD
				to   func(*mat.SVD, *mat.Dense)
				want *mat.Dense
			}{{&full, (*mat.SVD).UTo, u}, {&full, (*mat.SVD).VTo, v}, {&left, (*mat.SVD).UTo, u}, {&right, (*mat.SVD).VTo, v}} {
				got := new(mat.Dense)
				side.to(side.f, got)
				all := linalg.CopyOf[float64](got)
				orthonormal(t, what, all)
				if !mat.EqualApprox(mat.DenseCopyOf(got.Slice(0, all.Rows, 0, k)), side.want, 1e-7) {
					t.Fatalf("%s: vectors differ between kinds", what)
				}
			}
		}
	}
}
