package gram_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// blind hands on training rows of zeros but keeps all columns of later ones.
type blind struct{ err error }

func (b blind) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	_, d := X.Dims()
	return &headModel{d, d}, b.err
}

func (b blind) CrossFit(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, []float64, error) {
	n, d := X.Dims()
	return &headModel{d, d}, make([]float64, n*d), b.err
}

// spy notes the rows that it is trained on.
type spy struct{ rows *[]float64 }

func (s spy) note(X gram.Matrix) {
	n, d := X.Dims()
	for i := range n {
		for j := range d {
			*s.rows = append(*s.rows, X.At(i, j))
		}
	}
}

func (s spy) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	s.note(X)
	return centroid{}.Fit(ctx, X, y, w)
}

func (s spy) TrainRegressor(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Regressor, error) {
	s.note(X)
	_, d := X.Dims()
	return &lineModel{d: d}, nil
}

func (s spy) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	s.note(X)
	return blind{}.TrainTransformer(ctx, X, y, w)
}

// What comes after a CrossFitter is trained on its training rows, also when it stands
// inside another pipeline.
func TestPipelineCrossFits(t *testing.T) {
	X, y, targets := ramp(6, 3)
	zeros := make([]float64, 18)
	inner := gram.TransformerPipeline{Steps: []gram.TransformerTrainer{scale{}, blind{}}}
	for name, step := range map[string]gram.TransformerTrainer{"step": blind{}, "inner pipeline": inner} {
		steps := []gram.TransformerTrainer{step}
		for last, train := range map[string]func(s spy) error{
			"classifier": func(s spy) error {
				_, err := gram.ClassifierPipeline{Steps: steps, Last: s}.Fit(ctx, X, y, nil)
				return err
			},
			"regressor": func(s spy) error {
				_, err := gram.RegressorPipeline{Steps: steps, Last: s}.Fit(ctx, X, targets, nil)
				return err
			},
			"transformer": func(s spy) error {
				_, err := gram.TransformerPipeline{Steps: append(steps, s)}.Fit(ctx, X, targets, nil)
				return err
			},
		} {
			var rows []float64
			if err := train(spy{&rows}); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(rows, zeros) {
				t.Errorf("%s before a %s: trained on %v", name, last, rows)
			}
		}
	}
}

func TestCrossFit(t *testing.T) {
	X, _, _ := ramp(4, 2)
	m, Z, err := gram.CrossFit(ctx, blind{}, X, nil, nil)
	if err != nil || m.Features() != 2 || !slices.Equal(Z, make([]float64, 8)) {
		t.Errorf("a CrossFitter gives %v, %v", Z, err)
	}
	m, Z, err = gram.CrossFit(ctx, head{Columns: 2}, X, nil, nil)
	if err != nil || m.Features() != 2 || !slices.Equal(Z, linalg.CopyOf[float64](X).Data) {
		t.Errorf("another trainer gives %v, %v", Z, err)
	}
}

func TestCrossFitErrors(t *testing.T) {
	X, y, _ := ramp(4, 2)
	boom := errors.New("boom")
	limit := fmt.Errorf("3 iterations: %w", gram.ErrNotConverged)
	for _, c := range []struct {
		trainer gram.TransformerTrainer
		is      error
		text    string
		model   bool
	}{
		{stub{err: boom}, boom, "boom", false},
		{stub{model: &headModel{2, 2}, err: limit}, gram.ErrNotConverged, "3 iterations", true},
		{stub{model: &brittle{headModel{2, 2}, boom}, err: limit}, boom, "boom", false},
		{gram.TransformerPipeline{}, gram.ErrParam, "no steps", false},
		{gram.TransformerPipeline{Steps: []gram.TransformerTrainer{scale{}, blind{limit}}}, gram.ErrNotConverged, "step 1: 3 iterations", true},
	} {
		m, Z, err := gram.CrossFit(ctx, c.trainer, X, nil, nil)
		wantErr(t, err, c.is, c.text)
		if (m != nil) != c.model || (Z != nil) != c.model || errors.Is(err, gram.ErrNotConverged) != c.model {
			t.Errorf("%T: model %v, rows %v, error %v", c.trainer, m, Z, err)
		}
	}
	m, err := gram.ClassifierPipeline{Steps: []gram.TransformerTrainer{blind{limit}}, Last: centroid{}}.Fit(ctx, X, y, nil)
	wantErr(t, err, gram.ErrNotConverged, "step 0: 3 iterations")
	if m == nil {
		t.Error("no model")
	}
}
