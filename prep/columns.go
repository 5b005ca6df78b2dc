package prep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// ColumnTransformer trains different transformers on different columns and puts what
// they return side by side, in the order of Parts:
//
//	prep.ColumnTransformer{
//		Schema: schema,
//		Parts: []prep.Part{
//			{Columns: []string{"age", "fare"}, Trainer: prep.Standard{}},
//			{Columns: []string{"sex"}, Trainer: prep.OneHot{}},
//		},
//	}
//
// It works on the matrix that the schema makes of rows, so it stands in a pipeline and
// is cross-validated as any other step; what comes before the matrix, and so
// outside, has learned nothing but words. The zero value passes all columns through.
type ColumnTransformer struct {
	// Schema names the columns of X; nil names them x0, x1 and so on. The model keeps
	// and saves it.
	Schema *Schema
	// Parts are trained in order. A column may be in several of them.
	Parts []Part
	// DropRest leaves out the columns that are in no part. Otherwise they pass through,
	// behind those of the parts.
	DropRest bool
}

// A Part is some columns of a [ColumnTransformer] and what is done to them.
type Part struct {
	// Columns are the names of the columns, in the order in which Trainer gets them.
	Columns []string
	// Trainer is trained on these columns. Nil passes them through.
	Trainer gram.TransformerTrainer
}

// Fit trains the parts on their columns of X, n×d, with y and w for those that read
// them. It holds the columns of one part at a time beside X, whether finite or not:
// that is for the parts to check.
//
// Errors: ErrParam for a part without columns or with one that is not there; ErrShape,
// also when no column is left; ErrWeights; and those of the parts, which name them, and
// number columns as the part sees them. Parts that end with ErrNotConverged do not
// stop the fit: the model is returned together with their joined errors.
func (s ColumnTransformer) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*ColumnModel, error) {
	m, err := s.fit(ctx, X, w, func(trainer gram.TransformerTrainer, part gram.Matrix, _ int) (gram.Transformer, error) {
		return trainer.TrainTransformer(ctx, part, y, w)
	})
	if m == nil {
		return nil, err
	}
	return m, err
}

// fit trains the parts by train, which gets the number of each.
func (s ColumnTransformer) fit(ctx context.Context, X gram.Matrix, w []float64, train func(gram.TransformerTrainer, gram.Matrix, int) (gram.Transformer, error)) (*ColumnModel, error) {
	_, d, err := checkShape(X, w)
	if err != nil {
		return nil, err
	}
	parts, err := s.resolve(d)
	if err != nil {
		return nil, err
	}
	var limit error
	for k := range parts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if k >= len(s.Parts) || s.Parts[k].Trainer == nil {
			continue
		}
		t, err := train(s.Parts[k].Trainer, selectColumns(X, parts[k].columns), k)
		if err != nil {
			err = fmt.Errorf("columns %s: %w", strings.Join(s.Parts[k].Columns, ", "), err)
			if !errors.Is(err, gram.ErrNotConverged) {
				return nil, err
			}
			limit = errors.Join(limit, err)
		}
		parts[k].model = t
	}
	m, err := newColumnModel(s.Schema, d, parts)
	if err != nil {
		return nil, err
	}
	return m, limit
}

// resolve returns the columns of the parts, and of the rest.
func (s ColumnTransformer) resolve(d int) ([]columnPart, error) {
	var names []string
	if s.Schema != nil {
		if names = s.Schema.names; len(names) != d {
			return nil, fmt.Errorf("X has %d features, the schema %d: %w", d, len(names), gram.ErrShape)
		}
	}
	names = namesOf(names, d)
	used := make([]bool, d)
	parts := make([]columnPart, len(s.Parts))
	for k, p := range s.Parts {
		if len(p.Columns) == 0 {
			return nil, fmt.Errorf("part %d has no columns: %w", k, gram.ErrParam)
		}
		for _, name := range p.Columns {
			j := slices.Index(names, name)
			if j < 0 {
				return nil, fmt.Errorf("part %d: no column %q among %s: %w", k, name, strings.Join(names, ", "), gram.ErrParam)
			}
			used[j] = true
			parts[k].columns = append(parts[k].columns, j)
		}
	}
	var rest []int
	for j := range d {
		if !used[j] && !s.DropRest {
			rest = append(rest, j)
		}
	}
	if rest != nil {
		parts = append(parts, columnPart{columns: rest})
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("no column of %d is left: %w", d, gram.ErrShape)
	}
	return parts, nil
}

