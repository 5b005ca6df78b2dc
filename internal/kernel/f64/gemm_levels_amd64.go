//go:build !purego

package f64

import (
	"unsafe"

	"github.com/gram-ml/gram/internal/cpu"
	"github.com/gram-ml/gram/internal/kernel"
)

const elemBytes = int(unsafe.Sizeof(float64(0)))

type (
	tile      = kernel.Tile[float64]
	copyPanel = func(k int, src *float64, lds int, dst *float64, ldd, tail int)
)

// Gemm returns the tiles of the current level.
func Gemm() *kernel.Gemm[float64] {
	switch cpu.Current() {
	case cpu.AVX512:
		return &gemmAVX512
	case cpu.AVX2:
		return &gemmAVX2
	}
	return portable
}

var gemmAVX512 = kernel.Gemm[float64]{
	Rows: 8, Vectors: 3, Lanes: 64 / elemBytes,
	Tiles: [8][3]tile{
		{tile1x1AVX512, tile1x2AVX512, tile1x3AVX512},
		{tile2x1AVX512, tile2x2AVX512, tile2x3AVX512},
		{tile3x1AVX512, tile3x2AVX512, tile3x3AVX512},
		{tile4x1AVX512, tile4x2AVX512, tile4x3AVX512},
		{tile5x1AVX512, tile5x2AVX512, tile5x3AVX512},
		{tile6x1AVX512, tile6x2AVX512, tile6x3AVX512},
		{tile7x1AVX512, tile7x2AVX512, tile7x3AVX512},
		{tile8x1AVX512, tile8x2AVX512, tile8x3AVX512},
	},
	CopyPanel: [3]copyPanel{copyPanel1AVX512, copyPanel2AVX512, copyPanel3AVX512},
	Strip:     32 / elemBytes, TransposeStrip: transposeStripAVX2,
}

var gemmAVX2 = kernel.Gemm[float64]{
	Rows: 4, Vectors: 3, Lanes: 32 / elemBytes,
	Tiles: [8][3]tile{
		{tile1x1AVX2, tile1x2AVX2, tile1x3AVX2},
		{tile2x1AVX2, tile2x2AVX2, tile2x3AVX2},
		{tile3x1AVX2, tile3x2AVX2, tile3x3AVX2},
		{tile4x1AVX2, tile4x2AVX2, tile4x3AVX2},
	},
	CopyPanel: [3]copyPanel{copyPanel1AVX2, copyPanel2AVX2, copyPanel3AVX2},
	Strip:     32 / elemBytes, TransposeStrip: transposeStripAVX2,
}
