package hist

import (
	"unsafe"

	"github.com/gram-ml/gram/internal/cpu"
)

const (
	// MaxLeaves is how many leaves a Tree has room for.
	MaxLeaves = 32
	// MaxBytes is how many bytes a row has at most that [Score] takes.
	MaxBytes = 64
	// Chunk is what the bytes of a row are a multiple of.
	Chunk = 16
	// Missing is the bin of a missing value.
	Missing = 255
)

// A Tree is a tree of at most 32 leaves for rows of bins, a byte each. All nodes are looked
// at, at once: bit i of what they say is set if node i sends the row left, and the leaf is
// the one whose path agrees.
type Tree struct {
	features [32]uint8  // by node
	bins     [32]uint8  // what goes left does not exceed
	want     [32]uint32 // by place of a leaf: which nodes of its path send left
	mask     [32]uint32 // and which nodes are on it
	values   [32]float64
	missing  uint32     // nodes that send missing values left
	_        [15]uint32 // to whole cache lines
}

// place returns where the path of a leaf is, so that the leaf's number is the bit that a
// comparison of all paths comes out with.
func place(leaf int) int { return leaf%16/4*8 + leaf%4 + leaf/16*4 }

// Clear makes t a tree without leaves.
func (t *Tree) Clear() {
	*t = Tree{}
	for i := range t.want {
		t.want[i] = 1 // of a mask of 0: never
	}
}

// SetNode sets what node i tests: it sends left if bin feature is at most bin, or missing and
// missingLeft.
func (t *Tree) SetNode(i int, feature, bin uint8, missingLeft bool) {
	t.features[i], t.bins[i] = feature, bin
	if missingLeft {
		t.missing |= 1 << i
	}
}

// SetLeaf sets a leaf: the nodes on its path, those of them that send left, and its value.
func (t *Tree) SetLeaf(leaf int, mask, left uint32, value float64) {
	t.mask[place(leaf)], t.want[place(leaf)], t.values[leaf] = mask, left, value
}

// leaf returns the value of the leaf of a row.
func (t *Tree) leaf(row []uint8) float64 {
	goes := t.missing
	for i, f := range t.features {
		b := row[f]
		if b != Missing {
			goes &^= 1 << i
		}
		if b <= t.bins[i] {
			goes |= 1 << i
		}
	}
	for l := range MaxLeaves {
		if p := place(l); goes&t.mask[p] == t.want[p] {
			return t.values[l]
		}
	}
	panic("hist: no leaf")
}

// CanScore tells whether this processor has a fast [Score].
func CanScore() bool { return cpu.Current() >= cpu.AVX2 }

// Score adds the values of every step-th tree, from the first on, to the scores of n rows of
// width bytes, which are to apart. missing tells whether a bin may be Missing.
func Score(scores []float64, to int, rows []uint8, n, width int, trees []Tree, step int, missing bool) {
	count := (len(trees) + step - 1) / step
	if n == 0 || count == 0 {
		return
	}
	if !CanScore() {
		for t := 0; t < len(trees); t += step {
			for i := range n {
				scores[i*to] += trees[t].leaf(rows[i*width : (i+1)*width])
			}
		}
		return
	}
	out, row, tree, bytes := &scores[0], &rows[0], (*uint8)(unsafe.Pointer(&trees[0])), step*int(unsafe.Sizeof(Tree{}))
	switch width / Chunk {
	case 1:
		score1AVX2(out, 8*to, row, n, tree, bytes, count, missing)
	case 2:
		score2AVX2(out, 8*to, row, n, tree, bytes, count, missing)
	case 3:
		score3AVX2(out, 8*to, row, n, tree, bytes, count, missing)
	case 4:
		score4AVX2(out, 8*to, row, n, tree, bytes, count, missing)
	}
}
