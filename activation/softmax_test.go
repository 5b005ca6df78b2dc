package activation_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/gram-ml/gram/activation"
	"github.com/gram-ml/gram/internal/floattest"
)

// exactSoftmax returns the softmax of x·scale and the logarithm of the sum, exactly.
func exactSoftmax[T floattest.Float](x []T, scale float64) (p []*big.Float, logSum float64) {
	sum := fresh()
	for _, v := range x {
		p = append(p, bigExp(mul(num(float64(v)), num(scale))))
		sum = add(sum, p[len(p)-1])
	}
	for i := range p {
		p[i] = quo(p[i], sum)
	}
	e := sum.MantExp(sum)
	m, _ := sum.Float64()
	return p, math.Log(m) + float64(e)*math.Ln2
}

func TestSoftmax(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		testSoftmax[float64](t)
		testSoftmax[float32](t)
	})
}

func testSoftmax[T floattest.Float](t *testing.T) {
	eps, normal := floattest.Eps[T](), 0x1p-1022
	if eps > 1e-10 {
		normal = 0x1p-126
	}
	for _, cols := range []int{1, 2, 3, 17, 300} {
		for _, at := range []struct{ centre, spread float64 }{{0, 1}, {0, 30}, {60_000, 1}, {-60_000, 30}, {70_000, 1}} {
			r := floattest.Rand(uint64(cols))
			x := floattest.Normals(r, make([]T, 3*cols))
			for i := range x {
				x[i] = x[i]*T(at.spread) + T(at.centre)
			}
			y := activation.Softmax(nil, x, cols)
			z := activation.SoftmaxTemperature(nil, x, cols, 4)
			logs := activation.LogSoftmax(nil, x, cols)
			lse := activation.LogSumExp(nil, x, cols)
			for i := range 3 {
				row := x[i*cols : (i+1)*cols]
				p, logSum := exactSoftmax(row, 1)
				q, _ := exactSoftmax(row, 0.25)
				if !floattest.Close(float64(lse[i]), logSum, 1+math.Abs(logSum), 2*eps) {
					t.Errorf("%d columns: log-sum-exp %v, want %v", cols, lse[i], logSum)
				}
				for j := range row {
					at := i*cols + j
					for _, c := range []struct {
						got  T
						want *big.Float
					}{{y[at], p[j]}, {z[at], q[j]}} {
						want, _ := c.want.Float64()
						if !floattest.Close(float64(c.got), want, max(want, normal), 4*eps) {
							t.Errorf("%d columns: softmax[%d] is %v, want %v", cols, j, c.got, want)
						}
					}
					want := float64(row[j]) - logSum
					if !floattest.Close(float64(logs[at]), want, 1+math.Abs(want)+math.Abs(logSum), 3*eps) {
						t.Errorf("%d columns: log-softmax[%d] is %v, want %v", cols, j, logs[at], want)
					}
				}
			}
			in := append([]T{}, x...)
			if err := same(activation.Softmax(in, in, cols), y); err != nil {
				t.Error("in place:", err)
			}
		}
	}
	testSoftmaxEnds[T](t)
}

// Rows without a distribution, with zeros, and with no true mask.
func testSoftmaxEnds[T floattest.Float](t *testing.T) {
	inf, nan := T(math.Inf(1)), T(math.NaN())
	for _, c := range []struct {
		x, want []T
		lse     T
	}{
		{[]T{-inf, -inf}, []T{nan, nan}, -inf},
		{[]T{0, inf}, []T{nan, nan}, inf},
		{[]T{0, nan}, []T{nan, nan}, nan},
		{[]T{nan, -inf}, []T{nan, nan}, nan},
		{[]T{nan, inf}, []T{nan, nan}, nan},
		{[]T{3, -inf}, []T{1, 0}, 3},
		{[]T{1e30, 1e30}, []T{0.5, 0.5}, 1e30},
		{[]T{-1e30, 1e30}, []T{0, 1}, 1e30},
		{[]T{-inf, 1e30}, []T{0, 1}, 1e30},
	} {
		if err := same(activation.Softmax(nil, c.x, 2), c.want); err != nil {
			t.Errorf("softmax of %v: %v", c.x, err)
		}
		if err := same(activation.LogSumExp(nil, c.x, 2), []T{c.lse}); err != nil {
			t.Errorf("log-sum-exp of %v: %v", c.x, err)
		}
	}
	x := []T{nan, 1, 1, 5, inf, -inf}
	masked := activation.MaskedSoftmax(nil, x, []bool{false, true, true, false, false, false}, 3)
	if err := same(masked, []T{0, 0.5, 0.5, 0, 0, 0}); err != nil {
		t.Error("masked:", err)
	}
	for _, got := range [][]T{
		activation.Softmax(nil, []T{}, 3), activation.Sparsemax(nil, []T{}, 3), activation.LogSumExp(nil, []T{}, 3),
		activation.LogSoftmax(nil, []T{}, 3), activation.MaskedSoftmax(nil, []T{}, nil, 3),
	} {
		if len(got) != 0 {
			t.Errorf("no rows gave %v", got)
		}
	}
}

// differences returns the gradient of f by x, from central differences.
func differences(x []float64, f func(x []float64) float64) []float64 {
	const h = 1e-5
	out := make([]float64, len(x))
	for i, v := range x {
		x[i] = v + h
		up := f(x)
		x[i] = v - h
		down := f(x)
		x[i] = v
		out[i] = (up - down) / (2 * h)
	}
	return out
}

