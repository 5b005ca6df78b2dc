package walk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gram-ml/gram/internal/floattest"
)

// tree appends a random tree of d values to nodes, with leaves numbered from number on.
func tree[K uint32 | uint64](rng *rand.Rand, nodes []Node[K], shift, d, depth int, number *K) []Node[K] {
	if depth == 0 || rng.IntN(8) == 0 {
		*number++
		return append(nodes, Node[K]{*number - 1, K(d)})
	}
	at := len(nodes)
	nodes = append(nodes, Node[K]{K(rng.IntN(1000)) << 8, 0})
	nodes = tree(rng, nodes, shift, d, depth-1, number)
	nodes[at].Word = K(rng.IntN(d)) | K(len(nodes)-at)<<shift
	return tree(rng, nodes, shift, d, depth-1, number)
}

// Walks end where plain ones do, one alone or many, in one tree or several.
func testWalk[K uint32 | uint64](t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		rng := floattest.Rand(1)
		const d, shift, rows = 5, 3, 40
		var nodes []Node[K]
		var roots []int
		number := K(0)
		for depth := range 12 {
			roots = append(roots, len(nodes))
			nodes = tree(rng, nodes, shift, d, depth, &number)
		}
		x := make([]K, rows*(d+1))
		for i := range x {
			if x[i] = K(rng.IntN(1000)) << 8; i%(d+1) == d {
				x[i] = ^K(0)
			}
		}
		for _, n := range []int{0, 1, 2, 3, 17, 100} {
			lanes, want := make([]Lane, n), make([]uint32, n+1)
			for i := range lanes {
				lanes[i] = Lane{uint32(roots[rng.IntN(len(roots))]), uint32(rng.IntN(rows) * (d + 1)), uint32(n - 1 - i)}
				at := int(lanes[i].Node)
				for nodes[at].Word>>shift > 0 {
					if x[int(lanes[i].Row)+int(nodes[at].Word&(1<<shift-1))] > nodes[at].Threshold {
						at += int(nodes[at].Word >> shift)
					} else {
						at++
					}
				}
				want[n-1-i] = uint32(nodes[at].Threshold)
			}
			const guard = 0xabcdef
			leaves := make([]uint32, n+1)
			leaves[n], want[n] = guard, guard
			guarded := append(lanes, Lane{guard, guard, guard})
			if Walk(nodes, shift, x, lanes, leaves); !slices.Equal(leaves, want) {
				t.Errorf("%d walks end at %v, want %v", n, leaves, want)
			}
			if guarded[n] != (Lane{guard, guard, guard}) {
				t.Errorf("%d walks: wrote beyond", n)
			}
		}
	})
}

func TestWalk32(t *testing.T) { testWalk[uint32](t) }
func TestWalk64(t *testing.T) { testWalk[uint64](t) }

func BenchmarkWalk(b *testing.B) {
	rng := floattest.Rand(2)
	var nodes []Node[uint32]
	var roots []int
	number := uint32(0)
	for range 100 {
		roots = append(roots, len(nodes))
		nodes = tree(rng, nodes, 6, 28, 20, &number)
	}
	x := make([]uint32, 1000*29)
	for i := range x {
		if x[i] = uint32(rng.IntN(1000)) << 8; i%29 == 28 {
			x[i] = ^uint32(0)
		}
	}
	for _, n := range []int{1, 8, 100} {
		b.Run(fmt.Sprintf("lanes=%d", n), func(b *testing.B) {
			lanes, leaves := make([]Lane, n), make([]uint32, n)
			for i := 0; b.Loop(); i++ {
				for l := range lanes {
					lanes[l] = Lane{uint32(roots[l]), uint32(i % 1000 * 29), uint32(l)}
				}
				Walk(nodes, 6, x, lanes, leaves)
			}
		})
	}
}
