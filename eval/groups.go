package eval

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
)

// A Subsetter is a Splitter that holds something of every row, such as a group, and can
// be cut down to some of the rows. A search inside a cross-validation splits the
// training rows, and asks for that.
type Subsetter interface {
	Splitter
	// Subset returns the splitter of the given rows.
	Subset(rows []int) Splitter
}

// GroupKFold is [KFold] by groups of rows that belong together, such as those of one
// patient: no group is in two parts, so what is learned of a group is never tested on
// it. Groups go, from the largest, to the part that has the fewest rows.
type GroupKFold struct {
	// N is the number of folds, at least 2 and at most the number of groups; 0
	// means 5.
	N int
	// Groups holds the number of each row's group; any integers.
	Groups []int
}

// Split returns the folds; y is not looked at. It returns gram.ErrShape if Groups has
// another length than n, and gram.ErrParam for an N that is out of range. O(N·n).
func (s GroupKFold) Split(n int, y []int) ([]Fold, error) {
	groups, k, err := groupFolds(s.N, n, s.Groups)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(groups, func(a, b []int) int { return cmp.Compare(len(b), len(a)) })
	foldOf, size := make([]int, n), make([]int, k)
	for _, rows := range groups {
		f := slices.Index(size, slices.Min(size))
		size[f] += len(rows)
		for _, i := range rows {
			foldOf[i] = f
		}
	}
	return folds(foldOf, k), nil
}

// Subset returns the splitter of the given rows.
func (s GroupKFold) Subset(rows []int) Splitter { return GroupKFold{s.N, Take(s.Groups, rows)} }

// StratifiedGroupKFold is [GroupKFold] that also keeps the classes in proportion, as far
// as whole groups can. Groups go, from the one whose classes are most uneven, to the
// part that leaves the shares of each class among the parts most even.
type StratifiedGroupKFold struct {
	// N is the number of folds, at least 2 and at most the number of groups; 0
	// means 5.
	N int
	// Groups holds the number of each row's group; any integers.
	Groups []int
}

// Split returns the folds. Errors are those of [GroupKFold] and, for labels, of
// [StratifiedKFold], and gram.ErrLabels for classes of fewer than N rows all. A part may
// be left without rows of a class, or without any: gram.ErrParam. O(groups·N²·K + N·n).
func (s StratifiedGroupKFold) Split(n int, y []int) ([]Fold, error) {
	groups, k, err := groupFolds(s.N, n, s.Groups)
	if err != nil {
		return nil, err
	}
	strata, err := stratify(n, y)
	if err != nil {
		return nil, err
	}
	if most := largest(strata); most < k {
		return nil, fmt.Errorf("%d folds, but the largest class has %d rows: %w", k, most, gram.ErrLabels)
	}
	classOf := make([]int, n)
	for c, rows := range strata {
		for _, i := range rows {
			classOf[i] = c
		}
	}
	d := &groupDealer{strata: strata, counts: make([][]float64, k)}
	for f := range d.counts {
		d.counts[f] = make([]float64, len(strata))
	}
	byGroup := make([][]float64, len(groups))
	for g, rows := range groups {
		byGroup[g] = make([]float64, len(strata))
		for _, i := range rows {
			byGroup[g][classOf[i]]++
		}
	}
	order := ascending(len(groups))
	slices.SortStableFunc(order, func(a, b int) int {
		_, stdA := meanStd(byGroup[a])
		_, stdB := meanStd(byGroup[b])
		return cmp.Compare(stdB, stdA)
	})
	foldOf := make([]int, n)
	for _, g := range order {
		f := d.deal(byGroup[g])
		for _, i := range groups[g] {
			foldOf[i] = f
		}
	}
	out := folds(foldOf, k)
	for f := range out {
		if len(out[f].Test) == 0 {
			return nil, fmt.Errorf("%d folds of %d groups leave fold %d without rows: %w", k, len(groups), f, gram.ErrParam)
		}
	}
	return out, nil
}

// Subset returns the splitter of the given rows.
func (s StratifiedGroupKFold) Subset(rows []int) Splitter {
	return StratifiedGroupKFold{s.N, Take(s.Groups, rows)}
}

// groupDealer keeps the rows of each class in each part.
type groupDealer struct {
	strata [][]int
	counts [][]float64
}

// deal adds the rows of a group, counted by class, to the part where that leaves the
// classes most even, the smaller of two that are about as good.
func (d *groupDealer) deal(group []float64) int {
	best, least, size := 0, math.Inf(1), math.Inf(1)
	for f := range d.counts {
		d.add(f, group, 1)
		uneven, rows := d.uneven(), sum(d.counts[f])
		d.add(f, group, -1)
		alike := math.Abs(uneven-least) <= 1e-8+1e-5*least
		if f == 0 || uneven < least && !alike || alike && rows < size {
			best, least, size = f, uneven, rows
		}
	}
	d.add(best, group, 1)
	return best
}

func (d *groupDealer) add(f int, group []float64, times float64) {
	for c, v := range group {
		d.counts[f][c] += times * v
	}
}

// uneven returns how much the share of a class varies among the parts, on average.
func (d *groupDealer) uneven() float64 {
	share := make([]float64, len(d.counts))
	var total float64
	for c, rows := range d.strata {
		for f := range d.counts {
			share[f] = d.counts[f][c] / float64(len(rows))
		}
		_, std := meanStd(share)
		total += std
	}
	return total / float64(len(d.strata))
}

func sum(x []float64) float64 {
	var s float64
	for _, v := range x {
		s += v
	}
	return s
}

// groupFolds returns the rows of each group, by ascending number, and the number of
// folds.
func groupFolds(N, n int, groups []int) ([][]int, int, error) {
	if len(groups) != n {
		return nil, 0, fmt.Errorf("groups of %d rows, X has %d: %w", len(groups), n, gram.ErrShape)
	}
	rows := groupRows(groups)
	slices.SortFunc(rows, func(a, b []int) int { return cmp.Compare(groups[a[0]], groups[b[0]]) })
	if N == 0 {
		N = 5
	}
	if N < 2 || N > len(rows) {
		return nil, 0, fmt.Errorf("%d folds of %d groups: %w", N, len(rows), gram.ErrParam)
	}
	return rows, N, nil
}
