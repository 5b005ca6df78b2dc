package linear

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gram-ml/gram/internal/descent"
)

// TestGlide: many proximal steps at once are those steps one by one, whichever way they go
// through zero.
func TestGlide(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 6))
	ends := map[string]int{}
	for trial := range 20_000 {
		b, g := r.NormFloat64(), r.NormFloat64()
		l1, l2 := r.ExpFloat64(), r.ExpFloat64()
		if trial%3 == 0 {
			l1 = 0
		}
		if trial%4 == 0 {
			l2 = 0
		}
		if trial%5 == 0 {
			b = 0
		}
		rate, m := 0.3*r.Float64(), r.IntN(200)
		want := b
		for range m {
			want = descent.Shrink(want-rate*g, rate*l1) / (1 + rate*l2)
		}
		got := glide(b, g, l1, l2, rate, math.Log1p(rate*l2), m)
		if !(math.Abs(got-want) <= 1e-12*(1+math.Abs(b)+float64(m)*rate*(math.Abs(g)+l1))) {
			t.Errorf("b %v, g %v, l1 %v, l2 %v, rate %v: %d steps lead to %v, want %v", b, g, l1, l2, rate, m, got, want)
		}
		ends[fmt.Sprint(sign(b), sign(want))]++
	}
	for _, way := range []string{"1 1", "1 0", "1 -1", "0 0", "0 1", "-1 1", "-1 0"} {
		if ends[way] == 0 {
			t.Errorf("no steps went %s", way)
		}
	}
}

func sign(x float64) int {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}
