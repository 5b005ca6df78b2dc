package ensemble

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// QuantileForest is a forest that keeps the targets of its leaves and so predicts the whole
// conditional distribution, not its mean alone (N. Meinshausen, Quantile regression
// forests, JMLR 7, 2006). A training row has, for a row x, the mean over the trees of its
// share of the leaf that x ends in, 0 if it is elsewhere; the quantiles are those of the
// training targets with these weights.
type QuantileForest struct {
	// Forest grows the trees. Leaves should hold several rows: MinLeaf 0 means 5 here.
	// OutOfBag scores the mean.
	Forest Forest
}

var _ gram.RegressorTrainer = QuantileForest{}

// Fit trains as [Forest.FitRegressor] does. Beside the forest it keeps 12 bytes for each
// tree and row of its sample.
func (t QuantileForest) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*QuantileForestModel, error) {
	if t.Forest.MinLeaf == 0 {
		t.Forest.MinLeaf = 5
	}
	f := t.Forest.forestry()
	f.keep = true
	forest, err := f.fitRegressor(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	n, _ := X.Dims()
	rows, _ := present(w, n)
	m := &QuantileForestModel{ForestRegressorModel: forest}
	err = m.fill(ctx, f.workers, X, trainedRows(rows, n), pick(y, rows), forest.samples)
	m.samples = nil
	return m, err
}

// TrainRegressor calls Fit.
func (t QuantileForest) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	m, err := t.Fit(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// QuantileForestModel is what [QuantileForest] fits. Its predictions are medians; Mean has
// the forest's.
type QuantileForestModel struct {
	*ForestRegressorModel
	targets []float64 // distinct, in order
	start   []int     // by leaf, where its shares begin; and where the last ones end
	shares  []share
}

// A share is what a target has of a leaf.
type share struct {
	target uint32
	weight float64
}

// fill drops the rows of each tree's sample into its leaves.
func (m *QuantileForestModel) fill(ctx context.Context, workers int, X gram.Matrix, trained func(i int) int, y []float64, samples [][]float64) error {
	m.targets = slices.Compact(slices.Sorted(slices.Values(y)))
	target := make([]uint32, len(y))
	for i, v := range y {
		at, _ := slices.BinarySearch(m.targets, v)
		target[i] = uint32(at)
	}
	n, d := X.Dims()
	f := m.flat
	trees := f.trees()
	leaves := make([]uint32, n*trees)
	op, size := linalg.AsOperator(X), flatRows(d)
	err := par.For(ctx, workers, n, size, func(_, lo, hi int) {
		b := borrow((hi - lo) * d)
		defer b.back()
		x, stride := op.RowBlock(b.x, lo, hi)
		f.eachLeaf(f, x, hi-lo, stride, nil, func(t int, rows []int, of []uint32) {
			for l, i := range rows {
				leaves[t*n+lo+i] = of[l]
			}
		})
	})
	if err != nil {
		return fmt.Errorf("fit stopped: %w", err)
	}
	byLeaf := make([][]share, len(f.values))
	_ = par.For(nil, workers, trees, 1, func(t, _, _ int) {
		for i, leaf := range leaves[t*n : (t+1)*n] {
			at := trained(i)
			if at < 0 {
				continue
			}
			weight := 1.0
			if s := samples[t]; s != nil {
				weight = s[at]
			}
			if weight > 0 {
				byLeaf[leaf] = append(byLeaf[leaf], share{target[at], weight})
			}
		}
	})
	m.start = make([]int, 1, len(byLeaf)+1)
	for _, s := range byLeaf {
		m.shares = append(m.shares, merged(s)...)
		m.start = append(m.start, len(m.shares))
	}
	return nil
}

// merged sorts the shares of a leaf by target, one for each, and makes them sum to 1.
func merged(s []share) []share {
	slices.SortStableFunc(s, byTarget)
	total, out := 0.0, s[:0]
	for _, v := range s {
		total += v.weight
		if last := len(out) - 1; last >= 0 && out[last].target == v.target {
			out[last].weight += v.weight
		} else {
			out = append(out, v)
		}
	}
	for i := range out {
		out[i].weight /= total
	}
	return out
}

func byTarget(a, b share) int { return int(int64(a.target) - int64(b.target)) }

// Mean returns the mean predictions for each of the n rows: those of the forest.
func (m *QuantileForestModel) Mean(dst []float64, X gram.Matrix) ([]float64, error) {
	return m.ForestRegressorModel.Predict(dst, X)
}

// Predict returns the conditional median for each of the n rows. len(dst) is n.
func (m *QuantileForestModel) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	return m.Quantiles(dst, X, median[:])
}

// PredictRow returns the conditional median for one row.
func (m *QuantileForestModel) PredictRow(x []float64) (float64, error) {
	b := borrow(1)
	defer b.back()
	err := m.QuantilesRow(b.x, x, median[:])
	return b.x[0], err
}

var median = [1]float64{0.5}

// Quantiles returns, for each of the n rows and each q of quantiles, in [0, 1], the least
// training target that the conditional distribution has at least q of its weight up to:
// n×len(quantiles), row-major. O(trees·depth + m·log m) a row, of m targets in its leaves.
//
// Errors: gram.ErrShape, and gram.ErrParam for a q out of range.
func (m *QuantileForestModel) Quantiles(dst []float64, X gram.Matrix, quantiles []float64) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.flat.features)
	if err != nil {
		return nil, err
	}
	if err := checkQuantiles(quantiles); err != nil {
		return nil, err
	}
	k := len(quantiles)
	if dst, err = gram.Dst(dst, n*k); err != nil {
		return nil, err
	}
	predictRows(X, func(i int, x []float64) { m.quantiles(dst[i*k:(i+1)*k], x, quantiles) })
	return dst, nil
}

