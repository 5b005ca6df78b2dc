package prep

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"gonum.org/v1/gonum/mat"
)

// atOnly hides everything of a matrix but its elements.
type atOnly struct{ gram.Matrix }

// viewer hides everything of a matrix but its rows.
type viewer struct{ *mat.Dense }

func (v viewer) RowBlock() {} // a method of another shape: not a RowBlocker

// forms returns the same rows in every form that is read by a path of its own.
func forms(rows [][]float64) map[string]gram.Matrix {
	d := dense(rows)
	padded := linalg.NewDense[float64](len(rows), len(rows[0])+3, nil).Slice(0, len(rows), 1, len(rows[0])+1)
	for i, row := range rows {
		copy(padded.Row(i), row)
	}
	return map[string]gram.Matrix{
		"linalg.Dense": d,
		"padded":       padded,
		"mat.Dense":    linalg.ToGonum(d),
		"RowViewer":    viewer{linalg.ToGonum(d)},
		"At":           atOnly{d},
		"float32":      linalg.CopyOf[float32](d),
	}
}

func dense(rows [][]float64) *linalg.Dense[float64] {
	m := linalg.NewDense[float64](len(rows), len(rows[0]), nil)
	for i, row := range rows {
		copy(m.Row(i), row)
	}
	return m
}

// normal returns n×d numbers of different means and spreads by column.
func normal(seed uint64, n, d int) *linalg.Dense[float64] {
	r := rand.New(rand.NewPCG(seed, 0))
	m := linalg.NewDense[float64](n, d, nil)
	for i := range n {
		for j, row := 0, m.Row(i); j < d; j++ {
			row[j] = float64(j) + r.NormFloat64()*float64(j+1)
		}
	}
	return m
}

func near(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: length %d, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if d := math.Abs(got[i] - w); !(d <= tol*max(1, math.Abs(w))) {
			t.Errorf("%s[%d] = %v, want %v", what, i, got[i], w)
		}
	}
}
