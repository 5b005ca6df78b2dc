package ensemble

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// gradientRows is how many rows gradients are computed of, and added up, at a time.
const gradientRows = 1 << 12

// presentRows is present, as indices of linalg.Rows.
func presentRows(w []float64) (rows []int, weights []float64) {
	for i, v := range w {
		if v > 0 {
			rows, weights = append(rows, i), append(weights, v)
		}
	}
	if len(rows) == len(w) {
		return nil, w
	}
	return rows, weights
}

// takeAll returns x[i] for each i of rows, x itself for nil.
func takeAll[T any](x []T, rows []int) []T {
	if rows == nil {
		return x
	}
	return take(x, rows)
}

// iota32 returns the rows 0..n−1.
func iota32(n int) []int32 {
	rows := make([]int32, n)
	enumerate(rows)
	return rows
}

// enumerate sets rows to 0, 1, 2 …
func enumerate(rows []int32) {
	for i := range rows {
		rows[i] = int32(i)
	}
}

// explain returns a better error for one of binning, which has seen some rows of X.
func explain(X gram.Matrix, err error) error {
	if errors.Is(err, gram.ErrNonFinite) {
		if whole := infinity(X); whole != nil {
			return whole
		}
	}
	return err
}

// hold divides the rows into those to train on and those to watch: the ones of the
// smallest hashes.
func (f *boosting) hold() {
	n := f.data.n
	out := int(math.Round(f.HoldOut * float64(n)))
	if f.HoldOut == 0 || n < 2 {
		return // all rows
	}
	out = min(max(out, 1), n-1)
	keys := make([]keyed, n)
	for i := range keys {
		keys[i] = keyed{mix(mix(f.Seed) ^ uint64(i)), int32(i)}
	}
	sortKeys(keys, make([]keyed, n))
	held := make([]bool, n)
	for _, k := range keys[:out] {
		held[k.row] = true
	}
	f.watched = &watched{data: f.data, w: f.w}
	for i, is := range held {
		if is {
			f.watched.rows = append(f.watched.rows, int32(i))
		} else {
			f.rows = append(f.rows, int32(i))
		}
	}
}

// trained returns the rows to train on, in some order.
func (f *boosting) trained() []int32 {
	if f.rows == nil {
		return f.grower.rows
	}
	return f.rows
}

// startFrom has the fit begin with a model's trees.
func (f *boosting) startFrom(m *boosted, X gram.Matrix) error {
	if _, err := gram.CheckFeatures(X, m.features); err != nil {
		return fmt.Errorf("ensemble: the model to continue: %w", err)
	}
	f.from, f.first = m, m.Rounds()
	part := X
	if f.present != nil {
		part = linalg.Rows(X, f.present)
	}
	f.scores = m.columnScores(part)
	if v := f.Validation; v != nil {
		f.watched.scores = m.columnScores(v.X)
	}
	return nil
}

// columnScores returns the scores of rows, by output.
func (m *boosted) columnScores(X gram.Matrix) [][]float64 {
	n, _ := X.Dims()
	rows := make([]float64, n*m.outputs)
	m.scoreRows(rows, X)
	if m.outputs == 1 {
		return [][]float64{rows}
	}
	out := constantScores(m.start, n)
	for i, v := range rows {
		out[i%m.outputs][i/m.outputs] = v
	}
	return out
}

// begin sets what a fit begins with.
func (f *boosting) begin() *boosted {
	f.buffers = make([]*gradientBuffer, par.Workers(f.Workers))
	f.repeated = !slices.ContainsFunc(f.w, func(w float64) bool { return w != math.Trunc(w) })
	m := &boosted{features: f.data.d, outputs: f.objective.outputs()}
	if f.from != nil {
		m.start, m.trees = f.from.start, slices.Clone(f.from.trees)
	} else {
		m.start = f.objective.start(f.w)
		f.scores = constantScores(m.start, f.data.n)
	}
	if v := f.watched; v != nil {
		switch {
		case v.objective == nil:
			v.objective, v.scores = f.objective, f.scores
		case f.from == nil:
			v.scores = constantScores(m.start, v.data.n)
		}
	}
	return m
}

