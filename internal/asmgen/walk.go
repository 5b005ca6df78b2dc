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

// walkRounds is how many steps each walk makes before those that have ended are left out. In between
// all stores go where nobody waits for a comparison to know.
const walkRounds = 6

// walk emits rounds of steps, one of each walk. The node that a walk comes to is asked for, and is
// there when its turn comes again.
func walk(c *build.Context, name, key string, size uint8) {
	c.Function(name)
	c.Attributes(attr.NOSPLIT)
	c.Pragma("noescape")
	c.Doc("Walks n ≥ 1 lanes, of three words each, to leaves, as walkPortable does with keys of type "+key+".",
		"The lanes are overwritten.")
	c.SignatureExpr("func(nodes *" + key + ", shift int, x *" + key + ", lanes *uint32, n int, leaves *uint32)")
	gp := func(name string) reg.GPVirtual { return c.Load(c.Param(name), c.GP64()).(reg.GPVirtual) }
	nodes, shift, x, leaves, first := gp("nodes"), gp("shift"), gp("x"), gp("leaves"), gp("lanes")
	const lane = 12 // bytes
	lanes, end, rounds := c.GP64(), c.GP64(), c.GP64()
	c.Load(c.Param("n"), end)
	c.IMUL3Q(Imm(lane), end, end)
	c.ADDQ(first, end)

	// load has the node at a place.
	load := func(at, node, word reg.GPVirtual) {
		if size == 4 {
			c.MOVQ(Mem{Base: nodes, Index: at, Scale: 8}, node)
			c.MOVQ(node, word)
			c.SHRQ(Imm(32), word)
			return
		}
		byte := c.GP64()
		c.MOVQ(at, byte)
		c.SHLQ(Imm(4), byte)
		c.MOVQ(Mem{Base: nodes, Index: byte, Scale: 1}, node)
		c.MOVQ(Mem{Base: nodes, Index: byte, Scale: 1, Disp: 8}, word)
	}
	c.Label("some")
	c.MOVQ(U32(walkRounds), rounds)
	c.Label("round")
	c.MOVQ(first, lanes)
	c.Label("lane")
	{
		at, node, word, value, step := c.GP64(), c.GP64(), c.GP64(), c.GP64(), c.GP64()
		c.MOVL(Mem{Base: lanes}, at.As32())
		load(at, node, word)
		c.BZHIQ(shift, word, value)
		row := c.GP64()
		c.MOVL(Mem{Base: lanes, Disp: 4}, row.As32())
		c.ADDQ(row, value)
		c.SHRXQ(shift, word, word)
		c.MOVL(U32(1), step.As32())
		if size == 4 {
			c.CMPL(node.As32(), Mem{Base: x, Index: value, Scale: 4})
		} else {
			c.CMPQ(node, Mem{Base: x, Index: value, Scale: 8})
		}
		c.CMOVQCS(word, step)
		c.ADDQ(step, at)
		c.MOVL(at.As32(), Mem{Base: lanes})
		if size == 4 {
			c.PREFETCHT0(Mem{Base: nodes, Index: at, Scale: 8})
		} else {
			c.SHLQ(Imm(4), at)
			c.PREFETCHT0(Mem{Base: nodes, Index: at, Scale: 1})
		}
	}
	c.ADDQ(Imm(lane), lanes)
	c.CMPQ(lanes, end)
	c.JNE(LabelRef("lane"))
	c.DECQ(rounds)
	c.JNZ(LabelRef("round"))

	// A walk at a leaf, which is no step ahead of itself, has ended: its lane is overwritten.
	to := c.GP64()
	c.MOVQ(first, lanes)
	c.MOVQ(first, to)
	c.Label("leave")
	{
		at, row, number, node, word := c.GP64(), c.GP64(), c.GP64(), c.GP64(), c.GP64()
		c.MOVL(Mem{Base: lanes}, at.As32())
		c.MOVL(Mem{Base: lanes, Disp: 4}, row.As32())
		c.MOVL(Mem{Base: lanes, Disp: 8}, number.As32())
		load(at, node, word)
		c.SHRXQ(shift, word, word)
		c.MOVL(node.As32(), Mem{Base: leaves, Index: number, Scale: 4})
		c.MOVL(at.As32(), Mem{Base: to})
		c.MOVL(row.As32(), Mem{Base: to, Disp: 4})
		c.MOVL(number.As32(), Mem{Base: to, Disp: 8})
		c.CMPQ(word, Imm(1))
		c.SBBQ(word, word)
		c.ANDQ(Imm(lane), word)
		c.SUBQ(word, to)
		c.ADDQ(Imm(lane), to)
	}
	c.ADDQ(Imm(lane), lanes)
	c.CMPQ(lanes, end)
	c.JNE(LabelRef("leave"))
	c.MOVQ(to, end)
	c.CMPQ(end, first)
	c.JNE(LabelRef("some"))
	c.RET()
}
