package decomp

import (
	"context"
	"fmt"
	"slices"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// TruncatedSVD finds the leading singular vectors of X as it is, without centring: PCA
// for data whose zero means nothing there, as counts of words, where it is known as latent
// semantic analysis. X may be sparse and stays so. The zero value finds 2 components.
type TruncatedSVD struct {
	// Components is k, 1 to min(n, d); 0 means 2.
	Components int
	// PowerIterations is that of linalg.RandomizedSVD; 0 means 3.
	PowerIterations int
	// Oversample, Tolerance and Seed are those of linalg.RandomizedSVD.
	Oversample int
	Tolerance  float64
	Seed       uint64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
}

var _ gram.TransformerTrainer = TruncatedSVD{}

// Fit decomposes X, n×d, with weights w ≥ 0 that count rows, nil for all ones.
//
// Errors: ErrShape, ErrNonFinite and ErrWeights for X and w; ErrParam for more components
// than min(n, d), n being the rows of positive weight; that of ctx. The cost is that of
// linalg.RandomizedSVD.
func (t TruncatedSVD) Fit(ctx context.Context, X gram.Matrix, w []float64) (*TruncatedSVDModel, error) {
	s, err := newData(ctx, X, w, t.Workers)
	if err != nil {
		return nil, err
	}
	k := t.Components
	if k == 0 {
		k = 2
	}
	if k < 1 || k > s.least() {
		return nil, fmt.Errorf("%d components of %d rows of %d columns: %w", k, s.positive, s.d, gram.ErrParam)
	}
	if _, _, err := gram.CheckMatrix(X); err != nil {
		return nil, err
	}
	iterations := t.PowerIterations
	if iterations == 0 {
		iterations = 3
	}
	c := &centredRows{Operator: s.op, roots: s.roots()}
	_, products := X.(gram.Operator)
	c.dense = !products
	if c.squares, err = s.squares(ctx); err != nil {
		return nil, err
	}
	f, err := linalg.RandomizedSVD{
		Oversample: t.Oversample, PowerIterations: iterations, Tolerance: t.Tolerance, Single: c.single(), RightOnly: true,
		Seed: t.Seed, Workers: t.Workers,
	}.Decompose(ctx, c.operator(), k)
	if err != nil {
		return nil, err
	}
	m := &TruncatedSVDModel{values: f.Values}
	m.init(nil, leading(f.V, k), k, s.d)
	if err := m.explain(ctx, s, c.squares); err != nil {
		return nil, err
	}
	return m, nil
}

// TrainTransformer calls Fit; y is not used.
func (t TruncatedSVD) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := t.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// explain computes the variances of the scores, about their means, and of X.
func (m *TruncatedSVDModel) explain(ctx context.Context, s *data, squares float64) error {
	mean := make([]float64, s.d)
	ones := s.w
	if ones == nil {
		ones = make([]float64, s.n)
		for i := range ones {
			ones[i] = 1
		}
	}
	const size = 1 << 14
	parts := make([][]float64, par.Blocks(s.n, size))
	err := par.For(ctx, s.workers, s.n, size, func(b, lo, hi int) {
		parts[b] = make([]float64, s.d)
		s.op.AddTransMulRows(parts[b], lo, hi, ones[lo:hi], 1)
	})
	if err != nil {
		return stopped(err)
	}
	for _, p := range parts {
		f64.Axpy(1/s.weight, p, mean)
	}
	k := len(m.values)
	m.variance = make([]float64, k)
	scores := make([]float64, k) // the mean of each
	f64.DotRows(scores, m.basis.Data, m.basis.Stride, mean)
	for j, v := range m.values {
		m.variance[j] = max(0, v*v/s.weight-scores[j]*scores[j])
	}
	m.total = max(0, squares/s.weight-f64.SumSquares(mean))
	return nil
}

// TruncatedSVDModel is a fitted [TruncatedSVD]: a gram.Transformer to scores x·V. Batch
// methods take O(n·d·k), row methods O(d·k) and no memory.
type TruncatedSVDModel struct {
	linearMap
	values   []float64
	variance []float64
	total    float64
}

var _ gram.Transformer = (*TruncatedSVDModel)(nil)

// Components returns k.
func (m *TruncatedSVDModel) Components() int { return len(m.values) }

// OutFeatures returns k.
func (m *TruncatedSVDModel) OutFeatures() int { return len(m.values) }

// Basis returns a copy of the right singular vectors, k×d row-major: orthonormal rows, the
// element of largest magnitude of each positive.
func (m *TruncatedSVDModel) Basis() []float64 { return slices.Clone(m.basis.Data) }

// SingularValues returns a copy of the singular values, the largest first, of the rows
// times the roots of their weights.
func (m *TruncatedSVDModel) SingularValues() []float64 { return slices.Clone(m.values) }

// ExplainedVariance returns a copy of the variances of the scores of the training rows about
// their means, with Σw for the divisor. They need not fall, as the first singular
// vector may be about the mean.
func (m *TruncatedSVDModel) ExplainedVariance() []float64 { return slices.Clone(m.variance) }

// ExplainedVarianceRatio returns the share of each in the sum of the variances of the
// columns, 0 if that is 0.
func (m *TruncatedSVDModel) ExplainedVarianceRatio() []float64 {
	out := slices.Clone(m.variance)
	if m.total > 0 {
		f64.Scal(1/m.total, out)
	}
	return out
}

// Transform sets dst, n×k row-major, to the scores of the rows of X.
func (m *TruncatedSVDModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return transform(dst, X, m.Features(), m.OutFeatures(), func(dst []float64, n int) { m.project(dst, X, n) })
}

// TransformRow sets dst, of length k, to the scores of x; dst may be x.
func (m *TruncatedSVDModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.OutFeatures()); err != nil {
		return err
	}
	m.projectRow(dst, x)
	return nil
}

// InverseTransform sets dst, n×d row-major, to the rows of least squared distance from
// those whose scores are Z, n×k.
func (m *TruncatedSVDModel) InverseTransform(dst []float64, Z gram.Matrix) ([]float64, error) {
	return transform(dst, Z, m.OutFeatures(), m.Features(), func(dst []float64, n int) { m.restore(dst, denseCopy(Z)) })
}

// InverseTransformRow sets dst, of length d, to the row that the scores z stand for; dst
// may be z.
func (m *TruncatedSVDModel) InverseTransformRow(dst, z []float64) error {
	if err := checkRow(dst, z, m.OutFeatures(), m.Features()); err != nil {
		return err
	}
	t := m.pool.Get().(*scratch)
	s := grow(&t.z, len(z))
	copy(s, z)
	m.restoreRow(dst, s)
	m.pool.Put(t)
	return nil
}

func encodeTruncated(e *gram.Encoder, m *TruncatedSVDModel) {
	e.Int(m.Features())
	e.Floats(m.values)
	e.Floats(m.variance)
	e.Floats(m.basis.Data)
	e.Float(m.total)
}

func decodeTruncated(d *gram.Decoder, _ int) *TruncatedSVDModel {
	features, values := d.Count(), d.Floats()
	m := &TruncatedSVDModel{values: values, variance: d.Floats(len(values))}
	basis := d.Floats(len(values), features)
	m.total = d.Float()
	checkFinite(d, values, m.variance, basis, []float64{m.total})
	if len(values) == 0 || len(values) > features {
		d.Fail("%d components of %d features", len(values), features)
	}
	if d.Err() != nil {
		return nil
	}
	m.init(nil, basis, len(values), features)
	return m
}
