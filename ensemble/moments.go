package ensemble

import "math"

// A moment is a row as criteria see it that need Σw and Σwy of a node alone.
type moment struct{ w, wy float64 }

// moments is the criterion of regression by squares and Poisson deviance, and of two
// classes, whose impurities are functions of the mean: 2p(1−p) is twice a variance.
type moments struct {
	kind   Criterion
	rows   []moment // y less offset
	y      []float64
	offset float64
	ones   bool // whether all weights are 1
}

// newMoments returns the criterion for targets y of weights w, nil for ones.
func newMoments(kind Criterion, y, w []float64) *moments {
	m := &moments{kind: kind, y: y, rows: make([]moment, len(y))}
	m.weigh(w)
	return m
}

// weigh changes the weights.
func (m *moments) weigh(w []float64) {
	if m.kind == SquaredError {
		m.offset = weightedMean(m.y, w)
	}
	m.ones = w == nil
	for i, v := range m.y {
		m.rows[i] = moment{1, v - m.offset}
		if w != nil {
			m.rows[i] = moment{w[i], w[i] * (v - m.offset)}
		}
	}
}

func weightedMean(y, w []float64) float64 {
	if w == nil {
		sum := 0.0
		for _, v := range y {
			sum += v
		}
		return sum / float64(len(y))
	}
	sum, total := 0.0, 0.0
	for i, v := range y {
		sum += w[i] * v
		total += w[i]
	}
	return sum / total
}

// newBinary returns the criterion for labels 0 and 1.
func newBinary(kind Criterion, labels []int, w []float64) *moments {
	y := make([]float64, len(labels))
	for i, c := range labels {
		y[i] = float64(c)
	}
	return newMoments(kind, y, w)
}

func (m *moments) classes() bool { return m.kind == Gini || m.kind == Entropy }

func (m *moments) outputs() int {
	if m.classes() {
		return 2
	}
	return 1
}

func (m *moments) describe(value []float64, rows []entry, b bounds) (weight, impurity float64) {
	var s moment
	first := m.y[rows[0].row]
	pure := true
	for _, t := range rows {
		r := m.rows[t.row]
		s.w += r.w
		s.wy += r.wy
		pure = pure && m.y[t.row] == first
	}
	mean := s.wy/s.w + m.offset
	if pure {
		mean = first
	}
	v := b.clip(mean)
	if m.classes() {
		value[0], value[1] = 1-v, v
	} else {
		value[0] = v
	}
	if pure {
		return s.w, 0
	}
	return s.w, m.impurity(rows, mean, s.w)
}

func (m *moments) impurity(rows []entry, mean, weight float64) float64 {
	switch m.kind {
	case Gini:
		return 2 * mean * (1 - mean)
	case Entropy:
		return -xlogy(mean, mean) - xlogy(1-mean, 1-mean)
	}
	sum := 0.0
	for _, t := range rows {
		y := m.y[t.row]
		e := (y - mean) * (y - mean)
		if m.kind == Poisson {
			e = xlogy(y, y/mean) - (y - mean)
		}
		sum += m.rows[t.row].w * e
	}
	return sum / weight
}

// xlogy returns x·log y, 0 for x = 0.
func xlogy(x, y float64) float64 {
	if x == 0 {
		return 0
	}
	return x * math.Log(y)
}

// loss returns Σ of the loss at value v of rows with the given sums, but for what does
// not depend on v.
func (m *moments) loss(w, wy, v float64) float64 {
	switch m.kind {
	case Gini:
		return 2 * (w*v*v - 2*wy*v)
	case Entropy:
		p := min(max(wy/w, 0), 1) // of a pure side exactly 0 or 1, whatever sums are rounded to
		return -w * (xlogy(p, v) + xlogy(1-p, 1-v))
	case Poisson:
		return w*v - xlogy(wy, v)
	}
	return w*v*v - 2*wy*v
}

