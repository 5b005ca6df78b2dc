package decomp

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/sparse"
)

// RandomProjection multiplies rows by a random matrix, which keeps the distances between
// them to within a factor 1 ± ε whatever d is (W. Johnson and J. Lindenstrauss, Extensions of
// Lipschitz mappings into a Hilbert space, 1984). It learns nothing but the shape of X. The
// zero value finds k by the bound for ε = 0.1.
type RandomProjection struct {
	// Components is k, ≥ 1; 0 means that of JohnsonLindenstrauss for as many rows as X has,
	// by weight, and Eps, or d where that is smaller: then there is nothing to gain.
	Components int
	// Eps is the distortion of squared distances, in (0, 1), that Components = 0 allows;
	// 0 means 0.1.
	Eps float64
	// Sparse draws a matrix most of whose elements are zero, which multiplies faster and
	// keeps distances as well unless rows have only a few large elements (P. Li,
	// T. Hastie and K. Church, Very sparse random projections, KDD 2006). Otherwise all
	// elements are normal, of variance 1/k.
	Sparse bool
	// Density is the share of elements of a Sparse matrix that are not zero, in (0, 1]; 0
	// means 1/√d. They are ±1/√(k·Density).
	Density float64
	// Seed chooses the random numbers.
	Seed uint64
}

var _ gram.TransformerTrainer = RandomProjection{}

// JohnsonLindenstrauss returns the least k for which a random projection of n points to k
// dimensions keeps all squared distances to within a factor 1 ± eps with a probability
// of at least ½: k ≥ 4·ln(n)/(eps²/2 − eps³/3) (S. Dasgupta and A. Gupta, An elementary
// proof of a theorem of Johnson and Lindenstrauss, Random Struct. Alg. 22 (2003)). It panics
// for n < 1 or an eps outside (0, 1).
func JohnsonLindenstrauss(n int, eps float64) int {
	if n < 1 || !(eps > 0 && eps < 1) {
		panic(fmt.Sprintf("decomp: JohnsonLindenstrauss of %d points and eps %v", n, eps))
	}
	return max(1, int(math.Ceil(4*math.Log(float64(n))/(eps*eps/2-eps*eps*eps/3))))
}

// Fit draws the matrix for X, n×d; the weights w ≥ 0 count rows.
//
// Errors: ErrShape, ErrNonFinite and ErrWeights for X and w; ErrParam for a field out of its
// range; that of ctx. O(n·d) to check X, and O(d·k), or for Sparse what of it is not zero.
func (t RandomProjection) Fit(ctx context.Context, X gram.Matrix, w []float64) (*RandomProjectionModel, error) {
	s, err := newData(ctx, X, w, 1)
	if err != nil {
		return nil, err
	}
	if _, _, err := gram.CheckMatrix(X); err != nil {
		return nil, err
	}
	if t.Eps == 0 {
		t.Eps = 0.1
	}
	if t.Density == 0 {
		t.Density = 1 / math.Sqrt(float64(s.d))
	}
	switch {
	case t.Components < 0:
		return nil, fmt.Errorf("%d components: %w", t.Components, gram.ErrParam)
	case !(t.Eps > 0 && t.Eps < 1):
		return nil, fmt.Errorf("Eps is %v: %w", t.Eps, gram.ErrParam)
	case !(t.Density > 0 && t.Density <= 1):
		return nil, fmt.Errorf("Density is %v: %w", t.Density, gram.ErrParam)
	case t.Components == 0:
		points := int(math.Ceil(min(s.weight, math.MaxInt32)))
		t.Components = min(s.d, JohnsonLindenstrauss(points, t.Eps))
	}
	if t.Sparse {
		return t.signs(ctx, s.d)
	}
	return t.normal(ctx, s.d)
}

// TrainTransformer calls Fit; y is not used.
func (t RandomProjection) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := t.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// normal draws all elements.
func (t RandomProjection) normal(ctx context.Context, d int) (*RandomProjectionModel, error) {
	m := new(RandomProjectionModel)
	basis := make([]float64, t.Components*d)
	scale := 1 / math.Sqrt(float64(t.Components))
	for j := range t.Components {
		if err := ctx.Err(); err != nil {
			return nil, stopped(err)
		}
		rng := rand.New(rand.NewPCG(t.Seed, uint64(j)))
		for i := range d {
			basis[j*d+i] = scale * rng.NormFloat64()
		}
	}
	m.init(nil, basis, t.Components, d)
	return m, nil
}

// signs draws the elements that are not zero, row by row, from the gaps between them.
func (t RandomProjection) signs(ctx context.Context, d int) (*RandomProjectionModel, error) {
	value := 1 / math.Sqrt(float64(t.Components)*t.Density)
	ptr, col, val := make([]int64, 1, d+1), []uint32(nil), []float64(nil)
	miss := math.Log1p(-t.Density) // −∞ for a density of 1
	for i := range d {
		if err := ctx.Err(); err != nil {
			return nil, stopped(err)
		}
		rng := rand.New(rand.NewPCG(t.Seed, uint64(i)))
		for at := 0; ; at++ {
			gap := math.Floor(math.Log(1-rng.Float64()) / miss)
			if !(gap < float64(t.Components-at)) {
				break
			}
			at += int(gap)
			col = append(col, uint32(at))
			if rng.Uint64()&1 == 0 {
				val = append(val, value)
			} else {
				val = append(val, -value)
			}
		}
		ptr = append(ptr, int64(len(col)))
	}
	m := new(RandomProjectionModel)
	return m, m.setEntries(d, t.Components, ptr, col, val)
}

