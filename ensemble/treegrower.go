package ensemble

import (
	"container/heap"
	"context"

	"github.com/gram-ml/gram/internal/par"
)

// growth limits how far trees grow.
type growth struct {
	maxDepth, maxLeaves        int // 0 for no limit
	minSplit, minLeaf, minGain float64
	workers                    int
	*constraints
}

// A treeTable is the training data of one tree: rows by feature. The rows of a node are a segment, and a
// split divides segments stably.
type treeTable interface {
	features() int
	// rows returns those of a segment, in some order.
	rows(lo, hi int) []entry
	// search returns the best cut of a segment by feature j that p allows, whose entries it
	// sets. Several goroutines may call it, each with a number of its own.
	search(worker, j, lo, hi int, p *part) cut
	// divide puts the rows of a segment that go left at n first, and returns how many do. Only
	// so many features will be searched in it again.
	divide(n *node, sets []categorySet, lo, hi, features, workers int) int
}

// A treeGrower grows a tree.
type treeGrower struct {
	growth
	data      treeTable
	criterion criterion
	tree      *grown
	total     float64 // Σw
	found     []cut   // by feature
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

// growTree grows a tree.
func growTree(ctx context.Context, g growth, data treeTable, c criterion, n int) (*grown, error) {
	e := &treeGrower{growth: g, data: data, criterion: c, found: make([]cut, data.features()), tree: newGrown(c.outputs())}
	root := &open{hi: n, bounds: unbounded(), groups: g.root()}
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
func (e *treeGrower) admit(ctx context.Context, queue *openQueue, o *open) error {
	n := &e.tree.nodes[o.node]
	n.weight, n.impurity = e.criterion.describe(e.tree.value(o.node), e.data.rows(o.lo, o.hi), o.bounds)
	if o.node == 0 {
		e.total = n.weight
	}
	if n.impurity == 0 || o.hi-o.lo < 2 || n.weight < e.minSplit || n.weight < 2*e.minLeaf || e.maxDepth > 0 && int(o.depth) >= e.maxDepth {
		return ctx.Err()
	}
	err := par.ForWorker(ctx, e.workersFor(o), len(e.found), 1, func(worker, j, _, _ int) { e.found[j] = e.search(worker, j, o) })
	if err != nil {
		return err
	}
	o.best = noCut()
	for j, c := range e.found {
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

// workersFor returns how many goroutines a node is worth.
func (e *treeGrower) workersFor(o *open) int {
	if (o.hi-o.lo)*len(e.found) < parallelEntries {
		return 1
	}
	return e.workers
}

func (e *treeGrower) search(worker, j int, o *open) cut {
	if !e.allows(o.groups, j) {
		return noCut()
	}
	return e.data.search(worker, j, o.lo, o.hi, &part{minLeaf: e.minLeaf, bounds: o.bounds, sense: e.sense(j)})
}

// apply splits a node and returns its children.
func (e *treeGrower) apply(o *open) (l, r *open) {
	e.tree.split(o.node, &o.best)
	n := &e.tree.nodes[o.node]
	features := len(e.found)
	if e.maxDepth > 0 && int(o.depth)+1 == e.maxDepth {
		features = 0 // leaves are described, and not searched
	}
	count := e.data.divide(n, e.tree.sets, o.lo, o.hi, features, e.workersFor(o))
	lb, rb := o.bounds.children(e.sense(o.best.feature), o.best.left, o.best.right)
	groups := e.below(o.groups, o.best.feature)
	l = &open{node: n.left, depth: o.depth + 1, lo: o.lo, hi: o.lo + count, bounds: lb, groups: groups}
	r = &open{node: n.left + 1, depth: o.depth + 1, lo: o.lo + count, hi: o.hi, bounds: rb, groups: groups}
	return l, r
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
