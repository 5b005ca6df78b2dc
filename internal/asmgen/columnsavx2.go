package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// columnsAVX2File emits what columnsFile does for processors without masks and compression: eight
// words at a time, and a table in place of the latter.
func columnsAVX2File(c *build.Context) {
	// The numbers of the bits that are set in a byte, and then those of the others.
	order := c.StaticGlobal("order")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for b := range 256 {
		var v uint64
		at := 0
		for _, set := range []int{1, 0} {
			for i := range 8 {
				if b>>i&1 == set {
					v |= uint64(i) << (8 * at)
					at++
				}
			}
		}
		c.AddDatum(8*b, U64(v))
	}
	first := c.StaticGlobal("firstLanes") // 8 words of ones, 8 of zeros
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 16 {
		ones := ^uint32(0)
		if i >= 8 {
			ones = 0
		}
		c.AddDatum(4*i, U32(ones))
	}
	e := &eights{Context: c, order: order, first: first}
	e.bounds()
	e.sums()
	e.count()
	e.mark()
	e.divide()
}

// eights emits loops over vectors of eight words.
type eights struct {
	*build.Context
	order, first Mem
	n            reg.GPVirtual // words that are left
}

func (e *eights) begin(name, signature string, doc ...string) {
	e.Function(name + "AVX2")
	e.Attributes(attr.NOSPLIT)
	e.Pragma("noescape")
	e.Doc(doc...)
	e.SignatureExpr(signature)
	e.n = e.param("n")
}

func (e *eights) param(name string) reg.GPVirtual {
	return e.Load(e.Param(name), e.GP64()).(reg.GPVirtual)
}

// limit returns parameter t in all lanes.
func (e *eights) limit() reg.VecVirtual {
	b, err := e.Param("t").Resolve()
	if err != nil {
		panic(err)
	}
	z := e.YMM()
	e.VBROADCASTSS(b.Addr, z)
	return z
}

// lanes returns a mask of the first n lanes, n ≤ 8.
func (e *eights) lanes(n reg.GPVirtual) reg.VecVirtual {
	at, base, z := e.GP64(), e.GP64(), e.YMM()
	e.LEAQ(e.first, base)
	e.MOVQ(n, at)
	e.NEGQ(at)
	e.VMOVDQU(Mem{Base: base, Index: at, Scale: 4, Disp: 32}, z)
	return z
}

// each emits body for whole vectors, with step after it, and once more, with a mask, for what is left.
func (e *eights) each(label string, n reg.GPVirtual, step func(), body func(tail reg.VecVirtual)) {
	e.Label(label)
	e.CMPQ(n, Imm(8))
	e.JB(LabelRef(label + "Tail"))
	body(nil)
	step()
	e.SUBQ(Imm(8), n)
	e.JMP(LabelRef(label))
	e.Label(label + "Tail")
	e.TESTQ(n, n)
	e.JZ(LabelRef(label + "Done"))
	body(e.lanes(n))
	e.Label(label + "Done")
}

func (e *eights) load(from Mem, tail reg.VecVirtual) reg.VecVirtual {
	v := e.YMM()
	if tail == nil {
		e.VMOVDQU(from, v)
	} else {
		e.VPMASKMOVD(from, tail, v)
	}
	return v
}

// bounds has the last vector overlap the one before; fewer than eight words go one by one.
func (e *eights) bounds() {
	e.begin("bounds", "func(x *uint32, n int) (lo, hi float32)", "Is boundsAVX512.")
	x, lo, hi := e.param("x"), e.YMM(), e.YMM()
	e.VBROADCASTSS(Mem{Base: x}, lo)
	e.VMOVAPS(lo, hi)
	e.CMPQ(e.n, Imm(8))
	e.JB(LabelRef("few"))
	last := e.GP64()
	e.LEAQ(Mem{Base: x, Index: e.n, Scale: 4, Disp: -32}, last)
	step := func(at reg.GPVirtual) {
		v := e.YMM()
		e.VMOVUPS(Mem{Base: at}, v)
		e.VMINPS(v, lo, lo)
		e.VMAXPS(v, hi, hi)
	}
	e.Label("loop")
	step(x)
	e.ADDQ(Imm(32), x)
	e.CMPQ(x, last)
	e.JB(LabelRef("loop"))
	step(last)
	for _, f := range []struct {
		z  reg.VecVirtual
		op func(...Op)
	}{{lo, func(ops ...Op) { e.VMINPS(ops...) }}, {hi, func(ops ...Op) { e.VMAXPS(ops...) }}} {
		other := e.XMM()
		e.VEXTRACTF128(Imm(1), f.z, other)
		f.op(other, f.z.AsX(), f.z.AsX())
		e.VPERMILPS(Imm(0x4e), f.z.AsX(), other)
		f.op(other, f.z.AsX(), f.z.AsX())
		e.VPERMILPS(Imm(0xb1), f.z.AsX(), other)
		f.op(other, f.z.AsX(), f.z.AsX())
	}
	e.JMP(LabelRef("end"))
	e.Label("few")
	e.VMINSS(Mem{Base: x}, lo.AsX(), lo.AsX())
	e.VMAXSS(Mem{Base: x}, hi.AsX(), hi.AsX())
	e.ADDQ(Imm(4), x)
	e.DECQ(e.n)
	e.JNZ(LabelRef("few"))
	e.Label("end")
	e.VZEROUPPER()
	e.Store(lo.AsX(), e.ReturnIndex(0))
	e.Store(hi.AsX(), e.ReturnIndex(1))
	e.RET()
}

