package main

import (
	"math"

	"github.com/gram-ml/gram/internal/kernel/coef"
)

// The formulas of the elementwise kernels. Where a value is needed to more digits than
// it has, it goes in two parts, the second being what rounding took from the first.

// fit holds the constants of the element type.
func (f *formula) fit() *coef.Table {
	if f.size == 8 {
		return &coef.Float64
	}
	return &coef.Float32
}

// An exponential is e^v in parts: scale·(1 + r + s), where scale is a power of two
// times 2^shift so that it is a normal number even if e^v is not, r is exact,
// |r| ≤ ln 2 / 2, and s is small.
type exponential struct {
	scale, r, s value
}

// exponential takes v, from low to 0 or a little above, and what rounding took from v,
// or none. shift is 0, or half for an argument that goes down to low.
func (f *formula) exponential(v, vRest value, shift float64) exponential {
	k := f.fit()
	magic := f.num(k.Magic + k.Bias + shift)
	t := f.fma(v, f.num(k.Log2e), magic)
	n := f.sub(t, magic)
	r := f.fnma(n, f.num(k.Ln2), v)
	if vRest == none {
		vRest = f.mul(n, f.num(-k.Ln2Rest))
	} else {
		vRest = f.fnma(n, f.num(k.Ln2Rest), vRest)
	}
	near := f.add(r, vRest)
	square := f.mul(near, near)
	return exponential{f.shift(t, k.Mantissa, true), r, f.fma(square, f.estrin(near, square, k.Exp), vRest)}
}

// parts returns 1 + r + s as two numbers.
func (f *formula) parts(e exponential) (y, yRest value) {
	p, pRest := f.twoSum(e.r, e.s)
	y, yRest = f.twoSum(f.num(1), p)
	return y, f.add(yRest, pRest)
}

// twoSum returns a + b, |a| ≥ |b|, and what rounding took from it.
func (f *formula) twoSum(a, b value) (sum, rest value) {
	sum = f.add(a, b)
	return sum, f.sub(b, f.sub(sum, a))
}

// down takes the shift of scale from x·scale: the last multiplication rounds once to
// a number below the normal ones.
func (f *formula) down(x value, scale value) value {
	return f.mul(f.mul(x, scale), f.num(math.Exp2(-f.fit().Half)))
}

// atLeast and atMost keep a NaN in x.
func (f *formula) atLeast(low float64, x value) value { return f.max(f.num(low), x) }
func (f *formula) atMost(high float64, x value) value { return f.min(f.num(high), x) }

// anySum is twoSum for operands of any size.
func (f *formula) anySum(a, b value) (sum, rest value) {
	sum = f.add(a, b)
	second := f.sub(sum, a)
	first := f.sub(sum, second)
	return sum, f.add(f.sub(a, first), f.sub(b, second))
}

// exp is e^x over the whole range, given what rounding took from x, or none.
func (f *formula) exp(x, rest value) value {
	k := f.fit()
	v := f.atMost(k.High, f.atLeast(k.Low, x))
	negative := f.signOf(v)
	magic := f.num(k.Magic + k.Bias)
	t := f.fma(v, f.num(k.Log2e), magic)
	n := f.sub(t, magic)
	r := f.fnma(n, f.num(k.Ln2), v)
	if rest == none {
		r = f.fnma(n, f.num(k.Ln2Rest), r)
	} else {
		r = f.add(r, f.fnma(n, f.num(k.Ln2Rest), rest))
	}
	t = f.add(t, f.choose(negative, f.num(k.Half), f.num(-k.Half)))
	square := f.mul(r, r)
	y := f.add(f.fma(square, f.estrin(r, square, k.Exp), r), f.num(1))
	y = f.mul(y, f.shift(t, k.Mantissa, true))
	return f.mul(y, f.choose(negative, f.num(math.Exp2(-k.Half)), f.num(math.Exp2(k.Half))))
}

// A quotient is e^v/(1 + e^v) for v ≤ 0, which is (i + i·left)·power; scale is power
// times 2^half, for products that must not round twice below the normal numbers.
type quotient struct {
	i, left, power, scale value
}

// logistic returns e^v/(1 + e^v) = power·(1 + r + s)/d for low ≤ v ≤ 0, i being the
// inverse of d and left what i lacks of (1 + r + s)/d.
func (f *formula) logistic(v, vRest value) quotient {
	k := f.fit()
	e := f.exponential(v, vRest, k.Half)
	power := f.mul(e.scale, f.num(math.Exp2(-k.Half)))
	d, dRest := f.twoSum(f.num(1), f.fma(power, f.add(e.r, e.s), power))
	i := f.div(f.num(1), d)
	left := f.fnma(i, dRest, f.fnma(i, d, f.num(1)))
	return quotient{i, f.add(e.r, f.add(e.s, left)), power, e.scale}
}