// run trains all rounds.
func (f *boosting) run(ctx context.Context) (*boosted, error) {
	m := f.begin()
	for round := range f.Rounds {
		trees, err := f.round(ctx, f.first+round)
		if err != nil {
			return nil, fmt.Errorf("ensemble: fit stopped in round %d: %w", round+1, err)
		}
		m.trees = append(m.trees, trees...)
		objective := f.watch(round)
		if f.Progress != nil {
			if f.watched == nil {
				objective = meanLoss(f.Workers, f.objective, f.trained(), f.scores, f.w)
			}
			f.Progress(gram.Progress{Iteration: round + 1, Limit: f.Rounds, Objective: objective, Residual: math.NaN(), Tolerance: math.NaN()})
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("ensemble: fit stopped in round %d: %w", round+1, err)
			}
		}
		if v := f.watched; v != nil && f.Patience > 0 && round-v.best >= f.Patience {
			break
		}
	}
	if v := f.watched; v != nil {
		m.losses = v.losses
		if f.Patience > 0 {
			m.trees = slices.Clip(m.trees[:(f.first+v.best+1)*m.outputs])
		}
	}
	m.compile()
	return m, nil
}

func constantScores(start []float64, n int) [][]float64 {
	out := make([][]float64, len(start))
	for k, v := range start {
		out[k] = mem.Make[float64](n)
		for i := range out[k] {
			out[k][i] = v
		}
	}
	return out
}

// round grows the trees of one round and adds them to the scores.
func (f *boosting) round(ctx context.Context, round int) ([]*grown, error) {
	dropped := f.drop(round)
	f.objective.begin(f.Workers, f.scores)
	f.sampleRows(round)
	trees := make([]*grown, f.objective.outputs())
	for k := range trees {
		if err := f.pack(ctx, k); err != nil {
			return nil, err
		}
		number := round*len(trees) + k
		f.grower.features = f.sampleFeatures(f.features, f.Columns, featureStream, number)
		if f.ColumnsByNode < 1 {
			f.grower.ofNode = func(features []int32, node int32) []int32 {
				return f.sampleFeatures(features, f.ColumnsByNode, nodeStream, number<<32+int(node))
			}
		}
		tree, leaves, err := f.grower.grow(ctx, f.sample)
		if err != nil {
			return nil, err
		}
		if err := f.settle(ctx, k, tree, leaves); err != nil {
			return nil, err
		}
		trees[k] = tree
		f.addElsewhere(k)
	}
	f.restore(round, dropped)
	return trees, nil
}

// addElsewhere adds the tree of score k, grown last, to the scores of rows that it was not
// grown on.
func (f *boosting) addElsewhere(k int) {
	if len(f.others) == 0 && f.watched == nil && f.DropRate == 0 {
		return
	}
	tree := f.grower.binTree()
	tree.add(f.Workers, f.data, f.others, f.scores[k], 1)
	if v := f.watched; v != nil {
		tree.add(f.Workers, v.data, v.rows, v.scores[k], 1)
	}
	if f.DropRate > 0 {
		f.binTrees = append(f.binTrees, tree)
	}
}

// gradientSums are sums over a block of rows.
type gradientSums struct{ g, h, w float64 }

func (s *gradientSums) add(x gradientSums) {
	s.g += x.g
	s.h += x.h
	s.w += x.w
}

// weighted sets g and h to the gradients and Hessians of rows times their weights.
func (f *boosting) weighted(g, h []float64, rows []int32, k int) {
	f.objective.gradients(g, h, rows, k)
	weights := f.gradientWeights()
	if weights == nil {
		return
	}
	for i, r := range rows {
		w := weights[r]
		g[i] *= w
		h[i] *= w
	}
}

// A gradientBuffer is room for the gradients and Hessians of some rows.
type gradientBuffer struct {
	g, h [gradientRows]float64
	rows [gradientRows]int32
}

// buffer returns that of a worker.
func (f *boosting) buffer(worker int) *gradientBuffer {
	if f.buffers[worker] == nil {
		f.buffers[worker] = new(gradientBuffer)
	}
	return f.buffers[worker]
}

// sampleSize returns how many rows the round has.
func (f *boosting) sampleSize() int {
	if f.sample == nil {
		return f.data.n
	}
	return len(f.sample)
}

