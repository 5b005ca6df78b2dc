package ensemble

import (
	"context"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

const (
	// maxBins is how many bins the values of a feature fall into at most.
	maxBins = 255
	// missingBin is the bin of missing values.
	missingBin = maxBins
	// sampleRows is how many rows tell where bins begin and end.
	sampleRows = 1 << 17
)

// A binning tells which bin a value falls into.
type binning struct {
	// cuts has, by feature, the largest value of each bin but the last; nil for a
	// categorical feature, whose bins are its codes.
	cuts  [][]float64
	guide []guide
}

// newBinning finds bins of about the same weight for the features of X, one for each
// value where there are not more. It looks at a sample if X has many rows. Missing
// values are left out. O(n·d).
func newBinning(ctx context.Context, workers int, X gram.Matrix, w []float64, bins int, categorical []bool) (*binning, error) {
	n, d := X.Dims()
	if n > sampleRows {
		rows := spread(n, sampleRows)
		X, w = linalg.Rows(X, rows), take(w, rows)
	}
	b := &binning{cuts: make([][]float64, d), guide: make([]guide, d)}
	err := eachColumn(ctx, workers, X, nil, func(j int, column []float64) {
		if categorical[j] {
			return
		}
		values, weights := distinct(column, w)
		b.cuts[j] = quantileCuts(values, weights, bins)
		b.guide[j] = newGuide(b.cuts[j])
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// spread returns size of the rows 0..n−1: one of each of as many stretches, at a
// place that depends on nothing but its number.
func spread(n, size int) []int {
	rows := make([]int, size)
	for i := range rows {
		lo, hi := i*n/size, (i+1)*n/size
		rows[i] = lo + int(mix(uint64(i))%uint64(hi-lo))
	}
	return rows
}

// mix scrambles bits: the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// distinct returns the values of a column in order, without missing ones, and the
// weight of each.
func distinct(column, w []float64) (values, weights []float64) {
	keys := make([]keyed, 0, len(column))
	for i, v := range column {
		if v == v {
			keys = append(keys, keyed{sortable(v), int32(i)})
		}
	}
	sortKeys(keys, make([]keyed, len(keys)))
	for i, k := range keys {
		if i == 0 || k.key != keys[i-1].key {
			values, weights = append(values, unsortable(k.key)), append(weights, 0)
		}
		weight := 1.0
		if w != nil {
			weight = w[k.row]
		}
		weights[len(weights)-1] += weight
	}
	return values, weights
}

// quantileCuts returns where to cut distinct values in order, into at most bins. Each
// bin gets its part of the weight that those before it left, or a little more or less,
// whichever is nearer.
func quantileCuts(values, weights []float64, bins int) []float64 {
	last := len(values) - 1
	cuts := make([]float64, 0, min(max(last, 0), bins))
	rest := 0.0
	for _, w := range weights {
		rest += w
	}
	bin := 0.0
	for i := range last {
		bin += weights[i]
		if len(values) > bins {
			part := rest / float64(bins-len(cuts))
			if bin < part && bin+weights[i+1]-part <= part-bin {
				continue
			}
		}
		cuts = append(cuts, midpoint(values[i], values[i+1]))
		if rest, bin = rest-bin, 0; len(cuts) == bins-1 {
			break
		}
	}
	return cuts
}

// count returns how many bins feature j has for values.
func (b *binning) count(j int) int {
	if b.cuts[j] == nil {
		return maxCategories
	}
	return len(b.cuts[j]) + 1
}

// A guide finds a bin quickly: the range of the cuts is divided into equal cells, and
// each knows the first bin that reaches into it.
type guide struct {
	lo, scale float64
	first     []uint8
}

// guideCells is how many cells a guide has.
const guideCells = 1024

func newGuide(cuts []float64) guide {
	if len(cuts) == 0 {
		return guide{first: make([]uint8, 1)}
	}
	g := guide{lo: cuts[0], first: make([]uint8, guideCells)}
	g.scale = guideCells / (cuts[len(cuts)-1] - g.lo)
	if !(g.scale < math.MaxFloat64) || g.scale == 0 {
		g.scale = 0 // one cut, or numbers too large to subtract: all in the first cell
	}
	at := 0
	for cell := range g.first {
		// A cut on the edge of a cell may be reckoned to either: begin before it.
		for at < len(cuts)-1 && g.cell(cuts[at]) < cell {
			at++
		}
		g.first[cell] = uint8(at)
	}
	return g
}

// cell returns the cell of v: it does not decrease as v grows.
func (g *guide) cell(v float64) int {
	return int(min(max((v-g.lo)*g.scale, 0), float64(len(g.first)-1)))
}

// bin returns the bin of v in feature j, missingBin for one that is no code of a
// categorical feature.
func (b *binning) bin(j int, v float64) uint8 {
	cuts := b.cuts[j]
	switch {
	case v != v:
		return missingBin
	case cuts != nil:
		g := &b.guide[j]
		at := int(g.first[g.cell(v)])
		for at < len(cuts) && v > cuts[at] {
			at++
		}
		return uint8(at)
	case isCategory(v):
		return uint8(v)
	}
	return missingBin
}

// binned is a matrix of bins: 8 to a word, in words a row.
type binned struct {
	n, d, words int
	bins        []uint64
}

// apply returns the bins of the given rows of X, nil for all. Infinite elements and
// values of categorical features that are no codes end in an error that names the
// first. O(n·d).
func (b *binning) apply(ctx context.Context, workers int, X gram.Matrix, rows []int) (*binned, error) {
	part := X
	if rows != nil {
		part = linalg.Rows(X, rows)
	}
	n, d := part.Dims()
	out := &binned{n: n, d: d, words: (d + 7) / 8}
	out.bins = mem.Make[uint64](n * out.words)
	op := linalg.AsOperator(part)
	bad := make([]bool, par.Blocks(n, readBlock))
	buffers := make([][]float64, par.Workers(workers))
	err := par.ForWorker(ctx, workers, n, readBlock, func(worker, block, lo, hi int) {
		if buffers[worker] == nil {
			buffers[worker] = make([]float64, min(readBlock, n)*d)
		}
		x, stride := op.RowBlock(buffers[worker][:(hi-lo)*d], lo, hi)
		for j := range d {
			if !b.fill(out, j, lo, hi, x[j:], stride) {
				bad[block] = true
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if slices.Contains(bad, true) {
		return nil, b.explain(X)
	}
	return out, nil
}

// fill sets feature j of rows lo to hi−1, whose values are at x with a stride, and
// tells whether all of them may be there.
func (b *binning) fill(out *binned, j, lo, hi int, x []float64, stride int) bool {
	words, shift := out.bins[j/8:], j%8*8
	categorical := b.cuts[j] == nil
	good := true
	for i := lo; i < hi; i++ {
		v := x[(i-lo)*stride]
		bin := b.bin(j, v)
		if math.IsInf(v, 0) || categorical && bin == missingBin && v == v {
			good = false
		}
		words[i*out.words] |= uint64(bin) << shift
	}
	return good
}

// explain returns the error about the first element of X that may not be there.
func (b *binning) explain(X gram.Matrix) error {
	if err := infinity(X); err != nil {
		return err
	}
	n, _ := X.Dims()
	var err error
	eachRow(linalg.AsOperator(X), 0, n, func(i int, x []float64) {
		for j, v := range x {
			if err == nil && b.cuts[j] == nil {
				err = checkCategory(i, j, v)
			}
		}
	})
	return err
}

// at returns the bin of feature j in row i.
func (m *binned) at(i int32, j int) uint8 {
	return uint8(m.bins[int(i)*m.words+j/8] >> (j % 8 * 8))
}
