package ensemble

import (
	"iter"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// boosted is what the models of [GradientBoosting] share.
type boosted struct {
	features    int
	outputs     int       // scores of a row
	start       []float64 // scores without any tree
	trees       []*grown  // round by round, of each one for every score
	losses      []float64 // on validation rows, by round
	logarithmic bool      // whether predictions are exponentials of scores
	steps       []step
	roots       []int32
	sets        []categorySet
	bins        *modelBins
	small       *smallTrees // nil if trees are not
}

// A step is a node as rows meet it when they are predicted.
type step struct {
	threshold float64 // the value of a leaf
	feature   int32   // −1 for a leaf
	left      int32   // the right child follows; the sign says where a missing value goes
}

// compile derives what predictions are made with.
func (m *boosted) compile() {
	for _, t := range m.trees {
		base := int32(len(m.steps))
		m.roots = append(m.roots, base)
		for i, n := range t.nodes {
			if n.leaf() {
				m.steps = append(m.steps, step{t.values[i], -1, 0})
				continue
			}
			s := step{n.threshold, n.feature, base + n.left}
			if n.set >= 0 {
				s.feature = -2 - n.feature
				s.threshold = float64(len(m.sets))
				m.sets = append(m.sets, t.sets[n.set])
			}
			if n.missingLeft {
				s.left = -s.left
			}
			m.steps = append(m.steps, s)
		}
	}
	m.bins = newModelBins(m)
	m.small = newSmallTrees(m)
}

// Features returns d.
func (m *boosted) Features() int { return m.features }

// Rounds returns how many rounds the model has.
func (m *boosted) Rounds() int { return len(m.trees) / m.outputs }

// Losses returns the mean loss on validation rows after each round, nil if there were
// none. It has the rounds beyond the best that Patience waited for.
func (m *boosted) Losses() []float64 { return append([]float64(nil), m.losses...) }

// Importance returns, for each feature, the part its splits have in all that splits took
// from the loss; they sum to 1 unless all trees are leaves.
func (m *boosted) Importance() []float64 {
	out := make([]float64, m.features)
	for _, t := range m.trees {
		t.addImportance(out, 1)
	}
	return normalize(out)
}

// Trees returns the number of trees: those of round r, one for each score, have the numbers
// r·scores to (r+1)·scores − 1.
func (m *boosted) Trees() int { return len(m.trees) }

// Tree returns a tree, to look into. Its predictions are what it adds to the score; the
// impurity of its nodes is 0, and gains are decreases of the loss.
func (m *boosted) Tree(i int) *TreeRegressorModel {
	return &TreeRegressorModel{treeModel{m.features, m.trees[i]}}
}

// leafValue returns the value of the leaf that x comes to in a tree.
func (m *boosted) leafValue(root int32, x []float64) float64 {
	s := &m.steps[root]
	for s.feature != -1 {
		left := s.left
		missingLeft := left < 0
		if missingLeft {
			left = -left
		}
		goes := missingLeft
		if s.feature >= 0 {
			if v := x[s.feature]; v == v {
				goes = v <= s.threshold
			}
		} else if v := x[-2-s.feature]; isCategory(v) {
			goes = m.sets[int(s.threshold)].has(int(v))
		}
		if !goes {
			left++
		}
		s = &m.steps[left]
	}
	return s.threshold
}

// addRow adds the values of the trees of rounds from ≤ r < to to the scores of x.
func (m *boosted) addRow(scores, x []float64, from, to int) {
	if m.outputs == 1 {
		sum := scores[0]
		for _, root := range m.roots[from:to] {
			sum += m.leafValue(root, x)
		}
		scores[0] = sum
		return
	}
	for i, root := range m.roots[from*m.outputs : to*m.outputs] {
		scores[i%m.outputs] += m.leafValue(root, x)
	}
}

// score sets scores to those of x.
func (m *boosted) score(scores, x []float64) {
	copy(scores, m.start)
	if m.small != nil {
		m.small.addRow(scores, x)
		return
	}
	m.addRow(scores, x, 0, m.Rounds())
}

// scoreRows sets dst, n×outputs, to the scores of the rows of X.
func (m *boosted) scoreRows(dst []float64, X gram.Matrix) {
	k := m.outputs
	if m.small == nil {
		predictRows(X, func(i int, x []float64) { m.score(dst[i*k:(i+1)*k], x) })
		return
	}
	n, d := X.Dims()
	for i := range n {
		copy(dst[i*k:(i+1)*k], m.start)
	}
	op := linalg.AsOperator(X)
	par.For(nil, 0, n, smallRows, func(_, lo, hi int) {
		b := borrow((hi - lo) * d)
		defer b.back()
		x, stride := op.RowBlock(b.x, lo, hi)
		m.small.addRows(dst[lo*k:hi*k], x, hi-lo, stride)
	})
}

// decision is DecisionFunction.
func (m *boosted) decision(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.features)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n*m.outputs); err != nil {
		return nil, err
	}
	m.scoreRows(dst, X)
	return dst, nil
}

