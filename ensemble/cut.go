package ensemble

import (
	"math"
	"slices"
)

// A cut is a way to split a node.
type cut struct {
	feature     int
	gain        float64 // what it takes from Σw·impurity; −1 if there is no cut
	threshold   float64
	set         *categorySet // the categories that go left, nil for a threshold
	missingLeft bool
	final       bool    // whether both children are leaves, of the classes left and right
	left, right float64 // the values of the children, where there is one value
	// Of finders that defer thresholds: the ranks, or bins, on both sides, to above from; 0 otherwise.
	from, to uint32
}

func noCut() cut { return cut{gain: -1} }

// A part is a node's rows in the order of one feature, as a criterion searches them.
type part struct {
	entries []entry // those with a value, then those without
	present int     // how many have a value
	minLeaf float64
	bounds  bounds
	sense   int8
}

// countPresent sets how many entries have a value and tells whether there is anything to cut.
func (p *part) countPresent() bool {
	for p.present = len(p.entries); p.present > 0 && p.entries[p.present-1].rank == missingRank; p.present-- {
	}
	return p.present > 0 && (p.present < len(p.entries) || p.entries[0].rank != p.entries[p.present-1].rank)
}

// A place is where a part is cut: the first at entries go left.
type place struct {
	gain        float64
	at          int
	missingLeft bool
	left, right float64
}

func noPlace() place { return place{gain: -1} }

// A criterion tells how impure a node is and which cut of it is best.
type criterion interface {
	outputs() int
	// describe sets value to the node's and returns its weight and impurity, which
	// is 0 only if there is nothing left to split.
	describe(value []float64, rows []entry, b bounds) (weight, impurity float64)
	// scan returns the best place of a part. Several goroutines may call it, each
	// with a number of its own.
	scan(worker int, p *part) place
	// rankings returns keys by which to order the categories of a part: for each of
	// them a score by category that the best set is an interval of.
	rankings(worker int, rows []entry) [][maxCategories]float64
}

// searchThresholds returns the best cut by a threshold, which between returns for the
// values on both sides.
func searchThresholds(c criterion, worker int, p *part, values []float64, between func(a, b float64) float64) cut {
	best := c.scan(worker, p)
	out := cut{gain: best.gain, missingLeft: best.missingLeft, left: best.left, right: best.right}
	switch {
	case best.gain < 0:
	case best.at == p.present: // the values from the missing ones
		out.threshold = between(values[p.entries[best.at-1].rank], math.Inf(1))
	default:
		out.threshold = between(values[p.entries[best.at-1].rank], values[p.entries[best.at].rank])
	}
	return out
}

// searchSets returns the best set of categories, among those that are intervals of an
// order of the criterion. A category that the node has not seen goes with the heavier
// child, as missing values do that were never seen.
func searchSets(c criterion, worker int, p *part, buf []entry) cut {
	best := noCut()
	for _, score := range c.rankings(worker, p.entries[:p.present]) {
		entries := buf[:len(p.entries)]
		order, seen := orderCategories(entries, p, &score)
		q := *p
		q.entries = entries
		found := c.scan(worker, &q)
		if found.gain <= best.gain {
			continue
		}
		set := &categorySet{}
		last := entries[found.at-1].rank
		for rank, code := range order {
			if uint32(rank) <= last {
				set.add(code)
			}
		}
		best = cut{gain: found.gain, set: set, missingLeft: found.missingLeft, left: found.left, right: found.right}
		if best.missingLeft {
			for code := range maxCategories {
				if !seen[code] {
					set.add(code)
				}
			}
		}
	}
	return best
}

// orderCategories fills entries with those of p in the order of the categories'
// scores, ranked by it, and returns that order and which categories there are.
func orderCategories(entries []entry, p *part, score *[maxCategories]float64) (order []int, seen [maxCategories]bool) {
	var start [maxCategories + 1]int
	for _, e := range p.entries[:p.present] {
		start[e.rank]++
		seen[e.rank] = true
	}
	for code, ok := range seen {
		if ok {
			order = append(order, code)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case score[a] < score[b]:
			return -1
		case score[a] > score[b]:
			return 1
		}
		return 0
	})
	var rankOf [maxCategories]uint32
	at := 0
	for rank, code := range order {
		count := start[code]
		start[code] = at
		at += count
		rankOf[code] = uint32(rank)
	}
	for _, e := range p.entries[:p.present] {
		entries[start[e.rank]] = entry{e.row, rankOf[e.rank]}
		start[e.rank]++
	}
	copy(entries[p.present:], p.entries[p.present:])
	return order, seen
}
