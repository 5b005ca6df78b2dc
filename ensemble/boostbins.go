package ensemble

import (
	"bytes"
	"fmt"
	"slices"
	"sort"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/hist"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// modelBins are the bins that the trees of a model tell apart: of each feature that they look at,
// the stretches between their thresholds, or the codes of its categories.
type modelBins struct {
	features []int32     // that trees look at, in order
	cuts     [][]float64 // of each, in order; nil for codes
	guides   []guide     // of each, if they are not too many
	nodes    []uint8     // by step: the last bin that goes left
	full     int         // a feature that has no bins, −1 if all have
}

// guidedFeatures is how many features have guides: each takes 2 KiB.
const guidedFeatures = 1024

// newModelBins returns the bins of a model whose steps are compiled.
func newModelBins(m *boosted) *modelBins {
	thresholds, coded := map[int32][]float64{}, map[int32]bool{}
	for _, s := range m.steps {
		switch {
		case s.feature >= 0:
			thresholds[s.feature] = append(thresholds[s.feature], s.threshold)
		case s.feature < -1:
			coded[-2-s.feature] = true
		}
	}
	b := &modelBins{full: -1}
	for j := range thresholds {
		b.features = append(b.features, j)
	}
	for j := range coded {
		if thresholds[j] == nil {
			b.features = append(b.features, j)
		} else {
			b.full = int(j) // a file can have it
		}
	}
	slices.Sort(b.features)
	for _, j := range b.features {
		cuts := thresholds[j]
		slices.Sort(cuts)
		if cuts = slices.Compact(cuts); len(cuts) >= maxBins {
			b.full = int(j)
		}
		b.cuts = append(b.cuts, cuts)
	}
	if b.full >= 0 {
		return b
	}
	if len(b.features) <= guidedFeatures {
		for _, cuts := range b.cuts {
			b.guides = append(b.guides, newGuide(cuts))
		}
	}
	b.nodes = make([]uint8, len(m.steps))
	for i, s := range m.steps {
		if s.feature >= 0 {
			place, _ := slices.BinarySearch(b.features, s.feature)
			bin, _ := slices.BinarySearch(b.cuts[place], s.threshold)
			b.nodes[i] = uint8(bin)
		}
	}
	return b
}

// bin returns the bin of v in the i-th feature.
func (b *modelBins) bin(i int, v float64) uint8 {
	switch cuts := b.cuts[i]; {
	case cuts == nil && isCategory(v):
		return uint8(v)
	case cuts == nil || v != v:
		return missingBin
	case b.guides != nil:
		return b.guides[i].bin(v)
	default:
		return uint8(sort.SearchFloat64s(cuts, v))
	}
}

// check returns an error if there are no bins.
func (b *modelBins) check() error {
	if b.full >= 0 {
		return fmt.Errorf("ensemble: the trees have %d thresholds or more of feature %d, bins are for less: %w", maxBins, b.full, gram.ErrParam)
	}
	return nil
}

// Bin puts X, n×d, into the bins that the model tells apart: n×d row-major, one byte for each
// value. Missing values have the bin 255, features that no tree looks at have 0. Rows in bins take an
// eighth of the memory and are predicted faster, by PredictBinned and, for classes,
// PredictProbaBinned, with the results of Predict and PredictProba to the last bit. They mean
// something to this model alone, and to what is loaded from where it was saved.
//
// Errors: gram.ErrShape, and gram.ErrParam if the trees have 255 or more different thresholds of one
// feature, which only models can that were continued on other data. O(n·d).
func (m *boosted) Bin(dst []uint8, X gram.Matrix) ([]uint8, error) {
	n, err := gram.CheckFeatures(X, m.features)
	if err != nil {
		return nil, err
	}
	if err := m.bins.check(); err != nil {
		return nil, err
	}
	d := m.features
	if dst, err = gram.Dst(dst, n*d); err != nil {
		return nil, err
	}
	op := linalg.AsOperator(X)
	par.For(nil, 0, n, smallRows, func(_, lo, hi int) {
		b := borrow((hi - lo) * d)
		defer b.back()
		x, stride := op.RowBlock(b.x, lo, hi)
		out := dst[lo*d : hi*d]
		clear(out)
		for i, j := range m.bins.features {
			for r := range hi - lo {
				out[r*d+int(j)] = m.bins.bin(i, x[r*stride+int(j)])
			}
		}
	})
	return dst, nil
}

// BinRow is Bin for one row; len(dst) is d.
func (m *boosted) BinRow(dst []uint8, x []float64) error {
	if err := gram.CheckRow(x, m.features); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, m.features); err != nil {
		return err
	}
	if err := m.bins.check(); err != nil {
		return err
	}
	clear(dst)
	for i, j := range m.bins.features {
		dst[j] = m.bins.bin(i, x[j])
	}
	return nil
}

