package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sparseAhead is how many entries ahead the columns are read to prefetch the rows
// that they lead to.
const sparseAhead = 16

// streamAhead is how many entries ahead the lists of columns and values themselves are
// prefetched: the processor's own prefetching stops at each page and starts anew.
const streamAhead = 256

// sparseFile emits the products of matrices in compressed rows.
func sparseFile(c *build.Context, t elem) {
	levels(c, t, func(g *gen) {
		if !g.avx512 { // scalar: both levels have the instructions
			g.spMulVec(false)
			g.spMulVec(true)
			g.spAddTransVec()
			g.spFetch()
			g.spList(true)
			g.spTake()
			g.spTerms()
			g.spPlace()
			if t.size == 8 { // what does not touch elements is there once
				g.spSpans()
				g.spFetchLines()
				g.spFetchColumns()
				g.spList(false)
				g.spRank()
			}
		}
		for vectors := 1; vectors <= sparseVectors; vectors++ {
			g.spMulDense(vectors, false)
			g.spMulDense(vectors, true)
			g.spAddTrans(vectors)
		}
	})
}

// sparseVectors is the widest stretch of a dense row that is kept in registers.
const sparseVectors = 4

// A compressed holds the registers of a matrix in compressed rows and of the loop
// over its entries.
type compressed struct {
	rows, ptr, col, val reg.GPVirtual
	p, end              reg.GPVirtual
}

func (g *gen) compressed() *compressed {
	return &compressed{
		rows: g.param("rows"), ptr: g.param("ptr"), col: g.param("col"), val: g.param("val"),
		p: g.GP64(), end: g.GP64(),
	}
}

// each emits a loop over the rows: before and after around one over the entries.
func (g *gen) eachRow(m *compressed, before, entry, after func()) {
	g.Label("row")
	g.MOVQ(Mem{Base: m.ptr}, m.p)
	g.MOVQ(Mem{Base: m.ptr, Disp: 8}, m.end)
	before()
	g.CMPQ(m.p, m.end)
	g.JGE(LabelRef("rowEnd"))
	g.Label("entry")
	entry()
	g.INCQ(m.p)
	g.CMPQ(m.p, m.end)
	g.JL(LabelRef("entry"))
	g.Label("rowEnd")
	after()
	g.ADDQ(Imm(8), m.ptr)
	g.DECQ(m.rows)
	g.JNZ(LabelRef("row"))
	g.RET()
}

// column loads the column of the entry ahead of p, times stride bytes if there is
// a stride.
func (g *gen) column(m *compressed, ahead int, stride reg.GPVirtual) reg.GPVirtual {
	c := g.GP64()
	g.MOVL(Mem{Base: m.col, Index: m.p, Scale: 4, Disp: 4 * ahead}, c.As32())
	if stride != nil {
		g.IMULQ(stride, c)
	}
	return c
}

// element is the element at index i after base.
func (g *gen) element(base, i reg.GPVirtual, ahead int) Mem {
	return Mem{Base: base, Index: i, Scale: uint8(g.size), Disp: g.size * ahead}
}

// aheadName ends the names of functions that prefetch.
func aheadName(ahead bool) string {
	if ahead {
		return "Ahead"
	}
	return ""
}

const aheadDoc = "It reads col up to sparseAhead past the last entry."

