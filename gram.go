package gram

import "context"

// A Matrix has a shape and elements. Rows are samples, columns are features.
//
// Every gonum mat.Matrix of real numbers is a Matrix. Algorithms look once, at
// their entrance, for the faster interfaces below and otherwise fall back to At,
// so a type with these two methods alone is always accepted and always right.
type Matrix interface {
	// Dims returns the number of rows (samples) and columns (features).
	Dims() (rows, cols int)
	// At returns the element in row i and column j; it panics outside the shape.
	At(i, j int) float64
}

// A RowViewer hands out its rows without copying. The view has length cols, is
// valid until the matrix changes and must not be written to. *mat.Dense is one.
type RowViewer interface {
	Matrix
	RawRowView(i int) []float64
}

// A RowBlocker hands out consecutive rows as dense row-major float64, the form
// that kernels work on.
type RowBlocker interface {
	Matrix
	// RowBlock returns rows lo ≤ i < hi: element (i, j) is block[(i-lo)*stride+j].
	// The block may alias the matrix's own memory and must not be written to.
	// A matrix stored otherwise converts into buf, of length at least
	// (hi-lo)·cols, and returns that.
	RowBlock(buf []float64, lo, hi int) (block []float64, stride int)
}

// A FiniteChecker knows how to look for NaN and infinities in its elements faster
// than by reading them all; sparse matrices do. [CheckMatrix] asks it.
type FiniteChecker interface {
	Matrix
	// FirstNonFinite returns the position of the first element, row by row, that is
	// NaN or infinite, if there is one.
	FirstNonFinite() (row, col int, found bool)
}

// An Operator is a Matrix that multiplies: all that iterative methods need of X.
// linalg.AsOperator makes one of any Matrix, and sparse types are Operators of
// their own, so one algorithm serves dense and sparse input. The methods may be
// called concurrently.
type Operator interface {
	RowBlocker
	// MulRows sets dst, (hi-lo)×k row-major, to X[lo:hi]·B, where b holds B,
	// cols×k row-major. O((hi-lo)·cols·k), or of the non-zeros alone.
	MulRows(dst []float64, lo, hi int, b []float64, k int)
	// AddTransMulRows adds X[lo:hi]ᵀ·G to dst, cols×k row-major, where g holds G,
	// (hi-lo)×k row-major. The same cost.
	AddTransMulRows(dst []float64, lo, hi int, g []float64, k int)
}

// A Model is what a fit returns: immutable, safe for concurrent use, free of
// references to the training data, and saveable by [Save].
type Model interface {
	// Features returns the number of columns that rows given to the model have.
	Features() int
}

// A Classifier assigns rows to classes 0..K−1.
//
// Batch methods write to dst: nil allocates, otherwise its length must fit, and
// dst is returned. Row methods allocate nothing.
type Classifier interface {
	Model
	// Classes returns K, at least 2.
	Classes() int
	// Predict returns the most probable class of each of the n rows; ties go to
	// the smaller class. len(dst) is n.
	Predict(dst []int, X Matrix) ([]int, error)
	// PredictProba returns the probabilities of the classes, n×K row-major.
	PredictProba(dst []float64, X Matrix) ([]float64, error)
	// PredictRow returns the most probable class of one row.
	PredictRow(x []float64) (int, error)
	// PredictProbaRow sets dst, of length K, to the probabilities for one row.
	PredictProbaRow(dst, x []float64) error
}

// A Regressor predicts a real target. Conventions are those of [Classifier].
type Regressor interface {
	Model
	// Predict returns the prediction for each of the n rows. len(dst) is n.
	Predict(dst []float64, X Matrix) ([]float64, error)
	// PredictRow returns the prediction for one row.
	PredictRow(x []float64) (float64, error)
}

// A Transformer maps rows to rows. Conventions are those of [Classifier].
type Transformer interface {
	Model
	// OutFeatures returns the number of columns of a transformed row.
	OutFeatures() int
	// Transform returns the transformed rows, n×OutFeatures row-major.
	Transform(dst []float64, X Matrix) ([]float64, error)
	// TransformRow sets dst, of length OutFeatures, to the transform of x.
	// dst and x must not overlap unless they are the same slice.
	TransformRow(dst, x []float64) error
}

// A Scorer gives the log-density of rows, in nats. Conventions are those of [Classifier].
type Scorer interface {
	Model
	// LogDensity returns the log-density at each of the n rows. len(dst) is n.
	LogDensity(dst []float64, X Matrix) ([]float64, error)
	// LogDensityRow returns the log-density at one row.
	LogDensityRow(x []float64) (float64, error)
}

// A ClassifierTrainer fits a Classifier to rows X with labels y in 0..K−1 and
// sample weights w ≥ 0, nil for all ones. Trainers are plain values: a fit does
// not change them. The concrete trainers' Fit methods return concrete models.
//
// A trainer returns a model together with an error only if the error wraps
// [ErrNotConverged]: the model is the last iterate and usable. After any other error
// the model means nothing; it may be an interface that holds a nil pointer.
type ClassifierTrainer interface {
	TrainClassifier(ctx context.Context, X Matrix, y []int, w []float64) (Classifier, error)
}

// A RegressorTrainer fits a Regressor to rows X with targets y.
// Conventions are those of [ClassifierTrainer].
type RegressorTrainer interface {
	TrainRegressor(ctx context.Context, X Matrix, y, w []float64) (Regressor, error)
}

// A TransformerTrainer fits a Transformer. Supervised transformers read y, which
// holds targets or class labels as floats; others ignore it, and it may be nil.
type TransformerTrainer interface {
	TrainTransformer(ctx context.Context, X Matrix, y, w []float64) (Transformer, error)
}

// A CrossFitter is a TransformerTrainer that hands on its own training rows otherwise
// than its model transforms later ones. A transformer that learns from targets has
// seen those of its training rows; what is trained on its transform of them trusts
// it more than new rows deserve. prep.Target is one.
type CrossFitter interface {
	TransformerTrainer
	// CrossFit trains as TrainTransformer does and returns, beside the same model, the
	// training rows, n×OutFeatures row-major, each transformed without its own target.
	CrossFit(ctx context.Context, X Matrix, y, w []float64) (Transformer, []float64, error)
}

// A ScorerTrainer fits a Scorer.
type ScorerTrainer interface {
	TrainScorer(ctx context.Context, X Matrix, w []float64) (Scorer, error)
}

// A Fold says which rows to train on and which to test on.
type Fold struct {
	Train, Test []int
}

// A Splitter divides n rows into folds. y holds their labels 0..K−1; splitters that
// do not look at labels accept nil. Package eval has the usual ones.
type Splitter interface {
	Split(n int, y []int) ([]Fold, error)
}

// Progress is what an iterating fit tells the optional callback of its trainer,
// once an iteration, on the goroutine that called Fit.
type Progress struct {
	// Iteration counts from 1; Limit is the most there can be.
	Iteration, Limit int
	// Objective is the current value of what is minimised, NaN where there is none.
	Objective float64
	// Residual is what the stopping test looks at (a gradient norm, a duality
	// gap) and Tolerance what it must come down to.
	Residual, Tolerance float64
}

// Convergence reports how an iterative fit ended.
type Convergence struct {
	// Solver names the algorithm that ran.
	Solver string
	// Iterations counts the outer iterations.
	Iterations int
	// Objective is the final value of the minimised function.
	Objective float64
	// Residual is the final gradient norm or duality gap, as the trainer's
	// documentation says, and Tolerance the bound it was held against.
	Residual, Tolerance float64
	// Converged tells whether Residual ≤ Tolerance.
	Converged bool
}
