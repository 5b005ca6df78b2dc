package linear

import "math"

// The functions here turn a block of scores into what the fits need of it. A
// block has one row a sample and cols columns: one for two classes, where the
// score is the log-odds of class 1, and otherwise one a class. Exponents are
// always ≤ 0 and taken for the whole block at once.

// addBias adds bias to every row of z.
func addBias(z, bias []float64) {
	if len(bias) == 1 {
		for i := range z {
			z[i] += bias[0]
		}
		return
	}
	for ; len(z) > 0; z = z[len(bias):] {
		for k, b := range bias {
			z[k] += b
		}
	}
}

// residuals replaces the scores z by the derivatives of the weighted log-loss
// with respect to them and returns that loss, together with the smallest margin
// by which a sample of positive weight is on the right side. tmp has a place for
// two numbers a sample.
func residuals(z []float64, cols int, y []int, w, tmp []float64) (loss, margin float64) {
	if cols == 1 {
		return binaryResiduals(z, y, w, tmp)
	}
	return multiResiduals(z, cols, y, w, tmp)
}

func binaryResiduals(z []float64, y []int, w, tmp []float64) (loss, margin float64) {
	e := tmp[:len(z)]
	for i, v := range z {
		e[i] = -math.Abs(v)
	}
	expSlice(e, e)
	margin = math.Inf(1)
	logs := logProduct{1, 0}
	const one = 0x3ff0000000000000 // the bits of 1
	y, w = y[:len(z)], w[:len(z)]
	for i, v := range z {
		sign := float64(2*y[i] - 1)
		m := v * sign
		// σ(−m) is e/(1+e) where m ≥ 0, and 1/(1+e) where not. Which, no branch could
		// predict.
		negative := uint64(int64(math.Float64bits(m)) >> 63)
		top := math.Float64frombits(math.Float64bits(e[i])&^negative | one&negative)
		loss += w[i] * max(-m, 0)
		if w[i] == 1 {
			logs.add(e[i])
		} else {
			loss += w[i] * math.Log1p(e[i])
		}
		z[i] = -sign * w[i] * top / (1 + e[i])
		if m < margin && w[i] > 0 {
			margin = m
		}
		if v != v { // comparisons are blind to it
			loss = v
		}
	}
	return loss + logs.sum(), margin
}

// logProduct adds up log(1 + e) for 0 ≤ e ≤ 1: most of it by one logarithm of a product.
type logProduct struct{ product, rest float64 }

func (l *logProduct) add(e float64) {
	if e < 1e-8 {
		l.rest += e // less e²/2
		return
	}
	if l.product *= 1 + e; l.product > 1e300 {
		l.rest += math.Log(l.product)
		l.product = 1
	}
}

func (l *logProduct) sum() float64 { return l.rest + math.Log(l.product) }

func multiResiduals(z []float64, k int, y []int, w, tmp []float64) (loss, margin float64) {
	n := len(y)
	right, rest := tmp[:n], tmp[n:2*n]
	margin = math.Inf(1)
	for i, c := range y {
		row := z[i*k : (i+1)*k]
		v := row[c]
		row[c] = math.Inf(-1)
		top := maxOf(row)
		if v-top < margin && w[i] > 0 {
			margin = v - top
		}
		row[c] = v
		top = max(top, v)
		for j := range row {
			row[j] -= top
		}
		right[i] = row[c]
	}
	normalize(z, k, rest)
	for i, c := range y {
		row := z[i*k : (i+1)*k]
		loss += w[i] * (math.Log1p(rest[i]) - right[i])
		row[c]--
		for j := range row {
			row[j] *= w[i]
		}
	}
	return loss, margin
}

// maxOf returns the largest element, NaN if there is one.
func maxOf(x []float64) float64 {
	m := math.Inf(-1)
	for _, v := range x {
		if v > m || v != v {
			m = v
		}
	}
	return m
}

// normalize replaces the rows of z, whose maxima are zero, by the softmax, and
// sets rest[i] to Σ exp(z) over row i without its maximum, so that
// log-sum-exp(z) is log1p(rest[i]).
func normalize(z []float64, k int, rest []float64) {
	expSlice(z, z)
	for i := range rest {
		row := z[i*k : (i+1)*k]
		s, met := 0.0, false
		for _, e := range row {
			if e == 1 && !met {
				met = true
				continue
			}
			s += e
		}
		rest[i] = s
		if !met {
			rest[i]-- // the maximum is in s: an exp(0) off by rounding, or a NaN
		}
		inv := 1 / (1 + s)
		for j := range row {
			row[j] *= inv
		}
	}
}

// probabilities replaces the scores z by the probabilities of class 1 (cols 1)
// or of every class. tmp has a place for one number a sample.
func probabilities(z []float64, cols int, tmp []float64) {
	if cols > 1 {
		subtractMax(z, cols)
		normalize(z, cols, tmp[:len(z)/cols])
		return
	}
	e := tmp[:len(z)]
	for i, v := range z {
		e[i] = -math.Abs(v)
	}
	expSlice(e, e)
	for i, v := range z {
		z[i] = sigmoidOf(v, e[i])
	}
}

func subtractMax(z []float64, k int) {
	for ; len(z) > 0; z = z[k:] {
		top := maxOf(z[:k])
		for j := range k {
			z[j] -= top
		}
	}
}

// sigmoidOf returns 1/(1+exp(−z)), given e = exp(−|z|).
func sigmoidOf(z, e float64) float64 {
	p := 1 / (1 + e)
	if z < 0 {
		return e * p
	}
	return p
}

// logSigmoid returns log(1/(1+exp(−z))).
func logSigmoid(z float64) float64 {
	return min(z, 0) - math.Log1p(math.Exp(-math.Abs(z)))
}

// logProbabilities replaces every row of k scores by the logarithms of its
// softmax.
func logProbabilities(z []float64, k int) {
	subtractMax(z, k)
	for ; len(z) > 0; z = z[k:] {
		s, met := 0.0, false
		for _, v := range z[:k] {
			if v == 0 && !met {
				met = true
				continue
			}
			s += math.Exp(v)
		}
		lse := math.Log1p(s)
		for j := range k {
			z[j] -= lse
		}
	}
}
