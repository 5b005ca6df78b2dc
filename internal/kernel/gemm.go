// Package kernel holds the Go form of gram's innermost loops, which run where
// there is no assembly and say what the assembly must compute, and the types
// through which the frames around the loops pick an instruction level.
//
// Its subpackages f64 and f32 choose between these and the assembly that
// internal/asmgen writes.
package kernel

// A Float is an element type of kernels.
type Float interface{ float32 | float64 }

// MaxTileRows and MaxTileVectors bound the tiles of all levels.
const (
	MaxTileRows    = 8
	MaxTileVectors = 3
)

// A Tile computes C = alpha·A·B + beta·C for groups of a fixed number of rows of C,
// one below the other, and a fixed number of vectors of its columns, the last of
// which has tail lanes. Element (i, p) of group q of A is a[q*gs+i*rs+p*cs]; rows of
// B and C are contiguous and ldb and ldc apart. Each element of C is one sum in the
// order of p, 1 ≤ k, so its bits do not depend on the tile that computed it. With beta = 0,
// C is not read.
type Tile[T Float] func(groups, k int, alpha T, a *T, rs, cs, gs int, b *T, ldb int, beta T, c *T, ldc, tail int)

// Gemm is what the frame of the matrix product needs of an instruction level.
type Gemm[T Float] struct {
	// Rows × Vectors·Lanes is the shape of the largest tile.
	Rows, Vectors, Lanes int
	// Tiles holds at [m-1][v-1] the tile of m rows and v vectors.
	Tiles [MaxTileRows][MaxTileVectors]Tile[T]
	// CopyPanel holds at [v-1] the copy of k rows of v vectors, ldd apart at dst
	// and filled up with zeros beyond the tail lanes of the last.
	CopyPanel [MaxTileVectors]func(k int, src *T, lds int, dst *T, ldd, tail int)
	// Strip is the number of rows that TransposeStrip takes, and the size of its blocks.
	Strip int
	// TransposeStrip sets dst[p*ldd+j] = src[j*lds+p] for j < Strip, p < blocks·Strip.
	TransposeStrip func(blocks int, src *T, lds int, dst *T, ldd int)
}

// Transpose sets dst[j*ldd+i] = src[i*lds+j] for i < m and j < n.
func (g *Gemm[T]) Transpose(m, n int, src []T, lds int, dst []T, ldd int) {
	blocks := n / g.Strip
	i := 0
	for ; i+g.Strip <= m; i += g.Strip {
		if blocks > 0 {
			g.TransposeStrip(blocks, &src[i*lds], lds, &dst[i], ldd)
		}
		for j := blocks * g.Strip; j < n; j++ {
			for l := i; l < i+g.Strip; l++ {
				dst[j*ldd+l] = src[l*lds+j]
			}
		}
	}
	for ; i < m; i++ {
		for j, v := range src[i*lds : i*lds+n] {
			dst[j*ldd+i] = v
		}
	}
}
