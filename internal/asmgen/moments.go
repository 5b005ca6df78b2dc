package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// momentsFile emits the sums over rows that the mean and the variance of columns are
// made of, and the scaling by them.
func momentsFile(c *build.Context, t elem) {
	levels(c, t, func(g *gen) {
		for _, rows := range []int{4, 1} {
			g.addDiffs(rows)
			g.addSquares(rows)
		}
		g.standardize()
	})
}

// weightedRows loads the weights of some rows of A, and returns them with the rows'
// addresses and the pointer that moves them along.
func (g *gen) weightedRows(rows int) (w []reg.VecVirtual, at []Mem, a reg.GPVirtual) {
	p, lda := g.param("w"), g.param("lda")
	a = g.param("a")
	g.bytes(lda)
	w = g.vecs(rows)
	for i := range w {
		g.bcast(Mem{Base: p, Disp: i * g.size}, w[i])
	}
	return w, g.rowAddresses(a, lda, rows), a
}

// loadDiff sets x to the vector at m, moved by disp, less origin.
func (g *gen) loadDiff(m Mem, disp int, origin, x reg.VecVirtual, tail bool) {
	m.Disp = disp
	g.loadPart(m, x, tail)
	g.sub(origin, x, x)
}

func (g *gen) addDiffs(rows int) {
	g.begin(fmt.Sprint("addDiffs", rows), fmt.Sprintf("func(w, a *%[1]s, lda int, origin, sum []%[1]s)", g.typ),
		fmt.Sprintf("Adds %d rows of A less origin, scaled by w, to sum over len(sum) elements:", rows),
		fmt.Sprintf("\tfor i := range %d { sum[j] += w[i] * (a[i*lda+j] - origin[j]) }", rows))
	w, at, a := g.weightedRows(rows)
	sum, n := g.slice("sum")
	origin := g.Load(g.Param("origin").Base(), g.GP64()).(reg.GPVirtual)
	g.eachVector(n, 2, []reg.GPVirtual{a, origin, sum}, func(_, disp int, tail bool) {
		o, s := g.vec(), g.vec()
		g.loadPart(Mem{Base: origin, Disp: disp}, o, tail)
		g.loadPart(Mem{Base: sum, Disp: disp}, s, tail)
		for i := range w {
			x := g.vec()
			g.loadDiff(at[i], disp, o, x, tail)
			g.fma(x, w[i], s)
		}
		g.storePart(s, Mem{Base: sum, Disp: disp}, tail)
	})
	g.RET()
}

func (g *gen) addSquares(rows int) {
	g.begin(fmt.Sprint("addSquares", rows), fmt.Sprintf("func(w, a *%[1]s, lda int, mean, slip, squares []%[1]s)", g.typ),
		fmt.Sprintf("Adds %d rows of A less mean, and their squares, scaled by w, to slip and squares over len(squares) elements:", rows),
		fmt.Sprintf("\tfor i := range %d { d := a[i*lda+j] - mean[j]; slip[j] += w[i]*d; squares[j] += w[i]*d*d }", rows))
	w, at, a := g.weightedRows(rows)
	squares, n := g.slice("squares")
	mean := g.Load(g.Param("mean").Base(), g.GP64()).(reg.GPVirtual)
	slip := g.Load(g.Param("slip").Base(), g.GP64()).(reg.GPVirtual)
	g.eachVector(n, 1, []reg.GPVirtual{a, mean, slip, squares}, func(_, disp int, tail bool) {
		m, s, q := g.vec(), g.vec(), g.vec()
		g.loadPart(Mem{Base: mean, Disp: disp}, m, tail)
		g.loadPart(Mem{Base: slip, Disp: disp}, s, tail)
		g.loadPart(Mem{Base: squares, Disp: disp}, q, tail)
		for i := range w {
			x, wx := g.vec(), g.vec()
			g.loadDiff(at[i], disp, m, x, tail)
			g.mul(x, w[i], wx)
			g.add(wx, s, s)
			g.fma(x, wx, q)
		}
		g.storePart(s, Mem{Base: slip, Disp: disp}, tail)
		g.storePart(q, Mem{Base: squares, Disp: disp}, tail)
	})
	g.RET()
}

func (g *gen) standardize() {
	g.begin("standardize", fmt.Sprintf("func(dst, x, shift, scale []%s)", g.typ),
		"Shifts and scales x over len(dst) elements:", "\tfor j := range dst { dst[j] = (x[j] - shift[j]) * scale[j] }")
	dst, n := g.slice("dst")
	var from []reg.GPVirtual
	for _, name := range []string{"x", "shift", "scale"} {
		from = append(from, g.Load(g.Param(name).Base(), g.GP64()).(reg.GPVirtual))
	}
	g.eachVector(n, 2, append(from, dst), func(_, disp int, tail bool) {
		v := g.vecs(len(from))
		for k, p := range from {
			g.loadPart(Mem{Base: p, Disp: disp}, v[k], tail)
		}
		g.sub(v[1], v[0], v[0])
		g.mul(v[2], v[0], v[0])
		g.storePart(v[0], Mem{Base: dst, Disp: disp}, tail)
	})
	g.RET()
}
