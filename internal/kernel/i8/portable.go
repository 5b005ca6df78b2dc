package i8

import "unsafe"

// portable is the level in Go: one row by 16 columns.
var portable = Level{Rows: 1, Vectors: 1, Lanes: 16, Tiles: [maxRows][3]Tile{{tileGo}}}

// tileGo is the tile of one row and one vector of 16 columns.
func tileGo(groups, k int, a *uint8, b *int8, ldb int, add *int32, lda int, c *int32, ldc, tail int) {
	as, adds, cs := unsafe.Slice(a, groups*k*4), unsafe.Slice(add, (groups-1)*lda+tail), unsafe.Slice(c, (groups-1)*ldc+tail)
	var bs []int8
	if k > 0 {
		bs = unsafe.Slice(b, (k-1)*ldb+tail*4)
	}
	for i := range groups {
		var acc [16]int32
		for p := range k {
			x := as[(i*k+p)*4:][:4]
			x0, x1, x2, x3 := int32(x[0]), int32(x[1]), int32(x[2]), int32(x[3])
			quads := bs[p*ldb : p*ldb+tail*4]
			for j := range acc[:tail] {
				y := quads[4*j : 4*j+4 : 4*j+4]
				acc[j] += x0*int32(y[0]) + x1*int32(y[1]) + x2*int32(y[2]) + x3*int32(y[3])
			}
		}
		for j, s := range acc[:tail] {
			cs[i*ldc+j] = adds[i*lda+j] + s
		}
	}
}
