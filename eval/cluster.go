package eval

import (
	"context"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// contingency counts the rows of each pair of groups in two groupings.
type contingency struct {
	cells map[[2]int]float64
	a, b  []float64 // weight of each group
	total float64
}

// tabulate counts rows. Group numbers may be anything; they are renumbered in the order
// of their first rows, so that sums do not depend on the numbers.
func tabulate(a, b []int, w []float64) (*contingency, error) {
	if len(a) == 0 || len(a) != len(b) {
		return nil, fmt.Errorf("groupings of %d and %d rows: %w", len(a), len(b), gram.ErrShape)
	}
	if _, err := gram.CheckWeights(w, len(a)); err != nil {
		return nil, err
	}
	t := &contingency{cells: map[[2]int]float64{}}
	numA, numB := map[int]int{}, map[int]int{}
	for i := range a {
		v := weight(w, i)
		if v == 0 {
			continue
		}
		g := [2]int{number(numA, a[i]), number(numB, b[i])}
		t.cells[g] += v
		t.a, t.b = addAt(t.a, g[0], v), addAt(t.b, g[1], v)
		t.total += v
	}
	return t, nil
}

// number returns the number of a label, the next one if it is new.
func number(numbers map[int]int, label int) int {
	n, ok := numbers[label]
	if !ok {
		n = len(numbers)
		numbers[label] = n
	}
	return n
}

// addAt adds v to s[i], growing s by one if need be.
func addAt(s []float64, i int, v float64) []float64 {
	if i == len(s) {
		return append(s, v)
	}
	s[i] += v
	return s
}

// each calls f for the cells that are not empty, in order.
func (t *contingency) each(f func(i, j int, v float64)) {
	for i := range t.a {
		for j := range t.b {
			if v := t.cells[[2]int{i, j}]; v > 0 {
				f(i, j, v)
			}
		}
	}
}

// AdjustedRand returns the adjusted Rand index of two groupings of the same rows: the
// share of pairs of rows on which they agree, together or apart, beyond chance. It is
// 1 for the same groups, whatever their numbers, about 0 for unrelated ones and at
// least −½; symmetric. Two groupings that are both one group, or both all single rows,
// are the same.
//
// Errors: gram.ErrShape for slices that are empty or of different lengths. O(n + A·B)
// for A and B groups. Pairs are counted, so there are no weights.
//
// Source: L. Hubert, P. Arabie, Comparing partitions, Journal of Classification 2 (1985).
func AdjustedRand(a, b []int) (float64, error) {
	t, err := tabulate(a, b, nil)
	if err != nil {
		return 0, err
	}
	pairs := func(v float64) float64 { return v * (v - 1) / 2 }
	var both, inA, inB float64
	t.each(func(_, _ int, v float64) { both += pairs(v) })
	for _, v := range t.a {
		inA += pairs(v)
	}
	for _, v := range t.b {
		inB += pairs(v)
	}
	if both == inA && both == inB {
		return 1, nil
	}
	expected := inA / pairs(t.total) * inB
	return (both - expected) / ((inA+inB)/2 - expected), nil
}

// MutualInfo returns the mutual information, in nats, of two groupings of the same rows
// with weights w, nil for all ones: how much one tells about the other. It is at least 0,
// at most the smaller entropy, symmetric, and free of the groups' numbers.
//
// Errors: gram.ErrShape for slices that are empty or of different lengths,
// gram.ErrWeights. O(n + A·B) for A and B groups.
func MutualInfo(a, b []int, w []float64) (float64, error) {
	t, err := tabulate(a, b, w)
	if err != nil {
		return 0, err
	}
	return t.information(), nil
}

// NormalizedMutualInfo returns [MutualInfo] over the mean of the two entropies, in
// [0, 1]: 1 for the same groups, and also if both groupings are one group. Its
// expectation for unrelated groupings grows with the number of groups; see
// [AdjustedMutualInfo]. Errors are those of MutualInfo.
func NormalizedMutualInfo(a, b []int, w []float64) (float64, error) {
	t, err := tabulate(a, b, w)
	if err != nil {
		return 0, err
	}
	if len(t.a) == 1 && len(t.b) == 1 {
		return 1, nil
	}
	info := t.information()
	if info == 0 {
		return 0, nil
	}
	return min(1, info/((entropy(t.a, t.total)+entropy(t.b, t.total))/2)), nil
}

// AdjustedMutualInfo returns (MI − E)/(H − E), where MI is [MutualInfo], H the mean of
// the two entropies and E the expectation of MI when rows are dealt at random into
// groups of the same sizes: 1 for the same groups, about 0 for unrelated ones. Two
// groupings that are both one group, or both all single rows, are the same.
//
// Errors: gram.ErrShape for slices that are empty or of different lengths. O(n·(A + B))
// for A and B groups. Sizes must be whole, so there are no weights.
//
// Source: N. Vinh, J. Epps, J. Bailey, Information theoretic measures for clusterings
// comparison, JMLR 11 (2010).
func AdjustedMutualInfo(a, b []int) (float64, error) {
	t, err := tabulate(a, b, nil)
	if err != nil {
		return 0, err
	}
	n := len(a)
	if len(t.a) == len(t.b) && (len(t.a) == 1 || len(t.a) == n) {
		return 1, nil
	}
	expected := t.expectedInformation()
	mean := (entropy(t.a, t.total) + entropy(t.b, t.total)) / 2
	gap := mean - expected
	if math.Abs(gap) < 0x1p-52 { // nothing beyond chance is left to be told
		gap = math.Copysign(0x1p-52, gap)
	}
	return (t.information() - expected) / gap, nil
}

func (t *contingency) information() float64 {
	var info float64
	t.each(func(i, j int, v float64) {
		info += v / t.total * (math.Log(v/t.a[i]) - math.Log(t.b[j]/t.total))
	})
	if info < 0x1p-52 { // rounding
		return 0
	}
	return info
}

// entropy returns that of groups of the given weights, in nats.
func entropy(groups []float64, total float64) float64 {
	var h float64
	for _, v := range groups {
		h -= v / total * math.Log(v/total)
	}
	return h
}

// expectedInformation returns the mean of the information over all ways to deal rows
// into groups of these sizes: the number of rows in common is hypergeometric.
func (t *contingency) expectedInformation() float64 {
	n := int(t.total)
	logFact := make([]float64, n+1)
	for i := range logFact {
		logFact[i], _ = math.Lgamma(float64(i) + 1)
	}
	byB := groupSizes(t.b)
	var sum float64
	for _, ga := range groupSizes(t.a) {
		for _, gb := range byB {
			a, b := ga.size, gb.size
			fixed := logFact[a] + logFact[b] + logFact[n-a] + logFact[n-b] - logFact[n]
			var part float64
			for v := max(1, a+b-n); v <= min(a, b); v++ {
				p := math.Exp(fixed - logFact[v] - logFact[a-v] - logFact[b-v] - logFact[n-a-b+v])
				x := float64(v)
				part += p * x / t.total * (math.Log(t.total*x) - math.Log(float64(a)*float64(b)))
			}
			sum += float64(ga.count) * float64(gb.count) * part
		}
	}
	return sum
}

// sizeCount is how many groups have a size.
type sizeCount struct{ size, count int }

// groupSizes returns the sizes of groups in the order of their first groups.
func groupSizes(groups []float64) []sizeCount {
	var out []sizeCount
	at := map[float64]int{}
	for _, v := range groups {
		i, ok := at[v]
		if !ok {
			i = len(out)
			at[v] = i
			out = append(out, sizeCount{size: int(v)})
		}
		out[i].count++
	}
	return out
}

// Silhouette returns the mean of [SilhouetteSamples]: how compact and separate the
// clusters are, in [−1, 1].
func Silhouette(ctx context.Context, X gram.Matrix, labels []int) (float64, error) {
	s, err := SilhouetteSamples(ctx, nil, X, labels)
	if err != nil {
		return 0, err
	}
	var sum float64
	for _, v := range s {
		sum += v
	}
	return sum / float64(len(s)), nil
}

// SilhouetteSamples returns for each of the n rows of X the silhouette
// (b − a)/max(a, b), where a is the mean Euclidean distance to the other rows of its
// cluster and b the least mean distance to the rows of another: near 1 well inside, 0
// between two clusters, below 0 in the wrong one. It is 0 for a row alone in its
// cluster, and where a and b are both 0. labels may be any numbers; len(dst) is n.
//
// Errors: gram.ErrShape, gram.ErrNonFinite, gram.ErrLabels if there are fewer than 2
// clusters or as many as rows, and ctx's error. O(n²·d) time on GOMAXPROCS goroutines,
// O(n·d) memory.
//
// Source: P. Rousseeuw, Silhouettes, Journal of Computational and Applied Mathematics
// 20 (1987).
func SilhouetteSamples(ctx context.Context, dst []float64, X gram.Matrix, labels []int) ([]float64, error) {
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	if len(labels) != n {
		return nil, fmt.Errorf("%d labels, X has %d rows: %w", len(labels), n, gram.ErrShape)
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	numbers := map[int]int{}
	cluster, size := make([]int, n), []float64(nil)
	for i, c := range labels {
		cluster[i] = number(numbers, c)
		size = addAt(size, cluster[i], 1)
	}
	if k := len(size); k < 2 || k == n {
		return nil, fmt.Errorf("silhouette of %d clusters of %d rows: %w", k, n, gram.ErrLabels)
	}
	rows, stride := linalg.AsOperator(X).RowBlock(make([]float64, n*d), 0, n)
	err = par.For(ctx, 0, n, 16, func(_, lo, hi int) {
		sums := make([]float64, len(size))
		for i := lo; i < hi; i++ {
			clear(sums)
			x := rows[i*stride : i*stride+d]
			for j := range n {
				sums[cluster[j]] += distance(x, rows[j*stride:j*stride+d])
			}
			dst[i] = silhouette(sums, size, cluster[i])
		}
	})
	if err != nil {
		return nil, err
	}
	return dst, nil
}

// silhouette returns that of a row, by the sums of its distances to each cluster.
func silhouette(sums, size []float64, own int) float64 {
	if size[own] == 1 {
		return 0
	}
	a, b := sums[own]/(size[own]-1), math.Inf(1)
	for c, s := range sums {
		if c != own {
			b = min(b, s/size[c])
		}
	}
	return ratio(b-a, max(a, b))
}

// distance returns the Euclidean distance, by differences, which do not cancel.
func distance(x, y []float64) float64 {
	var s0, s1 float64
	y = y[:len(x)]
	for len(x) >= 2 {
		d0, d1 := x[0]-y[0], x[1]-y[1]
		s0 += d0 * d0
		s1 += d1 * d1
		x, y = x[2:], y[2:]
	}
	if len(x) == 1 {
		s0 += (x[0] - y[0]) * (x[0] - y[0])
	}
	return math.Sqrt(s0 + s1)
}
