package calib

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func at(knots, values, x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = Interpolate(knots, values, v)
	}
	return out
}

func TestIsotonicFacts(t *testing.T) {
	third := 1.0 / 3
	x, y := []float64{0, 1, 1, 2, 3}, []float64{0, 0, 1, 0, 1}
	knots, values := Isotonic(x, y, nil, false)
	for i, want := range []float64{0, third, third, third, 1} {
		if got := Interpolate(knots, values, x[i]); math.Abs(got-want) > 1e-15 {
			t.Errorf("at %v: %v, want %v", x[i], got, want)
		}
	}
	if !slices.Equal(knots, []float64{0, 1, 2, 3}) {
		t.Errorf("knots %v", knots)
	}
	if got := at(knots, values, []float64{-5, 0.5, 2.25, 9}); math.Abs(got[1]-1.0/6) > 1e-15 ||
		math.Abs(got[2]-0.5) > 1e-15 || got[0] != 0 || got[3] != 1 {
		t.Errorf("between and outside knots: %v", got)
	}
	if got := Interpolate(knots, values, math.NaN()); got == got {
		t.Errorf("NaN gives %v", got)
	}
}

func TestIsotonicZerosAndExtremes(t *testing.T) {
	negative := math.Copysign(0, -1)
	knots, values := Isotonic([]float64{0, negative, 0, negative}, []float64{1, 2, 3, 6}, nil, false)
	if len(knots) != 1 || math.Signbit(knots[0]) || values[0] != 3 {
		t.Errorf("the zeros are not one: %v %v", knots, values)
	}
	big := math.MaxFloat64
	knots, values = Isotonic([]float64{big, -big}, []float64{1, 0}, nil, false)
	if got := Interpolate(knots, values, 0); got != 0.5 {
		t.Errorf("halfway between extremes: %v", got)
	}
	// A mean of equal values is that value, to the bit.
	_, values = Isotonic([]float64{1, 2, 3, 4}, []float64{0.1, 0.1, 0.1, 0.1}, []float64{1, 3, 7, 0.3}, false)
	if !slices.Equal(values, []float64{0.1, 0.1}) {
		t.Errorf("equal values give %v", values)
	}
}

// minimax is max over j ≤ i of min over k ≥ i of the mean of j..k, which is the
// isotonic fit at distinct ascending x.
func minimax(y, w []float64) []float64 {
	out := make([]float64, len(y))
	for i := range y {
		out[i] = math.Inf(-1)
		for j := 0; j <= i; j++ {
			low := math.Inf(1)
			sum, weight := 0.0, 0.0
			for k := j; k < len(y); k++ {
				sum += w[k] * y[k]
				weight += w[k]
				if k >= i {
					low = min(low, sum/weight)
				}
			}
			out[i] = max(out[i], low)
		}
	}
	return out
}

func TestIsotonicMinimax(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for trial := range 50 {
		n := 1 + r.IntN(60)
		x, y, w := make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range n {
			x[i] = float64(i) - 20
			y[i] = 0.1*float64(trial%5-2)*float64(i) + r.NormFloat64()
			w[i] = r.ExpFloat64() + 1e-3
		}
		want := minimax(y, w)
		for i, j := range r.Perm(n) {
			x[i], x[j] = x[j], x[i]
			y[i], y[j] = y[j], y[i]
			w[i], w[j] = w[j], w[i]
		}
		knots, values := Isotonic(x, y, w, false)
		for i := range n {
			if got := Interpolate(knots, values, float64(i)-20); math.Abs(got-want[i]) > 1e-12 {
				t.Fatalf("trial %d, at %d: %v, want %v", trial, i, got, want[i])
			}
		}
		for i := range y {
			y[i] = -y[i]
		}
		_, falling := Isotonic(x, y, w, true)
		for i := range values {
			if falling[i] != -values[i] {
				t.Fatalf("decreasing is not the mirror: %v, %v", falling, values)
			}
		}
	}
}

// With many rows, equal x included, the radix sort is used: the fit must be that of
// rows in ascending order, must ascend, and its residuals sum to zero on each level.
func TestIsotonicLarge(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	n := 20_000
	x, y, w := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		x[i] = math.Round(r.NormFloat64()*1000) * math.Pow(10, float64(r.IntN(3)))
		y[i] = math.Atan(x[i]/1000) + r.NormFloat64()
		w[i] = float64(r.IntN(4))
	}
	knots, values := Isotonic(x, y, w, false)
	if !slices.IsSorted(values) || !slices.IsSorted(knots) {
		t.Fatal("not ascending")
	}
	rest := map[float64]float64{}
	for i, v := range at(knots, values, x) {
		rest[v] += w[i] * (y[i] - v)
	}
	for v, s := range rest {
		if _, level := slices.BinarySearch(values, v); level && math.Abs(s) > 1e-9 {
			t.Errorf("residuals of level %v sum to %v", v, s)
		}
	}
	order := make([]int, 0, n)
	for i := range n {
		if w[i] > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	pick := func(v []float64) []float64 {
		out := make([]float64, 0, n)
		for _, i := range order {
			out = append(out, v[i])
		}
		return out
	}
	k2, v2 := Isotonic(pick(x), pick(y), pick(w), false)
	if !slices.Equal(knots, k2) || !slices.Equal(values, v2) {
		t.Error("another fit on sorted rows")
	}
}

