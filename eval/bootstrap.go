package eval

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
	"gonum.org/v1/gonum/mathext"
)

// Bootstrap says how uncertain a score is by computing it again on rows drawn with
// replacement. It covers the chance of which rows were tested on, not that of which
// rows the model was trained on.
type Bootstrap struct {
	// Samples is the number of resamples, at least 2; 0 means 1000.
	Samples int
	// Level is the probability that the interval is to cover, in (0, 1); 0 means 0.95.
	Level float64
	// Strata, if not nil, holds a number for each row: rows are drawn from those of
	// the same number. The labels, for a score that needs each class.
	Strata []int
	// Seed chooses the rows.
	Seed uint64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The result does not depend
	// on it.
	Workers int
}

// Interval is a score with its uncertainty.
type Interval struct {
	// Value is the score of the rows as they are.
	Value float64
	// Low and High bound the percentile interval: the quantiles of the resamples'
	// scores at (1−Level)/2 and (1+Level)/2.
	Low, High float64
	// StdErr is the standard deviation of the resamples' scores, with Samples−1.
	StdErr float64
}

// Interval returns the score of rows 0..n−1 and its interval. score is called from
// several goroutines and must not keep or change rows, which holds n row numbers, some
// more than once: score the rows that [Take] returns for it.
//
// Errors: gram.ErrShape for n below 1 or Strata of another length, gram.ErrParam; those
// of score, with the number of the resample; ctx's error. O(Samples) scores.
//
// Source: B. Efron, R. Tibshirani, An Introduction to the Bootstrap, Chapman & Hall 1993,
// chapter 13.
func (b Bootstrap) Interval(ctx context.Context, n int, score func(rows []int) (float64, error)) (Interval, error) {
	samples, level := b.Samples, b.Level
	if samples == 0 {
		samples = 1000
	}
	if level == 0 {
		level = 0.95
	}
	switch {
	case samples < 2:
		return Interval{}, fmt.Errorf("%d resamples: %w", samples, gram.ErrParam)
	case !(level > 0 && level < 1):
		return Interval{}, fmt.Errorf("Level is %v, not in (0, 1): %w", level, gram.ErrParam)
	case n < 1 || b.Strata != nil && len(b.Strata) != n:
		return Interval{}, fmt.Errorf("%d rows, %d strata: %w", n, len(b.Strata), gram.ErrShape)
	}
	strata := [][]int{ascending(n)}
	if b.Strata != nil {
		strata = groupRows(b.Strata)
	}
	value, err := score(ascending(n))
	if err != nil {
		return Interval{}, err
	}
	values := make([]float64, samples)
	err = each(ctx, b.Workers, samples, func(i int) error {
		v, err := score(resample(strata, n, rand.New(rand.NewPCG(b.Seed, uint64(i)))))
		if err != nil {
			return fmt.Errorf("resample %d: %w", i, err)
		}
		values[i] = v
		return nil
	})
	if err != nil {
		return Interval{}, err
	}
	_, std := meanStd(values)
	slices.Sort(values)
	return Interval{
		Value:  value,
		Low:    quantile(values, (1-level)/2),
		High:   quantile(values, (1+level)/2),
		StdErr: std * math.Sqrt(float64(samples)/float64(samples-1)),
	}, nil
}

// resample draws from each stratum as many rows as it has.
func resample(strata [][]int, n int, rng *rand.Rand) []int {
	rows := make([]int, 0, n)
	for _, s := range strata {
		for range s {
			rows = append(rows, s[rng.IntN(len(s))])
		}
	}
	return rows
}

// groupRows returns the rows of each group, the groups in the order of their first rows.
func groupRows(groups []int) [][]int {
	var out [][]int
	numbers := map[int]int{}
	for i, g := range groups {
		at := number(numbers, g)
		if at == len(out) {
			out = append(out, nil)
		}
		out[at] = append(out[at], i)
	}
	return out
}

// quantile interpolates between the sorted values.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// meanStd returns the mean and the standard deviation of the population.
func meanStd(x []float64) (mean, std float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += v / n
	}
	for _, v := range x {
		std += (v - mean) * (v - mean) / n
	}
	return mean, math.Sqrt(std)
}

// each calls f(0) to f(n−1) on at most the given number of goroutines and returns the
// error of the least i that has one, or ctx's. After an error no further call begins.
func each(ctx context.Context, workers, n int, f func(i int) error) error {
	errs := make([]error, n)
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	err := par.For(stop, workers, n, 1, func(i, _, _ int) {
		if errs[i] = f(i); errs[i] != nil {
			cancel() // calls begin in order, so all before i have begun
		}
	})
	for _, e := range errs {
		if e != nil {
			return e
		}
	}
	return err
}

// McNemarTest is the result of [McNemar].
type McNemarTest struct {
	// OnlyA and OnlyB count the rows that only the first or only the second
	// classifier got right.
	OnlyA, OnlyB int
	// P is the exact two-sided p-value: the probability of so uneven a split of
	// those rows, or a more uneven one, if both classifiers were equally good. 1
	// when there are none.
	P float64
}

// McNemar compares two classifiers by their predictions a and b for the same n rows with
// labels y: rows that both get right or both wrong say nothing about which is better.
// Exact, by the binomial distribution, for any number of rows; they must be independent.
//
// Errors: gram.ErrShape for slices that are empty or of different lengths. O(n).
//
// Source: Q. McNemar, Note on the sampling error of the difference between correlated
// proportions or percentages, Psychometrika 12 (1947).
func McNemar(y, a, b []int) (McNemarTest, error) {
	if len(y) == 0 || len(a) != len(y) || len(b) != len(y) {
		return McNemarTest{}, fmt.Errorf("%d labels, %d and %d predictions: %w", len(y), len(a), len(b), gram.ErrShape)
	}
	t := McNemarTest{P: 1}
	for i, label := range y {
		switch rightA, rightB := a[i] == label, b[i] == label; {
		case rightA && !rightB:
			t.OnlyA++
		case rightB && !rightA:
			t.OnlyB++
		}
	}
	if least, n := min(t.OnlyA, t.OnlyB), t.OnlyA+t.OnlyB; n > 0 {
		// P(at most least of n heads) is a regularized incomplete beta function.
		t.P = min(1, 2*mathext.RegIncBeta(float64(n-least), float64(least)+1, 0.5))
	}
	return t, nil
}
