package main

import (
	"math"
	"slices"

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
	return f.exponentialBy(v, vRest, f.num(f.fit().Magic+f.fit().Bias+shift))
}

// exponentialBy is exponential with what is added to the exponent in the number that
// rounds it.
func (f *formula) exponentialBy(v, vRest, magic value) exponential {
	k := f.fit()
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
	q := f.horner(r, k.Exp)
	if f.size == 4 {
		q = f.estrin(r, square, k.Exp)
	}
	y := f.add(f.fma(square, q, r), f.num(1))
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

// far is where 1 + e^(−far) is 1.
const far = 40

// below returns 1 + e^(−x) times 2^(−Down), for x ≥ Low, in two parts. The scale
// keeps it finite.
func (f *formula) below(x value) (d, dRest value) {
	k := f.fit()
	magic := f.num(k.Magic + k.Bias - k.Down)
	v := f.atMost(far, x)
	t := f.fma(v, f.num(-k.Log2e), magic)
	n := f.sub(t, magic)
	r := f.fma(n, f.num(k.Ln2Rest), f.fma(n, f.num(k.Ln2), v)) // e^(−x) = 2ⁿ·e^(−r)
	square := f.mul(r, r)
	m := f.fms(square, f.estrin(r, square, alternating(k.Exp)), r)
	power, one := f.shift(t, k.Mantissa, true), f.num(math.Exp2(-k.Down))
	whole := f.add(power, one)
	rest := f.sub(one, f.sub(whole, power))
	return f.twoSum(whole, f.fma(m, power, rest))
}

// alternating returns the coefficients of the polynomial in −x.
func alternating(coef []float64) []float64 {
	out := slices.Clone(coef)
	for i := 1; i < len(out); i += 2 {
		out[i] = -out[i]
	}
	return out
}

// sigmoid is 1/(1 + e^(−x)).
func (f *formula) sigmoid(x value) value {
	d, dRest := f.below(f.atLeast(f.fit().Low, x))
	i := f.div(f.num(1), d)
	left := f.fnma(i, dRest, f.fnma(i, d, f.num(1)))
	return f.mul(f.fma(i, left, i), f.num(math.Exp2(-f.fit().Down)))
}

// silu is x/(1 + e^(−x)). What the quotient is too large by is subtracted, so that −0
// stays.
func (f *formula) silu(x value) value {
	v := f.atLeast(f.fit().Low, x)
	d, dRest := f.below(v)
	i := f.div(f.num(1), d)
	y := f.mul(v, i)
	over := f.fma(y, dRest, f.fms(y, d, v))
	y = f.mul(f.fnma(over, i, y), f.num(math.Exp2(-f.fit().Down)))
	return f.where(x, f.num(far), x, y)
}

// tanh is −m/(2 + m) with m = exp(−2|x|) − 1, and the sign of x.
func (f *formula) tanh(x value) value {
	v := f.atLeast(eluLow[f.size], f.mul(f.abs(x), f.num(-2)))
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
	s, c := f.both(f.logistic(f.minusAbs(v), none), negative)
	return f.mul(dy, f.fma(f.mul(v, c), s, s))
}

// swish is x·σ(βx). x is held within limit, where βx is beyond what matters, so that
// rounding errors are not lost in infinities.
func (f *formula) swish(x, beta, limit value) value {
	v, vRest, held, negative := f.scaledArgument(x, beta, limit)
	l := f.logistic(v, vRest)
	q := f.fma(l.i, l.left, l.i)
	qRest := f.fma(l.i, l.left, f.sub(l.i, q))
	t := f.fma(held, q, f.mul(held, qRest))
	// As in times, but large numbers must not overflow on the way.
	large := f.compare(isGreater, f.abs(held), f.num(1))
	down := f.num(math.Exp2(-f.fit().Half))
	t = f.mul(f.mul(t, f.choose(large, down, f.num(1))), l.scale)
	t = f.mul(t, f.choose(large, f.num(1), down))
	return f.choose(negative, t, f.sub(x, t))
}

// scaledArgument returns −|βx| in two parts, x within ±limit, and whether βx < 0.
func (f *formula) scaledArgument(x, beta, limit value) (v, vRest, held, negative value) {
	held = f.min(limit, f.max(f.neg(limit), x))
	product := f.mul(held, beta)
	rest := f.fms(held, beta, product)
	flip := f.andNot(product, f.signBit())
	return f.minusAbs(product), f.xor(rest, flip), held, f.signOf(product)
}

// swishGrad is σ·(1 + βx·(1 − σ)) of βx.
func (f *formula) swishGrad(dy, x, beta, limit value) value {
	v, vRest, held, negative := f.scaledArgument(x, beta, limit)
	s, c := f.both(f.logistic(v, vRest), negative)
	return f.mul(dy, f.fma(f.mul(f.mul(held, beta), c), s, s))
}

// both returns σ(x) and 1 − σ(x), given the logistic of −|x|.
func (f *formula) both(l quotient, negative value) (s, c value) {
	t := f.value(l)
	other := f.sub(f.num(1), t)
	return f.choose(negative, t, other), f.choose(negative, other, t)
}

// geluTanhArgument is 2·√(2/π)·(x + 0.044715·x³), in two parts, of which GELU's tanh form
// is the logistic times x.
func (f *formula) geluTanhArgument(x value) (v, vRest value) {
	k := f.fit()
	square := f.mul(x, x)
	squareRest := f.fms(x, x, square)
	cubic, linear := f.num(k.GeluCubic[0]), f.num(k.GeluLinear[0])
	w := f.mul(square, cubic)
	wRest := f.fma(squareRest, cubic, f.fms(square, cubic, w))
	wRest = f.fma(square, f.num(k.GeluCubic[1]), wRest)
	w, rest := f.anySum(linear, w)
	wRest = f.add(wRest, f.add(rest, f.num(k.GeluLinear[1])))
	v = f.mul(x, w)
	return v, f.fma(x, wRest, f.fms(x, w, v))
}

// geluTanh is x·σ(v) with v as above. Beyond GeluTanhX, σ(−|v|)·x is below all numbers.
func (f *formula) geluTanh(x value) value {
	negative := f.signOf(x)
	z := f.neg(f.atMost(f.fit().GeluTanhX, f.abs(x)))
	t := f.times(z, f.logistic(f.geluTanhArgument(z)))
	return f.choose(negative, t, f.add(x, t))
}

// geluTanhGrad is σ·(1 + x·(1 − σ)·v′).
func (f *formula) geluTanhGrad(dy, x value) value {
	k := f.fit()
	negative := f.signOf(x)
	z := f.neg(f.atMost(k.GeluTanhX, f.abs(x)))
	s, c := f.both(f.logistic(f.geluTanhArgument(z)), negative)
	slope := f.fma(f.mul(z, z), f.num(3*k.GeluCubic[0]), f.num(k.GeluLinear[0]))
	signed := f.xor(z, f.andNot(x, f.signBit()))
	return f.mul(dy, f.fma(f.mul(f.mul(signed, slope), c), s, s))
}

// log1p is log(1 + u + uRest) for 0 ≤ u ≤ 1: of 1 + u or of (1 + u)/2, so that with
// h = g²/2 and s = g/(2 + g) the sum log(1 + g) = g − h + s·(h + s²·poly(s²)) has a
// first term that is exact and a small rest.
func (f *formula) log1p(u, uRest value) value {
	k := f.fit()
	upper := f.compare(isGreater, u, f.num(0.5))
	g := f.choose(upper, f.mul(f.sub(u, f.num(1)), f.num(0.5)), u)
	ln2 := f.choose(upper, f.num(k.Ln2), f.num(0))
	rest := f.choose(upper, f.num(k.Ln2Rest), uRest)
	return f.logOf(g, ln2, rest)
}

// logOf is first + log(1 + g) + rest, for |g| ≤ ½.
func (f *formula) logOf(g, first, rest value) value {
	h := f.mul(f.mul(g, g), f.num(0.5))
	s := f.div(g, f.add(g, f.num(2)))
	square := f.mul(s, s)
	r := f.mul(square, f.estrin(square, f.mul(square, square), f.fit().Atanh))
	tail := f.fma(s, f.add(h, r), rest)
	return f.add(first, f.sub(g, f.sub(h, tail)))
}

// softplusOf is log(1 + e^v) for v = −|x| ≥ Low.
func (f *formula) softplusOf(v value) value {
	e := f.exponential(v, none, f.fit().Half)
	y, yRest := f.parts(e)
	u := f.down(y, e.scale)
	return f.log1p(u, f.down(yRest, e.scale))
}

func (f *formula) softplus(x value) value {
	v := f.atLeast(f.fit().Low, f.minusAbs(x))
	return f.add(f.atLeast(0, x), f.softplusOf(v))
}

func (f *formula) logSigmoid(x value) value {
	v := f.atLeast(f.fit().Low, f.minusAbs(x))
	return f.sub(f.atMost(0, x), f.softplusOf(v))
}

// log takes x = 2^k·(1 + g), √½ ≤ 1 + g < √2. Numbers below the normal ones are scaled up.
func (f *formula) log(x value) value {
	k := f.fit()
	digits := float64(k.Mantissa + 2)
	small := f.compare(isLess, x, f.num(math.Exp2(1-k.Bias)))
	scaled := f.choose(small, f.mul(x, f.num(math.Exp2(digits))), x)
	less := f.choose(small, f.num(digits), f.num(0))
	root, one := floatBits(f.elem, math.Sqrt2/2), floatBits(f.elem, 1)
	i := f.addInt(scaled, f.bits(one-root))
	whole := floatBits(f.elem, math.Exp2(float64(k.Mantissa))) // its lowest bits count units
	n := f.sub(f.or(f.shift(i, k.Mantissa, false), f.bits(whole)), f.num(math.Exp2(float64(k.Mantissa))+k.Bias))
	n = f.sub(n, less)
	m := f.addInt(f.and(i, f.bits(1<<k.Mantissa-1)), f.bits(root))
	g := f.sub(m, f.num(1))
	y := f.logOf(g, f.mul(n, f.num(k.LogLn2[0])), f.mul(n, f.num(k.LogLn2[1])))
	y = f.choose(f.compare(isLess, x, f.num(math.Inf(1))), y, x) // NaN and +Inf
	y = f.choose(f.compare(isLess, x, f.num(0)), f.num(math.NaN()), y)
	return f.choose(f.compare(isEqual, x, f.num(0)), f.num(math.Inf(-1)), y)
}

// elu is x above 0 and factor·(e^x − 1) below.
func (f *formula) elu(x, factor, above value) value {
	m, _ := f.expm1(f.atLeast(eluLow[f.size], f.atMost(0, x)))
	return f.choose(f.signOf(x), f.or(f.mul(m, factor), f.signBit()), f.mul(x, above))
}

// eluLow is where e^x − 1 is −1.
var eluLow = map[int]float64{8: -80, 4: -36}

// celu is x above 0 and alpha·(e^(x/alpha) − 1) below.
func (f *formula) celu(x, alpha value) value {
	v := f.div(f.atMost(0, x), alpha)
	m, _ := f.expm1(f.atLeast(eluLow[f.size], v))
	return f.choose(f.signOf(x), f.or(f.mul(m, alpha), f.signBit()), x)
}

// mish is x·tanh(log(1 + e^x)). With w = e^x that is x·w(w + 2)/(w(w + 2) + 2), and
// with w = e^(−x) it is x·(1 + 2w)/(1 + 2w + 2w²).
func (f *formula) mish(x value) value {
	negative := f.signOf(x)
	v := f.atLeast(f.fit().Low, f.minusAbs(x))
	e := f.exponential(v, none, f.fit().Half)
	y, yRest := f.parts(e)
	w := f.down(y, e.scale)
	wRest := f.down(yRest, e.scale)
	// Below: y·(w + 2)·scale; the factor scale comes last.
	two := f.num(2)
	a, aRest := f.anySum(two, w)
	aRest = f.add(aRest, wRest)
	n, nRest := f.product(y, yRest, a, aRest)
	d, dRest := f.product(w, wRest, a, aRest)
	d, rest := f.anySum(two, d)
	below := f.down(f.mul(v, f.quotient(n, nRest, d, f.add(dRest, rest))), e.scale)
	// Above: 1 less 2w²/(1 + 2w + 2w²).
	square := f.mul(w, w)
	square = f.add(square, square)
	linear := f.add(w, w)
	lost := f.div(square, f.add(f.num(1), f.add(linear, square)))
	above := f.fma(v, lost, x)
	return f.choose(negative, below, above)
}

// product is (a + aRest)·(b + bRest) in two parts.
func (f *formula) product(a, aRest, b, bRest value) (y, yRest value) {
	y = f.mul(a, b)
	return y, f.fma(aRest, b, f.fma(a, bRest, f.fms(a, b, y)))
}

// mishGrad is t + x·σ·(1 − t²) with t = tanh(log(1 + e^x)); with n and d the parts of t
// as a fraction, 1 − t² = (d − n)(d + n)/d² where d − n is 2, or 2w².
func (f *formula) mishGrad(dy, x value) value {
	negative := f.signOf(x)
	v := f.atMost(-f.fit().Low, f.atLeast(f.fit().Low, x))
	e := f.exponential(f.minusAbs(v), none, f.fit().Half)
	y, _ := f.parts(e)
	w := f.down(y, e.scale)
	two, one := f.num(2), f.num(1)
	n := f.choose(negative, f.mul(w, f.add(w, two)), f.fma(w, two, one))
	gap := f.choose(negative, two, f.mul(f.add(w, w), w))
	d := f.add(n, gap)
	s := f.div(f.choose(negative, w, one), f.add(w, one))
	i := f.div(one, d)
	t := f.mul(n, i)
	rest := f.mul(f.mul(gap, i), f.mul(f.add(d, n), i))
	return f.mul(dy, f.fma(f.mul(v, s), rest, t))
}

// erf is x + x·poly(x²) near 0, and elsewhere 1 − erfc(|x|) with the sign of x.
func (f *formula) erf(x value) value {
	k := f.fit()
	square := f.mul(x, x)
	near := f.fma(x, f.estrin(square, f.mul(square, square), k.Erf), x)
	z := f.atMost(k.ErfOne, f.abs(x))
	far := f.sub(f.num(1), f.erfc(z))
	far = f.or(far, f.and(x, f.signBit()))
	return f.choose(f.compare(isLess, z, f.num(k.ErfSmall)), near, far)
}

// erfc is accurate beside 1, for ErfSmall ≤ z ≤ ErfOne: e to a polynomial, or, where
// that would take too many terms, the tail of the normal distribution at √2·z.
func (f *formula) erfc(z value) value {
	k := f.fit()
	if k.LogErfc != nil {
		e := f.exponential(f.horner(z, k.LogErfc), none, 0)
		return f.mul(f.add(f.add(e.r, e.s), f.num(1)), e.scale)
	}
	square := f.mul(z, z)
	rest := f.neg(f.fms(z, z, square))
	e := f.exponential(f.neg(square), rest, 0)
	z = f.mul(z, f.num(math.Sqrt2))
	i := f.div(f.num(2), f.add(z, f.num(k.MillsShift)))
	q := f.mul(f.mul(z, i), f.num(0.5))
	mills := f.horner(f.sub(q, f.num(k.MillsCentre)), k.Mills)
	return f.mul(f.mul(f.add(f.add(e.r, e.s), f.num(1)), e.scale), f.mul(mills, i))
}

// erfGrad is 2/√π·e^(−x²).
func (f *formula) erfGrad(dy, x value) value {
	k := f.fit()
	z := f.atMost(0.999*math.Sqrt(-k.Low), f.abs(x))
	square := f.mul(z, z)
	e := f.exponential(f.neg(square), f.neg(f.fms(z, z, square)), k.Half)
	return f.mul(dy, f.down(f.mul(f.add(f.add(e.r, e.s), f.num(1)), f.num(2/math.SqrtPi)), e.scale))
}

// softsign is x/(1 + |x|), and ±1 for ±Inf.
func (f *formula) softsign(x value) value {
	q := f.div(x, f.add(f.abs(x), f.num(1)))
	end := f.or(f.num(1), f.and(x, f.signBit()))
	return f.choose(f.compare(isEqual, f.abs(x), f.num(math.Inf(1))), end, q)
}

// hardSigmoid is min(max(x + 3, 0), 6)/6.
func (f *formula) hardSigmoid(x value) value {
	return f.div(f.atMost(6, f.positive(f.add(x, f.num(3)))), f.num(6))
}

// hardSwish is x times that; at −Inf, −0.
func (f *formula) hardSwish(x value) value {
	return f.div(f.mul(f.atLeast(-3, x), f.atMost(6, f.positive(f.add(x, f.num(3))))), f.num(6))
}

// hardSwishGrad is 0 below −3, 1 above 3, and (2x + 3)/6 between.
func (f *formula) hardSwishGrad(dy, x value) value {
	between := f.div(f.fma(x, f.num(2), f.num(3)), f.num(6))
	d := f.choose(f.compare(isLess, x, f.num(3)), between, f.num(1))
	d = f.choose(f.compare(isGreater, x, f.num(-3)), d, f.num(0))
	d = f.choose(f.compare(isUnordered, x, x), x, d)
	return f.mul(dy, d)
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

// scaledExp is exp(x·scale)·2^(−k) for an integer k, x being at least low.
func (f *formula) scaledExp(x, scale, k, low value) value {
	c := f.fit()
	x = f.max(low, x)
	v := f.mul(x, scale)
	e := f.exponentialBy(v, f.fms(x, scale, v), f.sub(f.num(c.Magic+c.Bias+c.Half), k))
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
	{name: "scaledExp", inputs: oneInput, scalars: []string{"scale", "k", "low"}, does: "exp(max(x, low)·scale)/2ᵏ, k an integer,",
		loop:    "exp(max(x[i], low)*scale) / exp2(k)",
		formula: func(f *formula, in, s []value) value { return f.scaledExp(in[0], s[0], s[1], s[2]) }},
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
	{name: "swish", inputs: oneInput, scalars: []string{"beta", "limit"}, does: "x·sigmoid(βx), which is nothing for βx < 0 and |x| ≥ limit,",
		loop:    "x[i] / (1 + exp(-beta*x[i]))",
		formula: func(f *formula, in, s []value) value { return f.swish(in[0], s[0], s[1]) }},
	{name: "swishGrad", inputs: gradInput, scalars: []string{"beta", "limit"}, does: "dy times the derivative of swish",
		loop:    "dy[i] * s * (1 + beta*x[i]*(1-s))",
		formula: func(f *formula, in, s []value) value { return f.swishGrad(in[0], in[1], s[0], s[1]) }},
	{name: "geluTanh", inputs: oneInput, does: "GELU's form with tanh", loop: "x[i] / (1 + exp(-2*sqrt(2/pi)*(x[i]+0.044715*x[i]*x[i]*x[i])))",
		formula: func(f *formula, in, _ []value) value { return f.geluTanh(in[0]) }},
	{name: "geluTanhGrad", inputs: gradInput, does: "dy times the derivative of geluTanh", loop: "dy[i] * s * (1 + x[i]*(1-s)*dv)",
		formula: func(f *formula, in, _ []value) value { return f.geluTanhGrad(in[0], in[1]) }},
	{name: "softplus", inputs: oneInput, does: "log(1 + exp(x))", loop: "log(1 + exp(x[i]))",
		formula: func(f *formula, in, _ []value) value { return f.softplus(in[0]) }},
	{name: "logSigmoid", inputs: oneInput, does: "−log(1 + exp(−x))", loop: "-log(1 + exp(-x[i]))",
		formula: func(f *formula, in, _ []value) value { return f.logSigmoid(in[0]) }},
	{name: "log", inputs: oneInput, does: "log(x)", loop: "log(x[i])", keep: 4,
		formula: func(f *formula, in, _ []value) value { return f.log(in[0]) }},
	{name: "div", inputs: []string{"x", "y"}, does: "x/y", loop: "x[i] / y[i]", unroll: 2,
		formula: func(f *formula, in, _ []value) value { return f.div(in[0], in[1]) }},
	{name: "elu", inputs: oneInput, scalars: []string{"factor", "above"}, does: "above·x for x > 0 and factor·(exp(x) − 1) elsewhere,",
		loop:    "above*x[i]; if x[i] <= 0 { dst[i] = factor * (exp(x[i]) - 1) }",
		formula: func(f *formula, in, s []value) value { return f.elu(in[0], s[0], s[1]) }},
	{name: "eluGrad", inputs: gradSaved, scalars: []string{"factor", "above"}, does: "dy·above where y > 0 and dy·(y + factor) elsewhere,",
		loop: "dy[i] * above; if !(y[i] > 0) { dst[i] = dy[i] * (y[i] + factor) }", unroll: 2,
		formula: func(f *formula, in, s []value) value {
			return f.mul(in[0], f.where(in[1], f.num(0), s[1], f.add(in[1], s[0])))
		}},
	{name: "celu", inputs: oneInput, scalars: []string{"alpha"}, does: "x for x > 0 and alpha·(exp(x/alpha) − 1) elsewhere,",
		loop:    "x[i]; if x[i] <= 0 { dst[i] = alpha * (exp(x[i]/alpha) - 1) }",
		formula: func(f *formula, in, s []value) value { return f.celu(in[0], s[0]) }},
	{name: "celuGrad", inputs: gradSaved, scalars: []string{"alpha"}, does: "dy where y > 0 and dy·(y/alpha + 1) elsewhere,",
		loop: "dy[i]; if !(y[i] > 0) { dst[i] = dy[i] * (y[i]/alpha + 1) }", unroll: 2,
		formula: func(f *formula, in, s []value) value {
			one := f.num(1)
			return f.mul(in[0], f.where(in[1], f.num(0), one, f.add(f.div(in[1], s[0]), one)))
		}},
	{name: "mish", inputs: oneInput, does: "x·tanh(log(1 + exp(x)))", loop: "x[i] * tanh(log(1+exp(x[i])))",
		formula: func(f *formula, in, _ []value) value { return f.mish(in[0]) }},
	{name: "mishGrad", inputs: gradInput, does: "dy times the derivative of mish", loop: "dy[i] * (t + x[i]*s*(1-t*t))",
		formula: func(f *formula, in, _ []value) value { return f.mishGrad(in[0], in[1]) }},
	{name: "erf", inputs: oneInput, does: "the error function", loop: "erf(x[i])",
		formula: func(f *formula, in, _ []value) value { return f.erf(in[0]) }},
	{name: "erfGrad", inputs: gradInput, does: "dy·2/√π·exp(−x²)", loop: "dy[i] * 2/sqrt(pi) * exp(-x[i]*x[i])",
		formula: func(f *formula, in, _ []value) value { return f.erfGrad(in[0], in[1]) }},
	{name: "softsign", inputs: oneInput, does: "x/(1 + |x|)", loop: "x[i] / (1 + abs(x[i]))", unroll: 2,
		formula: func(f *formula, in, _ []value) value { return f.softsign(in[0]) }},
	{name: "softsignGrad", inputs: gradSaved, does: "dy·(1 − |y|)²", loop: "dy[i] * (1 - abs(y[i])) * (1 - abs(y[i]))", unroll: 2,
		formula: func(f *formula, in, _ []value) value {
			d := f.sub(f.num(1), f.abs(in[1]))
			return f.mul(in[0], f.mul(d, d))
		}},
	{name: "hardSigmoid", inputs: oneInput, does: "min(max(x + 3, 0), 6)/6", loop: "min(max(x[i]+3, 0), 6) / 6", unroll: 2,
		formula: func(f *formula, in, _ []value) value { return f.hardSigmoid(in[0]) }},
	{name: "hardSigmoidGrad", inputs: gradSaved, does: "dy/6 where 0 < y < 1 and 0 elsewhere",
		loop: "0; if 0 < y[i] && y[i] < 1 { dst[i] = dy[i] / 6 }", unroll: 2,
		formula: func(f *formula, in, _ []value) value {
			above := f.where(in[1], f.num(0), f.div(in[0], f.num(6)), f.num(0))
			return f.choose(f.compare(isLess, in[1], f.num(1)), above, f.num(0))
		}},
	{name: "hardSwish", inputs: oneInput, does: "x·min(max(x + 3, 0), 6)/6", loop: "x[i] * min(max(x[i]+3, 0), 6) / 6", unroll: 2,
		formula: func(f *formula, in, _ []value) value { return f.hardSwish(in[0]) }},
	{name: "hardSwishGrad", inputs: gradInput, does: "dy times the derivative of hardSwish", loop: "dy[i] * min(max((2*x[i]+3)/6, 0), 1)", unroll: 2,
		formula: func(f *formula, in, _ []value) value { return f.hardSwishGrad(in[0], in[1]) }},
}
