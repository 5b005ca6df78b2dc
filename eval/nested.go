package eval

import (
	"context"

	"github.com/gram-ml/gram"
)

// Nested is nested cross-validation: it runs the search on the training rows of each
// fold and scores the model that it chose on the test rows, which the search has not
// seen. It returns, beside the scores, what each search found. Splitters of the search
// that are [Subsetter]s are cut to the training rows.
//
// Errors are those of [ClassifierValidator.CrossValidate], of the search with the
// number of the fold.
func (v ClassifierValidator) Nested(ctx context.Context, search ClassifierSearch, X gram.Matrix, y []int, w []float64) (*CrossValidation, []*SearchResult[gram.ClassifierTrainer, gram.Classifier], error) {
	split, err := v.split(y)
	if err != nil {
		return nil, nil, err
	}
	found := make([]*SearchResult[gram.ClassifierTrainer, gram.Classifier], len(split))
	cv, err := v.crossValidate(ctx, func(fold int, rows []int) gram.ClassifierTrainer {
		search := search
		search.Folds = subset(search.Folds, rows)
		return recorded{search, &found[fold]}
	}, X, y, w)
	if cv == nil {
		return nil, nil, err
	}
	return cv, found, err
}

// recorded is a search that keeps what it found.
type recorded struct {
	search ClassifierSearch
	found  **SearchResult[gram.ClassifierTrainer, gram.Classifier]
}

func (r recorded) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	result, err := r.search.Fit(ctx, X, y, w)
	if result == nil {
		return nil, err
	}
	*r.found = result
	return result.Model, err
}

// Nested is [ClassifierValidator.Nested] for regressors.
func (v RegressorValidator) Nested(ctx context.Context, search RegressorSearch, X gram.Matrix, y, w []float64) (*RegressorValidation, []*SearchResult[gram.RegressorTrainer, gram.Regressor], error) {
	split, err := v.split(len(y))
	if err != nil {
		return nil, nil, err
	}
	found := make([]*SearchResult[gram.RegressorTrainer, gram.Regressor], len(split))
	cv, err := v.crossValidate(ctx, func(fold int, rows []int) gram.RegressorTrainer {
		search := search
		search.Folds = subset(search.Folds, rows)
		return recordedRegressor{search, &found[fold]}
	}, X, y, w)
	if cv == nil {
		return nil, nil, err
	}
	return cv, found, err
}

type recordedRegressor struct {
	search RegressorSearch
	found  **SearchResult[gram.RegressorTrainer, gram.Regressor]
}

func (r recordedRegressor) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	result, err := r.search.Fit(ctx, X, y, w)
	if result == nil {
		return nil, err
	}
	*r.found = result
	return result.Model, err
}
