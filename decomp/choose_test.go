package decomp_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/eval"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
)

func TestRules(t *testing.T) {
	falling := []float64{10, 8, 6, 0.5, 0.4, 0.3, 0.2, 0.1}
	if k := decomp.ElbowComponents(falling); k != 3 {
		t.Errorf("the elbow is at %d", k)
	}
	if k := decomp.ElbowComponents([]float64{4, 3, 2, 1}); k != 1 {
		t.Errorf("the elbow of a line is at %d", k)
	}
	if k := decomp.ElbowComponents([]float64{2, 1}); k != 1 {
		t.Errorf("the elbow of two is at %d", k)
	}
	if k := decomp.KaiserComponents(falling); k != 3 {
		t.Errorf("Kaiser gives %d", k)
	}
	// Shares of a stick in three pieces: 11/18, 5/18, 2/18.
	if k := decomp.BrokenStickComponents([]float64{11.1, 5.1, 1.8}); k != 2 {
		t.Errorf("the broken stick gives %d", k)
	}
	if k := decomp.BrokenStickComponents([]float64{10.9, 5.1, 2}); k != 0 {
		t.Errorf("the broken stick gives %d for a small first piece", k)
	}
	if k := decomp.MinkaComponents([]float64{1, 1e-30, 1e-30, 1e-30}, 10); k != 1 {
		t.Errorf("Minka's evidence gives %d", k)
	}
	if k := decomp.ComponentsForRatio([]float64{5, 3, 2}, 0.8); k != 2 {
		t.Errorf("%d components for 0.8", k)
	}
	if k := decomp.ComponentsForRatio([]float64{1, 1e-9, 1e-18}, 1); k != 2 {
		t.Errorf("%d components for all", k)
	}
	for budget, want := range map[float64]int{0: 3, 2: 2, 4.9: 2, 5: 1, 10: 0} {
		if k := decomp.ComponentsForError([]float64{5, 3, 2}, budget); k != want {
			t.Errorf("%d components for an error of %v, want %d", k, budget, want)
		}
	}
}

// planted returns rows of four strong directions in twelve columns, and noise.
func planted(n int) *dense {
	X := mul(blas.NoTrans, blas.NoTrans, normals(31, n, 4), normals(32, 4, 12))
	linalg.Axpy(0.7, normals(33, n, 12).Data, X.Data)
	return X
}

