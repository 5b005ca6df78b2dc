package linalg_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
	"gonum.org/v1/gonum/blas/testblas"

	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
)

// gonum's own tests of a BLAS, at every level.
func TestBLASByGonum(t *testing.T) {
	b := linalg.BLAS{}
	floattest.Levels(t, func(t *testing.T) {
		for name, f := range map[string]func(*testing.T){
			"ddot":   func(t *testing.T) { testblas.DdotTest(t, b) },
			"dnrm2":  func(t *testing.T) { testblas.Dnrm2Test(t, b) },
			"dasum":  func(t *testing.T) { testblas.DasumTest(t, b) },
			"idamax": func(t *testing.T) { testblas.IdamaxTest(t, b) },
			"dswap":  func(t *testing.T) { testblas.DswapTest(t, b) },
			"dcopy":  func(t *testing.T) { testblas.DcopyTest(t, b) },
			"daxpy":  func(t *testing.T) { testblas.DaxpyTest(t, b) },
			"drotg":  func(t *testing.T) { testblas.DrotgTest(t, b, false) },
			"drotmg": func(t *testing.T) { testblas.DrotmgTest(t, b) },
			"drot":   func(t *testing.T) { testblas.DrotTest(t, b) },
			"drotm":  func(t *testing.T) { testblas.DrotmTest(t, b) },
			"dscal":  func(t *testing.T) { testblas.DscalTest(t, b) },
			"dgemv":  func(t *testing.T) { testblas.DgemvTest(t, b) },
			"dger":   func(t *testing.T) { testblas.DgerTest(t, b) },
			"dgbmv":  func(t *testing.T) { testblas.DgbmvTest(t, b) },
			"dsbmv":  func(t *testing.T) { testblas.DsbmvTest(t, b) },
			"dspmv":  func(t *testing.T) { testblas.DspmvTest(t, b) },
			"dspr":   func(t *testing.T) { testblas.DsprTest(t, b) },
			"dspr2":  func(t *testing.T) { testblas.Dspr2Test(t, b) },
			"dsymv":  func(t *testing.T) { testblas.DsymvTest(t, b) },
			"dsyr":   func(t *testing.T) { testblas.DsyrTest(t, b) },
			"dsyr2":  func(t *testing.T) { testblas.Dsyr2Test(t, b) },
			"dtbmv":  func(t *testing.T) { testblas.DtbmvTest(t, b) },
			"dtbsv":  func(t *testing.T) { testblas.DtbsvTest(t, b) },
			"dtpmv":  func(t *testing.T) { testblas.DtpmvTest(t, b) },
			"dtpsv":  func(t *testing.T) { testblas.DtpsvTest(t, b) },
			"dtrmv":  func(t *testing.T) { testblas.DtrmvTest(t, b) },
			"dtrsv":  func(t *testing.T) { testblas.DtrsvTest(t, b) },
			"dtxmv":  func(t *testing.T) { testblas.DtxmvTest(t, b) },
			"dgemm":  func(t *testing.T) { testblas.TestDgemm(t, b) },
			"dsymm":  func(t *testing.T) { testblas.DsymmTest(t, b) },
			"dsyrk":  func(t *testing.T) { testblas.DsyrkTest(t, b) },
			"dsyr2k": func(t *testing.T) { testblas.Dsyr2kTest(t, b) },
			"dtrmm":  func(t *testing.T) { testblas.DtrmmTest(t, b) },
			"dtrsm":  func(t *testing.T) { testblas.DtrsmTest(t, b) },
		} {
			t.Run(name, f)
		}
	})
}

var (
	uplos  = []blas.Uplo{blas.Upper, blas.Lower}
	sides  = []blas.Side{blas.Left, blas.Right}
	diags  = []blas.Diag{blas.NonUnit, blas.Unit}
	incs   = []int{1, 3, -1, -2}
	orders = []int{1, 2, 7, 8, 9, 33, 70, 131}
)

