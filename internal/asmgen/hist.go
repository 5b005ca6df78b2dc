package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// histAhead is how many rows ahead the memory of a row is asked for: rows of a node are
// scattered, in ascending order.
const histAhead = 16

// histFile emits the loops over rows of bins: sums by bin, and the division of a node.
// Most need no more than instructions that every amd64 has.
func histFile(c *build.Context) {
	histAdd(c, "addWord", 8)
	histAdd(c, "addHalf", 4)
	histPartition(c)
	histSubtract(c)
	histOccupied(c)
	histBest(c)
}

// A histLoop has the registers of a loop over rows, whose numbers are at rows, of words
// bins each. AX to DX, whose second bytes can be read alone, are free.
type histLoop struct {
	*build.Context
	bins, stride, rows, n, fetch reg.GPPhysical
}

func newHistLoop(c *build.Context) *histLoop {
	l := &histLoop{c, reg.R8, reg.R9, reg.R10, reg.R11, reg.R12}
	for _, p := range []struct {
		name string
		to   reg.GPPhysical
	}{{"bins", l.bins}, {"stride", l.stride}, {"rows", l.rows}, {"n", l.n}, {"fetch", l.fetch}} {
		c.Load(c.Param(p.name), p.to)
	}
	return l
}

// each emits row twice: for the first fetch rows, after a row that is ahead has been asked
// for by ask, given its number in BX, and for the others.
func (l *histLoop) each(ask, row func()) {
	l.SUBQ(l.fetch, l.n)
	l.TESTQ(l.fetch, l.fetch)
	l.JZ(LabelRef("near"))
	l.Label("ahead")
	l.MOVLQSX(Mem{Base: l.rows, Disp: 4 * histAhead}, reg.RBX)
	ask()
	row()
	l.ADDQ(Imm(4), l.rows)
	l.DECQ(l.fetch)
	l.JNZ(LabelRef("ahead"))
	l.Label("near")
	l.TESTQ(l.n, l.n)
	l.JZ(LabelRef("done"))
	l.Label("row")
	row()
	l.ADDQ(Imm(4), l.rows)
	l.DECQ(l.n)
	l.JNZ(LabelRef("row"))
	l.Label("done")
}

func histAdd(c *build.Context, name string, features int) {
	c.Function(name)
	c.Attributes(attr.NOSPLIT)
	c.Pragma("noescape")
	c.Doc("Adds the packed numbers of n rows to the histograms of a word's features, of which there are 8, or 4 for addHalf:",
		"\tfor _, r := range rows[:n] { for j := range features { h[j][uint8(bins[r*stride/8]>>(8*j))] += packed[r] } }",
		"stride is the bytes of a row. Memory is fetched for the first fetch rows, each 16 rows before.")
	c.SignatureExpr("func(h *[8][256]int64, bins *uint64, stride int, rows *int32, fetch, n int, packed *int64)")
	l := newHistLoop(c)
	h, packed, p := reg.RDI, reg.R13, reg.RSI
	c.Load(c.Param("h"), h)
	c.Load(c.Param("packed"), packed)
	l.each(func() {
		c.PREFETCHT0(Mem{Base: packed, Index: reg.RBX, Scale: 8})
		c.IMULQ(l.stride, reg.RBX)
		c.PREFETCHT0(Mem{Base: l.bins, Index: reg.RBX, Scale: 1})
	}, func() {
		c.MOVLQSX(Mem{Base: l.rows}, reg.RAX)
		c.MOVQ(Mem{Base: packed, Index: reg.RAX, Scale: 8}, p)
		c.IMULQ(l.stride, reg.RAX)
		c.MOVQ(Mem{Base: l.bins, Index: reg.RAX, Scale: 1}, reg.RBX)
		for j := 0; j < features; j += 2 {
			c.MOVBLZX(reg.BL, reg.EAX)
			c.MOVBLZX(reg.BH, reg.ECX)
			if j+2 < features {
				c.SHRQ(Imm(16), reg.RBX)
			}
			c.ADDQ(p, Mem{Base: h, Disp: 2048 * j, Index: reg.RAX, Scale: 8})
			c.ADDQ(p, Mem{Base: h, Disp: 2048 * (j + 1), Index: reg.RCX, Scale: 8})
		}
	})
	c.RET()
}

