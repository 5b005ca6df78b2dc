package linear_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
)

func TestConformanceFM(t *testing.T) {
	modeltest.Check(t, linear.FMClassifier{Factors: 3, Tol: 1e-9, FactorC: 0.1}, modeltest.Classes(2), modeltest.Tolerance(1e-4))
	modeltest.Check(t, linear.FMRegressor{Factors: 2, Tol: 1e-9, FactorC: 0.1}, modeltest.Tolerance(1e-4))
}

// pairScore is the score by its definition, pair by pair.
func pairScore(coef, factors []float64, intercept float64, x []float64) float64 {
	k := len(factors) / len(coef)
	z := intercept
	for j, v := range x {
		z += coef[j] * v
		for l := range j {
			for f := range k {
				z += factors[j*k+f] * factors[l*k+f] * v * x[l]
			}
		}
	}
	return z
}

// pairs are features, some 0, and a target and classes that depend on a product of two.
func pairs(n, d int, seed uint64) (X *linalg.Dense[float64], y []float64, labels []int) {
	r := rand.New(rand.NewPCG(seed, 4))
	X, y, labels = linalg.NewDense[float64](n, d, nil), make([]float64, n), make([]int, n)
	for i := range n {
		row := X.Row(i)
		for j := range row {
			if r.IntN(3) > 0 {
				row[j] = math.Round(8*r.NormFloat64()) / 8
			}
		}
		y[i] = 1 + row[0] + 2*row[1]*row[2] - row[0]*row[3] + 0.1*r.NormFloat64()
		if y[i]+r.NormFloat64() > 1 {
			labels[i] = 1
		}
	}
	return X, y, labels
}

// The score is the sum over pairs, of one row and of many, dense and sparse; more
// factors than fit in one piece do as well.
func TestFMScore(t *testing.T) {
	X, y, _ := pairs(40, 5, 1)
	for _, k := range []int{1, 7, 40} {
		m, err := linear.FMRegressor{Factors: k}.Fit(background, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		dense, fromCSR := predict(t, m, X), predict(t, m, compressed[float64](t, X))
		for i := range y {
			want := pairScore(m.Coef(), m.Factors(), m.Intercept(), X.Row(i))
			row, err := m.PredictRow(X.Row(i))
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range []float64{row, dense[i], fromCSR[i]} {
				if math.Abs(got-want) > 1e-12*(1+math.Abs(want)) {
					t.Errorf("k = %d, row %d: %v, want %v", k, i, got, want)
				}
			}
		}
		f := m.Factors()
		if got, want := m.Interaction(1, 2), linalg.Dot(f[k:2*k], f[2*k:3*k]); math.Abs(got-want) > 1e-14 {
			t.Errorf("interaction %v, want %v", got, want)
		}
	}
}

// objective is what a fit minimises, by its definition.
func fmObjective(coef, factors []float64, intercept float64, X *linalg.Dense[float64], y, w []float64, labels []int, c, factorC float64) float64 {
	sum := linalg.Dot(coef, coef)/(2*c) + linalg.Dot(factors, factors)/(2*factorC)
	for i := range X.Rows {
		z := pairScore(coef, factors, intercept, X.Row(i))
		if labels == nil {
			sum += w[i] * (y[i] - z) * (y[i] - z) / 2
			continue
		}
		if labels[i] == 1 {
			z = -z
		}
		sum += w[i] * (max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))))
	}
	return sum
}

// Where a fit ends, the objective is what is reported, and its differences vanish in
// every direction.
func TestFMOptimal(t *testing.T) {
	X, y, labels := pairs(60, 5, 2)
	w := randomWeights(60, 4)
	check := func(name string, m *linear.FMPredictor, reported float64, labels []int) {
		coef, factors := m.Coef(), m.Factors()
		at := func() float64 {
			return fmObjective(coef, factors, m.Intercept(), X, y, w, labels, 2, 0.5)
		}
		f := at()
		if math.Abs(f-reported) > 1e-9*f {
			t.Errorf("%s: objective %v, reported %v", name, f, reported)
		}
		for _, v := range [][]float64{coef, factors} {
			for i := range v {
				const h = 1e-4
				old := v[i]
				v[i] = old + h
				up := at()
				v[i] = old - h
				down := at()
				v[i] = old
				if g := (up - down) / (2 * h); math.Abs(g) > 1e-5 {
					t.Errorf("%s: derivative %d is %v", name, i, g)
				}
			}
		}
	}
	for form, Z := range map[string]gram.Matrix{"dense": X, "CSR": compressed[float64](t, X)} {
		c, err := linear.FMClassifier{Factors: 3, C: 2, FactorC: 0.5, Tol: 1e-9}.Fit(background, Z, labels, w)
		if err != nil {
			t.Fatal(err)
		}
		check(form+" classes", &c.FMPredictor, c.Convergence().Objective, labels)
		r, err := linear.FMRegressor{Factors: 3, C: 2, FactorC: 0.5, Tol: 1e-9}.Fit(background, Z, y, w)
		if err != nil {
			t.Fatal(err)
		}
		check(form+" targets", &r.FMPredictor, r.Convergence().Objective, nil)
	}
}

