package kernel

import (
	"math"

	"github.com/gram-ml/gram/internal/kernel/coef"
)

// each sets dst to f over x. The functions below work in float64, so that in float32
// they are right to the last place.
func each[T Float](dst, x []T, f func(float64) float64) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = T(f(float64(v)))
	}
}

// eachGrad sets dst to dy·f over x.
func eachGrad[T Float](dst, dy, x []T, f func(float64) float64) {
	dst, x = dst[:len(dy)], x[:len(dy)]
	for i, v := range x {
		dst[i] = T(float64(dy[i]) * f(float64(v)))
	}
}

// Exp sets dst to exp(x) over len(x) elements.
func Exp[T Float](dst, x []T) { each(dst, x, func(x float64) float64 { return exp(x, 0) }) }

// ShiftedExp sets dst to exp((x − shift)·scale) over len(x) elements.
func ShiftedExp[T Float](dst, x []T, shift, scale T) {
	dst = dst[:len(x)]
	for i, v := range x {
		d, rest := twoSum(float64(v), -float64(shift))
		p := float64(d * float64(scale))
		dst[i] = T(exp(p, rest*float64(scale)+math.FMA(d, float64(scale), -p)))
	}
}

// ScaledExp sets dst to exp(max(x, low)·scale)/2ᵏ, k an integer, over len(x) elements.
func ScaledExp[T Float](dst, x []T, scale, k, low T) {
	dst = dst[:len(x)]
	for i, v := range x {
		v := float64(max(v, low))
		p := float64(v * float64(scale))
		e := exponentialOf(p, math.FMA(v, float64(scale), -p))
		dst[i] = T(scaled(1+(e.r+e.s), e.n-int(k)))
	}
}

// Shift sets dst to (x − shift)·scale − after over len(x) elements.
func Shift[T Float](dst, x []T, shift, scale, after T) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = (v-shift)*scale - after
	}
}

// Mul sets dst to x·y over len(x) elements.
func Mul[T Float](dst, x, y []T) {
	dst, y = dst[:len(x)], y[:len(x)]
	for i, v := range x {
		dst[i] = v * y[i]
	}
}

// Sigmoid sets dst to 1/(1 + exp(−x)) over len(x) elements.
func Sigmoid[T Float](dst, x []T) { each(dst, x, sigmoid) }

// SigmoidGrad sets dst to dy·y·(1 − y) over len(dy) elements.
func SigmoidGrad[T Float](dst, dy, y []T) {
	dst, y = dst[:len(dy)], y[:len(dy)]
	for i, v := range y {
		dst[i] = dy[i] * (v * (1 - v))
	}
}

// Tanh sets dst to tanh(x) over len(x) elements.
func Tanh[T Float](dst, x []T) { each(dst, x, tanh) }

// TanhGrad sets dst to dy·(1 − y²) over len(dy) elements.
func TanhGrad[T Float](dst, dy, y []T) {
	eachGrad(dst, dy, y, func(y float64) float64 { return math.FMA(-y, y, 1) })
}

// Silu sets dst to x·sigmoid(x) over len(x) elements.
func Silu[T Float](dst, x []T) { each(dst, x, silu) }

// SiluGrad sets dst to dy times the derivative of Silu over len(dy) elements.
func SiluGrad[T Float](dst, dy, x []T) { eachGrad(dst, dy, x, siluGrad) }

// Gelu sets dst to x·Φ(x) over len(x) elements.
func Gelu[T Float](dst, x []T) { each(dst, x, gelu) }

// GeluGrad sets dst to dy times the derivative of Gelu over len(dy) elements.
func GeluGrad[T Float](dst, dy, x []T) { eachGrad(dst, dy, x, geluGrad) }

// Relu sets dst to max(x, 0) over len(x) elements.
func Relu[T Float](dst, x []T) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = max(v, 0)
	}
}

// ReluGrad sets dst to dy where y > 0 and to 0 elsewhere, over len(dy) elements.
func ReluGrad[T Float](dst, dy, y []T) {
	dst, y = dst[:len(dy)], y[:len(dy)]
	for i, v := range y {
		d := dy[i]
		if !(v > 0) {
			d = 0
		}
		dst[i] = d
	}
}

