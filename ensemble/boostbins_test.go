package ensemble_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/linalg"
)

// Rows in bins are predicted as the rows are, to the last bit: by small trees, large ones, trees with
// categories, of classes and targets, with values missing.
func TestBinnedRows(t *testing.T) {
	X, y, labels := noisy(700, 5, true, 3)
	codes := linalg.NewDense(X.Rows, X.Cols, slices.Clone(X.Data))
	three := make([]int, len(labels))
	for i := range three {
		codes.Row(i)[1] = float64(i * 7 % 40)
		three[i] = i % 3
	}
	Z, _, _ := noisy(600, 5, true, 4) // other rows
	for i := range Z.Rows {
		Z.Row(i)[1] = float64(i%260) - 2 // some are no codes
	}
	for name, trainer := range map[string]ensemble.GradientBoosting{
		"small":      {Rounds: 12, MinLeaf: 5},
		"large":      {Rounds: 8, MinLeaf: 1, MaxLeaves: 80},
		"categories": {Rounds: 8, MinLeaf: 2, Categorical: []int{1}},
		"no splits":  {Rounds: 2, MinLeaf: 400},
	} {
		data := X
		if trainer.Categorical != nil {
			data = codes
		}
		r := must(trainer.FitRegressor(background, data, y, nil))(t)
		want := must(r.Predict(nil, Z))(t)
		if got := must(r.PredictBinned(nil, must(r.Bin(nil, Z))(t)))(t); !slices.Equal(got, want) {
			t.Errorf("%s: targets differ", name)
		}
		for _, labels := range [][]int{labels, three} {
			m := must(trainer.FitClassifier(background, data, labels, nil))(t)
			bins := must(m.Bin(nil, Z))(t)
			p, classes := must(m.PredictProba(nil, Z))(t), must(m.Predict(nil, Z))(t)
			if got := must(m.PredictProbaBinned(nil, bins))(t); !slices.Equal(got, p) {
				t.Errorf("%s, %d classes: probabilities differ", name, m.Classes())
			}
			if got := must(m.PredictBinned(nil, bins))(t); !slices.Equal(got, classes) {
				t.Errorf("%s, %d classes: classes differ", name, m.Classes())
			}
			row, one := make([]uint8, 5), make([]float64, m.Classes())
			for i := range 50 {
				if err := m.BinRow(row, Z.Row(i)); err != nil || !slices.Equal(row, bins[i*5:(i+1)*5]) {
					t.Fatalf("%s: row %d has bins %v, %v, in the batch %v", name, i, row, err, bins[i*5:(i+1)*5])
				}
				must(m.PredictProbaBinned(one, row))(t)
				if !slices.Equal(one, p[i*m.Classes():(i+1)*m.Classes()]) {
					t.Fatalf("%s: row %d is predicted otherwise alone", name, i)
				}
			}
			if n := testing.AllocsPerRun(100, func() {
				if m.BinRow(row, Z.Row(0)) != nil {
					t.Error("an error")
				}
				if _, err := m.PredictProbaBinned(one, row); err != nil {
					t.Error(err)
				}
			}); n > 0 && !raceEnabled {
				t.Errorf("%s: a row takes %v allocations", name, n)
			}
		}
	}
}

// Any bytes are rows.
func TestBinnedRowsAnything(t *testing.T) {
	X, y, _ := noisy(300, 4, true, 5)
	rng := rand.New(rand.NewPCG(6, 7))
	bins := make([]uint8, 4*1000)
	for i := range bins {
		bins[i] = uint8(rng.IntN(256))
	}
	for _, trainer := range []ensemble.GradientBoosting{{Rounds: 5}, {Rounds: 3, MinLeaf: 1, MaxLeaves: -1}} {
		m := must(trainer.FitRegressor(background, X, y, nil))(t)
		lo, hi := slices.Min(y), slices.Max(y)
		for i, v := range must(m.PredictBinned(nil, bins))(t) {
			if !(v >= lo && v <= hi) {
				t.Fatalf("row %d is predicted %v, targets are %v to %v", i, v, lo, hi)
			}
		}
	}
}

// A matrix of single precision has the bins of the same numbers in double precision.
func TestBinnedRowsOfFloat32(t *testing.T) {
	const d = 30
	X, y := linalg.NewDense[float32](500, d, nil), make([]float64, 500)
	rng := rand.New(rand.NewPCG(8, 9))
	for i := range X.Rows {
		for j := range X.Row(i) {
			X.Row(i)[j] = float32(rng.NormFloat64())
		}
		y[i] = rng.NormFloat64()
	}
	m := must(ensemble.GradientBoosting{Rounds: 20}.FitRegressor(background, X, y, nil))(t)
	bins := must(m.Bin(nil, X))(t)
	if again := must(m.Bin(nil, linalg.NewDense(500, d, widened(X.Data))))(t); !slices.Equal(bins, again) {
		t.Error("double precision has other bins")
	}
	if got, want := must(m.PredictBinned(nil, bins))(t), must(m.Predict(nil, X))(t); !slices.Equal(got, want) {
		t.Error("predictions differ")
	}
}

func widened(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func TestBinnedRowsErrors(t *testing.T) {
	X, y, labels := noisy(300, 4, false, 5)
	m := must(ensemble.GradientBoosting{Rounds: 2}.FitClassifier(background, X, labels, nil))(t)
	narrow := linalg.NewDense[float64](2, 3, nil)
	for what, f := range map[string]func() error{
		"narrow":        func() error { _, err := m.Bin(nil, narrow); return err },
		"dst":           func() error { _, err := m.Bin(make([]uint8, 7), X); return err },
		"row":           func() error { return m.BinRow(make([]uint8, 4), make([]float64, 3)) },
		"dst of row":    func() error { return m.BinRow(make([]uint8, 3), make([]float64, 4)) },
		"part of a row": func() error { _, err := m.PredictProbaBinned(nil, make([]uint8, 9)); return err },
		"dst of 2 rows": func() error { _, err := m.PredictProbaBinned(make([]float64, 2), make([]uint8, 8)); return err },
		"classes":       func() error { _, err := m.PredictBinned(make([]int, 3), make([]uint8, 8)); return err },
		"no row":        func() error { _, err := m.PredictBinned(nil, make([]uint8, 3)); return err },
	} {
		if err := f(); !errors.Is(err, gram.ErrShape) {
			t.Errorf("%s: %v, want ErrShape", what, err)
		}
	}
	// Continued on values between those seen before, a model gets more thresholds than bins.
	W := linalg.NewDense[float64](2000, 1, nil)
	for i := range W.Rows {
		W.Data[i], y = float64(i), append(y[:i:i], float64(i*7919%1000))
	}
	all := ensemble.GradientBoosting{Rounds: 20, MinLeaf: 1, MaxLeaves: 200}
	r := must(all.FitRegressor(background, W, y, nil))(t)
	for i := range W.Data {
		W.Data[i] += 0.3
	}
	r = must(all.ContinueRegressor(background, r, W.Slice(0, 1500, 0, 1), y[:1500], nil))(t)
	_, binErr := r.Bin(nil, W)
	_, predictErr := r.PredictBinned(nil, make([]uint8, 1))
	for _, err := range []error{binErr, predictErr, r.BinRow(make([]uint8, 1), []float64{0})} {
		if !errors.Is(err, gram.ErrParam) {
			t.Errorf("more thresholds than bins: %v, want ErrParam", err)
		}
	}
	must(r.Predict(nil, W))(t)
}
