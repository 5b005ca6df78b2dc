// Package gram is the meeting place of a library of classical machine learning
// that trains and serves inside a Go program, without cgo and as fast as the C
// and C++ libraries that do the same.
//
// It holds the two words that everything else is made of, and no algorithm:
//
//   - A [Matrix] is anything with a shape and elements; every gonum matrix is one.
//     Small optional interfaces beside it ([RowViewer], [RowBlocker], [FiniteChecker], [Operator])
//     make it fast.
//   - A [Model] is what a fit returned: a [Classifier], [Regressor], [Transformer]
//     or [Scorer]. It is immutable and safe for concurrent use.
//
// A trainer is a plain struct of hyperparameters in one of the packages below
// this one. Its zero value trains with documented defaults:
//
//	m, err := linear.Softmax{C: 10}.Fit(ctx, X, y, nil)
//	p, err := m.PredictProba(nil, Xtest)
//
// What composes models takes trainers through interfaces ([ClassifierTrainer] and
// its kin), so a [ClassifierPipeline] or a cross-validation needs no factories.
//
// [Save] and [Load] write and read any model whose package is imported, exactly
// and safely.
//
// Errors about data wrap [ErrShape], [ErrNonFinite] and the like and say which
// row, column or length is at fault. Nothing in this package panics on data.
//
// Packages of models, here and elsewhere, find the checks that all make in
// [CheckMatrix] and its kin, add their formats by [Register], and run their trainers
// through package modeltest.
package gram
