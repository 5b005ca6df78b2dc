package mle

import (
	"context"
	"fmt"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// Density fits a family to the one column of X, for what takes a gram.ScorerTrainer. Its model is an
// [Estimate]. The zero value fits a [Normal].
type Density struct {
	// Family is what is fitted; nil means Normal.
	Family Family
}

var _ gram.ScorerTrainer = Density{}

// Fit is the function [Fit] for the values in X, n×1. Errors are those of [Statistics.Add] and
// [Statistics.Fit], and ErrShape for an X of several columns.
func (t Density) Fit(ctx context.Context, X gram.Matrix, w []float64) (*Estimate, error) {
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	if d != 1 {
		return nil, fmt.Errorf("X has %d columns, a density of numbers takes 1: %w", d, gram.ErrShape)
	}
	if _, err := gram.CheckWeights(w, n); err != nil {
		return nil, err
	}
	f := t.Family
	if f == nil {
		f = Normal{}
	}
	x := make([]float64, n)
	block, stride := linalg.AsOperator(X).RowBlock(make([]float64, n), 0, n)
	for i := range x {
		x[i] = block[i*stride]
	}
	return Fit(ctx, f, x, w)
}

// TrainScorer calls Fit.
func (t Density) TrainScorer(ctx context.Context, X gram.Matrix, w []float64) (gram.Scorer, error) {
	e, err := t.Fit(ctx, X, w)
	if e == nil {
		return nil, err
	}
	return e, err
}
