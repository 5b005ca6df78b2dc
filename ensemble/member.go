package ensemble

import (
	"context"
	"fmt"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// trainClassifier trains a classifier of the given number of classes, some of which s
// may have no row of. A model comes with a nil error or one that wraps
// gram.ErrNotConverged.
func trainClassifier(ctx context.Context, t gram.ClassifierTrainer, s *sample[int], classes int) (gram.Classifier, error) {
	there := slices.Compact(slices.Sorted(slices.Values(s.y)))
	if len(there) == 1 {
		return &constant{s.d, classes, there[0]}, nil
	}
	y := s.y
	if len(there) < classes {
		y = make([]int, s.n)
		for i, c := range s.y {
			y[i], _ = slices.BinarySearch(there, c)
		}
	}
	m, err := t.TrainClassifier(ctx, s.X, y, s.w)
	if fatal(err) {
		return nil, err
	}
	if m.Features() != s.d || m.Classes() != len(there) {
		return nil, fmt.Errorf("model of %d features and %d classes for %d and %d: %w",
			m.Features(), m.Classes(), s.d, len(there), gram.ErrShape)
	}
	if len(there) < classes {
		return &relabelled{m, classes, there}, err
	}
	return m, err
}

// trainRegressor is trainClassifier for targets.
func trainRegressor(ctx context.Context, t gram.RegressorTrainer, s *sample[float64]) (gram.Regressor, error) {
	m, err := t.TrainRegressor(ctx, s.X, s.y, s.w)
	if fatal(err) {
		return nil, err
	}
	if m.Features() != s.d {
		return nil, fmt.Errorf("model of %d features for %d: %w", m.Features(), s.d, gram.ErrShape)
	}
	return m, err
}

// constant always says the same class: what there is to learn from rows of one class.
type constant struct{ features, classes, class int }

func (m *constant) Features() int { return m.features }
func (m *constant) Classes() int  { return m.classes }

func (m *constant) Predict(dst []int, X gram.Matrix) ([]int, error) { return predict(m, dst, X) }

func (m *constant) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	return predictProba(m, dst, X)
}

func (m *constant) PredictRow(x []float64) (int, error) {
	return m.class, gram.CheckRow(x, m.features)
}

func (m *constant) probaBlock(dst []float64, _ gram.Matrix) error {
	clear(dst)
	for at := m.class; at < len(dst); at += m.classes {
		dst[at] = 1
	}
	return nil
}

func (m *constant) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckRow(x, m.features); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, m.classes); err != nil {
		return err
	}
	return m.probaBlock(dst, nil)
}

// relabelled is a model of some of the classes: its class c is labels[c].
type relabelled struct {
	model   gram.Classifier
	classes int
	labels  []int // ascending
}

func (m *relabelled) Features() int { return m.model.Features() }
func (m *relabelled) Classes() int  { return m.classes }

func (m *relabelled) Predict(dst []int, X gram.Matrix) ([]int, error) {
	dst, err := m.model.Predict(dst, X)
	if err != nil {
		return nil, err
	}
	for i, c := range dst {
		dst[i] = m.labels[c]
	}
	return dst, nil
}

func (m *relabelled) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	return predictProba(m, dst, X)
}

func (m *relabelled) PredictRow(x []float64) (int, error) {
	c, err := m.model.PredictRow(x)
	if err != nil {
		return 0, err
	}
	return m.labels[c], nil
}

func (m *relabelled) probaBlock(dst []float64, X gram.Matrix) error {
	k := len(m.labels)
	b := borrow(len(dst) / m.classes * k)
	defer b.back()
	if _, err := m.model.PredictProba(b.x, X); err != nil {
		return err
	}
	for i := range len(dst) / m.classes {
		m.spread(dst[i*m.classes:(i+1)*m.classes], b.x[i*k:(i+1)*k])
	}
	return nil
}

func (m *relabelled) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckDst(dst, m.classes); err != nil {
		return err
	}
	b := borrow(len(m.labels))
	defer b.back()
	if err := m.model.PredictProbaRow(b.x, x); err != nil {
		return err
	}
	m.spread(dst, b.x)
	return nil
}

// spread sets dst to the probabilities p of the model's classes.
func (m *relabelled) spread(dst, p []float64) {
	clear(dst)
	for c, v := range p {
		dst[m.labels[c]] = v
	}
}

// columnsOf is some columns of a matrix.
type columnsOf struct {
	X       gram.Operator
	columns []int
}

func newColumns(X gram.Matrix, columns []int) gram.Operator {
	return linalg.AsOperator(columnsOf{linalg.AsOperator(X), columns})
}

func (v columnsOf) Dims() (rows, cols int) {
	rows, _ = v.X.Dims()
	return rows, len(v.columns)
}

func (v columnsOf) At(i, j int) float64 { return v.X.At(i, v.columns[j]) }

func (v columnsOf) RowBlock(buf []float64, lo, hi int) (block []float64, stride int) {
	_, d := v.X.Dims()
	k := len(v.columns)
	b := borrow((hi - lo) * d)
	defer b.back()
	src, from := v.X.RowBlock(b.x, lo, hi)
	for i := range hi - lo {
		gather(buf[i*k:(i+1)*k], src[i*from:i*from+d], v.columns)
	}
	return buf[:(hi-lo)*k], k
}

