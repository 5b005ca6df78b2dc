package cast_test

import (
	"math"
	"testing"

	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/internal/kernel/cast"
)

// Conversions give the bits of Go's at every length, and write nothing beside their result.
func TestCast(t *testing.T) {
	special := []float64{math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.MaxFloat64, 5e-324, 1e-40, 1 + 0x1p-24, 1 + 3*0x1p-24}
	floattest.Levels(t, func(t *testing.T) {
		for n := range 140 {
			r := floattest.Rand(uint64(n))
			src, checkSrc := floattest.Guarded[float64](n)
			floattest.Normals(r, src)
			for i := range src {
				if r.IntN(8) == 0 {
					src[i] = special[r.IntN(len(special))]
				}
			}
			narrow, checkNarrow := floattest.Guarded[float32](n)
			cast.Narrow(narrow, src)
			for i, v := range src {
				if math.Float32bits(narrow[i]) != math.Float32bits(float32(v)) {
					t.Fatalf("Narrow of %d: element %d of %v is %v", n, i, v, narrow[i])
				}
			}
			less, checkLess := floattest.Guarded[float64](n)
			floattest.Normals(r, less)
			diff, checkDiff := floattest.Guarded[float32](n)
			cast.NarrowDiff(diff, src, less)
			for i, v := range src {
				if math.Float32bits(diff[i]) != math.Float32bits(float32(v-less[i])) {
					t.Fatalf("NarrowDiff of %d: element %d of %v and %v is %v", n, i, v, less[i], diff[i])
				}
			}
			wide, checkWide := floattest.Guarded[float64](n)
			cast.Widen(wide, narrow)
			for i, v := range narrow {
				if math.Float64bits(wide[i]) != math.Float64bits(float64(v)) {
					t.Fatalf("Widen of %d: element %d of %v is %v", n, i, v, wide[i])
				}
			}
			sum, checkSum := floattest.Guarded[float64](n)
			floattest.Normals(r, sum)
			want := append([]float64(nil), sum...)
			cast.AddWide(sum, narrow)
			for i, v := range narrow {
				if sum[i] != want[i]+float64(v) {
					t.Fatalf("AddWide of %d: element %d is %v, not %v", n, i, sum[i], want[i]+float64(v))
				}
			}
			for _, check := range []func(*testing.T){checkSrc, checkNarrow, checkLess, checkDiff, checkWide, checkSum} {
				check(t)
			}
		}
	})
}
