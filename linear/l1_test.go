package linear_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linear"
)

// kkt returns the largest violation of the conditions of optimality, relative to l1, of
// coefficients K×d and intercepts of the log-loss of softmax, or of one row of log-odds.
func kkt(X gram.Matrix, y []int, w, coef, bias []float64, l1, l2 float64, intercept bool) float64 {
	n, d := X.Dims()
	K := len(bias)
	grad, gb := make([]float64, K*d), make([]float64, K)
	r := make([]float64, K)
	for i := range n {
		z := make([]float64, K)
		for k := range K {
			z[k] = bias[k]
			for j := range d {
				z[k] += X.At(i, j) * coef[k*d+j]
			}
		}
		wi := 1.0
		if w != nil {
			wi = w[i]
		}
		if K == 1 {
			r[0] = 1/(1+math.Exp(-z[0])) - float64(y[i])
		} else {
			top, sum := math.Inf(-1), 0.0
			for _, v := range z {
				top = max(top, v)
			}
			for k, v := range z {
				r[k] = math.Exp(v - top)
				sum += r[k]
			}
			for k := range r {
				r[k] /= sum
			}
			r[y[i]]--
		}
		for k := range K {
			gb[k] += wi * r[k]
			for j := range d {
				grad[k*d+j] += wi * r[k] * X.At(i, j)
			}
		}
	}
	worst := 0.0
	for i, b := range coef {
		g := grad[i] + l2*b
		if b == 0 {
			worst = max(worst, math.Abs(g)-l1)
		} else {
			worst = max(worst, math.Abs(g+math.Copysign(l1, b)))
		}
	}
	if intercept {
		for _, g := range gb {
			worst = max(worst, math.Abs(g))
		}
	}
	return worst / l1
}

func TestL1Optimal(t *testing.T) {
	for _, c := range []struct {
		n, d, k   int
		C, ratio  float64
		intercept bool
	}{
		{300, 10, 2, 0.05, 1, true}, {300, 10, 2, 1, 1, false}, {300, 10, 3, 0.1, 1, true}, {300, 10, 4, 1, 0.5, true},
		{300, 10, 3, 0.1, 0.3, false}, {60, 300, 2, 1, 1, true}, {60, 600, 3, 1, 1, true}, {60, 1100, 2, 10, 1, true}, {50, 600, 3, 10, 0.9, true},
		{13000, 6, 2, 0.01, 1, true}, {13000, 6, 3, 0.01, 1, true},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			X, y := problem(c.n, c.d, c.k, uint64(c.d))
			w := make([]float64, c.n)
			for i := range w {
				w[i] = float64(i%3) + 0.5
			}
			var coef, bias []float64
			var report gram.Convergence
			if c.k == 2 {
				m, err := linear.Logistic{C: c.C, L1Ratio: c.ratio, NoIntercept: !c.intercept, Tol: 1e-12}.Fit(background, X, y, w)
				if err != nil {
					t.Fatal(err)
				}
				coef, bias, report = m.Coef(), []float64{m.Intercept()}, m.Convergence()
			} else {
				m, err := linear.Softmax{C: c.C, L1Ratio: c.ratio, NoIntercept: !c.intercept, Tol: 1e-12}.Fit(background, X, y, w)
				if err != nil {
					t.Fatal(err)
				}
				coef, bias, report = m.Coef(), m.Intercept(), m.Convergence()
			}
			zeros := 0
			for _, b := range coef {
				if b == 0 {
					zeros++
				}
			}
			v := kkt(X, y, w, coef, bias, c.ratio/c.C, (1-c.ratio)/c.C, c.intercept)
			t.Logf("%d of %d zero, %+v, violation %.2g", zeros, len(coef), report, v)
			if !(v <= 1e-6) {
				t.Errorf("derivatives off by %.2g", v)
			}
		})
	}
}

func BenchmarkL1(b *testing.B) {
	X, y := problem(100000, 100, 2, 1)
	b.ResetTimer()
	for b.Loop() {
		m, err := linear.Logistic{C: 0.01, L1Ratio: 1, Tol: 1e-11, Workers: 1}.Fit(background, X, y, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(m.Convergence().Residual, "gap")
		b.ReportMetric(float64(m.Convergence().Iterations), "iter")
	}
}
