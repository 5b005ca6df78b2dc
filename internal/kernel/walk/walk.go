// Package walk has the innermost loop of serving deep trees: walks from the root to a leaf, many at a
// time, because most of a walk is waiting for memory.
//
// As kernels do, the functions trust their arguments.
package walk

import (
	"unsafe"

	"github.com/gram-ml/gram/internal/cpu"
)

// A Node is a node of a tree. The low bits of Word say which value of a row it looks at, and the
// others how far ahead the child is that rows go to whose value is above Threshold; the
// other child follows the node. A leaf looks at a value that is above its Threshold and goes 0
// nodes ahead.
type Node[K uint32 | uint64] struct{ Threshold, Word K }

// A Lane is a walk: the node it is at, where its row begins among the values, and its number.
type Lane struct{ Node, Row, Number uint32 }

// Walk sets leaves[l.Number] to the low bits of the Threshold of the leaf that each lane l comes to.
// Words of nodes have shift bits for the value. It overwrites the lanes.
func Walk[K uint32 | uint64](nodes []Node[K], shift int, x []K, lanes []Lane, leaves []uint32) {
	switch {
	case len(lanes) == 0:
	case cpu.Current() < cpu.AVX2:
		walkPortable(nodes, shift, x, lanes, leaves)
	case unsafe.Sizeof(K(0)) == 4:
		walk32AVX2((*uint32)(unsafe.Pointer(&nodes[0])), shift, (*uint32)(unsafe.Pointer(&x[0])), &lanes[0].Node, len(lanes), &leaves[0])
	default:
		walk64AVX2((*uint64)(unsafe.Pointer(&nodes[0])), shift, (*uint64)(unsafe.Pointer(&x[0])), &lanes[0].Node, len(lanes), &leaves[0])
	}
}

// walkPortable is Walk in Go. A round of steps has one of each walk, so that none waits for another.
func walkPortable[K uint32 | uint64](nodes []Node[K], shift int, x []K, lanes []Lane, leaves []uint32) {
	mask := K(1)<<shift - 1
	for len(lanes) > 0 {
		going := 0
		for _, l := range lanes {
			n := nodes[l.Node]
			leaves[l.Number] = uint32(n.Threshold)
			step := uint32(1)
			if x[int(l.Row)+int(n.Word&mask)] > n.Threshold {
				step = uint32(n.Word >> shift)
			}
			l.Node += step
			lanes[going] = l
			going += int(min(step, 1))
		}
		lanes = lanes[:going]
	}
}