// spMulVec works on single elements: gathers are slower than loads on some
// processors and no faster on the others, for they wait for the same cache lines.
func (g *gen) spMulVec(ahead bool) {
	doc := []string{"Sets dst to the inner products of rows ≥ 1 rows of A with x, in four sums:",
		"\tfor p := ptr[i]; p < ptr[i+1]; p++ { dst[i] += val[p] * x[col[p]] }"}
	if ahead {
		doc = append(doc, aheadDoc)
	}
	g.begin("spMulVec"+aheadName(ahead), fmt.Sprintf("func(dst *%[1]s, rows int, ptr *int64, col *uint32, val, x *%[1]s)", g.typ), doc...)
	dst, x := g.param("dst"), g.param("x")
	m := g.compressed()
	four := g.GP64()
	acc := []reg.VecVirtual{g.XMM(), g.XMM(), g.XMM(), g.XMM()}
	step := func(u int) {
		v := g.XMM()
		c := g.column(m, u, nil)
		g.pick(g.VMOVSD, g.VMOVSS, g.element(m.val, m.p, u), v)
		g.pick(g.VFMADD231SD, g.VFMADD231SS, g.element(x, c, 0), v, acc[u])
		if ahead {
			g.PREFETCHT0(g.element(x, g.column(m, u+sparseAhead, nil), 0))
		}
	}
	g.eachRow(m, func() {
		for _, a := range acc {
			g.VXORPS(a, a, a)
		}
		g.LEAQ(Mem{Base: m.p, Disp: 4}, four)
		g.CMPQ(four, m.end)
		g.JG(LabelRef("fourEnd"))
		g.Label("four")
		g.PREFETCHT0(g.element(m.val, m.p, streamAhead))
		g.PREFETCHT0(Mem{Base: m.col, Index: m.p, Scale: 4, Disp: 4 * streamAhead})
		for u := range acc {
			step(u)
		}
		g.MOVQ(four, m.p)
		g.ADDQ(Imm(4), four)
		g.CMPQ(four, m.end)
		g.JLE(LabelRef("four"))
		g.Label("fourEnd")
	}, func() { step(0) }, func() {
		for _, pair := range [][2]int{{0, 1}, {2, 3}, {0, 2}} {
			g.pick(g.VADDSD, g.VADDSS, acc[pair[1]], acc[pair[0]], acc[pair[0]])
		}
		g.pick(g.VMOVSD, g.VMOVSS, acc[0], Mem{Base: dst})
		g.ADDQ(Imm(uint64(g.size)), dst)
	})
}

// spAddTransVec adds to single elements: masked stores of them take many times as long.
func (g *gen) spAddTransVec() {
	g.begin("spAddTransVec", fmt.Sprintf("func(dst *%[1]s, rows int, ptr *int64, col *uint32, val, y *%[1]s)", g.typ),
		"Adds Aᵀ·y to dst, for rows ≥ 1 rows of A:", "\tfor p := ptr[i]; p < ptr[i+1]; p++ { dst[col[p]] += val[p] * y[i] }")
	dst, from := g.param("dst"), g.param("y")
	m := g.compressed()
	four := g.GP64()
	y := g.XMM()
	step := func(u int) {
		v := g.XMM()
		at := g.element(dst, g.column(m, u, nil), 0)
		g.pick(g.VMOVSD, g.VMOVSS, g.element(m.val, m.p, u), v)
		g.pick(g.VFMADD213SD, g.VFMADD213SS, at, y, v)
		g.pick(g.VMOVSD, g.VMOVSS, v, at)
	}
	g.eachRow(m, func() {
		g.pick(g.VMOVSD, g.VMOVSS, Mem{Base: from}, y)
		g.ADDQ(Imm(uint64(g.size)), from)
		g.LEAQ(Mem{Base: m.p, Disp: 4}, four)
		g.CMPQ(four, m.end)
		g.JG(LabelRef("fourEnd"))
		g.Label("four")
		for u := range 4 {
			step(u)
		}
		g.MOVQ(four, m.p)
		g.ADDQ(Imm(4), four)
		g.CMPQ(four, m.end)
		g.JLE(LabelRef("four"))
		g.Label("fourEnd")
	}, func() { step(0) }, func() {})
}

// row is the place of vector v of a dense row.
func (g *gen) denseRow(base reg.GPVirtual, v int) Mem {
	return Mem{Base: base, Disp: v * g.width() * g.size}
}

