package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemmFile emits the micro-kernels of Gemm and the copies that pack for them.
func gemmFile(c *build.Context, t elem) {
	levels(c, t, func(g *gen) {
		for m := 1; m <= g.tileRows(); m++ {
			for v := 1; v <= tileVectors; v++ {
				g.gemmTile(m, v)
			}
		}
		for v := 1; v <= tileVectors; v++ {
			g.copyPanel(v)
		}
	})
	(&gen{Context: c, elem: t}).transposeStrip()
}

// tileVectors is the largest number of vectors across a tile, tileRows that of
// its rows: with the panel of B they fill the registers.
const tileVectors = 3

func (g *gen) tileRows() int {
	if g.avx512 {
		return 8
	}
	return 4
}

// gemmTile emits the product of groups of m rows of A with v vectors of columns of
// B. Rows of A are broadcast from memory at any pair of strides, so that A needs
// packing for locality alone; rows of B are contiguous. The loop over groups is
// here because the instructions of a call and return between two tiles would fill
// the processor's window and let the multipliers run dry.
func (g *gen) gemmTile(m, v int) {
	g.begin(fmt.Sprintf("tile%dx%d", m, v), fmt.Sprintf(
		"func(groups, k int, alpha %[1]s, a *%[1]s, rs, cs, gs int, b *%[1]s, ldb int, beta %[1]s, c *%[1]s, ldc, tail int)", g.typ),
		fmt.Sprintf("C = alpha·A·B + beta·C for groups of %d rows and %d vectors of columns, the last of tail lanes:", m, v),
		fmt.Sprintf("\tfor q := range groups { for p := range k { acc[i][j] += a[q*gs+i*rs+p*cs] * b[p*ldb+j] } } // to c[(q*%d+i)*ldc+j]", m),
		"With beta = 0, C is not read.")
	rs, cs, ldb, ldc := g.param("rs"), g.param("cs"), g.param("ldb"), g.param("ldc")
	for _, r := range []reg.GPVirtual{rs, cs, ldb, ldc} {
		g.bytes(r)
	}
	c, tail := g.param("c"), g.param("tail")
	if g.avx512 {
		g.tailMask(tail)
	}
	groups, group := g.AllocLocal(8), g.AllocLocal(8) // how many are left, and the first row of A of this one
	start := g.param("groups")
	g.MOVQ(start, groups)
	start = g.param("a")
	g.MOVQ(start, group)

	g.Label("group")
	a, b, k := g.GP64(), g.param("b"), g.param("k")
	g.MOVQ(group, a)
	rows := g.rowAddresses(a, rs, m)
	acc := make([][]reg.VecVirtual, m)
	for i := range acc {
		acc[i] = g.vecs(v)
	}
	g.prefetchTile(c, ldc, m, v)
	// The first product sets the sums, which spares zeroing them.
	rank1 := func(full, first bool) {
		bv := g.vecs(v)
		for j := range bv {
			at := Mem{Base: b, Disp: j * g.width() * g.size}
			switch {
			case full || j < v-1:
				g.load(at, bv[j])
			case g.avx512:
				g.loadTail(at, bv[j])
			default: // the mask would be one register too many: load it anew
				g.ymask = g.YMM()
				g.loadMask(g.param("tail"))
				g.loadTail(at, bv[j])
			}
		}
		for i := range acc {
			av := g.vec()
			g.bcast(rows[i], av)
			for j := range bv {
				if first {
					g.mul(av, bv[j], acc[i][j])
				} else {
					g.fma(av, bv[j], acc[i][j])
				}
			}
		}
		g.ADDQ(cs, a)
		g.ADDQ(ldb, b)
	}
	loop := func(label string, full bool) {
		rank1(full, true)
		g.DECQ(k)
		g.JZ(LabelRef("store"))
		g.Label(label)
		rank1(full, false)
		g.DECQ(k)
		g.JNZ(LabelRef(label))
	}
	if g.avx512 {
		loop("loop", false)
	} else {
		tail := g.param("tail")
		g.CMPQ(tail, U32(uint32(g.width())))
		g.JNE(LabelRef("ragged"))
		loop("loop", true)
		g.JMP(LabelRef("store"))
		g.Label("ragged")
		loop("raggedLoop", false)
	}
	g.Label("store")
	g.storeTile(acc, c, ldc)
	g.Label("next")
	step := g.param("gs")
	g.bytes(step)
	g.ADDQ(step, group)
	g.ADDQ(ldc, c)
	g.DECQ(groups)
	g.JNZ(LabelRef("group"))
	g.RET()
}

