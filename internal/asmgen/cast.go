package main

import (
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// castFile emits the conversions between the two floating-point types. They take blocks of
// 32 elements; Go does the rest of a slice.
func castFile(c *build.Context) {
	for _, avx512 := range []bool{true, false} {
		g := &gen{Context: c, elem: elem{"cast", "float64", 8}, avx512: avx512}
		g.castNarrow()
		g.castNarrowDiff()
		g.castWiden()
		g.castAddWide()
	}
}

// half is the half of a register that holds as many elements of half the size.
func (g *gen) half(v reg.VecVirtual) reg.VecVirtual {
	if g.avx512 {
		return v.AsY().(reg.VecVirtual)
	}
	return v.AsX().(reg.VecVirtual)
}

func (g *gen) castNarrow() {
	g.begin("narrow", "func(blocks int, dst *float32, src *float64)",
		"Rounds 32·blocks elements:", "\tdst[i] = float32(src[i])")
	dst, src := g.param("dst"), g.param("src")
	g.eachBlock([]reg.GPVirtual{dst, src}, []int{4, 8}, func() {
		for j := range g.vectorsOfBlock() {
			g.storeNarrow(g.at(src, j, 8), g.at(dst, j, 4))
		}
	})
}

func (g *gen) castNarrowDiff() {
	g.begin("narrowDiff", "func(blocks int, dst *float32, x, y *float64)",
		"Rounds 32·blocks differences:", "\tdst[i] = float32(x[i] - y[i])")
	dst, x, y := g.param("dst"), g.param("x"), g.param("y")
	g.eachBlock([]reg.GPVirtual{dst, x, y}, []int{4, 8, 8}, func() {
		for j := range g.vectorsOfBlock() {
			v := g.vec()
			g.load(g.at(x, j, 8), v)
			g.sub(g.at(y, j, 8), v, v)
			g.storeNarrow(v, g.at(dst, j, 4))
		}
	})
}

// storeNarrow rounds a vector, in a register or in memory, to dst.
func (g *gen) storeNarrow(src Op, dst Mem) {
	v := g.half(g.vec())
	if g.avx512 {
		g.VCVTPD2PS(src, v)
	} else {
		g.VCVTPD2PSY(src, v)
	}
	g.VMOVUPS(v, dst)
}

func (g *gen) castWiden() {
	g.begin("widen", "func(blocks int, dst *float64, src *float32)",
		"Converts 32·blocks elements:", "\tdst[i] = float64(src[i])")
	g.widened(func(v reg.VecVirtual, dst Mem) {})
}

func (g *gen) castAddWide() {
	g.begin("addWide", "func(blocks int, dst *float64, src *float32)",
		"Adds 32·blocks elements:", "\tdst[i] += float64(src[i])")
	g.widened(func(v reg.VecVirtual, dst Mem) { g.add(dst, v, v) })
}

func (g *gen) widened(before func(v reg.VecVirtual, dst Mem)) {
	dst, src := g.param("dst"), g.param("src")
	g.eachBlock([]reg.GPVirtual{dst, src}, []int{8, 4}, func() {
		for j := range g.vectorsOfBlock() {
			v := g.vec()
			g.VCVTPS2PD(g.at(src, j, 4), v)
			before(v, g.at(dst, j, 8))
			g.store(v, g.at(dst, j, 8))
		}
	})
}
