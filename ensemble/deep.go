package ensemble

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"slices"
)

// A finder finds cuts for one tree among the items of a frame: rows of the training
// data, numbered from 0.
type finder interface {
	// enter sets value to the value of a node of these items and returns their weight,
	// and whether there is anything to split. The node is then the one that the
	// following calls are about.
	enter(items []int32, value []float64) (weight float64, impure bool)
	// find returns the best cut of the items by feature j, and false if there is none
	// for want of different values.
	find(j int, items []int32) (cut, bool)
	// divide puts the items that go left before the others, both in their order, and
	// returns how many there are.
	divide(c *cut, items []int32) int
	// narrow returns a finder with a frame of nothing but these items, whose numbers
	// then are their places, or nil if that is not worth it. It is good until the next
	// call, or for ever if keep is set.
	narrow(items []int32, keep bool) finder
}

// A deepGrower grows trees that look at a few random features for each split: what
// forests are made of. Nodes are divided without keeping order in any feature; the
// finder comes by the order anew, for the features that are looked at.
type deepGrower struct {
	growth
	try      int // features for a split
	rng      *rand.Rand
	features []int // in a random order
	tree     *grown
	total    float64 // Σw
}

// A span is a node that has yet to be split and its items.
type span struct {
	node, depth int32
	items       []int32
	finder      finder // of the items; nil where all have the same
	best        cut    // of growBest
}

// promptItems is how many items a node has for its split to be worth a look at ctx.
const promptItems = 1 << 12

// grow grows a tree on some of the items of f.
func (g *deepGrower) grow(ctx context.Context, d, outputs int, f finder, items []int32) (*grown, error) {
	g.features = ascending(d)
	g.tree = newGrown(outputs)
	if g.maxLeaves > 0 {
		return g.tree, g.growBest(ctx, f, span{items: items})
	}
	return g.tree, g.growBelow(ctx, f, span{items: items})
}

// growBelow grows the subtree of a node, one side after the other.
func (g *deepGrower) growBelow(ctx context.Context, f finder, root span) error {
	for todo := []span{root}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if sub := f.narrow(s.items, false); sub != nil {
			if err := g.growBelow(ctx, sub, span{node: s.node, depth: s.depth, items: numbers(len(s.items))}); err != nil {
				return err
			}
			continue
		}
		if len(s.items) >= promptItems && ctx.Err() != nil {
			return ctx.Err()
		}
		if !g.search(f, &s) {
			continue
		}
		l, r := g.split(f, &s)
		todo = append(todo, r, l)
	}
	return ctx.Err()
}

// growBest splits the node of most gain first, until there are enough leaves.
func (g *deepGrower) growBest(ctx context.Context, f finder, root span) error {
	queue := &spanQueue{}
	admit := func(s span) {
		if sub := s.finder.narrow(s.items, true); sub != nil {
			s.finder, s.items = sub, numbers(len(s.items))
		}
		if g.search(s.finder, &s) {
			heap.Push(queue, s)
		}
	}
	root.finder = f
	admit(root)
	for leaves := 1; queue.Len() > 0 && leaves < g.maxLeaves; leaves++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s := heap.Pop(queue).(span)
		s.finder.enter(s.items, g.tree.value(s.node))
		l, r := g.split(s.finder, &s)
		l.finder, r.finder = s.finder, s.finder
		admit(l)
		admit(r)
	}
	return nil
}

// search describes a node and finds its cut, if it is to have one.
func (g *deepGrower) search(f finder, s *span) bool {
	weight, impure := f.enter(s.items, g.tree.value(s.node))
	if s.node == 0 {
		g.total = weight
	}
	if !impure || len(s.items) < 2 || weight < g.minSplit || weight < 2*g.minLeaf || g.maxDepth > 0 && int(s.depth) >= g.maxDepth {
		return false
	}
	s.best = noCut()
	// Features are drawn until so many have been tried; those that have one value do not
	// count, and neither does any while there is no cut.
	for tried, at := 0, 0; at < len(g.features) && (tried < g.try || s.best.gain < 0); at++ {
		other := at + g.rng.IntN(len(g.features)-at)
		g.features[at], g.features[other] = g.features[other], g.features[at]
		c, ok := f.find(g.features[at], s.items)
		if !ok {
			continue
		}
		tried++
		if c.gain > s.best.gain {
			s.best = c
			s.best.feature = g.features[at]
		}
	}
	return s.best.gain >= 0 && s.best.gain >= g.minGain*g.total
}

// split gives a node its children.
func (g *deepGrower) split(f finder, s *span) (l, r span) {
	count := f.divide(&s.best, s.items)
	g.tree.split(s.node, &s.best)
	left := g.tree.nodes[s.node].left
	l = span{node: left, depth: s.depth + 1, items: s.items[:count:count]}
	r = span{node: left + 1, depth: s.depth + 1, items: s.items[count:]}
	return l, r
}

