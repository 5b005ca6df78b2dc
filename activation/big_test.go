package activation_test

import (
	"math"
	"math/big"
)

// Exact values to some 45 digits, by the plainest series.

const bits = 160

func num(x float64) *big.Float { return new(big.Float).SetPrec(bits).SetFloat64(x) }

func parse(s string) *big.Float {
	x, _, err := big.ParseFloat(s, 10, bits, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	return x
}

var (
	one    = num(1)
	half   = num(0.5)
	bigLn2 = parse("0.693147180559945309417232121458176568075500134360255254120680009")
	bigPi  = parse("3.14159265358979323846264338327950288419716939937510582097494459")
)

func fresh() *big.Float              { return new(big.Float).SetPrec(bits) }
func add(a, b *big.Float) *big.Float { return fresh().Add(a, b) }
func sub(a, b *big.Float) *big.Float { return fresh().Sub(a, b) }
func mul(a, b *big.Float) *big.Float { return fresh().Mul(a, b) }
func quo(a, b *big.Float) *big.Float { return fresh().Quo(a, b) }
func neg(a *big.Float) *big.Float    { return fresh().Neg(a) }
func sqrt(a *big.Float) *big.Float   { return fresh().Sqrt(a) }

// tiny tells whether a term no longer counts beside a sum.
func tiny(term, sum *big.Float) bool {
	return term.Sign() == 0 || term.MantExp(nil) < sum.MantExp(nil)-bits-2
}

// bigExpm1 sums the Taylor series of eˣ − 1 for |x| < 1.
func bigExpm1(x *big.Float) *big.Float {
	sum, term := fresh().Set(x), fresh().Set(x)
	for k := 2.0; !tiny(term, sum); k++ {
		term = quo(mul(term, x), num(k))
		sum = add(sum, term)
	}
	return sum
}

func bigExp(x *big.Float) *big.Float {
	f, _ := x.Float64()
	n := math.Round(f / math.Ln2)
	r := sub(x, mul(num(n), bigLn2))
	return fresh().SetMantExp(add(one, bigExpm1(r)), int(n))
}

// bigErf sums erf(x) = 2/√π·e^(−x²)·Σ 2ⁿ·x^(2n+1)/(2n+1)!!, all of one sign.
func bigErf(x *big.Float) *big.Float {
	if f, _ := x.Float64(); math.Abs(f) > 2 {
		e := sub(one, bigErfc(fresh().Abs(x)))
		if f < 0 {
			return neg(e)
		}
		return e
	}
	square := mul(x, x)
	sum, term := fresh().Set(x), fresh().Set(x)
	for k := 3.0; !tiny(term, sum); k += 2 {
		term = quo(mul(term, mul(square, num(2))), num(k))
		sum = add(sum, term)
	}
	return quo(mul(mul(sum, num(2)), bigExp(neg(square))), sqrt(bigPi))
}

// bigErfc is 1 − erf(x) up to 2, and beyond it e^(−x²)/√π over the continued fraction
// x + ½/(x + 1/(x + 1½/(x + …))).
func bigErfc(x *big.Float) *big.Float {
	f, _ := x.Float64()
	if f < 2 {
		return sub(one, bigErf(x))
	}
	c := fresh().Set(x)
	for k := math.Ceil(60 + 1200/(f*f)); k > 0; k-- {
		c = add(x, quo(num(k/2), c))
	}
	return quo(bigExp(neg(mul(x, x))), mul(c, sqrt(bigPi)))
}

func bigSigmoid(x *big.Float) *big.Float { return quo(one, add(one, bigExp(neg(x)))) }

func bigTanh(x *big.Float) *big.Float {
	e := mul(x, num(2))
	if f, _ := e.Float64(); math.Abs(f) < 0.9 {
		e = bigExpm1(e)
	} else {
		e = sub(bigExp(e), one)
	}
	return quo(e, add(e, num(2)))
}

func bigSiLU(x *big.Float) *big.Float { return mul(x, bigSigmoid(x)) }

func bigNormal(x *big.Float) *big.Float {
	return mul(half, bigErfc(neg(mul(x, sqrt(half)))))
}

func bigGELU(x *big.Float) *big.Float { return mul(x, bigNormal(x)) }

// bigDensity is φ(x).
func bigDensity(x *big.Float) *big.Float {
	return quo(bigExp(neg(mul(half, mul(x, x)))), sqrt(mul(num(2), bigPi)))
}

func bigGELUGrad(x *big.Float) *big.Float {
	return add(bigNormal(x), mul(x, bigDensity(x)))
}

func bigSiLUGrad(x *big.Float) *big.Float {
	s := bigSigmoid(x)
	return mul(s, add(one, mul(x, sub(one, s))))
}

// bigLog finds log(x) by Newton's method on exp.
func bigLog(x *big.Float) *big.Float {
	if x.Cmp(one) == 0 {
		return fresh()
	}
	m := fresh()
	e := x.MantExp(m)
	f, _ := m.Float64()
	y := num(math.Log(f))
	for range 3 { // cubic steps: 50, 150, 450 bits
		z := bigExp(y)
		y = add(y, mul(num(2), quo(sub(m, z), add(m, z))))
	}
	return add(y, mul(num(float64(e)), bigLn2))
}

// bigLog1p is log(1 + u) for 0 ≤ u ≤ 1, by 2·atanh(u/(2 + u)).
func bigLog1p(u *big.Float) *big.Float {
	s := quo(u, add(num(2), u))
	square := mul(s, s)
	sum, power := fresh().Set(s), fresh().Set(s)
	for k := 3.0; ; k += 2 {
		power = mul(power, square)
		term := quo(power, num(k))
		if tiny(term, sum) {
			return mul(num(2), sum)
		}
		sum = add(sum, term)
	}
}

func bigSoftplus(x *big.Float) *big.Float {
	if x.Sign() > 0 {
		return add(x, bigLog1p(bigExp(neg(x))))
	}
	return bigLog1p(bigExp(x))
}

func bigLogSigmoid(x *big.Float) *big.Float { return neg(bigSoftplus(neg(x))) }

// bigMish is x·n/(n + 2) with n = e²ˣ + 2eˣ.
func bigMish(x *big.Float) *big.Float {
	e := bigExp(x)
	n := mul(e, add(e, num(2)))
	return mul(x, quo(n, add(n, num(2))))
}

func bigMishGrad(x *big.Float) *big.Float {
	e := bigExp(x)
	n := mul(e, add(e, num(2)))
	t := quo(n, add(n, num(2)))
	return add(t, mul(mul(x, bigSigmoid(x)), sub(one, mul(t, t))))
}

// bigGELUTanhArgument is 2·√(2/π)·(x + 0.044715·x³), and its derivative.
func bigGELUTanhArgument(x *big.Float) (v, dv *big.Float) {
	c := mul(num(2), sqrt(quo(num(2), bigPi)))
	cubic := mul(parse("0.044715"), mul(x, x))
	return mul(c, mul(x, add(one, cubic))), mul(c, add(one, mul(num(3), cubic)))
}

func bigGELUTanh(x *big.Float) *big.Float {
	v, _ := bigGELUTanhArgument(x)
	return mul(x, bigSigmoid(v))
}

func bigGELUTanhGrad(x *big.Float) *big.Float {
	v, dv := bigGELUTanhArgument(x)
	s := bigSigmoid(v)
	return mul(s, add(one, mul(mul(x, dv), sub(one, s))))
}

func bigELU(x *big.Float) *big.Float {
	f, _ := x.Float64()
	switch {
	case f > 0:
		return x
	case f > -0.9:
		return bigExpm1(x)
	}
	return sub(bigExp(x), one)
}

func bigCELU(x *big.Float) *big.Float { return mul(num(0.75), bigELU(quo(x, num(0.75)))) }

func bigErfGrad(x *big.Float) *big.Float {
	return quo(mul(num(2), bigExp(neg(mul(x, x)))), sqrt(bigPi))
}

func bigSoftsign(x *big.Float) *big.Float { return quo(x, add(one, fresh().Abs(x))) }

func bigSwish(x *big.Float) *big.Float { return mul(x, bigSigmoid(mul(num(1.75), x))) }
