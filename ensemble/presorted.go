package ensemble

import (
	"context"
	"fmt"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// presorted is a matrix whose columns have been sorted, for a tree that is trained on it
// again and again with other weights.
type presorted struct {
	gram.Operator
	sorted *sorted
}

// presort returns X, sorted if base is a tree that can make use of it.
func presort(ctx context.Context, base any, X gram.Matrix) (gram.Matrix, error) {
	t, ok := base.(Tree)
	if !ok || t.Bins > 0 {
		return X, nil
	}
	_, d := X.Dims()
	c, err := newConstraints(d, t.Categorical, t.Monotone, t.Interactions)
	if err != nil {
		return nil, fmt.Errorf("ensemble: %w", err)
	}
	s, err := newSorted(ctx, t.Workers, X, nil, c.categorical)
	if err != nil {
		return nil, err
	}
	return presorted{linalg.AsOperator(X), s}, nil
}