// QuantilesRow sets dst, as long as quantiles, to those for one row.
func (m *QuantileForestModel) QuantilesRow(dst, x, quantiles []float64) error {
	if err := gram.CheckRow(x, m.flat.features); err != nil {
		return err
	}
	if err := checkQuantiles(quantiles); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, len(quantiles)); err != nil {
		return err
	}
	m.quantiles(dst, x, quantiles)
	return nil
}

func checkQuantiles(quantiles []float64) error {
	for i, q := range quantiles {
		if !(q >= 0 && q <= 1) {
			return fmt.Errorf("quantile %d is %v, not in [0, 1]: %w", i, q, gram.ErrParam)
		}
	}
	return nil
}

// A sharing is memory for the shares of a row.
type sharing struct {
	leaves []uint32
	all    []share
}

var sharings = sync.Pool{New: func() any { return new(sharing) }}

func (m *QuantileForestModel) quantiles(dst, x, quantiles []float64) {
	s := sharings.Get().(*sharing)
	defer sharings.Put(s)
	s.leaves = slices.Grow(s.leaves[:0], m.flat.trees())[:m.flat.trees()]
	m.flat.leavesRow(m.flat, s.leaves, x)
	all := s.all[:0]
	for _, leaf := range s.leaves {
		all = append(all, m.shares[m.start[leaf]:m.start[leaf+1]]...)
	}
	slices.SortStableFunc(all, byTarget)
	s.all = all
	// Shares sum to the number of trees, but for rounding, which is not to choose.
	trees := float64(m.flat.trees())
	for k, q := range quantiles {
		want, sum := q*trees-1e-9*trees, 0.0
		dst[k] = m.targets[all[len(all)-1].target]
		for _, v := range all {
			if sum += v.weight; sum >= want {
				dst[k] = m.targets[v.target]
				break
			}
		}
	}
}

func init() {
	gram.Register("ensemble.QuantileForest", 1, encodeQuantileForest, decodeQuantileForest)
}

func encodeQuantileForest(e *gram.Encoder, m *QuantileForestModel) {
	encodeForestRegressor(e, m.ForestRegressorModel)
	e.Floats(m.targets)
	targets, weights := make([]int, len(m.shares)), make([]float64, len(m.shares))
	for i, s := range m.shares {
		targets[i], weights[i] = int(s.target), s.weight
	}
	e.Ints(m.start)
	e.Ints(targets)
	e.Floats(weights)
}

func decodeQuantileForest(d *gram.Decoder, version int) *QuantileForestModel {
	m := &QuantileForestModel{ForestRegressorModel: decodeForestRegressor(d, version), targets: d.Floats(), start: d.Ints()}
	targets, weights := d.Ints(), d.Floats()
	if d.Err() != nil {
		return nil
	}
	leaves := len(m.flat.values)
	if len(m.start) != leaves+1 || m.start[0] != 0 || m.start[leaves] != len(targets) || len(targets) != len(weights) || !slices.IsSorted(m.start) {
		d.Fail("%d starts for %d leaves, %d targets and %d weights", len(m.start), leaves, len(targets), len(weights))
		return nil
	}
	for i, v := range m.targets {
		if v-v != 0 || i > 0 && v <= m.targets[i-1] {
			d.Fail("target %d is %v", i, v)
		}
	}
	for leaf := range leaves {
		if m.start[leaf] == m.start[leaf+1] {
			d.Fail("leaf %d is empty", leaf)
			return nil
		}
	}
	for i, t := range targets {
		if t < 0 || t >= len(m.targets) || !(weights[i] > 0 && weights[i] <= math.MaxFloat64) {
			d.Fail("share %d has target %d of %d and weight %v", i, t, len(m.targets), weights[i])
			return nil
		}
		m.shares = append(m.shares, share{uint32(t), weights[i]})
	}
	return m
}
