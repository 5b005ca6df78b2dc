package ensemble

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/gram-ml/gram"
)

// Forest averages deep trees, each grown on a bootstrap sample of the rows and looking
// for each split at a few random features (L. Breiman, Random forests, Machine Learning
// 45, 2001). The samples and the features make trees err in different places, and their
// mean is far better than any of them. It needs little tuning and overfits little.
//
// Splits are exact, at a threshold halfway between two values, or by sets of categories.
// NaN is a missing value, as for [Tree].
//
// The zero value is ready: 100 trees that grow until leaves are pure.
type Forest struct {
	// Estimators is the number of trees, ≥ 1; 0 means 100. More are never worse.
	Estimators int
	// Criterion is the impurity; the zero value is Gini or SquaredError.
	Criterion Criterion
	// MaxDepth limits the number of splits on a path, > 0; 0 means no limit.
	MaxDepth int
	// MaxLeaves limits the leaves of a tree, ≥ 2, by splitting the node of the largest
	// gain first; 0 means no limit.
	MaxLeaves int
	// MinSplit and MinLeaf are the least sums of weights of a node that is split and of
	// a leaf; 0 for none. A row that was drawn twice for a tree has twice the weight.
	MinSplit, MinLeaf float64
	// MinGain is the least reduction of the impurity by a split, as that of [Tree].
	MinGain float64
	// MaxFeatures is the share of the features that are looked at for a split, in
	// (0, 1]; 0 means √d of the d for classes and a third for targets. Features that
	// have a single value in the node do not count.
	MaxFeatures float64
	// NoBootstrap grows every tree on all rows.
	NoBootstrap bool
	// MaxSamples is the size of a sample as a share of the rows, in (0, 1]; 0 means 1.
	MaxSamples float64
	// Balance is for classes of unequal weight.
	Balance Balance
	// OutOfBag has the model scored on the rows that its trees have not seen, about
	// 37 % for each.
	OutOfBag bool
	// Categorical lists the features that hold codes of categories, 0 to 254.
	Categorical []int
	// Seed determines the samples and the features.
	Seed uint64
	// Workers limits the trees that grow at one time, 0 means GOMAXPROCS. The model does
	// not depend on it, not in a single bit.
	Workers int
	// Progress, if not nil, is called after every tree.
	Progress func(gram.Progress)
}

// ExtraTrees averages extremely randomized trees: each is grown on all rows, and the cuts
// that are compared for a split are random ones, one for each of a few random features (P.
// Geurts, D. Ernst, L. Wehenkel, Extremely randomized trees, Machine Learning 63, 2006).
//
// Compared with [Forest], trees differ more and single ones are worse: less variance, a
// little more bias, smoother predictions. They cost a fraction of the time and have
// some three times the leaves.
type ExtraTrees struct {
	// Estimators is the number of trees, ≥ 1; 0 means 100.
	Estimators int
	// Criterion is the impurity; the zero value is Gini or SquaredError.
	Criterion Criterion
	// MaxDepth limits the number of splits on a path, > 0; 0 means no limit.
	MaxDepth int
	// MaxLeaves limits the leaves of a tree, ≥ 2, by splitting the node of the largest
	// gain first; 0 means no limit.
	MaxLeaves int
	// MinSplit and MinLeaf are the least sums of weights of a node that is split and of
	// a leaf; 0 for none.
	MinSplit, MinLeaf float64
	// MinGain is the least reduction of the impurity by a split, as that of [Tree].
	MinGain float64
	// MaxFeatures is the share of the features that are cut for a split, in (0, 1]; 0
	// means √d of the d for classes and all for targets.
	MaxFeatures float64
	// Bootstrap grows every tree on a bootstrap sample.
	Bootstrap bool
	// MaxSamples is the size of a sample as a share of the rows, in (0, 1]; 0 means 1. It
	// needs Bootstrap.
	MaxSamples float64
	// Balance is for classes of unequal weight.
	Balance Balance
	// OutOfBag has the model scored on the rows that its trees have not seen. It needs
	// Bootstrap.
	OutOfBag bool
	// Categorical lists the features that hold codes of categories, 0 to 254.
	Categorical []int
	// Seed determines the cuts, the features and the samples.
	Seed uint64
	// Workers limits the trees that grow at one time, 0 means GOMAXPROCS.
	Workers int
	// Progress, if not nil, is called after every tree.
	Progress func(gram.Progress)
}

var (
	_ gram.ClassifierTrainer = Forest{}
	_ gram.RegressorTrainer  = Forest{}
	_ gram.ClassifierTrainer = ExtraTrees{}
	_ gram.RegressorTrainer  = ExtraTrees{}
)

