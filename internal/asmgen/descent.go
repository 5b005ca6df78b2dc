package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// descentFile emits the steps of optimizers.
func descentFile(c *build.Context, t elem) {
	levels(c, t, func(g *gen) { g.adam() })
}

func (g *gen) sqrt(x, dst Op) { g.pick(g.VSQRTPD, g.VSQRTPS, x, dst) }

// adam has no fused multiplication: every level rounds as the Go loop does.
func (g *gen) adam() {
	g.begin("adam", fmt.Sprintf("func(x, g, first, second []%[1]s, momentum, fresh, decay, freshSquare, gone1, gone2, rate, tiny %[1]s)", g.typ),
		"Makes Adam's step over len(x) elements:",
		"\tfor i, v := range g {",
		"\t\tfirst[i] = momentum*first[i] + fresh*v",
		"\t\tsecond[i] = decay*second[i] + freshSquare*v*v",
		"\t\tx[i] -= rate / (sqrt(second[i]/gone2) + tiny) * (first[i] / gone1)",
		"\t}")
	x, n := g.slice("x")
	pointers := []reg.GPVirtual{x}
	for _, name := range []string{"g", "first", "second"} {
		pointers = append(pointers, g.Load(g.Param(name).Base(), g.GP64()).(reg.GPVirtual))
	}
	k := map[string]reg.VecVirtual{}
	for _, name := range []string{"momentum", "fresh", "decay", "freshSquare", "gone1", "gone2", "rate", "tiny"} {
		k[name] = g.scalar(name)
	}
	g.eachVector(n, 1, pointers, func(_, disp int, tail bool) {
		at := func(i int) Mem { return Mem{Base: pointers[i], Disp: disp} }
		v, first, second, t := g.vec(), g.vec(), g.vec(), g.vec()
		g.loadPart(at(1), v, tail)
		g.loadPart(at(2), first, tail)
		g.loadPart(at(3), second, tail)
		g.mul(k["momentum"], first, first)
		g.mul(k["fresh"], v, t)
		g.add(t, first, first)
		g.storePart(first, at(2), tail)
		g.mul(k["freshSquare"], v, t)
		g.mul(v, t, t)
		g.mul(k["decay"], second, second)
		g.add(t, second, second)
		g.storePart(second, at(3), tail)
		g.div(k["gone2"], second, t)
		g.sqrt(t, t)
		g.add(k["tiny"], t, t)
		g.div(t, k["rate"], t)
		g.div(k["gone1"], first, first)
		g.mul(first, t, t)
		g.loadPart(at(0), v, tail)
		g.sub(t, v, v)
		g.storePart(v, at(0), tail)
	})
	g.RET()
}
