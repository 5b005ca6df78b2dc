package gram

import "context"

// CrossFit trains a transformer and returns it with the training rows for what is
// trained next, n×OutFeatures row-major: by the trainer's own CrossFit if it is a
// [CrossFitter], and otherwise by the model's Transform. Pipelines train their
// steps by it, and so should everything else that trains a model on transformed rows.
//
// An error that wraps [ErrNotConverged] comes with both results, any other with none.
func CrossFit(ctx context.Context, trainer TransformerTrainer, X Matrix, y, w []float64) (Transformer, []float64, error) {
	if c, ok := trainer.(CrossFitter); ok {
		return c.CrossFit(ctx, X, y, w)
	}
	t, limit := trainer.TrainTransformer(ctx, X, y, w)
	if fatal(limit) {
		return nil, nil, limit
	}
	Z, err := t.Transform(nil, X)
	if err != nil {
		return nil, nil, err
	}
	return t, Z, limit
}
