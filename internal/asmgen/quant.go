package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// i8 is the element type of integer products, by what they add up in.
var i8 = elem{"i8", "int32", 4}

// byteTile says how the tiles of one instruction level multiply.
type byteTile struct {
	vnni          bool
	rows, vectors int // of the largest tile
}

// suffix is what the level adds to names besides AVX512 or AVX2.
func (b byteTile) suffix() string {
	if b.vnni {
		return "VNNI"
	}
	return ""
}

// byteConstants are ones in 16 bits, and masks of the low seven bits of bytes and of
// their last.
type byteConstants struct {
	ones  Mem
	masks []Mem
}

// byteGemmFile emits the products of bytes and the copies that pack for them.
func byteGemmFile(c *build.Context) {
	table := newConstantTable(c, "byteConstants")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	bytes := &byteConstants{ones: table.bits(4, 0x00010001), masks: []Mem{table.bits(4, 0x7f7f7f7f), table.bits(4, 0x01010101)}}
	var g2 *gen // of AVX2, which comes last
	levels(c, i8, func(g *gen) {
		g.byteConstants = bytes
		g2 = g
		kinds := []byteTile{{false, 4, 2}}
		if g.avx512 {
			kinds = []byteTile{{true, 8, 3}, {false, 8, 2}}
		}
		for _, kind := range kinds {
			for m := 1; m <= kind.rows; m++ {
				vectors := kind.vectors
				if m == 1 {
					vectors = 48 / g.width() // a panel, so that B is read in order
				}
				for v := 1; v <= vectors; v++ {
					g.byteTile(kind, m, v)
				}
			}
		}
	})
	g := g2
	g.packRows8()
	g.packRows4()
	g.widen()
	for m := 1; m <= wideRows; m++ {
		for v := 1; v <= wideVectors; v++ {
			g.wideTile(m, v)
		}
	}
}

// byteTile emits the product of groups of m packed rows of unsigned bytes with v
// vectors of packed columns of signed bytes.
func (g *gen) byteTile(kind byteTile, m, v int) {
	g.begin(fmt.Sprintf("tile%dx%d%s", m, v, kind.suffix()),
		"func(groups, k int, a *uint8, b *int8, ldb int, add *int32, lda int, c *int32, ldc, tail int)",
		fmt.Sprintf("C = add + A·B for groups of %d rows and %d vectors of columns, the last of tail lanes:", m, v),
		fmt.Sprintf("\tfor q := range groups { for p := range k { for s := range 4 { acc[i][j] += a[((q*k+p)*%d+i)*4+s] * b[p*ldb+j*4+s] } } }", m),
		fmt.Sprintf("\tc[(q*%d+i)*ldc+j] = add[(q*%d+i)*lda+j] + acc[i][j]", m, m))
	a, ldb := g.param("a"), g.param("ldb")
	add, lda, c, ldc := g.param("add"), g.param("lda"), g.param("c"), g.param("ldc")
	g.bytes(lda)
	g.bytes(ldc)
	if g.avx512 {
		tail := g.param("tail")
		g.tailMask(tail)
	}
	groups := g.param("groups")

	g.Label("group")
	b, k := g.param("b"), g.param("k")
	acc := make([][]reg.VecVirtual, m)
	for i := range acc {
		acc[i] = g.vecs(v)
		for _, r := range acc[i] {
			g.zero(r)
		}
	}
	g.prefetchTile(c, ldc, m, v)
	g.TESTQ(k, k)
	g.JZ(LabelRef("store"))
	if m == 1 && !kind.vnni {
		g.rowQuads(acc[0], a, b, ldb, k)
	} else {
		g.Label("loop")
		if m == 1 {
			g.fetchAhead(b, v)
		}
		if kind.vnni {
			g.quadsVNNI(acc, a, b)
		} else {
			g.quads(acc, a, b)
		}
		g.ADDQ(U32(uint32(4*m)), a)
		g.ADDQ(ldb, b)
		g.DECQ(k)
		g.JNZ(LabelRef("loop"))
	}
	g.Label("store")
	if !g.avx512 {
		tail := g.param("tail")
		g.ymask = g.YMM()
		g.loadMask(tail)
	}
	for _, row := range acc {
		g.addRow(row, add, c)
		g.ADDQ(lda, add)
		g.ADDQ(ldc, c)
	}
	g.DECQ(groups)
	g.JNZ(LabelRef("group"))
	g.RET()
}

