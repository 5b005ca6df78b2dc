package main

import (
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rulerFile emits the plainest loops that reach a machine's limits, for
// benchmarks to hold the kernels against.
func rulerFile(c *build.Context) {
	levels(c, elem{"ruler", "float64", 8}, func(g *gen) {
		g.peak()
		g.read()
		g.copyLoop()
	})
}

// peak emits independent multiply-adds between registers, with none to wait for.
func (g *gen) peak() {
	const chains = 12
	g.begin("peak", "func(n int)", "Does 12·n vector multiply-adds in registers.")
	n := g.param("n")
	acc := g.sums(chains)
	x, y := g.vec(), g.vec()
	g.zero(x)
	g.zero(y)
	g.Label("loop")
	for _, a := range acc {
		g.fma(x, y, a)
	}
	g.DECQ(n)
	g.JNZ(LabelRef("loop"))
	g.RET()
}

const rulerVectors = 8

// read emits a loop of loads.
func (g *gen) read() {
	g.begin("read", "func(x []float64)", "Loads x, whose length is a multiple of 64.")
	x, n := g.slice("x")
	g.strides(n, []reg.GPVirtual{x}, func(disp int) {
		g.load(Mem{Base: x, Disp: disp}, g.vec())
	})
}

// copyLoop emits a loop of loads and ordinary stores.
func (g *gen) copyLoop() {
	g.begin("copyTo", "func(dst, src []float64)", "Copies src, whose length is a multiple of 64, to dst.")
	src, n := g.slice("src")
	dst := g.Load(g.Param("dst").Base(), g.GP64()).(reg.GPVirtual)
	g.strides(n, []reg.GPVirtual{src, dst}, func(disp int) {
		v := g.vec()
		g.load(Mem{Base: src, Disp: disp}, v)
		g.store(v, Mem{Base: dst, Disp: disp})
	})
}

// strides emits a loop over rulerVectors vectors at a time.
func (g *gen) strides(n reg.GPVirtual, pointers []reg.GPVirtual, body func(disp int)) {
	size := g.width() * g.size
	g.TESTQ(n, n)
	g.JZ(LabelRef("done"))
	g.Label("loop")
	for u := range rulerVectors {
		body(u * size)
	}
	for _, p := range pointers {
		g.ADDQ(U32(uint32(rulerVectors*size)), p)
	}
	g.SUBQ(U32(uint32(rulerVectors*g.width())), n)
	g.JNZ(LabelRef("loop"))
	g.Label("done")
	g.RET()
}