func (m *moments) scan(_ int, p *part) place {
	var total, missing moment
	for i, t := range p.entries {
		r := m.rows[t.row]
		total.w += r.w
		total.wy += r.wy
		if i >= p.present {
			missing.w += r.w
			missing.wy += r.wy
		}
	}
	scan := m.scanAny
	if (m.kind == SquaredError || m.kind == Gini) && p.sense == 0 && p.bounds == unbounded() {
		scan = m.scanSquares
	}
	best := noPlace()
	if p.present < len(p.entries) {
		best = scan(p, missing, total, p.present-1, best)
		best.missingLeft = best.gain >= 0
		return scan(p, moment{}, total, p.present, best)
	}
	return scan(p, moment{}, total, p.present-1, best)
}

// scanSquares looks at the places before end, with start on the left already. The gain
// is wL·wR/w·(meanL−meanR)², a difference that does not cancel.
func (m *moments) scanSquares(p *part, start, total moment, end int, best place) place {
	left := start
	entries := p.entries
	scale := 1 / total.w
	if m.kind == Gini {
		scale *= 2
	}
	top := best.gain / scale
	for i := range end {
		r := m.rows[entries[i].row]
		left.w += r.w
		left.wy += r.wy
		if i+1 < p.present && entries[i].rank == entries[i+1].rank {
			continue
		}
		rw := total.w - left.w
		if left.w < p.minLeaf || rw < p.minLeaf || rw <= 0 {
			continue
		}
		diff := left.wy*rw - (total.wy-left.wy)*left.w
		if gain := diff * diff / (left.w * rw); gain > top {
			top = gain
			best = place{gain * scale, i + 1, false, 0, 0}
			if start.w == 0 && p.present == len(entries) {
				best.missingLeft = left.w >= rw
			} else {
				best.missingLeft = start.w > 0
			}
			best.left, best.right = left.wy/left.w+m.offset, (total.wy-left.wy)/rw+m.offset
		}
	}
	return best
}

// scanAny is scanSquares for any loss and with limits on the values.
func (m *moments) scanAny(p *part, start, total moment, end int, best place) place {
	left := start
	limit := bounds{p.bounds.lo - m.offset, p.bounds.hi - m.offset}
	whole := m.loss(total.w, total.wy, limit.clip(total.wy/total.w))
	for i := range end {
		r := m.rows[p.entries[i].row]
		left.w += r.w
		left.wy += r.wy
		if i+1 < p.present && p.entries[i].rank == p.entries[i+1].rank {
			continue
		}
		right := moment{total.w - left.w, total.wy - left.wy}
		if left.w < p.minLeaf || right.w < p.minLeaf || right.w <= 0 {
			continue
		}
		if m.kind == Poisson && (left.wy <= 0 || right.wy <= 0) {
			continue // a mean of 0 would make any event impossible
		}
		l, r2 := limit.clip(left.wy/left.w), limit.clip(right.wy/right.w)
		if m.classes() {
			l, r2 = min(max(l, 0), 1), min(max(r2, 0), 1) // rounding
		}
		if !ordered(p.sense, l, r2) {
			continue
		}
		gain := max(whole-m.loss(left.w, left.wy, l)-m.loss(right.w, right.wy, r2), 0)
		if gain > best.gain {
			best = place{gain, i + 1, start.w > 0, l + m.offset, r2 + m.offset}
			if start.w == 0 && p.present == len(p.entries) {
				best.missingLeft = left.w >= right.w
			}
		}
	}
	return best
}

// rankings orders categories by their mean, which is best for convex losses (Fisher).
func (m *moments) rankings(_ int, rows []entry) [][maxCategories]float64 {
	var s [maxCategories]moment
	for _, t := range rows {
		r := m.rows[t.row]
		s[t.rank].w += r.w
		s[t.rank].wy += r.wy
	}
	var score [maxCategories]float64
	for c, v := range s {
		if v.w > 0 {
			score[c] = v.wy / v.w
		}
	}
	return [][maxCategories]float64{score}
}
