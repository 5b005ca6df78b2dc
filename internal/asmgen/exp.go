package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// expConstants are what exp is made of, for one element type. With n the integer
// nearest to x/ln 2 and r = x − n·ln 2, exp(x) = 2ⁿ·(1 + r + r²·q(r)).
type expConstants struct {
	low, high    float64 // beyond these the result is 0 or +Inf
	log2e        float64
	ln2, ln2Rest float64
	q            []float64 // from the highest power down: Chebyshev fits on |r| ≤ ln 2 / 2
	magic        float64   // adding it leaves an integer in the lowest bits
	bias         uint64    // of the exponent, in its place
	mantissa     int       // bits
}

var expOf = map[int]expConstants{
	8: {
		low: -746, high: 710, log2e: 0x1.71547652b82fep+0, ln2: 0x1.62e42fefa39efp-1, ln2Rest: 0x1.abc9e3b39803fp-56,
		q: []float64{0x1.af38d53857513p-26, 0x1.2891a8c1d838dp-22, 0x1.71de0d9c145d0p-19, 0x1.a019b8ef67c6cp-16, 0x1.a01a01a7c8d47p-13,
			0x1.6c16c17893833p-10, 0x1.11111111109adp-7, 0x1.5555555553d4fp-5, 0x1.5555555555556p-3, 0x1.0000000000001p-1},
		magic: 0x1.8p52, bias: 1023 << 52, mantissa: 52,
	},
	4: {
		low: -104, high: 89, log2e: 0x1.715476p+0, ln2: 0x1.62e430p-1, ln2Rest: -0x1.05c610p-29,
		q:     []float64{0x1.6d113cp-10, 0x1.120ba2p-7, 0x1.55551ap-5, 0x1.5554dcp-3, 0x1p-1},
		magic: 0x1.8p23, bias: 127 << 23, mantissa: 23,
	},
}

// expFile emits the exponential function.
func expFile(c *build.Context, t elem) {
	table := constants{Context: c, elem: t, symbol: c.StaticGlobal("expConstants")}
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	k := expOf[t.size]
	limits := [2]Mem{table.float(k.low), table.float(k.high)}
	one, half, magic, bias := table.float(1), table.float(0.5), table.float(k.magic), table.bits(k.bias)
	log2e, ln2, rest := table.float(k.log2e), table.float(k.ln2), table.float(k.ln2Rest)
	var q []Mem
	for _, v := range k.q {
		q = append(q, table.float(v))
	}
	levels(c, t, func(g *gen) {
		g.begin("exp", fmt.Sprintf("func(dst, x []%s)", t.typ),
			"Sets dst to exp(x) over len(x) elements, within 1 unit in the last place:",
			"\tfor i := range x { dst[i] = exp(x[i]) }")
		x, n := g.slice("x")
		dst := g.Load(g.Param("dst").Base(), g.GP64()).(reg.GPVirtual)
		low, high := g.constant(limits[0]), g.constant(limits[1])
		use := g.operands(append([]Mem{one, log2e, ln2, rest}, q...))
		one, log2e, ln2, rest, q := use[0], use[1], use[2], use[3], use[4:]
		g.eachVector(n, 2, []reg.GPVirtual{x, dst}, func(_, disp int, tail bool) {
			v, w, r, y := g.vec(), g.vec(), g.vec(), g.vec()
			g.loadPart(Mem{Base: x, Disp: disp}, v, tail)
			g.pick(g.VMAXPD, g.VMAXPS, v, low, v) // a NaN of the second source stays
			g.pick(g.VMINPD, g.VMINPS, v, high, v)
			g.mul(log2e, v, w)
			g.nearest(w)
			g.pick(g.VFNMADD231PD, g.VFNMADD231PS, ln2, w, v)
			g.pick(g.VFNMADD231PD, g.VFNMADD231PS, rest, w, v)
			g.mul(v, v, r)
			g.load(q[0], y)
			for _, c := range q[1:] {
				g.pick(g.VFMADD213PD, g.VFMADD213PS, c, v, y)
			}
			g.pick(g.VFMADD213PD, g.VFMADD213PS, v, r, y)
			g.add(one, y, y)
			if g.avx512 {
				g.pick(g.VSCALEFPD, g.VSCALEFPS, w, y, y)
			} else { // in two steps, so that a result below the normal numbers is rounded once
				m := g.vec()
				g.mul(half, w, m)
				g.nearest(m)
				g.pick(g.VSUBPD, g.VSUBPS, m, w, w)
				for _, e := range []reg.VecVirtual{m, w} {
					g.add(magic, e, e)
					g.pick(g.VPSLLQ, g.VPSLLD, Imm(uint64(k.mantissa)), e, e)
					g.pick(g.VPADDQ, g.VPADDD, bias, e, e)
					g.mul(e, y, y)
				}
			}
			g.storePart(y, Mem{Base: dst, Disp: disp}, tail)
		})
		g.RET()
	})
}

// nearest rounds v to integers, ties to even.
func (g *gen) nearest(v reg.VecVirtual) {
	switch {
	case g.avx512:
		g.pick(g.VRNDSCALEPD, g.VRNDSCALEPS, Imm(0), v, v)
	case g.size == 8:
		g.VROUNDPD(Imm(0), v, v)
	default:
		g.VROUNDPS(Imm(0), v, v)
	}
}

// constants builds a table of constants, each filling 32 bytes.
type constants struct {
	*build.Context
	elem
	symbol Mem
	n      int
}

func (t *constants) bits(v uint64) Mem {
	at := t.symbol.Offset(32 * t.n)
	for i := range 32 / t.size {
		if t.size == 8 {
			t.AddDatum(32*t.n+8*i, U64(v))
		} else {
			t.AddDatum(32*t.n+4*i, U32(uint32(v)))
		}
	}
	t.n++
	return at
}

func (t *constants) float(v float64) Mem {
	if t.size == 8 {
		return t.bits(math.Float64bits(v))
	}
	return t.bits(uint64(math.Float32bits(float32(v))))
}

// constant loads a constant into a new register.
func (g *gen) constant(m Mem) reg.VecVirtual {
	v := g.vec()
	g.bcast(m, v)
	return v
}

// operands returns constants in the form that arithmetic takes them: in registers
// at AVX-512, which has enough, and in memory at AVX2.
func (g *gen) operands(ms []Mem) []Op {
	out := make([]Op, len(ms))
	for i, m := range ms {
		out[i] = m
		if g.avx512 {
			out[i] = g.constant(m)
		}
	}
	return out
}