// prefetchRow asks for the cache lines of a row of vectors, offset bytes after base.
func (g *gen) prefetchRow(base, offset reg.GPVirtual, vectors int) {
	g.ADDQ(base, offset)
	for at := 0; at < vectors*g.width()*g.size; at += 64 {
		g.PREFETCHT0(Mem{Base: offset, Disp: at})
	}
}

// spMulDense keeps the row of the result in registers.
func (g *gen) spMulDense(vectors int, ahead bool) {
	doc := []string{fmt.Sprintf("Sets rows ≥ 1 rows of dst, of %d vectors whose last has tail elements, to A·B:", vectors),
		"\tfor p := ptr[i]; p < ptr[i+1]; p++ { dst[i][j] += val[p] * b[col[p]][j] }"}
	if ahead {
		doc = append(doc, aheadDoc)
	}
	g.begin(fmt.Sprintf("spMulDense%d%s", vectors, aheadName(ahead)),
		fmt.Sprintf("func(dst *%[1]s, ldd, rows int, ptr *int64, col *uint32, val, b *%[1]s, ldb, tail int)", g.typ), doc...)
	g.tailMask(g.param("tail"))
	dst, ldd, b, ldb := g.param("dst"), g.param("ldd"), g.param("b"), g.param("ldb")
	g.bytes(ldd)
	g.bytes(ldb)
	m := g.compressed()
	acc := g.vecs(vectors)
	g.eachRow(m, func() {
		for _, a := range acc {
			g.zero(a)
		}
	}, func() {
		s := g.vec()
		row := g.column(m, 0, ldb)
		g.ADDQ(b, row)
		g.bcast(g.element(m.val, m.p, 0), s)
		if ahead {
			g.prefetchRow(b, g.column(m, sparseAhead, ldb), vectors)
		}
		for v, a := range acc {
			g.fmaPart(g.denseRow(row, v), s, a, v == vectors-1)
		}
	}, func() {
		for v, a := range acc {
			g.storePart(a, g.denseRow(dst, v), v == vectors-1)
		}
		g.ADDQ(ldd, dst)
	})
}

// spAddTrans keeps the row of Y in registers.
func (g *gen) spAddTrans(vectors int) {
	g.begin(fmt.Sprintf("spAddTrans%d", vectors),
		fmt.Sprintf("func(dst *%[1]s, ldd, rows int, ptr *int64, col *uint32, val, y *%[1]s, ldy, tail int)", g.typ),
		fmt.Sprintf("Adds Aᵀ·Y to dst, for rows ≥ 1 rows of A and of Y, the latter of %d vectors whose last has tail elements:", vectors),
		"\tfor p := ptr[i]; p < ptr[i+1]; p++ { dst[col[p]][j] += val[p] * y[i][j] }")
	g.tailMask(g.param("tail"))
	dst, ldd, from, ldy := g.param("dst"), g.param("ldd"), g.param("y"), g.param("ldy")
	g.bytes(ldd)
	g.bytes(ldy)
	m := g.compressed()
	x := g.vecs(vectors)
	g.eachRow(m, func() {
		for v := range x {
			g.loadPart(g.denseRow(from, v), x[v], v == vectors-1)
		}
		g.ADDQ(ldy, from)
	}, func() {
		s := g.vec()
		row := g.column(m, 0, ldd)
		g.ADDQ(dst, row)
		g.bcast(g.element(m.val, m.p, 0), s)
		for v := range x {
			last := v == vectors-1
			y := g.vec()
			g.loadPart(g.denseRow(row, v), y, last)
			g.fma(x[v], s, y)
			g.storePart(y, g.denseRow(row, v), last)
		}
	}, func() {})
}

