package prep

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
)

// A Norm is a length of a row, as [Normalizer] makes it 1.
type Norm int

// The norms. Save writes their numbers, so they stay as they are.
const (
	L2      Norm = iota // √Σ x²
	L1                  // Σ |x|
	MaxNorm             // max |x|
)

// String returns the name of the norm.
func (n Norm) String() string {
	if n < L2 || n > MaxNorm {
		return fmt.Sprintf("Norm(%d)", int(n))
	}
	return [...]string{"L2", "L1", "MaxNorm"}[n]
}

// Normalizer brings every row, not column, to length 1: for data whose direction
// matters and not their size, as word counts. A row of zeros stays as it is.
type Normalizer struct {
	// Norm is the length, L2 by default.
	Norm Norm
}

// Fit learns nothing but the number of columns of X; it checks X and w as every fit
// does. Errors: ErrParam for a norm that does not exist, ErrShape, ErrWeights,
// ErrNonFinite. O(n·d).
func (s Normalizer) Fit(ctx context.Context, X gram.Matrix, w []float64) (*NormalizerModel, error) {
	if s.Norm < L2 || s.Norm > MaxNorm {
		return nil, fmt.Errorf("%v is no norm: %w", s.Norm, gram.ErrParam)
	}
	_, d, err := checkFit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return &NormalizerModel{s.Norm, d}, nil
}

// TrainTransformer calls Fit; y is not used.
func (s Normalizer) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// NormalizerModel is a fitted [Normalizer]: a gram.Transformer from d columns to d.
type NormalizerModel struct {
	norm     Norm
	features int
}

// Features returns d.
func (m *NormalizerModel) Features() int { return m.features }

// OutFeatures returns d.
func (m *NormalizerModel) OutFeatures() int { return m.features }

// FeatureNames returns the names of the columns of Z, which are those of X; nil
// stands for x0, x1 and so on.
func (m *NormalizerModel) FeatureNames(in []string) []string {
	return slices.Clone(namesOf(in, m.features))
}

// Transform sets dst, n×d row-major, to the rows of X at length 1 and returns it; nil
// allocates. dst may be the memory of a compact X itself. It returns ErrShape for a
// dst that does not fit or an X that has not d columns. O(n·d).
func (m *NormalizerModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return mapRows(dst, X, m.features, m.features, m.row)
}

// TransformRow sets dst, of length d, to x at length 1; dst may be x itself. It returns
// ErrShape for other lengths. It allocates nothing. O(d).
func (m *NormalizerModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.features, m.features); err != nil {
		return err
	}
	return m.row(dst, x)
}

func (m *NormalizerModel) row(dst, x []float64) error {
	// Scaled by its greatest element first, no row overflows and none vanishes.
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	if most == 0 {
		copy(dst, x)
		return nil
	}
	var sum float64
	for j, v := range x {
		v /= most
		dst[j] = v
		if m.norm == L1 {
			sum += math.Abs(v)
		} else {
			sum += v * v
		}
	}
	switch m.norm {
	case MaxNorm:
		return nil
	case L2:
		sum = math.Sqrt(sum)
	}
	for j := range dst {
		dst[j] /= sum
	}
	return nil
}

func init() {
	gram.Register("prep.Normalizer", 1,
		func(e *gram.Encoder, m *NormalizerModel) {
			e.Int(int(m.norm))
			e.Int(m.features)
		},
		func(d *gram.Decoder, _ int) *NormalizerModel {
			m := &NormalizerModel{Norm(d.Int()), d.Int()}
			if m.norm < L2 || m.norm > MaxNorm || m.features < 1 {
				d.Fail("%v of %d columns", m.norm, m.features)
			}
			return m
		})
}