// staged returns a sequence of the rounds, from 1 on, and what finish makes of the n×outputs
// scores after each, for which it has width numbers a row.
func (m *boosted) staged(X gram.Matrix, width int, finish func(dst, scores []float64)) (iter.Seq2[int, []float64], error) {
	n, err := gram.CheckFeatures(X, m.features)
	if err != nil {
		return nil, err
	}
	return func(yield func(int, []float64) bool) {
		k := m.outputs
		scores, dst := make([]float64, n*k), make([]float64, n*width)
		for i := range n {
			copy(scores[i*k:], m.start)
		}
		for round := range m.Rounds() {
			predictRows(X, func(i int, x []float64) {
				s := scores[i*k : (i+1)*k]
				m.addRow(s, x, round, round+1)
				finish(dst[i*width:(i+1)*width], s)
			})
			if !yield(round+1, dst) {
				return
			}
		}
	}, nil
}

// GradientBoostingClassifierModel is what [GradientBoosting] fits to classes. Batch methods
// take O(n·trees·depth), row methods O(trees·depth) and no memory. Their errors are
// gram.ErrShape.
type GradientBoostingClassifierModel struct {
	boosted
	classes int
}

var _ gram.Classifier = (*GradientBoostingClassifierModel)(nil)

// Classes returns K.
func (m *GradientBoostingClassifierModel) Classes() int { return m.classes }

// probabilities sets p, of length K, to those of scores.
func (m *GradientBoostingClassifierModel) probabilities(p, scores []float64) {
	if m.classes == 2 {
		s := scores[0] // p may be the same memory
		e := math.Exp(-math.Abs(s))
		big, small := 1/(1+e), e/(1+e)
		if s < 0 {
			big, small = small, big
		}
		p[0], p[1] = small, big
		return
	}
	most := math.Inf(-1)
	for _, s := range scores {
		most = max(most, s)
	}
	sum := 0.0
	for c, s := range scores {
		p[c] = math.Exp(s - most)
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
}

// DecisionFunction returns the scores: for two classes the n logits of class 1, otherwise
// n×K row-major, of which the softmax is the probabilities.
func (m *GradientBoostingClassifierModel) DecisionFunction(dst []float64, X gram.Matrix) ([]float64, error) {
	return m.decision(dst, X)
}

// Predict returns the most probable class of each of the n rows. len(dst) is n.
func (m *GradientBoostingClassifierModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	return predict(m, dst, X)
}

// PredictProba returns the probabilities, n×K row-major.
func (m *GradientBoostingClassifierModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.features)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n*m.classes); err != nil {
		return nil, err
	}
	return dst, m.probaBlock(dst, X)
}

func (m *GradientBoostingClassifierModel) probaBlock(dst []float64, X gram.Matrix) error {
	n, _ := X.Dims()
	scores := dst[len(dst)-n*m.outputs:] // for two classes the second half
	m.scoreRows(scores, X)
	m.probabilitiesOf(dst, scores, n)
	return nil
}

// probabilitiesOf is probabilities for n rows; scores may be the end of dst.
func (m *GradientBoostingClassifierModel) probabilitiesOf(dst, scores []float64, n int) {
	for i := range n {
		m.probabilities(dst[i*m.classes:(i+1)*m.classes], scores[i*m.outputs:(i+1)*m.outputs])
	}
}

// proba sets p, of length K, to the probabilities for x.
func (m *GradientBoostingClassifierModel) proba(p, x []float64) {
	scores := p[:m.outputs]
	m.score(scores, x)
	m.probabilities(p, scores)
}

// PredictRow returns the most probable class of one row.
func (m *GradientBoostingClassifierModel) PredictRow(x []float64) (int, error) {
	return predictRow(m, x)
}

// PredictProbaRow sets dst, of length K, to the probabilities for one row.
func (m *GradientBoostingClassifierModel) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckRow(x, m.features); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, m.classes); err != nil {
		return err
	}
	m.proba(dst, x)
	return nil
}

// StagedProba returns a sequence of the rounds, from 1 on, each with the probabilities
// after it, n×K row-major in memory that the next round overwrites.
func (m *GradientBoostingClassifierModel) StagedProba(X gram.Matrix) (iter.Seq2[int, []float64], error) {
	return m.staged(X, m.classes, m.probabilities)
}

// GradientBoostingRegressorModel is what [GradientBoosting] fits to targets. Costs and
// errors are those of [GradientBoostingClassifierModel].
type GradientBoostingRegressorModel struct{ boosted }

var _ gram.Regressor = (*GradientBoostingRegressorModel)(nil)

// mean returns what a score predicts.
func (m *boosted) mean(score float64) float64 {
	if m.logarithmic {
		return math.Exp(score)
	}
	return score
}

// Predict returns the prediction for each of the n rows. len(dst) is n.
func (m *GradientBoostingRegressorModel) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	dst, err := m.decision(dst, X)
	for i, v := range dst {
		dst[i] = m.mean(v)
	}
	return dst, err
}

// PredictRow returns the prediction for one row.
func (m *GradientBoostingRegressorModel) PredictRow(x []float64) (float64, error) {
	if err := gram.CheckRow(x, m.features); err != nil {
		return 0, err
	}
	var s [1]float64
	m.score(s[:], x)
	return m.mean(s[0]), nil
}

// Staged returns a sequence of the rounds, from 1 on, each with the n predictions after it,
// in memory that the next round overwrites.
func (m *GradientBoostingRegressorModel) Staged(X gram.Matrix) (iter.Seq2[int, []float64], error) {
	return m.staged(X, 1, func(dst, scores []float64) { dst[0] = m.mean(scores[0]) })
}
