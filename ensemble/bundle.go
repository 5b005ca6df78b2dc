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

// Features of a sparse matrix that are never other than zero in the same row share a column
// of bins: exclusive feature bundling, of LightGBM's paper, with no conflict allowed, so that
// sums of a feature's bins can be told from those of the column, exactly. Code 0 of a column
// says that all of its features are zero; each has a stretch of the other codes for its
// bins.

// maxCodes is how many codes of a column are not 0 at most.
const maxCodes = 255

// A slot is where the bins of a feature are in bundled columns.
type slot struct {
	column  int32
	first   uint8 // code of the first bin that is not zero's
	codes   uint8 // how many bins but zero's there are codes for
	zero    uint8 // bin of zero
	missing bool  // whether the last code is that of missing values
}

// code returns the code of a bin that is not zero's.
func (p *slot) code(bin uint8) uint8 {
	switch {
	case bin == missingBin:
		return p.first + p.codes - 1
	case bin > p.zero:
		return p.first + bin - 1
	}
	return p.first + bin
}

// bin returns the bin of a code of the column.
func (p *slot) bin(code uint8) uint8 {
	at := code - p.first
	switch {
	case code < p.first || at >= p.codes:
		return p.zero
	case p.missing && at == p.codes-1:
		return missingBin
	case at >= p.zero:
		return at + 1
	}
	return at
}

// decode returns, for each code of the column, what a table by bins says.
func (p *slot) decode(byBin *[maxBins + 1]uint8) *[maxBins + 1]uint8 {
	var out [maxBins + 1]uint8
	for code := range out {
		out[code] = byBin[p.bin(uint8(code))]
	}
	return &out
}

// sums sets bins, all 0, to the sums of the feature's bins in a node of the given total, and
// tells whether there is any but zero's.
func (p *slot) sums(bins *[maxBins + 1]int64, column *[maxBins + 1]int64, total int64) bool {
	rest := total
	for i, v := range column[int(p.first) : int(p.first)+int(p.codes)] {
		if v != 0 {
			bins[p.bin(p.first+uint8(i))] = v
			rest -= v
		}
	}
	bins[p.zero] = rest
	return rest != total
}

// someRows is linalg.Rows, which copies the rows of a sparse matrix to keep it one.
func someRows(X gram.Matrix, rows []int) gram.Matrix {
	switch m := X.(type) {
	case *sparse.CSR[float64]:
		return m.SelectRows(rows)
	case *sparse.CSR[float32]:
		return m.SelectRows(rows)
	}
	return linalg.Rows(X, rows)
}

// sparseCuts calls cut with the distinct values of each column that is not categorical, in order,
// without missing ones,
// and their weights; it looks at nothing but entries.
// O(entries), and with weights O(n) for each feature of more values than bins.
func sparseCuts[T float32 | float64](ctx context.Context, workers int, X *sparse.CSR[T], w []float64, bins int, categorical []bool, cut func(j int, values, weights []float64)) error {
	for _, v := range X.Val[X.Ptr[0]:X.Ptr[X.Rows]] {
		if math.IsInf(float64(v), 0) {
			return infinity(X)
		}
	}
	columns := X.TransposeParallel(workers)
	buffers := make([]distinctBuffer, par.Workers(workers))
	return par.ForWorker(ctx, workers, columns.Rows, columnsAtOnce, func(worker, _, lo, hi int) {
		buffer := &buffers[worker]
		for j := lo; j < hi; j++ {
			if categorical[j] {
				continue
			}
			rows, column := columns.Row(j)
			keys, zeros := buffer.keys[:0], X.Rows-len(rows)
			for i, v := range column {
				switch {
				case v == 0:
					zeros++
				case v == v:
					keys = append(keys, keyed{sortable(float64(v)), int32(rows[i])})
				}
			}
			values, weights := buffer.group(keys, w)
			if zeros > 0 {
				at, _ := slices.BinarySearch(values, 0)
				weight := float64(zeros)
				if w != nil && len(values) >= bins { // otherwise cuts do not depend on weights
					weight = zeroWeight(w, rows, column)
				}
				values, weights = slices.Insert(values, at, 0), slices.Insert(weights, at, weight)
				buffer.values, buffer.weights = values, weights
			}
			cut(j, values, weights)
		}
	})
}

// zeroWeight adds up the weights of the rows in which a column is zero, in their order.
func zeroWeight[T float32 | float64](w []float64, rows []uint32, column []T) float64 {
	sum, at := 0.0, 0
	for i, weight := range w {
		if at < len(rows) && rows[at] == uint32(i) {
			at++
			if column[at-1] != 0 {
				continue
			}
		}
		sum += weight
	}
	return sum
}