// value is the quotient as one number.
func (f *formula) value(l quotient) value { return f.mul(f.fma(l.i, l.left, l.i), l.power) }

// times is x times the quotient, as if rounded once.
func (f *formula) times(x value, l quotient) value {
	q := f.fma(l.i, l.left, l.i)
	qRest := f.fma(l.i, l.left, f.sub(l.i, q))
	return f.down(f.fma(x, q, f.mul(x, qRest)), l.scale)
}

// quotient is (n + nRest)/(d + dRest), nearly as if rounded once.
func (f *formula) quotient(n, nRest, d, dRest value) value {
	inverse := f.div(f.num(1), d)
	q := f.mul(n, inverse)
	left := f.fnma(q, dRest, f.add(f.fnma(q, d, n), nRest))
	return f.fma(left, inverse, q)
}

// minusAbs is −|x|.
func (f *formula) minusAbs(x value) value { return f.or(x, f.signBit()) }

func (f *formula) sigmoid(x value) value {
	negative := f.signOf(x)
	l := f.logistic(f.atLeast(f.fit().Low, f.minusAbs(x)), none)
	t := f.value(l)
	return f.choose(negative, t, f.sub(f.num(1), t))
}

// silu is v·σ(v) for v = −|x|, and x more than that for x > 0, since
// σ(x) = 1 − σ(−x).
func (f *formula) silu(x value) value {
	negative := f.signOf(x)
	v := f.atLeast(f.fit().Low, f.minusAbs(x))
	t := f.times(v, f.logistic(v, none))
	return f.choose(negative, t, f.add(x, t))
}

// tanh is −m/(2 + m) with m = exp(−2|x|) − 1, and the sign of x.
func (f *formula) tanh(x value) value {
	low := map[int]float64{8: -80, 4: -36}[f.size]
	v := f.atLeast(low, f.mul(f.abs(x), f.num(-2)))
	m, mRest := f.expm1(v)
	d := f.add(m, f.num(2))
	dRest := f.add(f.sub(m, f.sub(d, f.num(2))), mRest)
	q := f.quotient(m, mRest, d, dRest)
	return f.or(f.abs(q), f.and(x, f.signBit()))
}

// expm1 is e^v − 1 in two parts, for v ≤ 0 whose exponential is a normal number.
func (f *formula) expm1(v value) (m, mRest value) {
	e := f.exponential(v, none, 0)
	one := f.num(1)
	p, pRest := f.twoSum(e.r, e.s)
	whole := f.sub(e.scale, one)
	wholeRest := f.sub(e.scale, f.add(whole, one))
	m, mRest = f.twoSum(whole, f.mul(e.scale, p))
	return m, f.add(f.fma(e.scale, pRest, mRest), wholeRest)
}

// A tail holds, for z = |x|, exp(−z²/2) = (e + eRest)·scale and Φ(−z), which is
// exp(−z²/2)·mills/d, d = z + millsShift.
type tail struct {
	z, e, eRest, scale, d, dRest value
}

func (f *formula) normalTail(x value) tail {
	k := f.fit()
	z := f.atMost(k.NormalZ, f.abs(x))
	shift := f.num(k.MillsShift)
	d, dRest := f.twoSum(shift, z)
	square := f.mul(z, z)
	rest := f.mul(f.fms(z, z, square), f.num(-0.5))
	e := f.exponential(f.mul(square, f.num(-0.5)), rest, k.Half)
	y, yRest := f.parts(e)
	return tail{z, y, yRest, e.scale, d, dRest}
}

// gelu is −z·Φ(−z) for x = −z, and x more than that for x > 0. It multiplies
// e = exp(−z²/2), q = z/(z + millsShift) and a polynomial in q, each to more digits
// than one number has.
func (f *formula) gelu(x value) value {
	negative := f.signOf(x)
	t := f.normalTail(x)
	i := f.div(f.num(1), t.d)
	q := f.mul(t.z, i)
	qRest := f.mul(f.fnma(q, t.dRest, f.fnma(q, t.d, t.z)), i)
	mills, millsRest := f.mills(q, qRest)
	a := f.mul(t.e, q)
	aRest := f.fms(t.e, q, a)
	aRest = f.fma(t.eRest, q, aRest)
	aRest = f.fma(t.e, qRest, aRest)
	y := f.fma(a, mills, f.fma(aRest, mills, f.mul(a, millsRest)))
	y = f.down(f.neg(y), t.scale)
	return f.choose(negative, y, f.add(x, y))
}