// rowAddresses returns the addresses of m rows of A, rs bytes apart, as
// base+index·scale over as few registers as that takes.
func (g *gen) rowAddresses(a, rs reg.GPVirtual, m int) []Mem {
	multiple := map[int]reg.GPVirtual{1: rs}
	for n := 3; n < m; n += 2 {
		r := g.GP64()
		if n == 3 {
			g.LEAQ(Mem{Base: rs, Index: rs, Scale: 2}, r)
		} else {
			g.LEAQ(Mem{Base: multiple[n-2], Index: rs, Scale: 2}, r)
		}
		multiple[n] = r
	}
	out := make([]Mem, m)
	for i := range out {
		odd, scale := i, uint8(1)
		for odd > 1 && odd%2 == 0 {
			odd, scale = odd/2, scale*2
		}
		if i == 0 {
			out[i] = Mem{Base: a}
		} else {
			out[i] = Mem{Base: a, Index: multiple[odd], Scale: scale}
		}
	}
	return out
}

// prefetchTile fetches the tile of C while its sums are made.
func (g *gen) prefetchTile(c, ldc reg.GPVirtual, m, v int) {
	at := g.GP64()
	g.MOVQ(c, at)
	for i := range m {
		for line := 0; line < v*g.width()*g.size; line += 64 {
			g.PREFETCHT0(Mem{Base: at, Disp: line})
		}
		if i < m-1 {
			g.ADDQ(ldc, at)
		}
	}
}

// storeTile ends a tile: it scales the sums and adds them to beta·C, leaves c at the
// tile's last row and goes on at next.
func (g *gen) storeTile(acc [][]reg.VecVirtual, c, ldc reg.GPVirtual) {
	v := len(acc[0])
	g.unlessOne("alpha", "scaled")
	alpha := g.scalar("alpha")
	for _, row := range acc {
		for _, r := range row {
			g.mul(alpha, r, r)
		}
	}
	g.Label("scaled")
	if !g.avx512 {
		g.ymask = g.YMM()
		g.loadMask(g.param("tail"))
	}
	rows := func(each func(row []reg.VecVirtual, j int, at Mem)) {
		for i, row := range acc {
			for j := range row {
				each(row, j, Mem{Base: c, Disp: j * g.width() * g.size})
			}
			if i < len(acc)-1 {
				g.ADDQ(ldc, c)
			}
		}
	}
	put := func(row []reg.VecVirtual, j int, at Mem) {
		if j < v-1 {
			g.store(row[j], at)
		} else {
			g.storeTail(row[j], at)
		}
	}
	// Adding its bits to themselves drops the sign, so that −0 is a zero too.
	bits, beta0 := g.GP64(), g.paramAddr("beta")
	if g.size == 8 {
		g.MOVQ(beta0, bits)
		g.ADDQ(bits, bits)
	} else {
		g.MOVL(beta0, bits.As32())
		g.ADDL(bits.As32(), bits.As32())
	}
	g.JNZ(LabelRef("update"))
	rows(put)
	g.JMP(LabelRef("next"))
	g.Label("update")
	beta := g.scalar("beta")
	rows(func(row []reg.VecVirtual, j int, at Mem) {
		old := g.vec()
		if j < v-1 {
			g.load(at, old)
		} else {
			g.loadTail(at, old)
		}
		g.fma(beta, old, row[j])
		put(row, j, at)
	})
}

// unlessOne jumps if the scalar parameter is 1.
func (g *gen) unlessOne(name, label string) {
	at, one := g.paramAddr(name), g.GP64()
	if g.size == 8 {
		g.MOVQ(U64(math.Float64bits(1)), one)
		g.CMPQ(at, one)
	} else {
		g.MOVL(U32(math.Float32bits(1)), one.As32())
		g.CMPL(at, one.As32())
	}
	g.JE(LabelRef(label))
}

