package ensemble

// A node of a tree. Nodes are numbered so that children follow their parent.
type node struct {
	feature     int32 // −1 for a leaf
	left        int32 // the left child; the right one follows it
	set         int32 // of the categories that go left, −1 for a threshold
	missingLeft bool  // where a missing value goes
	threshold   float64
	weight      float64 // Σw of the training rows
	impurity    float64
	gain        float64 // what the split takes from Σw·impurity
}

func (n *node) leaf() bool { return n.feature < 0 }

// grown is a tree as the growers leave it.
type grown struct {
	outputs int
	nodes   []node
	values  []float64 // outputs for each node
	sets    []categorySet
}

// newGrown returns a tree with a root and no values.
func newGrown(outputs int) *grown {
	g := &grown{}
	g.reset(outputs)
	return g
}

// reset makes g such a tree, in the memory that it has.
func (g *grown) reset(outputs int) {
	g.outputs = outputs
	g.nodes = append(g.nodes[:0], node{feature: -1, set: -1})
	g.values = append(g.values[:0], make([]float64, outputs)...)
	g.sets = g.sets[:0]
}

func (g *grown) value(i int32) []float64 {
	k := g.outputs
	return g.values[int(i)*k : (int(i)+1)*k : (int(i)+1)*k]
}

// split gives node i two children, without values yet.
func (g *grown) split(i int32, c *cut) {
	n := &g.nodes[i]
	n.feature, n.threshold, n.missingLeft, n.gain = int32(c.feature), c.threshold, c.missingLeft, c.gain
	if c.set != nil {
		n.set = int32(len(g.sets))
		g.sets = append(g.sets, *c.set)
	}
	n.left = int32(len(g.nodes))
	g.nodes = append(g.nodes, node{feature: -1, set: -1}, node{feature: -1, set: -1})
	g.values = append(g.values, make([]float64, 2*g.outputs)...)
}

// next returns the child of inner node i that x goes to.
func (g *grown) next(i int32, x []float64) int32 {
	n := &g.nodes[i]
	if g.goesLeft(n, x[n.feature]) {
		return n.left
	}
	return n.left + 1
}

func (g *grown) goesLeft(n *node, v float64) bool {
	switch {
	case v != v:
		return n.missingLeft
	case n.set < 0:
		return v <= n.threshold
	case isCategory(v):
		return g.sets[n.set].has(int(v))
	}
	return n.missingLeft
}

// leafOf returns the leaf of x. It allocates nothing.
func (g *grown) leafOf(x []float64) int32 {
	i := int32(0)
	for !g.nodes[i].leaf() {
		i = g.next(i, x)
	}
	return i
}

// depth returns the length of the longest path.
func (g *grown) depth() int {
	deepest := 0
	depths := make([]int, len(g.nodes))
	for i, n := range g.nodes {
		if n.leaf() {
			deepest = max(deepest, depths[i])
			continue
		}
		depths[n.left], depths[n.left+1] = depths[i]+1, depths[i]+1
	}
	return deepest
}

// leaves returns how many leaves there are.
func (g *grown) leaves() int { return (len(g.nodes) + 1) / 2 }

// addImportance adds the gains of the splits to those of their features.
func (g *grown) addImportance(dst []float64, scale float64) {
	for _, n := range g.nodes {
		if !n.leaf() {
			dst[n.feature] += scale * n.gain
		}
	}
}

// normalize divides x by its sum, unless that is 0.
func normalize(x []float64) []float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	if sum > 0 {
		for i := range x {
			x[i] /= sum
		}
	}
	return x
}