// selectColumns returns a copy of some columns.
func selectColumns(X gram.Matrix, columns []int) *linalg.Dense[float64] {
	n, _ := X.Dims()
	out := linalg.NewDense[float64](n, len(columns), nil)
	eachRow(linalg.AsOperator(X), 0, n, func(i int, x []float64) {
		gather(out.Row(i), x, columns)
	})
	return out
}

func gather(dst, x []float64, columns []int) {
	for k, j := range columns {
		dst[k] = x[j]
	}
}

// TrainTransformer calls Fit.
func (s ColumnTransformer) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// CrossFit is Fit that also returns the training rows for what is trained next, as the
// parts hand them on: it makes the transformer a gram.CrossFitter, for the parts that
// are.
func (s ColumnTransformer) CrossFit(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, []float64, error) {
	rows := make([][]float64, len(s.Parts))
	m, limit := s.fit(ctx, X, w, func(trainer gram.TransformerTrainer, part gram.Matrix, k int) (t gram.Transformer, err error) {
		t, rows[k], err = gram.CrossFit(ctx, trainer, part, y, w)
		return t, err
	})
	if m == nil {
		return nil, nil, limit
	}
	n, _ := X.Dims()
	Z := linalg.NewDense[float64](n, m.out, nil)
	eachRow(linalg.AsOperator(X), 0, n, func(i int, x []float64) {
		for k := range m.parts {
			p := &m.parts[k]
			dst := Z.Row(i)[p.start:p.end]
			if p.model == nil {
				gather(dst, x, p.columns)
			} else {
				copy(dst, rows[k][i*len(dst):])
			}
		}
	})
	return m, Z.Data, limit
}

// ColumnModel is a fitted [ColumnTransformer]: a gram.Transformer from d columns to
// those that its parts return. It saves and loads whole, with its schema.
type ColumnModel struct {
	schema        *Schema // nil for columns without names
	features, out int
	parts         []columnPart
	pool          sync.Pool // *[]float64 for the columns of a part
	width         int       // of the widest part
}

// A columnPart turns some columns into columns start ≤ j < end of the result.
type columnPart struct {
	columns    []int
	model      gram.Transformer // nil passes through
	start, end int
}

func newColumnModel(schema *Schema, features int, parts []columnPart) (*ColumnModel, error) {
	m := &ColumnModel{schema: schema, features: features, parts: parts}
	for k := range parts {
		p := &parts[k]
		width := len(p.columns)
		m.width = max(m.width, width)
		p.start, p.end = m.out, m.out+width
		if p.model != nil {
			if p.model.Features() != width {
				return nil, fmt.Errorf("part %d has %d columns, its model %d: %w", k, width, p.model.Features(), gram.ErrShape)
			}
			p.end = m.out + p.model.OutFeatures()
		}
		m.out = p.end
	}
	return m, nil
}

// Features returns d.
func (m *ColumnModel) Features() int { return m.features }

// OutFeatures returns the number of columns that the parts return.
func (m *ColumnModel) OutFeatures() int { return m.out }

// Schema returns the schema that names the columns, nil if there is none. [EncodeRow]
// applies it to rows as they come in.
func (m *ColumnModel) Schema() *Schema { return m.schema }

// Models returns the fitted transformers of the parts, nil for columns that pass
// through. The slice is the caller's.
func (m *ColumnModel) Models() []gram.Transformer {
	models := make([]gram.Transformer, len(m.parts))
	for k, p := range m.parts {
		models[k] = p.model
	}
	return models
}

// FeatureNames returns the names of the columns of Z, as the parts derive them from those
// of X: the schema's for nil or, without one, x0, x1 and so on. A one-hot column of
// strings has its string in its name, as in "sex=male".
func (m *ColumnModel) FeatureNames(in []string) []string {
	if in == nil && m.schema != nil {
		in = m.schema.names
	}
	in = namesOf(in, m.features)
	var out []string
	for _, p := range m.parts {
		names := make([]string, len(p.columns))
		for k, j := range p.columns {
			names[k] = in[j]
		}
		out = append(out, m.partNames(p, names)...)
	}
	return out
}

