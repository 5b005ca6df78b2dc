package ensemble

// classCounts is the criterion of more than two classes.
type classCounts struct {
	kind   Criterion
	k      int
	labels []int32
	w      []float64
	counts [][2][]float64 // of a scan's two sides, by worker
}

func newClassCounts(kind Criterion, labels []int, k int, w []float64, workers int) *classCounts {
	c := &classCounts{kind: kind, k: k, w: w, labels: make([]int32, len(labels)), counts: make([][2][]float64, workers)}
	for i, v := range labels {
		c.labels[i] = int32(v)
	}
	for i := range c.counts {
		c.counts[i] = [2][]float64{make([]float64, k), make([]float64, k)}
	}
	return c
}

func (c *classCounts) outputs() int { return c.k }

func (c *classCounts) weight(row int32) float64 {
	if c.w == nil {
		return 1
	}
	return c.w[row]
}

func (c *classCounts) describe(value []float64, rows []entry, _ bounds) (weight, impurity float64) {
	clear(value)
	for _, t := range rows {
		value[c.labels[t.row]] += c.weight(t.row)
	}
	used := 0
	for _, v := range value {
		weight += v
		if v > 0 {
			used++
		}
	}
	for k := range value {
		value[k] /= weight
	}
	if used < 2 {
		return weight, 0
	}
	if c.kind == Gini {
		impurity = 1
	}
	for _, p := range value {
		if c.kind == Gini {
			impurity -= p * p
		} else {
			impurity -= xlogy(p, p)
		}
	}
	return weight, impurity
}

// term is the part of a side's score that one class has.
func (c *classCounts) term(count float64) float64 {
	if c.kind == Gini {
		return count * count
	}
	return xlogy(count, count)
}

// score returns −Σw·impurity of a side of weight w, but for what two sides share.
func (c *classCounts) score(sum, w float64) float64 {
	if c.kind == Gini {
		return sum / w
	}
	return sum - xlogy(w, w)
}

func (c *classCounts) scan(worker int, p *part) place {
	best := c.pass(worker, p, false, noPlace())
	if p.present < len(p.entries) {
		best = c.pass(worker, p, true, best)
	}
	return best
}

// pass looks at all places with the missing values on one side.
func (c *classCounts) pass(worker int, p *part, missingLeft bool, best place) place {
	left, right := c.counts[worker][0], c.counts[worker][1]
	clear(left)
	clear(right)
	for i, t := range p.entries {
		if i >= p.present && missingLeft {
			left[c.labels[t.row]] += c.weight(t.row)
		} else {
			right[c.labels[t.row]] += c.weight(t.row)
		}
	}
	var lw, rw, ls, rs, all float64
	for k := range left {
		lw += left[k]
		rw += right[k]
		ls += c.term(left[k])
		rs += c.term(right[k])
		all += c.term(left[k] + right[k])
	}
	whole := c.score(all, lw+rw)
	end := p.present - 1
	if p.present < len(p.entries) && !missingLeft {
		end = p.present
	}
	for i := range end {
		row := p.entries[i].row
		k, w := c.labels[row], c.weight(row)
		ls -= c.term(left[k])
		rs -= c.term(right[k])
		left[k] += w
		right[k] -= w
		ls += c.term(left[k])
		rs += c.term(right[k])
		lw += w
		rw -= w
		if i+1 < p.present && p.entries[i].rank == p.entries[i+1].rank || lw < p.minLeaf || rw < p.minLeaf || rw <= 0 {
			continue
		}
		gain := max(c.score(ls, lw)+c.score(rs, rw)-whole, 0)
		if gain > best.gain {
			best = place{gain: gain, at: i + 1, missingLeft: missingLeft}
			if p.present == len(p.entries) {
				best.missingLeft = lw >= rw
			}
		}
	}
	return best
}

// rankings orders categories by the share of each class in turn: with more than two
// classes no single order has the best set for certain.
func (c *classCounts) rankings(_ int, rows []entry) [][maxCategories]float64 {
	out := make([][maxCategories]float64, c.k)
	var total [maxCategories]float64
	for _, t := range rows {
		w := c.weight(t.row)
		out[c.labels[t.row]][t.rank] += w
		total[t.rank] += w
	}
	for k := range out {
		for code, w := range total {
			if w > 0 {
				out[k][code] /= w
			}
		}
	}
	return out
}
