package f64

import (
	"unsafe"

	"github.com/gram-ml/gram/internal/cpu"
	"github.com/gram-ml/gram/internal/kernel"
)

// Kernels that work on columns alone serve matrices of both element types.

// SpFetchColumns is SpFetch without the values.
func SpFetchColumns(of []uint32, ptr []int64, col []uint32) {
	if cpu.Current() != cpu.Go && len(of) > 0 && len(col) > 0 {
		spFetchColumnsAVX2(len(of), &of[0], &ptr[0], &col[0])
	}
}

// SpFetchLines asks for n bytes of memory at p that will be written soon.
func SpFetchLines(p unsafe.Pointer, n int) {
	if cpu.Current() != cpu.Go && n > 0 {
		spFetchLinesAVX2((*byte)(p), n)
	}
}

// SpSpans copies the bounds of rows; see kernel.SpSpans.
func SpSpans(spans []int64, of []uint32, ptr []int64) {
	if cpu.Current() == cpu.Go || len(of) == 0 {
		kernel.SpSpans(spans, of, ptr)
		return
	}
	spSpansAVX2(len(of), &of[0], &ptr[0], &spans[0])
}

// SpList lists the columns of spans; see kernel.SpList.
func SpList(spans []int64, col []uint32, used []uint8, list []uint32) int {
	if cpu.Current() == cpu.Go || len(spans) == 0 || len(col) == 0 {
		return kernel.SpList(spans, col, used, list)
	}
	return spListAVX2(len(spans)/2, &spans[0], &col[0], &used[0], &list[0])
}

// SpRankMax is the most columns for which comparing all with all is a fast way of
// sorting.
func SpRankMax() int {
	if cpu.Current() == cpu.Go {
		return 24
	}
	return 128
}

// SpRank ranks columns; see kernel.SpRank.
func SpRank(n int, col, rank []uint32) {
	if cpu.Current() == cpu.Go || n == 0 {
		kernel.SpRank(n, col, rank)
		return
	}
	_, _ = col[(n-1)|31], rank[(n-1)|31]
	spRankAVX2(n, &col[0], &rank[0])
}
