package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A value is what one operation of a formula leaves in every lane of a vector: a
// number, its bits, or the truth of a comparison.
type value int

// none is the absence of a value.
const none value = -1

// An operation makes a value from earlier ones.
type operation struct {
	args  []value
	mem   Mem // of a constant
	emit  func(g *gen, f *formula, i int) reg.Register
	fixed bool // a constant or something that is in a register before the loop
	loads int  // of a constant: how often an instruction wants it in a register
}

// A formula is straight-line arithmetic over vectors, written down before it is
// emitted so that a register can be used again where a value is needed no more.
type formula struct {
	elem
	ops   []operation
	table *constantTable
	known map[uint64]value // constants by their bits
	regs  []reg.Register
	last  []int                  // the operation that uses a value last
	kept  map[value]reg.Register // constants that stay in registers
}

func newFormula(t elem, table *constantTable) *formula {
	return &formula{elem: t, table: table, known: map[uint64]value{}}
}

func (f *formula) push(op operation) value {
	f.ops = append(f.ops, op)
	return value(len(f.ops) - 1)
}

// input is a value that the loop loads or that a scalar parameter fills.
func (f *formula) input(scalar bool) value { return f.push(operation{fixed: scalar}) }

// bits is a constant of the given bits.
func (f *formula) bits(b uint64) value {
	if v, ok := f.known[b]; ok {
		return v
	}
	v := f.push(operation{mem: f.table.bits(f.size, b), fixed: true})
	f.known[b] = v
	return v
}

// num is a constant, rounded to the element type.
func (f *formula) num(x float64) value { return f.bits(floatBits(f.elem, x)) }

func floatBits(t elem, x float64) uint64 {
	if t.size == 8 {
		return math.Float64bits(x)
	}
	return uint64(math.Float32bits(float32(x)))
}

// signBit is the constant −0.
func (f *formula) signBit() value { return f.num(math.Copysign(0, -1)) }

// isConst tells whether v is a constant, which instructions take from memory.
func (f *formula) isConst(v value) bool {
	return f.ops[v].mem.Base != nil || f.ops[v].mem.Symbol.Name != ""
}

// dies tells whether operation i is the last that needs v, so that its register is free.
func (f *formula) dies(v value, i int) bool { return !f.ops[v].fixed && f.last[v] == i }

// copied is v in a register of its own.
func (f *formula) copied(g *gen, v value) reg.Register {
	r := f.register(g, v)
	if _, kept := f.kept[v]; kept || !f.isConst(v) {
		out := g.vec()
		g.pick(g.VMOVAPD, g.VMOVAPS, r, out)
		return out
	}
	return r
}

// keep loads constants into registers before the loop, those first that would be
// loaded most often, n at most.
func (f *formula) keep(g *gen, n int) {
	var wanted []value
	for v, op := range f.ops {
		if f.isConst(value(v)) && op.loads > 0 {
			wanted = append(wanted, value(v))
		}
	}
	slices.SortStableFunc(wanted, func(a, b value) int { return f.ops[b].loads - f.ops[a].loads })
	f.kept = map[value]reg.Register{}
	for _, v := range wanted[:min(n, len(wanted))] {
		r := g.vec()
		g.load(f.ops[v].mem, r)
		f.kept[v] = r
	}
}

// operand is v as the last source of an instruction: a register, or memory.
func (f *formula) operand(v value) Op {
	if r, ok := f.kept[v]; ok {
		return r
	}
	if f.isConst(v) {
		return f.ops[v].mem
	}
	return f.regs[v]
}

// register is v in a register.
func (f *formula) register(g *gen, v value) reg.Register {
	if r, ok := f.kept[v]; ok {
		return r
	}
	if f.isConst(v) {
		r := g.vec()
		g.load(f.ops[v].mem, r)
		return r
	}
	return f.regs[v]
}

// emitTo emits the formula for one vector, given its inputs, and returns out.
func (f *formula) emitTo(g *gen, inputs []reg.VecVirtual, out value) reg.VecVirtual {
	f.regs = make([]reg.Register, len(f.ops))
	f.last = make([]int, len(f.ops))
	f.last[out] = len(f.ops)
	for i := len(f.ops) - 1; i >= 0; i-- {
		if f.last[i] == 0 { // nothing needs it
			continue
		}
		for _, a := range f.ops[i].args {
			f.last[a] = max(f.last[a], i)
		}
	}
	for i, r := range inputs {
		f.regs[i] = r
	}
	for i, op := range f.ops {
		if op.emit != nil && f.last[i] > 0 {
			f.regs[i] = op.emit(g, f, i)
		}
	}
	return f.regs[out].(reg.VecVirtual)
}