// forestry is how a forest is grown.
type forestry struct {
	trees     int
	criterion Criterion
	growth
	share       float64 // of the features
	all         bool    // rows for every tree
	samples     float64
	balance     Balance
	outOfBag    bool
	keep        bool // the samples
	random      bool // cuts
	categorical []int
	seed        uint64
	progress    func(gram.Progress)
}

func (t Forest) forestry() forestry {
	return forestry{t.Estimators, t.Criterion, growth{t.MaxDepth, t.MaxLeaves, t.MinSplit, t.MinLeaf, t.MinGain, t.Workers, nil},
		t.MaxFeatures, t.NoBootstrap, t.MaxSamples, t.Balance, t.OutOfBag, false, false, t.Categorical, t.Seed, t.Progress}
}

func (t ExtraTrees) forestry() forestry {
	return forestry{t.Estimators, t.Criterion, growth{t.MaxDepth, t.MaxLeaves, t.MinSplit, t.MinLeaf, t.MinGain, t.Workers, nil},
		t.MaxFeatures, !t.Bootstrap, t.MaxSamples, t.Balance, t.OutOfBag, false, true, t.Categorical, t.Seed, t.Progress}
}

// FitClassifier trains on the n×d matrix X, labels y of 0..K−1 and sample weights
// w ≥ 0, nil for all ones. Rows are drawn in proportion to their weights, max(n, Σw)
// times for a tree, so that a weight of 2 is the same as a repeated row.
//
// Errors: gram.ErrShape, gram.ErrNonFinite for an infinite element, gram.ErrLabels,
// gram.ErrWeights and gram.ErrParam for what does not fit; ctx's error. A tree takes
// O(n·√d·log n); memory is 12 bytes an element of X and some 100 bytes a row for each
// tree that grows at one time.
func (t Forest) FitClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (*ForestClassifierModel, error) {
	return t.forestry().fitClassifier(ctx, X, y, w)
}

// FitRegressor trains on the n×d matrix X, targets y and sample weights w, as
// FitClassifier does. Poisson needs targets ≥ 0 of which one is above 0.
func (t Forest) FitRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (*ForestRegressorModel, error) {
	return t.forestry().fitRegressor(ctx, X, y, w)
}

