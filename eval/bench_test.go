package eval

import (
	"math/rand/v2"
	"testing"
)

// overlap returns scores of two overlapping classes, 30 % of label 1.
func overlap(n int) (y []int, score, w []float64) {
	rng := rand.New(rand.NewPCG(1, 0))
	y, score, w = make([]int, n), make([]float64, n), make([]float64, n)
	for i := range y {
		if rng.Float64() < 0.3 {
			y[i] = 1
		}
		score[i] = rng.NormFloat64() + float64(y[i])
		w[i] = rng.Float64()
	}
	return y, score, w
}

func BenchmarkAUC(b *testing.B) {
	y, score, w := overlap(1e6)
	for _, c := range []struct {
		name string
		f    func(y []int, score, w []float64) (float64, error)
		w    []float64
	}{
		{"auc", AUC, nil},
		{"auc-weighted", AUC, w},
		{"average-precision", AveragePrecision, nil},
	} {
		b.Run(c.name+"/n=1000000", func(b *testing.B) {
			for b.Loop() {
				if _, err := c.f(y, score, c.w); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