// binary is an instruction with two sources for each element type.
func (f *formula) binary(a, b value, commutes bool, pick func(g *gen) (d, s func(...Op))) value {
	if commutes && f.isConst(a) {
		a, b = b, a
	}
	f.ops[a].loads++
	return f.push(operation{args: []value{a, b}, emit: func(g *gen, f *formula, _ int) reg.Register {
		out := g.vec()
		d, s := pick(g)
		x := f.register(g, a)
		g.pick(d, s, f.operand(b), x, out)
		return out
	}})
}

func (f *formula) add(a, b value) value {
	return f.binary(a, b, true, func(g *gen) (_, _ func(...Op)) { return g.VADDPD, g.VADDPS })
}

func (f *formula) sub(a, b value) value {
	return f.binary(a, b, false, func(g *gen) (_, _ func(...Op)) { return g.VSUBPD, g.VSUBPS })
}

func (f *formula) mul(a, b value) value {
	return f.binary(a, b, true, func(g *gen) (_, _ func(...Op)) { return g.VMULPD, g.VMULPS })
}

func (f *formula) div(a, b value) value {
	return f.binary(a, b, false, func(g *gen) (_, _ func(...Op)) { return g.VDIVPD, g.VDIVPS })
}

// max and min give b where either is NaN.
func (f *formula) max(a, b value) value {
	return f.binary(a, b, false, func(g *gen) (_, _ func(...Op)) { return g.VMAXPD, g.VMAXPS })
}

func (f *formula) min(a, b value) value {
	return f.binary(a, b, false, func(g *gen) (_, _ func(...Op)) { return g.VMINPD, g.VMINPS })
}

func (f *formula) and(a, b value) value {
	return f.binary(a, b, true, func(g *gen) (_, _ func(...Op)) { return g.VANDPD, g.VANDPS })
}

func (f *formula) or(a, b value) value {
	return f.binary(a, b, true, func(g *gen) (_, _ func(...Op)) { return g.VORPD, g.VORPS })
}

func (f *formula) xor(a, b value) value {
	return f.binary(a, b, true, func(g *gen) (_, _ func(...Op)) { return g.VXORPD, g.VXORPS })
}

// andNot is b without the bits of a.
func (f *formula) andNot(a, b value) value {
	return f.binary(a, b, false, func(g *gen) (_, _ func(...Op)) { return g.VANDNPD, g.VANDNPS })
}

// addInt adds the bits as integers.
func (f *formula) addInt(a, b value) value {
	return f.binary(a, b, true, func(g *gen) (_, _ func(...Op)) { return g.VPADDQ, g.VPADDD })
}

func (f *formula) abs(a value) value { return f.andNot(f.signBit(), a) }
func (f *formula) neg(a value) value { return f.xor(f.signBit(), a) }

// shift moves the bits by n to the left, or to the right.
func (f *formula) shift(a value, n int, left bool) value {
	return f.push(operation{args: []value{a}, emit: func(g *gen, f *formula, _ int) reg.Register {
		out := g.vec()
		x := f.register(g, a)
		if left {
			g.pick(g.VPSLLQ, g.VPSLLD, Imm(uint64(n)), x, out)
		} else {
			g.pick(g.VPSRLQ, g.VPSRLD, Imm(uint64(n)), x, out)
		}
		return out
	}})
}

// multiplyAdd is one of the fused operations, each of which overwrites a source:
// in the form 231 the addend, in the form 213 a factor.
type multiplyAdd struct {
	d231, s231, d213, s213 func(g *gen) func(...Op)
}

var (
	fusedAdd = multiplyAdd{
		func(g *gen) func(...Op) { return g.VFMADD231PD }, func(g *gen) func(...Op) { return g.VFMADD231PS },
		func(g *gen) func(...Op) { return g.VFMADD213PD }, func(g *gen) func(...Op) { return g.VFMADD213PS },
	}
	fusedSub = multiplyAdd{
		func(g *gen) func(...Op) { return g.VFMSUB231PD }, func(g *gen) func(...Op) { return g.VFMSUB231PS },
		func(g *gen) func(...Op) { return g.VFMSUB213PD }, func(g *gen) func(...Op) { return g.VFMSUB213PS },
	}
	fusedNegAdd = multiplyAdd{
		func(g *gen) func(...Op) { return g.VFNMADD231PD }, func(g *gen) func(...Op) { return g.VFNMADD231PS },
		func(g *gen) func(...Op) { return g.VFNMADD213PD }, func(g *gen) func(...Op) { return g.VFNMADD213PS },
	}
)

