package ensemble

import (
	"context"
	"math"
	"slices"

	"github.com/gram-ml/gram/internal/kernel/hist"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
)

// A histGrower grows trees on binned rows, by the gradients and Hessians of a loss. What
// it works on is divided into blocks, and sums are exact, so that trees do not
// depend on the number of workers.
type histGrower struct {
	*constraints
	binning *binning
	data    *binned
	w       []float64 // of rows, nil for ones
	workers int

	maxDepth, maxLeaves int
	byLevel             bool

	rules    histRules
	packed   []int64 // by row
	rows     []int32 // in the order of the nodes
	spare    []int32
	features []int32                                    // that may be split
	ofNode   func(features []int32, node int32) []int32 // those to look at in a node; nil for all
	cuts     []histCut
	free     []histogram
	scratch  []histogram // by worker
	used     []bool
	counts   []int // of rows that go left, by block
	tree     *grown
	splits   []histCut // by node
	leaves   []bud     // memory of grow
}

// A bud is a leaf that may be split.
type bud struct {
	node   int32
	lo, hi int // its rows
	depth  int
	total  int64
	hist   histogram
	cut    histCut
	bounds bounds
	groups interaction
}

const (
	// partitionRows is the fewest rows that a worker sends left and right at a time.
	partitionRows = 1 << 12
	// addRows is the fewest rows that a worker adds to a histogram at a time.
	addRows = 1 << 10
	// partsOf is into how many parts the work of each worker is divided, for one may be
	// slower than another.
	partsOf = 4
)

func newHistGrower(b *binning, data *binned, c *constraints, w []float64, workers int) *histGrower {
	g := &histGrower{constraints: c, binning: b, data: data, w: w, workers: par.Workers(workers)}
	g.packed = mem.Make[int64](data.n)
	g.rows, g.spare = make([]int32, data.n), make([]int32, data.n)
	g.scratch = make([]histogram, g.workers)
	g.used = make([]bool, g.workers)
	g.counts = make([]int, par.Blocks(data.n, partitionRows))
	for j := range data.d {
		g.features = append(g.features, int32(j))
	}
	return g
}

// grow returns a tree without values and its leaves, which are good until the next call.
// rows are those to train on, in order, nil for all; their packed numbers are set.
func (g *histGrower) grow(ctx context.Context, rows []int32) (*grown, []bud, error) {
	g.tree = newGrown(1)
	g.splits = append(g.splits[:0], histCut{})
	n := copy(g.rows, rows)
	if rows == nil {
		n = len(g.rows)
		par.For(nil, g.workers, n, partitionRows, func(_, lo, hi int) {
			for i := lo; i < hi; i++ {
				g.rows[i] = int32(i)
			}
		})
	}
	root := bud{hi: n, bounds: unbounded(), groups: g.root(), hist: g.histogram()}
	if err := g.fill(ctx, &root); err != nil {
		return nil, nil, err
	}
	for _, v := range root.hist.column(0) {
		root.total += v
	}
	if err := g.search(ctx, &root); err != nil {
		return nil, nil, err
	}
	leaves := append(g.leaves[:0], root)
	for g.maxLeaves <= 0 || len(leaves) < g.maxLeaves {
		at := g.next(leaves)
		if at < 0 {
			break
		}
		l, r, err := g.split(ctx, &leaves[at])
		if err != nil {
			return nil, nil, err
		}
		leaves[at] = l
		leaves = append(leaves, r)
		g.forget(leaves)
	}
	for i := range leaves {
		g.release(&leaves[i])
	}
	slices.SortFunc(leaves, func(a, b bud) int { return a.lo - b.lo })
	g.leaves = leaves
	return g.tree, leaves, nil
}

// number sets leafOf to the number of the leaf, for rows first to last of leaves that grow
// returned.
func (g *histGrower) number(leafOf []int32, leaves []bud, first, last int32) {
	for i, b := range leaves {
		rows := g.rows[b.lo:b.hi] // in order
		at, _ := slices.BinarySearch(rows, first)
		for _, r := range rows[at:] {
			if r > last {
				break
			}
			leafOf[r] = int32(i)
		}
	}
}

