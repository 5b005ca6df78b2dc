package activation_test

import (
	"math"
	"testing"

	"github.com/gram-ml/gram/activation"
	"github.com/gram-ml/gram/internal/floattest"
)

// The table tells the truth: bounds of values and slopes, monotony and zero, over a grid.
func TestTable(t *testing.T) {
	for _, f := range activation.Functions() {
		if f.PerRow {
			continue
		}
		var x []float64
		for v := -40.0; v <= 40; v += 0.0078125 {
			if f.Name != "log" || v > 0 {
				x = append(x, v)
			}
		}
		y := f.Forward64(nil, x)
		saved := x
		if f.FromOutput {
			saved = y
		}
		dy := make([]float64, len(x))
		for i := range dy {
			dy[i] = 1
		}
		slope := f.Grad64(nil, dy, saved)
		low, high, steep, falls, signs := math.Inf(1), math.Inf(-1), 0.0, false, true
		for i := range x {
			low, high, steep = min(low, y[i]), max(high, y[i]), max(steep, math.Abs(slope[i]))
			falls = falls || i > 0 && y[i] < y[i-1]
			signs = signs && (math.Abs(x[i]) >= 3 || x[i] < 0 == (y[i] < 0))
		}
		if low < f.Min || high > f.Max || !math.IsInf(f.Min, 0) && low-f.Min > 0.03 || !math.IsInf(f.Max, 0) && f.Max-high > 0.03 {
			t.Errorf("%s: values from %v to %v, want %v to %v", f.Name, low, high, f.Min, f.Max)
		}
		if steep > f.MaxSlope*(1+1e-12) || !math.IsInf(f.MaxSlope, 1) && steep < 0.99*f.MaxSlope {
			t.Errorf("%s: slopes up to %v, want %v", f.Name, steep, f.MaxSlope)
		}
		if falls == f.Monotone || signs != f.ZeroCentred {
			t.Errorf("%s: falls %v, keeps signs %v", f.Name, falls, signs)
		}
	}
}

// Both element types of an entry are the same function and the gradient is its own.
func TestTableAgrees(t *testing.T) {
	r := floattest.Rand(21)
	x, dy := make([]float64, 64), floattest.Normals(r, make([]float64, 64))
	x32, dy32 := make([]float32, 64), make([]float32, 64)
	for i := range x {
		x[i] = 0.3 + 4*r.Float64()
		if i%2 == 1 {
			x[i] = -x[i]
		}
		x32[i], dy32[i] = float32(x[i]), float32(dy[i])
		x[i], dy[i] = float64(x32[i]), float64(dy32[i])
	}
	for _, f := range activation.Functions() {
		x, x32 := x, x32
		if f.Name == "log" {
			x, x32 = activation.Exp(nil, x), activation.Exp(nil, x32)
			for i := range x {
				x[i] = float64(x32[i])
			}
		}
		y, y32 := f.Forward64(nil, x), f.Forward32(nil, x32)
		saved, saved32 := x, x32
		if f.FromOutput {
			saved, saved32 = y, y32
		}
		dx, dx32 := f.Grad64(nil, dy, saved), f.Grad32(nil, dy32, saved32)
		const h = 1e-5
		for i := range x {
			up, down := append([]float64{}, x...), append([]float64{}, x...)
			up[i], down[i] = x[i]+h, x[i]-h
			up, down = f.Forward64(up, up), f.Forward64(down, down)
			want := 0.0
			for j := range up {
				want += dy[j] * (up[j] - down[j]) / (2 * h)
			}
			if !floattest.Close(dx[i], want, 1+math.Abs(want), 1e-6) {
				t.Errorf("%s: gradient %v at %v, want %v", f.Name, dx[i], x[i], want)
			}
			if !floattest.Close(float64(y32[i]), y[i], 1+math.Abs(y[i]), 1e-6) || !floattest.Close(float64(dx32[i]), dx[i], 1+math.Abs(dx[i]), 1e-5) {
				t.Errorf("%s at %v: float32 %v and %v, float64 %v and %v", f.Name, x[i], y32[i], dx32[i], y[i], dx[i])
			}
		}
	}
}

