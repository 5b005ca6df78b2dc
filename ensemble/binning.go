package ensemble

import (
	"context"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/sparse"
)

const (
	// maxBins is how many bins the values of a feature fall into at most.
	maxBins = 255
	// missingBin is the bin of missing values.
	missingBin = maxBins
	// sampleRows is how many rows tell where bins begin and end.
	sampleRows = 1 << 16
)

// A binning tells which bin a value falls into.
type binning struct {
	// cuts has, by feature, the largest value of each bin but the last; nil for a
	// categorical feature, whose bins are its codes.
	cuts  [][]float64
	guide []guide // of features of more than fewCuts
}

// fewCuts is how many cuts are compared with, one after the other: a sparse matrix has
// many features of one or two.
const fewCuts = 4

// newBinning finds bins of about the same weight for the features of X, one for each
// value where there are not more. It looks at a sample if X has many rows. Missing
// values are left out. O(n·d), or O(entries) of a sparse X.
func newBinning(ctx context.Context, workers int, X gram.Matrix, w []float64, bins int, categorical []bool) (*binning, error) {
	n, d := X.Dims()
	var rows []int
	if n > sampleRows {
		rows = spread(n, sampleRows)
		w = take(w, rows)
	}
	b := &binning{cuts: make([][]float64, d), guide: make([]guide, d)}
	cut := func(j int, values, weights []float64) {
		b.cuts[j] = quantileCuts(values, weights, bins)
		if len(b.cuts[j]) > fewCuts {
			b.guide[j] = newGuide(b.cuts[j])
		}
	}
	var err error
	switch m := X.(type) {
	case *sparse.CSR[float64]:
		if rows != nil {
			m = m.SelectRows(rows)
		}
		err = sparseCuts(ctx, workers, m, w, bins, categorical, cut)
	case *sparse.CSR[float32]:
		if rows != nil {
			m = m.SelectRows(rows)
		}
		err = sparseCuts(ctx, workers, m, w, bins, categorical, cut)
	default:
		err = denseCuts(ctx, workers, X, rows, w, categorical, cut)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// denseCuts is sparseCuts for any matrix, the given rows of it, nil for all, and the columns that
// are not categorical.
func denseCuts(ctx context.Context, workers int, X gram.Matrix, rows []int, w []float64, categorical []bool, cut func(j int, values, weights []float64)) error {
	_, d := X.Dims()
	op, buf := linalg.AsOperator(X), make([]float64, d)
	size := 1 // little memory, if a look at a row costs nothing
	if x, _ := op.RowBlock(buf, 0, 1); &x[0] == &buf[0] {
		size = columnsAtOnce
	}
	bad := make([]bool, par.Blocks(d, size))
	buffers := make([]distinctBuffer, par.Workers(workers))
	err := par.ForWorker(ctx, workers, d, size, func(worker, block, lo, hi int) {
		buffer := &buffers[worker]
		bad[block] = !buffer.read(op, rows, lo, hi)
		n := len(buffer.columns) / (hi - lo)
		for j := lo; j < hi && !bad[block]; j++ {
			if !categorical[j] {
				values, weights := buffer.distinct(buffer.columns[(j-lo)*n:(j-lo+1)*n], w)
				cut(j, values, weights)
			}
		}
	})
	if err == nil && slices.Contains(bad, true) {
		err = infinity(X)
	}
	return err
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

// A distinctBuffer is memory to read columns into and to sort one in.
type distinctBuffer struct {
	columns         []float64
	keys, buf       []keyed
	values, weights []float64
}

// read sets columns to the columns of op from lo to hi−1, in the given rows, nil for all, one
// column after the other, and tells whether they have no infinite element.
func (b *distinctBuffer) read(op gram.Operator, rows []int, lo, hi int) bool {
	n, d := op.Dims()
	if rows != nil {
		n = len(rows)
	}
	b.columns = slices.Grow(b.columns[:0], n*(hi-lo))[:n*(hi-lo)]
	good := true
	set := func(i int, x []float64) {
		for j, v := range x[lo:hi] {
			good = good && !math.IsInf(v, 0)
			b.columns[j*n+i] = v
		}
	}
	if rows == nil {
		eachRow(op, 0, n, set)
		return good
	}
	buf := make([]float64, d)
	for i, r := range rows {
		x, _ := op.RowBlock(buf, r, r+1)
		set(i, x)
	}
	return good
}

// distinct returns the values of a column in order, without missing ones, and the
// weight of each, in the memory of b.
func (b *distinctBuffer) distinct(column, w []float64) (values, weights []float64) {
	keys := slices.Grow(b.keys[:0], len(column))
	for i, v := range column {
		if v == v {
			keys = append(keys, keyed{sortable(v), int32(i)})
		}
	}
	return b.group(keys, w)
}

// group is distinct for keys, which it sorts and keeps as memory.
func (b *distinctBuffer) group(keys []keyed, w []float64) (values, weights []float64) {
	b.keys, b.buf = keys, slices.Grow(b.buf[:0], len(keys))[:len(keys)]
	sortKeys(keys, b.buf)
	values, weights = slices.Grow(b.values[:0], len(keys)), slices.Grow(b.weights[:0], len(keys))
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
	b.values, b.weights = values, weights
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
// each knows the first bin that reaches into it. From there, or by halves if there are many
// cuts in one cell, the search goes on without branches.
type guide struct {
	lo, scale float64
	first     []uint8
	cuts      []float64 // and +Inf, as often as they may be looked at
	steps     int       // the most cuts of a cell, −1 to search by halves
}

const (
	// guideCells is how many cells a guide has.
	guideCells = 256
	// guideSteps is the most cuts in a cell that are tried one after the other.
	guideSteps = 8
)

func newGuide(cuts []float64) guide {
	g := guide{cuts: make([]float64, maxBins+1), steps: -1}
	for i := copy(g.cuts, cuts); i < len(g.cuts); i++ {
		g.cuts[i] = math.Inf(1)
	}
	if len(cuts) == 0 {
		return g
	}
	g.lo, g.scale = cuts[0], guideCells/(cuts[len(cuts)-1]-cuts[0])
	if !(g.scale > 0 && g.scale < math.MaxFloat64) {
		return g // one cut, or numbers too far apart to subtract
	}
	g.first = make([]uint8, guideCells)
	at, most := 0, 0
	for cell := range g.first {
		for at < len(cuts) && g.cell(cuts[at]) < cell {
			at++
		}
		g.first[cell] = uint8(at)
		end := at
		for end < len(cuts) && g.cell(cuts[end]) == cell {
			end++
		}
		most = max(most, end-at)
	}
	if most <= guideSteps {
		g.steps = most
	}
	return g
}

// cell returns the cell of v, which does not decrease as v grows.
func (g *guide) cell(v float64) int {
	f := (v - g.lo) * g.scale
	switch {
	case f >= guideCells-1:
		return guideCells - 1
	case f > 0:
		return int(f)
	}
	return 0
}

// bin returns how many cuts are below v, missingBin for NaN.
func (g *guide) bin(v float64) uint8 {
	if v != v {
		return missingBin
	}
	cuts := (*[maxBins + 1]float64)(g.cuts)
	if g.steps < 0 {
		at := uint8(0)
		for half := uint8(128); half > 0; half /= 2 {
			at += half * above(v, cuts[at+half-1])
		}
		return at
	}
	at := g.first[g.cell(v)]
	for range g.steps {
		at += above(v, cuts[at])
	}
	return at
}

// above returns 1 if v is above cut, without a branch.
func above(v, cut float64) uint8 {
	var is uint8
	if v > cut {
		is = 1
	}
	return is
}

// bin returns the bin of v in feature j, missingBin for one that is no code of a
// categorical feature.
func (b *binning) bin(j int, v float64) uint8 {
	switch cuts := b.cuts[j]; {
	case len(cuts) > fewCuts:
		return b.guide[j].bin(v)
	case cuts != nil && v == v:
		at := uint8(0)
		for _, c := range cuts {
			at += above(v, c)
		}
		return at
	case cuts == nil && isCategory(v):
		return uint8(v)
	}
	return missingBin
}

// binned is a matrix of bins: 8 columns to a word, in words a row. A column is a feature, or
// several of a sparse matrix.
type binned struct {
	n, d           int
	columns, words int
	bins           []uint64
	slots          []slot // by feature; nil if columns are features
}

// apply returns the bins of the given rows of X, nil for all. Infinite elements and
// values of categorical features that are no codes end in an error that names the
// first. O(n·d).
func (b *binning) apply(ctx context.Context, workers int, X gram.Matrix, rows []int) (*binned, error) {
	part := X
	if rows != nil {
		part = someRows(X, rows)
	}
	var out *binned
	good, err := true, error(nil)
	switch m := part.(type) {
	case *sparse.CSR[float64]:
		out, good, err = applySparse(ctx, b, workers, m)
	case *sparse.CSR[float32]:
		out, good, err = applySparse(ctx, b, workers, m)
	default:
		out, good, err = b.applyDense(ctx, workers, part)
	}
	if err != nil {
		return nil, err
	}
	if !good {
		return nil, b.explain(X)
	}
	return out, nil
}

// applyDense is apply of all rows; good tells whether all elements may be there.
func (b *binning) applyDense(ctx context.Context, workers int, part gram.Matrix) (out *binned, good bool, err error) {
	n, d := part.Dims()
	out = &binned{n: n, d: d, columns: d, words: (d + 7) / 8}
	out.bins = mem.Make[uint64](n * out.words)
	op := linalg.AsOperator(part)
	bad := make([]bool, par.Blocks(n, readBlock))
	buffers := make([][]float64, par.Workers(workers))
	err = par.ForWorker(ctx, workers, n, readBlock, func(worker, block, lo, hi int) {
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
	return out, !slices.Contains(bad, true), err
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
	if m.slots == nil {
		return uint8(m.bins[int(i)*m.words+j/8] >> (j % 8 * 8))
	}
	p := &m.slots[j]
	return p.bin(uint8(m.bins[int(i)*m.words+int(p.column)/8] >> (p.column % 8 * 8)))
}
