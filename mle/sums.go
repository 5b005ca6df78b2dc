package mle

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"

	"github.com/gram-ml/gram/internal/kernel/f64"
)

// add merges statistics that are sums.
func add(a, b summary) summary {
	sums := slices.Clone(a.sums)
	f64.Axpy(1, b.sums, sums)
	return summary{sums: sums}
}

// spread returns the mean of x and Σ w(x − mean)².
func spread(x, w []float64) summary {
	total := f64.Sum(w)
	mean := meanOf(x, w, total)
	square, slip := 0.0, 0.0
	for i, v := range x {
		d := v - mean
		square += w[i] * d * d
		slip += w[i] * d
	}
	return summary{weight: total, sums: []float64{mean + slip/total, max(0, square-slip*slip/total)}}
}

// meanOf returns the mean, taken about the first value so that far from zero no digits
// are lost.
func meanOf(x, w []float64, total float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += w[i] * (v - x[0])
	}
	return x[0] + sum/total
}

// mergeSpread merges what spread returns, by the formula of Chan, Golub and LeVeque.
func mergeSpread(a, b summary) summary {
	share := b.weight / (a.weight + b.weight)
	d := b.sums[0] - a.sums[0]
	return summary{sums: []float64{a.sums[0] + share*d, a.sums[1] + b.sums[1] + a.weight*share*d*d}}
}

// evenness tells how far positive values v are from being equal: with c their mean and
// u = v/c − 1, it returns c, the mean of u, which is rounding alone, and the mean of u − log(1+u),
// which is log(mean) − mean(log) without its cancellation. rest[i] is 1+u.
func evenness(c float64, u, rest, w []float64, total float64) []float64 {
	first, second := 0.0, 0.0
	for i, x := range u {
		first += w[i] * x
		second += w[i] * excess(x, rest[i])
	}
	return []float64{c, first / total, second / total}
}

// excess returns u − log(r), where r = 1+u, and u has the more digits near 0 and r near −1.
func excess(u, r float64) float64 {
	if math.Abs(u) > 0.5 {
		return u - math.Log(r)
	}
	// log(1+u) is 2·(s + s³/3 + s⁵/5 + …) with s = u/(2+u), and u is 2s + su.
	s := u / (2 + u)
	q := s * s
	sum := 0.0
	for k := 39; k >= 3; k -= 2 {
		sum = sum*q + 1/float64(k)
	}
	return s * (u - 2*q*sum)
}

// mergeEvenness brings b to the centre of a, where u becomes u + e(1+u) with e = c_b/c_a − 1.
func mergeEvenness(a, b []float64, share float64) []float64 {
	e := (b[0] - a[0]) / a[0]
	first := b[1] + e*(1+b[1])
	second := b[2] + e*b[1] + excess(e, b[0]/a[0])
	return []float64{a[0], a[1] + share*(first-a[1]), a[2] + share*(second-a[2])}
}

// meanAndGap returns the mean and log(mean) − mean(log), from what evenness returns.
func meanAndGap(s []float64) (mean, gap float64) {
	return s[0] * (1 + s[1]), max(0, s[2]-excess(s[1], 1+s[1]))
}

// distinct returns the distinct values, ascending, with their weights.
func distinct(x, w []float64) summary {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	var s summary
	for _, i := range order {
		s.push(x[i], w[i])
	}
	s.weight = f64.Sum(s.counts)
	return s
}

// push appends a value that is not below the last.
func (s *summary) push(x, w float64) {
	if last := len(s.values) - 1; last >= 0 && s.values[last] == x {
		s.counts[last] += w
		return
	}
	s.values, s.counts = append(s.values, x), append(s.counts, w)
}

// mergeDistinct merges what distinct returns.
func mergeDistinct(a, b summary) summary {
	var s summary
	i, j := 0, 0
	for i < len(a.values) || j < len(b.values) {
		if j == len(b.values) || i < len(a.values) && a.values[i] <= b.values[j] {
			s.push(a.values[i], a.counts[i])
			i++
		} else {
			s.push(b.values[j], b.counts[j])
			j++
		}
	}
	return s
}

// median returns the weighted median: the middle of the values that leave half the weight
// on either side.
func (s summary) median() float64 {
	sum := 0.0
	for i, w := range s.counts {
		sum += w
		switch {
		case 2*sum > s.weight:
			return s.values[i]
		case 2*sum == s.weight && i+1 < len(s.values):
			return s.values[i]/2 + s.values[i+1]/2
		}
	}
	return s.values[len(s.values)-1]
}

// trigamma is the derivative of the digamma function.
func trigamma(x float64) float64 { return mathext.Zeta(2, x) }

// lgamma is the logarithm of the gamma function at x > 0.
func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// digamma is the derivative of lgamma at x > 0, to full accuracy.
func digamma(x float64) float64 {
	sum := 0.0
	for ; x < 10; x++ {
		sum += 1 / x
	}
	return math.Log(x) - logLessDigamma(x) - sum
}

// logLessDigamma returns log x − ψ(x), for x > 0, which is about 1/(2x).
func logLessDigamma(x float64) float64 {
	if x < 10 {
		return math.Log(x) - digamma(x)
	}
	q := 1 / (x * x)
	return 1/(2*x) + q*(1./12-q*(1./120-q*(1./252-q*(1./240-q*(1./132-q*(691./32760-q/12))))))
}

// xlogy returns x·log y, and 0 if x is 0.
func xlogy(x, y float64) float64 {
	if x == 0 {
		return 0
	}
	return x * math.Log(y)
}