// byteAhead is how far ahead, in bytes, a single row has B fetched.
const byteAhead = 4096

// fetchAhead is for a single row, which reads B from memory, once.
func (g *gen) fetchAhead(b reg.GPVirtual, v int) {
	for j := 0; j < v*g.width()*4; j += 64 {
		g.PREFETCHT0(Mem{Base: b, Disp: byteAhead + j})
	}
}

// quadsVNNI adds the products of four bytes in a row, in one instruction.
func (g *gen) quadsVNNI(acc [][]reg.VecVirtual, a, b reg.GPVirtual) {
	bv := g.vecs(len(acc[0]))
	for j := range bv {
		g.VMOVDQU32(Mem{Base: b, Disp: 64 * j}, bv[j])
	}
	for i, row := range acc {
		av := g.vec()
		g.VPBROADCASTD(Mem{Base: a, Disp: 4 * i}, av)
		for j := range bv {
			g.VPDPBUSD(bv[j], av, row[j])
		}
	}
}

// quads does the same in 16 bits, which hold every product's factors: the bytes with
// even places and those with odd places apart, each pair's sum exact in 32 bits.
// VPMADDUBSW would saturate.
func (g *gen) quads(acc [][]reg.VecVirtual, a, b reg.GPVirtual) {
	even, odd := g.vecs(len(acc[0])), g.vecs(len(acc[0]))
	for j := range even {
		g.load(Mem{Base: b, Disp: g.width() * 4 * j}, odd[j])
		g.VPSLLW(Imm(8), odd[j], even[j])
		g.VPSRAW(Imm(8), even[j], even[j])
		g.VPSRAW(Imm(8), odd[j], odd[j])
	}
	for i, row := range acc {
		av := g.vec()
		add := func(bv []reg.VecVirtual) {
			for j := range row {
				p := g.vec()
				g.VPMADDWD(bv[j], av, p)
				g.VPADDD(p, row[j], row[j])
			}
		}
		at := Mem{Base: a, Disp: 4 * i}
		g.VPBROADCASTD(at, av)
		g.VPSLLW(Imm(8), av, av)
		g.VPSRLW(Imm(8), av, av)
		add(even)
		g.VPBROADCASTD(at, av)
		g.VPSRLW(Imm(8), av, av)
		add(odd)
	}
}

// The largest tile of factors in 16 bits, which with what it loads takes all registers.
const (
	wideRows    = 6
	wideVectors = 2
)

// wideTile emits byteTile for factors that are in 16 bits already, so that nothing is
// left to do for a pair of products but their multiplication and addition.
func (g *gen) wideTile(m, v int) {
	g.begin(fmt.Sprintf("wide%dx%d", m, v),
		"func(groups, k int, a *uint64, b *int16, add *int32, lda int, c *int32, ldc, tail int)",
		fmt.Sprintf("C = add + A·B for groups of %d rows and %d vectors of columns, the last of tail lanes:", m, v),
		fmt.Sprintf("\tfor q := range groups { for p := range 2*k { for s := range 2 { acc[i][j] += a[(q*k+p/2)*%d+i]>>(p%%2*32+s*16)&0xff * b[(p*%d+j)*2+s] } } }", m, 8*v),
		fmt.Sprintf("\tc[(q*%d+i)*ldc+j] = add[(q*%d+i)*lda+j] + acc[i][j]", m, m))
	a, add, lda, c, ldc := g.param("a"), g.param("add"), g.param("lda"), g.param("c"), g.param("ldc")
	g.bytes(lda)
	g.bytes(ldc)
	groups := g.param("groups")

	g.Label("group")
	b, k := g.param("b"), g.param("k")
	acc := make([][]reg.VecVirtual, m)
	for i := range acc {
		acc[i] = g.vecs(v)
		for _, r := range acc[i] {
			g.zero(r)
		}
	}
	g.prefetchTile(c, ldc, m, v)
	g.TESTQ(k, k)
	g.JZ(LabelRef("store"))
	g.Label("loop")
	for pair := range 2 {
		bv := g.vecs(v)
		for j := range bv {
			g.load(Mem{Base: b, Disp: (pair*v + j) * 32}, bv[j])
		}
		for i, row := range acc {
			av := g.vec()
			g.VPBROADCASTD(Mem{Base: a, Disp: 8*i + 4*pair}, av)
			p := g.vecs(v)
			p[v-1] = av
			for j := range bv {
				g.VPMADDWD(bv[j], av, p[j])
			}
			for j := range bv {
				g.VPADDD(p[j], row[j], row[j])
			}
		}
	}
	g.ADDQ(U32(uint32(8*m)), a)
	g.ADDQ(U32(uint32(64*v)), b)
	g.DECQ(k)
	g.JNZ(LabelRef("loop"))
	g.Label("store")
	tail := g.param("tail")
	g.ymask = g.YMM()
	g.loadMask(tail)
	for _, row := range acc {
		g.addRow(row, add, c)
		g.ADDQ(lda, add)
		g.ADDQ(ldc, c)
	}
	g.DECQ(groups)
	g.JNZ(LabelRef("group"))
	g.RET()
}

