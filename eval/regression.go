package eval

import (
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// MSE returns the mean of (y − pred)² by the weights w, nil for all ones: the score
// that the mean minimises. Its root has the unit of y.
//
// Errors, those of all scores of targets: gram.ErrShape for slices that are empty or of
// different lengths, gram.ErrNonFinite, naming the row, gram.ErrWeights. O(n).
func MSE(y, pred, w []float64) (float64, error) {
	return meanLoss(y, pred, w, func(y, p float64) float64 { return (y - p) * (y - p) })
}

// MAE returns the mean of |y − pred| by the weights w, nil for all ones: the score that
// the median minimises. Errors are those of [MSE]. O(n).
func MAE(y, pred, w []float64) (float64, error) {
	return meanLoss(y, pred, w, func(y, p float64) float64 { return math.Abs(y - p) })
}

// Pinball returns the mean by the weights w, nil for all ones, of q·(y − pred) where
// pred is too low and (1−q)·(pred − y) where it is too high: the score that the
// q-quantile minimises. For q = ½ it is half of [MAE].
//
// Errors: those of [MSE], and gram.ErrParam for a q outside [0, 1]. O(n).
func Pinball(y, pred, w []float64, q float64) (float64, error) {
	if !(q >= 0 && q <= 1) {
		return 0, fmt.Errorf("quantile %v is not in [0, 1]: %w", q, gram.ErrParam)
	}
	return meanLoss(y, pred, w, func(y, p float64) float64 {
		if y >= p {
			return q * (y - p)
		}
		return (1 - q) * (p - y)
	})
}

// R2 returns the coefficient of determination 1 − Σw(y − pred)²/Σw(y − ȳ)²: 1 for
// perfect predictions, 0 for those of the mean, and below 0 for worse. For constant y
// it is 1 if the predictions are perfect and otherwise 0. Errors are those of [MSE].
// O(n).
func R2(y, pred, w []float64) (float64, error) {
	total, err := checkPredictions(y, pred, w)
	if err != nil {
		return 0, err
	}
	var mean, residual, spread float64
	for i, v := range y {
		mean += weight(w, i) * v
	}
	mean /= total
	constant := true
	for i, v := range y {
		wi := weight(w, i)
		residual += wi * (v - pred[i]) * (v - pred[i])
		spread += wi * (v - mean) * (v - mean)
		constant = constant && (v == y[0] || wi == 0)
	}
	switch {
	case residual == 0:
		return 1, nil
	case constant || spread == 0:
		return 0, nil
	}
	return 1 - residual/spread, nil
}

// TweedieDeviance returns the mean deviance by the weights w, nil for all ones, of the
// Tweedie distribution whose variance is the mean to the given power: 0 is [MSE], 1 the
// Poisson deviance 2·(y·log(y/p) − y + p) for counts, 2 the gamma deviance
// 2·(log(p/y) + y/p − 1) for positive amounts, between 1 and 2 a compound for amounts
// that are often 0, 3 the inverse Gaussian. It is 0 for perfect predictions. In general
//
//	2·(max(y,0)^(2−power)/((1−power)(2−power)) − y·p^(1−power)/(1−power) + p^(2−power)/(2−power))
//
// Errors: those of [MSE]; gram.ErrParam for a power in (0, 1) or not finite, for which
// no such distribution exists; [ErrDomain], naming the row: predictions must be above
// 0 but for power 0, and targets at least 0 for powers from 1 and above 0 from 2. O(n).
//
// Source: B. Jørgensen, The Theory of Dispersion Models, Chapman & Hall 1997.
func TweedieDeviance(y, pred, w []float64, power float64) (float64, error) {
	if power-power != 0 || power > 0 && power < 1 {
		return 0, fmt.Errorf("Tweedie deviance of power %v: %w", power, gram.ErrParam)
	}
	if _, err := checkPredictions(y, pred, w); err != nil {
		return 0, err
	}
	for i, p := range pred {
		if power != 0 && p <= 0 {
			return 0, fmt.Errorf("prediction of row %d is %v, not above 0: %w", i, p, ErrDomain)
		}
		if power >= 1 && y[i] < 0 || power >= 2 && y[i] == 0 {
			return 0, fmt.Errorf("target of row %d is %v: %w", i, y[i], ErrDomain)
		}
	}
	return meanLoss(y, pred, w, tweedie(power))
}

// PoissonDeviance is [TweedieDeviance] of power 1.
func PoissonDeviance(y, pred, w []float64) (float64, error) { return TweedieDeviance(y, pred, w, 1) }

// GammaDeviance is [TweedieDeviance] of power 2.
func GammaDeviance(y, pred, w []float64) (float64, error) { return TweedieDeviance(y, pred, w, 2) }

// tweedie returns the unit deviance.
func tweedie(power float64) func(y, p float64) float64 {
	switch power {
	case 0:
		return func(y, p float64) float64 { return (y - p) * (y - p) }
	case 1:
		return func(y, p float64) float64 {
			if y == 0 {
				return 2 * p
			}
			return 2 * (y*math.Log(y/p) - y + p)
		}
	case 2:
		return func(y, p float64) float64 { return 2 * (math.Log(p/y) + y/p - 1) }
	}
	a, b := 1-power, 2-power
	return func(y, p float64) float64 {
		return 2 * (math.Pow(max(y, 0), b)/(a*b) - y*math.Pow(p, a)/a + math.Pow(p, b)/b)
	}
}

func meanLoss(y, pred, w []float64, loss func(y, pred float64) float64) (float64, error) {
	total, err := checkPredictions(y, pred, w)
	if err != nil {
		return 0, err
	}
	var sum float64
	for i, v := range y {
		sum += weight(w, i) * loss(v, pred[i])
	}
	return sum / total, nil
}

// checkPredictions checks targets, predictions and weights and returns the sum of the
// weights.
func checkPredictions(y, pred, w []float64) (float64, error) {
	if len(y) != len(pred) || len(y) == 0 {
		return 0, fmt.Errorf("%d targets, %d predictions: %w", len(y), len(pred), gram.ErrShape)
	}
	for i, v := range y {
		if v-v != 0 {
			return 0, fmt.Errorf("target of row %d is %v: %w", i, v, gram.ErrNonFinite)
		}
		if pred[i]-pred[i] != 0 {
			return 0, fmt.Errorf("prediction of row %d is %v: %w", i, pred[i], gram.ErrNonFinite)
		}
	}
	return gram.CheckWeights(w, len(y))
}
