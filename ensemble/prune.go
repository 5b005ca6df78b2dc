package ensemble

import "container/heap"

// prune returns the subtree that minimises Σ over leaves of the impurity, weighted by
// their share of Σw, plus alpha times the number of leaves: cost-complexity pruning by
// the weakest link (Breiman, Friedman, Olshen and Stone 1984, chapter 3).
func (g *grown) prune(alpha float64) *grown {
	if alpha == 0 {
		return g
	}
	return g.subtree(g.weakest(alpha))
}

// weakest returns which nodes become leaves.
func (g *grown) weakest(alpha float64) (cut []bool) {
	n := len(g.nodes)
	p := &pruner{g: g, parent: make([]int32, n), leaves: make([]int, n), risk: make([]float64, n)}
	p.parent[0] = -1
	cut = make([]bool, n)
	for i := n - 1; i >= 0; i-- {
		node := &g.nodes[i]
		if node.leaf() {
			p.leaves[i], p.risk[i] = 1, p.own(int32(i))
			continue
		}
		l := node.left
		p.parent[l], p.parent[l+1] = int32(i), int32(i)
		p.leaves[i], p.risk[i] = p.leaves[l]+p.leaves[l+1], p.risk[l]+p.risk[l+1]
		heap.Push(p, p.link(int32(i)))
	}
	for p.Len() > 0 {
		next := heap.Pop(p).(link)
		i := next.node
		if next != p.link(i) || p.hidden(i, cut) {
			continue // a later entry has replaced it, or it is gone
		}
		if next.alpha > alpha {
			break
		}
		cut[i] = true
		leaves, risk := p.leaves[i]-1, p.own(i)-p.risk[i]
		for a := i; a >= 0; a = p.parent[a] {
			p.leaves[a] -= leaves
			p.risk[a] += risk
			if a != i {
				heap.Push(p, p.link(a))
			}
		}
	}
	return cut
}

// A link is an inner node and the alpha from which its subtree is not worth it.
type link struct {
	alpha float64
	node  int32
}

// pruner is a heap of links and what they are computed from.
type pruner struct {
	g      *grown
	parent []int32
	leaves []int     // below a node
	risk   []float64 // Σ over those
	links  []link
}

// own returns the risk of a node as a leaf.
func (p *pruner) own(i int32) float64 {
	n := &p.g.nodes[i]
	return n.impurity * n.weight / p.g.nodes[0].weight
}

func (p *pruner) link(i int32) link {
	if p.leaves[i] < 2 {
		return link{-1, i}
	}
	return link{max(p.own(i)-p.risk[i], 0) / float64(p.leaves[i]-1), i}
}

// hidden tells whether a node is below one that has become a leaf.
func (p *pruner) hidden(i int32, cut []bool) bool {
	for ; i >= 0; i = p.parent[i] {
		if cut[i] {
			return true
		}
	}
	return false
}

func (p *pruner) Len() int { return len(p.links) }
func (p *pruner) Less(i, j int) bool {
	a, b := p.links[i], p.links[j]
	if a.alpha != b.alpha {
		return a.alpha < b.alpha
	}
	return a.node > b.node // the deeper one
}
func (p *pruner) Swap(i, j int) { p.links[i], p.links[j] = p.links[j], p.links[i] }
func (p *pruner) Push(x any)    { p.links = append(p.links, x.(link)) }
func (p *pruner) Pop() any {
	l := p.links[len(p.links)-1]
	p.links = p.links[:len(p.links)-1]
	return l
}

// subtree returns a copy in which the nodes that are cut are leaves.
func (g *grown) subtree(cut []bool) *grown {
	out := newGrown(g.outputs)
	from := []int32{0} // the node of g that each of out is
	for i := 0; i < len(from); i++ {
		src := &g.nodes[from[i]]
		copy(out.value(int32(i)), g.value(from[i]))
		out.nodes[i] = node{feature: -1, set: -1, weight: src.weight, impurity: src.impurity}
		if src.leaf() || cut[from[i]] {
			continue
		}
		out.split(int32(i), g.cutOf(src))
		from = append(from, src.left, src.left+1)
	}
	return out
}

// cutOf returns the cut that inner node n was split by.
func (g *grown) cutOf(n *node) *cut {
	c := &cut{feature: int(n.feature), gain: n.gain, threshold: n.threshold, missingLeft: n.missingLeft}
	if n.set >= 0 {
		c.set = &g.sets[n.set]
	}
	return c
}
