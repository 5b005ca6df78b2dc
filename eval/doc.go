// Package eval holds what happens after a fit: scores, splits, cross-validation, search
// and thresholds.
//
// # Scores
//
// All take the labels or targets first, then the predictions, then sample weights, nil
// for all ones, where the theory has them: a weight of 2 is the same as a repeated row.
//
//	question                                               score
//	how often is the decision right, all classes alike?    Accuracy
//	… when some classes are rare?                          ConfusionMatrix.BalancedAccuracy, Matthews, Kappa
//	… of a class: false alarms, misses, both?              ConfusionMatrix.Precision, Recall, FBeta
//	… of many classes in one number?                       ConfusionMatrix.MeanFBeta with Macro, Micro, Weighted
//	… among the best k guesses?                            TopKAccuracy
//	are the probabilities good?                            LogLoss; Brier where a wrong certainty may happen
//	are they true?                                         Calibrate, Calibration.ECE
//	is the order good?                                     AUC, AUCOvR, AUCOvO
//	is the top of the order good, or a class rare?         AveragePrecision, Cuts.PrecisionRecall
//	what do the first 10 % get?                            Cuts.Gain, Cuts.Lift
//	is a ranked list good, with degrees of relevance?      NDCG
//	how far are predictions off: means?                    MSE, R2
//	… medians, quantiles?                                  MAE, Pinball
//	… counts, amounts?                                     PoissonDeviance, GammaDeviance, TweedieDeviance
//	are clusters compact and apart?                        Silhouette
//	are two groupings the same?                            AdjustedRand, AdjustedMutualInfo
//
// With labels y, predictions ŷ, probabilities p and weights w,
//
//	Accuracy          Σ wᵢ[ŷᵢ = yᵢ] / Σ wᵢ
//	LogLoss           −Σ wᵢ log p(i, yᵢ) / Σ wᵢ
//	precision, recall TP/(TP+FP), TP/(TP+FN)
//	FBeta             (1+β²)·P·R/(β²·P + R)
//	AUC               P(score⁺ > score⁻) + ½·P(score⁺ = score⁻)
//	AveragePrecision  Σ (Rᵢ − Rᵢ₋₁)·Pᵢ over the distinct scores from the highest down
//	R2                1 − Σ w(y−ŷ)²/Σ w(y−ȳ)²
//
// Scores are defined at their edges: no share of nothing is NaN, and each comment says
// what it is instead, or that there is an error.
//
// [Bootstrap] says how sure a score is, and [McNemar] whether one classifier is better
// than another on the same rows.
//
// # Splits
//
// A [Splitter] says which rows to train on and which to test on. Splits depend on their
// fields, the number of rows and the labels, and on nothing else.
//
//	rows are                                   use
//	of classes                                 StratifiedKFold, RepeatedKFold to lessen chance
//	with targets                               KFold
//	several of one patient, user, document     GroupKFold, StratifiedGroupKFold
//	in the order of time                       TimeSeries
//	very few                                   LeaveOneOut
//	very many                                  TrainTestSplit, ShuffleSplit
//
// Shuffle when the order of the rows means something, as in data sorted by class; not for
// series in time.
//
// # Cross-validation and search
//
// [CrossValidate] fits a trainer on each fold and scores it on the rows it has not seen.
// Give it the whole pipeline, scaling included: what is learned from the test rows
// before the split makes scores look better than they are. [ClassifierSearch] and
// [RegressorSearch] choose among trainers in the same way, so that this kind of leak takes
// an effort. A space of hyperparameters is a function:
//
//	search := eval.ClassifierSearch{
//		Space: func(p *eval.Params) gram.ClassifierTrainer {
//			return gram.ClassifierPipeline{
//				Steps: []gram.TransformerTrainer{prep.Standard{}},
//				Last:  linear.Softmax{C: eval.Choose(p, "C", 0.01, 0.1, 1, 10)},
//			}
//		},
//		Score: eval.LogLossScore(),
//	}
//
// A search is a trainer, and the score of its best candidate is the best of many:
// [ClassifierValidator.Nested] cross-validates the whole search for an honest one.
// Learning curves say whether more rows would help, validation curves how a
// hyperparameter acts, and permutation importance ([ClassifierImportance]) what a model
// looks at.
//
// # Thresholds
//
// A classifier decides at a probability of ½, which is rarely where it pays.
// [TunedThreshold] chooses the threshold by F-beta, Youden's J, the recall at a least
// precision, or costs, on cross-validated probabilities.
//
// # Sources
//
//   - T. Hastie, R. Tibshirani, J. Friedman, "The Elements of Statistical Learning", 2nd
//     edition, Springer 2009, sections 7.10 and 7.10.2: cross-validation done wrong and
//     right.
//   - T. Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27 (2006).
//   - T. Gneiting, A. Raftery, Strictly proper scoring rules, prediction, and estimation,
//     JASA 102 (2007): which scores reward true probabilities.
package eval
