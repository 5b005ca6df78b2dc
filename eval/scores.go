package eval

import (
	"errors"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// ErrProba is the error of probabilities that are none: outside [0, 1], NaN, or with a
// sum far from 1.
var ErrProba = errors.New("invalid probabilities")

// Accuracy returns the share of the weight w, nil for all ones, of the rows whose
// prediction is their label: a number in [0, 1].
//
// Errors: gram.ErrShape for slices that are empty or of different lengths,
// gram.ErrLabels for a negative label or prediction, gram.ErrWeights. O(n).
func Accuracy(y, pred []int, w []float64) (float64, error) {
	total, err := checkPairs(y, pred, w)
	if err != nil {
		return 0, err
	}
	var right float64
	for i, c := range y {
		if c < 0 || pred[i] < 0 {
			return 0, negative(i, c, pred[i])
		}
		if c == pred[i] {
			right += weight(w, i)
		}
	}
	return right / total, nil
}

// LogLoss returns the mean of −log p over the rows, weighted by w, nil for all ones:
// proba holds the probabilities of the classes, n×K row-major, and p is that of the
// row's label. The result is in nats, from 0 for certainty in what is right.
//
// A p below 2⁻⁵² counts as 2⁻⁵², so that one row costs at most 36.04 and not +Inf.
// Rows are not scaled to a sum of 1, but one whose sum is off by more than 1e-3 is
// an error, as a transposed proba gives.
//
// Errors: gram.ErrShape for slices that are empty or do not fit, gram.ErrLabels for a
// label outside 0..K−1, gram.ErrWeights, and [ErrProba], naming the row. O(n·K).
func LogLoss(y []int, proba, w []float64) (float64, error) {
	n := len(y)
	if n == 0 || len(proba) == 0 || len(proba)%n != 0 {
		return 0, fmt.Errorf("%d probabilities for %d labels: %w", len(proba), n, gram.ErrShape)
	}
	total, err := gram.CheckWeights(w, n)
	if err != nil {
		return 0, err
	}
	k := len(proba) / n
	var loss float64
	for i, c := range y {
		if c < 0 || c >= k {
			return 0, fmt.Errorf("label %d in row %d is not in 0..%d: %w", c, i, k-1, gram.ErrLabels)
		}
		row := proba[i*k : (i+1)*k]
		if err := checkProba(row, i); err != nil {
			return 0, err
		}
		loss -= weight(w, i) * math.Log(min(1, max(minProba, row[c])))
	}
	return loss / total, nil
}

// Brier returns half the mean over the rows, weighted by w, nil for all ones, of the
// squared distance of their probabilities from certainty in the label: proba is n×K
// row-major. For two classes that is the mean of (p − y)², where p is the probability
// of class 1. The result is in [0, 1], 0 for certainty in what is right; unlike
// [LogLoss] a wrong certainty costs no more than 1.
//
// Errors are those of LogLoss. O(n·K).
//
// Source: G. Brier, Verification of forecasts expressed in terms of probability,
// Monthly Weather Review 78 (1950).
func Brier(y []int, proba, w []float64) (float64, error) {
	k, err := columns(y, proba, w)
	if err != nil {
		return 0, err
	}
	var sum, total float64
	for i, label := range y {
		row := proba[i*k : (i+1)*k]
		if err := checkProba(row, i); err != nil {
			return 0, err
		}
		var dist float64
		for c, p := range row {
			if c == label {
				p = 1 - p
			}
			dist += p * p
		}
		sum += weight(w, i) * dist / 2
		total += weight(w, i)
	}
	return sum / total, nil
}

// minProba is the least probability that LogLoss takes the logarithm of.
const minProba = 0x1p-52

// checkProba checks the probabilities of row i. Rounding may lift one a little above 1.
func checkProba(row []float64, i int) error {
	const slack = 1e-3
	var sum float64
	for c, p := range row {
		if !(p >= 0 && p <= 1+slack) {
			return fmt.Errorf("probability of class %d in row %d is %v: %w", c, i, p, ErrProba)
		}
		sum += p
	}
	if math.Abs(sum-1) > slack {
		return fmt.Errorf("probabilities of row %d sum to %v: %w", i, sum, ErrProba)
	}
	return nil
}

// checkPairs checks the lengths of labels, predictions and weights and returns the sum
// of the weights.
func checkPairs(y, pred []int, w []float64) (float64, error) {
	if len(y) != len(pred) {
		return 0, fmt.Errorf("%d labels, %d predictions: %w", len(y), len(pred), gram.ErrShape)
	}
	if len(y) == 0 {
		return 0, fmt.Errorf("no labels: %w", gram.ErrShape)
	}
	return gram.CheckWeights(w, len(y))
}

func negative(i, label, pred int) error {
	if label < 0 {
		return fmt.Errorf("label %d in row %d is negative: %w", label, i, gram.ErrLabels)
	}
	return fmt.Errorf("prediction %d in row %d is negative: %w", pred, i, gram.ErrLabels)
}

func weight(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}
