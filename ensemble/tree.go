package ensemble

import (
	"context"
	"fmt"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
)

// A Criterion is the impurity that splits are to reduce.
type Criterion int

const (
	// Default is Gini for classes and SquaredError for targets.
	Default Criterion = iota
	// Gini is 1 − Σp², the probability that two draws of a node differ in class.
	Gini
	// Entropy is −Σp·log p in nats: the log-loss of the node's probabilities.
	Entropy
	// SquaredError is the variance of the targets. Friedman's score
	// wL·wR/(wL+wR)·(meanL−meanR)² is the same reduction in other words.
	SquaredError
	// AbsoluteError is the mean absolute deviation from the median, which a node
	// then predicts. It takes O(n·log n) a feature and level.
	AbsoluteError
	// Poisson is half the mean deviance of a Poisson distribution, for targets ≥ 0,
	// with a sum above 0.
	Poisson
)

// String returns the name of the constant.
func (c Criterion) String() string {
	names := []string{"Default", "Gini", "Entropy", "SquaredError", "AbsoluteError", "Poisson"}
	if c < 0 || int(c) >= len(names) {
		return fmt.Sprintf("Criterion(%d)", int(c))
	}
	return names[c]
}

// Tree trains one decision tree with exact splits, CART: every node is split where it
// reduces the impurity most, at a threshold halfway between two values or by a set of
// categories. Among equal splits the first feature's first threshold is taken. With Bins the
// thresholds are between bins of values, of whose sums splits are found.
//
// NaN is a missing value. Each split sends those of its node to the side that is
// better; where it saw none, the side of more training weight gets them at
// prediction.
//
// The zero value is ready and grows until leaves are pure, which fits noise as well:
// limit it by MaxDepth, MaxLeaves, MinLeaf or Alpha.
type Tree struct {
	// Criterion is the impurity; the zero value is Gini or SquaredError.
	Criterion Criterion
	// MaxDepth limits the number of splits on a path, > 0; 0 means no limit.
	MaxDepth int
	// MaxLeaves limits the leaves, ≥ 2, by splitting the node of the largest gain
	// first; 0 means no limit.
	MaxLeaves int
	// MinSplit and MinLeaf are the least sums of weights, which are numbers of rows
	// if there are no weights, of a node that is split and of a leaf; 0 for none.
	MinSplit, MinLeaf float64
	// MinGain is the least reduction of the impurity by a split, as a part of the
	// whole tree's: Σw·(impurity − that of the children)/Σw of all rows, ≥ 0.
	MinGain float64
	// Alpha prunes the tree by cost and complexity, ≥ 0: see Prune of the models.
	Alpha float64
	// Bins, if not 0, has values fall into at most so many bins of about equal weight, 2 to
	// 255, and splits be between bins: of many rows faster, in a byte an element, and about as
	// good. 0 is for exact splits.
	Bins int
	// Categorical lists the features that hold codes of categories, 0 to 254. They
	// are split by sets of categories. A code that a split has not seen goes where a
	// missing value does.
	Categorical []int
	// Monotone holds, for each feature, 1 if predictions may not fall as it grows,
	// −1 if they may not rise and 0 if they may do both; nil is all 0. With two
	// classes the prediction is the probability of class 1; more cannot have it.
	Monotone []int
	// Interactions lists groups of features; those on one path are all in one group.
	// Features in no group form one more. nil allows all together.
	Interactions [][]int
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on
	// it, not in a single bit.
	Workers int
}

var (
	_ gram.ClassifierTrainer = Tree{}
	_ gram.RegressorTrainer  = Tree{}
)

// FitClassifier trains on the n×d matrix X, labels y of 0..K−1 and sample weights
// w ≥ 0, nil for all ones; a weight of 2 is the same as a repeated row.
//
// Errors: gram.ErrShape, gram.ErrNonFinite for an infinite element,
// gram.ErrLabels, gram.ErrWeights and gram.ErrParam for what does not fit; ctx's
// error. O(n·d) for each level of the tree, and 16 bytes of memory for each element, or one byte
// if there are Bins.
func (t Tree) FitClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (*TreeClassifierModel, error) {
	n, d, err := checkShape(X)
	if err != nil {
		return nil, err
	}
	k, err := gram.CheckLabels(y, n)
	if err != nil {
		return nil, err
	}
	kind, err := classCriterion(t.Criterion)
	if err != nil {
		return nil, err
	}
	if k > 2 && t.Monotone != nil {
		return nil, fmt.Errorf("ensemble: Monotone with %d classes, want 2: %w", k, gram.ErrParam)
	}
	g, err := t.grow(ctx, X, w, d, func(rows []int32, w []float64) (criterion, error) {
		labels := pick(y, rows)
		if k == 2 {
			return newBinary(kind, labels, w), nil
		}
		return newClassCounts(kind, labels, k, w, par.Workers(t.Workers)), nil
	})
	if err != nil {
		return nil, err
	}
	return &TreeClassifierModel{treeModel{features: d, grown: g}}, nil
}

