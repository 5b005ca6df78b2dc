package linear_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/modeltest"
)

func TestConformanceRobust(t *testing.T) {
	modeltest.Check(t, linear.Huber{Tol: 1e-11}, modeltest.Tolerance(1e-7))
	modeltest.Check(t, linear.StudentT{Tol: 1e-11, NoIntercept: true}, modeltest.Tolerance(1e-7))
}

func TestRobustGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/robust.json")
	if err != nil {
		t.Fatal(err)
	}
	var g struct {
		Y, Weights []float64
		Cases      []struct {
			Epsilon, Alpha, DoF, Scale, LogLikelihood float64
			Form                                      string
			Coef, StdErr                              []float64
		}
	}
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	X, _ := readData(t, "iris")
	for _, c := range g.Cases {
		var w []float64
		if c.Form == "weights" {
			w = g.Weights
		}
		var coef []float64
		var scale float64
		if c.DoF == 0 {
			m, err := linear.Huber{Epsilon: c.Epsilon, Alpha: c.Alpha, Tol: 1e-12}.Fit(background, X, g.Y, w)
			if err != nil {
				t.Fatal(err)
			}
			coef, scale = append(m.Coef(), m.Intercept()), m.Scale()
		} else {
			m, err := linear.StudentT{DoF: c.DoF, Tol: 1e-11}.Fit(background, X, g.Y, w)
			if err != nil {
				t.Fatal(err)
			}
			coef, scale = append(m.Coef(), m.Intercept()), m.Scale()
			se, seIntercept := m.StdErr()
			if d := distance(append(se, seIntercept), c.StdErr); d > 1e-8 || math.Abs(m.LogLikelihood()-c.LogLikelihood) > 1e-9*math.Abs(c.LogLikelihood) {
				t.Errorf("ν = %v, %s: errors off by %v, log-likelihood %v, want %v", c.DoF, c.Form, d, m.LogLikelihood(), c.LogLikelihood)
			}
		}
		if d := distance(coef, c.Coef); d > 1e-8 || math.Abs(scale-c.Scale) > 1e-8*c.Scale {
			t.Errorf("%+v: coefficients off by %v, scale %v", c, d, scale)
		}
	}
}

