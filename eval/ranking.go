package eval

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
)

// ErrDomain is the error of a value for which a score is not defined.
var ErrDomain = errors.New("value is outside the domain of the score")

// TopKAccuracy returns the share of the weight w, nil for all ones, of the rows whose
// label is among the k classes of the highest scores. score is n×K row-major,
// probabilities or any other; of equal scores that of the smaller class counts as
// higher, as in predictions. It is [Accuracy] for k = 1 and 1 for k = K.
//
// Errors: gram.ErrShape, gram.ErrLabels, gram.ErrWeights, gram.ErrNonFinite for a NaN,
// and gram.ErrParam for a k outside 1..K. O(n·K).
func TopKAccuracy(y []int, score []float64, k int, w []float64) (float64, error) {
	classes, err := columns(y, score, w)
	if err != nil {
		return 0, err
	}
	if k < 1 || k > classes {
		return 0, fmt.Errorf("top %d of %d classes: %w", k, classes, gram.ErrParam)
	}
	var right, total float64
	for i, label := range y {
		row := score[i*classes : (i+1)*classes]
		above := 0
		for c, s := range row {
			if math.IsNaN(s) {
				return 0, fmt.Errorf("score of class %d in row %d is NaN: %w", c, i, gram.ErrNonFinite)
			}
			if s > row[label] || s == row[label] && c < label {
				above++
			}
		}
		if above < k {
			right += weight(w, i)
		}
		total += weight(w, i)
	}
	return right / total, nil
}

// NDCG returns the normalized discounted cumulative gain of one query: items are put
// in the order of score, the item in place i = 1, 2, … adds relevance/log₂(1+i), over
// the first k places or all if k is 0, and the sum is divided by the largest that any
// order gives. Items of equal score share their places evenly. It is 1 for a perfect
// order and 0 if no item has any relevance.
//
// Relevances are gains: pass 2^r − 1 for the exponential form. Errors: gram.ErrShape
// for slices that are empty or of different lengths, [ErrDomain] for a relevance that
// is negative or not finite, gram.ErrNonFinite for a NaN score, gram.ErrParam for
// a negative k. O(n log n).
//
// Source: K. Järvelin, J. Kekäläinen, Cumulated gain-based evaluation of IR techniques,
// ACM TOIS 20 (2002); ties as F. McSherry, M. Najork, Computing information retrieval
// performance measures efficiently in the presence of tied scores, ECIR 2008.
func NDCG(relevance, score []float64, k int) (float64, error) {
	n := len(relevance)
	if n == 0 || len(score) != n {
		return 0, fmt.Errorf("%d relevances, %d scores: %w", n, len(score), gram.ErrShape)
	}
	if k < 0 {
		return 0, fmt.Errorf("first %d places: %w", k, gram.ErrParam)
	}
	for i, r := range relevance {
		if !(r >= 0 && r <= math.MaxFloat64) {
			return 0, fmt.Errorf("relevance of item %d is %v: %w", i, r, ErrDomain)
		}
		if math.IsNaN(score[i]) {
			return 0, fmt.Errorf("score of item %d is NaN: %w", i, gram.ErrNonFinite)
		}
	}
	if k == 0 || k > n {
		k = n
	}
	return ratio(dcg(relevance, score, k), dcg(relevance, relevance, k)), nil
}

// MeanNDCG returns the mean of [NDCG] over queries, weighted by w, nil for all ones.
// Errors: those of NDCG, naming the query, gram.ErrShape and gram.ErrWeights.
func MeanNDCG(relevance, score [][]float64, k int, w []float64) (float64, error) {
	if len(relevance) == 0 || len(relevance) != len(score) {
		return 0, fmt.Errorf("relevances of %d queries, scores of %d: %w", len(relevance), len(score), gram.ErrShape)
	}
	total, err := gram.CheckWeights(w, len(relevance))
	if err != nil {
		return 0, err
	}
	var sum float64
	for q := range relevance {
		v, err := NDCG(relevance[q], score[q], k)
		if err != nil {
			return 0, fmt.Errorf("query %d: %w", q, err)
		}
		sum += weight(w, q) * v
	}
	return sum / total, nil
}

// dcg returns the discounted gain of the first k places by descending score.
func dcg(relevance, score []float64, k int) float64 {
	order := ascending(len(score))
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(score[j], score[i]) })
	var sum float64
	for at := 0; at < k; {
		gain, discount, end := 0.0, 0.0, at
		for ; end < len(order) && score[order[end]] == score[order[at]]; end++ {
			gain += relevance[order[end]]
			if end < k {
				discount += 1 / math.Log2(float64(2+end))
			}
		}
		sum += gain / float64(end-at) * discount
		at = end
	}
	return sum
}
