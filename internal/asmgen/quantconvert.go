package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// byteConvertFile emits the conversions between float32, sums and bytes. They take
// blocks of 32 elements; Go does the rest of a slice, to the same bits.
func byteConvertFile(c *build.Context) {
	order := packOrder(c)
	for _, avx512 := range []bool{true, false} {
		g := &gen{Context: c, elem: elem{"i8", "float32", 4}, avx512: avx512}
		g.quantizeBlocks(order)
		if !avx512 {
			g.quantizeNear(order)
		}
		g.dequantizeBlocks("dequantizeSigned", "int8", g.VPMOVSXBD)
		g.dequantizeBlocks("dequantizeUnsigned", "uint8", g.VPMOVZXBD)
		g.scaleBlocks()
		g.requantizeBlocks(order)
	}
}

// packOrder adds a table of where packing 32-bit lanes to bytes, which works in
// halves of a register, leaves each quad of bytes.
func packOrder(c *build.Context) Mem {
	m := c.StaticGlobal("packOrder")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, q := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
		c.AddDatum(4*i, U32(q))
	}
	return m
}

// blockLanes is the number of elements of a block.
const blockLanes = 32

// eachBlock emits a loop over blocks of vectors that advances pointers by the sizes of
// their elements.
func (g *gen) eachBlock(pointers []reg.GPVirtual, sizes []int, body func()) {
	n := g.param("blocks")
	g.Label("loop")
	body()
	for i, p := range pointers {
		g.ADDQ(U32(uint32(blockLanes*sizes[i])), p)
	}
	g.DECQ(n)
	g.JNZ(LabelRef("loop"))
	g.RET()
}

// vectorsOfBlock is the number of vectors of 4-byte lanes in a block.
func (g *gen) vectorsOfBlock() int { return blockLanes / g.width() }

// at is the address of vector j of a block with elements of the given size.
func (g *gen) at(base reg.GPVirtual, j, size int) Mem {
	return Mem{Base: base, Disp: j * g.width() * size}
}

// quantizeBlocks divides without a division: 1/scale is given as a sum of two numbers,
// so that the quotient is off by less than a unit in the last place, and its exact
// remainder then gives the correctly rounded one (P. Markstein, Computation of
// elementary functions on the IBM RISC System/6000 processor, IBM J. Res. Dev. 34,
// 1990).
func (g *gen) quantizeBlocks(order Mem) {
	g.begin("quantize", "func(blocks int, x *float32, scale, inv, rest, low, high float32, zero int32, dst *uint8)",
		"Quantizes 32·blocks values, inv + rest being 1/scale, low and high the ends of the range:",
		"\tdst[i] = uint8(roundHalfEven(clamp(x[i], low, high) / scale) + zero), and uint8(zero) for NaN")
	x, dst := g.param("x"), g.param("dst")
	scale, inv, rest := g.scalar("scale"), g.scalar("inv"), g.scalar("rest")
	low, high, zero := g.scalar("low"), g.scalar("high"), g.scalar("zero")
	g.eachBlock([]reg.GPVirtual{x, dst}, []int{4, 1}, func() {
		out := g.vecs(g.vectorsOfBlock())
		for j := range out {
			v, q, r := g.vec(), g.vec(), g.vec()
			g.load(g.at(x, j, 4), v)
			ordered := g.ordered(v)
			g.VMAXPS(low, v, v)
			g.VMINPS(high, v, v)
			g.VMULPS(rest, v, q)
			g.VFMADD231PS(inv, v, q)
			g.VMOVAPS(v, r)
			g.VFNMADD231PS(scale, q, r)
			g.VFMADD231PS(inv, r, q)
			out[j] = g.roundOrdered(q, ordered)
			g.VPADDD(zero, out[j], out[j])
		}
		g.storeBytes(out, dst, order)
	})
}

// quantizeNear multiplies by the inverse of the scale, which is right unless a quotient
// may be halfway between two integers, as that of a NaN may. With AVX-512 there, it is
// used as well.
func (g *gen) quantizeNear(order Mem) {
	g.begin("quantizeNear", "func(blocks int, x *float32, inv float32, zero, flip int32, dst *uint8) int",
		"Quantizes up to 32·blocks values, and returns how many blocks are left from the first on where a value,",
		"times inv, is within 2⁻¹³ of being halfway, or NaN:",
		"\tdst[i] = uint8(saturate8(saturate16(roundHalfEven(x[i]*inv)) + int16(zero))) ^ uint8(flip)")
	n, x, dst := g.param("blocks"), g.param("x"), g.param("dst")
	inv, zero, flip := g.scalar("inv"), g.scalar("zero"), g.scalar("flip")
	abs, half, quads := g.YMM(), g.YMM(), g.YMM()
	g.VPCMPEQD(abs, abs, abs)
	g.VPSRLD(Imm(1), abs, abs)
	bits := g.GP32()
	g.MOVL(U32(math.Float32bits(0.5-0x1p-13)), bits)
	g.VMOVD(bits, half.AsX())
	g.VPBROADCASTD(half.AsX(), half)
	g.VMOVDQU(order, quads)
	g.Label("loop")
	out, worst := g.vecs(4), g.vec()
	for j := range out {
		v, r := g.vec(), g.vec()
		g.VMULPS(g.at(x, j, 4), inv, v)
		g.VCVTPS2DQ(v, out[j])
		g.VCVTDQ2PS(out[j], r)
		g.VSUBPS(r, v, v)
		if j == 0 {
			g.VPAND(abs, v, worst)
			continue
		}
		g.VPAND(abs, v, v)
		g.VPMAXUD(v, worst, worst)
	}
	g.VPCMPGTD(half, worst, worst)
	g.VPTEST(worst, worst)
	g.JNZ(LabelRef("end"))
	g.VPACKSSDW(out[1], out[0], out[0])
	g.VPACKSSDW(out[3], out[2], out[2])
	g.VPADDSW(zero, out[0], out[0])
	g.VPADDSW(zero, out[2], out[2])
	g.VPACKSSWB(out[2], out[0], out[0])
	g.VPERMD(out[0], quads, out[0])
	g.VPXOR(flip, out[0], out[0])
	g.VMOVDQU(out[0], Mem{Base: dst})
	g.ADDQ(U32(4*blockLanes), x)
	g.ADDQ(U32(blockLanes), dst)
	g.DECQ(n)
	g.JNZ(LabelRef("loop"))
	g.Label("end")
	g.Store(n, g.ReturnIndex(0))
	g.RET()
}

