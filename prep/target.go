package prep

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// Target replaces each category by the mean that the target has in it, drawn towards
// the mean of all rows the more, the fewer rows the category has: one number for
// columns of thousands of categories. It reads y.
//
// Of n rows (or their weight) in a category with mean m, the encoding is
//
//	λ·m + (1 − λ)·mean(y),   λ = n / (n + s)
//
// where s is Smooth or, for 0, the empirical Bayes estimate σ²/τ²: the variance of y in
// the category over that of all y.
//
// The rows of training have part in these means. A model that is trained on them
// would find its targets there, so [Target.CrossFit] gives the rows of each fold
// the means of the other folds. Pipelines call it by themselves: Target is a
// gram.CrossFitter.
type Target struct {
	// Smooth is the weight of the overall mean, in rows; 0 means empirical Bayes.
	Smooth float64
	// Classes is the number of classes if y holds labels 0..Classes−1. For 3 or more
	// each column gives one for each class: its share. For 2, the labels are the shares
	// of class 1; 0 means that y is a number.
	Classes int
	// Folds is the number of folds of CrossFit, at least 2; 0 means 5. There are never
	// more than rows.
	Folds int
	// Seed decides which row is in which fold.
	Seed uint64
	// Workers is the number of goroutines of a fit; 0 means GOMAXPROCS. The model
	// does not depend on it.
	Workers int
}

// Fit learns the means of the categories, which are the distinct values of the columns
// of X, n×d, from n targets y, with sample weights w, nil for all ones; whole numbers
// count as repeated rows.
//
// Errors: ErrParam for a negative Smooth, Classes or Folds, or for one fold; ErrShape;
// ErrLabels for y other than Classes says; ErrWeights; ErrNonFinite, by row and
// column; and that of ctx. O(d·n·log n).
func (s Target) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*TargetModel, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	n, d, err := checkFit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	if err := gram.CheckTargets(y, n); err != nil {
		return nil, err
	}
	if err := s.checkLabels(y); err != nil {
		return nil, err
	}
	return s.fit(ctx, X, d, y, w)
}

func (s Target) check() error {
	switch {
	case !(s.Smooth >= 0 && isFinite(s.Smooth)):
		return fmt.Errorf("Smooth is %v, want at least 0: %w", s.Smooth, gram.ErrParam)
	case s.Classes < 0 || s.Classes == 1:
		return fmt.Errorf("Classes is %d, want 0 or at least 2: %w", s.Classes, gram.ErrParam)
	case s.Folds < 0 || s.Folds == 1:
		return fmt.Errorf("Folds is %d, want 0 or at least 2: %w", s.Folds, gram.ErrParam)
	}
	return nil
}

func (s Target) checkLabels(y []float64) error {
	if s.Classes == 0 {
		return nil
	}
	for i, v := range y {
		if !(v >= 0 && v < float64(s.Classes)) || v != float64(int(v)) {
			return fmt.Errorf("target %v of row %d is no class of %d: %w", v, i, s.Classes, gram.ErrLabels)
		}
	}
	return nil
}

// outputs is the number of columns that each column becomes.
func (s Target) outputs() int {
	if s.Classes > 2 {
		return s.Classes
	}
	return 1
}

