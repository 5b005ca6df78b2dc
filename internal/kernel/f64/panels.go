package f64

import (
	"github.com/gram-ml/gram/internal/cpu"
	"github.com/gram-ml/gram/internal/kernel"
)

// PanelNorms sets dst to start + scale·‖c + zU‖² for the rows z of a matrix in panels,
// of d ≥ 1 columns, with c and the upper triangle U as kernel.PackTriangle packs them. The
// length of dst is a multiple of kernel.PanelRows.
func PanelNorms(d int, start, scale float64, z, triangle, dst []float64) {
	n := len(dst) / kernel.PanelRows
	switch level := cpu.Current(); {
	case n == 0:
	case level == cpu.AVX512:
		panelNormsAVX512(n, d, start, scale, &z[0], &triangle[0], &dst[0])
	case level == cpu.AVX2:
		panelNormsAVX2(n, d, start, scale, &z[0], &triangle[0], &dst[0])
	default:
		kernel.PanelNorms(d, start, scale, z, triangle, dst)
	}
}