// sampled returns rows lo to hi−1 of the round's, in order, at most gradientRows.
func (f *boosting) sampled(b *gradientBuffer, lo, hi int) []int32 {
	if f.sample != nil {
		return f.sample[lo:hi]
	}
	rows := b.rows[:hi-lo]
	for i := range rows {
		rows[i] = int32(lo + i)
	}
	return rows
}

// pack sets the grower's packed numbers to the gradients by score k, and its rules to
// their scales.
func (f *boosting) pack(ctx context.Context, k int) error {
	n, w := f.sampleSize(), f.gradientWeights()
	parts := make([]gradientSums, par.Blocks(n, gradientRows))
	err := par.ForWorker(ctx, f.Workers, n, gradientRows, func(worker, block, lo, hi int) {
		b := f.buffer(worker)
		rows := f.sampled(b, lo, hi)
		g, h := b.g[:len(rows)], b.h[:len(rows)]
		f.weighted(g, h, rows, k)
		var s gradientSums
		for i, v := range g {
			s.g += math.Abs(v)
			s.h += h[i]
		}
		if w != nil {
			for _, r := range rows {
				s.w += w[r]
			}
		}
		parts[block] = s
	})
	if err != nil {
		return err
	}
	var all gradientSums
	for _, s := range parts {
		all.add(s)
	}
	if !(all.g <= math.MaxFloat64 && all.h <= math.MaxFloat64) {
		return fmt.Errorf("gradients add up to %v, Hessians to %v: %w", all.g, all.h, gram.ErrNonFinite)
	}
	sc := f.scalesFor(all, n)
	err = par.ForWorker(ctx, f.Workers, n, gradientRows, func(worker, block, lo, hi int) {
		b := f.buffer(worker)
		rows := f.sampled(b, lo, hi)
		g, h := b.g[:len(rows)], b.h[:len(rows)]
		f.objective.gradients(g, h, rows, k)
		parts[block].w = sc.pack(f.grower.packed, rows, g, h, w, f.w)
	})
	ratio := 0.0
	for _, s := range parts {
		ratio = max(ratio, s.w)
	}
	f.setRules(sc, ratio)
	return err
}

// manyTimes is the sum of weights up to which they are repetitions of rows in rounding, too.
const manyTimes = 1 << 26

const (
	// countedRows is how many rows may be counted in packed numbers.
	countedRows = 1 << 14
	// countedBits are the bits of the Hessian, and the count, of counted rows.
	countedBits = 38
)

// scalesFor returns scales at which sums over n rows of these sums do not overflow. They are
// the same for rows of whole weights and for rows that come so many times.
func (f *boosting) scalesFor(all gradientSums, n int) scales {
	rounded := float64(n) // how many times half a unit may be added by rounding
	repeated := f.raised == nil && f.repeated && all.w <= manyTimes
	if f.gradientWeights() == nil {
		repeated = true
	} else if f.raised == nil && all.w <= manyTimes {
		rounded = max(rounded, all.w)
	}
	switch {
	case repeated && f.objective.unit():
		low := uint(bits.Len(uint(rounded)))
		return scales{low: low, gradient: powerBelow((math.Ldexp(1, int(min(63-low, 50))) - 1 - rounded) / all.g), hessian: 1, whole: true, unit: true}
	case repeated && rounded <= countedRows:
		count := uint(bits.Len(uint(rounded)))
		unit := math.Ldexp(1, int(count))
		return scales{
			low: countedBits, count: count, whole: true,
			gradient: powerBelow((math.Ldexp(1, 63-countedBits) - 1 - rounded) / all.g),
			hessian:  powerBelow((math.Ldexp(1, countedBits)/unit-1-2*rounded)/all.h) * unit,
		}
	}
	return scales{
		low:      32,
		gradient: powerBelow((1<<31 - 1 - rounded) / all.g),
		hessian:  powerBelow((1<<32 - 1 - 2*rounded) / all.h),
		whole:    f.raised == nil && all.w <= manyTimes,
	}
}

// powerBelow returns the largest power of 2 up to x > 0, within what keeps products with
// it finite.
func powerBelow(x float64) float64 {
	_, e := math.Frexp(x)
	return math.Ldexp(1, min(max(e-1, -1000), 1000))
}

// whole rounds to whole numbers of up to 50 bits.
func whole(x float64) int64 {
	const magic = 3 << 51 // to which what is added lands in the low bits
	return int64(math.Float64bits(x+magic)) - int64(math.Float64bits(magic))
}

