package prep

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gram-ml/gram"
)

// Polynomial replaces the columns by all products of up to Degree of them, so that a
// linear model fits a polynomial: for columns a and b and degree 2
//
//	a, b, a², ab, b²
type Polynomial struct {
	// Degree is the greatest number of factors, at least 1. 0 means 2.
	Degree int
	// InteractionOnly takes no column twice in a product.
	InteractionOnly bool
	// Bias puts a column of ones first, for models that have no intercept.
	Bias bool
}

// maxTerms bounds the columns of a transformed row: 16 million, 128 MB a row.
const maxTerms = 1 << 24

// Fit learns nothing but the number d of columns of X; it checks X and w as every fit
// does. Errors: ErrParam for a negative degree or more than 2²⁴ products, ErrShape, also
// when there is no product; ErrWeights, ErrNonFinite. O(n·d + products).
func (s Polynomial) Fit(ctx context.Context, X gram.Matrix, w []float64) (*PolynomialModel, error) {
	degree := s.Degree
	if degree == 0 {
		degree = 2
	}
	if degree < 0 {
		return nil, fmt.Errorf("Degree is %d, want at least 1: %w", degree, gram.ErrParam)
	}
	_, d, err := checkFit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	if tooMany(d, degree, s.InteractionOnly) {
		return nil, fmt.Errorf("degree %d of %d columns has more than %d products: %w", degree, d, maxTerms, gram.ErrParam)
	}
	m := &PolynomialModel{features: d, bias: s.Bias}
	m.grow(degree, s.InteractionOnly)
	return m, nil
}

// TrainTransformer calls Fit; y is not used.
func (s Polynomial) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := s.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// PolynomialModel is a fitted [Polynomial]: a gram.Transformer from d columns to their
// products, by ascending number of factors and then in lexical order.
type PolynomialModel struct {
	features int
	bias     bool
	// Product k is product prefix[k] times column factor[k]; a prefix of −1 is 1.
	prefix, factor []int
}

// grow adds the products of up to degree factors, each made of a shorter one and a
// further column.
func (m *PolynomialModel) grow(degree int, interactionOnly bool) {
	for j := range m.features {
		m.prefix, m.factor = append(m.prefix, -1), append(m.factor, j)
	}
	for lo, length := 0, 1; length < degree && lo < len(m.factor); length++ {
		hi := len(m.factor)
		for p := lo; p < hi; p++ {
			from := m.factor[p]
			if interactionOnly {
				from++
			}
			for j := from; j < m.features; j++ {
				m.prefix, m.factor = append(m.prefix, p), append(m.factor, j)
			}
		}
		lo = hi
	}
}

// tooMany tells whether there are more than maxTerms products. Those of k factors
// number (d choose k) without repeats and (d+k−1 choose k) with them.
func tooMany(d, degree int, interactionOnly bool) bool {
	count, total := 1.0, 0.0
	for k := 1; k <= degree && count > 0; k++ {
		choices := d + k - 1
		if interactionOnly {
			choices = d - k + 1
		}
		count *= float64(choices) / float64(k)
		if total += count; total > maxTerms {
			return true
		}
	}
	return false
}

// Features returns d.
func (m *PolynomialModel) Features() int { return m.features }

// OutFeatures returns the number of products, that of no columns included under Bias.
func (m *PolynomialModel) OutFeatures() int { return len(m.factor) + m.ones() }

func (m *PolynomialModel) ones() int {
	if m.bias {
		return 1
	}
	return 0
}

// Powers returns the exponents of the columns in each product, OutFeatures×d row-major.
func (m *PolynomialModel) Powers() []int {
	d := m.features
	powers := make([]int, m.OutFeatures()*d)
	products := powers[m.ones()*d:]
	for k, p := range m.prefix {
		if p >= 0 {
			copy(products[k*d:(k+1)*d], products[p*d:(p+1)*d])
		}
		products[k*d+m.factor[k]]++
	}
	return powers
}

// FeatureNames returns the names of the columns of Z: products such as "a^2*b" of the
// names of X, nil stands for x0, x1 and so on, and "1".
func (m *PolynomialModel) FeatureNames(in []string) []string {
	in = namesOf(in, m.features)
	powers := m.Powers()
	out := make([]string, 0, m.OutFeatures())
	for row := range slices.Chunk(powers, m.features) {
		var factors []string
		for j, p := range row {
			switch {
			case p == 1:
				factors = append(factors, in[j])
			case p > 1:
				factors = append(factors, in[j]+"^"+strconv.Itoa(p))
			}
		}
		if factors == nil {
			factors = []string{"1"}
		}
		out = append(out, strings.Join(factors, "*"))
	}
	return out
}

// Transform sets dst, n×OutFeatures row-major, to the products of the rows of X and
// returns it; nil allocates. It returns ErrShape for a dst that does not fit or an X
// that has not d columns. One multiplication a product.
func (m *PolynomialModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	return mapRows(dst, X, m.features, m.OutFeatures(), m.row)
}

// TransformRow sets dst, of length OutFeatures, to the products of x. It returns
// ErrShape for other lengths. It allocates nothing, unless dst is x itself.
func (m *PolynomialModel) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, m.features, m.OutFeatures()); err != nil {
		return err
	}
	return m.row(dst, x)
}

func (m *PolynomialModel) row(dst, x []float64) error {
	x = apart(dst, x)
	if m.bias {
		dst[0], dst = 1, dst[1:]
	}
	copy(dst, x)
	for k := len(x); k < len(dst); k++ {
		dst[k] = dst[m.prefix[k]] * x[m.factor[k]]
	}
	return nil
}

func init() { gram.Register("prep.Polynomial", 1, encodePolynomial, decodePolynomial) }

func encodePolynomial(e *gram.Encoder, m *PolynomialModel) {
	e.Int(m.features)
	e.Bool(m.bias)
	e.Ints(m.prefix[m.features:])
	e.Ints(m.factor) // all of them, so that a file is as long as a row
}

func decodePolynomial(d *gram.Decoder, _ int) *PolynomialModel {
	m := &PolynomialModel{features: d.Count(), bias: d.Bool()}
	prefix := d.Ints()
	m.factor = d.Ints(m.features + len(prefix))
	if d.Err() == nil && m.features == 0 {
		d.Fail("no columns")
	}
	if d.Err() != nil {
		return nil
	}
	for j := range m.features {
		m.prefix = append(m.prefix, -1)
		if m.factor[j] != j {
			d.Fail("product %d is column %d", j, m.factor[j])
		}
	}
	m.prefix = append(m.prefix, prefix...)
	for k := m.features; k < len(m.prefix); k++ {
		if p, j := m.prefix[k], m.factor[k]; p < 0 || p >= k || j < 0 || j >= m.features {
			d.Fail("product %d is product %d times column %d", k, p, j)
		}
	}
	return m
}
