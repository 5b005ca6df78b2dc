package eval

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// A ThresholdRule chooses among the thresholds of [Cuts]: rows that score at least the
// threshold are taken for class 1. value is what the rule makes as large, or for a
// cost as small, as can be. Of thresholds that are as good it takes the highest, and it
// may be +Inf: nothing is taken.
type ThresholdRule func(c *Cuts) (threshold, value float64, err error)

// MaxFBeta returns the rule that maximises F-beta of class 1, in which recall counts
// beta times as much as precision. beta must be finite and at least 0: gram.ErrParam.
func MaxFBeta(beta float64) ThresholdRule {
	return func(c *Cuts) (float64, float64, error) {
		if !(beta >= 0 && beta <= math.MaxFloat64) {
			return 0, 0, fmt.Errorf("beta is %v: %w", beta, gram.ErrParam)
		}
		p := c.Positives()
		return c.best(func(tp, fp float64) float64 { return fBeta(beta, tp, p, tp+fp) })
	}
}

// MaxYouden returns the rule that maximises Youden's J, the true positive rate less the
// false positive rate: the point of the ROC curve farthest above the diagonal. Both
// classes must have rows: gram.ErrLabels.
//
// Source: W. Youden, Index for rating diagnostic tests, Cancer 3 (1950).
func MaxYouden() ThresholdRule {
	return func(c *Cuts) (float64, float64, error) {
		p, n := c.Positives(), c.Negatives()
		if p == 0 || n == 0 {
			return 0, 0, fmt.Errorf("Youden's J of %v of label 1 and %v of label 0: %w", p, n, gram.ErrLabels)
		}
		return c.best(func(tp, fp float64) float64 { return tp/p - fp/n })
	}
}

// MaxRecall returns the rule that maximises the recall of class 1 where its precision is
// at least the given one, in [0, 1]: gram.ErrParam. Where no threshold reaches that, it
// is +Inf, with a recall of 0.
func MaxRecall(precision float64) ThresholdRule {
	return func(c *Cuts) (float64, float64, error) {
		if !(precision >= 0 && precision <= 1) {
			return 0, 0, fmt.Errorf("precision %v is not in [0, 1]: %w", precision, gram.ErrParam)
		}
		p := c.Positives()
		return c.best(func(tp, fp float64) float64 {
			if tp < precision*(tp+fp) {
				return -1
			}
			return ratio(tp, p)
		})
	}
}

// Costs is what it costs to take a row of class label for class pred: [label][pred].
// Negative costs are gains.
type Costs [2][2]float64

// MinCost returns the rule that minimises the mean cost of a row, which is its value.
// Costs must be finite: gram.ErrParam. If probabilities are calibrated, the best
// threshold is also known without data, where costs of errors exceed those of being
// right: (c[0][1] − c[0][0]) / (c[0][1] − c[0][0] + c[1][0] − c[1][1]).
//
// Source: C. Elkan, The foundations of cost-sensitive learning, IJCAI 2001.
func MinCost(c Costs) ThresholdRule {
	return func(cuts *Cuts) (float64, float64, error) {
		for _, row := range c {
			for _, v := range row {
				if v-v != 0 {
					return 0, 0, fmt.Errorf("costs %v: %w", c, gram.ErrParam)
				}
			}
		}
		p, n := cuts.Positives(), cuts.Negatives()
		t, gain, err := cuts.best(func(tp, fp float64) float64 {
			return -(c[1][1]*tp + c[1][0]*(p-tp) + c[0][1]*fp + c[0][0]*(n-fp)) / (p + n)
		})
		return t, 0 - gain, err
	}
}

// best returns the first threshold of the largest value.
func (c *Cuts) best(value func(tp, fp float64) float64) (threshold, most float64, err error) {
	most = math.Inf(-1)
	for i, t := range c.Threshold {
		if v := value(c.TP[i], c.FP[i]); v > most {
			threshold, most = t, v
		}
	}
	return threshold, most, nil
}
