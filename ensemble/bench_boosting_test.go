package ensemble_test

import (
	"fmt"
	"testing"

	"github.com/gram-ml/gram/ensemble"
)

func BenchmarkGradientBoostingFit(b *testing.B) {
	for _, n := range []int{1000, 500_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			d := 28
			if n == 1000 {
				d = 20
			}
			X, _, y := noisy(n, d, false, 7)
			for b.Loop() {
				if _, err := (ensemble.GradientBoosting{Workers: 1}).FitClassifier(background, X, y, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
