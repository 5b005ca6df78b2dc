package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rowsFile emits what turns the rows of a matrix of logarithms into shares, around the
// exponential.
func rowsFile(c *build.Context, t elem) {
	levels(c, t, func(g *gen) {
		g.shiftRows()
		g.shareRows()
		g.gatherRows()
	})
}

func (g *gen) max(a, b, dst Op) { g.pick(g.VMAXPD, g.VMAXPS, a, b, dst) }

// vectors emits a loop over the vectors at p and on, up to end.
func (g *gen) vectors(label string, p, end reg.GPVirtual, body func(m Mem)) {
	g.Label(label)
	g.CMPQ(p, end)
	g.JAE(LabelRef(label + "Done"))
	body(Mem{Base: p})
	g.ADDQ(Imm(uint64(g.width()*g.size)), p)
	g.JMP(LabelRef(label))
	g.Label(label + "Done")
}

// copied returns a register with the contents of r.
func (g *gen) copied(r reg.GPVirtual) reg.GPVirtual {
	c := g.GP64()
	g.MOVQ(r, c)
	return c
}

// shiftRows goes over whole vectors and, since the last of a row is loaded first, over
// what is left of it by one that begins earlier.
func (g *gen) shiftRows() {
	g.begin("shiftRows", fmt.Sprintf("func(n int, k int, dst, x, tops *%s)", g.typ),
		"Subtracts from each of n ≥ 1 rows of x, of k ≥ one vector, its largest element, which tops gets:",
		"\tfor i := range n { tops[i] = max(x[i*k:]); dst[i*k+j] = x[i*k+j] - tops[i] }")
	n, k := g.param("n"), g.param("k")
	dst, x, tops := g.param("dst"), g.param("x"), g.param("tops")
	g.bytes(k)
	body := g.copied(k) // of the row before its last vector
	g.SUBQ(Imm(uint64(g.width()*g.size)), body)

	g.Label("rows")
	end := g.GP64()
	g.LEAQ(Mem{Base: x, Index: body, Scale: 1}, end)
	last, top := g.vec(), g.vec()
	g.load(Mem{Base: end}, last)
	g.load(Mem{Base: end}, top)
	g.vectors("most", g.copied(x), end, func(m Mem) { g.max(m, top, top) })
	g.broadcastMax(top)
	g.pick(g.VMOVSD, g.VMOVSS, top.AsX(), Mem{Base: tops})
	g.sub(top, last, last)

	q, offset := g.copied(x), g.GP64()
	g.MOVQ(dst, offset)
	g.SUBQ(x, offset)
	g.vectors("shift", q, end, func(m Mem) {
		v := g.vec()
		g.load(m, v)
		g.sub(top, v, v)
		m.Index, m.Scale = offset, 1
		g.store(v, m)
	})
	g.store(last, Mem{Base: end, Index: offset, Scale: 1})
	g.ADDQ(k, x)
	g.ADDQ(k, dst)
	g.ADDQ(Imm(uint64(g.size)), tops)
	g.DECQ(n)
	g.JNZ(LabelRef("rows"))
	g.RET()
}

// broadcastMax fills float64 lanes with the largest of them.
func (g *gen) broadcastMax(v reg.VecVirtual) {
	if g.avx512 {
		h := g.YMM()
		g.VEXTRACTF64X4(Imm(1), v, h)
		g.max(h, v.AsY(), v.AsY())
	}
	h := g.XMM()
	g.VEXTRACTF128(Imm(1), v.AsY(), h)
	g.VMAXPD(h, v.AsX(), v.AsX())
	g.VUNPCKHPD(v.AsX(), v.AsX(), h)
	g.VMAXSD(h, v.AsX(), v.AsX())
	g.VBROADCASTSD(v.AsX(), v)
}

