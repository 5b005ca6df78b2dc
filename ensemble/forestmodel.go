package ensemble

import (
	"context"
	"fmt"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// forestModel is what the models of a forest share.
type forestModel struct {
	flat       *flat
	importance []float64
}

// Features returns d.
func (m *forestModel) Features() int { return m.flat.features }

// Trees returns the number of trees.
func (m *forestModel) Trees() int { return m.flat.trees() }

// Nodes returns the number of nodes of all trees, leaves included.
func (m *forestModel) Nodes() int { return m.flat.roots[m.flat.trees()] }

// Importance returns, for each feature, the part that its splits have in all that was
// taken from the impurity, the mean over the trees; they sum to 1 unless there are no
// splits. It is measured on the training rows, and so flatters features of many values:
// eval.PermutationImportance does not.
func (m *forestModel) Importance() []float64 { return slices.Clone(m.importance) }

// Apply returns the leaf of each of the n rows in each tree, n×trees row-major: numbers of
// nodes, counted over all trees. O(n·trees·depth).
func (m *forestModel) Apply(dst []int, X gram.Matrix) ([]int, error) {
	n, err := gram.CheckFeatures(X, m.flat.features)
	if err != nil {
		return nil, err
	}
	trees := m.flat.trees()
	if dst, err = gram.Dst(dst, n*trees); err != nil {
		return nil, err
	}
	predictRows(X, func(i int, x []float64) { m.flat.places(m.flat, dst[i*trees:(i+1)*trees], x) })
	return dst, nil
}

// Proximity returns, for each of the n rows of A and each of the m of B, the share of the
// trees in which both end in the same leaf, n×m row-major: a similarity that was learned
// for the task, 1 for rows that are never told apart. O((n + m)·trees·depth + n·m·trees).
func (m *forestModel) Proximity(dst []float64, A, B gram.Matrix) ([]float64, error) {
	a, err := m.Apply(nil, A)
	if err != nil {
		return nil, err
	}
	b, err := m.Apply(nil, B)
	if err != nil {
		return nil, err
	}
	trees := m.flat.trees()
	rows, cols := len(a)/trees, len(b)/trees
	if dst, err = gram.Dst(dst, rows*cols); err != nil {
		return nil, err
	}
	_ = par.For(nil, 0, rows, 16, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			for j := range cols {
				same := 0
				for t, leaf := range a[i*trees : (i+1)*trees] {
					if b[j*trees+t] == leaf {
						same++
					}
				}
				dst[i*cols+j] = float64(same) / float64(trees)
			}
		}
	})
	return dst, nil
}

// means sets dst to the means of what the trees say of each row.
func (m *forestModel) means(dst []float64, X gram.Matrix) {
	clear(dst)
	m.flat.sum(dst, X)
	m.divide(dst)
}

// divide makes means of sums, and takes back what rounding adds to probabilities of 1.
func (m *forestModel) divide(sums []float64) {
	trees := float64(m.flat.trees())
	for i := range sums {
		sums[i] /= trees
	}
	if m.flat.outputs > 1 {
		atMostOne(sums)
	}
}

// ForestClassifierModel is what [Forest] and [ExtraTrees] fit to classes: the mean of the
// trees' probabilities. Batch methods take O(n·trees·depth) on all processors, row
// methods O(trees·depth) and no memory. Their errors are gram.ErrShape.
type ForestClassifierModel struct {
	forestModel
	oob      bagScore
	oobProba []float64
}

var _ gram.Classifier = (*ForestClassifierModel)(nil)

// Classes returns K.
func (m *ForestClassifierModel) Classes() int { return m.flat.outputs }

// OutOfBag returns the accuracy, by weight, of the means over the trees that have not
// seen a row, and the number of rows that there is such a tree for: NaN and 0 if it was
// not asked for.
func (m *ForestClassifierModel) OutOfBag() (accuracy float64, rows int) {
	return m.oob.score, m.oob.rows
}

// OutOfBagProba returns those means, n×K row-major for the rows of training, NaN for rows
// that all trees have seen or that had weight 0; nil if it was not asked for. It is not
// saved with the model.
func (m *ForestClassifierModel) OutOfBagProba() []float64 { return slices.Clone(m.oobProba) }

// Predict returns the class of the highest mean probability of each of the n rows.
// len(dst) is n.
func (m *ForestClassifierModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	return predict(m, dst, X)
}

// PredictProba returns the mean probabilities, n×K row-major.
func (m *ForestClassifierModel) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.flat.features)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n*m.flat.outputs); err != nil {
		return nil, err
	}
	m.means(dst, X)
	return dst, nil
}

