package eval

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// Cuts says what each threshold on a score of two classes would do: rows that score at
// least Threshold[i] are taken for class 1, and of those rows TP[i] is the weight that
// is of class 1 and FP[i] the weight that is not. Thresholds descend from +Inf, at
// which nothing is taken, through every distinct score; at the last one all rows are.
// Curves and threshold rules read it.
type Cuts struct {
	Threshold, TP, FP []float64
}

// NewCuts returns the cuts of scores, higher for class 1, of rows with labels y of 0
// and 1 and weights w, nil for all ones. Rows of the same score are on the same side of
// every cut; rows of weight 0 are as if not there.
//
// Errors: gram.ErrShape for slices that are empty or of different lengths,
// gram.ErrLabels, gram.ErrNonFinite for a score, each naming the row, and
// gram.ErrWeights. O(n), by a radix sort.
func NewCuts(y []int, score, w []float64) (*Cuts, error) {
	rows, err := rank(y, score, w)
	if err != nil {
		return nil, err
	}
	n := 1
	rows.eachCut(func(_, _, _ float64) { n++ })
	mem := make([]float64, 3*n)
	c := &Cuts{Threshold: mem[:1:n], TP: mem[n : n+1 : 2*n], FP: mem[2*n : 2*n+1]}
	c.Threshold[0] = math.Inf(1)
	rows.eachCut(func(t, tp, fp float64) {
		c.Threshold = append(c.Threshold, t)
		c.TP = append(c.TP, tp)
		c.FP = append(c.FP, fp)
	})
	return c, nil
}

// Positives returns the weight of the rows of class 1.
func (c *Cuts) Positives() float64 { return c.TP[len(c.TP)-1] }

// Negatives returns the weight of the rows of class 0.
func (c *Cuts) Negatives() float64 { return c.FP[len(c.FP)-1] }

// A Curve is a sequence of points, one for each threshold from +Inf down.
type Curve struct {
	X, Y, Threshold []float64
}

// Area returns the area under the curve by the trapezoidal rule. O(points).
func (c Curve) Area() float64 {
	var area float64
	for i := 1; i < len(c.X); i++ {
		area += (c.X[i] - c.X[i-1]) * (c.Y[i] + c.Y[i-1]) / 2
	}
	return area
}

// curve returns the points that f gives for the cuts.
func (c *Cuts) curve(f func(tp, fp float64) (x, y float64)) Curve {
	n := len(c.Threshold)
	k := Curve{make([]float64, n), make([]float64, n), c.Threshold}
	for i := range n {
		k.X[i], k.Y[i] = f(c.TP[i], c.FP[i])
	}
	return k
}

// ROC returns the receiver operating characteristic: X is the false positive rate
// FP/N, Y the true positive rate TP/P, from (0, 0) to (1, 1). A rate of a class without
// rows is 0 throughout. Its Area is the [AUC].
func (c *Cuts) ROC() Curve {
	p, n := c.Positives(), c.Negatives()
	return c.curve(func(tp, fp float64) (x, y float64) { return ratio(fp, n), ratio(tp, p) })
}

// PrecisionRecall returns the precision-recall curve: X is the recall TP/P, Y the
// precision TP/(TP+FP), 1 where nothing is taken. The recall without positive rows is
// 1 except where nothing is taken. The curve between points is not a straight line,
// so its Area flatters; see [AveragePrecision].
func (c *Cuts) PrecisionRecall() Curve {
	p := c.Positives()
	return c.curve(func(tp, fp float64) (x, y float64) {
		if tp+fp == 0 {
			return 0, 1
		}
		if p == 0 {
			return 1, 0
		}
		return tp / p, tp / (tp + fp)
	})
}

// Gain returns the cumulative gain: X is the share (TP+FP)/(P+N) of all rows that are
// taken, Y the share TP/P of the positive ones among them, 0 if there are none. A random
// score follows the diagonal.
func (c *Cuts) Gain() Curve {
	p, all := c.Positives(), c.Positives()+c.Negatives()
	return c.curve(func(tp, fp float64) (x, y float64) { return (tp + fp) / all, ratio(tp, p) })
}