// eachFetched emits a loop over n ≥ 1 rows, named by of, of a matrix whose rows begin
// where ptr says: fetch gets the offset of each row's first entry and of the one after
// its last.
func (g *gen) eachFetched(fetch func(p, end reg.GPVirtual)) {
	n, of, ptr := g.param("n"), g.param("of"), g.param("ptr")
	j, end := g.GP64(), g.GP64()
	g.Label("row")
	g.MOVL(Mem{Base: of}, j.As32())
	g.MOVQ(Mem{Base: ptr, Index: j, Scale: 8, Disp: 8}, end)
	g.MOVQ(Mem{Base: ptr, Index: j, Scale: 8}, j)
	fetch(j, end)
	g.ADDQ(Imm(4), of)
	g.DECQ(n)
	g.JNZ(LabelRef("row"))
	g.RET()
}

// fetchEntries asks for the cache lines of the first 16 entries, of size bytes, of a row
// that reaches from p to end. What comes after them, the processor fetches by itself once
// it sees the row being read in order. Of a shorter row it asks for the last line again,
// which is cheap, rather than for what lies behind.
func (g *gen) fetchEntries(base, p, end reg.GPVirtual, size int) {
	g.PREFETCHT0(Mem{Base: base, Index: p, Scale: uint8(size)})
	for k := 64 / size; k <= 16; k += 64 / size {
		at := g.GP64()
		g.LEAQ(Mem{Base: p, Disp: min(k, 15)}, at)
		g.CMPQ(at, end)
		g.CMOVQGT(end, at)
		g.PREFETCHT0(Mem{Base: base, Index: at, Scale: uint8(size), Disp: -1})
	}
}

func (g *gen) spFetch() {
	g.begin("spFetch", fmt.Sprintf("func(n int, of *uint32, ptr *int64, col *uint32, val *%s)", g.typ),
		"Prefetches the beginnings of the rows ptr[of[k]], k < n, of a matrix, n ≥ 1.")
	col, val := g.param("col"), g.param("val")
	g.eachFetched(func(p, end reg.GPVirtual) {
		g.fetchEntries(col, p, end, 4)
		g.fetchEntries(val, p, end, g.size)
	})
}

func (g *gen) spFetchColumns() {
	g.begin("spFetchColumns", "func(n int, of *uint32, ptr *int64, col *uint32)",
		"Prefetches the columns at the beginnings of the rows ptr[of[k]], k < n, of a matrix, n ≥ 1.")
	col := g.param("col")
	g.eachFetched(func(p, end reg.GPVirtual) { g.fetchEntries(col, p, end, 4) })
}

// spList emits both passes of a row of a sparse product: the first lists the columns,
// the second adds the terms as well.
func (g *gen) spList(add bool) {
	if add {
		g.begin("spAdd", fmt.Sprintf("func(n int, spans *int64, factor *%[1]s, col *uint32, val, sums *%[1]s, used *uint8, list *uint32) int", g.typ),
			"Is spList that adds the terms to sums:",
			"\tfor p := spans[2*k]; p < spans[2*k+1]; p++ { sums[col[p]] += factor[k] * val[p] }")
	} else {
		g.begin("spList", "func(n int, spans *int64, col *uint32, used *uint8, list *uint32) int",
			"Marks the columns of n ≥ 1 spans as used, lists those that were not, and returns how many:",
			"\tfor p := spans[2*k]; p < spans[2*k+1]; p++ { list[found] = col[p]; found += 1 - used[col[p]]; used[col[p]] = 1 }",
			"It writes list up to one past the last.")
	}
	n, spans, col, used, list := g.param("n"), g.param("spans"), g.param("col"), g.param("used"), g.param("list")
	var factor, val, sums reg.GPVirtual
	var s reg.VecVirtual
	if add {
		factor, val, sums, s = g.param("factor"), g.param("val"), g.param("sums"), g.XMM()
	}
	p, end, found := g.GP64(), g.GP64(), g.GP64()
	g.XORQ(found, found)
	g.Label("span")
	g.MOVQ(Mem{Base: spans}, p)
	g.MOVQ(Mem{Base: spans, Disp: 8}, end)
	if add {
		g.pick(g.VMOVSD, g.VMOVSS, Mem{Base: factor}, s)
		g.ADDQ(Imm(uint64(g.size)), factor)
	}
	g.CMPQ(p, end)
	g.JGE(LabelRef("spanEnd"))
	g.Label("term")
	c, u := g.GP64(), g.GP64()
	g.MOVL(Mem{Base: col, Index: p, Scale: 4}, c.As32())
	if add {
		x := g.XMM()
		g.pick(g.VMOVSD, g.VMOVSS, g.element(sums, c, 0), x)
		g.pick(g.VFMADD231SD, g.VFMADD231SS, g.element(val, p, 0), s, x)
		g.pick(g.VMOVSD, g.VMOVSS, x, g.element(sums, c, 0))
	}
	g.MOVL(c.As32(), Mem{Base: list, Index: found, Scale: 4})
	g.MOVBLZX(Mem{Base: used, Index: c, Scale: 1}, u.As32())
	g.MOVB(Imm(1), Mem{Base: used, Index: c, Scale: 1})
	g.INCQ(found)
	g.SUBQ(u, found)
	g.INCQ(p)
	g.CMPQ(p, end)
	g.JL(LabelRef("term"))
	g.Label("spanEnd")
	g.ADDQ(Imm(16), spans)
	g.DECQ(n)
	g.JNZ(LabelRef("span"))
	g.Store(found, g.ReturnIndex(0))
	g.RET()
}