// Outliers, however far, move nothing that matters; the units of targets and a number
// added to them, nothing at all.
func TestRobustOutliers(t *testing.T) {
	X, y := regression(200, 3, 21)
	clean, err := linear.Linear{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	fits := map[string]func(y []float64) (interface {
		Coef() []float64
		Scale() float64
	}, error){
		"Huber": func(y []float64) (interface {
			Coef() []float64
			Scale() float64
		}, error) {
			return linear.Huber{Tol: 1e-10}.Fit(background, X, y, nil)
		},
		"Student": func(y []float64) (interface {
			Coef() []float64
			Scale() float64
		}, error) {
			return linear.StudentT{Tol: 1e-10}.Fit(background, X, y, nil)
		},
	}
	for name, fit := range fits {
		bad := append([]float64(nil), y...)
		for i := 0; i < 200; i += 10 {
			bad[i] = 1e7
		}
		m, err := fit(bad)
		if err != nil {
			t.Fatal(err)
		}
		if d := distance(m.Coef(), clean.Coef()); d > 0.15 {
			t.Errorf("%s: outliers move coefficients by %v", name, d)
		}
		for i := range bad {
			bad[i] = 1000*bad[i] - 5e5
		}
		other, err := fit(bad)
		if err != nil {
			t.Fatal(err)
		}
		scaled := m.Coef()
		for j := range scaled {
			scaled[j] *= 1000
		}
		if d := distance(other.Coef(), scaled); d > 1e-7 || math.Abs(other.Scale()-1000*m.Scale()) > 1e-6*other.Scale() {
			t.Errorf("%s: other units change coefficients by %v, scale %v from %v", name, d, other.Scale(), m.Scale())
		}
	}
}

// With many degrees of freedom Student's fit is that of least squares.
func TestStudentTLimit(t *testing.T) {
	X, y := regression(80, 4, 3)
	want, err := linear.Linear{}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := linear.StudentT{DoF: 1e9, Tol: 1e-11}.Fit(background, X, y, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := distance(m.Coef(), want.Coef()); d > 1e-6 || math.Abs(m.Scale()-math.Sqrt(want.RSS()/80)) > 1e-6*m.Scale() {
		t.Errorf("coefficients off by %v, scale %v, want %v", d, m.Scale(), math.Sqrt(want.RSS()/80))
	}
}

// Many features go by L-BFGS, sparse too.
func TestHuberSparse(t *testing.T) {
	X, y := scattered(t, 1500, 300, 3, 3)
	m, err := linear.Huber{Alpha: 0.1}.Fit(background, X, y, nil)
	if err != nil || m.Convergence().Solver != "lbfgs" || !m.Convergence().Converged || m.Epsilon() != 1.35 {
		t.Fatalf("%v, %+v", err, m.Convergence())
	}
	dense, err := linear.Huber{Alpha: 0.1}.Fit(background, X.ToDense(), y, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := distance(m.Coef(), dense.Coef()); d > 1e-5 {
		t.Errorf("sparse and dense differ by %v", d)
	}
}

func TestRobustErrors(t *testing.T) {
	X, y := regression(30, 2, 1)
	plane := make([]float64, 30)
	for i := range plane {
		plane[i] = 3*X.At(i, 0) - X.At(i, 1) + 1
	}
	plane[4], plane[7] = 100, -50
	huber := func(h linear.Huber, y []float64) error {
		_, err := h.Fit(background, X, y, nil)
		return err
	}
	student := func(s linear.StudentT, y []float64) error {
		_, err := s.Fit(background, X, y, nil)
		return err
	}
	for _, c := range []struct {
		err, is error
		text    string
	}{
		{huber(linear.Huber{Epsilon: 1}, y), gram.ErrParam, "Epsilon is 1, want > 1"},
		{huber(linear.Huber{Alpha: -1}, y), gram.ErrParam, "Alpha is -1"},
		{huber(linear.Huber{Tol: -1}, y), gram.ErrParam, "Tol is -1"},
		{huber(linear.Huber{}, make([]float64, 30)), gram.ErrSingular, "all targets are 0"},
		{huber(linear.Huber{}, plane), gram.ErrSingular, "a plane goes through so many"},
		{student(linear.StudentT{DoF: -1}, y), gram.ErrParam, "DoF is -1"},
		{student(linear.StudentT{DoF: math.Inf(1)}, y), gram.ErrParam, "DoF is +Inf"},
		{student(linear.StudentT{MaxIter: -1}, y), gram.ErrParam, "MaxIter is -1"},
		{student(linear.StudentT{DoF: 1}, plane), gram.ErrSingular, "a plane goes through so many"},
	} {
		if !errors.Is(c.err, c.is) || !strings.Contains(c.err.Error(), c.text) {
			t.Errorf("error %v, want %s", c.err, c.text)
		}
	}
}

func ExampleHuber() {
	wrong := append([]float64(nil), rents...)
	wrong[2] = 6900 // a digit too many
	m, err := linear.Huber{}.Fit(context.Background(), flats, wrong, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f a square metre, %.0f a room\n", m.Coef()[0], m.Coef()[1])
	// Output: 7.9 a square metre, 33 a room
}

func ExampleStudentT() {
	wrong := append([]float64(nil), rents...)
	wrong[2] = 6900 // a digit too many
	m, err := linear.StudentT{DoF: 2}.Fit(context.Background(), flats, wrong, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.1f a square metre, %.0f a room, ± %.0f\n", m.Coef()[0], m.Coef()[1], m.Scale())
	// Output: 7.8 a square metre, 38 a room, ± 6
}

func BenchmarkHuber(b *testing.B) {
	X, y := regression(100_000, 50, 4)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range y {
		y[i] += r.NormFloat64() / r.NormFloat64()
	}
	for b.Loop() {
		m, err := linear.Huber{Workers: 1}.Fit(background, X, y, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(m.Convergence().Iterations), "iterations")
	}
}