// next returns the leaf to split, −1 if there is none.
func (g *histGrower) next(leaves []bud) int {
	best := -1
	for i := range leaves {
		if b := &leaves[i]; b.cut.gain >= 0 && (best < 0 || g.before(b, &leaves[best])) {
			best = i
		}
	}
	return best
}

// before tells whether leaf a is to be split before b: that of the larger gain, on the lower
// level first if growth is by level.
func (g *histGrower) before(a, b *bud) bool {
	if g.byLevel && a.depth != b.depth {
		return a.depth < b.depth
	}
	return a.cut.gain > b.cut.gain || a.cut.gain == b.cut.gain && a.node < b.node
}

// forget releases the histograms of leaves whose turn will not come: those after as many as
// may still be split. It leaves no more than half as many as a tree has leaves.
func (g *histGrower) forget(leaves []bud) {
	if g.maxLeaves <= 0 {
		return
	}
	for splits := g.maxLeaves - len(leaves); ; {
		held, last := 0, -1
		for i := range leaves {
			if b := &leaves[i]; b.hist != nil {
				if held++; last < 0 || g.before(&leaves[last], b) {
					last = i
				}
			}
		}
		if held <= splits {
			return
		}
		g.release(&leaves[last])
	}
}

// histogram returns one that is to be cleared.
func (g *histGrower) histogram() histogram {
	if last := len(g.free) - 1; last >= 0 {
		h := g.free[last]
		g.free = g.free[:last]
		return h
	}
	return make(histogram, g.data.words)
}

func (g *histGrower) release(b *bud) {
	if b.hist != nil {
		g.free = append(g.free, b.hist)
		b.hist = nil
	}
}

// fill sets b's histogram to the sums of its rows.
func (g *histGrower) fill(ctx context.Context, b *bud) error {
	clear(b.hist)
	rows := g.rows[b.lo:b.hi]
	// The sums are the same for blocks of any size.
	size := max(addRows, len(rows)/(partsOf*g.workers))
	if g.workers == 1 || len(rows) <= size {
		g.data.add(b.hist, rows, g.packed)
		return ctx.Err()
	}
	clear(g.used)
	err := par.ForWorker(ctx, g.workers, len(rows), size, func(worker, _, lo, hi int) {
		h := b.hist
		if worker > 0 {
			if g.scratch[worker] == nil {
				g.scratch[worker] = make(histogram, g.data.words)
			}
			h = g.scratch[worker]
			if !g.used[worker] {
				clear(h)
				g.used[worker] = true
			}
		}
		g.data.add(h, rows[lo:hi], g.packed)
	})
	for worker, used := range g.used {
		if used {
			b.hist.merge(g.scratch[worker])
		}
	}
	return err
}

// split divides b's rows at its cut and returns the children, searched.
func (g *histGrower) split(ctx context.Context, b *bud) (l, r bud, err error) {
	c := &b.cut
	mid, err := g.partition(ctx, b)
	if err != nil {
		return l, r, err
	}
	g.tree.split(b.node, g.cutOf(c))
	g.splits[b.node] = *c
	g.splits = append(g.splits, histCut{}, histCut{})
	left := g.tree.nodes[b.node].left
	l = bud{node: left, lo: b.lo, hi: mid, depth: b.depth + 1, total: c.left}
	r = bud{node: left + 1, lo: mid, hi: b.hi, depth: b.depth + 1, total: b.total - c.left}
	l.groups = g.below(b.groups, int(c.feature))
	r.groups = l.groups
	l.bounds, r.bounds = b.bounds, b.bounds
	if g.monotone != nil {
		l.bounds, r.bounds = b.bounds.children(g.sense(int(c.feature)), g.valueOf(l.total, b.bounds), g.valueOf(r.total, b.bounds))
	}
	if g.maxDepth > 0 && l.depth >= g.maxDepth || g.maxLeaves > 0 && g.tree.leaves() >= g.maxLeaves {
		l.cut, r.cut = noHistCut(), noHistCut()
		g.release(b)
		return l, r, nil
	}
	small, large := &l, &r
	if mid-b.lo > b.hi-mid {
		small, large = large, small
	}
	small.hist, large.hist, b.hist = g.histogram(), b.hist, nil
	if err := g.fill(ctx, small); err != nil {
		return l, r, err
	}
	large.hist.subtract(small.hist)
	err = g.search(ctx, &l, &r)
	return l, r, err
}