// spRank compares each column with all: n² comparisons, but 32 at a time, or 8 for the
// last, and with nothing to predict.
func (g *gen) spRank() {
	g.begin("spRank", "func(n int, col, rank *uint32)",
		"Sets rank[i] to how many of n ≥ 1 columns are below col[i]:",
		"\tfor j := range n { if col[j] < col[i] { rank[i]++ } }",
		"It reads col and writes rank up to the next multiple of 32.")
	n, col, rank := g.param("n"), g.param("col"), g.param("rank")
	sign, c := g.YMM(), g.YMM()
	g.VPCMPEQD(sign, sign, sign)
	g.VPSLLD(Imm(31), sign, sign)
	i, j, left := g.GP64(), g.GP64(), g.GP64()
	g.XORQ(i, i)
	block := func(name string, vectors int) {
		x, r := make([]reg.VecVirtual, vectors), make([]reg.VecVirtual, vectors)
		for v := range x {
			x[v], r[v] = g.YMM(), g.YMM()
			g.VPXOR(Mem{Base: col, Index: i, Scale: 4, Disp: 32 * v}, sign, x[v])
			g.VPXOR(r[v], r[v], r[v])
		}
		g.XORQ(j, j)
		g.Label(name + "Column")
		g.VPBROADCASTD(Mem{Base: col, Index: j, Scale: 4}, c)
		g.VPXOR(c, sign, c)
		for v := range x {
			less := g.YMM()
			g.VPCMPGTD(c, x[v], less) // x > c
			g.VPSUBD(less, r[v], r[v])
		}
		g.INCQ(j)
		g.CMPQ(j, n)
		g.JL(LabelRef(name + "Column"))
		for v := range r {
			g.VMOVDQU(r[v], Mem{Base: rank, Index: i, Scale: 4, Disp: 32 * v})
		}
		g.ADDQ(Imm(uint64(8*vectors)), i)
	}
	g.Label("next")
	g.MOVQ(n, left)
	g.SUBQ(i, left)
	g.JLE(LabelRef("end"))
	g.CMPQ(left, Imm(16))
	g.JLE(LabelRef("short"))
	block("long", 4)
	g.JMP(LabelRef("next"))
	g.Label("short")
	block("short", 1)
	g.JMP(LabelRef("next"))
	g.Label("end")
	g.RET()
}

