package linear

import "github.com/gram-ml/gram/internal/kernel/f64"

// expSlice sets dst[i] to exp(x[i]), for all of x. dst may be x.
func expSlice(dst, x []float64) { f64.Exp(dst, x) }