// spanQueue is a heap of nodes by gain, the older of two first.
type spanQueue []span

func (q spanQueue) Len() int { return len(q) }
func (q spanQueue) Less(i, j int) bool {
	if q[i].best.gain != q[j].best.gain {
		return q[i].best.gain > q[j].best.gain
	}
	return q[i].node < q[j].node
}
func (q spanQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *spanQueue) Push(x any)   { *q = append(*q, x.(span)) }
func (q *spanQueue) Pop() any {
	last := len(*q) - 1
	s := (*q)[last]
	*q = (*q)[:last]
	return s
}

// numbers returns 0..n−1.
func numbers(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

// frameItems is how many items a frame is made for, at most: so few that what is looked
// up for them stays in the cache.
const (
	frameBits  = 10
	frameItems = 1 << frameBits
)

// moveLeft puts the items of which left says so before the others.
func moveLeft(items, buf []int32, left func(item int32) bool) int {
	nl, nr := 0, 0
	for _, i := range items {
		items[nl], buf[nr] = i, i // one of them counts
		b := 0
		if left(i) {
			b = 1
		}
		nl += b
		nr += 1 - b
	}
	copy(items[nl:], buf[:nr])
	return nl
}

// A holder has the targets of the items of a frame, and what a node's sums are.
type holder struct {
	criterion criterion
	minLeaf   float64
	frame     []int32 // the rows of the items, nil if they are rows
	entries   []entry // scratch, one for each item
	// For criteria that are sums of squares:
	squares *moments // nil otherwise
	moments []moment // of the items, or of those of the node, one after the other
	total   moment
}

func newHolder(c criterion, minLeaf float64, n int) holder {
	h := holder{criterion: c, minLeaf: minLeaf}
	if m, ok := c.(*moments); ok && (m.kind == SquaredError || m.kind == Gini) {
		h.squares = m
	}
	h.room(n)
	return h
}

func (h *holder) room(n int) {
	h.entries = slices.Grow(h.entries[:0], n)[:n]
	if h.squares != nil {
		h.moments = slices.Grow(h.moments[:0], n)[:n]
	}
}

// take makes the holder of a frame within that of up.
func (h *holder) take(up *holder, items []int32) {
	h.criterion, h.minLeaf, h.squares, h.frame = up.criterion, up.minLeaf, up.squares, h.frame[:0]
	h.room(len(items))
	for k, i := range items {
		row := up.row(i)
		h.frame = append(h.frame, row)
		if h.squares != nil {
			h.moments[k] = h.squares.rows[row]
		}
	}
}

// row returns the row that an item is.
func (h *holder) row(item int32) int32 {
	if h.frame == nil {
		return item
	}
	return h.frame[item]
}

func (h *holder) enter(items []int32, value []float64) (weight float64, impure bool) {
	if h.squares != nil {
		return h.enterSquares(items, value)
	}
	rows := h.entries[:len(items)]
	for k, i := range items {
		rows[k].row = h.row(i)
	}
	weight, impurity := h.criterion.describe(value, rows, unbounded())
	return weight, impurity != 0
}

// enterSquares is enter by moments, of which it collects those of the node if items are
// rows.
func (h *holder) enterSquares(items []int32, value []float64) (weight float64, impure bool) {
	m := h.squares
	var s moment
	if h.frame == nil {
		for k, i := range items {
			r := m.rows[i]
			h.moments[k] = r
			s.w += r.w
			s.wy += r.wy
		}
	} else {
		for _, i := range items {
			r := h.moments[i]
			s.w += r.w
			s.wy += r.wy
		}
	}
	first := m.y[h.row(items[0])]
	if m.kind == Gini {
		impure = s.wy != 0 && s.wy != s.w
	} else {
		impure = slices.ContainsFunc(items, func(i int32) bool { return m.y[h.row(i)] != first })
	}
	mean := first
	if impure {
		mean = s.wy/s.w + m.offset
	}
	if h.total = s; m.kind == Gini {
		value[0], value[1] = 1-mean, mean
	} else {
		value[0] = mean
	}
	return s.w, impure
}

// gain returns what splitting off a side takes from the sum of squares, and whether both
// sides are large enough.
func (h *holder) gain(left moment) (float64, bool) {
	rw := h.total.w - left.w
	if left.w < h.minLeaf || rw < h.minLeaf || rw <= 0 {
		return 0, false
	}
	diff := left.wy*rw - (h.total.wy-left.wy)*left.w
	return diff * diff / (left.w * rw * h.total.w), true
}

// scale turns such a gain into one of the impurity.
func (h *holder) scale() float64 {
	if h.squares.kind == Gini {
		return 2
	}
	return 1
}
