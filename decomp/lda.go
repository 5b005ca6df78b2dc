package decomp

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// LDA is linear discriminant analysis: the directions in which classes lie farthest apart,
// measured by the spread of the rows about the means of their classes. It is a supervised
// transformer to at most K−1 scores, and the classifier that is best where every class is
// normal with the same covariance. The zero value keeps all directions (R. Fisher, The use of
// multiple measurements in taxonomic problems, Annals of Eugenics 7 (1936); C. Rao, JRSS B 10
// (1948)).
type LDA struct {
	// Components is the number of directions, 1 to min(K−1, d); 0 means all there are.
	Components int
	// Shrinkage, 0 to 1, moves the covariance within classes by this share towards the mean
	// variance times the identity: for few rows of many columns.
	Shrinkage float64
	// Priors are the probabilities of the K classes; nil means their shares in the weights.
	Priors []float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
}

var (
	_ gram.TransformerTrainer = LDA{}
	_ gram.ClassifierTrainer  = LDA{}
)

// Fit learns from rows X, n×d, their classes y, 0..K−1, and weights w ≥ 0 that count rows,
// nil for all ones.
//
// The variances of columns within classes are scaled to 1 first, and directions in
// which rows vary less than 1e-10 of most within their classes, as those of collinear
// columns, are left out. Classes differ only along what remains.
//
// Errors: ErrShape, ErrNonFinite, ErrLabels and ErrWeights for X, y and w; ErrParam for a
// field out of its range; ErrSingular where rows do not vary within classes, the means of
// all classes are the same, or they span fewer than Components directions; that of ctx.
// O(n·d² + d³).
func (t LDA) Fit(ctx context.Context, X gram.Matrix, y []int, w []float64) (*LDAModel, error) {
	s, err := newData(ctx, X, w, t.Workers)
	if err != nil {
		return nil, err
	}
	k, err := gram.CheckLabels(y, s.n)
	if err != nil {
		return nil, err
	}
	if err := t.check(k, s.d); err != nil {
		return nil, err
	}
	c, err := s.classes(ctx, y, k)
	if err != nil {
		return nil, err
	}
	if c.weight <= float64(k) {
		return nil, fmt.Errorf("%d classes of total weight %v leave no spread within them: %w", k, c.weight, gram.ErrSingular)
	}
	return t.model(c)
}