func (m *ColumnModel) partNames(p columnPart, in []string) []string {
	if p.model == nil {
		return in
	}
	oneHot, ok := p.model.(*OneHotModel)
	if !ok || m.schema == nil {
		return FeatureNames(p.model, in)
	}
	return oneHot.names(in, func(k int, v float64) string {
		if word, ok := m.schema.word(p.columns[k], v); ok {
			return word
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	})
}

// FeatureNames returns the names of the columns that t makes of columns of the given
// names, for nil x0, x1 and so on. t is a model of this package, a pipeline, or has a
// method FeatureNames of its own; the columns of another are called z0, z1 and so on.
// There must be t.Features() names.
func FeatureNames(t gram.Transformer, in []string) []string {
	in = namesOf(in, t.Features())
	switch m := t.(type) {
	case interface{ FeatureNames([]string) []string }:
		return m.FeatureNames(in)
	case *gram.PipelineTransformer:
		for _, step := range m.Steps() {
			in = FeatureNames(step, in)
		}
		return in
	}
	out := make([]string, t.OutFeatures())
	for j := range out {
		out[j] = "z" + strconv.Itoa(j)
	}
	return out
}

// Transform sets dst, n×OutFeatures row-major, to the transformed rows of X and returns
// it; nil allocates. Errors: ErrShape for a dst that does not fit or an X that has
// not d columns, and those of the parts, which name row and part.
func (m *ColumnModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	scratch := m.get()
	defer m.pool.Put(scratch)
	return mapRows(dst, X, m.features, m.out, func(dst, x []float64) error { return m.row(dst, x, *scratch) })
}

// TransformRow sets dst, of length OutFeatures, to the transformed x. Errors are those of
// Transform. It allocates nothing, unless dst is x itself.
func (m *ColumnModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.features, m.out); err != nil {
		return err
	}
	scratch := m.get()
	defer m.pool.Put(scratch)
	return m.row(dst, x, *scratch)
}

func (m *ColumnModel) get() *[]float64 {
	if s, ok := m.pool.Get().(*[]float64); ok {
		return s
	}
	s := make([]float64, m.width)
	return &s
}

func (m *ColumnModel) row(dst, x, scratch []float64) error {
	x = apart(dst, x)
	for k := range m.parts {
		p := &m.parts[k]
		if p.model == nil {
			gather(dst[p.start:p.end], x, p.columns)
			continue
		}
		z := scratch[:len(p.columns)]
		gather(z, x, p.columns)
		if err := p.model.TransformRow(dst[p.start:p.end], z); err != nil {
			return fmt.Errorf("part %d: %w", k, err)
		}
	}
	return nil
}

func init() { gram.Register("prep.ColumnTransformer", 1, encodeColumns, decodeColumns) }

func encodeColumns(e *gram.Encoder, m *ColumnModel) {
	e.Int(m.features)
	e.Bool(m.schema != nil)
	if m.schema != nil {
		e.Model(m.schema)
	}
	e.Int(len(m.parts))
	for _, p := range m.parts {
		e.Ints(p.columns)
		e.Bool(p.model != nil)
		if p.model != nil {
			e.Model(p.model)
		}
	}
}

func decodeColumns(d *gram.Decoder, _ int) *ColumnModel {
	features := d.Int()
	var schema *Schema
	if d.Bool() {
		schema = gram.DecodeModel[*Schema](d)
	}
	parts := make([]columnPart, d.Count())
	for k := range parts {
		p := &parts[k]
		if p.columns = d.Ints(); d.Bool() {
			p.model = gram.DecodeModel[gram.Transformer](d)
		}
		if d.Err() != nil {
			return nil
		}
		if len(p.columns) == 0 {
			d.Fail("part %d has no columns", k)
		}
		for _, j := range p.columns {
			if j < 0 || j >= features {
				d.Fail("part %d has column %d of %d", k, j, features)
			}
		}
	}
	if len(parts) == 0 || schema != nil && schema.Features() != features {
		d.Fail("%d parts of %d columns, or another number in the schema", len(parts), features)
	}
	if d.Err() != nil {
		return nil
	}
	m, err := newColumnModel(schema, features, parts)
	if err != nil {
		d.Fail("%v", err)
	}
	return m
}