// Relu6 sets dst to min(max(x, 0), 6) over len(x) elements.
func Relu6[T Float](dst, x []T) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = min(max(v, 0), 6)
	}
}

// Relu6Grad sets dst to dy where 0 < y < 6 and to 0 elsewhere, over len(dy) elements.
func Relu6Grad[T Float](dst, dy, y []T) {
	dst, y = dst[:len(dy)], y[:len(dy)]
	for i, v := range y {
		d := dy[i]
		if !(v > 0 && v < 6) {
			d = 0
		}
		dst[i] = d
	}
}

// LeakyRelu sets dst to x, times slope where x < 0, over len(x) elements.
func LeakyRelu[T Float](dst, x []T, slope T) {
	dst = dst[:len(x)]
	for i, v := range x {
		if v < 0 {
			v *= slope
		}
		dst[i] = v
	}
}

// LeakyReluGrad sets dst to dy, times slope unless x > 0, over len(dy) elements.
func LeakyReluGrad[T Float](dst, dy, x []T, slope T) {
	dst, x = dst[:len(dy)], x[:len(dy)]
	for i, v := range x {
		d := dy[i]
		if !(v > 0) {
			d *= slope
		}
		dst[i] = d
	}
}

// NegativePart sets dst to min(x, 0) over len(x) elements.
func NegativePart[T Float](dst, x []T) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = min(v, 0)
	}
}

// Swish sets dst to x·sigmoid(βx), which is nothing for βx < 0 and |x| ≥ limit, over
// len(x) elements.
func Swish[T Float](dst, x []T, beta, limit T) {
	each(dst, x, func(x float64) float64 { return swish(x, float64(beta), float64(limit)) })
}

// SwishGrad sets dst to dy times the derivative of Swish over len(dy) elements.
func SwishGrad[T Float](dst, dy, x []T, beta, limit T) {
	eachGrad(dst, dy, x, func(x float64) float64 { return swishGrad(x, float64(beta), float64(limit)) })
}

// GeluTanh sets dst to the tanh form of GELU over len(x) elements.
func GeluTanh[T Float](dst, x []T) { each(dst, x, geluTanh) }

// GeluTanhGrad sets dst to dy times the derivative of GeluTanh over len(dy) elements.
func GeluTanhGrad[T Float](dst, dy, x []T) { eachGrad(dst, dy, x, geluTanhGrad) }

// Softplus sets dst to log(1 + exp(x)) over len(x) elements.
func Softplus[T Float](dst, x []T) {
	each(dst, x, func(x float64) float64 { return max(x, 0) + softplusOf(-math.Abs(x)) })
}

// LogSigmoid sets dst to −log(1 + exp(−x)) over len(x) elements.
func LogSigmoid[T Float](dst, x []T) {
	each(dst, x, func(x float64) float64 { return min(x, 0) - softplusOf(-math.Abs(x)) })
}

// Log sets dst to log(x) over len(x) elements.
func Log[T Float](dst, x []T) { each(dst, x, log) }

// Div sets dst to x/y over len(x) elements.
func Div[T Float](dst, x, y []T) {
	dst, y = dst[:len(x)], y[:len(x)]
	for i, v := range x {
		dst[i] = v / y[i]
	}
}

// Elu sets dst to above·x for x > 0 and factor·(exp(x) − 1) elsewhere, over len(x) elements.
func Elu[T Float](dst, x []T, factor, above T) {
	each(dst, x, func(x float64) float64 {
		if x != x || !math.Signbit(x) {
			return float64(above) * x
		}
		m, _ := expm1(max(x, -80))
		return -math.Abs(float64(factor) * m) // −0 for −0
	})
}

// EluGrad sets dst to dy·above where y > 0 and dy·(y + factor) elsewhere, over len(dy) elements.
func EluGrad[T Float](dst, dy, y []T, factor, above T) {
	dst, y = dst[:len(dy)], y[:len(dy)]
	for i, v := range y {
		d := v + factor
		if v > 0 {
			d = above
		}
		dst[i] = dy[i] * d
	}
}