func TestGates(t *testing.T) {
	r := floattest.Rand(22)
	const n = 300 // more than a block
	gate, value, dy := floattest.Normals(r, make([]float64, n)), floattest.Normals(r, make([]float64, n)), floattest.Normals(r, make([]float64, n))
	for _, g := range activation.Gates() {
		through := gate
		if g.Of != "" {
			f, ok := activation.Lookup(g.Of)
			if !ok {
				t.Fatalf("%s: no function %q", g.Name, g.Of)
			}
			through = f.Forward64(nil, gate)
		}
		y := g.Forward64(nil, gate, value)
		dgate, dvalue := g.Grad64(nil, nil, dy, gate, value)
		const h = 1e-6
		up, down := make([]float64, n), make([]float64, n)
		for i := range gate {
			up[i], down[i] = gate[i]+h, gate[i]-h
		}
		up, down = g.Forward64(up, up, value), g.Forward64(down, down, value)
		for i := range y {
			if y[i] != through[i]*value[i] || dvalue[i] != through[i]*dy[i] {
				t.Fatalf("%s: element %d is %v, dvalue %v", g.Name, i, y[i], dvalue[i])
			}
			if want := dy[i] * (up[i] - down[i]) / (2 * h); !floattest.Close(dgate[i], want, 1, 1e-8) {
				t.Errorf("%s: dgate %v, want %v", g.Name, dgate[i], want)
			}
		}
		a, b, c := append([]float64{}, dy...), append([]float64{}, gate...), append([]float64{}, value...)
		g.Grad64(b, c, a, b, c)
		if err := same(b, dgate); err != nil {
			t.Errorf("%s in place: %v", g.Name, err)
		}
		if err := same(c, dvalue); err != nil {
			t.Errorf("%s in place: %v", g.Name, err)
		}
		x32 := []float32{-1, 0.5, 2}
		got := g.Forward32(nil, x32, x32)
		d32, _ := g.Grad32(nil, nil, x32, x32, x32)
		want := g.Forward64(nil, []float64{-1, 0.5, 2}, []float64{-1, 0.5, 2})
		d64, _ := g.Grad64(nil, nil, []float64{-1, 0.5, 2}, []float64{-1, 0.5, 2}, []float64{-1, 0.5, 2})
		for i := range got {
			if !floattest.Close(float64(got[i]), want[i], 1, 1e-6) || !floattest.Close(float64(d32[i]), d64[i], 1, 1e-6) {
				t.Errorf("%s: float32 %v, %v, float64 %v, %v", g.Name, got[i], d32[i], want[i], d64[i])
			}
		}
	}
}

func TestLookup(t *testing.T) {
	for _, f := range activation.Functions() {
		if got, ok := activation.Lookup(f.Name); !ok || got.Formula != f.Formula {
			t.Errorf("Lookup(%q) is %q", f.Name, got.Name)
		}
	}
	for name, want := range map[string]string{"GELU_tanh": "gelu-tanh", "Swish": "silu", "logistic": "sigmoid", "Leaky ReLU": "leaky-relu"} {
		if f, ok := activation.Lookup(name); !ok || f.Name != want {
			t.Errorf("Lookup(%q) is %q", name, f.Name)
		}
	}
	if f, ok := activation.Lookup("step"); ok {
		t.Errorf("found %v", f.Name)
	}
	if g, ok := activation.LookupGate("SwiGLU"); !ok || g.Of != "silu" {
		t.Errorf("LookupGate: %v", g.Name)
	}
	if _, ok := activation.LookupGate("gelu"); ok {
		t.Error("gelu is not a gate")
	}
}
