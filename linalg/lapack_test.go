package linalg_test

import (
	"testing"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/gonum"
	"gonum.org/v1/gonum/lapack/testlapack"

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
		"dgesvd": func(t *testing.T) { testlapack.DgesvdTest(t, impl, 1e-13) },
	} {
		t.Run(name, f)
	}
}
