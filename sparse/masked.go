package sparse

import (
	"fmt"
	"slices"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// MulMasked returns the elements of A·B where mask has entries, whose values do not
// matter: exactly the mask's entries, with a zero where no term falls. It runs on at
// most workers goroutines, 0 for GOMAXPROCS. It panics if the shapes do not fit.
//
// Terms outside the mask are read and dropped: O(terms) time, or with rows of the
// mask that are short beside those of B, O(log) for each of their pairs.
func MulMasked[T constraints.Float](workers int, mask, a, b *CSR[T]) *CSR[T] {
	checkProduct("MulMasked", a, b)
	if mask.Rows != a.Rows || mask.Cols != b.Cols {
		panic(fmt.Sprintf("sparse: MulMasked of %d×%d by %d×%d with a mask of %d×%d", a.Rows, a.Cols, b.Rows, b.Cols, mask.Rows, mask.Cols))
	}
	out := pattern(mask)
	p := &product[T]{a: a, b: b}
	terms := p.countTerms()
	cuts := cutsOf(a.Rows, func(i int) int64 { return terms[i] + out.Ptr[i] }, spanEntries)
	eachSpan(workers, cuts, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			col, val := out.Row(i)
			from, factor := a.Row(i)
			for k, j := range from {
				bc, bv := b.Row(int(j))
				addMasked(val, col, factor[k], bc, bv)
			}
		}
	})
	return out
}

// addMasked adds s·b to the entries that are there.
func addMasked[T constraints.Float](val []T, col []uint32, s T, bi []uint32, bv []T) {
	switch {
	case len(col) == 0 || len(bi) == 0:
	case len(bi)/len(col) >= gallopRatio:
		q, step := 0, len(bi)/len(col)
		for k, c := range col {
			if q += searchFrom(bi[q:], c, step); q == len(bi) {
				return
			}
			if bi[q] == c {
				val[k] += s * bv[q]
			}
		}
	case len(col)/len(bi) >= gallopRatio:
		k, step := 0, len(col)/len(bi)
		for q, c := range bi {
			if k += searchFrom(col[k:], c, step); k == len(col) {
				return
			}
			if col[k] == c {
				val[k] += s * bv[q]
			}
		}
	default:
		for k, q := 0, 0; k < len(col) && q < len(bi); {
			i, j := col[k], bi[q]
			if i == j {
				val[k] += s * bv[q]
			}
			k += below(i, j)
			q += below(j, i)
		}
	}
}

// pattern returns a matrix of zeros at the entries of m.
func pattern[T constraints.Float](m *CSR[T]) *CSR[T] {
	first, end := m.Ptr[0], m.Ptr[m.Rows]
	ptr := slices.Clone(m.Ptr)
	for i := range ptr {
		ptr[i] -= first
	}
	return &CSR[T]{Rows: m.Rows, Cols: m.Cols, Ptr: ptr, Col: slices.Clone(m.Col[first:end]), Val: mem.Make[T](int(end - first))}
}

// SampledMul returns the elements of A·Bᵀ where mask has entries, for dense A and B
// of the same number of columns: the sampled dense–dense product of factorizations. An
// entry is the inner product of a row of A and one of B, whatever the mask's value;
// multiply by [MulElem] for the scaled form. It runs on at most workers goroutines, 0
// for GOMAXPROCS. It panics if the shapes do not fit. O(entries·columns of A).
func SampledMul[T constraints.Float](workers int, mask *CSR[T], a, b *linalg.Dense[T]) *CSR[T] {
	if a.Cols != b.Cols || mask.Rows != a.Rows || mask.Cols != b.Rows {
		panic(fmt.Sprintf("sparse: SampledMul of %d×%d by %d×%d transposed with a mask of %d×%d", a.Rows, a.Cols, b.Rows, b.Cols, mask.Rows, mask.Cols))
	}
	out := pattern(mask)
	eachSpan(workers, balanced(out), func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			x := a.Row(i)
			col, val := out.Row(i)
			for k, j := range col {
				val[k] = linalg.Dot(x, b.Row(int(j)))
			}
		}
	})
	return out
}