// copyPanel emits the copy of k rows of v vectors, the last of tail lanes and
// filled up with zeros.
func (g *gen) copyPanel(v int) {
	g.begin(fmt.Sprintf("copyPanel%d", v), fmt.Sprintf("func(k int, src *%[1]s, lds int, dst *%[1]s, ldd, tail int)", g.typ),
		fmt.Sprintf("Copies k rows of %d vectors, the last of tail lanes and filled with zeros:", v),
		"\tfor p := range k { copy(dst[p*ldd:], src[p*lds:]) }")
	k, src, lds := g.param("k"), g.param("src"), g.param("lds")
	dst, ldd, tail := g.param("dst"), g.param("ldd"), g.param("tail")
	g.bytes(lds)
	g.bytes(ldd)
	g.tailMask(tail)
	g.TESTQ(k, k)
	g.JZ(LabelRef("done"))
	g.Label("loop")
	for j := range v {
		r := g.vec()
		at := j * g.width() * g.size
		if j < v-1 {
			g.load(Mem{Base: src, Disp: at}, r)
		} else {
			g.loadTail(Mem{Base: src, Disp: at}, r)
		}
		g.store(r, Mem{Base: dst, Disp: at})
	}
	g.ADDQ(lds, src)
	g.ADDQ(ldd, dst)
	g.DECQ(k)
	g.JNZ(LabelRef("loop"))
	g.Label("done")
	g.RET()
}

// transposeStrip emits the transposition of a strip of 32 bytes' rows (4 of
// float64, 8 of float32), in square blocks in AVX2 registers, which keep up with
// memory at the higher level too.
func (g *gen) transposeStrip() {
	n := g.width()
	g.begin("transposeStrip", fmt.Sprintf("func(blocks int, src *%[1]s, lds int, dst *%[1]s, ldd int)", g.typ),
		fmt.Sprintf("Transposes %d rows of %d·blocks elements:", n, n),
		fmt.Sprintf("\tfor p := range %d*blocks { for j := range %d { dst[p*ldd+j] = src[j*lds+p] } }", n, n))
	blocks, src, lds := g.param("blocks"), g.param("src"), g.param("lds")
	dst, ldd := g.param("dst"), g.param("ldd")
	g.bytes(lds)
	g.bytes(ldd)
	from := g.rowAddresses(src, lds, n)
	g.TESTQ(blocks, blocks)
	g.JZ(LabelRef("done"))
	g.Label("loop")
	r := g.vecs(n)
	for i := range r {
		g.load(from[i], r[i])
	}
	if g.size == 8 {
		r = g.transpose4(r)
	} else {
		r = g.transpose8(r)
	}
	for _, column := range r {
		g.store(column, Mem{Base: dst})
		g.ADDQ(ldd, dst)
	}
	g.ADDQ(U8(32), src)
	g.DECQ(blocks)
	g.JNZ(LabelRef("loop"))
	g.Label("done")
	g.RET()
}

// transpose4 transposes a 4×4 block of float64.
func (g *gen) transpose4(r []reg.VecVirtual) []reg.VecVirtual {
	t, out := g.vecs(4), g.vecs(4)
	for i := 0; i < 4; i += 2 {
		g.VUNPCKLPD(r[i+1], r[i], t[i])
		g.VUNPCKHPD(r[i+1], r[i], t[i+1])
	}
	for i := range 2 {
		g.VPERM2F128(Imm(0x20), t[i+2], t[i], out[i])
		g.VPERM2F128(Imm(0x31), t[i+2], t[i], out[i+2])
	}
	return out
}

// transpose8 transposes an 8×8 block of float32.
func (g *gen) transpose8(r []reg.VecVirtual) []reg.VecVirtual {
	t, u, out := g.vecs(8), g.vecs(8), g.vecs(8)
	for i := 0; i < 8; i += 2 {
		g.VUNPCKLPS(r[i+1], r[i], t[i])
		g.VUNPCKHPS(r[i+1], r[i], t[i+1])
	}
	for i := 0; i < 8; i += 4 { // pairs of rows to columns i..i+3 of each half
		g.VUNPCKLPD(t[i+2], t[i], u[i])
		g.VUNPCKHPD(t[i+2], t[i], u[i+1])
		g.VUNPCKLPD(t[i+3], t[i+1], u[i+2])
		g.VUNPCKHPD(t[i+3], t[i+1], u[i+3])
	}
	for i := range 4 {
		g.VPERM2F128(Imm(0x20), u[i+4], u[i], out[i])
		g.VPERM2F128(Imm(0x31), u[i+4], u[i], out[i+4])
	}
	return out
}
