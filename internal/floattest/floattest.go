// Package floattest holds what tests of numerical code share: every instruction
// level in turn, memory with guards around it, and filled vectors and matrices.
package floattest

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/gram-ml/gram/internal/cpu"
)

// A Float is an element type under test.
type Float interface{ float32 | float64 }

// RequireLevels is the environment variable that names the levels, separated by
// commas, without which tests fail instead of silently covering less.
const RequireLevels = "GRAM_REQUIRE_LEVELS"

// Levels runs f as a subtest at each instruction level that the machine has.
func Levels(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	have := cpu.Levels()
	required, err := cpu.ParseLevels(os.Getenv(RequireLevels))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range required {
		if !slices.Contains(have, l) {
			t.Errorf("level %v is required by %s and is not there", l, RequireLevels)
		}
	}
	for _, l := range have {
		t.Run(l.String(), func(t *testing.T) {
			defer cpu.Set(cpu.Set(l))
			f(t)
		})
	}
}

// guardLen is the number of NaNs on either side of guarded memory.
const guardLen = 80

// Guarded returns n zeros with NaNs before and after them, and a check that
// fails the test if a NaN has been written over. A sum that strays outside turns NaN.
func Guarded[T Float](n int) (x []T, check func(t *testing.T)) {
	all := make([]T, n+2*guardLen)
	nan := T(math.NaN())
	for i := range guardLen {
		all[i], all[guardLen+n+i] = nan, nan
	}
	check = func(t *testing.T) {
		t.Helper()
		for i := range guardLen {
			if all[i] == all[i] {
				t.Fatalf("element %d before the first of %d was written", guardLen-i, n)
			}
			if all[guardLen+n+i] == all[guardLen+n+i] {
				t.Fatalf("element %d after the last of %d was written", i, n)
			}
		}
	}
	return all[guardLen : guardLen+n : guardLen+n], check
}

// Ints fills x with integers of −8..8: their products and sums are exact at any
// level and in any order.
func Ints[T Float](r *rand.Rand, x []T) []T {
	for i := range x {
		x[i] = T(r.IntN(17) - 8)
	}
	return x
}

// Normals fills x with standard normal values.
func Normals[T Float](r *rand.Rand, x []T) []T {
	for i := range x {
		x[i] = T(r.NormFloat64())
	}
	return x
}

// Rand returns the random stream of a test.
func Rand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// Eps returns the distance from 1 to the next number of type T.
func Eps[T Float]() float64 {
	var x T
	if _, single := any(x).(float32); single {
		return 0x1p-23
	}
	return 0x1p-52
}

// Close tells whether got is want to within tol·scale, NaNs and infinities alike.
func Close(got, want, scale, tol float64) bool {
	if got == want || math.IsNaN(got) && math.IsNaN(want) {
		return true
	}
	return math.Abs(got-want) <= tol*scale
}

// Lengths returns every length around the edges of a kernel that takes lanes at a
// time, unroll times over.
func Lengths(lanes, unroll int) []int {
	var out []int
	for n := 0; n <= lanes+1; n++ {
		out = append(out, n)
	}
	for _, edge := range []int{2 * lanes, lanes * unroll, lanes*unroll + lanes, 2 * lanes * unroll, 5 * lanes * unroll} {
		for n := edge - 2; n <= edge+lanes+1; n++ {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
