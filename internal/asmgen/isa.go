package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An elem is an element type.
type elem struct {
	pkg  string // of its kernels
	typ  string // in Go
	size int    // in bytes
}

var (
	f64 = elem{"f64", "float64", 8}
	f32 = elem{"f32", "float32", 4}
)

// A gen emits instructions for one element type at one instruction level.
// Its methods choose the mnemonic, so that a kernel is written once.
type gen struct {
	*build.Context
	elem
	avx512 bool
	masks  Mem            // the table of AVX2 masks
	mask   reg.Register   // AVX-512: opmask of the tail's lanes
	ymask  reg.VecVirtual // AVX2: vector mask of the tail's lanes

	byteConstants *byteConstants // for products of bytes
}

// levels calls emit for AVX-512 and AVX2, once a file.
func levels(c *build.Context, t elem, emit func(g *gen)) {
	masks := maskTable(c)
	emit(&gen{Context: c, elem: t, masks: masks, avx512: true})
	emit(&gen{Context: c, elem: t, masks: masks})
}

// suffix ends the names of functions of this level.
func (g *gen) suffix() string {
	if g.avx512 {
		return "AVX512"
	}
	return "AVX2"
}

// width is the number of lanes of a vector.
func (g *gen) width() int {
	if g.avx512 {
		return 64 / g.size
	}
	return 32 / g.size
}

// begin starts a function; T in the signature stands for the element type.
func (g *gen) begin(name, signature string, doc ...string) {
	g.Function(name + g.suffix())
	g.Attributes(attr.NOSPLIT)
	g.Pragma("noescape")
	g.Doc(doc...)
	g.SignatureExpr(signature)
}

func (g *gen) vec() reg.VecVirtual {
	if g.avx512 {
		return g.ZMM()
	}
	return g.YMM()
}

func (g *gen) vecs(n int) []reg.VecVirtual {
	out := make([]reg.VecVirtual, n)
	for i := range out {
		out[i] = g.vec()
	}
	return out
}

func (g *gen) zero(v reg.VecVirtual) {
	if g.avx512 {
		g.VPXORQ(v, v, v)
	} else {
		g.VXORPS(v, v, v)
	}
}

// pick emits d for float64 and s for float32.
func (g *gen) pick(d, s func(...Op), ops ...Op) {
	if g.size == 8 {
		d(ops...)
	} else {
		s(ops...)
	}
}

func (g *gen) load(m Op, v reg.VecVirtual)  { g.pick(g.VMOVUPD, g.VMOVUPS, m, v) }
func (g *gen) store(v reg.VecVirtual, m Op) { g.pick(g.VMOVUPD, g.VMOVUPS, v, m) }
func (g *gen) fma(a, b Op, acc Op)          { g.pick(g.VFMADD231PD, g.VFMADD231PS, a, b, acc) }
func (g *gen) add(a, b, dst Op)             { g.pick(g.VADDPD, g.VADDPS, a, b, dst) }
func (g *gen) mul(a, b, dst Op)             { g.pick(g.VMULPD, g.VMULPS, a, b, dst) }

// bcast fills v with the element at m.
func (g *gen) bcast(m Op, v reg.VecVirtual) { g.pick(g.VBROADCASTSD, g.VBROADCASTSS, m, v) }

// loadTail loads the tail's lanes and zeroes the others, touching no other memory.
func (g *gen) loadTail(m Op, v reg.VecVirtual) {
	if g.avx512 {
		if g.size == 8 {
			g.VMOVUPD_Z(m, g.mask, v)
		} else {
			g.VMOVUPS_Z(m, g.mask, v)
		}
	} else {
		g.maskMove(m, g.ymask, v)
	}
}

// storeTail stores the tail's lanes alone.
func (g *gen) storeTail(v reg.VecVirtual, m Op) {
	if g.avx512 {
		g.pick(g.VMOVUPD, g.VMOVUPS, v, g.mask, m)
	} else {
		g.maskMove(v, g.ymask, m)
	}
}

func (g *gen) maskMove(from, mask, to Op) {
	if g.size == 8 {
		g.VMASKMOVPD(from, mask, to)
	} else {
		g.VMASKMOVPS(from, mask, to)
	}
}

// tailMask makes the mask of the first n lanes, 0 ≤ n ≤ width.
func (g *gen) tailMask(n reg.GPVirtual) {
	if g.avx512 {
		m := g.GP64()
		g.MOVQ(I64(-1), m)
		g.BZHIQ(n, m, m)
		k := g.K()
		g.KMOVW(m.As32(), k)
		g.mask = k
		return
	}
	g.ymask = g.YMM()
	g.loadMask(n)
}

// loadMask loads the AVX2 mask of the first n lanes into ymask.
func (g *gen) loadMask(n reg.GPVirtual) {
	p, off := g.GP64(), g.GP64()
	g.LEAQ(g.masks, p)
	g.MOVQ(U32(uint32(g.width())), off)
	g.SUBQ(n, off)
	g.VMOVUPS(Mem{Base: p, Index: off, Scale: uint8(g.size)}, g.ymask)
}

// maskTable adds a table of 32 bytes of ones, then 32 of zeros: an AVX2 mask
// starts in it at any lane.
func maskTable(c *build.Context) Mem {
	m := c.StaticGlobal("tailMasks")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 8 {
		v := U64(0)
		if i < 4 {
			v = ^v
		}
		c.AddDatum(8*i, v)
	}
	return m
}

// param loads the named parameter into a new general register.
func (g *gen) param(name string) reg.GPVirtual {
	return g.Load(g.Param(name), g.GP64()).(reg.GPVirtual)
}

// slice loads the base and the length of a slice parameter.
func (g *gen) slice(name string) (base, n reg.GPVirtual) {
	base = g.Load(g.Param(name).Base(), g.GP64()).(reg.GPVirtual)
	n = g.Load(g.Param(name).Len(), g.GP64()).(reg.GPVirtual)
	return base, n
}

// scalar fills a vector with a scalar parameter.
func (g *gen) scalar(name string) reg.VecVirtual {
	v := g.vec()
	g.bcast(g.paramAddr(name), v)
	return v
}

// paramAddr returns the address of the named parameter.
func (g *gen) paramAddr(name string) Mem {
	b, err := g.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// bytes turns a count of elements into one of bytes.
func (g *gen) bytes(r reg.GPVirtual) {
	if g.size == 8 {
		g.SHLQ(Imm(3), r)
	} else {
		g.SHLQ(Imm(2), r)
	}
}

// RET leaves the upper halves of the vector registers clean, as Go's own code,
// which uses SSE, wants them.
func (g *gen) RET() {
	g.VZEROUPPER()
	g.Context.RET()
}
