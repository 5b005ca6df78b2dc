//go:build !purego

package i8

import "github.com/gram-ml/gram/internal/cpu"

func level(l cpu.Level, vnni bool) *Level {
	switch {
	case l == cpu.AVX512 && vnni:
		return &levelVNNI
	case l == cpu.AVX512:
		return &levelAVX512
	case l == cpu.AVX2:
		return &levelAVX2
	}
	return &portable
}

var levelVNNI = Level{
	Rows: 8, Vectors: 3, Lanes: 16,
	Tiles: [maxRows][3]Tile{
		{tile1x1VNNIAVX512, tile1x2VNNIAVX512, tile1x3VNNIAVX512},
		{tile2x1VNNIAVX512, tile2x2VNNIAVX512, tile2x3VNNIAVX512},
		{tile3x1VNNIAVX512, tile3x2VNNIAVX512, tile3x3VNNIAVX512},
		{tile4x1VNNIAVX512, tile4x2VNNIAVX512, tile4x3VNNIAVX512},
		{tile5x1VNNIAVX512, tile5x2VNNIAVX512, tile5x3VNNIAVX512},
		{tile6x1VNNIAVX512, tile6x2VNNIAVX512, tile6x3VNNIAVX512},
		{tile7x1VNNIAVX512, tile7x2VNNIAVX512, tile7x3VNNIAVX512},
		{tile8x1VNNIAVX512, tile8x2VNNIAVX512, tile8x3VNNIAVX512},
	},
	packStrip: packRows8AVX2, packBytes: 32,
}

var levelAVX512 = Level{
	Rows: 8, Vectors: 2, Lanes: 16,
	Tiles: [maxRows][3]Tile{
		{tile1x1AVX512, tile1x2AVX512},
		{tile2x1AVX512, tile2x2AVX512},
		{tile3x1AVX512, tile3x2AVX512},
		{tile4x1AVX512, tile4x2AVX512},
		{tile5x1AVX512, tile5x2AVX512},
		{tile6x1AVX512, tile6x2AVX512},
		{tile7x1AVX512, tile7x2AVX512},
		{tile8x1AVX512, tile8x2AVX512},
	},
	Row:       []Tile{tile1x1AVX512, tile1x2AVX512, tile1x3AVX512},
	packStrip: packRows8AVX2, packBytes: 32,
}

var levelAVX2 = Level{
	Rows: 4, Vectors: 2, Lanes: 8,
	Tiles: [maxRows][3]Tile{
		{tile1x1AVX2, tile1x2AVX2},
		{tile2x1AVX2, tile2x2AVX2},
		{tile3x1AVX2, tile3x2AVX2},
		{tile4x1AVX2, tile4x2AVX2},
	},
	Row:       []Tile{tile1x1AVX2, tile1x2AVX2, tile1x3AVX2, tile1x4AVX2, tile1x5AVX2, tile1x6AVX2},
	packStrip: packRows4AVX2, packBytes: 16,
	Wide: &Wide{
		Rows: 6, Vectors: 2, Lanes: 8,
		Tiles: [6][2]WideTile{
			{wide1x1AVX2, wide1x2AVX2},
			{wide2x1AVX2, wide2x2AVX2},
			{wide3x1AVX2, wide3x2AVX2},
			{wide4x1AVX2, wide4x2AVX2},
			{wide5x1AVX2, wide5x2AVX2},
			{wide6x1AVX2, wide6x2AVX2},
		},
		widen: widenAVX2,
	},
}
