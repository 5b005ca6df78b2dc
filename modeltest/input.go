package modeltest

import (
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
)

// refuses returns how a fit does not end with an error of the kind that says the
// texts.
func (s *suite) refuses(what string, d Data, w []float64, kind error, texts ...string) error {
	_, err := s.kind.train(background, s.trainer, d.X, d, w)
	if err := wantError(err, kind, texts...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// emptyX: X without rows or columns is an error that says its shape.
func emptyX(s *suite) error {
	if err := s.refuses("X without rows", Data{X: empty{0, 4}}, nil, gram.ErrShape, "0×4"); err != nil {
		return err
	}
	d := s.small()
	n, _ := d.X.Dims()
	d.X = empty{n, 0}
	return s.refuses("X without columns", d, nil, gram.ErrShape, fmt.Sprintf("%d×0", n))
}

// raggedData: y and w must have one element a row.
func raggedData(s *suite) error {
	d := s.small()
	n, _ := d.X.Dims()
	for _, bad := range []int{0, n - 1, n + 1} {
		w := make([]float64, bad)
		fill(w, 1)
		if err := s.ragged("w", d, w, bad, n); err != nil {
			return err
		}
		short := s.small()
		switch s.kind.name {
		case classifierName:
			short.Labels = slices.Concat(d.Labels, d.Labels)[:bad]
		case regressorName:
			short.Targets = slices.Concat(d.Targets, d.Targets)[:bad]
		default:
			continue // y need not be read
		}
		if err := s.ragged("y", short, nil, bad, n); err != nil {
			return err
		}
	}
	return nil
}

func (s *suite) ragged(name string, d Data, w []float64, got, rows int) error {
	what := fmt.Sprintf("%s of length %d for %d rows", name, got, rows)
	return s.refuses(what, d, w, gram.ErrShape, fmt.Sprint(got), fmt.Sprint(rows))
}

// badLabels: labels must be 0..K−1, each there, with K at least 2.
func badLabels(s *suite) error {
	for _, c := range []struct {
		what, text string
		change     func(y []int)
	}{
		{"one class", "", func(y []int) { fill(y, 0) }},
		{"a negative label", "row 3", func(y []int) { y[3] = -1 }},
		{"a class without rows", "class", func(y []int) { y[3] = slices.Max(y) + 2 }},
		{"a huge label", "row 3", func(y []int) { y[3] = math.MaxInt }},
	} {
		d := s.small()
		c.change(d.Labels)
		if err := s.refuses(c.what, d, nil, gram.ErrLabels, c.text); err != nil {
			return err
		}
	}
	return nil
}

// nonFiniteX: an element of X that is not finite is named.
func nonFiniteX(s *suite) error {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		d := s.small()
		X := d.dense()
		i, j := X.Rows*2/3, X.Cols-1
		X.Set(i, j, v)
		for _, form := range forms(X) {
			d.X = form.X
			what := fmt.Sprintf("%v in %s", v, form.name)
			where := fmt.Sprintf("row %d, column %d is %v", i, j, v)
			if err := s.refuses(what, d, nil, gram.ErrNonFinite, where); err != nil {
				return err
			}
		}
	}
	return nil
}

// badTargets: a target that is not finite is named.
func badTargets(s *suite) error {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		d := s.small()
		d.Targets[5] = v
		what := fmt.Sprintf("%v in y", v)
		if err := s.refuses(what, d, nil, gram.ErrNonFinite, "row 5", fmt.Sprint(v)); err != nil {
			return err
		}
	}
	return nil
}

// badWeights: weights must be finite, not negative and not all zero.
func badWeights(s *suite) error {
	for _, v := range []float64{-1, math.NaN(), math.Inf(1)} {
		w := s.integerWeights()
		w[7] = v
		what := fmt.Sprintf("weight %v", v)
		if err := s.refuses(what, s.small(), w, gram.ErrWeights, "row 7", fmt.Sprint(v)); err != nil {
			return err
		}
	}
	zero := s.integerWeights()
	fill(zero, 0)
	return s.refuses("weights of zero", s.small(), zero, gram.ErrWeights)
}