// pack sets the packed numbers of rows to their gradients and Hessians times weights w,
// rounded. No Hessian is less than 1, so that a bin without rows can be told. It returns
// the largest quotient of a Hessian and what the row counts, nil for 1.
func (s *scales) pack(packed []int64, rows []int32, g, h, w, counts []float64) float64 {
	if w != nil {
		return s.packWeighted(packed, rows, g, h, w, counts)
	}
	most, hessian, one := int64(0), s.hessianUnit(), s.one()
	for i, r := range rows {
		z := max(whole(h[i]*hessian), 1)<<s.count + one
		packed[r] = whole(g[i]*s.gradient)<<s.low + z
		most = max(most, z)
	}
	return float64(most)
}

// hessianUnit is the scale of the bits of a Hessian without the count.
func (s *scales) hessianUnit() float64 { return s.hessian / float64(int64(1)<<s.count) }

// one is what counts a row.
func (s *scales) one() int64 {
	if s.count > 0 {
		return 1
	}
	return 0
}

// packWeighted is pack with weights. Their whole parts multiply rounded numbers, as if
// rows came so many times: then ties between splits are the same ties.
func (s *scales) packWeighted(packed []int64, rows []int32, g, h, w, counts []float64) float64 {
	ratio, hessian, one := 0.0, s.hessianUnit(), s.one()
	for i, r := range rows {
		times, part := int64(0), w[r]
		if s.whole {
			times = int64(part)
			part -= float64(times)
		}
		gs, hs := g[i]*s.gradient, h[i]*hessian
		z := times * (max(whole(hs), 1)<<s.count + one)
		if part > 0 {
			z += max(whole(part*hs), 1)
		}
		packed[r] = (times*whole(gs)+whole(part*gs))<<s.low + z
		count := 1.0
		if counts != nil {
			count = counts[r]
		}
		ratio = max(ratio, float64(z)/count)
	}
	return ratio
}

// setRules sets the grower's rules for scales, at which ratio is the largest quotient of
// the Hessian and the weight of a row.
func (f *boosting) setRules(sc scales, ratio float64) {
	r := &f.grower.rules
	r.scales = sc
	r.l1, r.l2, r.smooth = f.L1*sc.gradient, f.L2*sc.hessian, f.CategorySmooth*sc.hessian
	r.minGain = 2 * f.MinGain * sc.gradient / sc.hessian * sc.gradient
	r.minWeight = f.MinLeaf
	r.minHess = max(int64(math.Ceil(min(f.MinHessian*sc.hessian, math.MaxInt64/2))), 1)
	r.sure = int64(math.Ceil(min(f.MinLeaf*ratio*(1+1e-12), math.MaxInt64/2)))
	r.minCount = 0
	switch {
	case sc.count > 0:
		r.minCount = int64(math.Ceil(min(f.MinLeaf, math.MaxInt64/2)))
		r.sure = 0
	case sc.unit: // Hessians are counts, and tell all
		r.minHess = max(r.minHess, int64(math.Ceil(min(f.MinLeaf, math.MaxInt64/2))))
		r.sure = 0
	case f.w == nil && f.MinLeaf <= 1: // one row is enough
		r.sure = 0
	}
}

// settle gives the nodes of a tree their weights and values and adds those of leaves to
// the scores of the leaves' rows. It passes over the rows in their order: what it reads and writes
// of them is contiguous, and no two workers write to the same place.
func (f *boosting) settle(ctx context.Context, k int, tree *grown, leaves []bud) error {
	sums, err := f.leafSums(ctx, k, leaves)
	if err != nil {
		return err
	}
	nodes := make([]gradientSums, len(tree.nodes))
	for i, b := range leaves {
		nodes[b.node] = sums[i]
	}
	f.setValues(tree, nodes)
	if err := f.setLeaves(ctx, tree, leaves); err != nil {
		return err
	}
	f.grower.settleMissing()
	values := make([]float64, len(leaves))
	for i, b := range leaves {
		values[i] = tree.values[b.node]
	}
	leafOf, scores := f.grower.spare, f.scores[k]
	return par.ForWorker(ctx, f.Workers, f.sampleSize(), gradientRows, func(worker, _, lo, hi int) {
		for _, r := range f.sampled(f.buffer(worker), lo, hi) {
			scores[r] += values[leafOf[r]]
		}
	})
}

