package ensemble_test

import (
	"testing"

	"github.com/gram-ml/gram/ensemble"
)

func BenchmarkTreeFit(b *testing.B) {
	X, _, y := noisy(100_000, 28, false, 7)
	for b.Loop() {
		if _, err := (ensemble.Tree{Workers: 1}).FitClassifier(background, X, y, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdaBoostFit(b *testing.B) {
	X, _, y := noisy(50_000, 28, false, 7)
	t := ensemble.AdaBoost{Base: ensemble.Tree{MaxDepth: 1, Workers: 1}}
	for b.Loop() {
		if _, err := t.Fit(background, X, y, nil); err != nil {
			b.Fatal(err)
		}
	}
}
