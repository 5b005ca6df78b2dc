package prep

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"

	"github.com/gram-ml/gram"
)

// KBins cuts every column into bins and replaces values by the number of their bin,
// counted from 0: a step function for models that are linear in what they see. The
// zero value makes five bins of about equally many rows.
type KBins struct {
	// Bins is the number of bins of a column, at least 2. 0 means 5. A column has fewer
	// when quantiles coincide, and one when it is constant.
	Bins int
	// Uniform makes bins of equal width, not of equal weight.
	Uniform bool
	// OneHot gives one column of 0 and 1 for each bin in place of its number.
	OneHot bool
	// Workers is the number of goroutines of a fit; 0 means GOMAXPROCS. The model
	// does not depend on it.
	Workers int
}

// Fit learns the edges of the bins of the columns of X, n×d, with sample weights w, nil
// for all ones; weights that are whole numbers count as repeated rows.
//
// Errors: ErrParam for a number of bins below 2, ErrShape, ErrWeights, ErrNonFinite,
// which names the row and column in X or the column whose range overflows, and that
// of ctx. O(d·n·log n).
func (s KBins) Fit(ctx context.Context, X gram.Matrix, w []float64) (*KBinsModel, error) {
	bins := s.Bins
	if bins == 0 {
		bins = 5
	}
	if bins < 2 {
		return nil, fmt.Errorf("%d bins, want at least 2: %w", bins, gram.ErrParam)
	}
	_, d, err := checkFit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	edges := make([][]float64, d)
	err = eachColumn(ctx, s.Workers, X, func(j int, column []float64) error {
		values := newDistribution(column, w)
		least, most := values.quantile(0), values.quantile(1)
		if !validRange(least, most) {
			return fmt.Errorf("the range of column %d overflows: %w", j, gram.ErrNonFinite)
		}
		at := values.quantile
		if s.Uniform {
			at = func(p float64) float64 { return between(least, most, p) }
		}
		edges[j] = edgesOf(bins, at)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newKBinsModel(edges, s.OneHot), nil
}

// edgesOf returns the distinct edges of bins, two of the same value for a constant.
func edgesOf(bins int, at func(p float64) float64) []float64 {
	edges := []float64{at(0)}
	for k := 1; k <= bins; k++ {
		if v := at(float64(k) / float64(bins)); v > edges[len(edges)-1] {
			edges = append(edges, v)
		}
	}
	if len(edges) == 1 {
		edges = append(edges, edges[0])
	}
	return edges
}

// TrainTransformer calls Fit; y is not used.
func (s KBins) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// KBinsModel is a fitted [KBins]: a gram.Transformer from d columns to d or, under
// OneHot, to one for each bin.
type KBinsModel struct {
	edges  [][]float64
	oneHot bool
	start  []int // under oneHot, the first column of Z for each of X, and their number
}

func newKBinsModel(edges [][]float64, oneHot bool) *KBinsModel {
	m := &KBinsModel{edges: edges, oneHot: oneHot, start: make([]int, len(edges)+1)}
	for j, e := range edges {
		m.start[j+1] = m.start[j] + 1
		if oneHot {
			m.start[j+1] = m.start[j] + len(e) - 1
		}
	}
	return m
}

// Features returns d.
func (m *KBinsModel) Features() int { return len(m.edges) }

// OutFeatures returns d or, under OneHot, the number of bins of all columns.
func (m *KBinsModel) OutFeatures() int { return m.start[len(m.edges)] }

// Edges returns a copy of the edges of the bins of column j, ascending, one more than
// there are bins.
func (m *KBinsModel) Edges(j int) []float64 { return slices.Clone(m.edges[j]) }

// FeatureNames returns the names of the columns of Z: those of X, nil stands for x0, x1
// and so on, or under OneHot such as "x0 bin 2".
func (m *KBinsModel) FeatureNames(in []string) []string {
	in = namesOf(in, len(m.edges))
	if !m.oneHot {
		return slices.Clone(in)
	}
	var out []string
	for j, e := range m.edges {
		for k := range len(e) - 1 {
			out = append(out, in[j]+" bin "+strconv.Itoa(k))
		}
	}
	return out
}

// Transform sets dst, n×OutFeatures row-major, to the bins of the rows of X and returns
// it; nil allocates. A value on an edge belongs to the bin above; one outside what
// training has seen to the first or last. Errors: ErrShape for a dst that does not
// fit or an X that has not d columns, ErrNonFinite for a NaN. O(n·d·log Bins).
func (m *KBinsModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return mapRows(dst, X, m.Features(), m.OutFeatures(), m.row)
}

// TransformRow sets dst, of length OutFeatures, to the bins of x; dst may be x itself
// unless OneHot is set. Errors are those of Transform. It allocates nothing when there
// is none. O(d·log Bins).
func (m *KBinsModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.OutFeatures()); err != nil {
		return err
	}
	return m.row(dst, x)
}

func (m *KBinsModel) row(dst, x []float64) error {
	if m.oneHot {
		x = apart(dst, x)
		clear(dst)
	}
	for j, v := range x {
		if v != v {
			return fmt.Errorf("column %d is NaN: %w", j, gram.ErrNonFinite)
		}
		inner := m.edges[j][1 : len(m.edges[j])-1]
		bin := sort.Search(len(inner), func(k int) bool { return inner[k] > v })
		if m.oneHot {
			dst[m.start[j]+bin] = 1
		} else {
			dst[j] = float64(bin)
		}
	}
	return nil
}

// InverseTransform takes the rows of Z, n×OutFeatures, to the middles of the bins, n×d.
// Under OneHot the bin with the greatest entry counts, the first of several. Errors:
// ErrShape as for Transform, ErrParam for a number that is no bin.
func (m *KBinsModel) InverseTransform(dst []float64, Z gram.Matrix) ([]float64, error) {
	return mapRows(dst, Z, m.OutFeatures(), m.Features(), m.back)
}

// InverseTransformRow takes one row to the middles of its bins. Its conventions are
// those of TransformRow, its errors those of InverseTransform.
func (m *KBinsModel) InverseTransformRow(dst, z []float64) error {
	if err := checkRow(dst, z, m.OutFeatures(), m.Features()); err != nil {
		return err
	}
	return m.back(dst, z)
}

func (m *KBinsModel) back(dst, z []float64) error {
	if m.oneHot {
		z = apart(dst, z)
	}
	for j, e := range m.edges {
		v := z[m.start[j]]
		if m.oneHot {
			v = float64(largest(z[m.start[j]:m.start[j+1]]))
		}
		bin := int(v)
		if !(v >= 0 && v < float64(len(e)-1)) || float64(bin) != v {
			return fmt.Errorf("column %d is %v, bins are 0 to %d: %w", j, v, len(e)-2, gram.ErrParam)
		}
		dst[j] = between(e[bin], e[bin+1], 0.5)
	}
	return nil
}

// largest returns the place of the greatest element, the first of several.
func largest(x []float64) int {
	best := 0
	for k, v := range x {
		if v > x[best] {
			best = k
		}
	}
	return best
}

func init() {
	gram.Register("prep.KBins", 1,
		func(e *gram.Encoder, m *KBinsModel) {
			e.Bool(m.oneHot)
			e.Int(len(m.edges))
			for _, edges := range m.edges {
				e.Floats(edges)
			}
		},
		func(d *gram.Decoder, _ int) *KBinsModel {
			oneHot := d.Bool()
			edges := make([][]float64, d.Count())
			for j := range edges {
				edges[j] = d.Floats()
				if d.Err() != nil {
					return nil
				}
				if !validEdges(edges[j]) {
					d.Fail("column %d has edges %v", j, edges[j])
				}
			}
			if len(edges) == 0 {
				d.Fail("no columns")
			}
			return newKBinsModel(edges, oneHot)
		})
}

// validEdges tells whether edges ascend strictly, two of a constant excepted, and are
// finite.
func validEdges(edges []float64) bool {
	last := len(edges) - 1
	if last < 1 || !validRange(edges[0], edges[last]) {
		return false
	}
	for k := range last {
		if !(edges[k] < edges[k+1]) && last > 1 {
			return false
		}
	}
	return true
}
