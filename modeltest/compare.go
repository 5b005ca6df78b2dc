package modeltest

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/gram-ml/gram"
)

// outputs are the results of every method of a model for the same rows.
type outputs struct {
	methods []method
	values  [][]float64
	rows    int
}

// outputsOf asks every method of m for X.
func (s *suite) outputsOf(m gram.Model, X gram.Matrix) (outputs, error) {
	o := outputs{methods: s.kind.methods(m)}
	o.rows, _ = X.Dims()
	for _, f := range o.methods {
		v, err := f.all(X)
		if err != nil {
			return o, err
		}
		o.values = append(o.values, v)
	}
	return o, nil
}

// sameBits returns where got and want differ in any bit.
func sameBits(got, want outputs) error {
	return compare(got, want, func(a, b float64, _ bool) bool {
		return math.Float64bits(a) == math.Float64bits(b)
	})
}

// near returns where got and want differ by more than the tolerance. Classes are left
// out: where two are about as probable, rounding may choose.
func (s *suite) near(got, want outputs) error {
	return compare(got, want, func(a, b float64, discrete bool) bool {
		return discrete || math.Abs(a-b) <= s.tolerance*(1+math.Abs(b))
	})
}

func compare(got, want outputs, same func(a, b float64, discrete bool) bool) error {
	for k, f := range want.methods {
		if len(got.values[k]) != len(want.values[k]) {
			return fmt.Errorf("%v gives %d results, want %d", f, len(got.values[k]), len(want.values[k]))
		}
		for i, b := range want.values[k] {
			if a := got.values[k][i]; !same(a, b, f.discrete()) {
				return fmt.Errorf("%v of row %d gives %v, want %v (difference %.3g)", f, i/f.results(), a, b, a-b)
			}
		}
	}
	return nil
}

// wantError returns how err is not an error that wraps kind and says all of the texts.
func wantError(err, kind error, texts ...string) error {
	if err == nil {
		return fmt.Errorf("no error, want one that wraps %q", kind)
	}
	if !errors.Is(err, kind) {
		return fmt.Errorf("error %q does not wrap %q", err, kind)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			return fmt.Errorf("error %q does not say %q", err, text)
		}
	}
	return nil
}

// shapeError returns how err is not an ErrShape that names both numbers.
func shapeError(err error, got, want int) error {
	return wantError(err, gram.ErrShape, fmt.Sprint(got), fmt.Sprint(want))
}
