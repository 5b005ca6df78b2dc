package ensemble

import (
	"container/heap"
	"context"
	"math"
	"math/rand/v2"
	"slices"
)

// A finder finds cuts for one tree among its items, rows of the training data. They are in
// an order in which those of a node are next to each other, from lo to hi−1.
type finder interface {
	// enter sets value to the value of a node of these items and returns their weight,
	// and whether there is anything to split. The node is then the one that the
	// following calls are about.
	enter(lo, hi int, value []float64) (weight float64, impure bool)
	// find sets c to the best cut of the items by feature j, or returns false if there is none
	// for want of different values.
	find(j, lo, hi int, c *cut) bool
	// finish completes a cut that was chosen: looking up thresholds is slow.
	finish(c *cut)
	// divide puts the items that go left before the others, both in their order, and
	// returns how many there are.
	divide(c *cut, lo, hi int) int
	// narrow returns a finder of nothing but these items, or nil if that is not worth
	// it. It is good until the next call, or for ever if keep is set.
	narrow(lo, hi int, keep bool) finder
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
	cut      cut     // that search found
	other    cut     // which it compares
}

// A span is a node that has yet to be split and where its items are.
type span struct {
	node, depth int32
	lo, hi      int
}

// A candidate is a node that may be split, when it is the best.
type candidate struct {
	span
	finder finder // of its items
	best   cut
}

// promptItems is how many items a node has for its split to be worth a look at ctx.
const promptItems = 1 << 12

// grow grows the tree, which has a root, on the n items of f.
func (g *deepGrower) grow(ctx context.Context, d int, tree *grown, f finder, n int) error {
	g.features = ascending(d)
	g.tree = tree
	if g.maxLeaves > 0 {
		return g.growBest(ctx, f, span{hi: n})
	}
	return g.growBelow(ctx, f, span{hi: n})
}

// growBelow grows the subtree of a node, one side after the other.
func (g *deepGrower) growBelow(ctx context.Context, f finder, root span) error {
	for todo := []span{root}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if sub := f.narrow(s.lo, s.hi, false); sub != nil {
			if err := g.growBelow(ctx, sub, span{node: s.node, depth: s.depth, hi: s.hi - s.lo}); err != nil {
				return err
			}
			continue
		}
		if s.hi-s.lo >= promptItems && ctx.Err() != nil {
			return ctx.Err()
		}
		if !g.search(f, s) {
			continue
		}
		if g.cut.final {
			g.end(s.node)
			continue
		}
		l, r := g.split(f, s)
		todo = append(todo, r, l)
	}
	return ctx.Err()
}

// growBest splits the node of most gain first, until there are enough leaves.
func (g *deepGrower) growBest(ctx context.Context, f finder, root span) error {
	queue := &candidates{}
	admit := func(s span, f finder) {
		if sub := f.narrow(s.lo, s.hi, true); sub != nil {
			f, s.lo, s.hi = sub, 0, s.hi-s.lo
		}
		if g.search(f, s) {
			heap.Push(queue, candidate{s, f, g.cut})
		}
	}
	admit(root, f)
	for leaves := 1; queue.Len() > 0 && leaves < g.maxLeaves; leaves++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c := heap.Pop(queue).(candidate)
		c.finder.enter(c.lo, c.hi, g.tree.value(c.node))
		g.cut = c.best
		l, r := g.split(c.finder, c.span)
		admit(l, c.finder)
		admit(r, c.finder)
	}
	return nil
}

// search describes a node and finds its cut, if it is to have one.
func (g *deepGrower) search(f finder, s span) bool {
	weight, impure := f.enter(s.lo, s.hi, g.tree.value(s.node))
	if s.node == 0 {
		g.total = weight
	}
	if !impure || s.hi-s.lo < 2 || weight < g.minSplit || weight < 2*g.minLeaf || g.maxDepth > 0 && int(s.depth) >= g.maxDepth {
		return false
	}
	best, other := &g.cut, &g.other
	*best = noCut()
	// Features are drawn until so many have been tried; those that have one value do not
	// count, and neither does any while there is no cut.
	for tried, at := 0, 0; at < len(g.features) && (tried < g.try || best.gain < 0); at++ {
		drawn := at + g.rng.IntN(len(g.features)-at)
		g.features[at], g.features[drawn] = g.features[drawn], g.features[at]
		if !f.find(g.features[at], s.lo, s.hi, other) {
			continue
		}
		tried++
		if other.gain > best.gain {
			*best = *other
			best.feature = g.features[at]
		}
	}
	if best.gain < 0 || best.gain < g.minGain*g.total {
		return false
	}
	f.finish(best)
	return true
}

