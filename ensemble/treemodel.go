package ensemble

import (
	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// batchRows is how many rows a goroutine predicts at a time.
const batchRows = 1024

// predictRows calls f with each row of X, in blocks on all processors.
func predictRows(X gram.Matrix, f func(i int, x []float64)) {
	n, _ := X.Dims()
	op := linalg.AsOperator(X)
	par.For(nil, 0, n, batchRows, func(_, lo, hi int) { eachRow(op, lo, hi, f) })
}

// A Split is an inner node of a tree, as accessors show it.
type Split struct {
	// Node is the node's number; the root is 0, and children have larger numbers than
	// their parent. Left and Right are those of its children.
	Node, Left, Right int
	// Feature is the column that is compared.
	Feature int
	// Threshold is what values that go left do not exceed, if Categories is nil.
	Threshold float64
	// Categories are the codes that go left, in order, for a categorical feature.
	Categories []int
	// MissingLeft tells whether missing values go left.
	MissingLeft bool
	// Weight is the training weight of the node, Impurity its criterion, and Gain what
	// the split took from Weight·Impurity.
	Weight, Impurity, Gain float64
}

// treeModel is what the models of one tree share.
type treeModel struct {
	features int
	*grown
}

// Features returns d.
func (m *treeModel) Features() int { return m.features }

// Nodes returns the number of nodes, leaves included.
func (m *treeModel) Nodes() int { return len(m.nodes) }

// Leaves returns the number of leaves.
func (m *treeModel) Leaves() int { return m.leaves() }

// Depth returns the number of splits on the longest path.
func (m *treeModel) Depth() int { return m.depth() }

// Importance returns, for each feature, the part its splits have in all that was
// taken from the impurity; they sum to 1 unless the tree is a leaf. A feature of many
// values has more chances to be chosen than its part in the truth deserves.
func (m *treeModel) Importance() []float64 {
	out := make([]float64, m.features)
	m.addImportance(out, 1)
	return normalize(out)
}

// split returns inner node i as a Split.
func (m *treeModel) splitOf(i int32) Split {
	n := &m.nodes[i]
	s := Split{
		Node: int(i), Left: int(n.left), Right: int(n.left) + 1, Feature: int(n.feature), Threshold: n.threshold,
		MissingLeft: n.missingLeft, Weight: n.weight, Impurity: n.impurity, Gain: n.gain,
	}
	if n.set >= 0 {
		for c := range maxCategories {
			if m.sets[n.set].has(c) {
				s.Categories = append(s.Categories, c)
			}
		}
	}
	return s
}

// Path returns the splits that x meets, from the root on, and the number of its leaf.
func (m *treeModel) Path(x []float64) (splits []Split, leaf int, err error) {
	if err := gram.CheckRow(x, m.features); err != nil {
		return nil, 0, err
	}
	i := int32(0)
	for !m.nodes[i].leaf() {
		splits = append(splits, m.splitOf(i))
		i = m.next(i, x)
	}
	return splits, int(i), nil
}

// Apply returns the number of the leaf of each of the n rows. len(dst) is n.
func (m *treeModel) Apply(dst []int, X gram.Matrix) ([]int, error) {
	n, err := gram.CheckFeatures(X, m.features)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	predictRows(X, func(i int, x []float64) { dst[i] = int(m.leafOf(x)) })
	return dst, nil
}

// TreeClassifierModel is what [Tree] fits to classes. Batch methods take O(n·depth),
// row methods O(depth) and no memory. Their errors are gram.ErrShape.
type TreeClassifierModel struct{ treeModel }

var _ gram.Classifier = (*TreeClassifierModel)(nil)

// Classes returns K.
func (m *TreeClassifierModel) Classes() int { return m.outputs }

// Prune returns the smallest subtree that minimises, over all subtrees, the sum over
// its leaves of their share of the weight times their impurity, plus alpha ≥ 0 for
// each leaf. It costs O(nodes·depth·log nodes).
func (m *TreeClassifierModel) Prune(alpha float64) *TreeClassifierModel {
	return &TreeClassifierModel{treeModel{m.features, m.prune(alpha)}}
}

// Predict returns the most probable class of each of the n rows. len(dst) is n.
func (m *TreeClassifierModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	n, err := gram.CheckFeatures(X, m.features)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	predictRows(X, func(i int, x []float64) { dst[i] = argmax(m.value(m.leafOf(x))) })
	return dst, nil
}

// argmax returns the index of the largest element, the first of equals.
func argmax(p []float64) int {
	best := 0
	for k, v := range p {
		if v > p[best] {
			best = k
		}
	}
	return best
}

// PredictProba returns the classes' shares of the weight in the rows' leaves, n×K
// row-major.
func (m *TreeClassifierModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.features)
	if err != nil {
		return nil, err
	}
	k := m.outputs
	if dst, err = gram.Dst(dst, n*k); err != nil {
		return nil, err
	}
	predictRows(X, func(i int, x []float64) { copy(dst[i*k:(i+1)*k], m.value(m.leafOf(x))) })
	return dst, nil
}

// PredictRow returns the most probable class of one row.
func (m *TreeClassifierModel) PredictRow(x []float64) (int, error) {
	if err := gram.CheckRow(x, m.features); err != nil {
		return 0, err
	}
	return argmax(m.value(m.leafOf(x))), nil
}

// PredictProbaRow sets dst, of length K, to the probabilities for one row.
func (m *TreeClassifierModel) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckRow(x, m.features); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, m.outputs); err != nil {
		return err
	}
	copy(dst, m.value(m.leafOf(x)))
	return nil
}

// TreeRegressorModel is what [Tree] fits to targets. Costs and errors are those of
// [TreeClassifierModel].
type TreeRegressorModel struct{ treeModel }

var _ gram.Regressor = (*TreeRegressorModel)(nil)

// Prune returns the pruned tree, as that of [TreeClassifierModel] does.
func (m *TreeRegressorModel) Prune(alpha float64) *TreeRegressorModel {
	return &TreeRegressorModel{treeModel{m.features, m.prune(alpha)}}
}

// Predict returns the mean, or the median for AbsoluteError, of each row's leaf.
// len(dst) is n.
func (m *TreeRegressorModel) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.features)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	predictRows(X, func(i int, x []float64) { dst[i] = m.values[m.leafOf(x)] })
	return dst, nil
}

// PredictRow returns the prediction for one row.
func (m *TreeRegressorModel) PredictRow(x []float64) (float64, error) {
	if err := gram.CheckRow(x, m.features); err != nil {
		return 0, err
	}
	return m.values[m.leafOf(x)], nil
}
