package eval

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gram-ml/gram"
)

// ConfusionMatrix counts, for each class, what its rows were predicted as. It is an
// accumulator: parts of the data may be added one after the other, or counted apart
// and merged. It is also a gram.Matrix, labels down and predictions across.
type ConfusionMatrix struct {
	// Classes is K, at least 1.
	Classes int
	// Weights holds at [label*K+prediction] the number of rows, or the sum of
	// their weights.
	Weights []float64
}

// Confusion returns the confusion matrix of labels y and predictions pred in
// 0..classes−1, each row counting as its weight in w, nil for all ones. Both may be
// empty, to be added to.
//
// Errors: gram.ErrParam for classes below 1, and those of [ConfusionMatrix.Add].
// O(n + K²).
func Confusion(classes int, y, pred []int, w []float64) (*ConfusionMatrix, error) {
	if classes < 1 {
		return nil, fmt.Errorf("confusion matrix of %d classes: %w", classes, gram.ErrParam)
	}
	c := &ConfusionMatrix{Classes: classes, Weights: make([]float64, classes*classes)}
	if len(y) == 0 && len(pred) == 0 && len(w) == 0 {
		return c, nil
	}
	if err := c.Add(y, pred, w); err != nil {
		return nil, err
	}
	return c, nil
}

// Add counts further rows. On an error c is left as it was: gram.ErrShape for slices
// that are empty or of different lengths, gram.ErrLabels for a label or prediction
// outside 0..K−1, gram.ErrWeights. O(n).
func (c *ConfusionMatrix) Add(y, pred []int, w []float64) error {
	if _, err := checkPairs(y, pred, w); err != nil {
		return err
	}
	for i := range y {
		if uint(y[i]) >= uint(c.Classes) {
			return fmt.Errorf("label %d in row %d is not in 0..%d: %w", y[i], i, c.Classes-1, gram.ErrLabels)
		}
		if uint(pred[i]) >= uint(c.Classes) {
			return fmt.Errorf("prediction %d in row %d is not in 0..%d: %w", pred[i], i, c.Classes-1, gram.ErrLabels)
		}
	}
	for i := range y {
		c.Weights[y[i]*c.Classes+pred[i]] += weight(w, i)
	}
	return nil
}

// Merge adds what o has counted. It returns gram.ErrShape when o has another number
// of classes. O(K²).
func (c *ConfusionMatrix) Merge(o *ConfusionMatrix) error {
	if c.Classes != o.Classes {
		return fmt.Errorf("confusion matrices of %d and %d classes: %w", c.Classes, o.Classes, gram.ErrShape)
	}
	for i, v := range o.Weights {
		c.Weights[i] += v
	}
	return nil
}

// Dims returns K and K.
func (c *ConfusionMatrix) Dims() (rows, cols int) { return c.Classes, c.Classes }

// At returns the weight of the rows of the given label and prediction. It panics
// outside the shape.
func (c *ConfusionMatrix) At(label, pred int) float64 {
	if uint(label) >= uint(c.Classes) || uint(pred) >= uint(c.Classes) {
		panic(fmt.Sprintf("eval: element (%d, %d) of a %d×%d matrix", label, pred, c.Classes, c.Classes))
	}
	return c.Weights[label*c.Classes+pred]
}

// Total returns the weight of all rows.
func (c *ConfusionMatrix) Total() float64 {
	var s float64
	for _, v := range c.Weights {
		s += v
	}
	return s
}

// Accuracy returns the share of the weight on the diagonal, 0 for no rows.
func (c *ConfusionMatrix) Accuracy() float64 {
	var right float64
	for k := range c.Classes {
		right += c.At(k, k)
	}
	return ratio(right, c.Total())
}

// Support returns the weight of the rows of class k.
func (c *ConfusionMatrix) Support(k int) float64 {
	var s float64
	for j := range c.Classes {
		s += c.At(k, j)
	}
	return s
}