func (e *eights) sums() {
	e.begin("sums", "func(x, m *uint32, stride int, n int, t float32) (w, wy float64)", "Is sumsAVX512.")
	x, m, stride := e.param("x"), e.param("m"), e.param("stride")
	m2 := e.GP64()
	e.LEAQ(Mem{Base: m, Index: stride, Scale: 2}, m2)
	limit := e.limit()
	var acc [4]reg.VecVirtual
	for i := range acc {
		acc[i] = e.YMM()
		e.VPXOR(acc[i], acc[i], acc[i])
	}
	e.each("loop", e.n, func() {
		for _, p := range []reg.GPVirtual{x, m, m2} {
			e.ADDQ(Imm(32), p)
		}
	}, func(tail reg.VecVirtual) {
		left := e.load(Mem{Base: x}, tail)
		e.VCMPPS(Imm(2), limit, left, left)
		if tail != nil {
			e.VPAND(tail, left, left)
		}
		for i, p := range []reg.GPVirtual{m, m2} {
			low, high, a := e.YMM(), e.YMM(), e.YMM()
			e.VPMASKMOVD(Mem{Base: p}, left, low)
			e.VPMASKMOVD(Mem{Base: p, Index: stride, Scale: 1}, left, high)
			e.VPUNPCKLDQ(high, low, a)
			e.VPUNPCKHDQ(high, low, low)
			e.VADDPD(a, acc[2*i], acc[2*i])
			e.VADDPD(low, acc[2*i+1], acc[2*i+1])
		}
	})
	for i := 0; i < 4; i += 2 {
		other := e.XMM()
		e.VADDPD(acc[i+1], acc[i], acc[i])
		e.VEXTRACTF128(Imm(1), acc[i], other)
		e.VADDPD(other, acc[i].AsX(), acc[i].AsX())
		e.VPERMILPD(Imm(1), acc[i].AsX(), other)
		e.VADDSD(other, acc[i].AsX(), acc[i].AsX())
	}
	e.VZEROUPPER()
	e.Store(acc[0].AsX(), e.ReturnIndex(0))
	e.Store(acc[2].AsX(), e.ReturnIndex(1))
	e.RET()
}

// below returns the bits of the lanes of x that are at most limit.
func (e *eights) below(x reg.GPVirtual, limit, tail reg.VecVirtual) reg.GPVirtual {
	v, bits := e.load(Mem{Base: x}, tail), e.GP64()
	e.VCMPPS(Imm(2), limit, v, v)
	if tail != nil {
		e.VPAND(tail, v, v)
	}
	e.VMOVMSKPS(v, bits.As32())
	return bits
}

func (e *eights) count() {
	e.begin("count", "func(x, tops *uint32, n int, t float32) (count, top int)", "Is countAVX512.")
	x, tops, count, top := e.param("x"), e.param("tops"), e.GP64(), e.GP64()
	limit := e.limit()
	e.XORL(count.As32(), count.As32())
	e.XORL(top.As32(), top.As32())
	e.each("loop", e.n, func() {
		e.ADDQ(Imm(32), x)
		e.ADDQ(Imm(32), tops)
	}, func(tail reg.VecVirtual) {
		left := e.below(x, limit, tail)
		both := e.GP64()
		e.VMOVMSKPS(e.load(Mem{Base: tops}, tail), both.As32())
		e.ANDL(left.As32(), both.As32())
		e.POPCNTL(left.As32(), left.As32())
		e.POPCNTL(both.As32(), both.As32())
		e.ADDQ(left, count)
		e.ADDQ(both, top)
	})
	e.VZEROUPPER()
	e.Store(count, e.ReturnIndex(0))
	e.Store(top, e.ReturnIndex(1))
	e.RET()
}