func (g *histGrower) valueOf(total int64, b bounds) float64 {
	gr, h := g.rules.split(total)
	_, value := g.rules.scoreAt(float64(gr), float64(h), b)
	return value
}

// cutOf returns the cut as a tree records it. Where a missing value goes that the cut
// has not seen is decided when the weights are known.
func (g *histGrower) cutOf(c *histCut) *cut {
	out := &cut{feature: int(c.feature), set: c.set, missingLeft: c.missingLeft}
	out.gain = c.gain / 2 * g.rules.hessian / (g.rules.gradient * g.rules.gradient)
	if c.set == nil {
		cuts := g.binning.cuts[c.feature]
		out.threshold = math.MaxFloat64
		if int(c.bin) < len(cuts) {
			out.threshold = cuts[c.bin]
		}
	}
	return out
}

// goesLeft returns 1 for each bin that the cut sends left.
func (c *histCut) goesLeft() *[maxBins + 1]uint8 {
	var left [maxBins + 1]uint8
	for b := range maxBins {
		if c.set != nil && c.set.has(b) || c.set == nil && b <= int(c.bin) {
			left[b] = 1
		}
	}
	if c.missingLeft {
		left[missingBin] = 1
	}
	return &left
}

// partition orders b's rows so that those which go left come first, keeping the order
// among them otherwise, and returns where the others begin.
func (g *histGrower) partition(ctx context.Context, b *bud) (int, error) {
	left, column := b.cut.goesLeft(), int(b.cut.feature)
	if slots := g.data.slots; slots != nil {
		p := &slots[column]
		left, column = p.decode(left), int(p.column)
	}
	rows, spare := g.rows[b.lo:b.hi], g.spare[b.lo:b.hi]
	word := column / 8
	// The order of rows is the same for blocks of any size.
	size := max(partitionRows, len(rows)/(partsOf*g.workers))
	if g.workers == 1 {
		size = len(rows)
	}
	err := par.For(ctx, g.workers, len(rows), size, func(block, lo, hi int) {
		g.counts[block] = hist.Partition(left, g.data.bins[word:], column%8, g.data.words, rows[lo:hi], spare[lo:hi])
	})
	if err != nil {
		return 0, err
	}
	at, counts := 0, g.counts[:par.Blocks(len(rows), size)]
	for block, count := range counts {
		lo := block * size
		counts[block] = at // of rows that go left before the block
		at += copy(rows[at:], rows[lo:lo+count])
	}
	err = par.For(ctx, g.workers, len(rows), size, func(block, lo, hi int) {
		end := at
		if block+1 < len(counts) {
			end = counts[block+1]
		}
		before := counts[block]
		copy(rows[at+lo-before:], spare[lo:hi-(end-before)])
	})
	return b.lo + at, err
}

// search sets the best cuts of buds.
func (g *histGrower) search(ctx context.Context, buds ...*bud) error {
	k := len(g.features)
	if len(g.cuts) < 2*k {
		g.cuts = make([]histCut, 2*k)
	}
	features := [2][]int32{g.features, g.features}
	if g.ofNode != nil {
		for i, b := range buds {
			features[i] = g.ofNode(g.features, b.node)
		}
		k = len(features[0])
	}
	atOnce := 4
	if g.data.slots != nil {
		atOnce = 64 // features that most nodes have few rows of
	}
	err := par.For(ctx, g.workers, len(buds)*k, atOnce, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			g.cuts[i] = g.cutFeature(buds[i/k], int(features[i/k][i%k]), nil)
		}
	})
	if err != nil {
		return err
	}
	for i, b := range buds {
		b.cut = g.choose(b, g.cuts[i*k:(i+1)*k])
		if b.cut.gain < 0 {
			g.release(b)
		}
	}
	return nil
}

