package linear

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
)

// TestImpossibleModels: files with a right checksum but parameters that no fit
// returns are refused.
func TestImpossibleModels(t *testing.T) {
	nan, two := math.NaN(), []float64{0, 0}
	tests := []struct {
		m    gram.Model
		text string
	}{
		{&LogisticModel{coef: []float64{1, nan}}, "parameter is NaN"},
		{&LogisticModel{coef: []float64{1}, intercept: math.Inf(-1)}, "parameter is -Inf"},
		{&LogisticModel{}, "features"},
		{&SoftmaxModel{features: 1, coef: []float64{0, nan}, intercept: two}, "parameter is NaN"},
		{&SoftmaxModel{features: 1, coef: two, intercept: []float64{nan, 0}}, "parameter is NaN"},
		{&SoftmaxModel{features: 2, coef: two, intercept: []float64{0}}, "softmax model of 1 classes and 2 features"},
		{&SoftmaxModel{features: 2, coef: two, intercept: two}, "2 elements for a shape of [2 2]"},
		{&SoftmaxModel{features: -1, coef: two, intercept: two}, "-1"},
	}
	for _, c := range tests {
		var buf bytes.Buffer
		if err := gram.Save(&buf, c.m); err != nil {
			t.Fatal(err)
		}
		m, err := gram.Load(&buf)
		if m != nil || !errors.Is(err, gram.ErrFormat) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%+v: model %v, error %v", c.m, m, err)
		}
	}
}
