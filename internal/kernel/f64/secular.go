package f64

import (
	"github.com/gram-ml/gram/internal/cpu"
	"github.com/gram-ml/gram/internal/kernel"
)

// Secular returns the sums of a secular function over len(z) terms: with
// q = z[i] / ((d[i]−tau)·(e[i]+kappa)), those of z[i]·q, of q² and of |z[i]·q|.
func Secular(z, d, e []float64, tau, kappa float64) (sum, slope, size float64) {
	switch cpu.Current() {
	case cpu.AVX512:
		return secularAVX512(z, d, e, tau, kappa)
	case cpu.AVX2:
		return secularAVX2(z, d, e, tau, kappa)
	}
	return kernel.Secular(z, d, e, tau, kappa)
}