// cutFeature returns the best cut of b by feature j; weights, if not nil, are those of
// its bins.
func (g *histGrower) cutFeature(b *bud, j int, weights *[maxBins + 1]float64) histCut {
	if !g.allows(b.groups, j) {
		return noHistCut()
	}
	if g.data.slots == nil {
		return g.cutBins(b, j, b.hist.column(j), weights)
	}
	s := &g.data.slots[j]
	column := b.hist.column(int(s.column))
	if s.codes == 1 && !s.missing && !g.categorical[j] && g.monotone == nil && g.rules.l1 == 0 && weights == nil {
		c := g.rules.single(b.total, s, column[s.first])
		c.feature = int32(j)
		return c
	}
	var bins [maxBins + 1]int64
	if !s.sums(&bins, column, b.total) {
		return noHistCut() // one bin
	}
	return g.cutBins(b, j, &bins, weights)
}

// cutBins is cutFeature for the sums of the feature's bins.
func (g *histGrower) cutBins(b *bud, j int, bins *[maxBins + 1]int64, weights *[maxBins + 1]float64) histCut {
	p := histPart{
		bins: bins, count: g.binning.count(j), total: b.total, bounds: b.bounds, sense: g.sense(j),
		bounded: g.monotone != nil, weights: weights,
	}
	if weights != nil {
		for _, w := range weights {
			p.weight += w
		}
	}
	var c histCut
	if g.categorical[j] {
		c = g.rules.scanSets(&p)
	} else {
		c = g.rules.scan(&p)
	}
	c.feature = int32(j)
	return c
}

// choose returns the best of the cuts by feature, the first of equals. One whose
// children may be too light is searched again, with the weights of the bins, if it
// would be the best.
func (g *histGrower) choose(b *bud, cuts []histCut) histCut {
	for {
		best := 0
		for i := range cuts {
			if cuts[i].gain > cuts[best].gain {
				best = i
			}
		}
		if c := &cuts[best]; c.gain < 0 || c.exact {
			return *c
		}
		j := int(cuts[best].feature)
		cuts[best] = g.cutFeature(b, j, g.weigh(b, j))
	}
}

// weigh returns the weights of the bins of feature j in b.
func (g *histGrower) weigh(b *bud, j int) *[maxBins + 1]float64 {
	var out [maxBins + 1]float64
	for _, r := range g.rows[b.lo:b.hi] {
		bin := g.data.at(r, j)
		if g.w == nil {
			out[bin]++
		} else {
			out[bin] += g.w[r]
		}
	}
	return &out
}

// settleMissing sends missing values that a split has not seen, and categories, to the
// heavier child, for which nodes must have their weights.
func (g *histGrower) settleMissing() {
	for i := range g.tree.nodes {
		n, c := &g.tree.nodes[i], &g.splits[i]
		if n.leaf() {
			continue
		}
		if !c.missing {
			c.missingLeft = g.tree.nodes[n.left].weight >= g.tree.nodes[n.left+1].weight
			n.missingLeft = c.missingLeft
		}
		if n.set >= 0 && c.missingLeft {
			set := &g.tree.sets[n.set]
			for word := range set {
				set[word] |= ^c.seen[word]
			}
			c.set = set
		}
	}
}

// A binTree is a tree for rows of bins.
type binTree struct {
	*grown
	left []*[maxBins + 1]uint8 // by node: 1 for the bins that go left; nil for a leaf
}

// binTree returns the tree that was grown last.
func (g *histGrower) binTree() *binTree {
	t := &binTree{g.tree, make([]*[maxBins + 1]uint8, len(g.splits))}
	for i := range g.splits {
		if !g.tree.nodes[i].leaf() {
			t.left[i] = g.splits[i].goesLeft()
		}
	}
	return t
}

// add adds the values of leaves, times a factor, to the scores of rows of data.
func (t *binTree) add(workers int, data *binned, rows []int32, scores []float64, factor float64) {
	par.For(nil, workers, len(rows), gradientRows, func(_, lo, hi int) {
		for _, r := range rows[lo:hi] {
			i := int32(0)
			for t.left[i] != nil {
				n := &t.nodes[i]
				i = n.left + 1 - int32(t.left[i][data.at(r, int(n.feature))])
			}
			scores[r] += factor * t.values[i]
		}
	})
}

// scale multiplies the values of all nodes.
func (t *binTree) scale(factor float64) {
	for i := range t.values {
		t.values[i] *= factor
	}
}
