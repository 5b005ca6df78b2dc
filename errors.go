package gram

import "errors"

// Errors about data. What is returned wraps one of these, with the numbers that
// explain it in its text; test with errors.Is.
var (
	// ErrShape: lengths or dimensions that do not fit together, or empty data.
	ErrShape = errors.New("shapes do not fit")
	// ErrNonFinite: a NaN or an infinity where a finite number is needed.
	ErrNonFinite = errors.New("value is not finite")
	// ErrLabels: class labels outside 0..K−1, or fewer than two classes.
	ErrLabels = errors.New("invalid class labels")
	// ErrTargets: targets outside the range that the model is about.
	ErrTargets = errors.New("invalid targets")
	// ErrWeights: negative or non-finite weights, or none above zero.
	ErrWeights = errors.New("invalid weights")
	// ErrParam: a hyperparameter outside its range.
	ErrParam = errors.New("invalid hyperparameter")
	// ErrSingular: a system that has no unique solution.
	ErrSingular = errors.New("matrix is singular")
	// ErrSeparable: perfectly separable classes with no penalty, so that no
	// finite optimum exists.
	ErrSeparable = errors.New("classes are perfectly separable")
	// ErrNotConverged: the iteration limit came before the tolerance.
	ErrNotConverged = errors.New("not converged")
	// ErrFormat: bytes that are not a saved model, or a damaged one.
	ErrFormat = errors.New("invalid model data")
)
