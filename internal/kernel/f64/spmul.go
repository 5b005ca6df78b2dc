package f64

import (
	"sort"
	"unsafe"

	"github.com/gram-ml/gram/internal/cpu"
	"github.com/gram-ml/gram/internal/kernel"
)

// sparseAhead is how far past an entry the kernels read the columns.
const sparseAhead = 16

// farRows returns how many of the rows that ptr bounds have sparseAhead entries or
// more after them in col.
func farRows(ptr []int64, col []uint32) int {
	rows := len(ptr) - 1
	return sort.Search(rows, func(i int) bool { return ptr[i+1]+sparseAhead > int64(len(col)) })
}

// scattered tells whether neighbouring entries lead to distant elements of a vector
// of n elements, so that prefetching pays: a look at a few entries. It decides how fast
// the product is, never its bits.
func scattered(ptr []int64, col []uint32, n int) bool {
	const (
		cached  = 1 << 15 // elements that are near anyway
		distant = 1 << 10
		samples = 16
	)
	lo, hi := ptr[0], ptr[len(ptr)-1]-1
	if n <= cached || hi-lo < samples {
		return false
	}
	jumps := 0
	for k := range int64(samples) {
		p := lo + (hi-lo)*k/samples
		if d := int64(col[p+1]) - int64(col[p]); d > distant || d < -distant {
			jumps++
		}
	}
	return jumps >= samples/4
}

// SpMulVec sets dst[i] to the inner product of row i of A with x; see kernel.SpMulVec.
func SpMulVec(dst []float64, ptr []int64, col []uint32, val, x []float64) {
	if cpu.Current() == cpu.Go || len(x) == 0 || len(col) == 0 {
		kernel.SpMulVec(dst, ptr, col, val, x)
		return
	}
	far := 0
	if scattered(ptr[:len(dst)+1], col, len(x)) {
		far = farRows(ptr[:len(dst)+1], col)
	}
	if far > 0 {
		spMulVecAheadAVX2(&dst[0], far, &ptr[0], &col[0], &val[0], &x[0])
	}
	if far < len(dst) {
		spMulVecAVX2(&dst[far], len(dst)-far, &ptr[far], &col[0], &val[0], &x[0])
	}
}

type spMulDense func(dst *float64, ldd, rows int, ptr *int64, col *uint32, val, b *float64, ldb, tail int)

// spMulDenses holds the kernels by vectors − 1, without and with reading ahead.
type spMulDenses [4][2]spMulDense

var (
	spMulDenseAVX2 = spMulDenses{
		{spMulDense1AVX2, spMulDense1AheadAVX2}, {spMulDense2AVX2, spMulDense2AheadAVX2},
		{spMulDense3AVX2, spMulDense3AheadAVX2}, {spMulDense4AVX2, spMulDense4AheadAVX2},
	}
	spMulDenseAVX512 = spMulDenses{
		{spMulDense1AVX512, spMulDense1AheadAVX512}, {spMulDense2AVX512, spMulDense2AheadAVX512},
		{spMulDense3AVX512, spMulDense3AheadAVX512}, {spMulDense4AVX512, spMulDense4AheadAVX512},
	}
	spAddTransAVX2   = [4]spMulDense{spAddTrans1AVX2, spAddTrans2AVX2, spAddTrans3AVX2, spAddTrans4AVX2}
	spAddTransAVX512 = [4]spMulDense{spAddTrans1AVX512, spAddTrans2AVX512, spAddTrans3AVX512, spAddTrans4AVX512}
)

// stretches calls f for the parts of a row of n elements that fit the registers: from
// where, in how many vectors, of which the last has tail elements.
func stretches(n, width int, f func(at, vectors, tail int)) {
	for at := 0; at < n; at += 4 * width {
		part := min(n-at, 4*width)
		vectors := (part + width - 1) / width
		f(at, vectors, part-(vectors-1)*width)
	}
}