// With as many factors as features every minimum is as low as any: different seeds find
// the same predictions.
func TestFMSeeds(t *testing.T) {
	X, y, _ := pairs(80, 4, 3)
	var first float64
	for seed := range uint64(4) {
		m, err := linear.FMRegressor{Factors: 4, Seed: seed, Tol: 1e-8, InitStd: 0.3}.Fit(background, X, y, nil)
		if err != nil {
			t.Fatal(err)
		}
		f := m.Convergence().Objective
		if seed == 0 {
			first = f
		}
		if math.Abs(f-first) > 1e-6*first {
			t.Errorf("seed %d: objective %v, of the first %v", seed, f, first)
		}
		if a, b := m.Interaction(1, 2), m.Interaction(0, 3); math.Abs(a-2) > 0.15 || math.Abs(b+1) > 0.15 {
			t.Errorf("seed %d: interactions %v and %v, want 2 and −1", seed, a, b)
		}
	}
}

// Factors that are held at zero leave logistic regression.
func TestFMIsLogistic(t *testing.T) {
	X, _, labels := pairs(80, 4, 5)
	m, err := linear.FMClassifier{FactorC: 1e-9, C: 3, Tol: 1e-10}.Fit(background, X, labels, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := linear.Logistic{C: 3, Tol: 1e-10}.Fit(background, X, labels, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := distance(append(m.Coef(), m.Intercept()), append(want.Coef(), want.Intercept())); d > 1e-6 {
		t.Errorf("off by %v", d)
	}
	if m.Classes() != 2 || m.Features() != 4 {
		t.Errorf("%d classes, %d features", m.Classes(), m.Features())
	}
}

func TestFMErrors(t *testing.T) {
	X, y, labels := pairs(30, 4, 1)
	for text, trainer := range map[string]linear.FMClassifier{
		"Factors is -1": {Factors: -1}, "C is -1": {C: -1}, "FactorC is +Inf": {FactorC: math.Inf(1)}, "InitStd is NaN": {InitStd: math.NaN()},
		"Tol is -1": {Tol: -1}, "Workers is -1": {Workers: -1}, "C is 5e-324": {C: 5e-324},
	} {
		if m, err := trainer.Fit(background, X, labels, nil); m != nil || !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, want %s", err, text)
		}
		if m, err := linear.FMRegressor(trainer).Fit(background, X, y, nil); m != nil || !errors.Is(err, gram.ErrParam) {
			t.Errorf("error %v, want %s", err, text)
		}
	}
	_, err := linear.FMClassifier{}.Fit(background, linalg.NewDense[float64](3, 1, nil), []int{0, 1, 2}, nil)
	if !errors.Is(err, gram.ErrLabels) || !strings.Contains(err.Error(), "y has 3 classes, FMClassifier takes 2") {
		t.Errorf("error %v", err)
	}
	huge := linalg.CopyOf[float64](X)
	for i := range huge.Data {
		huge.Data[i] *= 1e200
	}
	if _, err := (linear.FMRegressor{}).Fit(background, huge, y, nil); !errors.Is(err, gram.ErrNonFinite) {
		t.Errorf("error %v", err)
	}
}

// Who likes what: users 0 and 1, and films 2 to 4, as indicators. Neither user nor
// film tells alone.
func ExampleFMClassifier() {
	X := linalg.NewDense(5, 5, []float64{
		1, 0, 1, 0, 0,
		1, 0, 0, 1, 0,
		0, 1, 1, 0, 0,
		0, 1, 0, 1, 0,
		0, 1, 0, 0, 1,
	})
	liked := []int{1, 0, 0, 1, 1}
	m, err := linear.FMClassifier{Factors: 2, C: 10, FactorC: 10, Seed: 1}.Fit(context.Background(), X, liked, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	classes, _ := m.Predict(nil, X)
	fmt.Println(classes)
	// Output: [1 0 0 1 1]
}

func ExampleFMRegressor() {
	// Areas from widths and heights.
	X := linalg.NewDense(6, 2, []float64{1, 2, 2, 2, 3, 1, 4, 3, 2, 5, 5, 4})
	area := []float64{2, 4, 3, 12, 10, 20}
	m, err := linear.FMRegressor{Factors: 2, FactorC: 1e6, C: 1e6, Tol: 1e-9}.Fit(context.Background(), X, area, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	a, _ := m.PredictRow([]float64{6, 7})
	fmt.Printf("%.2f a unit of width times height, 6×7 is %.1f\n", m.Interaction(0, 1), a)
	// Output: 1.00 a unit of width times height, 6×7 is 42.0
}

func BenchmarkFM(b *testing.B) {
	X, y := scattered(b, 100_000, 20_000, 20, 3)
	labels := make([]int, len(y))
	for i, v := range y {
		if v > 40 {
			labels[i] = 1
		}
	}
	for b.Loop() {
		m, err := linear.FMClassifier{Workers: 1, MaxIter: 20}.Fit(background, X, labels, nil)
		if m == nil {
			b.Fatal(err)
		}
		b.ReportMetric(m.Convergence().Objective, "objective")
	}
}
