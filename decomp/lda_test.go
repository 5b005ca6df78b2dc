package decomp_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/sparse"
)

func TestConformanceLDA(t *testing.T) {
	modeltest.Check(t, decomp.LDA{})
	if !testing.Short() {
		modeltest.Check(t, decomp.LDA{Components: 1, Shrinkage: 0.3, Priors: []float64{0.2, 0.3, 0.5}})
	}
}

func TestLDAGolden(t *testing.T) {
	for _, c := range golden[[]struct {
		Data                            string
		Shrinkage                       float64
		Step                            int
		Ratio, Transform, Proba, Priors []float64
	}](t, "lda") {
		X, y := readData(t, c.Data)
		test := every(X, c.Step)
		m, err := decomp.LDA{Shrinkage: c.Shrinkage}.Fit(background, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "priors", m.Priors(), c.Priors, 1e-14)
		near(t, "probabilities", must(t)(m.PredictProba(nil, test)), c.Proba, 1e-9)
		if c.Shrinkage == 0 {
			near(t, "ratio", m.ExplainedVarianceRatio(), c.Ratio, 1e-10)
			z := must(t)(m.Transform(nil, test))
			near(t, "transform", z, alignCols(z, c.Transform, m.Components()), 1e-9)
		}
	}
}

// TestLDAFar: a constant added to the columns changes nothing but the mean.
func TestLDAFar(t *testing.T) {
	X, y := readData(t, "iris")
	far := linalg.CopyOf[float64](X)
	for i := range far.Data {
		far.Data[i] += 1e6
	}
	a, err := decomp.LDA{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := decomp.LDA{}.Fit(background, far, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "scores", must(t)(b.Transform(nil, far)), must(t)(a.Transform(nil, X)), 1e-7)
	wrong := 0
	got, err := b.Predict(nil, far)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range got {
		if c != y[i] {
			wrong++
		}
	}
	if wrong != 3 {
		t.Errorf("%d rows of iris in the wrong class, want 3", wrong)
	}
}

// TestLDAScores: within classes the scores have the identity for a covariance.
func TestLDAScores(t *testing.T) {
	X, y := readData(t, "wine")
	s, err := sparse.FromDense[float64](X, 0)
	if err != nil {
		t.Fatal(err)
	}
	m, err := decomp.LDA{}.Fit(background, s, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	z := linalg.NewDense(X.Rows, 2, must(t)(m.Transform(nil, X)))
	mean, count := linalg.NewDense[float64](3, 2, nil), make([]float64, 3)
	for i, c := range y {
		linalg.Axpy(1, z.Row(i), mean.Row(c))
		count[c]++
	}
	for i, c := range y {
		linalg.Axpy(-1/count[c], mean.Row(c), z.Row(i))
	}
	cov := mul(blas.Trans, blas.NoTrans, z, z)
	linalg.Scal(1/float64(X.Rows-3), cov.Data)
	near(t, "covariance within classes", cov.Data, []float64{1, 0, 0, 1}, 1e-10)
}

// TestLDACollinear: a column that repeats another, and a constant one, add nothing.
func TestLDACollinear(t *testing.T) {
	X, y := readData(t, "iris")
	wide := linalg.NewDense[float64](X.Rows, 6, nil)
	for i := range X.Rows {
		copy(wide.Row(i), X.Row(i))
		wide.Row(i)[4], wide.Row(i)[5] = 3*X.At(i, 1)-X.At(i, 0), 7
	}
	a, err := decomp.LDA{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := decomp.LDA{}.Fit(background, wide, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "probabilities", must(t)(b.PredictProba(nil, wide)), must(t)(a.PredictProba(nil, X)), 1e-8)
}

func TestLDAErrors(t *testing.T) {
	X, y := readData(t, "iris")
	fit := func(l decomp.LDA, X gram.Matrix, y []int, w []float64) error {
		_, err := l.Fit(background, X, y, w)
		return err
	}
	errorIs(t, fit(decomp.LDA{Components: 3}, X, y, nil), gram.ErrParam, "3 components for 3 classes in 4 columns")
	errorIs(t, fit(decomp.LDA{Shrinkage: 2}, X, y, nil), gram.ErrParam, "Shrinkage is 2")
	errorIs(t, fit(decomp.LDA{Priors: []float64{0.5, 0.5}}, X, y, nil), gram.ErrShape, "2 priors for 3 classes")
	errorIs(t, fit(decomp.LDA{Priors: []float64{0.5, 0.5, 0}}, X, y, nil), gram.ErrParam, "Priors[2] is 0")
	errorIs(t, fit(decomp.LDA{Priors: []float64{0.5, 0.2, 0.2}}, X, y, nil), gram.ErrParam, "sum to")
	w := make([]float64, len(y))
	for i, c := range y {
		if c != 1 {
			w[i] = 1
		}
	}
	errorIs(t, fit(decomp.LDA{}, X, y, w), gram.ErrLabels, "class 1 has no weight")
	w[60] = 1e-3
	errorIs(t, fit(decomp.LDA{}, X.Slice(0, 4, 0, 4), []int{0, 1, 1, 2}, []float64{1, 0.1, 0.1, 1}), gram.ErrSingular, "leave no spread")
	flat := linalg.NewDense(6, 1, []float64{1, 1, 1, 2, 2, 2})
	errorIs(t, fit(decomp.LDA{}, flat, []int{0, 0, 0, 1, 1, 1}, nil), gram.ErrSingular, "do not vary within")
	same := linalg.NewDense(6, 1, []float64{1, 2, 3, 1, 2, 3})
	errorIs(t, fit(decomp.LDA{}, same, []int{0, 0, 0, 1, 1, 1}, nil), gram.ErrSingular, "means of all classes are the same")
	line := linalg.NewDense(9, 2, []float64{0, 0, 1, 1, 0, 1, 5, 0, 6, 1, 5, 1, 10, 0, 11, 1, 10, 1})
	errorIs(t, fit(decomp.LDA{Components: 2}, line, []int{0, 0, 0, 1, 1, 1, 2, 2, 2}, nil), gram.ErrSingular, "2 components of means of rank 1")
	_, err := decomp.LDA{}.TrainTransformer(background, X, []float64{0, 0.5}, nil)
	errorIs(t, err, gram.ErrLabels, "label of row 1 is 0.5")
	_, err = decomp.LDA{}.TrainTransformer(background, X, []float64{math.NaN()}, nil)
	errorIs(t, err, gram.ErrLabels, "row 0 is NaN")
}