// level23 is what of a BLAS is compared with gonum's.
type level23[T floattest.Float] struct {
	gemv func(tA blas.Transpose, m, n int, alpha T, a []T, lda int, x []T, incX int, beta T, y []T, incY int)
	ger  func(m, n int, alpha T, x []T, incX int, y []T, incY int, a []T, lda int)
	symv func(ul blas.Uplo, n int, alpha T, a []T, lda int, x []T, incX int, beta T, y []T, incY int)
	syr  func(ul blas.Uplo, n int, alpha T, x []T, incX int, a []T, lda int)
	syr2 func(ul blas.Uplo, n int, alpha T, x []T, incX int, y []T, incY int, a []T, lda int)
	trmv func(ul blas.Uplo, tA blas.Transpose, d blas.Diag, n int, a []T, lda int, x []T, incX int)
	trsv func(ul blas.Uplo, tA blas.Transpose, d blas.Diag, n int, a []T, lda int, x []T, incX int)
	gemm func(tA, tB blas.Transpose, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int)
	symm func(s blas.Side, ul blas.Uplo, m, n int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int)
	syrk func(ul blas.Uplo, t blas.Transpose, n, k int, alpha T, a []T, lda int, beta T, c []T, ldc int)
	sy2k func(ul blas.Uplo, t blas.Transpose, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int)
	trmm func(s blas.Side, ul blas.Uplo, tA blas.Transpose, d blas.Diag, m, n int, alpha T, a []T, lda int, b []T, ldb int)
	trsm func(s blas.Side, ul blas.Uplo, tA blas.Transpose, d blas.Diag, m, n int, alpha T, a []T, lda int, b []T, ldb int)
	dot  func(n int, x []T, incX int, y []T, incY int) T
	asum func(n int, x []T, incX int) T
	nrm2 func(n int, x []T, incX int) T
	amax func(n int, x []T, incX int) int
	axpy func(n int, alpha T, x []T, incX int, y []T, incY int)
	scal func(n int, alpha T, x []T, incX int)
	rot  func(n int, x []T, incX int, y []T, incY int, c, s T)
}

func of64(b blas.Float64) *level23[float64] {
	return &level23[float64]{
		b.Dgemv, b.Dger, b.Dsymv, b.Dsyr, b.Dsyr2, b.Dtrmv, b.Dtrsv, b.Dgemm, b.Dsymm, b.Dsyrk, b.Dsyr2k, b.Dtrmm, b.Dtrsm,
		b.Ddot, b.Dasum, b.Dnrm2, b.Idamax, b.Daxpy, b.Dscal, b.Drot,
	}
}

func of32(b blas.Float32) *level23[float32] {
	return &level23[float32]{
		b.Sgemv, b.Sger, b.Ssymv, b.Ssyr, b.Ssyr2, b.Strmv, b.Strsv, b.Sgemm, b.Ssymm, b.Ssyrk, b.Ssyr2k, b.Strmm, b.Strsm,
		b.Sdot, b.Sasum, b.Snrm2, b.Isamax, b.Saxpy, b.Sscal, b.Srot,
	}
}

// fewer returns every third of the cases, and the last, where tests are to be short.
func fewer[T any](cases []T) []T {
	if !testing.Short() {
		return cases
	}
	var out []T
	for i := 0; i < len(cases)-1; i += 3 {
		out = append(out, cases[i])
	}
	return append(out, cases[len(cases)-1])
}

// strided returns n elements, inc apart, among NaNs.
func strided[T floattest.Float](r *rand.Rand, n, inc int) []T {
	if inc < 0 {
		inc = -inc
	}
	x := make([]T, max(0, (n-1)*inc+1))
	for i := range x {
		x[i] = T(math.NaN())
		if i%inc == 0 {
			x[i] = T(r.NormFloat64())
		}
	}
	return x
}

// square returns a diagonally dominant matrix of order n, with NaN outside the triangle
// and beyond the columns.
func square[T floattest.Float](r *rand.Rand, n int, ul blas.Uplo, d blas.Diag) (a []T, lda int) {
	lda = n + 2
	a = make([]T, (n-1)*lda+n)
	for i := range a {
		a[i] = T(math.NaN())
	}
	for i := range n {
		for j := range n {
			if ul == blas.Upper && j >= i || ul == blas.Lower && j <= i || ul == 0 {
				a[i*lda+j] = T(r.NormFloat64() / float64(n))
			}
		}
		a[i*lda+i] = T(1 + r.Float64())
		if d == blas.Unit {
			a[i*lda+i] = T(math.NaN())
		}
	}
	return a, lda
}

// agree compares all of two slices, the NaNs between the elements included.
func agree[T floattest.Float](t *testing.T, what string, got, want []T) {
	t.Helper()
	for i, v := range want {
		if !floattest.Close(float64(got[i]), float64(v), 1+math.Abs(float64(v)), 400*floattest.Eps[T]()) {
			t.Fatalf("%T %s: element %d is %v, gonum has %v", v, what, i, got[i], v)
		}
	}
}

func TestBLASBesideGonum(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		for _, workers := range []int{1, 3} {
			compareBLAS(t, of64(linalg.BLAS{Workers: workers}), of64(gonum.Implementation{}))
			compareBLAS(t, of32(linalg.BLAS{Workers: workers}), of32(gonum.Implementation{}))
		}
	})
}

