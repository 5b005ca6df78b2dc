package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The layout of kernel.PanelNorms.
const (
	panelRows    = 16
	panelColumns = 4
)

// panelsFile emits what works on matrices in panels.
func panelsFile(c *build.Context, t elem) {
	levels(c, t, (*gen).panelNorms)
}

func (g *gen) panelNorms() {
	g.begin("panelNorms", fmt.Sprintf("func(n, d int, start, scale %[1]s, z, triangle, dst *%[1]s)", g.typ),
		fmt.Sprintf("Takes the squared lengths of rows times a packed triangle, in n ≥ 1 panels of %d rows and d ≥ 1 columns:", panelRows),
		"\tdst[r] = start + scale*Σ_j (c[j] + Σ_{i≤j} u[i][j]*z[i][r])²")
	n, d := g.param("n"), g.param("d")
	z, triangle, dst := g.param("z"), g.param("triangle"), g.param("dst")
	const vectors = 2 // with four columns as many sums as hide the latency of adding to them
	g.Label("panels")
	for lane := 0; lane < panelRows; lane += vectors * g.width() {
		g.panelPart(fmt.Sprint("part", lane), vectors, lane*g.size, d, z, triangle, dst)
	}
	bytes := g.copied(d)
	g.IMUL3Q(Imm(uint64(panelRows*g.size)), bytes, bytes)
	g.ADDQ(bytes, z)
	g.ADDQ(Imm(uint64(panelRows*g.size)), dst)
	g.DECQ(n)
	g.JNZ(LabelRef("panels"))
	g.RET()
}

// panelPart emits the lengths of as many vectors of rows, disp bytes into a panel.
func (g *gen) panelPart(label string, vectors, disp int, d, z, triangle, dst reg.GPVirtual) {
	sum := g.sums(vectors)
	t, depth, end := g.copied(triangle), g.GP64(), g.GP64()
	g.XORQ(depth, depth)
	g.LEAQ(Mem{Base: d, Disp: panelColumns}, end)

	g.Label(label)
	var acc [panelColumns][]reg.VecVirtual
	for j := range acc {
		acc[j] = g.vecs(vectors)
		for _, a := range acc[j] {
			g.bcast(Mem{Base: t, Disp: j * g.size}, a)
		}
	}
	g.ADDQ(Imm(uint64(panelColumns*g.size)), t)
	g.ADDQ(Imm(panelColumns), depth)
	rows := g.copied(depth)
	g.CMPQ(rows, d)
	g.CMOVQGT(d, rows)
	row := g.copied(z)
	g.Label(label + "Row")
	x := g.vecs(vectors)
	for v := range x {
		g.load(Mem{Base: row, Disp: disp + v*g.width()*g.size}, x[v])
	}
	for j := range acc {
		u := g.vec()
		g.bcast(Mem{Base: t, Disp: j * g.size}, u)
		for v := range x {
			g.fma(x[v], u, acc[j][v])
		}
	}
	g.ADDQ(Imm(uint64(panelColumns*g.size)), t)
	g.ADDQ(Imm(uint64(panelRows*g.size)), row)
	g.DECQ(rows)
	g.JNZ(LabelRef(label + "Row"))
	for j := range acc {
		for v := range sum {
			g.fma(acc[j][v], acc[j][v], sum[v])
		}
	}
	g.LEAQ(Mem{Base: depth, Disp: panelColumns}, row)
	g.CMPQ(row, end)
	g.JLT(LabelRef(label))

	scale := g.scalar("scale")
	for v := range sum {
		out := g.scalar("start")
		g.fma(sum[v], scale, out)
		g.store(out, Mem{Base: dst, Disp: disp + v*g.width()*g.size})
	}
}