// TrainClassifier calls FitClassifier.
func (t Forest) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	m, err := t.FitClassifier(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// TrainRegressor calls FitRegressor.
func (t Forest) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	m, err := t.FitRegressor(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// FitClassifier is that of [Forest], except that every tree has all rows unless
// Bootstrap is set.
func (t ExtraTrees) FitClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (*ForestClassifierModel, error) {
	return t.forestry().fitClassifier(ctx, X, y, w)
}

// FitRegressor is that of [Forest], except that every tree has all rows unless
// Bootstrap is set.
func (t ExtraTrees) FitRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (*ForestRegressorModel, error) {
	return t.forestry().fitRegressor(ctx, X, y, w)
}

// TrainClassifier calls FitClassifier.
func (t ExtraTrees) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	m, err := t.FitClassifier(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// TrainRegressor calls FitRegressor.
func (t ExtraTrees) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	m, err := t.FitRegressor(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// A lot is one forest while it grows.
type lot struct {
	forestry
	d, outputs int
	rows       []int32 // those of weight above zero, nil for all
	sampling   *bootstrap
	newCrit    func(w []float64) (criterion, error)
	try        int
	ranks      *ranks // for the best cuts
	table      *table // for random ones
	// of each tree
	plain      []*plainTree
	values     [][]float64
	importance [][]float64
	bags       [][]uint64 // the rows that were seen, a bit each, if there is to be a score
	samples    [][]float64
	nurseries  nurseries
}

// A nursery is the memory that a tree grows in, for one after the other.
type nursery struct {
	w         []float64
	items     []int32
	criterion criterion
	coarse    *coarse
	block     []uint32 // of random cuts
	tree      grown
	plain     []plainNode
}

// nurseries are those that nothing grows in. Unlike a sync.Pool they last: new memory is slow.
type nurseries struct {
	mu   sync.Mutex
	free []*nursery
}

func (n *nurseries) get() *nursery {
	n.mu.Lock()
	defer n.mu.Unlock()
	last := len(n.free) - 1
	if last < 0 {
		return new(nursery)
	}
	out := n.free[last]
	n.free = n.free[:last]
	return out
}

func (n *nurseries) put(free *nursery) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.free = append(n.free, free)
}

func (t forestry) fitClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (*ForestClassifierModel, error) {
	n, _, err := checkShape(X)
	if err != nil {
		return nil, err
	}
	k, err := gram.CheckLabels(y, n)
	if err != nil {
		return nil, err
	}
	kind, err := classCriterion(t.criterion)
	if err != nil {
		return nil, err
	}
	l, w, err := t.lot(X, w)
	if err != nil {
		return nil, err
	}
	labels := pick(y, l.rows)
	if l.sampling, err = newBootstrap(len(labels), w, labels, k, t.balance, t.all, t.samples); err != nil {
		return nil, fmt.Errorf("ensemble: %w", err)
	}
	l.outputs = k
	l.tries(math.Sqrt(float64(l.d)))
	l.newCrit = func(w []float64) (criterion, error) {
		if k == 2 {
			return newBinary(kind, labels, w), nil
		}
		return newClassCounts(kind, labels, k, w, 1), nil
	}
	if err := l.grow(ctx, X, w); err != nil {
		return nil, err
	}
	m := &ForestClassifierModel{forestModel: l.model(), oob: noScore}
	if t.outOfBag {
		m.oob, m.oobProba, err = scoreBags(ctx, l, m.flat, X, labels, w, accuracy)
	}
	return m, err
}

func (t forestry) fitRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (*ForestRegressorModel, error) {
	n, _, err := checkShape(X)
	if err != nil {
		return nil, err
	}
	if err := gram.CheckTargets(y, n); err != nil {
		return nil, err
	}
	kind, err := targetCriterion(t.criterion)
	if err != nil {
		return nil, err
	}
	l, w, err := t.lot(X, w)
	if err != nil {
		return nil, err
	}
	targets := pick(y, l.rows)
	if kind == Poisson {
		if err := checkCounts(targets); err != nil {
			return nil, err
		}
	}
	if l.sampling, err = newBootstrap(len(targets), w, nil, 0, t.balance, t.all, t.samples); err != nil {
		return nil, fmt.Errorf("ensemble: %w", err)
	}
	l.outputs = 1
	if l.tries(float64(l.d) / 3); t.random {
		l.tries(float64(l.d))
	}
	l.newCrit = func(w []float64) (criterion, error) {
		if kind == AbsoluteError {
			return newAbsolute(targets, w, 1), nil
		}
		return newMoments(kind, targets, w), nil
	}
	if err := l.grow(ctx, X, w); err != nil {
		return nil, err
	}
	m := &ForestRegressorModel{forestModel: l.model(), oob: noScore, samples: l.samples}
	if t.outOfBag {
		m.oob, m.oobPrediction, err = scoreBags(ctx, l, m.flat, X, targets, w, determination)
	}
	return m, err
}

// lot checks what both kinds of fit share and returns the weights above zero.
func (t forestry) lot(X gram.Matrix, w []float64) (*lot, []float64, error) {
	if t.trees == 0 {
		t.trees = 100
	}
	if t.trees < 1 {
		return nil, nil, fmt.Errorf("ensemble: Estimators is %d: %w", t.trees, gram.ErrParam)
	}
	if err := checkLimits(t.maxDepth, t.maxLeaves, t.minSplit, t.minLeaf, t.minGain); err != nil {
		return nil, nil, err
	}
	if !(t.share >= 0 && t.share <= 1) {
		return nil, nil, fmt.Errorf("ensemble: MaxFeatures is %v, not in (0, 1]: %w", t.share, gram.ErrParam)
	}
	if t.outOfBag && t.all {
		return nil, nil, fmt.Errorf("ensemble: OutOfBag, but every tree has all rows: %w", gram.ErrParam)
	}
	n, d := X.Dims()
	if _, err := gram.CheckWeights(w, n); err != nil {
		return nil, nil, err
	}
	c, err := newConstraints(d, t.categorical, nil, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("ensemble: %w", err)
	}
	t.constraints = c
	l := &lot{forestry: t, d: d}
	l.rows, w = present(w, n)
	return l, w, nil
}

// tries sets how many features are tried for a split, if their share was not given.
func (l *lot) tries(standard float64) {
	l.try = max(1, int(standard))
	if l.share > 0 {
		l.try = max(1, int(math.Round(l.share*float64(l.d))))
	}
}

// grow grows all trees, on as many goroutines as there may be.
func (l *lot) grow(ctx context.Context, X gram.Matrix, w []float64) (err error) {
	if l.random {
		l.table, err = newTable(ctx, l.workers, X, l.rows, l.constraints.categorical)
	} else {
		l.ranks, err = newRanks(ctx, l.workers, X, l.rows, w, l.constraints.categorical)
	}
	if err != nil {
		return err
	}
	l.plain = make([]*plainTree, l.trees)
	l.values = make([][]float64, l.trees)
	l.importance = make([][]float64, l.trees)
	if l.outOfBag {
		l.bags = make([][]uint64, l.trees)
	}
	if l.keep {
		l.samples = make([][]float64, l.trees)
	}
	_, err = each(ctx, l.workers, l.trees, "tree", l.progress, l.tree)
	return err
}

// tree grows tree i, which depends on the seed and i alone.
func (l *lot) tree(ctx context.Context, i int) error {
	rng := rand.New(rand.NewPCG(l.seed, uint64(i)))
	nursery := l.nurseries.get()
	defer l.nurseries.put(nursery)
	if l.keep {
		nursery.w = nil
	}
	w, items := l.sampling.sample(rng, nursery.w, nursery.items)
	nursery.items = items
	if !l.sampling.all {
		nursery.w = w
	}
	if l.outOfBag {
		l.bags[i] = make([]uint64, (l.sampling.n+63)/64)
		for _, row := range items {
			l.bags[i][row/64] |= 1 << (row % 64)
		}
	}
	if l.keep {
		l.samples[i] = w
	}
	c, err := l.criterionOf(nursery, w)
	if err != nil {
		return err
	}
	var f finder
	if l.random {
		f = newRandomized(l.table, c, l.minLeaf, rng, items, &nursery.block)
	} else {
		if nursery.coarse == nil {
			nursery.coarse = &coarse{data: l.ranks}
		}
		nursery.coarse.begin(c, l.minLeaf, items)
		f = nursery.coarse
	}
	g := &deepGrower{growth: l.growth, try: l.try, rng: rng}
	tree := &nursery.tree
	tree.reset(l.outputs)
	if err := g.grow(ctx, l.d, tree, f, len(items)); err != nil {
		return err
	}
	l.importance[i] = make([]float64, l.d)
	tree.addImportance(l.importance[i], 1)
	normalize(l.importance[i])
	p, values := plainLeaves(tree, l.d, nursery.plain)
	if nursery.plain = p.nodes; !p.shorten(l.d) {
		p.nodes = slices.Clone(p.nodes)
	}
	l.plain[i], l.values[i] = p, values
	return nil
}

// criterionOf returns the criterion for weights w of a tree's rows.
func (l *lot) criterionOf(n *nursery, w []float64) (c criterion, err error) {
	if m, ok := n.criterion.(*moments); ok {
		if !l.sampling.all {
			m.weigh(w)
		}
		return m, nil
	}
	n.criterion, err = l.newCrit(w)
	return n.criterion, err
}

// plainLeaves compiles a tree in the memory of nodes. Leaves of a single class share the first K values; the
// others have theirs after those of the leaves before.
func plainLeaves(g *grown, d int, nodes []plainNode) (*plainTree, []float64) {
	k := g.outputs
	shared := 0
	if k > 1 {
		shared = k
	}
	var values []float64
	p := compile(g, d, nodes, func(node int32) uint32 {
		v := g.value(node)
		if c := argmax(v); k > 1 && v[c] == 1 {
			return uint32(c)
		}
		values = append(values, v...)
		return uint32(shared + len(values)/k - 1)
	})
	return p, values
}

// model puts the trees together.
func (l *lot) model() forestModel {
	importance := make([]float64, l.d)
	for _, tree := range l.importance {
		for j, v := range tree {
			importance[j] += v
		}
	}
	return forestModel{forestOf(l.d, l.outputs, l.plain, l.values), normalize(importance)}
}

// forestOf puts trees of plainLeaves together, whose leaves have k values each.
func forestOf(d, k int, trees []*plainTree, values [][]float64) *flat {
	var all []float64
	shared := 0
	if k > 1 {
		shared = k
		all = make([]float64, k*k)
		for c := range k {
			all[c*k+c] = 1
		}
	}
	bases, short := make([]uint32, len(trees)), true
	for i, p := range trees {
		bases[i] = uint32(len(all)/k - shared)
		all = append(all, values[i]...)
		short = short && p.short != nil
	}
	if short {
		f := &flat{features: d, outputs: k, width: k, values: all, roots: make([]int, 1, len(trees)+1)}
		for _, p := range trees {
			f.roots = append(f.roots, f.roots[len(f.roots)-1]+len(p.short))
		}
		f.walker = packShort(f, trees, shared, bases)
		return f
	}
	for i, p := range trees {
		if p.short != nil {
			p.nodes = plainNodes(p.short, d, bits.Len(uint(2*d+1)))
		}
		for at := range p.nodes {
			if n := &p.nodes[at]; n.far == 0 && int(n.feature) >= shared {
				n.feature += bases[i]
			}
		}
	}
	nodes, sets := join(d, trees)
	return newFlat(d, k, k, nodes, sets, all)
}
