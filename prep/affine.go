package prep

import (
	"slices"

	"github.com/gram-ml/gram"
)

// affine maps each column by z = (x − shift)/scale + offset: what the scalers other
// than Standard have in common. A NaN stays a NaN.
type affine struct {
	shift, scale, offset []float64
}

func newAffine(d int) affine {
	a := affine{shift: make([]float64, d), scale: make([]float64, d), offset: make([]float64, d)}
	for j := range a.scale {
		a.scale[j] = 1
	}
	return a
}

// Features returns d.
func (a *affine) Features() int { return len(a.scale) }

// OutFeatures returns d.
func (a *affine) OutFeatures() int { return len(a.scale) }

// Scale returns a copy of the divisors of the columns, 1 for a column that cannot be
// scaled.
func (a *affine) Scale() []float64 { return slices.Clone(a.scale) }

// FeatureNames returns the names of the columns of Z, which are those of X; nil
// stands for x0, x1 and so on.
func (a *affine) FeatureNames(in []string) []string { return slices.Clone(namesOf(in, len(a.scale))) }

// Transform sets dst, n×d row-major, to the scaled rows of X and returns it; nil
// allocates. dst may be the memory of a compact X itself. It returns ErrShape for
// a dst that does not fit or an X that has not d columns. O(n·d).
func (a *affine) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	d := len(a.scale)
	return mapRows(dst, X, d, d, a.there)
}

// TransformRow sets dst, of length d, to the scaled x; dst may be x itself. It returns
// ErrShape for other lengths. It allocates nothing. O(d).
func (a *affine) TransformRow(dst, x []float64) error {
	if err := checkRow(dst, x, len(a.scale), len(a.scale)); err != nil {
		return err
	}
	return a.there(dst, x)
}

// InverseTransform takes the rows of Z, n×d, back to where they came from. Its
// conventions are those of Transform.
func (a *affine) InverseTransform(dst []float64, Z gram.Matrix) ([]float64, error) {
	d := len(a.scale)
	return mapRows(dst, Z, d, d, a.back)
}

// InverseTransformRow takes one row back; dst may be z itself. Its conventions are
// those of TransformRow.
func (a *affine) InverseTransformRow(dst, z []float64) error {
	if err := checkRow(dst, z, len(a.scale), len(a.scale)); err != nil {
		return err
	}
	return a.back(dst, z)
}

func (a *affine) there(dst, x []float64) error {
	x, shift, scale, offset := x[:len(dst)], a.shift[:len(dst)], a.scale[:len(dst)], a.offset[:len(dst)]
	for j := range dst {
		dst[j] = (x[j]-shift[j])/scale[j] + offset[j]
	}
	return nil
}

func (a *affine) back(dst, z []float64) error {
	z, shift, scale, offset := z[:len(dst)], a.shift[:len(dst)], a.scale[:len(dst)], a.offset[:len(dst)]
	for j := range dst {
		dst[j] = (z[j]-offset[j])*scale[j] + shift[j]
	}
	return nil
}