func histPartition(c *build.Context) {
	c.Function("partition")
	c.Attributes(attr.NOSPLIT)
	c.Pragma("noescape")
	c.Doc("Moves those of n rows to the front whose bin is 1 in left, copies the others to spare, and returns how many were moved:",
		"\tfor i, r := range rows[:n] { goes := left[uint8(bins[r*stride/8]>>(8*feature))]; rows[l], spare[i-l] = r, r; l += goes }",
		"Memory is fetched for the first fetch rows, each 16 rows before.")
	c.SignatureExpr("func(left *[256]uint8, bins *uint64, feature, stride int, rows *int32, fetch, n int, spare *int32) int")
	l := newHistLoop(c)
	left, spare, to, first := reg.RDI, reg.R13, reg.RSI, reg.RDX
	c.Load(c.Param("feature"), left)
	c.ADDQ(left, l.bins)
	c.Load(c.Param("left"), left)
	c.Load(c.Param("spare"), spare)
	c.MOVQ(l.rows, to)
	c.MOVQ(l.rows, first)
	l.each(func() {
		c.IMULQ(l.stride, reg.RBX)
		c.PREFETCHT0(Mem{Base: l.bins, Index: reg.RBX, Scale: 1})
	}, func() {
		c.MOVLQSX(Mem{Base: l.rows}, reg.RAX)
		c.MOVQ(reg.RAX, reg.RBX)
		c.IMULQ(l.stride, reg.RBX)
		c.MOVBLZX(Mem{Base: l.bins, Index: reg.RBX, Scale: 1}, reg.ECX)
		c.MOVBLZX(Mem{Base: left, Index: reg.RCX, Scale: 1}, reg.ECX)
		c.MOVL(reg.EAX, Mem{Base: to})
		c.MOVL(reg.EAX, Mem{Base: spare})
		c.LEAQ(Mem{Base: to, Index: reg.RCX, Scale: 4}, to)
		c.XORL(Imm(1), reg.ECX)
		c.LEAQ(Mem{Base: spare, Index: reg.RCX, Scale: 4}, spare)
	})
	c.SUBQ(first, to)
	c.SHRQ(Imm(2), to)
	c.Store(to, c.ReturnIndex(0))
	c.RET()
}

// histSubtract takes a word's histograms from another's.
func histSubtract(c *build.Context) {
	c.Function("subtractAVX2")
	c.Attributes(attr.NOSPLIT)
	c.Pragma("noescape")
	c.Doc("Takes x from h:", "\tfor j := range h { for b, v := range x[j] { h[j][b] -= v } }")
	c.SignatureExpr("func(h, x *[8][256]int64)")
	h, x := c.Load(c.Param("h"), c.GP64()), c.Load(c.Param("x"), c.GP64())
	n := c.GP64()
	const unroll = 4
	c.MOVQ(U32(8*256/(4*unroll)), n)
	c.Label("loop")
	v := make([]reg.VecVirtual, unroll)
	for i := range v {
		v[i] = c.YMM()
		c.VMOVDQU(Mem{Base: h, Disp: 32 * i}, v[i])
		c.VPSUBQ(Mem{Base: x, Disp: 32 * i}, v[i], v[i])
		c.VMOVDQU(v[i], Mem{Base: h, Disp: 32 * i})
	}
	c.ADDQ(Imm(32*unroll), h)
	c.ADDQ(Imm(32*unroll), x)
	c.DECQ(n)
	c.JNZ(LabelRef("loop"))
	c.VZEROUPPER()
	c.RET()
}

