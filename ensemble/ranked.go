package ensemble

import (
	"context"
	"math/bits"
	"slices"
	"sort"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
)

// ranks is the places of rows in the order of each feature, which the best cut is found
// by.
type ranks struct {
	*sorted
	place [][]uint32 // by feature and row: where in order it is
}

func newRanks(ctx context.Context, workers int, X gram.Matrix, rows []int32, categorical []bool) (*ranks, error) {
	s, err := newSorted(ctx, workers, X, rows, categorical)
	if err != nil {
		return nil, err
	}
	r := &ranks{s, make([][]uint32, s.d)}
	err = par.For(ctx, workers, s.d, 1, func(j, _, _ int) {
		r.place[j] = make([]uint32, s.n)
		for p, e := range s.order[j] {
			r.place[j][e.row] = uint32(p)
		}
	})
	return r, err
}

// ranked finds the best cut of a feature.
//
// The items of a node are put in order by marking their places among those of the whole
// frame, in a bit each, and reading the marks in turn: O(items + frame/64), and so frames
// are made for nodes that have become small beside theirs.
type ranked struct {
	criterion criterion
	minLeaf   float64
	data      *ranks
	frame     []int32    // the rows of the items, nil for all
	order     [][]entry  // by feature, the items of the frame in order
	place     [][]uint32 // by feature and item
	marks     []uint64   // none set, between calls
	cells     []uint32   // the items at places, for a frame within this one
	entries   [2][]entry
	buf       []int32
	above     *ranked // where order and place come from, when they are first needed
	items     []int32 // of above, that are here
	sub       *ranked // memory for narrow
}

func newRanked(data *ranks, c criterion, minLeaf float64) *ranked {
	f := &ranked{criterion: c, minLeaf: minLeaf, data: data, order: data.order, place: data.place}
	f.room(data.n)
	return f
}

// room makes room for n items.
func (f *ranked) room(n int) {
	f.marks = slices.Grow(f.marks[:0], (n+63)/64)[:(n+63)/64]
	for i := range f.entries {
		f.entries[i] = slices.Grow(f.entries[i][:0], n)[:n]
	}
	f.buf = slices.Grow(f.buf[:0], n)[:n]
}

func (f *ranked) narrow(items []int32) finder {
	n := f.data.n
	if f.frame != nil {
		n = len(f.frame)
	}
	if !worthNarrowing(len(items), n) {
		return nil
	}
	if f.sub == nil {
		d := f.data.d
		f.sub = &ranked{criterion: f.criterion, minLeaf: f.minLeaf, data: f.data, above: f, order: make([][]entry, d), place: make([][]uint32, d)}
		f.cells = make([]uint32, n)
	}
	s := f.sub
	s.items = items
	s.frame = s.frame[:0]
	for _, i := range items {
		if f.frame != nil {
			i = f.frame[i]
		}
		s.frame = append(s.frame, i)
	}
	for j := range s.order {
		s.order[j] = s.order[j][:0]
	}
	s.room(len(items))
	return s
}

// inherit brings the items of the frame in the order of feature j.
func (f *ranked) inherit(j int) {
	a := f.above
	if len(a.order[j]) == 0 {
		a.inherit(j)
	}
	for item, i := range f.items {
		p := a.place[j][i]
		a.marks[p>>6] |= 1 << (p & 63)
		a.cells[p] = uint32(item)
	}
	order, place := f.order[j], slices.Grow(f.place[j][:0], len(f.items))[:len(f.items)]
	for w, mark := range a.marks {
		if mark == 0 {
			continue
		}
		a.marks[w] = 0
		for ; mark != 0; mark &= mark - 1 {
			p := w<<6 + bits.TrailingZeros64(mark)
			place[a.cells[p]] = uint32(len(order))
			order = append(order, a.order[j][p])
		}
	}
	f.order[j], f.place[j] = order, place
}

func (f *ranked) rows(items []int32) []entry {
	out := f.entries[0][:len(items)]
	for k, i := range items {
		out[k].row = i
		if f.frame != nil {
			out[k].row = f.frame[i]
		}
	}
	return out
}

// inOrder returns the items in the order of feature j.
func (f *ranked) inOrder(j int, items []int32) []entry {
	if len(f.order[j]) == 0 {
		f.inherit(j)
	}
	place, order, marks := f.place[j], f.order[j], f.marks
	for _, i := range items {
		p := place[i]
		marks[p>>6] |= 1 << (p & 63)
	}
	out := f.entries[0][:0]
	for w, mark := range marks {
		if mark == 0 {
			continue
		}
		marks[w] = 0
		for ; mark != 0; mark &= mark - 1 {
			out = append(out, order[w<<6+bits.TrailingZeros64(mark)])
		}
	}
	return out
}

func (f *ranked) find(j int, items []int32) (cut, bool) {
	p := &part{entries: f.inOrder(j, items), minLeaf: f.minLeaf, bounds: unbounded()}
	for p.present = len(p.entries); p.present > 0 && p.entries[p.present-1].rank == missingRank; p.present-- {
	}
	if p.present == 0 || p.present == len(p.entries) && p.entries[0].rank == p.entries[p.present-1].rank {
		return noCut(), false
	}
	if f.data.categorical[j] {
		return searchSets(f.criterion, 0, p, f.entries[1]), true
	}
	return searchThresholds(f.criterion, 0, p, f.data.values[j], shortMidpoint), true
}

// divide looks up the places that the cut is at and compares those of the items.
func (f *ranked) divide(c *cut, items []int32) int {
	j := c.feature
	place, order, values := f.place[j], f.order[j], f.data.values[j]
	if c.set != nil {
		return moveLeft(items, f.buf, func(i int32) bool {
			rank := order[place[i]].rank
			if rank == missingRank {
				return c.missingLeft
			}
			return c.set.has(int(rank))
		})
	}
	end := uint32(sort.Search(len(order), func(p int) bool { return order[p].rank == missingRank || values[order[p].rank] > c.threshold }))
	missing := uint32(len(order))
	if c.missingLeft && order[len(order)-1].rank == missingRank {
		missing = uint32(sort.Search(len(order), func(p int) bool { return order[p].rank == missingRank }))
	}
	return moveLeft(items, f.buf, func(i int32) bool { p := place[i]; return p < end || p >= missing })
}
