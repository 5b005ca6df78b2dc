package ensemble

import (
	"encoding/binary"
	"math"

	"github.com/gram-ml/gram"
)

func init() {
	gram.Register("ensemble.TreeClassifier", 1, encodeTreeClassifier, decodeTreeClassifier)
	gram.Register("ensemble.TreeRegressor", 1, encodeTreeRegressor, decodeTreeRegressor)
}

func encodeTreeClassifier(e *gram.Encoder, m *TreeClassifierModel) { encodeTree(e, &m.treeModel) }
func encodeTreeRegressor(e *gram.Encoder, m *TreeRegressorModel)   { encodeTree(e, &m.treeModel) }

func decodeTreeClassifier(d *gram.Decoder, _ int) *TreeClassifierModel {
	m := decodeTree(d)
	if m == nil {
		return nil
	}
	if m.outputs < 2 {
		d.Fail("tree of %d classes", m.outputs)
	}
	checkProbabilities(d, m.grown)
	return &TreeClassifierModel{*m}
}

// checkProbabilities fails for values of nodes that are no probabilities.
func checkProbabilities(d *gram.Decoder, g *grown) {
	for _, p := range g.values {
		if !(p >= 0 && p <= 1) {
			d.Fail("probability is %v", p)
			return
		}
	}
}

func decodeTreeRegressor(d *gram.Decoder, _ int) *TreeRegressorModel {
	m := decodeTree(d)
	if m == nil {
		return nil
	}
	if m.outputs != 1 {
		d.Fail("tree of %d targets", m.outputs)
	}
	return &TreeRegressorModel{*m}
}

func encodeTree(e *gram.Encoder, m *treeModel) {
	e.Int(m.features)
	encodeGrown(e, m.grown)
}

// maxFeatures bounds the features of a loaded model: they take no bytes of a tree.
const maxFeatures = math.MaxInt32

func decodeTree(d *gram.Decoder) *treeModel {
	features := d.Int()
	if features < 1 || features > maxFeatures {
		d.Fail("tree of %d features", features)
	}
	g := decodeGrown(d, features)
	if g == nil {
		return nil
	}
	return &treeModel{features, g}
}

// nodeBytes is the size of an encoded node.
const nodeBytes = 4 + 4 + 4 + 1 + 4*8

func encodeGrown(e *gram.Encoder, g *grown) {
	buf := make([]byte, 0, nodeBytes*len(g.nodes))
	for _, n := range g.nodes {
		buf = binary.LittleEndian.AppendUint32(buf, uint32(n.feature))
		buf = binary.LittleEndian.AppendUint32(buf, uint32(n.left))
		buf = binary.LittleEndian.AppendUint32(buf, uint32(n.set))
		missing := byte(0)
		if n.missingLeft {
			missing = 1
		}
		buf = append(buf, missing)
		for _, v := range []float64{n.threshold, n.weight, n.impurity, n.gain} {
			buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(v))
		}
	}
	e.Int(g.outputs)
	e.Bytes(buf)
	e.Floats(g.values)
	e.Int(len(g.sets))
	for _, s := range g.sets {
		encodeSet(e, s)
	}
}

func encodeSet(e *gram.Encoder, s categorySet) {
	for _, word := range s {
		e.Int(int(word))
	}
}

func decodeSet(d *gram.Decoder) (s categorySet) {
	for i := range s {
		s[i] = uint64(d.Int())
	}
	return s
}

func decodeGrown(d *gram.Decoder, features int) *grown {
	outputs := d.Count()
	buf := d.Bytes()
	count := len(buf) / nodeBytes
	if len(buf)%nodeBytes != 0 || count%2 == 0 || outputs == 0 {
		d.Fail("%d bytes of nodes with %d outputs", len(buf), outputs)
	}
	g := &grown{outputs: outputs, values: d.Floats(count, outputs)}
	sets := d.Count()
	if d.Err() != nil {
		return nil
	}
	for range sets {
		g.sets = append(g.sets, decodeSet(d))
		if d.Err() != nil {
			return nil
		}
	}
	g.nodes = make([]node, count)
	for i := range g.nodes {
		g.nodes[i] = decodeNode(buf[i*nodeBytes:])
	}
	checkNodes(d, g, features)
	if d.Err() != nil {
		return nil
	}
	return g
}

func decodeNode(b []byte) node {
	word := func(i int) int32 { return int32(binary.LittleEndian.Uint32(b[4*i:])) }
	float := func(i int) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b[13+8*i:])) }
	return node{
		feature: word(0), left: word(1), set: word(2), missingLeft: b[12] != 0,
		threshold: float(0), weight: float(1), impurity: float(2), gain: float(3),
	}
}

// checkNodes fails unless the nodes are a tree in which every walk ends, with sets and
// features that there are and finite values.
func checkNodes(d *gram.Decoder, g *grown, features int) {
	next := int32(1) // where the children of the next inner node are
	for i, n := range g.nodes {
		switch {
		case n.leaf():
			if n.feature != -1 {
				d.Fail("feature %d of node %d", n.feature, i)
			}
		case int(n.feature) >= features || n.set < -1 || int(n.set) >= len(g.sets) || n.threshold != n.threshold:
			d.Fail("node %d splits feature %d of %d by set %d of %d or threshold %v", i, n.feature, features, n.set, len(g.sets), n.threshold)
		case int(n.left) <= i || int(n.left)+1 >= len(g.nodes) || n.left%2 == 0:
			d.Fail("node %d of %d has child %d", i, len(g.nodes), n.left)
		default:
			next += 2
		}
	}
	if d.Err() == nil && int(next) != len(g.nodes) {
		d.Fail("%d of %d nodes are children", next-1, len(g.nodes)-1)
	}
	checkParents(d, g)
	for _, v := range g.values {
		if v-v != 0 {
			d.Fail("value is %v", v)
			return
		}
	}
}

// checkParents fails if two nodes have the same children.
func checkParents(d *gram.Decoder, g *grown) {
	if d.Err() != nil {
		return
	}
	seen := make([]bool, len(g.nodes))
	for i, n := range g.nodes {
		if n.leaf() {
			continue
		}
		if seen[n.left] {
			d.Fail("node %d shares its children", i)
			return
		}
		seen[n.left] = true
	}
}
