package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// columnsFile emits the loops over columns of 32-bit words that are divided in two, again
// and again. They stand on masks and on compression, which AVX-512 brought.
func columnsFile(c *build.Context) {
	numbers := c.StaticGlobal("numbers")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 16 {
		c.AddDatum(4*i, U32(uint32(i)))
	}
	columnsRange(c)
	columnsSums(c)
	columnsCount(c)
	columnsMark(c)
	columnsDivide(c, numbers)
	columnsGather(c)
	columnsSweep(c)
}

// A columnLoop has the registers of a loop over vectors of 16 words.
type columnLoop struct {
	*build.Context
	n reg.GPVirtual // words that are left
}

func beginColumns(c *build.Context, name, signature string, doc ...string) *columnLoop {
	c.Function(name + "AVX512")
	c.Attributes(attr.NOSPLIT)
	c.Pragma("noescape")
	c.Doc(doc...)
	c.SignatureExpr(signature)
	return &columnLoop{c, c.Load(c.Param("n"), c.GP64()).(reg.GPVirtual)}
}

func (l *columnLoop) param(name string) reg.GPVirtual {
	return l.Load(l.Param(name), l.GP64()).(reg.GPVirtual)
}

// ones returns a mask of the first n lanes, n ≤ 16.
func (l *columnLoop) ones(n reg.GPVirtual) reg.Register {
	all, k := l.GP32(), l.K()
	l.MOVL(U32(0xffff), all)
	l.BZHIL(n.As32(), all, all)
	l.KMOVW(all, k)
	return k
}

// each emits body for whole vectors, after which step moves the pointers on, and once more,
// with a mask, for what is left.
func (l *columnLoop) each(label string, n reg.GPVirtual, step func(), body func(tail reg.Register)) {
	l.Label(label)
	l.CMPQ(n, Imm(16))
	l.JB(LabelRef(label + "Tail"))
	body(nil)
	step()
	l.SUBQ(Imm(16), n)
	l.JMP(LabelRef(label))
	l.Label(label + "Tail")
	l.TESTQ(n, n)
	l.JZ(LabelRef(label + "Done"))
	body(l.ones(n))
	l.Label(label + "Done")
}

// constant returns a vector of a number.
func (l *columnLoop) constant(v float64) reg.VecVirtual {
	bits, z := l.GP32(), l.ZMM()
	l.MOVL(U32(math.Float32bits(float32(v))), bits)
	l.VPBROADCASTD(bits, z)
	return z
}

// fold combines the lanes of z, of which the first then has the result.
func (l *columnLoop) fold(z reg.VecVirtual, op func(...Op)) {
	high := l.ZMM()
	l.VEXTRACTF64X4(Imm(1), z, high.AsY())
	op(high.AsY(), z.AsY(), z.AsY())
	l.VEXTRACTF128(Imm(1), z.AsY(), high.AsX())
	op(high.AsX(), z.AsX(), z.AsX())
	l.VPERMILPS(Imm(0x4e), z.AsX(), high.AsX())
	op(high.AsX(), z.AsX(), z.AsX())
}

func columnsRange(c *build.Context) {
	l := beginColumns(c, "bounds", "func(x *uint32, n int) (lo, hi float32)",
		"Returns the least and the greatest of n ≥ 1 float32, none of them NaN:", "\tfor _, v := range x[:n] { lo, hi = min(lo, v), max(hi, v) }")
	x, lo, hi := l.param("x"), l.constant(math.Inf(1)), l.constant(math.Inf(-1))
	l.each("loop", l.n, func() { l.ADDQ(Imm(64), x) }, func(tail reg.Register) {
		if tail == nil {
			v := l.ZMM()
			l.VMOVUPS(Mem{Base: x}, v)
			l.VMINPS(v, lo, lo)
			l.VMAXPS(v, hi, hi)
			return
		}
		l.VMINPS(Mem{Base: x}, lo, tail, lo)
		l.VMAXPS(Mem{Base: x}, hi, tail, hi)
	})
	for i, z := range []reg.VecVirtual{lo, hi} {
		op := func(ops ...Op) { l.VMINPS(ops...) }
		if i == 1 {
			op = func(ops ...Op) { l.VMAXPS(ops...) }
		}
		l.fold(z, op)
		other := l.XMM()
		l.VPERMILPS(Imm(0xb1), z.AsX(), other)
		op(other, z.AsX(), z.AsX())
	}
	l.VZEROUPPER()
	l.Store(lo.AsX(), l.ReturnIndex(0))
	l.Store(hi.AsX(), l.ReturnIndex(1))
	l.RET()
}

