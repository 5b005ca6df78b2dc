// Package eval holds what happens after a fit: scores, splits and cross-validation.
//
// # Scores
//
// For labels y, predictions ŷ, probabilities p and sample weights w,
//
//	Accuracy = Σ wᵢ[ŷᵢ = yᵢ] / Σ wᵢ
//	LogLoss  = −Σ wᵢ log p(i, yᵢ) / Σ wᵢ
//
// [Accuracy] says how often the decision is right and is blind to confidence and to
// rare classes. [LogLoss] judges the probabilities, and is what to look at when they
// are used as such. [ConfusionMatrix] says which classes are taken for which, with
// precision, recall and F1 of each.
//
// # Splits
//
// A [Splitter] says which rows to train on and which to test on. [StratifiedKFold] keeps
// the classes in proportion and is the choice for classification; [KFold] ignores them;
// [TrainTestSplit] holds out one part. Shuffle when the order of the rows means something,
// as in data sorted by class; not for series in time. Splits depend on their fields, the
// number of rows and the labels, and on nothing else.
//
// [CrossValidate] fits a trainer on each fold and scores it on the rows it has not seen.
// Give it the whole pipeline, scaling included: what is learned from the test rows
// before the split makes scores look better than they are.
//
// Source: T. Hastie, R. Tibshirani, J. Friedman, "The Elements of Statistical Learning",
// 2nd edition, Springer 2009, sections 7.10 and 7.10.2.
package eval