func closeAll(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	for i := range want {
		if !floattest.Close(got[i], want[i], 1, tol) {
			t.Errorf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestSoftmaxGradients(t *testing.T) {
	const cols = 5
	floattest.Levels(t, func(t *testing.T) {
		r := floattest.Rand(11)
		x, dy := floattest.Normals(r, make([]float64, 3*cols)), floattest.Normals(r, make([]float64, 3*cols))
		for _, c := range []struct {
			name  string
			value func(dst, x []float64, cols int) []float64
			grad  func(dx, dy, y []float64, cols int) []float64
		}{
			{"Softmax", activation.Softmax[float64], activation.SoftmaxGrad[float64]},
			{"LogSoftmax", activation.LogSoftmax[float64], activation.LogSoftmaxGrad[float64]},
			{"Sparsemax", activation.Sparsemax[float64], activation.SparsemaxGrad[float64]},
		} {
			dx := c.grad(nil, dy, c.value(nil, x, cols), cols)
			want := differences(x, func(x []float64) float64 {
				s := 0.0
				for i, v := range c.value(nil, x, cols) {
					s += v * dy[i]
				}
				return s
			})
			closeAll(t, c.name, dx, want, 1e-9)
			in := append([]float64{}, dy...)
			if err := same(c.grad(in, in, c.value(nil, x, cols), cols), dx); err != nil {
				t.Errorf("%s in place: %v", c.name, err)
			}
		}
	})
}

func TestLosses(t *testing.T) {
	const cols = 300
	floattest.Levels(t, func(t *testing.T) {
		r := floattest.Rand(12)
		x, teacher := floattest.Normals(r, make([]float64, 3*cols)), floattest.Normals(r, make([]float64, 3*cols))
		labels := []int{0, 299, 256}
		want := 0.0
		for i, l := range labels {
			want -= activation.LogSoftmax(nil, x[i*cols:(i+1)*cols], cols)[l] / 3
		}
		if got := activation.CrossEntropy(nil, x, labels, cols); !floattest.Close(got, want, want, 1e-14) {
			t.Errorf("cross-entropy %v, want %v", got, want)
		}
		dx := make([]float64, len(x))
		activation.CrossEntropy(dx, x, labels, cols)
		closeAll(t, "CrossEntropy", dx, differences(x, func(x []float64) float64 { return activation.CrossEntropy(nil, x, labels, cols) }), 1e-9)
		in := append([]float64{}, x...)
		activation.CrossEntropy(in, in, labels, cols)
		closeAll(t, "CrossEntropy in place", in, dx, 0)

		const temperature = 3
		want = 0
		p := activation.SoftmaxTemperature(nil, teacher, cols, temperature)
		q := activation.SoftmaxTemperature(nil, x, cols, temperature)
		for i := range p {
			want += p[i] * math.Log(p[i]/q[i]) * temperature * temperature / 3
		}
		got := activation.Distillation(dx, x, teacher, cols, temperature)
		if !floattest.Close(got, want, want, 1e-13) {
			t.Errorf("distillation loss %v, want %v", got, want)
		}
		closeAll(t, "Distillation", dx, differences(x, func(x []float64) float64 {
			return activation.Distillation(nil, x, teacher, cols, temperature)
		}), 1e-8)
		if self := activation.Distillation(nil, x, x, cols, temperature); self != 0 {
			t.Errorf("distillation of a model from itself costs %v", self)
		}
	})
}

// A loss near 0 keeps its digits: −log(1 − δ) ≈ δ.
func TestConfidentCrossEntropy(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		dx := make([]float64, 2)
		loss := activation.CrossEntropy(dx, []float64{0, -60}, []int{0}, 2)
		want := math.Exp(-60)
		if !floattest.Close(loss, want, want, 1e-14) || !floattest.Close(-dx[0], want, want, 1e-14) || !floattest.Close(dx[1], want, want, 1e-14) {
			t.Errorf("loss %v, gradient %v, want %v", loss, dx, want)
		}
		if loss := activation.CrossEntropy(nil, []float64{0, -800}, []int{1}, 2); loss != 800 {
			t.Errorf("loss %v, want 800", loss)
		}
		if loss := activation.CrossEntropy[float32](nil, nil, nil, 2); loss != 0 {
			t.Errorf("no rows cost %v", loss)
		}
	})
}

// Sparsemax is the projection: it sums to 1, and x − y is constant where y > 0 and no
// larger elsewhere.
func TestSparsemax(t *testing.T) {
	const cols = 40
	r := floattest.Rand(13)
	x := floattest.Normals(r, make([]float64, 50*cols))
	y := activation.Sparsemax(nil, x, cols)
	for i := range 50 {
		x, y := x[i*cols:(i+1)*cols], y[i*cols:(i+1)*cols]
		sum, tau := 0.0, math.Inf(-1)
		for j := range x {
			sum += y[j]
			if y[j] > 0 {
				tau = x[j] - y[j]
			}
		}
		if math.Abs(sum-1) > 1e-14 {
			t.Errorf("row %d sums to %v", i, sum)
		}
		for j := range x {
			if y[j] < 0 || y[j] > 0 && math.Abs(x[j]-y[j]-tau) > 1e-14 || y[j] == 0 && x[j] > tau+1e-14 {
				t.Errorf("row %d: %v becomes %v, τ is %v", i, x[j], y[j], tau)
			}
		}
	}
	inf, nan := math.Inf(1), math.NaN()
	got := activation.Sparsemax(nil, []float64{0, 0, 5, 0, 1e300, 1e300, nan, 0, inf, 1, -inf, 0}, 2)
	if err := same(got, []float64{0.5, 0.5, 1, 0, 0.5, 0.5, nan, nan, nan, nan, nan, nan}); err != nil {
		t.Error(err)
	}
}