// histOccupied emits the search for the bins of a feature that are not 0, 16 at a time.
func histOccupied(c *build.Context) {
	c.Function("occupiedAVX2")
	c.Attributes(attr.NOSPLIT)
	c.Pragma("noescape")
	c.Doc("Sets bit b of dst if bin b is not 0:", "\tfor b, v := range h { if v != 0 { dst[b/64] |= 1 << (b%64) } }")
	c.SignatureExpr("func(dst *[4]uint64, h *[256]int64)")
	dst, h := c.Load(c.Param("dst"), c.GP64()), c.Load(c.Param("h"), c.GP64())
	zero, n := c.YMM(), c.GP64()
	c.VPXOR(zero, zero, zero)
	c.MOVQ(U32(16), n)
	c.Label("loop")
	v := make([]reg.VecVirtual, 4)
	for i := range v {
		v[i] = c.YMM()
		c.VPCMPEQQ(Mem{Base: h, Disp: 32 * i}, zero, v[i])
	}
	bits := c.GP32()
	c.VMOVMSKPD(v[0], bits)
	for i, x := range v[1:] {
		part := c.GP32()
		c.VMOVMSKPD(x, part)
		c.SHLL(Imm(uint64(4*(i+1))), part)
		c.ORL(part, bits)
	}
	c.NOTL(bits)
	c.MOVW(bits.As16(), Mem{Base: dst})
	c.ADDQ(Imm(2), dst)
	c.ADDQ(Imm(128), h)
	c.DECQ(n)
	c.JNZ(LabelRef("loop"))
	c.VZEROUPPER()
	c.RET()
}

