package quant

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gram-ml/gram"
)

// Projection turns affine transformers, whose outputs are sums of multiples of the
// features, into int8, as [Linear] does with classifiers: principal components,
// whitened or not, discriminants and random projections, but nothing that bends.
// [Projection.Quantize] takes a fitted one; as a trainer, Projection first has Base
// fit it.
type Projection struct {
	// Base trains the transformer. Only Quantize does without.
	Base gram.TransformerTrainer
}

var _ gram.TransformerTrainer = Projection{}

// Fit trains Base and quantizes what it fits, with X as calibration. y is for a Base
// that uses it, and nil otherwise; rows of weight 0 do not count.
//
// Errors: gram.ErrParam if Base is nil, and those of Base and of
// [Projection.Quantize]. As with every fit, gram.ErrNotConverged comes with a model.
func (p Projection) Fit(ctx context.Context, X gram.Matrix, y, w []float64) (*ProjectionModel, error) {
	if p.Base == nil {
		return nil, fmt.Errorf("quant: Projection has no Base to train: %w", gram.ErrParam)
	}
	t, err := p.Base.TrainTransformer(ctx, X, y, w)
	if err != nil && !errors.Is(err, gram.ErrNotConverged) {
		return nil, err
	}
	q, failed := p.Quantize(ctx, t, X, w)
	if failed != nil {
		return nil, failed
	}
	return q, err
}

// TrainTransformer calls [Projection.Fit].
func (p Projection) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := p.Fit(ctx, X, y, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// Quantize returns t in int8. X holds rows like those that it will transform, to
// calibrate the ranges of the features; those with a weight w of 0 are left out, and w
// may be nil. The coefficients are what t makes of steps along each feature.
//
// Errors: gram.ErrParam for a t that is not affine on the first rows; gram.ErrShape
// for an X that does not fit t or is empty; gram.ErrNonFinite and gram.ErrWeights for
// bad values in X and w; those of t; that of ctx. O(n·d) and d+8 rows through t.
func (p Projection) Quantize(ctx context.Context, t gram.Transformer, X gram.Matrix, w []float64) (*ProjectionModel, error) {
	ranges, err := spans(ctx, X, w)
	if err != nil {
		return nil, err
	}
	if _, err := gram.CheckFeatures(X, t.Features()); err != nil {
		return nil, err
	}
	coef, atCenter, err := probe(ctx, t, ranges)
	if err != nil {
		return nil, err
	}
	if err := checkAffine(t, coef, atCenter, ranges, X); err != nil {
		return nil, err
	}
	a, err := newAffine(coef, atCenter, ranges)
	if err != nil {
		return nil, err
	}
	return &ProjectionModel{a}, nil
}

// probe returns the n×d coefficients of an affine t and its n outputs at the middle of
// the ranges. A feature without a range has coefficients of 0.
func probe(ctx context.Context, t gram.Transformer, ranges []span) (coef, atCenter []float64, err error) {
	n, d := t.OutFeatures(), len(ranges)
	coef, atCenter = make([]float64, n*d), make([]float64, n)
	x, z := make([]float64, d), make([]float64, n)
	for j, r := range ranges {
		x[j] = r.center()
	}
	if err := t.TransformRow(atCenter, x); err != nil {
		return nil, nil, err
	}
	for j, r := range ranges {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		x[j] = r.hi
		if h := r.hi - r.center(); h > 0 {
			if err := t.TransformRow(z, x); err != nil {
				return nil, nil, err
			}
			for i, v := range z {
				coef[i*d+j] = (v - atCenter[i]) / h
			}
		}
		x[j] = r.center()
	}
	return coef, atCenter, nil
}

// checkAffine returns an error unless t's outputs for the first rows follow from the
// coefficients.
func checkAffine(t gram.Transformer, coef, atCenter []float64, ranges []span, X gram.Matrix) error {
	const tolerance = 1e-6
	n, d := X.Dims()
	x, z := make([]float64, d), make([]float64, len(atCenter))
	for i := range min(n, 8) {
		for j := range x {
			x[j] = X.At(i, j)
		}
		if err := t.TransformRow(z, x); err != nil {
			return err
		}
		for k, got := range z {
			want, size := atCenter[k], math.Abs(atCenter[k])
			for j, r := range ranges {
				step := coef[k*d+j] * (x[j] - r.center())
				want += step
				size += math.Abs(step)
			}
			if !(math.Abs(got-want) <= tolerance*size) {
				return fmt.Errorf("quant: %T is not affine: output %d of row %d is %v, its coefficients give %v: %w",
					t, k, i, got, want, gram.ErrParam)
			}
		}
	}
	return nil
}

// ProjectionModel is an affine transformer in int8, as [Projection] makes it. Its
// methods return gram.ErrShape for shapes that do not fit, and gram.ErrNonFinite for
// rows that hold NaN or an infinity. Transform takes O(n·d·k), TransformRow O(d·k) and
// no memory; a row has the same bits in either.
type ProjectionModel struct{ a *affine }

var _ gram.Transformer = (*ProjectionModel)(nil)

// Features returns d.
func (m *ProjectionModel) Features() int { return len(m.a.center) }

// OutFeatures returns the number k of outputs.
func (m *ProjectionModel) OutFeatures() int { return len(m.a.offset) }

// Bytes returns the size of the quantized coefficients and all that goes with them.
func (m *ProjectionModel) Bytes() int { return m.a.bytes() }

// Transform returns the outputs, n×k row-major.
func (m *ProjectionModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	k := m.OutFeatures()
	if dst, err = gram.Dst(dst, n*k); err != nil {
		return nil, err
	}
	if err := m.a.batch(X, func(lo int, z []float64) { copy(dst[lo*k:], z) }); err != nil {
		return nil, err
	}
	return dst, nil
}

// TransformRow sets dst, of length k, to the outputs for one row.
func (m *ProjectionModel) TransformRow(dst, x []float64) error {
	if err := gram.CheckDst(dst, m.OutFeatures()); err != nil {
		return err
	}
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return err
	}
	return m.a.row(dst, x)
}

