package eval

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gram-ml/gram"
)

// A Fold is a gram.Fold: rows to train on and rows to test on. The splitters of this
// package give both in ascending order, without repeats or overlap.
type Fold = gram.Fold

// A Splitter is a gram.Splitter, which models made of models take as well.
type Splitter = gram.Splitter

// KFold cuts the rows into N parts of equal size, the first n mod N of them larger by
// one, and tests on each in turn, having trained on the others.
type KFold struct {
	// N is the number of folds, at least 2 and at most the number of rows; 0 means 5.
	N int
	// Shuffle deals the rows out at random. Without it, parts are consecutive rows.
	Shuffle bool
	// Seed chooses the shuffle.
	Seed uint64
}

// Split returns the folds; y is not looked at. It returns gram.ErrParam for an N that
// is out of range. O(N·n).
func (s KFold) Split(n int, y []int) ([]Fold, error) {
	k, err := foldCount(s.N, n)
	if err != nil {
		return nil, err
	}
	rows := ascending(n)
	if s.Shuffle {
		shuffle(rows, s.Seed, 0)
	}
	foldOf := make([]int, n)
	at := 0
	for f := range k {
		size := n / k
		if f < n%k {
			size++
		}
		for _, i := range rows[at : at+size] {
			foldOf[i] = f
		}
		at += size
	}
	return folds(foldOf, k), nil
}

// StratifiedKFold is [KFold] with every class spread evenly: its numbers in any two
// parts differ by at most one, and the sizes of the parts do, too. The folds do not
// depend on which class is called by which number.
type StratifiedKFold struct {
	// N is the number of folds, at least 2 and at most the number of rows of the
	// largest class; 0 means 5. A class with fewer than N rows is missing from
	// some parts.
	N int
	// Shuffle deals the rows of each class out at random. Without it, each part has
	// consecutive rows of each class.
	Shuffle bool
	// Seed chooses the shuffle.
	Seed uint64
}

// Split returns the folds. Errors: gram.ErrParam for an N that is out of range,
// gram.ErrShape for a y of another length than n, gram.ErrLabels for a negative label
// or no class of N rows. O(N·n).
func (s StratifiedKFold) Split(n int, y []int) ([]Fold, error) {
	k, err := foldCount(s.N, n)
	if err != nil {
		return nil, err
	}
	strata, err := stratify(n, y)
	if err != nil {
		return nil, err
	}
	if most := largest(strata); most < k {
		return nil, fmt.Errorf("%d folds, but the largest class has %d rows: %w", k, most, gram.ErrLabels)
	}
	// Dealing the sorted labels out in turns says how many rows of each class
	// a part gets, and keeps the parts' sizes within one of each other.
	foldOf := make([]int, n)
	dealt := 0
	for c, rows := range strata {
		if s.Shuffle {
			shuffle(rows, s.Seed, uint64(c))
		}
		at := 0
		for f := range k {
			first := (f - dealt%k + k) % k // the turn at which part f gets its first row
			share := 0
			if first < len(rows) {
				share = (len(rows)-first-1)/k + 1
			}
			for _, i := range rows[at : at+share] {
				foldOf[i] = f
			}
			at += share
		}
		dealt += len(rows)
	}
	return folds(foldOf, k), nil
}

// TrainTestSplit holds out one random part of the rows.
type TrainTestSplit struct {
	// TestSize is the share of rows to test on, in (0, 1) and rounded up to whole
	// rows; 0 means 0.25.
	TestSize float64
	// Stratify keeps the classes in proportion: each has its share of the test
	// rows, as nearly as whole rows can, and at least one row to train on.
	Stratify bool
	// Seed chooses the rows.
	Seed uint64
}