func columnsSums(c *build.Context) {
	l := beginColumns(c, "sums", "func(x, m *uint32, stride int, n int, t float32) (w, wy float64)",
		"Adds up two columns of float64 where x, a column of n float32, is at most t. Halves of the numbers are in four columns from m on, stride bytes apart, the low bits first:",
		"\tfor i, v := range x[:n] { if v <= t { w += m0[i] + m1[i]<<32; wy += m2[i] + m3[i]<<32 } }")
	x, m, stride := l.param("x"), l.param("m"), l.param("stride")
	m2 := l.GP64()
	l.LEAQ(Mem{Base: m, Index: stride, Scale: 2}, m2)
	limit := l.ZMM()
	l.VBROADCASTSS(l.paramAddress("t"), limit)
	var acc [4]reg.VecVirtual
	for i := range acc {
		acc[i] = l.ZMM()
		l.VPXORQ(acc[i], acc[i], acc[i])
	}
	l.each("loop", l.n, func() {
		for _, p := range []reg.GPVirtual{x, m, m2} {
			l.ADDQ(Imm(64), p)
		}
	}, func(tail reg.Register) {
		v, left := l.ZMM(), l.K()
		if tail == nil {
			l.VMOVUPS(Mem{Base: x}, v)
			l.VCMPPS(Imm(2), limit, v, left)
		} else {
			l.VMOVUPS_Z(Mem{Base: x}, tail, v)
			l.VCMPPS(Imm(2), limit, v, tail, left)
		}
		for i, p := range []reg.GPVirtual{m, m2} {
			low, high, a := l.ZMM(), l.ZMM(), l.ZMM()
			l.VMOVDQU32_Z(Mem{Base: p}, left, low)
			l.VMOVDQU32_Z(Mem{Base: p, Index: stride, Scale: 1}, left, high)
			l.VPUNPCKLDQ(high, low, a)
			l.VPUNPCKHDQ(high, low, low)
			l.VADDPD(a, acc[2*i], acc[2*i])
			l.VADDPD(low, acc[2*i+1], acc[2*i+1])
		}
	})
	for i := 0; i < 4; i += 2 {
		l.VADDPD(acc[i+1], acc[i], acc[i])
		l.fold(acc[i], func(ops ...Op) { l.VADDPD(ops...) })
	}
	l.VZEROUPPER()
	l.Store(acc[0].AsX(), l.ReturnIndex(0))
	l.Store(acc[2].AsX(), l.ReturnIndex(1))
	l.RET()
}

func columnsCount(c *build.Context) {
	l := beginColumns(c, "count", "func(x, tops *uint32, n int, t float32) (count, top int)",
		"Counts where x, a column of n float32, is at most t, and where the highest bit of tops is set as well:",
		"\tfor i, v := range x[:n] { if v <= t { count++; top += int(tops[i] >> 31) } }")
	x, tops, count, top := l.param("x"), l.param("tops"), l.GP64(), l.GP64()
	limit := l.ZMM()
	l.VBROADCASTSS(l.paramAddress("t"), limit)
	l.XORL(count.As32(), count.As32())
	l.XORL(top.As32(), top.As32())
	l.each("loop", l.n, func() {
		l.ADDQ(Imm(64), x)
		l.ADDQ(Imm(64), tops)
	}, func(tail reg.Register) {
		v, w, left, both, bits, more := l.ZMM(), l.ZMM(), l.K(), l.K(), l.GP64(), l.GP64()
		if tail == nil {
			l.VMOVUPS(Mem{Base: x}, v)
			l.VMOVDQU32(Mem{Base: tops}, w)
			l.VCMPPS(Imm(2), limit, v, left)
		} else {
			l.VMOVUPS_Z(Mem{Base: x}, tail, v)
			l.VMOVDQU32_Z(Mem{Base: tops}, tail, w)
			l.VCMPPS(Imm(2), limit, v, tail, left)
		}
		l.VPMOVD2M(w, both)
		l.KANDW(left, both, both)
		for _, of := range []struct {
			k         reg.Register
			bits, sum reg.GPVirtual
		}{{left, bits, count}, {both, more, top}} {
			l.KMOVW(of.k, of.bits.As32())
			l.POPCNTL(of.bits.As32(), of.bits.As32())
			l.ADDQ(of.bits, of.sum)
		}
	})
	l.VZEROUPPER()
	l.Store(count, l.ReturnIndex(0))
	l.Store(top, l.ReturnIndex(1))
	l.RET()
}