// spTerms copies four terms at a time. The last four of a span overlap those before.
func (g *gen) spTerms() {
	g.begin("spTerms", fmt.Sprintf("func(n int, spans *int64, factor *%[1]s, col *uint32, val *%[1]s, toCol *uint32, toVal *%[1]s) int", g.typ),
		"Copies the terms of n ≥ 1 spans, and returns how many they are:",
		"\tfor p := spans[2*k]; p < spans[2*k+1]; p++ { toCol[at], toVal[at] = col[p], factor[k]*val[p]; at++ }")
	n, spans, factor := g.param("n"), g.param("spans"), g.param("factor")
	col, val, toCol, toVal := g.param("col"), g.param("val"), g.param("toCol"), g.param("toVal")
	p, last, at := g.GP64(), g.GP64(), g.GP64()
	s := g.YMM()
	four := func(t int) reg.VecVirtual { // a register of four elements
		if t == 8 {
			return g.YMM()
		}
		return g.XMM()
	}
	group := func() {
		c, v := four(4), four(g.size)
		g.VMOVUPS(Mem{Base: col, Index: p, Scale: 4}, c)
		g.VMOVUPS(c, Mem{Base: toCol, Index: at, Scale: 4})
		if g.size == 8 {
			g.VMULPD(g.element(val, p, 0), s, v)
		} else {
			g.VMULPS(g.element(val, p, 0), s.AsX(), v)
		}
		g.VMOVUPS(v, g.element(toVal, at, 0))
	}
	g.XORQ(at, at)
	g.Label("span")
	g.MOVQ(Mem{Base: spans}, p)
	g.MOVQ(Mem{Base: spans, Disp: 8}, last)
	g.pick(g.VBROADCASTSD, g.VBROADCASTSS, Mem{Base: factor}, s)
	g.SUBQ(Imm(4), last)
	g.CMPQ(p, last)
	g.JL(LabelRef("four"))
	g.JG(LabelRef("few"))
	g.Label("last")
	group()
	g.ADDQ(Imm(4), at)
	g.Label("spanEnd")
	g.ADDQ(Imm(16), spans)
	g.ADDQ(Imm(uint64(g.size)), factor)
	g.DECQ(n)
	g.JNZ(LabelRef("span"))
	g.Store(at, g.ReturnIndex(0))
	g.RET()

	g.Label("four")
	group()
	g.ADDQ(Imm(4), p)
	g.ADDQ(Imm(4), at)
	g.CMPQ(p, last)
	g.JL(LabelRef("four"))
	g.SUBQ(p, at)
	g.ADDQ(last, at)
	g.MOVQ(last, p)
	g.JMP(LabelRef("last"))

	g.Label("few")
	g.ADDQ(Imm(4), last)
	g.CMPQ(p, last)
	g.JGE(LabelRef("spanEnd"))
	g.Label("one")
	c, v := g.GP64(), g.XMM()
	g.MOVL(Mem{Base: col, Index: p, Scale: 4}, c.As32())
	g.MOVL(c.As32(), Mem{Base: toCol, Index: at, Scale: 4})
	if g.size == 8 {
		g.VMULSD(g.element(val, p, 0), s.AsX(), v)
		g.VMOVSD(v, g.element(toVal, at, 0))
	} else {
		g.VMULSS(g.element(val, p, 0), s.AsX(), v)
		g.VMOVSS(v, g.element(toVal, at, 0))
	}
	g.INCQ(p)
	g.INCQ(at)
	g.CMPQ(p, last)
	g.JL(LabelRef("one"))
	g.JMP(LabelRef("spanEnd"))
}

