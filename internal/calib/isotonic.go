package calib

import "sort"

// Isotonic returns the function that minimises Σ wᵢ(yᵢ − f(xᵢ))² over all that do not
// decrease, or do not increase: knots x, strictly ascending, and values there,
// between which [Interpolate] is the fit. Rows of the same x count as one with their
// mean. Of each level only the two ends are knots. O(n), by pooling of adjacent
// violators after a radix sort.
func Isotonic(x, y, w []float64, decreasing bool) (knots, values []float64) {
	sign := 1.0
	if decreasing {
		sign = -1
	}
	var p pool
	var l level // of the x at hand
	const block = 512
	var xs, ys, ws [block]float64 // of some rows in order, since reading them takes longer
	for order := inOrder(x, w); len(order) > 0; {
		part := order[:min(block, len(order))]
		order = order[len(part):]
		for k, at := range part {
			row := at.row()
			xs[k], ys[k], ws[k] = x[row]+0, sign*y[row], 1
			if w != nil {
				ws[k] = w[row]
			}
		}
		for k, v := range xs[:len(part)] {
			if v != l.lo && l.weight > 0 {
				p.push(l)
				l.weight = 0
			}
			if l.weight == 0 {
				l = level{v, v, ys[k], ws[k]}
			} else {
				l.add(ys[k], ws[k])
			}
		}
	}
	if l.weight > 0 {
		p.push(l)
	}
	for _, l := range p {
		knots, values = append(knots, l.lo), append(values, sign*l.mean)
		if l.hi > l.lo {
			knots, values = append(knots, l.hi), append(values, sign*l.mean)
		}
	}
	return knots, values
}

// A level is where a fit is constant: from lo to hi, the mean of what is there.
type level struct{ lo, hi, mean, weight float64 }

// add takes a mean of some weight. Equal means stay exactly what they are.
func (l *level) add(mean, weight float64) {
	l.weight += weight
	l.mean += (mean - l.mean) * (weight / l.weight)
}

// A pool is the levels so far, strictly ascending.
type pool []level

// push adds a level to the right and pools it with those it violates.
func (p *pool) push(l level) {
	s := *p
	for n := len(s) - 1; n >= 0 && s[n].mean >= l.mean; n-- {
		s[n].add(l.mean, l.weight)
		s[n].hi = l.hi
		l, s = s[n], s[:n]
	}
	*p = append(s, l)
}

// Interpolate returns the value at x of the function through the knots, straight
// between them and constant outside; NaN for NaN. There is one knot at least.
// O(log knots).
func Interpolate(knots, values []float64, x float64) float64 {
	if x != x {
		return x
	}
	i := sort.SearchFloat64s(knots, x)
	switch {
	case i == len(knots):
		return values[i-1]
	case i == 0 || knots[i] == x:
		return values[i]
	}
	lo, hi := values[i-1], values[i]
	if lo == hi {
		return lo
	}
	// Halves, since knots may be further apart than the largest number.
	t := (x/2 - knots[i-1]/2) / (knots[i]/2 - knots[i-1]/2)
	return lo*(1-t) + hi*t
}