// FitRegressor trains on the n×d matrix X, targets y and sample weights w, as
// FitClassifier does. Poisson needs targets ≥ 0 of which one is above 0.
func (t Tree) FitRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (*TreeRegressorModel, error) {
	n, d, err := checkShape(X)
	if err != nil {
		return nil, err
	}
	if err := gram.CheckTargets(y, n); err != nil {
		return nil, err
	}
	kind, err := targetCriterion(t.Criterion)
	if err != nil {
		return nil, err
	}
	g, err := t.grow(ctx, X, w, d, func(rows []int32, w []float64) (criterion, error) {
		y := pick(y, rows)
		switch kind {
		case AbsoluteError:
			return newAbsolute(y, w, par.Workers(t.Workers)), nil
		case Poisson:
			if err := checkCounts(y); err != nil {
				return nil, err
			}
		}
		return newMoments(kind, y, w), nil
	})
	if err != nil {
		return nil, err
	}
	return &TreeRegressorModel{treeModel{features: d, grown: g}}, nil
}

// TrainClassifier calls FitClassifier.
func (t Tree) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	m, err := t.FitClassifier(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// TrainRegressor calls FitRegressor.
func (t Tree) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	m, err := t.FitRegressor(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func classCriterion(c Criterion) (Criterion, error) {
	switch c {
	case Default:
		return Gini, nil
	case Gini, Entropy:
		return c, nil
	}
	return c, fmt.Errorf("ensemble: criterion %v for classes, want Gini or Entropy: %w", c, gram.ErrParam)
}

func targetCriterion(c Criterion) (Criterion, error) {
	switch c {
	case Default:
		return SquaredError, nil
	case SquaredError, AbsoluteError, Poisson:
		return c, nil
	}
	return c, fmt.Errorf("ensemble: criterion %v for targets, want SquaredError, AbsoluteError or Poisson: %w", c, gram.ErrParam)
}

// checkCounts checks targets that are to have a Poisson distribution.
func checkCounts(y []float64) error {
	sum := 0.0
	for i, v := range y {
		if v < 0 {
			return fmt.Errorf("ensemble: target %v in row %d is negative: %w", v, i, gram.ErrParam)
		}
		sum += v
	}
	if sum == 0 {
		return fmt.Errorf("ensemble: all targets are 0: %w", gram.ErrParam)
	}
	return nil
}

// checkLimits checks what limits a tree's growth.
func checkLimits(maxDepth, maxLeaves int, minSplit, minLeaf, minGain float64) error {
	if maxDepth < 0 || maxLeaves < 0 || maxLeaves == 1 {
		return fmt.Errorf("ensemble: MaxDepth is %d and MaxLeaves %d, want 0 for no limit, or at least 1 and 2: %w", maxDepth, maxLeaves, gram.ErrParam)
	}
	for _, l := range []struct {
		name  string
		value float64
	}{{"MinSplit", minSplit}, {"MinLeaf", minLeaf}, {"MinGain", minGain}} {
		if !(l.value >= 0) {
			return fmt.Errorf("ensemble: %s is %v, want at least 0: %w", l.name, l.value, gram.ErrParam)
		}
	}
	return nil
}

// grow checks what both kinds of fit share and grows the tree.
func (t Tree) grow(ctx context.Context, X gram.Matrix, w []float64, d int, criterionOf func(rows []int32, w []float64) (criterion, error)) (*grown, error) {
	if err := checkLimits(t.MaxDepth, t.MaxLeaves, t.MinSplit, t.MinLeaf, t.MinGain); err != nil {
		return nil, err
	}
	if !(t.Alpha >= 0) {
		return nil, fmt.Errorf("ensemble: Alpha is %v, want at least 0: %w", t.Alpha, gram.ErrParam)
	}
	if t.Bins != 0 && (t.Bins < 2 || t.Bins > maxBins) {
		return nil, fmt.Errorf("ensemble: Bins is %d, want 2 to %d, or 0 for exact splits: %w", t.Bins, maxBins, gram.ErrParam)
	}
	n, _ := X.Dims()
	if _, err := gram.CheckWeights(w, n); err != nil {
		return nil, err
	}
	c, err := newConstraints(d, t.Categorical, t.Monotone, t.Interactions)
	if err != nil {
		return nil, fmt.Errorf("ensemble: %w", err)
	}
	rows, w := present(w, n)
	crit, err := criterionOf(rows, w)
	if err != nil {
		return nil, err
	}
	limits := growth{
		maxDepth: t.MaxDepth, maxLeaves: t.MaxLeaves, minSplit: t.MinSplit, minLeaf: t.MinLeaf, minGain: t.MinGain,
		workers: t.Workers, constraints: c,
	}
	data, n, err := t.table(ctx, X, rows, w, limits, crit)
	if err != nil {
		return nil, err
	}
	g, err := growTree(ctx, limits, data, crit, n)
	if err != nil {
		return nil, err
	}
	return g.prune(t.Alpha), nil
}

// table returns the given rows of X, nil for all, as a tree is grown on them, and their number.
func (t Tree) table(ctx context.Context, X gram.Matrix, rows []int32, w []float64, limits growth, c criterion) (treeTable, int, error) {
	if t.Bins > 0 {
		data, err := newBinnedTable(ctx, t.Workers, X, rows, w, t.Bins, limits.categorical, c)
		if err != nil {
			return nil, 0, err
		}
		return data, len(data.items), nil
	}
	again, own := X.(presorted)
	data := again.sorted
	if own = !own || rows != nil; own {
		var err error
		if data, err = newSorted(ctx, t.Workers, X, rows, limits.categorical); err != nil {
			return nil, 0, err
		}
	}
	return newSortedTable(limits, data, c, own), data.n, nil
}