func gather(dst, x []float64, columns []int) {
	for j, c := range columns {
		dst[j] = x[c]
	}
}

// narrowed is a classifier that looks at some of the columns, in some order.
type narrowed struct {
	model    gram.Classifier
	features int
	columns  []int
}

func (m *narrowed) Features() int { return m.features }
func (m *narrowed) Classes() int  { return m.model.Classes() }

func (m *narrowed) Predict(dst []int, X gram.Matrix) ([]int, error) {
	if _, err := gram.CheckFeatures(X, m.features); err != nil {
		return nil, err
	}
	return m.model.Predict(dst, newColumns(X, m.columns))
}

func (m *narrowed) PredictProba(dst []float64, X gram.Matrix) ([]float64, error) {
	if _, err := gram.CheckFeatures(X, m.features); err != nil {
		return nil, err
	}
	return m.model.PredictProba(dst, newColumns(X, m.columns))
}

func (m *narrowed) PredictRow(x []float64) (int, error) {
	if err := gram.CheckRow(x, m.features); err != nil {
		return 0, err
	}
	b := borrow(len(m.columns))
	defer b.back()
	gather(b.x, x, m.columns)
	return m.model.PredictRow(b.x)
}

func (m *narrowed) PredictProbaRow(dst, x []float64) error {
	if err := gram.CheckRow(x, m.features); err != nil {
		return err
	}
	b := borrow(len(m.columns))
	defer b.back()
	gather(b.x, x, m.columns)
	return m.model.PredictProbaRow(dst, b.x)
}

// narrowedRegressor is narrowed for a regressor.
type narrowedRegressor struct {
	model    gram.Regressor
	features int
	columns  []int
}

func (m *narrowedRegressor) Features() int { return m.features }

func (m *narrowedRegressor) Predict(dst []float64, X gram.Matrix) ([]float64, error) {
	if _, err := gram.CheckFeatures(X, m.features); err != nil {
		return nil, err
	}
	return m.model.Predict(dst, newColumns(X, m.columns))
}

func (m *narrowedRegressor) PredictRow(x []float64) (float64, error) {
	if err := gram.CheckRow(x, m.features); err != nil {
		return 0, err
	}
	b := borrow(len(m.columns))
	defer b.back()
	gather(b.x, x, m.columns)
	return m.model.PredictRow(b.x)
}

func init() {
	gram.Register("ensemble.constant", 1,
		func(e *gram.Encoder, m *constant) {
			e.Int(m.features)
			e.Int(m.classes)
			e.Int(m.class)
		},
		func(d *gram.Decoder, _ int) *constant {
			m := &constant{d.Int(), d.Int(), d.Int()}
			if m.features < 1 || m.classes < 2 || m.classes > maxClasses || m.class < 0 || m.class >= m.classes {
				d.Fail("class %d of %d, %d features", m.class, m.classes, m.features)
			}
			return m
		})
	gram.Register("ensemble.relabelled", 1,
		func(e *gram.Encoder, m *relabelled) {
			e.Int(m.classes)
			e.Ints(m.labels)
			e.Model(m.model)
		},
		func(d *gram.Decoder, _ int) *relabelled {
			m := &relabelled{classes: d.Int(), labels: d.Ints(), model: gram.DecodeModel[gram.Classifier](d)}
			if d.Err() != nil {
				return nil
			}
			k := len(m.labels)
			if k != m.model.Classes() || m.classes < k || m.classes > maxClasses || m.labels[0] < 0 || m.labels[k-1] >= m.classes ||
				!slices.IsSorted(m.labels) || len(slices.Compact(slices.Clone(m.labels))) < k {
				d.Fail("labels %d of %d classes for a model of %d", m.labels, m.classes, m.model.Classes())
			}
			return m
		})
	gram.Register("ensemble.narrowed", 1,
		func(e *gram.Encoder, m *narrowed) { encodeNarrowed(e, m.features, m.columns, m.model) },
		func(d *gram.Decoder, _ int) *narrowed {
			features, columns, model := decodeNarrowed[gram.Classifier](d)
			return &narrowed{model, features, columns}
		})
	gram.Register("ensemble.narrowedRegressor", 1,
		func(e *gram.Encoder, m *narrowedRegressor) { encodeNarrowed(e, m.features, m.columns, m.model) },
		func(d *gram.Decoder, _ int) *narrowedRegressor {
			features, columns, model := decodeNarrowed[gram.Regressor](d)
			return &narrowedRegressor{model, features, columns}
		})
}

// maxClasses is more classes than a model in a file may claim without a number for
// each.
const maxClasses = 1 << 16

func encodeNarrowed(e *gram.Encoder, features int, columns []int, model gram.Model) {
	e.Int(features)
	e.Ints(columns)
	e.Model(model)
}

func decodeNarrowed[M gram.Model](d *gram.Decoder) (features int, columns []int, model M) {
	features, columns, model = d.Int(), d.Ints(), gram.DecodeModel[M](d)
	if d.Err() != nil {
		return 0, nil, model
	}
	if len(columns) != model.Features() || len(columns) == 0 || slices.Min(columns) < 0 || slices.Max(columns) >= features {
		d.Fail("columns %d of %d features for a model of %d", columns, features, model.Features())
	}
	return features, columns, model
}