func compareBLAS[T floattest.Float](t *testing.T, ours, theirs *level23[T]) {
	r := floattest.Rand(7)
	for _, n := range fewer(orders) {
		for _, inc := range fewer(incs) {
			compareVectors(t, r, ours, theirs, n, inc)
			compareMatrixVector(t, r, ours, theirs, n, inc)
		}
		for _, ul := range uplos {
			for _, tr := range transposes {
				for _, d := range diags {
					for _, s := range sides {
						compareTriangles(t, r, ours, theirs, s, ul, tr, d, n)
					}
				}
			}
			compareSymmetric(t, r, ours, theirs, ul, n)
		}
	}
}

// both runs f on two copies of x and compares them.
func both[T floattest.Float](t *testing.T, what string, x []T, ours, theirs func(x []T)) {
	t.Helper()
	got, want := append([]T(nil), x...), append([]T(nil), x...)
	ours(got)
	theirs(want)
	agree(t, what, got, want)
}

func compareVectors[T floattest.Float](t *testing.T, r *rand.Rand, ours, theirs *level23[T], n, inc int) {
	x, y := strided[T](r, n, inc), strided[T](r, n, 2)
	what := fmt.Sprintf("n=%d inc=%d", n, inc)
	both(t, "axpy "+what, x, func(x []T) { ours.axpy(n, 2, y, 2, x, inc) }, func(x []T) { theirs.axpy(n, 2, y, 2, x, inc) })
	both(t, "scal "+what, x, func(x []T) { ours.scal(n, 2, x, inc) }, func(x []T) { theirs.scal(n, 2, x, inc) })
	both(t, "rot "+what, x, func(x []T) { ours.rot(n, x, inc, append([]T(nil), y...), 2, 0.6, 0.8) },
		func(x []T) { theirs.rot(n, x, inc, append([]T(nil), y...), 2, 0.6, 0.8) })
	agree(t, "reductions "+what,
		[]T{ours.dot(n, x, inc, y, 2), ours.asum(n, x, inc), ours.nrm2(n, x, inc), T(ours.amax(n, x, inc))},
		[]T{theirs.dot(n, x, inc, y, 2), theirs.asum(n, x, inc), theirs.nrm2(n, x, inc), T(theirs.amax(n, x, inc))})
}

func compareMatrixVector[T floattest.Float](t *testing.T, r *rand.Rand, ours, theirs *level23[T], n, inc int) {
	m := n/2 + 1
	what := fmt.Sprintf("n=%d inc=%d", n, inc)
	a, lda := square[T](r, n, 0, blas.NonUnit)
	x, y := strided[T](r, n, inc), strided[T](r, n, -2)
	nan := strided[T](r, n, -2)
	for i := range nan {
		nan[i] = T(math.NaN())
	}
	for _, tr := range transposes {
		rows, cols := opDims(tr, m, n)
		both(t, "gemv "+what, y[:(rows-1)*2+1], func(y []T) { ours.gemv(tr, m, n, 2, a, lda, x[:(cols-1)*max(inc, -inc)+1], inc, 3, y, -2) },
			func(y []T) { theirs.gemv(tr, m, n, 2, a, lda, x[:(cols-1)*max(inc, -inc)+1], inc, 3, y, -2) })
		both(t, "gemv beta=0 "+what, nan, func(y []T) { ours.gemv(tr, n, n, 2, a, lda, x, inc, 0, y, -2) },
			func(y []T) { theirs.gemv(tr, n, n, 2, a, lda, x, inc, 0, y, -2) })
	}
	// gonum's own assembly adds nothing for negative increments.
	xs, ys := forward(n, x, inc), forward(n, y, -2)
	both(t, "ger "+what, a, func(a []T) { ours.ger(n, n, 2, x, inc, y, -2, a, lda) }, func(a []T) { theirs.ger(n, n, 2, xs, 1, ys, 1, a, lda) })
	for _, ul := range uplos {
		a, lda := square[T](r, n, ul, blas.NonUnit)
		for _, beta := range []T{0, 3} {
			both(t, "symv "+what, y, func(y []T) { ours.symv(ul, n, 2, a, lda, x, inc, beta, y, -2) },
				func(y []T) { theirs.symv(ul, n, 2, a, lda, x, inc, beta, y, -2) })
		}
		both(t, "syr "+what, a, func(a []T) { ours.syr(ul, n, 2, x, inc, a, lda) }, func(a []T) { theirs.syr(ul, n, 2, x, inc, a, lda) })
		both(t, "syr2 "+what, a, func(a []T) { ours.syr2(ul, n, 2, x, inc, y, -2, a, lda) }, func(a []T) { theirs.syr2(ul, n, 2, x, inc, y, -2, a, lda) })
		for _, tr := range transposes {
			for _, d := range diags {
				a, lda := square[T](r, n, ul, d)
				both(t, "trmv "+what, x, func(x []T) { ours.trmv(ul, tr, d, n, a, lda, x, inc) }, func(x []T) { theirs.trmv(ul, tr, d, n, a, lda, x, inc) })
				both(t, "trsv "+what, x, func(x []T) { ours.trsv(ul, tr, d, n, a, lda, x, inc) }, func(x []T) { theirs.trsv(ul, tr, d, n, a, lda, x, inc) })
			}
		}
	}
}

