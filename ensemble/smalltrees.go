package ensemble

import "github.com/gram-ml/gram/internal/kernel/hist"

// smallTrees are trees of few leaves and features, without sets of categories, in the form
// that vector instructions serve fastest: rows are put into bins, by the thresholds of the
// trees, and all nodes of a tree are looked at, at once.
type smallTrees struct {
	outputs int
	bins    *modelBins
	width   int // bytes of a row: the features of bins, and others
	trees   []hist.Tree
}

// newSmallTrees returns nil if the trees of m are not such, or the processor is not one
// for them.
func newSmallTrees(m *boosted) *smallTrees {
	if !hist.CanScore() || m.bins.full >= 0 || len(m.bins.features) > hist.MaxBytes {
		return nil
	}
	for _, t := range m.trees {
		if t.leaves() > hist.MaxLeaves || len(t.sets) > 0 {
			return nil
		}
	}
	s := &smallTrees{outputs: m.outputs, bins: m.bins, trees: make([]hist.Tree, len(m.trees))}
	s.width = max((len(m.bins.features)+hist.Chunk-1)/hist.Chunk, 1) * hist.Chunk
	at := map[int32]uint8{}
	for i, j := range m.bins.features {
		at[j] = uint8(i)
	}
	for i, t := range m.trees {
		s.set(&s.trees[i], t, at, m.bins.nodes[m.roots[i]:])
	}
	return s
}

// set sets a tree; at is where features are, and bins are those of its nodes.
func (s *smallTrees) set(to *hist.Tree, t *grown, at map[int32]uint8, bins []uint8) {
	to.Clear()
	mask, left := make([]uint32, len(t.nodes)), make([]uint32, len(t.nodes))
	nodes, leaves := 0, 0
	for i, n := range t.nodes {
		if n.leaf() {
			to.SetLeaf(leaves, mask[i], left[i], t.values[i])
			leaves++
			continue
		}
		to.SetNode(nodes, at[n.feature], bins[i], n.missingLeft)
		bit := uint32(1) << nodes
		nodes++
		mask[n.left], mask[n.left+1] = mask[i]|bit, mask[i]|bit
		left[n.left], left[n.left+1] = left[i]|bit, left[i]
	}
}

// addRow adds the values of all trees to the scores of x.
func (s *smallTrees) addRow(scores, x []float64) {
	var row [hist.MaxBytes]uint8
	missing := false
	for i, j := range s.bins.features {
		b := s.bins.guides[i].bin(x[j])
		row[i] = b
		missing = missing || b == missingBin
	}
	s.add(scores, row[:], 1, missing)
}

// smallRows is how many rows pass one tree after the other.
const smallRows = 256

// addRows adds the values of all trees to the scores of up to smallRows rows, which are
// stride apart.
func (s *smallTrees) addRows(scores, x []float64, n, stride int) {
	var rows [smallRows * hist.MaxBytes]uint8
	missing := false
	for i, j := range s.bins.features {
		g := &s.bins.guides[i]
		for r := range n {
			b := g.bin(x[r*stride+int(j)])
			rows[r*s.width+i] = b
			missing = missing || b == missingBin
		}
	}
	s.add(scores, rows[:n*s.width], n, missing)
}

func (s *smallTrees) add(scores []float64, rows []uint8, n int, missing bool) {
	for k := range min(s.outputs, len(s.trees)) {
		hist.Score(scores[k:], s.outputs, rows, n, s.width, s.trees[k:], s.outputs, missing)
	}
}