// Lift returns how many times as frequent positive rows are among those taken as among
// all: X is the share of rows taken, as in [Cuts.Gain], Y the lift, 0 if there are no
// positive rows. It begins at the first row taken, with the value of the next point.
func (c *Cuts) Lift() Curve {
	k := c.Gain()
	for i := 1; i < len(k.X); i++ {
		k.Y[i] /= k.X[i]
	}
	k.Y[0] = k.Y[1]
	return k
}

// AUC returns the area under the ROC curve: the probability that a row of label 1
// scores higher than one of label 0, ties counting half, with rows drawn by their
// weights w, nil for all ones. It is 1 for a perfect order and ½ for a constant score,
// and depends on the order of the scores alone. For more classes see [AUCOvR].
//
// Errors: those of [NewCuts], and gram.ErrLabels if only one class has weight, for then
// there is no such pair. O(n).
//
// Source: J. Hanley, B. McNeil, The meaning and use of the area under a receiver
// operating characteristic (ROC) curve, Radiology 143 (1982).
func AUC(y []int, score, w []float64) (float64, error) {
	rows, err := rank(y, score, w)
	if err != nil {
		return 0, err
	}
	var area, p, n float64
	rows.eachCut(func(_, tp, fp float64) {
		area += (fp - n) * (tp + p) / 2
		p, n = tp, fp
	})
	if p == 0 || n == 0 {
		return 0, fmt.Errorf("AUC of %v of label 1 and %v of label 0: %w", p, n, gram.ErrLabels)
	}
	return min(1, area/p/n), nil
}

// AveragePrecision returns the mean of the precision over the recall, in steps:
// Σ (Rᵢ − Rᵢ₋₁)·Pᵢ over the distinct scores from the highest down, with the rows of
// label 1 and weights w, nil for all ones. It lies in [0, 1], is 1 for a perfect order
// and the share of label 1 for a constant score, and 0 without rows of label 1. Unlike
// [AUC] it looks at the top of the ranking, and falls with the share of label 1: the
// score for rare classes.
//
// Errors: those of [NewCuts]. O(n).
func AveragePrecision(y []int, score, w []float64) (float64, error) {
	rows, err := rank(y, score, w)
	if err != nil {
		return 0, err
	}
	var sum, p float64
	rows.eachCut(func(_, tp, fp float64) {
		sum += (tp - p) * (tp / (tp + fp))
		p = tp
	})
	return min(1, ratio(sum, p)), nil
}

// AUCOvR returns the mean over the classes of the [AUC] of each against all others.
// proba holds probabilities or other scores of the classes, n×K row-major. Macro
// takes the plain mean, Weighted that by the classes' weight, and Micro one AUC over
// all n·K pairs of a row and a class.
//
// Errors: those of AUC; gram.ErrShape if proba does not fit y; gram.ErrLabels, naming
// the class, if one has no weight or all; gram.ErrParam for an unknown average. O(n·K).
func AUCOvR(y []int, proba, w []float64, avg Average) (float64, error) {
	return ovr(AUC, y, proba, w, avg)
}

// AveragePrecisionOvR returns the mean over the classes of the [AveragePrecision] of
// each against all others; see [AUCOvR]. A class without rows counts as 0.
func AveragePrecisionOvR(y []int, proba, w []float64, avg Average) (float64, error) {
	return ovr(AveragePrecision, y, proba, w, avg)
}