// RandomProjectionModel is a fitted [RandomProjection]: a gram.Transformer to k scores. Batch
// methods take O(n·d·k) and row methods O(d·k), or as many operations as the matrix
// and the rows have non-zeros in common; row methods take no memory.
type RandomProjectionModel struct {
	linearMap
	entries *sparse.CSR[float64] // the matrix, d×k, if it is sparse
}

var _ gram.Transformer = (*RandomProjectionModel)(nil)

func (m *RandomProjectionModel) setEntries(d, k int, ptr []int64, col []uint32, val []float64) (err error) {
	m.entries, err = sparse.NewCSR(d, k, ptr, col, val)
	m.pool.New = func() any { return new(scratch) }
	return err
}

// Features returns d.
func (m *RandomProjectionModel) Features() int {
	if m.entries != nil {
		d, _ := m.entries.Dims()
		return d
	}
	return m.linearMap.Features()
}

// OutFeatures returns k.
func (m *RandomProjectionModel) OutFeatures() int {
	if m.entries != nil {
		_, k := m.entries.Dims()
		return k
	}
	return m.basis.Rows
}

// Components returns k.
func (m *RandomProjectionModel) Components() int { return m.OutFeatures() }

// Basis returns a copy of the matrix, k×d row-major.
func (m *RandomProjectionModel) Basis() []float64 {
	if m.entries != nil {
		return m.entries.Transpose().ToDense().Data
	}
	return append([]float64(nil), m.basis.Data...)
}

// Transform sets dst, n×k row-major, to the projections of the rows of X.
func (m *RandomProjectionModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return transform(dst, X, m.Features(), m.OutFeatures(), func(dst []float64, n int) {
		if m.entries == nil {
			m.project(dst, X, n)
			return
		}
		op, k := linalg.AsOperator(X), m.OutFeatures()
		size := max(8, blockElems/m.Features())
		for b := range par.Blocks(n, size) {
			eachRow(X, op, b*size, min(n, (b+1)*size), func(i int, col []uint32, val []float64) {
				m.add(dst[i*k:(i+1)*k], col, val)
			})
		}
	})
}

// add sets dst to the projection of a row that has elements val in columns col, or in all.
func (m *RandomProjectionModel) add(dst []float64, col []uint32, val []float64) {
	clear(dst)
	for e, v := range val {
		if v == 0 {
			continue
		}
		i := e
		if col != nil {
			i = int(col[e])
		}
		at, signs := m.entries.Row(i)
		for a, j := range at {
			dst[j] += v * signs[a]
		}
	}
}

// TransformRow sets dst, of length k, to the projection of x; dst may be x.
func (m *RandomProjectionModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.Features(), m.OutFeatures()); err != nil {
		return err
	}
	if m.entries == nil {
		m.projectRow(dst, x)
		return nil
	}
	t := m.pool.Get().(*scratch)
	s := grow(&t.x, len(x))
	copy(s, x)
	m.add(dst, nil, s)
	m.pool.Put(t)
	return nil
}

// encodeProjection writes a sparse matrix as one scale for each component, the number of
// entries of each row, and the column and sign of each entry.
func encodeProjection(e *gram.Encoder, m *RandomProjectionModel) {
	e.Bool(m.entries != nil)
	if m.entries == nil {
		e.Int(m.OutFeatures())
		e.Int(m.Features())
		e.Floats(m.basis.Data)
		return
	}
	s := m.entries
	scales, counts, codes := make([]float64, s.Cols), make([]int, s.Rows), make([]int, 0, len(s.Col))
	for i := range counts {
		col, val := s.Row(i)
		counts[i] = len(col)
		for a, j := range col {
			code := 2 * int(j)
			if val[a] < 0 {
				code++
			}
			codes = append(codes, code)
			scales[j] = max(val[a], -val[a])
		}
	}
	e.Floats(scales)
	e.Ints(counts)
	e.Ints(codes)
}

func decodeProjection(d *gram.Decoder, _ int) *RandomProjectionModel {
	m := new(RandomProjectionModel)
	if !d.Bool() {
		k, features := d.Count(), d.Count()
		basis := d.Floats(k, features)
		checkFinite(d, basis)
		if k == 0 || features == 0 {
			d.Fail("%d components of %d features", k, features)
		}
		if d.Err() != nil {
			return nil
		}
		m.init(nil, basis, k, features)
		return m
	}
	scales, counts, codes := d.Floats(), d.Ints(), d.Ints()
	checkFinite(d, scales)
	if len(scales) == 0 || len(counts) == 0 {
		d.Fail("%d components of %d features", len(scales), len(counts))
	}
	ptr, col, val := make([]int64, 1, len(counts)+1), make([]uint32, len(codes)), make([]float64, len(codes))
	total := 0
	for _, c := range counts {
		if c < 0 || c > len(codes)-total {
			d.Fail("a row of %d entries", c)
			return nil
		}
		total += c
		ptr = append(ptr, int64(total))
	}
	for a, code := range codes {
		if code < 0 || code/2 >= len(scales) {
			d.Fail("entry %d for component %d of %d", a, code/2, len(scales))
			return nil
		}
		col[a], val[a] = uint32(code/2), scales[code/2]
		if code%2 == 1 {
			val[a] = -val[a]
		}
	}
	if d.Err() != nil {
		return nil
	}
	if err := m.setEntries(len(counts), len(scales), ptr, col, val); err != nil {
		d.Fail("%v", err)
		return nil
	}
	return m
}
