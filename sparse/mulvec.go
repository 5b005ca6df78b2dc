package sparse

import (
	"fmt"
	"sort"
	"unsafe"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram/internal/kernel"
	"github.com/gram-ml/gram/internal/kernel/f32"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// is64 tells which of the two element types T is.
func is64[T constraints.Float]() bool {
	var x T
	return unsafe.Sizeof(x) == 8
}

// axpy adds alpha·x to y.
func axpy[T constraints.Float](alpha T, x, y []T) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += alpha * v
	}
}

// checkSpan panics unless [lo, hi) lies within n.
func checkSpan(what string, lo, hi, rows, cols int) {
	n := rows
	if what == "columns" {
		n = cols
	}
	if lo < 0 || hi < lo || n < hi {
		panic(fmt.Sprintf("sparse: %s [%d:%d] of a %d×%d matrix", what, lo, hi, rows, cols))
	}
}

// checkOperand panics unless dst has rows·k elements and b depth·k.
func checkOperand(op string, dst []float64, rows int, b []float64, depth, k int) {
	if k < 0 || len(dst) != rows*k || len(b) != depth*k {
		panic(fmt.Sprintf("sparse: %s with k = %d into %d elements, want %d rows of k, from %d elements, want %d rows of k",
			op, k, len(dst), rows, len(b), depth))
	}
}

// spanEntries is how many entries, and rows, a span of work has at least.
const spanEntries = 1 << 14

// balanced cuts the rows of m into spans of about the same numbers of entries and
// rows, which depend on m alone. Span s is rows cuts[s] ≤ i < cuts[s+1].
func balanced[T constraints.Float](m *CSR[T]) []int {
	work := func(i int) int64 { return m.Ptr[i] - m.Ptr[0] + int64(i) }
	return cutsOf(m.Rows, work, spanEntries)
}

// cutsOf cuts n rows into spans of at least size of work, which grows with the row.
// There are at most 1024.
func cutsOf(n int, work func(i int) int64, size int64) []int {
	total := work(n)
	spans := min(1024, 1+total/size)
	cuts := make([]int, spans+1)
	for s := range cuts {
		want := total / spans * int64(s)
		cuts[s] = sort.Search(n, func(i int) bool { return work(i) >= want })
	}
	cuts[spans] = n
	return cuts
}

// eachSpan calls f for each span of cuts, on the workers.
func eachSpan(workers int, cuts []int, f func(worker, lo, hi int)) {
	par.ForWorker(nil, workers, len(cuts)-1, 1, func(worker, s, _, _ int) { f(worker, cuts[s], cuts[s+1]) })
}

// MulVec sets dst to A·x. It panics if len(dst) is not Rows or len(x) not Cols. dst
// and x must not overlap. O(Rows + entries).
func (m *CSR[T]) MulVec(dst, x []T) { m.MulVecParallel(1, dst, x) }

// MulVecParallel is [CSR.MulVec] on at most workers goroutines, 0 for GOMAXPROCS,
// with the same bits.
func (m *CSR[T]) MulVecParallel(workers int, dst, x []T) {
	checkLen("MulVec", len(dst), m.Rows, m)
	checkLen("MulVec", len(x), m.Cols, m)
	if par.Workers(workers) == 1 {
		m.mulVec(dst, x, 0, m.Rows)
		return
	}
	eachSpan(workers, balanced(m), func(_, lo, hi int) { m.mulVec(dst[lo:hi], x, lo, hi) })
}

// mulVec sets dst to the product of rows lo ≤ i < hi with x.
func (m *CSR[T]) mulVec(dst, x []T, lo, hi int) {
	ptr := m.Ptr[lo : hi+1]
	if is64[T]() {
		f64.SpMulVec(f64.Of(dst), ptr, m.Col, f64.Of(m.Val), f64.Of(x))
	} else {
		f32.SpMulVec(f32.Of(dst), ptr, m.Col, f32.Of(m.Val), f32.Of(x))
	}
}

// MulTransVec sets dst to Aᵀ·x. It panics if len(dst) is not Cols or len(x) not
// Rows. dst and x must not overlap. O(Rows + Cols + entries). For many products, or
// on several goroutines, [CSR.Transpose] once and multiply by that.
func (m *CSR[T]) MulTransVec(dst, x []T) {
	checkLen("MulTransVec", len(dst), m.Cols, m)
	checkLen("MulTransVec", len(x), m.Rows, m)
	clear(dst)
	for i, alpha := range x {
		col, val := m.Row(i)
		val = val[:len(col)]
		for k, c := range col {
			dst[c] += alpha * val[k]
		}
	}
}

// MulDense sets C to A·B. It panics if the shapes do not fit. C must not overlap B.
// O((Rows + entries)·columns of B).
func (m *CSR[T]) MulDense(c, b *linalg.Dense[T]) { m.MulDenseParallel(1, c, b) }

// MulDenseParallel is [CSR.MulDense] on at most workers goroutines, 0 for
// GOMAXPROCS, with the same bits.
func (m *CSR[T]) MulDenseParallel(workers int, c, b *linalg.Dense[T]) {
	if b.Rows != m.Cols || c.Rows != m.Rows || c.Cols != b.Cols {
		panic(fmt.Sprintf("sparse: MulDense of %d×%d by %d×%d into %d×%d", m.Rows, m.Cols, b.Rows, b.Cols, c.Rows, c.Cols))
	}
	if c.Cols == 0 {
		return
	}
	eachSpan(workers, balanced(m), func(_, lo, hi int) {
		if lo < hi {
			m.mulDense(c.Data[lo*c.Stride:], c.Stride, b.Data, b.Stride, b.Cols, lo, hi)
		}
	})
}

