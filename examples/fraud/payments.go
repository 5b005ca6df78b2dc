package main

import (
	"math"
	"math/rand/v2"

	"github.com/gram-ml/gram/linalg"
)

// features of a payment.
var features = []string{"amount", "hour", "age of account", "payments today", "distance", "new device", "foreign card", "noise"}

// payments returns n payments, a share of them fraudulent (label 1): synthetic data in
// which fraud tends to be large, at night, from young accounts and far from home, but
// honest payments sometimes are, too.
func payments(n int, share float64, seed uint64) (*linalg.Dense[float64], []int) {
	rng := rand.New(rand.NewPCG(seed, 0))
	X, y := linalg.NewDense[float64](n, len(features), nil), make([]int, n)
	for i := range n {
		shift := 0.0
		if rng.Float64() < share {
			y[i], shift = 1, 1
		}
		copy(X.Row(i), []float64{
			math.Exp(3 + rng.NormFloat64() + 1.1*shift),
			math.Mod(14+5*rng.NormFloat64()+9*shift+24, 24),
			math.Exp(6 + rng.NormFloat64() - 1.3*shift),
			float64(rng.IntN(4)) + 3*shift*rng.Float64(),
			math.Exp(2 + 1.2*rng.NormFloat64() + 1.2*shift),
			bit(rng, 0.08+0.45*shift),
			bit(rng, 0.05+0.3*shift),
			rng.NormFloat64(),
		})
		for _, j := range []int{0, 2, 4} { // amounts, ages and distances by their logarithms
			X.Set(i, j, math.Log(X.At(i, j)))
		}
	}
	return X, y
}

func bit(rng *rand.Rand, p float64) float64 {
	if rng.Float64() < p {
		return 1
	}
	return 0
}
