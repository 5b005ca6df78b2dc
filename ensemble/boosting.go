package ensemble

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// GradientBoosting trains sums of small regression trees, each of which takes a step down
// the gradient of a loss: log-loss for classes, squared error for targets. With the
// gradients g and Hessians h of the loss at the rows' scores, a leaf that has the sums G and
// H is given the value
//
//	−T(G)/(H + L2),   T(G) = sign(G)·max(|G| − L1, 0),
//
// times LearningRate, and the split is taken that most increases T(G)²/(H + L2), summed
// over the leaves. Of several classes each has a score and a tree each round.
//
// Features are put into bins first, and splits are found by sums over the bins, of which
// those of the larger child are the parent's less the smaller child's. The sums are of
// whole numbers: gradients and Hessians are rounded to 2⁻³¹ of the sum of all, or finer. So
// they do not depend on the order of the rows. The values of leaves are computed from the
// gradients themselves.
//
// NaN is a missing value. Each split sends those of its node to the side that is
// better; where it saw none, the side of more training weight gets them at prediction.
//
// A *sparse.CSR is not made dense. Its features that are never other than zero in the same row
// share a column of bins, 255 bins to a column, so that indicators of categories and words
// that exclude each other cost what the category would. The model is that of the dense matrix,
// to the last bit.
//
// The zero value is ready: 100 rounds of trees of 31 leaves. More rounds at a smaller
// LearningRate are a little better and take longer; set Patience, to stop when
// rows that are held out say so. Features of more than 255 values lose detail that
// seldom matters; [Tree] has exact splits.
//
// The algorithm is that of J. Friedman, Greedy function approximation: a gradient boosting
// machine, Annals of Statistics 29, 2001, with second derivatives and histograms as in T. Chen,
// C. Guestrin, XGBoost, KDD 2016, and growth by the best leaf as in G. Ke et al., LightGBM,
// NIPS 2017.
type GradientBoosting struct {
	// Rounds is how many trees are summed, for each class of more than two; 0 means 100.
	Rounds int
	// LearningRate scales the trees, > 0; 0 means 0.1.
	LearningRate float64
	// MaxLeaves limits the leaves of a tree, ≥ 2; 0 means 31, −1 no limit. The leaf of the
	// largest gain is split first.
	MaxLeaves int
	// MaxDepth limits the number of splits on a path, > 0; 0 means no limit.
	MaxDepth int
	// MinLeaf is the least sum of weights of a leaf, a number of rows if there are no
	// weights, > 0; 0 means 20.
	MinLeaf float64
	// MinHessian is the least sum of Hessians of a leaf, ≥ 0; 0 means 0.001. Log-loss has the
	// Hessian p(1−p), squared error 1.
	MinHessian float64
	// MinGain is the least decrease of the loss, summed over rows, by a split, ≥ 0.
	MinGain float64
	// Loss is what a regressor minimises; 0 means SquaredLoss. AbsoluteLoss and QuantileLoss
	// value leaves by quantiles, without L1 and L2.
	Loss BoostingLoss
	// Quantile is the level of QuantileLoss, 0 < Quantile < 1; 0 means 0.5.
	Quantile float64
	// Delta is where HuberLoss turns, > 0; 0 means the 0.9 quantile of the targets' distances
	// from their median.
	Delta float64
	// Power is TweedieLoss's, 1 < Power < 2; 0 means 1.5.
	Power float64
	// Custom, if not nil, is a regressor's loss in place of Loss.
	Custom *CustomLoss
	// ByLevel splits the leaves nearest the root first, those of the largest gain before
	// others of their level.
	ByLevel bool
	// Subsample is the part of the rows that each round draws, 0 < Subsample ≤ 1; 0 means 1.
	Subsample float64
	// GossTop and GossOther have each round take the rows of the largest gradients and draw
	// from the others, as parts of all rows of a sum below 1, in place of Subsample; others
	// weigh more to make up for those not drawn (GOSS, of LightGBM's paper). 0 means not to.
	GossTop, GossOther float64
	// Columns and ColumnsByNode are the parts of the features that are drawn for each tree, and
	// of those for each node, 0 to 1; 0 means 1.
	Columns, ColumnsByNode float64
	// DropRate has each round leave out every earlier one with this probability, and gives
	// the weight of those left out in part to its own trees: DART (R. Vinayak, R.
	// Gilad-Bachrach, AISTATS 2015). 0 ≤ DropRate < 1, and 0 with Patience.
	DropRate float64
	// L1 and L2 draw the values of leaves to 0, ≥ 0.
	L1, L2 float64
	// Bins is how many bins a feature has at most, 2 to 255; 0 means 255. Missing values
	// have one more.
	Bins int
	// Categorical lists the features that hold codes of categories, 0 to 254. They are
	// split by sets of categories. A code that a split has not seen goes where a missing
	// value does.
	Categorical []int
	// CategorySmooth is added to Hessians where categories are ordered and sets of them
	// judged, so that rare ones do not decide, > 0; 0 means 10.
	CategorySmooth float64
	// Monotone holds, for each feature, 1 if predictions may not fall as it grows,
	// −1 if they may not rise and 0 if they may do both; nil is all 0. With two
	// classes the prediction is the probability of class 1; more cannot have it.
	Monotone []int
	// Interactions lists groups of features; those on one path are all in one group.
	// Features in no group form one more. nil allows all together.
	Interactions [][]int
	// Patience stops after so many rounds without a smaller loss on validation rows, > 0; the
	// model has the rounds up to the smallest. 0 means never.
	Patience int
	// Tolerance is what a loss must be smaller by to count, ≥ 0.
	Tolerance float64
	// Validation, if not nil, are the rows that Patience looks at.
	Validation *Validation
	// HoldOut is the part of the rows to hold out as validation rows if there are no
	// others, 0 < HoldOut < 1; 0 means 0.1 if Patience is set, and otherwise none.
	HoldOut float64
	// Seed is that of all random choices.
	Seed uint64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on
	// it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every round. The objective is the mean loss on
	// validation rows, on the training rows if there are none.
	Progress func(gram.Progress)
}

