package kernel

import "unsafe"

// Portable returns the tiles in Go: 4 rows by one vector of 4 lanes.
func Portable[T Float]() *Gemm[T] {
	g := &Gemm[T]{Rows: 4, Vectors: 1, Lanes: 4, Strip: 4}
	for m := 1; m <= 4; m++ {
		g.Tiles[m-1][0] = func(groups, k int, alpha T, a *T, rs, cs, gs int, b *T, ldb int, beta T, c *T, ldc, tail int) {
			as, cs0 := elements(a, (groups-1)*gs+1), elements(c, (groups-1)*m*ldc+1)
			for q := range groups {
				a, c := &as[q*gs], &cs0[q*m*ldc]
				if m == 4 && tail == 4 && k > 0 {
					tile4x4(k, alpha, a, rs, cs, b, ldb, beta, c, ldc)
				} else {
					tileAny(m, k, alpha, a, rs, cs, b, ldb, beta, c, ldc, tail)
				}
			}
		}
	}
	g.CopyPanel[0] = copyPanel[T]
	g.TransposeStrip = transposeStrip[T]
	return g
}

// elements returns n elements from p on.
func elements[T Float](p *T, n int) []T { return unsafe.Slice(p, n) }

// tileAny computes a tile of m ≤ 4 rows and tail ≤ 4 columns.
func tileAny[T Float](m, k int, alpha T, a *T, rs, cs int, b *T, ldb int, beta T, c *T, ldc, tail int) {
	var acc [4][4]T
	if k > 0 {
		as, bs := elements(a, (m-1)*rs+(k-1)*cs+1), elements(b, (k-1)*ldb+tail)
		for p := range k {
			row := bs[p*ldb : p*ldb+tail]
			for i := range m {
				x := as[i*rs+p*cs]
				for j, y := range row {
					acc[i][j] += x * y
				}
			}
		}
	}
	storeTile(acc[:m], alpha, beta, elements(c, (m-1)*ldc+tail), ldc, tail)
}

func storeTile[T Float](acc [][4]T, alpha, beta T, c []T, ldc, tail int) {
	for i := range acc {
		row := c[i*ldc : i*ldc+tail]
		for j := range row {
			s := alpha * acc[i][j]
			if beta != 0 {
				s += beta * row[j]
			}
			row[j] = s
		}
	}
}

// tile4x4 is tileAny for 4 rows and columns, in two halves whose sums fit the
// registers.
func tile4x4[T Float](k int, alpha T, a *T, rs, cs int, b *T, ldb int, beta T, c *T, ldc int) {
	var acc [4][4]T
	as, bs := elements(a, 3*rs+(k-1)*cs+1), elements(b, (k-1)*ldb+4)
	for i := 0; i < 4; i += 2 {
		a0, a1 := as[i*rs:], as[(i+1)*rs:]
		var c00, c01, c02, c03, c10, c11, c12, c13 T
		for p := range k {
			x0, x1 := a0[p*cs], a1[p*cs]
			y := bs[p*ldb : p*ldb+4 : p*ldb+4]
			c00 += x0 * y[0]
			c01 += x0 * y[1]
			c02 += x0 * y[2]
			c03 += x0 * y[3]
			c10 += x1 * y[0]
			c11 += x1 * y[1]
			c12 += x1 * y[2]
			c13 += x1 * y[3]
		}
		acc[i] = [4]T{c00, c01, c02, c03}
		acc[i+1] = [4]T{c10, c11, c12, c13}
	}
	storeTile(acc[:], alpha, beta, elements(c, 3*ldc+4), ldc, 4)
}

func copyPanel[T Float](k int, src *T, lds int, dst *T, ldd, tail int) {
	if k == 0 {
		return
	}
	from, to := elements(src, (k-1)*lds+tail), elements(dst, (k-1)*ldd+4)
	for p := range k {
		row := to[p*ldd : p*ldd+4]
		clear(row[copy(row, from[p*lds:p*lds+tail]):])
	}
}

func transposeStrip[T Float](blocks int, src *T, lds int, dst *T, ldd int) {
	n := 4 * blocks
	if n == 0 {
		return
	}
	from, to := elements(src, 3*lds+n), elements(dst, (n-1)*ldd+4)
	for p := range n {
		row := to[p*ldd : p*ldd+4 : p*ldd+4]
		row[0], row[1], row[2], row[3] = from[p], from[lds+p], from[2*lds+p], from[3*lds+p]
	}
}
