package i8

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/gram-ml/gram/internal/cpu"
)

const (
	// PanelCols is the number of columns of a panel of B.
	PanelCols = 48
	// PanelStep is what the number of columns of the last panel is a multiple of.
	PanelStep = 16
	maxRows   = 8
)

// A Tile adds the product of groups of a fixed number m of packed rows of A with a
// fixed number of vectors of packed columns of B to add, and stores it in C:
//
//	c[(q*m+i)*ldc+j] = add[(q*m+i)*lda+j] + Σ a[((q*k+p)*m+i)*4+s]·b[p*ldb+j*4+s]
//
// over quads p < k and s < 4. Strides of add and c are in elements, that of b in
// bytes. The last vector has tail columns. add may be c with the same stride, or one
// row for all if lda is 0.
type Tile func(groups, k int, a *uint8, b *int8, ldb int, add *int32, lda int, c *int32, ldc, tail int)

// Level is what the frame of a product needs of an instruction level.
type Level struct {
	// Rows × Vectors·Lanes is the shape of the largest tile.
	Rows, Vectors, Lanes int
	// Tiles holds at [m-1][v-1] the tile of m rows and v vectors.
	Tiles [maxRows][3]Tile
	// Row, if any, holds at [v-1] tiles of one row and up to PanelCols columns, which
	// read B in order.
	Row []Tile
	// packStrip, if any, packs Rows rows of blocks·packBytes bytes.
	packStrip func(blocks int, src *uint8, lds int, flip uint32, dst *uint8)
	packBytes int
	// Wide, if any, is faster for many rows.
	Wide *Wide
}

// A Wide multiplies in 16 bits what a Level does in 8: where instructions multiply
// pairs of 16 bits, bytes are converted once, for all tiles that share them.
type Wide struct {
	// Rows × Vectors·Lanes is the shape of the largest tile.
	Rows, Vectors, Lanes int
	// Tiles holds at [m-1][v-1] the tile of m rows and v vectors.
	Tiles [6][2]WideTile
	widen func(quads, v int, b *int8, ldb int, dst *int16)
}

// A WideTile is a [Tile] for an A packed by [Wide.PackA] and vectors of B from
// [Wide.WidenB].
type WideTile func(groups, k int, a *uint64, b *int16, add *int32, lda int, c *int32, ldc, tail int)

// PackA packs m rows as [Level.PackA] does, each quad as its even places and then its
// odd ones, in the fields of 16 bits of an element. O(m·k).
func (w *Wide) PackA(dst []uint64, src []uint8, lds, m, k int, flip uint8) {
	quads := Quads(k)
	flip4 := uint32(flip) * 0x01010101
	for i := range m {
		group := i / w.Rows * w.Rows
		rows := min(w.Rows, m-group)
		at, row := group*quads+i-group, src[i*lds:i*lds+k]
		for ; len(row) >= 4; row = row[4:] {
			dst[at] = wideQuad(binary.LittleEndian.Uint32(row) ^ flip4)
			at += rows
		}
		if len(row) > 0 {
			var last [4]byte
			copy(last[:], row)
			dst[at] = wideQuad(binary.LittleEndian.Uint32(last[:]) ^ flip4)
		}
	}
}

func wideQuad(q uint32) uint64 { return uint64(q&0x00ff00ff) | uint64(q>>8&0x00ff00ff)<<32 }

// WidenB converts quads of v vectors of packed columns, ldb bytes apart, to dst, of
// quads·v·Lanes·4 elements.
func (w *Wide) WidenB(dst []int16, b []int8, ldb, quads, v int) {
	if quads > 0 {
		w.widen(quads, v, &b[0], ldb, &dst[0])
	}
}

var vnni atomic.Bool

func init() { vnni.Store(cpu.VNNI) }

// SetVNNI has level AVX-512 use VNNI or not, for tests, and returns what was set before.
// It panics if the machine has no VNNI.
func SetVNNI(on bool) bool {
	if on && !cpu.VNNI {
		panic("i8: no VNNI here")
	}
	return vnni.Swap(on)
}

// Current returns the tiles of the current level.
func Current() *Level { return level(cpu.Current(), vnni.Load()) }

// PackedSize returns the length of B packed, for a depth of k and n columns.
func PackedSize(k, n int) int { return (n + PanelStep - 1) / PanelStep * PanelStep * Quads(k) * 4 }

// Quads returns the number of quads of a depth of k.
func Quads(k int) int { return (k + 3) / 4 }

// Panel returns where the panel that starts at column j is in packed B, a multiple of
// PanelCols, and its width, for quads in depth and n columns.
func Panel(j, quads, n int) (offset, width int) {
	return j * quads * 4, min(PanelCols, (n-j+PanelStep-1)/PanelStep*PanelStep)
}

// PackB packs the n columns of B, given as rows of w, each k long and lds apart. dst
// is zero.
func PackB(dst []int8, w []int8, lds, n, k int) {
	quads := Quads(k)
	for j := 0; j < n; j += PanelCols {
		offset, width := Panel(j, quads, n)
		for c := j; c < min(n, j+PanelCols); c++ {
			at := offset + (c-j)*4
			for i, v := range w[c*lds : c*lds+k] {
				dst[at+i/4*width*4+i%4] = v
			}
		}
	}
}

// PackA packs m rows, each k long and lds apart, in groups of l.Rows and a last one of
// what is left. Every byte is xored with flip; fill bytes are undefined, since B is
// zero there.
func (l *Level) PackA(dst, src []uint8, lds, m, k int, flip uint8) {
	quads := Quads(k)
	for i := 0; i < m; i += l.Rows {
		rows := min(l.Rows, m-i)
		l.packGroup(dst[i*quads*4:(i+rows)*quads*4], src[i*lds:], lds, rows, k, flip)
	}
}

func (l *Level) packGroup(dst, src []uint8, lds, rows, k int, flip uint8) {
	done := 0
	flip4 := uint32(flip) * 0x01010101
	if rows == l.Rows && l.packStrip != nil && k >= l.packBytes {
		blocks := k / l.packBytes
		l.packStrip(blocks, &src[0], lds, flip4, &dst[0])
		done = blocks * l.packBytes
	}
	for i := range rows {
		row, p := src[i*lds:i*lds+k], done
		for ; p+4 <= k; p += 4 {
			binary.LittleEndian.PutUint32(dst[p*rows+4*i:], binary.LittleEndian.Uint32(row[p:])^flip4)
		}
		for ; p < k; p++ {
			dst[p/4*4*rows+4*i+p%4] = row[p] ^ flip
		}
	}
}
