package ensemble

import (
	"context"
	"math"
	"math/bits"
	"sort"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
)

// binnedTable is X in bins, by feature: what splits between bins are found in.
type binnedTable struct {
	*binning
	columns   [][]uint8
	criterion criterion
	sums      bool       // whether the criterion is of moments, which can be summed by bin
	items     []entry    // rows, in the order of the nodes
	buf       []entry    // scratch of a division
	desks     []binsDesk // by worker
}

// A binsDesk is what one goroutine searches with.
type binsDesk struct {
	entries, buf []entry
	bins         *moments // whose rows are bins; all 0, between calls
}

// newBinnedTable puts the given rows of X, nil for all, into bins of about equal weight w, nil for
// ones. O(n·d).
func newBinnedTable(ctx context.Context, workers int, X gram.Matrix, rows []int32, w []float64, bins int, categorical []bool, c criterion) (*binnedTable, error) {
	n, d := X.Dims()
	part := X
	if rows != nil {
		n = len(rows)
		some := make([]int, n)
		for i, r := range rows {
			some[i] = int(r)
		}
		part = someRows(X, some)
	}
	b, err := newBinning(ctx, workers, part, w, bins, categorical)
	if err != nil {
		return nil, explain(X, err)
	}
	t := &binnedTable{binning: b, columns: make([][]uint8, d), criterion: c, items: make([]entry, n), buf: make([]entry, n)}
	bad := make([]error, d)
	err = eachColumn(ctx, workers, X, rows, func(j int, column []float64) {
		if categorical[j] {
			if bad[j] = checkCategories(j, column); bad[j] != nil {
				return
			}
		}
		t.columns[j] = make([]uint8, n)
		for i, v := range column {
			t.columns[j][i] = b.bin(j, v)
		}
	})
	for _, b := range bad {
		if err == nil {
			err = b
		}
	}
	if err != nil {
		return nil, err
	}
	for i := range t.items {
		t.items[i].row = int32(i)
	}
	m, ok := c.(*moments)
	t.sums = ok
	t.desks = make([]binsDesk, par.Workers(workers))
	for i := range t.desks {
		d := &t.desks[i]
		size := n
		if ok {
			d.bins = &moments{kind: m.kind, offset: m.offset, rows: make([]moment, binCount)}
			size = binCount
		}
		d.entries, d.buf = make([]entry, size), make([]entry, size)
	}
	return t, nil
}

func (t *binnedTable) features() int           { return len(t.columns) }
func (t *binnedTable) rows(lo, hi int) []entry { return t.items[lo:hi] }

func (t *binnedTable) search(worker, j, lo, hi int, p *part) cut {
	desk, c := &t.desks[worker], t.criterion
	if t.sums {
		c = desk.bins
		p.entries = desk.add(t.columns[j], t.criterion.(*moments).rows, t.items[lo:hi])
		defer desk.clear()
	} else {
		p.entries = desk.order(t.columns[j], t.items[lo:hi])
	}
	if !p.countPresent() {
		return noCut()
	}
	if t.cuts[j] == nil {
		return searchSets(c, worker, p, desk.buf)
	}
	return searchThresholds(c, worker, p, binNumbers[:], func(a, b float64) float64 { return t.edge(j, a, b) })
}

// edge returns a threshold between bins a and b of feature j, the middle one; b may be infinite.
func (t *binnedTable) edge(j int, a, b float64) float64 {
	cuts := t.cuts[j]
	if math.IsInf(b, 1) {
		return math.MaxFloat64
	}
	return cuts[(int(a)+int(b)-1)/2]
}

// binNumbers are the numbers of bins, in place of values.
var binNumbers = func() (out [missingBin]float64) {
	for i := range out {
		out[i] = float64(i)
	}
	return out
}()

// add adds up the moments of some rows by bin, and returns the bins that have any, missing
// values last.
func (d *binsDesk) add(column []uint8, rows []moment, items []entry) []entry {
	var seen [4]uint64
	bins := d.bins.rows
	for _, e := range items {
		b, m := column[e.row], rows[e.row]
		bins[b].w += m.w
		bins[b].wy += m.wy
		seen[b>>6] |= 1 << (b & 63)
	}
	d.entries = d.entries[:0]
	for word, set := range seen {
		for ; set != 0; set &= set - 1 {
			b := word<<6 + bits.TrailingZeros64(set)
			e := entry{int32(b), uint32(b)}
			if b == missingBin {
				e.rank = missingRank
			}
			d.entries = append(d.entries, e)
		}
	}
	return d.entries
}

// clear takes what add added away.
func (d *binsDesk) clear() {
	for _, e := range d.entries {
		d.bins.rows[e.row] = moment{}
	}
}

// order returns rows in the order of their bins, which are their ranks.
func (d *binsDesk) order(column []uint8, items []entry) []entry {
	var start [binCount + 1]int32
	for _, e := range items {
		start[int(column[e.row])+1]++
	}
	for b := range binCount {
		start[b+1] += start[b]
	}
	out := d.entries[:len(items)]
	for _, e := range items {
		b := column[e.row]
		rank := uint32(b)
		if b == missingBin {
			rank = missingRank
		}
		out[start[b]] = entry{e.row, rank}
		start[b]++
	}
	return out
}

func (t *binnedTable) divide(n *node, sets []categorySet, lo, hi int, _, _ int) int {
	var left [binCount]bool
	left[missingBin] = n.missingLeft
	if n.set >= 0 {
		for b := range missingBin {
			left[b] = sets[n.set].has(b)
		}
	} else {
		cuts := t.cuts[n.feature]
		last := sort.SearchFloat64s(cuts, n.threshold) // of the bins that go left
		for b := range min(last+1, missingBin) {
			left[b] = true
		}
	}
	column, items := t.columns[n.feature], t.items[lo:hi]
	return moveLeft(items, t.buf, func(e entry) bool { return left[column[e.row]] })
}
