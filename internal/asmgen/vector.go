package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vectorFile emits the operations on vectors, and on a few rows at once.
func vectorFile(c *build.Context, t elem) {
	levels(c, t, func(g *gen) {
		g.dot()
		g.dotRows()
		g.reduction("sum", "s += x[i]", func(x, acc reg.VecVirtual) { g.add(x, acc, acc) })
		g.reduction("sumSquares", "s += x[i] * x[i]", func(x, acc reg.VecVirtual) { g.fma(x, x, acc) })
		abs := func() reg.VecVirtual { return g.absMask() }
		g.reductionWith("asum", "s += abs(x[i])", abs, func(mask, x, acc reg.VecVirtual) {
			g.pick(g.VANDPD, g.VANDPS, mask, x, x)
			g.add(x, acc, acc)
		})
		g.largest()
		g.axpy()
		g.axpyRows()
		g.scal()
	})
}

// dotUnroll is the number of sums a dot product runs in: enough for the latency
// of an FMA at one a cycle, the most that two loads a cycle feed.
const dotUnroll = 4

// rowsAtOnce is how many rows share the loads of the other operand.
func (g *gen) rowsAtOnce() int {
	if g.avx512 {
		return 4
	}
	return 2
}

// eachVector emits a loop over n lanes: unroll vectors at a time, then single
// vectors, then the tail. It advances the pointers and consumes n. body gets the
// index of the vector in the unrolling, the displacement, and the load to use.
func (g *gen) eachVector(n reg.GPVirtual, unroll int, pointers []reg.GPVirtual, body func(u, disp int, tail bool)) {
	size := g.width() * g.size
	stretch := func(label string, count int) {
		end := label + "End"
		g.CMPQ(n, U32(uint32(count*g.width())))
		g.JL(LabelRef(end))
		g.Label(label)
		for u := range count {
			body(u, u*size, false)
		}
		for _, p := range pointers {
			g.ADDQ(U32(uint32(count*size)), p)
		}
		g.SUBQ(U32(uint32(count*g.width())), n)
		g.CMPQ(n, U32(uint32(count*g.width())))
		g.JGE(LabelRef(label))
		g.Label(end)
	}
	if unroll > 1 {
		stretch("unrolled", unroll)
	}
	stretch("single", 1)
	g.TESTQ(n, n)
	g.JZ(LabelRef("tailEnd"))
	g.tailMask(n)
	body(0, 0, true)
	g.Label("tailEnd")
}

// loadPart loads a whole vector or the tail.
func (g *gen) loadPart(m Mem, v reg.VecVirtual, tail bool) {
	if tail {
		g.loadTail(m, v)
	} else {
		g.load(m, v)
	}
}

func (g *gen) storePart(v reg.VecVirtual, m Mem, tail bool) {
	if tail {
		g.storeTail(v, m)
	} else {
		g.store(v, m)
	}
}

// total adds the sums pairwise, then their lanes, into lane 0 of the first.
func (g *gen) total(acc []reg.VecVirtual) reg.VecVirtual { return g.fold(acc, g.add) }

// fold joins vectors pairwise, then their lanes, into lane 0 of the first.
func (g *gen) fold(acc []reg.VecVirtual, join func(a, b, dst Op)) reg.VecVirtual {
	for step := 1; step < len(acc); step *= 2 {
		for i := 0; i+step < len(acc); i += 2 * step {
			join(acc[i+step], acc[i], acc[i])
		}
	}
	s := acc[0]
	if g.avx512 {
		h := g.YMM()
		g.VEXTRACTF64X4(Imm(1), s, h)
		join(h, s.AsY(), s.AsY())
	}
	h := g.XMM()
	g.VEXTRACTF128(Imm(1), s.AsY(), h)
	join(h, s.AsX(), s.AsX())
	if g.size == 4 {
		g.VMOVHLPS(s.AsX(), s.AsX(), h)
		join(h, s.AsX(), s.AsX())
		g.VMOVSHDUP(s.AsX(), h)
		join(h, s.AsX(), s.AsX())
	} else {
		g.VUNPCKHPD(s.AsX(), s.AsX(), h)
		join(h, s.AsX(), s.AsX())
	}
	return s
}

func (g *gen) sums(n int) []reg.VecVirtual {
	acc := g.vecs(n)
	for _, a := range acc {
		g.zero(a)
	}
	return acc
}

