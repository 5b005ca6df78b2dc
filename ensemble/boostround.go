package ensemble

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
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
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// explain returns a better error for one of binning, which has seen some rows of X.
func (f *boosting) explain(X gram.Matrix, err error) error {
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
		f.rows = iota32(n)
		return
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

// run trains all rounds.
func (f *boosting) run(ctx context.Context) (*boosted, error) {
	f.buffers = make([][]float64, par.Workers(f.Workers))
	m := &boosted{features: f.data.d, outputs: f.objective.outputs()}
	m.start = f.objective.start(f.w)
	f.scores = constantScores(m.start, f.data.n)
	if v := f.watched; v != nil {
		v.scores = f.scores
		if v.objective == nil {
			v.objective = f.objective
		} else {
			v.scores = constantScores(m.start, v.data.n)
		}
	}
	for round := range f.Rounds {
		trees, err := f.round(ctx)
		if err != nil {
			return nil, fmt.Errorf("ensemble: fit stopped in round %d: %w", round+1, err)
		}
		m.trees = append(m.trees, trees...)
		objective := f.watch(round)
		if f.Progress != nil {
			if f.watched == nil {
				objective = meanLoss(f.Workers, f.objective, f.rows, f.scores, f.w)
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
			m.trees = m.trees[: (v.best+1)*m.outputs : (v.best+1)*m.outputs]
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
func (f *boosting) round(ctx context.Context) ([]*grown, error) {
	f.objective.begin(f.Workers, f.scores)
	trees := make([]*grown, f.objective.outputs())
	for k := range trees {
		if err := f.pack(ctx, k); err != nil {
			return nil, err
		}
		tree, leaves, err := f.grower.grow(ctx, f.rows)
		if err != nil {
			return nil, err
		}
		if err := f.settle(ctx, k, tree, leaves); err != nil {
			return nil, err
		}
		trees[k] = tree
		if v := f.watched; v != nil {
			f.grower.addTree(f.Workers, v.data, v.rows, v.scores[k])
		}
	}
	return trees, nil
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
	if f.w == nil {
		return
	}
	for i, r := range rows {
		w := f.w[r]
		g[i] *= w
		h[i] *= w
	}
}

// buffer returns room for the gradients and Hessians of a block, by worker.
func (f *boosting) buffer(worker int) (g, h []float64) {
	if f.buffers[worker] == nil {
		f.buffers[worker] = make([]float64, 2*gradientRows)
	}
	return f.buffers[worker][:gradientRows], f.buffers[worker][gradientRows:]
}

// pack sets the grower's packed numbers to the gradients by score k, and its rules to
// their scales.
func (f *boosting) pack(ctx context.Context, k int) error {
	rows := f.rows
	parts := make([]gradientSums, par.Blocks(len(rows), gradientRows))
	err := par.ForWorker(ctx, f.Workers, len(rows), gradientRows, func(worker, block, lo, hi int) {
		g, h := f.buffer(worker)
		f.weighted(g, h, rows[lo:hi], k)
		var s gradientSums
		for i, v := range g[:hi-lo] {
			s.g += math.Abs(v)
			s.h += h[i]
		}
		if f.w != nil {
			for _, r := range rows[lo:hi] {
				s.w += f.w[r]
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
	sc := f.scalesFor(all, len(rows))
	err = par.ForWorker(ctx, f.Workers, len(rows), gradientRows, func(worker, block, lo, hi int) {
		g, h := f.buffer(worker)
		f.objective.gradients(g, h, rows[lo:hi], k)
		parts[block].w = sc.pack(f.grower.packed, rows[lo:hi], g, h, f.w)
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

// scalesFor returns scales at which sums over n rows of these sums do not overflow.
func (f *boosting) scalesFor(all gradientSums, n int) scales {
	rounded := float64(n) // how many times half a unit may be added by rounding
	if f.objective.unit() && f.w == nil {
		low := uint(bits.Len(uint(n)))
		return scales{low: low, gradient: powerBelow((math.Ldexp(1, int(min(63-low, 50))) - 1 - rounded) / all.g), hessian: 1}
	}
	whole := f.w != nil && all.w <= manyTimes
	if whole {
		rounded = max(rounded, all.w)
	}
	return scales{
		low:      32,
		gradient: powerBelow((1<<31 - 1 - rounded) / all.g),
		hessian:  powerBelow((1<<32 - 1 - 2*rounded) / all.h),
		whole:    whole,
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

// pack sets the packed numbers of rows to their gradients and Hessians times their weights,
// rounded. No Hessian is less than 1, so that a bin without rows can be told. It returns
// the largest quotient of a Hessian and the row's weight.
func (s *scales) pack(packed []int64, rows []int32, g, h, w []float64) float64 {
	if w != nil {
		return s.packWeighted(packed, rows, g, h, w)
	}
	most := int64(0)
	for i, r := range rows {
		z := max(whole(h[i]*s.hessian), 1)
		packed[r] = whole(g[i]*s.gradient)<<s.low + z
		most = max(most, z)
	}
	return float64(most)
}

// packWeighted is pack with weights. Their whole parts multiply rounded numbers, as if
// rows came so many times: then ties between splits are the same ties.
func (s *scales) packWeighted(packed []int64, rows []int32, g, h, w []float64) float64 {
	ratio := 0.0
	for i, r := range rows {
		times, part := int64(0), w[r]
		if s.whole {
			times = int64(part)
			part -= float64(times)
		}
		gs, hs := g[i]*s.gradient, h[i]*s.hessian
		z := times * max(whole(hs), 1)
		if part > 0 {
			z += max(whole(part*hs), 1)
		}
		packed[r] = (times*whole(gs)+whole(part*gs))<<s.low + z
		ratio = max(ratio, float64(z)/w[r])
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
	if f.w == nil && (f.objective.unit() || f.MinLeaf <= 1) {
		// Hessians are counts, and tell all; or one row is enough.
		if f.objective.unit() {
			r.minHess = max(r.minHess, int64(math.Ceil(min(f.MinLeaf, math.MaxInt64/2))))
		}
		r.sure = 0
	}
}

// A leafBlock is some of the rows of a leaf.
type leafBlock struct{ leaf, lo, hi int }

func leafBlocks(leaves []bud) []leafBlock {
	var out []leafBlock
	for i, b := range leaves {
		for lo := b.lo; lo < b.hi; lo += gradientRows {
			out = append(out, leafBlock{i, lo, min(lo+gradientRows, b.hi)})
		}
	}
	return out
}

// settle gives the nodes of a tree their weights and values and adds those of leaves to
// the scores of the leaves' rows.
func (f *boosting) settle(ctx context.Context, k int, tree *grown, leaves []bud) error {
	blocks := leafBlocks(leaves)
	parts := make([]gradientSums, len(blocks))
	order := f.grower.rows
	err := par.ForWorker(ctx, f.Workers, len(blocks), 1, func(worker, i, _, _ int) {
		b := blocks[i]
		rows := order[b.lo:b.hi]
		g, h := f.buffer(worker)
		f.weighted(g, h, rows, k)
		s := gradientSums{w: float64(len(rows))}
		for i, v := range g[:len(rows)] {
			s.g += v
			s.h += h[i]
		}
		if f.w != nil {
			s.w = 0
			for _, r := range rows {
				s.w += f.w[r]
			}
		}
		parts[i] = s
	})
	if err != nil {
		return err
	}
	sums := make([]gradientSums, len(tree.nodes))
	for i, b := range blocks {
		sums[leaves[b.leaf].node].add(parts[i])
	}
	f.setValues(tree, sums)
	for _, b := range leaves {
		v := &tree.values[b.node]
		*v = f.LearningRate * b.bounds.clip(*v/f.LearningRate)
	}
	f.grower.settleMissing()
	scores := f.scores[k]
	return par.For(ctx, f.Workers, len(blocks), 1, func(i, _, _ int) {
		b := blocks[i]
		v := tree.values[leaves[b.leaf].node]
		for _, r := range order[b.lo:b.hi] {
			scores[r] += v
		}
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
		losses := make([]float64, hi-lo)
		o.losses(losses, rows[lo:hi], scores)
		var s gradientSums
		for i, r := range rows[lo:hi] {
			weight := 1.0
			if w != nil {
				weight = w[r]
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