// fused emits a product and a sum in the form that costs no copy, if there is one.
func (f *formula) fused(kind multiplyAdd, a, b, c value) value {
	if f.isConst(a) {
		a, b = b, a // now only b may be a constant
	}
	if f.isConst(c) {
		f.ops[b].loads++
	}
	return f.push(operation{args: []value{a, b, c}, emit: func(g *gen, f *formula, i int) reg.Register {
		if !f.isConst(c) && f.dies(c, i) && c != a && c != b {
			acc := f.regs[c]
			g.pick(kind.d231(g), kind.s231(g), f.operand(b), f.regs[a], acc)
			return acc
		}
		switch {
		case f.isConst(b): // its copy is the factor to overwrite
			factor := f.copied(g, b)
			g.pick(kind.d213(g), kind.s213(g), f.operand(c), f.regs[a], factor)
			return factor
		case f.dies(a, i) && a != c:
			g.pick(kind.d213(g), kind.s213(g), f.operand(c), f.regs[b], f.regs[a])
			return f.regs[a]
		case f.dies(b, i) && b != c:
			g.pick(kind.d213(g), kind.s213(g), f.operand(c), f.regs[a], f.regs[b])
			return f.regs[b]
		}
		acc := f.copied(g, c)
		g.pick(kind.d231(g), kind.s231(g), f.regs[b], f.regs[a], acc)
		return acc
	}})
}

func (f *formula) fma(a, b, c value) value  { return f.fused(fusedAdd, a, b, c) }    // a·b + c
func (f *formula) fms(a, b, c value) value  { return f.fused(fusedSub, a, b, c) }    // a·b − c
func (f *formula) fnma(a, b, c value) value { return f.fused(fusedNegAdd, a, b, c) } // c − a·b

// Predicates of comparisons, all false for NaN but for the last.
const (
	isEqual     = 0x00
	isLess      = 0x11
	isGreater   = 0x1e
	isUnordered = 0x03
)

// compare gives a truth: a mask at AVX2, an opmask at AVX-512.
func (f *formula) compare(predicate int, a, b value) value {
	f.ops[a].loads++
	return f.push(operation{args: []value{a, b}, emit: func(g *gen, f *formula, _ int) reg.Register {
		x := f.register(g, a)
		var out reg.Register = g.K()
		if !g.avx512 {
			out = g.vec()
		}
		g.pick(g.VCMPPD, g.VCMPPS, Imm(uint64(predicate)), f.operand(b), x, out)
		return out
	}})
}

// signOf is the truth of the sign bit.
func (f *formula) signOf(a value) value {
	return f.push(operation{args: []value{a}, emit: func(g *gen, f *formula, i int) reg.Register {
		if g.avx512 {
			out := g.K()
			if g.size == 8 {
				g.VPMOVQ2M(f.regs[a], out)
			} else {
				g.VPMOVD2M(f.regs[a], out)
			}
			return out
		}
		if f.dies(a, i) { // blends look at no other bit
			return f.regs[a]
		}
		out := g.vec()
		g.pick(g.VMOVAPD, g.VMOVAPS, f.regs[a], out)
		return out
	}})
}

// choose is yes where cond is true and no elsewhere.
func (f *formula) choose(cond, yes, no value) value {
	f.ops[no].loads++
	return f.push(operation{args: []value{cond, yes, no}, emit: func(g *gen, f *formula, _ int) reg.Register {
		out := g.vec()
		x := f.register(g, no)
		if g.avx512 {
			g.pick(g.VBLENDMPD, g.VBLENDMPS, f.operand(yes), x, f.regs[cond], out)
		} else {
			g.blend(f.regs[cond], f.operand(yes), x, out)
		}
		return out
	}})
}

// blend is the blend of AVX2.
func (g *gen) blend(mask, yes, no, out Op) {
	if g.size == 8 {
		g.VBLENDVPD(mask, yes, no, out)
	} else {
		g.VBLENDVPS(mask, yes, no, out)
	}
}

