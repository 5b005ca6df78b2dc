package i8

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gram-ml/gram/internal/cpu"
	"github.com/gram-ml/gram/internal/floattest"
)

// levels runs f at each level that the machine has, and at AVX-512 with and without VNNI.
func levels(t *testing.T, f func(t *testing.T)) {
	floattest.Levels(t, func(t *testing.T) {
		f(t)
		if cpu.Current() == cpu.AVX512 && cpu.VNNI {
			t.Run("without VNNI", func(t *testing.T) {
				defer SetVNNI(SetVNNI(false))
				f(t)
			})
		}
	})
}

const (
	guardLen  = 64
	guardByte = 0x5a
)

// guarded returns n elements between guards, and a check that these were not written.
func guarded[T int8 | uint8 | int32](n int) (x []T, check func(*testing.T)) {
	all := make([]T, n+2*guardLen)
	for i := range guardLen {
		all[i], all[guardLen+n+i] = guardByte, guardByte
	}
	return all[guardLen : guardLen+n : guardLen+n], func(t *testing.T) {
		t.Helper()
		for i := range guardLen {
			if all[i] != guardByte || all[guardLen+n+i] != guardByte {
				t.Fatalf("memory beside %d elements was written", n)
			}
		}
	}
}

// fills are what factors are filled with: random bytes, and the extremes whose pair
// sums leave 16 bits.
var fills = []struct {
	name string
	a    func(*rand.Rand) uint8
	b    func(*rand.Rand) int8
}{
	{"random", func(r *rand.Rand) uint8 { return uint8(r.Uint32()) }, func(r *rand.Rand) int8 { return int8(r.Uint32()) }},
	{"255 by 127", func(*rand.Rand) uint8 { return 255 }, func(*rand.Rand) int8 { return 127 }},
	{"255 by -128", func(*rand.Rand) uint8 { return 255 }, func(*rand.Rand) int8 { return -128 }},
}

func TestTiles(t *testing.T) {
	levels(t, func(t *testing.T) {
		l := Current()
		for m := 1; m <= l.Rows; m++ {
			for v := 1; v <= l.Vectors; v++ {
				testTileShapes(t, l.Tiles[m-1][v-1], l.Lanes, m, v)
			}
		}
		for i, tile := range l.Row {
			testTileShapes(t, tile, l.Lanes, 1, i+1)
		}
	})
}

func testTileShapes(t *testing.T, tile Tile, lanes, m, v int) {
	t.Helper()
	for tail := 1; tail <= lanes; tail++ {
		for fill := range fills {
			testTile(t, tile, (v-1)*lanes+tail, v*lanes*4+64, m, tail, 1+tail%3, 1+tail%2, fill)
		}
	}
	testTile(t, tile, v*lanes, v*lanes*4+64, m, lanes, 0, 2, 0)
	for fill := range fills {
		testTile(t, tile, (v-1)*lanes+3, v*lanes*4+64, m, 3, 270, 2, fill)
	}
}

func testTile(t *testing.T, tile Tile, n, ldb, m, tail, quads, groups, fill int) {
	t.Helper()
	r := floattest.Rand(uint64(m + 10*n))
	a, checkA := guarded[uint8](max(groups*quads*m*4, 1))
	b, checkB := guarded[int8](max(quads, 1) * ldb)
	for i := range a {
		a[i] = fills[fill].a(r)
	}
	for i := range b {
		b[i] = fills[fill].b(r)
	}
	for _, lda := range []int{0, n + 3} {
		ldc := n + 1
		add, checkAdd := guarded[int32]((groups*m-1)*lda + n)
		c, checkC := guarded[int32]((groups*m-1)*ldc + n)
		for i := range add {
			add[i] = int32(r.Uint32()) // sums may wrap
		}
		for i := range c {
			c[i] = 7
		}
		want := slices.Clone(c)
		for i := range groups * m {
			for j := range n {
				s := add[i*lda+j]
				for p := range quads {
					for q := range 4 {
						s += int32(a[((i/m*quads+p)*m+i%m)*4+q]) * int32(b[p*ldb+j*4+q])
					}
				}
				want[i*ldc+j] = s
			}
		}
		tile(groups, quads, &a[0], &b[0], ldb, &add[0], lda, &c[0], ldc, tail)
		if !slices.Equal(c, want) {
			t.Fatalf("%d groups of %d×%d, %d quads, %s, lda %d: wrong sums", groups, m, n, quads, fills[fill].name, lda)
		}
		checkA(t)
		checkB(t)
		checkAdd(t)
		checkC(t)
	}
}

