package ensemble

import (
	"slices"

	"github.com/gram-ml/gram/internal/par"
)

// sortedTable is X in the order of each feature: what exact splits are found in.
type sortedTable struct {
	*sorted
	order     [][]entry
	criterion criterion
	left      []bool // by row, scratch of a split
	buf       [][]entry
}

// newSortedTable keeps the orders of data unless own is set.
func newSortedTable(g growth, data *sorted, c criterion, own bool) *sortedTable {
	t := &sortedTable{sorted: data, order: data.order, criterion: c, left: make([]bool, data.n)}
	switch {
	case !own && g.maxDepth == 1: // the first feature alone is divided
		t.order = slices.Clone(data.order)
		t.order[0] = slices.Clone(data.order[0])
	case !own:
		t.order = data.clone()
	}
	t.buf = make([][]entry, min(par.Workers(g.workers), data.d))
	for i := range t.buf {
		t.buf[i] = make([]entry, data.n)
	}
	return t
}

func (t *sortedTable) features() int { return t.d }

func (t *sortedTable) rows(lo, hi int) []entry { return t.order[0][lo:hi] }

func (t *sortedTable) search(worker, j, lo, hi int, p *part) cut {
	p.entries = t.order[j][lo:hi]
	if !p.countPresent() {
		return noCut()
	}
	if t.categorical[j] {
		return searchSets(t.criterion, worker, p, t.buf[worker])
	}
	return searchThresholds(t.criterion, worker, p, t.values[j], midpoint)
}

func (t *sortedTable) divide(n *node, sets []categorySet, lo, hi, features, workers int) int {
	count := 0
	for _, e := range t.order[n.feature][lo:hi] {
		left := n.missingLeft
		switch {
		case e.rank == missingRank:
		case n.set >= 0:
			left = sets[n.set].has(int(e.rank))
		default:
			left = t.values[n.feature][e.rank] <= n.threshold
		}
		t.left[e.row] = left
		if left {
			count++
		}
	}
	// A split is not left half done: no context. The first feature has the rows.
	par.ForWorker(nil, workers, max(features, 1), 1, func(worker, j, _, _ int) {
		moveLeft(t.order[j][lo:hi], t.buf[worker], func(e entry) bool { return t.left[e.row] })
	})
	return count
}
