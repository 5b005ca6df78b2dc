package prep

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
	"gonum.org/v1/gonum/mathext"
)

// VarianceThreshold keeps the columns whose variance is above a threshold; for the zero
// value, all that are not constant.
type VarianceThreshold struct {
	// Threshold is the variance that a column must exceed, at least 0.
	Threshold float64
	// Workers is the number of goroutines of a fit; 0 means GOMAXPROCS. The model
	// does not depend on it.
	Workers int
}

// Fit takes the population variances of the columns of X, n×d, with sample weights w, nil
// for all ones, and keeps the columns above the threshold. Constants are told as
// [Standard.Fit] tells them.
//
// Errors: ErrParam for a Threshold below 0; ErrShape, also when no column is kept;
// ErrWeights; ErrNonFinite as for Standard; and that of ctx. O(n·d).
func (s VarianceThreshold) Fit(ctx context.Context, X gram.Matrix, w []float64) (*SelectModel, error) {
	if !(s.Threshold >= 0) {
		return nil, fmt.Errorf("Threshold is %v, want at least 0: %w", s.Threshold, gram.ErrParam)
	}
	m, err := Standard{Workers: s.Workers}.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	var keep []int
	for j, v := range m.variance {
		constant := math.Sqrt(v) <= constantSpread*math.Abs(m.mean[j])
		if v > s.Threshold && !constant {
			keep = append(keep, j)
		}
	}
	if keep == nil {
		return nil, fmt.Errorf("no column of %d has a variance above %v: %w", len(m.variance), s.Threshold, gram.ErrShape)
	}
	return &SelectModel{keep, m.variance, nil}, nil
}

// TrainTransformer calls Fit; y is not used.
func (s VarianceThreshold) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// A Score says how much a single column has to do with the target.
type Score int

// The scores.
const (
	// ANOVA is the F statistic of the means of the classes against the variance in
	// them. y holds labels.
	ANOVA Score = iota
	// ChiSquared is Pearson's statistic of the sums of a column in the classes, for
	// columns of counts or of 0 and 1, at least 0. y holds labels.
	ChiSquared
	// Regression is the F statistic of a line through the column: ρ²/(1−ρ²)·(n−2) for
	// Pearson's correlation ρ. y holds numbers.
	Regression
	// MutualInformation, in nats, is that of the column's distinct values and the
	// labels in y. For columns of categories, or bins of [KBins].
	MutualInformation
)

// String returns the name of the score.
func (s Score) String() string {
	if s < ANOVA || s > MutualInformation {
		return fmt.Sprintf("Score(%d)", int(s))
	}
	return [...]string{"ANOVA", "ChiSquared", "Regression", "MutualInformation"}[s]
}

// SelectKBest keeps the columns of the greatest scores, each of which is taken by itself:
// a fast first cut, blind to columns that tell something only together. It reads y.
type SelectKBest struct {
	// K is the number of columns to keep, all if there are fewer. 0 means 10.
	K int
	// Score is ANOVA by default.
	Score Score
	// Workers is the number of goroutines of a fit; 0 means GOMAXPROCS. The model
	// does not depend on it.
	Workers int
}

// Fit scores the columns of X, n×d, for n labels or targets y, with sample weights w, nil
// for all ones, which count as repeated rows. Of equal scores the first columns are
// kept; those of constant columns, where undefined, come last.
//
// Errors: ErrParam for a negative K, a score that does not exist, or a number below 0
// under ChiSquared, by row and column; ErrShape; ErrLabels; ErrWeights; ErrNonFinite, by
// row and column; and that of ctx. O(n·d), with a factor log n under MutualInformation.
func (s SelectKBest) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*SelectModel, error) {
	if s.K < 0 {
		return nil, fmt.Errorf("K is %d, want at least 0: %w", s.K, gram.ErrParam)
	}
	if s.Score < ANOVA || s.Score > MutualInformation {
		return nil, fmt.Errorf("%v is no score: %w", s.Score, gram.ErrParam)
	}
	n, d, err := checkFit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	if err := gram.CheckTargets(y, n); err != nil {
		return nil, err
	}
	score, err := s.scorer(y, w)
	if err != nil {
		return nil, err
	}
	m := &SelectModel{scores: make([]float64, d), pValues: make([]float64, d)}
	err = eachColumn(ctx, s.Workers, X, func(j int, column []float64) (err error) {
		m.scores[j], m.pValues[j], err = score(j, column)
		return err
	})
	if err != nil {
		return nil, err
	}
	m.support = s.best(m.scores)
	return m, nil
}

