package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
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
	consts := nearestConstants(c)
	levels(c, t, func(g *gen) {
		g.panelNorms()
		g.nearest(consts)
	})
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

// pointColumns is kernel.PointGroup: with two vectors of rows as many sums as hide the latency
// of adding to them.
const pointColumns = 4

// least sets dst to the lesser of a and b, to a if b is NaN.
func (g *gen) least(a, b, dst Op) { g.pick(g.VMINPD, g.VMINPS, a, b, dst) }

// nearest keeps what it has found in memory, since AVX2 has not the registers.
func (g *gen) nearest(consts Mem) {
	g.begin("nearest", fmt.Sprintf("func(n, d, groups int, z, points, first, second, place *%[1]s)", g.typ),
		fmt.Sprintf("Finds the least of the values of groups·%d points, its place and the second least, for n ≥ 1 panels of %d rows:", pointColumns, panelRows),
		"\tvalue[k] = points[k][0] + Σ_j points[k][1+j]*z[j][r]")
	n, d := g.param("n"), g.param("d")
	z, first, second, place := g.param("z"), g.param("first"), g.param("second"), g.param("place")
	const vectors = 2
	bytes := g.copied(d)
	g.IMUL3Q(U32(uint32(panelRows*g.size)), bytes, bytes)
	g.Label("panels")
	for lane := 0; lane < panelRows; lane += vectors * g.width() {
		g.nearestPart(fmt.Sprint("points", lane), vectors, lane*g.size, d, z, []reg.GPVirtual{first, second, place}, consts)
	}
	g.ADDQ(bytes, z)
	for _, p := range []reg.GPVirtual{first, second, place} {
		g.ADDQ(U32(uint32(panelRows*g.size)), p)
	}
	g.DECQ(n)
	g.JNZ(LabelRef("panels"))
	g.RET()
}

// The places of numbers in nearestConstants.
const (
	constInf = 0
	constOne = 8
)

// nearestConstants adds +Inf and 1.
func nearestConstants(c *build.Context) Mem {
	m := c.StaticGlobal("nearestConstants")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	c.AddDatum(constInf, U64(math.Float64bits(math.Inf(1))))
	c.AddDatum(constOne, U64(math.Float64bits(1)))
	return m
}

// nearestPart emits the search for as many vectors of rows, disp bytes into a panel.
func (g *gen) nearestPart(label string, vectors, disp int, d, z reg.GPVirtual, found []reg.GPVirtual, consts Mem) {
	at := func(p reg.GPVirtual, v int) Mem { return Mem{Base: p, Disp: disp + v*g.width()*g.size} }
	first, second, place := found[0], found[1], found[2]
	inf, number, one := g.vec(), g.vec(), g.vec()
	g.bcast(consts.Offset(constInf), inf)
	g.bcast(consts.Offset(constOne), one)
	g.zero(number)
	for v := range vectors {
		g.store(inf, at(first, v))
		g.store(inf, at(second, v))
		g.store(number, at(place, v))
	}
	t, groups := g.param("points"), g.param("groups")
	g.Label(label)
	var acc [pointColumns][]reg.VecVirtual
	for j := range acc {
		acc[j] = g.vecs(vectors)
		for _, a := range acc[j] {
			g.bcast(Mem{Base: t, Disp: j * g.size}, a)
		}
	}
	g.ADDQ(Imm(uint64(pointColumns*g.size)), t)
	row, left := g.copied(z), g.copied(d)
	g.Label(label + "Row")
	x := g.vecs(vectors)
	for v := range x {
		g.load(at(row, v), x[v])
	}
	for j := range acc {
		u := g.vec()
		g.bcast(Mem{Base: t, Disp: j * g.size}, u)
		for v := range x {
			g.fma(x[v], u, acc[j][v])
		}
	}
	g.ADDQ(Imm(uint64(pointColumns*g.size)), t)
	g.ADDQ(U32(uint32(panelRows*g.size)), row)
	g.DECQ(left)
	g.JNZ(LabelRef(label + "Row"))
	for v := range vectors {
		f, s, p := g.vec(), g.vec(), g.vec()
		g.load(at(first, v), f)
		g.load(at(second, v), s)
		g.load(at(place, v), p)
		own := g.vec()
		g.pick(g.VMOVAPD, g.VMOVAPS, number, own)
		for j := range acc {
			value := acc[j][v]
			g.keepLess(value, f, own, p)
			more := g.vec()
			g.max(value, f, more)
			g.least(s, more, s)
			g.least(f, value, f)
			g.add(one, own, own)
		}
		g.store(f, at(first, v))
		g.store(s, at(second, v))
		g.store(p, at(place, v))
		if v == vectors-1 {
			g.pick(g.VMOVAPD, g.VMOVAPS, own, number)
		}
	}
	g.DECQ(groups)
	g.JNZ(LabelRef(label))
}

// keepLess replaces the lanes of dst by those of v where a is less than b.
func (g *gen) keepLess(a, b, v, dst reg.VecVirtual) {
	if g.avx512 {
		k := g.K()
		g.VCMPPD(Imm(isLess), b, a, k)
		g.VMOVAPD(v, k, dst)
		return
	}
	mask := g.YMM()
	g.VCMPPD(Imm(isLess), b, a, mask)
	g.VBLENDVPD(mask, v, dst, dst)
}