// forward returns the n elements of x, inc apart, side by side.
func forward[T floattest.Float](n int, x []T, inc int) []T {
	out := make([]T, n)
	for i := range out {
		if inc > 0 {
			out[i] = x[i*inc]
		} else {
			out[i] = x[(i-n+1)*inc]
		}
	}
	return out
}

func compareTriangles[T floattest.Float](t *testing.T, r *rand.Rand, ours, theirs *level23[T], s blas.Side, ul blas.Uplo, tr blas.Transpose, d blas.Diag, n int) {
	a, lda := square[T](r, n, ul, d)
	for _, other := range []int{1, 5, 40} {
		m, k := n, other
		if s == blas.Right {
			m, k = other, n
		}
		ldb := k + 1
		b := make([]T, (m-1)*ldb+k)
		floattest.Normals(r, b)
		for _, alpha := range []T{1, -2, 0} {
			what := fmt.Sprintf("%c%c%c%c m=%d n=%d alpha=%v", s, ul, tr, d, m, k, alpha)
			both(t, "trmm "+what, b, func(b []T) { ours.trmm(s, ul, tr, d, m, k, alpha, a, lda, b, ldb) },
				func(b []T) { theirs.trmm(s, ul, tr, d, m, k, alpha, a, lda, b, ldb) })
			both(t, "trsm "+what, b, func(b []T) { ours.trsm(s, ul, tr, d, m, k, alpha, a, lda, b, ldb) },
				func(b []T) { theirs.trsm(s, ul, tr, d, m, k, alpha, a, lda, b, ldb) })
		}
	}
}

func compareSymmetric[T floattest.Float](t *testing.T, r *rand.Rand, ours, theirs *level23[T], ul blas.Uplo, n int) {
	a, lda := square[T](r, n, ul, blas.NonUnit)
	const k = 37
	b := floattest.Normals(r, make([]T, n*k))
	c := floattest.Normals(r, make([]T, n*k))
	for _, beta := range []T{0, 2} {
		what := fmt.Sprintf("%c n=%d beta=%v", ul, n, beta)
		both(t, "symm left "+what, c, func(c []T) { ours.symm(blas.Left, ul, n, k, 2, a, lda, b, k, beta, c, k) },
			func(c []T) { theirs.symm(blas.Left, ul, n, k, 2, a, lda, b, k, beta, c, k) })
		both(t, "symm right "+what, c, func(c []T) { ours.symm(blas.Right, ul, k, n, 2, a, lda, b, n, beta, c, n) },
			func(c []T) { theirs.symm(blas.Right, ul, k, n, 2, a, lda, b, n, beta, c, n) })
		for _, tr := range transposes {
			ldb := k
			if tr != blas.NoTrans {
				ldb = n
			}
			both(t, "syrk "+what, a, func(a []T) { ours.syrk(ul, tr, n, k, 2, b, ldb, beta, a, lda) },
				func(a []T) { theirs.syrk(ul, tr, n, k, 2, b, ldb, beta, a, lda) })
			both(t, "syr2k "+what, a, func(a []T) { ours.sy2k(ul, tr, n, k, 2, b, ldb, c, ldb, beta, a, lda) },
				func(a []T) { theirs.sy2k(ul, tr, n, k, 2, b, ldb, c, ldb, beta, a, lda) })
		}
	}
}

// Products with depths around the tiles', C in the middle of a larger matrix of NaN.
func TestBLASGemm(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		gemmBesideGonum(t, of64(linalg.BLAS{}), of64(gonum.Implementation{}))
		gemmBesideGonum(t, of32(linalg.BLAS{}), of32(gonum.Implementation{}))
	})
}

