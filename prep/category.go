package prep

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/gram-ml/gram"
)

// ErrUnknownCategory: a category that training has not seen, given to an encoder that
// does not ignore those.
var ErrUnknownCategory = errors.New("unknown category")

// categories are the distinct values of each column, ascending. The code of a value is
// its place among them.
type categories [][]float64

// categoriesOf collects the values of the rows whose weight is above zero.
func categoriesOf(ctx context.Context, workers int, X gram.Matrix, w []float64) (categories, error) {
	_, d, err := checkFit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	c := make(categories, d)
	err = eachColumn(ctx, workers, X, func(j int, column []float64) error {
		values, _ := present(column, w)
		slices.Sort(values)
		c[j] = slices.Clone(slices.Compact(values))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// code returns the code of a value of column j, −1 if there is none.
func (c categories) code(j int, v float64) int {
	if k, ok := slices.BinarySearch(c[j], v); ok {
		return k
	}
	return -1
}

// unknown is the error for a value that has no code.
func (c categories) unknown(j int, v float64) error {
	if !isFinite(v) {
		return fmt.Errorf("column %d is %v: %w: %w", j, v, ErrUnknownCategory, gram.ErrNonFinite)
	}
	return fmt.Errorf("column %d is %v, none of %d categories: %w", j, v, len(c[j]), ErrUnknownCategory)
}

// value returns the value of column j whose code is v, a whole number.
func (c categories) value(j int, v float64) (float64, error) {
	if v == -1 {
		return math.NaN(), nil
	}
	if !(v >= 0 && v < float64(len(c[j]))) || v != math.Floor(v) {
		return 0, fmt.Errorf("column %d is %v, codes are 0 to %d: %w", j, v, len(c[j])-1, ErrUnknownCategory)
	}
	return c[j][int(v)], nil
}

func (c categories) clone() [][]float64 {
	out := make([][]float64, len(c))
	for j, values := range c {
		out[j] = slices.Clone(values)
	}
	return out
}

func (c categories) encode(e *gram.Encoder) {
	e.Int(len(c))
	for _, values := range c {
		e.Floats(values)
	}
}

func decodeCategories(d *gram.Decoder) categories {
	c := make(categories, d.Count())
	for j := range c {
		c[j] = d.Floats()
		if d.Err() != nil {
			return nil
		}
		if len(c[j]) == 0 {
			d.Fail("column %d has no categories", j)
		}
		last := math.Inf(-1)
		for _, v := range c[j] {
			if !(v > last && isFinite(v)) {
				d.Fail("column %d has category %v after %v", j, v, last)
			}
			last = v
		}
	}
	if len(c) == 0 {
		d.Fail("no columns")
	}
	return c
}

// Ordinal replaces each category by its place in the ascending order of those that the
// column has in training: 0, 1, 2 and so on. It gives numbers to models that
// split, such as trees; for those that multiply use [OneHot] or [Target].
type Ordinal struct {
	// IgnoreUnknown gives categories that training has not seen, NaN among them, the
	// code −1. Without it they are an error.
	IgnoreUnknown bool
	// Workers is the number of goroutines of a fit; 0 means GOMAXPROCS. The model
	// does not depend on it.
	Workers int
}

// Fit learns the categories of the columns of X, n×d, which are its distinct values in
// the rows whose weight in w is above zero, all for nil. Errors: ErrShape, ErrWeights,
// ErrNonFinite, by row and column, and that of ctx. O(d·n·log n).
func (s Ordinal) Fit(ctx context.Context, X gram.Matrix, w []float64) (*OrdinalModel, error) {
	c, err := categoriesOf(ctx, s.Workers, X, w)
	if err != nil {
		return nil, err
	}
	return &OrdinalModel{c, s.IgnoreUnknown}, nil
}

// TrainTransformer calls Fit; y is not used.
func (s Ordinal) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// OrdinalModel is a fitted [Ordinal]: a gram.Transformer from d columns to d.
type OrdinalModel struct {
	categories    categories
	ignoreUnknown bool
}

// Features returns d.
func (m *OrdinalModel) Features() int { return len(m.categories) }

// OutFeatures returns d.
func (m *OrdinalModel) OutFeatures() int { return len(m.categories) }

// Categories returns a copy of the categories of each column, ascending.
func (m *OrdinalModel) Categories() [][]float64 { return m.categories.clone() }

// FeatureNames returns the names of the columns of Z, which are those of X; nil
// stands for x0, x1 and so on.
func (m *OrdinalModel) FeatureNames(in []string) []string {
	return slices.Clone(namesOf(in, len(m.categories)))
}

// Transform sets dst, n×d row-major, to the codes of the rows of X and returns it; nil
// allocates. dst may be the memory of a compact X itself. Errors: ErrShape for a dst
// that does not fit or an X that has not d columns, [ErrUnknownCategory] with row
// and column. O(n·d·log c) for c categories.
func (m *OrdinalModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return mapRows(dst, X, m.Features(), m.Features(), m.row)
}

// TransformRow sets dst, of length d, to the codes of x; dst may be x itself. Errors are
// those of Transform. It allocates nothing when there is none. O(d·log c).
func (m *OrdinalModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.Features()); err != nil {
		return err
	}
	return m.row(dst, x)
}

func (m *OrdinalModel) row(dst, x []float64) error {
	for j, v := range x {
		k := m.categories.code(j, v)
		if k < 0 && !m.ignoreUnknown {
			return m.categories.unknown(j, v)
		}
		dst[j] = float64(k)
	}
	return nil
}

// InverseTransform takes rows of codes, n×d, back to categories, and −1 to NaN. Its
// conventions are those of Transform.
func (m *OrdinalModel) InverseTransform(dst []float64, Z gram.Matrix) ([]float64, error) {
	return mapRows(dst, Z, m.Features(), m.Features(), m.back)
}

// InverseTransformRow takes one row back; dst may be z itself. Its conventions are
// those of TransformRow.
func (m *OrdinalModel) InverseTransformRow(dst, z []float64) error {
	if err := checkRow(dst, z, m.Features(), m.Features()); err != nil {
		return err
	}
	return m.back(dst, z)
}

func (m *OrdinalModel) back(dst, z []float64) (err error) {
	for j, v := range z {
		if dst[j], err = m.categories.value(j, v); err != nil {
			return err
		}
	}
	return nil
}

// OneHot replaces each column by one of 0 and 1 for each category that it has in
// training, in ascending order.
type OneHot struct {
	// DropFirst leaves out the column of the first category, which the others imply:
	// for linear models without a penalty, whose solution it makes unique.
	DropFirst bool
	// IgnoreUnknown gives categories that training has not seen, NaN among them, zeros
	// throughout. Without it they are an error.
	IgnoreUnknown bool
	// Workers is the number of goroutines of a fit; 0 means GOMAXPROCS. The model
	// does not depend on it.
	Workers int
}

// Fit learns the categories of the columns of X, n×d, which are its distinct values in
// the rows whose weight in w is above zero, all for nil.
//
// Errors: ErrShape, also when DropFirst leaves no column; ErrWeights; ErrNonFinite, by
// row and column; and that of ctx. O(d·n·log n).
func (s OneHot) Fit(ctx context.Context, X gram.Matrix, w []float64) (*OneHotModel, error) {
	c, err := categoriesOf(ctx, s.Workers, X, w)
	if err != nil {
		return nil, err
	}
	m := newOneHotModel(c, s.DropFirst, s.IgnoreUnknown)
	if m.OutFeatures() == 0 {
		return nil, fmt.Errorf("all %d columns are constant, and dropping the first category leaves none: %w", len(c), gram.ErrShape)
	}
	return m, nil
}

// TrainTransformer calls Fit; y is not used.
func (s OneHot) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// OneHotModel is a fitted [OneHot]: a gram.Transformer from d columns to one for each
// category that is not dropped.
type OneHotModel struct {
	categories               categories
	dropFirst, ignoreUnknown bool
	start                    []int // the first column of Z for each of X, and their number
}

func newOneHotModel(c categories, dropFirst, ignoreUnknown bool) *OneHotModel {
	m := &OneHotModel{categories: c, dropFirst: dropFirst, ignoreUnknown: ignoreUnknown, start: make([]int, len(c)+1)}
	for j, values := range c {
		m.start[j+1] = m.start[j] + len(values) - m.dropped()
	}
	return m
}

// dropped is the number of categories of a column that have none in Z.
func (m *OneHotModel) dropped() int {
	if m.dropFirst {
		return 1
	}
	return 0
}

// Features returns d.
func (m *OneHotModel) Features() int { return len(m.categories) }

// OutFeatures returns the number of categories of all columns, without those dropped.
func (m *OneHotModel) OutFeatures() int { return m.start[len(m.categories)] }

// Categories returns a copy of the categories of each column, ascending, dropped ones
// included.
func (m *OneHotModel) Categories() [][]float64 { return m.categories.clone() }

// FeatureNames returns the names of the columns of Z: the name of the column of X, nil
// stands for x0, x1 and so on, with "=" and the category.
func (m *OneHotModel) FeatureNames(in []string) []string {
	return m.names(in, func(_ int, v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) })
}

// names is FeatureNames with words for the categories of each column.
func (m *OneHotModel) names(in []string, word func(j int, v float64) string) []string {
	in = namesOf(in, len(m.categories))
	var out []string
	for j, values := range m.categories {
		for _, v := range values[m.dropped():] {
			out = append(out, in[j]+"="+word(j, v))
		}
	}
	return out
}

// Transform sets dst, n×OutFeatures row-major, to the encoded rows of X and returns it;
// nil allocates. Errors: ErrShape for a dst that does not fit or an X that has not
// d columns, [ErrUnknownCategory] with row and column. O(n·(OutFeatures + d·log c))
// for c categories.
func (m *OneHotModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return mapRows(dst, X, m.Features(), m.OutFeatures(), m.row)
}

// TransformRow sets dst, of length OutFeatures, to the encoded x. Errors are those of
// Transform. It allocates nothing when there is none. O(OutFeatures + d·log c).
func (m *OneHotModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.OutFeatures()); err != nil {
		return err
	}
	return m.row(dst, x)
}

