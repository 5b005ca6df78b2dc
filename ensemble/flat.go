package ensemble

import (
	"math"
	"math/bits"
	"slices"
	"sync"
	"unsafe"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/walk"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// A flat is many trees in the form in which they are served.
//
// A tree is an array of nodes in the order of a walk that visits one child, the near
// one, right after its parent: it needs no pointer and is mostly in the same cache line.
// The near child is the one that missing values go to, which is the heavier one unless
// training said otherwise. The other one is a number of nodes ahead. Numbers are
// replaced by unsigned integers of the same order, their keys, and a walk goes to the
// far child if
//
//	row[feature] > threshold
//
// where a served row is the keys of x, then their complements, which have the reverse
// order, for nodes whose near child is the right one; both are 0 for NaN. It ends with
// the largest key, which leaves look at, to go 0 nodes ahead. So a step is a little
// integer arithmetic without branches, and walks of many rows or of many trees are
// made side by side, one's loads behind the others'.
//
// If all thresholds are float32, keys have 32 bits and rows are rounded up to float32:
// x ≤ t holds for the rounded x exactly when it does for x. Otherwise keys have 64.
// Either way a row ends in the leaf it would end in if the trees were walked as they
// were grown.
type flat struct {
	features int
	outputs  int       // of a row
	width    int       // of a leaf: outputs; or 1, of trees that take turns
	values   []float64 // width for each leaf, which may share them
	roots    []int     // where each tree begins, and where the last one ends
	sets     []farSet
	walker
}

// A farSet is the test of a node by categories.
type farSet struct {
	feature int32
	codes   categorySet // which go to the far child
}

// A walker has the nodes of a flat.
type walker interface {
	// sumRow adds what the trees say of x to dst.
	sumRow(f *flat, dst, x []float64)
	// sumRows adds it for n rows, which are stride apart.
	sumRows(f *flat, dst, x []float64, n, stride int)
	// eachLeaf calls use with the leaves that rows end in, of n that are stride apart:
	// tree after tree, and within one for a few rows after the other. pick returns
	// the rows that a tree is asked about, in the memory it is given; nil means all.
	eachLeaf(f *flat, x []float64, n, stride int, pick func(t int, rows []int) []int, use func(t int, rows []int, leaves []uint32))
	// leavesRow sets dst to the leaves that x ends in.
	leavesRow(f *flat, dst []uint32, x []float64)
	// places sets dst to the numbers of the nodes that x ends at, counted over all trees.
	places(f *flat, dst []int, x []float64)
	// plain returns the nodes from lo to hi as they were compiled.
	plain(f *flat, lo, hi int) []plainNode
}

// A plainNode is a node of flat before it is packed.
type plainNode struct {
	threshold float64
	feature   uint32 // of a served row, or 2d+1 plus the number of a set; of a leaf, its number
	far       uint32 // 0 for a leaf
}

// A plainTree is a tree compiled alone.
type plainTree struct {
	nodes []plainNode
	sets  []farSet
	short []packedNode[uint32] // in place of nodes, if not nil
}

// compile brings a tree of d features in order, in the memory of nodes. number gives leaves their
// numbers.
func compile(g *grown, d int, nodes []plainNode, number func(node int32) uint32) *plainTree {
	type next struct {
		node   int32
		parent int // whose far child it is, or −1
	}
	p := &plainTree{nodes: slices.Grow(nodes[:0], len(g.nodes))}
	for todo := []next{{0, -1}}; len(todo) > 0; {
		last := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		at := len(p.nodes)
		if last.parent >= 0 {
			p.nodes[last.parent].far = uint32(at - last.parent)
		}
		n := &g.nodes[last.node]
		if n.leaf() {
			p.nodes = append(p.nodes, plainNode{feature: number(last.node)})
			continue
		}
		p.nodes = append(p.nodes, p.test(g, n, d))
		near, far := n.left, n.left+1
		if !n.missingLeft {
			near, far = far, near
		}
		todo = append(todo, next{far, at}, next{near, -1})
	}
	return p
}

// test returns inner node n without its far child.
func (p *plainTree) test(g *grown, n *node, d int) plainNode {
	switch {
	case n.set >= 0:
		s := farSet{n.feature, g.sets[n.set]}
		if n.missingLeft {
			for i := range s.codes {
				s.codes[i] = ^s.codes[i]
			}
		}
		s.codes.remove(maxCategories) // which stands for all that is no code
		p.sets = append(p.sets, s)
		return plainNode{feature: uint32(2*d + len(p.sets))}
	case n.missingLeft:
		return plainNode{threshold: n.threshold, feature: uint32(n.feature)}
	}
	return plainNode{threshold: n.threshold, feature: uint32(d) + uint32(n.feature)}
}

// shorten packs the nodes of a tree of d features that has no sets, if they fit in 32 bits; it
// tells whether they do.
func (p *plainTree) shorten(d int) bool {
	shift := bits.Len(uint(2*d + 1))
	for _, n := range p.nodes {
		if float64(float32(n.threshold)) != n.threshold || shift+bits.Len32(n.far) > 32 {
			return false
		}
	}
	if len(p.sets) > 0 {
		return false
	}
	p.short = appendPacked(make([]packedNode[uint32], 0, len(p.nodes)), p.nodes, d, shift)
	p.nodes = nil
	return true
}

// join returns the nodes of trees of d features, whose sets are those of one list.
func join(d int, trees []*plainTree) (nodes [][]plainNode, sets []farSet) {
	for _, t := range trees {
		for i := range t.nodes {
			if len(t.sets) > 0 && t.nodes[i].far > 0 && int(t.nodes[i].feature) > 2*d {
				t.nodes[i].feature += uint32(len(sets))
			}
		}
		nodes, sets = append(nodes, t.nodes), append(sets, t.sets...)
	}
	return nodes, sets
}

// newFlat packs trees. The numbers of their leaves are those of values.
func newFlat(features, outputs, width int, trees [][]plainNode, sets []farSet, values []float64) *flat {
	f := &flat{features: features, outputs: outputs, width: width, values: values, sets: sets, roots: make([]int, 1, len(trees)+1)}
	short, farthest := true, uint32(0)
	for _, t := range trees {
		f.roots = append(f.roots, f.roots[len(f.roots)-1]+len(t))
		for _, n := range t {
			short = short && float64(float32(n.threshold)) == n.threshold
			farthest = max(farthest, n.far)
		}
	}
	shift := bits.Len(uint(2*features + 1 + len(sets)))
	if short && shift+bits.Len32(farthest) <= 32 {
		f.walker = pack[uint32](f, trees, shift)
	} else {
		f.walker = pack[uint64](f, trees, 32)
	}
	return f
}

// A key is a number as an integer of the same order; 0 stands for NaN.
type key interface{ uint32 | uint64 }

// keyOf returns the key of the least number of its width that is not below v, which is
// not NaN.
func keyOf[K key](v float64) K {
	if unsafe.Sizeof(K(0)) == 8 {
		b := math.Float64bits(v)
		return K(b ^ (uint64(int64(b)>>63) | 1<<63))
	}
	t := float32(v)
	b, up := int32(math.Float32bits(t)), int32(0)
	if float64(t) < v {
		up = 1
	}
	b += up * (b>>31 | 1) // without a branch: half of all numbers are rounded up
	return K(uint32(b) ^ (uint32(b>>31) | 1<<31))
}

// number is the inverse of keyOf.
func number[K key](k K) float64 {
	if unsafe.Sizeof(k) == 8 {
		return unsortable(uint64(k))
	}
	b := uint32(k)
	return float64(math.Float32frombits(b ^ (uint32(int32(^b)>>31) | 1<<31)))
}

// packed is the nodes of a flat. The low bits of their words are the feature and the
// others how far ahead the far child is.
type packed[K key] struct {
	nodes []packedNode[K]
	shift int
	desks sync.Pool
}

// A packedNode's Threshold is, of a leaf, its number.
type packedNode[K key] = walk.Node[K]

// A desk is what rows are served on.
type desk[K key] struct {
	rows   []K // served
	lanes  [maxLanes]walk.Lane
	leaves [maxLanes]uint32
}

// maxLanes is how many walks are made side by side: enough that each step finds its node in the
// cache.
const maxLanes = 128

func newPacked[K key](nodes []packedNode[K], shift int) *packed[K] {
	p := &packed[K]{nodes: nodes, shift: shift}
	p.desks.New = func() any { return new(desk[K]) }
	return p
}

func pack[K key](f *flat, trees [][]plainNode, shift int) *packed[K] {
	nodes := mem.Make[packedNode[K]](f.roots[len(trees)])[:0]
	for _, t := range trees {
		nodes = appendPacked(nodes, t, f.features, shift)
	}
	return newPacked(nodes, shift)
}

// packShort is pack of trees that have been shortened; to the numbers of leaves from shared on
// is added what bases says of the tree.
func packShort(f *flat, trees []*plainTree, shared int, bases []uint32) *packed[uint32] {
	nodes, shift := mem.Make[packedNode[uint32]](f.roots[len(trees)])[:0], bits.Len(uint(2*f.features+1))
	for i, t := range trees {
		at := len(nodes)
		nodes = append(nodes, t.short...)
		if bases[i] == 0 {
			continue
		}
		for j := range nodes[at:] {
			if n := &nodes[at+j]; n.Word>>shift == 0 && int(n.Threshold) >= shared {
				n.Threshold += bases[i]
			}
		}
	}
	return newPacked(nodes, shift)
}

// appendPacked appends the nodes of a tree of d features.
func appendPacked[K key](out []packedNode[K], nodes []plainNode, d, shift int) []packedNode[K] {
	for _, n := range nodes {
		k, feature := keyOf[K](n.threshold+0), int(n.feature) // −0 is 0
		switch {
		case n.far == 0:
			k, feature = K(n.feature), 2*d
		case feature >= d && feature < 2*d:
			k = ^k - 1 // x ≤ t: the complement of x is at least that of t
		}
		out = append(out, packedNode[K]{Threshold: k, Word: K(feature) | K(n.far)<<shift})
	}
	return out
}

func (p *packed[K]) plain(f *flat, lo, hi int) []plainNode {
	return plainNodes(p.nodes[lo:hi], f.features, p.shift)
}

// plainNodes is the inverse of appendPacked.
func plainNodes[K key](nodes []packedNode[K], d, shift int) []plainNode {
	mask := K(1)<<shift - 1
	out := make([]plainNode, len(nodes))
	for i, n := range nodes {
		feature, k := uint32(n.Word&mask), n.Threshold
		if int(feature) >= d {
			k = ^(k + 1)
		}
		switch threshold := number(k); {
		case n.Word>>shift == 0:
			out[i] = plainNode{feature: uint32(n.Threshold)}
		case int(feature) > 2*d:
			out[i] = plainNode{0, feature, uint32(n.Word >> shift)}
		default:
			out[i] = plainNode{threshold, feature, uint32(n.Word >> shift)}
		}
	}
	return out
}

// borrow returns a desk of n rows of unknown content.
func (p *packed[K]) borrow(n, width int) *desk[K] {
	b := p.desks.Get().(*desk[K])
	b.rows = slices.Grow(b.rows[:0], n*width)[:n*width]
	return b
}

// serve sets row to x as it is served.
func (p *packed[K]) serve(f *flat, row []K, x []float64) {
	d := f.features
	x, row = x[:d], row[:2*d+1]
	for j, v := range x {
		if v != v {
			row[j], row[d+j] = 0, 0
			continue
		}
		k := keyOf[K](v)
		row[j], row[d+j] = k, ^k
	}
	row[2*d] = ^K(0)
	for i := range f.sets {
		// Sets have a look at codes, and at no key.
		j := f.sets[i].feature
		row[j], row[d+int(j)] = maxCategories, 0
		if isCategory(x[j]) {
			row[j] = K(x[j])
		}
	}
}

// maxLeafNumber bounds the numbers of leaves, which are to be below the largest key.
const maxLeafNumber = math.MaxInt32

// place returns the node that a served row ends at.
func (p *packed[K]) place(f *flat, root int, row []K) int {
	i, mask := root, K(1)<<p.shift-1
	for {
		n := p.nodes[i]
		feature, far := int(n.Word&mask), int(n.Word>>p.shift)
		switch {
		case far == 0:
			return i
		case feature >= len(row):
			s := &f.sets[feature-len(row)]
			if !s.codes.has(int(row[s.feature])) {
				far = 1
			}
		case row[feature] <= n.Threshold:
			far = 1
		}
		i += far
	}
}

// walk sets the leaves of the desk to those that its first n lanes come to. Nodes were checked when
// they were made: all ways lead to a leaf, and all features are those of a served row.
func (p *packed[K]) walk(f *flat, b *desk[K], n int) []uint32 {
	if len(f.sets) == 0 {
		walk.Walk(p.nodes, p.shift, b.rows, b.lanes[:n], b.leaves[:n])
		return b.leaves[:n]
	}
	for _, l := range b.lanes[:n] {
		row := b.rows[l.Row:][:2*f.features+1]
		b.leaves[l.Number] = uint32(p.nodes[p.place(f, int(l.Node), row)].Threshold)
	}
	return b.leaves[:n]
}

// add adds leaf number n of tree t to the outputs of a row.
func (f *flat) add(dst []float64, t int, n uint32) {
	if f.width == 1 {
		dst[t%f.outputs] += f.values[n]
		return
	}
	k := f.width
	for j, v := range f.values[int(n)*k : (int(n)+1)*k] {
		dst[j] += v
	}
}

// trees returns how many there are.
func (f *flat) trees() int { return len(f.roots) - 1 }

// eachTree calls use with the leaves that x ends in: those of some trees, from tree t on, at a time.
func (p *packed[K]) eachTree(f *flat, x []float64, use func(t int, leaves []uint32)) {
	b := p.borrow(1, 2*f.features+1)
	defer p.desks.Put(b)
	p.serve(f, b.rows, x)
	for t := 0; t < f.trees(); t += maxLanes {
		n := min(maxLanes, f.trees()-t)
		for l, root := range f.roots[t : t+n] {
			b.lanes[l] = walk.Lane{Node: uint32(root), Number: uint32(l)}
		}
		use(t, p.walk(f, b, n))
	}
}

func (p *packed[K]) sumRow(f *flat, dst, x []float64) {
	p.eachTree(f, x, func(t int, leaves []uint32) {
		for l, n := range leaves {
			f.add(dst, t+l, n)
		}
	})
}

func (p *packed[K]) leavesRow(f *flat, dst []uint32, x []float64) {
	p.eachTree(f, x, func(t int, leaves []uint32) { copy(dst[t:], leaves) })
}

func (p *packed[K]) places(f *flat, dst []int, x []float64) {
	b := p.borrow(1, 2*f.features+1)
	defer p.desks.Put(b)
	p.serve(f, b.rows, x)
	for t, root := range f.roots[:f.trees()] {
		dst[t] = p.place(f, root, b.rows)
	}
}

func (p *packed[K]) eachLeaf(f *flat, x []float64, n, stride int, pick func(t int, rows []int) []int, use func(t int, rows []int, leaves []uint32)) {
	width := 2*f.features + 1
	b := p.borrow(n, width)
	defer p.desks.Put(b)
	for i := range n {
		p.serve(f, b.rows[i*width:(i+1)*width], x[i*stride:i*stride+f.features])
	}
	rows := ascending(n)
	for t := range f.trees() {
		if pick != nil {
			rows = pick(t, rows)
		}
		for lo := 0; lo < len(rows); lo += maxLanes {
			some := rows[lo:min(lo+maxLanes, len(rows))]
			for l, i := range some {
				b.lanes[l] = walk.Lane{Node: uint32(f.roots[t]), Row: uint32(i * width), Number: uint32(l)}
			}
			use(t, some, p.walk(f, b, len(some)))
		}
	}
}

func (p *packed[K]) sumRows(f *flat, dst, x []float64, n, stride int) {
	k := f.outputs
	p.eachLeaf(f, x, n, stride, nil, func(t int, rows []int, leaves []uint32) {
		if k == 1 {
			for l, i := range rows {
				dst[i] += f.values[leaves[l]]
			}
			return
		}
		for l, i := range rows {
			f.add(dst[i*k:(i+1)*k], t, leaves[l])
		}
	})
}

// flatRows is how many rows of the given width one tree is walked by after the other: enough
// that the tree, which comes from farther away than they do, pays.
func flatRows(width int) int {
	const elements = 1 << 16
	return min(max(elements/(2*width+1)/maxLanes, 1), 16) * maxLanes
}

// sum adds what the trees say of the rows of X to dst, n×outputs, whose rows have been
// set to what the sums begin with. O(n·trees·depth), on all processors.
func (f *flat) sum(dst []float64, X gram.Matrix) {
	n, d := X.Dims()
	op := linalg.AsOperator(X)
	size := flatRows(d)
	par.For(nil, 0, n, size, func(_, lo, hi int) {
		b := borrow((hi - lo) * d)
		defer b.back()
		x, stride := op.RowBlock(b.x, lo, hi)
		f.sumRows(f, dst[lo*f.outputs:hi*f.outputs], x, hi-lo, stride)
	})
}