// horner is the polynomial with the given coefficients, from the lowest power up.
func (f *formula) horner(x value, coef []float64) value {
	y := f.num(coef[len(coef)-1])
	for k := len(coef) - 2; k >= 0; k-- {
		y = f.fma(y, x, f.num(coef[k]))
	}
	return y
}

// estrin is horner with half the steps one after the other, given x².
func (f *formula) estrin(x, square value, coef []float64) value {
	pair := func(k int) value {
		if k+1 == len(coef) {
			return f.num(coef[k])
		}
		return f.fma(f.num(coef[k+1]), x, f.num(coef[k]))
	}
	k := (len(coef) - 1) / 2 * 2
	y := pair(k)
	for k -= 2; k >= 0; k -= 2 {
		y = f.fma(y, square, pair(k))
	}
	return y
}

// A constantTable holds constants as full vectors, once for all functions of a file.
type constantTable struct {
	*build.Context
	symbol Mem
	at     map[uint64]Mem
}

func newConstantTable(c *build.Context, name string) *constantTable {
	return &constantTable{Context: c, at: map[uint64]Mem{}, symbol: c.StaticGlobal(name)}
}

// bits returns the address of 64 bytes filled with elements of the given bits.
func (t *constantTable) bits(size int, v uint64) Mem {
	if m, ok := t.at[v]; ok {
		return m
	}
	start := 64 * len(t.at)
	for i := range 64 / size {
		if size == 8 {
			t.AddDatum(start+8*i, U64(v))
		} else {
			t.AddDatum(start+4*i, U32(uint32(v)))
		}
	}
	t.at[v] = t.symbol.Offset(start)
	return t.at[v]
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

// An elementwise is a kernel that sets dst[i] from the elements i of its inputs.
type elementwise struct {
	name    string
	inputs  []string // slices, of which the first gives the length
	scalars []string
	does    string // what it sets dst to, in words
	loop    string // the right side of the equivalent loop
	unroll  int
	keep    int // constants in registers, at AVX2
	formula func(f *formula, in, scalars []value) value
}

func (k *elementwise) signature(t elem) string {
	s := "func(dst"
	for _, name := range k.inputs {
		s += ", " + name
	}
	s += " []" + t.typ
	for i, name := range k.scalars {
		if s += ", " + name; i == len(k.scalars)-1 {
			s += " " + t.typ
		}
	}
	return s + ")"
}

// elementwiseFile emits all kernels at both levels.
func elementwiseFile(c *build.Context, t elem) {
	var table *constantTable
	levels(c, t, func(g *gen) {
		if table == nil {
			table = newConstantTable(c, "elementwiseConstants")
			c.DataAttributes(attr.RODATA | attr.NOPTR)
		}
		for i := range elementwiseKernels {
			elementwiseKernels[i].emit(g, table)
		}
	})
}

func (k *elementwise) emit(g *gen, table *constantTable) {
	g.begin(k.name, k.signature(g.elem), fmt.Sprintf("Sets dst to %s over len(%s) elements:", k.does, k.inputs[0]),
		fmt.Sprintf("\tfor i := range %s { dst[i] = %s }", k.inputs[0], k.loop))
	first, n := g.slice(k.inputs[0])
	pointers := []reg.GPVirtual{first}
	for _, name := range append(k.inputs[1:], "dst") {
		pointers = append(pointers, g.Load(g.Param(name).Base(), g.GP64()).(reg.GPVirtual))
	}
	f := newFormula(g.elem, table)
	var in, scalars []value
	for range k.inputs {
		in = append(in, f.input(false))
	}
	var filled []reg.VecVirtual
	for _, name := range k.scalars {
		scalars = append(scalars, f.input(true))
		filled = append(filled, g.scalar(name))
	}
	out := k.formula(f, in, scalars)
	if f.keep(g, k.keep); g.avx512 {
		f.keep(g, 12)
	}
	g.eachVector(n, max(k.unroll, 1), pointers, func(_, disp int, tail bool) {
		var loaded []reg.VecVirtual
		for i := range k.inputs {
			v := g.vec()
			g.loadPart(Mem{Base: pointers[i], Disp: disp}, v, tail)
			loaded = append(loaded, v)
		}
		y := f.emitTo(g, append(loaded, filled...), out)
		g.storePart(y, Mem{Base: pointers[len(k.inputs)], Disp: disp}, tail)
	})
	g.RET()
}
