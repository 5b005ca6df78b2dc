package hist

import (
	"math/rand/v2"
	"testing"

	"github.com/gram-ml/gram/internal/floattest"
)

// grow sets t to a random tree and returns what a walk through it gives.
func grow(t *Tree, leaves, width int, rng *rand.Rand) func(row []uint8) float64 {
	type node struct {
		feature, bin int
		missingLeft  bool
		left, right  int // nodes; ^leaf for leaves
	}
	t.Clear()
	nodes := []node{}
	next := 0
	var build func(leaves int, mask, left uint32) int
	build = func(leaves int, mask, left uint32) int {
		if leaves == 1 {
			t.SetLeaf(next, mask, left, float64(next)+0.5)
			next++
			return ^(next - 1)
		}
		at := len(nodes)
		n := node{feature: rng.IntN(width), bin: rng.IntN(255), missingLeft: rng.IntN(2) == 0}
		nodes = append(nodes, n)
		t.SetNode(at, uint8(n.feature), uint8(n.bin), n.missingLeft)
		k := 1 + rng.IntN(leaves-1)
		l := build(k, mask|1<<at, left|1<<at)
		r := build(leaves-k, mask|1<<at, left)
		nodes[at].left, nodes[at].right = l, r
		return at
	}
	root := build(leaves, 0, 0)
	return func(row []uint8) float64 {
		at := root
		for at >= 0 {
			n := nodes[at]
			b := int(row[n.feature])
			if b == Missing && n.missingLeft || b != Missing && b <= n.bin {
				at = n.left
			} else {
				at = n.right
			}
		}
		return float64(^at) + 0.5
	}
}

func TestScore(t *testing.T) {
	floattest.Levels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for width := Chunk; width <= MaxBytes; width += Chunk {
			for _, leaves := range []int{1, 2, 3, 17, 31, 32} {
				for _, n := range []int{0, 1, 3, 50} {
					trees := make([]Tree, 5)
					walks := make([]func([]uint8) float64, len(trees))
					for i := range trees {
						walks[i] = grow(&trees[i], leaves, width, rng)
					}
					rows := make([]uint8, n*width)
					for i := range rows {
						rows[i] = uint8(rng.IntN(256))
						if missing := n == 50; !missing {
							rows[i] %= Missing
						} else if rng.IntN(4) == 0 {
							rows[i] = Missing
						}
					}
					got, want := make([]float64, 3*n), make([]float64, 3*n)
					for i := range n {
						for tree := 1; tree < len(trees); tree += 2 {
							want[3*i] += walks[tree](rows[i*width : (i+1)*width])
						}
					}
					if n > 0 {
						Score(got, 3, rows, n, width, trees[1:], 2, n == 50)
					}
					for i := range got {
						if got[i] != want[i] {
							t.Fatalf("width %d, %d leaves, row %d of %d: %v, want %v", width, leaves, i/3, n, got[i], want[i])
						}
					}
				}
			}
		}
	})
}