// Validation is rows to watch the loss on: X, n×d, with labels for a classifier and targets
// for a regressor, and weights, nil for ones.
type Validation struct {
	X       gram.Matrix
	Labels  []int
	Targets []float64
	W       []float64
	// Groups is for a ranker, whose grades are the Labels.
	Groups []int
}

var (
	_ gram.ClassifierTrainer = GradientBoosting{}
	_ gram.RegressorTrainer  = GradientBoosting{}
)

// FitClassifier trains on the n×d matrix X, labels y of 0..K−1 and sample weights
// w ≥ 0, nil for all ones; a weight of 2 is the same as a repeated row, unless rows are
// held out.
//
// Errors: gram.ErrShape, gram.ErrNonFinite for an infinite element,
// gram.ErrLabels, gram.ErrWeights and gram.ErrParam for what does not fit; ctx's
// error. A tree takes O(n·d·log MaxLeaves) or less. The memory is n·d bytes, the bins, and
// 24 bytes a row, or 16 and 16 for each class of more than two; and histograms, of 2 KiB a feature for
// half as many nodes as a tree has leaves. Of a *sparse.CSR d counts the
// columns that features share, and each entry takes 5 bytes more while it is put into bins.
func (t GradientBoosting) FitClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (*GradientBoostingClassifierModel, error) {
	return t.classifier(ctx, nil, X, y, w)
}

// ContinueClassifier is FitClassifier that begins with the trees of a model and adds Rounds
// to them. The rows may be others, of the same features and classes. gram.ErrShape and
// gram.ErrLabels if they are not.
func (t GradientBoosting) ContinueClassifier(ctx context.Context, from *GradientBoostingClassifierModel, X gram.Matrix, y []int, w []float64) (*GradientBoostingClassifierModel, error) {
	return t.classifier(ctx, from, X, y, w)
}