// Predicted returns the weight of the rows that were taken for class k.
func (c *ConfusionMatrix) Predicted(k int) float64 {
	var s float64
	for i := range c.Classes {
		s += c.At(i, k)
	}
	return s
}

// Precision returns the share of what was taken for class k that is of class k; 0 when
// nothing was.
func (c *ConfusionMatrix) Precision(k int) float64 { return ratio(c.At(k, k), c.Predicted(k)) }

// Recall returns the share of class k that was taken for class k; 0 when it has no rows.
func (c *ConfusionMatrix) Recall(k int) float64 { return ratio(c.At(k, k), c.Support(k)) }

// F1 returns the harmonic mean of precision and recall of class k; 0 when it has no rows
// and nothing was taken for it.
func (c *ConfusionMatrix) F1(k int) float64 {
	return ratio(2*c.At(k, k), c.Support(k)+c.Predicted(k))
}

// FBeta returns the weighted harmonic mean of precision and recall of class k, in which
// recall counts beta times as much: (1+β²)PR/(β²P + R). 0 when the class has no rows and
// nothing was taken for it. beta must be at least 0.
func (c *ConfusionMatrix) FBeta(beta float64, k int) float64 {
	return fBeta(beta, c.At(k, k), c.Support(k), c.Predicted(k))
}

// fBeta returns F of what is right among the weight of a class and of its predictions.
func fBeta(beta, right, support, predicted float64) float64 {
	b := beta * beta
	return ratio((1+b)*right, b*support+predicted)
}

// Average says how the scores of several classes become one.
type Average int

const (
	// Macro is the plain mean over the classes: rare ones count as much as common
	// ones. Classes that occur neither as a label nor as a prediction are left out.
	Macro Average = iota
	// Micro pools the decisions of all classes: common ones dominate. Of one label
	// each, precision, recall and F are then all the accuracy.
	Micro
	// Weighted is the mean by the weight of the rows of each class.
	Weighted
)

// String returns "macro", "micro" or "weighted".
func (a Average) String() string {
	switch a {
	case Macro:
		return "macro"
	case Micro:
		return "micro"
	case Weighted:
		return "weighted"
	}
	return fmt.Sprintf("Average(%d)", int(a))
}

func (a Average) unknown() error { return fmt.Errorf("average %v: %w", a, gram.ErrParam) }

// MeanPrecision returns the average precision of the classes, 0 for no rows. It panics
// for an unknown average, as do MeanRecall and MeanFBeta.
func (c *ConfusionMatrix) MeanPrecision(avg Average) float64 { return c.mean(avg, c.Precision) }

// MeanRecall returns the average recall of the classes, 0 for no rows.
func (c *ConfusionMatrix) MeanRecall(avg Average) float64 { return c.mean(avg, c.Recall) }

// MeanFBeta returns the average of [ConfusionMatrix.FBeta] over the classes, 0 for no rows.
func (c *ConfusionMatrix) MeanFBeta(beta float64, avg Average) float64 {
	return c.mean(avg, func(k int) float64 { return c.FBeta(beta, k) })
}

func (c *ConfusionMatrix) mean(avg Average, score func(k int) float64) float64 {
	if avg == Micro {
		return c.Accuracy()
	}
	var sum, n float64
	for k := range c.Classes {
		support, share := c.Support(k), 1.0
		switch {
		case avg == Weighted:
			share = support
		case avg != Macro:
			panic(fmt.Sprintf("eval: unknown average %d", int(avg)))
		case support+c.Predicted(k) == 0:
			share = 0
		}
		sum, n = sum+share*score(k), n+share
	}
	return ratio(sum, n)
}

// BalancedAccuracy returns the plain mean of the recall over the classes that have
// rows: accuracy as if all were equally frequent. A constant prediction among K classes
// has 1/K. 0 for no rows.
func (c *ConfusionMatrix) BalancedAccuracy() float64 {
	var sum, n float64
	for k := range c.Classes {
		if c.Support(k) > 0 {
			sum += c.Recall(k)
			n++
		}
	}
	return ratio(sum, n)
}

