package prep

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// A distribution is a sorted sample, possibly weighted.
type distribution struct {
	values []float64
	// upTo holds the sums of the weights up to and with each value; nil stands for
	// weights of one.
	upTo []float64
	// unit is the weight of a single observation: 1 or, if that is less, the smallest
	// weight.
	unit float64
}

// newDistribution sorts a column in place, and leaves out values of weight zero. At
// least one weight must be above zero.
func newDistribution(column, w []float64) distribution {
	if w == nil {
		slices.Sort(column)
		return distribution{values: column, unit: 1}
	}
	type sample struct{ value, weight float64 }
	var samples []sample
	s := distribution{unit: 1}
	for i, v := range column {
		if w[i] > 0 {
			samples = append(samples, sample{v, w[i]})
			s.unit = min(s.unit, w[i])
		}
	}
	slices.SortFunc(samples, func(a, b sample) int {
		return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.weight, b.weight))
	})
	sum := 0.0
	for _, v := range samples {
		sum += v.weight
		s.values = append(s.values, v.value)
		s.upTo = append(s.upTo, sum)
	}
	return s
}

// quantile returns the value below which the share p of the sample lies, 0 ≤ p ≤ 1.
//
// Without weights it interpolates linearly between the order statistics at
// p·(n−1), counted from 0: type 7 of Hyndman and Fan, which is numpy's default.
// Whole weights count as repeats. Others stretch the same polygon: a value of weight
// w is flat over w − unit, and a unit lies between it and the next.
func (s distribution) quantile(p float64) float64 {
	last := len(s.values) - 1
	var i int
	var t float64 // how far from value i to the next
	if s.upTo == nil {
		at := snap(p * float64(last))
		i = int(at)
		t = at - float64(i)
	} else {
		at := snap(p * (s.upTo[last] - s.unit))
		i = sort.Search(last, func(i int) bool { return s.upTo[i] > at })
		t = max(0, (at-(s.upTo[i]-s.unit))/s.unit)
	}
	if i >= last {
		return s.values[last]
	}
	return between(s.values[i], s.values[i+1], t)
}

// snap returns the whole number that a place differs from by rounding alone, if there is
// one: an order statistic is then met exactly, and ties stay ties.
func snap(at float64) float64 {
	if whole := math.Round(at); math.Abs(at-whole) <= 0x1p-50*whole {
		return whole
	}
	return at
}

// between returns a + (b−a)·t for 0 ≤ t ≤ 1, from the nearer end and without overflow.
func between(a, b, t float64) float64 {
	switch gap := b - a; {
	case math.IsInf(gap, 0):
		return a*(1-t) + b*t
	case t < 0.5:
		return a + gap*t
	default:
		return b - gap*(1-t)
	}
}