// SpMulDense sets dst to A·B; see kernel.SpMulDense.
func SpMulDense(dst []float64, ldd, rows, n int, ptr []int64, col []uint32, val, b []float64, ldb int) {
	kernels, width := &spMulDenseAVX512, spWidth
	switch cpu.Current() {
	case cpu.Go:
		kernels = nil
	case cpu.AVX2:
		kernels, width = &spMulDenseAVX2, spWidth/2
	}
	if kernels == nil || rows == 0 || len(b) == 0 || len(col) == 0 {
		kernel.SpMulDense(dst, ldd, rows, n, ptr, col, val, b, ldb)
		return
	}
	far := farRows(ptr[:rows+1], col)
	stretches(n, width, func(at, vectors, tail int) {
		k := kernels[vectors-1]
		if far > 0 {
			k[1](&dst[at], ldd, far, &ptr[0], &col[0], &val[0], &b[at], ldb, tail)
		}
		if far < rows {
			k[0](&dst[far*ldd+at], ldd, rows-far, &ptr[far], &col[0], &val[0], &b[at], ldb, tail)
		}
	})
}

// SpAddTrans adds Aᵀ·G to dst; see kernel.SpAddTrans.
func SpAddTrans(dst []float64, ldd, rows, n int, ptr []int64, col []uint32, val, g []float64, ldg int) {
	kernels, width := &spAddTransAVX512, spWidth
	switch cpu.Current() {
	case cpu.Go:
		kernels = nil
	case cpu.AVX2:
		kernels, width = &spAddTransAVX2, spWidth/2
	}
	if kernels == nil || rows == 0 || len(dst) == 0 || len(col) == 0 {
		kernel.SpAddTrans(dst, ldd, rows, n, ptr, col, val, g, ldg)
		return
	}
	if n == 1 && ldd == 1 && ldg == 1 {
		spAddTransVecAVX2(&dst[0], rows, &ptr[0], &col[0], &val[0], &g[0])
		return
	}
	stretches(n, width, func(at, vectors, tail int) {
		kernels[vectors-1](&dst[at], ldd, rows, &ptr[0], &col[0], &val[0], &g[at], ldg, tail)
	})
}

// spWidth is the lanes of an AVX-512 vector.
const spWidth = int(64 / unsafe.Sizeof(float64(0)))

// SpFetch asks the caches for the beginnings of the rows ptr[of[k]] of a matrix, which
// will be read soon. It only decides how fast that is.
func SpFetch(of []uint32, ptr []int64, col []uint32, val []float64) {
	if cpu.Current() != cpu.Go && len(of) > 0 && len(col) > 0 {
		spFetchAVX2(len(of), &of[0], &ptr[0], &col[0], &val[0])
	}
}

// SpAdd lists the columns of spans and adds their terms; see kernel.SpAdd.
func SpAdd(spans []int64, factor []float64, col []uint32, val, sums []float64, used []uint8, list []uint32) int {
	if cpu.Current() == cpu.Go || len(spans) == 0 || len(col) == 0 {
		return kernel.SpAdd(spans, factor, col, val, sums, used, list)
	}
	return spAddAVX2(len(factor), &spans[0], &factor[0], &col[0], &val[0], &sums[0], &used[0], &list[0])
}

// SpTake moves the sums of columns to val; see kernel.SpTake.
func SpTake(col []uint32, val, sums []float64, used []uint8) {
	if cpu.Current() == cpu.Go || len(col) == 0 {
		kernel.SpTake(col, val, sums, used)
		return
	}
	spTakeAVX2(len(col), &col[0], &val[0], &sums[0], &used[0])
}

// SpTerms copies the terms of spans; see kernel.SpTerms.
func SpTerms(spans []int64, factor []float64, col []uint32, val []float64, toCol []uint32, toVal []float64) int {
	if cpu.Current() == cpu.Go || len(spans) == 0 || len(col) == 0 || len(toCol) == 0 {
		return kernel.SpTerms(spans, factor, col, val, toCol, toVal)
	}
	return spTermsAVX2(len(factor), &spans[0], &factor[0], &col[0], &val[0], &toCol[0], &toVal[0])
}

// SpPlace puts terms in their places; see kernel.SpPlace.
func SpPlace(rank, fromCol []uint32, fromVal []float64, col []uint32, val []float64) int {
	if cpu.Current() == cpu.Go || len(rank) == 0 {
		return kernel.SpPlace(rank, fromCol, fromVal, col, val)
	}
	return spPlaceAVX2(len(rank), &rank[0], &fromCol[0], &fromVal[0], &col[0], &val[0])
}