func (g *gen) dot() {
	g.begin("dot", fmt.Sprintf("func(x, y []%[1]s) %[1]s", g.typ),
		"Returns the inner product over len(x) elements:", "\tfor i := range x { s += x[i] * y[i] }")
	x, n := g.slice("x")
	y := g.Load(g.Param("y").Base(), g.GP64()).(reg.GPVirtual)
	acc := g.sums(dotUnroll)
	g.eachVector(n, dotUnroll, []reg.GPVirtual{x, y}, func(u, disp int, tail bool) {
		v := g.vec()
		g.loadPart(Mem{Base: x, Disp: disp}, v, tail)
		g.fmaPart(Mem{Base: y, Disp: disp}, v, acc[u], tail)
	})
	g.Store(g.total(acc).AsX(), g.ReturnIndex(0))
	g.RET()
}

// fmaPart adds v times the vector at m to acc.
func (g *gen) fmaPart(m Mem, v, acc reg.VecVirtual, tail bool) {
	if !tail {
		g.fma(m, v, acc)
		return
	}
	w := g.vec()
	g.loadTail(m, w)
	g.fma(w, v, acc)
}

// dotRows takes the sums in the order of dot, so both give the same bits.
func (g *gen) dotRows() {
	rows := g.rowsAtOnce()
	g.begin("dotRows", fmt.Sprintf("func(x []%[1]s, a *%[1]s, lda int, dst *%[1]s)", g.typ),
		fmt.Sprintf("Sets dst to the inner products of %d rows of A with x, each as dot has it:", rows),
		fmt.Sprintf("\tfor i := range %d { dst[i] = dot(x, a[i*lda:]) }", rows))
	x, n := g.slice("x")
	a, lda := g.param("a"), g.param("lda")
	g.bytes(lda)
	pointers := []reg.GPVirtual{x, a}
	at := g.rowAddresses(a, lda, rows)
	acc := make([][]reg.VecVirtual, rows)
	for i := range acc {
		acc[i] = g.sums(dotUnroll)
	}
	g.eachVector(n, dotUnroll, pointers, func(u, disp int, tail bool) {
		v := g.vec()
		g.loadPart(Mem{Base: x, Disp: disp}, v, tail)
		for i := range acc {
			m := at[i]
			m.Disp = disp
			g.fmaPart(m, v, acc[i][u], tail)
		}
	})
	dst := g.param("dst")
	for i := range acc {
		s := g.total(acc[i]).AsX()
		g.pick(g.VMOVSD, g.VMOVSS, s, Mem{Base: dst, Disp: i * g.size})
	}
	g.RET()
}

func (g *gen) reduction(name, loop string, step func(x, acc reg.VecVirtual)) {
	g.reductionWith(name, loop, nil, func(_, x, acc reg.VecVirtual) { step(x, acc) })
}

// reductionWith emits a sum over one vector; setup makes a constant for step.
func (g *gen) reductionWith(name, loop string, setup func() reg.VecVirtual, step func(constant, x, acc reg.VecVirtual)) {
	const unroll = 8 // the latency of an addition at two loads a cycle
	g.begin(name, fmt.Sprintf("func(x []%[1]s) %[1]s", g.typ), "Returns a sum over x:", "\tfor i := range x { "+loop+" }")
	x, n := g.slice("x")
	acc := g.sums(unroll)
	var constant reg.VecVirtual
	if setup != nil {
		constant = setup()
	}
	g.eachVector(n, unroll, []reg.GPVirtual{x}, func(u, disp int, tail bool) {
		v := g.vec()
		g.loadPart(Mem{Base: x, Disp: disp}, v, tail)
		step(constant, v, acc[u])
	})
	g.Store(g.total(acc).AsX(), g.ReturnIndex(0))
	g.RET()
}

