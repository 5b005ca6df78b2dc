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
		most := 4 // as many vectors as the registers hold sums of squares for
		if g.avx512 {
			most = 8
		}
		for vectors := 1; vectors <= most; vectors++ {
			g.addDiffs(vectors)
			g.addSquares(vectors)
		}
		g.standardize()
		g.subtract()
		g.subtractSquares()
	})
}

// A strip is some vectors side by side, the last of tail lanes, down the rows of A.
type strip struct {
	*gen
	vectors int
}

// each calls f for the vectors of the strip at p.
func (s strip) each(p reg.GPVirtual, f func(k int, m Mem, tail bool)) {
	for k := range s.vectors {
		f(k, Mem{Base: p, Disp: k * s.width() * s.size}, k == s.vectors-1)
	}
}

// load returns the vectors of the parameter's memory.
func (s strip) load(name string) (v []reg.VecVirtual, p reg.GPVirtual) {
	v, p = s.vecs(s.vectors), s.param(name)
	s.each(p, func(k int, m Mem, tail bool) { s.loadPart(m, v[k], tail) })
	return v, p
}

func (s strip) store(v []reg.VecVirtual, p reg.GPVirtual) {
	s.each(p, func(k int, m Mem, tail bool) { s.storePart(v[k], m, tail) })
}

// rows emits the loop over n ≥ 1 rows. step gets, for each vector of A less origin, its
// place and the row's weight.
func (s strip) rows(origin []reg.VecVirtual, step func(k int, x, w reg.VecVirtual)) {
	n, w, a, lda := s.param("n"), s.param("w"), s.param("a"), s.param("lda")
	s.bytes(lda)
	weight := s.vec()
	s.Label("rows")
	s.bcast(Mem{Base: w}, weight)
	s.each(a, func(k int, m Mem, tail bool) {
		x := s.vec()
		s.loadPart(m, x, tail)
		s.sub(origin[k], x, x)
		step(k, x, weight)
	})
	s.ADDQ(Imm(uint64(s.size)), w)
	s.ADDQ(lda, a)
	s.DECQ(n)
	s.JNZ(LabelRef("rows"))
}

func (g *gen) addDiffs(vectors int) {
	g.begin(fmt.Sprint("addDiffs", vectors), fmt.Sprintf("func(n int, w, a *%[1]s, lda int, origin, sum *%[1]s, tail int)", g.typ),
		fmt.Sprintf("Adds n ≥ 1 rows of A less origin, scaled by w, to sum, over %d vectors of which the last has tail lanes:", vectors),
		"\tfor i := range n { sum[j] += w[i] * (a[i*lda+j] - origin[j]) }")
	s := strip{g, vectors}
	g.tailMask(g.param("tail"))
	origin, _ := s.load("origin")
	sum, p := s.load("sum")
	s.rows(origin, func(k int, x, w reg.VecVirtual) { g.fma(x, w, sum[k]) })
	s.store(sum, p)
	g.RET()
}

func (g *gen) addSquares(vectors int) {
	g.begin(fmt.Sprint("addSquares", vectors), fmt.Sprintf("func(n int, w, a *%[1]s, lda int, mean, slip, squares *%[1]s, tail int)", g.typ),
		fmt.Sprintf("Adds n ≥ 1 rows of A less mean, scaled by w, to slip, and their squares to squares, over %d vectors of which the last has tail lanes:", vectors),
		"\tfor i := range n { d := a[i*lda+j] - mean[j]; slip[j] += w[i]*d; squares[j] += w[i]*d*d }")
	s := strip{g, vectors}
	g.tailMask(g.param("tail"))
	mean, _ := s.load("mean")
	slip, p := s.load("slip")
	squares, q := s.load("squares")
	s.rows(mean, func(k int, x, w reg.VecVirtual) {
		wx := g.vec()
		g.mul(x, w, wx)
		g.add(wx, slip[k], slip[k])
		g.fma(x, wx, squares[k])
	})
	s.store(slip, p)
	s.store(squares, q)
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

func (g *gen) subtract() {
	g.begin("subtract", fmt.Sprintf("func(dst, x, y []%s)", g.typ),
		"Subtracts y from x over len(dst) elements:", "\tfor j := range dst { dst[j] = x[j] - y[j] }")
	g.differences(false)
}

func (g *gen) subtractSquares() {
	g.begin("subtractSquares", fmt.Sprintf("func(dst, x, y, squares []%s)", g.typ),
		"Subtracts y from x over len(dst) elements and squares the differences:",
		"\tfor j := range dst { dst[j] = x[j] - y[j]; squares[j] = dst[j] * dst[j] }")
	g.differences(true)
}

// differences emits the loop of subtract, with squares or without.
func (g *gen) differences(squared bool) {
	dst, n := g.slice("dst")
	x, y := g.Load(g.Param("x").Base(), g.GP64()).(reg.GPVirtual), g.Load(g.Param("y").Base(), g.GP64()).(reg.GPVirtual)
	pointers := []reg.GPVirtual{dst, x, y}
	if squared {
		pointers = append(pointers, g.Load(g.Param("squares").Base(), g.GP64()).(reg.GPVirtual))
	}
	g.eachVector(n, 4, pointers, func(_, disp int, tail bool) {
		a, b := g.vec(), g.vec()
		g.loadPart(Mem{Base: x, Disp: disp}, a, tail)
		g.loadPart(Mem{Base: y, Disp: disp}, b, tail)
		g.sub(b, a, a)
		g.storePart(a, Mem{Base: dst, Disp: disp}, tail)
		if squared {
			g.mul(a, a, a)
			g.storePart(a, Mem{Base: pointers[3], Disp: disp}, tail)
		}
	})
	g.RET()
}
