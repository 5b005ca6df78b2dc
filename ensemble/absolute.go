package ensemble

import (
	"math"
	"slices"
)

// absolute is the criterion of regression by absolute deviations from the median.
type absolute struct {
	y, w    []float64
	scratch []*medians // by worker
}

func newAbsolute(y, w []float64, workers int) *absolute {
	a := &absolute{y: y, w: w, scratch: make([]*medians, workers)}
	for i := range a.scratch {
		a.scratch[i] = &medians{rank: make([]int32, len(y))}
	}
	return a
}

func (a *absolute) outputs() int { return 1 }

func (a *absolute) weight(row int32) float64 {
	if a.w == nil {
		return 1
	}
	return a.w[row]
}

func (a *absolute) describe(value []float64, rows []entry, b bounds) (weight, impurity float64) {
	m := a.scratch[0]
	m.reset(a, rows)
	for _, t := range rows {
		m.add(t.row, 1)
	}
	median, loss := m.median()
	value[0] = b.clip(median)
	return m.weight, loss / m.weight
}

// scan finds the loss of every place's left side by adding rows in order, then that of
// its right side by adding them from the other end.
func (a *absolute) scan(worker int, p *part) place {
	m := a.scratch[worker]
	m.reset(a, p.entries)
	m.addAll(p.entries)
	whole := a.side(m, p.bounds).loss
	best := a.pass(m, p, whole, false, noPlace())
	if p.present < len(p.entries) {
		best = a.pass(m, p, whole, true, best)
	}
	return best
}

// side is one side of a place: its weight, value and loss.
type side struct{ weight, value, loss float64 }

func (a *absolute) side(m *medians, b bounds) side {
	median, loss := m.median()
	if v := b.clip(median); v != median {
		return side{m.weight, v, m.lossAt(v)}
	}
	return side{m.weight, median, loss}
}

// pass looks at all places with the missing values on one side; whole is the loss
// without a cut.
func (a *absolute) pass(m *medians, p *part, whole float64, missingLeft bool, best place) place {
	end := p.present - 1
	if p.present < len(p.entries) && !missingLeft {
		end = p.present
	}
	if end <= 0 {
		return best
	}
	missing := p.entries[p.present:]
	m.clear()
	if missingLeft {
		m.addAll(missing)
	}
	m.left = slices.Grow(m.left[:0], end)[:end]
	for i := range end {
		m.add(p.entries[i].row, 1)
		m.left[i] = a.side(m, p.bounds)
	}
	m.clear()
	if !missingLeft {
		m.addAll(missing)
	}
	for i := p.present - 1; i >= end; i-- {
		m.add(p.entries[i].row, 1)
	}
	for i := end - 1; i >= 0; i-- {
		if i+1 == p.present || p.entries[i].rank != p.entries[i+1].rank {
			l, r := m.left[i], a.side(m, p.bounds)
			gain := max(whole-l.loss-r.loss, 0)
			// The first of equals, as the other criteria have it.
			if l.weight >= p.minLeaf && r.weight >= p.minLeaf && ordered(p.sense, l.value, r.value) && (gain > best.gain || gain == best.gain && missingLeft == best.missingLeft) {
				best = place{gain, i + 1, missingLeft, l.value, r.value}
				if len(missing) == 0 {
					best.missingLeft = l.weight >= r.weight
				}
			}
		}
		m.add(p.entries[i].row, 1)
	}
	return best
}

func (a *absolute) rankings(worker int, rows []entry) [][maxCategories]float64 {
	var by [maxCategories][]entry
	for _, t := range rows {
		by[t.rank] = append(by[t.rank], t)
	}
	var score [maxCategories]float64
	m := a.scratch[worker]
	for c, rows := range by {
		if rows != nil {
			m.reset(a, rows)
			m.addAll(rows)
			score[c], _ = m.median()
		}
	}
	return [][maxCategories]float64{score}
}

