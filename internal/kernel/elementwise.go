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
		p := d * float64(scale)
		dst[i] = T(exp(p, rest*float64(scale)+math.FMA(d, float64(scale), -p)))
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
	return x * power(n+500) * 0x1p-500
}

// power returns 2ⁿ, a normal number.
func power(n int) float64 { return math.Float64frombits(uint64(n+1023) << 52) }

// logistic returns x·e^v/(1 + e^v) for v ≤ 0, given what rounding took from v.
func logistic(x, v, vRest float64) float64 {
	v = max(v, coef.Float64.Low)
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
	t := logistic(1, -math.Abs(x), 0)
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
	q := m * i
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
	part := scale * p
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
	square := z * z
	e := exponentialOf(-0.5*square, -0.5*math.FMA(z, z, -square))
	p := e.r + e.s
	pRest := e.s - (p - e.r)
	y := 1 + p
	d, dRest := twoSum(coef.Float64.MillsShift, z)
	return tail{z, y, (p - (y - 1)) + pRest, d, dRest, e.n}
}

// gelu multiplies exp(−z²/2), z/(z + MillsShift) and a polynomial, each in two parts.
func gelu(x float64) float64 {
	if x != x {
		return x
	}
	t := normalTail(x)
	i := 1 / t.d
	q := t.z * i
	qRest := i * (math.FMA(-q, t.d, t.z) - q*t.dRest)
	y, yRest := mills(q, qRest)
	a := t.e * q
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
		change := t * y
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