func gemmBesideGonum[T floattest.Float](t *testing.T, ours, theirs *level23[T]) {
	r := floattest.Rand(8)
	const m, n = 45, 51
	for _, k := range []int{1, 31, 32, 33, 48, 63, 64, 65} {
		for _, tA := range transposes {
			for _, tB := range transposes {
				a, b := floattest.Normals(r, make([]T, 70*70)), floattest.Normals(r, make([]T, 70*70))
				c := make([]T, (m-1)*60+n)
				for i := range c {
					c[i] = T(math.NaN())
				}
				both(t, fmt.Sprintf("gemm %c%c k=%d", tA, tB, k), c,
					func(c []T) { ours.gemm(tA, tB, m, n, k, 2, a[1:], 70, b[3:], 70, 0, c, 60) },
					func(c []T) { theirs.gemm(tA, tB, m, n, k, 2, a[1:], 70, b[3:], 70, 0, c, 60) })
			}
		}
	}
}

// What gonum panics on, BLAS panics on in the same words.
func TestBLASPanics(t *testing.T) {
	message := func(f func()) (v any) {
		defer func() { v = recover() }()
		f()
		return nil
	}
	x := make([]float64, 4)
	calls := []func(b blas.Float64){
		func(b blas.Float64) { b.Dgemm('x', 'n', 2, 2, 2, 1, x, 2, x, 2, 0, x, 2) },
		func(b blas.Float64) { b.Dgemm(blas.NoTrans, blas.NoTrans, 2, 2, 2, 1, x[:3], 2, x, 2, 0, x, 2) },
		func(b blas.Float64) { b.Dgemm(blas.NoTrans, blas.NoTrans, 2, 2, 2, 1, x, 1, x, 2, 0, x, 2) },
		func(b blas.Float64) { b.Dgemm(blas.NoTrans, blas.NoTrans, 0, 2, -1, 1, x, 2, x, 2, 0, x, 2) },
		func(b blas.Float64) { b.Dgemv(blas.NoTrans, 2, 2, 1, x, 2, x, 0, 0, x, 1) },
		func(b blas.Float64) { b.Dgemv(blas.Trans, 2, 2, 1, x, 2, x, 4, 0, x, 1) },
		func(b blas.Float64) { b.Dger(2, 2, 1, x, 1, x[:1], 1, x, 2) },
		func(b blas.Float64) { b.Dsymv('z', 2, 1, x, 2, x, 1, 0, x, 1) },
		func(b blas.Float64) { b.Dsyr(blas.Upper, 3, 1, x, 1, x, 3) },
		func(b blas.Float64) { b.Dsyr2(blas.Upper, 2, 1, x, 1, x, 1, x, 1) },
		func(b blas.Float64) { b.Dtrmv(blas.Upper, blas.NoTrans, 'q', 2, x, 2, x, 1) },
		func(b blas.Float64) { b.Dtrsv(blas.Upper, blas.NoTrans, blas.Unit, 2, x, 2, x[:1], 1) },
		func(b blas.Float64) { b.Dsymm('s', blas.Upper, 2, 2, 1, x, 2, x, 2, 0, x, 2) },
		func(b blas.Float64) { b.Dsyrk(blas.Upper, blas.NoTrans, 2, 2, 1, x, 2, 0, x[:3], 2) },
		func(b blas.Float64) { b.Dsyr2k(blas.Upper, blas.NoTrans, -1, 2, 1, x, 2, x, 2, 0, x, 2) },
		func(b blas.Float64) { b.Dtrmm(blas.Left, blas.Upper, blas.NoTrans, blas.Unit, 2, 2, 1, x, 1, x, 2) },
		func(b blas.Float64) { b.Dtrsm(blas.Left, blas.Upper, 'k', blas.Unit, 2, 2, 1, x, 2, x, 2) },
		func(b blas.Float64) { b.Ddot(5, x, 1, x, 1) },
		func(b blas.Float64) { b.Dnrm2(-1, x, 1) },
		func(b blas.Float64) { b.Dasum(5, x, 1) },
		func(b blas.Float64) { b.Idamax(2, x, 0) },
		func(b blas.Float64) { b.Daxpy(5, 1, x, 1, x, 1) },
		func(b blas.Float64) { b.Dscal(5, 1, x, 1) },
		func(b blas.Float64) { b.Drot(2, x, 1, x, 0, 1, 0) },
	}
	for i, call := range calls {
		got := message(func() { call(linalg.BLAS{}) })
		want := message(func() { call(gonum.Implementation{}) })
		if got == nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("call %d panics with %v, gonum's with %v", i, got, want)
		}
	}
}
