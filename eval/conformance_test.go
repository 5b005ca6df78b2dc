package eval_test

import (
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
)

const foldsCountRows = "folds are made of rows, so that a repeated or absent one changes them"

func TestTunedThresholdConformance(t *testing.T) {
	modeltest.Check(t, eval.TunedThreshold{Base: linear.Logistic{}, Rule: eval.MaxFBeta(2)},
		modeltest.Classes(2),
		modeltest.Skip("argmax", "a threshold decides, not the larger probability"),
		modeltest.Skip("repeats", foldsCountRows),
		modeltest.Skip("dropped", foldsCountRows))
}

func TestClassifierSearchConformance(t *testing.T) {
	modeltest.Check(t, eval.ClassifierSearch{
		Space: func(p *eval.Params) gram.ClassifierTrainer {
			return linear.Softmax{C: eval.Choose(p, "C", 0.1, 10)}
		},
		Folds: eval.StratifiedKFold{N: 2},
	},
		modeltest.Skip("repeats", foldsCountRows),
		modeltest.Skip("dropped", foldsCountRows))
}