// best returns the columns of the K greatest scores, ascending.
func (s SelectKBest) best(scores []float64) []int {
	order := make([]int, len(scores))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) }) // NaN is least
	k := s.K
	if k == 0 {
		k = 10
	}
	order = order[:min(k, len(order))]
	slices.Sort(order)
	return order
}

// scorer returns the function that gives a column's score and p-value, NaN where there
// is none.
func (s SelectKBest) scorer(y, w []float64) (func(j int, column []float64) (score, p float64, err error), error) {
	if s.Score == Regression {
		return func(_ int, x []float64) (float64, float64, error) { return regression(x, y, w) }, nil
	}
	c, err := newClasses(y, w)
	if err != nil {
		return nil, err
	}
	switch s.Score {
	case ChiSquared:
		return c.chiSquared, nil
	case MutualInformation:
		return c.mutualInformation, nil
	}
	return c.anova, nil
}

// classes are the labels of the rows and the weight of each class.
type classes struct {
	labels  []int
	w       []float64
	weights []float64
	total   float64
}

func newClasses(y, w []float64) (*classes, error) {
	c := &classes{labels: make([]int, len(y)), w: w}
	for i, v := range y {
		if v != math.Trunc(v) || math.Abs(v) > 1<<52 {
			return nil, fmt.Errorf("target %v of row %d is no class: %w", v, i, gram.ErrLabels)
		}
		c.labels[i] = int(v)
	}
	k, err := gram.CheckLabels(c.labels, len(y))
	if err != nil {
		return nil, err
	}
	c.weights = make([]float64, k)
	for i, l := range c.labels {
		c.weights[l] += weight(w, i)
		c.total += weight(w, i)
	}
	return c, nil
}

// present is the number of classes of weight above zero.
func (c *classes) present() int {
	k := 0
	for _, v := range c.weights {
		if v > 0 {
			k++
		}
	}
	return k
}

func (c *classes) anova(_ int, x []float64) (score, p float64, err error) {
	all := mean(x, c.w)
	means := make([]float64, len(c.weights))
	for i, v := range x {
		if w := weight(c.w, i); w > 0 {
			means[c.labels[i]] += w * (v - all) / c.weights[c.labels[i]]
		}
	}
	var between, within float64
	for k, m := range means {
		between += c.weights[k] * m * m
	}
	for i, v := range x {
		diff := v - all - means[c.labels[i]]
		within += weight(c.w, i) * diff * diff
	}
	k := float64(c.present())
	score, p = fTest(between, within, k-1, c.total-k)
	return score, p, nil
}

// fTest returns the F statistic of two sums of squares, and its p-value.
func fTest(explained, rest, dfExplained, dfRest float64) (f, p float64) {
	f = (explained / dfExplained) / (rest / dfRest)
	switch {
	case !(dfExplained > 0 && dfRest > 0) || math.IsNaN(f):
		return math.NaN(), math.NaN()
	case math.IsInf(f, 1):
		return f, 0
	}
	return f, mathext.RegIncBeta(dfRest/2, dfExplained/2, dfRest/(dfRest+dfExplained*f))
}

func regression(x, y, w []float64) (score, p float64, err error) {
	mx, my := mean(x, w), mean(y, w)
	var xx, xy, yy, total float64
	for i, v := range x {
		u, dx, dy := weight(w, i), v-mx, y[i]-my
		xx += u * dx * dx
		xy += u * dx * dy
		yy += u * dy * dy
		total += u
	}
	r := xy / math.Sqrt(xx) / math.Sqrt(yy)
	r = min(max(r, -1), 1)
	score, p = fTest(r*r, (1-r)*(1+r), 1, total-2)
	return score, p, nil
}