// A wide tile, on what PackA and WidenB convert, computes what a tile does.
func TestWide(t *testing.T) {
	levels(t, func(t *testing.T) {
		w := Current().Wide
		if w == nil {
			return
		}
		for m := 1; m <= w.Rows; m++ {
			for v := 1; v <= w.Vectors; v++ {
				for tail := 1; tail <= w.Lanes; tail++ {
					for fill := range fills {
						testWide(t, w, m, v, tail, 4+tail, fill)
					}
				}
				testWide(t, w, m, v, w.Lanes, 0, 0)
				testWide(t, w, m, v, 3, 281, 2)
			}
		}
	})
}

// testWide multiplies a group of w.Rows and another of m rows of depth k.
func testWide(t *testing.T, w *Wide, m, v, tail, k, fill int) {
	t.Helper()
	r := floattest.Rand(uint64(m + 10*tail))
	quads, ldb, n := Quads(k), v*w.Lanes*4+64, (v-1)*w.Lanes+tail
	rows, lds := w.Rows+m, k+2
	src, b := make([]uint8, rows*lds), make([]int8, max(quads, 1)*ldb)
	for i := range src {
		src[i] = fills[fill].a(r)
	}
	for i := range b {
		b[i] = fills[fill].b(r)
	}
	clear(b[max(0, (k/4)*ldb):]) // the last quad, if not full, counts up to k
	for j := range n {
		for p := k / 4 * 4; p < k; p++ {
			b[p/4*ldb+j*4+p%4] = fills[fill].b(r)
		}
	}
	packed, wide := make([]uint64, max(rows*quads, w.Rows+1)), make([]int16, quads*v*w.Lanes*4+1)
	wide[len(wide)-1] = guardByte
	w.PackA(packed, src[:rows*lds-2], lds, rows, k, 0x80)
	w.WidenB(wide, b, ldb, quads, v)
	if wide[len(wide)-1] != guardByte {
		t.Fatal("memory beyond the converted columns was written")
	}
	if quads == 0 {
		wide = append(wide, 0)
	}
	add, checkAdd := guarded[int32](n)
	c, checkC := guarded[int32](rows * n)
	for i := range add {
		add[i] = int32(r.Uint32())
	}
	w.Tiles[w.Rows-1][v-1](1, quads, &packed[0], &wide[0], &add[0], 0, &c[0], n, tail)
	w.Tiles[m-1][v-1](1, quads, &packed[w.Rows*quads], &wide[0], &add[0], 0, &c[w.Rows*n], n, tail)
	for i := range rows {
		for j := range n {
			want := add[j]
			for p := range k {
				want += int32(src[i*lds+p]^0x80) * int32(b[p/4*ldb+j*4+p%4])
			}
			if c[i*n+j] != want {
				t.Fatalf("%d+%d rows, %d columns, depth %d, %s: (%d, %d) is %d, want %d", w.Rows, m, n, k, fills[fill].name, i, j, c[i*n+j], want)
			}
		}
	}
	checkAdd(t)
	checkC(t)
}

func TestPackA(t *testing.T) {
	levels(t, func(t *testing.T) {
		l := Current()
		for _, m := range []int{1, 3, 4, 7, 8, 17} {
			for _, k := range []int{1, 3, 4, 5, 15, 16, 31, 32, 33, 70, 129} {
				for _, flip := range []uint8{0, 0x80} {
					testPackA(t, l, m, k, flip)
				}
			}
		}
	})
}

