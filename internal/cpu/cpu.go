// Package cpu tells which instruction level the kernels run at.
package cpu

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// A Level is a set of instructions that kernels are written for.
// Higher levels are faster and include the lower ones.
type Level int32

const (
	// Go is portable code with no assembly.
	Go Level = iota
	// AVX2 is AVX2 with FMA, on amd64.
	AVX2
	// AVX512 is AVX-512 F, BW, DQ and VL, on amd64.
	AVX512
)

// String returns "go", "avx2" or "avx512".
func (l Level) String() string {
	switch l {
	case Go:
		return "go"
	case AVX2:
		return "avx2"
	case AVX512:
		return "avx512"
	}
	return fmt.Sprintf("Level(%d)", int32(l))
}

// ParseLevels reads a comma-separated list of level names.
func ParseLevels(s string) ([]Level, error) {
	var out []Level
	for _, name := range strings.Split(s, ",") {
		switch strings.TrimSpace(name) {
		case "":
		case "go":
			out = append(out, Go)
		case "avx2":
			out = append(out, AVX2)
		case "avx512":
			out = append(out, AVX512)
		default:
			return nil, fmt.Errorf("cpu: unknown level %q", name)
		}
	}
	return out, nil
}

var current atomic.Int32

func init() { current.Store(int32(best)) }

// Current returns the level that kernels dispatch to, the best of this machine
// unless a test has set another. It costs one load.
func Current() Level { return Level(current.Load()) }

// Levels returns the levels this process can run, slowest first.
func Levels() []Level {
	ls := []Level{Go}
	for l := AVX2; l <= best; l++ {
		ls = append(ls, l)
	}
	return ls
}

// Set makes kernels run at l, for tests and benchmarks, and returns the level
// before. It panics if the machine cannot run l.
func Set(l Level) Level {
	if l < Go || l > best {
		panic("cpu: level " + l.String() + " is not available")
	}
	return Level(current.Swap(int32(l)))
}