func (g *gen) shareRows() {
	g.begin("shareRows", fmt.Sprintf("func(n int, k int, x, sums *%s)", g.typ),
		"Divides each of n ≥ 1 rows of x, of k ≥ 1 elements, by its sum, which sums gets:",
		"\tfor i := range n { sums[i] = sum(x[i*k:]); x[i*k+j] *= 1 / sums[i] }")
	n, k := g.param("n"), g.param("k")
	x, sums := g.param("x"), g.param("sums")
	tail := g.copied(k)
	g.ANDQ(Imm(uint64(g.width()-1)), tail)
	g.tailMask(tail)
	body := g.copied(k)
	g.SUBQ(tail, body)
	g.bytes(body)
	g.bytes(k)
	one, bits := g.XMM(), g.GP64()
	g.MOVQ(U64(math.Float64bits(1)), bits)
	g.VMOVQ(bits, one)

	g.Label("rows")
	end := g.GP64()
	g.LEAQ(Mem{Base: x, Index: body, Scale: 1}, end)
	rest := g.vec()
	g.loadTail(Mem{Base: end}, rest)
	acc := g.sums(1)
	g.vectors("add", g.copied(x), end, func(m Mem) { g.add(m, acc[0], acc[0]) })
	g.add(rest, acc[0], acc[0])
	sum := g.total(acc)
	g.VMOVSD(sum.AsX(), Mem{Base: sums})
	factor := g.vec()
	g.VDIVSD(sum.AsX(), one, factor.AsX())
	g.VBROADCASTSD(factor.AsX(), factor)
	g.vectors("scale", g.copied(x), end, func(m Mem) {
		v := g.vec()
		g.load(m, v)
		g.mul(factor, v, v)
		g.store(v, m)
	})
	g.mul(factor, rest, rest)
	g.storeTail(rest, Mem{Base: end})
	g.ADDQ(k, x)
	g.ADDQ(Imm(uint64(g.size)), sums)
	g.DECQ(n)
	g.JNZ(LabelRef("rows"))
	g.RET()
}

// gatherAhead is kernel.GatherAhead.
const gatherAhead = 16

// gatherRows asks for the rows that it will read soon, for they may lie too far apart for
// the processor to foresee.
func (g *gen) gatherRows() {
	g.begin("gatherRows", fmt.Sprintf("func(n, d int, src, origin, dst *%s, from, to *int)", g.typ),
		"Copies n ≥ 1 rows of d ≥ 1 elements, less an origin:",
		"\tfor r := range n { dst[to[r]+j] = src[from[r]+j] - origin[j] }",
		fmt.Sprintf("from has %d more places, of rows that are not copied.", gatherAhead))
	n, d := g.param("n"), g.param("d")
	src, origin, dst := g.param("src"), g.param("origin"), g.param("dst")
	from, to := g.param("from"), g.param("to")
	tail := g.copied(d)
	g.ANDQ(Imm(uint64(g.width()-1)), tail)
	g.tailMask(tail)
	g.SUBQ(tail, d)
	g.bytes(d)

	g.Label("gather")
	place := func(m Mem, base reg.GPVirtual) reg.GPVirtual {
		p := g.GP64()
		g.MOVQ(m, p)
		g.LEAQ(Mem{Base: base, Index: p, Scale: uint8(g.size)}, p)
		return p
	}
	s, next, t := place(Mem{Base: from}, src), place(Mem{Base: from, Disp: 8 * gatherAhead}, src), place(Mem{Base: to}, dst)
	at := g.GP64()
	g.XORQ(at, at)
	part := func(tail bool) {
		g.PREFETCHT0(Mem{Base: next, Index: at, Scale: 1})
		x := g.vec()
		if tail {
			o := g.vec()
			g.loadTail(Mem{Base: s, Index: at, Scale: 1}, x)
			g.loadTail(Mem{Base: origin, Index: at, Scale: 1}, o)
			g.sub(o, x, x)
			g.storeTail(x, Mem{Base: t, Index: at, Scale: 1})
			return
		}
		g.load(Mem{Base: s, Index: at, Scale: 1}, x)
		g.sub(Mem{Base: origin, Index: at, Scale: 1}, x, x)
		g.store(x, Mem{Base: t, Index: at, Scale: 1})
	}
	g.Label("vectors")
	g.CMPQ(at, d)
	g.JAE(LabelRef("tail"))
	part(false)
	g.ADDQ(Imm(uint64(g.width()*g.size)), at)
	g.JMP(LabelRef("vectors"))
	g.Label("tail")
	g.TESTQ(tail, tail)
	g.JZ(LabelRef("next"))
	part(true)
	g.Label("next")
	g.ADDQ(Imm(8), from)
	g.ADDQ(Imm(8), to)
	g.DECQ(n)
	g.JNZ(LabelRef("gather"))
	g.RET()
}
