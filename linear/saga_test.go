package linear_test

import (
	"errors"
	"math"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
	"github.com/gram-ml/gram/sparse"
)

func TestConformanceSAGA(t *testing.T) {
	if testing.Short() {
		return
	}
	modeltest.Check(t, linear.Logistic{Solver: linear.SAGA, C: 0.01, Tol: 1e-8}, modeltest.Classes(2), modeltest.Tolerance(1e-5))
}

// TestSAGA holds optima against those of other solvers, on data of flowers, wines and
// tumours.
func TestSAGA(t *testing.T) {
	for _, data := range []string{"iris", "wine", "breast_cancer"} {
		if testing.Short() && data == "breast_cancer" {
			continue
		}
		X, y := readData(t, data)
		X = standardized(X)
		for _, ratio := range penalties {
			for _, intercept := range []bool{true, false} {
				if !intercept && data == "breast_cancer" && testing.Short() { // its features are much alike, which takes long
					continue
				}
				tol := 1e-10
				if ratio > 0 {
					tol = 1e-13
				}
				trainer := linear.Softmax{C: 0.01, L1Ratio: ratio, NoIntercept: !intercept, Tol: tol}
				if ratio > 0 {
					trainer.C = 0.05
				}
				want, err := trainer.Fit(background, X, y, nil)
				if err != nil {
					t.Fatal(err)
				}
				trainer.Solver = linear.SAGA
				trainer.MaxIter = 5000
				got, err := trainer.Fit(background, X, y, nil)
				if err != nil {
					t.Errorf("%s, ratio %v: %v", data, ratio, err)
					continue
				}
				if e := max(distance(got.Coef(), want.Coef()), distance(got.Intercept(), want.Intercept())); !(e <= 1e-8) {
					t.Errorf("%s, ratio %v, intercept %v: off by %.2g after %d epochs", data, ratio, intercept, e, got.Convergence().Iterations)
				}
			}
		}
	}
}

// TestSAGAForms: sparse rows, offsets and a warm start.
func TestSAGAForms(t *testing.T) {
	A, X, y := sparseProblem(t, 200, 10, 3, 4)
	offset := make([]float64, 600)
	for i := range offset {
		offset[i] = float64(i%7) / 5
	}
	for _, ratio := range penalties {
		trainer := linear.Softmax{C: 0.05, L1Ratio: ratio, Offset: offset, Tol: 1e-11}
		want, err := trainer.Fit(background, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		trainer.Solver = linear.SAGA
		got, err := trainer.Fit(background, A, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		if e := distance(got.Coef(), want.Coef()); !(e <= 1e-5) {
			t.Errorf("ratio %v: off by %.2g", ratio, e)
		}
		trainer.Start = want
		trainer.Tol = 1e-9
		again, err := trainer.Fit(background, A, y, nil)
		if err != nil || again.Convergence().Iterations != 0 {
			t.Errorf("ratio %v: %+v from the optimum, %v", ratio, again.Convergence(), err)
		}
	}
}

// noBlocks is a matrix that is not to be read as a dense one.
type noBlocks struct {
	*sparse.CSR[float64]
	t *testing.T
}

func (m noBlocks) RowBlock(buf []float64, lo, hi int) ([]float64, int) {
	m.t.Error("sparse rows were made dense")
	return m.CSR.RowBlock(buf, lo, hi)
}

// TestSAGASparse: rows of rare features, which many steps pass by, some rows of weight zero.
func TestSAGASparse(t *testing.T) {
	A, _, y := sparseProblem(t, 600, 300, 2, 9)
	w := make([]float64, len(y))
	for i := range w {
		w[i] = float64(i%5) / 2
	}
	for _, ratio := range []float64{0, 0.5, 1} {
		for _, intercept := range []bool{true, false} {
			trainer := linear.Logistic{C: 0.1, L1Ratio: ratio, NoIntercept: !intercept, Tol: 1e-12}
			want, err := trainer.Fit(background, A, y, w)
			if err != nil {
				t.Fatal(err)
			}
			trainer.Solver = linear.SAGA
			got, err := trainer.Fit(background, noBlocks{A, t}, y, w)
			if err != nil {
				t.Fatal(err)
			}
			if e := distance(append(got.Coef(), got.Intercept()), append(want.Coef(), want.Intercept())); !(e <= 1e-5) {
				t.Errorf("ratio %v, intercept %v: off by %.2g after %d epochs", ratio, intercept, e, got.Convergence().Iterations)
			}
		}
	}
}

func TestSAGAErrors(t *testing.T) {
	X, y := problem(100, 3, 2, 1)
	m, err := linear.Logistic{Solver: linear.SAGA, MaxIter: 1, Tol: 1e-12}.Fit(background, X, y, nil)
	if m == nil || !errors.Is(err, gram.ErrNotConverged) {
		t.Errorf("model %v, error %v", m, err)
	}
	_, err = linear.Logistic{Solver: linear.SAGA}.Path(background, X, y, nil, nil)
	checkError(t, "path", true, err, gram.ErrParam, "linear: Solver is saga, which follows no path")
	iris, labels := readData(t, "iris")
	// A penalty too weak for features so much alike: the gap tells that the optimum is not there.
	cancer, z := readData(t, "breast_cancer")
	m, err = linear.Logistic{Solver: linear.SAGA, L1Ratio: 1, C: 1, MaxIter: 50}.Fit(background, standardized(cancer), z, nil)
	if c := m.Convergence(); c.Converged || c.Residual <= c.Tolerance || !errors.Is(err, gram.ErrNotConverged) {
		t.Errorf("%+v, error %v", c, err)
	}
	b, err := linear.Logistic{Solver: linear.SAGA, C: math.Inf(1)}.Fit(background, iris, twoOf(labels), nil)
	checkError(t, "separable", b == nil, err, gram.ErrSeparable, "every sample is on the right side")
}