// Distortion says what a change of a transformer, such as its quantization, costs: for
// each output the root of the mean squared difference on the rows of X, with weights
// w, nil for all ones, as a share of the output's standard deviation before. It is 0
// where nothing differs, and +Inf where what was constant is so no more.
//
// Errors: gram.ErrShape for transformers that do not fit each other or X, or no rows;
// gram.ErrWeights; those of the transformers. O(n·k) beside the transforms.
func Distortion(before, after gram.Transformer, X gram.Matrix, w []float64) ([]float64, error) {
	n, err := gram.CheckFeatures(X, before.Features())
	if err != nil {
		return nil, err
	}
	k := before.OutFeatures()
	if after.OutFeatures() != k || n == 0 {
		return nil, fmt.Errorf("quant: %d outputs before and %d after, of %d rows: %w", k, after.OutFeatures(), n, gram.ErrShape)
	}
	total, err := gram.CheckWeights(w, n)
	if err != nil {
		return nil, err
	}
	a, err := before.Transform(nil, X)
	if err != nil {
		return nil, err
	}
	b, err := after.Transform(nil, X)
	if err != nil {
		return nil, err
	}
	// each adds up f of each element, weighted.
	each := func(f func(j int, at int) float64) []float64 {
		sums := make([]float64, k)
		for i := range n {
			weight := 1 / total
			if w != nil {
				weight = w[i] / total
			}
			for j := range sums {
				sums[j] += weight * f(j, i*k+j)
			}
		}
		return sums
	}
	mean := each(func(_, at int) float64 { return a[at] })
	variance := each(func(j, at int) float64 { return (a[at] - mean[j]) * (a[at] - mean[j]) })
	out := each(func(_, at int) float64 { return (a[at] - b[at]) * (a[at] - b[at]) })
	for j, v := range out {
		if v > 0 {
			out[j] = math.Sqrt(v / variance[j])
		}
	}
	return out, nil
}
