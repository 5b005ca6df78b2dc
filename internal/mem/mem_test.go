package mem_test

import (
	"testing"

	"github.com/gram-ml/gram/internal/mem"
)

// Memory is zero and all of it can be written, whatever pages it is on.
func TestMake(t *testing.T) {
	for _, n := range []int{0, 1, 1000, 1 << 20, 1<<20 + 7, 3<<20 + 1} {
		x := mem.Make[float64](n)
		if len(x) != n || cap(x) != n {
			t.Fatalf("%d elements of room for %d, want %d", len(x), cap(x), n)
		}
		for i, v := range x {
			if v != 0 {
				t.Fatalf("element %d of %d is %v", i, n, v)
			}
			x[i] = float64(i)
		}
		for i, v := range x {
			if v != float64(i) {
				t.Fatalf("element %d of %d is %v", i, n, v)
			}
		}
	}
}
