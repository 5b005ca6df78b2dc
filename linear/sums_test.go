package linear

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/sparse"
)

var background = context.Background()

func near(t *testing.T, name string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*(1+math.Abs(want))) {
		t.Errorf("%s is %.15g, want %.15g", name, got, want)
	}
}

// randomRows returns rows of features, labels and weights, some of them zero.
func randomRows(n, d, classes int, seed uint64) (*linalg.Dense[float64], []int, []float64) {
	r := rand.New(rand.NewPCG(seed, 7))
	X, y, w := linalg.NewDense[float64](n, d, nil), make([]int, n), make([]float64, n)
	for i := range n {
		for j := range d {
			X.Set(i, j, float64(j)+(1+float64(j))*r.NormFloat64())
		}
		y[i], w[i] = i%classes, float64(r.IntN(4))/2
	}
	return X, y, w
}

func randomVector(n int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 3))
	v := make([]float64, n)
	for i := range v {
		v[i] = r.NormFloat64() / 2
	}
	return v
}

func testProblem(t *testing.T, n, d, classes int, lambda float64, intercept bool) *problem {
	t.Helper()
	X, y, w := randomRows(n, d, classes, uint64(n))
	cols := classes
	if classes == 2 {
		cols = 1
	}
	p, err := newProblem(background, X, y, w, cols, &settings{lambda: lambda, intercept: intercept, workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestMoments holds sums of spans, merged, against the definition, far from zero.
func TestMoments(t *testing.T) {
	X, _, w := randomRows(103, 3, 2, 1)
	for i := range X.Data {
		X.Data[i] += 1e8
	}
	x := linalg.AsOperator(X)
	a, b, s := newMomentSum(3), newMomentSum(3), new(scratch)
	a.Add(x, span{0, 17}, w, s)
	a.Add(x, span{17, 18}, w, s)
	b.Add(x, span{18, 103}, w, s)
	a.Merge(b)
	a.Merge(newMomentSum(3))
	for j := range 3 {
		total, mean, dev := 0.0, 0.0, 0.0
		for i, wi := range w {
			total += wi
			mean += wi * (X.At(i, j) - 1e8)
		}
		mean /= total
		for i, wi := range w {
			dev += wi * math.Pow(X.At(i, j)-1e8-mean, 2)
		}
		near(t, "weight", a.weight, total, 0)
		near(t, "mean", a.mean[j]-1e8, mean, 1e-7)
		near(t, "square sum", a.dev2[j], dev, 1e-9)
		near(t, "deviation", a.deviation(j), math.Sqrt(dev/total), 1e-9)
		if a.constant(j) {
			t.Errorf("column %d counts as constant", j)
		}
	}
}

func TestConstantColumns(t *testing.T) {
	for _, v := range []float64{0, 0.1, -1e-300, 3e8, 1. / 3} {
		X, w := linalg.NewDense[float64](500, 1, nil), make([]float64, 500)
		for i := range w {
			X.Data[i], w[i] = v, 0.1+float64(i%7)
		}
		m := newMomentSum(1)
		m.Add(linalg.AsOperator(X), span{0, 333}, w, new(scratch))
		m.Add(linalg.AsOperator(X), span{333, 500}, w, new(scratch))
		if !m.constant(0) {
			t.Errorf("%v is not constant: mean %v, deviation %v", v, m.mean[0], m.deviation(0))
		}
		if s := newStandard(m, true); !math.IsInf(s.scale[0], 1) {
			t.Errorf("%v has scale %v", v, s.scale[0])
		}
	}
}

// TestSampledMoments: of a large X some rows are looked at, and all if those have no
// weight or show a column as constant that is not.
func TestSampledMoments(t *testing.T) {
	const n, d = 1500, 1600
	X, y, w := randomRows(n, d, 2, 1)
	rest := spans(n, d, momentElements/d)
	if rowsIn(rest) >= n {
		t.Fatal("all rows are sampled")
	}
	for _, s := range rest {
		for i := s.lo; i < s.hi; i++ {
			X.Set(i, 3, 7) // constant there
		}
	}
	fit := func(w []float64) *standard {
		p, err := newProblem(background, X, y, w, 1, &settings{lambda: 1, intercept: true, workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		return p.std
	}
	if s := fit(w); math.IsInf(s.scale[3], 0) {
		t.Error("column 3 counts as constant")
	}
	for _, s := range rest {
		clear(w[s.lo:s.hi])
	}
	if s := fit(w); !(s.scale[2] > 2 && s.scale[2] < 4) {
		t.Errorf("scale %v of a column with deviation 3", s.scale[2])
	}
}

// TestGradientSum holds merged spans against one span, and both against the
// definition.
func TestGradientSum(t *testing.T) {
	for _, classes := range []int{2, 3, 7} {
		p := testProblem(t, 90, 4, classes, 0, true)
		at := &params{coef: randomVector(4*p.cols, 1), bias: randomVector(p.cols, 2)}
		one, a, b, s := newGradientSum(4, p.cols), newGradientSum(4, p.cols), newGradientSum(4, p.cols), new(scratch)
		one.Add(p.x, span{0, 90}, p.y, p.w, at, s)
		a.Add(p.x, span{0, 31}, p.y, p.w, at, s)
		b.Add(p.x, span{31, 60}, p.y, p.w, at, s)
		b.Add(p.x, span{60, 90}, p.y, p.w, at, s)
		a.Merge(b)
		loss, margin := 0.0, math.Inf(1)
		for i, c := range p.y {
			z := make([]float64, max(2, p.cols))
			for k := range p.cols {
				zk := &z[len(z)-p.cols+k] // for two classes, that of class 1
				*zk = at.bias[k]
				for j := range 4 {
					*zk += p.x.At(i, j) * at.coef[j*p.cols+k]
				}
			}
			sum, other := 0.0, math.Inf(-1)
			for k, v := range z {
				sum += math.Exp(v)
				if k != c {
					other = max(other, v)
				}
			}
			loss += p.w[i] * (math.Log(sum) - z[c])
			if p.w[i] > 0 {
				margin = min(margin, z[c]-other)
			}
		}
		near(t, "loss", one.loss, loss, 1e-13)
		near(t, "margin", one.margin, margin, 1e-13)
		near(t, "merged loss", a.loss, loss, 1e-13)
		near(t, "merged margin", a.margin, margin, 1e-13)
		for i, v := range one.coef {
			near(t, "merged derivative", a.coef[i], v, 1e-12)
		}
		for i, v := range one.bias {
			near(t, "merged derivative by a bias", a.bias[i], v, 1e-12)
		}
		a.Reset()
		a.Merge(one)
		near(t, "loss after Reset", a.loss, loss, 1e-13)
	}
}

// TestDerivatives holds gradients, Hessians and their products against central
// differences of the objective, in the coordinates that fits move in.
func TestDerivatives(t *testing.T) {
	for _, classes := range []int{2, 3, 5} {
		for _, intercept := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d/%v", classes, intercept), func(t *testing.T) {
				p := testProblem(t, 80, 3, classes, 0.7, intercept)
				size := p.size()
				eval := func(theta []float64) *point {
					pt := newPoint(size)
					copy(pt.theta, theta)
					if err := p.eval(background, pt); err != nil {
						t.Fatal(err)
					}
					return pt
				}
				theta := randomVector(size, 5)
				pt := eval(theta)
				h, err := p.hessian(background, theta)
				if err != nil {
					t.Fatal(err)
				}
				const step = 1e-5
				for i := range size {
					moved := append([]float64(nil), theta...)
					moved[i] = theta[i] + step
					up := eval(moved)
					moved[i] = theta[i] - step
					down := eval(moved)
					near(t, fmt.Sprint("derivative ", i), pt.grad[i], (up.f-down.f)/(2*step), 5e-8)
					e, product := make([]float64, size), make([]float64, size)
					e[i] = 1
					if err := p.product(background, product, theta, e); err != nil {
						t.Fatal(err)
					}
					for j := range size {
						want := (up.grad[j] - down.grad[j]) / (2 * step)
						near(t, fmt.Sprintf("product (%d, %d)", j, i), product[j], want, 5e-8)
						if j >= i {
							near(t, fmt.Sprintf("Hessian (%d, %d)", j, i), h.At(j, i), want, 5e-8)
						}
					}
				}
			})
		}
	}
}

// TestProductSum: merged spans are one span.
func TestProductSum(t *testing.T) {
	for _, classes := range []int{2, 4} {
		p := testProblem(t, 70, 3, classes, 0, true)
		at := &params{coef: randomVector(3*p.cols, 1), bias: randomVector(p.cols, 2)}
		dir := &params{coef: randomVector(3*p.cols, 3), bias: randomVector(p.cols, 4)}
		var both []float64
		for j := range 3 {
			both = append(both, at.coef[j*p.cols:(j+1)*p.cols]...)
			both = append(both, dir.coef[j*p.cols:(j+1)*p.cols]...)
		}
		one, a, b, s := newProductSum(3, p.cols), newProductSum(3, p.cols), newProductSum(3, p.cols), new(scratch)
		one.Add(p.x, span{0, 70}, p.w, at, dir, both, s)
		a.Add(p.x, span{0, 33}, p.w, at, dir, both, s)
		b.Add(p.x, span{33, 70}, p.w, at, dir, both, s)
		a.Merge(b)
		for i, v := range one.coef {
			near(t, "merged product", a.coef[i], v, 1e-12)
		}
		for i, v := range one.bias {
			near(t, "merged product of a bias", a.bias[i], v, 1e-12)
		}
	}
}

// TestHessianSum: merged spans are one span, and a Gramian is its definition.
func TestHessianSum(t *testing.T) {
	for _, classes := range []int{2, 4} {
		p := testProblem(t, 70, 3, classes, 0, true)
		at := &params{coef: randomVector(3*p.cols, 1), bias: randomVector(p.cols, 2)}
		one, a, b, s := newHessianSum(4, p.cols), newHessianSum(4, p.cols), newHessianSum(4, p.cols), new(scratch)
		one.Add(p.x, span{0, 70}, p.w, p.std, at, s)
		a.Add(p.x, span{0, 33}, p.w, p.std, at, s)
		b.Add(p.x, span{33, 70}, p.w, p.std, at, s)
		a.Merge(b)
		want, got := one.matrix(), a.matrix()
		for i := range want.Rows {
			for j := range i + 1 {
				near(t, "merged Hessian", got.At(i, j), want.At(i, j), 1e-12)
			}
		}
		g, err := p.gramian(background)
		if err != nil {
			t.Fatal(err)
		}
		for j := range 3 {
			near(t, "diagonal of standardized rows", g.At(j, j), p.weight, 1e-12)
			near(t, "their sum", g.At(3, j), 0, 1e-10)
		}
		near(t, "weight", g.At(3, 3), p.weight, 1e-12)
	}
}

// TestPreconditioners: solving undoes multiplying.
func TestPreconditioners(t *testing.T) {
	p := testProblem(t, 200, 3, 4, 0.5, true)
	theta := make([]float64, p.size())
	h, err := p.hessian(background, theta)
	if err != nil {
		t.Fatal(err)
	}
	c, err := factor(h)
	if err != nil {
		t.Fatal(err)
	}
	v, hv := randomVector(p.size(), 9), make([]float64, p.size())
	if err := p.product(background, hv, theta, v); err != nil {
		t.Fatal(err)
	}
	c.solve(hv)
	for i := range v {
		near(t, "Hessian's solution", hv[i], v[i], 1e-9)
	}

	// Where all probabilities are 1/K the Kronecker product is the Hessian, but for
	// the floor under rare classes.
	g, err := p.gramian(background)
	if err != nil {
		t.Fatal(err)
	}
	k, err := p.kronecker([]float64{0.25, 0.25, 0.25, 0.25}, g)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.product(background, hv, theta, v); err != nil {
		t.Fatal(err)
	}
	k.solve(hv)
	for i := range v {
		near(t, "Kronecker's solution", hv[i]*1.01, v[i], 1e-6)
	}
}

func TestFactorSingular(t *testing.T) {
	c, err := factor(linalg.NewDense(2, 2, []float64{1, 1, 1, 1}))
	if err != nil {
		t.Fatal(err)
	}
	x := []float64{2, 2}
	c.solve(x)
	near(t, "x₀+x₁", x[0]+x[1], 2, 1e-6)
	for _, a := range [][]float64{{0, 0, 0, 0}, {math.NaN(), 0, 0, 1}, {1, 0, 5, 1}} {
		if _, err := factor(linalg.NewDense(2, 2, a)); err == nil {
			t.Errorf("%v has a Cholesky factor", a)
		}
	}
}

func TestShifted(t *testing.T) {
	X, _, _ := randomRows(5, 3, 2, 1)
	for _, m := range []linalg.Dense[float64]{*X, *X.Slice(0, 5, 1, 3)} {
		s := shifted{&m, []float64{1, 2, 3}[:m.Cols]}
		block, stride := s.RowBlock(make([]float64, 3*m.Cols), 1, 4)
		for i := 1; i < 4; i++ {
			for j := range m.Cols {
				want := m.At(i, j) - float64(j+1)
				if got := block[(i-1)*stride+j]; got != want || s.At(i, j) != want {
					t.Errorf("element (%d, %d) is %v and %v, want %v", i, j, got, s.At(i, j), want)
				}
			}
		}
	}
}

// TestSparseMoments holds the moments from stored entries against those of the same
// rows as dense ones, some entries of which are far from zero.
func TestSparseMoments(t *testing.T) {
	X, y, w := randomRows(400, 6, 2, 9)
	for i := range X.Rows {
		for j := range X.Cols {
			if (i*7+j*3)%5 > j {
				X.Set(i, j, 0)
			}
		}
		X.Set(i, 5, X.At(i, 5)+1e7)
	}
	A, err := sparse.FromDense[float64](X, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &settings{lambda: 1, intercept: true, workers: 2}
	dense, err := newProblem(background, X, y, w, 1, s)
	if err != nil {
		t.Fatal(err)
	}
	few, err := newProblem(background, A, y, w, 1, s)
	if err != nil {
		t.Fatal(err)
	}
	a, err := dense.moments(background)
	if err != nil {
		t.Fatal(err)
	}
	few.sparse, few.x = entriesOf(A), linalg.AsOperator(X)
	b, err := few.moments(background)
	if err != nil {
		t.Fatal(err)
	}
	for j := range X.Cols {
		near(t, "mean", b.mean[j], dense.offsetOf(j)+a.mean[j], 1e-12)
		near(t, "deviation", b.deviation(j), a.deviation(j), 1e-9)
	}
}

func (p *problem) offsetOf(j int) float64 {
	if p.offset == nil {
		return 0
	}
	return p.offset[j]
}
