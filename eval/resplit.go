package eval

import (
	"fmt"

	"github.com/gram-ml/gram"
)

// RepeatedKFold is [KFold] or [StratifiedKFold] several times over, shuffled anew each
// time: N folds of the first round, then those of the next. Scores that vary much from
// fold to fold have a steadier mean; their spread is not that of independent trials.
type RepeatedKFold struct {
	// N is the number of folds of a round; 0 means 5.
	N int
	// Times is the number of rounds, at least 1; 0 means 10.
	Times int
	// Stratify spreads every class evenly.
	Stratify bool
	// Seed chooses the shuffles.
	Seed uint64
}

// Split returns N·Times folds. Errors are those of [KFold] and [StratifiedKFold], and
// gram.ErrParam for negative Times. O(Times·N·n).
func (s RepeatedKFold) Split(n int, y []int) ([]Fold, error) {
	return again(s.Times, s.Seed, n, y, func(seed uint64) Splitter {
		if s.Stratify {
			return StratifiedKFold{N: s.N, Shuffle: true, Seed: seed}
		}
		return KFold{N: s.N, Shuffle: true, Seed: seed}
	})
}

// ShuffleSplit is [TrainTestSplit] several times over, each with another random part to
// test on. Unlike parts of [KFold] these overlap, and their size is free.
type ShuffleSplit struct {
	// N is the number of folds, at least 1; 0 means 10.
	N int
	// TestSize is the share of rows to test on, in (0, 1) and rounded up to whole
	// rows; 0 means 0.25.
	TestSize float64
	// Stratify keeps the classes in proportion.
	Stratify bool
	// Seed chooses the rows.
	Seed uint64
}

// Split returns N folds. Errors are those of [TrainTestSplit], and gram.ErrParam for a
// negative N. O(N·n).
func (s ShuffleSplit) Split(n int, y []int) ([]Fold, error) {
	return again(s.N, s.Seed, n, y, func(seed uint64) Splitter {
		return TrainTestSplit{TestSize: s.TestSize, Stratify: s.Stratify, Seed: seed}
	})
}

// again returns the folds of a splitter made with several seeds, 10 by default.
func again(times int, seed uint64, n int, y []int, splitter func(seed uint64) Splitter) ([]Fold, error) {
	if times == 0 {
		times = 10
	}
	if times < 0 {
		return nil, fmt.Errorf("%d repetitions: %w", times, gram.ErrParam)
	}
	var all []Fold
	for r := range times {
		folds, err := splitter(derive(seed, uint64(r))).Split(n, y)
		if err != nil {
			return nil, err
		}
		all = append(all, folds...)
	}
	return all, nil
}

// derive returns a seed for task i that has nothing to do with those of other tasks and
// seeds: the finalizer of SplitMix64.
func derive(seed, i uint64) uint64 {
	z := seed + (i+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// LeaveOneOut tests on each row in turn, having trained on all others: as many fits as
// rows. Scores of single rows are averages of nothing: look at the predictions.
type LeaveOneOut struct{}

// Split returns n folds; y is not looked at. It returns gram.ErrParam for fewer than 2
// rows. O(n²).
func (LeaveOneOut) Split(n int, y []int) ([]Fold, error) { return KFold{N: max(2, n)}.Split(n, nil) }

// TimeSeries tests on N consecutive parts of rows in the order of time, each after
// training on rows before it only: on all of them (an expanding window), or on the last
// MaxTrain (a sliding one).
type TimeSeries struct {
	// N is the number of folds, at least 1; 0 means 5.
	N int
	// TestSize is the number of rows of each part, at least 1; 0 means n/(N+1).
	TestSize int
	// Gap is the number of rows left out between training and test, as many as
	// targets look ahead; at least 0.
	Gap int
	// MaxTrain is the most rows to train on, at least 1; 0 means all.
	MaxTrain int
}

// Split returns the folds, the last of which tests on the last rows; y is not looked at.
// It returns gram.ErrParam for negative fields, and when the first fold has no row to
// train on. O(N·n).
func (s TimeSeries) Split(n int, y []int) ([]Fold, error) {
	k, size := s.N, s.TestSize
	if k == 0 {
		k = 5
	}
	if size == 0 && k > 0 {
		size = max(1, n/(k+1))
	}
	first := n - k*size
	if k < 1 || size < 1 || s.Gap < 0 || s.MaxTrain < 0 || first-s.Gap < 1 {
		return nil, fmt.Errorf("%d folds of %d after a gap of %d, trained on at most %d, of %d rows: %w",
			k, size, s.Gap, s.MaxTrain, n, gram.ErrParam)
	}
	out := make([]Fold, k)
	rows := ascending(n)
	for f := range out {
		start := first + f*size
		end, begin := start-s.Gap, 0
		if s.MaxTrain > 0 {
			begin = max(0, end-s.MaxTrain)
		}
		out[f] = Fold{Train: rows[begin:end:end], Test: rows[start : start+size : start+size]}
	}
	return out, nil
}