// classifier is FitClassifier, from a model if it is not nil.
func (t GradientBoosting) classifier(ctx context.Context, from *GradientBoostingClassifierModel, X gram.Matrix, y []int, w []float64) (*GradientBoostingClassifierModel, error) {
	n, _, err := checkShape(X)
	if err != nil {
		return nil, err
	}
	k, err := gram.CheckLabels(y, n)
	if err != nil {
		return nil, err
	}
	if k > 2 && t.Monotone != nil {
		return nil, fmt.Errorf("ensemble: Monotone with %d classes, want 2: %w", k, gram.ErrParam)
	}
	if t.Loss != SquaredLoss || t.Custom != nil {
		return nil, fmt.Errorf("ensemble: Loss or Custom of a classifier, which has the log-loss: %w", gram.ErrParam)
	}
	f, err := newBoosting(ctx, t, X, w)
	if err != nil {
		return nil, err
	}
	if v := t.Validation; v != nil {
		if err := checkValidationLabels(v, k); err != nil {
			return nil, err
		}
		f.watched.objective = classObjective(v.Labels, k)
	}
	f.objective = classObjective(takeAll(y, f.present), k)
	if from != nil {
		if from.classes != k {
			return nil, fmt.Errorf("ensemble: y has %d classes, the model to continue %d: %w", k, from.classes, gram.ErrLabels)
		}
		if err := f.startFrom(&from.boosted, X); err != nil {
			return nil, err
		}
	}
	m, err := f.run(ctx)
	if err != nil {
		return nil, err
	}
	return &GradientBoostingClassifierModel{*m, k}, nil
}

func classObjective(labels []int, k int) objective {
	if k == 2 {
		return &logisticObjective{labels: labels}
	}
	return &softmaxObjective{labels: labels, k: k}
}

// FitRegressor trains on the n×d matrix X, targets y and sample weights w, as
// FitClassifier does. gram.ErrParam for targets that the loss does not have, too.
func (t GradientBoosting) FitRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (*GradientBoostingRegressorModel, error) {
	return t.regressor(ctx, nil, X, y, w)
}

// ContinueRegressor is FitRegressor that begins with the trees of a model and adds Rounds to
// them, as ContinueClassifier does. gram.ErrParam if one loss has a logarithmic score and the
// other has not.
func (t GradientBoosting) ContinueRegressor(ctx context.Context, from *GradientBoostingRegressorModel, X gram.Matrix, y, w []float64) (*GradientBoostingRegressorModel, error) {
	return t.regressor(ctx, from, X, y, w)
}

// regressor is FitRegressor, from a model if it is not nil.
func (t GradientBoosting) regressor(ctx context.Context, from *GradientBoostingRegressorModel, X gram.Matrix, y, w []float64) (*GradientBoostingRegressorModel, error) {
	n, _, err := checkShape(X)
	if err != nil {
		return nil, err
	}
	if err := gram.CheckTargets(y, n); err != nil {
		return nil, err
	}
	f, err := newBoosting(ctx, t, X, w)
	if err != nil {
		return nil, err
	}
	y = takeAll(y, f.present)
	if f.Loss == HuberLoss && f.Delta == 0 {
		f.Delta = huberDelta(y, f.w, weightedQuantile(y, f.w, 0.5))
	}
	if v := t.Validation; v != nil {
		if err := gram.CheckTargets(v.Targets, v.rows()); err != nil {
			return nil, fmt.Errorf("ensemble: validation: %w", err)
		}
		if f.watched.objective, err = f.objectiveFor(v.Targets); err != nil {
			return nil, fmt.Errorf("validation: %w", err)
		}
	}
	if f.objective, err = f.objectiveFor(y); err != nil {
		return nil, err
	}
	if from != nil {
		if from.logarithmic != f.logarithmic() {
			return nil, fmt.Errorf("ensemble: the model to continue has another kind of score than Loss: %w", gram.ErrParam)
		}
		if err := f.startFrom(&from.boosted, X); err != nil {
			return nil, err
		}
	}
	m, err := f.run(ctx)
	if err != nil {
		return nil, err
	}
	m.logarithmic = f.logarithmic()
	return &GradientBoostingRegressorModel{*m}, nil
}