// leafRows is how many rows, or more, are added up for all leaves at a time.
const leafRows = 1 << 14

// leafSums returns the sums of the gradients and Hessians of each leaf's rows, and of
// their weights. It leaves the number of each row's leaf in the grower's spare memory.
func (f *boosting) leafSums(ctx context.Context, k int, leaves []bud) ([]gradientSums, error) {
	n, width := f.sampleSize(), len(leaves)
	size := max(leafRows, 16*width) // a sum for each leaf is little beside the rows
	parts := make([]gradientSums, par.Blocks(n, size)*width)
	leafOf := f.grower.spare
	err := par.ForWorker(ctx, f.Workers, n, size, func(worker, block, from, to int) {
		first, last := int32(from), int32(to-1)
		if f.sample != nil {
			first, last = f.sample[from], f.sample[to-1]
		}
		f.grower.number(leafOf, leaves, first, last)
		b, sums := f.buffer(worker), parts[block*width:(block+1)*width]
		for lo := from; lo < to; lo += gradientRows {
			rows := f.sampled(b, lo, min(lo+gradientRows, to))
			g, h := b.g[:len(rows)], b.h[:len(rows)]
			f.weighted(g, h, rows, k)
			for i, r := range rows {
				s := &sums[leafOf[r]]
				s.g += g[i]
				s.h += h[i]
			}
			if f.w != nil {
				for _, r := range rows {
					sums[leafOf[r]].w += f.w[r]
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	all := parts[:width]
	for at := width; at < len(parts); at += width {
		for i := range all {
			all[i].add(parts[at+i])
		}
	}
	if f.w == nil {
		for i, b := range leaves {
			all[i].w = float64(b.hi - b.lo)
		}
	}
	return all, nil
}

// setLeaves renews the values of leaves, if the loss wants it, and holds them to their
// bounds.
func (f *boosting) setLeaves(ctx context.Context, tree *grown, leaves []bud) error {
	renewing, renews := f.objective.(renewer)
	return par.For(ctx, f.Workers, len(leaves), 1, func(i, _, _ int) {
		b := &leaves[i]
		v := tree.values[b.node] / f.LearningRate
		if renews {
			v = renewing.renew(f.grower.rows[b.lo:b.hi], f.gradientWeights())
		}
		tree.values[b.node] = f.LearningRate * b.bounds.clip(v)
	})
}

// setValues sets weights and values of all nodes from the sums of leaves.
func (f *boosting) setValues(tree *grown, sums []gradientSums) {
	for i := len(tree.nodes) - 1; i >= 0; i-- {
		n := &tree.nodes[i]
		if !n.leaf() {
			sums[i].add(sums[n.left])
			sums[i].add(sums[n.left+1])
		}
		n.weight = sums[i].w
		tree.values[i] = f.LearningRate * bestValue(softThreshold(sums[i].g, f.L1), sums[i].h+f.L2)
	}
}

// watch adds to the losses on validation rows and returns the last, NaN if there are none.
func (f *boosting) watch(round int) float64 {
	v := f.watched
	if v == nil {
		return math.NaN()
	}
	loss := meanLoss(f.Workers, v.objective, v.rows, v.scores, v.w)
	v.losses = append(v.losses, loss)
	if round == 0 || loss < v.losses[v.best]-f.Tolerance {
		v.best = round
	}
	return loss
}

// meanLoss returns the weighted mean loss of rows.
func meanLoss(workers int, o objective, rows []int32, scores [][]float64, w []float64) float64 {
	parts := make([]gradientSums, par.Blocks(len(rows), gradientRows))
	par.For(nil, workers, len(rows), gradientRows, func(block, lo, hi int) {
		b := borrow(hi - lo)
		defer b.back()
		losses := b.x
		o.losses(losses, rows[lo:hi], scores)
		var s gradientSums
		for i, r := range rows[lo:hi] {
			weight := 1.0
			if w != nil {
				weight = w[r]
			}
			if losses[i] != losses[i] {
				continue // it does not count
			}
			s.g += weight * losses[i]
			s.w += weight
		}
		parts[block] = s
	})
	var all gradientSums
	for _, s := range parts {
		all.add(s)
	}
	return all.g / all.w
}