// Where four directions stand out of noise, what looks for them finds four.
func TestChoose(t *testing.T) {
	X := planted(400)
	c, err := decomp.Choose{Seed: 1}.Components(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Parallel != 4 || c.Minka != 4 || c.CrossValidated != 4 {
		t.Errorf("parallel analysis finds %d, Minka %d, cross-validation %d of 4", c.Parallel, c.Minka, c.CrossValidated)
	}
	for i, r := range c.Ratios {
		k := c.ByRatio[i]
		if c.Cumulative[k-1] < r || k > 1 && c.Cumulative[k-2] >= r {
			t.Errorf("%d components for %v of %v", k, r, c.Cumulative)
		}
	}
	if c.Kaiser != decomp.KaiserComponents(c.Variances) || c.Elbow != decomp.ElbowComponents(c.Variances) || c.BrokenStick != decomp.BrokenStickComponents(c.Variances) {
		t.Error("the rules side by side find other than by themselves")
	}
	if math.Abs(c.Cumulative[11]-1) > 1e-12 || len(c.PRESS) != 12 || len(c.Permuted) != 12 {
		t.Errorf("%d cumulative, %d errors, %d permuted", len(c.Cumulative), len(c.PRESS), len(c.Permuted))
	}
	// The budget is kept, and not with one component less.
	total := linalg.Sum(must(t)(fitPCA(t, decomp.PCA{Components: c.ByError}, X, nil).ReconstructionError(nil, X))) / 400
	less := linalg.Sum(must(t)(fitPCA(t, decomp.PCA{Components: c.ByError - 1}, X, nil).ReconstructionError(nil, X))) / 400
	if total > c.MaxError || less <= c.MaxError {
		t.Errorf("errors %v and %v for a budget of %v", total, less, c.MaxError)
	}
	text := c.String()
	for _, want := range []string{"80 % of the variance", "parallel analysis       4\n", "cross-validation        4\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	many, err := decomp.Choose{Seed: 1, Workers: 3}.Components(background, X, nil)
	if err != nil || !slices.Equal(many.PRESS, c.PRESS) || !slices.Equal(many.Permuted, c.Permuted) {
		t.Errorf("workers change the result (%v)", err)
	}
}

// The errors of cross-validation are those of predicting each element by least squares
// from the others.
func TestPRESS(t *testing.T) {
	const n, d = 12, 4
	X := lowRank(41, n, d, 3, 0.2)
	c, err := decomp.Choose{Folds: n, Permutations: 1}.Components(background, X, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k := range c.PRESS {
		sum := 0.0
		for i := range n {
			w := make([]float64, n)
			for r := range w {
				w[r] = 1
			}
			w[i] = 0
			mean, basis := fitPCA(t, decomp.PCA{}, X, w).Mean(), &dense{Cols: d, Stride: d}
			if k > 0 {
				m := fitPCA(t, decomp.PCA{Components: k}, X, w)
				basis = linalg.NewDense(k, d, m.Basis())
			}
			x := slices.Clone(X.Row(i))
			linalg.Axpy(-1, mean, x)
			for j := range d {
				predicted := 0.0
				if k > 0 {
					predicted = predictElement(t, basis, x, j)
				}
				sum += (x[j] - predicted) * (x[j] - predicted)
			}
		}
		// With one element left to each component, small errors grow.
		if got, want := c.PRESS[k], sum/(n*d); math.Abs(got-want) > 1e-7*want {
			t.Errorf("PRESS of %d components is %v, want %v", k, got, want)
		}
	}
}

// predictElement fits the other elements of x by the basis and returns what that gives for j.
func predictElement(t *testing.T, basis *dense, x []float64, j int) float64 {
	k, d := basis.Rows, basis.Cols
	a, b := linalg.NewDense[float64](d-1, k, nil), linalg.NewDense[float64](d-1, 1, nil)
	row := 0
	for i := range d {
		if i == j {
			continue
		}
		for c := range k {
			a.Set(row, c, basis.At(c, i))
		}
		b.Set(row, 0, x[i])
		row++
	}
	q, err := linalg.NewQR(1, a)
	if err != nil {
		t.Fatal(err)
	}
	s, err := q.Solve(1, nil, b)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for c := range k {
		sum += s.At(c, 0) * basis.At(c, j)
	}
	return sum
}

// Weights of whole numbers choose as repeated rows do, as far as nothing is drawn.
func TestChooseWeights(t *testing.T) {
	X := planted(60)
	w := make([]float64, 60)
	repeated := &dense{Cols: 12, Stride: 12}
	for i := range w {
		w[i] = float64(i % 3)
		for range i % 3 {
			repeated.Data = append(repeated.Data, X.Row(i)...)
			repeated.Rows++
		}
	}
	a, err := decomp.Choose{}.Components(background, X, w)
	if err != nil {
		t.Fatal(err)
	}
	b, err := decomp.Choose{}.Components(background, repeated, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "variances", a.Variances, b.Variances, 1e-12)
	near(t, "budget", []float64{a.MaxError}, []float64{b.MaxError}, 1e-12)
	if a.Minka != b.Minka || a.Kaiser != b.Kaiser || a.ByError != b.ByError {
		t.Errorf("weights choose %+v, repeated rows %+v", a, b)
	}
}

func TestChooseErrors(t *testing.T) {
	X := planted(20)
	for _, c := range []struct {
		c    decomp.Choose
		text string
	}{
		{decomp.Choose{Ratios: []float64{0}}, "ratio of 0"},
		{decomp.Choose{MaxError: -1}, "MaxError"},
		{decomp.Choose{Permutations: -1}, "-1 permutations"},
		{decomp.Choose{Quantile: 1}, "Quantile"},
		{decomp.Choose{Folds: 21}, "21 folds of 20 rows"},
	} {
		_, err := c.c.Components(background, X, nil)
		errorIs(t, err, gram.ErrParam, c.text)
	}
	_, err := decomp.Choose{}.Components(background, X.Slice(0, 1, 0, 12), nil)
	errorIs(t, err, gram.ErrShape, "1 row")
}

// As a hyperparameter of a pipeline the number is searched by cross-validation.
func TestSearchComponents(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	n := 200
	X, y := linalg.NewDense[float64](n, 6, nil), make([]int, n)
	for i := range n {
		y[i] = i % 2
		for j := range 6 {
			X.Set(i, j, 10*rng.NormFloat64()/float64(1+j))
		}
		X.Set(i, 5, X.At(i, 5)*0.1+float64(2*y[i])) // small variance, all of the label
	}
	s := eval.ClassifierSearch{
		Space: func(p *eval.Params) gram.ClassifierTrainer {
			return gram.ClassifierPipeline{
				Steps: []gram.TransformerTrainer{decomp.PCA{Components: eval.Choose(p, "components", 1, 3, 6)}},
				Last:  linear.Logistic{},
			}
		},
	}
	r, err := s.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	if best := r.Ranked()[0].String(); !strings.Contains(best, "6") {
		t.Errorf("the search prefers %s", best)
	}
}