// CosineSimilarity returns the upper triangle of the cosines between the rows of m
// that share a column, the diagonal included: [Syrk] of the rows scaled to length 1.
// A row of zeros has no cosine but 0. It runs on at most workers goroutines, 0 for
// GOMAXPROCS.
func CosineSimilarity[T constraints.Float](workers int, m *CSR[T]) *CSR[T] {
	unit := m.Clone()
	unit.NormalizeRows(2)
	return Syrk(workers, unit)
}

// NormalizeRows divides each row by its p-norm, p of 1, 2 or +Inf, in place. Rows
// of norm 0 stay as they are.
func (m *CSR[T]) NormalizeRows(p float64) {
	for i := range m.Rows {
		_, val := m.Row(i)
		if norm := normOf(val, p); norm != 0 {
			for k := range val {
				val[k] = T(float64(val[k]) / norm)
			}
		}
	}
}

// TopK returns the k largest elements of each row of A·B that are entries of the
// product, without forming it: with A the users' factors and B the items', the best
// items of each. Ties go to the smaller column, NaNs come last, and rows of fewer
// entries have fewer. Columns are sorted, not ranked. It runs on at most workers
// goroutines, 0 for GOMAXPROCS. It panics if the shapes do not fit or k < 0.
//
// O(terms) time, and memory for the result and O(columns of B) a goroutine.
func TopK[T constraints.Float](workers, k int, a, b *CSR[T]) *CSR[T] {
	checkProduct("TopK", a, b)
	if k < 0 {
		panic(fmt.Sprintf("sparse: TopK of %d", k))
	}
	p := &product[T]{a: a, b: b}
	p.terms = p.countTerms()
	cuts := cutsOf(a.Rows, func(i int) int64 { return p.terms[i] }, spanEntries)
	parts := make([]*Builder[T], len(cuts)-1)
	accs := make([]*accumulator[T], min(par.Workers(workers), len(parts)))
	par.ForWorker(nil, workers, len(parts), 1, func(worker, s, _, _ int) {
		if accs[worker] == nil {
			accs[worker] = &accumulator[T]{cols: b.Cols}
		}
		parts[s] = &Builder[T]{m: CSR[T]{Cols: b.Cols, Ptr: []int64{0}}}
		var col []uint32
		var val []T
		for i := cuts[s]; i < cuts[s+1]; i++ {
			most := int(min(p.rowTerms(i), int64(b.Cols)))
			col, val = slices.Grow(col[:0], most)[:most], slices.Grow(val[:0], most)[:most]
			n := p.fill(accs[worker], i, col, val)
			col, val = col[:n], val[:n]
			m := min(k, n)
			selectTop(col, val, m)
			col, val = col[:m], val[:m]
			accs[worker].sorter.sort(col, val)
			parts[s].m.Col, parts[s].m.Val = append(parts[s].m.Col, col...), append(parts[s].m.Val, val...)
			parts[s].EndRow()
		}
	})
	rows := make([]*CSR[T], len(parts))
	for s, b := range parts {
		rows[s] = b.Matrix()
	}
	return VStack(rows...)
}

// ahead tells whether entry (c, v) ranks before (d, w).
func ahead[T constraints.Float](c uint32, v T, d uint32, w T) bool {
	switch {
	case v > w:
		return true
	case v < w:
		return false
	case v == w || v != v && w != w:
		return c < d
	}
	return w != w // NaNs come last
}

// selectTop moves the first k entries by rank to the front: they form a heap whose
// root is the worst, which better ones replace.
func selectTop[T constraints.Float](col []uint32, val []T, k int) {
	if k == 0 {
		return
	}
	for i := k/2 - 1; i >= 0; i-- {
		sink(col[:k], val[:k], i)
	}
	for i := k; i < len(col); i++ {
		if ahead(col[i], val[i], col[0], val[0]) {
			col[0], val[0] = col[i], val[i]
			sink(col[:k], val[:k], 0)
		}
	}
}

// sink restores the heap below i.
func sink[T constraints.Float](col []uint32, val []T, i int) {
	for {
		worst := i
		for _, c := range [2]int{2*i + 1, 2*i + 2} {
			if c < len(col) && ahead(col[worst], val[worst], col[c], val[c]) {
				worst = c
			}
		}
		if worst == i {
			return
		}
		col[i], col[worst] = col[worst], col[i]
		val[i], val[worst] = val[worst], val[i]
		i = worst
	}
}