// paramAddress is where a parameter is.
func (l *columnLoop) paramAddress(name string) Op {
	b, err := l.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

func columnsMark(c *build.Context) {
	l := beginColumns(c, "mark", "func(masks *uint16, x *uint32, n int, t float32) int",
		"Sets the bits of masks, 16 to a word, to whether each of n float32 is at most t, and returns how many are:",
		"\tfor i, v := range x[:n] { if v <= t { masks[i/16] |= 1 << (i%16); count++ } }")
	masks, x, count := l.param("masks"), l.param("x"), l.GP64()
	limit := l.ZMM()
	l.VBROADCASTSS(l.paramAddress("t"), limit)
	l.XORL(count.As32(), count.As32())
	l.each("loop", l.n, func() {
		l.ADDQ(Imm(64), x)
		l.ADDQ(Imm(2), masks)
	}, func(tail reg.Register) {
		v, left, bits := l.ZMM(), l.K(), l.GP64()
		if tail == nil {
			l.VMOVUPS(Mem{Base: x}, v)
			l.VCMPPS(Imm(2), limit, v, left)
		} else {
			l.VMOVUPS_Z(Mem{Base: x}, tail, v)
			l.VCMPPS(Imm(2), limit, v, tail, left)
		}
		l.KMOVW(left, bits.As32())
		l.MOVW(bits.As16(), Mem{Base: masks})
		l.POPCNTL(bits.As32(), bits.As32())
		l.ADDQ(bits, count)
	})
	l.VZEROUPPER()
	l.Store(count, l.ReturnIndex(0))
	l.RET()
}

// columnsDivide has a permutation do for one vector or two, and otherwise compresses each
// vector's two parts, of which the right ones wait in spare.
func columnsDivide(c *build.Context, numbers16 Mem) {
	l := beginColumns(c, "divide", "func(block *uint32, stride int, columns int, n int, masks *uint16, spare *uint32)",
		"Brings, in each of some columns of n ≥ 1 words, stride bytes apart, those first whose bits are set in masks, and keeps the order otherwise:",
		"\tfor i, v := range column[:n] { if masks[i/16]>>(i%16)&1 == 1 { column[l] = v; l++ } else { spare[r] = v; r++ } }; copy(column[l:], spare[:r])",
		"spare has room for n words, and for 48 at least.")
	block, stride, columns := l.param("block"), l.param("stride"), l.param("columns")
	masks, spare := l.param("masks"), l.param("spare")
	l.CMPQ(l.n, Imm(16))
	l.JBE(LabelRef("one"))
	l.CMPQ(l.n, Imm(32))
	l.JBE(LabelRef("two"))

	l.Label("many")
	{
		from, to, aside, mask, left := l.GP64(), l.GP64(), l.GP64(), l.GP64(), l.GP64()
		l.MOVQ(block, from)
		l.MOVQ(block, to)
		l.MOVQ(spare, aside)
		l.MOVQ(masks, mask)
		l.MOVQ(l.n, left)
		l.each("parts", left, func() {
			l.ADDQ(Imm(64), from)
			l.ADDQ(Imm(2), mask)
		}, func(tail reg.Register) {
			v, a, b := l.ZMM(), l.ZMM(), l.ZMM()
			bits, yes, no := l.GP64(), l.K(), l.K()
			l.MOVWLZX(Mem{Base: mask}, bits.As32())
			l.KMOVW(bits.As32(), yes)
			l.KNOTW(yes, no)
			if tail == nil {
				l.VMOVDQU32(Mem{Base: from}, v)
			} else {
				l.KANDW(tail, no, no)
				l.VMOVDQU32_Z(Mem{Base: from}, tail, v)
			}
			l.VPCOMPRESSD_Z(v, yes, a)
			l.VPCOMPRESSD_Z(v, no, b)
			l.POPCNTL(bits.As32(), bits.As32())
			if tail == nil {
				l.VMOVDQU32(a, Mem{Base: to})
				l.VMOVDQU32(b, Mem{Base: aside})
				l.LEAQ(Mem{Base: to, Index: bits, Scale: 4}, to)
				l.NEGQ(bits)
				l.LEAQ(Mem{Base: aside, Index: bits, Scale: 4, Disp: 64}, aside)
				return
			}
			k := l.ones(bits)
			l.VMOVDQU32(a, k, Mem{Base: to})
			l.LEAQ(Mem{Base: to, Index: bits, Scale: 4}, to)
			l.SUBQ(bits, left)
			k = l.ones(left)
			l.VMOVDQU32(b, k, Mem{Base: aside})
			l.LEAQ(Mem{Base: aside, Index: left, Scale: 4}, aside)
		})
		rest, back := l.GP64(), l.GP64()
		l.MOVQ(aside, rest)
		l.SUBQ(spare, rest)
		l.SHRQ(Imm(2), rest)
		l.MOVQ(spare, back)
		l.each("back", rest, func() {
			l.ADDQ(Imm(64), back)
			l.ADDQ(Imm(64), to)
		}, func(tail reg.Register) {
			v := l.ZMM()
			if tail == nil {
				l.VMOVDQU32(Mem{Base: back}, v)
				l.VMOVDQU32(v, Mem{Base: to})
				return
			}
			l.VMOVDQU32_Z(Mem{Base: back}, tail, v)
			l.VMOVDQU32(v, tail, Mem{Base: to})
		})
		l.ADDQ(stride, block)
		l.DECQ(columns)
		l.JNZ(LabelRef("many"))
		l.JMP(LabelRef("end"))
	}

	// What is in places 0, 1 … of the order is written to spare and becomes indices.
	place := func(v reg.VecVirtual, k reg.Register, to, count reg.GPVirtual) {
		a := l.ZMM()
		l.VPCOMPRESSD_Z(v, k, a)
		l.VMOVDQU32(a, Mem{Base: to})
		l.LEAQ(Mem{Base: to, Index: count, Scale: 4}, to)
	}
	l.Label("one")
	{
		all := l.ones(l.n)
		bits, to, order := l.GP64(), l.GP64(), l.ZMM()
		yes, no, numbers := l.K(), l.K(), l.ZMM()
		l.VMOVDQU32(numbers16, numbers)
		l.MOVWLZX(Mem{Base: masks}, bits.As32())
		l.KMOVW(bits.As32(), yes)
		l.KANDNW(all, yes, no)
		l.POPCNTL(bits.As32(), bits.As32())
		l.MOVQ(spare, to)
		place(numbers, yes, to, bits)
		place(numbers, no, to, bits)
		l.VMOVDQU32(Mem{Base: spare}, order)
		l.Label("oneColumn")
		v := l.ZMM()
		l.VMOVDQU32_Z(Mem{Base: block}, all, v)
		l.VPERMD(v, order, v)
		l.VMOVDQU32(v, all, Mem{Base: block})
		l.ADDQ(stride, block)
		l.DECQ(columns)
		l.JNZ(LabelRef("oneColumn"))
		l.JMP(LabelRef("end"))
	}

	l.Label("two")
	{
		l.SUBQ(Imm(16), l.n)
		all := l.ones(l.n)
		bits, more, to := l.GP64(), l.GP64(), l.GP64()
		yes, no := [2]reg.Register{l.K(), l.K()}, [2]reg.Register{l.K(), l.K()}
		numbers, second := l.ZMM(), l.ZMM()
		l.VMOVDQU32(numbers16, numbers)
		sixteen := l.GP32()
		l.MOVL(U32(16), sixteen)
		l.VPBROADCASTD(sixteen, second)
		l.VPADDD(numbers, second, second)
		l.MOVWLZX(Mem{Base: masks}, bits.As32())
		l.MOVWLZX(Mem{Base: masks, Disp: 2}, more.As32())
		l.KMOVW(bits.As32(), yes[0])
		l.KMOVW(more.As32(), yes[1])
		l.KNOTW(yes[0], no[0])
		l.KANDNW(all, yes[1], no[1])
		l.POPCNTL(bits.As32(), bits.As32())
		l.POPCNTL(more.As32(), more.As32())
		l.MOVQ(spare, to)
		place(numbers, yes[0], to, bits)
		place(second, yes[1], to, more)
		l.NEGQ(bits)
		l.ADDQ(Imm(16), bits)
		place(numbers, no[0], to, bits)
		place(second, no[1], to, more)
		order, orderToo := l.ZMM(), l.ZMM()
		l.VMOVDQU32(Mem{Base: spare}, order)
		l.VMOVDQU32(Mem{Base: spare, Disp: 64}, orderToo)
		l.Label("twoColumns")
		a, b, w := l.ZMM(), l.ZMM(), l.ZMM()
		l.VMOVDQU32(Mem{Base: block}, a)
		l.VMOVDQU32_Z(Mem{Base: block, Disp: 64}, all, b)
		l.VMOVDQA64(a, w)
		l.VPERMT2D(b, order, w)
		l.VPERMT2D(b, orderToo, a)
		l.VMOVDQU32(w, Mem{Base: block})
		l.VMOVDQU32(a, all, Mem{Base: block, Disp: 64})
		l.ADDQ(stride, block)
		l.DECQ(columns)
		l.JNZ(LabelRef("twoColumns"))
	}
	l.Label("end")
	l.VZEROUPPER()
	l.RET()
}

// columnsGather emits a transposition of scattered rows. Gathering has the memory of 16 rows come at
// the same time.
func columnsGather(c *build.Context) {
	l := beginColumns(c, "gather", "func(dst, src *uint32, width int, rows *int32, n int)",
		"Sets column j < width of dst, n words each, to element j of n rows of src, of width words each:",
		"\tfor i, r := range rows[:n] { for j := range width { dst[j*n+i] = src[r*width+j] } }")
	dst, src, rows := l.param("dst"), l.param("src"), l.param("rows")
	width, stride := l.GP64(), l.GP64()
	l.Load(l.Param("width"), width)
	l.MOVQ(l.n, stride)
	l.SHLQ(Imm(2), stride)
	widths := l.ZMM()
	l.VPBROADCASTD(width.As32(), widths)
	l.each("loop", l.n, func() {
		l.ADDQ(Imm(64), rows)
		l.ADDQ(Imm(64), dst)
	}, func(tail reg.Register) {
		at, from, to, count := l.ZMM(), l.GP64(), l.GP64(), l.GP64()
		if tail == nil {
			l.VMOVDQU32(Mem{Base: rows}, at)
		} else {
			l.VMOVDQU32_Z(Mem{Base: rows}, tail, at)
		}
		l.VPMULLD(widths, at, at)
		l.MOVQ(src, from)
		l.MOVQ(dst, to)
		l.MOVQ(width, count)
		label := "column"
		if tail != nil {
			label = "columnTail"
		}
		l.Label(label)
		v, k := l.ZMM(), l.K()
		if tail == nil {
			l.KXNORW(k, k, k)
		} else {
			l.KMOVW(tail, k)
		}
		l.VPXORD(v, v, v)
		l.VPGATHERDD(Mem{Base: from, Index: at, Scale: 4}, k, v)
		if tail == nil {
			l.VMOVDQU32(v, Mem{Base: to})
		} else {
			l.VMOVDQU32(v, tail, Mem{Base: to})
		}
		l.ADDQ(Imm(4), from)
		l.ADDQ(stride, to)
		l.DECQ(count)
		l.JNZ(LabelRef(label))
	})
	l.VZEROUPPER()
	l.RET()
}

// sweepDense is how many of 64 places are marked when they are compressed and not taken one by one.
const sweepDense = 20

// columnsSweep compresses what the marked places have, eight at a time, and then looks at eight cuts
// at a time.
func columnsSweep(c *build.Context) {
	c.Function("sweepAVX512")
	c.Attributes(attr.NOSPLIT)
	c.Pragma("noescape")
	c.Doc("Looks at the cuts between marked places, as sweepPortable does, in eight of them in turns, and clears the marks. in begins an",
		"Order, out a sweepState: of the marked places the i-th has turn i%8 and group i/8, and out has for each turn the largest",
		"gain, -1 if there is none, its group and the weight of what is left of it.")
	c.SignatureExpr("func(in *float64, marks *uint64, words int, out *float64)")
	type gp = reg.GPVirtual
	param := func(name string) gp { return c.Load(c.Param(name), c.GP64()).(gp) }
	in, marks, words, out := param("in"), param("marks"), param("words"), param("out")
	// Order: weights, products and ranks of the places, buffers for those of the marked ones, totals.
	field := func(at int) gp {
		p := c.GP64()
		c.MOVQ(Mem{Base: in, Disp: 8 * at}, p)
		return p
	}
	w, wy, ranks, toW, toY, toRank := field(0), field(1), field(2), field(3), field(4), field(5)
	count, mark := c.GP64(), c.GP64()
	c.XORL(count.As32(), count.As32())

	c.Label("word")
	c.MOVQ(Mem{Base: marks}, mark)
	c.TESTQ(mark, mark)
	c.JZ(LabelRef("next"))
	clean := c.GP64()
	c.XORL(clean.As32(), clean.As32())
	c.MOVQ(clean, Mem{Base: marks})
	at, bits := c.GP64(), c.GP64()
	c.POPCNTQ(mark, bits)
	c.CMPQ(bits, Imm(sweepDense))
	c.JAE(LabelRef("byte"))
	c.Label("bit")
	{
		x, y, rank := c.XMM(), c.XMM(), c.GP32()
		c.TZCNTQ(mark, at)
		c.VMOVSD(Mem{Base: w, Index: at, Scale: 8}, x)
		c.VMOVSD(x, Mem{Base: toW, Index: count, Scale: 8})
		c.VMOVSD(Mem{Base: wy, Index: at, Scale: 8}, y)
		c.VMOVSD(y, Mem{Base: toY, Index: count, Scale: 8})
		c.MOVL(Mem{Base: ranks, Index: at, Scale: 4}, rank)
		c.MOVL(rank, Mem{Base: toRank, Index: count, Scale: 4})
		c.INCQ(count)
		c.BLSRQ(mark, mark)
		c.JNZ(LabelRef("bit"))
	}
	c.JMP(LabelRef("next"))
	c.Label("byte")
	c.TZCNTQ(mark, at)
	c.ANDQ(I32(-8), at)
	c.SHRXQ(at, mark, bits)
	c.MOVBLZX(bits.As8(), bits.As32())
	k := c.K()
	c.KMOVB(bits.As32(), k)
	taken := c.GP64()
	c.SHLXQ(at, bits, taken)
	c.XORQ(taken, mark)
	a, b, r := c.ZMM(), c.ZMM(), c.YMM()
	c.VMOVUPD_Z(Mem{Base: w, Index: at, Scale: 8}, k, a)
	c.VMOVUPD_Z(Mem{Base: wy, Index: at, Scale: 8}, k, b)
	c.VMOVDQU32_Z(Mem{Base: ranks, Index: at, Scale: 4}, k, r)
	c.VCOMPRESSPD_Z(a, k, a)
	c.VCOMPRESSPD_Z(b, k, b)
	c.VPCOMPRESSD_Z(r, k, r)
	c.VMOVUPD(a, Mem{Base: toW, Index: count, Scale: 8})
	c.VMOVUPD(b, Mem{Base: toY, Index: count, Scale: 8})
	c.VMOVDQU32(r, Mem{Base: toRank, Index: count, Scale: 4})
	c.POPCNTL(bits.As32(), bits.As32())
	c.ADDQ(bits, count)
	c.TESTQ(mark, mark)
	c.JNZ(LabelRef("byte"))
	c.Label("next")
	c.ADDQ(Imm(8), marks)
	c.ADDQ(U32(512), w)
	c.ADDQ(U32(512), wy)
	c.ADDQ(U32(256), ranks)
	c.DECQ(words)
	c.JNZ(LabelRef("word"))

	// After the last there is no cut: its rank goes on.
	zero, last := c.ZMM(), c.YMM()
	c.VPXORQ(zero, zero, zero)
	c.VMOVUPD(zero, Mem{Base: toW, Index: count, Scale: 8})
	c.VMOVUPD(zero, Mem{Base: toY, Index: count, Scale: 8})
	c.VPBROADCASTD(Mem{Base: toRank, Index: count, Scale: 4, Disp: -4}, last)
	c.VMOVDQU32(last, Mem{Base: toRank, Index: count, Scale: 4})
	c.VMOVDQU32(last, Mem{Base: toRank, Index: count, Scale: 4, Disp: 4})

	constant := func(at int) reg.VecVirtual {
		z := c.ZMM()
		c.VBROADCASTSD(Mem{Base: in, Disp: 8 * at}, z)
		return z
	}
	totalW, totalY, minLeaf := constant(6), constant(7), constant(8)
	carryW, carryY, seven := c.ZMM(), c.ZMM(), c.ZMM()
	c.VPXORQ(carryW, carryW, carryW)
	c.VPXORQ(carryY, carryY, carryY)
	number := c.GP64()
	c.MOVQ(U32(7), number)
	c.VPBROADCASTQ(number, seven)
	one, group, bestGroup, bestW, best := c.ZMM(), c.ZMM(), c.ZMM(), c.ZMM(), c.ZMM()
	c.MOVQ(U32(1), number)
	c.VPBROADCASTQ(number, one)
	for _, z := range []reg.VecVirtual{group, bestGroup, bestW, best} {
		c.VPXORQ(z, z, z)
	}
	c.VPSUBQ(one, best, best)
	c.VCVTQQ2PD(best, best)
	left := c.GP64()
	c.MOVQ(count, left)
	c.Label("judge")
	lw, ly, t := c.ZMM(), c.ZMM(), c.ZMM()
	for _, sum := range []struct {
		from      gp
		to, carry reg.VecVirtual
	}{{toW, lw, carryW}, {toY, ly, carryY}} {
		c.VMOVUPD(Mem{Base: sum.from}, sum.to)
		runningSums(c, sum.to, sum.carry, t, zero, seven, c.VADDPD, c.VPERMPD)
	}
	here, ks := c.YMM(), []reg.OpmaskVirtual{c.K(), c.K(), c.K(), c.K(), c.K()}
	const notEqual, notLess, greater = 4, 29, 30
	c.VMOVDQU32(Mem{Base: toRank}, here)
	c.VPCMPD(Imm(notEqual), Mem{Base: toRank, Disp: 4}, here, ks[0])
	rw, ry, g, h := c.ZMM(), c.ZMM(), c.ZMM(), c.ZMM()
	c.VSUBPD(lw, totalW, rw)
	c.VCMPPD(Imm(notLess), minLeaf, lw, ks[0], ks[1])
	c.VCMPPD(Imm(notLess), minLeaf, rw, ks[1], ks[2])
	c.VCMPPD(Imm(greater), zero, rw, ks[2], ks[3])
	c.VSUBPD(ly, totalY, ry)
	c.VMULPD(rw, ly, g)
	c.VMULPD(lw, ry, h)
	c.VSUBPD(h, g, g)
	c.VMULPD(g, g, g)
	c.VMULPD(rw, lw, h)
	c.VMULPD(totalW, h, h)
	c.VDIVPD(h, g, g)
	c.VCMPPD(Imm(greater), best, g, ks[3], ks[4])
	c.VMOVAPD(g, ks[4], best)
	c.VMOVAPD(lw, ks[4], bestW)
	c.VMOVDQA64(group, ks[4], bestGroup)
	c.VPADDQ(one, group, group)
	c.ADDQ(Imm(64), toW)
	c.ADDQ(Imm(64), toY)
	c.ADDQ(Imm(32), toRank)
	c.SUBQ(Imm(8), left)
	c.JG(LabelRef("judge"))
	c.VMOVUPD(best, Mem{Base: out})
	c.VMOVDQU64(bestGroup, Mem{Base: out, Disp: 64})
	c.VMOVUPD(bestW, Mem{Base: out, Disp: 128})
	c.VZEROUPPER()
	c.RET()
}