// split gives a node its children, by the cut that search found.
func (g *deepGrower) split(f finder, s span) (l, r span) {
	mid := s.lo + f.divide(&g.cut, s.lo, s.hi)
	g.tree.split(s.node, &g.cut)
	left := g.tree.nodes[s.node].left
	l = span{node: left, depth: s.depth + 1, lo: s.lo, hi: mid}
	r = span{node: left + 1, depth: s.depth + 1, lo: mid, hi: s.hi}
	return l, r
}

// end gives a node two leaves, by the cut that search found, which knows their classes.
func (g *deepGrower) end(node int32) {
	g.tree.split(node, &g.cut)
	left := g.tree.nodes[node].left
	g.tree.value(left)[int(g.cut.left)] = 1
	g.tree.value(left + 1)[int(g.cut.right)] = 1
}

// candidates is a heap of nodes by gain, the older of two first.
type candidates []candidate

func (q candidates) Len() int { return len(q) }
func (q candidates) Less(i, j int) bool {
	if q[i].best.gain != q[j].best.gain {
		return q[i].best.gain > q[j].best.gain
	}
	return q[i].node < q[j].node
}
func (q candidates) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *candidates) Push(x any)   { *q = append(*q, x.(candidate)) }
func (q *candidates) Pop() any {
	last := len(*q) - 1
	s := (*q)[last]
	*q = (*q)[:last]
	return s
}

// frameItems is how many items a frame is made for, at most: so few that what is looked
// up for them stays in the cache.
const (
	frameBits  = 10
	frameItems = 1 << frameBits
)

// moveLeft puts the items of which left says so before the others, both in their order, and returns
// how many there are.
func moveLeft[T int32 | entry](items, buf []T, left func(item T) bool) int {
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
	items     []int32 // in the order of the nodes
	frame     []int32 // the rows of the items, nil if they are rows
	entries   []entry // scratch, one for each item
	// For criteria that are sums of squares:
	squares *moments // nil otherwise
	moments []moment // of the frame, or of the items of the node
	total   moment
}

// begin makes the holder one of rows.
func (h *holder) begin(c criterion, minLeaf float64, items []int32) {
	h.criterion, h.minLeaf, h.items, h.squares = c, minLeaf, items, squaresOf(c)
	h.room(len(items))
}

// squaresOf returns c if it is one of sums of squares, and nil otherwise.
func squaresOf(c criterion) *moments {
	if m, ok := c.(*moments); ok && (m.kind == SquaredError || m.kind == Gini) {
		return m
	}
	return nil
}

func (h *holder) room(n int) {
	h.entries = slices.Grow(h.entries[:0], n)[:n]
	if h.squares != nil {
		h.moments = slices.Grow(h.moments[:0], n)[:n]
	}
}

// take makes the holder of a frame of some items of up, which are rows.
func (h *holder) take(up *holder, items []int32) {
	h.criterion, h.minLeaf, h.squares = up.criterion, up.minLeaf, up.squares
	h.frame = append(h.frame[:0], items...)
	h.room(len(items))
	h.items = slices.Grow(h.items[:0], len(items))[:len(items)]
	enumerate(h.items)
	for k, row := range items {
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

func (h *holder) enter(lo, hi int, value []float64) (weight float64, impure bool) {
	items := h.items[lo:hi]
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
	return s.w, h.settle(value, s, len(items), func(k int) float64 { return m.y[h.row(items[k])] })
}

// mixed tells whether both classes are there.
func (s *moment) mixed() bool { return s.wy != 0 && s.wy != s.w }

// settle makes a node of the given sums and items the one that gains are of, sets its value and
// tells whether it is impure.
func (h *holder) settle(value []float64, s moment, items int, target func(k int) float64) bool {
	h.total = s
	mean := s.wy/s.w + h.squares.offset
	if h.squares.kind == Gini {
		if !s.mixed() {
			mean = math.Round(mean) // which weights may have missed by a bit
		}
		value[0], value[1] = 1-mean, mean
		return s.mixed()
	}
	value[0] = mean
	first := target(0)
	for k := range items {
		if target(k) != first {
			return true
		}
	}
	value[0] = first
	return false
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