// Split returns one fold. Errors: gram.ErrParam when TestSize is out of range or leaves
// no row, or fewer than there are classes, to train on; under Stratify also gram.ErrShape
// for a y of another length than n and gram.ErrLabels for a negative label. O(n), and
// O(K²) for K classes.
func (s TrainTestSplit) Split(n int, y []int) ([]Fold, error) {
	share := s.TestSize
	if share == 0 {
		share = 0.25
	}
	if !(share > 0 && share < 1) {
		return nil, fmt.Errorf("TestSize is %v, not in (0, 1): %w", share, gram.ErrParam)
	}
	strata := [][]int{ascending(n)}
	if s.Stratify {
		var err error
		if strata, err = stratify(n, y); err != nil {
			return nil, err
		}
	}
	test := int(math.Ceil(share * float64(n)))
	if n-test < max(1, len(strata)) {
		return nil, fmt.Errorf("TestSize %v of %d rows leaves %d to train %d classes on: %w",
			share, n, n-test, len(strata), gram.ErrParam)
	}
	foldOf := make([]int, n)
	for i := range foldOf {
		foldOf[i] = 1
	}
	for c, count := range apportion(strata, n, test) {
		shuffle(strata[c], s.Seed, uint64(c))
		for _, i := range strata[c][:count] {
			foldOf[i] = 0
		}
	}
	return folds(foldOf, 2)[:1], nil
}

// apportion divides seats among classes in proportion to their rows, n together: whole
// shares first, then one by one where most is missing. It leaves each class a row.
func apportion(strata [][]int, n, seats int) []int {
	counts, missing := make([]int, len(strata)), make([]float64, len(strata))
	left := seats
	for c, rows := range strata {
		exact := float64(len(rows)) * float64(seats) / float64(n)
		counts[c] = min(int(exact), len(rows)-1)
		missing[c] = exact - float64(counts[c])
		left -= counts[c]
	}
	for ; left > 0; left-- {
		best := -1
		for c, rows := range strata {
			if counts[c] < len(rows)-1 && (best < 0 || missing[c] > missing[best]) {
				best = c
			}
		}
		counts[best]++
		missing[best]--
	}
	return counts
}

// foldCount returns the number of folds that N asks of n rows.
func foldCount(N, n int) (int, error) {
	if N == 0 {
		N = 5
	}
	if N < 2 || N > n {
		return 0, fmt.Errorf("%d folds of %d rows: %w", N, n, gram.ErrParam)
	}
	return N, nil
}

// stratify returns the rows of each class that occurs, the classes in the order of
// their first rows.
func stratify(n int, y []int) ([][]int, error) {
	if len(y) != n {
		return nil, fmt.Errorf("y has %d labels, X %d rows: %w", len(y), n, gram.ErrShape)
	}
	var strata [][]int
	index := map[int]int{}
	for i, c := range y {
		if c < 0 {
			return nil, fmt.Errorf("label %d in row %d is negative: %w", c, i, gram.ErrLabels)
		}
		at, ok := index[c]
		if !ok {
			at = len(strata)
			index[c] = at
			strata = append(strata, nil)
		}
		strata[at] = append(strata[at], i)
	}
	return strata, nil
}

func largest(strata [][]int) int {
	most := 0
	for _, rows := range strata {
		most = max(most, len(rows))
	}
	return most
}

// folds returns the k folds of which row i is tested in number foldOf[i].
func folds(foldOf []int, k int) []Fold {
	out := make([]Fold, k)
	for f := range out {
		for i, g := range foldOf {
			if f == g {
				out[f].Test = append(out[f].Test, i)
			} else {
				out[f].Train = append(out[f].Train, i)
			}
		}
	}
	return out
}

func ascending(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// shuffle puts rows in an order that depends on the seed and the stream.
func shuffle(rows []int, seed, stream uint64) {
	r := rand.New(rand.NewPCG(seed, stream))
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
}

// Take returns s[i] for each i of rows: the labels or weights of a fold. A nil s gives
// nil. It panics when a row is out of range, as indexing does. O(len(rows)).
func Take[T any](s []T, rows []int) []T {
	if s == nil {
		return nil
	}
	out := make([]T, len(rows))
	for to, from := range rows {
		out[to] = s[from]
	}
	return out
}