// largest looks at no NaN: a maximum gives its second source then.
func (g *gen) largest() {
	const unroll = 8
	g.begin("largest", fmt.Sprintf("func(x []%[1]s) %[1]s", g.typ), "Returns the largest element that is not NaN, or -Inf:",
		"\tfor i := range x { if x[i] > s { s = x[i] } }")
	x, n := g.slice("x")
	join := func(a, b, dst Op) { g.pick(g.VMAXPD, g.VMAXPS, b, a, dst) }
	acc := g.vecs(unroll)
	g.minusInf(acc[0])
	for _, a := range acc[1:] {
		g.pick(g.VMOVAPD, g.VMOVAPS, acc[0], a)
	}
	g.eachVector(n, unroll, []reg.GPVirtual{x}, func(u, disp int, tail bool) {
		v := g.vec()
		g.loadPart(Mem{Base: x, Disp: disp}, v, tail)
		switch {
		case tail && g.avx512:
			g.pick(g.VBLENDMPD, g.VBLENDMPS, v, acc[u], g.mask, v)
		case tail:
			g.blend(g.ymask, v, acc[u], v)
		}
		join(v, acc[u], acc[u])
	})
	g.Store(g.fold(acc, join).AsX(), g.ReturnIndex(0))
	g.RET()
}

// minusInf fills v with −∞: ones, moved up past the mantissa.
func (g *gen) minusInf(v reg.VecVirtual) {
	if g.avx512 {
		g.VPTERNLOGD(Imm(0xff), v, v, v)
	} else {
		g.VPCMPEQD(v, v, v)
	}
	g.pick(func(ops ...Op) { g.VPSLLQ(Imm(52), v, v) }, func(ops ...Op) { g.VPSLLD(Imm(23), v, v) })
}

// absMask fills a vector with ones but for the signs.
func (g *gen) absMask() reg.VecVirtual {
	v := g.vec()
	if g.avx512 {
		g.VPTERNLOGD(Imm(0xff), v, v, v)
	} else {
		g.VPCMPEQD(v, v, v)
	}
	g.pick(g.VPSRLQ, g.VPSRLD, Imm(1), v, v)
	return v
}

func (g *gen) axpy() {
	g.begin("axpy", fmt.Sprintf("func(alpha %[1]s, x, y []%[1]s)", g.typ),
		"Adds alpha·x to y over len(x) elements:", "\tfor i := range x { y[i] += alpha * x[i] }")
	x, n := g.slice("x")
	y := g.Load(g.Param("y").Base(), g.GP64()).(reg.GPVirtual)
	alpha := g.scalar("alpha")
	g.eachVector(n, 4, []reg.GPVirtual{x, y}, func(_, disp int, tail bool) {
		v := g.vec()
		g.loadPart(Mem{Base: y, Disp: disp}, v, tail)
		g.fmaPart(Mem{Base: x, Disp: disp}, alpha, v, tail)
		g.storePart(v, Mem{Base: y, Disp: disp}, tail)
	})
	g.RET()
}

// axpyRows adds rows one after the other within a lane, so it gives the bits of
// as many calls of axpy.
func (g *gen) axpyRows() {
	const rows = 4
	g.begin("axpyRows", fmt.Sprintf("func(x *%[1]s, a *%[1]s, lda int, y []%[1]s)", g.typ),
		"Adds 4 rows of A, scaled by x, to y over len(y) elements:",
		"\tfor i := range 4 { axpy(x[i], a[i*lda:], y) }")
	p, a, lda := g.param("x"), g.param("a"), g.param("lda")
	g.bytes(lda)
	y, n := g.slice("y")
	x := g.vecs(rows)
	for i := range x {
		g.bcast(Mem{Base: p, Disp: i * g.size}, x[i])
	}
	at := g.rowAddresses(a, lda, rows)
	g.eachVector(n, 2, []reg.GPVirtual{a, y}, func(_, disp int, tail bool) {
		v := g.vec()
		g.loadPart(Mem{Base: y, Disp: disp}, v, tail)
		for i := range x {
			m := at[i]
			m.Disp = disp
			g.fmaPart(m, x[i], v, tail)
		}
		g.storePart(v, Mem{Base: y, Disp: disp}, tail)
	})
	g.RET()
}

func (g *gen) scal() {
	g.begin("scal", fmt.Sprintf("func(alpha %[1]s, x []%[1]s)", g.typ),
		"Multiplies x by alpha:", "\tfor i := range x { x[i] *= alpha }")
	x, n := g.slice("x")
	alpha := g.scalar("alpha")
	g.eachVector(n, 4, []reg.GPVirtual{x}, func(_, disp int, tail bool) {
		v := g.vec()
		g.loadPart(Mem{Base: x, Disp: disp}, v, tail)
		g.mul(alpha, v, v)
		g.storePart(v, Mem{Base: x, Disp: disp}, tail)
	})
	g.RET()
}