// Celu sets dst to x for x > 0 and alpha·(exp(x/alpha) − 1) elsewhere, over len(x) elements.
func Celu[T Float](dst, x []T, alpha T) {
	each(dst, x, func(x float64) float64 {
		if x != x || !math.Signbit(x) {
			return x
		}
		m, _ := expm1(max(x/float64(alpha), -80))
		return -math.Abs(float64(alpha) * m)
	})
}

// CeluGrad sets dst to dy where y > 0 and dy·(y/alpha + 1) elsewhere, over len(dy) elements.
func CeluGrad[T Float](dst, dy, y []T, alpha T) {
	dst, y = dst[:len(dy)], y[:len(dy)]
	for i, v := range y {
		d := v/alpha + 1
		if v > 0 {
			d = 1
		}
		dst[i] = dy[i] * d
	}
}

// Mish sets dst to x·tanh(log(1 + exp(x))) over len(x) elements.
func Mish[T Float](dst, x []T) { each(dst, x, mish) }

// MishGrad sets dst to dy times the derivative of Mish over len(dy) elements.
func MishGrad[T Float](dst, dy, x []T) { eachGrad(dst, dy, x, mishGrad) }

// Erf sets dst to the error function over len(x) elements.
func Erf[T Float](dst, x []T) { each(dst, x, math.Erf) }

// ErfGrad sets dst to dy·2/√π·exp(−x²) over len(dy) elements.
func ErfGrad[T Float](dst, dy, x []T) {
	eachGrad(dst, dy, x, func(x float64) float64 {
		z := min(math.Abs(x), coef.Float64.NormalZ)
		return 2 / math.SqrtPi * exp(-z*z, -math.FMA(z, z, -z*z))
	})
}

// Softsign sets dst to x/(1 + |x|) over len(x) elements.
func Softsign[T Float](dst, x []T) {
	each(dst, x, func(x float64) float64 {
		if math.IsInf(x, 0) {
			return math.Copysign(1, x)
		}
		return x / (1 + math.Abs(x))
	})
}

// SoftsignGrad sets dst to dy·(1 − |y|)² over len(dy) elements.
func SoftsignGrad[T Float](dst, dy, y []T) {
	dst, y = dst[:len(dy)], y[:len(dy)]
	for i, v := range y {
		d := 1 - max(v, -v)
		dst[i] = dy[i] * (d * d)
	}
}

// HardSigmoid sets dst to min(max(x + 3, 0), 6)/6 over len(x) elements.
func HardSigmoid[T Float](dst, x []T) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = min(max(v+3, 0), 6) / 6
	}
}

// HardSigmoidGrad sets dst to dy/6 where 0 < y < 1 and to 0 elsewhere, over len(dy) elements.
func HardSigmoidGrad[T Float](dst, dy, y []T) {
	dst, y = dst[:len(dy)], y[:len(dy)]
	for i, v := range y {
		d := dy[i] / 6
		if !(v > 0 && v < 1) {
			d = 0
		}
		dst[i] = d
	}
}

// HardSwish sets dst to x·min(max(x + 3, 0), 6)/6 over len(x) elements.
func HardSwish[T Float](dst, x []T) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = max(v, -3) * min(max(v+3, 0), 6) / 6
	}
}

// HardSwishGrad sets dst to dy times the derivative of HardSwish over len(dy) elements.
func HardSwishGrad[T Float](dst, dy, x []T) {
	dst, x = dst[:len(dy)], x[:len(dy)]
	for i, v := range x {
		d := (2*v + 3) / 6
		switch {
		case v <= -3:
			d = 0
		case v >= 3:
			d = 1
		}
		dst[i] = dy[i] * d
	}
}

// horner returns the polynomial with the given coefficients, from the lowest power up.
func horner(x float64, coef []float64) float64 {
	y := coef[len(coef)-1]
	for k := len(coef) - 2; k >= 0; k-- {
		y = y*x + coef[k]
	}
	return y
}

// twoSum returns a + b and what rounding took from it.
func twoSum(a, b float64) (sum, rest float64) {
	sum = a + b
	second := sum - a
	return sum, (a - (sum - second)) + (b - second)
}