func (g *gen) spPlace() {
	g.begin("spPlace", fmt.Sprintf("func(n int, rank, fromCol *uint32, fromVal *%[1]s, col *uint32, val *%[1]s) int", g.typ),
		"Puts n ≥ 1 terms in their places and returns the sum of the ranks:",
		"\tfor k := range n { col[rank[k]] = fromCol[k]; val[rank[k]] += fromVal[k]; sum += rank[k] }")
	n, rank, fromCol, fromVal := g.param("n"), g.param("rank"), g.param("fromCol"), g.param("fromVal")
	col, val := g.param("col"), g.param("val")
	k, sum := g.GP64(), g.GP64()
	g.XORQ(k, k)
	g.XORQ(sum, sum)
	g.Label("term")
	r, c, x := g.GP64(), g.GP64(), g.XMM()
	g.MOVL(Mem{Base: rank, Index: k, Scale: 4}, r.As32())
	g.MOVL(Mem{Base: fromCol, Index: k, Scale: 4}, c.As32())
	g.MOVL(c.As32(), Mem{Base: col, Index: r, Scale: 4})
	g.pick(g.VMOVSD, g.VMOVSS, g.element(fromVal, k, 0), x)
	if g.size == 8 {
		g.VADDSD(g.element(val, r, 0), x, x)
	} else {
		g.VADDSS(g.element(val, r, 0), x, x)
	}
	g.pick(g.VMOVSD, g.VMOVSS, x, g.element(val, r, 0))
	g.ADDQ(r, sum)
	g.INCQ(k)
	g.CMPQ(k, n)
	g.JL(LabelRef("term"))
	g.Store(sum, g.ReturnIndex(0))
	g.RET()
}

// spTake ends a row of a product.
func (g *gen) spTake() {
	g.begin("spTake", fmt.Sprintf("func(n int, col *uint32, val, sums *%s, used *uint8)", g.typ),
		"Moves the sums of n ≥ 1 columns to val:",
		"\tfor k := range n { val[k], sums[col[k]], used[col[k]] = sums[col[k]], 0, 0 }")
	n, col, val, sums, used := g.param("n"), g.param("col"), g.param("val"), g.param("sums"), g.param("used")
	zero := g.GP64()
	g.XORQ(zero, zero)
	k := g.GP64()
	g.XORQ(k, k)
	g.Label("column")
	c, x := g.GP64(), g.GP64()
	g.MOVL(Mem{Base: col, Index: k, Scale: 4}, c.As32())
	if g.size == 8 {
		g.MOVQ(g.element(sums, c, 0), x)
		g.MOVQ(x, g.element(val, k, 0))
		g.MOVQ(zero, g.element(sums, c, 0))
	} else {
		g.MOVL(g.element(sums, c, 0), x.As32())
		g.MOVL(x.As32(), g.element(val, k, 0))
		g.MOVL(zero.As32(), g.element(sums, c, 0))
	}
	g.MOVB(zero.As8(), Mem{Base: used, Index: c, Scale: 1})
	g.INCQ(k)
	g.CMPQ(k, n)
	g.JL(LabelRef("column"))
	g.RET()
}

func (g *gen) spSpans() {
	g.begin("spSpans", "func(n int, of *uint32, ptr, spans *int64)",
		"Copies the bounds of rows, n ≥ 1:",
		"\tfor k := range n { spans[2*k], spans[2*k+1] = ptr[of[k]], ptr[of[k]+1] }")
	n, of, ptr, spans := g.param("n"), g.param("of"), g.param("ptr"), g.param("spans")
	j, x := g.GP64(), g.XMM()
	g.Label("row")
	g.MOVL(Mem{Base: of}, j.As32())
	g.VMOVUPS(Mem{Base: ptr, Index: j, Scale: 8}, x)
	g.VMOVUPS(x, Mem{Base: spans})
	g.ADDQ(Imm(4), of)
	g.ADDQ(Imm(16), spans)
	g.DECQ(n)
	g.JNZ(LabelRef("row"))
	g.RET()
}

func (g *gen) spFetchLines() {
	g.begin("spFetchLines", "func(at *byte, n int)", "Prefetches the cache lines of n ≥ 1 bytes.")
	at, n := g.param("at"), g.param("n")
	g.Label("line")
	g.PREFETCHT0(Mem{Base: at})
	g.ADDQ(Imm(64), at)
	g.SUBQ(Imm(64), n)
	g.JG(LabelRef("line"))
	g.RET()
}