// binnedRows returns how many rows bins are.
func (m *boosted) binnedRows(bins []uint8) (int, error) {
	if err := m.bins.check(); err != nil {
		return 0, err
	}
	if len(bins)%m.features != 0 {
		return 0, fmt.Errorf("ensemble: %d bins are not a number of rows of %d: %w", len(bins), m.features, gram.ErrShape)
	}
	return len(bins) / m.features, nil
}

// scoreBinned sets dst, n×outputs, to the scores of rows in bins.
func (m *boosted) scoreBinned(dst []float64, bins []uint8) {
	d, k := m.features, m.outputs
	if len(bins) <= smallRows*d {
		m.scoreBinnedBlock(dst, bins) // a closure would take memory
		return
	}
	par.For(nil, 0, len(bins)/d, smallRows, func(_, lo, hi int) {
		m.scoreBinnedBlock(dst[lo*k:hi*k], bins[lo*d:hi*d])
	})
}

// scoreBinnedBlock is scoreBinned for up to smallRows rows.
func (m *boosted) scoreBinnedBlock(dst []float64, bins []uint8) {
	d, k := m.features, m.outputs
	n := len(bins) / d
	for i := range n {
		copy(dst[i*k:(i+1)*k], m.start)
	}
	if m.small != nil {
		m.small.addBinned(dst, bins, n, d)
		return
	}
	for t, root := range m.roots {
		for i := range n {
			dst[i*k+t%k] += m.binnedLeaf(root, bins[i*d:(i+1)*d])
		}
	}
}

// binnedLeaf is leafValue for a row in bins.
func (m *boosted) binnedLeaf(root int32, row []uint8) float64 {
	i := root
	for {
		s := &m.steps[i]
		if s.feature == -1 {
			return s.threshold
		}
		left := s.left
		goes := left < 0 // where a missing value goes
		if goes {
			left = -left
		}
		if s.feature >= 0 {
			if v := row[s.feature]; v != missingBin {
				goes = v <= m.bins.nodes[i]
			}
		} else if v := row[-2-s.feature]; v != missingBin {
			goes = m.sets[int(s.threshold)].has(int(v))
		}
		if i = left; !goes {
			i++
		}
	}
}

// addBinned adds the values of all trees to the scores of up to smallRows rows of d bins.
func (s *smallTrees) addBinned(scores []float64, bins []uint8, n, d int) {
	var rows [smallRows * hist.MaxBytes]uint8
	for r := range n {
		from, to := bins[r*d:(r+1)*d], rows[r*s.width:(r+1)*s.width]
		for i, j := range s.bins.features {
			to[i] = from[j]
		}
	}
	s.add(scores, rows[:n*s.width], n, bytes.IndexByte(bins, missingBin) >= 0)
}

// PredictProbaBinned is PredictProba for rows that Bin or BinRow put into bins. It takes no memory but dst.
// Errors: gram.ErrShape, and gram.ErrParam as with Bin.
func (m *GradientBoostingClassifierModel) PredictProbaBinned(dst []float64, bins []uint8) ([]float64, error) {
	n, err := m.binnedRows(bins)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n*m.classes); err != nil {
		return nil, err
	}
	scores := dst[len(dst)-n*m.outputs:] // for two classes the second half
	m.scoreBinned(scores, bins)
	m.probabilitiesOf(dst, scores, n)
	return dst, nil
}

// PredictBinned is Predict for rows that Bin or BinRow put into bins. Errors are those of
// PredictProbaBinned.
func (m *GradientBoostingClassifierModel) PredictBinned(dst []int, bins []uint8) ([]int, error) {
	n, err := m.binnedRows(bins)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	b := borrow(n * m.classes)
	defer b.back()
	p, err := m.PredictProbaBinned(b.x, bins)
	if err != nil {
		return nil, err
	}
	for i := range dst {
		dst[i] = argmax(p[i*m.classes : (i+1)*m.classes])
	}
	return dst, nil
}

// PredictBinned is Predict for rows that Bin or BinRow put into bins. It takes no memory but dst. Errors:
// gram.ErrShape, and gram.ErrParam as with Bin.
func (m *GradientBoostingRegressorModel) PredictBinned(dst []float64, bins []uint8) ([]float64, error) {
	n, err := m.binnedRows(bins)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	m.scoreBinned(dst, bins)
	for i, v := range dst {
		dst[i] = m.mean(v)
	}
	return dst, nil
}
