package mle

import (
	"math"

	"github.com/gram-ml/gram/linalg"

	"gonum.org/v1/gonum/blas"
)

// exactWeight is the size of a sample up to which Kolmogorov's distribution is exact.
const exactWeight = 500

// kolmogorov returns the probability of a largest distance of d or more for n values.
func kolmogorov(n, d float64) float64 {
	counts := n == math.Trunc(n)
	switch {
	case d >= 1:
		return 0
	case d <= 0.5/n:
		return 1
	case n*d*d > 4 && counts && n <= 1e6:
		// Both sides at once happen with a probability below 10⁻¹³.
		return 2 * smirnov(n, d)
	case n*d*d > 9:
		x := d*math.Sqrt(n) + 1/(6*math.Sqrt(n))
		return 2 * math.Exp(-2*x*x)
	case n <= exactWeight && counts:
		return max(0, 1-durbin(int(n), d))
	}
	return min(1, max(0, 1-pelzGood(n, d)))
}

// pelzGood returns the probability of a distance below d to terms of order n^(−3/2) (W. Pelz and
// I. Good, Approximating the lower tail-areas of the Kolmogorov–Smirnov one-sample statistic,
// JRSS B 38, 1976).
func pelzGood(n, d float64) float64 {
	z := d * math.Sqrt(n)
	z2 := z * z
	z4, z6 := z2*z2, z2*z2*z2
	var k0, k1, k2, k3, even2, even3 float64
	for k := 1.0; k <= 40; k++ {
		a := (k - 0.5) * (k - 0.5) * math.Pi * math.Pi
		e := math.Exp(-a / (2 * z2))
		k0 += e
		k1 += e * (a - z2)
		k2 += e * (6*z6 + 2*z4 + (2*z4-5*z2)*a + (1-2*z2)*a*a)
		k3 += e * (-30*z6 - 90*z4*z4 + (135*z4-96*z6)*a + (212*z4-60*z2)*a*a + (5-30*z2)*a*a*a)
		b := k * k * math.Pi * math.Pi
		e = math.Exp(-b / (2 * z2))
		even2 += e * b
		even3 += e * b * (3*z2 - b)
	}
	r := math.Sqrt(n)
	sum := k0/z + k1/(6*z4)/r + (k2/(72*z4*z2*z)-even2/(36*z2*z))/n + (k3/(6480*z4*z6)+even3/(216*z6))/(n*r)
	return math.Sqrt(2*math.Pi) * sum
}

// smirnov returns the probability that the distance to one side is d or more:
// d·Σⱼ (n over j)·(d + j/n)^(j−1)·(1 − d − j/n)^(n−j).
func smirnov(n, d float64) float64 {
	sum := 0.0
	for j := 0.0; j <= math.Floor(n*(1-d)); j++ {
		rest := 1 - d - j/n
		if rest <= 0 {
			break
		}
		sum += math.Exp(logChoose(n, j) + (j-1)*math.Log(d+j/n) + (n-j)*math.Log(rest))
	}
	return min(1, d*sum)
}

// durbin returns the probability of a distance below d: n!/nⁿ times the middle element of the
// n-th power of a matrix of order 2k−1 with k = ⌈nd⌉ (J. Durbin, 1973).
func durbin(n int, d float64) float64 {
	k := int(float64(n)*d) + 1
	m, h := 2*k-1, float64(k)-float64(n)*d
	a := linalg.NewDense[float64](m, m, nil)
	for i := range m {
		for j := range m {
			if i-j+1 >= 0 {
				a.Set(i, j, 1)
			}
		}
	}
	for i := range m {
		a.Set(i, 0, a.At(i, 0)-math.Pow(h, float64(i+1)))
		a.Set(m-1, i, a.At(m-1, i)-math.Pow(h, float64(m-i)))
	}
	if h > 0.5 {
		a.Set(m-1, 0, a.At(m-1, 0)+math.Pow(2*h-1, float64(m)))
	}
	for i := range m {
		for j := range m {
			if i-j+1 > 0 {
				a.Set(i, j, a.At(i, j)/math.Gamma(float64(i-j+2)))
			}
		}
	}
	q, exponent := power(a, n)
	v := q.At(k-1, k-1)
	for i := 1; i <= n; i++ {
		v *= float64(i) / float64(n)
		if v < 1e-140 {
			v, exponent = v*0x1p500, exponent-500
		}
	}
	return math.Ldexp(v, exponent)
}

// power returns q and e with aⁿ = q·2ᵉ.
func power(a *linalg.Dense[float64], n int) (*linalg.Dense[float64], int) {
	m := a.Rows
	out := linalg.NewDense[float64](m, m, nil)
	for i := range m {
		out.Set(i, i, 1)
	}
	exponent, own := 0, 0
	square := a
	for ; n > 0; n /= 2 {
		if n%2 == 1 {
			out, exponent = product(out, square, exponent+own)
		}
		square, own = product(square, square, 2*own)
	}
	return out, exponent
}

// product returns a·b, scaled so that its middle element is of order 1, and the exponent of
// what was scaled away.
func product(a, b *linalg.Dense[float64], exponent int) (*linalg.Dense[float64], int) {
	c := linalg.NewDense[float64](a.Rows, a.Rows, nil)
	linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, a, b, 0, c)
	_, e := math.Frexp(c.At(a.Rows/2, a.Rows/2))
	if e > 300 || e < -300 {
		linalg.Scal(math.Ldexp(1, -e), c.Data)
		exponent += e
	}
	return c, exponent
}

// andersonDarling returns the probability of a statistic below z in the limit of many values, by the
// series of Anderson and Darling (1954),
//
//	√(2π)/z·Σⱼ (−½ over j)·(4j+1)·exp(−tⱼ)·∫₀^∞ exp(z/(8(w²+1)) − tⱼ·w²) dw,  tⱼ = (4j+1)²π²/(8z),
//
// whose integrals the trapezoidal rule gives to all digits.
func andersonDarling(z float64) float64 {
	if z < 0.01 {
		return 0
	}
	if z > 40 {
		return 1
	}
	sum, binomial := 0.0, 1.0
	for j := 0.0; j < 100; j++ {
		t := (4*j + 1) * (4*j + 1) * math.Pi * math.Pi / (8 * z)
		term := binomial * (4*j + 1) * adIntegral(z, t)
		sum += term
		if math.Abs(term) < 1e-17*math.Abs(sum) {
			break
		}
		binomial *= -(j + 0.5) / (j + 1)
	}
	return min(1, max(0, math.Sqrt(2*math.Pi)/z*sum))
}

// adIntegral returns exp(−t)·∫₀^∞ exp(z/(8(w²+1)) − t·w²) dw.
func adIntegral(z, t float64) float64 {
	step := min(0.125, 0.25/math.Sqrt(t))
	sum := math.Exp(z/8-t) / 2
	for k := 1.0; ; k++ {
		w := k * step
		v := math.Exp(z/8/(w*w+1) - t*w*w - t)
		sum += v
		if t*w*w > 40+z/8 {
			return sum * step
		}
	}
}
