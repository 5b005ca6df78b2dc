package ensemble

import (
	"encoding/binary"
	"math"

	"github.com/gram-ml/gram"
)

func init() {
	gram.Register("ensemble.ForestClassifier", 1, encodeForestClassifier, decodeForestClassifier)
	gram.Register("ensemble.ForestRegressor", 1, encodeForestRegressor, decodeForestRegressor)
}

func encodeForestClassifier(e *gram.Encoder, m *ForestClassifierModel) {
	encodeForest(e, &m.forestModel, m.oob)
}

func encodeForestRegressor(e *gram.Encoder, m *ForestRegressorModel) {
	encodeForest(e, &m.forestModel, m.oob)
}

func encodeForest(e *gram.Encoder, m *forestModel, oob bagScore) {
	encodeFlat(e, m.flat)
	e.Floats(m.importance)
	oob.encode(e)
}

func decodeForest(d *gram.Decoder) (m forestModel, oob bagScore) {
	m = forestModel{decodeFlat(d), d.Floats()}
	oob = decodeBagScore(d)
	if d.Err() == nil && (len(m.importance) != m.flat.features || m.flat.width != m.flat.outputs) {
		d.Fail("%d importances for %d features, leaves of %d of %d outputs", len(m.importance), m.flat.features, m.flat.width, m.flat.outputs)
	}
	return m, oob
}

func decodeForestClassifier(d *gram.Decoder, _ int) *ForestClassifierModel {
	m, oob := decodeForest(d)
	if d.Err() != nil {
		return nil
	}
	if m.flat.outputs < 2 {
		d.Fail("forest of %d classes", m.flat.outputs)
	}
	for _, p := range m.flat.values {
		if !(p >= 0 && p <= 1) {
			d.Fail("probability is %v", p)
			break
		}
	}
	return &ForestClassifierModel{forestModel: m, oob: oob}
}

func decodeForestRegressor(d *gram.Decoder, _ int) *ForestRegressorModel {
	m, oob := decodeForest(d)
	if d.Err() != nil {
		return nil
	}
	if m.flat.outputs != 1 {
		d.Fail("forest of %d targets", m.flat.outputs)
	}
	return &ForestRegressorModel{forestModel: m, oob: oob}
}

// plainBytes is the size of an encoded node.
const plainBytes = 8 + 4 + 4

func encodeFlat(e *gram.Encoder, f *flat) {
	e.Int(f.features)
	e.Int(f.outputs)
	e.Int(f.width)
	e.Floats(f.values)
	e.Int(len(f.sets))
	for _, s := range f.sets {
		e.Int(int(s.feature))
		encodeSet(e, s.codes)
	}
	e.Int(f.trees())
	for t := range f.trees() {
		nodes := f.plain(f, f.roots[t], f.roots[t+1])
		buf := make([]byte, 0, len(nodes)*plainBytes)
		for _, n := range nodes {
			buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(n.threshold))
			buf = binary.LittleEndian.AppendUint32(buf, n.feature)
			buf = binary.LittleEndian.AppendUint32(buf, n.far)
		}
		e.Bytes(buf)
	}
}

// decodeFlat reads a flat and checks that every walk ends, at a leaf that there is.
func decodeFlat(d *gram.Decoder) *flat {
	features, outputs, width := d.Int(), d.Count(), d.Int()
	values := d.Floats()
	if features < 1 || features > maxFeatures/2 || outputs < 1 || width != outputs && width != 1 || len(values)%max(width, 1) != 0 || len(values)/max(width, 1) > maxLeafNumber {
		d.Fail("%d features, %d outputs, %d values for leaves of %d", features, outputs, len(values), width)
	}
	for _, v := range values {
		if v-v != 0 {
			d.Fail("value is %v", v)
			break
		}
	}
	var sets []farSet
	for range d.Count() {
		s := farSet{int32(d.Int()), decodeSet(d)}
		if d.Err() != nil {
			return nil
		}
		if s.feature < 0 || int(s.feature) >= features || s.codes.has(maxCategories) {
			d.Fail("set of feature %d of %d", s.feature, features)
		}
		sets = append(sets, s)
	}
	var trees [][]plainNode
	for range d.Count() {
		nodes := decodePlain(d.Bytes())
		checkPlain(d, nodes, features, sets, len(values)/max(width, 1))
		if d.Err() != nil {
			return nil
		}
		trees = append(trees, nodes)
	}
	if d.Err() != nil {
		return nil
	}
	if len(trees) == 0 || len(trees)%(outputs/width) != 0 {
		d.Fail("%d trees of %d outputs for %d", len(trees), width, outputs)
		return nil
	}
	return newFlat(features, outputs, width, trees, sets, values)
}

func decodePlain(b []byte) []plainNode {
	nodes := make([]plainNode, len(b)/plainBytes)
	for i := range nodes {
		n := b[i*plainBytes:]
		nodes[i] = plainNode{math.Float64frombits(binary.LittleEndian.Uint64(n)), binary.LittleEndian.Uint32(n[8:]), binary.LittleEndian.Uint32(n[12:])}
	}
	return nodes
}

// checkPlain fails unless the nodes are a tree: children are further on, all but the
// first node are somebody's, and thresholds are finite. Features are split by thresholds
// or by sets, never by both.
func checkPlain(d *gram.Decoder, nodes []plainNode, features int, sets []farSet, leaves int) {
	categorical := make(map[uint32]bool, len(sets))
	for _, s := range sets {
		categorical[uint32(s.feature)] = true
	}
	if len(nodes) == 0 {
		d.Fail("tree of no nodes")
	}
	child := make([]bool, len(nodes)+1)
	for i, n := range nodes {
		feature := int(n.feature)
		switch {
		case i > 0 && !child[i]:
			d.Fail("node %d is no child", i)
		case n.far == 0:
			if feature >= leaves || n.threshold != 0 {
				d.Fail("leaf %d of %d", feature, leaves)
			}
			continue
		case n.far == 1 || int(n.far) >= len(nodes)-i || child[i+1] || child[i+int(n.far)]:
			d.Fail("children of node %d of %d, %d ahead", i, len(nodes), n.far)
		case feature == 2*features || feature > 2*features+len(sets) || n.threshold-n.threshold != 0:
			d.Fail("node %d looks at %d of %d features by threshold %v", i, feature, features, n.threshold)
		case feature < 2*features && categorical[uint32(feature%features)] || feature > 2*features && n.threshold != 0:
			d.Fail("node %d has a threshold for categories", i)
		}
		if d.Err() != nil {
			return
		}
		child[i+1], child[i+int(n.far)] = true, true
	}
}