// fit trains on data that have been checked.
func (s Target) fit(ctx context.Context, X gram.Matrix, d int, y, w []float64) (*TargetModel, error) {
	k := s.outputs()
	var all []int // rows of weight zero leave no trace, not even in the rounding
	for i := range y {
		if weight(w, i) > 0 {
			all = append(all, i)
		}
	}
	targets, total := make([][]float64, k), make([]group, k)
	for c := range targets {
		targets[c] = s.targetsOf(y, c)
		total[c] = groupOf(targets[c], w, all)
	}
	m := &TargetModel{categories: make(categories, d), means: make([][]float64, d), overall: make([]float64, k)}
	for c, g := range total {
		if !validColumn(g.mean, g.variance) {
			return nil, fmt.Errorf("the variance of y overflows: %w", gram.ErrNonFinite)
		}
		m.overall[c] = g.mean
	}
	err := eachColumn(ctx, s.Workers, X, func(j int, column []float64) error {
		m.categories[j], m.means[j] = s.encode(column, slices.Clone(all), targets, total, w)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// targetsOf returns what the means of output c are of.
func (s Target) targetsOf(y []float64, c int) []float64 {
	if s.outputs() == 1 {
		return y
	}
	is := make([]float64, len(y))
	for i, v := range y {
		if int(v) == c {
			is[i] = 1
		}
	}
	return is
}

// encode returns the categories of a column and the encodings of each. It sorts rows, by
// category and then as they come.
func (s Target) encode(column []float64, rows []int, targets [][]float64, total []group, w []float64) (values, means []float64) {
	slices.SortStableFunc(rows, func(a, b int) int {
		switch {
		case column[a] < column[b]:
			return -1
		case column[a] > column[b]:
			return 1
		}
		return 0
	})
	for lo := 0; lo < len(rows); {
		hi := lo + 1
		for hi < len(rows) && column[rows[hi]] == column[rows[lo]] {
			hi++
		}
		values = append(values, column[rows[lo]])
		for c, y := range targets {
			means = append(means, s.shrink(groupOf(y, w, rows[lo:hi]), total[c]))
		}
		lo = hi
	}
	return values, means
}

// A group is a weight, a mean and a variance of targets.
type group struct{ weight, mean, variance float64 }

// groupOf describes the targets of some rows.
func groupOf(y, w []float64, rows []int) group {
	var g group
	first := y[rows[0]]
	for _, i := range rows {
		g.weight += weight(w, i)
		g.mean += weight(w, i) * (y[i] - first)
	}
	g.mean = first + g.mean/g.weight
	for _, i := range rows {
		diff := y[i] - g.mean
		g.variance += weight(w, i) * diff * diff
	}
	g.variance /= g.weight
	return g
}

// shrink draws the mean of a category towards that of all.
func (s Target) shrink(g, all group) float64 {
	share := g.weight / (g.weight + s.Smooth)
	if s.Smooth == 0 {
		share = 0
		if all.variance > 0 {
			share = g.weight / (g.weight + g.variance/all.variance)
		}
	}
	return all.mean + share*(g.mean-all.mean)
}

// TrainTransformer calls Fit.
func (s Target) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// CrossFit is Fit that also returns the training rows for what is trained next,
// n×OutFeatures row-major: the rows of each of Folds folds, drawn by Seed, are encoded
// by the means of the other folds. Errors are those of Fit, and ErrShape if only the
// rows of one fold have a weight above zero. It costs Folds+1 fits.
func (s Target) CrossFit(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, []float64, error) {
	m, err := s.Fit(ctx, X, y, w)
	if err != nil {
		return nil, nil, err
	}
	n, d := X.Dims()
	folds := s.Folds
	if folds == 0 {
		folds = 5
	}
	folds = min(folds, n)
	fold := make([]int, n)
	for k, i := range rand.New(rand.NewPCG(s.Seed, 0)).Perm(n) {
		fold[i] = k % folds
	}
	Z := make([]float64, n*m.OutFeatures())
	for f := range folds {
		others := withoutFold(fold, f, w)
		if _, err := gram.CheckWeights(others, n); err != nil {
			return nil, nil, fmt.Errorf("fold %d of %d has all rows of weight above zero: %w", f, folds, gram.ErrShape)
		}
		part, err := s.fit(ctx, X, d, y, others)
		if err != nil {
			return nil, nil, err
		}
		part.transformFold(Z, linalg.AsOperator(X), fold, f)
	}
	return m, Z, nil
}

// withoutFold returns w with the rows of fold f at zero.
func withoutFold(fold []int, f int, w []float64) []float64 {
	others := make([]float64, len(fold))
	for i := range others {
		if fold[i] != f {
			others[i] = weight(w, i)
		}
	}
	return others
}

// TargetModel is a fitted [Target]: a gram.Transformer from d columns to d or, for three
// classes and more, to d times as many as there are classes.
type TargetModel struct {
	categories categories
	means      [][]float64 // of each column, for each category the encodings
	overall    []float64   // encodings of categories that training has not seen
}

// Features returns d.
func (m *TargetModel) Features() int { return len(m.categories) }

// OutFeatures returns d, or d·Classes for three classes and more.
func (m *TargetModel) OutFeatures() int { return len(m.categories) * len(m.overall) }

// Overall returns a copy of the encodings of categories that training has not seen: the
// mean of all targets, or the share of each class.
func (m *TargetModel) Overall() []float64 { return slices.Clone(m.overall) }

// Categories returns a copy of the categories of each column, ascending.
func (m *TargetModel) Categories() [][]float64 { return m.categories.clone() }

// FeatureNames returns the names of the columns of Z: those of X, nil stands for x0, x1
// and so on, and for several classes such as "x0 class 2".
func (m *TargetModel) FeatureNames(in []string) []string {
	in = namesOf(in, len(m.categories))
	if len(m.overall) == 1 {
		return slices.Clone(in)
	}
	var out []string
	for _, name := range in {
		for c := range m.overall {
			out = append(out, name+" class "+strconv.Itoa(c))
		}
	}
	return out
}

// Transform sets dst, n×OutFeatures row-major, to the encoded rows of X and returns it;
// nil allocates. It is for new rows; those of training are [Target.CrossFit]'s. It
// returns ErrShape for a dst that does not fit or an X that has not d columns.
// O(n·d·log c) for c categories.
func (m *TargetModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return mapRows(dst, X, m.Features(), m.OutFeatures(), m.row)
}

// TransformRow sets dst, of length OutFeatures, to the encoded x. It returns ErrShape
// for other lengths. It allocates nothing. O(d·log c).
func (m *TargetModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.OutFeatures()); err != nil {
		return err
	}
	return m.row(dst, x)
}

func (m *TargetModel) row(dst, x []float64) error {
	m.encodeRow(dst, x)
	return nil
}

func (m *TargetModel) encodeRow(dst, x []float64) {
	k := len(m.overall)
	for j, v := range x {
		from := m.overall
		if c := m.categories.code(j, v); c >= 0 {
			from = m.means[j][c*k : (c+1)*k]
		}
		copy(dst[j*k:(j+1)*k], from)
	}
}

// transformFold sets the rows of Z that are in fold f.
func (m *TargetModel) transformFold(Z []float64, X gram.Operator, fold []int, f int) {
	out := m.OutFeatures()
	eachRow(X, 0, len(fold), func(i int, x []float64) {
		if fold[i] == f {
			m.encodeRow(Z[i*out:(i+1)*out], x)
		}
	})
}

func init() { gram.Register("prep.Target", 1, encodeTarget, decodeTarget) }

func encodeTarget(e *gram.Encoder, m *TargetModel) {
	e.Floats(m.overall)
	m.categories.encode(e)
	for _, means := range m.means {
		e.Floats(means)
	}
}

func decodeTarget(d *gram.Decoder, _ int) *TargetModel {
	m := &TargetModel{overall: d.Floats(), categories: decodeCategories(d)}
	if d.Err() != nil {
		return nil
	}
	if len(m.overall) == 0 {
		d.Fail("no outputs")
	}
	for _, values := range m.categories {
		m.means = append(m.means, d.Floats(len(values), len(m.overall)))
	}
	for _, means := range append(m.means, m.overall) {
		for _, v := range means {
			if !isFinite(v) {
				d.Fail("a mean is %v", v)
			}
		}
	}
	return m
}