// TestInOrder: rows in order of x, those of equal x in their own, whichever half of the keys
// they differ in.
func TestInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	draws := map[string]func() float64{
		"normal":  r.NormFloat64,
		"ties":    func() float64 { return float64(r.IntN(100) - 50) },
		"zeros":   func() float64 { return math.Copysign(0, r.NormFloat64()) },
		"lower":   func() float64 { return 1 + float64(r.IntN(1<<20))*0x1p-52 },
		"both":    func() float64 { return float64(r.IntN(4)-2) * (1 + float64(r.IntN(1<<10))*0x1p-50) },
		"extreme": func() float64 { return math.Copysign(math.Pow(2, float64(r.IntN(2000)-1000)), r.NormFloat64()) },
	}
	for name, draw := range draws {
		for _, n := range []int{0, 1, 2, few, few + 1, 4000} {
			x, w, want := make([]float64, n), make([]float64, n), []int{}
			for i := range x {
				x[i], w[i] = draw(), float64(r.IntN(4))
				if w[i] > 0 {
					want = append(want, i)
				}
			}
			slices.SortStableFunc(want, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
			got := inOrder(x, w)
			if !slices.EqualFunc(got, want, func(k keyed, i int) bool { return int(k.row()) == i }) {
				t.Errorf("%s: n = %d is out of order", name, n)
			}
		}
	}
}

func fitPlatt(t *testing.T, f []float64, positive []bool, w []float64) Sigmoid {
	t.Helper()
	s, r, err := Platt(context.Background(), 1, f, positive, w, 1e-13, 100, nil)
	if err != nil || !(r.Gradient <= 1e-9*float64(len(f))) {
		t.Fatalf("%+v, %v", r, err)
	}
	return s
}

func TestPlattFacts(t *testing.T) {
	f, positive := []float64{5, -4, 1}, []bool{true, false, false}
	s := fitPlatt(t, f, positive, nil)
	if math.Abs(s.A+0.202614489618476) > 1e-12 || math.Abs(s.B-0.652366638998449) > 1e-12 {
		t.Errorf("A, B = %v, %v", s.A, s.B)
	}
	for _, scale := range []float64{1e-300, 1e7, 1e300} {
		g := []float64{5 * scale, -4 * scale, scale}
		u := fitPlatt(t, g, positive, nil)
		for i := range f {
			if a, b := s.At(f[i]), u.At(g[i]); math.Abs(a-b) > 1e-12 {
				t.Errorf("scores × %v: %v, want %v", scale, b, a)
			}
		}
	}
}

// The gradient by A and B, written down plainly, is zero.
func TestPlattGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for name, score := range map[string]func() float64{
		"normal":  r.NormFloat64,
		"shifted": func() float64 { return 1e6 + r.NormFloat64() },
		"heavy":   func() float64 { return r.NormFloat64() / r.Float64() },
		"outlier": func() float64 {
			if r.IntN(500) == 0 {
				return 1e6
			}
			return r.NormFloat64()
		},
		"constant": func() float64 { return 3 },
	} {
		n := 30_000
		f, positive, w := make([]float64, n), make([]bool, n), make([]float64, n)
		var pos, neg float64
		for i := range n {
			f[i] = score()
			positive[i] = r.Float64() < 1/(1+math.Exp(-f[i]))
			w[i] = float64(r.IntN(3))
			if positive[i] {
				pos += w[i]
			} else {
				neg += w[i]
			}
		}
		s := fitPlatt(t, f, positive, w)
		ga, gb, size := 0.0, 0.0, 0.0
		for i, v := range f {
			target := 1 / (neg + 2)
			if positive[i] {
				target = (pos + 1) / (pos + 2)
			}
			ga += w[i] * (s.At(v) - target) * v
			gb += w[i] * (s.At(v) - target)
			size = max(size, math.Abs(v))
		}
		if math.Abs(gb) > 1e-7 || math.Abs(ga) > 1e-7*size {
			t.Errorf("%s: gradient %v, %v at %v", name, ga, gb, s)
		}
		if name == "constant" && s.A != 0 {
			t.Errorf("constant scores: A = %v", s.A)
		}
		for _, workers := range []int{2, 5} {
			u, _, err := Platt(context.Background(), workers, f, positive, w, 1e-13, 100, nil)
			if err != nil || u != s {
				t.Errorf("%s: %d workers give %v, not %v", name, workers, u, s)
			}
		}
	}
}

func TestPlattWeights(t *testing.T) {
	f, positive, w := []float64{1, 2, 3, 4, 9}, []bool{false, true, false, true, false}, []float64{3, 1, 2, 2, 0}
	var f2 []float64
	var p2 []bool
	for i := range f {
		for range int(w[i]) {
			f2, p2 = append(f2, f[i]), append(p2, positive[i])
		}
	}
	a, b := fitPlatt(t, f, positive, w), fitPlatt(t, f2, p2, nil)
	if math.Abs(a.A-b.A) > 1e-12 || math.Abs(a.B-b.B) > 1e-12 {
		t.Errorf("weights %v, repeated rows %v", a, b)
	}
}

func TestPlattEnds(t *testing.T) {
	f, positive := []float64{-2, -1, 1, 2}, []bool{false, false, true, true}
	s := fitPlatt(t, f, positive, nil) // separable
	if !(s.A < 0) || !(s.At(2) > 0.7) {
		t.Errorf("separable: %v", s)
	}
	heard := 0
	_, r, err := Platt(context.Background(), 1, f, positive, nil, 1e-13, 2, func(Report) { heard++ })
	if err != nil || r.Iterations != 2 || r.Converged || heard != 2 {
		t.Errorf("limit of 2: %+v, %v, %d calls", r, err, heard)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := Platt(ctx, 1, f, positive, nil, 1e-13, 100, nil); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

func BenchmarkIsotonic(b *testing.B) {
	r := rand.New(rand.NewPCG(4, 1))
	x, y := make([]float64, 1_000_000), make([]float64, 1_000_000)
	for i := range x {
		x[i] = r.NormFloat64()
		y[i] = x[i] + r.NormFloat64()
	}
	for b.Loop() {
		Isotonic(x, y, nil, false)
	}
}