// mills is the polynomial of that name in q + qRest, whose last steps are taken in two
// parts.
func (f *formula) mills(q, qRest value) (y, yRest value) {
	k := f.fit()
	centre := f.num(k.MillsCentre)
	t := f.sub(q, centre)
	tRest := f.add(f.sub(q, f.add(t, centre)), qRest)
	y, yRest = f.horner(t, k.Mills[k.MillsExact:]), none
	for i := k.MillsExact - 1; i >= 0; i-- {
		change := f.mul(t, y)
		changeRest := f.fma(tRest, y, f.fms(t, y, change))
		if yRest != none {
			changeRest = f.fma(t, yRest, changeRest)
		}
		y, yRest = f.anySum(f.num(k.Mills[i]), change)
		yRest = f.add(yRest, changeRest)
	}
	return y, yRest
}

// geluGrad is Φ(x) + x·φ(x).
func (f *formula) geluGrad(dy, x value) value {
	negative := f.signOf(x)
	t := f.normalTail(x)
	i := f.div(f.num(1), t.d)
	mills := f.horner(f.sub(f.mul(t.z, i), f.num(f.fit().MillsCentre)), f.fit().Mills)
	const density = 0.398942280401432677939946059934381868 // 1/√(2π)
	u := f.down(f.mul(t.e, f.fms(mills, i, f.mul(t.z, f.num(density)))), t.scale)
	return f.mul(dy, f.choose(negative, u, f.sub(f.num(1), u)))
}

// siluGrad is σ(1 + x·(1 − σ)).
func (f *formula) siluGrad(dy, x value) value {
	negative := f.signOf(x)
	v := f.atMost(-f.fit().Low, f.atLeast(f.fit().Low, x))
	l := f.logistic(f.minusAbs(v), none)
	t := f.value(l)
	other := f.sub(f.num(1), t)
	s, c := f.choose(negative, t, other), f.choose(negative, other, t)
	return f.mul(dy, f.fma(f.mul(v, c), s, s))
}

// shiftedExp is exp((x − shift)·scale), not above 1, with what rounding takes from
// the argument.
func (f *formula) shiftedExp(x, shift, scale value) value {
	d, dRest := f.anySum(x, f.neg(shift))
	v := f.mul(d, scale)
	rest := f.fma(dRest, scale, f.fms(d, scale, v))
	rest = f.choose(f.compare(isGreater, v, f.num(f.fit().Low)), rest, f.num(0)) // NaN for infinite v
	e := f.exponential(f.atLeast(f.fit().Low, v), rest, f.fit().Half)
	return f.down(f.add(f.add(e.r, e.s), f.num(1)), e.scale)
}

// positive is max(x, 0), +0 for −0, and NaN for NaN.
func (f *formula) positive(x value) value { return f.add(f.atLeast(0, x), f.num(0)) }

// where is yes if a > b, or else no.
func (f *formula) where(a, b, yes, no value) value {
	return f.choose(f.compare(isGreater, a, b), yes, no)
}

var (
	oneInput  = []string{"x"}
	gradInput = []string{"dy", "x"}
	gradSaved = []string{"dy", "y"}
)