// widen emits the conversion of packed columns for wideTile.
func (g *gen) widen() {
	g.begin("widen", "func(quads, v int, b *int8, ldb int, dst *int16)",
		"Converts v vectors of 8 packed columns, the even places of each quad before the odd ones:",
		"\tfor p := range quads { for j := range 8*v { for s := range 4 { dst[p*32*v+s%2*16*v+j*2+s/2] = b[p*ldb+j*4+s] } } }")
	quads, v, b, ldb, dst := g.param("quads"), g.param("v"), g.param("b"), g.param("ldb"), g.param("dst")
	g.SHLQ(Imm(5), v) // bytes of v vectors
	g.Label("loop")
	j := g.GP64()
	g.XORQ(j, j)
	g.Label("vector")
	even, odd := g.YMM(), g.YMM()
	g.VMOVDQU(Mem{Base: b, Index: j, Scale: 1}, odd)
	g.VPSLLW(Imm(8), odd, even)
	g.VPSRAW(Imm(8), even, even)
	g.VPSRAW(Imm(8), odd, odd)
	g.VMOVDQU(even, Mem{Base: dst})
	g.VMOVDQU(odd, Mem{Base: dst, Index: v, Scale: 1})
	g.ADDQ(Imm(32), dst)
	g.ADDQ(Imm(32), j)
	g.CMPQ(j, v)
	g.JLT(LabelRef("vector"))
	g.ADDQ(v, dst)
	g.ADDQ(ldb, b)
	g.DECQ(quads)
	g.JNZ(LabelRef("loop"))
	g.RET()
}

// rowQuads is the loop of a tile of one row, which has little to do but read B and so
// has to keep up with memory. The low seven bits of A are safe from the saturation of
// VPMADDUBSW; sums of the top bits fit 16 bits for a while, and count 128 times.
func (g *gen) rowQuads(row []reg.VecVirtual, a, b, ldb, k reg.GPVirtual) {
	ones, masks := g.constant(g.byteConstants.ones), g.operands(g.byteConstants.masks)
	top := g.vecs(len(row))
	g.Label("loop")
	for _, r := range top {
		g.zero(r)
	}
	n := g.GP64()
	g.MOVQ(U32(quadsOfTop), n)
	g.CMPQ(k, n)
	g.CMOVQLT(k, n)
	g.SUBQ(n, k)
	g.Label("quad")
	g.fetchAhead(b, len(row))
	low, high := g.vec(), g.vec()
	g.VPBROADCASTD(Mem{Base: a}, low)
	g.VPSRLW(Imm(7), low, high)
	g.and(masks[0], low)
	g.and(masks[1], high)
	for j := range row {
		at, p := Mem{Base: b, Disp: g.width() * 4 * j}, g.vec()
		g.VPMADDUBSW(at, low, p)
		g.VPMADDWD(ones, p, p)
		g.VPADDD(p, row[j], row[j])
		q := g.vec()
		g.VPMADDUBSW(at, high, q)
		g.VPADDW(q, top[j], top[j])
	}
	g.ADDQ(Imm(4), a)
	g.ADDQ(ldb, b)
	g.DECQ(n)
	g.JNZ(LabelRef("quad"))
	for j := range row {
		g.VPMADDWD(ones, top[j], top[j])
		g.VPSLLD(Imm(7), top[j], top[j])
		g.VPADDD(top[j], row[j], row[j])
	}
	g.TESTQ(k, k)
	g.JNZ(LabelRef("loop"))
}

// quadsOfTop is how many sums of two bytes fit 16 bits.
const quadsOfTop = 127

