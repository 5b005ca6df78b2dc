package linalg

import (
	"sync"
	"unsafe"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/internal/kernel"
	"github.com/gram-ml/gram/internal/par"
)

// A product is C = alpha·op(A)·op(B) + beta·C on the kernels of one level.
type product[T kernel.Float] struct {
	kern           *kernel.Gemm[T]
	rows           *rowKernels[T]
	m, n, k        int
	alpha, beta    T
	a, b, c        []T
	lda, ldb, ldc  int
	transA, transB bool
	uplo           blas.Uplo // the triangle of C to compute; 0 is all of C
}

// The sizes of blocks, in bytes. A panel of B, as wide as a tile and depth deep, is
// to stay in the L1 cache while rows of A pass by; a block of A in L2 while panels
// of B do; a block of B in L3.
const (
	maxDepthBytes = 2048 // of a row of A: the depth of 256 float64
	blockABytes   = 256 << 10
	blockBBytes   = 4 << 20
)

// depth returns how much of k one pass takes. It may depend on k alone: it fixes
// the rounding of the result.
func (p *product[T]) depth() int {
	var x T
	limit := maxDepthBytes / int(unsafe.Sizeof(x))
	if p.k <= limit {
		return p.k
	}
	return roundUp(ceilDiv(p.k, ceilDiv(p.k, limit)), 8)
}

// block computes columns j0 ≤ j < j1 of C. The workers share each packed block of B
// and take turns at blocks of rows.
func (p *product[T]) block(workers, j0, j1 int) {
	if p.k == 0 || p.alpha == 0 {
		p.scale(j0, j1)
		return
	}
	depth := p.depth()
	packsA, packsB := p.packsA(p.m, j1-j0, depth), p.packsB(p.m, j1-j0)
	if workers == 1 && p.k == depth && !packsA && !packsB && p.uplo == 0 {
		p.tiles(nil, nil, nil, 0, p.m, j0, j1-j0, 0, p.k, p.beta)
		return
	}
	var (
		size = int(unsafe.Sizeof(p.alpha))
		rows = roundUp(blockABytes/(size*depth), p.kern.Rows)
		cols = min(j1-j0, roundUp(blockBBytes/(size*depth), p.kern.Vectors*p.kern.Lanes))
		bufB []T
	)
	if workers > 1 { // at least two turns each, to even out what else the machine does
		rows = min(rows, roundUp(ceilDiv(p.m, 2*workers), p.kern.Rows))
	}
	if packsB {
		s := borrow[T]()
		defer s.giveBack()
		bufB = grow(&s.b, roundUp(cols, p.kern.Lanes)*depth)
	}
	for j := j0; j < j1; j += cols {
		jn := min(cols, j1-j)
		for q := 0; q < p.k; q += depth {
			kn := min(depth, p.k-q)
			beta := p.beta
			if q > 0 {
				beta = 1
			}
			panels := ceilDiv(ceilDiv(jn, p.kern.Lanes), p.kern.Vectors)
			if workers == 1 {
				if packsB {
					p.packB(bufB, 0, panels, j, jn, q, kn)
				}
				p.stripe(packsA, bufB, rows, 0, p.m, j, jn, q, kn, beta)
				continue
			}
			p.share(workers, panels, packsA, bufB, rows, j, jn, q, kn, beta)
		}
	}
}

// share is the innermost part of block for several workers, with a copy of p on the
// heap, which p itself then needn't be.
func (p *product[T]) share(workers, panels int, packsA bool, bufB []T, rows, j, jn, q, kn int, beta T) {
	c := *p
	if bufB != nil {
		par.For(nil, workers, panels, 4, func(_, lo, hi int) { c.packB(bufB, lo, hi, j, jn, q, kn) })
	}
	par.For(nil, workers, p.m, rows, func(_, lo, hi int) { c.stripe(packsA, bufB, rows, lo, hi, j, jn, q, kn, beta) })
}

// stripe multiplies rows i0 ≤ i < i1 of op(A) by a block of op(B), a number of rows at
// a time.
func (p *product[T]) stripe(packsA bool, bufB []T, rows, i0, i1, j, jn, q, kn int, beta T) {
	var bufA, corner []T
	if packsA || p.uplo != 0 {
		s := borrow[T]()
		defer s.giveBack()
		if packsA {
			bufA = grow(&s.a, min(rows, i1-i0)*kn)
		}
		if p.uplo != 0 {
			corner = grow(&s.corner, p.kern.Rows*p.kern.Vectors*p.kern.Lanes)
		}
	}
	for i := i0; i < i1; i += rows {
		in := min(rows, i1-i)
		if packsA {
			p.packA(bufA, i, in, q, kn)
		}
		p.tiles(bufA, bufB, corner, i, in, j, jn, q, kn, beta)
	}
}