// TrainClassifier calls FitClassifier.
func (t GradientBoosting) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	m, err := t.FitClassifier(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// TrainRegressor calls FitRegressor.
func (t GradientBoosting) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	m, err := t.FitRegressor(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// rows returns the number of rows.
func (v *Validation) rows() int {
	n, _ := v.X.Dims()
	return n
}

// checkValidation checks what labels and targets have no part in.
func checkValidation(v *Validation, d int) error {
	if v.X == nil {
		return fmt.Errorf("ensemble: validation: X is nil: %w", gram.ErrShape)
	}
	n, err := gram.CheckFeatures(v.X, d)
	if err != nil {
		return fmt.Errorf("ensemble: validation: %w", err)
	}
	if n == 0 {
		return fmt.Errorf("ensemble: validation: X has no rows: %w", gram.ErrShape)
	}
	if _, err := gram.CheckWeights(v.W, n); err != nil {
		return fmt.Errorf("ensemble: validation: %w", err)
	}
	return nil
}

func checkValidationLabels(v *Validation, k int) error {
	n := v.rows()
	if len(v.Labels) != n {
		return fmt.Errorf("ensemble: validation has %d labels, X %d rows: %w", len(v.Labels), n, gram.ErrShape)
	}
	for i, c := range v.Labels {
		if c < 0 || c >= k {
			return fmt.Errorf("ensemble: validation: label %d in row %d, want 0 to %d: %w", c, i, k-1, gram.ErrLabels)
		}
	}
	return nil
}

// withDefaults returns t with zeros replaced, or what is wrong with it.
func (t GradientBoosting) withDefaults() (GradientBoosting, error) {
	set := func(v *float64, to float64) {
		if *v == 0 {
			*v = to
		}
	}
	if t.Rounds == 0 {
		t.Rounds = 100
	}
	if t.MaxLeaves == 0 {
		t.MaxLeaves = 31
	}
	if t.Bins == 0 {
		t.Bins = maxBins
	}
	if t.Patience > 0 && t.Validation == nil {
		set(&t.HoldOut, 0.1)
	}
	set(&t.LearningRate, 0.1)
	set(&t.MinLeaf, 20)
	set(&t.MinHessian, 1e-3)
	set(&t.CategorySmooth, 10)
	set(&t.Quantile, 0.5)
	set(&t.Power, 1.5)
	set(&t.Subsample, 1)
	set(&t.Columns, 1)
	set(&t.ColumnsByNode, 1)
	switch {
	case t.Rounds < 0:
		return t, fmt.Errorf("ensemble: Rounds is %d, want at least 1: %w", t.Rounds, gram.ErrParam)
	case t.MaxLeaves < -1 || t.MaxLeaves == 1:
		return t, fmt.Errorf("ensemble: MaxLeaves is %d, want at least 2, or -1 for no limit: %w", t.MaxLeaves, gram.ErrParam)
	case t.MaxDepth < 0:
		return t, fmt.Errorf("ensemble: MaxDepth is %d, want 0 for no limit, or at least 1: %w", t.MaxDepth, gram.ErrParam)
	case t.Bins < 2 || t.Bins > maxBins:
		return t, fmt.Errorf("ensemble: Bins is %d, want 2 to %d: %w", t.Bins, maxBins, gram.ErrParam)
	case t.Patience < 0:
		return t, fmt.Errorf("ensemble: Patience is %d, want at least 0: %w", t.Patience, gram.ErrParam)
	case t.Patience > 0 && t.Custom != nil && t.Custom.Loss == nil:
		return t, fmt.Errorf("ensemble: Patience with a Custom that has no Loss: %w", gram.ErrParam)
	case !(t.HoldOut >= 0 && t.HoldOut < 1):
		return t, fmt.Errorf("ensemble: HoldOut is %v, want 0 to below 1: %w", t.HoldOut, gram.ErrParam)
	case !(t.Quantile > 0 && t.Quantile < 1):
		return t, fmt.Errorf("ensemble: Quantile is %v, want above 0 and below 1: %w", t.Quantile, gram.ErrParam)
	case !(t.Power > 1 && t.Power < 2):
		return t, fmt.Errorf("ensemble: Power is %v, want above 1 and below 2: %w", t.Power, gram.ErrParam)
	case !(t.GossTop >= 0 && t.GossOther >= 0 && t.GossTop+t.GossOther < 1) || t.GossTop > 0 != (t.GossOther > 0):
		return t, fmt.Errorf("ensemble: GossTop is %v and GossOther %v, want both 0, or above and a sum below 1: %w", t.GossTop, t.GossOther, gram.ErrParam)
	case t.GossTop > 0 && t.Subsample < 1:
		return t, fmt.Errorf("ensemble: both GossTop and Subsample are set: %w", gram.ErrParam)
	case !(t.DropRate >= 0 && t.DropRate < 1) || t.DropRate > 0 && t.Patience > 0:
		return t, fmt.Errorf("ensemble: DropRate is %v, want 0 to below 1, and 0 with Patience: %w", t.DropRate, gram.ErrParam)
	}
	for _, l := range []struct {
		name  string
		value float64
	}{{"Subsample", t.Subsample}, {"Columns", t.Columns}, {"ColumnsByNode", t.ColumnsByNode}} {
		if !(l.value > 0 && l.value <= 1) {
			return t, fmt.Errorf("ensemble: %s is %v, want above 0 and at most 1: %w", l.name, l.value, gram.ErrParam)
		}
	}
	for _, l := range []struct {
		name  string
		value float64
	}{
		{"LearningRate", t.LearningRate}, {"MinLeaf", t.MinLeaf}, {"MinHessian", t.MinHessian}, {"MinGain", t.MinGain}, {"L1", t.L1}, {"L2", t.L2},
		{"CategorySmooth", t.CategorySmooth}, {"Tolerance", t.Tolerance}, {"Delta", t.Delta},
	} {
		if !(l.value >= 0 && l.value <= math.MaxFloat64) {
			return t, fmt.Errorf("ensemble: %s is %v, want at least 0: %w", l.name, l.value, gram.ErrParam)
		}
	}
	return t, nil
}

// boosting is a fit.
type boosting struct {
	GradientBoosting
	objective objective
	data      *binned
	binning   *binning
	grower    *histGrower
	w         []float64
	present   []int   // the rows of X that are here, nil for all
	rows      []int32 // those to train on, in order, nil for all
	features  []int32 // all
	scores    [][]float64
	watched   *watched
	buffers   []*gradientBuffer // by worker
	repeated  bool              // whether all weights are whole
	from      *boosted          // the model to continue
	first     int               // its rounds

	sample   []int32    // rows of this round, in order, nil for all
	others   []int32    // rows to train on that are not in it
	raised   []float64  // weights of rows of the sample, nil if they are w
	binTrees []*binTree // of all rounds, for DropRate
}

// watched is validation rows.
type watched struct {
	objective objective
	data      *binned
	w         []float64
	rows      []int32
	scores    [][]float64
	losses    []float64 // by round
	best      int       // the round of the smallest
}

// newBoosting checks all but labels and targets and puts X into bins.
func newBoosting(ctx context.Context, t GradientBoosting, X gram.Matrix, w []float64) (*boosting, error) {
	t, err := t.withDefaults()
	if err != nil {
		return nil, err
	}
	n, d := X.Dims()
	if _, err := gram.CheckWeights(w, n); err != nil {
		return nil, err
	}
	if n > 1<<30 {
		return nil, fmt.Errorf("ensemble: X has %d rows, more than %d: %w", n, 1<<30, gram.ErrShape)
	}
	c, err := newConstraints(d, t.Categorical, t.Monotone, t.Interactions)
	if err != nil {
		return nil, fmt.Errorf("ensemble: %w", err)
	}
	if t.Validation != nil {
		if err := checkValidation(t.Validation, d); err != nil {
			return nil, err
		}
	}
	f := &boosting{GradientBoosting: t, w: w}
	f.present, f.w = presentRows(w)
	part := X
	if f.present != nil {
		part = someRows(X, f.present)
	}
	if f.binning, err = newBinning(ctx, t.Workers, part, f.w, t.Bins, c.categorical); err != nil {
		return nil, explain(X, err)
	}
	if f.data, err = f.binning.apply(ctx, t.Workers, X, f.present); err != nil {
		return nil, err
	}
	f.grower = newHistGrower(f.binning, f.data, c, f.w, t.Workers)
	f.grower.maxDepth, f.grower.maxLeaves, f.grower.byLevel = t.MaxDepth, t.MaxLeaves, t.ByLevel
	f.features = f.grower.features
	f.hold()
	if v := t.Validation; v != nil {
		data, err := f.binning.apply(ctx, t.Workers, v.X, nil)
		if err != nil {
			return nil, fmt.Errorf("ensemble: validation: %w", err)
		}
		f.watched = &watched{data: data, w: v.W, rows: iota32(data.n)}
	}
	return f, nil
}