func testPackA(t *testing.T, l *Level, m, k int, flip uint8) {
	t.Helper()
	r := floattest.Rand(uint64(m * k))
	lds := k + 3
	src, checkSrc := guarded[uint8]((m-1)*lds + k)
	for i := range src {
		src[i] = uint8(r.Uint32())
	}
	dst, checkDst := guarded[uint8](m * Quads(k) * 4)
	l.PackA(dst, src, lds, m, k, flip)
	for i := range m {
		group := i / l.Rows * l.Rows
		rows := min(l.Rows, m-group)
		for p := range k {
			got := dst[group*Quads(k)*4+p/4*rows*4+(i-group)*4+p%4]
			if want := src[i*lds+p] ^ flip; got != want {
				t.Fatalf("%d×%d: element (%d, %d) is %d, want %d", m, k, i, p, got, want)
			}
		}
	}
	checkSrc(t)
	checkDst(t)
}

func TestPackB(t *testing.T) {
	for _, n := range []int{1, 15, 16, 17, 48, 49, 100} {
		for _, k := range []int{1, 4, 6} {
			w := make([]int8, n*(k+1))
			for i := range w {
				w[i] = int8(1 + i%120)
			}
			dst := make([]int8, PackedSize(k, n))
			PackB(dst, w, k+1, n, k)
			filled := 0
			for j := range n {
				offset, width := Panel(j/PanelCols*PanelCols, Quads(k), n)
				for p := range k {
					if got := dst[offset+p/4*width*4+j%PanelCols*4+p%4]; got != w[j*(k+1)+p] {
						t.Fatalf("%d×%d: element (%d, %d) is %d", n, k, j, p, got)
					}
				}
			}
			for _, v := range dst {
				if v != 0 {
					filled++
				}
			}
			if filled != n*k {
				t.Errorf("%d×%d: %d elements are not zero", n, k, filled)
			}
		}
	}
}

func TestSetVNNI(t *testing.T) {
	if old := SetVNNI(false); old != cpu.VNNI {
		t.Errorf("VNNI was %v", old)
	}
	SetVNNI(cpu.VNNI)
	if cpu.VNNI {
		return
	}
	defer func() {
		if r := recover(); r != "i8: no VNNI here" {
			t.Errorf("recovered %v", r)
		}
	}()
	SetVNNI(true)
}

// lengths covers the edges of a block.
var lengths = []int{0, 1, 31, 32, 33, 64, 100}

// sample returns n values of which many are halfway between two steps, and some
// special.
func sample(n int, scale float32, seed uint64) []float32 {
	r := floattest.Rand(seed)
	x := make([]float32, n)
	for i := range x {
		x[i] = (float32(r.IntN(600)) - 300 + 0.5) * scale
		switch r.IntN(4) {
		case 0:
			x[i] = float32(r.NormFloat64()) * 100 * scale
		case 1:
			x[i] = math.Nextafter32(x[i], x[i]*2)
		case 2:
			x[i] = math.Nextafter32(x[i], 0)
		}
	}
	special := []float32{
		float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, -math.MaxFloat32,
		0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32,
	}
	for i, v := range special {
		if 3*i < n {
			x[3*i] = v
		}
	}
	return x
}

func TestQuantize(t *testing.T) {
	levels(t, func(t *testing.T) {
		testQuantize[int8](t, -128, 127)
		testQuantize[uint8](t, 0, 255)
	})
}

func testQuantize[T Byte](t *testing.T, lo, hi int32) {
	scales := []float32{1, 0.1, 1. / 3, 1.9999999, 1.0000001, 1e-30, 1e30, 0x1p-60, 0x1p60, math.SmallestNonzeroFloat32, math.MaxFloat32}
	r := floattest.Rand(8)
	for range 200 {
		scales = append(scales, math.Float32frombits(0x3f800000|r.Uint32()>>9))
	}
	for s, scale := range scales {
		for _, n := range append(lengths, 2048) {
			for _, zero := range []int32{lo, lo + 100, hi} {
				x := sample(n, scale, uint64(s))
				dst, check := guarded[T](n)
				Quantize(dst, x, scale, lo-zero, hi-zero, zero)
				check(t)
				for i, v := range x {
					want := zero
					if v == v {
						q := math.RoundToEven(float64(v / scale))
						want = int32(min(max(q, float64(lo-zero)), float64(hi-zero))) + zero
					}
					if int32(dst[i]) != want {
						t.Fatalf("%v under %v, %d is %d, want %d", v, scale, zero, dst[i], want)
					}
				}
			}
		}
	}
}