// packsA tells whether rows of A are worth copying: they are read once for each
// panel of columns, and in place they cost misses where they are far apart. Stored
// columns that stay in cache as they are do not.
func (p *product[T]) packsA(m, n, depth int) bool {
	if p.transA && p.lda*depth*int(unsafe.Sizeof(p.alpha)) <= 2*blockABytes {
		return false
	}
	return n >= 8*p.kern.Vectors*p.kern.Lanes && m*depth >= 1<<12
}

// packsB is the same for B, whose rows must be contiguous.
func (p *product[T]) packsB(m, n int) bool {
	return p.transB || m >= 4*p.kern.Rows && n*p.k > 1<<12
}

// tiles multiplies a block of A by a block of B. A nil buffer means that the
// operand is used in place.
func (p *product[T]) tiles(bufA, bufB, corner []T, i0, m, j0, n, q, k int, beta T) {
	g := p.kern
	for _, across := range runs(ceilDiv(n, g.Lanes), g.Vectors) {
		for x := range across.count {
			v, j := across.size, (across.at+x*across.size)*g.Lanes
			w := min(v*g.Lanes, n-j)
			tail := w - (v-1)*g.Lanes
			b, ldb := p.panelOfB(bufB, j0, j, v, q, k)
			for _, down := range runs(m, g.Rows) {
				if down.count == 0 {
					continue
				}
				r, row, col := down.size, i0+down.at, j0+j
				a, rs, cs, gs := p.rowsOfA(bufA, i0, down, q, k)
				if p.uplo == 0 {
					g.Tiles[r-1][v-1](down.count, k, p.alpha, a, rs, cs, gs, b, ldb, beta, &p.c[row*p.ldc+col], p.ldc, tail)
					continue
				}
				as := unsafe.Slice(a, (down.count-1)*gs+1)
				for y := range down.count {
					tile := func(c *T, ldc int) {
						g.Tiles[r-1][v-1](1, k, p.alpha, &as[y*gs], rs, cs, gs, b, ldb, beta, c, ldc, tail)
					}
					p.triangleTile(tile, corner, row+y*r, r, col, w)
				}
			}
		}
	}
}

// triangleTile computes what the triangle takes of the tile of r rows and w columns at (i, j).
func (p *product[T]) triangleTile(tile func(c *T, ldc int), corner []T, i, r, j, w int) {
	c := p.c[i*p.ldc+j:]
	switch p.cut(i, r, j, w) {
	case within:
		tile(&c[0], p.ldc)
	case across:
		p.copyTriangle(corner, w, c, p.ldc, i, r, j, w)
		tile(&corner[0], w)
		p.copyTriangle(c, p.ldc, corner, w, i, r, j, w)
	}
}

// A run is count pieces of one size, one after the other from at on.
type run struct{ at, size, count int }

// runs cuts n into as few pieces of at most limit as there can be, of sizes that
// differ by one at most.
func runs(n, limit int) [2]run {
	if n <= limit { // spares small products the divisions
		return [2]run{{0, n, 1}}
	}
	pieces := ceilDiv(n, limit)
	size, longer := n/pieces, n%pieces
	return [2]run{{0, size + 1, longer}, {longer * (size + 1), size, pieces - longer}}
}

// rowsOfA returns the address and strides of groups of rows of op(A), which are
// counted from row i0, where the block starts.
func (p *product[T]) rowsOfA(buf []T, i0 int, groups run, q, k int) (a *T, rs, cs, gs int) {
	r := groups.size
	switch {
	case buf != nil:
		return &buf[groups.at*k], 1, r, r * k
	case p.transA:
		return &p.a[q*p.lda+i0+groups.at], 1, p.lda, r
	}
	return &p.a[(i0+groups.at)*p.lda+q], p.lda, 1, r * p.lda
}

// panelOfB is the same for v vectors of columns of op(B).
func (p *product[T]) panelOfB(buf []T, j0, j, v, q, k int) (b *T, ldb int) {
	if buf != nil {
		return &buf[j*k], v * p.kern.Lanes
	}
	return &p.b[q*p.ldb+j0+j], p.ldb
}

// packA copies m rows of op(A) for tiles: each group of r rows becomes k columns
// of r.
func (p *product[T]) packA(buf []T, i0, m, q, k int) {
	for _, down := range runs(m, p.kern.Rows) {
		r := down.size
		for y := 0; y < down.count; y++ {
			i := down.at + y*r
			dst := buf[i*k : (i+r)*k]
			switch {
			case !p.transA:
				p.kern.Transpose(r, k, p.a[(i0+i)*p.lda+q:], p.lda, dst, r)
			case r == 4 && y+1 < down.count:
				p.packFours(buf[i*k:(i+8)*k], i0+i, q, k)
				y++
			case r == 8: // spares the calls of memmove
				for s := range k {
					*(*[8]T)(dst[s*8:]) = *(*[8]T)(p.a[(q+s)*p.lda+i0+i:])
				}
			default:
				for s := range k {
					copy(dst[s*r:(s+1)*r], p.a[(q+s)*p.lda+i0+i:])
				}
			}
		}
	}
}

