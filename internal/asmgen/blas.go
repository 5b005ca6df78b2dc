package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// blasFile emits what triangular solvers, symmetric products and rotations run in.
func blasFile(c *build.Context, t elem) {
	levels(c, t, func(g *gen) {
		g.solve()
		g.symvRows()
		g.rot()
	})
}

// secularFile emits the sums of the secular equations of divide and conquer.
func secularFile(c *build.Context, t elem) {
	levels(c, t, func(g *gen) { g.secular() })
}

// fnma subtracts a·b from acc.
func (g *gen) fnma(a, b Op, acc Op) { g.pick(g.VFNMADD231PD, g.VFNMADD231PS, a, b, acc) }
func (g *gen) sub(a, b, dst Op)     { g.pick(g.VSUBPD, g.VSUBPS, a, b, dst) }
func (g *gen) div(a, b, dst Op)     { g.pick(g.VDIVPD, g.VDIVPS, a, b, dst) }

// solveRows is the number of rows that solve takes: as many as registers hold a
// vector of each.
const solveRows = 8

// solve keeps a vector of each row of B in registers.
func (g *gen) solve() {
	const rows = solveRows
	g.begin("solve", fmt.Sprintf("func(l *%[1]s, n int, b *%[1]s, ldb int)", g.typ),
		fmt.Sprintf("Solves L·X = B in place for %d rows, ldb apart, of n columns. L is %d×%d, with", rows, rows, rows),
		"the reciprocals of its diagonal in their place:",
		fmt.Sprintf("\tfor i := range %d { for p := range i { axpy(-l[%d*i+p], b[p], b[i]) }; scal(l[%d*i+i], b[i]) }", rows, rows, rows))
	l, n, b, ldb := g.param("l"), g.param("n"), g.param("b"), g.param("ldb")
	g.bytes(ldb)
	at := g.rowAddresses(b, ldb, rows)
	g.eachVector(n, 1, []reg.GPVirtual{b}, func(_, disp int, tail bool) {
		x := g.vecs(rows)
		c := g.vec()
		for i := range x {
			m := at[i]
			m.Disp = disp
			g.loadPart(m, x[i], tail)
			for p := range i {
				g.bcast(Mem{Base: l, Disp: (rows*i + p) * g.size}, c)
				g.fnma(c, x[p], x[i])
			}
			g.bcast(Mem{Base: l, Disp: (rows*i + i) * g.size}, c)
			g.mul(c, x[i], x[i])
			g.storePart(x[i], m, tail)
		}
	})
	g.RET()
}

// symvRows uses each element of A twice while it is in a register.
func (g *gen) symvRows() {
	const rows = 4
	g.begin("symvRows", fmt.Sprintf("func(a *%[1]s, lda int, x, y []%[1]s, s, dst *%[1]s)", g.typ),
		"Multiplies 4 rows of A by x and their transpose by s, adding to y:",
		"\tfor i := range 4 { dst[i] = dot(a[i*lda:], x); axpy(s[i], a[i*lda:], y) }")
	a, lda := g.param("a"), g.param("lda")
	g.bytes(lda)
	x, n := g.slice("x")
	y := g.Load(g.Param("y").Base(), g.GP64()).(reg.GPVirtual)
	at := g.rowAddresses(a, lda, rows)
	s, acc := g.vecs(rows), g.sums(rows)
	p := g.param("s")
	for i := range s {
		g.bcast(Mem{Base: p, Disp: i * g.size}, s[i])
	}
	g.eachVector(n, 1, []reg.GPVirtual{a, x, y}, func(_, disp int, tail bool) {
		xv, yv, av := g.vec(), g.vec(), g.vec()
		g.loadPart(Mem{Base: x, Disp: disp}, xv, tail)
		g.loadPart(Mem{Base: y, Disp: disp}, yv, tail)
		for i := range acc {
			m := at[i]
			m.Disp = disp
			g.loadPart(m, av, tail)
			g.fma(av, xv, acc[i])
			g.fma(av, s[i], yv)
		}
		g.storePart(yv, Mem{Base: y, Disp: disp}, tail)
	})
	dst := g.param("dst")
	for i := range acc {
		v := g.total(acc[i : i+1]).AsX()
		g.pick(g.VMOVSD, g.VMOVSS, v, Mem{Base: dst, Disp: i * g.size})
	}
	g.RET()
}

