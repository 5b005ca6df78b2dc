package ensemble

import (
	"math"
	"slices"

	"github.com/gram-ml/gram/internal/par"
)

// Streams of random choices, so that none depends on another.
const (
	rowStream = iota + 1
	featureStream
	nodeStream
	dropStream
)

// draw returns a number in [0, 1) that depends on nothing but its arguments.
func (t *GradientBoosting) draw(stream, round, i int) float64 {
	return float64(mix(mix(mix(t.Seed+uint64(stream)<<56)^uint64(round))^uint64(i))>>11) / (1 << 53)
}

// sampleRows chooses the rows of a round, from those to train on into f.sample, and the others that are
// trained on into f.others.
func (f *boosting) sampleRows(round int) {
	if f.rows == nil && (f.GossTop > 0 || f.Subsample < 1) {
		f.rows = iota32(f.data.n)
	}
	switch {
	case f.GossTop > 0:
		f.sampleByGradient(round)
	case f.Subsample < 1:
		f.sample, f.others = f.sample[:0], f.others[:0]
		for _, r := range f.rows {
			if f.draw(rowStream, round, int(r)) < f.Subsample {
				f.sample = append(f.sample, r)
			} else {
				f.others = append(f.others, r)
			}
		}
		if len(f.sample) == 0 {
			f.sample, f.others = append(f.sample, f.others[0]), f.others[1:]
		}
	default:
		f.sample = f.rows
	}
}

// sampleByGradient keeps the rows of the largest gradients and draws from the others, whose
// weight it raises to make up for those left out.
func (f *boosting) sampleByGradient(round int) {
	n := len(f.rows)
	keys := make([]keyed, n)
	par.For(nil, f.Workers, n, gradientRows, func(_, lo, hi int) {
		g, h, sum := make([]float64, hi-lo), make([]float64, hi-lo), make([]float64, hi-lo)
		for k := range f.objective.outputs() {
			f.weighted(g, h, f.rows[lo:hi], k)
			for i, v := range g {
				sum[i] += math.Abs(v)
			}
		}
		for i, v := range sum {
			keys[lo+i] = keyed{^sortable(v), f.rows[lo+i]} // the largest come first
		}
	})
	sortKeys(keys, make([]keyed, n))
	top := max(int(f.GossTop*float64(n)), 1)
	share := f.GossOther / (1 - f.GossTop)
	if f.raised == nil {
		f.raised = make([]float64, f.data.n)
	}
	f.sample, f.others = f.sample[:0], f.others[:0]
	for i, k := range keys {
		switch {
		case i < top:
			f.raised[k.row] = 1
			f.sample = append(f.sample, k.row)
		case f.draw(rowStream, round, int(k.row)) < share:
			f.raised[k.row] = 1 / share
			f.sample = append(f.sample, k.row)
		default:
			f.others = append(f.others, k.row)
		}
	}
	slices.Sort(f.sample)
	slices.Sort(f.others)
	if f.w != nil {
		for _, r := range f.sample {
			f.raised[r] *= f.w[r]
		}
	}
}

// gradientWeights are what gradients are multiplied by, nil for ones.
func (f *boosting) gradientWeights() []float64 {
	if f.raised != nil {
		return f.raised
	}
	return f.w
}

// sampleFeatures returns a part of the features in their order, at least one.
func (t *GradientBoosting) sampleFeatures(features []int32, part float64, stream, number int) []int32 {
	k := max(int(math.Round(part*float64(len(features)))), 1)
	if k == len(features) {
		return features
	}
	keys := make([]keyed, len(features))
	for i, j := range features {
		keys[i] = keyed{sortable(t.draw(stream, number, int(j))), j}
	}
	sortKeys(keys, make([]keyed, len(keys)))
	out := make([]int32, k)
	for i := range out {
		out[i] = keys[i].row
	}
	slices.Sort(out)
	return out
}

// drop takes the trees of some rounds from the scores, if DropRate says so, and returns the
// rounds.
func (f *boosting) drop(round int) []int {
	if f.DropRate == 0 {
		return nil
	}
	var dropped []int
	for r := f.first; r < round; r++ {
		if f.draw(dropStream, round, r) < f.DropRate {
			dropped = append(dropped, r)
		}
	}
	for _, r := range dropped {
		f.addRound(r, -1)
	}
	return dropped
}

// restore puts dropped trees back, with less weight, so that they and the new ones together
// add about what was taken.
func (f *boosting) restore(round int, dropped []int) {
	if len(dropped) == 0 {
		return
	}
	k := float64(len(dropped))
	f.addRound(round, 1/(k+1)-1)
	for _, t := range f.roundTrees(round) {
		t.scale(1 / (k + 1))
	}
	for _, r := range dropped {
		f.addRound(r, k/(k+1))
		for _, t := range f.roundTrees(r) {
			t.scale(k / (k + 1))
		}
	}
}

// roundTrees returns the trees of a round.
func (f *boosting) roundTrees(round int) []*binTree {
	k := f.objective.outputs()
	at := (round - f.first) * k
	return f.binTrees[at : at+k]
}

// addRound adds the trees of a round, times a factor, to the scores of all rows.
func (f *boosting) addRound(round int, factor float64) {
	for k, t := range f.roundTrees(round) {
		t.add(f.Workers, f.data, f.trained(), f.scores[k], factor)
		if v := f.watched; v != nil {
			t.add(f.Workers, v.data, v.rows, v.scores[k], factor)
		}
	}
}