func (e *eights) mark() {
	e.begin("mark", "func(masks *uint16, x *uint32, n int, t float32) int", "Is markAVX512.")
	masks, x, count, last := e.param("masks"), e.param("x"), e.GP64(), e.GP64()
	limit := e.limit()
	e.XORL(count.As32(), count.As32())
	e.LEAQ(Mem{Base: e.n, Disp: -1}, last)
	e.SHRQ(Imm(4), last)
	e.MOVW(U16(0), Mem{Base: masks, Index: last, Scale: 2}) // of which the second half may not be written
	e.each("loop", e.n, func() {
		e.ADDQ(Imm(32), x)
		e.INCQ(masks)
	}, func(tail reg.VecVirtual) {
		left := e.below(x, limit, tail)
		e.MOVB(left.As8(), Mem{Base: masks})
		e.POPCNTL(left.As32(), left.As32())
		e.ADDQ(left, count)
	})
	e.VZEROUPPER()
	e.Store(count, e.ReturnIndex(0))
	e.RET()
}

func (e *eights) divide() {
	e.begin("divide", "func(block *uint32, stride int, columns int, n int, masks *uint16, spare *uint32)", "Is divideAVX512.")
	block, stride, columns := e.param("block"), e.param("stride"), e.param("columns")
	spare, order := e.param("spare"), e.GP64()
	e.LEAQ(e.order, order)
	from, to, aside, mask, left := e.GP64(), e.GP64(), e.GP64(), e.GP64(), e.GP64()
	e.Label("column")
	e.MOVQ(block, from)
	e.MOVQ(block, to)
	e.MOVQ(spare, aside)
	e.Load(e.Param("masks"), mask)
	e.Load(e.Param("n"), left)
	e.each("parts", left, func() {
		e.ADDQ(Imm(32), from)
		e.INCQ(mask)
	}, func(tail reg.VecVirtual) {
		v, bits, other := e.load(Mem{Base: from}, tail), e.GP64(), e.GP64()
		yes, no := e.YMM(), e.YMM()
		e.MOVBLZX(Mem{Base: mask}, bits.As32())
		e.MOVQ(bits, other)
		e.XORQ(U32(255), other)
		e.VPMOVZXBD(Mem{Base: order, Index: bits, Scale: 8}, yes)
		e.VPMOVZXBD(Mem{Base: order, Index: other, Scale: 8}, no)
		e.VPERMD(v, yes, yes)
		e.VPERMD(v, no, no)
		e.POPCNTL(bits.As32(), bits.As32())
		e.VMOVDQU(no, Mem{Base: aside})
		if tail == nil {
			e.VMOVDQU(yes, Mem{Base: to})
			e.LEAQ(Mem{Base: to, Index: bits, Scale: 4}, to)
			e.NEGQ(bits)
			e.LEAQ(Mem{Base: aside, Index: bits, Scale: 4, Disp: 32}, aside)
			return
		}
		// The bits of lanes beyond are 0: those come after the others in no, too.
		e.VPMASKMOVD(yes, e.lanes(bits), Mem{Base: to})
		e.LEAQ(Mem{Base: to, Index: bits, Scale: 4}, to)
		e.SUBQ(bits, left)
		e.LEAQ(Mem{Base: aside, Index: left, Scale: 4}, aside)
	})
	rest, back := e.GP64(), e.GP64()
	e.MOVQ(aside, rest)
	e.SUBQ(spare, rest)
	e.SHRQ(Imm(2), rest)
	e.MOVQ(spare, back)
	e.each("back", rest, func() {
		e.ADDQ(Imm(32), back)
		e.ADDQ(Imm(32), to)
	}, func(tail reg.VecVirtual) {
		v := e.load(Mem{Base: back}, tail)
		if tail == nil {
			e.VMOVDQU(v, Mem{Base: to})
		} else {
			e.VPMASKMOVD(v, tail, Mem{Base: to})
		}
	})
	e.ADDQ(stride, block)
	e.DECQ(columns)
	e.JNZ(LabelRef("column"))
	e.VZEROUPPER()
	e.RET()
}
