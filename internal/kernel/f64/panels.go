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

// Nearest finds, for each row z of a matrix in panels of d ≥ 1 columns, the least of the
// values start + z·p of points that kernel.PackPoints has packed, the place of the first that
// has it, and the least of all others, +Inf if there is none. A value that is NaN is passed over.
// The length of first, second and place is a multiple of kernel.PanelRows.
func Nearest(d int, z, points, first, second, place []float64) {
	n, groups := len(first)/kernel.PanelRows, len(points)/(kernel.PointGroup*(d+1))
	switch level := cpu.Current(); {
	case n == 0:
	case level == cpu.AVX512 && groups > 0:
		nearestAVX512(n, d, groups, &z[0], &points[0], &first[0], &second[0], &place[0])
	case level == cpu.AVX2 && groups > 0:
		nearestAVX2(n, d, groups, &z[0], &points[0], &first[0], &second[0], &place[0])
	default:
		kernel.Nearest(d, z, points, first, second, place)
	}
}