func (m *OneHotModel) row(dst, x []float64) error {
	x = apart(dst, x)
	clear(dst)
	for j, v := range x {
		k := m.categories.code(j, v)
		if k < 0 && !m.ignoreUnknown {
			return m.categories.unknown(j, v)
		}
		if k -= m.dropped(); k >= 0 {
			dst[m.start[j]+k] = 1
		}
	}
	return nil
}

// InverseTransform takes encoded rows Z, n×OutFeatures, back to categories, n×d. Of each
// column the category with the greatest entry counts, the first of several. No
// entry above zero gives NaN or, under DropFirst, the first category. Its conventions
// are those of Transform.
func (m *OneHotModel) InverseTransform(dst []float64, Z gram.Matrix) ([]float64, error) {
	return mapRows(dst, Z, m.OutFeatures(), m.Features(), m.back)
}

// InverseTransformRow takes one row back. Its conventions are those of TransformRow.
func (m *OneHotModel) InverseTransformRow(dst, z []float64) error {
	if err := checkRow(dst, z, m.OutFeatures(), m.Features()); err != nil {
		return err
	}
	return m.back(dst, z)
}

func (m *OneHotModel) back(dst, z []float64) error {
	z = apart(dst, z)
	for j := range m.categories {
		best, most := math.NaN(), 0.0
		if m.dropFirst {
			best = m.categories[j][0]
		}
		for k, v := range z[m.start[j]:m.start[j+1]] {
			if v > most {
				best, most = m.categories[j][k+m.dropped()], v
			}
		}
		dst[j] = best
	}
	return nil
}

func init() {
	gram.Register("prep.Ordinal", 1,
		func(e *gram.Encoder, m *OrdinalModel) {
			e.Bool(m.ignoreUnknown)
			m.categories.encode(e)
		},
		func(d *gram.Decoder, _ int) *OrdinalModel {
			ignore := d.Bool()
			return &OrdinalModel{decodeCategories(d), ignore}
		})
	gram.Register("prep.OneHot", 1,
		func(e *gram.Encoder, m *OneHotModel) {
			e.Bool(m.dropFirst)
			e.Bool(m.ignoreUnknown)
			m.categories.encode(e)
		},
		func(d *gram.Decoder, _ int) *OneHotModel {
			dropFirst, ignore := d.Bool(), d.Bool()
			m := newOneHotModel(decodeCategories(d), dropFirst, ignore)
			if m.OutFeatures() == 0 {
				d.Fail("no columns are left")
			}
			return m
		})
}