// mulDense sets dst, rows of n elements ldd apart, to rows lo ≤ i < hi of A times B,
// rows ldb apart.
func (m *CSR[T]) mulDense(dst []T, ldd int, b []T, ldb, n, lo, hi int) {
	ptr := m.Ptr[lo : hi+1]
	if is64[T]() {
		f64.SpMulDense(f64.Of(dst), ldd, hi-lo, n, ptr, m.Col, f64.Of(m.Val), f64.Of(b), ldb)
	} else {
		f32.SpMulDense(f32.Of(dst), ldd, hi-lo, n, ptr, m.Col, f32.Of(m.Val), f32.Of(b), ldb)
	}
}

// MulTransDense sets C to Aᵀ·B. It panics if the shapes do not fit. C must not
// overlap B. O((Rows + Cols + entries)·columns of B). For many products, or on
// several goroutines, [CSR.Transpose] once and multiply by that.
func (m *CSR[T]) MulTransDense(c, b *linalg.Dense[T]) {
	if b.Rows != m.Rows || c.Rows != m.Cols || c.Cols != b.Cols {
		panic(fmt.Sprintf("sparse: MulTransDense of %d×%d transposed by %d×%d into %d×%d", m.Rows, m.Cols, b.Rows, b.Cols, c.Rows, c.Cols))
	}
	for i := range c.Rows {
		clear(c.Row(i))
	}
	if c.Cols > 0 && m.Rows > 0 {
		m.addTrans(c.Data, c.Stride, b.Data, b.Stride, b.Cols, 0, m.Rows)
	}
}

// addTrans adds rows lo ≤ i < hi of A, transposed, times G to dst.
func (m *CSR[T]) addTrans(dst []T, ldd int, g []T, ldg, n, lo, hi int) {
	ptr := m.Ptr[lo : hi+1]
	if is64[T]() {
		f64.SpAddTrans(f64.Of(dst), ldd, hi-lo, n, ptr, m.Col, f64.Of(m.Val), f64.Of(g), ldg)
	} else {
		f32.SpAddTrans(f32.Of(dst), ldd, hi-lo, n, ptr, m.Col, f32.Of(m.Val), f32.Of(g), ldg)
	}
}

// DenseMul sets C to A·B for a dense A and a sparse B. It panics if the shapes do
// not fit. C must not overlap A. O(rows of A·(Rows + Cols + entries of B)).
func DenseMul[T constraints.Float](c, a *linalg.Dense[T], b *CSR[T]) {
	DenseMulParallel(1, c, a, b)
}

// DenseMulParallel is [DenseMul] on at most workers goroutines, 0 for GOMAXPROCS,
// with the same bits.
func DenseMulParallel[T constraints.Float](workers int, c, a *linalg.Dense[T], b *CSR[T]) {
	if a.Cols != b.Rows || c.Rows != a.Rows || c.Cols != b.Cols {
		panic(fmt.Sprintf("sparse: DenseMul of %d×%d by %d×%d into %d×%d", a.Rows, a.Cols, b.Rows, b.Cols, c.Rows, c.Cols))
	}
	par.For(nil, workers, a.Rows, 16, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			b.MulTransVec(c.Row(i), a.Row(i))
		}
	})
}

// MulRows sets dst to A[lo:hi]·B; see gram.Operator. O((hi-lo + entries)·k).
func (m *CSR[T]) MulRows(dst []float64, lo, hi int, b []float64, k int) {
	m.checkRows(lo, hi)
	checkOperand("MulRows", dst, hi-lo, b, m.Cols, k)
	switch {
	case k == 0 || lo == hi:
	case !is64[T]():
		mulRowsMixed(m, dst, lo, hi, b, k)
	case k == 1:
		f64.SpMulVec(dst, m.Ptr[lo:hi+1], m.Col, f64.Of(m.Val), b)
	default:
		f64.SpMulDense(dst, k, hi-lo, k, m.Ptr[lo:hi+1], m.Col, f64.Of(m.Val), b, k)
	}
}

// AddTransMulRows adds A[lo:hi]ᵀ·G to dst; see gram.Operator. O((hi-lo + entries)·k).
func (m *CSR[T]) AddTransMulRows(dst []float64, lo, hi int, g []float64, k int) {
	m.checkRows(lo, hi)
	checkOperand("AddTransMulRows", dst, m.Cols, g, hi-lo, k)
	switch {
	case k == 0 || lo == hi:
	case !is64[T]():
		addTransMulRowsMixed(m, dst, lo, hi, g, k)
	default:
		f64.SpAddTrans(dst, k, hi-lo, k, m.Ptr[lo:hi+1], m.Col, f64.Of(m.Val), g, k)
	}
}

// mulRowsMixed is MulRows for float32 values and sums of float64.
func mulRowsMixed[T constraints.Float](m *CSR[T], dst []float64, lo, hi int, b []float64, k int) {
	clear(dst)
	for i := lo; i < hi; i++ {
		row := dst[(i-lo)*k : (i-lo+1)*k]
		col, val := m.Row(i)
		for p, c := range col {
			kernel.Axpy(float64(val[p]), b[int(c)*k:(int(c)+1)*k], row)
		}
	}
}

// addTransMulRowsMixed is AddTransMulRows for float32 values.
func addTransMulRowsMixed[T constraints.Float](m *CSR[T], dst []float64, lo, hi int, g []float64, k int) {
	for i := lo; i < hi; i++ {
		row := g[(i-lo)*k : (i-lo+1)*k]
		col, val := m.Row(i)
		for p, c := range col {
			kernel.Axpy(float64(val[p]), row, dst[int(c)*k:(int(c)+1)*k])
		}
	}
}