// ordered returns the mask of the lanes that are not NaN.
func (g *gen) ordered(v reg.VecVirtual) reg.Register {
	if g.avx512 {
		k := g.K()
		g.VCMPPS(Imm(7), v, v, k)
		return k
	}
	m := g.YMM()
	g.VCMPPS(Imm(7), v, v, m)
	return m
}

// roundOrdered rounds to integers, and to 0 outside the mask.
func (g *gen) roundOrdered(q reg.VecVirtual, ordered reg.Register) reg.VecVirtual {
	n := g.vec()
	if g.avx512 {
		g.VCVTPS2DQ_Z(q, ordered, n)
		return n
	}
	g.VCVTPS2DQ(q, n)
	g.VPAND(ordered, n, n)
	return n
}

// storeBytes stores the low byte of each lane of a block.
func (g *gen) storeBytes(v []reg.VecVirtual, dst reg.GPVirtual, order Mem) {
	if g.avx512 {
		for j := range v {
			g.VPMOVDB(v[j], g.at(dst, j, 1))
		}
		return
	}
	low := g.YMM()
	g.VPCMPEQD(low, low, low)
	g.VPSRLD(Imm(24), low, low)
	for j := range v {
		g.VPAND(low, v[j], v[j])
	}
	g.VPACKUSDW(v[1], v[0], v[0])
	g.VPACKUSDW(v[3], v[2], v[2])
	g.VPACKUSWB(v[2], v[0], v[0])
	quads := g.YMM()
	g.VMOVDQU(order, quads)
	g.VPERMD(v[0], quads, v[0])
	g.VMOVDQU(v[0], Mem{Base: dst})
}

func (g *gen) dequantizeBlocks(name, typ string, widen func(...Op)) {
	g.begin(name, "func(blocks int, q *"+typ+", scale float32, zero int32, dst *float32)",
		"Converts 32·blocks bytes:", "\tdst[i] = float32(int32(q[i]) - zero) * scale")
	q, dst := g.param("q"), g.param("dst")
	scale, zero := g.scalar("scale"), g.scalar("zero")
	g.eachBlock([]reg.GPVirtual{q, dst}, []int{1, 4}, func() {
		for j := range g.vectorsOfBlock() {
			v := g.vec()
			widen(g.at(q, j, 1), v)
			g.VPSUBD(zero, v, v)
			g.VCVTDQ2PS(v, v)
			g.VMULPS(scale, v, v)
			g.store(v, g.at(dst, j, 4))
		}
	})
}

func (g *gen) scaleBlocks() {
	g.begin("scale", "func(blocks int, acc *int32, scale, bias *float32, low, high float32, dst *float32)",
		"Converts 32·blocks sums:", "\tdst[i] = min(max(float32(acc[i])*scale[i]+bias[i], low), high)")
	acc, scale, bias, dst := g.param("acc"), g.param("scale"), g.param("bias"), g.param("dst")
	low, high := g.scalar("low"), g.scalar("high")
	g.eachBlock([]reg.GPVirtual{acc, scale, bias, dst}, []int{4, 4, 4, 4}, func() {
		for j := range g.vectorsOfBlock() {
			v := g.vec()
			g.VCVTDQ2PS(g.at(acc, j, 4), v)
			g.VMULPS(g.at(scale, j, 4), v, v)
			g.VADDPS(g.at(bias, j, 4), v, v)
			g.VMAXPS(low, v, v)
			g.VMINPS(high, v, v)
			g.store(v, g.at(dst, j, 4))
		}
	})
}

func (g *gen) requantizeBlocks(order Mem) {
	g.begin("requantize", "func(blocks int, acc *int32, scale *float32, low, high float32, zero int32, dst *uint8)",
		"Converts 32·blocks sums:",
		"\tdst[i] = uint8(roundHalfEven(min(max(float32(acc[i])*scale[i], low), high)) + zero)")
	acc, scale, dst := g.param("acc"), g.param("scale"), g.param("dst")
	low, high, zero := g.scalar("low"), g.scalar("high"), g.scalar("zero")
	g.eachBlock([]reg.GPVirtual{acc, scale, dst}, []int{4, 4, 1}, func() {
		out := g.vecs(g.vectorsOfBlock())
		for j, v := range out {
			g.VCVTDQ2PS(g.at(acc, j, 4), v)
			g.VMULPS(g.at(scale, j, 4), v, v)
			g.VMAXPS(low, v, v)
			g.VMINPS(high, v, v)
			g.VCVTPS2DQ(v, v)
			g.VPADDD(zero, v, v)
		}
		g.storeBytes(out, dst, order)
	})
}
