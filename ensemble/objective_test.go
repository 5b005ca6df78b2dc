package ensemble

import (
	"context"
	"math"
	"testing"

	"github.com/gram-ml/gram/linalg"
)

// Gradients and Hessians are the derivatives of losses.
func TestObjectiveDerivatives(t *testing.T) {
	y, labels := []float64{2, 0.5, 3, 0, 7, 1.5}, []int{0, 1, 2, 1, 0, 2}
	binary := []int{0, 1, 1, 0, 1, 0}
	rows := iota32(6)
	for name, o := range map[string]objective{
		"squared":  &squaredObjective{y: y},
		"quantile": &quantileObjective{y: y, level: 0.3, scale: 2},
		"huber":    &huberObjective{y: y, delta: 1.2},
		"poisson":  &tweedieObjective{y: y, power: 1},
		"gamma":    &tweedieObjective{y: y, power: 2},
		"tweedie":  &tweedieObjective{y: y, power: 1.3},
		"logistic": &logisticObjective{labels: binary},
		"softmax":  &softmaxObjective{labels: labels, k: 3},
	} {
		scores := make([][]float64, o.outputs())
		for k := range scores {
			scores[k] = []float64{0.3, -1.1, 0.7 + float64(k), 2.2, -0.4, 1.1}
		}
		const step = 1e-4
		at := func(k int, shift float64) []float64 {
			moved := make([][]float64, len(scores))
			for c := range scores {
				moved[c] = append([]float64(nil), scores[c]...)
			}
			for i := range moved[k] {
				moved[k][i] += shift
			}
			out := make([]float64, 6)
			o.losses(out, rows, moved)
			return out
		}
		o.begin(1, scores)
		for k := range scores {
			g, h := make([]float64, 6), make([]float64, 6)
			o.gradients(g, h, rows, k)
			up, here, down := at(k, step), at(k, 0), at(k, -step)
			for i := range g {
				if want := (up[i] - down[i]) / (2 * step); math.Abs(g[i]-want) > 1e-6*(1+math.Abs(want)) {
					t.Errorf("%s, row %d, score %d: gradient %v, want %v", name, i, k, g[i], want)
				}
				want := (up[i] - 2*here[i] + down[i]) / (step * step)
				if name != "quantile" && name != "huber" && math.Abs(h[i]-want) > 1e-5*(1+math.Abs(want)) {
					t.Errorf("%s, row %d, score %d: Hessian %v, want %v", name, i, k, h[i], want)
				}
			}
		}
	}
}

// A bin holds the values above the cut before it and up to its own, in whatever cell of the
// guide they are.
func TestBins(t *testing.T) {
	for _, values := range [][]float64{
		{1}, {1, 2}, {-1e308, 0, 1e308}, {0, 5e-324, 1e-323}, {1, math.Nextafter(1, 2), 2, 1e9, 1e18, 1e300},
		{-3, -2.5, -2.5000001, 0.1, 0.2, 0.3, 0.30000001, 7},
	} {
		sorted, weights := new(distinctBuffer).distinct(values, nil)
		b := &binning{cuts: [][]float64{quantileCuts(sorted, weights, maxBins)}}
		b.guide = []guide{newGuide(b.cuts[0])}
		if len(b.cuts[0]) != len(sorted)-1 {
			t.Errorf("%v: cuts %v", values, b.cuts[0])
		}
		for i, v := range sorted {
			if got := b.bin(0, v); int(got) != i {
				t.Errorf("%v: %v is in bin %d, want %d", values, v, got, i)
			}
		}
		for i, c := range b.cuts[0] {
			if b.bin(0, c) != uint8(i) || b.bin(0, math.Nextafter(c, math.Inf(1))) != uint8(i+1) {
				t.Errorf("%v: cut %v is in bin %d", values, c, b.bin(0, c))
			}
		}
		if b.bin(0, math.NaN()) != missingBin || b.bin(0, -math.MaxFloat64) != 0 || int(b.bin(0, math.MaxFloat64)) != len(b.cuts[0]) {
			t.Errorf("%v: NaN and the ends are in bins %d, %d, %d", values, b.bin(0, math.NaN()), b.bin(0, -math.MaxFloat64), b.bin(0, math.MaxFloat64))
		}
	}
}

// Bins have about equal weights, and a value that has the weight of several has one alone.
func TestQuantileCuts(t *testing.T) {
	values, weights := make([]float64, 1000), make([]float64, 1000)
	for i := range values {
		values[i], weights[i] = float64(i), 1
	}
	weights[500] = 1000
	cuts := quantileCuts(values, weights, 11)
	if len(cuts) != 10 {
		t.Fatalf("%d cuts", len(cuts))
	}
	found := false
	for i := range cuts[1:] {
		lo, hi := cuts[i], cuts[i+1]
		if lo == 499.5 && hi == 500.5 {
			found = true
		} else if hi-lo < 60 || hi-lo > 210 {
			t.Errorf("a bin from %v to %v", lo, hi)
		}
	}
	if !found {
		t.Errorf("the heavy value is not alone: %v", cuts)
	}
}

// Features too many for guides have the same bins without.
func TestModelBinsWithoutGuides(t *testing.T) {
	X, y := linalg.NewDense[float64](800, 2, nil), make([]float64, 800)
	for i := range y {
		X.Row(i)[0], X.Row(i)[1] = float64(i*i%977), float64(i%3)
		y[i] = float64(i * 31 % 17)
	}
	m, err := GradientBoosting{Rounds: 20, MinLeaf: 2}.FitRegressor(context.Background(), X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	plain := *m.bins
	plain.guides = nil
	seen := map[uint8]bool{}
	for i, cuts := range m.bins.cuts {
		for _, cut := range cuts {
			for _, v := range []float64{cut, math.Nextafter(cut, math.Inf(1)), math.Inf(1), math.Inf(-1), math.NaN()} {
				bin := plain.bin(i, v)
				if want := m.bins.bin(i, v); bin != want {
					t.Fatalf("feature %d, %v: bin %d, with a guide %d", i, v, bin, want)
				}
				seen[bin] = true
			}
		}
	}
	if len(seen) < 50 {
		t.Errorf("%d bins, want more", len(seen))
	}
}