// and keeps of v what the mask has.
func (g *gen) and(mask Op, v reg.VecVirtual) {
	if g.avx512 {
		g.VPANDD(mask, v, v)
		return
	}
	g.VPAND(mask, v, v)
}

// addRow stores a row of sums plus what is at add.
func (g *gen) addRow(row []reg.VecVirtual, add, c reg.GPVirtual) {
	for j, r := range row {
		tail, disp := j == len(row)-1, g.width()*4*j
		old := g.vec()
		g.loadPart(Mem{Base: add, Disp: disp}, old, tail)
		g.VPADDD(old, r, r)
		g.storePart(r, Mem{Base: c, Disp: disp}, tail)
	}
}

// packRows8 emits the interleaving of 8 rows, four bytes of each in turn, by
// transposing blocks of 8×8 quads.
func (g *gen) packRows8() {
	g.begin("packRows8", "func(blocks int, src *uint8, lds int, flip uint32, dst *uint8)",
		"Interleaves the quads of 8 rows of 32·blocks bytes:",
		"\tfor p := range 8*blocks { for i := range 8 { dst[p*8+i] = src[i*lds/4+p] ^ flip } } // in units of 4 bytes")
	blocks, src, lds, dst := g.param("blocks"), g.param("src"), g.param("lds"), g.param("dst")
	flip := g.YMM()
	g.VBROADCASTSS(g.paramAddr("flip"), flip)
	from := g.rowAddresses(src, lds, 8)
	g.Label("loop")
	r := g.vecs(8)
	for i := range r {
		g.VPXOR(from[i], flip, r[i])
	}
	for p, column := range g.transpose8(r) {
		g.VMOVDQU(column, Mem{Base: dst, Disp: 32 * p})
	}
	g.ADDQ(U32(32), src)
	g.ADDQ(U32(256), dst)
	g.DECQ(blocks)
	g.JNZ(LabelRef("loop"))
	g.RET()
}

// packRows4 is packRows8 for 4 rows, in blocks of 4×4 quads.
func (g *gen) packRows4() {
	g.begin("packRows4", "func(blocks int, src *uint8, lds int, flip uint32, dst *uint8)",
		"Interleaves the quads of 4 rows of 16·blocks bytes:",
		"\tfor p := range 4*blocks { for i := range 4 { dst[p*4+i] = src[i*lds/4+p] ^ flip } } // in units of 4 bytes")
	blocks, src, lds, dst := g.param("blocks"), g.param("src"), g.param("lds"), g.param("dst")
	flip := g.XMM()
	g.VBROADCASTSS(g.paramAddr("flip"), flip)
	from := g.rowAddresses(src, lds, 4)
	g.Label("loop")
	r, t, out := g.xmms(4), g.xmms(4), g.xmms(4)
	for i := range r {
		g.VPXOR(from[i], flip, r[i])
	}
	for i := 0; i < 4; i += 2 {
		g.VPUNPCKLDQ(r[i+1], r[i], t[i])
		g.VPUNPCKHDQ(r[i+1], r[i], t[i+1])
	}
	for i := range 2 {
		g.VPUNPCKLQDQ(t[i+2], t[i], out[2*i])
		g.VPUNPCKHQDQ(t[i+2], t[i], out[2*i+1])
	}
	for p, column := range out {
		g.VMOVDQU(column, Mem{Base: dst, Disp: 16 * p})
	}
	g.ADDQ(U32(16), src)
	g.ADDQ(U32(64), dst)
	g.DECQ(blocks)
	g.JNZ(LabelRef("loop"))
	g.RET()
}

func (g *gen) xmms(n int) []reg.VecVirtual {
	out := make([]reg.VecVirtual, n)
	for i := range out {
		out[i] = g.XMM()
	}
	return out
}

// byteRulerFile emits the peak of byte products, for benchmarks to hold tiles against.
func byteRulerFile(c *build.Context) {
	const chains = 12
	g := &gen{Context: c, elem: elem{"ruler", "int32", 4}, avx512: true}
	g.begin("peakBytesVNNI", "func(n int)", "Does 12·n vector products of bytes in registers.")
	n := g.param("n")
	acc := g.vecs(chains)
	for _, v := range acc {
		g.zero(v)
	}
	x, y := g.vec(), g.vec()
	g.zero(x)
	g.zero(y)
	g.Label("loop")
	for _, v := range acc {
		g.VPDPBUSD(x, y, v)
	}
	g.DECQ(n)
	g.JNZ(LabelRef("loop"))
	g.RET()
}
