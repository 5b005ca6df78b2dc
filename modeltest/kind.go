package modeltest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/gram-ml/gram"
)

// A kind is one of the four kinds of trainers, in a form that properties can be
// written for once.
type kind struct {
	name string
	// train calls the trainer's method with what it needs of d, but with X.
	train func(ctx context.Context, trainer any, X gram.Matrix, d Data, w []float64) (gram.Model, error)
	// methods returns the predicting methods of a model.
	methods    func(m gram.Model) []method
	properties []property // beyond the universal ones
}

// kindsOf returns the kinds that trainer is.
func kindsOf(trainer any) []kind {
	var kinds []kind
	if _, ok := trainer.(gram.ClassifierTrainer); ok {
		kinds = append(kinds, classifier)
	}
	if _, ok := trainer.(gram.RegressorTrainer); ok {
		kinds = append(kinds, regressor)
	}
	if _, ok := trainer.(gram.TransformerTrainer); ok {
		kinds = append(kinds, transformer)
	}
	if _, ok := trainer.(gram.ScorerTrainer); ok {
		kinds = append(kinds, scorer)
	}
	return kinds
}

// Names of the kinds that some properties know.
const (
	classifierName = "Classifier"
	regressorName  = "Regressor"
)

var classifier = kind{
	name:       classifierName,
	properties: ofClassifiers,
	train: func(ctx context.Context, trainer any, X gram.Matrix, d Data, w []float64) (gram.Model, error) {
		return trainer.(gram.ClassifierTrainer).TrainClassifier(ctx, X, d.Labels, w)
	},
	methods: func(model gram.Model) []method {
		m := model.(gram.Classifier)
		return []method{
			call[float64]{"PredictProba", m.Classes(), m.PredictProba, m.PredictProbaRow, true},
			call[int]{"Predict", 1, m.Predict, single(m.PredictRow), false},
		}
	},
}

var regressor = kind{
	name:       regressorName,
	properties: ofRegressors,
	train: func(ctx context.Context, trainer any, X gram.Matrix, d Data, w []float64) (gram.Model, error) {
		return trainer.(gram.RegressorTrainer).TrainRegressor(ctx, X, d.Targets, w)
	},
	methods: func(model gram.Model) []method {
		m := model.(gram.Regressor)
		return []method{call[float64]{"Predict", 1, m.Predict, single(m.PredictRow), false}}
	},
}

var transformer = kind{
	name: "Transformer",
	train: func(ctx context.Context, trainer any, X gram.Matrix, d Data, w []float64) (gram.Model, error) {
		return trainer.(gram.TransformerTrainer).TrainTransformer(ctx, X, d.supervision(), w)
	},
	methods: func(model gram.Model) []method {
		m := model.(gram.Transformer)
		return []method{call[float64]{"Transform", m.OutFeatures(), m.Transform, m.TransformRow, true}}
	},
}

var scorer = kind{
	name: "Scorer",
	train: func(ctx context.Context, trainer any, X gram.Matrix, d Data, w []float64) (gram.Model, error) {
		return trainer.(gram.ScorerTrainer).TrainScorer(ctx, X, w)
	},
	methods: func(model gram.Model) []method {
		m := model.(gram.Scorer)
		return []method{call[float64]{"LogDensity", 1, m.LogDensity, single(m.LogDensityRow), false}}
	},
}

// single gives a method that returns one result the form of those that write to dst.
func single[T any](f func([]float64) (T, error)) func([]T, []float64) error {
	return func(dst []T, x []float64) (err error) {
		dst[0], err = f(x)
		return err
	}
}

// A method is a predicting method of a model, the batch and the row form.
type method interface {
	String() string
	// results is the number of results of a row.
	results() int
	// discrete tells whether results are classes, which jump where others differ a
	// little.
	discrete() bool
	// all returns the results for all rows, as floats.
	all(X gram.Matrix) ([]float64, error)
	// row returns those for one row.
	row(x []float64) ([]float64, error)
	// dstRule returns how the batch or row method breaks the rule for dst.
	dstRule(X gram.Matrix) error
	// validClasses returns which of the results is no class of m, if they are classes.
	validClasses(results []float64, m gram.Model) error
	// allocs returns how often the row form allocates.
	allocs(x []float64) float64
}

// call is the method of results of type T.
type call[T int | float64] struct {
	name   string
	k      int
	batch  func(dst []T, X gram.Matrix) ([]T, error)
	into   func(dst []T, x []float64) error
	rowDst bool // the row form has a dst of its own
}

func (c call[T]) String() string { return c.name }
func (c call[T]) results() int   { return c.k }
func (c call[T]) discrete() bool { return any(T(0)) == any(int(0)) }

func (c call[T]) all(X gram.Matrix) ([]float64, error) {
	got, err := c.batch(nil, X)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	if n, _ := X.Dims(); len(got) != n*c.k {
		return nil, fmt.Errorf("%s returns %d results for %d rows, want %d", c.name, len(got), n, n*c.k)
	}
	return floats(got), nil
}

func (c call[T]) row(x []float64) ([]float64, error) {
	dst := make([]T, c.k)
	if err := c.into(dst, x); err != nil {
		return nil, fmt.Errorf("%sRow: %w", c.name, err)
	}
	return floats(dst), nil
}

func (c call[T]) dstRule(X gram.Matrix) error {
	want, err := c.batch(nil, X)
	if err != nil {
		return fmt.Errorf("%s with dst nil: %w", c.name, err)
	}
	dst := make([]T, len(want))
	for i := range dst {
		dst[i] = 77 // a batch that adds to dst, or skips some of it, shows
	}
	got, err := c.batch(dst, X)
	if err != nil {
		return fmt.Errorf("%s with dst of the right length: %w", c.name, err)
	}
	if len(got) != len(dst) || &got[0] != &dst[0] {
		return fmt.Errorf("%s returns another slice than dst", c.name)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("%s with dst given and with dst nil differ", c.name)
	}
	for _, n := range []int{len(want) - 1, len(want) + 1} {
		_, err := c.batch(make([]T, n), X)
		if err := shapeError(err, n, len(want)); err != nil {
			return fmt.Errorf("%s with dst of length %d instead of %d: %w", c.name, n, len(want), err)
		}
	}
	return c.rowDstRule(rowsOf(X)[0])
}

func (c call[T]) rowDstRule(x []float64) error {
	if !c.rowDst {
		return nil
	}
	for _, dst := range [][]T{nil, make([]T, c.k-1), make([]T, c.k+1)} {
		if err := shapeError(c.into(dst, x), len(dst), c.k); err != nil {
			return fmt.Errorf("%sRow with dst of length %d instead of %d: %w", c.name, len(dst), c.k, err)
		}
	}
	return nil
}

func (c call[T]) validClasses(results []float64, m gram.Model) error {
	if !c.discrete() {
		return nil
	}
	k := float64(m.(gram.Classifier).Classes())
	for i, v := range results {
		if v < 0 || v >= k {
			return fmt.Errorf("%s of row %d gives class %v of %v", c.name, i, v, k)
		}
	}
	return nil
}

func (c call[T]) allocs(x []float64) float64 {
	dst := make([]T, c.k)
	return testing.AllocsPerRun(100, func() { _ = c.into(dst, x) })
}

func floats[T int | float64](x []T) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