// TrainTransformer calls Fit; y holds the classes 0..K−1.
func (t LDA) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	labels := make([]int, len(y))
	for i, v := range y {
		if labels[i] = int(v); float64(labels[i]) != v {
			return nil, fmt.Errorf("label of row %d is %v: %w", i, v, gram.ErrLabels)
		}
	}
	m, err := t.Fit(ctx, X, labels, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// TrainClassifier calls Fit.
func (t LDA) TrainClassifier(ctx context.Context, X gram.Matrix, y []int, w []float64) (gram.Classifier, error) {
	m, err := t.Fit(ctx, X, y, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (t LDA) check(k, d int) error {
	switch {
	case t.Components < 0 || t.Components > min(k-1, d):
		return fmt.Errorf("%d components for %d classes in %d columns: %w", t.Components, k, d, gram.ErrParam)
	case !(t.Shrinkage >= 0 && t.Shrinkage <= 1):
		return fmt.Errorf("Shrinkage is %v: %w", t.Shrinkage, gram.ErrParam)
	case t.Priors == nil:
		return nil
	case len(t.Priors) != k:
		return fmt.Errorf("%d priors for %d classes: %w", len(t.Priors), k, gram.ErrShape)
	}
	for c, p := range t.Priors {
		if !(p > 0 && p < 1) {
			return fmt.Errorf("Priors[%d] is %v: %w", c, p, gram.ErrParam)
		}
	}
	if sum := f64.Sum(t.Priors); math.Abs(sum-1) > 1e-9 {
		return fmt.Errorf("Priors sum to %v: %w", sum, gram.ErrParam)
	}
	return nil
}

// classMoments are the weights and means of classes, and the scatter of the rows about the
// mean of their class.
type classMoments struct {
	weight float64
	each   []float64 // the weight of each class
	means  *linalg.Dense[float64]
	mean   []float64 // of all rows
	within *linalg.Dense[float64]
}

// classes finds the moments, class by class.
func (s *data) classes(ctx context.Context, y []int, k int) (*classMoments, error) {
	rows := make([][]int, k)
	for i, c := range y {
		if s.w == nil || s.w[i] > 0 {
			rows[c] = append(rows[c], i)
		}
	}
	if s.w != nil { // what has no weight is not read below
		if _, _, err := gram.CheckMatrix(s.X); err != nil {
			return nil, err
		}
	}
	m := &classMoments{each: make([]float64, k), means: linalg.NewDense[float64](k, s.d, nil), mean: make([]float64, s.d)}
	m.within = linalg.NewDense[float64](s.d, s.d, nil)
	for c, at := range rows {
		if len(at) == 0 {
			return nil, fmt.Errorf("class %d has no weight: %w", c, gram.ErrLabels)
		}
		var w []float64
		if s.w != nil {
			w = make([]float64, len(at))
			for i, r := range at {
				w[i] = s.w[r]
			}
		}
		part, err := momentsOf(ctx, linalg.AsOperator(linalg.Rows(s.X, at)), w, s.workers)
		if err != nil {
			if _, _, bad := gram.CheckMatrix(s.X); bad != nil {
				return nil, bad // which counts the rows of all classes
			}
			return nil, err
		}
		m.each[c] = part.Weight
		m.weight += part.Weight
		copy(m.means.Row(c), part.Mean)
		f64.Axpy(1, part.Scatter.Data, m.within.Data)
	}
	for c, w := range m.each {
		for j, v := range m.means.Row(c) {
			m.mean[j] += (v - m.means.At(0, j)) * (w / m.weight)
		}
	}
	f64.Axpy(1, m.means.Row(0), m.mean)
	return m, nil
}

// spread returns a map, d×r, to r scores whose covariance within classes is the identity.
func (t LDA) spread(c *classMoments) (*linalg.Dense[float64], error) {
	d := len(c.mean)
	cov, scale := c.within, make([]float64, d)
	f64.Scal(1/(c.weight-float64(len(c.each))), cov.Data)
	if t.Shrinkage > 0 {
		trace := 0.0
		for j := range d {
			trace += cov.At(j, j)
		}
		f64.Scal(1-t.Shrinkage, cov.Data)
		for j := range d {
			cov.Row(j)[j] += t.Shrinkage * trace / float64(d)
		}
	}
	for j := range d {
		scale[j] = 1
		if v := cov.At(j, j); v > 0 {
			scale[j] = 1 / math.Sqrt(v)
		}
	}
	for i := range d {
		for j := range d {
			cov.Row(i)[j] *= scale[i] * scale[j]
		}
	}
	f, err := linalg.NewSymEigen(t.Workers, cov, d)
	if err != nil {
		return nil, fmt.Errorf("the scatter within classes: %w", err)
	}
	rank := 0
	for rank < d && f.Values[rank] > 1e-10*f.Values[0] {
		rank++
	}
	if rank == 0 || !(f.Values[0] > 0) {
		return nil, fmt.Errorf("rows do not vary within their classes: %w", gram.ErrSingular)
	}
	out := linalg.NewDense[float64](d, rank, nil)
	for i := range d {
		for j := range rank {
			out.Set(i, j, f.Vectors.At(i, j)*scale[i]/math.Sqrt(f.Values[j]))
		}
	}
	return out, nil
}

// model finds the directions of the means of classes among scores of equal spread.
func (t LDA) model(c *classMoments) (*LDAModel, error) {
	k, d := c.means.Rows, c.means.Cols
	spread, err := t.spread(c)
	if err != nil {
		return nil, err
	}
	apart := linalg.NewDense[float64](k, d, nil) // the means less that of all rows
	for i := range k {
		copy(apart.Row(i), c.means.Row(i))
		f64.Axpy(-1, c.mean, apart.Row(i))
	}
	centres := product(t.Workers, apart, spread)
	weighted := linalg.CopyOf[float64](centres)
	for i, w := range c.each {
		f64.Scal(math.Sqrt(w), weighted.Row(i))
	}
	f, err := linalg.NewSVD(t.Workers, weighted)
	if err != nil {
		return nil, fmt.Errorf("the means of classes: %w", err)
	}
	rank, total := 0, 0.0
	for rank < min(k-1, len(f.Values)) && f.Values[rank] > 1e-10*math.Sqrt(c.weight) {
		total += f.Values[rank] * f.Values[rank]
		rank++
	}
	if rank == 0 {
		return nil, fmt.Errorf("the means of all classes are the same: %w", gram.ErrSingular)
	}
	kept := t.Components
	if kept == 0 {
		kept = rank
	}
	if kept > rank {
		return nil, fmt.Errorf("%d components of means of rank %d: %w", kept, rank, gram.ErrSingular)
	}
	directions := transposed(product(t.Workers, spread, f.V.Slice(0, spread.Cols, 0, rank)))
	fixSigns(directions)
	m := &LDAModel{mean: c.mean, ratio: f.Values[:rank:rank], priors: t.Priors}
	for j, v := range m.ratio {
		m.ratio[j] = v * v / total
	}
	m.ratio = m.ratio[:kept:kept]
	if m.priors = slices.Clone(t.Priors); m.priors == nil {
		m.priors = slices.Clone(c.each)
		f64.Scal(1/c.weight, m.priors)
	}
	coef, offset := decision(apart, directions, m.priors)
	m.init(directions.Data[:kept*d], coef, offset)
	return m, nil
}

// decision returns the coefficients, K×d, and offsets of the classes' log-probabilities,
// up to what they share, for rows less the mean: of normal distributions about the centres,
// whose covariance in the directions is the identity.
func decision(apart, directions *linalg.Dense[float64], priors []float64) (coef, offset []float64) {
	k := apart.Rows
	centres := linalg.NewDense[float64](k, directions.Rows, nil)
	linalg.Gemm(blas.NoTrans, blas.Trans, 1, apart, directions, 0, centres)
	offset = make([]float64, k)
	for c := range k {
		offset[c] = math.Log(priors[c]) - f64.SumSquares(centres.Row(c))/2
	}
	return product(1, centres, directions).Data, offset
}