// An exponential is e^v in parts: 2ⁿ·(1 + r + s), r exact and |r| ≤ ln 2 / 2, s small.
type exponential struct {
	n    int
	r, s float64
}

// exponentialOf takes v and what rounding took from it.
func exponentialOf(v, vRest float64) exponential {
	c := &coef.Float64
	n := math.RoundToEven(v * c.Log2e)
	r := math.FMA(-n, c.Ln2, v)
	vRest -= n * c.Ln2Rest
	near := r + vRest
	return exponential{int(n), r, near*near*horner(near, c.Exp) + vRest}
}

// exp returns e^x, given what rounding took from x, NaN where x is infinite.
func exp(x, rest float64) float64 {
	switch {
	case x != x || x > coef.Float64.High:
		return x + math.Inf(1)
	case x < coef.Float64.Low:
		return 0
	}
	e := exponentialOf(x, rest)
	y := 1 + (e.r + e.s)
	if e.n > 0 { // up to 2¹⁰²⁴
		return y * power(e.n-1) * 2
	}
	return scaled(y, e.n)
}

// scaled returns x·2ⁿ, n ≤ 0, rounded once.
func scaled(x float64, n int) float64 {
	if n > -1000 {
		return x * power(n)
	}
	return x * power(n+600) * 0x1p-600
}

// power returns 2ⁿ, a normal number.
func power(n int) float64 { return math.Float64frombits(uint64(n+1023) << 52) }

// logistic returns x·e^v/(1 + e^v) for −1000 ≤ v ≤ 0, given what rounding took from v.
func logistic(x, v, vRest float64) float64 {
	if v != v {
		return v
	}
	e := exponentialOf(v, vRest)
	small := scaled(1+(e.r+e.s), e.n)
	d := 1 + small
	dRest := small - (d - 1)
	i := 1 / d
	left := e.r + (e.s + math.FMA(-i, dRest, math.FMA(-i, d, 1)))
	q := math.FMA(i, left, i)
	qRest := math.FMA(i, left, i-q)
	return scaled(math.FMA(x, q, x*qRest), e.n)
}

func sigmoid(x float64) float64 {
	t := logistic(1, max(-math.Abs(x), coef.Float64.Low), 0)
	if x < 0 {
		return t
	}
	return 1 - t
}

func silu(x float64) float64 {
	v := max(-math.Abs(x), coef.Float64.Low)
	t := logistic(v, v, 0)
	if math.Signbit(x) {
		return t
	}
	return x + t
}

func siluGrad(x float64) float64 {
	v := min(max(x, coef.Float64.Low), -coef.Float64.Low)
	t := logistic(1, -math.Abs(v), 0)
	if x < 0 {
		return t + t*(v*(1-t))
	}
	return (1 - t) + (1-t)*(v*t)
}

// tanh is −m/(2 + m) with m = exp(−2|x|) − 1, and the sign of x.
func tanh(x float64) float64 {
	v := max(-2*math.Abs(x), -80)
	if v != v {
		return v
	}
	m, mRest := expm1(v)
	d := m + 2
	dRest := (m - (d - 2)) + mRest
	i := 1 / d
	q := float64(m * i)
	q += i * (math.FMA(-q, d, m) + mRest - q*dRest)
	return math.Copysign(q, x)
}

// expm1 returns e^v − 1 in two parts for −700 ≤ v ≤ 0.
func expm1(v float64) (m, mRest float64) {
	e := exponentialOf(v, 0)
	scale := power(e.n)
	p := e.r + e.s
	pRest := e.s - (p - e.r)
	whole := scale - 1
	wholeRest := scale - (whole + 1)
	part := float64(scale * p)
	m = whole + part
	return m, part - (m - whole) + scale*pRest + wholeRest
}

// A tail holds, for z = |x|, exp(−z²/2) = 2ⁿ·(e + eRest) and Φ(−z), which is
// exp(−z²/2)·mills/d, d + dRest = z + MillsShift.
type tail struct {
	z, e, eRest, d, dRest float64
	n                     int
}

