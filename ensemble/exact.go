package ensemble

import (
	"container/heap"
	"context"
	"slices"

	"github.com/gram-ml/gram/internal/par"
)

// growth limits how far trees grow.
type growth struct {
	maxDepth, maxLeaves        int // 0 for no limit
	minSplit, minLeaf, minGain float64
	workers                    int
	*constraints
}

// An exactGrower grows a tree on sorted data. Every node has a segment, the same in
// each feature's order, and a split divides the segments stably.
type exactGrower struct {
	growth
	data      *sorted
	order     [][]entry
	criterion criterion
	tree      *grown
	total     float64 // Σw
	left      []bool  // by row, scratch of a split
	buf       [][]entry
	cuts      []cut
}

// An open node may still be split.
type open struct {
	node, depth int32
	lo, hi      int
	bounds      bounds
	groups      interaction
	best        cut
}

// parallelEntries is how many entries a node has, over all features, for its search to
// be divided among goroutines.
const parallelEntries = 1 << 14

// growExact grows a tree. The orders of data are kept unless own is set.
func growExact(ctx context.Context, g growth, data *sorted, c criterion, own bool) (*grown, error) {
	e := &exactGrower{growth: g, data: data, order: data.order, criterion: c, left: make([]bool, data.n), cuts: make([]cut, data.d)}
	switch {
	case !own && g.maxDepth == 1: // apply divides the first feature alone
		e.order = slices.Clone(data.order)
		e.order[0] = slices.Clone(data.order[0])
	case !own:
		e.order = data.clone()
	}
	e.tree = newGrown(c.outputs())
	e.buf = make([][]entry, min(par.Workers(g.workers), data.d))
	for i := range e.buf {
		e.buf[i] = make([]entry, data.n)
	}
	root := &open{hi: data.n, bounds: unbounded(), groups: g.root()}
	queue := &openQueue{ordered: g.maxLeaves > 0}
	if err := e.admit(ctx, queue, root); err != nil {
		return nil, err
	}
	for leaves := 1; queue.Len() > 0 && (g.maxLeaves == 0 || leaves < g.maxLeaves); leaves++ {
		l, r := e.apply(queue.next())
		if err := e.admit(ctx, queue, l); err != nil {
			return nil, err
		}
		if err := e.admit(ctx, queue, r); err != nil {
			return nil, err
		}
	}
	return e.tree, nil
}

// admit describes a node and puts it in the queue if it can be split.
func (e *exactGrower) admit(ctx context.Context, queue *openQueue, o *open) error {
	n := &e.tree.nodes[o.node]
	n.weight, n.impurity = e.criterion.describe(e.tree.value(o.node), e.order[0][o.lo:o.hi], o.bounds)
	if o.node == 0 {
		e.total = n.weight
	}
	if n.impurity == 0 || o.hi-o.lo < 2 || n.weight < e.minSplit || n.weight < 2*e.minLeaf || e.maxDepth > 0 && int(o.depth) >= e.maxDepth {
		return ctx.Err()
	}
	workers := e.workers
	if (o.hi-o.lo)*e.data.d < parallelEntries {
		workers = 1
	}
	err := par.ForWorker(ctx, workers, e.data.d, 1, func(worker, j, _, _ int) { e.cuts[j] = e.search(worker, j, o) })
	if err != nil {
		return err
	}
	o.best = noCut()
	for j, c := range e.cuts {
		if c.gain > o.best.gain {
			o.best = c
			o.best.feature = j
		}
	}
	if o.best.gain >= e.minGain*e.total && o.best.gain >= 0 {
		queue.add(o)
	}
	return nil
}

func (e *exactGrower) search(worker, j int, o *open) cut {
	if !e.allows(o.groups, j) {
		return noCut()
	}
	p := &part{entries: e.order[j][o.lo:o.hi], minLeaf: e.minLeaf, bounds: o.bounds, sense: e.sense(j)}
	for p.present = len(p.entries); p.present > 0 && p.entries[p.present-1].rank == missingRank; p.present-- {
	}
	if p.present == 0 || p.present == len(p.entries) && p.entries[0].rank == p.entries[p.present-1].rank {
		return noCut()
	}
	return search(e.criterion, worker, p, e.data.values[j], e.categorical[j], e.buf[worker])
}

// apply splits a node and returns its children.
func (e *exactGrower) apply(o *open) (l, r *open) {
	e.tree.split(o.node, &o.best)
	n := &e.tree.nodes[o.node]
	j := o.best.feature
	count := 0
	for _, t := range e.order[j][o.lo:o.hi] {
		left := n.missingLeft
		switch {
		case t.rank == missingRank:
		case n.set >= 0:
			left = e.tree.sets[n.set].has(int(t.rank))
		default:
			left = e.data.values[j][t.rank] <= n.threshold
		}
		e.left[t.row] = left
		if left {
			count++
		}
	}
	workers, features := e.workers, e.data.d
	if (o.hi-o.lo)*e.data.d < parallelEntries {
		workers = 1
	}
	if e.maxDepth > 0 && int(o.depth)+1 == e.maxDepth {
		features = 1 // leaves are described by the first, and not searched
	}
	// A split is not left half done: no context.
	par.ForWorker(nil, workers, features, 1, func(worker, j, _, _ int) {
		divide(e.order[j][o.lo:o.hi], e.buf[worker], e.left)
	})
	lb, rb := o.bounds.children(e.sense(j), o.best.left, o.best.right)
	groups := e.below(o.groups, j)
	l = &open{node: n.left, depth: o.depth + 1, lo: o.lo, hi: o.lo + count, bounds: lb, groups: groups}
	r = &open{node: n.left + 1, depth: o.depth + 1, lo: o.lo + count, hi: o.hi, bounds: rb, groups: groups}
	return l, r
}

// divide puts the entries whose rows go left before the others, in their order.
func divide(x, buf []entry, left []bool) {
	nl, nr := 0, 0
	for _, t := range x {
		// Both are written, and one of them counts: no branch to foresee wrongly.
		x[nl] = t
		buf[nr] = t
		b := 0
		if left[t.row] {
			b = 1
		}
		nl += b
		nr += 1 - b
	}
	copy(x[nl:], buf[:nr])
}

// openQueue hands out open nodes: the last one first, or the one of most gain first,
// the older of two.
type openQueue struct {
	ordered bool
	nodes   []*open
}

func (q *openQueue) Len() int { return len(q.nodes) }
func (q *openQueue) Less(i, j int) bool {
	a, b := q.nodes[i], q.nodes[j]
	if a.best.gain != b.best.gain {
		return a.best.gain > b.best.gain
	}
	return a.node < b.node
}
func (q *openQueue) Swap(i, j int) { q.nodes[i], q.nodes[j] = q.nodes[j], q.nodes[i] }
func (q *openQueue) Push(x any)    { q.nodes = append(q.nodes, x.(*open)) }
func (q *openQueue) Pop() any {
	last := len(q.nodes) - 1
	o := q.nodes[last]
	q.nodes[last] = nil
	q.nodes = q.nodes[:last]
	return o
}

func (q *openQueue) add(o *open) {
	if q.ordered {
		heap.Push(q, o)
	} else {
		q.Push(o)
	}
}

func (q *openQueue) next() *open {
	if q.ordered {
		return heap.Pop(q).(*open)
	}
	return q.Pop().(*open)
}