// entryBins returns the bin of each entry of X, and whether all of them may be there.
func entryBins[T float32 | float64](ctx context.Context, b *binning, workers int, X *sparse.CSR[T]) (bins []uint8, good bool, err error) {
	bins = mem.Make[uint8](int(X.NNZ()))
	bad := make([]bool, par.Blocks(X.Rows, readBlock))
	err = par.For(ctx, workers, X.Rows, readBlock, func(block, lo, hi int) {
		for i := lo; i < hi; i++ {
			columns, values := X.Row(i)
			out := bins[X.Ptr[i]-X.Ptr[0]:]
			for k, j := range columns {
				v := float64(values[k])
				bin := b.bin(int(j), v)
				if math.IsInf(v, 0) || b.cuts[j] == nil && bin == missingBin && v == v {
					bad[block] = true
				}
				out[k] = bin
			}
		}
	})
	return bins, !slices.Contains(bad, true), err
}

// applySparse is applyDense of a sparse matrix. O(entries + bundles·n), and a probe of each
// bundle by each feature.
func applySparse[T float32 | float64](ctx context.Context, b *binning, workers int, X *sparse.CSR[T]) (out *binned, good bool, err error) {
	bins, good, err := entryBins(ctx, b, workers, X)
	if err != nil || !good {
		return nil, good, err
	}
	out = &binned{n: X.Rows, d: X.Cols, slots: make([]slot, X.Cols)}
	first := X.Ptr[0]
	rows, ptr := out.otherRows(b, X.Ptr, X.Col[first:X.Ptr[X.Rows]], bins)
	if out.columns, err = bundle(ctx, out.slots, X.Rows, rows, ptr); err != nil {
		return nil, true, err
	}
	out.words = (out.columns + 7) / 8
	out.bins = mem.Make[uint64](out.n * out.words)
	err = par.For(ctx, workers, out.n, readBlock, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			columns, _ := X.Row(i)
			row := out.bins[i*out.words : (i+1)*out.words]
			for k, bin := range bins[X.Ptr[i]-first : X.Ptr[i+1]-first] {
				if p := &out.slots[columns[k]]; bin != p.zero {
					row[p.column/8] |= uint64(p.code(bin)) << (p.column % 8 * 8)
				}
			}
		}
	})
	return out, true, err
}

// otherRows returns, one feature after the other from ptr[j] on, the rows whose bin is not that
// of zero, and sets what slots say of the bins.
func (m *binned) otherRows(b *binning, ends []int64, columns []uint32, bins []uint8) (rows []int32, ptr []int) {
	slots := m.slots
	top := make([]int, len(slots)) // the largest bin of a value, and then how many there are
	for j := range slots {
		slots[j].zero = b.bin(j, 0)
		top[j] = int(slots[j].zero)
	}
	next := make([]int, len(slots)+1)
	for k, j := range columns {
		switch bin := bins[k]; bin {
		case slots[j].zero:
			continue
		case missingBin:
			slots[j].missing = true
		default:
			top[j] = max(top[j], int(bin))
		}
		next[j+1]++
	}
	for j := range slots {
		slots[j].codes = uint8(top[j])
		if slots[j].missing {
			slots[j].codes++
		}
		next[j+1] += next[j]
	}
	ptr = slices.Clone(next)
	rows = mem.Make[int32](ptr[len(slots)])
	at := 0
	for i := range m.n {
		for end := int(ends[i+1] - ends[0]); at < end; at++ {
			if j := columns[at]; bins[at] != slots[j].zero {
				rows[next[j]] = int32(i)
				next[j]++
			}
		}
	}
	return rows, ptr
}

// bundle chooses the columns of features and returns how many there are. Features of the most
// rows come first; each goes to the first column that has room and shares no row with it.
func bundle(ctx context.Context, slots []slot, n int, rows []int32, ptr []int) (columns int, err error) {
	type bundle struct {
		codes int
		taken []uint64 // a bit for each row
	}
	order := iota32(len(slots))
	slices.SortStableFunc(order, func(a, b int32) int { return (ptr[b+1] - ptr[b]) - (ptr[a+1] - ptr[a]) })
	var bundles []bundle
	for _, j := range order {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		p, mine := &slots[j], rows[ptr[j]:ptr[j+1]]
		at := slices.IndexFunc(bundles, func(b bundle) bool {
			return b.codes+int(p.codes) <= maxCodes && !slices.ContainsFunc(mine, func(r int32) bool { return b.taken[r/64]>>(r%64)&1 == 1 })
		})
		if at < 0 {
			at = len(bundles)
			bundles = append(bundles, bundle{taken: make([]uint64, (n+63)/64)})
		}
		b := &bundles[at]
		p.column, p.first = int32(at), uint8(min(b.codes+1, maxCodes))
		b.codes += int(p.codes)
		for _, r := range mine {
			b.taken[r/64] |= 1 << (r % 64)
		}
	}
	return len(bundles), nil
}