func normalTail(x float64) tail {
	z := min(math.Abs(x), coef.Float64.NormalZ)
	square := float64(z * z)
	e := exponentialOf(-0.5*square, -0.5*math.FMA(z, z, -square))
	y, yRest := e.parts()
	d, dRest := twoSum(coef.Float64.MillsShift, z)
	return tail{z, y, yRest, d, dRest, e.n}
}

// gelu multiplies exp(−z²/2), z/(z + MillsShift) and a polynomial, each in two parts.
func gelu(x float64) float64 {
	if x != x {
		return x
	}
	t := normalTail(x)
	i := 1 / t.d
	q := float64(t.z * i)
	qRest := i * (math.FMA(-q, t.d, t.z) - q*t.dRest)
	y, yRest := mills(q, qRest)
	a := float64(t.e * q)
	aRest := math.FMA(t.e, q, -a) + t.eRest*q + t.e*qRest
	below := -scaled(math.FMA(a, y, aRest*y+a*yRest), t.n)
	if math.Signbit(x) {
		return below
	}
	return x + below
}

// mills returns the polynomial of that name in q + qRest.
func mills(q, qRest float64) (y, yRest float64) {
	c := &coef.Float64
	t := q - c.MillsCentre
	tRest := (q - (t + c.MillsCentre)) + qRest
	y = horner(t, c.Mills[c.MillsExact:])
	for k := c.MillsExact - 1; k >= 0; k-- {
		change := float64(t * y)
		changeRest := math.FMA(t, y, -change) + tRest*y + t*yRest
		y, yRest = twoSum(c.Mills[k], change)
		yRest += changeRest
	}
	return y, yRest
}

// geluGrad is Φ(x) + x·φ(x).
func geluGrad(x float64) float64 {
	if x != x {
		return x
	}
	const density = 1 / (math.Sqrt2 * math.SqrtPi)
	t := normalTail(x)
	i := 1 / t.d
	y, _ := mills(t.z*i, 0)
	u := scaled(t.e*(y*i-t.z*density), t.n)
	if math.Signbit(x) {
		return u
	}
	return 1 - u
}

// scaledArgument returns −|βx| in two parts, x within ±limit, and whether βx < 0.
func scaledArgument(x, beta, limit float64) (v, vRest, held float64, negative bool) {
	held = min(max(x, -limit), limit)
	p := float64(held * beta)
	rest := math.FMA(held, beta, -p)
	if math.Signbit(p) {
		return p, rest, held, true
	}
	return -p, -rest, held, false
}

func swish(x, beta, limit float64) float64 {
	v, vRest, held, negative := scaledArgument(x, beta, limit)
	t := logistic(held, v, vRest)
	if negative {
		return t
	}
	return x - t
}

func swishGrad(x, beta, limit float64) float64 {
	v, vRest, held, negative := scaledArgument(x, beta, limit)
	s := logistic(1, v, vRest)
	c := 1 - s
	if !negative {
		s, c = c, s
	}
	return s + s*(held*beta*c)
}

// geluTanhArgument is 2·√(2/π)·(x + 0.044715·x³) in two parts.
func geluTanhArgument(x float64) (v, vRest float64) {
	cubic, linear := coef.Float64.GeluCubic, coef.Float64.GeluLinear
	square := float64(x * x) // conversions keep products from being fused with sums
	squareRest := math.FMA(x, x, -square)
	w := float64(square * cubic[0])
	wRest := squareRest*cubic[0] + math.FMA(square, cubic[0], -w) + square*cubic[1]
	w, rest := twoSum(linear[0], w)
	wRest += rest + linear[1]
	v = float64(x * w)
	return v, x*wRest + math.FMA(x, w, -v)
}

func geluTanh(x float64) float64 {
	z := -min(math.Abs(x), coef.Float64.GeluTanhX)
	v, vRest := geluTanhArgument(z)
	t := logistic(z, v, vRest)
	if math.Signbit(x) {
		return t
	}
	return x + t
}