func ovr(score func([]int, []float64, []float64) (float64, error), y []int, proba, w []float64, avg Average) (float64, error) {
	k, err := columns(y, proba, w)
	if err != nil {
		return 0, err
	}
	if avg == Micro {
		return score(oneHot(y, k), proba, repeat(w, k))
	}
	var sum, total float64
	for c := range k {
		is, p, support := make([]int, len(y)), make([]float64, len(y)), 0.0
		for i, label := range y {
			p[i] = proba[i*k+c]
			if label == c {
				is[i] = 1
				support += weight(w, i)
			}
		}
		s, err := score(is, p, w)
		if err != nil {
			return 0, fmt.Errorf("class %d: %w", c, err)
		}
		switch avg {
		case Macro:
			support = 1
		case Weighted:
		default:
			return 0, avg.unknown()
		}
		sum, total = sum+support*s, total+support
	}
	return sum / total, nil
}

// AUCOvO returns the mean over all pairs of classes of how well they are told apart:
// the AUC of class a against b by the score of a, and of b against a by the score of
// b, averaged, on the rows of the two. proba is as for [AUCOvR]. Macro is the plain
// mean of Hand and Till, which does not depend on how frequent the classes are;
// Weighted weighs a pair by the weight of its rows. Micro does not exist: gram.ErrParam.
//
// Errors: those of AUCOvR. O(n·K²).
//
// Source: D. Hand, R. Till, A simple generalisation of the area under the ROC curve for
// multiple class classification problems, Machine Learning 45 (2001).
func AUCOvO(y []int, proba, w []float64, avg Average) (float64, error) {
	k, err := columns(y, proba, w)
	if err != nil {
		return 0, err
	}
	if avg != Macro && avg != Weighted {
		return 0, avg.unknown()
	}
	var sum, total float64
	for a := range k {
		for b := range a {
			s, support, err := pairAUC(y, proba, w, k, a, b)
			if err != nil {
				return 0, fmt.Errorf("classes %d and %d: %w", b, a, err)
			}
			if avg == Macro {
				support = 1
			}
			sum, total = sum+support*s, total+support
		}
	}
	return sum / total, nil
}

// pairAUC returns the AUC of classes a and b and the weight of their rows.
func pairAUC(y []int, proba, w []float64, k, a, b int) (auc, support float64, err error) {
	var isA, isB []int
	var pa, pb, wt []float64
	for i, c := range y {
		if c != a && c != b {
			continue
		}
		one := 0
		if c == a {
			one = 1
		}
		isA, isB = append(isA, one), append(isB, 1-one)
		pa, pb = append(pa, proba[i*k+a]), append(pb, proba[i*k+b])
		wt = append(wt, weight(w, i))
		support += weight(w, i)
	}
	if support == 0 {
		return 0, 0, fmt.Errorf("no rows: %w", gram.ErrLabels)
	}
	first, err := AUC(isA, pa, wt)
	if err != nil {
		return 0, 0, err
	}
	second, err := AUC(isB, pb, wt)
	return (first + second) / 2, support, err
}

// columns checks y against scores of K classes, n×K row-major, and returns K.
func columns(y []int, proba, w []float64) (int, error) {
	n := len(y)
	if n == 0 || len(proba) == 0 || len(proba)%n != 0 {
		return 0, fmt.Errorf("%d probabilities for %d labels: %w", len(proba), n, gram.ErrShape)
	}
	if _, err := gram.CheckWeights(w, n); err != nil {
		return 0, err
	}
	k := len(proba) / n
	if k < 2 {
		return 0, fmt.Errorf("%d column of probabilities: %w", k, gram.ErrShape)
	}
	for i, c := range y {
		if c < 0 || c >= k {
			return 0, fmt.Errorf("label %d in row %d is not in 0..%d: %w", c, i, k-1, gram.ErrLabels)
		}
	}
	return k, nil
}

func oneHot(y []int, k int) []int {
	out := make([]int, len(y)*k)
	for i, c := range y {
		out[i*k+c] = 1
	}
	return out
}

// repeat returns every weight k times.
func repeat(w []float64, k int) []float64 {
	if w == nil {
		return nil
	}
	out := make([]float64, 0, len(w)*k)
	for _, v := range w {
		for range k {
			out = append(out, v)
		}
	}
	return out
}