// histBest emits the search for the best cut: the sums that are not 0 move together first, for most
// nodes have few, and then eight cuts are judged at a time.
func histBest(c *build.Context) {
	c.Function("bestAVX512")
	c.Pragma("noescape")
	c.Doc("Looks at the cuts after the bins before last, as bestPortable does, in eight places in turns. Of the bins that are not 0",
		"the i-th has the place i%8 and the group i/8. s begins a Search; out begins a found, which has for each place the best score, its",
		"group and what is left of it, and bit b of occupied for bin b; scores are -1 where there is none.")
	c.SignatureExpr("func(s *int64, bins *[256]int64, last int, left int64, out *uint64)")
	from, last, out := c.Load(c.Param("bins"), c.GP64()), c.Load(c.Param("last"), c.GP64()), c.Load(c.Param("out"), c.GP64())
	buf := c.AllocLocal(8 * (256 + 8))
	to, occupied := c.GP64(), c.GP64()
	c.LEAQ(buf, to)
	c.MOVQ(out, occupied)

	bits := c.GP32()
	compress := func() {
		v, packed, k := c.ZMM(), c.ZMM(), c.K()
		c.VMOVDQU64_Z(Mem{Base: from}, reg.K1, v)
		c.VPTESTMQ(v, v, k)
		c.VPCOMPRESSQ_Z(v, k, packed)
		c.VMOVDQU64(packed, Mem{Base: to})
		c.KMOVB(k, bits)
		c.MOVB(bits.As8(), Mem{Base: occupied})
		c.POPCNTL(bits, bits)
		c.LEAQ(Mem{Base: to, Index: bits.As64(), Scale: 8}, to)
	}
	groups := c.GP64()
	c.MOVQ(last, groups)
	c.SHRQ(Imm(3), groups)
	c.MOVL(U32(255), bits)
	c.KMOVB(bits, reg.K1)
	c.TESTQ(groups, groups)
	c.JZ(LabelRef("part"))
	c.Label("compress")
	compress()
	c.ADDQ(Imm(64), from)
	c.INCQ(occupied)
	c.DECQ(groups)
	c.JNZ(LabelRef("compress"))
	c.Label("part")
	c.ANDQ(Imm(7), last)
	c.JZ(LabelRef("compressed"))
	c.MOVL(U32(8), bits)
	c.SUBL(last.(reg.GPVirtual).As32(), bits)
	c.MOVL(bits, reg.ECX)
	c.MOVL(U32(255), bits)
	c.SHRL(reg.CL, bits)
	c.KMOVB(bits, reg.K1)
	compress()
	c.Label("compressed")

	zero := c.ZMM()
	c.VPXORQ(zero, zero, zero)
	c.VMOVDQU64(zero, Mem{Base: to}) // places without a bin repeat the last cut

	s := c.Load(c.Param("s"), c.GP64())
	field := func(at int) reg.VecVirtual {
		v := c.ZMM()
		c.VPBROADCASTQ(Mem{Base: s, Disp: 8 * at}, v)
		return v
	}
	total, hessMask, countMask, minHess, minCount, l2 := field(0), field(2), field(3), field(4), field(5), field(6)
	low := c.XMM()
	c.VMOVQ(Mem{Base: s, Disp: 8}, low)
	g, h, n := c.ZMM(), c.ZMM(), c.ZMM()
	c.VPSRAQ(low, total, g)
	c.VCVTQQ2PD(g, g)
	c.VPANDQ(hessMask, total, h)
	c.VPANDQ(countMask, total, n)
	carry, seven := c.ZMM(), c.ZMM()
	left := c.Load(c.Param("left"), c.GP64())
	c.VPBROADCASTQ(left, carry)
	number := c.GP64()
	c.MOVQ(U32(7), number)
	c.VPBROADCASTQ(number, seven)
	one, group, bestGroup, bestLeft, best := c.ZMM(), c.ZMM(), c.ZMM(), c.ZMM(), c.ZMM()
	c.MOVQ(U32(1), number)
	c.VPBROADCASTQ(number, one)
	c.VPXORQ(group, group, group)
	c.VPXORQ(bestGroup, bestGroup, bestGroup)
	c.VPXORQ(bestLeft, bestLeft, bestLeft)
	c.VPXORQ(best, best, best)
	c.VPSUBQ(one, best, best)
	c.VCVTQQ2PD(best, best)

	at := c.GP64()
	c.LEAQ(buf, at)
	c.JMP(LabelRef("more"))
	c.Label("judge")
	v, t := c.ZMM(), c.ZMM()
	c.VMOVDQU64(Mem{Base: at}, v)
	runningSums(c, v, carry, t, zero, seven, c.VPADDQ, c.VPERMQ)
	hl, hr, x := c.ZMM(), c.ZMM(), c.ZMM()
	k := []reg.OpmaskVirtual{c.K(), c.K(), c.K(), c.K(), c.K()}
	const notLess, greater = 5, 30
	c.VPANDQ(hessMask, v, hl)
	c.VPCMPQ(Imm(notLess), minHess, hl, k[0])
	c.VPSUBQ(hl, h, hr)
	c.VPCMPQ(Imm(notLess), minHess, hr, k[0], k[1])
	c.VPANDQ(countMask, v, x)
	c.VPCMPQ(Imm(notLess), minCount, x, k[1], k[2])
	c.VPSUBQ(x, n, x)
	c.VPCMPQ(Imm(notLess), minCount, x, k[2], k[3])
	gl, gr := c.ZMM(), c.ZMM()
	c.VPSRAQ(low, v, gl)
	c.VCVTQQ2PD(gl, gl)
	c.VSUBPD(gl, g, gr)
	c.VCVTQQ2PD(hl, hl)
	c.VADDPD(l2, hl, hl)
	c.VCVTQQ2PD(hr, hr)
	c.VADDPD(l2, hr, hr)
	c.VMULPD(gl, gl, gl)
	c.VMULPD(hr, gl, gl)
	c.VMULPD(gr, gr, gr)
	c.VMULPD(hl, gr, gr)
	c.VADDPD(gr, gl, gl)
	c.VMULPD(hr, hl, hl)
	c.VDIVPD(hl, gl, gl)
	c.VCMPPD(Imm(greater), best, gl, k[3], k[4])
	c.VMOVAPD(gl, k[4], best)
	c.VMOVDQA64(v, k[4], bestLeft)
	c.VMOVDQA64(group, k[4], bestGroup)
	c.VPADDQ(one, group, group)
	c.ADDQ(Imm(64), at)
	c.Label("more")
	c.CMPQ(at, to)
	c.JB(LabelRef("judge"))
	c.VMOVUPD(best, Mem{Base: out, Disp: 32})
	c.VMOVDQU64(bestGroup, Mem{Base: out, Disp: 96})
	c.VMOVDQU64(bestLeft, Mem{Base: out, Disp: 160})
	c.VZEROUPPER()
	c.RET()
}

// runningSums adds to each lane of v, of eight, those before it and carry, and then all of them to
// carry. seven has the number of the last lane in every lane, t is scratch.
func runningSums(c *build.Context, v, carry, t, zero, seven reg.VecVirtual, add, permute func(...Op)) {
	for _, shift := range []uint64{7, 6, 4} {
		c.VALIGNQ(Imm(shift), zero, v, t)
		add(t, v, v)
	}
	permute(v, seven, t)
	add(carry, v, v)
	add(t, carry, carry)
}