// medians keeps a weighted multiset of targets under insertion and knows its median:
// Fenwick trees over the targets' ranks hold Σw and Σwy. Each step is O(log n).
type medians struct {
	a             *absolute
	rank          []int32   // by row
	y             []float64 // by rank
	w, wy         []float64 // Fenwick trees, from 1
	weight, total float64   // Σw and Σwy
	left          []side
}

// reset ranks the targets of the rows and empties the set.
func (m *medians) reset(a *absolute, rows []entry) {
	m.a = a
	order := make([]int32, len(rows))
	for i, t := range rows {
		order[i] = t.row
	}
	slices.SortFunc(order, func(i, j int32) int {
		switch {
		case a.y[i] < a.y[j]:
			return -1
		case a.y[i] > a.y[j]:
			return 1
		}
		return 0
	})
	m.y = m.y[:0]
	for i, row := range order {
		if i == 0 || a.y[row] != a.y[order[i-1]] {
			m.y = append(m.y, a.y[row])
		}
		m.rank[row] = int32(len(m.y))
	}
	m.w = slices.Grow(m.w[:0], len(m.y)+1)[:len(m.y)+1]
	m.wy = slices.Grow(m.wy[:0], len(m.y)+1)[:len(m.y)+1]
	m.clear()
}

func (m *medians) clear() {
	clear(m.w)
	clear(m.wy)
	m.weight, m.total = 0, 0
}

func (m *medians) add(row int32, times float64) {
	w := times * m.a.weight(row)
	wy := w * m.a.y[row]
	for i := m.rank[row]; int(i) < len(m.w); i += i & -i {
		m.w[i] += w
		m.wy[i] += wy
	}
	m.weight += w
	m.total += wy
}

func (m *medians) addAll(rows []entry) {
	for _, t := range rows {
		m.add(t.row, 1)
	}
}

// median returns the weighted median, between two targets if both are one, and the sum
// of the absolute deviations from it.
func (m *medians) median() (median, loss float64) {
	half := m.weight / 2
	at, below, belowY := m.descend(half, false)
	lower := m.y[min(at, len(m.y)-1)]
	upper := lower
	if next, w, _ := m.descend(half, true); w <= half && next > at && next < len(m.y) {
		upper = m.y[next]
	}
	median = lower/2 + upper/2
	// below counts targets under lower alone.
	return median, m.deviation(median, at, below, belowY)
}

// deviation returns Σw|y−v| where at targets, with the given sums, are below the first
// that may equal v.
func (m *medians) deviation(v float64, at int, below, belowY float64) float64 {
	if at < len(m.y) && m.y[at] < v {
		below += m.sum(m.w, at+1) - below
		belowY += m.sum(m.wy, at+1) - belowY
	}
	loss := v*below - belowY + (m.total - belowY) - v*(m.weight-below)
	return max(loss, 0)
}

// lossAt returns Σw|y−v|.
func (m *medians) lossAt(v float64) float64 {
	at, _ := slices.BinarySearch(m.y, v)
	return m.deviation(v, at, m.sum(m.w, at), m.sum(m.wy, at))
}

// sum returns the sum of the first n elements of a Fenwick tree.
func (m *medians) sum(tree []float64, n int) float64 {
	s := 0.0
	for ; n > 0; n &= n - 1 {
		s += tree[n]
	}
	return s
}

// descend returns the most targets whose weights sum to less than limit, or to no more
// than it, with their sums.
func (m *medians) descend(limit float64, orEqual bool) (at int, w, wy float64) {
	for step := 1 << int(math.Log2(float64(len(m.y)))); step > 0; step >>= 1 {
		next := at + step
		if next >= len(m.w) {
			continue
		}
		if s := w + m.w[next]; s < limit || orEqual && s == limit {
			at, w, wy = next, s, wy+m.wy[next]
		}
	}
	return at, w, wy
}