// elementwiseKernels lists the kernels. One unrolling suffices where there is much
// arithmetic, as the processor runs ahead into the next vector.
var elementwiseKernels = []elementwise{
	{name: "exp", inputs: oneInput, does: "exp(x)", loop: "exp(x[i])", unroll: 2, keep: 6,
		formula: func(f *formula, in, _ []value) value { return f.exp(in[0], none) }},
	{name: "shiftedExp", inputs: oneInput, scalars: []string{"shift", "scale"}, does: "exp((x − shift)·scale), at most 1,",
		loop:    "exp((x[i] - shift) * scale)",
		formula: func(f *formula, in, s []value) value { return f.shiftedExp(in[0], s[0], s[1]) }},
	{name: "shift", inputs: oneInput, scalars: []string{"shift", "scale", "after"}, does: "(x − shift)·scale − after",
		loop: "(x[i] - shift) * scale - after", unroll: 2,
		formula: func(f *formula, in, s []value) value { return f.fms(f.sub(in[0], s[0]), s[1], s[2]) }},
	{name: "mul", inputs: []string{"x", "y"}, does: "x·y", loop: "x[i] * y[i]", unroll: 4,
		formula: func(f *formula, in, _ []value) value { return f.mul(in[0], in[1]) }},
	{name: "sigmoid", inputs: oneInput, does: "the logistic function 1/(1 + exp(−x))", loop: "1 / (1 + exp(-x[i]))", keep: 5,
		formula: func(f *formula, in, _ []value) value { return f.sigmoid(in[0]) }},
	{name: "sigmoidGrad", inputs: gradSaved, does: "dy·y·(1 − y)", loop: "dy[i] * y[i] * (1 - y[i])", unroll: 2,
		formula: func(f *formula, in, _ []value) value {
			return f.mul(in[0], f.mul(in[1], f.sub(f.num(1), in[1])))
		}},
	{name: "tanh", inputs: oneInput, does: "tanh(x)", loop: "tanh(x[i])", keep: 5,
		formula: func(f *formula, in, _ []value) value { return f.tanh(in[0]) }},
	{name: "tanhGrad", inputs: gradSaved, does: "dy·(1 − y²)", loop: "dy[i] * (1 - y[i]*y[i])", unroll: 2,
		formula: func(f *formula, in, _ []value) value { return f.mul(in[0], f.fnma(in[1], in[1], f.num(1))) }},
	{name: "silu", inputs: oneInput, does: "x·sigmoid(x)", loop: "x[i] / (1 + exp(-x[i]))", keep: 5,
		formula: func(f *formula, in, _ []value) value { return f.silu(in[0]) }},
	{name: "siluGrad", inputs: gradInput, does: "dy times the derivative of SiLU", loop: "dy[i] * s * (1 + x[i]*(1-s))",
		formula: func(f *formula, in, _ []value) value { return f.siluGrad(in[0], in[1]) }},
	{name: "gelu", inputs: oneInput, does: "x·Φ(x), the exact GELU,", loop: "x[i] * erfc(-x[i]/sqrt(2)) / 2",
		formula: func(f *formula, in, _ []value) value { return f.gelu(in[0]) }},
	{name: "geluGrad", inputs: gradInput, does: "dy times the derivative of GELU", loop: "dy[i] * (Φ(x[i]) + x[i]*φ(x[i]))",
		formula: func(f *formula, in, _ []value) value { return f.geluGrad(in[0], in[1]) }},
	{name: "relu", inputs: oneInput, does: "max(x, 0)", loop: "max(x[i], 0)", unroll: 4,
		formula: func(f *formula, in, _ []value) value { return f.positive(in[0]) }},
	{name: "reluGrad", inputs: gradSaved, does: "dy where y > 0 and 0 elsewhere", loop: "0; if y[i] > 0 { dst[i] = dy[i] }", unroll: 4,
		formula: func(f *formula, in, _ []value) value { return f.where(in[1], f.num(0), in[0], f.num(0)) }},
	{name: "relu6", inputs: oneInput, does: "min(max(x, 0), 6)", loop: "min(max(x[i], 0), 6)", unroll: 4,
		formula: func(f *formula, in, _ []value) value { return f.atMost(6, f.positive(in[0])) }},
	{name: "relu6Grad", inputs: gradSaved, does: "dy where 0 < y < 6 and 0 elsewhere", loop: "0; if 0 < y[i] && y[i] < 6 { dst[i] = dy[i] }", unroll: 2,
		formula: func(f *formula, in, _ []value) value {
			above := f.where(in[1], f.num(0), in[0], f.num(0))
			return f.choose(f.compare(isLess, in[1], f.num(6)), above, f.num(0))
		}},
	{name: "leakyRelu", inputs: oneInput, scalars: []string{"slope"}, does: "x, times slope where x < 0,",
		loop: "x[i]; if x[i] < 0 { dst[i] *= slope }", unroll: 4,
		formula: func(f *formula, in, s []value) value {
			return f.choose(f.compare(isLess, in[0], f.num(0)), f.mul(in[0], s[0]), in[0])
		}},
	{name: "leakyReluGrad", inputs: gradInput, scalars: []string{"slope"}, does: "dy, times slope unless x > 0,",
		loop: "dy[i]; if !(x[i] > 0) { dst[i] *= slope }", unroll: 2,
		formula: func(f *formula, in, s []value) value {
			return f.where(in[1], f.num(0), in[0], f.mul(in[0], s[0]))
		}},
	{name: "negativePart", inputs: oneInput, does: "min(x, 0)", loop: "min(x[i], 0)", unroll: 4,
		formula: func(f *formula, in, _ []value) value { return f.atMost(0, in[0]) }},
}
