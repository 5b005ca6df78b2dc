package eval

import (
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
)

// Calibration compares probabilities with what happened: rows of about the same
// probability share a bin. Bins without weight are left out.
type Calibration struct {
	// Predicted is the mean probability of each bin, Observed the share of label 1,
	// and Weight the weight of its rows.
	Predicted, Observed, Weight []float64
}

// Binning says where the bins of a [Calibration] end.
type Binning int

const (
	// Uniform bins have the same width in [0, 1]: bin j of m has j/m < p ≤ (j+1)/m,
	// the first p = 0 too.
	Uniform Binning = iota
	// Quantile bins have about the same number of rows, whatever their weights; rows
	// of the same probability are never separated, so bins may be fewer.
	Quantile
)

// Calibrate returns the calibration of the probabilities p of label 1, in [0, 1], of rows
// with labels y of 0 and 1 and weights w, nil for all ones, in at most the given
// number of bins, 0 for 10. Points (Predicted, Observed) on the diagonal are calibrated.
//
// Errors: gram.ErrShape for slices that are empty or of different lengths,
// gram.ErrLabels, [ErrProba], gram.ErrWeights, and gram.ErrParam for a negative number
// of bins or an unknown binning. O(n), and O(n log n) for Quantile.
func Calibrate(y []int, p, w []float64, bins int, how Binning) (*Calibration, error) {
	if err := checkBinary(y, p, w); err != nil {
		return nil, err
	}
	if bins == 0 {
		bins = 10
	}
	if bins < 0 || how != Uniform && how != Quantile {
		return nil, fmt.Errorf("%d bins of kind %d: %w", bins, how, gram.ErrParam)
	}
	edges := make([]float64, bins-1)
	if how == Uniform {
		for j := range edges {
			edges[j] = float64(j+1) / float64(bins)
		}
	} else {
		sorted := slices.Sorted(slices.Values(p))
		for j := range edges {
			edges[j] = quantile(sorted, float64(j+1)/float64(bins))
		}
	}
	sums := make([]struct{ p, y, w float64 }, bins)
	for i, v := range p {
		b, _ := slices.BinarySearch(edges, v)
		s, wi := &sums[b], weight(w, i)
		s.p += wi * v
		s.y += wi * float64(y[i])
		s.w += wi
	}
	c := &Calibration{}
	for _, s := range sums {
		if s.w > 0 {
			c.Predicted = append(c.Predicted, s.p/s.w)
			c.Observed = append(c.Observed, s.y/s.w)
			c.Weight = append(c.Weight, s.w)
		}
	}
	return c, nil
}

// ECE returns the expected calibration error: the mean of |Predicted − Observed| over
// the bins, by their weights. It is 0 for perfect calibration and at most 1, and grows
// with the number of bins when rows are few.
//
// Source: M. Naeini, G. Cooper, M. Hauskrecht, Obtaining well calibrated probabilities
// using Bayesian binning, AAAI 2015.
func (c *Calibration) ECE() float64 {
	var sum, total float64
	for i, w := range c.Weight {
		sum += w * math.Abs(c.Predicted[i]-c.Observed[i])
		total += w
	}
	return ratio(sum, total)
}

// MaxError returns the largest |Predicted − Observed| of the bins.
func (c *Calibration) MaxError() float64 {
	var most float64
	for i := range c.Weight {
		most = max(most, math.Abs(c.Predicted[i]-c.Observed[i]))
	}
	return most
}

// checkBinary checks labels and probabilities of label 1.
func checkBinary(y []int, p, w []float64) error {
	if len(y) == 0 || len(y) != len(p) {
		return fmt.Errorf("%d labels, %d probabilities: %w", len(y), len(p), gram.ErrShape)
	}
	for i, c := range y {
		if uint(c) > 1 {
			return fmt.Errorf("label %d in row %d is not 0 or 1: %w", c, i, gram.ErrLabels)
		}
		if !(p[i] >= 0 && p[i] <= 1) {
			return fmt.Errorf("probability of row %d is %v: %w", i, p[i], ErrProba)
		}
	}
	_, err := gram.CheckWeights(w, len(y))
	return err
}
