package ensemble

import (
	"container/heap"
	"context"
	"math/rand/v2"
)

// A finder finds cuts for one tree among the items of a frame: rows of the training
// data, numbered from 0.
type finder interface {
	// rows returns the rows that the items are, in an entry each.
	rows(items []int32) []entry
	// find returns the best cut of items by feature j, and false if there is none for
	// want of different values.
	find(j int, items []int32) (cut, bool)
	// divide puts the items that go left before the others, both in their order, and
	// returns how many there are.
	divide(c *cut, items []int32) int
	// narrow returns a finder with a frame of nothing but these items, whose numbers
	// then are their places, or nil if that is not worth it. It is good until the next
	// call.
	narrow(items []int32) finder
}

// A deepGrower grows trees that look at a few random features for each split: what
// forests are made of. Nodes are divided without keeping order in any feature; the
// finder comes by the order anew, for the features that are looked at.
type deepGrower struct {
	growth
	criterion criterion
	try       int // features for a split
	rng       *rand.Rand
	features  []int // in a random order
	tree      *grown
	total     float64 // Σw
}

// A span is a node that has yet to be split and its items.
type span struct {
	node, depth int32
	items       []int32
	best        cut // of growBest
}

// promptItems is how many items a node has for its split to be worth a look at ctx.
const promptItems = 1 << 12

// grow grows a tree on some of the items of f.
func (g *deepGrower) grow(ctx context.Context, d int, f finder, items []int32) (*grown, error) {
	g.features = ascending(d)
	g.tree = newGrown(g.criterion.outputs())
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
		if sub := f.narrow(s.items); sub != nil {
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
	if g.search(f, &root) {
		heap.Push(queue, root)
	}
	for leaves := 1; queue.Len() > 0 && leaves < g.maxLeaves; leaves++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s := heap.Pop(queue).(span)
		l, r := g.split(f, &s)
		for _, child := range []span{l, r} {
			if g.search(f, &child) {
				heap.Push(queue, child)
			}
		}
	}
	return nil
}

// search describes a node and finds its cut, if it is to have one.
func (g *deepGrower) search(f finder, s *span) bool {
	n := &g.tree.nodes[s.node]
	n.weight, n.impurity = g.criterion.describe(g.tree.value(s.node), f.rows(s.items), unbounded())
	if s.node == 0 {
		g.total = n.weight
	}
	if n.impurity == 0 || len(s.items) < 2 || n.weight < g.minSplit || n.weight < 2*g.minLeaf || g.maxDepth > 0 && int(s.depth) >= g.maxDepth {
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
const frameItems = 1 << 10

// worthNarrowing tells whether so many of the items of a frame should have their own.
func worthNarrowing(items, frame int) bool { return items <= frameItems && frame > 4*frameItems }

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
