// Package modeltest runs any trainer and its models through the rules that hold for
// all of gram: one call in a test of the package that declares the trainer.
//
//	func TestConformance(t *testing.T) {
//		modeltest.Check(t, linear.Softmax{})
//		modeltest.Check(t, ensemble.Forest{Trees: 10},
//			modeltest.Skip("repeats", "bootstrap samples depend on the number of rows"))
//	}
//
// [Check] takes the trainer as each of gram.ClassifierTrainer, RegressorTrainer,
// TransformerTrainer and ScorerTrainer that it is, and tests these properties, each
// a subtest of that name, on small random data:
//
//	fit          it trains: a model with the right counts and finite predictions
//	trainer      a fit leaves the trainer as it was
//	inputs       fits and predictions leave X, y, w and rows as they were
//	references   the model does not change with the data it was trained on
//	matrices     every kind of matrix trains and predicts alike
//	workers      bit-identical for any Workers, GOMAXPROCS and repetition
//	repeats      a weight of 3 is a row that is there three times
//	dropped      a weight of 0 is a row that is not there
//	ones         no weights are weights of 1
//	batch        batch methods return what row methods do
//	dst          nil allocates, the right length is filled, another is ErrShape
//	rows         no rows give no results and no error
//	features     another number of features is ErrShape, with both numbers
//	nan          a NaN at prediction gives a result or ErrNonFinite, no panic
//	proba        probabilities lie in [0, 1] and sum to 1
//	argmax       Predict is the most probable class
//	allocs       row methods do not allocate (not tested under the race detector)
//	concurrent   a model may be used by many goroutines (let the race detector watch)
//	save         what was saved and loaded predicts the same bits
//	damage       truncated and altered files are ErrFormat
//	hostile      altered files with a right checksum neither panic nor take memory
//	cancelled    a cancelled context ends the fit, at once or at the next iteration
//	progress     Progress, if there is such a field, hears of every iteration
//	limit        MaxIter of 1, if there is such a field, is ErrNotConverged and a model
//	empty        X without rows or columns is ErrShape
//	ragged       y or w of another length than X has rows is ErrShape
//	labels       one class, a class without rows, a negative label: ErrLabels
//	nonfinite    NaN and infinities in X are ErrNonFinite, with row and column
//	targets      NaN and infinities in y are ErrNonFinite, with the row
//	weights      negative, NaN, infinite and all-zero weights are ErrWeights
//
// Properties that cannot hold for a trainer are left out by [Skip], with the reason.
package modeltest
