package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// walkFile emits the walks through trees. They take no vectors, but instructions that came with
// AVX2.
func walkFile(c *build.Context) {
	walk(c, "walk32AVX2", "uint32", 4)
	walk(c, "walk64AVX2", "uint64", 8)
}

// walk emits rounds of steps, one of each walk that has not ended. The node that a walk comes to is
// asked for, and is there when its turn comes again.
func walk(c *build.Context, name, key string, size uint8) {
	c.Function(name)
	c.Attributes(attr.NOSPLIT)
	c.Pragma("noescape")
	c.Doc("Walks n ≥ 1 lanes, of three words each, to leaves, as walkPortable does with keys of type "+key+".",
		"The lanes are overwritten.")
	c.SignatureExpr("func(nodes *" + key + ", shift int, x *" + key + ", lanes *uint32, n int, leaves *uint32)")
	gp := func(name string) reg.GPVirtual { return c.Load(c.Param(name), c.GP64()).(reg.GPVirtual) }
	nodes, shift, x, leaves := gp("nodes"), gp("shift"), gp("x"), gp("leaves")
	const lane = 12 // bytes
	lanes, to, end := c.GP64(), c.GP64(), c.GP64()
	c.Load(c.Param("n"), to)
	c.IMUL3Q(Imm(lane), to, to)
	c.ADDQ(c.Load(c.Param("lanes"), c.GP64()), to)
	c.Label("round")
	c.MOVQ(to, end)
	c.Load(c.Param("lanes"), lanes)
	c.MOVQ(lanes, to)
	c.CMPQ(lanes, end)
	c.JEQ(LabelRef("end"))

	c.Label("lane")
	at, place, node, word := c.GP64(), c.GP64(), c.GP64(), c.GP64()
	c.MOVL(Mem{Base: lanes}, at.As32())
	c.MOVQ(Mem{Base: lanes, Disp: 4}, place) // row and number
	if size == 4 {
		c.MOVQ(Mem{Base: nodes, Index: at, Scale: 8}, node)
		c.MOVQ(node, word)
		c.SHRQ(Imm(32), word)
	} else {
		byte := c.GP64()
		c.MOVQ(at, byte)
		c.SHLQ(Imm(4), byte)
		c.MOVQ(Mem{Base: nodes, Index: byte, Scale: 1}, node)
		c.MOVQ(Mem{Base: nodes, Index: byte, Scale: 1, Disp: 8}, word)
	}
	value, number, step := c.GP64(), c.GP64(), c.GP64()
	c.BZHIQ(shift, word, value)
	c.MOVL(place.As32(), number.As32())
	c.ADDQ(number, value)
	c.SHRXQ(shift, word, word)
	c.MOVQ(place, number)
	c.SHRQ(Imm(32), number)
	c.MOVL(node.As32(), Mem{Base: leaves, Index: number, Scale: 4})
	c.MOVL(U32(1), step.As32())
	if size == 4 {
		c.MOVL(Mem{Base: x, Index: value, Scale: 4}, value.As32())
		c.CMPL(value.As32(), node.As32())
	} else {
		c.MOVQ(Mem{Base: x, Index: value, Scale: 8}, value)
		c.CMPQ(value, node)
	}
	c.CMOVQHI(word, step)
	c.ADDQ(step, at)
	c.MOVL(at.As32(), Mem{Base: to})
	c.MOVQ(place, Mem{Base: to, Disp: 4})
	if size == 4 {
		c.PREFETCHT0(Mem{Base: nodes, Index: at, Scale: 8})
	} else {
		c.SHLQ(Imm(4), at)
		c.PREFETCHT0(Mem{Base: nodes, Index: at, Scale: 1})
	}
	// A walk that does not move has ended, and its lane is overwritten.
	c.CMPQ(step, Imm(1))
	c.SBBQ(step, step)
	c.ANDQ(Imm(lane), step)
	c.SUBQ(step, to)
	c.ADDQ(Imm(lane), to)
	c.ADDQ(Imm(lane), lanes)
	c.CMPQ(lanes, end)
	c.JNE(LabelRef("lane"))
	c.JMP(LabelRef("round"))
	c.Label("end")
	c.RET()
}