func (m *ForestClassifierModel) probaBlock(dst []float64, X gram.Matrix) error {
	m.means(dst, X)
	return nil
}

// PredictRow is Predict for one row.
func (m *ForestClassifierModel) PredictRow(x []float64) (int, error) { return predictRow(m, x) }

// PredictProbaRow sets dst, of length K, to the probabilities for one row.
func (m *ForestClassifierModel) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckRow(x, m.flat.features); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, m.flat.outputs); err != nil {
		return err
	}
	clear(dst)
	m.flat.sumRow(m.flat, dst, x)
	m.divide(dst)
	return nil
}

// ForestRegressorModel is what [Forest] and [ExtraTrees] fit to targets: the mean of the
// trees' predictions. Costs and errors are those of [ForestClassifierModel].
type ForestRegressorModel struct {
	forestModel
	oob           bagScore
	oobPrediction []float64
	samples       [][]float64 // of trees, for a QuantileForest until it is fitted
}

var _ gram.Regressor = (*ForestRegressorModel)(nil)

// OutOfBag returns R², by weight, of the means over the trees that have not seen a row,
// and the number of rows that there is such a tree for: NaN and 0 if it was not asked
// for.
func (m *ForestRegressorModel) OutOfBag() (r2 float64, rows int) { return m.oob.score, m.oob.rows }

// OutOfBagPrediction returns those means for the rows of training, NaN for rows that all
// trees have seen or that had weight 0; nil if it was not asked for. It is not saved with
// the model.
func (m *ForestRegressorModel) OutOfBagPrediction() []float64 { return slices.Clone(m.oobPrediction) }

// Predict returns the mean prediction for each of the n rows. len(dst) is n.
func (m *ForestRegressorModel) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.flat.features)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	m.means(dst, X)
	return dst, nil
}

// PredictRow returns the mean prediction for one row.
func (m *ForestRegressorModel) PredictRow(x []float64) (float64, error) {
	if err := gram.CheckRow(x, m.flat.features); err != nil {
		return 0, err
	}
	b := borrow(1)
	defer b.back()
	b.x[0] = 0
	m.flat.sumRow(m.flat, b.x, x)
	m.divide(b.x)
	return b.x[0], nil
}

// scoreBags predicts every row by the trees that have not seen it, and scores the means
// where there are any. means has NaN elsewhere and has all rows of X.
func scoreBags[Y int | float64](ctx context.Context, l *lot, f *flat, X gram.Matrix, y []Y, w []float64, score func(s *sample[Y], mean []float64) float64) (out bagScore, means []float64, err error) {
	n, d := X.Dims()
	k := l.outputs
	means = make([]float64, n*k)
	counts := make([]float64, n)
	trained := trainedRows(l.rows, n)
	op, size := linalg.AsOperator(X), flatRows(d)
	err = par.For(ctx, l.workers, n, size, func(_, lo, hi int) {
		b := borrow((hi - lo) * d)
		defer b.back()
		x, stride := op.RowBlock(b.x, lo, hi)
		f.eachLeaf(f, x, hi-lo, stride, func(t int, rows []int) []int {
			rows = rows[:0]
			for i := lo; i < hi; i++ {
				if at := trained(i); at >= 0 && l.bags[t][at/64]>>(at%64)&1 == 0 {
					rows = append(rows, i-lo)
				}
			}
			return rows
		}, func(t int, rows []int, leaves []uint32) {
			for r, i := range rows {
				i += lo
				counts[i]++
				f.add(means[i*k:(i+1)*k], t, leaves[r])
			}
		})
	})
	if err != nil {
		return noScore, nil, fmt.Errorf("fit stopped: %w", err)
	}
	s := &sample[Y]{}
	var had []float64
	for i, c := range counts {
		mean := means[i*k : (i+1)*k]
		for j := range mean {
			mean[j] /= c // NaN where there is none
		}
		at := trained(i)
		if c == 0 || at < 0 {
			continue
		}
		had = append(had, mean...)
		s.y = append(s.y, y[at])
		weight := 1.0
		if w != nil {
			weight = w[at]
		}
		s.w = append(s.w, weight)
		s.total += weight
	}
	if s.n = len(s.y); s.n == 0 {
		return noScore, means, nil
	}
	return bagScore{score(s, had), s.n}, means, nil
}

// trainedRows returns a function that tells which of the rows trained on row i of X is, −1
// for none. rows are those, nil for all.
func trainedRows(rows []int32, n int) func(i int) int {
	if rows == nil {
		return func(i int) int { return i }
	}
	at := make([]int, n)
	for i := range at {
		at[i] = -1
	}
	for k, i := range rows {
		at[i] = k
	}
	return func(i int) int { return at[i] }
}
