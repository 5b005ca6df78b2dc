package ensemble_test

import (
	"testing"

	"github.com/gram-ml/gram"
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

func BenchmarkTreeBinsFit(b *testing.B) {
	X, _, y := noisy(100_000, 28, false, 7)
	for b.Loop() {
		if _, err := (ensemble.Tree{Bins: 255, Workers: 1}).FitClassifier(background, X, y, nil); err != nil {
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

func BenchmarkForestFit(b *testing.B) {
	X, _, y := noisy(100_000, 28, false, 7)
	for b.Loop() {
		if _, err := (ensemble.Forest{Estimators: 10, Workers: 1}).FitClassifier(background, X, y, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExtraTreesFit(b *testing.B) {
	X, _, y := noisy(100_000, 28, false, 7)
	for b.Loop() {
		if _, err := (ensemble.ExtraTrees{Estimators: 10, Workers: 1}).FitClassifier(background, X, y, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPredict(b *testing.B) {
	X, _, y := noisy(100_000, 28, false, 7)
	dst := make([]float64, 2*X.Rows)
	for name, trainer := range map[string]gram.ClassifierTrainer{"boosting": ensemble.GradientBoosting{}, "forest": ensemble.Forest{}} {
		b.Run(name, func(b *testing.B) {
			m, err := trainer.TrainClassifier(background, X, y, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.Run("row", func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					if err := m.PredictProbaRow(dst[:2], X.Row(i%X.Rows)); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("batch", func(b *testing.B) {
				for b.Loop() {
					if _, err := m.PredictProba(dst, X); err != nil {
						b.Fatal(err)
					}
				}
			})
			boosting, ok := m.(*ensemble.GradientBoostingClassifierModel)
			if !ok {
				return
			}
			bins, err := boosting.Bin(nil, X)
			if err != nil {
				b.Fatal(err)
			}
			b.Run("binned", func(b *testing.B) {
				for b.Loop() {
					if _, err := boosting.PredictProbaBinned(dst, bins); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
