package eval

import (
	"fmt"
	"slices"

	"github.com/gram-ml/gram"
)

// A ClassifierScore judges predictions of classes: what cross-validation reports and a
// search goes by. The functions below return those of this package, and any other is a
// literal.
type ClassifierScore struct {
	// Name is for people.
	Name string
	// Loss tells that less is better.
	Loss bool
	// Of returns the score of n rows with labels y, predictions pred, probabilities
	// proba, n×K row-major, and weights w, nil for all ones. It may be called from
	// several goroutines and must not keep or change the slices.
	Of func(y, pred []int, proba, w []float64) (float64, error)
}

// A RegressorScore judges predictions of targets; see [ClassifierScore].
type RegressorScore struct {
	Name string
	Loss bool
	Of   func(y, pred, w []float64) (float64, error)
}

// AccuracyScore is [Accuracy].
func AccuracyScore() ClassifierScore {
	return ClassifierScore{Name: "accuracy", Of: func(y, pred []int, _, w []float64) (float64, error) { return Accuracy(y, pred, w) }}
}

// LogLossScore is [LogLoss].
func LogLossScore() ClassifierScore {
	return ClassifierScore{Name: "log-loss", Loss: true, Of: func(y, _ []int, proba, w []float64) (float64, error) { return LogLoss(y, proba, w) }}
}

// BrierScore is [Brier].
func BrierScore() ClassifierScore {
	return ClassifierScore{Name: "Brier", Loss: true, Of: func(y, _ []int, proba, w []float64) (float64, error) { return Brier(y, proba, w) }}
}

// AUCScore is [AUC] of the probability of class 1 for two classes, and for more the
// macro average of [AUCOvR].
func AUCScore() ClassifierScore { return rankScore("AUC", AUC, AUCOvR) }

// AveragePrecisionScore is [AveragePrecision] of the probability of class 1 for two
// classes, and for more the macro average of [AveragePrecisionOvR].
func AveragePrecisionScore() ClassifierScore {
	return rankScore("average precision", AveragePrecision, AveragePrecisionOvR)
}

func rankScore(name string, two func(y []int, score, w []float64) (float64, error), more func(y []int, proba, w []float64, avg Average) (float64, error)) ClassifierScore {
	return ClassifierScore{Name: name, Of: func(y, _ []int, proba, w []float64) (float64, error) {
		if len(proba) == 2*len(y) {
			return two(y, column(proba, 2, 1), w)
		}
		return more(y, proba, w, Macro)
	}}
}

// TopKScore is [TopKAccuracy].
func TopKScore(k int) ClassifierScore {
	return ClassifierScore{Name: fmt.Sprintf("top-%d accuracy", k), Of: func(y, _ []int, proba, w []float64) (float64, error) {
		return TopKAccuracy(y, proba, k, w)
	}}
}

// BalancedAccuracyScore is [ConfusionMatrix.BalancedAccuracy].
func BalancedAccuracyScore() ClassifierScore {
	return confusionScore("balanced accuracy", (*ConfusionMatrix).BalancedAccuracy)
}

// MatthewsScore is [ConfusionMatrix.Matthews].
func MatthewsScore() ClassifierScore { return confusionScore("Matthews", (*ConfusionMatrix).Matthews) }

// KappaScore is [ConfusionMatrix.Kappa].
func KappaScore(d Disagreement) ClassifierScore {
	return confusionScore("kappa", func(c *ConfusionMatrix) float64 { return c.Kappa(d) })
}

// FBetaScore is [ConfusionMatrix.FBeta] of class 1 for two classes, and for more
// [ConfusionMatrix.MeanFBeta].
func FBetaScore(beta float64, avg Average) ClassifierScore {
	return classScore(fmt.Sprintf("F%g", beta),
		func(c *ConfusionMatrix) float64 { return c.FBeta(beta, 1) },
		func(c *ConfusionMatrix) float64 { return c.MeanFBeta(beta, avg) })
}

// PrecisionScore is [ConfusionMatrix.Precision] of class 1 for two classes, and for
// more [ConfusionMatrix.MeanPrecision].
func PrecisionScore(avg Average) ClassifierScore {
	return classScore("precision",
		func(c *ConfusionMatrix) float64 { return c.Precision(1) },
		func(c *ConfusionMatrix) float64 { return c.MeanPrecision(avg) })
}

// RecallScore is [ConfusionMatrix.Recall] of class 1 for two classes, and for more
// [ConfusionMatrix.MeanRecall].
func RecallScore(avg Average) ClassifierScore {
	return classScore("recall",
		func(c *ConfusionMatrix) float64 { return c.Recall(1) },
		func(c *ConfusionMatrix) float64 { return c.MeanRecall(avg) })
}

func classScore(name string, two, more func(*ConfusionMatrix) float64) ClassifierScore {
	return confusionScore(name, func(c *ConfusionMatrix) float64 {
		if c.Classes == 2 {
			return two(c)
		}
		return more(c)
	})
}

func confusionScore(name string, f func(*ConfusionMatrix) float64) ClassifierScore {
	return ClassifierScore{Name: name, Of: func(y, pred []int, proba, w []float64) (float64, error) {
		if len(y) == 0 {
			return 0, fmt.Errorf("no labels: %w", gram.ErrShape)
		}
		c, err := Confusion(max(len(proba)/len(y), slices.Max(y)+1), y, pred, w)
		if err != nil {
			return 0, err
		}
		return f(c), nil
	}}
}

// MSEScore is [MSE].
func MSEScore() RegressorScore { return RegressorScore{"MSE", true, MSE} }

// MAEScore is [MAE].
func MAEScore() RegressorScore { return RegressorScore{"MAE", true, MAE} }

// R2Score is [R2].
func R2Score() RegressorScore { return RegressorScore{"R²", false, R2} }

// PinballScore is [Pinball].
func PinballScore(q float64) RegressorScore {
	return RegressorScore{fmt.Sprintf("pinball loss at %g", q), true, func(y, pred, w []float64) (float64, error) { return Pinball(y, pred, w, q) }}
}

// TweedieScore is [TweedieDeviance].
func TweedieScore(power float64) RegressorScore {
	return RegressorScore{fmt.Sprintf("deviance of power %g", power), true, func(y, pred, w []float64) (float64, error) { return TweedieDeviance(y, pred, w, power) }}
}

// column returns column j of the n×k row-major x.
func column(x []float64, k, j int) []float64 {
	out := make([]float64, len(x)/k)
	for i := range out {
		out[i] = x[i*k+j]
	}
	return out
}

// Scores are the values of one score on several folds or repetitions.
type Scores []float64

// Mean returns the plain mean, NaN of none.
func (s Scores) Mean() float64 {
	mean, _ := meanStd(s)
	if len(s) == 0 {
		return nan
	}
	return mean
}

// Std returns the standard deviation, that of the population; NaN of none.
func (s Scores) Std() float64 {
	_, std := meanStd(s)
	if len(s) == 0 {
		return nan
	}
	return std
}