// packFours is packA for two groups of four rows at i of a transposed A: together they
// are a cache line of each of its rows.
func (p *product[T]) packFours(buf []T, i, q, k int) {
	first, second := buf[:4*k], buf[4*k:8*k]
	at := q*p.lda + i
	for len(first) >= 4 && len(second) >= 4 {
		row := (*[8]T)(p.a[at:])
		*(*[4]T)(first) = *(*[4]T)(row[:4])
		*(*[4]T)(second) = *(*[4]T)(row[4:])
		first, second, at = first[4:], second[4:], at+p.lda
	}
}

// packB copies panels lo ≤ x < hi of n columns of op(B) for tiles: each, of v vectors
// of columns, becomes k rows of v vectors.
func (p *product[T]) packB(buf []T, lo, hi, j0, n, q, k int) {
	g := p.kern
	across := runs(ceilDiv(n, g.Lanes), g.Vectors)
	for x := lo; x < hi; x++ {
		r, y := across[0], x
		if x >= r.count {
			r, y = across[1], x-r.count
		}
		v, j := r.size, (r.at+y*r.size)*g.Lanes
		w, ldd := min(v*g.Lanes, n-j), v*g.Lanes
		dst := buf[j*k : (j+ldd)*k]
		if p.transB {
			g.Transpose(w, k, p.b[(j0+j)*p.ldb+q:], p.ldb, dst, ldd)
		} else {
			g.CopyPanel[v-1](k, &p.b[q*p.ldb+j0+j], p.ldb, &dst[0], ldd, w-(v-1)*g.Lanes)
		}
	}
}

// How a tile lies to the triangle that is wanted of C.
const (
	within = iota
	across
	outside
)

func (p *product[T]) cut(i, r, j, w int) int {
	switch {
	case p.uplo == 0,
		p.uplo == blas.Upper && i+r-1 <= j,
		p.uplo == blas.Lower && j+w-1 <= i:
		return within
	case p.uplo == blas.Upper && i > j+w-1,
		p.uplo == blas.Lower && j > i+r-1:
		return outside
	}
	return across
}

// copyTriangle copies what of the tile at (i, j) belongs to the triangle of C.
func (p *product[T]) copyTriangle(dst []T, ldd int, src []T, lds, i, r, j, w int) {
	for s := range r {
		lo, hi := 0, w
		if p.uplo == blas.Upper {
			lo = min(w, max(0, i+s-j))
		} else {
			hi = min(w, max(0, i+s+1-j))
		}
		copy(dst[s*ldd+lo:s*ldd+hi], src[s*lds+lo:s*lds+hi])
	}
}

// scale is the product with no terms: C = beta·C.
func (p *product[T]) scale(j0, j1 int) {
	for i := range p.m {
		lo, hi := j0, j1
		switch p.uplo {
		case blas.Upper:
			lo = max(lo, i)
		case blas.Lower:
			hi = min(hi, i+1)
		}
		if lo >= hi {
			continue
		}
		row := p.c[i*p.ldc+lo : i*p.ldc+hi]
		if p.beta == 0 {
			clear(row)
			continue
		}
		for j := range row {
			row[j] *= p.beta
		}
	}
}

// buffers is packing space, kept between products.
type buffers[T kernel.Float] struct{ a, b, c, corner []T }

var pool64, pool32 sync.Pool

func poolOf[T kernel.Float]() *sync.Pool {
	var x T
	if unsafe.Sizeof(x) == 8 {
		return &pool64
	}
	return &pool32
}

func borrow[T kernel.Float]() *buffers[T] {
	if s, ok := poolOf[T]().Get().(*buffers[T]); ok {
		return s
	}
	return &buffers[T]{}
}

func (s *buffers[T]) giveBack() { poolOf[T]().Put(s) }

// grow returns n elements of *buf, aligned to a cache line, in place of what was there.
func grow[T kernel.Float](buf *[]T, n int) []T {
	const line = 64
	if cap(*buf) < n {
		var x T
		size := int(unsafe.Sizeof(x))
		raw := make([]T, n+line/size)
		skip := 0
		for uintptr(unsafe.Pointer(&raw[skip]))%line != 0 {
			skip++
		}
		*buf = raw[skip : skip+n]
	}
	return (*buf)[:n]
}