func TestDequantize(t *testing.T) {
	levels(t, func(t *testing.T) {
		testDequantize[int8](t)
		testDequantize[uint8](t)
	})
}

func testDequantize[T Byte](t *testing.T) {
	for _, n := range append(lengths, 256) {
		q := make([]T, n)
		for i := range q {
			q[i] = T(i)
		}
		dst, check := floattest.Guarded[float32](n)
		Dequantize(dst, q, 0.1, 77)
		check(t)
		for i, v := range q {
			if want := float32(int32(v)-77) * 0.1; dst[i] != want {
				t.Fatalf("%d becomes %v, want %v", v, dst[i], want)
			}
		}
	}
}

// sums returns n sums with their factors and terms.
func sums(n int) (acc []int32, scale, bias []float32) {
	r := floattest.Rand(uint64(n))
	for i := range n {
		v := int32(r.Uint32()) >> (i % 20)
		if i%7 == 0 {
			v = []int32{math.MinInt32, math.MaxInt32, 0, 1, -1}[i/7%5]
		}
		acc = append(acc, v)
		scale = append(scale, float32(math.Exp(r.NormFloat64()*3-8)))
		bias = append(bias, float32(r.NormFloat64()))
	}
	return acc, scale, bias
}

func TestScale(t *testing.T) {
	inf := float32(math.Inf(1))
	levels(t, func(t *testing.T) {
		for _, n := range lengths {
			for _, ends := range [][2]float32{{-inf, inf}, {0, inf}, {0, 6}} {
				acc, scale, bias := sums(n)
				dst, check := floattest.Guarded[float32](n)
				Scale(dst, acc, scale, bias, ends[0], ends[1])
				check(t)
				for i := range dst {
					p := float32(float32(acc[i]) * scale[i])
					want := min(max(p+bias[i], ends[0]), ends[1])
					if math.Float32bits(dst[i]) != math.Float32bits(want) {
						t.Fatalf("%d·%v + %v is %v, want %v", acc[i], scale[i], bias[i], dst[i], want)
					}
				}
			}
		}
	})
}

func TestRequantize(t *testing.T) {
	levels(t, func(t *testing.T) {
		testRequantize[int8](t, -128, 127)
		testRequantize[uint8](t, 0, 255)
	})
}

func testRequantize[T Byte](t *testing.T, lo, hi int32) {
	for _, n := range lengths {
		for _, zero := range []int32{lo, lo + 60, hi} {
			acc, scale, _ := sums(n)
			for i := range scale {
				if i%3 == 0 {
					scale[i] = 0.5
				}
			}
			dst, check := guarded[T](n)
			Requantize(dst, acc, scale, lo-zero, hi-zero, zero)
			check(t)
			for i, v := range acc {
				r := math.RoundToEven(float64(float32(v) * scale[i]))
				want := int32(min(max(r, float64(lo-zero)), float64(hi-zero))) + zero
				if int32(dst[i]) != want {
					t.Fatalf("%d·%v + %d is %d, want %d", v, scale[i], zero, dst[i], want)
				}
			}
		}
	}
}

// Every level offers the tiles that its shape promises.
func TestLevels(t *testing.T) {
	levels(t, func(t *testing.T) {
		l := Current()
		for m := range l.Rows {
			for v := range l.Vectors {
				if l.Tiles[m][v] == nil {
					t.Errorf("no tile %d×%d", m+1, v+1)
				}
			}
		}
		if l.Row != nil && len(l.Row)*l.Lanes != PanelCols {
			t.Errorf("tiles of a row end at %d vectors", len(l.Row))
		}
		if w := l.Wide; w != nil {
			for m := range w.Rows {
				for v := range w.Vectors {
					if w.Tiles[m][v] == nil {
						t.Errorf("no wide tile %d×%d", m+1, v+1)
					}
				}
			}
		}
		if PanelStep%l.Lanes != 0 {
			t.Error("vectors do not divide a panel")
		}
	})
}