func (g *gen) rot() {
	g.begin("rot", fmt.Sprintf("func(x, y []%[1]s, c, s %[1]s)", g.typ),
		"Rotates the points (x[i], y[i]):",
		"\tfor i := range x { x[i], y[i] = c*x[i]+s*y[i], c*y[i]-s*x[i] }")
	x, n := g.slice("x")
	y := g.Load(g.Param("y").Base(), g.GP64()).(reg.GPVirtual)
	c, s := g.scalar("c"), g.scalar("s")
	g.eachVector(n, 2, []reg.GPVirtual{x, y}, func(_, disp int, tail bool) {
		xv, yv, u, v := g.vec(), g.vec(), g.vec(), g.vec()
		g.loadPart(Mem{Base: x, Disp: disp}, xv, tail)
		g.loadPart(Mem{Base: y, Disp: disp}, yv, tail)
		g.mul(c, xv, u)
		g.mul(c, yv, v)
		g.fma(s, yv, u)
		g.fnma(s, xv, v)
		g.storePart(u, Mem{Base: x, Disp: disp}, tail)
		g.storePart(v, Mem{Base: y, Disp: disp}, tail)
	})
	g.RET()
}

// secular divides once a term. The lanes beyond the tail hold z = 0 over a
// denominator that is made 1.
func (g *gen) secular() {
	g.begin("secular", "func(z, d, e []float64, tau, kappa float64) (sum, slope, size float64)",
		"Returns the sums of a secular function over len(z) terms:",
		"\tfor i := range z {",
		"\t\tq := z[i] / ((d[i] - tau) * (e[i] + kappa))",
		"\t\tsum += z[i] * q; slope += q * q; size += abs(z[i] * q)",
		"\t}")
	z, n := g.slice("z")
	d := g.Load(g.Param("d").Base(), g.GP64()).(reg.GPVirtual)
	e := g.Load(g.Param("e").Base(), g.GP64()).(reg.GPVirtual)
	tau, kappa := g.scalar("tau"), g.scalar("kappa")
	abs := g.absMask()
	sum, slope, size := g.sums(2), g.sums(2), g.sums(2)
	one, bits := g.vec(), g.GP64()
	g.MOVQ(U64(0x3ff0000000000000), bits)
	x := g.XMM()
	g.VMOVQ(bits, x)
	g.VBROADCASTSD(x, one)
	g.eachVector(n, 2, []reg.GPVirtual{z, d, e}, func(u, disp int, tail bool) {
		zv, dv, ev := g.vec(), g.vec(), g.vec()
		g.loadPart(Mem{Base: z, Disp: disp}, zv, tail)
		g.loadPart(Mem{Base: d, Disp: disp}, dv, tail)
		g.loadPart(Mem{Base: e, Disp: disp}, ev, tail)
		g.sub(tau, dv, dv)
		g.add(kappa, ev, ev)
		g.mul(dv, ev, dv)
		if tail {
			if g.avx512 {
				w := g.vec()
				g.VMOVAPD(one, w)
				g.VMOVAPD(dv, g.mask, w)
				dv = w
			} else {
				g.VBLENDVPD(g.ymask, dv, one, dv)
			}
		}
		g.div(dv, zv, dv)
		g.fma(dv, dv, slope[u])
		g.mul(dv, zv, dv)
		g.add(dv, sum[u], sum[u])
		g.VANDPD(abs, dv, dv)
		g.add(dv, size[u], size[u])
	})
	for i, acc := range [][]reg.VecVirtual{sum, slope, size} {
		g.Store(g.total(acc).AsX(), g.ReturnIndex(i))
	}
	g.RET()
}