func (c *classes) chiSquared(j int, x []float64) (score, p float64, err error) {
	observed := make([]float64, len(c.weights))
	sum := 0.0
	for i, v := range x {
		if v < 0 {
			return 0, 0, fmt.Errorf("row %d, column %d is %v, ChiSquared takes counts: %w", i, j, v, gram.ErrParam)
		}
		observed[c.labels[i]] += weight(c.w, i) * v
		sum += weight(c.w, i) * v
	}
	for k, v := range observed {
		if c.weights[k] > 0 {
			expected := c.weights[k] / c.total * sum
			score += (v - expected) * (v - expected) / expected
		}
	}
	if math.IsNaN(score) {
		return score, score, nil
	}
	return score, mathext.GammaIncRegComp(float64(c.present()-1)/2, score/2), nil
}

func (c *classes) mutualInformation(_ int, x []float64) (score, p float64, err error) {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	joint := make([]float64, len(c.weights))
	for lo := 0; lo < len(order); {
		clear(joint)
		sum, hi := 0.0, lo
		for ; hi < len(order) && x[order[hi]] == x[order[lo]]; hi++ {
			i := order[hi]
			joint[c.labels[i]] += weight(c.w, i)
			sum += weight(c.w, i)
		}
		for k, v := range joint {
			if v > 0 {
				score += v / c.total * math.Log(v/sum/(c.weights[k]/c.total))
			}
		}
		lo = hi
	}
	return max(0, score), math.NaN(), nil
}

// TrainTransformer calls Fit.
func (s SelectKBest) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// SelectModel is a fitted [VarianceThreshold] or [SelectKBest]: a gram.Transformer that
// keeps some of d columns.
type SelectModel struct {
	support         []int // ascending
	scores, pValues []float64
}

// Features returns d.
func (m *SelectModel) Features() int { return len(m.scores) }

// OutFeatures returns the number of columns that are kept.
func (m *SelectModel) OutFeatures() int { return len(m.support) }

// Support returns a copy of the columns that are kept, ascending.
func (m *SelectModel) Support() []int { return slices.Clone(m.support) }

// Scores returns a copy of the scores of all columns; variances for VarianceThreshold.
func (m *SelectModel) Scores() []float64 { return slices.Clone(m.scores) }

// PValues returns a copy of the probabilities of scores as great by chance; NaN where a
// score is undefined or is mutual information, nil for VarianceThreshold.
func (m *SelectModel) PValues() []float64 { return slices.Clone(m.pValues) }

// FeatureNames returns the names of the columns that are kept; nil stands for x0, x1
// and so on.
func (m *SelectModel) FeatureNames(in []string) []string {
	in = namesOf(in, len(m.scores))
	out := make([]string, len(m.support))
	for k, j := range m.support {
		out[k] = in[j]
	}
	return out
}

// Transform sets dst, n×OutFeatures row-major, to the columns of X that are kept and
// returns it; nil allocates. It returns ErrShape for a dst that does not fit or an X
// that has not d columns. O(n·OutFeatures).
func (m *SelectModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return mapRows(dst, X, m.Features(), m.OutFeatures(), m.row)
}

// TransformRow sets dst, of length OutFeatures, to the elements of x that are kept. It
// returns ErrShape for other lengths. It allocates nothing. O(OutFeatures).
func (m *SelectModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.OutFeatures()); err != nil {
		return err
	}
	return m.row(dst, x)
}

func (m *SelectModel) row(dst, x []float64) error {
	for k, j := range m.support {
		dst[k] = x[j]
	}
	return nil
}

func init() {
	gram.Register("prep.Select", 1,
		func(e *gram.Encoder, m *SelectModel) {
			e.Ints(m.support)
			e.Floats(m.scores)
			e.Floats(m.pValues)
		},
		func(d *gram.Decoder, _ int) *SelectModel {
			m := &SelectModel{d.Ints(), d.Floats(), d.Floats()}
			if d.Err() == nil && (len(m.support) == 0 || m.pValues != nil && len(m.pValues) != len(m.scores)) {
				d.Fail("%d columns kept, %d scores, %d p-values", len(m.support), len(m.scores), len(m.pValues))
			}
			checkAscending(d, m.support, len(m.scores))
			return m
		})
}
