package quant

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// A Quality is how well a classifier does on some rows.
type Quality struct {
	// Accuracy is the share of the weight of rows whose class is predicted.
	Accuracy float64
	// LogLoss is the mean of −log p of the true class, in nats; a p below 2⁻⁵² counts
	// as 2⁻⁵².
	LogLoss float64
}

// A Comparison says what a change of a classifier, such as its quantization, costs.
type Comparison struct{ Before, After Quality }

// AccuracyLost returns by how much the accuracy has fallen.
func (c Comparison) AccuracyLost() float64 { return c.Before.Accuracy - c.After.Accuracy }

// LogLossAdded returns by how much the log-loss has risen.
func (c Comparison) LogLossAdded() float64 { return c.After.LogLoss - c.Before.LogLoss }

// Compare judges two classifiers on rows X with labels y and weights w, nil for all
// ones.
//
// Errors: gram.ErrShape for lengths that do not fit or no rows; gram.ErrLabels for a
// label that is no class of either; gram.ErrWeights; those of the classifiers.
func Compare(before, after gram.Classifier, X gram.Matrix, y []int, w []float64) (Comparison, error) {
	var c Comparison
	var err error
	if c.Before, err = quality(before, X, y, w); err != nil {
		return Comparison{}, err
	}
	if c.After, err = quality(after, X, y, w); err != nil {
		return Comparison{}, err
	}
	return c, nil
}

func quality(m gram.Classifier, X gram.Matrix, y []int, w []float64) (q Quality, err error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return q, err
	}
	if len(y) != n || n == 0 {
		return q, fmt.Errorf("%d labels for %d rows: %w", len(y), n, gram.ErrShape)
	}
	total, err := gram.CheckWeights(w, n)
	if err != nil {
		return q, err
	}
	classes, err := m.Predict(nil, X)
	if err != nil {
		return q, err
	}
	p, err := m.PredictProba(nil, X)
	if err != nil {
		return q, err
	}
	k := m.Classes()
	for i, c := range y {
		if c < 0 || c >= k {
			return q, fmt.Errorf("label %d in row %d is not in 0..%d: %w", c, i, k-1, gram.ErrLabels)
		}
		weight := 1.0
		if w != nil {
			weight = w[i]
		}
		if classes[i] == c {
			q.Accuracy += weight / total
		}
		q.LogLoss -= weight / total * math.Log(min(1, max(0x1p-52, p[i*k+c])))
	}
	return q, nil
}