// Matthews returns the Matthews correlation coefficient of labels and predictions, for
// any number of classes: 1 for perfect predictions, about 0 for random ones, and −1 at
// the least. It is 0 when all labels or all predictions are of one class.
//
// Source: J. Gorodkin, Comparing two K-category assignments by a K-category correlation
// coefficient, Computational Biology and Chemistry 28 (2004).
func (c *ConfusionMatrix) Matthews() float64 {
	var right, both, labels, preds float64
	n := c.Total()
	for k := range c.Classes {
		s, p := c.Support(k)/n, c.Predicted(k)/n
		right += c.At(k, k) / n
		both += s * p
		labels += s * (1 - s)
		preds += p * (1 - p)
	}
	if n == 0 || labels == 0 || preds == 0 {
		return 0
	}
	return max(-1, min(1, (right-both)/math.Sqrt(labels*preds)))
}

// Disagreement says how bad it is, for [ConfusionMatrix.Kappa], to take one class for
// another.
type Disagreement int

const (
	// Nominal: any other class is as bad.
	Nominal Disagreement = iota
	// Linear: as bad as the classes' numbers differ; for ordered classes.
	Linear
	// Quadratic: as bad as the square of the difference.
	Quadratic
)

// Kappa returns Cohen's kappa: the agreement of labels and predictions beyond what
// chance gives, 1 − Σ d·observed/Σ d·expected with disagreements d. It is 1 for
// perfect predictions, 0 for random ones, and 0 when labels and predictions are all of
// one same class, where chance explains everything. It panics for an unknown d.
//
// Source: J. Cohen, Weighted kappa, Psychological Bulletin 70 (1968).
func (c *ConfusionMatrix) Kappa(d Disagreement) float64 {
	if d < Nominal || d > Quadratic {
		panic(fmt.Sprintf("eval: unknown disagreement %d", int(d)))
	}
	var observed, expected float64
	n := c.Total()
	for i := range c.Classes {
		for j := range c.Classes {
			v := math.Abs(float64(i - j))
			switch d {
			case Nominal:
				v = min(1, v)
			case Quadratic:
				v *= v
			}
			observed += v * c.At(i, j)
			expected += v * c.Support(i) * ratio(c.Predicted(j), n)
		}
	}
	if expected == 0 {
		return 0
	}
	return 1 - observed/expected
}

// MacroF1 returns the plain mean of F1 over the classes that occur as a label or a
// prediction, 0 for no rows. Rare classes count as much as common ones.
func (c *ConfusionMatrix) MacroF1() float64 {
	var sum, n float64
	for k := range c.Classes {
		if c.Support(k)+c.Predicted(k) > 0 {
			sum += c.F1(k)
			n++
		}
	}
	return ratio(sum, n)
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// String returns the matrix as a table, labels down and predictions across. Whole
// numbers are printed as such, others with four digits.
func (c *ConfusionMatrix) String() string {
	cells := make([]string, len(c.Weights))
	width := len(strconv.Itoa(c.Classes - 1))
	for i, v := range c.Weights {
		if v == math.Trunc(v) && v < 1e15 {
			cells[i] = strconv.FormatFloat(v, 'f', 0, 64)
		} else {
			cells[i] = strconv.FormatFloat(v, 'g', 4, 64)
		}
		width = max(width, len(cells[i]))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s", labelWidth, "label")
	for k := range c.Classes {
		fmt.Fprintf(&b, "  %*d", width, k)
	}
	for k := range c.Classes {
		fmt.Fprintf(&b, "\n%*d", labelWidth, k)
		for _, cell := range cells[k*c.Classes : (k+1)*c.Classes] {
			fmt.Fprintf(&b, "  %*s", width, cell)
		}
	}
	return b.String()
}

const labelWidth = len("label")
