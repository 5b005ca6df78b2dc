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