func geluTanhGrad(x float64) float64 {
	z := -min(math.Abs(x), coef.Float64.GeluTanhX)
	v, vRest := geluTanhArgument(z)
	s := logistic(1, v, vRest)
	c := 1 - s
	if !math.Signbit(x) {
		s, c, z = c, s, -z
	}
	slope := z*z*(3*coef.Float64.GeluCubic[0]) + coef.Float64.GeluLinear[0]
	return s + s*(z*slope*c)
}

// parts returns 1 + r + s as two numbers.
func (e exponential) parts() (y, yRest float64) {
	p := e.r + e.s
	pRest := e.s - (p - e.r)
	y = 1 + p
	return y, (p - (y - 1)) + pRest
}

// log takes x = 2ⁿ·(1 + g), √½ ≤ 1 + g < √2. math.Log is wrong on amd64 for numbers below
// the normal ones.
func log(x float64) float64 {
	switch {
	case x == 0:
		return math.Inf(-1)
	case !(x > 0) || math.IsInf(x, 1):
		return math.Log(x) // NaN, or +Inf
	}
	m, n := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		n--
	}
	ln2 := coef.Float64.LogLn2
	return logOf(m-1, float64(n)*ln2[0], float64(n)*ln2[1])
}

// softplusOf is log(1 + e^v) for v ≤ 0.
func softplusOf(v float64) float64 {
	if v != v {
		return v
	}
	e := exponentialOf(max(v, coef.Float64.Low), 0)
	y, yRest := e.parts()
	return log1p(scaled(y, e.n), scaled(yRest, e.n))
}

// log1p is log(1 + u + uRest) for 0 ≤ u ≤ 1, of 1 + u or of (1 + u)/2.
func log1p(u, uRest float64) float64 {
	g, first, rest := u, 0., uRest
	if u > 0.5 {
		g, first, rest = (u-1)*0.5, coef.Float64.Ln2, coef.Float64.Ln2Rest
	}
	return logOf(g, first, rest)
}

// logOf is first + log(1 + g) + rest, |g| ≤ ½: with h = g²/2 and s = g/(2 + g),
// log(1 + g) = g − h + s·(h + s²·poly(s²)).
func logOf(g, first, rest float64) float64 {
	h := g * g * 0.5
	s := g / (2 + g)
	square := s * s
	tail := s*(h+square*horner(square, coef.Float64.Atanh)) + rest
	return first + (g - (h - tail))
}

// mish is x·w(w + 2)/(w(w + 2) + 2), w = e^x, for x < 0, and x·(1 + 2w)/(1 + 2w + 2w²),
// w = e^(−x), above.
func mish(x float64) float64 {
	if x != x {
		return x
	}
	v := max(-math.Abs(x), coef.Float64.Low)
	e := exponentialOf(v, 0)
	y, yRest := e.parts()
	w, wRest := scaled(y, e.n), scaled(yRest, e.n)
	if !math.Signbit(x) {
		return x + v*(2*w*w/(1+(2*w+2*w*w)))
	}
	a, aRest := twoSum(2, w)
	aRest += wRest
	n, nRest := product(y, yRest, a, aRest)
	d, dRest := product(w, wRest, a, aRest)
	d, rest := twoSum(2, d)
	dRest += rest
	i := 1 / d
	q := float64(n * i)
	q += i * (math.FMA(-q, d, n) + nRest - q*dRest)
	return scaled(v*q, e.n)
}

// product is (a + aRest)·(b + bRest) in two parts.
func product(a, aRest, b, bRest float64) (y, yRest float64) {
	y = float64(a * b)
	return y, math.FMA(a, b, -y) + a*bRest + aRest*b
}

// mishGrad is t + x·σ·(1 − t²), t = n/d = tanh(log(1 + e^x)).
func mishGrad(x float64) float64 {
	if x != x {
		return x
	}
	v := min(max(x, coef.Float64.Low), -coef.Float64.Low)
	w := exp(-math.Abs(v), 0)
	n, gap, s := 2*w+1, 2*w*w, 1/(1+w)
	if math.Signbit(x) {
		n, gap, s = w*(w+2), 2, w/(1+w)
	}
	d := n + gap
	return n/d + v*s*(gap/d*((d+n)/d))
}
