//go:build !amd64 || purego

package f64

import "github.com/gram-ml/gram/internal/kernel"

// Gemm returns the tiles of the current level.
func Gemm() *kernel.Gemm[float64] { return portable }
