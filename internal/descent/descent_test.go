package descent

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gram-ml/gram"
)

// textbook makes the steps of one coordinate by the papers' formulas.
func textbook(kind Kind, x float64, gradients []float64, rate, momentum, decay float64) float64 {
	m, s := 0.0, 0.0
	for i, g := range gradients {
		t := float64(i + 1)
		switch kind {
		case Plain:
			x -= rate * g
		case Momentum:
			m = momentum*m + g
			x -= rate * m
		case Nesterov:
			m = momentum*m + g
			x -= rate * (g + momentum*m)
		case AdaGrad:
			s += g * g
			x -= rate * g / (math.Sqrt(s) + tiny)
		case RMSProp:
			s = decay*s + (1-decay)*g*g
			x -= rate * g / (math.Sqrt(s) + tiny)
		case Adam, AdamW:
			m = momentum*m + (1-momentum)*g
			s = decay*s + (1-decay)*g*g
			x -= rate * (m / (1 - math.Pow(momentum, t))) / (math.Sqrt(s/(1-math.Pow(decay, t))) + tiny)
		}
	}
	return x
}

func TestStep(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const n, steps = 37, 6
	zero := make([]float64, n)
	for kind := range Kind(len(names)) {
		x := make([]float64, n)
		for i := range x {
			x[i] = r.NormFloat64()
		}
		start, other := append([]float64(nil), x...), append([]float64(nil), x...)
		o, p := New(kind, 0.8, 0.9, n), New(kind, 0.8, 0.9, n)
		seen := make([][]float64, n)
		for range steps {
			g := make([]float64, n)
			for i := range g {
				g[i] = 1 + r.NormFloat64()
				seen[i] = append(seen[i], g[i])
			}
			o.Step(x, g, nil, nil, 0.1)
			p.Step(other, g, zero, zero, 0.1)
		}
		for i, v := range x {
			if want := textbook(kind, start[i], seen[i], 0.1, 0.8, 0.9); math.Abs(v-want) > 1e-13 {
				t.Errorf("%v: %v, want %v", kind, v, want)
			}
			if math.Abs(v-other[i]) > 1e-14 {
				t.Errorf("%v: %v, with penalties of 0 %v", kind, v, other[i])
			}
		}
		if o.Steps() != steps {
			t.Errorf("%v: %d steps", kind, o.Steps())
		}
	}
}

// TestPenalties: without a gradient, a step is the proximal map of the penalties, at the rate of
// AdamW and of the plain kinds.
func TestPenalties(t *testing.T) {
	for _, kind := range []Kind{Plain, AdamW} {
		for _, l1 := range [][]float64{nil, {0.5, 0.5, 0.5}} {
			x := []float64{2, -0.04, -3}
			New(kind, 0.9, 0.9, 3).Step(x, make([]float64, 3), l1, []float64{1, 2, 0}, 0.1)
			want := []float64{2 / 1.1, -0.04 / 1.2, -3}
			if l1 != nil {
				want = []float64{1.95 / 1.1, 0, -2.95}
			}
			for i, v := range x {
				if math.Abs(v-want[i]) > 1e-15 {
					t.Errorf("%v: %v, want %v", kind, x, want)
				}
			}
		}
	}
}

type rate float64

func (r rate) Rate(int) float64 { return float64(r) }

func TestRate(t *testing.T) {
	for _, r := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := Rate(rate(r), 3); !errors.Is(err, gram.ErrParam) {
			t.Errorf("%v: error %v", r, err)
		}
	}
	if r, err := Rate(rate(0.5), 3); r != 0.5 || err != nil {
		t.Errorf("%v, %v", r, err)
	}
	for step, want := range map[int]float64{0: 1, 50: 0.55, 100: 0.1, 1000: 0.1} {
		if v := Cosine(1, 0.1, 100, step); math.Abs(v-want) > 1e-15 {
			t.Errorf("step %d: %v, want %v", step, v, want)
		}
	}
}
