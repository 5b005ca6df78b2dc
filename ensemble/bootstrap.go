package ensemble

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/gram-ml/gram"
)

// Balance is what a forest does about classes of unequal weight.
type Balance int

const (
	// Unbalanced takes rows as they are.
	Unbalanced Balance = iota
	// BalanceWeights multiplies the weights of each class so that all classes have the
	// same sum.
	BalanceWeights
	// BalanceSamples does so for each tree's sample by itself.
	BalanceSamples
	// BalanceDraws draws as many rows of every class, for each tree, as the rarest has:
	// a balanced random forest (C. Chen, A. Liaw, L. Breiman, Using random forest to
	// learn imbalanced data, 2004). It makes trees small, and fast, when one class is
	// rare. It needs samples with replacement.
	BalanceDraws
)

// String returns the name of the constant.
func (b Balance) String() string {
	names := []string{"Unbalanced", "BalanceWeights", "BalanceSamples", "BalanceDraws"}
	if b < 0 || int(b) >= len(names) {
		return fmt.Sprintf("Balance(%d)", int(b))
	}
	return names[b]
}

// A bootstrap draws the weights of rows for the trees of a forest.
type bootstrap struct {
	n       int
	w       []float64 // nil for ones
	labels  []int     // nil for targets
	classes int
	balance Balance
	all     bool // no draws: every tree has all rows
	share   float64
	strata  []stratum
}

// A stratum is rows that are drawn from together.
type stratum struct {
	rows  []int32   // nil for all
	sums  []float64 // cumulative weights, nil for ones
	total float64
	draws int
}

func newBootstrap(n int, w []float64, labels []int, classes int, balance Balance, all bool, share float64) (*bootstrap, error) {
	b := &bootstrap{n: n, w: w, labels: labels, classes: classes, balance: balance, all: all, share: share}
	if share == 0 {
		b.share = 1
	}
	switch {
	case balance < Unbalanced || balance > BalanceDraws:
		return nil, fmt.Errorf("Balance is %v: %w", balance, gram.ErrParam)
	case balance != Unbalanced && labels == nil:
		return nil, fmt.Errorf("Balance is %v, but there are no classes: %w", balance, gram.ErrParam)
	case !(b.share > 0 && b.share <= 1):
		return nil, fmt.Errorf("MaxSamples is %v, not in (0, 1]: %w", share, gram.ErrParam)
	case all && share != 0:
		return nil, fmt.Errorf("MaxSamples is %v, but trees have all rows: %w", share, gram.ErrParam)
	case all && balance == BalanceDraws:
		return nil, fmt.Errorf("Balance is %v, but trees have all rows: %w", balance, gram.ErrParam)
	}
	if !all {
		b.stratify()
	}
	return b, nil
}

// stratify makes one stratum of all rows, or one of each class.
func (b *bootstrap) stratify() {
	if b.balance != BalanceDraws {
		b.strata = []stratum{b.stratum(nil)}
		s := &b.strata[0]
		s.draws = max(1, int(math.Round(b.share*max(s.total, float64(b.n)))))
		return
	}
	rows := make([][]int32, b.classes)
	for i, c := range b.labels {
		rows[c] = append(rows[c], int32(i))
	}
	rarest := math.Inf(1)
	for _, r := range rows {
		if len(r) > 0 {
			s := b.stratum(r)
			b.strata = append(b.strata, s)
			rarest = min(rarest, max(s.total, float64(len(r))))
		}
	}
	for i := range b.strata {
		b.strata[i].draws = max(1, int(math.Round(b.share*rarest)))
	}
}

func (b *bootstrap) stratum(rows []int32) stratum {
	s := stratum{rows: rows, total: float64(b.n)}
	if rows != nil {
		s.total = float64(len(rows))
	}
	if b.w != nil {
		s.total = 0
		for _, w := range pick(b.w, rows) {
			s.total += w
			s.sums = append(s.sums, s.total)
		}
	}
	return s
}

// draw adds what is drawn to counts.
//
// A row is found by its place among all weights, so that a weight of 2 is the same as
// two rows.
func (s *stratum) draw(rng *rand.Rand, counts []float64) {
	last := len(counts) - 1
	if s.rows != nil {
		last = len(s.rows) - 1
	}
	for range s.draws {
		at := rng.Float64() * s.total
		i := int(at)
		if s.sums != nil {
			i = sort.Search(last, func(i int) bool { return s.sums[i] > at })
		}
		i = min(i, last)
		if s.rows != nil {
			i = int(s.rows[i])
		}
		counts[i]++
	}
}

// sample returns the weights of one tree's rows, nil for ones, and the rows that have any. It
// uses the memory of both that it is given, if that is large enough.
func (b *bootstrap) sample(rng *rand.Rand, w []float64, items []int32) ([]float64, []int32) {
	if b.all {
		w = b.w
	} else {
		w = slices.Grow(w[:0], b.n)[:b.n]
		clear(w)
		for i := range b.strata {
			b.strata[i].draw(rng, w)
		}
	}
	switch {
	case b.balance == BalanceWeights:
		w = b.balanced(w, b.classSums(b.w))
	case b.balance == BalanceSamples:
		w = b.balanced(w, b.classSums(w))
	}
	items = slices.Grow(items[:0], b.n)
	if b.all {
		items = items[:b.n]
		enumerate(items)
		return w, items
	}
	for i, c := range w {
		if c > 0 {
			items = append(items, int32(i))
		}
	}
	return w, items
}

// classSums returns the sums of weights by class.
func (b *bootstrap) classSums(w []float64) []float64 {
	sums := make([]float64, b.classes)
	for i, c := range b.labels {
		if w == nil {
			sums[c]++
		} else {
			sums[c] += w[i]
		}
	}
	return sums
}

// balanced returns w, nil for ones, over the sums of the classes, and times their mean.
func (b *bootstrap) balanced(w, sums []float64) []float64 {
	mean := 0.0
	for _, s := range sums {
		mean += s / float64(b.classes)
	}
	w = slices.Clone(w)
	if w == nil {
		w = make([]float64, b.n)
		for i := range w {
			w[i] = 1
		}
	}
	for i, c := range b.labels {
		if w[i] > 0 {
			w[i] *= mean / sums[c]
		}
	}
	return w
}
