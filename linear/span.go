package linear

// A span is rows lo ≤ i < hi, few enough that they stay in the second-level
// cache from their first use to their last.
type span struct{ lo, hi int }

// blockElements is how much of X a span covers: a quarter of a megabyte.
const blockElements = 1 << 15

// spanRows returns the number of rows of a span for d features.
func spanRows(d int) int {
	return min(max(blockElements/max(d, 1)&^7, 16), 512)
}

// spans cuts n rows into spans, and keeps evenly spaced ones of keep rows together,
// rounded up to whole spans.
func spans(n, d, keep int) []span {
	rows := spanRows(d)
	if keep < n {
		// Short spans, to see more of data that is sorted or periodic.
		rows = min(rows, 64)
	}
	total := (n + rows - 1) / rows
	count := min(total, (keep+rows-1)/rows)
	out := make([]span, count)
	for i := range out {
		lo := i * total / count * rows
		out[i] = span{lo, min(n, lo+rows)}
	}
	return out
}

// sparseRows returns the number of rows of a span of n rows with a number of entries.
func sparseRows(n int, entries float64) int {
	each := max(1, entries/float64(n))
	return min(max(int(blockElements/2/each)&^7, 16), 512)
}

// spansOf cuts n rows into spans of a number of rows.
func spansOf(n, rows int) []span {
	out := make([]span, 0, (n+rows-1)/rows)
	for lo := 0; lo < n; lo += rows {
		out = append(out, span{lo, min(n, lo+rows)})
	}
	return out
}

// chunkSize returns how many spans are summed in a row before sums are merged.
// The number of sums, at most 32, depends on the work alone, so that results do
// not depend on the workers. It falls where a sum is large beside the rows, for then
// clearing and merging sums takes as long as adding to them, and memory.
func chunkSize(spans, elements int) int {
	const budget = 1 << 23 // elements in all sums
	chunks := min(32, max(8, spans*(blockElements/32)/max(elements, 1)), max(2, budget/max(elements, 1)))
	return (spans + chunks - 1) / chunks
}
